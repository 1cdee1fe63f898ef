/*
 * moment.h -- points in time as text, RFC 3339.
 */
#ifndef SERVE_MOMENT_H
#define SERVE_MOMENT_H

#include <stdint.h>

#define MOMENT_BYTES	32

/* "2026-11-24T12:00:00.123Z" */
void	moment_print(int64_t wall_ms, char out[MOMENT_BYTES]);
/* With or without a fraction, which is cut to milliseconds; Z or an offset.  -1: it is none. */
int	moment_read(const char *text, int64_t *wall_ms);

#endif
