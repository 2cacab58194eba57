#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_tree.h"
#include "serialize/avro/node.h"
#include "serialize/avro/place.h"

struct tarn_avro_schema {
	struct tarn_arena arena;
	struct tarn_slice text;
	/* In the arena; names and defaults point into them. The last one is the schema, those before it what it refers
	 * to. */
	const struct tarn_json_value **documents;
	size_t n_documents;
	const struct tarn_avro_node *root;
	uint32_t n_nodes;
};

#define NOTHING UINT32_MAX

/* A named type; `open` while its own definition is being read. `indirections` is the parser's at its opening. `reaches`
 * is the outermost type that it names and that was open then, or NOTHING. */
struct named {
	struct tarn_avro_node *node;
	bool open;
	unsigned indirections;
	uint32_t reaches;
};

struct parser {
	struct tarn_avro_schema *schema;
	struct tarn_avro_names names; /* full names, at their positions in `named` */
	struct named *named;
	size_t n_named, named_capacity;
	unsigned depth;
	unsigned indirections; /* arrays, maps and unions that we are in */
	uint32_t reaches;      /* of what was read since the innermost record's opening */
	enum tarn_rc rc;
	struct tarn_err *err;
};

static const char *const type_names[] = {
	[TARN_AVRO_NULL] = "null",   [TARN_AVRO_BOOLEAN] = "boolean", [TARN_AVRO_INT] = "int",
	[TARN_AVRO_LONG] = "long",   [TARN_AVRO_FLOAT] = "float",     [TARN_AVRO_DOUBLE] = "double",
	[TARN_AVRO_BYTES] = "bytes", [TARN_AVRO_STRING] = "string",   [TARN_AVRO_RECORD] = "record",
	[TARN_AVRO_ENUM] = "enum",   [TARN_AVRO_ARRAY] = "array",     [TARN_AVRO_MAP] = "map",
	[TARN_AVRO_UNION] = "union", [TARN_AVRO_FIXED] = "fixed",
};

enum { PRIMITIVES = TARN_AVRO_STRING + 1 };

const char *tarn_avro_type_name(enum tarn_avro_type type)
{
	return type_names[type];
}

/* ---- messages ---- */

static void *fail(struct parser *p, enum tarn_rc rc, const struct tarn_avro_place *at, const char *fmt, ...)
	TARN_PRINTF(4, 5);

/* Returns NULL, so that a function that makes something can `return fail(...)`. */
static void *fail(struct parser *p, enum tarn_rc rc, const struct tarn_avro_place *at, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	p->rc = tarn_avro_fail_at_place(p->err, rc, "avro schema", at, fmt, args);
	va_end(args);
	return NULL;
}

/* ---- names ---- */

static bool is_name(const char *text, size_t len)
{
	if (!len || isdigit((unsigned char)*text))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return true;
}

/* Names separated by dots. */
static bool is_full_name(const char *text, size_t len)
{
	size_t start = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (!is_name(text + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

static const char *namespace_of(struct parser *p, const char *full_name)
{
	const char *last = tarn_avro_last_part(full_name);
	if (last == full_name)
		return "";
	return tarn_arena_strndup(&p->schema->arena, full_name, (size_t)(last - full_name) - 1);
}

static const char *full_name_of(struct parser *p, const char *name, const char *space)
{
	if (strchr(name, '.') || !*space)
		return name;
	return tarn_avro_join(&p->schema->arena, space, name);
}

/* The attribute's text; NULL (with an error) where it is no string of the given kind. */
static const char *name_attribute(struct parser *p, const struct tarn_json_value *value,
				  bool (*is_valid)(const char *, size_t), const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(value, TARN_JSON_STRING))
		return fail(p, TARN_EINVALID, at, "a name was expected");
	if (!is_valid(tarn_json_text(value), value->n))
		return fail(p, TARN_EINVALID, at, "\"%s\" is not a name", tarn_json_text(value));
	return tarn_json_text(value);
}

/* Resolves the definition's name and namespace; `space` becomes the one that the definition's inside is in. */
static const char *definition_name(struct parser *p, const struct tarn_json_value *json, const char **space,
				   const struct tarn_avro_place *at)
{
	const struct tarn_avro_place name_at = { at, "name", 0 }, space_at = { at, "namespace", 0 };
	const char *name = name_attribute(p, tarn_json_get(json, "name"), is_full_name, &name_at);
	if (!name)
		return NULL;
	const struct tarn_json_value *given = tarn_json_get(json, "namespace");
	if (given && !tarn_json_is_kind(given, TARN_JSON_NULL) && !strchr(name, '.')) {
		if (tarn_json_is_kind(given, TARN_JSON_STRING) && !given->n)
			*space = "";
		else if (!(*space = name_attribute(p, given, is_full_name, &space_at)))
			return NULL;
	}
	const char *full_name = full_name_of(p, name, *space);
	*space = namespace_of(p, full_name);
	for (size_t i = 0; i < PRIMITIVES; i++)
		if (!strcmp(full_name, type_names[i]))
			return fail(p, TARN_EINVALID, &name_at, "\"%s\" is a primitive type's name", name);
	if (tarn_avro_names_find(&p->names, full_name) >= 0)
		return fail(p, TARN_EINVALID, &name_at, "\"%s\" is defined twice", full_name);
	return full_name;
}

/* Aliases as an array of names; with `space` they are types' and made full names in it. */
static bool parse_aliases(struct parser *p, const struct tarn_json_value *json, const char *space,
			  const char *const **aliases, size_t *n_aliases, const struct tarn_avro_place *at)
{
	const struct tarn_json_value *list = tarn_json_get(json, "aliases");
	const struct tarn_avro_place list_at = { at, "aliases", 0 };
	if (!list || tarn_json_is_kind(list, TARN_JSON_NULL))
		return true;
	if (!tarn_json_is_kind(list, TARN_JSON_ARRAY))
		return fail(p, TARN_EINVALID, &list_at, "an array of names was expected");
	size_t n = list->n;
	const char **names = tarn_arena_alloc(&p->schema->arena, n * sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		const struct tarn_avro_place alias_at = { &list_at, NULL, i };
		names[i] = name_attribute(p, &list->items[i], space ? is_full_name : is_name, &alias_at);
		if (!names[i])
			return false;
		if (space)
			names[i] = full_name_of(p, names[i], space);
	}
	*aliases = names;
	*n_aliases = n;
	return true;
}

/* ---- nodes ---- */

/* Of a record and a fixed, before their parts are known. */
static const uint8_t smallest[] = {
	[TARN_AVRO_NULL] = 0,	[TARN_AVRO_BOOLEAN] = 1, [TARN_AVRO_INT] = 1,	[TARN_AVRO_LONG] = 1,
	[TARN_AVRO_FLOAT] = 4,	[TARN_AVRO_DOUBLE] = 8,	 [TARN_AVRO_BYTES] = 1, [TARN_AVRO_STRING] = 1,
	[TARN_AVRO_RECORD] = 0, [TARN_AVRO_ENUM] = 1,	 [TARN_AVRO_ARRAY] = 1, [TARN_AVRO_MAP] = 1,
	[TARN_AVRO_UNION] = 1,	[TARN_AVRO_FIXED] = 0,
};

static struct tarn_avro_node *new_node(struct parser *p, enum tarn_avro_type type)
{
	struct tarn_avro_node *node = tarn_arena_zalloc(&p->schema->arena, sizeof(*node));
	node->type = type;
	node->id = p->schema->n_nodes++;
	node->height = node->weight = 1;
	node->min_size = smallest[type];
	node->default_symbol = -1;
	return node;
}

/* Counts `part` into `whole`; false (with an error) beyond the limits. */
static bool add_part(struct parser *p, struct tarn_avro_node *whole, const struct tarn_avro_node *part,
		     const struct tarn_avro_place *at)
{
	whole->weight += part->weight;
	if (whole->height < part->height + 1)
		whole->height = part->height + 1;
	if (whole->height > TARN_AVRO_MAX_LEVELS)
		return fail(p, TARN_ELIMIT, at, "more than %d levels of nesting", TARN_AVRO_MAX_LEVELS);
	if (whole->weight > TARN_AVRO_MAX_WEIGHT)
		return fail(p, TARN_ELIMIT, at, "the types written out are more than %d", TARN_AVRO_MAX_WEIGHT);
	return true;
}

static struct tarn_avro_node *parse_type(struct parser *p, const struct tarn_json_value *json, const char *space,
					 const struct tarn_avro_place *at);

static struct tarn_avro_node *parse_part(struct parser *p, struct tarn_avro_node *whole,
					 const struct tarn_json_value *json, const char *space,
					 const struct tarn_avro_place *at)
{
	if (!json)
		return fail(p, TARN_EINVALID, at, "a type was expected, there is nothing");
	struct tarn_avro_node *part = parse_type(p, json, space, at);
	return part && add_part(p, whole, part, at) ? part : NULL;
}

/* As parse_part, where a value of `whole` may hold none of the part: there a type may name itself. */
static struct tarn_avro_node *parse_indirect(struct parser *p, struct tarn_avro_node *whole,
					     const struct tarn_json_value *json, const char *space,
					     const struct tarn_avro_place *at)
{
	p->indirections++;
	struct tarn_avro_node *part = parse_part(p, whole, json, space, at);
	p->indirections--;
	return part;
}

/* What leads to a type that is closed by now leads to no cycle through us: all that it reached is closed, too. */
static void note_reach(struct parser *p, uint32_t position)
{
	if (position != NOTHING && p->named[position].open && position < p->reaches)
		p->reaches = position;
}

static struct tarn_avro_node *parse_reference(struct parser *p, const struct tarn_json_value *json, const char *space,
					      const struct tarn_avro_place *at)
{
	const char *name = tarn_json_text(json);
	for (size_t i = 0; i < PRIMITIVES; i++)
		if (!strcmp(name, type_names[i]))
			return new_node(p, (enum tarn_avro_type)i);
	if (!is_full_name(name, json->n))
		return fail(p, TARN_EINVALID, at, "\"%s\" is no type", name);
	int32_t found = tarn_avro_names_find(&p->names, full_name_of(p, name, space));
	if (found < 0) /* as Java's parser: a name without a namespace may also mean the type that has none */
		found = tarn_avro_names_find(&p->names, name);
	if (found < 0)
		return fail(p, TARN_EINVALID, at, "unknown type \"%s\"", name);
	uint32_t position = (uint32_t)found;
	const struct named *named = &p->named[position];
	if (named->open && named->indirections == p->indirections)
		return fail(p, TARN_EINVALID, at, "record \"%s\" would always hold itself", named->node->full_name);
	note_reach(p, named->open ? position : named->reaches);
	return named->node;
}

/* That of a record which is still open counts as what it has so far. */
static uint32_t smallest_branch(const struct tarn_avro_node *node)
{
	uint32_t size = node->branches[0]->min_size;
	for (size_t i = 1; i < node->n_branches; i++)
		if (node->branches[i]->min_size < size)
			size = node->branches[i]->min_size;
	return size < UINT32_MAX ? size : size - 1;
}

static struct tarn_avro_node *parse_union(struct parser *p, const struct tarn_json_value *json, const char *space,
					  const struct tarn_avro_place *at)
{
	struct tarn_avro_node *node = new_node(p, TARN_AVRO_UNION);
	node->n_branches = json->n;
	if (node->n_branches > 256)
		return fail(p, TARN_ELIMIT, at, "a union of %zu types, at most 256 are supported", node->n_branches);
	const struct tarn_avro_node **branches =
		tarn_arena_alloc(&p->schema->arena, node->n_branches * sizeof(*branches));
	for (size_t i = 0; i < node->n_branches; i++) {
		const struct tarn_avro_place branch_at = { at, NULL, i };
		branches[i] = parse_indirect(p, node, &json->items[i], space, &branch_at);
		if (!branches[i])
			return NULL;
		if (branches[i]->type == TARN_AVRO_UNION)
			return fail(p, TARN_EINVALID, &branch_at, "a union directly inside a union");
		for (size_t k = 0; k < i; k++)
			if (branches[k]->full_name ? branches[k] == branches[i]
						   : branches[k]->type == branches[i]->type)
				return fail(p, TARN_EINVALID, &branch_at, "the union has \"%s\" twice",
					    branches[i]->full_name ? branches[i]->full_name
								   : type_names[branches[i]->type]);
	}
	node->branches = branches;
	if (node->n_branches)
		node->min_size += smallest_branch(node);
	return node;
}

/* Makes a named type's node and enters it; *position is that in p->named. */
static struct tarn_avro_node *open_named(struct parser *p, enum tarn_avro_type type, const struct tarn_json_value *json,
					 const char **space, size_t *position, const struct tarn_avro_place *at)
{
	const char *full_name = definition_name(p, json, space, at);
	if (!full_name)
		return NULL;
	struct tarn_avro_node *node = new_node(p, type);
	node->full_name = full_name;
	node->name = tarn_avro_last_part(full_name);
	if (!parse_aliases(p, json, *space, &node->aliases, &node->n_aliases, at))
		return NULL;
	p->named = tarn_grow(p->named, &p->named_capacity, p->n_named + 1, sizeof(*p->named));
	p->named[p->n_named] = (struct named){ node, type == TARN_AVRO_RECORD, p->indirections, NOTHING };
	*position = p->n_named++;
	tarn_avro_names_add(&p->names, &p->schema->arena, full_name);
	return node;
}

static bool parse_field(struct parser *p, struct tarn_avro_node *record, struct tarn_avro_field *field,
			const struct tarn_json_value *json, const char *space, const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(json, TARN_JSON_OBJECT))
		return fail(p, TARN_EINVALID, at, "a field (an object) was expected");
	const struct tarn_avro_place name_at = { at, "name", 0 }, type_at = { at, "type", 0 };
	const char *name = name_attribute(p, tarn_json_get(json, "name"), is_name, &name_at);
	if (!name)
		return false;
	field->name = name;
	if (tarn_avro_node_find(record, name) >= 0)
		return fail(p, TARN_EINVALID, &name_at, "record \"%s\" has the field \"%s\" twice", record->full_name,
			    name);
	field->default_value = tarn_json_get(json, "default");
	const struct tarn_json_value *id = tarn_json_get(json, "field-id");
	bool has_id = tarn_json_is_kind(id, TARN_JSON_INTEGER) && id->integer >= 0 && id->integer <= INT32_MAX;
	field->field_id = has_id ? (int32_t)id->integer : -1;
	if (!parse_aliases(p, json, NULL, &field->aliases, &field->n_aliases, at))
		return false;
	field->type = parse_part(p, record, tarn_json_get(json, "type"), space, &type_at);
	if (field->type && __builtin_add_overflow(record->min_size, field->type->min_size, &record->min_size))
		record->min_size = UINT32_MAX;
	return field->type;
}

static struct tarn_avro_node *parse_record(struct parser *p, const struct tarn_json_value *json, const char *space,
					   const struct tarn_avro_place *at)
{
	size_t position;
	struct tarn_avro_node *node = open_named(p, TARN_AVRO_RECORD, json, &space, &position, at);
	if (!node)
		return NULL;
	const struct tarn_json_value *list = tarn_json_get(json, "fields");
	const struct tarn_avro_place list_at = { at, "fields", 0 };
	if (!tarn_json_is_kind(list, TARN_JSON_ARRAY))
		return fail(p, TARN_EINVALID, &list_at, "an array of fields was expected");
	size_t n = list->n;
	struct tarn_avro_field *fields = tarn_arena_zalloc(&p->schema->arena, n * sizeof(*fields));
	struct tarn_avro_names *index = tarn_arena_zalloc(&p->schema->arena, sizeof(*index));
	node->index = index;
	uint32_t outer_reaches = p->reaches;
	p->reaches = NOTHING;
	for (size_t i = 0; i < n; i++) {
		const struct tarn_avro_place field_at = { &list_at, NULL, i };
		if (!parse_field(p, node, &fields[i], &list->items[i], space, &field_at))
			return NULL;
		tarn_avro_names_add(index, &p->schema->arena, fields[i].name);
	}
	node->fields = fields;
	node->n_fields = n;
	node->recursive = p->reaches <= position;
	p->named[position].open = false;
	p->named[position].reaches = p->reaches;
	uint32_t reaches = p->reaches;
	p->reaches = outer_reaches;
	note_reach(p, reaches);
	return node;
}

static struct tarn_avro_node *parse_enum(struct parser *p, const struct tarn_json_value *json, const char *space,
					 const struct tarn_avro_place *at)
{
	size_t position;
	struct tarn_avro_node *node = open_named(p, TARN_AVRO_ENUM, json, &space, &position, at);
	if (!node)
		return NULL;
	const struct tarn_json_value *list = tarn_json_get(json, "symbols");
	const struct tarn_avro_place list_at = { at, "symbols", 0 };
	if (!tarn_json_is_kind(list, TARN_JSON_ARRAY))
		return fail(p, TARN_EINVALID, &list_at, "an array of names was expected");
	node->n_symbols = list->n;
	const char **symbols = tarn_arena_alloc(&p->schema->arena, node->n_symbols * sizeof(*symbols));
	struct tarn_avro_names *index = tarn_arena_zalloc(&p->schema->arena, sizeof(*index));
	node->index = index;
	for (size_t i = 0; i < node->n_symbols; i++) {
		const struct tarn_avro_place symbol_at = { &list_at, NULL, i };
		const char *symbol = name_attribute(p, &list->items[i], is_name, &symbol_at);
		if (!symbol)
			return NULL;
		if (tarn_avro_node_find(node, symbol) >= 0)
			return fail(p, TARN_EINVALID, &symbol_at, "the symbol \"%s\" is there twice", symbol);
		symbols[i] = symbol;
		tarn_avro_names_add(index, &p->schema->arena, symbol);
	}
	node->symbols = symbols;
	const struct tarn_json_value *fallback = tarn_json_get(json, "default");
	if (!fallback)
		return node;
	const struct tarn_avro_place default_at = { at, "default", 0 };
	if (!tarn_json_is_kind(fallback, TARN_JSON_STRING))
		return fail(p, TARN_EINVALID, &default_at, "one of the symbols was expected");
	node->default_symbol = tarn_avro_node_find(node, tarn_json_text(fallback));
	if (node->default_symbol < 0)
		return fail(p, TARN_EINVALID, &default_at, "\"%s\" is none of the symbols", tarn_json_text(fallback));
	return node;
}

static struct tarn_avro_node *parse_fixed(struct parser *p, const struct tarn_json_value *json, const char *space,
					  const struct tarn_avro_place *at)
{
	size_t position;
	struct tarn_avro_node *node = open_named(p, TARN_AVRO_FIXED, json, &space, &position, at);
	if (!node)
		return NULL;
	const struct tarn_json_value *size = tarn_json_get(json, "size");
	const struct tarn_avro_place size_at = { at, "size", 0 };
	if (!tarn_json_is_kind(size, TARN_JSON_INTEGER) || size->integer < 0)
		return fail(p, TARN_EINVALID, &size_at, "a number of bytes was expected");
	if (size->integer > INT32_MAX)
		return fail(p, TARN_ELIMIT, &size_at, "%" PRId64 " bytes are more than the limit of 2^31 - 1",
			    size->integer);
	node->size = (size_t)size->integer;
	node->min_size = (uint32_t)node->size;
	return node;
}

static struct tarn_avro_node *parse_collection(struct parser *p, enum tarn_avro_type type,
					       const struct tarn_json_value *json, const char *space,
					       const struct tarn_avro_place *at)
{
	const char *key = type == TARN_AVRO_ARRAY ? "items" : "values";
	const struct tarn_avro_place items_at = { at, key, 0 };
	struct tarn_avro_node *node = new_node(p, type);
	if (type == TARN_AVRO_MAP)
		node->weight++;
	node->items = parse_indirect(p, node, tarn_json_get(json, key), space, &items_at);
	return node->items ? node : NULL;
}

/* ---- logical types ---- */

static const struct {
	const char *name;
	enum tarn_avro_type type;
	size_t size; /* of a fixed; 0: any */
} logical_types[] = {
	[TARN_AVRO_DECIMAL] = { "decimal", TARN_AVRO_BYTES, 0 },
	[TARN_AVRO_BIG_DECIMAL] = { "big-decimal", TARN_AVRO_BYTES, 0 },
	[TARN_AVRO_UUID] = { "uuid", TARN_AVRO_STRING, 0 },
	[TARN_AVRO_DATE] = { "date", TARN_AVRO_INT, 0 },
	[TARN_AVRO_TIME_MILLIS] = { "time-millis", TARN_AVRO_INT, 0 },
	[TARN_AVRO_TIME_MICROS] = { "time-micros", TARN_AVRO_LONG, 0 },
	[TARN_AVRO_TIMESTAMP_MILLIS] = { "timestamp-millis", TARN_AVRO_LONG, 0 },
	[TARN_AVRO_TIMESTAMP_MICROS] = { "timestamp-micros", TARN_AVRO_LONG, 0 },
	[TARN_AVRO_TIMESTAMP_NANOS] = { "timestamp-nanos", TARN_AVRO_LONG, 0 },
	[TARN_AVRO_LOCAL_TIMESTAMP_MILLIS] = { "local-timestamp-millis", TARN_AVRO_LONG, 0 },
	[TARN_AVRO_LOCAL_TIMESTAMP_MICROS] = { "local-timestamp-micros", TARN_AVRO_LONG, 0 },
	[TARN_AVRO_LOCAL_TIMESTAMP_NANOS] = { "local-timestamp-nanos", TARN_AVRO_LONG, 0 },
	[TARN_AVRO_DURATION] = { "duration", TARN_AVRO_FIXED, 12 },
};

const char *tarn_avro_logical_name(enum tarn_avro_logical logical)
{
	return logical_types[logical].name;
}

static bool set_decimal(struct tarn_avro_node *node, const struct tarn_json_value *json)
{
	const struct tarn_json_value *precision = tarn_json_get(json, "precision"),
				     *scale = tarn_json_get(json, "scale");
	if (!tarn_json_is_kind(precision, TARN_JSON_INTEGER) || (scale && !tarn_json_is_kind(scale, TARN_JSON_INTEGER)))
		return false;
	int64_t digits = precision->integer, behind = scale ? scale->integer : 0;
	if (digits < 1 || digits > INT32_MAX || behind < 0 || behind > digits)
		return false;
	if (node->type == TARN_AVRO_FIXED && digits > floor((8.0 * (double)node->size - 1) * log10(2)))
		return false;
	node->precision = (int32_t)digits;
	node->scale = (int32_t)behind;
	return true;
}

static bool logical_fits(enum tarn_avro_logical logical, const struct tarn_avro_node *node)
{
	if (node->type == TARN_AVRO_FIXED && logical == TARN_AVRO_DECIMAL)
		return true;
	if (node->type == TARN_AVRO_FIXED && logical == TARN_AVRO_UUID)
		return node->size == 16;
	return node->type == logical_types[logical].type &&
	       (!logical_types[logical].size || node->size == logical_types[logical].size);
}

/* An annotation that is unknown or does not fit is ignored (specification, "Logical Types"). */
static void set_logical(struct tarn_avro_node *node, const struct tarn_json_value *json)
{
	const char *name = tarn_json_text(tarn_json_get(json, "logicalType"));
	if (!name)
		return;
	for (size_t i = TARN_AVRO_DECIMAL; i < sizeof(logical_types) / sizeof(*logical_types); i++) {
		enum tarn_avro_logical logical = (enum tarn_avro_logical)i;
		if (strcmp(name, logical_types[i].name) || !logical_fits(logical, node))
			continue;
		if (logical != TARN_AVRO_DECIMAL || set_decimal(node, json))
			node->logical = logical;
		return;
	}
}

/* ---- documents ---- */

static struct tarn_avro_node *parse_object(struct parser *p, const struct tarn_json_value *json, const char *space,
					   const struct tarn_avro_place *at)
{
	const struct tarn_avro_place type_at = { at, "type", 0 };
	const struct tarn_json_value *type = tarn_json_get(json, "type");
	const char *name = tarn_json_text(type);
	if (!type)
		return fail(p, TARN_EINVALID, at, "a type has no attribute \"type\"");
	if (!name)
		return parse_type(p, type, space, &type_at);
	if (!strcmp(name, "record") || !strcmp(name, "error"))
		return parse_record(p, json, space, at);
	if (!strcmp(name, "array"))
		return parse_collection(p, TARN_AVRO_ARRAY, json, space, at);
	if (!strcmp(name, "map"))
		return parse_collection(p, TARN_AVRO_MAP, json, space, at);
	if (!strcmp(name, "enum"))
		return parse_enum(p, json, space, at);
	struct tarn_avro_node *node =
		!strcmp(name, "fixed") ? parse_fixed(p, json, space, at) : parse_reference(p, type, space, &type_at);
	/* What is only named here is annotated where it is defined. */
	if (node && (!node->full_name || !strcmp(name, "fixed")))
		set_logical(node, json);
	return node;
}

static struct tarn_avro_node *parse_type(struct parser *p, const struct tarn_json_value *json, const char *space,
					 const struct tarn_avro_place *at)
{
	if (p->depth >= TARN_AVRO_MAX_LEVELS)
		return fail(p, TARN_ELIMIT, at, "more than %d levels of nesting", TARN_AVRO_MAX_LEVELS);
	struct tarn_avro_node *node;
	p->depth++;
	if (tarn_json_is_kind(json, TARN_JSON_STRING))
		node = parse_reference(p, json, space, at);
	else if (tarn_json_is_kind(json, TARN_JSON_ARRAY))
		node = parse_union(p, json, space, at);
	else if (tarn_json_is_kind(json, TARN_JSON_OBJECT))
		node = parse_object(p, json, space, at);
	else
		node = fail(p, TARN_EINVALID, at, "a type (a name, an object or an array) was expected");
	p->depth--;
	return node;
}

static bool parse_document(struct parser *p, struct tarn_slice text)
{
	const struct tarn_json_value *document;
	p->rc = tarn_json_parse(text, 0, &p->schema->arena, &document, p->err);
	if (p->rc) {
		p->rc = tarn_err_within(p->err, p->rc, "avro schema is not JSON");
		return false;
	}
	p->schema->documents[p->schema->n_documents++] = document;
	p->schema->root = parse_type(p, document, "", NULL);
	return p->schema->root;
}

enum tarn_rc tarn_avro_schema_parse_after(const struct tarn_slice *documents, size_t n, struct tarn_slice json,
					  struct tarn_avro_schema **schema, struct tarn_err *err)
{
	struct tarn_avro_schema *made = tarn_calloc(1, sizeof(*made));
	tarn_arena_init(&made->arena);
	made->text = tarn_slice_of(tarn_arena_copy(&made->arena, json.data, json.len), json.len);
	made->documents = tarn_arena_alloc(&made->arena, (n + 1) * sizeof(*made->documents));
	struct parser p = { .schema = made, .reaches = NOTHING, .err = err };
	bool ok = true;
	for (size_t i = 0; i < n && ok; i++)
		ok = parse_document(&p, documents[i]);
	ok = ok && parse_document(&p, json);
	free(p.named);
	if (!ok) {
		tarn_avro_schema_free(made);
		return p.rc;
	}
	*schema = made;
	return TARN_OK;
}

enum tarn_rc tarn_avro_schema_parse(struct tarn_slice json, struct tarn_avro_schema **schema, struct tarn_err *err)
{
	return tarn_avro_schema_parse_after(NULL, 0, json, schema, err);
}

void tarn_avro_schema_free(struct tarn_avro_schema *schema)
{
	if (!schema)
		return;
	tarn_arena_release(&schema->arena);
	free(schema);
}

const struct tarn_json_value *const *tarn_avro_schema_documents(const struct tarn_avro_schema *schema, size_t *n)
{
	*n = schema->n_documents;
	return schema->documents;
}

struct tarn_slice tarn_avro_schema_json(const struct tarn_avro_schema *schema)
{
	return schema->text;
}

const struct tarn_avro_node *tarn_avro_schema_root(const struct tarn_avro_schema *schema)
{
	return schema->root;
}

uint32_t tarn_avro_schema_size(const struct tarn_avro_schema *schema)
{
	return schema->n_nodes;
}

int32_t tarn_avro_node_find(const struct tarn_avro_node *node, const char *name)
{
	return node->index ? tarn_avro_names_find(node->index, name) : -1;
}
