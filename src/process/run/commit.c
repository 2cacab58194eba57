#include "process/run/commit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/point.h"
#include "base/utf8.h"
#include "process/run/output.h"
#include "store/iceberg/manifest.h"

enum { LEDGER_SUMMARY_MAX = 16 << 10 };

/* What all results together come to. */
struct commit {
	const struct tarn_commit_input *input;
	struct tarn_commit_table *tables;
	struct tarn_manifest_reader *reader;
	struct tarn_arena arena;
	struct tarn_data_file *files[TARN_N_TARGETS];
	size_t n_files[TARN_N_TARGETS];
	struct tarn_work_topic *topics;
	size_t n_topics;
	struct tarn_outputs *audit; /* holds what the audit file's metrics point to */
	struct tarn_ledger_change change;
	struct tarn_run_row run;
	struct tarn_catalog_change changes[TARN_N_TARGETS];
	size_t n_changes;
	char *ledger_json; /* NULL where it is too long for a summary */
	int64_t position;  /* before the commit, see tarn_position_of */
};

/* ---- putting the results together ---- */

static void *gather(struct commit *commit, size_t total, size_t item_size)
{
	return tarn_arena_zalloc(&commit->arena, (total + 1) * item_size);
}

static void gather_files(struct commit *commit)
{
	const struct tarn_commit_input *input = commit->input;

	for (size_t target = 0; target < TARN_N_TARGETS; target++) {
		size_t total = 0;

		for (size_t i = 0; i < input->n_results; i++)
			total += input->results[i].n_files;
		commit->files[target] = gather(commit, total, sizeof(struct tarn_data_file));
	}
	for (size_t i = 0; i < input->n_results; i++) {
		for (size_t j = 0; j < input->results[i].n_files; j++) {
			const struct tarn_work_file *work = &input->results[i].files[j];

			commit->files[work->target][commit->n_files[work->target]++] = work->file;
		}
	}
}

static struct tarn_work_topic *find_topic(struct commit *commit, const char *name)
{
	for (size_t i = 0; i < commit->n_topics; i++)
		if (!strcmp(commit->topics[i].name, name))
			return &commit->topics[i];
	commit->topics[commit->n_topics].name = name;
	return &commit->topics[commit->n_topics++];
}

static void gather_topics(struct commit *commit)
{
	const struct tarn_commit_input *input = commit->input;
	size_t total = 0;

	for (size_t i = 0; i < input->n_results; i++)
		total += input->results[i].n_topics;
	commit->topics = gather(commit, total, sizeof(*commit->topics));
	for (size_t i = 0; i < input->n_results; i++) {
		for (size_t j = 0; j < input->results[i].n_topics; j++) {
			const struct tarn_work_topic *from = &input->results[i].topics[j];
			struct tarn_work_topic *to = find_topic(commit, from->name);

			for (size_t k = 0; k < TARN_N_FEATURES; k++)
				to->rows[k] += from->rows[k];
		}
	}
}

static void gather_ledger(struct commit *commit)
{
	const struct tarn_commit_input *input = commit->input;
	struct tarn_ledger_change *change = &commit->change;
	struct tarn_ledger_experiment *experiments;
	struct tarn_ledger_named *objects;

	for (size_t i = 0; i < input->n_results; i++) {
		change->n_partitions += input->results[i].n_partitions;
		change->n_objects += input->results[i].n_objects;
		change->n_experiments += input->results[i].n_experiments;
	}
	change->partitions = gather(commit, change->n_partitions, sizeof(*change->partitions));
	change->objects = objects = gather(commit, change->n_objects, sizeof(*objects));
	change->experiments = experiments = gather(commit, change->n_experiments, sizeof(*experiments));
	change->n_partitions = change->n_objects = change->n_experiments = 0;
	for (size_t i = 0; i < input->n_results; i++) {
		const struct tarn_work_result *result = &input->results[i];

		for (size_t j = 0; j < result->n_partitions; j++)
			change->partitions[change->n_partitions++] = result->partitions[j];
		for (size_t j = 0; j < result->n_objects; j++)
			objects[change->n_objects++] = result->objects[j];
		for (size_t j = 0; j < result->n_experiments; j++)
			experiments[change->n_experiments++] = result->experiments[j];
		tarn_run_counts_add(&commit->run.counts, &result->counts);
	}
	change->source = input->source;
	change->folders = input->plan ? input->plan->folders : NULL;
	change->n_folders = input->plan ? input->plan->n_folders : 0;
	change->run = &commit->run;
}

static void count_table(struct commit *commit, size_t target)
{
	struct tarn_commit_table *table = &commit->tables[target];

	*table = (struct tarn_commit_table){ .files = (int64_t)commit->n_files[target] };
	for (size_t i = 0; i < commit->n_files[target]; i++) {
		table->rows += commit->files[target][i].rows;
		table->bytes += commit->files[target][i].bytes;
	}
}

/* ---- versions ---- */

static bool has_ref(const struct tarn_table *table, const char *name)
{
	size_t n;
	const struct tarn_ref *refs = tarn_table_refs(table, &n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(refs[i].name, name))
			return true;
	return false;
}

/* "v_<run>" on a table's first snapshot, "v_incr_<run>" later; a run that commits in several goes gets a number behind.
 */
static void name_version(const struct tarn_target *target, const char *run_id, char version[80])
{
	char plain[TARN_UUID_SIZE];
	size_t len = 0;

	for (const char *at = run_id; *at && len < sizeof(plain) - 1; at++)
		if (*at != '-')
			plain[len++] = *at;
	plain[len] = '\0';
	snprintf(version, 80, "%s%s", tarn_table_current(target->table) ? "v_incr_" : "v_", plain);
	len = strlen(version);
	for (unsigned go = 2; has_ref(target->table, version); go++)
		snprintf(version + len, 80 - len, "_%u", go);
}

/* With the first commit all tables come into being, so that a query for dead letters finds none instead of failing. */
static bool is_appended_to(const struct commit *commit, size_t target)
{
	return commit->n_files[target] || !tarn_table_current(commit->input->targets->items[target].table);
}

static void name_versions(struct commit *commit)
{
	for (size_t i = 0; i < TARN_TARGET_PROCESSING_METADATA; i++)
		if (is_appended_to(commit, i))
			name_version(&commit->input->targets->items[i], commit->input->stamp->run_id,
				     commit->tables[i].version);
}

/* ---- the audit ---- */

static void emit_topic(struct commit *commit, const struct tarn_work_topic *topic, struct tarn_parquet_group *group)
{
	const char *names[TARN_N_FEATURES], *versions[TARN_N_FEATURES];
	struct tarn_buf info;

	tarn_buf_init(&info, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add_str(&info, "Incremental VQE simulation data processing from topic ");
	tarn_utf8_repair(tarn_slice_str(topic->name), &info);
	for (size_t i = 0; i < TARN_N_FEATURES; i++) {
		names[i] = tarn_features[i]->table.name;
		versions[i] = topic->rows[i] ? commit->tables[i].version : "no_changes";
	}
	tarn_processing_metadata_emit(
		&(struct tarn_topic_report){
			.table_names = names,
			.table_versions = versions,
			.record_counts = topic->rows,
			.n_tables = TARN_N_FEATURES,
			.source_data_info = tarn_buf_slice(&info),
		},
		commit->input->stamp, group);
	tarn_buf_release(&info);
}

/* One data file with a row per topic. Its name holds how many snapshots the table has, so that a second commit of the
 * same run gets another. */
static enum tarn_rc write_audit(struct commit *commit, struct tarn_err *err)
{
	const struct tarn_commit_input *input = commit->input;
	const size_t target = TARN_TARGET_PROCESSING_METADATA;
	const struct tarn_partition_value none = { 0 };
	struct tarn_parquet_scratch *scratch = tarn_parquet_scratch_new();
	struct tarn_output *output;
	size_t n_snapshots;
	enum tarn_rc rc;

	tarn_table_snapshots(input->targets->items[target].table, &n_snapshots);
	commit->audit = tarn_outputs_new(tarn_catalog_store(input->catalog), input->targets, input->stamp->run_id, 0,
					 (uint32_t)n_snapshots);
	output = tarn_outputs_find(commit->audit, target, &none);
	for (size_t i = 0; i < commit->n_topics; i++)
		emit_topic(commit, &commit->topics[i], tarn_output_open_group(output, scratch));
	rc = tarn_output_finish(output, scratch, err);
	tarn_parquet_scratch_free(scratch);
	if (rc)
		return rc;
	commit->files[target] = gather(commit, 1, sizeof(struct tarn_data_file));
	tarn_output_file(output, 0, &commit->arena, &commit->files[target][0]);
	commit->n_files[target] = 1;
	count_table(commit, target);
	return TARN_OK;
}

/* ---- appending ---- */

static enum tarn_rc append_table(struct commit *commit, size_t index, struct tarn_err *err)
{
	const struct tarn_commit_input *input = commit->input;
	const struct tarn_target *target = &input->targets->items[index];
	struct tarn_property summary[3] = {
		{ "tarn.run-id", input->stamp->run_id },
		{ "tarn.source", input->source },
		{ "tarn.ledger", commit->ledger_json },
	};
	char attempt[TARN_UUID_SIZE];
	const struct tarn_append append = {
		.snapshot_id = tarn_target_snapshot_id(target, input->stamp->run_id),
		.now_us = input->stamp->now_us,
		.tag = *commit->tables[index].version ? commit->tables[index].version : NULL,
		.attempt_uuid = attempt,
		.summary = summary,
		.reader = commit->reader,
		.n_summary = index == TARN_TARGET_PROCESSING_METADATA && commit->ledger_json ? 3 : 2,
	};
	enum tarn_rc rc;

	/* By chance, not by the run: one that died may be tried again under its id, and has left manifests behind. */
	tarn_uuid(attempt);
	rc = tarn_table_append(target->table, tarn_catalog_store(input->catalog), commit->files[index],
			       commit->n_files[index], &append, target->metadata_location, err);
	if (rc)
		return tarn_err_within(err, rc, "table \"%s\"", target->definition->name);
	commit->changes[commit->n_changes++] = (struct tarn_catalog_change){
		.name = target->definition->name,
		.table = target->table,
		.previous_location = target->metadata_location,
	};
	return TARN_OK;
}

static enum tarn_rc write_ledger_json(struct commit *commit, struct tarn_err *err)
{
	struct tarn_buf json;
	enum tarn_rc rc;

	tarn_buf_init(&json, TARN_BUF_DEFAULT_MAX);
	rc = tarn_ledger_state_json(commit->input->ledger, &commit->change, &json, err);
	if (!rc && json.len <= LEDGER_SUMMARY_MAX)
		commit->ledger_json = tarn_arena_strndup(&commit->arena, (const char *)json.data, json.len);
	tarn_buf_release(&json);
	return rc;
}

/* Each append reads its table's manifest list. */
static void expect_manifest_lists(const struct commit *commit)
{
	struct tarn_store *store = tarn_catalog_store(commit->input->catalog);

	for (size_t i = 0; i < TARN_N_TARGETS; i++) {
		const struct tarn_snapshot *current = tarn_table_current(commit->input->targets->items[i].table);
		const char *key = current && commit->n_files[i] ? tarn_store_key(store, current->manifest_list) : NULL;

		if (key && !tarn_store_expect(store, key, -1))
			return;
	}
}

static const struct tarn_table *audit_of(const struct commit *commit)
{
	return commit->input->targets->items[TARN_TARGET_PROCESSING_METADATA].table;
}

/* Beside a REST catalog the ledger may be of another state than the tables are by now. From here on the catalog itself
 * sees to it: every commit adds to the audit, on condition that nobody else has. */
static enum tarn_rc check_position(struct commit *commit, struct tarn_err *err)
{
	const struct tarn_commit_input *input = commit->input;
	int64_t position;
	enum tarn_rc rc;

	commit->position = tarn_position_of(audit_of(commit));
	if (!tarn_catalog_is_remote(input->catalog))
		return TARN_OK;
	rc = tarn_ledger_position(tarn_catalog_db(input->catalog), input->source, &position, err);
	if (rc || position == commit->position)
		return rc;
	tarn_fail(err, TARN_ECONFLICT, "another run has committed meanwhile");
	tarn_err_hint(err, "run it again: it starts from what the other one wrote");
	return TARN_ECONFLICT;
}

static enum tarn_rc append_tables(struct commit *commit, struct tarn_err *err)
{
	enum tarn_rc rc = check_position(commit, err);

	if (!rc)
		rc = write_audit(commit, err);
	if (!rc)
		rc = write_ledger_json(commit, err);
	expect_manifest_lists(commit);
	for (size_t i = 0; !rc && i < TARN_N_TARGETS; i++)
		if (is_appended_to(commit, i))
			rc = append_table(commit, i, err);
	return rc;
}

/* ---- the transaction ---- */

static char *tables_json(struct commit *commit)
{
	json_t *json = json_object();
	char *text, *copy;

	for (size_t i = 0; i < TARN_N_TARGETS; i++) {
		const struct tarn_commit_table *table = &commit->tables[i];

		if (table->files)
			json_object_set_new(json, tarn_target_definition(i)->name,
					    json_pack("{s:I, s:I, s:I, s:s}", "rows", (json_int_t)table->rows, "files",
						      (json_int_t)table->files, "bytes", (json_int_t)table->bytes,
						      "version", table->version));
	}
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	copy = tarn_arena_strdup(&commit->arena, text);
	free(text);
	return copy;
}

static enum tarn_rc apply_ledger(void *context, struct sqlite3 *db, struct tarn_err *err)
{
	struct commit *commit = context;
	enum tarn_rc rc;

	commit->run.ended_us = tarn_now_us();
	rc = tarn_ledger_apply(db, &commit->change, err);
	if (rc || !commit->n_changes || !tarn_catalog_is_remote(commit->input->catalog))
		return rc;
	return tarn_ledger_move(db, commit->input->source, commit->position, tarn_position_of(audit_of(commit)), err);
}

static enum tarn_rc run_commit(struct commit *commit, struct tarn_err *err)
{
	const struct tarn_commit_input *input = commit->input;
	size_t n_files = 0;
	enum tarn_rc rc = TARN_OK;

	gather_files(commit);
	gather_topics(commit);
	gather_ledger(commit);
	for (size_t i = 0; i < TARN_N_TARGETS; i++) {
		count_table(commit, i);
		n_files += commit->n_files[i];
	}
	name_versions(commit);
	/* Nothing but repeats: the tables stay as they are, only the ledger moves. */
	if (n_files)
		rc = append_tables(commit, err);
	if (rc)
		return rc;
	tarn_point("commit.appended");
	commit->run = (struct tarn_run_row){
		.run_id = input->stamp->run_id,
		.source = input->source,
		.started_us = input->started_us,
		.outcome = TARN_RUN_COMMITTED,
		.counts = commit->run.counts,
		.tables_json = tables_json(commit),
	};
	tarn_point("commit.before");
	return tarn_catalog_commit(input->catalog, commit->changes, commit->n_changes, apply_ledger, commit, err);
}

enum tarn_rc tarn_commit(const struct tarn_commit_input *input, struct tarn_commit_table tables[TARN_N_TARGETS],
			 struct tarn_err *err)
{
	struct commit commit = { .input = input, .tables = tables, .reader = tarn_manifest_reader_new() };
	enum tarn_rc rc;

	tarn_arena_init(&commit.arena);
	rc = run_commit(&commit, err);
	tarn_outputs_free(commit.audit);
	tarn_manifest_reader_free(commit.reader);
	tarn_arena_release(&commit.arena);
	return rc;
}

enum tarn_rc tarn_commit_run_row(struct sqlite3 *db, const struct tarn_run_row *row, const struct tarn_plan *plan,
				 struct tarn_err *err)
{
	const struct tarn_ledger_change change = {
		.source = row->source,
		.folders = plan ? plan->folders : NULL,
		.n_folders = plan ? plan->n_folders : 0,
		.run = row,
	};
	enum tarn_rc rc = tarn_sql_run(db, "BEGIN IMMEDIATE", "noting a run", err);

	if (rc)
		return rc;
	rc = tarn_ledger_apply(db, &change, err);
	if (!rc)
		rc = tarn_sql_run(db, "COMMIT", "noting a run", err);
	if (rc)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
