/*
 * fuzz_spec.c -- any bytes as a connector's specification and, behind a NUL, a
 * configuration: rules are hosts and ports, patterns come from the specification.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/spec.h"
#include "worker/contract/util.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
secret(void *arg, const char *value)
{
	(void)arg;
	must(value[0] != '\0');
}

static void
rules_check(const struct egress_rule *rules, size_t n)
{
	static const char	 usual[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

	for (size_t i = 0; i < n; i++) {
		const char	*host = rules[i].host + (strncmp(rules[i].host, "*.", 2) == 0 ? 2 : 0);

		must(rules[i].port != 0 && host[0] != '\0' && host[strspn(host, usual)] == '\0');
		must(strstr(host, "..") == NULL && host[0] != '.');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char		*text = (const char *)data, *nul = n > 0 ? memchr(text, '\0', n) : NULL;
	struct spec		 sp;
	struct error		 e = ERROR_NONE;
	struct egress_rule	 rules[SPEC_EGRESS_MAX];
	size_t			 count = 99;
	autojson		*config = NULL;

	if (spec_parse(text, nul != NULL ? (size_t)(nul - text) : n, &sp, &e) == -1) {
		must(e.code == ERR_NO_CONNECTOR);
		return 0;
	}
	if (nul != NULL)
		config = json_parse(nul + 1, n - (size_t)(nul + 1 - text), NULL, &e);
	spec_secrets(&sp, config, secret, NULL);
	if (spec_egress(&sp, config, rules, &count, &e) == 0)
		rules_check(rules, count);
	else
		must(count == 0);
	spec_free(&sp);
	return 0;
}
