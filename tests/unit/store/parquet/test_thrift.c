#include "store/parquet/thrift.h"

#include <stdlib.h>

#include "cmocka_tarn.h"

static void write_sample(struct tarn_buf *out)
{
	struct tarn_thrift_writer writer;
	tarn_thrift_writer_init(&writer, out);
	tarn_thrift_bool(&writer, 1, true);
	tarn_thrift_i32(&writer, 2, -5);
	tarn_thrift_begin(&writer, 20); /* a step of more than 15 */
	tarn_thrift_i64(&writer, 1, INT64_MIN);
	tarn_thrift_binary(&writer, 2, tarn_slice_str("text"));
	tarn_thrift_end(&writer);
	tarn_thrift_list(&writer, 21, TARN_THRIFT_I32, 20);
	for (int i = 0; i < 20; i++)
		tarn_thrift_element_int(&writer, i * 100);
	tarn_thrift_list(&writer, 22, TARN_THRIFT_TRUE, 2);
	tarn_thrift_element_bool(&writer, true);
	tarn_thrift_element_bool(&writer, false);
	tarn_thrift_i8(&writer, 23, -3);
	tarn_thrift_end(&writer);
}

/* Reads the sample; the sum of all its numbers, or -1. */
static int64_t read_sample(struct tarn_slice bytes)
{
	struct tarn_thrift_reader reader;
	int64_t sum = 0;
	int16_t id, inner;
	size_t count;
	tarn_thrift_reader_init(&reader, bytes);
	while (tarn_thrift_next(&reader, &id)) {
		switch (id) {
		case 1: sum += tarn_thrift_read_bool(&reader); break;
		case 2:
		case 23: sum += tarn_thrift_read_i32(&reader); break;
		case 20:
			if (!tarn_thrift_enter(&reader))
				break;
			while (tarn_thrift_next(&reader, &inner)) {
				if (inner == 1)
					sum += tarn_thrift_read_int(&reader) == INT64_MIN;
				else
					sum += (int64_t)tarn_thrift_read_binary(&reader).len;
			}
			break;
		case 21:
			tarn_thrift_read_list(&reader, TARN_THRIFT_I32, &count);
			for (size_t i = 0; i < count; i++) {
				reader.type = TARN_THRIFT_I32;
				sum += tarn_thrift_read_int(&reader);
			}
			break;
		default: tarn_thrift_skip(&reader); break;
		}
	}
	return reader.failed ? -1 : sum;
}

static void sample_reads_back(void **state)
{
	(void)state;
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 16);
	write_sample(&out);
	assert_int_equal(read_sample(tarn_buf_slice(&out)), 1 - 5 + 1 + 4 + 19000 - 3);
	for (size_t len = 0; len < out.len; len++) {
		uint8_t *prefix = malloc(len + 1); /* so that a read past the end is seen */
		memcpy(prefix, out.data, len);
		assert_int_equal(read_sample(tarn_slice_of(prefix, len)), -1);
		free(prefix);
	}
	tarn_buf_release(&out);
}

static void skipping_equals_reading(void **state)
{
	(void)state;
	struct tarn_buf out;
	struct tarn_thrift_reader reader;
	int16_t id;
	size_t fields = 0;
	tarn_buf_init(&out, 1 << 16);
	write_sample(&out);
	tarn_thrift_reader_init(&reader, tarn_buf_slice(&out));
	while (tarn_thrift_next(&reader, &id)) {
		fields++;
		tarn_thrift_skip(&reader);
	}
	assert_null(reader.failed);
	assert_int_equal(fields, 6);
	assert_int_equal(tarn_cursor_left(&reader.cursor), 0);
	tarn_buf_release(&out);
}

static void hostile_bytes_are_refused(void **state)
{
	(void)state;
	uint8_t deep[4096], lists[4096];
	memset(deep, 0x1c, sizeof(deep));   /* a struct in a struct in ... */
	memset(lists, 0x19, sizeof(lists)); /* a list of lists of ... */
	static const uint8_t long_list[] = { 0x19, 0xf5, 0xff, 0xff, 0xff, 0x7f };
	static const uint8_t long_text[] = { 0x18, 0xff, 0xff, 0xff, 0xff, 0x7f, 'a' };
	static const uint8_t bad_type[] = { 0x1d, 0x00 };
	const struct tarn_slice cases[] = {
		{ deep, sizeof(deep) },		  { lists, sizeof(lists) },	  { long_list, sizeof(long_list) },
		{ long_text, sizeof(long_text) }, { bad_type, sizeof(bad_type) },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_thrift_reader reader;
		struct tarn_err err;
		int16_t id;
		tarn_thrift_reader_init(&reader, cases[i]);
		while (tarn_thrift_next(&reader, &id))
			tarn_thrift_skip(&reader);
		assert_non_null(reader.failed);
		assert_int_equal(tarn_thrift_status(&reader, 1000, "sample", &err), TARN_EINVALID);
		assert_true(err.position >= 1000 && err.position <= 1000 + (int64_t)cases[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_reads_back),
		cmocka_unit_test(skipping_equals_reading),
		cmocka_unit_test(hostile_bytes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
