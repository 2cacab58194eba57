/* The sink: connectors that read this process's log (or another Kafka) and write raw objects, with Kafka Connect's REST
 * API. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "serve/role.h"
#include "stream/registry/registry.h"
#include "stream/sink/connectors.h"
#include "stream/sink/log_producer.h"
#include "stream/sink/registry_lookup.h"
#include "stream/sink/source_kafka.h"
#include "stream/sink/source_log.h"

extern const struct tarn_role tarn_role_sink;

/* What a new data folder gets, once: everything that the application writes, as its own connectors lay it out. Whoever
 * deletes it has meant that; DATA/connect/default says that there was one. */
#define DEFAULT_NAME "raw"
#define DEFAULT_TOPICS "experiment.*|vqe_decorated_result_.*"

struct state {
	struct tarn_server *server;
	const struct tarn_serve_options *options;
	struct tarn_log *log; /* or, where another Kafka is read, */
	struct tarn_kafka_options kafka;
	struct tarn_registry_client *registry; /* NULL: whichever a connector names */
	struct tarn_log_producer *producer;    /* one of the two */
	struct tarn_kafka_sender *sender;
	char member[TARN_UUID_SIZE]; /* of this data folder, in consumer groups */
	struct tarn_connectors *connectors;
	struct tarn_connect_rest *rest;
	struct tarn_http *http;
};

/* ---- what connectors stand on ---- */

static enum tarn_rc open_source(void *context, const struct tarn_connector_config *config,
				const struct tarn_source_options *options, struct tarn_offset_file *offsets,
				struct tarn_source **source, struct tarn_err *err)
{
	const struct state *state = context;
	(void)config;
	if (state->sender) {
		/* A member of a fixed name that comes back goes on at once, and shuts out the one that was thought
		 * dead. */
		char *member = tarn_asprintf("tarn-%s-%s-%d", state->member, options->group, options->task);
		struct tarn_kafka_setting settings[] = { { "group.instance.id", member } };
		enum tarn_rc rc = tarn_source_kafka_open(&state->kafka, settings, 1, options, source, err);
		free(member);
		return rc;
	}
	return tarn_source_log_open(state->log, offsets, options, source, err);
}

/* What serve was given stands before hosts in a connector's JSON, which mostly comes from another installation. */
static enum tarn_rc open_store(void *context, const struct tarn_connector_config *config, struct tarn_store **store,
			       struct tarn_err *err)
{
	const struct state *state = context;
	const char *ours = config->tarn_store ? config->tarn_store : state->options->raw;
	if (ours) {
		struct tarn_s3_options s3 = { .endpoint = state->options->s3_endpoint };
		return tarn_store_open_with(ours, &s3, true, store, err);
	}
	if (!config->bucket)
		return tarn_fail(err, TARN_EINVALID,
				 "there is no \"s3.bucket.name\", and `tarn serve` was given no --raw");
	char *url = tarn_asprintf("s3://%s", config->bucket);
	struct tarn_s3_options s3 = {
		.endpoint = config->store_url,
		.region = config->region,
		.access_key = config->access_key,
		.secret_key = config->secret_key,
		.path_style = config->path_style ? 1 : -1,
		.part_bytes = config->part_size,
	};
	enum tarn_rc rc = tarn_store_open_with(url, &s3, true, store, err);
	free(url);
	return rc;
}

static enum tarn_rc find_schema(void *context, const struct tarn_connector_config *config, const char *topic,
				uint32_t id, struct tarn_buf *json, int32_t *version, struct tarn_err *err)
{
	const struct state *state = context;
	if (state->registry)
		return tarn_registry_lookup_version(state->registry, topic, id, json, version, err);
	/* Once a schema: what it says is kept by the task. */
	struct tarn_registry_client_options how = { .url = config->registry_url };
	struct tarn_registry_client *client;
	if (!how.url)
		return tarn_fail(err, TARN_EIO,
				 "there is no registry to ask: neither the role, nor --registry, nor the connector's "
				 "\"value.converter.schema.registry.url\"");
	enum tarn_rc rc = tarn_registry_client_open(&how, &client, err);
	if (rc)
		return rc;
	rc = tarn_registry_lookup_version(client, topic, id, json, version, err);
	tarn_registry_client_free(client);
	return rc;
}

static enum tarn_rc produce(void *context, const char *topic, const struct tarn_message *message,
			    const struct tarn_header *headers, size_t n_headers, struct tarn_err *err)
{
	const struct state *state = context;
	if (state->sender)
		return tarn_kafka_sender_send(state->sender, topic, message, headers, n_headers, err);
	return tarn_log_producer_send(state->producer, topic, message, headers, n_headers, err);
}

static enum tarn_rc flush(void *context, struct tarn_err *err)
{
	const struct state *state = context;
	return state->sender ? tarn_kafka_sender_flush(state->sender, err)
			     : tarn_log_producer_flush(state->producer, err);
}

static enum tarn_rc read_topic(void *context, const char *topic, struct tarn_topic_place *place,
			       tarn_message_visit visit, void *visit_context, struct tarn_err *err)
{
	const struct state *state = context;
	if (state->sender)
		return tarn_kafka_topic_read(&state->kafka, topic, place, visit, visit_context, err);
	return tarn_log_producer_read(state->producer, topic, place, visit, visit_context, err);
}

static void say(void *context, const char *line)
{
	const struct state *state = context;
	tarn_server_say(state->server, "sink", "%s", line);
}

/* ---- start and stop ---- */

/* Makes the data folder's name in consumer groups, or reads it. */
static enum tarn_rc find_member(struct state *state, struct tarn_err *err)
{
	char *folder = tarn_asprintf("%s/connect", state->options->data), *path = tarn_asprintf("%s/member", folder);
	struct tarn_buf text;
	tarn_buf_init(&text, TARN_UUID_SIZE);
	enum tarn_rc rc = tarn_make_folders(folder, err);
	if (!rc)
		rc = tarn_file_read(path, &text, err);
	if (rc == TARN_ENOTFOUND) {
		tarn_uuid(state->member);
		rc = tarn_file_replace(path, tarn_slice_str(state->member), err);
	} else if (!rc && text.len != TARN_UUID_SIZE - 1) {
		rc = tarn_fail(err, TARN_EINVALID, "\"%s\" holds no UUID", path);
	} else if (!rc) {
		memcpy(state->member, text.data, text.len);
	}
	tarn_buf_release(&text);
	free(path);
	free(folder);
	return rc;
}

static enum tarn_rc open_messages(struct state *state, struct tarn_err *err)
{
	state->kafka = (struct tarn_kafka_options){ state->options->brokers, state->options->client_config };
	if (state->options->brokers) {
		enum tarn_rc rc = find_member(state, err);
		return rc ? rc : tarn_kafka_sender_open(&state->kafka, &state->sender, err);
	}
	state->log = tarn_server_log(state->server, err);
	if (!state->log)
		return err->code;
	state->producer = tarn_log_producer_new(state->log);
	return TARN_OK;
}

/* Another registry by its URL, this process's own without sockets, or whatever a connector names. */
static enum tarn_rc open_registry(struct state *state, struct tarn_err *err)
{
	struct tarn_registry *own = tarn_server_registry(state->server);
	struct tarn_registry_client_options how = { .url = state->options->registry };
	if (how.url)
		return tarn_registry_client_open(&how, &state->registry, err);
	if (own)
		state->registry = tarn_registry_local_client(own);
	return TARN_OK;
}

static enum tarn_rc put_default(struct state *state, struct tarn_err *err)
{
	bool created;
	json_t *config = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "connector.class",
				   "io.confluent.connect.s3.S3SinkConnector", "topics.regex", DEFAULT_TOPICS,
				   "topics.dir", "experiments", "flush.size", "500", "tarn.flush.ms", "500",
				   "errors.tolerance", "all", "retry.backoff.ms", "1000");
	enum tarn_rc rc = tarn_connectors_put(state->connectors, DEFAULT_NAME, config, true, TARN_CONNECTOR_RUNNING,
					      &created, err);
	json_decref(config);
	return rc;
}

static enum tarn_rc make_default(struct state *state, struct tarn_err *err)
{
	json_t *names = tarn_connectors_names(state->connectors);
	bool none = !json_array_size(names);
	json_decref(names);
	if (!state->options->raw)
		return TARN_OK;
	char *mark = tarn_asprintf("%s/connect/default", state->options->data);
	enum tarn_rc rc = TARN_OK;
	if (access(mark, F_OK)) {
		if (none)
			rc = put_default(state, err);
		if (!rc)
			rc = tarn_file_replace(mark, tarn_slice_str(DEFAULT_NAME "\n"), err);
	}
	free(mark);
	return rc;
}

static enum tarn_rc open_connectors(struct state *state, struct tarn_err *err)
{
	struct tarn_sink_platform platform = {
		.context = state,
		.open_source = open_source,
		.open_store = open_store,
		.find_schema = find_schema,
		.produce = produce,
		.flush = flush,
		.read = read_topic,
		.say = say,
		.worker = state->options->connect_listen,
		.cluster_id = state->log ? tarn_log_cluster_id(state->log) : NULL,
	};
	char *folder = tarn_asprintf("%s/connect", state->options->data);
	enum tarn_rc rc = tarn_connectors_open(&platform, folder, &state->connectors, err);
	free(folder);
	return rc;
}

static void stop(void *context)
{
	struct state *state = context;
	tarn_http_stop(state->http);
	tarn_connect_rest_free(state->rest);
	tarn_connectors_close(state->connectors);
	tarn_log_producer_free(state->producer);
	tarn_kafka_sender_free(state->sender);
	tarn_registry_client_free(state->registry);
	free(state);
}

static enum tarn_rc open_parts(struct state *state, struct tarn_err *err)
{
	enum tarn_rc rc = open_messages(state, err);
	if (!rc)
		rc = open_registry(state, err);
	if (!rc)
		rc = open_connectors(state, err);
	if (!rc)
		rc = make_default(state, err);
	if (rc)
		return rc;
	state->rest = tarn_connect_rest_new(state->connectors);
	return tarn_http_start(state->options->connect_listen, tarn_connect_rest_routes(state->rest), state->options,
			       &state->http, err);
}

static enum tarn_rc start(struct tarn_server *server, void **started, struct tarn_err *err)
{
	struct state *state = tarn_calloc(1, sizeof(*state));
	state->server = server;
	state->options = tarn_server_options(server);
	enum tarn_rc rc = open_parts(state, err);
	if (rc) {
		stop(state);
		return rc;
	}
	json_t *names = tarn_connectors_names(state->connectors);
	tarn_server_say(server, "sink", "listening at %s, port %d; %zu connectors, raw objects go to %s",
			state->options->connect_listen, tarn_http_port(state->http), json_array_size(names),
			state->options->raw ? state->options->raw : "where each connector says");
	json_decref(names);
	*started = state;
	return TARN_OK;
}

const struct tarn_role tarn_role_sink = { .name = "sink", .start = start, .stop = stop };
