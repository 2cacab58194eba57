/* Objects that are sent in parts, and what the ways of writing share. */
#ifndef TARN_STORE_OBJECT_S3_UPLOAD_H
#define TARN_STORE_OBJECT_S3_UPLOAD_H

#include "store/object/s3_store.h"

/* As s3_expect; a missing bucket is made if the store was opened to create. */
enum tarn_rc s3_expect_write(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Sends the body behind the caller's back; takes it over. */
void s3_put_later(struct s3_store *store, char *key, struct s3_body *body);
/* Whether `key` carries the mark of a write of ours. */
enum tarn_rc s3_is_ours(struct s3_store *store, const char *key, const char *id, bool *ours,
			struct tarn_err *err) TARN_MUST_CHECK;

/* An upload that nobody has finished has no key; s3_walk shows it as "<key>.tarn-upload-<id>", and deleting that aborts
 * it. `s3_unfinished_id` cuts such a name down to its key and returns the id, to be freed; NULL for other keys. */
char *s3_unfinished_key(const char *key, const char *id);
char *s3_unfinished_id(char *key);

#endif
