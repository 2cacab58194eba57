#include "store/iceberg/metadata.h"

#include "cmocka_tarn.h"

/* Parses a list of fields and writes it as a schema again. */
static enum tarn_rc reparse(const char *text, struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_json json;
	const struct tarn_field *fields;
	size_t n;
	struct tarn_slice slice = tarn_slice_str(text);
	tarn_arena_init(&arena);
	tarn_json_init(&json, slice, slice, &arena, err);
	tarn_schema_parse_fields(&json, &fields, &n);
	enum tarn_rc rc = tarn_json_finish(&json);
	if (!rc)
		tarn_schema_put_json(out, fields, n, 3);
	tarn_arena_release(&arena);
	return rc;
}

static void every_type_reads_back(void **state)
{
	(void)state;
	static const char *const types[] = {
		"\"boolean\"",
		"\"int\"",
		"\"long\"",
		"\"float\"",
		"\"double\"",
		"\"date\"",
		"\"time\"",
		"\"timestamp\"",
		"\"timestamptz\"",
		"\"string\"",
		"\"binary\"",
		"\"uuid\"",
		"\"fixed[16]\"",
		"\"decimal(9, 2)\"",
		"{\"type\":\"list\",\"element-id\":14,\"element\":\"string\",\"element-required\":false}",
		("{\"type\":\"map\",\"key-id\":5,\"key\":\"string\",\"value-id\":6,\"value\":\"long\","
		 "\"value-required\":true}"),
		"{\"type\":\"struct\",\"fields\":[{\"id\":7,\"name\":\"a\",\"required\":true,\"type\":\"int\"}]}",
		("{\"type\":\"list\",\"element-id\":15,\"element\":{\"type\":\"list\",\"element-id\":16,"
		 "\"element\":\"double\",\"element-required\":true},\"element-required\":false}"),
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct tarn_buf text, expected, found;
		tarn_buf_init(&text, 4096);
		tarn_buf_init(&expected, 4096);
		tarn_buf_init(&found, 4096);
		tarn_buf_printf(&text, "[{\"id\":1,\"name\":\"c\\\"\",\"required\":false,\"type\":%s,\"doc\":\"d\"}]%c",
				types[i], '\0');
		tarn_buf_printf(&expected, "{\"type\":\"struct\",\"schema-id\":3,\"fields\":%s}", (char *)text.data);
		assert_int_equal(reparse((char *)text.data, &found, NULL), TARN_OK);
		assert_true(tarn_slice_eq(tarn_buf_slice(&found), tarn_buf_slice(&expected)));
		tarn_buf_release(&text);
		tarn_buf_release(&expected);
		tarn_buf_release(&found);
	}
}

static void broken_schemas_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum tarn_rc rc;
	} cases[] = {
		{ "[{\"id\":1,\"name\":\"a\",\"required\":true}]", TARN_EINVALID },
		{ "[{\"id\":1,\"type\":\"int\"}]", TARN_EINVALID },
		{ "[{\"name\":\"a\",\"type\":\"int\"}]", TARN_EINVALID },
		{ "[{\"id\":-1,\"name\":\"a\",\"type\":\"int\"}]", TARN_EINVALID },
		{ "[{\"id\":1,\"name\":\"a\",\"type\":\"variant\"}]", TARN_EUNSUPPORTED },
		{ "[{\"id\":1,\"name\":\"a\",\"type\":\"decimal(39, 2)\"}]", TARN_EUNSUPPORTED },
		{ "[{\"id\":1,\"name\":\"a\",\"type\":\"fixed[0]\"}]", TARN_EUNSUPPORTED },
		{ "[{\"id\":1,\"name\":\"a\",\"type\":{\"type\":\"list\",\"element-id\":2}}]", TARN_EINVALID },
		{ "[{\"id\":1,\"name\":\"a\",\"type\":{\"type\":\"list\",\"element\":\"int\"}}]", TARN_EINVALID },
		{ "[{\"id\":1,\"name\":\"a\",\"type\":{\"type\":\"map\",\"key-id\":2,\"key\":\"int\"}}]",
		  TARN_EINVALID },
		{ "[{\"id\":1,\"name\":\"a\",\"type\":{}}]", TARN_EINVALID },
		{ "{}", TARN_EINVALID },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 4096);
		assert_int_equal(reparse(cases[i].text, &out, NULL), cases[i].rc);
		tarn_buf_release(&out);
	}
}

static void last_id_counts_nested_fields(void **state)
{
	(void)state;
	static const struct tarn_field element[] = { { .id = 9, .name = "element", .kind = TARN_TYPE_STRING } };
	static const struct tarn_field fields[] = {
		{ .id = 1, .name = "a", .kind = TARN_TYPE_LIST, .fields = element, .n_fields = 1 },
		{ .id = 2, .name = "b", .kind = TARN_TYPE_INT },
	};
	assert_int_equal(tarn_schema_last_id(fields, 2), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_reads_back),
		cmocka_unit_test(broken_schemas_are_refused),
		cmocka_unit_test(last_id_counts_nested_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
