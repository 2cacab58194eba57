#include "store/iceberg/metadata.h"

#include <stdio.h>

#include "base/file.h"
#include "cmocka_tarn.h"

static struct tarn_buf read_golden(const char *name)
{
	struct tarn_buf buf;
	char path[400];
	snprintf(path, sizeof(path), TEST_DATA "/iceberg/%s", name);
	tarn_buf_init(&buf, 1 << 20);
	assert_int_equal(tarn_file_read(path, &buf, NULL), TARN_OK);
	return buf;
}

static void reads_what_java_wrote(void **state)
{
	(void)state;
	struct tarn_buf text = read_golden("molecules.metadata.json");
	struct tarn_table *table;
	size_t n;
	assert_int_equal(tarn_table_parse(tarn_buf_slice(&text), &table, NULL), TARN_OK);
	assert_string_equal(tarn_table_location(table), "file:///tmp/golden_warehouse/quantum_features/molecules");
	assert_string_equal(tarn_table_uuid(table), "3ab5711a-3efe-4ce9-b64e-14e35309d7ed");
	const struct tarn_field *fields = tarn_table_fields(table, &n);
	assert_int_equal(n, 13);
	assert_int_equal(fields[4].kind, TARN_TYPE_LIST);
	assert_int_equal(fields[4].fields[0].fields[0].kind, TARN_TYPE_DOUBLE);
	assert_int_equal(fields[4].fields[0].fields[0].id, 16);
	const struct tarn_partition_field *partition = tarn_table_partition(table, &n);
	assert_int_equal(n, 1);
	assert_string_equal(partition[0].name, "processing_date");
	assert_string_equal(partition[0].transform, "identity");
	assert_int_equal(partition[0].source_id, 11);
	const struct tarn_snapshot *snapshots = tarn_table_snapshots(table, &n);
	assert_int_equal(n, 2);
	assert_true(snapshots[0].id == 1087130950408767636 && snapshots[0].parent_id == 0);
	assert_true(snapshots[1].parent_id == snapshots[0].id && tarn_table_current(table) == &snapshots[1]);
	assert_string_equal(snapshots[0].operation, "overwrite");
	assert_string_equal(tarn_snapshot_summary(&snapshots[1], "total-records"), "11");
	assert_null(tarn_snapshot_summary(&snapshots[1], "operation"));
	const struct tarn_ref *refs = tarn_table_refs(table, &n);
	assert_int_equal(n, 3);
	assert_string_equal(refs[2].name, "v_incr_df32c8f038f64775b4c5ba762087ffee");
	assert_true(refs[2].is_tag && refs[2].snapshot_id == snapshots[1].id && !refs[0].is_tag);
	tarn_table_free(table);
	tarn_buf_release(&text);
}

static void java_text_is_written_back_as_it_was(void **state)
{
	(void)state;
	static const char *const names[] = { "molecules.metadata.json", "vqe_iterations.metadata.json" };
	for (size_t i = 0; i < 2; i++) {
		struct tarn_buf text = read_golden(names[i]), written;
		struct tarn_table *table;
		tarn_buf_init(&written, 1 << 20);
		assert_int_equal(tarn_table_parse(tarn_buf_slice(&text), &table, NULL), TARN_OK);
		assert_int_equal(tarn_table_write(table, &written, NULL), TARN_OK);
		assert_true(tarn_slice_eq(tarn_buf_slice(&text), tarn_buf_slice(&written)));
		tarn_table_free(table);
		tarn_buf_release(&text);
		tarn_buf_release(&written);
	}
}

#define HEAD                                                                                                           \
	"\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"file:///t/\",\"last-sequence-number\":3,"            \
	"\"last-updated-ms\":5,\"last-column-id\":1,\"current-schema-id\":1,\"schemas\":[{\"schema-id\":0},"           \
	"{\"type\":\"struct\",\"schema-id\":1,\"identifier-field-ids\":[],\"fields\":[{\"id\":1,\"name\":\"a\","       \
	"\"required\":false,\"type\":\"int\"}]}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,"           \
	"\"fields\":[]}],\"last-partition-id\":999,\"default-sort-order-id\":0,\"sort-orders\":[]"
#define SNAPSHOT(id, seq) "{\"snapshot-id\":" #id ",\"sequence-number\":" #seq ",\"timestamp-ms\":4,\"x\":1e9}"

static void foreign_members_survive(void **state)
{
	(void)state;
	static const char text[] =
		"{\"zzz\" : {\"a\":[1.50]},\n" HEAD
		",\"current-snapshot-id\":8,\"snapshots\":[" SNAPSHOT(8, 2) ", " SNAPSHOT(
			9, 1) "],\"refs\":{\"b\":{\"type\":\"branch\",\"max-ref-age-ms\":9,\"snapshot-id\":9}}}";
	static const char expected[] =
		"{" HEAD ",\"current-snapshot-id\":8,\"refs\":{\"b\":{\"snapshot-id\":9,\"type\":\"branch\","
		"\"max-ref-age-ms\":9},\"main\":{\"snapshot-id\":8,\"type\":\"branch\"}},\"snapshots\":[" SNAPSHOT(
			9, 1) "," SNAPSHOT(8, 2) "],\"snapshot-log\":[],\"metadata-log\":[],\"zzz\":{\"a\":[1.50]}}";
	struct tarn_table *table;
	struct tarn_buf written;
	tarn_buf_init(&written, 1 << 16);
	assert_int_equal(tarn_table_parse(tarn_slice_str(text), &table, NULL), TARN_OK);
	assert_string_equal(tarn_table_location(table), "file:///t");
	assert_true(tarn_table_current(table)->id == 8 && !tarn_table_snapshot(table, 7));
	assert_int_equal(tarn_table_write(table, &written, NULL), TARN_OK);
	tarn_buf_add_byte(&written, 0);
	assert_string_equal((char *)written.data, expected);
	tarn_table_free(table);
	tarn_buf_release(&written);
}

static void broken_contents_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
		enum tarn_rc rc;
	} cases[] = {
		{ "[]", "'{' was expected", TARN_EINVALID },
		{ "{}", "lacks \"format-version\"", TARN_EINVALID },
		{ "{\"format-version\":3}", "format version 3", TARN_EUNSUPPORTED },
		{ "{\"format-version\":2}", "lacks \"table-uuid\"", TARN_EINVALID },
		{ "{" HEAD ",\"format-version\":2}", "comes twice", TARN_EINVALID },
		{ "{" HEAD ",\"current-snapshot-id\":1}", "no snapshot 1", TARN_EINVALID },
		{ "{" HEAD ",\"snapshots\":[" SNAPSHOT(8, 9) "]}", "sequence number above", TARN_EINVALID },
		{ "{" HEAD ",\"snapshots\":[" SNAPSHOT(8, 1) "," SNAPSHOT(8, 2) "]}", "two snapshots", TARN_EINVALID },
		{ "{" HEAD ",\"snapshots\":[{}]}", "lacks its \"snapshot-id\"", TARN_EINVALID },
		{ "{" HEAD ",\"refs\":{\"t\":{\"snapshot-id\":1}}}", "ref \"t\" points to no", TARN_EINVALID },
		{ "{" HEAD ",\"refs\":[]}", "\"refs\"", TARN_EINVALID },
		{ "{" HEAD ",\"metadata-log\":[{}]}", "\"metadata-log\"", TARN_EINVALID },
		{ "{" HEAD ",\"properties\":{\"a\":1}}", "\"properties\"", TARN_EINVALID },
		{ "{" HEAD "} x", "goes on behind its end", TARN_EINVALID },
		{ "{" HEAD ",\"snapshots\":[" SNAPSHOT(8, 1) "],\"current-snapshot-id\":-1,\"refs\":{\"main\":{"
							     "\"snapshot-id\":8}}}",
		  "main is not at", TARN_EINVALID },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_table *table;
		struct tarn_err err;
		assert_int_equal(tarn_table_parse(tarn_slice_str(cases[i].text), &table, &err), cases[i].rc);
		if (!strstr(err.message, cases[i].message))
			fail_msg("\"%s\" lacks \"%s\"", err.message, cases[i].message);
	}
}

static void every_prefix_fails(void **state)
{
	(void)state;
	struct tarn_buf text = read_golden("molecules.metadata.json");
	for (size_t len = 0; len < text.len; len++) {
		struct tarn_table *table;
		assert_int_not_equal(tarn_table_parse(tarn_slice_of(text.data, len), &table, NULL), TARN_OK);
	}
	tarn_buf_release(&text);
}

/* Whatever a changed byte means: no crash, and what is accepted can be written and read again. */
static void changed_bytes_do_no_harm(void **state)
{
	(void)state;
	static const char bytes[] = { '"', '{', '}', '[', ']', ',', ':', '9', '-', 'n', '\\', 0, (char)0xff };
	struct tarn_buf text = read_golden("molecules.metadata.json"), written;
	tarn_buf_init(&written, 1 << 20);
	for (size_t at = 0; at < text.len; at++) {
		uint8_t old = text.data[at];
		struct tarn_table *table, *again;
		text.data[at] = (uint8_t)bytes[at % sizeof(bytes)];
		if (!tarn_table_parse(tarn_buf_slice(&text), &table, NULL)) {
			tarn_buf_clear(&written);
			assert_int_equal(tarn_table_write(table, &written, NULL), TARN_OK);
			assert_int_equal(tarn_table_parse(tarn_buf_slice(&written), &again, NULL), TARN_OK);
			tarn_table_free(again);
			tarn_table_free(table);
		}
		text.data[at] = old;
	}
	tarn_buf_release(&written);
	tarn_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_java_wrote),   cmocka_unit_test(java_text_is_written_back_as_it_was),
		cmocka_unit_test(foreign_members_survive), cmocka_unit_test(broken_contents_are_named),
		cmocka_unit_test(every_prefix_fails),	   cmocka_unit_test(changed_bytes_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
