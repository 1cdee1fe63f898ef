/*
 * main.c -- a connector that tells when it was where.  The linker puts the
 * __wrap_ functions in front of the runtime's own (--wrap), so what is timed is what runs.
 */
#include "sandbox/sandbox.h"
#include "worker/contract/request.h"
#include "worker/runtime/bascule.h"
#include "worker/runtime/fetch_priv.h"

#define STAMPS_MAX	32

static struct {
	const char	*what;
	int64_t		 ns;
} stamps[STAMPS_MAX];
static size_t	 nstamps;

static void
stamp(const char *what)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (nstamps < STAMPS_MAX) {
		stamps[nstamps].what = what;
		stamps[nstamps++].ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	}
}

static void __attribute__((constructor))
started(void)
{
	stamp("nursery: exec, dynamic linking");
}

int	__real_spec_load(const char *path, struct spec *sp, struct error *e);
int	__wrap_spec_load(const char *path, struct spec *sp, struct error *e);
int
__wrap_spec_load(const char *path, struct spec *sp, struct error *e)
{
	int	 r = __real_spec_load(path, sp, e);

	stamp("nursery: specification read");
	return r;
}

int	__real_fetch_preload(struct error *e);
int	__wrap_fetch_preload(struct error *e);
int
__wrap_fetch_preload(struct error *e)
{
	int	 r = __real_fetch_preload(e);

	stamp("nursery: libcurl, OpenSSL, CA store");
	return r;
}

void	__real_sandbox_lock(unsigned int waived);
void	__wrap_sandbox_lock(unsigned int waived);
void
__wrap_sandbox_lock(unsigned int waived)
{
	__real_sandbox_lock(waived);
	stamp("nursery: stage 2, locked");
}

pid_t	__real_sandbox_fork(unsigned int waived);
pid_t	__wrap_sandbox_fork(unsigned int waived);
pid_t
__wrap_sandbox_fork(unsigned int waived)
{
	pid_t	 pid;

	stamp("nursery: order taken");
	if ((pid = __real_sandbox_fork(waived)) == 0)
		stamp("worker: forked");
	return pid;
}

void	__real_sandbox_shed(unsigned int waived, unsigned int first_fd);
void	__wrap_sandbox_shed(unsigned int waived, unsigned int first_fd);
void
__wrap_sandbox_shed(unsigned int waived, unsigned int first_fd)
{
	__real_sandbox_shed(waived, first_fd);
	stamp("worker: last privilege shed");
}

int	__real_request_parse(const char *text, size_t len, struct request *rq, struct error *e);
int	__wrap_request_parse(const char *text, size_t len, struct request *rq, struct error *e);
int
__wrap_request_parse(const char *text, size_t len, struct request *rq, struct error *e)
{
	int	 r;

	stamp("worker: request read");
	r = __real_request_parse(text, len, rq, e);
	stamp("worker: request parsed");
	return r;
}

static int
tell(struct call *c)
{
	cJSON	*data = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(data, "stamps");

	stamp("worker: command begins");
	for (size_t i = 0; i < nstamps; i++) {
		cJSON	*one = cJSON_CreateObject();

		if (json_set_str(one, "what", stamps[i].what) == -1 || json_set(one, "ns", json_int(stamps[i].ns)) == -1 ||
		    json_push(list, one) == -1)
			return fail_generic(c, "no memory");
	}
	return emit_output(c, data);
}

static const struct command_row	 rows[] = {
	{ "bench:stamps", tell },
};
CONNECTOR(rows)
