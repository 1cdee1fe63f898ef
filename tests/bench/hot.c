/*
 * hot.c -- which functions of a connector its workers run, in the order in which they are met.
 *
 *	hot PROGRAM <ADDRESSES
 *
 * On standard input the addresses of functions in the program's file, in hexadecimal.  The first is where to begin:
 * when its nursery comes there (fetch_rehearse(), where it readies what workers use), each of the others is broken
 * into, once, in it and in three workers: one that answers at once, one that is parked, one that makes TLS objects.
 * On standard output: those that were met.  worker/hot.sh makes names of them.
 */
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "tests/bench/call.h"
#include "tests/bench/floor.h"

#define FUNCTIONS_MAX	65536
#define WORD_MASK	((uint64_t)sizeof(long) - 1)
#define BREAK		0xcc
#define STOP_AT_FIRST	1L		/* in debug register 7: the address in register 0 is on */

static struct function {
	uint64_t	 at;
	unsigned char	 first;		/* byte of it */
	bool		 met;
}			 functions[FUNCTIONS_MAX];
static size_t		 nfunctions;
static uint64_t		 base, begin;
static bool		 begun;

static void __attribute__((noreturn))
bail(const char *why)
{
	fprintf(stderr, "hot: %s\n", why);
	exit(1);
}

static int
by_address(const void *a, const void *b)
{
	const struct function	*x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void
functions_read(void)
{
	char	 line[64];

	while (fgets(line, sizeof(line), stdin) != NULL && nfunctions < FUNCTIONS_MAX)
		functions[nfunctions++].at = strtoull(line, NULL, 16);
	if (nfunctions < 2)
		bail("usage: hot PROGRAM <ADDRESSES");
	begin = functions[0].at;
	qsort(functions, nfunctions, sizeof(functions[0]), by_address);
}

/* Where the file's first byte lies in its memory. */
static void
base_find(pid_t pid, const char *program)
{
	char	 path[64], line[512];
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		bail("no maps to read");
	while (base == 0 && fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, strrchr(program, '/')) != NULL)
			base = strtoull(line, NULL, 16);
	fclose(f);
}

/* What was there. */
static unsigned char
byte_put(pid_t pid, uint64_t at, unsigned char byte)
{
	uint64_t	 word = (base + at) & ~WORD_MASK;
	unsigned int	 shift = (unsigned int)((base + at) & WORD_MASK) * 8;
	unsigned long	 was = (unsigned long)ptrace(PTRACE_PEEKTEXT, pid, word, 0);

	ptrace(PTRACE_POKETEXT, pid, word, (was & ~(0xfful << shift)) | (unsigned long)byte << shift);
	return (unsigned char)(was >> shift);
}

/* By the processor and not in the text, of which text_inherit() throws away what was written. */
static void
watch(pid_t pid, uint64_t at)
{
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0);
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), at);
	if (at != 0 && ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), STOP_AT_FIRST) == -1)
		bail("no breakpoint can be set");
}

static void
break_all(pid_t pid)
{
	for (size_t i = 0; i < nfunctions; i++)
		if (i == 0 || functions[i].at != functions[i - 1].at)
			functions[i].first = byte_put(pid, functions[i].at, BREAK);
}

/* False if it stopped for another reason than a function of the list. */
static bool
met(pid_t pid)
{
	struct user_regs_struct	 regs;
	struct function		*f, key;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) == -1)
		return false;
	if (!begun && regs.rip == base + begin) {
		begun = true;
		watch(pid, 0);
		break_all(pid);
		return true;
	}
	key.at = regs.rip - 1 - base;
	if ((f = bsearch(&key, functions, nfunctions, sizeof(key), by_address)) == NULL)
		return false;
	while (f > functions && f[-1].at == f->at)	/* of several names the first was broken into */
		f--;
	byte_put(pid, f->at, f->first);
	regs.rip--;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
	if (!f->met)
		printf("%llx\n", (unsigned long long)f->at);
	f->met = true;
	return true;
}

/* The nursery and its workers, to the nursery's end. */
static void
follow(pid_t nursery, const char *program)
{
	int	 status, sig;
	pid_t	 pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == nursery)
				return;
			continue;
		}
		sig = status >> 16 != 0 ? 0 : WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
			base_find(pid, program);
			watch(pid, base + begin);
		} else if (sig == SIGTRAP && met(pid))
			sig = 0;
		ptrace(PTRACE_CONT, pid, 0, sig);
	}
}

/* The first child of this process that is not that one; 0: none. */
static pid_t
child_of(pid_t parent, pid_t other)
{
	char	 path[64];
	FILE	*f;
	int	 pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fscanf(f, "%d", &pid) == 1 && pid == other)
		pid = 0;
	fclose(f);
	return pid;
}

static pid_t
tracer_start(const char *program)
{
	pid_t	 parent = getpid(), pid = fork(), nursery;

	if (pid != 0)
		return pid;
	while ((nursery = child_of(parent, getpid())) == 0)
		;
	if (ptrace(PTRACE_SEIZE, nursery, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE) == -1)
		bail("a tracer is not allowed here");
	follow(nursery, program);
	if (!begun)
		bail("the nursery ran ahead of its tracer; once more, on a quieter machine");
	fflush(stdout);
	_exit(0);
}

static void
worker_run(struct nursery *n, const char *program, const char *request, bool park)
{
	struct call_run	 w = CALL_RUN(request);
	struct error	 e = ERROR_NONE;

	w.parked = park;
	if (call_begin(&w, n, program, 0, &e) == -1 || call_first(&w, &e) == -1 || call_rest(&w, &e) == -1 ||
	    call_end(&w, &e) == -1)
		bail(e.msg);
}

int
main(int argc, char **argv)
{
	struct error	 e = ERROR_NONE;
	struct nursery	*n;
	pid_t		 tracer;
	int		 status = 0;

	if (argc != 2)
		bail("usage: hot PROGRAM <ADDRESSES");
	functions_read();
	if (call_open(&e) == -1)
		bail(e.msg);
	tracer = tracer_start(argv[1]);
	if ((n = call_nursery(argv[1], 0, &e)) == NULL)
		bail(e.msg);
	worker_run(n, argv[1], BENCH_REQUEST, false);
	worker_run(n, argv[1], BENCH_REQUEST, true);
	worker_run(n, argv[1], BENCH_TLS_REQUEST, false);
	nursery_stop(n);
	while (waitpid(tracer, &status, 0) == -1 && errno == EINTR)
		;
	call_close();
	return status == 0 ? 0 : 1;
}
