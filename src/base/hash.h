/* Digests and checksums. */
#ifndef TARN_BASE_HASH_H
#define TARN_BASE_HASH_H

#include "base/buf.h"

#define TARN_SHA256_SIZE 32
#define TARN_SHA256_HEX_SIZE 64

void tarn_sha256(struct tarn_slice data, uint8_t digest[TARN_SHA256_SIZE]);
/* Lower-case hexadecimal, two characters a byte, no terminator. */
void tarn_hex(const uint8_t *bytes, size_t len, char *text);
/* False where text is not hexadecimal of exactly `len` bytes. */
bool tarn_unhex(struct tarn_slice text, uint8_t *bytes, size_t len);
uint32_t tarn_crc32(struct tarn_slice data);  /* IEEE, as zlib, gzip and Avro's snappy */
uint32_t tarn_crc32c(struct tarn_slice data); /* Castagnoli, as Kafka's batches; with SSE4.2 where there is one */
uint32_t tarn_crc32c_portable(struct tarn_slice data); /* the same without it, for tests and other machines */
uint64_t tarn_hash64(struct tarn_slice data); /* for hash tables in memory; not stable between releases */

#endif
