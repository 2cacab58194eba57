/* Metadata files from memory, and the metadata of a new table. */
#include <assert.h>

#include "base/clock.h"
#include "store/iceberg/metadata.h"

/* ---- members that a commit changes ---- */

static void put_current(struct tarn_buf *json, const struct tarn_table *table)
{
	/* Java up to format v2 reads no null here. */
	tarn_buf_printf(json, "%lld", table->current ? (long long)table->current->id : -1LL);
}

static void put_refs(struct tarn_buf *json, const struct tarn_table *table)
{
	tarn_buf_add_byte(json, '{');
	for (size_t i = 0; i < table->n_refs; i++) {
		const struct tarn_ref *ref = &table->refs[i];
		if (i)
			tarn_buf_add_byte(json, ',');
		tarn_json_put_str(json, ref->name);
		tarn_buf_printf(json, ":{\"snapshot-id\":%lld,\"type\":\"%s\"", (long long)ref->snapshot_id,
				ref->is_tag ? "tag" : "branch");
		tarn_buf_add_slice(json, ref->settings);
		tarn_buf_add_byte(json, '}');
	}
	tarn_buf_add_byte(json, '}');
}

static void put_item(struct tarn_buf *json, size_t index, struct tarn_slice item)
{
	tarn_buf_add_byte(json, index ? ',' : '[');
	tarn_buf_add_slice(json, item);
}

static void end_items(struct tarn_buf *json, size_t n)
{
	tarn_buf_add_str(json, n ? "]" : "[]");
}

static void put_snapshots(struct tarn_buf *json, const struct tarn_table *table)
{
	for (size_t i = 0; i < table->n_snapshots; i++)
		put_item(json, i, table->snapshots[i].json);
	end_items(json, table->n_snapshots);
}

static void put_snapshot_log(struct tarn_buf *json, const struct tarn_table *table)
{
	for (size_t i = 0; i < table->n_snapshot_log; i++)
		put_item(json, i, table->snapshot_log[i]);
	end_items(json, table->n_snapshot_log);
}

static void put_metadata_log(struct tarn_buf *json, const struct tarn_table *table)
{
	for (size_t i = 0; i < table->n_metadata_log; i++)
		put_item(json, i, table->metadata_log[i].json);
	end_items(json, table->n_metadata_log);
}

static void put_value(struct tarn_buf *json, const struct tarn_table *table, enum tarn_metadata_key key)
{
	switch (key) {
	case TARN_METADATA_LAST_SEQUENCE_NUMBER:
		tarn_buf_printf(json, "%lld", (long long)table->last_sequence_number);
		break;
	case TARN_METADATA_LAST_UPDATED_MS: tarn_buf_printf(json, "%lld", (long long)table->last_updated_ms); break;
	case TARN_METADATA_CURRENT_SNAPSHOT_ID: put_current(json, table); break;
	case TARN_METADATA_REFS: put_refs(json, table); break;
	case TARN_METADATA_SNAPSHOTS: put_snapshots(json, table); break;
	case TARN_METADATA_SNAPSHOT_LOG: put_snapshot_log(json, table); break;
	case TARN_METADATA_METADATA_LOG: put_metadata_log(json, table); break;
	default: tarn_buf_add_slice(json, table->raw[key]); break;
	}
}

static bool is_optional_and_absent(const struct tarn_table *table, int key)
{
	return !table->raw[key].data && (key == TARN_METADATA_PROPERTIES || key == TARN_METADATA_STATISTICS ||
					 key == TARN_METADATA_PARTITION_STATISTICS);
}

enum tarn_rc tarn_table_write(const struct tarn_table *table, struct tarn_buf *json, struct tarn_err *err)
{
	tarn_buf_add_byte(json, '{');
	for (int key = 0; key < TARN_METADATA_N_KEYS; key++) {
		if (is_optional_and_absent(table, key))
			continue;
		tarn_buf_printf(json, "%s\"%s\":", key ? "," : "", tarn_metadata_keys[key]);
		put_value(json, table, (enum tarn_metadata_key)key);
	}
	for (size_t i = 0; i < table->n_others; i++) {
		tarn_buf_add_byte(json, ',');
		tarn_json_put_str(json, table->others[i].key);
		tarn_buf_add_byte(json, ':');
		tarn_buf_add_slice(json, table->others[i].json);
	}
	tarn_buf_add_byte(json, '}');
	if (json->overflow)
		return tarn_fail(err, TARN_ELIMIT, "table metadata are larger than %zu bytes", json->max);
	return TARN_OK;
}

/* ---- a new table ---- */

static int32_t find_column(const struct tarn_table_definition *definition, const char *name)
{
	for (size_t i = 0; i < definition->n_fields; i++) {
		if (!strcmp(definition->fields[i].name, name))
			return definition->fields[i].id;
	}
	return -1;
}

#define FIRST_PARTITION_ID 1000

static void put_spec(struct tarn_buf *json, const struct tarn_table_definition *definition)
{
	tarn_buf_add_str(json, "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[");
	for (size_t i = 0; i < definition->n_partition_by; i++) {
		const char *name = definition->partition_by[i];
		tarn_buf_add_str(json, i ? ",{\"name\":" : "{\"name\":");
		tarn_json_put_str(json, name);
		tarn_buf_printf(json, ",\"transform\":\"identity\",\"source-id\":%d,\"field-id\":%d}",
				find_column(definition, name), FIRST_PARTITION_ID + (int)i);
	}
	tarn_buf_printf(json, "]}],\"last-partition-id\":%d,",
			FIRST_PARTITION_ID - 1 + (int)definition->n_partition_by);
}

static void put_property(struct tarn_buf *json, const char *key, const char *value)
{
	tarn_json_put_str(json, key);
	tarn_buf_add_byte(json, ':');
	tarn_json_put_str(json, value);
}

static void put_properties(struct tarn_buf *json, const struct tarn_table_definition *definition)
{
	static const char codec[] = "write.parquet.compression-codec";
	bool has_codec = false;
	tarn_buf_add_str(json, "\"properties\":{");
	for (size_t i = 0; i < definition->n_properties; i++) {
		put_property(json, definition->properties[i].key, definition->properties[i].value);
		has_codec |= !strcmp(definition->properties[i].key, codec);
		if (i + 1 < definition->n_properties || !has_codec)
			tarn_buf_add_byte(json, ',');
	}
	if (!has_codec)
		put_property(json, codec, "zstd");
	tarn_buf_add_str(json, "},");
}

static void put_new_table(struct tarn_buf *json, const struct tarn_table_definition *definition, const char *location,
			  const char *uuid, int64_t now_us)
{
	tarn_buf_add_str(json, "{\"format-version\":2,\"table-uuid\":");
	tarn_json_put_str(json, uuid);
	tarn_buf_add_str(json, ",\"location\":");
	tarn_json_put_str(json, location);
	tarn_buf_printf(json, ",\"last-sequence-number\":0,\"last-updated-ms\":%lld,\"last-column-id\":%d,",
			(long long)(now_us / 1000), tarn_schema_last_id(definition->fields, definition->n_fields));
	tarn_buf_add_str(json, "\"current-schema-id\":0,\"schemas\":[");
	tarn_schema_put_json(json, definition->fields, definition->n_fields, 0);
	tarn_buf_add_str(json, "],");
	put_spec(json, definition);
	tarn_buf_add_str(json, "\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],");
	put_properties(json, definition);
	tarn_buf_add_str(json, "\"statistics\":[],\"partition-statistics\":[]}");
}

struct tarn_table *tarn_table_new(const struct tarn_table_definition *definition, const char *location,
				  const char *uuid, int64_t now_us)
{
	struct tarn_table *table;
	struct tarn_buf json;
	char random[TARN_UUID_SIZE];
	if (!uuid) {
		tarn_uuid(random);
		uuid = random;
	}
	tarn_buf_init(&json, TARN_BUF_DEFAULT_MAX);
	put_new_table(&json, definition, location, uuid, now_us);
	/* The one way into memory; a definition that does not read back is a mistake in this program. */
	enum tarn_rc rc = tarn_table_parse(tarn_buf_slice(&json), &table, NULL);
	assert(!rc);
	(void)rc;
	tarn_buf_release(&json);
	return table;
}
