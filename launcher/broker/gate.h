/*
 * gate.h -- the broker's main loop.
 */
#ifndef BROKER_GATE_H
#define BROKER_GATE_H

#include <stddef.h>

#include "worker/contract/error.h"

/*
 * Serves the launcher on control_fd until it goes away: 0.  -1: something
 * failed, and every leg ends with this process.  files_max: descriptors it may have.
 */
int	gate_run(int control_fd, size_t files_max, struct error *e);

#endif
