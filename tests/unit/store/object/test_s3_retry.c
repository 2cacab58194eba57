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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_is_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
