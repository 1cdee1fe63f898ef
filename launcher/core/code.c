/*
 * code.c -- what V8 makes of bundles, kept on disk from one start to the next.
 *
 * A folder for each bundle and Node, named by a digest of what it is made of, holds one file for each memory limit (V8
 * takes no code that was made under another), which a worker that is not parked reads instead of compiling.  It is made once, after the first invocation that ended well, by an
 * invocation of the house: a worker as confined as any, whose host compiles the bundle and runs nothing of it, so that
 * no bundle has a say in it.  Workers see the folder of their own bundle, read-only.
 *
 * Where it cannot be kept it is done without; nothing depends on it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "launcher/core/code.h"
#include "launcher/core/core.h"
#include "launcher/core/digest.h"
#include "launcher/core/files.h"
#include "sandbox/sandbox.h"

#define FORMAT		"bascule code 2"	/* with host.js: flags.js says under which flags */
#define COMMAND		"bascule:compile"
#define CODE_BYTES_MAX	(32 * MIB)
#define BUNDLE_BYTES_MAX (16 * MIB)	/* read in the loop, once */
#define BUNDLES_KEPT_MAX 256u			/* on disk */
#define LIMITS_KEPT_MAX	4u			/* of one bundle */
#define NAME_BYTES	24			/* of a file: the limit in MiB, as connectors/node names it */
#define KNOWN_MAX	64u			/* digests that are not computed again */
#define MAKE_MS		SECONDS(10)
static_assert(CODE_KEY_DIGITS == 2 * DIGEST_BYTES, "a key is a digest");

struct known {
	dev_t		 dev;
	ino_t		 ino;
	off_t		 size;
	struct timespec	 changed;
	char		 key[CODE_KEY_DIGITS + 1];
	uint64_t	 tried[LIMITS_KEPT_MAX];	/* MiB; 0: none more */
};

struct making {
	LIST_ENTRY(making)	 next;
	struct nursery_plan	 plan;
	char			 folder[PATH_MAX];
	struct event		 begin;		/* not within another's turn */
	struct invocation	*iv;
	struct buf		 code;
};

static void
name_make(const struct nursery_plan *plan, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "%llu", (unsigned long long)(plan->memory_bytes / MIB));
}

static LIST_HEAD(, making)	 makings = LIST_HEAD_INITIALIZER(makings);
static struct known		 known[KNOWN_MAX];
static size_t			 nknown;

static bool
digest_make(int fd, const struct stat *st, const struct stat *node, char key[CODE_KEY_DIGITS + 1])
{
	char		 head[256];
	uint8_t		 sum[DIGEST_BYTES];
	struct digest	*d = digest_new();
	char		*block = malloc(64 * KIB);
	ssize_t		 n = -1;
	int		 len = snprintf(head, sizeof(head), FORMAT " %llx %llx %llx %lld.%ld", (unsigned long long)node->st_dev,
			    (unsigned long long)node->st_ino, (unsigned long long)node->st_size,
			    (long long)node->st_mtim.tv_sec, node->st_mtim.tv_nsec);
	off_t		 total = 0;
	bool		 ok = d != NULL && block != NULL;

	if (ok)
		digest_add(d, head, (size_t)len + 1);
	while (ok && (n = read(fd, block, 64 * KIB)) > 0) {
		digest_add(d, block, (size_t)n);
		total += n;
	}
	ok = ok && n == 0 && total == st->st_size;
	if (ok) {
		digest_get(d, sum);
		digest_print(sum, key);
	}
	digest_free(d);
	free(block);
	return ok;
}

/* A file's digest is computed once for as long as it is the same file. */
static struct known *
known_find(const char *main, const char *node)
{
	struct stat	 st, st_node;
	struct known	*k;
	autofd		 fd = files_open(main, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size > (off_t)BUNDLE_BYTES_MAX ||
	    files_stat(node, &st_node, NULL) == -1)
		return NULL;
	for (size_t i = 0; i < nknown && i < KNOWN_MAX; i++) {
		k = &known[i];
		if (k->dev == st.st_dev && k->ino == st.st_ino && k->size == st.st_size &&
		    memcmp(&k->changed, &st.st_ctim, sizeof(k->changed)) == 0)
			return k;
	}
	k = &known[nknown++ % KNOWN_MAX];
	*k = (struct known){ .dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_ctim };
	return digest_make(fd, &st, &st_node, k->key) ? k : NULL;
}

bool
code_find(const char *main, const char *node, char folder[PATH_MAX])
{
	const char		*base = code_base();
	const struct known	*k = base[0] == '\0' ? NULL : known_find(main, node);
	struct stat		 st;

	if (k == NULL || k->key[0] == '\0' || snprintf(folder, PATH_MAX, "%s/%s", base, k->key) >= PATH_MAX)
		return false;
	/* Whatever our umask: workers are other users. */
	return (files_mkdir(folder, 0755) == 0 || errno == EEXIST) && files_stat(folder, &st, NULL) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 0777) == 0755;
}

static DIR *
folder_read(const char *path)
{
	int	 fd = files_open(path, O_RDONLY | O_DIRECTORY, 0);
	DIR	*d = fd == -1 ? NULL : fdopendir(fd);

	if (d == NULL)
		fd_closep(&fd);
	return d;
}

/* The one that was changed longest ago goes when there are too many. */
static void
folders_bound(const char *base)
{
	char		 oldest[CODE_KEY_DIGITS + 1] = "";
	time_t		 when = 0;
	size_t		 n = 0;
	DIR		*d = folder_read(base);
	struct dirent	*e;
	struct stat	 st;
	char		 path[PATH_MAX + CODE_KEY_DIGITS + 2];

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%.64s", base, e->d_name);
		if (strlen(e->d_name) != CODE_KEY_DIGITS || files_stat(path, &st, NULL) == -1)
			continue;
		if (n++ == 0 || st.st_mtim.tv_sec < when) {
			when = st.st_mtim.tv_sec;
			snprintf(oldest, sizeof(oldest), "%.64s", e->d_name);
		}
	}
	if (d != NULL)
		closedir(d);
	snprintf(path, sizeof(path), "%s/%s", base, oldest);
	if (n > BUNDLES_KEPT_MAX)
		files_remove_tree(path);
}

/* Beside its place, then renamed: a reader finds all of it or none. */
static void
code_put(const struct making *m)
{
	char	 from[PATH_MAX + 32], to[PATH_MAX + 32], name[NAME_BYTES];
	int	 fd;
	bool	 ok;

	name_make(&m->plan, name);
	snprintf(from, sizeof(from), "%s/.new-%d", m->folder, (int)getpid());
	snprintf(to, sizeof(to), "%s/%s", m->folder, name);
	(void)files_unlink(from);		/* of one that was killed, and had our number */
	if ((fd = files_open(from, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)) == -1)
		return;
	ok = write(fd, m->code.data, m->code.len) == (ssize_t)m->code.len && fchmod(fd, 0444) == 0 && fsync(fd) == 0;
	close(fd);
	if (!ok || files_rename(from, to) == -1)
		(void)files_unlink(from);
	else
		folders_bound(code_base());
}

static void
making_free(struct making *m)
{
	LIST_REMOVE(m, next);
	event_del(&m->begin);
	inv_free(m->iv);
	buf_free(&m->code);
	free(m);
}

/* {"code":"BASE64"}, by our own host: anything else is no code, and spoils the rest. */
static void
on_record(void *arg, const struct line_facts *f, const char *line, size_t len)
{
	static const char	 head[] = "{\"code\":\"", tail[] = "\"}";
	struct making		*m = arg;
	const char		*at = line + f->data_at + sizeof(head) - 1;
	size_t			 n = f->data_bytes - (sizeof(head) - 1) - (sizeof(tail) - 1);
	uint8_t			*part;
	int			 got;

	if (f->record != REC_OUTPUT || f->data_at + f->data_bytes > len || f->data_bytes < sizeof(head) + sizeof(tail) ||
	    memcmp(line + f->data_at, head, sizeof(head) - 1) != 0 || n % 4 != 0 || (part = malloc(n)) == NULL) {
		m->code.failed = true;
		return;
	}
	got = EVP_DecodeBlock(part, (const unsigned char *)at, (int)n);
	for (size_t i = 1; i <= 2 && got > 0 && at[n - i] == '='; i++)
		got--;
	if (got <= 0)
		m->code.failed = true;
	else
		buf_add(&m->code, (const char *)part, (size_t)got);
	free(part);
}

static void
on_log(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

static bool
on_ready(void *arg)
{
	(void)arg;
	return true;
}

static void
on_done(void *arg)
{
	struct making	*m = arg;

	if (inv_verdict(m->iv)->code == ERR_NONE && !m->code.failed && m->code.len > 0)
		code_put(m);
	making_free(m);
}

static void
on_begin(evutil_socket_t fd, short what, void *arg)
{
	static const char	 text[] = "{\"type\":\"" COMMAND "\",\"config\":{},\"input\":{}}";
	static struct connector_ref	 nobodys = { .name = "bundle" };
	struct making		*m = arg;
	struct request		 rq = { 0 };
	struct error		 e = ERROR_NONE;
	struct inv_request	 q = { .ref = &nobodys, .rq = &rq, .house = &m->plan, .waived = m->plan.waived,
	    /* It may connect to nobody, but 0 would be the most there is, and that may be more than the operator allows. */
	    .limits = { .deadline_ms = MAKE_MS, .memory_bytes = m->plan.memory_bytes, .cpu_s = m->plan.cpu_s, .connects = 1 },
	    .sink = { on_record, on_log, on_ready, on_done, m } };

	(void)fd;
	(void)what;
	if (request_parse(text, sizeof(text) - 1, &rq, &e) == 0)
		m->iv = inv_start(&q, &e);
	request_free(&rq);
	if (m->iv == NULL)
		making_free(m);
}

static void
close_all(void)
{
	while (!LIST_EMPTY(&makings))
		making_free(LIST_FIRST(&makings));
}

static void
make(const struct nursery_plan *plan, const char *folder)
{
	static const struct timeval	 now = { 0, 0 };
	struct making			*m = calloc(1, sizeof(*m));

	if (m == NULL)
		return;
	core_at_close(close_all);
	LIST_INSERT_HEAD(&makings, m, next);
	m->plan = *plan;
	m->plan.spec = (struct file_id){ 0 };	/* no command of a specification's */
	m->plan.watched = 0;
	snprintf(m->folder, sizeof(m->folder), "%s", folder);
	buf_init(&m->code, CODE_BYTES_MAX);
	evtimer_assign(&m->begin, core_base(), on_begin, m);
	if (event_add(&m->begin, &now) == -1)
		making_free(m);
}

/* Whatever comes of it, once for each of so many limits. */
static bool
may_try(struct known *k, uint64_t mib)
{
	for (size_t i = 0; i < LIMITS_KEPT_MAX; i++) {
		if (k->tried[i] == mib)
			return false;
		if (k->tried[i] == 0) {
			k->tried[i] = mib;
			return true;
		}
	}
	return false;
}

static size_t
files_in(const char *folder)
{
	DIR		*d = folder_read(folder);
	struct dirent	*e;
	size_t		 n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

void
code_want(const struct nursery_plan *plan)
{
	const char	*folder = guest_word(&plan->words, GUEST_WORD_CODE);
	char		 path[PATH_MAX + NAME_BYTES], name[NAME_BYTES];
	struct known	*k = NULL;

	if (folder == NULL)
		return;
	name_make(plan, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (size_t i = 0; i < KNOWN_MAX && k == NULL; i++)
		if (known[i].key[0] != '\0' && strcmp(strrchr(folder, '/') + 1, known[i].key) == 0)
			k = &known[i];
	if (k != NULL && may_try(k, plan->memory_bytes / MIB) && !files_may(path, F_OK) && files_in(folder) < LIMITS_KEPT_MAX)
		make(plan, folder);
}

bool
core_settle(void)
{
	return !LIST_EMPTY(&makings) && event_base_loop(core_base(), EVLOOP_ONCE) == 0;
}
