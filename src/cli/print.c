#include "cli/print.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/number.h"
#include "base/utf8.h"
#include "cli/command.h"

int tarn_print_error(const struct tarn_err *err)
{
	fprintf(stderr, "tarn: %s", err->message);
	if (err->position != TARN_NO_POSITION)
		fprintf(stderr, " (at byte %" PRId64 ")", err->position);
	fputc('\n', stderr);
	if (*err->hint)
		fprintf(stderr, "hint: %s\n", err->hint);
	return TARN_EXIT_FAILED;
}

bool tarn_print_colours(FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	return !(no_color && *no_color) && !(term && !strcmp(term, "dumb")) && isatty(fileno(out));
}

/* ---- text for terminals ---- */

/* Appends the sequence at the front as something that a terminal shows and does not obey; returns its length. */
static size_t add_visible(struct tarn_buf *out, const uint8_t *at, size_t left)
{
	size_t len = tarn_utf8_length(at, left);
	if (!len)
		tarn_buf_add_byte(out, '?');
	else if (*at == '\n')
		tarn_buf_add_str(out, "\\n");
	else if (*at < 0x20 || *at == 0x7f)
		tarn_buf_printf(out, "\\x%02x", *at);
	else if (len == 2 && at[0] == 0xc2 && at[1] < 0xa0)
		tarn_buf_printf(out, "\\u%04x", at[1]);
	else
		tarn_buf_add(out, at, len);
	return len ? len : 1;
}

void tarn_print_visible(struct tarn_buf *out, struct tarn_slice text)
{
	for (size_t i = 0; i < text.len;)
		i += add_visible(out, text.data + i, text.len - i);
}

/* ---- numbers for people ---- */

void tarn_format_count(int64_t value, char text[TARN_PRINT_NUMBER_SIZE])
{
	char digits[TARN_INT_TEXT_SIZE];
	size_t len = tarn_format_int(value, digits), sign = value < 0, out = 0;
	for (size_t i = 0; i < len; i++) {
		if (i > sign && (len - i) % 3 == 0)
			text[out++] = ',';
		text[out++] = digits[i];
	}
	text[out] = '\0';
}

void tarn_format_bytes(int64_t bytes, char text[TARN_PRINT_NUMBER_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		unit++;
	}
	snprintf(text, TARN_PRINT_NUMBER_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* ---- tables ---- */

struct tarn_print_table {
	const struct tarn_print_column *columns;
	size_t n_columns, n_cells, cap_cells;
	struct tarn_arena arena;
	char **cells;
};

struct tarn_print_table *tarn_print_table_new(const struct tarn_print_column *columns, size_t n_columns)
{
	struct tarn_print_table *table = tarn_calloc(1, sizeof(*table));
	table->columns = columns;
	table->n_columns = n_columns;
	tarn_arena_init(&table->arena);
	return table;
}

void tarn_print_table_free(struct tarn_print_table *table)
{
	if (!table)
		return;
	tarn_arena_release(&table->arena);
	free(table->cells);
	free(table);
}

static size_t width_of(const uint8_t *text, size_t len)
{
	size_t width = 0;
	for (size_t i = 0; i < len; i++)
		width += (text[i] & 0xc0) != 0x80;
	return width;
}

void tarn_print_cell_slice(struct tarn_print_table *table, struct tarn_slice text)
{
	size_t widest = (size_t)table->columns[table->n_cells % table->n_columns].widest, width = 0, kept = 0;
	struct tarn_buf shown;
	tarn_buf_init(&shown, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < text.len && (!widest || width <= widest);) {
		size_t before = shown.len;
		i += add_visible(&shown, text.data + i, text.len - i);
		width += width_of(shown.data + before, shown.len - before);
		if (widest && width < widest)
			kept = shown.len;
	}
	if (widest && width > widest) {
		shown.len = kept;
		tarn_buf_add_str(&shown, "\u2026");
	}
	table->cells = tarn_grow(table->cells, &table->cap_cells, table->n_cells + 1, sizeof(*table->cells));
	table->cells[table->n_cells++] =
		tarn_arena_strndup(&table->arena, shown.data ? (const char *)shown.data : "", shown.len);
	tarn_buf_release(&shown);
}

void tarn_print_cell(struct tarn_print_table *table, const char *text)
{
	tarn_print_cell_slice(table, tarn_slice_str(text));
}

void tarn_print_cell_count(struct tarn_print_table *table, int64_t value)
{
	char text[TARN_PRINT_NUMBER_SIZE];
	tarn_format_count(value, text);
	tarn_print_cell(table, text);
}

void tarn_print_cell_bytes(struct tarn_print_table *table, int64_t bytes)
{
	char text[TARN_PRINT_NUMBER_SIZE];
	tarn_format_bytes(bytes, text);
	tarn_print_cell(table, text);
}

void tarn_print_cell_time(struct tarn_print_table *table, int64_t us)
{
	enum { TO_SECONDS = 19 };
	char text[TARN_TIMESTAMP_SIZE];
	tarn_format_timestamp(us, text);
	text[TO_SECONDS] = '\0';
	text[10] = ' ';
	tarn_print_cell(table, text);
}

static size_t column_width(const struct tarn_print_table *table, size_t column)
{
	size_t widest = strlen(table->columns[column].title);
	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		size_t width = width_of((const uint8_t *)table->cells[i], strlen(table->cells[i]));
		if (width > widest)
			widest = width;
	}
	return widest;
}

static void write_cell(const struct tarn_print_table *table, size_t column, const char *text, size_t width, FILE *out)
{
	bool last = column + 1 == table->n_columns, right = table->columns[column].right;
	int pad = (int)(width - width_of((const uint8_t *)text, strlen(text)));
	fprintf(out, "%*s%s%*s%s", right ? pad : 0, "", text, right || last ? 0 : pad, "", last ? "\n" : "  ");
}

void tarn_print_table_write(const struct tarn_print_table *table, FILE *out)
{
	bool colours = tarn_print_colours(out);
	size_t *widths = tarn_malloc(table->n_columns * sizeof(*widths));
	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	fputs(colours ? "\033[1m" : "", out);
	for (size_t i = 0; i < table->n_columns; i++)
		write_cell(table, i, table->columns[i].title, widths[i], out);
	fputs(colours ? "\033[0m" : "", out);
	for (size_t i = 0; i < table->n_cells; i++)
		write_cell(table, i % table->n_columns, table->cells[i], widths[i % table->n_columns], out);
	free(widths);
}

/* ---- JSON ---- */

/* A comma, unless the last byte opened something. A string cannot end in such a byte: it ends in a quote. */
static void separate(struct tarn_buf *out)
{
	if (out->len && !strchr("{[:", out->data[out->len - 1]))
		tarn_buf_add_byte(out, ',');
}

void tarn_print_json_begin(struct tarn_buf *out, char bracket)
{
	separate(out);
	tarn_buf_add_byte(out, (uint8_t)bracket);
}

void tarn_print_json_end(struct tarn_buf *out, char bracket)
{
	tarn_buf_add_byte(out, (uint8_t)bracket);
}

void tarn_print_json_slice(struct tarn_buf *out, struct tarn_slice text)
{
	separate(out);
	if (tarn_utf8_valid(text) == text.len) {
		tarn_json_put_string(out, text);
		return;
	}
	struct tarn_buf repaired;
	tarn_buf_init(&repaired, TARN_BUF_DEFAULT_MAX);
	tarn_utf8_repair(text, &repaired);
	tarn_json_put_string(out, tarn_buf_slice(&repaired));
	tarn_buf_release(&repaired);
}

void tarn_print_json_text(struct tarn_buf *out, const char *text)
{
	if (text)
		tarn_print_json_slice(out, tarn_slice_str(text));
	else
		tarn_print_json_null(out);
}

void tarn_print_json_key(struct tarn_buf *out, const char *key)
{
	tarn_print_json_text(out, key);
	tarn_buf_add_byte(out, ':');
}

void tarn_print_json_int(struct tarn_buf *out, int64_t value)
{
	separate(out);
	tarn_json_put_int(out, value);
}

void tarn_print_json_double(struct tarn_buf *out, double value)
{
	if (!isfinite(value)) {
		tarn_print_json_text(out, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
		return;
	}
	separate(out);
	tarn_json_put_double(out, value, tarn_format_double);
}

void tarn_print_json_bool(struct tarn_buf *out, bool value)
{
	separate(out);
	tarn_json_put_boolean(out, value);
}

void tarn_print_json_null(struct tarn_buf *out)
{
	separate(out);
	tarn_buf_add_str(out, "null");
}

void tarn_print_json_time(struct tarn_buf *out, int64_t us)
{
	char text[TARN_TIMESTAMP_SIZE];
	tarn_format_timestamp(us, text);
	tarn_print_json_text(out, text);
}

void tarn_print_json_line(struct tarn_buf *out, FILE *file)
{
	fwrite(out->data, 1, out->len, file);
	fputc('\n', file);
	tarn_buf_clear(out);
}
