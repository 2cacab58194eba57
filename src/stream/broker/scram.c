#include "stream/broker/scram.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

static const EVP_MD *digest_of(enum tarn_scram_mechanism mechanism)
{
	return mechanism == TARN_SCRAM_SHA_256 ? EVP_sha256() : EVP_sha512();
}

const char *tarn_scram_name(enum tarn_scram_mechanism mechanism)
{
	return mechanism == TARN_SCRAM_SHA_256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512";
}

size_t tarn_scram_hash_size(enum tarn_scram_mechanism mechanism)
{
	return mechanism == TARN_SCRAM_SHA_256 ? 32 : 64;
}

/* ---- base64 ---- */

void tarn_base64_add(struct tarn_buf *out, const uint8_t *bytes, size_t len)
{
	uint8_t *room = tarn_buf_room(out, (len + 2) / 3 * 4 + 1);
	if (room)
		out->len += (size_t)EVP_EncodeBlock(room, bytes, (int)len);
}

int tarn_base64_decode(struct tarn_slice text, uint8_t *bytes, size_t size)
{
	uint8_t decoded[1024];
	if (text.len % 4 || text.len / 4 * 3 > sizeof(decoded))
		return -1;
	int n = text.len ? EVP_DecodeBlock(decoded, text.data, (int)text.len) : 0;
	for (size_t i = 0; n > 0 && i < 2 && text.data[text.len - 1 - i] == '='; i++)
		n--;
	if (n < 0 || (size_t)n > size)
		return -1;
	memcpy(bytes, decoded, (size_t)n);
	return n;
}

/* ---- keys ---- */

static void hmac(enum tarn_scram_mechanism mechanism, const uint8_t *key, struct tarn_slice data, uint8_t *out)
{
	HMAC(digest_of(mechanism), key, (int)tarn_scram_hash_size(mechanism), data.data, data.len, out, NULL);
}

static void hash(enum tarn_scram_mechanism mechanism, const uint8_t *data, uint8_t *out)
{
	EVP_Digest(data, tarn_scram_hash_size(mechanism), out, NULL, digest_of(mechanism), NULL);
}

void tarn_scram_from_salted(enum tarn_scram_mechanism mechanism, const uint8_t *salted,
			    struct tarn_scram_credential *credential)
{
	uint8_t client_key[TARN_SCRAM_MAX_HASH];
	hmac(mechanism, salted, tarn_slice_str("Client Key"), client_key);
	hash(mechanism, client_key, credential->stored_key);
	hmac(mechanism, salted, tarn_slice_str("Server Key"), credential->server_key);
	OPENSSL_cleanse(client_key, sizeof(client_key));
}

void tarn_scram_from_password(enum tarn_scram_mechanism mechanism, const char *password,
			      struct tarn_scram_credential *credential)
{
	uint8_t salted[TARN_SCRAM_MAX_HASH];
	PKCS5_PBKDF2_HMAC(password, -1, credential->salt, (int)credential->salt_len, credential->iterations,
			  digest_of(mechanism), (int)tarn_scram_hash_size(mechanism), salted);
	tarn_scram_from_salted(mechanism, salted, credential);
	OPENSSL_cleanse(salted, sizeof(salted));
}

/* ---- messages ---- */

/* Takes "<name>=<value>" and the comma behind it from the front. */
static bool take_attribute(struct tarn_slice *rest, char name, struct tarn_slice *value)
{
	if (rest->len < 2 || rest->data[0] != (uint8_t)name || rest->data[1] != '=')
		return false;
	const uint8_t *comma = memchr(rest->data, ',', rest->len);
	size_t len = comma ? (size_t)(comma - rest->data) : rest->len;
	*value = tarn_slice_of(rest->data + 2, len - 2);
	size_t taken = comma ? len + 1 : len;
	*rest = tarn_slice_of(rest->data + taken, rest->len - taken);
	return true;
}

/* A saslname: "=2C" is a comma, "=3D" an equals sign, no other "=" may be there. */
static bool decode_name(struct tarn_slice text, char *name, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.data[i];
		if (c == '=') {
			if (text.len - i < 3)
				return false;
			bool comma = !memcmp(text.data + i, "=2C", 3), equals = !memcmp(text.data + i, "=3D", 3);
			if (!comma && !equals)
				return false;
			c = comma ? ',' : '=';
			i += 2;
		}
		if (!c || n + 1 >= size)
			return false;
		name[n++] = c;
	}
	name[n] = '\0';
	return n > 0;
}

enum tarn_rc tarn_scram_first(struct tarn_scram *scram, struct tarn_slice message, struct tarn_err *err)
{
	/* gs2-header: "n,," or "y,,", with an optional "a=identity" between the commas. */
	struct tarn_slice rest = message, identity = { NULL, 0 }, user, nonce;
	if (rest.len < 3 || (rest.data[0] != 'n' && rest.data[0] != 'y') || rest.data[1] != ',')
		return tarn_fail(err, TARN_EINVALID, "the first message is no SCRAM, or asks for channel binding");
	rest = tarn_slice_of(rest.data + 2, rest.len - 2);
	if (rest.data[0] == ',')
		rest = tarn_slice_of(rest.data + 1, rest.len - 1);
	else if (!take_attribute(&rest, 'a', &identity))
		return tarn_fail(err, TARN_EINVALID, "the header of the first message is broken");
	struct tarn_slice bare = rest;
	if (bare.len >= sizeof(scram->client_first) || memchr(bare.data, 0, bare.len) ||
	    !take_attribute(&rest, 'n', &user) || !take_attribute(&rest, 'r', &nonce) || !nonce.len ||
	    nonce.len >= sizeof(scram->nonce) / 2)
		return tarn_fail(err, TARN_EINVALID, "the first message has no user and nonce");
	if (!decode_name(user, scram->user, sizeof(scram->user)))
		return tarn_fail(err, TARN_EINVALID, "the user's name is not valid");
	if (identity.data && !tarn_slice_eq(identity, user))
		return tarn_fail(err, TARN_EINVALID, "the client wants to act for somebody else");
	if (rest.len && !tarn_slice_eq(rest, tarn_slice_str("tokenauth=false")) && rest.data[0] == 't')
		return tarn_fail(err, TARN_EINVALID, "delegation tokens are not served");
	snprintf(scram->client_first, sizeof(scram->client_first), "%.*s", (int)bare.len, (const char *)bare.data);
	snprintf(scram->nonce, sizeof(scram->nonce), "%.*s", (int)nonce.len, (const char *)nonce.data);
	return TARN_OK;
}

void tarn_scram_challenge(struct tarn_scram *scram, const uint8_t random[18], struct tarn_buf *out)
{
	struct tarn_buf text;
	tarn_buf_init(&text, sizeof(scram->server_first));
	tarn_base64_add(&text, random, 18);
	snprintf(scram->nonce + strlen(scram->nonce), sizeof(scram->nonce) - strlen(scram->nonce), "%.*s",
		 (int)text.len, (const char *)text.data);
	tarn_buf_clear(&text);
	tarn_buf_printf(&text, "r=%s,s=", scram->nonce);
	tarn_base64_add(&text, scram->credential.salt, scram->credential.salt_len);
	tarn_buf_printf(&text, ",i=%d", (int)scram->credential.iterations);
	assert(!text.overflow);
	snprintf(scram->server_first, sizeof(scram->server_first), "%.*s", (int)text.len, (const char *)text.data);
	tarn_buf_add_slice(out, tarn_buf_slice(&text));
	tarn_buf_release(&text);
}

/* Whether `proof` comes from somebody who knows the password, whose messages were those that we saw. */
static bool proof_is_right(const struct tarn_scram *scram, struct tarn_slice signed_text, const uint8_t *proof)
{
	uint8_t signature[TARN_SCRAM_MAX_HASH], key[TARN_SCRAM_MAX_HASH], stored[TARN_SCRAM_MAX_HASH];
	size_t size = tarn_scram_hash_size(scram->mechanism);
	hmac(scram->mechanism, scram->credential.stored_key, signed_text, signature);
	for (size_t i = 0; i < size; i++)
		key[i] = proof[i] ^ signature[i];
	hash(scram->mechanism, key, stored);
	OPENSSL_cleanse(key, sizeof(key));
	return !CRYPTO_memcmp(stored, scram->credential.stored_key, size);
}

enum tarn_rc tarn_scram_final(struct tarn_scram *scram, struct tarn_slice message, struct tarn_buf *out,
			      struct tarn_err *err)
{
	struct tarn_slice rest = message, binding, nonce, proof_text;
	uint8_t header[8], proof[TARN_SCRAM_MAX_HASH], signature[TARN_SCRAM_MAX_HASH];
	size_t size = tarn_scram_hash_size(scram->mechanism);
	if (!take_attribute(&rest, 'c', &binding) || !take_attribute(&rest, 'r', &nonce))
		return tarn_fail(err, TARN_EINVALID, "the last message is no SCRAM");
	size_t without_proof = (size_t)(nonce.data + nonce.len - message.data);
	while (rest.len && rest.data[0] != 'p') { /* extensions, that nobody has defined */
		struct tarn_slice skipped;
		if (!take_attribute(&rest, (char)rest.data[0], &skipped))
			return tarn_fail(err, TARN_EINVALID, "the last message is no SCRAM");
		without_proof = (size_t)(skipped.data + skipped.len - message.data);
	}
	int header_len = tarn_base64_decode(binding, header, sizeof(header));
	bool header_fits =
		header_len == 3 && (header[0] == 'n' || header[0] == 'y') && header[1] == ',' && header[2] == ',';
	/* With an identity the header is longer; it was held against the user's name, so that its start is enough. */
	bool with_identity = binding.len > 4 && (!memcmp(binding.data, "bixh", 4) || !memcmp(binding.data, "eSxh", 4));
	if ((!header_fits && !with_identity) || !tarn_slice_eq(nonce, tarn_slice_str(scram->nonce)))
		return tarn_fail(err, TARN_EINVALID, "the last message does not belong to the first");
	if (!take_attribute(&rest, 'p', &proof_text) ||
	    tarn_base64_decode(proof_text, proof, sizeof(proof)) != (int)size)
		return tarn_fail(err, TARN_EINVALID, "the proof is broken");
	struct tarn_buf text;
	tarn_buf_init(&text, 8192);
	tarn_buf_printf(&text, "%s,%s,%.*s", scram->client_first, scram->server_first, (int)without_proof,
			(const char *)message.data);
	bool right = !text.overflow && proof_is_right(scram, tarn_buf_slice(&text), proof);
	if (right) {
		hmac(scram->mechanism, scram->credential.server_key, tarn_buf_slice(&text), signature);
		tarn_buf_add_str(out, "v=");
		tarn_base64_add(out, signature, size);
	}
	tarn_buf_release(&text);
	return right ? TARN_OK : tarn_fail(err, TARN_EINVALID, "wrong user or password");
}
