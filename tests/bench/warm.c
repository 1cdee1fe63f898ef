/*
 * warm.c -- a program of libcurl that runs already: what a page of accounts costs where nothing but libcurl and the
 * authorities are kept.
 *
 *	warm URL AUTHORITY TOKEN SOCKET
 *
 * For each byte that comes on the connection: a new TLS connection, one page, a line for each of its rows, and a line
 * with a dot.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#define BODY_BYTES	(4 * 1024 * 1024)

static struct body {
	char	*at;
	size_t	 len;
} body;

static size_t
body_take(char *data, size_t size, size_t n, void *arg)
{
	struct body	*b = arg;

	n *= size;
	if (b->len + n >= BODY_BYTES)
		return 0;
	memcpy(b->at + b->len, data, n);
	b->len += n;
	return n;
}

static void
page(CURL *c, FILE *out)
{
	CURLcode	 r;
	long		 status = 0;
	cJSON		*doc;
	const cJSON	*row;
	char		*text;

	body.len = 0;
	if ((r = curl_easy_perform(c)) != CURLE_OK)
		errx(1, "%s", curl_easy_strerror(r));
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 || (doc = cJSON_ParseWithLength(body.at, body.len)) == NULL)
		errx(1, "status %ld", status);
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(doc, "Resources")) {
		if ((text = cJSON_PrintUnformatted(row)) == NULL)
			errx(1, "no memory");
		fprintf(out, "%s\n", text);
		free(text);
	}
	fputs(".\n", out);
	fflush(out);
	cJSON_Delete(doc);
}

static int
caller_wait(const char *path)
{
	struct sockaddr_un	 a = { .sun_family = AF_UNIX };
	int			 fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd == -1 || bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 || listen(fd, 1) == -1)
		err(1, "%s", path);
	puts("ready");
	fflush(stdout);
	if ((fd = accept(fd, NULL, NULL)) == -1)
		err(1, "accept");
	(void)unlink(path);
	return fd;
}

int
main(int argc, char **argv)
{
	struct curl_slist	*head;
	char			 token[256], order;
	CURL			*c;
	FILE			*out;
	int			 fd;

	if (argc != 5)
		errx(64, "usage: warm URL AUTHORITY TOKEN SOCKET");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (c = curl_easy_init()) == NULL ||
	    (body.at = malloc(BODY_BYTES)) == NULL)
		errx(1, "libcurl cannot start");
	snprintf(token, sizeof(token), "Authorization: Bearer %s", argv[3]);
	head = curl_slist_append(NULL, token);
	curl_easy_setopt(c, CURLOPT_URL, argv[1]);
	curl_easy_setopt(c, CURLOPT_CAINFO, argv[2]);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
	/* Authorities are kept by libcurl (CURLOPT_CA_CACHE_TIMEOUT); connections and sessions are not. */
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	fd = caller_wait(argv[4]);
	if ((out = fdopen(fd, "w")) == NULL)
		err(1, "fdopen");
	while (read(fd, &order, 1) == 1)
		page(c, out);
	curl_easy_cleanup(c);
	curl_slist_free_all(head);
	return 0;
}
