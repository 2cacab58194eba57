/* libFuzzer entry: opens the input as a Parquet file and reads every column. To run it:
 *   clang -g -fsanitize=fuzzer,address,undefined -Isrc -Itests/unit/store/parquet tests/fuzz/fuzz_parquet.c
 *         and the sources of src/store/parquet and src/base, with the libraries of meson.build
 * The corpus beside it is replayed by tests/unit/store/parquet/test_parquet_reader.c. */
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum tarn_rc rc = read_all(tarn_slice_of(data, size));
	(void)rc;
	return 0;
}
