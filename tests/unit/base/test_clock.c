#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>

#include "cmocka_tarn.h"

static void timestamps_of_known_moments(void **state)
{
	(void)state;
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ -1, "1969-12-31T23:59:59.999999Z" },
		{ INT64_C(-86400000000), "1969-12-31T00:00:00.000000Z" },
		{ INT64_C(-86400000001), "1969-12-30T23:59:59.999999Z" },
		{ INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z" },
		{ INT64_C(-2203891200000001), "1900-02-28T23:59:59.999999Z" },
		{ INT64_C(-2203891200000000), "1900-03-01T00:00:00.000000Z" },
		{ INT64_C(1709210096789012), "2024-02-29T12:34:56.789012Z" },
		{ INT64_C(2147483648000000), "2038-01-19T03:14:08.000000Z" },
		{ INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z" },
		{ INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z" },
		{ INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[TARN_TIMESTAMP_SIZE];
		int64_t us = 0;
		tarn_format_timestamp(cases[i].us, text);
		assert_string_equal(text, cases[i].text);
		assert_true(tarn_parse_timestamp(text, &us));
		assert_true(us == cases[i].us);
	}
}

static void accepted_forms(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{ "1970-01-01T00:00:01Z", 1000000 },
		{ "1970-01-01 00:00:01Z", 1000000 },
		{ "1970-01-01T00:00:00.5Z", 500000 },
		{ "1970-01-01T00:00:00.000001Z", 1 },
		{ "1970-01-01T02:00:00+02:00", 0 },
		{ "1969-12-31T18:30:00-05:30", 0 },
		{ "1970-01-01T00:00:00.25+00:01", -59750000 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t us = -7;
		assert_true(tarn_parse_timestamp(cases[i].text, &us));
		assert_true(us == cases[i].us);
	}
}

static void refused_timestamps(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"1970-01-01T00:00:00",		"1970-13-01T00:00:00Z",	    "1970-00-01T00:00:00Z",
		"1970-01-32T00:00:00Z",		"1970-01-00T00:00:00Z",	    "1970-04-31T00:00:00Z",
		"1970-02-29T00:00:00Z",		"2100-02-29T00:00:00Z",	    "1970-01-01T24:00:00Z",
		"1970-01-01T00:60:00Z",		"1970-01-01T00:00:60Z",	    "1970-01-01T00:00:00.Z",
		"1970-01-01T00:00:00.1234567Z", "1970-01-01T00:00:00Zx",    "1970-01-01T00:00:00+24:00",
		"1970-01-01T00:00:00+00:60",	"1970-01-01T00:00:00+0000", "+970-01-01T00:00:00Z",
		"1970-1-01T00:00:00Z",		" 1970-01-01T00:00:00Z",    "1970-01-01t00:00:00Z",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		int64_t us = 42;
		assert_false(tarn_parse_timestamp(texts[i], &us));
		assert_int_equal(us, 42);
	}
	const char *whole = "2026-01-02T03:04:05.678901+01:00";
	for (size_t len = 0; len < strlen(whole); len++) {
		char prefix[64];
		int64_t us = 42;
		snprintf(prefix, sizeof(prefix), "%.*s", (int)len, whole);
		assert_false(tarn_parse_timestamp(prefix, &us));
	}
}

static void every_day_of_a_thousand_years(void **state)
{
	(void)state;
	char last[TARN_DATE_SIZE] = "";
	for (int32_t days = -200000; days < 165000; days++) {
		char text[TARN_DATE_SIZE];
		int32_t back = 0;
		tarn_format_date(days, text);
		assert_true(strcmp(last, text) < 0);
		assert_true(tarn_parse_date(text, &back));
		assert_int_equal(back, days);
		memcpy(last, text, sizeof(last));
	}
	int32_t days = 42;
	assert_false(tarn_parse_date("2023-02-29", &days));
	assert_false(tarn_parse_date("2024-02-291", &days));
	assert_int_equal(days, 42);
}

static void days_round_down(void **state)
{
	(void)state;
	assert_int_equal(tarn_days_of_us(0), 0);
	assert_int_equal(tarn_days_of_us(-1), -1);
	assert_int_equal(tarn_days_of_us(INT64_C(-86400000000)), -1);
	assert_int_equal(tarn_days_of_us(INT64_C(86399999999)), 0);
	assert_int_equal(tarn_days_of_us(INT64_MIN), -106751992);
}

/* Years outside of 0000-9999 have no text that fits; what comes out is cut, terminated and within its bounds. */
static void the_ends_of_time_are_harmless(void **state)
{
	(void)state;
	char timestamp[TARN_TIMESTAMP_SIZE], date[TARN_DATE_SIZE];
	static const int64_t moments[] = { INT64_MIN, INT64_MIN + 1, INT64_MAX };
	for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
		tarn_format_timestamp(moments[i], timestamp);
		assert_int_equal(strlen(timestamp), TARN_TIMESTAMP_SIZE - 1);
	}
	tarn_format_date(INT32_MIN, date);
	assert_int_equal(strlen(date), TARN_DATE_SIZE - 1);
	tarn_format_date(INT32_MAX, date);
	assert_int_equal(strlen(date), TARN_DATE_SIZE - 1);
}

static void uuids_are_version_4(void **state)
{
	(void)state;
	char seen[64][TARN_UUID_SIZE];
	for (size_t n = 0; n < 64; n++) {
		tarn_uuid(seen[n]);
		assert_int_equal(strlen(seen[n]), 36);
		for (size_t i = 0; i < 36; i++) {
			bool dash = i == 8 || i == 13 || i == 18 || i == 23;
			assert_true(dash ? seen[n][i] == '-' : isxdigit(seen[n][i]) && !isupper(seen[n][i]));
		}
		assert_int_equal(seen[n][14], '4');
		assert_non_null(strchr("89ab", seen[n][19]));
		for (size_t other = 0; other < n; other++)
			assert_string_not_equal(seen[n], seen[other]);
	}
}

static void random_ids_fit_a_double(void **state)
{
	(void)state;
	int64_t all = 0;
	for (int i = 0; i < 1000; i++) {
		int64_t id = tarn_random_id();
		assert_true(id > 0 && id < INT64_C(1) << 53);
		assert_true((int64_t)(double)id == id);
		all |= id;
	}
	assert_true(all == (INT64_C(1) << 53) - 1);
}

static void clocks_go_forward(void **state)
{
	(void)state;
	assert_true(tarn_now_us() > INT64_C(1700000000000000));
	int64_t before = tarn_monotonic_ns();
	assert_true(tarn_monotonic_ns() >= before);
}

static void a_time_too_far_away_is_the_last_one(void **state)
{
	(void)state;
	int64_t before = tarn_monotonic_ns(), in_a_second = tarn_monotonic_ns_in(1000);
	assert_true(in_a_second >= before + 1000000000 && in_a_second <= tarn_monotonic_ns() + 1000000000);
	assert_true(tarn_monotonic_ns_in(INT64_MAX) == INT64_MAX);
	assert_true(tarn_monotonic_ns_in(INT64_MAX / 1000000) == INT64_MAX);
}

static void waits_grow_and_spread(void **state)
{
	(void)state;
	static const struct {
		int attempt;
		int64_t most;
	} cases[] = { { 2, 100 }, { 3, 200 }, { 4, 400 }, { 9, 12800 }, { 10, 20000 }, { 1000, 20000 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t least = INT64_MAX, most = 0;
		for (uint64_t random = 0; random <= 20000; random++) {
			int64_t wait = tarn_backoff_ms(cases[i].attempt, 20000, 0, random);
			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
		}
		assert_int_equal(least, 0);
		assert_int_equal(most, cases[i].most);
	}
}

static void the_other_end_may_ask_for_more_time(void **state)
{
	(void)state;
	assert_int_equal(tarn_backoff_ms(2, 20000, 3000, 5), 3000);
	assert_int_equal(tarn_backoff_ms(2, 20000, 1, 99), 99);
	assert_int_equal(tarn_backoff_ms(2, 20000, INT64_C(86400000), 5), 20000);
	assert_int_equal(tarn_backoff_ms(2, 50, 0, 50), 50);
	assert_int_equal(tarn_backoff_ms(2, 50, 0, 51), 0);
}

static void sleep_is_not_shorter(void **state)
{
	(void)state;
	int64_t start = tarn_monotonic_ns();
	tarn_sleep_ms(2);
	assert_true(tarn_monotonic_ns() - start >= 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timestamps_of_known_moments),
		cmocka_unit_test(accepted_forms),
		cmocka_unit_test(refused_timestamps),
		cmocka_unit_test(every_day_of_a_thousand_years),
		cmocka_unit_test(days_round_down),
		cmocka_unit_test(the_ends_of_time_are_harmless),
		cmocka_unit_test(uuids_are_version_4),
		cmocka_unit_test(random_ids_fit_a_double),
		cmocka_unit_test(clocks_go_forward),
		cmocka_unit_test(a_time_too_far_away_is_the_last_one),
		cmocka_unit_test(waits_grow_and_spread),
		cmocka_unit_test(the_other_end_may_ask_for_more_time),
		cmocka_unit_test(sleep_is_not_shorter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
