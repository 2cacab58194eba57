/* Metadata, topics and their settings, and what administrators are told. */
#include "broker_driver.h"

static struct tarn_metadata_response_topic *metadata_of(struct driver *driver, const char *name, bool create)
{
	struct tarn_metadata_request_topic topic = { .name = name };
	struct tarn_metadata_request request = { &topic, 1, create, false, false };
	struct tarn_metadata_response *response = driver_ask(driver, TARN_API_METADATA, 9, &request);
	assert_int_equal(response->n_topics, 1);
	return response->topics;
}

static void the_broker_tells_of_itself(void **state)
{
	struct driver *driver = *state;
	struct tarn_metadata_request none = { .topics = tarn_message_new(&driver->arena, metadata_request_topic, 0),
					      .include_cluster_authorized_operations = true };
	struct tarn_metadata_response *response = driver_ask(driver, TARN_API_METADATA, 9, &none);
	assert_int_equal(response->n_topics, 0);
	assert_int_equal(response->n_brokers, 1);
	assert_string_equal(response->brokers->host, "broker.test");
	assert_int_equal(response->brokers->port, 9092);
	assert_int_equal(response->controller_id, response->brokers->node_id);
	assert_string_equal(response->cluster_id, tarn_log_cluster_id(driver->log));
	assert_true(response->cluster_authorized_operations & 1 << TARN_ACL_CREATE);
	struct tarn_describe_cluster_request cluster = { .endpoint_type = 1 };
	struct tarn_describe_cluster_response *told = driver_ask(driver, TARN_API_DESCRIBE_CLUSTER, 1, &cluster);
	assert_int_equal(told->error_code, TARN_KAFKA_NONE);
	assert_string_equal(told->cluster_id, response->cluster_id);
	assert_int_equal(told->n_brokers, 1);
	assert_int_equal(told->cluster_authorized_operations, INT32_MIN);
	cluster.endpoint_type = 2;
	told = driver_ask(driver, TARN_API_DESCRIBE_CLUSTER, 1, &cluster);
	assert_int_equal(told->error_code, TARN_KAFKA_UNSUPPORTED_ENDPOINT_TYPE);
}

/* In version 0 an empty list is all topics, later it is none, and null is all. */
static void what_all_topics_means(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 3, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_metadata_request empty = { .topics = tarn_message_new(&driver->arena, metadata_request_topic, 0) };
	struct tarn_metadata_request null = { .topics = NULL };
	static const struct {
		int16_t version;
		bool null;
		bool all;
	} cases[] = {
		{ 0, false, true }, { 1, false, false }, { 1, true, true }, { 9, false, false }, { 12, true, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_metadata_response *response =
			driver_ask(driver, TARN_API_METADATA, cases[i].version, cases[i].null ? &null : &empty);
		bool found = false;
		for (size_t j = 0; j < response->n_topics; j++) {
			found = found || !strcmp(response->topics[j].name, "t");
			assert_int_equal(response->topics[j].is_internal,
					 cases[i].version && response->topics[j].name[0] == '_');
		}
		if (found != cases[i].all)
			fail_msg("case %zu", i);
	}
}

static void topics_are_made_when_they_are_asked_for(void **state)
{
	struct driver *driver = *state;
	driver->broker.auto_create_topics = true;
	driver->broker.default_partitions = 4;
	assert_int_equal(metadata_of(driver, "made", false)->error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(metadata_of(driver, "no name", true)->error_code, TARN_KAFKA_INVALID_TOPIC_EXCEPTION);
	struct tarn_metadata_response_topic *topic = metadata_of(driver, "made", true);
	assert_int_equal(topic->error_code, TARN_KAFKA_NONE);
	assert_int_equal(topic->n_partitions, 4);
	for (int32_t i = 0; i < 4; i++) {
		assert_int_equal(topic->partitions[i].partition_index, i);
		assert_int_equal(topic->partitions[i].leader_id, driver->broker.node_id);
		assert_int_equal(topic->partitions[i].n_isr_nodes, 1);
	}
	driver->broker.auto_create_topics = false;
	assert_int_equal(metadata_of(driver, "other", true)->error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

static void topics_are_found_by_id(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_metadata_request_topic topic = { .name = "t" };
	struct tarn_metadata_request request = { .topics = &topic, .n_topics = 1 };
	struct tarn_metadata_response *response = driver_ask(driver, TARN_API_METADATA, 12, &request);
	topic = (struct tarn_metadata_request_topic){ .topic_id = response->topics->topic_id };
	response = driver_ask(driver, TARN_API_METADATA, 12, &request);
	assert_int_equal(response->topics->error_code, TARN_KAFKA_NONE);
	assert_string_equal(response->topics->name, "t");
	struct tarn_uuid id = topic.topic_id;
	topic.topic_id.bytes[3] ^= 1;
	response = driver_ask(driver, TARN_API_METADATA, 12, &request);
	assert_int_equal(response->topics->error_code, TARN_KAFKA_UNKNOWN_TOPIC_ID);
	struct tarn_delete_topics_request_topic gone = { .topic_id = id };
	struct tarn_delete_topics_request delete = { .topics = &gone, .n_topics = 1 };
	struct tarn_delete_topics_response *deleted = driver_ask(driver, TARN_API_DELETE_TOPICS, 6, &delete);
	assert_int_equal(deleted->topics->error_code, TARN_KAFKA_NONE);
	assert_string_equal(deleted->topics->name, "t");
	deleted = driver_ask(driver, TARN_API_DELETE_TOPICS, 6, &delete);
	assert_int_equal(deleted->topics->error_code, TARN_KAFKA_UNKNOWN_TOPIC_ID);
	/* Ids in a version that has none. */
	topic.topic_id = id;
	assert_null(driver_ask(driver, TARN_API_METADATA, 10, &request));
}

static void creation_is_checked(void **state)
{
	struct driver *driver = *state;
	int32_t here = driver->broker.node_id, elsewhere = here + 1;
	struct tarn_create_topics_request_assignment good[] = { { 1, &here, 1 }, { 0, &here, 1 } };
	struct tarn_create_topics_request_assignment twice[] = { { 0, &here, 1 }, { 0, &here, 1 } };
	struct tarn_create_topics_request_assignment gap[] = { { 0, &here, 1 }, { 2, &here, 1 } };
	struct tarn_create_topics_request_assignment away[] = { { 0, &elsewhere, 1 } };
	struct tarn_create_topics_request_config bad[] = { { "retention.ms", "soon" } }, odd[] = { { "no.such", "1" } };
	const struct {
		struct tarn_create_topics_request_topic topic;
		int16_t error;
	} cases[] = {
		{ { .name = "a", .num_partitions = 2, .replication_factor = 1 }, TARN_KAFKA_NONE },
		{ { .name = "a", .num_partitions = 2, .replication_factor = 1 }, TARN_KAFKA_TOPIC_ALREADY_EXISTS },
		{ { .name = "b", .num_partitions = -1, .replication_factor = -1 }, TARN_KAFKA_NONE },
		{ { .name = "c", .num_partitions = 0, .replication_factor = 1 }, TARN_KAFKA_INVALID_PARTITIONS },
		{ { .name = "c", .num_partitions = -2, .replication_factor = 1 }, TARN_KAFKA_INVALID_PARTITIONS },
		{ { .name = "c", .num_partitions = 2000000000, .replication_factor = 1 },
		  TARN_KAFKA_INVALID_PARTITIONS },
		{ { .name = "c", .num_partitions = 1, .replication_factor = 2 },
		  TARN_KAFKA_INVALID_REPLICATION_FACTOR },
		{ { .name = "c", .num_partitions = 1, .replication_factor = 0 },
		  TARN_KAFKA_INVALID_REPLICATION_FACTOR },
		{ { .name = "", .num_partitions = 1, .replication_factor = 1 }, TARN_KAFKA_INVALID_TOPIC_EXCEPTION },
		{ { .name = "a/b", .num_partitions = 1, .replication_factor = 1 }, TARN_KAFKA_INVALID_TOPIC_EXCEPTION },
		{ { .name = "..", .num_partitions = 1, .replication_factor = 1 }, TARN_KAFKA_INVALID_TOPIC_EXCEPTION },
		{ { "d", -1, -1, good, 2, NULL, 0 }, TARN_KAFKA_NONE },
		{ { "e", 2, 1, good, 2, NULL, 0 }, TARN_KAFKA_INVALID_REQUEST },
		{ { "e", -1, -1, twice, 2, NULL, 0 }, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT },
		{ { "e", -1, -1, gap, 2, NULL, 0 }, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT },
		{ { "e", -1, -1, away, 1, NULL, 0 }, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT },
		{ { "e", 1, 1, NULL, 0, bad, 1 }, TARN_KAFKA_INVALID_CONFIG },
		{ { "e", 1, 1, NULL, 0, odd, 1 }, TARN_KAFKA_INVALID_CONFIG },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_create_topics_request_topic topic = cases[i].topic;
		struct tarn_create_topics_request request = { &topic, 1, 1000, true };
		/* First only checked; then made. */
		for (int make = 0; make < 2; make++) {
			request.validate_only = !make;
			struct tarn_create_topics_response *response =
				driver_ask(driver, TARN_API_CREATE_TOPICS, 7, &request);
			if (response->topics->error_code != cases[i].error)
				fail_msg("case %zu: error %d, expected %d (%s)", i, response->topics->error_code,
					 cases[i].error, response->topics->error_message);
			assert_true(!response->topics->error_code == !response->topics->error_message);
		}
	}
	assert_int_equal(metadata_of(driver, "d", false)->n_partitions, 2);
	assert_int_equal(metadata_of(driver, "e", false)->error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	struct tarn_create_topics_request_topic same[] = {
		{ .name = "f", .num_partitions = 1, .replication_factor = 1 },
		{ .name = "f", .num_partitions = 1, .replication_factor = 1 },
	};
	struct tarn_create_topics_request both = { same, 2, 1000, false };
	struct tarn_create_topics_response *response = driver_ask(driver, TARN_API_CREATE_TOPICS, 7, &both);
	assert_int_equal(response->topics[0].error_code, TARN_KAFKA_INVALID_REQUEST);
	assert_int_equal(response->topics[1].error_code, TARN_KAFKA_INVALID_REQUEST);
}

static void partitions_are_added(void **state)
{
	struct driver *driver = *state;
	int32_t here = driver->broker.node_id;
	struct tarn_create_partitions_request_assignment one[] = { { &here, 1 } };
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	const struct {
		struct tarn_create_partitions_request_topic topic;
		int16_t error;
	} cases[] = {
		{ { "t", 2, NULL, 0 }, TARN_KAFKA_INVALID_PARTITIONS },
		{ { "t", -1, NULL, 0 }, TARN_KAFKA_INVALID_PARTITIONS },
		{ { "none", 5, NULL, 0 }, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION },
		{ { "t", 4, one, 1 }, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT },
		{ { "t", 3, one, 1 }, TARN_KAFKA_NONE },
		{ { "t", 5, NULL, 0 }, TARN_KAFKA_NONE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_create_partitions_request_topic topic = cases[i].topic;
		struct tarn_create_partitions_request request = { &topic, 1, 1000, false };
		struct tarn_create_partitions_response *response =
			driver_ask(driver, TARN_API_CREATE_PARTITIONS, 3, &request);
		assert_int_equal(response->n_results, 1);
		if (response->results->error_code != cases[i].error)
			fail_msg("case %zu: error %d", i, response->results->error_code);
	}
	assert_int_equal(metadata_of(driver, "t", false)->n_partitions, 5);
}

/* Groups and transactions are kept in topics like any other, which must not go. */
static void what_the_broker_keeps_stays(void **state)
{
	struct driver *driver = *state;
	static const char *const names[] = { "__consumer_offsets", "__transaction_state" };
	for (size_t i = 0; i < 2; i++) {
		const char *name = names[i];
		struct tarn_delete_topics_request gone = { .topic_names = &name, .n_topic_names = 1 };
		struct tarn_delete_topics_response *deleted = driver_ask(driver, TARN_API_DELETE_TOPICS, 5, &gone);
		assert_int_equal(deleted->topics->error_code, TARN_KAFKA_POLICY_VIOLATION);
		struct tarn_create_partitions_request_topic more = { name, 9, NULL, 0 };
		struct tarn_create_partitions_request grow = { &more, 1, 1000, false };
		struct tarn_create_partitions_response *grown =
			driver_ask(driver, TARN_API_CREATE_PARTITIONS, 3, &grow);
		assert_int_equal(grown->results->error_code, TARN_KAFKA_POLICY_VIOLATION);
		struct tarn_delete_records_request_partition until = { 0, -1 };
		struct tarn_delete_records_request_topic trim = { name, &until, 1 };
		struct tarn_delete_records_request records = { &trim, 1, 1000 };
		struct tarn_delete_records_response *trimmed = driver_ask(driver, TARN_API_DELETE_RECORDS, 2, &records);
		assert_int_equal(trimmed->topics->partitions->error_code, TARN_KAFKA_POLICY_VIOLATION);
	}
}

/* ---- settings ---- */

static const char *setting(struct driver *driver, const char *topic, const char *key, int8_t *source)
{
	const char *keys[] = { key };
	struct tarn_describe_configs_request_resource resource = { 2, topic, keys, 1 };
	struct tarn_describe_configs_request request = { &resource, 1, true, true };
	struct tarn_describe_configs_response *response = driver_ask(driver, TARN_API_DESCRIBE_CONFIGS, 4, &request);
	assert_int_equal(response->results->error_code, TARN_KAFKA_NONE);
	assert_int_equal(response->results->n_configs, 1);
	struct tarn_describe_configs_response_config *config = response->results->configs;
	assert_string_equal(config->name, key);
	assert_non_null(config->documentation);
	assert_int_equal(config->n_synonyms, config->config_source == 1 ? 2 : 1);
	assert_int_equal(config->synonyms[config->n_synonyms - 1].source, 5);
	*source = config->config_source;
	return config->value;
}

static int16_t increment(struct driver *driver, const char *topic, const char *key, int8_t operation, const char *value,
			 bool validate_only)
{
	struct tarn_incremental_alter_configs_request_config config = { key, operation, value };
	struct tarn_incremental_alter_configs_request_resource resource = { 2, topic, &config, 1 };
	struct tarn_incremental_alter_configs_request request = { &resource, 1, validate_only };
	struct tarn_incremental_alter_configs_response *response =
		driver_ask(driver, TARN_API_INCREMENTAL_ALTER_CONFIGS, 1, &request);
	return response->resources->error_code;
}

static void settings_are_changed_one_by_one(void **state)
{
	struct driver *driver = *state;
	enum { SET, DELETE, APPEND, SUBTRACT };
	static const struct {
		const char *key;
		int8_t operation;
		const char *value;
		int16_t error;
		const char *after;
		int8_t source;
	} cases[] = {
		{ "segment.ms", SET, "777", TARN_KAFKA_NONE, "777", 1 },
		{ "segment.ms", SET, "-5", TARN_KAFKA_INVALID_CONFIG, "777", 1 },
		{ "segment.ms", SET, NULL, TARN_KAFKA_INVALID_REQUEST, "777", 1 },
		{ "segment.ms", APPEND, "1", TARN_KAFKA_INVALID_CONFIG, "777", 1 },
		{ "segment.ms", 9, "1", TARN_KAFKA_INVALID_REQUEST, "777", 1 },
		{ "segment.ms", DELETE, NULL, TARN_KAFKA_NONE, "604800000", 5 },
		{ "cleanup.policy", APPEND, "compact", TARN_KAFKA_NONE, "delete,compact", 1 },
		{ "cleanup.policy", APPEND, "compact", TARN_KAFKA_NONE, "delete,compact", 1 },
		{ "cleanup.policy", SUBTRACT, "delete", TARN_KAFKA_NONE, "compact", 1 },
		{ "cleanup.policy", APPEND, "shred", TARN_KAFKA_INVALID_CONFIG, "compact", 1 },
	};
	int8_t source;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int16_t error = increment(driver, "t", cases[i].key, cases[i].operation, cases[i].value, false);
		const char *after = setting(driver, "t", cases[i].key, &source);
		if (error != cases[i].error || strcmp(after, cases[i].after) || source != cases[i].source)
			fail_msg("case %zu: error %d, then \"%s\" from %d", i, error, after, source);
	}
	assert_int_equal(increment(driver, "t", "segment.ms", SET, "888", true), TARN_KAFKA_NONE);
	assert_string_equal(setting(driver, "t", "segment.ms", &source), "604800000");
	assert_int_equal(increment(driver, "none", "segment.ms", SET, "1", false),
			 TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(increment(driver, "no name", "segment.ms", SET, "1", false),
			 TARN_KAFKA_INVALID_TOPIC_EXCEPTION);
	driver_reopen(driver);
	assert_string_equal(setting(driver, "t", "cleanup.policy", &source), "compact");
}

/* AlterConfigs: what is not named goes back to its default. */
static void settings_are_replaced(void **state)
{
	struct driver *driver = *state;
	int8_t source;
	assert_int_equal(driver_create(driver, "t", 1, "segment.ms", "777"), TARN_KAFKA_NONE);
	struct tarn_alter_configs_request_config configs[] = { { "retention.ms", "5" }, { "retention.ms", "6" } };
	struct tarn_alter_configs_request_resource resource = { 2, "t", configs, 2 };
	struct tarn_alter_configs_request request = { &resource, 1, false };
	struct tarn_alter_configs_response *response = driver_ask(driver, TARN_API_ALTER_CONFIGS, 2, &request);
	assert_int_equal(response->resources->error_code, TARN_KAFKA_INVALID_REQUEST);
	resource.n_configs = 1;
	response = driver_ask(driver, TARN_API_ALTER_CONFIGS, 2, &request);
	assert_int_equal(response->resources->error_code, TARN_KAFKA_NONE);
	assert_string_equal(setting(driver, "t", "retention.ms", &source), "5");
	assert_string_equal(setting(driver, "t", "segment.ms", &source), "604800000");
	assert_int_equal(source, 5);
}

/* ---- records and sizes ---- */

static void records_are_deleted_up_to_an_offset(void **state)
{
	struct driver *driver = *state;
	static const struct {
		const char *topic;
		int32_t partition;
		int64_t offset;
		int16_t error;
		int64_t low;
	} cases[] = {
		{ "t", 0, 3, TARN_KAFKA_NONE, 3 },
		{ "t", 0, 2, TARN_KAFKA_NONE, 3 },
		{ "t", 0, 6, TARN_KAFKA_OFFSET_OUT_OF_RANGE, -1 },
		{ "t", 0, -2, TARN_KAFKA_OFFSET_OUT_OF_RANGE, -1 },
		{ "t", 1, 0, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, -1 },
		{ "none", 0, 0, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, -1 },
		{ "compacted", 0, 0, TARN_KAFKA_POLICY_VIOLATION, -1 },
		{ "t", 0, -1, TARN_KAFKA_NONE, 5 },
	};
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(driver_create(driver, "compacted", 1, "cleanup.policy", "compact"), TARN_KAFKA_NONE);
	for (int i = 0; i < 5; i++)
		driver_produce(driver, "t", 0, -1, NULL, driver_batch(driver, 1, "value"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_delete_records_request_partition part = { cases[i].partition, cases[i].offset };
		struct tarn_delete_records_request_topic topic = { cases[i].topic, &part, 1 };
		struct tarn_delete_records_request request = { &topic, 1, 1000 };
		struct tarn_delete_records_response *response =
			driver_ask(driver, TARN_API_DELETE_RECORDS, 2, &request);
		struct tarn_delete_records_response_partition *answered = response->topics->partitions;
		if (answered->error_code != cases[i].error || answered->low_watermark != cases[i].low)
			fail_msg("case %zu: error %d, low watermark %lld", i, answered->error_code,
				 (long long)answered->low_watermark);
	}
	assert_int_equal(driver_fetch(driver, "t", 0, 0, false)->error_code, TARN_KAFKA_OFFSET_OUT_OF_RANGE);
	assert_int_equal(driver_fetch(driver, "t", 0, 5, false)->log_start_offset, 5);
}

static void sizes_and_producers_are_told(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	driver->producer = 4711;
	driver->epoch = 2;
	driver->sequence = 0;
	struct tarn_slice batch = driver_batch(driver, 3, "value");
	driver_produce(driver, "t", 1, -1, NULL, batch);
	int32_t partitions[] = { 0, 1, 7 };
	struct tarn_describe_log_dirs_request_topic topic = { "t", partitions, 3 };
	struct tarn_describe_log_dirs_request request = { &topic, 1 };
	struct tarn_describe_log_dirs_response *response = driver_ask(driver, TARN_API_DESCRIBE_LOG_DIRS, 4, &request);
	assert_int_equal(response->n_results, 1);
	assert_int_equal(response->results->topics->n_partitions, 2);
	assert_int_equal(response->results->topics->partitions[0].partition_size, 0);
	assert_int_equal(response->results->topics->partitions[1].partition_size, batch.len);
	request.topics = NULL;
	response = driver_ask(driver, TARN_API_DESCRIBE_LOG_DIRS, 4, &request);
	assert_true(response->results->n_topics >= 1);
	struct tarn_describe_producers_request_topic of = { "t", partitions, 3 };
	struct tarn_describe_producers_request ask = { &of, 1 };
	struct tarn_describe_producers_response *told = driver_ask(driver, TARN_API_DESCRIBE_PRODUCERS, 0, &ask);
	assert_int_equal(told->topics->partitions[0].n_active_producers, 0);
	assert_int_equal(told->topics->partitions[1].n_active_producers, 1);
	struct tarn_describe_producers_response_active_producer *producer =
		told->topics->partitions[1].active_producers;
	assert_int_equal(producer->producer_id, 4711);
	assert_int_equal(producer->producer_epoch, 2);
	assert_int_equal(producer->last_sequence, 2);
	assert_int_equal(producer->current_txn_start_offset, -1);
	assert_int_equal(told->topics->partitions[2].error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	struct tarn_offset_for_leader_epoch_request_partition epochs[] = { { 1, -1, 0 }, { 1, 0, 1 }, { 1, 5, 0 } };
	struct tarn_offset_for_leader_epoch_request_topic in = { "t", epochs, 3 };
	struct tarn_offset_for_leader_epoch_request ends = { -1, &in, 1 };
	struct tarn_offset_for_leader_epoch_response *ended =
		driver_ask(driver, TARN_API_OFFSET_FOR_LEADER_EPOCH, 4, &ends);
	assert_int_equal(ended->topics->partitions[0].end_offset, 3);
	assert_int_equal(ended->topics->partitions[1].end_offset, -1);
	assert_int_equal(ended->topics->partitions[2].error_code, TARN_KAFKA_UNKNOWN_LEADER_EPOCH);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, driver_setup, driver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_broker_tells_of_itself),
		CASE(what_all_topics_means),
		CASE(topics_are_made_when_they_are_asked_for),
		CASE(topics_are_found_by_id),
		CASE(creation_is_checked),
		CASE(partitions_are_added),
		CASE(what_the_broker_keeps_stays),
		CASE(settings_are_changed_one_by_one),
		CASE(settings_are_replaced),
		CASE(records_are_deleted_up_to_an_offset),
		CASE(sizes_and_producers_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
