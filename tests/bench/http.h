/*
 * http.h -- a client that keeps its connection, for rows that ask a server.
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/contract/error.h"

#define HTTP_BUFFER_BYTES	(256 * 1024)
#define HTTP_LINE_BYTES		1024

enum http_part { HTTP_HEAD, HTTP_SIZE, HTTP_DATA, HTTP_DATA_END, HTTP_TRAILER, HTTP_PLAIN, HTTP_TO_END, HTTP_DONE };

struct http {
	int		 fd;
	char		 request[8192];
	size_t		 nrequest;
	/* Of the answer that is under way. */
	enum http_part	 part;
	char		 line[HTTP_LINE_BYTES];
	size_t		 nline;
	size_t		 left;		/* of a chunk, or of the body */
	int		 status;
	bool		 chunked;
	int64_t		 length;	/* -1: not told */
	int64_t		 start_ns, first_ns, end_ns;	/* first: of the body */
	uint64_t	 bytes, lines;	/* of the body */
};

/* place: "unix:PATH" or a port of 127.0.0.1. */
int	 http_open(struct http *, const char *place, struct error *e);
void	 http_close(struct http *);
/* What is asked from then on. */
int	 http_prepare(struct http *, const char *path, const char *body, struct error *e);
int	 http_send(struct http *, struct error *e);
/* One read: 1 the answer is whole, 0 there is more to come; -1 too if its status is not 200. */
int	 http_take(struct http *, struct error *e);
/* The two together, to the end. */
int	 http_ask(struct http *, struct error *e);

#endif
