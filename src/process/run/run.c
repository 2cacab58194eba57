#include "process/run/run.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static int count_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

static int jobs_of(const struct tarn_run_options *options)
{
	return options->jobs > 0 ? options->jobs : count_cores();
}

static struct tarn_run_stamp stamp_of(const char *run_id, int64_t now_us)
{
	struct tarn_run_stamp stamp = { .now_us = now_us, .date = tarn_days_of_us(now_us) };

	snprintf(stamp.run_id, sizeof(stamp.run_id), "%s", run_id);
	return stamp;
}

static struct tarn_run_stamp new_stamp(const struct tarn_run_options *options)
{
	char uuid[TARN_UUID_SIZE];

	if (!options->run_id)
		tarn_uuid(uuid);
	return stamp_of(options->run_id ? options->run_id : uuid, options->now_us ? options->now_us : tarn_now_us());
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
	rc = tarn_catalog_open(options->lake, TARN_CATALOG_WRITE, options->wait_ms, &run->catalog, err);
	if (!rc)
		rc = tarn_runs_check_id(tarn_catalog_db(run->catalog), run->stamp.run_id, err);
	if (!rc)
		rc = tarn_ledger_open(tarn_catalog_db(run->catalog), run->source, &run->ledger, err);
	return rc;
}

static enum tarn_rc run_plan(struct run *run, struct tarn_err *err)
{
	int64_t start = tarn_monotonic_ns();
	enum tarn_rc rc = tarn_plan_make(&run->raw, run->ledger, run->options->rescan, &run->plan, err);

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
			.jobs = jobs_of(options),
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

	return tarn_commit_run_row(tarn_catalog_db(run->catalog), &row, outcome == TARN_RUN_FAILED ? NULL : &run->plan, err);
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
	struct run run = { .options = options, .report = &new, .stamp = new_stamp(options), .started_us = tarn_now_us() };
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

/* ---- plan alone ---- */

/* A lake that is not there has processed nothing. */
static enum tarn_rc open_reading(const char *lake, struct tarn_catalog **catalog, struct tarn_err *err)
{
	struct tarn_err problem;
	enum tarn_rc rc = tarn_catalog_open(lake, TARN_CATALOG_READ, 0, catalog, &problem);

	if (rc == TARN_ENOTFOUND) {
		*catalog = NULL;
		return TARN_OK;
	}
	if (rc && err)
		*err = problem;
	return rc;
}

static enum tarn_rc visit_splits(const struct tarn_run_options *options, const char *source,
				 const struct tarn_plan *plan, int64_t split_bytes, tarn_run_line visit, void *context,
				 struct tarn_err *err)
{
	const struct tarn_run_stamp stamp = new_stamp(options);
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
	struct tarn_catalog *catalog;
	struct tarn_raw raw;
	enum tarn_rc rc = tarn_raw_open(options->raw, &raw, err);

	if (rc)
		return rc;
	rc = open_reading(options->lake, &catalog, err);
	if (!rc) {
		rc = plan_with(options, &raw, catalog, split_bytes, visit, context, err);
		tarn_catalog_close(catalog);
	}
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
	enum tarn_rc rc = open_reading(options->lake, catalog, err);

	if (rc || *catalog)
		return rc;
	rc = tarn_catalog_open(options->lake, TARN_CATALOG_WRITE, options->wait_ms, catalog, err);
	if (rc)
		return rc;
	tarn_catalog_close(*catalog);
	return tarn_catalog_open(options->lake, TARN_CATALOG_READ, 0, catalog, err);
}

/* Does a split's work in an open lake; what `before` holds is met already. */
static enum tarn_rc work_on_split(const struct tarn_run_options *options, struct tarn_catalog *catalog,
				  const struct tarn_targets *targets, struct tarn_ledger *ledger,
				  const struct tarn_split *split, const struct tarn_seen *before,
				  struct tarn_work_result *result, struct tarn_err *err)
{
	struct tarn_store *raw;
	enum tarn_rc rc = tarn_store_open(split->raw, false, &raw, err);

	if (rc)
		return rc;
	rc = tarn_work(
		&(struct tarn_work_input){
			.split = split,
			.raw = raw,
			.lake = tarn_catalog_store(catalog),
			.targets = targets,
			.ledger = ledger,
			.before = before,
			.attempt = new_attempt(),
			.jobs = jobs_of(options),
			.progress = options->progress,
			.progress_context = options->progress_context,
		},
		result, err);
	tarn_store_close(raw);
	return rc;
}

static enum tarn_rc work_in_lake(const struct tarn_run_options *options, struct tarn_catalog *catalog,
				 const struct tarn_split *split, struct tarn_buf *line, struct tarn_err *err)
{
	const struct tarn_run_stamp stamp = stamp_of(split->run_id, split->now_us);
	struct tarn_work_result result;
	struct tarn_targets targets;
	struct tarn_ledger *ledger;
	enum tarn_rc rc = tarn_targets_load(catalog, &stamp, &targets, err);

	if (rc)
		return rc;
	rc = tarn_ledger_open(tarn_catalog_db(catalog), split->source, &ledger, err);
	if (!rc) {
		rc = work_on_split(options, catalog, &targets, ledger, split, NULL, &result, err);
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

/* ---- commit alone ---- */

struct account {
	struct tarn_split split;
	struct tarn_work_result result;
	struct tarn_work_result replaced; /* holds the strings of a split that was done again */
};

struct commit_run {
	const struct tarn_run_options *options;
	struct tarn_run_report *report;
	struct account *accounts;
	size_t n;
	struct tarn_catalog *catalog;
	struct tarn_ledger *ledger;
	struct tarn_targets targets;
	struct tarn_run_stamp stamp;
	struct tarn_seen seen;   /* of the splits that were accepted */
	struct tarn_arena arena; /* of splits that are done again */
	int64_t started_us;
};

static void release_account(struct account *account)
{
	tarn_work_result_release(&account->result);
	tarn_work_result_release(&account->replaced);
}

static int by_index(const void *left, const void *right)
{
	const struct account *a = left, *b = right;

	return (a->split.index > b->split.index) - (a->split.index < b->split.index);
}

static void drop_doubles(struct commit_run *run)
{
	size_t kept = 0;

	qsort(run->accounts, run->n, sizeof(*run->accounts), by_index);
	for (size_t i = 0; i < run->n; i++) {
		if (kept && run->accounts[kept - 1].split.index == run->accounts[i].split.index)
			release_account(&run->accounts[i]);
		else
			run->accounts[kept++] = run->accounts[i];
	}
	run->n = kept;
}

static enum tarn_rc parse_accounts(struct commit_run *run, const struct tarn_slice *lines, size_t n,
				   struct tarn_err *err)
{
	const struct tarn_split *first = &run->accounts[0].split;

	while (run->n < n) {
		struct account *account = &run->accounts[run->n];
		enum tarn_rc rc = tarn_work_parse(lines[run->n], &account->split, &account->result, err);

		if (rc)
			return rc;
		run->n++;
		if (strcmp(account->split.run_id, first->run_id) || strcmp(account->split.source, first->source) ||
		    account->split.now_us != first->now_us)
			return tarn_fail(err, TARN_EINVALID, "lines of runs \"%s\" and \"%s\", expected those of one plan",
					 first->run_id, account->split.run_id);
	}
	drop_doubles(run);
	return TARN_OK;
}

/* ---- what the lake has got meanwhile ---- */

static enum tarn_rc meets_offsets(struct commit_run *run, const struct tarn_work_result *result, bool *meets,
				  struct tarn_err *err)
{
	for (size_t i = 0; i < result->n_partitions; i++) {
		const struct tarn_ledger_partition *partition = &result->partitions[i];
		const struct tarn_ranges *ranges;
		enum tarn_rc rc =
			tarn_ledger_ranges(run->ledger, partition->topic, partition->partition, &ranges, err);

		if (rc)
			return rc;
		for (size_t j = 0; j < partition->ranges.n; j++)
			*meets |= tarn_ranges_overlap(ranges, partition->ranges.items[j].first,
						      partition->ranges.items[j].end);
	}
	return TARN_OK;
}

static enum tarn_rc meets_experiments(struct commit_run *run, const struct tarn_work_result *result, bool *meets,
				      struct tarn_err *err)
{
	for (size_t i = 0; i < result->n_experiments && !*meets; i++) {
		const uint8_t *id = result->experiments[i].id;
		struct tarn_ledger_first first;
		enum tarn_rc rc = tarn_ledger_experiment(run->ledger, id, meets, &first, err);

		if (rc)
			return rc;
		*meets |= tarn_seen_find(&run->seen, id) != NULL;
	}
	return TARN_OK;
}

/* Whether the ledger has an object by its name and size. */
static enum tarn_rc is_known(struct commit_run *run, const struct tarn_raw_object *object, bool *known,
			     struct tarn_err *err)
{
	const char *name = tarn_raw_object_name(object->key);
	struct tarn_ledger_object found;
	char *folder = tarn_strdup(object->key);
	enum tarn_rc rc;

	folder[name == object->key ? 0 : name - object->key - 1] = '\0';
	rc = tarn_ledger_objects_begin(run->ledger, folder, err);
	if (!rc)
		rc = tarn_ledger_objects_find(run->ledger, name, &found, err);
	free(folder);
	if (!rc)
		*known = found.known && found.size == object->size;
	return rc;
}

/* The split without the objects that the ledger knows by name; *fewer says whether there are any. */
static enum tarn_rc without_known(struct commit_run *run, struct tarn_split *split, bool *fewer, struct tarn_err *err)
{
	struct tarn_raw_object *kept = tarn_arena_alloc(&run->arena, (split->n_objects + 1) * sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < split->n_objects; i++) {
		bool known = false;
		enum tarn_rc rc = is_known(run, &split->objects[i], &known, err);

		if (rc)
			return rc;
		/* A rescan asks for watched objects on purpose. */
		if (!known || split->objects[i].watched)
			kept[n++] = split->objects[i];
		else
			split->bytes -= split->objects[i].size;
	}
	*fewer = n < split->n_objects;
	split->objects = kept;
	split->n_objects = n;
	return TARN_OK;
}

static enum tarn_rc do_again(struct commit_run *run, struct account *account, struct tarn_err *err)
{
	struct tarn_work_result result;
	enum tarn_rc rc = work_on_split(run->options, run->catalog, &run->targets, run->ledger, &account->split,
					&run->seen, &result, err);

	if (rc)
		return tarn_err_within(err, rc, "doing split %u again", account->split.index);
	account->replaced = account->result;
	account->result = result;
	run->report->redone++;
	return TARN_OK;
}

static enum tarn_rc accept(struct commit_run *run, struct account *account, struct tarn_err *err)
{
	bool meets = false;
	enum tarn_rc rc = without_known(run, &account->split, &meets, err);

	if (!rc)
		rc = meets_offsets(run, &account->result, &meets, err);
	if (!rc && !meets)
		rc = meets_experiments(run, &account->result, &meets, err);
	if (!rc && meets)
		rc = do_again(run, account, err);
	for (size_t i = 0; !rc && i < account->result.n_experiments; i++)
		tarn_seen_add(&run->seen, &account->result.experiments[i]);
	return rc;
}

static enum tarn_rc open_commit(struct commit_run *run, struct tarn_err *err)
{
	const struct tarn_split *split = &run->accounts[0].split;
	enum tarn_rc rc = tarn_catalog_open(run->options->lake, TARN_CATALOG_WRITE, run->options->wait_ms, &run->catalog,
					    err);

	run->stamp = stamp_of(split->run_id, split->now_us);
	memcpy(run->report->run_id, run->stamp.run_id, sizeof(run->report->run_id));
	if (!rc)
		rc = tarn_ledger_open(tarn_catalog_db(run->catalog), split->source, &run->ledger, err);
	if (!rc)
		rc = tarn_targets_load(run->catalog, &run->stamp, &run->targets, err);
	return rc;
}

static enum tarn_rc commit_accounts(struct commit_run *run, struct tarn_err *err)
{
	struct tarn_work_result *results = tarn_arena_alloc(&run->arena, (run->n + 1) * sizeof(*results));
	struct tarn_run_counts *counts = &run->report->counts;
	int64_t start = tarn_monotonic_ns();
	enum tarn_rc rc;

	for (size_t i = 0; i < run->n; i++) {
		results[i] = run->accounts[i].result;
		tarn_run_counts_add(counts, &results[i].counts);
	}
	rc = tarn_commit(
		&(struct tarn_commit_input){
			.catalog = run->catalog,
			.targets = &run->targets,
			.ledger = run->ledger,
			.source = run->accounts[0].split.source,
			.stamp = &run->stamp,
			.results = results,
			.n_results = run->n,
			.started_us = run->started_us,
		},
		run->report->tables, err);
	run->report->commit_ns = tarn_monotonic_ns() - start;
	run->report->outcome = counts->objects ? TARN_RUN_COMMITTED : TARN_RUN_NOTHING_NEW;
	return rc;
}

static void close_commit(struct commit_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		release_account(&run->accounts[i]);
	free(run->accounts);
	tarn_seen_release(&run->seen);
	tarn_targets_release(&run->targets);
	tarn_ledger_close(run->ledger);
	tarn_catalog_close(run->catalog);
	tarn_arena_release(&run->arena);
}

enum tarn_rc tarn_run_commit(const struct tarn_run_options *options, const struct tarn_slice *lines, size_t n_lines,
			     struct tarn_run_report *report, struct tarn_err *err)
{
	struct tarn_run_report new = { .outcome = TARN_RUN_FAILED };
	struct commit_run run = { .options = options, .report = &new, .started_us = tarn_now_us() };
	enum tarn_rc rc;

	if (!n_lines)
		return tarn_fail(err, TARN_EINVALID, "no line of work, expected at least one");
	tarn_arena_init(&run.arena);
	run.accounts = tarn_calloc(n_lines, sizeof(*run.accounts));
	rc = parse_accounts(&run, lines, n_lines, err);
	if (!rc)
		rc = open_commit(&run, err);
	for (size_t i = 0; !rc && i < run.n; i++)
		rc = accept(&run, &run.accounts[i], err);
	if (!rc)
		rc = commit_accounts(&run, err);
	close_commit(&run);
	if (!rc)
		*report = new;
	return rc;
}
