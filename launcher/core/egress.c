/*
 * egress.c -- an invocation's way out: its rules, its leg of the broker, and what becomes of both.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/core/bounds.h"
#include "launcher/core/digest.h"
#include "launcher/core/far.h"
#include "launcher/core/inv.h"
#include "sandbox/sandbox.h"

struct way_out {
	struct egress_rule	*rules;			/* as many as there are: most have one, and invocations are many */
	size_t			 nrules;
	char			**allow_private;	/* NULL-terminated, or NULL */
	struct wire_proxy	 proxy;
	struct egress_direct	*direct;		/* NULL: no proxy */
	struct wire_rate	 rate;
};

static uint64_t	 rate_requests, rate_wait_ms;	/* of all legs that were closed */

void
egress_count(struct core_counts *c)
{
	c->rate_requests = rate_requests;
	c->rate_wait_ms = rate_wait_ms;
}

/* Which source: the connector's name, and the source's, or the places that it is at. */
static int
source_digest(const struct way_out *way, const struct inv_request *rq, uint8_t out[WIRE_SOURCE_BYTES], struct error *e)
{
	uint8_t		 sum[DIGEST_BYTES];
	autobuf		 b;

	buf_init(&b, SPEC_EGRESS_MAX * (EGRESS_HOST_BYTES_MAX + 8) + CONNECTOR_NAME_MAX + 2);
	/* Versions of one connector ("hr@2") are at one source. */
	buf_addf(&b, "%.*s%c", (int)strcspn(rq->ref->name, "@"), rq->ref->name, rq->source != NULL ? '=' : '@');
	if (rq->source != NULL)
		buf_adds(&b, rq->source);
	for (size_t i = 0; rq->source == NULL && i < way->nrules; i++)
		buf_addf(&b, " %s:%u", way->rules[i].host, way->rules[i].port);
	if (buf_check(&b, "source", e) == -1)
		return -1;
	digest_of(b.data, b.len, sum);
	memcpy(out, sum, WIRE_SOURCE_BYTES);
	return 0;
}

/* An operator's word counts instead of the specification's. */
static int
rate_settle(struct way_out *way, const struct inv_request *rq, struct error *e)
{
	if (rq->rate != NULL)
		way->rate.budget = *rq->rate;
	else
		spec_rate(&rq->ref->spec, &way->rate.budget);
	way->rate.shared = rq->waits_shared;
	return source_digest(way, rq, way->rate.source, e);
}

static int
rules_fill(struct way_out *way, const struct inv_request *rq, struct error *e)
{
	struct egress_rule	 rules[SPEC_EGRESS_MAX];
	int			 r;

	if (rq->house != NULL)
		return 0;
	way->rules = rules;
	r = spec_egress(&rq->ref->spec, rq->rq->config, rules, &way->nrules, e) == -1 || rate_settle(way, rq, e) == -1 ||
	    egress_narrow(rules, &way->nrules, rq->egress, e) == -1 ? -1 : 0;
	way->rules = NULL;
	if (r == -1 || way->nrules == 0)
		return r;
	if ((way->rules = malloc(way->nrules * sizeof(*rules))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	memcpy(way->rules, rules, way->nrules * sizeof(*rules));
	return 0;
}

static int
proxy_fill(struct way_out *way, const struct inv_request *rq, struct error *e)
{
	if ((way->direct = malloc(sizeof(*way->direct))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	if (proxy_settle(&rq->proxy, &way->proxy, way->direct, e) == -1)
		return -1;
	/* Its credentials may change while a server runs; where it is may not. */
	if (core_plan()->bounds != NULL && !bounds_proxy_same(&core_plan()->bounds->proxy, &way->proxy))
		return error_set(e, ERR_SYSTEM, "proxy: BASCULE_PROXY names another than when this server was started: start it again");
	if (way->proxy.kind == WIRE_PROXY_NONE) {
		free(way->direct);
		way->direct = NULL;
	}
	return 0;
}

int
egress_fill(struct invocation *iv, const struct inv_request *rq, struct error *e)
{
	struct way_out	*way = calloc(1, sizeof(*way));

	if ((iv->way = way) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	if (rules_fill(way, rq, e) == -1 || proxy_fill(way, rq, e) == -1)
		return -1;
	if (rq->allow_private != NULL && (way->allow_private = texts_copy(rq->allow_private)) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory");
	return iv->plan.guest[0] != '\0' ? guest_places(&iv->plan, way->rules, way->nrules, e) : 0;
}

void
egress_free(struct invocation *iv)
{
	if (iv->way == NULL)
		return;
	texts_free(iv->way->allow_private);
	explicit_bzero(&iv->way->proxy, sizeof(iv->way->proxy));
	free(iv->way->rules);
	free(iv->way->direct);
	free(iv->way);
	iv->way = NULL;
}

void
egress_source(const struct invocation *iv, uint8_t out[WIRE_SOURCE_BYTES])
{
	memcpy(out, iv->way->rate.source, WIRE_SOURCE_BYTES);
}

bool
egress_rated(const struct invocation *iv)
{
	const struct wire_rate	*r = &iv->way->rate;

	/* What a foreign program is told by its source nobody else sees: it is held up, and has nothing to tell. */
	return r->budget.requests > 0 || r->budget.concurrency > 0 || (r->shared && iv->plan.guest[0] == '\0');
}

int
egress_take(struct invocation *iv, struct error *e)
{
	return (iv->outlet = outlet_take(e)) == NULL ? -1 : 0;
}

static uint16_t
way_of(const struct nursery_plan *p)
{
	if (p->guest[0] == '\0')
		return WIRE_ASKS;
	return (p->waived & (1u << LAYER_NAMESPACES)) != 0 ? WIRE_KEPT : WIRE_NETWORKED;
}

int
egress_open(struct invocation *iv, struct error *e)
{
	int			 r;
	struct broker_policy	 policy = { .rules = iv->way->rules, .nrules = iv->way->nrules,
	    .allow_private = (const char *const *)iv->way->allow_private, .proxy = &iv->way->proxy,
	    .direct = iv->way->direct != NULL ? iv->way->direct->hosts : NULL, .connects_max = (unsigned int)iv->limits.connects,
	    .rate = &iv->way->rate, .way = way_of(&iv->plan) };

	if (iv->w->far != NULL)
		return broker_attach(iv->outlet->broker, &policy, -1, far_number(iv->w->far), &iv->leg, e);
	r = broker_attach(iv->outlet->broker, &policy, iv->w->egress_fd, 0, &iv->leg, e);
	fd_closep(&iv->w->egress_fd);
	return r;
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

bool
egress_settled(struct invocation *iv)
{
	if (iv->leg != 0)
		broker_close_begin(iv->outlet->broker, iv->leg);
	return iv->leg == 0 || broker_closed(iv->outlet->broker, iv->leg);
}

void
egress_close(struct invocation *iv)
{
	const char	*refused = egress_refused(iv);

	if (refused != NULL)
		snprintf(iv->refused, sizeof(iv->refused), "%s", refused);
	if (iv->leg != 0) {
		cJSON_Delete(iv->egress);
		iv->egress = broker_close_spent(iv->outlet->broker, iv->leg, &iv->spent);
		rate_requests += iv->spent.permits;
		rate_wait_ms += iv->spent.wait_ms;
		/* What it said of others meanwhile is in hand, and raises no event of its own. */
		if (!iv->outlet->gone)
			event_active(&iv->outlet->packets, EV_READ, 0);
	}
	iv->leg = 0;
	outlet_drop(iv->outlet);
	iv->outlet = NULL;
}
