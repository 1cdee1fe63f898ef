/*
 * copied.h -- which texts of a row its mapping looks at, and which it only copies.
 */
#ifndef REST_COPIED_H
#define REST_COPIED_H

#include "connectors/rest/describe.h"

#define COPIED_LOOKED_MAX	64u

struct copied {
	struct row_text	 looked[COPIED_LOOKED_MAX];	/* members of a row, of the description's */
	size_t		 nlooked;
};

/* False: records of the object are made of more than the row and the configuration, or not each row is one. */
bool	 copied_read(struct copied *, const struct object *);
bool	 copied_looks(const struct copied *, const struct row_text *names, size_t n);

#endif
