/*
 * proxy.c -- HTTP CONNECT (RFC 9110, 9.3.6) and SOCKS5 (RFC 1928, 1929), as far as a client needs them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "launcher/broker/proxy.h"
#include "worker/contract/util.h"

#define SOCKS_VERSION	5
#define SOCKS_LOGIN	1	/* version of the login's own protocol */
#define SOCKS_CONNECT	1

enum { METHOD_NONE = 0, METHOD_LOGIN = 2 };
enum { TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };

enum state { HTTP_HEAD, SOCKS_METHOD, SOCKS_LOGGED_IN, SOCKS_REPLY, SOCKS_BOUND };

static const struct verdict {
	unsigned int		 code;
	enum egress_status	 status;
	const char		*reason;
	bool			 elsewhere;
} http_verdicts[] = {
	{ 401, EGRESS_UNREACHABLE, "the operator's proxy wants other credentials", false },
	{ 403, EGRESS_REFUSED, "the operator's proxy does not allow it", false },
	{ 407, EGRESS_UNREACHABLE, "the operator's proxy wants other credentials", false },
	{ 502, EGRESS_UNREACHABLE, "the operator's proxy could not connect", true },
	{ 503, EGRESS_UNREACHABLE, "the operator's proxy could not connect", true },
	{ 504, EGRESS_TIMEOUT, "the operator's proxy had no connection in time", true },
	{ 0, EGRESS_UNREACHABLE, "the operator's proxy answered with an error", true },
}, socks_verdicts[] = {
	{ 2, EGRESS_REFUSED, "the operator's proxy does not allow it", false },
	{ 3, EGRESS_UNREACHABLE, "network unreachable for the operator's proxy", true },
	{ 4, EGRESS_UNREACHABLE, "host unreachable for the operator's proxy", true },
	{ 5, EGRESS_UNREACHABLE, "connection refused", true },
	{ 6, EGRESS_TIMEOUT, "the operator's proxy had no connection in time", true },
	{ 0, EGRESS_UNREACHABLE, "the operator's proxy answered with an error", true },
};

static enum proxy_step
failed(struct proxy_talk *t, enum egress_status status, const char *reason, bool elsewhere)
{
	t->status = status;
	t->reason = reason;
	t->elsewhere = elsewhere;
	return PROXY_FAILED;
}

static enum proxy_step
nonsense(struct proxy_talk *t)
{
	return failed(t, EGRESS_UNREACHABLE, "the operator's proxy answered nonsense; is it of that kind?", false);
}

/* The last row of a table is for all other codes. */
static enum proxy_step
judged(struct proxy_talk *t, const struct verdict *v, unsigned int code)
{
	while (v->code != code && v->code != 0)
		v++;
	return failed(t, v->status, v->reason, v->elsewhere);
}

static enum proxy_step
said(struct proxy_talk *t, unsigned int state, size_t want_bytes)
{
	t->state = state;
	t->heard_bytes = 0;
	t->want_bytes = want_bytes;
	return PROXY_SAY;
}

static void
base64(char *out, const char *in, size_t n)
{
	static const char	digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t	v = (uint32_t)(uint8_t)in[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)(uint8_t)in[i + 1] << 8;
		if (i + 2 < n)
			v |= (uint8_t)in[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out = '\0';
}

static enum proxy_step
http_begin(struct proxy_talk *t)
{
	const struct wire_proxy	*p = t->proxy;
	char			 pair[2 * WIRE_CREDENTIAL_BYTES_MAX + 2], coded[sizeof(pair) / 3 * 4 + 8] = "";
	bool			 six = strchr(t->target, ':') != NULL;
	int			 n;

	if (p->user[0] != '\0') {
		n = snprintf(pair, sizeof(pair), "%s:%s", p->user, p->password);
		base64(coded, pair, (size_t)n);
	}
	n = snprintf(t->say, sizeof(t->say), "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s%s%s\r\n",
	    six ? "[" : "", t->target, six ? "]" : "", t->port, six ? "[" : "", t->target, six ? "]" : "", t->port,
	    coded[0] != '\0' ? "Proxy-Authorization: Basic " : "", coded, coded[0] != '\0' ? "\r\n" : "");
	explicit_bzero(pair, sizeof(pair));
	explicit_bzero(coded, sizeof(coded));
	if (n < 0 || (size_t)n >= sizeof(t->say))
		return failed(t, EGRESS_UNREACHABLE, "the request to the operator's proxy is too long", false);
	t->say_bytes = (size_t)n;
	return said(t, HTTP_HEAD, 0);
}

/* "HTTP/1.1 200 ..." of a whole head; 0: not such a line. */
static unsigned int
http_status(const struct proxy_talk *t)
{
	const uint8_t	*s = t->heard;

	if (t->heard_bytes < 13 || memcmp(s, "HTTP/1.", 7) != 0 || (s[7] != '0' && s[7] != '1') || s[8] != ' ' ||
	    (s[12] != ' ' && s[12] != '\r'))
		return 0;
	for (size_t i = 9; i < 12; i++)
		if (s[i] < '0' || s[i] > '9')
			return 0;
	return (unsigned int)((s[9] - '0') * 100 + (s[10] - '0') * 10 + s[11] - '0');
}

static enum proxy_step
http_head_end(struct proxy_talk *t)
{
	unsigned int	status = http_status(t);

	if (status >= 200 && status <= 299)
		return PROXY_OPEN;
	if (status == 0 || status == 101)
		return nonsense(t);
	if (status >= 200)
		return judged(t, http_verdicts, status);
	t->heard_bytes = 0;	/* an interim answer; another head follows */
	t->ends = 0;
	return PROXY_MORE;
}

static enum proxy_step
http_hear(struct proxy_talk *t, const uint8_t *in, size_t n, size_t *used)
{
	for (size_t i = 0; i < n; i++) {
		enum proxy_step	step;

		*used = i + 1;
		if (++t->total_bytes > PROXY_ANSWER_BYTES_MAX)
			return failed(t, EGRESS_UNREACHABLE, "the operator's proxy has too much to say", false);
		if (t->heard_bytes < sizeof(t->heard))
			t->heard[t->heard_bytes++] = in[i];
		if (in[i] == "\r\n\r\n"[t->ends])
			t->ends++;
		else
			t->ends = in[i] == '\r';
		if (t->ends == 4 && (step = http_head_end(t)) != PROXY_MORE)
			return step;
	}
	return PROXY_MORE;
}

static enum proxy_step
socks_begin(struct proxy_talk *t)
{
	bool	login = t->proxy->user[0] != '\0';

	t->say[0] = SOCKS_VERSION;
	t->say[1] = login ? 2 : 1;
	t->say[2] = METHOD_NONE;
	t->say[3] = METHOD_LOGIN;
	t->say_bytes = login ? 4 : 3;
	return said(t, SOCKS_METHOD, 2);
}

static enum proxy_step
socks_login(struct proxy_talk *t)
{
	size_t	user = strlen(t->proxy->user), password = strlen(t->proxy->password);

	t->say[0] = SOCKS_LOGIN;
	t->say[1] = (char)user;
	memcpy(t->say + 2, t->proxy->user, user);
	t->say[2 + user] = (char)password;
	memcpy(t->say + 3 + user, t->proxy->password, password);
	t->say_bytes = 3 + user + password;
	return said(t, SOCKS_LOGGED_IN, 2);
}

static enum proxy_step
socks_connect(struct proxy_talk *t)
{
	size_t	n = strlen(t->target), at = 4;

	memcpy(t->say, (char[]){ SOCKS_VERSION, SOCKS_CONNECT, 0, TYPE_NAME }, 4);
	if (inet_pton(AF_INET, t->target, t->say + at) == 1) {
		t->say[3] = TYPE_IPV4;
		at += sizeof(struct in_addr);
	} else if (inet_pton(AF_INET6, t->target, t->say + at) == 1) {
		t->say[3] = TYPE_IPV6;
		at += sizeof(struct in6_addr);
	} else {
		t->say[at++] = (char)n;
		memcpy(t->say + at, t->target, n);
		at += n;
	}
	t->say[at++] = (char)(t->port >> 8);
	t->say[at++] = (char)t->port;
	t->say_bytes = at;
	return said(t, SOCKS_REPLY, 5);
}

/* Version, code, nothing, type and the first byte of an address that is of no use but tells where the answer ends. */
static enum proxy_step
socks_replied(struct proxy_talk *t)
{
	const uint8_t	*a = t->heard;

	if (a[0] != SOCKS_VERSION)
		return nonsense(t);
	if (a[1] != 0)
		return judged(t, socks_verdicts, a[1]);
	t->state = SOCKS_BOUND;
	switch (a[3]) {
	case TYPE_IPV4:	t->want_bytes = 4 + 4 + 2; return PROXY_MORE;
	case TYPE_IPV6:	t->want_bytes = 4 + 16 + 2; return PROXY_MORE;
	case TYPE_NAME:	t->want_bytes = 4 + 1 + (size_t)a[4] + 2; return PROXY_MORE;
	default:	return nonsense(t);
	}
}

static enum proxy_step
socks_answered(struct proxy_talk *t)
{
	const uint8_t	*a = t->heard;

	switch (t->state) {
	case SOCKS_METHOD:
		if (a[0] != SOCKS_VERSION)
			return nonsense(t);
		if (a[1] == METHOD_NONE)
			return socks_connect(t);
		if (a[1] == METHOD_LOGIN && t->proxy->user[0] != '\0')
			return socks_login(t);
		return failed(t, EGRESS_UNREACHABLE, "the operator's proxy wants other credentials", false);
	case SOCKS_LOGGED_IN:
		if (a[0] != SOCKS_LOGIN)
			return nonsense(t);
		if (a[1] != 0)
			return failed(t, EGRESS_UNREACHABLE, "the operator's proxy wants other credentials", false);
		return socks_connect(t);
	case SOCKS_REPLY:
		return socks_replied(t);
	default:
		return PROXY_OPEN;
	}
}

static enum proxy_step
socks_hear(struct proxy_talk *t, const uint8_t *in, size_t n, size_t *used)
{
	enum proxy_step	step = PROXY_MORE;

	/* An answer that is longer than what was wanted is the worker's, or a reason to stop: the next step sees it. */
	while (step == PROXY_MORE && *used < n) {
		t->heard[t->heard_bytes++] = in[(*used)++];
		if (t->heard_bytes == t->want_bytes)
			step = socks_answered(t);
	}
	return step;
}

enum proxy_step
proxy_begin(struct proxy_talk *t, const struct wire_proxy *p, const char *target, uint16_t port)
{
	*t = (struct proxy_talk){ .proxy = p, .target = target, .port = port, .reason = "" };
	if (strlen(target) > EGRESS_HOST_BYTES_MAX)
		return failed(t, EGRESS_UNREACHABLE, "the request to the operator's proxy is too long", false);
	return p->kind == WIRE_PROXY_HTTP ? http_begin(t) : socks_begin(t);
}

enum proxy_step
proxy_hear(struct proxy_talk *t, const uint8_t *in, size_t n, size_t *used)
{
	*used = 0;
	return t->state == HTTP_HEAD ? http_hear(t, in, n, used) : socks_hear(t, in, n, used);
}
