/*
 * stencil_kit.h -- a connector's part for tests of stencils: a mapping that copies, lists, chooses and looks.
 */
#ifndef TEST_STENCIL_KIT_H
#define TEST_STENCIL_KIT_H

#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/util.h"
#include "worker/runtime/stencil.h"

static inline void
kit_facts(void *arg, const cJSON *row, struct row_text facts[ROW_FACTS_MAX])
{
	(void)arg;
	facts[0] = row_text(json_get(row, "id"));
	facts[2] = row_text(json_at(row, "/meta/at"));
}

/* A kind of "a" or "b" is told by a word of ours; whatever lies under "list" is copied, by its "v" where it has one. */
static inline cJSON *
kit_make(void *arg, const cJSON *row, struct error *e)
{
	cJSON		*out = cJSON_CreateObject(), *list = cJSON_CreateArray();
	const char	*kind = json_str(row, "kind", "");
	const cJSON	*one;

	(void)arg;
	(void)e;
	cJSON_ArrayForEach(one, json_get(row, "list"))
		(void)json_push(list, json_dup(cJSON_IsObject(one) && json_get(one, "v") != NULL ? json_get(one, "v") : one));
	(void)json_set(out, "id", json_dup(json_get(row, "id") != NULL ? json_get(row, "id") : row));
	(void)json_set(out, "list", list);
	(void)json_set_str(out, "kind", strcmp(kind, "a") == 0 ? "the first" : strcmp(kind, "b") == 0 ? "the second" : NULL);
	(void)json_set(out, "off", cJSON_IsTrue(json_get(row, "on")) ? cJSON_CreateFalse() : cJSON_CreateTrue());
	if (json_get(row, "name") != NULL)
		(void)json_set(out, "name", json_dup(json_get(row, "name")));
	if (json_get(row, "id") != NULL)
		(void)json_set(out, "again", json_dup(json_get(row, "id")));
	return out;
}

static inline bool
kit_looks(void *arg, const struct row_text *names, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++)
		if (names[i].text != NULL && names[i].len == 4 && memcmp(names[i].text, "kind", 4) == 0)
			return true;
	return false;
}

static const struct row_maker	 kit_maker = { kit_facts, NULL, kit_make, kit_looks, false, NULL };

/* The line that is made of a row the usual way. */
static inline void
kit_line(const cJSON *row, struct buf *b)
{
	struct error	 e = ERROR_NONE;
	autojson	*data = kit_make(NULL, row, &e);

	record_print(b, REC_OUTPUT, data);
}

static inline bool
kit_same(struct row_text a, struct row_text b)
{
	return (a.text == NULL) == (b.text == NULL) && a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

/*
 * A row as a list would treat it: met, which is 1, or -1 where that went wrong; or read and learned from, which is 0, or 2
 * where it is no JSON.
 */
static inline int
kit_row(struct stencil *st, const char *text, size_t n)
{
	struct error		 e = ERROR_NONE;
	autojson		*row = json_parse(text, n, NULL, &e);
	autobuf			 made = { .max = REQUEST_BYTES_MAX }, copied = { .max = REQUEST_BYTES_MAX };
	struct row_text		 facts[ROW_FACTS_MAX] = { { NULL, 0 } };
	struct stencil_met	 met;

	if (stencil_meet(st, text, n, &met) != STENCIL_MET) {
		if (row == NULL)
			return 2;
		stencil_learn(st, text, n, row);
		return 0;
	}
	if (met.row_bytes < n) {
		cJSON_Delete(row);
		row = json_parse(text, met.row_bytes, NULL, &e);
	}
	if (row == NULL || buf_space(&copied, met.line_bytes) == NULL)
		return -1;
	kit_line(row, &made);
	kit_facts(NULL, row, facts);
	stencil_write(st, &met, copied.data);
	for (size_t i = 0; i < ROW_FACTS_MAX; i++)
		if (!kit_same(facts[i], met.facts[i]))
			return -1;
	return made.len == met.line_bytes && memcmp(made.data, copied.data, made.len) == 0 ? 1 : -1;
}

#endif
