/*
 * keep.c -- what an invocation is handed of the vault, and what its worker asks to have kept there.
 *
 * Only where the specification says "cache", and the launcher's plan allows it.  The key is made of all that the value
 * may depend on: which source, which files the connector is made of, and the whole configuration, credential included.
 */
#include <stdlib.h>
#include <string.h>

#include "launcher/core/inv.h"
#include "launcher/core/vault.h"

static uint64_t	 hits[KEPT__MAX], misses[KEPT__MAX], taken;

static void
file_add(struct buf *b, const struct file_id *f)
{
	buf_addf(b, " %llu:%llu:%lld:%lld.%09ld", (unsigned long long)f->dev, (unsigned long long)f->ino, (long long)f->size,
	    (long long)f->changed.tv_sec, f->changed.tv_nsec);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static void	value_add(struct buf *, const cJSON *);

/* Members in one order, whatever the caller's was. */
static void
object_add(struct buf *b, const cJSON *o)
{
	size_t		 n = 0, count = (size_t)cJSON_GetArraySize(o);
	const cJSON	**all = calloc(count + 1, sizeof(*all)), *m;

	if (all == NULL) {
		b->failed = true;
		return;
	}
	cJSON_ArrayForEach(m, o)
		all[n++] = m;
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++) {
		buf_addc(b, i == 0 ? '{' : ',');
		json_print_string(b, all[i]->string);
		buf_addc(b, ':');
		value_add(b, all[i]);
	}
	buf_adds(b, n == 0 ? "{}" : "}");
	free(all);
}

/* No deeper than JSON_DEPTH_MAX: it was parsed. */
static void
value_add(struct buf *b, const cJSON *v)
{
	const cJSON	*inner;

	if (cJSON_IsObject(v))
		object_add(b, v);
	else if (cJSON_IsArray(v)) {
		buf_addc(b, '[');
		cJSON_ArrayForEach(inner, v) {
			value_add(b, inner);
			buf_addc(b, ',');
		}
		buf_addc(b, ']');
	} else
		json_print(b, v);
}

static int
key_make(struct invocation *iv, const struct inv_request *rq)
{
	uint8_t		 source[16];
	struct connector_files files;
	struct buf	 b;
	int		 r;

	buf_init(&b, REQUEST_BYTES_MAX);
	egress_source(iv, source);
	buf_add(&b, source, sizeof(source));
	files_look(&iv->plan, &files);
	buf_addf(&b, "%s%c%s%c%s", iv->plan.program, '\0', iv->plan.guest, '\0', iv->plan.described);
	file_add(&b, &files.program);
	file_add(&b, &files.spec);
	file_add(&b, &files.description);
	buf_addc(&b, '\n');
	value_add(&b, rq->rq->config);
	r = b.failed || files.program.ino == 0 ? -1 : core_plan()->vault->key_of(b.data, b.len, &iv->vault);
	buf_wipe(&b);
	return r;
}

void
keep_fill(struct invocation *iv, const struct inv_request *rq, struct buf *text)
{
	if (core_plan()->vault == NULL || iv->cmd == CMD_SPEC_READ || spec_caches(&rq->ref->spec) == 0 || key_make(iv, rq) == -1)
		return;
	iv->keeps = spec_caches(&rq->ref->spec);
	core_plan()->vault->print(&iv->vault, text, now_ms(), iv->handed);
	for (enum kept_kind k = 0; k < KEPT__MAX; k++)
		if (iv->keeps & (1u << k))
			*(iv->handed[k] > 0 ? &hits[k] : &misses[k]) += 1;
}

static void
on_value(void *arg, const struct kept_value *v)
{
	struct invocation	*iv = arg;

	if (core_plan()->vault->put(&iv->vault, v, now_ms()) == 0) {
		iv->kept++;
		taken++;
	}
}

void
keep_begin(struct invocation *iv)
{
	if (iv->keeps != 0)
		relay_keep(iv->w->relay, iv->keeps, on_value, iv);
}

/* One that broke the rules, or was killed by the system's, has had its say in nothing. */
void
keep_end(struct invocation *iv)
{
	if (iv->keeps != 0 && iv->kept > 0 && iv->verdict.code > ERR_UPSTREAM && iv->verdict.code != ERR_CANCELLED &&
	    iv->verdict.code != ERR_CLIENT_GONE && iv->verdict.code != ERR_DEADLINE)
		(void)core_plan()->vault->forget(&iv->vault);
}

const char *
keep_word(const struct invocation *iv, enum kept_kind kind)
{
	return (iv->keeps & (1u << kind)) == 0 ? NULL : iv->handed[kind] > 0 ? "hit" : "miss";
}

void
keep_count(struct core_counts *c)
{
	c->cache_hits = hits[KEPT_TOKEN];
	c->cache_misses = misses[KEPT_TOKEN];
	c->tls_hits = hits[KEPT_SESSION];
	c->tls_misses = misses[KEPT_SESSION];
	c->cache_puts = taken;
	c->cache_entries = core_plan()->vault == NULL ? 0 : core_plan()->vault->count().entries;
}
