/*
 * counted.c PATH N -- N records along one path and nothing else, for a tool that counts instructions
 * (tests/integration/counts.t): they are the same on every run, and do not drift with the machine.
 *
 *	judge	the launcher's look at a line
 *	print	a worker's result, from tree to line
 *	rows	a SCIM page, from bytes to one tree each
 *	copied	a SCIM user that is like one before, from bytes to its line
 *	request	a request read whole
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/request.h"
#include "worker/contract/rows.h"
#include "worker/contract/util.h"
#include "worker/runtime/stencil.h"

#define N_MAX	100000

static const char	 account[] =
"{\"data\":{\"key\":{\"simple\":{\"id\":\"00004711\"}},\"attributes\":{\"userName\":\"j\xc3\xb6rg.4711\","
"\"displayName\":\"J\xc3\xb6rg \\\"4711\\\" Meier\",\"active\":true,\"age\":41.5,\"emails\":[\"a4711@example.test\","
"\"b4711@example.test\"],\"groups\":[\"g1\",\"g2\",\"g11\"],\"manager\":null},\"disabled\":false},\"type\":\"output\"}";

static const char	 user[] =
"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"2819c223-7f76-453a-919d-413861904646\","
"\"userName\":\"bjensen@example.test\",\"name\":{\"formatted\":\"Ms. Barbara J Jensen, III\",\"familyName\":\"Jensen\","
"\"givenName\":\"Barbara\"},\"emails\":[{\"value\":\"bjensen@example.test\",\"type\":\"work\",\"primary\":true}],"
"\"active\":true,\"meta\":{\"resourceType\":\"User\",\"version\":\"W\\/\\\"3694e05e9dff591\\\"\"}}";

static const char	 request[] =
"{\"type\":\"std:account:read\",\"config\":{\"baseUrl\":\"https://scim.example.test/v2\",\"token\":\"0123456789abcdef\"},"
"\"input\":{\"identity\":\"4711\",\"key\":{\"simple\":{\"id\":\"4711\"}}}}";

static int
judge(int n, struct error *e)
{
	struct line_facts	 f;

	for (int i = 0; i < n; i++)
		if (line_judge(account, sizeof(account) - 1, &f, e) == -1)
			return -1;
	return 0;
}

static int
print(int n, struct error *e)
{
	autojson	*tree = json_parse(account, sizeof(account) - 1, NULL, e);
	autobuf		 b = { .max = LINE_BYTES_MAX };

	for (int i = 0; tree != NULL && i < n; i++) {
		b.len = 0;
		record_print(&b, REC_OUTPUT, cJSON_GetObjectItemCaseSensitive(tree, "data"));
	}
	return tree == NULL ? -1 : buf_check(&b, "line", e);
}

static int
row_taken(void *arg, cJSON *row, struct error *e)
{
	(void)e;
	++*(int *)arg;
	json_wipe(row);
	return 0;
}

static int
rows(int n, struct error *e)
{
	int			 seen = 0, r;
	struct rows_options	 o = { "/Resources", LINE_BYTES_MAX, LINE_BYTES_MAX, row_taken, &seen };
	struct rows		*in = rows_new(&o);
	autojson		*envelope = NULL;
	static const char	 before[] = "{\"totalResults\":1,\"Resources\":[", after[] = "]}";

	r = in == NULL ? -1 : rows_feed(in, before, sizeof(before) - 1, e);
	for (int i = 0; r == 0 && i < n; i++)
		if (i > 0 && (r = rows_feed(in, ",", 1, e)) == -1)
			break;
		else
			r = rows_feed(in, user, sizeof(user) - 1, e);
	if (r == 0 && (r = rows_feed(in, after, sizeof(after) - 1, e)) == 0)
		r = rows_end(in, &envelope, e);
	rows_free(in);
	return r == 0 && seen == n ? 0 : -1;
}

static void
user_facts(void *arg, const cJSON *row, struct row_text facts[ROW_FACTS_MAX])
{
	(void)arg;
	facts[0].text = json_str(row, "id", NULL);
	facts[0].len = strlen(facts[0].text);
}

static cJSON *
user_make(void *arg, const cJSON *row, struct error *e)
{
	static const char *const	 from[] = { "/id", "/userName", "/name/familyName", "/name/givenName", "/emails/0/value", "/active" };
	cJSON				*out = cJSON_CreateObject();

	(void)arg;
	(void)e;
	for (size_t i = 0; i < N_ITEMS(from); i++)
		if (json_set(out, strrchr(from[i], '/') + 1, json_dup(json_at(row, from[i]))) == -1)
			exit(1);
	return out;
}

static bool
user_looks(void *arg, const struct row_text *names, size_t n)
{
	(void)arg;
	return n > 0 && names[n - 1].text != NULL && names[n - 1].len == 4 && memcmp(names[n - 1].text, "type", 4) == 0;
}

static int
copied(int n, struct error *e)
{
	static const struct row_maker	 m = { user_facts, NULL, user_make, user_looks, false, NULL };
	struct stencil			*st = stencil_new(&m);
	autojson			*row = json_parse(user, sizeof(user) - 1, NULL, e);
	autobuf				 line = { .max = LINE_BYTES_MAX };
	struct stencil_met		 met;
	int				 r = st == NULL || row == NULL ? -1 : 0;

	for (unsigned int i = 0; r == 0 && i < STENCIL_ROWS_BEFORE + 1; i++)
		stencil_learn(st, user, sizeof(user) - 1, row);
	for (int i = 0; r == 0 && i < n; i++) {
		char	*space;

		buf_reset(&line);
		if (stencil_meet(st, user, sizeof(user) - 1, &met) != STENCIL_MET || (space = buf_space(&line, met.line_bytes)) == NULL)
			r = error_set(e, ERR_GENERIC, "a user that is not met");
		else
			stencil_write(st, &met, space);
	}
	stencil_free(st);
	return r;
}

static int
requests(int n, struct error *e)
{
	for (int i = 0; i < n; i++) {
		struct request	 rq = { 0 };

		if (request_parse(request, sizeof(request) - 1, &rq, e) == -1)
			return -1;
		request_free(&rq);
	}
	return 0;
}

static const struct {
	const char	*name;
	int		(*run)(int n, struct error *e);
} paths[] = {
	{ "judge", judge }, { "print", print }, { "rows", rows }, { "copied", copied }, { "request", requests },
};

int
main(int argc, char **argv)
{
	struct error	 e = ERROR_NONE;
	int		 n = argc == 3 ? atoi(argv[2]) : 0;

	for (size_t i = 0; n > 0 && n <= N_MAX && i < N_ITEMS(paths); i++)
		if (strcmp(argv[1], paths[i].name) == 0) {
			if (paths[i].run(n, &e) == 0)
				return 0;
			fprintf(stderr, "counted: %s\n", e.msg);
			return 1;
		}
	fprintf(stderr, "usage: counted judge|print|rows|copied|request N\n");
	return 64;
}
