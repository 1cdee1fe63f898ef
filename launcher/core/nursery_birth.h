/*
 * nursery_birth.h -- for nursery.c only: the descriptors a nursery is born with, and its way from clone to exec.
 */
#ifndef CORE_NURSERY_BIRTH_H
#define CORE_NURSERY_BIRTH_H

#include "launcher/core/worker.h"

/* Each [0] is who reads, or ours of a socket pair; sync: a byte when the ids are mapped. */
struct birth {
	int	orders[2], complaint[2], sync[2];
};

int		 birth_open(struct birth *, struct error *e);
void		 birth_close(struct birth *);
/* In the child, between clone and exec. */
void		 birth_child(const struct nursery_plan *, const struct birth *, pid_t parent) __attribute__((noreturn));
/* What to do about a clone that failed so; "" if nothing is known. */
const char	*birth_hint(int err);

#endif
