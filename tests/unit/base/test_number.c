#include "base/number.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_tarn.h"

static const struct {
	double value;
	const char *java, *plain;
} double_cases[] = {
	{ 0.0, "0.0", "0.0" },
	{ -0.0, "-0.0", "-0.0" },
	{ 1.0, "1.0", "1.0" },
	{ -1.5, "-1.5", "-1.5" },
	{ 120.5, "120.5", "120.5" },
	{ 100, "100.0", "100.0" },
	{ 0.1, "0.1", "0.1" },
	{ 1.008, "1.008", "1.008" },
	{ 1e-3, "0.001", "0.001" },
	{ 0x1.0624dd2f1a9fbp-10, "9.999999999999998E-4", "0.0009999999999999998" },
	{ 1e-4, "1.0E-4", "0.0001" },
	{ -4e-4, "-4.0E-4", "-0.0004" },
	{ 1e-5, "1.0E-5", "1e-05" },
	{ 9999999.999999998, "9999999.999999998", "9999999.999999998" },
	{ 1e7, "1.0E7", "10000000.0" },
	{ 1234567, "1234567.0", "1234567.0" },
	{ 12345678, "1.2345678E7", "12345678.0" },
	{ 9007199254740993.0, "9.007199254740992E15", "9007199254740992.0" },
	{ 9999999999999998, "9.999999999999998E15", "9999999999999998.0" },
	{ 1e15, "1.0E15", "1000000000000000.0" },
	{ 1e16, "1.0E16", "1e+16" },
	{ 1.2345678901234568e17, "1.2345678901234568E17", "1.2345678901234568e+17" },
	{ 1e22, "1.0E22", "1e+22" },
	{ 1e23, "1.0E23", "1e+23" },
	{ 2e23, "2.0E23", "2e+23" },
	{ -2.2250738585072014e-308, "-2.2250738585072014E-308", "-2.2250738585072014e-308" },
	{ 2.225073858507201e-308, "2.225073858507201E-308", "2.225073858507201e-308" },
	{ 1.7976931348623157e308, "1.7976931348623157E308", "1.7976931348623157e+308" },
	/* Java asks for the closest of two digits where one would do. */
	{ 5e-324, "4.9E-324", "5e-324" },
	{ 1e-323, "9.9E-324", "1e-323" },
	{ 1.5e-323, "1.5E-323", "1.5e-323" },
	{ 2e-323, "2.0E-323", "2e-323" },
	{ 5e-323, "4.9E-323", "5e-323" },
	/* Powers of two have an uneven interval. */
	{ 0x1p-1022, "2.2250738585072014E-308", "2.2250738585072014e-308" },
	{ 0x1p-44, "5.684341886080802E-14", "5.684341886080802e-14" },
	{ 0x1p63, "9.223372036854776E18", "9.223372036854776e+18" },
	{ 0x1p1023, "8.98846567431158E307", "8.98846567431158e+307" },
	/* Coefficients, parameters and times of VQE records. */
	{ -0.8105479805373281, "-0.8105479805373281", "-0.8105479805373281" },
	{ 0.045302755348571984, "0.045302755348571984", "0.045302755348571984" },
	{ 4.700134027749723, "4.700134027749723", "4.700134027749723" },
	{ NAN, "NaN", "nan" },
	{ INFINITY, "Infinity", "inf" },
	{ -INFINITY, "-Infinity", "-inf" },
};

static void doubles_have_their_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(double_cases) / sizeof(*double_cases); i++) {
		char text[TARN_DOUBLE_TEXT_SIZE + 1] = { 0 };
		text[tarn_format_double_java(double_cases[i].value, text)] = '\0';
		assert_string_equal(text, double_cases[i].java);
		text[tarn_format_double(double_cases[i].value, text)] = '\0';
		assert_string_equal(text, double_cases[i].plain);
	}
}

static bool same_bits(double a, double b)
{
	return !memcmp(&a, &b, sizeof(a));
}

static int digits_in(const char *text)
{
	int n = 0, zeros = 0;
	for (; *text && *text != 'e' && *text != 'E'; text++) {
		if (*text < '0' || *text > '9' || (*text == '0' && !n))
			continue;
		zeros = *text == '0' ? zeros + 1 : 0;
		n++;
	}
	return n - zeros;
}

/* Reads back, and no text with one digit less does. */
static void check_shortest(double value)
{
	char text[TARN_DOUBLE_TEXT_SIZE + 1], java[TARN_DOUBLE_TEXT_SIZE + 1], fewer[40];
	text[tarn_format_double(value, text)] = '\0';
	java[tarn_format_double_java(value, java)] = '\0';
	if (!same_bits(strtod(text, NULL), value) || !same_bits(strtod(java, NULL), value))
		fail_msg("%a became \"%s\" and \"%s\"", value, text, java);
	int n = digits_in(text);
	assert_in_range(n, 1, 17);
	if (fabs(value) > 1e-321)
		assert_int_equal(digits_in(java), n);
	if (n == 1)
		return;
	snprintf(fewer, sizeof(fewer), "%.*e", n - 2, value);
	if (same_bits(strtod(fewer, NULL), value))
		fail_msg("\"%s\" is longer than \"%s\"", text, fewer);
}

static void random_bits_read_back(void **state)
{
	(void)state;
	uint64_t bits = 0x9e3779b97f4a7c15;
	for (int i = 0; i < 100000; i++) {
		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		double value;
		memcpy(&value, &bits, sizeof(value));
		if (isfinite(value))
			check_shortest(value);
	}
}

static void every_power_and_its_neighbours_read_back(void **state)
{
	(void)state;
	for (int e = -1074; e < 1024; e++) {
		double value = ldexp(1, e);
		check_shortest(value);
		check_shortest(nextafter(value, DBL_MAX));
		if (e > -1074)
			check_shortest(nextafter(value, 0));
	}
	for (int e = -323; e <= 308; e++) {
		char text[16];
		snprintf(text, sizeof(text), "1e%d", e);
		check_shortest(strtod(text, NULL));
	}
}

static const struct {
	int64_t value;
	const char *text;
} int_cases[] = {
	{ 0, "0" },
	{ 7, "7" },
	{ -7, "-7" },
	{ 10, "10" },
	{ 99, "99" },
	{ 100, "100" },
	{ -1000, "-1000" },
	{ 99999999, "99999999" },
	{ 100000000, "100000000" },
	{ 10000000000000001, "10000000000000001" },
	{ INT64_MAX, "9223372036854775807" },
	{ INT64_MIN, "-9223372036854775808" },
};

static void integers_have_their_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(int_cases) / sizeof(*int_cases); i++) {
		char text[TARN_INT_TEXT_SIZE + 1];
		text[tarn_format_int(int_cases[i].value, text)] = '\0';
		assert_string_equal(text, int_cases[i].text);
	}
}

static void *format_one(void *text)
{
	((char *)text)[tarn_format_double_java(1e-300 / 3, text)] = '\0';
	return NULL;
}

/* First in the group, so that the threads race for the table of powers. */
static void threads_agree_from_the_first_use(void **state)
{
	(void)state;
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	char texts[THREADS][TARN_DOUBLE_TEXT_SIZE + 1];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, format_one, texts[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		assert_string_equal(texts[i], "3.3333333333333334E-301");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_agree_from_the_first_use),
		cmocka_unit_test(doubles_have_their_text),
		cmocka_unit_test(random_bits_read_back),
		cmocka_unit_test(every_power_and_its_neighbours_read_back),
		cmocka_unit_test(integers_have_their_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
