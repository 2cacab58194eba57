/* What a kind of store implements; object.c checks arguments and dispatches. A backend's struct begins with struct
 * tarn_store, its writer's with struct tarn_store_writer. Keys and prefixes have been checked when they get here. */
#ifndef TARN_STORE_OBJECT_BACKEND_H
#define TARN_STORE_OBJECT_BACKEND_H

#include "base/module.h"
#include "store/object/object.h"

struct tarn_store_ops {
	void (*close)(struct tarn_store *store);
	enum tarn_rc (*get)(struct tarn_store *store, const char *key, struct tarn_buf *out, struct tarn_err *err);
	enum tarn_rc (*get_range)(struct tarn_store *store, const char *key, int64_t offset, size_t len, uint8_t *dst,
				  struct tarn_err *err);
	enum tarn_rc (*get_tail)(struct tarn_store *store, const char *key, size_t most, uint8_t *dst, size_t *got,
				 int64_t *size, struct tarn_err *err);
	/* offset -1: the whole object, of len bytes (-1: unknown). The function may be NULL. */
	bool (*expect)(struct tarn_store *store, const char *key, int64_t offset, int64_t len);
	enum tarn_rc (*size)(struct tarn_store *store, const char *key, int64_t *size, struct tarn_err *err);
	enum tarn_rc (*put)(struct tarn_store *store, const char *key, struct tarn_slice bytes, enum tarn_put_mode mode,
			    struct tarn_err *err);
	enum tarn_rc (*link)(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err);
	enum tarn_rc (*rename)(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err);
	enum tarn_rc (*writer_open)(struct tarn_store *store, const char *key, enum tarn_put_mode mode,
				    struct tarn_store_writer **writer, struct tarn_err *err);
	enum tarn_rc (*writer_add)(struct tarn_store_writer *writer, struct tarn_slice bytes, struct tarn_err *err);
	enum tarn_rc (*writer_finish)(struct tarn_store_writer *writer, struct tarn_err *err);
	void (*writer_free)(struct tarn_store_writer *writer);
	enum tarn_rc (*sync)(struct tarn_store *store, struct tarn_err *err);
	enum tarn_rc (*remove)(struct tarn_store *store, const char *key, struct tarn_err *err);
	enum tarn_rc (*list)(struct tarn_store *store, const char *prefix, const char *start_after,
			     tarn_store_visit visit, void *context, struct tarn_err *err);
	enum tarn_rc (*walk)(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			     struct tarn_err *err);
	/* May be NULL. */
	enum tarn_rc (*list_tree)(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit,
				  void *context, struct tarn_err *err);
	enum tarn_rc (*folder_token)(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
				     struct tarn_err *err);
	bool is_ordered; /* see tarn_store_is_ordered */
};

struct tarn_store {
	const struct tarn_store_ops *ops;
	char *url; /* no slash at the end */
};

struct tarn_store_writer {
	struct tarn_store *store;
};

enum tarn_rc tarn_local_store_open(const char *path, bool create, struct tarn_store **store,
				   struct tarn_err *err) TARN_MUST_CHECK;
/* In the module TARN_MODULE_NETWORK. `options` may be NULL. */
typedef enum tarn_rc (*tarn_s3_open)(const char *url, const struct tarn_s3_options *options, bool create,
				     struct tarn_store **store, struct tarn_err *err);
TARN_EXPORT enum tarn_rc tarn_s3_store_open(const char *url, const struct tarn_s3_options *options, bool create,
					    struct tarn_store **store, struct tarn_err *err) TARN_MUST_CHECK;

#endif
