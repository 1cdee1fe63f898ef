/*
 * heap.c -- the nursery's heap as its workers find it.
 *
 * Loading leaves hundreds of free blocks behind.  A worker's first allocations
 * would sort and take them, page by page, and in a forked process each page
 * written to costs a fault and a copy: half of what a worker costs in all.  So the
 * nursery takes them itself, and its workers allocate side by side from the top.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "worker/contract/limits.h"
#include "worker/runtime/runtime.h"
#include "worker/runtime/worker.h"

#define TOP_BYTES	(96 * KIB)	/* below what malloc would give back */
#define POPULATE_BYTES	(64 * KIB)	/* of it, that a parked worker has copied before it is asked */
#define LARGE_BYTES	(64 * KIB)	/* larger free blocks are used up in pieces of this size */
#define SMALL_BYTES	1032		/* from here down malloc keeps freed blocks by size ... */
#define SMALL_STEP	16		/* ... in such steps */
#define BLOCKS_MAX	100000		/* of one size */
#define PAGE_BYTES	(4 * KIB)
#define HEAD_BYTES	8		/* of a block, in front of it */

/*
 * Freed nodes of trees, to be taken again: each row of a list has dozens, and malloc's own such lists hold seven.  What
 * lies here are ordinary blocks of malloc's, which free() may have.
 */
#define NODE_BYTES_MAX	136		/* a node and a text behind it */
#define NODE_STEP	16
#define NODES_MAX	256		/* of a size */

struct node {
	struct node	*next;
};
static struct {
	struct node	*first[NODE_BYTES_MAX / NODE_STEP + 1];
	uint16_t	 n[NODE_BYTES_MAX / NODE_STEP + 1];
} nodes WORKER_STATE;

static char	*fresh;		/* where a worker's own allocations begin, on a page */

static void	*volatile block;	/* volatile: a compiler may leave out an allocation that nobody looks at */

/* Takes what is free in blocks of this size, until one comes from the top; that one goes back if it becomes top again. */
static void
take_free(size_t bytes, uintptr_t top)
{
	int	 n = 0;

	do
		block = malloc(bytes);
	while (block != NULL && (uintptr_t)block < top && ++n < BLOCKS_MAX);
	if (bytes > SMALL_BYTES)
		free(block);
}

void
heap_settle(void)
{
	uintptr_t	 top;

	memset(&nodes, 0, sizeof(nodes));	/* they lie anywhere, and stay taken */
	malloc_trim(0);
	top = (uintptr_t)sbrk(0) - mallinfo2().keepcost;
	for (size_t n = LARGE_BYTES; n > SMALL_BYTES; n /= 2)
		take_free(n, top);
	for (size_t n = SMALL_BYTES; n >= SMALL_STEP; n -= SMALL_STEP)
		take_free(n, top);
	/* The top begins with a page: what fits into one shall need one. */
	top = (uintptr_t)sbrk(0) - mallinfo2().keepcost;
	block = malloc(2 * PAGE_BYTES - top % PAGE_BYTES - HEAD_BYTES);
	block = malloc(TOP_BYTES);
	fresh = (char *)block;
	free(block);
}

void
heap_populate(void)
{
	size_t	 bytes = fresh == NULL ? 0 : (size_t)((char *)sbrk(0) - fresh);

	if (bytes > POPULATE_BYTES)
		bytes = POPULATE_BYTES;
	/* A kernel before 5.14 has no such call: then each page has its fault. */
	if (bytes > 0)
		(void)madvise((char *)(uintptr_t)((uintptr_t)fresh & ~(uintptr_t)(PAGE_BYTES - 1)), bytes, MADV_POPULATE_WRITE);
}

#ifndef BASCULE_SANITIZER	/* it looks after blocks itself */
/* Usable bytes of a block are 8 more than a multiple of 16: this is the multiple. */
static size_t
node_size(size_t bytes)
{
	return (bytes + NODE_STEP - 1 - HEAD_BYTES) / NODE_STEP;
}

static void *
node_alloc(size_t bytes)
{
	size_t		 i = bytes < NODE_STEP ? 1 : node_size(bytes);
	struct node	*p = bytes <= NODE_BYTES_MAX ? nodes.first[i] : NULL;

	if (p == NULL)
		return malloc(bytes);
	nodes.first[i] = p->next;
	nodes.n[i]--;
	return p;
}

static void
node_free(void *p)
{
	size_t		 bytes = p == NULL ? 0 : malloc_usable_size(p), i = node_size(bytes);
	struct node	*node = p;

	if (bytes < NODE_STEP || bytes > NODE_BYTES_MAX || bytes % NODE_STEP != HEAD_BYTES || nodes.n[i] == NODES_MAX) {
		free(p);
		return;
	}
	if (nodes.first[i] == node)
		abort();	/* freed twice */
	node->next = nodes.first[i];
	nodes.first[i] = node;
	nodes.n[i]++;
}

void
heap_nodes(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){ node_alloc, node_free });
}
#else
void
heap_nodes(void)
{
}
#endif
