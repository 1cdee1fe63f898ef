/*
 * doctor_try.c -- tries each layer, the broker, and every connector for real.
 */
#include <mntent.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "launcher/cli/doctor.h"
#include "launcher/core/cgroup.h"
#include "launcher/core/core.h"

#define GROUP_MEMORY_BYTES	((uint64_t)64 * MIB)
#define CONNECTOR_MS		SECONDS(20)

static const char *const state_names[] = {
	[FOUND]		= "ok",
	[MISSING]	= "missing",
	[ABSENT]	= "absent",
	[WAIVED]	= "waived",
};
static_assert(N_ITEMS(state_names) == FINDING__MAX, "every state is named");

const char *
finding_state_name(enum finding_state s)
{
	return state_names[s];
}

static struct finding *
finding_add(struct findings *f, const char *group, enum sandbox_layer l, const char *name)
{
	static struct finding	 none;
	struct finding		*r = f->n < FINDINGS_MAX ? &f->rows[f->n++] : &none;

	if (r == &none)
		f->cut++;
	*r = (struct finding){ .group = group, .layer = l, .state = FOUND };
	(void)snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

/* What this kernel's level refuses, as the probe saw, and what a later one would besides. */
static void
landlock_remark(char *text, size_t n)
{
	static const struct {
		int		 least;
		const char	*tried;
	} levels[] = {
		{ 6, "a read, a port and a signal were refused" },
		{ 4, "a read and a port were refused; signals are from Linux 6.12 on, till then pid namespaces and the filter stop them" },
		{ 1, "a read was refused; ports are from Linux 6.7 on, signals from 6.12, till then namespaces and the filter stop them" },
	};
	int	 level = sandbox_landlock_level();

	for (size_t i = 0; i < N_ITEMS(levels); i++)
		if (level >= levels[i].least) {
			(void)snprintf(text, n, "level %d: %s", level, levels[i].tried);
			return;
		}
}

static void
layer_try(struct findings *f, enum sandbox_probe p)
{
	enum sandbox_layer	 l = sandbox_probe_layer(p);
	struct finding		*r = finding_add(f, sandbox_layer_name(l), l, sandbox_probe_name(p));
	char			 why[FINDING_TEXT_BYTES];
	const char		*text = why;
	bool			 ok = sandbox_probe(p, why, sizeof(why)) == 0;

	if (strncmp(text, "sandbox: ", strlen("sandbox: ")) == 0)
		text += strlen("sandbox: ");
	if (!ok)
		(void)snprintf(r->text, sizeof(r->text), "%s", text);
	if (f->asked->waived & (1u << l))
		r->state = WAIVED;
	else if (!ok)
		r->state = MISSING;
	if (r->state == FOUND && p == PROBE_LANDLOCK)
		landlock_remark(r->text, sizeof(r->text));
	if (ok && p == PROBE_MEMORY && !sandbox_mdwe())
		(void)snprintf(r->text, sizeof(r->text), "no MDWE (Linux 6.3): the filter alone refuses executable memory");
}

/* A child is put in, and killed by the group's own switch. */
static int
group_use(struct error *e)
{
	struct cgroup	*g = cgroup_take(GROUP_MEMORY_BYTES, e);
	int		 r = -1;
	pid_t		 pid;

	if (g == NULL)
		return -1;
	if ((pid = fork()) == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			(void)pause();
	}
	if (pid == -1)
		(void)error_sys(e, "cgroup: fork");
	else if (cgroup_put(g, pid, e) == 0)
		r = 0;
	if (cgroup_return(g) == -1)
		r = error_set(e, ERR_SANDBOX, "cgroup: what was put in could not be killed");
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return r;
}

/* Where the kernel's quick way of moving processes is off, whoever joins after a pause waits for all processors. */
static void
group_remark(char *text, size_t n)
{
	FILE	*f = setmntent("/proc/self/mounts", "r");
	const struct mntent *m;

	(void)snprintf(text, n, "a process was put in, and killed with it");
	while (f != NULL && (m = getmntent(f)) != NULL)
		if (strcmp(m->mnt_type, "cgroup2") == 0) {
			if (hasmntopt(m, "favordynmods") == NULL)
				(void)snprintf(text, n, "a process was put in, and killed with it; after a pause joining can wait 10 ms: "
				    "mount -o remount,favordynmods %.80s ends that", m->mnt_dir);
			break;
		}
	if (f != NULL)
		(void)endmntent(f);
}

static void
group_try(struct findings *f)
{
	struct finding	*r = finding_add(f, sandbox_layer_name(LAYER_CGROUP), LAYER_CGROUP, "group");
	struct error	 e = ERROR_NONE;
	bool		 ok = group_use(&e) == 0;

	if (!ok)
		(void)snprintf(r->text, sizeof(r->text), "%.300s", e.msg);
	if (f->asked->waived & (1u << LAYER_CGROUP))
		r->state = WAIVED;
	else if (ok)
		group_remark(r->text, sizeof(r->text));
	else
		r->state = f->asked->required & (1u << LAYER_CGROUP) ? MISSING : ABSENT;
	cgroup_shutdown();
}

static void
broker_try(struct findings *f)
{
	struct finding	*r = finding_add(f, "broker", LAYER_INVALID, "start");
	struct error	 e = ERROR_NONE;
	struct outlet	*o = outlet_take(&e);

	if (o == NULL)
		r->state = MISSING;
	(void)snprintf(r->text, sizeof(r->text), "%.300s", e.msg);
	outlet_drop(o);
}

struct run {
	struct findings		*f;
	struct event_base	*base;
};

static void
ignore_record(void *arg, const struct line_facts *facts, const char *line, size_t len)
{
	(void)arg;
	(void)facts;
	(void)line;
	(void)len;
}

static void
ignore_log(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

static bool
always_ready(void *arg)
{
	(void)arg;
	return true;
}

static void
leave_loop(void *arg)
{
	(void)event_base_loopbreak(arg);
}

/* A command that every connector answers without a source: nursery, walls, worker and verdict are real. */
static int
connector_run(struct run *r, struct connector_ref *ref, struct error *e)
{
	static const char	 text[] = "{\"type\":\"std:spec:read\",\"config\":{},\"input\":{}}";
	struct request		 rq = { 0 };
	struct inv_request	 q = {
		.ref = ref, .rq = &rq, .waived = r->f->asked->waived, .required = r->f->asked->required,
		.limits = { .deadline_ms = CONNECTOR_MS },
		.sink = { ignore_record, ignore_log, always_ready, leave_loop, r->base },
	};
	struct invocation	*iv = NULL;

	if (request_parse(text, sizeof(text) - 1, &rq, e) == 0 && (iv = inv_start(&q, e)) != NULL) {
		while (!inv_done(iv) && event_base_dispatch(r->base) == 0)
			;
		*e = *inv_verdict(iv);
	}
	request_free(&rq);
	inv_free(iv);
	return e->code == ERR_NONE ? 0 : -1;
}

static void
connector_try(void *arg, const char *name, const char *folder)
{
	struct run		*r = arg;
	struct finding		*row = finding_add(r->f, "connector", LAYER_INVALID, name);
	struct connector_ref	 ref;
	struct error		 e = ERROR_NONE;
	char			 path[8192];
	int64_t			 start = now_ms();

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (connector_find(path, &ref, &e) == -1) {
		row->state = MISSING;
		(void)snprintf(row->text, sizeof(row->text), "%.300s", e.msg);
		return;
	}
	if (connector_run(r, &ref, &e) == -1) {
		row->state = MISSING;
		(void)snprintf(row->text, sizeof(row->text), "%.300s", e.msg);
	} else
		(void)snprintf(row->text, sizeof(row->text), "loaded, confined, seen from outside, answered: %lld ms",
		    (long long)(now_ms() - start));
	connector_free(&ref);
}

void
doctor_try(struct findings *f)
{
	static const struct core_plan	 nothing_kept = { 0 };
	struct run			 r = { f, NULL };

	(void)signal(SIGPIPE, SIG_IGN);
	for (enum sandbox_probe p = 0; p < PROBE__MAX; p++)
		layer_try(f, p);
	group_try(f);
	if ((r.base = event_base_new()) == NULL) {
		finding_add(f, "broker", LAYER_INVALID, "loop")->state = MISSING;
		return;
	}
	core_open(r.base, &nothing_kept);
	broker_try(f);
	if (connector_each(connector_try, &r) == 0) {
		struct finding	*row = finding_add(f, "connector", LAYER_INVALID, "none");

		row->state = ABSENT;
		(void)snprintf(row->text, sizeof(row->text), "none is installed; BASCULE_CONNECTORS names folders");
	}
	core_close();
	event_base_free(r.base);
}
