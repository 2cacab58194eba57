#include "base/hash.h"

#include "cmocka_tarn.h"

static void sha256_of_known_texts(void **state)
{
	(void)state;
	/* FIPS 180-4's examples and the empty message. */
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t digest[TARN_SHA256_SIZE];
		char hex[TARN_SHA256_HEX_SIZE + 1] = { 0 };
		tarn_sha256(tarn_slice_str(cases[i].text), digest);
		tarn_hex(digest, sizeof(digest), hex);
		assert_string_equal(hex, cases[i].hex);
	}
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_sha256((struct tarn_slice){ NULL, 0 }, digest);
	assert_int_equal(digest[0], 0xe3);
}

static void crc32_of_known_texts(void **state)
{
	(void)state;
	assert_int_equal(tarn_crc32(tarn_slice_str("123456789")), 0xcbf43926);
	assert_int_equal(tarn_crc32(tarn_slice_str("")), 0);
	assert_int_equal(tarn_crc32((struct tarn_slice){ NULL, 0 }), 0);
	static const uint8_t zeros[32];
	assert_int_equal(tarn_crc32(tarn_slice_of(zeros, sizeof(zeros))), 0x190a55ad);
}

static void hexadecimal_reads_back(void **state)
{
	(void)state;
	uint8_t bytes[256], back[256];
	char text[512];
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	tarn_hex(bytes, sizeof(bytes), text);
	assert_memory_equal(text, "000102", 6);
	assert_memory_equal(text + 506, "fdfeff", 6);
	assert_true(tarn_unhex(tarn_slice_of(text, sizeof(text)), back, sizeof(back)));
	assert_memory_equal(bytes, back, sizeof(bytes));
	assert_true(tarn_unhex(tarn_slice_str("aAfF09"), back, 3));
	assert_memory_equal(back, "\xaa\xff\x09", 3);
}

static void other_characters_are_not_hexadecimal(void **state)
{
	(void)state;
	uint8_t byte;
	for (int c = 0; c < 256; c++) {
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		uint8_t text[2] = { (uint8_t)c, '0' }, turned[2] = { '0', (uint8_t)c };
		assert_int_equal(tarn_unhex(tarn_slice_of(text, 2), &byte, 1), digit);
		assert_int_equal(tarn_unhex(tarn_slice_of(turned, 2), &byte, 1), digit);
	}
	assert_false(tarn_unhex(tarn_slice_str("0"), &byte, 1));
	assert_false(tarn_unhex(tarn_slice_str("000"), &byte, 1));
	assert_true(tarn_unhex(tarn_slice_str(""), &byte, 0));
}

/* Keys that differ in one bit, or only in length, land in different buckets about as often as chance says. */
static void table_hash_spreads(void **state)
{
	(void)state;
	enum { LEN = 40, BUCKETS = 4096, KEYS = LEN * 8 + LEN };
	uint8_t key[LEN] = { 0 };
	static uint8_t used[BUCKETS];
	size_t distinct = 0;
	for (size_t i = 0; i < KEYS; i++) {
		size_t len = i < LEN * 8 ? LEN : i - LEN * 8;
		if (i < LEN * 8)
			key[i / 8] ^= (uint8_t)(1 << i % 8);
		uint64_t hash = tarn_hash64(tarn_slice_of(key, len));
		assert_true(hash == tarn_hash64(tarn_slice_of(key, len)));
		distinct += !used[hash % BUCKETS]++;
		if (i < LEN * 8)
			key[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(distinct > KEYS * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_known_texts),
		cmocka_unit_test(crc32_of_known_texts),
		cmocka_unit_test(hexadecimal_reads_back),
		cmocka_unit_test(other_characters_are_not_hexadecimal),
		cmocka_unit_test(table_hash_spreads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
