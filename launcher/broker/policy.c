/*
 * policy.c -- the grammar of hosts and questions, and the list of what a worker may reach.
 *
 * Hosts are compared as bytes: only one spelling of each exists here (lower
 * case, no trailing dot, canonical IPv4), so two of them are equal or different.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/broker/policy.h"

#define LABEL_BYTES_MAX	63

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* In any base inet_aton() knows: a resolver may take such a name for an address. */
static bool
label_is_number(const char *s, size_t n)
{
	if (n >= 2 && s[0] == '0' && s[1] == 'x') {
		for (size_t i = 2; i < n; i++)
			if (!is_hex(s[i]))
				return false;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (!is_digit(s[i]))
			return false;
	return true;
}

static bool
label_ok(const char *s, size_t n)
{
	if (n == 0 || n > LABEL_BYTES_MAX || !is_alnum(s[0]) || !is_alnum(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

static bool
is_canonical_ipv4(const char *host)
{
	struct in_addr	a;
	char		text[INET_ADDRSTRLEN];

	return inet_pton(AF_INET, host, &a) == 1 && inet_ntop(AF_INET, &a, text, sizeof(text)) != NULL &&
	    strcmp(text, host) == 0;
}

enum host_kind
host_kind(const char *host)
{
	size_t		 labels = 0, n;
	const char	*at = host;

	if (strlen(host) > EGRESS_HOST_BYTES_MAX)
		return HOST_BAD;
	if (strcmp(host, "localhost") == 0)
		return HOST_LOCAL;
	if (is_canonical_ipv4(host))
		return HOST_IPV4;
	for (;; at += n + 1) {
		n = strcspn(at, ".");
		if (!label_ok(at, n))
			return HOST_BAD;
		labels++;
		if (at[n] == '\0')
			break;
	}
	return labels < 2 || label_is_number(at, n) ? HOST_BAD : HOST_NAME;
}

int
question_parse(const void *packet, size_t packet_bytes, struct egress_question *q)
{
	if (packet_bytes != sizeof(*q))
		return -1;
	memcpy(q, packet, sizeof(*q));
	if (q->kind >= EGRESS_KIND__MAX || q->inner > (q->kind == EGRESS_PERMIT) || q->pad[0] != 0 || q->pad[1] != 0 ||
	    (q->wait_ms != 0 && q->kind != EGRESS_DONE && q->kind != EGRESS_CALL))
		return -1;
	if (q->kind != EGRESS_CONNECT && q->kind != EGRESS_NAME) {
		static const char	nothing[sizeof(q->host)];

		return q->port == 0 && q->host_bytes == 0 && memcmp(q->host, nothing, sizeof(nothing)) == 0 ? 0 : -1;
	}
	if ((q->port == 0) != (q->kind == EGRESS_NAME) || q->host_bytes == 0 || q->host_bytes > EGRESS_HOST_BYTES_MAX)
		return -1;
	for (size_t i = 0; i < sizeof(q->host); i++) {
		bool	visible = q->host[i] > ' ' && q->host[i] < 0x7f;

		if (i < q->host_bytes ? !visible : q->host[i] != '\0')
			return -1;
	}
	if (q->host_bytes > 1 && q->host[q->host_bytes - 1] == '.')
		q->host[--q->host_bytes] = '\0';
	return 0;
}

static bool
is_text(const char *s, size_t bytes)
{
	return memchr(s, '\0', bytes) != NULL;
}

static bool
proxy_ok(const struct wire_proxy *w)
{
	if (w->kind >= WIRE_PROXY__MAX || w->names > 1 || !is_text(w->host, sizeof(w->host)) ||
	    !is_text(w->user, sizeof(w->user)) || !is_text(w->password, sizeof(w->password)))
		return false;
	return w->kind == WIRE_PROXY_NONE || (w->host[0] != '\0' && w->port != 0);
}

static bool
rate_ok(const struct rate_budget *b)
{
	return b->requests <= RATE_REQUESTS_MAX && b->concurrency <= RATE_CONCURRENCY_MAX &&
	    b->per_ms <= RATE_PER_MS_MAX && (b->requests == 0 || b->per_ms > 0);
}

int
policy_take(struct policy *p, const struct wire_open *w, size_t packet_bytes)
{
	size_t	n;

	*p = (struct policy){ 0 };
	if (packet_bytes < WIRE_OPEN_BYTES(0) || w->nrules > WIRE_RULES_MAX || w->nopened > WIRE_OPENED_MAX ||
	    w->ndirect > WIRE_DIRECT_MAX || w->networked >= WIRE_WAY__MAX || !proxy_ok(&w->proxy) || !rate_ok(&w->rate.budget) ||
	    w->rate.shared > 1)
		return -1;
	n = (size_t)w->nrules + w->nopened + w->ndirect;
	if (packet_bytes != WIRE_OPEN_BYTES(n))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!is_text(w->hosts[i].host, sizeof(w->hosts[i].host)))
			return -1;
	if ((p->hosts = calloc(n > 0 ? n : 1, sizeof(*p->hosts))) == NULL)
		return -1;
	memcpy(p->hosts, w->hosts, n * sizeof(*p->hosts));
	p->nrules = w->nrules;
	p->nopened = w->nopened;
	p->ndirect = w->ndirect;
	p->connects_max = w->connects_max;
	p->proxy = w->proxy;
	return 0;
}

void
policy_free(struct policy *p)
{
	free(p->hosts);
	explicit_bzero(p, sizeof(*p));
}

/* "*.x.y" is for names with something before ".x.y"; an address has no subdomains. */
static bool
pattern_has(const char *pattern, const char *host, enum host_kind kind)
{
	size_t	tail, len;

	if (strncmp(pattern, "*.", 2) != 0)
		return strcmp(pattern, host) == 0;
	if (kind != HOST_NAME)
		return false;
	tail = strlen(pattern + 1);
	len = strlen(host);
	return len > tail && strcmp(host + len - tail, pattern + 1) == 0;
}

static bool
any_has(const struct wire_host *hosts, size_t n, const char *host, enum host_kind kind)
{
	for (size_t i = 0; i < n; i++)
		if (pattern_has(hosts[i].host, host, kind))
			return true;
	return false;
}

const struct wire_proxy *
policy_proxy(const struct policy *p, const struct egress_question *q)
{
	if (p->proxy.kind == WIRE_PROXY_NONE ||
	    any_has(p->hosts + p->nrules + p->nopened, p->ndirect, q->host, host_kind(q->host)))
		return NULL;
	return &p->proxy;
}

const char *
policy_knows(const struct policy *p, const char *host)
{
	enum host_kind	kind = host_kind(host);

	if (kind == HOST_BAD)
		return "not a host name: letters, digits and hyphens in two or more labels";
	return any_has(p->hosts, p->nrules, host, kind) ? NULL : "the host is not in the connector's egress list";
}

const char *
policy_refuses(const struct policy *p, const struct egress_question *q, bool *private_ok)
{
	enum host_kind	kind = host_kind(q->host);
	bool		host_listed = false, port_listed = false;

	*private_ok = false;
	if (kind == HOST_BAD)
		return "not a host name: lower-case letters, digits and hyphens in two or more labels, or an IPv4 "
		    "address in plain form";
	for (size_t i = 0; i < p->nrules; i++) {
		if (!pattern_has(p->hosts[i].host, q->host, kind))
			continue;
		host_listed = true;
		port_listed = port_listed || p->hosts[i].port == q->port;
	}
	*private_ok = any_has(p->hosts + p->nrules, p->nopened, q->host, kind);
	if (!host_listed)
		return "the host is not in the connector's egress list";
	if (!port_listed)
		return "the port is not in the connector's egress list";
	if (kind == HOST_LOCAL && !*private_ok)
		return "localhost must be opened by the operator";
	return NULL;
}
