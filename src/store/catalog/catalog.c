/* The door of both kinds of catalog: which one it is, and what they have in common. */
#include "store/catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/module.h"
#include "store/catalog/state.h"

/* ---- opening ---- */

static bool is_rest(const char *url)
{
	static const char *const schemes[] = { "http://", "https://", "rest+http://", "rest+https://" };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (!strncmp(url, schemes[i], strlen(schemes[i])))
			return true;
	return false;
}

static enum tarn_rc open_rest(struct tarn_catalog *catalog, const char *url, struct tarn_err *err)
{
	void *symbol;
	tarn_catalog_open_rest open;
	/* "Not found" would be taken for a catalog that is not there yet. */
	if (tarn_module_symbol(TARN_MODULE_NETWORK, "tarn_rest_catalog_open", &symbol, err))
		return tarn_err_within(err, TARN_EUNSUPPORTED, "catalog \"%s\"", url);
	memcpy(&open, &symbol, sizeof(open));
	return open(catalog, url, err);
}

static enum tarn_rc open_beside(struct tarn_catalog *catalog, const char *url, int wait_ms, struct tarn_err *err)
{
	if (!url || !*url)
		url = getenv("TARN_CATALOG");
	if (!url || !is_rest(url))
		return tarn_sqlite_catalog_open(catalog, url, wait_ms, err);
	enum tarn_rc rc = open_rest(catalog, url, err);
	return rc ? rc : tarn_ledger_file_open(catalog, wait_ms, err);
}

enum tarn_rc tarn_catalog_open_at(const char *lake, const char *url, enum tarn_catalog_mode mode, int wait_ms,
				  struct tarn_catalog **catalog, struct tarn_err *err)
{
	struct tarn_store *store;
	enum tarn_rc rc = tarn_store_open(lake, mode == TARN_CATALOG_WRITE, &store, err);
	if (rc)
		return tarn_err_within(err, rc, "lake");
	struct tarn_catalog *opened = tarn_calloc(1, sizeof(*opened));
	opened->store = store;
	opened->mode = mode;
	opened->lock = -1;
	tarn_arena_init(&opened->arena);
	rc = open_beside(opened, url, wait_ms, err);
	if (rc)
		tarn_catalog_close(opened);
	else
		*catalog = opened;
	return rc;
}

enum tarn_rc tarn_catalog_open(const char *lake, enum tarn_catalog_mode mode, int wait_ms,
			       struct tarn_catalog **catalog, struct tarn_err *err)
{
	return tarn_catalog_open_at(lake, NULL, mode, wait_ms, catalog, err);
}

void tarn_catalog_close(struct tarn_catalog *catalog)
{
	if (!catalog)
		return;
	if (catalog->ops && catalog->ops->close)
		catalog->ops->close(catalog);
	sqlite3_close(catalog->db);
	tarn_catalog_unlock(catalog->lock);
	tarn_store_close(catalog->store);
	tarn_arena_release(&catalog->arena);
	free(catalog->published);
	free(catalog);
}

/* ---- what is there ---- */

struct tarn_store *tarn_catalog_store(struct tarn_catalog *catalog)
{
	return catalog->store;
}

struct sqlite3 *tarn_catalog_db(struct tarn_catalog *catalog)
{
	return catalog->db;
}

bool tarn_catalog_is_remote(const struct tarn_catalog *catalog)
{
	return catalog->rest != NULL;
}

const char *tarn_catalog_table_location(struct tarn_catalog *catalog, const char *name)
{
	return tarn_arena_printf(&catalog->arena, "%s/" TARN_NAMESPACE "/%s", tarn_store_url(catalog->store), name);
}

void tarn_catalog_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

enum tarn_rc tarn_catalog_list(struct tarn_catalog *catalog, char ***names, size_t *n, struct tarn_err *err)
{
	return catalog->ops->list(catalog, names, n, err);
}

void tarn_catalog_expect(struct tarn_catalog *catalog, const char *const *names, size_t n)
{
	catalog->ops->expect(catalog, names, n);
}

enum tarn_rc tarn_catalog_load(struct tarn_catalog *catalog, const char *name, struct tarn_table **table,
			       char **location, struct tarn_err *err)
{
	return catalog->ops->load(catalog, name, table, location, err);
}

/* ---- changing it ---- */

enum tarn_rc tarn_catalog_make(struct tarn_catalog *catalog, const char *name, struct tarn_table **table,
			       char **location, struct tarn_err *err)
{
	return catalog->ops->make ? catalog->ops->make(catalog, name, table, location, err) : TARN_OK;
}

enum tarn_rc tarn_catalog_commit(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
				 tarn_catalog_also also, void *context, struct tarn_err *err)
{
	return catalog->ops->commit(catalog, changes, n, also, context, err);
}

enum tarn_rc tarn_catalog_begin(struct tarn_catalog *catalog, struct tarn_err *err)
{
	return tarn_sql_run(catalog->db, "BEGIN IMMEDIATE", "committing", err);
}

/* If only the last of its writes failed the transaction may stand all the same, so the caller deletes nothing then. */
enum tarn_rc tarn_catalog_end(struct tarn_catalog *catalog, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_sql_run(catalog->db, "COMMIT", "committing", err);
	if (rc)
		tarn_catalog_undo(catalog);
	return rc;
}

void tarn_catalog_undo(struct tarn_catalog *catalog)
{
	sqlite3_exec(catalog->db, "ROLLBACK", NULL, NULL, NULL);
}
