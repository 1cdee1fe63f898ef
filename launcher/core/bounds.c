/*
 * bounds.c -- a policy against what the operator allows.
 */
#include <stdbool.h>
#include <string.h>

#include "launcher/core/bounds.h"

static bool
host_same(const struct wire_host *a, const struct wire_host *b)
{
	return a->port == b->port && memchr(a->host, '\0', sizeof(a->host)) != NULL && strncmp(a->host, b->host, sizeof(a->host)) == 0;
}

/* Is each of the n asked for among the most? */
static bool
hosts_among(const struct wire_host *asked, size_t n, const struct wire_host *most, size_t nmost)
{
	for (size_t i = 0; i < n; i++) {
		bool	 found = false;

		for (size_t k = 0; k < nmost && !found; k++)
			found = host_same(&asked[i], &most[k]);
		if (!found)
			return false;
	}
	return true;
}

bool
bounds_proxy_same(const struct wire_proxy *a, const struct wire_proxy *b)
{
	return a->kind == b->kind && a->names == b->names && a->port == b->port && strncmp(a->host, b->host, sizeof(a->host)) == 0;
}

const char *
bounds_broken(const struct wire_open *most, const struct wire_open *asked, size_t bytes)
{
	const struct wire_host	*opened, *direct;

	if (bytes < WIRE_OPEN_BYTES(0) || asked->nrules > WIRE_RULES_MAX || asked->nopened > WIRE_OPENED_MAX ||
	    asked->ndirect > WIRE_DIRECT_MAX ||
	    bytes != WIRE_OPEN_BYTES((size_t)asked->nrules + asked->nopened + asked->ndirect))
		return "its length";
	opened = &asked->hosts[asked->nrules];
	direct = opened + asked->nopened;
	if (!hosts_among(opened, asked->nopened, &most->hosts[most->nrules], most->nopened))
		return "a private address that the operator did not open";
	if (!bounds_proxy_same(&most->proxy, &asked->proxy))
		return "another proxy than the operator's";
	if (!hosts_among(direct, asked->ndirect, &most->hosts[most->nrules + most->nopened], most->ndirect))
		return "a host past the operator's proxy";
	return asked->connects_max > most->connects_max ? "more connections than the operator allows" : NULL;
}
