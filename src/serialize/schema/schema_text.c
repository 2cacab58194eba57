#include "serialize/schema/schema_text.h"

#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/json_text.h"
#include "base/json_tree.h"
#include "serialize/avro/node.h"

/* A named type: where it is defined, and the namespace around that place. */
struct definition {
	const struct tarn_json_value *json;
	const char *full_name, *space;
	bool written;
};

struct writer {
	enum tarn_schema_form form;
	struct tarn_buf *out;
	struct tarn_arena arena;
	struct definition *definitions;
	size_t n, capacity;
	struct tarn_avro_names names; /* full names, at their positions in definitions */
};

/* ---- names ---- */

static const char *space_of(struct writer *w, const char *full_name)
{
	const char *last = tarn_avro_last_part(full_name);
	return last == full_name ? "" : tarn_arena_strndup(&w->arena, full_name, (size_t)(last - full_name) - 1);
}

static const char *join(struct writer *w, const char *space, const char *name)
{
	return *space && !strchr(name, '.') ? tarn_avro_join(&w->arena, space, name) : name;
}

static const char *defined_name(struct writer *w, const struct tarn_json_value *json, const char *space)
{
	const char *given = tarn_json_get_text(json, "namespace");
	return join(w, given ? given : space, tarn_json_get_text(json, "name"));
}

static struct definition *find(struct writer *w, const char *name, const char *space)
{
	int32_t position = tarn_avro_names_find(&w->names, join(w, space, name));
	if (position < 0)
		position = tarn_avro_names_find(&w->names, name);
	return position < 0 ? NULL : &w->definitions[position];
}

static const char *const reserved_names[] = { "null",	"boolean", "int",  "long",  "float", "double", "bytes",
					      "string", "record",  "enum", "array", "map",   "union",  "fixed" };

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}
#define IS_ONE_OF(name, names) is_one_of(name, names, sizeof(names) / sizeof(*(names)))

/* The shortest form of a full name that means the same inside `shown`. */
static void put_name(struct writer *w, const char *full_name, const char *shown)
{
	const char *last = tarn_avro_last_part(full_name);
	bool is_short =
		last == full_name || (strlen(shown) == (size_t)(last - full_name) - 1 &&
				      !strncmp(shown, full_name, strlen(shown)) && !IS_ONE_OF(last, reserved_names));
	tarn_json_put_str(w->out, is_short ? last : full_name);
}

/* ---- which types there are ---- */

static bool is_primitive(const char *name)
{
	return is_one_of(name, reserved_names, TARN_AVRO_STRING + 1);
}

static const char *const defining[] = { "record", "error", "enum", "fixed" };

static bool is_record(const char *type)
{
	return !strcmp(type, "record") || !strcmp(type, "error");
}

static void collect(struct writer *w, const struct tarn_json_value *json, const char *space)
{
	for (size_t i = 0; tarn_json_is_kind(json, TARN_JSON_ARRAY) && i < json->n; i++)
		collect(w, &json->items[i], space);
	if (!tarn_json_is_kind(json, TARN_JSON_OBJECT))
		return;
	const char *type = tarn_json_get_text(json, "type");
	if (!type) {
		collect(w, tarn_json_get(json, "type"), space);
		return;
	}
	if (!strcmp(type, "array"))
		collect(w, tarn_json_get(json, "items"), space);
	if (!strcmp(type, "map"))
		collect(w, tarn_json_get(json, "values"), space);
	if (!IS_ONE_OF(type, defining))
		return;
	const char *full_name = defined_name(w, json, space);
	w->definitions = tarn_grow(w->definitions, &w->capacity, w->n + 1, sizeof(*w->definitions));
	w->definitions[w->n] = (struct definition){ json, full_name, space, false };
	tarn_avro_names_add(&w->names, &w->arena, full_name);
	w->n++;
	const char *inner = space_of(w, full_name);
	if (!is_record(type))
		return;
	const struct tarn_json_value *fields = tarn_json_get(json, "fields");
	for (size_t i = 0; i < fields->n; i++)
		collect(w, tarn_json_get(&fields->items[i], "type"), inner);
}

/* ---- values ---- */

static void put_key(struct writer *w, const char *key)
{
	if (w->out->len && w->out->data[w->out->len - 1] != '{')
		tarn_buf_add_byte(w->out, ',');
	tarn_json_put_str(w->out, key);
	tarn_buf_add_byte(w->out, ':');
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_members(const void *a, const void *b)
{
	return strcmp(((const struct tarn_json_member *)a)->key, ((const struct tarn_json_member *)b)->key);
}

/* The members of an object, in the order in which they are to be written. */
static const struct tarn_json_member *members_of(struct writer *w, const struct tarn_json_value *json)
{
	if (w->form != TARN_SCHEMA_NORMALIZED)
		return json->members;
	struct tarn_json_member *members = tarn_arena_copy(&w->arena, json->members, json->n * sizeof(*members));
	qsort(members, json->n, sizeof(*members), compare_members);
	return members;
}

static void put_value(struct writer *w, const struct tarn_json_value *json)
{
	switch (json->kind) {
	case TARN_JSON_OBJECT: {
		const struct tarn_json_member *members = members_of(w, json);
		tarn_buf_add_byte(w->out, '{');
		for (size_t i = 0; i < json->n; i++) {
			put_key(w, members[i].key);
			put_value(w, &members[i].value);
		}
		tarn_buf_add_byte(w->out, '}');
		return;
	}
	case TARN_JSON_ARRAY:
		tarn_buf_add_byte(w->out, '[');
		for (size_t i = 0; i < json->n; i++) {
			if (i)
				tarn_buf_add_byte(w->out, ',');
			put_value(w, &json->items[i]);
		}
		tarn_buf_add_byte(w->out, ']');
		return;
	case TARN_JSON_STRING: tarn_json_put_string(w->out, tarn_slice_of(json->text, json->n)); return;
	case TARN_JSON_INTEGER: tarn_json_put_int(w->out, json->integer); return;
	case TARN_JSON_REAL: tarn_json_put_double(w->out, json->real, tarn_format_double_java); return;
	case TARN_JSON_TRUE: tarn_buf_add_str(w->out, "true"); return;
	case TARN_JSON_FALSE: tarn_buf_add_str(w->out, "false"); return;
	case TARN_JSON_NULL: tarn_buf_add_str(w->out, "null"); return;
	}
}

/* ---- attributes ---- */

static const char *const of_types[] = { "doc",	"fields",  "items",  "name", "namespace",
					"size", "symbols", "values", "type", "aliases" };
static const char *const of_enums[] = { "doc",	   "fields", "items", "name",	 "namespace", "size",
					"symbols", "values", "type",  "aliases", "default" };
static const char *const of_fields[] = { "default", "doc", "name", "order", "type", "aliases" };

/* Attributes that Avro does not know, and those of logical types. */
static void put_others(struct writer *w, const struct tarn_json_value *json, const char *const *known, size_t n_known)
{
	static const char *const logical[] = { "logicalType", "precision", "scale" };
	bool first_logical = w->form == TARN_SCHEMA_NORMALIZED && tarn_json_get(json, "logicalType");
	for (size_t i = 0; first_logical && i < 3; i++) {
		const struct tarn_json_value *value = tarn_json_get(json, logical[i]);
		if (value && !(i == 2 && value->kind == TARN_JSON_INTEGER && !value->integer)) {
			put_key(w, logical[i]);
			put_value(w, value);
		}
	}
	const struct tarn_json_member *members = members_of(w, json);
	for (size_t i = 0; i < json->n; i++) {
		const char *key = members[i].key;
		if (is_one_of(key, known, n_known) || (first_logical && IS_ONE_OF(key, logical)))
			continue;
		put_key(w, key);
		put_value(w, &members[i].value);
	}
}
#define PUT_OTHERS(w, json, known) put_others(w, json, known, sizeof(known) / sizeof(*(known)))

static void put_doc(struct writer *w, const struct tarn_json_value *json)
{
	const struct tarn_json_value *doc = tarn_json_get(json, "doc");
	if (!tarn_json_is_kind(doc, TARN_JSON_STRING) || (w->form == TARN_SCHEMA_NORMALIZED && !doc->n))
		return;
	put_key(w, "doc");
	put_value(w, doc);
}

/* `space`: that of the type whose aliases they are; NULL for a field's. Each is said once. */
static void put_aliases(struct writer *w, const struct tarn_json_value *json, const char *space)
{
	const struct tarn_json_value *list = tarn_json_get(json, "aliases");
	size_t n = tarn_json_is_kind(list, TARN_JSON_ARRAY) ? list->n : 0, kept = 0;
	if (!n)
		return;
	const char **names = tarn_arena_alloc(&w->arena, n * sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		const char *name = list->items[i].text;
		names[kept] = space ? join(w, space, name) : name;
		kept += !is_one_of(names[kept], names, kept);
	}
	if (w->form == TARN_SCHEMA_NORMALIZED)
		qsort(names, kept, sizeof(*names), compare_names);
	put_key(w, "aliases");
	for (size_t i = 0; i < kept; i++) {
		tarn_buf_add_byte(w->out, i ? ',' : '[');
		put_name(w, names[i], space ? space : "");
	}
	tarn_buf_add_byte(w->out, ']');
}

/* ---- types ---- */

static void put_type(struct writer *w, const struct tarn_json_value *json, const char *space, const char *shown);

static bool is_type(const struct tarn_json_value *json, const char *a, const char *b)
{
	const char *name =
		tarn_json_is_kind(json, TARN_JSON_OBJECT) ? tarn_json_get_text(json, "type") : tarn_json_text(json);
	return name && (!strcmp(name, a) || !strcmp(name, b));
}

/* A whole number that stands for a float is one in normal form. */
static void put_default(struct writer *w, const struct tarn_json_value *value, const struct tarn_json_value *type)
{
	if (w->form == TARN_SCHEMA_NORMALIZED && tarn_json_is_kind(value, TARN_JSON_INTEGER) &&
	    is_type(type, "double", "float"))
		tarn_json_put_double(w->out, (double)value->integer, tarn_format_double_java);
	else
		put_value(w, value);
}

static void put_field(struct writer *w, const struct tarn_json_value *field, const char *space)
{
	const struct tarn_json_value *value = tarn_json_get(field, "default"), *type = tarn_json_get(field, "type");
	const char *order = tarn_json_get_text(field, "order");
	tarn_buf_add_byte(w->out, '{');
	put_key(w, "name");
	tarn_json_put_str(w->out, tarn_json_get_text(field, "name"));
	put_key(w, "type");
	put_type(w, type, space, space);
	if (tarn_json_is_kind(tarn_json_get(field, "doc"), TARN_JSON_STRING)) {
		put_key(w, "doc");
		put_value(w, tarn_json_get(field, "doc"));
	}
	if (value) {
		put_key(w, "default");
		put_default(w, value, type);
	}
	if (order && strcasecmp(order, "ascending")) {
		put_key(w, "order");
		tarn_json_put_str(w->out, order);
	}
	put_aliases(w, field, NULL);
	PUT_OTHERS(w, field, of_fields);
	tarn_buf_add_byte(w->out, '}');
}

static void put_fields(struct writer *w, const struct tarn_json_value *fields, const char *space)
{
	put_key(w, "fields");
	tarn_buf_add_byte(w->out, '[');
	for (size_t i = 0; i < fields->n; i++) {
		if (i)
			tarn_buf_add_byte(w->out, ',');
		put_field(w, &fields->items[i], space);
	}
	tarn_buf_add_byte(w->out, ']');
}

static void put_definition(struct writer *w, struct definition *named, const char *shown)
{
	const struct tarn_json_value *json = named->json;
	const char *type = tarn_json_get_text(json, "type"), *space = space_of(w, named->full_name);
	bool is_enum = !strcmp(type, "enum");
	named->written = true;
	tarn_buf_add_byte(w->out, '{');
	put_key(w, "type");
	tarn_json_put_str(w->out, type);
	put_key(w, "name");
	tarn_json_put_str(w->out, tarn_avro_last_part(named->full_name));
	if (strcmp(space, shown)) {
		put_key(w, "namespace");
		tarn_json_put_str(w->out, space);
	}
	put_doc(w, json);
	if (is_record(type))
		put_fields(w, tarn_json_get(json, "fields"), space);
	if (!is_record(type)) {
		const char *own = is_enum ? "symbols" : "size";
		put_key(w, own);
		put_value(w, tarn_json_get(json, own));
	}
	if (is_enum && tarn_json_get(json, "default")) {
		put_key(w, "default");
		put_value(w, tarn_json_get(json, "default"));
	}
	if (is_enum)
		PUT_OTHERS(w, json, of_enums);
	else
		PUT_OTHERS(w, json, of_types);
	put_aliases(w, json, space);
	tarn_buf_add_byte(w->out, '}');
}

static void put_named(struct writer *w, const char *name, const char *space, const char *shown)
{
	struct definition *found = find(w, name, space);
	if (!found->written)
		put_definition(w, found, shown);
	else
		put_name(w, found->full_name, shown);
}

static bool has_others(const struct tarn_json_value *json)
{
	for (size_t i = 0; i < json->n; i++)
		if (!IS_ONE_OF(json->members[i].key, of_types))
			return true;
	return false;
}

static void put_object(struct writer *w, const struct tarn_json_value *json, const char *space, const char *shown)
{
	const char *type = tarn_json_get_text(json, "type");
	bool is_array = type && !strcmp(type, "array"), is_map = type && !strcmp(type, "map");
	if (!type)
		put_type(w, tarn_json_get(json, "type"), space, shown);
	else if (IS_ONE_OF(type, defining))
		put_named(w, defined_name(w, json, space), "", shown);
	else if (!is_array && !is_map && !is_primitive(type))
		put_named(w, type, space, shown);
	else if (!is_array && !is_map && !has_others(json))
		tarn_json_put_str(w->out, type);
	else {
		tarn_buf_add_byte(w->out, '{');
		put_key(w, "type");
		tarn_json_put_str(w->out, type);
		if (is_array || is_map) {
			const char *key = is_array ? "items" : "values";
			put_key(w, key);
			put_type(w, tarn_json_get(json, key), space, shown);
		}
		PUT_OTHERS(w, json, of_types);
		tarn_buf_add_byte(w->out, '}');
	}
}

static void put_union(struct writer *w, const struct tarn_json_value *json, const char *space, const char *shown)
{
	tarn_buf_add_byte(w->out, '[');
	for (size_t i = 0; i < json->n; i++) {
		if (i)
			tarn_buf_add_byte(w->out, ',');
		put_type(w, &json->items[i], space, shown);
	}
	tarn_buf_add_byte(w->out, ']');
}

/* `space` is the namespace in which the JSON stands, `shown` the one in which the text will be read. */
static void put_type(struct writer *w, const struct tarn_json_value *json, const char *space, const char *shown)
{
	const char *name = tarn_json_text(json);
	if (tarn_json_is_kind(json, TARN_JSON_ARRAY))
		put_union(w, json, space, shown);
	else if (!name)
		put_object(w, json, space, shown);
	else if (is_primitive(name))
		tarn_json_put_str(w->out, name);
	else
		put_named(w, name, space, shown);
}

void tarn_schema_put_text(const struct tarn_avro_schema *schema, enum tarn_schema_form form, struct tarn_buf *out)
{
	size_t n;
	const struct tarn_json_value *const *documents = tarn_avro_schema_documents(schema, &n);
	struct writer w = { .form = form, .out = out };
	tarn_arena_init(&w.arena);
	for (size_t i = 0; i + 1 < n; i++)
		collect(&w, documents[i], "");
	for (size_t i = 0; i < w.n; i++)
		w.definitions[i].written = form != TARN_SCHEMA_WHOLE;
	collect(&w, documents[n - 1], "");
	put_type(&w, documents[n - 1], "", "");
	free(w.definitions);
	tarn_arena_release(&w.arena);
}
