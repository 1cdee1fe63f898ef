/*
 * main.c -- the bench's connector: one small record, no source.  What is
 * measured with it is the runtime's own.
 */
#include <poll.h>

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

/* As many of them as input.records says. */
static int
account_records(struct call *c)
{
	int64_t	 n = json_i64(c->input, "records", 0);

	for (int64_t i = 0; i < n; i++)
		if (emit_output(c, account(c)) == -1)
			return -1;
	return 0;
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

/* The record, and then nothing: it lives until it is killed. */
static int
wait_behind(int emitted)
{
	while (emitted == 0)
		(void)poll(NULL, 0, -1);
	return -1;
}

static int
account_wait(struct call *c)
{
	return wait_behind(account_read(c));
}

static int
account_tls_wait(struct call *c)
{
	return wait_behind(account_tls(c));
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
	{ "std:account:list", account_records },
	{ "bench:wait", account_wait },
	{ "bench:tls", account_tls },
	{ "bench:tls-wait", account_tls_wait },
	{ "bench:random", random_tell },
};
CONNECTOR(rows)
