/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/db_table.h"

#include <string.h>

#include "cli/db_text.h"

static int find_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

bool db_format_parse(const char *name, enum db_format *ret)
{
	static const char *const names[] = {
		[DB_FORMAT_LIST] = "list", [DB_FORMAT_TABLE] = "table", [DB_FORMAT_CSV] = "csv",
		[DB_FORMAT_HTML] = "html", [DB_FORMAT_JSON] = "json",
	};
	int i = find_name(names, ARRAY_SIZE(names), name);

	if (i >= 0)
		*ret = (enum db_format)i;
	return i >= 0;
}

bool db_cells_parse(const char *name, enum db_cells *ret)
{
	static const char *const names[] = {
		[DB_CELLS_STRING] = "string",
		[DB_CELLS_BARE] = "bare",
		[DB_CELLS_JSON] = "json",
	};
	int i = find_name(names, ARRAY_SIZE(names), name);

	if (i >= 0)
		*ret = (enum db_cells)i;
	return i >= 0;
}

struct db_table *db_table_new(const struct db_style *style)
{
	struct db_table *table = xcalloc(1, sizeof(*table));

	table->style = *style;
	if (style->format == DB_FORMAT_JSON)
		table->data = json_array();
	return table;
}

void db_table_free(struct db_table *table)
{
	if (!table)
		return;
	VEC_FOREACH(cell, table->cells)
		free(*cell);
	VEC_DONE(table->cells);
	VEC_DONE(table->headings);
	json_decref(table->data);
	free(table);
}

void db_table_heading(struct db_table *table, const char *heading)
{
	VEC_ADD(table->headings, heading);
}

void db_table_row(struct db_table *table)
{
	table->n_rows++;
	if (table->data)
		json_array_append_new(table->data, json_array());
}

static void print_json_cell(struct str *out, const struct ovsdb_datum *datum,
			    const struct ovsdb_column *column)
{
	json_t *json = ovsdb_datum_to_json(datum, column);
	char *dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	str_add(out, dump ?: "");
	free(dump);
	json_decref(json);
}

void db_table_cell(struct db_table *table, const struct ovsdb_datum *datum,
		   const struct ovsdb_column *column)
{
	struct str text = STR_INIT;

	if (table->data) {
		json_array_append_new(json_array_get(table->data, table->n_rows - 1),
				      ovsdb_datum_to_json(datum, column));
		return;
	}
	switch (table->style.cells) {
	case DB_CELLS_STRING: db_datum_print(&text, datum, column); break;
	case DB_CELLS_BARE: db_datum_print_bare(&text, datum, column); break;
	case DB_CELLS_JSON: print_json_cell(&text, datum, column); break;
	}
	VEC_ADD(table->cells, str_take(&text) ?: xstrdup(""));
}

/* ---- formats ---- */

static const char *cell_at(const struct db_table *table, size_t row, size_t column)
{
	return table->cells.v[row * table->headings.n + column];
}

static void print_list(const struct db_table *table, struct str *out)
{
	for (size_t row = 0; row < table->n_rows; row++) {
		if (row)
			str_addc(out, '\n');
		for (size_t i = 0; i < table->headings.n; i++) {
			if (!table->style.no_headings)
				str_addf(out, "%-20s: ", table->headings.v[i]);
			str_addf(out, "%s\n", cell_at(table, row, i));
		}
	}
}

/* Cells are padded when another follows that is not empty: lines end without spaces.  A width is in bytes, which is
 * what ovn-nbctl counts. */
static void add_padded(struct str *out, const char *text, size_t width, size_t *pad, bool is_last)
{
	size_t used = strlen(text);

	if (*text)
		for (; *pad; (*pad)--)
			str_addc(out, ' ');
	str_add(out, text);
	*pad += (width > used ? width - used : 0) + 1;
	if (is_last) {
		str_addc(out, '\n');
		*pad = 0;
	}
}

static void print_dashes(const size_t *widths, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t dash = 0; dash < widths[i]; dash++)
			str_addc(out, '-');
		str_addc(out, i + 1 == n ? '\n' : ' ');
	}
}

static void print_table(const struct db_table *table, struct str *out)
{
	size_t n = table->headings.n, pad = 0;
	size_t *widths = xcalloc(n, sizeof(*widths));

	for (size_t i = 0; i < n; i++) {
		if (!table->style.no_headings)
			widths[i] = strlen(table->headings.v[i]);
		for (size_t row = 0; row < table->n_rows; row++) {
			size_t width = strlen(cell_at(table, row, i));

			if (width > widths[i])
				widths[i] = width;
		}
	}
	if (!table->style.no_headings) {
		for (size_t i = 0; i < n; i++)
			add_padded(out, table->headings.v[i], widths[i], &pad, i + 1 == n);
		print_dashes(widths, n, out);
	}
	for (size_t row = 0; row < table->n_rows; row++)
		for (size_t i = 0; i < n; i++)
			add_padded(out, cell_at(table, row, i), widths[i], &pad, i + 1 == n);
	free(widths);
}

static void add_csv(struct str *out, const char *text, bool is_last)
{
	bool quote = text[strcspn(text, "\n\",")] != '\0';

	if (quote)
		str_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			str_addc(out, '"');
		str_addc(out, *text);
	}
	if (quote)
		str_addc(out, '"');
	str_addc(out, is_last ? '\n' : ',');
}

static void print_csv(const struct db_table *table, struct str *out)
{
	size_t n = table->headings.n;

	for (size_t i = 0; i < n && !table->style.no_headings; i++)
		add_csv(out, table->headings.v[i], i + 1 == n);
	for (size_t i = 0; i < table->cells.n; i++)
		add_csv(out, table->cells.v[i], (i + 1) % n == 0);
}

static void add_html(struct str *out, const char *element, const char *text)
{
	str_addf(out, "    <%s>", element);
	for (; *text; text++) {
		switch (*text) {
		case '&': str_add(out, "&amp;"); break;
		case '<': str_add(out, "&lt;"); break;
		case '>': str_add(out, "&gt;"); break;
		case '"': str_add(out, "&quot;"); break;
		default: str_addc(out, *text); break;
		}
	}
	str_addf(out, "</%s>\n", element);
}

static void print_html(const struct db_table *table, struct str *out)
{
	str_add(out, "<table border=1>\n");
	if (!table->style.no_headings) {
		str_add(out, "  <tr>\n");
		for (size_t i = 0; i < table->headings.n; i++)
			add_html(out, "th", table->headings.v[i]);
		str_add(out, "  </tr>\n");
	}
	for (size_t row = 0; row < table->n_rows; row++) {
		str_add(out, "  <tr>\n");
		for (size_t i = 0; i < table->headings.n; i++)
			add_html(out, "td", cell_at(table, row, i));
		str_add(out, "  </tr>\n");
	}
	str_add(out, "</table>\n");
}

static void print_json(const struct db_table *table, struct str *out)
{
	json_t *headings = json_array();
	json_t *json;
	char *dump;

	for (size_t i = 0; i < table->headings.n; i++)
		json_array_append_new(headings, json_string(table->headings.v[i]));
	json = json_pack("{sOso}", "data", table->data, "headings", headings);
	dump = json_dumps(json,
			  JSON_SORT_KEYS | (table->style.pretty ? JSON_INDENT(2) : JSON_COMPACT));
	str_addf(out, "%s\n", dump ?: "");
	free(dump);
	json_decref(json);
}

void db_table_print(const struct db_table *table, bool is_first, struct str *out)
{
	if (!is_first && table->style.format != DB_FORMAT_JSON)
		str_addc(out, '\n');
	switch (table->style.format) {
	case DB_FORMAT_LIST: print_list(table, out); break;
	case DB_FORMAT_TABLE: print_table(table, out); break;
	case DB_FORMAT_CSV: print_csv(table, out); break;
	case DB_FORMAT_HTML: print_html(table, out); break;
	case DB_FORMAT_JSON: print_json(table, out); break;
	}
}
