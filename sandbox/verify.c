/*
 * verify.c -- a look at a worker from outside.  What a worker says of its own
 * walls is not believed; the kernel is asked.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/private.h"

#define STATUS_BYTES	8192		/* /proc/PID/status is about 1.5 KiB */

static int
say(char *why, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
say(char *why, size_t n, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(why, n, fmt, ap);
	va_end(ap);
	return -1;
}

static int
status_read(pid_t pid, char *buf, size_t n)
{
	char	 path[64];
	ssize_t	 k;
	int	 fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	k = read(fd, buf, n - 1);
	close(fd);
	buf[k > 0 ? k : 0] = '\0';
	return k > 0 ? 0 : -1;
}

/* The value behind "\nName:\t"; NULL if the kernel has no such line. */
static const char *
field(const char *status, const char *name)
{
	char		 key[64];
	const char	*p;

	snprintf(key, sizeof(key), "\n%s:", name);
	if ((p = strstr(status, key)) == NULL)
		return NULL;
	p += strlen(key);
	return p + strspn(p, "\t ");
}

/*
 * A launcher may live under filters of its own (a container's); its children carry those too.  Read once: one
 * that loads more later finds its workers refused.
 */
static unsigned long long
own_filters(void)
{
	static unsigned long long	 count;
	static bool			 known;
	char				 status[STATUS_BYTES];
	const char			*v;

	if (known)
		return count;
	if (status_read(getpid(), status, sizeof(status)) == -1 || (v = field(status, "Seccomp_filters")) == NULL)
		return 0;
	known = true;
	return count = strtoull(v, NULL, 10);
}

static int
field_is(const char *status, const char *name, unsigned long long want, int base, char *why, size_t n)
{
	const char	*v = field(status, name);

	if (v == NULL || strtoull(v, NULL, base) != want)
		return say(why, n, "%s is %.*s, not %llu", name, v == NULL ? 7 : (int)strcspn(v, "\n"),
		    v == NULL ? "unknown" : v, want);
	return 0;
}

/* Those of a nursery, which its workers have from it.  Its own processes are in ours: each worker's namespace is seen by its number. */
static const char *const	 ns_names[] = { "user", "mnt", "net", "ipc", "uts", "cgroup", "time" };

#define NS_COUNT	(sizeof(ns_names) / sizeof(ns_names[0]))

/* 0; or 1 plus the number of the one that is not to be seen. */
static size_t
ns_look(const char *who, struct stat st[NS_COUNT])
{
	char	 path[64];
	size_t	 i;
	int	 dir;

	snprintf(path, sizeof(path), "/proc/%s/ns", who);
	if ((dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return 1;
	for (i = 0; i < NS_COUNT && fstatat(dir, ns_names[i], &st[i], 0) == 0; i++)
		;
	close(dir);
	return i < NS_COUNT ? i + 1 : 0;
}

static struct stat	 ours[NS_COUNT];	/* a launcher never changes its own */

/* As ns_look(). */
static size_t
ours_look(void)
{
	size_t	 not = 0;

	if (ours[0].st_ino == 0 && (not = ns_look("self", ours)) > 0)
		ours[0].st_ino = 0;
	return not;
}

void
sandbox_verify_prepare(unsigned int waived)
{
	if (ON(waived, LAYER_NAMESPACES))
		(void)ours_look();
	if (ON(waived, LAYER_SECCOMP))
		(void)own_filters();
}

int
sandbox_verify_namespaces(pid_t nursery, unsigned int waived, char *why, size_t n)
{
	struct stat		 theirs[NS_COUNT];
	char			 who[16];
	size_t			 not;

	if (!ON(waived, LAYER_NAMESPACES))
		return 0;
	if ((not = ours_look()) > 0)
		return say(why, n, "cannot be compared: we do not see our %s namespace", ns_names[not - 1]);
	snprintf(who, sizeof(who), "%d", (int)nursery);
	if ((not = ns_look(who, theirs)) > 0)
		return say(why, n, "does not show its %s namespace", ns_names[not - 1]);
	for (size_t i = 0; i < NS_COUNT; i++)
		if (ours[i].st_ino == theirs[i].st_ino && ours[i].st_dev == theirs[i].st_dev)
			return say(why, n, "shares our %s namespace", ns_names[i]);
	return 0;
}

int
sandbox_verify(pid_t worker, unsigned int waived, char *why, size_t n)
{
	static const char *const	 caps[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };
	char				 status[STATUS_BYTES];
	const char			*nspid;

	if (status_read(worker, status, sizeof(status)) == -1)
		return say(why, n, "cannot read its status");
	if (field_is(status, "NoNewPrivs", 1, 10, why, n) == -1)
		return -1;
	if (ON(waived, LAYER_SECCOMP) && (field_is(status, "Seccomp", 2, 10, why, n) == -1 ||
	    field_is(status, "Seccomp_filters", own_filters() + (unsigned int)sandbox_filters(waived), 10, why, n) == -1))
		return -1;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (field_is(status, caps[i], 0, 16, why, n) == -1)
			return -1;
	if (!ON(waived, LAYER_NAMESPACES))
		return 0;
	if (field_is(status, "CapBnd", 0, 16, why, n) == -1)
		return -1;
	/* "NSpid: 4711 1": first process of a namespace of its own. */
	nspid = field(status, "NSpid");
	if (nspid == NULL || strchr(nspid, '\t') == NULL || strtol(strchr(nspid, '\t'), NULL, 10) != 1)
		return say(why, n, "is not the first process of its pid namespace");
	return 0;
}
