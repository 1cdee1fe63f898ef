/*
 * ids.c -- an unprivileged user and group, and no capability but the one that
 * makes pid namespaces, which a worker sheds.
 *
 * The kernel has given the process every capability of its own user namespace;
 * CAP_SYS_ADMIN of that namespace is kept across exec as an ambient capability.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

#define NOBODY	65534

/* What makes pid namespaces; for a nursery of guests networks as well. */
static uint32_t	 kept = 1u << CAP_SYS_ADMIN;

void
ids_keep_network(void)
{
	kept |= 1u << CAP_NET_ADMIN | 1u << CAP_NET_BIND_SERVICE;
}

static int
caps_set(uint32_t low)
{
	struct __user_cap_header_struct	 head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	 data[2] = { { low, low, low }, { 0, 0, 0 } };

	return (int)syscall(SYS_capset, &head, data);
}

/* Must come before the bounding set is emptied: nothing outside that can become inheritable. */
static int
caps_inherit(uint32_t low)
{
	struct __user_cap_header_struct	 head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	 data[2];

	if (syscall(SYS_capget, &head, data) == -1)
		return -1;
	data[0].inheritable = low;
	data[1].inheritable = 0;
	return (int)syscall(SYS_capset, &head, data);
}

/* Unprivileged already, and nothing to map. */
static bool
nothing_to_drop(unsigned int waived)
{
	return !ON(waived, LAYER_NAMESPACES) && geteuid() != 0;
}

void
ids_become(unsigned int waived)
{
	if (nothing_to_drop(waived))
		return;
	/* EPERM: the launcher has no privilege, so groups could not be given up; they are its own. */
	if (setgroups(0, NULL) == -1 && !(ON(waived, LAYER_NAMESPACES) && errno == EPERM))
		sandbox_die(LAYER_IDS, "give up groups", errno);
	if (ON(waived, LAYER_NAMESPACES) && caps_inherit(kept) == -1)
		sandbox_die(LAYER_IDS, "keep what makes pid namespaces", errno);
	/* No bounding set can be emptied once the ids of a namespace-less root are gone. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 && errno != EPERM)
			sandbox_die(LAYER_IDS, "empty the bounding set", errno);
	if (setresgid(NOBODY, NOBODY, NOBODY) == -1 || setresuid(NOBODY, NOBODY, NOBODY) == -1)
		sandbox_die(LAYER_IDS, "become nobody", errno);
}

void
ids_drop(unsigned int waived)
{
	bool	 ns = ON(waived, LAYER_NAMESPACES);

	if (caps_set(ns ? kept : 0) == -1)
		sandbox_die(LAYER_IDS, "drop capabilities", errno);
	for (int cap = 0; ns && cap < 32; cap++)
		if ((kept & 1u << cap) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == -1)
			sandbox_die(LAYER_IDS, "keep what makes pid namespaces", errno);
}

void
ids_shed(void)
{
	if (caps_set(0) == -1)
		sandbox_die(LAYER_IDS, "drop the last capability", errno);
}
