#include "stream/sink/object_file.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/point.h"

/* A buffer of 64 KiB of lines is compressed as a gzip member of its own; readers take several as one. */
#define GZIP_CHUNK ((size_t)64 << 10)

static bool is_avro(const struct tarn_object_file *file)
{
	return file->config->format == TARN_SINK_AVRO;
}

static bool is_gzip(const struct tarn_object_file *file)
{
	return file->config->json_gzip && !is_avro(file);
}

static void choose_sync(struct tarn_object_file *file)
{
	uint8_t digest[TARN_SHA256_SIZE];
	struct tarn_buf seed;
	tarn_buf_init(&seed, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add_str(&seed, file->key);
	tarn_buf_add_slice(&seed, file->schema_text);
	tarn_sha256(tarn_buf_slice(&seed), digest);
	memcpy(file->sync, digest, sizeof(file->sync));
	tarn_buf_release(&seed);
}

static struct tarn_avro_writer *writer_new(const struct tarn_object_file *file, struct tarn_buf *out,
					   const struct tarn_avro_metadata *metadata, size_t n)
{
	return tarn_avro_writer_new(out, file->schema_text, (enum tarn_codec)file->config->avro_codec, metadata, n,
				    file->sync, TARN_OBJECT_BLOCK);
}

struct tarn_object_file *tarn_object_new(const struct tarn_connector_config *config, struct tarn_slice key,
					 struct tarn_slice folder, const void *schema, struct tarn_slice schema_text)
{
	struct tarn_object_file *file = tarn_calloc(1, sizeof(*file));
	file->config = config;
	file->key = tarn_asprintf("%.*s", (int)key.len, (const char *)key.data);
	file->folder = tarn_asprintf("%.*s", (int)folder.len, (const char *)folder.data);
	file->schema = schema;
	file->schema_text = schema_text;
	tarn_buf_init(&file->body, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&file->lines, TARN_BUF_DEFAULT_MAX);
	if (is_gzip(file))
		file->compressor = tarn_compressor_new();
	if (!is_avro(file))
		return file;
	choose_sync(file);
	file->writer = writer_new(file, &file->body, NULL, 0);
	file->header_size = file->body.len;
	return file;
}

void tarn_object_free(struct tarn_object_file *file)
{
	if (!file)
		return;
	tarn_store_writer_free(file->upload);
	tarn_avro_writer_free(file->writer);
	tarn_compressor_free(file->compressor);
	tarn_buf_release(&file->body);
	tarn_buf_release(&file->lines);
	free(file->ranges);
	free(file->key);
	free(file->folder);
	free(file);
}

/* ---- records ---- */

bool tarn_object_has_gap(const struct tarn_object_file *file, int64_t offset)
{
	return file->n_ranges && file->ranges[file->n_ranges - 1].last + 1 != offset;
}

static void note_offset(struct tarn_object_file *file, int64_t offset)
{
	file->records++;
	if (file->n_ranges && !tarn_object_has_gap(file, offset)) {
		file->ranges[file->n_ranges - 1].last = offset;
		return;
	}
	file->ranges = tarn_grow(file->ranges, &file->cap_ranges, file->n_ranges + 1, sizeof(*file->ranges));
	file->ranges[file->n_ranges++] = (struct tarn_object_range){ offset, offset };
}

static enum tarn_rc compress_lines(struct tarn_object_file *file, struct tarn_err *err)
{
	if (!file->lines.len)
		return TARN_OK;
	enum tarn_rc rc =
		tarn_compress(file->compressor, TARN_CODEC_GZIP, 0, tarn_buf_slice(&file->lines), &file->body, err);
	tarn_buf_clear(&file->lines);
	return rc;
}

static enum tarn_rc add_line(struct tarn_object_file *file, struct tarn_slice record, struct tarn_err *err)
{
	struct tarn_buf *out = is_gzip(file) ? &file->lines : &file->body;
	bool is_json = file->config->format == TARN_SINK_JSON;
	tarn_buf_add_slice(out, record);
	tarn_buf_add_str(out, is_json ? "\n" : file->config->bytes_separator);
	if (out->overflow)
		return tarn_fail(err, TARN_ELIMIT, "object \"%s\" has more than %zu bytes in memory", file->key,
				 out->max);
	return is_gzip(file) && out->len >= GZIP_CHUNK ? compress_lines(file, err) : TARN_OK;
}

static enum tarn_rc add_datum(struct tarn_object_file *file, struct tarn_slice record, struct tarn_err *err)
{
	size_t before = file->body.len;
	enum tarn_rc rc = tarn_avro_writer_add(file->writer, record, err);
	file->block_size += record.len;
	if (file->block_size > file->largest_block)
		file->largest_block = file->block_size;
	if (file->body.len != before)
		file->block_size = 0;
	return rc;
}

enum tarn_rc tarn_object_add(struct tarn_object_file *file, int64_t offset, struct tarn_slice record,
			     struct tarn_err *err)
{
	enum tarn_rc rc = is_avro(file) ? add_datum(file, record, err) : add_line(file, record, err);
	if (!rc)
		note_offset(file, offset);
	return rc;
}

size_t tarn_object_memory(const struct tarn_object_file *file)
{
	/* A buffer that grew to hold a block has up to twice its size. */
	return file->body.cap + file->lines.cap + (file->writer ? file->largest_block * 3 / 2 : 0) + sizeof(*file);
}

/* ---- to the store ---- */

static void write_offsets(const struct tarn_object_file *file, struct tarn_buf *out)
{
	for (size_t i = 0; i < file->n_ranges; i++) {
		tarn_buf_printf(out, "%s%" PRId64, i ? "," : "", file->ranges[i].first);
		if (file->ranges[i].last > file->ranges[i].first)
			tarn_buf_printf(out, "-%" PRId64, file->ranges[i].last);
	}
}

/* The header that the finished file has; where offsets have gaps it tells them. */
static void write_header(const struct tarn_object_file *file, struct tarn_buf *out)
{
	struct tarn_buf offsets;
	tarn_buf_init(&offsets, TARN_BUF_DEFAULT_MAX);
	if (file->n_ranges > 1)
		write_offsets(file, &offsets);
	struct tarn_avro_metadata metadata = { TARN_OBJECT_OFFSETS, tarn_buf_slice(&offsets) };
	tarn_avro_writer_free(writer_new(file, out, &metadata, file->n_ranges > 1));
	tarn_buf_release(&offsets);
}

bool tarn_object_can_spill(const struct tarn_object_file *file)
{
	return !is_avro(file) || file->n_ranges == 1;
}

static enum tarn_rc add_to_upload(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_store_writer_add(context, bytes, err);
	tarn_point("sink.spilled");
	return rc;
}

enum tarn_rc tarn_object_spill(struct tarn_object_file *file, struct tarn_store *store, struct tarn_worker *worker,
			       struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	if (!file->upload)
		rc = tarn_store_writer_open(store, file->key, TARN_PUT_REPLACE, &file->upload, err);
	if (!rc)
		rc = tarn_worker_hand_over(worker, add_to_upload, file->upload, &file->body, err);
	file->header_size = 0; /* it is in the store now */
	return rc;
}

void tarn_object_shrink(struct tarn_object_file *file)
{
	if (!file->body.len)
		tarn_buf_release(&file->body);
}

enum tarn_rc tarn_object_seal(struct tarn_object_file *file, struct tarn_err *err)
{
	enum tarn_rc rc = file->writer	  ? tarn_avro_writer_finish(file->writer, err)
			  : is_gzip(file) ? compress_lines(file, err)
					  : TARN_OK;
	tarn_avro_writer_free(file->writer);
	file->writer = NULL;
	tarn_buf_release(&file->lines);
	return rc;
}

/* The object's bytes; `whole` is used where they have to be put together. */
static struct tarn_slice whole_bytes(const struct tarn_object_file *file, struct tarn_buf *whole)
{
	struct tarn_slice body = tarn_buf_slice(&file->body);
	if (file->n_ranges < 2 || !is_avro(file))
		return body;
	write_header(file, whole);
	tarn_buf_add(whole, body.data + file->header_size, body.len - file->header_size);
	return tarn_buf_slice(whole);
}

static enum tarn_rc put_whole(struct tarn_object_file *file, struct tarn_store *store, struct tarn_err *err)
{
	struct tarn_buf whole;
	tarn_buf_init(&whole, TARN_BUF_DEFAULT_MAX);
	struct tarn_slice bytes = whole_bytes(file, &whole);
	enum tarn_rc rc = tarn_store_put(store, file->key, bytes, TARN_PUT_REPLACE, err);
	tarn_buf_release(&whole);
	return rc;
}

enum tarn_rc tarn_object_conflicts(const struct tarn_object_file *file, struct tarn_store *store, bool *conflicts,
				   struct tarn_err *err)
{
	struct tarn_buf whole, there;
	int64_t size;
	enum tarn_rc rc = tarn_store_size(store, file->key, &size, err);
	*conflicts = !rc && file->upload;
	if (rc || file->upload)
		return rc == TARN_ENOTFOUND ? TARN_OK : rc;
	tarn_buf_init(&whole, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&there, TARN_BUF_DEFAULT_MAX);
	struct tarn_slice bytes = whole_bytes(file, &whole);
	*conflicts = size != (int64_t)bytes.len;
	if (!*conflicts)
		rc = tarn_store_get(store, file->key, &there, err);
	if (!rc && !*conflicts)
		*conflicts = !tarn_slice_eq(tarn_buf_slice(&there), bytes);
	tarn_buf_release(&whole);
	tarn_buf_release(&there);
	return rc;
}

enum tarn_rc tarn_object_write(struct tarn_object_file *file, struct tarn_store *store, struct tarn_err *err)
{
	if (!file->upload)
		return put_whole(file, store, err);
	enum tarn_rc rc = tarn_store_writer_add(file->upload, tarn_buf_slice(&file->body), err);
	if (!rc)
		rc = tarn_store_writer_finish(file->upload, err);
	return rc;
}
