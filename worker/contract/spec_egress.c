/*
 * spec_egress.c -- where one invocation may go: the egress rules of a spec with
 * the values of a configuration in them.
 *
 * The spec's author sets the frame, the administrator fills it: a value may
 * be the whole place, but where a template has text around it the value cannot
 * break out of that text.
 */
#include <arpa/inet.h>
#include <string.h>

#include "worker/contract/buf.h"
#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/spec.h"
#include "worker/contract/spec_private.h"
#include "worker/contract/util.h"

#define TEMPLATE_OPEN	"{{"
#define TEMPLATE_CLOSE	"}}"
#define TEMPLATE_SPACE	"config."
#define DEFAULT_PORT	443
#define PLACE_BYTES_MAX	4096	/* a URL of a configuration */
#define LABEL_BYTES_MAX	63	/* between the dots of a name (RFC 1035) */

#define LETTERS		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS		"0123456789"

/* One template: {{config.key}}. */
struct template {
	const char	*begin, *end;			/* with its braces */
	char		 key[CONNECTOR_NAME_MAX + 1];
};

/* 1: found, 0: none left, -1: malformed. */
static int
template_next(const char *text, struct template *t)
{
	const char	*from, *to;
	size_t		 space = strlen(TEMPLATE_SPACE);

	if ((t->begin = strstr(text, TEMPLATE_OPEN)) == NULL)
		return 0;
	from = t->begin + strlen(TEMPLATE_OPEN);
	if ((to = strstr(from, TEMPLATE_CLOSE)) == NULL)
		return -1;
	t->end = to + strlen(TEMPLATE_CLOSE);
	from += strspn(from, " ");
	while (to > from && to[-1] == ' ')
		to--;
	if ((size_t)(to - from) <= space || memcmp(from, TEMPLATE_SPACE, space) != 0 ||
	    (size_t)(to - from) - space >= sizeof(t->key))
		return -1;
	from += space;
	memcpy(t->key, from, (size_t)(to - from));
	t->key[to - from] = '\0';
	return 1;
}

/* A DNS name or a dotted IPv4 address; nothing that a resolver would read as a number in disguise. */
static bool
host_usable(const char *host)
{
	const char	*label = host;
	struct in_addr	 v4;
	size_t		 len = strlen(host);

	if (len == 0 || len > EGRESS_HOST_BYTES_MAX)
		return false;
	for (;;) {
		size_t	 n = strcspn(label, ".");

		if (n == 0 || n > LABEL_BYTES_MAX || strspn(label, LETTERS DIGITS "-_") < n ||
		    label[0] == '-' || label[n - 1] == '-')
			return false;
		if (label[n] == '\0')
			break;
		label += n + 1;
	}
	if (strspn(label, DIGITS) == strlen(label) || strncasecmp(label, "0x", 2) == 0)
		return inet_pton(AF_INET, host, &v4) == 1;
	return true;
}

bool
egress_host_ok(const char *host)
{
	if (strncmp(host, "*.", 2) != 0)
		return host_usable(host);
	return host_usable(host + 2) && strchr(host + 2, '.') != NULL;
}

static int
broken(struct error *e, size_t index, const char *what)
{
	return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: egress/%zu: %s", index, what);
}

static int
ports_check(const cJSON *ports, size_t index, struct error *e)
{
	const cJSON	*p;
	int64_t		 port;

	if (ports == NULL)
		return 0;
	if (!cJSON_IsArray(ports) || ports->child == NULL)
		return broken(e, index, "ports must be an array that is not empty");
	cJSON_ArrayForEach(p, ports)
		if (!cJSON_IsNumber(p) || !json_i64_of(p, &port) || port < 1 || port > UINT16_MAX)
			return broken(e, index, "a port is a number from 1 to 65535");
	return 0;
}

int
egress_check(const cJSON *list, struct error *e)
{
	const cJSON	*rule;
	size_t		 index = 0;

	if (list != NULL && !cJSON_IsArray(list))
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: egress: must be an array");
	cJSON_ArrayForEach(rule, list) {
		const char	*host = json_str(rule, "host", "");
		struct template	 t;
		int		 found = template_next(host, &t);

		if (found == 0 && !egress_host_ok(host))
			return broken(e, index, "host must be a name, \"*.\" and a name, or have a "
			    "{{config.key}} in it");
		for (; found == 1; found = template_next(t.end, &t))
			;
		if (found == -1)
			return broken(e, index, "a template is {{config.key}}");
		if (ports_check(json_get(rule, "ports"), index, e) == -1)
			return -1;
		index++;
	}
	return 0;
}

/* What is being gathered. */
struct egress {
	struct egress_rule	*rules;
	size_t			 n;
	struct error		*e;
	int			 failed;	/* -1 once something was refused */
};

static int
refuse(struct egress *g, const char *key, const char *what)
{
	return g->failed = error_set(g->e, ERR_INVALID_CONFIGURATION, "config.%s: %s", key, what);
}

static int
rule_add(struct egress *g, const char *host, uint16_t port)
{
	struct egress_rule	 rule = { .port = port };

	for (size_t i = 0; host[i] != '\0'; i++)
		rule.host[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] | 0x20 : host[i]);
	for (size_t i = 0; i < g->n; i++)
		if (g->rules[i].port == port && strcmp(g->rules[i].host, rule.host) == 0)
			return 0;
	if (g->n == SPEC_EGRESS_MAX)
		return g->failed = error_set(g->e, ERR_LIMIT, "egress: over %d hosts", SPEC_EGRESS_MAX);
	g->rules[g->n++] = rule;
	return 0;
}

static int
host_add(struct egress *g, const char *host, const cJSON *ports)
{
	const cJSON	*p;
	int64_t		 port;

	if (ports == NULL)
		return rule_add(g, host, DEFAULT_PORT);
	cJSON_ArrayForEach(p, ports)
		if (json_i64_of(p, &port) && rule_add(g, host, (uint16_t)port) == -1)
			return -1;
	return 0;
}

/* Only a host's letters matter, but a path is of no use here either. */
static bool
is_ascii(const char *s)
{
	while (*s > 0 && *s < 0x7f)
		s++;
	return *s == '\0';
}

/* A filled-in place: a URL has its own port, a bare host those of the rule. */
static int
place_add(struct egress *g, const char *place, const cJSON *ports, const char *key, bool framed)
{
	char		 host[EGRESS_HOST_BYTES_MAX + 1];
	uint16_t	 port;
	bool		 https;

	if (!is_ascii(place))
		return refuse(g, key, "has letters outside ASCII: write an international name in its xn-- form");
	if (url_host_port(place, host, &port, &https) == 0)
		return host_usable(host) ? rule_add(g, host, port) : refuse(g, key, "has no usable host name");
	if (framed ? !egress_host_ok(place) : !host_usable(place))
		return refuse(g, key, "must be an http(s) URL or a host name, without a user name");
	return host_add(g, place, ports);
}

/*
 * Fills the templates of text into b.  1: done, 0: a key is absent or empty, -1 with *g failed.
 * t: the last template.
 */
static int
templates_fill(struct egress *g, const char *text, const cJSON *config, bool framed, struct buf *b, struct template *t)
{
	char	 scratch[32];

	for (; template_next(text, t) == 1; text = t->end) {
		const char	*v = json_scalar_text(json_get(config, t->key), scratch, sizeof(scratch));

		if (v == NULL || v[0] == '\0')
			return 0;
		if (framed && strspn(v, LETTERS DIGITS ".-_") != strlen(v))
			return refuse(g, t->key, "must be part of a host name: letters, digits, '.', '-' and '_'");
		buf_add(b, text, (size_t)(t->begin - text));
		buf_adds(b, v);
	}
	buf_adds(b, text);
	return b->failed ? refuse(g, t->key, "is too long for a host") : 1;
}

static int
declared_add(struct egress *g, const cJSON *rule, const cJSON *config)
{
	const char	*host = json_str(rule, "host", "");
	const cJSON	*ports = json_get(rule, "ports");
	autobuf		 place = { .max = PLACE_BYTES_MAX };
	struct template	 t;
	bool		 framed;
	int		 filled;

	if (template_next(host, &t) != 1)
		return host_add(g, host, ports);
	framed = t.begin != host || *t.end != '\0';
	if ((filled = templates_fill(g, host, config, framed, &place, &t)) != 1)
		return filled;
	return place_add(g, place.data, ports, t.key, framed);
}

static void
url_item(void *arg, const cJSON *item, const cJSON *values)
{
	struct egress	*g = arg;
	const char	*key = json_str(item, "key", "");
	const char	*v = json_str(values, key, "");

	if (g->failed == 0 && strcmp(json_str(item, "type", ""), "url") == 0 && v[0] != '\0')
		(void)place_add(g, v, NULL, key, false);
}

int
spec_egress(const struct spec *sp, const cJSON *config, struct egress_rule rules[SPEC_EGRESS_MAX], size_t *n,
    struct error *e)
{
	struct egress	 g = { .rules = rules, .e = e };
	const cJSON	*declared = json_get(sp->doc, "egress"), *rule;

	*n = 0;
	if (declared == NULL)
		form_walk(json_get(sp->doc, "sourceConfig"), config, url_item, &g);
	cJSON_ArrayForEach(rule, declared)
		if (declared_add(&g, rule, config) == -1)
			return -1;
	if (g.failed == -1)
		return -1;
	*n = g.n;
	return 0;
}
