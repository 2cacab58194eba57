#include "serialize/record/record.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "sample_record.h"

static void expect_kept(const struct sample *sample)
{
	struct tarn_err err;
	if (tarn_record_check(&sample->record, &err))
		fail_msg("refused: %s", err.message);
}

/* One thing broken at a time. Parts of lists are cut by moving offsets. */
#define BREAK(name, statement)                                                                                         \
	static void name(struct sample *s)                                                                             \
	{                                                                                                              \
		struct tarn_record *r = &s->record;                                                                    \
		(void)r;                                                                                               \
		statement;                                                                                             \
	}
BREAK(no_symbols, r->molecule.symbols.n = 0)
BREAK(empty_symbol, s->symbol_offsets[1] = 3)
BREAK(symbol_no_utf8, s->symbols[2] = '\xff')
BREAK(two_coordinates, s->coord_offsets[1] = 2)
BREAK(one_atom_more, r->molecule.n_coords = 1)
BREAK(coordinate_nan, s->coords[5] = NAN)
BREAK(one_mass, r->molecule.n_masses = 1)
BREAK(mass_infinite, s->masses[1] = INFINITY)
BREAK(multiplicity_zero, r->molecule.multiplicity = 0)
BREAK(units_unknown, memcpy(s->units, "parsecs ", 9))
BREAK(no_basis, r->basis_set.len = 0)
BREAK(no_backend, r->setup.backend.len = 0)
BREAK(no_optimizer, r->setup.optimizer.len = 0)
BREAK(ansatz_overlong, memcpy(s->ansatz, "\xc0\x80", 2))
BREAK(ansatz_surrogate, memcpy(s->ansatz, "\xed\xa0\x80", 3))
BREAK(ansatz_beyond, memcpy(s->ansatz, "\xf4\x90\x80\x80", 4))
BREAK(ansatz_cut, r->setup.ansatz.len = 5)
BREAK(no_qubits, r->setup.num_qubits = 0)
BREAK(qubits_65, r->setup.num_qubits = 65)
BREAK(qubits_3, r->setup.num_qubits = 3)
BREAK(no_terms, r->setup.term_labels.n = 0)
BREAK(label_short, s->label_offsets[3] = 5)
BREAK(label_letter, s->labels[3] = 'A')
BREAK(coefficient_nan, s->real[2] = NAN)
BREAK(imaginary_infinite, s->imaginary[1] = -INFINITY)
BREAK(parameters_negative, r->setup.num_parameters = -1)
BREAK(parameters_3, r->setup.num_parameters = 3)
BREAK(initial_1, r->setup.n_initial = 1)
BREAK(initial_nan, s->initial[1] = NAN)
BREAK(shots_zero, r->setup.default_shots.value = 0)
BREAK(reps_negative, r->setup.ansatz_reps = -1)
BREAK(no_iterations, r->iterations.n = 0)
BREAK(first_step_zero, s->steps[0] = 0)
BREAK(step_twice, s->steps[2] = 2)
BREAK(step_back, s->steps[1] = -5)
BREAK(energy_nan, s->energies[1] = NAN)
BREAK(energy_infinite, s->energies[2] = -INFINITY)
BREAK(deviation_negative, s->deviations[1] = -0.5)
BREAK(deviation_nan, s->deviations[1] = NAN)
BREAK(delta_nan, s->deltas[1] = NAN)
BREAK(norm_infinite, s->norms[2] = INFINITY)
BREAK(running_minimum_nan, s->minima[0] = NAN)
BREAK(iteration_short, s->parameter_offsets[1] = 1)
BREAK(parameter_nan, s->parameters[3] = NAN)
BREAK(optimal_1, r->n_optimal = 1)
BREAK(optimal_nan, s->optimal[0] = NAN)
BREAK(minimum_nan, r->minimum = NAN)
BREAK(minimum_not_reached, r->minimum = -1.501)
BREAK(minimum_above, r->minimum = -1.25)
BREAK(maxcv_nan, r->maxcv.value = NAN)
BREAK(repulsion_infinite, r->nuclear_repulsion_energy.value = INFINITY)
BREAK(nfev_negative, r->nfev.value = -3)
BREAK(nit_negative, (r->nit.present = true, r->nit.value = -1))
BREAK(hamiltonian_time_negative, r->hamiltonian_time = -1)
BREAK(mapping_time_nan, r->mapping_time = NAN)
BREAK(vqe_time_infinite, r->vqe_time = INFINITY)
BREAK(total_time_negative, r->total_time = -1e-9)
BREAK(minimization_time_nan, r->minimization_time = NAN)
BREAK(start_no_utf8, r->performance_start = tarn_slice_str("2026\x80"))

static const struct {
	void (*breaks)(struct sample *sample);
	const char *message;
} broken[] = {
	{ no_symbols, "molecule_data.symbols is empty" },
	{ empty_symbol, "molecule_data.symbols is empty, expected a name" },
	{ symbol_no_utf8, "molecule_data.symbols has byte 0xff at 0, expected UTF-8" },
	{ two_coordinates, "molecule_data.coords[0] has 2 values, expected 3" },
	{ one_atom_more, "molecule_data.coords has 1 values, expected 2" },
	{ coordinate_nan, "molecule_data.coords[1][2] is nan" },
	{ one_mass, "molecule_data.masses has 1 values, expected 2" },
	{ mass_infinite, "molecule_data.masses[1] is inf" },
	{ multiplicity_zero, "molecule_data.multiplicity is 0, expected at least 1" },
	{ units_unknown, "molecule_data.units is \"parsecs \", expected angstrom or bohr" },
	{ no_basis, "basis_set is empty" },
	{ no_backend, "initial_data.backend is empty" },
	{ no_optimizer, "initial_data.optimizer is empty" },
	{ ansatz_overlong, "initial_data.ansatz has byte 0xc0 at 0" },
	{ ansatz_surrogate, "initial_data.ansatz has byte 0xed at 0" },
	{ ansatz_beyond, "initial_data.ansatz has byte 0xf4 at 0" },
	{ ansatz_cut, "initial_data.ansatz has byte 0xce at 4" },
	{ no_qubits, "initial_data.num_qubits is 0, expected 1 to 64" },
	{ qubits_65, "initial_data.num_qubits is 65, expected 1 to 64" },
	{ qubits_3, "hamiltonian[0].label has 2 letters, expected one a qubit (num_qubits = 3)" },
	{ no_terms, "initial_data.hamiltonian is empty" },
	{ label_short, "hamiltonian[2].label has 1 letters" },
	{ label_letter, "hamiltonian[1].label has byte 0x41 at 1, expected I, X, Y or Z" },
	{ coefficient_nan, "coefficients.real[2] is nan" },
	{ imaginary_infinite, "coefficients.imaginary[1] is -inf" },
	{ parameters_negative, "initial_data.num_parameters is -1" },
	{ parameters_3, "initial_data.initial_parameters has 2 values, expected 3 (num_parameters)" },
	{ initial_1, "initial_data.initial_parameters has 1 values, expected 2" },
	{ initial_nan, "initial_data.initial_parameters[1] is nan" },
	{ shots_zero, "initial_data.default_shots is 0, expected at least 1" },
	{ reps_negative, "initial_data.ansatz_reps is -1" },
	{ no_iterations, "vqe_result.iteration_list is empty" },
	{ first_step_zero, "iteration_list[0].iteration is 0, expected at least 1" },
	{ step_twice, "iteration_list[2].iteration is 2, expected at least 3" },
	{ step_back, "iteration_list[1].iteration is -5, expected at least 2" },
	{ energy_nan, "iteration_list[1].result is nan" },
	{ energy_infinite, "iteration_list[2].result is -inf" },
	{ deviation_negative, "iteration_list[1].std is -0.5" },
	{ deviation_nan, "iteration_list[1].std is nan" },
	{ delta_nan, "iteration_list[1].energy_delta is nan" },
	{ norm_infinite, "iteration_list[2].parameter_delta_norm is inf" },
	{ running_minimum_nan, "iteration_list[0].cumulative_min_energy is nan" },
	{ iteration_short, "iteration_list[0].parameters has 1 values, expected 2" },
	{ parameter_nan, "iteration_list[1].parameters[1] is nan" },
	{ optimal_1, "vqe_result.optimal_parameters has 1 values, expected 2" },
	{ optimal_nan, "vqe_result.optimal_parameters[0] is nan" },
	{ minimum_nan, "vqe_result.minimum is nan" },
	{ minimum_not_reached, "no iteration reached it: the lowest energy is -1.5 (iteration 2)" },
	{ minimum_above, "vqe_result.minimum is -1.25, expected at most -1.5 (the lowest energy, iteration 2)" },
	{ maxcv_nan, "vqe_result.maxcv is nan" },
	{ repulsion_infinite, "vqe_result.nuclear_repulsion_energy is inf" },
	{ nfev_negative, "vqe_result.nfev is -3" },
	{ nit_negative, "vqe_result.nit is -1" },
	{ hamiltonian_time_negative, "hamiltonian_time is -1" },
	{ mapping_time_nan, "mapping_time is nan" },
	{ vqe_time_infinite, "vqe_time is inf" },
	{ total_time_negative, "total_time is -1e-09" },
	{ minimization_time_nan, "minimization_time is nan" },
	{ start_no_utf8, "performance_start has byte 0x80 at 4" },
};

static void each_rule_refuses_what_breaks_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct sample sample;
		struct tarn_err err;
		sample_fill(&sample);
		expect_kept(&sample);
		broken[i].breaks(&sample);
		assert_int_equal(tarn_record_check(&sample.record, &err), TARN_EINVALID);
		if (!strstr(err.message, broken[i].message))
			fail_msg("expected \"%s\" in \"%s\"", broken[i].message, err.message);
		assert_int_equal(tarn_record_check(&sample.record, NULL), TARN_EINVALID);
	}
}

BREAK(no_masses, r->molecule.has_masses = false)
BREAK(bohr, memcpy(s->units, "Bohr\0", 5); r->molecule.units.len = 4)
BREAK(exact, r->setup.default_shots.present = false)
BREAK(no_strategy, r->setup.init_strategy.data = NULL; r->setup.init_strategy.len = 0)
BREAK(no_circuit_text, r->setup.ansatz.len = 0)
BREAK(steps_with_gaps, s->steps[1] = 10; s->steps[2] = 20)
BREAK(null_is_not_looked_at, s->deltas[0] = NAN)
BREAK(cut_run, r->nfev.present = false)
BREAK(minimum_in_last_bits, r->minimum = nextafter(-1.5, 0))
BREAK(minimum_nearly, r->minimum = -1.5 - 9e-7)
BREAK(list_is_part_by_nfev, r->minimum = -1.45; r->nfev.value = 4; s->energies[1] = -1.3)
BREAK(list_is_part_by_optimum, r->minimum = -1.45; r->nfev.present = false; s->optimal[0] = 7; s->energies[1] = -1.3)

static void true_records_are_kept(void **state)
{
	(void)state;
	static void (*const changes[])(struct sample *) = {
		no_masses,
		bohr,
		exact,
		no_strategy,
		no_circuit_text,
		steps_with_gaps,
		null_is_not_looked_at,
		cut_run,
		minimum_in_last_bits,
		minimum_nearly,
		list_is_part_by_nfev,
		list_is_part_by_optimum,
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct sample sample;
		sample_fill(&sample);
		changes[i](&sample);
		expect_kept(&sample);
	}
}

static void part_of_a_run_has_bounds_too(void **state)
{
	(void)state;
	struct sample sample;
	struct tarn_err err;
	sample_fill(&sample);
	sample.record.nfev.value = 4;
	sample.record.minimum = -1.5; /* identity - all others: -1.45032... */
	sample.energies[1] = -1.4;
	assert_int_equal(tarn_record_check(&sample.record, &err), TARN_EINVALID);
	assert_non_null(strstr(err.message, "expected at least -1.45032"));
}

/* v1 stores the optimizer's answer, which may be any iteration's, but not another. */
static void v1_has_its_own_rule_for_the_minimum(void **state)
{
	(void)state;
	static const struct {
		double minimum;
		bool kept;
	} cases[] = {
		{ -1.5, true }, { -1.25, true }, { -0.5, true }, { -0.49, false }, { -1.51, false }, { 3, false }
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample sample;
		sample_fill_v1(&sample);
		sample.record.minimum = cases[i].minimum;
		assert_int_equal(tarn_record_check(&sample.record, NULL), cases[i].kept ? TARN_OK : TARN_EINVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_refuses_what_breaks_it),
		cmocka_unit_test(true_records_are_kept),
		cmocka_unit_test(part_of_a_run_has_bounds_too),
		cmocka_unit_test(v1_has_its_own_rule_for_the_minimum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
