#include <string.h>

#include "cli/print.h"
#include "cli/table_command.h"
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

struct request {
	const char *at;
	bool json;
};

static enum tarn_rc list_files(const struct tarn_open_table *open, void *context, struct tarn_err *err)
{
	static const struct tarn_print_column columns[] = {
		{ "PARTITION", false, 0 }, { "FILE", false, 0 },    { "ROWS", true, 0 },
		{ "SIZE", true, 0 },	   { "SNAPSHOT", true, 0 },
	};
	const struct request *request = context;
	const struct tarn_snapshot *snapshot;
	enum tarn_rc rc = tarn_table_snapshot_at(open->table, request->at, &snapshot, err);
	if (rc || !snapshot)
		return rc;
	struct tarn_store *store = tarn_catalog_store(open->catalog);
	if (request->json)
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
	const char *lake = NULL;
	struct request request = { 0 };
	const struct tarn_option options[] = { TARN_OPTION_LAKE(&lake), TARN_OPTION_AT(&request.at),
					       TARN_OPTION_JSON(&request.json) };
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
	return tarn_table_run(&usage, argc, argv, &lake, list_files, &request);
}

const struct tarn_command tarn_command_table_files = { "files", "the data files of a snapshot", run_files };
