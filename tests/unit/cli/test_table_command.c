/* `tarn table` over a lake that is made here: one table, two commits, the first with a tag. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/command.h"
#include "cmocka_tarn.h"
#include "store/catalog/catalog.h"

static const struct tarn_field parameter = { .id = 4, .name = "element", .kind = TARN_TYPE_DOUBLE };
static const struct tarn_field fields[] = {
	{ .id = 1, .name = "experiment_id", .kind = TARN_TYPE_STRING, .doc = "SHA-256" },
	{ .id = 2, .name = "basis_set", .kind = TARN_TYPE_STRING },
	{ .id = 3, .name = "parameters", .kind = TARN_TYPE_LIST, .fields = &parameter, .n_fields = 1 },
};
static const char *const partition_by[] = { "basis_set" };
static const struct tarn_property properties[] = { { "comment", "runs of a test" } };
static const struct tarn_table_definition definition = {
	.name = "vqe_results",
	.fields = fields,
	.n_fields = 3,
	.partition_by = partition_by,
	.n_partition_by = 1,
	.properties = properties,
	.n_properties = 1,
};

/* ---- the lake ---- */

static enum tarn_rc write_piece(void *writer, struct tarn_slice bytes, struct tarn_err *err)
{
	return tarn_store_writer_add(writer, bytes, err);
}

static void put_row(struct tarn_parquet_group *group, const char *id, const char *basis_set, double value)
{
	tarn_parquet_put_string(group, 0, tarn_slice_str(id), 1);
	tarn_parquet_put_string(group, 1, tarn_slice_str(basis_set), 1);
	tarn_parquet_begin_list(group, 2);
	tarn_parquet_put_double(group, 2, value, 1);
	tarn_parquet_put_double(group, 2, -0.5, 1);
	tarn_parquet_end_list(group, 2);
}

/* A file of two rows, "<prefix>1" and "<prefix>2". */
static struct tarn_parquet_file *write_rows(struct tarn_store *store, const char *key, const char *prefix,
					    const char *basis_set)
{
	static const struct tarn_parquet_options options = { .codec = TARN_CODEC_ZSTD };
	struct tarn_parquet_group *group = tarn_parquet_group_new(fields, 3, &options);
	struct tarn_store_writer *writer;
	char id[16];
	for (int i = 1; i <= 2; i++) {
		snprintf(id, sizeof(id), "%s%d", prefix, i);
		put_row(group, id, basis_set, i * 0.1);
	}
	assert_int_equal(tarn_store_writer_open(store, key, TARN_PUT_REPLACE, &writer, NULL), TARN_OK);
	struct tarn_parquet_file *file =
		tarn_parquet_file_new(fields, 3, (struct tarn_slice){ 0 }, write_piece, writer);
	assert_int_equal(tarn_parquet_group_finish(group, NULL), TARN_OK);
	assert_int_equal(tarn_parquet_file_append(file, group, NULL), TARN_OK);
	assert_int_equal(tarn_parquet_file_finish(file, NULL), TARN_OK);
	assert_int_equal(tarn_store_writer_finish(writer, NULL), TARN_OK);
	tarn_parquet_group_free(group);
	tarn_store_writer_free(writer);
	return file;
}

static void append(struct tarn_catalog *catalog, struct tarn_table *table, const char *previous, int number,
		   const char *tag)
{
	struct tarn_store *store = tarn_catalog_store(catalog);
	char key[100], prefix[8], *location;
	snprintf(key, sizeof(key), TARN_NAMESPACE "/vqe_results/data/basis_set=sto3g/%d.parquet", number);
	snprintf(prefix, sizeof(prefix), "e%d", number);
	location = tarn_asprintf("%s/%s", tarn_store_url(store), key);
	struct tarn_parquet_file *written = write_rows(store, key, prefix, "sto3g");
	const struct tarn_partition_value partition = { .present = true, .text = tarn_slice_str("sto3g") };
	struct tarn_data_file file = {
		.location = location,
		.rows = tarn_parquet_file_rows(written),
		.bytes = tarn_parquet_file_size(written),
		.partition = &partition,
	};
	file.splits = tarn_parquet_file_splits(written, &file.n_splits);
	file.metrics = tarn_parquet_file_metrics(written, &file.n_metrics);
	const struct tarn_append how = {
		.snapshot_id = number * 111,
		.now_us = 1767323045000000 + number * INT64_C(86400000000),
		.tag = tag,
		.attempt_uuid =
			number == 1 ? "00000000-0000-4000-8000-000000000001" : "00000000-0000-4000-8000-000000000002",
	};
	assert_int_equal(tarn_table_append(table, store, &file, 1, &how, previous, NULL), TARN_OK);
	struct tarn_catalog_change change = { "vqe_results", table, previous };
	assert_int_equal(tarn_catalog_commit(catalog, &change, 1, NULL, NULL, NULL), TARN_OK);
	tarn_parquet_file_free(written);
	free(location);
}

static void make_lake(const char *lake)
{
	struct tarn_catalog *catalog;
	char *location;
	assert_int_equal(tarn_catalog_open(lake, TARN_CATALOG_WRITE, 0, &catalog, NULL), TARN_OK);
	struct tarn_table *table = tarn_table_new(&definition, tarn_catalog_table_location(catalog, "vqe_results"),
						  "11111111-0000-4000-8000-000000000000", 1767323045000000);
	append(catalog, table, NULL, 1, "v_first");
	tarn_table_free(table);
	assert_int_equal(tarn_catalog_load(catalog, "vqe_results", &table, &location, NULL), TARN_OK);
	append(catalog, table, location, 2, NULL);
	tarn_table_free(table);
	free(location);
	tarn_catalog_close(catalog);
}

/* ---- running a command ---- */

struct fixture {
	char lake[64];
	struct tarn_buf out; /* what the last command printed, terminated */
};

static int setup(void **state)
{
	struct fixture *f = tarn_calloc(1, sizeof(*f));
	strcpy(f->lake, "/tmp/tarn-table-XXXXXX");
	assert_non_null(mkdtemp(f->lake));
	tarn_buf_init(&f->out, 1 << 20);
	make_lake(f->lake);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *command = tarn_asprintf("rm -rf '%s'", f->lake);
	assert_int_equal(system(command), 0);
	free(command);
	tarn_buf_release(&f->out);
	free(f);
	return 0;
}

/* Runs `tarn table <words>`, a space between words, --lake added, and keeps what it prints. */
static int run(struct fixture *f, const char *words)
{
	enum { MOST = 20 };
	char *copy = tarn_strdup(words), *path = tarn_asprintf("%s/printed", f->lake);
	char *argv[MOST] = { (char *)"table" };
	int argc = 1;
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc++] = (char *)"--lake";
	argv[argc++] = f->lake;
	fflush(stdout);
	int kept = dup(STDOUT_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(kept >= 0 && file >= 0);
	dup2(file, STDOUT_FILENO);
	int exit_code = tarn_command_table.run(argc, argv);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(file);
	tarn_buf_clear(&f->out);
	assert_int_equal(tarn_file_read(path, &f->out, NULL), TARN_OK);
	tarn_buf_add_byte(&f->out, 0);
	unlink(path);
	free(path);
	free(copy);
	return exit_code;
}

static void assert_prints(struct fixture *f, const char *words, const char *expected)
{
	assert_int_equal(run(f, words), TARN_EXIT_DONE);
	assert_string_equal((const char *)f->out.data, expected);
}

static void assert_shows(struct fixture *f, const char *words, const char *part)
{
	assert_int_equal(run(f, words), TARN_EXIT_DONE);
	if (!strstr((const char *)f->out.data, part))
		fail_msg("no \"%s\" in:\n%s", part, (const char *)f->out.data);
}

static void touch(struct fixture *f, const char *name)
{
	char *path = tarn_asprintf("%s/" TARN_NAMESPACE "/%s", f->lake, name), *folder = tarn_strdup(path);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(tarn_make_folders(folder, NULL), TARN_OK);
	assert_int_equal(tarn_file_replace(path, tarn_slice_str("four"), NULL), TARN_OK);
	free(folder);
	free(path);
}

/* ---- tests ---- */

static void tables_are_listed(void **state)
{
	struct fixture *f = *state;
	assert_shows(f, "ls", "TABLE        ROWS  FILES");
	assert_shows(f, "ls", "vqe_results     4      2");
	assert_shows(f, "ls", "2026-01-04 03:04:05");
	assert_shows(f, "ls --json", "{\"table\":\"vqe_results\",\"rows\":4,\"files\":2,\"bytes\":");
}

static void a_table_is_shown(void **state)
{
	struct fixture *f = *state;
	assert_shows(f, "show vqe_results", "uuid       11111111-0000-4000-8000-000000000000\n");
	assert_shows(f, "show vqe_results", "partition  basis_set (identity)\n");
	assert_shows(f, "show vqe_results", " 3  parameters     list<double>");
	assert_shows(f, "show vqe_results", "SHA-256");
	assert_shows(f, "show vqe_results", "  comment = runs of a test\n");
	assert_shows(f, "show vqe_results --json", "/metadata/00001-");
	assert_shows(f, "show vqe_results --json",
		     "\"partition\":[{\"name\":\"basis_set\",\"transform\":\"identity\","
		     "\"source_id\":2}]");
	assert_shows(f, "show vqe_results --json", "{\"id\":3,\"name\":\"parameters\",\"type\":\"list<double>\"");
}

static void snapshots_are_listed_with_their_tags(void **state)
{
	struct fixture *f = *state;
	assert_prints(f, "snapshots vqe_results",
		      "SNAPSHOT  TIME (UTC)           OPERATION  ROWS  FILES  TOTAL ROWS  REFS\n"
		      "     111  2026-01-03 03:04:05  append        2      1           2  v_first\n"
		      "     222  2026-01-04 03:04:05  append        2      1           4  main\n");
	assert_shows(
		f, "snapshots vqe_results --json",
		"{\"snapshot_id\":111,\"parent_id\":null,\"sequence_number\":1,\"time\":"
		"\"2026-01-03T03:04:05.000000Z\",\"operation\":\"append\",\"tags\":[\"v_first\"],\"branches\":[],");
}

static void files_are_listed_of_any_snapshot(void **state)
{
	struct fixture *f = *state;
	assert_shows(f, "files vqe_results", "basis_set=sto3g  2.parquet     2");
	assert_shows(f, "files vqe_results", "basis_set=sto3g  1.parquet     2");
	assert_shows(f, "files vqe_results --at v_first", "     111\n");
	assert_null(strstr((const char *)f->out.data, "2.parquet"));
	assert_shows(f, "files vqe_results --at 222 --json",
		     "/basis_set=sto3g/2.parquet\",\"partition\":\"basis_set=sto3g\","
		     "\"rows\":2,");
}

static void rows_are_printed(void **state)
{
	struct fixture *f = *state;
	assert_prints(f, "head vqe_results --json -n 1 --at 111",
		      "{\"experiment_id\":\"e11\",\"basis_set\":\"sto3g\",\"parameters\":[0.1,-0.5]}\n");
	assert_prints(f, "head vqe_results --columns parameters,experiment_id --at v_first",
		      "parameters  experiment_id\n"
		      "[0.1,-0.5]  e11\n"
		      "[0.2,-0.5]  e12\n");
	assert_prints(f, "head vqe_results -n 3 --columns experiment_id --json",
		      "{\"experiment_id\":\"e21\"}\n{\"experiment_id\":\"e22\"}\n{\"experiment_id\":\"e11\"}\n");
	assert_prints(f, "head vqe_results -n 0 --json", "");
}

static void wrong_names_fail(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(run(f, "show vqe_result"), TARN_EXIT_FAILED);
	assert_int_equal(run(f, "head vqe_results --columns nope"), TARN_EXIT_FAILED);
	assert_int_equal(run(f, "head vqe_results --columns experiment_id,"), TARN_EXIT_FAILED);
	assert_int_equal(run(f, "head vqe_results --at nope"), TARN_EXIT_FAILED);
	assert_int_equal(run(f, "files vqe_results --at 112"), TARN_EXIT_FAILED);
	assert_int_equal(run(f, "head"), TARN_EXIT_USAGE);
	assert_int_equal(run(f, "orphans --older-than 1"), TARN_EXIT_USAGE);
	assert_int_equal(run(f, "orphan"), TARN_EXIT_USAGE);
}

static void a_clean_lake_has_no_orphans(void **state)
{
	struct fixture *f = *state;
	assert_prints(f, "orphans --older-than 0s", "no orphans\n");
	assert_prints(f, "orphans --older-than 0s --json", "");
}

static void orphans_are_found_and_only_deleted_when_asked(void **state)
{
	struct fixture *f = *state;
	static const char *const orphans[] = {
		"unknown/data/a.parquet",
		"vqe_results/data/.tarn-tmp-1",
		"vqe_results/data/basis_set=sto3g/9.parquet",
		"vqe_results/metadata/.gone.crc",
		"vqe_results/metadata/00002-dead.metadata.json",
	};
	static const char *const kept[] = {
		"theirs/metadata/version-hint.text",
		"theirs/metadata/x.avro",
		"vqe_results/data/basis_set=sto3g/.1.parquet.crc",
		"vqe_results/metadata/.version-hint.text.crc",
	};
	for (size_t i = 0; i < sizeof(orphans) / sizeof(*orphans); i++)
		touch(f, orphans[i]);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		touch(f, kept[i]);
	assert_prints(f, "orphans --older-than 1h", "no orphans\n");
	assert_shows(f, "orphans --older-than 0s", "\n5 files, 20 B; nothing was deleted: --delete does it\n");
	for (size_t i = 0; i < sizeof(orphans) / sizeof(*orphans); i++)
		assert_shows(f, "orphans --older-than 0s", orphans[i]);
	assert_shows(f, "orphans --older-than 0s --delete --json",
		     "{\"key\":\"quantum_features/unknown/data/a.parquet\",\"bytes\":4,");
	assert_prints(f, "orphans --older-than 0s", "no orphans\n");
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept) - 1; i++) {
		char *path = tarn_asprintf("%s/" TARN_NAMESPACE "/%s", f->lake, kept[i]);
		assert_true(tarn_file_exists(path));
		free(path);
	}
	assert_shows(f, "head vqe_results -n 4 --json", "e12");
}

static void deleting_needs_the_lake_to_oneself(void **state)
{
	struct fixture *f = *state;
	struct tarn_catalog *catalog;
	assert_int_equal(tarn_catalog_open(f->lake, TARN_CATALOG_WRITE, 0, &catalog, NULL), TARN_OK);
	assert_int_equal(run(f, "orphans"), TARN_EXIT_DONE);
	assert_int_equal(run(f, "orphans --delete"), TARN_EXIT_FAILED);
	tarn_catalog_close(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_table_is_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(snapshots_are_listed_with_their_tags, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_listed_of_any_snapshot, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_are_printed, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_names_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clean_lake_has_no_orphans, setup, teardown),
		cmocka_unit_test_setup_teardown(orphans_are_found_and_only_deleted_when_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(deleting_needs_the_lake_to_oneself, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
