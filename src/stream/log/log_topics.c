/* Topics. Each is one file, DATA/log/topics/<id>.json: name, partitions, settings, and whether it is being deleted. A
 * deletion is first written down, then its folders get names that no topic can have (<id>-<partition>.deleted), then
 * the file goes; what a crash leaves half done is finished when the log is opened. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "stream/log/log_parts.h"

enum { MOST_PARTITIONS = 100000, LARGEST_TOPIC_FILE = 1 << 20 };

static char *topic_path(const struct tarn_topic *topic)
{
	return tarn_asprintf("%s/topics/%s.json", topic->log->root, topic->id_text);
}

static char *topics_folder(const struct tarn_log *log)
{
	return tarn_asprintf("%s/topics", log->root);
}

/* ---- shapes ---- */

/* Takes config; NULL: the one of `older`. With change_lock held, or alone. */
static struct topic_shape *shape_new(struct tarn_topic *topic, struct topic_shape *older,
				     struct tarn_topic_config *config, int32_t n_partitions)
{
	struct topic_shape *shape = tarn_calloc(1, sizeof(*shape) + (size_t)n_partitions * sizeof(*shape->partitions));
	shape->older = older;
	shape->config = config ? config : older->config;
	shape->config_is_older = !config;
	struct tarn_topic_defaults defaults;
	settings_defaults(topic->log, &defaults);
	tarn_topic_config_resolve(shape->config, &defaults);
	shape->n_partitions = n_partitions;
	int32_t known = older ? older->n_partitions : 0;
	for (int32_t i = 0; i < n_partitions; i++)
		shape->partitions[i] = i < known ? older->partitions[i] : partition_new(topic, i);
	return shape;
}

/* A shape that nobody has seen. */
static void shape_discard(struct topic_shape *shape)
{
	int32_t known = shape->older ? shape->older->n_partitions : 0;
	for (int32_t i = known; i < shape->n_partitions; i++)
		partition_free(shape->partitions[i]);
	if (!shape->config_is_older)
		tarn_topic_config_free(shape->config);
	free(shape);
}

static struct topic_shape *shape_of(const struct tarn_topic *topic)
{
	return atomic_load(&((struct tarn_topic *)(uintptr_t)topic)->shape);
}

void topic_free(struct tarn_topic *topic)
{
	if (!topic)
		return;
	for (struct topic_shape *shape = shape_of(topic); shape;) {
		struct topic_shape *older = shape->older;
		shape_discard(shape);
		shape = older;
	}
	free(topic->name);
	free(topic);
}

/* ---- the file ---- */

static enum tarn_rc topic_save(const struct tarn_topic *topic, const struct topic_shape *shape, bool deleted,
			       struct tarn_err *err)
{
	json_t *settings = json_object();
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++)
		if (shape->config->own[key])
			json_object_set_new(settings, tarn_topic_keys[key].name, json_string(shape->config->own[key]));
	json_t *json = json_pack("{s:s, s:s, s:i, s:b, s:o}", "name", topic->name, "id", topic->id_text, "partitions",
				 (int)shape->n_partitions, "deleted", deleted, "settings", settings);
	char *text = json_dumps(json, JSON_INDENT(2));
	char *path = topic_path(topic);
	enum tarn_rc rc = tarn_file_replace(path, tarn_slice_str(text), err);
	free(path);
	free(text);
	json_decref(json);
	return rc;
}

static enum tarn_rc config_of_json(json_t *settings, struct tarn_topic_config **config, struct tarn_err *err)
{
	struct tarn_topic_setting list[TARN_TOPIC_N_KEYS];
	size_t count = 0;
	const char *key;
	json_t *value;
	json_object_foreach(settings, key, value)
	{
		if (count < TARN_TOPIC_N_KEYS)
			list[count++] = (struct tarn_topic_setting){ key, json_string_value(value) };
	}
	return tarn_topic_config_make(NULL, list, count, config, err);
}

static struct tarn_topic *topic_new(struct tarn_log *log, const char *name, const char *id_text)
{
	struct tarn_topic *topic = tarn_calloc(1, sizeof(*topic));
	topic->log = log;
	topic->name = tarn_strdup(name);
	atomic_init(&topic->refs, 1);
	memcpy(topic->id_text, id_text, sizeof(topic->id_text) - 1);
	return topic;
}

static enum tarn_rc topic_of_json(struct tarn_log *log, json_t *json, struct tarn_topic **found, struct tarn_err *err)
{
	const char *name, *id;
	int partitions, deleted;
	json_t *settings;
	if (json_unpack(json, "{s:s, s:s, s:i, s:b, s:o}", "name", &name, "id", &id, "partitions", &partitions,
			"deleted", &deleted, "settings", &settings) ||
	    partitions < 1 || partitions > MOST_PARTITIONS || strlen(id) != (size_t)2 * TARN_UUID_BYTES)
		return tarn_fail(err, TARN_EINVALID, "not the description of a topic");
	struct tarn_topic_config *config;
	enum tarn_rc rc = config_of_json(settings, &config, err);
	if (rc)
		return rc;
	struct tarn_topic *topic = topic_new(log, name, id);
	atomic_store(&topic->shape, shape_new(topic, NULL, config, partitions));
	atomic_store(&topic->deleted, deleted != 0);
	if (!tarn_unhex(tarn_slice_str(id), topic->id, sizeof(topic->id))) {
		topic_free(topic);
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no id of a topic", id);
	}
	*found = topic;
	return TARN_OK;
}

static enum tarn_rc topic_read(struct tarn_log *log, const char *path, struct tarn_topic **topic, struct tarn_err *err)
{
	struct tarn_buf text;
	json_error_t why;
	tarn_buf_init(&text, LARGEST_TOPIC_FILE);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	json_t *json = rc ? NULL : json_loadb((const char *)text.data, text.len, 0, &why);
	if (!rc && !json)
		rc = tarn_fail(err, TARN_EINVALID, "\"%s\": %s", path, why.text);
	if (!rc) {
		rc = topic_of_json(log, json, topic, err);
		if (rc)
			rc = tarn_err_within(err, rc, "\"%s\"", path);
	}
	json_decref(json);
	tarn_buf_release(&text);
	return rc;
}

/* ---- taking away ---- */

static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

static char *grave(const struct tarn_topic *topic, int32_t partition)
{
	return tarn_asprintf("%s/%s-%d.deleted", topic->log->root, topic->id_text, partition);
}

/* How many of the folders of that name are those of a topic that was made since: it was not made before they were free.
 */
static int32_t folders_taken(struct tarn_log *log, const char *name)
{
	struct tarn_topic *newer = tarn_log_find_topic(log, name);
	int32_t count = newer ? shape_of(newer)->n_partitions : 0;
	tarn_topic_unref(newer);
	return count;
}

/* The names are free once this is done. */
static enum tarn_rc move_away(const struct tarn_topic *topic, struct tarn_err *err)
{
	const struct topic_shape *shape = shape_of(topic);
	enum tarn_rc rc = TARN_OK;
	for (int32_t i = folders_taken(topic->log, topic->name); i < shape->n_partitions && !rc; i++) {
		char *to = grave(topic, i);
		if (rename(shape->partitions[i]->folder, to) && errno != ENOENT)
			rc = tarn_fail_errno(err, "\"%s\"", to);
		free(to);
	}
	if (!rc)
		rc = tarn_fsync_path(topic->log->root, err);
	char *path = topic_path(topic);
	if (!rc && unlink(path) && errno != ENOENT)
		rc = tarn_fail_errno(err, "\"%s\"", path);
	free(path);
	return rc;
}

static void bury(struct tarn_topic *topic)
{
	int32_t count = shape_of(topic)->n_partitions;
	for (int32_t i = 0; i < count; i++) {
		char *path = grave(topic, i);
		remove_folder(path);
		free(path);
	}
	topic_free(topic);
}

void topics_bury(struct tarn_log *log)
{
	pthread_mutex_lock(&log->lock);
	struct tarn_topic *dead = log->dead;
	log->dead = NULL;
	pthread_mutex_unlock(&log->lock);
	while (dead) {
		struct tarn_topic *next = dead->next_dead;
		bury(dead);
		dead = next;
	}
}

/* ---- the list ---- */

/* Where `name` is or belongs, with the lock held. */
static size_t place_of(const struct tarn_log *log, const char *name, bool *found)
{
	size_t low = 0, high = log->n_topics;
	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(log->topics[middle]->name, name);
		if (!order)
			*found = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_known(struct tarn_log *log, const char *name)
{
	bool found;
	pthread_mutex_lock(&log->lock);
	place_of(log, name, &found);
	pthread_mutex_unlock(&log->lock);
	return found;
}

static void insert(struct tarn_log *log, struct tarn_topic *topic)
{
	bool found;
	pthread_mutex_lock(&log->lock);
	size_t at = place_of(log, topic->name, &found);
	log->topics = tarn_grow(log->topics, &log->cap_topics, log->n_topics + 1, sizeof(*log->topics));
	memmove(log->topics + at + 1, log->topics + at, (log->n_topics - at) * sizeof(*log->topics));
	log->topics[at] = topic;
	log->n_topics++;
	pthread_mutex_unlock(&log->lock);
}

static void take_out(struct tarn_log *log, const struct tarn_topic *topic)
{
	bool found;
	pthread_mutex_lock(&log->lock);
	size_t at = place_of(log, topic->name, &found);
	memmove(log->topics + at, log->topics + at + 1, (--log->n_topics - at) * sizeof(*log->topics));
	pthread_mutex_unlock(&log->lock);
}

static enum tarn_rc take_in(struct tarn_log *log, struct tarn_topic *topic, struct tarn_err *err)
{
	if (is_known(log, topic->name)) {
		enum tarn_rc rc = tarn_fail(err, TARN_EINVALID, "two topics are called \"%s\"", topic->name);
		topic_free(topic);
		return rc;
	}
	insert(log, topic);
	return TARN_OK;
}

/* What was not finished of their deletion. All are freed. */
static enum tarn_rc finish_deletions(struct tarn_topic *deleted, enum tarn_rc rc, struct tarn_err *err)
{
	while (deleted) {
		struct tarn_topic *next = deleted->next_dead;
		if (!rc)
			rc = move_away(deleted, err);
		if (rc)
			topic_free(deleted);
		else
			bury(deleted);
		deleted = next;
	}
	return rc;
}

enum tarn_rc topics_load(struct tarn_log *log, struct tarn_err *err)
{
	struct tarn_topic *deleted = NULL;
	char *folder = topics_folder(log);
	enum tarn_rc rc = tarn_make_folders(folder, err);
	DIR *dir = rc ? NULL : opendir(folder);
	if (!rc && !dir)
		rc = tarn_fail_errno(err, "\"%s\"", folder);
	struct dirent *entry;
	while (!rc && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		if (len < 5 || strcmp(entry->d_name + len - 5, ".json") != 0)
			continue;
		char *path = tarn_asprintf("%s/%s", folder, entry->d_name);
		struct tarn_topic *topic;
		rc = topic_read(log, path, &topic, err);
		if (!rc && atomic_load(&topic->deleted)) {
			topic->next_dead = deleted;
			deleted = topic;
		} else if (!rc) {
			rc = take_in(log, topic, err);
		}
		free(path);
	}
	if (dir)
		closedir(dir);
	free(folder);
	return finish_deletions(deleted, rc, err);
}

/* ---- what others call ---- */

/* Kafka's rule: letters, digits, `.`, `_`, `-`; neither "." nor ".."; at most 249. */
static bool good_name(const char *name)
{
	size_t len = strlen(name);
	return len && len <= TARN_TOPIC_MAX_NAME && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* Folders of that name that no topic owns are somebody's data. */
static enum tarn_rc check_folders_free(const struct tarn_topic *topic, int32_t from, int32_t to, struct tarn_err *err)
{
	for (int32_t i = from; i < to; i++) {
		char *folder = tarn_asprintf("%s/%s-%d", topic->log->root, topic->name, i);
		bool taken = tarn_file_exists(folder);
		if (taken)
			tarn_fail(err, TARN_ECONFLICT, "folder \"%s\" is there already, and belongs to no topic",
				  folder);
		free(folder);
		if (taken) {
			tarn_err_hint(err, "move it away, or choose another name");
			return TARN_ECONFLICT;
		}
	}
	return TARN_OK;
}

static void new_id(struct tarn_topic *topic)
{
	char text[TARN_UUID_SIZE];
	tarn_uuid(text);
	size_t at = 0;
	for (const char *c = text; *c; c++)
		if (*c != '-')
			topic->id_text[at++] = *c;
	bool good = tarn_unhex(tarn_slice_of(topic->id_text, at), topic->id, sizeof(topic->id));
	(void)good; /* a UUID is hexadecimal */
}

enum tarn_rc tarn_log_create_topic(struct tarn_log *log, const char *name, int32_t partitions,
				   const struct tarn_topic_setting *settings, size_t n_settings,
				   struct tarn_topic **topic, struct tarn_err *err)
{
	if (!good_name(name))
		return tarn_fail(
			err, TARN_EINVALID,
			"invalid topic name \"%.250s\": expected at most %d letters, digits, \".\", \"_\" and \"-\"",
			name, TARN_TOPIC_MAX_NAME);
	if (partitions < 1 || partitions > MOST_PARTITIONS)
		return tarn_fail(err, TARN_EINVALID, "%d partitions: expected 1 to %d", partitions, MOST_PARTITIONS);
	struct tarn_topic_config *config;
	enum tarn_rc rc = tarn_topic_config_make(NULL, settings, n_settings, &config, err);
	if (rc)
		return rc;
	struct tarn_topic *made = topic_new(log, name, "00000000000000000000000000000000");
	new_id(made);
	pthread_mutex_lock(&log->change_lock);
	atomic_store(&made->shape, shape_new(made, NULL, config, partitions));
	if (is_known(log, name))
		rc = tarn_fail(err, TARN_EEXISTS, "topic \"%s\" already exists", name);
	if (!rc)
		rc = check_folders_free(made, 0, partitions, err);
	if (!rc)
		rc = topic_save(made, shape_of(made), false, err);
	if (!rc) {
		*topic = tarn_topic_ref(made);
		insert(log, made);
	}
	pthread_mutex_unlock(&log->change_lock);
	if (rc)
		topic_free(made);
	else
		log_tell_watchers(log);
	return rc;
}

enum tarn_rc tarn_log_delete_topic(struct tarn_log *log, const char *name, struct tarn_err *err)
{
	pthread_mutex_lock(&log->change_lock);
	struct tarn_topic *topic = tarn_log_find_topic(log, name);
	enum tarn_rc rc = topic ? topic_save(topic, shape_of(topic), true, err)
				: tarn_fail(err, TARN_ENOTFOUND, "no topic \"%s\"", name);
	if (!rc) {
		atomic_store(&topic->deleted, true);
		take_out(log, topic);
		const struct topic_shape *shape = shape_of(topic);
		for (int32_t i = 0; i < shape->n_partitions; i++)
			partition_quiesce(shape->partitions[i]);
		struct tarn_err why;
		if (move_away(topic, &why))
			log_warn(log, "topic \"%s\" is deleted, but its files are still there: %s", name, why.message);
	}
	pthread_mutex_unlock(&log->change_lock);
	if (!rc) {
		const struct topic_shape *shape = shape_of(topic);
		for (int32_t i = 0; i < shape->n_partitions; i++)
			partition_end(shape->partitions[i]);
		tarn_topic_unref(topic); /* the log's own */
		log_tell_watchers(log);
	}
	tarn_topic_unref(topic);
	return rc;
}

void topics_resolve(struct tarn_log *log)
{
	struct tarn_topic_defaults defaults;
	settings_defaults(log, &defaults);
	for (size_t i = 0; i < log->n_topics; i++)
		tarn_topic_config_resolve(shape_of(log->topics[i])->config, &defaults);
}

/* Makes the new shape the topic's, once it is on disk. With change_lock held. */
static enum tarn_rc take_shape(struct tarn_topic *topic, struct topic_shape *shape, struct tarn_err *err)
{
	enum tarn_rc rc = atomic_load(&topic->deleted)
				  ? tarn_fail(err, TARN_ENOTFOUND, "topic \"%s\" is deleted", topic->name)
				  : topic_save(topic, shape, false, err);
	if (rc)
		shape_discard(shape);
	else
		atomic_store(&topic->shape, shape);
	return rc;
}

enum tarn_rc tarn_topic_add_partitions(struct tarn_topic *topic, int32_t partitions, struct tarn_err *err)
{
	struct tarn_log *log = topic->log;
	pthread_mutex_lock(&log->change_lock);
	struct topic_shape *shape = shape_of(topic);
	enum tarn_rc rc = TARN_OK;
	if (partitions <= shape->n_partitions || partitions > MOST_PARTITIONS)
		rc = tarn_fail(err, TARN_EINVALID, "%d partitions for \"%s\": expected %d to %d", partitions,
			       topic->name, shape->n_partitions + 1, MOST_PARTITIONS);
	if (!rc)
		rc = check_folders_free(topic, shape->n_partitions, partitions, err);
	if (!rc)
		rc = take_shape(topic, shape_new(topic, shape, NULL, partitions), err);
	pthread_mutex_unlock(&log->change_lock);
	if (!rc)
		log_tell_watchers(log);
	return rc;
}

enum tarn_rc tarn_topic_configure(struct tarn_topic *topic, const struct tarn_topic_setting *settings,
				  size_t n_settings, struct tarn_err *err)
{
	struct tarn_log *log = topic->log;
	struct tarn_topic_config *config;
	pthread_mutex_lock(&log->change_lock);
	struct topic_shape *shape = shape_of(topic);
	enum tarn_rc rc = tarn_topic_config_make(shape->config, settings, n_settings, &config, err);
	if (!rc)
		rc = take_shape(topic, shape_new(topic, shape, config, shape->n_partitions), err);
	pthread_mutex_unlock(&log->change_lock);
	return rc;
}

struct tarn_topic *tarn_log_find_topic(struct tarn_log *log, const char *name)
{
	bool found;
	pthread_mutex_lock(&log->lock);
	size_t at = place_of(log, name, &found);
	struct tarn_topic *topic = found ? tarn_topic_ref(log->topics[at]) : NULL;
	pthread_mutex_unlock(&log->lock);
	return topic;
}

struct tarn_topic *tarn_log_find_topic_id(struct tarn_log *log, const uint8_t id[TARN_UUID_BYTES])
{
	struct tarn_topic *topic = NULL;
	pthread_mutex_lock(&log->lock);
	for (size_t i = 0; i < log->n_topics && !topic; i++)
		if (!memcmp(log->topics[i]->id, id, TARN_UUID_BYTES))
			topic = tarn_topic_ref(log->topics[i]);
	pthread_mutex_unlock(&log->lock);
	return topic;
}

size_t tarn_log_topics(struct tarn_log *log, struct tarn_topic ***topics)
{
	pthread_mutex_lock(&log->lock);
	size_t count = log->n_topics;
	*topics = count ? tarn_malloc(count * sizeof(**topics)) : NULL;
	for (size_t i = 0; i < count; i++)
		(*topics)[i] = tarn_topic_ref(log->topics[i]);
	pthread_mutex_unlock(&log->lock);
	return count;
}

struct tarn_topic *tarn_topic_ref(struct tarn_topic *topic)
{
	atomic_fetch_add(&topic->refs, 1);
	return topic;
}

/* Only a topic that was deleted loses its last reference: until then the log has one. */
void tarn_topic_unref(struct tarn_topic *topic)
{
	if (!topic || atomic_fetch_sub(&topic->refs, 1) != 1)
		return;
	struct tarn_log *log = topic->log;
	pthread_mutex_lock(&log->lock);
	topic->next_dead = log->dead;
	log->dead = topic;
	pthread_mutex_unlock(&log->lock);
	keeper_wake(log, 0);
}

const char *tarn_topic_name(const struct tarn_topic *topic)
{
	return topic->name;
}

const uint8_t *tarn_topic_id(const struct tarn_topic *topic)
{
	return topic->id;
}

int32_t tarn_topic_partitions(const struct tarn_topic *topic)
{
	return shape_of(topic)->n_partitions;
}

bool tarn_topic_deleted(const struct tarn_topic *topic)
{
	return atomic_load(&((struct tarn_topic *)(uintptr_t)topic)->deleted);
}

enum tarn_rc tarn_topic_setting(const struct tarn_topic *topic, const char *key, struct tarn_buf *value, bool *is_own)
{
	enum tarn_topic_key_id found = tarn_topic_key_find(key);
	if (found == TARN_TOPIC_N_KEYS)
		return TARN_ENOTFOUND;
	const struct tarn_topic_config *config = topic_config(topic);
	if (config->own[found])
		tarn_buf_add_str(value, config->own[found]);
	else
		settings_default_text(topic->log, found, value);
	if (is_own)
		*is_own = config->own[found];
	return TARN_OK;
}

struct tarn_partition *tarn_topic_partition(struct tarn_topic *topic, int32_t partition)
{
	const struct topic_shape *shape = shape_of(topic);
	return partition >= 0 && partition < shape->n_partitions ? shape->partitions[partition] : NULL;
}

/* ---- watching ---- */

void tarn_log_watch(struct tarn_log *log, struct tarn_log_watcher *watcher)
{
	pthread_mutex_lock(&log->watch_lock);
	watcher->next = log->watchers;
	log->watchers = watcher;
	pthread_mutex_unlock(&log->watch_lock);
}

void tarn_log_unwatch(struct tarn_log *log, struct tarn_log_watcher *watcher)
{
	pthread_mutex_lock(&log->watch_lock);
	for (struct tarn_log_watcher **at = &log->watchers; *at; at = &(*at)->next) {
		if (*at != watcher)
			continue;
		*at = watcher->next;
		if (log->next_told == watcher)
			log->next_told = watcher->next;
		break;
	}
	pthread_mutex_unlock(&log->watch_lock);
}

void log_tell_watchers(struct tarn_log *log)
{
	pthread_mutex_lock(&log->watch_lock);
	for (struct tarn_log_watcher *at = log->watchers; at; at = log->next_told) {
		log->next_told = at->next;
		at->changed(at);
	}
	pthread_mutex_unlock(&log->watch_lock);
}
