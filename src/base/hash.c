#include "base/hash.h"

#include <nettle/sha2.h>
#include <zlib.h>

void tarn_sha256(struct tarn_slice data, uint8_t digest[TARN_SHA256_SIZE])
{
	struct sha256_ctx context;
	sha256_init(&context);
	sha256_update(&context, data.len, data.data);
	sha256_digest(&context, TARN_SHA256_SIZE, digest);
}

void tarn_hex(const uint8_t *bytes, size_t len, char *text)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool tarn_unhex(struct tarn_slice text, uint8_t *bytes, size_t len)
{
	if (text.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = nibble(text.data[2 * i]), low = nibble(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

uint32_t tarn_crc32(struct tarn_slice data)
{
	return (uint32_t)crc32_z(0, data.data, data.len);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Multiply-and-fold over 16 bytes a step. */
uint64_t tarn_hash64(struct tarn_slice data)
{
	const uint64_t k0 = 0x9e3779b97f4a7c15, k1 = 0xd6e8feb86659fd93;
	uint64_t hash = data.len * k0;
	const uint8_t *at = data.data;
	size_t left = data.len;
	while (left >= 16) {
		uint64_t pair[2];
		memcpy(pair, at, 16);
		hash = mix(pair[0] ^ k0 ^ hash, pair[1] ^ k1);
		at += 16;
		left -= 16;
	}
	uint64_t tail[2] = { 0, 0 };
	if (left)
		memcpy(tail, at, left);
	return mix(mix(tail[0] ^ k1 ^ hash, tail[1] ^ k0), k1);
}
