#include "store/object/s3_call.h"

#include "cmocka_tarn.h"

static void what_passes_is_tried_again(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *code;
		bool passes;
	} cases[] = {
		{ 200, "", false },
		{ 206, "", false },
		{ 304, "", false },
		{ 400, "InvalidArgument", false },
		{ 400, "RequestTimeout", true },
		{ 403, "AccessDenied", false },
		{ 403, "SignatureDoesNotMatch", false },
		{ 403, "RequestTimeTooSkewed", true },
		{ 404, "NoSuchKey", false },
		{ 408, "", true },
		{ 409, "BucketAlreadyOwnedByYou", false },
		{ 409, "ConditionalRequestConflict", true },
		{ 409, "OperationAborted", true },
		{ 412, "PreconditionFailed", false },
		{ 416, "InvalidRange", false },
		{ 429, "", true },
		{ 500, "InternalError", true },
		{ 501, "NotImplemented", false },
		{ 502, "", true },
		{ 503, "SlowDown", true },
		{ 503, "ServiceUnavailable", true },
		{ 504, "", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(s3_is_passing(cases[i].status, cases[i].code), cases[i].passes);
}

static void waits_grow_and_spread(void **state)
{
	(void)state;
	static const struct {
		int attempt;
		int64_t most;
	} cases[] = { { 2, 100 }, { 3, 200 }, { 4, 400 }, { 9, 12800 }, { 10, 20000 }, { 1000, 20000 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t least = INT64_MAX, most = 0;
		for (uint64_t random = 0; random <= 20000; random++) {
			int64_t wait = s3_backoff_ms(cases[i].attempt, 0, random);
			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
		}
		assert_int_equal(least, 0);
		assert_int_equal(most, cases[i].most);
	}
}

static void the_server_may_ask_for_more_time(void **state)
{
	(void)state;
	assert_int_equal(s3_backoff_ms(2, 3000, 5), 3000);
	assert_int_equal(s3_backoff_ms(2, 1, 99), 99);
	assert_int_equal(s3_backoff_ms(2, INT64_C(86400000), 5), 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_is_tried_again),
		cmocka_unit_test(waits_grow_and_spread),
		cmocka_unit_test(the_server_may_ask_for_more_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
