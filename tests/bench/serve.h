/*
 * serve.h -- bascule serve beside the rows, on a unix socket.
 */
#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H

#include "tests/bench/bench.h"

#define SERVER_FOLDERS_MAX	4
#define SERVER_OPTIONS_MAX	9
#define SERVER_SOCKET_BYTES	108

struct server {
	struct service	 service;
	const char	*connectors[SERVER_FOLDERS_MAX];	/* folders of the build */
	const char	*options[SERVER_OPTIONS_MAX];
	char		 socket[SERVER_SOCKET_BYTES];
	char		 place[SERVER_SOCKET_BYTES + 8];	/* for http_open() */
};

/* At its first use; what it says goes to bench/NAME.log. */
int	 server_start(struct server *, struct error *e);

/* BENCH_REQUEST as a caller by HTTP sends it: nobody but a worker is told a version. */
#define HTTP_REQUEST \
	"{\"id\":\"0b5b2f0e-8f0e-4f3e-9f51-7a8f6a0c2d11\",\"type\":\"std:account:read\"," \
	"\"config\":{\"baseUrl\":\"https://api.example.test/v2\",\"token\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"," \
	"\"timeoutMs\":5000},\"input\":{\"identity\":\"john.doe\",\"key\":{\"simple\":{\"id\":\"john.doe\"}}}}"
#define STREAM_PEOPLE	1000000
#define STREAM_QUICK	50000
int	 stream_people(void);
/* Accounts a second of a list of all that a source has, by any server at that place. */
int	 stream_rate(const char *place, const char *path, struct practice *, struct sample *, struct error *e);

#endif
