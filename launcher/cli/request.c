/*
 * request.c -- the request of `bascule invoke`: from standard input, or put
 * together from arguments.  Texts that may hold a secret are wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "launcher/cli/cli.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

static int
file_read(const char *path, struct buf *b, struct error *e)
{
	autofd	 fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	char	 chunk[8192];
	ssize_t	 n;

	if (fd == -1) {
		error_sys(e, "%.200s", path);
		e->code = ERR_USAGE;
		return -1;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n == -1 && errno == EINTR))
		if (n > 0)
			buf_add(b, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	if (n == -1)
		return error_sys(e, "%.200s", path);
	return buf_check(b, strcmp(path, "-") == 0 ? "standard input" : path, e);
}

/* A JSON value from a file, under a name of the document. */
static int
member_read(cJSON *doc, const char *name, const char *path, struct error *e)
{
	struct buf	 b;
	cJSON		*v = NULL;

	buf_init(&b, REQUEST_BYTES_MAX);
	if (file_read(path, &b, e) == 0 &&
	    (v = json_parse(b.data == NULL ? "" : b.data, b.len, NULL, e)) == NULL)
		error_in(e, "%s (%.100s)", name, path);
	buf_wipe(&b);
	if (v == NULL)
		return -1;
	return json_set(doc, name, v) == 0 ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

static int
input_read(cJSON *doc, const char *input, struct error *e)
{
	cJSON	*v;

	if (input == NULL)
		return 0;
	if (input[0] == '@' || strcmp(input, "-") == 0)
		return member_read(doc, "input", input[0] == '@' ? input + 1 : input, e);
	if ((v = json_parse(input, strlen(input), NULL, e)) == NULL)
		return error_in(e, "--input (JSON, @FILE or -)");
	if (json_get(v, "password") != NULL || json_get(json_get(v, "attributes"), "password") != NULL) {
		json_wipe(v);
		return error_set(e, ERR_USAGE, "--input holds a password, and arguments are seen by everybody on this "
		    "machine: give it as @FILE or on standard input (-)");
	}
	return json_set(doc, "input", v) == 0 ? 0 : error_set(e, ERR_SYSTEM, "no memory");
}

static int
schema_read(cJSON *doc, const char *path, struct error *e)
{
	cJSON	*input = (cJSON *)(uintptr_t)json_get(doc, "input");

	if (path == NULL)
		return 0;
	if (input == NULL) {
		if (json_set(doc, "input", cJSON_CreateObject()) == -1)
			return error_set(e, ERR_SYSTEM, "no memory");
		input = (cJSON *)(uintptr_t)json_get(doc, "input");
	}
	if (!cJSON_IsObject(input))
		return error_set(e, ERR_USAGE, "--schema needs an input that is an object");
	return member_read(input, "schema", path, e);
}

void
command_full_name(const struct spec *sp, const char *typed, char name[REQUEST_TYPE_BYTES_MAX + 1])
{
	char	 full[REQUEST_TYPE_BYTES_MAX + 1];

	(void)snprintf(name, REQUEST_TYPE_BYTES_MAX + 1, "%s", typed);
	if (strncmp(typed, "std:", 4) == 0 || spec_has_command(sp, typed) ||
	    snprintf(full, sizeof(full), "std:%s", typed) >= (int)sizeof(full))
		return;
	if (spec_has_command(sp, full) || command_from_name(full) != CMD_CUSTOM)
		memcpy(name, full, sizeof(full));
}

static const char *
command_at(const void *arg, size_t i)
{
	const cJSON	*c = cJSON_GetArrayItem(json_get(arg, "commands"), (int)i);

	return cJSON_IsString(c) ? c->valuestring : NULL;
}

static int
command_check(const struct connector_ref *ref, const char *type, struct error *e)
{
	char		 full[REQUEST_TYPE_BYTES_MAX + sizeof("std:")];
	const char	*near;

	if (spec_has_command(&ref->spec, type))
		return 0;
	(void)snprintf(full, sizeof(full), "std:%s", type);
	if ((near = suggest_word(type, command_at, ref->spec.doc)) == NULL)
		near = suggest_word(full, command_at, ref->spec.doc);
	return error_set(e, ERR_UNSUPPORTED, "connector %s has no command \"%.128s\"%s%.128s%s", ref->name, type,
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static int
request_read(const struct connector_ref *ref, struct request *rq, struct error *e)
{
	struct buf	 b;
	int		 r;

	if (isatty(STDIN_FILENO))
		return error_set(e, ERR_USAGE, "no command; name one, or give the request on standard input");
	buf_init(&b, REQUEST_BYTES_MAX);
	r = file_read("-", &b, e);
	if (r == 0 && b.len == 0)
		r = error_set(e, ERR_REQUEST, "standard input is empty; name a command, or give the request there");
	if (r == 0)
		r = request_parse(b.data, b.len, rq, e);
	buf_wipe(&b);
	if (r == 0 && command_check(ref, rq->type, e) == -1) {
		request_free(rq);
		r = -1;
	}
	return r;
}

int
invoke_request_make(const struct invoke_options *o, const struct connector_ref *ref, struct request *rq,
    struct error *e)
{
	char	 name[REQUEST_TYPE_BYTES_MAX + 1];
	cJSON	*doc;

	if (o->command == NULL)
		return request_read(ref, rq, e);
	/* Before a config is read, perhaps from a keyboard. */
	command_full_name(&ref->spec, o->command, name);
	if (command_check(ref, name, e) == -1)
		return -1;
	if ((doc = cJSON_CreateObject()) == NULL || json_set_str(doc, "type", name) == -1) {
		cJSON_Delete(doc);
		return error_set(e, ERR_SYSTEM, "no memory");
	}
	if ((o->id == NULL || json_set_str(doc, "id", o->id) == 0) &&
	    (o->config == NULL || member_read(doc, "config", o->config, e) == 0) &&
	    input_read(doc, o->input, e) == 0 && schema_read(doc, o->schema, e) == 0 &&
	    request_from_tree(doc, rq, e) == 0)
		return 0;
	json_wipe(doc);
	return -1;
}
