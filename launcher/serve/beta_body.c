/*
 * beta_body.c -- small bodies of the platform's dialect.
 */
#include "launcher/serve/answer.h"
#include "launcher/serve/beta.h"
#include "launcher/serve/route.h"
#include "launcher/serve/serve.h"
#include "launcher/serve/take.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

/* What is no such thing is refused. */
static cJSON *
body_json(struct exchange *x, cJSON_bool (*is)(const cJSON *), const char *what)
{
	struct error	 e = ERROR_NONE;
	struct buf	 b = { 0 };
	cJSON		*v = NULL;

	if (body_take(x, &b, &e) == 0 && (v = json_parse(b.data, b.len, NULL, &e)) != NULL && !is(v)) {
		json_wipe(v);
		v = NULL;
		(void)error_set(&e, ERR_REQUEST, "the body must be a JSON %s", what);
	}
	buf_wipe(&b);
	if (v == NULL)
		answer_problem(x->req, &(struct problem){ .error = &e });
	return v;
}

cJSON *
beta_object(struct exchange *x)
{
	if (is_json(evhttp_find_header(evhttp_request_get_input_headers(x->req), "Content-Type")))
		return body_json(x, cJSON_IsObject, "object");
	answer_refuse(x->req, 415, ERR_REQUEST, "Content-Type: application/json is wanted");
	return NULL;
}

cJSON *
beta_array(struct exchange *x)
{
	return body_json(x, cJSON_IsArray, "list");
}
