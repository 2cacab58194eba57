/* Object stores behind one interface: a folder now, S3 by the same calls.
 *
 * A key is a path below the store's root, '/' between its parts, none at either end. What was put is durable after
 * tarn_store_sync has returned, not before; it becomes visible as a whole or not at all. A store may be used by several
 * threads at once. */
#ifndef TARN_STORE_OBJECT_OBJECT_H
#define TARN_STORE_OBJECT_OBJECT_H

#include "base/buf.h"
#include "base/err.h"

struct tarn_store;

/* `url`: a path or file:///path. A missing folder is made if `create`, else TARN_ENOTFOUND. Other schemes are
 * TARN_EUNSUPPORTED. */
enum tarn_rc tarn_store_open(const char *url, bool create, struct tarn_store **store,
			     struct tarn_err *err) TARN_MUST_CHECK;
void tarn_store_close(struct tarn_store *store);
/* "file:///abs/path", without a slash at the end: the prefix of every location that is written into metadata. */
const char *tarn_store_url(const struct tarn_store *store);
/* Key of a location below this store ("file:///...", "file:/..." or a plain path), or NULL if it lies elsewhere; points
 * into `location`. */
const char *tarn_store_key(const struct tarn_store *store, const char *location);

/* Appends the object's bytes to `out` (TARN_ELIMIT past out->max). */
enum tarn_rc tarn_store_get(struct tarn_store *store, const char *key, struct tarn_buf *out,
			    struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_store_get_range(struct tarn_store *store, const char *key, int64_t offset, size_t len, uint8_t *dst,
				  struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_store_size(struct tarn_store *store, const char *key, int64_t *size,
			     struct tarn_err *err) TARN_MUST_CHECK;

enum tarn_put_mode {
	TARN_PUT_NEW, /* TARN_EEXISTS where the key is taken */
	TARN_PUT_REPLACE,
};
enum tarn_rc tarn_store_put(struct tarn_store *store, const char *key, struct tarn_slice bytes, enum tarn_put_mode mode,
			    struct tarn_err *err) TARN_MUST_CHECK;
/* Gives an object a second key (of an immutable object: the same bytes again). TARN_EEXISTS where `to` is taken. */
enum tarn_rc tarn_store_link(struct tarn_store *store, const char *from, const char *to,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Moves an object to another key, replacing what is there in one step. */
enum tarn_rc tarn_store_rename(struct tarn_store *store, const char *from, const char *to,
			       struct tarn_err *err) TARN_MUST_CHECK;
/* Objects written piece by piece; the key appears with finish, replacing what was there (the same work may be done
 * twice). Free without finish discards it. A writer belongs to one thread at a time. */
struct tarn_store_writer;
enum tarn_rc tarn_store_writer_open(struct tarn_store *store, const char *key, struct tarn_store_writer **writer,
				    struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_store_writer_add(struct tarn_store_writer *writer, struct tarn_slice bytes,
				   struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_store_writer_finish(struct tarn_store_writer *writer, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_store_writer_free(struct tarn_store_writer *writer);
/* Makes everything that was put, linked, renamed or finished since the last call durable, files first, then their
 * folders. Once it has failed it fails for good: what the disk holds is unknown then; only a new store may go on. */
enum tarn_rc tarn_store_sync(struct tarn_store *store, struct tarn_err *err) TARN_MUST_CHECK;
/* Deleting what is not there is fine. */
enum tarn_rc tarn_store_delete(struct tarn_store *store, const char *key, struct tarn_err *err) TARN_MUST_CHECK;

/* One level of a listing, in byte order of names: objects and folders right below `prefix` ("" for the root). A missing
 * prefix lists nothing. Names that compare <= start_after (NULL: none) are left out, at no cost where the store can
 * seek. Temporary files of this room are not listed. Return false from the callback to stop early. */
struct tarn_store_entry {
	const char *name; /* without the prefix */
	bool is_folder;
	int64_t size; /* of an object, or -1 where the listing does not tell */
};
typedef bool (*tarn_store_visit)(void *context, const struct tarn_store_entry *entry);
enum tarn_rc tarn_store_list(struct tarn_store *store, const char *prefix, const char *start_after,
			     tarn_store_visit visit, void *context, struct tarn_err *err) TARN_MUST_CHECK;
/* Everything below `prefix` at any depth, in no order, temporary files of writers that died (or still work) among it;
 * costs a look at every object, so for maintenance only. */
struct tarn_store_found {
	const char *key;
	int64_t size, modified_us;
	bool is_temporary;
};
typedef bool (*tarn_store_walk_visit)(void *context, const struct tarn_store_found *found);
enum tarn_rc tarn_store_walk(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* A token that changes whenever an entry is added to or removed from this folder (not below it); empty where the store
 * has none or the folder changed too recently to tell. */
#define TARN_STORE_TOKEN_SIZE 64
enum tarn_rc tarn_store_folder_token(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
				     struct tarn_err *err) TARN_MUST_CHECK;

#endif
