/*
 * guest.h -- a worker that becomes a program of somebody else's by exec.
 *
 * Such a connector is a nursery of nothing but this: each worker puts up its walls (sandbox.h), says that it is locked,
 * places its descriptors (enum guest_fd) and becomes the program, which reads the request, writes results and a
 * verdict as any worker does (PROTOCOL), and finds its log on 1 and 2.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>

#define GUEST_ARGS_MAX	24
/* What a program finds; NULL-terminated.  Nothing of a tenant's is in it. */
extern const char *const guest_environment[];	/* defined by the connector */

struct guest_start {
	const char	*program;	/* what this host has of sandbox_guest_program(), or the first of words */
	const char *const *words;	/* the program and its arguments where the connector says which, NULL-terminated */
	const char	*home;		/* the connector's own folder */
	const char	*folder;	/* the guest's files */
	const char	*linked;	/* files of another, that acts on it; NULL: none */
	const char	*code;		/* a folder that the launcher keeps for it, which may be empty or not there; NULL: none */
	const char	*name;		/* what that folder is called outside */
	unsigned long	 memory_mib;	/* limit of the worker */
	bool		 parked;	/* it waits for its request */
};

/* Defined by the connector: the program's arguments, NULL-terminated, argv[0] first; room for GUEST_ARGS_MAX.  They live on. */
void	guest_arguments(const struct guest_start *, const char **argv);

#endif
