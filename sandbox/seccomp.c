/*
 * seccomp.c -- builds filters from the tables of rules.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

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
