/*
 * keyed.h -- a hash of texts that nobody can compute beforehand: SipHash, 64 bits, under a secret of its own.
 */
#ifndef REST_KEYED_H
#define REST_KEYED_H

#include <stdint.h>

struct keyed;
struct keyed	*keyed_new(void);
void		 keyed_free(struct keyed *);
/* 0; -1: libcrypto failed. */
int		 keyed_hash(const struct keyed *, const char *text, uint64_t *hash);

#endif
