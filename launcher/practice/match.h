/*
 * match.h -- which resources a filter lets through.
 */
#ifndef PRACTICE_MATCH_H
#define PRACTICE_MATCH_H

#include "launcher/practice/filter.h"
#include "launcher/practice/people.h"

/*
 * How many match in all.  The indexes of those from place skip on (at most
 * want) go to rows; *n is how many those are.
 */
uint64_t	 match_all(const struct people *, enum kind, const struct filter *, uint64_t skip, uint64_t want,
		    uint64_t *rows, uint64_t *n);

#endif
