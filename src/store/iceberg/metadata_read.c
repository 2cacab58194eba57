/* Metadata files (specification, "Table Metadata") into memory.
 *
 * The document is first checked as a whole and split into its members; then those that matter are read. Both passes are
 * linear in the text. */
#include <stdlib.h>

#include "store/iceberg/metadata.h"

const char *const tarn_metadata_keys[TARN_METADATA_N_KEYS] = {
	[TARN_METADATA_FORMAT_VERSION] = "format-version",
	[TARN_METADATA_TABLE_UUID] = "table-uuid",
	[TARN_METADATA_LOCATION] = "location",
	[TARN_METADATA_LAST_SEQUENCE_NUMBER] = "last-sequence-number",
	[TARN_METADATA_LAST_UPDATED_MS] = "last-updated-ms",
	[TARN_METADATA_LAST_COLUMN_ID] = "last-column-id",
	[TARN_METADATA_CURRENT_SCHEMA_ID] = "current-schema-id",
	[TARN_METADATA_SCHEMAS] = "schemas",
	[TARN_METADATA_DEFAULT_SPEC_ID] = "default-spec-id",
	[TARN_METADATA_PARTITION_SPECS] = "partition-specs",
	[TARN_METADATA_LAST_PARTITION_ID] = "last-partition-id",
	[TARN_METADATA_DEFAULT_SORT_ORDER_ID] = "default-sort-order-id",
	[TARN_METADATA_SORT_ORDERS] = "sort-orders",
	[TARN_METADATA_PROPERTIES] = "properties",
	[TARN_METADATA_CURRENT_SNAPSHOT_ID] = "current-snapshot-id",
	[TARN_METADATA_REFS] = "refs",
	[TARN_METADATA_SNAPSHOTS] = "snapshots",
	[TARN_METADATA_STATISTICS] = "statistics",
	[TARN_METADATA_PARTITION_STATISTICS] = "partition-statistics",
	[TARN_METADATA_SNAPSHOT_LOG] = "snapshot-log",
	[TARN_METADATA_METADATA_LOG] = "metadata-log",
};
enum { LAST_REQUIRED = TARN_METADATA_SORT_ORDERS };

/* ---- the whole document ---- */

static enum tarn_metadata_key find_key(struct tarn_slice key)
{
	size_t i = 0;
	while (i < TARN_METADATA_N_KEYS && !tarn_json_is(key, tarn_metadata_keys[i]))
		i++;
	return (enum tarn_metadata_key)i;
}

static void split(struct tarn_json *json, struct tarn_table *table)
{
	struct tarn_slice key;
	struct tarn_metadata_member *others = NULL;
	size_t n = 0, capacity = 0;
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		enum tarn_metadata_key known = find_key(key);
		if (known < TARN_METADATA_N_KEYS && table->raw[known].data) {
			tarn_json_fail(json, TARN_EINVALID, "member \"%s\" comes twice", tarn_metadata_keys[known]);
		} else if (known < TARN_METADATA_N_KEYS) {
			table->raw[known] = tarn_json_skip(json);
		} else {
			others = tarn_grow(others, &capacity, n + 1, sizeof(*others));
			others[n].key = tarn_arena_strndup(json->arena, (const char *)key.data, key.len);
			others[n++].json = tarn_json_skip(json);
		}
	}
	table->others = tarn_arena_copy(json->arena, others, n * sizeof(*others));
	table->n_others = n;
	free(others);
}

/* Reads one member; the error says which. */
struct member_reader {
	struct tarn_table *table;
	struct tarn_slice document;
	struct tarn_err *err;
};

static struct tarn_json open_member(const struct member_reader *reader, enum tarn_metadata_key key)
{
	struct tarn_json json;
	struct tarn_slice raw = reader->table->raw[key];
	tarn_json_init(&json, reader->document, raw.data ? raw : tarn_slice_of("null", 4), &reader->table->arena,
		       reader->err);
	return json;
}

static enum tarn_rc close_member(const struct member_reader *reader, enum tarn_metadata_key key, struct tarn_json *json)
{
	enum tarn_rc rc = tarn_json_finish(json);
	return rc ? tarn_err_within(reader->err, rc, "\"%s\"", tarn_metadata_keys[key]) : TARN_OK;
}

static enum tarn_rc read_int(const struct member_reader *reader, enum tarn_metadata_key key, int64_t max,
			     int64_t *value)
{
	struct tarn_json json = open_member(reader, key);
	int64_t read = tarn_json_integer(&json, 0, max);
	enum tarn_rc rc = close_member(reader, key, &json);
	if (!rc)
		*value = read;
	return rc;
}

static enum tarn_rc read_int32(const struct member_reader *reader, enum tarn_metadata_key key, int32_t *value)
{
	int64_t wide;
	enum tarn_rc rc = read_int(reader, key, INT32_MAX, &wide);
	if (!rc)
		*value = (int32_t)wide;
	return rc;
}

static enum tarn_rc read_string(const struct member_reader *reader, enum tarn_metadata_key key, const char **value)
{
	struct tarn_json json = open_member(reader, key);
	const char *read = tarn_json_string(&json);
	enum tarn_rc rc = close_member(reader, key, &json);
	if (!rc)
		*value = read;
	return rc;
}

static enum tarn_rc check_version(const struct member_reader *reader)
{
	int64_t version;
	if (!reader->table->raw[TARN_METADATA_FORMAT_VERSION].data)
		return tarn_fail(reader->err, TARN_EINVALID, "table metadata lacks \"format-version\"");
	enum tarn_rc rc = read_int(reader, TARN_METADATA_FORMAT_VERSION, INT32_MAX, &version);
	if (rc)
		return rc;
	if (version != 2)
		return tarn_fail(reader->err, TARN_EUNSUPPORTED,
				 "table has Iceberg format version %lld, Tarn takes version 2", (long long)version);
	for (int i = 0; i <= LAST_REQUIRED; i++) {
		if (!reader->table->raw[i].data)
			return tarn_fail(reader->err, TARN_EINVALID, "table metadata lacks \"%s\"",
					 tarn_metadata_keys[i]);
	}
	return TARN_OK;
}

static enum tarn_rc read_scalars(const struct member_reader *reader)
{
	struct tarn_table *table = reader->table;
	const char *location = NULL;
	enum tarn_rc rc = read_string(reader, TARN_METADATA_TABLE_UUID, &table->uuid);
	if (!rc)
		rc = read_string(reader, TARN_METADATA_LOCATION, &location);
	if (!rc)
		rc = read_int(reader, TARN_METADATA_LAST_SEQUENCE_NUMBER, INT64_MAX - 1, &table->last_sequence_number);
	if (!rc)
		rc = read_int(reader, TARN_METADATA_LAST_UPDATED_MS, INT64_MAX, &table->last_updated_ms);
	if (!rc)
		rc = read_int32(reader, TARN_METADATA_CURRENT_SCHEMA_ID, &table->schema_id);
	if (rc)
		return rc;
	size_t len = strlen(location);
	while (len > 1 && location[len - 1] == '/')
		len--;
	table->location = tarn_arena_strndup(&table->arena, location, len);
	return TARN_OK;
}

/* ---- schemas, specs, properties ---- */

/* An object's member "id_key" as a number, the object's other members unread. */
static int32_t peek_id(struct tarn_json json, const char *id_key)
{
	struct tarn_slice key;
	int32_t id = -1;
	tarn_json_begin_object(&json);
	while (tarn_json_next_member(&json, &key)) {
		if (tarn_json_is(key, id_key))
			id = (int32_t)tarn_json_integer(&json, 0, INT32_MAX);
		else
			tarn_json_skip(&json);
	}
	return json.rc ? -1 : id;
}

static void read_schema(struct tarn_json *json, struct tarn_table *table)
{
	struct tarn_slice key;
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		if (tarn_json_is(key, "fields"))
			tarn_schema_parse_fields(json, &table->fields, &table->n_fields);
		else
			tarn_json_skip(json);
	}
}

static enum tarn_rc read_schemas(const struct member_reader *reader)
{
	struct tarn_table *table = reader->table;
	struct tarn_json json = open_member(reader, TARN_METADATA_SCHEMAS);
	tarn_json_begin_array(&json);
	while (tarn_json_next_item(&json)) {
		if (peek_id(json, "schema-id") != table->schema_id || table->schema_json.data) {
			tarn_json_skip(&json);
			continue;
		}
		tarn_json_peek(&json);
		const uint8_t *start = json.cursor.at;
		read_schema(&json, table);
		table->schema_json = tarn_slice_of(start, (size_t)(json.cursor.at - start));
	}
	if (!table->fields)
		tarn_json_fail(&json, TARN_EINVALID, "no schema has the current id %d", table->schema_id);
	return close_member(reader, TARN_METADATA_SCHEMAS, &json);
}

static void read_partition_field(struct tarn_json *json, struct tarn_partition_field *field)
{
	struct tarn_slice key;
	*field = (struct tarn_partition_field){ .source_id = -1, .field_id = -1 };
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		if (tarn_json_is(key, "name"))
			field->name = tarn_json_string(json);
		else if (tarn_json_is(key, "transform"))
			field->transform = tarn_json_string(json);
		else if (tarn_json_is(key, "source-id"))
			field->source_id = (int32_t)tarn_json_integer(json, 0, INT32_MAX);
		else if (tarn_json_is(key, "field-id"))
			field->field_id = (int32_t)tarn_json_integer(json, 0, INT32_MAX);
		else
			tarn_json_skip(json);
	}
	if (!field->name || !field->transform || field->source_id < 0 || field->field_id < 0)
		tarn_json_fail(json, TARN_EINVALID, "partition field lacks its name, transform or ids");
}

static void read_partition_fields(struct tarn_json *json, struct tarn_partition_spec *spec)
{
	struct tarn_partition_field *fields = NULL;
	size_t n = 0, capacity = 0;
	tarn_json_peek(json);
	const uint8_t *start = json->cursor.at;
	tarn_json_begin_array(json);
	while (tarn_json_next_item(json)) {
		fields = tarn_grow(fields, &capacity, n + 1, sizeof(*fields));
		read_partition_field(json, &fields[n++]);
	}
	spec->fields_json = tarn_slice_of(start, (size_t)(json->cursor.at - start));
	spec->fields = tarn_arena_copy(json->arena, fields, n * sizeof(*fields));
	spec->n_fields = n;
	free(fields);
}

static void read_spec(struct tarn_json *json, struct tarn_partition_spec *spec)
{
	struct tarn_slice key;
	*spec = (struct tarn_partition_spec){ .id = -1 };
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		if (tarn_json_is(key, "spec-id"))
			spec->id = (int32_t)tarn_json_integer(json, 0, INT32_MAX);
		else if (tarn_json_is(key, "fields"))
			read_partition_fields(json, spec);
		else
			tarn_json_skip(json);
	}
	if (spec->id < 0 || !spec->fields)
		tarn_json_fail(json, TARN_EINVALID, "partition spec lacks its id or fields");
}

static enum tarn_rc read_specs(const struct member_reader *reader)
{
	struct tarn_table *table = reader->table;
	int32_t default_id = 0;
	enum tarn_rc rc = read_int32(reader, TARN_METADATA_DEFAULT_SPEC_ID, &default_id);
	if (rc)
		return rc;
	struct tarn_json json = open_member(reader, TARN_METADATA_PARTITION_SPECS);
	struct tarn_partition_spec *specs = NULL;
	size_t capacity = 0;
	tarn_json_begin_array(&json);
	while (tarn_json_next_item(&json)) {
		specs = tarn_grow(specs, &capacity, table->n_specs + 1, sizeof(*specs));
		read_spec(&json, &specs[table->n_specs++]);
	}
	table->specs = tarn_arena_copy(&table->arena, specs, table->n_specs * sizeof(*specs));
	free(specs);
	for (size_t i = 0; i < table->n_specs; i++) {
		if (table->specs[i].id == default_id)
			table->spec = &table->specs[i];
	}
	if (!table->spec)
		tarn_json_fail(&json, TARN_EINVALID, "no partition spec has the default id %d", default_id);
	return close_member(reader, TARN_METADATA_PARTITION_SPECS, &json);
}

/* An object of strings. `skip`: a key whose value goes to *skipped instead. */
static void read_strings(struct tarn_json *json, const char *skip, const char **skipped,
			 struct tarn_property **properties, size_t *n_properties)
{
	struct tarn_property *items = NULL;
	struct tarn_slice key;
	size_t n = 0, capacity = 0;
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		if (skip && tarn_json_is(key, skip)) {
			*skipped = tarn_json_string(json);
			continue;
		}
		items = tarn_grow(items, &capacity, n + 1, sizeof(*items));
		items[n].key = tarn_arena_strndup(json->arena, (const char *)key.data, key.len);
		items[n++].value = tarn_json_string(json);
	}
	*properties = tarn_arena_copy(json->arena, items, n * sizeof(*items));
	*n_properties = n;
	free(items);
}

static enum tarn_rc read_properties(const struct member_reader *reader)
{
	struct tarn_json json = open_member(reader, TARN_METADATA_PROPERTIES);
	if (!tarn_json_is_null(&json))
		read_strings(&json, NULL, NULL, &reader->table->properties, &reader->table->n_properties);
	return close_member(reader, TARN_METADATA_PROPERTIES, &json);
}

/* ---- snapshots, refs, logs ---- */

static void read_snapshot_member(struct tarn_json *json, struct tarn_slice key, struct tarn_snapshot *snapshot)
{
	struct tarn_property *summary;
	if (tarn_json_is(key, "snapshot-id")) {
		snapshot->id = tarn_json_integer(json, 0, INT64_MAX);
	} else if (tarn_json_is(key, "parent-snapshot-id")) {
		if (!tarn_json_is_null(json))
			snapshot->parent_id = tarn_json_integer(json, -1, INT64_MAX);
	} else if (tarn_json_is(key, "sequence-number")) {
		snapshot->sequence_number = tarn_json_integer(json, 0, INT64_MAX);
	} else if (tarn_json_is(key, "timestamp-ms")) {
		snapshot->timestamp_ms = tarn_json_integer(json, 0, INT64_MAX);
	} else if (tarn_json_is(key, "manifest-list")) {
		snapshot->manifest_list = tarn_json_string(json);
	} else if (tarn_json_is(key, "summary") && !tarn_json_is_null(json)) {
		read_strings(json, "operation", &snapshot->operation, &summary, &snapshot->n_summary);
		snapshot->summary = summary;
	} else if (!tarn_json_is(key, "summary")) {
		tarn_json_skip(json);
	}
}

void tarn_snapshot_parse(struct tarn_json *json, struct tarn_snapshot *snapshot)
{
	struct tarn_slice key;
	*snapshot = (struct tarn_snapshot){ .id = -1, .operation = "" };
	tarn_json_peek(json);
	const uint8_t *start = json->cursor.at;
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key))
		read_snapshot_member(json, key, snapshot);
	snapshot->json = tarn_slice_of(start, (size_t)(json->cursor.at - start));
	if (snapshot->parent_id < 0)
		snapshot->parent_id = 0;
	if (snapshot->id < 0)
		tarn_json_fail(json, TARN_EINVALID, "snapshot lacks its \"snapshot-id\"");
}

static int by_sequence(const void *a, const void *b)
{
	const struct tarn_snapshot *x = a, *y = b;
	if (x->sequence_number != y->sequence_number)
		return x->sequence_number < y->sequence_number ? -1 : 1;
	return (x->timestamp_ms > y->timestamp_ms) - (x->timestamp_ms < y->timestamp_ms);
}

static int by_id(const void *a, const void *b)
{
	int64_t x = (*(const struct tarn_snapshot *const *)a)->id, y = (*(const struct tarn_snapshot *const *)b)->id;
	return (x > y) - (x < y);
}

void tarn_table_index_snapshots(struct tarn_table *table)
{
	int64_t current = table->current ? table->current->id : -1;
	for (size_t i = 1; i < table->n_snapshots; i++) {
		if (by_sequence(&table->snapshots[i - 1], &table->snapshots[i]) > 0) {
			qsort(table->snapshots, table->n_snapshots, sizeof(*table->snapshots), by_sequence);
			break;
		}
	}
	table->by_id = tarn_arena_alloc(&table->arena, table->n_snapshots * sizeof(*table->by_id));
	for (size_t i = 0; i < table->n_snapshots; i++)
		table->by_id[i] = &table->snapshots[i];
	if (table->n_snapshots)
		qsort(table->by_id, table->n_snapshots, sizeof(*table->by_id), by_id);
	table->current = current < 0 ? NULL : tarn_table_snapshot(table, current);
}

static enum tarn_rc read_snapshots(const struct member_reader *reader)
{
	struct tarn_table *table = reader->table;
	struct tarn_json json = open_member(reader, TARN_METADATA_SNAPSHOTS);
	if (tarn_json_is_null(&json))
		return TARN_OK;
	struct tarn_snapshot *snapshots = NULL;
	size_t n = 0, capacity = 0;
	tarn_json_begin_array(&json);
	while (tarn_json_next_item(&json)) {
		snapshots = tarn_grow(snapshots, &capacity, n + 1, sizeof(*snapshots));
		tarn_snapshot_parse(&json, &snapshots[n]);
		if (snapshots[n++].sequence_number > table->last_sequence_number)
			tarn_json_fail(&json, TARN_EINVALID,
				       "snapshot has a sequence number above the table's last, %lld",
				       (long long)table->last_sequence_number);
	}
	table->snapshots = tarn_arena_copy(&table->arena, snapshots, n * sizeof(*snapshots));
	table->n_snapshots = n;
	free(snapshots);
	tarn_table_index_snapshots(table);
	for (size_t i = 1; i < n; i++) {
		if (table->by_id[i - 1]->id == table->by_id[i]->id)
			tarn_json_fail(&json, TARN_EINVALID, "two snapshots have the id %lld",
				       (long long)table->by_id[i]->id);
	}
	return close_member(reader, TARN_METADATA_SNAPSHOTS, &json);
}

static enum tarn_rc read_current(const struct member_reader *reader)
{
	struct tarn_table *table = reader->table;
	struct tarn_json json = open_member(reader, TARN_METADATA_CURRENT_SNAPSHOT_ID);
	int64_t id = tarn_json_is_null(&json) ? -1 : tarn_json_integer(&json, -1, INT64_MAX);
	if (id >= 0) {
		table->current = tarn_table_snapshot(table, id);
		if (!table->current)
			tarn_json_fail(&json, TARN_EINVALID, "there is no snapshot %lld", (long long)id);
	}
	return close_member(reader, TARN_METADATA_CURRENT_SNAPSHOT_ID, &json);
}

/* A ref's members beyond id and type are kept as text, a comma before each. */
static void read_ref(struct tarn_json *json, const struct tarn_table *table, struct tarn_ref *ref)
{
	struct tarn_slice key;
	struct tarn_buf settings;
	tarn_buf_init(&settings, TARN_BUF_DEFAULT_MAX);
	ref->snapshot_id = -1;
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		if (tarn_json_is(key, "snapshot-id")) {
			ref->snapshot_id = tarn_json_integer(json, 0, INT64_MAX);
		} else if (tarn_json_is(key, "type")) {
			ref->is_tag = !strcmp(tarn_json_string(json), "tag");
		} else {
			tarn_buf_add_byte(&settings, ',');
			tarn_json_put_str(&settings, tarn_arena_strndup(json->arena, (const char *)key.data, key.len));
			tarn_buf_add_byte(&settings, ':');
			tarn_buf_add_slice(&settings, tarn_json_skip(json));
		}
	}
	if (settings.len)
		ref->settings = tarn_slice_of(tarn_arena_copy(json->arena, settings.data, settings.len), settings.len);
	tarn_buf_release(&settings);
	if (!tarn_table_snapshot(table, ref->snapshot_id))
		tarn_json_fail(json, TARN_EINVALID, "ref \"%.100s\" points to no snapshot of the table", ref->name);
}

/* Metadata without a main branch (older writers) gets one. */
static void settle_main(struct tarn_json *json, struct tarn_table *table, struct tarn_ref *refs, size_t n)
{
	int64_t current = table->current ? table->current->id : -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(refs[i].name, "main"))
			continue;
		if (refs[i].snapshot_id != current)
			tarn_json_fail(json, TARN_EINVALID, "branch main is not at the current snapshot");
		current = -1;
	}
	table->refs = tarn_arena_alloc(&table->arena, (n + 1) * sizeof(*refs));
	if (n)
		memcpy(table->refs, refs, n * sizeof(*refs));
	table->n_refs = n;
	if (current >= 0)
		table->refs[table->n_refs++] = (struct tarn_ref){ .name = "main", .snapshot_id = current };
}

static enum tarn_rc read_refs(const struct member_reader *reader)
{
	struct tarn_json json = open_member(reader, TARN_METADATA_REFS);
	struct tarn_ref *refs = NULL;
	struct tarn_slice key;
	size_t n = 0, capacity = 0;
	if (!tarn_json_is_null(&json)) {
		tarn_json_begin_object(&json);
		while (tarn_json_next_member(&json, &key)) {
			refs = tarn_grow(refs, &capacity, n + 1, sizeof(*refs));
			refs[n] = (struct tarn_ref){ .name = tarn_arena_strndup(json.arena, (const char *)key.data,
										key.len) };
			read_ref(&json, reader->table, &refs[n++]);
		}
	}
	settle_main(&json, reader->table, refs, n);
	free(refs);
	return close_member(reader, TARN_METADATA_REFS, &json);
}

static enum tarn_rc read_snapshot_log(const struct member_reader *reader)
{
	struct tarn_table *table = reader->table;
	struct tarn_json json = open_member(reader, TARN_METADATA_SNAPSHOT_LOG);
	if (tarn_json_is_null(&json))
		return TARN_OK;
	struct tarn_slice *items = NULL;
	size_t n = 0, capacity = 0;
	tarn_json_begin_array(&json);
	while (tarn_json_next_item(&json)) {
		items = tarn_grow(items, &capacity, n + 1, sizeof(*items));
		items[n++] = tarn_json_skip(&json);
	}
	table->snapshot_log = tarn_arena_copy(&table->arena, items, n * sizeof(*items));
	table->n_snapshot_log = n;
	free(items);
	return close_member(reader, TARN_METADATA_SNAPSHOT_LOG, &json);
}

static void read_metadata_log_entry(struct tarn_json *json, struct tarn_metadata_log_entry *entry)
{
	struct tarn_slice key;
	tarn_json_peek(json);
	const uint8_t *start = json->cursor.at;
	*entry = (struct tarn_metadata_log_entry){ .file = NULL };
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		if (tarn_json_is(key, "metadata-file"))
			entry->file = tarn_json_string(json);
		else
			tarn_json_skip(json);
	}
	entry->json = tarn_slice_of(start, (size_t)(json->cursor.at - start));
	if (!entry->file)
		tarn_json_fail(json, TARN_EINVALID, "entry of the metadata log lacks its \"metadata-file\"");
}

static enum tarn_rc read_metadata_log(const struct member_reader *reader)
{
	struct tarn_table *table = reader->table;
	struct tarn_json json = open_member(reader, TARN_METADATA_METADATA_LOG);
	if (tarn_json_is_null(&json))
		return TARN_OK;
	struct tarn_metadata_log_entry *items = NULL;
	size_t n = 0, capacity = 0;
	tarn_json_begin_array(&json);
	while (tarn_json_next_item(&json)) {
		items = tarn_grow(items, &capacity, n + 1, sizeof(*items));
		read_metadata_log_entry(&json, &items[n++]);
	}
	table->metadata_log = tarn_arena_copy(&table->arena, items, n * sizeof(*items));
	table->n_metadata_log = n;
	free(items);
	return close_member(reader, TARN_METADATA_METADATA_LOG, &json);
}

/* ---- all of it ---- */

static enum tarn_rc read_members(const struct member_reader *reader)
{
	static enum tarn_rc (*const steps[])(const struct member_reader *) = {
		check_version,	read_scalars, read_schemas, read_specs,	       read_properties,
		read_snapshots, read_current, read_refs,    read_snapshot_log, read_metadata_log,
	};
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !rc; i++)
		rc = steps[i](reader);
	return rc;
}

enum tarn_rc tarn_table_parse(struct tarn_slice metadata_json, struct tarn_table **table, struct tarn_err *err)
{
	struct tarn_table *read = tarn_calloc(1, sizeof(*read));
	tarn_arena_init(&read->arena);
	struct tarn_slice document =
		tarn_slice_of(tarn_arena_copy(&read->arena, metadata_json.data, metadata_json.len), metadata_json.len);
	struct tarn_json json;
	tarn_json_init(&json, document, document, &read->arena, err);
	split(&json, read);
	enum tarn_rc rc = tarn_json_finish(&json);
	if (!rc)
		rc = read_members(&(struct member_reader){ read, document, err });
	if (rc) {
		tarn_table_free(read);
		return tarn_err_within(err, rc, "table metadata");
	}
	*table = read;
	return TARN_OK;
}
