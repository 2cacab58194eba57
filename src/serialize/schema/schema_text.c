#include "serialize/schema/schema_text.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_text.h"
#include "serialize/avro/node.h"

/* A named type: where it is defined, and the namespace around that place. */
struct definition {
	const json_t *json;
	const char *full_name, *space;
	bool written;
};

struct writer {
	enum tarn_schema_form form;
	struct tarn_buf *out;
	struct tarn_arena arena;
	struct definition *definitions;
	size_t n, capacity;
	json_t *index; /* full name -> position in definitions */
};

/* ---- names ---- */

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static const char *space_of(struct writer *w, const char *full_name)
{
	const char *last = tarn_avro_last_part(full_name);
	return last == full_name ? "" : tarn_arena_strndup(&w->arena, full_name, (size_t)(last - full_name) - 1);
}

static const char *join(struct writer *w, const char *space, const char *name)
{
	return *space && !strchr(name, '.') ? tarn_arena_printf(&w->arena, "%s.%s", space, name) : name;
}

static const char *defined_name(struct writer *w, const json_t *json, const char *space)
{
	const char *given = text_of(json, "namespace");
	return join(w, given ? given : space, text_of(json, "name"));
}

static struct definition *find(struct writer *w, const char *name, const char *space)
{
	const json_t *position = json_object_get(w->index, join(w, space, name));
	if (!position)
		position = json_object_get(w->index, name);
	return position ? &w->definitions[json_integer_value(position)] : NULL;
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

static void collect(struct writer *w, const json_t *json, const char *space)
{
	size_t i;
	const json_t *part;
	json_array_foreach(json, i, part) collect(w, part, space);
	if (!json_is_object(json))
		return;
	const char *type = text_of(json, "type");
	if (!type) {
		collect(w, json_object_get(json, "type"), space);
		return;
	}
	if (!strcmp(type, "array"))
		collect(w, json_object_get(json, "items"), space);
	if (!strcmp(type, "map"))
		collect(w, json_object_get(json, "values"), space);
	if (!IS_ONE_OF(type, defining))
		return;
	const char *full_name = defined_name(w, json, space);
	w->definitions = tarn_grow(w->definitions, &w->capacity, w->n + 1, sizeof(*w->definitions));
	w->definitions[w->n] = (struct definition){ json, full_name, space, false };
	json_object_set_new(w->index, full_name, json_integer((json_int_t)w->n++));
	const char *inner = space_of(w, full_name);
	if (!is_record(type))
		return;
	json_array_foreach(json_object_get(json, "fields"), i, part) collect(w, json_object_get(part, "type"), inner);
}

/* ---- values ---- */

static void put_key(struct writer *w, const char *key)
{
	if (w->out->len && w->out->data[w->out->len - 1] != '{')
		tarn_buf_add_byte(w->out, ',');
	tarn_json_put_str(w->out, key);
	tarn_buf_add_byte(w->out, ':');
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of an object, in the order in which they are to be written; the array is the caller's. */
static const char **keys_of(const struct writer *w, const json_t *json, size_t *n)
{
	const char **keys = tarn_malloc(json_object_size(json) * sizeof(*keys)), *key;
	json_t *value;
	*n = 0;
	json_object_foreach((json_t *)(uintptr_t)json, key, value) keys[(*n)++] = key;
	if (w->form == TARN_SCHEMA_NORMALIZED)
		qsort(keys, *n, sizeof(*keys), compare_keys);
	return keys;
}

static void put_value(struct writer *w, const json_t *json)
{
	size_t n;
	switch (json_typeof(json)) {
	case JSON_OBJECT: {
		const char **keys = keys_of(w, json, &n);
		tarn_buf_add_byte(w->out, '{');
		for (size_t i = 0; i < n; i++) {
			put_key(w, keys[i]);
			put_value(w, json_object_get(json, keys[i]));
		}
		tarn_buf_add_byte(w->out, '}');
		free(keys);
		return;
	}
	case JSON_ARRAY:
		tarn_buf_add_byte(w->out, '[');
		for (size_t i = 0; i < json_array_size(json); i++) {
			if (i)
				tarn_buf_add_byte(w->out, ',');
			put_value(w, json_array_get(json, i));
		}
		tarn_buf_add_byte(w->out, ']');
		return;
	case JSON_STRING:
		tarn_json_put_string(w->out, tarn_slice_of(json_string_value(json), json_string_length(json)));
		return;
	case JSON_INTEGER: tarn_json_put_int(w->out, json_integer_value(json)); return;
	case JSON_REAL: tarn_json_put_double(w->out, json_real_value(json), tarn_format_double_java); return;
	default: tarn_buf_add_str(w->out, json_is_null(json) ? "null" : json_is_true(json) ? "true" : "false");
	}
}

/* ---- attributes ---- */

static const char *const of_types[] = { "doc",	"fields",  "items",  "name", "namespace",
					"size", "symbols", "values", "type", "aliases" };
static const char *const of_enums[] = { "doc",	   "fields", "items", "name",	 "namespace", "size",
					"symbols", "values", "type",  "aliases", "default" };
static const char *const of_fields[] = { "default", "doc", "name", "order", "type", "aliases" };

/* Attributes that Avro does not know, and those of logical types. */
static void put_others(struct writer *w, const json_t *json, const char *const *known, size_t n_known)
{
	static const char *const logical[] = { "logicalType", "precision", "scale" };
	bool first_logical = w->form == TARN_SCHEMA_NORMALIZED && json_object_get(json, "logicalType");
	for (size_t i = 0; first_logical && i < 3; i++) {
		const json_t *value = json_object_get(json, logical[i]);
		if (value && !(i == 2 && json_is_integer(value) && !json_integer_value(value))) {
			put_key(w, logical[i]);
			put_value(w, value);
		}
	}
	size_t n;
	const char **keys = keys_of(w, json, &n);
	for (size_t i = 0; i < n; i++) {
		if (is_one_of(keys[i], known, n_known) || (first_logical && IS_ONE_OF(keys[i], logical)))
			continue;
		put_key(w, keys[i]);
		put_value(w, json_object_get(json, keys[i]));
	}
	free(keys);
}
#define PUT_OTHERS(w, json, known) put_others(w, json, known, sizeof(known) / sizeof(*(known)))

static void put_doc(struct writer *w, const json_t *json)
{
	const json_t *doc = json_object_get(json, "doc");
	if (!json_is_string(doc) || (w->form == TARN_SCHEMA_NORMALIZED && !json_string_length(doc)))
		return;
	put_key(w, "doc");
	put_value(w, doc);
}

/* `space`: that of the type whose aliases they are; NULL for a field's. Each is said once. */
static void put_aliases(struct writer *w, const json_t *json, const char *space)
{
	const json_t *list = json_object_get(json, "aliases");
	size_t n = json_array_size(list), kept = 0;
	if (!n)
		return;
	const char **names = tarn_malloc(n * sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		names[kept] = space ? join(w, space, name) : name;
		kept += !is_one_of(names[kept], names, kept);
	}
	if (w->form == TARN_SCHEMA_NORMALIZED)
		qsort(names, kept, sizeof(*names), compare_keys);
	put_key(w, "aliases");
	for (size_t i = 0; i < kept; i++) {
		tarn_buf_add_byte(w->out, i ? ',' : '[');
		put_name(w, names[i], space ? space : "");
	}
	tarn_buf_add_byte(w->out, ']');
	free(names);
}

/* ---- types ---- */

static void put_type(struct writer *w, const json_t *json, const char *space, const char *shown);

static bool is_type(const json_t *json, const char *a, const char *b)
{
	const char *name = json_is_object(json) ? text_of(json, "type") : json_string_value(json);
	return name && (!strcmp(name, a) || !strcmp(name, b));
}

/* A whole number that stands for a float is one in normal form. */
static void put_default(struct writer *w, const json_t *value, const json_t *type)
{
	if (w->form == TARN_SCHEMA_NORMALIZED && json_is_integer(value) && is_type(type, "double", "float"))
		tarn_json_put_double(w->out, (double)json_integer_value(value), tarn_format_double_java);
	else
		put_value(w, value);
}

static void put_field(struct writer *w, const json_t *field, const char *space)
{
	const json_t *value = json_object_get(field, "default"), *type = json_object_get(field, "type");
	const char *order = text_of(field, "order");
	tarn_buf_add_byte(w->out, '{');
	put_key(w, "name");
	tarn_json_put_str(w->out, text_of(field, "name"));
	put_key(w, "type");
	put_type(w, type, space, space);
	if (json_is_string(json_object_get(field, "doc"))) {
		put_key(w, "doc");
		put_value(w, json_object_get(field, "doc"));
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

static void put_fields(struct writer *w, const json_t *fields, const char *space)
{
	put_key(w, "fields");
	tarn_buf_add_byte(w->out, '[');
	for (size_t i = 0; i < json_array_size(fields); i++) {
		if (i)
			tarn_buf_add_byte(w->out, ',');
		put_field(w, json_array_get(fields, i), space);
	}
	tarn_buf_add_byte(w->out, ']');
}

static void put_definition(struct writer *w, struct definition *named, const char *shown)
{
	const json_t *json = named->json;
	const char *type = text_of(json, "type"), *space = space_of(w, named->full_name);
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
		put_fields(w, json_object_get(json, "fields"), space);
	if (!is_record(type)) {
		const char *own = is_enum ? "symbols" : "size";
		put_key(w, own);
		put_value(w, json_object_get(json, own));
	}
	if (is_enum && json_object_get(json, "default")) {
		put_key(w, "default");
		put_value(w, json_object_get(json, "default"));
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

static bool has_others(const json_t *json)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)json, key, value) if (!IS_ONE_OF(key, of_types)) return true;
	return false;
}

static void put_object(struct writer *w, const json_t *json, const char *space, const char *shown)
{
	const char *type = text_of(json, "type");
	bool is_array = type && !strcmp(type, "array"), is_map = type && !strcmp(type, "map");
	if (!type)
		put_type(w, json_object_get(json, "type"), space, shown);
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
			put_type(w, json_object_get(json, key), space, shown);
		}
		PUT_OTHERS(w, json, of_types);
		tarn_buf_add_byte(w->out, '}');
	}
}

static void put_union(struct writer *w, const json_t *json, const char *space, const char *shown)
{
	tarn_buf_add_byte(w->out, '[');
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (i)
			tarn_buf_add_byte(w->out, ',');
		put_type(w, json_array_get(json, i), space, shown);
	}
	tarn_buf_add_byte(w->out, ']');
}

/* `space` is the namespace in which the JSON stands, `shown` the one in which the text will be read. */
static void put_type(struct writer *w, const json_t *json, const char *space, const char *shown)
{
	const char *name = json_string_value(json);
	if (json_is_array(json))
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
	const json_t *documents = tarn_avro_schema_documents(schema);
	struct writer w = { .form = form, .out = out, .index = json_object() };
	size_t last = json_array_size(documents) - 1;
	tarn_arena_init(&w.arena);
	for (size_t i = 0; i < last; i++)
		collect(&w, json_array_get(documents, i), "");
	for (size_t i = 0; i < w.n; i++)
		w.definitions[i].written = form != TARN_SCHEMA_WHOLE;
	collect(&w, json_array_get(documents, last), "");
	put_type(&w, json_array_get(documents, last), "", "");
	json_decref(w.index);
	free(w.definitions);
	tarn_arena_release(&w.arena);
}
