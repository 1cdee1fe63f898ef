/*
 * moment.h -- points in time as text, RFC 3339.
 */
#ifndef SERVE_MOMENT_H
#define SERVE_MOMENT_H

#include <stdint.h>

#define MOMENT_BYTES	32
#define DURATION_BYTES	64

/* "2026-11-24T12:00:00.123Z" */
void	moment_print(int64_t wall_ms, char out[MOMENT_BYTES]);
/* With or without a fraction, which is cut to milliseconds; Z or an offset.  -1: it is none. */
int	moment_read(const char *text, int64_t *wall_ms);
/* As Go prints one: 0s, 56ms, 1.5s, 2m3.004s, 1h0m0s. */
void	duration_print(int64_t ms, char out[DURATION_BYTES]);

#endif
