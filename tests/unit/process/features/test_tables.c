/* The definitions against the reference's schemas (tests/data/golden/expected/2-incremental/SCHEMAS.json). */
#include "cmocka_tarn.h"

#include <jansson.h>

#include "process/features/feature.h"

static json_t *load_schemas(void)
{
	json_error_t error;
	json_t *schemas = json_load_file(TEST_DATA "/golden/expected/2-incremental/SCHEMAS.json", 0, &error);

	assert_non_null(schemas);
	return schemas;
}

static const char *type_name(enum tarn_type_kind kind)
{
	static const char *const names[] = {
		[TARN_TYPE_BOOLEAN] = "boolean", [TARN_TYPE_INT] = "int",	[TARN_TYPE_LONG] = "long",
		[TARN_TYPE_DOUBLE] = "double",	 [TARN_TYPE_DATE] = "date",	[TARN_TYPE_TIMESTAMPTZ] = "timestamptz",
		[TARN_TYPE_STRING] = "string",	 [TARN_TYPE_BINARY] = "binary",
	};

	return names[kind];
}

static void check_type(const struct tarn_field *field, json_t *type, int64_t *max_id)
{
	const struct tarn_field *element;

	if (json_is_string(type)) {
		assert_string_equal(type_name(field->kind), json_string_value(type));
		return;
	}
	assert_int_equal(field->kind, TARN_TYPE_LIST);
	assert_int_equal(field->n_fields, 1);
	element = field->fields;
	assert_string_equal(element->name, "element");
	assert_int_equal(element->id, json_integer_value(json_object_get(type, "element-id")));
	assert_false(element->required);
	if (element->id > *max_id)
		*max_id = element->id;
	check_type(element, json_object_get(type, "element"), max_id);
}

/* The reference's columns first, with its ids; ours behind them with higher ids, each its own. */
static void check_columns(const struct tarn_table_definition *table, json_t *fields)
{
	size_t n = json_array_size(fields);
	int64_t max_id = 0;

	assert_true(table->n_fields >= n);
	for (size_t i = 0; i < n; i++) {
		json_t *field = json_array_get(fields, i);

		assert_string_equal(table->fields[i].name, json_string_value(json_object_get(field, "name")));
		assert_int_equal(table->fields[i].id, json_integer_value(json_object_get(field, "id")));
		if (table->fields[i].id > max_id)
			max_id = table->fields[i].id;
		check_type(&table->fields[i], json_object_get(field, "type"), &max_id);
	}
	for (size_t i = n; i < table->n_fields; i++)
		assert_int_equal(table->fields[i].id, ++max_id);
}

static void check_partition(const struct tarn_table_definition *table, json_t *spec)
{
	assert_int_equal(table->n_partition_by, json_array_size(spec));
	for (size_t i = 0; i < table->n_partition_by; i++)
		assert_string_equal(table->partition_by[i],
				    json_string_value(json_object_get(json_array_get(spec, i), "name")));
}

static void check_table(const struct tarn_table_definition *table, json_t *schemas)
{
	json_t *schema = json_object_get(schemas, table->name);
	json_t *comment = json_object_get(json_object_get(schema, "properties"), "comment");

	assert_non_null(schema);
	check_columns(table, json_object_get(schema, "fields"));
	check_partition(table, json_object_get(schema, "partition_spec"));
	if (comment)
		assert_string_equal(table->properties[0].value, json_string_value(comment));
}

static void test_tables_hold_the_reference_columns(void **state)
{
	json_t *schemas = load_schemas();

	(void)state;
	for (size_t i = 0; i < TARN_N_FEATURES; i++)
		check_table(&tarn_features[i]->table, schemas);
	check_table(&tarn_processing_metadata_table, schemas);
	json_decref(schemas);
}

static const struct tarn_field *find_field(const struct tarn_table_definition *table, const char *name)
{
	for (size_t i = 0; i < table->n_fields; i++)
		if (!strcmp(table->fields[i].name, name))
			return &table->fields[i];
	return NULL;
}

static void test_every_row_can_be_followed_back(void **state)
{
	static const char *const lineage[] = { "source_object",	   "source_record", "source_topic",
					       "source_partition", "source_offset", "processing_batch_id" };

	(void)state;
	for (size_t i = 0; i < TARN_N_FEATURES; i++) {
		assert_non_null(find_field(&tarn_features[i]->table, "configuration_id"));
		for (size_t j = 0; j < sizeof(lineage) / sizeof(*lineage); j++)
			assert_non_null(find_field(&tarn_features[i]->table, lineage[j]));
	}
	for (size_t j = 0; j < sizeof(lineage) / sizeof(*lineage); j++) {
		assert_non_null(find_field(&tarn_dead_letters_table, lineage[j]));
		assert_non_null(find_field(&tarn_repeated_results_table, lineage[j]));
	}
	assert_non_null(find_field(&tarn_features[3]->table, "result_digest"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_hold_the_reference_columns),
		cmocka_unit_test(test_every_row_can_be_followed_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
