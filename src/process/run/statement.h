/* Prepared statements on this room's tables in catalog.db. Private to the room. */
#ifndef TARN_PROCESS_RUN_STATEMENT_H
#define TARN_PROCESS_RUN_STATEMENT_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/catalog/sql.h"

enum tarn_rc tarn_statement_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* Moves to the next row; *row is false behind the last one, and the statement is reset then. */
enum tarn_rc tarn_statement_step(sqlite3_stmt *stmt, bool *row, struct tarn_err *err) TARN_MUST_CHECK;
/* For statements without rows: steps once and resets. */
enum tarn_rc tarn_statement_run(sqlite3_stmt *stmt, struct tarn_err *err) TARN_MUST_CHECK;

/* Borrow `value` until the statement is run or bound again. */
void tarn_statement_bind_slice(sqlite3_stmt *stmt, int index, struct tarn_slice value);
void tarn_statement_bind_text(sqlite3_stmt *stmt, int index, const char *value);
void tarn_statement_bind_blob(sqlite3_stmt *stmt, int index, const void *value, size_t len);
/* Text of a column; valid until the next step. */
const char *tarn_statement_text(sqlite3_stmt *stmt, int column);

#endif
