#include "generate/vqe/request.h"

#include "cmocka_tarn.h"

static const struct {
	const char *option, *value;
	enum tarn_rc rc;
	const char *message; /* part of it */
} cases[] = {
	{ "basis", "STO-3G", TARN_OK, NULL },
	{ "basis", "6-31G(d)", TARN_OK, NULL },
	{ "basis", "sto-9g", TARN_EINVALID, "\"sto-9g\", expected one of sto3g" },
	{ "ansatz", "uccsd", TARN_OK, NULL },
	{ "ansatz", "", TARN_EINVALID, "expected one of EfficientSU2" },
	{ "optimizer", "L-BFGS", TARN_EINVALID, "expected one of L-BFGS-B, COBYLA" },
	{ "max-iterations", "7", TARN_OK, NULL },
	{ "max_iterations", "7", TARN_OK, NULL },
	{ "max-iterations", "0", TARN_EINVALID, "expected a whole number from 1" },
	{ "max-iterations", "7x", TARN_EINVALID, "expected a whole number" },
	{ "max-iteration", "7", TARN_ENOTFOUND, "no option \"max-iteration\"" },
	{ "max-iterations ", "7", TARN_ENOTFOUND, NULL },
	{ "seed", "2147483648", TARN_EINVALID, "to 2147483647" },
	{ "seed", "99999999999999999999", TARN_EINVALID, NULL },
	{ "seed", "-1", TARN_EINVALID, NULL },
	{ "convergence", "1e-6", TARN_OK, NULL },
	{ "convergence", "nan", TARN_EINVALID, "expected a number" },
	{ "readout-error", "0.6", TARN_EINVALID, "from 0 to 0.5" },
	{ "unrestricted", "true", TARN_OK, NULL },
	{ "unrestricted", "maybe", TARN_EINVALID, "false, true" },
};

static void test_values(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_simulation_request request;
		struct tarn_err err = { 0 };
		tarn_request_init(&request);
		assert_int_equal(tarn_request_set(&request, cases[i].option, cases[i].value, &err), cases[i].rc);
		if (cases[i].message && !strstr(err.message, cases[i].message))
			fail_msg("%s=%s: \"%s\"", cases[i].option, cases[i].value, err.message);
	}
}

/* Every option changes the description, so that no two different requests are taken for one. */
static void test_description(void **unused)
{
	static const char *const settings[][2] = {
		{ "basis", "6-31g" },	    { "unrestricted", "true" }, { "frozen-core", "1" },	 { "active", "2" },
		{ "mapping", "parity" },    { "reduce", "true" },	{ "ansatz", "UCCSD" },	 { "reps", "3" },
		{ "entanglement", "full" }, { "init", "hf" },		{ "optimizer", "CG" },	 { "max-iterations", "9" },
		{ "convergence", "1e-3" },  { "gradient", "differences" }, { "seed", "0" },	 { "shots", "5" },
		{ "readout-error", "0.1" },
		{ "depolarizing", "0.01" },
		{ "depolarizing-two", "0.02" },
	};
	struct tarn_simulation_request plain, changed;
	struct tarn_buf before, after;
	(void)unused;
	tarn_buf_init(&before, 10000);
	tarn_buf_init(&after, 10000);
	tarn_request_init(&plain);
	tarn_request_describe(&plain, &before);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		tarn_request_init(&changed);
		assert_int_equal(tarn_request_set(&changed, settings[i][0], settings[i][1], NULL), TARN_OK);
		tarn_buf_clear(&after);
		tarn_request_describe(&changed, &after);
		assert_false(tarn_slice_eq(tarn_buf_slice(&before), tarn_buf_slice(&after)));
	}
	tarn_buf_release(&before);
	tarn_buf_release(&after);
}

static void test_limit_and_threshold_exclude_each_other(void **unused)
{
	struct tarn_simulation_request request;
	(void)unused;
	tarn_request_init(&request);
	assert_int_equal(tarn_request_set(&request, "convergence", "1e-3", NULL), TARN_OK);
	assert_true(!request.max_iterations && request.threshold == 1e-3);
	assert_int_equal(tarn_request_set(&request, "max-iterations", "5", NULL), TARN_OK);
	assert_true(request.max_iterations == 5 && request.threshold == 0);
}

static void test_combinations(void **unused)
{
	static const char *const settings[][2] = { { "entanglement", "full" }, { "reduce", "true" } };
	static const char *const cures[][2] = { { "ansatz", "HardwareEfficient" }, { "mapping", "parity" } };
	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		struct tarn_simulation_request request;
		tarn_request_init(&request);
		assert_int_equal(tarn_request_set(&request, settings[i][0], settings[i][1], NULL), TARN_OK);
		assert_int_equal(tarn_request_check(&request, NULL), TARN_EINVALID);
		assert_int_equal(tarn_request_set(&request, cures[i][0], cures[i][1], NULL), TARN_OK);
		assert_int_equal(tarn_request_check(&request, NULL), TARN_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_limit_and_threshold_exclude_each_other),
		cmocka_unit_test(test_combinations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
