#include "stream/sink/connectors.h"

#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "stream/sink/connector_task.h"

struct connector {
	char *name, *file, *offsets_file, *group;
	json_t *settings;	 /* the configuration as it was given, with the name in it */
	struct tarn_arena arena; /* of `config` */
	struct tarn_connector_config config;
	enum tarn_connector_state state;
	struct tarn_offset_file *offsets;
	struct tarn_connector_task *tasks;
	int32_t n_tasks;
};

struct tarn_connectors {
	struct tarn_sink_platform platform;
	char *folder;
	pthread_mutex_t lock;	       /* of all below, and of what connectors hold but for their tasks' own */
	struct connector **connectors; /* by name */
	size_t n, cap;
};

static const char *const state_names[] = { "RUNNING", "PAUSED", "STOPPED" };

const char *tarn_connector_state_name(enum tarn_connector_state state)
{
	return state_names[state];
}

const struct tarn_sink_platform *tarn_connectors_platform(const struct tarn_connectors *set)
{
	return &set->platform;
}

/* ---- files ---- */

/* A file's name for any connector's: what is no plain character is escaped. */
static char *file_of(const struct tarn_connectors *set, const char *name, const char *extension)
{
	struct tarn_buf path;
	tarn_buf_init(&path, 1 << 16);
	tarn_buf_printf(&path, "%s/", set->folder);
	for (const char *c = name; *c; c++) {
		if (isalnum((unsigned char)*c) || *c == '-' || *c == '_' || (*c == '.' && c > name))
			tarn_buf_add_byte(&path, (uint8_t)*c);
		else
			tarn_buf_printf(&path, "%%%02x", (unsigned char)*c);
	}
	tarn_buf_printf(&path, "%s", extension);
	char *made = tarn_asprintf("%.*s", (int)path.len, (const char *)path.data);
	tarn_buf_release(&path);
	return made;
}

static enum tarn_rc save(const struct connector *connector, struct tarn_err *err)
{
	json_t *root = json_pack("{s:s, s:s, s:O}", "name", connector->name, "state", state_names[connector->state],
				 "config", connector->settings);
	char *text = json_dumps(root, JSON_INDENT(2));
	enum tarn_rc rc = tarn_file_replace(connector->file, tarn_slice_str(text), err);
	free(text);
	json_decref(root);
	return rc;
}

/* ---- tasks ---- */

static void stop_tasks(struct connector *connector)
{
	for (int32_t i = 0; i < connector->n_tasks; i++) /* all at once, then each is waited for */
		connector->tasks[i].stop = true;
	for (int32_t i = 0; i < connector->n_tasks; i++) {
		tarn_connector_task_stop(&connector->tasks[i]);
		tarn_connector_task_release(&connector->tasks[i]);
	}
	free(connector->tasks);
	connector->tasks = NULL;
	connector->n_tasks = 0;
}

static void start_tasks(const struct tarn_connectors *set, struct connector *connector)
{
	if (connector->state != TARN_CONNECTOR_RUNNING)
		return;
	connector->n_tasks = connector->config.tasks_max;
	connector->tasks = tarn_calloc((size_t)connector->n_tasks, sizeof(*connector->tasks));
	for (int32_t i = 0; i < connector->n_tasks; i++) {
		struct tarn_connector_task *task = &connector->tasks[i];
		tarn_connector_task_init(task);
		task->desk =
			(struct tarn_dead_letter_desk){ &set->platform, &connector->config, connector->name, i, NULL };
		task->offsets = connector->offsets;
		task->group = connector->group;
		task->n_tasks = connector->n_tasks;
		tarn_connector_task_start(task);
	}
}

/* ---- the set ---- */

static void connector_free(struct connector *connector)
{
	if (!connector)
		return;
	stop_tasks(connector);
	tarn_offset_file_close(connector->offsets);
	tarn_arena_release(&connector->arena);
	json_decref(connector->settings);
	free(connector->name);
	free(connector->file);
	free(connector->offsets_file);
	free(connector->group);
	free(connector);
}

static enum tarn_rc connector_new(const struct tarn_connectors *set, const char *name, struct connector **connector,
				  struct tarn_err *err)
{
	struct connector *made = tarn_calloc(1, sizeof(*made));
	made->name = tarn_strdup(name);
	made->file = file_of(set, name, ".json");
	made->offsets_file = file_of(set, name, ".offsets");
	made->group = tarn_asprintf("connect-%s", name);
	tarn_arena_init(&made->arena);
	enum tarn_rc rc = tarn_offset_file_open(made->offsets_file, &made->offsets, err);
	if (rc)
		connector_free(made);
	else
		*connector = made;
	return rc;
}

static struct connector *find(const struct tarn_connectors *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->connectors[i]->name, name))
			return set->connectors[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct connector *const *one = a, *const *other = b;
	return strcmp((*one)->name, (*other)->name);
}

static void insert(struct tarn_connectors *set, struct connector *connector)
{
	set->connectors = tarn_grow(set->connectors, &set->cap, set->n + 1, sizeof(struct connector *));
	set->connectors[set->n++] = connector;
	qsort(set->connectors, set->n, sizeof(struct connector *), by_name);
}

static enum tarn_rc missing(struct tarn_err *err, const char *name)
{
	return tarn_fail(err, TARN_ENOTFOUND, "Connector %s not found", name);
}

/* ---- configurations ---- */

static enum tarn_rc list_errors(const struct tarn_config_notes *errors, struct tarn_err *err)
{
	char text[400] = "";
	size_t at = 0;
	for (size_t i = 0; i < errors->n && at + 1 < sizeof(text); i++) {
		int n = snprintf(text + at, sizeof(text) - at, "\n%s: %s", errors->notes[i].key,
				 errors->notes[i].message);
		at += n > 0 ? (size_t)n : 0;
	}
	return tarn_fail(err, TARN_EINVALID,
			 "Connector configuration is invalid and contains the following %zu error(s):%s", errors->n,
			 text);
}

/* Checks what cannot be seen in single values. */
static enum tarn_rc check_patterns(const struct tarn_connector_config *config, struct tarn_err *err)
{
	struct tarn_partitioner *partitioner;
	struct tarn_topic_pattern *pattern;
	enum tarn_rc rc = tarn_partitioner_new(config, &partitioner, err);
	if (rc)
		return rc;
	tarn_partitioner_free(partitioner);
	if (!config->topics_regex)
		return TARN_OK;
	rc = tarn_topic_pattern_new(config->topics_regex, &pattern, err);
	if (!rc)
		tarn_topic_pattern_free(pattern);
	return rc;
}

/* The connector's configuration becomes `settings`, or stays as it was. */
static enum tarn_rc configure(const struct tarn_connectors *set, struct connector *connector, json_t *settings,
			      struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_connector_config config;
	struct tarn_config_notes errors, warnings;
	tarn_arena_init(&arena);
	tarn_connector_config_read(settings, &arena, &config, &errors, &warnings);
	enum tarn_rc rc = errors.n ? list_errors(&errors, err) : check_patterns(&config, err);
	if (rc) {
		tarn_arena_release(&arena);
		return rc;
	}
	for (size_t i = 0; i < warnings.n; i++)
		set->platform.say(set->platform.context,
				  tarn_arena_printf(&arena, "%s: \"%s\": %s", connector->name, warnings.notes[i].key,
						    warnings.notes[i].message));
	stop_tasks(connector);
	tarn_arena_release(&connector->arena);
	connector->arena = arena;
	connector->config = config;
	json_incref(settings);
	json_decref(connector->settings);
	connector->settings = settings;
	return TARN_OK;
}

static enum tarn_rc put(struct tarn_connectors *set, const char *name, json_t *settings, bool must_be_new,
			enum tarn_connector_state state, bool *created, struct tarn_err *err)
{
	struct connector *old = find(set, name), *connector = old;
	if (old && must_be_new)
		return tarn_fail(err, TARN_EEXISTS, "Connector %s already exists", name);
	enum tarn_rc rc = old ? TARN_OK : connector_new(set, name, &connector, err);
	if (rc)
		return rc;
	rc = configure(set, connector, settings, err);
	if (!rc && !old)
		connector->state = state;
	if (!rc)
		rc = save(connector, err);
	if (rc && !old) {
		connector_free(connector);
		return rc;
	}
	if (!rc && !old)
		insert(set, connector);
	if (!connector->tasks)
		start_tasks(set, connector);
	*created = !old;
	return rc;
}

enum tarn_rc tarn_connectors_put(struct tarn_connectors *set, const char *name, json_t *config, bool must_be_new,
				 enum tarn_connector_state state, bool *created, struct tarn_err *err)
{
	const char *own = json_string_value(json_object_get(config, "name"));
	if (!*name || strlen(name) > 200)
		return tarn_fail(err, TARN_EINVALID, "\"%.40s\" is no name of a connector", name);
	if (own && strcmp(own, name))
		return tarn_fail(err, TARN_EINVALID,
				 "Connector name configuration (%s) doesn't match connector name in the URL (%s)", own,
				 name);
	json_t *settings = json_copy(config);
	json_object_set_new(settings, "name", json_string(name));
	pthread_mutex_lock(&set->lock);
	enum tarn_rc rc = put(set, name, settings, must_be_new, state, created, err);
	pthread_mutex_unlock(&set->lock);
	json_decref(settings);
	return rc;
}

/* ---- changes ---- */

enum tarn_rc tarn_connectors_delete(struct tarn_connectors *set, const char *name, struct tarn_err *err)
{
	pthread_mutex_lock(&set->lock);
	struct connector *connector = find(set, name);
	enum tarn_rc rc = connector ? TARN_OK : missing(err, name);
	for (size_t i = 0, kept = 0; connector && i < set->n; i++)
		if (set->connectors[i] != connector)
			set->connectors[kept++] = set->connectors[i];
	if (connector) {
		set->n--;
		stop_tasks(connector);
		/* Offsets stay, as a consumer group's do: a connector of the same name goes on where this one ended. */
		if (unlink(connector->file))
			rc = tarn_fail_errno(err, "\"%s\"", connector->file);
		else
			rc = tarn_fsync_path(set->folder, err);
		connector_free(connector);
	}
	pthread_mutex_unlock(&set->lock);
	return rc;
}

enum tarn_rc tarn_connectors_set_state(struct tarn_connectors *set, const char *name, enum tarn_connector_state state,
				       struct tarn_err *err)
{
	pthread_mutex_lock(&set->lock);
	struct connector *connector = find(set, name);
	enum tarn_rc rc = connector ? TARN_OK : missing(err, name);
	if (connector && connector->state != state) {
		enum tarn_connector_state before = connector->state;
		connector->state = state;
		rc = save(connector, err);
		if (rc)
			connector->state = before;
		else
			stop_tasks(connector);
		if (!rc)
			start_tasks(set, connector);
	}
	pthread_mutex_unlock(&set->lock);
	return rc;
}

enum tarn_rc tarn_connectors_restart(struct tarn_connectors *set, const char *name, int32_t task, bool only_failed,
				     struct tarn_err *err)
{
	pthread_mutex_lock(&set->lock);
	struct connector *connector = find(set, name);
	enum tarn_rc rc = connector ? TARN_OK : missing(err, name);
	if (connector && task >= connector->n_tasks)
		rc = tarn_fail(err, TARN_ENOTFOUND, "Unknown task: %s-%d", name, task);
	for (int32_t i = 0; !rc && i < connector->n_tasks; i++) {
		struct tarn_connector_task *one = &connector->tasks[i];
		if ((task >= 0 && i != task) || (only_failed && !one->failed))
			continue;
		tarn_connector_task_stop(one);
		tarn_connector_task_start(one);
	}
	pthread_mutex_unlock(&set->lock);
	return rc;
}

enum tarn_rc tarn_connectors_reset(struct tarn_connectors *set, const char *name, struct tarn_err *err)
{
	pthread_mutex_lock(&set->lock);
	struct connector *connector = find(set, name);
	enum tarn_rc rc = connector ? TARN_OK : missing(err, name);
	if (connector && connector->state != TARN_CONNECTOR_STOPPED)
		rc = tarn_fail(err, TARN_EBUSY,
			       "Connectors must be in the STOPPED state before their offsets can be reset");
	if (!rc) {
		tarn_offset_file_close(connector->offsets);
		connector->offsets = NULL;
		if (unlink(connector->offsets_file))
			rc = tarn_fail_errno(err, "\"%s\"", connector->offsets_file);
		struct tarn_err again;
		enum tarn_rc opened = tarn_offset_file_open(connector->offsets_file, &connector->offsets, &again);
		if (!rc && opened && err)
			*err = again;
		rc = rc ? rc : opened;
	}
	pthread_mutex_unlock(&set->lock);
	return rc;
}

static bool read_offset(const json_t *item, struct tarn_source_commit *commit)
{
	const json_t *partition = json_object_get(item, "partition"), *offset = json_object_get(item, "offset");
	const json_t *number = json_object_get(partition, "kafka_partition");
	const json_t *position = json_object_get(offset, "kafka_offset");
	commit->topic = json_string_value(json_object_get(partition, "kafka_topic"));
	commit->partition = (int32_t)json_integer_value(number);
	commit->offset = json_is_null(offset) ? -1 : json_integer_value(position);
	commit->metadata = "";
	return commit->topic && json_is_integer(number) && commit->partition >= 0 &&
	       (json_is_null(offset) || (json_is_integer(position) && commit->offset >= 0));
}

static enum tarn_rc alter(struct connector *connector, const json_t *offsets, struct tarn_err *err)
{
	const json_t *list = json_object_get(offsets, "offsets");
	size_t n = json_array_size(list);
	struct tarn_source_commit *commits = tarn_calloc(n + 1, sizeof(*commits));
	enum tarn_rc rc = n ? TARN_OK : tarn_fail(err, TARN_EINVALID, "Partitions / offsets need to be provided");
	for (size_t i = 0; !rc && i < n; i++)
		if (!read_offset(json_array_get(list, i), &commits[i]))
			rc = tarn_fail(err, TARN_EINVALID,
				       "offset %zu of the list is none: expected kafka_topic, kafka_partition "
				       "and kafka_offset",
				       i);
	if (!rc)
		rc = tarn_offset_file_put(connector->offsets, commits, n, err);
	free(commits);
	return rc;
}

enum tarn_rc tarn_connectors_alter(struct tarn_connectors *set, const char *name, const json_t *offsets,
				   struct tarn_err *err)
{
	pthread_mutex_lock(&set->lock);
	struct connector *connector = find(set, name);
	enum tarn_rc rc = connector ? TARN_OK : missing(err, name);
	if (connector && connector->state != TARN_CONNECTOR_STOPPED)
		rc = tarn_fail(err, TARN_EBUSY,
			       "Connectors must be in the STOPPED state before their offsets can be altered");
	if (!rc)
		rc = alter(connector, offsets, err);
	pthread_mutex_unlock(&set->lock);
	return rc;
}

/* ---- looking ---- */

json_t *tarn_connectors_names(struct tarn_connectors *set)
{
	json_t *names = json_array();
	pthread_mutex_lock(&set->lock);
	for (size_t i = 0; i < set->n; i++)
		json_array_append_new(names, json_string(set->connectors[i]->name));
	pthread_mutex_unlock(&set->lock);
	return names;
}

static json_t *info_of(const struct tarn_connectors *set, struct connector *connector)
{
	(void)set;
	json_t *tasks = json_array();
	for (int32_t i = 0; i < connector->n_tasks; i++)
		json_array_append_new(tasks, json_pack("{s:s, s:i}", "connector", connector->name, "task", i));
	return json_pack("{s:s, s:O, s:o, s:s}", "name", connector->name, "config", connector->settings, "tasks", tasks,
			 "type", "sink");
}

static json_t *numbers_of(const struct tarn_task_numbers *numbers)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "records", (json_int_t)numbers->records, "objects",
			 (json_int_t)numbers->objects, "dead_letters", (json_int_t)numbers->dead_letters, "tombstones",
			 (json_int_t)numbers->tombstones, "partitions", (json_int_t)numbers->partitions, "memory_bytes",
			 (json_int_t)numbers->memory, "next_rotation_ms", (json_int_t)numbers->next_rotation);
}

static json_t *status_of(const struct tarn_connectors *set, struct connector *connector)
{
	const char *worker = set->platform.worker;
	json_t *tasks = json_array();
	for (int32_t i = 0; i < connector->n_tasks; i++) {
		struct tarn_connector_task *task = &connector->tasks[i];
		bool failed = task->failed;
		json_t *one = json_pack("{s:i, s:s, s:s, s:o}", "id", i, "state", failed ? "FAILED" : "RUNNING",
					"worker_id", worker, "tarn", numbers_of(&task->numbers));
		if (failed) {
			char trace[sizeof(task->trace)];
			tarn_connector_task_trace(task, trace, sizeof(trace));
			json_object_set_new(one, "trace", json_string(trace));
		}
		json_array_append_new(tasks, one);
	}
	return json_pack("{s:s, s:{s:s, s:s}, s:o, s:s}", "name", connector->name, "connector", "state",
			 state_names[connector->state], "worker_id", worker, "tasks", tasks, "type", "sink");
}

static void add_offset(void *context, const struct tarn_source_commit *commit)
{
	json_array_append_new(context, json_pack("{s:{s:s, s:i}, s:{s:I}}", "partition", "kafka_topic", commit->topic,
						 "kafka_partition", commit->partition, "offset", "kafka_offset",
						 (json_int_t)commit->offset));
}

static json_t *offsets_of(const struct tarn_connectors *set, struct connector *connector)
{
	(void)set;
	json_t *list = json_array();
	if (connector->offsets)
		tarn_offset_file_each(connector->offsets, add_offset, list);
	return json_pack("{s:o}", "offsets", list);
}

static enum tarn_rc look(struct tarn_connectors *set, const char *name,
			 json_t *(*show)(const struct tarn_connectors *, struct connector *), json_t **shown,
			 struct tarn_err *err)
{
	pthread_mutex_lock(&set->lock);
	struct connector *connector = find(set, name);
	if (connector)
		*shown = show(set, connector);
	pthread_mutex_unlock(&set->lock);
	return connector ? TARN_OK : missing(err, name);
}

enum tarn_rc tarn_connectors_info(struct tarn_connectors *set, const char *name, json_t **info, struct tarn_err *err)
{
	return look(set, name, info_of, info, err);
}

enum tarn_rc tarn_connectors_status(struct tarn_connectors *set, const char *name, json_t **status,
				    struct tarn_err *err)
{
	return look(set, name, status_of, status, err);
}

enum tarn_rc tarn_connectors_offsets(struct tarn_connectors *set, const char *name, json_t **offsets,
				     struct tarn_err *err)
{
	return look(set, name, offsets_of, offsets, err);
}

/* ---- life ---- */

static enum tarn_rc load_file(struct tarn_connectors *set, const char *path, struct tarn_err *err)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	const char *name = json_string_value(json_object_get(root, "name"));
	const char *state = json_string_value(json_object_get(root, "state"));
	json_t *config = json_object_get(root, "config");
	struct connector *connector = NULL;
	enum tarn_rc rc = TARN_OK;
	if (!name || !state || !json_is_object(config))
		rc = tarn_fail(err, TARN_EINVALID, "\"%s\" is no connector's file: %s", path,
			       root ? "a part is missing" : error.text);
	if (!rc)
		rc = connector_new(set, name, &connector, err);
	if (!rc)
		rc = configure(set, connector, config, err);
	for (int i = 0; !rc && i <= TARN_CONNECTOR_STOPPED; i++)
		if (!strcmp(state, state_names[i]))
			connector->state = (enum tarn_connector_state)i;
	json_decref(root);
	if (rc) {
		connector_free(connector);
		return rc;
	}
	insert(set, connector);
	start_tasks(set, connector);
	return TARN_OK;
}

static enum tarn_rc load(struct tarn_connectors *set, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_make_folders(set->folder, err);
	DIR *folder = rc ? NULL : opendir(set->folder);
	if (!rc && !folder)
		rc = tarn_fail_errno(err, "\"%s\"", set->folder);
	for (struct dirent *entry; !rc && (entry = readdir(folder));) {
		size_t len = strlen(entry->d_name);
		if (len < 6 || entry->d_name[0] == '.' || strcmp(entry->d_name + len - 5, ".json"))
			continue;
		char *path = tarn_asprintf("%s/%s", set->folder, entry->d_name);
		rc = load_file(set, path, err);
		free(path);
	}
	if (folder)
		closedir(folder);
	return rc;
}

enum tarn_rc tarn_connectors_open(const struct tarn_sink_platform *platform, const char *folder,
				  struct tarn_connectors **set, struct tarn_err *err)
{
	struct tarn_connectors *made = tarn_calloc(1, sizeof(*made));
	made->platform = *platform;
	made->folder = tarn_strdup(folder);
	pthread_mutex_init(&made->lock, NULL);
	enum tarn_rc rc = load(made, err);
	if (rc)
		tarn_connectors_close(made);
	else
		*set = made;
	return rc;
}

void tarn_connectors_close(struct tarn_connectors *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->n; i++)
		connector_free(set->connectors[i]);
	free(set->connectors);
	free(set->folder);
	pthread_mutex_destroy(&set->lock);
	free(set);
}
