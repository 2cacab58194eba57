/* A file's footer as it was read: schema tree, row groups, key-value metadata. */
#ifndef TARN_STORE_PARQUET_FOOTER_H
#define TARN_STORE_PARQUET_FOOTER_H

#include "base/compress.h"
#include "store/parquet/tree.h"

/* How stored numbers become Iceberg's. */
enum tarn_parquet_scale {
	TARN_SCALE_NONE,
	TARN_SCALE_MILLIS, /* times 1,000 */
	TARN_SCALE_NANOS,  /* divided by 1,000, rounded down */
	TARN_SCALE_UNSIGNED,
};

struct tarn_footer_leaf {
	struct tarn_parquet_leaf leaf; /* without a path */
	enum tarn_parquet_scale scale;
};

struct tarn_footer_chunk {
	enum tarn_codec codec;
	bool unknown_codec;
	int64_t values;
	int64_t offset, size; /* all pages, within the file */
};

struct tarn_footer_group {
	int64_t rows;
	struct tarn_footer_chunk *chunks; /* one a leaf */
};

struct tarn_footer_pair {
	struct tarn_slice key, value;
};

struct tarn_footer {
	struct tarn_arena arena;
	struct tarn_parquet_node root; /* its children are the columns */
	struct tarn_field *fields;     /* of the columns */
	struct tarn_footer_leaf *leaves;
	size_t n_leaves, cap_leaves;
	bool has_ids;
	struct tarn_footer_group *groups;
	size_t n_groups, cap_groups;
	struct tarn_footer_pair *pairs;
	size_t n_pairs, cap_pairs;
	int64_t rows;
};

/* `bytes` (the FileMetaData alone, at `position` of the file) must outlive the footer. */
enum tarn_rc tarn_footer_read(struct tarn_footer *footer, struct tarn_slice bytes, int64_t position,
			      struct tarn_err *err) TARN_MUST_CHECK;
void tarn_footer_release(struct tarn_footer *footer);

/* One element of the schema, as stored. */
struct tarn_schema_element {
	int32_t physical, length, repetition, n_children, converted, scale, precision, id;
	bool has_physical, has_id, utc, is_signed;
	int32_t logical, unit, bits;
	struct tarn_slice name;
};

/* Makes fields, nodes and leaves of the elements (preorder, the root first). */
enum tarn_rc tarn_footer_build(struct tarn_footer *footer, const struct tarn_schema_element *elements, size_t n,
			       struct tarn_err *err) TARN_MUST_CHECK;

#endif
