/* The ledger, from the tables. What it keeps beside them (sizes of objects that are watched) is asked of the raw area;
 * tokens of folders stay empty, so the next run lists all of it once. */
#include "process/run/rebuild.h"

#include <stdlib.h>
#include <string.h>

#include "process/run/run.h"

struct rebuild {
	struct tarn_known known;
	const struct tarn_raw *raw;
	sqlite3 *db;
	bool is_remote;
	struct tarn_ledger_named *named;
	size_t n_named;
	struct tarn_rebuild_report report;
};

/* ---- objects ---- */

static int by_key(const void *left, const void *right)
{
	return strcmp(((const struct tarn_known_object *)left)->key, ((const struct tarn_known_object *)right)->key);
}

/* Sorts, and leaves each object once. */
static void merge_objects(struct tarn_known *known)
{
	size_t kept = 0;

	if (known->n_objects)
		qsort(known->objects, known->n_objects, sizeof(*known->objects), by_key);
	for (size_t i = 0; i < known->n_objects; i++) {
		if (kept && !strcmp(known->objects[kept - 1].key, known->objects[i].key))
			known->objects[kept - 1].watched |= known->objects[i].watched;
		else
			known->objects[kept++] = known->objects[i];
	}
	known->n_objects = kept;
}

/* Of an object that is gone there is nothing to watch. */
static enum tarn_rc find_size(struct rebuild *rebuild, const char *key, int64_t *size, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_store_size(rebuild->raw->store, key, size, err);

	if (rc != TARN_ENOTFOUND)
		return rc;
	*size = 0;
	return TARN_OK;
}

static enum tarn_rc find_sizes(struct rebuild *rebuild, struct tarn_err *err)
{
	struct tarn_known *known = &rebuild->known;
	enum tarn_rc rc = TARN_OK;

	merge_objects(known);
	rebuild->named = tarn_calloc(known->n_objects + 1, sizeof(*rebuild->named));
	for (size_t i = 0; !rc && i < known->n_objects; i++) {
		struct tarn_ledger_named *named = &rebuild->named[rebuild->n_named++];

		named->key = known->objects[i].key;
		named->watched = known->objects[i].watched;
		if (named->watched)
			rc = find_size(rebuild, named->key, &named->size, err);
	}
	for (size_t i = 0; !rc && i < known->n_partitions; i++)
		if (known->partitions[i].tail_key)
			rc = find_size(rebuild, known->partitions[i].tail_key, &known->partitions[i].tail_size, err);
	return rc;
}

/* ---- the transaction ---- */

static enum tarn_rc wipe(struct rebuild *rebuild, struct tarn_err *err)
{
	static const char *const of_source[] = {
		"DELETE FROM tarn_offsets WHERE source = (SELECT id FROM tarn_sources WHERE name = ?1)",
		"DELETE FROM tarn_tails WHERE source = (SELECT id FROM tarn_sources WHERE name = ?1)",
		"DELETE FROM tarn_objects WHERE source = (SELECT id FROM tarn_sources WHERE name = ?1)",
		"DELETE FROM tarn_folders WHERE source = (SELECT id FROM tarn_sources WHERE name = ?1)",
	};
	enum tarn_rc rc = tarn_sql_run(rebuild->db, "DELETE FROM tarn_experiments", "rebuilding the ledger", err);

	for (size_t i = 0; !rc && i < sizeof(of_source) / sizeof(*of_source); i++)
		rc = tarn_sql_change(rebuild->db, of_source[i], &rebuild->known.source, 1, NULL, err);
	return rc;
}

static enum tarn_rc write_run(struct rebuild *rebuild, sqlite3_stmt *stmt, const struct tarn_known_run *run,
			      struct tarn_err *err)
{
	enum tarn_rc rc;

	tarn_statement_bind_text(stmt, 1, run->run_id);
	tarn_statement_bind_text(stmt, 2, run->source);
	sqlite3_bind_int64(stmt, 3, run->us);
	tarn_statement_bind_text(stmt, 4, tarn_run_outcome_name(TARN_RUN_COMMITTED));
	sqlite3_bind_int64(stmt, 5, run->experiments);
	sqlite3_bind_int64(stmt, 6, run->repeats_different);
	sqlite3_bind_int64(stmt, 7, run->dead_letters);
	rc = tarn_statement_run(stmt, err);
	if (!rc)
		rebuild->report.runs += sqlite3_changes(rebuild->db);
	return rc;
}

/* What nobody can tell any more (bytes, identical repeats) is 0. */
static enum tarn_rc write_runs(struct rebuild *rebuild, struct tarn_err *err)
{
	sqlite3_stmt *stmt;
	enum tarn_rc rc = tarn_statement_prepare(
		rebuild->db,
		"INSERT INTO tarn_runs SELECT NULL, ?1, ?2, ?3, ?3, ?4, 0, 0, ?5 + ?6 + ?7, ?5, 0, ?6, ?7, NULL, NULL"
		" WHERE NOT EXISTS (SELECT 1 FROM tarn_runs WHERE run_id = ?1 AND outcome = ?4)",
		&stmt, err);

	for (size_t i = 0; !rc && i < rebuild->known.n_runs; i++)
		rc = write_run(rebuild, stmt, &rebuild->known.runs[i], err);
	sqlite3_finalize(stmt);
	return rc;
}

#define EXPERIMENT                                                                                                     \
	" INTO tarn_experiments VALUES (?1, ?2, ?3, ?4, coalesce("                                                     \
	"(SELECT max(id) FROM tarn_runs WHERE run_id = ?5), 0))"

/* Of those that are added some may be there, by the same runs under another source. */
static enum tarn_rc write_experiments(struct rebuild *rebuild, struct tarn_err *err)
{
	static const char make[] = "INSERT" EXPERIMENT, add[] = "INSERT OR IGNORE" EXPERIMENT;
	sqlite3_stmt *stmt;
	enum tarn_rc rc = tarn_statement_prepare(rebuild->db, rebuild->known.since ? add : make, &stmt, err);

	for (size_t i = 0; !rc && i < rebuild->known.n_experiments; i++) {
		const struct tarn_known_experiment *known = &rebuild->known.experiments[i];

		tarn_statement_bind_blob(stmt, 1, known->row.id, sizeof(known->row.id));
		tarn_statement_bind_blob(stmt, 2, known->row.result, sizeof(known->row.result));
		tarn_statement_bind_text(stmt, 3, known->row.object);
		sqlite3_bind_int64(stmt, 4, known->row.record);
		tarn_statement_bind_text(stmt, 5, known->run_id);
		rc = tarn_statement_run(stmt, err);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static enum tarn_rc fill_transaction(struct rebuild *rebuild, struct tarn_err *err)
{
	const struct tarn_ledger_change change = {
		.source = rebuild->known.source,
		.partitions = rebuild->known.partitions,
		.n_partitions = rebuild->known.n_partitions,
		.objects = rebuild->named,
		.n_objects = rebuild->n_named,
	};
	enum tarn_rc rc = tarn_ledger_make_tables(rebuild->db, err);

	if (!rc && !rebuild->known.since)
		rc = wipe(rebuild, err);
	if (!rc)
		rc = write_runs(rebuild, err);
	if (!rc)
		rc = write_experiments(rebuild, err);
	if (!rc)
		rc = tarn_ledger_apply_places(rebuild->db, &change, err);
	if (!rc && rebuild->is_remote)
		rc = tarn_ledger_move(rebuild->db, rebuild->known.source, rebuild->known.position,
				      rebuild->known.position, err);
	return rc;
}

static enum tarn_rc write_ledger(struct rebuild *rebuild, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_sql_run(rebuild->db, "BEGIN IMMEDIATE", "rebuilding the ledger", err);

	if (rc)
		return rc;
	rc = fill_transaction(rebuild, err);
	if (!rc)
		rc = tarn_sql_run(rebuild->db, "COMMIT", "rebuilding the ledger", err);
	if (rc)
		sqlite3_exec(rebuild->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* ---- all of it ---- */

static enum tarn_rc rebuild_in(struct rebuild *rebuild, struct tarn_catalog *catalog, const char *source, int64_t since,
			       struct tarn_err *err)
{
	enum tarn_rc rc = tarn_known_read(catalog, source, since, &rebuild->known, err);

	rebuild->db = tarn_catalog_db(catalog);
	rebuild->is_remote = tarn_catalog_is_remote(catalog);
	if (!rc)
		rc = find_sizes(rebuild, err);
	if (!rc)
		rc = write_ledger(rebuild, err);
	rebuild->report.experiments = (int64_t)rebuild->known.n_experiments;
	rebuild->report.partitions = (int64_t)rebuild->known.n_partitions;
	rebuild->report.objects = (int64_t)rebuild->n_named;
	free(rebuild->named);
	tarn_known_release(&rebuild->known);
	return rc;
}

enum tarn_rc tarn_run_rebuild(const struct tarn_run_options *options, struct tarn_rebuild_report *report,
			      struct tarn_err *err)
{
	struct rebuild rebuild = { 0 };
	struct tarn_catalog *catalog;
	struct tarn_raw raw;
	enum tarn_rc rc = tarn_raw_open(options->raw, &raw, err);

	if (rc)
		return rc;
	rebuild.raw = &raw;
	rc = tarn_catalog_open_at(options->lake, options->catalog, TARN_CATALOG_WRITE, options->wait_ms, &catalog, err);
	if (!rc) {
		rc = rebuild_in(&rebuild, catalog, options->source ? options->source : tarn_store_url(raw.store), 0,
				err);
		tarn_catalog_close(catalog);
	}
	tarn_raw_close(&raw);
	if (!rc)
		*report = rebuild.report;
	return rc;
}

/* ---- beside a REST catalog ---- */

static bool is_in_history(const struct tarn_table *audit, int64_t position)
{
	const struct tarn_snapshot *at = audit && position > 0 ? tarn_table_current(audit) : NULL;

	while (at && at->id != position)
		at = at->parent_id ? tarn_table_snapshot(audit, at->parent_id) : NULL;
	return at;
}

/* *since: what the ledger can go on from, or 0. */
static enum tarn_rc compare(struct tarn_catalog *catalog, const char *source, bool *behind, int64_t *since,
			    struct tarn_err *err)
{
	struct tarn_table *audit;
	int64_t position;
	enum tarn_rc rc = tarn_ledger_position(tarn_catalog_db(catalog), source, &position, err);

	if (!rc)
		rc = tarn_known_load(catalog, tarn_processing_metadata_table.name, &audit, err);
	if (rc)
		return rc;
	*behind = tarn_position_of(audit) != position;
	*since = is_in_history(audit, position) ? position : 0;
	tarn_table_free(audit);
	return TARN_OK;
}

enum tarn_rc tarn_ledger_follow(struct tarn_catalog *catalog, const struct tarn_raw *raw, const char *source,
				struct tarn_err *err)
{
	struct rebuild rebuild = { .raw = raw };
	bool behind = false;
	int64_t since = 0;
	enum tarn_rc rc = TARN_OK;

	if (!tarn_catalog_is_remote(catalog))
		return TARN_OK;
	rc = compare(catalog, source, &behind, &since, err);
	if (!rc && behind)
		rc = rebuild_in(&rebuild, catalog, source, since, err);
	return rc ? tarn_err_within(err, rc, "bringing the ledger after the tables") : TARN_OK;
}
