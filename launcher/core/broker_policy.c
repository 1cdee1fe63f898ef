/*
 * broker_policy.c -- what a worker may reach, as the broker is told it.
 */
#include <string.h>

#include "launcher/core/broker_policy.h"

/* As the broker compares: lower case, no trailing dot. */
static int
host_put(struct wire_host *w, const char *host, uint16_t port, struct error *e)
{
	size_t	n = strlen(host);

	if (n > 1 && host[n - 1] == '.')
		n--;
	if (n == 0 || n > EGRESS_HOST_BYTES_MAX)
		return error_set(e, ERR_LIMIT, "egress: a host name has 1 to %d bytes", EGRESS_HOST_BYTES_MAX);
	for (size_t i = 0; i < n; i++)
		w->host[i] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] - 'A' + 'a') : host[i];
	w->port = port;
	return 0;
}

/* A list that ends with NULL, behind the at hosts there are; returns how many, or -1. */
static int
hosts_put(struct wire_open *w, size_t at, const char *const *list, size_t max, const char *what, struct error *e)
{
	size_t	n = 0;

	for (; list != NULL && list[n] != NULL; n++) {
		if (n == max)
			return error_set(e, ERR_LIMIT, "egress: more than %zu hosts %s", max, what);
		if (host_put(&w->hosts[at + n], list[n], 0, e) == -1)
			return -1;
	}
	return (int)n;
}

int
broker_policy_put(struct wire_open *w, const struct broker_policy *p, struct error *e)
{
	size_t	n = 0;
	int	opened, direct;

	if (p->nrules > WIRE_RULES_MAX)
		return error_set(e, ERR_LIMIT, "egress: more than %d rules", WIRE_RULES_MAX);
	for (; n < p->nrules; n++)
		if (host_put(&w->hosts[n], p->rules[n].host, p->rules[n].port, e) == -1)
			return -1;
	w->nrules = (uint16_t)n;
	if ((opened = hosts_put(w, n, p->allow_private, WIRE_OPENED_MAX, "opened by the operator", e)) == -1 ||
	    (direct = hosts_put(w, n + (size_t)opened, p->direct, WIRE_DIRECT_MAX, "without proxy", e)) == -1)
		return -1;
	w->nopened = (uint16_t)opened;
	w->ndirect = (uint16_t)direct;
	if (p->proxy != NULL)
		w->proxy = *p->proxy;
	if (p->rate != NULL)
		w->rate = *p->rate;
	w->networked = p->way;
	w->connects_max = p->connects_max > 0 ? p->connects_max : BROKER_CONNECTS_MAX;
	return 0;
}
