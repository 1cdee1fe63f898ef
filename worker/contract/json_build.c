/*
 * json_build.c -- a cJSON tree, grown from the scanner's events.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/json_build.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

#define MEMBERS_PAIRWISE	16	/* up to here duplicates are looked for pair by pair */
#define POINTER_BYTES_MAX	200	/* of the pointer in a message */
#define WHOLE_DIGITS		15	/* any number of so many digits is exact in a double */

/* Four digits that the scanner has checked. */
static unsigned int
hex4(const char *p)
{
	unsigned int	 v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned int)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

static char *
utf8_put(char *out, unsigned int c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* The \u escape (or pair of them) at *in, which is moved behind it; 0 for what a tree cannot hold. */
static unsigned int
unicode_escape(const char **in, const char *end)
{
	const char	*p = *in;
	unsigned int	 c = hex4(p + 2), low;

	*in += 6;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return 0;
	low = hex4(p + 8);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*in += 6;
	return 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
}

/*
 * The scanned token in [in, end), without its quotes, as a C string into out,
 * which has room: no escape is shorter than what it stands for.
 */
static int
unescape(const char *in, const char *end, char *out)
{
	static const char	short_escapes[][2] = {
		{ 'b', '\b' }, { 'f', '\f' }, { 'n', '\n' }, { 'r', '\r' }, { 't', '\t' },
	};

	while (in < end) {
		const char	*slash = memchr(in, '\\', (size_t)(end - in));
		size_t		 plain = (size_t)((slash != NULL ? slash : end) - in);
		unsigned int	 c;

		memcpy(out, in, plain);
		out += plain;
		if (slash == NULL)
			break;
		if (slash[1] == 'u') {
			in = slash;
			if ((c = unicode_escape(&in, end)) == 0)
				return -1;
			out = utf8_put(out, c);
			continue;
		}
		*out = slash[1];
		for (size_t i = 0; i < N_ITEMS(short_escapes); i++)
			if (slash[1] == short_escapes[i][0])
				*out = short_escapes[i][1];
		out++;
		in = slash + 2;
	}
	*out = '\0';
	return 0;
}

/* Of a name or string, without its quotes. */
static size_t
token_inner(const struct scan *s)
{
	return s->offset - s->token > 2 ? (size_t)(s->offset - s->token) - 2 : 0;
}

static const char *
token_text(const struct json_build *b, const struct scan *s)
{
	return b->text + (s->token - b->text_at);
}

/* The token's text without its quotes; out has room for one more byte than that. */
static int
token_unescape(const struct json_build *b, const struct scan *s, char *out, struct error *e)
{
	const char	*text = token_text(b, s) + 1;
	size_t		 len = token_inner(s);

	if (!s->escaped) {
		memcpy(out, text, len);
		out[len] = '\0';
		return 0;
	}
	if (unescape(text, text + len, out) == 0)
		return 0;
	*out = '\0';	/* the message may name it */
	return error_set(e, ERR_REQUEST, "byte %llu: a string with \\u0000 or half a surrogate pair",
	    (unsigned long long)(s->token - b->origin));
}

static int
no_memory(struct error *e)
{
	return error_set(e, ERR_LIMIT, "out of memory for JSON");
}

/* What JSON mostly has needs no strtod: a whole number that a double holds exactly. */
static double
number_value(const char *digits, size_t len)
{
	double	 v = 0;

	for (size_t i = 0; i < len && len <= WHOLE_DIGITS; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return strtod(digits, NULL);
		v = v * 10 + (digits[i] - '0');
	}
	return len <= WHOLE_DIGITS ? v : strtod(digits, NULL);
}

static cJSON *
node_make(int type, size_t more)
{
	cJSON	*v = cJSON_malloc(sizeof(*v) + more);

	if (v != NULL)
		*v = (cJSON){ .type = type };
	return v;
}

/* With room for its text behind it. */
static cJSON *
node_text(int type, size_t bytes)
{
	cJSON	*v = node_make(type | cJSON_IsReference, bytes);

	if (v != NULL)
		v->valuestring = (char *)(v + 1);
	return v;
}

cJSON *
json_number_node(const char *digits, size_t len)
{
	cJSON	*v = node_text(cJSON_Number, len + 1);

	if (v == NULL)
		return NULL;
	memcpy(v->valuestring, digits, len);
	v->valuestring[len] = '\0';
	v->valuedouble = number_value(v->valuestring, len);
	v->valueint = v->valuedouble >= INT_MAX ? INT_MAX : v->valuedouble <= (double)INT_MIN ? INT_MIN : (int)v->valuedouble;
	return v;
}

/* The node of the value that has just begun or ended; NULL: refused or no memory, *e says which. */
static cJSON *
node_new(struct json_build *b, const struct scan *s, enum scan_event ev, struct error *e)
{
	static const int	 types[SCAN__MAX] = { [SCAN_OBJECT_BEGIN] = cJSON_Object, [SCAN_ARRAY_BEGIN] = cJSON_Array,
	    [SCAN_TRUE] = cJSON_True, [SCAN_FALSE] = cJSON_False, [SCAN_NULL] = cJSON_NULL };
	cJSON			*v;

	if (ev == SCAN_NUMBER)
		v = json_number_node(token_text(b, s), (size_t)(s->offset - s->token));
	else if (ev != SCAN_STRING)
		v = node_make(types[ev], 0);
	else if ((v = node_text(cJSON_String, (size_t)(s->offset - s->token))) != NULL &&
	    token_unescape(b, s, v->valuestring, e) == -1) {
		explicit_bzero(v->valuestring, token_inner(s));
		cJSON_Delete(v);
		return NULL;
	}
	if (v == NULL)
		(void)no_memory(e);
	return v;
}

/* Puts v at the end of its container, which has index level - 1. */
static void
node_place(struct json_build *b, cJSON *v, unsigned int level)
{
	cJSON	*parent, *first;

	if (level == 0) {
		b->root = v;
		return;
	}
	parent = b->level[level - 1].open;
	first = parent->child;
	b->level[level - 1].children++;
	if (first == NULL) {
		parent->child = v->prev = v;
	} else {
		v->prev = first->prev;
		first->prev->next = v;
		first->prev = v;
	}
	if (b->name == NULL)
		return;
	v->string = b->name;
	v->type |= b->name_kept ? cJSON_StringIsConst : 0;
	b->name = NULL;
	b->level[level - 1].again |= (b->level[level - 1].names & b->name_bit) != 0;
	b->level[level - 1].names |= b->name_bit;
}

struct member {
	cJSON	*v;
	size_t	 at;
};

static int
member_compare(const void *a, const void *b)
{
	const struct member	*x = a, *y = b;
	int			 order = strcmp(x->v->string, y->v->string);

	return order != 0 ? order : x->at < y->at ? -1 : x->at > y->at;
}

/* later has the name of earlier: it takes its place.  Who wipes the tree will not find the earlier one, which may be a secret. */
static void
member_supersede(cJSON *object, cJSON *earlier, cJSON *later)
{
	json_zero(earlier);
	cJSON_DetachItemViaPointer(object, later);
	cJSON_ReplaceItemViaPointer(object, earlier, later);
}

static void
settle_few(cJSON *object)
{
	for (cJSON *v = object->child, *w; v != NULL; v = v->next)
		for (cJSON *next = v->next; (w = next) != NULL;) {
			next = w->next;
			if (strcmp(v->string, w->string) == 0) {
				member_supersede(object, v, w);
				v = w;
			}
		}
}

/* Sorting, and no hash: a source that chooses the names cannot choose the time it takes. */
static int
settle_many(cJSON *object, size_t n, struct error *e)
{
	struct member	*all = calloc(n, sizeof(*all));
	size_t		 i = 0;

	if (all == NULL)
		return no_memory(e);
	for (cJSON *v = object->child; v != NULL; v = v->next) {
		all[i].v = v;
		all[i].at = i;
		i++;
	}
	qsort(all, n, sizeof(*all), member_compare);
	for (i = 1; i < n; i++)
		if (strcmp(all[i - 1].v->string, all[i].v->string) == 0)
			member_supersede(object, all[i - 1].v, all[i].v);
	free(all);
	return 0;
}

/* Of members with one name the last stays, at the place of the first, as JSON.parse has it. */
static int
duplicates_settle(cJSON *object, size_t n, struct error *e)
{
	if (n > MEMBERS_PAIRWISE)
		return settle_many(object, n, e);
	settle_few(object);
	return 0;
}

static int
name_read(struct json_build *b, const struct scan *s, struct error *e)
{
	const char		*text = token_text(b, s) + 1;
	size_t			 len = token_inner(s);
	const struct kept_name	*k;

	b->name_kept = b->names_kept && !s->escaped && (k = name_find(text, len, &b->name_last)) != NULL;
	if (b->name_kept) {
		b->name = k->text;
		b->name_bit = k->bit;
		return 0;
	}
	if ((b->name = malloc(len + 1)) == NULL)
		return no_memory(e);
	if (token_unescape(b, s, b->name, e) == -1)
		return -1;
	b->name_bit = name_bit(b->name, s->escaped ? strlen(b->name) : len);
	return 0;
}

static int
container_end(struct json_build *b, unsigned int level, enum scan_event ev, struct error *e)
{
	return ev == SCAN_OBJECT_END && b->level[level].again ? duplicates_settle(b->level[level].open, b->level[level].children, e) : 0;
}

/* Once, to the most there can be. */
static int
levels_grow(struct json_build *b, struct error *e)
{
	struct json_level	*all = calloc(JSON_DEPTH_MAX, sizeof(*all));

	if (all == NULL)
		return no_memory(e);
	memcpy(all, b->few, sizeof(b->few));
	b->level = all;
	return 0;
}

int
json_build_event(struct json_build *b, const struct scan *s, enum scan_event ev, struct error *e)
{
	bool		 begins = ev == SCAN_OBJECT_BEGIN || ev == SCAN_ARRAY_BEGIN;
	unsigned int	 depth = s->depth - b->outer;
	cJSON		*v;

	if (ev == SCAN_NAME)
		return name_read(b, s, e);
	if (ev == SCAN_OBJECT_END || ev == SCAN_ARRAY_END) {
		b->levels = depth - 1;
		return container_end(b, depth - 1, ev, e);
	}
	if (b->nodes++ == b->nodes_max)
		return error_set(e, ERR_LIMIT, "byte %llu: over %zu values", (unsigned long long)(s->token - b->origin),
		    b->nodes_max);
	if (begins && depth > JSON_LEVELS_FEW && b->level == b->few && levels_grow(b, e) == -1)
		return -1;
	if ((v = node_new(b, s, ev, e)) == NULL)
		return -1;
	node_place(b, v, depth - begins);
	if (begins) {
		b->level[depth - 1] = (struct json_level){ .open = v };
		b->levels = depth;
	}
	return 0;
}

void
json_build_tell(const struct json_build *b, unsigned int depth, struct error *e)
{
	char	 text[POINTER_BYTES_MAX + 1] = "";
	size_t	 n = 0;

	/* The scanner counts a container whose beginning was refused. */
	if (depth > b->levels)
		depth = b->levels;
	if (depth == 0)
		return;
	for (unsigned int i = 0; i < depth && n < sizeof(text) - 1; i++) {
		const cJSON	*inner = i + 1 < depth ? b->level[i + 1].open : NULL;
		const cJSON	*last = b->level[i].open->child != NULL ? b->level[i].open->child->prev : NULL;
		const char	*name = inner != NULL || b->name == NULL ? last != NULL ? last->string : NULL : b->name;
		int		 wrote;

		if (cJSON_IsArray(b->level[i].open))
			wrote = snprintf(text + n, sizeof(text) - n, "/%u", b->level[i].children - (inner != NULL));
		else
			wrote = snprintf(text + n, sizeof(text) - n, "/%s", name != NULL ? name : "");
		n += wrote > 0 ? (size_t)wrote : 0;
	}
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, " (at %s)", text);
}

void
json_build_init(struct json_build *b, size_t nodes_max)
{
	b->nodes_max = nodes_max;
	b->names_kept = b->name_kept = false;
	b->name_last = 0;
	b->level = b->few;
	b->text = NULL;
	b->text_at = 0;
	json_build_next(b, 0, 0);
}

void
json_build_next(struct json_build *b, unsigned int outer, uint64_t origin)
{
	b->outer = outer;
	b->origin = origin;
	b->nodes = 0;
	b->levels = 0;
	b->root = NULL;
	b->name = NULL;
}

void
json_build_drop(struct json_build *b)
{
	json_wipe(b->root);
	b->root = NULL;
	if (!b->name_kept)
		free(b->name);
	b->name = NULL;
	if (b->level != b->few)
		free(b->level);
	b->level = b->few;
}

