/* Everything that a table's metadata refers to. A manifest is in the lists of many snapshots and is read once. */
#include <stdlib.h>

#include "base/hash.h"
#include "store/iceberg/manifest.h"
#include "store/iceberg/scan.h"

#define MANIFEST_MAX ((size_t)1 << 28)

typedef enum tarn_rc (*visit_location)(void *context, const char *location, struct tarn_err *err);

/* Locations, each once: open addressing, at most half full. */
struct location_set {
	struct tarn_arena arena;
	const char **slots;
	size_t n_slots, n; /* n_slots is a power of two, or 0 */
};

static const char **find_slot(const struct location_set *set, const char *location)
{
	size_t i = (size_t)tarn_hash64(tarn_slice_str(location)) & (set->n_slots - 1);
	while (set->slots[i] && strcmp(set->slots[i], location))
		i = (i + 1) & (set->n_slots - 1);
	return &set->slots[i];
}

static void grow(struct location_set *set)
{
	struct location_set wider = { .n_slots = set->n_slots ? set->n_slots * 2 : 64 };
	wider.slots = tarn_calloc(wider.n_slots, sizeof(*wider.slots));
	for (size_t i = 0; i < set->n_slots; i++) {
		if (set->slots[i])
			*find_slot(&wider, set->slots[i]) = set->slots[i];
	}
	free(set->slots);
	set->slots = wider.slots;
	set->n_slots = wider.n_slots;
}

/* False where it is there already. */
static bool insert(struct location_set *set, const char *location)
{
	if (2 * (set->n + 1) > set->n_slots)
		grow(set);
	const char **slot = find_slot(set, location);
	if (*slot)
		return false;
	*slot = tarn_arena_strdup(&set->arena, location);
	set->n++;
	return true;
}

struct walk {
	const struct tarn_table *table;
	struct tarn_store *store;
	visit_location visit;
	void *context;
	struct location_set seen;
	struct tarn_manifest_reader *reader;
	struct tarn_buf file, location;
};

/* Deleted entries too: an older snapshot may still need the file. */
static enum tarn_rc visit_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	struct walk *walk = context;
	tarn_buf_clear(&walk->location);
	tarn_buf_add_slice(&walk->location, entry->location);
	tarn_buf_add_byte(&walk->location, 0);
	return walk->visit(walk->context, (const char *)walk->location.data, err);
}

static enum tarn_rc walk_manifest(struct walk *walk, const struct tarn_manifest *manifest, struct tarn_err *err)
{
	static const struct tarn_partition_type no_partition = { .n = 0 };
	enum tarn_rc rc = walk->visit(walk->context, manifest->location, err);
	if (rc)
		return rc;
	tarn_buf_clear(&walk->file);
	rc = tarn_manifest_fetch(walk->store, manifest->location, &walk->file, err);
	return rc ? rc
		  : tarn_manifest_read(walk->reader, tarn_buf_slice(&walk->file), manifest, &no_partition, visit_entry,
				       walk, err);
}

static enum tarn_rc walk_snapshot(struct walk *walk, const struct tarn_snapshot *snapshot, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	size_t n = 0;
	tarn_arena_init(&arena);
	enum tarn_rc rc = tarn_manifest_list_load(walk->reader, walk->store, snapshot, &arena, &manifests, &n, err);
	if (!rc)
		rc = walk->visit(walk->context, snapshot->manifest_list, err);
	for (size_t i = 0; i < n && !rc; i++) {
		if (insert(&walk->seen, manifests[i].location))
			rc = walk_manifest(walk, &manifests[i], err);
	}
	tarn_arena_release(&arena);
	return rc;
}

/* The files of "statistics" and "partition-statistics". */
static enum tarn_rc walk_statistics(struct walk *walk, enum tarn_metadata_key member, struct tarn_err *err)
{
	struct tarn_slice raw = walk->table->raw[member], key;
	struct tarn_json json;
	struct tarn_arena arena;
	if (!raw.data)
		return TARN_OK;
	tarn_arena_init(&arena);
	tarn_json_init(&json, raw, raw, &arena, err);
	tarn_json_begin_array(&json);
	while (tarn_json_next_item(&json)) {
		tarn_json_begin_object(&json);
		while (tarn_json_next_member(&json, &key)) {
			if (!tarn_json_is(key, "statistics-path")) {
				tarn_json_skip(&json);
				continue;
			}
			const char *path = tarn_json_string(&json);
			if (!json.rc)
				json.rc = walk->visit(walk->context, path, err);
		}
	}
	enum tarn_rc rc = json.rc;
	tarn_arena_release(&arena);
	return rc;
}

static enum tarn_rc walk_table(struct walk *walk, struct tarn_err *err)
{
	enum tarn_rc rc = walk_statistics(walk, TARN_METADATA_STATISTICS, err);
	if (!rc)
		rc = walk_statistics(walk, TARN_METADATA_PARTITION_STATISTICS, err);
	for (size_t i = 0; i < walk->table->n_metadata_log && !rc; i++)
		rc = walk->visit(walk->context, walk->table->metadata_log[i].file, err);
	for (size_t i = 0; i < walk->table->n_snapshots && !rc; i++)
		rc = walk_snapshot(walk, &walk->table->snapshots[i], err);
	return rc;
}

enum tarn_rc tarn_scan_references(const struct tarn_table *table, struct tarn_store *store, visit_location visit,
				  void *context, struct tarn_err *err)
{
	struct walk walk = { .table = table, .store = store, .visit = visit, .context = context };
	tarn_arena_init(&walk.seen.arena);
	tarn_buf_init(&walk.file, MANIFEST_MAX);
	tarn_buf_init(&walk.location, TARN_BUF_DEFAULT_MAX);
	walk.reader = tarn_manifest_reader_new();
	enum tarn_rc rc = walk_table(&walk, err);
	tarn_manifest_reader_free(walk.reader);
	tarn_buf_release(&walk.file);
	tarn_buf_release(&walk.location);
	free(walk.seen.slots);
	tarn_arena_release(&walk.seen.arena);
	return rc;
}
