#include "stream/log/batch.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "cmocka_tarn.h"

/* The same three messages as kafka-python 2.0.2 writes them, one batch a codec. */
static const struct {
	enum tarn_batch_codec codec;
	const char *hex;
} foreign[] = {
	{ TARN_BATCH_NONE,
	  "0000000000000000000000860000000002bb2136a50000000000020000018bcfe5687b0000018bcfe568c8000000000000"
	  "004d0003000000090000000336000000066b65791276616c7565206f6e65040468310278046832015c002d020150767676"
	  "767676767676767676767676767676767676767676767676767676767676767676767676760012009a01040001020000" },
	{ TARN_BATCH_GZIP,
	  "000000000000000000000075000000000208b9dae70001000000020000018bcfe5687b0000018bcfe568c8000000000000"
	  "004d000300000009000000031f8b0800975c076b02ff3363606060cb4ead142a4bcc294d55c8cf4b6561c93064aa60c930"
	  "628c61d065620c282312300831cc626461606462600000f47024c555000000" },
	{ TARN_BATCH_SNAPPY,
	  "00000000000000000000007b00000000022e6cd0890002000000020000018bcfe5687b0000018bcfe568c80000000000"
	  "00004d0003000000090000000382534e4150505900000000010000000100000036559036000000066b65791276616c75"
	  "65206f6e65040468310278046832015c002d020150767676920200280012009a01040001020000" },
	{ TARN_BATCH_LZ4,
	  "00000000000000000000007c0000000002fa1f60d60003000000020000018bcfe5687b0000018bcfe568c80000000000000"
	  "04d0003000000090000000304224d18684055000000000000009e34000000ff1436000000066b65791276616c7565206f6e"
	  "65040468310278046832015c002d02015076010014b00012009a0104000102000000000000" },
	{ TARN_BATCH_ZSTD,
	  "00000000000000000000006f0000000002c81fa7d50004000000020000018bcfe5687b0000018bcfe568c8000000000000"
	  "004d0003000000090000000328b52ffd2055ad0100e40236000000066b65791276616c7565206f6e650404683102780468"
	  "32015c002d020150760012009a010400010200000100538227" },
};

enum { N_FOREIGN = sizeof(foreign) / sizeof(*foreign), MAX_FOREIGN = 256 };

static struct tarn_slice unhex(const char *hex, uint8_t bytes[MAX_FOREIGN])
{
	size_t len = strlen(hex) / 2;
	assert_true(len <= MAX_FOREIGN && tarn_unhex(tarn_slice_str(hex), bytes, len));
	return tarn_slice_of(bytes, len);
}

static void assert_slice(struct tarn_slice slice, const char *expected)
{
	assert_int_equal(!slice.data, !expected);
	if (expected) {
		assert_int_equal(slice.len, strlen(expected));
		assert_memory_equal(slice.data, expected, slice.len);
	}
}

static void assert_the_three(const struct tarn_batch *batch, struct tarn_batch_reader *reader)
{
	struct tarn_message message;
	struct tarn_header header;
	assert_int_equal(tarn_batch_reader_open(reader, batch, 1 << 20, NULL), TARN_OK);
	assert_int_equal(tarn_batch_reader_next(reader, &message, NULL), TARN_OK);
	assert_int_equal(message.offset, batch->base_offset);
	assert_int_equal(message.timestamp, 1700000000123);
	assert_slice(message.key, "key");
	assert_slice(message.value, "value one");
	assert_true(tarn_message_header_next(&message, &header));
	assert_slice(header.key, "h1");
	assert_slice(header.value, "x");
	assert_true(tarn_message_header_next(&message, &header));
	assert_slice(header.key, "h2");
	assert_slice(header.value, NULL);
	assert_false(tarn_message_header_next(&message, &header));
	assert_int_equal(tarn_batch_reader_next(reader, &message, NULL), TARN_OK);
	assert_int_equal(message.timestamp, 1700000000100);
	assert_slice(message.key, NULL);
	assert_slice(message.value, "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");
	assert_int_equal(message.n_headers, 0);
	assert_int_equal(tarn_batch_reader_next(reader, &message, NULL), TARN_OK);
	assert_int_equal(message.offset, batch->base_offset + 2);
	assert_slice(message.key, "");
	assert_slice(message.value, NULL);
	assert_true(tarn_message_header_next(&message, &header));
	assert_slice(header.key, "");
	assert_slice(header.value, "");
	assert_int_equal(tarn_batch_reader_next(reader, &message, NULL), TARN_ENOTFOUND);
}

static void batches_of_others_are_read(void **state)
{
	(void)state;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	for (size_t i = 0; i < N_FOREIGN; i++) {
		uint8_t bytes[MAX_FOREIGN];
		struct tarn_batch batch;
		assert_int_equal(tarn_batch_parse(unhex(foreign[i].hex, bytes), &batch, NULL), TARN_OK);
		assert_int_equal(batch.codec, foreign[i].codec);
		assert_true(tarn_batch_crc_ok(&batch));
		assert_int_equal(batch.producer_id, 77);
		assert_int_equal(batch.producer_epoch, 3);
		assert_int_equal(batch.base_sequence, 9);
		assert_int_equal(batch.max_timestamp, 1700000000200);
		assert_the_three(&batch, reader);
	}
	tarn_batch_reader_free(reader);
}

static struct tarn_slice build_the_three(struct tarn_batch_builder *builder)
{
	const struct tarn_header two[] = { { tarn_slice_str("h1"), tarn_slice_str("x") },
					   { tarn_slice_str("h2"), { NULL, 0 } } },
				 one = { tarn_slice_str(""), tarn_slice_str("") };
	tarn_batch_builder_clear(builder);
	tarn_batch_builder_add(builder, 1700000000123, tarn_slice_str("key"), tarn_slice_str("value one"), two, 2);
	tarn_batch_builder_add(builder, 1700000000100, tarn_slice_of(NULL, 0),
			       tarn_slice_str("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"), NULL, 0);
	tarn_batch_builder_add(builder, 1700000000200, tarn_slice_str(""), tarn_slice_of(NULL, 0), &one, 1);
	assert_int_equal(tarn_batch_builder_count(builder), 3);
	struct tarn_slice built;
	assert_int_equal(
		tarn_batch_builder_finish(builder, &(struct tarn_batch_producer){ 77, 3, 9, false }, &built, NULL),
		TARN_OK);
	return built;
}

static void what_is_built_reads_back(void **state)
{
	(void)state;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	for (size_t i = 0; i < N_FOREIGN; i++) {
		struct tarn_batch_builder *builder = tarn_batch_builder_new(foreign[i].codec);
		for (int round = 0; round < 2; round++) {
			struct tarn_slice built = build_the_three(builder);
			struct tarn_batch batch;
			assert_int_equal(tarn_batch_parse(built, &batch, NULL), TARN_OK);
			assert_true(tarn_batch_crc_ok(&batch));
			assert_the_three(&batch, reader);
			if (foreign[i].codec == TARN_BATCH_NONE) {
				uint8_t bytes[MAX_FOREIGN];
				assert_true(tarn_slice_eq(built, unhex(foreign[i].hex, bytes)));
			}
		}
		tarn_batch_builder_free(builder);
	}
	tarn_batch_reader_free(reader);
}

static void a_large_batch_reads_back_in_every_codec(void **state)
{
	(void)state;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	for (size_t i = 0; i < N_FOREIGN; i++) {
		struct tarn_batch_builder *builder = tarn_batch_builder_new(foreign[i].codec);
		for (uint64_t k = 0; k < 50000; k++)
			tarn_batch_builder_add(builder, (int64_t)k, tarn_slice_of(&k, 8), tarn_slice_of(&k, k % 9),
					       NULL, 0);
		struct tarn_slice built;
		struct tarn_batch batch;
		assert_int_equal(tarn_batch_builder_finish(builder, NULL, &built, NULL), TARN_OK);
		assert_int_equal(tarn_batch_parse(built, &batch, NULL), TARN_OK);
		assert_int_equal(tarn_batch_reader_open(reader, &batch, 1 << 10, NULL), TARN_ELIMIT);
		assert_int_equal(tarn_batch_reader_open(reader, &batch, 1 << 22, NULL), TARN_OK);
		struct tarn_message message;
		for (uint64_t k = 0; k < 50000; k++) {
			assert_int_equal(tarn_batch_reader_next(reader, &message, NULL), TARN_OK);
			assert_true(tarn_slice_eq(message.key, tarn_slice_of(&k, 8)) && message.value.len == k % 9);
		}
		assert_int_equal(tarn_batch_reader_next(reader, &message, NULL), TARN_ENOTFOUND);
		tarn_batch_builder_free(builder);
	}
	tarn_batch_reader_free(reader);
}

/* Copied to the end of a block of its own size, so that reading past it is seen by the sanitizer. */
static uint8_t *exactly(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = tarn_malloc(len ? len : 1);
	memcpy(copy, bytes, len);
	return copy;
}

static void every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FOREIGN; i++) {
		uint8_t bytes[MAX_FOREIGN];
		struct tarn_slice whole = unhex(foreign[i].hex, bytes);
		for (size_t len = 0; len < whole.len; len++) {
			struct tarn_batch batch;
			uint8_t *copy = exactly(bytes, len);
			assert_int_equal(tarn_batch_parse(tarn_slice_of(copy, len), &batch, NULL), TARN_EINVALID);
			free(copy);
		}
	}
}

static void read_through(struct tarn_batch_reader *reader, struct tarn_slice bytes)
{
	struct tarn_batch batch;
	struct tarn_message message;
	if (tarn_batch_parse(bytes, &batch, NULL) || tarn_batch_reader_open(reader, &batch, 1 << 20, NULL))
		return;
	while (!tarn_batch_reader_next(reader, &message, NULL)) {
		struct tarn_header header;
		size_t headers = message.n_headers;
		while (tarn_message_header_next(&message, &header))
			headers--;
		assert_int_equal(headers, 0);
	}
}

/* Every flipped bit is noticed by the checksum, but in the two fields outside of it; and reading on regardless does no
 * harm. */
static void every_flipped_bit_is_noticed(void **state)
{
	(void)state;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	for (size_t i = 0; i < N_FOREIGN; i++) {
		uint8_t bytes[MAX_FOREIGN];
		struct tarn_slice whole = unhex(foreign[i].hex, bytes);
		for (size_t bit = 0; bit < 8 * whole.len; bit++) {
			uint8_t *copy = exactly(bytes, whole.len);
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			struct tarn_batch batch;
			if (!tarn_batch_parse(tarn_slice_of(copy, whole.len), &batch, NULL))
				assert_int_equal(tarn_batch_crc_ok(&batch),
						 bit / 8 < 8 || (bit / 8 >= 12 && bit / 8 < 16));
			read_through(reader, tarn_slice_of(copy, whole.len));
			free(copy);
		}
	}
	tarn_batch_reader_free(reader);
}

/* The same where the records are damaged before they are compressed: checksum and codec see nothing wrong. */
static void damaged_records_are_refused(void **state)
{
	(void)state;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	uint8_t bytes[MAX_FOREIGN];
	struct tarn_slice whole = unhex(foreign[0].hex, bytes);
	static const struct {
		size_t at;
		uint8_t byte;
	} cases[] = {
		{ 61, 0x38 }, /* length of the first record: one more */
		{ 61, 0x34 }, /* one less */
		{ 61, 0x01 }, /* negative */
		{ 64, 0x06 }, /* offset delta beyond the last */
		{ 65, 0x40 }, /* a key longer than the record */
		{ 65, 0x03 }, /* a key of length -2 */
		{ 79, 0x06 }, /* more headers than there are */
		{ 79, 0x02 }, /* fewer */
		{ 80, 0x01 }, /* a header without a key */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t *copy = exactly(bytes, whole.len);
		copy[cases[i].at] = cases[i].byte;
		struct tarn_batch batch;
		struct tarn_message message;
		assert_int_equal(tarn_batch_parse(tarn_slice_of(copy, whole.len), &batch, NULL), TARN_OK);
		assert_int_equal(tarn_batch_reader_open(reader, &batch, 1 << 20, NULL), TARN_OK);
		enum tarn_rc rc = TARN_OK;
		while (!rc)
			rc = tarn_batch_reader_next(reader, &message, NULL);
		if (rc != TARN_EINVALID)
			fail_msg("case %zu: %s", i, tarn_rc_name(rc));
		free(copy);
	}
	tarn_batch_reader_free(reader);
}

static void placing_keeps_the_checksum(void **state)
{
	(void)state;
	uint8_t bytes[MAX_FOREIGN];
	struct tarn_slice whole = unhex(foreign[0].hex, bytes);
	struct tarn_batch batch;
	tarn_batch_place(bytes, 123456789012, 5);
	assert_int_equal(tarn_batch_parse(whole, &batch, NULL), TARN_OK);
	assert_true(tarn_batch_crc_ok(&batch));
	assert_int_equal(batch.base_offset, 123456789012);
	assert_int_equal(batch.leader_epoch, 5);
	tarn_batch_set_append_time(bytes, whole.len, 1800000000000);
	assert_int_equal(tarn_batch_parse(whole, &batch, NULL), TARN_OK);
	assert_true(tarn_batch_crc_ok(&batch) && batch.log_append_time);
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	struct tarn_message message;
	assert_int_equal(tarn_batch_reader_open(reader, &batch, 1 << 20, NULL), TARN_OK);
	while (!tarn_batch_reader_next(reader, &message, NULL))
		assert_int_equal(message.timestamp, 1800000000000);
	tarn_batch_reader_free(reader);
}

static void contradictions_are_refused(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t byte;
	} cases[] = {
		{ 8, 0xff },  /* negative length */
		{ 11, 0x30 }, /* shorter than a header */
		{ 16, 1 },    /* magic */
		{ 22, 5 },    /* no such codec */
		{ 23, 0x80 }, /* negative last delta */
		{ 26, 1 },    /* fewer offsets than records */
		{ 57, 0x80 }, /* negative count */
		{ 58, 1 },    /* more records than bytes */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[MAX_FOREIGN];
		struct tarn_slice whole = unhex(foreign[0].hex, bytes);
		struct tarn_batch batch;
		bytes[cases[i].at] = cases[i].byte;
		if (tarn_batch_parse(whole, &batch, NULL) != TARN_EINVALID)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_of_others_are_read),
		cmocka_unit_test(what_is_built_reads_back),
		cmocka_unit_test(a_large_batch_reads_back_in_every_codec),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(placing_keeps_the_checksum),
		cmocka_unit_test(contradictions_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
