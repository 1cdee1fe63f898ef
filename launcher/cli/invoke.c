/*
 * invoke.c -- `bascule invoke`: one loop over the invocation, standard output,
 * and the signals that cancel it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "launcher/cli/view.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

struct run {
	struct event_base	*base;
	struct event		 signal_in, out_ready, clock;
	struct invocation	*iv;
	struct view		 view;
	int			 signals_fd;
	int			 receipt_fd;
	unsigned int		 signals;	/* how many came: the second takes no more grace */
	bool			 done;		/* the worker is gone */
	bool			 told;		/* the worker was told that nobody reads */
};

static int
signals_open(void)
{
	sigset_t	 set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void
signal_take(struct run *r)
{
	struct signalfd_siginfo	 si;
	char			 text[120];

	if (read(r->signals_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	r->signals++;
	if (r->done)
		return;
	snprintf(text, sizeof(text), "cancelled by signal %u after %llu records; what was printed is incomplete",
	    si.ssi_signo, (unsigned long long)r->view.records);
	inv_cancel(r->iv, ERR_CANCELLED, text);
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	signal_take(arg);
}

static void
on_out(evutil_socket_t fd, short what, void *arg)
{
	struct run	*r = arg;
	struct pollfd	 p = out_poll(&r->view.out);

	(void)fd;
	(void)what;
	if (poll(&p, 1, 0) > 0)
		out_polled(&r->view.out, p.revents);
}

static void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;		/* that the loop turned is all */
}

/* A method that takes any descriptor, files too. */
static int
loop_open(struct run *r, struct error *e)
{
	static const struct core_plan	 plan = { .once = true };
	struct event_config		*cfg = event_config_new();

	if (cfg != NULL && event_config_avoid_method(cfg, "epoll") == 0)
		r->base = event_base_new_with_config(cfg);
	if (cfg != NULL)
		event_config_free(cfg);
	if (r->base == NULL)
		return error_set(e, ERR_SYSTEM, "no event loop");
	event_assign(&r->signal_in, r->base, r->signals_fd, EV_READ | EV_PERSIST, on_signal, r);
	evtimer_assign(&r->clock, r->base, on_clock, r);
	if (event_add(&r->signal_in, NULL) == -1)
		return error_sys(e, "event loop");
	core_open(r->base, &plan);
	return 0;
}

/* Waits for what the invocation, standard output or a signal bring. */
static void
wait_for(struct run *r)
{
	int		 wait_ms = view_wait_ms(&r->view);
	struct timeval	 tv = { wait_ms / 1000, wait_ms % 1000 * 1000 };
	short		 what = out_events(&r->view.out);

	if (what != 0) {
		event_assign(&r->out_ready, r->base, STDOUT_FILENO, what, on_out, r);
		event_add(&r->out_ready, NULL);
	}
	if (wait_ms >= 0)
		event_add(&r->clock, &tv);
	(void)event_base_loop(r->base, EVLOOP_ONCE);
	if (what != 0)
		event_del(&r->out_ready);
}

static void
run(struct run *r)
{
	while (!inv_done(r->iv)) {
		view_step(&r->view);
		if (r->view.out.gone && !r->told) {
			r->told = true;
			inv_cancel(r->iv, ERR_CLIENT_GONE, r->view.out.why);
		}
		inv_resume(r->iv);
		wait_for(r);
	}
	r->done = true;
}

/* The worker is gone; a slow reader may still be reading, and a signal still ends it. */
static void
drain(struct run *r)
{
	unsigned int	 before = r->signals;

	view_step(&r->view);
	while (r->base != NULL && r->signals == before && before < 2 && !r->view.out.gone && r->view.out.b.len > 0) {
		wait_for(r);
		view_step(&r->view);
	}
}

static void
receipt_write(const struct run *r, const char *path)
{
	autojson	*receipt = inv_receipt(r->iv);
	autobuf		 b;

	buf_init(&b, REQUEST_BYTES_MAX);
	json_print(&b, receipt);
	buf_addc(&b, '\n');
	if (b.failed || write(r->receipt_fd, b.data, b.len) != (ssize_t)b.len)
		cli_say("bascule: %s: the receipt could not be written: %s", path, strerror(errno));
}

/* Results that did not reach the caller whole are no success, however the worker ended. */
static struct error
outcome(const struct run *r)
{
	struct error	 e = *inv_verdict(r->iv);

	if (e.code == ERR_NONE && r->view.out.gone)
		(void)error_set(&e, ERR_CLIENT_GONE, "%s", r->view.out.why);
	else if (e.code == ERR_NONE && r->view.out.b.len > 0)
		(void)error_set(&e, ERR_CANCELLED, "cancelled while results were still being read");
	else if (e.code == ERR_NONE && r->view.trouble.code != ERR_NONE)
		e = r->view.trouble;
	return e;
}

static int
finish(struct run *r, const struct invoke_options *o)
{
	struct error	 e;
	autobuf		 last;

	buf_init(&last, REQUEST_BYTES_MAX);
	if (o->verdict)
		inv_print_verdict(r->iv, &last);
	view_end(&r->view, &last);
	drain(r);
	e = outcome(r);
	if (o->receipt != NULL)
		receipt_write(r, o->receipt);
	view_summary(&r->view);
	if (e.code == ERR_NONE)
		return 0;
	(void)cli_fail(&e);
	if (r->view.records > 0)
		cli_say("  the output is PARTIAL: %llu records came before that",
		    (unsigned long long)r->view.records);
	return error_face(e.code)->exit;
}

/* It never ran; a caller who asked for a last record gets one all the same. */
static int
refuse(struct run *r, const struct invoke_options *o, const struct error *e)
{
	autojson	*data = cJSON_CreateObject();
	autobuf		 b;
	char		 cause[ERROR_CAUSE_BYTES];

	buf_init(&b, REQUEST_BYTES_MAX);
	if (!o->verdict)
		return cli_fail(e);
	(void)json_set_str(data, "outcome", "failed");
	(void)json_set_str(data, "cause", error_cause(e, cause));
	(void)json_set_str(data, "message", e->msg);
	(void)json_set(data, "exit", json_int(error_face(e->code)->exit));
	buf_adds(&b, "{\"data\":");
	json_print(&b, data);
	buf_adds(&b, ",\"type\":\"error\"}\n");
	view_end(&r->view, &b);
	drain(r);
	return cli_fail(e);
}

/* Before the start: a file that cannot be written should not cost an invocation. */
static int
receipt_open(struct run *r, const struct invoke_options *o, struct error *e)
{
	if (o->receipt == NULL)
		return 0;
	r->receipt_fd = open(o->receipt, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	if (r->receipt_fd != -1)
		return 0;
	(void)error_sys(e, "--receipt %.200s", o->receipt);
	e->code = ERR_USAGE;
	return -1;
}

static int
start(struct run *r, const struct invoke_options *o, struct connector_ref *ref, struct error *e)
{
	struct request		 rq = { 0 };
	struct inv_request	 q = {
		.ref = ref, .rq = &rq, .limits = o->limits, .waived = o->layers.waived,
		.required = o->layers.required,
		.sink = view_sink(&r->view), .allow_private = o->allow_private,
		.egress = o->egress, .proxy = o->proxy, .rate = o->rated ? &o->rate : NULL,
	};
	if (connector_find(o->connector, ref, e) == 0 &&
	    (o->customizer == NULL || connector_link(ref, o->customizer, e) == 0) && receipt_open(r, o, e) == 0 &&
	    invoke_request_make(o, ref, &rq, e) == 0 && view_choose(&r->view, ref, &rq, e) == 0) {
		if (!o->quiet && isatty(STDERR_FILENO))
			layers_say(&o->layers);
		/* From here on a signal cancels; before it ends us, as anybody at a prompt expects. */
		r->signals_fd = signals_open();
		if (loop_open(r, e) == 0)
			r->iv = inv_start(&q, e);
	}
	request_free(&rq);
	return r->iv != NULL ? 0 : -1;
}

int
cmd_invoke(int argc, char **argv)
{
	struct invoke_options	 o;
	struct connector_ref	 ref = { 0 };
	struct error		 e = ERROR_NONE;
	struct run		 r = { .signals_fd = -1, .receipt_fd = -1 };
	int			 status, parsed = invoke_options_read(argc, argv, &o, &e);

	if (parsed == 1)
		return 0;
	if (parsed == -1 || view_open(&r.view, &o, &e) == -1)
		return cli_fail(&e);
	signal(SIGPIPE, SIG_IGN);
	if (start(&r, &o, &ref, &e) == -1)
		status = refuse(&r, &o, &e);
	else {
		run(&r);
		status = finish(&r, &o);
		while (r.signals == 0 && core_settle())
			;
	}
	inv_free(r.iv);
	core_close();
	if (r.base != NULL)
		event_base_free(r.base);
	connector_free(&ref);
	view_close(&r.view);
	fd_closep(&r.receipt_fd);
	fd_closep(&r.signals_fd);
	return status;
}
