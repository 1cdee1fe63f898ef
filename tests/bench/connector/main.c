/*
 * main.c -- the bench's connector: one small record, no source.  What is
 * measured with it is the runtime's own.
 */
#include <openssl/rand.h>
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

/* What OpenSSL draws: no two workers of one nursery may draw the same. */
static int
random_tell(struct call *c)
{
	unsigned char	 drawn[16];
	char		 text[2 * sizeof(drawn) + 1];
	cJSON		*data = cJSON_CreateObject();

	if (RAND_bytes(drawn, sizeof(drawn)) != 1)
		return fail_generic(c, "no random numbers");
	for (size_t i = 0; i < sizeof(drawn); i++)
		snprintf(text + 2 * i, 3, "%02x", drawn[i]);
	if (json_set_str(data, "drawn", text) == -1)
		return fail_generic(c, "no memory");
	return emit_output(c, data);
}

static const struct command_row	 rows[] = {
	{ "std:account:read", account_read },
	{ "bench:tls", account_tls },
	{ "bench:random", random_tell },
};
CONNECTOR(rows)
