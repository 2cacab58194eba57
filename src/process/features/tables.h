/* The nine tables, a source file each. Private to this room: others go through tarn_features[]. */
#ifndef TARN_PROCESS_FEATURES_TABLES_H
#define TARN_PROCESS_FEATURES_TABLES_H

#include "process/features/feature.h"

extern const struct tarn_feature tarn_molecules;
extern const struct tarn_feature tarn_ansatz_info;
extern const struct tarn_feature tarn_performance_metrics;
extern const struct tarn_feature tarn_vqe_results;
extern const struct tarn_feature tarn_initial_parameters;
extern const struct tarn_feature tarn_optimal_parameters;
extern const struct tarn_feature tarn_vqe_iterations;
extern const struct tarn_feature tarn_iteration_parameters;
extern const struct tarn_feature tarn_hamiltonian_terms;

/* `rows` of the tables with one row per experiment. */
size_t tarn_feature_one_row(const struct tarn_record *record);

#endif
