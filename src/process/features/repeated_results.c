#include "process/features/rows.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_COLUMN(3, "basis_set", STRING),
	TARN_COLUMN(4, "backend", STRING),
	TARN_COLUMN(5, "num_qubits", INT),
	TARN_COLUMN(6, "result_digest", STRING),
	TARN_COLUMN(7, "minimum_energy", DOUBLE),
	TARN_COLUMN(8, "total_iterations", INT),
	TARN_COLUMN(9, "success", BOOLEAN),
	TARN_COLUMN(10, "nfev", INT),
	TARN_COLUMN(11, "nit", INT),
	TARN_COLUMN(12, "hamiltonian_time", DOUBLE),
	TARN_COLUMN(13, "mapping_time", DOUBLE),
	TARN_COLUMN(14, "vqe_time", DOUBLE),
	TARN_COLUMN(15, "total_time", DOUBLE),
	TARN_COLUMN(16, "minimization_time", DOUBLE),
	TARN_LINEAGE_COLUMNS(17),
	TARN_COLUMN(23, "first_result_digest", STRING),
	TARN_COLUMN(24, "first_source_object", STRING),
	TARN_COLUMN(25, "first_source_record", LONG),
	TARN_COLUMN(26, "first_processing_batch_id", STRING),
	TARN_PROCESSING_COLUMNS(27),
};

static const struct tarn_property properties[] = {
	{ "comment", "Further deliveries of an experiment, with another result than the tables hold" },
	TARN_ZSTD_PROPERTY,
};

const struct tarn_table_definition tarn_repeated_results_table = TARN_TABLE("repeated_results", fields, 1, properties);

static void put_result(struct tarn_rows *rows, const struct tarn_record *record)
{
	tarn_rows_double(rows, record->minimum);
	tarn_rows_int(rows, (int32_t)record->iterations.n);
	tarn_rows_opt_boolean(rows, record->success);
	tarn_rows_opt_int(rows, record->nfev);
	tarn_rows_opt_int(rows, record->nit);
	tarn_rows_double(rows, record->hamiltonian_time);
	tarn_rows_double(rows, record->mapping_time);
	tarn_rows_double(rows, record->vqe_time);
	tarn_rows_double(rows, record->total_time);
	tarn_rows_double(rows, record->minimization_time);
}

void tarn_repeated_results_emit(const struct tarn_experiment *repeat, const struct tarn_first_delivery *first,
				const struct tarn_run_stamp *stamp, struct tarn_parquet_group *group)
{
	struct tarn_rows rows = tarn_rows_of(group, 1);

	tarn_rows_experiment(&rows, repeat);
	tarn_rows_setup(&rows, repeat);
	tarn_rows_string(&rows, tarn_id_slice(repeat->ids.result));
	put_result(&rows, &repeat->record);
	tarn_rows_lineage(&rows, repeat);
	tarn_rows_string(&rows, first->result);
	tarn_rows_string(&rows, first->object);
	tarn_rows_opt_long(&rows, first->record);
	tarn_rows_string(&rows, first->run_id);
	tarn_rows_processing(&rows, stamp);
}
