#include "store/iceberg/scan.h"

#include "iceberg_fixture.h"

/* A table of another engine's making, its list and manifests written by this test: two data manifests, one of which has
 * a deleted entry, and optionally a delete manifest. */
struct made {
	struct temp_store temp;
	struct tarn_table *table;
};

static const struct tarn_field fields[] = { { .id = 1, .name = "basis_set", .kind = TARN_TYPE_STRING } };
static const char *const by_basis_set[] = { "basis_set" };
static const struct tarn_table_definition definition = {
	.name = "t",
	.fields = fields,
	.n_fields = 1,
	.partition_by = by_basis_set,
	.n_partition_by = 1,
};
static const uint8_t sync_bytes[16] = { 4 };

static struct tarn_manifest put_manifest(struct made *made, const char *name, int32_t content,
					 const struct tarn_manifest_entry *entries, size_t n)
{
	struct tarn_buf bytes;
	struct tarn_manifest line;
	tarn_buf_init(&bytes, 1 << 20);
	struct tarn_partition_type type = tarn_partition_type_of(made->table, made->table->spec, &made->table->arena);
	struct tarn_manifest_head head = { made->table, &type, sync_bytes };
	struct tarn_manifest_writer *writer = tarn_manifest_writer_new(&head, &bytes);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(tarn_manifest_writer_add(writer, &entries[i], NULL), TARN_OK);
	assert_int_equal(tarn_manifest_writer_finish(writer, &line, NULL), TARN_OK);
	assert_int_equal(tarn_store_put(made->temp.store, name, tarn_buf_slice(&bytes), TARN_PUT_NEW, NULL), TARN_OK);
	line.location = tarn_arena_printf(&made->table->arena, "%s/%s", tarn_store_url(made->temp.store), name);
	line.content = content;
	line.sequence_number = 1;
	line.partitions = NULL; /* they end with the writer */
	tarn_manifest_writer_free(writer);
	tarn_buf_release(&bytes);
	return line;
}

static struct made make_table(const struct tarn_manifest *more, bool deletes)
{
	static const struct tarn_partition_value sto3g = { .present = true, .text = { (const uint8_t *)"sto3g", 5 } },
						 null = { .present = false };
#define ENTRY(state, path, value)                                                                                      \
	{                                                                                                              \
		.status = (state), .location = { (const uint8_t *)(path), sizeof(path) - 1 }, .partition = (value),    \
		.sequence_number = 9, .snapshot_id = 90, .rows = 10, .bytes = 400                                      \
	}
	const struct tarn_manifest_entry first[] = { ENTRY(TARN_ENTRY_EXISTING, "a.parquet", &sto3g),
						     ENTRY(TARN_ENTRY_DELETED, "b.parquet", &sto3g) };
	const struct tarn_manifest_entry second[] = { ENTRY(TARN_ENTRY_ADDED, "c d.parquet", &null) };
	const struct tarn_manifest_entry third[] = { ENTRY(TARN_ENTRY_ADDED, "deletes.parquet", &null) };
	struct made made = { .temp = temp_store_open() };
	char text[3000];
	struct tarn_buf json, list;
	made.table = tarn_table_new(&definition, tarn_store_url(made.temp.store), "u", 0);
	struct tarn_manifest manifests[4];
	size_t n = 0;
	manifests[n++] = put_manifest(&made, "first.avro", TARN_MANIFEST_DATA, first, 2);
	manifests[n++] = put_manifest(&made, "second.avro", TARN_MANIFEST_DATA, second, 1);
	if (deletes)
		manifests[n++] = put_manifest(&made, "third.avro", TARN_MANIFEST_DELETES, third, 1);
	if (more)
		manifests[n++] = *more;
	struct tarn_manifest_list_head head = { 1, 0, 1, sync_bytes };
	tarn_buf_init(&list, 1 << 20);
	assert_int_equal(tarn_manifest_list_write(&head, manifests, n, &list, NULL), TARN_OK);
	assert_int_equal(tarn_store_put(made.temp.store, "list.avro", tarn_buf_slice(&list), TARN_PUT_NEW, NULL),
			 TARN_OK);
	tarn_buf_release(&list);
	tarn_buf_init(&json, 1 << 20);
	assert_int_equal(tarn_table_write(made.table, &json, NULL), TARN_OK);
	tarn_table_free(made.table);
	tarn_buf_add_byte(&json, 0);
	const char *url = tarn_store_url(made.temp.store), *cut = strstr((char *)json.data, "\"last-sequence-number\"");
	const char *rest = strstr(cut, "\"last-updated-ms\""), *end = strstr(cut, "\"current-snapshot-id\"");
	snprintf(text, sizeof(text),
		 "%.*s\"last-sequence-number\":1,%.*s\"current-snapshot-id\":1,\"snapshots\":[{\"snapshot-id\":1,"
		 "\"sequence-number\":1,\"timestamp-ms\":0,\"manifest-list\":\"%s/list.avro\"},{\"snapshot-id\":2,"
		 "\"sequence-number\":0,\"timestamp-ms\":0,\"manifest-list\":\"%s/list.avro\"}],\"metadata-log\":[{"
		 "\"timestamp-ms\":0,\"metadata-file\":\"old.json\"}],\"statistics\":[{\"snapshot-id\":1,"
		 "\"statistics-path\":\"s.puffin\",\"x\":[]}]}",
		 (int)(cut - (char *)json.data), (char *)json.data, (int)(end - rest), rest, url, url);
	struct tarn_err err;
	if (tarn_table_parse(tarn_slice_str(text), &made.table, &err))
		fail_msg("%s: %s", err.message, text);
	tarn_buf_release(&json);
	return made;
}

static void free_made(struct made *made)
{
	tarn_table_free(made->table);
	temp_store_close(&made->temp);
}

static enum tarn_rc add_file(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	(void)err;
	tarn_buf_printf(context, "%s %s %lld %lld %lld %lld\n", file->location, file->partition_path,
			(long long)file->rows, (long long)file->bytes, (long long)file->sequence_number,
			(long long)file->added_snapshot_id);
	return TARN_OK;
}

static void live_files_are_listed(void **state)
{
	(void)state;
	struct made made = make_table(NULL, false);
	struct tarn_buf lines;
	tarn_buf_init(&lines, 1 << 16);
	assert_int_equal(
		tarn_scan_files(made.table, tarn_table_current(made.table), made.temp.store, add_file, &lines, NULL),
		TARN_OK);
	tarn_buf_add_byte(&lines, 0);
	assert_string_equal((char *)lines.data, "a.parquet basis_set=sto3g 10 400 9 90\n"
						"c d.parquet basis_set=null 10 400 1 90\n");
	tarn_buf_release(&lines);
	free_made(&made);
}

static enum tarn_rc stop(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	(void)context;
	return tarn_fail(err, TARN_EBUSY, "stopped at %s", file->location);
}

static void what_cannot_be_read_is_named(void **state)
{
	(void)state;
	static const struct tarn_manifest elsewhere = { .location = "s3://other/m.avro", .added_files = 1 },
					  missing = { .location = "file:///nowhere/m.avro", .added_files = 1 },
					  other_spec = { .location = "m.avro", .added_files = 1, .spec_id = 7 };
	static const struct {
		const struct tarn_manifest *more;
		bool deletes;
		enum tarn_rc rc;
		const char *message;
	} cases[] = {
		{ NULL, true, TARN_EUNSUPPORTED, "third.avro), which Tarn does not apply" },
		{ &elsewhere, false, TARN_EUNSUPPORTED, "\"s3://other/m.avro\" is not below the store" },
		{ &missing, false, TARN_EUNSUPPORTED, "\"file:///nowhere/m.avro\" is not below the store" },
		{ &other_spec, false, TARN_EINVALID, "manifest m.avro is of partition spec 7" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct made made = make_table(cases[i].more, cases[i].deletes);
		struct tarn_err err;
		struct tarn_buf lines;
		tarn_buf_init(&lines, 1 << 16);
		assert_int_equal(tarn_scan_files(made.table, tarn_table_current(made.table), made.temp.store, add_file,
						 &lines, &err),
				 cases[i].rc);
		if (!strstr(err.message, cases[i].message))
			fail_msg("%s", err.message);
		tarn_buf_release(&lines);
		free_made(&made);
	}
	struct made made = make_table(NULL, false);
	struct tarn_err err;
	assert_int_equal(tarn_scan_files(made.table, tarn_table_current(made.table), made.temp.store, stop, NULL, &err),
			 TARN_EBUSY);
	free_made(&made);
}

static enum tarn_rc add_location(void *context, const char *location, struct tarn_err *err)
{
	(void)err;
	const char *name = strrchr(location, '/');
	tarn_buf_printf(context, "%s\n", name ? name + 1 : location);
	return TARN_OK;
}

/* Both snapshots have the same list; its manifests are read once. Deleted and delete files are referred to as well. */
static void references_are_complete(void **state)
{
	(void)state;
	struct made made = make_table(NULL, true);
	struct tarn_buf lines;
	tarn_buf_init(&lines, 1 << 16);
	assert_int_equal(tarn_scan_references(made.table, made.temp.store, add_location, &lines, NULL), TARN_OK);
	tarn_buf_add_byte(&lines, 0);
	assert_string_equal((char *)lines.data,
			    "s.puffin\nold.json\nlist.avro\nfirst.avro\na.parquet\nb.parquet\nsecond.avro\n"
			    "c d.parquet\nthird.avro\ndeletes.parquet\nlist.avro\n");
	tarn_buf_release(&lines);
	assert_int_equal(tarn_store_delete(made.temp.store, "second.avro", NULL), TARN_OK);
	tarn_buf_init(&lines, 1 << 16);
	assert_int_equal(tarn_scan_references(made.table, made.temp.store, add_location, &lines, NULL), TARN_ENOTFOUND);
	tarn_buf_release(&lines);
	free_made(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_files_are_listed),
		cmocka_unit_test(what_cannot_be_read_is_named),
		cmocka_unit_test(references_are_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
