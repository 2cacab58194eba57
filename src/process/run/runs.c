/* The history of runs, in catalog.db. */
#include <stdlib.h>

#include "process/run/ledger.h"

static const char *const outcomes[] = {
	[TARN_RUN_COMMITTED] = "committed",
	[TARN_RUN_NOTHING_NEW] = "nothing new",
	[TARN_RUN_FAILED] = "failed",
};

const char *tarn_run_outcome_name(enum tarn_run_outcome outcome)
{
	return outcomes[outcome];
}

void tarn_run_counts_add(struct tarn_run_counts *to, const struct tarn_run_counts *from)
{
	to->objects += from->objects;
	to->bytes += from->bytes;
	to->records += from->records;
	to->experiments += from->experiments;
	to->repeats_identical += from->repeats_identical;
	to->repeats_different += from->repeats_different;
	to->dead_letters += from->dead_letters;
}

static enum tarn_run_outcome parse_outcome(const char *name)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++)
		if (!strcmp(outcomes[i], name))
			return (enum tarn_run_outcome)i;
	return TARN_RUN_FAILED;
}

static bool has_runs(sqlite3 *db)
{
	return db && sqlite3_table_column_metadata(db, NULL, "tarn_runs", "run_id", NULL, NULL, NULL, NULL, NULL) ==
			     SQLITE_OK;
}

enum tarn_rc tarn_runs_check_id(sqlite3 *db, const char *run_id, struct tarn_err *err)
{
	sqlite3_stmt *stmt;
	bool row = false;
	enum tarn_rc rc;

	if (!has_runs(db))
		return TARN_OK;
	rc = tarn_statement_prepare(db, "SELECT 1 FROM tarn_runs WHERE run_id = ? AND outcome = 'committed'", &stmt,
				    err);
	if (rc)
		return rc;
	tarn_statement_bind_text(stmt, 1, run_id);
	rc = tarn_statement_step(stmt, &row, err);
	sqlite3_finalize(stmt);
	if (!rc && row)
		rc = tarn_fail(err, TARN_EEXISTS, "run \"%s\" has committed already, expected an id of its own",
			       run_id);
	return rc;
}

static struct tarn_run_row read_row(sqlite3_stmt *stmt)
{
	return (struct tarn_run_row){
		.run_id = tarn_statement_text(stmt, 0),
		.source = tarn_statement_text(stmt, 1),
		.started_us = sqlite3_column_int64(stmt, 2),
		.ended_us = sqlite3_column_int64(stmt, 3),
		.outcome = parse_outcome(tarn_statement_text(stmt, 4)),
		.counts = {
			.objects = sqlite3_column_int64(stmt, 5),
			.bytes = sqlite3_column_int64(stmt, 6),
			.records = sqlite3_column_int64(stmt, 7),
			.experiments = sqlite3_column_int64(stmt, 8),
			.repeats_identical = sqlite3_column_int64(stmt, 9),
			.repeats_different = sqlite3_column_int64(stmt, 10),
			.dead_letters = sqlite3_column_int64(stmt, 11),
		},
		.tables_json = (const char *)sqlite3_column_text(stmt, 12),
		.error = (const char *)sqlite3_column_text(stmt, 13),
	};
}

enum tarn_rc tarn_runs_list(sqlite3 *db, tarn_runs_visit visit, void *context, struct tarn_err *err)
{
	sqlite3_stmt *stmt;
	bool row = false;
	enum tarn_rc rc;

	if (!has_runs(db))
		return TARN_OK;
	rc = tarn_statement_prepare(
		db,
		"SELECT run_id, source, started_us, ended_us, outcome, objects, bytes, records, experiments,"
		" repeats_identical, repeats_different, dead_letters, tables, error FROM tarn_runs ORDER BY id",
		&stmt, err);
	if (rc)
		return rc;
	while (!(rc = tarn_statement_step(stmt, &row, err)) && row) {
		struct tarn_run_row run = read_row(stmt);

		rc = visit(context, &run, err);
		if (rc)
			break;
	}
	sqlite3_finalize(stmt);
	return rc;
}
