/* Looking at a table's metadata. */
#include "store/iceberg/table.h"

#include <stdlib.h>

#include "store/iceberg/metadata.h"

void tarn_table_free(struct tarn_table *table)
{
	if (!table)
		return;
	tarn_arena_release(&table->arena);
	free(table);
}

struct tarn_slice tarn_table_schema_json(const struct tarn_table *table)
{
	return table->schema_json;
}

void tarn_table_put_schema(const struct tarn_table *table, int32_t schema_id, struct tarn_buf *json)
{
	tarn_schema_put_json(json, table->fields, table->n_fields, schema_id);
}

const char *tarn_table_location(const struct tarn_table *table)
{
	return table->location;
}

const char *tarn_table_uuid(const struct tarn_table *table)
{
	return table->uuid;
}

const struct tarn_field *tarn_table_fields(const struct tarn_table *table, size_t *n)
{
	*n = table->n_fields;
	return table->fields;
}

int32_t tarn_table_last_field_id(const struct tarn_table *table)
{
	return tarn_schema_last_id(table->fields, table->n_fields);
}

const struct tarn_partition_field *tarn_table_partition(const struct tarn_table *table, size_t *n)
{
	*n = table->spec->n_fields;
	return table->spec->fields;
}

const struct tarn_property *tarn_table_properties(const struct tarn_table *table, size_t *n)
{
	*n = table->n_properties;
	return table->properties;
}

static const char *find_property(const struct tarn_property *properties, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(properties[i].key, key))
			return properties[i].value;
	}
	return NULL;
}

const char *tarn_table_property(const struct tarn_table *table, const char *key)
{
	return find_property(table->properties, table->n_properties, key);
}

const struct tarn_partition_spec *tarn_table_spec(const struct tarn_table *table, int32_t id)
{
	for (size_t i = 0; i < table->n_specs; i++) {
		if (table->specs[i].id == id)
			return &table->specs[i];
	}
	return NULL;
}

static const struct tarn_field *find_field(const struct tarn_field *fields, size_t n, int32_t id)
{
	const struct tarn_field *found = NULL;
	for (size_t i = 0; i < n && !found; i++)
		found = fields[i].id == id ? &fields[i] : find_field(fields[i].fields, fields[i].n_fields, id);
	return found;
}

const struct tarn_field *tarn_table_field(const struct tarn_table *table, int32_t id)
{
	return find_field(table->fields, table->n_fields, id);
}

const struct tarn_snapshot *tarn_table_snapshots(const struct tarn_table *table, size_t *n)
{
	*n = table->n_snapshots;
	return table->n_snapshots ? table->snapshots : NULL;
}

const struct tarn_snapshot *tarn_table_current(const struct tarn_table *table)
{
	return table->current;
}

const struct tarn_snapshot *tarn_table_snapshot(const struct tarn_table *table, int64_t id)
{
	size_t low = 0, high = table->n_snapshots;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (table->by_id[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->n_snapshots && table->by_id[low]->id == id ? table->by_id[low] : NULL;
}

const struct tarn_ref *tarn_table_refs(const struct tarn_table *table, size_t *n)
{
	*n = table->n_refs;
	return table->n_refs ? table->refs : NULL;
}

const char *tarn_snapshot_summary(const struct tarn_snapshot *snapshot, const char *key)
{
	return find_property(snapshot->summary, snapshot->n_summary, key);
}

/* ---- a table against its definition ---- */

static enum tarn_rc check_field(const struct tarn_field *wanted, const struct tarn_field *found, const char *path,
				struct tarn_err *err)
{
	char wanted_type[TARN_TYPE_NAME_SIZE], found_type[TARN_TYPE_NAME_SIZE];
	if (wanted->id != found->id)
		return tarn_fail(err, TARN_EINVALID, "column \"%s\" has field id %d in the table, %d was expected",
				 path, found->id, wanted->id);
	tarn_type_name(wanted, wanted_type);
	tarn_type_name(found, found_type);
	if (strcmp(wanted_type, found_type))
		return tarn_fail(err, TARN_EINVALID, "column \"%s\" is of type %s in the table, %s was expected", path,
				 found_type, wanted_type);
	if (found->required && !wanted->required)
		return tarn_fail(err, TARN_EINVALID, "column \"%s\" is required in the table", path);
	if (wanted->n_fields != found->n_fields)
		return tarn_fail(err, TARN_EINVALID, "column \"%s\" has %zu fields in the table, %zu were expected",
				 path, found->n_fields, wanted->n_fields);
	for (size_t i = 0; i < wanted->n_fields; i++) {
		enum tarn_rc rc = check_field(&wanted->fields[i], &found->fields[i], path, err);
		if (rc)
			return rc;
	}
	return TARN_OK;
}

static const struct tarn_field *find_name(const struct tarn_field *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	}
	return NULL;
}

static enum tarn_rc check_columns(const struct tarn_table *table, const struct tarn_table_definition *definition,
				  struct tarn_err *err)
{
	for (size_t i = 0; i < definition->n_fields; i++) {
		const struct tarn_field *wanted = &definition->fields[i];
		const struct tarn_field *found = find_name(table->fields, table->n_fields, wanted->name);
		if (!found)
			return tarn_fail(err, TARN_EINVALID, "the table has no column \"%s\"", wanted->name);
		enum tarn_rc rc = check_field(wanted, found, wanted->name, err);
		if (rc)
			return rc;
	}
	for (size_t i = 0; i < table->n_fields; i++) {
		const struct tarn_field *found = &table->fields[i];
		if (found->required && !find_name(definition->fields, definition->n_fields, found->name))
			return tarn_fail(err, TARN_EINVALID, "the table requires a column \"%s\", which is not written",
					 found->name);
	}
	return TARN_OK;
}

enum tarn_rc tarn_table_check(const struct tarn_table *table, const struct tarn_table_definition *definition,
			      struct tarn_err *err)
{
	enum tarn_rc rc = check_columns(table, definition, err);
	if (rc)
		return tarn_err_within(err, rc, "table \"%s\"", definition->name);
	const struct tarn_partition_spec *spec = table->spec;
	bool same = spec->n_fields == definition->n_partition_by;
	for (size_t i = 0; same && i < spec->n_fields; i++) {
		const struct tarn_field *source =
			find_name(definition->fields, definition->n_fields, definition->partition_by[i]);
		same = source && source->id == spec->fields[i].source_id &&
		       !strcmp(spec->fields[i].transform, "identity");
	}
	if (same)
		return TARN_OK;
	return tarn_fail(err, TARN_EINVALID, "table \"%s\": its partition spec is %.*s, which is not the definition's",
			 definition->name, (int)(spec->fields_json.len > 200 ? 200 : spec->fields_json.len),
			 (const char *)spec->fields_json.data);
}
