#include "store/object/s3_lent.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cmocka_tarn.h"

static const char *const variables[] = {
	"TARN_S3_ENDPOINT",
	"AWS_ENDPOINT_URL_S3",
	"AWS_ENDPOINT_URL",
	"TARN_S3_REGION",
	"AWS_REGION",
	"AWS_DEFAULT_REGION",
	"TARN_S3_ACCESS_KEY",
	"TARN_S3_SECRET_KEY",
	"TARN_S3_SESSION_TOKEN",
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_PROFILE",
	"TARN_S3_PATH_STYLE",
	"TARN_S3_PART_BYTES",
	"TARN_S3_ATTEMPTS",
	"TARN_S3_SINGLE_WRITER",
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CONFIG_FILE",
	"TARN_S3_CA",
	"AWS_CA_BUNDLE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	"AWS_EC2_METADATA_DISABLED",
};

struct folder {
	char path[64];
};

static int setup(void **state)
{
	struct folder *folder = tarn_calloc(1, sizeof(*folder));
	strcpy(folder->path, "/tmp/tarn-s3-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
	setenv("HOME", folder->path, 1);
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	struct folder *folder = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder->path);
	assert_int_equal(system(command), 0);
	free(folder);
	return 0;
}

static void write_file(const struct folder *folder, const char *name, const char *text)
{
	char *path = tarn_asprintf("%s/.aws", folder->path), *file = tarn_asprintf("%s/%s", path, name);
	assert_int_equal(tarn_make_folders(path, NULL), TARN_OK);
	assert_int_equal(tarn_file_replace(file, tarn_slice_str(text), NULL), TARN_OK);
	free(file);
	free(path);
}

static const struct tarn_s3_options keys = { .access_key = "key", .secret_key = "secret" };

static struct s3_config load(const char *url, const struct tarn_s3_options *options)
{
	struct s3_config config;
	struct tarn_err err;
	if (s3_config_load(url, options, &config, &err))
		fail_msg("%s", err.message);
	return config;
}

static void places_become_urls(void **state)
{
	(void)state;
	static const struct {
		const char *url, *endpoint, *region;
		int path_style;
		const char *bucket, *prefix, *place;
	} cases[] = {
		{ "s3://raw", NULL, NULL, 0, "raw", "", "https|raw.s3.us-east-1.amazonaws.com|" },
		{ "s3://raw/", NULL, "eu-west-3", 0, "raw", "", "https|raw.s3.eu-west-3.amazonaws.com|" },
		{ "s3a://raw/a/b//", NULL, "cn-north-1", 0, "raw", "a/b", "https|raw.s3.cn-north-1.amazonaws.com.cn|" },
		{ "s3://my.raw/a", NULL, NULL, 0, "my.raw", "a", "https|s3.us-east-1.amazonaws.com|/my.raw" },
		{ "s3://raw/a", NULL, NULL, 1, "raw", "a", "https|s3.us-east-1.amazonaws.com|/raw" },
		{ "s3://raw/a", "http://127.0.0.1:9000", "anything goes", 0, "raw", "a", "http|127.0.0.1:9000|/raw" },
		{ "s3://raw/a", "http://minio:80/", NULL, 0, "raw", "a", "http|minio|/raw" },
		{ "s3://raw/a", "https://minio:443/s3/", NULL, 0, "raw", "a", "https|minio|/s3/raw" },
		{ "s3://raw/a", "HTTPS://minio:4430", NULL, -1, "raw", "a", "https|raw.minio:4430|" },
		{ "s3://raw/a", "objects.example.org", NULL, 0, "raw", "a", "https|objects.example.org|/raw" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_s3_options options = keys;
		options.endpoint = cases[i].endpoint;
		options.region = cases[i].region;
		options.path_style = cases[i].path_style;
		struct s3_config config = load(cases[i].url, &options);
		char *place = tarn_asprintf("%s|%s|%s", config.scheme, config.authority, config.base_path);
		assert_string_equal(config.bucket, cases[i].bucket);
		assert_string_equal(config.prefix, cases[i].prefix);
		assert_string_equal(place, cases[i].place);
		assert_string_equal(config.region, cases[i].region ? cases[i].region : "us-east-1");
		free(place);
		s3_config_release(&config);
	}
}

static void bad_places_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *url, *endpoint;
	} cases[] = {
		{ "s3://", NULL },
		{ "s3:///a", NULL },
		{ "s3://bucket name/a", NULL },
		{ "s3://a@b/c", NULL },
		{ "s3://raw", "ftp://host" },
		{ "s3://raw", "http://" },
		{ "s3://raw", "http://user:word@host" },
		{ "s3://raw", "http://host?x=y" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_s3_options options = keys;
		struct s3_config config;
		options.endpoint = cases[i].endpoint;
		assert_int_equal(s3_config_load(cases[i].url, &options, &config, NULL), TARN_EINVALID);
	}
}

static void assert_keys(const struct tarn_s3_options *options, const char *expected)
{
	struct s3_config config = load("s3://raw", options);
	char *found = tarn_asprintf("%s %s %s", config.credentials.access_key, config.credentials.secret_key,
				    config.credentials.session_token);
	assert_string_equal(found, expected);
	free(found);
	s3_config_release(&config);
}

/* From the weakest source to the strongest; a token is never mixed with another source's keys. */
static void credentials_come_from_one_source(void **state)
{
	struct folder *folder = *state;
	struct s3_config config;
	struct tarn_err err;
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	assert_int_equal(s3_config_load("s3://raw", NULL, &config, &err), TARN_EINVALID);
	assert_string_equal(err.hint, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
	write_file(folder, "credentials",
		   "# comment\n[other]\naws_access_key_id=ko\naws_secret_access_key = so\n\n[default]\r\n"
		   "aws_access_key_id = kd\r\naws_secret_access_key= sd=+/ \r\naws_session_token=td\r\n");
	write_file(folder, "config",
		   "[profile other]\nregion = mars-1\nendpoint_url=http://other:1\n[default]\nregion=r\n");
	assert_keys(NULL, "kd sd=+/ td");
	setenv("AWS_PROFILE", "other", 1);
	assert_keys(NULL, "ko so ");
	config = load("s3://raw", NULL);
	assert_string_equal(config.region, "mars-1");
	assert_string_equal(config.authority, "other:1");
	s3_config_release(&config);
	setenv("AWS_ACCESS_KEY_ID", "ke", 1);
	assert_keys(NULL, "ko so ");
	setenv("AWS_SECRET_ACCESS_KEY", "se", 1);
	setenv("AWS_SESSION_TOKEN", "te", 1);
	assert_keys(NULL, "ke se te");
	setenv("TARN_S3_ACCESS_KEY", "kt", 1);
	setenv("TARN_S3_SECRET_KEY", "st", 1);
	assert_keys(NULL, "kt st ");
	assert_keys(&keys, "key secret ");
}

static void assert_lender(enum s3_lender lender, const char *url)
{
	struct s3_config config = load("s3://raw", NULL);
	assert_int_equal(config.lender, lender);
	if (url)
		assert_string_equal(config.lender_url, url);
	else
		assert_null(config.lender_url);
	s3_config_release(&config);
}

/* Who is asked for keys, from the weakest to the strongest. */
static void keys_are_lent_where_none_are_given(void **state)
{
	static const char *const refused[] = { "http://far/x", "ftp://localhost/x", "http://localhost.far/x", "/x" };
	static const char *const taken[] = { "https://far/x", "http://127.0.0.1:9/x", "http://localhost/x",
					     "http://169.254.170.23/v1" };
	struct s3_config config;
	(void)state;
	assert_lender(S3_LENT_TO_INSTANCE, "http://169.254.169.254");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://[fd00:ec2::254]/", 1);
	assert_lender(S3_LENT_TO_INSTANCE, "http://[fd00:ec2::254]");
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", refused[i], 1);
		assert_int_equal(s3_config_load("s3://raw", NULL, &config, NULL), TARN_EINVALID);
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", taken[i], 1);
		assert_lender(S3_LENT_TO_CONTAINER, taken[i]);
	}
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/keys", 1);
	assert_lender(S3_LENT_TO_CONTAINER, "http://169.254.170.2/v2/keys");
	setenv("AWS_ACCESS_KEY_ID", "ke", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "se", 1);
	assert_lender(S3_NOT_LENT, NULL);
}

static void a_lender_is_understood(void **state)
{
	static const struct {
		const char *answer, *found; /* NULL: refused */
		int64_t until_us;
	} cases[] = {
		{ "{\"AccessKeyId\":\"k\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":"
		  "\"1970-01-01T00:00:07Z\"}",
		  "k s t", 7000000 },
		{ "{\"Code\":\"Success\",\"AccessKeyId\":\"k\",\"SecretAccessKey\":\"s\"}", "k s ", INT64_MAX },
		{ "{\"Code\":\"Failed\",\"AccessKeyId\":\"k\",\"SecretAccessKey\":\"s\"}", NULL, 0 },
		{ "{\"AccessKeyId\":\"k\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}", NULL, 0 },
		{ "{\"AccessKeyId\":\"k\",\"SecretAccessKey\":7}", NULL, 0 },
		{ "{\"AccessKeyId\":\"k\"", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "", NULL, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct s3_credentials lent;
		int64_t until;
		enum tarn_rc rc = s3_lent_read(tarn_slice_str(cases[i].answer), &lent, &until, NULL);
		assert_int_equal(rc, cases[i].found ? TARN_OK : TARN_EIO);
		if (rc)
			continue;
		char *found = tarn_asprintf("%s %s %s", lent.access_key, lent.secret_key, lent.session_token);
		assert_string_equal(found, cases[i].found);
		assert_int_equal(until, cases[i].until_us);
		free(found);
		s3_credentials_release(&lent);
	}
}

static void the_environment_is_read(void **state)
{
	(void)state;
	setenv("AWS_ENDPOINT_URL", "http://a:1", 1);
	setenv("AWS_DEFAULT_REGION", "r1", 1);
	struct s3_config config = load("s3://raw", &keys);
	assert_string_equal(config.authority, "a:1");
	assert_string_equal(config.region, "r1");
	assert_int_equal(config.part_bytes, 8 << 20);
	s3_config_release(&config);
	setenv("TARN_S3_ENDPOINT", "http://b:2", 1);
	setenv("TARN_S3_REGION", "r2", 1);
	setenv("TARN_S3_PATH_STYLE", "no", 1);
	setenv("TARN_S3_PART_BYTES", "5242880", 1);
	setenv("TARN_S3_ATTEMPTS", "3", 1);
	setenv("TARN_S3_SINGLE_WRITER", "1", 1);
	config = load("s3://raw", &keys);
	assert_string_equal(config.authority, "raw.b:2");
	assert_string_equal(config.region, "r2");
	assert_int_equal(config.part_bytes, 5 << 20);
	assert_int_equal(config.attempts, 3);
	assert_true(config.single_writer);
	s3_config_release(&config);
}

static void bad_values_are_refused(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "TARN_S3_PART_BYTES", "5242879" }, { "TARN_S3_PART_BYTES", "8 MiB" }, { "TARN_S3_ATTEMPTS", "0" },
		{ "TARN_S3_PATH_STYLE", "maybe" },   { "TARN_S3_SINGLE_WRITER", "2" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct s3_config config;
		setenv(cases[i][0], cases[i][1], 1);
		assert_int_equal(s3_config_load("s3://raw", &keys, &config, NULL), TARN_EINVALID);
		unsetenv(cases[i][0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(places_become_urls, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_places_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(credentials_come_from_one_source, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_lent_where_none_are_given, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lender_is_understood, setup, teardown),
		cmocka_unit_test_setup_teardown(the_environment_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_values_are_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
