#include "process/features/rows.h"
#include "process/features/tables.h"

#include <assert.h>

#include "base/number.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_COLUMN(3, "basis_set", STRING),
	TARN_COLUMN(4, "backend", STRING),
	TARN_COLUMN(5, "num_qubits", INT),
	TARN_COLUMN(6, "iteration_step", INT),
	TARN_COLUMN(7, "parameter_index", INT),
	TARN_COLUMN(8, "parameter_value", DOUBLE),
	TARN_PROCESSING_COLUMNS(9),
	TARN_COLUMN(13, "iteration_id", STRING),
	TARN_COLUMN(14, "parameter_id", STRING),
	TARN_LINEAGE_COLUMNS(15),
};

static const struct tarn_property properties[] = {
	{ "comment", "Parameters at each iteration of VQE optimization" },
	TARN_ZSTD_PROPERTY,
};

static size_t count_rows(const struct tarn_record *record)
{
	const struct tarn_iterations *iterations = &record->iterations;

	return (size_t)(iterations->parameter_offsets[iterations->n] - iterations->parameter_offsets[0]);
}

/* The columns that change with the iteration, `n` rows of one of them. */
static void put_iteration(struct tarn_parquet_group *group, size_t step_column, size_t id_column,
			  const struct tarn_experiment *experiment, int32_t step, size_t n)
{
	static const char infix[] = "_iter_", suffix[] = "_param_";
	char id[TARN_ID_SIZE + sizeof(infix) + TARN_INT_TEXT_SIZE + sizeof(suffix)];
	size_t len = TARN_ID_SIZE;

	memcpy(id, experiment->ids.experiment, len);
	memcpy(id + len, infix, sizeof(infix) - 1);
	len += sizeof(infix) - 1;
	len += tarn_format_int(step, id + len);
	tarn_parquet_put_int(group, step_column, step, n);
	tarn_parquet_put_string(group, id_column, tarn_slice_of(id, len), n);
	memcpy(id + len, suffix, sizeof(suffix) - 1);
	len += sizeof(suffix) - 1;
	tarn_parquet_put_series(group, id_column + 1, tarn_slice_of(id, len), 0, n);
}

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_record *record = &experiment->record;
	const struct tarn_iterations *iterations = &record->iterations;
	size_t period = (size_t)record->setup.num_parameters;
	struct tarn_rows rows = tarn_rows_of(group, count_rows(record));
	size_t step_column, id_column;

	/* What the contract promises of a record: as many parameters in each iteration. */
	assert(rows.count == iterations->n * period);
	tarn_rows_experiment(&rows, experiment);
	tarn_rows_setup(&rows, experiment);
	step_column = rows.column++;
	tarn_parquet_put_cycle(group, rows.column++, 0, (int32_t)period, rows.count);
	tarn_rows_doubles(&rows, iterations->parameters + iterations->parameter_offsets[0], NULL);
	tarn_rows_processing(&rows, stamp);
	id_column = rows.column;
	rows.column += 2;
	tarn_rows_lineage(&rows, experiment);

	for (size_t i = 0; i < iterations->n; i++)
		put_iteration(group, step_column, id_column, experiment, iterations->step[i], period);
}

const struct tarn_feature tarn_iteration_parameters = {
	.table = TARN_TABLE("iteration_parameters", fields, 2, properties),
	.rows = count_rows,
	.emit = emit,
};
