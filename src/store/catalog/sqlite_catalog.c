/* Tables of a lake in SQLite: opening, listing and loading. The commit is in sqlite_commit.c. */
#include "store/catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/compress.h"
#include "base/file.h"
#include "store/catalog/state.h"

static const size_t largest_metadata = (size_t)1 << 28;

/* ---- the database ---- */

/* Schema V1 of Iceberg's JdbcCatalog, word for word as PyIceberg and Java make it. */
static const char create_tables[] =
	"CREATE TABLE IF NOT EXISTS iceberg_tables ("
	"catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL, "
	"metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5), "
	"PRIMARY KEY (catalog_name, table_namespace, table_name));"
	"CREATE TABLE IF NOT EXISTS iceberg_namespace_properties ("
	"catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, "
	"property_key VARCHAR(255), property_value VARCHAR(1000), "
	"PRIMARY KEY (catalog_name, namespace, property_key));";

/* Whether a query without parameters has a row. */
static enum tarn_rc has_row(sqlite3 *db, const char *sql, bool *has, struct tarn_err *err)
{
	sqlite3_stmt *statement;
	enum tarn_rc rc = tarn_sql_prepare(db, sql, NULL, 0, &statement, err);
	if (rc)
		return rc;
	int step = sqlite3_step(statement);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		rc = tarn_sql_fail(db, "reading the catalog", err);
	else
		*has = step == SQLITE_ROW;
	sqlite3_finalize(statement);
	return rc;
}

static enum tarn_rc has_tables(struct tarn_catalog *catalog, bool *has, struct tarn_err *err)
{
	return has_row(catalog->db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'iceberg_tables'", has,
		       err);
}

static enum tarn_rc find_type_column(struct tarn_catalog *catalog, struct tarn_err *err)
{
	return has_row(catalog->db, "SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'",
		       &catalog->has_type, err);
}

static enum tarn_rc make_namespace(struct tarn_catalog *catalog, struct tarn_err *err)
{
	char *location = tarn_asprintf("%s/" TARN_NAMESPACE, tarn_store_url(catalog->store));
	const char *texts[] = { location };
	enum tarn_rc rc = tarn_sql_change(catalog->db,
					  "INSERT OR IGNORE INTO iceberg_namespace_properties VALUES "
					  "('" TARN_CATALOG_NAME "', '" TARN_NAMESPACE "', 'exists', 'true'), "
					  "('" TARN_CATALOG_NAME "', '" TARN_NAMESPACE "', 'location', ?1)",
					  texts, 1, NULL, err);
	free(location);
	return rc;
}

static enum tarn_rc make_schema(struct tarn_catalog *catalog, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_sql_run(catalog->db, "BEGIN IMMEDIATE", "making the catalog", err);
	if (rc)
		return rc;
	rc = tarn_sql_run(catalog->db, create_tables, "making the catalog", err);
	if (!rc)
		rc = make_namespace(catalog, err);
	if (!rc)
		rc = tarn_sql_run(catalog->db, "COMMIT", "making the catalog", err);
	if (rc)
		sqlite3_exec(catalog->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* A writer leaves a complete schema behind; a look is cheaper than a transaction. */
static enum tarn_rc ensure_schema(struct tarn_catalog *catalog, struct tarn_err *err)
{
	bool tables = false, named = false;
	enum tarn_rc rc = has_tables(catalog, &tables, err);
	if (!rc && tables)
		rc = has_row(catalog->db,
			     "SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = '" TARN_CATALOG_NAME
			     "' AND namespace = '" TARN_NAMESPACE "'",
			     &named, err);
	return rc || named ? rc : make_schema(catalog, err);
}

static enum tarn_rc open_schema(struct tarn_catalog *catalog, const char *path, struct tarn_err *err)
{
	bool write = catalog->mode == TARN_CATALOG_WRITE, found = false;
	enum tarn_rc rc;
	if (!write && !tarn_file_exists(path))
		return tarn_fail(err, TARN_ENOTFOUND, "there is no catalog \"%s\"", path);
	rc = tarn_database_open(catalog, path, err);
	if (!rc && write)
		rc = ensure_schema(catalog, err);
	if (!rc && !write)
		rc = has_tables(catalog, &found, err);
	if (!rc && !write && !found)
		rc = tarn_fail(err, TARN_ENOTFOUND, "\"%s\" holds no Iceberg catalog", path);
	return rc ? rc : find_type_column(catalog, err);
}

/* ---- opening ---- */

static bool is_local(const struct tarn_catalog *catalog)
{
	return !strncmp(tarn_store_url(catalog->store), "file://", strlen("file://"));
}

/* Where the database and its lock are; to be freed. Beside a database of its own name the lock has that name, too. */
struct place {
	char *database, *lock;
};

static enum tarn_rc find_place(const struct tarn_catalog *catalog, const char *database, struct place *place,
			       struct tarn_err *err)
{
	const char *url = tarn_store_url(catalog->store);
	if (database && *database) {
		const char *path = tarn_database_path(database);
		if (!path)
			return tarn_fail(err, TARN_EUNSUPPORTED,
					 "no catalog for \"%s\": expected sqlite:////path/to/catalog.db, a path or "
					 "http://host:port of an Iceberg REST catalog",
					 database);
		*place = (struct place){ tarn_strdup(path), tarn_asprintf("%s.lock", path) };
		return catalog->mode == TARN_CATALOG_WRITE ? tarn_database_make_folder(path, err) : TARN_OK;
	}
	if (!is_local(catalog)) {
		tarn_fail(err, TARN_EINVALID, "the lake \"%s\" needs a catalog of its own", url);
		tarn_err_hint(err, "give one with --catalog, sqlite:////path/to/catalog.db or http://host:port, or in "
				   "TARN_CATALOG");
		return TARN_EINVALID;
	}
	const char *folder = url + strlen("file://");
	*place = (struct place){ tarn_asprintf("%s/catalog.db", folder), tarn_asprintf("%s/.lock", folder) };
	return TARN_OK;
}

static enum tarn_rc open_in(struct tarn_catalog *catalog, const struct place *place, int wait_ms, struct tarn_err *err)
{
	bool write = catalog->mode == TARN_CATALOG_WRITE;
	enum tarn_rc rc = write ? tarn_database_lock(catalog, place->lock, wait_ms, err) : TARN_OK;
	if (!rc)
		rc = open_schema(catalog, place->database, err);
	if (!rc && !is_local(catalog))
		catalog->published = tarn_asprintf("%s.published", place->database);
	if (!rc && write)
		tarn_catalog_mend(catalog);
	return rc;
}

/* ---- reading ---- */

enum tarn_rc tarn_catalog_pointers(struct tarn_catalog *catalog, struct tarn_arena *arena,
				   struct tarn_catalog_pointer **pointers, size_t *n, struct tarn_err *err)
{
	static const char any[] =
		"SELECT table_name, metadata_location FROM iceberg_tables WHERE " TARN_CATALOG_THIS_NAMESPACE
		" ORDER BY 1";
	static const char typed[] =
		"SELECT table_name, metadata_location FROM iceberg_tables WHERE " TARN_CATALOG_THIS_NAMESPACE
			TARN_CATALOG_IS_TABLE " ORDER BY 1";
	sqlite3_stmt *statement;
	size_t cap = 0, found = 0;
	int step;
	enum tarn_rc rc = tarn_sql_prepare(catalog->db, catalog->has_type ? typed : any, NULL, 0, &statement, err);
	if (rc)
		return rc;
	struct tarn_catalog_pointer *rows = NULL;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);
		const char *location = (const char *)sqlite3_column_text(statement, 1);
		rows = tarn_grow(rows, &cap, found + 1, sizeof(*rows));
		rows[found++] = (struct tarn_catalog_pointer){
			tarn_arena_strdup(arena, name ? name : ""),
			location ? tarn_arena_strdup(arena, location) : NULL,
		};
	}
	if (step != SQLITE_DONE)
		rc = tarn_sql_fail(catalog->db, "reading the catalog", err);
	if (!rc) {
		*pointers = tarn_arena_copy(arena, rows, found * sizeof(*rows));
		*n = found;
	}
	sqlite3_finalize(statement);
	free(rows);
	return rc;
}

static enum tarn_rc list_names(struct tarn_catalog *catalog, char ***names, size_t *n, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_catalog_pointer *pointers = NULL;
	size_t found = 0;
	tarn_arena_init(&arena);
	enum tarn_rc rc = tarn_catalog_pointers(catalog, &arena, &pointers, &found, err);
	if (!rc) {
		char **list = tarn_calloc(found, sizeof(*list));
		for (size_t i = 0; i < found; i++)
			list[i] = tarn_strdup(pointers[i].name);
		*names = list;
		*n = found;
	}
	tarn_arena_release(&arena);
	return rc;
}

static enum tarn_rc find_location(struct tarn_catalog *catalog, const char *name, char **location, struct tarn_err *err)
{
	static const char any[] = "SELECT metadata_location FROM iceberg_tables WHERE " TARN_CATALOG_THIS_NAMESPACE
				  " AND table_name = ?1 AND metadata_location IS NOT NULL";
	static const char typed[] = "SELECT metadata_location FROM iceberg_tables WHERE " TARN_CATALOG_THIS_NAMESPACE
				    " AND table_name = ?1 AND metadata_location IS NOT NULL" TARN_CATALOG_IS_TABLE;
	sqlite3_stmt *statement;
	enum tarn_rc rc = tarn_sql_prepare(catalog->db, catalog->has_type ? typed : any, &name, 1, &statement, err);
	if (rc)
		return rc;
	int step = sqlite3_step(statement);
	if (step == SQLITE_ROW)
		*location = tarn_strdup((const char *)sqlite3_column_text(statement, 0));
	else if (step == SQLITE_DONE)
		rc = tarn_fail(err, TARN_ENOTFOUND, "there is no table \"%s\" in the lake \"%s\"", name,
			       tarn_store_url(catalog->store));
	else
		rc = tarn_sql_fail(catalog->db, "reading the catalog", err);
	sqlite3_finalize(statement);
	return rc;
}

static void expect_files(struct tarn_catalog *catalog, const char *const *names, size_t n)
{
	bool more = !is_local(catalog);
	for (size_t i = 0; i < n && more; i++) {
		char *location = NULL;
		const char *key = find_location(catalog, names[i], &location, NULL)
					  ? NULL
					  : tarn_store_key(catalog->store, location);
		more = !key || tarn_store_expect(catalog->store, key, -1);
		free(location);
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text), end_len = strlen(end);
	return text_len >= end_len && !strcmp(text + text_len - end_len, end);
}

/* Java's catalogs may write their metadata with gzip; Tarn never does. */
static enum tarn_rc unpack(struct tarn_buf *metadata, struct tarn_err *err)
{
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf plain;
	tarn_buf_init(&plain, largest_metadata);
	enum tarn_rc rc =
		tarn_decompress(compressor, TARN_CODEC_GZIP, tarn_buf_slice(metadata), largest_metadata, &plain, err);
	tarn_compressor_free(compressor);
	tarn_buf_release(metadata);
	*metadata = plain;
	return rc;
}

static enum tarn_rc read_metadata(struct tarn_catalog *catalog, const char *location, struct tarn_table **table,
				  struct tarn_err *err)
{
	struct tarn_buf metadata;
	const char *key = tarn_store_key(catalog->store, location);
	if (!key) {
		tarn_fail(err, TARN_EINVALID, "its metadata is at \"%s\", outside of the lake \"%s\"", location,
			  tarn_store_url(catalog->store));
		tarn_err_hint(err, "Iceberg writes absolute locations: a lake that was moved must be moved back");
		return TARN_EINVALID;
	}
	tarn_buf_init(&metadata, largest_metadata);
	enum tarn_rc rc = tarn_store_get(catalog->store, key, &metadata, err);
	if (!rc && (ends_with(key, ".gz.metadata.json") || ends_with(key, ".metadata.json.gz")))
		rc = unpack(&metadata, err);
	if (!rc)
		rc = tarn_table_parse(tarn_buf_slice(&metadata), table, err);
	if (rc && rc != TARN_ENOTFOUND)
		rc = tarn_err_within(err, rc, "\"%s\"", key);
	tarn_buf_release(&metadata);
	return rc;
}

static enum tarn_rc load(struct tarn_catalog *catalog, const char *name, struct tarn_table **table, char **location,
			 struct tarn_err *err)
{
	char *found = NULL;
	enum tarn_rc rc = find_location(catalog, name, &found, err);
	if (rc)
		return rc;
	rc = read_metadata(catalog, found, table, err);
	/* A file that is gone is damage; "not found" is said of tables that the catalog does not have. */
	if (rc)
		rc = tarn_err_within(err, rc == TARN_ENOTFOUND ? TARN_EINVALID : rc, "table \"%s\"", name);
	if (!rc && location)
		*location = found;
	else
		free(found);
	return rc;
}

/* ---- the kind ---- */

static const struct tarn_catalog_ops sqlite_ops = {
	.list = list_names,
	.expect = expect_files,
	.load = load,
	.commit = tarn_sqlite_commit,
};

enum tarn_rc tarn_sqlite_catalog_open(struct tarn_catalog *catalog, const char *database, int wait_ms,
				      struct tarn_err *err)
{
	struct place place = { 0 };
	enum tarn_rc rc = find_place(catalog, database, &place, err);
	catalog->ops = &sqlite_ops;
	if (!rc)
		rc = open_in(catalog, &place, wait_ms, err);
	free(place.database);
	free(place.lock);
	return rc;
}
