/* The SQLite file of a catalog: where it is, its lock, its settings. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "store/catalog/state.h"

enum { BUSY_MS = 10000, NAME_DIGITS = 16 };

/* ---- places ---- */

/* The path of a SQLite URL; behind its three slashes it is relative, as SQLAlchemy has it. */
const char *tarn_database_path(const char *database)
{
	static const char scheme[] = "sqlite:";
	if (strncmp(database, scheme, strlen(scheme)))
		return strstr(database, "://") ? NULL : database;
	const char *path = database + strlen(scheme);
	if (!strncmp(path, "///", 3))
		path += 3;
	return *path ? path : NULL;
}

enum tarn_rc tarn_database_make_folder(const char *path, struct tarn_err *err)
{
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return TARN_OK;
	char *folder = tarn_asprintf("%.*s", (int)(slash - path), path);
	enum tarn_rc rc = tarn_make_folders(folder, err);
	free(folder);
	return rc;
}

/* ---- opening ---- */

enum tarn_rc tarn_database_lock(struct tarn_catalog *catalog, const char *lock, int wait_ms, struct tarn_err *err)
{
	const char *url = tarn_store_url(catalog->store);
	const char *shown = strncmp(url, "file://", strlen("file://")) ? url : url + strlen("file://");
	return tarn_catalog_lock(lock, shown, wait_ms, &catalog->lock, err);
}

/* See README for the journal. A transaction that outgrows the page cache would lock readers out until it ends, so
 * nothing is spilled. */
static const char write_settings[] =
	"PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL; PRAGMA cache_spill = OFF;";

/* Readers, too, open for writing where the system lets them: after a crash the first one to come rolls the journal
 * back. */
enum tarn_rc tarn_database_open(struct tarn_catalog *catalog, const char *path, struct tarn_err *err)
{
	bool write = catalog->mode == TARN_CATALOG_WRITE;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (write ? SQLITE_OPEN_CREATE : 0);
	if (sqlite3_open_v2(path, &catalog->db, flags, NULL) != SQLITE_OK)
		return tarn_sql_fail(catalog->db, "opening the catalog", err);
	sqlite3_extended_result_codes(catalog->db, 1);
	sqlite3_busy_timeout(catalog->db, BUSY_MS);
	return tarn_sql_run(catalog->db, write ? write_settings : "PRAGMA query_only = ON", "opening the catalog", err);
}

/* ---- the ledger's file beside a REST catalog ---- */

/* To be freed; NULL where nothing tells a place. */
static char *default_ledger_path(const struct tarn_catalog *catalog)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char hex[TARN_SHA256_HEX_SIZE], *identity;
	uint8_t digest[TARN_SHA256_SIZE];
	bool has_state = state && *state == '/';
	if (!has_state && (!home || !*home))
		return NULL;
	identity = tarn_asprintf("%s\n%s", catalog->identity, tarn_store_url(catalog->store));
	tarn_sha256(tarn_slice_str(identity), digest);
	tarn_hex(digest, sizeof(digest), hex);
	free(identity);
	return tarn_asprintf("%s%s/tarn/ledger-%.*s.db", has_state ? state : home, has_state ? "" : "/.local/state",
			     NAME_DIGITS, hex);
}

static enum tarn_rc find_ledger(const struct tarn_catalog *catalog, char **path, struct tarn_err *err)
{
	const char *given = getenv("TARN_LEDGER");
	const char *named = given && *given ? tarn_database_path(given) : NULL;
	if (given && *given && !named)
		return tarn_fail(err, TARN_EUNSUPPORTED, "no ledger in \"%s\": expected a path or sqlite:////path",
				 given);
	*path = named ? tarn_strdup(named) : default_ledger_path(catalog);
	if (*path)
		return TARN_OK;
	tarn_fail(err, TARN_EINVALID, "no place for the ledger: neither XDG_STATE_HOME nor HOME is set");
	tarn_err_hint(err, "give one with --ledger /path/to/ledger.db, or in TARN_LEDGER");
	return TARN_EINVALID;
}

static enum tarn_rc open_ledger(struct tarn_catalog *catalog, const char *path, int wait_ms, struct tarn_err *err)
{
	char *lock = tarn_asprintf("%s.lock", path);
	bool write = catalog->mode == TARN_CATALOG_WRITE;
	enum tarn_rc rc = write ? tarn_database_make_folder(path, err) : TARN_OK;
	if (!rc && write)
		rc = tarn_database_lock(catalog, lock, wait_ms, err);
	if (!rc && (write || tarn_file_exists(path)))
		rc = tarn_database_open(catalog, path, err);
	free(lock);
	return rc;
}

enum tarn_rc tarn_ledger_file_open(struct tarn_catalog *catalog, int wait_ms, struct tarn_err *err)
{
	char *path = NULL;
	enum tarn_rc rc = find_ledger(catalog, &path, err);
	if (!rc)
		rc = open_ledger(catalog, path, wait_ms, err);
	free(path);
	return rc;
}
