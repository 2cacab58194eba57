#include "store/parquet/footer.h"

#include <stdlib.h>

#include "store/parquet/thrift.h"

/* More than any row group has: beyond it a count is a lie, and believing it would cost memory. */
enum { ROWS_MAX = 1 << 28 };

/* ---- schema elements ---- */

static void read_unit(struct tarn_thrift_reader *reader, struct tarn_schema_element *element)
{
	int16_t id;
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		element->unit = id;
		tarn_thrift_skip(reader);
	}
}

static void read_logical_body(struct tarn_thrift_reader *reader, struct tarn_schema_element *element)
{
	int16_t id;
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		bool time = element->logical == PARQUET_LOGICAL_TIME || element->logical == PARQUET_LOGICAL_TIMESTAMP;
		if (element->logical == PARQUET_LOGICAL_DECIMAL && id == 1)
			element->scale = tarn_thrift_read_i32(reader);
		else if (element->logical == PARQUET_LOGICAL_DECIMAL && id == 2)
			element->precision = tarn_thrift_read_i32(reader);
		else if (time && id == 1)
			element->utc = tarn_thrift_read_bool(reader);
		else if (time && id == 2)
			read_unit(reader, element);
		else if (element->logical == PARQUET_LOGICAL_INTEGER && id == 1)
			element->bits = tarn_thrift_read_i32(reader);
		else if (element->logical == PARQUET_LOGICAL_INTEGER && id == 2)
			element->is_signed = tarn_thrift_read_bool(reader);
		else
			tarn_thrift_skip(reader);
	}
}

static void read_logical(struct tarn_thrift_reader *reader, struct tarn_schema_element *element)
{
	int16_t id;
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		element->logical = id;
		read_logical_body(reader, element);
	}
}

static void read_element(struct tarn_thrift_reader *reader, struct tarn_schema_element *element)
{
	int16_t id;
	*element = (struct tarn_schema_element){ .converted = PARQUET_CONVERTED_NONE };
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		switch (id) {
		case 1:
			element->physical = tarn_thrift_read_i32(reader);
			element->has_physical = true;
			break;
		case 2: element->length = tarn_thrift_read_i32(reader); break;
		case 3: element->repetition = tarn_thrift_read_i32(reader); break;
		case 4: element->name = tarn_thrift_read_binary(reader); break;
		case 5: element->n_children = tarn_thrift_read_i32(reader); break;
		case 6: element->converted = tarn_thrift_read_i32(reader); break;
		case 7: element->scale = tarn_thrift_read_i32(reader); break;
		case 8: element->precision = tarn_thrift_read_i32(reader); break;
		case 9:
			element->id = tarn_thrift_read_i32(reader);
			element->has_id = true;
			break;
		case 10: read_logical(reader, element); break;
		default: tarn_thrift_skip(reader); break;
		}
	}
}

static enum tarn_rc read_schema(struct tarn_footer *footer, struct tarn_thrift_reader *reader, struct tarn_err *err)
{
	struct tarn_schema_element *elements = NULL;
	size_t n = 0, count, cap = 0;
	enum tarn_rc rc = TARN_OK;
	if (footer->root.children) {
		reader->failed = "there are two schemas";
		return TARN_OK;
	}
	tarn_thrift_read_list(reader, TARN_THRIFT_STRUCT, &count);
	while (n < count && !reader->failed) {
		elements = tarn_grow(elements, &cap, n + 1, sizeof(*elements));
		reader->type = TARN_THRIFT_STRUCT;
		read_element(reader, &elements[n++]);
	}
	if (!reader->failed)
		rc = tarn_footer_build(footer, elements, n, err);
	free(elements);
	return rc;
}

/* ---- row groups ---- */

static void set_codec(struct tarn_footer_chunk *chunk, int32_t number)
{
	switch (number) {
	case PARQUET_UNCOMPRESSED: chunk->codec = TARN_CODEC_NONE; return;
	case PARQUET_SNAPPY: chunk->codec = TARN_CODEC_SNAPPY; return;
	case PARQUET_GZIP: chunk->codec = TARN_CODEC_GZIP; return;
	case PARQUET_ZSTD: chunk->codec = TARN_CODEC_ZSTD; return;
	case PARQUET_LZ4_RAW: chunk->codec = TARN_CODEC_LZ4_RAW; return;
	default: chunk->unknown_codec = true; return;
	}
}

static void read_chunk_metadata(struct tarn_thrift_reader *reader, const struct tarn_footer_leaf *leaf,
				struct tarn_footer_chunk *chunk)
{
	int64_t data = 0, dictionary = 0;
	int16_t id;
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		switch (id) {
		case 1:
			if (tarn_thrift_read_i32(reader) != (int32_t)leaf->leaf.physical && !reader->failed)
				reader->failed = "a chunk has another type than its column";
			break;
		case 4: set_codec(chunk, tarn_thrift_read_i32(reader)); break;
		case 5: chunk->values = tarn_thrift_read_int(reader); break;
		case 7: chunk->size = tarn_thrift_read_int(reader); break;
		case 9: data = tarn_thrift_read_int(reader); break;
		case 11: dictionary = tarn_thrift_read_int(reader); break;
		default: tarn_thrift_skip(reader); break;
		}
	}
	/* Old writers set a dictionary offset of 0, and some one behind the data, where there is no dictionary. */
	chunk->offset = dictionary > 0 && dictionary < data ? dictionary : data;
}

static void read_chunk(struct tarn_thrift_reader *reader, const struct tarn_footer_leaf *leaf, int64_t limit,
		       struct tarn_footer_chunk *chunk)
{
	int16_t id;
	bool found = false;
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		if (id == 3) {
			read_chunk_metadata(reader, leaf, chunk);
			found = true;
		} else if (id == 1 && !reader->failed) {
			reader->failed = "a chunk lies in another file";
		} else {
			tarn_thrift_skip(reader);
		}
	}
	if (reader->failed)
		return;
	if (!found)
		reader->failed = "a chunk has no metadata";
	else if (chunk->offset < 4 || chunk->size < 0 || chunk->offset > limit || chunk->size > limit - chunk->offset)
		reader->failed = "a chunk does not lie within the file";
	else if (chunk->values < 0)
		reader->failed = "a chunk has a negative number of values";
}

static void read_chunks(struct tarn_footer *footer, struct tarn_thrift_reader *reader, int64_t limit,
			struct tarn_footer_group *group)
{
	size_t count;
	if (!tarn_thrift_read_list(reader, TARN_THRIFT_STRUCT, &count))
		return;
	if (count != footer->n_leaves || group->chunks) {
		reader->failed = "a row group has not one chunk for each column";
		return;
	}
	group->chunks = tarn_arena_zalloc(&footer->arena, count * sizeof(*group->chunks));
	for (size_t i = 0; i < count && !reader->failed; i++) {
		reader->type = TARN_THRIFT_STRUCT;
		read_chunk(reader, &footer->leaves[i], limit, &group->chunks[i]);
	}
}

static void read_group(struct tarn_footer *footer, struct tarn_thrift_reader *reader, int64_t limit,
		       struct tarn_footer_group *group)
{
	int16_t id;
	*group = (struct tarn_footer_group){ .rows = -1 };
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		if (id == 1)
			read_chunks(footer, reader, limit, group);
		else if (id == 3)
			group->rows = tarn_thrift_read_int(reader);
		else
			tarn_thrift_skip(reader);
	}
	if (!reader->failed && (group->rows < 0 || group->rows > ROWS_MAX || !group->chunks))
		reader->failed = "a row group has no chunks, or an impossible number of rows";
	for (size_t i = 0; i < footer->n_leaves && !reader->failed; i++)
		if (!footer->leaves[i].leaf.node->rep && group->chunks[i].values != group->rows)
			reader->failed = "a chunk has not as many values as its group has rows";
}

static void read_groups(struct tarn_footer *footer, struct tarn_thrift_reader *reader, int64_t limit)
{
	size_t count;
	if (!footer->root.children) {
		reader->failed = "row groups come before the schema";
		return;
	}
	if (!tarn_thrift_read_list(reader, TARN_THRIFT_STRUCT, &count))
		return;
	for (size_t i = 0; i < count && !reader->failed; i++) {
		footer->groups = tarn_grow(footer->groups, &footer->cap_groups, i + 1, sizeof(*footer->groups));
		reader->type = TARN_THRIFT_STRUCT;
		read_group(footer, reader, limit, &footer->groups[i]);
		footer->n_groups = i + 1;
	}
}

/* ---- the rest ---- */

static void read_pair(struct tarn_thrift_reader *reader, struct tarn_footer_pair *pair)
{
	int16_t id;
	*pair = (struct tarn_footer_pair){ 0 };
	if (!tarn_thrift_enter(reader))
		return;
	while (tarn_thrift_next(reader, &id)) {
		if (id == 1)
			pair->key = tarn_thrift_read_binary(reader);
		else if (id == 2)
			pair->value = tarn_thrift_read_binary(reader);
		else
			tarn_thrift_skip(reader);
	}
}

static void read_pairs(struct tarn_footer *footer, struct tarn_thrift_reader *reader)
{
	size_t count;
	if (!tarn_thrift_read_list(reader, TARN_THRIFT_STRUCT, &count))
		return;
	for (size_t i = 0; i < count && !reader->failed; i++) {
		footer->pairs = tarn_grow(footer->pairs, &footer->cap_pairs, i + 1, sizeof(*footer->pairs));
		reader->type = TARN_THRIFT_STRUCT;
		read_pair(reader, &footer->pairs[i]);
		footer->n_pairs = i + 1;
	}
}

static enum tarn_rc read_fields(struct tarn_footer *footer, struct tarn_thrift_reader *reader, int64_t limit,
				struct tarn_err *err)
{
	int16_t id;
	enum tarn_rc rc = TARN_OK;
	while (rc == TARN_OK && tarn_thrift_next(reader, &id)) {
		switch (id) {
		case 2: rc = read_schema(footer, reader, err); break;
		case 3: footer->rows = tarn_thrift_read_int(reader); break;
		case 4: read_groups(footer, reader, limit); break;
		case 5: read_pairs(footer, reader); break;
		case 8: return tarn_fail(err, TARN_EUNSUPPORTED, "the parquet file is encrypted");
		default: tarn_thrift_skip(reader); break;
		}
	}
	return rc;
}

/* Rows are counted twice in a footer; both must agree, or sizes made from one would not fit the other. */
static enum tarn_rc check_rows(const struct tarn_footer *footer, int64_t position, struct tarn_err *err)
{
	int64_t rows = 0;
	for (size_t i = 0; i < footer->n_groups; i++)
		if (__builtin_add_overflow(rows, footer->groups[i].rows, &rows))
			rows = -1;
	if (!footer->root.children || rows != footer->rows)
		return tarn_fail_at(err, TARN_EINVALID, position,
				    "parquet footer: no schema, or the groups' rows do not add up to the file's");
	return TARN_OK;
}

enum tarn_rc tarn_footer_read(struct tarn_footer *footer, struct tarn_slice bytes, int64_t position,
			      struct tarn_err *err)
{
	struct tarn_thrift_reader reader;
	*footer = (struct tarn_footer){ 0 };
	tarn_arena_init(&footer->arena);
	tarn_thrift_reader_init(&reader, bytes);
	enum tarn_rc rc = read_fields(footer, &reader, position, err);
	if (rc == TARN_OK)
		rc = tarn_thrift_status(&reader, position, "parquet footer", err);
	if (rc == TARN_OK)
		rc = check_rows(footer, position, err);
	if (rc != TARN_OK)
		tarn_footer_release(footer);
	return rc;
}

void tarn_footer_release(struct tarn_footer *footer)
{
	free(footer->leaves);
	free(footer->groups);
	free(footer->pairs);
	tarn_arena_release(&footer->arena);
	*footer = (struct tarn_footer){ 0 };
}
