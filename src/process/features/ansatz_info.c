#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_COLUMN(3, "basis_set", STRING),
	TARN_COLUMN(4, "ansatz", STRING),
	TARN_COLUMN(5, "ansatz_reps", INT),
	TARN_COLUMN(6, "ansatz_name", STRING),
	TARN_COLUMN(7, "init_strategy", STRING),
	TARN_PROCESSING_COLUMNS(8),
	TARN_LINEAGE_COLUMNS(12),
};

static const struct tarn_property properties[] = {
	{ "comment", "Ansatz configurations for quantum simulations" },
	TARN_ZSTD_PROPERTY,
};

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_record *record = &experiment->record;
	struct tarn_rows rows = tarn_rows_of(group, 1);

	tarn_rows_experiment(&rows, experiment);
	tarn_rows_string(&rows, record->basis_set);
	tarn_rows_string(&rows, record->setup.ansatz);
	tarn_rows_int(&rows, record->setup.ansatz_reps);
	tarn_rows_string(&rows, tarn_ansatz_name(record));
	tarn_rows_string(&rows, tarn_init_strategy(record));
	tarn_rows_processing(&rows, stamp);
	tarn_rows_lineage(&rows, experiment);
}

const struct tarn_feature tarn_ansatz_info = {
	.table = TARN_TABLE("ansatz_info", fields, 2, properties),
	.rows = tarn_feature_one_row,
	.emit = emit,
};
