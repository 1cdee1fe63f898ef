/*
 * broker.c -- the walls around the egress broker.
 *
 * It keeps the network and loses the rest: files but the resolver's, TCP ports to listen on, programs, processes,
 * executable memory.  The resolver's modules that libc would load at run time (mdns, sss, ...) cannot be
 * loaded any more and count as absent: names come from the hosts file and from name servers.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox/private.h"

/* A broker under a sanitizer, whose runtime needs what the filter refuses; no other goes without. */
#ifdef BASCULE_SANITIZER
#define SANITIZED	(1u << LAYER_SECCOMP)
#else
#define SANITIZED	0u
#endif

/* Files that were closed to us before there were walls: bits by their place in the list. */
static unsigned int	 closed;

static bool
is_closed(const char *path)
{
	int	 fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd != -1)
		close(fd);
	return fd == -1 && errno == EACCES;
}

bool
sandbox_broker_outdated(void)
{
	for (size_t i = 0; sandbox_resolver_files[i] != NULL; i++)
		if ((closed & 1u << i) == 0 && is_closed(sandbox_resolver_files[i]))
			return true;
	return false;
}

void
sandbox_broker_lock(void)
{
	for (size_t i = 0; sandbox_resolver_files[i] != NULL; i++)
		closed |= is_closed(sandbox_resolver_files[i]) ? 1u << i : 0;
	birth_lock();
	memory_lock();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		sandbox_die(LAYER_SECCOMP, "no_new_privs", errno);
	/*
	 * A kernel that has none: only workers whose operator waived it are born there (landlock_load() refuses the
	 * others), so nobody is served who was promised it.
	 */
	if (sandbox_landlock_level() != -1)
		landlock_resolver();
	if (ON(SANITIZED, LAYER_SECCOMP))
		filter_enter(FILTER_BROKER);
}
