/*
 * memo.c -- answers of this invocation that had an ETag.  An update reads the
 * account before and after; what did not change in between answers 304, which
 * costs nothing of the rate limit.
 */
#include <string.h>

#include "connectors/github/github.h"

const struct memo_entry *
memo_find(const struct memo *m, const char *path)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->entries[i].path, path) == 0)
			return &m->entries[i];
	return NULL;
}

static void
entry_free(struct memo_entry *en)
{
	free(en->path);
	free(en->etag);
	cJSON_Delete(en->body);
	*en = (struct memo_entry){ 0 };
}

void
memo_keep(struct memo *m, const char *path, const char *etag, const cJSON *body)
{
	struct memo_entry	 fresh, *old;

	if (etag == NULL || body == NULL)
		return;
	fresh = (struct memo_entry){ strdup(path), strdup(etag), json_dup(body) };
	if (fresh.path == NULL || fresh.etag == NULL || fresh.body == NULL) {
		entry_free(&fresh);
		return;
	}
	if ((old = (struct memo_entry *)memo_find(m, path)) != NULL) {
		entry_free(old);
		*old = fresh;
		return;
	}
	if (m->entries == NULL && (m->entries = calloc(MEMO_ENTRIES_MAX, sizeof(*m->entries))) != NULL)
		m->cap = MEMO_ENTRIES_MAX;
	if (m->n == m->cap) {
		entry_free(&fresh);
		return;
	}
	m->entries[m->n++] = fresh;
}

void
memo_free(struct memo *m)
{
	for (size_t i = 0; i < m->n; i++)
		entry_free(&m->entries[i]);
	free(m->entries);
	*m = (struct memo){ 0 };
}
