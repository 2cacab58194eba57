#include "iceberg_fixture.h"
#include "serialize/avro/encode.h"

static const struct tarn_manifest line = { .location = "m.avro", .sequence_number = 7, .added_snapshot_id = 70 };

static int32_t le32(struct tarn_slice bytes)
{
	return (int32_t)(bytes.data[0] | bytes.data[1] << 8 | bytes.data[2] << 16 | (uint32_t)bytes.data[3] << 24);
}

static struct tarn_slice bound(const struct tarn_id_bounds *bounds, size_t i)
{
	return tarn_slice_of(bounds->data + bounds->offsets[i], (size_t)(bounds->offsets[i + 1] - bounds->offsets[i]));
}

static enum tarn_rc check_java_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	static const struct {
		int64_t rows, bytes;
		const char *basis_set, *backend, *lowest_id;
	} expected[] = {
		{ 310, 14198, "sto3g", "aer_simulator_statevector", "1c2794fce19f0c41" },
		{ 230, 12359, "sto3g", "aer_simulator", "4672a40fd142176c" },
		{ 80, 8832, "6-31g", "aer_simulator_statevector", "b15eed547e8e474f" },
	};
	size_t *index = context, i = (*index)++;
	(void)err;
	assert_in_range(i, 0, 2);
	assert_int_equal(entry->status, TARN_ENTRY_ADDED);
	assert_true(entry->snapshot_id == 4888610198055500605);
	assert_int_equal(entry->sequence_number, 7);
	assert_int_equal(entry->file_sequence_number, 7);
	assert_int_equal(entry->rows, expected[i].rows);
	assert_int_equal(entry->bytes, expected[i].bytes);
	assert_true(tarn_slice_eq(entry->format, tarn_slice_str("PARQUET")));
	assert_int_equal(entry->partition[0].number, 20779);
	assert_true(tarn_slice_eq(entry->partition[1].text, tarn_slice_str(expected[i].basis_set)));
	assert_true(tarn_slice_eq(entry->partition[2].text, tarn_slice_str(expected[i].backend)));
	assert_int_equal(entry->column_sizes.n, 16);
	assert_int_equal(entry->value_counts.counts[15], expected[i].rows);
	assert_int_equal(entry->nan_counts.ids[0], 7);
	assert_int_equal(entry->nan_counts.n, 5);
	assert_int_equal(entry->lower.n, 16);
	assert_true(tarn_slice_eq(bound(&entry->lower, 0), tarn_slice_str(expected[i].lowest_id)));
	assert_int_equal(le32(bound(&entry->upper, 12)), 20779);
	assert_true(entry->has_splits && entry->n_splits == 1 && entry->splits[0] == 4);
	assert_true(entry->has_sort_order && !entry->sort_order_id && !entry->key_metadata.data);
	return TARN_OK;
}

static void reads_what_java_wrote(void **state)
{
	(void)state;
	struct tarn_table *table = parse_golden("vqe_iterations.metadata.json");
	struct tarn_buf file = read_golden("vqe_iterations.manifest.avro");
	struct tarn_partition_type type = tarn_partition_type_of(table, table->spec, &table->arena);
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	for (int round = 0; round < 2; round++) { /* the second finds the schema known */
		size_t n = 0;
		assert_int_equal(
			tarn_manifest_read(reader, tarn_buf_slice(&file), &line, &type, check_java_entry, &n, NULL),
			TARN_OK);
		assert_int_equal(n, 3);
	}
	tarn_manifest_reader_free(reader);
	tarn_buf_release(&file);
	tarn_table_free(table);
}

/* ---- other writers ---- */

#define FIELD(name, type, id) "{\"name\":\"" name "\",\"type\":" type ",\"field-id\":" #id "}"
#define OPTIONAL(type) "[\"null\"," type "]"

/* A manifest of one entry, whose data the caller encodes. */
static struct tarn_buf manifest_of(const char *schema, struct tarn_slice datum, enum tarn_codec codec)
{
	static const uint8_t sync[16] = { 2 };
	struct tarn_buf file;
	tarn_buf_init(&file, 1 << 20);
	struct tarn_avro_writer *writer =
		tarn_avro_writer_new(&file, tarn_slice_str(schema), codec, NULL, 0, sync, 1 << 16);
	assert_int_equal(tarn_avro_writer_add(writer, datum, NULL), TARN_OK);
	assert_int_equal(tarn_avro_writer_finish(writer, NULL), TARN_OK);
	tarn_avro_writer_free(writer);
	return file;
}

static enum tarn_rc check_foreign_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	(*(size_t *)context)++;
	(void)err;
	assert_int_equal(entry->status, TARN_ENTRY_ADDED);
	assert_int_equal(entry->snapshot_id, 70);
	assert_int_equal(entry->sequence_number, 7);
	assert_true(tarn_slice_eq(entry->location, tarn_slice_str("f.parquet")));
	assert_int_equal(entry->rows, 12);
	assert_int_equal(entry->content, 0);
	assert_false(entry->column_sizes.present || entry->lower.present || entry->has_splits || entry->has_sort_order);
	assert_int_equal(entry->partition[0].number, 20779);
	assert_false(entry->partition[1].present || entry->partition[2].present);
	return TARN_OK;
}

/* Other names, another order, required fields as unions, null second, no optional columns, each codec. */
static void fields_are_found_by_id(void **state)
{
	(void)state;
	static const char schema[] = "{\"type\":\"record\",\"name\":\"e\",\"fields\":[" FIELD(
		"f",
		"{\"type\":\"record\",\"name\":\"d\",\"fields\":[" FIELD("rows", OPTIONAL("\"long\""), 103) "," FIELD(
			"bytes", "\"int\"",
			104) "," FIELD("format", "\"string\"",
				       101) "," FIELD("p",
						      "{\"type\":\"record\",\"name\":\"q\",\"fields\":[" FIELD(
							      "day", "[\"int\",\"null\"]", 1000) "]}",
						      102) "," FIELD("path", OPTIONAL("\"string\""), 100) "]}",
		2) "," FIELD("s", "{\"type\":\"int\"}", 0) "]}";
	static const enum tarn_codec codecs[] = { TARN_CODEC_NONE, TARN_CODEC_DEFLATE, TARN_CODEC_SNAPPY,
						  TARN_CODEC_ZSTD };
	struct tarn_table *table = parse_golden("vqe_iterations.metadata.json");
	struct tarn_partition_type type = tarn_partition_type_of(table, table->spec, &table->arena);
	struct tarn_buf datum;
	tarn_buf_init(&datum, 1000);
	static const int64_t before_format[] = { 1, 12, 99 };
	for (size_t i = 0; i < 3; i++)
		tarn_avro_put_long(&datum, before_format[i]);
	tarn_avro_put_bytes(&datum, tarn_slice_str("PARQUET"));
	tarn_avro_put_long(&datum, 0); /* branch of the day */
	tarn_avro_put_long(&datum, 20779);
	tarn_avro_put_long(&datum, 1); /* branch of the path */
	tarn_avro_put_bytes(&datum, tarn_slice_str("f.parquet"));
	tarn_avro_put_long(&datum, TARN_ENTRY_ADDED);
	for (size_t i = 0; i < 4; i++) {
		struct tarn_buf file = manifest_of(schema, tarn_buf_slice(&datum), codecs[i]);
		struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
		struct tarn_err err = { .message = "" };
		size_t n = 0;
		if (tarn_manifest_read(reader, tarn_buf_slice(&file), &line, &type, check_foreign_entry, &n, &err))
			fail_msg("%s", err.message);
		assert_int_equal(n, 1);
		tarn_manifest_reader_free(reader);
		tarn_buf_release(&file);
	}
	tarn_buf_release(&datum);
	tarn_table_free(table);
}

static void unfit_schemas_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *message;
	} cases[] = {
		{ "\"int\"", "manifest m.avro: the Avro schema lacks the field with field-id 2" },
		{ "{\"type\":\"record\",\"name\":\"e\",\"fields\":[" FIELD("s", "\"int\"", 0) "]}",
		  "manifest m.avro: the Avro schema lacks the field with field-id 2" },
		{ "{\"type\":\"record\",\"name\":\"e\",\"fields\":[" FIELD("s", "\"int\"", 2) "]}",
		  "manifest m.avro: the field with field-id 2 is not of Avro type record" },
		{ "{\"type\":\"record\",\"name\":\"e\",\"fields\":[" FIELD(
			  "f", "{\"type\":\"record\",\"name\":\"d\",\"fields\":[]}", 2) "," FIELD("s", "\"string\"",
												  0) "]}",
		  "manifest m.avro: the field with field-id 0 is not of Avro type int or long" },
	};
	static const struct tarn_partition_type type = { .n = 0 };
	static const uint8_t datum[] = { 0 };
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) { /* each twice: a failure is not remembered */
		struct tarn_buf file = manifest_of(cases[i / 2].schema, tarn_slice_of(datum, 1), TARN_CODEC_NONE);
		struct tarn_err err;
		assert_int_equal(tarn_manifest_read(reader, tarn_buf_slice(&file), &line, &type, NULL, NULL, &err),
				 TARN_EINVALID);
		assert_string_equal(err.message, cases[i / 2].message);
		tarn_buf_release(&file);
	}
	tarn_manifest_reader_free(reader);
}

/* ---- damage ---- */

static enum tarn_rc count_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	(void)err;
	assert_true(entry->location.len > 0);
	(*(size_t *)context)++;
	return TARN_OK;
}

static enum tarn_rc read_quietly(const struct tarn_partition_type *type, struct tarn_slice file)
{
	struct tarn_manifest_reader *reader = tarn_manifest_reader_new();
	struct tarn_err err = { .code = TARN_OK };
	size_t n = 0;
	enum tarn_rc rc = tarn_manifest_read(reader, file, &line, type, count_entry, &n, &err);
	if (rc) {
		assert_int_equal(err.code, rc);
		assert_memory_equal(err.message, "manifest m.avro: ", 17);
	}
	tarn_manifest_reader_free(reader);
	return rc;
}

static void damage_is_refused(void **state)
{
	(void)state;
	struct tarn_table *table = parse_golden("molecules.metadata.json");
	struct tarn_partition_type type = tarn_partition_type_of(table, table->spec, &table->arena);
	struct tarn_buf file = read_golden("molecules.manifest.avro");
	struct tarn_avro_header header;
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL), TARN_OK);
	for (size_t len = 0; len < file.len; len++) {
		uint8_t *copy = tarn_malloc(len);
		memcpy(copy, file.data, len);
		assert_int_equal(read_quietly(&type, tarn_slice_of(copy, len)) == TARN_OK, len == header.size);
		free(copy);
	}
	for (size_t at = 0; at < file.len; at += 3) {
		file.data[at] ^= 0x55;
		(void)!read_quietly(&type, tarn_buf_slice(&file));
		file.data[at] ^= 0x55;
	}
	tarn_buf_release(&file);
	tarn_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_java_wrote),
		cmocka_unit_test(fields_are_found_by_id),
		cmocka_unit_test(unfit_schemas_are_named),
		cmocka_unit_test(damage_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
