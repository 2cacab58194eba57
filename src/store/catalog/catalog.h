/* The catalog of a lake: which metadata file is each table's current one. SQLite, in the schema that PyIceberg's
 * SqlCatalog and Java's JdbcCatalog share (catalog name `quantum_catalog`), in LAKE/catalog.db or, where the lake is on
 * S3, in a file on this machine.
 *
 * A commit moves any number of tables, with whatever else the caller writes, in one SQLite transaction: all or none.
 * Metadata files are named <NNNNN>-<uuid>.metadata.json; after the transaction each is also linked as
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
 * TARN_ENOTFOUND where there is no catalog. */
enum tarn_rc tarn_catalog_open(const char *lake, enum tarn_catalog_mode mode, int wait_ms,
			       struct tarn_catalog **catalog, struct tarn_err *err) TARN_MUST_CHECK;
/* `database`: where the SQLite file is, as SQLAlchemy and PyIceberg write it ("sqlite:////absolute/path",
 * "sqlite:///relative"), or a plain path; NULL or "": what $TARN_CATALOG says, else catalog.db in the lake's folder. A
 * lake on S3 needs one. */
enum tarn_rc tarn_catalog_open_at(const char *lake, const char *database, enum tarn_catalog_mode mode, int wait_ms,
				  struct tarn_catalog **catalog, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_catalog_close(struct tarn_catalog *catalog);
struct tarn_store *tarn_catalog_store(struct tarn_catalog *catalog); /* the lake */
/* For tables of the caller's own beside Iceberg's (ledger, runs). */
struct sqlite3 *tarn_catalog_db(struct tarn_catalog *catalog);

#define TARN_NAMESPACE "quantum_features"

/* Sorted by name. Freed with tarn_catalog_names_free. */
enum tarn_rc tarn_catalog_list(struct tarn_catalog *catalog, char ***names, size_t *n,
			       struct tarn_err *err) TARN_MUST_CHECK;
void tarn_catalog_names_free(char **names, size_t n);
/* Loads a table's current metadata. TARN_ENOTFOUND where the catalog has no such table. `location` (may be NULL) gets
 * the metadata file's location, to be freed by the caller. */
enum tarn_rc tarn_catalog_load(struct tarn_catalog *catalog, const char *name, struct tarn_table **table,
			       char **location, struct tarn_err *err) TARN_MUST_CHECK;
/* All tables will be loaded now, one after the other: a distant store fetches their metadata side by side. */
void tarn_catalog_expect(struct tarn_catalog *catalog);
/* "<lake>/quantum_features/<name>", arena memory of the catalog. */
const char *tarn_catalog_table_location(struct tarn_catalog *catalog, const char *name);

struct tarn_catalog_change {
	const char *name;
	const struct tarn_table *table; /* the new state */
	const char *previous_location;	/* NULL: the table is new */
};
/* Called inside the transaction, before its commit; an error rolls everything back. */
typedef enum tarn_rc (*tarn_catalog_also)(void *context, struct sqlite3 *db, struct tarn_err *err);
/* Writes the metadata files, syncs the store, moves the pointers and runs `also` (may be NULL) in one transaction, then
 * publishes the path names. TARN_ECONFLICT where a pointer was moved by somebody else: nothing has changed then. An
 * error of the publishing step alone is not an error of the commit (mended by the next open). n may be 0. */
enum tarn_rc tarn_catalog_commit(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
				 tarn_catalog_also also, void *context, struct tarn_err *err) TARN_MUST_CHECK;

#endif
