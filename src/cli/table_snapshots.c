#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "cli/table_command.h"

/* Tags and branches of a snapshot, with a comma between. */
static void put_refs(struct tarn_buf *out, const struct tarn_table *table, int64_t snapshot_id)
{
	size_t n;
	const struct tarn_ref *refs = tarn_table_refs(table, &n);
	tarn_buf_clear(out);
	for (size_t i = 0; i < n; i++)
		if (refs[i].snapshot_id == snapshot_id)
			tarn_buf_printf(out, "%s%s", out->len ? ", " : "", refs[i].name);
}

static void snapshots_for_people(const struct tarn_table *table)
{
	static const struct tarn_print_column columns[] = {
		{ "SNAPSHOT", true, 0 }, { "TIME (UTC)", false, 0 }, { "OPERATION", false, 0 }, { "ROWS", true, 0 },
		{ "FILES", true, 0 },	 { "TOTAL ROWS", true, 0 },  { "REFS", false, 0 },
	};
	struct tarn_print_table *rows = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	struct tarn_buf refs;
	size_t n;
	const struct tarn_snapshot *snapshots = tarn_table_snapshots(table, &n);
	tarn_buf_init(&refs, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++) {
		char id[TARN_PRINT_NUMBER_SIZE];
		snprintf(id, sizeof(id), "%lld", (long long)snapshots[i].id);
		put_refs(&refs, table, snapshots[i].id);
		tarn_print_cell(rows, id);
		tarn_print_cell_time(rows, snapshots[i].timestamp_ms * 1000);
		tarn_print_cell(rows, snapshots[i].operation);
		tarn_print_cell_count(rows, tarn_snapshot_number(&snapshots[i], "added-records"));
		tarn_print_cell_count(rows, tarn_snapshot_number(&snapshots[i], "added-data-files"));
		tarn_print_cell_count(rows, tarn_snapshot_number(&snapshots[i], "total-records"));
		tarn_print_cell_slice(rows, tarn_buf_slice(&refs));
	}
	tarn_print_table_write(rows, stdout);
	tarn_print_table_free(rows);
	tarn_buf_release(&refs);
}

static void put_ref_names(struct tarn_buf *out, const struct tarn_table *table, int64_t snapshot_id, bool tags)
{
	size_t n;
	const struct tarn_ref *refs = tarn_table_refs(table, &n);
	tarn_print_json_key(out, tags ? "tags" : "branches");
	tarn_print_json_begin(out, '[');
	for (size_t i = 0; i < n; i++)
		if (refs[i].snapshot_id == snapshot_id && refs[i].is_tag == tags)
			tarn_print_json_text(out, refs[i].name);
	tarn_print_json_end(out, ']');
}

static void put_snapshot(struct tarn_buf *out, const struct tarn_table *table, const struct tarn_snapshot *snapshot)
{
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "snapshot_id");
	tarn_print_json_int(out, snapshot->id);
	tarn_print_json_key(out, "parent_id");
	if (snapshot->parent_id)
		tarn_print_json_int(out, snapshot->parent_id);
	else
		tarn_print_json_null(out);
	tarn_print_json_key(out, "sequence_number");
	tarn_print_json_int(out, snapshot->sequence_number);
	tarn_print_json_key(out, "time");
	tarn_print_json_time(out, snapshot->timestamp_ms * 1000);
	tarn_print_json_key(out, "operation");
	tarn_print_json_text(out, snapshot->operation);
	put_ref_names(out, table, snapshot->id, true);
	put_ref_names(out, table, snapshot->id, false);
	tarn_print_json_key(out, "summary");
	tarn_print_json_begin(out, '{');
	for (size_t i = 0; i < snapshot->n_summary; i++) {
		tarn_print_json_key(out, snapshot->summary[i].key);
		tarn_print_json_text(out, snapshot->summary[i].value);
	}
	tarn_print_json_end(out, '}');
	tarn_print_json_end(out, '}');
}

static void snapshots_for_machines(const struct tarn_table *table)
{
	struct tarn_buf out;
	size_t n;
	const struct tarn_snapshot *snapshots = tarn_table_snapshots(table, &n);
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++) {
		put_snapshot(&out, table, &snapshots[i]);
		tarn_print_json_line(&out, stdout);
	}
	tarn_buf_release(&out);
}

static enum tarn_rc list_snapshots(const struct tarn_open_table *open, void *json, struct tarn_err *err)
{
	(void)err;
	if (*(const bool *)json)
		snapshots_for_machines(open->table);
	else
		snapshots_for_people(open->table);
	return TARN_OK;
}

static int run_snapshots(int argc, char **argv)
{
	const char *lake = NULL;
	bool json = false;
	const struct tarn_option options[] = { TARN_OPTION_LAKE(&lake), TARN_OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "table snapshots",
		.section = TARN_TABLE_SECTION,
		.arguments = "TABLE",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Lists the snapshots of a table, oldest first, with their tags and branches; with --json, a "
			   "line each "
			   "with the "
			   "whole summary.",
		.example = "  tarn table snapshots vqe_results --lake lake\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	return tarn_table_run(&usage, argc, argv, &lake, list_snapshots, &json);
}

const struct tarn_command tarn_command_table_snapshots = { "snapshots", "what was committed, with tags",
							   run_snapshots };
