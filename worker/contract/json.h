/*
 * json.h -- JSON as the whole product reads and writes it, over cJSON trees.
 *
 * Reading is strict RFC 8259 in UTF-8: no BOM, no comments, no trailing comma,
 * no leading zero, no raw control character, no invalid or overlong UTF-8, one
 * value and nothing behind it.  A duplicate member: the last one wins, as
 * JSON.parse has it.  Lone surrogate escapes (\ud800) are kept by the scanner
 * and refused in a tree; so is \u0000, which a C string cannot hold.
 *
 * Numbers keep their digits: a number node's valuestring holds its source text
 * (cJSON frees it with the node), and json_print() writes that text again.
 * Nodes made by cJSON_CreateNumber have none and are printed as JSON.stringify
 * prints a double.
 *
 * Printing is byte for byte what JSON.stringify gives: no spaces, raw UTF-8,
 * '/' bare, control characters \b \f \n \r \t or \u00xx in lower case.
 */
#ifndef CONTRACT_JSON_H
#define CONTRACT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/buf.h"
#include "worker/contract/error.h"

struct json_limits {
	size_t		bytes_max;	/* of text */
	unsigned int	depth_max;	/* containers inside each other */
	size_t		nodes_max;	/* values in the tree */
};
/* REQUEST_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX. */
extern const struct json_limits json_limits_default;

/*
 * Reads one value; text need not end in NUL.  NULL with ERR_REQUEST (bad JSON:
 * the message has the byte offset and, where inside a container, a JSON
 * pointer) or ERR_LIMIT.  The tree belongs to the caller (cJSON_Delete).
 * limits NULL: the defaults.
 */
cJSON	*json_parse(const char *text, size_t len, const struct json_limits *limits,
	    struct error *e) __attribute__((nonnull(1, 4), warn_unused_result));

/* Appends v to b.  What does not fit is in b->failed (buf_check). */
void	 json_print(struct buf *b, const cJSON *v);
/* Appends s as a JSON string with its quotes. */
void	 json_print_string(struct buf *b, const char *s);
/* v as text owned by the caller; NULL when out of memory or over REQUEST_BYTES_MAX. */
char	*json_text(const cJSON *v);

/* A number node with these digits, e.g. "90071992547409931"; NULL if they are no JSON number. */
cJSON	*json_number_text(const char *digits);
/* An integer, exactly. */
cJSON	*json_int(int64_t);

/*
 * RFC 6901 pointer ("" is the whole value, "/a/0/b", ~0 ~1 escapes).
 * NULL where nothing is there.  A NULL root gives NULL: getters chain.
 */
const cJSON	*json_at(const cJSON *root, const char *pointer);
/* Member of an object, case-sensitive; NULL where absent or obj is no object. */
const cJSON	*json_get(const cJSON *obj, const char *name);

/* Typed getters: the value if present and of that type, else the default. */
const char	*json_str(const cJSON *obj, const char *name, const char *dflt);
bool		 json_bool(const cJSON *obj, const char *name, bool dflt);
/* Whole numbers only, exact; also accepts a string of digits (config values may be either). */
int64_t		 json_i64(const cJSON *obj, const char *name, int64_t dflt);
bool		 json_i64_of(const cJSON *number_or_digits, int64_t *out);

/*
 * Scalar as text: strings as they are, numbers by their digits, booleans as
 * true/false.  Containers and null: NULL.  scratch (at least 32 bytes) may
 * hold the result.
 */
const char	*json_scalar_text(const cJSON *v, char *scratch, size_t n);

/* Moves a value into an object or array; frees it when that fails (-1, no memory). Replaces a member of that name. */
int	 json_set(cJSON *obj, const char *name, cJSON *v);
int	 json_set_str(cJSON *obj, const char *name, const char *s);	/* NULL s: does nothing */
int	 json_set_bool(cJSON *obj, const char *name, bool);
int	 json_push(cJSON *array, cJSON *v);
/* Deep copy, digits included; NULL: no memory, or deeper than JSON_DEPTH_MAX. */
cJSON	*json_dup(const cJSON *v);
/* Equal by value; numbers by digits, then by double; member order is ignored. */
bool	 json_equal(const cJSON *a, const cJSON *b);
/* Overwrites every string of the tree with zeros, then frees it: for trees that held secrets. NULL is fine. */
void	 json_wipe(cJSON *);

#endif
