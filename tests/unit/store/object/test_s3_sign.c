/* The examples of Amazon's documentation, with the keys that it gives away:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
#include "store/object/s3_sign.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WELCOME "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
#define TIME "20130524T000000Z"
#define HOST                                                                                                           \
	{                                                                                                              \
		"host", "examplebucket.s3.amazonaws.com"                                                               \
	}
#define SCOPE "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="

static const struct s3_credentials example = {
	(char *)"AKIAIOSFODNN7EXAMPLE",
	(char *)"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	(char *)"",
};

static const struct {
	const char *method, *path, *query, *sha256;
	struct s3_pair headers[6];
	size_t n_headers;
	const char *names, *signature;
} examples[] = {
	{ "GET",
	  "/test.txt",
	  "",
	  EMPTY,
	  { HOST, { "range", "bytes=0-9" }, { "x-amz-content-sha256", EMPTY }, { "x-amz-date", TIME } },
	  4,
	  "host;range;x-amz-content-sha256;x-amz-date",
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT",
	  "/test%24file.text",
	  "",
	  WELCOME,
	  { { "date", "Fri, 24 May 2013 00:00:00 GMT" },
	    HOST,
	    { "x-amz-content-sha256", WELCOME },
	    { "x-amz-date", TIME },
	    { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
	  5,
	  "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET",
	  "/",
	  "lifecycle=",
	  EMPTY,
	  { HOST, { "x-amz-content-sha256", EMPTY }, { "x-amz-date", TIME } },
	  3,
	  "host;x-amz-content-sha256;x-amz-date",
	  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "GET",
	  "/",
	  "max-keys=2&prefix=J",
	  EMPTY,
	  { HOST, { "x-amz-content-sha256", EMPTY }, { "x-amz-date", TIME } },
	  3,
	  "host;x-amz-content-sha256;x-amz-date",
	  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static void amazons_examples_are_signed_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct tarn_buf out;
		char *expected = tarn_asprintf(SCOPE "%s,Signature=%s", examples[i].names, examples[i].signature);
		tarn_buf_init(&out, 4096);
		s3_sign(&(struct s3_signed){ examples[i].method, examples[i].path, examples[i].query,
					     examples[i].headers, examples[i].n_headers, examples[i].sha256, TIME,
					     "us-east-1" },
			&example, &out);
		tarn_buf_add_byte(&out, 0);
		assert_string_equal((const char *)out.data, expected);
		tarn_buf_release(&out);
		free(expected);
	}
}

static void text_is_encoded_as_it_is_signed(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is_path;
		const char *encoded;
	} cases[] = {
		{ "a/b c+%/\xC3\xBC.bin", true, "a/b%20c%2B%25/%C3%BC.bin" },
		{ "a/b", false, "a%2Fb" },
		{ "AZaz09-._~", false, "AZaz09-._~" },
		{ "topic+0+0000000012.avro", true, "topic%2B0%2B0000000012.avro" },
		{ "year=2026/month=11", true, "year%3D2026/month%3D11" },
		{ "*'()!$&,;:@?#[]", true, "%2A%27%28%29%21%24%26%2C%3B%3A%40%3F%23%5B%5D" },
		{ "", true, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 4096);
		s3_encode(&out, cases[i].text, cases[i].is_path);
		tarn_buf_add_byte(&out, 0);
		assert_string_equal((const char *)out.data, cases[i].encoded);
		tarn_buf_release(&out);
	}
}

static void time_is_written_as_it_is_signed(void **state)
{
	(void)state;
	char text[S3_TIME_SIZE];
	s3_format_time(INT64_C(1369353600999999), text);
	assert_string_equal(text, TIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amazons_examples_are_signed_alike),
		cmocka_unit_test(text_is_encoded_as_it_is_signed),
		cmocka_unit_test(time_is_written_as_it_is_signed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
