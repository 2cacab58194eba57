/* Kafka Connect's REST API (docs.confluent.io, "Kafka Connect REST Interface"; Apache Kafka, "REST API" of Connect). */
#include <jansson.h>
#include <stdlib.h>

#include "stream/sink/connectors.h"

#define PLUGIN "io.confluent.connect.s3.S3SinkConnector"

enum { MAX_REQUEST = 1 << 20 };

struct tarn_connect_rest {
	struct tarn_connectors *set;
	struct tarn_routes routes;
};

/* ---- answers ---- */

/* Takes over `json`. */
static void answer(struct tarn_response *response, int status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	response->status = status;
	tarn_buf_add_str(&response->body, text);
	free(text);
	json_decref(json);
}

static void refuse(void *room, int status, const char *message, struct tarn_response *response)
{
	(void)room;
	tarn_buf_clear(&response->body);
	answer(response, status, json_pack("{s:i, s:s}", "error_code", status, "message", message));
}

static void fail(enum tarn_rc rc, const struct tarn_err *err, struct tarn_response *response)
{
	static const struct {
		enum tarn_rc rc;
		int status;
	} statuses[] = {
		{ TARN_EINVALID, 400 },
		{ TARN_ENOTFOUND, 404 },
		{ TARN_EEXISTS, 409 },
		{ TARN_EBUSY, 400 },
	};
	int status = 500;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (statuses[i].rc == rc)
			status = statuses[i].status;
	refuse(NULL, status, err->message, response);
}

/* The body as an object, or NULL with an answer. */
static json_t *read_object(const struct tarn_request *request, struct tarn_response *response)
{
	json_error_t error;
	json_t *body = json_loadb((const char *)request->body.data, request->body.len, 0, &error);
	if (json_is_object(body))
		return body;
	json_decref(body);
	refuse(NULL, 400, body ? "the body is no object" : error.text, response);
	return NULL;
}

static struct tarn_connectors *set_of(void *room)
{
	return ((struct tarn_connect_rest *)room)->set;
}

/* ---- the worker ---- */

static void get_root(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)request;
	const char *cluster = tarn_connectors_platform(set_of(room))->cluster_id;
	answer(response, 200,
	       json_pack("{s:s, s:s, s:s}", "version", TARN_VERSION, "commit", "tarn", "kafka_cluster_id",
			 cluster ? cluster : ""));
}

static void get_health(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	answer(response, 200,
	       json_pack("{s:s, s:s}", "status", "healthy", "message",
			 "Worker has completed startup and is ready to handle requests."));
}

/* ---- connectors ---- */

static void list_expanded(struct tarn_connectors *set, bool status, bool info, struct tarn_response *response)
{
	json_t *names = tarn_connectors_names(set), *all = json_object(), *name;
	size_t i;
	json_array_foreach(names, i, name)
	{
		json_t *one = json_object(), *part;
		if (status && !tarn_connectors_status(set, json_string_value(name), &part, NULL))
			json_object_set_new(one, "status", part);
		if (info && !tarn_connectors_info(set, json_string_value(name), &part, NULL))
			json_object_set_new(one, "info", part);
		json_object_set_new(all, json_string_value(name), one);
	}
	json_decref(names);
	answer(response, 200, all);
}

static void list_connectors(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	const char *expand = tarn_request_query(request, "expand");
	if (!expand)
		answer(response, 200, tarn_connectors_names(set_of(room)));
	else /* a key that is given twice is seen once: "status" then asks for both, which costs nobody anything */
		list_expanded(set_of(room), true, true, response);
}

/* Answers a change with the connector as it is now. */
static void show(struct tarn_connectors *set, const char *name, int status, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *info;
	enum tarn_rc rc = tarn_connectors_info(set, name, &info, &err);
	if (rc)
		fail(rc, &err, response);
	else
		answer(response, status, info);
}

static enum tarn_connector_state state_of(const json_t *text, bool *known)
{
	*known = !text;
	for (int i = 0; json_is_string(text) && i <= TARN_CONNECTOR_STOPPED; i++)
		if (!strcmp(json_string_value(text), tarn_connector_state_name((enum tarn_connector_state)i))) {
			*known = true;
			return (enum tarn_connector_state)i;
		}
	return TARN_CONNECTOR_RUNNING;
}

static void create_connector(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	bool created, known;
	json_t *body = read_object(request, response);
	if (!body)
		return;
	const char *name = json_string_value(json_object_get(body, "name"));
	json_t *config = json_object_get(body, "config");
	enum tarn_connector_state state = state_of(json_object_get(body, "initial_state"), &known);
	if (!name || !json_is_object(config) || !known) {
		refuse(NULL, 400,
		       "expected {\"name\": .., \"config\": {..}[, \"initial_state\": "
		       "\"RUNNING\"|\"PAUSED\"|\"STOPPED\"]}",
		       response);
	} else {
		enum tarn_rc rc = tarn_connectors_put(set_of(room), name, config, true, state, &created, &err);
		if (rc) {
			fail(rc, &err, response);
		} else {
			tarn_response_header(response, "Location",
					     tarn_arena_printf(request->arena, "/connectors/%s", name));
			show(set_of(room), name, 201, response);
		}
	}
	json_decref(body);
}

static void get_connector(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	show(set_of(room), request->params[0], 200, response);
}

static void delete_connector(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	enum tarn_rc rc = tarn_connectors_delete(set_of(room), request->params[0], &err);
	response->status = 204;
	if (rc)
		fail(rc, &err, response);
}

/* A part of what tarn_connectors_info says. */
static void get_part(void *room, const struct tarn_request *request, const char *part, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *info;
	enum tarn_rc rc = tarn_connectors_info(set_of(room), request->params[0], &info, &err);
	if (rc) {
		fail(rc, &err, response);
		return;
	}
	answer(response, 200, json_incref(json_object_get(info, part)));
	json_decref(info);
}

static void get_config(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	get_part(room, request, "config", response);
}

static void put_config(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	bool created;
	json_t *config = read_object(request, response);
	if (!config)
		return;
	enum tarn_rc rc = tarn_connectors_put(set_of(room), request->params[0], config, false, TARN_CONNECTOR_RUNNING,
					      &created, &err);
	json_decref(config);
	if (rc)
		fail(rc, &err, response);
	else
		show(set_of(room), request->params[0], created ? 201 : 200, response);
}

/* Sets some keys; null takes one out. */
static void patch_config(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	bool created;
	json_t *patch = read_object(request, response), *info, *value;
	const char *key;
	if (!patch)
		return;
	enum tarn_rc rc = tarn_connectors_info(set_of(room), request->params[0], &info, &err);
	if (!rc) {
		json_t *config = json_copy(json_object_get(info, "config"));
		json_object_foreach(patch, key, value)
		{
			if (json_is_null(value))
				json_object_del(config, key);
			else
				json_object_set(config, key, value);
		}
		rc = tarn_connectors_put(set_of(room), request->params[0], config, false, TARN_CONNECTOR_RUNNING,
					 &created, &err);
		json_decref(config);
		json_decref(info);
	}
	json_decref(patch);
	if (rc)
		fail(rc, &err, response);
	else
		show(set_of(room), request->params[0], 200, response);
}

static void get_status(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *status;
	enum tarn_rc rc = tarn_connectors_status(set_of(room), request->params[0], &status, &err);
	if (rc)
		fail(rc, &err, response);
	else
		answer(response, 200, status);
}

/* ---- states ---- */

static void set_state(void *room, const struct tarn_request *request, enum tarn_connector_state state, int status,
		      struct tarn_response *response)
{
	struct tarn_err err;
	enum tarn_rc rc = tarn_connectors_set_state(set_of(room), request->params[0], state, &err);
	response->status = status;
	if (rc)
		fail(rc, &err, response);
}

static void pause_connector(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	set_state(room, request, TARN_CONNECTOR_PAUSED, 202, response);
}

static void resume_connector(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	set_state(room, request, TARN_CONNECTOR_RUNNING, 202, response);
}

static void stop_connector(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	set_state(room, request, TARN_CONNECTOR_STOPPED, 204, response);
}

static void restart_connector(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	bool tasks = tarn_request_flag(request, "includeTasks", false);
	bool only_failed = tarn_request_flag(request, "onlyFailed", false);
	json_t *status;
	/* Without tasks there is nothing to restart: a connector is a configuration. Connect's scripts expect failed
	 * tasks to run again all the same. */
	enum tarn_rc rc = tarn_connectors_restart(set_of(room), request->params[0], -1, only_failed || !tasks, &err);
	if (!rc)
		rc = tarn_connectors_status(set_of(room), request->params[0], &status, &err);
	if (rc) {
		fail(rc, &err, response);
	} else if (tasks || only_failed) {
		answer(response, 202, status);
	} else {
		json_decref(status);
		response->status = 204;
	}
}

/* ---- tasks ---- */

static void get_tasks(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *info, *list = json_array(), *id;
	size_t i;
	enum tarn_rc rc = tarn_connectors_info(set_of(room), request->params[0], &info, &err);
	if (rc) {
		json_decref(list);
		fail(rc, &err, response);
		return;
	}
	json_array_foreach(json_object_get(info, "tasks"), i, id) json_array_append_new(
		list, json_pack("{s:O, s:O}", "id", id, "config", json_object_get(info, "config")));
	json_decref(info);
	answer(response, 200, list);
}

static void get_tasks_config(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *info, *all = json_object(), *id;
	size_t i;
	enum tarn_rc rc = tarn_connectors_info(set_of(room), request->params[0], &info, &err);
	if (rc) {
		json_decref(all);
		fail(rc, &err, response);
		return;
	}
	json_array_foreach(json_object_get(info, "tasks"), i, id)
		json_object_set(all, tarn_arena_printf(request->arena, "%s-%zu", request->params[0], i),
				json_object_get(info, "config"));
	json_decref(info);
	answer(response, 200, all);
}

static int32_t task_number(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);
	return *text && !*end && number >= 0 && number <= INT32_MAX ? (int32_t)number : INT32_MAX;
}

static void get_task_status(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *status;
	enum tarn_rc rc = tarn_connectors_status(set_of(room), request->params[0], &status, &err);
	if (rc) {
		fail(rc, &err, response);
		return;
	}
	json_t *task = json_array_get(json_object_get(status, "tasks"), (size_t)task_number(request->params[1]));
	if (task)
		answer(response, 200, json_incref(task));
	else
		refuse(NULL, 404, "No status found for this task", response);
	json_decref(status);
}

static void restart_task(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	enum tarn_rc rc =
		tarn_connectors_restart(set_of(room), request->params[0], task_number(request->params[1]), false, &err);
	response->status = 204;
	if (rc)
		fail(rc, &err, response);
}

/* ---- topics and offsets ---- */

static void get_topics(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *offsets, *topics = json_object(), *list = json_array(), *item;
	const char *name;
	size_t i;
	enum tarn_rc rc = tarn_connectors_offsets(set_of(room), request->params[0], &offsets, &err);
	if (!rc) {
		json_array_foreach(json_object_get(offsets, "offsets"), i, item) json_object_set(
			topics, json_string_value(json_object_get(json_object_get(item, "partition"), "kafka_topic")),
			json_true());
		json_object_foreach(topics, name, item) json_array_append_new(list, json_string(name));
		json_decref(offsets);
		answer(response, 200, json_pack("{s:{s:O}}", request->params[0], "topics", list));
	} else {
		fail(rc, &err, response);
	}
	json_decref(topics);
	json_decref(list);
}

static void reset_topics(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	refuse(NULL, 403, "Topic tracking reset is disabled.", response);
}

static void get_offsets(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *offsets;
	enum tarn_rc rc = tarn_connectors_offsets(set_of(room), request->params[0], &offsets, &err);
	if (rc)
		fail(rc, &err, response);
	else
		answer(response, 200, offsets);
}

static void patch_offsets(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	json_t *body = read_object(request, response);
	if (!body)
		return;
	enum tarn_rc rc = tarn_connectors_alter(set_of(room), request->params[0], body, &err);
	json_decref(body);
	if (rc)
		fail(rc, &err, response);
	else
		answer(response, 200,
		       json_pack("{s:s}", "message", "The offsets for this connector have been altered successfully"));
}

static void delete_offsets(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_err err;
	enum tarn_rc rc = tarn_connectors_reset(set_of(room), request->params[0], &err);
	if (rc)
		fail(rc, &err, response);
	else
		answer(response, 200,
		       json_pack("{s:s}", "message", "The offsets for this connector have been reset successfully"));
}

/* ---- plugins ---- */

static void get_plugins(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	answer(response, 200, json_pack("[{s:s, s:s, s:s}]", "class", PLUGIN, "type", "sink", "version", TARN_VERSION));
}

static bool is_plugin(const char *name)
{
	return !strcmp(name, PLUGIN) || !strcmp(name, "S3SinkConnector");
}

static json_t *definition_of(const struct tarn_config_key *key)
{
	return json_pack("{s:s, s:s, s:b, s:s?, s:s, s:s}", "name", key->name, "type", key->type, "required",
			 key->required, "default_value", key->default_text, "importance",
			 key->required ? "HIGH" : "MEDIUM", "documentation", key->what);
}

static void get_plugin_config(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	json_t *list = json_array();
	for (size_t i = 0; i < tarn_connector_keys(); i++) {
		struct tarn_config_key key;
		tarn_connector_key(i, &key);
		json_array_append_new(list, definition_of(&key));
	}
	if (is_plugin(request->params[0])) {
		answer(response, 200, list);
		return;
	}
	json_decref(list);
	refuse(NULL, 404, "Unknown plugin", response);
}

static json_t *messages_of(const struct tarn_config_notes *notes, const char *key)
{
	json_t *list = json_array();
	for (size_t i = 0; i < notes->n; i++)
		if (!strcmp(notes->notes[i].key, key))
			json_array_append_new(list, json_string(notes->notes[i].message));
	return list;
}

static void validate(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	struct tarn_connector_config config;
	struct tarn_config_notes errors, warnings;
	json_t *object = read_object(request, response), *list = json_array();
	if (!object) {
		json_decref(list);
		return;
	}
	tarn_connector_config_read(object, request->arena, &config, &errors, &warnings);
	for (size_t i = 0; i < tarn_connector_keys(); i++) {
		struct tarn_config_key key;
		tarn_connector_key(i, &key);
		json_t *value = json_object_get(object, key.name);
		json_t *shown = value		   ? json_incref(value)
				: key.default_text ? json_string(key.default_text)
						   : json_null();
		json_array_append_new(list, json_pack("{s:o, s:{s:s, s:o, s:[], s:o, s:b}}", "definition",
						      definition_of(&key), "value", "name", key.name, "value", shown,
						      "recommended_values", "errors", messages_of(&errors, key.name),
						      "visible", 1));
	}
	json_decref(object);
	answer(response, 200,
	       json_pack("{s:s, s:i, s:[s], s:o}", "name", PLUGIN, "error_count", (int)errors.n, "groups", "S3",
			 "configs", list));
}

/* ---- the table ---- */

static const struct tarn_route routes[] = {
	{ TARN_HTTP_GET, "/", get_root },
	{ TARN_HTTP_GET, "/health", get_health },
	{ TARN_HTTP_GET, "/connectors", list_connectors },
	{ TARN_HTTP_POST, "/connectors", create_connector },
	{ TARN_HTTP_GET, "/connectors/{name}", get_connector },
	{ TARN_HTTP_DELETE, "/connectors/{name}", delete_connector },
	{ TARN_HTTP_GET, "/connectors/{name}/config", get_config },
	{ TARN_HTTP_PUT, "/connectors/{name}/config", put_config },
	{ TARN_HTTP_PATCH, "/connectors/{name}/config", patch_config },
	{ TARN_HTTP_GET, "/connectors/{name}/status", get_status },
	{ TARN_HTTP_PUT, "/connectors/{name}/pause", pause_connector },
	{ TARN_HTTP_PUT, "/connectors/{name}/resume", resume_connector },
	{ TARN_HTTP_PUT, "/connectors/{name}/stop", stop_connector },
	{ TARN_HTTP_POST, "/connectors/{name}/restart", restart_connector },
	{ TARN_HTTP_GET, "/connectors/{name}/tasks", get_tasks },
	{ TARN_HTTP_GET, "/connectors/{name}/tasks-config", get_tasks_config },
	{ TARN_HTTP_GET, "/connectors/{name}/tasks/{task}/status", get_task_status },
	{ TARN_HTTP_POST, "/connectors/{name}/tasks/{task}/restart", restart_task },
	{ TARN_HTTP_GET, "/connectors/{name}/topics", get_topics },
	{ TARN_HTTP_PUT, "/connectors/{name}/topics/reset", reset_topics },
	{ TARN_HTTP_GET, "/connectors/{name}/offsets", get_offsets },
	{ TARN_HTTP_PATCH, "/connectors/{name}/offsets", patch_offsets },
	{ TARN_HTTP_DELETE, "/connectors/{name}/offsets", delete_offsets },
	{ TARN_HTTP_GET, "/connector-plugins", get_plugins },
	{ TARN_HTTP_GET, "/connector-plugins/{plugin}/config", get_plugin_config },
	{ TARN_HTTP_PUT, "/connector-plugins/{plugin}/config/validate", validate },
};

struct tarn_connect_rest *tarn_connect_rest_new(struct tarn_connectors *set)
{
	struct tarn_connect_rest *rest = tarn_calloc(1, sizeof(*rest));
	rest->set = set;
	rest->routes = (struct tarn_routes){
		.routes = routes,
		.n_routes = sizeof(routes) / sizeof(*routes),
		.room = rest,
		.content_type = "application/json",
		.max_body = MAX_REQUEST,
		.refuse = refuse,
	};
	return rest;
}

void tarn_connect_rest_free(struct tarn_connect_rest *rest)
{
	free(rest);
}

const struct tarn_routes *tarn_connect_rest_routes(const struct tarn_connect_rest *rest)
{
	return &rest->routes;
}
