#include "serialize/avro/fingerprint.h"

#include "cmocka_tarn.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* From the specification's own list of canonical forms and fingerprints. */
static const struct {
	const char *schema, *canonical;
	int64_t fingerprint;
} cases[] = {
	{ "\"null\"", "\"null\"", 7195948357588979594 },
	{ "{\"type\":\"boolean\"}", "\"boolean\"", -6970731678124411036 },
	{ "\"int\"", "\"int\"", 8247732601305521295 },
	{ "\"long\"", "\"long\"", -3434872931120570953 },
	{ "\"float\"", "\"float\"", 5583340709985441680 },
	{ "\"double\"", "\"double\"", -8181574048448539266 },
	{ "\"bytes\"", "\"bytes\"", 5746618253357095269 },
	{ "\"string\"", "\"string\"", -8142146995180207161 },
	{ "[  ]", "[]", -1241056759729112623 },
	{ "[ \"int\" , {\"type\":\"boolean\"} ]", "[\"int\",\"boolean\"]", 5392556393470105090 },
	{ "{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"namespace\":\"x.y\"}",
	  "{\"name\":\"x.y.foo\",\"type\":\"record\",\"fields\":[]}", 5916914534497305771 },
	{ "{\"fields\":[], \"type\":\"record\", \"name\":\"a.b.foo\", \"namespace\":\"x.y\"}",
	  "{\"name\":\"a.b.foo\",\"type\":\"record\",\"fields\":[]}", -4616218487480524110 },
	{ "{\"fields\":[], \"type\":\"record\", \"name\":\"foo\", \"doc\":\"foo\", \"aliases\":[\"foo\",\"bar\"]}",
	  "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[]}", -4824392279771201922 },
	{ "{\"fields\":[{\"type\":\"boolean\", \"aliases\":[], \"name\":\"f1\", \"default\":\"true\"},"
	  "{\"order\":\"descending\",\"name\":\"f2\",\"doc\":\"Hello\",\"type\":\"int\"}], \"type\":\"record\", "
	  "\"name\":\"foo\"}",
	  "{\"name\":\"foo\",\"type\":\"record\",\"fields\":[{\"name\":\"f1\",\"type\":\"boolean\"},"
	  "{\"name\":\"f2\",\"type\":\"int\"}]}",
	  -4860222112080293046 },
	{ "{\"namespace\":\"x.y.z\", \"type\":\"enum\", \"name\":\"foo\", \"doc\":\"foo bar\", "
	  "\"symbols\":[\"A1\", \"A2\"]}",
	  "{\"name\":\"x.y.z.foo\",\"type\":\"enum\",\"symbols\":[\"A1\",\"A2\"]}", -4448647247586288245 },
	{ "{\"namespace\":\"x.y.z\", \"type\":\"fixed\", \"name\":\"foo\", \"doc\":\"foo bar\", \"size\":32}",
	  "{\"name\":\"x.y.z.foo\",\"type\":\"fixed\",\"size\":32}", -3064184465700546786 },
	{ "{ \"items\":{\"type\":\"null\"}, \"type\":\"array\"}", "{\"type\":\"array\",\"items\":\"null\"}",
	  -589620603366471059 },
	{ "{ \"values\":\"string\", \"type\":\"map\"}", "{\"type\":\"map\",\"values\":\"string\"}",
	  -8732877298790414990 },
	{ "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\", "
	  "\"type\":[\"null\", \"int\", \"long\", \"PigValue\"]}]}",
	  "{\"name\":\"PigValue\",\"type\":\"record\",\"fields\":[{\"name\":\"value\","
	  "\"type\":[\"null\",\"int\",\"long\",\"PigValue\"]}]}",
	  -1759257747318642341 },
};

static void the_specification_agrees(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_schema *schema;
		struct tarn_buf text;
		tarn_buf_init(&text, 1 << 10);
		assert_int_equal(tarn_avro_schema_parse(tarn_slice_str(cases[i].schema), &schema, NULL), TARN_OK);
		tarn_avro_canonical(schema, &text);
		tarn_buf_add_byte(&text, '\0');
		assert_string_equal((const char *)text.data, cases[i].canonical);
		assert_true(tarn_avro_fingerprint(schema) == (uint64_t)cases[i].fingerprint);
		tarn_avro_schema_free(schema);
		tarn_buf_release(&text);
	}
}

static void a_canonical_form_is_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_schema *schema;
		assert_int_equal(tarn_avro_schema_parse(tarn_slice_str(cases[i].canonical), &schema, NULL), TARN_OK);
		assert_true(tarn_avro_fingerprint(schema) == tarn_avro_crc64(tarn_slice_str(cases[i].canonical)));
		tarn_avro_schema_free(schema);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_specification_agrees),
		cmocka_unit_test(a_canonical_form_is_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
