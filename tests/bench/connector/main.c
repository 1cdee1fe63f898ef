/*
 * main.c -- the bench's connector: one small record, no source.  What is
 * measured with it is the runtime's own.
 */
#include <openssl/ssl.h>
#include <curl/curl.h>

#include "worker/runtime/bascule.h"

/* About 200 bytes, as many as floor.c answers with. */
static cJSON *
account(struct call *c)
{
	cJSON	*attributes = cJSON_CreateObject();

	if (attributes == NULL || json_set_str(attributes, "firstName", "john") == -1 ||
	    json_set_str(attributes, "lastName", "doe") == -1 ||
	    json_set_str(attributes, "email", "john.doe@example.test") == -1 ||
	    json_set_str(attributes, "title", "0123456789012345678901234567890123456789") == -1) {
		cJSON_Delete(attributes);
		return NULL;
	}
	return object_new(c, c->identity, NULL, attributes);
}

static int
account_read(struct call *c)
{
	return emit_output(c, account(c));
}

/* The same with what a TLS connection needs made first, as libcurl makes it. */
static int
account_tls(struct call *c)
{
	CURL	*easy = curl_easy_init();
	SSL_CTX	*ctx = SSL_CTX_new(TLS_client_method());
	SSL	*ssl = ctx == NULL ? NULL : SSL_new(ctx);

	if (easy == NULL || ssl == NULL)
		return fail_generic(c, "TLS cannot start");
	return emit_output(c, account(c));
}

static const struct command_row	 rows[] = {
	{ "std:account:read", account_read },
	{ "bench:tls", account_tls },
};
CONNECTOR(rows)
