/*
 * reserve.h -- in a server's front: of each connector in use one parked worker that the supervisor has handed over before
 * it was asked for, so that a call need not wait for that.  It counts as parked there, and is used once as any.
 */
#ifndef CORE_RESERVE_H
#define CORE_RESERVE_H

#include "launcher/core/core.h"

#define RESERVES_MAX	64u

/* One for this plan, if there is one and its files are what they were; else NULL, and it is to be asked for. */
struct worker	*reserve_take(const struct nursery_plan *, void (*news)(void *), void *arg);
/* One such was just taken: the next call will want another. */
void		 reserve_want(const struct nursery_plan *);
/* They go: files have changed, or all ends. */
void		 reserve_forget(void);

#endif
