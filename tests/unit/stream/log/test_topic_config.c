#include "stream/log/topic_config.h"

#include "cmocka_tarn.h"

static void the_table_is_sound(void **state)
{
	(void)state;
	struct tarn_topic_config *config;
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++) {
		const struct tarn_topic_key *entry = &tarn_topic_keys[key];
		assert_non_null(entry->name);
		assert_true(strlen(entry->doc) > 5);
		assert_int_equal(tarn_topic_key_find(entry->name), key);
		if (key)
			assert_true(strcmp(entry[-1].name, entry->name) < 0);
		/* Each default is a value that may be set. */
		const struct tarn_topic_setting setting = { entry->name, entry->fallback };
		assert_int_equal(tarn_topic_config_make(NULL, &setting, 1, &config, NULL), TARN_OK);
		assert_string_equal(config->own[key], entry->fallback);
		tarn_topic_config_free(config);
	}
	assert_int_equal(tarn_topic_key_find("cleanup"), TARN_TOPIC_N_KEYS);
}

static void values_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *key, *value;
		enum tarn_rc rc;
	} cases[] = {
		{ "cleanup.policy", "compact", TARN_OK },
		{ "cleanup.policy", "compact,delete", TARN_OK },
		{ "cleanup.policy", "delete, compact", TARN_OK },
		{ "cleanup.policy", "", TARN_EINVALID },
		{ "cleanup.policy", "delete,", TARN_EINVALID },
		{ "cleanup.policy", "compactdelete", TARN_EINVALID },
		{ "cleanup.policy", "comp", TARN_EINVALID },
		{ "compression.type", "zstd", TARN_OK },
		{ "compression.type", "zstd lz4", TARN_EINVALID },
		{ "compression.type", "brotli", TARN_EINVALID },
		{ "retention.ms", "-1", TARN_OK },
		{ "retention.ms", "-2", TARN_EINVALID },
		{ "retention.ms", "9223372036854775807", TARN_OK },
		{ "retention.ms", "9223372036854775808", TARN_EINVALID },
		{ "retention.ms", "12h", TARN_EINVALID },
		{ "retention.ms", "", TARN_EINVALID },
		{ "retention.ms", " ", TARN_EINVALID },
		{ "segment.bytes", "14", TARN_OK },
		{ "segment.bytes", "13", TARN_EINVALID },
		{ "segment.bytes", "2147483648", TARN_EINVALID },
		{ "min.cleanable.dirty.ratio", "0.25", TARN_OK },
		{ "min.cleanable.dirty.ratio", "1.01", TARN_EINVALID },
		{ "min.cleanable.dirty.ratio", "nan", TARN_EINVALID },
		{ "preallocate", "true", TARN_OK },
		{ "preallocate", "yes", TARN_EINVALID },
		{ "message.timestamp.type", "LogAppendTime", TARN_OK },
		{ "message.timestamp.type", "logappendtime", TARN_EINVALID },
		{ "no.such.key", "1", TARN_EINVALID },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_topic_config *config;
		struct tarn_err err = { 0 };
		const struct tarn_topic_setting setting = { cases[i].key, cases[i].value };
		enum tarn_rc rc = tarn_topic_config_make(NULL, &setting, 1, &config, &err);
		if (rc != cases[i].rc)
			fail_msg("%s=\"%s\": %s %s", cases[i].key, cases[i].value, tarn_rc_name(rc), err.message);
		if (!rc)
			tarn_topic_config_free(config);
	}
}

static void all_or_none(void **state)
{
	(void)state;
	struct tarn_topic_config *first, *second, *third = NULL;
	static const struct tarn_topic_setting start[] = { { "cleanup.policy", "compact,delete" },
							   { "retention.ms", "5" } },
					       change[] = { { "retention.ms", NULL }, { "segment.bytes", "100" } },
					       wrong[] = { { "segment.bytes", "200" }, { "retention.ms", "x" } };
	assert_int_equal(tarn_topic_config_make(NULL, start, 2, &first, NULL), TARN_OK);
	assert_true(first->compact && first->delete &&!first->append_time);
	assert_int_equal(first->number[TARN_TOPIC_RETENTION_MS], 5);
	assert_int_equal(first->number[TARN_TOPIC_FLUSH_MESSAGES], 1);
	assert_int_equal(first->compression, -1);
	assert_int_equal(tarn_topic_config_make(first, change, 2, &second, NULL), TARN_OK);
	assert_int_equal(second->number[TARN_TOPIC_RETENTION_MS], 604800000);
	assert_int_equal(second->number[TARN_TOPIC_SEGMENT_BYTES], 100);
	assert_true(second->compact);
	assert_int_equal(tarn_topic_config_make(second, wrong, 2, &third, NULL), TARN_EINVALID);
	assert_null(third);
	assert_int_equal(second->number[TARN_TOPIC_SEGMENT_BYTES], 100);
	tarn_topic_config_free(first);
	tarn_topic_config_free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(all_or_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
