#include "store/iceberg/metadata.h"

#include "cmocka_tarn.h"

static const struct tarn_field element[] = { { .id = 4, .name = "element", .kind = TARN_TYPE_STRING } };
static const struct tarn_field fields[] = {
	{ .id = 1, .name = "id", .kind = TARN_TYPE_LONG, .required = true },
	{ .id = 2, .name = "day", .kind = TARN_TYPE_DATE },
	{ .id = 3, .name = "tags", .kind = TARN_TYPE_LIST, .fields = element, .n_fields = 1 },
};
static const struct tarn_property properties[] = { { "comment", "Say \"hello\"" } };
static const char *const by_day[] = { "day" };

static void new_table_in_java_form(void **state)
{
	(void)state;
	static const struct tarn_table_definition definition = {
		.name = "t",
		.fields = fields,
		.n_fields = 3,
		.partition_by = by_day,
		.n_partition_by = 1,
		.properties = properties,
		.n_properties = 1,
	};
	static const char expected[] =
		"{\"format-version\":2,\"table-uuid\":\"uu\",\"location\":\"file:///lake/"
		"t\",\"last-sequence-number\":0,"
		"\"last-updated-ms\":1234,\"last-column-id\":4,\"current-schema-id\":0,\"schemas\":[{\"type\":"
		"\"struct\","
		"\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"
		"{\"id\":2,\"name\":\"day\",\"required\":false,\"type\":\"date\"},{\"id\":3,\"name\":\"tags\","
		"\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":4,\"element\":\"string\","
		"\"element-required\":false}}]}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":["
		"{\"name\":\"day\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1000}]}],"
		"\"last-partition-id\":1000,\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}"
		"],"
		"\"properties\":{\"comment\":\"Say \\\"hello\\\"\",\"write.parquet.compression-codec\":\"zstd\"},"
		"\"current-snapshot-id\":-1,\"refs\":{},\"snapshots\":[],\"statistics\":[],\"partition-statistics\":[],"
		"\"snapshot-log\":[],\"metadata-log\":[]}";
	struct tarn_table *table = tarn_table_new(&definition, "file:///lake/t", "uu", 1234567);
	struct tarn_buf written;
	tarn_buf_init(&written, 1 << 16);
	assert_int_equal(tarn_table_write(table, &written, NULL), TARN_OK);
	tarn_buf_add_byte(&written, 0);
	assert_string_equal((char *)written.data, expected);
	tarn_buf_release(&written);
	tarn_buf_init(&written, 100);
	assert_int_equal(tarn_table_write(table, &written, NULL), TARN_ELIMIT);
	tarn_buf_release(&written);
	tarn_table_free(table);
}

static void unpartitioned_table(void **state)
{
	(void)state;
	static const struct tarn_table_definition definition = { .name = "t", .fields = fields, .n_fields = 1 };
	struct tarn_table *table = tarn_table_new(&definition, "file:///lake/t", NULL, 0);
	struct tarn_buf written;
	size_t n;
	tarn_table_partition(table, &n);
	assert_int_equal(n, 0);
	assert_int_equal(strlen(tarn_table_uuid(table)), 36);
	tarn_buf_init(&written, 1 << 16);
	assert_int_equal(tarn_table_write(table, &written, NULL), TARN_OK);
	tarn_buf_add_byte(&written, 0);
	assert_non_null(strstr((char *)written.data, "\"fields\":[]}],\"last-partition-id\":999,"));
	assert_non_null(strstr((char *)written.data, "\"properties\":{\"write.parquet.compression-codec\":\"zstd\"}"));
	tarn_buf_release(&written);
	tarn_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_table_in_java_form),
		cmocka_unit_test(unpartitioned_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
