/*
 * spec.c -- reads connector-spec.json: the commands, which config values are
 * secret, and where a worker may go.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/spec.h"
#include "worker/contract/util.h"

#define TEMPLATE_OPEN	"{{config."
#define TEMPLATE_CLOSE	"}}"

int
spec_parse(const char *text, size_t len, struct spec *sp, struct error *e)
{
	const struct json_limits	 limits = { SPEC_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX };
	autojson			*doc = json_parse(text, len, &limits, e);
	const cJSON			*commands, *c;
	const char			*name;

	if (doc == NULL) {
		error_in(e, "connector-spec.json");
		e->code = ERR_NO_CONNECTOR;
		return -1;
	}
	name = json_str(doc, "name", NULL);
	if (name == NULL || name[0] == '\0')
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: name: must be a text");
	commands = json_get(doc, "commands");
	if (!cJSON_IsArray(commands))
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: commands: must be an array");
	cJSON_ArrayForEach(c, commands)
		if (!cJSON_IsString(c) || c->valuestring[0] == '\0')
			return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: commands: each must be a name");
	sp->name = name;
	sp->doc = json_steal(&doc);
	return 0;
}

int
spec_load(const char *path, struct spec *sp, struct error *e)
{
	autofd		 fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat	 st;
	autofree char	*text = NULL;
	ssize_t		 n = 0;
	size_t		 len = 0;

	if (fd == -1 || fstat(fd, &st) == -1) {
		error_sys(e, "%.200s", path);
		e->code = ERR_NO_CONNECTOR;
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SPEC_BYTES_MAX)
		return error_set(e, ERR_NO_CONNECTOR, "%.200s: no file of at most %d bytes", path, SPEC_BYTES_MAX);
	if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		return error_set(e, ERR_SYSTEM, "%.200s: no memory", path);
	while (len < (size_t)st.st_size && (n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
		len += (size_t)n;
	if (n == -1)
		return error_sys(e, "%.200s", path);
	return spec_parse(text, len, sp, e);
}

void
spec_free(struct spec *sp)
{
	cJSON_Delete(sp->doc);
	sp->doc = NULL;
	sp->name = NULL;
}

bool
spec_has_command(const struct spec *sp, const char *type)
{
	const cJSON	*c;

	if (strcmp(type, "std:spec:read") == 0)
		return true;
	cJSON_ArrayForEach(c, json_get(sp->doc, "commands"))
		if (cJSON_IsString(c) && strcmp(c->valuestring, type) == 0)
			return true;
	return false;
}

/*
 * The form is a tree of menus, sections and items; cards hold forms of their
 * own.  fn gets each item and the config object that its key is looked up in.
 */
typedef void (*item_fn)(void *arg, const cJSON *item, const cJSON *values);

static void
items_walk(const cJSON *list, const cJSON *values, unsigned int depth, item_fn fn, void *arg)
{
	const cJSON	*o, *card;

	if (depth == 0)
		return;
	cJSON_ArrayForEach(o, list) {
		const char	*type = json_str(o, "type", "");
		const char	*key = json_str(o, "key", NULL);

		if (strcmp(type, "cardList") == 0 && key != NULL) {
			cJSON_ArrayForEach(card, json_get(values, key))
				items_walk(json_get(o, "subMenus"), card, depth - 1, fn, arg);
		} else if (key == NULL || strcmp(type, "menu") == 0 || strcmp(type, "section") == 0)
			items_walk(json_get(o, "items"), values, depth - 1, fn, arg);
		else
			fn(arg, o, values);
	}
}

static bool
is_secret(const char *type)
{
	return strcmp(type, "secret") == 0 || strcmp(type, "secrettextarea") == 0;
}

struct secrets {
	void	(*fn)(void *arg, const char *value);
	void	*arg;
};

static void
secret_tell(const struct secrets *s, const cJSON *v)
{
	const cJSON	*each;

	if (cJSON_IsString(v) && v->valuestring[0] != '\0')
		s->fn(s->arg, v->valuestring);
	else if (cJSON_IsArray(v))
		cJSON_ArrayForEach(each, v)
			secret_tell(s, each);
}

static void
secret_item(void *arg, const cJSON *item, const cJSON *values)
{
	static const struct { const char *half, *dflt; } halves[] = {
		{ "keyValueKey", "key" }, { "keyValueValue", "value" },
	};
	const struct secrets	*s = arg;
	const cJSON		*v = json_get(values, json_str(item, "key", "")), *pair;

	if (is_secret(json_str(item, "type", "")))
		secret_tell(s, v);
	if (strcmp(json_str(item, "type", ""), "keyValue") != 0)
		return;
	cJSON_ArrayForEach(pair, v)
		for (size_t i = 0; i < N_ITEMS(halves); i++) {
			const cJSON	*half = json_get(item, halves[i].half);

			if (!is_secret(json_str(half, "type", "")))
				continue;
			secret_tell(s, json_get(pair, halves[i].dflt));
			secret_tell(s, json_get(pair, json_str(half, "key", halves[i].dflt)));
		}
}

void
spec_secrets(const struct spec *sp, const cJSON *config, void (*fn)(void *arg, const char *value), void *arg)
{
	struct secrets	 s = { fn, arg };

	items_walk(json_get(sp->doc, "sourceConfig"), config, JSON_DEPTH_MAX, secret_item, &s);
}

struct egress {
	struct egress_rule	*rules;
	size_t			 n;
	struct error		*e;
	bool			 failed;
};

static void
rule_add(struct egress *g, const char *host, uint16_t port)
{
	struct egress_rule	*r = &g->rules[g->n];

	for (size_t i = 0; i < g->n; i++)
		if (g->rules[i].port == port && strcmp(g->rules[i].host, host) == 0)
			return;
	if (g->n == SPEC_EGRESS_MAX) {
		g->failed = error_set(g->e, ERR_LIMIT, "egress: more than %d hosts", SPEC_EGRESS_MAX) == -1;
		return;
	}
	memset(r, 0, sizeof(*r));
	for (size_t i = 0; host[i] != '\0' && i < EGRESS_HOST_BYTES_MAX; i++)
		r->host[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] + 32 : host[i]);
	r->port = port;
	g->n++;
}

static bool
host_ok(const char *h)
{
	static const char	 usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t			 skip = strncmp(h, "*.", 2) == 0 ? 2 : 0;

	return h[skip] != '\0' && h[skip] != '.' && strlen(h) <= EGRESS_HOST_BYTES_MAX &&
	    h[skip + strspn(h + skip, usual)] == '\0';
}

/* Fills templates: 1 done, 0 a key is absent or empty, -1 too long. *key: the last one used. */
static int
template_fill(const char *t, const cJSON *config, struct buf *b, char key[CONNECTOR_NAME_MAX + 1])
{
	const char	*open, *close;
	const char	*v;

	while ((open = strstr(t, TEMPLATE_OPEN)) != NULL && (close = strstr(open, TEMPLATE_CLOSE)) != NULL) {
		buf_add(b, t, (size_t)(open - t));
		open += strlen(TEMPLATE_OPEN);
		snprintf(key, CONNECTOR_NAME_MAX + 1, "%.*s", (int)(close - open), open);
		v = json_str(config, key, "");
		if (v[0] == '\0')
			return 0;
		buf_adds(b, v);
		t = close + strlen(TEMPLATE_CLOSE);
	}
	buf_adds(b, t);
	return b->failed ? -1 : 1;
}

/* A place is a URL with its port, or a bare host with the rule's ports. */
static void
place_add(struct egress *g, const char *place, const cJSON *ports, const char *key)
{
	char		 host[EGRESS_HOST_BYTES_MAX + 1];
	uint16_t	 port;
	bool		 https;
	const cJSON	*p;
	int64_t		 n;

	if (url_host_port(place, host, &port, &https) == 0) {
		rule_add(g, host, port);
		return;
	}
	if (strstr(place, "://") != NULL || !host_ok(place)) {
		g->failed = error_set(g->e, ERR_INVALID_CONFIGURATION, "config.%s: must be %s", key,
		    "an http(s) URL or a host name, without user name") == -1;
		return;
	}
	if (ports == NULL)
		rule_add(g, place, 443);
	cJSON_ArrayForEach(p, ports)
		if (json_i64_of(p, &n) && n > 0 && n <= UINT16_MAX)
			rule_add(g, place, (uint16_t)n);
		else
			g->failed = error_set(g->e, ERR_NO_CONNECTOR, "egress: a port is 1 to 65535") == -1;
}

static void
url_item(void *arg, const cJSON *item, const cJSON *values)
{
	struct egress	*g = arg;
	const char	*key = json_str(item, "key", "");
	const char	*v = json_str(values, key, "");

	if (!g->failed && strcmp(json_str(item, "type", ""), "url") == 0 && v[0] != '\0')
		place_add(g, v, NULL, key);
}

int
spec_egress(const struct spec *sp, const cJSON *config, struct egress_rule rules[SPEC_EGRESS_MAX], size_t *n,
    struct error *e)
{
	struct egress	 g = { .rules = rules, .e = e };
	const cJSON	*list = json_get(sp->doc, "egress"), *rule;

	*n = 0;
	if (list == NULL)
		items_walk(json_get(sp->doc, "sourceConfig"), config, JSON_DEPTH_MAX, url_item, &g);
	else if (!cJSON_IsArray(list))
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: egress: must be an array");
	cJSON_ArrayForEach(rule, list) {
		const char	*t = json_str(rule, "host", NULL);
		char		 key[CONNECTOR_NAME_MAX + 1] = "host";
		autobuf		 b;

		buf_init(&b, REQUEST_BYTES_MAX);
		if (t == NULL)
			return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: egress: a rule needs a host");
		switch (template_fill(t, config, &b, key)) {
		case 1:
			place_add(&g, b.data == NULL ? "" : b.data, json_get(rule, "ports"), key);
			break;
		case -1:
			return error_set(e, ERR_LIMIT, "config.%s: too long for a host", key);
		}
		if (g.failed)
			return -1;
	}
	*n = g.n;
	return g.failed ? -1 : 0;
}
