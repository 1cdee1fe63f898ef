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

#define OWN_BYTES	512			/* of stack below scrub() that its last system call may use */
#define SLACK_BYTES	256			/* of a frame, beside what it asked for */
#define STACK_BYTES	((size_t)8 * MIB)	/* the limit of a stack; less of it is there */

static char	*heap;			/* where it begins */
static size_t	 page_bytes;

static char *
page_below(char *p)
{
	return p - ((uintptr_t)p & (page_bytes - 1));
}

void
scrub_setup(void)
{
	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	heap = (char *)sbrk(0) - mallinfo2().arena;
}

/* Zeroes the stack down to here, and touches nothing lower: it is too near to our own frames to be given back. */
static __attribute__((noinline)) void
stack_wipe(char *down_to)
{
	size_t	 n = (size_t)((char *)__builtin_frame_address(0) - down_to);
	char	*room;

	n = n > SLACK_BYTES ? n - SLACK_BYTES : 1;
	room = __builtin_alloca(n);
	explicit_bzero(room, n);
	/* Below every frame there is now; a call would be in its way. */
	for (volatile char *p = down_to; p < room; p++)
		*p = 0;
}

void
scrub(void)
{
	char	*end = sbrk(0), *here = __builtin_frame_address(0), *whole = page_below(heap + page_bytes - 1);

	if (heap != NULL && end > heap) {
		/* A static program's thread block, with the canary of every frame, is in front of it on its first page. */
		explicit_bzero(heap, (size_t)(whole - heap));
		(void)madvise(whole, (size_t)(end - whole), MADV_DONTNEED);
	}
	stack_wipe(page_below(here - OWN_BYTES));
	(void)madvise(page_below(here - OWN_BYTES) - STACK_BYTES, STACK_BYTES, MADV_DONTNEED);
}
