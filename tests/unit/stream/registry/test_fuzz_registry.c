/* Replays the fuzzer's corpus, and each of its files with bytes replaced. */
#include <glob.h>
#include <stdlib.h>

#include "base/file.h"
#include "cmocka_tarn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of its own size, so that a sanitizer sees what is read beyond it. */
static void feed(struct tarn_slice input, size_t len, size_t at, uint8_t value)
{
	uint8_t *copy = malloc(len ? len : 1);
	if (len)
		memcpy(copy, input.data, len);
	if (at < len)
		copy[at] = value;
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void the_corpus_is_replayed(void **state)
{
	(void)state;
	static const uint8_t values[] = { 0, '"', '{', '}', '[', '9', 0xff };
	glob_t found;
	assert_int_equal(glob(TEST_DATA "/../fuzz/corpus/registry/*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct tarn_buf input;
		tarn_buf_init(&input, 1 << 20);
		assert_int_equal(tarn_file_read(found.gl_pathv[i], &input, NULL), TARN_OK);
		struct tarn_slice bytes = tarn_buf_slice(&input);
		for (size_t len = 0; len <= bytes.len; len++)
			feed(bytes, len, len, 0);
		for (size_t at = 1; at < bytes.len; at++)
			for (size_t k = 0; k < sizeof(values); k++)
				feed(bytes, bytes.len, at, values[k]);
		tarn_buf_release(&input);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_is_replayed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
