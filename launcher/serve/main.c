/*
 * main.c -- bascule-serve: start, signals, the end.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

#include "launcher/core/bounds.h"
#include "launcher/core/desk_wire.h"
#include "launcher/core/far.h"
#include "launcher/core/files.h"
#include "launcher/core/reserve.h"
#include "launcher/registry/registry.h"
#include "launcher/serve/admit.h"
#include "launcher/serve/call.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/doctor.h"
#include "launcher/serve/door.h"
#include "launcher/serve/keys.h"
#include "launcher/serve/logs.h"
#include "launcher/serve/metrics.h"
#include "launcher/serve/notify.h"
#include "launcher/serve/oauth.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "launcher/serve/upload.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"
#include "worker/contract/version.h"

#define HEAP_TRIM_BYTES	(2 * MIB)	/* free at the end of the heap, before it is given back */
#define HEAP_PAD_BYTES	(256 * KIB)	/* asked for beyond what is wanted */
#define SELF		"server"	/* who, in the audit log, where no caller did it */
#define SWEEP_MS	1000		/* between two looks at all connections */
#define SWEEP_FULL_MS	100		/* the same while there is no room for more */
#define DRAIN_MS	50		/* between two looks whether all have ended */
#define FLUSH_MS	SECONDS(5)	/* after the last verdict, for answers on their way */

struct server	 server;

static struct event	 sweep, watchdog, drain;
static int64_t		 drain_ms;	/* when it began */
static bool		 cancelled;	/* the grace is over */

int64_t
wall_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
again(struct event *ev, int64_t ms)
{
	struct timeval	 tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(ev, &tv);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	bool	 room = conns_sweep();

	(void)fd;
	(void)what;
	(void)arg;
	slog_flush();
	if (room && !server.draining)
		doors_resume();
	again(&sweep, room ? SWEEP_MS : SWEEP_FULL_MS);
}

/* Only a loop that turns says that it lives. */
static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	notify_say("WATCHDOG=1");
	again(&watchdog, notify_watchdog_ms());
}

static void
on_drain(evutil_socket_t fd, short what, void *arg)
{
	int64_t	 now = now_ms();

	(void)fd;
	(void)what;
	(void)arg;
	if (!cancelled && now >= drain_ms + server.set.grace_ms) {
		cancelled = true;
		calls_cancel(ERR_CANCELLED, "the server is ending, and its grace is over");
	}
	if (calls_live() > 0) {
		/* One whose caller takes nothing is not waited for. */
		if (now < drain_ms + server.set.grace_ms + FLUSH_MS) {
			again(&drain, DRAIN_MS);
			return;
		}
	} else {
		(void)conns_sweep();
		if (conns_count().busy > 0 && now < drain_ms + server.set.grace_ms + FLUSH_MS) {
			again(&drain, DRAIN_MS);
			return;
		}
	}
	event_base_loopbreak(server.base);
}

/* The first is asked kindly; the second has no patience. */
static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	if (server.draining) {
		drain_ms = now_ms() - server.set.grace_ms;
		return;
	}
	server.draining = true;
	drain_ms = now_ms();
	notify_say("STOPPING=1");
	slog_text(SLOG_INFO, "draining", "grace", "begins");
	audit_add(SELF, "stop", NULL);
	doors_close();
	again(&drain, DRAIN_MS);
}

/* The files of callers' rights and bounds that are in force now. */
static void
audit_files(void)
{
	const struct { const char *what, *file; } rows[] = {
		{ "tokens.load", server.set.tokens }, { "limits.load", server.set.limits_file }, { "certificate.load", server.set.cert },
	};

	for (size_t i = 0; i < N_ITEMS(rows); i++)
		if (rows[i].file != NULL)
			audit_add(SELF, rows[i].what, rows[i].file);
}

static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct error	 e = ERROR_NONE;
	struct timespec	 ts;
	char		 text[80];

	(void)sig;
	(void)what;
	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	notify_say(text);
	if (limits_load(&e) == 0 && route_tokens_load(&e) == 0 && doors_reload(&e) == 0) {
		slog_text(SLOG_INFO, "reloaded", "what", "tokens, limits and certificates");
		audit_files();
	} else {
		slog_text(SLOG_ERROR, "reload.failed", "message", e.msg);
		audit_add(SELF, "reload.failed", e.msg);
	}
	notify_say("READY=1");
}

static void
signals_open(void)
{
	static const struct {
		int			 sig;
		event_callback_fn	 call;
	} rows[] = { { SIGTERM, on_term }, { SIGINT, on_term }, { SIGHUP, on_hup } };
	static struct event	 events[N_ITEMS(rows)];

	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		evsignal_assign(&events[i], server.base, rows[i].sig, rows[i].call, NULL);
		event_add(&events[i], NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* the journal says so itself when its file may not grow */
}

/* Each invocation takes some seven descriptors, each caller one. */
static void
files_raise(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

#define DAY_MS	((int64_t)24 * 3600 * 1000)

/* Where systemd gives a folder for it, that is where it is kept; else in memory. */
static int
journal_open(struct error *e)
{
	static char	 path[4096];
	const char	*folder = getenv("STATE_DIRECTORY");

	server.set.store.invocations_max = server.set.history;
	server.set.store.age_ms_max = server.set.history_days * DAY_MS;
	if (server.set.store.path == NULL && folder != NULL && folder[0] == '/') {
		snprintf(path, sizeof(path), "%.*s/journal.db", (int)strcspn(folder, ":"), folder);
		server.set.store.path = path;
	}
	if (server.set.store.path == NULL && server.set.history == 0)
		server.set.store.invocations_max = HISTORY_IN_MEMORY;
	if (server.set.store.path == NULL && server.set.store.results_bytes_max == 0)
		server.set.store.results_bytes_max = RESULTS_IN_MEMORY;
	return store_open(&server.set.store, server.base, e);
}

/* Its workers and its broker have died with it, and so does this half.  What is in flight is cut: nobody takes it for whole. */
static void
on_lost(void)
{
	slog_text(SLOG_ERROR, "supervisor.gone", "message", "the supervisor ended, and all workers with it; the server ends");
	doors_close();
	store_leave();
	slog_flush();
	_exit(error_face(ERR_SYSTEM)->exit);
}

#define NUMBERS_BESIDE	1024u

/* What is said on the command line and in the environment holds for whoever speaks for this process later. */
static int
bounds_say(struct desk_open *o, struct error *e)
{
	const struct inv_limits	*most = &server.set.limits;

	if (bounds_make(&o->bounds, server.set.opened, e) == -1)
		return -1;
	server.set.plan.bounds = &o->bounds;
	/* A file of limits may say anything, at any time. */
	if (server.set.limits_file != NULL)
		return 0;
	o->memory_max = most->memory_bytes;
	o->cpu_max = most->cpu_s;
	if (most->connects > 0)
		o->bounds.connects_max = (uint32_t)most->connects;
	return 0;
}

/* While nothing is held that is nobody else's business. */
static int
supervisor_start(struct error *e)
{
	static struct desk_open	 o;
	struct core_plan	*p = &server.set.plan;

	o.parked_min = p->parked_min;
	o.parked_max = p->parked_max;
	o.nursery_forks = p->nursery_forks;
	o.nursery_age_ms = p->nursery_age_ms;
	o.waived = server.set.waived;
	/* Those in flight, those that are being freed, uploads and the like. */
	o.numbers_max = 4 * server.set.concurrency + RESERVES_MAX + NUMBERS_BESIDE;
	if (server.set.registry != NULL)
		snprintf(o.registry, sizeof(o.registry), "%s", registry_dir());
	p->lost = on_lost;
	if (bounds_say(&o, e) == -1)
		return -1;
	return (p->supervisor = far_start(&o, e)) == -1 ? -1 : 0;
}

static int
server_open(struct error *e)
{
	slog_open((enum slog_level)server.set.level);
	server.start_ms = now_ms();
	files_raise();
	if ((server.base = event_base_new()) == NULL)
		return error_set(e, ERR_SYSTEM, "no event loop");
	signals_open();
	registry_bound((uint64_t)server.set.registry_bytes);
	if ((server.set.registry != NULL && registry_open(server.set.registry, e) == -1) || limits_load(e) == -1 ||
	    supervisor_start(e) == -1)
		return -1;
	core_open(server.base, &server.set.plan);
	admit_open(server.set.concurrency, server.set.per_source, server.set.queue);
	if (oauth_open(server.set.registry != NULL ? registry_dir() : NULL, e) == -1)
		return -1;
	if (journal_open(e) == -1 || keys_open(server.set.store.path, e) == -1 ||
	    route_tokens_load(e) == -1 || doors_open(route_request, e) == -1)
		return -1;
	audit_add(SELF, "start", BASCULE_VERSION);
	audit_files();
	evtimer_assign(&sweep, server.base, on_sweep, NULL);
	evtimer_assign(&watchdog, server.base, on_watchdog, NULL);
	evtimer_assign(&drain, server.base, on_drain, NULL);
	again(&sweep, SWEEP_MS);
	if (notify_watchdog_ms() > 0)
		again(&watchdog, notify_watchdog_ms());
	return 0;
}

/* What it may read again, or remove at its end, by name. */
static int
files_name(struct error *e)
{
	const struct settings	*s = &server.set;
	const char		*proxy = getenv("BASCULE_PROXY");
	const char *const	 read[] = { s->tokens, s->limits_file, s->cert, s->key, s->client_ca,
		proxy != NULL && proxy[0] == '@' ? proxy + 1 : NULL };

	for (size_t i = 0; i < N_ITEMS(read); i++)
		if (read[i] != NULL && files_allow(read[i], FILES_READ) == -1)
			return error_sys(e, "supervisor: %.200s", read[i]);
	return doors_name(e) == -1 || files_far() == -1 ? error_sys(e, "supervisor: files") : 0;
}

/* From here on it can open, start, reach and signal nothing; libraries have read what they read when first used. */
static int
walls_enter(struct error *e)
{
	tzset();
	metrics_open();
	if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) != 1)
		return error_set(e, ERR_SYSTEM, "OpenSSL cannot be used");
	if (uploads_open(e) == -1 || files_name(e) == -1)
		return -1;
	slog_text(server.set.unfiltered ? SLOG_WARN : SLOG_INFO, "walls", "front", server.set.unfiltered ?
	    "without its list of system calls, as asked" : "on");
	sandbox_front_lock(!server.set.unfiltered);
	return 0;
}

static void
server_close(void)
{
	doors_free();
	doctor_close();
	core_close();
	store_leave();
	registry_close();
	oauth_close();
	keys_close();
	logs_free();
	metrics_free();
	route_tokens_free();
	slog_flush();
}

/* What one call frees the next one uses; given back and asked for anew, it costs three system calls each time. */
static void
heap_settle(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_TRIM_BYTES);
	(void)mallopt(M_TOP_PAD, HEAP_PAD_BYTES);
}

int
main(int argc, char **argv)
{
	struct error	 e = ERROR_NONE;
	int		 parsed;

	core_dumps_off();
	heap_settle();
	if (argc > 1 && strcmp(argv[1], "token") == 0)
		return cmd_token(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return cmd_check(argc - 1, argv + 1);
	notify_open();
	if ((parsed = settings_read(argc, argv, &server.set, &e)) == 1)
		return 0;
	if (parsed == -1 || server_open(&e) == -1 || walls_enter(&e) == -1) {
		fprintf(stderr, "bascule: %s: %s\n", error_face(e.code)->word, e.msg);
		doors_close();
		return error_face(e.code)->exit;
	}
	notify_say("READY=1");
	event_base_dispatch(server.base);
	slog_text(SLOG_INFO, "ended", "how", cancelled ? "invocations were cancelled" : "nothing was left");
	server_close();
	return 0;
}
