/* A file: groups behind each other, then the page indexes, then the footer (parquet-format, README and PageIndex.md).
 *
 *   PAR1 | groups | column indexes | offset indexes | FileMetaData | its length | PAR1
 *   group: chunk...    chunk: [dictionary page] data page...
 */
#include <assert.h>
#include <stdlib.h>

#include "store/parquet/group.h"
#include "store/parquet/thrift.h"

/* What the footer says of a written chunk. */
struct written_chunk {
	struct tarn_bounds bounds;
	int64_t entries, nulls, nans, raw_bytes, bytes;
	int64_t data_offset, dictionary_offset; /* the latter 0 where there is none */
	struct tarn_chunk_page *pages;
	size_t n_pages, n_dictionary_pages;
	struct tarn_buf column_index;
	int64_t column_index_offset, offset_index_offset;
	int32_t offset_index_len;
};

struct written_group {
	struct written_chunk *chunks;
	int64_t rows, offset, raw_bytes, bytes;
};

struct tarn_parquet_file {
	struct tarn_parquet_tree tree;
	struct tarn_slice iceberg_schema; /* owned */
	tarn_parquet_sink sink;
	void *context;
	enum tarn_codec codec;
	struct written_group *groups;
	size_t n_groups, cap_groups;
	int64_t *splits;
	size_t cap_splits;
	int64_t at, rows;
	struct tarn_parquet_metrics *metrics;
	uint8_t (*bounds)[2][TARN_BOUND_TEXT_SIZE]; /* what the metrics point at */
	bool started, finished;
};

struct tarn_parquet_file *tarn_parquet_file_new(const struct tarn_field *fields, size_t n_fields,
						struct tarn_slice iceberg_schema, tarn_parquet_sink sink, void *context)
{
	struct tarn_parquet_file *file = tarn_calloc(1, sizeof(*file));
	tarn_parquet_tree_init(&file->tree, fields, n_fields);
	if (iceberg_schema.len)
		file->iceberg_schema =
			tarn_slice_of(tarn_arena_copy(&file->tree.arena, iceberg_schema.data, iceberg_schema.len),
				      iceberg_schema.len);
	file->sink = sink;
	file->context = context;
	file->metrics = tarn_calloc(file->tree.n_leaves, sizeof(*file->metrics));
	file->bounds = tarn_calloc(file->tree.n_leaves, sizeof(*file->bounds));
	return file;
}

void tarn_parquet_file_free(struct tarn_parquet_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->n_groups; i++) {
		for (size_t j = 0; j < file->tree.n_leaves; j++) {
			tarn_buf_release(&file->groups[i].chunks[j].column_index);
			free(file->groups[i].chunks[j].pages);
		}
		free(file->groups[i].chunks);
	}
	free(file->groups);
	free(file->splits);
	free(file->metrics);
	free(file->bounds);
	tarn_parquet_tree_release(&file->tree);
	free(file);
}

static enum tarn_rc emit(struct tarn_parquet_file *file, struct tarn_slice bytes, struct tarn_err *err)
{
	if (!bytes.len)
		return TARN_OK;
	enum tarn_rc rc = file->sink(file->context, bytes, err);
	if (rc == TARN_OK)
		file->at += (int64_t)bytes.len;
	return rc;
}

static enum tarn_rc start(struct tarn_parquet_file *file, struct tarn_err *err)
{
	if (file->started)
		return TARN_OK;
	file->started = true;
	return emit(file, tarn_slice_str(PARQUET_MAGIC), err);
}

/* ---- groups ---- */

static enum tarn_rc append_chunk(struct tarn_parquet_file *file, struct tarn_chunk *chunk,
				 struct written_chunk *written, struct tarn_err *err)
{
	*written = (struct written_chunk){
		.bounds = chunk->bounds,
		.entries = chunk->entries,
		.nulls = chunk->nulls,
		.nans = chunk->nans,
		.raw_bytes = chunk->raw_bytes,
		.bytes = (int64_t)(chunk->dictionary_page.len + chunk->data_pages.len),
		.dictionary_offset = chunk->dictionary_page.len ? file->at : 0,
		.data_offset = file->at + (int64_t)chunk->dictionary_page.len,
		.pages = chunk->pages,
		.n_pages = chunk->n_pages,
		.n_dictionary_pages = chunk->n_dictionary_pages,
		.column_index = chunk->column_index,
	};
	chunk->pages = NULL;
	tarn_buf_init(&chunk->column_index, 0);
	enum tarn_rc rc = emit(file, tarn_buf_slice(&chunk->dictionary_page), err);
	return rc == TARN_OK ? emit(file, tarn_buf_slice(&chunk->data_pages), err) : rc;
}

enum tarn_rc tarn_parquet_file_append(struct tarn_parquet_file *file, struct tarn_parquet_group *group,
				      struct tarn_err *err)
{
	assert(group->finished && !file->finished && group->tree.n_leaves == file->tree.n_leaves);
	if (!tarn_parquet_group_rows(group))
		return TARN_OK;
	enum tarn_rc rc = start(file, err);
	if (rc != TARN_OK)
		return rc;
	assert(!file->n_groups || file->codec == group->tools.codec);
	file->codec = group->tools.codec;
	struct written_group written = {
		.rows = (int64_t)tarn_parquet_group_rows(group),
		.offset = file->at,
		.chunks = tarn_calloc(file->tree.n_leaves, sizeof(*written.chunks)),
	};
	for (size_t i = 0; i < file->tree.n_leaves && rc == TARN_OK; i++) {
		rc = append_chunk(file, &group->chunks[i], &written.chunks[i], err);
		written.raw_bytes += written.chunks[i].raw_bytes;
		written.bytes += written.chunks[i].bytes;
	}
	file->groups = tarn_grow(file->groups, &file->cap_groups, file->n_groups + 1, sizeof(*file->groups));
	file->splits = tarn_grow(file->splits, &file->cap_splits, file->n_groups + 1, sizeof(*file->splits));
	file->splits[file->n_groups] = written.offset;
	file->groups[file->n_groups++] = written;
	file->rows += written.rows;
	return rc;
}

/* ---- page indexes ---- */

static void write_offset_index(const struct written_chunk *chunk, struct tarn_buf *out)
{
	struct tarn_thrift_writer writer;
	tarn_thrift_writer_init(&writer, out);
	tarn_thrift_list(&writer, 1, TARN_THRIFT_STRUCT, chunk->n_pages);
	for (size_t i = 0; i < chunk->n_pages; i++) {
		tarn_thrift_element_begin(&writer);
		tarn_thrift_i64(&writer, 1, chunk->data_offset + chunk->pages[i].offset);
		tarn_thrift_i32(&writer, 2, chunk->pages[i].size);
		tarn_thrift_i64(&writer, 3, chunk->pages[i].first_row);
		tarn_thrift_end(&writer);
	}
	tarn_thrift_end(&writer);
}

static enum tarn_rc write_indexes(struct tarn_parquet_file *file, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	size_t n = file->n_groups * file->tree.n_leaves;
	for (size_t i = 0; i < n && rc == TARN_OK; i++) {
		struct written_chunk *chunk = &file->groups[i / file->tree.n_leaves].chunks[i % file->tree.n_leaves];
		chunk->column_index_offset = file->at;
		rc = emit(file, tarn_buf_slice(&chunk->column_index), err);
	}
	struct tarn_buf index;
	tarn_buf_init(&index, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n && rc == TARN_OK; i++) {
		struct written_chunk *chunk = &file->groups[i / file->tree.n_leaves].chunks[i % file->tree.n_leaves];
		tarn_buf_clear(&index);
		write_offset_index(chunk, &index);
		chunk->offset_index_offset = file->at;
		chunk->offset_index_len = (int32_t)index.len;
		rc = emit(file, tarn_buf_slice(&index), err);
	}
	tarn_buf_release(&index);
	return rc;
}

/* ---- footer ---- */

static enum parquet_codec codec_number(enum tarn_codec codec)
{
	switch (codec) {
	case TARN_CODEC_NONE: return PARQUET_UNCOMPRESSED;
	case TARN_CODEC_SNAPPY: return PARQUET_SNAPPY;
	case TARN_CODEC_GZIP: return PARQUET_GZIP;
	case TARN_CODEC_ZSTD: return PARQUET_ZSTD;
	case TARN_CODEC_LZ4_RAW: return PARQUET_LZ4_RAW;
	case TARN_CODEC_DEFLATE: break;
	}
	assert(!"parquet has no raw deflate");
	return PARQUET_UNCOMPRESSED;
}

static void write_statistics(struct tarn_thrift_writer *writer, const struct tarn_parquet_leaf *leaf,
			     const struct written_chunk *chunk)
{
	uint8_t min[TARN_BOUND_TEXT_SIZE], max[TARN_BOUND_TEXT_SIZE];
	bool min_exact = true, max_exact = true;
	int min_len = -1, max_len = -1;
	/* Readers disagree about NaN, so a chunk that has one shows no bounds. */
	if (!chunk->nans) {
		min_len = tarn_bounds_serialize(&chunk->bounds, leaf, false, TARN_BOUND_PARQUET, min, &min_exact);
		max_len = tarn_bounds_serialize(&chunk->bounds, leaf, true, TARN_BOUND_PARQUET, max, &max_exact);
	}
	tarn_thrift_begin(writer, 12);
	tarn_thrift_i64(writer, 3, chunk->nulls);
	if (max_len >= 0)
		tarn_thrift_binary(writer, 5, tarn_slice_of(max, (size_t)max_len));
	if (min_len >= 0)
		tarn_thrift_binary(writer, 6, tarn_slice_of(min, (size_t)min_len));
	if (max_len >= 0)
		tarn_thrift_bool(writer, 7, max_exact);
	if (min_len >= 0)
		tarn_thrift_bool(writer, 8, min_exact);
	tarn_thrift_end(writer);
}

static void write_page_count(struct tarn_thrift_writer *writer, enum parquet_page_type type,
			     enum parquet_encoding encoding, size_t count)
{
	tarn_thrift_element_begin(writer);
	tarn_thrift_i32(writer, 1, type);
	tarn_thrift_i32(writer, 2, encoding);
	tarn_thrift_i32(writer, 3, (int32_t)count);
	tarn_thrift_end(writer);
}

static void write_encoding_stats(struct tarn_thrift_writer *writer, const struct written_chunk *chunk)
{
	size_t n_plain = chunk->n_pages - chunk->n_dictionary_pages;
	tarn_thrift_list(writer, 13, TARN_THRIFT_STRUCT, (chunk->n_dictionary_pages ? 2 : 0) + (n_plain ? 1 : 0));
	if (chunk->n_dictionary_pages) {
		write_page_count(writer, PARQUET_DICTIONARY_PAGE, PARQUET_PLAIN, 1);
		write_page_count(writer, PARQUET_DATA_PAGE, PARQUET_RLE_DICTIONARY, chunk->n_dictionary_pages);
	}
	if (n_plain)
		write_page_count(writer, PARQUET_DATA_PAGE, PARQUET_PLAIN, n_plain);
}

static void write_chunk_metadata(struct tarn_thrift_writer *writer, const struct tarn_parquet_file *file,
				 const struct tarn_parquet_leaf *leaf, const struct written_chunk *chunk)
{
	tarn_thrift_begin(writer, 3);
	tarn_thrift_i32(writer, 1, leaf->physical);
	tarn_thrift_list(writer, 2, TARN_THRIFT_I32, chunk->n_dictionary_pages ? 3 : 2);
	tarn_thrift_element_int(writer, PARQUET_PLAIN);
	tarn_thrift_element_int(writer, PARQUET_RLE);
	if (chunk->n_dictionary_pages)
		tarn_thrift_element_int(writer, PARQUET_RLE_DICTIONARY);
	tarn_thrift_list(writer, 3, TARN_THRIFT_BINARY, leaf->path_len);
	for (size_t i = 0; i < leaf->path_len; i++)
		tarn_thrift_element_binary(writer, tarn_slice_str(leaf->path[i]));
	tarn_thrift_i32(writer, 4, codec_number(file->codec));
	tarn_thrift_i64(writer, 5, chunk->entries);
	tarn_thrift_i64(writer, 6, chunk->raw_bytes);
	tarn_thrift_i64(writer, 7, chunk->bytes);
	tarn_thrift_i64(writer, 9, chunk->data_offset);
	if (chunk->dictionary_offset)
		tarn_thrift_i64(writer, 11, chunk->dictionary_offset);
	write_statistics(writer, leaf, chunk);
	write_encoding_stats(writer, chunk);
	tarn_thrift_end(writer);
}

static void write_chunk(struct tarn_thrift_writer *writer, const struct tarn_parquet_file *file,
			const struct tarn_parquet_leaf *leaf, const struct written_chunk *chunk)
{
	tarn_thrift_element_begin(writer);
	tarn_thrift_i64(writer, 2, chunk->dictionary_offset ? chunk->dictionary_offset : chunk->data_offset);
	write_chunk_metadata(writer, file, leaf, chunk);
	tarn_thrift_i64(writer, 4, chunk->offset_index_offset);
	tarn_thrift_i32(writer, 5, chunk->offset_index_len);
	if (chunk->column_index.len) {
		tarn_thrift_i64(writer, 6, chunk->column_index_offset);
		tarn_thrift_i32(writer, 7, (int32_t)chunk->column_index.len);
	}
	tarn_thrift_end(writer);
}

static void write_groups(struct tarn_thrift_writer *writer, const struct tarn_parquet_file *file)
{
	tarn_thrift_list(writer, 4, TARN_THRIFT_STRUCT, file->n_groups);
	for (size_t i = 0; i < file->n_groups; i++) {
		const struct written_group *group = &file->groups[i];
		tarn_thrift_element_begin(writer);
		tarn_thrift_list(writer, 1, TARN_THRIFT_STRUCT, file->tree.n_leaves);
		for (size_t j = 0; j < file->tree.n_leaves; j++)
			write_chunk(writer, file, &file->tree.leaves[j], &group->chunks[j]);
		tarn_thrift_i64(writer, 2, group->raw_bytes);
		tarn_thrift_i64(writer, 3, group->rows);
		tarn_thrift_i64(writer, 5, group->offset);
		tarn_thrift_i64(writer, 6, group->bytes);
		if (i <= INT16_MAX)
			tarn_thrift_i16(writer, 7, (int16_t)i);
		tarn_thrift_end(writer);
	}
}

static void write_metadata(struct tarn_thrift_writer *writer, const struct tarn_parquet_file *file)
{
	tarn_thrift_i32(writer, 1, 1);
	tarn_parquet_tree_write(&file->tree, writer);
	tarn_thrift_i64(writer, 3, file->rows);
	write_groups(writer, file);
	if (file->iceberg_schema.len) {
		tarn_thrift_list(writer, 5, TARN_THRIFT_STRUCT, 1);
		tarn_thrift_element_begin(writer);
		tarn_thrift_binary(writer, 1, tarn_slice_str("iceberg.schema"));
		tarn_thrift_binary(writer, 2, file->iceberg_schema);
		tarn_thrift_end(writer);
	}
	tarn_thrift_binary(writer, 6, tarn_slice_str("tarn version " TARN_VERSION " (build 0)"));
	tarn_thrift_list(writer, 7, TARN_THRIFT_STRUCT, file->tree.n_leaves);
	for (size_t i = 0; i < file->tree.n_leaves; i++) {
		tarn_thrift_element_begin(writer);
		tarn_thrift_empty(writer, 1); /* TYPE_ORDER */
		tarn_thrift_end(writer);
	}
	tarn_thrift_end(writer);
}

static enum tarn_rc write_footer(struct tarn_parquet_file *file, struct tarn_err *err)
{
	struct tarn_buf footer;
	struct tarn_thrift_writer writer;
	tarn_buf_init(&footer, TARN_BUF_DEFAULT_MAX);
	tarn_thrift_writer_init(&writer, &footer);
	write_metadata(&writer, file);
	tarn_buf_add_le32(&footer, (uint32_t)footer.len);
	tarn_buf_add_str(&footer, PARQUET_MAGIC);
	enum tarn_rc rc = footer.overflow ? tarn_fail(err, TARN_ELIMIT, "the footer is larger than 1 GiB")
					  : emit(file, tarn_buf_slice(&footer), err);
	tarn_buf_release(&footer);
	return rc;
}

/* ---- metrics ---- */

static void sum_metrics(struct tarn_parquet_file *file, size_t leaf_index)
{
	const struct tarn_parquet_leaf *leaf = &file->tree.leaves[leaf_index];
	struct tarn_parquet_metrics *metrics = &file->metrics[leaf_index];
	struct tarn_bounds bounds = { 0 };
	*metrics = (struct tarn_parquet_metrics){
		.field_id = leaf->node->field->id,
		.in_list = leaf->node->rep > 0,
		.kind = leaf->node->kind,
	};
	for (size_t i = 0; i < file->n_groups; i++) {
		const struct written_chunk *chunk = &file->groups[i].chunks[leaf_index];
		metrics->compressed_bytes += chunk->bytes;
		metrics->values += chunk->entries;
		metrics->nulls += chunk->nulls;
		metrics->nans += chunk->nans;
		tarn_bounds_merge(&bounds, &chunk->bounds);
	}
	bool exact;
	uint8_t(*texts)[TARN_BOUND_TEXT_SIZE] = file->bounds[leaf_index];
	int lower = tarn_bounds_serialize(&bounds, leaf, false, TARN_BOUND_ICEBERG, texts[0], &exact);
	int upper = tarn_bounds_serialize(&bounds, leaf, true, TARN_BOUND_ICEBERG, texts[1], &exact);
	metrics->has_bounds = lower >= 0;
	if (lower >= 0)
		metrics->lower = tarn_slice_of(texts[0], (size_t)lower);
	if (upper >= 0)
		metrics->upper = tarn_slice_of(texts[1], (size_t)upper);
}

enum tarn_rc tarn_parquet_file_finish(struct tarn_parquet_file *file, struct tarn_err *err)
{
	assert(!file->finished);
	enum tarn_rc rc = start(file, err);
	if (rc == TARN_OK)
		rc = write_indexes(file, err);
	if (rc == TARN_OK)
		rc = write_footer(file, err);
	if (rc != TARN_OK)
		return rc;
	for (size_t i = 0; i < file->tree.n_leaves; i++)
		sum_metrics(file, i);
	file->finished = true;
	return TARN_OK;
}

int64_t tarn_parquet_file_size(const struct tarn_parquet_file *file)
{
	return file->at;
}

int64_t tarn_parquet_file_rows(const struct tarn_parquet_file *file)
{
	return file->rows;
}

const int64_t *tarn_parquet_file_splits(const struct tarn_parquet_file *file, size_t *n)
{
	*n = file->n_groups;
	return file->splits;
}

const struct tarn_parquet_metrics *tarn_parquet_file_metrics(const struct tarn_parquet_file *file, size_t *n)
{
	assert(file->finished);
	*n = file->tree.n_leaves;
	return file->metrics;
}
