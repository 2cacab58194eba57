/* The test data of this room. */
#ifndef TARN_TESTS_AVRO_FILES_H
#define TARN_TESTS_AVRO_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cmocka_tarn.h"
#include "serialize/avro/schema.h"

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

/* Schemas and expected texts are written with ' for ", for whoever reads the tests. Changes the text in place. */
static inline char *replace_quotes(char *text, char from, char to)
{
	for (char *at = text; *at; at++)
		if (*at == from)
			*at = to;
	return text;
}

static inline enum tarn_rc parse_quoted(const char *json, struct tarn_avro_schema **schema, struct tarn_err *err)
{
	char *text = replace_quotes(tarn_strdup(json), '\'', '"');
	enum tarn_rc rc = tarn_avro_schema_parse(tarn_slice_str(text), schema, err);
	free(text);
	return rc;
}

static inline struct tarn_avro_schema *parse_schema(const char *json)
{
	struct tarn_avro_schema *schema = NULL;
	struct tarn_err err;
	if (parse_quoted(json, &schema, &err))
		fail_msg("%s: %s", json, err.message);
	return schema;
}

#endif
