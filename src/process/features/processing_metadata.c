#include "process/features/rows.h"

static const struct tarn_field name[] = { TARN_COLUMN(9, "element", STRING) };
static const struct tarn_field version[] = { TARN_COLUMN(10, "element", STRING) };
static const struct tarn_field count[] = { TARN_COLUMN(11, "element", LONG) };

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "processing_batch_id", STRING),
	TARN_COLUMN(2, "processing_name", STRING),
	TARN_COLUMN(3, "processing_timestamp", TIMESTAMPTZ),
	TARN_COLUMN(4, "processing_date", DATE),
	TARN_LIST_COLUMN(5, "table_names", name),
	TARN_LIST_COLUMN(6, "table_versions", version),
	TARN_LIST_COLUMN(7, "record_counts", count),
	TARN_COLUMN(8, "source_data_info", STRING),
};

static const struct tarn_property properties[] = { TARN_ZSTD_PROPERTY };

const struct tarn_table_definition tarn_processing_metadata_table =
	TARN_TABLE("processing_metadata", fields, 0, properties);

static void put_names(struct tarn_rows *rows, const char *const *names, size_t n)
{
	tarn_parquet_begin_list(rows->group, rows->column);
	for (size_t i = 0; i < n; i++)
		tarn_parquet_put_string(rows->group, rows->column, tarn_slice_str(names[i]), 1);
	tarn_parquet_end_list(rows->group, rows->column++);
}

void tarn_processing_metadata_emit(const struct tarn_topic_report *report, const struct tarn_run_stamp *stamp,
				   struct tarn_parquet_group *group)
{
	struct tarn_rows rows = tarn_rows_of(group, 1);

	tarn_rows_string(&rows, tarn_slice_str(stamp->run_id));
	tarn_rows_string(&rows, tarn_slice_str(TARN_PROCESSING_NAME));
	tarn_rows_long(&rows, stamp->now_us);
	tarn_rows_int(&rows, stamp->date);
	put_names(&rows, report->table_names, report->n_tables);
	put_names(&rows, report->table_versions, report->n_tables);
	tarn_parquet_begin_list(group, rows.column);
	for (size_t i = 0; i < report->n_tables; i++)
		tarn_parquet_put_long(group, rows.column, report->record_counts[i], 1);
	tarn_parquet_end_list(group, rows.column++);
	tarn_rows_string(&rows, report->source_data_info);
}
