/* Plan and work, each alone. */
#include "process/run/run_steps.h"

#include "process/run/rebuild.h"

/* ---- plan alone ---- */

/* A lake that is not there has processed nothing. */
static enum tarn_rc open_reading(const struct tarn_run_options *options, struct tarn_catalog **catalog,
				 struct tarn_err *err)
{
	struct tarn_err problem;
	enum tarn_rc rc =
		tarn_catalog_open_at(options->lake, options->catalog, TARN_CATALOG_READ, 0, catalog, &problem);

	if (rc == TARN_ENOTFOUND) {
		*catalog = NULL;
		return TARN_OK;
	}
	if (rc && err)
		*err = problem;
	return rc;
}

/* The ledger beside a REST catalog is this machine's own, so that bringing it after the tables changes nothing of the
 * lake. */
static enum tarn_rc follow_tables(const struct tarn_run_options *options, const struct tarn_raw *raw,
				  struct tarn_catalog **catalog, struct tarn_err *err)
{
	const char *source = options->source ? options->source : tarn_store_url(raw->store);
	enum tarn_rc rc;

	if (!*catalog || !tarn_catalog_is_remote(*catalog))
		return TARN_OK;
	tarn_catalog_close(*catalog);
	*catalog = NULL;
	rc = tarn_catalog_open_at(options->lake, options->catalog, TARN_CATALOG_WRITE, options->wait_ms, catalog, err);
	return rc ? rc : tarn_ledger_follow(*catalog, raw, source, err);
}

static enum tarn_rc visit_splits(const struct tarn_run_options *options, const char *source,
				 const struct tarn_plan *plan, int64_t split_bytes, tarn_run_line visit, void *context,
				 struct tarn_err *err)
{
	const struct tarn_run_stamp stamp = tarn_run_stamp_new(options);
	struct tarn_split split = { .run_id = stamp.run_id, .now_us = stamp.now_us, .source = source };
	struct tarn_buf line;
	enum tarn_rc rc = TARN_OK;

	split.raw = options->raw;
	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	for (size_t first = 0; !rc && first < plan->n_objects; first += split.n_objects, split.index++) {
		split.objects = plan->objects + first;
		split.n_objects = tarn_plan_cut(plan, first, split_bytes, &split.bytes);
		tarn_buf_clear(&line);
		rc = tarn_split_write(&split, &line, err);
		if (!rc)
			rc = visit(context, tarn_buf_slice(&line), err);
	}
	tarn_buf_release(&line);
	return rc;
}

static enum tarn_rc plan_with(const struct tarn_run_options *options, const struct tarn_raw *raw,
			      struct tarn_catalog *catalog, int64_t split_bytes, tarn_run_line visit, void *context,
			      struct tarn_err *err)
{
	const char *source = options->source ? options->source : tarn_store_url(raw->store);
	struct tarn_run_options named = *options;
	struct tarn_ledger *ledger;
	struct tarn_plan plan;
	enum tarn_rc rc = tarn_ledger_open(catalog ? tarn_catalog_db(catalog) : NULL, source, &ledger, err);

	if (rc)
		return rc;
	/* The URL holds wherever the work is done on this machine or a mount of it. */
	named.raw = tarn_store_url(raw->store);
	rc = tarn_plan_make(raw, ledger, options->rescan, &plan, err);
	if (!rc) {
		rc = visit_splits(&named, source, &plan, split_bytes, visit, context, err);
		tarn_plan_release(&plan);
	}
	tarn_ledger_close(ledger);
	return rc;
}

enum tarn_rc tarn_run_plan(const struct tarn_run_options *options, int64_t split_bytes, tarn_run_line visit,
			   void *context, struct tarn_err *err)
{
	struct tarn_catalog *catalog = NULL;
	struct tarn_raw raw;
	enum tarn_rc rc = tarn_raw_open(options->raw, &raw, err);

	if (rc)
		return rc;
	rc = open_reading(options, &catalog, err);
	if (!rc)
		rc = follow_tables(options, &raw, &catalog, err);
	if (!rc)
		rc = plan_with(options, &raw, catalog, split_bytes, visit, context, err);
	tarn_catalog_close(catalog);
	tarn_raw_close(&raw);
	return rc;
}

/* ---- work alone ---- */

static uint32_t new_attempt(void)
{
	return (uint32_t)(tarn_random_id() % 1000000000) + 1;
}

/* For an engine that did not plan here: makes the lake where it is missing. */
static enum tarn_rc open_lake(const struct tarn_run_options *options, struct tarn_catalog **catalog,
			      struct tarn_err *err)
{
	enum tarn_rc rc = open_reading(options, catalog, err);

	if (rc || *catalog)
		return rc;
	rc = tarn_catalog_open_at(options->lake, options->catalog, TARN_CATALOG_WRITE, options->wait_ms, catalog, err);
	if (rc)
		return rc;
	tarn_catalog_close(*catalog);
	return tarn_catalog_open_at(options->lake, options->catalog, TARN_CATALOG_READ, 0, catalog, err);
}

enum tarn_rc tarn_run_open_split(const struct tarn_run_options *options, const struct tarn_split *split,
				 struct tarn_raw *raw, struct tarn_err *err)
{
	return tarn_raw_open(options->raw ? options->raw : split->raw, raw, err);
}

enum tarn_rc tarn_run_split(const struct tarn_run_options *options, struct tarn_catalog *catalog,
			    const struct tarn_targets *targets, struct tarn_ledger *ledger,
			    const struct tarn_split *split, const struct tarn_seen *before,
			    struct tarn_work_result *result, struct tarn_err *err)
{
	struct tarn_raw raw;
	enum tarn_rc rc = tarn_run_open_split(options, split, &raw, err);

	if (rc)
		return rc;
	rc = tarn_work(
		&(struct tarn_work_input){
			.split = split,
			.raw = raw.store,
			.lake = tarn_catalog_store(catalog),
			.targets = targets,
			.ledger = ledger,
			.before = before,
			.attempt = new_attempt(),
			.jobs = tarn_run_jobs(options),
			.progress = options->progress,
			.progress_context = options->progress_context,
		},
		result, err);
	tarn_raw_close(&raw);
	return rc;
}

static enum tarn_rc work_in_lake(const struct tarn_run_options *options, struct tarn_catalog *catalog,
				 const struct tarn_split *split, struct tarn_buf *line, struct tarn_err *err)
{
	const struct tarn_run_stamp stamp = tarn_run_stamp_at(split->run_id, split->now_us);
	struct tarn_work_result result;
	struct tarn_targets targets;
	struct tarn_ledger *ledger;
	enum tarn_rc rc = tarn_targets_load(catalog, &stamp, &targets, err);

	if (rc)
		return rc;
	rc = tarn_ledger_open(tarn_catalog_db(catalog), split->source, &ledger, err);
	if (!rc) {
		rc = tarn_run_split(options, catalog, &targets, ledger, split, NULL, &result, err);
		tarn_ledger_close(ledger);
	}
	tarn_targets_release(&targets);
	if (rc)
		return rc;
	rc = tarn_store_sync(tarn_catalog_store(catalog), err);
	if (!rc)
		rc = tarn_work_write(split, &result, line, err);
	tarn_work_result_release(&result);
	return rc;
}

enum tarn_rc tarn_run_work(const struct tarn_run_options *options, struct tarn_slice split_line, struct tarn_buf *line,
			   struct tarn_err *err)
{
	struct tarn_catalog *catalog = NULL;
	struct tarn_arena arena;
	struct tarn_split split;
	enum tarn_rc rc;

	tarn_arena_init(&arena);
	rc = tarn_split_parse(split_line, &arena, &split, err);
	if (!rc)
		rc = open_lake(options, &catalog, err);
	if (!rc)
		rc = work_in_lake(options, catalog, &split, line, err);
	tarn_catalog_close(catalog);
	tarn_arena_release(&arena);
	return rc;
}
