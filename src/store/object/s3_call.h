/* One request to an S3 store, tried until it is answered for good. Any thread. */
#ifndef TARN_STORE_OBJECT_S3_CALL_H
#define TARN_STORE_OBJECT_S3_CALL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "store/object/backend.h"
#include "store/object/s3_sign.h"

/* What a request sends: bytes in memory, or in a file without a name. */
struct s3_body {
	struct tarn_buf bytes;
	int fd; /* -1: in memory */
	int64_t len;
	char sha256[TARN_SHA256_HEX_SIZE + 1]; /* "" until it was asked for */
};
void s3_body_init(struct s3_body *body, size_t max);
void s3_body_release(struct s3_body *body);

enum { S3_PAIRS = 6, S3_ID_SIZE = 37, S3_ETAG_SIZE = 80 };

struct s3_request {
	const char *method;
	const char *key;		  /* within the bucket; NULL: the bucket itself */
	struct s3_pair query[S3_PAIRS];	  /* sorted by name; a NULL name ends them */
	struct s3_pair headers[S3_PAIRS]; /* beside those of signing; sorted, lower case */
	struct s3_body *body;		  /* or NULL */
	/* Where the bytes of a good answer go: appended to `out`, or filled into `dst`, or nowhere. */
	struct tarn_buf *out;
	uint8_t *dst;
	size_t dst_len;
	bool may_fail_late; /* a good status may come with an error in the body, which goes to `out` */
};

struct s3_response {
	int status;
	int attempts;
	int64_t length;	 /* Content-Length, or -1 */
	int64_t size;	 /* of the object, by Content-Range, or -1 */
	size_t received; /* bytes given to out or dst */
	char etag[S3_ETAG_SIZE];
	char id[S3_ID_SIZE]; /* x-amz-meta-tarn-id */
	char region[64];
	char code[64], message[200]; /* of an error */
	int64_t date_us;
	int64_t retry_after_ms;
};

/* TARN_OK for any answer that trying again would not change, good (2xx) or not: look at the status, or let s3_refuse
 * say what it means. Failures of the network that stay are TARN_EIO. */
struct s3_store;
enum tarn_rc s3_call(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
		     struct tarn_err *err) TARN_MUST_CHECK;
/* The error that an answer stands for. */
enum tarn_rc s3_refuse(const struct s3_store *store, const struct s3_request *request,
		       const struct s3_response *response, struct tarn_err *err);
/* Both: TARN_OK for 2xx only. */
enum tarn_rc s3_expect(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
		       struct tarn_err *err) TARN_MUST_CHECK;

/* ---- one try ---- */

/* TARN_EIO where no whole answer came; *again: another try may help. */
enum tarn_rc s3_exchange(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
			 bool *again, struct tarn_err *err) TARN_MUST_CHECK;

/* ---- the rules of trying again ---- */

/* Whether the same request may be answered otherwise a moment later. */
bool s3_is_passing(int status, const char *code);

#endif
