#include "base/err.h"

#include <errno.h>

#include "cmocka_tarn.h"

static void failures_fill_every_field(void **state)
{
	(void)state;
	struct tarn_err err;
	memset(&err, 'x', sizeof(err));
	assert_int_equal(tarn_fail(&err, TARN_EINVALID, "type \"%s\" is not known", "flaot"), TARN_EINVALID);
	assert_int_equal(err.code, TARN_EINVALID);
	assert_int_equal(err.sys_errno, 0);
	assert_int_equal(err.position, TARN_NO_POSITION);
	assert_string_equal(err.message, "type \"flaot\" is not known");
	assert_string_equal(err.hint, "");

	assert_int_equal(tarn_fail_at(&err, TARN_ELIMIT, 17, "too long"), TARN_ELIMIT);
	assert_int_equal(err.position, 17);
	tarn_err_hint(&err, "raise --limit to %d", 20);
	assert_string_equal(err.hint, "raise --limit to 20");
	assert_int_equal(tarn_fail(&err, TARN_EBUSY, "again"), TARN_EBUSY);
	assert_string_equal(err.hint, "");
}

static void system_errors_keep_their_number(void **state)
{
	(void)state;
	static const struct {
		int number;
		enum tarn_rc rc;
		const char *message;
	} cases[] = {
		{ ENOENT, TARN_ENOTFOUND, "\"x\": No such file or directory" },
		{ EEXIST, TARN_EEXISTS, "\"x\": File exists" },
		{ ENOSPC, TARN_EIO, "\"x\": No space left on device" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_err err;
		errno = cases[i].number;
		assert_int_equal(tarn_fail_errno(&err, "\"%s\"", "x"), cases[i].rc);
		assert_int_equal(err.sys_errno, cases[i].number);
		assert_string_equal(err.message, cases[i].message);
	}
}

static void context_goes_before_the_message(void **state)
{
	(void)state;
	struct tarn_err err;
	enum tarn_rc rc = tarn_fail_at(&err, TARN_EINVALID, 3, "count is negative");
	assert_int_equal(tarn_err_within(&err, rc, "block %d", 2), TARN_EINVALID);
	assert_int_equal(tarn_err_within(&err, rc, "\"%s\"", "a.avro"), TARN_EINVALID);
	assert_string_equal(err.message, "\"a.avro\": block 2: count is negative");
	assert_int_equal(err.position, 3);
}

static void long_messages_are_cut(void **state)
{
	(void)state;
	struct tarn_err err;
	enum tarn_rc rc = tarn_fail(&err, TARN_EIO, "%0*d", 2000, 1);
	rc = tarn_err_within(&err, rc, "%0*d", 470, 2);
	rc = tarn_err_within(&err, rc, "%0*d", 2000, 3);
	assert_int_equal(rc, TARN_EIO);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	errno = ENOSPC;
	assert_int_equal(tarn_fail_errno(&err, "%0*d", 2000, 1), TARN_EIO);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	tarn_err_hint(&err, "%0*d", 2000, 1);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void no_detail_wanted(void **state)
{
	(void)state;
	assert_int_equal(tarn_fail(NULL, TARN_EINVALID, "x"), TARN_EINVALID);
	assert_int_equal(tarn_fail_at(NULL, TARN_ELIMIT, 1, "x"), TARN_ELIMIT);
	errno = ENOENT;
	assert_int_equal(tarn_fail_errno(NULL, "x"), TARN_ENOTFOUND);
	assert_int_equal(tarn_err_within(NULL, TARN_EBUSY, "x"), TARN_EBUSY);
	tarn_err_hint(NULL, "x");
}

static void every_code_has_a_name(void **state)
{
	(void)state;
	for (int rc = TARN_OK; rc <= TARN_EUNSUPPORTED; rc++)
		assert_string_not_equal(tarn_rc_name((enum tarn_rc)rc), "unknown");
	assert_string_equal(tarn_rc_name((enum tarn_rc)(TARN_EUNSUPPORTED + 1)), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_fill_every_field),
		cmocka_unit_test(system_errors_keep_their_number),
		cmocka_unit_test(context_goes_before_the_message),
		cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(no_detail_wanted),
		cmocka_unit_test(every_code_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
