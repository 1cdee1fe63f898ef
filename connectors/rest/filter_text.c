/*
 * filter_text.c -- filters of text and time: cases, dates, digests, encodings, other languages' literals.
 */
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectors/rest/filter_private.h"
#include "connectors/rest/instant.h"

/* Of text, each byte by this; ASCII only: the rest of UTF-8 stays as it is. */
static int
each_byte(struct filter_call *c, struct value *out, int (*by)(int), struct error *e)
{
	char	 scratch[64], *copy;
	int	 r;

	if (c->in.v == NULL)
		return 0;
	if ((copy = strdup(text_of(c->in.v, scratch))) == NULL)
		return filter_no_memory(e);
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p < 0x80)
			*p = (char)by(*p);
	r = give_text(out, copy, e);
	free(copy);
	return r;
}

int
f_lower(struct filter_call *c, struct value *out, struct error *e)
{
	return each_byte(c, out, tolower, e);
}

int
f_upper(struct filter_call *c, struct value *out, struct error *e)
{
	return each_byte(c, out, toupper, e);
}

int
f_trim(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64], *copy;
	const char	*s = text_of(c->in.v, scratch);
	size_t		 n;
	int		 r;

	if (c->in.v == NULL)
		return 0;
	s += strspn(s, " \t\r\n");
	for (n = strlen(s); n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL; n--)
		;
	if ((copy = strndup(s, n)) == NULL)
		return filter_no_memory(e);
	r = give_text(out, copy, e);
	free(copy);
	return r;
}

/* date:'epoch','iso': forms are iso, epoch, epochms, http. */
int
f_date(struct filter_call *c, struct value *out, struct error *e)
{
	char		 one[64], two[64], three[64], text[64];
	const char	*from = arg_text(c, 0, two), *to = arg_text(c, 1, three);
	int64_t		 ms;

	if (c->in.v == NULL || cJSON_IsNull(c->in.v))
		return 0;
	/* No argument is shown: it may be, or be made of, a secret. */
	if (!instant_read(from, text_of(c->in.v, one), &ms))
		return error_set(e, ERR_REQUEST, "this is no time of that form");
	if (!instant_print(to, ms, text, sizeof(text)))
		return error_set(e, ERR_REQUEST, "there are the forms iso, epoch, epochms and http");
	return instant_is_number(to) ? give(out, json_number_text(text), e) : give_text(out, text, e);
}

/* Seconds later: of a number of seconds or an ISO time. */
int
f_addsec(struct filter_call *c, struct value *out, struct error *e)
{
	char	 scratch[64], text[64];
	int64_t	 ms, s;

	if (c->in.v == NULL)
		return 0;
	if (!arg_number(c, 0, &s))
		return error_set(e, ERR_REQUEST, "addsec: how many seconds?");
	if (cJSON_IsNumber(c->in.v) && json_i64_of(c->in.v, &ms))
		return give(out, json_int(ms + s), e);
	if (!instant_read("iso", text_of(c->in.v, scratch), &ms) || !instant_print("iso", ms + s * 1000, text, sizeof(text)))
		return error_set(e, ERR_REQUEST, "addsec: this is no time");
	return give_text(out, text, e);
}

/* Seconds since 1970 or, with 'iso', a time. */
int
f_now(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64], text[64];
	const char	*form = c->nargs > 0 ? arg_text(c, 0, scratch) : "epoch";

	if (!instant_print(form, (int64_t)time(NULL) * 1000, text, sizeof(text)))
		return error_set(e, ERR_REQUEST, "there are the forms iso, epoch, epochms and http");
	return instant_is_number(form) ? give(out, json_number_text(text), e) : give_text(out, text, e);
}

static int
hex_give(struct value *out, const unsigned char *p, size_t n, struct error *e)
{
	char	 text[2 * EVP_MAX_MD_SIZE + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	return give_text(out, text, e);
}

int
f_sha256(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const char	*s = text_of(c->in.v, scratch);
	unsigned char	 md[EVP_MAX_MD_SIZE];
	unsigned int	 n = 0;

	if (c->in.v == NULL)
		return 0;
	if (EVP_Digest(s, strlen(s), md, &n, EVP_sha256(), NULL) != 1)
		return filter_no_memory(e);
	return hex_give(out, md, n, e);
}

int
f_hmac(struct filter_call *c, struct value *out, struct error *e)
{
	char		 one[64], two[64];
	const char	*s = text_of(c->in.v, one), *key = arg_text(c, 0, two);
	unsigned char	 md[EVP_MAX_MD_SIZE];
	unsigned int	 n = 0;

	if (c->in.v == NULL)
		return 0;
	if (HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)s, strlen(s), md, &n) == NULL)
		return filter_no_memory(e);
	return hex_give(out, md, n, e);
}

int
f_b64(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64], *coded;
	const char	*s = text_of(c->in.v, scratch);
	size_t		 n = strlen(s);
	int		 r;

	if (c->in.v == NULL)
		return 0;
	if (n > EXPR_RESULT_BYTES_MAX || (coded = malloc(n / 3 * 4 + 5)) == NULL)
		return filter_no_memory(e);
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)s, (int)n);
	r = give_text(out, coded, e);
	OPENSSL_cleanse(coded, strlen(coded));
	free(coded);
	return r;
}

int
f_b64url(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64], *coded;
	const char	*s = text_of(c->in.v, scratch);
	int		 r;

	if (c->in.v == NULL)
		return 0;
	if ((coded = fetch_base64url(s, strlen(s))) == NULL)
		return filter_no_memory(e);
	r = give_text(out, coded, e);
	free(coded);
	return r;
}

int
f_hex(struct filter_call *c, struct value *out, struct error *e)
{
	char		 scratch[64];
	const char	*s = text_of(c->in.v, scratch);
	struct buf	 b;
	int		 r;

	if (c->in.v == NULL)
		return 0;
	buf_init(&b, EXPR_RESULT_BYTES_MAX);
	buf_adds(&b, "");
	for (; *s != '\0'; s++)
		buf_addf(&b, "%02x", (unsigned char)*s);
	r = buf_check(&b, "hex", e) == -1 ? -1 : give_text(out, b.data, e);
	buf_wipe(&b);
	return r;
}

int
f_uuid(struct filter_call *c, struct value *out, struct error *e)
{
	unsigned char	 r[16];
	char		 text[37];

	(void)c;
	if (RAND_bytes(r, sizeof(r)) != 1)
		return error_set(e, ERR_SYSTEM, "uuid: no random numbers");
	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2],
	    r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
	return give_text(out, text, e);
}

int
f_json(struct filter_call *c, struct value *out, struct error *e)
{
	char	*text;
	int	 r;

	if (c->in.v == NULL)
		return 0;
	if ((text = json_text(c->in.v)) == NULL)
		return filter_no_memory(e);
	r = give_text(out, text, e);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	return r;
}

/* match:'prefix','adm-' : prefix, suffix, contains or is. */
int
f_match(struct filter_call *c, struct value *out, struct error *e)
{
	char		 one[64], two[64], three[64];
	const char	*how = arg_text(c, 0, one), *what = arg_text(c, 1, two), *s = text_of(c->in.v, three);
	size_t		 n = strlen(what), len = strlen(s);
	bool		 good;

	if (strcmp(how, "prefix") == 0)
		good = strncmp(s, what, n) == 0;
	else if (strcmp(how, "suffix") == 0)
		good = len >= n && strcmp(s + len - n, what) == 0;
	else if (strcmp(how, "contains") == 0)
		good = strstr(s, what) != NULL;
	else
		return error_set(e, ERR_REQUEST, "prefix, suffix or contains is wanted");
	return give(out, cJSON_CreateBool(good), e);
}

/* What is behind the n-th piece of text: cut:'/',-1 is the last. */
int
f_cut(struct filter_call *c, struct value *out, struct error *e)
{
	struct filter_call	 pieces = { .in = c->in, .args = c->args, .nargs = 1, .scope = c->scope };
	struct value		 list = { 0 };
	int64_t			 at;
	int			 r;

	if (!arg_number(c, 1, &at))
		return error_set(e, ERR_REQUEST, "cut: which piece?");
	if ((r = f_split(&pieces, &list, e)) == 0) {
		struct filter_call	 one = { .in = list };

		r = take_at(&one, out, at, e);
	}
	value_clear(&list);
	return r;
}

/* A literal of somebody's query language: its quotes, and what ends it escaped. */
static int
quote(struct filter_call *c, struct value *out, const char *around, const char *escaped, struct error *e)
{
	char		 scratch[64];
	const char	*s = text_of(c->in.v, scratch);
	struct buf	 b;
	int		 r;

	if (c->in.v == NULL)
		return 0;
	buf_init(&b, EXPR_RESULT_BYTES_MAX);
	buf_adds(&b, around);
	for (; *s != '\0'; s++) {
		if (iscntrl((unsigned char)*s)) {
			buf_wipe(&b);
			return error_set(e, ERR_REQUEST, "a control character in a literal");
		}
		if (strchr(escaped, *s) != NULL)
			buf_addc(&b, escaped[0]);
		buf_addc(&b, *s);
	}
	buf_adds(&b, around);
	r = buf_check(&b, "literal", e) == -1 ? -1 : give_text(out, b.data, e);
	buf_wipe(&b);
	return r;
}

int
f_scimstr(struct filter_call *c, struct value *out, struct error *e)
{
	return quote(c, out, "\"", "\\\"", e);
}

int
f_soqlstr(struct filter_call *c, struct value *out, struct error *e)
{
	return quote(c, out, "'", "\\'", e);
}

/* OData and Oracle's q: a quote is doubled. */
int
f_adfstr(struct filter_call *c, struct value *out, struct error *e)
{
	return quote(c, out, "'", "'", e);
}
