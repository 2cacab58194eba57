#include "store/catalog/rest_text.h"

#include <stdlib.h>

#include "base/json_reader.h"

/* ---- requests ---- */

void rest_put_namespace(struct tarn_buf *json)
{
	tarn_buf_add_str(json, "{\"namespace\":[\"" TARN_NAMESPACE "\"],\"properties\":{}}");
}

static void put_spec(struct tarn_buf *json, const struct tarn_table *table, int32_t spec_id)
{
	size_t n;
	const struct tarn_partition_field *fields = tarn_table_partition(table, &n);
	tarn_buf_printf(json, "{\"spec-id\":%d,\"fields\":[", spec_id);
	for (size_t i = 0; i < n; i++) {
		tarn_buf_add_str(json, i ? ",{\"name\":" : "{\"name\":");
		tarn_json_put_str(json, fields[i].name);
		tarn_buf_add_str(json, ",\"transform\":");
		tarn_json_put_str(json, fields[i].transform);
		tarn_buf_printf(json, ",\"source-id\":%d,\"field-id\":%d}", fields[i].source_id, fields[i].field_id);
	}
	tarn_buf_add_str(json, "]}");
}

static void put_properties(struct tarn_buf *json, const struct tarn_table *table)
{
	size_t n;
	const struct tarn_property *properties = tarn_table_properties(table, &n);
	tarn_buf_add_byte(json, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			tarn_buf_add_byte(json, ',');
		tarn_json_put_str(json, properties[i].key);
		tarn_buf_add_byte(json, ':');
		tarn_json_put_str(json, properties[i].value);
	}
	tarn_buf_add_byte(json, '}');
}

static void put_identifier(struct tarn_buf *json, const char *name)
{
	tarn_buf_add_str(json, "\"identifier\":{\"namespace\":[\"" TARN_NAMESPACE "\"],\"name\":");
	tarn_json_put_str(json, name);
	tarn_buf_add_byte(json, '}');
}

/* Java has stopped to ask for the last id; Nessie has not. */
static void put_new_schema(struct tarn_buf *json, const struct tarn_table *table, int32_t id)
{
	tarn_buf_add_str(json, "{\"action\":\"add-schema\",\"schema\":");
	tarn_table_put_schema(table, id, json);
	tarn_buf_printf(json, ",\"last-column-id\":%d},{\"action\":\"set-current-schema\",\"schema-id\":-1}",
			tarn_table_last_field_id(table));
}

static void put_new_spec(struct tarn_buf *json, const struct tarn_table *table, int32_t id)
{
	tarn_buf_add_str(json, ",{\"action\":\"add-spec\",\"spec\":");
	put_spec(json, table, id);
	tarn_buf_add_str(json, "},{\"action\":\"set-default-spec\",\"spec-id\":-1}");
}

void rest_put_creation(struct tarn_buf *json, const char *name, const struct tarn_table *table)
{
	tarn_buf_add_byte(json, '{');
	put_identifier(json, name);
	tarn_buf_add_str(json, ",\"requirements\":[{\"type\":\"assert-create\"}],\"updates\":["
			       "{\"action\":\"assign-uuid\",\"uuid\":");
	tarn_json_put_str(json, tarn_table_uuid(table));
	tarn_buf_add_str(json, "},{\"action\":\"upgrade-format-version\",\"format-version\":2},");
	put_new_schema(json, table, 0);
	put_new_spec(json, table, 0);
	tarn_buf_add_str(json, ",{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}},"
			       "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1},"
			       "{\"action\":\"set-location\",\"location\":");
	tarn_json_put_str(json, tarn_table_location(table));
	tarn_buf_add_str(json, "},{\"action\":\"set-properties\",\"updates\":");
	put_properties(json, table);
	tarn_buf_add_str(json, "}]}");
}

void rest_put_numbering(struct tarn_buf *json, const char *name, const struct tarn_table *made,
			const struct tarn_table *table)
{
	size_t n;
	tarn_table_partition(table, &n);
	tarn_buf_add_byte(json, '{');
	put_identifier(json, name);
	tarn_buf_add_str(json, ",\"requirements\":[{\"type\":\"assert-table-uuid\",\"uuid\":");
	tarn_json_put_str(json, tarn_table_uuid(made));
	tarn_buf_add_str(json, "},{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":null}],"
			       "\"updates\":[");
	put_new_schema(json, table, 1);
	/* No partition refers to a field; and the same spec is not added twice. */
	if (n)
		put_new_spec(json, table, 1);
	tarn_buf_add_str(json, "]}");
}

/* A ref that the change moves or makes: in an append, all that point to the new snapshot. */
static bool is_moved(const struct tarn_ref *ref, const struct tarn_snapshot *snapshot)
{
	return ref->snapshot_id == snapshot->id;
}

static void put_requirements(struct tarn_buf *json, const struct tarn_table *table)
{
	size_t n;
	const struct tarn_snapshot *snapshot = tarn_table_current(table);
	const struct tarn_ref *refs = tarn_table_refs(table, &n);
	tarn_buf_add_str(json, "{\"type\":\"assert-table-uuid\",\"uuid\":");
	tarn_json_put_str(json, tarn_table_uuid(table));
	tarn_buf_add_byte(json, '}');
	for (size_t i = 0; i < n; i++) {
		/* A table without snapshots has no refs, so main says it of all; PyIceberg takes no other there. */
		if (!is_moved(&refs[i], snapshot) || (refs[i].is_tag && !snapshot->parent_id))
			continue;
		tarn_buf_add_str(json, ",{\"type\":\"assert-ref-snapshot-id\",\"ref\":");
		tarn_json_put_str(json, refs[i].name);
		/* A tag is new; a branch was at the snapshot's parent. */
		if (refs[i].is_tag || !snapshot->parent_id)
			tarn_buf_add_str(json, ",\"snapshot-id\":null}");
		else
			tarn_buf_printf(json, ",\"snapshot-id\":%lld}", (long long)snapshot->parent_id);
	}
}

static void put_updates(struct tarn_buf *json, const struct tarn_table *table)
{
	size_t n;
	const struct tarn_snapshot *snapshot = tarn_table_current(table);
	const struct tarn_ref *refs = tarn_table_refs(table, &n);
	tarn_buf_add_str(json, "{\"action\":\"add-snapshot\",\"snapshot\":");
	tarn_buf_add_slice(json, snapshot->json);
	tarn_buf_add_byte(json, '}');
	for (size_t i = 0; i < n; i++) {
		if (!is_moved(&refs[i], snapshot))
			continue;
		tarn_buf_add_str(json, ",{\"action\":\"set-snapshot-ref\",\"ref-name\":");
		tarn_json_put_str(json, refs[i].name);
		tarn_buf_printf(json, ",\"type\":\"%s\",\"snapshot-id\":%lld", refs[i].is_tag ? "tag" : "branch",
				(long long)snapshot->id);
		tarn_buf_add_slice(json, refs[i].settings);
		tarn_buf_add_byte(json, '}');
	}
}

void rest_put_transaction(struct tarn_buf *json, const struct tarn_catalog_change *const *changes, size_t n)
{
	tarn_buf_add_str(json, "{\"table-changes\":[");
	for (size_t i = 0; i < n; i++) {
		tarn_buf_printf(json,
				"%s{\"identifier\":{\"namespace\":[\"" TARN_NAMESPACE "\"],\"name\":", i ? "," : "");
		tarn_json_put_str(json, changes[i]->name);
		tarn_buf_add_str(json, "},\"requirements\":[");
		put_requirements(json, changes[i]->table);
		tarn_buf_add_str(json, "],\"updates\":[");
		put_updates(json, changes[i]->table);
		tarn_buf_add_str(json, "]}");
	}
	tarn_buf_add_str(json, "]}");
}

/* ---- answers ---- */

enum tarn_rc rest_read_table(struct tarn_slice text, struct tarn_table **table, char **location, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_json json;
	struct tarn_slice metadata = { 0 }, key;
	const char *found = NULL;
	tarn_arena_init(&arena);
	tarn_json_init(&json, text, text, &arena, err);
	tarn_json_begin_object(&json);
	while (tarn_json_next_member(&json, &key)) {
		if (tarn_json_is(key, "metadata"))
			metadata = tarn_json_skip(&json);
		else if (tarn_json_is(key, "metadata-location") && !tarn_json_is_null(&json))
			found = tarn_json_string(&json);
		else if (!tarn_json_is(key, "metadata-location"))
			tarn_json_skip(&json);
	}
	enum tarn_rc rc = tarn_json_finish(&json);
	if (!rc && !metadata.data)
		rc = tarn_fail(err, TARN_EINVALID, "the answer has no member \"metadata\"");
	if (!rc)
		rc = tarn_table_parse(metadata, table, err);
	if (!rc && location)
		*location = found ? tarn_strdup(found) : NULL;
	tarn_arena_release(&arena);
	return rc;
}

/* Only tables right in the namespace: of some servers a listing holds those below it, too. */
static bool read_namespace(struct tarn_json *json)
{
	size_t n = 0;
	bool ours = true;
	tarn_json_begin_array(json);
	while (tarn_json_next_item(json))
		ours &= !strcmp(tarn_json_string(json), TARN_NAMESPACE) && !n++;
	return ours && n == 1;
}

static void read_identifier(struct tarn_json *json, struct rest_names *names)
{
	struct tarn_slice key;
	const char *name = NULL;
	bool ours = false;
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &key)) {
		if (tarn_json_is(key, "namespace"))
			ours = read_namespace(json);
		else if (tarn_json_is(key, "name"))
			name = tarn_json_string(json);
		else
			tarn_json_skip(json);
	}
	if (json->rc || !ours || !name)
		return;
	names->items = tarn_grow(names->items, &names->capacity, names->n + 1, sizeof(*names->items));
	names->items[names->n++] = name;
}

enum tarn_rc rest_read_names(struct tarn_slice text, struct tarn_arena *arena, struct rest_names *names,
			     struct tarn_err *err)
{
	struct tarn_json json;
	struct tarn_slice key;
	names->next_page = "";
	tarn_json_init(&json, text, text, arena, err);
	tarn_json_begin_object(&json);
	while (tarn_json_next_member(&json, &key)) {
		if (tarn_json_is(key, "identifiers")) {
			tarn_json_begin_array(&json);
			while (tarn_json_next_item(&json))
				read_identifier(&json, names);
		} else if (tarn_json_is(key, "next-page-token") && !tarn_json_is_null(&json)) {
			names->next_page = tarn_json_string(&json);
		} else if (!tarn_json_is(key, "next-page-token")) {
			tarn_json_skip(&json);
		}
	}
	return tarn_json_finish(&json);
}
