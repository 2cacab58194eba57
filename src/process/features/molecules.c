#include "process/features/rows.h"
#include "process/features/tables.h"

static const struct tarn_field symbol[] = { TARN_COLUMN(14, "element", STRING) };
static const struct tarn_field coordinate[] = { TARN_COLUMN(16, "element", DOUBLE) };
static const struct tarn_field position[] = { TARN_LIST_COLUMN(15, "element", coordinate) };
static const struct tarn_field mass[] = { TARN_COLUMN(17, "element", DOUBLE) };

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "experiment_id", STRING),
	TARN_COLUMN(2, "molecule_id", INT),
	TARN_LIST_COLUMN(3, "atom_symbols", symbol),
	TARN_COLUMN(4, "molecule_name", STRING),
	TARN_LIST_COLUMN(5, "coordinates", position),
	TARN_COLUMN(6, "multiplicity", INT),
	TARN_COLUMN(7, "charge", INT),
	TARN_COLUMN(8, "coordinate_units", STRING),
	TARN_LIST_COLUMN(9, "atomic_masses", mass),
	TARN_PROCESSING_COLUMNS(10),
	TARN_LINEAGE_COLUMNS(18),
};

static const struct tarn_property properties[] = {
	{ "comment", "Molecule information for quantum simulations" },
	TARN_ZSTD_PROPERTY,
};

static void put_symbols(struct tarn_rows *rows, const struct tarn_strings *symbols)
{
	tarn_parquet_begin_list(rows->group, rows->column);
	for (size_t i = 0; i < symbols->n; i++)
		tarn_parquet_put_string(rows->group, rows->column, tarn_strings_at(symbols, i), 1);
	tarn_parquet_end_list(rows->group, rows->column++);
}

static void put_coordinates(struct tarn_rows *rows, const struct tarn_molecule *molecule)
{
	const int64_t *offsets = molecule->coord_offsets;

	tarn_parquet_begin_list(rows->group, rows->column);
	for (size_t i = 0; i < molecule->n_coords; i++) {
		tarn_parquet_begin_list(rows->group, rows->column);
		tarn_parquet_put_doubles(rows->group, rows->column, molecule->coords + offsets[i], NULL,
					 (size_t)(offsets[i + 1] - offsets[i]));
		tarn_parquet_end_list(rows->group, rows->column);
	}
	tarn_parquet_end_list(rows->group, rows->column++);
}

static void put_masses(struct tarn_rows *rows, const struct tarn_molecule *molecule)
{
	if (!molecule->has_masses) {
		tarn_rows_nulls(rows);
		return;
	}
	tarn_parquet_begin_list(rows->group, rows->column);
	tarn_parquet_put_doubles(rows->group, rows->column, molecule->masses, NULL, molecule->n_masses);
	tarn_parquet_end_list(rows->group, rows->column++);
}

static void emit(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		 struct tarn_parquet_group *group)
{
	const struct tarn_molecule *molecule = &experiment->record.molecule;
	const struct tarn_strings *symbols = &molecule->symbols;
	struct tarn_rows rows = tarn_rows_of(group, 1);

	tarn_rows_experiment(&rows, experiment);
	put_symbols(&rows, symbols);
	/* The list's strings lie one behind the other: together they are the name. */
	tarn_parquet_put_string(group, rows.column++,
				tarn_slice_of(symbols->data + symbols->offsets[0],
					      (size_t)(symbols->offsets[symbols->n] - symbols->offsets[0])),
				1);
	put_coordinates(&rows, molecule);
	tarn_rows_int(&rows, molecule->multiplicity);
	tarn_rows_int(&rows, molecule->charge);
	tarn_rows_string(&rows, molecule->units);
	put_masses(&rows, molecule);
	tarn_rows_processing(&rows, stamp);
	tarn_rows_lineage(&rows, experiment);
}

const struct tarn_feature tarn_molecules = {
	.table = TARN_TABLE("molecules", fields, 1, properties),
	.rows = tarn_feature_one_row,
	.emit = emit,
};
