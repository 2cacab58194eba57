#include "stream/registry/registry_topic.h"

#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/json_text.h"
#include "serialize/schema/schema_text.h"

enum { LARGEST_TEXT = 16 << 20 };

const char *const reg_mode_names[] = { "READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT", "FORWARD" };
const char *const reg_type_names[] = { "AVRO", "JSON", "PROTOBUF" };

bool reg_parse_mode(const char *name, enum reg_mode *mode)
{
	for (size_t i = 0; i < REG_NO_MODE; i++)
		if (!strcasecmp(name, reg_mode_names[i])) {
			*mode = (enum reg_mode)i;
			return true;
		}
	return false;
}

bool reg_parse_type(const char *name, enum tarn_schema_type *type)
{
	for (size_t i = 0; i < sizeof(reg_type_names) / sizeof(*reg_type_names); i++)
		if (!strcmp(name, reg_type_names[i])) {
			*type = (enum tarn_schema_type)i;
			return true;
		}
	return false;
}

/* ---- writing ---- */

/* `,"key":`, without the comma at the start of an object. */
static void put_key(struct tarn_buf *out, const char *key)
{
	if (out->len && out->data[out->len - 1] != '{')
		tarn_buf_add_byte(out, ',');
	tarn_json_put_str(out, key);
	tarn_buf_add_byte(out, ':');
}

static void put_text(struct tarn_buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(out, key);
	tarn_json_put_str(out, value);
}

static void put_int(struct tarn_buf *out, const char *key, int64_t value)
{
	put_key(out, key);
	tarn_json_put_int(out, value);
}

static void put_raw(struct tarn_buf *out, const char *key, const char *json)
{
	if (!json)
		return;
	put_key(out, key);
	tarn_buf_add_str(out, json);
}

void reg_write_key(struct tarn_buf *out, const char *keytype, const char *subject, int32_t version)
{
	tarn_buf_add_byte(out, '{');
	put_text(out, "keytype", keytype);
	put_text(out, "subject", subject);
	if (version)
		put_int(out, "version", version);
	put_int(out, "magic", version ? 1 : 0);
	tarn_buf_add_byte(out, '}');
}

void reg_write_digest(struct tarn_buf *out, const uint8_t digest[TARN_MD5_SIZE])
{
	char hex[2 * TARN_MD5_SIZE];
	tarn_hex(digest, TARN_MD5_SIZE, hex);
	tarn_buf_printf(out, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void reg_write_references(struct tarn_buf *out, const struct tarn_schema_text *schema)
{
	if (!schema->n_references)
		return;
	put_key(out, "references");
	for (size_t i = 0; i < schema->n_references; i++) {
		const struct tarn_schema_reference *reference = &schema->references[i];
		tarn_buf_add_str(out, i ? ",{" : "[{");
		put_text(out, "name", reference->name);
		put_text(out, "subject", reference->subject);
		put_int(out, "version", reference->version);
		tarn_buf_add_byte(out, '}');
	}
	tarn_buf_add_byte(out, ']');
}

void reg_write_schema(struct tarn_buf *out, const struct reg_schema_record *record)
{
	tarn_buf_add_byte(out, '{');
	put_text(out, "subject", record->subject);
	put_int(out, "version", record->version);
	put_int(out, "id", record->id);
	put_key(out, "md5");
	tarn_buf_add_byte(out, '"');
	reg_write_digest(out, record->digest);
	tarn_buf_add_byte(out, '"');
	if (record->schema.type != TARN_SCHEMA_AVRO)
		put_text(out, "schemaType", reg_type_names[record->schema.type]);
	reg_write_references(out, &record->schema);
	put_raw(out, "metadata", record->metadata);
	put_raw(out, "ruleSet", record->rule_set);
	put_key(out, "schema");
	tarn_json_put_string(out, record->schema.text);
	put_key(out, "deleted");
	tarn_json_put_boolean(out, record->deleted);
	tarn_buf_add_byte(out, '}');
}

void reg_write_subject_version(struct tarn_buf *out, const char *subject, int32_t version)
{
	tarn_buf_add_byte(out, '{');
	put_text(out, "subject", subject);
	if (version)
		put_int(out, "version", version);
	tarn_buf_add_byte(out, '}');
}

void reg_write_json(struct tarn_buf *out, const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	tarn_buf_add_str(out, text ? text : "null");
	free(text);
}

void reg_write_config(struct tarn_buf *out, const char *subject, const json_t *config)
{
	const char *key;
	json_t *value;
	tarn_buf_add_byte(out, '{');
	put_text(out, "subject", subject);
	json_object_foreach((json_t *)(uintptr_t)config, key, value)
	{
		put_key(out, key);
		reg_write_json(out, value);
	}
	tarn_buf_add_byte(out, '}');
}

void reg_write_mode(struct tarn_buf *out, const char *subject, enum reg_mode mode)
{
	tarn_buf_add_byte(out, '{');
	put_text(out, "subject", subject);
	put_text(out, "mode", reg_mode_names[mode]);
	tarn_buf_add_byte(out, '}');
}

void reg_write_max_id(struct tarn_buf *out, uint32_t max_id)
{
	tarn_buf_add_byte(out, '{');
	put_int(out, "maxId", max_id);
	tarn_buf_add_byte(out, '}');
}

/* ---- reading ---- */

bool reg_read_references(const json_t *json, struct tarn_arena *arena, struct tarn_schema_text *schema)
{
	size_t n = json_array_size(json);
	if (json && !json_is_null(json) && !json_is_array(json))
		return false;
	struct tarn_schema_reference *references = tarn_arena_zalloc(arena, n * sizeof(*references));
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(json, i), *version = json_object_get(item, "version");
		references[i].name = json_string_value(json_object_get(item, "name"));
		references[i].subject = json_string_value(json_object_get(item, "subject"));
		if (!references[i].name || !references[i].subject || !json_is_integer(version) ||
		    json_integer_value(version) < TARN_LATEST || json_integer_value(version) > INT32_MAX)
			return false;
		references[i].version = (int32_t)json_integer_value(version);
	}
	schema->references = references;
	schema->n_references = n;
	return true;
}

static bool read_int(const json_t *json, const char *key, int64_t least, int64_t *value)
{
	const json_t *found = json_object_get(json, key);
	if (!json_is_integer(found) || json_integer_value(found) < least || json_integer_value(found) > INT32_MAX)
		return false;
	*value = json_integer_value(found);
	return true;
}

/* Compact text in the arena, NULL where there is none. */
static const char *read_extra(const json_t *json, const char *key, struct tarn_arena *arena)
{
	const json_t *found = json_object_get(json, key);
	if (!json_is_object(found))
		return NULL;
	char *text = json_dumps(found, JSON_COMPACT);
	const char *copy = tarn_arena_strdup(arena, text);
	free(text);
	return copy;
}

static bool read_schema(const json_t *json, struct tarn_arena *arena, struct reg_schema_record *record)
{
	int64_t version, id;
	const char *type = json_string_value(json_object_get(json, "schemaType"));
	const json_t *text = json_object_get(json, "schema");
	if (!read_int(json, "version", 1, &version) || !read_int(json, "id", 0, &id) || !json_is_string(text))
		return false;
	*record = (struct reg_schema_record){
		.subject = json_string_value(json_object_get(json, "subject")),
		.version = (int32_t)version,
		.id = (uint32_t)id,
		.deleted = json_is_true(json_object_get(json, "deleted")),
		.schema.text = tarn_slice_of(json_string_value(text), json_string_length(text)),
		.metadata = read_extra(json, "metadata", arena),
		.rule_set = read_extra(json, "ruleSet", arena),
	};
	return record->subject && (!type || reg_parse_type(type, &record->schema.type)) &&
	       reg_read_references(json_object_get(json, "references"), arena, &record->schema);
}

/* The text as this registry would have kept it, in the arena; other registries keep it as it was sent, or with its keys
 * in order. */
static struct tarn_slice canonical_text(const struct tarn_schema_text *schema, struct tarn_arena *arena)
{
	struct tarn_avro_schema *parsed;
	struct tarn_buf text;
	struct tarn_slice copy = schema->text;
	if (tarn_avro_schema_parse(schema->text, &parsed, NULL))
		return copy;
	tarn_buf_init(&text, LARGEST_TEXT);
	tarn_schema_put_text(parsed, TARN_SCHEMA_CANONICAL, &text);
	if (!text.overflow)
		copy = tarn_slice_of(tarn_arena_copy(arena, text.data, text.len), text.len);
	tarn_buf_release(&text);
	tarn_avro_schema_free(parsed);
	return copy;
}

static bool has_digest(const json_t *json, const uint8_t digest[TARN_MD5_SIZE])
{
	const char *said = json_string_value(json_object_get(json, "md5"));
	struct tarn_buf text;
	tarn_buf_init(&text, 64);
	reg_write_digest(&text, digest);
	bool has = said && tarn_slice_eq(tarn_slice_str(said), tarn_buf_slice(&text));
	tarn_buf_release(&text);
	return has;
}

/* What identifies the record's content. Of what this registry has written, the text need not be looked at. */
static void identify(const json_t *json, struct reg_schema_record *record, struct tarn_arena *arena)
{
	uint8_t *digest = tarn_arena_alloc(arena, TARN_MD5_SIZE);
	struct tarn_schema_text canonical = record->schema;
	record->digest = digest;
	reg_digest(&record->schema, record->metadata, record->rule_set, digest);
	if (record->schema.type != TARN_SCHEMA_AVRO || record->schema.n_references || has_digest(json, digest))
		return;
	canonical.text = canonical_text(&record->schema, arena);
	reg_digest(&canonical, record->metadata, record->rule_set, digest);
}

/* ---- applying ---- */

struct record {
	const json_t *key, *value; /* value NULL: the key is deleted */
	const char *subject;
	int64_t position;
	struct tarn_arena *arena;
};

static bool apply_schema(struct reg_state *state, const struct record *record)
{
	struct reg_schema_record schema;
	int64_t version;
	if (!record->subject || !read_int(record->key, "version", 1, &version))
		return false;
	if (!record->value) {
		reg_remove_version(state, record->subject, (int32_t)version, record->position);
		return true;
	}
	if (!read_schema(record->value, record->arena, &schema))
		return false;
	identify(record->value, &schema, record->arena);
	reg_put_version(state, &schema, record->position);
	return true;
}

static bool apply_delete_subject(struct reg_state *state, const struct record *record)
{
	int64_t version;
	if (!record->value)
		return true;
	if (!record->subject || !read_int(record->value, "version", 0, &version))
		return false;
	reg_mark_deleted(state, record->subject, (int32_t)version, record->position);
	return true;
}

static bool apply_clear_subject(struct reg_state *state, const struct record *record)
{
	if (record->value)
		reg_clear_deleted(state, record->subject, record->position);
	return true;
}

static bool apply_config(struct reg_state *state, const struct record *record)
{
	json_t *config = record->value ? json_copy((json_t *)(uintptr_t)record->value) : NULL;
	if (config)
		json_object_del(config, "subject");
	reg_put_config(state, record->subject, config, record->position);
	return true;
}

static bool apply_mode(struct reg_state *state, const struct record *record)
{
	enum reg_mode mode = REG_NO_MODE;
	const char *name = json_string_value(json_object_get(record->value, "mode"));
	if (record->value && (!name || !reg_parse_mode(name, &mode)))
		return false;
	reg_put_mode(state, record->subject, mode, record->position);
	return true;
}

static bool apply_noop(struct reg_state *state, const struct record *record)
{
	int64_t max_id;
	if (read_int(record->value, "maxId", 0, &max_id) && state->max_id < max_id)
		state->max_id = (uint32_t)max_id;
	return true;
}

static const struct {
	const char *keytype;
	bool (*apply)(struct reg_state *state, const struct record *record);
} kinds[] = {
	{ "SCHEMA", apply_schema },
	{ "DELETE_SUBJECT", apply_delete_subject },
	{ "CLEAR_SUBJECT", apply_clear_subject },
	{ "CONFIG", apply_config },
	{ "MODE", apply_mode },
	{ "NOOP", apply_noop },
};

static enum tarn_rc apply(struct reg_state *state, const struct record *record, struct tarn_err *err)
{
	const char *keytype = json_string_value(json_object_get(record->key, "keytype"));
	if (!keytype)
		return tarn_fail(err, TARN_EINVALID, "a key without \"keytype\"");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(keytype, kinds[i].keytype))
			continue;
		if (kinds[i].apply(state, record))
			return TARN_OK;
		return tarn_fail(err, TARN_EINVALID, "a %s record whose key or value lacks something", keytype);
	}
	return tarn_fail(err, TARN_EUNSUPPORTED, "a record of kind \"%s\"", keytype);
}

enum tarn_rc reg_apply(struct reg_state *state, struct tarn_slice key, struct tarn_slice value, int64_t position,
		       struct tarn_err *err)
{
	json_error_t where;
	json_t *key_json = json_loadb((const char *)key.data, key.len, 0, &where);
	json_t *value_json =
		value.len ? json_loadb((const char *)value.data, value.len, JSON_DECODE_ANY, &where) : NULL;
	enum tarn_rc rc;
	if (!json_is_object(key_json) || (value.len && !value_json)) {
		rc = tarn_fail(err, TARN_EINVALID, "a record that is not JSON: %s", where.text);
	} else {
		struct tarn_arena arena;
		tarn_arena_init(&arena);
		const struct record record = { key_json, json_is_object(value_json) ? value_json : NULL,
					       json_string_value(json_object_get(key_json, "subject")), position,
					       &arena };
		rc = apply(state, &record, err);
		tarn_arena_release(&arena);
	}
	json_decref(key_json);
	json_decref(value_json);
	return rc;
}
