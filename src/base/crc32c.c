/* CRC-32C (Castagnoli, RFC 3720). With SSE4.2 three blocks are summed side by side, as the instruction takes three
 * cycles and one can start every cycle; the sums are then joined: the sum of A followed by B is shift(sum of A) ^ sum
 * of B, where shift feeds as many zero bytes as B is long, and is linear, so that a table by byte holds it. */
#include "base/hash.h"

#include <pthread.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */

enum { SLICES = 8, BLOCK = 1024 };

static uint32_t tables[SLICES][256];

static void make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		tables[0][i] = crc;
	}
	for (int slice = 1; slice < SLICES; slice++) {
		for (int i = 0; i < 256; i++) {
			uint32_t before = tables[slice - 1][i];
			tables[slice][i] = before >> 8 ^ tables[0][before & 0xff];
		}
	}
}

/* Eight bytes a step; little-endian words. */
static uint32_t sum_portable(uint32_t crc, const uint8_t *at, size_t len)
{
	for (; len >= 8; at += 8, len -= 8) {
		uint32_t low =
			crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
		crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
		      tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
	}
	for (; len; at++, len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
	return crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

static uint32_t shifts[4][256]; /* BLOCK zero bytes behind a sum, by byte of the sum */

static void make_shifts(void)
{
	static const uint8_t zeros[BLOCK];
	for (int byte = 0; byte < 4; byte++) {
		for (uint32_t bit = 1; bit < 256; bit <<= 1)
			shifts[byte][bit] = sum_portable(bit << (8 * byte), zeros, BLOCK);
		for (int i = 1; i < 256; i++)
			shifts[byte][i] = shifts[byte][i & -i] ^ shifts[byte][i & (i - 1)];
	}
}

static uint64_t shift(uint64_t crc)
{
	return shifts[0][crc & 0xff] ^ shifts[1][crc >> 8 & 0xff] ^ shifts[2][crc >> 16 & 0xff] ^
	       shifts[3][crc >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) static uint64_t add_word(uint64_t crc, const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	return _mm_crc32_u64(crc, word);
}

__attribute__((target("sse4.2"))) static uint32_t sum_sse42(uint32_t start, const uint8_t *at, size_t len)
{
	uint64_t crc = start;
	for (; len >= (size_t)3 * BLOCK; at += 3 * BLOCK, len -= (size_t)3 * BLOCK) {
		uint64_t second = 0, third = 0;
		for (size_t i = 0; i < BLOCK; i += 8) {
			crc = add_word(crc, at + i);
			second = add_word(second, at + BLOCK + i);
			third = add_word(third, at + (size_t)2 * BLOCK + i);
		}
		crc = shift(shift(crc) ^ second) ^ third;
	}
	for (; len >= 8; at += 8, len -= 8)
		crc = add_word(crc, at);
	for (; len; at++, len--)
		crc = _mm_crc32_u8((uint32_t)crc, *at);
	return (uint32_t)crc;
}
#endif

static uint32_t (*sum)(uint32_t crc, const uint8_t *at, size_t len);

static void choose(void)
{
	make_tables();
	sum = sum_portable;
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2")) {
		make_shifts();
		sum = sum_sse42;
	}
#endif
}

uint32_t tarn_crc32c(struct tarn_slice data)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, choose);
	return ~sum(~0u, data.data, data.len);
}

uint32_t tarn_crc32c_portable(struct tarn_slice data)
{
	tarn_crc32c(tarn_slice_of(NULL, 0));
	return ~sum_portable(~0u, data.data, data.len);
}
