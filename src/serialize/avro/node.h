/* The inside of a parsed schema, for the rooms that walk it. Everything belongs to the schema and is immutable. */
#ifndef TARN_SERIALIZE_AVRO_NODE_H
#define TARN_SERIALIZE_AVRO_NODE_H

#include "base/alloc.h"
#include "base/json_tree.h"
#include "serialize/avro/names.h"
#include "serialize/avro/schema.h"

struct tarn_avro_field {
	const char *name;
	const struct tarn_avro_node *type;
	const char *const *aliases;
	size_t n_aliases;
	const struct tarn_json_value *default_value; /* NULL where there is none; JSON null is a value */
	int32_t field_id;			     /* Iceberg's attribute `field-id`, or -1 */
};

struct tarn_avro_node {
	enum tarn_avro_type type;
	enum tarn_avro_logical logical; /* PLAIN also where the annotation does not fit the type, as specified */
	int32_t precision, scale;	/* of a decimal */
	uint32_t id;			/* 0, 1, ... within the schema, for tables beside it */
	/* Levels of types inside it (64 at most) and columns that a value takes (65,536 at most). Named types count
	 * wherever they are used; a type inside itself counts as one. */
	uint32_t height, weight;
	uint32_t min_size; /* fewest bytes of an encoded value; 0 only where all values take none */
	bool recursive;	   /* a record that can be somewhere inside itself */

	/* Record, enum and fixed. `name` is the last part of `full_name`; aliases are full names. */
	const char *full_name, *name;
	const char *const *aliases;
	size_t n_aliases;

	const struct tarn_avro_field *fields; /* record */
	size_t n_fields;
	const char *const *symbols; /* enum */
	size_t n_symbols;
	int32_t default_symbol;			      /* position, or -1 */
	const struct tarn_avro_node *items;	      /* array; values of a map */
	const struct tarn_avro_node *const *branches; /* union: 256 at most */
	size_t n_branches;
	size_t size;			     /* fixed */
	const struct tarn_avro_names *index; /* fields of a record, symbols of an enum; else NULL */
};

#define TARN_AVRO_MAX_LEVELS 64
#define TARN_AVRO_MAX_WEIGHT 65536

const char *tarn_avro_type_name(enum tarn_avro_type type);
const char *tarn_avro_logical_name(enum tarn_avro_logical logical); /* NULL for PLAIN */
/* Position of a field or symbol by name, or -1. */
int32_t tarn_avro_node_find(const struct tarn_avro_node *node, const char *name);
/* The JSON that was parsed: the last document is the schema; what it was parsed after stands before it. */
const struct tarn_json_value *const *tarn_avro_schema_documents(const struct tarn_avro_schema *schema, size_t *n);
/* Number of nodes; ids are below it. */
uint32_t tarn_avro_schema_size(const struct tarn_avro_schema *schema);

/* "<space>.<name>" in the arena. */
static inline const char *tarn_avro_join(struct tarn_arena *arena, const char *space, const char *name)
{
	size_t before = strlen(space), len = strlen(name);
	char *full_name = tarn_arena_alloc(arena, before + len + 2);
	memcpy(full_name, space, before);
	full_name[before] = '.';
	memcpy(full_name + before + 1, name, len + 1);
	return full_name;
}

/* What stands behind a full name's namespace. */
static inline const char *tarn_avro_last_part(const char *full_name)
{
	const char *dot = strrchr(full_name, '.');
	return dot ? dot + 1 : full_name;
}

/* A union of null and one other type, the other one; NULL for anything else. */
static inline const struct tarn_avro_node *tarn_avro_optional(const struct tarn_avro_node *node)
{
	if (node->type != TARN_AVRO_UNION || node->n_branches != 2)
		return NULL;
	if (node->branches[0]->type == TARN_AVRO_NULL)
		return node->branches[1];
	return node->branches[1]->type == TARN_AVRO_NULL ? node->branches[0] : NULL;
}

/* The same where columns hold the union as one nullable column (column.h). */
static inline const struct tarn_avro_node *tarn_avro_collapsed(const struct tarn_avro_node *node)
{
	const struct tarn_avro_node *other = tarn_avro_optional(node);
	return other && !other->recursive ? other : NULL;
}

#endif
