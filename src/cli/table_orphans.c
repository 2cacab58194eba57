/* `tarn table orphans`: files below the tables' folders that no table's metadata refers to, left by runs that died.
 *
 * A file may belong to a run that has not committed yet, here or on another machine, so what is younger than the age
 * limit is never looked at; and files are listed before the metadata is read, so that what is committed meanwhile is
 * seen as referred to. Deleting holds the writer's lock. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/print.h"
#include "cli/table_command.h"
#include "store/iceberg/scan.h"

struct found_file {
	const char *key;
	int64_t size, modified_us;
	bool is_temporary;
};

struct key_list {
	const char **keys;
	size_t n, cap;
};

struct sweep {
	struct tarn_catalog *catalog;
	struct tarn_store *store;
	struct tarn_arena arena;
	int64_t before_us; /* files changed later are left alone */
	struct found_file *files;
	size_t n_files, cap_files;
	struct key_list references; /* keys, sorted once complete */
	char **tables;
	size_t n_tables;
};

/* ---- what is there ---- */

static bool see_file(void *context, const struct tarn_store_found *found)
{
	struct sweep *sweep = context;
	if (found->modified_us >= sweep->before_us)
		return true;
	sweep->files = tarn_grow(sweep->files, &sweep->cap_files, sweep->n_files + 1, sizeof(*sweep->files));
	sweep->files[sweep->n_files++] = (struct found_file){
		.key = tarn_arena_strdup(&sweep->arena, found->key),
		.size = found->size,
		.modified_us = found->modified_us,
		.is_temporary = found->is_temporary,
	};
	return true;
}

static int file_by_key(const void *left, const void *right)
{
	return strcmp(((const struct found_file *)left)->key, ((const struct found_file *)right)->key);
}

/* ---- what is referred to ---- */

static void add_reference(struct sweep *sweep, const char *location)
{
	struct key_list *list = &sweep->references;
	const char *key = tarn_store_key(sweep->store, location);
	if (!key)
		return;
	list->keys = tarn_grow(list->keys, &list->cap, list->n + 1, sizeof(*list->keys));
	list->keys[list->n++] = tarn_arena_strdup(&sweep->arena, key);
}

static enum tarn_rc see_reference(void *context, const char *location, struct tarn_err *err)
{
	(void)err;
	add_reference(context, location);
	return TARN_OK;
}

static enum tarn_rc add_table(struct sweep *sweep, const char *name, struct tarn_err *err)
{
	struct tarn_table *table;
	char *location;
	enum tarn_rc rc = tarn_catalog_load(sweep->catalog, name, &table, &location, err);
	if (rc)
		return rc;
	add_reference(sweep, location);
	rc = tarn_scan_references(table, sweep->store, see_reference, sweep, err);
	tarn_table_free(table);
	free(location);
	return rc ? tarn_err_within(err, rc, "table \"%s\"", name) : TARN_OK;
}

static int key_order(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static enum tarn_rc collect_references(struct sweep *sweep, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_catalog_list(sweep->catalog, &sweep->tables, &sweep->n_tables, err);
	for (size_t i = 0; i < sweep->n_tables && !rc; i++)
		rc = add_table(sweep, sweep->tables[i], err);
	if (!rc && sweep->references.n)
		qsort(sweep->references.keys, sweep->references.n, sizeof(*sweep->references.keys), key_order);
	return rc;
}

/* ---- what is an orphan ---- */

static bool is_referred_to(const struct sweep *sweep, const char *key)
{
	return sweep->references.n &&
	       bsearch(&key, sweep->references.keys, sweep->references.n, sizeof(*sweep->references.keys), key_order);
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text), end_len = strlen(end);
	return text_len >= end_len && !strcmp(text + text_len - end_len, end);
}

/* Names that path readers follow; only commits make them. */
static bool is_path_name(const char *name)
{
	size_t digits = *name == 'v' ? strspn(name + 1, "0123456789") : 0;
	return !strcmp(name, "version-hint.text") || (digits && !strcmp(name + 1 + digits, ".metadata.json"));
}

/* Hadoop's checksum ".NAME.crc" lives as long as NAME. */
static bool is_kept(const struct sweep *sweep, const char *key)
{
	const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
	if (is_referred_to(sweep, key) || is_path_name(name))
		return true;
	if (*name != '.' || !ends_with(name, ".crc"))
		return false;
	char *checked = tarn_asprintf("%.*s%.*s", (int)(name - key), key, (int)strlen(name) - 5, name + 1);
	bool kept = is_kept(sweep, checked);
	free(checked);
	return kept;
}

/* A folder that the catalog does not know but that has been published is somebody's table; it is none of ours to sweep.
 * Beside a REST catalog nothing is published by path, so every folder that is no table's of the namespace may be one.
 */
static bool is_foreign_table(const struct sweep *sweep, const char *key)
{
	const char *name = key + strlen(TARN_NAMESPACE "/");
	size_t len = strcspn(name, "/");
	for (size_t i = 0; i < sweep->n_tables; i++)
		if (strlen(sweep->tables[i]) == len && !memcmp(sweep->tables[i], name, len))
			return false;
	if (tarn_catalog_is_remote(sweep->catalog))
		return true;
	int64_t size;
	char *hint = tarn_asprintf(TARN_NAMESPACE "/%.*s/metadata/version-hint.text", (int)len, name);
	bool foreign = tarn_store_size(sweep->store, hint, &size, NULL) == TARN_OK;
	free(hint);
	return foreign;
}

static void keep_only_orphans(struct sweep *sweep)
{
	size_t n = 0;
	for (size_t i = 0; i < sweep->n_files; i++) {
		const struct found_file *file = &sweep->files[i];
		if (file->is_temporary || (!is_kept(sweep, file->key) && !is_foreign_table(sweep, file->key)))
			sweep->files[n++] = *file;
	}
	sweep->n_files = n;
	if (n)
		qsort(sweep->files, n, sizeof(*sweep->files), file_by_key);
}

/* ---- the command ---- */

static enum tarn_rc find_orphans(struct sweep *sweep, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_store_walk(sweep->store, TARN_NAMESPACE, see_file, sweep, err);
	if (!rc)
		rc = collect_references(sweep, err);
	if (!rc)
		keep_only_orphans(sweep);
	return rc;
}

static enum tarn_rc delete_orphans(struct sweep *sweep, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < sweep->n_files && !rc; i++)
		rc = tarn_store_delete(sweep->store, sweep->files[i].key, err);
	return rc;
}

static void print_for_people(const struct sweep *sweep, bool deleted)
{
	static const struct tarn_print_column columns[] = { { "CHANGED (UTC)", false, 0 },
							    { "SIZE", true, 0 },
							    { "FILE", false, 0 } };
	struct tarn_print_table *rows = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	char bytes[TARN_PRINT_NUMBER_SIZE];
	int64_t total = 0;
	for (size_t i = 0; i < sweep->n_files; i++) {
		tarn_print_cell_time(rows, sweep->files[i].modified_us);
		tarn_print_cell_bytes(rows, sweep->files[i].size);
		tarn_print_cell(rows, sweep->files[i].key);
		total += sweep->files[i].size;
	}
	if (sweep->n_files)
		tarn_print_table_write(rows, stdout);
	tarn_print_table_free(rows);
	tarn_format_bytes(total, bytes);
	if (!sweep->n_files)
		puts("no orphans");
	else if (deleted)
		printf("\ndeleted %zu files, %s\n", sweep->n_files, bytes);
	else
		printf("\n%zu files, %s; nothing was deleted: --delete does it\n", sweep->n_files, bytes);
}

static void print_for_machines(const struct sweep *sweep, bool deleted)
{
	struct tarn_buf line;
	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < sweep->n_files; i++) {
		tarn_print_json_begin(&line, '{');
		tarn_print_json_key(&line, "key");
		tarn_print_json_text(&line, sweep->files[i].key);
		tarn_print_json_key(&line, "bytes");
		tarn_print_json_int(&line, sweep->files[i].size);
		tarn_print_json_key(&line, "changed");
		tarn_print_json_time(&line, sweep->files[i].modified_us);
		tarn_print_json_key(&line, "deleted");
		tarn_print_json_bool(&line, deleted);
		tarn_print_json_end(&line, '}');
		tarn_print_json_line(&line, stdout);
	}
	tarn_buf_release(&line);
}

static int sweep_lake(const char *lake, int64_t age_us, bool delete, bool json)
{
	struct sweep sweep = { .before_us = tarn_now_us() - age_us };
	struct tarn_err err;
	if (tarn_catalog_open(lake, delete ? TARN_CATALOG_WRITE : TARN_CATALOG_READ, 0, &sweep.catalog, &err))
		return tarn_print_error(&err);
	sweep.store = tarn_catalog_store(sweep.catalog);
	tarn_arena_init(&sweep.arena);
	enum tarn_rc rc = find_orphans(&sweep, &err);
	if (!rc && delete)
		rc = delete_orphans(&sweep, &err);
	if (!rc && json)
		print_for_machines(&sweep, delete);
	else if (!rc)
		print_for_people(&sweep, delete);
	tarn_catalog_names_free(sweep.tables, sweep.n_tables);
	free(sweep.references.keys);
	free(sweep.files);
	tarn_arena_release(&sweep.arena);
	tarn_catalog_close(sweep.catalog);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

static int run_orphans(int argc, char **argv)
{
	const char *lake = NULL, *age = "1d";
	bool delete = false, json = false;
	const struct tarn_option options[] = {
		TARN_OPTION_LAKE(&lake),
		{ .name = "older-than",
		  .argument = "AGE",
		  .help = "leave younger files alone (1d; units s m h d w)",
		  .text = &age },
		{ .name = "delete", .help = "delete them; without it they are only listed", .flag = &delete },
		TARN_OPTION_JSON(&json),
	};
	const struct tarn_usage usage = {
		.command = "table orphans",
		.section = TARN_TABLE_SECTION,
		.arguments = "",
		.summary = "Lists the files below the tables' folders that no table refers to, as runs leave them that "
			   "died. "
			   "Younger\nfiles may belong to a run that has not committed yet: see --older-than.",
		.example =
			"  tarn table orphans --lake lake\n  tarn table orphans --lake lake --older-than 2d --delete\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int64_t age_us;
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (!tarn_parse_duration(age, &age_us))
		return tarn_options_refuse(&usage, "--older-than is \"%s\", expected a number and one of s m h d w",
					   age);
	return sweep_lake(lake, age_us, delete, json);
}

const struct tarn_command tarn_command_table_orphans = { "orphans", "files that no table refers to", run_orphans };
