/*
 * report.c -- errors for people: what happened, and what to do next.
 */
#include <stdarg.h>
#include <string.h>

#include "launcher/cli/cli.h"
#include "worker/contract/util.h"

#define SAY_BYTES_MAX	2048

/* Where the message itself says what to change, the hint is empty. */
static const char *const hints[] = {
	[ERR_NONE]	= "",
	[ERR_GENERIC]	= "the message is the connector's own; --logs shows what it did",
	[ERR_NOT_FOUND]	= "look whether the identity is right; a list command shows what there is",
	[ERR_INVALID_CONFIGURATION] = "mend that value in the config; std:spec:read shows what the connector asks for",
	[ERR_INSUFFICIENT_PERMISSION] = "check the credentials in the config, and what the source lets them do",
	[ERR_INVALID_REQUEST] = "mend the input",
	[ERR_INVALID_RESPONSE] = "something else than the expected source may answer there: check its address",
	[ERR_TIMEOUT]	= "the source is slow or down; a write may have happened all the same: read before you repeat it",
	[ERR_UPSTREAM]	= "check that the source is up and its address right; --logs shows each attempt",
	[ERR_USAGE]	= "see: bascule help, bascule invoke --help",
	[ERR_REQUEST]	= "mend the document at the place named",
	[ERR_UNSUPPORTED] = "see the commands it has: bascule connectors NAME",
	[ERR_NO_CONNECTOR] = "see: bascule connectors",
	[ERR_DEADLINE]	= "",
	[ERR_IDLE]	= "",
	[ERR_MEMORY]	= "a connector that streams its results needs little",
	[ERR_CPU]	= "if that is more than its work can take, look for a loop in the connector",
	[ERR_RECORD_TOO_LARGE] = "the connector must leave attributes out or split the object",
	[ERR_PROTOCOL]	= "the connector is broken or hostile; its log lines: --logs",
	[ERR_SYSCALL]	= "the connector is broken or hostile; its log lines: --logs",
	[ERR_SIGNAL]	= "the connector crashed; its log lines: --logs",
	[ERR_CANCELLED]	= "",
	[ERR_CLIENT_GONE] = "",
	[ERR_NO_EGRESS]	= "the host must be in the connector's egress; a private address needs --allow-private HOST",
	[ERR_SHED]	= "try again later, or let the server run more at once: bascule serve --concurrency N",
	[ERR_INTERRUPTED] = "a write may have happened all the same: read before you repeat it",
	[ERR_LIMIT]	= "send or ask for less at a time",
	[ERR_SANDBOX]	= "see bascule(1), section CONFINEMENT, for what a host must allow and what may be waived",
	[ERR_SYSTEM]	= "check memory, processes and open files of this machine",
};
static_assert(N_ITEMS(hints) == ERR__MAX, "every code has a hint");

const char *
cli_hint(enum err_code code)
{
	return (unsigned int)code < ERR__MAX ? hints[code] : "";
}

void
cli_say(const char *fmt, ...)
{
	char	 text[SAY_BYTES_MAX];
	struct buf b;
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_init(&b, 4 * SAY_BYTES_MAX);
	(void)text_safe(&b, text, strlen(text), 0);
	buf_addc(&b, '\n');
	(void)fwrite(b.data != NULL ? b.data : "", 1, b.len, stderr);
	buf_free(&b);
}

int
cli_fail(const struct error *e)
{
	const struct error_face	*face = error_face(e->code);
	char			 buf[ERROR_CAUSE_BYTES];
	/* A type of the connector's own says more than "failed". */
	const char		*cause = e->type[0] != '\0' ? e->type : error_cause(e, buf);

	if (strncmp(e->msg, cause, strlen(cause)) == 0 && e->msg[strlen(cause)] == ':')
		cli_say("bascule: %s", e->msg);
	else
		cli_say("bascule: %s: %s", cause, e->msg[0] != '\0' ? e->msg : face->meaning);
	if (cli_hint(e->code)[0] != '\0')
		cli_say("  %s", cli_hint(e->code));
	return face->exit;
}

void
cli_exits(FILE *to)
{
	for (enum err_code c = 0; c < ERR__MAX; c++)
		fprintf(to, "%4d  %-24s %s\n", error_face(c)->exit, error_face(c)->word, error_face(c)->meaning);
}
