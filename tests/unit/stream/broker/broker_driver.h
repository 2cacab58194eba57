/* A whole broker without sockets, for tests: requests in as structs, answers out as structs, over a log in a folder of
 * its own. */
#ifndef TARN_TESTS_BROKER_DRIVER_H
#define TARN_TESTS_BROKER_DRIVER_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmocka_tarn.h"
#include "stream/broker/group_coordinator.h"
#include "stream/broker/session.h"
#include "stream/broker/txn.h"

struct driver {
	char folder[64];
	struct tarn_log *log;
	struct tarn_broker broker;
	struct tarn_loop loop;
	struct tarn_session session;
	struct tarn_arena arena; /* of requests and answers */
	struct tarn_batch_builder *builder;
	int64_t producer; /* of batches; -1: none */
	int16_t epoch;
	int32_t sequence;
	bool transactional;
};

static char driver_said[2048]; /* the last line of the broker's log */

static void driver_hear(void *context, const char *line)
{
	(void)context;
	snprintf(driver_said, sizeof(driver_said), "%s", line);
}

static void driver_signal(struct tarn_loop *loop)
{
	(void)loop;
}

static void driver_turn(struct tarn_session *session)
{
	(void)session;
}

static void driver_open(struct driver *driver)
{
	struct tarn_err err;
	if (tarn_log_open(driver->folder, NULL, &driver->log, &err))
		fail_msg("%s", err.message);
	tarn_broker_init(&driver->broker, driver->log);
	driver->broker.cluster_id = tarn_log_cluster_id(driver->log);
	driver->broker.host = "broker.test";
	driver->broker.port = 9092;
	driver->broker.say = driver_hear;
	if (tarn_group_coordinator_open(&driver->broker, NULL, &driver->broker.groups, &err) ||
	    tarn_transactions_open(&driver->broker, &driver->broker.transactions, &err))
		fail_msg("%s", err.message);
	tarn_loop_init(&driver->loop, driver_signal);
	tarn_session_init(&driver->session, &driver->broker, &driver->loop, driver_turn);
	tarn_arena_init(&driver->arena);
	driver->builder = tarn_batch_builder_new(TARN_BATCH_NONE);
}

static void driver_close(struct driver *driver)
{
	tarn_session_end(&driver->session);
	while (driver->session.n_calls) {
		tarn_loop_run(&driver->loop);
		usleep(100);
	}
	tarn_session_release(&driver->session);
	tarn_transactions_close(driver->broker.transactions);
	tarn_group_coordinator_close(driver->broker.groups);
	tarn_broker_release(&driver->broker);
	tarn_loop_release(&driver->loop);
	tarn_log_close(driver->log);
	tarn_arena_release(&driver->arena);
	tarn_batch_builder_free(driver->builder);
}

static inline void driver_reopen(struct driver *driver)
{
	driver_close(driver);
	driver_open(driver);
}

static int driver_setup(void **state)
{
	struct driver *driver = tarn_calloc(1, sizeof(*driver));
	const char *base = getenv("TMPDIR");
	snprintf(driver->folder, sizeof(driver->folder), "%s/tarn-broker-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(driver->folder));
	driver->producer = -1;
	driver->epoch = -1;
	driver->sequence = -1;
	driver_open(driver);
	*driver_said = '\0';
	*state = driver;
	return 0;
}

static int driver_teardown(void **state)
{
	struct driver *driver = *state;
	driver_close(driver);
	char *command = tarn_asprintf("rm -rf '%s'", driver->folder);
	int rc = system(command);
	free(command);
	free(driver);
	return rc;
}

/* ---- requests ---- */

static void driver_send(struct driver *driver, int16_t key, int16_t version, const void *request)
{
	const struct tarn_api *api = tarn_api_find(key);
	struct tarn_encoded out;
	tarn_encoded_init(&out);
	const uint8_t header[] = { 0, (uint8_t)key, 0, (uint8_t)version, 0, 0, 0, 1, 0, 1, 'x' };
	tarn_buf_add(&out.bytes, header, sizeof(header));
	if (version >= api->flexible)
		tarn_buf_add_byte(&out.bytes, 0);
	tarn_message_encode(&out, api->request(), version, version >= api->flexible, request);
	size_t len = tarn_encoded_size(&out), at = 0, put = 0;
	uint8_t *frame = tarn_malloc(len);
	for (size_t i = 0; i <= out.n_pieces; i++) { /* what stands between the pieces, and the pieces */
		size_t until = i < out.n_pieces ? out.pieces[i].at : out.bytes.len;
		memcpy(frame + put, out.bytes.data + at, until - at);
		put += until - at;
		at = until;
		if (i == out.n_pieces)
			break;
		memcpy(frame + put, out.pieces[i].data.data, out.pieces[i].data.len);
		put += out.pieces[i].data.len;
	}
	tarn_encoded_release(&out);
	tarn_session_take(&driver->session, frame, len);
}

/* The answer, if it is ready; everything in it is the arena's. */
static void *driver_poll(struct driver *driver, int16_t key, int16_t version)
{
	const struct tarn_api *api = tarn_api_find(key);
	tarn_loop_run(&driver->loop);
	struct tarn_call_inside *answer = tarn_session_next_answer(&driver->session);
	if (!answer)
		return NULL;
	struct iovec iov[64];
	struct tarn_buf bytes;
	size_t n = tarn_answer_iov(answer, 0, iov, 64);
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++)
		tarn_buf_add(&bytes, iov[i].iov_base, iov[i].iov_len);
	tarn_answer_free(answer);
	size_t header = version >= api->flexible ? 9 : 8; /* length, correlation id, tags */
	const struct tarn_decoding how = { version, version >= api->flexible, (size_t)1 << 30 };
	uint8_t *copy = tarn_arena_copy(&driver->arena, bytes.data, bytes.len);
	struct tarn_cursor in = tarn_cursor_of(tarn_slice_of(copy + header, bytes.len - header));
	void *response = tarn_layout_new(&driver->arena, api->response(), 1);
	struct tarn_err err;
	tarn_buf_release(&bytes);
	if (tarn_message_decode(&in, api->response(), &how, &driver->arena, response, &err))
		fail_msg("the answer cannot be read: %s", err.message);
	assert_int_equal(tarn_cursor_left(&in), 0);
	return response;
}

/* Waits for the answer; NULL where the connection was hung up on. */
static void *driver_wait(struct driver *driver, int16_t key, int16_t version)
{
	for (int tries = 0; tries < 200000; tries++) {
		void *response = driver_poll(driver, key, version);
		if (response || driver->session.hang_up)
			return response;
		usleep(100);
	}
	fail_msg("no answer");
	return NULL;
}

static void *driver_ask(struct driver *driver, int16_t key, int16_t version, const void *request)
{
	driver_send(driver, key, version, request);
	return driver_wait(driver, key, version);
}

/* ---- what many tests need ---- */

/* Returns the error. */
static inline int16_t driver_create(struct driver *driver, const char *name, int32_t partitions, const char *key,
				    const char *value)
{
	struct tarn_create_topics_request_config config = { key, value };
	struct tarn_create_topics_request_topic topic = {
		.name = name,
		.num_partitions = partitions,
		.replication_factor = -1,
		.configs = &config,
		.n_configs = key ? 1 : 0,
	};
	struct tarn_create_topics_request request = { .topics = &topic, .n_topics = 1, .timeout_ms = 1000 };
	struct tarn_create_topics_response *response = driver_ask(driver, TARN_API_CREATE_TOPICS, 5, &request);
	assert_int_equal(response->n_topics, 1);
	return response->topics->error_code;
}

/* A batch of `n` records, valid until the next one. */
static inline struct tarn_slice driver_batch(struct driver *driver, int n, const char *value)
{
	const struct tarn_batch_producer producer = { driver->producer, driver->epoch, driver->sequence,
						      driver->transactional };
	struct tarn_slice batch;
	struct tarn_err err;
	tarn_batch_builder_clear(driver->builder);
	for (int i = 0; i < n; i++)
		tarn_batch_builder_add(driver->builder, tarn_now_us() / 1000, tarn_slice_str("key"),
				       tarn_slice_str(value), NULL, 0);
	if (tarn_batch_builder_finish(driver->builder, &producer, &batch, &err))
		fail_msg("%s", err.message);
	return batch;
}

static inline void driver_send_records(struct driver *driver, const char *topic, int32_t partition, int16_t acks,
				       const char *transactional_id, struct tarn_slice records)
{
	struct tarn_produce_request_partition part = { .index = partition, .records = records };
	struct tarn_produce_request_topic of = { .name = topic, .partitions = &part, .n_partitions = 1 };
	struct tarn_produce_request request = {
		.transactional_id = transactional_id, .acks = acks, .timeout_ms = 1000, .topics = &of, .n_topics = 1
	};
	driver_send(driver, TARN_API_PRODUCE, 9, &request);
}

static inline struct tarn_produce_response_partition *driver_produce(struct driver *driver, const char *topic,
								     int32_t partition, int16_t acks,
								     const char *transactional_id,
								     struct tarn_slice records)
{
	driver_send_records(driver, topic, partition, acks, transactional_id, records);
	struct tarn_produce_response *response = driver_wait(driver, TARN_API_PRODUCE, 9);
	assert_non_null(response);
	assert_int_equal(response->n_topics, 1);
	assert_int_equal(response->topics->n_partitions, 1);
	return response->topics->partitions;
}

struct driver_fetch {
	int64_t offset;
	int32_t max_bytes, partition_max_bytes, min_bytes, max_wait_ms;
	bool committed;
};

static inline void driver_send_fetch(struct driver *driver, const char *topic, const int32_t *partitions, size_t n,
				     const struct driver_fetch *how)
{
	struct tarn_fetch_request_partition parts[8];
	assert_true(n <= 8);
	for (size_t i = 0; i < n; i++)
		parts[i] = (struct tarn_fetch_request_partition){ .partition = partitions[i],
								  .current_leader_epoch = -1,
								  .fetch_offset = how->offset,
								  .last_fetched_epoch = -1,
								  .log_start_offset = -1,
								  .partition_max_bytes = how->partition_max_bytes };
	struct tarn_fetch_request_topic of = { .topic = topic, .partitions = parts, .n_partitions = n };
	struct tarn_fetch_request request = { .replica_id = -1,
					      .max_wait_ms = how->max_wait_ms,
					      .min_bytes = how->min_bytes,
					      .max_bytes = how->max_bytes,
					      .isolation_level = how->committed,
					      .session_epoch = -1,
					      .topics = &of,
					      .n_topics = 1,
					      .rack_id = "" };
	driver_send(driver, TARN_API_FETCH, 11, &request);
}

static inline struct tarn_fetch_response_partition *driver_fetch(struct driver *driver, const char *topic,
								 int32_t partition, int64_t offset, bool committed)
{
	const struct driver_fetch how = { offset, 1 << 20, 1 << 20, 1, 0, committed };
	driver_send_fetch(driver, topic, &partition, 1, &how);
	struct tarn_fetch_response *response = driver_wait(driver, TARN_API_FETCH, 11);
	assert_non_null(response);
	assert_int_equal(response->error_code, TARN_KAFKA_NONE);
	return response->topics->partitions;
}

/* Records in what was fetched, control batches aside. */
static inline int driver_count(struct tarn_slice records)
{
	int n = 0;
	while (records.len) {
		struct tarn_batch batch;
		struct tarn_err err;
		if (tarn_batch_parse(records, &batch, &err))
			fail_msg("%s", err.message);
		assert_true(tarn_batch_crc_ok(&batch));
		n += batch.control ? 0 : batch.count;
		records = tarn_slice_of(records.data + batch.bytes.len, records.len - batch.bytes.len);
	}
	return n;
}

#endif
