/* Any bytes as a record batch: nothing may crash, hang or take much memory; and what is read of a batch and built again
 * reads the same.
 *
 * Input: a batch. Its length and checksum are made right first, so that the fuzzer gets past them.
 * The unit test test_fuzz_batch replays tests/fuzz/corpus/batch.
 *
 *   CC=clang meson setup build-fuzz -Dc_args=-fsanitize=fuzzer-no-link -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build-fuzz tests/unit/stream/log/fuzz_batch
 *   build-fuzz/tests/unit/stream/log/fuzz_batch -max_len=4096 WORK tests/fuzz/corpus/batch */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/log/batch_layout.h"
#include "stream/log/producers.h"

enum { OUTPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* Headers of a message, encoded again. */
static size_t headers_again(struct tarn_message message, struct tarn_header **headers)
{
	size_t count = 0, capacity = 0;
	*headers = NULL;
	for (struct tarn_header header; tarn_message_header_next(&message, &header);) {
		*headers = tarn_grow(*headers, &capacity, count + 1, sizeof(**headers));
		(*headers)[count++] = header;
	}
	CHECK(!message.n_headers);
	return count;
}

static void same_message(const struct tarn_message *a, const struct tarn_message *b)
{
	CHECK(a->timestamp == b->timestamp && a->n_headers == b->n_headers);
	CHECK(!a->key.data == !b->key.data && tarn_slice_eq(a->key, b->key));
	CHECK(!a->value.data == !b->value.data && tarn_slice_eq(a->value, b->value));
}

/* Builds the batch again and reads the two side by side. */
static void build_again(const struct tarn_batch *batch)
{
	struct tarn_batch_reader *reader = tarn_batch_reader_new(), *second = tarn_batch_reader_new();
	struct tarn_batch_builder *builder = tarn_batch_builder_new(batch->codec);
	struct tarn_message message, again;
	enum tarn_rc rc = tarn_batch_reader_open(reader, batch, OUTPUT_MAX, NULL);
	while (!rc && !(rc = tarn_batch_reader_next(reader, &message, NULL))) {
		struct tarn_header *headers;
		size_t n_headers = headers_again(message, &headers);
		tarn_batch_builder_add(builder, message.timestamp, message.key, message.value, headers, n_headers);
		free(headers);
	}
	struct tarn_slice built;
	struct tarn_batch fresh;
	if (rc == TARN_ENOTFOUND && batch->count) {
		CHECK(!tarn_batch_builder_finish(builder, NULL, &built, NULL));
		CHECK(!tarn_batch_parse(built, &fresh, NULL) && tarn_batch_crc_ok(&fresh) &&
		      fresh.count == batch->count);
		CHECK(!tarn_batch_reader_open(reader, batch, OUTPUT_MAX, NULL));
		CHECK(!tarn_batch_reader_open(second, &fresh, (size_t)4 * OUTPUT_MAX, NULL));
		while (!tarn_batch_reader_next(reader, &message, NULL)) {
			CHECK(!tarn_batch_reader_next(second, &again, NULL));
			same_message(&message, &again);
		}
	}
	tarn_batch_builder_free(builder);
	tarn_batch_reader_free(reader);
	tarn_batch_reader_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tarn_batch batch;
	if (!tarn_batch_parse(tarn_slice_of(data, size), &batch, NULL))
		build_again(&batch);
	if (size < TARN_BATCH_HEADER_SIZE)
		return 0;
	uint8_t *bytes = tarn_malloc(size);
	memcpy(bytes, data, size);
	tarn_batch_seal(bytes, size);
	if (!tarn_batch_parse(tarn_slice_of(bytes, size), &batch, NULL)) {
		CHECK(tarn_batch_crc_ok(&batch) && batch.bytes.len == size);
		bool commit;
		int32_t epoch;
		tarn_batch_marker(&batch, &commit, &epoch);
		build_again(&batch);
	}
	free(bytes);
	return 0;
}
