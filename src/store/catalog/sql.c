#include "store/catalog/sql.h"

#include <stddef.h>

enum tarn_rc tarn_sql_fail(sqlite3 *db, const char *what, struct tarn_err *err)
{
	const char *file = sqlite3_db_filename(db, NULL);
	enum tarn_rc rc;
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: rc = TARN_EBUSY; break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: rc = TARN_EINVALID; break;
	case SQLITE_CONSTRAINT: rc = TARN_ECONFLICT; break;
	default: rc = TARN_EIO;
	}
	tarn_fail(err, rc, "%s: \"%s\": %s", what, file ? file : "catalog", sqlite3_errmsg(db));
	if (err)
		err->sys_errno = sqlite3_system_errno(db);
	return rc;
}

enum tarn_rc tarn_sql_run(sqlite3 *db, const char *sql, const char *what, struct tarn_err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? TARN_OK : tarn_sql_fail(db, what, err);
}

enum tarn_rc tarn_sql_prepare(sqlite3 *db, const char *sql, const char *const *texts, int n, sqlite3_stmt **statement,
			      struct tarn_err *err)
{
	sqlite3_stmt *prepared;
	if (sqlite3_prepare_v2(db, sql, -1, &prepared, NULL) != SQLITE_OK)
		return tarn_sql_fail(db, "reading the catalog", err);
	for (int i = 0; i < n; i++)
		if (sqlite3_bind_text(prepared, i + 1, texts[i], -1, SQLITE_STATIC) != SQLITE_OK) {
			sqlite3_finalize(prepared);
			return tarn_sql_fail(db, "reading the catalog", err);
		}
	*statement = prepared;
	return TARN_OK;
}

enum tarn_rc tarn_sql_change(sqlite3 *db, const char *sql, const char *const *texts, int n, int *changes,
			     struct tarn_err *err)
{
	sqlite3_stmt *statement;
	enum tarn_rc rc = tarn_sql_prepare(db, sql, texts, n, &statement, err);
	if (rc)
		return rc;
	if (sqlite3_step(statement) != SQLITE_DONE)
		rc = tarn_sql_fail(db, "changing the catalog", err);
	else if (changes)
		*changes = sqlite3_changes(db);
	sqlite3_finalize(statement);
	return rc;
}

/* A deferred transaction takes no lock before the first read, which tells what is wrong; so neither call has news. */
void tarn_sql_view_begin(sqlite3 *db)
{
	if (db)
		sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
}

void tarn_sql_view_end(sqlite3 *db)
{
	if (db)
		sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}
