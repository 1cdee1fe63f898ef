/*
 * trace.c -- the W3C trace context of requests to a source: the caller's trace, a span of their own.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "worker/runtime/runtime.h"

static char	 trace[TRACEPARENT_BYTES + 1];	/* as the request has it; "": none */

/* given: TRACEPARENT_BYTES at most. */
void
trace_setup(const char *given)
{
	/* Most have none: then no page is written, and none has to be copied. */
	if (given[0] != '\0' || trace[0] != '\0')
		memcpy(trace, given, strlen(given) + 1);
}

bool
trace_next(char out[TRACEPARENT_BYTES + 1])
{
	uint64_t	 span = 0;

	if (trace[0] == '\0')
		return false;
	/* All zeros is no span. */
	while (span == 0)
		if (getrandom(&span, sizeof(span), 0) != (ssize_t)sizeof(span))
			return false;
	/* Version 00 knows one flag: whether the trace is kept. */
	(void)snprintf(out, TRACEPARENT_BYTES + 1, "00-%.32s-%016llx-0%d", trace + 3, (unsigned long long)span,
	    strchr("13579bdf", trace[TRACEPARENT_BYTES - 1]) != NULL);
	return true;
}
