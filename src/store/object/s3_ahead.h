/* Reading ahead: what the caller says it will read next is fetched behind its back. */
#ifndef TARN_STORE_OBJECT_S3_AHEAD_H
#define TARN_STORE_OBJECT_S3_AHEAD_H

#include "store/object/s3_store.h"

struct s3_ahead *s3_ahead_new(void);
/* After all jobs have ended. */
void s3_ahead_free(struct s3_ahead *ahead);

/* See tarn_store_expect. */
bool s3_fetch_ahead(struct tarn_store *store, const char *key, int64_t offset, int64_t len);
/* Takes an object that was fetched ahead as a whole, waiting for it; false: it was not, or that failed. */
bool s3_take_whole(struct s3_store *store, const char *full_key, struct tarn_buf *out);
/* Fills dst from the front with what was fetched ahead; returns how many bytes that were. */
size_t s3_take_range(struct s3_store *store, const char *full_key, int64_t offset, size_t len, uint8_t *dst);
/* The object changes: what was fetched of it is old. */
void s3_ahead_forget(struct s3_store *store, const char *full_key);

#endif
