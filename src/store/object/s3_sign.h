/* AWS Signature Version 4 in the header Authorization, for S3 (whose paths are encoded once, not twice).
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
#ifndef TARN_STORE_OBJECT_S3_SIGN_H
#define TARN_STORE_OBJECT_S3_SIGN_H

#include "store/object/s3_config.h"

#define S3_TIME_SIZE 17 /* "20130524T000000Z" */

struct s3_pair {
	const char *name, *value;
};

/* What is signed. */
struct s3_signed {
	const char *method;
	const char *path;	       /* encoded */
	const char *query;	       /* encoded, sorted by name, without '?' */
	const struct s3_pair *headers; /* names in lower case, sorted; host and x-amz-date among them */
	size_t n_headers;
	const char *payload_sha256; /* hexadecimal */
	const char *time;
	const char *region;
};

/* Appends the value of the header. */
void s3_sign(const struct s3_signed *request, const struct s3_credentials *credentials, struct tarn_buf *authorization);
void s3_format_time(int64_t us, char text[S3_TIME_SIZE]);
/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ and, in a path, '/'. */
void s3_encode(struct tarn_buf *out, const char *text, bool is_path);

#endif
