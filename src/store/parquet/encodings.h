/* Decoders of Parquet's encodings (parquet-format, Encodings.md). Each reads exactly the wanted number of values from
 * untrusted bytes, or says no. */
#ifndef TARN_STORE_PARQUET_ENCODINGS_H
#define TARN_STORE_PARQUET_ENCODINGS_H

#include "base/alloc.h"
#include "base/buf.h"
#include "store/parquet/format.h"

/* Readable bytes that must follow every slice given to a decoder; their values do not matter. */
enum { TARN_DECODE_SLACK = 16 };

/* Decoded values without nulls. */
struct tarn_values {
	enum parquet_physical physical;
	uint32_t width; /* bytes a value; BOOLEAN 1, BYTE_ARRAY 0 */
	size_t n;
	struct tarn_buf data;
	int64_t *ends; /* of BYTE_ARRAY values, in data */
	size_t cap_ends;
};

void tarn_values_init(struct tarn_values *values, enum parquet_physical physical, uint32_t width);
void tarn_values_release(struct tarn_values *values);

/* RLE / bit-packed hybrid. */
bool tarn_decode_hybrid(struct tarn_slice in, unsigned width, size_t n, uint32_t *out);

/* Appends n values; NULL where it worked, else what is wrong. */
const char *tarn_decode_values(struct tarn_values *values, enum parquet_encoding encoding, struct tarn_slice in,
			       size_t n);
/* Appends n values that are numbers of `dictionary`'s. */
const char *tarn_decode_dictionary(struct tarn_values *values, const struct tarn_values *dictionary,
				   struct tarn_slice in, size_t n);

#endif
