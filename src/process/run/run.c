#include "process/run/run.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "process/run/rebuild.h"
#include "process/run/run_steps.h"

static int count_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

int tarn_run_jobs(const struct tarn_run_options *options)
{
	return options->jobs > 0 ? options->jobs : count_cores();
}

struct tarn_run_stamp tarn_run_stamp_at(const char *run_id, int64_t now_us)
{
	struct tarn_run_stamp stamp = { .now_us = now_us, .date = tarn_days_of_us(now_us) };

	snprintf(stamp.run_id, sizeof(stamp.run_id), "%s", run_id);
	return stamp;
}

struct tarn_run_stamp tarn_run_stamp_new(const struct tarn_run_options *options)
{
	char uuid[TARN_UUID_SIZE];

	if (!options->run_id)
		tarn_uuid(uuid);
	return tarn_run_stamp_at(options->run_id ? options->run_id : uuid,
				 options->now_us ? options->now_us : tarn_now_us());
}

/* ---- a run in one process ---- */

struct run {
	const struct tarn_run_options *options;
	struct tarn_run_report *report;
	struct tarn_run_stamp stamp;
	int64_t started_us;
	struct tarn_raw raw;
	const char *source;
	struct tarn_catalog *catalog;
	struct tarn_ledger *ledger;
	struct tarn_targets targets;
	struct tarn_plan plan;
	struct tarn_work_result result;
};

static enum tarn_rc open_run(struct run *run, struct tarn_err *err)
{
	const struct tarn_run_options *options = run->options;
	enum tarn_rc rc = tarn_raw_open(options->raw, &run->raw, err);

	if (rc)
		return rc;
	run->source = options->source ? options->source : tarn_store_url(run->raw.store);
	rc = tarn_catalog_open_at(options->lake, options->catalog, TARN_CATALOG_WRITE, options->wait_ms, &run->catalog,
				  err);
	if (!rc)
		rc = tarn_ledger_follow(run->catalog, &run->raw, run->source, err);
	if (rc)
		return rc;
	tarn_sql_view_begin(tarn_catalog_db(run->catalog));
	rc = tarn_runs_check_id(tarn_catalog_db(run->catalog), run->stamp.run_id, err);
	if (!rc)
		rc = tarn_ledger_open(tarn_catalog_db(run->catalog), run->source, &run->ledger, err);
	tarn_sql_view_end(tarn_catalog_db(run->catalog));
	return rc;
}

static enum tarn_rc run_plan(struct run *run, struct tarn_err *err)
{
	int64_t start = tarn_monotonic_ns();
	/* A distant area may take minutes to list; others may write meanwhile. */
	sqlite3 *db = tarn_store_lists_trees(run->raw.store) ? NULL : tarn_catalog_db(run->catalog);
	enum tarn_rc rc;

	tarn_sql_view_begin(db);
	rc = tarn_plan_make(&run->raw, run->ledger, run->options->rescan, &run->plan, err);
	tarn_sql_view_end(db);
	run->report->plan_ns = tarn_monotonic_ns() - start;
	return rc;
}

static enum tarn_rc run_work(struct run *run, struct tarn_err *err)
{
	const struct tarn_run_options *options = run->options;
	const struct tarn_split split = {
		.run_id = run->stamp.run_id,
		.now_us = run->stamp.now_us,
		.raw = options->raw,
		.source = run->source,
		.objects = run->plan.objects,
		.n_objects = run->plan.n_objects,
		.bytes = run->plan.bytes,
	};
	int64_t start = tarn_monotonic_ns();
	enum tarn_rc rc = tarn_targets_load(run->catalog, &run->stamp, &run->targets, err);

	if (rc)
		return rc;
	rc = tarn_work(
		&(struct tarn_work_input){
			.split = &split,
			.raw = run->raw.store,
			.lake = tarn_catalog_store(run->catalog),
			.targets = &run->targets,
			.ledger = run->ledger,
			.jobs = tarn_run_jobs(options),
			.progress = options->progress,
			.progress_context = options->progress_context,
		},
		&run->result, err);
	run->report->work_ns = tarn_monotonic_ns() - start;
	return rc;
}

static enum tarn_rc run_commit(struct run *run, struct tarn_err *err)
{
	int64_t start = tarn_monotonic_ns();
	enum tarn_rc rc = tarn_commit(
		&(struct tarn_commit_input){
			.catalog = run->catalog,
			.targets = &run->targets,
			.ledger = run->ledger,
			.source = run->source,
			.stamp = &run->stamp,
			.results = &run->result,
			.n_results = 1,
			.plan = &run->plan,
			.started_us = run->started_us,
		},
		run->report->tables, err);

	run->report->commit_ns = tarn_monotonic_ns() - start;
	if (rc)
		return rc;
	run->report->outcome = TARN_RUN_COMMITTED;
	run->report->counts = run->result.counts;
	return TARN_OK;
}

static enum tarn_rc write_row(struct run *run, enum tarn_run_outcome outcome, const char *problem, struct tarn_err *err)
{
	const struct tarn_run_row row = {
		.run_id = run->stamp.run_id,
		.source = run->source,
		.error = problem,
		.started_us = run->started_us,
		.ended_us = tarn_now_us(),
		.outcome = outcome,
	};

	return tarn_commit_run_row(tarn_catalog_db(run->catalog), &row, outcome == TARN_RUN_FAILED ? NULL : &run->plan,
				   err);
}

static enum tarn_rc run_steps(struct run *run, struct tarn_err *err)
{
	enum tarn_rc rc = run_plan(run, err);

	if (rc)
		return rc;
	if (!run->plan.n_objects) {
		run->report->outcome = TARN_RUN_NOTHING_NEW;
		return write_row(run, TARN_RUN_NOTHING_NEW, NULL, err);
	}
	rc = run_work(run, err);
	if (!rc)
		rc = run_commit(run, err);
	return rc;
}

static void close_run(struct run *run)
{
	tarn_work_result_release(&run->result);
	tarn_plan_release(&run->plan);
	tarn_targets_release(&run->targets);
	tarn_ledger_close(run->ledger);
	tarn_catalog_close(run->catalog);
	if (run->raw.store)
		tarn_raw_close(&run->raw);
}

enum tarn_rc tarn_run(const struct tarn_run_options *options, struct tarn_run_report *report, struct tarn_err *err)
{
	struct tarn_run_report new = { .outcome = TARN_RUN_FAILED };
	struct run run = {
		.options = options, .report = &new, .stamp = tarn_run_stamp_new(options), .started_us = tarn_now_us()
	};
	struct tarn_err problem;
	enum tarn_rc rc;

	memcpy(new.run_id, run.stamp.run_id, sizeof(new.run_id));
	tarn_arena_init(&run.plan.arena);
	tarn_arena_init(&run.result.arena);
	rc = open_run(&run, &problem);
	if (!rc) {
		rc = run_steps(&run, &problem);
		/* Best effort: the failure itself is what the caller must hear of. */
		if (rc && write_row(&run, TARN_RUN_FAILED, problem.message, NULL))
			tarn_err_hint(&problem, "nor could the failed run be noted in catalog.db");
	}
	close_run(&run);
	if (rc && err)
		*err = problem;
	if (!rc)
		*report = new;
	return rc;
}
