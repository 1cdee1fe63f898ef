/*
 * receipt.c -- everything measured about one invocation, and the final record.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "launcher/core/inv.h"
#include "sandbox/sandbox.h"

static int64_t
cpu_ms(const struct rusage *u)
{
	return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * (int64_t)1000 +
	    (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
}

static int	 landlock_level;
static bool	 mdwe;

void
receipt_look(void)
{
	landlock_level = sandbox_landlock_level();
	mdwe = sandbox_mdwe();
}

/* Why a layer that nobody waived does not stand; NULL: it does. */
static const char *
layer_absent(const struct invocation *iv, enum sandbox_layer l)
{
	if (l == LAYER_CGROUP && !iv->w->group.in)
		return iv->w->group.why;
	if (l == LAYER_MEMORY && iv->plan.guest[0] != '\0')
		return "such a program may make code while it runs: its memory may be written and executed";
	if (l == LAYER_LANDLOCK && landlock_level < 1)
		return "this kernel has none, or was booted without it";
	return NULL;
}

/* Each layer an object: its state, and what more can be said of it. */
static cJSON *
layers(const struct invocation *iv)
{
	cJSON	*all = cJSON_CreateObject();

	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++) {
		cJSON		*o = cJSON_CreateObject();
		bool		 on = (iv->waived & (1u << l)) == 0;
		const char	*why = on ? layer_absent(iv, l) : NULL;

		(void)json_set_str(o, "state", !on ? "waived" : why != NULL ? "absent" : "on");
		if (on && why == NULL && l == LAYER_LANDLOCK)
			(void)json_set(o, "level", json_int(landlock_level));
		if (on && why == NULL && l == LAYER_MEMORY)
			(void)json_set_bool(o, "mdwe", mdwe);
		if (why != NULL)
			(void)json_set_str(o, "why", why);
		(void)json_set(all, sandbox_layer_name(l), o);
	}
	return all;
}

/* Of a refused connection the whole host, however long. */
static void
cause(cJSON *o, const struct invocation *iv)
{
	char	 word[ERROR_CAUSE_BYTES], text[sizeof(word) + 1 + sizeof(iv->refused)];
	bool	 refused = iv->verdict.code == ERR_NO_EGRESS && iv->refused[0] != '\0';

	(void)error_cause(&iv->verdict, word);
	snprintf(text, sizeof(text), "%s%s%s", word, refused ? ":" : "", refused ? iv->refused : "");
	(void)json_set_str(o, "cause", text);
}

static void
outcome(cJSON *o, const struct invocation *iv)
{
	const struct error	*v = &iv->verdict;
	/* What a connector said is a failure; the rest of the table is a cause of death. */
	bool	 said = v->code > ERR_NONE && v->code <= ERR_UPSTREAM;

	(void)json_set_str(o, "outcome", v->code == ERR_NONE ? "ok" : "failed");
	if (v->code == ERR_NONE)
		return;
	cause(o, iv);
	if (said)
		(void)json_set_str(o, "type", error_type(v));
	(void)json_set_str(o, "message", v->msg);
}

cJSON *
inv_receipt(const struct invocation *iv)
{
	const struct relay_counts	*n = relay_counts(iv->w->relay);
	cJSON				*o = cJSON_CreateObject();
	char				 sha[65];

	outcome(o, iv);
	(void)json_set_str(o, "id", iv->id);
	(void)json_set_str(o, "connector", iv->connector);
	(void)json_set_str(o, "command", iv->type);
	(void)json_set(o, "records", json_int((int64_t)n->records));
	(void)json_set(o, "states", json_int((int64_t)n->states));
	(void)json_set(o, "lines", json_int((int64_t)n->lines));
	(void)json_set(o, "bytes", json_int((int64_t)n->bytes));
	relay_sha256(iv->w->relay, sha);
	(void)json_set_str(o, "sha256", sha);
	(void)json_set(o, "logLines", json_int((int64_t)n->log_lines));
	if (n->log_dropped > 0)
		(void)json_set(o, "logLinesDropped", json_int((int64_t)n->log_dropped));
	if (iv->first_ms != 0)
		(void)json_set(o, "firstRecordMs", json_int(iv->first_ms - iv->start_ms));
	(void)json_set(o, "totalMs", json_int((iv->end_ms != 0 ? iv->end_ms : now_ms()) - iv->start_ms));
	(void)json_set(o, "cpuMs", json_int(cpu_ms(&iv->usage)));
	(void)json_set(o, "maxRssBytes", json_int((int64_t)iv->usage.ru_maxrss * KIB));
	if (iv->spent.bounded) {
		(void)json_set(o, "rateRequests", json_int((int64_t)iv->spent.permits));
		(void)json_set(o, "rateWaitMs", json_int((int64_t)iv->spent.wait_ms));
	}
	for (enum kept_kind k = 0; k < KEPT__MAX; k++)
		if (keep_word(iv, k) != NULL)
			(void)json_set_str(o, k == KEPT_TOKEN ? "tokenCache" : "tlsCache", keep_word(iv, k));
	(void)json_set(o, "layers", layers(iv));
	(void)json_set(o, "egress", iv->egress != NULL ? json_dup(iv->egress) : cJSON_CreateArray());
	(void)json_set(o, "exit", json_int(error_face(iv->verdict.code)->exit));
	return o;
}

/* A caller is not told which internal address was refused: the receipt, which is the operator's, says it. */
static void
addresses_drop(cJSON *egress)
{
	cJSON	*c;

	cJSON_ArrayForEach(c, egress)
		if (strcmp(json_str(c, "outcome", ""), "ok") != 0)
			cJSON_DeleteItemFromObjectCaseSensitive(c, "address");
}

void
receipt_print_verdict(cJSON *receipt, struct buf *b)
{
	bool	 ok = strcmp(json_str(receipt, "outcome", ""), "ok") == 0;

	addresses_drop(cJSON_GetObjectItemCaseSensitive(receipt, "egress"));
	buf_adds(b, "{\"data\":");
	json_print(b, receipt);
	buf_adds(b, ok ? ",\"type\":\"end\"}\n" : ",\"type\":\"error\"}\n");
	cJSON_Delete(receipt);
}

void
inv_print_verdict(const struct invocation *iv, struct buf *b)
{
	receipt_print_verdict(inv_receipt(iv), b);
}
