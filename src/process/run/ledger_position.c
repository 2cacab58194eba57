/* Of which state of the tables a ledger is that does not change in one transaction with them. */
#include "process/run/ledger.h"

static const char ddl[] =
	"CREATE TABLE IF NOT EXISTS tarn_positions (source TEXT PRIMARY KEY, snapshot INTEGER NOT NULL)"
	" WITHOUT ROWID";

/* Others may have written to the table since, or taken a snapshot back; a run's snapshots carry its id. */
int64_t tarn_position_of(const struct tarn_table *audit)
{
	const struct tarn_snapshot *at = audit ? tarn_table_current(audit) : NULL;

	while (at && !tarn_snapshot_summary(at, "tarn.run-id"))
		at = at->parent_id ? tarn_table_snapshot(audit, at->parent_id) : NULL;
	return at ? at->id : 0;
}

static bool has_positions(sqlite3 *db)
{
	return sqlite3_table_column_metadata(db, NULL, "tarn_positions", "source", NULL, NULL, NULL, NULL, NULL) ==
	       SQLITE_OK;
}

enum tarn_rc tarn_ledger_position(sqlite3 *db, const char *source, int64_t *position, struct tarn_err *err)
{
	sqlite3_stmt *stmt;
	bool row = false;
	enum tarn_rc rc;

	*position = -1;
	if (!db || !has_positions(db))
		return TARN_OK;
	rc = tarn_statement_prepare(db, "SELECT snapshot FROM tarn_positions WHERE source = ?", &stmt, err);
	if (rc)
		return rc;
	tarn_statement_bind_text(stmt, 1, source);
	rc = tarn_statement_step(stmt, &row, err);
	if (!rc && row)
		*position = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc;
}

static enum tarn_rc run_with(sqlite3 *db, const char *sql, const char *source, int64_t before, int64_t position,
			     struct tarn_err *err)
{
	sqlite3_stmt *stmt;
	enum tarn_rc rc = tarn_statement_prepare(db, sql, &stmt, err);

	if (rc)
		return rc;
	tarn_statement_bind_text(stmt, 1, source);
	sqlite3_bind_int64(stmt, 2, before);
	sqlite3_bind_int64(stmt, 3, position);
	rc = tarn_statement_run(stmt, err);
	sqlite3_finalize(stmt);
	return rc;
}

enum tarn_rc tarn_ledger_move(sqlite3 *db, const char *source, int64_t before, int64_t position, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_sql_run(db, ddl, "making the ledger", err);

	if (!rc)
		rc = run_with(db, "UPDATE tarn_positions SET snapshot = ?3 WHERE snapshot = ?2 AND source != ?1",
			      source, before, position, err);
	if (!rc)
		rc = run_with(db, "REPLACE INTO tarn_positions VALUES (?1, ?3)", source, before, position, err);
	return rc;
}
