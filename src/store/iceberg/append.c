/* Appending data files: manifest, manifest list, snapshot. Files are written first; the table in memory changes at the
 * end, when nothing can fail any more. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/iceberg/manifest.h"

#define MANIFEST_MAX ((size_t)1 << 28)
#define DEFAULT_PREVIOUS_VERSIONS 100

struct appender {
	struct tarn_manifest_reader *reader;
	struct tarn_table *table;
	struct tarn_store *store;
	const struct tarn_data_file *files;
	size_t n_files;
	const struct tarn_append *append;
	struct tarn_err *err;
	struct tarn_arena arena; /* until the append is done */

	struct tarn_partition_type type;
	struct tarn_manifest *old; /* of the current snapshot */
	size_t n_old;
	bool *merged; /* old[i] goes into the new manifest */
	struct tarn_manifest *list;
	size_t n_list;
	int64_t sequence_number, timestamp_ms;
	const char *manifest_list;
};

/* ---- files ---- */

/* Sync bytes that depend on the file's name, so that the same append gives the same bytes. */
static void make_sync(const char *location, uint8_t sync[16])
{
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_sha256(tarn_slice_str(location), digest);
	memcpy(sync, digest, 16);
}

static enum tarn_rc put_file(struct appender *appender, const char *location, struct tarn_slice bytes)
{
	const char *key = tarn_store_key(appender->store, location);
	if (!key)
		return tarn_fail(appender->err, TARN_EUNSUPPORTED, "\"%s\" is not below the store %s", location,
				 tarn_store_url(appender->store));
	return tarn_store_put(appender->store, key, bytes, TARN_PUT_UNTOLD, appender->err);
}

/* ---- entries of new files ---- */

static struct tarn_id_counts new_counts(struct appender *appender, size_t n, int32_t **ids, int64_t **counts)
{
	*ids = tarn_arena_alloc(&appender->arena, n * sizeof(**ids));
	*counts = tarn_arena_alloc(&appender->arena, n * sizeof(**counts));
	return (struct tarn_id_counts){ .present = true, .ids = *ids, .counts = *counts };
}

enum count_of { SIZES, VALUES, NULLS, NANS };

/* The number a metric gives to a map; false where the map leaves the column out. */
static bool metric_count(const struct tarn_parquet_metrics *metrics, enum count_of map, int64_t *count)
{
	bool real = metrics->kind == TARN_TYPE_FLOAT || metrics->kind == TARN_TYPE_DOUBLE;
	switch (map) {
	case SIZES: *count = metrics->compressed_bytes; return true;
	case VALUES: *count = metrics->values; return !metrics->in_list;
	case NULLS: *count = metrics->nulls; return !metrics->in_list;
	default: *count = metrics->nans; return !metrics->in_list && real;
	}
}

static struct tarn_id_counts collect_counts(struct appender *appender, const struct tarn_data_file *file,
					    enum count_of map)
{
	int32_t *ids;
	int64_t *counts;
	struct tarn_id_counts collected = new_counts(appender, file->n_metrics, &ids, &counts);
	for (size_t i = 0; i < file->n_metrics; i++) {
		if (!metric_count(&file->metrics[i], map, &counts[collected.n]))
			continue;
		ids[collected.n++] = file->metrics[i].field_id;
	}
	return collected;
}

static bool metric_bound(struct appender *appender, const struct tarn_parquet_metrics *metrics, bool upper,
			 struct tarn_slice *bound)
{
	if (metrics->in_list || !metrics->has_bounds)
		return false;
	return upper ? tarn_bound_upper(metrics->kind, metrics->upper, &appender->arena, bound)
		     : tarn_bound_lower(metrics->kind, metrics->lower, bound);
}

static struct tarn_id_bounds collect_bounds(struct appender *appender, const struct tarn_data_file *file, bool upper)
{
	struct tarn_buf data;
	int32_t *ids = tarn_arena_alloc(&appender->arena, file->n_metrics * sizeof(*ids));
	int64_t *offsets = tarn_arena_zalloc(&appender->arena, (file->n_metrics + 1) * sizeof(*offsets));
	size_t n = 0;
	tarn_buf_init(&data, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < file->n_metrics; i++) {
		struct tarn_slice bound;
		if (!metric_bound(appender, &file->metrics[i], upper, &bound))
			continue;
		tarn_buf_add_slice(&data, bound);
		ids[n++] = file->metrics[i].field_id;
		offsets[n] = (int64_t)data.len;
	}
	const uint8_t *copy = tarn_arena_copy(&appender->arena, data.data, data.len);
	tarn_buf_release(&data);
	return (struct tarn_id_bounds){ true, n, ids, offsets, copy };
}

static struct tarn_manifest_entry entry_of(struct appender *appender, const struct tarn_data_file *file)
{
	return (struct tarn_manifest_entry){
		.status = TARN_ENTRY_ADDED,
		.snapshot_id = appender->append->snapshot_id,
		.location = tarn_slice_str(file->location),
		.format = tarn_slice_str("PARQUET"),
		.partition = file->partition,
		.rows = file->rows,
		.bytes = file->bytes,
		.column_sizes = collect_counts(appender, file, SIZES),
		.value_counts = collect_counts(appender, file, VALUES),
		.null_counts = collect_counts(appender, file, NULLS),
		.nan_counts = collect_counts(appender, file, NANS),
		.lower = collect_bounds(appender, file, false),
		.upper = collect_bounds(appender, file, true),
		.has_splits = file->n_splits > 0,
		.splits = file->splits,
		.n_splits = file->n_splits,
		.has_sort_order = true, /* 0: unsorted */
	};
}

/* ---- the new manifest ---- */

static enum tarn_rc add_existing(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	if (entry->status == TARN_ENTRY_DELETED)
		return TARN_OK;
	struct tarn_manifest_entry existing = *entry;
	existing.status = TARN_ENTRY_EXISTING;
	return tarn_manifest_writer_add(context, &existing, err);
}

static enum tarn_rc merge_old(struct appender *appender, struct tarn_manifest_writer *writer)
{
	struct tarn_manifest_reader *reader = appender->reader;
	struct tarn_buf file;
	enum tarn_rc rc = TARN_OK;
	tarn_buf_init(&file, MANIFEST_MAX);
	for (size_t i = 0; i < appender->n_old && !rc; i++) {
		if (!appender->merged[i])
			continue;
		tarn_buf_clear(&file);
		rc = tarn_manifest_fetch(appender->store, appender->old[i].location, &file, appender->err);
		if (!rc)
			rc = tarn_manifest_read(reader, tarn_buf_slice(&file), &appender->old[i], &appender->type,
						add_existing, writer, appender->err);
	}
	tarn_buf_release(&file);
	return rc;
}

static enum tarn_rc fill_manifest(struct appender *appender, struct tarn_manifest_writer *writer)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < appender->n_files && !rc; i++) {
		struct tarn_manifest_entry entry = entry_of(appender, &appender->files[i]);
		rc = tarn_manifest_writer_add(writer, &entry, appender->err);
	}
	return rc ? rc : merge_old(appender, writer);
}

/* Summaries die with the writer; the list is written after it. */
static void keep_summaries(struct appender *appender, struct tarn_manifest *manifest)
{
	struct tarn_partition_summary *copy =
		tarn_arena_copy(&appender->arena, manifest->partitions, manifest->n_partitions * sizeof(*copy));
	for (size_t i = 0; i < manifest->n_partitions; i++) {
		if (copy[i].lower.data)
			copy[i].lower.data = tarn_arena_copy(&appender->arena, copy[i].lower.data, copy[i].lower.len);
		if (copy[i].upper.data)
			copy[i].upper.data = tarn_arena_copy(&appender->arena, copy[i].upper.data, copy[i].upper.len);
	}
	manifest->partitions = copy;
}

static enum tarn_rc write_manifest(struct appender *appender, struct tarn_manifest *manifest)
{
	char *location = tarn_arena_printf(&appender->arena, "%s/metadata/%s-m0.avro", appender->table->location,
					   appender->append->attempt_uuid);
	uint8_t sync[16];
	struct tarn_buf bytes;
	make_sync(location, sync);
	tarn_buf_init(&bytes, MANIFEST_MAX);
	struct tarn_manifest_head head = { appender->table, &appender->type, sync };
	struct tarn_manifest_writer *writer = tarn_manifest_writer_new(&head, &bytes);
	enum tarn_rc rc = fill_manifest(appender, writer);
	if (!rc)
		rc = tarn_manifest_writer_finish(writer, manifest, appender->err);
	if (!rc)
		rc = put_file(appender, location, tarn_buf_slice(&bytes));
	if (!rc) {
		manifest->location = location;
		manifest->length = (int64_t)bytes.len;
		manifest->sequence_number = appender->sequence_number;
		if (manifest->min_sequence_number > appender->sequence_number)
			manifest->min_sequence_number = appender->sequence_number;
		manifest->added_snapshot_id = appender->append->snapshot_id;
		keep_summaries(appender, manifest);
	}
	tarn_manifest_writer_free(writer);
	tarn_buf_release(&bytes);
	return rc;
}

/* ---- the manifest list ---- */

/* The new manifest, then those that stay; one that holds nothing live any more is dropped. */
static enum tarn_rc make_list(struct appender *appender)
{
	appender->list = tarn_arena_alloc(&appender->arena, (appender->n_old + 1) * sizeof(*appender->list));
	appender->merged = tarn_arena_alloc(&appender->arena, appender->n_old * sizeof(*appender->merged));
	tarn_manifests_choose(appender->old, appender->n_old, appender->type.spec->id, (int64_t)appender->n_files,
			      appender->merged);
	if (appender->n_files) {
		enum tarn_rc rc = write_manifest(appender, &appender->list[0]);
		if (rc)
			return rc;
		appender->n_list = 1;
	}
	for (size_t i = 0; i < appender->n_old; i++) {
		if (!appender->merged[i] && tarn_manifest_live_files(&appender->old[i]))
			appender->list[appender->n_list++] = appender->old[i];
	}
	return TARN_OK;
}

static enum tarn_rc write_list(struct appender *appender)
{
	const struct tarn_snapshot *parent = appender->table->current;
	char *location =
		tarn_arena_printf(&appender->arena, "%s/metadata/snap-%lld-1-%s.avro", appender->table->location,
				  (long long)appender->append->snapshot_id, appender->append->attempt_uuid);
	uint8_t sync[16];
	struct tarn_buf bytes;
	make_sync(location, sync);
	tarn_buf_init(&bytes, MANIFEST_MAX);
	struct tarn_manifest_list_head head = { appender->append->snapshot_id, parent ? parent->id : 0,
						appender->sequence_number, sync };
	enum tarn_rc rc = tarn_manifest_list_write(&head, appender->list, appender->n_list, &bytes, appender->err);
	if (!rc)
		rc = put_file(appender, location, tarn_buf_slice(&bytes));
	tarn_buf_release(&bytes);
	appender->manifest_list = location;
	return rc;
}

/* ---- the snapshot ---- */

/* Order of two data files by partition; nulls first. */
static int by_partition(const void *a, const void *b, void *context)
{
	const struct tarn_partition_type *type = context;
	const struct tarn_partition_value *x = (*(const struct tarn_data_file *const *)a)->partition;
	const struct tarn_partition_value *y = (*(const struct tarn_data_file *const *)b)->partition;
	for (size_t i = 0; i < type->n; i++) {
		int order = x[i].present - y[i].present;
		if (!order && x[i].present)
			order = tarn_partition_compare(&type->columns[i], &x[i], &y[i]);
		if (order)
			return order;
	}
	return 0;
}

static int64_t changed_partitions(struct appender *appender)
{
	int64_t changed = appender->n_files > 0;
	const struct tarn_data_file **sorted = tarn_arena_alloc(&appender->arena, appender->n_files * sizeof(*sorted));
	for (size_t i = 0; i < appender->n_files; i++)
		sorted[i] = &appender->files[i];
	qsort_r(sorted, appender->n_files, sizeof(*sorted), by_partition, &appender->type);
	for (size_t i = 1; i < appender->n_files; i++)
		changed += by_partition(&sorted[i - 1], &sorted[i], &appender->type) != 0;
	return changed;
}

static void put_member(struct tarn_buf *json, const char *key, const char *value)
{
	tarn_buf_add_byte(json, ',');
	tarn_json_put_str(json, key);
	tarn_buf_add_byte(json, ':');
	tarn_json_put_str(json, value);
}

static void put_number(struct tarn_buf *json, const char *key, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	put_member(json, key, text);
}

/* As Java does, a total that the parent lacks is left out rather than begun in the middle. */
static void put_total(struct tarn_buf *json, const struct tarn_snapshot *parent, const char *key, int64_t added)
{
	const char *text = parent ? tarn_snapshot_summary(parent, key) : "0";
	char *end;
	long long before = text ? strtoll(text, &end, 10) : -1;
	if (text && *text && !*end && before >= 0 && before <= INT64_MAX - added)
		put_number(json, key, before + added);
}

static void put_summary(struct appender *appender, struct tarn_buf *json)
{
	const struct tarn_snapshot *parent = appender->table->current;
	int64_t n = (int64_t)appender->n_files, rows = 0, bytes = 0;
	for (size_t i = 0; i < appender->n_files; i++) {
		rows += appender->files[i].rows;
		bytes += appender->files[i].bytes;
	}
	tarn_buf_add_str(json, "{\"operation\":\"append\"");
	for (size_t i = 0; i < appender->append->n_summary; i++)
		put_member(json, appender->append->summary[i].key, appender->append->summary[i].value);
	put_number(json, "added-data-files", n);
	put_number(json, "added-records", rows);
	put_number(json, "added-files-size", bytes);
	put_number(json, "changed-partition-count", changed_partitions(appender));
	put_total(json, parent, "total-records", rows);
	put_total(json, parent, "total-files-size", bytes);
	put_total(json, parent, "total-data-files", n);
	put_total(json, parent, "total-delete-files", 0);
	put_total(json, parent, "total-position-deletes", 0);
	put_total(json, parent, "total-equality-deletes", 0);
	put_member(json, "engine-name", "tarn");
	put_member(json, "engine-version", TARN_VERSION);
	tarn_buf_add_byte(json, '}');
}

static void put_snapshot(struct appender *appender, struct tarn_buf *json)
{
	const struct tarn_snapshot *parent = appender->table->current;
	tarn_buf_printf(json, "{\"sequence-number\":%lld,\"snapshot-id\":%lld", (long long)appender->sequence_number,
			(long long)appender->append->snapshot_id);
	if (parent) /* Java reads no null here */
		tarn_buf_printf(json, ",\"parent-snapshot-id\":%lld", (long long)parent->id);
	tarn_buf_printf(json, ",\"timestamp-ms\":%lld,\"summary\":", (long long)appender->timestamp_ms);
	put_summary(appender, json);
	tarn_buf_add_str(json, ",\"manifest-list\":");
	tarn_json_put_str(json, appender->manifest_list);
	tarn_buf_printf(json, ",\"schema-id\":%d}", appender->table->schema_id);
}

/* ---- the table in memory ---- */

static struct tarn_slice keep_text(struct tarn_arena *arena, struct tarn_buf *text)
{
	struct tarn_slice kept = tarn_slice_of(tarn_arena_copy(arena, text->data, text->len), text->len);
	tarn_buf_clear(text);
	return kept;
}

/* A copy of n items with room for `more`; the arena frees nothing, and an append happens once per load. */
static void *with_room(struct tarn_arena *arena, const void *items, size_t n, size_t more, size_t size)
{
	void *copy = tarn_arena_alloc(arena, (n + more) * size);
	if (n)
		memcpy(copy, items, n * size);
	return copy;
}

static void add_snapshot(struct tarn_table *table, struct tarn_slice snapshot_json)
{
	struct tarn_json json;
	tarn_json_init(&json, snapshot_json, snapshot_json, &table->arena, NULL);
	table->snapshots = with_room(&table->arena, table->snapshots, table->n_snapshots, 1, sizeof(*table->snapshots));
	tarn_snapshot_parse(&json, &table->snapshots[table->n_snapshots]);
	assert(!json.rc);
	table->current = &table->snapshots[table->n_snapshots++];
	tarn_table_index_snapshots(table);
}

static void move_refs(struct tarn_table *table, const char *tag)
{
	bool has_main = false;
	table->refs = with_room(&table->arena, table->refs, table->n_refs, 2, sizeof(*table->refs));
	for (size_t i = 0; i < table->n_refs; i++) {
		if (strcmp(table->refs[i].name, "main"))
			continue;
		table->refs[i].snapshot_id = table->current->id;
		has_main = true;
	}
	if (!has_main)
		table->refs[table->n_refs++] = (struct tarn_ref){ .name = "main", .snapshot_id = table->current->id };
	if (tag)
		table->refs[table->n_refs++] = (struct tarn_ref){ .name = tarn_arena_strdup(&table->arena, tag),
								  .is_tag = true,
								  .snapshot_id = table->current->id };
}

static size_t previous_versions(const struct tarn_table *table)
{
	const char *text = tarn_table_property(table, "write.metadata.previous-versions-max");
	long wanted = text ? strtol(text, NULL, 10) : DEFAULT_PREVIOUS_VERSIONS;
	return wanted < 1 ? 1 : (size_t)wanted;
}

static void log_metadata(struct tarn_table *table, const char *location, int64_t written_ms, struct tarn_buf *text)
{
	size_t n = table->n_metadata_log, max = previous_versions(table);
	if (n && !strcmp(table->metadata_log[n - 1].file, location))
		return;
	table->metadata_log = with_room(&table->arena, table->metadata_log, n, 1, sizeof(*table->metadata_log));
	tarn_buf_printf(text, "{\"timestamp-ms\":%lld,\"metadata-file\":", (long long)written_ms);
	tarn_json_put_str(text, location);
	tarn_buf_add_byte(text, '}');
	table->metadata_log[n++] = (struct tarn_metadata_log_entry){ tarn_arena_strdup(&table->arena, location),
								     keep_text(&table->arena, text) };
	if (n > max) {
		table->metadata_log += n - max;
		n = max;
	}
	table->n_metadata_log = n;
}

static void change_table(struct appender *appender, const char *metadata_location)
{
	struct tarn_table *table = appender->table;
	struct tarn_buf text;
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	if (metadata_location)
		log_metadata(table, metadata_location, table->last_updated_ms, &text);
	put_snapshot(appender, &text);
	add_snapshot(table, keep_text(&table->arena, &text));
	move_refs(table, appender->append->tag);
	tarn_buf_printf(&text, "{\"timestamp-ms\":%lld,\"snapshot-id\":%lld}", (long long)appender->timestamp_ms,
			(long long)table->current->id);
	table->snapshot_log =
		with_room(&table->arena, table->snapshot_log, table->n_snapshot_log, 1, sizeof(*table->snapshot_log));
	table->snapshot_log[table->n_snapshot_log++] = keep_text(&table->arena, &text);
	table->last_sequence_number = appender->sequence_number;
	table->last_updated_ms = appender->timestamp_ms;
	tarn_buf_release(&text);
}

/* ---- all of it ---- */

static enum tarn_rc check_append(const struct appender *appender)
{
	const struct tarn_append *append = appender->append;
	for (size_t i = 0; append->tag && i < appender->table->n_refs; i++) {
		if (!strcmp(appender->table->refs[i].name, append->tag))
			return tarn_fail(appender->err, TARN_EEXISTS, "the table has a ref \"%s\" already",
					 append->tag);
	}
	if (tarn_table_snapshot(appender->table, append->snapshot_id))
		return tarn_fail(appender->err, TARN_EEXISTS, "the table has a snapshot %lld already",
				 (long long)append->snapshot_id);
	return tarn_partition_writable(&appender->type, appender->err);
}

static enum tarn_rc write_files(struct appender *appender)
{
	enum tarn_rc rc = check_append(appender);
	if (!rc && appender->table->current)
		rc = tarn_manifest_list_load(appender->reader, appender->store, appender->table->current,
					     &appender->arena, &appender->old, &appender->n_old, appender->err);
	if (!rc)
		rc = make_list(appender);
	return rc ? rc : write_list(appender);
}

enum tarn_rc tarn_table_append(struct tarn_table *table, struct tarn_store *store, const struct tarn_data_file *files,
			       size_t n_files, const struct tarn_append *append, const char *metadata_location,
			       struct tarn_err *err)
{
	struct appender appender = {
		.table = table,
		.store = store,
		.files = files,
		.n_files = n_files,
		.append = append,
		.reader = append->reader,
		.err = err,
		.sequence_number = table->last_sequence_number + 1,
		.timestamp_ms = append->now_us / 1000,
	};
	/* Logs must not run backwards, whatever the clock did. */
	if (appender.timestamp_ms < table->last_updated_ms)
		appender.timestamp_ms = table->last_updated_ms;
	tarn_arena_init(&appender.arena);
	appender.type = tarn_partition_type_of(table, table->spec, &appender.arena);
	if (!append->reader)
		appender.reader = tarn_manifest_reader_new();
	enum tarn_rc rc = write_files(&appender);
	if (!rc)
		change_table(&appender, metadata_location);
	if (!append->reader)
		tarn_manifest_reader_free(appender.reader);
	tarn_arena_release(&appender.arena);
	return rc ? tarn_err_within(err, rc, "append to table %s", table->location) : TARN_OK;
}
