/* Commit alone: accounts of splits that were worked on elsewhere, checked against what the lake has got meanwhile. */
#include <stdlib.h>

#include "process/run/rebuild.h"
#include "process/run/run_steps.h"

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
	struct tarn_seen seen;	 /* of the splits that were accepted */
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
			return tarn_fail(err, TARN_EINVALID,
					 "lines of runs \"%s\" and \"%s\", expected those of one plan", first->run_id,
					 account->split.run_id);
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
		enum tarn_rc rc = tarn_ledger_ranges(run->ledger, partition->topic, partition->partition, &ranges, err);

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
	enum tarn_rc rc = tarn_run_split(run->options, run->catalog, &run->targets, run->ledger, &account->split,
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

static enum tarn_rc follow_tables(struct commit_run *run, const struct tarn_split *split, struct tarn_err *err)
{
	struct tarn_raw raw;
	enum tarn_rc rc;

	if (!tarn_catalog_is_remote(run->catalog))
		return TARN_OK;
	rc = tarn_run_open_split(run->options, split, &raw, err);
	if (rc)
		return rc;
	rc = tarn_ledger_follow(run->catalog, &raw, split->source, err);
	tarn_raw_close(&raw);
	return rc;
}

static enum tarn_rc open_commit(struct commit_run *run, struct tarn_err *err)
{
	const struct tarn_split *split = &run->accounts[0].split;
	enum tarn_rc rc = tarn_catalog_open_at(run->options->lake, run->options->catalog, TARN_CATALOG_WRITE,
					       run->options->wait_ms, &run->catalog, err);

	run->stamp = tarn_run_stamp_at(split->run_id, split->now_us);
	memcpy(run->report->run_id, run->stamp.run_id, sizeof(run->report->run_id));
	if (!rc)
		rc = follow_tables(run, split, err);
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
