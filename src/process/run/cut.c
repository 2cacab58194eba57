/* Cutting a record's bytes out of its block, for dead letters: the block is decoded again, a record at a time. */
#include <stdlib.h>

#include "process/run/unit.h"
#include "serialize/avro/container.h"

struct tarn_cutter {
	struct tarn_record_batch *batch;
	struct tarn_compressor *compressor;
	struct tarn_buf data;
	/* The block that is open, if any, and the record the cursor stands at. */
	bool open;
	size_t piece, block;
	uint64_t at;
	const struct tarn_record_plan *plan;
	struct tarn_cursor cursor;
};

struct tarn_cutter *tarn_cutter_new(void)
{
	struct tarn_cutter *cutter = tarn_calloc(1, sizeof(*cutter));

	cutter->batch = tarn_record_batch_new();
	cutter->compressor = tarn_compressor_new();
	tarn_buf_init(&cutter->data, TARN_BUF_DEFAULT_MAX);
	return cutter;
}

void tarn_cutter_free(struct tarn_cutter *cutter)
{
	if (!cutter)
		return;
	tarn_record_batch_free(cutter->batch);
	tarn_compressor_free(cutter->compressor);
	tarn_buf_release(&cutter->data);
	free(cutter);
}

void tarn_cutter_clear(struct tarn_cutter *cutter)
{
	cutter->open = false;
}

static bool open_block(struct tarn_cutter *cutter, const struct tarn_unit *unit, struct tarn_record_plans *plans,
		       size_t piece_index, size_t position)
{
	const struct tarn_piece *piece = &unit->pieces[piece_index];
	struct tarn_slice file = tarn_slice_of(unit->bytes.data + piece->at, piece->len);
	struct tarn_slice head = file, data;
	struct tarn_avro_header header;
	struct tarn_avro_block block;

	if (piece->is_part)
		head = tarn_slice_of(unit->bytes.data + piece->header_at, piece->header_len);
	cutter->open = false;
	if (tarn_avro_header_read(head, &header, NULL) ||
	    tarn_record_plan_get(plans, header.schema_json, &cutter->plan, NULL))
		return false;
	cutter->piece = piece_index;
	cutter->block = position;
	cutter->at = 0;
	if (tarn_avro_block_next(file, &header, &position, &block, NULL) ||
	    tarn_avro_block_open(&header, &block, cutter->compressor, &cutter->data, &data, NULL))
		return false;
	cutter->cursor = tarn_cursor_of(data);
	return cutter->open = true;
}

static bool skip(struct tarn_cutter *cutter, uint64_t n)
{
	size_t added;

	tarn_record_batch_clear(cutter->batch);
	cutter->open = !tarn_record_batch_add_avro(cutter->batch, cutter->plan, &cutter->cursor, n, &added, NULL);
	cutter->at += n;
	return cutter->open;
}

struct tarn_slice tarn_cutter_cut(struct tarn_cutter *cutter, const struct tarn_unit *unit,
				  struct tarn_record_plans *plans, size_t piece, size_t block, uint64_t in_block,
				  unsigned count)
{
	bool standing = cutter->open && cutter->piece == piece && cutter->block == block && cutter->at <= in_block;
	const uint8_t *start;

	if (!standing && !open_block(cutter, unit, plans, piece, block))
		return tarn_slice_of(NULL, 0);
	if (in_block > cutter->at && !skip(cutter, in_block - cutter->at))
		return tarn_slice_of(NULL, 0);
	start = cutter->cursor.at;
	if (!count)
		return tarn_slice_of(start, tarn_cursor_left(&cutter->cursor));
	if (!skip(cutter, count))
		return tarn_slice_of(NULL, 0);
	return tarn_slice_of(start, (size_t)(cutter->cursor.at - start));
}
