/*
 * sigv4.h -- AWS Signature Version 4: a request signed by itself, in its Authorization header.
 */
#ifndef REST_SIGV4_H
#define REST_SIGV4_H

#include "worker/runtime/bascule.h"

struct sigv4 {
	const char	*access_key, *secret_key;
	const char	*session_token;		/* of temporary credentials; NULL: none */
	const char	*region, *service;
};
#define SIGV4_DATE_BYTES	sizeof("20150830T123600Z")

/*
 * Appends X-Amz-Date, X-Amz-Security-Token and Authorization to lines, '\n' behind each.  All headers are signed but those that
 * a proxy or libcurl may change.  date: 20150830T123600Z.  -1 with *e.
 */
int	sigv4_sign(const struct sigv4 *, const char *date, const struct fetch_outgoing *, struct buf *lines, struct error *e);

#endif
