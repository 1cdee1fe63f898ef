/*
 * contacts.c -- equal contacts become one with a count; a bounded number of them is kept apart.
 */
#include <string.h>

#include "launcher/core/broker.h"
#include "launcher/core/contacts.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static const char *const outcome_words[] = {
	[EGRESS_OK] = "ok",
	[EGRESS_REFUSED] = "refused",
	[EGRESS_UNRESOLVED] = "unresolved",
	[EGRESS_UNREACHABLE] = "unreachable",
	[EGRESS_TIMEOUT] = "timeout",
	[EGRESS_BUDGET] = "budget",
};
static_assert(N_ITEMS(outcome_words) == EGRESS__MAX, "a word for each status");

struct contact {
	char		*host;
	char		*reason;
	char		 address[WIRE_ADDRESS_BYTES];
	uint16_t	 port;
	uint16_t	 status;
	bool		 by_proxy;
	uint64_t	 count, bytes_out, bytes_in;
	uint32_t	 slowest_ms;
};

static struct contact *
find(const struct contacts *cs, const struct wire_contact *w)
{
	for (size_t i = 0; i < cs->n; i++) {
		struct contact	*c = &cs->list[i];

		if (c->port == w->port && c->status == w->status && c->by_proxy == (w->by_proxy != 0) &&
		    strcmp(c->host, w->host) == 0 && strcmp(c->address, w->address) == 0 &&
		    strcmp(c->reason, w->reason) == 0)
			return c;
	}
	return NULL;
}

/* NULL: no room. */
static struct contact *
add(struct contacts *cs, const struct wire_contact *w)
{
	struct contact	*c, *grown;

	if (cs->n == BROKER_CONTACTS_MAX || (grown = realloc(cs->list, (cs->n + 1) * sizeof(*grown))) == NULL)
		return NULL;
	cs->list = grown;
	c = &grown[cs->n];
	*c = (struct contact){ .port = w->port, .status = w->status, .by_proxy = w->by_proxy != 0 };
	memcpy(c->address, w->address, sizeof(c->address));
	c->host = strdup(w->host);
	c->reason = strdup(w->reason);
	if (c->host == NULL || c->reason == NULL) {
		free(c->host);
		free(c->reason);
		return NULL;
	}
	cs->n++;
	return c;
}

void
contacts_add(struct contacts *cs, const struct wire_contact *w)
{
	struct others	*o = &cs->others[w->status];
	struct contact	*c = find(cs, w);

	if (w->head.type == WIRE_TALLY) {
		*(c != NULL ? &c->bytes_out : &o->bytes_out) += w->bytes_out;
		*(c != NULL ? &c->bytes_in : &o->bytes_in) += w->bytes_in;
		return;
	}
	if (c == NULL && (c = add(cs, w)) == NULL) {
		o->count++;
		return;
	}
	c->count++;
	if (w->took_ms > c->slowest_ms)
		c->slowest_ms = w->took_ms;
}

static cJSON *
row(const char *host, uint16_t port, unsigned int status, uint64_t count, uint64_t bytes_out, uint64_t bytes_in)
{
	cJSON	*o = cJSON_CreateObject();

	(void)json_set_str(o, "host", host);
	(void)json_set(o, "port", json_int(port));
	(void)json_set_str(o, "outcome", outcome_words[status]);
	(void)json_set(o, "count", json_int((int64_t)count));
	if (status == EGRESS_OK) {
		(void)json_set(o, "bytesOut", json_int((int64_t)bytes_out));
		(void)json_set(o, "bytesIn", json_int((int64_t)bytes_in));
	}
	return o;
}

cJSON *
contacts_print(const struct contacts *cs)
{
	cJSON	*list = cJSON_CreateArray();

	for (size_t i = 0; i < cs->n; i++) {
		const struct contact	*c = &cs->list[i];
		cJSON			*o = row(c->host, c->port, c->status, c->count, c->bytes_out, c->bytes_in);

		if (c->address[0] != '\0')
			(void)json_set_str(o, "address", c->address);
		if (c->by_proxy)
			(void)json_set(o, "proxy", cJSON_CreateTrue());
		if (c->status == EGRESS_OK)
			(void)json_set(o, "connectMs", json_int(c->slowest_ms));
		if (c->reason[0] != '\0')
			(void)json_set_str(o, "reason", c->reason);
		cJSON_AddItemToArray(list, o);
	}
	for (unsigned int s = 0; s < EGRESS__MAX; s++)
		if (cs->others[s].count > 0)
			cJSON_AddItemToArray(list, row("(others)", 0, s, cs->others[s].count, cs->others[s].bytes_out,
			    cs->others[s].bytes_in));
	return list;
}

void
contacts_free(struct contacts *cs)
{
	for (size_t i = 0; i < cs->n; i++) {
		free(cs->list[i].host);
		free(cs->list[i].reason);
	}
	free(cs->list);
	*cs = (struct contacts){ 0 };
}
