/*
 * scrub.c -- nothing of a request is left in memory when its verdict is written.
 *
 * The request's own tree and buffers are zeroed where they are freed.  Copies are
 * everywhere else: libcurl's headers, TLS, what a connector left behind.  So the
 * whole heap and the stack below are given back to the kernel, which costs nothing: the
 * process would end a moment later and return the same pages.
 */
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker/contract/limits.h"
#include "worker/runtime/worker.h"

#define NEAR_BYTES	(32 * KIB)		/* of stack, zeroed in place; half of it is more than we use ourselves */
#define STACK_BYTES	((size_t)8 * MIB)	/* the limit of a stack; less of it is there */

static char	*heap;			/* where it begins */

static char *
page_below(char *p)
{
	return p - ((uintptr_t)p & ((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
}

void
scrub_setup(void)
{
	heap = page_below((char *)sbrk(0) - mallinfo2().arena);
}

/* What is too near to our own frames to be given back. */
static __attribute__((noinline)) void
stack_wipe(void)
{
	char	 below[NEAR_BYTES];

	explicit_bzero(below, sizeof(below));
}

void
scrub(void)
{
	char	*end = sbrk(0), *here = __builtin_frame_address(0);

	if (heap != NULL && end > heap)
		(void)madvise(heap, (size_t)(end - heap), MADV_DONTNEED);
	stack_wipe();
	(void)madvise(page_below(here - NEAR_BYTES / 2) - STACK_BYTES, STACK_BYTES, MADV_DONTNEED);
}
