/* Produce, Fetch, ListOffsets. */
#include "broker_driver.h"

enum { ALL = -1, NONE = 0, LEADER = 1 };

static void a_batch_comes_back(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	static const int16_t acks[] = { LEADER, ALL };
	for (size_t i = 0; i < 2; i++) {
		struct tarn_produce_response_partition *put =
			driver_produce(driver, "t", 1, acks[i], NULL, driver_batch(driver, 3, "value"));
		assert_int_equal(put->error_code, TARN_KAFKA_NONE);
		assert_int_equal(put->index, 1);
		assert_int_equal(put->base_offset, 3 * i);
		assert_int_equal(put->log_append_time_ms, -1);
		assert_int_equal(put->log_start_offset, 0);
	}
	struct tarn_fetch_response_partition *got = driver_fetch(driver, "t", 1, 0, false);
	assert_int_equal(got->error_code, TARN_KAFKA_NONE);
	assert_int_equal(driver_count(got->records), 6);
	assert_int_equal(got->high_watermark, 6);
	assert_int_equal(got->last_stable_offset, 6);
	/* From the middle: the whole batch that holds the offset. */
	assert_int_equal(driver_count(driver_fetch(driver, "t", 1, 4, false)->records), 3);
	/* At the end there is nothing, and that is not null. */
	got = driver_fetch(driver, "t", 1, 6, false);
	assert_non_null(got->records.data);
	assert_int_equal(got->records.len, 0);
}

static void what_is_wrong_with_a_batch_is_told(void **state)
{
	struct driver *driver = *state;
	static const struct {
		const char *topic;
		int32_t partition;
		int16_t acks;
		int at;	 /* byte that is broken; -1: none */
		int cut; /* bytes that are missing at the end */
		int twice;
		int16_t error;
	} cases[] = {
		{ "t", 0, ALL, -1, 0, 0, TARN_KAFKA_NONE },
		{ "none", 0, ALL, -1, 0, 0, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION },
		{ "t", 1, ALL, -1, 0, 0, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION },
		{ "t", -1, ALL, -1, 0, 0, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION },
		{ "t", 0, 2, -1, 0, 0, TARN_KAFKA_INVALID_REQUIRED_ACKS },
		{ "__consumer_offsets", 0, ALL, -1, 0, 0, TARN_KAFKA_INVALID_TOPIC_EXCEPTION },
		{ "t", 0, ALL, 16, 0, 0, TARN_KAFKA_CORRUPT_MESSAGE }, /* magic */
		{ "t", 0, ALL, 17, 0, 0, TARN_KAFKA_CORRUPT_MESSAGE }, /* checksum */
		{ "t", 0, ALL, 62, 0, 0, TARN_KAFKA_CORRUPT_MESSAGE }, /* a record */
		{ "t", 0, ALL, -1, 1, 0, TARN_KAFKA_CORRUPT_MESSAGE },
		{ "t", 0, ALL, -1, 9999, 0, TARN_KAFKA_INVALID_RECORD },
		{ "t", 0, ALL, -1, 0, 1, TARN_KAFKA_INVALID_RECORD },
	};
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_slice batch = driver_batch(driver, 2, "value");
		uint8_t bytes[512];
		size_t len = batch.len > (size_t)cases[i].cut ? batch.len - (size_t)cases[i].cut : 0;
		memcpy(bytes, batch.data, batch.len);
		memcpy(bytes + batch.len, batch.data, batch.len);
		if (cases[i].at >= 0)
			bytes[cases[i].at] ^= 0x40;
		len += cases[i].twice ? batch.len : 0;
		int16_t error = driver_produce(driver, cases[i].topic, cases[i].partition, cases[i].acks, NULL,
					       tarn_slice_of(bytes, len))
					->error_code;
		if (error != cases[i].error)
			fail_msg("case %zu: error %d, expected %d", i, error, cases[i].error);
	}
	assert_int_equal(driver_fetch(driver, "t", 0, 0, false)->high_watermark, 2);
}

static void clients_write_no_control_batches(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_slice batch = driver_batch(driver, 1, "value");
	((uint8_t *)(uintptr_t)batch.data)[22] |= 0x20; /* attributes: control */
	assert_int_equal(driver_produce(driver, "t", 0, ALL, NULL, batch)->error_code, TARN_KAFKA_INVALID_RECORD);
}

static void without_acks_nothing_is_answered(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	driver_send_records(driver, "t", 0, NONE, NULL, driver_batch(driver, 2, "value"));
	/* The next answer is the fetch's. */
	int32_t partition = 0;
	const struct driver_fetch how = { 0, 1 << 20, 1 << 20, 1, 5000, false };
	driver_send_fetch(driver, "t", &partition, 1, &how);
	struct tarn_fetch_response *response = driver_wait(driver, TARN_API_FETCH, 11);
	assert_int_equal(driver_count(response->topics->partitions->records), 2);
	/* An error has no other way to be told than the end of the connection. */
	driver_send_records(driver, "none", 0, NONE, NULL, driver_batch(driver, 2, "value"));
	assert_null(driver_wait(driver, TARN_API_PRODUCE, 9));
	assert_true(driver->session.hang_up);
}

static void a_fetch_waits_for_what_it_asks(void **state)
{
	struct driver *driver = *state;
	int32_t partitions[] = { 0, 1 };
	struct driver_fetch how = { 0, 1 << 20, 1 << 20, 1, 60000, false };
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	driver_send_fetch(driver, "t", partitions, 2, &how);
	assert_null(driver_poll(driver, TARN_API_FETCH, 11));
	struct tarn_topic *topic = tarn_log_find_topic(driver->log, "t");
	struct tarn_append append;
	struct tarn_slice batch = driver_batch(driver, 4, "value");
	tarn_partition_append(tarn_topic_partition(topic, 1), (uint8_t *)(uintptr_t)batch.data, batch.len, &append);
	assert_int_equal(append.status, TARN_APPEND_DONE);
	struct tarn_fetch_response *response = driver_wait(driver, TARN_API_FETCH, 11);
	assert_int_equal(response->topics->n_partitions, 2);
	assert_int_equal(driver_count(response->topics->partitions[0].records), 0);
	assert_int_equal(driver_count(response->topics->partitions[1].records), 4);
	/* Less than min_bytes: the time has to pass. */
	how.min_bytes = 1 << 20;
	how.max_wait_ms = 50;
	driver_send_fetch(driver, "t", partitions, 2, &how);
	response = driver_wait(driver, TARN_API_FETCH, 11);
	assert_int_equal(driver_count(response->topics->partitions[1].records), 4);
	tarn_topic_unref(topic);
}

/* What does not fit is a reason to answer, not to wait for more. */
static void a_full_answer_does_not_wait(void **state)
{
	struct driver *driver = *state;
	int32_t partitions[] = { 0, 1, 2 };
	assert_int_equal(driver_create(driver, "t", 3, NULL, NULL), TARN_KAFKA_NONE);
	size_t one = driver_batch(driver, 10, "some value").len;
	const struct driver_fetch how = { 0, (int32_t)one + 100, 1 << 20, 1 << 20, 3600000, false };
	for (int32_t i = 0; i < 3; i++)
		driver_produce(driver, "t", i, ALL, NULL, driver_batch(driver, 10, "some value"));
	driver_send_fetch(driver, "t", partitions, 3, &how);
	struct tarn_fetch_response *response = driver_wait(driver, TARN_API_FETCH, 11);
	assert_int_equal(response->topics->partitions[0].records.len, one);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(response->topics->partitions[i].records.len, 0);
		assert_int_equal(response->topics->partitions[i].high_watermark, 10);
	}
}

static void a_waiting_fetch_makes_room_for_other_requests(void **state)
{
	struct driver *driver = *state;
	int32_t partition = 0;
	const struct driver_fetch how = { 0, 1 << 20, 1 << 20, 1, 3600000, false };
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_false(tarn_session_yields(&driver->session));
	driver_send_fetch(driver, "t", &partition, 1, &how);
	assert_true(tarn_session_yields(&driver->session));
	tarn_session_yield(&driver->session, TARN_API_FETCH);
	assert_null(driver_poll(driver, TARN_API_FETCH, 11));
	tarn_session_yield(&driver->session, TARN_API_METADATA);
	struct tarn_fetch_response *response = driver_poll(driver, TARN_API_FETCH, 11);
	assert_non_null(response);
	assert_int_equal(response->topics->partitions->records.len, 0);
	assert_false(tarn_session_yields(&driver->session));
}

/* Its client has just been told from where to fetch more. */
static void a_fetch_behind_a_look_for_offsets_is_short(void **state)
{
	struct driver *driver = *state;
	int32_t partition = 0;
	const struct driver_fetch how = { 0, 1 << 20, 1 << 20, 1, 3600000, false };
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_non_null(
		driver_ask(driver, TARN_API_LIST_OFFSETS, 1, &(struct tarn_list_offsets_request){ .replica_id = -1 }));
	driver_send_fetch(driver, "t", &partition, 1, &how);
	struct tarn_fetch_response *response = driver_wait(driver, TARN_API_FETCH, 11);
	assert_int_equal(response->topics->partitions->records.len, 0);
	driver_send_fetch(driver, "t", &partition, 1, &how);
	assert_null(driver_poll(driver, TARN_API_FETCH, 11));
	tarn_session_hurry(&driver->session);
	assert_non_null(driver_wait(driver, TARN_API_FETCH, 11));
}

static void a_waiting_fetch_hears_of_the_end_of_its_topic(void **state)
{
	struct driver *driver = *state;
	int32_t partition = 0;
	const struct driver_fetch how = { 0, 1 << 20, 1 << 20, 1, 60000, false };
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	driver_send_fetch(driver, "t", &partition, 1, &how);
	assert_null(driver_poll(driver, TARN_API_FETCH, 11));
	assert_int_equal(tarn_log_delete_topic(driver->log, "t", NULL), TARN_OK);
	struct tarn_fetch_response *response = driver_wait(driver, TARN_API_FETCH, 11);
	assert_int_equal(response->topics->partitions->error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

static void limits_hold_but_for_the_first_batch(void **state)
{
	struct driver *driver = *state;
	int32_t partitions[] = { 0, 1 };
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	for (int i = 0; i < 6; i++) /* three batches in each, of some hundred bytes */
		driver_produce(driver, "t", i % 2, LEADER, NULL, driver_batch(driver, 10, "some value"));
	size_t one = driver_batch(driver, 10, "some value").len;
	static const struct {
		double max_bytes, partition_max_bytes; /* in batches */
		int records[2];
	} cases[] = {
		{ 100, 100, { 30, 30 } }, { 100, 2.5, { 20, 20 } }, { 4.5, 100, { 30, 10 } }, { 3, 100, { 30, 0 } },
		{ 0.5, 100, { 10, 0 } },  { 100, 0.5, { 10, 0 } },  { 0, 0, { 10, 0 } },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct driver_fetch how = { 0,
						  (int32_t)(cases[i].max_bytes * (double)one),
						  (int32_t)(cases[i].partition_max_bytes * (double)one),
						  1,
						  0,
						  false };
		/* What was acknowledged by the leader alone is read when it is durable. */
		struct tarn_topic *topic = tarn_log_find_topic(driver->log, "t");
		for (int j = 0; j < 2; j++)
			assert_int_equal(tarn_partition_wait_durable(tarn_topic_partition(topic, j), 30, NULL),
					 TARN_OK);
		tarn_topic_unref(topic);
		driver_send_fetch(driver, "t", partitions, 2, &how);
		struct tarn_fetch_response *response = driver_wait(driver, TARN_API_FETCH, 11);
		for (int j = 0; j < 2; j++) {
			int n = driver_count(response->topics->partitions[j].records);
			if (n != cases[i].records[j])
				fail_msg("case %zu: %d records of partition %d, expected %d", i, n, j,
					 cases[i].records[j]);
		}
	}
}

static void wrong_fetches_are_told(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(driver_fetch(driver, "t", 0, 1, false)->error_code, TARN_KAFKA_OFFSET_OUT_OF_RANGE);
	assert_int_equal(driver_fetch(driver, "t", 0, -5, false)->error_code, TARN_KAFKA_OFFSET_OUT_OF_RANGE);
	assert_int_equal(driver_fetch(driver, "t", 9, 0, false)->error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(driver_fetch(driver, "none", 0, 0, false)->error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	struct tarn_fetch_request request = { .session_id = 7, .session_epoch = 3, .rack_id = "" };
	struct tarn_fetch_response *response = driver_ask(driver, TARN_API_FETCH, 11, &request);
	assert_int_equal(response->error_code, TARN_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
	/* Where topics are named, no session is made: the answer is whole, and its id 0. */
	request.session_id = 0;
	request.session_epoch = 0;
	response = driver_ask(driver, TARN_API_FETCH, 11, &request);
	assert_int_equal(response->error_code, TARN_KAFKA_NONE);
	assert_int_equal(response->session_id, 0);
	struct tarn_fetch_request_partition part = { .current_leader_epoch = 4, .partition_max_bytes = 1000 };
	struct tarn_fetch_request_topic topic = { .topic = "t", .partitions = &part, .n_partitions = 1 };
	request.topics = &topic;
	request.n_topics = 1;
	response = driver_ask(driver, TARN_API_FETCH, 11, &request);
	assert_int_equal(response->topics->partitions->error_code, TARN_KAFKA_UNKNOWN_LEADER_EPOCH);
	struct tarn_fetch_request_topic by_id = { .topic_id = { { 1, 2, 3 } }, .partitions = &part, .n_partitions = 1 };
	request.topics = &by_id;
	response = driver_ask(driver, TARN_API_FETCH, 13, &request);
	assert_int_equal(response->topics->partitions->error_code, TARN_KAFKA_UNKNOWN_TOPIC_ID);
}

static void a_retried_batch_is_stored_once(void **state)
{
	struct driver *driver = *state;
	struct tarn_init_producer_id_request request = { .transactional_id = NULL };
	struct tarn_init_producer_id_response *response = driver_ask(driver, TARN_API_INIT_PRODUCER_ID, 4, &request);
	assert_int_equal(response->error_code, TARN_KAFKA_NONE);
	assert_int_equal(response->producer_epoch, 0);
	driver->producer = response->producer_id;
	driver->epoch = 0;
	driver->sequence = 0;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	for (int i = 0; i < 2; i++) {
		struct tarn_produce_response_partition *put =
			driver_produce(driver, "t", 0, ALL, NULL, driver_batch(driver, 5, "value"));
		assert_int_equal(put->error_code, TARN_KAFKA_NONE);
		assert_int_equal(put->base_offset, 0);
	}
	driver->sequence = 7;
	assert_int_equal(driver_produce(driver, "t", 0, ALL, NULL, driver_batch(driver, 1, "value"))->error_code,
			 TARN_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
	driver->sequence = 5;
	assert_int_equal(driver_produce(driver, "t", 0, ALL, NULL, driver_batch(driver, 1, "value"))->base_offset, 5);
	assert_int_equal(driver_fetch(driver, "t", 0, 0, false)->high_watermark, 6);
}

/* ---- ListOffsets ---- */

static struct tarn_list_offsets_response_partition *list(struct driver *driver, int32_t partition, int64_t timestamp,
							 bool committed, int32_t epoch)
{
	struct tarn_list_offsets_request_partition part = { .partition_index = partition,
							    .current_leader_epoch = epoch,
							    .timestamp = timestamp };
	struct tarn_list_offsets_request_topic topic = { .name = "t", .partitions = &part, .n_partitions = 1 };
	struct tarn_list_offsets_request request = {
		.replica_id = -1, .isolation_level = committed, .topics = &topic, .n_topics = 1
	};
	struct tarn_list_offsets_response *response = driver_ask(driver, TARN_API_LIST_OFFSETS, 9, &request);
	return response->topics->partitions;
}

static void offsets_are_found_by_time(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	const int64_t base = tarn_now_us() / 1000 - 100000;
	static const int stamps[] = { 0, 1000, 1000, 5000, 3000 };
	for (size_t i = 0; i < 5; i++) {
		struct tarn_slice batch;
		const struct tarn_batch_producer nobody = { -1, -1, -1, false };
		tarn_batch_builder_clear(driver->builder);
		tarn_batch_builder_add(driver->builder, base + stamps[i], tarn_slice_str("k"), tarn_slice_str("v"),
				       NULL, 0);
		assert_int_equal(tarn_batch_builder_finish(driver->builder, &nobody, &batch, NULL), TARN_OK);
		assert_int_equal(driver_produce(driver, "t", 0, ALL, NULL, batch)->error_code, TARN_KAFKA_NONE);
	}
	const struct {
		int64_t asked, offset, timestamp;
	} cases[] = {
		{ -1, 5, -1 },
		{ -2, 0, -1 },
		{ -3, 3, base + 5000 },
		{ -4, 0, -1 },
		{ -5, -1, -1 },
		{ base - 5, 0, base },
		{ base, 0, base },
		{ base + 1, 1, base + 1000 },
		{ base + 1000, 1, base + 1000 },
		{ base + 1001, 3, base + 5000 },
		{ base + 5001, -1, -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_list_offsets_response_partition *found = list(driver, 0, cases[i].asked, false, -1);
		if (found->error_code || found->offset != cases[i].offset || found->timestamp != cases[i].timestamp)
			fail_msg("case %zu: error %d, offset %lld at %lld", i, found->error_code,
				 (long long)found->offset, (long long)found->timestamp);
	}
	assert_int_equal(list(driver, 0, -1, false, 3)->error_code, TARN_KAFKA_UNKNOWN_LEADER_EPOCH);
	assert_int_equal(list(driver, 8, -1, false, -1)->error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(list(driver, 0, -9, false, -1)->error_code, TARN_KAFKA_UNSUPPORTED_VERSION);
}

/* ---- the validator ---- */

static bool no_bad_words(void *context, struct tarn_topic *topic, bool is_key, struct tarn_slice value,
			 const char **reason)
{
	(void)topic;
	++*(int *)context;
	if (is_key || !tarn_slice_eq(value, tarn_slice_str("bad")))
		return true;
	*reason = "a bad word";
	return false;
}

static void a_topic_may_ask_for_validation(void **state)
{
	struct driver *driver = *state;
	int asked = 0;
	const struct tarn_validator validator = { no_bad_words, &asked };
	driver->broker.validator = &validator;
	assert_int_equal(driver_create(driver, "checked", 1, "schema.validation", "true"), TARN_KAFKA_NONE);
	assert_int_equal(driver_create(driver, "free", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(driver_produce(driver, "free", 0, ALL, NULL, driver_batch(driver, 3, "bad"))->error_code,
			 TARN_KAFKA_NONE);
	assert_int_equal(asked, 0);
	assert_int_equal(driver_produce(driver, "checked", 0, ALL, NULL, driver_batch(driver, 3, "good"))->error_code,
			 TARN_KAFKA_NONE);
	assert_int_equal(asked, 6);
	struct tarn_produce_response_partition *put =
		driver_produce(driver, "checked", 0, ALL, NULL, driver_batch(driver, 2, "bad"));
	assert_int_equal(put->error_code, TARN_KAFKA_INVALID_RECORD);
	assert_int_equal(put->n_record_errors, 2);
	assert_int_equal(put->record_errors[1].batch_index, 1);
	assert_string_equal(put->record_errors[1].message, "a bad word");
	assert_int_equal(driver_fetch(driver, "checked", 0, 0, false)->high_watermark, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, driver_setup, driver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_batch_comes_back),
		CASE(what_is_wrong_with_a_batch_is_told),
		CASE(clients_write_no_control_batches),
		CASE(without_acks_nothing_is_answered),
		CASE(a_fetch_waits_for_what_it_asks),
		CASE(a_full_answer_does_not_wait),
		CASE(a_waiting_fetch_makes_room_for_other_requests),
		CASE(a_fetch_behind_a_look_for_offsets_is_short),
		CASE(a_waiting_fetch_hears_of_the_end_of_its_topic),
		CASE(limits_hold_but_for_the_first_batch),
		CASE(wrong_fetches_are_told),
		CASE(a_retried_batch_is_stored_once),
		CASE(offsets_are_found_by_time),
		CASE(a_topic_may_ask_for_validation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
