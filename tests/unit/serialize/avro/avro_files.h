/* The test data of this room. */
#ifndef TARN_TESTS_AVRO_FILES_H
#define TARN_TESTS_AVRO_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cmocka_tarn.h"

static inline struct tarn_buf read_test_file(const char *name)
{
	char path[512];
	struct tarn_buf data;
	struct tarn_err err;
	snprintf(path, sizeof(path), TEST_DATA "/avro/%s", name);
	tarn_buf_init(&data, TARN_BUF_DEFAULT_MAX);
	if (tarn_file_read(path, &data, &err))
		fail_msg("%s", err.message);
	return data;
}

/* A copy on the heap that is exactly as long as the data, so that the sanitizer sees each read behind it. */
static inline struct tarn_slice exact_copy(struct tarn_slice data)
{
	return tarn_slice_of(memcpy(malloc(data.len + !data.len), data.data, data.len), data.len);
}

static inline void free_copy(struct tarn_slice copy)
{
	free((void *)(uintptr_t)copy.data);
}

#endif
