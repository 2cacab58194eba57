/* The data files of a snapshot. */
#include "store/iceberg/scan.h"

#include "store/iceberg/manifest.h"

#define MANIFEST_MAX ((size_t)1 << 28)

struct scan {
	const struct tarn_table *table;
	struct tarn_store *store;
	tarn_scan_visit visit;
	void *context;
	struct tarn_arena arena;
	struct tarn_manifest *manifests;
	size_t n_manifests;
	struct tarn_manifest_reader *reader;
	struct tarn_buf file, location, path;
	struct tarn_partition_type type; /* of the manifest that is read */
};

static enum tarn_rc refuse_deletes(const struct scan *scan, struct tarn_err *err)
{
	for (size_t i = 0; i < scan->n_manifests; i++) {
		const struct tarn_manifest *manifest = &scan->manifests[i];
		if (manifest->content == TARN_MANIFEST_DELETES && tarn_manifest_live_files(manifest))
			return tarn_fail(err, TARN_EUNSUPPORTED,
					 "the snapshot has delete files (manifest %s), which Tarn does not apply",
					 manifest->location);
	}
	return TARN_OK;
}

static enum tarn_rc visit_entry(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	struct scan *scan = context;
	if (entry->status == TARN_ENTRY_DELETED)
		return TARN_OK;
	if (entry->content)
		return tarn_fail(err, TARN_EUNSUPPORTED, "delete file %.*s in a manifest of data files",
				 (int)(entry->location.len > 200 ? 200 : entry->location.len),
				 (const char *)entry->location.data);
	tarn_buf_clear(&scan->location);
	tarn_buf_add_slice(&scan->location, entry->location);
	tarn_buf_add_byte(&scan->location, 0);
	tarn_buf_clear(&scan->path);
	tarn_partition_put_path(&scan->type, entry->partition, &scan->path);
	tarn_buf_add_byte(&scan->path, 0);
	const struct tarn_scan_file file = {
		.location = (const char *)scan->location.data,
		.partition_path = (const char *)scan->path.data,
		.rows = entry->rows,
		.bytes = entry->bytes,
		.sequence_number = entry->sequence_number,
		.added_snapshot_id = entry->snapshot_id,
	};
	return scan->visit(scan->context, &file, err);
}

static enum tarn_rc read_manifest(struct scan *scan, const struct tarn_manifest *manifest, struct tarn_err *err)
{
	const struct tarn_partition_spec *spec = tarn_table_spec(scan->table, manifest->spec_id);
	if (!spec)
		return tarn_fail(err, TARN_EINVALID, "manifest %s is of partition spec %d, which the table has not",
				 manifest->location, manifest->spec_id);
	scan->type = tarn_partition_type_of(scan->table, spec, &scan->arena);
	tarn_buf_clear(&scan->file);
	enum tarn_rc rc = tarn_manifest_fetch(scan->store, manifest->location, &scan->file, err);
	return rc ? rc
		  : tarn_manifest_read(scan->reader, tarn_buf_slice(&scan->file), manifest, &scan->type, visit_entry,
				       scan, err);
}

static enum tarn_rc scan_snapshot(struct scan *scan, const struct tarn_snapshot *snapshot, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_manifest_list_load(scan->reader, scan->store, snapshot, &scan->arena, &scan->manifests,
						  &scan->n_manifests, err);
	if (!rc)
		rc = refuse_deletes(scan, err);
	for (size_t i = 0; i < scan->n_manifests && !rc; i++) {
		if (scan->manifests[i].content == TARN_MANIFEST_DATA)
			rc = read_manifest(scan, &scan->manifests[i], err);
	}
	return rc;
}

enum tarn_rc tarn_scan_files(const struct tarn_table *table, const struct tarn_snapshot *snapshot,
			     struct tarn_store *store, tarn_scan_visit visit, void *context, struct tarn_err *err)
{
	struct scan scan = { .table = table, .store = store, .visit = visit, .context = context };
	tarn_arena_init(&scan.arena);
	tarn_buf_init(&scan.file, MANIFEST_MAX);
	tarn_buf_init(&scan.location, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&scan.path, TARN_BUF_DEFAULT_MAX);
	scan.reader = tarn_manifest_reader_new();
	enum tarn_rc rc = scan_snapshot(&scan, snapshot, err);
	tarn_manifest_reader_free(scan.reader);
	tarn_buf_release(&scan.file);
	tarn_buf_release(&scan.location);
	tarn_buf_release(&scan.path);
	tarn_arena_release(&scan.arena);
	return rc;
}
