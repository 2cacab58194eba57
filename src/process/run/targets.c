#include "process/run/targets.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "store/catalog/sql.h"

const struct tarn_table_definition *tarn_target_definition(size_t index)
{
	switch (index) {
	case TARN_TARGET_DEAD_LETTERS: return &tarn_dead_letters_table;
	case TARN_TARGET_REPEATED_RESULTS: return &tarn_repeated_results_table;
	case TARN_TARGET_PROCESSING_METADATA: return &tarn_processing_metadata_table;
	default: return &tarn_features[index]->table;
	}
}

static void digest(const char *run_id, const char *table, int64_t parent, uint8_t sha[TARN_SHA256_SIZE])
{
	char *text = tarn_asprintf("%s/%s/%lld", run_id, table, (long long)parent);

	tarn_sha256(tarn_slice_str(text), sha);
	free(text);
}

int64_t tarn_target_snapshot_id(const struct tarn_target *target, const char *run_id)
{
	const struct tarn_snapshot *current = tarn_table_current(target->table);
	uint8_t sha[TARN_SHA256_SIZE];
	uint64_t id;

	digest(run_id, target->definition->name, current ? current->id : 0, sha);
	memcpy(&id, sha, sizeof(id));
	id &= (UINT64_C(1) << 53) - 1;
	return id ? (int64_t)id : 1;
}

/* RFC 9562, version 8 (custom), variant 10. */
static void make_uuid(const char *run_id, const char *table, char uuid[TARN_UUID_SIZE])
{
	uint8_t sha[TARN_SHA256_SIZE];
	char hex[32];

	digest(run_id, table, -1, sha);
	sha[6] = (sha[6] & 0x0f) | 0x80;
	sha[8] = (sha[8] & 0x3f) | 0x80;
	tarn_hex(sha, 16, hex);
	snprintf(uuid, TARN_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static enum tarn_rc make(struct tarn_catalog *catalog, const struct tarn_run_stamp *stamp, struct tarn_target *target,
			 struct tarn_err *err)
{
	const char *name = target->definition->name, *location = tarn_catalog_table_location(catalog, name);
	char uuid[TARN_UUID_SIZE];
	enum tarn_rc rc;

	make_uuid(stamp->run_id, name, uuid);
	target->table = tarn_table_new(target->definition, location, uuid, stamp->now_us);
	rc = tarn_catalog_make(catalog, name, &target->table, &target->metadata_location, err);
	/* What a server has made of it. */
	if (!rc && target->metadata_location)
		rc = tarn_table_check(target->table, target->definition, err);
	return rc;
}

static enum tarn_rc load(struct tarn_catalog *catalog, const struct tarn_run_stamp *stamp, struct tarn_target *target,
			 struct tarn_err *err)
{
	struct tarn_err problem;
	enum tarn_rc rc = tarn_catalog_load(catalog, target->definition->name, &target->table,
					    &target->metadata_location, &problem);

	if (rc == TARN_ENOTFOUND)
		return make(catalog, stamp, target, err);
	if (!rc)
		rc = tarn_table_check(target->table, target->definition, &problem);
	/* A run that died may have left a table half made. */
	if (rc && target->table && !tarn_table_current(target->table) && tarn_catalog_is_remote(catalog)) {
		tarn_table_free(target->table);
		free(target->metadata_location);
		target->metadata_location = NULL;
		return make(catalog, stamp, target, err);
	}
	if (rc && err)
		*err = problem;
	return rc;
}

enum tarn_rc tarn_targets_load(struct tarn_catalog *catalog, const struct tarn_run_stamp *stamp,
			       struct tarn_targets *targets, struct tarn_err *err)
{
	/* A distant lake may take its time to answer; others may write meanwhile. */
	bool distant = tarn_store_lists_trees(tarn_catalog_store(catalog)) || tarn_catalog_is_remote(catalog);
	sqlite3 *db = distant ? NULL : tarn_catalog_db(catalog);
	const char *names[TARN_N_TARGETS];
	enum tarn_rc rc = TARN_OK;

	*targets = (struct tarn_targets){ 0 };
	for (size_t i = 0; i < TARN_N_TARGETS; i++) {
		targets->items[i].definition = tarn_target_definition(i);
		names[i] = targets->items[i].definition->name;
	}
	tarn_catalog_expect(catalog, names, TARN_N_TARGETS);
	tarn_sql_view_begin(db);
	for (size_t i = 0; !rc && i < TARN_N_TARGETS; i++) {
		rc = load(catalog, stamp, &targets->items[i], err);
		if (rc)
			rc = tarn_err_within(err, rc, "table \"%s\"", targets->items[i].definition->name);
	}
	tarn_sql_view_end(db);
	if (rc)
		tarn_targets_release(targets);
	return rc;
}

void tarn_targets_release(struct tarn_targets *targets)
{
	for (size_t i = 0; i < TARN_N_TARGETS; i++) {
		tarn_table_free(targets->items[i].table);
		free(targets->items[i].metadata_location);
	}
	*targets = (struct tarn_targets){ 0 };
}
