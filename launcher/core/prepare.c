/*
 * prepare.c -- what an invocation keeps of its caller's request.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "launcher/core/found.h"
#include "launcher/core/inv.h"

static void
id_make(char id[REQUEST_ID_BYTES_MAX + 1])
{
	unsigned char	 r[16] = { 0 };

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		memcpy(r, &(int64_t){ now_ms() }, sizeof(int64_t));
	hex_put(id, r, sizeof(r));
}

static void
limits_settle(struct invocation *iv, const struct inv_limits *asked)
{
	iv->limits = *asked;
	if (iv->limits.silence_ms == 0)
		iv->limits.silence_ms = SILENCE_MS;
	if (iv->limits.memory_bytes == 0)
		iv->limits.memory_bytes = WORKER_MEMORY_BYTES;
	if (iv->limits.cpu_s == 0)
		iv->limits.cpu_s = WORKER_CPU_S;
	if (iv->limits.deadline_ms == 0)
		iv->limits.deadline_ms = command_info(iv->cmd)->deadline_ms;
	iv->deadline_ms = iv->limits.deadline_ms > 0 ? iv->start_ms + iv->limits.deadline_ms : 0;
}

/* With what is kept for it; where a request leaves no room for that, without. */
static void
request_make(struct invocation *iv, const struct inv_request *rq)
{
	struct request	*out = rq->rq;
	struct buf	 kept;

	buf_init(&kept, REQUEST_BYTES_MAX);
	keep_fill(iv, rq, &kept);
	out->rated = egress_rated(iv);
	snprintf(out->trace, sizeof(out->trace), "%s", traceparent_ok(rq->trace) ? rq->trace : "");
	out->cache_text = !kept.failed && kept.len > 0 ? kept.data : NULL;
	buf_init(&iv->request, REQUEST_BYTES_MAX);
	request_print(&iv->request, out);
	if (iv->request.failed && out->cache_text != NULL) {
		buf_wipe(&iv->request);
		buf_init(&iv->request, REQUEST_BYTES_MAX);
		out->cache_text = NULL;
		request_print(&iv->request, out);
	}
	out->cache_text = NULL;
	buf_wipe(&kept);
}

/* Copies what the invocation needs of the caller's. */
int
inv_fill(struct invocation *iv, const struct inv_request *rq, struct error *e)
{
	iv->start_ms = iv->heard_ms = now_ms();
	iv->cmd = rq->rq->cmd;
	iv->waived = rq->waived;
	iv->required = rq->required;
	iv->sink = rq->sink;
	if (rq->rq->id[0] == '\0')
		id_make(rq->rq->id);
	snprintf(iv->id, sizeof(iv->id), "%s", rq->rq->id);
	snprintf(iv->type, sizeof(iv->type), "%s", rq->rq->type);
	snprintf(iv->connector, sizeof(iv->connector), "%s", rq->ref->name);
	limits_settle(iv, &rq->limits);
	iv->plan.waived = rq->waived;
	iv->plan.memory_bytes = iv->limits.memory_bytes;
	iv->plan.cpu_s = iv->limits.cpu_s;
	snprintf(iv->plan.program, sizeof(iv->plan.program), "%s", rq->ref->program);
	snprintf(iv->plan.described, sizeof(iv->plan.described), "%s", rq->ref->described);
	snprintf(iv->plan.guest, sizeof(iv->plan.guest), "%s", rq->ref->guest);
	snprintf(iv->plan.main, sizeof(iv->plan.main), "%s", rq->ref->main);
	iv->plan.tasks = rq->ref->tasks;
	iv->plan.spec = rq->ref->spec_id;
	iv->plan.watched = found_bell(rq->ref->of);
	iv->plan.words.bytes = rq->ref->words.bytes;
	iv->plan.words.behind = rq->ref->words.behind;
	memcpy(iv->plan.words.text, rq->ref->words.text, rq->ref->words.bytes);
	if (rq->house != NULL)
		iv->plan = *rq->house;
	if (egress_fill(iv, rq, e) == -1)
		return -1;
	request_make(iv, rq);
	return buf_check(&iv->request, "request", e);
}
