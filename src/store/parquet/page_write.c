/* The end of a page and of a chunk: encoding, compression, page header, column index. */
#include <assert.h>

#include "store/parquet/chunk.h"
#include "store/parquet/format.h"
#include "store/parquet/thrift.h"

/* Working memory above this is given back between pages: one huge value should not stay. */
enum { SCRATCH_KEEP = 8 << 20, SERIES_MIN = 1024, SERIES_MAX = 1 << 30 };

static void fail(struct tarn_chunk *chunk, const char *why)
{
	struct tarn_chunk_tools *tools = chunk->tools;
	if (tools->rc == TARN_OK)
		tools->rc = tarn_fail(&tools->err, TARN_ELIMIT, "column \"%s\": %s", chunk->leaf->path[0], why);
}

static void write_data_header(struct tarn_thrift_writer *writer, const struct tarn_chunk *chunk)
{
	bool plain = chunk->mode == TARN_CHUNK_PLAIN || chunk->mode == TARN_CHUNK_BITS;
	tarn_thrift_begin(writer, 5);
	tarn_thrift_i32(writer, 1, (int32_t)(chunk->page_values + chunk->page_nulls));
	tarn_thrift_i32(writer, 2, plain ? PARQUET_PLAIN : PARQUET_RLE_DICTIONARY);
	tarn_thrift_i32(writer, 3, PARQUET_RLE);
	tarn_thrift_i32(writer, 4, PARQUET_RLE);
	tarn_thrift_end(writer);
}

static void write_dictionary_header(struct tarn_thrift_writer *writer, const struct tarn_chunk *chunk)
{
	tarn_thrift_begin(writer, 7);
	tarn_thrift_i32(writer, 1, (int32_t)chunk->dictionary.n);
	tarn_thrift_i32(writer, 2, PARQUET_PLAIN);
	tarn_thrift_end(writer);
}

/* Appends what is in tools->scratch->compressed, behind its header, to `out`. Returns the size of both, 0 on failure. */
static int32_t append_page(struct tarn_chunk *chunk, enum parquet_page_type type, size_t raw_len, struct tarn_buf *out)
{
	struct tarn_buf *compressed = &chunk->tools->scratch->compressed;
	struct tarn_thrift_writer writer;
	size_t start = out->len;
	if (compressed->overflow)
		fail(chunk, "a page is larger than 1 GiB");
	if (chunk->tools->rc != TARN_OK)
		return 0;
	tarn_thrift_writer_init(&writer, out);
	tarn_thrift_i32(&writer, 1, type);
	tarn_thrift_i32(&writer, 2, (int32_t)raw_len);
	tarn_thrift_i32(&writer, 3, (int32_t)compressed->len);
	if (type == PARQUET_DICTIONARY_PAGE)
		write_dictionary_header(&writer, chunk);
	else
		write_data_header(&writer, chunk);
	tarn_thrift_end(&writer);
	chunk->raw_bytes += (int64_t)(out->len - start + raw_len);
	tarn_buf_add_slice(out, tarn_buf_slice(compressed));
	if (out->overflow)
		fail(chunk, "a column chunk is larger than 1 GiB");
	if (compressed->cap > SCRATCH_KEEP)
		tarn_buf_release(compressed);
	return (int32_t)(out->len - start);
}

/* Measured numbers have few repeats, which a faster level misses; text and indices are the same at both. */
static int level_for(const struct tarn_chunk *chunk)
{
	enum { LEVEL_FOR_NUMBERS = 3 };
	const struct tarn_chunk_tools *tools = chunk->tools;
	bool numbers = chunk->mode == TARN_CHUNK_PLAIN && chunk->leaf->physical == PARQUET_DOUBLE;
	return numbers && !tools->level && tools->codec == TARN_CODEC_ZSTD ? LEVEL_FOR_NUMBERS : tools->level;
}

static int32_t write_page(struct tarn_chunk *chunk, enum parquet_page_type type, struct tarn_slice raw,
			  struct tarn_buf *out)
{
	struct tarn_chunk_tools *tools = chunk->tools;
	if (tools->rc != TARN_OK)
		return 0;
	tarn_buf_clear(&tools->scratch->compressed);
	tools->rc = tarn_compress(tools->scratch->compressor, tools->codec, level_for(chunk), raw,
				 &tools->scratch->compressed, &tools->err);
	return append_page(chunk, type, raw.len, out);
}

/* ---- the page's bytes ---- */

static void put_levels(struct tarn_chunk *chunk, const struct tarn_runs *levels, unsigned max, struct tarn_buf *out)
{
	if (!max)
		return;
	size_t start = out->len;
	tarn_buf_add_le32(out, 0);
	tarn_runs_encode(levels, tarn_bit_width(max), &chunk->tools->scratch->packed, out);
	uint32_t len = (uint32_t)(out->len - start - 4);
	if (!out->overflow)
		memcpy(out->data + start, &len, 4);
}

/* Puts the levels before the PLAIN values without moving those, where they fit. */
static struct tarn_slice join_plain(struct tarn_chunk *chunk)
{
	struct tarn_buf *raw = &chunk->tools->scratch->raw, *plain = &chunk->plain;
	struct tarn_slice values = { 0 };
	if (plain->len)
		values = tarn_slice_of(plain->data + TARN_CHUNK_HEADROOM, plain->len - TARN_CHUNK_HEADROOM);
	if (!values.len || raw->len > TARN_CHUNK_HEADROOM) {
		tarn_buf_add_slice(raw, values);
		return tarn_buf_slice(raw);
	}
	uint8_t *start = plain->data + TARN_CHUNK_HEADROOM - raw->len;
	if (raw->len)
		memcpy(start, raw->data, raw->len);
	return tarn_slice_of(start, raw->len + values.len);
}

/* The page without compression; its levels are in tools->scratch->raw already. */
static struct tarn_slice page_bytes(struct tarn_chunk *chunk)
{
	struct tarn_buf *raw = &chunk->tools->scratch->raw;
	if (chunk->mode == TARN_CHUNK_PLAIN)
		return join_plain(chunk);
	if (chunk->mode == TARN_CHUNK_BITS) {
		tarn_runs_encode_bits(&chunk->indexes, raw);
		return tarn_buf_slice(raw);
	}
	/* A width of 0 would do for a single value, but not every reader takes it. */
	unsigned width = tarn_bit_width((uint32_t)chunk->dictionary.n - 1);
	width = width ? width : 1;
	tarn_buf_add_byte(raw, (uint8_t)width);
	tarn_runs_encode(&chunk->indexes, width, &chunk->tools->scratch->packed, raw);
	return tarn_buf_slice(raw);
}

/* A page of nothing but series that repeat each other is compressed without being written out, unless it is too small to
 * matter. Of other series zstd makes less. */
static bool is_series_page(const struct tarn_chunk *chunk)
{
	const struct tarn_chunk_tools *tools = chunk->tools;
	return chunk->series.n && tools->codec == TARN_CODEC_ZSTD && !tools->level && chunk->series_size >= SERIES_MIN &&
	       chunk->series_size < SERIES_MAX && tarn_series_repeat(&chunk->series);
}

static int32_t write_values(struct tarn_chunk *chunk)
{
	struct tarn_chunk_tools *tools = chunk->tools;
	const struct tarn_parquet_node *node = chunk->leaf->node;
	tarn_buf_clear(&tools->scratch->raw);
	put_levels(chunk, &chunk->reps, node->rep, &tools->scratch->raw);
	put_levels(chunk, &chunk->defs, node->def, &tools->scratch->raw);
	if (is_series_page(chunk)) {
		tarn_buf_clear(&tools->scratch->compressed);
		tarn_series_compress(&chunk->series, tarn_buf_slice(&tools->scratch->raw), chunk->series_size,
				     &tools->scratch->compressed);
		return append_page(chunk, PARQUET_DATA_PAGE, tools->scratch->raw.len + chunk->series_size, &chunk->data_pages);
	}
	tarn_chunk_write_series(chunk);
	struct tarn_slice raw = page_bytes(chunk);
	if (chunk->plain.overflow || tools->scratch->raw.overflow || raw.len > TARN_BUF_DEFAULT_MAX)
		fail(chunk, "a page is larger than 1 GiB");
	return write_page(chunk, PARQUET_DATA_PAGE, raw, &chunk->data_pages);
}

/* Whether dictionary and indices of the first page are smaller than the values alone. */
static bool dictionary_pays(const struct tarn_chunk *chunk)
{
	if (!chunk->dictionary.n)
		return false;
	unsigned width = tarn_bit_width((uint32_t)chunk->dictionary.n - 1);
	uint64_t indices = 2 + (uint64_t)chunk->indexes.weight * (width ? width : 1) / 8;
	return chunk->dictionary.plain.len + indices < chunk->page_plain;
}

/* ---- statistics ---- */

static void note_order(struct tarn_chunk *chunk)
{
	const struct tarn_bounds *before = &chunk->newest_bounds, *now = &chunk->page_bounds;
	if (!now->any)
		return;
	if (before->any) {
		int low = tarn_bounds_compare(before, now, chunk->leaf, false);
		int high = tarn_bounds_compare(before, now, chunk->leaf, true);
		chunk->ascending = chunk->ascending && low <= 0 && high <= 0;
		chunk->descending = chunk->descending && low >= 0 && high >= 0;
	}
	chunk->newest_bounds = *now;
}

static void note_bounds(struct tarn_chunk *chunk, struct tarn_chunk_page *page)
{
	uint8_t min[TARN_BOUND_TEXT_SIZE], max[TARN_BOUND_TEXT_SIZE];
	bool exact;
	page->only_nulls = !chunk->page_values;
	if (page->only_nulls)
		return;
	int min_len = tarn_bounds_serialize(&chunk->page_bounds, chunk->leaf, false, TARN_BOUND_PARQUET, min, &exact);
	int max_len = tarn_bounds_serialize(&chunk->page_bounds, chunk->leaf, true, TARN_BOUND_PARQUET, max, &exact);
	if (min_len < 0 || max_len < 0 || chunk->page_nans) {
		chunk->no_index = true;
		return;
	}
	page->min_len = (uint8_t)min_len;
	page->max_len = (uint8_t)max_len;
	tarn_buf_add(&chunk->bound_bytes, min, (size_t)min_len);
	tarn_buf_add(&chunk->bound_bytes, max, (size_t)max_len);
}

static void note_page(struct tarn_chunk *chunk, int64_t offset, int32_t size)
{
	struct tarn_chunk_page page = {
		.offset = offset,
		.first_row = chunk->rows,
		.nulls = (int64_t)chunk->page_nulls,
		.size = size,
	};
	note_bounds(chunk, &page);
	note_order(chunk);
	chunk->pages = tarn_grow(chunk->pages, &chunk->cap_pages, chunk->n_pages + 1, sizeof(*chunk->pages));
	chunk->pages[chunk->n_pages++] = page;
	chunk->n_dictionary_pages += chunk->mode == TARN_CHUNK_DICTIONARY;
	chunk->rows += (int64_t)chunk->page_rows;
	chunk->entries += (int64_t)(chunk->page_values + chunk->page_nulls);
	chunk->nulls += (int64_t)chunk->page_nulls;
	chunk->nans += (int64_t)chunk->page_nans;
	tarn_bounds_merge(&chunk->bounds, &chunk->page_bounds);
}

static void clear_page(struct tarn_chunk *chunk)
{
	tarn_runs_clear(&chunk->reps);
	tarn_runs_clear(&chunk->defs);
	tarn_runs_clear(&chunk->indexes);
	tarn_buf_clear(&chunk->plain);
	tarn_series_clear(&chunk->series);
	chunk->series_size = 0;
	chunk->page_rows = chunk->page_values = chunk->page_nulls = chunk->page_nans = 0;
	chunk->page_plain = 0;
	chunk->page_bounds.any = false;
}

void tarn_chunk_end_page(struct tarn_chunk *chunk)
{
	if (!chunk->page_rows)
		return;
	if (chunk->mode == TARN_CHUNK_UNDECIDED && dictionary_pays(chunk))
		chunk->mode = TARN_CHUNK_DICTIONARY;
	else if (chunk->mode == TARN_CHUNK_UNDECIDED && chunk->dictionary.n)
		tarn_chunk_drop_dictionary(chunk);
	/* A page of nulls decides nothing about the values to come. */
	bool undecided = chunk->mode == TARN_CHUNK_UNDECIDED;
	if (undecided)
		chunk->mode = TARN_CHUNK_PLAIN;
	int64_t offset = (int64_t)chunk->data_pages.len;
	int32_t size = write_values(chunk);
	note_page(chunk, offset, size);
	clear_page(chunk);
	if (undecided)
		chunk->mode = TARN_CHUNK_UNDECIDED;
	if (chunk->tools->scratch->raw.cap > SCRATCH_KEEP)
		tarn_buf_release(&chunk->tools->scratch->raw);
}

/* ---- the chunk's end ---- */

static void write_bounds(struct tarn_thrift_writer *writer, const struct tarn_chunk *chunk, int16_t id, bool upper)
{
	const uint8_t *at = chunk->bound_bytes.data;
	tarn_thrift_list(writer, id, TARN_THRIFT_BINARY, chunk->n_pages);
	for (size_t i = 0; i < chunk->n_pages; i++) {
		const struct tarn_chunk_page *page = &chunk->pages[i];
		struct tarn_slice min = tarn_slice_of(at, page->min_len);
		struct tarn_slice max = tarn_slice_of(page->max_len ? at + page->min_len : at, page->max_len);
		tarn_thrift_element_binary(writer, upper ? max : min);
		if (at)
			at += page->min_len + page->max_len;
	}
}

static void write_column_index(struct tarn_chunk *chunk)
{
	struct tarn_thrift_writer writer;
	tarn_thrift_writer_init(&writer, &chunk->column_index);
	tarn_thrift_list(&writer, 1, TARN_THRIFT_TRUE, chunk->n_pages);
	for (size_t i = 0; i < chunk->n_pages; i++)
		tarn_thrift_element_bool(&writer, chunk->pages[i].only_nulls);
	write_bounds(&writer, chunk, 2, false);
	write_bounds(&writer, chunk, 3, true);
	tarn_thrift_i32(&writer, 4,
			chunk->ascending    ? PARQUET_ASCENDING
			: chunk->descending ? PARQUET_DESCENDING
					    : PARQUET_UNORDERED);
	tarn_thrift_list(&writer, 5, TARN_THRIFT_I64, chunk->n_pages);
	for (size_t i = 0; i < chunk->n_pages; i++)
		tarn_thrift_element_int(&writer, chunk->pages[i].nulls);
	tarn_thrift_end(&writer);
}

void tarn_chunk_finish(struct tarn_chunk *chunk)
{
	tarn_chunk_end_page(chunk);
	if (chunk->n_dictionary_pages)
		write_page(chunk, PARQUET_DICTIONARY_PAGE, tarn_buf_slice(&chunk->dictionary.plain),
			   &chunk->dictionary_page);
	if (!chunk->no_index)
		write_column_index(chunk);
	tarn_chunk_release_filling(chunk);
}
