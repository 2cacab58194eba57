/* Iceberg's schema JSON (specification, appendix C) to and from fields. */
#include <stdio.h>
#include <stdlib.h>

#include "store/iceberg/metadata.h"

static const struct {
	const char *name;
	enum tarn_type_kind kind;
} type_names[] = {
	{ "boolean", TARN_TYPE_BOOLEAN },
	{ "int", TARN_TYPE_INT },
	{ "long", TARN_TYPE_LONG },
	{ "float", TARN_TYPE_FLOAT },
	{ "double", TARN_TYPE_DOUBLE },
	{ "date", TARN_TYPE_DATE },
	{ "time", TARN_TYPE_TIME },
	{ "timestamp", TARN_TYPE_TIMESTAMP },
	{ "timestamptz", TARN_TYPE_TIMESTAMPTZ },
	{ "string", TARN_TYPE_STRING },
	{ "binary", TARN_TYPE_BINARY },
	{ "uuid", TARN_TYPE_UUID },
	{ "list", TARN_TYPE_LIST },
	{ "struct", TARN_TYPE_STRUCT },
	{ "map", TARN_TYPE_MAP },
};
enum { N_NAMES = sizeof(type_names) / sizeof(*type_names), N_PRIMITIVES = N_NAMES - 3 };

/* ---- writing ---- */

void tarn_type_name(const struct tarn_field *field, char name[TARN_TYPE_NAME_SIZE])
{
	if (field->kind == TARN_TYPE_FIXED)
		snprintf(name, TARN_TYPE_NAME_SIZE, "fixed[%d]", field->length);
	else if (field->kind == TARN_TYPE_DECIMAL)
		snprintf(name, TARN_TYPE_NAME_SIZE, "decimal(%d, %d)", field->precision, field->scale);
	for (size_t i = 0; i < N_NAMES; i++) {
		if (type_names[i].kind == field->kind)
			snprintf(name, TARN_TYPE_NAME_SIZE, "%s", type_names[i].name);
	}
}

static void put_type(struct tarn_buf *out, const struct tarn_field *field);

static void put_boolean(struct tarn_buf *out, bool value)
{
	tarn_buf_add_str(out, value ? "true" : "false");
}

static void put_fields(struct tarn_buf *out, const struct tarn_field *fields, size_t n_fields)
{
	tarn_buf_add_str(out, "\"fields\":[");
	for (size_t i = 0; i < n_fields; i++) {
		tarn_buf_printf(out, "%s{\"id\":%d,\"name\":", i ? "," : "", fields[i].id);
		tarn_json_put_str(out, fields[i].name);
		tarn_buf_add_str(out, ",\"required\":");
		put_boolean(out, fields[i].required);
		tarn_buf_add_str(out, ",\"type\":");
		put_type(out, &fields[i]);
		if (fields[i].doc) {
			tarn_buf_add_str(out, ",\"doc\":");
			tarn_json_put_str(out, fields[i].doc);
		}
		tarn_buf_add_byte(out, '}');
	}
	tarn_buf_add_byte(out, ']');
}

/* A list's element, a map's key or value: "<part>-id":3,"<part>":type */
static void put_part(struct tarn_buf *out, const char *part, const struct tarn_field *field)
{
	tarn_buf_printf(out, ",\"%s-id\":%d,\"%s\":", part, field->id, part);
	put_type(out, field);
}

static void put_type(struct tarn_buf *out, const struct tarn_field *field)
{
	char name[TARN_TYPE_NAME_SIZE];
	tarn_type_name(field, name);
	switch (field->kind) {
	case TARN_TYPE_STRUCT:
		tarn_buf_add_str(out, "{\"type\":\"struct\",");
		put_fields(out, field->fields, field->n_fields);
		break;
	case TARN_TYPE_LIST:
		tarn_buf_add_str(out, "{\"type\":\"list\"");
		put_part(out, "element", &field->fields[0]);
		tarn_buf_add_str(out, ",\"element-required\":");
		put_boolean(out, field->fields[0].required);
		break;
	case TARN_TYPE_MAP:
		tarn_buf_add_str(out, "{\"type\":\"map\"");
		put_part(out, "key", &field->fields[0]);
		put_part(out, "value", &field->fields[1]);
		tarn_buf_add_str(out, ",\"value-required\":");
		put_boolean(out, field->fields[1].required);
		break;
	default: tarn_buf_printf(out, "\"%s\"", name); return;
	}
	tarn_buf_add_byte(out, '}');
}

void tarn_schema_put_json(struct tarn_buf *out, const struct tarn_field *fields, size_t n_fields, int32_t schema_id)
{
	tarn_buf_printf(out, "{\"type\":\"struct\",\"schema-id\":%d,", schema_id);
	put_fields(out, fields, n_fields);
	tarn_buf_add_byte(out, '}');
}

int32_t tarn_schema_last_id(const struct tarn_field *fields, size_t n_fields)
{
	int32_t last = 0;
	for (size_t i = 0; i < n_fields; i++) {
		int32_t nested = tarn_schema_last_id(fields[i].fields, fields[i].n_fields);
		if (fields[i].id > last)
			last = fields[i].id;
		if (nested > last)
			last = nested;
	}
	return last;
}

/* ---- reading ---- */

static void parse_primitive(struct tarn_json *json, struct tarn_field *field)
{
	const char *name = tarn_json_string(json);
	int end = 0;
	for (size_t i = 0; i < N_PRIMITIVES; i++) {
		if (!strcmp(type_names[i].name, name)) {
			field->kind = type_names[i].kind;
			return;
		}
	}
	if (sscanf(name, "fixed[%9d]%n", &field->length, &end) == 1 && end && !name[end] && field->length > 0) {
		field->kind = TARN_TYPE_FIXED;
	} else if (sscanf(name, "decimal(%9d , %9d )%n", &field->precision, &field->scale, &end) == 2 && end &&
		   !name[end] && field->precision >= 1 && field->precision <= 38 && field->scale >= 0 &&
		   field->scale <= field->precision) {
		field->kind = TARN_TYPE_DECIMAL;
	} else {
		tarn_json_fail(json, TARN_EUNSUPPORTED, "type \"%.60s\" is none of Iceberg's format version 2", name);
	}
}

static void parse_type(struct tarn_json *json, struct tarn_field *field);

/* The parts of a nested type while its members are read, in whatever order they come. */
struct nested {
	const char *name;
	const struct tarn_field *fields; /* of a struct */
	size_t n_fields;
	struct tarn_field element, key, value;
	unsigned typed; /* bit i: part i got its type */
};
enum { ELEMENT = 1, KEY = 2, VALUE = 4 };

static void parse_nested_member(struct tarn_json *json, struct tarn_slice member, struct nested *nested)
{
	struct {
		const char *name;
		struct tarn_field *field;
	} parts[] = { { "element", &nested->element }, { "key", &nested->key }, { "value", &nested->value } };
	if (tarn_json_is(member, "type")) {
		nested->name = tarn_json_string(json);
		return;
	}
	if (tarn_json_is(member, "fields")) {
		tarn_schema_parse_fields(json, &nested->fields, &nested->n_fields);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(parts[i].name);
		if (member.len < len || memcmp(member.data, parts[i].name, len))
			continue;
		struct tarn_slice rest = tarn_slice_of(member.data + len, member.len - len);
		if (!rest.len) {
			parse_type(json, parts[i].field);
			nested->typed |= 1u << i;
		} else if (tarn_json_is(rest, "-id")) {
			parts[i].field->id = (int32_t)tarn_json_integer(json, 0, INT32_MAX);
		} else if (tarn_json_is(rest, "-required")) {
			parts[i].field->required = tarn_json_boolean(json);
		} else {
			tarn_json_skip(json);
		}
		return;
	}
	tarn_json_skip(json);
}

static void parse_nested(struct tarn_json *json, struct tarn_field *field)
{
	struct nested nested = { .name = "", .element.id = -1, .key.id = -1, .value.id = -1 };
	nested.element.name = "element";
	nested.key.name = "key";
	nested.value.name = "value";
	nested.key.required = true;
	struct tarn_slice member;
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &member))
		parse_nested_member(json, member, &nested);
	if (!strcmp(nested.name, "struct") && nested.fields) {
		field->kind = TARN_TYPE_STRUCT;
		field->fields = nested.fields;
		field->n_fields = nested.n_fields;
	} else if (!strcmp(nested.name, "list") && nested.typed == ELEMENT && nested.element.id >= 0) {
		field->kind = TARN_TYPE_LIST;
		field->fields = tarn_arena_copy(json->arena, &nested.element, sizeof(nested.element));
		field->n_fields = 1;
	} else if (!strcmp(nested.name, "map") && nested.typed == (KEY | VALUE) && nested.key.id >= 0 &&
		   nested.value.id >= 0) {
		field->kind = TARN_TYPE_MAP;
		field->fields = tarn_arena_copy(json->arena, (struct tarn_field[]){ nested.key, nested.value },
						2 * sizeof(nested.key));
		field->n_fields = 2;
	} else {
		tarn_json_fail(json, TARN_EINVALID, "nested type \"%.60s\" is incomplete or unknown", nested.name);
	}
}

/* Metadata is checked as JSON before its schemas are read, so that the nesting here is bounded by that of JSON. */
static void parse_type(struct tarn_json *json, struct tarn_field *field)
{
	if (tarn_json_peek(json) == '{')
		parse_nested(json, field);
	else
		parse_primitive(json, field);
}

static void parse_field(struct tarn_json *json, struct tarn_field *field)
{
	struct tarn_slice member;
	bool typed = false;
	*field = (struct tarn_field){ .id = -1 };
	tarn_json_begin_object(json);
	while (tarn_json_next_member(json, &member)) {
		if (tarn_json_is(member, "id")) {
			field->id = (int32_t)tarn_json_integer(json, 0, INT32_MAX);
		} else if (tarn_json_is(member, "name")) {
			field->name = tarn_json_string(json);
		} else if (tarn_json_is(member, "required")) {
			field->required = tarn_json_boolean(json);
		} else if (tarn_json_is(member, "type")) {
			parse_type(json, field);
			typed = true;
		} else if (tarn_json_is(member, "doc") && tarn_json_peek(json) == '"') {
			field->doc = tarn_json_string(json);
		} else {
			tarn_json_skip(json);
		}
	}
	if (field->id < 0 || !field->name || !typed)
		tarn_json_fail(json, TARN_EINVALID, "field of a schema lacks its id, name or type");
}

void tarn_schema_parse_fields(struct tarn_json *json, const struct tarn_field **fields, size_t *n_fields)
{
	struct tarn_field *items = NULL;
	size_t n = 0, capacity = 0;
	tarn_json_begin_array(json);
	while (tarn_json_next_item(json)) {
		items = tarn_grow(items, &capacity, n + 1, sizeof(*items));
		parse_field(json, &items[n++]);
	}
	*fields = tarn_arena_copy(json->arena, items, n * sizeof(*items));
	*n_fields = n;
	free(items);
}
