#include "cli/table_command.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/print.h"

/* ---- shared by the sub-commands ---- */

static void suggest_table(struct tarn_catalog *catalog, const char *name, struct tarn_err *err)
{
	char **names;
	size_t n;
	if (tarn_catalog_list(catalog, &names, &n, NULL))
		return;
	const char *nearest = tarn_nearest_word(name, (const char *const *)names, n);
	if (nearest)
		tarn_err_hint(err, "did you mean \"%s\"?", nearest);
	else
		tarn_err_hint(err, "`tarn table ls` lists the %zu tables of the lake", n);
	tarn_catalog_names_free(names, n);
}

/* An unknown name's error names the nearest. */
static enum tarn_rc open_table(const char *lake, const char *name, struct tarn_open_table *open, struct tarn_err *err)
{
	struct tarn_open_table opened = { .name = name };
	enum tarn_rc rc = tarn_catalog_open(lake, TARN_CATALOG_READ, 0, &opened.catalog, err);
	if (rc)
		return rc;
	rc = tarn_catalog_load(opened.catalog, name, &opened.table, &opened.location, err);
	if (rc == TARN_ENOTFOUND)
		suggest_table(opened.catalog, name, err);
	if (rc)
		tarn_catalog_close(opened.catalog);
	else
		*open = opened;
	return rc;
}

int tarn_table_run(const struct tarn_usage *usage, int argc, char **argv, const char **lake, tarn_table_work work,
		   void *context)
{
	struct tarn_open_table open;
	struct tarn_err err;
	int exit_code;
	if (!tarn_options_parse(usage, &argc, argv, &exit_code))
		return exit_code;
	if (open_table(*lake, argv[1], &open, &err))
		return tarn_print_error(&err);
	enum tarn_rc rc = work(&open, context, &err);
	tarn_table_free(open.table);
	free(open.location);
	tarn_catalog_close(open.catalog);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

static const struct tarn_ref *find_ref(const struct tarn_table *table, const char *name)
{
	size_t n;
	const struct tarn_ref *refs = tarn_table_refs(table, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(refs[i].name, name))
			return &refs[i];
	return NULL;
}

enum tarn_rc tarn_table_snapshot_at(const struct tarn_table *table, const char *at,
				    const struct tarn_snapshot **snapshot, struct tarn_err *err)
{
	if (!at) {
		*snapshot = tarn_table_current(table);
		return TARN_OK;
	}
	const struct tarn_ref *ref = find_ref(table, at);
	char *end;
	int64_t id = ref ? ref->snapshot_id : strtoll(at, &end, 10);
	const struct tarn_snapshot *found = ref || (end != at && !*end) ? tarn_table_snapshot(table, id) : NULL;
	if (!found) {
		tarn_fail(err, TARN_ENOTFOUND, "the table has no snapshot, tag or branch \"%s\"", at);
		tarn_err_hint(err, "`tarn table snapshots` lists them");
		return TARN_ENOTFOUND;
	}
	*snapshot = found;
	return TARN_OK;
}

int64_t tarn_snapshot_number(const struct tarn_snapshot *snapshot, const char *key)
{
	const char *text = snapshot ? tarn_snapshot_summary(snapshot, key) : NULL;
	return text ? strtoll(text, NULL, 10) : 0;
}

/* ---- tarn table ls ---- */

static const struct tarn_print_column ls_columns[] = {
	{ "TABLE", false, 0 }, { "ROWS", true, 0 },	 { "FILES", true, 0 },
	{ "SIZE", true, 0 },   { "SNAPSHOTS", true, 0 }, { "LAST COMMIT (UTC)", false, 0 },
};

static void list_for_people(struct tarn_print_table *rows, const char *name, const struct tarn_table *table)
{
	size_t n;
	const struct tarn_snapshot *current = tarn_table_current(table);
	tarn_table_snapshots(table, &n);
	tarn_print_cell(rows, name);
	tarn_print_cell_count(rows, tarn_snapshot_number(current, "total-records"));
	tarn_print_cell_count(rows, tarn_snapshot_number(current, "total-data-files"));
	tarn_print_cell_bytes(rows, tarn_snapshot_number(current, "total-files-size"));
	tarn_print_cell_count(rows, (int64_t)n);
	if (current)
		tarn_print_cell_time(rows, current->timestamp_ms * 1000);
	else
		tarn_print_cell(rows, "-");
}

static void list_for_machines(const char *name, const struct tarn_table *table, const char *location)
{
	struct tarn_buf line;
	size_t n;
	const struct tarn_snapshot *current = tarn_table_current(table);
	tarn_table_snapshots(table, &n);
	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&line, '{');
	tarn_print_json_key(&line, "table");
	tarn_print_json_text(&line, name);
	tarn_print_json_key(&line, "rows");
	tarn_print_json_int(&line, tarn_snapshot_number(current, "total-records"));
	tarn_print_json_key(&line, "files");
	tarn_print_json_int(&line, tarn_snapshot_number(current, "total-data-files"));
	tarn_print_json_key(&line, "bytes");
	tarn_print_json_int(&line, tarn_snapshot_number(current, "total-files-size"));
	tarn_print_json_key(&line, "snapshots");
	tarn_print_json_int(&line, (int64_t)n);
	tarn_print_json_key(&line, "last_commit");
	if (current)
		tarn_print_json_time(&line, current->timestamp_ms * 1000);
	else
		tarn_print_json_null(&line);
	tarn_print_json_key(&line, "metadata_location");
	tarn_print_json_text(&line, location);
	tarn_print_json_end(&line, '}');
	tarn_print_json_line(&line, stdout);
	tarn_buf_release(&line);
}

static enum tarn_rc list_table(struct tarn_catalog *catalog, const char *name, struct tarn_print_table *rows,
			       struct tarn_err *err)
{
	struct tarn_table *table;
	char *location;
	enum tarn_rc rc = tarn_catalog_load(catalog, name, &table, &location, err);
	if (rc)
		return rc;
	if (rows)
		list_for_people(rows, name, table);
	else
		list_for_machines(name, table, location);
	tarn_table_free(table);
	free(location);
	return TARN_OK;
}

static enum tarn_rc list_tables(struct tarn_catalog *catalog, struct tarn_print_table *rows, struct tarn_err *err)
{
	char **names;
	size_t n;
	enum tarn_rc rc = tarn_catalog_list(catalog, &names, &n, err);
	if (rc)
		return rc;
	tarn_catalog_expect(catalog, (const char *const *)names, n);
	for (size_t i = 0; i < n && !rc; i++)
		rc = list_table(catalog, names[i], rows, err);
	tarn_catalog_names_free(names, n);
	return rc;
}

static int run_ls(int argc, char **argv)
{
	const char *lake = NULL;
	bool json = false;
	const struct tarn_option options[] = { TARN_OPTION_LAKE(&lake), TARN_OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "table ls",
		.section = TARN_TABLE_SECTION,
		.arguments = "",
		.summary = "Lists the tables of a lake; with --json, a line of JSON each.",
		.example = "  tarn table ls --lake lake\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	struct tarn_catalog *catalog;
	struct tarn_err err;
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (tarn_catalog_open(lake, TARN_CATALOG_READ, 0, &catalog, &err))
		return tarn_print_error(&err);
	struct tarn_print_table *rows =
		json ? NULL : tarn_print_table_new(ls_columns, sizeof(ls_columns) / sizeof(*ls_columns));
	enum tarn_rc rc = list_tables(catalog, rows, &err);
	if (!rc && rows)
		tarn_print_table_write(rows, stdout);
	tarn_print_table_free(rows);
	tarn_catalog_close(catalog);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_table_ls = { "ls", "list the tables of a lake", run_ls };

/* ---- tarn table ---- */

static int run_table(int argc, char **argv)
{
	static const struct tarn_command *const subcommands[] = {
		&tarn_command_table_ls,
		&tarn_command_table_show,
		&tarn_command_table_snapshots,
		&tarn_command_table_files,
		&tarn_command_table_head,
		&tarn_command_table_orphans,
		NULL,
	};
	return tarn_subcommand_run(&tarn_command_table, subcommands, argc, argv);
}

const struct tarn_command tarn_command_table = { "table", "look at the tables of a lake", run_table };
