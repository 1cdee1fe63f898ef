/*
 * found.h -- what was found at paths of connectors, while nothing there changes.
 */
#ifndef CORE_FOUND_H
#define CORE_FOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/core/invoke.h"

/* true: *r is what came of it, and *ref is filled where that is 0.  It shares the specification: connector_free(). */
bool	found_get(const char *path, struct connector_ref *ref, int *r);
/* Keeps it, if it is one that only the files that are watched decide about.  The specification is shared from now on. */
void	found_put(const char *path, struct connector_ref *ref, int r);
/* The bell that rings before anything that decides about it is written: the rest is its program, and that runs.  0: none does; of NULL, too. */
uint32_t found_bell(const struct found *);
/* ref has it no more. */
void	found_drop(struct connector_ref *ref);
/* Nothing of it is believed any more. */
void	found_forget(void);

#endif
