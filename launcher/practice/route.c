/*
 * route.c -- takes a request apart, asks the weather and the token, and finds who answers.
 */
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "launcher/practice/list.h"
#include "launcher/practice/route.h"
#include "launcher/practice/write.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define RETRY_AFTER_S	1

static const struct json_limits body_limits = { .bytes_max = BODY_BYTES_MAX, .depth_max = 32, .nodes_max = 200000 };

static const char *const collection[] = {
	[KIND_USER] = "Users",
	[KIND_GROUP] = "Groups",
};
static_assert(N_ITEMS(collection) == KIND__MAX, "a collection for each kind");

const char *
exchange_query(const struct exchange *x, const char *name)
{
	return evhttp_find_header(&x->query, name);
}

bool
exchange_strikes(const struct exchange *x, enum weather_kind kind)
{
	return weather_strikes(&x->weather, kind, x->nth);
}

cJSON *
exchange_body(struct exchange *x)
{
	struct evbuffer	*in = evhttp_request_get_input_buffer(x->req);
	size_t		 n = evbuffer_get_length(in);
	struct error	 e = ERROR_NONE;
	cJSON		*tree;

	tree = json_parse(n > 0 ? (const char *)evbuffer_pullup(in, -1) : "", n, &body_limits, &e);
	if (tree == NULL)
		answer_error(x, SCIM_INVALID_SYNTAX, &e);
	else if (!cJSON_IsObject(tree)) {
		cJSON_Delete(tree);
		tree = NULL;
		answer_refusal(x, 400, SCIM_INVALID_SYNTAX, "a JSON object is wanted");
	}
	return tree;
}

static void
exchange_free(struct exchange *x)
{
	evhttp_clear_headers(&x->query);
	free(x->path);
	free(x);
}

static const char *
header(const struct exchange *x, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(x->req), name);
}

static void
answer_method(struct exchange *x, const char *allowed)
{
	answer_header(x, "Allow", allowed);
	answer_refusal(x, 405, SCIM_NONE, "no such method here");
}

/* /Users, /Users/.search, /Users/id, the same with Groups: rest is what follows the collection's name. */
static void
answer_resource(struct exchange *x, enum kind kind, const char *rest)
{
	int64_t index;

	if (*rest == '\0') {
		if (x->method == EVHTTP_REQ_GET)
			list_answer(x, kind);
		else if (x->method == EVHTTP_REQ_POST)
			write_create(x, kind);
		else
			answer_method(x, "GET, POST");
		return;
	}
	if (strcmp(rest, "/.search") == 0 && x->method == EVHTTP_REQ_POST) {
		write_search(x, kind);
		return;
	}
	if ((index = people_by_id(x->p->people, kind, rest + 1)) == -1) {
		answer_refusal(x, 404, SCIM_NONE, "no such resource");
		return;
	}
	switch (x->method) {
	case EVHTTP_REQ_GET:
		list_read(x, kind, (uint64_t)index);
		break;
	case EVHTTP_REQ_PUT:
		write_replace(x, kind, (uint64_t)index);
		break;
	case EVHTTP_REQ_PATCH:
		write_patch(x, kind, (uint64_t)index);
		break;
	case EVHTTP_REQ_DELETE:
		write_delete(x, kind, (uint64_t)index);
		break;
	default:
		answer_method(x, "GET, PUT, PATCH, DELETE");
	}
}

/* The rest of the path behind prefix and a collection's name, else NULL. */
static const char *
under(const char *path, const char *prefix, enum kind kind)
{
	size_t	 n = strlen(prefix), m = strlen(collection[kind]);

	if (strncmp(path, prefix, n) != 0 || strncmp(path + n, collection[kind], m) != 0)
		return NULL;
	path += n + m;
	return *path == '\0' || *path == '/' ? path : NULL;
}

static bool
answer_paged(struct exchange *x, enum kind kind)
{
	const char	*cursor = under(x->path, "/cursor/", kind), *link = under(x->path, "/link/", kind);

	if ((cursor == NULL || *cursor != '\0') && (link == NULL || *link != '\0'))
		return false;
	if (x->method != EVHTTP_REQ_GET)
		answer_method(x, "GET");
	else if (cursor != NULL)
		list_by_cursor(x, kind);
	else
		list_by_link(x, kind);
	return true;
}

static void
answer_by_path(struct exchange *x)
{
	static const char	 root[] = "/scim/v2/";
	const char		*rest;
	char			*name, *id;

	for (int kind = 0; kind < KIND__MAX; kind++) {
		if ((rest = under(x->path, root, (enum kind)kind)) != NULL) {
			answer_resource(x, (enum kind)kind, rest);
			return;
		}
		if (answer_paged(x, (enum kind)kind))
			return;
	}
	if (x->method == EVHTTP_REQ_GET && strncmp(x->path, root, strlen(root)) == 0) {
		name = x->path + strlen(root);
		if ((id = strchr(name, '/')) != NULL)
			*id++ = '\0';
		if (discover_answer(x, name, id))
			return;
	}
	answer_refusal(x, 404, SCIM_NONE, "no such place");
}

/* GET, PUT, DELETE /weather: never spoiled itself. */
static void
answer_weather(struct exchange *x)
{
	struct error	 e = ERROR_NONE;
	autojson	*body = NULL;

	x->weather = (struct weather){ 0 };
	if (!tokens_check(x->p->tokens, header(x, "Authorization"))) {
		answer_refusal(x, 401, SCIM_NONE, "the weather is made with a token");
		return;
	}
	if (x->method == EVHTTP_REQ_PUT) {
		if ((body = exchange_body(x)) == NULL)
			return;
		if (weather_read_json(&x->p->weather, body, &e) == -1) {
			answer_error(x, SCIM_INVALID_VALUE, &e);
			return;
		}
		x->p->requests = 0;
	} else if (x->method == EVHTTP_REQ_DELETE)
		x->p->weather = (struct weather){ 0 };
	else if (x->method != EVHTTP_REQ_GET) {
		answer_method(x, "GET, PUT, DELETE");
		return;
	}
	answer_tree(x, 200, weather_json(&x->p->weather));
}

static void
answer_throttled(struct exchange *x, bool with_date)
{
	char		 when[64];
	time_t		 at = time(NULL) + RETRY_AFTER_S;
	struct tm	 tm;

	if (with_date)
		strftime(when, sizeof(when), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
	else
		snprintf(when, sizeof(when), "%d", RETRY_AFTER_S);
	answer_header(x, "Retry-After", when);
	answer_refusal(x, 429, SCIM_NONE, "too many requests");
}

static void
answer_html(struct exchange *x)
{
	struct evbuffer *body = evbuffer_new();

	if (body != NULL)
		evbuffer_add_printf(body, "<!DOCTYPE html>\n<html><body><h1>Sign in to go on</h1></body></html>\n");
	if (body != NULL)
		answer_body(x, 200, "text/html; charset=utf-8", body);
	else
		answer_empty(x, 500);
}

/* Weather that takes the place of an answer. */
static bool
struck(struct exchange *x)
{
	if (exchange_strikes(x, WEATHER_HANG))
		answer_never(x);
	else if (exchange_strikes(x, WEATHER_429))
		answer_throttled(x, false);
	else if (exchange_strikes(x, WEATHER_429_DATE))
		answer_throttled(x, true);
	else if (exchange_strikes(x, WEATHER_5XX))
		answer_refusal(x, 503, SCIM_NONE, "the service is busy");
	else if (exchange_strikes(x, WEATHER_HTML))
		answer_html(x);
	return x->answered;
}

static bool
may_ask(struct exchange *x)
{
	const char	*token = header(x, "Authorization");

	if (tokens_check(x->p->tokens, token) &&
	    (x->weather.value[WEATHER_401_ONCE] == 0 || !tokens_first(x->p->tokens, token)))
		return true;
	answer_header(x, "WWW-Authenticate", "Bearer realm=\"practice\"");
	answer_refusal(x, 401, SCIM_NONE, "a good token is wanted");
	return false;
}

static void
proceed(struct exchange *x)
{
	/* The client may have left while the answer was held back. */
	if (evhttp_request_get_connection(x->req) == NULL) {
		evhttp_send_reply_end(x->req);
		exchange_free(x);
		return;
	}
	if (!struck(x)) {
		if (strcmp(x->path, "/oauth/token") == 0)
			write_token(x);
		else if (may_ask(x))
			answer_by_path(x);
	}
	exchange_free(x);
}

static void
on_latency(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	proceed(arg);
}

/* The weather of all, with that of the request's own header on top. */
static int
read_weather(struct exchange *x)
{
	const char	*own = header(x, "X-Weather");
	struct error	 e = ERROR_NONE;

	x->weather = x->p->weather;
	if (own == NULL || weather_read(&x->weather, own, &e) == 0)
		return 0;
	answer_error(x, SCIM_INVALID_VALUE, &e);
	return -1;
}

static struct exchange *
exchange_new(struct practice *p, struct evhttp_request *req)
{
	const struct evhttp_uri	*uri = evhttp_request_get_evhttp_uri(req);
	const char		*path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	const char		*query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;
	struct exchange		*x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	*x = (struct exchange){ .p = p, .req = req, .method = evhttp_request_get_command(req) };
	TAILQ_INIT(&x->query);
	x->path = evhttp_uridecode(path != NULL ? path : "", 0, NULL);
	if (x->path == NULL || (query != NULL && evhttp_parse_query_str(query, &x->query) == -1)) {
		exchange_free(x);
		return NULL;
	}
	return x;
}

void
route_request(struct evhttp_request *req, void *arg)
{
	struct practice	*p = arg;
	struct exchange	*x = exchange_new(p, req);
	int64_t		 late_ms;

	if (x == NULL) {
		evhttp_send_reply(req, 400, "Bad Request", NULL);
		return;
	}
	if (strcmp(x->path, "/weather") == 0) {
		answer_weather(x);
		exchange_free(x);
		return;
	}
	x->nth = ++p->requests;
	if (read_weather(x) == -1) {
		exchange_free(x);
		return;
	}
	if ((late_ms = x->weather.value[WEATHER_LATENCY]) > 0) {
		struct timeval tv = { .tv_sec = late_ms / 1000, .tv_usec = late_ms % 1000 * 1000 };

		if (event_base_once(p->base, -1, EV_TIMEOUT, on_latency, x, &tv) == 0)
			return;
	}
	proceed(x);
}
