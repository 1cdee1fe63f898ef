/*
 * record.h -- the lines a worker writes, made and judged.
 *
 * Public: output, state, keepAlive, config.  Private, never shown to a caller:
 * locked (first line, once the walls stand), cache, and the verdict, end or error (last line).
 *
 *   {"data":<any>,"type":"output"}
 *   {"data":{},"type":"keepAlive"}
 *   {"type":"locked"}
 *   {"data":{"name":"oauth","ttlMs":3570000,"value":"..."},"type":"cache"}
 *   {"type":"end"}
 *   {"data":{"message":"no such user","type":"notFound"},"type":"error"}
 */
#ifndef CONTRACT_RECORD_H
#define CONTRACT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/buf.h"
#include "worker/contract/error.h"

enum record {
	REC_OUTPUT,
	REC_STATE,
	REC_KEEP_ALIVE,
	REC_CONFIG,
	REC__PUBLIC,
	REC_LOCKED = REC__PUBLIC,
	REC_END,
	REC_ERROR,
	REC_CACHE,
	REC__MAX
};

/* "output", "keepAlive", ...  Never NULL for a value in range. */
const char	*record_name(enum record);

/* Appends one line with its '\n', data first, as the platform's SDK writes it. */
void	record_print(struct buf *b, enum record, const cJSON *data);
/* The verdict line of an error (ERR_NONE: the end line). */
void	record_print_verdict(struct buf *b, const struct error *e);

enum data_kind { DATA_ABSENT, DATA_OBJECT, DATA_ARRAY, DATA_STRING, DATA_NUMBER, DATA_TRUE, DATA_FALSE, DATA_NULL };

/* What the validator saw; offsets are into the judged line. */
struct line_facts {
	enum record	 record;
	enum data_kind	 kind;
	size_t		 data_at;	/* first byte of data's value */
	size_t		 data_bytes;	/* its length; 0 if absent */
};

/*
 * Judges one line without its '\n': at most LINE_BYTES_MAX bytes, one strict
 * JSON object, exactly one member "type" with a known name, at most one "data",
 * no other member, names and type written without escapes; data present and of the right kind
 * (output: any kind; state, keepAlive: object; config: array; error: an object;
 * locked, end: absent or object).
 * Builds no tree, allocates nothing.  -1 with ERR_RECORD_TOO_LARGE or ERR_PROTOCOL.
 */
int	line_judge(const char *line, size_t len, struct line_facts *f, struct error *e)
	    __attribute__((nonnull, warn_unused_result));

/*
 * Reads the data of an error verdict into *out: type, and message with control
 * characters replaced and cut to size.  -1: malformed.
 */
int	verdict_read(const char *line, const struct line_facts *f, struct error *out, struct error *e)
	    __attribute__((nonnull, warn_unused_result));

/* What may be kept, told by the name: a credential, or, with this before its name, a TLS session of the runtime's own. */
enum kept_kind { KEPT_TOKEN, KEPT_SESSION, KEPT__MAX };
#define KEPT_SESSION_PREFIX	"tls:"
enum kept_kind kept_kind(const char *name, size_t n);

/*
 * What a worker asks to have kept: a name of letters, digits and ._:- and a value of visible ASCII without " and \,
 * both within CACHE_*_BYTES_MAX and not empty.
 */
struct kept_value {
	const char	*name;
	size_t		 name_bytes;
	const char	*value;
	size_t		 value_bytes;
	int64_t		 ttl_ms;	/* > 0 */
};
bool	kept_value_ok(const struct kept_value *);
void	record_print_kept(struct buf *b, const struct kept_value *);
/* As record_print_kept() writes it, to the byte; *out points into the line.  -1: anything else. */
int	kept_value_read(const char *line, const struct line_facts *f, struct kept_value *out, struct error *e)
	    __attribute__((nonnull, warn_unused_result));

#endif
