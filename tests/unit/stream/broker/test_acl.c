/* Access control lists: the decision, the filters, what is kept, and every handler that must ask. */
#include "base/file.h"
#include "broker_driver.h"
#include "stream/broker/acl.h"

#define TOPIC TARN_RESOURCE_TOPIC
#define LITERAL TARN_PATTERN_LITERAL
#define PREFIXED TARN_PATTERN_PREFIXED
#define ALLOW TARN_PERMISSION_ALLOW
#define DENY TARN_PERMISSION_DENY

static const struct tarn_acl entries[] = {
	{ TOPIC, LITERAL, "t", "User:alice", "*", TARN_ACL_READ, ALLOW },
	{ TOPIC, LITERAL, "t", "User:bob", "10.0.0.1", TARN_ACL_WRITE, ALLOW },
	{ TOPIC, PREFIXED, "log-", "User:*", "*", TARN_ACL_ALL, ALLOW },
	{ TOPIC, PREFIXED, "log-secret", "User:eve", "*", TARN_ACL_READ, DENY },
	{ TARN_RESOURCE_GROUP, LITERAL, "*", "User:alice", "*", TARN_ACL_READ, ALLOW },
	{ TARN_RESOURCE_CLUSTER, LITERAL, TARN_CLUSTER_NAME, "User:alice", "*", TARN_ACL_ALTER_CONFIGS, ALLOW },
};
enum { N_ENTRIES = sizeof(entries) / sizeof(*entries) };

static struct tarn_acls *open_acls(const char *data)
{
	struct tarn_acls *acls;
	struct tarn_err err;
	if (tarn_acls_open(data, "User:root;User:admin", &acls, &err))
		fail_msg("%s", err.message);
	return acls;
}

static void who_may_what(void **state)
{
	(void)state;
	static const struct {
		const char *principal, *host;
		enum tarn_acl_operation operation;
		enum tarn_resource_type type;
		const char *name;
		bool allowed;
	} cases[] = {
		{ "User:alice", "10.0.0.9", TARN_ACL_READ, TOPIC, "t", true },
		{ "User:alice", "10.0.0.9", TARN_ACL_DESCRIBE, TOPIC, "t", true },
		{ "User:alice", "10.0.0.9", TARN_ACL_WRITE, TOPIC, "t", false },
		{ "User:bob", "10.0.0.1", TARN_ACL_WRITE, TOPIC, "t", true },
		{ "User:bob", "10.0.0.2", TARN_ACL_WRITE, TOPIC, "t", false },
		{ "User:eve", "10.0.0.1", TARN_ACL_READ, TOPIC, "t", false },
		{ "User:admin", "10.0.0.1", TARN_ACL_DELETE, TOPIC, "t", true },
		{ "User:eve", "10.0.0.1", TARN_ACL_READ, TOPIC, "tt", true }, /* no list is about it */
		{ "User:eve", "10.0.0.1", TARN_ACL_WRITE, TOPIC, "log-a", true },
		{ "User:eve", "10.0.0.1", TARN_ACL_READ, TOPIC, "log-secret-1", false },
		{ "User:eve", "10.0.0.1", TARN_ACL_DESCRIBE, TOPIC, "log-secret-1", true },
		{ "User:bob", "10.0.0.1", TARN_ACL_READ, TOPIC, "log-secret-1", true },
		{ "User:alice", "10.0.0.1", TARN_ACL_READ, TARN_RESOURCE_GROUP, "any", true },
		{ "User:bob", "10.0.0.1", TARN_ACL_READ, TARN_RESOURCE_GROUP, "any", false },
		{ "User:alice", "10.0.0.1", TARN_ACL_DESCRIBE_CONFIGS, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME, true },
		{ "User:alice", "10.0.0.1", TARN_ACL_CREATE, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME, false },
		{ "User:eve", "10.0.0.1", TARN_ACL_WRITE, TARN_RESOURCE_TRANSACTIONAL_ID, "t", true },
	};
	struct tarn_broker broker = { .acls = open_acls(NULL) };
	assert_int_equal(tarn_acls_add(broker.acls, entries, N_ENTRIES, NULL), TARN_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (tarn_acls_authorize(&broker, cases[i].principal, cases[i].host, cases[i].operation, cases[i].type,
					cases[i].name) != cases[i].allowed)
			fail_msg("case %zu: expected %d", i, cases[i].allowed);
	tarn_acls_free(broker.acls);
}

static void filters_choose(void **state)
{
	(void)state;
	static const struct {
		struct tarn_acl filter;
		size_t n;
	} cases[] = {
		{ { TARN_RESOURCE_ANY, TARN_PATTERN_ANY, NULL, NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY }, 6 },
		{ { TOPIC, TARN_PATTERN_ANY, NULL, NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY }, 4 },
		{ { TOPIC, LITERAL, "t", NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY }, 2 },
		{ { TOPIC, PREFIXED, "log-secret", NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY }, 1 },
		{ { TOPIC, LITERAL, "log-secret", NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY }, 0 },
		{ { TOPIC, TARN_PATTERN_MATCH, "log-secret-1", NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY }, 2 },
		{ { TARN_RESOURCE_GROUP, TARN_PATTERN_MATCH, "g", NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY }, 1 },
		{ { TARN_RESOURCE_ANY, TARN_PATTERN_ANY, NULL, "User:alice", NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY },
		  3 },
		{ { TARN_RESOURCE_ANY, TARN_PATTERN_ANY, NULL, NULL, "10.0.0.1", TARN_ACL_ANY, TARN_PERMISSION_ANY },
		  1 },
		{ { TARN_RESOURCE_ANY, TARN_PATTERN_ANY, NULL, NULL, NULL, TARN_ACL_READ, TARN_PERMISSION_ANY }, 3 },
		{ { TARN_RESOURCE_ANY, TARN_PATTERN_ANY, NULL, NULL, NULL, TARN_ACL_ANY, DENY }, 1 },
	};
	struct tarn_arena arena;
	struct tarn_acl *found;
	struct tarn_acls *acls = open_acls(NULL);
	tarn_arena_init(&arena);
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(tarn_acls_add(acls, entries, N_ENTRIES, NULL), TARN_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t n = tarn_acls_find(acls, &cases[i].filter, &arena, &found);
		if (n != cases[i].n)
			fail_msg("case %zu: %zu entries, expected %zu", i, n, cases[i].n);
	}
	tarn_arena_release(&arena);
	tarn_acls_free(acls);
}

static void what_is_no_entry_is_refused(void **state)
{
	(void)state;
	static const struct tarn_acl cases[] = {
		{ TARN_RESOURCE_ANY, LITERAL, "t", "User:a", "*", TARN_ACL_READ, ALLOW },
		{ (enum tarn_resource_type)99, LITERAL, "t", "User:a", "*", TARN_ACL_READ, ALLOW },
		{ TOPIC, TARN_PATTERN_MATCH, "t", "User:a", "*", TARN_ACL_READ, ALLOW },
		{ TOPIC, LITERAL, "", "User:a", "*", TARN_ACL_READ, ALLOW },
		{ TOPIC, LITERAL, "t", "alice", "*", TARN_ACL_READ, ALLOW },
		{ TOPIC, LITERAL, "t", "User:", "*", TARN_ACL_READ, ALLOW },
		{ TOPIC, LITERAL, "t", "User:a", "", TARN_ACL_READ, ALLOW },
		{ TOPIC, LITERAL, "t", "User:a", "*", TARN_ACL_ANY, ALLOW },
		{ TOPIC, LITERAL, "t", "User:a", "*", TARN_ACL_READ, TARN_PERMISSION_ANY },
		{ TARN_RESOURCE_CLUSTER, LITERAL, "t", "User:a", "*", TARN_ACL_READ, ALLOW },
	};
	struct tarn_err err;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (tarn_acl_check(&cases[i], &err) != TARN_EINVALID)
			fail_msg("case %zu", i);
}

/* ---- in a broker ---- */

static int setup(void **state)
{
	driver_setup(state);
	struct driver *driver = *state;
	driver->broker.acls = open_acls(driver->folder);
	driver->broker.authorize = tarn_acls_authorize;
	return 0;
}

static int teardown(void **state)
{
	struct driver *driver = *state;
	tarn_acls_free(driver->broker.acls);
	return driver_teardown(state);
}

static void become(struct driver *driver, const char *principal)
{
	snprintf(driver->session.principal, sizeof(driver->session.principal), "%s", principal);
}

static void lists_are_made_told_and_taken_away(void **state)
{
	struct driver *driver = *state;
	become(driver, "User:admin");
	struct tarn_create_acls_request_creation creations[] = {
		{ TOPIC, "t", LITERAL, "User:alice", "*", TARN_ACL_READ, ALLOW },
		{ TOPIC, "t", LITERAL, "nobody", "*", TARN_ACL_READ, ALLOW },
		{ TOPIC, "t", LITERAL, "User:bob", "*", TARN_ACL_WRITE, ALLOW },
	};
	struct tarn_create_acls_request create = { creations, 3 };
	struct tarn_create_acls_response *created = driver_ask(driver, TARN_API_CREATE_ACLS, 2, &create);
	assert_int_equal(created->n_results, 3);
	assert_int_equal(created->results[0].error_code, TARN_KAFKA_NONE);
	assert_int_equal(created->results[1].error_code, TARN_KAFKA_INVALID_REQUEST);
	assert_non_null(created->results[1].error_message);
	assert_int_equal(created->results[2].error_code, TARN_KAFKA_NONE);
	struct tarn_acls *again = open_acls(driver->folder);
	struct tarn_acl *found;
	const struct tarn_acl all = { TARN_RESOURCE_ANY, TARN_PATTERN_ANY,   NULL, NULL, NULL,
				      TARN_ACL_ANY,	 TARN_PERMISSION_ANY };
	assert_int_equal(tarn_acls_find(again, &all, &driver->arena, &found), 2);
	assert_string_equal(found[1].principal, "User:bob");
	tarn_acls_free(again);
	struct tarn_describe_acls_request ask = { .resource_type_filter = TARN_RESOURCE_ANY,
						  .pattern_type_filter = TARN_PATTERN_ANY,
						  .operation = TARN_ACL_ANY,
						  .permission_type = TARN_PERMISSION_ANY };
	struct tarn_describe_acls_response *told = driver_ask(driver, TARN_API_DESCRIBE_ACLS, 2, &ask);
	assert_int_equal(told->error_code, TARN_KAFKA_NONE);
	assert_int_equal(told->n_resources, 1);
	assert_int_equal(told->resources->n_acls, 2);
	struct tarn_delete_acls_request_filter filters[] = {
		{ TOPIC, "t", TARN_PATTERN_ANY, "User:alice", NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY },
		{ TARN_RESOURCE_UNKNOWN, NULL, TARN_PATTERN_ANY, NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY },
	};
	struct tarn_delete_acls_request take = { filters, 2 };
	struct tarn_delete_acls_response *taken = driver_ask(driver, TARN_API_DELETE_ACLS, 2, &take);
	assert_int_equal(taken->filter_results[0].n_matching_acls, 1);
	assert_string_equal(taken->filter_results[0].matching_acls->principal, "User:alice");
	assert_int_equal(taken->filter_results[1].error_code, TARN_KAFKA_INVALID_REQUEST);
	assert_int_equal(tarn_acls_find(driver->broker.acls, &all, &driver->arena, &found), 1);
	again = open_acls(driver->folder);
	assert_int_equal(tarn_acls_find(again, &all, &driver->arena, &found), 1);
	tarn_acls_free(again);
}

static void a_damaged_file_is_not_passed_over(void **state)
{
	struct driver *driver = *state;
	struct tarn_acls *acls;
	struct tarn_err err;
	char path[128];
	static const char *const texts[] = { "", "[", "{}", "[{\"resource_type\": 2}]", "[7]" };
	snprintf(path, sizeof(path), "%s/acls.json", driver->folder);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(tarn_file_replace(path, tarn_slice_str(texts[i]), &err), TARN_OK);
		assert_int_equal(tarn_acls_open(driver->folder, NULL, &acls, &err), TARN_EINVALID);
	}
}

/* Everything that is done to the topic "closed" is refused to eve; she may not even learn that it is there. */
static void every_handler_asks(void **state)
{
	struct driver *driver = *state;
	const struct tarn_acl only_alice[] = {
		{ TOPIC, LITERAL, "closed", "User:alice", "*", TARN_ACL_ALL, ALLOW },
		{ TARN_RESOURCE_CLUSTER, LITERAL, TARN_CLUSTER_NAME, "User:alice", "*", TARN_ACL_ALL, ALLOW },
		{ TARN_RESOURCE_TRANSACTIONAL_ID, LITERAL, "id", "User:alice", "*", TARN_ACL_ALL, ALLOW },
	};
	assert_int_equal(driver_create(driver, "closed", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(driver_create(driver, "open", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(tarn_acls_add(driver->broker.acls, only_alice, 3, NULL), TARN_OK);
	become(driver, "User:eve");
	const int16_t refused = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
	assert_int_equal(driver_produce(driver, "closed", 0, -1, NULL, driver_batch(driver, 1, "v"))->error_code,
			 refused);
	assert_int_equal(driver_produce(driver, "open", 0, -1, "id", driver_batch(driver, 1, "v"))->error_code,
			 TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
	assert_int_equal(driver_fetch(driver, "closed", 0, 0, false)->error_code, refused);
	struct tarn_metadata_request everything = { .topics = NULL, .allow_auto_topic_creation = true };
	struct tarn_metadata_response *metadata = driver_ask(driver, TARN_API_METADATA, 9, &everything);
	for (size_t i = 0; i < metadata->n_topics; i++)
		assert_string_not_equal(metadata->topics[i].name, "closed");
	struct tarn_metadata_request_topic names[] = { { .name = "closed" }, { .name = "open" }, { .name = "new" } };
	struct tarn_metadata_request named = { names, 3, true, false, true };
	metadata = driver_ask(driver, TARN_API_METADATA, 9, &named);
	assert_int_equal(metadata->topics[0].error_code, refused);
	assert_int_equal(metadata->topics[1].error_code, TARN_KAFKA_NONE);
	assert_int_equal(metadata->topics[2].error_code, TARN_KAFKA_NONE); /* "new" itself is open to all */
	struct tarn_delete_topics_request delete = { .topic_names = (const char *[]){ "closed" }, .n_topic_names = 1 };
	struct tarn_delete_topics_response *deleted = driver_ask(driver, TARN_API_DELETE_TOPICS, 5, &delete);
	assert_int_equal(deleted->topics->error_code, refused);
	struct tarn_create_partitions_request_topic more = { "closed", 5, NULL, 0 };
	struct tarn_create_partitions_request grow = { &more, 1, 1000, false };
	struct tarn_create_partitions_response *grown = driver_ask(driver, TARN_API_CREATE_PARTITIONS, 2, &grow);
	assert_int_equal(grown->results->error_code, refused);
	struct tarn_describe_configs_request_resource resource = { 2, "closed", NULL, 0 };
	struct tarn_describe_configs_request configs = { &resource, 1, false, false };
	struct tarn_describe_configs_response *described = driver_ask(driver, TARN_API_DESCRIBE_CONFIGS, 4, &configs);
	assert_int_equal(described->results->error_code, refused);
	struct tarn_alter_configs_request_resource change = { 2, "closed", NULL, 0 };
	struct tarn_alter_configs_request alter = { &change, 1, false };
	struct tarn_alter_configs_response *altered = driver_ask(driver, TARN_API_ALTER_CONFIGS, 2, &alter);
	assert_int_equal(altered->resources->error_code, refused);
	struct tarn_delete_records_request_partition until = { 0, -1 };
	struct tarn_delete_records_request_topic trim = { "closed", &until, 1 };
	struct tarn_delete_records_request records = { &trim, 1, 1000 };
	struct tarn_delete_records_response *trimmed = driver_ask(driver, TARN_API_DELETE_RECORDS, 2, &records);
	assert_int_equal(trimmed->topics->partitions->error_code, refused);
	struct tarn_init_producer_id_request init = { "id", 60000, -1, -1, false, false };
	struct tarn_init_producer_id_response *started = driver_ask(driver, TARN_API_INIT_PRODUCER_ID, 4, &init);
	assert_int_equal(started->error_code, TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
	struct tarn_describe_acls_request lists = {
		TARN_RESOURCE_ANY, NULL, TARN_PATTERN_ANY, NULL, NULL, TARN_ACL_ANY, TARN_PERMISSION_ANY
	};
	struct tarn_describe_acls_response *told = driver_ask(driver, TARN_API_DESCRIBE_ACLS, 2, &lists);
	assert_int_equal(told->error_code, TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED);
	become(driver, "User:alice");
	assert_int_equal(driver_produce(driver, "closed", 0, -1, NULL, driver_batch(driver, 1, "v"))->error_code,
			 TARN_KAFKA_NONE);
	assert_int_equal(driver_count(driver_fetch(driver, "closed", 0, 0, false)->records), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_what),
		cmocka_unit_test(filters_choose),
		cmocka_unit_test(what_is_no_entry_is_refused),
		CASE(lists_are_made_told_and_taken_away),
		CASE(a_damaged_file_is_not_passed_over),
		CASE(every_handler_asks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
