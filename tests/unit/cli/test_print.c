#include "cli/print.h"

#include <math.h>
#include <stdlib.h>

#include "cmocka_tarn.h"

static void assert_table(const struct tarn_print_table *table, const char *expected)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = tmpfile();
	assert_non_null(out);
	tarn_print_table_write(table, out);
	len = (size_t)ftell(out);
	text = calloc(1, len + 1);
	rewind(out);
	assert_int_equal(fread(text, 1, len, out), len);
	assert_string_equal(text, expected);
	fclose(out);
	free(text);
}

static void columns_are_aligned(void **state)
{
	(void)state;
	static const struct tarn_print_column columns[] = { { "NAME", false, 0 },
							    { "ROWS", true, 0 },
							    { "NOTE", false, 6 } };
	struct tarn_print_table *table = tarn_print_table_new(columns, 3);
	tarn_print_cell(table, "molecules");
	tarn_print_cell_count(table, 1234567);
	tarn_print_cell(table, "short");
	tarn_print_cell(table, "\xc3\xa9t\xc3\xa9");
	tarn_print_cell_count(table, -5);
	tarn_print_cell(table, "longer than six");
	tarn_print_cell(table, "a\nb\x1b[1m\xff");
	tarn_print_cell_bytes(table, 1536);
	tarn_print_cell(table, "sixsix");
	assert_table(table, "NAME               ROWS  NOTE\n"
			    "molecules     1,234,567  short\n"
			    "\xc3\xa9t\xc3\xa9                  -5  longe\xe2\x80\xa6\n"
			    "a\\nb\\x1b[1m?    1.5 KiB  sixsix\n");
	tarn_print_table_free(table);
	tarn_print_table_free(NULL);
}

static void numbers_are_readable(void **state)
{
	(void)state;
	static const struct {
		int64_t value;
		const char *count, *bytes;
	} cases[] = {
		{ 0, "0", "0 B" },
		{ 999, "999", "999 B" },
		{ 1000, "1,000", "1000 B" },
		{ 1023, "1,023", "1023 B" },
		{ 1024, "1,024", "1.0 KiB" },
		{ 1048575, "1,048,575", "1.0 MiB" },
		{ 8950000, "8,950,000", "8.5 MiB" },
		{ INT64_MAX, "9,223,372,036,854,775,807", "8.0 EiB" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[TARN_PRINT_NUMBER_SIZE];
		tarn_format_count(cases[i].value, text);
		assert_string_equal(text, cases[i].count);
		tarn_format_bytes(cases[i].value, text);
		assert_string_equal(text, cases[i].bytes);
	}
	char text[TARN_PRINT_NUMBER_SIZE];
	tarn_format_count(-123456, text);
	assert_string_equal(text, "-123,456");
	tarn_format_count(INT64_MIN, text);
	assert_string_equal(text, "-9,223,372,036,854,775,808");
}

static void json_needs_no_care_for_commas(void **state)
{
	(void)state;
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 12);
	tarn_print_json_begin(&out, '{');
	tarn_print_json_key(&out, "text:");
	tarn_print_json_text(&out, "a\"b\\c\n\x01\xc3\xa9\xff[");
	tarn_print_json_key(&out, "list");
	tarn_print_json_begin(&out, '[');
	tarn_print_json_int(&out, INT64_MIN);
	tarn_print_json_double(&out, 0.1);
	tarn_print_json_double(&out, -INFINITY);
	tarn_print_json_double(&out, NAN);
	tarn_print_json_bool(&out, true);
	tarn_print_json_null(&out);
	tarn_print_json_begin(&out, '[');
	tarn_print_json_end(&out, ']');
	tarn_print_json_begin(&out, '{');
	tarn_print_json_end(&out, '}');
	tarn_print_json_end(&out, ']');
	tarn_print_json_key(&out, "none");
	tarn_print_json_text(&out, NULL);
	tarn_print_json_key(&out, "time");
	tarn_print_json_time(&out, 1500000);
	tarn_print_json_end(&out, '}');
	tarn_buf_add_byte(&out, 0);
	assert_string_equal(
		(const char *)out.data,
		"{\"text:\":\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\xef\xbf\xbd[\",\"list\":[-9223372036854775808,0.1,"
		"\"-Infinity\",\"NaN\",true,null,[],{}],\"none\":null,\"time\":\"1970-01-01T00:00:01.500000Z\"}");
	tarn_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(numbers_are_readable),
		cmocka_unit_test(json_needs_no_care_for_commas),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
