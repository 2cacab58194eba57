#include "iceberg_fixture.h"

static const struct tarn_field element[] = { { .id = 4, .name = "element", .kind = TARN_TYPE_DOUBLE } };
static const struct tarn_field fields[] = {
	{ .id = 1, .name = "energy", .kind = TARN_TYPE_DOUBLE },
	{ .id = 2, .name = "basis_set", .kind = TARN_TYPE_STRING },
	{ .id = 3, .name = "coordinates", .kind = TARN_TYPE_LIST, .fields = element, .n_fields = 1 },
};
static const char *const by_basis_set[] = { "basis_set" };
static const struct tarn_table_definition definition = {
	.name = "t",
	.fields = fields,
	.n_fields = 3,
	.partition_by = by_basis_set,
	.n_partition_by = 1,
};

#define BYTES(literal)                                                                                                 \
	{                                                                                                              \
		(const uint8_t *)(literal), sizeof(literal) - 1                                                        \
	}
static const struct tarn_parquet_metrics metrics[] = {
	{ .field_id = 1,
	  .kind = TARN_TYPE_DOUBLE,
	  .compressed_bytes = 80,
	  .values = 10,
	  .nulls = 1,
	  .nans = 2,
	  .has_bounds = true,
	  .lower = BYTES("\0\0\0\0\0\0\xf0\x3f"),
	  .upper = BYTES("\0\0\0\0\0\0\0\x40") },
	{ .field_id = 2,
	  .kind = TARN_TYPE_STRING,
	  .compressed_bytes = 20,
	  .values = 10,
	  .has_bounds = true,
	  .lower = BYTES("quantum_base_processing"),
	  .upper = BYTES("quantum_base_processing") },
	{ .field_id = 4,
	  .kind = TARN_TYPE_DOUBLE,
	  .in_list = true,
	  .compressed_bytes = 240,
	  .values = 30,
	  .has_bounds = true,
	  .lower = BYTES("\0\0\0\0\0\0\xf0\x3f"),
	  .upper = BYTES("\0\0\0\0\0\0\0\x40") },
};
static const int64_t splits[] = { 4, 4096 };

static struct tarn_data_file data_file(const char *location, const struct tarn_partition_value *partition)
{
	return (struct tarn_data_file){ .location = location,
					.rows = 10,
					.bytes = 400,
					.partition = partition,
					.splits = splits,
					.n_splits = 2,
					.metrics = metrics,
					.n_metrics = 3 };
}

struct lake {
	struct temp_store temp;
	struct tarn_table *table;
	char location[100];
};

static struct lake lake_open(void)
{
	struct lake lake = { .temp = temp_store_open() };
	snprintf(lake.location, sizeof(lake.location), "%s/q/t", tarn_store_url(lake.temp.store));
	lake.table = tarn_table_new(&definition, lake.location, "00000000-0000-4000-8000-000000000000", 1000000);
	return lake;
}

static void lake_close(struct lake *lake)
{
	tarn_table_free(lake->table);
	temp_store_close(&lake->temp);
}

/* Appends one file of basis set "sto3g", or null. */
static enum tarn_rc append_one(struct lake *lake, int64_t snapshot_id, bool null, const char *tag,
			       const char *metadata_location, struct tarn_err *err)
{
	const struct tarn_partition_value partition = { .present = !null, .text = BYTES("sto3g") };
	char location[200], uuid[60];
	snprintf(location, sizeof(location), "%s/data/%lld.parquet", lake->location, (long long)snapshot_id);
	snprintf(uuid, sizeof(uuid), "attempt-%lld", (long long)snapshot_id);
	struct tarn_data_file file = data_file(location, &partition);
	static const struct tarn_property summary[] = { { "run", "\"7\"" } };
	const struct tarn_append append = { .snapshot_id = snapshot_id,
					    .now_us = 1000000 + snapshot_id * 1000,
					    .tag = tag,
					    .attempt_uuid = uuid,
					    .summary = summary,
					    .n_summary = 1 };
	return tarn_table_append(lake->table, lake->temp.store, &file, 1, &append, metadata_location, err);
}

static char *metadata_text(const struct tarn_table *table)
{
	struct tarn_buf json;
	tarn_buf_init(&json, 1 << 24);
	assert_int_equal(tarn_table_write(table, &json, NULL), TARN_OK);
	tarn_buf_add_byte(&json, 0);
	return (char *)json.data; /* freed by the caller */
}

static size_t list_of(const struct lake *lake, struct tarn_arena *arena, struct tarn_manifest **manifests)
{
	size_t n;
	struct tarn_err err;
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	if (tarn_manifest_list_load(reader, lake->temp.store, tarn_table_current(lake->table), arena, manifests, &n,
				    &err))
		fail_msg("%s", err.message);
	tarn_manifest_reader_free(reader);
	return n;
}

static void first_append_in_java_form(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	assert_int_equal(append_one(&lake, 5, false, "v_1", NULL, NULL), TARN_OK);
	char *text = metadata_text(lake.table), expected[2000];
	snprintf(expected, sizeof(expected),
		 "\"current-snapshot-id\":5,\"refs\":{\"main\":{\"snapshot-id\":5,\"type\":\"branch\"},\"v_1\":{"
		 "\"snapshot-id\":5,"
		 "\"type\":\"tag\"}},\"snapshots\":[{\"sequence-number\":1,\"snapshot-id\":5,\"timestamp-ms\":1005,"
		 "\"summary\":{"
		 "\"operation\":\"append\",\"run\":\"\\\"7\\\"\",\"added-data-files\":\"1\",\"added-records\":\"10\","
		 "\"added-files-size\":\"400\",\"changed-partition-count\":\"1\",\"total-records\":\"10\","
		 "\"total-files-size\":\"400\",\"total-data-files\":\"1\",\"total-delete-files\":\"0\","
		 "\"total-position-deletes\":\"0\",\"total-equality-deletes\":\"0\",\"engine-name\":\"tarn\","
		 "\"engine-version\":\"%s\"},\"manifest-list\":\"%s/metadata/"
		 "snap-5-1-attempt-5.avro\",\"schema-id\":0}],"
		 "\"statistics\":[],\"partition-statistics\":[],\"snapshot-log\":[{\"timestamp-ms\":1005,\"snapshot-"
		 "id\":5}],"
		 "\"metadata-log\":[]}",
		 TARN_VERSION, lake.location);
	const char *found = strstr(text, "\"current-snapshot-id\"");
	assert_non_null(found);
	assert_string_equal(found, expected);
	assert_non_null(strstr(text, "\"last-sequence-number\":1,\"last-updated-ms\":1005,"));
	free(text);
	lake_close(&lake);
}

static enum tarn_rc check_first_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	static const struct {
		size_t n;
		int32_t ids[3];
		int64_t counts[3];
	} expected[] = {
		{ 3, { 1, 2, 4 }, { 80, 20, 240 } },
		{ 2, { 1, 2 }, { 10, 10 } },
		{ 2, { 1, 2 }, { 1, 0 } },
		{ 1, { 1 }, { 2 } },
	};
	const struct tarn_id_counts *found[] = { &entry->column_sizes, &entry->value_counts, &entry->null_counts,
						 &entry->nan_counts };
	(void)err;
	(*(size_t *)context)++;
	for (size_t i = 0; i < 4; i++) {
		assert_true(found[i]->present && found[i]->n == expected[i].n);
		assert_memory_equal(found[i]->ids, expected[i].ids, expected[i].n * sizeof(int32_t));
		assert_memory_equal(found[i]->counts, expected[i].counts, expected[i].n * sizeof(int64_t));
	}
	assert_true(entry->lower.n == 2 && entry->upper.n == 2 && entry->lower.offsets[2] == 8 + 16);
	assert_memory_equal(entry->lower.data + 8, "quantum_base_pro", 16);
	assert_memory_equal(entry->upper.data + 8, "quantum_base_prp", 16);
	assert_memory_equal(entry->splits, splits, sizeof(splits));
	assert_int_equal(entry->status, TARN_ENTRY_ADDED);
	assert_int_equal(entry->snapshot_id, 5);
	assert_int_equal(entry->sequence_number, 1);
	return TARN_OK;
}

static void metrics_become_counts_and_bounds(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	struct tarn_buf file;
	size_t n = 0;
	tarn_arena_init(&arena);
	tarn_buf_init(&file, 1 << 20);
	assert_int_equal(append_one(&lake, 5, false, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(list_of(&lake, &arena, &manifests), 1);
	assert_int_equal(manifests[0].sequence_number, 1);
	assert_int_equal(manifests[0].min_sequence_number, 1);
	assert_int_equal(manifests[0].added_snapshot_id, 5);
	assert_true(tarn_slice_eq(manifests[0].partitions[0].upper, tarn_slice_str("sto3g")));
	struct tarn_partition_type type = tarn_partition_type_of(lake.table, lake.table->spec, &arena);
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	assert_int_equal(tarn_manifest_fetch(lake.temp.store, manifests[0].location, &file, NULL), TARN_OK);
	assert_int_equal(file.len, manifests[0].length);
	assert_int_equal(
		tarn_manifest_read(reader, tarn_buf_slice(&file), &manifests[0], &type, check_first_entry, &n, NULL),
		TARN_OK);
	assert_int_equal(n, 1);
	tarn_manifest_reader_free(reader);
	tarn_buf_release(&file);
	tarn_arena_release(&arena);
	lake_close(&lake);
}

static enum tarn_rc check_merged_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	size_t *index = context, i = (*index)++;
	(void)err;
	/* the new file, then the old ones from the newest manifest on */
	int64_t commit = 8 - (int64_t)i;
	assert_int_equal(entry->status, i ? TARN_ENTRY_EXISTING : TARN_ENTRY_ADDED);
	assert_int_equal(entry->snapshot_id, commit);
	assert_int_equal(entry->sequence_number, commit);
	assert_int_equal(entry->file_sequence_number, commit);
	assert_int_equal(entry->partition[0].present, commit != 3);
	assert_int_equal(entry->lower.n, 2);
	return TARN_OK;
}

static void the_eighth_manifest_merges_all(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	struct tarn_buf file;
	size_t n = 0;
	tarn_arena_init(&arena);
	tarn_buf_init(&file, 1 << 20);
	for (int64_t i = 1; i <= 8; i++) {
		assert_int_equal(append_one(&lake, i, i == 3, NULL, NULL, NULL), TARN_OK);
		assert_int_equal(list_of(&lake, &arena, &manifests), i < 8 ? i : 1);
	}
	assert_int_equal(manifests[0].added_files, 1);
	assert_int_equal(manifests[0].existing_files, 7);
	assert_int_equal(manifests[0].added_rows, 10);
	assert_int_equal(manifests[0].existing_rows, 70);
	assert_int_equal(manifests[0].sequence_number, 8);
	assert_int_equal(manifests[0].min_sequence_number, 1);
	assert_true(manifests[0].partitions[0].contains_null);
	struct tarn_partition_type type = tarn_partition_type_of(lake.table, lake.table->spec, &arena);
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	assert_int_equal(tarn_manifest_fetch(lake.temp.store, manifests[0].location, &file, NULL), TARN_OK);
	assert_int_equal(
		tarn_manifest_read(reader, tarn_buf_slice(&file), &manifests[0], &type, check_merged_entry, &n, NULL),
		TARN_OK);
	assert_int_equal(n, 8);
	assert_string_equal(tarn_snapshot_summary(tarn_table_current(lake.table), "total-records"), "80");
	assert_int_equal(append_one(&lake, 9, false, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(list_of(&lake, &arena, &manifests), 2);
	tarn_manifest_reader_free(reader);
	tarn_buf_release(&file);
	tarn_arena_release(&arena);
	lake_close(&lake);
}

/* What is not merged is not read: its file may even be gone. */
static void other_manifests_are_not_read(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	for (int64_t i = 1; i <= 3; i++) {
		char key[60];
		assert_int_equal(append_one(&lake, i, false, NULL, NULL, NULL), TARN_OK);
		snprintf(key, sizeof(key), "q/t/metadata/attempt-%lld-m0.avro", (long long)i);
		assert_int_equal(tarn_store_delete(lake.temp.store, key, NULL), TARN_OK);
	}
	lake_close(&lake);
}

static void logs_grow_and_are_trimmed(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	for (int64_t i = 1; i <= 103; i++) {
		char location[40];
		snprintf(location, sizeof(location), "m%lld.json", (long long)i);
		assert_int_equal(append_one(&lake, i, false, NULL, location, NULL), TARN_OK);
	}
	assert_int_equal(lake.table->n_metadata_log, 100);
	assert_string_equal(lake.table->metadata_log[0].file, "m4.json");
	assert_string_equal(lake.table->metadata_log[99].file, "m103.json");
	assert_true(tarn_slice_eq(lake.table->metadata_log[99].json,
				  tarn_slice_str("{\"timestamp-ms\":1102,\"metadata-file\":\"m103.json\"}")));
	assert_int_equal(lake.table->n_snapshot_log, 103);
	char *text = metadata_text(lake.table);
	struct tarn_table *again;
	assert_int_equal(tarn_table_parse(tarn_slice_str(text), &again, NULL), TARN_OK);
	assert_int_equal(tarn_table_current(again)->parent_id, 102);
	char *same = metadata_text(again);
	assert_string_equal(text, same);
	free(same);
	free(text);
	tarn_table_free(again);
	lake_close(&lake);
}

static void time_never_runs_backwards(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	assert_int_equal(append_one(&lake, 500, false, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(append_one(&lake, 400, false, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(tarn_table_current(lake.table)->timestamp_ms, 1500);
	lake_close(&lake);
}

static void what_cannot_be_leaves_the_table_alone(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	struct tarn_err err;
	assert_int_equal(append_one(&lake, 1, false, "v_1", NULL, NULL), TARN_OK);
	char *before = metadata_text(lake.table);
	assert_int_equal(append_one(&lake, 2, false, "v_1", NULL, &err), TARN_EEXISTS);
	assert_non_null(strstr(err.message, "has a ref \"v_1\" already"));
	assert_int_equal(append_one(&lake, 2, false, "main", NULL, &err), TARN_EEXISTS);
	assert_int_equal(append_one(&lake, 1, false, NULL, NULL, &err), TARN_EEXISTS);
	assert_int_equal(tarn_store_delete(lake.temp.store, "q/t/metadata/snap-1-1-attempt-1.avro", NULL), TARN_OK);
	assert_int_equal(append_one(&lake, 2, false, NULL, NULL, &err), TARN_ENOTFOUND);
	assert_non_null(strstr(err.message, "manifest list file://"));
	char *after = metadata_text(lake.table);
	assert_string_equal(before, after);
	free(before);
	free(after);
	lake_close(&lake);
}

static void partitions_that_changed_are_counted_once(void **state)
{
	(void)state;
	static const struct tarn_partition_value a = { .present = true, .text = BYTES("a") },
						 b = { .present = true, .text = BYTES("b") },
						 null = { .present = false };
	struct lake lake = lake_open();
	const struct tarn_data_file files[] = { data_file("1", &a), data_file("2", &null), data_file("3", &b),
						data_file("4", &a), data_file("5", &null) };
	const struct tarn_append append = { .snapshot_id = 1, .now_us = 1, .attempt_uuid = "u" };
	assert_int_equal(tarn_table_append(lake.table, lake.temp.store, files, 5, &append, NULL, NULL), TARN_OK);
	assert_string_equal(tarn_snapshot_summary(tarn_table_current(lake.table), "changed-partition-count"), "3");
	lake_close(&lake);
}

static void an_empty_append_keeps_the_manifests(void **state)
{
	(void)state;
	struct lake lake = lake_open();
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	const struct tarn_append append = { .snapshot_id = 2, .now_us = 1, .attempt_uuid = "u" };
	tarn_arena_init(&arena);
	assert_int_equal(append_one(&lake, 1, false, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(tarn_table_append(lake.table, lake.temp.store, NULL, 0, &append, NULL, NULL), TARN_OK);
	assert_int_equal(list_of(&lake, &arena, &manifests), 1);
	assert_int_equal(manifests[0].added_snapshot_id, 1);
	tarn_arena_release(&arena);
	lake_close(&lake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_append_in_java_form),
		cmocka_unit_test(metrics_become_counts_and_bounds),
		cmocka_unit_test(the_eighth_manifest_merges_all),
		cmocka_unit_test(other_manifests_are_not_read),
		cmocka_unit_test(logs_grow_and_are_trimmed),
		cmocka_unit_test(time_never_runs_backwards),
		cmocka_unit_test(what_cannot_be_leaves_the_table_alone),
		cmocka_unit_test(partitions_that_changed_are_counted_once),
		cmocka_unit_test(an_empty_append_keeps_the_manifests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
