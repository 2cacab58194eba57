/* Idempotence, transactions, and what a partition refuses. */
#include "base/big_endian.h"
#include "log_setup.h"
#include "stream/log/batch_layout.h"
#include "stream/log/log_parts.h"

static enum tarn_append_status send(struct setup *setup, int64_t id, int16_t epoch, int32_t sequence, int count,
				    int64_t *base)
{
	const struct tarn_batch_producer producer = { id, epoch, sequence, false };
	struct tarn_append result = setup_append(setup, 0, count, 10, &producer);
	*base = result.base_offset;
	return result.status;
}

static void sequences(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	static const struct {
		int64_t id;
		int16_t epoch;
		int32_t sequence;
		int count;
		enum tarn_append_status status;
		int64_t base;
	} cases[] = {
		{ 5, 0, 7, 1, TARN_APPEND_DONE, 0 }, /* an unknown producer may begin anywhere */
		{ 5, 0, 8, 3, TARN_APPEND_DONE, 1 },
		{ 5, 0, 8, 3, TARN_APPEND_DUPLICATE, 1 },
		{ 5, 0, 7, 1, TARN_APPEND_DUPLICATE, 0 },
		{ 5, 0, 8, 2, TARN_APPEND_OUT_OF_ORDER, -1 }, /* overlaps, but is no batch that was sent */
		{ 5, 0, 12, 1, TARN_APPEND_OUT_OF_ORDER, -1 },
		{ 5, 0, 11, 1, TARN_APPEND_DONE, 4 },
		{ 6, 3, 0, 1, TARN_APPEND_DONE, 5 },
		{ 6, 2, 1, 1, TARN_APPEND_PRODUCER_FENCED, -1 },
		{ 6, 4, 1, 1, TARN_APPEND_OUT_OF_ORDER, -1 }, /* a new epoch begins at 0 */
		{ 6, 4, 0, 1, TARN_APPEND_DONE, 6 },
		{ 6, 3, 1, 1, TARN_APPEND_PRODUCER_FENCED, -1 },
		{ 5, 0, 12, 1, TARN_APPEND_DONE, 7 },
		{ 5, 0, 13, 1, TARN_APPEND_DONE, 8 },
		{ 5, 0, 14, 1, TARN_APPEND_DONE, 9 },
		{ 5, 0, 8, 3, TARN_APPEND_DUPLICATE, 1 }, /* the fifth newest */
		{ 5, 0, 15, 1, TARN_APPEND_DONE, 10 },
		{ 5, 0, 8, 3, TARN_APPEND_OUT_OF_ORDER, -1 },	  /* the sixth is forgotten */
		{ 8, 0, INT32_MAX - 1, 4, TARN_APPEND_DONE, 11 }, /* wraps to 0 */
		{ 8, 0, 2, 1, TARN_APPEND_DONE, 15 },
		{ 8, 0, INT32_MAX - 1, 4, TARN_APPEND_DUPLICATE, 11 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t base;
		enum tarn_append_status status =
			send(&setup, cases[i].id, cases[i].epoch, cases[i].sequence, cases[i].count, &base);
		if (status != cases[i].status || base != cases[i].base)
			fail_msg("case %zu: status %d, base %lld", i, (int)status, (long long)base);
		if (i % 4 == 3)
			setup_reopen(&setup);
	}
	struct tarn_producer_state *producers;
	assert_int_equal(tarn_partition_producers(setup.partition, &producers), 3);
	free(producers);
	setup_end(&setup);
}

static enum tarn_append_status send_in_transaction(struct setup *setup, int64_t id, int32_t sequence, int64_t *base)
{
	const struct tarn_batch_producer producer = { id, 0, sequence, true };
	struct tarn_append result = setup_append(setup, 0, 1, 10, &producer);
	*base = result.base_offset;
	return result.status;
}

static void transactions_hold_the_last_stable_offset(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	int64_t base, next;
	struct tarn_append result;
	setup_append(&setup, 0, 1, 10, NULL);					      /* 0 */
	assert_int_equal(send_in_transaction(&setup, 1, 0, &base), TARN_APPEND_DONE); /* 1 */
	setup_append(&setup, 0, 1, 10, NULL);					      /* 2 */
	assert_int_equal(send_in_transaction(&setup, 2, 0, &base), TARN_APPEND_DONE); /* 3 */
	setup_wait(&setup);
	assert_int_equal(setup_offsets(&setup).last_stable, 1);
	assert_int_equal(send(&setup, 1, 0, 1, 1, &base), TARN_APPEND_TXN_STATE);
	tarn_buf_clear(&setup.out);
	assert_int_equal(tarn_partition_read(setup.partition, 0, 10000, TARN_READ_COMMITTED, &setup.out, &next, NULL),
			 TARN_OK);
	assert_int_equal(next, 1);
	assert_int_equal(tarn_partition_read(setup.partition, 0, 10000, TARN_READ_UNCOMMITTED, &setup.out, &next, NULL),
			 TARN_OK);
	assert_int_equal(next, 4);
	setup_reopen(&setup); /* open transactions are known after a restart */
	assert_int_equal(setup_offsets(&setup).last_stable, 1);
	tarn_partition_append_marker(setup.partition, 1, 0, false, 0, &result); /* 4 */
	assert_int_equal(result.status, TARN_APPEND_DONE);
	assert_int_equal(result.base_offset, 4);
	setup_wait(&setup);
	assert_int_equal(setup_offsets(&setup).last_stable, 3);
	tarn_partition_append_marker(setup.partition, 2, 0, true, 0, &result); /* 5 */
	setup_wait(&setup);
	assert_int_equal(setup_offsets(&setup).last_stable, 6);
	for (int round = 0; round < 2; round++) {
		static const struct {
			int64_t from, to;
			size_t count;
		} ranges[] = { { 0, 6, 1 }, { 0, 1, 0 }, { 0, 2, 1 }, { 4, 5, 1 }, { 5, 6, 0 } };
		for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
			struct tarn_aborted *aborted;
			size_t count = tarn_partition_aborted(setup.partition, ranges[i].from, ranges[i].to, &aborted);
			assert_int_equal(count, ranges[i].count);
			if (count) {
				assert_int_equal(aborted[0].producer_id, 1);
				assert_int_equal(aborted[0].first_offset, 1);
			}
			free(aborted);
		}
		setup_reopen(&setup);
	}
	tarn_partition_append_marker(setup.partition, 1, -1, true, 0, &result);
	assert_int_equal(result.status, TARN_APPEND_PRODUCER_FENCED);
	assert_int_equal(send(&setup, 1, 0, 1, 1, &base), TARN_APPEND_DONE);
	setup_end(&setup);
}

/* A marker that is not on disk yet could still be lost: what it ended is not stable before. */
static void a_marker_counts_when_it_is_durable(void **state)
{
	(void)state;
	struct producers producers;
	producers_init(&producers);
	const struct tarn_batch data = { .transactional = true, .producer_id = 9, .base_offset = 10, .count = 1 };
	producers_apply(&producers, &data, 0);
	assert_int_equal(producers_last_stable(&producers, 11), 10);
	uint8_t key[4] = { 0, 0, 0, 1 }, value[6] = { 0 };
	struct tarn_buf records, batch;
	tarn_buf_init(&records, 1000);
	tarn_buf_init(&batch, 1000);
	tarn_message_put(&records, 0, 0, tarn_slice_of(key, 4), tarn_slice_of(value, 6), tarn_slice_of(NULL, 0), 0);
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_batch marker = {
		.transactional = true, .control = true, .producer_id = 9, .base_offset = 11, .count = 1
	};
	assert_int_equal(tarn_batch_write(&marker, tarn_buf_slice(&records), compressor, &batch, NULL), TARN_OK);
	assert_int_equal(tarn_batch_parse(tarn_buf_slice(&batch), &marker, NULL), TARN_OK);
	producers_apply(&producers, &marker, 0);
	assert_int_equal(producers_last_stable(&producers, 11), 10);
	assert_int_equal(producers_last_stable(&producers, 12), 12);
	producers_durable(&producers, 12);
	assert_int_equal(producers.n_ended, 0);
	tarn_compressor_free(compressor);
	tarn_buf_release(&records);
	tarn_buf_release(&batch);
	producers_release(&producers);
}

static void producers_that_are_silent_are_forgotten(void **state)
{
	(void)state;
	struct producers producers;
	producers_init(&producers);
	for (int64_t id = 0; id < 100; id++) {
		const struct tarn_batch batch = {
			.producer_id = id, .base_offset = id, .count = 1, .transactional = id == 3
		};
		producers_apply(&producers, &batch, 1000 + id);
	}
	producers_expire(&producers, 1050);
	assert_int_equal(producers.count, 51);
	assert_non_null(producers_find(&producers, 3)); /* its transaction is open */
	assert_null(producers_find(&producers, 49));
	assert_non_null(producers_find(&producers, 50));
	struct tarn_buf saved;
	tarn_buf_init(&saved, 1 << 20);
	producers_save(&producers, &saved);
	for (size_t len = 0; len < saved.len; len += 13) {
		struct producers cut;
		producers_init(&cut);
		struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(saved.data, len));
		assert_false(producers_load(&cut, &cursor));
		producers_release(&cut);
	}
	struct producers loaded;
	producers_init(&loaded);
	struct tarn_cursor cursor = tarn_cursor_of(tarn_buf_slice(&saved));
	assert_true(producers_load(&loaded, &cursor));
	assert_int_equal(loaded.count, 51);
	assert_int_equal(loaded.n_open, 1);
	assert_int_equal(producers_last_stable(&loaded, 1000), 3);
	tarn_buf_release(&saved);
	producers_release(&loaded);
	producers_release(&producers);
}

enum { CHANGED_MAX = 400 };

static void bad_batches_are_refused(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "max.message.bytes", "300" } };
	setup_begin(&setup, 1, settings, 1);
	static const struct {
		size_t at, size;
		uint64_t value; /* written big-endian over a good batch */
		bool sealed;	/* the checksum is made right again */
		enum tarn_append_status status;
	} cases[] = {
		{ 0, 8, 0, true, TARN_APPEND_DONE },
		{ 0, 8, 5, true, TARN_APPEND_INVALID_RECORD },	     /* base offset */
		{ AT_LEADER_EPOCH, 4, 77, false, TARN_APPEND_DONE }, /* clients send anything */
		{ AT_MAGIC, 1, 1, true, TARN_APPEND_CORRUPT },
		{ AT_CRC, 4, 0, false, TARN_APPEND_CORRUPT },
		{ AT_LENGTH, 4, 20, false, TARN_APPEND_CORRUPT },
		{ AT_LENGTH, 4, 0xffffffff, false, TARN_APPEND_CORRUPT },
		{ AT_ATTRIBUTES, 2, ATTRIBUTE_CONTROL, true, TARN_APPEND_INVALID_RECORD },
		{ AT_ATTRIBUTES, 2, ATTRIBUTE_TRANSACTIONAL, true,
		  TARN_APPEND_INVALID_RECORD },			    /* without a producer */
		{ AT_ATTRIBUTES, 2, 7, true, TARN_APPEND_CORRUPT }, /* codec */
		{ AT_LAST_DELTA, 4, 5, true, TARN_APPEND_INVALID_RECORD },
		{ AT_COUNT, 4, 0, true, TARN_APPEND_INVALID_RECORD },
		{ AT_COUNT, 4, 0x7fffffff, true, TARN_APPEND_CORRUPT },
		{ AT_PRODUCER_ID, 8, 5, true, TARN_APPEND_INVALID_RECORD }, /* without epoch and sequence */
		{ 61, 1, 0x7e, true, TARN_APPEND_CORRUPT },		    /* a record longer than the batch */
		{ AT_BASE_TIME, 8, 0x7fffffffffff, true, TARN_APPEND_BAD_TIMESTAMP },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[CHANGED_MAX];
		tarn_batch_builder_clear(setup.builder);
		for (int k = 0; k < 2; k++)
			tarn_batch_builder_add(setup.builder, tarn_now_us() / 1000, tarn_slice_str("key"),
					       tarn_slice_str("value"), NULL, 0);
		struct tarn_slice batch;
		struct tarn_append result;
		assert_int_equal(tarn_batch_builder_finish(setup.builder, NULL, &batch, NULL), TARN_OK);
		memcpy(bytes, batch.data, batch.len);
		for (size_t k = 0; k < cases[i].size; k++)
			bytes[cases[i].at + k] = (uint8_t)(cases[i].value >> 8 * (cases[i].size - 1 - k));
		if (cases[i].sealed)
			tarn_batch_seal(bytes, batch.len);
		tarn_partition_append(setup.partition, bytes, batch.len, &result);
		if (result.status != cases[i].status)
			fail_msg("case %zu: %d %s", i, (int)result.status, result.reason);
	}
	assert_int_equal(setup_append(&setup, 0, 1, 300, NULL).status, TARN_APPEND_TOO_LARGE);
	assert_int_equal(setup_offsets(&setup).end, 4);
	setup_end(&setup);
}

static void a_compacted_topic_wants_keys(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "cleanup.policy", "compact" } };
	setup_begin(&setup, 1, settings, 1);
	for (int codec = TARN_BATCH_NONE; codec <= TARN_BATCH_ZSTD; codec++) {
		struct tarn_batch_builder *builder = tarn_batch_builder_new((enum tarn_batch_codec)codec);
		for (int i = 0; i < 5; i++)
			tarn_batch_builder_add(builder, 1, tarn_slice_of(i % 2 ? NULL : "k", i % 2 ? 0 : 1),
					       tarn_slice_str("v"), NULL, 0);
		struct tarn_slice batch;
		struct tarn_append result;
		assert_int_equal(tarn_batch_builder_finish(builder, NULL, &batch, NULL), TARN_OK);
		tarn_partition_append(setup.partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
		assert_int_equal(result.status, TARN_APPEND_INVALID_RECORD);
		assert_int_equal(result.n_bad_records, 2);
		assert_int_equal(result.bad_records[0], 1);
		assert_int_equal(result.bad_records[1], 3);
		tarn_batch_builder_free(builder);
	}
	setup_end(&setup);
}

static void times_and_codecs_of_the_topic(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "message.timestamp.type", "LogAppendTime" },
							      { "compression.type", "zstd" } };
	setup_begin(&setup, 1, settings, 2);
	int64_t before = tarn_now_us() / 1000, next;
	tarn_batch_builder_add(setup.builder, 5, tarn_slice_str("k0"), tarn_slice_str("v"), NULL, 0);
	struct tarn_slice sent;
	struct tarn_append result;
	assert_int_equal(tarn_batch_builder_finish(setup.builder, NULL, &sent, NULL), TARN_OK);
	tarn_partition_append(setup.partition, (uint8_t *)(uintptr_t)sent.data, sent.len, &result);
	assert_true(result.append_time >= before);
	setup_wait(&setup);
	assert_int_equal(setup_read_all(&setup, 0, 1000), 1);
	struct tarn_batch batch;
	tarn_buf_clear(&setup.out);
	assert_int_equal(tarn_partition_read(setup.partition, 0, 1000, TARN_READ_ALL, &setup.out, &next, NULL),
			 TARN_OK);
	assert_int_equal(tarn_batch_parse(tarn_buf_slice(&setup.out), &batch, NULL), TARN_OK);
	assert_int_equal(batch.codec, TARN_BATCH_ZSTD);
	assert_true(batch.log_append_time);
	assert_int_equal(batch.max_timestamp, result.append_time);
	setup_end(&setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences),
		cmocka_unit_test(transactions_hold_the_last_stable_offset),
		cmocka_unit_test(a_marker_counts_when_it_is_durable),
		cmocka_unit_test(producers_that_are_silent_are_forgotten),
		cmocka_unit_test(bad_batches_are_refused),
		cmocka_unit_test(a_compacted_topic_wants_keys),
		cmocka_unit_test(times_and_codecs_of_the_topic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
