/*
 * decode.c -- the half that meets the archive.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "launcher/unpack/unpack.h"
#include "sandbox/sandbox.h"

static int	out = -1;

static void
put(const void *bytes, size_t n)
{
	const char	*at = bytes;

	while (n > 0) {
		ssize_t	 w = write(out, at, n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0)
			_exit(1);
		at += w;
		n -= (size_t)w;
	}
}

static void
frame(enum frame_kind kind, const void *bytes, size_t n)
{
	struct frame	 f = { .kind = kind, .len = (uint32_t)n };

	put(&f, sizeof(f));
	if (n > 0)
		put(bytes, n);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *fmt, ...)
{
	char	 text[400];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	frame(FRAME_FAIL, text, strlen(text));
	_exit(0);
}

static char *
slurp(int fd, size_t *len)
{
	struct stat	 st;
	char		*bytes;

	if (fstat(fd, &st) == -1 || st.st_size <= 0 || st.st_size > UNPACK_ARCHIVE_BYTES)
		fail("an archive of 1 to %d bytes is wanted", UNPACK_ARCHIVE_BYTES);
	if ((bytes = malloc((size_t)st.st_size)) == NULL)
		fail("no memory for an archive of %lld bytes", (long long)st.st_size);
	for (*len = 0; *len < (size_t)st.st_size;) {
		ssize_t	 n = read(fd, bytes + *len, (size_t)st.st_size - *len);

		if (n <= 0)
			fail("the archive could not be read");
		*len += (size_t)n;
	}
	return bytes;
}

static void
content(struct archive *a, const char *name)
{
	static char	 bytes[FRAME_BYTES_MAX];
	la_ssize_t	 n;

	while ((n = archive_read_data(a, bytes, sizeof(bytes))) > 0)
		frame(FRAME_DATA, bytes, (size_t)n);
	if (n < 0)
		fail("%.200s: %.150s", name, archive_error_string(a) == NULL ? "damaged" : archive_error_string(a));
}

static void
entry_take(struct archive *a, struct archive_entry *entry)
{
	const char	*name = archive_entry_pathname(entry);

	if (name == NULL)
		fail("a file's name is not plain ASCII");
	if (archive_entry_is_encrypted(entry) != 0)
		fail("%.200s: it is encrypted", name);
	if (archive_entry_filetype(entry) == AE_IFDIR)
		return;
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL)
		fail("%.200s: a link or a device; only plain files may be in it", name);
	if (strlen(name) > UNPACK_NAME_BYTES)
		fail("%.60s...: a name of over %d bytes", name, UNPACK_NAME_BYTES);
	frame(FRAME_FILE, name, strlen(name));
	content(a, name);
}

void
decode(int archive_fd, int out_fd)
{
	struct rlimit		 cpu = { UNPACK_CPU_S, UNPACK_CPU_S }, memory = { UNPACK_MEMORY_BYTES, UNPACK_MEMORY_BYTES };
	struct archive		*a = archive_read_new();
	struct archive_entry	*entry;
	char			*bytes;
	size_t			 len;
	int			 r;

	out = out_fd;
	/* One format: what is not linked into the question cannot be asked. */
	if (a == NULL || archive_read_support_format_zip_seekable(a) != ARCHIVE_OK)
		fail("no memory");
	if (setrlimit(RLIMIT_CPU, &cpu) == -1 || setrlimit(RLIMIT_AS, &memory) == -1)
		fail("the limits could not be set");
	/* Copied before the walls, looked at behind them. */
	bytes = slurp(archive_fd, &len);
	sandbox_lock_alone();
	if (archive_read_open_memory(a, bytes, len) != ARCHIVE_OK)
		fail("this is no zip archive: %.200s", archive_error_string(a));
	while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK)
		entry_take(a, entry);
	if (r != ARCHIVE_EOF)
		fail("the archive is damaged: %.200s", archive_error_string(a) == NULL ? "?" : archive_error_string(a));
	frame(FRAME_DONE, NULL, 0);
	_exit(0);
}
