/* The pipeline inside one process. Units are handed out in order and decoded by any thread; two sections are passed in
 * order again: admission (is it new?) and writing. So the files depend on the data alone, not on the threads.
 *
 *   reader (one at a time) -> decode -> [admission, in order] -> encode large portions -> [writing, in order]
 *
 * Lock order: `reading` before `lock`; `lock` guards turns and failure only. */
#include "process/run/work.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/point.h"
#include "process/run/account.h"
#include "process/run/split_reader.h"

enum {
	PORTION_ROWS = 32768, /* of one table and partition in one unit: a row group of its own */
	JOBS_MAX = 256,
	JOB_BYTES = 4 << 20, /* of raw objects; a further thread costs more than it brings where there is less */
};

struct pipeline {
	const struct tarn_work_input *input;
	struct tarn_record_plans *plans;
	struct tarn_reader *reader;
	struct tarn_account *account;
	struct tarn_outputs *outputs;
	struct tarn_run_stamp stamp;
	pthread_mutex_t reading;
	uint64_t issued; /* under reading */
	pthread_mutex_t lock;
	pthread_cond_t turned;
	uint64_t admitted, written; /* the unit whose turn it is */
	enum tarn_rc rc;	    /* the first failure */
	struct tarn_err err;
	struct tarn_work_progress progress; /* in the writing section */
	atomic_size_t finishing;
};

static void fail(struct pipeline *pipeline, enum tarn_rc rc, const struct tarn_err *err)
{
	pthread_mutex_lock(&pipeline->lock);
	if (!pipeline->rc) {
		pipeline->rc = rc;
		pipeline->err = *err;
	}
	pthread_cond_broadcast(&pipeline->turned);
	pthread_mutex_unlock(&pipeline->lock);
}

/* Waits until `*turn` is the unit's; false where the work has failed meanwhile. */
static bool enter(struct pipeline *pipeline, const uint64_t *turn, uint64_t number)
{
	bool fine;

	pthread_mutex_lock(&pipeline->lock);
	while (!pipeline->rc && *turn != number)
		pthread_cond_wait(&pipeline->turned, &pipeline->lock);
	fine = !pipeline->rc;
	pthread_mutex_unlock(&pipeline->lock);
	return fine;
}

static void leave(struct pipeline *pipeline, uint64_t *turn)
{
	pthread_mutex_lock(&pipeline->lock);
	++*turn;
	pthread_cond_broadcast(&pipeline->turned);
	pthread_mutex_unlock(&pipeline->lock);
}

/* ---- admission ---- */

static void add_rows(struct tarn_unit *unit, struct tarn_output *output, size_t rows)
{
	for (size_t i = unit->n_portions; i--;) {
		if (unit->portions[i].output == output) {
			unit->portions[i].rows += rows;
			return;
		}
	}
	unit->portions =
		tarn_grow(unit->portions, &unit->portions_capacity, unit->n_portions + 1, sizeof(*unit->portions));
	unit->portions[unit->n_portions++] = (struct tarn_portion){ .output = output, .rows = rows };
}

static void route_record(struct pipeline *pipeline, struct tarn_unit *unit, struct tarn_unit_record *record)
{
	struct tarn_partition_value partition[TARN_FEATURE_PARTITION_MAX];

	for (size_t i = 0; i < TARN_N_FEATURES; i++) {
		size_t rows = tarn_features[i]->rows(&record->experiment.record);

		record->outputs[i] = NULL;
		if (!rows)
			continue;
		tarn_feature_partition(&tarn_features[i]->table, &record->experiment, &pipeline->stamp, partition);
		record->outputs[i] = tarn_outputs_find(pipeline->outputs, i, partition);
		add_rows(unit, record->outputs[i], rows);
	}
}

static struct tarn_output *find_dated(struct pipeline *pipeline, size_t target)
{
	const struct tarn_partition_value date = { .present = true, .number = pipeline->stamp.date };

	return tarn_outputs_find(pipeline->outputs, target, &date);
}

static enum tarn_rc admit(struct pipeline *pipeline, struct tarn_unit *unit, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_account_admit(pipeline->account, unit, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < unit->n_records; i++) {
		if (unit->records[i].state == TARN_RECORD_NEW)
			route_record(pipeline, unit, &unit->records[i]);
		else if (unit->records[i].state == TARN_RECORD_DIFFERENT)
			unit->repeats_output = find_dated(pipeline, TARN_TARGET_REPEATED_RESULTS);
	}
	if (unit->n_letters)
		unit->letters_output = find_dated(pipeline, TARN_TARGET_DEAD_LETTERS);
	return TARN_OK;
}

/* ---- encoding and writing ---- */

static void emit_portion(const struct pipeline *pipeline, const struct tarn_unit *unit,
			 const struct tarn_portion *portion, struct tarn_parquet_group *group)
{
	size_t table = tarn_output_target(portion->output);

	for (size_t i = 0; i < unit->n_records; i++) {
		const struct tarn_unit_record *record = &unit->records[i];

		if (record->state == TARN_RECORD_NEW && record->outputs[table] == portion->output)
			tarn_features[table]->emit(&record->experiment, &pipeline->stamp, group);
	}
}

static enum tarn_rc encode_large(const struct pipeline *pipeline, struct tarn_unit *unit, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	for (size_t i = 0; !rc && i < unit->n_portions; i++) {
		struct tarn_portion *portion = &unit->portions[i];

		if (portion->rows < PORTION_ROWS)
			continue;
		portion->group = tarn_output_group_new(portion->output, unit->scratch);
		emit_portion(pipeline, unit, portion, portion->group);
		rc = tarn_parquet_group_finish(portion->group, err);
	}
	return rc;
}

static enum tarn_rc write_portion(const struct pipeline *pipeline, struct tarn_unit *unit, struct tarn_portion *portion,
				  struct tarn_err *err)
{
	struct tarn_parquet_group *group = portion->group;

	if (group) {
		portion->group = NULL;
		return tarn_output_append(portion->output, group, unit->scratch, err);
	}
	emit_portion(pipeline, unit, portion, tarn_output_open_group(portion->output, unit->scratch));
	return tarn_output_settle(portion->output, unit->scratch, err);
}

static void write_letters(const struct pipeline *pipeline, const struct tarn_unit *unit)
{
	for (size_t i = 0; i < unit->n_letters; i++)
		tarn_dead_letters_emit(&unit->letters[i].letter, &pipeline->stamp,
				       tarn_output_open_group(unit->letters_output, unit->scratch));
}

static void write_repeats(const struct pipeline *pipeline, const struct tarn_unit *unit)
{
	for (size_t i = 0; i < unit->n_records; i++)
		if (unit->records[i].state == TARN_RECORD_DIFFERENT)
			tarn_repeated_results_emit(&unit->records[i].experiment, &unit->records[i].first,
						   &pipeline->stamp,
						   tarn_output_open_group(unit->repeats_output, unit->scratch));
}

static void report_progress(struct pipeline *pipeline, const struct tarn_unit *unit)
{
	const struct tarn_work_input *input = pipeline->input;

	for (size_t i = 0; i < unit->n_pieces; i++) {
		pipeline->progress.objects += !unit->pieces[i].is_part;
		pipeline->progress.bytes += (int64_t)unit->pieces[i].len;
	}
	if (input->progress)
		input->progress(input->progress_context, &pipeline->progress);
}

static enum tarn_rc write_unit(struct pipeline *pipeline, struct tarn_unit *unit, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	for (size_t i = 0; !rc && i < unit->n_portions; i++)
		rc = write_portion(pipeline, unit, &unit->portions[i], err);
	write_letters(pipeline, unit);
	write_repeats(pipeline, unit);
	if (!rc)
		rc = tarn_outputs_bound(pipeline->outputs, unit->scratch, err);
	report_progress(pipeline, unit);
	return rc;
}

/* ---- threads ---- */

static enum tarn_rc read_unit(struct pipeline *pipeline, struct tarn_unit *unit, bool *any, struct tarn_err *err)
{
	enum tarn_rc rc;

	tarn_unit_clear(unit);
	pthread_mutex_lock(&pipeline->reading);
	rc = tarn_reader_next(pipeline->reader, unit, any, err);
	if (!rc && *any)
		unit->number = pipeline->issued++;
	pthread_mutex_unlock(&pipeline->reading);
	return rc;
}

/* One unit, from bytes to files; *any is false behind the last one or after a failure elsewhere. */
static enum tarn_rc work_on_unit(struct pipeline *pipeline, struct tarn_unit *unit, bool *any, struct tarn_err *err)
{
	enum tarn_rc rc = read_unit(pipeline, unit, any, err);

	if (rc || !*any)
		return rc;
	tarn_unit_decode(unit, pipeline->plans);
	if (!(*any = enter(pipeline, &pipeline->admitted, unit->number)))
		return TARN_OK;
	rc = admit(pipeline, unit, err);
	if (rc)
		return rc;
	leave(pipeline, &pipeline->admitted);
	rc = encode_large(pipeline, unit, err);
	if (rc)
		return rc;
	if (!(*any = enter(pipeline, &pipeline->written, unit->number)))
		return TARN_OK;
	rc = write_unit(pipeline, unit, err);
	if (rc)
		return rc;
	leave(pipeline, &pipeline->written);
	tarn_point("work.unit");
	return TARN_OK;
}

static void *run_worker(void *context)
{
	struct pipeline *pipeline = context;
	struct tarn_unit unit;
	struct tarn_err err;
	enum tarn_rc rc;
	bool any = true;

	tarn_unit_init(&unit);
	do {
		rc = work_on_unit(pipeline, &unit, &any, &err);
	} while (!rc && any);
	if (rc)
		fail(pipeline, rc, &err);
	tarn_unit_release(&unit);
	return NULL;
}

/* Closes the files, one after the other as threads come free. */
static void *run_finisher(void *context)
{
	struct pipeline *pipeline = context;
	struct tarn_parquet_scratch *scratch = tarn_parquet_scratch_new();
	size_t n = tarn_outputs_count(pipeline->outputs), i;

	while ((i = atomic_fetch_add(&pipeline->finishing, 1)) < n) {
		struct tarn_err err;
		enum tarn_rc rc = tarn_output_finish(tarn_outputs_at(pipeline->outputs, i), scratch, &err);

		if (rc) {
			fail(pipeline, rc, &err);
			break;
		}
	}
	tarn_parquet_scratch_free(scratch);
	return NULL;
}

/* Runs `body` on `jobs` threads, this one among them; fewer where the split is small or the system gives no more. */
static void run_threads(struct pipeline *pipeline, void *(*body)(void *))
{
	pthread_t threads[JOBS_MAX];
	int n = 0, jobs = pipeline->input->jobs;

	if (jobs > JOBS_MAX)
		jobs = JOBS_MAX;
	if (jobs > 1 + pipeline->input->split->bytes / JOB_BYTES)
		jobs = 1 + (int)(pipeline->input->split->bytes / JOB_BYTES);
	while (n < jobs - 1 && !pthread_create(&threads[n], NULL, body, pipeline))
		n++;
	body(pipeline);
	while (n)
		pthread_join(threads[--n], NULL);
}

/* ---- the whole ---- */

static void collect_files(const struct pipeline *pipeline, struct tarn_work_result *result)
{
	size_t n = tarn_outputs_count(pipeline->outputs), total = 0;

	for (size_t i = 0; i < n; i++)
		total += tarn_output_file_count(tarn_outputs_at(pipeline->outputs, i));
	result->files = tarn_arena_zalloc(&result->arena, (total + 1) * sizeof(*result->files));
	for (size_t target = 0; target < TARN_N_TARGETS; target++) {
		for (size_t i = 0; i < n; i++) {
			struct tarn_output *output = tarn_outputs_at(pipeline->outputs, i);

			if (tarn_output_target(output) != target)
				continue;
			for (size_t j = 0; j < tarn_output_file_count(output); j++) {
				struct tarn_work_file *file = &result->files[result->n_files++];

				file->target = target;
				tarn_output_file(output, j, &result->arena, &file->file);
			}
		}
	}
}

static enum tarn_rc pipeline_init(struct pipeline *pipeline, const struct tarn_work_input *input, struct tarn_err *err)
{
	const struct tarn_split *split = input->split;

	*pipeline = (struct pipeline){ .input = input };
	pipeline->stamp.now_us = split->now_us;
	pipeline->stamp.date = tarn_days_of_us(split->now_us);
	memcpy(pipeline->stamp.run_id, split->run_id, sizeof(pipeline->stamp.run_id));
	pipeline->progress.objects_total = (int64_t)split->n_objects;
	pipeline->progress.bytes_total = split->bytes;
	pipeline->plans = tarn_record_plans_new();
	pipeline->account = tarn_account_new(input);
	pipeline->outputs = tarn_outputs_new(input->lake, input->targets, split->run_id, split->index, input->attempt);
	pthread_mutex_init(&pipeline->reading, NULL);
	pthread_mutex_init(&pipeline->lock, NULL);
	pthread_cond_init(&pipeline->turned, NULL);
	return tarn_reader_new(split, input->raw, input->ledger, pipeline->plans, &pipeline->reader, err);
}

static void pipeline_release(struct pipeline *pipeline)
{
	tarn_outputs_free(pipeline->outputs);
	tarn_account_free(pipeline->account);
	tarn_reader_free(pipeline->reader);
	tarn_record_plans_free(pipeline->plans);
	pthread_cond_destroy(&pipeline->turned);
	pthread_mutex_destroy(&pipeline->lock);
	pthread_mutex_destroy(&pipeline->reading);
}

enum tarn_rc tarn_work(const struct tarn_work_input *input, struct tarn_work_result *result, struct tarn_err *err)
{
	struct pipeline pipeline;

	pipeline.rc = pipeline_init(&pipeline, input, &pipeline.err);
	if (!pipeline.rc)
		run_threads(&pipeline, run_worker);
	if (!pipeline.rc)
		run_threads(&pipeline, run_finisher);
	if (!pipeline.rc) {
		*result = (struct tarn_work_result){ 0 };
		tarn_arena_init(&result->arena);
		tarn_account_close(pipeline.account, result);
		collect_files(&pipeline, result);
		tarn_point("work.done");
	} else if (err) {
		*err = pipeline.err;
	}
	pipeline_release(&pipeline);
	return pipeline.rc;
}

void tarn_work_result_release(struct tarn_work_result *result)
{
	for (size_t i = 0; i < result->n_partitions; i++)
		tarn_ranges_release(&result->partitions[i].ranges);
	tarn_arena_release(&result->arena);
	*result = (struct tarn_work_result){ 0 };
}
