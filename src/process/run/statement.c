#include "process/run/statement.h"

enum tarn_rc tarn_statement_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt, struct tarn_err *err)
{
	if (sqlite3_prepare_v2(db, sql, -1, stmt, NULL) != SQLITE_OK)
		return tarn_sql_fail(db, "reading the ledger", err);
	return TARN_OK;
}

enum tarn_rc tarn_statement_step(sqlite3_stmt *stmt, bool *row, struct tarn_err *err)
{
	int code = sqlite3_step(stmt);
	enum tarn_rc rc = TARN_OK;

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		rc = tarn_sql_fail(sqlite3_db_handle(stmt), "the ledger", err);
	if (code != SQLITE_ROW)
		sqlite3_reset(stmt);
	if (!rc)
		*row = code == SQLITE_ROW;
	return rc;
}

enum tarn_rc tarn_statement_run(sqlite3_stmt *stmt, struct tarn_err *err)
{
	bool row = false;
	enum tarn_rc rc = tarn_statement_step(stmt, &row, err);

	if (!rc && row)
		sqlite3_reset(stmt);
	return rc;
}

void tarn_statement_bind_slice(sqlite3_stmt *stmt, int index, struct tarn_slice value)
{
	sqlite3_bind_text(stmt, index, (const char *)value.data, (int)value.len, SQLITE_STATIC);
}

void tarn_statement_bind_text(sqlite3_stmt *stmt, int index, const char *value)
{
	sqlite3_bind_text(stmt, index, value, -1, SQLITE_STATIC);
}

void tarn_statement_bind_blob(sqlite3_stmt *stmt, int index, const void *value, size_t len)
{
	sqlite3_bind_blob(stmt, index, value, (int)len, SQLITE_STATIC);
}

const char *tarn_statement_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}
