/* SCRAM (RFC 5802, RFC 7677) from the server's side: what is kept of a password, and the exchange. No state but the
 * exchange's own. */
#ifndef TARN_STREAM_BROKER_SCRAM_H
#define TARN_STREAM_BROKER_SCRAM_H

#include "base/buf.h"
#include "base/err.h"

/* As Kafka numbers them in its messages. */
enum tarn_scram_mechanism { TARN_SCRAM_SHA_256 = 1, TARN_SCRAM_SHA_512 = 2 };

enum {
	TARN_SCRAM_MAX_HASH = 64,
	TARN_SCRAM_MAX_SALT = 64,
	TARN_SCRAM_MIN_ITERATIONS = 4096,
	TARN_SCRAM_MAX_ITERATIONS = 16384
};

/* What the server knows of a password: enough to check it, not enough to log in with. */
struct tarn_scram_credential {
	int32_t iterations;
	uint8_t salt[TARN_SCRAM_MAX_SALT];
	size_t salt_len;
	uint8_t stored_key[TARN_SCRAM_MAX_HASH], server_key[TARN_SCRAM_MAX_HASH];
};

const char *tarn_scram_name(enum tarn_scram_mechanism mechanism); /* "SCRAM-SHA-256" */
size_t tarn_scram_hash_size(enum tarn_scram_mechanism mechanism);

/* From a password: with credential->salt and iterations as they are set. */
void tarn_scram_from_password(enum tarn_scram_mechanism mechanism, const char *password,
			      struct tarn_scram_credential *credential);
/* From what a client salted itself (AlterUserScramCredentials); `salted` is of the hash's size. */
void tarn_scram_from_salted(enum tarn_scram_mechanism mechanism, const uint8_t *salted,
			    struct tarn_scram_credential *credential);

/* ---- the exchange ---- */

struct tarn_scram {
	enum tarn_scram_mechanism mechanism;
	char user[256];
	struct tarn_scram_credential credential;
	/* client-first-message-bare, server-first-message: signed at the end. */
	char client_first[1024], server_first[1024];
	char nonce[512]; /* the client's and ours */
};

/* Reads the client's first message and fills scram->user. TARN_EINVALID: not SCRAM, channel binding, or another
 * identity. */
enum tarn_rc tarn_scram_first(struct tarn_scram *scram, struct tarn_slice message,
			      struct tarn_err *err) TARN_MUST_CHECK;
/* Appends the server's first message, for scram->credential. `random` is 18 random bytes. */
void tarn_scram_challenge(struct tarn_scram *scram, const uint8_t random[18], struct tarn_buf *out);
/* Checks the client's proof and appends the server's. */
enum tarn_rc tarn_scram_final(struct tarn_scram *scram, struct tarn_slice message, struct tarn_buf *out,
			      struct tarn_err *err) TARN_MUST_CHECK;

/* Base64 with padding (RFC 4648). Decoding gives the number of bytes, or -1 where the text is anything else or too
 * long. */
void tarn_base64_add(struct tarn_buf *out, const uint8_t *bytes, size_t len);
int tarn_base64_decode(struct tarn_slice text, uint8_t *bytes, size_t size);

#endif
