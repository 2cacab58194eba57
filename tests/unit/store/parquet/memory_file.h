/* A Parquet file in memory, for tests that write and read back. */
#ifndef TARN_TESTS_MEMORY_FILE_H
#define TARN_TESTS_MEMORY_FILE_H

#include "store/parquet/reader.h"
#include "store/parquet/writer.h"

static inline enum tarn_rc memory_sink(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	(void)err;
	tarn_buf_add_slice(context, bytes);
	return TARN_OK;
}

/* context: struct tarn_slice. Bytes past the end are an error of the source, as of a file that shrank. */
static inline enum tarn_rc memory_source(void *context, int64_t offset, size_t len, uint8_t *dst, struct tarn_err *err)
{
	const struct tarn_slice *file = context;
	if (offset < 0 || (uint64_t)offset > file->len || len > file->len - (uint64_t)offset)
		return tarn_fail(err, TARN_EIO, "read of %zu bytes at %lld", len, (long long)offset);
	if (len)
		memcpy(dst, file->data + offset, len);
	return TARN_OK;
}

/* Opens the file and reads every column of every group; the first failure, if any. */
static inline enum tarn_rc read_all(struct tarn_slice file)
{
	struct tarn_parquet_reader *reader;
	struct tarn_err err;
	size_t n;
	enum tarn_rc rc = tarn_parquet_open(memory_source, &file, (int64_t)file.len, &reader, &err);
	if (rc != TARN_OK)
		return rc;
	const struct tarn_field *fields = tarn_parquet_fields(reader, &n);
	for (size_t group = 0; group < tarn_parquet_groups(reader); group++) {
		for (size_t i = 0; i < n && rc == TARN_OK; i++) {
			struct tarn_vector vector = { 0 };
			rc = tarn_parquet_read(reader, group, &fields[i], &vector, &err);
			if (rc == TARN_OK)
				tarn_vector_release(&vector);
		}
	}
	tarn_parquet_close(reader);
	return rc;
}

#endif
