/* Object stores behind one interface: a folder, or S3.
 *
 * A key is a path below the store's root, '/' between its parts, none at either end. What was put is durable after
 * tarn_store_sync has returned, not before; it becomes visible as a whole or not at all (but see TARN_PUT_UNTOLD). A
 * store may do the work behind the calls: then the failure of a put, link or finish is told by tarn_store_sync. Whoever
 * uses the same store sees what was put before. A store may be used by several threads at once. */
#ifndef TARN_STORE_OBJECT_OBJECT_H
#define TARN_STORE_OBJECT_OBJECT_H

#include "base/buf.h"
#include "base/err.h"

struct tarn_store;

/* `url`: a path, file:///path or s3://bucket[/prefix] (s3a and s3n are the same). A missing folder is made if `create`,
 * else TARN_ENOTFOUND; a bucket is looked at (and, with `create`, made) when it is first used. Other schemes are
 * TARN_EUNSUPPORTED. */
enum tarn_rc tarn_store_open(const char *url, bool create, struct tarn_store **store,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* How to reach S3. What is NULL, "" or 0 is taken from the environment (TARN_S3_..., AWS_...), then from the profile in
 * AWS's files, then a default; the README has the table. Local stores ignore it. */
struct tarn_s3_options {
	const char *endpoint; /* "http://host:port"; none: Amazon's */
	const char *region;   /* any text that the server takes */
	const char *access_key, *secret_key, *session_token;
	const char *profile;
	int path_style;	    /* 1: host/bucket/key; -1: bucket.host/key; 0: path style where there is an endpoint */
	int64_t part_bytes; /* of large objects; 5 MiB at least */
};
enum tarn_rc tarn_store_open_with(const char *url, const struct tarn_s3_options *options, bool create,
				  struct tarn_store **store, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_store_close(struct tarn_store *store);
/* "file:///abs/path" or "s3://bucket/prefix", without a slash at the end: the prefix of every location that is written
 * into metadata. */
const char *tarn_store_url(const struct tarn_store *store);
/* Key of a location below this store ("file:///...", "file:/..." or a plain path; "s3://...", "s3a://..."), or NULL if
 * it lies elsewhere; points into `location`. */
const char *tarn_store_key(const struct tarn_store *store, const char *location);

/* Appends the object's bytes to `out` (TARN_ELIMIT past out->max). */
enum tarn_rc tarn_store_get(struct tarn_store *store, const char *key, struct tarn_buf *out,
			    struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_store_get_range(struct tarn_store *store, const char *key, int64_t offset, size_t len, uint8_t *dst,
				  struct tarn_err *err) TARN_MUST_CHECK;
/* The last bytes of an object, at most `most`, and its size: for what has its index at the end. */
enum tarn_rc tarn_store_get_tail(struct tarn_store *store, const char *key, size_t most, uint8_t *dst, size_t *got,
				 int64_t *size, struct tarn_err *err) TARN_MUST_CHECK;
/* Says that an object will be read soon by tarn_store_get (size: -1 where it is not known), or bytes of it by
 * tarn_store_get_range; once, and in the order of such calls. A distant store has several requests under way then.
 * False: it will not, or not so many yet. */
bool tarn_store_expect(struct tarn_store *store, const char *key, int64_t size);
bool tarn_store_expect_range(struct tarn_store *store, const char *key, int64_t offset, int64_t len);
enum tarn_rc tarn_store_size(struct tarn_store *store, const char *key, int64_t *size,
			     struct tarn_err *err) TARN_MUST_CHECK;

enum tarn_put_mode {
	/* TARN_EEXISTS where the key is taken: of several who try, one succeeds, and knows it when the call returns.
	 * TARN_EUNSUPPORTED where the store cannot tell them apart. */
	TARN_PUT_NEW,
	TARN_PUT_REPLACE,
	/* Replaces, too. Nobody looks for the key before the caller tells of it, so a folder may show half of the
	 * object until then, and keep it where the writer dies: that spares a name and its change. */
	TARN_PUT_UNTOLD,
};
enum tarn_rc tarn_store_put(struct tarn_store *store, const char *key, struct tarn_slice bytes, enum tarn_put_mode mode,
			    struct tarn_err *err) TARN_MUST_CHECK;
/* Gives an object that does not change a second key, or a copy under it. Where `to` is taken: TARN_EEXISTS, or (S3) it
 * is replaced. */
enum tarn_rc tarn_store_link(struct tarn_store *store, const char *from, const char *to,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Moves an object to another key, replacing what is there in one step (on S3 both are there for a moment). */
enum tarn_rc tarn_store_rename(struct tarn_store *store, const char *from, const char *to,
			       struct tarn_err *err) TARN_MUST_CHECK;
/* Objects written piece by piece; the key appears with finish, replacing what was there (the same work may be done
 * twice); any mode but TARN_PUT_NEW. Free without finish discards it. A writer belongs to one thread at a time. */
struct tarn_store_writer;
enum tarn_rc tarn_store_writer_open(struct tarn_store *store, const char *key, enum tarn_put_mode mode,
				    struct tarn_store_writer **writer, struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_store_writer_add(struct tarn_store_writer *writer, struct tarn_slice bytes,
				   struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_store_writer_finish(struct tarn_store_writer *writer, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_store_writer_free(struct tarn_store_writer *writer);
/* Makes everything that was put, linked, renamed or finished since the last call durable, and their folders'
 * entries, in no order. Once it has failed it fails for good: what the disk holds is unknown then; only a new store may
 * go on. */
enum tarn_rc tarn_store_sync(struct tarn_store *store, struct tarn_err *err) TARN_MUST_CHECK;
/* Whether the store keeps nothing of what came after a sync where it has lost what came before, and a replaced object
 * is the old or the new one whatever happens: then a reference may be replaced in place. Local folders promise neither
 * across a power failure. */
bool tarn_store_is_ordered(const struct tarn_store *store);
/* Deleting what is not there is fine. */
enum tarn_rc tarn_store_delete(struct tarn_store *store, const char *key, struct tarn_err *err) TARN_MUST_CHECK;

/* One level of a listing, in byte order of names (on S3 a folder counts as its name with '/' behind): objects and
 * folders right below `prefix` ("" for the root). A missing prefix lists nothing. Names that compare <= start_after
 * (NULL: none) are left out, at no cost where the store can seek. Temporary files of this room are not listed. Return
 * false from the callback to stop early. */
struct tarn_store_entry {
	const char *name; /* without the prefix */
	bool is_folder;
	int64_t size; /* of an object, or -1 where the listing does not tell */
};
typedef bool (*tarn_store_visit)(void *context, const struct tarn_store_entry *entry);
enum tarn_rc tarn_store_list(struct tarn_store *store, const char *prefix, const char *start_after,
			     tarn_store_visit visit, void *context, struct tarn_err *err) TARN_MUST_CHECK;
/* Everything below `prefix` at any depth, in no order, temporary files and unfinished uploads of writers that died (or
 * still work) among it, by names that tarn_store_delete takes; costs a look at every object, so for maintenance only.
 */
struct tarn_store_found {
	const char *key;
	int64_t size, modified_us;
	bool is_temporary;
};
typedef bool (*tarn_store_walk_visit)(void *context, const struct tarn_store_found *found);
enum tarn_rc tarn_store_walk(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Every object below `prefix` at any depth, in byte order of keys; no temporary ones. For stores that list a whole tree
 * at the price of a folder: tarn_store_lists_trees says whether it does, else TARN_EUNSUPPORTED. */
bool tarn_store_lists_trees(const struct tarn_store *store);
enum tarn_rc tarn_store_list_tree(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit,
				  void *context, struct tarn_err *err) TARN_MUST_CHECK;
/* A token that changes whenever an entry is added to or removed from this folder (not below it); empty where the store
 * has none or the folder changed too recently to tell. */
#define TARN_STORE_TOKEN_SIZE 64
enum tarn_rc tarn_store_folder_token(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
				     struct tarn_err *err) TARN_MUST_CHECK;

#endif
