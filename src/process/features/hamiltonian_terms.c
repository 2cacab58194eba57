#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_COLUMN(3, "basis_set", STRING),
	TARN_COLUMN(4, "backend", STRING),
	TARN_COLUMN(5, "term_label", STRING),
	TARN_COLUMN(6, "coeff_real", DOUBLE),
	TARN_COLUMN(7, "coeff_imag", DOUBLE),
	TARN_PROCESSING_COLUMNS(8),
	TARN_COLUMN(12, "term_index", INT),
	TARN_COLUMN(13, "term_id", STRING),
	TARN_LINEAGE_COLUMNS(14),
};

static const struct tarn_property properties[] = {
	{ "comment", "Hamiltonian terms for quantum simulations" },
	TARN_ZSTD_PROPERTY,
};

static size_t count_rows(const struct tarn_record *record)
{
	return record->setup.term_labels.n;
}

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_setup *setup = &experiment->record.setup;
	struct tarn_rows rows = tarn_rows_of(group, setup->term_labels.n);

	tarn_rows_experiment(&rows, experiment);
	tarn_rows_string(&rows, experiment->record.basis_set);
	tarn_rows_string(&rows, setup->backend);
	for (size_t i = 0; i < rows.count; i++)
		tarn_parquet_put_string(group, rows.column, tarn_strings_at(&setup->term_labels, i), 1);
	rows.column++;
	tarn_rows_doubles(&rows, setup->term_real, NULL);
	tarn_rows_doubles(&rows, setup->term_imaginary, NULL);
	tarn_rows_processing(&rows, stamp);
	tarn_rows_indexes(&rows);
	tarn_rows_ids(&rows, experiment, "_term_", 0);
	tarn_rows_lineage(&rows, experiment);
}

const struct tarn_feature tarn_hamiltonian_terms = {
	.table = TARN_TABLE("hamiltonian_terms", fields, 3, properties),
	.rows = count_rows,
	.emit = emit,
};
