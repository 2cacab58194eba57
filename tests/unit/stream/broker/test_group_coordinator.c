/* The coordinator over a real log: requests go in through sessions, everything is closed and opened again in between.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cmocka_tarn.h"
#include "stream/broker/group_coordinator_inside.h"
#include "stream/broker/session.h"
#include "stream/broker/txn.h"

enum { WAIT_SECONDS = 60 };

struct world {
	char folder[64];
	struct tarn_log *log;
	struct tarn_broker broker;
};

static int64_t clock_ahead_ms;

static int64_t shifted_clock(void)
{
	return tarn_now_us() / 1000 + clock_ahead_ms;
}

static void open_world(struct world *world)
{
	struct tarn_err err;
	const struct tarn_log_options options = { 0 };
	if (tarn_log_open(world->folder, &options, &world->log, &err))
		fail_msg("%s", err.message);
	tarn_broker_init(&world->broker, world->log);
	world->broker.now_ms = shifted_clock;
	if (tarn_group_coordinator_open(&world->broker, NULL, &world->broker.groups, &err) ||
	    tarn_transactions_open(&world->broker, &world->broker.transactions, &err))
		fail_msg("%s", err.message);
}

static void close_world(struct world *world)
{
	tarn_transactions_close(world->broker.transactions);
	tarn_group_coordinator_close(world->broker.groups);
	tarn_broker_release(&world->broker);
	tarn_log_close(world->log);
}

static void begin(struct world *world)
{
	*world = (struct world){ 0 };
	clock_ahead_ms = 0;
	const char *base = getenv("TMPDIR");
	snprintf(world->folder, sizeof(world->folder), "%s/tarn-groups-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(world->folder));
	open_world(world);
	struct tarn_topic *topic;
	assert_int_equal(tarn_log_create_topic(world->log, "events", 4, NULL, 0, &topic, NULL), TARN_OK);
	tarn_topic_unref(topic);
}

static void end(struct world *world)
{
	close_world(world);
	char *command = tarn_asprintf("rm -rf '%s'", world->folder);
	assert_int_equal(system(command), 0);
	free(command);
}

static void reopen(struct world *world)
{
	close_world(world);
	open_world(world);
}

/* ---- a client: one connection ---- */

struct client {
	struct tarn_loop loop; /* first: its address is the client's */
	struct tarn_session session;
	pthread_mutex_t lock;
	pthread_cond_t news;
	bool has_news;
	struct tarn_arena arena; /* of its answers */
};

static void signal_client(struct tarn_loop *loop)
{
	struct client *client = (struct client *)loop;
	pthread_mutex_lock(&client->lock);
	client->has_news = true;
	pthread_cond_signal(&client->news);
	pthread_mutex_unlock(&client->lock);
}

static void no_turn(struct tarn_session *session)
{
	(void)session;
}

static void connect_client(struct world *world, struct client *client)
{
	*client = (struct client){ .has_news = false };
	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->news, NULL);
	tarn_arena_init(&client->arena);
	tarn_loop_init(&client->loop, signal_client);
	tarn_session_init(&client->session, &world->broker, &client->loop, no_turn);
	snprintf(client->session.host, sizeof(client->session.host), "192.0.2.7");
}

static void wait_for_news(struct client *client)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SECONDS;
	pthread_mutex_lock(&client->lock);
	while (!client->has_news)
		assert_int_equal(pthread_cond_timedwait(&client->news, &client->lock, &until), 0);
	client->has_news = false;
	pthread_mutex_unlock(&client->lock);
	tarn_loop_run(&client->loop);
}

static void disconnect(struct client *client)
{
	tarn_session_end(&client->session);
	while (client->session.n_calls) {
		tarn_loop_run(&client->loop);
		assert_null(tarn_session_next_answer(&client->session));
		if (client->session.n_calls)
			wait_for_news(client);
	}
	tarn_session_release(&client->session);
	tarn_loop_release(&client->loop);
	tarn_arena_release(&client->arena);
	pthread_cond_destroy(&client->news);
	pthread_mutex_destroy(&client->lock);
}

static void send_request(struct client *client, int16_t key, int16_t version, const void *request)
{
	const struct tarn_api *api = tarn_api_find(key);
	const bool flexible = version >= api->flexible;
	struct tarn_encoded frame;
	tarn_encoded_init(&frame);
	tarn_buf_add_be32(&frame.bytes, (uint32_t)key << 16 | (uint32_t)version);
	tarn_buf_add_be32(&frame.bytes, 1);
	tarn_buf_add(&frame.bytes, "\0\4test", 6);
	if (flexible)
		tarn_buf_add_byte(&frame.bytes, 0);
	tarn_message_encode(&frame, api->request(), version, flexible, request);
	uint8_t *bytes = tarn_malloc(frame.bytes.len);
	memcpy(bytes, frame.bytes.data, frame.bytes.len);
	tarn_session_take(&client->session, bytes, frame.bytes.len);
	tarn_encoded_release(&frame);
}

/* The answer, in the client's arena. */
static void *receive(struct client *client, int16_t key, int16_t version)
{
	struct tarn_call_inside *answer;
	while (!(answer = tarn_session_next_answer(&client->session)))
		wait_for_news(client);
	const struct tarn_api *api = tarn_api_find(key);
	const bool flexible = version >= api->flexible;
	const struct tarn_buf *bytes = &tarn_answer_bytes(answer)->bytes;
	const size_t head = 8 + flexible;
	const uint8_t *copy = tarn_arena_copy(&client->arena, bytes->data, bytes->len);
	struct tarn_cursor in = tarn_cursor_of(tarn_slice_of(copy + head, bytes->len - head));
	tarn_answer_free(answer);
	void *response = tarn_layout_new(&client->arena, api->response(), 1);
	const struct tarn_decoding how = { version, flexible, 1 << 20 };
	assert_int_equal(tarn_message_decode(&in, api->response(), &how, &client->arena, response, NULL), TARN_OK);
	return response;
}

static void *ask(struct client *client, int16_t key, int16_t version, const void *request)
{
	send_request(client, key, version, request);
	return receive(client, key, version);
}

/* ---- what is asked ---- */

static int16_t commit(struct client *client, const char *group, int32_t partition, int64_t offset)
{
	struct tarn_offset_commit_request_partition partitions = { .partition_index = partition,
								   .committed_offset = offset,
								   .committed_leader_epoch = -1,
								   .committed_metadata = tarn_slice_of("ab\0ut", 5) };
	struct tarn_offset_commit_request_topic topics = { .name = "events",
							   .partitions = &partitions,
							   .n_partitions = 1 };
	const struct tarn_offset_commit_request request = {
		.group_id = group, .generation_id = -1, .member_id = "", .topics = &topics, .n_topics = 1
	};
	const struct tarn_offset_commit_response *response = ask(client, TARN_API_OFFSET_COMMIT, 8, &request);
	return response->topics[0].partitions[0].error_code;
}

static const struct tarn_offset_fetch_response_group *fetch_all(struct client *client, const char *group, bool stable)
{
	struct tarn_offset_fetch_request_group groups = { .group_id = group };
	const struct tarn_offset_fetch_request request = { .groups = &groups, .n_groups = 1, .require_stable = stable };
	const struct tarn_offset_fetch_response *response = ask(client, TARN_API_OFFSET_FETCH, 8, &request);
	assert_int_equal(response->n_groups, 1);
	return &response->groups[0];
}

/* -1: none was committed. */
static int64_t fetch_one(struct client *client, const char *group, int32_t partition, bool stable, int16_t *error)
{
	struct tarn_offset_fetch_request_topic topics = { "events", &partition, 1 };
	const struct tarn_offset_fetch_request request = {
		.group_id = group, .topics = &topics, .n_topics = 1, .require_stable = stable
	};
	const struct tarn_offset_fetch_response *response = ask(client, TARN_API_OFFSET_FETCH, 7, &request);
	*error = response->topics[0].partitions[0].error_code;
	return response->topics[0].partitions[0].committed_offset;
}

static int64_t committed(struct client *client, const char *group, int32_t partition)
{
	int16_t error;
	const int64_t offset = fetch_one(client, group, partition, false, &error);
	assert_int_equal(error, 0);
	return offset;
}

static const struct tarn_join_group_response *join(struct client *client, const char *group, const char *member_id)
{
	/* A subscription to "events" (version 0 of the consumer protocol). */
	struct tarn_join_group_request_protocol protocol = { "range",
							     tarn_slice_of("\0\0\0\0\0\1\0\6events\0\0\0\0", 18) };
	const struct tarn_join_group_request request = { .group_id = group,
							 .session_timeout_ms = 30000,
							 .rebalance_timeout_ms = 30000,
							 .member_id = member_id,
							 .protocol_type = "consumer",
							 .protocols = &protocol,
							 .n_protocols = 1 };
	return ask(client, TARN_API_JOIN_GROUP, 5, &request);
}

static const struct tarn_join_group_response *become_member(struct client *client, const char *group)
{
	const struct tarn_join_group_response *given = join(client, group, "");
	assert_int_equal(given->error_code, TARN_KAFKA_MEMBER_ID_REQUIRED);
	const struct tarn_join_group_response *joined = join(client, group, given->member_id);
	assert_int_equal(joined->error_code, 0);
	return joined;
}

static int16_t sync_group(struct client *client, const char *group, const struct tarn_join_group_response *joined)
{
	struct tarn_sync_group_request_assignment assignment = { joined->member_id, tarn_slice_str("all") };
	const struct tarn_sync_group_request request = { .group_id = group,
							 .generation_id = joined->generation_id,
							 .member_id = joined->member_id,
							 .assignments = &assignment,
							 .n_assignments = 1 };
	const struct tarn_sync_group_response *response = ask(client, TARN_API_SYNC_GROUP, 3, &request);
	if (!response->error_code)
		assert_true(tarn_slice_eq(response->assignment, tarn_slice_str("all")));
	return response->error_code;
}

static const char *state_of(struct client *client, const char *group)
{
	const struct tarn_describe_groups_request request = { .groups = &group, .n_groups = 1 };
	const struct tarn_describe_groups_response *response = ask(client, TARN_API_DESCRIBE_GROUPS, 5, &request);
	return response->groups[0].group_state;
}

static int16_t delete_group(struct client *client, const char *group)
{
	const struct tarn_delete_groups_request request = { .groups = &group, .n_groups = 1 };
	const struct tarn_delete_groups_response *response = ask(client, TARN_API_DELETE_GROUPS, 2, &request);
	return response->results[0].error_code;
}

static int16_t delete_offset(struct client *client, const char *group, int32_t partition)
{
	struct tarn_offset_delete_request_partition partitions = { partition };
	struct tarn_offset_delete_request_topic topics = { "events", &partitions, 1 };
	const struct tarn_offset_delete_request request = { group, &topics, 1 };
	const struct tarn_offset_delete_response *response = ask(client, TARN_API_OFFSET_DELETE, 0, &request);
	return response->error_code ? response->error_code : response->topics[0].partitions[0].error_code;
}

/* ---- tests ---- */

static void test_offsets_are_there_again(void **state)
{
	(void)state;
	struct world world;
	struct client client;
	begin(&world);
	connect_client(&world, &client);
	assert_int_equal(commit(&client, "g", 0, 10), 0);
	assert_int_equal(commit(&client, "g", 1, 7), 0);
	assert_int_equal(commit(&client, "g", 0, 20), 0);
	assert_int_equal(commit(&client, "other", 0, 3), 0);
	assert_int_equal(commit(&client, "g", 4, 1), TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(committed(&client, "g", 0), 20);
	disconnect(&client);
	for (int i = 0; i < 2; i++) {
		reopen(&world);
		connect_client(&world, &client);
		const struct tarn_offset_fetch_response_group *all = fetch_all(&client, "g", true);
		assert_int_equal(all->n_topics, 1);
		assert_string_equal(all->topics[0].name, "events");
		assert_int_equal(all->topics[0].n_partitions, 2);
		assert_int_equal(all->topics[0].partitions[0].committed_offset, 20);
		assert_true(tarn_slice_eq(all->topics[0].partitions[0].metadata, tarn_slice_of("ab\0ut", 5)));
		assert_int_equal(all->topics[0].partitions[1].committed_offset, 7);
		assert_int_equal(committed(&client, "other", 0), 3);
		assert_int_equal(committed(&client, "nobody", 0), -1);
		disconnect(&client);
	}
	end(&world);
}

static void test_members_are_there_again(void **state)
{
	(void)state;
	struct world world;
	struct client client;
	begin(&world);
	connect_client(&world, &client);
	const struct tarn_join_group_response *joined = become_member(&client, "g");
	char *member_id = tarn_strdup(joined->member_id);
	assert_int_equal(sync_group(&client, "g", joined), 0);
	disconnect(&client);
	reopen(&world);
	connect_client(&world, &client);
	assert_string_equal(state_of(&client, "g"), "Stable");
	const struct tarn_heartbeat_request heartbeat = { "g", 1, member_id, NULL };
	const struct tarn_heartbeat_response *alive = ask(&client, TARN_API_HEARTBEAT, 3, &heartbeat);
	assert_int_equal(alive->error_code, 0);
	const struct tarn_sync_group_request again = { .group_id = "g", .generation_id = 1, .member_id = member_id };
	const struct tarn_sync_group_response *synced = ask(&client, TARN_API_SYNC_GROUP, 3, &again);
	assert_true(tarn_slice_eq(synced->assignment, tarn_slice_str("all")));
	const struct tarn_leave_group_request leave = { .group_id = "g", .member_id = member_id };
	const struct tarn_leave_group_response *left = ask(&client, TARN_API_LEAVE_GROUP, 1, &leave);
	assert_int_equal(left->error_code, 0);
	disconnect(&client);
	reopen(&world);
	connect_client(&world, &client);
	assert_string_equal(state_of(&client, "g"), "Empty");
	/* Generations go on where they were: a zombie of the first must not pass for a member of the next. */
	assert_int_equal(become_member(&client, "g")->generation_id, 3);
	free(member_id);
	disconnect(&client);
	end(&world);
}

static void test_deleting(void **state)
{
	(void)state;
	struct world world;
	struct client client;
	begin(&world);
	connect_client(&world, &client);
	assert_int_equal(delete_group(&client, "g"), TARN_KAFKA_GROUP_ID_NOT_FOUND);
	assert_int_equal(commit(&client, "g", 0, 10), 0);
	assert_int_equal(commit(&client, "g", 1, 11), 0);
	assert_int_equal(commit(&client, "kept", 1, 12), 0);
	assert_int_equal(delete_offset(&client, "g", 1), 0);
	assert_int_equal(delete_offset(&client, "nobody", 1), TARN_KAFKA_GROUP_ID_NOT_FOUND);
	const struct tarn_join_group_response *joined = become_member(&client, "kept");
	assert_int_equal(sync_group(&client, "kept", joined), 0);
	assert_int_equal(delete_group(&client, "kept"), TARN_KAFKA_NON_EMPTY_GROUP);
	assert_int_equal(delete_offset(&client, "kept", 1), TARN_KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
	disconnect(&client);
	reopen(&world);
	connect_client(&world, &client);
	assert_int_equal(committed(&client, "g", 0), 10);
	assert_int_equal(committed(&client, "g", 1), -1);
	assert_int_equal(committed(&client, "kept", 1), 12);
	assert_int_equal(delete_group(&client, "g"), 0);
	assert_string_equal(state_of(&client, "g"), "Dead");
	disconnect(&client);
	reopen(&world);
	connect_client(&world, &client);
	assert_string_equal(state_of(&client, "g"), "Dead");
	assert_int_equal(committed(&client, "g", 0), -1);
	tarn_group_coordinator_topic_deleted(world.broker.groups, "events");
	assert_int_equal(committed(&client, "kept", 1), -1);
	disconnect(&client);
	end(&world);
}

static void test_expiry(void **state)
{
	(void)state;
	struct world world;
	struct client client;
	begin(&world);
	connect_client(&world, &client);
	clock_ahead_ms = -7 * 86400000;
	assert_int_equal(commit(&client, "old", 0, 10), 0);
	clock_ahead_ms = -2 * 86400000;
	assert_int_equal(commit(&client, "young", 0, 10), 0);
	clock_ahead_ms = 0;
	group_enter(world.broker.groups);
	group_expire(world.broker.groups);
	group_leave(world.broker.groups);
	assert_int_equal(committed(&client, "old", 0), -1);
	assert_int_equal(committed(&client, "young", 0), 10);
	disconnect(&client);
	reopen(&world);
	connect_client(&world, &client);
	assert_int_equal(committed(&client, "old", 0), -1);
	assert_int_equal(committed(&client, "young", 0), 10);
	disconnect(&client);
	end(&world);
}

static int16_t commit_in_txn(struct client *client, const struct tarn_txn_producer *producer, int64_t offset)
{
	struct tarn_txn_offset_commit_request_partition partitions = { .committed_offset = offset,
								       .committed_leader_epoch = -1 };
	struct tarn_txn_offset_commit_request_topic topics = { "events", &partitions, 1 };
	const struct tarn_txn_offset_commit_request request = { .transactional_id = producer->transactional_id,
								.group_id = "g",
								.producer_id = producer->id,
								.producer_epoch = producer->epoch,
								.generation_id = -1,
								.member_id = "",
								.topics = &topics,
								.n_topics = 1 };
	const struct tarn_txn_offset_commit_response *response = ask(client, TARN_API_TXN_OFFSET_COMMIT, 3, &request);
	return response->topics[0].partitions[0].error_code;
}

/* What AddOffsetsToTxn does. */
static int16_t add_offsets(struct world *world, const struct tarn_txn_producer *producer)
{
	const struct tarn_partition *partition = tarn_group_coordinator_partition(world->broker.groups, "g");
	const struct tarn_txn_part part = { "__consumer_offsets", tarn_partition_number(partition) };
	return tarn_transaction_add(world->broker.transactions, producer, &part, 1);
}

static void test_transactions(void **state)
{
	(void)state;
	struct world world;
	struct client client;
	int16_t error;
	begin(&world);
	connect_client(&world, &client);
	struct tarn_txn_producer producer = { "t", -1, -1 };
	assert_int_equal(tarn_transaction_init(world.broker.transactions, &producer, 60000), 0);
	assert_int_equal(commit(&client, "g", 0, 10), 0);
	/* A commit that comes before or behind its transaction would wait for ever. */
	assert_int_equal(commit_in_txn(&client, &producer, 20), TARN_KAFKA_INVALID_TXN_STATE);
	assert_int_equal(add_offsets(&world, &producer), 0);
	assert_int_equal(commit_in_txn(&client, &producer, 20), 0);
	assert_int_equal(fetch_one(&client, "g", 0, false, &error), 10);
	assert_int_equal(fetch_one(&client, "g", 0, true, &error), -1);
	assert_int_equal(error, TARN_KAFKA_UNSTABLE_OFFSET_COMMIT);
	disconnect(&client);
	reopen(&world);
	connect_client(&world, &client);
	assert_int_equal(fetch_one(&client, "g", 0, true, &error), -1);
	assert_int_equal(error, TARN_KAFKA_UNSTABLE_OFFSET_COMMIT);
	assert_int_equal(tarn_transaction_end(world.broker.transactions, &producer, true), 0);
	assert_int_equal(fetch_one(&client, "g", 0, true, &error), 20);
	assert_int_equal(commit_in_txn(&client, &producer, 30), TARN_KAFKA_INVALID_TXN_STATE);
	assert_int_equal(add_offsets(&world, &producer), 0);
	assert_int_equal(commit_in_txn(&client, &producer, 30), 0);
	assert_int_equal(tarn_transaction_end(world.broker.transactions, &producer, false), 0);
	assert_int_equal(fetch_one(&client, "g", 0, true, &error), 20);
	disconnect(&client);
	reopen(&world);
	connect_client(&world, &client);
	assert_int_equal(fetch_one(&client, "g", 0, true, &error), 20);
	assert_int_equal(error, 0);
	disconnect(&client);
	end(&world);
}

/* The second member waits for the first, which never joins again; its connection ends. */
static void test_a_waiting_client_goes(void **state)
{
	(void)state;
	struct world world;
	struct client first, second;
	begin(&world);
	connect_client(&world, &first);
	connect_client(&world, &second);
	assert_int_equal(sync_group(&first, "g", become_member(&first, "g")), 0);
	struct tarn_join_group_request_protocol protocol = { "range", tarn_slice_str("") };
	const struct tarn_join_group_request request = { .group_id = "g",
							 .session_timeout_ms = 30000,
							 .rebalance_timeout_ms = 30000,
							 .member_id = "",
							 .protocol_type = "consumer",
							 .protocols = &protocol,
							 .n_protocols = 1 };
	send_request(&second, TARN_API_JOIN_GROUP, 2, &request);
	assert_string_equal(state_of(&first, "g"), "PreparingRebalance");
	disconnect(&second);
	disconnect(&first);
	end(&world);
}

/* ---- many at once ---- */

enum { CLIENTS = 4, COMMITS = 50 };

struct worker {
	pthread_t thread;
	struct world *world;
	int number;
	int failed;
};

static void *work(void *context)
{
	struct worker *worker = context;
	struct client client;
	char group[16];
	snprintf(group, sizeof(group), "g%d", worker->number % 2);
	connect_client(worker->world, &client);
	for (int i = 0; i < COMMITS; i++) {
		worker->failed += commit(&client, group, worker->number, i) != 0;
		worker->failed += committed(&client, group, worker->number) != i;
	}
	disconnect(&client);
	return NULL;
}

static void test_many_at_once(void **state)
{
	(void)state;
	struct world world;
	struct worker workers[CLIENTS];
	struct client client;
	begin(&world);
	for (int i = 0; i < CLIENTS; i++) {
		workers[i] = (struct worker){ .world = &world, .number = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].failed, 0);
	}
	reopen(&world);
	connect_client(&world, &client);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(committed(&client, i % 2 ? "g1" : "g0", i), COMMITS - 1);
	disconnect(&client);
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets_are_there_again),
		cmocka_unit_test(test_members_are_there_again),
		cmocka_unit_test(test_deleting),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_a_waiting_client_goes),
		cmocka_unit_test(test_many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
