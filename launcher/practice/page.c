/*
 * page.c -- writes rows, and of large groups the members, a piece at a time.
 */
#include <string.h>

#include "launcher/practice/page.h"
#include "worker/contract/util.h"

#define STRETCH_BYTES	(64 * 1024 - 128)	/* with libevent's head no more than 64 KiB */

/* Steps to the next row: its index, or -1. */
static int64_t
next_row(struct page *pg)
{
	int64_t index = pg->rows != NULL ? (int64_t)pg->rows[pg->at] : people_nth(pg->people, pg->kind, pg->place++);

	pg->at++;
	pg->left--;
	if (index == -1 || !people_exists(pg->people, pg->kind, (uint64_t)index))
		return -1;
	if (pg->kind == KIND_GROUP)
		people_walk(pg->people, (uint64_t)index, &pg->walk);
	return index;
}

/* The row whose index is known; of groups only what is before their members. */
static int
write_row(struct page *pg, uint64_t index, struct evbuffer *out)
{
	if (pg->at > 1)
		evbuffer_add(out, ",", 1);
	if (pg->kind == KIND_USER)
		return render_user(pg->people, &pg->projection, index, out);
	if (render_group_open(pg->people, &pg->projection, index, out) == -1)
		return -1;
	if (!pg->with_members)
		return evbuffer_add(out, "}", 1);
	pg->in_members = true;
	pg->member_begun = false;
	return evbuffer_add(out, ",\"members\":[", 12);
}

static void
write_members(struct page *pg, struct evbuffer *out, size_t until)
{
	while (evbuffer_get_length(out) < until) {
		int64_t			 user = people_walk_next(pg->people, &pg->walk);
		struct evbuffer_iovec	 v;
		char			*p;

		if (user == -1) {
			evbuffer_add(out, "]}", 2);
			pg->in_members = false;
			return;
		}
		if (evbuffer_reserve_space(out, GEN_REF_BYTES_MAX + 1, &v, 1) != 1)
			return;
		p = v.iov_base;
		if (pg->member_begun)
			*p++ = ',';
		pg->member_begun = true;
		v.iov_len = (size_t)(gen_render_member(people_gen(pg->people), (uint64_t)user, p) - (char *)v.iov_base);
		evbuffer_commit_space(out, &v, 1);
	}
}

/*
 * Users as they were born, many at a time into one reserved stretch: this is
 * where a list of a million spends its time.
 */
static void
write_born(struct page *pg, struct evbuffer *out)
{
	struct evbuffer_iovec	 v;
	char			*p, *end;

	if (pg->left == 0 || pg->rows != NULL || evbuffer_reserve_space(out, STRETCH_BYTES, &v, 1) != 1)
		return;
	p = v.iov_base;
	end = p + STRETCH_BYTES - GEN_USER_BYTES_MAX - 1;
	while (pg->left > 0 && p < end) {
		int64_t index = people_nth(pg->people, pg->kind, pg->place);

		if (index == -1 || !render_as_born(pg->people, &pg->projection, (uint64_t)index))
			break;
		if (pg->at > 0)
			*p++ = ',';
		p = gen_render_user(people_gen(pg->people), (uint64_t)index, p);
		pg->place++;
		pg->at++;
		pg->left--;
	}
	v.iov_len = (size_t)(p - (char *)v.iov_base);
	evbuffer_commit_space(out, &v, 1);
}

static int
page_more(struct source *s, struct evbuffer *out)
{
	struct page	*pg = (struct page *)s;
	size_t		 until = evbuffer_get_length(out) + PIECE_BYTES;
	int64_t		 index;

	evbuffer_add_buffer(out, pg->head);
	while (evbuffer_get_length(out) < until) {
		if (pg->kind == KIND_USER)
			write_born(pg, out);
		if (pg->in_members)
			write_members(pg, out, until);
		else if (pg->left == 0 || (index = next_row(pg)) == -1) {
			evbuffer_add(out, pg->tail, strlen(pg->tail));
			return 0;
		} else
			write_row(pg, (uint64_t)index, out);
	}
	return 1;
}

static void
page_free(struct source *s)
{
	struct page *pg = (struct page *)s;

	evbuffer_free(pg->head);
	free(pg->rows);
	free(pg);
}

struct page *
page_new(const struct people *people, enum kind kind, const struct projection *projection)
{
	struct page *pg = calloc(1, sizeof(*pg));

	if (pg == NULL)
		return NULL;
	*pg = (struct page){
		.source = { .more = page_more, .free = page_free },
		.people = people, .kind = kind,
		.with_members = kind == KIND_GROUP && projection_wants(projection, "members"),
	};
	if ((pg->head = evbuffer_new()) == NULL) {
		free(pg);
		return NULL;
	}
	pg->projection = *projection;
	return pg;
}
