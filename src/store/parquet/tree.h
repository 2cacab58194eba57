/* The fields of a file as a tree with Parquet's levels, and its leaves: what Parquet calls columns. */
#ifndef TARN_STORE_PARQUET_TREE_H
#define TARN_STORE_PARQUET_TREE_H

#include "base/alloc.h"
#include "base/buf.h"
#include "store/parquet/field.h"
#include "store/parquet/format.h"

/* One field. The key and the value of a map are the children of one more node, the map's entry (field NULL). */
struct tarn_parquet_node {
	const struct tarn_field *field;
	enum tarn_type_kind kind;
	const char *name; /* as in the file: Avro-legal */
	bool optional;
	uint16_t outer_def; /* definition level where the parent is there and this is null */
	uint16_t def;	    /* ... where this is there; of a list or map also: there, but empty */
	uint16_t rep;	    /* repetition level of repeats of the nearest list around it */
	struct tarn_parquet_node *parent;
	struct tarn_parquet_node *children;
	size_t n_children;
	size_t first_leaf, n_leaves;
};

struct tarn_parquet_leaf {
	const struct tarn_parquet_node *node;
	enum parquet_physical physical;
	uint32_t width; /* bytes of a PLAIN value; 0: BOOLEAN and BYTE_ARRAY */
	const char **path;
	size_t path_len;
};

struct tarn_parquet_tree {
	struct tarn_arena arena;
	struct tarn_parquet_node root; /* its children are the columns */
	struct tarn_parquet_leaf *leaves;
	size_t n_leaves;
};

void tarn_parquet_tree_init(struct tarn_parquet_tree *tree, const struct tarn_field *fields, size_t n_fields);
void tarn_parquet_tree_release(struct tarn_parquet_tree *tree);

/* How a field that is not nested is stored. Decimals take the least bytes that hold their precision. */
enum parquet_physical tarn_parquet_physical(const struct tarn_field *field, uint32_t *width);

/* Appends the footer's list<SchemaElement> (field id 2) to a FileMetaData being written. */
struct tarn_thrift_writer;
void tarn_parquet_tree_write(const struct tarn_parquet_tree *tree, struct tarn_thrift_writer *writer);

#endif
