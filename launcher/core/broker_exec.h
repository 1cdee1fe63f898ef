/*
 * broker_exec.h -- between broker.c and broker_exec.c.
 */
#ifndef CORE_BROKER_EXEC_H
#define CORE_BROKER_EXEC_H

#include <sys/types.h>

#include "worker/contract/error.h"

/* Starts it with control_fd (stays the caller's) as its descriptor 3.  Its pid once it runs, or -1. */
pid_t	broker_exec(const char *program, int control_fd, struct error *e);

#endif
