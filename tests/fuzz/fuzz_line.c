/*
 * fuzz_line.c -- any bytes as a worker's line: what the judge passes is one
 * object of the known shape by the tree's measure too, with data where it says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/contract/json.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"
#include "worker/contract/util.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Half a surrogate pair passes the judge and not the tree. */
static void
compare(const char *line, size_t n, const struct line_facts *f)
{
	struct error	 e = ERROR_NONE;
	autojson	*v = json_parse(line, n, NULL, &e), *data = NULL;

	if (v == NULL) {
		must(memmem(line, n, "\\u", 2) != NULL);
		return;
	}
	must(strcmp(json_str(v, "type", ""), record_name(f->record)) == 0);
	must((json_get(v, "data") == NULL) == (f->kind == DATA_ABSENT));
	must(cJSON_GetArraySize(v) == 1 + (f->kind != DATA_ABSENT));
	if (f->kind == DATA_ABSENT)
		return;
	must((data = json_parse(line + f->data_at, f->data_bytes, NULL, &e)) != NULL);
	must(json_equal(data, json_get(v, "data")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct line_facts	 f;
	struct kept_value	 kept;
	struct error		 e = ERROR_NONE, verdict = ERROR_NONE;
	autobuf			 b = { .max = 2 * LINE_BYTES_MAX };

	if (line_judge((const char *)data, n, &f, &e) == -1) {
		must(e.code == ERR_PROTOCOL || e.code == ERR_RECORD_TOO_LARGE);
		return 0;
	}
	must(f.data_at + f.data_bytes <= n && memchr(data, '\n', n) == NULL);
	compare((const char *)data, n, &f);
	if (f.record == REC_CACHE && kept_value_read((const char *)data, &f, &kept, &e) == 0) {
		record_print_kept(&b, &kept);
		must(kept_value_ok(&kept) && !b.failed && line_judge(b.data, b.len - 1, &f, &e) == 0);
	}
	if (f.record != REC_ERROR || verdict_read((const char *)data, &f, &verdict, &e) == -1)
		return 0;
	must(verdict.code != ERR_NONE && strpbrk(verdict.msg, "\n\r\x1b") == NULL);
	record_print_verdict(&b, &verdict);
	must(!b.failed && line_judge(b.data, b.len - 1, &f, &e) == 0);
	return 0;
}
