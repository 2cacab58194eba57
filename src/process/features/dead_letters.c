#include "process/features/rows.h"

static const struct tarn_field fields[] = {
	TARN_COLUMN(1, "reason", STRING),      TARN_COLUMN(2, "error", STRING),
	TARN_COLUMN(3, "stage", STRING),       TARN_SOURCE_COLUMNS(4),
	TARN_COLUMN(9, "byte_position", LONG), TARN_COLUMN(10, "experiment_id", STRING),
	TARN_COLUMN(11, "payload", BINARY),    TARN_PROCESSING_COLUMNS(12),
};

static const struct tarn_property properties[] = {
	{ "comment", "Raw records that could not become rows, with reason and place" },
	TARN_ZSTD_PROPERTY,
};

const struct tarn_table_definition tarn_dead_letters_table = TARN_TABLE("dead_letters", fields, 1, properties);

void tarn_dead_letters_emit(const struct tarn_dead_letter *letter, const struct tarn_run_stamp *stamp,
			    struct tarn_parquet_group *group)
{
	const struct tarn_lineage lineage = {
		.object = letter->object,
		.topic = letter->topic,
		.has_offset = letter->has_offset,
		.partition = letter->partition,
		.offset = letter->offset,
		.index = letter->record,
	};
	struct tarn_rows rows = tarn_rows_of(group, 1);

	tarn_rows_string(&rows, letter->reason);
	tarn_rows_string(&rows, tarn_slice_str(letter->error));
	tarn_rows_string(&rows, tarn_slice_str(letter->stage));
	tarn_rows_source(&rows, &lineage);
	tarn_rows_opt_long(&rows, letter->byte_position);
	tarn_rows_string(&rows, letter->experiment_id);
	tarn_rows_string(&rows, letter->payload);
	tarn_rows_processing(&rows, stamp);
}
