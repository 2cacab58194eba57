/* Groups that the broker balances, as clients ask for them: over a real log, which is closed and opened again. */
#include "broker_driver.h"
#include "stream/broker/errors.h"

enum { GROUP = 32, SET = 0, DELETE = 1, OF_GROUP = 8, DEFAULT = 5 };

static struct tarn_consumer_group_heartbeat_response *beat(struct driver *driver, const char *member, int32_t epoch)
{
	static const char *const topics[] = { "t" };
	struct tarn_consumer_group_heartbeat_request request = {
		.group_id = "g", .member_id = member, .member_epoch = epoch, .rebalance_timeout_ms = epoch ? -1 : 1000
	};
	struct tarn_balance_topic_partitions nothing;
	if (!epoch) {
		request.subscribed_topic_names = (const char **)(uintptr_t)topics;
		request.n_subscribed_topic_names = 1;
		request.topic_partitions = &nothing;
	}
	return driver_ask(driver, TARN_API_CONSUMER_GROUP_HEARTBEAT, 1, &request);
}

static struct tarn_consumer_group_describe_response_group *describe(struct driver *driver, const char *group)
{
	struct tarn_consumer_group_describe_request request = { &group, 1, true };
	struct tarn_consumer_group_describe_response *response =
		driver_ask(driver, TARN_API_CONSUMER_GROUP_DESCRIBE, 1, &request);
	assert_int_equal(response->n_groups, 1);
	return response->groups;
}

static int16_t commit(struct driver *driver, const char *member, int32_t epoch, int16_t version)
{
	struct tarn_offset_commit_request_partition partition = { .partition_index = 1, .committed_offset = 7 };
	struct tarn_offset_commit_request_topic topic = { .name = "t", .partitions = &partition, .n_partitions = 1 };
	struct tarn_offset_commit_request request = {
		.group_id = "g", .generation_id = epoch, .member_id = member, .topics = &topic, .n_topics = 1
	};
	struct tarn_offset_commit_response *response = driver_ask(driver, TARN_API_OFFSET_COMMIT, version, &request);
	return response->topics->partitions->error_code;
}

static struct tarn_offset_fetch_response_group *fetch(struct driver *driver, const char *member, int32_t epoch)
{
	struct tarn_offset_fetch_request_group group = { .group_id = "g", .member_id = member, .member_epoch = epoch };
	struct tarn_offset_fetch_request request = { .groups = &group, .n_groups = 1 };
	return ((struct tarn_offset_fetch_response *)driver_ask(driver, TARN_API_OFFSET_FETCH, 9, &request))->groups;
}

static const char *listed(struct driver *driver, const char *type)
{
	struct tarn_list_groups_request request = { .types_filter = &type, .n_types_filter = 1 };
	struct tarn_list_groups_response *response = driver_ask(driver, TARN_API_LIST_GROUPS, 5, &request);
	if (!response->n_groups)
		return "none";
	assert_string_equal(response->groups->group_type, type);
	assert_string_equal(response->groups->protocol_type, "consumer");
	return response->groups->group_state;
}

static void members_stay_over_a_restart(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	const struct tarn_consumer_group_heartbeat_response *answer = beat(driver, "A", 0);
	assert_int_equal(answer->error_code, TARN_KAFKA_NONE);
	assert_string_equal(answer->member_id, "A");
	assert_int_equal(answer->member_epoch, 1);
	assert_int_equal(answer->heartbeat_interval_ms, 5000);
	assert_int_equal(answer->assignment->n_topic_partitions, 1);
	assert_int_equal(answer->assignment->topic_partitions->n_partitions, 2);
	assert_int_equal(commit(driver, "A", 1, 9), TARN_KAFKA_NONE);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(beat(driver, "A", 1)->error_code, TARN_KAFKA_NONE);
		assert_int_equal(beat(driver, "A", 2)->error_code, TARN_KAFKA_FENCED_MEMBER_EPOCH);
		assert_int_equal(beat(driver, "B", 1)->error_code, TARN_KAFKA_UNKNOWN_MEMBER_ID);
		assert_int_equal(commit(driver, "A", 2, 9), TARN_KAFKA_STALE_MEMBER_EPOCH);
		assert_int_equal(commit(driver, "A", 1, 8), TARN_KAFKA_UNSUPPORTED_VERSION);
		assert_int_equal(commit(driver, "", -1, 9), TARN_KAFKA_UNKNOWN_MEMBER_ID);
		assert_int_equal(fetch(driver, "A", 2)->error_code, TARN_KAFKA_STALE_MEMBER_EPOCH);
		assert_int_equal(fetch(driver, "A", 1)->topics->partitions->committed_offset, 7);
		assert_int_equal(fetch(driver, NULL, -1)->topics->partitions->committed_offset, 7);
		assert_string_equal(listed(driver, "consumer"), "Stable");
		assert_string_equal(listed(driver, "classic"), "none");
		driver_reopen(driver);
	}
	assert_int_equal(beat(driver, "A", -1)->error_code, TARN_KAFKA_NONE);
	driver_reopen(driver);
	assert_int_equal(beat(driver, "A", 1)->error_code, TARN_KAFKA_UNKNOWN_MEMBER_ID);
	assert_string_equal(listed(driver, "consumer"), "Empty");
	assert_int_equal(fetch(driver, NULL, -1)->topics->partitions->committed_offset, 7);
}

static void groups_are_described_and_deleted(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(beat(driver, "A", 0)->error_code, TARN_KAFKA_NONE);
	const struct tarn_consumer_group_describe_response_group *group = describe(driver, "g");
	assert_int_equal(group->error_code, TARN_KAFKA_NONE);
	assert_string_equal(group->group_state, "Stable");
	assert_string_equal(group->assignor_name, "uniform");
	assert_int_equal(group->group_epoch, 1);
	assert_int_equal(group->n_members, 1);
	assert_string_equal(group->members->subscribed_topic_names[0], "t");
	assert_string_equal(group->members->assignment->topic_partitions->topic_name, "t");
	assert_int_equal(group->members->target_assignment->topic_partitions->n_partitions, 2);
	assert_int_equal(group->members->member_type, 1);
	assert_int_equal(describe(driver, "none")->error_code, TARN_KAFKA_GROUP_ID_NOT_FOUND);

	const char *name = "g";
	struct tarn_describe_groups_request old = { &name, 1, false };
	const struct tarn_describe_groups_response *told = driver_ask(driver, TARN_API_DESCRIBE_GROUPS, 5, &old);
	assert_string_equal(told->groups->group_state, "Stable");
	assert_string_equal(told->groups->protocol_data, "uniform");
	/* Version, one topic "t" with two partitions, no user data. */
	static const char assignment[] = "\0\0\0\0\0\1\0\1t\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0";
	assert_int_equal(told->groups->members->member_assignment.len, sizeof(assignment));
	assert_memory_equal(told->groups->members->member_assignment.data, assignment, sizeof(assignment));
	told = driver_ask(driver, TARN_API_DESCRIBE_GROUPS, 6, &old);
	assert_int_equal(told->groups->error_code, TARN_KAFKA_GROUP_ID_NOT_FOUND);

	struct tarn_delete_groups_request deletion = { &name, 1 };
	const struct tarn_delete_groups_response *deleted = driver_ask(driver, TARN_API_DELETE_GROUPS, 2, &deletion);
	assert_int_equal(deleted->results->error_code, TARN_KAFKA_NON_EMPTY_GROUP);
	assert_int_equal(beat(driver, "A", -1)->error_code, TARN_KAFKA_NONE);
	deleted = driver_ask(driver, TARN_API_DELETE_GROUPS, 2, &deletion);
	assert_int_equal(deleted->results->error_code, TARN_KAFKA_NONE);
	assert_string_equal(listed(driver, "consumer"), "none");
	driver_reopen(driver);
	assert_string_equal(listed(driver, "consumer"), "none");
}

/* ---- settings ---- */

static int16_t set(struct driver *driver, const char *group, const char *name, int8_t operation, const char *value)
{
	struct tarn_incremental_alter_configs_request_config change = { name, operation, value };
	struct tarn_incremental_alter_configs_request_resource resource = { GROUP, group, &change, 1 };
	struct tarn_incremental_alter_configs_request request = { &resource, 1, false };
	struct tarn_incremental_alter_configs_response *response =
		driver_ask(driver, TARN_API_INCREMENTAL_ALTER_CONFIGS, 1, &request);
	return response->resources->error_code;
}

static void assert_setting(struct driver *driver, const char *name, const char *value, int8_t source)
{
	struct tarn_describe_configs_request_resource resource = { GROUP, "g", &name, 1 };
	struct tarn_describe_configs_request request = { &resource, 1, true, true };
	const struct tarn_describe_configs_response *response =
		driver_ask(driver, TARN_API_DESCRIBE_CONFIGS, 4, &request);
	assert_int_equal(response->results->error_code, TARN_KAFKA_NONE);
	assert_int_equal(response->results->n_configs, 1);
	assert_string_equal(response->results->configs->value, value);
	assert_int_equal(response->results->configs->config_source, source);
}

static void settings_of_a_group_count(void **state)
{
	static const char session[] = "consumer.session.timeout.ms", interval[] = "consumer.heartbeat.interval.ms";
	static const struct {
		const char *group, *name, *value;
		int16_t error;
	} cases[] = {
		{ "g", "consumer.session.timeout.ms", "44999", TARN_KAFKA_INVALID_CONFIG },
		{ "g", "consumer.session.timeout.ms", "60001", TARN_KAFKA_INVALID_CONFIG },
		{ "g", "consumer.heartbeat.interval.ms", "soon", TARN_KAFKA_INVALID_CONFIG },
		{ "g", "no.such.setting", "1", TARN_KAFKA_INVALID_CONFIG },
		{ "", "consumer.session.timeout.ms", "50000", TARN_KAFKA_INVALID_REQUEST },
		{ "g", "consumer.session.timeout.ms", "50000", TARN_KAFKA_NONE },
		{ "g", "consumer.heartbeat.interval.ms", "7000", TARN_KAFKA_NONE },
	};
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	assert_setting(driver, session, "45000", DEFAULT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(set(driver, cases[i].group, cases[i].name, SET, cases[i].value), cases[i].error);
	assert_setting(driver, session, "50000", OF_GROUP);
	driver_reopen(driver);
	assert_setting(driver, interval, "7000", OF_GROUP);
	assert_int_equal(beat(driver, "A", 0)->heartbeat_interval_ms, 7000);
	assert_int_equal(set(driver, "g", interval, DELETE, NULL), TARN_KAFKA_NONE);
	assert_setting(driver, interval, "5000", DEFAULT);
	assert_int_equal(beat(driver, "A", 1)->heartbeat_interval_ms, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(members_stay_over_a_restart, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(groups_are_described_and_deleted, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(settings_of_a_group_count, driver_setup, driver_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
