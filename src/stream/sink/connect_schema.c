#include "stream/sink/connect_schema.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_text.h"
#include "serialize/avro/schema.h"

#define OWN "io.confluent.connect.avro."
#define DEFAULT_NAME OWN "ConnectDefault"
#define LOGICAL "org.apache.kafka.connect.data."

enum { MAX_PARAMETERS = 4096 };

/* A type's connect.parameters in the order in which Connect collects them. */
struct parameters {
	struct {
		const char *key, *value;
	} * all;
	size_t n, cap;
};

struct rewriting {
	const struct tarn_connect_options *options;
	struct tarn_arena arena;
	struct tarn_buf *out;
	struct tarn_err *err;
	json_t *types; /* full name as written -> its definition, borrowed */
	json_t *names; /* full name as written -> full name in the output */
	int unnamed;
};

/* Where a type stands: what surrounds it decides how it is written. */
struct place {
	const char *space;	     /* namespace of the record around it; "" for none */
	const json_t *field_default; /* of the field that has this very type, or NULL */
	int32_t version;	     /* for the root */
};

static enum tarn_rc put_type(struct rewriting *work, const json_t *type, const struct place *place);

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static enum tarn_rc refuse(struct rewriting *work, const char *what)
{
	return tarn_fail(work->err, TARN_EINVALID, "schema: %s", what);
}

static void add_parameter(struct parameters *list, const char *key, const char *value)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->all[i].key, key)) {
			list->all[i].value = value;
			return;
		}
	if (list->n == MAX_PARAMETERS)
		return;
	list->all = tarn_grow(list->all, &list->cap, list->n + 1, sizeof(*list->all));
	list->all[list->n].key = key;
	list->all[list->n++].value = value;
}

/* ---- names ---- */

static const char *full_name(struct rewriting *work, const char *name, const char *space)
{
	if (strchr(name, '.') || !*space)
		return tarn_arena_strdup(&work->arena, name);
	return tarn_arena_printf(&work->arena, "%s.%s", space, name);
}

static const char *space_of(struct rewriting *work, const char *full)
{
	const char *dot = strrchr(full, '.');
	return dot ? tarn_arena_strndup(&work->arena, full, (size_t)(dot - full)) : "";
}

static const char *last_part(const char *full)
{
	const char *dot = strrchr(full, '.');
	return dot ? dot + 1 : full;
}

/* The written full name of a definition. */
static const char *defined_name(struct rewriting *work, const json_t *type, const char *space)
{
	const char *name = text_at(type, "name"), *own = text_at(type, "namespace");
	return full_name(work, name ? name : "", own ? own : space);
}

/* Finds what a name in this namespace means; NULL for one that is unknown (or a primitive type). */
static const json_t *find_type(struct rewriting *work, const char *name, const char *space, const char **full)
{
	*full = full_name(work, name, space);
	const json_t *found = json_object_get(work->types, *full);
	if (found)
		return found;
	*full = name;
	return json_object_get(work->types, name);
}

static const char *primitive_of(const char *name)
{
	static const char *const primitives[] = {
		"null", "boolean", "int", "long", "float", "double", "bytes", "string"
	};
	for (size_t i = 0; name && i < sizeof(primitives) / sizeof(*primitives); i++)
		if (!strcmp(name, primitives[i]))
			return primitives[i];
	return NULL;
}

/* ---- defaults ---- */

static void put_json(struct rewriting *work, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	tarn_buf_add_str(work->out, text);
	free(text);
}

static void put_float(struct tarn_buf *out, double value)
{
	char text[32];
	for (int digits = 1; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtof(text, NULL) == (float)value)
			break;
	}
	tarn_json_put_double(out, strtod(text, NULL), tarn_format_double_java);
}

/* What a type is called at its heart: "record", "int"; *definition is its object (NULL for a bare primitive). */
static const char *kind_of(struct rewriting *work, const json_t *type, const char *space, const json_t **definition)
{
	const char *full;
	*definition = json_is_object(type) ? type : NULL;
	if (json_is_array(type))
		return "union";
	const char *name = json_is_object(type) ? text_at(type, "type") : json_string_value(type);
	if (json_is_object(type) && !name)
		return kind_of(work, json_object_get(type, "type"), space, definition);
	if (!json_is_object(type) && name && !primitive_of(name)) {
		*definition = find_type(work, name, space, &full);
		name = *definition ? text_at(*definition, "type") : NULL;
	}
	return name ? name : "";
}

/* A default as Java writes it once it was read into the type. */
static void put_default(struct rewriting *work, const json_t *type, const char *space, const json_t *value)
{
	const json_t *definition, *item;
	const char *kind = kind_of(work, type, space, &definition), *key;
	if (!strcmp(kind, "double") && json_is_number(value)) {
		tarn_json_put_double(work->out, json_number_value(value), tarn_format_double_java);
	} else if (!strcmp(kind, "float") && json_is_number(value)) {
		put_float(work->out, json_number_value(value));
	} else if (!strcmp(kind, "union") && json_array_size(type) && !json_is_null(value)) {
		put_default(work, json_array_get(type, 0), space, value);
	} else if (!strcmp(kind, "array") && json_is_array(value)) {
		tarn_buf_add_byte(work->out, '[');
		for (size_t i = 0; i < json_array_size(value); i++) {
			tarn_buf_add_str(work->out, i ? "," : "");
			put_default(work, json_object_get(definition, "items"), space, json_array_get(value, i));
		}
		tarn_buf_add_byte(work->out, ']');
	} else if (!strcmp(kind, "map") && json_is_object(value)) {
		bool first = true;
		tarn_buf_add_byte(work->out, '{');
		json_object_foreach((json_t *)value, key, item)
		{
			tarn_buf_add_str(work->out, first ? "" : ",");
			tarn_json_put_str(work->out, key);
			tarn_buf_add_byte(work->out, ':');
			put_default(work, json_object_get(definition, "values"), space, item);
			first = false;
		}
		tarn_buf_add_byte(work->out, '}');
	} else {
		put_json(work, value);
	}
}

/* ---- what Connect adds to a type ---- */

static void put_parameters(struct rewriting *work, const struct parameters *list)
{
	tarn_buf_add_str(work->out, ",\"connect.parameters\":{");
	for (size_t i = 0; i < list->n; i++) {
		tarn_buf_add_str(work->out, i ? "," : "");
		tarn_json_put_str(work->out, list->all[i].key);
		tarn_buf_add_byte(work->out, ':');
		tarn_json_put_str(work->out, list->all[i].value);
	}
	tarn_buf_add_byte(work->out, '}');
}

static void put_pair(struct rewriting *work, const char *key, const char *value)
{
	tarn_buf_printf(work->out, ",\"%s\":", key);
	tarn_json_put_str(work->out, value);
}

/* Attributes that are kept by their name: connect.parameters (already texts) and all that begin with "avro". */
static void collect_kept(struct parameters *list, const json_t *type)
{
	const char *key;
	json_t *value;
	json_object_foreach(json_object_get(type, "connect.parameters"), key, value)
	{
		if (json_is_string(value))
			add_parameter(list, key, json_string_value(value));
	}
	json_object_foreach((json_t *)type, key, value)
	{
		if (!strncmp(key, "avro", 4) && json_is_string(value))
			add_parameter(list, key, json_string_value(value));
	}
}

struct attributes {
	struct parameters parameters;
	const char *name;    /* connect.name, or NULL */
	const char *logical; /* logicalType of the output, or NULL */
	int32_t version;     /* 0: none */
};

static void put_meta_data(struct rewriting *work, const json_t *type, const struct place *place,
			  const struct attributes *attributes)
{
	const char *doc = text_at(type, "connect.doc");
	const json_t *otherwise = json_object_get(type, "connect.default");
	if (doc)
		put_pair(work, "connect.doc", doc);
	if (attributes->version > 0)
		tarn_buf_printf(work->out, ",\"connect.version\":%d", attributes->version);
	if (attributes->parameters.n)
		put_parameters(work, &attributes->parameters);
	if (otherwise) {
		tarn_buf_add_str(work->out, ",\"connect.default\":");
		put_default(work, type, place->space, place->field_default ? place->field_default : otherwise);
	}
	if (attributes->name)
		put_pair(work, "connect.name", attributes->name);
	if (text_at(type, "connect.type"))
		put_pair(work, "connect.type", text_at(type, "connect.type"));
}

static void put_attributes(struct rewriting *work, const json_t *type, const struct place *place,
			   struct attributes *attributes)
{
	collect_kept(&attributes->parameters, type);
	const json_t *version = json_object_get(type, "connect.version");
	if (json_is_integer(version))
		attributes->version = (int32_t)json_integer_value(version);
	if (work->options->meta_data)
		put_meta_data(work, type, place, attributes);
	if (attributes->logical)
		put_pair(work, "logicalType", attributes->logical);
	for (size_t i = 0; i < attributes->parameters.n; i++)
		if (!strncmp(attributes->parameters.all[i].key, "avro", 4))
			put_pair(work, attributes->parameters.all[i].key, attributes->parameters.all[i].value);
	free(attributes->parameters.all);
}

static struct attributes attributes_of(const struct place *place)
{
	return (struct attributes){ .version = place->version };
}

/* ---- types ---- */

/* "date" of an int, "timestamp-millis" of a long: the logical types that Connect has. */
static void find_logical(const char *kind, const json_t *type, struct attributes *attributes)
{
	static const struct {
		const char *kind, *logical, *name;
	} known[] = {
		{ "int", "date", LOGICAL "Date" },
		{ "int", "time-millis", LOGICAL "Time" },
		{ "long", "timestamp-millis", LOGICAL "Timestamp" },
		{ "bytes", "decimal", LOGICAL "Decimal" },
		{ "fixed", "decimal", LOGICAL "Decimal" },
	};
	const char *logical = text_at(type, "logicalType");
	for (size_t i = 0; logical && i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(known[i].kind, kind) || strcmp(known[i].logical, logical))
			continue;
		attributes->logical = logical;
		attributes->name = known[i].name;
		attributes->version = 1;
	}
}

static void put_decimal(struct rewriting *work, const json_t *type, struct attributes *attributes)
{
	int scale = (int)json_integer_value(json_object_get(type, "scale"));
	const json_t *given = json_object_get(type, "precision");
	int precision = json_is_integer(given) ? (int)json_integer_value(given) : 64;
	add_parameter(&attributes->parameters, "scale", tarn_arena_printf(&work->arena, "%d", scale));
	if (precision != 64)
		add_parameter(&attributes->parameters, "connect.decimal.precision",
			      tarn_arena_printf(&work->arena, "%d", precision));
	tarn_buf_printf(work->out, ",\"scale\":%d,\"precision\":%d", scale, precision);
}

static enum tarn_rc put_primitive(struct rewriting *work, const char *kind, const json_t *type,
				  const struct place *place)
{
	struct attributes attributes = attributes_of(place);
	if (!strcmp(kind, "null"))
		return refuse(work, "a null outside of a union");
	tarn_buf_printf(work->out, "{\"type\":\"%s\"", kind);
	size_t bare = work->out->len;
	if (json_is_object(type))
		find_logical(kind, type, &attributes);
	if (text_at(type, "connect.name"))
		attributes.name = text_at(type, "connect.name");
	if (attributes.logical && !strcmp(attributes.logical, "decimal"))
		put_decimal(work, type, &attributes);
	put_attributes(work, type, place, &attributes);
	if (work->out->len > bare || work->out->overflow) {
		tarn_buf_add_byte(work->out, '}');
		return TARN_OK;
	}
	work->out->len = bare - strlen("{\"type\":\"\"") - strlen(kind);
	tarn_buf_printf(work->out, "\"%s\"", kind);
	return TARN_OK;
}

static enum tarn_rc put_collection(struct rewriting *work, const char *kind, const json_t *type,
				   const struct place *place)
{
	const char *key = !strcmp(kind, "array") ? "items" : "values";
	struct attributes attributes = attributes_of(place);
	struct place inside = { .space = place->space };
	tarn_buf_printf(work->out, "{\"type\":\"%s\",\"%s\":", kind, key);
	enum tarn_rc rc = put_type(work, json_object_get(type, key), &inside);
	attributes.name = text_at(type, "connect.name");
	put_attributes(work, type, place, &attributes);
	tarn_buf_add_byte(work->out, '}');
	return rc;
}

/* Opens a named type: {"type":..,"name":..[,"namespace":..]; returns its full name in the output. */
static const char *open_named(struct rewriting *work, const char *kind, const json_t *type, const struct place *place,
			      struct attributes *attributes)
{
	const char *written = defined_name(work, type, place->space), *own = text_at(type, "connect.name");
	const char *full = own ? own : written;
	if (attributes->name) /* a decimal: Connect's name takes the place of the type's */
		full = attributes->name;
	if (!strncmp(full, DEFAULT_NAME, strlen(DEFAULT_NAME)))
		full = ++work->unnamed > 1 ? tarn_arena_printf(&work->arena, DEFAULT_NAME "%d", work->unnamed)
					   : DEFAULT_NAME;
	else
		attributes->name = full;
	json_object_set_new(work->types, written, json_incref((json_t *)type));
	json_object_set_new(work->names, written, json_string(full));
	tarn_buf_printf(work->out, "{\"type\":\"%s\",\"name\":", kind);
	tarn_json_put_str(work->out, last_part(full));
	if (strcmp(space_of(work, full), place->space))
		put_pair(work, "namespace", space_of(work, full));
	return full;
}

static enum tarn_rc put_enum(struct rewriting *work, const json_t *type, const struct place *place)
{
	struct attributes attributes = attributes_of(place);
	const char *written = defined_name(work, type, place->space);
	const char *doc = text_at(type, "doc"), *otherwise = text_at(type, "default");
	const char *name = last_part(written);
	open_named(work, "enum", type, place, &attributes);
	if (doc) {
		add_parameter(&attributes.parameters, tarn_arena_printf(&work->arena, OWN "enum.doc.%s", name), doc);
		put_pair(work, "doc", doc);
	}
	if (otherwise)
		add_parameter(&attributes.parameters, tarn_arena_printf(&work->arena, OWN "enum.default.%s", name),
			      otherwise);
	add_parameter(&attributes.parameters, OWN "Enum", written);
	const json_t *symbols = json_object_get(type, "symbols");
	tarn_buf_add_str(work->out, ",\"symbols\":[");
	for (size_t i = 0; i < json_array_size(symbols); i++) {
		const char *symbol = json_string_value(json_array_get(symbols, i));
		tarn_buf_add_str(work->out, i ? "," : "");
		tarn_json_put_str(work->out, symbol ? symbol : "");
		add_parameter(&attributes.parameters, tarn_arena_printf(&work->arena, OWN "Enum.%s", symbol), symbol);
	}
	tarn_buf_add_byte(work->out, ']');
	if (otherwise)
		put_pair(work, "default", otherwise);
	put_attributes(work, type, place, &attributes);
	tarn_buf_add_byte(work->out, '}');
	return TARN_OK;
}

static enum tarn_rc put_fixed(struct rewriting *work, const json_t *type, const struct place *place)
{
	struct attributes attributes = attributes_of(place);
	int size = (int)json_integer_value(json_object_get(type, "size"));
	find_logical("fixed", type, &attributes);
	open_named(work, "fixed", type, place, &attributes);
	tarn_buf_printf(work->out, ",\"size\":%d", size);
	if (attributes.logical)
		put_decimal(work, type, &attributes);
	add_parameter(&attributes.parameters, "connect.fixed.size", tarn_arena_printf(&work->arena, "%d", size));
	put_attributes(work, type, place, &attributes);
	tarn_buf_add_byte(work->out, '}');
	return TARN_OK;
}

/* The member beside null where a union is nothing but optional, or the only one; else NULL. */
static const json_t *simple_member(const json_t *type)
{
	size_t n = json_array_size(type);
	const json_t *first = json_array_get(type, 0), *second = json_array_get(type, 1);
	const char *a = json_string_value(first), *b = json_string_value(second);
	if (n == 1)
		return first;
	if (n == 2 && a && !strcmp(a, "null"))
		return second;
	return n == 2 && b && !strcmp(b, "null") ? first : NULL;
}

static bool has_null(const json_t *type)
{
	for (size_t i = 0; i < json_array_size(type); i++) {
		const char *name = json_string_value(json_array_get(type, i));
		if (name && !strcmp(name, "null"))
			return true;
	}
	return false;
}

/* The default that an optional type brings along by itself, or NULL. */
static const json_t *own_default(const json_t *member)
{
	return json_object_get(member, "connect.default");
}

static enum tarn_rc put_union(struct rewriting *work, const json_t *type, const struct place *place)
{
	const json_t *member = simple_member(type);
	struct place inside = { .space = place->space };
	if (member && json_array_size(type) == 1)
		return put_type(work, member, &(struct place){ .space = place->space });
	bool null_last = member && own_default(member);
	tarn_buf_add_byte(work->out, '[');
	bool first = true;
	if (has_null(type) && !null_last) {
		tarn_buf_add_str(work->out, "\"null\"");
		first = false;
	}
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < json_array_size(type); i++) {
		const json_t *branch = json_array_get(type, i);
		const char *name = json_string_value(branch);
		if (name && !strcmp(name, "null"))
			continue;
		tarn_buf_add_str(work->out, first ? "" : ",");
		rc = put_type(work, branch, &inside);
		first = false;
	}
	tarn_buf_add_str(work->out, null_last ? ",\"null\"]" : "]");
	return rc;
}

static void put_field_default(struct rewriting *work, const json_t *field, const json_t *type, const char *space)
{
	const json_t *given = json_object_get(field, "default"), *definition;
	if (json_is_array(type)) {
		const json_t *member = simple_member(type);
		const json_t *first = json_array_get(type, 0);
		bool plain_first = !json_is_string(first) || strcmp(json_string_value(first), "null");
		if (member)
			given = own_default(member);
		else if (!plain_first || json_is_null(given))
			given = NULL;
		if (!given && json_array_size(type) > 1 && has_null(type)) {
			tarn_buf_add_str(work->out, ",\"default\":null");
			return;
		}
		type = member ? member : type;
	} else if (!given) {
		kind_of(work, type, space, &definition);
		given = own_default(definition);
	}
	if (!given || json_is_null(given))
		return;
	tarn_buf_add_str(work->out, ",\"default\":");
	put_default(work, type, space, given);
}

static enum tarn_rc put_field(struct rewriting *work, const json_t *field, const char *space)
{
	const char *name = text_at(field, "name"), *doc = text_at(field, "doc");
	const json_t *type = json_object_get(field, "type");
	struct place place = { .space = space };
	if (!json_is_array(type))
		place.field_default = json_object_get(field, "default");
	tarn_buf_add_str(work->out, "{\"name\":");
	tarn_json_put_str(work->out, name ? name : "");
	tarn_buf_add_str(work->out, ",\"type\":");
	enum tarn_rc rc = put_type(work, type, &place);
	if (doc)
		put_pair(work, "doc", doc);
	put_field_default(work, field, type, space);
	tarn_buf_add_byte(work->out, '}');
	return rc;
}

static enum tarn_rc put_record(struct rewriting *work, const json_t *type, const struct place *place)
{
	struct attributes attributes = attributes_of(place);
	const json_t *fields = json_object_get(type, "fields");
	const char *doc = text_at(type, "doc"), *full = open_named(work, "record", type, place, &attributes);
	const char *space = space_of(work, full);
	if (doc) {
		put_pair(work, "doc", doc);
		add_parameter(&attributes.parameters, OWN "record.doc", doc);
	}
	tarn_buf_add_str(work->out, ",\"fields\":[");
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i);
		const char *field_doc = text_at(field, "doc"), *name = text_at(field, "name");
		if (field_doc)
			add_parameter(&attributes.parameters, tarn_arena_printf(&work->arena, OWN "field.doc.%s", name),
				      field_doc);
		tarn_buf_add_str(work->out, i ? "," : "");
		rc = put_field(work, field, space);
	}
	tarn_buf_add_byte(work->out, ']');
	put_attributes(work, type, place, &attributes);
	tarn_buf_add_byte(work->out, '}');
	return rc;
}

static enum tarn_rc put_reference(struct rewriting *work, const char *name, const struct place *place)
{
	const char *full;
	if (!find_type(work, name, place->space, &full))
		return refuse(work, "a name that is not defined");
	const char *written = text_at(work->names, full);
	const char *space = space_of(work, written);
	tarn_json_put_str(work->out, !strcmp(space, place->space) ? last_part(written) : written);
	return TARN_OK;
}

static enum tarn_rc put_type(struct rewriting *work, const json_t *type, const struct place *place)
{
	if (json_is_array(type))
		return put_union(work, type, place);
	const char *kind = json_is_object(type) ? text_at(type, "type") : json_string_value(type);
	if (!kind)
		return put_type(work, json_object_get(type, "type"), place);
	if (primitive_of(kind))
		return put_primitive(work, kind, type, place);
	if (!json_is_object(type))
		return put_reference(work, kind, place);
	if (!strcmp(kind, "array") || !strcmp(kind, "map"))
		return put_collection(work, kind, type, place);
	if (!strcmp(kind, "enum"))
		return put_enum(work, type, place);
	if (!strcmp(kind, "fixed"))
		return put_fixed(work, type, place);
	if (!strcmp(kind, "record") || !strcmp(kind, "error"))
		return put_record(work, type, place);
	return put_reference(work, kind, place);
}

enum tarn_rc tarn_connect_schema(struct tarn_slice registered, const struct tarn_connect_options *options,
				 struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_avro_schema *checked; /* so that nothing below has to ask whether a part is there */
	enum tarn_rc rc = tarn_avro_schema_parse(registered, &checked, err);
	if (rc)
		return rc;
	tarn_avro_schema_free(checked);
	json_t *root = json_loadb((const char *)registered.data, registered.len, JSON_DECODE_ANY, NULL);
	struct rewriting work = {
		.options = options, .out = out, .err = err, .types = json_object(), .names = json_object()
	};
	struct place place = { .space = "", .version = options->version };
	size_t start = out->len;
	tarn_arena_init(&work.arena);
	rc = root ? put_type(&work, root, &place) : refuse(&work, "no JSON");
	if (rc)
		out->len = start;
	json_decref(work.types);
	json_decref(work.names);
	json_decref(root);
	tarn_arena_release(&work.arena);
	return rc;
}
