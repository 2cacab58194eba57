/* Iceberg tables, format v2, append only (https://iceberg.apache.org/spec). A table is its metadata in memory; nothing
 * here knows catalogs: whoever commits writes the metadata file and moves the pointer (catalog.h). */
#ifndef TARN_STORE_ICEBERG_TABLE_H
#define TARN_STORE_ICEBERG_TABLE_H

#include "base/buf.h"
#include "base/err.h"
#include "store/object/object.h"
#include "store/parquet/writer.h"

struct tarn_property {
	const char *key, *value;
};

/* What a new table is made from; static data of the caller. Field ids are given, not assigned. */
struct tarn_table_definition {
	const char *name;
	const struct tarn_field *fields;
	size_t n_fields;
	const char *const *partition_by; /* names of columns, identity transform, in order */
	size_t n_partition_by;
	const struct tarn_property *properties;
	size_t n_properties;
};

struct tarn_table;

/* `location`: absolute URL of the table's folder, no slash at the end. `uuid` may be given (reproducible runs), else
 * NULL. */
struct tarn_table *tarn_table_new(const struct tarn_table_definition *definition, const char *location,
				  const char *uuid, int64_t now_us);
enum tarn_rc tarn_table_parse(struct tarn_slice metadata_json, struct tarn_table **table,
			      struct tarn_err *err) TARN_MUST_CHECK;
void tarn_table_free(struct tarn_table *table);
/* The metadata file's text (specification, appendix C). */
enum tarn_rc tarn_table_write(const struct tarn_table *table, struct tarn_buf *json,
			      struct tarn_err *err) TARN_MUST_CHECK;
/* The current schema's JSON, for Parquet footers; owned by the table. */
struct tarn_slice tarn_table_schema_json(const struct tarn_table *table);
/* The same under another id. */
void tarn_table_put_schema(const struct tarn_table *table, int32_t schema_id, struct tarn_buf *json);

const char *tarn_table_location(const struct tarn_table *table);
const char *tarn_table_uuid(const struct tarn_table *table);
const struct tarn_field *tarn_table_fields(const struct tarn_table *table, size_t *n);
int32_t tarn_table_last_field_id(const struct tarn_table *table); /* of these, nested ones included */
/* Names of the default spec's partition fields and their transforms, in order. */
struct tarn_partition_field {
	const char *name, *transform;
	int32_t source_id, field_id;
};
const struct tarn_partition_field *tarn_table_partition(const struct tarn_table *table, size_t *n);
const struct tarn_property *tarn_table_properties(const struct tarn_table *table, size_t *n);
/* TARN_EINVALID, naming what differs, where the table's current schema or partition spec does not hold the definition's
 * columns (more columns are fine: somebody evolved it). */
enum tarn_rc tarn_table_check(const struct tarn_table *table, const struct tarn_table_definition *definition,
			      struct tarn_err *err) TARN_MUST_CHECK;

struct tarn_snapshot {
	int64_t id, parent_id; /* parent 0: none */
	int64_t sequence_number;
	int64_t timestamp_ms;
	const char *operation;
	const char *manifest_list;	     /* location */
	const struct tarn_property *summary; /* without `operation` */
	size_t n_summary;
	struct tarn_slice json; /* as in the metadata file */
};
struct tarn_ref {
	const char *name;
	bool is_tag;
	int64_t snapshot_id;
	struct tarn_slice settings; /* further members (max-ref-age-ms, ...) as JSON, a comma before each */
};
/* Oldest first. NULL where there is none. */
const struct tarn_snapshot *tarn_table_snapshots(const struct tarn_table *table, size_t *n);
const struct tarn_snapshot *tarn_table_current(const struct tarn_table *table);
const struct tarn_snapshot *tarn_table_snapshot(const struct tarn_table *table, int64_t id);
const struct tarn_ref *tarn_table_refs(const struct tarn_table *table, size_t *n);
const char *tarn_snapshot_summary(const struct tarn_snapshot *snapshot, const char *key); /* or NULL */

/* ---- appending ---- */

/* A partition value, transformed, or null. */
struct tarn_partition_value {
	bool present;
	int64_t number;		/* boolean, int, long, date, time, timestamps */
	struct tarn_slice text; /* string, binary */
};

struct tarn_data_file {
	const char *location;
	int64_t rows, bytes;
	const struct tarn_partition_value *partition; /* one per partition field */
	const int64_t *splits;
	size_t n_splits;
	const struct tarn_parquet_metrics *metrics;
	size_t n_metrics;
};

struct tarn_append {
	int64_t snapshot_id; /* TARN_EEXISTS where the table has it */
	int64_t now_us;
	const char *tag;	  /* a tag for the snapshot, or NULL; TARN_EEXISTS where the table has such a ref */
	const char *attempt_uuid; /* in the names of manifests; in no snapshot yet: what an attempt that
				   * was not committed has left under it is replaced */
	const struct tarn_property *summary; /* beside what is computed: added-*, total-*, changed-*, engine-* */
	size_t n_summary;
	struct tarn_manifest_reader *reader; /* store/iceberg/manifest.h; may serve several appends. NULL: its own */
};

/* Writes manifest and manifest list (not durable before tarn_store_sync) and makes the snapshot the table's current
 * one, in memory; on an error the table is as it was. Small manifests are merged so that their number grows with the
 * logarithm of the commits (README). `metadata_location` is the file this state was loaded from, for the metadata log
 * (NULL for a new table). */
enum tarn_rc tarn_table_append(struct tarn_table *table, struct tarn_store *store, const struct tarn_data_file *files,
			       size_t n_files, const struct tarn_append *append, const char *metadata_location,
			       struct tarn_err *err) TARN_MUST_CHECK;

/* "processing_date=2026-01-02/basis_set=sto3g": the folder of a partition, as Java names it; "" where unpartitioned. */
void tarn_table_partition_path(const struct tarn_table *table, const struct tarn_partition_value *values,
			       struct tarn_buf *path);

#endif
