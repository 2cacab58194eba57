#include "store/catalog/rest_text.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cmocka_tarn.h"

static const struct tarn_field fields[] = {
	{ .id = 3, .name = "experiment_id", .kind = TARN_TYPE_STRING },
	{ .id = 7, .name = "processing_date", .kind = TARN_TYPE_DATE },
};
static const char *const partition_by[] = { "processing_date" };
static const struct tarn_property properties[] = { { "a\"b", "c" } };
static const struct tarn_table_definition definition = {
	.name = "molecules",
	.fields = fields,
	.n_fields = 2,
	.partition_by = partition_by,
	.n_partition_by = 1,
	.properties = properties,
	.n_properties = 1,
};
#define UUID "11111111-2222-4333-8444-555555555555"

static struct tarn_table *make_table(void)
{
	return tarn_table_new(&definition, "s3://lake/quantum_features/molecules", UUID, 1000000);
}

static void assert_text(struct tarn_buf *json, const char *expected)
{
	tarn_buf_add_byte(json, '\0');
	assert_string_equal((const char *)json->data, expected);
	tarn_buf_release(json);
}

static void a_table_is_made_with_its_own_ids(void **state)
{
	(void)state;
	struct tarn_table *table = make_table();
	struct tarn_buf json;
	tarn_buf_init(&json, 1 << 20);
	rest_put_creation(&json, "molecules", table);
	assert_text(
		&json,
		"{\"identifier\":{\"namespace\":[\"quantum_features\"],\"name\":\"molecules\"},"
		"\"requirements\":[{\"type\":\"assert-create\"}],\"updates\":["
		"{\"action\":\"assign-uuid\",\"uuid\":\"" UUID "\"},"
		"{\"action\":\"upgrade-format-version\",\"format-version\":2},"
		"{\"action\":\"add-schema\",\"schema\":{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
		"{\"id\":3,\"name\":\"experiment_id\",\"required\":false,\"type\":\"string\"},"
		"{\"id\":7,\"name\":\"processing_date\",\"required\":false,\"type\":\"date\"}]},\"last-column-id\":7},"
		"{\"action\":\"set-current-schema\",\"schema-id\":-1},"
		"{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[{\"name\":\"processing_date\","
		"\"transform\":\"identity\",\"source-id\":7,\"field-id\":1000}]}},"
		"{\"action\":\"set-default-spec\",\"spec-id\":-1},"
		"{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}},"
		"{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1},"
		"{\"action\":\"set-location\",\"location\":\"s3://lake/quantum_features/molecules\"},"
		"{\"action\":\"set-properties\",\"updates\":{\"a\\\"b\":\"c\","
		"\"write.parquet.compression-codec\":\"zstd\"}}]}");
	tarn_table_free(table);
}

static void a_table_is_numbered_anew(void **state)
{
	(void)state;
	static const struct tarn_table_definition bare = { .name = "a", .fields = fields, .n_fields = 1 };
	const struct {
		const struct tarn_table_definition *definition;
		const char *fields, *spec;
	} cases[] = {
		{ &definition,
		  ",{\"id\":7,\"name\":\"processing_date\",\"required\":false,\"type\":\"date\"}]},\"last-column-id\":"
		  "7}",
		  ",{\"action\":\"add-spec\",\"spec\":{\"spec-id\":1,\"fields\":[{\"name\":\"processing_date\","
		  "\"transform\":\"identity\",\"source-id\":7,\"field-id\":1000}]}},"
		  "{\"action\":\"set-default-spec\",\"spec-id\":-1}" },
		{ &bare, "]},\"last-column-id\":3}", "" },
	};
	struct tarn_table *made = make_table();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_table *table = tarn_table_new(cases[i].definition, "s3://lake/a", NULL, 1000000);
		char *expected = tarn_asprintf(
			"{\"identifier\":{\"namespace\":[\"quantum_features\"],\"name\":\"a\"},\"requirements\":["
			"{\"type\":\"assert-table-uuid\",\"uuid\":\"" UUID "\"},{\"type\":\"assert-ref-snapshot-id\","
			"\"ref\":\"main\",\"snapshot-id\":null}],\"updates\":[{\"action\":\"add-schema\",\"schema\":{"
			"\"type\":\"struct\",\"schema-id\":1,\"fields\":[{\"id\":3,\"name\":\"experiment_id\","
			"\"required\":false,\"type\":\"string\"}%s,"
			"{\"action\":\"set-current-schema\",\"schema-id\":-1}%s]}",
			cases[i].fields, cases[i].spec);
		struct tarn_buf json;
		tarn_buf_init(&json, 1 << 20);
		rest_put_numbering(&json, "a", made, table);
		assert_text(&json, expected);
		free(expected);
		tarn_table_free(table);
	}
	tarn_table_free(made);
}

#define SNAPSHOT(id, parent, number)                                                                                   \
	"{\"sequence-number\":" #number ",\"snapshot-id\":" #id "," parent                                             \
	"\"timestamp-ms\":1000,\"summary\":{\"operation\":\"append\"},\"manifest-list\":\"s3://l\",\"schema-id\":0}"
#define FIRST SNAPSHOT(41, "", 1)
#define SECOND SNAPSHOT(42, "\"parent-snapshot-id\":41,", 2)

/* The metadata of a table with these refs and snapshots. */
static struct tarn_table *parse_table(const char *current, const char *refs, const char *snapshots)
{
	struct tarn_table *bare = make_table(), *table;
	struct tarn_buf json;
	struct tarn_err err;
	tarn_buf_init(&json, 1 << 20);
	assert_int_equal(tarn_table_write(bare, &json, NULL), TARN_OK);
	tarn_buf_add_byte(&json, '\0');
	char *end = strstr((char *)json.data, "\"current-snapshot-id\"");
	assert_non_null(end);
	char *text = tarn_asprintf("%.*s\"current-snapshot-id\":%s,\"refs\":%s,\"snapshots\":%s}",
				   (int)(end - (char *)json.data), (char *)json.data, current, refs, snapshots);
	char *zero = strstr(text, "\"last-sequence-number\":0");
	assert_non_null(zero);
	zero[strlen("\"last-sequence-number\":")] = '2';
	if (tarn_table_parse(tarn_slice_str(text), &table, &err))
		fail_msg("%s", err.message);
	free(text);
	tarn_buf_release(&json);
	tarn_table_free(bare);
	return table;
}

#define HEAD                                                                                                           \
	"{\"table-changes\":[{\"identifier\":{\"namespace\":[\"quantum_features\"],\"name\":\"molecules\"},"           \
	"\"requirements\":[{\"type\":\"assert-table-uuid\",\"uuid\":\"" UUID "\"}"
#define REQUIRES(ref, id) ",{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"" ref "\",\"snapshot-id\":" id "}"
#define SETS(ref, type, id)                                                                                            \
	",{\"action\":\"set-snapshot-ref\",\"ref-name\":\"" ref "\",\"type\":\"" type "\",\"snapshot-id\":" id "}"

static void a_commit_moves_what_points_to_the_new_snapshot(void **state)
{
	static const struct {
		const char *current, *refs, *snapshots, *expected;
	} cases[] = {
		{ "41",
		  "{\"main\":{\"snapshot-id\":41,\"type\":\"branch\"},\"v_1\":{\"snapshot-id\":41,\"type\":\"tag\"}}",
		  "[" FIRST "]",
		  HEAD REQUIRES("main", "null") "],\"updates\":[{\"action\":\"add-snapshot\",\"snapshot\":" FIRST
						"}" SETS("main", "branch", "41") SETS("v_1", "tag", "41") "]}]}" },
		{ "42",
		  "{\"main\":{\"snapshot-id\":42,\"type\":\"branch\",\"min-snapshots-to-keep\":5},"
		  "\"v_1\":{\"snapshot-id\":41,\"type\":\"tag\"},\"v_2\":{\"snapshot-id\":42,\"type\":\"tag\"}}",
		  "[" FIRST "," SECOND "]",
		  HEAD REQUIRES("main", "41")
			  REQUIRES("v_2", "null") "],\"updates\":[{\"action\":\"add-snapshot\",\"snapshot\":" SECOND
						  "}" SETS("main", "branch", "42,\"min-snapshots-to-keep\":5")
							  SETS("v_2", "tag", "42") "]}]}" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_table *table = parse_table(cases[i].current, cases[i].refs, cases[i].snapshots);
		const struct tarn_catalog_change change = { "molecules", table, "" }, *changes[] = { &change };
		struct tarn_buf json;
		tarn_buf_init(&json, 1 << 20);
		rest_put_transaction(&json, changes, 1);
		assert_text(&json, cases[i].expected);
		tarn_table_free(table);
	}
}

/* ---- answers ---- */

static char *table_answer(void)
{
	struct tarn_table *table = make_table();
	struct tarn_buf json;
	tarn_buf_init(&json, 1 << 20);
	assert_int_equal(tarn_table_write(table, &json, NULL), TARN_OK);
	char *text =
		tarn_asprintf("{\"metadata-location\":\"s3://m\",\"config\":{\"s3.region\":\"x\"},\"metadata\":%.*s}",
			      (int)json.len, (const char *)json.data);
	tarn_buf_release(&json);
	tarn_table_free(table);
	return text;
}

static void a_table_is_read_and_no_prefix_of_it(void **state)
{
	(void)state;
	char *text = table_answer(), *location;
	struct tarn_table *table;
	size_t len = strlen(text);
	assert_int_equal(rest_read_table(tarn_slice_str(text), &table, &location, NULL), TARN_OK);
	assert_string_equal(tarn_table_uuid(table), UUID);
	assert_string_equal(location, "s3://m");
	free(location);
	tarn_table_free(table);
	for (size_t i = 0; i < len; i++) {
		char *prefix = malloc(i + 1); /* so that a sanitizer sees what reads past it */
		memcpy(prefix, text, i);
		struct tarn_err err;
		assert_int_equal(rest_read_table(tarn_slice_of(prefix, i), &table, &location, &err), TARN_EINVALID);
		free(prefix);
	}
	free(text);
}

static void names_are_of_our_namespace(void **state)
{
	static const char page[] =
		"{\"next-page-token\":\"2 b\",\"identifiers\":[{\"namespace\":[\"quantum_features\"],\"name\":\"a\"},"
		"{\"name\":\"b\",\"namespace\":[\"quantum_features\",\"deep\"]},{\"namespace\":[],\"name\":\"c\"},"
		"{\"namespace\":[\"other\"],\"name\":\"d\"},{\"name\":\"e\",\"x\":1,\"namespace\":[\"quantum_"
		"features\"]}]}";
	struct rest_names names = { 0 };
	struct tarn_arena arena;
	(void)state;
	tarn_arena_init(&arena);
	assert_int_equal(rest_read_names(tarn_slice_str(page), &arena, &names, NULL), TARN_OK);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.items[0], "a");
	assert_string_equal(names.items[1], "e");
	assert_string_equal(names.next_page, "2 b");
	assert_int_equal(rest_read_names(tarn_slice_str("{\"identifiers\":[]}"), &arena, &names, NULL), TARN_OK);
	assert_string_equal(names.next_page, "");
	for (size_t i = 0; i < strlen(page); i++)
		assert_int_equal(rest_read_names(tarn_slice_of(page, i), &arena, &names, NULL), TARN_EINVALID);
	free(names.items);
	tarn_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_made_with_its_own_ids),
		cmocka_unit_test(a_table_is_numbered_anew),
		cmocka_unit_test(a_commit_moves_what_points_to_the_new_snapshot),
		cmocka_unit_test(a_table_is_read_and_no_prefix_of_it),
		cmocka_unit_test(names_are_of_our_namespace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
