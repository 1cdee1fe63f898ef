/*
 * seccomp.c -- builds filters from the tables of rules, and enters them.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/filter.h"
#include "sandbox/private.h"

/*
 * A connector's unknown call is trapped, not killed at once: it is not run either way, and
 * the trap learns its number (trap.c), so that a death can name it.  Both stages trap: of two filters
 * the stricter answer wins, and a stage 1 that kills would leave stage 2 nothing to name.
 * Broker and front run no code of others: they die at once.  A guest has its own handlers, so its broker is told.
 */
static const struct {
	const char		*name;
	const struct rule	*rules;
	const size_t		*nrules;
	int			 otherwise;
} filters[] = {
	[FILTER_LOAD]		= { "load", rules_native, &nrules_native, ANSWER_TRAP },
	[FILTER_LOAD_BARE]	= { "load-bare", rules_native, &nrules_native, ANSWER_TRAP },
	[FILTER_LOCK]		= { "lock", rules_native, &nrules_native, ANSWER_TRAP },
	[FILTER_LOCK_BARE]	= { "lock-bare", rules_native, &nrules_native, ANSWER_TRAP },
	[FILTER_NOFORK]		= { "nofork", rules_native, &nrules_native, ANSWER_ALLOW },
	[FILTER_ALONE]		= { "alone", rules_native, &nrules_native, ANSWER_TRAP },
	[FILTER_BROKER]		= { "broker", rules_broker, &nrules_broker, ANSWER_KILL },
	[FILTER_GUEST_BIRTH]	= { "guest-birth", rules_guest, &nrules_guest, ANSWER_ALLOW },
	[FILTER_GUEST]		= { "guest", rules_guest, &nrules_guest, ENOSYS },
	[FILTER_GUEST_MANY]	= { "guest-many", rules_guest, &nrules_guest, ENOSYS },
	[FILTER_GUEST_BARE]	= { "guest-bare", rules_guest, &nrules_guest, ENOSYS },
	[FILTER_GUEST_BARE_MANY] = { "guest-bare-many", rules_guest, &nrules_guest, ENOSYS },
	[FILTER_GUEST_TOLD]	= { "guest-told", rules_guest, &nrules_guest, ANSWER_ALLOW },
	[FILTER_KEEPER]		= { "keeper", rules_keeper, &nrules_keeper, ANSWER_KILL },
	[FILTER_FRONT]		= { "front", rules_front, &nrules_front, ANSWER_KILL },
};
static_assert(sizeof(filters) / sizeof(filters[0]) == FILTER__MAX, "every filter has a row");

const char *
filter_name(enum filter f)
{
	return filters[f].name;
}

int
filter_otherwise(enum filter f)
{
	return filters[f].otherwise;
}

const struct rule *
filter_table(enum filter f, size_t *n)
{
	*n = *filters[f].nrules;
	return filters[f].rules;
}

static uint32_t
action(int answer)
{
	switch (answer) {
	case ANSWER_ALLOW:
		return SCMP_ACT_ALLOW;
	case ANSWER_TRAP:
		return SCMP_ACT_TRAP;
	case ANSWER_KILL:
		return SCMP_ACT_KILL_PROCESS;
	case ANSWER_TELL:
		return SCMP_ACT_NOTIFY;
	default:
		return SCMP_ACT_ERRNO((uint16_t)answer);
	}
}

/* Another way into the kernel (32-bit, x32) means other calls by the same numbers: death, with no handler asked. */
static scmp_filter_ctx
filter_new(enum filter f, uint32_t arch, int *err)
{
	scmp_filter_ctx	 ctx = seccomp_init(action(filters[f].otherwise));

	*err = 0;
	if (ctx == NULL)
		return NULL;
	*err = -seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (*err == 0 && arch != seccomp_arch_native() && (*err = -seccomp_arch_add(ctx, arch)) == 0)
		*err = -seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	if (*err == 0)
		return ctx;
	seccomp_release(ctx);
	return NULL;
}

uint64_t	filter_cookie[2];

static int
rule_add(scmp_filter_ctx ctx, const struct rule *r)
{
	struct scmp_arg_cmp	args[RULE_ARGS_MAX];

	memcpy(args, r->args, sizeof(args));
	for (unsigned int i = 0; i < r->nargs && filter_cookie[0] != 0; i++)
		if (args[i].datum_a == FILTER_COOKIE_A || args[i].datum_a == FILTER_COOKIE_B)
			args[i].datum_a = filter_cookie[args[i].datum_a == FILTER_COOKIE_B];
	return seccomp_rule_add_array(ctx, action(r->answer), r->nr, r->nargs, args);
}

scmp_filter_ctx
filter_make(enum filter f, uint32_t arch, const char **what, int *err)
{
	size_t			 n;
	const struct rule	*r = filter_table(f, &n);
	scmp_filter_ctx		 ctx = filter_new(f, arch, err);

	*what = filters[f].name;
	for (; ctx != NULL && n > 0; n--, r++) {
		if ((r->in & IN(f)) == 0)
			continue;
		/* A rule that says what the default says, or the same twice: refused by libseccomp, never wanted. */
		if ((*err = -rule_add(ctx, r)) == 0)
			continue;
		*what = r->why;
		seccomp_release(ctx);
		return NULL;
	}
	return ctx;
}

void
filter_enter(enum filter f)
{
	const char	*what;
	int		 err;
	scmp_filter_ctx	 ctx = filter_make(f, seccomp_arch_native(), &what, &err);

	if (ctx == NULL)
		sandbox_die(LAYER_SECCOMP, what, err);
	if ((err = seccomp_load(ctx)) != 0)
		sandbox_die(LAYER_SECCOMP, "load the filter", -err);
	seccomp_release(ctx);
}

/* Made once, entered often: by one call, that needs no memory.  FILTERS_KEPT of them. */
void
filter_keep(enum filter f, struct sock_fprog *kept)
{
	static struct sock_filter	 codes[FILTERS_KEPT][FILTER_CODE_MAX];
	static size_t			 used;
	struct sock_filter		*code = codes[used++];
	const char			*what;
	int				 err, fd = memfd_create("filter", MFD_CLOEXEC);
	scmp_filter_ctx			 ctx = filter_make(f, seccomp_arch_native(), &what, &err);
	ssize_t				 n;

	if (ctx == NULL)
		sandbox_die(LAYER_SECCOMP, what, err);
	if (fd == -1 || (err = seccomp_export_bpf(ctx, fd)) != 0)
		sandbox_die(LAYER_SECCOMP, "write the filter down", fd == -1 ? errno : -err);
	if ((n = pread(fd, code, sizeof(codes[0]), 0)) <= 0 || n == (ssize_t)sizeof(codes[0]))
		sandbox_die(LAYER_SECCOMP, "the filter is too long", 0);
	close(fd);
	seccomp_release(ctx);
	*kept = (struct sock_fprog){ .len = (unsigned short)(n / (ssize_t)sizeof(code[0])), .filter = code };
}

void
filter_enter_kept(const struct sock_fprog *kept)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, kept, 0L, filter_cookie[0], filter_cookie[1]) == -1)
		sandbox_die(LAYER_SECCOMP, "load the filter", errno);
}

int
filter_enter_heard(const struct sock_fprog *kept)
{
	int	 fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, kept, 0L,
	    filter_cookie[0], filter_cookie[1]);

	/* Whoever runs us may listen already, and there is one listener at most: then ours refuses without a word. */
	if (fd == -1 && errno == EBUSY)
		filter_enter_kept(kept);
	else if (fd == -1)
		sandbox_die(LAYER_SECCOMP, "load the filter, to be heard (Linux 5.0)", errno);
	return fd;
}
