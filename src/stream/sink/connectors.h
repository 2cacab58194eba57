/* The connectors of a process, as Kafka Connect manages them: created, changed, paused, stopped, restarted, deleted;
 * each a number of tasks, each a thread. A task that fails starts again by itself after a pause that doubles.
 *
 *   DATA/connect/<name>.json      {"name":..,"state":"RUNNING","config":{..}}: replaced as a whole, durable before it
 * is answered DATA/connect/<name>.offsets   what was committed (offset_file.h), where the source is the log of this
 * process
 *
 * Any thread. One lock covers the set; a change waits for the tasks that it stops. */
#ifndef TARN_STREAM_SINK_CONNECTORS_H
#define TARN_STREAM_SINK_CONNECTORS_H

#include "base/route.h"
#include "stream/sink/offset_file.h"
#include "stream/sink/sink_task.h"

struct json_t;

/* How far the partitions of a topic were read; zeroed: not at all. `next` is the caller's to free. */
struct tarn_topic_place {
	int64_t *next;
	size_t n;
};
void tarn_topic_place_fit(struct tarn_topic_place *place, size_t partitions);
typedef void (*tarn_message_visit)(void *context, const struct tarn_message *message);

/* What the process offers to its connectors. All functions may be called by several threads at once. */
struct tarn_sink_platform {
	void *context;
	/* `config` and `options` outlive the source. */
	enum tarn_rc (*open_source)(void *context, const struct tarn_connector_config *config,
				    const struct tarn_source_options *options, struct tarn_offset_file *offsets,
				    struct tarn_source **source, struct tarn_err *err);
	enum tarn_rc (*open_store)(void *context, const struct tarn_connector_config *config, struct tarn_store **store,
				   struct tarn_err *err);
	/* As tarn_schema_lookup's. */
	enum tarn_rc (*find_schema)(void *context, const struct tarn_connector_config *config, const char *topic,
				    uint32_t id, struct tarn_buf *json, int32_t *version, struct tarn_err *err);
	/* Sends a message to a topic, which is made where it is missing; durable after the next `flush`. */
	enum tarn_rc (*produce)(void *context, const char *topic, const struct tarn_message *message,
				const struct tarn_header *headers, size_t n_headers, struct tarn_err *err);
	enum tarn_rc (*flush)(void *context, struct tarn_err *err);
	/* Visits what a topic holds from *place on, and moves the place. No topic: nothing. */
	enum tarn_rc (*read)(void *context, const char *topic, struct tarn_topic_place *place, tarn_message_visit visit,
			     void *visit_context, struct tarn_err *err);
	void (*say)(void *context, const char *line); /* one line for the log */
	const char *worker;			      /* HOST:PORT */
	const char *cluster_id;
};

enum tarn_connector_state { TARN_CONNECTOR_RUNNING, TARN_CONNECTOR_PAUSED, TARN_CONNECTOR_STOPPED };
const char *tarn_connector_state_name(enum tarn_connector_state state);

struct tarn_connectors;
/* Starts what was there before. `folder` is made; the platform is copied, its texts borrowed. */
enum tarn_rc tarn_connectors_open(const struct tarn_sink_platform *platform, const char *folder,
				  struct tarn_connectors **set, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_connectors_close(struct tarn_connectors *set);

/* Creates a connector, or changes its configuration (not where `must_be_new`: TARN_EEXISTS). TARN_EINVALID's message
 * lists what is wrong. `config` is an object; a reference is kept. */
enum tarn_rc tarn_connectors_put(struct tarn_connectors *set, const char *name, struct json_t *config, bool must_be_new,
				 enum tarn_connector_state state, bool *created, struct tarn_err *err) TARN_MUST_CHECK;
/* From here on TARN_ENOTFOUND where there is no such connector. */
enum tarn_rc tarn_connectors_delete(struct tarn_connectors *set, const char *name,
				    struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_connectors_set_state(struct tarn_connectors *set, const char *name, enum tarn_connector_state state,
				       struct tarn_err *err) TARN_MUST_CHECK;
/* task -1: all; only_failed: those that wait after a failure. */
enum tarn_rc tarn_connectors_restart(struct tarn_connectors *set, const char *name, int32_t task, bool only_failed,
				     struct tarn_err *err) TARN_MUST_CHECK;
/* Of a stopped connector (else TARN_EBUSY): forgets its offsets, so that it begins again with what the log still has.
 */
enum tarn_rc tarn_connectors_reset(struct tarn_connectors *set, const char *name, struct tarn_err *err) TARN_MUST_CHECK;

/* Of a stopped connector: sets offsets as tarn_connectors_offsets shows them; a null offset is forgotten. */
enum tarn_rc tarn_connectors_alter(struct tarn_connectors *set, const char *name, const struct json_t *offsets,
				   struct tarn_err *err) TARN_MUST_CHECK;

/* New JSON values in Connect's form; the caller's. */
struct json_t *tarn_connectors_names(struct tarn_connectors *set);
enum tarn_rc tarn_connectors_info(struct tarn_connectors *set, const char *name, struct json_t **info,
				  struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_connectors_status(struct tarn_connectors *set, const char *name, struct json_t **status,
				    struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_connectors_offsets(struct tarn_connectors *set, const char *name, struct json_t **offsets,
				     struct tarn_err *err) TARN_MUST_CHECK;
const struct tarn_sink_platform *tarn_connectors_platform(const struct tarn_connectors *set);

/* Kafka Connect's REST API over a set (connect_rest.c). */
struct tarn_connect_rest;
struct tarn_connect_rest *tarn_connect_rest_new(struct tarn_connectors *set);
void tarn_connect_rest_free(struct tarn_connect_rest *rest);
const struct tarn_routes *tarn_connect_rest_routes(const struct tarn_connect_rest *rest);

#endif
