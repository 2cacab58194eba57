#include "base/hash.h"

#include "cmocka_tarn.h"

/* RFC 3720, B.4. */
static void known_sums(void **state)
{
	(void)state;
	uint8_t bytes[32];
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(tarn_crc32c(tarn_slice_of(bytes, 32)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(tarn_crc32c(tarn_slice_of(bytes, 32)), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(tarn_crc32c(tarn_slice_of(bytes, 32)), 0x46dd794e);
	assert_int_equal(tarn_crc32c(tarn_slice_str("123456789")), 0xe3069283);
	assert_int_equal(tarn_crc32c(tarn_slice_of(NULL, 0)), 0);
}

/* One bit at a time, the definition itself. */
static uint32_t by_definition(const uint8_t *bytes, size_t len)
{
	uint32_t crc = ~0u;
	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static void all_ways_agree(void **state)
{
	(void)state;
	static uint8_t bytes[20000];
	uint32_t random = 1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
	static const size_t lengths[] = { 1, 7, 8, 9, 63, 1023, 3071, 3072, 3073, 3080, 6144, 9999, 19000 };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		for (size_t from = 0; from < 9; from++) {
			uint32_t expected = by_definition(bytes + from, lengths[i]);
			assert_int_equal(tarn_crc32c(tarn_slice_of(bytes + from, lengths[i])), expected);
			assert_int_equal(tarn_crc32c_portable(tarn_slice_of(bytes + from, lengths[i])), expected);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sums),
		cmocka_unit_test(all_ways_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
