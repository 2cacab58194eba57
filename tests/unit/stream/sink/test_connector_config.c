#include "stream/sink/connector_config.h"

#include <jansson.h>

#include "cmocka_tarn.h"

struct fixture {
	json_t *root;
	struct tarn_arena arena;
	struct tarn_connector_config config;
	struct tarn_config_notes errors, warnings;
};

static void read_object(struct fixture *f, const json_t *object)
{
	tarn_arena_init(&f->arena);
	tarn_connector_config_read(object, &f->arena, &f->config, &f->errors, &f->warnings);
}

static void read_file(struct fixture *f, const char *path)
{
	f->root = json_load_file(path, 0, NULL);
	assert_non_null(f->root);
	read_object(f, json_object_get(f->root, "config"));
}

static void read_text(struct fixture *f, const char *text)
{
	f->root = json_loads(text, 0, NULL);
	assert_non_null(f->root);
	read_object(f, f->root);
}

static void done(struct fixture *f)
{
	tarn_arena_release(&f->arena);
	json_decref(f->root);
}

static const char *message_of(const struct tarn_config_notes *list, const char *key)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->notes[i].key, key))
			return list->notes[i].message;
	return NULL;
}

static void the_first_reference_file_is_taken(void **state)
{
	(void)state;
	struct fixture f;
	read_file(&f, TEST_DATA "/connectors/minio-sink-config.json");
	assert_int_equal(f.errors.n, 0);
	assert_string_equal(f.config.topics_regex, "vqe_decorated_result_.*");
	assert_string_equal(f.config.topics_dir, "experiments");
	assert_string_equal(f.config.access_key, "admin");
	assert_string_equal(f.config.secret_key, "admin123");
	assert_string_equal(f.config.registry_url, "http://schema-registry:8081");
	assert_true(f.config.path_style);
	assert_int_equal(f.config.flush_size, 1);
	assert_int_equal(f.config.part_size, 5242880);
	assert_int_equal(f.config.partitioner, TARN_PARTITION_DEFAULT);
	assert_int_equal(f.config.format, TARN_SINK_AVRO);
	assert_int_equal(f.config.compatibility, TARN_SINK_NONE);
	assert_true(f.config.tolerate_errors);
	assert_true(f.config.log_errors);
	assert_string_equal(message_of(&f.warnings, "s3.access.key.id"), "taken for \"aws.access.key.id\"");
	assert_string_equal(message_of(&f.warnings, "s3.path.style.access"),
			    "taken for \"s3.path.style.access.enabled\"");
	assert_non_null(message_of(&f.warnings, "refresh.topics.enabled"));
	done(&f);
}

static void the_second_reference_file_is_taken(void **state)
{
	(void)state;
	struct fixture f;
	read_file(&f, TEST_DATA "/connectors/garage-sink-config.json");
	assert_int_equal(f.errors.n, 0);
	assert_int_equal(f.config.topics.n, 1);
	assert_string_equal(f.config.topics.names[0], "experiment.vqe");
	assert_int_equal(f.config.partitioner, TARN_PARTITION_TIME);
	assert_int_equal(f.config.partition_duration, 3600000);
	assert_string_equal(f.config.path_format, "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH");
	assert_int_equal(f.config.extractor, TARN_EXTRACT_WALLCLOCK);
	assert_int_equal(f.config.part_retry_backoff, 1000);
	done(&f);
}

#define BASE "\"connector.class\":\"S3SinkConnector\",\"flush.size\":\"10\""

static void defaults_are_the_originals(void **state)
{
	(void)state;
	struct fixture f;
	read_text(&f, "{" BASE ",\"topics\":\" a , b,,c\"}");
	assert_int_equal(f.errors.n, 0);
	assert_int_equal(f.warnings.n, 0);
	assert_int_equal(f.config.topics.n, 3);
	assert_string_equal(f.config.topics.names[1], "b");
	assert_string_equal(f.config.topics_dir, "topics");
	assert_string_equal(f.config.file_delim, "+");
	assert_int_equal(f.config.offset_width, 10);
	assert_int_equal(f.config.rotate_interval, TARN_NO_INTERVAL);
	assert_int_equal(f.config.avro_codec, TARN_CODEC_NONE);
	assert_true(f.config.connect_meta_data);
	assert_string_equal(f.config.region, "us-west-2");
	assert_int_equal(f.config.part_size, 25 << 20);
	done(&f);
}

static const struct {
	const char *json, *key, *message;
} mistakes[] = {
	{ "{\"topics\":\"a\",\"flush.size\":\"1\"}", "connector.class", "missing, and it has no default" },
	{ "{\"topics\":\"a\",\"connector.class\":\"S3SinkConnector\"}", "flush.size",
	  "missing, and it has no default" },
	{ "{\"topics\":\"a\",\"connector.class\":\"S3SinkConnector\",\"flush.size\":0}", "flush.size",
	  "\"0\" is too small, expected at least 1" },
	{ "{\"topics\":\"a\",\"connector.class\":\"S3SinkConnector\",\"flush.size\":\"1x\"}", "flush.size",
	  "\"1x\" is no whole number" },
	{ "{" BASE "}", "topics", "one of \"topics\" and \"topics.regex\" is needed" },
	{ "{" BASE ",\"topics\":\"a\",\"topics.regex\":\"b\"}", "topics.regex",
	  "\"topics\" is set too, expected one of the two" },
	{ "{" BASE ",\"topics\":\"a\",\"connect.meta.data\":\"yes\"}", "connect.meta.data",
	  "\"yes\" is neither \"true\" nor \"false\"" },
	{ "{" BASE ",\"topics\":\"a\",\"partitioner.class\":\"TimeBasedPartitioner\"}", "partition.duration.ms",
	  "the TimeBasedPartitioner needs it" },
	{ "{" BASE ",\"topics\":\"a\",\"partitioner.class\":\"x.FieldPartitioner\"}", "partition.field.name",
	  "the FieldPartitioner needs it" },
	{ "{" BASE ",\"topics\":\"a\",\"format.class\":\"ByteArrayFormat\"}", "value.converter",
	  "ByteArrayFormat needs the ByteArrayConverter" },
	{ "{" BASE ",\"topics\":\"a\",\"tasks.max\":{}}", "tasks.max", "expected a text" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		struct fixture f;
		read_text(&f, mistakes[i].json);
		const char *message = message_of(&f.errors, mistakes[i].key);
		assert_non_null(message);
		assert_string_equal(message, mistakes[i].message);
		done(&f);
	}
}

static void unknown_keys_cost_a_warning_only(void **state)
{
	(void)state;
	struct fixture f;
	read_text(&f, "{" BASE ",\"topics\":\"a\",\"flush.sise\":\"7\",\"value.converter.schemas.enable\":\"true\"}");
	assert_int_equal(f.errors.n, 0);
	assert_int_equal(f.warnings.n, 1);
	assert_string_equal(message_of(&f.warnings, "flush.sise"), "unknown key, it changes nothing");
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_reference_file_is_taken),
		cmocka_unit_test(the_second_reference_file_is_taken),
		cmocka_unit_test(defaults_are_the_originals),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(unknown_keys_cost_a_warning_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
