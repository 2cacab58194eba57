/* The catalog of a lake: which metadata file is each table's current one. Two kinds, told apart by the URL:
 *
 *   SQLite       in the schema that PyIceberg's SqlCatalog and Java's JdbcCatalog share (catalog name
 *                `quantum_catalog`), in LAKE/catalog.db or, where the lake is on S3, in a file on this machine
 *   Iceberg REST any server of Iceberg's REST catalog specification (open-api/rest-catalog-open-api.yaml); what the
 *                caller writes beside the tables (ledger, runs) is in a SQLite file on this machine
 *
 * A commit moves any number of tables: all or none. In SQLite the caller's own rows are part of the same transaction.
 * Beside a REST catalog they are not: a process that dies between the server's answer and the end of the caller's
 * transaction leaves tables that are ahead of the rows, never behind them. Whoever keeps such rows must write down of
 * which snapshot they are, and look whether it still is the current one (tarn_catalog_is_remote says when).
 *
 * In SQLite, metadata files are named <NNNNN>-<uuid>.metadata.json; after the transaction each is also linked as
 * v<P>.metadata.json, P being NNNNN + 2, with a version-hint.text, for readers that come by path, so that such a reader
 * never sees what was not committed. A crash between the two is mended by the next tarn_catalog_open for writing. */
#ifndef TARN_STORE_CATALOG_CATALOG_H
#define TARN_STORE_CATALOG_CATALOG_H

#include "store/iceberg/table.h"

struct sqlite3;
struct tarn_catalog;

enum tarn_catalog_mode { TARN_CATALOG_READ, TARN_CATALOG_WRITE };

/* `lake`: path or URL. WRITE makes the lake where it is missing and takes its writer's lock: TARN_EBUSY, naming the
 * holder's process, where somebody has it for longer than `wait_ms` (-1: wait for ever). READ needs no lock;
 * TARN_ENOTFOUND where there is no catalog. The lock is one of this machine: writers on others, by a REST catalog, meet
 * in the commit. */
enum tarn_rc tarn_catalog_open(const char *lake, enum tarn_catalog_mode mode, int wait_ms,
			       struct tarn_catalog **catalog, struct tarn_err *err) TARN_MUST_CHECK;
/* `url`: where the catalog is; NULL or "": what $TARN_CATALOG says, else catalog.db in the lake's folder. A lake on S3
 * needs one.
 *   sqlite:////absolute/path, sqlite:///relative (as SQLAlchemy and PyIceberg write it), or a plain path
 *   http[s]://host[:port][/base][?warehouse=NAME], also with rest+ before it; the README has what else it takes. READ
 * of such a catalog asks nothing before the first table; WRITE is TARN_EUNSUPPORTED where the server does not say that
 * it commits several tables at once. */
enum tarn_rc tarn_catalog_open_at(const char *lake, const char *url, enum tarn_catalog_mode mode, int wait_ms,
				  struct tarn_catalog **catalog, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_catalog_close(struct tarn_catalog *catalog);
struct tarn_store *tarn_catalog_store(struct tarn_catalog *catalog); /* the lake */
/* For tables of the caller's own beside Iceberg's (ledger, runs). NULL where a REST catalog is read on a machine that
 * has no such file. */
struct sqlite3 *tarn_catalog_db(struct tarn_catalog *catalog);
/* Whether tables and tarn_catalog_db change apart from each other (see above). */
bool tarn_catalog_is_remote(const struct tarn_catalog *catalog);

#define TARN_NAMESPACE "quantum_features"

/* Sorted by name. Freed with tarn_catalog_names_free. */
enum tarn_rc tarn_catalog_list(struct tarn_catalog *catalog, char ***names, size_t *n,
			       struct tarn_err *err) TARN_MUST_CHECK;
void tarn_catalog_names_free(char **names, size_t n);
/* Loads a table's current metadata. TARN_ENOTFOUND where the catalog has no such table. `location` (may be NULL) gets
 * the metadata file's location, to be freed by the caller. */
enum tarn_rc tarn_catalog_load(struct tarn_catalog *catalog, const char *name, struct tarn_table **table,
			       char **location, struct tarn_err *err) TARN_MUST_CHECK;
/* These tables will be loaded now, once each: what is distant is fetched side by side. */
void tarn_catalog_expect(struct tarn_catalog *catalog, const char *const *names, size_t n);
/* "<lake>/quantum_features/<name>", arena memory of the catalog. */
const char *tarn_catalog_table_location(struct tarn_catalog *catalog, const char *name);

/* Before a new table's first data file: a REST catalog makes it now, empty, as `*table` says, and *table becomes what
 * the server made of it (its UUID, its location), *location its metadata file. SQLite makes tables by commits: nothing
 * is changed then. *table stays the caller's; the one before is freed where another takes its place. A table that
 * somebody else has made meanwhile is taken as it is. TARN_EINVALID where the server puts it outside of the lake. */
enum tarn_rc tarn_catalog_make(struct tarn_catalog *catalog, const char *name, struct tarn_table **table,
			       char **location, struct tarn_err *err) TARN_MUST_CHECK;

struct tarn_catalog_change {
	const char *name;
	const struct tarn_table *table; /* the new state: one append (tarn_table_append) behind the old one */
	const char *previous_location;	/* NULL: the table is new (SQLite only) */
};
/* Called inside the transaction, before its commit; an error rolls everything back. */
typedef enum tarn_rc (*tarn_catalog_also)(void *context, struct sqlite3 *db, struct tarn_err *err);
/* Writes the metadata files, syncs the store, moves the pointers and runs `also` (may be NULL) in one transaction, then
 * publishes the path names. TARN_ECONFLICT where a table was changed by somebody else: nothing has changed then. An
 * error of the publishing step alone is not an error of the commit (mended by the next open). n may be 0.
 * REST: the server writes the metadata files; `also` runs before the server is asked, its transaction ends after the
 * answer. An answer that got lost is asked for (the snapshot is in the table, or not); where the server cannot be asked
 * any more the error says that it is not known whether the commit stands. */
enum tarn_rc tarn_catalog_commit(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
				 tarn_catalog_also also, void *context, struct tarn_err *err) TARN_MUST_CHECK;

#endif
