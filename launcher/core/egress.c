/*
 * egress.c -- an invocation's way out: its rules, its leg of the broker, and what becomes of both.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/core/broker_wire.h"
#include "launcher/core/inv.h"

struct way_out {
	struct egress_rule	 rules[SPEC_EGRESS_MAX];
	size_t			 nrules;
	char			**allow_private;	/* NULL-terminated, or NULL */
	struct wire_proxy	 proxy;
	struct egress_direct	 direct;
};

int
egress_fill(struct invocation *iv, const struct inv_request *rq, struct error *e)
{
	struct way_out	*way = calloc(1, sizeof(*way));

	if ((iv->way = way) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	if (spec_egress(&rq->ref->spec, rq->rq->config, way->rules, &way->nrules, e) == -1 ||
	    egress_narrow(way->rules, &way->nrules, rq->egress, e) == -1 ||
	    proxy_settle(&rq->proxy, &way->proxy, &way->direct, e) == -1)
		return -1;
	if (rq->allow_private != NULL && (way->allow_private = texts_copy(rq->allow_private)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	return 0;
}

void
egress_free(struct invocation *iv)
{
	if (iv->way == NULL)
		return;
	texts_free(iv->way->allow_private);
	explicit_bzero(&iv->way->proxy, sizeof(iv->way->proxy));
	free(iv->way);
	iv->way = NULL;
}

int
egress_open(struct invocation *iv, struct error *e)
{
	struct broker_policy	 policy = { .rules = iv->way->rules, .nrules = iv->way->nrules,
	    .allow_private = (const char *const *)iv->way->allow_private, .proxy = &iv->way->proxy,
	    .direct = iv->way->direct.hosts, .connects_max = (unsigned int)iv->limits.connects };

	if ((iv->outlet = outlet_take(e)) == NULL)
		return -1;
	return broker_attach(iv->outlet->broker, &policy, iv->w->egress_fd, &iv->leg, e);
}

int
egress_lost(const struct invocation *iv, struct error *e)
{
	if (iv->leg == 0)
		return 0;
	return broker_read(iv->outlet->broker, e) == -1 ? -1 : broker_ended(iv->outlet->broker, iv->leg, e);
}

const char *
egress_refused(const struct invocation *iv)
{
	return iv->leg != 0 ? broker_refused(iv->outlet->broker, iv->leg) : NULL;
}

void
egress_close(struct invocation *iv)
{
	const char	*refused = egress_refused(iv);

	if (refused != NULL)
		snprintf(iv->refused, sizeof(iv->refused), "%s", refused);
	if (iv->leg != 0) {
		cJSON_Delete(iv->egress);
		iv->egress = broker_close(iv->outlet->broker, iv->leg);
		/* What it said of others meanwhile is in hand, and raises no event of its own. */
		if (!iv->outlet->gone)
			event_active(&iv->outlet->packets, EV_READ, 0);
	}
	iv->leg = 0;
	outlet_drop(iv->outlet);
	iv->outlet = NULL;
}
