/* An open catalog: what the files of this room share. */
#ifndef TARN_STORE_CATALOG_STATE_H
#define TARN_STORE_CATALOG_STATE_H

#include "base/alloc.h"
#include "base/module.h"
#include "store/catalog/catalog.h"
#include "store/catalog/sql.h"

#define TARN_CATALOG_NAME "quantum_catalog"

struct rest_catalog;

/* What a kind of catalog implements; see catalog.h for each. */
struct tarn_catalog_ops {
	enum tarn_rc (*list)(struct tarn_catalog *catalog, char ***names, size_t *n, struct tarn_err *err);
	void (*expect)(struct tarn_catalog *catalog, const char *const *names, size_t n);
	enum tarn_rc (*load)(struct tarn_catalog *catalog, const char *name, struct tarn_table **table, char **location,
			     struct tarn_err *err);
	/* NULL: tables are made by commits. */
	enum tarn_rc (*make)(struct tarn_catalog *catalog, const char *name, struct tarn_table **table, char **location,
			     struct tarn_err *err);
	enum tarn_rc (*commit)(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
			       tarn_catalog_also also, void *context, struct tarn_err *err);
	void (*close)(struct tarn_catalog *catalog); /* of what is its own; may be NULL */
};

struct tarn_catalog {
	const struct tarn_catalog_ops *ops;
	struct tarn_store *store;
	sqlite3 *db; /* of a REST catalog: the ledger's file, or NULL */
	struct tarn_arena arena;
	enum tarn_catalog_mode mode;
	int lock; /* descriptor of the writer's lock, or -1 */
	/* SQLite */
	char *published; /* see tarn_catalog_mend; NULL: hints are looked at each time */
	bool has_type;	 /* iceberg_tables has the column iceberg_type (schema V1) */
	/* REST */
	struct rest_catalog *rest;
	const char *identity; /* URL and warehouse; arena memory */
};

enum tarn_rc tarn_sqlite_catalog_open(struct tarn_catalog *catalog, const char *database, int wait_ms,
				      struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_sqlite_commit(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
				tarn_catalog_also also, void *context, struct tarn_err *err) TARN_MUST_CHECK;
/* In the module TARN_MODULE_NETWORK; sets ops, rest and identity. */
typedef enum tarn_rc (*tarn_catalog_open_rest)(struct tarn_catalog *catalog, const char *url, struct tarn_err *err);
TARN_EXPORT enum tarn_rc tarn_rest_catalog_open(struct tarn_catalog *catalog, const char *url,
						struct tarn_err *err) TARN_MUST_CHECK;

/* ---- the SQLite file (database.c) ---- */

/* The path of a SQLite URL, or a plain path; NULL for other URLs. */
const char *tarn_database_path(const char *url);
enum tarn_rc tarn_database_make_folder(const char *path, struct tarn_err *err) TARN_MUST_CHECK;
/* Takes the writer's lock, a file beside the database. */
enum tarn_rc tarn_database_lock(struct tarn_catalog *catalog, const char *lock, int wait_ms,
				struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_database_open(struct tarn_catalog *catalog, const char *path, struct tarn_err *err) TARN_MUST_CHECK;
/* The file for what the caller keeps beside a REST catalog: $TARN_LEDGER, else one in $XDG_STATE_HOME that is named
 * after catalog and lake. Reading, it may be missing. */
enum tarn_rc tarn_ledger_file_open(struct tarn_catalog *catalog, int wait_ms, struct tarn_err *err) TARN_MUST_CHECK;
/* A transaction of the file. */
enum tarn_rc tarn_catalog_begin(struct tarn_catalog *catalog, struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_catalog_end(struct tarn_catalog *catalog, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_catalog_undo(struct tarn_catalog *catalog);

/* Takes the lock file for this process; see tarn_catalog_open for wait_ms. */
enum tarn_rc tarn_catalog_lock(const char *path, const char *lake, int wait_ms, int *lock,
			       struct tarn_err *err) TARN_MUST_CHECK;
void tarn_catalog_unlock(int lock);

/* ---- tables in SQLite ---- */

/* Where a table stands; memory of the caller's arena. */
struct tarn_catalog_pointer {
	const char *name, *location;
};
enum tarn_rc tarn_catalog_pointers(struct tarn_catalog *catalog, struct tarn_arena *arena,
				   struct tarn_catalog_pointer **pointers, size_t *n,
				   struct tarn_err *err) TARN_MUST_CHECK;

/* The condition that every statement about one table ends with; ?1 is the table's name. */
#define TARN_CATALOG_THIS_NAMESPACE "catalog_name = '" TARN_CATALOG_NAME "' AND table_namespace = '" TARN_NAMESPACE "'"
#define TARN_CATALOG_IS_TABLE " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)"

/* Names by which path readers find a table's current metadata. A power failure may keep a later change of a folder and
 * lose an earlier one, hence three steps: the hint is staged with the metadata file; after the commit the link
 * v<P>.metadata.json is made and synced; then the staged hint takes its place. In a store that keeps the order the hint
 * is simply replaced. */
enum tarn_rc tarn_catalog_stage_hint(struct tarn_catalog *catalog, const char *location,
				     struct tarn_err *err) TARN_MUST_CHECK;
void tarn_catalog_unstage_hint(struct tarn_catalog *catalog, const char *location);
enum tarn_rc tarn_catalog_link(struct tarn_catalog *catalog, const char *location,
			       struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_catalog_move_hint(struct tarn_catalog *catalog, const char *location,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* The number P of a metadata file: NNNNN + 2 of <NNNNN>-<uuid>.metadata.json, N of v<N>.metadata.json, else 1. */
int64_t tarn_catalog_path_version(const char *location);
/* Publishes what a crash, or a committer that knows no path names, has left unpublished: a look at each table's hint.
 * For a distant lake a small file beside the database remembers which pointers were published, and nothing is looked at
 * while they stand. */
void tarn_catalog_mend(struct tarn_catalog *catalog);
void tarn_catalog_note_published(struct tarn_catalog *catalog);

#endif
