/*
 * chore.c -- programs that are run for the server: which, and on which descriptors.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "launcher/supervise/supervise.h"
#include "sandbox/sandbox.h"

#define PLACES_MAX	2
#define WORDS_MAX	(4 + 2 * LAYER__MAX)

static const struct {
	const char	*name, *places[PLACES_MAX], *words[2];
	bool		 layers;		/* is told of those that are waived */
	bool		 quiet;			/* what it says on standard error is nobody's */
	int		 at[DESK_FDS_MAX];	/* its descriptors; -1: no more */
	int		 first_free;		/* nothing is open from here on */
} chores[] = {
	[CHORE_DOCTOR] = { "bascule", { "../bin/bascule", "../../bin/bascule" }, { "doctor", "--json" }, true, true,
	    { 1, -1, -1 }, 3 },
	[CHORE_UNPACK] = { "bascule-unpack", { "bascule-unpack" }, { NULL }, false, false, { 0, 1, 3 }, 4 },
};
static_assert(N_ITEMS(chores) == CHORE__MAX, "every chore has its program");

struct chore_run {
	pid_t		 pid;		/* 0: reaped */
	int		 pidfd;
	struct event	 gone;
	void		(*ended)(void *);
	void		*arg;
};

static void
words_fill(enum chore what, const char *argv[WORDS_MAX])
{
	size_t	 n = 0;

	argv[n++] = chores[what].name;
	for (size_t i = 0; i < N_ITEMS(chores[what].words) && chores[what].words[i] != NULL; i++)
		argv[n++] = chores[what].words[i];
	for (enum sandbox_layer l = 0; chores[what].layers && l < LAYER__MAX; l++)
		if (told.waived & (1u << l)) {
			argv[n++] = "--without";
			argv[n++] = sandbox_layer_name(l);
		}
	argv[n] = NULL;
}

/* Between fork and exec: its descriptors, and nothing else of ours.  Lift first, then place. */
static void __attribute__((noreturn))
child(enum chore what, const char *program, const int fds[DESK_FDS_MAX], pid_t parent)
{
	const char	*argv[WORDS_MAX];
	int		 null = open("/dev/null", O_RDWR | O_CLOEXEC), lifted[DESK_FDS_MAX];
	sigset_t	 none;

	words_fill(what, argv);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	for (size_t i = 0; i < DESK_FDS_MAX && chores[what].at[i] != -1; i++)
		if ((lifted[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 10)) == -1)
			_exit(127);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 || dup2(null, STDOUT_FILENO) == -1 ||
	    (chores[what].quiet && dup2(null, STDERR_FILENO) == -1))
		_exit(127);
	for (size_t i = 0; i < DESK_FDS_MAX && chores[what].at[i] != -1; i++)
		if (dup2(lifted[i], chores[what].at[i]) == -1)
			_exit(127);
	if (syscall(SYS_close_range, (unsigned int)chores[what].first_free, ~0U, 0) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent)
		execv(program, (char **)(uintptr_t)argv);
	_exit(127);
}

static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct chore_run	*c = arg;

	(void)fd;
	(void)what;
	while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
		;
	c->pid = 0;
	c->ended(c->arg);
}

static bool
program_find(enum chore what, char *program, size_t n)
{
	for (size_t i = 0; i < PLACES_MAX && chores[what].places[i] != NULL; i++)
		if (core_beside(chores[what].places[i], program, n) == 0)
			return true;
	return false;
}

struct chore_run *
chore_start(enum chore what, const int fds[DESK_FDS_MAX], void (*ended)(void *), void *arg)
{
	struct chore_run	*c = calloc(1, sizeof(*c));
	char			 program[DESK_PATH_BYTES];
	pid_t			 self = getpid();

	for (size_t i = 0; i < DESK_FDS_MAX && chores[what].at[i] != -1; i++)
		if (fds[i] == -1) {
			free(c);
			return NULL;
		}
	if (c == NULL || !program_find(what, program, sizeof(program)) || (c->pid = fork()) == -1) {
		free(c);
		return NULL;
	}
	if (c->pid == 0)
		child(what, program, fds, self);
	c->ended = ended;
	c->arg = arg;
	if ((c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0)) == -1) {
		chore_end(c);
		return NULL;
	}
	event_assign(&c->gone, core_base(), c->pidfd, EV_READ, on_gone, c);
	event_add(&c->gone, NULL);
	return c;
}

void
chore_kill(struct chore_run *c)
{
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}

void
chore_end(struct chore_run *c)
{
	if (c == NULL)
		return;
	if (c->pidfd != -1)
		event_del(&c->gone);
	if (c->pid > 0) {
		(void)kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	fd_closep(&c->pidfd);
	free(c);
}
