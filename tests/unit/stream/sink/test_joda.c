#include "stream/sink/joda.h"

#include "cmocka_tarn.h"

/* 2026-11-22T07:05:09.042, a Sunday */
#define THEN INT64_C(1795331109042)

static const struct {
	int64_t at;
	const char *pattern, *text;
} cases[] = {
	{ THEN, "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", "year=2026/month=11/day=22/hour=07" },
	{ THEN, "yyyy-MM-dd'T'HH:mm:ss.SSS", "2026-11-22T07:05:09.042" },
	{ THEN, "d/M/yy", "22/11/26" },
	{ THEN, "EEE EEEE MMM MMMM", "Sun Sunday Nov November" },
	{ THEN, "h a K k", "7 AM 7 7" },
	{ THEN, "xxxx-'W'ww-e D", "2026-W47-7 326" },
	{ THEN, "''yy''", "'26'" },
	{ THEN, "'it''s'", "it's" },
	{ THEN, "Z ZZ", "+0100 +01:00" },
	{ INT64_C(1609459200000), "YYYY xxxx 'w'ww", "2021 2020 w53" }, /* 1 January 2021 is in 2020's last week */
	{ INT64_C(-1), "yyyy-MM-dd HH:mm:ss.SSS", "1969-12-31 23:59:59.999" },
	{ 0, "hh kk", "12 24" },
};

static void patterns_give_the_text_of_joda(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 1024);
		assert_int_equal(tarn_joda_check(cases[i].pattern, NULL), TARN_OK);
		tarn_joda_format(cases[i].pattern, cases[i].at, 3600000, &out);
		tarn_buf_add_byte(&out, '\0');
		assert_string_equal((const char *)out.data, cases[i].text);
		tarn_buf_release(&out);
	}
}

static void other_patterns_are_refused(void **state)
{
	(void)state;
	assert_int_equal(tarn_joda_check("yyyy'open", NULL), TARN_EINVALID);
	assert_int_equal(tarn_joda_check("bb", NULL), TARN_EINVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_give_the_text_of_joda),
		cmocka_unit_test(other_patterns_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
