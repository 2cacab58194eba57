#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "cli/table_command.h"
#include "cli/value.h"

static const char *type_of(struct tarn_buf *scratch, const struct tarn_field *field)
{
	tarn_buf_clear(scratch);
	tarn_type_text(scratch, field);
	tarn_buf_add_byte(scratch, '\0');
	return (const char *)scratch->data;
}

/* The transform that the table is partitioned by on this column, or NULL. */
static const struct tarn_partition_field *partition_on(const struct tarn_table *table, int32_t field_id)
{
	size_t n;
	const struct tarn_partition_field *partition = tarn_table_partition(table, &n);
	for (size_t i = 0; i < n; i++)
		if (partition[i].source_id == field_id)
			return &partition[i];
	return NULL;
}

/* ---- for people ---- */

static void print_fact(const char *name, const char *value)
{
	printf("%-10s %s\n", name, value);
}

static void print_totals(const struct tarn_table *table)
{
	char rows[TARN_PRINT_NUMBER_SIZE], files[TARN_PRINT_NUMBER_SIZE], bytes[TARN_PRINT_NUMBER_SIZE];
	const struct tarn_snapshot *current = tarn_table_current(table);
	size_t n;
	tarn_table_snapshots(table, &n);
	tarn_format_count(tarn_snapshot_number(current, "total-records"), rows);
	tarn_format_count(tarn_snapshot_number(current, "total-data-files"), files);
	tarn_format_bytes(tarn_snapshot_number(current, "total-files-size"), bytes);
	printf("%-10s rows %s, files %s, size %s, snapshots %zu\n", "totals", rows, files, bytes, n);
	if (current)
		printf("%-10s %lld\n", "snapshot", (long long)current->id);
}

static void print_partition(const struct tarn_table *table)
{
	size_t n;
	const struct tarn_partition_field *partition = tarn_table_partition(table, &n);
	printf("%-10s ", "partition");
	for (size_t i = 0; i < n; i++)
		printf("%s%s (%s)", i ? ", " : "", partition[i].name, partition[i].transform);
	puts(n ? "" : "none");
}

static void print_columns(const struct tarn_table *table)
{
	static const struct tarn_print_column columns[] = {
		{ "ID", true, 0 },	  { "COLUMN", false, 0 },    { "TYPE", false, 0 },
		{ "REQUIRED", false, 0 }, { "PARTITION", false, 0 }, { "COMMENT", false, 60 },
	};
	struct tarn_print_table *rows = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	struct tarn_buf type;
	size_t n;
	const struct tarn_field *fields = tarn_table_fields(table, &n);
	tarn_buf_init(&type, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct tarn_partition_field *partition = partition_on(table, fields[i].id);
		tarn_print_cell_count(rows, fields[i].id);
		tarn_print_cell(rows, fields[i].name);
		tarn_print_cell(rows, type_of(&type, &fields[i]));
		tarn_print_cell(rows, fields[i].required ? "yes" : "");
		tarn_print_cell(rows, partition ? partition->transform : "");
		tarn_print_cell(rows, fields[i].doc ? fields[i].doc : "");
	}
	tarn_print_table_write(rows, stdout);
	tarn_print_table_free(rows);
	tarn_buf_release(&type);
}

static void show_for_people(const struct tarn_open_table *open)
{
	size_t n;
	const struct tarn_property *properties = tarn_table_properties(open->table, &n);
	print_fact("table", open->name);
	print_fact("location", tarn_table_location(open->table));
	print_fact("metadata", open->location);
	print_fact("uuid", tarn_table_uuid(open->table));
	print_totals(open->table);
	print_partition(open->table);
	putchar('\n');
	print_columns(open->table);
	if (n)
		printf("\nproperties\n");
	for (size_t i = 0; i < n; i++)
		printf("  %s = %s\n", properties[i].key, properties[i].value);
}

/* ---- for machines ---- */

static void put_columns(struct tarn_buf *out, const struct tarn_table *table)
{
	struct tarn_buf type;
	size_t n;
	const struct tarn_field *fields = tarn_table_fields(table, &n);
	tarn_buf_init(&type, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_key(out, "columns");
	tarn_print_json_begin(out, '[');
	for (size_t i = 0; i < n; i++) {
		tarn_print_json_begin(out, '{');
		tarn_print_json_key(out, "id");
		tarn_print_json_int(out, fields[i].id);
		tarn_print_json_key(out, "name");
		tarn_print_json_text(out, fields[i].name);
		tarn_print_json_key(out, "type");
		tarn_print_json_text(out, type_of(&type, &fields[i]));
		tarn_print_json_key(out, "required");
		tarn_print_json_bool(out, fields[i].required);
		tarn_print_json_key(out, "doc");
		tarn_print_json_text(out, fields[i].doc);
		tarn_print_json_end(out, '}');
	}
	tarn_print_json_end(out, ']');
	tarn_buf_release(&type);
}

static void put_partition(struct tarn_buf *out, const struct tarn_table *table)
{
	size_t n;
	const struct tarn_partition_field *partition = tarn_table_partition(table, &n);
	tarn_print_json_key(out, "partition");
	tarn_print_json_begin(out, '[');
	for (size_t i = 0; i < n; i++) {
		tarn_print_json_begin(out, '{');
		tarn_print_json_key(out, "name");
		tarn_print_json_text(out, partition[i].name);
		tarn_print_json_key(out, "transform");
		tarn_print_json_text(out, partition[i].transform);
		tarn_print_json_key(out, "source_id");
		tarn_print_json_int(out, partition[i].source_id);
		tarn_print_json_end(out, '}');
	}
	tarn_print_json_end(out, ']');
}

static void put_totals(struct tarn_buf *out, const struct tarn_table *table)
{
	const struct tarn_snapshot *current = tarn_table_current(table);
	tarn_print_json_key(out, "current_snapshot_id");
	if (current)
		tarn_print_json_int(out, current->id);
	else
		tarn_print_json_null(out);
	tarn_print_json_key(out, "rows");
	tarn_print_json_int(out, tarn_snapshot_number(current, "total-records"));
	tarn_print_json_key(out, "files");
	tarn_print_json_int(out, tarn_snapshot_number(current, "total-data-files"));
	tarn_print_json_key(out, "bytes");
	tarn_print_json_int(out, tarn_snapshot_number(current, "total-files-size"));
}

static void show_for_machines(const struct tarn_open_table *open)
{
	struct tarn_buf out;
	size_t n;
	const struct tarn_property *properties = tarn_table_properties(open->table, &n);
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	tarn_print_json_key(&out, "table");
	tarn_print_json_text(&out, open->name);
	tarn_print_json_key(&out, "location");
	tarn_print_json_text(&out, tarn_table_location(open->table));
	tarn_print_json_key(&out, "metadata_location");
	tarn_print_json_text(&out, open->location);
	tarn_print_json_key(&out, "uuid");
	tarn_print_json_text(&out, tarn_table_uuid(open->table));
	put_totals(&out, open->table);
	put_columns(&out, open->table);
	put_partition(&out, open->table);
	tarn_print_json_key(&out, "properties");
	tarn_print_json_begin(&out, '{');
	for (size_t i = 0; i < n; i++) {
		tarn_print_json_key(&out, properties[i].key);
		tarn_print_json_text(&out, properties[i].value);
	}
	tarn_print_json_end(&out, '}');
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

static enum tarn_rc show(const struct tarn_open_table *open, void *json, struct tarn_err *err)
{
	(void)err;
	if (*(const bool *)json)
		show_for_machines(open);
	else
		show_for_people(open);
	return TARN_OK;
}

static int run_show(int argc, char **argv)
{
	const char *lake = NULL;
	bool json = false;
	const struct tarn_option options[] = { TARN_OPTION_LAKE(&lake), TARN_OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "table show",
		.section = TARN_TABLE_SECTION,
		.arguments = "TABLE",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Shows a table: columns with types and field ids, partition, properties, totals, and the "
			   "metadata "
			   "file\nthat other engines open.",
		.example = "  tarn table show vqe_results --lake lake\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	return tarn_table_run(&usage, argc, argv, &lake, show, &json);
}

const struct tarn_command tarn_command_table_show = { "show", "columns, partition, properties, totals", run_show };
