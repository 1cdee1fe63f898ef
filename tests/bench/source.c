/*
 * source.c -- practice sources beside the rows.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define SOURCES_MAX	4
#define PEM_BYTES	(64 * 1024)

static struct practice	 sources[SOURCES_MAX];
static const char	*const names[SOURCES_MAX] = { "source-0", "source-1", "source-2", "source-3" };

static void
copy_path(char *out, const char *fmt, const char *name)
{
	char	 below[64];

	snprintf(below, sizeof(below), fmt, name);
	snprintf(out, PATH_BYTES, "%s", bench_path(below));
}

static cJSON *
file_string(const char *path)
{
	static char	 text[PEM_BYTES];
	FILE		*f = fopen(path, "r");
	size_t		 n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);

	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	return n == 0 ? NULL : cJSON_CreateString(text);
}

static int
config_write(struct practice *p, struct error *e)
{
	cJSON	*config = cJSON_CreateObject(), *pem = p->tls ? file_string(p->authority) : NULL;
	FILE	*f = fopen(p->config, "w");
	char	*text;

	cJSON_AddStringToObject(config, "baseUrl", p->url);
	cJSON_AddStringToObject(config, "token", "practice");
	cJSON_AddNumberToObject(config, "pageSize", SOURCE_PAGE);
	if (pem != NULL)
		cJSON_AddItemToObject(config, "caBundle", pem);
	text = cJSON_PrintUnformatted(config);
	cJSON_Delete(config);
	if (f == NULL || text == NULL || (p->tls && pem == NULL)) {
		if (f != NULL)
			fclose(f);
		free(text);
		return error_set(e, ERR_SYSTEM, "%s: not written", p->config);
	}
	fprintf(f, "%s\n", text);
	free(text);
	return fclose(f) == 0 ? 0 : error_sys(e, "%s", p->config);
}

static int
source_start(struct practice *p, struct error *e)
{
	char		 users[16], *url;
	const char	*program = bench_path("libexec/bascule-practice");
	const char	*argv[] = { program, "--users", users, "--die-with-parent", p->tls ? "--tls" : NULL, "--ca-out", p->authority,
	    NULL };

	snprintf(users, sizeof(users), "%d", p->users);
	copy_path(p->config, "bench/%s.json", p->service.name);
	copy_path(p->authority, "bench/%s.pem", p->service.name);
	if (service_start(&p->service, argv, NULL, "http", e) == -1)
		return -1;
	url = strstr(p->service.line, "http");
	snprintf(p->url, sizeof(p->url), "%.*s", (int)strcspn(url, " \n"), url);
	return config_write(p, e);
}

struct practice *
practice_start(int users, bool tls, struct error *e)
{
	struct practice	*p = sources;

	while (p < sources + SOURCES_MAX && p->users != 0 && (p->users != users || p->tls != tls))
		p++;
	if (p == sources + SOURCES_MAX) {
		error_set(e, ERR_SYSTEM, "over %d practice sources", SOURCES_MAX);
		return NULL;
	}
	if (p->users == 0)
		*p = (struct practice){ .users = users, .tls = tls, .service = { .name = names[p - sources] } };
	if (p->service.pid == 0 && source_start(p, e) == -1)
		return NULL;
	return p;
}
