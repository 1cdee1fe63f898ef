/*
 * spec.c -- reads connector-spec.json: the commands it offers, and which values
 * of a configuration are secret.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/request.h"
#include "worker/contract/spec.h"
#include "worker/contract/spec_private.h"
#include "worker/contract/util.h"

/* Items whose values are public.  What no row knows is treated as a secret. */
static const char *const public_types[] = {
	"text", "textarea", "url", "number", "checkbox", "toggle", "radio", "select", "list", "keyValue", "cardList",
};

static int
broken(struct error *e, const char *where, const char *what)
{
	return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: %s: %s", where, what);
}

static int
commands_check(const cJSON *commands, struct error *e)
{
	const cJSON	*c;

	if (!cJSON_IsArray(commands))
		return broken(e, "commands", "must be an array");
	cJSON_ArrayForEach(c, commands)
		if (!cJSON_IsString(c) || c->valuestring[0] == '\0' || strlen(c->valuestring) > REQUEST_TYPE_BYTES_MAX)
			return broken(e, "commands", "each must be the name of a command");
	return 0;
}

/* Menus, sections, items, cards: whatever has a type has it as a string, and a value needs a key. */
static int
form_check(const cJSON *list, struct error *e)
{
	static const char *const	 inner[] = { "items", "subMenus" };
	const cJSON			*o;

	if (list == NULL)
		return 0;
	if (!cJSON_IsArray(list))
		return broken(e, "sourceConfig", "lists of menus, sections and items must be arrays");
	cJSON_ArrayForEach(o, list) {
		const cJSON	*type = json_get(o, "type"), *key = json_get(o, "key");

		if (!cJSON_IsObject(o) || (type != NULL && !cJSON_IsString(type)) ||
		    (key != NULL && !cJSON_IsString(key)))
			return broken(e, "sourceConfig", "each part must be an object, its type and key text");
		for (size_t i = 0; i < N_ITEMS(inner); i++)
			if (form_check(json_get(o, inner[i]), e) == -1)
				return -1;
	}
	return 0;
}

/* The kinds it names; 0: it names none, or something that is none. */
static unsigned int
cache_kinds(const cJSON *cache)
{
	static const char *const	 names[] = { [KEPT_TOKEN] = "token", [KEPT_SESSION] = "tls" };
	const cJSON			*v;
	unsigned int			 kinds = 0, bit;

	if (!cJSON_IsArray(cache))
		return 0;
	cJSON_ArrayForEach(v, cache) {
		bit = 0;
		for (size_t i = 0; i < KEPT__MAX; i++)
			if (cJSON_IsString(v) && strcmp(v->valuestring, names[i]) == 0)
				bit = 1u << i;
		if (bit == 0 || (kinds & bit) != 0)
			return 0;
		kinds |= bit;
	}
	return kinds;
}

static int
cache_check(const cJSON *cache, struct error *e)
{
	if (cache == NULL || cache_kinds(cache) != 0)
		return 0;
	return broken(e, "cache", "must be a list of \"token\", \"tls\" or both, once each; nothing else can be kept");
}

unsigned int
spec_caches(const struct spec *sp)
{
	return cache_kinds(json_get(sp->doc, "cache"));
}

int
spec_parse(const char *text, size_t len, struct spec *sp, struct error *e)
{
	const struct json_limits	 limits = { SPEC_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX };
	autojson			*doc = json_parse(text, len, &limits, e);
	const char			*name;

	if (doc == NULL) {
		error_in(e, "connector-spec.json");
		e->code = ERR_NO_CONNECTOR;
		return -1;
	}
	if ((name = json_str(doc, "name", NULL)) == NULL || name[0] == '\0')
		return broken(e, "name", "must be a text");
	if (commands_check(json_get(doc, "commands"), e) == -1 ||
	    form_check(json_get(doc, "sourceConfig"), e) == -1 ||
	    egress_check(json_get(doc, "egress"), e) == -1 || rate_check(json_get(doc, "rate"), e) == -1 ||
	    cache_check(json_get(doc, "cache"), e) == -1 || runtime_check(json_get(doc, "runtime"), e) == -1)
		return -1;
	sp->name = name;
	sp->doc = json_steal(&doc);
	return 0;
}

int
spec_load(const char *path, struct spec *sp, struct error *e)
{
	return spec_load_fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), path, sp, e);
}

int
spec_load_fd(int taken, const char *path, struct spec *sp, struct error *e)
{
	autofd		 fd = taken;
	struct stat	 st;
	autofree char	*text = NULL;
	ssize_t		 n = 0;
	size_t		 len = 0;

	if (fd == -1 || fstat(fd, &st) == -1) {
		bool	 ours = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO;

		/* What we have run out of is no word on whether there is one. */
		error_sys(e, "%.200s", path);
		e->code = ours ? ERR_SYSTEM : ERR_NO_CONNECTOR;
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SPEC_BYTES_MAX)
		return error_set(e, ERR_NO_CONNECTOR, "%.200s: no file of at most %d bytes", path, SPEC_BYTES_MAX);
	if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		return error_set(e, ERR_LIMIT, "%.200s: out of memory", path);
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
	*sp = (struct spec){ 0 };
}

bool
spec_has_command(const struct spec *sp, const char *type)
{
	const cJSON	*c;

	if (strcmp(type, "std:spec:read") == 0)
		return true;
	cJSON_ArrayForEach(c, json_get(sp->doc, "commands"))
		if (strcmp(c->valuestring, type) == 0)
			return true;
	return false;
}

void
form_walk(const cJSON *list, const cJSON *values, item_fn fn, void *arg)
{
	const cJSON	*o, *card;

	cJSON_ArrayForEach(o, list) {
		const char	*type = json_str(o, "type", "");
		const char	*key = json_str(o, "key", NULL);

		if (key == NULL || strcmp(type, "menu") == 0 || strcmp(type, "section") == 0) {
			form_walk(json_get(o, "items"), values, fn, arg);
			continue;
		}
		if (strcmp(type, "cardList") == 0)
			cJSON_ArrayForEach(card, json_get(values, key))
				form_walk(json_get(o, "subMenus"), card, fn, arg);
		fn(arg, o, values);
	}
}

struct secrets {
	void	(*fn)(void *arg, const char *value);
	void	*arg;
};

static bool
is_secret(const char *type)
{
	for (size_t i = 0; i < N_ITEMS(public_types); i++)
		if (strcmp(type, public_types[i]) == 0)
			return false;
	return true;
}

/* Every string of a secret value, whatever its shape. */
static void
secret_tell(const struct secrets *s, const cJSON *v)
{
	const cJSON	*inner;

	if (cJSON_IsString(v) && v->valuestring[0] != '\0')
		s->fn(s->arg, v->valuestring);
	else if (cJSON_IsArray(v) || cJSON_IsObject(v))
		cJSON_ArrayForEach(inner, v)
			secret_tell(s, inner);
}

/* A pair's halves are items of their own; on the wire their members are "key" and "value". */
static void
pairs_tell(const struct secrets *s, const cJSON *item, const cJSON *pairs)
{
	static const struct { const char *half, *member; } halves[] = {
		{ "keyValueKey", "key" }, { "keyValueValue", "value" },
	};
	const cJSON	*pair;

	cJSON_ArrayForEach(pair, pairs)
		for (size_t i = 0; i < N_ITEMS(halves); i++) {
			const cJSON	*half = json_get(item, halves[i].half);
			const char	*own = json_str(half, "key", halves[i].member);

			if (!is_secret(json_str(half, "type", "text")))
				continue;
			secret_tell(s, json_get(pair, halves[i].member));
			if (strcmp(own, halves[i].member) != 0)
				secret_tell(s, json_get(pair, own));
		}
}

static void
secret_item(void *arg, const cJSON *item, const cJSON *values)
{
	const struct secrets	*s = arg;
	const char		*type = json_str(item, "type", "text");
	const cJSON		*v = json_get(values, json_str(item, "key", ""));

	if (is_secret(type))
		secret_tell(s, v);
	else if (strcmp(type, "keyValue") == 0)
		pairs_tell(s, item, v);
}

void
spec_secrets(const struct spec *sp, const cJSON *config, void (*fn)(void *arg, const char *value), void *arg)
{
	struct secrets	 s = { fn, arg };

	form_walk(json_get(sp->doc, "sourceConfig"), config, secret_item, &s);
}

struct plain {
	const cJSON	*config;
	const char	*key;
	bool		 found, secret;
};

/* Cards and pairs as well: whatever somebody calls a header is a header with a token in it. */
static void
plain_item(void *arg, const cJSON *item, const cJSON *values)
{
	struct plain	*p = arg;
	const char	*type = json_str(item, "type", "text");

	if (values != p->config || strcmp(json_str(item, "key", ""), p->key) != 0)
		return;
	p->found = true;
	p->secret = p->secret || is_secret(type) || strcmp(type, "keyValue") == 0 || strcmp(type, "cardList") == 0;
}

/* A scalar, or a list of scalars, and no address with a password in it. */
static bool
plain_value(const cJSON *v)
{
	const cJSON	*inner;
	const char	*at;

	if (cJSON_IsArray(v)) {
		cJSON_ArrayForEach(inner, v)
			if (cJSON_IsArray(inner) || !plain_value(inner))
				return false;
		return true;
	}
	if (!cJSON_IsString(v))
		return !cJSON_IsObject(v);
	/* One text may list several. */
	for (at = v->valuestring; (at = strstr(at, "//")) != NULL;) {
		at += strlen("//");
		if (at[strcspn(at, "@/?#")] == '@')
			return false;
	}
	return true;
}

int
spec_plain(const struct spec *sp, const cJSON *config, struct error *e)
{
	const cJSON	*m;

	cJSON_ArrayForEach(m, config) {
		struct plain	 p = { .config = config, .key = m->string };

		form_walk(json_get(sp->doc, "sourceConfig"), config, plain_item, &p);
		if (!p.found)
			return error_set(e, ERR_REQUEST, "%.64s: the connector's specification has no such item, so that it may be a "
			    "secret; give it with each invocation", m->string);
		if (p.secret || !plain_value(m))
			return error_set(e, ERR_REQUEST, "%.64s: it is a secret, or may hold one, and is not kept; give it with each "
			    "invocation", m->string);
	}
	return 0;
}
