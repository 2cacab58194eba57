/* Fetch sessions (KIP-227), as a client with topic ids holds one. */
#include "broker_driver.h"

enum { ALL = -1, VERSION = 16, BEGIN = 0, NONE = -1 };

struct reader {
	struct driver *driver;
	struct tarn_uuid topic;
	int32_t id, epoch;
};

static void open_reader(struct driver *driver, struct reader *reader, int32_t partitions)
{
	assert_int_equal(driver_create(driver, "t", partitions, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_topic *topic = tarn_log_find_topic(driver->log, "t");
	*reader = (struct reader){ .driver = driver };
	memcpy(reader->topic.bytes, tarn_topic_id(topic), sizeof(reader->topic.bytes));
	tarn_topic_unref(topic);
}

/* Of each partition that is named: `offsets`, -1 for those that are forgotten. */
static struct tarn_fetch_response *ask(struct reader *reader, int16_t version, int32_t max_bytes,
				       const int32_t *partitions, const int64_t *offsets, size_t n)
{
	struct tarn_fetch_request_partition named[8];
	int32_t gone[8];
	struct tarn_fetch_request_topic topic = { .topic = "t", .topic_id = reader->topic, .partitions = named };
	struct tarn_fetch_request_forgotten_topic forgotten = { .topic = "t",
								.topic_id = reader->topic,
								.partitions = gone };
	for (size_t i = 0; i < n; i++) {
		if (offsets[i] < 0)
			gone[forgotten.n_partitions++] = partitions[i];
		else
			named[topic.n_partitions++] = (struct tarn_fetch_request_partition){
				.partition = partitions[i],
				.current_leader_epoch = -1,
				.fetch_offset = offsets[i],
				.partition_max_bytes = 1 << 20,
			};
	}
	const struct tarn_fetch_request request = {
		.replica_id = -1,
		.max_wait_ms = 5,
		.min_bytes = 1,
		.max_bytes = max_bytes,
		.session_id = reader->id,
		.session_epoch = reader->epoch,
		.topics = &topic,
		.n_topics = topic.n_partitions > 0,
		.forgotten_topics = &forgotten,
		.n_forgotten_topics = forgotten.n_partitions > 0,
		.rack_id = "",
	};
	return driver_ask(reader->driver, TARN_API_FETCH, version, &request);
}

/* The partitions of the answer as a text, those with records with their number: "0 2:3". */
static const char *told(const struct tarn_fetch_response *response)
{
	static char text[256];
	size_t at = 0;
	*text = '\0';
	for (size_t i = 0; i < response->n_topics; i++) {
		for (size_t j = 0; j < response->topics[i].n_partitions; j++) {
			const struct tarn_fetch_response_partition *part = &response->topics[i].partitions[j];
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d", at ? " " : "",
					       part->partition_index);
			if (part->error_code)
				at += (size_t)snprintf(text + at, sizeof(text) - at, "!%d", part->error_code);
			if (part->records.len)
				at += (size_t)snprintf(text + at, sizeof(text) - at, ":%d",
						       driver_count(part->records));
		}
	}
	return text;
}

static void put(struct reader *reader, int32_t partition, int n)
{
	struct driver *driver = reader->driver;
	struct tarn_produce_response_partition *response =
		driver_produce(driver, "t", partition, ALL, NULL, driver_batch(driver, n, "value"));
	assert_int_equal(response->error_code, TARN_KAFKA_NONE);
}

static void begin(struct reader *reader, int32_t n)
{
	static const int32_t partitions[] = { 2, 0, 1 };
	static const int64_t offsets[] = { 0, 0, 0 };
	reader->id = 0;
	reader->epoch = BEGIN;
	struct tarn_fetch_response *response = ask(reader, VERSION, 1 << 20, partitions, offsets, (size_t)n);
	assert_int_equal(response->error_code, TARN_KAFKA_NONE);
	assert_true(response->session_id > 0);
	reader->id = response->session_id;
	reader->epoch = 1;
}

static void only_what_is_new_is_told(void **state)
{
	struct reader reader;
	open_reader(*state, &reader, 3);
	put(&reader, 0, 2);
	begin(&reader, 3);
	static const struct {
		int32_t put; /* -1: nothing */
		int32_t partition;
		int64_t offset;
		size_t n; /* of them that are named: 1 or 0 */
		const char *told;
	} steps[] = {
		{ -1, 0, 2, 1, "" }, /* what was told when it began is not told again */
		{ -1, 0, 0, 0, "" },	    { 1, 0, 0, 0, "1:1" },
		{ -1, 0, 0, 0, "1:1" },				 /* the offset is not moved: the same records */
		{ -1, 1, 1, 1, "" },	    { 2, 2, -1, 1, "" }, /* forgotten */
		{ 0, 0, 0, 0, "0:1" },	    { 1, 0, 3, 1, "1:1" },
		{ -1, 2, 0, 1, "1:1 2:1" }, /* named again: it is new */
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++, reader.epoch++) {
		if (steps[i].put >= 0)
			put(&reader, steps[i].put, 1);
		struct tarn_fetch_response *response =
			ask(&reader, VERSION, 1 << 20, &steps[i].partition, &steps[i].offset, steps[i].n);
		assert_int_equal(response->error_code, TARN_KAFKA_NONE);
		assert_int_equal(response->session_id, reader.id);
		if (strcmp(told(response), steps[i].told))
			fail_msg("step %zu: \"%s\", expected \"%s\"", i, told(response), steps[i].told);
	}
}

static void the_first_answer_is_whole(void **state)
{
	struct reader reader;
	open_reader(*state, &reader, 3);
	put(&reader, 0, 2);
	static const int32_t partitions[] = { 2, 0, 9 };
	static const int64_t offsets[] = { 0, 0, 0 };
	reader.epoch = BEGIN;
	struct tarn_fetch_response *response = ask(&reader, VERSION, 1 << 20, partitions, offsets, 3);
	assert_string_equal(told(response), "2 0:2 9!3");
	/* What is wrong is told each time. */
	reader.id = response->session_id;
	static const int64_t end = 2;
	reader.epoch = 1;
	assert_string_equal(told(ask(&reader, VERSION, 1 << 20, &partitions[1], &end, 1)), "9!3");
	reader.epoch = 2;
	assert_string_equal(told(ask(&reader, VERSION, 1 << 20, NULL, NULL, 0)), "9!3");
}

static void wrong_sessions_are_told(void **state)
{
	struct reader reader;
	open_reader(*state, &reader, 3);
	begin(&reader, 3);
	static const struct {
		int32_t id, epoch; /* id: more than the session's */
		int16_t version, error;
	} cases[] = {
		{ 1, 1, VERSION, TARN_KAFKA_FETCH_SESSION_ID_NOT_FOUND },
		{ 0, 2, VERSION, TARN_KAFKA_INVALID_FETCH_SESSION_EPOCH },
		{ 0, -2, VERSION, TARN_KAFKA_INVALID_FETCH_SESSION_EPOCH },
		{ 0, 1, 12, TARN_KAFKA_FETCH_SESSION_TOPIC_ID_ERROR },
		{ 0, 1, VERSION, TARN_KAFKA_NONE },
		{ 0, 1, VERSION, TARN_KAFKA_INVALID_FETCH_SESSION_EPOCH }, /* it has moved on */
		{ 0, NONE, VERSION, TARN_KAFKA_NONE },			   /* the end of it */
		{ 0, 2, VERSION, TARN_KAFKA_FETCH_SESSION_ID_NOT_FOUND },
	};
	const int32_t id = reader.id;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		reader.id = id + cases[i].id;
		reader.epoch = cases[i].epoch;
		struct tarn_fetch_response *response = ask(&reader, cases[i].version, 1 << 20, NULL, NULL, 0);
		if (response->error_code != cases[i].error)
			fail_msg("case %zu: error %d, expected %d", i, response->error_code, cases[i].error);
		assert_int_equal(response->session_id, cases[i].error || cases[i].epoch == NONE ? 0 : id);
		assert_int_equal(response->n_topics, 0);
	}
}

static void a_session_without_partitions_is_over(void **state)
{
	struct reader reader;
	open_reader(*state, &reader, 1);
	static const int32_t partition = 0;
	static const int64_t offset = 0, forget = -1;
	reader.epoch = BEGIN;
	reader.id = ask(&reader, VERSION, 1 << 20, &partition, &offset, 1)->session_id;
	reader.epoch = 1;
	assert_int_equal(ask(&reader, VERSION, 1 << 20, &partition, &forget, 1)->session_id, 0);
	reader.epoch = 2;
	assert_int_equal(ask(&reader, VERSION, 1 << 20, NULL, NULL, 0)->error_code,
			 TARN_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
	assert_int_equal(reader.driver->broker.session_partitions, 0);
}

static void each_partition_gets_its_turn(void **state)
{
	struct reader reader;
	open_reader(*state, &reader, 3);
	begin(&reader, 3);
	for (int32_t i = 0; i < 3; i++)
		put(&reader, i, 1);
	/* Room for one batch; the high watermarks of the others are news the first time. */
	static const char *const turns[] = { "0:1 1 2", "1:1", "2:1", "0:1" };
	for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++, reader.epoch++)
		assert_string_equal(told(ask(&reader, VERSION, 1, NULL, NULL, 0)), turns[i]);
}

static void too_many_partitions_get_no_session(void **state)
{
	struct driver *driver = *state;
	struct reader reader;
	open_reader(driver, &reader, 1);
	enum { MANY = 10001 };
	struct tarn_fetch_request_partition *parts = tarn_calloc(MANY, sizeof(*parts));
	struct tarn_fetch_request_topic topic = { .topic_id = reader.topic, .partitions = parts };
	struct tarn_fetch_request request = {
		.replica_id = -1, .min_bytes = 1, .max_bytes = 1, .topics = &topic, .n_topics = 1, .rack_id = ""
	};
	for (int32_t i = 0; i < MANY; i++)
		parts[i] = (struct tarn_fetch_request_partition){ .partition = i, .current_leader_epoch = -1 };
	for (size_t less = 0; less < 2; less++) {
		topic.n_partitions = MANY - less;
		struct tarn_fetch_response *response = driver_ask(driver, TARN_API_FETCH, VERSION, &request);
		assert_int_equal(response->error_code, TARN_KAFKA_NONE);
		assert_int_equal(response->topics->n_partitions, topic.n_partitions);
		assert_int_equal(response->session_id != 0, less);
		assert_int_equal(driver->broker.session_partitions, less * (MANY - 1));
	}
	free(parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_answer_is_whole, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(only_what_is_new_is_told, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(wrong_sessions_are_told, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(a_session_without_partitions_is_over, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(each_partition_gets_its_turn, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(too_many_partitions_get_no_session, driver_setup, driver_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
