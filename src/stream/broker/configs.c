/* DescribeConfigs, AlterConfigs, IncrementalAlterConfigs. Topics can be configured; what concerns the broker as a whole
 * is given when it is started and can only be read. */
#include "stream/broker/configs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, RESOURCE_LOGGER = 8 };
enum operation { SET, DELETE, APPEND, SUBTRACT, N_OPERATIONS };
enum { LONGEST_VALUE = 1 << 16 };

struct outcome {
	int16_t error;
	const char *message;
};

static const struct outcome fine = { TARN_KAFKA_NONE, NULL };

static struct outcome refuse_plainly(int16_t error)
{
	return (struct outcome){ error, tarn_kafka_error_text(error) };
}

/* ---- topics ---- */

void tarn_config_entry(struct tarn_call *call, const struct tarn_topic *topic, enum tarn_topic_key_id key,
		       struct tarn_config_entry *entry)
{
	const struct tarn_topic_key *row = &tarn_topic_keys[key];
	struct tarn_buf value;
	bool is_own = false;
	tarn_buf_init(&value, LONGEST_VALUE);
	const char *text = row->fallback;
	if (!tarn_topic_setting(topic, row->name, &value, &is_own))
		text = tarn_arena_strndup(&call->arena, value.len ? (const char *)value.data : "", value.len);
	tarn_buf_release(&value);
	*entry = (struct tarn_config_entry){ row->name, text, row->doc,
					     is_own ? TARN_CONFIG_OF_TOPIC : TARN_CONFIG_DEFAULT, row->type };
}

static struct outcome find_topic(struct tarn_call *call, const char *name, enum tarn_acl_operation operation,
				 struct tarn_topic **topic)
{
	int16_t error = TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
	*topic = tarn_topic_name_is_legal(name) ? tarn_call_topic(call, name, operation, &error) : NULL;
	return *topic ? fine : refuse_plainly(error);
}

/* ---- the broker ---- */

typedef const char *(*broker_value)(struct tarn_call *call);

static const char *id_value(struct tarn_call *call)
{
	return tarn_arena_printf(&call->arena, "%d", call->broker->node_id);
}

static const char *listener_value(struct tarn_call *call)
{
	return tarn_arena_printf(&call->arena, "%s:%d", call->broker->host, call->broker->port);
}

static const char *partitions_value(struct tarn_call *call)
{
	return tarn_arena_printf(&call->arena, "%d", call->broker->default_partitions);
}

static const char *creation_value(struct tarn_call *call)
{
	return call->broker->auto_create_topics ? "true" : "false";
}

static const char *one(struct tarn_call *call)
{
	(void)call;
	return "1";
}

static const struct broker_key {
	const char *name;
	enum tarn_topic_value_type type;
	broker_value value;
	const char *doc;
} broker_keys[] = {
	{ "advertised.listeners", TARN_TOPIC_STRING, listener_value, "what clients are told to connect to" },
	{ "auto.create.topics.enable", TARN_TOPIC_BOOLEAN, creation_value,
	  "whether a topic that a client asks for is made when it is not there" },
	{ "broker.id", TARN_TOPIC_INT, id_value, "the number of this broker" },
	{ "default.replication.factor", TARN_TOPIC_INT, one, "there is one broker" },
	{ "min.insync.replicas", TARN_TOPIC_INT, one, "there is one broker" },
	{ "node.id", TARN_TOPIC_INT, id_value, "the number of this broker" },
	{ "num.partitions", TARN_TOPIC_INT, partitions_value, "partitions of a topic that is made without a number" },
	{ "offsets.topic.replication.factor", TARN_TOPIC_INT, one, "there is one broker" },
	{ "transaction.state.log.replication.factor", TARN_TOPIC_INT, one, "there is one broker" },
};
enum { N_BROKER_KEYS = sizeof(broker_keys) / sizeof(*broker_keys) };

static struct outcome check_broker(struct tarn_call *call, const char *name, enum tarn_acl_operation operation)
{
	if (!tarn_call_allowed(call, operation, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME))
		return refuse_plainly(TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED);
	if (*name && strcmp(name, id_value(call)))
		return (struct outcome){ TARN_KAFKA_INVALID_REQUEST,
					 tarn_arena_printf(&call->arena, "there is only broker %s, not \"%s\"",
							   id_value(call), name) };
	return fine;
}

/* ---- DescribeConfigs ---- */

static bool is_asked(const struct tarn_describe_configs_request_resource *asked, const char *name)
{
	for (size_t i = 0; i < asked->n_configuration_keys; i++)
		if (!strcmp(asked->configuration_keys[i], name))
			return true;
	return !asked->n_configuration_keys;
}

static void put_entry(struct tarn_call *call, const struct tarn_config_entry *entry, bool read_only,
		      struct tarn_describe_configs_response_result *result)
{
	const struct tarn_describe_configs_request *request = call->request;
	struct tarn_describe_configs_response_config *config = &result->configs[result->n_configs++];
	config->name = entry->name;
	config->value = entry->value;
	config->read_only = read_only;
	config->config_source = (int8_t)entry->source;
	config->is_default = entry->source == TARN_CONFIG_DEFAULT;
	config->config_type = (int8_t)entry->type;
	if (request->include_documentation)
		config->documentation = entry->doc;
	if (!request->include_synonyms)
		return;
	config->synonyms = tarn_call_new(call, describe_configs_response_synonym, 2);
	config->synonyms[config->n_synonyms++] =
		(struct tarn_describe_configs_response_synonym){ entry->name, entry->value, (int8_t)entry->source };
}

/* Behind a topic's own value, what would count without it. */
static void put_fallback(struct tarn_describe_configs_response_result *result, const struct tarn_topic_key *row)
{
	struct tarn_describe_configs_response_config *config = &result->configs[result->n_configs - 1];
	if (config->n_synonyms && config->config_source != TARN_CONFIG_DEFAULT)
		config->synonyms[config->n_synonyms++] =
			(struct tarn_describe_configs_response_synonym){ row->name, row->fallback,
									 TARN_CONFIG_DEFAULT };
}

static struct outcome describe_topic(struct tarn_call *call, const struct tarn_describe_configs_request_resource *asked,
				     struct tarn_describe_configs_response_result *result)
{
	struct tarn_topic *topic;
	struct outcome outcome = find_topic(call, asked->resource_name, TARN_ACL_DESCRIBE_CONFIGS, &topic);
	if (outcome.error)
		return outcome;
	result->configs = tarn_call_new(call, describe_configs_response_config, TARN_TOPIC_N_KEYS);
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++) {
		struct tarn_config_entry entry;
		if (!is_asked(asked, tarn_topic_keys[key].name))
			continue;
		tarn_config_entry(call, topic, (enum tarn_topic_key_id)key, &entry);
		put_entry(call, &entry, false, result);
		put_fallback(result, &tarn_topic_keys[key]);
	}
	tarn_topic_unref(topic);
	return fine;
}

static struct outcome describe_broker(struct tarn_call *call,
				      const struct tarn_describe_configs_request_resource *asked,
				      struct tarn_describe_configs_response_result *result)
{
	struct outcome outcome = check_broker(call, asked->resource_name, TARN_ACL_DESCRIBE_CONFIGS);
	if (outcome.error)
		return outcome;
	result->configs = tarn_call_new(call, describe_configs_response_config, N_BROKER_KEYS);
	for (size_t i = 0; i < N_BROKER_KEYS; i++)
		if (is_asked(asked, broker_keys[i].name))
			put_entry(call,
				  &(struct tarn_config_entry){ broker_keys[i].name, broker_keys[i].value(call),
							       broker_keys[i].doc, TARN_CONFIG_OF_BROKER,
							       broker_keys[i].type },
				  true, result);
	return fine;
}

static struct outcome unknown_resource(struct tarn_call *call, int8_t type)
{
	return (struct outcome){ TARN_KAFKA_INVALID_REQUEST,
				 tarn_arena_printf(&call->arena, "resources of type %d have no settings here", type) };
}

void tarn_handle_describe_configs(struct tarn_call *call)
{
	const struct tarn_describe_configs_request *request = call->request;
	struct tarn_describe_configs_response *response = call->response;
	response->results = tarn_call_new(call, describe_configs_response_result, request->n_resources);
	response->n_results = request->n_resources;
	for (size_t i = 0; i < request->n_resources; i++) {
		const struct tarn_describe_configs_request_resource *asked = &request->resources[i];
		struct tarn_describe_configs_response_result *result = &response->results[i];
		struct outcome outcome;
		if (asked->resource_type == RESOURCE_TOPIC)
			outcome = describe_topic(call, asked, result);
		else if (asked->resource_type == RESOURCE_BROKER)
			outcome = describe_broker(call, asked, result);
		else
			outcome = unknown_resource(call, asked->resource_type);
		result->resource_type = asked->resource_type;
		result->resource_name = asked->resource_name;
		result->error_code = outcome.error;
		result->error_message = outcome.message;
	}
	tarn_call_answer(call);
}

/* ---- changing ---- */

/* All settings or none; `settings` name each key once. Waits for the disk. */
static struct outcome apply(struct tarn_call *call, struct tarn_topic *topic, const struct tarn_topic_setting *settings,
			    size_t n, bool validate_only)
{
	struct tarn_topic_config *config;
	struct tarn_err err;
	enum tarn_rc rc = tarn_topic_config_make(NULL, settings, n, &config, &err);
	if (!rc)
		tarn_topic_config_free(config);
	if (!rc && !validate_only)
		rc = tarn_topic_configure(topic, settings, n, &err);
	if (!rc)
		return fine;
	return (struct outcome){ rc == TARN_EINVALID ? TARN_KAFKA_INVALID_CONFIG : tarn_kafka_error_of(rc),
				 tarn_arena_strdup(&call->arena, err.message) };
}

static bool is_set(const struct tarn_topic_setting *settings, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(settings[i].key, key))
			return true;
	return false;
}

static struct outcome set_twice(struct tarn_call *call, const char *key)
{
	return (struct outcome){ TARN_KAFKA_INVALID_REQUEST,
				 tarn_arena_printf(&call->arena, "setting \"%s\" is named twice", key) };
}

static struct outcome no_value(struct tarn_call *call, const char *key)
{
	return (struct outcome){ TARN_KAFKA_INVALID_REQUEST,
				 tarn_arena_printf(&call->arena, "setting \"%s\" has no value", key) };
}

/* What the request does not name goes back to its default. */
static struct outcome replace_settings(struct tarn_call *call, struct tarn_topic *topic,
				       const struct tarn_alter_configs_request_resource *asked, bool validate_only)
{
	size_t n = 0;
	struct tarn_topic_setting *settings =
		tarn_arena_alloc(&call->arena, (asked->n_configs + TARN_TOPIC_N_KEYS) * sizeof(*settings));
	for (size_t i = 0; i < asked->n_configs; i++) {
		if (is_set(settings, n, asked->configs[i].name))
			return set_twice(call, asked->configs[i].name);
		if (!asked->configs[i].value)
			return no_value(call, asked->configs[i].name);
		settings[n++] = (struct tarn_topic_setting){ asked->configs[i].name, asked->configs[i].value };
	}
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++)
		if (!is_set(settings, asked->n_configs, tarn_topic_keys[key].name))
			settings[n++] = (struct tarn_topic_setting){ tarn_topic_keys[key].name, NULL };
	return apply(call, topic, settings, n, validate_only);
}

static struct outcome alter_topic(struct tarn_call *call, const struct tarn_alter_configs_request_resource *asked)
{
	const struct tarn_alter_configs_request *request = call->request;
	struct tarn_topic *topic;
	struct outcome outcome = find_topic(call, asked->resource_name, TARN_ACL_ALTER_CONFIGS, &topic);
	if (outcome.error)
		return outcome;
	outcome = replace_settings(call, topic, asked, request->validate_only);
	tarn_topic_unref(topic);
	return outcome;
}

/* The broker's settings cannot be changed: only a request that changes nothing is fine. */
static struct outcome alter_broker(struct tarn_call *call, const char *name, size_t n_changes)
{
	struct outcome outcome = check_broker(call, name, TARN_ACL_ALTER_CONFIGS);
	if (!outcome.error && n_changes)
		outcome = (struct outcome){ TARN_KAFKA_INVALID_REQUEST,
					    "settings of the broker are given when it is started" };
	return outcome;
}

void tarn_handle_alter_configs(struct tarn_call *call)
{
	const struct tarn_alter_configs_request *request = call->request;
	struct tarn_alter_configs_response *response = call->response;
	response->resources = tarn_call_new(call, alter_configs_response_resource, request->n_resources);
	response->n_resources = request->n_resources;
	for (size_t i = 0; i < request->n_resources; i++) {
		const struct tarn_alter_configs_request_resource *asked = &request->resources[i];
		struct tarn_alter_configs_response_resource *answered = &response->resources[i];
		struct outcome outcome;
		if (asked->resource_type == RESOURCE_TOPIC)
			outcome = alter_topic(call, asked);
		else if (asked->resource_type == RESOURCE_BROKER)
			outcome = alter_broker(call, asked->resource_name, asked->n_configs);
		else
			outcome = unknown_resource(call, asked->resource_type);
		answered->resource_type = asked->resource_type;
		answered->resource_name = asked->resource_name;
		answered->error_code = outcome.error;
		answered->error_message = outcome.message;
	}
	tarn_call_answer(call);
}

/* ---- IncrementalAlterConfigs ---- */

static bool is_in_list(const char *list, const char *item, size_t len)
{
	for (const char *at = list; *at;) {
		size_t at_len = strcspn(at, ",");
		if (at_len == len && !memcmp(at, item, len))
			return true;
		at += at_len + (at[at_len] == ',');
	}
	return false;
}

/* Appends those items of `from` whose presence in `other` is as wanted. */
static void add_items(struct tarn_buf *out, const char *from, const char *other, bool present)
{
	for (const char *at = from; *at;) {
		size_t len = strcspn(at, ",");
		if (len && is_in_list(other, at, len) == present) {
			if (out->len)
				tarn_buf_add_byte(out, ',');
			tarn_buf_add(out, at, len);
		}
		at += len + (at[len] == ',');
	}
}

static const char *change_list(struct tarn_call *call, const char *now, const char *items, bool append)
{
	struct tarn_buf list;
	tarn_buf_init(&list, LONGEST_VALUE);
	if (append) {
		tarn_buf_add_str(&list, now);
		add_items(&list, items, now, false);
	} else
		add_items(&list, now, items, false);
	const char *text = tarn_arena_strndup(&call->arena, list.len ? (const char *)list.data : "", list.len);
	tarn_buf_release(&list);
	return text;
}

static struct outcome increment(struct tarn_call *call, const struct tarn_topic *topic,
				const struct tarn_incremental_alter_configs_request_config *asked,
				struct tarn_topic_setting *setting)
{
	enum tarn_topic_key_id key = tarn_topic_key_find(asked->name);
	struct tarn_config_entry entry;
	*setting = (struct tarn_topic_setting){ asked->name, asked->value };
	if (asked->config_operation == DELETE) {
		setting->value = NULL;
		return fine;
	}
	if (asked->config_operation < 0 || asked->config_operation >= N_OPERATIONS)
		return (struct outcome){ TARN_KAFKA_INVALID_REQUEST, "there is no such operation on settings" };
	if (!asked->value)
		return no_value(call, asked->name);
	if (asked->config_operation == SET || key == TARN_TOPIC_N_KEYS)
		return fine;
	if (tarn_topic_keys[key].type != TARN_TOPIC_LIST)
		return (struct outcome){ TARN_KAFKA_INVALID_CONFIG,
					 tarn_arena_printf(&call->arena, "setting \"%s\" is no list", asked->name) };
	tarn_config_entry(call, topic, key, &entry);
	setting->value = change_list(call, entry.value, asked->value, asked->config_operation == APPEND);
	return fine;
}

static struct outcome increment_topic(struct tarn_call *call,
				      const struct tarn_incremental_alter_configs_request_resource *asked)
{
	const struct tarn_incremental_alter_configs_request *request = call->request;
	struct tarn_topic_setting *settings =
		tarn_arena_alloc(&call->arena, (asked->n_configs + 1) * sizeof(*settings));
	struct tarn_topic *topic;
	struct outcome outcome = find_topic(call, asked->resource_name, TARN_ACL_ALTER_CONFIGS, &topic);
	if (outcome.error)
		return outcome;
	for (size_t i = 0; !outcome.error && i < asked->n_configs; i++)
		outcome = is_set(settings, i, asked->configs[i].name)
				  ? set_twice(call, asked->configs[i].name)
				  : increment(call, topic, &asked->configs[i], &settings[i]);
	if (!outcome.error)
		outcome = apply(call, topic, settings, asked->n_configs, request->validate_only);
	tarn_topic_unref(topic);
	return outcome;
}

void tarn_handle_incremental_alter_configs(struct tarn_call *call)
{
	const struct tarn_incremental_alter_configs_request *request = call->request;
	struct tarn_incremental_alter_configs_response *response = call->response;
	response->resources = tarn_call_new(call, incremental_alter_configs_response_resource, request->n_resources);
	response->n_resources = request->n_resources;
	for (size_t i = 0; i < request->n_resources; i++) {
		const struct tarn_incremental_alter_configs_request_resource *asked = &request->resources[i];
		struct tarn_incremental_alter_configs_response_resource *answered = &response->resources[i];
		struct outcome outcome;
		if (asked->resource_type == RESOURCE_TOPIC)
			outcome = increment_topic(call, asked);
		else if (asked->resource_type == RESOURCE_BROKER)
			outcome = alter_broker(call, asked->resource_name, asked->n_configs);
		else
			outcome = unknown_resource(call, asked->resource_type);
		answered->resource_type = asked->resource_type;
		answered->resource_name = asked->resource_name;
		answered->error_code = outcome.error;
		answered->error_message = outcome.message;
	}
	tarn_call_answer(call);
}
