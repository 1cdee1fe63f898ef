/*
 * instant.h -- times as sources write them: "iso" (2026-01-31T12:00:00Z), "epoch" (seconds), "epochms",
 * "http" (Sat, 31 Jan 2026 12:00:00 GMT).
 */
#ifndef REST_INSTANT_H
#define REST_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970; false: no such form, or the text is not of it. */
bool	instant_read(const char *form, const char *text, int64_t *ms);
/* False: no such form, or it does not fit. */
bool	instant_print(const char *form, int64_t ms, char *out, size_t n);
/* Is that form a number? */
bool	instant_is_number(const char *form);

#endif
