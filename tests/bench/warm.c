/*
 * warm.c -- a program of libcurl that runs already: what a page of accounts costs where nothing but libcurl and the
 * authorities are kept.
 *
 *	warm URL BEHIND AUTHORITY TOKEN SOCKET
 *
 * For each byte that comes on the connection: a new TLS connection, one page, a line for each of its rows, and a line
 * with a dot.  Where that byte is '2', BEHIND is asked too on the same connection, before the dot: what is behind the last
 * row, as a connector does that proves its list complete.
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

/* The document at that place; last: the connection is not kept. */
static cJSON *
get(CURL *c, const char *url, long fresh, long last)
{
	CURLcode	 r;
	long		 status = 0;
	cJSON		*doc;

	body.len = 0;
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, fresh);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, last);
	if ((r = curl_easy_perform(c)) != CURLE_OK)
		errx(1, "%s", curl_easy_strerror(r));
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 || (doc = cJSON_ParseWithLength(body.at, body.len)) == NULL)
		errx(1, "status %ld", status);
	return doc;
}

static void
page(CURL *c, const char *url, const char *behind, FILE *out)
{
	cJSON		*doc = get(c, url, 1, behind == NULL);
	const cJSON	*row;
	char		*text;

	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(doc, "Resources")) {
		if ((text = cJSON_PrintUnformatted(row)) == NULL)
			errx(1, "no memory");
		fprintf(out, "%s\n", text);
		free(text);
	}
	fflush(out);
	cJSON_Delete(doc);
	if (behind != NULL)
		cJSON_Delete(get(c, behind, 0, 1));
	fputs(".\n", out);
	fflush(out);
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

	if (argc != 6)
		errx(64, "usage: warm URL BEHIND AUTHORITY TOKEN SOCKET");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (c = curl_easy_init()) == NULL ||
	    (body.at = malloc(BODY_BYTES)) == NULL)
		errx(1, "libcurl cannot start");
	snprintf(token, sizeof(token), "Authorization: Bearer %s", argv[4]);
	head = curl_slist_append(NULL, token);
	curl_easy_setopt(c, CURLOPT_CAINFO, argv[3]);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
	/* Authorities are kept by libcurl (CURLOPT_CA_CACHE_TIMEOUT); connections and sessions are not. */
	curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	fd = caller_wait(argv[5]);
	if ((out = fdopen(fd, "w")) == NULL)
		err(1, "fdopen");
	while (read(fd, &order, 1) == 1)
		page(c, argv[1], order == '2' ? argv[2] : NULL, out);
	curl_easy_cleanup(c);
	curl_slist_free_all(head);
	return 0;
}
