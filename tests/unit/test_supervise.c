/*
 * test_supervise.c -- a front that was taken over: what the real supervisor does with what it never sends.
 *
 * BASCULE_BROKER tells where the programs are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "launcher/core/broker_wire.h"
#include "launcher/core/desk_wire.h"
#include "launcher/core/files.h"
#include "launcher/core/files_wire.h"
#include "worker/contract/util.h"

#define WAIT_MS	10000

static char	 program[4096], connector[PATH_MAX], folder[] = "/tmp/supervise-XXXXXX", registry[64];
#define NUMBERS_MAX	64u

static int	 desk, files;
static pid_t	 pid;

/* What its operator said. */
static struct desk_open	 o = { .head = { DESK_VERSION, DESK_OPEN, 0 }, .parked_max = 1, .numbers_max = NUMBERS_MAX,
	.memory_max = 64 * MIB, .cpu_max = 1, .bounds = { .connects_max = 100, .nopened = 1, .ndirect = 1,
	.proxy = { .kind = WIRE_PROXY_HTTP, .port = 3128, .host = "proxy.example" },
	.hosts = { { .host = "10.0.0.1" }, { .host = "near.example" } } } };

static void
begin(void)
{
	union desk_packet	 p;
	size_t			 bytes;
	int			 pair[2], other[2], fds[DESK_FDS_MAX];
	struct pollfd		 wait = { .events = POLLIN };

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if ((pid = fork()) == 0) {
		if (pair[1] != DESK_FD)
			dup2(pair[1], DESK_FD);
		else
			fcntl(DESK_FD, F_SETFD, 0);
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		execl(program, "bascule-supervise", NULL);
		_exit(127);
	}
	close(pair[1]);
	wait.fd = desk = pair[0];
	snprintf(o.registry, sizeof(o.registry), "%s", registry);
	assert_int_equal(desk_send(desk, &o, sizeof(o), NULL, 0), 0);
	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	assert_int_equal(desk_receive(desk, &p, &bytes, fds), 0);
	assert_int_equal(p.head.type, DESK_OPENED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, other), 0);
	assert_int_equal(desk_send(desk, &(struct desk_head){ DESK_VERSION, DESK_FILES, 0 }, sizeof(struct desk_head), &other[1], 1), 0);
	close(other[1]);
	files = other[0];
}

/* Its exit status; -1: it lives on, and is ended. */
static int
end(int ms)
{
	int	 status = -1;

	for (int64_t until = now_ms() + ms; now_ms() < until && waitpid(pid, &status, WNOHANG) == 0; )
		(void)poll(NULL, 0, 10);
	close(files);
	close(desk);
	if (status == -1) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);	/* in good order, when the front has ended */
		return -1;
	}
	return WEXITSTATUS(status);
}

struct take {
	uint32_t		 no;
	struct nursery_plan	 plan;
};

static struct take
plan_of(const char *path)
{
	struct take	 t = { .no = 7 };

	snprintf(t.plan.program, sizeof(t.plan.program), "%s", path);
	t.plan.memory_bytes = 64 * MIB;
	t.plan.cpu_s = 1;
	return t;
}

/* What came of a plan: 0, it was begun; else the code of the error. */
static enum err_code
answer(const struct take *t)
{
	static struct desk_take	 packet;
	union desk_packet	 p;
	size_t			 bytes;
	int			 fds[DESK_FDS_MAX];
	struct pollfd		 wait = { .fd = desk, .events = POLLIN };

	assert_int_equal(desk_send(desk, &packet, desk_take_put(&packet, t->no, false, &t->plan), NULL, 0), 0);
	do {
		assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
		assert_int_equal(desk_receive(desk, &p, &bytes, fds), 0);
		for (size_t i = 0; i < DESK_FDS_MAX; i++)
			fd_closep(&fds[i]);
	} while (p.head.type != DESK_LOST && p.head.type != DESK_HANDED);
	return p.head.type == DESK_LOST ? p.lost.why.code : ERR_NONE;
}

static void
only_connectors_are_run(void **state)
{
	static const char *const	 programs[] = { "/bin/sh", "/usr/bin/env", "bin/sh", "", "/proc/self/exe", "/bin/../bin/sh" };
	struct take			 t;

	(void)state;
	begin();
	for (uint32_t i = 0; i < N_ITEMS(programs); i++) {
		t = plan_of(programs[i]);
		t.no = i + 1;
		if (answer(&t) != ERR_SANDBOX)
			fail_msg("\"%s\" is run", programs[i]);
	}
	/* A name in the registry that leads out of it. */
	t = plan_of("");
	t.no = 100;
	snprintf(t.plan.program, sizeof(t.plan.program), "%s/link", registry);
	assert_int_equal(answer(&t), ERR_SANDBOX);
	/* Walls that nobody waived. */
	t = plan_of("/bin/sh");
	t.no = 103;
	t.plan.waived = ~0u;
	assert_int_equal(answer(&t), ERR_SANDBOX);
	/* A connector, with more than it may have. */
	t = plan_of(connector);
	t.no = 104;
	t.plan.memory_bytes = o.memory_max + 1;
	assert_int_equal(answer(&t), ERR_SANDBOX);
	t = plan_of(connector);
	t.no = 105;
	t.plan.cpu_s = (unsigned int)o.cpu_max + 1;
	assert_int_equal(answer(&t), ERR_SANDBOX);
	t = plan_of(connector);
	t.no = 106;
	assert_int_equal(answer(&t), ERR_NONE);
	assert_int_equal(end(0), -1);
}

/* Packets that no front sends: each is the supervisor's end. */
static void
nonsense_ends_it(void **state)
{
	static const struct {
		const char	*what;
		union desk_packet packet;
		size_t		 bytes;
	} rows[] = {
		{ "another version", { .head = { DESK_VERSION + 1, DESK_FREE, 1 } }, sizeof(struct desk_head) },
		{ "no type", { .head = { DESK_VERSION, 99, 1 } }, sizeof(struct desk_head) },
		{ "one of its own", { .head = { DESK_VERSION, DESK_GONE, 1 } }, sizeof(struct desk_gone) },
		{ "opened twice", { .head = { DESK_VERSION, DESK_OPEN, 0 } }, sizeof(struct desk_open) },
		{ "a short plan", { .head = { DESK_VERSION, DESK_TAKE, 1 } }, sizeof(struct desk_head) },
		{ "a plan without texts", { .take = { .head = { DESK_VERSION, DESK_TAKE, 1 } } }, DESK_TAKE_BYTES(0) },
		{ "texts without an end", { .take = { .head = { DESK_VERSION, DESK_TAKE, 1 }, .text = "\0\0\0x" } }, DESK_TAKE_BYTES(4) },
		{ "more words than there are", { .take = { .head = { DESK_VERSION, DESK_TAKE, 1 }, .words = 3 } }, DESK_TAKE_BYTES(6) },
		{ "fewer", { .take = { .head = { DESK_VERSION, DESK_TAKE, 1 }, .words = 1 } }, DESK_TAKE_BYTES(6) },
		{ "more behind than words", { .take = { .head = { DESK_VERSION, DESK_TAKE, 1 }, .words = 2, .behind = 3 } }, DESK_TAKE_BYTES(6) },
		{ "words without an end", { .take = { .head = { DESK_VERSION, DESK_TAKE, 1 }, .words = 2, .text = "\0\0\0\0ab" } },
		    DESK_TAKE_BYTES(6) },
		{ "half a head", { .head = { DESK_VERSION, DESK_FREE, 1 } }, 3 },
		{ "freed what is not", { .head = { DESK_VERSION, DESK_FREE, 1 } }, sizeof(struct desk_head) },
		{ "a signal for nobody", { .signal = { { DESK_VERSION, DESK_SIGNAL, 1 }, SIGTERM, 0 } }, sizeof(struct desk_signal) },
		{ "no such chore", { .run = { { DESK_VERSION, DESK_RUN, 1 }, 77, 0 } }, sizeof(struct desk_run) },
		{ "number 0", { .run = { { DESK_VERSION, DESK_RUN, 0 }, 0, 0 } }, sizeof(struct desk_run) },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		begin();
		assert_int_equal(desk_send(desk, &rows[i].packet, rows[i].bytes, NULL, 0), 0);
		if (end(WAIT_MS) == -1)
			fail_msg("%s: it lives on", rows[i].what);
	}
}

/* As many as it said are held for it; one more is none that a front has. */
static void
numbers_are_bounded(void **state)
{
	struct desk_run	 r = { .head = { DESK_VERSION, DESK_RUN, 0 } };

	(void)state;
	for (unsigned int more = 0; more < 2; more++) {
		begin();
		for (r.head.no = 1; r.head.no <= NUMBERS_MAX + more; r.head.no++)
			while (desk_send(desk, &r, sizeof(r), NULL, 0) == 1)
				(void)poll(NULL, 0, 10);
		if (more == 0)
			assert_int_equal(end(300), -1);
		else
			assert_int_not_equal(end(WAIT_MS), -1);
	}
}

/* A socket that the supervisor's broker is at the other end of. */
static int
broker_get(void)
{
	struct wire_head	 ready = { 0 };
	struct pollfd		 wait = { .events = POLLIN };
	int			 pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(desk_send(desk, &(struct desk_head){ DESK_VERSION, DESK_BROKER, 0 }, sizeof(struct desk_head), &pair[1], 1), 0);
	close(pair[1]);
	wait.fd = pair[0];
	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	assert_int_equal(recv(pair[0], &ready, sizeof(ready), 0), sizeof(ready));
	assert_int_equal(ready.type, WIRE_READY);
	return pair[0];
}

/* To a broker, of a worker that the front has not. */
static void
no_leg_without_a_worker(void **state)
{
	struct wire_open	 w = { .head = { WIRE_VERSION, WIRE_OPEN, 1 }, .worker = 5, .proxy = o.bounds.proxy };
	int			 fd;

	(void)state;
	begin();
	fd = broker_get();
	/* An end of the front's own making goes along, and is not taken. */
	assert_int_equal(desk_send(fd, &w, WIRE_OPEN_BYTES(0), &fd, 1), 0);
	assert_int_not_equal(end(WAIT_MS), -1);
	close(fd);
}

#define PROXY	.proxy = { .kind = WIRE_PROXY_HTTP, .port = 3128, .host = "proxy.example" }

/* Of a worker that it has, with a policy beyond what the operator said. */
static void
no_policy_of_its_own(void **state)
{
	static const struct {
		const char	*what;
		bool		 good;
		struct wire_open w;
		int		 more;		/* hosts in the packet, beside those it says */
	} rows[] = {
		{ "nothing", true, { PROXY } },
		{ "credentials of its own", true, { .proxy = { .kind = WIRE_PROXY_HTTP, .port = 3128, .host = "proxy.example",
		    .user = "joe", .password = "x" } } },
		{ "a host, and all that is allowed", true, { PROXY, .nrules = 1, .nopened = 1, .ndirect = 1, .connects_max = 100,
		    .hosts = { { "source.example", 443 }, { "10.0.0.1", 0 }, { "near.example", 0 } } } },
		{ "an address that is not opened", false, { PROXY, .nopened = 1, .hosts = { { "10.0.0.2", 0 } } } },
		{ "one more", false, { PROXY, .nopened = 2, .hosts = { { "10.0.0.1", 0 }, { "169.254.169.254", 0 } } } },
		{ "all of a domain", false, { PROXY, .nopened = 1, .hosts = { { "*.example", 0 } } } },
		{ "a host past the proxy", false, { PROXY, .ndirect = 1, .hosts = { { "far.example", 0 } } } },
		{ "what is past the proxy opened", false, { PROXY, .nopened = 1, .hosts = { { "near.example", 0 } } } },
		{ "no proxy", false, { .connects_max = 1 } },
		{ "another proxy", false, { .proxy = { .kind = WIRE_PROXY_HTTP, .port = 3128, .host = "10.0.0.1" } } },
		{ "another port of it", false, { .proxy = { .kind = WIRE_PROXY_HTTP, .port = 22, .host = "proxy.example" } } },
		{ "names that it resolves", false, { .proxy = { .kind = WIRE_PROXY_HTTP, .names = 1, .port = 3128, .host = "proxy.example" } } },
		{ "too many connections", false, { PROXY, .connects_max = 101 } },
		{ "hosts that nobody counts", false, { PROXY }, 1 },
		{ "fewer than it says", false, { PROXY, .nrules = 2, .hosts = { { "source.example", 443 } } }, -1 },
		{ "more than there can be", false, { PROXY, .nrules = UINT16_MAX }, -UINT16_MAX },
	};

	(void)state;
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		static struct wire_open	 w;
		struct take		 t = plan_of(connector);
		int			 fd, n = rows[i].w.nrules + rows[i].w.nopened + rows[i].w.ndirect + rows[i].more;

		begin();
		fd = broker_get();
		assert_int_equal(answer(&t), ERR_NONE);
		w = rows[i].w;
		w.head = (struct wire_head){ WIRE_VERSION, WIRE_OPEN, 1 };
		w.worker = t.no;
		assert_int_equal(desk_send(fd, &w, WIRE_OPEN_BYTES((size_t)n), NULL, 0), 0);
		if ((end(rows[i].good ? 300 : WAIT_MS) == -1) != rows[i].good)
			fail_msg("%s: it %s", rows[i].what, rows[i].good ? "ends" : "lives on");
		close(fd);
	}
}

/* An errno; *fd: what was opened. */
static int
ask(enum files_op op, const char *path, int flags, const char *to, int *fd)
{
	static struct files_ask	 a;
	union desk_packet	 unused;
	struct files_told	 t;
	struct pollfd		 wait = { .fd = files, .events = POLLIN };
	union {
		char		 buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} cmsg = { { 0 } };
	struct iovec		 iov = { &t, sizeof(t) };
	struct msghdr		 msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = cmsg.buf, .msg_controllen = sizeof(cmsg.buf) };

	(void)unused;
	a = (struct files_ask){ .version = FILES_VERSION, .op = (uint16_t)op, .flags = flags, .mode = 0600 };
	snprintf(a.path, sizeof(a.path), "%s", path);
	snprintf(a.to, sizeof(a.to), "%s", to == NULL ? "" : to);
	assert_int_equal(send(files, &a, FILES_ASK_BYTES(op), MSG_NOSIGNAL), FILES_ASK_BYTES(op));
	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	assert_int_equal(recvmsg(files, &msg, MSG_CMSG_CLOEXEC), sizeof(t));
	*fd = -1;
	if (CMSG_FIRSTHDR(&msg) != NULL)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	assert_int_equal(*fd != -1, (op == FILES_OPEN || op == FILES_BELL) && t.error == 0);
	return t.error;
}

static void
only_its_own_files(void **state)
{
	const int	 make = O_WRONLY | O_CREAT | O_EXCL;
	const struct {
		enum files_op	 op;
		const char	*path;
		int		 flags;
		const char	*to;
		int		 want;
	} rows[] = {
		{ FILES_OPEN, "%s/named", O_RDONLY, NULL, 0 },
		{ FILES_OPEN, "%s/named", O_RDWR, NULL, EACCES },
		{ FILES_OPEN, "%s/named", O_WRONLY | O_TRUNC, NULL, EACCES },
		{ FILES_OPEN, "%s/other", O_RDONLY, NULL, EACCES },
		{ FILES_LOOK, "%s/other", 0, NULL, EACCES },
		{ FILES_MAY, "%s/other", R_OK, NULL, EACCES },
		{ FILES_UNLINK, "%s/other", 0, NULL, EACCES },
		{ FILES_UNLINK, "%s/named", 0, NULL, EACCES },
		{ FILES_OPEN, "/etc/passwd", O_RDONLY, NULL, EACCES },
		{ FILES_OPEN, "/proc/self/mem", O_RDONLY, NULL, EACCES },
		{ FILES_OPEN, "/bin/sh", O_RDONLY, NULL, EACCES },
		{ FILES_MAY, "/bin/sh", X_OK, NULL, 0 },
		{ FILES_OPEN, "%s/r/file", O_RDONLY, NULL, 0 },
		{ FILES_OPEN, "%s/r/new", make, NULL, 0 },
		{ FILES_OPEN, "%s/r/link", O_RDONLY, NULL, EACCES },
		{ FILES_OPEN, "%s/r/../other", O_RDONLY, NULL, EACCES },
		{ FILES_OPEN, "%s/r/../made", make, NULL, EACCES },
		{ FILES_OPEN, "%s/r/out/made", make, NULL, EACCES },
		{ FILES_OPEN, "%s/r/file", O_WRONLY | O_APPEND, NULL, EINVAL },
		{ FILES_RENAME, "%s/r/new", 0, "%s/made", EACCES },
		{ FILES_RENAME, "%s/other", 0, "%s/r/got", EACCES },
		{ FILES_RENAME, "%s/r/new", 0, "%s/r/out/made", EACCES },
		{ FILES_RENAME, "%s/r/new", 0, "%s/r/newer", 0 },
		{ FILES_MKDIR, "%s/r/folder", 0, NULL, 0 },
		{ FILES_MKDIR, "%s/folder", 0, NULL, EACCES },
		{ FILES_TREE, "%s", 0, NULL, EACCES },
		{ FILES_TREE, "%s/r/..", 0, NULL, EACCES },
		{ FILES_TREE, "%s/r/folder", 0, NULL, 0 },
		{ FILES_UNLINK, "%s/r/link", 0, NULL, 0 },
		{ FILES_UNLINK, "%s/socket", 0, NULL, 0 },
		{ FILES_ALLOW, "%s/other", FILES_READ, NULL, EACCES },
		{ FILES_OPEN, "%s/other", O_RDONLY, NULL, EACCES },
	};
	char	 path[256], to[256];
	int	 fd;

	(void)state;
	begin();
	snprintf(path, sizeof(path), "%s/named", folder);
	assert_int_equal(ask(FILES_ALLOW, path, FILES_READ, NULL, &fd), 0);
	snprintf(path, sizeof(path), "%s/socket", folder);
	assert_int_equal(ask(FILES_ALLOW, path, FILES_REMOVE, NULL, &fd), 0);
	assert_int_equal(ask(FILES_SEAL, "", 0, NULL, &fd), 0);
	for (size_t i = 0; i < N_ITEMS(rows); i++) {
		int	 got;

		snprintf(path, sizeof(path), rows[i].path, folder);
		snprintf(to, sizeof(to), rows[i].to == NULL ? "%s" : rows[i].to, folder);
		got = ask(rows[i].op, path, rows[i].flags, to, &fd);
		if (got != rows[i].want)
			fail_msg("row %zu: %d %s: %s, not %s", i, (int)rows[i].op, path, strerror(got), strerror(rows[i].want));
		fd_closep(&fd);
	}
	assert_int_equal(end(0), -1);
}

static void
file_make(const char *name)
{
	char	 path[256];
	int	 fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	close(fd);
}

/* Nobody learns from the bell what happens elsewhere; nor by what leads there. */
static void
only_connectors_are_watched(void **state)
{
	static const char *const	 elsewhere[] = { "%s/other", "%s", "%s/r/../other", "%s/r/out/other", "%s/r/out", "%s//r/file" };
	struct pollfd			 bell = { .events = POLLIN };
	char				 path[256];
	int				 fd;

	(void)state;
	begin();
	assert_int_equal(ask(FILES_SEAL, "", 0, NULL, &fd), 0);
	assert_int_equal(ask(FILES_BELL, "", 0, NULL, &bell.fd), 0);
	for (size_t i = 0; i < N_ITEMS(elsewhere); i++) {
		snprintf(path, sizeof(path), elsewhere[i], folder);
		(void)ask(FILES_FOLDER, path, 1, NULL, &fd);
		fd_closep(&fd);
	}
	file_make("another");
	file_make("other");
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(poll(&bell, 1, 0), 0);
	snprintf(path, sizeof(path), "%s/comes/later", registry);
	assert_int_equal(ask(FILES_FOLDER, path, 1, NULL, &fd), ENOENT);
	assert_int_equal(poll(&bell, 1, 0), 0);
	file_make("r/comes");
	assert_int_equal(poll(&bell, 1, 0), 1);
	close(bell.fd);
	assert_int_equal(end(0), -1);
}

static int
set_up(void **state)
{
	char	 path[256];

	(void)state;
	if (mkdtemp(folder) == NULL || snprintf(registry, sizeof(registry), "%s/r", folder) < 0 || mkdir(registry, 0700) == -1)
		return -1;
	file_make("named");
	file_make("other");
	file_make("socket");
	file_make("r/file");
	snprintf(path, sizeof(path), "%s/link", registry);
	if (symlink("/bin/sh", path) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/out", registry);
	return symlink(folder, path);
}

static int
tear_down(void **state)
{
	(void)state;
	files_remove_tree(folder);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(only_connectors_are_run),
		cmocka_unit_test(nonsense_ends_it),
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(only_connectors_are_watched),
		cmocka_unit_test(no_leg_without_a_worker),
		cmocka_unit_test(no_policy_of_its_own),
		cmocka_unit_test(only_its_own_files),
	};
	const char		*broker = getenv("BASCULE_BROKER");
	char			 built[PATH_MAX];

	if (broker == NULL) {
		printf("skipped: BASCULE_BROKER is not set\n");
		return 0;
	}
	snprintf(program, sizeof(program), "%.*s/bascule-supervise", (int)(strrchr(broker, '/') - broker), broker);
	snprintf(built, sizeof(built), "%.*s/../connectors/scim/scim", (int)(strrchr(broker, '/') - broker), broker);
	if (realpath(built, connector) == NULL) {
		printf("skipped: %s is not built\n", built);
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
