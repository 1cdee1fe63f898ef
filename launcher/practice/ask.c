/*
 * ask.c -- POST that asks and changes nothing: a search, and a token for client credentials.
 */
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <openssl/evp.h>

#include "launcher/practice/filter.h"
#include "launcher/practice/list.h"
#include "launcher/practice/write.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define FORM_BYTES_MAX	4096

/* An array of names becomes what would stand in a query. */
static void
copy_parameter(struct exchange *x, const cJSON *body, const char *name)
{
	const cJSON	*v = filter_member(body, name), *element;
	char		 scratch[32];
	const char	*text;
	autobuf		 list;

	buf_init(&list, BODY_BYTES_MAX);
	if (v == NULL)
		return;
	if ((text = json_scalar_text(v, scratch, sizeof(scratch))) != NULL)
		buf_adds(&list, text);
	cJSON_ArrayForEach(element, v)
		if (cJSON_IsArray(v) && cJSON_IsString(element)) {
			buf_adds(&list, list.len > 0 ? "," : "");
			buf_adds(&list, element->valuestring);
		}
	if (!list.failed && list.len > 0)
		evhttp_add_header(&x->query, name, list.data);
}

void
write_search(struct exchange *x, enum kind kind)
{
	static const char *const names[] = { "filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy" };
	autojson		*body = exchange_body(x);

	if (body == NULL)
		return;
	for (size_t i = 0; i < N_ITEMS(names); i++)
		copy_parameter(x, body, names[i]);
	list_answer(x, kind);
}

static bool
is_client(const char *id, const char *secret)
{
	return id != NULL && secret != NULL && strcmp(id, CLIENT_ID) == 0 && strcmp(secret, CLIENT_SECRET) == 0;
}

static bool
is_basic_client(const struct exchange *x)
{
	static const char	 pair[] = CLIENT_ID ":" CLIENT_SECRET;
	unsigned char		 wanted[sizeof(pair) * 2];
	const char		*sent;

	sent = evhttp_find_header(evhttp_request_get_input_headers(x->req), "Authorization");
	EVP_EncodeBlock(wanted, (const unsigned char *)pair, sizeof(pair) - 1);
	return sent != NULL && strncasecmp(sent, "Basic ", 6) == 0 && strcmp(sent + 6, (const char *)wanted) == 0;
}

/* An OAuth error, which is no SCIM error. */
static void
refuse(struct exchange *x, int status, const char *word)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL) {
		answer_empty(x, 500);
		return;
	}
	evbuffer_add_printf(body, "{\"error\":\"%s\"}", word);
	answer_body(x, status, "application/json", body);
}

static void
grant(struct exchange *x)
{
	int64_t		 good_s = x->weather.value[WEATHER_EXPIRE] != 0 ? x->weather.value[WEATHER_EXPIRE] : TOKEN_GOOD_S;
	struct evbuffer	*body = evbuffer_new();
	char		 token[33];

	if (body == NULL) {
		answer_empty(x, 500);
		return;
	}
	tokens_issue(x->p->tokens, good_s * 1000, x->weather.value[WEATHER_EXPIRE_AFTER], token);
	evbuffer_add_printf(body, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%lld}", token,
	    (long long)good_s);
	answer_header(x, "Cache-Control", "no-store");
	answer_body(x, 200, "application/json", body);
}

void
write_token(struct exchange *x)
{
	struct evbuffer	*in = evhttp_request_get_input_buffer(x->req);
	size_t		 n = evbuffer_get_length(in);
	char		 form[FORM_BYTES_MAX + 1];
	struct evkeyvalq fields;
	const char	*type;

	if (x->method != EVHTTP_REQ_POST || n > FORM_BYTES_MAX) {
		refuse(x, 400, "invalid_request");
		return;
	}
	evbuffer_remove(in, form, n);
	form[n] = '\0';
	TAILQ_INIT(&fields);
	if (n > 0 && evhttp_parse_query_str(form, &fields) == -1) {
		refuse(x, 400, "invalid_request");
		return;
	}
	type = evhttp_find_header(&fields, "grant_type");
	if (type == NULL || strcmp(type, "client_credentials") != 0)
		refuse(x, 400, "unsupported_grant_type");
	else if (is_basic_client(x) ||
	    is_client(evhttp_find_header(&fields, "client_id"), evhttp_find_header(&fields, "client_secret")))
		grant(x);
	else
		refuse(x, 401, "invalid_client");
	evhttp_clear_headers(&fields);
}
