/*
 * gen_render.c -- writes a person as JSON, by copying: this is the hot path of every list.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/practice/gen.h"
#include "launcher/practice/gen_private.h"
#include "worker/contract/util.h"

#define PUT(p, literal)	put((p), (literal), sizeof(literal) - 1)

static inline char *
put(char *p, const char *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

static inline char *
puts_(char *p, const char *s)
{
	return put(p, s, strlen(s));
}

char *
gen_put_number(char *p, uint64_t v, unsigned int width)
{
	char		 digits[20];
	unsigned int	 n = 0;

	do {
		digits[sizeof(digits) - ++n] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (n < width)
		digits[sizeof(digits) - ++n] = '0';
	return put(p, digits + sizeof(digits) - n, n);
}

/* The Gregorian calendar by eras of 400 years. */
static void
civil(int64_t days, unsigned int *year, unsigned int *month, unsigned int *day)
{
	int64_t		 z = days + 719468, era = z / 146097;
	unsigned int	 doe = (unsigned int)(z - era * 146097);
	unsigned int	 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned int	 doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned int	 mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = (unsigned int)(era * 400) + yoe + (*month <= 2);
}

static char *
put_pair(char *p, unsigned int v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

static char *
put_time(char *p, int64_t ms)
{
	int64_t		 s = ms / 1000;
	unsigned int	 year, month, day, in_day = (unsigned int)(s % 86400);

	civil(s / 86400, &year, &month, &day);
	p = put_pair(put_pair(p, year / 100), year % 100);
	*p++ = '-';
	p = put_pair(p, month);
	*p++ = '-';
	p = put_pair(p, day);
	*p++ = 'T';
	p = put_pair(p, in_day / 3600);
	*p++ = ':';
	p = put_pair(p, in_day / 60 % 60);
	*p++ = ':';
	p = put_pair(p, in_day % 60);
	if (ms % 1000 != 0) {
		*p++ = '.';
		p = gen_put_number(p, (uint64_t)(ms % 1000), 3);
	}
	*p++ = 'Z';
	return p;
}

void
gen_time_print(int64_t ms, char out[32])
{
	*put_time(out, ms) = '\0';
}

int
gen_time_parse(const char *s, int64_t *ms)
{
	struct tm	 tm = { 0 };
	const char	*rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t		 part = 0, scale = 100, zone_s = 0;
	int		 hours, minutes, used = 0;

	if (rest == NULL)
		return -1;
	if (*rest == '.') {
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
			part += (*rest - '0') * scale;
	}
	if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) == 2 && used == 5) {
		zone_s = (hours * 60 + minutes) * (*rest == '-' ? -60 : 60);
		rest += 1 + used;
	} else if (*rest == 'Z')
		rest++;
	if (*rest != '\0')
		return -1;
	*ms = ((int64_t)timegm(&tm) - zone_s) * 1000 + part;
	return 0;
}

static char *
put_login(char *p, uint64_t user, const struct gen_look *look)
{
	p = puts_(p, look->given->login);
	*p++ = '.';
	p = puts_(p, look->family->login);
	return gen_put_number(p, user, 0);
}

static char *
put_user_name(char *p, uint64_t user, const struct gen_look *look)
{
	p = put_login(p, user, look);
	return PUT(p, "@" GEN_DOMAIN);
}

static char *
put_home(char *p, uint64_t user, const struct gen_look *look)
{
	p = put_login(p, user, look);
	return PUT(p, "@home.example");
}

static char *
put_shown(char *p, const struct gen_look *look)
{
	p = puts_(p, look->given->shown);
	*p++ = ' ';
	return puts_(p, look->family->shown);
}

static char *
put_reference(const struct gen *g, enum kind kind, uint64_t index, char *p)
{
	p = put(p, g->base, g->base_bytes);
	p = kind == KIND_USER ? PUT(p, "/Users/") : PUT(p, "/Groups/");
	return gen_put_id(g, kind, index, p);
}

void
gen_text(const struct gen *g, uint64_t user, enum gen_field field, char out[GEN_TEXT_BYTES_MAX])
{
	struct gen_look	 look;
	char		*p = out;

	gen_look(g, user, &look);
	switch (field) {
	case GEN_ID:
		p = gen_put_id(g, KIND_USER, user, p);
		break;
	case GEN_EXTERNAL_ID:
		*p++ = 'E';
		p = gen_put_number(p, user, 7);
		break;
	case GEN_USER_NAME:
	case GEN_EMAIL:
		p = put_user_name(p, user, &look);
		break;
	case GEN_HOME_EMAIL:
		p = put_home(p, user, &look);
		break;
	case GEN_DISPLAY_NAME:
		p = put_shown(p, &look);
		break;
	case GEN_GIVEN_NAME:
		p = puts_(p, look.given->shown);
		break;
	case GEN_FAMILY_NAME:
		p = puts_(p, look.family->shown);
		break;
	case GEN_TITLE:
		p = puts_(p, look.title);
		break;
	case GEN_DEPARTMENT:
		p = puts_(p, look.department);
		break;
	case GEN_EMPLOYEE_NUMBER:
		p = gen_put_number(p, user + 1000, 0);
		break;
	case GEN_CREATED:
		p = put_time(p, look.created_s * 1000);
		break;
	case GEN_LAST_MODIFIED:
		p = put_time(p, look.modified_s * 1000);
		break;
	case GEN_FIELD__MAX:
		break;
	}
	*p = '\0';
}

static char *
put_head(const struct gen *g, uint64_t user, const struct gen_look *look, char *p)
{
	p = PUT(p, "{\"schemas\":[\"" SCIM_USER "\",\"" SCIM_ENTERPRISE "\"],\"id\":\"");
	p = gen_put_id(g, KIND_USER, user, p);
	p = PUT(p, "\",\"externalId\":\"E");
	p = gen_put_number(p, user, 7);
	p = PUT(p, "\",\"meta\":{\"resourceType\":\"User\",\"created\":\"");
	p = put_time(p, look->created_s * 1000);
	p = PUT(p, "\",\"lastModified\":\"");
	p = put_time(p, look->modified_s * 1000);
	p = PUT(p, "\",\"location\":\"");
	p = put_reference(g, KIND_USER, user, p);
	return PUT(p, "\"},");
}

static char *
put_person(uint64_t user, const struct gen_look *look, char *p)
{
	p = PUT(p, "\"userName\":\"");
	p = put_user_name(p, user, look);
	p = PUT(p, "\",\"name\":{\"formatted\":\"");
	p = put_shown(p, look);
	p = PUT(p, "\",\"familyName\":\"");
	p = puts_(p, look->family->shown);
	p = PUT(p, "\",\"givenName\":\"");
	p = puts_(p, look->given->shown);
	p = PUT(p, "\"},\"displayName\":\"");
	p = put_shown(p, look);
	p = PUT(p, "\",\"title\":\"");
	p = puts_(p, look->title);
	p = gen_active(user) ? PUT(p, "\",\"active\":true,") : PUT(p, "\",\"active\":false,");
	p = PUT(p, "\"emails\":[{\"value\":\"");
	p = put_user_name(p, user, look);
	p = PUT(p, "\",\"type\":\"work\",\"primary\":true},{\"value\":\"");
	p = put_home(p, user, look);
	p = PUT(p, "\",\"type\":\"home\"}],\"phoneNumbers\":[{\"value\":\"+1 555 ");
	p = gen_put_number(p, user % 10000000, 7);
	return PUT(p, "\",\"type\":\"work\"}]");
}

static char *
put_enterprise(const struct gen *g, uint64_t user, const struct gen_look *look, char *p)
{
	p = PUT(p, ",\"" SCIM_ENTERPRISE "\":{\"employeeNumber\":\"");
	p = gen_put_number(p, user + 1000, 0);
	p = PUT(p, "\",\"department\":\"");
	p = puts_(p, look->department);
	/* A tree of ten reports each; the first user is nobody's. */
	if (user > 0) {
		uint64_t	manager = (user - 1) / 10;
		struct gen_look	managers;

		gen_look(g, manager, &managers);
		p = PUT(p, "\",\"manager\":{\"value\":\"");
		p = gen_put_id(g, KIND_USER, manager, p);
		p = PUT(p, "\",\"$ref\":\"");
		p = put_reference(g, KIND_USER, manager, p);
		p = PUT(p, "\",\"displayName\":\"");
		p = put_shown(p, &managers);
		return PUT(p, "\"}}");
	}
	return PUT(p, "\"}");
}

char *
gen_render_user_open(const struct gen *g, uint64_t user, char *p)
{
	struct gen_look look;

	gen_look(g, user, &look);
	p = put_head(g, user, &look, p);
	p = put_person(user, &look, p);
	return put_enterprise(g, user, &look, p);
}

char *
gen_render_user(const struct gen *g, uint64_t user, char *p)
{
	uint32_t	groups[GEN_OWN_GROUPS_MAX];
	size_t		n = gen_user_groups(g, user, groups);

	p = gen_render_user_open(g, user, p);
	p = PUT(p, ",\"groups\":[");
	for (size_t i = 0; i < n; i++) {
		char	name[GEN_TEXT_BYTES_MAX];

		gen_group_name(g, groups[i], name);
		if (i > 0)
			*p++ = ',';
		p = gen_render_group_ref(g, groups[i], name, p);
	}
	return PUT(p, "]}");
}

char *
gen_render_group_ref(const struct gen *g, uint64_t group, const char *name, char *p)
{
	p = PUT(p, "{\"value\":\"");
	p = gen_put_id(g, KIND_GROUP, group, p);
	p = PUT(p, "\",\"$ref\":\"");
	p = put_reference(g, KIND_GROUP, group, p);
	p = PUT(p, "\",\"type\":\"direct\"");
	if (name != NULL) {
		p = PUT(p, ",\"display\":\"");
		p = puts_(p, name);
		*p++ = '"';
	}
	*p++ = '}';
	return p;
}

char *
gen_render_member(const struct gen *g, uint64_t user, char *p)
{
	p = PUT(p, "{\"value\":\"");
	p = gen_put_id(g, KIND_USER, user, p);
	p = PUT(p, "\",\"$ref\":\"");
	p = put_reference(g, KIND_USER, user, p);
	if (user < g->users) {
		struct gen_look look;

		gen_look(g, user, &look);
		p = PUT(p, "\",\"display\":\"");
		p = put_shown(p, &look);
	}
	return PUT(p, "\",\"type\":\"User\"}");
}
