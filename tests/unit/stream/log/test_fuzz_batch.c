/* Replays the fuzzer's corpus, and each of its files with each byte replaced. */
#include <glob.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cmocka_tarn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = tarn_malloc(len ? len : 1); /* so that the sanitizer sees a step too far */
	memcpy(exact, bytes, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static void the_corpus_is_harmless(void **state)
{
	(void)state;
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	glob_t found;
	assert_int_equal(glob(TEST_DATA "/../fuzz/corpus/batch/*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct tarn_buf input;
		tarn_buf_init(&input, 1 << 20);
		assert_int_equal(tarn_file_read(found.gl_pathv[i], &input, NULL), TARN_OK);
		replay(input.data, input.len);
		for (size_t at = 0; at < input.len && input.len < 400; at++) {
			uint8_t kept = input.data[at];
			for (size_t k = 0; k < sizeof(values); k++) {
				input.data[at] = values[k];
				replay(input.data, input.len);
			}
			input.data[at] = kept;
			replay(input.data, at);
		}
		tarn_buf_release(&input);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
