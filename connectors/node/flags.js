"use strict";
/*
 * flags.js -- first of all: the flag of the heap's limit is taken back, once the limit holds.
 *
 * Node's own modules come with V8's code for them, which V8 takes only where its flags are what they were when it was
 * made; with the limit (main.c) each module was compiled anew, half as much again as all else that a bundle's start costs.  The
 * heap got its limit when it was made, and keeps it.  Its own module of V8 would load a dozen others before.
 *
 * A thread's heap gets its limit by the flag as well, when it is made: the flag is given again to a bundle that asks for
 * threads, as bundles do, by require().
 */
const Module = require("module");
const FLAG = "--max-old-space-size=", THREADS = ["worker_threads", "node:worker_threads"];
const load = Module._load, limit = process.execArgv.find((flag) => flag.startsWith(FLAG));

function set(flag) {
	const said = process.noDeprecation;

	try {
		process.noDeprecation = true;
		process.binding("v8").setFlagsFromString(flag);
	} catch {
		/* Another Node: it goes on as it is, and slower. */
	} finally {
		process.noDeprecation = said;
	}
}

if (limit !== undefined) {
	let away = true;

	set(`${FLAG}0`);
	Module._load = function (name, parent, ...rest) {
		/* The host itself starts none. */
		if (away && THREADS.includes(name) && parent !== process.mainModule) {
			away = false;
			set(limit);
		}
		return load.call(this, name, parent, ...rest);
	};
}
