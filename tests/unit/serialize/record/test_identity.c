#include <math.h>
#include <stdbool.h>

#include "cmocka_tarn.h"
#include "sample_record.h"

#define CHANGE(name, statement)                                                                                        \
	static void name(struct sample *s)                                                                             \
	{                                                                                                              \
		struct tarn_record *r = &s->record;                                                                    \
		(void)r;                                                                                               \
		statement;                                                                                             \
	}
CHANGE(nothing, (void)s)
CHANGE(molecule_id, r->molecule_id = 5)
CHANGE(performance, r->performance_start = tarn_slice_str("2026-01-01"))
CHANGE(coordinate_bit, s->coords[5] = nextafter(0.735, 1))
CHANGE(coordinate_moved, s->coords[5] += 1e-7)
CHANGE(mass, s->masses[0] = 4)
CHANGE(coefficient_bit, s->real[1] = nextafter(s->real[1], 1))
CHANGE(initial_bit, s->initial[0] = nextafter(s->initial[0], 9))
CHANGE(seed, r->setup.seed.value = 8)
CHANGE(no_seed, r->setup.seed.present = false)
CHANGE(no_seed_but_rubbish, r->setup.seed.present = false; r->setup.seed.value = 99)
CHANGE(shots, r->setup.default_shots.value = 512)
CHANGE(strategy, r->setup.init_strategy = tarn_slice_str("hf"))
CHANGE(circuit, s->ansatz[0] = 'x')
CHANGE(energy_bit, s->energies[2] = nextafter(s->energies[2], 0))
CHANGE(parameter_bit, s->parameters[5] = nextafter(s->parameters[5], 9))
CHANGE(parameters_shared_out, s->parameter_offsets[1] = 1)
CHANGE(step, s->steps[2] = 4)
CHANGE(delta_null, s->all_but_first[2] = 0)
CHANGE(null_rubbish, s->deltas[0] = 99)
CHANGE(nfev, r->nfev.value = 4)
CHANGE(no_success, r->success.present = false)
CHANGE(success, r->success.value = true)
CHANGE(vqe_time, r->vqe_time = 3)
CHANGE(optimum, s->optimal[0] = 5)

static const struct {
	void (*change)(struct sample *sample);
	bool experiment, configuration, result; /* which ids it moves */
} cases[] = {
	{ nothing, false, false, false },
	{ molecule_id, false, false, false },
	{ performance, false, false, false },
	{ coordinate_bit, true, false, false },
	{ coordinate_moved, true, true, false },
	{ mass, true, false, false },
	{ coefficient_bit, true, false, false },
	{ initial_bit, true, false, false },
	{ seed, true, true, false },
	{ no_seed, true, true, false },
	{ shots, true, true, false },
	{ strategy, true, true, false },
	{ circuit, true, false, false },
	{ energy_bit, false, false, true },
	{ parameter_bit, false, false, true },
	{ parameters_shared_out, false, false, true },
	{ step, false, false, true },
	{ delta_null, false, false, true },
	{ null_rubbish, false, false, false },
	{ nfev, false, false, true },
	{ no_success, false, false, true },
	{ success, false, false, true },
	{ vqe_time, false, false, true },
	{ optimum, false, false, true },
};

static struct tarn_record_ids ids_of(void (*change)(struct sample *sample), struct tarn_buf *scratch)
{
	struct sample sample;
	struct tarn_record_ids ids;
	sample_fill(&sample);
	change(&sample);
	tarn_record_identify(&sample.record, scratch, &ids);
	return ids;
}

static void each_id_follows_its_own_fields(void **state)
{
	(void)state;
	struct tarn_buf scratch;
	tarn_buf_init(&scratch, 16); /* too small on purpose: ids must not depend on it */
	struct tarn_record_ids base = ids_of(nothing, &scratch);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_record_ids ids = ids_of(cases[i].change, &scratch);
		if (cases[i].experiment != !!memcmp(ids.experiment, base.experiment, TARN_ID_SIZE) ||
		    cases[i].configuration != !!memcmp(ids.configuration, base.configuration, TARN_ID_SIZE) ||
		    cases[i].result != !!memcmp(ids.result, base.result, TARN_ID_SIZE))
			fail_msg("case %zu moves other ids than expected", i);
	}
	struct tarn_record_ids without = ids_of(no_seed, &scratch), rubbish = ids_of(no_seed_but_rubbish, &scratch);
	assert_memory_equal(without.experiment, rubbish.experiment, TARN_ID_SIZE);
	tarn_buf_release(&scratch);
}

/* The text and bytes of the README, hashed by another program. */
static void ids_stay_what_they_were(void **state)
{
	(void)state;
	struct tarn_buf scratch;
	tarn_buf_init(&scratch, 1 << 20);
	struct tarn_record_ids ids = ids_of(nothing, &scratch);
	assert_memory_equal(ids.experiment, "6f1522226d0b7d45fdb24392cf2d6237b3dfe43720376ff1f05e526e8f43decc",
			    TARN_ID_SIZE);
	assert_memory_equal(ids.configuration, "76f7de392e556cf54a2b6dec54fde8d9641e4f5e396ab780045ab4e1a9652d08",
			    TARN_ID_SIZE);
	assert_memory_equal(ids.result, "bcad3b6dfb625fb1c374947db0d8b3e7857be77a824568308e99373fbb1707d8",
			    TARN_ID_SIZE);
	tarn_buf_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_id_follows_its_own_fields),
		cmocka_unit_test(ids_stay_what_they_were),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
