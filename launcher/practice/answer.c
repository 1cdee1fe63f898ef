/*
 * answer.c -- the one way out: every reply leaves here, and here the weather spoils it.
 *
 * A reply that takes more than one step is an outgoing.  The connection's
 * close callback ends it when the client leaves: evhttp has let go of the
 * request then, and only evhttp_send_reply_end() still frees it.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>

#include "launcher/practice/practice.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define SCIM_JSON	"application/scim+json"
#define TICK_MS		20	/* between looks at an outgoing */

enum ending { END_WELL, END_SHORT, END_RESET, END_NEVER };

struct outgoing {
	struct evhttp_request	*req;
	struct evbuffer		*body;
	struct source		*source;	/* of a long reply */
	struct event		*tick;
	enum ending		 ending;
	int64_t			 bytes_per_s;	/* 0: as fast as can be */
	int64_t			 until_ms;
};

static const struct {
	int		 status;
	const char	*reason;
} reasons[] = {
	{ 200, "OK" }, { 201, "Created" }, { 204, "No Content" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 409, "Conflict" },
	{ 413, "Payload Too Large" }, { 415, "Unsupported Media Type" }, { 429, "Too Many Requests" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 503, "Service Unavailable" },
};

static const char *const scim_types[] = {
	[SCIM_NONE] = NULL,
	[SCIM_INVALID_FILTER] = "invalidFilter",
	[SCIM_INVALID_SYNTAX] = "invalidSyntax",
	[SCIM_INVALID_PATH] = "invalidPath",
	[SCIM_INVALID_VALUE] = "invalidValue",
	[SCIM_NO_TARGET] = "noTarget",
	[SCIM_MUTABILITY] = "mutability",
	[SCIM_UNIQUENESS] = "uniqueness",
	[SCIM_TOO_MANY] = "tooMany",
};
static_assert(N_ITEMS(scim_types) == SCIM__MAX, "a word for each type");

static const char *
reason_of(int status)
{
	for (size_t i = 0; i < N_ITEMS(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

static void
outgoing_free(struct outgoing *o)
{
	if (o->tick != NULL)
		event_free(o->tick);
	if (o->source != NULL)
		o->source->free(o->source);
	if (o->body != NULL)
		evbuffer_free(o->body);
	free(o);
}

static void
client_gone(struct evhttp_connection *connection, void *arg)
{
	struct outgoing *o = arg;

	(void)connection;
	evhttp_send_reply_end(o->req);
	outgoing_free(o);
}

static struct evhttp_connection *
let_go(struct outgoing *o)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(o->req);

	evhttp_connection_set_closecb(connection, NULL, NULL);
	return connection;
}

static void
finish_well(struct outgoing *o)
{
	let_go(o);
	evhttp_send_reply_end(o->req);
	outgoing_free(o);
}

/* Closes in mid-reply; evhttp frees the request with its connection. */
static void
finish_badly(struct outgoing *o)
{
	struct evhttp_connection	*connection = let_go(o);
	struct sockaddr			 nowhere = { .sa_family = AF_UNSPEC };

	/* Not SO_LINGER: evhttp shuts down before it closes, and the client would see an orderly end first. */
	if (o->ending == END_RESET)
		connect(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), &nowhere, sizeof(nowhere));
	outgoing_free(o);
	evhttp_connection_free(connection);
}

static bool
client_has_left(struct bufferevent *bev)
{
	char	 c;
	ssize_t	 n = recv(bufferevent_getfd(bev), &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct outgoing		*o = arg;
	struct bufferevent	*bev;
	struct evbuffer		*piece;
	int64_t			 n = o->bytes_per_s * TICK_MS / 1000;

	(void)fd;
	(void)what;
	bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(o->req));
	if (o->ending == END_NEVER) {
		if (now_ms() > o->until_ms || client_has_left(bev))
			finish_badly(o);
		return;
	}
	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (evbuffer_get_length(o->body) == 0) {
		if (o->ending == END_WELL)
			finish_well(o);
		else
			finish_badly(o);
		return;
	}
	if ((piece = evbuffer_new()) == NULL)
		return;
	/* Below one byte a tick, it is one byte a tick. */
	evbuffer_remove_buffer(o->body, piece, o->bytes_per_s == 0 ? SIZE_MAX / 2 : n > 0 ? (size_t)n : 1);
	evhttp_send_reply_chunk(o->req, piece);
	evbuffer_free(piece);
}

static struct outgoing *
outgoing_new(struct exchange *x, enum ending ending)
{
	struct outgoing			*o = calloc(1, sizeof(*o));
	struct evhttp_connection	*connection = evhttp_request_get_connection(x->req);

	x->answered = true;
	if (o == NULL || connection == NULL) {
		free(o);
		evhttp_send_reply_end(x->req);
		return NULL;
	}
	*o = (struct outgoing){ .req = x->req, .ending = ending };
	evhttp_connection_set_closecb(connection, client_gone, o);
	return o;
}

static void
tick_every(struct exchange *x, struct outgoing *o, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	o->tick = event_new(x->p->base, -1, EV_PERSIST, on_tick, o);
	if (o->tick == NULL || event_add(o->tick, &tv) == -1)
		finish_badly(o);
}

void
answer_header(struct exchange *x, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(x->req), name, value);
}

/* The announced length is that of the whole body, whatever becomes of it. */
static void
send_slowly(struct exchange *x, int status, struct evbuffer *body, enum ending ending)
{
	char		 length[24];
	size_t		 n = evbuffer_get_length(body);
	struct outgoing	*o;

	snprintf(length, sizeof(length), "%zu", n);
	answer_header(x, "Content-Length", length);
	if ((o = outgoing_new(x, ending)) == NULL || (o->body = evbuffer_new()) == NULL) {
		evbuffer_free(body);
		if (o != NULL)
			finish_badly(o);
		return;
	}
	evbuffer_remove_buffer(body, o->body, ending == END_WELL ? n : n / 2);
	evbuffer_free(body);
	o->bytes_per_s = x->weather.value[WEATHER_SLOW_DRIP];
	evhttp_send_reply_start(o->req, status, reason_of(status));
	tick_every(x, o, TICK_MS);
}

/* What the weather calls it. */
static const char *
scim_type(const struct exchange *x)
{
	return x->weather.value[WEATHER_CONTENT_TYPE] != 0 ? "text/plain" : SCIM_JSON;
}

void
answer_body(struct exchange *x, int status, const char *type, struct evbuffer *body)
{
	if (exchange_strikes(x, WEATHER_TRUNCATE)) {
		size_t half = evbuffer_get_length(body) / 2;
		struct evbuffer *cut = evbuffer_new();

		if (cut != NULL) {
			evbuffer_remove_buffer(body, cut, half);
			evbuffer_free(body);
			body = cut;
		}
	}
	answer_header(x, "Content-Type", type == NULL ? scim_type(x) : type);
	if (exchange_strikes(x, WEATHER_RESET))
		send_slowly(x, status, body, END_RESET);
	else if (exchange_strikes(x, WEATHER_SHORT))
		send_slowly(x, status, body, END_SHORT);
	else if (x->weather.value[WEATHER_SLOW_DRIP] != 0)
		send_slowly(x, status, body, END_WELL);
	else {
		x->answered = true;
		evhttp_send_reply(x->req, status, reason_of(status), body);
		evbuffer_free(body);
	}
}

/* Called when the last piece has left. */
static void
next_piece(struct evhttp_connection *connection, void *arg)
{
	struct outgoing	*o = arg;
	struct evbuffer	*piece = evbuffer_new();
	bool		 more;

	(void)connection;
	if (piece == NULL) {
		finish_badly(o);
		return;
	}
	more = o->source->more(o->source, piece) == 1;
	if (more)
		evhttp_send_reply_chunk_with_cb(o->req, piece, next_piece, o);
	else {
		evhttp_send_reply_chunk(o->req, piece);
		finish_well(o);
	}
	evbuffer_free(piece);
}

/* The weather is to spoil it, for which its length must be known. */
static bool
is_spoiled(const struct exchange *x)
{
	return exchange_strikes(x, WEATHER_TRUNCATE) || exchange_strikes(x, WEATHER_RESET) || exchange_strikes(x, WEATHER_SHORT) ||
	    x->weather.value[WEATHER_SLOW_DRIP] != 0;
}

/* Short ones as a whole; of longer ones a client reads the beginning while the rest is made. */
void
answer_source(struct exchange *x, int status, struct source *source)
{
	struct evbuffer	*whole = evbuffer_new();
	size_t		 most = is_spoiled(x) ? WHOLE_BYTES_MAX : PIECE_BYTES;
	struct outgoing	*o;
	int		 more = 1;

	while (whole != NULL && more == 1 && evbuffer_get_length(whole) < most)
		more = source->more(source, whole);
	if (whole == NULL || more == 0 || is_spoiled(x)) {
		source->free(source);
		if (whole == NULL)
			answer_refusal(x, 500, SCIM_NONE, "no memory");
		else
			answer_body(x, status, NULL, whole);
		return;
	}
	answer_header(x, "Content-Type", scim_type(x));
	if ((o = outgoing_new(x, END_SHORT)) == NULL) {
		source->free(source);
		evbuffer_free(whole);
		return;
	}
	o->source = source;
	evhttp_send_reply_start(o->req, status, reason_of(status));
	evhttp_send_reply_chunk_with_cb(o->req, whole, next_piece, o);
	evbuffer_free(whole);
}

void
answer_tree(struct exchange *x, int status, cJSON *tree)
{
	struct evbuffer	*body = evbuffer_new();
	autobuf		 text;

	buf_init(&text, WHOLE_BYTES_MAX);
	if (tree != NULL)
		json_print(&text, tree);
	if (tree == NULL || body == NULL || text.failed || evbuffer_add(body, text.data, text.len) == -1) {
		if (body != NULL)
			evbuffer_free(body);
		answer_empty(x, 500);
	} else
		answer_body(x, status, NULL, body);
	cJSON_Delete(tree);
}

void
answer_empty(struct exchange *x, int status)
{
	x->answered = true;
	evhttp_send_reply(x->req, status, reason_of(status), NULL);
}

void
answer_never(struct exchange *x)
{
	struct outgoing *o = outgoing_new(x, END_NEVER);

	if (o == NULL)
		return;
	o->until_ms = now_ms() + (int64_t)HANG_S_MAX * 1000;
	tick_every(x, o, 1000);
}

void
answer_refusal(struct exchange *x, int status, enum scim_type type, const char *detail)
{
	cJSON	*tree = cJSON_CreateObject(), *schemas = cJSON_CreateArray();
	char	 number[12];

	snprintf(number, sizeof(number), "%d", status);
	json_push(schemas, cJSON_CreateString("urn:ietf:params:scim:api:messages:2.0:Error"));
	json_set(tree, "schemas", schemas);
	json_set_str(tree, "scimType", scim_types[type]);
	json_set_str(tree, "detail", detail);
	json_set_str(tree, "status", number);
	answer_tree(x, status, tree);
}

void
answer_error(struct exchange *x, enum scim_type type, const struct error *e)
{
	if (e->code == ERR_LIMIT)
		answer_refusal(x, 413, SCIM_TOO_MANY, e->msg);
	else if (e->code == ERR_SYSTEM)
		answer_refusal(x, 500, SCIM_NONE, "no memory");
	else
		answer_refusal(x, 400, type, e->msg);
}
