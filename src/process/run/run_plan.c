#include "process/run/run_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/point.h"

enum {
	FOLDERS_DEEP = 32,
	/* Below so many processed offsets a listing is cheap, and looks at every name. */
	WATERMARK_LEAST = 1000,
};

static const char area_folder[] = "/experiments";

enum tarn_rc tarn_raw_open(const char *url, struct tarn_raw *raw, struct tarn_err *err)
{
	struct tarn_store *store;
	enum tarn_rc rc = tarn_store_open(url, false, &store, err);
	const char *name, *prefix = "";

	if (rc)
		return rc;
	name = strrchr(tarn_store_url(store), '/');
	if (!strcmp(name, area_folder)) {
		char *parent = tarn_strdup(tarn_store_url(store));

		parent[name - tarn_store_url(store)] = '\0';
		tarn_store_close(store);
		rc = tarn_store_open(parent, false, &store, err);
		free(parent);
		prefix = area_folder + 1;
	}
	if (!rc)
		*raw = (struct tarn_raw){ store, prefix };
	return rc;
}

void tarn_raw_close(struct tarn_raw *raw)
{
	tarn_store_close(raw->store);
	raw->store = NULL;
}

/* ---- the walk ---- */

/* The last object of a partition, which a sink may replace by a longer one. */
struct tail {
	const char *key;
	int64_t known_size;
	bool seen; /* in a listing, which told its size */
};

struct walk {
	struct tarn_store *store;
	struct tarn_ledger *ledger;
	bool rescan;
	struct tarn_plan *plan;
	struct tarn_err *err;
	/* Sorted by key; where listings tell sizes. */
	struct tail *tails;
	size_t n_tails, tails_capacity;
};

/* One folder on the way. */
struct folder {
	struct walk *walk;
	const char *path;
	struct tarn_buf key; /* "<path>/", to put names behind */
	size_t key_prefix;
	const char **below; /* subfolders found */
	size_t n_below, below_capacity;
	enum tarn_rc rc;
};

static enum tarn_rc visit_folder(struct walk *walk, const char *path, unsigned depth);

static void add_below(struct folder *folder, const char *path)
{
	folder->below = tarn_grow(folder->below, &folder->below_capacity, folder->n_below + 1, sizeof(*folder->below));
	folder->below[folder->n_below++] = tarn_arena_strdup(&folder->walk->plan->arena, path);
}

/* Takes an object into the plan; one that is gone by now is left out. */
static enum tarn_rc take(struct walk *walk, const char *key, int64_t size, bool watched)
{
	struct tarn_plan *plan = walk->plan;
	struct tarn_raw_object *object;
	struct tarn_err err;
	enum tarn_rc rc;

	if (size < 0) {
		rc = tarn_store_size(walk->store, key, &size, &err);
		if (rc == TARN_ENOTFOUND)
			return TARN_OK;
		if (rc) {
			if (walk->err)
				*walk->err = err;
			return rc;
		}
	}
	plan->objects = tarn_grow(plan->objects, &plan->capacity, plan->n_objects + 1, sizeof(*plan->objects));
	object = &plan->objects[plan->n_objects];
	if (!tarn_raw_object_parse(tarn_arena_strdup(&plan->arena, key), object))
		return TARN_OK;
	object->size = size;
	object->watched = watched;
	plan->n_objects++;
	return TARN_OK;
}

/* Of an object that the ledger watches: whether its size has changed. `size`: by the listing, or -1. */
static enum tarn_rc has_changed(struct walk *walk, const char *key, int64_t size, int64_t known_size, bool *changed)
{
	enum tarn_rc rc = size < 0 ? tarn_store_size(walk->store, key, &size, walk->err) : TARN_OK;

	if (rc == TARN_ENOTFOUND) {
		*changed = false;
		return TARN_OK;
	}
	if (!rc)
		*changed = size != known_size;
	return rc;
}

/* `size`: by the listing, or -1. */
static enum tarn_rc is_new_object(struct walk *walk, struct tarn_raw_object *object, int64_t size, bool *is_new)
{
	const struct tarn_ranges *ranges;
	struct tarn_ledger_object known;
	bool processed = false;
	enum tarn_rc rc = TARN_OK;

	if (object->naming == TARN_RAW_OFFSET) {
		rc = tarn_ledger_ranges(walk->ledger, object->topic, object->partition, &ranges, walk->err);
		processed = !rc && tarn_ranges_contain(ranges, object->offset);
	}
	if (rc || (processed && !walk->rescan)) {
		*is_new = false;
		return rc;
	}
	rc = tarn_ledger_objects_find(walk->ledger, tarn_raw_object_name(object->key), &known, walk->err);
	if (rc)
		return rc;
	object->watched = known.watched;
	if (known.watched && !walk->rescan)
		return has_changed(walk, object->key, size, known.size, is_new);
	*is_new = known.known ? known.watched : !processed;
	return TARN_OK;
}

/* ---- tails ---- */

static enum tarn_rc add_tail(void *context, const char *key, int64_t known_size, struct tarn_err *err)
{
	struct walk *walk = context;

	(void)err;
	walk->tails = tarn_grow(walk->tails, &walk->tails_capacity, walk->n_tails + 1, sizeof(*walk->tails));
	walk->tails[walk->n_tails++] =
		(struct tail){ .key = tarn_arena_strdup(&walk->plan->arena, key), .known_size = known_size };
	return TARN_OK;
}

static int compare_tails(const void *left, const void *right)
{
	return strcmp(((const struct tail *)left)->key, ((const struct tail *)right)->key);
}

static enum tarn_rc load_tails(struct walk *walk)
{
	enum tarn_rc rc = tarn_ledger_tails(walk->ledger, add_tail, walk, walk->err);

	if (!rc && walk->n_tails)
		qsort(walk->tails, walk->n_tails, sizeof(*walk->tails), compare_tails);
	return rc;
}

static struct tail *find_tail(const struct walk *walk, const char *key)
{
	const struct tail wanted = { .key = key };

	return walk->n_tails ? bsearch(&wanted, walk->tails, walk->n_tails, sizeof(wanted), compare_tails) : NULL;
}

/* The tail right in this folder, or NULL. */
static const struct tail *tail_of_folder(const struct walk *walk, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < walk->n_tails; i++) {
		const char *key = walk->tails[i].key;

		if (!strncmp(key, path, len) && key[len] == '/' && !strchr(key + len + 1, '/'))
			return &walk->tails[i];
	}
	return NULL;
}

static enum tarn_rc meet_tail(struct walk *walk, const char *key, int64_t size)
{
	struct tail *tail = size < 0 ? NULL : find_tail(walk, key);

	if (!tail)
		return TARN_OK;
	tail->seen = true;
	return size == tail->known_size ? TARN_OK : take(walk, key, size, false);
}

static bool see_entry(void *context, const struct tarn_store_entry *entry)
{
	struct folder *folder = context;
	struct tarn_raw_object object;
	bool is_new = false;

	if (*entry->name == '.' || *entry->name == '_')
		return true;
	folder->key.len = folder->key_prefix;
	tarn_buf_add(&folder->key, entry->name, strlen(entry->name) + 1);
	if (entry->is_folder) {
		add_below(folder, (const char *)folder->key.data);
		return true;
	}
	if (!tarn_raw_object_parse((const char *)folder->key.data, &object))
		return true;
	folder->rc = is_new_object(folder->walk, &object, entry->size, &is_new);
	if (!folder->rc && is_new)
		folder->rc = take(folder->walk, object.key, entry->size, object.watched);
	else if (!folder->rc)
		folder->rc = meet_tail(folder->walk, object.key, entry->size);
	return !folder->rc;
}

static enum tarn_rc see_known_folder(void *context, const char *key, int64_t size, struct tarn_err *err)
{
	(void)size;
	(void)err;
	add_below(context, key);
	return TARN_OK;
}

/* For a folder ".../<topic>/partition=<n>" whose offsets are processed from 0 on without a gap: the name of the last
 * of them, or what sorts right before the tail where the listing tells its size. */
static enum tarn_rc find_watermark(struct walk *walk, const char *path, char **start_after)
{
	static const char label[] = "partition=";
	const char *name = tarn_raw_object_name(path);
	const struct tarn_ranges *ranges;
	const struct tail *tail;
	struct tarn_slice topic;
	enum tarn_rc rc;
	char *end;
	long partition;

	if (walk->rescan || name == path || strncmp(name, label, sizeof(label) - 1))
		return TARN_OK;
	partition = strtol(name + sizeof(label) - 1, &end, 10);
	if (*end || partition < 0 || partition > INT32_MAX)
		return TARN_OK;
	topic.data = memrchr(path, '/', (size_t)(name - path - 1));
	topic.data = topic.data ? topic.data + 1 : (const uint8_t *)path;
	topic.len = (size_t)((const uint8_t *)name - 1 - topic.data);
	rc = tarn_ledger_ranges(walk->ledger, topic, (int32_t)partition, &ranges, walk->err);
	tail = tail_of_folder(walk, path);
	if (!rc && ranges->n && ranges->items[0].first == 0 && ranges->items[0].end >= WATERMARK_LEAST &&
	    ranges->items[0].end < 10000000000)
		*start_after = tarn_asprintf("%.*s+%ld+%010lld.json", (int)topic.len, (const char *)topic.data,
					     partition, (long long)ranges->items[0].end - 1);
	/* Behind a gap the tail is no lower bound. */
	if (*start_after && tail && strcmp(tarn_raw_object_name(tail->key), *start_after) <= 0) {
		free(*start_after);
		*start_after = tarn_strdup(tarn_raw_object_name(tail->key));
		(*start_after)[strlen(*start_after) - 1] = '\0';
	}
	return rc;
}

static enum tarn_rc list_folder(struct folder *folder)
{
	struct walk *walk = folder->walk;
	char *start_after = NULL;
	enum tarn_rc rc = find_watermark(walk, folder->path, &start_after);

	if (!rc)
		rc = tarn_ledger_objects_begin(walk->ledger, folder->path, walk->err);
	if (!rc)
		rc = tarn_store_list(walk->store, folder->path, start_after, see_entry, folder, walk->err);
	free(start_after);
	return rc ? rc : folder->rc;
}

static void keep_token(struct tarn_plan *plan, const char *path, const char *token)
{
	plan->folders = tarn_grow(plan->folders, &plan->folders_capacity, plan->n_folders + 1, sizeof(*plan->folders));
	plan->folders[plan->n_folders].folder = path;
	memcpy(plan->folders[plan->n_folders++].token, token, TARN_STORE_TOKEN_SIZE);
}

/* Fills folder->below, and the plan with what is new right in this folder. */
static enum tarn_rc look_into(struct folder *folder)
{
	struct walk *walk = folder->walk;
	char known[TARN_STORE_TOKEN_SIZE], token[TARN_STORE_TOKEN_SIZE];
	enum tarn_rc rc = tarn_ledger_folder_token(walk->ledger, folder->path, known, walk->err);

	/* Before the listing: what comes later changes the token. */
	if (!rc)
		rc = tarn_store_folder_token(walk->store, folder->path, token, walk->err);
	if (rc)
		return rc;
	if (!walk->rescan && *token && !strcmp(token, known))
		return tarn_ledger_subfolders(walk->ledger, folder->path, see_known_folder, folder, walk->err);
	keep_token(walk->plan, folder->path, token);
	if (*folder->path) {
		tarn_buf_add_str(&folder->key, folder->path);
		tarn_buf_add_byte(&folder->key, '/');
	}
	folder->key_prefix = folder->key.len;
	return list_folder(folder);
}

/* ---- trees of folders ---- */

/* A time partitioner makes a folder an hour. Where the store lists a tree as cheaply as a folder, such folders are
 * taken together. Partitions of a topic are not: each is listed behind its watermark. */
struct tree {
	struct walk *walk;
	size_t skip;		/* bytes of the tree's own path and its slash */
	struct tarn_buf folder; /* of the object before, with a zero byte */
	enum tarn_rc rc;
};

static bool is_tree(const struct walk *walk, const char *path)
{
	const char *name = tarn_raw_object_name(path);

	return tarn_store_lists_trees(walk->store) && strchr(name, '=') && strncmp(name, "partition=", 10) != 0;
}

static bool is_hidden(const char *path)
{
	return *path == '.' || *path == '_' || strstr(path, "/.") || strstr(path, "/_");
}

/* The ledger is asked folder by folder. */
static enum tarn_rc enter_folder(struct tree *tree, const char *key)
{
	const char *name = tarn_raw_object_name(key);
	size_t len = (size_t)(name - key - 1);

	if (tree->folder.len == len + 1 && !memcmp(tree->folder.data, key, len))
		return TARN_OK;
	tarn_buf_clear(&tree->folder);
	tarn_buf_add(&tree->folder, key, len);
	tarn_buf_add_byte(&tree->folder, '\0');
	return tarn_ledger_objects_begin(tree->walk->ledger, (const char *)tree->folder.data, tree->walk->err);
}

static bool see_in_tree(void *context, const struct tarn_store_found *found)
{
	struct tree *tree = context;
	struct tarn_raw_object object;
	bool is_new = false;

	if (is_hidden(found->key + tree->skip) || !tarn_raw_object_parse(found->key, &object))
		return true;
	tree->rc = enter_folder(tree, found->key);
	if (!tree->rc)
		tree->rc = is_new_object(tree->walk, &object, found->size, &is_new);
	if (!tree->rc && is_new)
		tree->rc = take(tree->walk, object.key, found->size, object.watched);
	else if (!tree->rc)
		tree->rc = meet_tail(tree->walk, object.key, found->size);
	return !tree->rc;
}

static enum tarn_rc visit_tree(struct walk *walk, const char *path)
{
	struct tree tree = { .walk = walk, .skip = strlen(path) + 1 };
	enum tarn_rc rc;

	tarn_buf_init(&tree.folder, TARN_BUF_DEFAULT_MAX);
	rc = tarn_store_list_tree(walk->store, path, see_in_tree, &tree, walk->err);
	tarn_buf_release(&tree.folder);
	return rc ? rc : tree.rc;
}

static enum tarn_rc visit_folder(struct walk *walk, const char *path, unsigned depth)
{
	struct folder folder = { .walk = walk, .path = path };
	enum tarn_rc rc;

	if (depth > FOLDERS_DEEP)
		return tarn_fail(walk->err, TARN_ELIMIT,
				 "\"%s\": folders lie more than %d deep, expected no loop of links", path,
				 FOLDERS_DEEP);
	tarn_buf_init(&folder.key, TARN_BUF_DEFAULT_MAX);
	rc = look_into(&folder);
	tarn_buf_release(&folder.key);
	for (size_t i = 0; !rc && i < folder.n_below; i++)
		rc = is_tree(walk, folder.below[i]) ? visit_tree(walk, folder.below[i])
						    : visit_folder(walk, folder.below[i], depth + 1);
	free(folder.below);
	return rc;
}

static enum tarn_rc check_tail(void *context, const char *key, int64_t known_size, struct tarn_err *err)
{
	struct walk *walk = context;
	int64_t size;
	enum tarn_rc rc = tarn_store_size(walk->store, key, &size, err);

	if (rc == TARN_ENOTFOUND)
		return TARN_OK;
	if (!rc && size != known_size)
		rc = take(walk, key, size, false);
	return rc;
}

static enum tarn_rc check_tails(struct walk *walk)
{
	enum tarn_rc rc = TARN_OK;

	if (!walk->tails)
		return tarn_ledger_tails(walk->ledger, check_tail, walk, walk->err);
	for (size_t i = 0; !rc && i < walk->n_tails; i++)
		if (!walk->tails[i].seen)
			rc = check_tail(walk, walk->tails[i].key, walk->tails[i].known_size, walk->err);
	return rc;
}

static void sort_objects(struct tarn_plan *plan)
{
	size_t kept = 0;

	if (!plan->n_objects)
		return;
	qsort(plan->objects, plan->n_objects, sizeof(*plan->objects), tarn_raw_object_compare);
	for (size_t i = 0; i < plan->n_objects; i++) {
		if (kept && !strcmp(plan->objects[kept - 1].key, plan->objects[i].key))
			continue;
		plan->objects[kept++] = plan->objects[i];
		plan->bytes += plan->objects[i].size;
	}
	plan->n_objects = kept;
}

enum tarn_rc tarn_plan_make(const struct tarn_raw *raw, struct tarn_ledger *ledger, bool rescan, struct tarn_plan *plan,
			    struct tarn_err *err)
{
	struct tarn_plan new = { 0 };
	struct walk walk = { .store = raw->store, .ledger = ledger, .rescan = rescan, .plan = &new, .err = err };
	enum tarn_rc rc;

	tarn_arena_init(&new.arena);
	rc = tarn_store_lists_trees(raw->store) ? load_tails(&walk) : TARN_OK;
	if (!rc)
		rc = visit_folder(&walk, raw->prefix, 0);
	if (!rc)
		rc = check_tails(&walk);
	free(walk.tails);
	if (rc) {
		tarn_plan_release(&new);
		return tarn_err_within(err, rc, "looking for raw objects below \"%s\"", tarn_store_url(raw->store));
	}
	sort_objects(&new);
	*plan = new;
	tarn_point("plan.done");
	return TARN_OK;
}

void tarn_plan_release(struct tarn_plan *plan)
{
	free(plan->objects);
	free(plan->folders);
	tarn_arena_release(&plan->arena);
	*plan = (struct tarn_plan){ 0 };
}

size_t tarn_plan_cut(const struct tarn_plan *plan, size_t first, int64_t max_bytes, int64_t *bytes)
{
	size_t n = 0;

	*bytes = 0;
	while (first + n < plan->n_objects && (!n || *bytes + plan->objects[first + n].size <= max_bytes))
		*bytes += plan->objects[first + n++].size;
	return n;
}
