/* What several tests of this room need: golden files, the data inside Avro files, a store in a folder of its own. */
#ifndef TARN_TESTS_ICEBERG_FIXTURE_H
#define TARN_TESTS_ICEBERG_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cmocka_tarn.h"
#include "serialize/avro/container.h"
#include "store/iceberg/manifest.h"

static inline struct tarn_buf read_golden(const char *name)
{
	struct tarn_buf buf;
	char path[400];
	snprintf(path, sizeof(path), TEST_DATA "/iceberg/%s", name);
	tarn_buf_init(&buf, 1 << 20);
	assert_int_equal(tarn_file_read(path, &buf, NULL), TARN_OK);
	return buf;
}

static inline struct tarn_table *parse_golden(const char *name)
{
	struct tarn_buf text = read_golden(name);
	struct tarn_table *table = NULL;
	assert_int_equal(tarn_table_parse(tarn_buf_slice(&text), &table, NULL), TARN_OK);
	tarn_buf_release(&text);
	return table;
}

/* The data of all blocks, decompressed. */
static inline struct tarn_buf data_of(struct tarn_slice file)
{
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	struct tarn_buf scratch, all;
	struct tarn_slice data;
	tarn_buf_init(&scratch, 1 << 24);
	tarn_buf_init(&all, 1 << 24);
	assert_int_equal(tarn_avro_header_read(file, &header, NULL), TARN_OK);
	size_t position = header.size;
	while (!tarn_avro_block_next(file, &header, &position, &block, NULL)) {
		assert_int_equal(tarn_avro_block_open(&header, &block, compressor, &scratch, &data, NULL), TARN_OK);
		tarn_buf_add_slice(&all, data);
	}
	tarn_buf_release(&scratch);
	tarn_compressor_free(compressor);
	return all;
}

/* Both files have the same header value, or neither has. */
static inline void assert_same_header(struct tarn_slice a, struct tarn_slice b, const char *key)
{
	struct tarn_slice x = { 0 }, y = { 0 };
	assert_int_equal(tarn_avro_header_get(a, key, &x), tarn_avro_header_get(b, key, &y));
	if (!tarn_slice_eq(x, y))
		fail_msg("header \"%s\":\n%.*s\n%.*s", key, (int)x.len, (const char *)x.data, (int)y.len,
			 (const char *)y.data);
}

struct temp_store {
	char path[40];
	struct tarn_store *store;
};

static inline int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline struct temp_store temp_store_open(void)
{
	struct temp_store temp = { .path = "/tmp/tarn-iceberg-XXXXXX" };
	assert_non_null(mkdtemp(temp.path));
	assert_int_equal(tarn_store_open(temp.path, true, &temp.store, NULL), TARN_OK);
	return temp;
}

static inline void temp_store_close(struct temp_store *temp)
{
	tarn_store_close(temp->store);
	assert_int_equal(nftw(temp->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
