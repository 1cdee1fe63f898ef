/*
 * main.c -- bascule-unpack: two processes and one line; see unpack.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/unpack/unpack.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

static void __attribute__((noreturn))
decoder(int out_fd, pid_t parent)
{
	/* Archive, nothing, pipe; standard error for a word of the walls. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 || getppid() != parent || dup2(out_fd, STDOUT_FILENO) == -1 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == -1)
		_exit(1);
	decode(STDIN_FILENO, STDOUT_FILENO);
}

static int
tell(const struct outcome *o)
{
	cJSON	*v = cJSON_CreateObject();
	autobuf	 b;
	ssize_t	 n;

	buf_init(&b, FRAME_BYTES_MAX);
	(void)json_set_bool(v, "ok", o->ok);
	if (o->ok) {
		(void)json_set_str(v, "kind", o->kind);
		(void)json_set_str(v, "program", o->program);
		(void)json_set(v, "made", json_int((int64_t)o->files + o->folders));
		(void)json_set(v, "bytes", json_int((int64_t)o->bytes));
	}
	if (!o->ok || o->message[0] != '\0')
		(void)json_set_str(v, "message", o->message);
	json_print(&b, v);
	buf_addc(&b, '\n');
	cJSON_Delete(v);
	n = b.failed ? -1 : write(STDOUT_FILENO, b.data, b.len);
	return n == (ssize_t)b.len ? 0 : 1;
}

int
main(void)
{
	struct outcome	 o = { .message = "the archive could not be taken apart" };
	struct stat	 st;
	pid_t		 self = getpid(), pid;
	int		 ends[2];

	signal(SIGPIPE, SIG_IGN);
	umask(022);		/* whatever the server's: workers have a user of their own */
	if (fstat(STDIN_FILENO, &st) == -1 || !S_ISREG(st.st_mode) || pipe(ends) == -1)
		return tell(&o);
	if ((pid = fork()) == 0)
		decoder(ends[1], self);
	close(ends[1]);
	if (pid != -1) {
		place_all(ends[0], UNPACK_FOLDER_FD, (uint64_t)st.st_size, &o);
		/* Whatever it is about now, nobody listens any more. */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (o.ok && strcmp(o.kind, "customizer") != 0)
		o.message[0] = '\0';
	/* The archive itself is kept as well. */
	if (o.ok && fsync(STDIN_FILENO) == -1) {
		o.ok = false;
		snprintf(o.message, sizeof(o.message), "sync: %s", strerror(errno));
	}
	return tell(&o);
}
