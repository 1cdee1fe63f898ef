/*
 * doctor_advice.c -- why a layer cannot be had on this host, and what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/cli/doctor.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define VALUE_BYTES	8192	/* /proc/self/status is the largest */

/* What an administrator may have set; a value of `bad` forbids. */
static const struct {
	const char	*file, *name, *allow;
	long		 bad;
	bool		 root_too;	/* it binds root as well */
} knobs[] = {
	{ "/proc/sys/kernel/unprivileged_userns_clone", "kernel.unprivileged_userns_clone",
	    "sysctl -w kernel.unprivileged_userns_clone=1", 0, false },
	{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "kernel.apparmor_restrict_unprivileged_userns",
	    "printf 'abi <abi/4.0>,\\nprofile bascule /usr/bin/bascule flags=(unconfined) { userns, }\\n' "
	    ">/etc/apparmor.d/bascule && apparmor_parser -r /etc/apparmor.d/bascule", 1, false },
	{ "/proc/sys/user/max_user_namespaces", "user.max_user_namespaces", "sysctl -w user.max_user_namespaces=16384", 0, true },
	{ "/proc/sys/user/max_mnt_namespaces", "user.max_mnt_namespaces", "sysctl -w user.max_mnt_namespaces=16384", 0, true },
	{ "/proc/sys/user/max_pid_namespaces", "user.max_pid_namespaces", "sysctl -w user.max_pid_namespaces=16384", 0, true },
	{ "/proc/sys/user/max_net_namespaces", "user.max_net_namespaces", "sysctl -w user.max_net_namespaces=16384", 0, true },
	{ "/proc/sys/user/max_ipc_namespaces", "user.max_ipc_namespaces", "sysctl -w user.max_ipc_namespaces=16384", 0, true },
	{ "/proc/sys/user/max_uts_namespaces", "user.max_uts_namespaces", "sysctl -w user.max_uts_namespaces=16384", 0, true },
	{ "/proc/sys/user/max_cgroup_namespaces", "user.max_cgroup_namespaces",
	    "sysctl -w user.max_cgroup_namespaces=16384", 0, true },
	{ "/proc/sys/user/max_time_namespaces", "user.max_time_namespaces", "sysctl -w user.max_time_namespaces=16384", 0, true },
};

/* What the others still stop, and what is lost. */
static const struct {
	const char	*remains, *lost;
} without[LAYER__MAX] = {
	[LAYER_NAMESPACES] = {
		"files: Landlock, and no open() in the filter; network: no socket() and no connect(); other processes: "
		    "no kill(), ptrace(), fork() or exec(); memory and time: limits; egress: the broker, as before",
		"the second wall behind the filter and Landlock; a user of its own for each nursery; a kill that "
		    "reaches all by itself; for programs of their own a /tmp and the look at TLS server names",
	},
	[LAYER_LANDLOCK] = {
		"files: the mount namespace holds libraries only, read-only, and the filter has no open(); network: "
		    "an empty network namespace, no socket(); signals: no kill(), another pid namespace",
		"the wall that stays up should the filter and the namespaces both have a hole",
	},
	[LAYER_CGROUP] = {
		"memory, time and processes: limits of each process; a worker's end: its pid namespace",
		"memory that the limits do not count, such as buffers in the kernel; a limit on swap",
	},
};

static bool
value_read(const char *file, char *value, size_t n)
{
	ssize_t	 k;
	int	 fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	k = read(fd, value, n - 1);
	(void)close(fd);
	value[k > 0 ? k : 0] = '\0';
	value[strcspn(value, k > 200 ? "" : "\n")] = '\0';
	return k > 0;
}

static void __attribute__((format(printf, 2, 3)))
say(cJSON *list, const char *fmt, ...)
{
	char	 text[600];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_push(list, cJSON_CreateString(text));
}

/* A container's filter shows in our own status. */
static bool
filtered(void)
{
	char		 status[VALUE_BYTES];
	const char	*p;

	return value_read("/proc/self/status", status, sizeof(status)) &&
	    (p = strstr(status, "\nSeccomp:\t")) != NULL && p[10] == '2';
}

static void
filter_advise(cJSON *why, cJSON *allow, const char *calls)
{
	say(why, "this process is under a system call filter of somebody else, a container's most likely");
	say(allow, "Kubernetes: securityContext: { seccompProfile: { type: Localhost, localhostProfile: bascule.json } } "
	    "(a profile that adds %s), or { type: Unconfined }", calls);
	say(allow, "Docker, Podman: --security-opt seccomp=unconfined, or a profile that adds %s", calls);
}

/* The profile that AppArmor holds this process to; false where it holds us to none. */
static bool
held(char *name, size_t n)
{
	char	 value[VALUE_BYTES], *mode;

	if (!value_read("/proc/self/attr/apparmor/current", value, sizeof(value)) || (mode = strrchr(value, ' ')) == NULL ||
	    strcmp(mode, " (complain)") == 0 || strcmp(mode, " (unconfined)") == 0)
		return false;
	*mode = '\0';
	(void)snprintf(name, n, "%.200s", value);
	return true;
}

static void
profile_advise(cJSON *why, cJSON *allow, const char *name)
{
	say(why, "this process is held to the AppArmor profile \"%s\"", name);
	say(allow, "AppArmor: give that profile flags=(attach_disconnected) and the rules \"userns,\" \"mount,\" \"umount,\" and "
	    "\"pivot_root,\" and load it again: apparmor_parser -r /etc/apparmor.d/...");
	say(allow, "Kubernetes: securityContext: { appArmorProfile: { type: Unconfined } }; Docker, Podman: "
	    "--security-opt apparmor=unconfined");
}

static void
namespaces_advise(cJSON *why, cJSON *allow)
{
	char	 value[VALUE_BYTES], profile[256];
	bool	 known = false;

	for (size_t i = 0; i < N_ITEMS(knobs); i++) {
		if ((geteuid() == 0 && !knobs[i].root_too) || !value_read(knobs[i].file, value, sizeof(value)) ||
		    strtol(value, NULL, 10) != knobs[i].bad)
			continue;
		known = true;
		say(why, "%s is %.20s", knobs[i].name, value);
		say(allow, "%s", knobs[i].allow);
	}
	if (filtered()) {
		known = true;
		filter_advise(why, allow, "clone, clone3, unshare, mount, umount2, pivot_root, open_tree, move_mount, mount_setattr");
		say(allow, "Kubernetes, besides: spec: { hostUsers: false } gives the pod a user namespace, in which "
		    "capabilities: { add: [SYS_ADMIN] } is no privilege of the node");
	}
	if (held(profile, sizeof(profile))) {
		known = true;
		profile_advise(why, allow, profile);
	}
	if (!known && syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) == -1 && errno == ENOSYS) {
		known = true;
		say(why, "this kernel has no mount_setattr(2), which came with Linux 5.12");
		say(allow, "run a kernel of 5.13 or later (6.12 for every right of Landlock)");
	}
	if (!known)
		say(why, "no setting that is known here forbids it: the kernel lacks it, or a security module refuses");
	say(allow, "or run with --sandbox container, and know what is lost");
}

static void
landlock_advise(cJSON *why, cJSON *allow)
{
	char	 value[VALUE_BYTES];

	/* One that has it and was booted without says so; an older one knows no such call. */
	if (sandbox_landlock_level() == -1 && errno == EOPNOTSUPP &&
	    value_read("/sys/kernel/security/lsm", value, sizeof(value))) {
		say(why, "the kernel's list of security modules is %.200s", value);
		say(allow, "boot with lsm=landlock,%.200s on the kernel's command line", value);
	} else if (filtered())
		filter_advise(why, allow, "landlock_create_ruleset, landlock_add_rule, landlock_restrict_self");
	else {
		say(why, "this kernel has none: it needs 5.13 or later, with CONFIG_SECURITY_LANDLOCK");
		say(allow, "run a kernel of 5.13 or later (6.12 for every right)");
	}
	say(allow, "or run with --without landlock, and know what is lost");
}

static void
cgroup_advise(cJSON *allow)
{
	say(allow, "systemd unit: Delegate=yes");
	say(allow, "shell: systemd-run --user --scope -p Delegate=yes bascule ... (as root: without --user)");
	say(allow, "container: a cgroup mount that is private and writable; a restricted pod has none, its own limits stand");
}

cJSON *
doctor_advice(enum sandbox_layer l, const char *found)
{
	cJSON	*o = cJSON_CreateObject(), *why = cJSON_CreateArray(), *allow = cJSON_CreateArray();

	say(why, "%s", found[0] != '\0' ? found : "waived, as asked; this host could");
	if (found[0] == '\0')
		;
	else if (l == LAYER_NAMESPACES)
		namespaces_advise(why, allow);
	else if (l == LAYER_LANDLOCK)
		landlock_advise(why, allow);
	else if (l == LAYER_CGROUP)
		cgroup_advise(allow);
	else if (l == LAYER_IDS) {
		say(why, "root of this user namespace may not become another user: no other is mapped in it");
		say(allow, "map uid and gid 65534 too, or run as an unprivileged user");
	} else if (filtered())
		filter_advise(why, allow, "what the text above names");
	else
		say(allow, "another host: nothing runs without this layer");
	(void)json_set_str(o, "layer", sandbox_layer_name(l));
	(void)json_set(o, "why", why);
	(void)json_set(o, "allow", allow);
	(void)json_set_str(o, "remains", without[l].remains);
	(void)json_set_str(o, "lost", without[l].lost);
	return o;
}
