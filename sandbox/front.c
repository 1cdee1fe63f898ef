/*
 * front.c -- the walls around the server's front.
 *
 * It keeps what is open: doors, journal, a socket to its supervisor.  It loses the rest: files, programs, processes,
 * sockets of its own making, capabilities.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox/private.h"

/* Under a sanitizer, whose runtime needs what the filter refuses; no other goes without. */
#ifdef BASCULE_SANITIZER
#define SANITIZED	true
#else
#define SANITIZED	false
#endif

void
sandbox_front_lock(bool filtered)
{
	birth_lock();
	memory_lock();
	ids_shed();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		sandbox_die(LAYER_SECCOMP, "no_new_privs", errno);
	/* A kernel that has none: the filter refuses every open by itself. */
	if (sandbox_landlock_level() != -1)
		landlock_close();
	if (filtered && !SANITIZED)
		filter_enter(FILTER_FRONT);
}
