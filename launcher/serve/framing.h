/*
 * framing.h -- does a request say only once, and in words that every reader takes alike, how long it is and for whom?
 *
 * evhttp takes the first of two lengths, "+5" for a length, and any coding whose name it does not know for none.  A proxy in
 * front may take the other: what it thinks is a body would be a request here.  Such a request is
 * refused, and its connection ends with the answer.
 */
#ifndef SERVE_FRAMING_H
#define SERVE_FRAMING_H

#include <event2/http.h>

/* NULL, or what is wrong with it. */
const char	*framing_wrong(struct evhttp_request *);

#endif
