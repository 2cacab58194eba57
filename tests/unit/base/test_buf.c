#include "base/buf.h"

#include "cmocka_tarn.h"

static void varints_read_back(void **state)
{
	(void)state;
	static const uint64_t values[] = { 0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX };
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct tarn_buf buf;
		tarn_buf_init(&buf, 64);
		tarn_buf_add_varint(&buf, values[i]);
		for (size_t len = 0; len < buf.len; len++) {
			struct tarn_cursor prefix = tarn_cursor_of(tarn_slice_of(buf.data, len));
			uint64_t unused;
			assert_false(tarn_cursor_varint(&prefix, &unused));
			assert_int_equal(tarn_cursor_position(&prefix), 0);
		}
		struct tarn_cursor cursor = tarn_cursor_of(tarn_buf_slice(&buf));
		uint64_t value = 0;
		assert_true(tarn_cursor_varint(&cursor, &value));
		assert_true(value == values[i]);
		assert_int_equal(tarn_cursor_left(&cursor), 0);
		tarn_buf_release(&buf);
	}
}

static void varint_beyond_64_bits_is_refused(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(bytes, sizeof(bytes)));
	uint64_t value;
	assert_false(tarn_cursor_varint(&cursor, &value));
}

static void overflow_is_sticky(void **state)
{
	(void)state;
	struct tarn_buf buf;
	tarn_buf_init(&buf, 4);
	tarn_buf_add(&buf, "abcd", 4);
	assert_false(buf.overflow);
	tarn_buf_add_byte(&buf, 'e');
	assert_true(buf.overflow);
	assert_int_equal(buf.len, 4);
	tarn_buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints_read_back),
		cmocka_unit_test(varint_beyond_64_bits_is_refused),
		cmocka_unit_test(overflow_is_sticky),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
