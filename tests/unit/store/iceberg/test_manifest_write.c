#include "iceberg_fixture.h"

static const uint8_t sync_bytes[16] = { 3 };

static enum tarn_rc copy_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	return tarn_manifest_writer_add(context, entry, err);
}

/* Reads a golden manifest and writes its entries; *line gets what the manifest list would say. */
static struct tarn_buf rewrite(const struct tarn_table *table, struct tarn_slice file, tarn_entry_visit visit,
			       struct tarn_manifest *line)
{
	static const struct tarn_manifest from = { .location = "m.avro", .sequence_number = 7 };
	struct tarn_arena arena;
	struct tarn_buf written;
	tarn_arena_init(&arena);
	tarn_buf_init(&written, 1 << 20);
	struct tarn_partition_type type = tarn_partition_type_of(table, table->spec, &arena);
	struct tarn_manifest_head head = { table, &type, sync_bytes };
	struct tarn_manifest_writer *writer = tarn_manifest_writer_new(&head, &written);
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	assert_int_equal(tarn_manifest_read(reader, file, &from, &type, visit, writer, NULL), TARN_OK);
	assert_int_equal(tarn_manifest_writer_finish(writer, line, NULL), TARN_OK);
	for (size_t i = 0; i < line->n_partitions && i < 3; i++)
		assert_false(line->partitions[i].contains_null);
	if (line->n_partitions == 3) {
		assert_true(tarn_slice_eq(line->partitions[0].lower, tarn_slice_of("+Q\0\0", 4)));
		assert_true(tarn_slice_eq(line->partitions[1].lower, tarn_slice_str("6-31g")));
		assert_true(tarn_slice_eq(line->partitions[1].upper, tarn_slice_str("sto3g")));
	}
	tarn_manifest_reader_free(reader);
	tarn_manifest_writer_free(writer);
	tarn_arena_release(&arena);
	return written;
}

static void writes_what_java_would(void **state)
{
	(void)state;
	static const char *const names[] = { "molecules", "vqe_iterations" };
	static const char *const keys[] = { "avro.schema",	 "avro.codec",	   "schema",  "partition-spec",
					    "partition-spec-id", "format-version", "content", "iceberg.schema" };
	for (size_t i = 0; i < 2; i++) {
		char name[64];
		struct tarn_manifest line;
		struct tarn_slice schema_id;
		snprintf(name, sizeof(name), "%s.metadata.json", names[i]);
		struct tarn_table *table = parse_golden(name);
		snprintf(name, sizeof(name), "%s.manifest.avro", names[i]);
		struct tarn_buf file = read_golden(name);
		struct tarn_buf written = rewrite(table, tarn_buf_slice(&file), copy_entry, &line);
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			assert_same_header(tarn_buf_slice(&file), tarn_buf_slice(&written), keys[k]);
		assert_true(tarn_avro_header_get(tarn_buf_slice(&written), "schema-id", &schema_id));
		assert_true(tarn_slice_eq(schema_id, tarn_slice_str("0")));
		struct tarn_buf java = data_of(tarn_buf_slice(&file)), ours = data_of(tarn_buf_slice(&written));
		assert_true(tarn_slice_eq(tarn_buf_slice(&java), tarn_buf_slice(&ours)));
		assert_int_equal(line.added_files, i ? 3 : 1);
		assert_int_equal(line.added_rows, i ? 620 : 5);
		assert_true(line.min_sequence_number == INT64_MAX);
		tarn_buf_release(&java);
		tarn_buf_release(&ours);
		tarn_buf_release(&written);
		tarn_buf_release(&file);
		tarn_table_free(table);
	}
}

static enum tarn_rc copy_as_existing(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	struct tarn_manifest_entry existing = *entry;
	existing.status = TARN_ENTRY_EXISTING;
	return tarn_manifest_writer_add(context, &existing, err);
}

static enum tarn_rc check_existing(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	(void)err;
	assert_int_equal(entry->status, TARN_ENTRY_EXISTING);
	assert_int_equal(entry->sequence_number, 7);
	assert_int_equal(entry->file_sequence_number, 7);
	assert_true(entry->snapshot_id == 4888610198055500605);
	(*(size_t *)context)++;
	return TARN_OK;
}

static void existing_entries_keep_their_numbers(void **state)
{
	(void)state;
	static const struct tarn_manifest later = { .location = "n.avro",
						    .sequence_number = 99,
						    .added_snapshot_id = 99 };
	struct tarn_table *table = parse_golden("vqe_iterations.metadata.json");
	struct tarn_buf file = read_golden("vqe_iterations.manifest.avro");
	struct tarn_manifest line;
	struct tarn_buf written = rewrite(table, tarn_buf_slice(&file), copy_as_existing, &line);
	assert_int_equal(line.added_files, 0);
	assert_int_equal(line.existing_files, 3);
	assert_int_equal(line.existing_rows, 620);
	assert_int_equal(line.min_sequence_number, 7);
	struct tarn_partition_type type = tarn_partition_type_of(table, table->spec, &table->arena);
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	size_t n = 0;
	assert_int_equal(tarn_manifest_read(reader, tarn_buf_slice(&written), &later, &type, check_existing, &n, NULL),
			 TARN_OK);
	assert_int_equal(n, 3);
	tarn_manifest_reader_free(reader);
	tarn_buf_release(&written);
	tarn_buf_release(&file);
	tarn_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_java_would),
		cmocka_unit_test(existing_entries_keep_their_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
