/* Listings: one level (a delimiter folds what lies deeper into folders) and all levels, a thousand keys an answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/object/s3_upload.h"
#include "store/object/s3_work.h"
#include "store/object/s3_xml.h"

enum { ANSWER_MAX = 16 << 20 };
static const char own_files[] = ".tarn-";

struct item {
	char *key;
	bool is_folder;
	int64_t size, modified_us;
};

/* One answer. The parts of an item come in any order; its element's end completes it. */
struct page {
	struct tarn_arena arena;
	struct item *items;
	size_t n, cap;
	struct item current;
	char *upload_id; /* of the current item, where uploads are listed */
	bool truncated;
	char *token, *next_key, *next_upload;
};

static void clear_page(struct page *page)
{
	tarn_arena_clear(&page->arena);
	page->n = 0;
	page->current = (struct item){ 0 };
	page->upload_id = page->token = page->next_key = page->next_upload = NULL;
	page->truncated = false;
}

static void release_page(struct page *page)
{
	tarn_arena_release(&page->arena);
	free(page->items);
}

static void keep_current(struct page *page, bool is_folder)
{
	if (page->current.key) {
		page->current.is_folder = is_folder;
		page->items = tarn_grow(page->items, &page->cap, page->n + 1, sizeof(*page->items));
		page->items[page->n++] = page->current;
	}
	page->current = (struct item){ 0 };
	page->upload_id = NULL;
}

static void see_end_of_item(struct page *page, const char *name)
{
	if (!strcmp(name, "Upload") && page->current.key && page->upload_id) {
		char *shown = s3_unfinished_key(page->current.key, page->upload_id);
		page->current.key = tarn_arena_strdup(&page->arena, shown);
		free(shown);
	}
	keep_current(page, !strcmp(name, "CommonPrefixes"));
}

static void see_field_of_item(struct page *page, const char *name, const char *text)
{
	if (!strcmp(name, "Key") || !strcmp(name, "Prefix"))
		page->current.key = tarn_arena_strdup(&page->arena, text);
	else if (!strcmp(name, "UploadId"))
		page->upload_id = tarn_arena_strdup(&page->arena, text);
	else if (!strcmp(name, "Size"))
		page->current.size = strtoll(text, NULL, 10);
	else if (!strcmp(name, "LastModified") || !strcmp(name, "Initiated"))
		tarn_parse_timestamp(text, &page->current.modified_us);
}

static bool is_item(const char *name)
{
	return !strcmp(name, "Contents") || !strcmp(name, "CommonPrefixes") || !strcmp(name, "Upload");
}

static enum tarn_rc see_element(void *context, const struct s3_xml_element *element, struct tarn_err *err)
{
	struct page *page = context;
	(void)err;
	if (!element->is_end)
		return TARN_OK;
	if (is_item(element->name))
		see_end_of_item(page, element->name);
	else if (is_item(element->parent))
		see_field_of_item(page, element->name, element->text);
	else if (!strcmp(element->name, "IsTruncated"))
		page->truncated = !strcmp(element->text, "true");
	else if (!strcmp(element->name, "NextContinuationToken"))
		page->token = tarn_arena_strdup(&page->arena, element->text);
	else if (!strcmp(element->name, "NextKeyMarker"))
		page->next_key = tarn_arena_strdup(&page->arena, element->text);
	else if (!strcmp(element->name, "NextUploadIdMarker"))
		page->next_upload = tarn_arena_strdup(&page->arena, element->text);
	return TARN_OK;
}

static enum tarn_rc fetch_page(struct s3_store *store, const struct s3_pair *query, size_t n, struct page *page,
			       struct tarn_err *err)
{
	struct tarn_buf answer;
	struct s3_response response;
	struct s3_request request = { .method = "GET", .out = &answer };
	memcpy(request.query, query, n * sizeof(*query));
	tarn_buf_init(&answer, ANSWER_MAX);
	clear_page(page);
	enum tarn_rc rc = s3_expect(store, &request, &response, err);
	bool missing = rc == TARN_ENOTFOUND && store->create && !strcmp(response.code, "NoSuchBucket");
	if (missing) /* the first write makes it */
		rc = TARN_OK;
	else if (!rc)
		rc = s3_xml_read(tarn_buf_slice(&answer), see_element, page, err);
	if (rc == TARN_EINVALID)
		rc = tarn_err_within(err, rc, "the listing of s3://%s", store->config.bucket);
	tarn_buf_release(&answer);
	return rc;
}

/* An answer tells objects and folders apart; together they are in the order of keys. */
static int by_key(const void *left, const void *right)
{
	return strcmp(((const struct item *)left)->key, ((const struct item *)right)->key);
}

typedef bool (*see_item)(void *context, const struct item *item);

/* Objects and, with a delimiter, folders; in the order of the store, which is the keys' byte order. */
static enum tarn_rc list_objects(struct s3_store *store, const char *prefix, const char *delimiter,
				 const char *start_after, see_item see, void *context, struct tarn_err *err)
{
	struct page page = { 0 };
	char *token = NULL;
	enum tarn_rc rc;
	tarn_arena_init(&page.arena);
	do {
		struct s3_pair query[S3_PAIRS];
		size_t n = 0;
		if (token)
			query[n++] = (struct s3_pair){ "continuation-token", token };
		if (*delimiter)
			query[n++] = (struct s3_pair){ "delimiter", delimiter };
		query[n++] = (struct s3_pair){ "list-type", "2" };
		query[n++] = (struct s3_pair){ "prefix", prefix };
		if (start_after && !token)
			query[n++] = (struct s3_pair){ "start-after", start_after };
		rc = fetch_page(store, query, n, &page, err);
		if (!rc && page.n)
			qsort(page.items, page.n, sizeof(*page.items), by_key);
		for (size_t i = 0; i < page.n && !rc; i++)
			if (!see(context, &page.items[i]))
				page.truncated = false;
		free(token);
		token = !rc && page.truncated && page.token ? tarn_strdup(page.token) : NULL;
		if (!rc && page.truncated && !token)
			rc = tarn_fail(err, TARN_EIO, "the listing of s3://%s goes on, but does not say where",
				       store->config.bucket);
	} while (token);
	release_page(&page);
	return rc;
}

/* "<store's prefix>/<prefix>/" or "". */
static char *folder_key(const struct s3_store *store, const char *prefix)
{
	char *full = s3_full_key(store, prefix);
	char *folder = *full ? tarn_asprintf("%s/", full) : tarn_strdup("");
	free(full);
	return folder;
}

/* ---- one level ---- */

struct level {
	size_t skip; /* bytes of the folder's key */
	const char *start_after;
	tarn_store_visit visit;
	void *context;
	bool stopped;
};

static bool is_own(const char *name)
{
	return !strncmp(name, own_files, strlen(own_files));
}

static bool see_level(void *context, const struct item *item)
{
	struct level *level = context;
	if (level->stopped)
		return false;
	char *name = item->key + level->skip;
	size_t len = strlen(name);
	if (item->is_folder && len)
		name[--len] = '\0';
	/* An object whose key ends in a slash is how some tools draw a folder. */
	if (!len || (!item->is_folder && name[len - 1] == '/') || is_own(name))
		return true;
	if (level->start_after && strcmp(name, level->start_after) <= 0)
		return true;
	const struct tarn_store_entry entry = { name, item->is_folder, item->is_folder ? -1 : item->size };
	level->stopped = !level->visit(level->context, &entry);
	return !level->stopped;
}

enum tarn_rc s3_list(struct tarn_store *store, const char *prefix, const char *start_after, tarn_store_visit visit,
		     void *context, struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	char *folder = folder_key(s3, prefix);
	char *after = start_after ? tarn_asprintf("%s%s", folder, start_after) : NULL;
	struct level level = { .skip = strlen(folder), .start_after = start_after, .visit = visit, .context = context };
	s3_work_settle(s3, NULL);
	enum tarn_rc rc = list_objects(s3, folder, "/", after, see_level, &level, err);
	free(after);
	free(folder);
	return rc;
}

/* ---- all levels ---- */

struct walk {
	size_t skip; /* of the store's prefix */
	tarn_store_walk_visit visit;
	void *context;
	bool stopped, uploads;
	bool objects_only; /* nothing temporary */
};

static bool see_anywhere(void *context, const struct item *item)
{
	struct walk *walk = context;
	size_t len = strlen(item->key);
	if (walk->stopped)
		return false;
	if (!len || item->key[len - 1] == '/')
		return true;
	const char *name = strrchr(item->key, '/');
	const struct tarn_store_found found = {
		.key = item->key + walk->skip,
		.size = item->size,
		.modified_us = item->modified_us,
		.is_temporary = walk->uploads || is_own(name ? name + 1 : item->key),
	};
	if (found.is_temporary && walk->objects_only)
		return true;
	walk->stopped = !walk->visit(walk->context, &found);
	return !walk->stopped;
}

/* Uploads that were begun and neither finished nor aborted. */
static enum tarn_rc list_uploads(struct s3_store *store, const char *folder, struct walk *walk, struct tarn_err *err)
{
	struct page page = { 0 };
	char *key = NULL, *upload = NULL;
	enum tarn_rc rc;
	tarn_arena_init(&page.arena);
	do {
		struct s3_pair query[S3_PAIRS];
		size_t n = 0;
		if (key)
			query[n++] = (struct s3_pair){ "key-marker", key };
		query[n++] = (struct s3_pair){ "prefix", folder };
		if (key && upload)
			query[n++] = (struct s3_pair){ "upload-id-marker", upload };
		query[n++] = (struct s3_pair){ "uploads", "" };
		rc = fetch_page(store, query, n, &page, err);
		for (size_t i = 0; i < page.n && !rc; i++)
			/* Some stores do not know `prefix` here. */
			if (!strncmp(page.items[i].key, folder, strlen(folder)) && !see_anywhere(walk, &page.items[i]))
				page.truncated = false;
		free(key);
		free(upload);
		bool more = !rc && page.truncated && page.next_key;
		key = more ? tarn_strdup(page.next_key) : NULL;
		upload = more && page.next_upload ? tarn_strdup(page.next_upload) : NULL;
	} while (key);
	free(upload);
	release_page(&page);
	return rc;
}

static enum tarn_rc walk_objects(struct s3_store *store, const char *prefix, struct walk *walk, struct tarn_err *err)
{
	char *folder = folder_key(store, prefix);
	walk->skip = *store->config.prefix ? strlen(store->config.prefix) + 1 : 0;
	s3_work_settle(store, NULL);
	enum tarn_rc rc = list_objects(store, folder, "", NULL, see_anywhere, walk, err);
	free(folder);
	return rc;
}

enum tarn_rc s3_walk(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
		     struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	struct walk walk = { .visit = visit, .context = context };
	enum tarn_rc rc = walk_objects(s3, prefix, &walk, err);
	if (rc || walk.stopped)
		return rc;
	char *folder = folder_key(s3, prefix);
	walk.uploads = true;
	rc = list_uploads(s3, folder, &walk, err);
	free(folder);
	return rc;
}

enum tarn_rc s3_list_tree(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			  struct tarn_err *err)
{
	struct walk walk = { .visit = visit, .context = context, .objects_only = true };
	return walk_objects(s3_store_of(store), prefix, &walk, err);
}

/* S3 keeps nothing about a folder that changes with it. */
enum tarn_rc s3_folder_token(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
			     struct tarn_err *err)
{
	(void)store;
	(void)prefix;
	(void)err;
	token[0] = '\0';
	return TARN_OK;
}
