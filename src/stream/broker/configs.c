/* DescribeConfigs, AlterConfigs, IncrementalAlterConfigs. What can have settings is a row of `kinds`: topics, the
 * broker, and what all brokers have by default (the broker "", as in Kafka). */
#include "stream/broker/configs.h"

#include <stdlib.h>
#include <string.h>

#include "stream/broker/broker_settings.h"
#include "stream/broker/group_settings.h"
#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, RESOURCE_GROUP = 32 };
enum operation { SET, DELETE, APPEND, SUBTRACT, N_OPERATIONS };
enum { LONGEST_VALUE = 1 << 16, MOST_VALUES = 5 };

struct outcome {
	int16_t error;
	const char *message;
};

static const struct outcome fine = { TARN_KAFKA_NONE, NULL };

static struct outcome refuse_plainly(int16_t error)
{
	return (struct outcome){ error, tarn_kafka_error_text(error) };
}

#define refuse(call, error, ...) ((struct outcome){ (error), tarn_arena_printf(&(call)->arena, __VA_ARGS__) })

/* ---- what a setting is worth ---- */

/* The values that a setting has, the one that counts first, the default last. */
struct chain {
	struct tarn_describe_configs_response_synonym values[MOST_VALUES];
	size_t n;
};

static void add_value(struct chain *chain, const char *name, const char *value, enum tarn_config_source source)
{
	chain->values[chain->n++] = (struct tarn_describe_configs_response_synonym){ name, value, (int8_t)source };
}

static const char *text_in_arena(struct tarn_call *call, const struct tarn_buf *text)
{
	return tarn_arena_strndup(&call->arena, text->len ? (const char *)text->data : "", text->len);
}

static void add_kept(struct tarn_call *call, struct chain *chain, const char *scope, const char *name,
		     enum tarn_config_source source)
{
	struct tarn_buf value;
	tarn_buf_init(&value, LONGEST_VALUE);
	if (!tarn_log_setting(call->broker->log, scope, name, &value))
		add_value(chain, name, text_in_arena(call, &value), source);
	tarn_buf_release(&value);
}

static void topic_chain(struct tarn_call *call, const struct tarn_topic *topic, const struct tarn_topic_key *key,
			struct chain *chain)
{
	struct tarn_buf value;
	bool is_own = false;
	tarn_buf_init(&value, LONGEST_VALUE);
	if (!tarn_topic_setting(topic, key->name, &value, &is_own) && is_own)
		add_value(chain, key->name, text_in_arena(call, &value), TARN_CONFIG_OF_TOPIC);
	tarn_buf_release(&value);
	if (key->of_broker) {
		add_kept(call, chain, TARN_SCOPE_BROKER, key->of_broker, TARN_CONFIG_OF_BROKER);
		add_kept(call, chain, TARN_SCOPE_CLUSTER, key->of_broker, TARN_CONFIG_OF_CLUSTER);
	}
	add_value(chain, key->of_broker ? key->of_broker : key->name, key->fallback, TARN_CONFIG_DEFAULT);
}

void tarn_config_entry(struct tarn_call *call, const struct tarn_topic *topic, enum tarn_topic_key_id key,
		       struct tarn_config_entry *entry)
{
	struct chain chain = { .n = 0 };
	topic_chain(call, topic, &tarn_topic_keys[key], &chain);
	*entry = (struct tarn_config_entry){ tarn_topic_keys[key].name, chain.values[0].value,
					     (enum tarn_config_source)chain.values[0].source };
}

/* ---- what has settings ---- */

struct kind;

/* One thing that has settings, found and allowed. */
struct resource {
	const struct kind *kind;
	struct tarn_topic *topic; /* or NULL */
	const char *scope;	  /* of the log's settings, or NULL */
};

struct kind {
	int8_t type; /* as in requests */
	struct outcome (*find)(struct tarn_call *call, const char *name, enum tarn_acl_operation operation,
			       struct resource *resource);
	bool (*setting_at)(size_t i, struct tarn_broker_setting *setting);
	void (*values)(struct tarn_call *call, const struct resource *resource,
		       const struct tarn_broker_setting *setting, struct chain *chain);
	/* All settings or none; each is named once. Waits for the disk. */
	struct outcome (*apply)(struct tarn_call *call, const struct resource *resource,
				const struct tarn_topic_setting *settings, size_t n, bool validate_only);
};

static struct outcome outcome_of(struct tarn_call *call, enum tarn_rc rc, const struct tarn_err *err, int16_t invalid)
{
	return rc ? refuse(call, rc == TARN_EINVALID ? invalid : tarn_kafka_error_of(rc), "%s", err->message) : fine;
}

static struct outcome find_topic(struct tarn_call *call, const char *name, enum tarn_acl_operation operation,
				 struct resource *resource)
{
	int16_t error = TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
	resource->topic = tarn_topic_name_is_legal(name) ? tarn_call_topic(call, name, operation, &error) : NULL;
	return resource->topic ? fine : refuse_plainly(error);
}

static bool topic_setting_at(size_t i, struct tarn_broker_setting *setting)
{
	if (i >= TARN_TOPIC_N_KEYS)
		return false;
	*setting = (struct tarn_broker_setting){ .name = tarn_topic_keys[i].name, .key = &tarn_topic_keys[i] };
	return true;
}

static void topic_values(struct tarn_call *call, const struct resource *resource,
			 const struct tarn_broker_setting *setting, struct chain *chain)
{
	topic_chain(call, resource->topic, setting->key, chain);
}

static struct outcome apply_to_topic(struct tarn_call *call, const struct resource *resource,
				     const struct tarn_topic_setting *settings, size_t n, bool validate_only)
{
	struct tarn_topic_config *config;
	struct tarn_err err;
	enum tarn_rc rc = tarn_topic_config_make(NULL, settings, n, &config, &err);
	if (!rc)
		tarn_topic_config_free(config);
	if (!rc && !validate_only)
		rc = tarn_topic_configure(resource->topic, settings, n, &err);
	return outcome_of(call, rc, &err, TARN_KAFKA_INVALID_CONFIG);
}

static struct outcome find_broker(struct tarn_call *call, const char *name, enum tarn_acl_operation operation,
				  struct resource *resource)
{
	const char *id = tarn_arena_printf(&call->arena, "%d", call->broker->node_id);
	if (!tarn_call_allowed(call, operation, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME))
		return refuse_plainly(TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED);
	if (*name && strcmp(name, id))
		return refuse(call, TARN_KAFKA_INVALID_REQUEST, "there is only broker %s, not \"%s\"", id, name);
	resource->scope = *name ? TARN_SCOPE_BROKER : TARN_SCOPE_CLUSTER;
	return fine;
}

/* Of the broker all; of the cluster's defaults those that were given. */
static void broker_values(struct tarn_call *call, const struct resource *resource,
			  const struct tarn_broker_setting *setting, struct chain *chain)
{
	bool is_broker = !strcmp(resource->scope, TARN_SCOPE_BROKER);
	if (is_broker)
		add_kept(call, chain, TARN_SCOPE_BROKER, setting->name, TARN_CONFIG_OF_BROKER);
	add_kept(call, chain, TARN_SCOPE_CLUSTER, setting->name, TARN_CONFIG_OF_CLUSTER);
	if (!is_broker && !chain->n)
		return;
	if (setting->given)
		add_value(chain, setting->name, setting->given(call), TARN_CONFIG_GIVEN);
	add_value(chain, setting->name, setting->key->fallback, TARN_CONFIG_DEFAULT);
}

static bool find_setting(const struct kind *kind, const char *name, struct tarn_broker_setting *setting)
{
	for (size_t i = 0; kind->setting_at(i, setting); i++)
		if (!strcmp(setting->name, name))
			return true;
	return false;
}

/* Kafka answers INVALID_REQUEST to all that its brokers refuse. */
static struct outcome apply_to_broker(struct tarn_call *call, const struct resource *resource,
				      const struct tarn_topic_setting *settings, size_t n, bool validate_only)
{
	struct tarn_broker_setting setting;
	struct tarn_err err;
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < n && !rc; i++) {
		if (!settings[i].value) /* nothing is lost by taking away what cannot be there */
			continue;
		if (!find_setting(resource->kind, settings[i].key, &setting))
			return refuse(call, TARN_KAFKA_INVALID_REQUEST, "unknown broker config name \"%s\"",
				      settings[i].key);
		if (setting.read_only)
			return refuse(call, TARN_KAFKA_INVALID_REQUEST,
				      "\"%s\" is given when the broker is started, and cannot be changed",
				      settings[i].key);
		struct tarn_topic_key key = *setting.key;
		key.name = setting.name; /* for the message */
		rc = tarn_topic_key_check(&key, settings[i].value, &err);
	}
	if (!rc && !validate_only)
		rc = tarn_log_configure(call->broker->log, resource->scope, settings, n, &err);
	return outcome_of(call, rc, &err, TARN_KAFKA_INVALID_REQUEST);
}

/* A group has settings whether it is there or not. */
static struct outcome find_group(struct tarn_call *call, const char *name, enum tarn_acl_operation operation,
				 struct resource *resource)
{
	if (!tarn_call_allowed(call, operation, TARN_RESOURCE_GROUP, name))
		return refuse_plainly(TARN_KAFKA_GROUP_AUTHORIZATION_FAILED);
	resource->scope = *name ? tarn_group_scope(&call->arena, name) : NULL;
	return resource->scope ? fine : refuse(call, TARN_KAFKA_INVALID_REQUEST, "\"%s\" is no group's name", name);
}

static bool group_setting_at(size_t i, struct tarn_broker_setting *setting)
{
	if (i >= TARN_GROUP_N_KEYS)
		return false;
	*setting = (struct tarn_broker_setting){ .name = tarn_group_keys[i].name, .key = &tarn_group_keys[i] };
	return true;
}

static void group_values(struct tarn_call *call, const struct resource *resource,
			 const struct tarn_broker_setting *setting, struct chain *chain)
{
	add_kept(call, chain, resource->scope, setting->name, TARN_CONFIG_OF_GROUP);
	add_value(chain, setting->name, setting->key->fallback, TARN_CONFIG_DEFAULT);
}

static struct outcome apply_to_group(struct tarn_call *call, const struct resource *resource,
				     const struct tarn_topic_setting *settings, size_t n, bool validate_only)
{
	struct tarn_err err;
	enum tarn_rc rc = tarn_group_settings_check(call->broker->log, resource->scope, settings, n, &err);
	if (!rc && !validate_only)
		rc = tarn_log_configure(call->broker->log, resource->scope, settings, n, &err);
	return outcome_of(call, rc, &err, TARN_KAFKA_INVALID_CONFIG);
}

static const struct kind kinds[] = {
	{ RESOURCE_TOPIC, find_topic, topic_setting_at, topic_values, apply_to_topic },
	{ RESOURCE_BROKER, find_broker, tarn_broker_setting_at, broker_values, apply_to_broker },
	{ RESOURCE_GROUP, find_group, group_setting_at, group_values, apply_to_group },
};

/* To be given back with `leave`. */
static struct outcome find(struct tarn_call *call, int8_t type, const char *name, enum tarn_acl_operation operation,
			   struct resource *resource)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].type == type) {
			*resource = (struct resource){ .kind = &kinds[i] };
			return kinds[i].find(call, name, operation, resource);
		}
	return refuse(call, TARN_KAFKA_INVALID_REQUEST, "resources of type %d have no settings here", type);
}

static void leave(const struct resource *resource)
{
	tarn_topic_unref(resource->topic);
}

/* ---- DescribeConfigs ---- */

static bool is_asked(const struct tarn_describe_configs_request_resource *asked, const char *name)
{
	for (size_t i = 0; i < asked->n_configuration_keys; i++)
		if (!strcmp(asked->configuration_keys[i], name))
			return true;
	return !asked->n_configuration_keys;
}

static void put_setting(struct tarn_call *call, const struct tarn_broker_setting *setting, const struct chain *chain,
			struct tarn_describe_configs_response_config *config)
{
	const struct tarn_describe_configs_request *request = call->request;
	config->name = setting->name;
	config->value = chain->values[0].value;
	config->read_only = setting->read_only;
	config->config_source = chain->values[0].source;
	config->is_default = config->config_source == TARN_CONFIG_DEFAULT;
	config->config_type = (int8_t)setting->key->type;
	if (request->include_documentation)
		config->documentation = setting->key->doc;
	if (!request->include_synonyms)
		return;
	config->n_synonyms = chain->n;
	config->synonyms = tarn_arena_copy(&call->arena, chain->values, chain->n * sizeof(*chain->values));
}

static size_t count_settings(const struct kind *kind)
{
	struct tarn_broker_setting unused;
	size_t n = 0;
	while (kind->setting_at(n, &unused))
		n++;
	return n;
}

static struct outcome describe(struct tarn_call *call, const struct tarn_describe_configs_request_resource *asked,
			       struct tarn_describe_configs_response_result *result)
{
	struct resource resource;
	struct tarn_broker_setting setting;
	struct outcome outcome =
		find(call, asked->resource_type, asked->resource_name, TARN_ACL_DESCRIBE_CONFIGS, &resource);
	if (outcome.error)
		return outcome;
	result->configs = tarn_call_new(call, describe_configs_response_config, count_settings(resource.kind));
	for (size_t i = 0; resource.kind->setting_at(i, &setting); i++) {
		struct chain chain = { .n = 0 };
		if (!is_asked(asked, setting.name))
			continue;
		resource.kind->values(call, &resource, &setting, &chain);
		if (chain.n)
			put_setting(call, &setting, &chain, &result->configs[result->n_configs++]);
	}
	leave(&resource);
	return fine;
}

void tarn_handle_describe_configs(struct tarn_call *call)
{
	const struct tarn_describe_configs_request *request = call->request;
	struct tarn_describe_configs_response *response = call->response;
	response->results = tarn_call_new(call, describe_configs_response_result, request->n_resources);
	response->n_results = request->n_resources;
	for (size_t i = 0; i < request->n_resources; i++) {
		struct tarn_describe_configs_response_result *result = &response->results[i];
		struct outcome outcome = describe(call, &request->resources[i], result);
		result->resource_type = request->resources[i].resource_type;
		result->resource_name = request->resources[i].resource_name;
		result->error_code = outcome.error;
		result->error_message = outcome.message;
	}
	tarn_call_answer(call);
}

/* ---- changing ---- */

struct change {
	const char *name;
	int8_t operation;
	const char *value;
};

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
	const char *text = text_in_arena(call, &list);
	tarn_buf_release(&list);
	return text;
}

static bool is_set(const struct tarn_topic_setting *settings, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(settings[i].key, key))
			return true;
	return false;
}

/* The setting that the change comes to. */
static struct outcome resolve(struct tarn_call *call, const struct resource *resource, const struct change *change,
			      struct tarn_topic_setting *setting)
{
	struct tarn_broker_setting row;
	struct chain chain = { .n = 0 };
	*setting = (struct tarn_topic_setting){ change->name, change->operation == DELETE ? NULL : change->value };
	if (change->operation < 0 || change->operation >= N_OPERATIONS)
		return refuse(call, TARN_KAFKA_INVALID_REQUEST, "there is no operation %d on settings",
			      change->operation);
	if (!change->value && change->operation != DELETE)
		return refuse(call, TARN_KAFKA_INVALID_REQUEST, "setting \"%s\" has no value", change->name);
	if (change->operation < APPEND || !find_setting(resource->kind, change->name, &row))
		return fine;
	if (row.key->type != TARN_TOPIC_LIST)
		return refuse(call, TARN_KAFKA_INVALID_CONFIG, "setting \"%s\" is no list", change->name);
	resource->kind->values(call, resource, &row, &chain);
	setting->value = change_list(call, chain.n ? chain.values[0].value : row.key->fallback, change->value,
				     change->operation == APPEND);
	return fine;
}

/* What is not among the settings goes back to its default. */
static size_t add_the_others(const struct kind *kind, struct tarn_topic_setting *settings, size_t n)
{
	struct tarn_broker_setting row;
	size_t all = n;
	for (size_t i = 0; kind->setting_at(i, &row); i++)
		if (!row.read_only && !is_set(settings, n, row.name))
			settings[all++] = (struct tarn_topic_setting){ row.name, NULL };
	return all;
}

/* One resource of a request; `replace`: as AlterConfigs does, which names all that is to be set. */
static struct outcome alter(struct tarn_call *call, const struct resource *resource, const struct change *changes,
			    size_t n, bool replace, bool validate_only)
{
	struct tarn_topic_setting *settings =
		tarn_arena_alloc(&call->arena, (n + count_settings(resource->kind)) * sizeof(*settings));
	for (size_t i = 0; i < n; i++) {
		if (is_set(settings, i, changes[i].name))
			return refuse(call, TARN_KAFKA_INVALID_REQUEST, "setting \"%s\" is named twice",
				      changes[i].name);
		struct outcome outcome = resolve(call, resource, &changes[i], &settings[i]);
		if (outcome.error)
			return outcome;
	}
	if (replace)
		n = add_the_others(resource->kind, settings, n);
	return resource->kind->apply(call, resource, settings, n, validate_only);
}

static struct outcome find_and_alter(struct tarn_call *call, int8_t type, const char *name,
				     const struct change *changes, size_t n, bool replace, bool validate_only)
{
	struct resource resource;
	struct outcome outcome = find(call, type, name, TARN_ACL_ALTER_CONFIGS, &resource);
	if (outcome.error)
		return outcome;
	outcome = alter(call, &resource, changes, n, replace, validate_only);
	leave(&resource);
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
		struct change *changes = tarn_arena_alloc(&call->arena, (asked->n_configs + 1) * sizeof(*changes));
		for (size_t k = 0; k < asked->n_configs; k++)
			changes[k] = (struct change){ asked->configs[k].name, SET, asked->configs[k].value };
		struct outcome outcome = find_and_alter(call, asked->resource_type, asked->resource_name, changes,
							asked->n_configs, true, request->validate_only);
		response->resources[i] =
			(struct tarn_alter_configs_response_resource){ .error_code = outcome.error,
								       .error_message = outcome.message,
								       .resource_type = asked->resource_type,
								       .resource_name = asked->resource_name };
	}
	tarn_call_answer(call);
}

void tarn_handle_incremental_alter_configs(struct tarn_call *call)
{
	const struct tarn_incremental_alter_configs_request *request = call->request;
	struct tarn_incremental_alter_configs_response *response = call->response;
	response->resources = tarn_call_new(call, incremental_alter_configs_response_resource, request->n_resources);
	response->n_resources = request->n_resources;
	for (size_t i = 0; i < request->n_resources; i++) {
		const struct tarn_incremental_alter_configs_request_resource *asked = &request->resources[i];
		struct change *changes = tarn_arena_alloc(&call->arena, (asked->n_configs + 1) * sizeof(*changes));
		for (size_t k = 0; k < asked->n_configs; k++)
			changes[k] = (struct change){ asked->configs[k].name, asked->configs[k].config_operation,
						      asked->configs[k].value };
		struct outcome outcome = find_and_alter(call, asked->resource_type, asked->resource_name, changes,
							asked->n_configs, false, request->validate_only);
		response->resources[i] = (struct tarn_incremental_alter_configs_response_resource){
			.error_code = outcome.error,
			.error_message = outcome.message,
			.resource_type = asked->resource_type,
			.resource_name = asked->resource_name,
		};
	}
	tarn_call_answer(call);
}
