#include "serialize/record/canonical.h"

#include <math.h>

#include "cmocka_tarn.h"
#include "sample_record.h"

typedef void (*write_text)(const struct tarn_record *record, struct tarn_buf *out);

static void expect_text(write_text write, const struct tarn_record *record, const char *expected)
{
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 20);
	write(record, &text);
	tarn_buf_add_byte(&text, '\0');
	assert_string_equal((const char *)text.data, expected);
	tarn_buf_release(&text);
}

#define GEOMETRY                                                                                                       \
	"\"symbols\":[\"He\",\"H\"],\"coords\":[[0.0,0.0,-0.0],[0.0,0.0,0.735]],\"multiplicity\":1,\"charge\":0,"      \
	"\"units\":\"angstrom\""
#define HAMILTONIAN                                                                                                    \
	"[{\"label\":\"II\",\"coefficients\":{\"real\":-1.0523732458,\"imaginary\":0.0}},"                             \
	"{\"label\":\"IZ\",\"coefficients\":{\"real\":0.3979374248,\"imaginary\":0.0}},"                               \
	"{\"label\":\"XX\",\"coefficients\":{\"real\":-1.0E-5,\"imaginary\":0.0}}]"
#define SETUP                                                                                                          \
	"\"basis_set\":\"sto3g\",\"initial_data\":{\"backend\":\"aer_simulator\",\"num_qubits\":2,"                    \
	"\"hamiltonian\":" HAMILTONIAN                                                                                 \
	",\"num_parameters\":2,\"initial_parameters\":[3.9,5.6],\"optimizer\":\"COBYLA\","                             \
	"\"ansatz\":\"ry(_\xce\xb8_0_) \\\"q\\\"\\\\\\n\\u0001\",\"noise_backend\":\"undef\""

static void text_of_v2(void **state)
{
	(void)state;
	struct sample sample;
	sample_fill(&sample);
	expect_text(tarn_record_canonical, &sample.record,
		    "{\"molecule_data\":{" GEOMETRY ",\"masses\":[4.0026,1.008]}," SETUP
		    ",\"default_shots\":1024,\"ansatz_reps\":1,\"init_strategy\":\"random\",\"seed\":7,"
		    "\"ansatz_name\":\"RealAmplitudes\",\"exact_estimator\":false}}");
}

static void nulls_are_left_out(void **state)
{
	(void)state;
	struct sample sample;
	sample_fill_v1(&sample);
	sample.record.molecule.has_masses = false;
	sample.record.setup.default_shots.present = false;
	expect_text(tarn_record_canonical, &sample.record,
		    "{\"molecule_data\":{" GEOMETRY "}," SETUP ",\"ansatz_reps\":1}}");
}

static void what_is_no_number_is_quoted(void **state)
{
	(void)state;
	struct sample sample;
	sample_fill_v1(&sample);
	sample.record.molecule.n_masses = 1;
	sample.masses[0] = -INFINITY;
	sample.record.setup.default_shots.present = false;
	expect_text(tarn_record_canonical, &sample.record,
		    "{\"molecule_data\":{" GEOMETRY ",\"masses\":[\"-Infinity\"]}," SETUP ",\"ansatz_reps\":1}}");
}

#define ASKED                                                                                                          \
	"{\"symbols\":[\"He\",\"H\"],\"coords\":[[0.0,0.0,0.0],[0.0,0.0,0.735]],\"multiplicity\":1,\"charge\":0,"      \
	"\"units\":\"angstrom\",\"basis_set\":\"sto3g\","

static void configuration_of_v2(void **state)
{
	(void)state;
	struct sample sample;
	sample_fill(&sample);
	sample.coords[5] = 0.7350000049;
	expect_text(tarn_record_configuration, &sample.record,
		    ASKED
		    "\"ansatz_name\":\"RealAmplitudes\",\"ansatz_reps\":1,\"optimizer\":\"COBYLA\","
		    "\"default_shots\":1024,\"seed\":7,\"init_strategy\":\"random\",\"backend\":\"aer_simulator\"}");
}

static void configuration_of_v1_takes_the_defaults(void **state)
{
	(void)state;
	struct sample sample;
	sample_fill_v1(&sample);
	expect_text(tarn_record_configuration, &sample.record,
		    ASKED "\"ansatz_name\":\"EfficientSU2\",\"ansatz_reps\":1,\"optimizer\":\"COBYLA\","
			  "\"default_shots\":1024,\"init_strategy\":\"random\",\"backend\":\"aer_simulator\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_v2),
		cmocka_unit_test(nulls_are_left_out),
		cmocka_unit_test(what_is_no_number_is_quoted),
		cmocka_unit_test(configuration_of_v2),
		cmocka_unit_test(configuration_of_v1_takes_the_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
