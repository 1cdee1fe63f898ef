/*
 * json_get.c -- finding, reading, placing and comparing values of a tree.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/json_build.h"
#include "worker/contract/limits.h"
#include "worker/contract/util.h"

#define I64_DIGITS_MAX	19
#define EXPONENT_MAX	(4 * JSON_NUMBER_BYTES_MAX)	/* no digits of one number make up for more */

const cJSON *
json_get(const cJSON *obj, const char *name)
{
	if (obj == NULL || (obj->type & 0xff) != cJSON_Object)
		return NULL;
	for (const cJSON *v = obj->child; v != NULL; v = v->next)
		if (v->string != NULL && v->string[0] == name[0] && strcmp(v->string, name) == 0)
			return v;
	return NULL;
}

/* True if the pointer's token [p, end) is this name. */
static bool
token_is(const char *p, const char *end, const char *name)
{
	for (; p < end; p++, name++) {
		char	 c = *p;

		if (c == '~' && p + 1 < end && (p[1] == '0' || p[1] == '1'))
			c = *++p == '0' ? '~' : '/';
		if (*name != c || c == '\0')
			return false;
	}
	return *name == '\0';
}

static const cJSON *
element_at(const cJSON *array, const char *p, const char *end)
{
	size_t	 index = 0;

	if (p == end || (*p == '0' && end - p > 1) || end - p > 9)
		return NULL;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return NULL;
		index = index * 10 + (size_t)(*p - '0');
	}
	for (const cJSON *v = array->child; v != NULL; v = v->next)
		if (index-- == 0)
			return v;
	return NULL;
}

static const cJSON *
member_at(const cJSON *object, const char *p, const char *end)
{
	for (const cJSON *v = object->child; v != NULL; v = v->next)
		if (v->string != NULL && token_is(p, end, v->string))
			return v;
	return NULL;
}

const cJSON *
json_at(const cJSON *root, const char *pointer)
{
	while (root != NULL && *pointer != '\0') {
		const char	*end;

		if (*pointer++ != '/')
			return NULL;
		end = pointer + strcspn(pointer, "/");
		if (cJSON_IsArray(root))
			root = element_at(root, pointer, end);
		else if (cJSON_IsObject(root))
			root = member_at(root, pointer, end);
		else
			return NULL;
		pointer = end;
	}
	return root;
}

const char *
json_str(const cJSON *obj, const char *name, const char *dflt)
{
	const cJSON	*v = json_get(obj, name);

	return cJSON_IsString(v) && v->valuestring != NULL ? v->valuestring : dflt;
}

bool
json_bool(const cJSON *obj, const char *name, bool dflt)
{
	const cJSON	*v = json_get(obj, name);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : dflt;
}

/* n digits times ten to the power of zeros, n > 0, no leading zero. */
static bool
digits_i64(const char *digits, size_t n, size_t zeros, bool negative, int64_t *out)
{
	uint64_t	 v = 0, max = (uint64_t)INT64_MAX + negative;

	if (n > I64_DIGITS_MAX || zeros > I64_DIGITS_MAX - n)
		return false;
	for (size_t i = 0; i < n + zeros; i++) {
		unsigned int	 digit = i < n ? (unsigned int)(digits[i] - '0') : 0;

		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

/* A JSON number's text: whole where its point and exponent say so, e.g. 1.50e2. */
static bool
text_i64(const char *p, int64_t *out)
{
	char	 digits[JSON_NUMBER_BYTES_MAX];
	size_t	 n = 0, skip = 0;
	long	 scale = 0;
	bool	 negative = *p == '-', fraction = false;

	for (p += negative; *p != '\0' && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		if (*p < '0' || *p > '9' || n == sizeof(digits))
			return false;
		digits[n++] = *p;
		scale -= fraction;
	}
	if (n == 0)
		return false;
	if (*p != '\0') {
		long	 e = strtol(p + 1, NULL, 10);

		scale += e > EXPONENT_MAX ? EXPONENT_MAX : e < -EXPONENT_MAX ? -EXPONENT_MAX : e;
	}
	for (; n > 0 && digits[n - 1] == '0'; n--)
		scale++;
	while (skip < n && digits[skip] == '0')
		skip++;
	if (n == 0) {
		*out = 0;
		return true;
	}
	return scale >= 0 && digits_i64(digits + skip, n - skip, (size_t)scale, negative, out);
}

bool
json_i64_of(const cJSON *v, int64_t *out)
{
	if (cJSON_IsString(v)) {
		const char	*s = v->valuestring != NULL ? v->valuestring : "";

		return strspn(s, "-0123456789") == strlen(s) && text_i64(s, out);
	}
	if (!cJSON_IsNumber(v))
		return false;
	if (v->valuestring != NULL)
		return text_i64(v->valuestring, out);
	if (!(v->valuedouble >= -0x1p63 && v->valuedouble < 0x1p63))
		return false;
	*out = (int64_t)v->valuedouble;
	return (double)*out == v->valuedouble;
}

int64_t
json_i64(const cJSON *obj, const char *name, int64_t dflt)
{
	int64_t	 i;

	return json_i64_of(json_get(obj, name), &i) ? i : dflt;
}

int
json_set(cJSON *obj, const char *name, cJSON *v)
{
	bool	 placed = false;

	if (v == NULL)
		return -1;
	if (json_get(obj, name) != NULL)
		placed = cJSON_ReplaceItemInObjectCaseSensitive(obj, name, v);
	else if (cJSON_IsObject(obj))
		placed = cJSON_AddItemToObject(obj, name, v);
	if (!placed) {
		cJSON_Delete(v);
		return -1;
	}
	return 0;
}

int
json_set_str(cJSON *obj, const char *name, const char *s)
{
	return s == NULL ? 0 : json_set(obj, name, cJSON_CreateString(s));
}

int
json_set_bool(cJSON *obj, const char *name, bool b)
{
	return json_set(obj, name, cJSON_CreateBool(b));
}

int
json_push(cJSON *array, cJSON *v)
{
	if (v == NULL)
		return -1;
	if (!cJSON_IsArray(array) || !cJSON_AddItemToArray(array, v)) {
		cJSON_Delete(v);
		return -1;
	}
	return 0;
}

/* A node and its text as one block (json_build.h). */
static cJSON *
node_dup(const cJSON *v)
{
	size_t	 text = v->valuestring != NULL ? strlen(v->valuestring) + 1 : 0;
	cJSON	*copy = cJSON_malloc(sizeof(*copy) + text);

	if (copy == NULL)
		return NULL;
	*copy = (cJSON){ .type = v->type & ~cJSON_IsReference, .valueint = v->valueint, .valuedouble = v->valuedouble };
	if (text > 0) {
		copy->type |= cJSON_IsReference;
		copy->valuestring = memcpy(copy + 1, v->valuestring, text);
	}
	if (v->string == NULL || (v->type & cJSON_StringIsConst))
		copy->string = v->string;
	else if ((copy->string = strdup(v->string)) == NULL) {
		cJSON_Delete(copy);
		return NULL;
	}
	return copy;
}

static cJSON *
tree_dup(const cJSON *v, unsigned int depth)
{
	cJSON	*copy = depth > JSON_DEPTH_MAX ? NULL : node_dup(v), *one, *last = NULL;

	for (const cJSON *c = v->child; copy != NULL && c != NULL; c = c->next) {
		if ((one = tree_dup(c, depth + 1)) == NULL) {
			cJSON_Delete(copy);
			return NULL;
		}
		if (last == NULL)
			copy->child = one;
		else {
			last->next = one;
			one->prev = last;
		}
		copy->child->prev = last = one;
	}
	return copy;
}

cJSON *
json_dup(const cJSON *v)
{
	return v == NULL ? NULL : tree_dup(v, 0);
}

static bool
whole_text(const char *s)
{
	s += *s == '-';
	return *s != '\0' && strspn(s, "0123456789") == strlen(s);
}

/* Whole numbers by their digits: a double cannot tell 90071992547409931 from its neighbours. */
static bool
number_equal(const cJSON *a, const cJSON *b)
{
	char		 x[32], y[32];
	const char	*s = json_scalar_text(a, x, sizeof(x)), *t = json_scalar_text(b, y, sizeof(y));

	if (s == NULL || t == NULL)
		return false;
	if (strcmp(s, t) == 0)
		return true;
	if (whole_text(s) && whole_text(t) && (a->valuedouble != 0 || b->valuedouble != 0))
		return false;
	return isfinite(a->valuedouble) && a->valuedouble == b->valuedouble;
}

static size_t
children(const cJSON *v)
{
	size_t	 n = 0;

	for (const cJSON *c = v->child; c != NULL; c = c->next)
		n++;
	return n;
}

/* Members are mostly in the same order: look first where the other object's walk stands. */
static bool
object_equal(const cJSON *a, const cJSON *b)
{
	const cJSON	*w = b->child;

	if (children(a) != children(b))
		return false;
	for (const cJSON *v = a->child; v != NULL; v = v->next) {
		if (v->string == NULL)
			return false;
		if (w == NULL || w->string == NULL || strcmp(w->string, v->string) != 0)
			w = json_get(b, v->string);
		if (w == NULL || !json_equal(v, w))
			return false;
		w = w->next;
	}
	return true;
}

bool
json_equal(const cJSON *a, const cJSON *b)
{
	if (a == NULL || b == NULL || (a->type & 0xff) != (b->type & 0xff))
		return a == b;
	if (cJSON_IsObject(a))
		return object_equal(a, b);
	if (cJSON_IsNumber(a))
		return number_equal(a, b);
	if (cJSON_IsString(a))
		return strcmp(a->valuestring, b->valuestring) == 0;
	if (!cJSON_IsArray(a))
		return true;
	for (a = a->child, b = b->child; a != NULL && b != NULL; a = a->next, b = b->next)
		if (!json_equal(a, b))
			return false;
	return a == b;
}

static void
text_wipe(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
}

void
json_zero(cJSON *v)
{
	/* What belongs to another tree stays; a text in the node's own block (json_build.h) is its own. */
	if ((v->type & cJSON_IsReference) && v->valuestring != (char *)(v + 1))
		return;
	text_wipe(v->valuestring);
	if (!(v->type & cJSON_StringIsConst))
		text_wipe(v->string);
	for (cJSON *c = v->child; c != NULL; c = c->next)
		json_zero(c);
}

void
json_wipe(cJSON *v)
{
	if (v != NULL)
		json_zero(v);
	cJSON_Delete(v);
}
