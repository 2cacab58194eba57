#include "generate/vqe/random.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs_are_numpys),
		cmocka_unit_test(angles_are_the_references),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
