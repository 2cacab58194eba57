/* The tables tell what was processed: each row names its object, offset and run. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "process/run/raw_object.h"
#include "process/run/rebuild.h"
#include "store/iceberg/scan.h"

enum { MOST_COLUMNS = 8 };

/* ---- columns of a table, row by row ---- */

struct row {
	const struct tarn_vector *vectors;
	size_t at;
};

static struct tarn_slice text_of(const struct row *row, size_t column)
{
	const struct tarn_vector *vector = &row->vectors[column];

	if (vector->valid && !vector->valid[row->at])
		return tarn_slice_of(NULL, 0);
	return tarn_slice_of(vector->data + vector->offsets[row->at],
			     (size_t)(vector->offsets[row->at + 1] - vector->offsets[row->at]));
}

/* Of an int or a long; -1 for null. */
static int64_t number_of(const struct row *row, size_t column)
{
	const struct tarn_vector *vector = &row->vectors[column];

	if (vector->valid && !vector->valid[row->at])
		return -1;
	if (vector->field->kind == TARN_TYPE_INT)
		return ((const int32_t *)vector->values)[row->at];
	return ((const int64_t *)vector->values)[row->at];
}

struct table_reading {
	const char *name;
	const char *columns[MOST_COLUMNS]; /* a NULL ends them */
	enum tarn_rc (*see)(struct tarn_known *known, const struct row *row, struct tarn_err *err);
	struct tarn_known *known;
	const struct tarn_table *table;
	struct tarn_store *store;
	const struct tarn_field *fields[MOST_COLUMNS];
	size_t n;
};

static enum tarn_rc find_columns(struct table_reading *reading, const struct tarn_table *table, struct tarn_err *err)
{
	size_t n;
	const struct tarn_field *fields = tarn_table_fields(table, &n);

	for (reading->n = 0; reading->n < MOST_COLUMNS && reading->columns[reading->n]; reading->n++) {
		const char *name = reading->columns[reading->n];
		size_t i = 0;

		while (i < n && strcmp(fields[i].name, name))
			i++;
		if (i == n)
			return tarn_fail(err, TARN_EINVALID, "the table has no column \"%s\"", name);
		reading->fields[reading->n] = &fields[i];
	}
	return TARN_OK;
}

static enum tarn_rc read_group(struct table_reading *reading, struct tarn_parquet_reader *parquet, size_t group,
			       struct tarn_err *err)
{
	struct tarn_vector vectors[MOST_COLUMNS];
	struct row row = { .vectors = vectors };
	size_t n_rows = (size_t)tarn_parquet_group_row_count(parquet, group), read = 0;
	enum tarn_rc rc = TARN_OK;

	for (; !rc && read < reading->n; read += !rc)
		rc = tarn_parquet_read(parquet, group, reading->fields[read], &vectors[read], err);
	for (; !rc && row.at < n_rows; row.at++)
		rc = reading->see(reading->known, &row, err);
	while (read)
		tarn_vector_release(&vectors[--read]);
	return rc;
}

static struct tarn_known_run *run_of(struct tarn_known *known, struct tarn_slice run_id);

/* Whether one of the runs that count has added a file. Of one whose snapshot has expired nobody can tell. */
static bool is_wanted(const struct table_reading *reading, const struct tarn_scan_file *file)
{
	const struct tarn_snapshot *snapshot = tarn_table_snapshot(reading->table, file->added_snapshot_id);
	const char *run_id = snapshot ? tarn_snapshot_summary(snapshot, "tarn.run-id") : NULL;

	return !reading->known->since || !run_id || run_of(reading->known, tarn_slice_str(run_id));
}

static enum tarn_rc read_file(void *context, const struct tarn_scan_file *file, struct tarn_err *err)
{
	struct table_reading *reading = context;
	struct tarn_scan_reader *scan;
	enum tarn_rc rc;

	if (!is_wanted(reading, file))
		return TARN_OK;
	rc = tarn_scan_open(reading->store, file->location, &scan, err);
	if (rc)
		return rc;
	for (size_t group = 0; !rc && group < tarn_parquet_groups(tarn_scan_parquet(scan)); group++)
		rc = read_group(reading, tarn_scan_parquet(scan), group, err);
	tarn_scan_close(scan);
	return rc ? tarn_err_within(err, rc, "\"%s\"", file->location) : TARN_OK;
}

/* A table that is not there has no rows. */
enum tarn_rc tarn_known_load(struct tarn_catalog *catalog, const char *name, struct tarn_table **table,
			     struct tarn_err *err)
{
	struct tarn_err problem;
	enum tarn_rc rc = tarn_catalog_load(catalog, name, table, NULL, &problem);

	if (rc == TARN_ENOTFOUND) {
		*table = NULL;
		return TARN_OK;
	}
	if (rc && err)
		*err = problem;
	return rc;
}

static enum tarn_rc read_table(struct table_reading *reading, struct tarn_catalog *catalog, struct tarn_err *err)
{
	struct tarn_table *table;
	enum tarn_rc rc = tarn_known_load(catalog, reading->name, &table, err);

	if (rc || !table)
		return rc;
	reading->table = table;
	reading->store = tarn_catalog_store(catalog);
	if (tarn_table_current(table)) {
		rc = find_columns(reading, table, err);
		if (!rc)
			rc = tarn_scan_files(table, tarn_table_current(table), reading->store, read_file, reading, err);
	}
	tarn_table_free(table);
	return rc ? tarn_err_within(err, rc, "table \"%s\"", reading->name) : TARN_OK;
}

/* ---- runs, by the summaries of snapshots ---- */

static void take_interval(struct tarn_ranges *ranges, const json_t *interval)
{
	int64_t first = json_integer_value(json_array_get(interval, 0));
	int64_t end = json_integer_value(json_array_get(interval, 1));

	if (first >= 0 && end > first)
		tarn_ranges_add(ranges, first, end);
}

static struct tarn_ledger_partition *find_partition(struct tarn_known *known, struct tarn_slice topic,
						    int32_t partition)
{
	struct tarn_ledger_partition *found;

	for (size_t i = known->n_partitions; i--;)
		if (known->partitions[i].partition == partition && tarn_slice_eq(known->partitions[i].topic, topic))
			return &known->partitions[i];
	known->partitions = tarn_grow(known->partitions, &known->cap_partitions, known->n_partitions + 1,
				      sizeof(*known->partitions));
	found = &known->partitions[known->n_partitions++];
	*found = (struct tarn_ledger_partition){
		.topic = tarn_slice_of(tarn_arena_copy(&known->arena, topic.data, topic.len), topic.len),
		.partition = partition,
		.tail_offset = -1,
	};
	return found;
}

/* {"<source>":{"<topic>/<partition>":[[first,end],...]}}: offsets of repeats are nowhere else. */
static void take_offsets(struct tarn_known *known, const char *text)
{
	json_t *all = json_loads(text, 0, NULL), *partitions = json_object_get(all, known->source), *intervals;
	const char *key;

	json_object_foreach(partitions, key, intervals)
	{
		const char *slash = strrchr(key, '/');
		struct tarn_ledger_partition *found;
		const json_t *interval;
		size_t i;

		if (!slash)
			continue;
		found = find_partition(known, tarn_slice_of(key, (size_t)(slash - key)),
				       (int32_t)strtol(slash + 1, NULL, 10));
		json_array_foreach(intervals, i, interval) take_interval(&found->ranges, interval);
	}
	json_decref(all);
}

static const char *keep(struct tarn_known *known, const char *text)
{
	return tarn_arena_strdup(&known->arena, text);
}

/* A snapshot that was rolled back is in the table still, but not in its history; what it had processed is open again.
 */
static bool *mark_history(struct tarn_known *known, const struct tarn_table *table)
{
	size_t n;
	const struct tarn_snapshot *snapshots = tarn_table_snapshots(table, &n), *at = tarn_table_current(table);
	bool *marks = tarn_arena_zalloc(&known->arena, n * sizeof(*marks));

	for (size_t i = n; at && at->id != known->since && i--;) {
		if (snapshots[i].id != at->id)
			continue;
		marks[i] = true;
		at = at->parent_id ? tarn_table_snapshot(table, at->parent_id) : NULL;
	}
	return marks;
}

static void take_run(struct tarn_known *known, const struct tarn_snapshot *snapshot)
{
	const char *run_id = tarn_snapshot_summary(snapshot, "tarn.run-id");
	const char *source = tarn_snapshot_summary(snapshot, "tarn.source");
	const char *offsets = tarn_snapshot_summary(snapshot, "tarn.ledger");

	if (!run_id || !source)
		return;
	known->runs = tarn_grow(known->runs, &known->cap_runs, known->n_runs + 1, sizeof(*known->runs));
	known->runs[known->n_runs++] = (struct tarn_known_run){
		.run_id = keep(known, run_id),
		.source = keep(known, source),
		.us = snapshot->timestamp_ms * 1000,
	};
	if (offsets)
		take_offsets(known, offsets);
}

static enum tarn_rc read_runs(struct tarn_known *known, struct tarn_catalog *catalog, struct tarn_err *err)
{
	struct tarn_table *table;
	const struct tarn_snapshot *snapshots;
	const bool *marks;
	size_t n;
	enum tarn_rc rc = tarn_known_load(catalog, "processing_metadata", &table, err);

	if (rc || !table)
		return rc;
	known->position = tarn_position_of(table);
	marks = mark_history(known, table);
	snapshots = tarn_table_snapshots(table, &n);
	for (size_t i = 0; i < n; i++)
		if (marks[i])
			take_run(known, &snapshots[i]);
	tarn_table_free(table);
	return TARN_OK;
}

/* The run that made a row; NULL where its snapshot has expired. Rows of a run come together, so the last one found is
 * looked at first. */
static struct tarn_known_run *run_of(struct tarn_known *known, struct tarn_slice run_id)
{
	for (size_t i = 0; i < known->n_runs; i++) {
		size_t at = (known->last_run + i) % known->n_runs;

		if (tarn_slice_eq(tarn_slice_str(known->runs[at].run_id), run_id)) {
			known->last_run = at;
			return &known->runs[at];
		}
	}
	return NULL;
}

/* ---- rows ---- */

static bool is_ours(const struct tarn_known *known, const struct tarn_known_run *run)
{
	return !run || !strcmp(run->source, known->source);
}

static void take_object(struct tarn_known *known, const char *key, bool watched)
{
	if (known->n_objects && !strcmp(known->objects[known->n_objects - 1].key, key)) {
		known->objects[known->n_objects - 1].watched |= watched;
		return;
	}
	known->objects = tarn_grow(known->objects, &known->cap_objects, known->n_objects + 1, sizeof(*known->objects));
	known->objects[known->n_objects++] = (struct tarn_known_object){ key, watched };
}

static void take_tail(struct tarn_ledger_partition *partition, const struct tarn_raw_object *object)
{
	if (object->offset <= partition->tail_offset)
		return;
	partition->tail_offset = object->offset;
	partition->tail_key = object->key;
}

/* The object, and the offset that one of its records became rows of. */
static void take_place(struct tarn_known *known, const char *key, struct tarn_slice topic, int64_t partition,
		       int64_t offset)
{
	struct tarn_ledger_partition *found;
	struct tarn_raw_object object;

	if (!tarn_raw_object_parse(key, &object))
		return;
	if (object.naming != TARN_RAW_OFFSET || offset < 0 || !topic.data || partition < 0) {
		take_object(known, key, false);
		return;
	}
	found = find_partition(known, topic, (int32_t)partition);
	tarn_ranges_add(&found->ranges, offset, offset + 1);
	take_tail(found, &object);
}

static const char *keep_slice(struct tarn_known *known, struct tarn_slice text)
{
	return tarn_arena_strndup(&known->arena, text.data ? (const char *)text.data : "", text.len);
}

enum { RUN, OBJECT, RECORD, TOPIC, PARTITION, OFFSET, ID, RESULT };
#define PLACE_COLUMNS                                                                                                  \
	"processing_batch_id", "source_object", "source_record", "source_topic", "source_partition", "source_offset"

static enum tarn_rc see_result(struct tarn_known *known, const struct row *row, struct tarn_err *err)
{
	struct tarn_known_run *run = run_of(known, text_of(row, RUN));
	const char *key = keep_slice(known, text_of(row, OBJECT));
	struct tarn_known_experiment *experiment;

	known->experiments = tarn_grow(known->experiments, &known->cap_experiments, known->n_experiments + 1,
				       sizeof(*known->experiments));
	experiment = &known->experiments[known->n_experiments];
	experiment->row.object = key;
	experiment->row.record = number_of(row, RECORD);
	experiment->run_id = run ? run->run_id : keep_slice(known, text_of(row, RUN));
	if (!tarn_unhex(text_of(row, ID), experiment->row.id, TARN_SHA256_SIZE) ||
	    !tarn_unhex(text_of(row, RESULT), experiment->row.result, TARN_SHA256_SIZE))
		return tarn_fail(err, TARN_EINVALID, "record %lld of \"%s\" has an id or a digest that is no SHA-256",
				 (long long)experiment->row.record, key);
	known->n_experiments++;
	if (run)
		run->experiments++;
	if (is_ours(known, run))
		take_place(known, key, text_of(row, TOPIC), number_of(row, PARTITION), number_of(row, OFFSET));
	return TARN_OK;
}

static enum tarn_rc see_repeat(struct tarn_known *known, const struct row *row, struct tarn_err *err)
{
	struct tarn_known_run *run = run_of(known, text_of(row, RUN));

	(void)err;
	if (run)
		run->repeats_different++;
	if (is_ours(known, run))
		take_place(known, keep_slice(known, text_of(row, OBJECT)), text_of(row, TOPIC),
			   number_of(row, PARTITION), number_of(row, OFFSET));
	return TARN_OK;
}

/* An offset that became no row stays open: whoever replays it finds it missing. */
static enum tarn_rc see_letter(struct tarn_known *known, const struct row *row, struct tarn_err *err)
{
	struct tarn_known_run *run = run_of(known, text_of(row, RUN));
	struct tarn_raw_object object;

	(void)err;
	if (run)
		run->dead_letters++;
	if (!is_ours(known, run) || !tarn_raw_object_parse(keep_slice(known, text_of(row, OBJECT)), &object))
		return TARN_OK;
	take_object(known, object.key, true);
	if (object.naming == TARN_RAW_OFFSET)
		take_tail(find_partition(known, object.topic, object.partition), &object);
	return TARN_OK;
}

enum tarn_rc tarn_known_read(struct tarn_catalog *catalog, const char *source, int64_t since, struct tarn_known *known,
			     struct tarn_err *err)
{
	struct table_reading readings[] = {
		{ .name = "vqe_results",
		  .columns = { PLACE_COLUMNS, "experiment_id", "result_digest" },
		  .see = see_result },
		{ .name = "repeated_results", .columns = { PLACE_COLUMNS }, .see = see_repeat },
		{ .name = "dead_letters", .columns = { PLACE_COLUMNS }, .see = see_letter },
	};
	enum tarn_rc rc;

	*known = (struct tarn_known){ .source = source, .since = since };
	tarn_arena_init(&known->arena);
	rc = read_runs(known, catalog, err);
	for (size_t i = 0; !rc && i < sizeof(readings) / sizeof(*readings); i++) {
		readings[i].known = known;
		rc = read_table(&readings[i], catalog, err);
	}
	return rc;
}

void tarn_known_release(struct tarn_known *known)
{
	for (size_t i = 0; i < known->n_partitions; i++)
		tarn_ranges_release(&known->partitions[i].ranges);
	free(known->runs);
	free(known->experiments);
	free(known->partitions);
	free(known->objects);
	tarn_arena_release(&known->arena);
}
