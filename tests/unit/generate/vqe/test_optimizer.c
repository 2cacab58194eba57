#include "generate/vqe/optimizer.h"

#include <math.h>

#include "cmocka_tarn.h"

enum { N = 6 };

/* A bowl with a bend: smooth, one minimum of -3 at x_i = i / 10. */
static double bowl(void *context, const double *x, double *gradient, bool *stop)
{
	int *calls = context;
	double value = -3;
	(void)stop;
	++*calls;
	for (int i = 0; i < N; i++) {
		double d = x[i] - 0.1 * i, weight = 1 + i;
		value += weight * (d * d + d * d * d * d);
		if (gradient)
			gradient[i] = weight * (2 * d + 4 * d * d * d);
	}
	return value;
}

static double stops_at_ten(void *context, const double *x, double *gradient, bool *stop)
{
	int *calls = context;
	if (*calls == 10) {
		*stop = true;
		return 0;
	}
	return bowl(context, x, gradient, stop);
}

static void every_method_finds_the_minimum(void **state)
{
	(void)state;
	for (int optimizer = 0; optimizer < TARN_N_OPTIMIZERS; optimizer++) {
		for (int differences = 0; differences < 2; differences++) {
			struct tarn_optimizer_options options = { .finite_differences = differences, .seed = 5 };
			double x[N] = { 1, -1, 0.5, 0.7, -0.3, 0.2 };
			int calls = 0;
			struct tarn_outcome outcome;
			struct tarn_err err;
			enum tarn_rc rc = tarn_optimize((enum tarn_optimizer)optimizer, &options, bowl, &calls, x, N, &outcome, &err);
			if (rc)
				fail_msg("%s: %s", tarn_optimizer_name((enum tarn_optimizer)optimizer), err.message);
			assert_int_equal(outcome.evaluations, calls);
			int unused = 0;
			bool stop = false;
			double value = bowl(&unused, x, NULL, &stop), tolerance = optimizer == TARN_SPSA ? 1e-3 : 1e-5;
			if (fabs(value + 3) >= tolerance)
				fail_msg("%s (differences %d) ends at %.9f after %d evaluations",
					 tarn_optimizer_name((enum tarn_optimizer)optimizer), differences, value, calls);
		}
	}
}

static void a_stop_is_obeyed_at_once(void **state)
{
	(void)state;
	for (int optimizer = 0; optimizer < TARN_N_OPTIMIZERS; optimizer++) {
		struct tarn_optimizer_options options = { .seed = 5, .finite_differences = true };
		double x[N] = { 1, -1, 0.5, 0.7, -0.3, 0.2 };
		int calls = 0;
		struct tarn_outcome outcome;
		assert_int_equal(tarn_optimize((enum tarn_optimizer)optimizer, &options, stops_at_ten, &calls, x, N, &outcome,
					       NULL),
				 TARN_OK);
		assert_int_equal(outcome.kind, TARN_OUTCOME_STOPPED);
		assert_int_equal(outcome.evaluations, 10);
	}
}

static void names_are_scipys(void **state)
{
	(void)state;
	enum tarn_optimizer optimizer;
	assert_true(tarn_optimizer_by_name("L-BFGS-B", &optimizer) && optimizer == TARN_LBFGSB);
	assert_true(tarn_optimizer_by_name("Nelder-Mead", &optimizer) && optimizer == TARN_NELDER_MEAD);
	assert_false(tarn_optimizer_by_name("dogleg", &optimizer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_finds_the_minimum),
		cmocka_unit_test(a_stop_is_obeyed_at_once),
		cmocka_unit_test(names_are_scipys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
