/*
 * fetch_records.c -- a list whose rows are outputs, one by one: copied where a stencil knows how, made by the connector else.
 *
 * Both ways tell the connector the same facts of each row, in the order of rows, and refuse the same rows.
 */
#include <string.h>

#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"

struct row_text
row_text(const cJSON *scalar)
{
	const char	*text = cJSON_IsBool(scalar) ? cJSON_IsTrue(scalar) ? "true" : "false" :
	    cJSON_IsString(scalar) || cJSON_IsNumber(scalar) ? scalar->valuestring : NULL;

	return (struct row_text){ text, text == NULL ? 0 : strlen(text) };
}

int
record_row(void *arg, cJSON *taken, struct error *e)
{
	struct records	*r = arg;
	autojson	*row = taken;
	struct row_text	 facts[ROW_FACTS_MAX] = { { NULL, 0 } };
	const char	*text;
	cJSON		*data;
	size_t		 n;

	r->m->facts(r->m->arg, row, facts);
	if (r->m->note(r->m->arg, facts, e) == -1 || (data = r->m->make(r->m->arg, row, e)) == NULL)
		return -1;
	if (emit_output(r->c, data) == -1) {
		*e = *r->c->err;
		return -1;
	}
	if ((text = rows_text(r->from, &n)) != NULL)
		stencil_learn(r->stencil, text, n, row);
	return 0;
}

ssize_t
record_copy(struct records *r, const char *text, size_t n, bool plain, struct error *e)
{
	struct stencil_met	 met;
	char			*line;

	switch (stencil_meet(r->stencil, text, n, &met)) {
	case STENCIL_SHORT:
		return ROWS_SHORT;
	case STENCIL_UNKNOWN:
		return 0;
	case STENCIL_MET:
		break;
	}
	if ((plain && !met.plain) || (r->m->wary && stencil_any(r->stencil, &met, redact_holds_bytes)) ||
	    (line = emit_room(r->c, met.line_bytes)) == NULL)
		return 0;
	if (r->m->note(r->m->arg, met.facts, e) == -1)
		return -1;
	stencil_write(r->stencil, &met, line);
	if (emit_roomed(r->c, met.line_bytes) == -1) {
		*e = *r->c->err;
		return -1;
	}
	return (ssize_t)met.row_bytes;
}
