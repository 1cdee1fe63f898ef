/*
 * main.c -- a connector that does all it can to get out: every row an attack.
 */
#include "tests/evil/evil/evil.h"

#include <string.h>

const char *
attack_name(const struct call *c)
{
	const char	*colon = strchr(c->type, ':');

	return strncmp(c->type, PREFIX, sizeof(PREFIX) - 1) == 0 ? colon + 1 : c->type;
}

int
report(struct call *c, const char *result, int err)
{
	cJSON	*data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "attack", attack_name(c));
	if (result != NULL)
		cJSON_AddStringToObject(data, "result", result);
	if (err != 0)
		cJSON_AddNumberToObject(data, "errno", err);
	return emit_output(c, data);
}

int
report_call(struct call *c, long r)
{
	return r == -1 ? report(c, "refused", errno) : report(c, "ESCAPED", 0);
}

/* Harmless: what came before it must not have hurt the next worker. */
static int
ok(struct call *c)
{
	cJSON	*data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "attack", "none");
	return emit_output(c, data);
}

static int
test_connection(struct call *c)
{
	return emit_output(c, cJSON_CreateObject());
}

#define CALL_ROW(name, ...)	{ PREFIX name, attack_call },
#define LINE_ROW(name, ...)	{ PREFIX name, attack_line },

static const struct command_row	 rows[] = {
	{ "std:test-connection", test_connection },
	{ "std:account:read", attack_read },
	{ PREFIX "ok", ok },

	CALLS(CALL_ROW)
#ifdef __x86_64__
	{ PREFIX "int80", attack_int80 },
	{ PREFIX "x32", attack_x32 },
#endif
	{ PREFIX "trap-blocked", trap_blocked },
	{ PREFIX "trap-bad-stack", trap_bad_stack },
	{ PREFIX "trap-unmapped", trap_unmapped },
	{ PREFIX "trap-forged", trap_forged },
	{ PREFIX "trap-no-log", trap_no_log },
	{ PREFIX "trap-half-line", trap_half_line },
	{ PREFIX "trap-full-log", trap_full_log },
	{ PREFIX "mprotect-exec", attack_mprotect },
	{ PREFIX "mmap-exec", attack_mmap },
	{ PREFIX "connect", attack_connect },
	{ PREFIX "egress-loopback", attack_egress },
	{ PREFIX "egress-metadata", attack_egress },
	{ PREFIX "egress-mapped", attack_egress },
	{ PREFIX "egress-decimal", attack_egress },
	{ PREFIX "egress-name", attack_egress },
	{ PREFIX "egress-port", attack_egress },
	{ PREFIX "egress-junk", attack_egress },
	{ PREFIX "egress-unterminated", attack_egress },
	{ PREFIX "egress-hammer", attack_hammer },
	{ PREFIX "egress-hurry", attack_hurry },
	{ PREFIX "egress-nul", attack_nul_host },
	{ PREFIX "egress-huge", attack_huge_host },
	{ PREFIX "egress-lengths", attack_lengths },
	{ PREFIX "abort", attack_abort },
	{ PREFIX "env", show_env },
	{ PREFIX "fds", show_fds },
	{ PREFIX "pid", show_pid },
	{ PREFIX "whoami", show_uid },

	LINES(LINE_ROW)
	{ PREFIX "half-line", attack_half_line },
	{ PREFIX "long-line", attack_long_line },
	{ PREFIX "endless-line", attack_endless_line },
	{ PREFIX "deep", attack_deep },
	{ PREFIX "flood", attack_flood },
	{ PREFIX "flood-log", attack_flood_log },
	{ PREFIX "half-log", attack_half_log },
	{ PREFIX "slow", attack_slow },
	{ PREFIX "silent-close", attack_silent_close },
	{ PREFIX "close-stdin", attack_close_stdin },
	{ PREFIX "end-then-hang", attack_end_then_hang },

	{ PREFIX "hang", attack_hang },
	{ PREFIX "ignore-term", attack_ignore_term },
	{ PREFIX "deathless", attack_deathless },
	{ PREFIX "no-verdict", attack_no_verdict },
	{ PREFIX "exit-nonzero", attack_exit_nonzero },
	{ PREFIX "crash", attack_crash },
	{ PREFIX "alloc", attack_alloc },
	{ PREFIX "map-shared", attack_map },
	{ PREFIX "map-stack", attack_map },
	{ PREFIX "cpu", attack_cpu },
	{ PREFIX "stack", attack_stack },
};
CONNECTOR(rows)
