/* Golden records for tests: files of tests/data, read whole, and what a batch makes of them. */
#ifndef TARN_TESTS_GOLDEN_RECORDS_H
#define TARN_TESTS_GOLDEN_RECORDS_H

#include "base/compress.h"
#include "base/file.h"
#include "serialize/avro/container.h"
#include "serialize/record/record_batch.h"

#define GOLDEN TEST_DATA "/golden/"
#define GOLDEN_RAW GOLDEN "raw/"

static inline void golden_read(const char *path, struct tarn_buf *file)
{
	struct tarn_err err;
	tarn_buf_clear(file);
	if (tarn_file_read(path, file, &err))
		fail_msg("%s", err.message);
}

/* Adds every record of an object container file. */
static inline void golden_add_avro(const char *path, struct tarn_record_plans *plans, struct tarn_record_batch *batch)
{
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf file, scratch;
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	const struct tarn_record_plan *plan;
	struct tarn_err err = { 0 };
	tarn_buf_init(&file, 1 << 26);
	tarn_buf_init(&scratch, 1 << 26);
	golden_read(path, &file);
	enum tarn_rc rc = tarn_avro_header_read(tarn_buf_slice(&file), &header, &err);
	if (!rc)
		rc = tarn_record_plan_get(plans, header.schema_json, &plan, &err);
	size_t position = rc ? 0 : header.size;
	while (!rc && !(rc = tarn_avro_block_next(tarn_buf_slice(&file), &header, &position, &block, &err))) {
		struct tarn_slice data;
		size_t added = 0;
		rc = tarn_avro_block_open(&header, &block, compressor, &scratch, &data, &err);
		struct tarn_cursor cursor = tarn_cursor_of(data);
		if (!rc)
			rc = tarn_record_batch_add_avro(batch, plan, &cursor, block.count, &added, &err);
		if (!rc)
			assert_int_equal(added, block.count);
	}
	if (rc != TARN_ENOTFOUND)
		fail_msg("%s: %s", path, err.message);
	tarn_buf_release(&file);
	tarn_buf_release(&scratch);
	tarn_compressor_free(compressor);
}

static inline void golden_add_json(const char *path, struct tarn_record_batch *batch)
{
	struct tarn_buf file;
	struct tarn_err err;
	tarn_buf_init(&file, 1 << 26);
	golden_read(path, &file);
	if (tarn_record_batch_add_json(batch, tarn_buf_slice(&file), &err))
		fail_msg("%s: %s", path, err.message);
	tarn_buf_release(&file);
}

#endif
