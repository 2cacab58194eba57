/* `tarn table head`: rows of a table, in the order of its files. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/table_command.h"
#include "cli/value.h"
#include "store/iceberg/scan.h"

enum { CELL_WIDTH = 32 };

/* Data files, until they hold as many rows as were asked for. */
struct picked_files {
	struct tarn_arena arena;
	const char **locations;
	size_t n, cap;
	int64_t rows, wanted;
	bool enough;
};

static enum tarn_rc pick_file(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	struct picked_files *picked = context;
	picked->locations = tarn_grow(picked->locations, &picked->cap, picked->n + 1, sizeof(*picked->locations));
	picked->locations[picked->n++] = tarn_arena_strdup(&picked->arena, file->location);
	picked->rows += file->rows;
	picked->enough = picked->rows >= picked->wanted;
	return picked->enough ? tarn_fail(err, TARN_ELIMIT, "enough rows") : TARN_OK;
}

struct head {
	struct tarn_store *store;
	const struct tarn_field **fields;
	size_t n_fields;
	int64_t left;		       /* rows still to be printed */
	struct tarn_print_table *rows; /* NULL: lines of JSON */
};

/* ---- columns ---- */

static const struct tarn_field *find_field(const struct tarn_field *fields, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, name, len))
			return &fields[i];
	return NULL;
}

/* "a,b": the named columns in that order; NULL: all. *chosen has room for all columns and one more for each comma. */
static enum tarn_rc choose_columns(const struct tarn_table *table, const char *names, struct head *head,
				   struct tarn_err *err)
{
	size_t n, most;
	const struct tarn_field *fields = tarn_table_fields(table, &n);
	most = n + (names ? strlen(names) + 1 : 0);
	head->fields = tarn_malloc(most * sizeof(*head->fields));
	if (!names) {
		for (size_t i = 0; i < n; i++)
			head->fields[head->n_fields++] = &fields[i];
		return TARN_OK;
	}
	for (;; names++) {
		size_t len = strcspn(names, ",");
		const struct tarn_field *field = find_field(fields, n, names, len);
		if (!field) {
			tarn_fail(err, TARN_ENOTFOUND, "the table has no column \"%.*s\"", (int)len, names);
			tarn_err_hint(err, "`tarn table show` lists them");
			return TARN_ENOTFOUND;
		}
		head->fields[head->n_fields++] = field;
		names += len;
		if (!*names)
			return TARN_OK;
	}
}

/* ---- rows ---- */

static void print_row_for_people(struct head *head, const struct tarn_vector *vectors, size_t row)
{
	struct tarn_buf text;
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < head->n_fields; i++) {
		tarn_buf_clear(&text);
		tarn_value_text(&text, &vectors[i], row);
		tarn_print_cell_slice(head->rows, tarn_buf_slice(&text));
	}
	tarn_buf_release(&text);
}

static void print_row_for_machines(struct head *head, const struct tarn_vector *vectors, size_t row)
{
	struct tarn_buf line;
	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&line, '{');
	for (size_t i = 0; i < head->n_fields; i++) {
		tarn_print_json_key(&line, head->fields[i]->name);
		tarn_value_json(&line, &vectors[i], row);
	}
	tarn_print_json_end(&line, '}');
	tarn_print_json_line(&line, stdout);
	tarn_buf_release(&line);
}

static enum tarn_rc print_group(struct head *head, struct tarn_parquet_reader *reader, size_t group,
				struct tarn_err *err)
{
	struct tarn_vector *vectors = tarn_calloc(head->n_fields, sizeof(*vectors));
	size_t read = 0, rows = (size_t)tarn_parquet_group_row_count(reader, group);
	enum tarn_rc rc = TARN_OK;
	for (; read < head->n_fields && !rc; read += !rc)
		rc = tarn_parquet_read(reader, group, head->fields[read], &vectors[read], err);
	for (size_t row = 0; row < rows && head->left > 0 && !rc; row++, head->left--)
		if (head->rows)
			print_row_for_people(head, vectors, row);
		else
			print_row_for_machines(head, vectors, row);
	while (read)
		tarn_vector_release(&vectors[--read]);
	free(vectors);
	return rc;
}

static enum tarn_rc print_file(struct head *head, const char *location, struct tarn_err *err)
{
	struct tarn_scan_reader *scan;
	enum tarn_rc rc = tarn_scan_open(head->store, location, &scan, err);
	if (rc)
		return rc;
	struct tarn_parquet_reader *reader = tarn_scan_parquet(scan);
	for (size_t group = 0; group < tarn_parquet_groups(reader) && head->left > 0 && !rc; group++)
		rc = print_group(head, reader, group, err);
	tarn_scan_close(scan);
	return rc ? tarn_err_within(err, rc, "\"%s\"", location) : TARN_OK;
}

static enum tarn_rc print_rows(struct head *head, const struct tarn_open_table *open, const char *at,
			       struct tarn_err *err)
{
	struct picked_files picked = { .wanted = head->left };
	const struct tarn_snapshot *snapshot;
	enum tarn_rc rc = tarn_table_snapshot_at(open->table, at, &snapshot, err);
	if (rc || !snapshot || !head->left)
		return rc;
	tarn_arena_init(&picked.arena);
	rc = tarn_scan_files(open->table, snapshot, head->store, pick_file, &picked, err);
	if (picked.enough)
		rc = TARN_OK;
	for (size_t i = 0; i < picked.n && head->left > 0 && !rc; i++)
		rc = print_file(head, picked.locations[i], err);
	free(picked.locations);
	tarn_arena_release(&picked.arena);
	return rc;
}

static bool is_number(enum tarn_type_kind kind)
{
	return kind == TARN_TYPE_INT || kind == TARN_TYPE_LONG || kind == TARN_TYPE_FLOAT || kind == TARN_TYPE_DOUBLE ||
	       kind == TARN_TYPE_DECIMAL;
}

struct request {
	const char *at, *columns;
	int64_t n;
	bool json;
};

static enum tarn_rc print_head(const struct tarn_open_table *open, void *context, struct tarn_err *err)
{
	const struct request *request = context;
	struct head head = { .store = tarn_catalog_store(open->catalog), .left = request->n };
	struct tarn_print_column *titles = NULL;
	enum tarn_rc rc = choose_columns(open->table, request->columns, &head, err);
	if (!rc && !request->json) {
		titles = tarn_malloc(head.n_fields * sizeof(*titles));
		for (size_t i = 0; i < head.n_fields; i++)
			titles[i] = (struct tarn_print_column){ head.fields[i]->name, is_number(head.fields[i]->kind),
								CELL_WIDTH };
		head.rows = tarn_print_table_new(titles, head.n_fields);
	}
	if (!rc)
		rc = print_rows(&head, open, request->at, err);
	if (!rc && head.rows)
		tarn_print_table_write(head.rows, stdout);
	tarn_print_table_free(head.rows);
	free(titles);
	free(head.fields);
	return rc;
}

static int run_head(int argc, char **argv)
{
	const char *lake = NULL;
	struct request request = { .n = 10 };
	const struct tarn_option options[] = {
		TARN_OPTION_LAKE(&lake),
		{ .name = "rows", .letter = 'n', .argument = "N", .help = "how many rows (10)", .number = &request.n },
		{ .name = "columns", .argument = "A,B,...", .help = "these columns only", .text = &request.columns },
		TARN_OPTION_AT(&request.at),
		TARN_OPTION_JSON(&request.json),
	};
	const struct tarn_usage usage = {
		.command = "table head",
		.section = TARN_TABLE_SECTION,
		.arguments = "TABLE",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Prints rows of a table. For people, long values are cut; with --json, a line with the "
			   "whole row.",
		.example = "  tarn table head vqe_results --lake lake -n 3 --columns "
			   "experiment_id,basis_set,minimum_energy\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	return tarn_table_run(&usage, argc, argv, &lake, print_head, &request);
}

const struct tarn_command tarn_command_table_head = { "head", "rows of a table", run_head };
