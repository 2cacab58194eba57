/* A commit in SQLite, in this order, so that a crash anywhere leaves either the old tables or the new ones:
 *
 *   1. the metadata files are written, and the version hints to come; nothing refers to them
 *   2. the store is synced: data, manifests and metadata are on disk
 *   3. one SQLite transaction compares and swaps all pointers and runs what the caller adds; its end is the commit
 *   4. the names for path readers are made; tarn_catalog_mend does it later if we die here */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/point.h"
#include "store/catalog/state.h"

struct step {
	const struct tarn_catalog_change *change;
	const char *location;
};

static const size_t largest_metadata = (size_t)1 << 28;

/* ---- 1: metadata files ---- */

static enum tarn_rc write_metadata(struct tarn_catalog *catalog, struct tarn_arena *arena, struct step *step,
				   struct tarn_err *err)
{
	char uuid[TARN_UUID_SIZE];
	const struct tarn_catalog_change *change = step->change;
	int64_t number = change->previous_location ? tarn_catalog_path_version(change->previous_location) - 1 : 0;
	tarn_uuid(uuid);
	step->location = tarn_arena_printf(arena, "%s/metadata/%05lld-%s.metadata.json",
					   tarn_table_location(change->table), (long long)number, uuid);
	const char *key = tarn_store_key(catalog->store, step->location);
	if (!key)
		return tarn_fail(err, TARN_EINVALID, "table \"%s\" is at \"%s\", outside of the lake \"%s\"",
				 change->name, tarn_table_location(change->table), tarn_store_url(catalog->store));
	struct tarn_buf json;
	tarn_buf_init(&json, largest_metadata);
	enum tarn_rc rc = tarn_table_write(change->table, &json, err);
	if (!rc)
		rc = tarn_store_put(catalog->store, key, tarn_buf_slice(&json), TARN_PUT_UNTOLD, err);
	tarn_buf_release(&json);
	if (!rc)
		rc = tarn_catalog_stage_hint(catalog, step->location, err);
	if (!rc)
		tarn_point("catalog.metadata_written");
	return rc;
}

/* So that readers which pick the highest number in the folder do not find what was not committed. */
static void discard_metadata(struct tarn_catalog *catalog, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n && steps[i].location; i++) {
		const char *key = tarn_store_key(catalog->store, steps[i].location);
		if (!key || tarn_store_delete(catalog->store, key, NULL))
			return;
		tarn_catalog_unstage_hint(catalog, steps[i].location);
	}
}

/* ---- 3: the transaction ---- */

static enum tarn_rc add_pointer(struct tarn_catalog *catalog, const struct step *step, struct tarn_err *err)
{
	static const char add[] = "INSERT INTO iceberg_tables "
				  "(catalog_name, table_namespace, table_name, metadata_location) "
				  "VALUES ('" TARN_CATALOG_NAME "', '" TARN_NAMESPACE "', ?1, ?2)";
	static const char add_typed[] = "INSERT INTO iceberg_tables "
					"(catalog_name, table_namespace, table_name, metadata_location, iceberg_type) "
					"VALUES ('" TARN_CATALOG_NAME "', '" TARN_NAMESPACE "', ?1, ?2, 'TABLE')";
	const char *texts[] = { step->change->name, step->location };
	enum tarn_rc rc = tarn_sql_change(catalog->db, catalog->has_type ? add_typed : add, texts, 2, NULL, err);
	if (rc == TARN_ECONFLICT)
		tarn_fail(err, rc, "somebody else has made table \"%s\" meanwhile", step->change->name);
	return rc;
}

static enum tarn_rc swap_pointer(struct tarn_catalog *catalog, const struct step *step, struct tarn_err *err)
{
	static const char set[] =
		"UPDATE iceberg_tables SET metadata_location = ?2, previous_metadata_location = ?3 "
		"WHERE " TARN_CATALOG_THIS_NAMESPACE " AND table_name = ?1 AND metadata_location = ?3";
	static const char set_typed[] =
		"UPDATE iceberg_tables SET metadata_location = ?2, previous_metadata_location = ?3 "
		"WHERE " TARN_CATALOG_THIS_NAMESPACE
		" AND table_name = ?1 AND metadata_location = ?3" TARN_CATALOG_IS_TABLE;
	const char *texts[] = { step->change->name, step->location, step->change->previous_location };
	int changes;
	enum tarn_rc rc = tarn_sql_change(catalog->db, catalog->has_type ? set_typed : set, texts, 3, &changes, err);
	if (!rc && changes != 1) {
		rc = tarn_fail(err, TARN_ECONFLICT, "somebody else has changed table \"%s\" meanwhile",
			       step->change->name);
		tarn_err_hint(err, "run it again: it starts from what the other one wrote");
	}
	return rc;
}

static enum tarn_rc fill_transaction(struct tarn_catalog *catalog, const struct step *steps, size_t n,
				     tarn_catalog_also also, void *context, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < n && !rc; i++)
		rc = steps[i].change->previous_location ? swap_pointer(catalog, &steps[i], err)
							: add_pointer(catalog, &steps[i], err);
	if (!rc && also)
		rc = also(context, catalog->db, err);
	if (!rc)
		tarn_point("catalog.in_transaction");
	return rc;
}

static enum tarn_rc run_transaction(struct tarn_catalog *catalog, const struct step *steps, size_t n,
				    tarn_catalog_also also, void *context, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_catalog_begin(catalog, err);
	if (!rc)
		rc = fill_transaction(catalog, steps, n, also, context, err);
	if (rc) {
		tarn_catalog_undo(catalog);
		discard_metadata(catalog, steps, n);
		return rc;
	}
	return tarn_catalog_end(catalog, err);
}

/* ---- all of it ---- */

static enum tarn_rc prepare(struct tarn_catalog *catalog, struct tarn_arena *arena, struct step *steps, size_t n,
			    struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < n && !rc; i++)
		rc = write_metadata(catalog, arena, &steps[i], err);
	if (!rc)
		rc = tarn_store_sync(catalog->store, err);
	if (rc)
		discard_metadata(catalog, steps, n);
	return rc;
}

/* The commit stands whatever happens here. */
static void publish_steps(struct tarn_catalog *catalog, const struct step *steps, size_t n)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < n && !rc; i++)
		rc = tarn_catalog_link(catalog, steps[i].location, NULL);
	if (n && !rc)
		rc = tarn_store_sync(catalog->store, NULL);
	tarn_point("catalog.linked");
	for (size_t i = 0; i < n && !rc; i++) {
		rc = tarn_catalog_move_hint(catalog, steps[i].location, NULL);
		tarn_point("catalog.published_some");
	}
	if (!rc)
		tarn_catalog_note_published(catalog);
}

enum tarn_rc tarn_sqlite_commit(struct tarn_catalog *catalog, const struct tarn_catalog_change *changes, size_t n,
				tarn_catalog_also also, void *context, struct tarn_err *err)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	struct step *steps = tarn_arena_zalloc(&arena, n * sizeof(*steps));
	for (size_t i = 0; i < n; i++)
		steps[i].change = &changes[i];
	enum tarn_rc rc = prepare(catalog, &arena, steps, n, err);
	if (!rc) {
		tarn_point("catalog.before_transaction");
		rc = run_transaction(catalog, steps, n, also, context, err);
	}
	if (!rc) {
		tarn_point("catalog.committed");
		publish_steps(catalog, steps, n);
	}
	tarn_arena_release(&arena);
	return rc;
}
