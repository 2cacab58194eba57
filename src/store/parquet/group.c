#include "store/parquet/group.h"

#include <assert.h>
#include <stdlib.h>

enum { DEFAULT_PAGE_BYTES = 1 << 20, DEFAULT_DICTIONARY_BYTES = 2 << 20 };

struct tarn_parquet_scratch *tarn_parquet_scratch_new(void)
{
	struct tarn_parquet_scratch *scratch = tarn_malloc(sizeof(*scratch));
	scratch->compressor = tarn_compressor_new();
	tarn_buf_init(&scratch->packed, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&scratch->raw, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&scratch->compressed, 2 * TARN_BUF_DEFAULT_MAX);
	return scratch;
}

void tarn_parquet_scratch_free(struct tarn_parquet_scratch *scratch)
{
	if (!scratch)
		return;
	tarn_compressor_free(scratch->compressor);
	tarn_buf_release(&scratch->packed);
	tarn_buf_release(&scratch->raw);
	tarn_buf_release(&scratch->compressed);
	free(scratch);
}

struct tarn_parquet_group *tarn_parquet_group_new(const struct tarn_field *fields, size_t n_fields,
						  const struct tarn_parquet_options *options)
{
	struct tarn_parquet_group *group = tarn_calloc(1, sizeof(*group));
	struct tarn_chunk_tools *tools = &group->tools;
	tarn_parquet_tree_init(&group->tree, fields, n_fields);
	if (!options->scratch)
		group->own_scratch = tarn_parquet_scratch_new();
	*tools = (struct tarn_chunk_tools){
		.scratch = options->scratch ? options->scratch : group->own_scratch,
		.codec = options->codec,
		.level = options->level,
		.page_bytes = options->page_bytes ? options->page_bytes : DEFAULT_PAGE_BYTES,
		.dictionary_bytes = options->dictionary_bytes ? options->dictionary_bytes : DEFAULT_DICTIONARY_BYTES,
	};
	group->columns = tarn_calloc(n_fields, sizeof(*group->columns));
	group->chunks = tarn_calloc(group->tree.n_leaves, sizeof(*group->chunks));
	for (size_t i = 0; i < group->tree.n_leaves; i++)
		tarn_chunk_init(&group->chunks[i], &group->tree.leaves[i], tools);
	return group;
}

static void return_scratch(struct tarn_parquet_group *group)
{
	tarn_parquet_scratch_free(group->own_scratch);
	group->own_scratch = NULL;
	group->tools.scratch = NULL;
}

void tarn_parquet_group_lend(struct tarn_parquet_group *group, struct tarn_parquet_scratch *scratch)
{
	return_scratch(group);
	group->tools.scratch = scratch;
}

void tarn_parquet_group_free(struct tarn_parquet_group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->tree.n_leaves; i++)
		tarn_chunk_release(&group->chunks[i]);
	for (size_t i = 0; i < group->tree.root.n_children; i++)
		free(group->columns[i].frames);
	return_scratch(group);
	free(group->chunks);
	free(group->columns);
	tarn_parquet_tree_release(&group->tree);
	free(group);
}

/* ---- where the next values of a column go ---- */

struct place {
	const struct tarn_parquet_node *node;
	unsigned rep, more_rep; /* of the first value, of those after it */
	bool top;
};

static struct place next_place(struct tarn_parquet_group *group, size_t column, size_t count)
{
	assert(column < group->tree.root.n_children && !group->finished);
	struct tarn_parquet_column *state = &group->columns[column];
	if (!state->n_frames)
		return (struct place){ &group->tree.root.children[column], 0, 0, true };
	struct tarn_parquet_frame *frame = &state->frames[state->n_frames - 1];
	struct place place = { .rep = frame->first_rep, .more_rep = frame->first_rep };
	if (frame->node->kind == TARN_TYPE_STRUCT) {
		assert(frame->count < frame->node->n_children && count == 1);
		place.node = &frame->node->children[frame->count++];
		return place;
	}
	place.node = &frame->node->children[0];
	place.more_rep = place.node->rep;
	if (frame->count)
		place.rep = place.more_rep;
	frame->count += count;
	return place;
}

static void put_levels(struct tarn_chunk *chunk, const struct place *place, unsigned def, size_t count)
{
	tarn_chunk_add_levels(chunk, place->rep, def, 1);
	tarn_chunk_add_levels(chunk, place->more_rep, def, count - 1);
}

static void end_row(struct tarn_parquet_group *group, size_t column)
{
	const struct tarn_parquet_node *node = &group->tree.root.children[column];
	group->columns[column].rows++;
	for (size_t i = 0; i < node->n_leaves; i++)
		tarn_chunk_end_row(&group->chunks[node->first_leaf + i]);
}

static void put(struct tarn_parquet_group *group, size_t column, const struct tarn_chunk_value *value, size_t count,
		const struct place *place)
{
	struct tarn_chunk *chunk = &group->chunks[place->node->first_leaf];
	if (!count)
		return;
	if (place->top) {
		tarn_chunk_put(chunk, value, count);
		group->columns[column].rows += count;
		return;
	}
	put_levels(chunk, place, place->node->def, count);
	tarn_chunk_add_values(chunk, value, count);
}

/* ---- values ---- */

void tarn_parquet_put_nulls(struct tarn_parquet_group *group, size_t column, size_t count)
{
	struct place place = next_place(group, column, count);
	const struct tarn_parquet_node *node = place.node;
	assert(node->optional);
	if (!count)
		return;
	if (place.top && !node->n_children) {
		tarn_chunk_put_nulls(&group->chunks[node->first_leaf], count);
		group->columns[column].rows += count;
		return;
	}
	if (!place.top) {
		for (size_t i = 0; i < node->n_leaves; i++)
			put_levels(&group->chunks[node->first_leaf + i], &place, node->outer_def, count);
		return;
	}
	for (size_t row = 0; row < count; row++) {
		for (size_t i = 0; i < node->n_leaves; i++)
			tarn_chunk_add_levels(&group->chunks[node->first_leaf + i], 0, node->outer_def, 1);
		end_row(group, column);
	}
}

void tarn_parquet_put_boolean(struct tarn_parquet_group *group, size_t column, bool value, size_t count)
{
	struct place place = next_place(group, column, count);
	assert(place.node->kind == TARN_TYPE_BOOLEAN);
	struct tarn_chunk_value wanted = { .key = value };
	put(group, column, &wanted, count, &place);
}

void tarn_parquet_put_int(struct tarn_parquet_group *group, size_t column, int32_t value, size_t count)
{
	struct place place = next_place(group, column, count);
	assert(place.node->kind == TARN_TYPE_INT || place.node->kind == TARN_TYPE_DATE);
	struct tarn_chunk_value wanted = { .bytes = tarn_slice_of(&value, sizeof(value)), .key = value };
	put(group, column, &wanted, count, &place);
}

void tarn_parquet_put_long(struct tarn_parquet_group *group, size_t column, int64_t value, size_t count)
{
	struct place place = next_place(group, column, count);
	assert(place.node->kind == TARN_TYPE_LONG || place.node->kind == TARN_TYPE_TIME ||
	       place.node->kind == TARN_TYPE_TIMESTAMP || place.node->kind == TARN_TYPE_TIMESTAMPTZ);
	struct tarn_chunk_value wanted = { .bytes = tarn_slice_of(&value, sizeof(value)), .key = value };
	put(group, column, &wanted, count, &place);
}

void tarn_parquet_put_float(struct tarn_parquet_group *group, size_t column, float value, size_t count)
{
	struct place place = next_place(group, column, count);
	assert(place.node->kind == TARN_TYPE_FLOAT);
	struct tarn_chunk_value wanted = {
		.bytes = tarn_slice_of(&value, sizeof(value)),
		.key = tarn_key_of_double((double)value),
		.nan = value != value,
	};
	put(group, column, &wanted, count, &place);
}

void tarn_parquet_put_double(struct tarn_parquet_group *group, size_t column, double value, size_t count)
{
	struct place place = next_place(group, column, count);
	assert(place.node->kind == TARN_TYPE_DOUBLE);
	struct tarn_chunk_value wanted = {
		.bytes = tarn_slice_of(&value, sizeof(value)),
		.key = tarn_key_of_double(value),
		.nan = value != value,
	};
	put(group, column, &wanted, count, &place);
}

void tarn_parquet_put_string(struct tarn_parquet_group *group, size_t column, struct tarn_slice value, size_t count)
{
	struct place place = next_place(group, column, count);
	const struct tarn_parquet_leaf *leaf = &group->tree.leaves[place.node->first_leaf];
	assert(place.node->kind >= TARN_TYPE_STRING && place.node->kind <= TARN_TYPE_FIXED);
	assert(!leaf->width || leaf->width == value.len);
	(void)leaf;
	struct tarn_chunk_value wanted = { .bytes = value, .order = value };
	put(group, column, &wanted, count, &place);
}

void tarn_parquet_put_decimal(struct tarn_parquet_group *group, size_t column, uint64_t low, int64_t high, size_t count)
{
	struct place place = next_place(group, column, count);
	const struct tarn_parquet_leaf *leaf = &group->tree.leaves[place.node->first_leaf];
	uint8_t bytes[16], order[16];
	assert(place.node->kind == TARN_TYPE_DECIMAL);
	struct tarn_chunk_value wanted = { .bytes = tarn_slice_of(bytes, leaf->width), .key = (int64_t)low };
	if (leaf->physical != PARQUET_FIXED) {
		memcpy(bytes, &low, 8);
	} else {
		for (uint32_t i = 0; i < leaf->width; i++) {
			uint32_t shift = 8 * (leaf->width - 1 - i);
			bytes[i] = (uint8_t)(shift < 64 ? low >> shift : (uint64_t)high >> (shift - 64));
		}
		memcpy(order, bytes, leaf->width);
		order[0] ^= 0x80; /* negative ones before the others, as unsigned bytes order */
		wanted.order = tarn_slice_of(order, leaf->width);
	}
	put(group, column, &wanted, count, &place);
}

static void put_dense_doubles(struct tarn_parquet_group *group, size_t column, const double *values, size_t count)
{
	const struct tarn_parquet_column *state = &group->columns[column];
	if (!state->n_frames) {
		struct place place = next_place(group, column, count);
		assert(place.node->kind == TARN_TYPE_DOUBLE);
		tarn_chunk_put_doubles(&group->chunks[place.node->first_leaf], values, count);
		group->columns[column].rows += count;
		return;
	}
	for (size_t i = 0; i < count; i++)
		tarn_parquet_put_double(group, column, values[i], 1);
}

void tarn_parquet_put_doubles(struct tarn_parquet_group *group, size_t column, const double *values,
			      const uint8_t *valid, size_t count)
{
	if (!valid) {
		put_dense_doubles(group, column, values, count);
		return;
	}
	for (size_t start = 0, end; start < count; start = end) {
		for (end = start + 1; end < count && !valid[end] == !valid[start]; end++)
			;
		if (valid[start])
			put_dense_doubles(group, column, values + start, end - start);
		else
			tarn_parquet_put_nulls(group, column, end - start);
	}
}

void tarn_parquet_put_series(struct tarn_parquet_group *group, size_t column, struct tarn_slice prefix, int64_t first,
			     size_t count)
{
	struct place place = next_place(group, column, count);
	assert(place.node->kind == TARN_TYPE_STRING && place.top);
	tarn_chunk_put_series(&group->chunks[place.node->first_leaf], prefix, first, count);
	group->columns[column].rows += count;
}

void tarn_parquet_put_cycle(struct tarn_parquet_group *group, size_t column, int32_t first, int32_t period,
			    size_t count)
{
	struct place place = next_place(group, column, count);
	assert((place.node->kind == TARN_TYPE_INT || place.node->kind == TARN_TYPE_DATE) && place.top);
	tarn_chunk_put_cycle(&group->chunks[place.node->first_leaf], first, period, count);
	group->columns[column].rows += count;
}

/* ---- nesting ---- */

static void begin(struct tarn_parquet_group *group, size_t column, bool list)
{
	struct place place = next_place(group, column, 1);
	struct tarn_parquet_column *state = &group->columns[column];
	assert((place.node->kind == TARN_TYPE_STRUCT) != list && place.node->n_children);
	(void)list;
	state->frames = tarn_grow(state->frames, &state->cap_frames, state->n_frames + 1, sizeof(*state->frames));
	state->frames[state->n_frames++] = (struct tarn_parquet_frame){ .node = place.node, .first_rep = place.rep };
}

static struct tarn_parquet_frame end(struct tarn_parquet_group *group, size_t column)
{
	struct tarn_parquet_column *state = &group->columns[column];
	assert(state->n_frames);
	return state->frames[--state->n_frames];
}

void tarn_parquet_begin_list(struct tarn_parquet_group *group, size_t column)
{
	begin(group, column, true);
}

void tarn_parquet_end_list(struct tarn_parquet_group *group, size_t column)
{
	struct tarn_parquet_frame frame = end(group, column);
	assert(frame.node->kind != TARN_TYPE_STRUCT);
	for (size_t i = 0; !frame.count && i < frame.node->n_leaves; i++)
		tarn_chunk_add_levels(&group->chunks[frame.node->first_leaf + i], frame.first_rep, frame.node->def, 1);
	if (!group->columns[column].n_frames)
		end_row(group, column);
}

void tarn_parquet_begin_struct(struct tarn_parquet_group *group, size_t column)
{
	begin(group, column, false);
}

void tarn_parquet_end_struct(struct tarn_parquet_group *group, size_t column)
{
	struct tarn_parquet_frame frame = end(group, column);
	assert(frame.node->kind == TARN_TYPE_STRUCT && frame.count == frame.node->n_children);
	(void)frame;
	if (!group->columns[column].n_frames)
		end_row(group, column);
}

/* ---- the group as a whole ---- */

size_t tarn_parquet_group_rows(const struct tarn_parquet_group *group)
{
	return group->tree.root.n_children ? group->columns[0].rows : 0;
}

size_t tarn_parquet_group_bytes(const struct tarn_parquet_group *group)
{
	size_t bytes = 0;
	for (size_t i = 0; i < group->tree.n_leaves; i++)
		bytes += tarn_chunk_bytes(&group->chunks[i]);
	return bytes;
}

enum tarn_rc tarn_parquet_group_finish(struct tarn_parquet_group *group, struct tarn_err *err)
{
	for (size_t i = 0; i < group->tree.root.n_children; i++)
		assert(group->columns[i].rows == group->columns[0].rows && !group->columns[i].n_frames);
	for (size_t i = 0; i < group->tree.n_leaves; i++)
		tarn_chunk_finish(&group->chunks[i]);
	group->finished = true;
	return_scratch(group);
	if (group->tools.rc != TARN_OK && err)
		*err = group->tools.err;
	return group->tools.rc;
}
