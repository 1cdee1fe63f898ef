/*
 * page.h -- one reply of resources, made piece by piece.
 */
#ifndef PRACTICE_PAGE_H
#define PRACTICE_PAGE_H

#include "launcher/practice/practice.h"
#include "launcher/practice/render.h"

struct page {
	struct source		 source;	/* first: it is one */
	const struct people	*people;
	enum kind		 kind;
	struct projection	 projection;
	bool			 with_members;
	char			 tail[64];	/* behind the last row */
	uint64_t		 place;		/* of the next row in the list of all */
	uint64_t		 left;		/* rows still to come */
	uint64_t		*rows;		/* what they are, where a filter chose; else NULL */
	size_t			 at;		/* rows begun */
	bool			 in_members, member_begun;
	struct member_walk	 walk;
	struct evbuffer		*head;		/* before the first row */
};

/* NULL when out of memory. */
struct page	*page_new(const struct people *, enum kind, const struct projection *);

#endif
