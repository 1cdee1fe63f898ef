/*
 * keys.c -- Idempotency-Key.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/ask.h"
#include "launcher/serve/follow.h"
#include "launcher/serve/keyfile.h"
#include "launcher/serve/keys.h"
#include "launcher/serve/route.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define KEY_DIGEST_BYTES	32
#define SECRET_BYTES		32

static unsigned char	 secret[SECRET_BYTES];

int
keys_open(const char *journal, struct error *e)
{
	char	 path[PATH_MAX];

	if (journal == NULL)
		return keyfile_open(NULL, secret, sizeof(secret), e);
	if (snprintf(path, sizeof(path), "%s.key", journal) >= (int)sizeof(path))
		return error_set(e, ERR_USAGE, "--journal: the path is too long");
	/* First what was made with another secret, or none: a server that dies in between does it again. */
	if (!keyfile_there(path) && keys_forget_requests(e) == -1)
		return -1;
	return keyfile_open(path, secret, sizeof(secret), e);
}

void
keys_close(void)
{
	explicit_bzero(secret, sizeof(secret));
}

int
key_read(const struct exchange *x, enum command cmd, char key[STORE_KEY_BYTES_MAX + 1], struct error *e)
{
	const char	*text = evhttp_find_header(evhttp_request_get_input_headers(x->req), "Idempotency-Key");

	key[0] = '\0';
	if (text == NULL || (command_info(cmd)->flags & CMD_WRITES) == 0)
		return 0;
	if (text[0] == '\0' || strlen(text) > STORE_KEY_BYTES_MAX)
		return error_set(e, ERR_REQUEST, "Idempotency-Key: 1 to %u bytes are wanted", STORE_KEY_BYTES_MAX);
	for (const char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return error_set(e, ERR_REQUEST, "Idempotency-Key: visible ASCII is wanted");
	snprintf(key, STORE_KEY_BYTES_MAX + 1, "%s", text);
	return 0;
}

void
answer_accepted(struct exchange *x, const char *id)
{
	char	 place[64 + REQUEST_ID_BYTES_MAX];

	snprintf(place, sizeof(place), "/v1/invocations/%s", id);
	answer_header(x->req, "Location", place);
	answer_header(x->req, "Bascule-Invocation", id);
	answer_json(x->req, 202, journal_get(id));
}

/* The first one's outcome, which may be still to come. */
static void
replay(struct exchange *x, const struct accepted *accepted, const char *id)
{
	autojson	*row = journal_get(id);
	bool		 lost = strcmp(json_str(json_get(row, "receipt"), "cause", ""), error_face(ERR_INTERRUPTED)->word) == 0;

	answer_header(x->req, "Idempotent-Replayed", "true");
	if (row == NULL || lost || results_size(id) == -1)
		answer_refuse(x->req, 409, ERR_INTERRUPTED, "Idempotency-Key: the outcome of its first invocation, %s, is not "
		    "known%s: look at the source, then use another key", id, lost ? ", as the server ended before it did" :
		    " any more");
	else if (x->async)
		answer_accepted(x, id);
	else
		follow_begin(x, accepted, &(struct follow_plan){ .id = id, .keyed = true });
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static void	 print_sorted(struct buf *b, const cJSON *v);

static void
members_print(struct buf *b, const cJSON *object)
{
	size_t		 n = 0, i = 0;
	const cJSON	*m;
	const cJSON	**list;

	cJSON_ArrayForEach(m, object)
		n++;
	if ((list = calloc(n + 1, sizeof(*list))) == NULL) {
		b->failed = true;
		return;
	}
	cJSON_ArrayForEach(m, object)
		list[i++] = m;
	qsort(list, n, sizeof(*list), by_name);
	for (i = 0; i < n; i++) {
		json_print_string(b, list[i]->string);
		print_sorted(b, list[i]);
	}
	free(list);
}

/* The same for whoever writes the same members in another order; for a digest, not to be read.  As deep as JSON_DEPTH_MAX. */
static void
print_sorted(struct buf *b, const cJSON *v)
{
	const cJSON	*m;

	if (cJSON_IsObject(v)) {
		buf_addc(b, '{');
		members_print(b, v);
		buf_addc(b, '}');
	} else if (cJSON_IsArray(v)) {
		buf_addc(b, '[');
		cJSON_ArrayForEach(m, v) {
			print_sorted(b, m);
			buf_addc(b, ',');
		}
		buf_addc(b, ']');
	} else
		json_print(b, v);
}

/*
 * Of what is asked for, and of the key, so that equal requests look different.  With a secret of this installation: whoever
 * reads the journal cannot try out what passwords a body may have had.
 */
static int
digest_make(const char *key, const char *connector, const struct ask *a, unsigned char digest[KEY_DIGEST_BYTES], struct error *e)
{
	struct buf	 text;
	unsigned int	 n = 0;
	int		 r;

	buf_init(&text, 2 * REQUEST_BYTES_MAX + STORE_KEY_BYTES_MAX + CONNECTOR_NAME_MAX + 2);
	buf_addf(&text, "%s\n%s\n", key, connector);
	print_sorted(&text, a->rq.doc);
	r = buf_check(&text, "the body, for its Idempotency-Key", e);
	if (r == 0 && (HMAC(EVP_sha256(), secret, sizeof(secret), (const unsigned char *)text.data, text.len, digest, &n) == NULL ||
	    n != KEY_DIGEST_BYTES))
		r = error_set(e, ERR_SYSTEM, "Idempotency-Key: OpenSSL makes no HMAC");
	buf_wipe(&text);
	return r;
}

bool
key_take(struct exchange *x, const struct accepted *accepted, const struct ask *a, const char *connector, const char *key)
{
	unsigned char	 digest[KEY_DIGEST_BYTES];
	char		 first[REQUEST_ID_BYTES_MAX + 1] = "";
	struct error	 e = ERROR_NONE;

	if (digest_make(key, connector, a, digest, &e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return false;
	}
	switch (key_claim(x->caller, key, digest, a->rq.id, first, &e)) {
	case KEY_NEW:
		return true;
	case KEY_SAME:
		replay(x, accepted, first);
		return false;
	case KEY_OTHER:
		answer_refuse(x->req, 422, ERR_REQUEST, "Idempotency-Key: it was used for another request (invocation %s)", first);
		return false;
	default:
		answer_problem(x->req, &(struct problem){ .error = &e, .status = 503, .retry_s = JOURNAL_RETRY_S });
		return false;
	}
}
