/*
 * upload.c -- from the body of a request to a version of a connector or a customizer.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/evp.h>

#include "launcher/core/far.h"
#include "launcher/core/files.h"
#include "launcher/registry/registry.h"
#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/conn.h"
#include "launcher/serve/moment.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/slog.h"
#include "launcher/serve/stream.h"
#include "launcher/serve/upload.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define PROGRAM		"bascule-unpack"	/* beside this one */
#define SAID_BYTES	4096
#define DESCRIPTION	"rest.json"	/* of a connector without code */
#define DESCRIPTION_BYTES_MAX	(1 * MIB)	/* connectors/rest/describe.h */
#define FULL_STATUS	507		/* Insufficient Storage: no more versions, or bytes of them */
#define SLICE_BYTES	(2 * MIB)		/* spooled in one turn of the loop */

struct upload {
	struct stream		 stream;
	struct event		 turn, late;
	struct evbuffer		*body;			/* what is not on disk yet */
	EVP_MD_CTX		*sha;			/* of what is */
	int			 spool;
	struct far		*chore;			/* NULL: not started */
	int			 said;			/* its word */
	bool			 gone, overdue;
	bool			 customizer;		/* of one, else of a connector */
	struct reg_version	 version;
	char			 id[REG_ID_BYTES + 1];
	char			 caller[TOKEN_NAME_MAX + 16];
	char			 staged[REG_PATH_BYTES];
	uint64_t		 stored;		/* what it takes on disk, archive and files */
};

static unsigned int	 under_way;

static void	on_ended(void *);

static void
upload_free(struct upload *u)
{
	if (u->staged[0] != '\0')
		registry_unstage(u->staged);
	event_del(&u->turn);
	if (u->chore != NULL)
		far_free(u->chore);
	event_del(&u->late);
	if (u->body != NULL)
		evbuffer_free(u->body);
	EVP_MD_CTX_free(u->sha);
	if (u->spool != -1)
		close(u->spool);
	if (u->said != -1)
		close(u->said);
	stream_close(&u->stream);
	under_way--;
	free(u);
}

/* One portion of the archive to disk; 1: that was all. */
static int
spool(struct upload *u, struct error *e)
{
	struct evbuffer_iovec	 part;
	unsigned char		 digest[EVP_MAX_MD_SIZE];

	for (size_t did = 0; did < SLICE_BYTES && evbuffer_peek(u->body, -1, NULL, &part, 1) > 0 && part.iov_len > 0;) {
		ssize_t	 n = write(u->spool, part.iov_base, part.iov_len < SLICE_BYTES ? part.iov_len : SLICE_BYTES);

		if (n == -1 && errno != EINTR)
			return error_sys(e, "registry: %.200s", u->staged);
		if (n <= 0)
			continue;
		if (EVP_DigestUpdate(u->sha, part.iov_base, (size_t)n) != 1 || evbuffer_drain(u->body, (size_t)n) == -1)
			return error_set(e, ERR_SYSTEM, "no digest");
		did += (size_t)n;
	}
	if (evbuffer_get_length(u->body) > 0)
		return 0;
	if (EVP_DigestFinal_ex(u->sha, digest, NULL) != 1)
		return error_set(e, ERR_SYSTEM, "no digest");
	for (size_t i = 0; i < 32; i++)
		snprintf(u->version.sha256 + 2 * i, 3, "%02x", digest[i]);
	return 1;
}

static int
spool_open(struct upload *u, struct exchange *x, struct error *e)
{
	struct evbuffer	*in = evhttp_request_get_input_buffer(x->req);
	char		 path[REG_PATH_BYTES + 16];

	if (registry_stage(u->staged, e) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/source.zip", u->staged);
	if ((u->spool = files_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)) == -1)
		return error_sys(e, "registry: %.200s", path);
	u->version.bytes = evbuffer_get_length(in);
	u->sha = EVP_MD_CTX_new();
	u->body = evbuffer_new();
	if (u->sha == NULL || u->body == NULL || EVP_DigestInit_ex(u->sha, EVP_sha256(), NULL) != 1 ||
	    evbuffer_add_buffer(u->body, in) == -1)
		return error_set(e, ERR_SYSTEM, "no memory for another upload");
	return 0;
}

static int
unpack_start(struct upload *u, struct error *e)
{
	char	 path[REG_PATH_BYTES + 16];
	autofd	 archive = -1, folder = -1, out = -1;
	int	 ends[2];
	struct timeval late = { UPLOAD_MS / 1000, 0 };

	snprintf(path, sizeof(path), "%s/source.zip", u->staged);
	archive = files_open(path, O_RDONLY, 0);
	snprintf(path, sizeof(path), "%s/files", u->staged);
	folder = files_open(path, O_RDONLY | O_DIRECTORY, 0);
	if (archive == -1 || folder == -1 || pipe2(ends, O_CLOEXEC) == -1)
		return error_sys(e, "registry: %.200s", u->staged);
	u->said = ends[0];
	out = ends[1];
	if ((u->chore = far_run(CHORE_UNPACK, (int[]){ archive, out, folder }, 3, on_ended, u, e)) == NULL)
		return -1;
	event_add(&u->late, &late);
	return 0;
}

static unsigned char	 ours[EI_NIDENT + 4];	/* what this program begins with */

int
uploads_open(struct error *e)
{
	autofd	 fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);	/* at its start */

	return fd != -1 && read(fd, ours, sizeof(ours)) == (ssize_t)sizeof(ours) ? 0 : error_sys(e, "this program");
}

/* Of this machine's kind?  Better said now than at the first invocation. */
static int
program_check(const char *path, struct error *e)
{
	unsigned char	 theirs[EI_NIDENT + 4];
	autofd		 a = files_open(path, O_RDONLY | O_NOFOLLOW, 0);

	if (a == -1)
		return error_sys(e, "archive: its program");
	/* Class and byte order; type and machine stand behind. */
	if (read(a, theirs, sizeof(theirs)) != (ssize_t)sizeof(theirs) || memcmp(theirs, ours, EI_DATA + 1) != 0 ||
	    memcmp(theirs + EI_NIDENT + 2, ours + EI_NIDENT + 2, 2) != 0)
		return error_set(e, ERR_REQUEST, "archive: its program is not for this kind of machine");
	return 0;
}

/*
 * A description instead of a program: 1 if it is there, 0 if not, -1.  Whether it makes sense is said by the program that runs
 * it, with every fault; here only that it is one.
 */
static int
description_check(const struct upload *u, struct error *e)
{
	char		 path[REG_PATH_BYTES + 128];
	struct error	 bad = ERROR_NONE;
	struct stat	 st;
	autofd		 fd = -1;
	autofree char	*text = NULL;
	autojson	*doc = NULL;

	snprintf(path, sizeof(path), "%s/files/" DESCRIPTION, u->staged);
	if ((fd = files_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0)) == -1)
		return 0;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size > DESCRIPTION_BYTES_MAX)
		return error_set(e, ERR_REQUEST, "archive: " DESCRIPTION " is no file of up to %d KiB", DESCRIPTION_BYTES_MAX / KIB);
	if ((text = malloc((size_t)st.st_size + 1)) == NULL || read(fd, text, (size_t)st.st_size) != st.st_size)
		return error_sys(e, "archive: " DESCRIPTION);
	if ((doc = json_parse(text, (size_t)st.st_size, NULL, &bad)) == NULL)
		return error_set(e, ERR_REQUEST, "archive: " DESCRIPTION ": %.300s", bad.msg);
	if (!cJSON_IsObject(doc) || json_get(doc, "format") == NULL)
		return error_set(e, ERR_REQUEST, "archive: " DESCRIPTION ": an object with \"format\" is wanted");
	return 1;
}

/* Makes a file of this folder executable; 1: it is none, or not there. */
static int
script_mark(const char *folder, const char *name, struct error *e)
{
	char		 path[REG_PATH_BYTES + 128];
	struct stat	 st;
	autofd		 fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path) ||
	    (fd = files_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0)) == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return 1;
	return fchmod(fd, 0755) == -1 || fsync(fd) == -1 ? error_sys(e, "registry: %.200s", path) : 0;
}

/* What its specification says is run is a file of it: it becomes executable, as no archive can be trusted to say. */
static int
script_check(const struct upload *u, const struct spec *spec, bool wanted, struct error *e)
{
	struct spec_runtime	 r;
	const char		*name;
	char			 folder[REG_PATH_BYTES + 16];
	int			 described, marked;

	spec_runtime(spec, &r);
	if (r.kind != RUNTIME_EXEC) {
		described = !wanted ? 1 : r.kind == RUNTIME_UNSAID || r.kind == RUNTIME_NATIVE ? description_check(u, e) : 0;
		return described == 1 ? 0 : described == -1 ? -1 : error_set(e, ERR_REQUEST, "archive: at its top there is neither "
		    "a program (ELF) nor index.js nor " DESCRIPTION ", and its specification names no script (runtime)");
	}
	name = r.argv->child->valuestring;
	if (name[0] == '/')
		return 0;
	name += strncmp(name, "./", 2) == 0 ? 2 : 0;
	snprintf(folder, sizeof(folder), "%s/files", u->staged);
	if (strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL || (marked = script_mark(folder, name, e)) == 1)
		return error_set(e, ERR_REQUEST, "archive: connector-spec.json: runtime.argv: %.100s is not in it", name);
	/* The same archive may be there already, as a customizer's, of which nothing is executed; then that one stays. */
	reg_folder(&u->version, folder);
	return marked == -1 || script_mark(folder, name, e) == -1 ? -1 : 0;
}

/* Of a connector: its specification, and what that says is run. */
static int
connector_check(const struct upload *u, const char *kind, struct error *e)
{
	char		 path[REG_PATH_BYTES + 128];
	struct error	 bad = ERROR_NONE;
	struct spec	 spec = { 0 };
	const char	*tail;
	int		 r;

	snprintf(path, sizeof(path), "%s/files/connector-spec.json", u->staged);
	if (connector_spec(path, &spec, &bad) == -1) {
		tail = strstr(bad.msg, "connector-spec.json");	/* the path before it is ours alone */
		return error_set(e, ERR_REQUEST, "archive: %.400s", tail != NULL ? tail : bad.msg);
	}
	r = script_check(u, &spec, strcmp(kind, "script") == 0, e);
	spec_free(&spec);
	if (r == -1 || u->version.kind != REG_NATIVE)
		return r;
	snprintf(path, sizeof(path), "%s/files/%s", u->staged, u->version.program);
	return program_check(path, e);
}

/* What the unpacker says, checked as far as it can be. */
static int
said_take(struct upload *u, struct error *e)
{
	char		 line[SAID_BYTES];
	ssize_t		 n = read(u->said, line, sizeof(line));
	struct error	 bad = ERROR_NONE;
	autojson	*o = n > 0 ? json_parse(line, (size_t)n - (line[n - 1] == '\n'), NULL, &bad) : NULL;
	const char	*kind = json_str(o, "kind", "");

	if (u->overdue)
		return error_set(e, ERR_REQUEST, "archive: it could not be taken apart within %d s", UPLOAD_MS / 1000);
	if (o == NULL)
		return error_set(e, ERR_SYSTEM, PROGRAM " ended without a word");
	if (!json_bool(o, "ok", false) || (strcmp(kind, "customizer") == 0 && !u->customizer))
		return error_set(e, ERR_REQUEST, "archive: %.400s", json_str(o, "message", "refused"));
	/* As the placer counted, which wrote them; beside them are the archive, and the folders that hold it and them. */
	u->stored = u->version.bytes + (uint64_t)json_i64(o, "bytes", 0) + ((uint64_t)json_i64(o, "made", 0) + 3) * REG_FILE_BYTES;
	if (u->customizer)
		return strcmp(kind, "customizer") == 0 || strcmp(kind, "bundle") == 0 ? 0 : error_set(e, ERR_REQUEST,
		    "archive: a customizer is a bundle: index.js is wanted at its top, and no program (ELF)");
	u->version.kind = strcmp(kind, "native") == 0 ? REG_NATIVE : REG_BUNDLE;
	if ((size_t)snprintf(u->version.program, sizeof(u->version.program), "%s", json_str(o, "program", "")) >=
	    sizeof(u->version.program) || strchr(u->version.program, '/') != NULL)
		return error_set(e, ERR_REQUEST, "archive: its program's name has over %d bytes", REG_PROGRAM_BYTES_MAX);
	return connector_check(u, kind, e);
}

static const struct reg_connector *
target(const struct upload *u)
{
	return u->customizer ? registry_customizer(u->id) : registry_find(u->id);
}

static void
tell(struct upload *u, uint32_t number)
{
	const char	*what = u->customizer ? "customizer" : "connector";
	char		 text[REG_NAME_BYTES_MAX + 96], event[32];
	cJSON		*o;

	snprintf(text, sizeof(text), "%s@%u %s", reg_called(target(u)), number, u->version.sha256);
	snprintf(event, sizeof(event), "%s.upload", what);
	audit_add(u->caller, event, text);
	snprintf(event, sizeof(event), "%s.uploaded", what);
	o = slog_new(SLOG_INFO, event);
	(void)json_set_str(o, "caller", u->caller);
	(void)json_set_str(o, "version", text);
	slog_write(o);
}

/* The answer: what it is now. */
static cJSON *
uploaded_print(const struct upload *u, uint32_t number)
{
	cJSON	*o = cJSON_CreateObject();
	char	 image[BETA_IMAGE_BYTES + 1], at[MOMENT_BYTES];

	/* The command line tool and the published API do not agree on a customizer's name. */
	(void)json_set_str(o, u->customizer ? "connectorCustomizerId" : "connectorId", u->id);
	if (u->customizer) {
		beta_image_id(&u->version, image);
		(void)json_set_str(o, "customizerID", u->id);
		(void)json_set_str(o, "imageID", image);
	}
	(void)json_set(o, "version", json_int(number));
	if (u->customizer) {
		moment_print(reg_version(target(u), number)->created_ms, at);
		(void)json_set_str(o, "created", at);
	}
	return o;
}

static void
on_ended(void *arg)
{
	struct upload		*u = arg;
	struct evhttp_request	*req;
	struct error		 e = ERROR_NONE;
	uint32_t		 number = 0;

	if (u->gone) {
		upload_free(u);
		return;
	}
	if (said_take(u, &e) == 0 && registry_publish(u->id, u->staged, &u->version, u->stored, &number, &e) == 0) {
		u->staged[0] = '\0';
		tell(u, number);
	}
	req = stream_release(&u->stream);
	if (e.code != ERR_NONE)
		answer_problem(req, &(struct problem){ .error = &e, .status = e.code == ERR_LIMIT ? FULL_STATUS : 0 });
	else
		answer_json(req, 200, uploaded_print(u, number));
	upload_free(u);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct upload	*u = arg;

	(void)fd;
	(void)what;
	u->overdue = true;
	far_kill(u->chore);
}

static void
on_gone(void *arg)
{
	struct upload	*u = arg;

	if (u->chore == NULL) {
		upload_free(u);
		return;
	}
	u->gone = true;
	far_kill(u->chore);
}

static void
on_drained(void *arg)
{
	(void)arg;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct upload		*u = arg;
	struct evhttp_request	*req;
	struct timeval		 soon = { 0, 0 };	/* after a look at all others; event_active() would come before it */
	struct error		 e = ERROR_NONE;
	int			 r = spool(u, &e);

	(void)fd;
	(void)what;
	if (r == 0) {
		event_add(&u->turn, &soon);
		return;
	}
	conn_release(u->stream.conn);
	if (r == 1 && unpack_start(u, &e) == 0)
		return;
	req = stream_release(&u->stream);
	answer_problem(req, &(struct problem){ .error = &e });
	upload_free(u);
}

static int
upload_begin(struct upload *u, struct exchange *x, struct error *e)
{
	static const struct accepted	 plain = { .form = FORM_LINES };
	struct timeval			 soon = { 0, 0 };

	if (spool_open(u, x, e) == -1)
		return -1;
	if (stream_open(&u->stream, x->req, x->conn, &plain, on_drained, on_gone, u) == -1)
		return error_set(e, ERR_SYSTEM, "no memory for another upload");
	event_add(&u->turn, &soon);
	return 0;
}

/* What must hold before the archive is looked at. */
static const struct reg_connector *
upload_check(struct exchange *x, bool customizer)
{
	const char			*type = evhttp_find_header(evhttp_request_get_input_headers(x->req), "Content-Type");
	const struct reg_connector	*c = customizer ? beta_customizer(x) : beta_connector(x);
	size_t				 len = evbuffer_get_length(evhttp_request_get_input_buffer(x->req));
	struct error			 e = ERROR_NONE;

	if (c == NULL)
		return NULL;
	if (type == NULL || strcasecmp(type, "application/zip") != 0) {
		answer_refuse(x->req, 415, ERR_REQUEST, "Content-Type: application/zip is wanted");
		return NULL;
	}
	if (len == 0 || len > UPLOAD_BYTES_MAX) {
		answer_refuse(x->req, len == 0 ? 400 : 413, ERR_REQUEST, "an archive of 1 to %d bytes is wanted", UPLOAD_BYTES_MAX);
		return NULL;
	}
	if (registry_room(len, &e) == -1) {
		answer_problem(x->req, &(struct problem){ .error = &e, .status = FULL_STATUS });
		return NULL;
	}
	if (under_way >= UPLOADS_MAX || server.draining) {
		(void)error_set(&e, ERR_SHED, "%u uploads are under way: try again in %d s", under_way, UPLOAD_RETRY_S);
		answer_problem(x->req, &(struct problem){ .error = &e, .retry_s = UPLOAD_RETRY_S });
		return NULL;
	}
	return c;
}

static void
upload(struct exchange *x, bool customizer)
{
	const struct reg_connector	*c = upload_check(x, customizer);
	struct upload			*u;
	struct error			 e = ERROR_NONE;

	if (c == NULL)
		return;
	if ((u = calloc(1, sizeof(*u))) == NULL) {
		answer_refuse(x->req, 503, ERR_SYSTEM, "no memory for another upload");
		return;
	}
	under_way++;
	u->customizer = customizer;
	u->version.kind = REG_BUNDLE;
	u->said = u->spool = -1;
	u->stream.state = STREAM_OVER;
	evtimer_assign(&u->turn, server.base, on_turn, u);
	evtimer_assign(&u->late, server.base, on_late, u);
	snprintf(u->id, sizeof(u->id), "%s", c->id);
	snprintf(u->caller, sizeof(u->caller), "%s", x->caller);
	snprintf(u->version.by, sizeof(u->version.by), "%s", x->caller);
	if (upload_begin(u, x, &e) == 0)
		return;
	upload_free(u);
	answer_problem(x->req, &(struct problem){ .error = &e });
}

void
beta_upload(struct exchange *x)
{
	upload(x, false);
}

void
beta_customizer_upload(struct exchange *x)
{
	upload(x, true);
}
