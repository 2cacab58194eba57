#include "process/features/rows.h"

#include <assert.h>
#include <string.h>

void tarn_rows_string(struct tarn_rows *rows, struct tarn_slice value)
{
	if (value.data)
		tarn_parquet_put_string(rows->group, rows->column++, value, rows->count);
	else
		tarn_rows_nulls(rows);
}

void tarn_rows_int(struct tarn_rows *rows, int32_t value)
{
	tarn_parquet_put_int(rows->group, rows->column++, value, rows->count);
}

void tarn_rows_long(struct tarn_rows *rows, int64_t value)
{
	tarn_parquet_put_long(rows->group, rows->column++, value, rows->count);
}

void tarn_rows_double(struct tarn_rows *rows, double value)
{
	tarn_parquet_put_double(rows->group, rows->column++, value, rows->count);
}

void tarn_rows_nulls(struct tarn_rows *rows)
{
	tarn_parquet_put_nulls(rows->group, rows->column++, rows->count);
}

void tarn_rows_opt_int(struct tarn_rows *rows, struct tarn_opt_int value)
{
	if (value.present)
		tarn_rows_int(rows, value.value);
	else
		tarn_rows_nulls(rows);
}

void tarn_rows_opt_long(struct tarn_rows *rows, int64_t value)
{
	if (value >= 0)
		tarn_rows_long(rows, value);
	else
		tarn_rows_nulls(rows);
}

void tarn_rows_opt_double(struct tarn_rows *rows, struct tarn_opt_double value)
{
	if (value.present)
		tarn_rows_double(rows, value.value);
	else
		tarn_rows_nulls(rows);
}

void tarn_rows_opt_boolean(struct tarn_rows *rows, struct tarn_opt_bool value)
{
	if (value.present)
		tarn_parquet_put_boolean(rows->group, rows->column++, value.value, rows->count);
	else
		tarn_rows_nulls(rows);
}

void tarn_rows_doubles(struct tarn_rows *rows, const double *values, const uint8_t *valid)
{
	tarn_parquet_put_doubles(rows->group, rows->column++, values, valid, rows->count);
}

void tarn_rows_indexes(struct tarn_rows *rows)
{
	tarn_parquet_put_cycle(rows->group, rows->column++, 0, (int32_t)rows->count, rows->count);
}

void tarn_rows_ids(struct tarn_rows *rows, const struct tarn_experiment *experiment, const char *infix, int64_t first)
{
	char prefix[TARN_ID_SIZE + 32];
	size_t len = strlen(infix);

	assert(len <= sizeof(prefix) - TARN_ID_SIZE);
	memcpy(prefix, experiment->ids.experiment, TARN_ID_SIZE);
	memcpy(prefix + TARN_ID_SIZE, infix, len);
	tarn_parquet_put_series(rows->group, rows->column++, tarn_slice_of(prefix, TARN_ID_SIZE + len), first,
				rows->count);
}

void tarn_rows_experiment(struct tarn_rows *rows, const struct tarn_experiment *experiment)
{
	tarn_rows_string(rows, tarn_id_slice(experiment->ids.experiment));
	tarn_rows_int(rows, experiment->record.molecule_id);
}

void tarn_rows_setup(struct tarn_rows *rows, const struct tarn_experiment *experiment)
{
	tarn_rows_string(rows, experiment->record.basis_set);
	tarn_rows_string(rows, experiment->record.setup.backend);
	tarn_rows_int(rows, experiment->record.setup.num_qubits);
}

void tarn_rows_processing(struct tarn_rows *rows, const struct tarn_run_stamp *stamp)
{
	tarn_rows_long(rows, stamp->now_us);
	tarn_rows_int(rows, stamp->date);
	tarn_rows_string(rows, tarn_slice_str(stamp->run_id));
	tarn_rows_string(rows, tarn_slice_str(TARN_PROCESSING_NAME));
}

void tarn_rows_source(struct tarn_rows *rows, const struct tarn_lineage *lineage)
{
	tarn_rows_string(rows, lineage->object);
	tarn_rows_opt_long(rows, lineage->index);
	tarn_rows_string(rows, lineage->topic);
	tarn_rows_opt_int(rows, (struct tarn_opt_int){ lineage->has_offset, lineage->partition });
	tarn_rows_opt_long(rows, lineage->has_offset ? lineage->offset : -1);
}

void tarn_rows_lineage(struct tarn_rows *rows, const struct tarn_experiment *experiment)
{
	tarn_rows_string(rows, tarn_id_slice(experiment->ids.configuration));
	tarn_rows_source(rows, &experiment->lineage);
}

void tarn_rows_parameters(const struct tarn_experiment *experiment, const double *values, size_t n, const char *infix,
			  const struct tarn_run_stamp *stamp, struct tarn_parquet_group *group)
{
	struct tarn_rows rows = tarn_rows_of(group, n);

	tarn_rows_experiment(&rows, experiment);
	tarn_rows_setup(&rows, experiment);
	tarn_rows_doubles(&rows, values, NULL);
	tarn_rows_processing(&rows, stamp);
	tarn_rows_indexes(&rows);
	tarn_rows_ids(&rows, experiment, infix, 0);
	tarn_rows_lineage(&rows, experiment);
}

struct tarn_slice tarn_ansatz_name(const struct tarn_record *record)
{
	return record->setup.ansatz_name.data ? record->setup.ansatz_name : tarn_slice_str("EfficientSU2");
}

struct tarn_slice tarn_init_strategy(const struct tarn_record *record)
{
	return record->setup.init_strategy.data ? record->setup.init_strategy : tarn_slice_str("random");
}
