/*
 * connectors.c -- `bascule connectors`: what is installed, or what one can do.
 */
#include <string.h>

#include "launcher/cli/cli.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define TITLE_COLUMNS	32
#define NAME_COLUMNS	16

struct listing {
	bool	 json, failed;
};

static void
pad_print(struct buf *b, const char *text, size_t columns)
{
	for (size_t used = text_safe(b, text, strlen(text), columns); used < columns + 2; used++)
		buf_addc(b, ' ');
}

static void
line_print(struct buf *b, const char *name, const struct connector_ref *ref)
{
	const cJSON	*c;

	pad_print(b, name, NAME_COLUMNS);
	pad_print(b, ref->spec.name, TITLE_COLUMNS);
	cJSON_ArrayForEach(c, json_get(ref->spec.doc, "commands")) {
		const char	*type = cJSON_IsString(c) ? c->valuestring : "";

		/* Shorter, and it may be typed so. */
		type += strncmp(type, "std:", 4) == 0 ? 4 : 0;
		buf_addc(b, ' ');
		(void)text_safe(b, type, strlen(type), 0);
	}
	buf_addc(b, '\n');
}

static void
json_line_print(struct buf *b, const char *name, const struct connector_ref *ref)
{
	autojson	*o = cJSON_CreateObject();

	(void)json_set_str(o, "name", name);
	(void)json_set_str(o, "displayName", ref->spec.name);
	(void)json_set_str(o, "program", ref->program);
	(void)json_set(o, "commands", json_dup(json_get(ref->spec.doc, "commands")));
	json_print(b, o);
	buf_addc(b, '\n');
}

static void
connector_print(void *arg, const char *name, const char *folder)
{
	struct listing		*l = arg;
	struct connector_ref	 ref;
	struct error		 e = ERROR_NONE;
	char			 path[8192];
	autobuf			 b;

	buf_init(&b, 2 * SPEC_BYTES_MAX);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (connector_find(path, &ref, &e) == -1) {
		cli_say("bascule: %s: broken: %s", name, e.msg);
		l->failed = true;
		return;
	}
	if (l->json)
		json_line_print(&b, name, &ref);
	else
		line_print(&b, name, &ref);
	(void)fwrite(b.data != NULL ? b.data : "", 1, b.len, stdout);
	connector_free(&ref);
}

static int
commands_print(const char *name)
{
	struct connector_ref	 ref;
	struct error		 e = ERROR_NONE;
	const cJSON		*c;
	autobuf			 b;

	buf_init(&b, 2 * SPEC_BYTES_MAX);
	if (connector_find(name, &ref, &e) == -1)
		return cli_fail(&e);
	cJSON_ArrayForEach(c, json_get(ref.spec.doc, "commands")) {
		if (!cJSON_IsString(c))
			continue;
		(void)text_safe(&b, c->valuestring, strlen(c->valuestring), 0);
		buf_addc(&b, '\n');
	}
	(void)fwrite(b.data != NULL ? b.data : "", 1, b.len, stdout);
	connector_free(&ref);
	return 0;
}

int
cmd_connectors(int argc, char **argv)
{
	struct listing	 l = { .json = argc == 2 && strcmp(argv[1], "--json") == 0 };
	struct error	 e = ERROR_NONE;

	if (argc == 2 && argv[1][0] != '-')
		return commands_print(argv[1]);
	if (argc > 2 || (argc == 2 && !l.json)) {
		(void)error_set(&e, ERR_USAGE, "bascule connectors [--json | NAME]");
		return cli_fail(&e);
	}
	if (connector_each(connector_print, &l) == 0) {
		(void)error_set(&e, ERR_NO_CONNECTOR, "there are none; set BASCULE_CONNECTORS to a list of folders");
		return cli_fail(&e);
	}
	return l.failed ? error_face(ERR_NO_CONNECTOR)->exit : 0;
}
