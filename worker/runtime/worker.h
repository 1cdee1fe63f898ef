/*
 * worker.h -- between main.c, nursery.c, heap.c, inherit.c and scrub.c.
 */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H

#include <stdbool.h>

enum workers {
	WORKERS_MANY,
	WORKERS_ONE,	/* it is forked once: its heap is not readied for others */
	WORKERS_GUEST	/* a worker is to become another program, and puts up its walls itself (worker/guest) */
};
/* Forks workers on order; returns in each worker, walls up, descriptors in place: true if it is to be parked. */
bool	nursery_run(unsigned int waived, enum workers);

/* While the heap is small and in one piece: notes where it begins. */
void	scrub_setup(void);
/*
 * Gives back the heap and the stack below the caller.  No memory of either may be used
 * after that: what is left to do is a write from static memory, and the end.
 */
void	scrub(void);

/*
 * Leaves nothing free in the heap but its top, which is made wide enough for an ordinary
 * command: each page that a forked worker writes to is copied first, and free blocks lie on many.
 */
void	heap_settle(void);
/* Nodes of trees are allocated from those that were freed; before the first is. */
void	heap_nodes(void);
/* In a parked worker: has the first pages of that top copied now, in one call, instead of by a fault for each. */
void	heap_populate(void);
/* Before stage 2: forks copy the page tables of that text which is run from here on, instead of none. */
void	text_inherit(void);

#endif
