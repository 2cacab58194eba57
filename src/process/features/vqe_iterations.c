#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_COLUMN(3, "basis_set", STRING),
	TARN_COLUMN(4, "backend", STRING),
	TARN_COLUMN(5, "num_qubits", INT),
	TARN_COLUMN(6, "iteration_step", INT),
	TARN_COLUMN(7, "iteration_energy", DOUBLE),
	TARN_COLUMN(8, "energy_std_dev", DOUBLE),
	TARN_COLUMN(9, "energy_delta", DOUBLE),
	TARN_COLUMN(10, "parameter_delta_norm", DOUBLE),
	TARN_COLUMN(11, "cumulative_min_energy", DOUBLE),
	TARN_PROCESSING_COLUMNS(12),
	TARN_COLUMN(16, "iteration_id", STRING),
	TARN_LINEAGE_COLUMNS(17),
};

static const struct tarn_property properties[] = {
	{ "comment", "VQE optimization iterations and energy values" },
	TARN_ZSTD_PROPERTY,
};

static size_t count_rows(const struct tarn_record *record)
{
	return record->iterations.n;
}

/* How many steps from `from` on follow each other without a gap; usually all of them. */
static size_t run_length(const struct tarn_iterations *iterations, size_t from)
{
	size_t n = 1;

	while (from + n < iterations->n && iterations->step[from + n] == iterations->step[from] + (int32_t)n)
		n++;
	return n;
}

static void put_opt_doubles(struct tarn_rows *rows, const struct tarn_opt_doubles *values)
{
	if (values->valid)
		tarn_rows_doubles(rows, values->values, values->valid);
	else
		tarn_rows_nulls(rows);
}

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_iterations *iterations = &experiment->record.iterations;
	struct tarn_rows rows = tarn_rows_of(group, iterations->n);
	size_t step_column, id_column;

	tarn_rows_experiment(&rows, experiment);
	tarn_rows_setup(&rows, experiment);
	step_column = rows.column++;
	tarn_rows_doubles(&rows, iterations->energy, NULL);
	tarn_rows_doubles(&rows, iterations->std, NULL);
	put_opt_doubles(&rows, &iterations->energy_delta);
	put_opt_doubles(&rows, &iterations->parameter_delta_norm);
	put_opt_doubles(&rows, &iterations->cumulative_min_energy);
	tarn_rows_processing(&rows, stamp);
	id_column = rows.column++;
	tarn_rows_lineage(&rows, experiment);

	for (size_t i = 0, n; i < iterations->n; i += n) {
		n = run_length(iterations, i);
		tarn_parquet_put_cycle(group, step_column, iterations->step[i], (int32_t)n, n);
		tarn_rows_ids(&(struct tarn_rows){ group, id_column, n }, experiment, "_iter_", iterations->step[i]);
	}
}

const struct tarn_feature tarn_vqe_iterations = {
	.table = TARN_TABLE("vqe_iterations", fields, 3, properties),
	.rows = count_rows,
	.emit = emit,
};
