#include "iceberg_fixture.h"

static enum tarn_rc read_list(struct tarn_slice file, struct tarn_arena *arena, struct tarn_manifest **manifests,
			      size_t *n, struct tarn_err *err)
{
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	enum tarn_rc rc = tarn_manifest_list_read(reader, file, arena, manifests, n, err);
	tarn_manifest_reader_free(reader);
	return rc;
}

static void reads_what_java_wrote(void **state)
{
	(void)state;
	struct tarn_buf file = read_golden("vqe_iterations.manifest-list.avro");
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	size_t n;
	tarn_arena_init(&arena);
	assert_int_equal(read_list(tarn_buf_slice(&file), &arena, &manifests, &n, NULL), TARN_OK);
	assert_int_equal(n, 2);
	assert_string_equal(manifests[1].location,
			    "file:/tmp/golden_warehouse/quantum_features/vqe_iterations/metadata/"
			    "b1287355-6547-477b-bb1c-83b8484d0fe7-m0.avro");
	assert_int_equal(manifests[1].length, 9536);
	assert_int_equal(manifests[1].added_files, 3);
	assert_int_equal(manifests[1].added_rows, 620);
	assert_int_equal(manifests[0].sequence_number, 2);
	assert_true(manifests[0].added_snapshot_id == 4629538219402840796);
	assert_int_equal(manifests[0].n_partitions, 3);
	assert_true(tarn_slice_eq(manifests[1].partitions[1].lower, tarn_slice_str("6-31g")));
	assert_true(tarn_slice_eq(manifests[1].partitions[1].upper, tarn_slice_str("sto3g")));
	assert_true(!manifests[1].partitions[1].contains_null && manifests[1].partitions[1].has_contains_nan);
	assert_null(manifests[0].key_metadata.data);
	tarn_arena_release(&arena);
	tarn_buf_release(&file);
}

static void writes_what_java_would(void **state)
{
	(void)state;
	static const uint8_t sync[16] = { 1 };
	static const char *const keys[] = { "avro.schema",     "avro.codec",	 "snapshot-id",	  "parent-snapshot-id",
					    "sequence-number", "format-version", "iceberg.schema" };
	struct tarn_buf file = read_golden("vqe_iterations.manifest-list.avro"), written;
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	size_t n;
	tarn_arena_init(&arena);
	tarn_buf_init(&written, 1 << 20);
	assert_int_equal(read_list(tarn_buf_slice(&file), &arena, &manifests, &n, NULL), TARN_OK);
	struct tarn_manifest_list_head head = { 4629538219402840796, 4888610198055500605, 2, sync };
	assert_int_equal(tarn_manifest_list_write(&head, manifests, n, &written, NULL), TARN_OK);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_same_header(tarn_buf_slice(&file), tarn_buf_slice(&written), keys[i]);
	struct tarn_buf java = data_of(tarn_buf_slice(&file)), ours = data_of(tarn_buf_slice(&written));
	assert_true(tarn_slice_eq(tarn_buf_slice(&java), tarn_buf_slice(&ours)));
	tarn_buf_release(&java);
	tarn_buf_release(&ours);
	tarn_buf_release(&written);
	tarn_buf_release(&file);
	tarn_arena_release(&arena);
}

static void first_snapshot_has_no_parent(void **state)
{
	(void)state;
	static const uint8_t sync[16] = { 1 };
	struct tarn_buf written;
	struct tarn_slice parent;
	tarn_buf_init(&written, 1 << 20);
	struct tarn_manifest_list_head head = { 7, 0, 1, sync };
	assert_int_equal(tarn_manifest_list_write(&head, NULL, 0, &written, NULL), TARN_OK);
	assert_true(tarn_avro_header_get(tarn_buf_slice(&written), "parent-snapshot-id", &parent));
	assert_true(tarn_slice_eq(parent, tarn_slice_str("null")));
	tarn_buf_release(&written);
}

static enum tarn_rc read_quietly(struct tarn_slice file)
{
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	struct tarn_err err = { .code = TARN_OK };
	size_t n;
	tarn_arena_init(&arena);
	enum tarn_rc rc = read_list(file, &arena, &manifests, &n, &err);
	if (rc)
		assert_int_equal(err.code, rc);
	tarn_arena_release(&arena);
	return rc;
}

static void damage_is_refused(void **state)
{
	(void)state;
	struct tarn_buf file = read_golden("molecules.manifest-list.avro");
	struct tarn_avro_header header;
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL), TARN_OK);
	for (size_t len = 0; len < file.len; len++) {
		uint8_t *copy = tarn_malloc(len);
		memcpy(copy, file.data, len);
		/* A list that ends behind its header is a list without lines. */
		assert_int_equal(read_quietly(tarn_slice_of(copy, len)) == TARN_OK, len == header.size);
		free(copy);
	}
	for (size_t at = 0; at < file.len; at += 3) {
		file.data[at] ^= 0x55;
		(void)!read_quietly(tarn_buf_slice(&file));
		file.data[at] ^= 0x55;
	}
	tarn_buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_java_wrote),
		cmocka_unit_test(writes_what_java_would),
		cmocka_unit_test(first_snapshot_has_no_parent),
		cmocka_unit_test(damage_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
