#include "cmocka_tarn.h"

#include "base/route.h"

static void show(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	tarn_buf_printf(&response->body, "%s:", (const char *)room);
	for (size_t i = 0; i < TARN_ROUTE_MAX_PARAMS && request->params[i]; i++)
		tarn_buf_printf(&response->body, "%s;", request->params[i]);
}

static void latest(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	tarn_buf_add_str(&response->body, "latest");
}

static void refuse(void *room, int status, const char *message, struct tarn_response *response)
{
	(void)room;
	(void)message;
	response->status = status;
}

static void release_at_once(struct tarn_hold *hold)
{
	hold->release(hold);
}

static void say_given(struct tarn_hold *hold, struct tarn_response *response)
{
	(void)hold;
	tarn_buf_add_str(&response->body, "given");
}

static void hold(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	struct tarn_hold *made = tarn_arena_zalloc(request->arena, sizeof(*made));
	*made = (struct tarn_hold){ .start = release_at_once, .finish = say_given };
	response->hold = made;
}

static const struct tarn_route table[] = {
	{ TARN_HTTP_GET, "/", show },
	{ TARN_HTTP_GET, "/subjects/{subject}/versions/latest", latest },
	{ TARN_HTTP_GET, "/subjects/{subject}/versions/{version}", show },
	{ TARN_HTTP_DELETE, "/subjects/{subject}", show },
	{ TARN_HTTP_GET, "/hold", hold },
};

static const struct {
	const char *method, *path;
	int status;
	const char *body;
} cases[] = {
	{ "GET", "/", 200, "room:" },
	{ "HEAD", "/", 200, "room:" },
	{ "GET", "/hold", 200, "given" },
	{ "GET", "/subjects/a/versions/latest", 200, "latest" },
	{ "GET", "/subjects/a%2Fb%20c/versions/7", 200, "room:a/b c;7;" },
	{ "DELETE", "/subjects/x", 200, "room:x;" },
	{ "GET", "/subjects/x", 405, "" },
	{ "GET", "/subjects//versions/1", 404, "" },
	{ "GET", "/subjects/a/versions", 404, "" },
	{ "GET", "/subjects/a/versions/1/2", 404, "" },
	{ "GET", "", 404, "" },
	{ "DELETE", "/subjects/%4", 400, "" },
	{ "DELETE", "/subjects/%00", 400, "" },
	{ "BREW", "/subjects/x", 405, "" },
};

static void test_dispatch(void **state)
{
	(void)state;
	char room[] = "room";
	const struct tarn_routes routes = { table, sizeof(table) / sizeof(*table), room, "text/plain", 1024, refuse };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_arena arena;
		tarn_arena_init(&arena);
		struct tarn_request request = { .method = tarn_http_method_of(cases[i].method),
						.path = cases[i].path,
						.arena = &arena };
		struct tarn_response response;
		tarn_response_init(&response);
		tarn_routes_dispatch(&routes, &request, &response);
		assert_int_equal(response.status, cases[i].status);
		assert_true(tarn_slice_eq(tarn_buf_slice(&response.body), tarn_slice_str(cases[i].body)));
		tarn_response_release(&response);
		tarn_arena_release(&arena);
	}
}

static const char *query(void *connection, const char *name)
{
	(void)connection;
	return !strcmp(name, "deleted") ? "true" : !strcmp(name, "bare") ? "" : !strcmp(name, "off") ? "false" : NULL;
}

static void test_flags(void **state)
{
	(void)state;
	struct tarn_request request = { .find_query = query };
	assert_true(tarn_request_flag(&request, "deleted", false));
	assert_true(tarn_request_flag(&request, "bare", false));
	assert_false(tarn_request_flag(&request, "off", true));
	assert_true(tarn_request_flag(&request, "absent", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_dispatch), cmocka_unit_test(test_flags) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
