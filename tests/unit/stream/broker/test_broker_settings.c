#include "stream/broker/broker_settings.h"

#include "broker_driver.h"

enum { TOPIC = 2, BROKER = 4 };
enum { SET, DELETE, APPEND, SUBTRACT };
enum { OF_TOPIC = 1, OF_BROKER, OF_CLUSTER, GIVEN, DEFAULT };

typedef struct tarn_describe_configs_response_config config;

static struct tarn_describe_configs_response_result *describe(struct driver *driver, int8_t type, const char *name)
{
	struct tarn_describe_configs_request_resource resource = { type, name, NULL, 0 };
	struct tarn_describe_configs_request request = { &resource, 1, true, true };
	struct tarn_describe_configs_response *response = driver_ask(driver, TARN_API_DESCRIBE_CONFIGS, 4, &request);
	assert_int_equal(response->n_results, 1);
	return response->results;
}

static const config *find(const struct tarn_describe_configs_response_result *result, const char *name)
{
	for (size_t i = 0; i < result->n_configs; i++)
		if (!strcmp(result->configs[i].name, name))
			return &result->configs[i];
	return NULL;
}

static int16_t increment(struct driver *driver, int8_t type, const char *resource_name, const char *name,
			 int8_t operation, const char *value)
{
	struct tarn_incremental_alter_configs_request_config change = { name, operation, value };
	struct tarn_incremental_alter_configs_request_resource resource = { type, resource_name, &change, 1 };
	struct tarn_incremental_alter_configs_request request = { &resource, 1, false };
	struct tarn_incremental_alter_configs_response *response =
		driver_ask(driver, TARN_API_INCREMENTAL_ALTER_CONFIGS, 1, &request);
	return response->resources->error_code;
}

/* Each row of both tables, with its type, its default and what it means; what may be changed takes its default. */
static void test_every_setting_is_described(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	const struct tarn_describe_configs_response_result *of_broker = describe(driver, BROKER, "1"),
							   *of_topic = describe(driver, TOPIC, "t");
	struct tarn_broker_setting setting;
	size_t n = 0, n_changed = 0;
	for (; tarn_broker_setting_at(n, &setting); n++) {
		const config *told = find(of_broker, setting.name);
		if (!told || told->config_type != (int8_t)setting.key->type || !told->documentation ||
		    strlen(told->documentation) < 8 || !told->n_synonyms || told->read_only != setting.read_only)
			fail_msg("\"%s\" is not described", setting.name);
		const struct tarn_describe_configs_response_synonym *last = &told->synonyms[told->n_synonyms - 1];
		assert_int_equal(last->source, DEFAULT);
		assert_string_equal(last->value, setting.key->fallback);
		assert_int_equal(told->config_source, setting.given ? GIVEN : DEFAULT);
		if (setting.read_only)
			continue;
		n_changed++;
		if (increment(driver, BROKER, "", setting.name, SET, setting.key->fallback))
			fail_msg("\"%s\" does not take its default", setting.name);
	}
	assert_int_equal(of_broker->n_configs, n);
	assert_int_equal(describe(driver, BROKER, "")->n_configs, n_changed);
	assert_int_equal(of_topic->n_configs, TARN_TOPIC_N_KEYS);
	for (size_t i = 0; i < TARN_TOPIC_N_KEYS; i++) {
		const config *told = find(of_topic, tarn_topic_keys[i].name);
		if (!told || told->config_type != (int8_t)tarn_topic_keys[i].type || !told->documentation ||
		    strlen(told->documentation) < 8 || told->config_source != DEFAULT || told->read_only)
			fail_msg("\"%s\" is not described", tarn_topic_keys[i].name);
		assert_string_equal(told->value, tarn_topic_keys[i].fallback);
	}
}

static void assert_told(struct driver *driver, int8_t type, const char *resource, const char *name, const char *value,
			int8_t source)
{
	const config *told = find(describe(driver, type, resource), name);
	assert_non_null(told);
	assert_string_equal(told->value, value);
	assert_int_equal(told->config_source, source);
	assert_string_equal(told->synonyms[0].value, value);
	assert_int_equal(told->synonyms[0].source, source);
}

static void changes_count_at_once_and_after_a_restart(void **state)
{
	struct driver *driver = *state;
	static const char *const big = "a value of more than twenty bytes";
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(driver_create(driver, "own", 1, "max.message.bytes", "5000"), TARN_KAFKA_NONE);
	assert_int_equal(increment(driver, BROKER, "", "message.max.bytes", SET, "20"), TARN_KAFKA_NONE);
	assert_told(driver, BROKER, "1", "message.max.bytes", "20", OF_CLUSTER);
	assert_told(driver, TOPIC, "t", "max.message.bytes", "20", OF_CLUSTER);
	assert_told(driver, TOPIC, "own", "max.message.bytes", "5000", OF_TOPIC);
	assert_int_equal(driver_produce(driver, "t", 0, -1, NULL, driver_batch(driver, 1, big))->error_code,
			 TARN_KAFKA_MESSAGE_TOO_LARGE);
	assert_int_equal(driver_produce(driver, "own", 0, -1, NULL, driver_batch(driver, 1, big))->error_code,
			 TARN_KAFKA_NONE);
	assert_int_equal(increment(driver, BROKER, "1", "message.max.bytes", SET, "3000"), TARN_KAFKA_NONE);
	assert_told(driver, BROKER, "1", "message.max.bytes", "3000", OF_BROKER);
	assert_told(driver, BROKER, "", "message.max.bytes", "20", OF_CLUSTER);
	assert_int_equal(driver_produce(driver, "t", 0, -1, NULL, driver_batch(driver, 1, big))->error_code,
			 TARN_KAFKA_NONE);
	driver_reopen(driver);
	assert_told(driver, TOPIC, "t", "max.message.bytes", "3000", OF_BROKER);
	assert_int_equal(increment(driver, BROKER, "1", "message.max.bytes", DELETE, NULL), TARN_KAFKA_NONE);
	assert_told(driver, TOPIC, "t", "max.message.bytes", "20", OF_CLUSTER);
	assert_int_equal(driver_produce(driver, "t", 0, -1, NULL, driver_batch(driver, 1, big))->error_code,
			 TARN_KAFKA_MESSAGE_TOO_LARGE);
	assert_int_equal(increment(driver, BROKER, "", "message.max.bytes", DELETE, NULL), TARN_KAFKA_NONE);
	assert_told(driver, TOPIC, "t", "max.message.bytes", "1048588", DEFAULT);
	assert_null(find(describe(driver, BROKER, ""), "message.max.bytes"));
}

static void what_cannot_be_is_refused(void **state)
{
	struct driver *driver = *state;
	static const struct {
		const char *resource, *name;
		int8_t operation;
		const char *value;
		int16_t error;
		const char *after; /* NULL: not told of */
	} cases[] = {
		{ "1", "num.network.threads", SET, "7", TARN_KAFKA_NONE, "7" },
		{ "1", "num.network.threads", SET, "seven", TARN_KAFKA_INVALID_REQUEST, "7" },
		{ "1", "num.network.threads", SET, "0", TARN_KAFKA_INVALID_REQUEST, "7" },
		{ "1", "num.network.threads", APPEND, "8", TARN_KAFKA_INVALID_CONFIG, "7" },
		{ "1", "num.network.threads", DELETE, "", TARN_KAFKA_NONE, "3" },
		{ "1", "log.cleanup.policy", APPEND, "compact", TARN_KAFKA_NONE, "delete,compact" },
		{ "1", "log.cleanup.policy", SUBTRACT, "delete", TARN_KAFKA_NONE, "compact" },
		{ "1", "log.cleanup.policy", SET, "burn", TARN_KAFKA_INVALID_REQUEST, "compact" },
		{ "1", "num.partitions", SET, "7", TARN_KAFKA_INVALID_REQUEST, "1" },
		{ "", "num.partitions", SET, "7", TARN_KAFKA_INVALID_REQUEST, NULL },
		{ "", "num.partitions", DELETE, NULL, TARN_KAFKA_NONE, NULL },
		{ "", "no.such.setting", SET, "7", TARN_KAFKA_INVALID_REQUEST, NULL },
		{ "", "retention.ms", SET, "7", TARN_KAFKA_INVALID_REQUEST, NULL },
		{ "", "sasl.kerberos.min.time.before.relogin", SET, "58000", TARN_KAFKA_NONE, "58000" },
		{ "", "sasl.kerberos.min.time.before.relogin", SET, NULL, TARN_KAFKA_INVALID_REQUEST, "58000" },
		{ "", "sasl.kerberos.min.time.before.relogin", 9, "1", TARN_KAFKA_INVALID_REQUEST, "58000" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int16_t error =
			increment(driver, BROKER, cases[i].resource, cases[i].name, cases[i].operation, cases[i].value);
		const config *told = find(describe(driver, BROKER, cases[i].resource), cases[i].name);
		if (error != cases[i].error || !told != !cases[i].after ||
		    (told && strcmp(told->value, cases[i].after)))
			fail_msg("case %zu: error %d, then \"%s\"", i, error, told ? told->value : "nothing");
	}
	assert_int_equal(increment(driver, BROKER, "77", "log.retention.ms", SET, "1"), TARN_KAFKA_INVALID_REQUEST);
	assert_int_equal(describe(driver, BROKER, "77")->error_code, TARN_KAFKA_INVALID_REQUEST);
	assert_int_equal(describe(driver, 3, "1")->error_code, TARN_KAFKA_INVALID_REQUEST);
}

/* AlterConfigs names all that is to be set of one resource; the other's stay. */
static void settings_are_replaced(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(increment(driver, BROKER, "1", "log.retention.ms", SET, "5"), TARN_KAFKA_NONE);
	assert_int_equal(increment(driver, BROKER, "", "log.retention.ms", SET, "6"), TARN_KAFKA_NONE);
	struct tarn_alter_configs_request_config changes[] = { { "background.threads", "9" } };
	struct tarn_alter_configs_request_resource resource = { BROKER, "1", changes, 1 };
	struct tarn_alter_configs_request request = { &resource, 1, true };
	struct tarn_alter_configs_response *response = driver_ask(driver, TARN_API_ALTER_CONFIGS, 2, &request);
	assert_int_equal(response->resources->error_code, TARN_KAFKA_NONE);
	assert_told(driver, BROKER, "1", "log.retention.ms", "5", OF_BROKER);
	request.validate_only = false;
	response = driver_ask(driver, TARN_API_ALTER_CONFIGS, 2, &request);
	assert_int_equal(response->resources->error_code, TARN_KAFKA_NONE);
	assert_told(driver, BROKER, "1", "background.threads", "9", OF_BROKER);
	assert_told(driver, BROKER, "1", "log.retention.ms", "6", OF_CLUSTER);
	changes[0].name = "node.id";
	response = driver_ask(driver, TARN_API_ALTER_CONFIGS, 2, &request);
	assert_int_equal(response->resources->error_code, TARN_KAFKA_INVALID_REQUEST);
	assert_told(driver, BROKER, "1", "background.threads", "9", OF_BROKER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_setting_is_described, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(changes_count_at_once_and_after_a_restart, driver_setup,
						driver_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, driver_setup, driver_teardown),
		cmocka_unit_test_setup_teardown(settings_are_replaced, driver_setup, driver_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
