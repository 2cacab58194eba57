/* Files written and read back: batches around page ends, all types, nesting, many groups, metrics. What other readers
 * make of such files is tested in tests/interop/test_parquet.py. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory_file.h"

#include "cmocka_tarn.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

struct fixture {
	const struct tarn_field *fields;
	size_t n_fields;
	struct tarn_parquet_options options;
	struct tarn_parquet_group *group;
	struct tarn_parquet_file *file;
	struct tarn_buf bytes;
	struct tarn_slice slice;
	struct tarn_parquet_reader *reader;
};

static void start(struct fixture *f, const struct tarn_field *fields, size_t n)
{
	f->fields = fields;
	f->n_fields = n;
	tarn_buf_init(&f->bytes, TARN_BUF_DEFAULT_MAX);
	f->group = tarn_parquet_group_new(fields, n, &f->options);
	f->file = tarn_parquet_file_new(fields, n, tarn_slice_str("{}"), memory_sink, &f->bytes);
}

static void next_group(struct fixture *f)
{
	struct tarn_err err;
	assert_int_equal(tarn_parquet_group_finish(f->group, &err), TARN_OK);
	assert_int_equal(tarn_parquet_file_append(f->file, f->group, &err), TARN_OK);
	tarn_parquet_group_free(f->group);
	f->group = tarn_parquet_group_new(f->fields, f->n_fields, &f->options);
}

static void open_again(struct fixture *f)
{
	struct tarn_err err;
	next_group(f);
	assert_int_equal(tarn_parquet_file_finish(f->file, &err), TARN_OK);
	assert_int_equal(tarn_parquet_file_size(f->file), f->bytes.len);
	f->slice = tarn_buf_slice(&f->bytes);
	assert_int_equal(tarn_parquet_open(memory_source, &f->slice, (int64_t)f->bytes.len, &f->reader, &err), TARN_OK);
	assert_int_equal(tarn_parquet_rows(f->reader), tarn_parquet_file_rows(f->file));
}

static void stop(struct fixture *f)
{
	tarn_parquet_close(f->reader);
	tarn_parquet_group_free(f->group);
	tarn_parquet_file_free(f->file);
	tarn_buf_release(&f->bytes);
}

static struct tarn_vector column(struct fixture *f, size_t group, size_t i)
{
	struct tarn_vector vector;
	struct tarn_err err;
	assert_int_equal(tarn_parquet_read(f->reader, group, &f->fields[i], &vector, &err), TARN_OK);
	assert_int_equal(vector.length, tarn_parquet_group_row_count(f->reader, group));
	return vector;
}

static struct tarn_slice text_at(const struct tarn_vector *vector, size_t i)
{
	return tarn_slice_of(vector->data + vector->offsets[i], (size_t)(vector->offsets[i + 1] - vector->offsets[i]));
}

static bool null_at(const struct tarn_vector *vector, size_t i)
{
	return vector->valid && !vector->valid[i];
}

/* ---- optional columns in batches around the size of a page ---- */

static const struct tarn_field optional_fields[] = {
	{ .id = 1, .name = "doubles", .kind = TARN_TYPE_DOUBLE },
	{ .id = 2, .name = "repeating", .kind = TARN_TYPE_INT },
	{ .id = 3, .name = "text", .kind = TARN_TYPE_STRING },
	{ .id = 4, .name = "flags", .kind = TARN_TYPE_BOOLEAN },
};

static bool is_null(size_t i, size_t share)
{
	return (i * 2654435761U >> 7) % share == 0;
}

static void put_optional(struct fixture *f, size_t from, size_t count, size_t share)
{
	double *values = malloc(count * sizeof(*values));
	uint8_t *valid = malloc(count);
	char text[16];
	for (size_t i = 0; i < count; i++) {
		valid[i] = !is_null(from + i, share);
		values[i] = (double)(from + i) / 3;
		if (!valid[i]) {
			for (size_t c = 1; c < 4; c++)
				tarn_parquet_put_nulls(f->group, c, 1);
			continue;
		}
		tarn_parquet_put_int(f->group, 1, (int32_t)((from + i) / 5 % 77), 1);
		tarn_parquet_put_string(f->group, 2,
					tarn_slice_of(text, (size_t)snprintf(text, sizeof(text), "%zu", from + i)), 1);
		tarn_parquet_put_boolean(f->group, 3, (from + i) % 3 == 0, 1);
	}
	tarn_parquet_put_doubles(f->group, 0, values, valid, count);
	free(values);
	free(valid);
}

static void check_optional(struct fixture *f, size_t rows, size_t share)
{
	struct tarn_vector v[4];
	char text[16];
	for (size_t c = 0; c < 4; c++)
		v[c] = column(f, 0, c);
	for (size_t i = 0; i < rows; i++) {
		for (size_t c = 0; c < 4; c++)
			assert_int_equal(null_at(&v[c], i), is_null(i, share));
		if (is_null(i, share))
			continue;
		assert_true(((double *)v[0].values)[i] == (double)i / 3);
		assert_int_equal(((int32_t *)v[1].values)[i], i / 5 % 77);
		assert_true(tarn_slice_eq(text_at(&v[2], i),
					  tarn_slice_of(text, (size_t)snprintf(text, sizeof(text), "%zu", i))));
		assert_int_equal(((uint8_t *)v[3].values)[i], i % 3 == 0);
	}
	for (size_t c = 0; c < 4; c++)
		tarn_vector_release(&v[c]);
}

static void optional_batches(void **state)
{
	(void)state;
	static const size_t batches[] = { 10000, 20000, 30000, 60000 };
	static const size_t shares[] = { 2, 1000, 1 };
	for (size_t i = 0; i < N(batches); i++) {
		for (size_t j = 0; j < N(shares); j++) {
			struct fixture f = { .options.codec = TARN_CODEC_SNAPPY };
			start(&f, optional_fields, N(optional_fields));
			for (size_t from = 0; from < 60001; from += batches[i])
				put_optional(&f, from, from + batches[i] > 60001 ? 60001 - from : batches[i],
					     shares[j]);
			open_again(&f);
			check_optional(&f, 60001, shares[j]);
			stop(&f);
		}
	}
}

/* ---- the same values in other calls ---- */

static void batching_does_not_show(void **state)
{
	(void)state;
	struct fixture one = { .options = { .codec = TARN_CODEC_ZSTD, .dictionary_bytes = 600 } }, many = one;
	start(&one, optional_fields + 1, 3);
	start(&many, optional_fields + 1, 3);
	for (size_t run = 0; run < 20000; run++) {
		char text[16];
		size_t count = run * 7 % 31;
		int32_t number = (int32_t)(run * 31 % 211);
		struct tarn_slice value = tarn_slice_of(text, (size_t)snprintf(text, sizeof(text), "%d", number));
		tarn_parquet_put_int(one.group, 0, number, count);
		tarn_parquet_put_string(one.group, 1, value, count);
		tarn_parquet_put_nulls(one.group, 2, count);
		for (size_t i = 0; i < count; i++) {
			tarn_parquet_put_int(many.group, 0, number, 1);
			tarn_parquet_put_string(many.group, 1, value, 1);
			tarn_parquet_put_nulls(many.group, 2, 1);
		}
	}
	open_again(&one);
	open_again(&many);
	assert_true(tarn_slice_eq(tarn_buf_slice(&one.bytes), tarn_buf_slice(&many.bytes)));
	stop(&one);
	stop(&many);
}

/* Lent scratch that was used for another file before, and that changes on the way, makes the same bytes. */
static void lent_scratch_does_not_show(void **state)
{
	(void)state;
	struct tarn_parquet_scratch *scratch = tarn_parquet_scratch_new(), *second = tarn_parquet_scratch_new();
	struct fixture fresh = { .options.codec = TARN_CODEC_ZSTD }, before = fresh, used = fresh;
	before.options.scratch = used.options.scratch = scratch;
	start(&before, optional_fields, N(optional_fields));
	put_optional(&before, 5, 70000, 3);
	open_again(&before);
	start(&fresh, optional_fields, N(optional_fields));
	start(&used, optional_fields, N(optional_fields));
	put_optional(&fresh, 0, 15000, 9);
	put_optional(&used, 0, 15000, 9);
	tarn_parquet_group_lend(used.group, second);
	put_optional(&fresh, 15000, 30000, 9);
	put_optional(&used, 15000, 30000, 9);
	open_again(&fresh);
	open_again(&used);
	assert_true(tarn_slice_eq(tarn_buf_slice(&fresh.bytes), tarn_buf_slice(&used.bytes)));
	stop(&before);
	stop(&fresh);
	stop(&used);
	tarn_parquet_scratch_free(scratch);
	tarn_parquet_scratch_free(second);
}

/* ---- all types ---- */

static const struct tarn_field type_fields[] = {
	{ .id = 1, .name = "boolean", .kind = TARN_TYPE_BOOLEAN },
	{ .id = 2, .name = "int", .kind = TARN_TYPE_INT, .required = true },
	{ .id = 3, .name = "long", .kind = TARN_TYPE_LONG },
	{ .id = 4, .name = "float", .kind = TARN_TYPE_FLOAT },
	{ .id = 5, .name = "double", .kind = TARN_TYPE_DOUBLE },
	{ .id = 6, .name = "date", .kind = TARN_TYPE_DATE },
	{ .id = 7, .name = "time", .kind = TARN_TYPE_TIME },
	{ .id = 8, .name = "timestamp", .kind = TARN_TYPE_TIMESTAMP },
	{ .id = 9, .name = "timestamptz", .kind = TARN_TYPE_TIMESTAMPTZ },
	{ .id = 10, .name = "string", .kind = TARN_TYPE_STRING },
	{ .id = 11, .name = "binary", .kind = TARN_TYPE_BINARY, .required = true },
	{ .id = 12, .name = "uuid", .kind = TARN_TYPE_UUID },
	{ .id = 13, .name = "fixed", .kind = TARN_TYPE_FIXED, .length = 3 },
	{ .id = 14, .name = "small", .kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2 },
	{ .id = 15, .name = "middle", .kind = TARN_TYPE_DECIMAL, .precision = 18, .scale = 2 },
	{ .id = 16, .name = "large", .kind = TARN_TYPE_DECIMAL, .precision = 38, .scale = 10 },
};

static int64_t sample(size_t i)
{
	return (int64_t)((i * 7919) % 2001) - 1000;
}

static void put_sample(struct fixture *f, size_t i)
{
	int64_t value = sample(i);
	uint8_t bytes[16];
	memset(bytes, (int)(i % 256), sizeof(bytes));
	tarn_parquet_put_boolean(f->group, 0, value > 0, 1);
	for (size_t c = 1; c < 16; c++) {
		if (c == 1 || c == 5)
			tarn_parquet_put_int(f->group, c, (int32_t)value, 1);
		else if (c == 2 || (c >= 6 && c <= 8))
			tarn_parquet_put_long(f->group, c, value * 1000000007, 1);
		else if (c == 3)
			tarn_parquet_put_float(f->group, c, (float)value / 4, 1);
		else if (c == 4)
			tarn_parquet_put_double(f->group, c, (double)value / 3, 1);
		else if (c <= 12)
			tarn_parquet_put_string(f->group, c,
						tarn_slice_of(bytes, c <= 10   ? i % 16
								     : c == 11 ? 16
									       : 3),
						1);
		else
			tarn_parquet_put_decimal(f->group, c, (uint64_t)value, value >> 63, 1);
	}
}

static void check_sample(const struct tarn_vector *v, size_t i)
{
	int64_t value = sample(i);
	uint8_t bytes[16];
	memset(bytes, (int)(i % 256), sizeof(bytes));
	assert_int_equal(((uint8_t *)v[0].values)[i], value > 0);
	assert_int_equal(((int32_t *)v[1].values)[i], value);
	assert_int_equal(((int32_t *)v[5].values)[i], value);
	static const size_t longs[] = { 2, 6, 7, 8 };
	for (size_t j = 0; j < N(longs); j++)
		assert_int_equal(((int64_t *)v[longs[j]].values)[i], value * 1000000007);
	assert_true(((float *)v[3].values)[i] == (float)value / 4);
	assert_true(((double *)v[4].values)[i] == (double)value / 3);
	assert_true(tarn_slice_eq(text_at(&v[9], i), tarn_slice_of(bytes, i % 16)));
	assert_true(tarn_slice_eq(text_at(&v[10], i), tarn_slice_of(bytes, i % 16)));
	assert_memory_equal((uint8_t *)v[11].values + 16 * i, bytes, 16);
	assert_memory_equal((uint8_t *)v[12].values + 3 * i, bytes, 3);
	for (size_t c = 13; c < 16; c++) {
		assert_int_equal(((int64_t *)v[c].values)[2 * i], value);
		assert_int_equal(((int64_t *)v[c].values)[2 * i + 1], value >> 63);
	}
}

static void all_types_and_codecs(void **state)
{
	(void)state;
	static const enum tarn_codec codecs[] = { TARN_CODEC_NONE, TARN_CODEC_GZIP, TARN_CODEC_SNAPPY, TARN_CODEC_ZSTD,
						  TARN_CODEC_LZ4_RAW };
	for (size_t k = 0; k < N(codecs); k++) {
		struct fixture f = { .options = { .codec = codecs[k], .page_bytes = 3000 } };
		struct tarn_vector v[16];
		start(&f, type_fields, N(type_fields));
		for (size_t i = 0; i < 3000; i++) {
			put_sample(&f, i);
			if (i == 1999)
				next_group(&f);
		}
		open_again(&f);
		for (size_t group = 0; group < 2; group++) {
			for (size_t c = 0; c < 16; c++)
				v[c] = column(&f, group, c);
			for (size_t i = 0; !group && i < v[0].length; i++)
				check_sample(v, i);
			assert_int_equal(((int32_t *)v[1].values)[0], sample(group * 2000));
			for (size_t c = 0; c < 16; c++)
				tarn_vector_release(&v[c]);
		}
		stop(&f);
	}
}

static void columns_are_promoted_or_missing(void **state)
{
	(void)state;
	static const struct {
		struct tarn_field wanted;
		enum tarn_rc rc;
	} cases[] = {
		{ { .id = 2, .name = "renamed", .kind = TARN_TYPE_LONG }, TARN_OK },
		{ { .id = 4, .name = "float", .kind = TARN_TYPE_DOUBLE }, TARN_OK },
		{ { .id = 14, .name = "small", .kind = TARN_TYPE_DECIMAL, .precision = 30, .scale = 2 }, TARN_OK },
		{ { .id = 14, .name = "small", .kind = TARN_TYPE_DECIMAL, .precision = 30, .scale = 3 },
		  TARN_EINVALID },
		{ { .id = 15, .name = "middle", .kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2 },
		  TARN_EINVALID },
		{ { .id = 3, .name = "long", .kind = TARN_TYPE_INT }, TARN_EINVALID },
		{ { .id = 10, .name = "string", .kind = TARN_TYPE_DOUBLE }, TARN_EINVALID },
		{ { .id = 10, .name = "string", .kind = TARN_TYPE_LIST, .fields = type_fields, .n_fields = 1 },
		  TARN_EINVALID },
		{ { .id = 99, .name = "int", .kind = TARN_TYPE_STRING },
		  TARN_OK }, /* all null: the name does not count */
	};
	struct fixture f = { 0 };
	start(&f, type_fields, N(type_fields));
	for (size_t i = 0; i < 10; i++)
		put_sample(&f, i);
	open_again(&f);
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_vector v = { 0 };
		struct tarn_err err;
		assert_int_equal(tarn_parquet_read(f.reader, 0, &cases[i].wanted, &v, &err), cases[i].rc);
		if (i == 0)
			assert_int_equal(((int64_t *)v.values)[7], sample(7));
		if (i == 1)
			assert_true(((double *)v.values)[7] == (double)sample(7) / 4);
		if (i == 8)
			assert_true(v.length == 10 && null_at(&v, 0) && null_at(&v, 9));
		if (cases[i].rc == TARN_OK)
			tarn_vector_release(&v);
	}
	stop(&f);
}

/* ---- nesting ---- */

static const struct tarn_field text_element = { .id = 11, .name = "element", .kind = TARN_TYPE_STRING };
static const struct tarn_field number = { .id = 13, .name = "element", .kind = TARN_TYPE_DOUBLE };
static const struct tarn_field numbers = {
	.id = 12, .name = "element", .kind = TARN_TYPE_LIST, .fields = &number, .n_fields = 1
};
static const struct tarn_field pair[] = {
	{ .id = 14, .name = "key", .kind = TARN_TYPE_STRING, .required = true },
	{ .id = 15, .name = "value", .kind = TARN_TYPE_LONG },
};
static const struct tarn_field nested_fields[] = {
	{ .id = 1, .name = "tags", .kind = TARN_TYPE_LIST, .fields = &text_element, .n_fields = 1 },
	{ .id = 2, .name = "coordinates", .kind = TARN_TYPE_LIST, .fields = &numbers, .n_fields = 1 },
	{ .id = 3, .name = "pair", .kind = TARN_TYPE_STRUCT, .fields = pair, .n_fields = 2 },
	{ .id = 4, .name = "map", .kind = TARN_TYPE_MAP, .fields = pair, .n_fields = 2 },
};

/* Row i: tags of i % 4 - 1 elements (-1: null), every third null; coordinates of i % 3 lists of i % 5 numbers. */
static void put_nested(struct fixture *f, size_t i)
{
	struct tarn_slice key = tarn_slice_str("k");
	if (i % 4 == 0)
		tarn_parquet_put_nulls(f->group, 0, 1);
	for (size_t j = 0; i % 4 && j < i % 4; j++) {
		if (!j)
			tarn_parquet_begin_list(f->group, 0);
		if (j && i % 3 == 0)
			tarn_parquet_put_nulls(f->group, 0, 1);
		else if (j)
			tarn_parquet_put_string(f->group, 0, tarn_slice_str("tag"), 1);
		if (j + 1 == i % 4)
			tarn_parquet_end_list(f->group, 0);
	}
	tarn_parquet_begin_list(f->group, 1);
	for (size_t j = 0; j < i % 3; j++) {
		double values[] = { (double)i, (double)j, 2, 3 };
		tarn_parquet_begin_list(f->group, 1);
		tarn_parquet_put_doubles(f->group, 1, values, NULL, i % 5);
		tarn_parquet_end_list(f->group, 1);
	}
	tarn_parquet_end_list(f->group, 1);
	if (i % 2) {
		tarn_parquet_put_nulls(f->group, 2, 1);
	} else {
		tarn_parquet_begin_struct(f->group, 2);
		tarn_parquet_put_string(f->group, 2, key, 1);
		tarn_parquet_put_long(f->group, 2, (int64_t)i, 1);
		tarn_parquet_end_struct(f->group, 2);
	}
	tarn_parquet_begin_list(f->group, 3);
	for (size_t j = 0; j < i % 6; j++) {
		tarn_parquet_begin_struct(f->group, 3);
		tarn_parquet_put_string(f->group, 3, key, 1);
		tarn_parquet_put_nulls(f->group, 3, 1);
		tarn_parquet_end_struct(f->group, 3);
	}
	tarn_parquet_end_list(f->group, 3);
}

static void check_tags(const struct tarn_vector *v, size_t i)
{
	int64_t from = v->offsets[i], to = v->offsets[i + 1];
	assert_int_equal(null_at(v, i), i % 4 == 0);
	assert_int_equal(to - from, i % 4 ? i % 4 - 1 : 0);
	for (; from < to; from++) {
		assert_int_equal(null_at(&v->children[0], (size_t)from), i % 3 == 0);
		if (i % 3)
			assert_true(tarn_slice_eq(text_at(&v->children[0], (size_t)from), tarn_slice_str("tag")));
	}
}

static void check_coordinates(const struct tarn_vector *v, size_t i)
{
	const struct tarn_vector *inner = &v->children[0];
	assert_int_equal(v->offsets[i + 1] - v->offsets[i], i % 3);
	for (size_t j = 0; j < i % 3; j++) {
		size_t at = (size_t)v->offsets[i] + j;
		const double *values = (double *)inner->children[0].values + inner->offsets[at];
		assert_int_equal(inner->offsets[at + 1] - inner->offsets[at], i % 5);
		if (i % 5)
			assert_true(values[0] == (double)i);
		if (i % 5 > 1)
			assert_true(values[1] == (double)j);
	}
}

static void nested_columns(void **state)
{
	(void)state;
	enum { ROWS = 50000 };
	struct fixture f = { .options = { .codec = TARN_CODEC_ZSTD, .page_bytes = 20000 } };
	struct tarn_vector v[4];
	start(&f, nested_fields, N(nested_fields));
	for (size_t i = 0; i < ROWS; i++)
		put_nested(&f, i);
	open_again(&f);
	for (size_t c = 0; c < 4; c++)
		v[c] = column(&f, 0, c);
	for (size_t i = 0; i < ROWS; i++) {
		check_tags(&v[0], i);
		check_coordinates(&v[1], i);
		assert_int_equal(null_at(&v[2], i), i % 2);
		assert_int_equal(null_at(&v[2].children[1], i), i % 2);
		if (i % 2 == 0)
			assert_int_equal(((int64_t *)v[2].children[1].values)[i], i);
		assert_int_equal(v[3].offsets[i + 1] - v[3].offsets[i], i % 6);
	}
	assert_true(null_at(&v[3].children[1], 0));
	for (size_t c = 0; c < 4; c++)
		tarn_vector_release(&v[c]);
	stop(&f);
}

/* A struct's field that the file lacks is null for every row; one under another name is found by its id. */
static void struct_fields_evolve(void **state)
{
	(void)state;
	static const struct tarn_field evolved[] = {
		{ .id = 77, .name = "key", .kind = TARN_TYPE_STRING },
		{ .id = 15, .name = "number", .kind = TARN_TYPE_LONG },
	};
	static const struct tarn_field wanted = {
		.id = 3, .name = "p", .kind = TARN_TYPE_STRUCT, .fields = evolved, .n_fields = 2
	};
	struct fixture f = { 0 };
	struct tarn_vector v;
	struct tarn_err err;
	start(&f, nested_fields, N(nested_fields));
	for (size_t i = 0; i < 9; i++)
		put_nested(&f, i);
	open_again(&f);
	assert_int_equal(tarn_parquet_read(f.reader, 0, &wanted, &v, &err), TARN_OK);
	for (size_t i = 0; i < 9; i++) {
		assert_true(null_at(&v.children[0], i));
		assert_int_equal(null_at(&v.children[1], i), i % 2);
	}
	assert_int_equal(((int64_t *)v.children[1].values)[8], 8);
	tarn_vector_release(&v);
	stop(&f);
}

/* ---- the shape of the large tables ---- */

static const struct tarn_field run_fields[] = {
	{ .id = 1, .name = "constant", .kind = TARN_TYPE_STRING }, { .id = 2, .name = "step", .kind = TARN_TYPE_INT },
	{ .id = 3, .name = "index", .kind = TARN_TYPE_INT },	   { .id = 4, .name = "id", .kind = TARN_TYPE_STRING },
	{ .id = 5, .name = "flag", .kind = TARN_TYPE_BOOLEAN },
};

static void runs_cycles_and_series(void **state)
{
	(void)state;
	enum { EXPERIMENTS = 40, STEPS = 200, PARAMETERS = 21, ROWS = EXPERIMENTS * STEPS * PARAMETERS };
	struct fixture f = { .options.codec = TARN_CODEC_ZSTD };
	struct tarn_vector v[5];
	char text[64];
	start(&f, run_fields, N(run_fields));
	for (int e = 0; e < EXPERIMENTS; e++) {
		size_t len = (size_t)snprintf(text, sizeof(text), "experiment %d", e);
		tarn_parquet_put_string(f.group, 0, tarn_slice_of(text, len), STEPS * PARAMETERS);
		tarn_parquet_put_cycle(f.group, 2, 0, PARAMETERS, STEPS * PARAMETERS);
		tarn_parquet_put_boolean(f.group, 4, e % 2, STEPS * PARAMETERS);
		for (int s = 0; s < STEPS; s++) {
			tarn_parquet_put_int(f.group, 1, s, PARAMETERS);
			len = (size_t)snprintf(text, sizeof(text), "%d_iter_%d_param_", e, s);
			tarn_parquet_put_series(f.group, 3, tarn_slice_of(text, len), 0, PARAMETERS);
		}
	}
	assert_int_equal(tarn_parquet_group_rows(f.group), ROWS);
	open_again(&f);
	assert_true(f.bytes.len < ROWS * 4);
	for (size_t c = 0; c < 5; c++)
		v[c] = column(&f, 0, c);
	for (int i = 0; i < ROWS; i++) {
		int e = i / STEPS / PARAMETERS, s = i / PARAMETERS % STEPS;
		size_t len = (size_t)snprintf(text, sizeof(text), "%d_iter_%d_param_%d", e, s, i % PARAMETERS);
		assert_true(tarn_slice_eq(text_at(&v[3], (size_t)i), tarn_slice_of(text, len)));
		assert_int_equal(((int32_t *)v[1].values)[i], s);
		assert_int_equal(((int32_t *)v[2].values)[i], i % PARAMETERS);
		assert_int_equal(((uint8_t *)v[4].values)[i], e % 2);
	}
	assert_true(tarn_slice_eq(text_at(&v[0], ROWS - 1), tarn_slice_str("experiment 39")));
	for (size_t c = 0; c < 5; c++)
		tarn_vector_release(&v[c]);
	stop(&f);
}

/* Lengths of series around the places where numbers get longer, and pages that end within them. */
static void series_of_all_lengths(void **state)
{
	(void)state;
	static const struct {
		int64_t first;
		size_t count;
	} cases[] = { { 0, 1 }, { 0, 1001 }, { 7, 5 }, { 95, 10 }, { 999999, 3 }, { INT64_MAX - 2, 3 }, { 5, 100000 } };
	for (size_t prefix = 0; prefix < 100; prefix += 11) {
		struct fixture f = { .options = { .codec = prefix % 2 ? TARN_CODEC_ZSTD : TARN_CODEC_SNAPPY,
						  .page_bytes = 5000 } };
		char text[160];
		size_t row = 0;
		memset(text, 'p', sizeof(text));
		start(&f, run_fields + 3, 1);
		for (size_t i = 0; i < N(cases); i++)
			tarn_parquet_put_series(f.group, 0, tarn_slice_of(text, prefix), cases[i].first,
						cases[i].count);
		open_again(&f);
		struct tarn_vector v = column(&f, 0, 0);
		for (size_t i = 0; i < N(cases); i++) {
			for (size_t j = 0; j < cases[i].count; j++, row++) {
				size_t len = prefix + (size_t)snprintf(text + prefix, 32, "%lld",
								       (long long)cases[i].first + (long long)j);
				assert_true(tarn_slice_eq(text_at(&v, row), tarn_slice_of(text, len)));
			}
			memset(text, 'p', sizeof(text));
		}
		tarn_vector_release(&v);
		stop(&f);
	}
}

static void large_and_empty_strings(void **state)
{
	(void)state;
	struct fixture f = { .options = { .page_bytes = 1000, .dictionary_bytes = 1500 } };
	static char large[9000];
	memset(large, 'x', sizeof(large));
	start(&f, run_fields, 1);
	for (size_t i = 0; i < 500; i++)
		tarn_parquet_put_string(f.group, 0, tarn_slice_of(large, i % 3 ? 0 : i * 17), i % 5 + 1);
	open_again(&f);
	struct tarn_vector v = column(&f, 0, 0);
	for (size_t i = 0, row = 0; i < 500; i++)
		for (size_t j = 0; j < i % 5 + 1; j++, row++)
			assert_int_equal(text_at(&v, row).len, i % 3 ? 0 : i * 17);
	tarn_vector_release(&v);
	stop(&f);
}

/* ---- metrics ---- */

static void metrics_of_a_file(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	double values[] = { 3, NAN, -0.0, INFINITY, 0.0 };
	size_t n;
	start(&f, optional_fields, N(optional_fields));
	for (size_t group = 0; group < 2; group++) {
		tarn_parquet_put_doubles(f.group, 0, values, NULL, N(values));
		tarn_parquet_put_nulls(f.group, 1, 2);
		tarn_parquet_put_int(f.group, 1, group ? 70000 : -2, 3);
		tarn_parquet_put_nulls(f.group, 2, 5);
		tarn_parquet_put_boolean(f.group, 3, true, 5);
		if (!group)
			next_group(&f);
	}
	open_again(&f);
	const struct tarn_parquet_metrics *m = tarn_parquet_file_metrics(f.file, &n);
	static const double low = -0.0, high = INFINITY;
	assert_int_equal(n, 4);
	assert_true(m[0].field_id == 1 && m[0].values == 10 && m[0].nulls == 0 && m[0].nans == 2 && m[0].has_bounds);
	assert_memory_equal(m[0].lower.data, &low, 8);
	assert_memory_equal(m[0].upper.data, &high, 8);
	assert_true(m[1].nulls == 4 && m[1].values == 10);
	assert_memory_equal(m[1].lower.data, "\xfe\xff\xff\xff", 4);
	assert_memory_equal(m[1].upper.data, "\x70\x11\x01\x00", 4);
	assert_true(!m[2].has_bounds && m[2].nulls == 10);
	assert_true(m[3].lower.len == 1 && m[3].lower.data[0] == 1);
	int64_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += m[i].compressed_bytes;
	const int64_t *splits = tarn_parquet_file_splits(f.file, &n);
	assert_true(n == 2 && splits[0] == 4 && splits[1] > splits[0] && splits[1] < bytes + 4);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(optional_batches),
		cmocka_unit_test(batching_does_not_show),
		cmocka_unit_test(lent_scratch_does_not_show),
		cmocka_unit_test(all_types_and_codecs),
		cmocka_unit_test(columns_are_promoted_or_missing),
		cmocka_unit_test(nested_columns),
		cmocka_unit_test(struct_fields_evolve),
		cmocka_unit_test(runs_cycles_and_series),
		cmocka_unit_test(series_of_all_lengths),
		cmocka_unit_test(large_and_empty_strings),
		cmocka_unit_test(metrics_of_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
