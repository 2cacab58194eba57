#include "serialize/avro/column.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "serialize/avro/node.h"

#define DATA_MAX ((size_t)1 << 46) /* text is bounded by the input that it came from */

enum { SMALLEST_CAPACITY = 16 };

static void init_column(struct tarn_avro_column *column, const struct tarn_avro_node *node);

static const struct tarn_avro_node string_node = { .type = TARN_AVRO_STRING, .height = 1, .weight = 1 };

static void make_children(struct tarn_avro_column *column, size_t n)
{
	column->children = tarn_calloc(n, sizeof(*column->children));
	column->n_children = n;
}

static void make_fields(struct tarn_avro_column *record)
{
	const struct tarn_avro_node *node = record->node;
	make_children(record, node->n_fields);
	for (size_t i = 0; i < node->n_fields; i++)
		init_column(&record->children[i], node->fields[i].type);
}

static void make_parts(struct tarn_avro_column *column)
{
	const struct tarn_avro_node *node = column->node;
	switch (column->type) {
	case TARN_AVRO_RECORD:
		if (!node->recursive)
			make_fields(column);
		break;
	case TARN_AVRO_ARRAY:
		make_children(column, 1);
		init_column(&column->children[0], node->items);
		break;
	case TARN_AVRO_MAP:
		make_children(column, 2);
		init_column(&column->children[0], &string_node);
		init_column(&column->children[1], node->items);
		break;
	case TARN_AVRO_UNION:
		make_children(column, node->n_branches);
		for (size_t i = 0; i < node->n_branches; i++)
			init_column(&column->children[i], node->branches[i]);
		break;
	default: break;
	}
}

/* Bytes of one value in the array behind `bytes`, `i32` and so on. */
static size_t value_size(const struct tarn_avro_column *column)
{
	switch (column->type) {
	case TARN_AVRO_BOOLEAN: return 1;
	case TARN_AVRO_INT:
	case TARN_AVRO_ENUM:
	case TARN_AVRO_FLOAT:
	case TARN_AVRO_UNION:   return 4;
	case TARN_AVRO_LONG:
	case TARN_AVRO_DOUBLE:  return 8;
	case TARN_AVRO_FIXED:   return column->width;
	default:                return 0;
	}
}

static bool has_offsets(enum tarn_avro_type type)
{
	return type == TARN_AVRO_STRING || type == TARN_AVRO_BYTES || type == TARN_AVRO_ARRAY || type == TARN_AVRO_MAP;
}

static void init_column(struct tarn_avro_column *column, const struct tarn_avro_node *node)
{
	const struct tarn_avro_node *value = tarn_avro_collapsed(node);
	column->node = value ? value : node;
	column->type = column->node->type;
	column->width = column->node->size;
	tarn_buf_init(&column->data, DATA_MAX);
	/* Never NULL, so that readers need not ask whether there are values. */
	if (value)
		column->valid = tarn_malloc(1);
	if (has_offsets(column->type))
		column->offsets = tarn_calloc(1, sizeof(*column->offsets));
	if (value_size(column) || column->type == TARN_AVRO_FIXED)
		column->bytes = tarn_malloc(1);
	if (column->type == TARN_AVRO_STRING || column->type == TARN_AVRO_BYTES)
		tarn_buf_room(&column->data, 1);
	make_parts(column);
}

struct tarn_avro_column *tarn_avro_columns_new(const struct tarn_avro_schema *reader)
{
	struct tarn_avro_column *root = tarn_calloc(1, sizeof(*root));
	init_column(root, tarn_avro_schema_root(reader));
	return root;
}

static void release_column(struct tarn_avro_column *column);

static void release_children(struct tarn_avro_column *column)
{
	for (size_t i = 0; i < column->n_children; i++)
		release_column(&column->children[i]);
	free(column->children);
	column->children = NULL;
	column->n_children = 0;
}

static void release_column(struct tarn_avro_column *column)
{
	release_children(column);
	free(column->bytes);
	free(column->valid);
	free(column->branch);
	free(column->offsets);
	tarn_buf_release(&column->data);
}

void tarn_avro_columns_free(struct tarn_avro_column *root)
{
	if (!root)
		return;
	release_column(root);
	free(root);
}

void tarn_avro_columns_clear(struct tarn_avro_column *root)
{
	root->length = 0;
	tarn_buf_clear(&root->data);
	/* Columns of recursive records follow the shape of past data: they go, lest they pile up. */
	if (root->type == TARN_AVRO_RECORD && root->node->recursive)
		release_children(root);
	for (size_t i = 0; i < root->n_children; i++)
		tarn_avro_columns_clear(&root->children[i]);
}

static struct tarn_avro_column *find_child(struct tarn_avro_column *column, const char *name, size_t len)
{
	if (column->type == TARN_AVRO_ARRAY)
		return len == 5 && !memcmp(name, "items", 5) ? &column->children[0] : NULL;
	if (column->type != TARN_AVRO_RECORD)
		return NULL;
	for (size_t i = 0; i < column->n_children; i++) {
		const char *field = column->node->fields[i].name;
		if (!strncmp(field, name, len) && !field[len])
			return &column->children[i];
	}
	return NULL;
}

struct tarn_avro_column *tarn_avro_column_find(struct tarn_avro_column *root, const char *path)
{
	struct tarn_avro_column *column = root;
	while (column && *path) {
		size_t len = strcspn(path, ".");
		column = find_child(column, path, len);
		path += len + (path[len] == '.');
	}
	return column;
}

/* ---- filling ---- */

static bool spend(size_t *budget, size_t bytes)
{
	if (*budget < bytes)
		return false;
	*budget -= bytes;
	return true;
}

static bool grow(struct tarn_avro_column *column, size_t n, size_t *budget)
{
	size_t capacity = column->length + n;
	if (capacity < column->capacity * 2)
		capacity = column->capacity * 2;
	size_t size = value_size(column), bytes;
	size_t row = size + !!column->valid + (column->type == TARN_AVRO_UNION) + (column->offsets ? 8 : 0);
	if (capacity < SMALLEST_CAPACITY && row < SMALLEST_CAPACITY)
		capacity = SMALLEST_CAPACITY;
	if (__builtin_mul_overflow(capacity - column->capacity, row, &bytes) || !spend(budget, bytes))
		return false;
	if (size)
		column->bytes = tarn_realloc(column->bytes, capacity * size);
	if (column->valid)
		column->valid = tarn_realloc(column->valid, capacity);
	if (column->type == TARN_AVRO_UNION)
		column->branch = tarn_realloc(column->branch, capacity);
	if (column->offsets)
		column->offsets = tarn_realloc(column->offsets, (capacity + 1) * sizeof(*column->offsets));
	column->capacity = capacity;
	return true;
}

bool tarn_avro_column_reserve_slow(struct tarn_avro_column *column, size_t n, size_t *budget)
{
	if (column->capacity - column->length < n && !grow(column, n, budget))
		return false;
	if (column->type != TARN_AVRO_RECORD)
		return true;
	if (!column->n_children && column->node->n_fields) {
		if (!spend(budget, column->node->weight * sizeof(*column)))
			return false;
		make_fields(column);
	}
	for (size_t i = 0; i < column->n_children; i++)
		if (!tarn_avro_column_reserve(&column->children[i], n, budget))
			return false;
	return true;
}

void tarn_avro_column_put_empty(struct tarn_avro_column *column)
{
	size_t i = column->length++;
	assert(i < column->capacity);
	size_t size = value_size(column);
	if (size)
		memset(column->bytes + i * size, 0, size);
	if (column->valid)
		column->valid[i] = 0;
	if (column->offsets)
		column->offsets[i + 1] = column->offsets[i];
	if (column->type == TARN_AVRO_UNION) {
		column->branch[i] = 0;
		column->i32[i] = -1;
	}
	if (column->type == TARN_AVRO_RECORD)
		for (size_t k = 0; k < column->n_children; k++)
			tarn_avro_column_put_empty(&column->children[k]);
}

static void cut_union(struct tarn_avro_column *column)
{
	size_t used[256] = { 0 };
	for (size_t i = 0; i < column->length; i++)
		used[column->branch[i]] += column->i32[i] >= 0;
	for (size_t i = 0; i < column->n_children; i++)
		tarn_avro_column_cut(&column->children[i], used[i]);
}

void tarn_avro_column_cut(struct tarn_avro_column *column, size_t length)
{
	column->length = length;
	size_t parts = column->offsets ? (size_t)column->offsets[length] : length;
	if (column->type == TARN_AVRO_STRING || column->type == TARN_AVRO_BYTES)
		column->data.len = parts;
	else if (column->type == TARN_AVRO_UNION)
		cut_union(column);
	else
		for (size_t i = 0; i < column->n_children; i++)
			tarn_avro_column_cut(&column->children[i], parts);
}
