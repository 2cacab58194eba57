/* An open S3 store: what its files share. */
#ifndef TARN_STORE_OBJECT_S3_STORE_H
#define TARN_STORE_OBJECT_S3_STORE_H

#include "base/alloc.h"
#include "base/curl_handle.h"
#include "store/object/s3_call.h"

struct s3_work;
struct s3_ahead;
struct s3_lent;

struct s3_store {
	struct tarn_store base;
	struct s3_config config;
	struct s3_lent *lent; /* NULL: config.credentials */
	bool create;	      /* a missing bucket is made by the first write */
	atomic_llong skew_us; /* the server's clock minus ours */
	struct tarn_curl_pool connections;
	pthread_mutex_t probing; /* covers `creates`; held while the store is probed */
	int creates;		 /* whether If-None-Match is honoured: 1, 0, or -1 for unknown */
	struct s3_work *work;	 /* requests behind the calls, see s3_work.h */
	struct s3_ahead *ahead;
};

static inline struct s3_store *s3_store_of(struct tarn_store *store)
{
	return (struct s3_store *)store;
}

/* The store's key within its bucket; to be freed. */
char *s3_full_key(const struct s3_store *store, const char *key);

/* s3_object.c */
enum tarn_rc s3_get(struct tarn_store *store, const char *key, struct tarn_buf *out, struct tarn_err *err);
enum tarn_rc s3_get_range(struct tarn_store *store, const char *key, int64_t offset, size_t len, uint8_t *dst,
			  struct tarn_err *err);
enum tarn_rc s3_get_tail(struct tarn_store *store, const char *key, size_t most, uint8_t *dst, size_t *got,
			 int64_t *size, struct tarn_err *err);
enum tarn_rc s3_size(struct tarn_store *store, const char *key, int64_t *size, struct tarn_err *err);
enum tarn_rc s3_delete(struct tarn_store *store, const char *key, struct tarn_err *err);
/* s3_write.c */
enum tarn_rc s3_put(struct tarn_store *store, const char *key, struct tarn_slice bytes, enum tarn_put_mode mode,
		    struct tarn_err *err);
enum tarn_rc s3_link(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err);
enum tarn_rc s3_rename(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err);
enum tarn_rc s3_sync(struct tarn_store *store, struct tarn_err *err);
/* s3_upload.c */
enum tarn_rc s3_writer_open(struct tarn_store *store, const char *key, enum tarn_put_mode mode,
			    struct tarn_store_writer **writer, struct tarn_err *err);
enum tarn_rc s3_writer_add(struct tarn_store_writer *writer, struct tarn_slice bytes, struct tarn_err *err);
enum tarn_rc s3_writer_finish(struct tarn_store_writer *writer, struct tarn_err *err);
void s3_writer_free(struct tarn_store_writer *writer);
/* s3_list.c */
enum tarn_rc s3_list(struct tarn_store *store, const char *prefix, const char *start_after, tarn_store_visit visit,
		     void *context, struct tarn_err *err);
enum tarn_rc s3_walk(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
		     struct tarn_err *err);
enum tarn_rc s3_list_tree(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			  struct tarn_err *err);
enum tarn_rc s3_folder_token(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
			     struct tarn_err *err);

#endif
