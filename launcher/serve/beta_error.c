/*
 * beta_error.c -- the platform's error object.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/slog.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

/* What is ours alone, and speaks as it always did. */
static const char *const	 ours[] = { "/v1", "/healthz", "/readyz", "/metrics" };
/* Names of one and the same API. */
static const char *const	 years[] = { "/v2024/", "/v2025/", "/v2026/" };
/* So do newer clients: a version behind the name of what it is about. */
static const char *const	 versioned[] = {
	"/platform-connectors/v1", "/connector-customizers/v1", "/connector-instances/v1", "/platform-logs/v1",
};
#define VERSION_BYTES	strlen("/v1")

bool
beta_speaks(const char *path)
{
	for (size_t i = 0; i < N_ITEMS(ours); i++) {
		size_t	 n = strlen(ours[i]);

		if (strncmp(path, ours[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
			return false;
	}
	return true;
}

const char *
beta_path(const char *path, char *scratch, size_t n)
{
	for (size_t i = 0; i < N_ITEMS(years); i++) {
		size_t	 skip = strlen(years[i]);

		if (strncmp(path, years[i], skip) != 0)
			continue;
		return snprintf(scratch, n, "/beta/%s", path + skip) < (int)n ? scratch : NULL;
	}
	for (size_t i = 0; i < N_ITEMS(versioned); i++) {
		size_t	 skip = strlen(versioned[i]);

		if (strncmp(path, versioned[i], skip) != 0 || (path[skip] != '/' && path[skip] != '\0'))
			continue;
		return snprintf(scratch, n, "/beta%.*s%s", (int)(skip - VERSION_BYTES), versioned[i], path + skip) < (int)n ?
		    scratch : NULL;
	}
	return path;
}

static cJSON *
message(const char *text)
{
	cJSON	*list = cJSON_CreateArray(), *m = cJSON_CreateObject();

	(void)json_set_str(m, "locale", "en-US");
	(void)json_set_str(m, "localeOrigin", "DEFAULT");
	(void)json_set_str(m, "text", text);
	(void)json_push(list, m);
	return list;
}

/* One that is in the log, for what never became an invocation. */
static void
tracking_make(const struct error *why, char id[33])
{
	unsigned char	 r[16] = { 0 };
	cJSON		*o;

	(void)!getrandom(r, sizeof(r), 0);
	for (size_t i = 0; i < sizeof(r); i++)
		snprintf(id + 2 * i, 3, "%02x", r[i]);
	o = slog_new(SLOG_INFO, "request.refused");
	(void)json_set_str(o, "trackingId", id);
	(void)json_set_str(o, "cause", error_face(why->code)->word);
	(void)json_set_str(o, "message", why->msg);
	slog_write(o);
}

void
beta_problem(struct evhttp_request *req, const struct problem *p, int status)
{
	const struct error_face	*face = error_face(p->error->code);
	cJSON			*o = cJSON_CreateObject();
	char			 text[640], cause[ERROR_CAUSE_BYTES], id[33];

	snprintf(text, sizeof(text), "%d %s", status, face->word);
	(void)json_set_str(o, "detailCode", text);
	if (p->invocation == NULL)
		tracking_make(p->error, id);
	(void)json_set_str(o, "trackingId", p->invocation == NULL ? id : p->invocation);
	/* What the connector said is told apart from what we say. */
	snprintf(text, sizeof(text), "%s%s", p->error->code >= ERR_GENERIC && p->error->code <= ERR_UPSTREAM &&
	    p->invocation != NULL ? "[ConnectorError] " : "", p->error->msg);
	(void)json_set(o, "messages", message(text));
	snprintf(text, sizeof(text), "%s (%s): %s", error_cause(p->error, cause), error_type(p->error), face->meaning);
	(void)json_set(o, "causes", message(text));
	answer_json(req, status, o);
}
