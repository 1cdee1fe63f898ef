/*
 * table.c -- a list as aligned columns, cut to the terminal.
 */
#include <stdio.h>
#include <string.h>

#include "launcher/cli/table.h"
#include "worker/contract/json.h"
#include "worker/contract/util.h"

#define GAP_COLUMNS	2
#define NARROWEST	4	/* a cut last column is not worth less */
#define NAME_BYTES_MAX	64
#define LEFT_OUT_BYTES_MAX 512

enum origin { FROM_IDENTITY, FROM_MEMBER, FROM_ATTRIBUTE };

struct column {
	enum origin	 origin;
	char		 name[NAME_BYTES_MAX];
	size_t		 width;
	bool		 shown;
};

struct table {
	enum command	 cmd;
	struct column	 columns[TABLE_COLUMNS_MAX];
	size_t		 ncolumns;
	size_t		 terminal;
	bool		 color, settled;
	char		*rows[TABLE_WINDOW_ROWS][TABLE_COLUMNS_MAX];
	size_t		 nrows;
	int64_t		 due_ms;
	struct buf	 left_out;
};

static void
left_out_add(struct table *t, const char *name)
{
	if (t->left_out.len > 0)
		buf_adds(&t->left_out, ", ");
	(void)text_safe(&t->left_out, name, strlen(name), TABLE_CELL_COLUMNS_MAX);
}

static void
column_add(struct table *t, enum origin origin, const char *name)
{
	struct column	*c = &t->columns[t->ncolumns];

	for (size_t i = 0; i < t->ncolumns; i++)
		if (t->columns[i].origin == origin && strcmp(t->columns[i].name, name) == 0)
			return;
	if (t->ncolumns == TABLE_COLUMNS_MAX || strlen(name) >= NAME_BYTES_MAX) {
		left_out_add(t, name);
		return;
	}
	*c = (struct column){ .origin = origin, .shown = true };
	memcpy(c->name, name, strlen(name) + 1);
	t->ncolumns++;
}

static void
columns_of_schema(struct table *t, const cJSON *schema)
{
	const char	*display = json_str(schema, "displayAttribute", "");
	const char	*identity = json_str(schema, "identityAttribute", "");
	const cJSON	*a;

	column_add(t, FROM_IDENTITY, "identity");
	if (display[0] != '\0' && strcmp(display, identity) != 0)
		column_add(t, FROM_ATTRIBUTE, display);
	if (t->cmd == CMD_ACCOUNT_LIST)
		column_add(t, FROM_MEMBER, "disabled");
	cJSON_ArrayForEach(a, json_get(schema, "attributes")) {
		const char	*name = json_str(a, "name", "");

		if (name[0] != '\0' && strcmp(name, identity) != 0)
			column_add(t, FROM_ATTRIBUTE, name);
	}
}

static void
columns_of_row(struct table *t, const cJSON *row)
{
	const cJSON	*v;

	if (json_get(row, "identity") != NULL || json_get(row, "key") != NULL)
		column_add(t, FROM_IDENTITY, "identity");
	cJSON_ArrayForEach(v, row)
		if (v->string != NULL && strcmp(v->string, "identity") != 0 && strcmp(v->string, "key") != 0 &&
		    strcmp(v->string, "attributes") != 0)
			column_add(t, FROM_MEMBER, v->string);
	cJSON_ArrayForEach(v, json_get(row, "attributes"))
		if (v->string != NULL)
			column_add(t, FROM_ATTRIBUTE, v->string);
}

struct table *
table_new(enum command cmd, const cJSON *schema, size_t columns, bool color)
{
	struct table	*t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->cmd = cmd;
	t->terminal = columns;
	t->color = color;
	buf_init(&t->left_out, LEFT_OUT_BYTES_MAX);
	if (cJSON_IsArray(json_get(schema, "attributes")))
		columns_of_schema(t, schema);
	return t;
}

static void
rows_drop(struct table *t)
{
	for (size_t r = 0; r < t->nrows; r++)
		for (size_t c = 0; c < t->ncolumns; c++) {
			free(t->rows[r][c]);
			t->rows[r][c] = NULL;
		}
	t->nrows = 0;
	t->due_ms = 0;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	rows_drop(t);
	buf_free(&t->left_out);
	free(t);
}

static const cJSON *
cell_value(const struct column *c, const cJSON *row)
{
	const cJSON	*v;

	switch (c->origin) {
	case FROM_MEMBER:
		return json_get(row, c->name);
	case FROM_ATTRIBUTE:
		return json_get(json_get(row, "attributes"), c->name);
	default:
		if ((v = json_get(row, "identity")) != NULL || (v = json_at(row, "/key/simple/id")) != NULL)
			return v;
		return json_at(row, "/key/compound/lookupId");
	}
}

static void
cell_print(struct buf *b, const cJSON *v)
{
	char		 scratch[32];
	const char	*text = v != NULL ? json_scalar_text(v, scratch, sizeof(scratch)) : NULL;
	const cJSON	*item;

	if (text != NULL)
		buf_adds(b, text);
	else if (cJSON_IsArray(v)) {
		cJSON_ArrayForEach(item, v) {
			if (item->prev != NULL && item != v->child)
				buf_adds(b, ", ");
			if ((text = json_scalar_text(item, scratch, sizeof(scratch))) != NULL)
				buf_adds(b, text);
			else
				json_print(b, item);
		}
	} else if (v != NULL && !cJSON_IsNull(v))
		json_print(b, v);
}

/* The harmless text of one cell, cut to a cell's columns and bytes; NULL: no memory. */
static char *
cell_text(const struct column *c, const cJSON *row)
{
	autobuf	 raw, safe;

	buf_init(&raw, LINE_BYTES_MAX);
	buf_init(&safe, TABLE_CELL_BYTES_MAX);
	cell_print(&raw, cell_value(c, row));
	if (raw.len > 0)
		(void)text_safe(&safe, raw.data, raw.len, TABLE_CELL_COLUMNS_MAX);
	/* Only marks without width could fill so many bytes. */
	if (safe.failed) {
		buf_reset(&safe);
		buf_adds(&safe, "?");
	}
	return buf_steal(&safe);
}

static size_t
width_of(const char *safe)
{
	autobuf	 ignored;

	buf_init(&ignored, TABLE_CELL_BYTES_MAX);
	return text_safe(&ignored, safe, strlen(safe), 0);
}

static void
cells_print(struct table *t, struct buf *out, char *const cells[])
{
	size_t	 pad = 0;

	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct column	*c = &t->columns[i];
		const char		*text = cells[i] != NULL ? cells[i] : "";

		if (!c->shown)
			continue;
		for (; pad > 0; pad--)
			buf_addc(out, ' ');
		pad = c->width + GAP_COLUMNS - text_safe(out, text, strlen(text), c->width);
	}
	buf_addc(out, '\n');
}

static void
head_print(struct table *t, struct buf *out)
{
	char	*names[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < t->ncolumns; i++)
		names[i] = t->columns[i].name;
	if (t->color)
		buf_adds(out, "\033[1m");
	cells_print(t, out, names);
	if (t->color)
		buf_adds(out, "\033[0m");
}

/* Widths from what is held back; columns that do not fit are left out and named. */
static void
settle(struct table *t)
{
	size_t	 at = 0;

	for (size_t i = 0; i < t->ncolumns; i++) {
		struct column	*c = &t->columns[i];

		c->width = width_of(c->name);
		for (size_t r = 0; r < t->nrows; r++) {
			size_t	 w = t->rows[r][i] != NULL ? width_of(t->rows[r][i]) : 0;

			c->width = w > c->width ? w : c->width;
		}
		if (c->width > TABLE_CELL_COLUMNS_MAX)
			c->width = TABLE_CELL_COLUMNS_MAX;
		if (t->terminal != 0 && at + c->width > t->terminal) {
			c->shown = i == 0 || at + NARROWEST <= t->terminal;
			c->width = t->terminal > at ? t->terminal - at : 0;
		}
		if (!c->shown)
			left_out_add(t, c->name);
		else
			at += c->width + GAP_COLUMNS;
	}
	t->settled = true;
}

void
table_flush(struct table *t, struct buf *out)
{
	if (!t->settled && t->nrows > 0) {
		settle(t);
		head_print(t, out);
	}
	for (size_t r = 0; r < t->nrows; r++)
		cells_print(t, out, t->rows[r]);
	rows_drop(t);
}

int
table_row(struct table *t, struct buf *out, const char *json, size_t len, struct error *e)
{
	autojson	*row = json_parse(json, len, NULL, e);

	if (row == NULL)
		return -1;
	if (t->ncolumns == 0)
		columns_of_row(t, row);
	for (size_t i = 0; i < t->ncolumns; i++)
		t->rows[t->nrows][i] = cell_text(&t->columns[i], row);
	if (t->nrows++ == 0)
		t->due_ms = now_ms() + TABLE_WINDOW_MS;
	if (t->settled || t->nrows == TABLE_WINDOW_ROWS)
		table_flush(t, out);
	return 0;
}

int64_t
table_due_ms(const struct table *t)
{
	return t->due_ms;
}

const char *
table_left_out(const struct table *t)
{
	return t->left_out.data != NULL ? t->left_out.data : "";
}

const cJSON *
table_schema(const struct spec *sp, enum command cmd, const cJSON *input)
{
	const char	*type = json_str(input, "type", "");
	const cJSON	*s;

	if (cJSON_IsArray(json_at(input, "/schema/attributes")))
		return json_get(input, "schema");
	if (cmd == CMD_ACCOUNT_LIST)
		return json_get(sp->doc, "accountSchema");
	if (cmd != CMD_ENTITLEMENT_LIST)
		return NULL;
	cJSON_ArrayForEach(s, json_get(sp->doc, "entitlementSchemas"))
		if (strcmp(json_str(s, "type", ""), type) == 0)
			return s;
	return NULL;
}
