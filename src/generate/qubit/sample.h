/* Energies from a limited number of measurements, as a quantum computer gives them. */
#ifndef TARN_GENERATE_QUBIT_SAMPLE_H
#define TARN_GENERATE_QUBIT_SAMPLE_H

#include "generate/qubit/state_vector.h"
#include "generate/vqe/random.h"

struct tarn_sampler;

/* Terms that agree, qubit by qubit, on I or one letter are measured together (qubit-wise commuting groups, first fit
 * from the widest term on). TARN_EINVALID where a coefficient is not real. */
enum tarn_rc tarn_sampler_new(const struct tarn_pauli_sum *sum, struct tarn_sampler **sampler,
			      struct tarn_err *err) TARN_MUST_CHECK;
void tarn_sampler_free(struct tarn_sampler *sampler);
size_t tarn_sampler_groups(const struct tarn_sampler *sampler);

struct tarn_measurement {
	double energy;
	double std; /* sum of |c_i| sqrt(1 - <P_i>^2) / sqrt(shots), as the reference's estimator reports it */
};
/* `shots` measurements for each group, each bit read wrongly with probability `readout`. The state may be a density
 * matrix (density.h). `work` is a state of the same size. */
struct tarn_measurement tarn_sampler_measure(const struct tarn_sampler *sampler, const struct tarn_state *state,
					     struct tarn_state *work, unsigned shots, double readout,
					     struct tarn_random *random);

#endif
