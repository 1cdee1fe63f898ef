/*
 * fuzz_rest.c -- any bytes as an expression, and as a description with its specification: no crash, no leak, a mark that
 * stays, results within their bound.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/rest/describe.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char	 world[] =
"{\"config\":{\"a\":\"b\",\"t\":{\"x\":\"y\"}},\"secret\":{\"k\":\"Q7ZK9XQ7ZK9X\"},\"input\":{\"password\":\"Q7ZK9XQ7ZK9X\","
"\"l\":[1,2,[3]]},\"record\":{\"id\":1,\"n\":null,\"s\":\"2026-01-31T12:00:00Z\",\"l\":[{\"v\":\"q\"},{\"v\":2}]},\"id\":\"i\"}";
static const char	 specification[] =
"{\"commands\":[\"std:account:list\"],\"accountSchema\":{\"attributes\":[{\"name\":\"id\",\"type\":\"string\"}]}}";

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
evaluate(const char *s, const cJSON *roots)
{
	struct error	 e = ERROR_NONE;
	struct text	*t = text_parse(s, &e);
	struct scope	 sc = { 0 };
	autovalue	 v = { 0 };
	char		*plain, *text;

	if (t == NULL) {
		must(e.code != ERR_NONE);
		return;
	}
	for (enum root r = 0; r < ROOT__MAX; r++)
		sc.roots[r] = json_get(roots, root_name(r));
	scope_begin(&sc);
	if (text_value(t, &sc, &v, &e) == 0 && v.v != NULL && !v.secret && (text = json_text(v.v)) != NULL) {
		must(strstr(text, "Q7ZK9XQ7ZK9X") == NULL);
		free(text);
	}
	scope_begin(&sc);
	if ((plain = text_string(t, &sc, ESCAPE_SEGMENT, NULL, &e)) != NULL)
		must(strlen(plain) <= EXPR_RESULT_BYTES_MAX && strstr(plain, "Q7ZK9XQ7ZK9X") == NULL);
	free(plain);
	text_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct error	 e = ERROR_NONE;
	autojson	*roots = json_parse(world, sizeof(world) - 1, NULL, &e);
	autojson	*spec = json_parse(specification, sizeof(specification) - 1, NULL, &e);
	autojson	*doc = NULL;
	autofree char	*s = malloc(n + 1);
	struct faults	 f = { 0 };
	struct description *d;

	must(s != NULL && roots != NULL && spec != NULL);
	memcpy(s, data, n);
	s[n] = '\0';
	/* What the author writes himself is no secret. */
	if (strstr(s, "Q7") == NULL && strstr(s, "K9") == NULL)
		evaluate(s, roots);
	if ((doc = json_parse(s, n, NULL, &e)) == NULL)
		return 0;
	buf_init(&f.text, FAULTS_BYTES_MAX);
	d = describe(doc, spec, &f);
	must((d == NULL) == (f.n > 0));
	describe_free(d);
	buf_free(&f.text);
	return 0;
}
