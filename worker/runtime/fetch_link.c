/*
 * fetch_link.c -- the Link header (RFC 8288): <target>; param=value; ..., <target>; ...
 */
#include <string.h>
#include <strings.h>

#include "worker/runtime/fetch_priv.h"

static const char *
space_skip(const char *p)
{
	return p + strspn(p, " \t");
}

/* A token or a quoted text; *n its length without quotes. The place behind it. */
static const char *
value_take(const char *p, const char **value, size_t *n)
{
	if (*p != '"') {
		*value = p;
		*n = strcspn(p, ";, \t");
		return p + *n;
	}
	*value = ++p;
	while (*p != '\0' && *p != '"')
		p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	*n = (size_t)(p - *value);
	return *p == '"' ? p + 1 : p;
}

/* rel="next last" names several. */
static bool
rel_has(const char *list, size_t n, const char *rel)
{
	size_t	 len = strlen(rel);

	for (size_t i = 0; i < n;) {
		size_t	 word = 0;

		while (i + word < n && list[i + word] != ' ')
			word++;
		if (word == len && strncasecmp(list + i, rel, len) == 0)
			return true;
		i += word + 1;
	}
	return false;
}

char *
link_find(const char *header, const char *rel)
{
	const char	*p = header;

	for (;;) {
		const char	*target, *value;
		size_t		 target_bytes, name_bytes, n;
		bool		 found = false, rel_seen = false;

		p += strspn(p, " \t,");
		if (*p != '<')
			return NULL;
		target = ++p;
		target_bytes = strcspn(p, ">");
		if (p[target_bytes] != '>')
			return NULL;
		p += target_bytes + 1;
		while (*(p = space_skip(p)) == ';') {
			const char	*name = p = space_skip(p + 1);

			name_bytes = strcspn(name, "=;, \t");
			p = space_skip(name + name_bytes);
			if (*p != '=')
				continue;
			p = value_take(space_skip(p + 1), &value, &n);
			/* Only the first rel of a link counts. */
			if (name_bytes == 3 && strncasecmp(name, "rel", 3) == 0 && !rel_seen) {
				rel_seen = true;
				found = rel_has(value, n, rel);
			}
		}
		if (found)
			return strndup(target, target_bytes);
		if (*p != ',' && *p != '\0')
			p += strcspn(p, ",");
	}
}
