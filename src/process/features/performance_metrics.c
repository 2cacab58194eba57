#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_COLUMN(3, "basis_set", STRING),
	TARN_COLUMN(4, "hamiltonian_time", DOUBLE),
	TARN_COLUMN(5, "mapping_time", DOUBLE),
	TARN_COLUMN(6, "vqe_time", DOUBLE),
	TARN_COLUMN(7, "total_time", DOUBLE),
	TARN_COLUMN(8, "minimization_time", DOUBLE),
	TARN_COLUMN(9, "computed_total_time", DOUBLE),
	TARN_PROCESSING_COLUMNS(10),
	TARN_LINEAGE_COLUMNS(14),
};

static const struct tarn_property properties[] = {
	{ "comment", "Performance metrics for quantum simulations" },
	TARN_ZSTD_PROPERTY,
};

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_record *record = &experiment->record;
	struct tarn_rows rows = tarn_rows_of(group, 1);

	tarn_rows_experiment(&rows, experiment);
	tarn_rows_string(&rows, record->basis_set);
	tarn_rows_double(&rows, record->hamiltonian_time);
	tarn_rows_double(&rows, record->mapping_time);
	tarn_rows_double(&rows, record->vqe_time);
	tarn_rows_double(&rows, record->total_time);
	tarn_rows_double(&rows, record->minimization_time);
	tarn_rows_double(&rows, record->hamiltonian_time + record->mapping_time + record->vqe_time);
	tarn_rows_processing(&rows, stamp);
	tarn_rows_lineage(&rows, experiment);
}

const struct tarn_feature tarn_performance_metrics = {
	.table = TARN_TABLE("performance_metrics", fields, 2, properties),
	.rows = tarn_feature_one_row,
	.emit = emit,
};
