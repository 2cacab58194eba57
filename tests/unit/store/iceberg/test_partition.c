#include "store/iceberg/manifest.h"

#include "cmocka_tarn.h"

#define TEXT(literal)                                                                                                  \
	{                                                                                                              \
		.present = true, .text = {(const uint8_t *)(literal), sizeof(literal) - 1 }                            \
	}
#define NUMBER(value)                                                                                                  \
	{                                                                                                              \
		.present = true, .number = (value)                                                                     \
	}

static struct tarn_partition_type type_of(struct tarn_partition_column *column)
{
	return (struct tarn_partition_type){ .columns = column, .n = 1 };
}

static void folders_are_named_as_java_does(void **state)
{
	(void)state;
	static const struct {
		const char *name, *transform;
		enum tarn_type_kind kind;
		struct tarn_partition_value value;
		const char *expected;
	} cases[] = {
		{ "basis_set", "identity", TARN_TYPE_STRING, TEXT("6-31g"), "basis_set=6-31g" },
		{ "basis_set", "identity", TARN_TYPE_STRING, TEXT("6-31g(d,p) *+/%\xc3\xa9~"),
		  "basis_set=6-31g%28d%2Cp%29+*%2B%2F%25%C3%A9%7E" },
		{ "a b", "identity", TARN_TYPE_STRING, TEXT(""), "a+b=" },
		{ "a", "identity", TARN_TYPE_STRING, { .present = false }, "a=null" },
		{ "d", "identity", TARN_TYPE_DATE, NUMBER(20779), "d=2026-11-22" },
		{ "d", "day", TARN_TYPE_DATE, NUMBER(-1), "d=1969-12-31" },
		{ "i", "identity", TARN_TYPE_INT, NUMBER(-7), "i=-7" },
		{ "b", "identity", TARN_TYPE_BOOLEAN, NUMBER(1), "b=true" },
		{ "y", "year", TARN_TYPE_INT, NUMBER(54), "y=2024" },
		{ "m", "month", TARN_TYPE_INT, NUMBER(-1), "m=1969-12" },
		{ "h", "hour", TARN_TYPE_INT, NUMBER(473073), "h=2023-12-20-09" },
		{ "k", "bucket[16]", TARN_TYPE_INT, NUMBER(3), "k=3" },
		{ "t", "identity", TARN_TYPE_TIMESTAMP, NUMBER(0), "t=1970-01-01T00%3A00%3A00.000000" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_partition_column column = { .name = cases[i].name,
							.transform = cases[i].transform,
							.kind = cases[i].kind };
		struct tarn_partition_type type = type_of(&column);
		struct tarn_buf path;
		tarn_buf_init(&path, 200);
		tarn_partition_put_path(&type, &cases[i].value, &path);
		tarn_buf_add_byte(&path, 0);
		assert_string_equal((char *)path.data, cases[i].expected);
		tarn_buf_release(&path);
	}
}

static void avro_names_are_made_legal(void **state)
{
	(void)state;
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{ "day",
		  "{\"name\":\"day\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}],\"default\":null,"
		  "\"field-id\":1000}" },
		{ "my-col", "{\"name\":\"my_x2Dcol\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}],"
			    "\"default\":null,\"iceberg-field-name\":\"my-col\",\"field-id\":1000}" },
		{ "1a", "{\"name\":\"_1a\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}],"
			"\"default\":null,\"iceberg-field-name\":\"1a\",\"field-id\":1000}" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_partition_column column = {
			.name = cases[i].name, .transform = "identity", .field_id = 1000, .kind = TARN_TYPE_DATE
		};
		struct tarn_partition_type type = type_of(&column);
		struct tarn_buf json;
		tarn_buf_init(&json, 400);
		tarn_partition_put_avro_fields(&type, &json);
		tarn_buf_add_byte(&json, 0);
		assert_string_equal((char *)json.data, cases[i].expected);
		tarn_buf_release(&json);
	}
}

static void types_follow_the_transform(void **state)
{
	(void)state;
	static const char text[] =
		"{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"file:///t\",\"last-sequence-number\":0,"
		"\"last-updated-ms\":0,\"last-column-id\":2,\"current-schema-id\":0,\"schemas\":[{\"schema-id\":0,"
		"\"fields\":[{\"id\":1,\"name\":\"t\",\"type\":\"timestamptz\"},{\"id\":2,\"name\":\"x\",\"type\":"
		"\"double\"}]}],"
		"\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":["
		"{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},"
		"{\"name\":\"b\",\"transform\":\"day\",\"source-id\":1,\"field-id\":1001},"
		"{\"name\":\"c\",\"transform\":\"bucket[4]\",\"source-id\":1,\"field-id\":1002},"
		"{\"name\":\"d\",\"transform\":\"identity\",\"source-id\":9,\"field-id\":1003},"
		"{\"name\":\"e\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1004}]}],"
		"\"last-partition-id\":1004,\"default-sort-order-id\":0,\"sort-orders\":[]}";
	static const enum tarn_type_kind expected[] = { TARN_TYPE_TIMESTAMPTZ, TARN_TYPE_DATE, TARN_TYPE_INT,
							TARN_TYPE_BINARY, TARN_TYPE_DOUBLE };
	struct tarn_table *table;
	struct tarn_err err;
	assert_int_equal(tarn_table_parse(tarn_slice_str(text), &table, NULL), TARN_OK);
	struct tarn_partition_type type = tarn_partition_type_of(table, tarn_table_spec(table, 0), &table->arena);
	assert_int_equal(type.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(type.columns[i].kind, expected[i]);
	assert_int_equal(tarn_partition_writable(&type, &err), TARN_EUNSUPPORTED);
	assert_string_equal(err.message, "partition field \"e\" is of a type that Tarn does not write");
	tarn_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_named_as_java_does),
		cmocka_unit_test(avro_names_are_made_legal),
		cmocka_unit_test(types_follow_the_transform),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
