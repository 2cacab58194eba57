#include "store/object/s3_sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { CANONICAL_MAX = 1 << 20, DATE_LEN = 8 };

void s3_format_time(int64_t us, char text[S3_TIME_SIZE])
{
	time_t seconds = us / 1000000;
	struct tm parts;
	gmtime_r(&seconds, &parts);
	strftime(text, S3_TIME_SIZE, "%Y%m%dT%H%M%SZ", &parts);
}

void s3_encode(struct tarn_buf *out, const char *text, bool is_path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *text; text++)
		if (strchr(plain, *text) || (is_path && *text == '/'))
			tarn_buf_add_byte(out, (uint8_t)*text);
		else
			tarn_buf_printf(out, "%%%02X", (unsigned char)*text);
}

static void hmac(const uint8_t *key, size_t key_len, struct tarn_slice text, uint8_t digest[TARN_SHA256_SIZE])
{
	if (!HMAC(EVP_sha256(), key, (int)key_len, text.data, text.len, digest, NULL))
		abort(); /* only out of memory makes it fail */
}

static void add_names(struct tarn_buf *out, const struct s3_signed *request)
{
	for (size_t i = 0; i < request->n_headers; i++)
		tarn_buf_printf(out, "%s%s", i ? ";" : "", request->headers[i].name);
}

/* The request in the form that both sides hash. */
static void digest_request(const struct s3_signed *request, char hex[TARN_SHA256_HEX_SIZE + 1])
{
	uint8_t digest[TARN_SHA256_SIZE];
	struct tarn_buf canonical;
	tarn_buf_init(&canonical, CANONICAL_MAX);
	tarn_buf_printf(&canonical, "%s\n%s\n%s\n", request->method, request->path, request->query);
	for (size_t i = 0; i < request->n_headers; i++)
		tarn_buf_printf(&canonical, "%s:%s\n", request->headers[i].name, request->headers[i].value);
	tarn_buf_add_byte(&canonical, '\n');
	add_names(&canonical, request);
	tarn_buf_printf(&canonical, "\n%s", request->payload_sha256);
	tarn_sha256(tarn_buf_slice(&canonical), digest);
	tarn_hex(digest, sizeof(digest), hex);
	hex[TARN_SHA256_HEX_SIZE] = '\0';
	tarn_buf_release(&canonical);
}

static void derive_key(const struct s3_signed *request, const char *secret, uint8_t key[TARN_SHA256_SIZE])
{
	char *first = tarn_asprintf("AWS4%s", secret);
	hmac((const uint8_t *)first, strlen(first), tarn_slice_of(request->time, DATE_LEN), key);
	hmac(key, TARN_SHA256_SIZE, tarn_slice_str(request->region), key);
	hmac(key, TARN_SHA256_SIZE, tarn_slice_str("s3"), key);
	hmac(key, TARN_SHA256_SIZE, tarn_slice_str("aws4_request"), key);
	free(first);
}

void s3_sign(const struct s3_signed *request, const struct s3_credentials *credentials, struct tarn_buf *authorization)
{
	char hex[TARN_SHA256_HEX_SIZE + 1];
	uint8_t key[TARN_SHA256_SIZE], digest[TARN_SHA256_SIZE];
	digest_request(request, hex);
	char *scope = tarn_asprintf("%.*s/%s/s3/aws4_request", DATE_LEN, request->time, request->region);
	char *text = tarn_asprintf("AWS4-HMAC-SHA256\n%s\n%s\n%s", request->time, scope, hex);
	derive_key(request, credentials->secret_key, key);
	hmac(key, sizeof(key), tarn_slice_str(text), digest);
	tarn_hex(digest, sizeof(digest), hex);
	tarn_buf_printf(authorization, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", credentials->access_key,
			scope);
	add_names(authorization, request);
	tarn_buf_printf(authorization, ",Signature=%s", hex);
	free(text);
	free(scope);
}
