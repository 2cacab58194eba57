/* libFuzzer entry: any bytes as a record in JSON. What is read must be safe to check, hash and write, and must read back
 * as the same record where it keeps the contract.
 *
 *   CC=clang meson setup build-fuzz -Dc_args=-fsanitize=fuzzer-no-link -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build-fuzz tests/unit/serialize/record/fuzz_record_json
 *   build-fuzz/tests/unit/serialize/record/fuzz_record_json -max_len=4096 CORPUS */
#include <stdlib.h>

#include "serialize/record/record_batch.h"
#include "serialize/record/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(struct tarn_record_batch *batch, struct tarn_buf *scratch)
{
	struct tarn_record record, again;
	struct tarn_record_ids before, after;
	struct tarn_buf text;
	tarn_record_batch_get(batch, 0, &record);
	tarn_record_identify(&record, scratch, &before);
	if (tarn_record_check(&record, NULL))
		return;
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	tarn_record_write_json(&record, &text);
	if (tarn_record_batch_add_json(batch, tarn_buf_slice(&text), NULL))
		abort();
	tarn_record_batch_get(batch, 1, &again);
	tarn_record_identify(&again, scratch, &after);
	if (tarn_record_check(&again, NULL) || memcmp(&before, &after, sizeof(before)))
		abort();
	tarn_buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tarn_record_batch *batch; /* of the process: making one costs more than most inputs */
	struct tarn_buf scratch;
	if (!batch)
		batch = tarn_record_batch_new();
	tarn_record_batch_clear(batch);
	tarn_buf_init(&scratch, TARN_BUF_DEFAULT_MAX);
	if (!tarn_record_batch_add_json(batch, tarn_slice_of(data, size), NULL))
		check_round_trip(batch, &scratch);
	tarn_buf_release(&scratch);
	return 0;
}
