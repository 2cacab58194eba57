/* magic "Obj" 0x01, metadata (a map of bytes), sync (16 bytes), then blocks: count (long), size (long), data, sync. */
#include "serialize/avro/container.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "serialize/avro/encode.h"

#define HEADER_MAX ((size_t)16 << 20)
#define STORED_MAX ((size_t)256 << 20)
#define OPENED_MAX ((size_t)1 << 30)

enum { SYNC_SIZE = 16, CRC_SIZE = 4 };

static const char magic[4] = { 'O', 'b', 'j', 1 };

static const struct {
	const char *name;
	enum tarn_codec codec;
} codecs[] = {
	{ "null", TARN_CODEC_NONE },
	{ "deflate", TARN_CODEC_DEFLATE },
	{ "snappy", TARN_CODEC_SNAPPY },
	{ "zstandard", TARN_CODEC_ZSTD },
};
enum { N_CODECS = sizeof(codecs) / sizeof(*codecs) };

/* ---- header ---- */

static enum tarn_rc damaged_header(const struct tarn_cursor *cursor, struct tarn_err *err, const char *what)
{
	if ((size_t)(cursor->end - cursor->start) == HEADER_MAX)
		return tarn_fail_at(err, TARN_ELIMIT, tarn_cursor_position(cursor),
				    "avro file header is larger than 16 MiB or damaged: %s", what);
	return tarn_fail_at(err, TARN_EINVALID, tarn_cursor_position(cursor), "avro file header: %s", what);
}

static bool take_bytes(struct tarn_cursor *cursor, struct tarn_slice *bytes)
{
	int64_t len;
	struct tarn_cursor at = *cursor;
	if (!tarn_avro_take_long(&at, &len) || len < 0 || !tarn_cursor_take(&at, (size_t)len, bytes))
		return false;
	*cursor = at;
	return true;
}

/* Opens the next block of the metadata map: *count pairs, 0 at its end. */
static enum tarn_rc open_map_block(struct tarn_cursor *cursor, int64_t *count, struct tarn_err *err)
{
	struct tarn_cursor at = *cursor;
	int64_t size;
	if (!tarn_avro_take_long(&at, count))
		return damaged_header(cursor, err, "the metadata end early");
	if (*count < 0) {
		if (!tarn_avro_take_long(&at, &size) || size < 0 || *count == INT64_MIN)
			return damaged_header(cursor, err, "a block of metadata has no valid size");
		*count = -*count;
	}
	if ((uint64_t)*count > tarn_cursor_left(&at) / 2)
		return damaged_header(cursor, err, "more metadata are announced than there are bytes");
	*cursor = at;
	return TARN_OK;
}

/* Walks the metadata; where `key` is given, its last value goes to *value and *found says so. */
static enum tarn_rc walk_metadata(struct tarn_cursor *cursor, const char *key, struct tarn_slice *value, bool *found,
				  struct tarn_err *err)
{
	struct tarn_slice bytes;
	*found = false;
	if (tarn_cursor_left(cursor) < sizeof(magic) || memcmp(cursor->at, magic, sizeof(magic)))
		return damaged_header(cursor, err, "the file does not begin with \"Obj\" and 1");
	cursor->at += sizeof(magic);
	int64_t count;
	enum tarn_rc rc;
	while (!(rc = open_map_block(cursor, &count, err)) && count) {
		for (; count; count--) {
			struct tarn_slice name;
			if (!take_bytes(cursor, &name) || !take_bytes(cursor, &bytes))
				return damaged_header(cursor, err, "the metadata end early");
			if (!key || !tarn_slice_eq(name, tarn_slice_str(key)))
				continue;
			*value = bytes;
			*found = true;
		}
	}
	return rc;
}

static struct tarn_cursor header_cursor(struct tarn_slice file)
{
	if (file.len > HEADER_MAX)
		file.len = HEADER_MAX;
	return tarn_cursor_of(file);
}

bool tarn_avro_header_get(struct tarn_slice file, const char *key, struct tarn_slice *value)
{
	struct tarn_cursor cursor = header_cursor(file);
	struct tarn_slice bytes;
	bool found;
	if (walk_metadata(&cursor, key, &bytes, &found, NULL) || !found)
		return false;
	*value = bytes;
	return true;
}

static enum tarn_rc find_codec(struct tarn_slice file, enum tarn_codec *codec, struct tarn_err *err)
{
	struct tarn_slice name;
	*codec = TARN_CODEC_NONE;
	if (!tarn_avro_header_get(file, "avro.codec", &name))
		return TARN_OK;
	for (size_t i = 0; i < N_CODECS; i++) {
		if (!tarn_slice_eq(name, tarn_slice_str(codecs[i].name)))
			continue;
		*codec = codecs[i].codec;
		return TARN_OK;
	}
	return tarn_fail_at(err, TARN_EUNSUPPORTED, name.data - file.data,
			    "avro file: unknown codec \"%.*s\", expected null, deflate, snappy or zstandard",
			    name.len > 40 ? 40 : (int)name.len, (const char *)name.data);
}

enum tarn_rc tarn_avro_header_read(struct tarn_slice file, struct tarn_avro_header *header, struct tarn_err *err)
{
	struct tarn_cursor cursor = header_cursor(file);
	struct tarn_avro_header read;
	struct tarn_slice sync;
	bool found;
	enum tarn_rc rc = walk_metadata(&cursor, "avro.schema", &read.schema_json, &found, err);
	if (rc)
		return rc;
	if (!tarn_cursor_take(&cursor, SYNC_SIZE, &sync))
		return damaged_header(&cursor, err, "the sync marker is cut off");
	if (!found)
		return damaged_header(&cursor, err, "there is no \"avro.schema\"");
	rc = find_codec(file, &read.codec, err);
	if (rc)
		return rc;
	memcpy(read.sync, sync.data, SYNC_SIZE);
	read.size = (size_t)tarn_cursor_position(&cursor);
	*header = read;
	return TARN_OK;
}

/* ---- blocks ---- */

enum tarn_rc tarn_avro_block_next(struct tarn_slice file, const struct tarn_avro_header *header, size_t *position,
				  struct tarn_avro_block *block, struct tarn_err *err)
{
	if (*position >= file.len)
		return tarn_fail_at(err, TARN_ENOTFOUND, (int64_t)file.len, "avro file: no further block");
	struct tarn_cursor cursor = { file.data, file.data + *position, file.data + file.len };
	struct tarn_avro_block read = { .position = *position };
	struct tarn_slice sync;
	int64_t count, size;
	if (!tarn_avro_take_long(&cursor, &count) || count < 0)
		return tarn_fail_at(err, TARN_EINVALID, tarn_cursor_position(&cursor),
				    "avro block: no valid number of records");
	int64_t size_at = tarn_cursor_position(&cursor);
	if (!tarn_avro_take_long(&cursor, &size) || size < 0)
		return tarn_fail_at(err, TARN_EINVALID, size_at, "avro block: no valid size");
	if ((uint64_t)size > tarn_cursor_left(&cursor))
		return tarn_fail_at(err, TARN_EINVALID, size_at, "avro block of %lld bytes, the file has %zu more",
				    (long long)size, tarn_cursor_left(&cursor));
	if ((uint64_t)size > STORED_MAX)
		return tarn_fail_at(err, TARN_ELIMIT, size_at, "avro block of %lld bytes, the limit is 256 MiB",
				    (long long)size);
	if (!tarn_cursor_take(&cursor, (size_t)size, &read.stored) || !tarn_cursor_take(&cursor, SYNC_SIZE, &sync))
		return tarn_fail_at(err, TARN_EINVALID, (int64_t)file.len, "avro block: the sync marker is cut off");
	if (memcmp(sync.data, header->sync, SYNC_SIZE))
		return tarn_fail_at(err, TARN_EINVALID, sync.data - file.data,
				    "avro block: the sync marker differs from the header's");
	read.count = (uint64_t)count;
	*block = read;
	*position = (size_t)tarn_cursor_position(&cursor);
	return TARN_OK;
}

bool tarn_avro_resync(struct tarn_slice file, const struct tarn_avro_header *header, size_t *position)
{
	if (*position >= file.len)
		return false;
	const uint8_t *found = memmem(file.data + *position, file.len - *position, header->sync, SYNC_SIZE);
	if (!found)
		return false;
	*position = (size_t)(found - file.data) + SYNC_SIZE;
	return true;
}

static enum tarn_rc check_crc(const struct tarn_avro_block *block, struct tarn_slice data, struct tarn_err *err)
{
	struct tarn_cursor cursor =
		tarn_cursor_of(tarn_slice_of(block->stored.data + block->stored.len - CRC_SIZE, CRC_SIZE));
	uint32_t stored;
	uint32_t computed = tarn_crc32(data);
	if (tarn_cursor_be32(&cursor, &stored) && stored == computed)
		return TARN_OK;
	return tarn_fail_at(err, TARN_EINVALID, (int64_t)block->position,
			    "avro block at byte %zu: the data's CRC-32 is %08x, the file says %08x", block->position,
			    computed, stored);
}

enum tarn_rc tarn_avro_block_open(const struct tarn_avro_header *header, const struct tarn_avro_block *block,
				  struct tarn_compressor *compressor, struct tarn_buf *scratch, struct tarn_slice *data,
				  struct tarn_err *err)
{
	if (header->codec == TARN_CODEC_NONE) {
		*data = block->stored;
		return TARN_OK;
	}
	struct tarn_slice stored = block->stored;
	if (header->codec == TARN_CODEC_SNAPPY) {
		if (stored.len < CRC_SIZE)
			return tarn_fail_at(err, TARN_EINVALID, (int64_t)block->position,
					    "avro block at byte %zu: no room for a CRC-32", block->position);
		stored.len -= CRC_SIZE;
	}
	tarn_buf_clear(scratch);
	enum tarn_rc rc = tarn_decompress(compressor, header->codec, stored, OPENED_MAX, scratch, err);
	if (rc && err)
		err->position = (int64_t)block->position;
	if (rc)
		return tarn_err_within(err, rc, "avro block at byte %zu", block->position);
	if (header->codec == TARN_CODEC_SNAPPY)
		rc = check_crc(block, tarn_buf_slice(scratch), err);
	if (!rc)
		*data = tarn_buf_slice(scratch);
	return rc;
}

/* ---- writing ---- */

struct tarn_avro_writer {
	struct tarn_buf *out;
	enum tarn_codec codec;
	uint8_t sync[SYNC_SIZE];
	size_t block_size;
	uint64_t count; /* data in `block` */
	struct tarn_buf block, stored;
	struct tarn_compressor *compressor;
};

static const char *codec_name(enum tarn_codec codec)
{
	for (size_t i = 0; i < N_CODECS; i++)
		if (codecs[i].codec == codec)
			return codecs[i].name;
	assert(!"a codec that Avro has");
	return NULL;
}

static void put_pair(struct tarn_buf *out, const char *key, struct tarn_slice value)
{
	tarn_avro_put_bytes(out, tarn_slice_str(key));
	tarn_avro_put_bytes(out, value);
}

struct tarn_avro_writer *tarn_avro_writer_new(struct tarn_buf *out, struct tarn_slice schema_json,
					      enum tarn_codec codec, const struct tarn_avro_metadata *metadata,
					      size_t n_metadata, const uint8_t sync[16], size_t block_size)
{
	struct tarn_avro_writer *writer = tarn_calloc(1, sizeof(*writer));
	writer->out = out;
	writer->codec = codec;
	writer->block_size = block_size;
	memcpy(writer->sync, sync, SYNC_SIZE);
	tarn_buf_init(&writer->block, STORED_MAX);
	tarn_buf_init(&writer->stored, STORED_MAX);
	if (codec != TARN_CODEC_NONE)
		writer->compressor = tarn_compressor_new();

	tarn_buf_add(out, magic, sizeof(magic));
	tarn_avro_put_block(out, (int64_t)n_metadata + 2);
	put_pair(out, "avro.schema", schema_json);
	put_pair(out, "avro.codec", tarn_slice_str(codec_name(codec)));
	for (size_t i = 0; i < n_metadata; i++)
		put_pair(out, metadata[i].key, metadata[i].value);
	tarn_avro_put_block(out, 0);
	tarn_buf_add(out, sync, SYNC_SIZE);
	return writer;
}

static enum tarn_rc store_block(struct tarn_avro_writer *writer, struct tarn_slice *stored, struct tarn_err *err)
{
	*stored = tarn_buf_slice(&writer->block);
	if (writer->codec == TARN_CODEC_NONE)
		return TARN_OK;
	tarn_buf_clear(&writer->stored);
	enum tarn_rc rc = tarn_compress(writer->compressor, writer->codec, 0, *stored, &writer->stored, err);
	if (rc)
		return rc;
	if (writer->codec == TARN_CODEC_SNAPPY)
		tarn_buf_add_be32(&writer->stored, tarn_crc32(*stored));
	*stored = tarn_buf_slice(&writer->stored);
	return TARN_OK;
}

void tarn_avro_put_block_head(struct tarn_buf *out, uint64_t count, size_t stored)
{
	tarn_avro_put_long(out, (int64_t)count);
	tarn_avro_put_long(out, (int64_t)stored);
}

static enum tarn_rc close_block(struct tarn_avro_writer *writer, struct tarn_err *err)
{
	if (!writer->count)
		return TARN_OK;
	struct tarn_slice stored;
	enum tarn_rc rc = store_block(writer, &stored, err);
	if (rc)
		return rc;
	tarn_avro_put_block_head(writer->out, writer->count, stored.len);
	tarn_buf_add_slice(writer->out, stored);
	tarn_buf_add(writer->out, writer->sync, SYNC_SIZE);
	tarn_buf_clear(&writer->block);
	writer->count = 0;
	if (writer->out->overflow || writer->stored.overflow)
		return tarn_fail(err, TARN_ELIMIT, "avro file passes its limit of %zu bytes", writer->out->max);
	return TARN_OK;
}

enum tarn_rc tarn_avro_writer_add(struct tarn_avro_writer *writer, struct tarn_slice datum, struct tarn_err *err)
{
	if (datum.len > STORED_MAX)
		return tarn_fail(err, TARN_ELIMIT, "avro record of %zu bytes, a block holds at most 256 MiB",
				 datum.len);
	if (writer->count && writer->block.len + datum.len > STORED_MAX) {
		enum tarn_rc rc = close_block(writer, err);
		if (rc)
			return rc;
	}
	tarn_buf_add_slice(&writer->block, datum);
	writer->count++;
	return writer->block.len >= writer->block_size ? close_block(writer, err) : TARN_OK;
}

enum tarn_rc tarn_avro_writer_finish(struct tarn_avro_writer *writer, struct tarn_err *err)
{
	enum tarn_rc rc = close_block(writer, err);
	if (!rc && writer->out->overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "avro file passes its limit of %zu bytes", writer->out->max);
	return rc;
}

void tarn_avro_writer_free(struct tarn_avro_writer *writer)
{
	if (!writer)
		return;
	tarn_compressor_free(writer->compressor);
	tarn_buf_release(&writer->block);
	tarn_buf_release(&writer->stored);
	free(writer);
}
