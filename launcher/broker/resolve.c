/*
 * resolve.c -- asks the system's resolver, and keeps only addresses the policy allows.
 *
 * The address that is checked here is the one that is connected to: there is no
 * second look-up a name server could answer differently.
 */
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#include "launcher/broker/address.h"
#include "launcher/broker/dial.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

atomic_bool	dial_outdated;

#define RESOLVE_ATTEMPT_S	3	/* of one name server */
#define RESOLVE_ATTEMPTS	2

static size_t
none(struct dial *d, enum egress_status status, const char *reason)
{
	dial_fail(d, status, reason);
	return 0;
}

/*
 * A search list would turn a listed name into one of the cluster this runs in.
 * Set up anew each time, so that a changed resolv.conf is noticed here and only here: libc, left
 * to look for changes by itself, undoes these options at every second look-up of a thread.
 */
static int
resolver_setup(void)
{
	if (res_init() == -1)
		return -1;
	_res.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
	_res.options |= RES_NOALIASES | RES_NORELOAD;
	_res.retrans = RESOLVE_ATTEMPT_S;
	_res.retry = RESOLVE_ATTEMPTS;
	return 0;
}

static size_t
failed(struct dial *d, int code)
{
	switch (code) {
	case EAI_NONAME:
	case EAI_NODATA:
		return none(d, EGRESS_UNRESOLVED, "no such host");
	case EAI_AGAIN:
		return none(d, EGRESS_UNRESOLVED, "the name servers did not answer");
	default:
		return none(d, EGRESS_UNRESOLVED, "the resolver failed");
	}
}

static bool
address_take(union dial_address *out, const struct addrinfo *ai)
{
	if (ai->ai_addrlen > sizeof(*out) || (ai->ai_family != AF_INET && ai->ai_family != AF_INET6))
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(out, ai->ai_addr, ai->ai_addrlen);
	return true;
}

/* Those of the list that policy allows. */
static size_t
addresses_sift(struct dial *d, const struct addrinfo *list, bool private_ok, union dial_address out[DIAL_ADDRESSES_MAX])
{
	size_t	n = 0;
	bool	any = false, noted = false;

	for (const struct addrinfo *ai = list; ai != NULL && n < DIAL_ADDRESSES_MAX; ai = ai->ai_next) {
		if (!address_take(&out[n], ai))
			continue;
		any = true;
		if (address_allowed(&out[n].sa, private_ok)) {
			n++;
			continue;
		}
		if (!noted)
			dial_note(d, &out[n]);
		noted = true;
	}
	if (n > 0)
		return n;
	return any ? none(d, EGRESS_REFUSED, DIAL_NOT_PUBLIC) : none(d, EGRESS_UNRESOLVED, "no such host");
}

size_t
dial_resolve(struct dial *d, const char *host, uint16_t port, bool private_ok, union dial_address out[DIAL_ADDRESSES_MAX])
{
	struct addrinfo	 hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo	*list = NULL;
	char		 service[8];
	size_t		 n;
	int		 code;

	snprintf(service, sizeof(service), "%u", (unsigned int)port);
	/* No answer is better than one of a wrong name server. */
	if (sandbox_broker_outdated()) {
		atomic_store(&dial_outdated, true);
		return none(d, EGRESS_UNRESOLVED, "the resolver's files were replaced; a new broker takes over when this "
		    "one has no more to do");
	}
	if (resolver_setup() == -1)
		return none(d, EGRESS_UNRESOLVED, "the resolver could not be set up");
	if ((code = getaddrinfo(host, service, &hints, &list)) != 0)
		return failed(d, code);
	n = addresses_sift(d, list, private_ok, out);
	freeaddrinfo(list);
	return n;
}
