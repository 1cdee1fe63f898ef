/*
 * write.h -- requests that change what the source knows, or carry a body.
 */
#ifndef PRACTICE_WRITE_H
#define PRACTICE_WRITE_H

#include "launcher/practice/practice.h"

void	write_create(struct exchange *, enum kind);
void	write_replace(struct exchange *, enum kind, uint64_t index);
void	write_patch(struct exchange *, enum kind, uint64_t index);
void	write_delete(struct exchange *, enum kind, uint64_t index);
void	write_search(struct exchange *, enum kind);	/* POST /Users/.search */
void	write_token(struct exchange *);			/* POST /oauth/token */

#endif
