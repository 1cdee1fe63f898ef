/*
 * list.h -- pages of resources, and single ones.
 */
#ifndef PRACTICE_LIST_H
#define PRACTICE_LIST_H

#include "launcher/practice/practice.h"

void	list_answer(struct exchange *, enum kind);			/* GET /Users, /Groups */
void	list_read(struct exchange *, enum kind, uint64_t index);	/* GET /Users/id */
/* The resource in full after a write. */
void	list_written(struct exchange *, enum kind, uint64_t index, int status);
void	list_by_cursor(struct exchange *, enum kind);			/* GET /cursor/Users */
void	list_by_link(struct exchange *, enum kind);			/* GET /link/Users */

#endif
