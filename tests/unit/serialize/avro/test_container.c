#include "serialize/avro/container.h"

#include "avro_files.h"
#include "serialize/avro/encode.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static const char *const small_files[] = { "small-null.avro", "small-deflate.avro", "small-snappy.avro",
					   "small-zstandard.avro" };

/* Reads a file to its end; returns the code that ended it and adds what was read to `data` and *count. */
static enum tarn_rc read_all(struct tarn_slice file, struct tarn_buf *data, uint64_t *count, struct tarn_err *err)
{
	struct tarn_avro_header header;
	enum tarn_rc rc = tarn_avro_header_read(file, &header, err);
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf scratch;
	tarn_buf_init(&scratch, TARN_BUF_DEFAULT_MAX);
	size_t position = rc ? 0 : header.size;
	while (!rc) {
		struct tarn_avro_block block;
		struct tarn_slice opened;
		rc = tarn_avro_block_next(file, &header, &position, &block, err);
		if (!rc)
			rc = tarn_avro_block_open(&header, &block, compressor, &scratch, &opened, err);
		if (!rc) {
			tarn_buf_add_slice(data, opened);
			*count += block.count;
		}
	}
	tarn_buf_release(&scratch);
	tarn_compressor_free(compressor);
	return rc;
}

static void every_codec_gives_the_same_data(void **state)
{
	(void)state;
	struct tarn_buf data[N(small_files)];
	for (size_t i = 0; i < N(small_files); i++) {
		struct tarn_buf file = read_test_file(small_files[i]);
		uint64_t count = 0;
		struct tarn_err err;
		tarn_buf_init(&data[i], 1 << 20);
		if (read_all(tarn_buf_slice(&file), &data[i], &count, &err) != TARN_ENOTFOUND)
			fail_msg("%s: %s", small_files[i], err.message);
		assert_int_equal(count, 6);
		assert_int_equal(data[i].len, data[0].len);
		assert_memory_equal(data[i].data, data[0].data, data[0].len);
		tarn_buf_release(&file);
	}
	assert_int_equal(data[0].data[0], 5); /* the first id is -3, zig-zag 5 */
	for (size_t i = 0; i < N(small_files); i++)
		tarn_buf_release(&data[i]);
}

static void metadata_are_found_by_key(void **state)
{
	(void)state;
	struct tarn_buf file = read_test_file("small-snappy.avro");
	struct tarn_slice value;
	assert_true(tarn_avro_header_get(tarn_buf_slice(&file), "made-by", &value));
	assert_true(tarn_slice_eq(value, tarn_slice_str("fastavro")));
	assert_false(tarn_avro_header_get(tarn_buf_slice(&file), "made", &value));
	struct tarn_avro_header header;
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL), TARN_OK);
	assert_int_equal(header.codec, TARN_CODEC_SNAPPY);
	assert_memory_equal(header.sync, "ABCDEFGHIJKLMNOP", 16);
	assert_memory_equal(file.data + header.size - 16, header.sync, 16);
	tarn_buf_release(&file);
}

/* A cut file ends in an error, or at the clean end of a block with fewer data. */
static void every_prefix_ends_well(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(small_files); i++) {
		struct tarn_buf file = read_test_file(small_files[i]);
		size_t clean_ends = 0;
		for (size_t len = 0; len < file.len; len++) {
			struct tarn_slice prefix = exact_copy(tarn_slice_of(file.data, len));
			struct tarn_buf data;
			uint64_t count = 0;
			struct tarn_err err = { .position = -2 };
			tarn_buf_init(&data, 1 << 20);
			enum tarn_rc rc = read_all(prefix, &data, &count, &err);
			assert_true(count < 6);
			assert_true(rc == TARN_EINVALID || rc == TARN_ENOTFOUND);
			assert_true(err.position >= 0 && err.position <= (int64_t)len);
			clean_ends += rc == TARN_ENOTFOUND;
			tarn_buf_release(&data);
			free_copy(prefix);
		}
		assert_int_equal(clean_ends, 2); /* behind the header and behind the first of two blocks */
		tarn_buf_release(&file);
	}
}

/* The null codec has no checksum: data may differ, but nothing may crash or grow. */
static void flipped_bytes_are_found_where_a_codec_can(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(small_files); i++) {
		struct tarn_buf file = read_test_file(small_files[i]);
		for (size_t at = 0; at < file.len; at++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct tarn_slice copy = exact_copy(tarn_buf_slice(&file));
				((uint8_t *)(uintptr_t)copy.data)[at] ^= (uint8_t)(1u << bit);
				struct tarn_buf data;
				uint64_t count = 0;
				tarn_buf_init(&data, 1 << 20);
				enum tarn_rc rc = read_all(copy, &data, &count, NULL);
				assert_true(rc != TARN_OK && rc != TARN_EIO);
				assert_false(data.overflow);
				tarn_buf_release(&data);
				free_copy(copy);
			}
		tarn_buf_release(&file);
	}
}

static void damaged_headers_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		enum tarn_rc rc;
		int64_t position;
	} cases[] = {
#define CASE(text, rc, position) { text, sizeof(text) - 1, rc, position }
		CASE("", TARN_EINVALID, 0),
		CASE("Obj\2", TARN_EINVALID, 0),
		CASE("Obj\1", TARN_EINVALID, 4),
		CASE("Obj\1\0ABCDEFGHIJKLMNOP", TARN_EINVALID, 21),             /* no schema */
		CASE("Obj\1\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1", TARN_EINVALID, 4), /* 2^63 - 1 pairs */
		CASE("Obj\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2", TARN_EINVALID, 4), /* -2^63 pairs */
		CASE("Obj\1\1\1", TARN_EINVALID, 4),                            /* a block of -1 bytes */
		CASE("Obj\1\2\1a", TARN_EINVALID, 5),                           /* a key of -1 bytes */
		CASE("Obj\1\2\x16" "avro.schema\x0a\"int\"\2\x14" "avro.codec\4xz\0ABCDEFGHIJKLMNOP",
		     TARN_EUNSUPPORTED, 36),
#undef CASE
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_header header;
		struct tarn_err err;
		struct tarn_slice copy = exact_copy(tarn_slice_of(cases[i].bytes, cases[i].len));
		assert_int_equal(tarn_avro_header_read(copy, &header, &err), cases[i].rc);
		assert_int_equal(err.position, cases[i].position);
		free_copy(copy);
	}
}

/* Negative counts with a size are how large maps are written in pieces. */
static void metadata_in_several_blocks_are_read(void **state)
{
	(void)state;
	static const char bytes[] = "Obj\1\1\x26\x16" "avro.schema\x0a\"int\"\2\2x\2y\0ABCDEFGHIJKLMNOP";
	struct tarn_slice file = tarn_slice_of(bytes, sizeof(bytes) - 1);
	struct tarn_avro_header header;
	struct tarn_slice value;
	assert_int_equal(tarn_avro_header_read(file, &header, NULL), TARN_OK);
	assert_true(tarn_slice_eq(header.schema_json, tarn_slice_str("\"int\"")));
	assert_int_equal(header.codec, TARN_CODEC_NONE);
	assert_true(tarn_avro_header_get(file, "x", &value));
	assert_true(tarn_slice_eq(value, tarn_slice_str("y")));
	assert_int_equal(header.size, file.len);
}

static void damaged_blocks_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		enum tarn_rc rc;
		int64_t position;
	} cases[] = {
#define CASE(text, rc, position) { text, sizeof(text) - 1, rc, position }
		CASE("", TARN_ENOTFOUND, 0),
		CASE("\1", TARN_EINVALID, 1),                                 /* -1 records */
		CASE("\2\1", TARN_EINVALID, 1),                               /* of -1 bytes */
		CASE("\2\4a", TARN_EINVALID, 1),                              /* 2 bytes, 1 is there */
		CASE("\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", TARN_EINVALID, 1),
		CASE("\2\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1", TARN_EINVALID, 1),
		CASE("\2\2aABCDEFGHIJKLMNO", TARN_EINVALID, 18),              /* sync cut off */
		CASE("\2\2aABCDEFGHIJKLMNOQ", TARN_EINVALID, 3),              /* another sync */
		CASE("\0\0ABCDEFGHIJKLMNOP", TARN_OK, 0),                     /* an empty block */
#undef CASE
	};
	struct tarn_avro_header header = { .codec = TARN_CODEC_NONE };
	memcpy(header.sync, "ABCDEFGHIJKLMNOP", 16);
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_block block;
		struct tarn_err err = { .position = 0 };
		size_t position = 0;
		struct tarn_slice copy = exact_copy(tarn_slice_of(cases[i].bytes, cases[i].len));
		assert_int_equal(tarn_avro_block_next(copy, &header, &position, &block, &err), cases[i].rc);
		assert_int_equal(err.position, cases[i].position);
		assert_int_equal(position, cases[i].rc ? 0 : copy.len);
		free_copy(copy);
	}
}

static void reading_goes_on_behind_damage(void **state)
{
	(void)state;
	struct tarn_buf file = read_test_file("small-deflate.avro");
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL), TARN_OK);
	file.data[header.size + 1] = 0xff;
	size_t position = header.size;
	assert_int_equal(tarn_avro_block_next(tarn_buf_slice(&file), &header, &position, &block, NULL), TARN_EINVALID);
	assert_int_equal(position, header.size);
	assert_true(tarn_avro_resync(tarn_buf_slice(&file), &header, &position));
	uint64_t count = 0;
	while (!tarn_avro_block_next(tarn_buf_slice(&file), &header, &position, &block, NULL))
		count += block.count;
	assert_int_equal(count, 6 - 3);
	assert_int_equal(position, file.len);
	assert_false(tarn_avro_resync(tarn_buf_slice(&file), &header, &position));
	tarn_buf_release(&file);
}

static struct tarn_buf write_file(enum tarn_codec codec, size_t block_size, size_t n)
{
	static const struct tarn_avro_metadata metadata[] = { { "content", { (const uint8_t *)"data", 4 } } };
	struct tarn_buf out, datum;
	tarn_buf_init(&out, 1 << 20);
	tarn_buf_init(&datum, 1 << 10);
	struct tarn_avro_writer *writer =
		tarn_avro_writer_new(&out, tarn_slice_str(" {\"type\" : \"string\"}"), codec, metadata, 1,
				     (const uint8_t *)"0123456789abcdef", block_size);
	for (size_t i = 0; i < n; i++) {
		tarn_buf_clear(&datum);
		tarn_avro_put_bytes(&datum, tarn_slice_str("some text that repeats"));
		assert_int_equal(tarn_avro_writer_add(writer, tarn_buf_slice(&datum), NULL), TARN_OK);
	}
	assert_int_equal(tarn_avro_writer_finish(writer, NULL), TARN_OK);
	tarn_avro_writer_free(writer);
	tarn_buf_release(&datum);
	return out;
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	static const enum tarn_codec codecs[] = { TARN_CODEC_NONE, TARN_CODEC_DEFLATE, TARN_CODEC_SNAPPY,
		TARN_CODEC_ZSTD };
	static const size_t block_sizes[] = { 1, 100, 1 << 16 };
	for (size_t i = 0; i < N(codecs) * N(block_sizes); i++) {
		struct tarn_buf file = write_file(codecs[i % N(codecs)], block_sizes[i / N(codecs)], 20);
		struct tarn_buf data;
		struct tarn_slice value;
		uint64_t count = 0;
		tarn_buf_init(&data, 1 << 20);
		assert_int_equal(read_all(tarn_buf_slice(&file), &data, &count, NULL), TARN_ENOTFOUND);
		assert_int_equal(count, 20);
		assert_int_equal(data.len, 20 * 23);
		assert_memory_equal(data.data + 19 * 23, "\x2csome text that repeats", 23);
		assert_true(tarn_avro_header_get(tarn_buf_slice(&file), "avro.schema", &value));
		assert_true(tarn_slice_eq(value, tarn_slice_str(" {\"type\" : \"string\"}")));
		assert_true(tarn_avro_header_get(tarn_buf_slice(&file), "content", &value));
		assert_true(tarn_slice_eq(value, tarn_slice_str("data")));
		tarn_buf_release(&data);
		tarn_buf_release(&file);
	}
}

static void a_file_without_records_is_a_header(void **state)
{
	(void)state;
	struct tarn_buf file = write_file(TARN_CODEC_SNAPPY, 100, 0);
	struct tarn_avro_header header;
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL), TARN_OK);
	assert_int_equal(header.size, file.len);
	tarn_buf_release(&file);
}

static void a_full_buffer_is_an_error(void **state)
{
	(void)state;
	struct tarn_buf out;
	tarn_buf_init(&out, 90);
	struct tarn_avro_writer *writer = tarn_avro_writer_new(&out, tarn_slice_str("\"string\""), TARN_CODEC_NONE,
		NULL,
							       0, (const uint8_t *)"0123456789abcdef", 1);
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < 10 && !rc; i++)
		rc = tarn_avro_writer_add(writer, tarn_slice_str("\x06" "abc"), NULL);
	assert_int_equal(rc, TARN_ELIMIT);
	tarn_avro_writer_free(writer);
	tarn_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_codec_gives_the_same_data),
		cmocka_unit_test(metadata_are_found_by_key),
		cmocka_unit_test(every_prefix_ends_well),
		cmocka_unit_test(flipped_bytes_are_found_where_a_codec_can),
		cmocka_unit_test(damaged_headers_are_refused),
		cmocka_unit_test(metadata_in_several_blocks_are_read),
		cmocka_unit_test(damaged_blocks_are_refused),
		cmocka_unit_test(reading_goes_on_behind_damage),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(a_file_without_records_is_a_header),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
