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
	if (record->quoted.data)
		tarn_buf_add_slice(out, record->quoted);
	else
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

bool reg_read_references(const struct tarn_json_value *json, struct tarn_arena *arena, struct tarn_schema_text *schema)
{
	if (json && json->kind != TARN_JSON_NULL && json->kind != TARN_JSON_ARRAY)
		return false;
	size_t n = json && json->kind == TARN_JSON_ARRAY ? json->n : 0;
	struct tarn_schema_reference *references = tarn_arena_zalloc(arena, n * sizeof(*references));
	for (size_t i = 0; i < n; i++) {
		const struct tarn_json_value *item = &json->items[i], *version = tarn_json_get(item, "version");
		references[i].name = tarn_json_get_text(item, "name");
		references[i].subject = tarn_json_get_text(item, "subject");
		if (!references[i].name || !references[i].subject || !tarn_json_is_kind(version, TARN_JSON_INTEGER) ||
		    version->integer < TARN_LATEST || version->integer > INT32_MAX)
			return false;
		references[i].version = (int32_t)version->integer;
	}
	schema->references = references;
	schema->n_references = n;
	return true;
}

static bool read_int(const struct tarn_json_value *json, const char *key, int64_t least, int64_t *value)
{
	const struct tarn_json_value *found = tarn_json_get(json, key);
	if (!tarn_json_is_kind(found, TARN_JSON_INTEGER) || found->integer < least || found->integer > INT32_MAX)
		return false;
	*value = found->integer;
	return true;
}

const char *reg_read_extra(const struct tarn_json_value *json, const char *key, struct tarn_arena *arena)
{
	const struct tarn_json_value *found = tarn_json_get(json, key);
	if (!tarn_json_is_kind(found, TARN_JSON_OBJECT))
		return NULL;
	struct tarn_buf text;
	tarn_buf_init(&text, LARGEST_TEXT);
	tarn_json_put_value(&text, found);
	const char *copy = tarn_arena_strndup(arena, (const char *)text.data, text.len);
	tarn_buf_release(&text);
	return copy;
}

static bool read_schema(const struct tarn_json_value *json, struct tarn_arena *arena, struct reg_schema_record *record)
{
	int64_t version, id;
	const char *type = tarn_json_text(tarn_json_get(json, "schemaType"));
	const struct tarn_json_value *text = tarn_json_get(json, "schema");
	if (!read_int(json, "version", 1, &version) || !read_int(json, "id", 0, &id) ||
	    !tarn_json_is_kind(text, TARN_JSON_STRING))
		return false;
	*record = (struct reg_schema_record){
		.subject = tarn_json_get_text(json, "subject"),
		.version = (int32_t)version,
		.id = (uint32_t)id,
		.deleted = tarn_json_is_kind(tarn_json_get(json, "deleted"), TARN_JSON_TRUE),
		.schema.text = tarn_slice_of(text->text, text->n),
		.metadata = reg_read_extra(json, "metadata", arena),
		.rule_set = reg_read_extra(json, "ruleSet", arena),
	};
	return record->subject && (!type || reg_parse_type(type, &record->schema.type)) &&
	       reg_read_references(tarn_json_get(json, "references"), arena, &record->schema);
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

static bool has_digest(const struct tarn_json_value *json, const uint8_t digest[TARN_MD5_SIZE])
{
	const char *said = tarn_json_text(tarn_json_get(json, "md5"));
	struct tarn_buf text;
	tarn_buf_init(&text, 64);
	reg_write_digest(&text, digest);
	bool has = said && tarn_slice_eq(tarn_slice_str(said), tarn_buf_slice(&text));
	tarn_buf_release(&text);
	return has;
}

/* What identifies the record's content. Of what this registry has written, the text need not be looked at. */
static void identify(const struct tarn_json_value *json, struct reg_schema_record *record, struct tarn_arena *arena)
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
	const struct tarn_json_value *key, *value; /* value NULL: the key is deleted */
	struct tarn_slice text;			   /* of the value */
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
	json_t *config = record->value ? json_loadb((const char *)record->text.data, record->text.len, 0, NULL) : NULL;
	if (record->value && !config)
		return false;
	if (config)
		json_object_del(config, "subject");
	reg_put_config(state, record->subject, config, record->position);
	return true;
}

static bool apply_mode(struct reg_state *state, const struct record *record)
{
	enum reg_mode mode = REG_NO_MODE;
	const char *name = tarn_json_get_text(record->value, "mode");
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
	const char *keytype = tarn_json_get_text(record->key, "keytype");
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
	static const uint8_t nothing[] = "null";
	const struct tarn_json_value *key_json, *value_json;
	struct tarn_slice text = value.len ? value : tarn_slice_of(nothing, 4);
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	enum tarn_rc rc = tarn_json_parse(key, TARN_JSON_NO_ZEROS, &arena, &key_json, err);
	if (!rc)
		rc = tarn_json_parse(text, TARN_JSON_NO_ZEROS, &arena, &value_json, err);
	if (!rc && key_json->kind != TARN_JSON_OBJECT)
		rc = tarn_fail(err, TARN_EINVALID, "a key that is no object");
	if (!rc) {
		const struct record record = {
			.key = key_json,
			.value = value_json->kind == TARN_JSON_OBJECT ? value_json : NULL,
			.text = text,
			.subject = tarn_json_get_text(key_json, "subject"),
			.position = position,
			.arena = &arena,
		};
		rc = apply(state, &record, err);
	}
	tarn_arena_release(&arena);
	return rc;
}
