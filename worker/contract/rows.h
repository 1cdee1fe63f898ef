/*
 * rows.h -- takes a large JSON answer apart as it arrives, in flat memory.
 *
 * The elements of one array (named by a JSON pointer) come out one tree each;
 * everything else of the document is kept as the envelope, with that array
 * emptied.  SCIM: "/Resources" gives the users, the envelope has totalResults.
 */
#ifndef CONTRACT_ROWS_H
#define CONTRACT_ROWS_H

#include <stddef.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"

struct rows;

#define ROWS_SHORT	(-2)

struct rows_options {
	const char	*pointer;		/* of the array; "" where the document is the array */
	size_t		 row_bytes_max;		/* one element's text */
	size_t		 envelope_bytes_max;	/* the rest of the document */
	/* Gets each element; takes the row (frees it).  -1 with *e set stops the reading. */
	int		(*on_row)(void *arg, cJSON *row, struct error *e);
	void		*arg;
	/*
	 * May be NULL.  Before an object among the elements is read: the text from its '{' on, as far as there is any.  Returns
	 * how many bytes it took, which must be this one element, whole and valid; 0: it goes the usual way; -1 with *e set stops.
	 * ROWS_SHORT: it would say when there is more of it; once there is, or is not, it is asked again.
	 */
	ssize_t		(*on_text)(void *arg, const char *text, size_t n, struct error *e);
};

/* NULL: no memory. Strings in *o are copied. */
struct rows	*rows_new(const struct rows_options *o);
void		 rows_free(struct rows *);
int		 rows_feed(struct rows *, const char *, size_t, struct error *);
/* Within on_row: the element's text; NULL: it does not lie in one piece. */
const char	*rows_text(const struct rows *, size_t *len);
/*
 * After the last byte: 0 and *envelope owned by the caller; -1 if the document
 * was cut short, malformed, or had no array at the pointer and the pointer's
 * place held something else (absent or null: no rows, and that is legal:
 * the caller judges by the envelope).
 */
int		 rows_end(struct rows *, cJSON **envelope, struct error *);

#endif
