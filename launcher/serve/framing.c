/*
 * framing.c -- headers that say where a request ends, and for whom it is.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "launcher/serve/framing.h"

#define TOKEN	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
is_length(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

const char *
framing_wrong(struct evhttp_request *req)
{
	unsigned int	 lengths = 0, codings = 0, hosts = 0;
	struct evkeyval	*h;

	if (req->major != 1 || req->minor < 0 || req->minor > 1)
		return "HTTP/1.1 is spoken here";
	TAILQ_FOREACH(h, evhttp_request_get_input_headers(req), next) {
		if (h->key[0] == '\0' || h->key[strspn(h->key, TOKEN)] != '\0')
			return "a header's name is none";
		if (strcasecmp(h->key, "Content-Length") == 0) {
			lengths++;
			if (!is_length(h->value))
				return "Content-Length is no number";
		} else if (strcasecmp(h->key, "Transfer-Encoding") == 0) {
			codings++;
			if (strcasecmp(h->value, "chunked") != 0)
				return "Transfer-Encoding: chunked is wanted, or none";
		} else if (strcasecmp(h->key, "Host") == 0)
			hosts++;
	}
	if (lengths + codings > 1)
		return "its length is given more than once";
	if (hosts > 1 || (hosts == 0 && req->minor == 1))
		return "one Host header is wanted";
	return NULL;
}
