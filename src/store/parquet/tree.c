#include "store/parquet/tree.h"

#include <assert.h>
#include <stdio.h>

#include "store/parquet/thrift.h"

static uint32_t decimal_width(int32_t precision)
{
	/* 10^precision - 1 fits in `bytes` signed bytes while precision <= floor(log10(2^(8 * bytes - 1) - 1)). */
	static const int8_t digits[] = { 0, 2, 4, 6, 9, 11, 14, 16, 18, 21, 23, 26, 28, 31, 33, 35, 38 };
	for (uint32_t bytes = 1; bytes <= 16; bytes++)
		if (precision <= digits[bytes])
			return bytes;
	assert(!"decimal precision above 38");
	return 16;
}

enum parquet_physical tarn_parquet_physical(const struct tarn_field *field, uint32_t *width)
{
	*width = 0;
	switch (field->kind) {
	case TARN_TYPE_BOOLEAN: return PARQUET_BOOLEAN;
	case TARN_TYPE_INT:
	case TARN_TYPE_DATE: *width = 4; return PARQUET_INT32;
	case TARN_TYPE_LONG:
	case TARN_TYPE_TIME:
	case TARN_TYPE_TIMESTAMP:
	case TARN_TYPE_TIMESTAMPTZ: *width = 8; return PARQUET_INT64;
	case TARN_TYPE_FLOAT: *width = 4; return PARQUET_FLOAT;
	case TARN_TYPE_DOUBLE: *width = 8; return PARQUET_DOUBLE;
	case TARN_TYPE_STRING:
	case TARN_TYPE_BINARY: return PARQUET_BYTE_ARRAY;
	case TARN_TYPE_UUID: *width = 16; return PARQUET_FIXED;
	case TARN_TYPE_FIXED: *width = (uint32_t)field->length; return PARQUET_FIXED;
	case TARN_TYPE_DECIMAL:
		*width = field->precision <= 9 ? 4 : field->precision <= 18 ? 8 : decimal_width(field->precision);
		return *width == 4 ? PARQUET_INT32 : *width == 8 ? PARQUET_INT64 : PARQUET_FIXED;
	case TARN_TYPE_LIST:
	case TARN_TYPE_STRUCT:
	case TARN_TYPE_MAP: break;
	}
	assert(!"a nested field has no physical type");
	return PARQUET_BOOLEAN;
}

static bool legal_in_avro(char c, bool first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
	return letter || (!first && c >= '0' && c <= '9');
}

/* Iceberg's Java writer makes names legal for Avro, and readers that map by name look for that form: a leading digit
 * gets an underscore, any other character becomes _x and its code in hexadecimal. */
static const char *legal_name(struct tarn_arena *arena, const char *name)
{
	struct tarn_buf text;
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	for (const char *at = name; *at; at++) {
		bool first = at == name;
		if (legal_in_avro(*at, first))
			tarn_buf_add_byte(&text, (uint8_t)*at);
		else if (first && *at >= '0' && *at <= '9')
			tarn_buf_printf(&text, "_%c", *at);
		else
			tarn_buf_printf(&text, "_x%X", (unsigned char)*at);
	}
	const char *copy = tarn_arena_strndup(arena, (const char *)text.data, text.len);
	tarn_buf_release(&text);
	return copy;
}

static size_t count_leaves(const struct tarn_field *field)
{
	if (field->kind != TARN_TYPE_LIST && field->kind != TARN_TYPE_STRUCT && field->kind != TARN_TYPE_MAP)
		return 1;
	size_t n = 0;
	for (size_t i = 0; i < field->n_fields; i++)
		n += count_leaves(&field->fields[i]);
	return n;
}

static const char *child_name(struct tarn_arena *arena, const struct tarn_parquet_node *parent, size_t i)
{
	if (parent->kind == TARN_TYPE_LIST)
		return "element";
	if (parent->parent && parent->parent->kind == TARN_TYPE_MAP)
		return i ? "value" : "key";
	return legal_name(arena, parent->field ? parent->field->fields[i].name : "");
}

static void add_leaf(struct tarn_parquet_tree *tree, const struct tarn_parquet_node *node)
{
	struct tarn_parquet_leaf *leaf = &tree->leaves[tree->n_leaves++];
	leaf->node = node;
	leaf->physical = tarn_parquet_physical(node->field, &leaf->width);
	size_t depth = 0;
	for (const struct tarn_parquet_node *at = node; at->parent; at = at->parent)
		depth += at->parent->kind == TARN_TYPE_LIST ? 2 : 1;
	leaf->path = tarn_arena_alloc(&tree->arena, depth * sizeof(*leaf->path));
	leaf->path_len = depth;
	for (const struct tarn_parquet_node *at = node; at->parent; at = at->parent) {
		leaf->path[--depth] = at->name;
		if (at->parent->kind == TARN_TYPE_LIST)
			leaf->path[--depth] = "list";
	}
}

static void build(struct tarn_parquet_tree *tree, struct tarn_parquet_node *node);

static void build_children(struct tarn_parquet_tree *tree, struct tarn_parquet_node *node,
			   const struct tarn_field *fields, size_t n, unsigned repeated)
{
	node->children = tarn_arena_zalloc(&tree->arena, n * sizeof(*node->children));
	node->n_children = n;
	for (size_t i = 0; i < n; i++) {
		struct tarn_parquet_node *child = &node->children[i];
		child->field = &fields[i];
		child->kind = fields[i].kind;
		child->parent = node;
		child->name =
			node->parent ? child_name(&tree->arena, node, i) : legal_name(&tree->arena, fields[i].name);
		child->optional = !fields[i].required;
		child->outer_def = (uint16_t)(node->def + repeated);
		child->rep = (uint16_t)(node->rep + repeated);
		build(tree, child);
	}
}

static void build_map(struct tarn_parquet_tree *tree, struct tarn_parquet_node *node)
{
	struct tarn_parquet_node *entry = tarn_arena_zalloc(&tree->arena, sizeof(*entry));
	*entry = (struct tarn_parquet_node){
		.kind = TARN_TYPE_STRUCT,
		.name = "key_value",
		.outer_def = (uint16_t)(node->def + 1),
		.def = (uint16_t)(node->def + 1),
		.rep = (uint16_t)(node->rep + 1),
		.parent = node,
		.first_leaf = tree->n_leaves,
	};
	node->children = entry;
	node->n_children = 1;
	build_children(tree, entry, node->field->fields, 2, 0);
	entry->n_leaves = tree->n_leaves - entry->first_leaf;
}

static void build(struct tarn_parquet_tree *tree, struct tarn_parquet_node *node)
{
	node->def = (uint16_t)(node->outer_def + node->optional);
	node->first_leaf = tree->n_leaves;
	if (node->kind == TARN_TYPE_MAP)
		build_map(tree, node);
	else if (node->kind == TARN_TYPE_LIST)
		build_children(tree, node, node->field->fields, 1, 1);
	else if (node->kind == TARN_TYPE_STRUCT)
		build_children(tree, node, node->field->fields, node->field->n_fields, 0);
	else
		add_leaf(tree, node);
	node->n_leaves = tree->n_leaves - node->first_leaf;
}

void tarn_parquet_tree_init(struct tarn_parquet_tree *tree, const struct tarn_field *fields, size_t n_fields)
{
	*tree = (struct tarn_parquet_tree){ 0 };
	tarn_arena_init(&tree->arena);
	size_t n = 0;
	for (size_t i = 0; i < n_fields; i++)
		n += count_leaves(&fields[i]);
	tree->leaves = tarn_arena_zalloc(&tree->arena, n * sizeof(*tree->leaves));
	tree->root.kind = TARN_TYPE_STRUCT;
	build_children(tree, &tree->root, fields, n_fields, 0);
	tree->root.n_leaves = tree->n_leaves;
}

void tarn_parquet_tree_release(struct tarn_parquet_tree *tree)
{
	tarn_arena_release(&tree->arena);
	tree->leaves = NULL;
	tree->n_leaves = 0;
}

/* ---- schema elements ---- */

static size_t count_elements(const struct tarn_parquet_node *node)
{
	size_t n = 1 + (node->kind == TARN_TYPE_LIST);
	for (size_t i = 0; i < node->n_children; i++)
		n += count_elements(&node->children[i]);
	return n;
}

static void write_time(struct tarn_thrift_writer *writer, enum parquet_logical logical, bool utc)
{
	tarn_thrift_begin(writer, logical);
	tarn_thrift_bool(writer, 1, utc);
	tarn_thrift_begin(writer, 2);
	tarn_thrift_empty(writer, PARQUET_MICROS);
	tarn_thrift_end(writer);
	tarn_thrift_end(writer);
}

static void write_decimal(struct tarn_thrift_writer *writer, const struct tarn_field *field)
{
	tarn_thrift_begin(writer, PARQUET_LOGICAL_DECIMAL);
	tarn_thrift_i32(writer, 1, field->scale);
	tarn_thrift_i32(writer, 2, field->precision);
	tarn_thrift_end(writer);
}

static const struct {
	enum parquet_converted converted;
	enum parquet_logical logical;
} annotations[] = {
	[TARN_TYPE_BOOLEAN] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_INT] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_LONG] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_FLOAT] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_DOUBLE] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_DATE] = { PARQUET_DATE, PARQUET_LOGICAL_DATE },
	[TARN_TYPE_TIME] = { PARQUET_TIME_MICROS, PARQUET_LOGICAL_TIME },
	[TARN_TYPE_TIMESTAMP] = { PARQUET_TIMESTAMP_MICROS, PARQUET_LOGICAL_TIMESTAMP },
	[TARN_TYPE_TIMESTAMPTZ] = { PARQUET_TIMESTAMP_MICROS, PARQUET_LOGICAL_TIMESTAMP },
	[TARN_TYPE_STRING] = { PARQUET_UTF8, PARQUET_LOGICAL_STRING },
	[TARN_TYPE_BINARY] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_UUID] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_UUID },
	[TARN_TYPE_FIXED] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_DECIMAL] = { PARQUET_DECIMAL, PARQUET_LOGICAL_DECIMAL },
	[TARN_TYPE_LIST] = { PARQUET_LIST, PARQUET_LOGICAL_LIST },
	[TARN_TYPE_STRUCT] = { PARQUET_CONVERTED_NONE, PARQUET_LOGICAL_NONE },
	[TARN_TYPE_MAP] = { PARQUET_MAP, PARQUET_LOGICAL_MAP },
};

static void write_annotations(struct tarn_thrift_writer *writer, const struct tarn_parquet_node *node)
{
	const struct tarn_field *field = node->field;
	if (annotations[node->kind].converted != PARQUET_CONVERTED_NONE)
		tarn_thrift_i32(writer, 6, annotations[node->kind].converted);
	if (node->kind == TARN_TYPE_DECIMAL) {
		tarn_thrift_i32(writer, 7, field->scale);
		tarn_thrift_i32(writer, 8, field->precision);
	}
	tarn_thrift_i32(writer, 9, field->id);
	enum parquet_logical logical = annotations[node->kind].logical;
	if (logical == PARQUET_LOGICAL_NONE)
		return;
	tarn_thrift_begin(writer, 10);
	if (logical == PARQUET_LOGICAL_DECIMAL)
		write_decimal(writer, field);
	else if (logical == PARQUET_LOGICAL_TIME || logical == PARQUET_LOGICAL_TIMESTAMP)
		write_time(writer, logical, node->kind == TARN_TYPE_TIMESTAMPTZ);
	else
		tarn_thrift_empty(writer, (int16_t)logical);
	tarn_thrift_end(writer);
}

static void write_group(struct tarn_thrift_writer *writer, const char *name, enum parquet_repetition repetition,
			size_t n_children)
{
	tarn_thrift_element_begin(writer);
	tarn_thrift_i32(writer, 3, repetition);
	tarn_thrift_binary(writer, 4, tarn_slice_str(name));
	tarn_thrift_i32(writer, 5, (int32_t)n_children);
}

static void write_node(struct tarn_thrift_writer *writer, const struct tarn_parquet_node *node)
{
	enum parquet_repetition repetition = node->optional ? PARQUET_OPTIONAL : PARQUET_REQUIRED;
	if (!node->field) {
		write_group(writer, node->name, PARQUET_REPEATED, node->n_children);
		tarn_thrift_end(writer);
	} else if (node->n_children) {
		write_group(writer, node->name, repetition, node->n_children);
		write_annotations(writer, node);
		tarn_thrift_end(writer);
	} else {
		uint32_t width;
		enum parquet_physical physical = tarn_parquet_physical(node->field, &width);
		tarn_thrift_element_begin(writer);
		tarn_thrift_i32(writer, 1, physical);
		if (physical == PARQUET_FIXED)
			tarn_thrift_i32(writer, 2, (int32_t)width);
		tarn_thrift_i32(writer, 3, repetition);
		tarn_thrift_binary(writer, 4, tarn_slice_str(node->name));
		write_annotations(writer, node);
		tarn_thrift_end(writer);
	}
	if (node->kind == TARN_TYPE_LIST) {
		write_group(writer, "list", PARQUET_REPEATED, 1);
		tarn_thrift_end(writer);
	}
	for (size_t i = 0; i < node->n_children; i++)
		write_node(writer, &node->children[i]);
}

void tarn_parquet_tree_write(const struct tarn_parquet_tree *tree, struct tarn_thrift_writer *writer)
{
	size_t n = 0;
	for (size_t i = 0; i < tree->root.n_children; i++)
		n += count_elements(&tree->root.children[i]);
	tarn_thrift_list(writer, 2, TARN_THRIFT_STRUCT, n + 1);
	tarn_thrift_element_begin(writer);
	tarn_thrift_binary(writer, 4, tarn_slice_str("table"));
	tarn_thrift_i32(writer, 5, (int32_t)tree->root.n_children);
	tarn_thrift_end(writer);
	for (size_t i = 0; i < tree->root.n_children; i++)
		write_node(writer, &tree->root.children[i]);
}
