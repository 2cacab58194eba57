#include "store/parquet/leaf_read.h"

#include <stdlib.h>

#include "store/parquet/hybrid.h"
#include "store/parquet/thrift.h"

/* More than any row group has: beyond it a count is a lie, and believing it would cost memory. */
enum { ENTRIES_MAX = 1 << 28 };

struct page_header {
	int32_t type, raw_size, size;
	bool has_data, has_dictionary;
	int32_t values, encoding, def_encoding, rep_encoding;
	int32_t def_size, rep_size; /* v2 */
	bool stored;		    /* v2: values are not compressed */
};

struct page_reader {
	const struct tarn_footer_leaf *leaf;
	const struct tarn_footer_chunk *chunk;
	struct tarn_compressor *compressor;
	struct tarn_cursor cursor;
	struct tarn_leaf_data *data;
	struct tarn_values dictionary;
	bool has_dictionary;
	struct tarn_buf raw;
	uint32_t *levels;
	size_t cap_levels;
	struct tarn_err *err;
};

static enum tarn_rc damaged(struct page_reader *reader, const char *why)
{
	return tarn_fail_at(reader->err, TARN_EINVALID, reader->chunk->offset + tarn_cursor_position(&reader->cursor),
			    "parquet column \"%s\": %s", reader->leaf->leaf.node->name, why);
}

/* ---- page headers ---- */

static void read_data_header(struct tarn_thrift_reader *thrift, struct page_header *header)
{
	int16_t id;
	if (!tarn_thrift_enter(thrift))
		return;
	header->has_data = true;
	while (tarn_thrift_next(thrift, &id)) {
		switch (id) {
		case 1: header->values = tarn_thrift_read_i32(thrift); break;
		case 2: header->encoding = tarn_thrift_read_i32(thrift); break;
		case 3: header->def_encoding = tarn_thrift_read_i32(thrift); break;
		case 4: header->rep_encoding = tarn_thrift_read_i32(thrift); break;
		default: tarn_thrift_skip(thrift); break;
		}
	}
}

static void read_dictionary_header(struct tarn_thrift_reader *thrift, struct page_header *header)
{
	int16_t id;
	if (!tarn_thrift_enter(thrift))
		return;
	header->has_dictionary = true;
	while (tarn_thrift_next(thrift, &id)) {
		if (id == 1)
			header->values = tarn_thrift_read_i32(thrift);
		else if (id == 2)
			header->encoding = tarn_thrift_read_i32(thrift);
		else
			tarn_thrift_skip(thrift);
	}
}

static void read_data_header_v2(struct tarn_thrift_reader *thrift, struct page_header *header)
{
	int16_t id;
	if (!tarn_thrift_enter(thrift))
		return;
	header->has_data = true;
	header->def_encoding = header->rep_encoding = PARQUET_RLE;
	while (tarn_thrift_next(thrift, &id)) {
		switch (id) {
		case 1: header->values = tarn_thrift_read_i32(thrift); break;
		case 4: header->encoding = tarn_thrift_read_i32(thrift); break;
		case 5: header->def_size = tarn_thrift_read_i32(thrift); break;
		case 6: header->rep_size = tarn_thrift_read_i32(thrift); break;
		case 7: header->stored = !tarn_thrift_read_bool(thrift); break;
		default: tarn_thrift_skip(thrift); break;
		}
	}
}

static enum tarn_rc read_header(struct page_reader *reader, struct page_header *header)
{
	struct tarn_thrift_reader thrift;
	int16_t id;
	*header = (struct page_header){ .type = -1 };
	tarn_thrift_reader_init(&thrift, tarn_slice_of(reader->cursor.at, tarn_cursor_left(&reader->cursor)));
	while (tarn_thrift_next(&thrift, &id)) {
		switch (id) {
		case 1: header->type = tarn_thrift_read_i32(&thrift); break;
		case 2: header->raw_size = tarn_thrift_read_i32(&thrift); break;
		case 3: header->size = tarn_thrift_read_i32(&thrift); break;
		case 5: read_data_header(&thrift, header); break;
		case 7: read_dictionary_header(&thrift, header); break;
		case 8: read_data_header_v2(&thrift, header); break;
		default: tarn_thrift_skip(&thrift); break;
		}
	}
	int64_t base = reader->chunk->offset + tarn_cursor_position(&reader->cursor);
	enum tarn_rc rc = tarn_thrift_status(&thrift, base, "parquet page header", reader->err);
	if (rc != TARN_OK)
		return rc;
	reader->cursor.at = thrift.cursor.at;
	if (header->size < 0 || header->raw_size < 0 || header->values < 0 || header->def_size < 0 ||
	    header->rep_size < 0 || (size_t)header->size > tarn_cursor_left(&reader->cursor))
		return damaged(reader, "a page does not lie within its chunk");
	return TARN_OK;
}

/* ---- page bodies ---- */

/* Appends the body to `raw`, decompressed to exactly `raw_size` bytes, with slack behind it. */
static enum tarn_rc unpack(struct page_reader *reader, struct tarn_slice in, size_t raw_size, bool stored)
{
	struct tarn_buf *raw = &reader->raw;
	size_t start = raw->len;
	enum tarn_rc rc = tarn_decompress(reader->compressor, stored ? TARN_CODEC_NONE : reader->chunk->codec, in,
					  raw_size, raw, reader->err);
	if (rc != TARN_OK)
		return tarn_err_within(reader->err, rc, "parquet column \"%s\", page that ends at %lld",
				       reader->leaf->leaf.node->name,
				       (long long)(reader->chunk->offset + tarn_cursor_position(&reader->cursor)));
	if (raw->len - start != raw_size)
		return damaged(reader, "a page has another size than its header says");
	uint8_t *slack = tarn_buf_room(raw, TARN_DECODE_SLACK);
	if (!slack)
		return damaged(reader, "a page is too large");
	memset(slack, 0, TARN_DECODE_SLACK);
	return TARN_OK;
}

static enum tarn_rc read_dictionary(struct page_reader *reader, const struct page_header *header,
				    struct tarn_slice body)
{
	if (reader->has_dictionary || !header->has_dictionary)
		return damaged(reader, "a dictionary page comes twice, or has no header");
	if (header->encoding != PARQUET_PLAIN && header->encoding != PARQUET_PLAIN_DICTIONARY)
		return damaged(reader, "the dictionary's encoding is unknown");
	tarn_buf_clear(&reader->raw);
	enum tarn_rc rc = unpack(reader, body, (size_t)header->raw_size, false);
	if (rc != TARN_OK)
		return rc;
	const char *wrong = tarn_decode_values(&reader->dictionary, PARQUET_PLAIN, tarn_buf_slice(&reader->raw),
					       (size_t)header->values);
	reader->has_dictionary = true;
	return wrong ? damaged(reader, wrong) : TARN_OK;
}

/* Decodes n levels of at most `max` and appends them. */
static enum tarn_rc add_levels(struct page_reader *reader, struct tarn_slice in, unsigned max, size_t n,
			       uint8_t **levels, size_t *cap)
{
	size_t have = reader->data->n;
	reader->levels = tarn_grow(reader->levels, &reader->cap_levels, n, sizeof(*reader->levels));
	if (!tarn_decode_hybrid(in, tarn_bit_width(max), n, reader->levels))
		return damaged(reader, "the levels end early");
	*levels = tarn_grow(*levels, cap, have + n, 1);
	for (size_t i = 0; i < n; i++) {
		if (reader->levels[i] > max)
			return damaged(reader, "a level is higher than the schema's");
		(*levels)[have + i] = (uint8_t)reader->levels[i];
	}
	return TARN_OK;
}

/* Levels of a v1 page: four bytes of length, then the runs. */
static enum tarn_rc take_levels(struct page_reader *reader, struct tarn_cursor *cursor, int32_t encoding,
				struct tarn_slice *levels)
{
	uint32_t len;
	if (encoding != PARQUET_RLE)
		return tarn_fail(reader->err, TARN_EUNSUPPORTED, "parquet column \"%s\": levels in encoding %d",
				 reader->leaf->leaf.node->name, encoding);
	if (!tarn_cursor_le32(cursor, &len) || !tarn_cursor_take(cursor, len, levels))
		return damaged(reader, "the levels end early");
	return TARN_OK;
}

static size_t count_present(const struct page_reader *reader, size_t n)
{
	unsigned max = reader->leaf->leaf.node->def;
	size_t present = 0;
	if (!max)
		return n;
	for (size_t i = 0; i < n; i++)
		present += reader->data->defs[reader->data->n + i] == max;
	return present;
}

static enum tarn_rc add_values(struct page_reader *reader, const struct page_header *header, struct tarn_slice in,
			       size_t n)
{
	const char *wrong;
	if (header->encoding == PARQUET_RLE_DICTIONARY || header->encoding == PARQUET_PLAIN_DICTIONARY) {
		if (!reader->has_dictionary)
			return damaged(reader, "a page wants a dictionary, but there is none");
		wrong = tarn_decode_dictionary(&reader->data->values, &reader->dictionary, in, n);
	} else {
		wrong = tarn_decode_values(&reader->data->values, (enum parquet_encoding)header->encoding, in, n);
	}
	return wrong ? damaged(reader, wrong) : TARN_OK;
}

static enum tarn_rc add_page(struct page_reader *reader, const struct page_header *header, struct tarn_slice reps,
			     struct tarn_slice defs, struct tarn_slice values)
{
	const struct tarn_parquet_node *node = reader->leaf->leaf.node;
	struct tarn_leaf_data *data = reader->data;
	size_t n = (size_t)header->values;
	enum tarn_rc rc = TARN_OK;
	if (n > (size_t)reader->chunk->values - data->n)
		return damaged(reader, "the pages have more values than the chunk");
	if (node->rep)
		rc = add_levels(reader, reps, node->rep, n, &data->reps, &data->cap_reps);
	if (rc == TARN_OK && node->def)
		rc = add_levels(reader, defs, node->def, n, &data->defs, &data->cap_defs);
	if (rc == TARN_OK)
		rc = add_values(reader, header, values, count_present(reader, n));
	data->n += n;
	return rc;
}

static enum tarn_rc read_v1(struct page_reader *reader, const struct page_header *header, struct tarn_slice body)
{
	const struct tarn_parquet_node *node = reader->leaf->leaf.node;
	struct tarn_slice reps = { 0 }, defs = { 0 };
	tarn_buf_clear(&reader->raw);
	enum tarn_rc rc = unpack(reader, body, (size_t)header->raw_size, false);
	struct tarn_cursor cursor = tarn_cursor_of(tarn_buf_slice(&reader->raw));
	if (rc == TARN_OK && node->rep)
		rc = take_levels(reader, &cursor, header->rep_encoding, &reps);
	if (rc == TARN_OK && node->def)
		rc = take_levels(reader, &cursor, header->def_encoding, &defs);
	if (rc != TARN_OK)
		return rc;
	return add_page(reader, header, reps, defs, tarn_slice_of(cursor.at, tarn_cursor_left(&cursor)));
}

static enum tarn_rc read_v2(struct page_reader *reader, const struct page_header *header, struct tarn_slice body)
{
	size_t rep_size = (size_t)header->rep_size, levels = rep_size + (size_t)header->def_size;
	if (levels > body.len || levels > (size_t)header->raw_size)
		return damaged(reader, "the levels are larger than their page");
	tarn_buf_clear(&reader->raw);
	tarn_buf_add(&reader->raw, body.data, levels);
	enum tarn_rc rc = unpack(reader, tarn_slice_of(body.data + levels, body.len - levels),
				 (size_t)header->raw_size - levels, header->stored);
	if (rc != TARN_OK)
		return rc;
	const uint8_t *raw = reader->raw.data;
	return add_page(reader, header, tarn_slice_of(raw, rep_size), tarn_slice_of(raw + rep_size, levels - rep_size),
			tarn_slice_of(raw + levels, (size_t)header->raw_size - levels));
}

static enum tarn_rc read_page(struct page_reader *reader)
{
	struct page_header header;
	struct tarn_slice body;
	enum tarn_rc rc = read_header(reader, &header);
	if (rc != TARN_OK)
		return rc;
	if (!tarn_cursor_take(&reader->cursor, (size_t)header.size, &body))
		return damaged(reader, "a page does not lie within its chunk");
	if (header.type == PARQUET_DICTIONARY_PAGE)
		return read_dictionary(reader, &header, body);
	if (header.type == PARQUET_DATA_PAGE && header.has_data)
		return read_v1(reader, &header, body);
	if (header.type == PARQUET_DATA_PAGE_V2 && header.has_data)
		return read_v2(reader, &header, body);
	return header.type == PARQUET_INDEX_PAGE ? TARN_OK : damaged(reader, "a page has no valid type or no header");
}

enum tarn_rc tarn_leaf_read(const struct tarn_footer_leaf *leaf, const struct tarn_footer_chunk *chunk,
			    struct tarn_compressor *compressor, struct tarn_slice bytes, struct tarn_leaf_data *data,
			    struct tarn_err *err)
{
	struct page_reader reader = {
		.leaf = leaf,
		.chunk = chunk,
		.compressor = compressor,
		.cursor = tarn_cursor_of(bytes),
		.data = data,
		.err = err,
	};
	enum tarn_rc rc = TARN_OK;
	*data = (struct tarn_leaf_data){ 0 };
	tarn_values_init(&data->values, leaf->leaf.physical, leaf->leaf.width);
	if (chunk->unknown_codec)
		return tarn_fail(
			err, TARN_EUNSUPPORTED,
			"parquet column \"%s\" is compressed with something else than snappy, gzip, zstd or lz4_raw",
			leaf->leaf.node->name);
	if (chunk->values > ENTRIES_MAX)
		return tarn_fail(err, TARN_ELIMIT, "parquet column \"%s\": %lld values in a row group",
				 leaf->leaf.node->name, (long long)chunk->values);
	tarn_values_init(&reader.dictionary, leaf->leaf.physical, leaf->leaf.width);
	tarn_buf_init(&reader.raw, (size_t)INT32_MAX + 2 * TARN_DECODE_SLACK);
	while (rc == TARN_OK && data->n < (size_t)chunk->values && tarn_cursor_left(&reader.cursor))
		rc = read_page(&reader);
	if (rc == TARN_OK && data->n != (size_t)chunk->values)
		rc = damaged(&reader, "the pages have fewer values than the chunk");
	tarn_values_release(&reader.dictionary);
	tarn_buf_release(&reader.raw);
	free(reader.levels);
	if (rc != TARN_OK)
		tarn_leaf_release(data);
	return rc;
}

void tarn_leaf_release(struct tarn_leaf_data *data)
{
	tarn_values_release(&data->values);
	free(data->defs);
	free(data->reps);
	*data = (struct tarn_leaf_data){ 0 };
}
