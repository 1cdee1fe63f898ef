/*
 * phases.c -- where the time of a start goes: a nursery, its first worker, one record; and a worker more of it.
 *
 * The linker puts the __wrap_ functions below in front of the core's and the
 * sandbox's own, and those of phased/ in front of the runtime's: what is timed is what
 * runs.  All clocks are one (CLOCK_MONOTONIC), so all stamps fall on one line of time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sandbox/private.h"
#include "tests/bench/bench.h"
#include "tests/bench/call.h"

#define STAMPS_MAX	64

struct stamps {
	int	n;
	struct {
		char	 what[48];
		int64_t	 ns;
	} at[STAMPS_MAX];
};

static struct stamps	*early;		/* shared with the child until it execs; NULL: nobody asks */

static void
stamp_at(struct stamps *s, const char *what, int64_t ns)
{
	if (s == NULL || s->n == STAMPS_MAX)
		return;
	snprintf(s->at[s->n].what, sizeof(s->at[s->n].what), "%s", what);
	s->at[s->n++].ns = ns;
}

static void
stamp(const char *what)
{
	stamp_at(early, what, now_ns());
}

pid_t	__real_sandbox_clone(unsigned int waived, int *pidfd);
pid_t	__wrap_sandbox_clone(unsigned int waived, int *pidfd);
pid_t
__wrap_sandbox_clone(unsigned int waived, int *pidfd)
{
	pid_t	 pid = __real_sandbox_clone(waived, pidfd);

	if (pid != 0)
		stamp("launcher: cloned with namespaces");
	return pid;
}

int	__real_sandbox_map_ids(pid_t child, unsigned int waived);
int	__wrap_sandbox_map_ids(pid_t child, unsigned int waived);
int
__wrap_sandbox_map_ids(pid_t child, unsigned int waived)
{
	int	 r = __real_sandbox_map_ids(child, waived);

	stamp("launcher: ids mapped");
	return r;
}

#define WRAP(name, what, ...)						\
	void	__real_##name(WRAP_TYPES_##name);			\
	void	__wrap_##name(WRAP_TYPES_##name);			\
	void								\
	__wrap_##name(WRAP_TYPES_##name)				\
	{								\
		__real_##name(__VA_ARGS__);				\
		stamp(what);						\
	}
#define WRAP_TYPES_root_take	const char *program, const char *beside
#define WRAP_TYPES_ids_become	unsigned int waived
#define WRAP_TYPES_root_enter	void
#define WRAP_TYPES_rlimits_set	const struct sandbox_wall *w
#define WRAP_TYPES_landlock_load const char *program, const char *beside
#define WRAP_TYPES_filter_enter	enum filter f, unsigned int waived
WRAP(root_take, "child: trees taken", program, beside)
WRAP(ids_become, "child: became nobody", waived)
WRAP(root_enter, "child: new root entered")
WRAP(rlimits_set, "child: limits set", w)
WRAP(landlock_load, "child: Landlock, stage 1", program, beside)
WRAP(filter_enter, "child: filter, stage 1", f, waived)

/* The worker's own stamps come in its record. */
static void
record_taken(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	struct error	 e = ERROR_NONE;
	autojson	*doc = json_parse(line, len, NULL, &e);
	const cJSON	*one;

	(void)f;
	stamp_at(arg, "launcher: first record", now_ns());
	cJSON_ArrayForEach(one, json_at(doc, "/data/stamps"))
		stamp_at(arg, json_str(one, "what", "?"), json_i64(one, "ns", 0));
}

int	__real_sandbox_verify(pid_t worker, unsigned int waived, char *why, size_t n);
int	__wrap_sandbox_verify(pid_t worker, unsigned int waived, char *why, size_t n);
int
__wrap_sandbox_verify(pid_t worker, unsigned int waived, char *why, size_t n)
{
	int	 r;

	stamp("launcher: locked seen");
	r = __real_sandbox_verify(worker, waived, why, n);
	stamp("launcher: walls verified, ready");
	return r;
}

void	__real_worker_born(struct worker *w, pid_t pid, int pidfd);
void	__wrap_worker_born(struct worker *w, pid_t pid, int pidfd);
void
__wrap_worker_born(struct worker *w, pid_t pid, int pidfd)
{
	stamp("launcher: worker reported");
	__real_worker_born(w, pid, pidfd);
}

/* One worker; stamps of it in *early. */
static void
worker_once(struct nursery *n, const char *program, struct error *e)
{
	struct call_run	 c = CALL_RUN("{\"type\":\"bench:stamps\",\"input\":{},\"config\":{}}\n");

	c.record = record_taken;
	c.arg = early;
	if (call_begin(&c, n, program, 0, e) == 0) {
		stamp("launcher: request written");
		if (call_first(&c, e) == 0 && call_rest(&c, e) == 0)
			stamp("launcher: results at their end");
	}
	if (call_end(&c, e) == 0)
		stamp("launcher: worker reaped");
}

/* A start from nothing, or one worker more; *start: when what is asked for began. */
static int
start_once(bool warm, int64_t *start, struct error *e)
{
	const char	*program = bench_path("tests/bench/phased/phased");
	struct nursery	*n;

	*start = now_ns();
	early->n = 0;
	if ((n = call_nursery(program, 0, e)) == NULL)
		return -1;
	stamp("launcher: nursery ready");
	worker_once(n, program, e);
	if (warm && e->code == ERR_NONE) {
		early->n = 0;
		*start = now_ns();
		worker_once(n, program, e);
	}
	nursery_stop(n);
	if (!warm)
		stamp("launcher: nursery killed and reaped");
	return e->code == ERR_NONE ? 0 : -1;
}

struct moment {
	char	 what[48];
	int	 n;
	int64_t	 since_ns[ROUNDS_MAX];
};

static int
compare_ns(const void *a, const void *b)
{
	int64_t	 x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int
compare_moments(const void *a, const void *b)
{
	const struct moment	*x = a, *y = b;

	return compare_ns(&x->since_ns[x->n / 2], &y->since_ns[y->n / 2]);
}

static void
moments_add(struct moment *moments, int *n, int64_t start)
{
	for (int i = 0; i < early->n; i++) {
		int	 k = 0;

		/* What a worker inherited of its nursery's first steps. */
		if (early->at[i].ns < start)
			continue;
		while (k < *n && strcmp(moments[k].what, early->at[i].what) != 0)
			k++;
		if (k == STAMPS_MAX)
			continue;
		if (k == *n)
			memcpy(moments[(*n)++].what, early->at[i].what, sizeof(moments[k].what));
		if (moments[k].n < ROUNDS_MAX)
			moments[k].since_ns[moments[k].n++] = early->at[i].ns - start;
	}
}

static int
table_print(int times, bool warm, FILE *out)
{
	static struct moment	 moments[STAMPS_MAX];
	struct error		 e = ERROR_NONE;
	int			 n = 0;

	memset(moments, 0, sizeof(moments));
	for (int i = 0; i < times; i++) {
		int64_t	 start;

		if (start_once(warm, &start, &e) == -1) {
			fprintf(stderr, "bench: phases: %s\n", e.msg);
			return -1;
		}
		moments_add(moments, &n, start);
	}
	for (int i = 0; i < n; i++)
		qsort(moments[i].since_ns, (size_t)moments[i].n, sizeof(int64_t), compare_ns);
	qsort(moments, (size_t)n, sizeof(*moments), compare_moments);
	fprintf(out, "%s; medians of %d\n\n%10s %10s  %s\n", warm ? "one worker more of that nursery" :
	    "a cold start: nursery, worker, one record", times, "at us", "after us", "what was done by then");
	for (int i = 0; i < n; i++) {
		double	 at = (double)moments[i].since_ns[moments[i].n / 2] / 1e3;

		fprintf(out, "%10.0f %10.0f  %s\n", at, i == 0 ? at :
		    at - (double)moments[i - 1].since_ns[moments[i - 1].n / 2] / 1e3, moments[i].what);
	}
	return 0;
}

int
phases_report(int times, FILE *out)
{
	struct error	 e = ERROR_NONE;
	int		 r;

	early = mmap(NULL, sizeof(*early), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (early == MAP_FAILED) {
		perror("bench: phases");
		return -1;
	}
	if (call_open(&e) == -1)
		return -1;
	r = table_print(times, false, out);
	fputc('\n', out);
	if (r == 0)
		r = table_print(times, true, out);
	call_close();
	return r;
}
