/*
 * journal_memory.c -- the journal as a ring in memory: the last rows, gone with the process.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/serve/journal.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define PAGE_ROWS	100

struct slot {
	uint64_t	 seq;		/* 0: empty */
	cJSON		*row;		/* without receipt and state */
	cJSON		*receipt;	/* NULL while it lives */
	const char	*state;		/* a literal of the caller's, or "done" */
};

static struct slot	*ring;
static size_t		 nring;
static uint64_t		 last_seq;

int
journal_open(size_t keep, struct error *e)
{
	if ((ring = calloc(keep, sizeof(*ring))) == NULL)
		return error_set(e, ERR_SYSTEM, "no memory for %zu invocations", keep);
	nring = keep;
	return 0;
}

static void
slot_clear(struct slot *s)
{
	cJSON_Delete(s->row);
	cJSON_Delete(s->receipt);
	*s = (struct slot){ 0 };
}

void
journal_close(void)
{
	for (size_t i = 0; i < nring; i++)
		slot_clear(&ring[i]);
	free(ring);
	ring = NULL;
	nring = 0;
}

static struct slot *
slot_of(uint64_t seq)
{
	return &ring[seq % nring];
}

static const char *
text_of(const struct slot *s, const char *name)
{
	return json_str(s->row, name, "");
}

/* Newest first; NULL if it is not remembered. */
static struct slot *
slot_find(const char *id)
{
	for (uint64_t seq = last_seq; seq > 0 && slot_of(seq)->seq == seq; seq--)
		if (strcmp(text_of(slot_of(seq), "id"), id) == 0)
			return slot_of(seq);
	return NULL;
}

void
journal_begin(const struct journal_row *r)
{
	struct slot	*s = slot_of(++last_seq);

	slot_clear(s);
	*s = (struct slot){ .seq = last_seq, .row = cJSON_CreateObject(), .state = "queued" };
	(void)json_set_str(s->row, "id", r->id);
	(void)json_set_str(s->row, "connector", r->connector);
	(void)json_set_str(s->row, "command", r->command);
	(void)json_set_str(s->row, "source", r->source);
	(void)json_set_str(s->row, "caller", r->caller);
	(void)json_set_str(s->row, "trace", r->trace);
	(void)json_set(s->row, "accepted", json_int(r->accepted_ms));
}

void
journal_state(const char *id, const char *state)
{
	struct slot	*s = slot_find(id);

	if (s != NULL && s->receipt == NULL)
		s->state = state;
}

void
journal_end(const char *id, cJSON *receipt)
{
	struct slot	*s = slot_find(id);

	if (s == NULL || s->receipt != NULL) {
		cJSON_Delete(receipt);
		return;
	}
	s->receipt = receipt;
	s->state = "done";
}

static cJSON *
slot_print(const struct slot *s)
{
	cJSON	*o = json_dup(s->row);

	(void)json_set_str(o, "state", s->state);
	if (s->receipt != NULL)
		(void)json_set(o, "receipt", json_dup(s->receipt));
	return o;
}

cJSON *
journal_get(const char *id)
{
	const struct slot	*s = slot_find(id);

	return s == NULL ? NULL : slot_print(s);
}

static bool
same(const char *wanted, const char *is)
{
	return wanted == NULL || strcmp(wanted, is) == 0;
}

static bool
fits(const struct slot *s, const struct journal_filter *f)
{
	return same(f->connector, text_of(s, "connector")) && same(f->command, text_of(s, "command")) &&
	    same(f->source, text_of(s, "source")) && same(f->state, s->state) &&
	    same(f->outcome, json_str(s->receipt, "outcome", ""));
}

cJSON *
journal_list(const struct journal_filter *f)
{
	cJSON		*o = cJSON_CreateObject(), *list = cJSON_CreateArray();
	size_t		 left = f->limit == 0 ? PAGE_ROWS : f->limit;
	uint64_t	 seq = f->before != 0 && f->before <= last_seq ? f->before - 1 : last_seq;

	(void)json_set(o, "invocations", list);
	for (; seq > 0 && slot_of(seq)->seq == seq; seq--) {
		if (!fits(slot_of(seq), f))
			continue;
		if (left-- == 0) {
			(void)json_set(o, "next", json_int((int64_t)seq + 1));
			break;
		}
		(void)json_push(list, slot_print(slot_of(seq)));
	}
	return o;
}
