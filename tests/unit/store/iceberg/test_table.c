#include "store/iceberg/table.h"

#include "cmocka_tarn.h"

static const struct tarn_field element_int[] = { { .id = 4, .name = "element", .kind = TARN_TYPE_INT } };
static const struct tarn_field element_long[] = { { .id = 4, .name = "element", .kind = TARN_TYPE_LONG } };
#define LIST(element)                                                                                                  \
	{                                                                                                              \
		.id = 3, .name = "c", .kind = TARN_TYPE_LIST, .fields = element, .n_fields = 1                         \
	}
#define A                                                                                                              \
	{                                                                                                              \
		.id = 1, .name = "a", .kind = TARN_TYPE_INT                                                            \
	}
#define B                                                                                                              \
	{                                                                                                              \
		.id = 2, .name = "b", .kind = TARN_TYPE_DATE                                                           \
	}
static const struct tarn_field table_fields[] = { A, B, LIST(element_int) };
static const struct tarn_field required_field[] = { { .id = 1, .name = "a", .kind = TARN_TYPE_INT, .required = true } };
static const char *const by_b[] = { "b" }, *const by_a[] = { "a" };

static void definition_is_compared(void **state)
{
	(void)state;
	static const struct tarn_field more[] = { A,
						  B,
						  LIST(element_int),
						  { .id = 9, .name = "d", .kind = TARN_TYPE_INT } },
				       other_id[] = { { .id = 7, .name = "a", .kind = TARN_TYPE_INT } },
				       other_type[] = { { .id = 1, .name = "a", .kind = TARN_TYPE_LONG } },
				       other_element[] = { A, B, LIST(element_long) };
	static const struct {
		const struct tarn_field *fields;
		size_t n_fields;
		const char *const *partition_by;
		size_t n_partition_by;
		const char *message; /* NULL: fine */
	} cases[] = {
		{ table_fields, 3, by_b, 1, NULL },
		{ table_fields, 2, by_b, 1, NULL },
		{ more, 4, by_b, 1, "table \"t\": the table has no column \"d\"" },
		{ other_id, 1, by_b, 1, "table \"t\": column \"a\" has field id 1 in the table, 7 was expected" },
		{ other_type, 1, by_b, 1, "table \"t\": column \"a\" is of type int in the table, long was expected" },
		{ other_element, 3, by_b, 1,
		  "table \"t\": column \"c\" is of type int in the table, long was expected" },
		{ table_fields, 3, NULL, 0, "table \"t\": its partition spec is" },
		{ table_fields, 3, by_a, 1, "table \"t\": its partition spec is" },
	};
	struct tarn_table_definition definition = {
		.name = "t", .fields = table_fields, .n_fields = 3, .partition_by = by_b, .n_partition_by = 1
	};
	struct tarn_table *table = tarn_table_new(&definition, "file:///t", NULL, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_err err;
		definition = (struct tarn_table_definition){
			"t", cases[i].fields, cases[i].n_fields, cases[i].partition_by, cases[i].n_partition_by, NULL, 0
		};
		enum tarn_rc rc = tarn_table_check(table, &definition, &err);
		assert_int_equal(rc, cases[i].message ? TARN_EINVALID : TARN_OK);
		if (cases[i].message)
			assert_memory_equal(err.message, cases[i].message, strlen(cases[i].message));
	}
	tarn_table_free(table);
}

static void required_columns_must_be_written(void **state)
{
	(void)state;
	static const struct tarn_field optional[] = { A }, other[] = { B };
	const struct tarn_table_definition required = { .name = "t", .fields = required_field, .n_fields = 1 };
	const struct tarn_table_definition null = { .name = "t", .fields = optional, .n_fields = 1 };
	const struct tarn_table_definition absent = { .name = "t", .fields = other, .n_fields = 1 };
	struct tarn_table *table = tarn_table_new(&required, "file:///t", NULL, 0);
	struct tarn_err err;
	assert_int_equal(tarn_table_check(table, &required, NULL), TARN_OK);
	assert_int_equal(tarn_table_check(table, &null, &err), TARN_EINVALID);
	assert_string_equal(err.message, "table \"t\": column \"a\" is required in the table");
	assert_int_equal(tarn_table_check(table, &absent, &err), TARN_EINVALID);
	tarn_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(definition_is_compared),
		cmocka_unit_test(required_columns_must_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
