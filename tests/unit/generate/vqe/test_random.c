#include "generate/vqe/random.h"

#include <math.h>

#include "cmocka_tarn.h"

/* Values of numpy.random.default_rng(seed). */
static void outputs_are_numpys(void **state)
{
	(void)state;
	static const uint64_t expected[] = { 0xa00641a9f1e54a8b, 0xe5afcdbcaf266a95, 0xc693565f940af962,
					     0x39a72dabd56a2742 };
	struct tarn_random random;
	tarn_random_seed(&random, 7);
	for (size_t i = 0; i < 4; i++)
		assert_true(tarn_random_next(&random) == expected[i]);
}

static void angles_are_the_references(void **state)
{
	(void)state;
	static const struct {
		uint64_t seed;
		double first, second;
	} cases[] = { { 7, 3.927590651355011, 5.637360571650786 }, { 0, 4.002148315014479, 1.6951199159934145 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double angles[2];
		tarn_random_angles(cases[i].seed, angles, 2);
		assert_true(angles[0] == cases[i].first && angles[1] == cases[i].second);
	}
}

/* numpy.random.default_rng(seed).standard_normal(), halved as the reference halves it. */
static void normals_are_close_to_numpys(void **state)
{
	(void)state;
	static const double expected[] = { 0.0006150766787412871, 0.14937276875423494, -0.1370689276811088, -0.4452959193786371 };
	struct tarn_random random;
	tarn_random_seed(&random, 7);
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(0.5 * tarn_random_normal(&random) - expected[i]) < 1e-14);
}

/* Mean and variance of many values, tail and edges of layers among them. */
static void normals_are_normal(void **state)
{
	(void)state;
	enum { N = 1000000 };
	double sum = 0, squares = 0, fourth = 0;
	int far = 0;
	struct tarn_random random;
	tarn_random_seed(&random, 1);
	for (int i = 0; i < N; i++) {
		double x = tarn_random_normal(&random);
		sum += x;
		squares += x * x;
		fourth += x * x * x * x;
		far += fabs(x) > 3.6541528853610088;
	}
	assert_true(fabs(sum / N) < 0.005);
	assert_true(fabs(squares / N - 1) < 0.01);
	assert_true(fabs(fourth / N - 3) < 0.06);
	assert_true(far > 200 && far < 320); /* 258 expected */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs_are_numpys),
		cmocka_unit_test(angles_are_the_references),
		cmocka_unit_test(normals_are_close_to_numpys),
		cmocka_unit_test(normals_are_normal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
