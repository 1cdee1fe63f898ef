/*
 * spec_runtime.c -- what runs a connector: the "runtime" of a specification.
 */
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/spec.h"
#include "worker/contract/spec_private.h"
#include "worker/contract/util.h"

static const char *const kinds[] = {
	[RUNTIME_UNSAID] = "", [RUNTIME_NATIVE] = "native", [RUNTIME_EXEC] = "exec", [RUNTIME_NODE] = "node",
};
static_assert(N_ITEMS(kinds) == RUNTIME__MAX, "every kind has a name");

static int
broken(struct error *e, const char *where, const char *what)
{
	return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: runtime%s: %s", where, what);
}

static enum runtime_kind
kind_of(const cJSON *runtime)
{
	const char	*name = json_str(runtime, "kind", "");

	for (enum runtime_kind k = RUNTIME_NATIVE; k < RUNTIME__MAX; k++)
		if (strcmp(kinds[k], name) == 0)
			return k;
	return RUNTIME_UNSAID;
}

static bool
words_ok(const cJSON *list, int least, int most)
{
	const cJSON	*w;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) < least || cJSON_GetArraySize(list) > most)
		return false;
	cJSON_ArrayForEach(w, list)
		if (!cJSON_IsString(w) || w->valuestring[0] == '\0' || strlen(w->valuestring) > RUNTIME_WORD_BYTES_MAX)
			return false;
	return true;
}

int
runtime_check(const cJSON *runtime, struct error *e)
{
	enum runtime_kind	 kind = kind_of(runtime);
	const cJSON		*argv = json_get(runtime, "argv"), *tools = json_get(runtime, "tools");
	int64_t			 processes = json_i64(runtime, "processes", 0);

	if (runtime == NULL)
		return 0;
	if (!cJSON_IsObject(runtime) || kind == RUNTIME_UNSAID)
		return broken(e, ".kind", "must be \"native\", \"exec\" or \"node\"");
	if (kind != RUNTIME_EXEC && (argv != NULL || tools != NULL || json_get(runtime, "processes") != NULL))
		return broken(e, "", "argv, tools and processes are for the kind \"exec\"");
	if (kind != RUNTIME_EXEC)
		return 0;
	if (!words_ok(argv, 1, RUNTIME_WORDS_MAX))
		return broken(e, ".argv", "must be the program and its arguments, 1 to 16 texts of at most 1024 bytes");
	if (json_get(runtime, "processes") != NULL && (!cJSON_IsNumber(json_get(runtime, "processes")) || processes < 1 ||
	    processes > RUNTIME_PROCESSES_MAX))
		return broken(e, ".processes", "must be a number, 1 to 64; 1, if absent, is the program alone");
	if (tools != NULL && !words_ok(tools, 0, RUNTIME_WORDS_MAX))
		return broken(e, ".tools", "must be at most 16 paths of programs that it runs");
	if (tools != NULL && processes < 2)
		return broken(e, ".tools", "need \"processes\", 2 or more: a program alone runs no other");
	return 0;
}

void
spec_runtime(const struct spec *sp, struct spec_runtime *out)
{
	const cJSON	*runtime = json_get(sp->doc, "runtime");

	*out = (struct spec_runtime){ .kind = kind_of(runtime), .argv = json_get(runtime, "argv"),
	    .tools = json_get(runtime, "tools"), .processes = (unsigned int)json_i64(runtime, "processes", 1) };
}
