#include <string.h>

#include "cli/print.h"
#include "cli/table.h"
#include "store/iceberg/scan.h"

static enum tarn_rc list_file(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	struct tarn_print_table *rows = context;
	char id[TARN_PRINT_NUMBER_SIZE];
	const char *slash = strrchr(file->location, '/');
	(void)err;
	snprintf(id, sizeof(id), "%lld", (long long)file->added_snapshot_id);
	tarn_print_cell(rows, *file->partition_path ? file->partition_path : "-");
	tarn_print_cell(rows, slash ? slash + 1 : file->location);
	tarn_print_cell_count(rows, file->rows);
	tarn_print_cell_bytes(rows, file->bytes);
	tarn_print_cell(rows, id);
	return TARN_OK;
}

static enum tarn_rc print_file(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	struct tarn_buf out;
	(void)context;
	(void)err;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	tarn_print_json_key(&out, "location");
	tarn_print_json_text(&out, file->location);
	tarn_print_json_key(&out, "partition");
	tarn_print_json_text(&out, file->partition_path);
	tarn_print_json_key(&out, "rows");
	tarn_print_json_int(&out, file->rows);
	tarn_print_json_key(&out, "bytes");
	tarn_print_json_int(&out, file->bytes);
	tarn_print_json_key(&out, "sequence_number");
	tarn_print_json_int(&out, file->sequence_number);
	tarn_print_json_key(&out, "snapshot_id");
	tarn_print_json_int(&out, file->added_snapshot_id);
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
	return TARN_OK;
}

static enum tarn_rc list_files(const struct tarn_open_table *open, const char *at, bool json, struct tarn_err *err)
{
	static const struct tarn_print_column columns[] = {
		{ "PARTITION", false, 0 }, { "FILE", false, 0 },    { "ROWS", true, 0 },
		{ "SIZE", true, 0 },	   { "SNAPSHOT", true, 0 },
	};
	const struct tarn_snapshot *snapshot;
	enum tarn_rc rc = tarn_table_snapshot_at(open->table, at, &snapshot, err);
	if (rc || !snapshot)
		return rc;
	struct tarn_store *store = tarn_catalog_store(open->catalog);
	if (json)
		return tarn_scan_files(open->table, snapshot, store, print_file, NULL, err);
	struct tarn_print_table *rows = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	rc = tarn_scan_files(open->table, snapshot, store, list_file, rows, err);
	if (!rc)
		tarn_print_table_write(rows, stdout);
	tarn_print_table_free(rows);
	return rc;
}

static int run_files(int argc, char **argv)
{
	const char *lake = NULL, *at = NULL;
	bool json = false;
	const struct tarn_option options[] = { TARN_OPTION_LAKE(&lake), TARN_OPTION_AT(&at), TARN_OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "table files",
		.section = TARN_TABLE_SECTION,
		.arguments = "TABLE",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Lists the data files of a snapshot; with --json, a line each with the whole location.",
		.example = "  tarn table files vqe_iterations --lake lake\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	struct tarn_open_table open;
	struct tarn_err err;
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (tarn_open_table(lake, argv[1], &open, &err))
		return tarn_print_error(&err);
	enum tarn_rc rc = list_files(&open, at, json, &err);
	tarn_open_table_close(&open);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_table_files = { "files", "the data files of a snapshot", run_files };
