/* DATA/log/settings.json: {"<scope>": {"<name>": "<value>", ...}, ...}, replaced as a whole with each change. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "stream/log/log_parts.h"

enum { LARGEST_SETTINGS = 1 << 20 };

static char *settings_path(const struct tarn_log *log)
{
	return tarn_asprintf("%s/settings.json", log->root);
}

static const char *value_in(const json_t *settings, const char *scope, const char *name)
{
	return json_string_value(json_object_get(json_object_get(settings, scope), name));
}

static const char *value_that_counts(const json_t *settings, const char *name)
{
	const char *text = value_in(settings, TARN_SCOPE_BROKER, name);
	return text ? text : value_in(settings, TARN_SCOPE_CLUSTER, name);
}

static const char *default_in(const json_t *settings, enum tarn_topic_key_id key)
{
	const char *name = tarn_topic_keys[key].of_broker;
	return name ? value_that_counts(settings, name) : NULL;
}

int64_t settings_producer_expiry_ms(struct tarn_log *log)
{
	pthread_mutex_lock(&log->lock);
	const char *text = value_that_counts(log->settings, TARN_SETTING_PRODUCER_EXPIRY);
	int64_t ms = strtoll(text ? text : TARN_PRODUCER_EXPIRY_TEXT, NULL, 10);
	pthread_mutex_unlock(&log->lock);
	return ms;
}

void settings_defaults(const struct tarn_log *log, struct tarn_topic_defaults *defaults)
{
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++)
		defaults->text[key] = default_in(log->settings, (enum tarn_topic_key_id)key);
}

void settings_default_text(struct tarn_log *log, enum tarn_topic_key_id key, struct tarn_buf *value)
{
	if (!tarn_topic_keys[key].of_broker) {
		tarn_buf_add_str(value, tarn_topic_keys[key].fallback);
		return;
	}
	pthread_mutex_lock(&log->lock);
	const char *text = default_in(log->settings, key);
	tarn_buf_add_str(value, text ? text : tarn_topic_keys[key].fallback);
	pthread_mutex_unlock(&log->lock);
}

static bool sets_defaults(const char *scope)
{
	return !strcmp(scope, TARN_SCOPE_BROKER) || !strcmp(scope, TARN_SCOPE_CLUSTER);
}

/* What topics would do with it. */
static enum tarn_rc check_default(const char *scope, const char *name, const char *value, struct tarn_err *err)
{
	if (!value)
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no text", name);
	for (int key = 0; sets_defaults(scope) && key < TARN_TOPIC_N_KEYS; key++)
		if (tarn_topic_keys[key].of_broker && !strcmp(tarn_topic_keys[key].of_broker, name))
			return tarn_topic_key_check(&tarn_topic_keys[key], value, err);
	return TARN_OK;
}

static enum tarn_rc check_all(json_t *settings, struct tarn_err *err)
{
	const char *scope, *name;
	json_t *list, *value;
	json_object_foreach(settings, scope, list)
	{
		json_object_foreach(list, name, value)
		{
			enum tarn_rc rc = check_default(scope, name, json_string_value(value), err);
			if (rc)
				return rc;
		}
	}
	return TARN_OK;
}

enum tarn_rc settings_load(struct tarn_log *log, struct tarn_err *err)
{
	struct tarn_buf text;
	char *path = settings_path(log);
	json_error_t why;
	tarn_buf_init(&text, LARGEST_SETTINGS);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	if (rc == TARN_ENOTFOUND) {
		log->settings = json_object();
		rc = TARN_OK;
	} else if (!rc) {
		log->settings = json_loadb((const char *)text.data, text.len, 0, &why);
		rc = json_is_object(log->settings) ? check_all(log->settings, err)
						   : tarn_fail(err, TARN_EINVALID, "no settings are in it");
		if (rc)
			rc = tarn_err_within(err, rc, "\"%s\"", path);
	}
	tarn_buf_release(&text);
	free(path);
	return rc;
}

static enum tarn_rc save(const struct tarn_log *log, const json_t *settings, struct tarn_err *err)
{
	char *text = json_dumps(settings, JSON_INDENT(2) | JSON_SORT_KEYS);
	char *path = settings_path(log);
	enum tarn_rc rc = text && strlen(text) <= LARGEST_SETTINGS
				  ? tarn_file_replace(path, tarn_slice_str(text), err)
				  : tarn_fail(err, TARN_ELIMIT, "more settings than fit into %d bytes, or not UTF-8",
					      LARGEST_SETTINGS);
	free(path);
	free(text);
	return rc;
}

static enum tarn_rc change(json_t *settings, const char *scope, const struct tarn_topic_setting *setting,
			   struct tarn_err *err)
{
	json_t *list = json_object_get(settings, scope);
	if (!setting->value) {
		json_object_del(list, setting->key);
		if (list && !json_object_size(list))
			json_object_del(settings, scope);
		return TARN_OK;
	}
	enum tarn_rc rc = check_default(scope, setting->key, setting->value, err);
	if (rc)
		return rc;
	if (!list) {
		list = json_object();
		json_object_set_new(settings, scope, list);
	}
	if (json_object_set_new(list, setting->key, json_string(setting->value)))
		return tarn_fail(err, TARN_EINVALID, "a setting or its value is not UTF-8");
	return TARN_OK;
}

enum tarn_rc tarn_log_configure(struct tarn_log *log, const char *scope, const struct tarn_topic_setting *settings,
				size_t n_settings, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&log->change_lock);
	json_t *changed = json_deep_copy(log->settings);
	for (size_t i = 0; i < n_settings && !rc; i++)
		rc = change(changed, scope, &settings[i], err);
	if (!rc)
		rc = save(log, changed, err);
	if (!rc) {
		pthread_mutex_lock(&log->lock);
		json_t *before = log->settings;
		log->settings = changed;
		changed = before;
		topics_resolve(log);
		pthread_mutex_unlock(&log->lock);
	}
	json_decref(changed);
	pthread_mutex_unlock(&log->change_lock);
	return rc;
}

enum tarn_rc tarn_log_setting(struct tarn_log *log, const char *scope, const char *name, struct tarn_buf *value)
{
	pthread_mutex_lock(&log->lock);
	const char *text = value_in(log->settings, scope, name);
	if (text)
		tarn_buf_add_str(value, text);
	pthread_mutex_unlock(&log->lock);
	return text ? TARN_OK : TARN_ENOTFOUND;
}
