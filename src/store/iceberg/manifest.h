/* Manifest lists and manifests, for the files of this room (specification, "Manifest Lists" and "Manifests"). */
#ifndef TARN_STORE_ICEBERG_MANIFEST_H
#define TARN_STORE_ICEBERG_MANIFEST_H

#include "store/iceberg/metadata.h"

/* ---- partitions (partition.c) ---- */

/* A partition field with the type of its values. */
struct tarn_partition_column {
	const char *name, *transform;
	int32_t field_id;
	enum tarn_type_kind kind; /* TARN_TYPE_BINARY where the source column is gone */
};
struct tarn_partition_type {
	const struct tarn_partition_spec *spec;
	struct tarn_partition_column *columns;
	size_t n;
};
/* In the table's arena or in `arena`. */
struct tarn_partition_type tarn_partition_type_of(const struct tarn_table *table,
						  const struct tarn_partition_spec *spec, struct tarn_arena *arena);
/* Whether tarn_partition_put can write all its columns (not float, double, decimal, uuid, fixed): else
 * TARN_EUNSUPPORTED. */
enum tarn_rc tarn_partition_writable(const struct tarn_partition_type *type, struct tarn_err *err) TARN_MUST_CHECK;
/* The partition record's fields in an Avro schema and in an Iceberg schema, without brackets. */
void tarn_partition_put_avro_fields(const struct tarn_partition_type *type, struct tarn_buf *json);
void tarn_partition_put_iceberg_fields(const struct tarn_partition_type *type, struct tarn_buf *json);
/* The values, Avro-encoded. */
void tarn_partition_put(const struct tarn_partition_type *type, const struct tarn_partition_value *values,
			struct tarn_buf *out);
/* As tarn_table_partition_path. */
void tarn_partition_put_path(const struct tarn_partition_type *type, const struct tarn_partition_value *values,
			     struct tarn_buf *path);
/* Order of two present values. */
int tarn_partition_compare(const struct tarn_partition_column *column, const struct tarn_partition_value *a,
			   const struct tarn_partition_value *b);

/* ---- bounds (bounds.c) ---- */

#define TARN_BOUND_LENGTH 16 /* Java's default metrics mode: code points of a string, bytes of a binary */
/* Single-value serialization (specification, appendix D). */
void tarn_bound_put_value(enum tarn_type_kind kind, const struct tarn_partition_value *value, struct tarn_buf *out);
/* Cut to TARN_BOUND_LENGTH where the kind is string or binary. False: no bound can be given. The lower bound points
 * into `full`, the upper bound there or into the arena. */
bool tarn_bound_lower(enum tarn_type_kind kind, struct tarn_slice full, struct tarn_slice *bound);
bool tarn_bound_upper(enum tarn_type_kind kind, struct tarn_slice full, struct tarn_arena *arena,
		      struct tarn_slice *bound);

/* ---- lines of a manifest list (manifest_list.c) ---- */

struct tarn_partition_summary {
	bool contains_null;
	bool has_contains_nan, contains_nan;
	struct tarn_slice lower, upper; /* data NULL where absent */
};

enum { TARN_MANIFEST_DATA, TARN_MANIFEST_DELETES };
struct tarn_manifest {
	const char *location;
	int64_t length;
	int32_t spec_id, content;
	int64_t sequence_number, min_sequence_number, added_snapshot_id;
	int32_t added_files, existing_files, deleted_files;
	int64_t added_rows, existing_rows, deleted_rows;
	const struct tarn_partition_summary *partitions; /* NULL: none were written; Tarn's own always are (Redshift) */
	size_t n_partitions;
	struct tarn_slice key_metadata;
};

static inline int64_t tarn_manifest_live_files(const struct tarn_manifest *manifest)
{
	return (int64_t)manifest->added_files + manifest->existing_files;
}

/* Reads manifest lists and manifests, of any table; what it knows of their Avro schemas serves for the next of the same. One
 * thread at a time. */
struct tarn_manifest_reader;
struct tarn_manifest_reader *tarn_manifest_reader_new(void);
void tarn_manifest_reader_free(struct tarn_manifest_reader *reader);

/* Everything is in the arena, in the file's order. */
enum tarn_rc tarn_manifest_list_read(struct tarn_manifest_reader *reader, struct tarn_slice file, struct tarn_arena *arena,
				     struct tarn_manifest **manifests, size_t *n, struct tarn_err *err) TARN_MUST_CHECK;
struct tarn_manifest_list_head {
	int64_t snapshot_id, parent_id, sequence_number;
	const uint8_t *sync; /* 16 bytes */
};
enum tarn_rc tarn_manifest_list_write(const struct tarn_manifest_list_head *head, const struct tarn_manifest *manifests,
				      size_t n, struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;
/* Reads the snapshot's list from the store. */
enum tarn_rc tarn_manifest_list_load(struct tarn_manifest_reader *reader, struct tarn_store *store,
				     const struct tarn_snapshot *snapshot, struct tarn_arena *arena,
				     struct tarn_manifest **manifests, size_t *n, struct tarn_err *err) TARN_MUST_CHECK;
/* Appends a file of the table's to `out`. TARN_EUNSUPPORTED where the location is not below the store. */
enum tarn_rc tarn_manifest_fetch(struct tarn_store *store, const char *location, struct tarn_buf *out,
				 struct tarn_err *err) TARN_MUST_CHECK;

/* ---- entries of a manifest (manifest_read.c, manifest_write.c) ---- */

/* Maps from field id to a count or to bytes, as columns; n pairs. */
struct tarn_id_counts {
	bool present;
	size_t n;
	const int32_t *ids;
	const int64_t *counts;
};
struct tarn_id_bounds {
	bool present;
	size_t n;
	const int32_t *ids;
	const int64_t *offsets; /* value i is data[offsets[i] .. offsets[i + 1]) */
	const uint8_t *data;
};

enum { TARN_ENTRY_EXISTING, TARN_ENTRY_ADDED, TARN_ENTRY_DELETED };
struct tarn_manifest_entry {
	int32_t status;
	/* Inherited where the entry has none. */
	int64_t snapshot_id, sequence_number, file_sequence_number;
	int32_t content; /* 0 data, 1 position deletes, 2 equality deletes */
	struct tarn_slice location, format;
	const struct tarn_partition_value *partition; /* one per field of the manifest's spec */
	int64_t rows, bytes;
	struct tarn_id_counts column_sizes, value_counts, null_counts, nan_counts;
	struct tarn_id_bounds lower, upper;
	struct tarn_slice key_metadata;
	bool has_splits, has_sort_order;
	const int64_t *splits;
	size_t n_splits;
	int32_t sort_order_id;
};

typedef enum tarn_rc (*tarn_entry_visit)(void *context, const struct tarn_manifest_entry *entry, struct tarn_err *err);
/* Entries live during the callback. `type`: of the manifest's spec. */
enum tarn_rc tarn_manifest_read(struct tarn_manifest_reader *reader, struct tarn_slice file,
				const struct tarn_manifest *manifest, const struct tarn_partition_type *type,
				tarn_entry_visit visit, void *context, struct tarn_err *err) TARN_MUST_CHECK;

/* Writes one data manifest. ADDED entries get no sequence numbers (the commit gives them), EXISTING keep theirs. */
struct tarn_manifest_writer;
struct tarn_manifest_head {
	const struct tarn_table *table;
	const struct tarn_partition_type *type; /* of the default spec */
	const uint8_t *sync;			/* 16 bytes */
};
struct tarn_manifest_writer *tarn_manifest_writer_new(const struct tarn_manifest_head *head, struct tarn_buf *out);
void tarn_manifest_writer_free(struct tarn_manifest_writer *writer);
enum tarn_rc tarn_manifest_writer_add(struct tarn_manifest_writer *writer, const struct tarn_manifest_entry *entry,
				      struct tarn_err *err) TARN_MUST_CHECK;
/* Fills counts, rows, spec id, summaries and min_sequence_number (of EXISTING entries; INT64_MAX without any); slices
 * are the writer's. The rest of *manifest is the caller's. */
enum tarn_rc tarn_manifest_writer_finish(struct tarn_manifest_writer *writer, struct tarn_manifest *manifest,
					 struct tarn_err *err) TARN_MUST_CHECK;

/* Which manifests an append of `new_files` files merges with its own (merge.c): merged[i] for manifests[i]. */
void tarn_manifests_choose(const struct tarn_manifest *manifests, size_t n, int32_t spec_id, int64_t new_files,
			   bool *merged);

#endif
