/*
 * worker.h -- between main.c and nursery.c.
 */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H

#include <stdbool.h>

/* Forks workers on order; returns (true) in each worker, walls up, descriptors in place. */
bool	nursery_run(unsigned int waived);

#endif
