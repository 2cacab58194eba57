/* Whole runs on golden raw objects: what is new, what comes again, what is damaged, and the three steps alone. */
#include "lake_files.h"

#include <unistd.h>

#include "process/run/unit.h"
#include "serialize/avro/container.h"

static struct place place;

static int setup(void **state)
{
	(void)state;
	place_make(&place);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

static void check_counts(struct tarn_run_counts counts, int64_t records, int64_t experiments, int64_t identical,
			 int64_t different, int64_t dead)
{
	assert_int_equal(counts.records, records);
	assert_int_equal(counts.experiments, experiments);
	assert_int_equal(counts.repeats_identical, identical);
	assert_int_equal(counts.repeats_different, different);
	assert_int_equal(counts.dead_letters, dead);
}

/* Rows after everything (expected/2-incremental/COUNTS.json). */
static const struct {
	const char *table;
	int64_t rows;
} full_v2[] = {
	{ "molecules", 11 },	       { "ansatz_info", 11 },
	{ "performance_metrics", 11 }, { "vqe_results", 11 },
	{ "initial_parameters", 260 }, { "optimal_parameters", 260 },
	{ "vqe_iterations", 1802 },    { "iteration_parameters", 41648 },
	{ "hamiltonian_terms", 975 },  { "repeated_results", 1 },
	{ "dead_letters", 0 },
};

static void check_full_v2(void)
{
	for (size_t i = 0; i < sizeof(full_v2) / sizeof(*full_v2); i++)
		assert_int_equal(place_rows(&place, full_v2[i].table, NULL), full_v2[i].rows);
}

/* ---- loads ---- */

static void test_one_load(void **state)
{
	struct tarn_run_report report;

	(void)state;
	place_copy_all_v2(&place);
	report = place_run(&place);
	assert_int_equal(report.outcome, TARN_RUN_COMMITTED);
	check_counts(report.counts, 13, 11, 1, 1, 0);
	check_full_v2();
}

static void test_half_then_all(void **state)
{
	struct tarn_run_report report;
	size_t snapshots;

	(void)state;
	for (int offset = 0; offset < 3; offset++) {
		place_copy_v2(&place, 0, offset);
		place_copy_v2(&place, 1, offset);
	}
	report = place_run(&place);
	check_counts(report.counts, 6, 6, 0, 0, 0);
	assert_int_equal(place_rows(&place, "iteration_parameters", &snapshots), 13360);
	assert_int_equal(snapshots, 1);
	assert_memory_equal(report.tables[0].version, "v_", 2);
	assert_int_not_equal(report.tables[0].version[2], 'i');
	place_copy_all_v2(&place);
	report = place_run(&place);
	assert_int_equal(report.counts.objects, 7);
	check_counts(report.counts, 7, 5, 1, 1, 0);
	assert_memory_equal(report.tables[0].version, "v_incr_", 7);
	check_full_v2();
	place_rows(&place, "iteration_parameters", &snapshots);
	assert_int_equal(snapshots, 2);
	assert_int_equal(place_rows(&place, "processing_metadata", NULL), 2);
}

static char *list_tables(void)
{
	char *command = tarn_asprintf("find '%s/quantum_features' | sort", place.lake);
	FILE *pipe = popen(command, "r");
	char *text = tarn_calloc(1, 1 << 20);

	assert_non_null(pipe);
	assert_true(fread(text, 1, (1 << 20) - 1, pipe) > 0);
	assert_int_equal(pclose(pipe), 0);
	free(command);
	return text;
}

static enum tarn_rc count_run(void *context, const struct tarn_run_row *run, struct tarn_err *err)
{
	(void)err;
	((int *)context)[run->outcome]++;
	return TARN_OK;
}

static void check_runs(int committed, int nothing_new, int failed)
{
	struct tarn_catalog *catalog;
	int n[3] = { 0 };

	assert_int_equal(tarn_catalog_open(place.lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_OK);
	assert_int_equal(tarn_runs_list(tarn_catalog_db(catalog), count_run, n, NULL), TARN_OK);
	tarn_catalog_close(catalog);
	assert_int_equal(n[TARN_RUN_COMMITTED], committed);
	assert_int_equal(n[TARN_RUN_NOTHING_NEW], nothing_new);
	assert_int_equal(n[TARN_RUN_FAILED], failed);
}

static void test_nothing_new_changes_nothing(void **state)
{
	struct tarn_run_report report;
	char *before, *after;

	(void)state;
	place_copy_all_v2(&place);
	place_copy(&place, "v2json/experiments/" V2_TOPIC "/3-1767225602469135782.json", "experiments/j/3-5.json");
	place_run(&place);
	before = list_tables();
	for (int i = 0; i < 2; i++) {
		report = place_run(&place);
		assert_int_equal(report.outcome, TARN_RUN_NOTHING_NEW);
		after = list_tables();
		assert_string_equal(after, before);
		free(after);
	}
	check_runs(1, 2, 0);
	free(before);
}

/* New objects, but all of them known: the ledger moves, the tables do not. */
static void test_only_repeats_make_no_snapshot(void **state)
{
	struct tarn_run_report report;
	char *before, *after;

	(void)state;
	place_copy_v2(&place, 0, 0);
	place_run(&place);
	before = list_tables();
	place_copy(&place, "v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro",
		   "experiments/other/partition=0/other+0+0000000000.avro");
	report = place_run(&place);
	check_counts(report.counts, 1, 0, 1, 0, 0);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	after = list_tables();
	assert_string_equal(after, before);
	free(before);
	free(after);
}

static void test_mixed_formats(void **state)
{
	static const char *const v1[] = { "vqe_decorated_result_mol0_HH_it60_bs_sto3g_bk_aer_simulator_statevector",
					  "vqe_decorated_result_mol2_HH_it50_bs_sto3g_bk_aer_simulator" };
	struct tarn_run_report report;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *key = tarn_asprintf("experiments/%s/partition=0/%s+0+0000000000.avro", v1[i], v1[i]);
		char *golden = tarn_asprintf("v1/%s", key);

		place_copy(&place, golden, key);
		free(golden);
		free(key);
	}
	place_copy_v2(&place, 0, 0);
	place_copy(&place, "multi/experiments/" V2_TOPIC "/partition=8/" V2_TOPIC "+8+0000000000.avro",
		   "experiments/" V2_TOPIC "/partition=8/" V2_TOPIC "+8+0000000000.avro");
	place_copy(&place, "v2json/experiments/" V2_TOPIC "/1-1767225600000000000.json",
		   "experiments/" V2_TOPIC "/1-1767225600000000000.json");
	report = place_run(&place);
	assert_int_equal(report.counts.dead_letters, 0);
	assert_int_equal(report.counts.records, 2 + 1 + 6 + 1);
	assert_int_equal(report.counts.repeats_identical + report.counts.repeats_different + report.counts.experiments,
			 report.counts.records);
	assert_int_equal(place_rows(&place, "processing_metadata", NULL), 3);
}

/* The folder itself and the one above it are the same area. */
static void test_experiments_folder_is_the_same_area(void **state)
{
	struct tarn_run_options options = place_options(&place);
	char *inside = tarn_asprintf("%s/experiments/", place.raw);

	(void)state;
	place_copy_v2(&place, 0, 0);
	place_run(&place);
	options.raw = inside;
	assert_int_equal(run_with(&options).outcome, TARN_RUN_NOTHING_NEW);
	free(inside);
}

/* Topics of two areas are apart, even with the same names and offsets; one area can be told by a name. */
static void test_two_areas(void **state)
{
	struct place second;
	struct tarn_run_options options;

	(void)state;
	place_make(&second);
	place_copy_v2(&place, 0, 0);
	place_copy(&second, "v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000001.avro",
		   "experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro");
	place_run(&place);
	options = place_options(&place);
	options.raw = second.raw;
	assert_int_equal(run_with(&options).counts.experiments, 1);
	assert_int_equal(run_with(&options).outcome, TARN_RUN_NOTHING_NEW);
	options.source = "elsewhere";
	assert_int_equal(run_with(&options).counts.repeats_identical, 1);
	place_remove(&second);
}

/* ---- order and late objects ---- */

static void test_late_object_in_a_gap(void **state)
{
	(void)state;
	place_copy_v2(&place, 0, 0);
	place_copy_v2(&place, 0, 4);
	assert_int_equal(place_run(&place).counts.experiments, 2);
	place_copy_v2(&place, 0, 2);
	assert_int_equal(place_run(&place).counts.experiments, 1);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
}

/* A partition with so many processed offsets that its listing begins behind them. */
static void test_watermark(void **state)
{
	struct tarn_ledger_partition partition = { .topic = tarn_slice_str(V2_TOPIC), .partition = 0 };
	struct tarn_run_row row = { .run_id = "before", .source = NULL };
	struct tarn_ledger_change change = { .partitions = &partition, .n_partitions = 1, .run = &row };
	struct tarn_catalog *catalog;
	struct tarn_store *store;
	struct tarn_buf bytes;

	(void)state;
	assert_int_equal(tarn_store_open(place.raw, false, &store, NULL), TARN_OK);
	row.source = change.source = tarn_store_url(store);
	tarn_ranges_add(&partition.ranges, 0, 5000);
	partition.tail_key = "experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000004999.avro";
	assert_int_equal(tarn_catalog_open(place.lake, TARN_CATALOG_WRITE, 0, &catalog, NULL), TARN_OK);
	assert_int_equal(tarn_ledger_apply(tarn_catalog_db(catalog), &change, NULL), TARN_OK);
	tarn_catalog_close(catalog);
	tarn_store_close(store);
	tarn_ranges_release(&partition.ranges);
	read_golden("v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro", &bytes);
	place_put(&place, "experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000004998.avro",
		  tarn_buf_slice(&bytes));
	place_put(&place, "experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000005000.avro",
		  tarn_buf_slice(&bytes));
	tarn_buf_release(&bytes);
	check_counts(place_run(&place).counts, 1, 1, 0, 0, 0);
}

/* A container with records 0 .. n - 1 of golden partition 0, a block each. */
static void make_container(int n, struct tarn_buf *out)
{
	const uint8_t sync[16] = "sixteen bytes...";
	struct tarn_avro_writer *writer = NULL;

	tarn_buf_init(out, TARN_BUF_DEFAULT_MAX);
	for (int i = 0; i < n; i++) {
		char *name = tarn_asprintf("v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+%010d.avro", i);
		struct tarn_avro_header header;
		struct tarn_avro_block block;
		struct tarn_buf bytes;
		size_t position;

		read_golden(name, &bytes);
		assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&bytes), &header, NULL), TARN_OK);
		position = header.size;
		assert_int_equal(tarn_avro_block_next(tarn_buf_slice(&bytes), &header, &position, &block, NULL),
				 TARN_OK);
		if (!writer)
			writer = tarn_avro_writer_new(out, header.schema_json, TARN_CODEC_NONE, NULL, 0, sync, 1);
		assert_int_equal(tarn_avro_writer_add(writer, block.stored, NULL), TARN_OK);
		tarn_buf_release(&bytes);
		free(name);
	}
	assert_int_equal(tarn_avro_writer_finish(writer, NULL), TARN_OK);
	tarn_avro_writer_free(writer);
}

/* The sink replaces the last object by a longer one: the first records are the same, and no repeats. */
static void test_last_object_grows(void **state)
{
	static const char key[] = "experiments/t/partition=7/t+7+0000000000.avro";
	struct tarn_buf bytes;

	(void)state;
	make_container(2, &bytes);
	place_put(&place, key, tarn_buf_slice(&bytes));
	check_counts(place_run(&place).counts, 2, 2, 0, 0, 0);
	tarn_buf_release(&bytes);
	make_container(5, &bytes);
	place_put(&place, key, tarn_slice_of(bytes.data, bytes.len - 100));
	check_counts(place_run(&place).counts, 2, 2, 0, 0, 1);
	place_put(&place, key, tarn_buf_slice(&bytes));
	check_counts(place_run(&place).counts, 1, 1, 0, 0, 0);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	tarn_buf_release(&bytes);
}

/* A container that does not fit into one unit is read a few blocks at a time; damage in it costs what it hits. */
static void test_large_container(void **state)
{
	static const char key[] = "experiments/t/partition=0/t+0+0000000000.avro";
	struct tarn_run_report report;
	struct tarn_avro_header header;
	struct tarn_buf bytes, large;
	size_t block;
	int n = 0;

	(void)state;
	make_container(6, &bytes);
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&bytes), &header, NULL), TARN_OK);
	block = bytes.len - header.size;
	tarn_buf_init(&large, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add(&large, bytes.data, header.size);
	for (; large.len < 3 * TARN_UNIT_BYTES; n++)
		tarn_buf_add(&large, bytes.data + header.size, block);
	place_put(&place, key, tarn_buf_slice(&large));
	report = place_run(&place);
	assert_int_equal(report.counts.records, 6 * n);
	assert_int_equal(report.counts.experiments + report.counts.repeats_different + report.counts.repeats_identical,
			 6 * n);
	assert_int_equal(report.counts.dead_letters, 0);
	/* The second half of another: one size overwritten, and the end cut off. */
	memset(large.data + header.size + (size_t)n / 2 * block, 0xff, 12);
	place_put(&place, "experiments/u/partition=0/u+0+0000000000.avro", tarn_slice_of(large.data, large.len - 10));
	report = place_run(&place);
	check_counts(report.counts, 6 * n - 2, 0, report.counts.repeats_identical, report.counts.repeats_different, 2);
	tarn_buf_release(&bytes);
	tarn_buf_release(&large);
}

/* ---- damage ---- */

static void test_bad_objects_become_dead_letters(void **state)
{
	struct tarn_run_report report;
	char *stages, *before, *after;

	(void)state;
	place_copy_v2(&place, 0, 0);
	place_put(&place, "experiments/t/partition=0/t+0+0000000000.avro", tarn_slice_str(""));
	place_put(&place, "experiments/t/partition=0/t+0+0000000001.avro", tarn_slice_str("Obj no"));
	place_put(&place, "experiments/t/1-1.json", tarn_slice_str("{\"molecule_id\": "));
	report = place_run(&place);
	check_counts(report.counts, 1, 1, 0, 0, 3);
	stages = place_strings(&place, "dead_letters", "stage");
	assert_string_equal(stages, "header\nheader\njson\n");
	free(stages);
	before = list_tables();
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	after = list_tables();
	assert_string_equal(after, before);
	free(before);
	free(after);
	/* Mended, and so of another size: read again. */
	place_copy(&place, "v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000001.avro",
		   "experiments/t/partition=0/t+0+0000000001.avro");
	check_counts(place_run(&place).counts, 1, 1, 0, 0, 0);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
}

static void test_object_without_permission(void **state)
{
	static const char key[] = "experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro";
	struct tarn_run_options options = place_options(&place);
	char *path = tarn_asprintf("%s/%s", place.raw, key);

	(void)state;
	if (!geteuid()) {
		free(path);
		skip();
	}
	place_copy_v2(&place, 0, 0);
	place_copy_v2(&place, 0, 1);
	assert_int_equal(chmod(path, 0), 0);
	check_counts(place_run(&place).counts, 1, 1, 0, 0, 1);
	assert_int_equal(chmod(path, 0600), 0);
	free(path);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	options.rescan = true;
	check_counts(run_with(&options).counts, 1, 1, 0, 0, 0);
}

/* A flipped byte in one block of many: the records of the others are rows. */
static void test_damaged_block(void **state)
{
	struct tarn_run_report report;
	struct tarn_buf bytes;

	(void)state;
	read_golden("multi/experiments/" V2_TOPIC "/partition=8/" V2_TOPIC "+8+0000000000.avro", &bytes);
	bytes.data[bytes.len / 2] ^= 0x55;
	place_put(&place, "experiments/" V2_TOPIC "/partition=8/" V2_TOPIC "+8+0000000000.avro",
		  tarn_buf_slice(&bytes));
	report = place_run(&place);
	assert_true(report.counts.dead_letters >= 1);
	assert_int_equal(place_rows(&place, "vqe_results", NULL), report.counts.experiments);
	tarn_buf_release(&bytes);
}

static void test_every_prefix(void **state)
{
	struct tarn_buf bytes;
	int64_t dead = 0;
	int n = 0;

	(void)state;
	read_golden("v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro", &bytes);
	for (size_t len = 0; len < bytes.len; len += 1 + bytes.len / 150, n++) {
		char *key = tarn_asprintf("experiments/t/partition=0/t+0+%010d.avro", n);

		place_put(&place, key, tarn_slice_of(bytes.data, len));
		free(key);
	}
	dead = place_run(&place).counts.dead_letters;
	/* A header with no block behind it is an empty file, and whole. */
	assert_true(dead == n || dead == n - 1);
	tarn_buf_release(&bytes);
}

/* One record a line, as Connect's JsonFormat writes them; the bad one is told with its line. */
static void test_json_lines(void **state)
{
	struct tarn_buf lines, one;
	struct tarn_run_report report;

	(void)state;
	tarn_buf_init(&lines, TARN_BUF_DEFAULT_MAX);
	read_golden("v2json/experiments/" V2_TOPIC "/1-1767225600000000000.json", &one);
	tarn_buf_add_slice(&lines, tarn_buf_slice(&one));
	tarn_buf_add_str(&lines, "\n{\"not\":\"one\"}\n");
	tarn_buf_release(&one);
	read_golden("v2json/experiments/" V2_TOPIC "/3-1767225602469135782.json", &one);
	tarn_buf_add_slice(&lines, tarn_buf_slice(&one));
	tarn_buf_add_str(&lines, "\n");
	place_put(&place, "experiments/t/partition=0/t+0+0000000007.json", tarn_buf_slice(&lines));
	report = place_run(&place);
	check_counts(report.counts, 2, 2, 0, 0, 1);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	tarn_buf_release(&one);
	tarn_buf_release(&lines);
}

/* Columns hold text, whatever a file is called. */
static void test_name_that_is_no_text(void **state)
{
	char *objects;

	(void)state;
	place_copy(&place, "v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro", "t/\xff.avro");
	place_put(&place, "t/\xfe.avro", tarn_slice_str("x"));
	check_counts(place_run(&place).counts, 1, 1, 0, 0, 1);
	objects = place_strings(&place, "molecules", "source_object");
	assert_string_equal(objects, "t/\xef\xbf\xbd.avro\n");
	free(objects);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
}

static void test_missing_area_fails(void **state)
{
	struct tarn_run_options options = place_options(&place);
	struct tarn_run_report report;
	struct tarn_err err;

	(void)state;
	options.raw = "/nonexistent/raw";
	assert_int_equal(tarn_run(&options, &report, &err), TARN_ENOTFOUND);
	assert_non_null(strstr(err.message, "/nonexistent/raw"));
}

static void test_run_id_counts_once(void **state)
{
	struct tarn_run_options options = place_options(&place);
	struct tarn_run_report report;

	(void)state;
	options.run_id = "00000000-0000-4000-8000-000000000007";
	place_copy_v2(&place, 0, 0);
	run_with(&options);
	place_copy_v2(&place, 0, 1);
	assert_int_equal(tarn_run(&options, &report, NULL), TARN_EEXISTS);
	assert_int_equal(place_rows(&place, "molecules", NULL), 1);
}

/* ---- the same input makes the same bytes ---- */

static char *digest_files(const struct place *at)
{
	char *command = tarn_asprintf(
		"cd '%s/quantum_features' && find . -name '*.parquet' | LC_ALL=C sort | xargs sha256sum", at->lake);
	FILE *pipe = popen(command, "r");
	char *text = tarn_calloc(1, 1 << 20);

	assert_non_null(pipe);
	assert_true(fread(text, 1, (1 << 20) - 1, pipe) > 0);
	assert_int_equal(pclose(pipe), 0);
	free(command);
	return text;
}

static void test_bytes_do_not_depend_on_threads(void **state)
{
	char *first = NULL;

	(void)state;
	place_copy_all_v2(&place);
	for (int jobs = 1; jobs <= 4; jobs++) {
		struct tarn_run_options options = place_options(&place);
		struct place other = place;
		char *digests;

		snprintf(other.lake, sizeof(other.lake), "%s/lake%d", place.folder, jobs);
		options.lake = other.lake;
		options.jobs = jobs;
		options.run_id = "00000000-0000-4000-8000-000000000009";
		options.now_us = 1767322800000000;
		run_with(&options);
		digests = digest_files(&other);
		if (!first)
			first = digests;
		else
			assert_string_equal(digests, first);
		if (first != digests)
			free(digests);
	}
	free(first);
}

/* ---- the three steps alone ---- */

struct lines {
	char *items[32];
	size_t n;
};

static enum tarn_rc keep_line(void *context, struct tarn_slice line, struct tarn_err *err)
{
	struct lines *lines = context;

	(void)err;
	assert_true(lines->n < 32);
	lines->items[lines->n++] = tarn_asprintf("%.*s", (int)line.len, (const char *)line.data);
	return TARN_OK;
}

static void plan_lines(int64_t split_bytes, struct lines *lines)
{
	const struct tarn_run_options options = place_options(&place);

	lines->n = 0;
	assert_int_equal(tarn_run_plan(&options, split_bytes, keep_line, lines, NULL), TARN_OK);
}

static void work_lines(const struct lines *splits, struct lines *accounts)
{
	const struct tarn_run_options options = place_options(&place);

	accounts->n = splits->n;
	for (size_t i = 0; i < splits->n; i++) {
		struct tarn_buf line;
		struct tarn_err err;

		tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
		if (tarn_run_work(&options, tarn_slice_str(splits->items[i]), &line, &err))
			fail_msg("%s", err.message);
		tarn_buf_add_byte(&line, '\0');
		accounts->items[i] = (char *)line.data;
	}
}

static struct tarn_run_report commit_lines(const struct lines *accounts, size_t from, size_t n)
{
	const struct tarn_run_options options = place_options(&place);
	struct tarn_run_report report;
	struct tarn_slice slices[32];
	struct tarn_err err;

	for (size_t i = 0; i < n; i++)
		slices[i] = tarn_slice_str(accounts->items[from + i]);
	if (tarn_run_commit(&options, slices, n, &report, &err))
		fail_msg("%s", err.message);
	return report;
}

static void free_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->items[i]);
	lines->n = 0;
}

static void test_steps_equal_a_run(void **state)
{
	struct lines splits = { 0 }, accounts = { 0 };
	struct tarn_run_report report;

	(void)state;
	place_copy_all_v2(&place);
	plan_lines(100000, &splits);
	assert_true(splits.n > 3);
	work_lines(&splits, &accounts);
	assert_int_equal(place_rows(&place, "molecules", NULL), -1);
	report = commit_lines(&accounts, 0, accounts.n);
	assert_int_equal(report.counts.experiments, 11);
	check_full_v2();
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	free_lines(&splits);
	free_lines(&accounts);
}

static void test_commit_twice_counts_once(void **state)
{
	struct lines splits = { 0 }, accounts = { 0 };
	struct tarn_run_report report;
	size_t snapshots, after;

	(void)state;
	place_copy_all_v2(&place);
	plan_lines(100000, &splits);
	work_lines(&splits, &accounts);
	commit_lines(&accounts, 0, 2);
	place_rows(&place, "molecules", &snapshots);
	report = commit_lines(&accounts, 0, 2);
	assert_int_equal(report.counts.experiments, 0);
	place_rows(&place, "molecules", &after);
	assert_int_equal(after, snapshots);
	/* The rest, with what is in already among it. */
	report = commit_lines(&accounts, 1, accounts.n - 1);
	assert_true(report.redone > 0);
	check_full_v2();
	free_lines(&splits);
	free_lines(&accounts);
}

/* A run takes everything while the splits were worked on: committing them adds nothing. */
static void test_run_between_work_and_commit(void **state)
{
	struct lines splits = { 0 }, accounts = { 0 };
	size_t snapshots, after;

	(void)state;
	place_copy_all_v2(&place);
	place_put(&place, "experiments/t/1-1.json", tarn_slice_str("{}"));
	plan_lines(INT64_C(1) << 40, &splits);
	assert_int_equal(splits.n, 1);
	work_lines(&splits, &accounts);
	place_run(&place);
	place_rows(&place, "dead_letters", &snapshots);
	commit_lines(&accounts, 0, 1);
	place_rows(&place, "dead_letters", &after);
	assert_int_equal(after, snapshots);
	assert_int_equal(place_rows(&place, "dead_letters", NULL), 1);
	assert_int_equal(place_rows(&place, "molecules", NULL), 11);
	free_lines(&splits);
	free_lines(&accounts);
}

static void test_damaged_lines_are_refused(void **state)
{
	const struct tarn_run_options options = place_options(&place);
	struct lines splits = { 0 }, accounts = { 0 };
	struct tarn_run_report report;
	struct tarn_buf line;
	struct tarn_slice cut;

	(void)state;
	place_copy_v2(&place, 0, 0);
	plan_lines(1, &splits);
	work_lines(&splits, &accounts);
	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	for (size_t len = 0; len < strlen(splits.items[0]); len++)
		assert_int_equal(tarn_run_work(&options, tarn_slice_of(splits.items[0], len), &line, NULL),
				 TARN_EINVALID);
	for (size_t len = 0; len < strlen(accounts.items[0]); len += 7) {
		cut = tarn_slice_of(accounts.items[0], len);
		assert_int_equal(tarn_run_commit(&options, &cut, 1, &report, NULL), TARN_EINVALID);
	}
	assert_int_equal(tarn_run_commit(&options, &cut, 0, &report, NULL), TARN_EINVALID);
	tarn_buf_release(&line);
	free_lines(&splits);
	free_lines(&accounts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_load),
		TEST(test_half_then_all),
		TEST(test_nothing_new_changes_nothing),
		TEST(test_only_repeats_make_no_snapshot),
		TEST(test_mixed_formats),
		TEST(test_experiments_folder_is_the_same_area),
		TEST(test_two_areas),
		TEST(test_late_object_in_a_gap),
		TEST(test_watermark),
		TEST(test_last_object_grows),
		TEST(test_large_container),
		TEST(test_bad_objects_become_dead_letters),
		TEST(test_object_without_permission),
		TEST(test_damaged_block),
		TEST(test_every_prefix),
		TEST(test_json_lines),
		TEST(test_name_that_is_no_text),
		TEST(test_missing_area_fails),
		TEST(test_run_id_counts_once),
		TEST(test_bytes_do_not_depend_on_threads),
		TEST(test_steps_equal_a_run),
		TEST(test_commit_twice_counts_once),
		TEST(test_run_between_work_and_commit),
		TEST(test_damaged_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
