/*
 * doctor.c -- `bascule doctor --json`, run for callers.
 */
#include <fcntl.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "launcher/core/far.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/doctor.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/stream.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define DOCTOR_MS	SECONDS(60)	/* for all layers and connectors */
#define SAID_BYTES_MAX	(512 * KIB)
#define PORTION_BYTES	(16 * KIB)

/* Somebody who waits for it. */
struct visit {
	LIST_ENTRY(visit)	 next;
	struct stream		 stream;
};

static LIST_HEAD(, visit)	 visits = LIST_HEAD_INITIALIZER(visits);
static struct {
	struct far	*chore;		/* NULL: none runs */
	int		 fd;
	struct buf	 said;
	struct event	 readable, late;
} run;

static void
visit_free(struct visit *v)
{
	LIST_REMOVE(v, next);
	stream_close(&v->stream);
	free(v);
}

static void
on_gone(void *arg)
{
	visit_free(arg);
}

static void
on_drained(void *arg)
{
	(void)arg;
}

/* It has said everything, or has to stop. */
static void
run_end(void)
{
	event_del(&run.readable);
	event_del(&run.late);
	far_free(run.chore);
	run.chore = NULL;
	fd_closep(&run.fd);
}

/* What the program cannot know: this server's own walls. */
static cJSON *
report_make(struct error *e)
{
	cJSON	*o = json_parse(run.said.data, run.said.len, NULL, e), *f = cJSON_CreateObject();

	(void)json_set_str(f, "group", "server");
	(void)json_set_str(f, "name", "front");
	(void)json_set_str(f, "state", server.set.unfiltered ? "waived" : "ok");
	(void)json_set_str(f, "text", server.set.unfiltered ? "without its list of system calls, as asked" :
	    "it opens, starts, reaches and signals nothing");
	if (o == NULL)
		cJSON_Delete(f);
	else
		(void)json_push(cJSON_GetObjectItemCaseSensitive(o, "findings"), f);
	return o;
}

static void
run_tell(const struct error *failed)
{
	struct visit		*v;
	struct evhttp_request	*req;
	struct error		 why = *failed, *e = &why;
	autojson		*report = e->code == ERR_NONE ? report_make(e) : NULL;

	while ((v = LIST_FIRST(&visits)) != NULL) {
		req = stream_release(&v->stream);
		visit_free(v);
		if (e->code != ERR_NONE)
			answer_problem(req, &(struct problem){ .error = e });
		else
			answer_json(req, 200, json_dup(report));
	}
	buf_free(&run.said);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	char		*room = buf_space(&run.said, PORTION_BYTES);
	struct error	 e = ERROR_NONE;
	ssize_t		 n;

	(void)what;
	(void)arg;
	n = room == NULL ? 0 : read(fd, room, PORTION_BYTES);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		run.said.len += (size_t)n;
		return;
	}
	run_end();
	if (run.said.failed || run.said.len == 0 || run.said.data[run.said.len - 1] != '\n')
		(void)error_set(&e, ERR_SYSTEM, "bascule doctor ended without its report; run it by hand");
	run_tell(&e);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct error	 e = ERROR_NONE;

	(void)fd;
	(void)what;
	(void)arg;
	run_end();
	(void)error_set(&e, ERR_TIMEOUT, "bascule doctor was not ready within %d s; run it by hand", DOCTOR_MS / 1000);
	run_tell(&e);
}

/* The pipe's end tells. */
static void
on_ended(void *arg)
{
	(void)arg;
}

static int
run_begin(struct error *e)
{
	int		 ends[2];
	struct timeval	 tv = { DOCTOR_MS / 1000, 0 };

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return error_sys(e, "bascule doctor");
	/* The other end is not the reader's to be surprised by. */
	(void)fcntl(ends[1], F_SETFL, 0);
	run.chore = far_run(CHORE_DOCTOR, &ends[1], 1, on_ended, NULL, e);
	(void)close(ends[1]);
	if (run.chore == NULL) {
		(void)close(ends[0]);
		return -1;
	}
	run.fd = ends[0];
	buf_init(&run.said, SAID_BYTES_MAX);
	event_assign(&run.readable, server.base, run.fd, EV_READ | EV_PERSIST, on_readable, NULL);
	evtimer_assign(&run.late, server.base, on_late, NULL);
	event_add(&run.readable, NULL);
	event_add(&run.late, &tv);
	return 0;
}

void
show_doctor(struct exchange *x)
{
	static const struct accepted	 plain = { FORM_LINES, false, CODING_NONE };
	struct visit			*v;
	struct error			 e = ERROR_NONE;

	if (run.chore == NULL && run_begin(&e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e });
		return;
	}
	if ((v = calloc(1, sizeof(*v))) == NULL || stream_open(&v->stream, x->req, x->conn, &plain, on_drained, on_gone, v) == -1) {
		if (v != NULL)
			stream_close(&v->stream);
		free(v);
		answer_refuse(x->req, 503, ERR_SYSTEM, "no memory for another reader");
		return;
	}
	LIST_INSERT_HEAD(&visits, v, next);
}

void
doctor_close(void)
{
	if (run.chore == NULL)
		return;
	run_end();
	buf_free(&run.said);
}
