/* Changing the ledger, inside the transaction of a commit. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "process/run/ledger.h"
#include "process/run/raw_object.h"

static const char ddl[] =
	"CREATE TABLE IF NOT EXISTS tarn_sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS tarn_offsets (source INTEGER NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT "
	"NULL,"
	" first INTEGER NOT NULL, \"end\" INTEGER NOT NULL, PRIMARY KEY (source, topic, partition, first)) WITHOUT "
	"ROWID;"
	"CREATE TABLE IF NOT EXISTS tarn_tails (source INTEGER NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT "
	"NULL,"
	" object TEXT NOT NULL, first INTEGER NOT NULL, size INTEGER NOT NULL,"
	" PRIMARY KEY (source, topic, partition)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS tarn_objects (source INTEGER NOT NULL, folder TEXT NOT NULL, name TEXT NOT NULL,"
	" size INTEGER NOT NULL, watched INTEGER NOT NULL, PRIMARY KEY (source, folder, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS tarn_folders (source INTEGER NOT NULL, parent TEXT NOT NULL, folder TEXT NOT NULL,"
	" token TEXT NOT NULL, PRIMARY KEY (source, parent, folder)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS tarn_experiments (experiment_id BLOB PRIMARY KEY, result BLOB NOT NULL,"
	" object TEXT NOT NULL, record INTEGER NOT NULL, run INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS tarn_runs (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, source TEXT NOT NULL,"
	" started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, outcome TEXT NOT NULL, objects INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, records INTEGER NOT NULL, experiments INTEGER NOT NULL,"
	" repeats_identical INTEGER NOT NULL, repeats_different INTEGER NOT NULL, dead_letters INTEGER NOT NULL,"
	" tables TEXT, error TEXT);"
	"CREATE INDEX IF NOT EXISTS tarn_runs_by_run_id ON tarn_runs (run_id);";

/* What the statements of one change have in common. */
struct writer {
	sqlite3 *db;
	int64_t source, run;
	struct tarn_err *err;
};

static enum tarn_rc prepare(struct writer *writer, const char *sql, sqlite3_stmt **stmt)
{
	enum tarn_rc rc = tarn_statement_prepare(writer->db, sql, stmt, writer->err);

	if (!rc && sqlite3_bind_parameter_index(*stmt, "?1"))
		sqlite3_bind_int64(*stmt, 1, writer->source);
	return rc;
}

static enum tarn_rc write_source(struct writer *writer, const char *name)
{
	sqlite3_stmt *stmt;
	bool row = false;
	enum tarn_rc rc = tarn_statement_prepare(writer->db,
						 "INSERT INTO tarn_sources (name) VALUES (?1)"
						 " ON CONFLICT (name) DO UPDATE SET name = name RETURNING id",
						 &stmt, writer->err);

	if (rc)
		return rc;
	tarn_statement_bind_text(stmt, 1, name);
	rc = tarn_statement_step(stmt, &row, writer->err);
	if (!rc)
		writer->source = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc;
}

static enum tarn_rc write_run(struct writer *writer, const struct tarn_run_row *run)
{
	sqlite3_stmt *stmt;
	enum tarn_rc rc = tarn_statement_prepare(
		writer->db, "INSERT INTO tarn_runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &stmt,
		writer->err);
	const int64_t counts[] = { run->counts.objects,		  run->counts.bytes,
				   run->counts.records,		  run->counts.experiments,
				   run->counts.repeats_identical, run->counts.repeats_different,
				   run->counts.dead_letters };

	if (rc)
		return rc;
	tarn_statement_bind_text(stmt, 1, run->run_id);
	tarn_statement_bind_text(stmt, 2, run->source);
	sqlite3_bind_int64(stmt, 3, run->started_us);
	sqlite3_bind_int64(stmt, 4, run->ended_us);
	tarn_statement_bind_text(stmt, 5, tarn_run_outcome_name(run->outcome));
	for (int i = 0; i < 7; i++)
		sqlite3_bind_int64(stmt, 6 + i, counts[i]);
	tarn_statement_bind_text(stmt, 13, run->tables_json);
	tarn_statement_bind_text(stmt, 14, run->error);
	rc = tarn_statement_run(stmt, writer->err);
	writer->run = sqlite3_last_insert_rowid(writer->db);
	sqlite3_finalize(stmt);
	return rc;
}

/* Takes the intervals that the new ones touch out of the table and into `ranges`. */
static enum tarn_rc absorb(sqlite3_stmt *stmt, const struct tarn_range *range, struct tarn_ranges *ranges,
			   struct tarn_err *err)
{
	bool row = false;
	enum tarn_rc rc;

	sqlite3_bind_int64(stmt, 4, range->first);
	sqlite3_bind_int64(stmt, 5, range->end);
	while (!(rc = tarn_statement_step(stmt, &row, err)) && row)
		tarn_ranges_add(ranges, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1));
	return rc;
}

static void bind_partition(sqlite3_stmt *stmt, const struct tarn_ledger_partition *partition)
{
	tarn_statement_bind_slice(stmt, 2, partition->topic);
	sqlite3_bind_int64(stmt, 3, partition->partition);
}

static enum tarn_rc write_offsets(struct writer *writer, sqlite3_stmt *take, sqlite3_stmt *put,
				  const struct tarn_ledger_partition *partition)
{
	struct tarn_ranges merged = { 0 };
	enum tarn_rc rc = TARN_OK;

	bind_partition(take, partition);
	bind_partition(put, partition);
	for (size_t i = 0; i < partition->ranges.n; i++)
		tarn_ranges_add(&merged, partition->ranges.items[i].first, partition->ranges.items[i].end);
	for (size_t i = 0; !rc && i < partition->ranges.n; i++)
		rc = absorb(take, &partition->ranges.items[i], &merged, writer->err);
	for (size_t i = 0; !rc && i < merged.n; i++) {
		sqlite3_bind_int64(put, 4, merged.items[i].first);
		sqlite3_bind_int64(put, 5, merged.items[i].end);
		rc = tarn_statement_run(put, writer->err);
	}
	tarn_ranges_release(&merged);
	return rc;
}

static enum tarn_rc write_tail(struct writer *writer, sqlite3_stmt *stmt, const struct tarn_ledger_partition *partition)
{
	if (!partition->tail_key)
		return TARN_OK;
	bind_partition(stmt, partition);
	tarn_statement_bind_text(stmt, 4, partition->tail_key);
	sqlite3_bind_int64(stmt, 5, partition->tail_offset);
	sqlite3_bind_int64(stmt, 6, partition->tail_size);
	return tarn_statement_run(stmt, writer->err);
}

static enum tarn_rc write_partitions(struct writer *writer, const struct tarn_ledger_change *change)
{
	sqlite3_stmt *take = NULL, *put = NULL, *tail = NULL;
	enum tarn_rc rc = prepare(writer,
				  "DELETE FROM tarn_offsets WHERE source = ?1 AND topic = ?2 AND partition = ?3"
				  " AND first <= ?5 AND \"end\" >= ?4 RETURNING first, \"end\"",
				  &take);

	if (!rc)
		rc = prepare(writer, "INSERT INTO tarn_offsets VALUES (?1, ?2, ?3, ?4, ?5)", &put);
	if (!rc)
		rc = prepare(writer,
			     "INSERT INTO tarn_tails VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE"
			     " SET object = excluded.object, first = excluded.first, size = excluded.size"
			     " WHERE excluded.first >= first",
			     &tail);
	for (size_t i = 0; !rc && i < change->n_partitions; i++) {
		rc = write_offsets(writer, take, put, &change->partitions[i]);
		if (!rc)
			rc = write_tail(writer, tail, &change->partitions[i]);
	}
	sqlite3_finalize(take);
	sqlite3_finalize(put);
	sqlite3_finalize(tail);
	return rc;
}

/* Everything before the last '/' of a key, "" without one. */
static struct tarn_slice folder_of(const char *key)
{
	const char *name = tarn_raw_object_name(key);

	return tarn_slice_of(key, name == key ? 0 : (size_t)(name - key - 1));
}

static enum tarn_rc write_objects(struct writer *writer, const struct tarn_ledger_change *change)
{
	sqlite3_stmt *put = NULL, *drop = NULL;
	enum tarn_rc rc = prepare(writer, "REPLACE INTO tarn_objects VALUES (?1, ?2, ?3, ?4, ?5)", &put);

	if (!rc)
		rc = prepare(writer, "DELETE FROM tarn_objects WHERE source = ?1 AND folder = ?2 AND name = ?3", &drop);
	for (size_t i = 0; !rc && i < change->n_objects; i++) {
		const struct tarn_ledger_named *object = &change->objects[i];
		sqlite3_stmt *stmt = object->forget ? drop : put;

		tarn_statement_bind_slice(stmt, 2, folder_of(object->key));
		tarn_statement_bind_text(stmt, 3, tarn_raw_object_name(object->key));
		if (!object->forget) {
			sqlite3_bind_int64(stmt, 4, object->size);
			sqlite3_bind_int(stmt, 5, object->watched);
		}
		rc = tarn_statement_run(stmt, writer->err);
	}
	sqlite3_finalize(put);
	sqlite3_finalize(drop);
	return rc;
}

static enum tarn_rc write_folders(struct writer *writer, const struct tarn_ledger_change *change)
{
	sqlite3_stmt *stmt = NULL;
	enum tarn_rc rc = prepare(writer, "REPLACE INTO tarn_folders VALUES (?1, ?2, ?3, ?4)", &stmt);

	for (size_t i = 0; !rc && i < change->n_folders; i++) {
		const char *folder = change->folders[i].folder;

		tarn_statement_bind_slice(stmt, 2, *folder ? folder_of(folder) : tarn_slice_str("/"));
		tarn_statement_bind_text(stmt, 3, folder);
		tarn_statement_bind_text(stmt, 4, change->folders[i].token);
		rc = tarn_statement_run(stmt, writer->err);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static enum tarn_rc write_experiments(struct writer *writer, const struct tarn_ledger_change *change)
{
	sqlite3_stmt *stmt = NULL;
	enum tarn_rc rc = tarn_statement_prepare(writer->db, "INSERT INTO tarn_experiments VALUES (?, ?, ?, ?, ?)",
						 &stmt, writer->err);

	for (size_t i = 0; !rc && i < change->n_experiments; i++) {
		const struct tarn_ledger_experiment *experiment = &change->experiments[i];

		tarn_statement_bind_blob(stmt, 1, experiment->id, sizeof(experiment->id));
		tarn_statement_bind_blob(stmt, 2, experiment->result, sizeof(experiment->result));
		tarn_statement_bind_text(stmt, 3, experiment->object);
		sqlite3_bind_int64(stmt, 4, experiment->record);
		sqlite3_bind_int64(stmt, 5, writer->run);
		rc = tarn_statement_run(stmt, writer->err);
	}
	sqlite3_finalize(stmt);
	return rc;
}

enum tarn_rc tarn_ledger_make_tables(sqlite3 *db, struct tarn_err *err)
{
	return tarn_sql_run(db, ddl, "making the ledger", err);
}

static enum tarn_rc write_places(struct writer *writer, const struct tarn_ledger_change *change)
{
	enum tarn_rc rc = write_partitions(writer, change);

	if (!rc)
		rc = write_objects(writer, change);
	if (!rc)
		rc = write_folders(writer, change);
	return rc;
}

enum tarn_rc tarn_ledger_apply_places(sqlite3 *db, const struct tarn_ledger_change *change, struct tarn_err *err)
{
	struct writer writer = { .db = db, .err = err };
	enum tarn_rc rc = write_source(&writer, change->source);

	return rc ? rc : write_places(&writer, change);
}

enum tarn_rc tarn_ledger_apply(sqlite3 *db, const struct tarn_ledger_change *change, struct tarn_err *err)
{
	struct writer writer = { .db = db, .err = err };
	enum tarn_rc rc = tarn_ledger_make_tables(db, err);

	if (!rc)
		rc = write_source(&writer, change->source);
	if (!rc)
		rc = write_run(&writer, change->run);
	if (!rc)
		rc = write_places(&writer, change);
	if (!rc)
		rc = write_experiments(&writer, change);
	return rc;
}
