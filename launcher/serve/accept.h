/*
 * accept.h -- what a caller would have: form and coding of an answer, from its headers.
 */
#ifndef SERVE_ACCEPT_H
#define SERVE_ACCEPT_H

#include <stdbool.h>

enum form { FORM_NONE, FORM_LINES, FORM_EVENTS };
enum coding { CODING_NONE, CODING_GZIP, CODING_ZSTD };

struct accepted {
	enum form	 form;		/* FORM_NONE: nothing of ours would do */
	bool		 verdict;	/* a last record says how it ended */
	enum coding	 coding;
};

/* Either may be NULL. */
struct accepted	 accept_read(const char *accept, const char *accept_encoding);
/* True for application/json, whatever its parameters. */
bool		 is_json(const char *content_type);

#endif
