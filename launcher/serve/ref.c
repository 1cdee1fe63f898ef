/*
 * ref.c -- names, ids, tags and versions of connectors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/registry/registry.h"
#include "launcher/serve/ref.h"
#include "worker/contract/util.h"

void
ref_own_id(const char *name, char id[REF_ID_BYTES + 1])
{
	/* Of the last one: calls come in rows. */
	static char	 of[CONNECTOR_NAME_MAX + 1], known[REF_ID_BYTES + 1];
	char		 text[CONNECTOR_NAME_MAX + 32];

	if (known[0] == '\0' || strcmp(of, name) != 0) {
		snprintf(text, sizeof(text), "bascule connector %s", name);
		reg_uuid_of(text, known);
		snprintf(of, sizeof(of), "%s", name);
	}
	memcpy(id, known, sizeof(known));
}

void
ref_base(const char *name, char base[CONNECTOR_NAME_MAX + 1])
{
	snprintf(base, CONNECTOR_NAME_MAX + 1, "%.*s", (int)strcspn(name, "@"), name);
}

void
ref_identity(const char *name, char id[REF_ID_BYTES + 1], uint32_t *version)
{
	char				 base[CONNECTOR_NAME_MAX + 1];
	const char			*at = strchr(name, '@');
	const struct reg_connector	*c;

	ref_base(name, base);
	if ((c = registry_find(base)) != NULL)
		snprintf(id, REF_ID_BYTES + 1, "%s", c->id);
	else
		ref_own_id(base, id);
	*version = at == NULL ? REF_OWN_VERSION : (uint32_t)strtoul(at + 1, NULL, 10);
}

void
ref_lasting(const char *name, char lasting[REF_LASTING_BYTES + 1])
{
	static_assert(REF_LASTING_BYTES >= REF_ID_BYTES + sizeof("@4294967295"), "an id and a version fit");
	char				 base[CONNECTOR_NAME_MAX + 1];
	const struct reg_connector	*c;

	ref_base(name, base);
	if ((c = registry_find(base)) == NULL)
		snprintf(lasting, REF_LASTING_BYTES + 1, "%s", name);
	else
		snprintf(lasting, REF_LASTING_BYTES + 1, "%s%s", c->id, name + strcspn(name, "@"));
}

struct wanted {
	char	 base[REQUEST_ID_BYTES_MAX + 1];	/* name or id */
	char	 tag[REQUEST_ID_BYTES_MAX + 1];		/* "": version it is */
	int64_t	 version;
};

/* Digits: a version; else: a tag. */
static int
which_read(const char *text, struct wanted *w, struct error *e)
{
	if (text[0] == '\0')
		return error_set(e, ERR_NO_CONNECTOR, "a tag or a version is wanted behind '@'");
	if (text[strspn(text, "0123456789")] != '\0') {
		snprintf(w->tag, sizeof(w->tag), "%s", text);
		return 0;
	}
	if (strlen(text) > 9)
		return error_set(e, ERR_NO_CONNECTOR, "there is no version %.32s", text);
	w->version = strtol(text, NULL, 10);
	return 0;
}

static int
wanted_read(const char *text, const char *tag, int64_t version, struct wanted *w, struct error *e)
{
	const char	*at = strchr(text, '@');

	*w = (struct wanted){ .version = -1 };
	if (strlen(text) > REQUEST_ID_BYTES_MAX || strchr(text, '/') != NULL)
		return error_set(e, ERR_NO_CONNECTOR, "a connector's name has no '/' and at most %d bytes", CONNECTOR_NAME_MAX);
	snprintf(w->base, sizeof(w->base), "%.*s", (int)strcspn(text, "@"), text);
	if (at == NULL) {
		w->version = version;
		if (version < 0)
			snprintf(w->tag, sizeof(w->tag), "%s", tag[0] != '\0' ? tag : REF_TAG);
		return 0;
	}
	if (which_read(at + 1, w, e) == -1)
		return -1;
	/* A tag of the body is often nobody's choice, a version always is. */
	if (version >= 0 && version != w->version)
		return error_set(e, ERR_REQUEST, "version: %lld here, and %.64s in the connector's name", (long long)version, at);
	return 0;
}

struct own {
	const char	*id;
	char		 name[CONNECTOR_NAME_MAX + 1];
};

static void
own_match(void *arg, const char *name, const char *folder)
{
	struct own	*o = arg;
	char		 id[REF_ID_BYTES + 1];

	(void)folder;
	ref_own_id(name, id);
	if (strcmp(id, o->id) == 0 && strlen(name) <= CONNECTOR_NAME_MAX)
		snprintf(o->name, sizeof(o->name), "%s", name);
}

/* What came with the server has one version and one tag. */
static int
own_find(const struct wanted *w, struct connector_ref *ref, struct error *e)
{
	struct own	 o = { .id = w->base };

	if (strlen(w->base) == REF_ID_BYTES && w->base[8] == '-')
		(void)connector_each(own_match, &o);
	if (connector_find(o.name[0] != '\0' ? o.name : w->base, ref, e) == -1)
		return -1;
	if (w->tag[0] != '\0' ? strcmp(w->tag, REF_TAG) == 0 : w->version == REF_OWN_VERSION)
		return 0;
	if (w->tag[0] != '\0')
		(void)error_set(e, ERR_NO_CONNECTOR, "%s came with the server and has no tag \"%.64s\", only " REF_TAG, ref->name,
		    w->tag);
	else
		(void)error_set(e, ERR_NO_CONNECTOR, "%s came with the server and has no version %lld, only %d", ref->name,
		    (long long)w->version, REF_OWN_VERSION);
	connector_free(ref);
	return -1;
}

static int
uploaded_find(const struct reg_connector *c, const struct wanted *w, struct connector_ref *ref, struct error *e)
{
	const struct reg_tag		*t = w->tag[0] != '\0' ? reg_tag(c, w->tag) : NULL;
	const struct reg_version	*v = NULL;
	char				 path[REG_PATH_BYTES + REG_PROGRAM_BYTES_MAX + 1];

	if (w->tag[0] != '\0' && t == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "%s has no tag \"%.64s\"%s", c->alias, w->tag,
		    c->nversions == 0 ? ": nothing was uploaded yet" : "");
	if ((v = reg_version(c, t != NULL ? t->version : (uint32_t)w->version)) == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "%s has no version %lld", c->alias, (long long)w->version);
	reg_folder(v, path);
	if (v->kind == REG_NATIVE)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", v->program);
	if (connector_find(path, ref, e) == -1)
		return error_in(e, "%s@%u", c->alias, v->number);
	snprintf(ref->name, sizeof(ref->name), "%s@%u", c->alias, v->number);
	return 0;
}

int
ref_find(const char *text, const char *tag, int64_t version, struct connector_ref *ref, struct error *e)
{
	const struct reg_connector	*c;
	struct wanted			 w;

	if (wanted_read(text, tag, version, &w, e) == -1)
		return -1;
	if ((c = registry_find(w.base)) != NULL)
		return uploaded_find(c, &w, ref, e);
	return own_find(&w, ref, e);
}
