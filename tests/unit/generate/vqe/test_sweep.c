#include "generate/vqe/sweep.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "cmocka_tarn.h"
#include "generate/vqe/request.h"
#include "serialize/avro/container.h"
#include "serialize/record/record_batch.h"

static const struct tarn_raw_form form = { TARN_RAW_AVRO, TARN_RECORD_V2, 0 };
static const struct tarn_simulator simulator = { TARN_SIMULATOR_VERSION, tarn_simulate, tarn_simulation_free };

static enum tarn_rc read_batch(const char *yaml, struct tarn_sweep *batch, struct tarn_err *err)
{
	struct tarn_simulation_request defaults;
	tarn_request_init(&defaults);
	return tarn_sweep_read(tarn_slice_str(yaml), &defaults, &form, batch, err);
}

/* ---- reading ---- */

#define H2(more) "molecules: [{symbols: [H, H], coords: [[0, 0, 0], [0, 0, bond]], " more "}]\n"

static const struct {
	const char *yaml;
	size_t n;
	const char *first, *last; /* labels */
} sweeps[] = {
	{ "molecules: H2\n", 1, "H2", "H2" },
	{ "molecules: [H2, LiH]\nseed: [1, 2, 3]\n", 6, "H2, seed 1", "LiH, seed 3" },
	{ "basis: [sto3g, 6-31g]\nmolecules: [H2]\nseed: [1, 2]\nreps: 1\n", 4, "H2, basis sto3g, seed 1", "H2, basis 6-31g, seed 2" },
	{ H2("name: H2, bond: {from: 0.5, to: 2.0, step: 0.1}"), 16, "H2 0.5", "H2 2" },
	{ H2("bond: [0.7, 1.4]") "max_iterations: [5, 9]\n", 4, "H 0.7, max_iterations 5", "H 1.4, max_iterations 9" },
};

static void test_cross_product(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(*sweeps); i++) {
		struct tarn_sweep batch, again;
		struct tarn_err err;
		if (read_batch(sweeps[i].yaml, &batch, &err))
			fail_msg("sweep %zu: %s", i, err.message);
		assert_int_equal(batch.n, sweeps[i].n);
		assert_string_equal(batch.runs[0].label, sweeps[i].first);
		assert_string_equal(batch.runs[batch.n - 1].label, sweeps[i].last);
		assert_true(batch.runs[0].request.seed.present);
		assert_int_equal(read_batch(sweeps[i].yaml, &again, &err), TARN_OK);
		assert_string_equal(batch.hash, again.hash);
		tarn_sweep_release(&batch);
		tarn_sweep_release(&again);
	}
}

static void test_bond(void **unused)
{
	struct tarn_sweep batch;
	(void)unused;
	assert_int_equal(read_batch("molecules: [{symbols: [H, Be, H], coords: [[0, 0, -bond], [0, 0, 0], [0, 0, bond]], "
				    "bond: {from: 1.1, to: 1.4, step: 0.1}}]\n", &batch, NULL), TARN_OK);
	assert_int_equal(batch.n, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct tarn_geometry *geometry = batch.runs[i].request.geometry;
		assert_true(fabs(geometry->coords[2][2] - (1.1 + 0.1 * (double)i)) < 1e-12);
		assert_true(geometry->coords[0][2] == -geometry->coords[2][2]);
	}
	tarn_sweep_release(&batch);
}

static const struct {
	const char *yaml, *message; /* part of it */
} refused[] = {
	{ "", "expected a mapping" },
	{ "[1, 2]\n", "line 1: expected a mapping" },
	{ "seed: 1\n", "no molecules" },
	{ "molecules: []\n", "no molecules" },
	{ "molecules: [H2\n", "line" },
	{ "molecules: [Hx]\n", "line 1: no built-in molecule \"Hx\"" },
	{ "molecules: H2\nsed: 1\n", "line 2: no option \"sed\"" },
	{ "molecules: H2\nseed: [1, x]\n", "line 2: seed is \"x\"" },
	{ "molecules: H2\nseed: []\n", "a value or a list" },
	{ "molecules: H2\nseed: {a: 1}\n", "a value or a list" },
	{ "molecules: H2\nseed: [1, 1]\n", "two runs are the same" },
	{ "molecules: H2\nreduce: true\n", "reduce belongs to" },
	{ "molecules: H2\nmax_iterations: 3\nconvergence: 1e-3\n", "exclude each other" },
	{ "molecules: [{symbols: [H]}]\n", "symbols and coords" },
	{ "molecules: [{symbols: [H], coords: [[0, 0]]}]\n", "three coordinates" },
	{ "molecules: [{symbols: [Q], coords: [[0, 0, 0]]}]\n", "an element's symbol" },
	{ "molecules: [{symbols: [H], coords: [[0, 0, 0]], charg: 1}]\n", "charge" },
	{ H2("name: x"), "bond, with a list" },
	{ H2("bond: {from: 1, to: 0, step: 0.1}"), "rising" },
	{ H2("bond: {from: 0, to: 1e9, step: 1e-9}"), "at most 10000" },
	{ H2("bond: [nan]"), "a length" },
};

static void test_refused(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct tarn_sweep batch;
		struct tarn_err err = { 0 };
		assert_int_not_equal(read_batch(refused[i].yaml, &batch, &err), TARN_OK);
		if (!strstr(err.message, refused[i].message))
			fail_msg("\"%s\": %s", refused[i].yaml, err.message);
	}
}

/* Whatever the prefix or the byte, it is read or refused, without a leak or a crash. */
static void test_damaged(void **unused)
{
	static const char yaml[] = H2("bond: {from: 0.5, to: 0.7, step: 0.1}, charge: 0") "basis: [sto3g, 6-31g]\nseed: [1, 2]\n";
	char copy[sizeof(yaml)];
	struct tarn_sweep batch;
	(void)unused;
	for (size_t i = 0; i < sizeof(yaml) - 1; i++) {
		memcpy(copy, yaml, sizeof(yaml));
		copy[i] = '\0';
		if (!read_batch(copy, &batch, NULL))
			tarn_sweep_release(&batch);
		memcpy(copy, yaml, sizeof(yaml));
		copy[i] ^= 0x11;
		if (!read_batch(copy, &batch, NULL))
			tarn_sweep_release(&batch);
	}
}

/* ---- running ---- */

static const char sweep[] = H2("bond: [0.6, 0.735, 0.9]") "optimizer: [L-BFGS-B, COBYLA]\nseed: [1, 2]\nmax_iterations: 30\nreps: 1\n";
enum { N_RUNS = 12 };

struct result {
	size_t n;
	char ids[N_RUNS + 4][TARN_ID_SIZE]; /* by offset */
};

static void run_command(const char *format, const char *folder)
{
	char command[300];
	snprintf(command, sizeof(command), format, folder);
	assert_int_equal(system(command), 0);
}

static bool read_object(const char *root, size_t offset, char id[TARN_ID_SIZE])
{
	char path[300];
	struct tarn_buf file;
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	snprintf(path, sizeof(path), "%s/experiments/experiment.vqe/partition=0/experiment.vqe+0+%010zu.avro", root, offset);
	if (!tarn_file_exists(path))
		return false;
	tarn_buf_init(&file, 1 << 24);
	assert_int_equal(tarn_file_read(path, &file, NULL), TARN_OK);
	struct tarn_slice bytes = tarn_buf_slice(&file);
	assert_int_equal(tarn_avro_header_read(bytes, &header, NULL), TARN_OK);
	size_t position = header.size, added;
	assert_int_equal(tarn_avro_block_next(bytes, &header, &position, &block, NULL), TARN_OK);
	struct tarn_record_plans *plans = tarn_record_plans_new();
	struct tarn_record_batch *records = tarn_record_batch_new();
	const struct tarn_record_plan *plan;
	struct tarn_record record;
	struct tarn_record_ids ids;
	struct tarn_cursor cursor = tarn_cursor_of(block.stored);
	assert_int_equal(tarn_record_plan_get(plans, header.schema_json, &plan, NULL), TARN_OK);
	assert_int_equal(tarn_record_batch_add_avro(records, plan, &cursor, 1, &added, NULL), TARN_OK);
	tarn_record_batch_get(records, 0, &record);
	assert_int_equal(tarn_record_check(&record, NULL), TARN_OK);
	struct tarn_buf scratch;
	tarn_buf_init(&scratch, 1 << 24);
	tarn_record_identify(&record, &scratch, &ids);
	memcpy(id, ids.experiment, TARN_ID_SIZE);
	tarn_buf_release(&scratch);
	tarn_record_batch_free(records);
	tarn_record_plans_free(plans);
	tarn_buf_release(&file);
	return true;
}

static struct result look(const char *root)
{
	struct result result = { 0 };
	while (result.n < N_RUNS + 4 && read_object(root, result.n, result.ids[result.n]))
		result.n++;
	return result;
}

static enum tarn_rc execute(const char *root, int jobs, struct tarn_sweep_progress *progress, struct tarn_err *err)
{
	struct tarn_sweep batch;
	assert_int_equal(read_batch(sweep, &batch, err), TARN_OK);
	struct tarn_sweep_options options = { .out = root, .form = form, .jobs = jobs, .simulator = &simulator };
	enum tarn_rc rc = tarn_sweep_execute(&batch, &options, progress, err);
	progress->lowest_label = NULL;
	tarn_sweep_release(&batch);
	return rc;
}

/* What the sweep gives when nothing disturbs it, made once by a child so that this process has not passed any point. */
static struct result undisturbed(int jobs)
{
	char root[] = "/tmp/tarn_sweep_XXXXXX";
	struct tarn_sweep_progress progress;
	struct tarn_err err;
	int status;
	assert_non_null(mkdtemp(root));
	pid_t child = fork();
	if (!child)
		_exit(execute(root, jobs, &progress, &err) || progress.done != N_RUNS);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct result result = look(root);
	run_command("rm -rf '%s'", root);
	return result;
}

static void expect_whole(const char *root, const struct result *expected)
{
	struct result found = look(root);
	assert_int_equal(found.n, N_RUNS);
	assert_memory_equal(found.ids, expected->ids, sizeof(found.ids));
	run_command("test $(find '%s/experiments' -type f | wc -l) = 12", root);
	run_command("! find '%s' -name '*.staged' -o -name '*.tmp' | grep -q .", root);
}

static void test_any_number_of_threads(void **unused)
{
	struct result one = undisturbed(1);
	(void)unused;
	assert_int_equal(one.n, N_RUNS);
	for (int jobs = 2; jobs <= 5; jobs += 3) {
		struct result many = undisturbed(jobs);
		assert_int_equal(many.n, N_RUNS);
		assert_memory_equal(many.ids, one.ids, sizeof(one.ids));
	}
}

/* The child dies at the point, or after some time; the next call finishes. */
static int run_child(const char *root, const char *point, long kill_after_us)
{
	struct tarn_sweep_progress progress;
	struct tarn_err err;
	int status;
	pid_t child = fork();
	if (!child) {
		if (point)
			setenv("TARN_KILL_AT", point, 1);
		_exit(execute(root, 2, &progress, &err) ? 1 : 0);
	}
	if (kill_after_us) {
		struct timespec pause = { 0, kill_after_us * 1000 };
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_killed_at_points(void **unused)
{
	static const char *const points[] = { "batch.staged",   "batch.staged:5", "batch.staged:12", "raw.placed", "raw.placed:4",
					      "raw.placed:12", "batch.done",     "batch.done:7",    "batch.done:12" };
	struct result expected = undisturbed(2);
	(void)unused;
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		char root[] = "/tmp/tarn_sweep_XXXXXX";
		assert_non_null(mkdtemp(root));
		assert_true(WIFSIGNALED(run_child(root, points[i], 0)));
		assert_true(look(root).n <= N_RUNS);
		assert_int_equal(run_child(root, NULL, 0), 0);
		expect_whole(root, &expected);
		run_command("rm -rf '%s'", root);
	}
}

static void test_killed_at_any_time(void **unused)
{
	struct result expected = undisturbed(2);
	(void)unused;
	for (int round = 0; round < 4; round++) {
		char root[] = "/tmp/tarn_sweep_XXXXXX";
		int status = -1;
		assert_non_null(mkdtemp(root));
		for (int attempt = 1; attempt < 100 && status; attempt++)
			status = run_child(root, NULL, 1000 + 2500 * attempt + 700 * round);
		assert_int_equal(run_child(root, NULL, 0), 0);
		expect_whole(root, &expected);
		run_command("rm -rf '%s'", root);
	}
}

/* Deaths one after another, each one step later. */
static void test_killed_again_and_again(void **unused)
{
	struct result expected = undisturbed(2);
	char root[] = "/tmp/tarn_sweep_XXXXXX";
	int deaths = 0;
	(void)unused;
	assert_non_null(mkdtemp(root));
	for (int i = 0; i < 60 && run_child(root, i % 2 ? "raw.placed" : "batch.staged:2", 0); i++)
		deaths++;
	assert_true(deaths >= 3);
	assert_int_equal(run_child(root, NULL, 0), 0);
	expect_whole(root, &expected);
	run_command("rm -rf '%s'", root);
}

static void note_failed(void *context, const struct tarn_sweep_run *run, const struct tarn_err *err)
{
	(void)run;
	assert_true(err->message[0]);
	++*(int *)context;
}

static void test_failure_stops_nobody(void **unused)
{
	char root[] = "/tmp/tarn_sweep_XXXXXX";
	struct tarn_sweep batch;
	struct tarn_sweep_progress progress;
	struct tarn_err err;
	int told = 0;
	(void)unused;
	assert_non_null(mkdtemp(root));
	assert_int_equal(read_batch("molecules: [{symbols: [H, H], coords: [[0, 0, 0], [0, 0, bond]], bond: [0, 0.7]}, H2]\n"
				    "max_iterations: 3\n", &batch, &err), TARN_OK);
	struct tarn_sweep_options options = { .out = root, .form = form, .jobs = 2, .simulator = &simulator,
					      .failed = note_failed, .context = &told };
	for (int call = 0; call < 2; call++) {
		assert_int_equal(tarn_sweep_execute(&batch, &options, &progress, &err), TARN_OK);
		assert_true(progress.failed == 1 && progress.done + progress.before == 2);
		assert_int_equal(told, call + 1);
		assert_int_equal(look(root).n, 2);
	}
	assert_int_equal(progress.before, 2);
	assert_true(isfinite(progress.lowest));
	tarn_sweep_release(&batch);
	run_command("rm -rf '%s'", root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cross_product),	       cmocka_unit_test(test_bond),
		cmocka_unit_test(test_refused),		       cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_any_number_of_threads),  cmocka_unit_test(test_killed_at_points),
		cmocka_unit_test(test_killed_at_any_time),     cmocka_unit_test(test_killed_again_and_again),
		cmocka_unit_test(test_failure_stops_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
