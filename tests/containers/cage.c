/*
 * cage.c -- runs a program under what systemd's SystemCallFilter=, RestrictAddressFamilies=, RestrictRealtime=,
 * RestrictSUIDSGID= and LockPersonality= come to, where no systemd is process 1.
 *
 *	cage CALLS PROGRAM ARGUMENTS...
 *
 * CALLS is a file of names of system calls, one a line, "#" for remarks, as systemd-analyze syscall-filter writes them;
 * all others are EPERM.  Names that this libseccomp does not know are passed over, as systemd does.
 */
#include <err.h>
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/contract/util.h"

#define NAME_BYTES	64
#define CALLS_LEAST	200		/* fewer: the list is not what it should be */

static scmp_filter_ctx
filter_of(uint32_t otherwise)
{
	scmp_filter_ctx	 f = seccomp_init(otherwise);

	if (f == NULL)
		errx(1, "no memory");
	return f;
}

static void
filter_load(scmp_filter_ctx f)
{
	int	 r = seccomp_load(f);

	if (r != 0)
		errx(1, "load: %s", strerror(-r));
	seccomp_release(f);
}

static void
calls_only(const char *path)
{
	scmp_filter_ctx	 f = filter_of(SCMP_ACT_ERRNO(EPERM));
	char		 line[256], name[NAME_BYTES];
	FILE		*list = fopen(path, "re");
	unsigned int	 n = 0;

	if (list == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), list) != NULL) {
		int	 call;

		if (sscanf(line, " %63[a-z0-9_]", name) != 1 || (call = seccomp_syscall_resolve_name(name)) < 0)
			continue;
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0) != 0)
			errx(1, "%s: cannot be allowed", name);
		n++;
	}
	fclose(list);
	if (n < CALLS_LEAST)
		errx(1, "%s: %u calls are no list of this", path, n);
	filter_load(f);
}

/* Few equal comparisons, as in the product's own filters. */
static void
arguments_only(void)
{
	static const int	 families[] = { AF_UNIX, AF_INET, AF_INET6 };
	scmp_filter_ctx		 f = filter_of(SCMP_ACT_ALLOW);
	uint32_t		 eperm = SCMP_ACT_ERRNO(EPERM);
	int			 r = 0;

	for (int family = 0; family < AF_MAX; family++) {
		bool	 allowed = false;

		for (size_t i = 0; i < N_ITEMS(families); i++)
			allowed |= families[i] == family;
		if (!allowed)
			r |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
			    SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)family));
	}
	for (int policy = 1; policy <= SCHED_DEADLINE; policy++)
		if (policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE)
			r |= seccomp_rule_add(f, eperm, SCMP_SYS(sched_setscheduler), 1,
			    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)policy));
	for (unsigned int bit = S_ISGID; bit <= S_ISUID; bit <<= 1) {
		r |= seccomp_rule_add(f, eperm, SCMP_SYS(fchmodat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit));
		r |= seccomp_rule_add(f, eperm, SCMP_SYS(fchmod), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit));
		r |= seccomp_rule_add(f, eperm, SCMP_SYS(mkdirat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit));
	}
	r |= seccomp_rule_add(f, eperm, SCMP_SYS(personality), 0);
	if (r != 0)
		errx(1, "a rule cannot be made");
	filter_load(f);
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		errx(64, "usage: cage CALLS PROGRAM ARGUMENTS...");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		err(1, "no_new_privs");
	arguments_only();
	calls_only(argv[1]);
	execv(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
