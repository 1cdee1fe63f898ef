/*
 * doctor.c -- `bascule doctor`: what this host can confine with, tried and not guessed.
 */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "launcher/cli/doctor.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define OUT_BYTES_MAX	(256 * KIB)
#define BOLD		"\033[1m"
#define PLAIN		"\033[0m"

static const char usage[] =
"usage: bascule doctor [--sandbox strict|container] [--without LAYER] [--require LAYER]\n"
"                      [--json] [--color auto|always|never]\n"
"\n"
"Tries each layer of confinement in a child, the egress broker and every\n"
"connector.  Says why a layer is missing and what would allow it.  Exit status\n"
"0 if the chosen layers hold.\n";

struct doctor_options {
	struct layers_asked	 layers;
	const char		*color;
	bool			 json, help;
};

static const char *const colors[] = {
	[FOUND]		= "\033[32m",
	[MISSING]	= "\033[1;31m",
	[ABSENT]	= "\033[33m",
	[WAIVED]	= "\033[33m",
};

static bool
holds(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->rows[i].state == MISSING)
			return false;
	return true;
}

static size_t
width_of(const struct findings *f, bool group)
{
	size_t	 most = 0;

	for (size_t i = 0; i < f->n; i++) {
		size_t	 n = strlen(group ? f->rows[i].group : f->rows[i].name);

		most = n > most ? n : most;
	}
	return most;
}

static void
row_print(struct buf *b, const struct finding *r, size_t group_width, size_t name_width, bool color)
{
	buf_addf(b, "%-*s  %-*s  ", (int)group_width, r->group, (int)name_width, r->name);
	buf_addf(b, "%s%-7s%s", color ? colors[r->state] : "", finding_state_name(r->state), color ? PLAIN : "");
	if (r->text[0] != '\0') {
		buf_adds(b, "  ");
		(void)text_safe(b, r->text, strlen(r->text), 0);
	}
	buf_addc(b, '\n');
}

static void
list_print(struct buf *b, const char *head, const cJSON *list)
{
	const cJSON	*v;

	cJSON_ArrayForEach(v, list) {
		buf_addf(b, "  %-8s", v == list->child ? head : "");
		(void)text_safe(b, v->valuestring, strlen(v->valuestring), 0);
		buf_addc(b, '\n');
	}
}

static void
advice_print(struct buf *b, const cJSON *a, bool color)
{
	buf_addf(b, "\n%s%s%s\n", color ? BOLD : "", json_str(a, "layer", ""), color ? PLAIN : "");
	list_print(b, "why", json_get(a, "why"));
	list_print(b, "allow", json_get(a, "allow"));
	if (json_get(a, "remains") != NULL)
		buf_addf(b, "  %-8s%s\n  %-8s%s\n", "remains", json_str(a, "remains", ""), "lost", json_str(a, "lost", ""));
}

/* One for each layer that is missing, absent or waived: what was found first stands for it. */
static cJSON *
advices(const struct findings *f)
{
	cJSON		*all = cJSON_CreateArray();
	unsigned int	 done = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct finding	*r = &f->rows[i];

		if (r->layer == LAYER_INVALID || r->state == FOUND || (done & (1u << r->layer)) != 0)
			continue;
		done |= 1u << r->layer;
		(void)json_push(all, doctor_advice(r->layer, r->text));
	}
	return all;
}

static void
table_print(struct buf *b, const struct findings *f, const cJSON *advice, bool color)
{
	size_t		 group_width = width_of(f, true), name_width = width_of(f, false);
	const cJSON	*a;

	for (size_t i = 0; i < f->n; i++)
		row_print(b, &f->rows[i], group_width, name_width, color);
	if (f->cut > 0)
		buf_addf(b, "and %zu more\n", f->cut);
	cJSON_ArrayForEach(a, advice)
		advice_print(b, a, color);
	buf_addf(b, "\n%s%s%s: %s\n", color ? (holds(f) ? colors[FOUND] : colors[MISSING]) : "", f->asked->set->name,
	    color ? PLAIN : "", holds(f) ? "holds" : "does not hold; nothing runs until it does, or less is asked for");
}

static void
json_report(struct buf *b, const struct findings *f, const cJSON *advice)
{
	autojson	*o = cJSON_CreateObject();
	cJSON		*rows = cJSON_CreateArray(), *waived = cJSON_CreateArray();
	struct utsname	 u;

	(void)json_set_str(o, "set", f->asked->set->name);
	(void)json_set_bool(o, "holds", holds(f));
	(void)json_set_str(o, "kernel", uname(&u) == 0 ? u.release : "");
	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
		if (f->asked->waived & (1u << l))
			(void)json_push(waived, cJSON_CreateString(sandbox_layer_name(l)));
	(void)json_set(o, "waived", waived);
	for (size_t i = 0; i < f->n; i++) {
		cJSON	*r = cJSON_CreateObject();

		(void)json_set_str(r, "group", f->rows[i].group);
		(void)json_set_str(r, "name", f->rows[i].name);
		(void)json_set_str(r, "state", finding_state_name(f->rows[i].state));
		if (f->rows[i].text[0] != '\0')
			(void)json_set_str(r, "text", f->rows[i].text);
		(void)json_push(rows, r);
	}
	(void)json_set(o, "findings", rows);
	(void)json_set(o, "advice", json_dup(advice));
	json_print(b, o);
	buf_addc(b, '\n');
}

static int
value_take(struct doctor_options *o, const char *option, const char *value, struct error *e)
{
	if (value == NULL)
		return error_set(e, ERR_USAGE, "%.60s needs a value", option);
	if (strcmp(option, "--sandbox") == 0)
		return layer_set(&o->layers, value, e);
	if (strcmp(option, "--without") == 0)
		return layer_without(&o->layers, value, e);
	if (strcmp(option, "--require") == 0)
		return layer_require(&o->layers, value, e);
	if (strcmp(value, "auto") != 0 && strcmp(value, "always") != 0 && strcmp(value, "never") != 0)
		return error_set(e, ERR_USAGE, "--color takes auto, always or never");
	o->color = value;
	return 0;
}

static int
options_read(int argc, char **argv, struct doctor_options *o, struct error *e)
{
	static const char *const	 with_value[] = { "--sandbox", "--without", "--require", "--color" };

	for (int i = 1; i < argc; i++) {
		size_t	 k = 0;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			o->help = true;
		else if (strcmp(argv[i], "--json") == 0)
			o->json = true;
		else {
			while (k < N_ITEMS(with_value) && strcmp(argv[i], with_value[k]) != 0)
				k++;
			if (k == N_ITEMS(with_value))
				return error_set(e, ERR_USAGE, "bascule doctor: no such option: %.60s (see --help)", argv[i]);
			if (value_take(o, argv[i], argv[i + 1], e) == -1)
				return -1;
			i++;
		}
	}
	return layers_settle(&o->layers, e);
}

int
cmd_doctor(int argc, char **argv)
{
	struct doctor_options	 o = { 0 };
	struct error		 e = ERROR_NONE;
	struct findings		*f = calloc(1, sizeof(*f));
	autojson		*advice = NULL;
	autobuf			 b;
	int			 status;

	buf_init(&b, OUT_BYTES_MAX);
	if (f == NULL)
		(void)error_set(&e, ERR_SYSTEM, "no memory");
	if (f == NULL || options_read(argc, argv, &o, &e) == -1) {
		free(f);
		return cli_fail(&e);
	}
	if (o.help) {
		free(f);
		(void)fputs(usage, stdout);
		return 0;
	}
	f->asked = &o.layers;
	doctor_try(f);
	advice = advices(f);
	if (o.json)
		json_report(&b, f, advice);
	else
		table_print(&b, f, advice, color_wanted(o.color, STDOUT_FILENO));
	(void)fwrite(b.data != NULL ? b.data : "", 1, b.len, stdout);
	status = holds(f) ? 0 : error_face(ERR_SANDBOX)->exit;
	free(f);
	return status;
}
