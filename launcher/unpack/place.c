/*
 * place.c -- the half that makes files: every frame may be a lie.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/unpack/unpack.h"
#include "worker/contract/util.h"

#define SPEC_FILE	"connector-spec.json"
#define BUNDLE_FILE	"index.js"
#define MAGIC		"\177ELF"

struct placing {
	int		 in, folder;
	int		 fd;				/* the file under way; -1: none */
	uint64_t	 here;				/* bytes of it */
	uint64_t	 most;
	bool		 top, spec, bundle;
	char		 name[UNPACK_NAME_BYTES + 1];
	char		 nested[UNPACK_NAME_BYTES + 1];	/* where a specification is that is not at the top */
	struct outcome	*o;
};

static int __attribute__((format(printf, 2, 3)))
refuse(struct placing *p, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(p->o->message, sizeof(p->o->message), fmt, ap);
	va_end(ap);
	return -1;
}

static int
get(int fd, void *to, size_t n)
{
	char	*at = to;

	while (n > 0) {
		ssize_t	 r = read(fd, at, n);

		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

/* Printable ASCII without what another system takes for more. */
static bool
char_ok(char c)
{
	return c >= ' ' && c < 0x7f && strchr("\\:*?\"<>|", c) == NULL;
}

/* A relative path of plain parts, none of them empty, "." or "..". */
static bool
name_ok(const char *name, unsigned int *depth)
{
	const char	*part = name;

	*depth = 0;
	for (const char *c = name; *c != '\0'; c++)
		if (!char_ok(*c))
			return false;
	for (;;) {
		size_t	 n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && memcmp(part, "..", 2) == 0))
			return false;
		if (part[n] == '\0')
			return *depth <= UNPACK_DEPTH_MAX;
		++*depth;
		part += n + 1;
	}
}

/* Makes the folders above a file and opens it, new; each step by descriptor, no link is followed. */
static int
file_make(struct placing *p)
{
	char	*part = p->name, *slash;
	autofd	 at = fcntl(p->folder, F_DUPFD_CLOEXEC, 0);
	int	 next;

	while (at != -1 && (slash = strchr(part, '/')) != NULL) {
		*slash = '\0';
		if (mkdirat(at, part, 0755) == 0)
			p->o->folders++;
		else if (errno != EEXIST)
			return -1;
		next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*slash = '/';
		close(at);
		at = next;
		part = slash + 1;
	}
	return at == -1 ? -1 : openat(at, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
}

static void
file_end(struct placing *p)
{
	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
}

static int
file_begin(struct placing *p, const char *name, size_t len)
{
	unsigned int	 depth;
	const char	*base;

	if (len > UNPACK_NAME_BYTES || strnlen(name, len) != len)
		return refuse(p, "a name that is none");
	snprintf(p->name, sizeof(p->name), "%.*s", (int)len, name);
	if (!name_ok(p->name, &depth)) {
		for (char *c = p->name; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
		return refuse(p, "%s: not a plain relative path of at most %d folders", p->name, UNPACK_DEPTH_MAX);
	}
	if (++p->o->files > UNPACK_FILES_MAX)
		return refuse(p, "over %d files", UNPACK_FILES_MAX);
	if ((p->fd = file_make(p)) == -1)
		return refuse(p, "%s: %s", p->name, errno == EEXIST ? "it is in there twice" : strerror(errno));
	p->here = 0;
	p->top = depth == 0;
	base = strrchr(p->name, '/') == NULL ? p->name : strrchr(p->name, '/') + 1;
	if (strcmp(base, SPEC_FILE) == 0 && p->top)
		p->spec = true;
	else if (strcmp(base, SPEC_FILE) == 0)
		snprintf(p->nested, sizeof(p->nested), "%s", p->name);
	p->bundle |= p->top && strcmp(base, BUNDLE_FILE) == 0;
	return 0;
}

/* A program at the top is what is run; there is one. */
static int
program_note(struct placing *p, const char *bytes, size_t len)
{
	if (!p->top || p->here != 0 || len < strlen(MAGIC) || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0)
		return 0;
	if (p->o->program[0] != '\0')
		return refuse(p, "two programs at its top (%.100s, %.100s): there must be one", p->o->program, p->name);
	snprintf(p->o->program, sizeof(p->o->program), "%s", p->name);
	return fchmod(p->fd, 0755) == -1 ? refuse(p, "%s: %s", p->name, strerror(errno)) : 0;
}

static int
file_data(struct placing *p, const char *bytes, size_t len)
{
	if (p->fd == -1)
		return refuse(p, "the decoder broke its protocol");
	p->o->bytes += len;
	if (p->o->bytes > p->most)
		return refuse(p, "what is in it is over %llu bytes (%d times the archive, and %d at most)", (unsigned long long)p->most,
		    UNPACK_RATIO_MAX, UNPACK_BYTES_MAX);
	if (program_note(p, bytes, len) == -1)
		return -1;
	for (size_t at = 0; at < len;) {
		ssize_t	 n = write(p->fd, bytes + at, len - at);

		if (n == -1 && errno != EINTR)
			return refuse(p, "%s: %s", p->name, strerror(errno));
		if (n > 0)
			at += (size_t)n;
	}
	p->here += len;
	return 0;
}

static int
fail_take(struct placing *p, const char *text, size_t len)
{
	char	 said[400];

	snprintf(said, sizeof(said), "%.*s", (int)len, text);
	for (char *c = said; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return refuse(p, "%s", said);
}

/* What must be in it. */
static int
done(struct placing *p)
{
	/* A customizer needs no more than this; whoever wanted a connector is told what lacks. */
	bool	 customizes = !p->spec && p->bundle && p->o->program[0] == '\0';

	if (!p->spec && p->nested[0] != '\0')
		(void)refuse(p, SPEC_FILE " is not at its top but at %s: pack the files, not their folder", p->nested);
	else if (!p->spec)
		(void)refuse(p, SPEC_FILE " is not at its top");
	if (!p->spec && !customizes)
		return -1;
	/* Without either, its specification may name a script, or it is a description: whoever asked reads that. */
	p->o->kind = p->o->program[0] != '\0' ? "native" : customizes ? "customizer" : p->bundle ? "bundle" : "script";
	p->o->ok = true;
	return 1;
}

/* 0: and on; 1: the end; -1: refused. */
static int
step(struct placing *p)
{
	static char	 bytes[FRAME_BYTES_MAX];
	struct frame	 f;

	if (get(p->in, &f, sizeof(f)) == -1 || f.len > sizeof(bytes) || get(p->in, bytes, f.len) == -1)
		return refuse(p, "the archive could not be taken apart within its limits");
	switch (f.kind) {
	case FRAME_FILE:
		file_end(p);
		return file_begin(p, bytes, f.len);
	case FRAME_DATA:
		return file_data(p, bytes, f.len);
	case FRAME_DONE:
		return done(p);
	case FRAME_FAIL:
		return fail_take(p, bytes, f.len);
	default:
		return refuse(p, "the decoder broke its protocol");
	}
}

void
place_all(int in_fd, int folder_fd, uint64_t archive_bytes, struct outcome *o)
{
	struct placing	 p = { .in = in_fd, .folder = folder_fd, .fd = -1, .o = o };

	*o = (struct outcome){ 0 };
	p.most = archive_bytes * UNPACK_RATIO_MAX < UNPACK_RATIO_FREE ? UNPACK_RATIO_FREE : archive_bytes * UNPACK_RATIO_MAX;
	if (p.most > UNPACK_BYTES_MAX)
		p.most = UNPACK_BYTES_MAX;
	while (step(&p) == 0)
		;
	file_end(&p);
	/* Files, their names and their folders at once. */
	if (o->ok && syncfs(folder_fd) == -1) {
		o->ok = false;
		(void)refuse(&p, "sync: %s", strerror(errno));
	}
}
