/*
 * landlock.c -- the file wall: first libraries and the connector's folder only,
 * then nothing at all.
 *
 * Everything that the running kernel's ABI can deny is denied.  Debian 12's
 * headers stop at ABI 2, hence the figures here; they are kernel ABI.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"

#define RULESET_VERSION	(1u << 0)
#define RULE_PATH	1

#define FS_EXECUTE	(1ull << 0)
#define FS_READ_FILE	(1ull << 2)
#define FS_READ_DIR	(1ull << 3)
#define FS_WRITE_FILE	(1ull << 1)
#define FS_TRUNCATE	(1ull << 14)
/* Write, remove, make folders, files and links; truncate where the kernel knows it. */
#define FS_WRITE_TMP	((1ull << 1) | (1ull << 4) | (1ull << 5) | (1ull << 7) | (1ull << 8) | (1ull << 12))
#define NET_BIND	(1ull << 0)
#define NET_ALL		(~0ull)

/* What each ABI added, in order; a ruleset asks for exactly what the kernel knows. */
static const struct {
	uint64_t	fs, net, scoped;
} abis[] = {
	[1] = { 0x1fff, 0, 0 },		/* 13 rights on files */
	[2] = { 1ull << 13, 0, 0 },	/* refer */
	[3] = { 1ull << 14, 0, 0 },	/* truncate */
	[4] = { 0, 0x3, 0 },		/* TCP bind, connect */
	[5] = { 1ull << 15, 0, 0 },	/* ioctl on devices */
	[6] = { 0, 0, 0x3 },		/* abstract unix sockets, signals */
	[7] = { 0, 0, 0 },		/* what is logged */
};
#define ABI_KNOWN	7
#define ABI_LEAST	1

struct ruleset {
	uint64_t	fs, net, scoped;
};

struct path_rule {
	uint64_t	allowed;
	int32_t		parent_fd;
} __attribute__((packed));

int
sandbox_landlock_level(void)
{
	long	 abi = syscall(SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);

	return abi == -1 ? -1 : abi > ABI_KNOWN ? ABI_KNOWN : (int)abi;
}

static int
ruleset_new(uint64_t net)
{
	struct ruleset	 r = { 0, 0, 0 };
	size_t		 size;
	int		 abi;
	int		 fd;

	if ((abi = sandbox_landlock_level()) < ABI_LEAST)
		sandbox_die(LAYER_LANDLOCK, "this kernel has none (needs 5.13 and \"landlock\" in lsm=)",
		    abi == -1 ? errno : 0);
	for (int a = ABI_LEAST; a <= abi; a++) {
		r.fs |= abis[a].fs;
		r.net |= abis[a].net & net;
		r.scoped |= abis[a].scoped;
	}
	size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	if ((fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0)) == -1)
		sandbox_die(LAYER_LANDLOCK, "make a ruleset", errno);
	return fd;
}

static void
ruleset_enter(int fd)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		sandbox_die(LAYER_LANDLOCK, "no_new_privs", errno);
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		sandbox_die(LAYER_LANDLOCK, "restrict", errno);
	close(fd);
}

static void
allow(int ruleset, const char *path, uint64_t rights)
{
	struct path_rule	 rule = { .allowed = rights };
	struct stat		 st;

	if ((rule.parent_fd = open(path, O_PATH | O_CLOEXEC)) == -1) {
		if (errno == ENOENT)
			return;
		sandbox_die(LAYER_LANDLOCK, path, errno);
	}
	if (fstat(rule.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed |= FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) == -1)
		sandbox_die(LAYER_LANDLOCK, path, errno);
	close(rule.parent_fd);
}

void
landlock_load(const char *program, const char *beside)
{
	char	 folder[4096];
	int	 fd = ruleset_new(NET_ALL);

	for (size_t i = 0; sandbox_readable[i] != NULL; i++)
		allow(fd, sandbox_readable[i], FS_READ_FILE | FS_EXECUTE);
	folder_of(program, folder, sizeof(folder));
	allow(fd, folder, FS_READ_FILE | FS_EXECUTE);
	if (beside != NULL)
		allow(fd, beside, FS_READ_FILE);
	ruleset_enter(fd);
}

/* The loader is a program too, and the kernel's to start; a name of it that is a link leads to the file. */
static const char *const	 loaders[] = { "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", NULL };

static void
allow_all(int ruleset, const char *const *paths, uint64_t rights)
{
	for (; *paths != NULL; paths++)
		allow(ruleset, *paths, rights);
}

/*
 * That loader, asked by name, would load any file that can be read here, as would a program that maps it: there is
 * no other program than these in its root but what lies in the folders of libraries, and none gains by it.
 */
static void
allow_place(int ruleset, const char *path, uint64_t rights)
{
	if (path != NULL)
		allow(ruleset, path, rights);
}

/* What programs ask of themselves; without a /proc of their own they see no more of it. */
static const char *const	 own_state[] = { "/proc/self/stat", "/proc/self/statm", "/proc/self/status", NULL };

void
landlock_guest(const struct sandbox_guest *g, bool keeper)
{
	int	 fd = ruleset_new(g->bare ? NET_ALL : NET_BIND);	/* its keeper's sockets are connected already */

	allow_all(fd, sandbox_readable, FS_READ_FILE);
	allow_all(fd, sandbox_guest_readable, FS_READ_FILE);
	allow_all(fd, loaders, FS_READ_FILE | FS_EXECUTE);
	allow_all(fd, g->programs, FS_READ_FILE | FS_EXECUTE);
	allow_all(fd, sandbox_guest_devices, FS_READ_FILE | FS_WRITE_FILE);
	allow_place(fd, g->folder, FS_READ_FILE | (g->own_program ? FS_EXECUTE : 0));
	allow_place(fd, g->home, FS_READ_FILE);
	allow_place(fd, g->linked, FS_READ_FILE);
	allow_place(fd, g->code, FS_READ_FILE);
	if (g->bare)
		allow_all(fd, own_state, FS_READ_FILE);
	for (const struct made_file *f = sandbox_guest_files; !g->bare && f->path != NULL; f++)
		allow(fd, f->path, FS_READ_FILE);
	if (!g->bare || keeper)
		allow(fd, "/proc", FS_READ_FILE);
	if (!g->bare)
		allow(fd, "/tmp", FS_READ_FILE | FS_WRITE_TMP | (sandbox_landlock_level() >= 3 ? FS_TRUNCATE : 0));
	ruleset_enter(fd);
}

void
landlock_close(void)
{
	ruleset_enter(ruleset_new(NET_ALL));
}

/*
 * A file that another takes the place of by rename is another file.  Its folder may be read as well, unless
 * it is /etc, where more than the resolver's files are: resolv.conf is often a link to a folder of its own.
 */
static void
allow_resolver_file(int ruleset, const char *path)
{
	char	 real[PATH_MAX], *slash;

	allow(ruleset, path, FS_READ_FILE);
	if (realpath(path, real) == NULL || (slash = strrchr(real, '/')) == real)
		return;
	*slash = '\0';
	if (strcmp(real, "/etc") != 0)
		allow(ruleset, real, FS_READ_FILE);
}

void
landlock_resolver(void)
{
	int	 fd = ruleset_new(NET_BIND);

	for (size_t i = 0; sandbox_resolver_files[i] != NULL; i++)
		allow_resolver_file(fd, sandbox_resolver_files[i]);
	ruleset_enter(fd);
}
