/*
 * main.c -- a worker becomes whatever program a connector's specification names: bascule-foreign(7).
 */
#include "worker/guest/guest.h"

const char *const guest_environment[] = {
	"PATH=/usr/local/bin:/usr/bin:/bin",
	"HOME=/tmp",
	"TMPDIR=/tmp",
	"LANG=C.UTF-8",
	"TZ=UTC",
	"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
	"BASCULE_RESULTS=3",
	0
};

void
guest_arguments(const struct guest_start *g, const char **argv)
{
	int	 n = 0;

	for (; g->words[n] != 0 && n < GUEST_ARGS_MAX - 1; n++)
		argv[n] = g->words[n];
	argv[n] = 0;
}
