/* What commands print: aligned tables for people, JSON for machines, errors. */
#ifndef TARN_CLI_PRINT_H
#define TARN_CLI_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

/* The error, and its hint, to standard error as "tarn: ..."; returns TARN_EXIT_FAILED. */
int tarn_print_error(const struct tarn_err *err);
/* Whether `out` should get colours: a terminal, and neither NO_COLOR nor TERM=dumb in the environment. */
bool tarn_print_colours(FILE *out);

/* Appends text as something that a terminal shows and does not obey: control characters as escapes, bytes that are not
 * UTF-8 as "?". */
void tarn_print_visible(struct tarn_buf *out, struct tarn_slice text);

/* ---- tables for people ---- */

struct tarn_print_column {
	const char *title;
	bool right; /* numbers */
	int widest; /* longer cells are cut with an ellipsis; 0: never */
};

struct tarn_print_table;

/* `columns` must outlive the table. */
struct tarn_print_table *tarn_print_table_new(const struct tarn_print_column *columns, size_t n_columns);
void tarn_print_table_free(struct tarn_print_table *table);
/* The next cell, row by row; copied. Control characters are shown as escapes, bytes that are not UTF-8 as "?". */
void tarn_print_cell(struct tarn_print_table *table, const char *text);
void tarn_print_cell_slice(struct tarn_print_table *table, struct tarn_slice text);
void tarn_print_cell_count(struct tarn_print_table *table, int64_t value); /* 1,234,567 */
void tarn_print_cell_bytes(struct tarn_print_table *table, int64_t bytes); /* 1.2 MiB */
void tarn_print_cell_time(struct tarn_print_table *table, int64_t us);	   /* 2026-01-02 03:04:05 */
/* Prints title and rows; the last row must be full. */
void tarn_print_table_write(const struct tarn_print_table *table, FILE *out);

#define TARN_PRINT_NUMBER_SIZE 32
void tarn_format_count(int64_t value, char text[TARN_PRINT_NUMBER_SIZE]);
void tarn_format_bytes(int64_t bytes, char text[TARN_PRINT_NUMBER_SIZE]);

/* ---- JSON for machines ---- */

/* Appends JSON to a buffer; commas come by themselves. Bytes that are not UTF-8 become U+FFFD; a double that JSON
 * cannot hold becomes the string "NaN", "Infinity" or "-Infinity". */
void tarn_print_json_begin(struct tarn_buf *out, char bracket); /* '{' or '[' */
void tarn_print_json_end(struct tarn_buf *out, char bracket);	/* '}' or ']' */
void tarn_print_json_key(struct tarn_buf *out, const char *key);
void tarn_print_json_text(struct tarn_buf *out, const char *text); /* NULL: null */
void tarn_print_json_slice(struct tarn_buf *out, struct tarn_slice text);
void tarn_print_json_int(struct tarn_buf *out, int64_t value);
void tarn_print_json_double(struct tarn_buf *out, double value);
void tarn_print_json_bool(struct tarn_buf *out, bool value);
void tarn_print_json_null(struct tarn_buf *out);
void tarn_print_json_time(struct tarn_buf *out, int64_t us); /* RFC 3339, UTC */
/* Prints the buffer and a newline, and empties it: one document, or one of many lines. */
void tarn_print_json_line(struct tarn_buf *out, FILE *file);

#endif
