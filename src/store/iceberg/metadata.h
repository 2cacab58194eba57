/* A table's metadata in memory, for the files of this room. The JSON text of what no append changes is kept as it came,
 * so that statistics, older schemas, sort orders and members that Tarn does not know survive being written again. */
#ifndef TARN_STORE_ICEBERG_METADATA_H
#define TARN_STORE_ICEBERG_METADATA_H

#include "base/json_reader.h"
#include "store/iceberg/table.h"

/* Members of a metadata file, in the order in which they are written (Java's). */
enum tarn_metadata_key {
	TARN_METADATA_FORMAT_VERSION,
	TARN_METADATA_TABLE_UUID,
	TARN_METADATA_LOCATION,
	TARN_METADATA_LAST_SEQUENCE_NUMBER, /* written from the fields below */
	TARN_METADATA_LAST_UPDATED_MS,	    /* the same */
	TARN_METADATA_LAST_COLUMN_ID,
	TARN_METADATA_CURRENT_SCHEMA_ID,
	TARN_METADATA_SCHEMAS,
	TARN_METADATA_DEFAULT_SPEC_ID,
	TARN_METADATA_PARTITION_SPECS,
	TARN_METADATA_LAST_PARTITION_ID,
	TARN_METADATA_DEFAULT_SORT_ORDER_ID,
	TARN_METADATA_SORT_ORDERS,
	TARN_METADATA_PROPERTIES,
	TARN_METADATA_CURRENT_SNAPSHOT_ID, /* written from the fields below, like all but the statistics that follow */
	TARN_METADATA_REFS,
	TARN_METADATA_SNAPSHOTS,
	TARN_METADATA_STATISTICS,
	TARN_METADATA_PARTITION_STATISTICS,
	TARN_METADATA_SNAPSHOT_LOG,
	TARN_METADATA_METADATA_LOG,
	TARN_METADATA_N_KEYS
};
extern const char *const tarn_metadata_keys[TARN_METADATA_N_KEYS];

struct tarn_metadata_member {
	const char *key;
	struct tarn_slice json;
};

struct tarn_partition_spec {
	int32_t id;
	struct tarn_partition_field *fields;
	size_t n_fields;
	struct tarn_slice fields_json;
};

struct tarn_metadata_log_entry {
	const char *file;
	struct tarn_slice json;
};

struct tarn_table {
	struct tarn_arena arena;		     /* all that is pointed at below */
	struct tarn_slice raw[TARN_METADATA_N_KEYS]; /* data NULL where absent */
	struct tarn_metadata_member *others;	     /* members that are none of the keys */
	size_t n_others;

	const char *location, *uuid;
	int64_t last_sequence_number, last_updated_ms;
	int32_t schema_id;
	struct tarn_slice schema_json;
	const struct tarn_field *fields;
	size_t n_fields;
	struct tarn_partition_spec *specs, *spec; /* all, and the default one */
	size_t n_specs;
	struct tarn_property *properties;
	size_t n_properties;

	struct tarn_snapshot *snapshots; /* by sequence number */
	size_t n_snapshots;
	const struct tarn_snapshot **by_id; /* the same, by id */
	const struct tarn_snapshot *current;
	struct tarn_ref *refs;
	size_t n_refs;
	struct tarn_slice *snapshot_log; /* items */
	size_t n_snapshot_log;
	struct tarn_metadata_log_entry *metadata_log;
	size_t n_metadata_log;
};

/* The value of a property, or NULL. */
const char *tarn_table_property(const struct tarn_table *table, const char *key);
/* NULL where the table has no such spec. */
const struct tarn_partition_spec *tarn_table_spec(const struct tarn_table *table, int32_t id);
/* The field of the current schema with this id, at any depth, or NULL. */
const struct tarn_field *tarn_table_field(const struct tarn_table *table, int32_t id);

/* Reads a snapshot from its JSON. */
void tarn_snapshot_parse(struct tarn_json *json, struct tarn_snapshot *snapshot);
/* Sorts snapshots by sequence number and makes by_id; the table's current snapshot keeps its id. */
void tarn_table_index_snapshots(struct tarn_table *table);

/* ---- schemas (schema_json.c) ---- */

/* Appends a schema's JSON, in Java's form. */
void tarn_schema_put_json(struct tarn_buf *out, const struct tarn_field *fields, size_t n_fields, int32_t schema_id);
/* Reads the value of a struct's "fields". TARN_EUNSUPPORTED for types beyond format v2. */
void tarn_schema_parse_fields(struct tarn_json *json, const struct tarn_field **fields, size_t *n_fields);
/* Largest id, nested ones included. */
int32_t tarn_schema_last_id(const struct tarn_field *fields, size_t n_fields);
/* "decimal(9, 2)"; of a nested type "list", "struct" or "map". */
#define TARN_TYPE_NAME_SIZE 40
void tarn_type_name(const struct tarn_field *field, char name[TARN_TYPE_NAME_SIZE]);

#endif
