/* The client of a registry elsewhere, against a registry role's own listener. */
#include <stdio.h>

#include "../stream/registry/memory_store.h"
#include "cmocka_tarn.h"
#include "serve/http.h"

static struct memory_topic topic;
static struct tarn_registry *registry;
static struct tarn_http *http;

static bool only_ada(void *context, const char *user, const char *password)
{
	(void)context;
	return !strcmp(user, "ada") && !strcmp(password, "se:cret");
}

static void start(struct tarn_http_options options)
{
	static const struct tarn_registry_options none = { .compatibility = TARN_COMPATIBILITY_BACKWARD };
	struct tarn_err err;
	options.listen = "127.0.0.1:0";
	assert_int_equal(tarn_registry_open(&none, &memory_store, &topic, &registry, &err), TARN_OK);
	if (tarn_http_open(&options, tarn_registry_routes(registry), &http, &err))
		fail_msg("%s", err.message);
}

static int stop(void **state)
{
	(void)state;
	tarn_http_stop(http);
	tarn_registry_close(registry);
	memory_clear(&topic);
	http = NULL;
	registry = NULL;
	return 0;
}

static const char *url(const char *before)
{
	static char text[128];
	snprintf(text, sizeof(text), "%s:%d/", before, tarn_http_port(http));
	return text;
}

static struct tarn_registry_client *open_client(struct tarn_registry_client_options options)
{
	struct tarn_registry_client *client = NULL;
	struct tarn_err err;
	if (tarn_registry_client_open(&options, &client, &err))
		fail_msg("%s", err.message);
	return client;
}

static const struct tarn_schema_text schema = { .text = { (const uint8_t *)"\"int\"", 5 } };

static void asks_over_http(void **state)
{
	(void)state;
	start((struct tarn_http_options){ 0 });
	struct tarn_registry_client *client =
		open_client((struct tarn_registry_client_options){ .url = url("http://127.0.0.1") });
	const struct tarn_known_schema *known;
	struct tarn_err err;
	uint32_t id = 0;
	int32_t version = 0;
	assert_int_equal(tarn_registry_register(client, "a/b c", &schema, &id, &err), TARN_OK);
	assert_int_equal(id, 1);
	assert_int_equal(tarn_registry_latest(client, "a/b c", &version, &known, &err), TARN_OK);
	assert_int_equal(version, 1);
	assert_true(tarn_slice_eq(known->schema.text, schema.text));
	assert_int_equal(tarn_registry_by_id(client, 9, &known, &err), TARN_ENOTFOUND);
	tarn_registry_client_free(client);
}

static void says_who_it_is(void **state)
{
	(void)state;
	start((struct tarn_http_options){ .may_enter = only_ada });
	static const struct {
		const char *url, *user, *password;
		enum tarn_rc rc;
	} cases[] = {
		{ "http://127.0.0.1", "ada", "se:cret", TARN_OK },
		{ "http://ada:se%3Acret@127.0.0.1", NULL, NULL, TARN_OK },
		{ "http://127.0.0.1", "ada", "x", TARN_EINVALID },
		{ "http://127.0.0.1", NULL, NULL, TARN_EINVALID },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_registry_client *client = open_client((struct tarn_registry_client_options){
			.url = url(cases[i].url), .user = cases[i].user, .password = cases[i].password });
		uint32_t id;
		struct tarn_err err = { .message = "" };
		assert_int_equal(tarn_registry_register(client, "s", &schema, &id, &err), cases[i].rc);
		assert_true(!cases[i].rc || strstr(err.message, "refuses the credentials"));
		tarn_registry_client_free(client);
	}
}

static void trusts_whom_it_was_told_to(void **state)
{
	(void)state;
	start((struct tarn_http_options){ .tls_certificate = TEST_CERTIFICATE, .tls_key = TEST_KEY });
	for (int trusted = 0; trusted < 2; trusted++) {
		struct tarn_registry_client *client = open_client((struct tarn_registry_client_options){
			.url = url("https://127.0.0.1"), .ca = trusted ? TEST_CERTIFICATE : NULL });
		uint32_t id;
		assert_int_equal(tarn_registry_register(client, "s", &schema, &id, NULL), trusted ? TARN_OK : TARN_EIO);
		tarn_registry_client_free(client);
	}
}

static void goes_on_to_the_next(void **state)
{
	(void)state;
	start((struct tarn_http_options){ 0 });
	char urls[256];
	snprintf(urls, sizeof(urls), "http://127.0.0.1:1,%s", url("http://127.0.0.1"));
	struct tarn_registry_client *client = open_client((struct tarn_registry_client_options){ .url = urls });
	uint32_t id;
	assert_int_equal(tarn_registry_register(client, "s", &schema, &id, NULL), TARN_OK);
	tarn_registry_client_free(client);
}

static void tells_who_does_not_answer(void **state)
{
	(void)state;
	start((struct tarn_http_options){ 0 });
	struct tarn_registry_client *client =
		open_client((struct tarn_registry_client_options){ .url = "http://me:secret@127.0.0.1:1" });
	uint32_t id;
	struct tarn_err err;
	assert_int_equal(tarn_registry_register(client, "s", &schema, &id, &err), TARN_EIO);
	assert_non_null(strstr(err.message, "http://127.0.0.1:1"));
	assert_null(strstr(err.message, "secret"));
	tarn_registry_client_free(client);
	static const char *const bad[] = { "", "localhost:8081", "ftp://x", "http://", "," };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct tarn_registry_client_options options = { .url = bad[i] };
		assert_int_equal(tarn_registry_client_open(&options, &client, &err), TARN_EINVALID);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, NULL, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asks_over_http),
		TEST(says_who_it_is),
		TEST(trusts_whom_it_was_told_to),
		TEST(goes_on_to_the_next),
		TEST(tells_who_does_not_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
