/* Replays the fuzzer's corpus: what once was interesting stays harmless. */
#include <glob.h>

#include "avro_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void the_corpus_is_replayed(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob(TEST_DATA "/../fuzz/corpus/avro/*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct tarn_buf input;
		tarn_buf_init(&input, 1 << 20);
		assert_int_equal(tarn_file_read(found.gl_pathv[i], &input, NULL), TARN_OK);
		struct tarn_slice copy = exact_copy(tarn_buf_slice(&input));
		LLVMFuzzerTestOneInput(copy.data, copy.len);
		free_copy(copy);
		tarn_buf_release(&input);
	}
	globfree(&found);
}

/* Also every file of the room's test data with each byte replaced, which the fuzzer would take long to find. */
static void damaged_files_are_harmless(void **state)
{
	(void)state;
	static const char *const names[] = { "small-null.avro", "small-deflate.avro", "small-snappy.avro",
					     "small-zstandard.avro" };
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct tarn_buf file = read_test_file(names[i]);
		for (size_t at = 0; at < file.len; at++)
			for (size_t k = 0; k < sizeof(values); k++) {
				struct tarn_slice copy = exact_copy(tarn_buf_slice(&file));
				((uint8_t *)(uintptr_t)copy.data)[at] = values[k];
				LLVMFuzzerTestOneInput(copy.data, copy.len);
				free_copy(copy);
			}
		tarn_buf_release(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_is_replayed),
		cmocka_unit_test(damaged_files_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
