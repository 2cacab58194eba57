#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field fields[] = {
	TARN_PARAMETER_COLUMNS("initial_parameter_value"),
};

static const struct tarn_property properties[] = {
	{ "comment", "Initial parameters for VQE optimization" },
	TARN_ZSTD_PROPERTY,
};

static size_t count_rows(const struct tarn_record *record)
{
	return record->setup.n_initial;
}

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_record *record = &experiment->record;

	tarn_rows_parameters(experiment, record->setup.initial_parameters, record->setup.n_initial, "_init_", stamp,
			     group);
}

const struct tarn_feature tarn_initial_parameters = {
	.table = TARN_TABLE("initial_parameters", fields, 2, properties),
	.rows = count_rows,
	.emit = emit,
};
