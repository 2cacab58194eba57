#include "store/object/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/object/backend.h"

/* Past "file://" or "file://localhost" or "file:", at the slash that begins the path; NULL for other schemes. */
static const char *path_of_url(const char *url)
{
	static const char *const prefixes[] = { "file://localhost/", "file:///", "file:/" };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		if (!strncmp(url, prefixes[i], len))
			return url + len - 1;
	}
	return strstr(url, "://") ? NULL : url;
}

/* Past "s3://", at the bucket; Spark writes s3a. NULL for other schemes. */
static const char *place_of_s3_url(const char *url)
{
	static const char *const prefixes[] = { "s3://", "s3a://", "s3n://" };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(url, prefixes[i], strlen(prefixes[i])))
			return url + strlen(prefixes[i]);
	return NULL;
}

static enum tarn_rc open_s3(const char *url, const struct tarn_s3_options *options, bool create,
			    struct tarn_store **store, struct tarn_err *err)
{
	void *symbol;
	tarn_s3_open open;
	/* "Not found" would be taken for a store that is not there yet. */
	if (tarn_module_symbol(TARN_MODULE_NETWORK, "tarn_s3_store_open", &symbol, err))
		return tarn_err_within(err, TARN_EUNSUPPORTED, "\"%s\"", url);
	memcpy(&open, &symbol, sizeof(open));
	return open(url, options, create, store, err);
}

enum tarn_rc tarn_store_open_with(const char *url, const struct tarn_s3_options *options, bool create,
				  struct tarn_store **store, struct tarn_err *err)
{
	const char *path = path_of_url(url);
	if (place_of_s3_url(url))
		return open_s3(url, options, create, store, err);
	if (!path)
		return tarn_fail(err, TARN_EUNSUPPORTED,
				 "no store for \"%s\": expected a path, file:///path or s3://bucket/prefix", url);
	if (!*path)
		return tarn_fail(err, TARN_EINVALID, "the store's path is empty");
	return tarn_local_store_open(path, create, store, err);
}

enum tarn_rc tarn_store_open(const char *url, bool create, struct tarn_store **store, struct tarn_err *err)
{
	return tarn_store_open_with(url, NULL, create, store, err);
}

void tarn_store_close(struct tarn_store *store)
{
	if (store)
		store->ops->close(store);
}

const char *tarn_store_url(const struct tarn_store *store)
{
	return store->url;
}

const char *tarn_store_key(const struct tarn_store *store, const char *location)
{
	const char *s3_root = place_of_s3_url(store->url);
	const char *path = s3_root ? place_of_s3_url(location) : path_of_url(location);
	const char *root = s3_root ? s3_root : path_of_url(store->url);
	if (!path || (!s3_root && *path != '/'))
		return NULL;
	size_t len = strlen(root);
	if (strncmp(path, root, len) || path[len] != '/')
		return NULL;
	return path[len + 1] ? path + len + 1 : NULL;
}

/* A part may not be empty or lead elsewhere. */
static bool part_is_fine(const char *part, size_t len)
{
	return len && !(len == 1 && part[0] == '.') && !(len == 2 && !memcmp(part, "..", 2));
}

static enum tarn_rc check_key(const char *key, struct tarn_err *err)
{
	for (const char *part = key;; part++) {
		size_t len = strcspn(part, "/");
		if (!part_is_fine(part, len))
			return tarn_fail(err, TARN_EINVALID, "\"%s\" is no key: its part \"%.*s\" is empty or dots",
					 key, (int)(len > 100 ? 100 : len), part);
		part += len;
		if (!*part)
			return TARN_OK;
	}
}

static enum tarn_rc check_prefix(const char *prefix, struct tarn_err *err)
{
	return *prefix ? check_key(prefix, err) : TARN_OK;
}

enum tarn_rc tarn_store_get(struct tarn_store *store, const char *key, struct tarn_buf *out, struct tarn_err *err)
{
	enum tarn_rc rc = check_key(key, err);
	return rc ? rc : store->ops->get(store, key, out, err);
}

enum tarn_rc tarn_store_get_range(struct tarn_store *store, const char *key, int64_t offset, size_t len, uint8_t *dst,
				  struct tarn_err *err)
{
	enum tarn_rc rc = check_key(key, err);
	if (!rc && offset < 0)
		rc = tarn_fail(err, TARN_EINVALID, "offset %lld in \"%s\" is negative", (long long)offset, key);
	return rc ? rc : store->ops->get_range(store, key, offset, len, dst, err);
}

enum tarn_rc tarn_store_get_tail(struct tarn_store *store, const char *key, size_t most, uint8_t *dst, size_t *got,
				 int64_t *size, struct tarn_err *err)
{
	enum tarn_rc rc = check_key(key, err);
	return rc ? rc : store->ops->get_tail(store, key, most, dst, got, size, err);
}

bool tarn_store_expect(struct tarn_store *store, const char *key, int64_t size)
{
	return store->ops->expect && !check_key(key, NULL) && store->ops->expect(store, key, -1, size);
}

bool tarn_store_expect_range(struct tarn_store *store, const char *key, int64_t offset, int64_t len)
{
	return store->ops->expect && !check_key(key, NULL) && store->ops->expect(store, key, offset, len);
}

bool tarn_store_is_ordered(const struct tarn_store *store)
{
	return store->ops->is_ordered;
}

enum tarn_rc tarn_store_size(struct tarn_store *store, const char *key, int64_t *size, struct tarn_err *err)
{
	enum tarn_rc rc = check_key(key, err);
	return rc ? rc : store->ops->size(store, key, size, err);
}

enum tarn_rc tarn_store_put(struct tarn_store *store, const char *key, struct tarn_slice bytes, enum tarn_put_mode mode,
			    struct tarn_err *err)
{
	enum tarn_rc rc = check_key(key, err);
	return rc ? rc : store->ops->put(store, key, bytes, mode, err);
}

enum tarn_rc tarn_store_link(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err)
{
	enum tarn_rc rc = check_key(from, err);
	if (!rc)
		rc = check_key(to, err);
	return rc ? rc : store->ops->link(store, from, to, err);
}

enum tarn_rc tarn_store_rename(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err)
{
	enum tarn_rc rc = check_key(from, err);
	if (!rc)
		rc = check_key(to, err);
	return rc ? rc : store->ops->rename(store, from, to, err);
}

enum tarn_rc tarn_store_writer_open(struct tarn_store *store, const char *key, enum tarn_put_mode mode,
				    struct tarn_store_writer **writer, struct tarn_err *err)
{
	enum tarn_rc rc = check_key(key, err);
	return rc ? rc : store->ops->writer_open(store, key, mode, writer, err);
}

enum tarn_rc tarn_store_writer_add(struct tarn_store_writer *writer, struct tarn_slice bytes, struct tarn_err *err)
{
	return writer->store->ops->writer_add(writer, bytes, err);
}

enum tarn_rc tarn_store_writer_finish(struct tarn_store_writer *writer, struct tarn_err *err)
{
	return writer->store->ops->writer_finish(writer, err);
}

void tarn_store_writer_free(struct tarn_store_writer *writer)
{
	if (writer)
		writer->store->ops->writer_free(writer);
}

enum tarn_rc tarn_store_sync(struct tarn_store *store, struct tarn_err *err)
{
	return store->ops->sync(store, err);
}

enum tarn_rc tarn_store_delete(struct tarn_store *store, const char *key, struct tarn_err *err)
{
	enum tarn_rc rc = check_key(key, err);
	return rc ? rc : store->ops->remove(store, key, err);
}

enum tarn_rc tarn_store_list(struct tarn_store *store, const char *prefix, const char *start_after,
			     tarn_store_visit visit, void *context, struct tarn_err *err)
{
	enum tarn_rc rc = check_prefix(prefix, err);
	return rc ? rc : store->ops->list(store, prefix, start_after, visit, context, err);
}

enum tarn_rc tarn_store_walk(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			     struct tarn_err *err)
{
	enum tarn_rc rc = check_prefix(prefix, err);
	return rc ? rc : store->ops->walk(store, prefix, visit, context, err);
}

bool tarn_store_lists_trees(const struct tarn_store *store)
{
	return store->ops->list_tree;
}

enum tarn_rc tarn_store_list_tree(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit,
				  void *context, struct tarn_err *err)
{
	enum tarn_rc rc = check_prefix(prefix, err);
	if (!rc && !store->ops->list_tree)
		rc = tarn_fail(err, TARN_EUNSUPPORTED, "\"%s\" is listed folder by folder", store->url);
	return rc ? rc : store->ops->list_tree(store, prefix, visit, context, err);
}

enum tarn_rc tarn_store_folder_token(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
				     struct tarn_err *err)
{
	enum tarn_rc rc = check_prefix(prefix, err);
	return rc ? rc : store->ops->folder_token(store, prefix, token, err);
}
