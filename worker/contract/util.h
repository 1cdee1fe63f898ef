/*
 * util.h -- the few helpers every room uses: array length, clocks, and scopes
 * that clean up after themselves.
 */
#ifndef CONTRACT_UTIL_H
#define CONTRACT_UTIL_H

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#define N_ITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* Monotonic time in milliseconds. */
static inline int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 2 * n digits and a NUL. */
static inline void
hex_put(char *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

/* The same in microseconds, for what takes so little. */
static inline int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* A cleanup runs between the failing call and the caller that reads errno: keep it. */
static inline void
fd_closep(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

static inline int
fd_steal(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void
ptr_freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	*(void **)p = NULL;
	errno = saved;
}

static inline void
json_freep(cJSON **j)
{
	cJSON_Delete(*j);
	*j = NULL;
}

static inline cJSON *
json_steal(cJSON **j)
{
	cJSON *taken = *j;

	*j = NULL;
	return taken;
}

#define autofd		__attribute__((cleanup(fd_closep))) int
#define autofree	__attribute__((cleanup(ptr_freep)))
#define autojson	__attribute__((cleanup(json_freep))) cJSON

#endif
