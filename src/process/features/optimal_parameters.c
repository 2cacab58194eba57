#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field fields[] = {
	TARN_PARAMETER_COLUMNS("optimal_parameter_value"),
};

static const struct tarn_property properties[] = {
	{ "comment", "Optimal parameters found by VQE optimization" },
	TARN_ZSTD_PROPERTY,
};

static size_t count_rows(const struct tarn_record *record)
{
	return record->n_optimal;
}

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_record *record = &experiment->record;

	tarn_rows_parameters(experiment, record->optimal_parameters, record->n_optimal, "_opt_", stamp, group);
}

const struct tarn_feature tarn_optimal_parameters = {
	.table = TARN_TABLE("optimal_parameters", fields, 2, properties),
	.rows = count_rows,
	.emit = emit,
};
