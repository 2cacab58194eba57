#include "stream/sink/connectors.h"

#include <pthread.h>
#include <unistd.h>

#include "sink_fixture.h"
#include "sink_objects.h"
#include "stream/sink/dead_letter.h"

/* A platform whose stores fail a given number of times, and that keeps dead letters. */
struct platform {
	char folder[64];
	char raw[96], data[96];
	pthread_mutex_t lock; /* of all below */
	int failures_left, opened;
	char letter_topic[64], letter_headers[1024];
	int letters, flushed;
	struct tarn_buf letter_bytes; /* headers of the last letter, as a batch has them */
	size_t n_letter_headers;
	const char *letter_value;
};

static enum tarn_rc open_source(void *context, const struct tarn_connector_config *config,
				const struct tarn_source_options *options, struct tarn_offset_file *offsets,
				struct tarn_source **source, struct tarn_err *err);

static enum tarn_rc open_store(void *context, const struct tarn_connector_config *config, struct tarn_store **store,
			       struct tarn_err *err)
{
	struct platform *platform = context;
	(void)config;
	pthread_mutex_lock(&platform->lock);
	bool fails = platform->failures_left > 0;
	platform->failures_left -= fails;
	platform->opened++;
	pthread_mutex_unlock(&platform->lock);
	if (fails)
		return tarn_fail(err, TARN_EIO, "the store is away");
	return tarn_store_open(platform->raw, true, store, err);
}

static enum tarn_rc find_schema(void *context, const struct tarn_connector_config *config, const char *topic,
				uint32_t id, struct tarn_buf *json, int32_t *version, struct tarn_err *err)
{
	(void)config;
	return fixture_find(context, topic, id, json, version, err);
}

static enum tarn_rc produce(void *context, const char *topic, const struct tarn_message *message,
			    const struct tarn_header *headers, size_t n, struct tarn_err *err)
{
	struct platform *platform = context;
	(void)message;
	(void)err;
	pthread_mutex_lock(&platform->lock);
	platform->letters++;
	platform->n_letter_headers = n;
	tarn_buf_clear(&platform->letter_bytes);
	for (size_t i = 0; i < n; i++) {
		tarn_buf_add_varint(&platform->letter_bytes, tarn_zigzag((int64_t)headers[i].key.len));
		tarn_buf_add_slice(&platform->letter_bytes, headers[i].key);
		tarn_buf_add_varint(&platform->letter_bytes, tarn_zigzag((int64_t)headers[i].value.len));
		tarn_buf_add_slice(&platform->letter_bytes, headers[i].value);
	}
	snprintf(platform->letter_topic, sizeof(platform->letter_topic), "%s", topic);
	*platform->letter_headers = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(platform->letter_headers);
		snprintf(platform->letter_headers + at, sizeof(platform->letter_headers) - at, "%.*s=%.*s\n",
			 (int)headers[i].key.len, (const char *)headers[i].key.data, (int)headers[i].value.len,
			 (const char *)headers[i].value.data);
	}
	pthread_mutex_unlock(&platform->lock);
	return TARN_OK;
}

static enum tarn_rc flush(void *context, struct tarn_err *err)
{
	struct platform *platform = context;
	(void)err;
	pthread_mutex_lock(&platform->lock);
	platform->flushed = platform->letters;
	pthread_mutex_unlock(&platform->lock);
	return TARN_OK;
}

/* The topic holds the last letter: from its start only. */
static enum tarn_rc read_letters(void *context, const char *topic, struct tarn_topic_place *place,
				 tarn_message_visit visit, void *visit_context, struct tarn_err *err)
{
	struct platform *platform = context;
	(void)topic;
	(void)err;
	pthread_mutex_lock(&platform->lock);
	tarn_topic_place_fit(place, 1);
	if (platform->letters && !place->next[0]) {
		struct tarn_message message = { .n_headers = platform->n_letter_headers };
		message.value = tarn_slice_str(platform->letter_value);
		message.headers = tarn_buf_slice(&platform->letter_bytes);
		visit(visit_context, &message);
		place->next[0] = 1;
	}
	pthread_mutex_unlock(&platform->lock);
	return TARN_OK;
}

static void say(void *context, const char *line)
{
	(void)context;
	(void)line;
}

/* ---- a source of ten records and a bad one, that goes on being quiet ---- */

struct quiet_source {
	struct tarn_source base;
	struct fixture_source fixture;
};

static enum tarn_rc quiet_poll(struct tarn_source *base, int64_t timeout_ms, struct tarn_source_event *event,
			       struct tarn_err *err)
{
	struct quiet_source *source = (struct quiet_source *)base;
	enum tarn_rc rc = fixture_poll(&source->fixture.base, timeout_ms, event, err);
	if (event->kind == TARN_SOURCE_NOTHING && timeout_ms)
		usleep(1000);
	return rc;
}

static enum tarn_rc quiet_commit(struct tarn_source *base, const struct tarn_source_commit *commits, size_t n,
				 struct tarn_err *err)
{
	return tarn_offset_file_put(((struct quiet_source *)base)->fixture.offsets, commits, n, err);
}

static void quiet_free(struct tarn_source *base)
{
	struct quiet_source *source = (struct quiet_source *)base;
	source->fixture.offsets = NULL; /* the connector's */
	fixture_free(&source->fixture.base);
	free(source);
}

static enum tarn_rc open_source(void *context, const struct tarn_connector_config *config,
				const struct tarn_source_options *options, struct tarn_offset_file *offsets,
				struct tarn_source **source, struct tarn_err *err)
{
	static const struct tarn_source_ops ops = { quiet_poll, quiet_commit, fixture_wake, quiet_free };
	struct quiet_source *made = tarn_calloc(1, sizeof(*made));
	(void)context;
	(void)config;
	(void)options;
	(void)err;
	made->base.ops = &ops;
	made->fixture.n = 1;
	made->fixture.portion = 3;
	made->fixture.partitions = tarn_calloc(1, sizeof(*made->fixture.partitions));
	made->fixture.offsets = offsets;
	tarn_arena_init(&made->fixture.arena);
	for (int offset = 0; offset < 10; offset++)
		fixture_add_record(&made->fixture, 0, offset, 0, "a", 1);
	fixture_add(&made->fixture, 0, 10, 0, "bad", 3);
	*source = &made->base;
	return TARN_OK;
}

/* ---- the set ---- */

static int set_up(void **state)
{
	struct platform *platform = tarn_calloc(1, sizeof(*platform));
	strcpy(platform->folder, "/tmp/test_connectors.XXXXXX");
	if (!mkdtemp(platform->folder))
		return -1;
	snprintf(platform->raw, sizeof(platform->raw), "%s/raw", platform->folder);
	snprintf(platform->data, sizeof(platform->data), "%s/connect", platform->folder);
	pthread_mutex_init(&platform->lock, NULL);
	tarn_buf_init(&platform->letter_bytes, 1 << 16);
	*state = platform;
	return 0;
}

static int tear_down(void **state)
{
	struct platform *platform = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", platform->folder);
	pthread_mutex_destroy(&platform->lock);
	tarn_buf_release(&platform->letter_bytes);
	free(platform);
	return system(command);
}

static struct tarn_connectors *open_set(struct platform *platform)
{
	struct tarn_sink_platform what = {
		.context = platform,
		.open_source = open_source,
		.open_store = open_store,
		.find_schema = find_schema,
		.produce = produce,
		.flush = flush,
		.read = read_letters,
		.say = say,
		.worker = "test:1",
		.cluster_id = "cluster",
	};
	struct tarn_connectors *set;
	assert_int_equal(tarn_connectors_open(&what, platform->data, &set, NULL), TARN_OK);
	return set;
}

static json_t *config_of(const char *more)
{
	json_t *config = json_loads(more, 0, NULL);
	assert_non_null(config);
	json_object_set_new(config, "connector.class", json_string("S3SinkConnector"));
	json_object_set_new(config, "topics", json_string(FIXTURE_TOPIC));
	json_object_set_new(config, "topics.dir", json_string("raw"));
	json_object_set_new(config, "retry.backoff.ms", json_string("5"));
	return config;
}

static void put(struct tarn_connectors *set, const char *name, const char *more, enum tarn_connector_state state)
{
	struct tarn_err err = { 0 };
	bool created;
	json_t *config = config_of(more);
	if (tarn_connectors_put(set, name, config, true, state, &created, &err))
		fail_msg("%s", err.message);
	assert_true(created);
	json_decref(config);
}

/* One answer of the API: its status, and its JSON (the caller's). */
static int ask(struct tarn_connectors *set, enum tarn_http_method method, const char *path, const char *body,
	       json_t **answer)
{
	struct tarn_connect_rest *rest = tarn_connect_rest_new(set);
	struct tarn_arena arena;
	struct tarn_response response;
	tarn_arena_init(&arena);
	tarn_response_init(&response);
	struct tarn_request request = { .method = method, .path = path, .body = tarn_slice_str(body), .arena = &arena };
	tarn_routes_dispatch(tarn_connect_rest_routes(rest), &request, &response);
	int status = response.status;
	*answer = json_loadb((const char *)response.body.data, response.body.len, JSON_DECODE_ANY, NULL);
	tarn_response_release(&response);
	tarn_arena_release(&arena);
	tarn_connect_rest_free(rest);
	return status;
}

/* Waits until the task's numbers say so; a test that waits for ever is ended by its runner. */
static void wait_for(struct tarn_connectors *set, const char *name, const char *number, json_int_t wanted)
{
	for (json_int_t seen = -1; seen != wanted; usleep(2000)) {
		json_t *status;
		assert_int_equal(tarn_connectors_status(set, name, &status, NULL), TARN_OK);
		json_t *task = json_array_get(json_object_get(status, "tasks"), 0);
		seen = json_integer_value(json_object_get(json_object_get(task, "tarn"), number));
		json_decref(status);
	}
}

static void a_failed_task_starts_again_by_itself(void **state)
{
	struct platform *platform = *state;
	struct tarn_connectors *set = open_set(platform);
	platform->failures_left = 3;
	put(set, "c", "{\"flush.size\":5,\"errors.tolerance\":\"all\"}", TARN_CONNECTOR_RUNNING);
	wait_for(set, "c", "objects", 2);
	wait_for(set, "c", "dead_letters", 1);
	tarn_connectors_close(set);
	assert_int_equal(platform->opened, 4);
	assert_int_equal(platform->letters, 1);
	assert_int_equal(platform->flushed, 1);
	assert_string_equal(platform->letter_topic, "c.dlq");
	assert_non_null(strstr(platform->letter_headers,
			       "__connect.errors.topic=t\n__connect.errors.partition=0\n"
			       "__connect.errors.offset=10\n__connect.errors.connector.name=c\n"));
	struct found *found = found_all(platform->raw);
	assert_int_equal(found->n_objects, 2);
	assert_int_equal(found->n_records, 10);
	free(found);
}

/* Read again from before it, a letter that is in its topic is not sent again; one of the same place with other bytes,
 * of a topic that was made anew, is. */
static void a_letter_is_sent_once(void **state)
{
	struct platform *platform = *state;
	static const struct {
		const char *there; /* the value of the letter in the topic */
		const char *headers;
		int sent;
	} cases[] = { { "bad", "true", 1 }, { "else", "true", 2 }, { "bad", "false", 2 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char config[200];
		snprintf(config, sizeof(config),
			 "{\"flush.size\":5,\"errors.tolerance\":\"all\","
			 "\"errors.deadletterqueue.context.headers.enable\":\"%s\"}",
			 cases[i].headers);
		platform->letters = 0;
		platform->letter_value = cases[i].there;
		for (int run = 0; run < 2; run++) {
			char offsets[128];
			struct tarn_connectors *set = open_set(platform);
			put(set, "c", config, TARN_CONNECTOR_RUNNING);
			wait_for(set, "c", "objects", 2);
			wait_for(set, "c", "dead_letters", 1);
			assert_int_equal(tarn_connectors_delete(set, "c", NULL), TARN_OK);
			tarn_connectors_close(set);
			snprintf(offsets, sizeof(offsets), "%s/c.offsets", platform->data);
			assert_int_equal(unlink(offsets), 0); /* nothing was committed, as far as the next one knows */
		}
		assert_int_equal(platform->letters, cases[i].sent);
	}
}

static void a_failure_is_told_in_the_status(void **state)
{
	struct platform *platform = *state;
	struct tarn_connectors *set = open_set(platform);
	platform->failures_left = 1 << 20;
	put(set, "f", "{\"flush.size\":5}", TARN_CONNECTOR_RUNNING);
	const char *text = NULL;
	while (!text) {
		json_t *status;
		assert_int_equal(ask(set, TARN_HTTP_GET, "/connectors/f/tasks/0/status", "", &status), 200);
		text = json_string_value(json_object_get(status, "trace"));
		if (text)
			assert_non_null(strstr(text, "the store is away (starts again after "));
		json_decref(status);
		usleep(1000);
	}
	tarn_connectors_close(set);
	platform->failures_left = 0;
}

/* Names with any characters, states, configurations and offsets outlive the set; bad files are told. */
static void what_was_set_is_there_again(void **state)
{
	struct platform *platform = *state;
	struct tarn_connectors *set = open_set(platform);
	json_t *answer;
	put(set, "../a b%", "{\"flush.size\":5,\"errors.tolerance\":\"all\"}", TARN_CONNECTOR_RUNNING);
	wait_for(set, "../a b%", "objects", 2);
	assert_int_equal(tarn_connectors_set_state(set, "../a b%", TARN_CONNECTOR_STOPPED, NULL), TARN_OK);
	tarn_connectors_close(set);

	set = open_set(platform);
	assert_int_equal(ask(set, TARN_HTTP_GET, "/connectors/..%2Fa%20b%25/status", "", &answer), 200);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "connector"), "state")),
			    "STOPPED");
	assert_int_equal(json_array_size(json_object_get(answer, "tasks")), 0);
	json_decref(answer);
	assert_int_equal(ask(set, TARN_HTTP_GET, "/connectors/..%2Fa%20b%25/offsets", "", &answer), 200);
	json_t *first = json_array_get(json_object_get(answer, "offsets"), 0);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "offset"), "kafka_offset")), 11);
	json_decref(answer);

	static const char altered[] = "{\"offsets\":[{\"partition\":{\"kafka_topic\":\"t\",\"kafka_partition\":0},"
				      "\"offset\":{\"kafka_offset\":10}}]}";
	assert_int_equal(ask(set, TARN_HTTP_PATCH, "/connectors/..%2Fa%20b%25/offsets", altered, &answer), 200);
	json_decref(answer);
	assert_int_equal(ask(set, TARN_HTTP_PATCH, "/connectors/..%2Fa%20b%25/offsets", "{\"offsets\":[{}]}", &answer),
			 400);
	json_decref(answer);
	assert_int_equal(tarn_connectors_set_state(set, "../a b%", TARN_CONNECTOR_RUNNING, NULL), TARN_OK);
	wait_for(set, "../a b%", "dead_letters", 1); /* offset 10 again, and nothing before it */
	wait_for(set, "../a b%", "records", 0);
	assert_int_equal(tarn_connectors_delete(set, "../a b%", NULL), TARN_OK);
	assert_int_equal(ask(set, TARN_HTTP_GET, "/connectors", "", &answer), 200);
	assert_int_equal(json_array_size(answer), 0);
	json_decref(answer);
	tarn_connectors_close(set);
}

static void a_bad_change_leaves_the_connector_as_it_was(void **state)
{
	struct platform *platform = *state;
	struct tarn_connectors *set = open_set(platform);
	json_t *answer;
	put(set, "g", "{\"flush.size\":5,\"errors.tolerance\":\"all\"}", TARN_CONNECTOR_PAUSED);
	assert_int_equal(
		ask(set, TARN_HTTP_PUT, "/connectors/g/config", "{\"topics\":\"t\",\"flush.size\":\"x\"}", &answer),
		400);
	const char *message = json_string_value(json_object_get(answer, "message"));
	assert_non_null(strstr(message, "the following 2 error(s):"));
	assert_non_null(strstr(message, "flush.size: \"x\" is no whole number"));
	json_decref(answer);
	assert_int_equal(ask(set, TARN_HTTP_GET, "/connectors/g/config", "", &answer), 200);
	assert_int_equal(json_integer_value(json_object_get(answer, "flush.size")), 5);
	json_decref(answer);
	assert_int_equal(ask(set, TARN_HTTP_PUT, "/connectors/g/config", "{\"topics.regex\":\"(\"}", &answer), 400);
	json_decref(answer);
	tarn_connectors_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_failed_task_starts_again_by_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_letter_is_sent_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failure_is_told_in_the_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_set_is_there_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bad_change_leaves_the_connector_as_it_was, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
