/*
 * layers.c -- names of the layers, and the one way a layer fails.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/private.h"

/*
 * A sanitizer's runtime needs /proc, threads and a shadow of terabytes: such a
 * build, and no other, may go without the filter and the limits.
 */
#ifdef BASCULE_SANITIZER
#define ONLY_SANITIZED	true
#else
#define ONLY_SANITIZED	false
#endif

static const struct {
	const char	*name;
	bool		 waivable;
} layers[] = {
	[LAYER_BIRTH]		= { "birth", false },
	[LAYER_IDS]		= { "ids", false },
	[LAYER_NAMESPACES]	= { "namespaces", true },
	[LAYER_LANDLOCK]	= { "landlock", true },
	[LAYER_SECCOMP]		= { "seccomp", ONLY_SANITIZED },
	[LAYER_RLIMITS]		= { "rlimits", ONLY_SANITIZED },
	[LAYER_MEMORY]		= { "memory", false },
	[LAYER_CGROUP]		= { "cgroup", true },
};
static_assert(sizeof(layers) / sizeof(layers[0]) == LAYER__MAX, "every layer has a row");

const char *const sandbox_readable[] = {
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/lib",
	"/lib64",
	"/etc/ld.so.cache",
	"/etc/ssl/openssl.cnf",
	"/etc/ssl/certs/ca-certificates.crt",
	NULL
};

const char *const sandbox_resolver_files[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	NULL
};

const char *
sandbox_layer_name(enum sandbox_layer l)
{
	return (unsigned int)l < LAYER__MAX ? layers[l].name : "unknown";
}

enum sandbox_layer
sandbox_layer_from_name(const char *name)
{
	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
		if (strcmp(layers[l].name, name) == 0)
			return l;
	return LAYER_INVALID;
}

bool
sandbox_layer_waivable(enum sandbox_layer l)
{
	return (unsigned int)l < LAYER__MAX && layers[l].waivable;
}

const struct sandbox_set sandbox_sets[] = {
	{ "strict", 0 },
	{ "container", 1u << LAYER_NAMESPACES },
	{ NULL, 0 },
};

const struct sandbox_set *
sandbox_set_from_name(const char *name)
{
	for (const struct sandbox_set *s = sandbox_sets; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

void
sandbox_die(enum sandbox_layer l, const char *what, int err)
{
	char	 text[512];
	int	 n;

	n = snprintf(text, sizeof(text), "sandbox: %s: %s%s%s\n", sandbox_layer_name(l), what,
	    err != 0 ? ": " : "", err != 0 ? strerror(err) : "");
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) == -1)
		_exit(SANDBOX_EXIT);
	_exit(SANDBOX_EXIT);
}

void
folder_of(const char *program, char *buf, size_t n)
{
	const char	*slash = strrchr(program, '/');
	size_t		 len = slash == NULL ? 0 : (size_t)(slash - program);

	if (len >= n)
		len = n - 1;
	memcpy(buf, program, len);
	buf[len] = '\0';
}
