#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_COLUMN(3, "basis_set", STRING),
	TARN_COLUMN(4, "backend", STRING),
	TARN_COLUMN(5, "num_qubits", INT),
	TARN_COLUMN(6, "optimizer", STRING),
	TARN_COLUMN(7, "noise_backend", STRING),
	TARN_COLUMN(8, "default_shots", INT),
	TARN_COLUMN(9, "ansatz_reps", INT),
	TARN_COLUMN(10, "ansatz_name", STRING),
	TARN_COLUMN(11, "init_strategy", STRING),
	TARN_COLUMN(12, "seed", INT),
	TARN_COLUMN(13, "minimum_energy", DOUBLE),
	TARN_COLUMN(14, "maxcv", DOUBLE),
	TARN_COLUMN(15, "nuclear_repulsion_energy", DOUBLE),
	TARN_COLUMN(16, "success", BOOLEAN),
	TARN_COLUMN(17, "nfev", INT),
	TARN_COLUMN(18, "nit", INT),
	TARN_COLUMN(19, "total_iterations", INT),
	TARN_PROCESSING_COLUMNS(20),
	TARN_LINEAGE_COLUMNS(24),
	TARN_COLUMN(30, "result_digest", STRING),
};

static const struct tarn_property properties[] = {
	{ "comment", "VQE optimization results for quantum simulations" },
	TARN_ZSTD_PROPERTY,
};

static void put_request(struct tarn_rows *rows, const struct tarn_record *record)
{
	const struct tarn_setup *setup = &record->setup;

	tarn_rows_string(rows, setup->optimizer);
	tarn_rows_string(rows, setup->noise_backend);
	tarn_rows_opt_int(rows, setup->default_shots);
	tarn_rows_int(rows, setup->ansatz_reps);
	tarn_rows_string(rows, tarn_ansatz_name(record));
	tarn_rows_string(rows, tarn_init_strategy(record));
	tarn_rows_opt_int(rows, setup->seed);
}

static void put_outcome(struct tarn_rows *rows, const struct tarn_record *record)
{
	tarn_rows_double(rows, record->minimum);
	tarn_rows_opt_double(rows, record->maxcv);
	tarn_rows_opt_double(rows, record->nuclear_repulsion_energy);
	tarn_rows_opt_boolean(rows, record->success);
	tarn_rows_opt_int(rows, record->nfev);
	tarn_rows_opt_int(rows, record->nit);
	tarn_rows_int(rows, (int32_t)record->iterations.n);
}

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	struct tarn_rows rows = tarn_rows_of(group, 1);

	tarn_rows_experiment(&rows, experiment);
	tarn_rows_setup(&rows, experiment);
	put_request(&rows, &experiment->record);
	put_outcome(&rows, &experiment->record);
	tarn_rows_processing(&rows, stamp);
	tarn_rows_lineage(&rows, experiment);
	tarn_rows_string(&rows, tarn_id_slice(experiment->ids.result));
}

const struct tarn_feature tarn_vqe_results = {
	.table = TARN_TABLE("vqe_results", fields, 3, properties),
	.rows = tarn_feature_one_row,
	.emit = emit,
};
