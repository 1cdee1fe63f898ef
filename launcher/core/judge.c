/*
 * judge.c -- how an invocation ended, from the worker's exit, its word and what others saw.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "launcher/core/inv.h"
#include "sandbox/sandbox.h"

static bool
over_memory(const struct invocation *iv)
{
	/* A refused allocation ends most programs a little below the limit. */
	return (uint64_t)iv->usage.ru_maxrss * KIB >= iv->limits.memory_bytes / 10 * 8;
}

static bool
over_cpu(const struct invocation *iv)
{
	return iv->usage.ru_utime.tv_sec + iv->usage.ru_stime.tv_sec + 1 >= (time_t)iv->limits.cpu_s;
}

static void
death_judge(const struct invocation *iv, struct error *e)
{
	int		 sig = WTERMSIG(iv->wait_status);
	const char	*call = relay_refused_call(iv->w->relay), *name = sigabbrev_np(sig), *what = "";

	if (sig == SIGSYS) {
		error_set(e, ERR_SYSCALL, "the worker made a system call that is not allowed (%s), and was killed",
		    call != NULL ? call : "unknown call");
		what = call;
	} else if (sig == SIGXCPU || (sig == SIGKILL && over_cpu(iv)))
		error_set(e, ERR_CPU, "over %u s of processor time; raise --limit cpu=TIME", iv->limits.cpu_s);
	else if (worker_oom(iv->w) || over_memory(iv))
		error_set(e, ERR_MEMORY, "over %llu MiB of memory; raise --limit memory=SIZE",
		    (unsigned long long)(iv->limits.memory_bytes / MIB));
	else {
		/* The first process of a pid namespace does not die of its own SIGABRT: libc crashes it. */
		error_set(e, ERR_SIGNAL, "the worker died of signal %d (SIG%s)%s", sig, name == NULL ? "?" : name,
		    iv->w->guest && (sig == SIGSEGV || sig == SIGILL) ? ", as one that calls abort() does" : "");
		what = name;
	}
	snprintf(e->what, sizeof(e->what), "%s", what == NULL ? "" : what);
}

/* A program that is named in a specification need not speak (a bundle's host does): it left with 0, or with another status and why in its last line. */
static void
status_judge(struct invocation *iv, struct error *e)
{
	int	 status = WEXITSTATUS(iv->wait_status);

	if (status == 0)
		(void)relay_end(iv->w->relay, e);
	else if (relay_last_log(iv->w->relay)[0] != '\0')
		error_set(e, ERR_GENERIC, "%s (exit status %d)", relay_last_log(iv->w->relay), status);
	else
		error_set(e, ERR_GENERIC, "the program ended with exit status %d and no word", status);
}

/* A guest's message seldom says what the broker knows: which host it was refused. */
static void
refusal_name(struct invocation *iv)
{
	const char	*host = egress_refused(iv);
	char		 said[sizeof(iv->verdict.msg)];

	if (host == NULL || iv->verdict.code == ERR_NONE || iv->verdict.code > ERR_UPSTREAM)
		return;
	snprintf(said, sizeof(said), "%s", iv->verdict.msg);
	if (strstr(said, host) != NULL)
		iv->verdict.code = ERR_NO_EGRESS;
	else
		snprintf(iv->verdict.msg, sizeof(iv->verdict.msg), "%.300s (on the way it was refused %.150s)", said, host);
}

/* The worker is gone and its results are at their end: what was it? */
void
inv_judge(struct invocation *iv)
{
	struct error	 said = ERROR_NONE;
	bool		 spoke = relay_verdict(iv->w->relay, &said);
	struct error	 lost = ERROR_NONE;

	if (iv->decided)
		return;
	/* Without a broker, only a good end is believed. */
	if (egress_lost(iv, &lost) == -1 && (lost.code != ERR_SYSTEM || !spoke || said.code != ERR_NONE)) {
		iv->verdict = lost;
		return;
	}
	if (WIFSIGNALED(iv->wait_status))
		death_judge(iv, &iv->verdict);
	else if (!spoke && iv->plan.words.behind > 0 && iv->w->locked)
		status_judge(iv, &iv->verdict);
	else if (!spoke && WEXITSTATUS(iv->wait_status) == SANDBOX_EXIT)
		error_set(&iv->verdict, ERR_SANDBOX, "the worker could not confine itself");
	else if (!spoke)
		error_set(&iv->verdict, ERR_PROTOCOL, "the worker ended (exit %d) without a verdict",
		    WEXITSTATUS(iv->wait_status));
	else if (said.code == ERR_NONE && WEXITSTATUS(iv->wait_status) != 0)
		error_set(&iv->verdict, ERR_PROTOCOL, "the worker said \"end\" and left with exit status %d",
		    WEXITSTATUS(iv->wait_status));
	else {
		iv->verdict = said;
		/* Only where the broker saw it: a worker's word alone is not a cause. */
		if (said.code != ERR_NONE && egress_refused(iv) != NULL && strstr(said.msg, "no-egress") != NULL)
			iv->verdict.code = ERR_NO_EGRESS;
	}
	if (iv->w->guest)
		refusal_name(iv);
}
