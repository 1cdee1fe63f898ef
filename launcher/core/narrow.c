/*
 * narrow.c -- the operator's own list: of what a specification allows, only this.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/core/inv.h"

#define LISTED_BYTES	300	/* of hosts in an error text */

/* "HOST" or "HOST:PORT" (0: any) in the spelling of rules.  -1: neither. */
static int
place_parse(const char *text, struct egress_rule *r)
{
	const char	*colon = strrchr(text, ':');
	size_t		 n = colon != NULL ? (size_t)(colon - text) : strlen(text);
	unsigned int	 port = 0;

	*r = (struct egress_rule){ 0 };
	if (colon != NULL) {
		const char	*p = colon + 1;

		for (; *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++)
			port = port * 10 + (unsigned int)(*p - '0');
		if (*p != '\0' || port == 0 || port > UINT16_MAX)
			return -1;
		r->port = (uint16_t)port;
	}
	if (n > 1 && text[n - 1] == '.')
		n--;
	if (n == 0 || n > EGRESS_HOST_BYTES_MAX)
		return -1;
	for (size_t i = 0; i < n; i++)
		r->host[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
	return egress_host_ok(r->host) ? 0 : -1;
}

/* Everything that `host` stands for, `rule` does too. */
static bool
covers(const char *rule, const char *host)
{
	size_t	tail, len = strlen(host);

	if (strcmp(rule, host) == 0)
		return true;
	if (strncmp(rule, "*.", 2) != 0)
		return false;
	tail = strlen(rule + 1);
	return len > tail && strcmp(host + len - tail, rule + 1) == 0;
}

/* One entry's share of the rules. */
static int
share_add(const struct egress_rule *rules, size_t n, const struct egress_rule *entry, struct egress_rule *out,
    size_t *nout, bool *found, struct error *e)
{
	*found = false;
	for (size_t i = 0; i < n; i++) {
		size_t	k = 0;

		if (!covers(rules[i].host, entry->host) || (entry->port != 0 && entry->port != rules[i].port))
			continue;
		*found = true;
		while (k < *nout && (out[k].port != rules[i].port || strcmp(out[k].host, entry->host) != 0))
			k++;
		if (k < *nout)
			continue;
		if (*nout == SPEC_EGRESS_MAX)
			return error_set(e, ERR_LIMIT, "egress: over %d hosts", SPEC_EGRESS_MAX);
		out[*nout] = *entry;
		out[(*nout)++].port = rules[i].port;
	}
	return 0;
}

static int
not_covered(const struct egress_rule *rules, size_t n, const char *text, struct error *e)
{
	char	 listed[LISTED_BYTES] = "nothing";
	size_t	 at = 0;

	for (size_t i = 0; i < n; i++) {
		int	k = snprintf(listed + at, sizeof(listed) - at, "%s%s:%u", i > 0 ? ", " : "", rules[i].host,
		    rules[i].port);

		if (k < 0 || (size_t)k >= sizeof(listed) - at) {
			memcpy(listed + sizeof(listed) - 4, "...", 4);
			break;
		}
		at += (size_t)k;
	}
	return error_set(e, ERR_USAGE, "egress %.80s: the connector's specification does not allow it (with this "
	    "configuration it allows %s); this list can only narrow", text, listed);
}

int
egress_narrow(struct egress_rule rules[SPEC_EGRESS_MAX], size_t *n, const char *const *only, struct error *e)
{
	struct egress_rule	 out[SPEC_EGRESS_MAX], entry;
	size_t			 nout = 0;
	bool			 found;

	if (only == NULL || only[0] == NULL)
		return 0;
	for (; *only != NULL; only++) {
		if (place_parse(*only, &entry) == -1)
			return error_set(e, ERR_USAGE, "egress %.80s: HOST or HOST:PORT is wanted; an international name in its "
			    "xn-- form", *only);
		if (share_add(rules, *n, &entry, out, &nout, &found, e) == -1)
			return -1;
		if (!found)
			return not_covered(rules, *n, *only, e);
	}
	memcpy(rules, out, nout * sizeof(*out));
	*n = nout;
	return 0;
}
