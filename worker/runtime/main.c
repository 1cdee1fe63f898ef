/*
 * main.c -- a connector's main(): load, be confined, then read; one command, one verdict, one exit.
 *
 * Started by a launcher as a nursery (NURSERY_ARG and the waived layers), it
 * comes back from nursery_run() once per worker.  Run by hand it confines itself and
 * takes one request on standard input; it then has no way out to any source.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "worker/contract/record.h"
#include "worker/contract/request.h"
#include "worker/contract/worker_fd.h"
#include "worker/runtime/bascule.h"
#include "worker/runtime/fetch_priv.h"
#include "worker/runtime/runtime.h"
#include "worker/runtime/worker.h"

#define READ_BYTES	(1 * KIB - 1)	/* room for at least so much at each read; an ordinary request fits */
#define PATH_BYTES	4096
#define VERDICT_LINE_BYTES (16 * KIB)	/* an error's text, each byte an escape, and the rest */
#define VERDICT_SHORT_BYTES 256		/* what most are, and "end" always */
#define PAGE_BYTES	(4 * KIB)

/* What this process was started as. */
enum kind {
	BY_HAND,
	NURSERY,	/* of many workers: whatever they will need is made and touched before the first */
	NURSERY_ONCE,	/* of one: then that is done by whom needs it, if anybody does */
};

static void __attribute__((noreturn))
end(const struct error *e)
{
	_exit(error_face(e->code)->exit);
}

static void __attribute__((noreturn))
cannot_start(const struct error *e)
{
	char	 text[sizeof(e->msg) + 2];
	int	 n = snprintf(text, sizeof(text), "%s\n", e->msg);

	(void)write_all(STDERR_FILENO, text, (size_t)n);
	end(e);
}

/* connector-spec.json lies beside the program, or in the folder that it is to run. */
static int
spec_beside(const char *folder, struct spec *sp, struct error *e)
{
	const char	*program = (const char *)(uintptr_t)getauxval(AT_EXECFN);
	const char	*slash = program == NULL ? NULL : strrchr(program, '/');
	char		 path[PATH_BYTES];

	if (folder != NULL)
		snprintf(path, sizeof(path), "%s/connector-spec.json", folder);
	else
		snprintf(path, sizeof(path), "%.*s/connector-spec.json", slash == NULL ? 1 : (int)(slash - program),
		    slash == NULL ? "." : program);
	return spec_load(path, sp, e);
}

/* Most requests are small: no page is touched that is not needed. */
static int
request_read(struct request *rq, struct error *e)
{
	struct buf	 b;
	char		*space;
	ssize_t		 n = 0;
	int		 r = -1;

	buf_init(&b, REQUEST_BYTES_MAX + READ_BYTES);
	while (b.len <= REQUEST_BYTES_MAX && (space = buf_space(&b, READ_BYTES)) != NULL &&
	    ((n = read(FD_REQUEST, space, b.cap - b.len - 1)) > 0 || (n == -1 && errno == EINTR)))
		if (n > 0)
			b.len += (size_t)n;
	if (b.failed)
		error_set(e, ERR_SYSTEM, "no memory for the request");
	else if (n == -1)
		error_sys(e, "read the request");
	else if (b.len > REQUEST_BYTES_MAX)
		error_set(e, ERR_LIMIT, "request: over %d bytes", REQUEST_BYTES_MAX);
	else
		r = request_parse(b.data, b.len, rq, e);
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_free(&b);
	return r;
}

/* Always answered here: it must work whatever the config is. */
static int
spec_read(struct call *c)
{
	cJSON	*data = cJSON_CreateObject();

	if (data == NULL || json_set(data, "specification", json_dup(c->spec)) == -1)
		return fail_generic(c, "no memory");
	return emit_output(c, data);
}

static int
run(struct call *c)
{
	if (c->cmd == CMD_SPEC_READ)
		return spec_read(c);
	for (size_t i = 0; i < connector.nrows; i++)
		if (strcmp(connector.rows[i].name, c->type) == 0)
			return connector.rows[i].run(c);
	return error_set(c->err, ERR_UNSUPPORTED, "unsupported command: %s", c->type);
}

/* The line is made first: it needs the secrets to blot them out, and memory. */
static void
verdict_write(struct error *e)
{
	static char	 brief[VERDICT_SHORT_BYTES] WORKER_STATE, full[VERDICT_LINE_BYTES];
	char		*line;
	struct buf	 b;
	size_t		 n;

	redact_text(e->msg, sizeof(e->msg));
	redact_wipe();
	buf_init(&b, sizeof(full));
	record_print_verdict(&b, e);
	n = b.failed ? 0 : b.len;
	line = n <= sizeof(brief) ? brief : full;
	memcpy(line, n > 0 ? b.data : "", n);
	scrub();
	(void)write_all(FD_RESULT, line, n);
}

/*
 * A made-up request on the same way as the real one.  In the nursery: the text that any command runs is mapped
 * by then, and forks copy that and no more.  In a parked worker: the pages that any command writes to are copied
 * while there is time for it, and not when the request is there.
 */
static void
rehearse(const struct spec *sp, struct request *rq, struct call *c, struct error *e)
{
	static const char	 text[] = "{\"type\":\"std:account:read\",\"config\":{\"a\":[1,true]},"
				    "\"input\":{\"identity\":\"a\"}}";
	struct buf		 b;

	if (request_parse(text, sizeof(text) - 1, rq, e) == 0) {
		call_init(c, rq, sp, e);
		buf_init(&b, LINE_BYTES_MAX);
		record_print(&b, REC_OUTPUT, rq->doc);
		buf_free(&b);
		request_free(rq);
	}
	*rq = (struct request){ 0 };
	*e = ERROR_NONE;
}

/* What a worker runs and a rehearsal cannot: looked at, its text is mapped as well. */
static void
text_look(void)
{
	static void	*const at[] = { (void *)verdict_write, (void *)scrub, (void *)_exit, (void *)write, (void *)madvise };

	for (size_t i = 0; i < N_ITEMS(at); i++)
		(void)*(volatile const char *)at[i];
}

/* Below here the walls stand, and only below is a byte of anybody else's data looked at. */
static void __attribute__((noreturn, noinline))
work(const struct spec *sp, bool parked)
{
	static const char	 locked[] = "{\"type\":\"locked\"}\n";
	struct request		 rq = { 0 };
	struct error		 e = ERROR_NONE;
	struct call		 c;

	if (write_all(FD_RESULT, locked, sizeof(locked) - 1) == -1)
		end(&(struct error){ .code = ERR_CLIENT_GONE });
	if (parked) {
		rehearse(sp, &rq, &c, &e);
		heap_populate();
	}
	if (request_read(&rq, &e) == 0) {
		call_init(&c, &rq, sp, &e);
		if (run(&c) == 0)
			(void)emit_finish(&c);
		else if (e.code == ERR_NONE)
			error_set(&e, ERR_GENERIC, "the connector failed without saying why");
		emit_flush();
		sessions_give();
	}
	request_free(&rq);		/* before the verdict: nothing of the tenant outlives it */
	verdict_write(&e);
	end(&e);
}

/* Frames of its own: they are gone when the nursery forks. */
static void __attribute__((noinline))
nursery_rehearse(const struct spec *sp)
{
	struct request	 rq = { 0 };
	struct error	 e = ERROR_NONE;
	struct call	 c;

	rehearse(sp, &rq, &c, &e);
	text_look();
}

/*
 * Begins on a new page of the stack: a forked worker copies each that it writes to, and what an ordinary
 * command needs of the stack fits into one.
 */
static void __attribute__((noreturn, noinline))
settle(const struct spec *sp, enum kind kind, const char *waived)
{
	char	*here = __builtin_frame_address(0);
	bool	 parked = false;

	/* A volatile pointer: the room must be there, not what is in it. */
	char *volatile	 gap = __builtin_alloca((uintptr_t)here % PAGE_BYTES + 1);

	(void)gap;
	if (kind == NURSERY) {
		text_inherit();
		fetch_rehearse();
		nursery_rehearse(sp);
	}
	if (kind == BY_HAND)
		sandbox_lock_alone();
	else
		parked = nursery_run((unsigned int)strtoul(waived, NULL, 10), kind == NURSERY ? WORKERS_MANY : WORKERS_ONE);
	work(sp, parked);
}

/* Before the connector's own constructors; a nursery complains on FD_LOG as well while it loads. */
static void __attribute__((constructor(101)))
deaths_named(void)
{
	sandbox_trap(FD_LOG, FD_LOG);
}

static const char usage[] =
"A Bascule connector.  Run it with: bascule invoke CONNECTOR COMMAND --config FILE\n"
"By hand: one request on standard input, results on standard output; confined,\n"
"and without any way out to a source.  See bascule-worker(7).\n";

static enum kind
kind_of(int argc, char **argv)
{
	if (argc != 3 && argc != 4)
		return BY_HAND;
	return strcmp(argv[1], NURSERY_ARG) == 0 ? NURSERY : strcmp(argv[1], NURSERY_ONCE_ARG) == 0 ? NURSERY_ONCE : BY_HAND;
}

int
main(int argc, char **argv)
{
	struct spec	 sp = { 0 };
	struct error	 e = ERROR_NONE;
	enum kind	 kind = kind_of(argc, argv);

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)write_all(STDOUT_FILENO, usage, sizeof(usage) - 1);
		return 0;
	}
	if (argc != 1 && kind == BY_HAND) {
		(void)write_all(STDERR_FILENO, usage, sizeof(usage) - 1);
		return error_face(ERR_USAGE)->exit;
	}
	heap_nodes();
	if (spec_beside(argc == 4 ? argv[3] : NULL, &sp, &e) == -1 ||
	    (kind == NURSERY ? fetch_preload(&e) : fetch_preload_once(&e)) == -1)
		cannot_start(&e);
	scrub_setup();
	settle(&sp, kind, kind == BY_HAND ? NULL : argv[2]);
}
