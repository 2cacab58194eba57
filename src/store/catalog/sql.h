/* The few ways in which this room speaks SQL. */
#ifndef TARN_STORE_CATALOG_SQL_H
#define TARN_STORE_CATALOG_SQL_H

#include <sqlite3.h>

#include "base/err.h"

/* The database's last error with `what` before it: TARN_EBUSY where others hold it, TARN_EINVALID where it is damaged.
 */
enum tarn_rc tarn_sql_fail(sqlite3 *db, const char *what, struct tarn_err *err);
enum tarn_rc tarn_sql_run(sqlite3 *db, const char *sql, const char *what, struct tarn_err *err) TARN_MUST_CHECK;
/* Prepares a statement and binds `n` texts (NULL: null) to ?1, ?2 ...; the texts must live as long as the statement. */
enum tarn_rc tarn_sql_prepare(sqlite3 *db, const char *sql, const char *const *texts, int n, sqlite3_stmt **statement,
			      struct tarn_err *err) TARN_MUST_CHECK;
/* Runs a statement that returns no rows; *changes (may be NULL) gets the number of rows it changed. */
enum tarn_rc tarn_sql_change(sqlite3 *db, const char *sql, const char *const *texts, int n, int *changes,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* One state of the database, and one look at its locks, for all that is read until the end; no writer gets in
 * meanwhile, so what lies between is short. `db` may be NULL. */
void tarn_sql_view_begin(sqlite3 *db);
void tarn_sql_view_end(sqlite3 *db);

#endif
