/* A raw area and a lake in a temporary folder, for tests of whole runs. */
#ifndef TARN_TESTS_RUN_LAKE_FILES_H
#define TARN_TESTS_RUN_LAKE_FILES_H

#include "cmocka_tarn.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "process/run/run.h"
#include "store/iceberg/scan.h"

#define GOLDEN_RAW TEST_DATA "/golden/raw/"
#define V2_TOPIC "experiment.vqe"

struct place {
	char folder[64], raw[80], lake[80];
};

static inline void place_make(struct place *place)
{
	snprintf(place->folder, sizeof(place->folder), "/tmp/tarn-test-run-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->raw, sizeof(place->raw), "%s/raw", place->folder);
	snprintf(place->lake, sizeof(place->lake), "%s/lake", place->folder);
	assert_int_equal(mkdir(place->raw, 0700), 0);
}

static inline void place_remove(const struct place *place)
{
	char *command = tarn_asprintf("chmod -R u+rwX '%s' && rm -rf '%s'", place->folder, place->folder);

	assert_int_equal(system(command), 0);
	free(command);
}

/* Puts bytes at a key below the raw folder. */
static inline void place_put(const struct place *place, const char *key, struct tarn_slice bytes)
{
	char *path = tarn_asprintf("%s/%s", place->raw, key);
	char *slash = strrchr(path, '/');
	FILE *file;

	*slash = '\0';
	assert_int_equal(tarn_make_folders(path, NULL), TARN_OK);
	*slash = '/';
	file = fopen(path, "wb");
	assert_non_null(file);
	if (bytes.len)
		assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
	free(path);
}

static inline void read_golden(const char *name, struct tarn_buf *bytes)
{
	char *path = tarn_asprintf(GOLDEN_RAW "%s", name);

	tarn_buf_init(bytes, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_file_read(path, bytes, NULL), TARN_OK);
	free(path);
}

static inline void place_copy(const struct place *place, const char *golden, const char *key)
{
	struct tarn_buf bytes;

	read_golden(golden, &bytes);
	place_put(place, key, tarn_buf_slice(&bytes));
	tarn_buf_release(&bytes);
}

/* Record `offset` of a partition of the golden v2 set, where the sink put it. */
static inline void place_copy_v2(const struct place *place, int partition, int offset)
{
	char *key = tarn_asprintf("experiments/" V2_TOPIC "/partition=%d/" V2_TOPIC "+%d+%010d.avro", partition,
				  partition, offset);
	char *golden = tarn_asprintf("v2/%s", key);

	place_copy(place, golden, key);
	free(golden);
	free(key);
}

static inline void place_copy_all_v2(const struct place *place)
{
	for (int offset = 0; offset < 6; offset++) {
		place_copy_v2(place, 0, offset);
		place_copy_v2(place, 1, offset);
	}
	place_copy_v2(place, 0, 12);
}

static inline struct tarn_run_options place_options(const struct place *place)
{
	return (struct tarn_run_options){ .raw = place->raw, .lake = place->lake, .jobs = 2, .wait_ms = 10000 };
}

static inline struct tarn_run_report run_with(const struct tarn_run_options *options)
{
	struct tarn_run_report report;
	struct tarn_err err;

	if (tarn_run(options, &report, &err))
		fail_msg("%s", err.message);
	return report;
}

static inline struct tarn_run_report place_run(const struct place *place)
{
	const struct tarn_run_options options = place_options(place);

	return run_with(&options);
}

/* ---- what the lake holds ---- */

struct count {
	struct tarn_store *store;
	int64_t files, rows;
};

static inline enum tarn_rc count_file(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	struct count *count = context;

	(void)err;
	count->files++;
	count->rows += file->rows;
	return TARN_OK;
}

/* Rows of a table's current snapshot, -1 where there is no table; *snapshots (may be NULL) says how many it has. */
static inline int64_t place_rows(const struct place *place, const char *name, size_t *snapshots)
{
	struct tarn_catalog *catalog;
	struct tarn_table *table;
	struct count count = { 0 };
	char *location;
	size_t n = 0;

	assert_int_equal(tarn_catalog_open(place->lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_OK);
	if (tarn_catalog_load(catalog, name, &table, &location, NULL)) {
		tarn_catalog_close(catalog);
		return -1;
	}
	assert_int_equal(tarn_scan_files(table, tarn_table_current(table), tarn_catalog_store(catalog), count_file,
					 &count, NULL),
			 TARN_OK);
	tarn_table_snapshots(table, &n);
	if (snapshots)
		*snapshots = n;
	tarn_table_free(table);
	free(location);
	tarn_catalog_close(catalog);
	return count.rows;
}

/* The strings of a column over the whole table, sorted, each behind a line feed. */
struct strings {
	struct tarn_store *store;
	const char *column;
	char **items;
	size_t n, capacity;
};

static inline void add_strings(struct strings *strings, struct tarn_parquet_reader *reader)
{
	const struct tarn_field *fields;
	size_t n, column = 0;

	fields = tarn_parquet_fields(reader, &n);
	while (strcmp(fields[column].name, strings->column))
		assert_true(++column < n);
	for (size_t group = 0; group < tarn_parquet_groups(reader); group++) {
		struct tarn_vector vector;

		assert_int_equal(tarn_parquet_read(reader, group, &fields[column], &vector, NULL), TARN_OK);
		for (size_t i = 0; i < vector.length; i++) {
			size_t len = (size_t)(vector.offsets[i + 1] - vector.offsets[i]);
			bool null = vector.valid && !vector.valid[i];

			strings->items = tarn_grow(strings->items, &strings->capacity, strings->n + 1, sizeof(char *));
			strings->items[strings->n++] =
				null ? tarn_strdup("null")
				     : tarn_asprintf("%.*s", (int)len, (const char *)vector.data + vector.offsets[i]);
		}
		tarn_vector_release(&vector);
	}
}

static inline enum tarn_rc add_file_strings(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	struct strings *strings = context;
	struct tarn_scan_reader *scan;
	enum tarn_rc rc = tarn_scan_open(strings->store, file->location, &scan, err);

	if (rc)
		return rc;
	add_strings(strings, tarn_scan_parquet(scan));
	tarn_scan_close(scan);
	return TARN_OK;
}

static inline int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline char *place_strings(const struct place *place, const char *name, const char *column)
{
	struct strings strings = { .column = column };
	struct tarn_catalog *catalog;
	struct tarn_table *table;
	struct tarn_buf text;
	char *location;

	assert_int_equal(tarn_catalog_open(place->lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_OK);
	assert_int_equal(tarn_catalog_load(catalog, name, &table, &location, NULL), TARN_OK);
	strings.store = tarn_catalog_store(catalog);
	assert_int_equal(
		tarn_scan_files(table, tarn_table_current(table), strings.store, add_file_strings, &strings, NULL),
		TARN_OK);
	if (strings.n)
		qsort(strings.items, strings.n, sizeof(char *), compare_strings);
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < strings.n; i++) {
		tarn_buf_printf(&text, "%s\n", strings.items[i]);
		free(strings.items[i]);
	}
	tarn_buf_add_byte(&text, '\0');
	free(strings.items);
	tarn_table_free(table);
	free(location);
	tarn_catalog_close(catalog);
	return (char *)text.data;
}

#endif
