/*
 * sigv4.c -- AWS Signature Version 4: the request in its canonical form, signed by a key made of day, region and service.
 */
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/rest/sigv4.h"

#define CANONICAL_BYTES_MAX	(256u << 10)
#define PAIRS_MAX		256u		/* parameters or headers of one request */
#define DAY_CHARS		8
#define HEX_BYTES		(2 * 32 + 1)	/* of a SHA-256 */

/* A parameter or header in its canonical form. */
struct pair {
	char	*name, *value;
};
struct pairs {
	struct pair	 at[PAIRS_MAX];
	size_t		 n;
};

static void
pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->at[i].name);
		free(p->at[i].value);
	}
	p->n = 0;
}

static int
pair_order(const struct pair *x, const struct pair *y, bool values)
{
	int	 d = strcmp(x->name, y->name);

	return d != 0 || !values ? d : strcmp(x->value, y->value);
}

/* By name; parameters then by value, headers as they came.  So few that qsort is not needed, which asks how much memory there is. */
static void
pairs_sort(struct pairs *p, bool values)
{
	for (size_t i = 1; i < p->n; i++)
		for (size_t k = i; k > 0 && pair_order(&p->at[k - 1], &p->at[k], values) > 0; k--) {
			struct pair	 held = p->at[k];

			p->at[k] = p->at[k - 1];
			p->at[k - 1] = held;
		}
}

/* name and value are taken. */
static bool
pair_put(struct pairs *p, char *name, char *value)
{
	if (name == NULL || value == NULL || p->n == PAIRS_MAX) {
		free(name);
		free(value);
		return false;
	}
	p->at[p->n++] = (struct pair){ name, value };
	return true;
}

/* %XX undone, then done again as AWS wants it: what came in another case or without need is the same. */
static char *
recoded(const char *s, size_t n)
{
	struct buf	 b;
	char		 hex[3] = "", *end;

	buf_init(&b, CANONICAL_BYTES_MAX);
	buf_adds(&b, "");
	for (size_t i = 0; i < n; i++) {
		unsigned char	 c = (unsigned char)s[i];

		if (c == '%' && i + 2 < n && isxdigit((unsigned char)s[i + 1]) && isxdigit((unsigned char)s[i + 2])) {
			memcpy(hex, s + i + 1, 2);
			c = (unsigned char)strtoul(hex, &end, 16);
			i += 2;
		}
		if (isalnum(c) || (c != '\0' && strchr("-._~", c) != NULL))
			buf_addc(&b, (char)c);
		else
			buf_addf(&b, "%%%02X", c);
	}
	return buf_steal(&b);
}

/* The path as it is sent is encoded once more, but for its slashes (of every service but S3). */
static void
path_add(struct buf *b, const char *path, size_t n)
{
	if (n == 0)
		buf_addc(b, '/');
	for (size_t i = 0; i < n; i++) {
		unsigned char	 c = (unsigned char)path[i];

		if (isalnum(c) || (c != '\0' && strchr("-._~/", c) != NULL))
			buf_addc(b, (char)c);
		else
			buf_addf(b, "%%%02X", c);
	}
}

static bool
query_read(struct pairs *p, const char *query)
{
	while (*query != '\0') {
		size_t	 n = strcspn(query, "&"), eq = strcspn(query, "=&");

		if (n > 0 && !pair_put(p, recoded(query, eq), recoded(query + eq + (eq < n), n - eq - (eq < n))))
			return false;
		query += n + (query[n] == '&');
	}
	return true;
}

/* Without blanks around, and one where there are several. */
static char *
header_value(const char *s)
{
	char	*out = strdup(s + strspn(s, " \t")), *to = out;

	for (const char *p = out; p != NULL && *p != '\0'; p++)
		if (*p != ' ' || (p[1] != ' ' && p[1] != '\0'))
			*to++ = *p;
	if (to != NULL)
		*to = '\0';
	return out;
}

/* "Name: value" */
static bool
header_put(struct pairs *p, const char *line)
{
	size_t	 n = strcspn(line, ":");
	char	*name = strndup(line, n);

	for (char *c = name; c != NULL && *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return pair_put(p, name, line[n] == ':' ? header_value(line + n + 1) : NULL);
}

/* Of these libcurl or a proxy may make something else; "Name:" and "Name;" are no headers but words to libcurl. */
static bool
header_signed(const char *line)
{
	static const char *const	 others[] = { "user-agent", "accept", "accept-encoding", "expect", "connection",
	    "traceparent", "authorization", "host" };
	size_t				 n = strcspn(line, ":;");

	for (size_t i = 0; i < N_ITEMS(others); i++)
		if (strlen(others[i]) == n && strncasecmp(line, others[i], n) == 0)
			return false;
	return line[n] == ':' && line[n + 1] != '\0';
}

static bool
headers_read(struct pairs *p, const struct sigv4 *s, const char *date, const struct fetch_outgoing *out, const char *host,
    size_t host_len)
{
	bool	 ok = pair_put(p, strdup("host"), strndup(host, host_len)) && pair_put(p, strdup("x-amz-date"), strdup(date));

	if (ok && s->session_token != NULL)
		ok = pair_put(p, strdup("x-amz-security-token"), header_value(s->session_token));
	for (const char *const *h = out->headers; ok && h != NULL && *h != NULL; h++)
		ok = !header_signed(*h) || header_put(p, *h);
	pairs_sort(p, false);
	return ok;
}

static bool
sum_hex(const void *data, size_t n, char out[HEX_BYTES])
{
	unsigned char	 sum[EVP_MAX_MD_SIZE];
	unsigned int	 len = 0;

	if (EVP_Digest(data, n, sum, &len, EVP_sha256(), NULL) != 1)
		return false;
	for (unsigned int i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
	return true;
}

/* Names of the signed headers; one that comes again stands once. */
static void
names_add(struct buf *b, const struct pairs *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		if (i == 0 || strcmp(headers->at[i - 1].name, headers->at[i].name) != 0) {
			buf_adds(b, i == 0 ? "" : ";");
			buf_adds(b, headers->at[i].name);
		}
}

static void
canonical_add(struct buf *b, const struct fetch_outgoing *out, const char *path, size_t path_len, const struct pairs *query,
    const struct pairs *headers, const char *body_hash)
{
	buf_addf(b, "%s\n", out->method);
	path_add(b, path, path_len);
	buf_addc(b, '\n');
	for (size_t i = 0; i < query->n; i++)
		buf_addf(b, "%s%s=%s", i == 0 ? "" : "&", query->at[i].name, query->at[i].value);
	for (size_t i = 0; i < headers->n; i++)
		if (i > 0 && strcmp(headers->at[i - 1].name, headers->at[i].name) == 0)
			buf_addf(b, ",%s", headers->at[i].value);
		else
			buf_addf(b, "\n%s:%s", headers->at[i].name, headers->at[i].value);
	buf_adds(b, "\n\n");
	names_add(b, headers);
	buf_addf(b, "\n%s", body_hash);
}

static bool
mac(const void *key, int n, const char *data, unsigned char out[EVP_MAX_MD_SIZE])
{
	return HMAC(EVP_sha256(), key, n, (const unsigned char *)data, strlen(data), out, NULL) != NULL;
}

/* A key for this day, region and service signs the text. */
static bool
signature_hex(const struct sigv4 *s, const char *day, const char *text, char out[HEX_BYTES])
{
	unsigned char	 a[EVP_MAX_MD_SIZE], b[EVP_MAX_MD_SIZE];
	autofree char	*first = NULL;
	bool		 ok = asprintf(&first, "AWS4%s", s->secret_key) != -1 && mac(first, (int)strlen(first), day, a) &&
	    mac(a, 32, s->region, b) && mac(b, 32, s->service, a) && mac(a, 32, "aws4_request", b) && mac(b, 32, text, a);

	for (size_t i = 0; ok && i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", a[i]);
	if (first != NULL)
		explicit_bzero(first, strlen(first));
	OPENSSL_cleanse(a, sizeof(a));
	OPENSSL_cleanse(b, sizeof(b));
	return ok;
}

static bool
lines_add(const struct sigv4 *s, const char *date, const struct fetch_outgoing *out, struct pairs *query,
    struct pairs *headers, struct buf *lines)
{
	const char	*host = strstr(out->url, "://"), *path, *mark;
	char		 body_hash[HEX_BYTES], hash[HEX_BYTES], signature[HEX_BYTES], day[DAY_CHARS + 1];
	autofree char	*text = NULL;
	autobuf		 canonical = { 0 };
	size_t		 path_len;

	host = host == NULL ? out->url : host + 3;
	path = host + strcspn(host, "/?#");
	path_len = strcspn(path, "?#");
	mark = path[path_len] == '?' ? path + path_len + 1 : "";
	snprintf(day, sizeof(day), "%s", date);
	buf_init(&canonical, CANONICAL_BYTES_MAX);
	if (!query_read(query, mark) || !headers_read(headers, s, date, out, host, (size_t)(path - host)) ||
	    !sum_hex(out->body == NULL ? "" : out->body, out->body == NULL ? 0 : out->body_bytes, body_hash))
		return false;
	pairs_sort(query, true);
	canonical_add(&canonical, out, path, path_len, query, headers, body_hash);
	if (canonical.failed || !sum_hex(canonical.data, canonical.len, hash) ||
	    asprintf(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", date, day, s->region, s->service, hash) == -1 ||
	    !signature_hex(s, day, text, signature))
		return false;
	buf_addf(lines, "X-Amz-Date: %s\n", date);
	if (s->session_token != NULL)
		buf_addf(lines, "X-Amz-Security-Token: %s\n", s->session_token);
	buf_addf(lines, "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=", s->access_key, day,
	    s->region, s->service);
	names_add(lines, headers);
	buf_addf(lines, ", Signature=%s\n", signature);
	return true;
}

int
sigv4_sign(const struct sigv4 *s, const char *date, const struct fetch_outgoing *out, struct buf *lines, struct error *e)
{
	struct pairs	*query = calloc(1, sizeof(*query)), *headers = calloc(1, sizeof(*headers));
	bool		 ok = query != NULL && headers != NULL && lines_add(s, date, out, query, headers, lines);

	if (query != NULL)
		pairs_free(query);
	if (headers != NULL)
		pairs_free(headers);
	free(query);
	free(headers);
	return ok ? 0 : error_set(e, ERR_SYSTEM, "a request cannot be signed: no memory, or it is too large");
}
