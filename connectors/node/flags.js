"use strict";
/*
 * flags.js -- first of all: the flag of the heap's limit is taken back, once the limit holds.
 *
 * Node's own modules come with V8's code for them, which V8 takes only where its flags are what they were when it was
 * made; with the limit (main.c) each module was compiled anew, half as much again as all else that a bundle's start costs.  The
 * heap got its limit when it was made, and keeps it.  Its own module of V8 would load a dozen others before.
 */
const said = process.noDeprecation;

try {
	process.noDeprecation = true;
	process.binding("v8").setFlagsFromString("--max-old-space-size=0");
} catch {
	/* Another Node: it goes on as it is, and slower. */
} finally {
	process.noDeprecation = said;
}
