/* Files of parquet-java, PyArrow and DuckDB (tests/data/parquet), and damaged ones. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "memory_file.h"

#include "cmocka_tarn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
	struct tarn_buf bytes;
	struct tarn_slice slice;
	struct tarn_parquet_reader *reader;
};

static void load(const char *name, struct tarn_buf *bytes)
{
	char path[512];
	struct tarn_err err;
	snprintf(path, sizeof(path), "%s/parquet/%s", TEST_DATA, name);
	tarn_buf_init(bytes, 1 << 20);
	assert_int_equal(tarn_file_read(path, bytes, &err), TARN_OK);
}

static void open_file(const char *name, struct file *file)
{
	struct tarn_err err;
	load(name, &file->bytes);
	file->slice = tarn_buf_slice(&file->bytes);
	assert_int_equal(tarn_parquet_open(memory_source, &file->slice, (int64_t)file->slice.len, &file->reader, &err),
			 TARN_OK);
}

static void close_file(struct file *file)
{
	tarn_parquet_close(file->reader);
	tarn_buf_release(&file->bytes);
}

/* Reads the column of that name, as the file has it. */
static struct tarn_vector read_named(struct file *file, size_t group, const char *name)
{
	struct tarn_vector vector = { 0 };
	struct tarn_err err;
	size_t n;
	const struct tarn_field *fields = tarn_parquet_fields(file->reader, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(fields[i].name, name))
			assert_int_equal(tarn_parquet_read(file->reader, group, &fields[i], &vector, &err), TARN_OK);
	assert_non_null(vector.field);
	return vector;
}

static bool null_at(const struct tarn_vector *vector, size_t i)
{
	return vector->valid && !vector->valid[i];
}

static void assert_text(const struct tarn_vector *vector, size_t i, const char *wanted)
{
	size_t len = (size_t)(vector->offsets[i + 1] - vector->offsets[i]);
	assert_false(null_at(vector, i));
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(vector->data + vector->offsets[i], wanted, len);
}

static void check_arrow_rows(struct file *file, size_t group, size_t from)
{
	static const char *const names[] = { "i", "l", "f", "d", "s", "b", "x", "t" };
	struct tarn_vector v[8];
	for (size_t c = 0; c < 8; c++)
		v[c] = read_named(file, group, names[c]);
	for (size_t row = 0; row < v[0].length; row++) {
		int64_t i = (int64_t)(from + row);
		char text[32];
		assert_int_equal(null_at(&v[0], row), i % 7 == 3);
		if (i % 7 != 3)
			assert_int_equal(((int32_t *)v[0].values)[row], i * i - 50);
		assert_int_equal(((int64_t *)v[1].values)[row], i * 1000000000000000);
		assert_true(((float *)v[2].values)[row] == (float)i / 4);
		assert_int_equal(null_at(&v[3], row), i % 5 == 0);
		if (i % 5)
			assert_true(((double *)v[3].values)[row] == (double)i / 3);
		snprintf(text, sizeof(text), "common prefix %d", (int)i);
		assert_int_equal(null_at(&v[4], row), i % 9 == 0);
		if (i % 9)
			assert_text(&v[4], row, text);
		assert_int_equal(((uint8_t *)v[5].values)[row], i % 3 == 0);
		assert_int_equal(((uint8_t *)v[6].values)[4 * row + 3], i);
		assert_int_equal(((int64_t *)v[7].values)[row], 1767225600000000 + i * 1000000);
	}
	for (size_t c = 0; c < 8; c++)
		tarn_vector_release(&v[c]);
}

static void pyarrow_encodings(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t groups;
	} cases[] = { { "arrow_delta_v2.parquet", 1 }, { "arrow_dictionary_v1.parquet", 3 } };
	for (size_t i = 0; i < 2; i++) {
		struct file file;
		size_t from = 0;
		open_file(cases[i].name, &file);
		assert_int_equal(tarn_parquet_rows(file.reader), 60);
		assert_int_equal(tarn_parquet_groups(file.reader), cases[i].groups);
		for (size_t group = 0; group < cases[i].groups; group++) {
			check_arrow_rows(&file, group, from);
			from += (size_t)tarn_parquet_group_row_count(file.reader, group);
		}
		close_file(&file);
	}
}

static void int96_and_lengths(void **state)
{
	(void)state;
	static const char *const names[] = { "arrow_int96.parquet", "arrow_lengths_lz4.parquet" };
	for (size_t k = 0; k < 2; k++) {
		struct file file;
		open_file(names[k], &file);
		struct tarn_vector t = read_named(&file, 0, "t");
		assert_int_equal(t.field->kind, TARN_TYPE_TIMESTAMPTZ);
		for (size_t i = 0; i < 60; i++)
			assert_int_equal(((int64_t *)t.values)[i], 1767225600000000 + (int64_t)i * 1000000);
		tarn_vector_release(&t);
		if (k == 1) {
			struct tarn_vector s = read_named(&file, 0, "s");
			assert_text(&s, 59, "common prefix 59");
			tarn_vector_release(&s);
		}
		close_file(&file);
	}
}

static void duckdb_encodings(void **state)
{
	(void)state;
	struct file file;
	open_file("duckdb_v2.parquet", &file);
	struct tarn_vector l = read_named(&file, 0, "l"), a = read_named(&file, 0, "a"),
			   de = read_named(&file, 0, "de"), tt = read_named(&file, 0, "tt"),
			   d = read_named(&file, 0, "d");
	for (size_t i = 0; i < 60; i++) {
		assert_int_equal(((int64_t *)l.values)[i], (int64_t)i * 1000000007);
		assert_true(((double *)d.values)[i] == (double)i / 7);
		assert_int_equal(((int64_t *)de.values)[2 * i], ((int64_t)i - 30) * 100);
		assert_int_equal(((int64_t *)tt.values)[i], 3723000000);
		assert_int_equal(null_at(&a, i), i % 4 == 0);
		assert_int_equal(a.offsets[i + 1] - a.offsets[i], i % 4 ? 3 : 0);
		if (i % 4) {
			assert_true(null_at(&a.children[0], (size_t)a.offsets[i] + 1));
			assert_int_equal(((int64_t *)a.children[0].values)[a.offsets[i] + 2], i + 1);
		}
	}
	tarn_vector_release(&l);
	tarn_vector_release(&a);
	tarn_vector_release(&de);
	tarn_vector_release(&tt);
	tarn_vector_release(&d);
	close_file(&file);
}

static void check_coordinates(const char *name)
{
	struct file file;
	open_file(name, &file);
	struct tarn_vector v = read_named(&file, 0, "coords");
	/* [[1, 2], []], null, [], [null, [3.5]], [[4]], three times */
	static const int64_t outer[] = { 0, 2, 2, 2, 4, 5 }, inner[] = { 0, 2, 2, 2, 3, 4 };
	const struct tarn_vector *lists = &v.children[0];
	assert_int_equal(v.length, 15);
	assert_memory_equal(v.offsets, outer, sizeof(outer));
	assert_memory_equal(lists->offsets, inner, sizeof(inner));
	assert_true(null_at(&v, 1) && !null_at(&v, 2) && !null_at(lists, 1) && null_at(lists, 2));
	assert_true(((double *)lists->children[0].values)[2] == 3.5);
	tarn_vector_release(&v);
	close_file(&file);
}

static void nested_files(void **state)
{
	(void)state;
	struct file file;
	check_coordinates("arrow_nested.parquet");
	check_coordinates("arrow_two_level_lists.parquet");
	open_file("arrow_nested.parquet", &file);
	struct tarn_vector who = read_named(&file, 0, "who"), m = read_named(&file, 0, "m"),
			   dec = read_named(&file, 0, "dec");
	assert_true(null_at(&who, 1) && !null_at(&who, 2) && null_at(&who.children[0], 2) &&
		    null_at(&who.children[1], 2));
	assert_text(&who.children[0], 3, "y");
	assert_text(&m.children[0], 2, "b");
	assert_int_equal(((int64_t *)m.children[1].values)[2], 2);
	assert_int_equal(((int64_t *)dec.values)[2], -150);
	assert_int_equal(((int64_t *)dec.values)[3], -1);
	assert_int_equal(((uint64_t *)dec.values)[4], 1864712049423024127U); /* 10^22 - 1 = 542 * 2^64 + this */
	assert_int_equal(((int64_t *)dec.values)[5], 542);
	tarn_vector_release(&who);
	tarn_vector_release(&m);
	tarn_vector_release(&dec);
	close_file(&file);
}

static void java_files(void **state)
{
	(void)state;
	struct file file;
	struct tarn_slice schema;
	size_t n;
	open_file("java_processing_metadata.parquet", &file);
	const struct tarn_field *fields = tarn_parquet_fields(file.reader, &n);
	assert_int_equal(n, 8);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fields[i].id, i + 1);
	assert_true(tarn_parquet_metadata(file.reader, "iceberg.schema", &schema));
	assert_memory_equal(schema.data, "{\"type\":\"struct\"", 16);
	assert_false(tarn_parquet_metadata(file.reader, "no such key", &schema));
	/* Found by id, whatever it is called now. */
	static const struct tarn_field element = { .id = 9, .name = "element", .kind = TARN_TYPE_STRING };
	static const struct tarn_field renamed = {
		.id = 5, .name = "tables", .kind = TARN_TYPE_LIST, .fields = &element, .n_fields = 1
	};
	struct tarn_vector v;
	struct tarn_err err;
	assert_int_equal(tarn_parquet_read(file.reader, 0, &renamed, &v, &err), TARN_OK);
	assert_int_equal(v.offsets[1], 9);
	assert_text(&v.children[0], 0, "molecules");
	assert_text(&v.children[0], 8, "hamiltonian_terms");
	tarn_vector_release(&v);
	close_file(&file);
}

/* ---- damage ---- */

/* Tarn's own small file with all kinds of pages. */
static void make_file(struct tarn_buf *out, enum tarn_codec codec)
{
	static const struct tarn_field element = { .id = 9, .name = "element", .kind = TARN_TYPE_DOUBLE };
	static const struct tarn_field fields[] = {
		{ .id = 1, .name = "s", .kind = TARN_TYPE_STRING },
		{ .id = 2, .name = "i", .kind = TARN_TYPE_INT },
		{ .id = 3, .name = "d", .kind = TARN_TYPE_DOUBLE },
		{ .id = 4, .name = "l", .kind = TARN_TYPE_LIST, .fields = &element, .n_fields = 1 },
		{ .id = 5, .name = "b", .kind = TARN_TYPE_BOOLEAN },
	};
	struct tarn_parquet_options options = { .codec = codec };
	struct tarn_parquet_group *group = tarn_parquet_group_new(fields, 5, &options);
	double values[] = { 1, 2.5, 3 };
	struct tarn_err err;
	tarn_parquet_put_string(group, 0, tarn_slice_str("constant"), 15);
	tarn_parquet_put_nulls(group, 0, 2);
	tarn_parquet_put_cycle(group, 1, 4, 3, 17);
	for (size_t i = 0; i < 17; i++) {
		tarn_parquet_put_doubles(group, 2, values, NULL, 1);
		tarn_parquet_begin_list(group, 3);
		tarn_parquet_put_doubles(group, 3, values, NULL, i % 4);
		tarn_parquet_end_list(group, 3);
	}
	tarn_parquet_put_boolean(group, 4, true, 17);
	struct tarn_parquet_file *file = tarn_parquet_file_new(fields, 5, tarn_slice_str(""), memory_sink, out);
	assert_int_equal(tarn_parquet_group_finish(group, &err), TARN_OK);
	assert_int_equal(tarn_parquet_file_append(file, group, &err), TARN_OK);
	assert_int_equal(tarn_parquet_file_finish(file, &err), TARN_OK);
	tarn_parquet_group_free(group);
	tarn_parquet_file_free(file);
}

static void every_prefix_is_refused(void **state)
{
	(void)state;
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, 1 << 20);
	make_file(&bytes, TARN_CODEC_NONE);
	assert_int_equal(read_all(tarn_buf_slice(&bytes)), TARN_OK);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_not_equal(read_all(tarn_slice_of(bytes.data, len)), TARN_OK);
	tarn_buf_release(&bytes);
}

/* Each byte in turn, with several masks: anything may come back but a crash (the sanitizers look on). */
static void flipped_bytes_do_no_harm(void **state)
{
	(void)state;
	static const uint8_t masks[] = { 0x01, 0x80, 0xff, 0x10 };
	static const enum tarn_codec codecs[] = { TARN_CODEC_NONE, TARN_CODEC_ZSTD };
	for (size_t k = 0; k < 2; k++) {
		struct tarn_buf bytes;
		size_t refused = 0;
		tarn_buf_init(&bytes, 1 << 20);
		make_file(&bytes, codecs[k]);
		for (size_t i = 0; i < bytes.len; i++) {
			for (size_t j = 0; j < sizeof(masks); j++) {
				bytes.data[i] ^= masks[j];
				refused += read_all(tarn_buf_slice(&bytes)) != TARN_OK;
				bytes.data[i] ^= masks[j];
			}
		}
		assert_true(refused > bytes.len); /* most of the file is structure */
		tarn_buf_release(&bytes);
	}
}

static void flipped_foreign_files(void **state)
{
	(void)state;
	static const char *const names[] = { "arrow_delta_v2.parquet", "arrow_nested.parquet", "duckdb_v2.parquet",
					     "arrow_lengths_lz4.parquet" };
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		struct tarn_buf bytes;
		size_t refused = 0;
		load(names[k], &bytes);
		for (size_t i = 0; i < bytes.len; i++) {
			bytes.data[i] ^= (uint8_t)(1U << (i % 8));
			refused += read_all(tarn_buf_slice(&bytes)) != TARN_OK;
			bytes.data[i] ^= (uint8_t)(1U << (i % 8));
		}
		assert_true(refused > bytes.len / 8);
		tarn_buf_release(&bytes);
	}
}

static void fuzz_corpus_is_replayed(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob(TEST_DATA "/../fuzz/corpus/parquet/*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct tarn_buf bytes;
		struct tarn_err err;
		tarn_buf_init(&bytes, 1 << 20);
		assert_int_equal(tarn_file_read(found.gl_pathv[i], &bytes, &err), TARN_OK);
		assert_int_equal(LLVMFuzzerTestOneInput(bytes.data, bytes.len), 0);
		tarn_buf_release(&bytes);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pyarrow_encodings),
		cmocka_unit_test(int96_and_lengths),
		cmocka_unit_test(duckdb_encodings),
		cmocka_unit_test(nested_files),
		cmocka_unit_test(java_files),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(flipped_bytes_do_no_harm),
		cmocka_unit_test(flipped_foreign_files),
		cmocka_unit_test(fuzz_corpus_is_replayed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
