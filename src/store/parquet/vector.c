/* From decoded chunks to vectors. Every node of a column can be put together from the levels of any leaf below it (the
 * first is taken): an entry starts a new place of the node where its repetition level is at most the node's and its
 * definition level says that the list around it, if any, has an element there. Leaves of one column must agree on the
 * counts, which is checked. */
#include "store/parquet/vector.h"

#include <stdlib.h>

#include "store/parquet/leaf_read.h"

struct assembly {
	struct tarn_parquet_reader *reader;
	size_t group;
	struct tarn_leaf_data *leaves; /* of the column, read when first wanted */
	bool *read;
	size_t first_leaf;
	struct tarn_err *err;
};

static enum tarn_rc assemble(struct assembly *assembly, const struct tarn_parquet_node *node,
			     const struct tarn_field *wanted, struct tarn_vector *vector);

static enum tarn_rc mismatch(struct assembly *assembly, const struct tarn_parquet_node *node, const char *why)
{
	return tarn_fail_at(assembly->err, TARN_EINVALID,
			    assembly->reader->footer.groups[assembly->group].chunks[assembly->first_leaf].offset,
			    "parquet column \"%s\": %s", node->name, why);
}

static enum tarn_rc leaf_data(struct assembly *assembly, size_t leaf, const struct tarn_leaf_data **data)
{
	struct tarn_parquet_reader *reader = assembly->reader;
	size_t at = leaf - assembly->first_leaf;
	*data = &assembly->leaves[at];
	if (assembly->read[at])
		return TARN_OK;
	const struct tarn_footer_chunk *chunk = &reader->footer.groups[assembly->group].chunks[leaf];
	uint8_t *bytes = tarn_malloc((size_t)chunk->size);
	enum tarn_rc rc = reader->source(reader->context, chunk->offset, (size_t)chunk->size, bytes, assembly->err);
	if (rc == TARN_OK)
		rc = tarn_leaf_read(&reader->footer.leaves[leaf], chunk, reader->compressor,
				    tarn_slice_of(bytes, (size_t)chunk->size), &assembly->leaves[at], assembly->err);
	free(bytes);
	assembly->read[at] = rc == TARN_OK;
	return rc;
}

/* ---- vectors without values ---- */

size_t tarn_vector_width(const struct tarn_field *field)
{
	uint32_t width;
	switch (field->kind) {
	case TARN_TYPE_BOOLEAN: return 1;
	case TARN_TYPE_DECIMAL: return 16;
	case TARN_TYPE_LIST:
	case TARN_TYPE_STRUCT:
	case TARN_TYPE_MAP: return 0;
	default: tarn_parquet_physical(field, &width); return width;
	}
}

static void make_null(struct tarn_vector *vector, const struct tarn_field *field, size_t n)
{
	size_t width = tarn_vector_width(field);
	bool repeated = field->kind == TARN_TYPE_LIST || field->kind == TARN_TYPE_MAP;
	*vector = (struct tarn_vector){ .field = field, .length = n, .valid = tarn_calloc(n, 1) };
	if (width)
		vector->values = tarn_calloc(n, width);
	if (repeated || field->kind == TARN_TYPE_STRING || field->kind == TARN_TYPE_BINARY)
		vector->offsets = tarn_calloc(n + 1, sizeof(*vector->offsets));
	if (!field->n_fields)
		return;
	vector->children = tarn_calloc(field->n_fields, sizeof(*vector->children));
	for (size_t i = 0; i < field->n_fields; i++)
		make_null(&vector->children[i], &field->fields[i], repeated ? 0 : n);
}

void tarn_vector_release(struct tarn_vector *vector)
{
	if (!vector)
		return;
	free(vector->valid);
	free(vector->values);
	free(vector->offsets);
	free(vector->data);
	for (size_t i = 0; vector->children && i < vector->field->n_fields; i++)
		tarn_vector_release(&vector->children[i]);
	free(vector->children);
	*vector = (struct tarn_vector){ 0 };
}

/* ---- nodes ---- */

/* The definition level from which on a node has a place: children of a struct have one even where the struct is null.
 */
static unsigned place_def(const struct tarn_parquet_node *node)
{
	while (node->parent && node->parent->kind == TARN_TYPE_STRUCT)
		node = node->parent;
	return node->outer_def;
}

static inline bool starts(const struct tarn_leaf_data *data, size_t i, unsigned rep, unsigned def)
{
	return (!data->reps || data->reps[i] <= rep) && (!data->defs || data->defs[i] >= def);
}

/* Length and validity of a node's vector, from its leaf's levels. */
static void fill_validity(const struct tarn_leaf_data *data, const struct tarn_parquet_node *node,
			  struct tarn_vector *vector)
{
	unsigned def = place_def(node);
	size_t n = 0, nulls = 0;
	for (size_t i = 0; i < data->n; i++)
		n += starts(data, i, node->rep, def);
	vector->length = n;
	if (def >= node->def)
		return;
	vector->valid = tarn_malloc(n);
	n = 0;
	for (size_t i = 0; i < data->n; i++) {
		if (!starts(data, i, node->rep, def))
			continue;
		vector->valid[n] = data->defs[i] >= node->def;
		nulls += !vector->valid[n++];
	}
	if (!nulls) {
		free(vector->valid);
		vector->valid = NULL;
	}
}

/* Where each list's elements begin. */
static void fill_offsets(const struct tarn_leaf_data *data, const struct tarn_parquet_node *node,
			 struct tarn_vector *vector)
{
	const struct tarn_parquet_node *element = &node->children[0];
	unsigned def = place_def(node);
	int64_t elements = 0;
	size_t n = 0;
	vector->offsets = tarn_calloc(vector->length + 1, sizeof(*vector->offsets));
	for (size_t i = 0; i < data->n; i++) {
		if (starts(data, i, node->rep, def))
			vector->offsets[n++] = elements;
		elements += starts(data, i, element->rep, element->outer_def);
	}
	vector->offsets[n] = elements;
}

static const struct tarn_parquet_node *
find_child(const struct assembly *assembly, const struct tarn_parquet_node *parent, const struct tarn_field *wanted)
{
	for (size_t i = 0; i < parent->n_children; i++) {
		const struct tarn_parquet_node *child = &parent->children[i];
		bool found = assembly->reader->footer.has_ids && wanted->id ? child->field->id == wanted->id
									    : !strcmp(child->field->name, wanted->name);
		if (found)
			return child;
	}
	return NULL;
}

static enum tarn_rc assemble_child(struct assembly *assembly, const struct tarn_parquet_node *child,
				   const struct tarn_field *wanted, size_t length, struct tarn_vector *vector)
{
	if (!child) {
		make_null(vector, wanted, length);
		return TARN_OK;
	}
	enum tarn_rc rc = assemble(assembly, child, wanted, vector);
	if (rc == TARN_OK && vector->length != length)
		return mismatch(assembly, child, "its leaves disagree about how many values there are");
	return rc;
}

static enum tarn_rc assemble_nested(struct assembly *assembly, const struct tarn_parquet_node *node,
				    const struct tarn_leaf_data *data, struct tarn_vector *vector)
{
	const struct tarn_field *wanted = vector->field;
	const struct tarn_parquet_node *parent = wanted->kind == TARN_TYPE_MAP ? &node->children[0] : node;
	size_t length = vector->length;
	if (wanted->kind != TARN_TYPE_STRUCT) {
		fill_offsets(data, node, vector);
		length = (size_t)vector->offsets[vector->length];
	}
	vector->children = tarn_calloc(wanted->n_fields, sizeof(*vector->children));
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < wanted->n_fields && rc == TARN_OK; i++) {
		/* The children of lists and maps go by their place, those of structs by id or name. */
		const struct tarn_parquet_node *child = wanted->kind == TARN_TYPE_STRUCT
								? find_child(assembly, parent, &wanted->fields[i])
								: &parent->children[i];
		rc = assemble_child(assembly, child, &wanted->fields[i], length, &vector->children[i]);
	}
	return rc;
}

static bool is_nested(enum tarn_type_kind kind)
{
	return kind == TARN_TYPE_LIST || kind == TARN_TYPE_STRUCT || kind == TARN_TYPE_MAP;
}

static enum tarn_rc assemble(struct assembly *assembly, const struct tarn_parquet_node *node,
			     const struct tarn_field *wanted, struct tarn_vector *vector)
{
	const struct tarn_leaf_data *data;
	vector->field = wanted;
	if ((is_nested(wanted->kind) || is_nested(node->kind)) && wanted->kind != node->kind)
		return mismatch(assembly, node, "it is nested in another way than the table's schema says");
	enum tarn_rc rc = leaf_data(assembly, node->first_leaf, &data);
	if (rc != TARN_OK)
		return rc;
	fill_validity(data, node, vector);
	if (is_nested(wanted->kind))
		return assemble_nested(assembly, node, data, vector);
	return tarn_vector_convert(&assembly->reader->footer.leaves[node->first_leaf], &data->values, vector,
				   assembly->err);
}

static enum tarn_rc read_column(struct assembly *assembly, const struct tarn_parquet_node *node,
				const struct tarn_field *wanted, int64_t rows, struct tarn_vector *vector)
{
	struct tarn_vector made = { .field = wanted };
	assembly->first_leaf = node->first_leaf;
	assembly->leaves = tarn_calloc(node->n_leaves, sizeof(*assembly->leaves));
	assembly->read = tarn_calloc(node->n_leaves, sizeof(*assembly->read));
	enum tarn_rc rc = assemble_child(assembly, node, wanted, (size_t)rows, &made);
	for (size_t i = 0; i < node->n_leaves; i++)
		if (assembly->read[i])
			tarn_leaf_release(&assembly->leaves[i]);
	free(assembly->leaves);
	free(assembly->read);
	if (rc == TARN_OK)
		*vector = made;
	else
		tarn_vector_release(&made);
	return rc;
}

enum tarn_rc tarn_parquet_read(struct tarn_parquet_reader *reader, size_t group, const struct tarn_field *wanted,
			       struct tarn_vector *vector, struct tarn_err *err)
{
	struct assembly assembly = { .reader = reader, .group = group, .err = err };
	int64_t rows = reader->footer.groups[group].rows;
	const struct tarn_parquet_node *node = find_child(&assembly, &reader->footer.root, wanted);
	if (node)
		return read_column(&assembly, node, wanted, rows, vector);
	make_null(vector, wanted, (size_t)rows);
	return TARN_OK;
}
