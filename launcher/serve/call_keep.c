/*
 * call_keep.c -- the lines of a call whose results are kept: whole lines, gathered for one turn of the loop.
 */
#include <event2/event.h>

#include "launcher/serve/call_private.h"
#include "launcher/serve/follow.h"

#define GATHER_BYTES	(64 * KIB)	/* at once to the store */

static int
keep_write(struct call *c)
{
	struct call_keep	*k = &c->keep;

	if (k->fault.code != ERR_NONE)
		return -1;
	if (k->lines.len == 0 && !k->lines.failed)
		return 0;
	if (buf_check(&k->lines, "results of one turn", &k->fault) == -1 ||
	    results_append(c->id, k->at, k->lines.data, k->lines.len, &k->fault) == -1)
		return -1;
	k->at += (int64_t)k->lines.len;
	buf_reset(&k->lines);
	return 0;
}

static void	(*on_failed)(struct call *);

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct call	*c = arg;

	(void)fd;
	(void)what;
	if (keep_write(c) == -1)
		on_failed(c);		/* it may free c */
	else
		follow_news(c->id);
}

void
call_keep_open(struct call *c, void (*failed)(struct call *))
{
	on_failed = failed;
	c->keep.on = true;
	buf_init(&c->keep.lines, GATHER_BYTES + LINE_BYTES_MAX + 1);
	evtimer_assign(&c->keep.flush, server.base, on_flush, c);
}

/* From within the worker's results: what fails is dealt with from the loop. */
void
call_keep_line(struct call *c, const char *line, size_t len)
{
	struct call_keep	*k = &c->keep;

	if (k->fault.code != ERR_NONE)
		return;
	buf_add(&k->lines, line, len);
	buf_addc(&k->lines, '\n');
	if (k->lines.len >= GATHER_BYTES)
		(void)keep_write(c);
	event_active(&k->flush, EV_TIMEOUT, 0);
}

int
call_keep_end(struct call *c)
{
	event_del(&c->keep.flush);
	return keep_write(c);
}

void
call_keep_free(struct call *c)
{
	if (!c->keep.on)
		return;
	event_del(&c->keep.flush);
	buf_wipe(&c->keep.lines);
}
