#include "cmocka_tarn.h"

#include "base/utf8.h"

static const struct {
	const char *text;
	size_t valid;
	const char *repaired;
} cases[] = {
	{ "", 0, "" },
	{ "plain", 5, "plain" },
	{ "theta \xce\xb8", 8, "theta \xce\xb8" },
	{ "\xe2\x82\xac \xf0\x9f\x92\xa7", 8, "\xe2\x82\xac \xf0\x9f\x92\xa7" },
	{ "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf" },
	{ "twelve bytes\xff!", 12, "twelve bytes\xef\xbf\xbd!" },
	{ "\xc0\x80", 0, "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe0\x9f\xbf", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf0\x8f\xbf\xbf", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf4\x90\x80\x80", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf5\x80\x80\x80", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "a\xe2\x82", 1, "a\xef\xbf\xbd\xef\xbf\xbd" },
	{ "a\xce", 1, "a\xef\xbf\xbd" },
	{ "\x80", 0, "\xef\xbf\xbd" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf out;

		tarn_buf_init(&out, 100);
		assert_int_equal(tarn_utf8_valid(tarn_slice_str(cases[i].text)), cases[i].valid);
		tarn_utf8_repair(tarn_slice_str(cases[i].text), &out);
		tarn_buf_add_byte(&out, '\0');
		assert_string_equal((char *)out.data, cases[i].repaired);
		tarn_buf_release(&out);
	}
}

/* A sequence that would need the byte behind the end is none. */
static void test_length_keeps_to_the_end(void **state)
{
	static const uint8_t euro[] = { 0xe2, 0x82, 0xac };

	(void)state;
	assert_int_equal(tarn_utf8_length(euro, 3), 3);
	assert_int_equal(tarn_utf8_length(euro, 2), 0);
	assert_int_equal(tarn_utf8_length(euro, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_length_keeps_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
