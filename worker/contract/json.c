/*
 * json.c -- text to tree: a cJSON tree built from the scanner's events, so that
 * a tree is read by the same strict rules as a line is judged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/scan.h"
#include "worker/contract/util.h"

#define MEMBERS_PAIRWISE	16	/* up to here duplicates are looked for pair by pair */
#define POINTER_BYTES_MAX	200	/* of the pointer in a message */
#define WHOLE_DIGITS		15	/* any number of so many digits is exact in a double */

const struct json_limits json_limits_default = { REQUEST_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX };

struct builder {
	const char	*text;
	size_t		 nodes, nodes_max;
	cJSON		*root;
	cJSON		*open[JSON_DEPTH_MAX];	/* containers, outermost first */
	uint32_t	 children[JSON_DEPTH_MAX];	/* of each */
	char		*name;			/* of the member now being read, unescaped */
	char		*scratch;		/* as long as the text: an unescaped string */
};

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

static int
token_unescape(const struct builder *b, const struct scan *s, char *out, struct error *e)
{
	if (unescape(b->text + s->token + 1, b->text + s->offset - 1, out) == 0)
		return 0;
	*out = '\0';	/* the message may name it */
	return error_set(e, ERR_REQUEST, "byte %llu: a string with \\u0000 or half a surrogate pair",
	    (unsigned long long)s->token);
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
number_node(const char *digits, size_t len)
{
	char	*text;
	cJSON	*v;

	if ((text = cJSON_malloc(len + 1)) == NULL)
		return NULL;
	memcpy(text, digits, len);
	text[len] = '\0';
	if ((v = cJSON_CreateNumber(number_value(text, len))) == NULL) {
		cJSON_free(text);
		return NULL;
	}
	v->valuestring = text;
	return v;
}

cJSON *
json_number_text(const char *digits)
{
	struct scan	 s;
	struct error	 e;
	size_t		 len = strlen(digits);

	if (len == 0 || (digits[0] != '-' && (digits[0] < '0' || digits[0] > '9')) ||
	    digits[len - 1] < '0' || digits[len - 1] > '9')
		return NULL;
	scan_init(&s, 1);
	if (scan_feed(&s, digits, len, &e) == -1 || scan_end(&s, &e) == -1)
		return NULL;
	return number_node(digits, len);
}

cJSON *
json_int(int64_t i)
{
	char	 digits[24];
	int	 len = snprintf(digits, sizeof(digits), "%lld", (long long)i);

	return number_node(digits, (size_t)len);
}

/* The node of the value that has just begun or ended; NULL: refused or no memory, *e says which. */
static cJSON *
node_new(struct builder *b, const struct scan *s, enum scan_event ev, struct error *e)
{
	cJSON	*v = NULL;

	switch (ev) {
	case SCAN_OBJECT_BEGIN:
		v = cJSON_CreateObject();
		break;
	case SCAN_ARRAY_BEGIN:
		v = cJSON_CreateArray();
		break;
	case SCAN_STRING:
		if (token_unescape(b, s, b->scratch, e) == -1)
			return NULL;
		v = cJSON_CreateString(b->scratch);
		break;
	case SCAN_NUMBER:
		v = number_node(b->text + s->token, (size_t)(s->offset - s->token));
		break;
	case SCAN_TRUE:
	case SCAN_FALSE:
		v = cJSON_CreateBool(ev == SCAN_TRUE);
		break;
	default:
		v = cJSON_CreateNull();
	}
	if (v == NULL)
		no_memory(e);
	return v;
}

/* Puts v, whose container has index level - 1, into it. */
static int
node_place(struct builder *b, cJSON *v, unsigned int level, struct error *e)
{
	cJSON	*parent;
	bool	 placed;

	if (level == 0) {
		b->root = v;
		return 0;
	}
	parent = b->open[level - 1];
	b->children[level - 1]++;
	placed = cJSON_IsArray(parent) ? cJSON_AddItemToArray(parent, v) : cJSON_AddItemToObject(parent, b->name, v);
	if (!placed) {
		cJSON_Delete(v);
		return no_memory(e);
	}
	free(b->name);
	b->name = NULL;
	return 0;
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

/* later has the name of earlier: it takes its place. */
static void
member_supersede(cJSON *object, cJSON *earlier, cJSON *later)
{
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
name_keep(struct builder *b, const struct scan *s, struct error *e)
{
	free(b->name);
	if ((b->name = malloc((size_t)(s->offset - s->token))) == NULL)
		return no_memory(e);
	return token_unescape(b, s, b->name, e);
}

static int
on_event(void *arg, const struct scan *s, enum scan_event ev, struct error *e)
{
	struct builder	*b = arg;
	bool		 begins = ev == SCAN_OBJECT_BEGIN || ev == SCAN_ARRAY_BEGIN;
	cJSON		*v;

	switch (ev) {
	case SCAN_NAME:
		return name_keep(b, s, e);
	case SCAN_ARRAY_END:
		return 0;
	case SCAN_OBJECT_END:
		return duplicates_settle(b->open[s->depth - 1], b->children[s->depth - 1], e);
	default:
		break;
	}
	if (b->nodes++ == b->nodes_max)
		return error_set(e, ERR_LIMIT, "byte %llu: over %zu values", (unsigned long long)s->token,
		    b->nodes_max);
	if ((v = node_new(b, s, ev, e)) == NULL || node_place(b, v, s->depth - begins, e) == -1)
		return -1;
	if (begins) {
		b->open[s->depth - 1] = v;
		b->children[s->depth - 1] = 0;
	}
	return 0;
}

/* Where the scanner stands, as a JSON pointer behind the message. */
static void
pointer_tell(const struct builder *b, unsigned int depth, struct error *e)
{
	char	 text[POINTER_BYTES_MAX + 1] = "";
	size_t	 n = 0;

	if (depth == 0)
		return;
	for (unsigned int i = 0; i < depth && n < sizeof(text) - 1; i++) {
		const cJSON	*inner = i + 1 < depth ? b->open[i + 1] : NULL;
		const cJSON	*last = b->open[i]->child != NULL ? b->open[i]->child->prev : NULL;
		const char	*name = inner != NULL || b->name == NULL ? last != NULL ? last->string : NULL : b->name;
		int		 wrote;

		if (cJSON_IsArray(b->open[i]))
			wrote = snprintf(text + n, sizeof(text) - n, "/%u", b->children[i] - (inner != NULL));
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

cJSON *
json_parse(const char *text, size_t len, const struct json_limits *limits, struct error *e)
{
	struct builder	 b = { .text = text };
	struct scan	 s;
	bool		 good;

	if (limits == NULL)
		limits = &json_limits_default;
	if (len > limits->bytes_max) {
		error_set(e, ERR_LIMIT, "over %zu bytes of JSON", limits->bytes_max);
		return NULL;
	}
	b.nodes_max = limits->nodes_max;
	if ((b.scratch = malloc(len + 1)) == NULL) {
		no_memory(e);
		return NULL;
	}
	scan_init(&s, limits->depth_max);
	s.on = on_event;
	s.arg = &b;
	good = scan_feed(&s, text, len, e) == 0 && scan_end(&s, e) == 0;
	if (!good) {
		pointer_tell(&b, s.depth, e);
		json_wipe(b.root);
		b.root = NULL;
	}
	/* What was read may hold a secret. */
	explicit_bzero(b.scratch, len + 1);
	free(b.scratch);
	free(b.name);
	return b.root;
}
