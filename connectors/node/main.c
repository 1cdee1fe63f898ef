/*
 * main.c -- with which arguments a worker becomes Node.
 */
#include <stdio.h>

#include "worker/guest/guest.h"

#define HEAP_PERCENT	75		/* of the memory limit, for JavaScript's heap; the rest is Node's, buffers and code */
#define HOST		"host.js"

/* The bundle's own is made inside (context.js). */
const char *const guest_environment[] = { NULL };

void
guest_arguments(const struct guest_start *g, const char **argv)
{
	static char	 heap[64], host[4096 + sizeof(HOST)], code[4096 + 24];
	size_t		 n = 0;

	snprintf(heap, sizeof(heap), "--max-old-space-size=%lu", g->memory_mib * HEAP_PERCENT / 100);
	snprintf(host, sizeof(host), "%s/" HOST, g->home);
	argv[n++] = g->program;
	argv[n++] = heap;			/* V8 would take what the machine has, and die without a word */
	argv[n++] = "--no-addons";		/* refused with its name, not by a missing file */
	argv[n++] = "--no-global-search-paths";	/* modules come with the bundle */
	argv[n++] = host;
	if (g->parked)
		argv[n++] = "--ahead";
	if (g->code != NULL) {
		/* V8 takes none that was made under another limit (launcher/core/code.c). */
		snprintf(code, sizeof(code), "%s/%lu", g->code, g->memory_mib);
		argv[n++] = "--cache";
		argv[n++] = code;
	}
	if (g->linked != NULL) {
		argv[n++] = "--customizer";
		argv[n++] = g->linked;
	}
	argv[n++] = "--name";
	argv[n++] = g->name;
	argv[n++] = g->folder;
	argv[n] = NULL;
}
