/*
 * fetch_text.c -- URLs, escapes, base64url and signatures.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "worker/runtime/fetch_priv.h"

int
origin_of(const char *url, struct origin *o)
{
	return url_host_port(url, o->host, &o->port, &o->https);
}

bool
origin_same(const struct origin *a, const struct origin *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool
origin_loopback(const struct origin *o)
{
	return strcmp(o->host, "localhost") == 0 || strncmp(o->host, "127.", 4) == 0;
}

static void
percent_add(struct buf *b, const char *s, const char *plain)
{
	for (; *s != '\0'; s++) {
		bool	 letter = (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9');

		if (letter || strchr(plain, *s) != NULL)
			buf_addc(b, *s);
		else
			buf_addf(b, "%%%02X", (unsigned char)*s);
	}
}

char *
fetch_escape(const char *s)
{
	struct buf	 b;

	buf_init(&b, FETCH_URL_BYTES_MAX);
	/* A segment of dots would be taken for a way up. */
	percent_add(&b, s, strcmp(s, ".") == 0 || strcmp(s, "..") == 0 ? "-_~" : "-._~");
	if (b.failed) {
		buf_free(&b);
		return NULL;
	}
	return buf_steal(&b);
}

void
query_add(struct buf *b, const char *name, const char *value)
{
	buf_addc(b, b->data != NULL && strchr(b->data, '?') != NULL ? '&' : '?');
	percent_add(b, name, "-._~");
	buf_addc(b, '=');
	percent_add(b, value, "-._~");
}

void
form_add(struct buf *b, const char *s)
{
	percent_add(b, s, "-._~");
}

char *
url_resolve(const char *base, const char *ref)
{
	CURLU	*u = curl_url();
	char	*full = NULL, *own = NULL;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, base, CURLU_URLENCODE) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, ref, CURLU_URLENCODE) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &full, 0) == CURLUE_OK)
		own = strdup(full);
	curl_free(full);
	curl_url_cleanup(u);
	return own;
}

const char *
url_shown(const char *url, char out[256])
{
	snprintf(out, 256, "%.*s", (int)strcspn(url, "?#"), url);
	return out;
}

void
text_printable(char *out, size_t max, const char *s, size_t n)
{
	size_t	 k = 0;

	for (size_t i = 0; i < n && k + 1 < max; i++)
		out[k++] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? ' ' : s[i];
	out[k] = '\0';
	/* Not half a character. */
	if (k + 1 == max && k < n && ((unsigned char)s[k] & 0xc0) == 0x80) {
		while (k > 0 && ((unsigned char)out[k - 1] & 0xc0) == 0x80)
			k--;
		out[k > 0 ? k - 1 : 0] = '\0';
	}
}

char *
fetch_base64url(const void *data, size_t n)
{
	char	*out = malloc(n / 3 * 4 + 8);
	int	 len;

	if (out == NULL)
		return NULL;
	len = EVP_EncodeBlock((unsigned char *)out, data, (int)n);
	while (len > 0 && out[len - 1] == '=')
		len--;
	out[len] = '\0';
	for (char *p = out; *p != '\0'; p++)
		*p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
	return out;
}

char *
fetch_sign_rs256(const char *pem, const char *data, struct error *e)
{
	EVP_PKEY	*key = fetch_key_read(pem, NULL);
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	unsigned char	*sig = NULL;
	size_t		 n = 0;
	char		*out = NULL;

	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		error_set(e, ERR_INVALID_CONFIGURATION, "the private key is no RSA key in PEM form");
	else if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, NULL, &n, (const unsigned char *)data, strlen(data)) != 1 ||
	    (sig = malloc(n)) == NULL ||
	    EVP_DigestSign(ctx, sig, &n, (const unsigned char *)data, strlen(data)) != 1 ||
	    (out = fetch_base64url(sig, n)) == NULL)
		error_set(e, ERR_SYSTEM, "cannot sign");
	free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return out;
}
