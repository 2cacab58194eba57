/* A feature table: its columns, its partition, its formulas. One source file per table beside this header; all of them
 * are listed in tarn_features[]. */
#ifndef TARN_PROCESS_FEATURES_FEATURE_H
#define TARN_PROCESS_FEATURES_FEATURE_H

#include "serialize/record/record.h"
#include "store/iceberg/table.h"

/* One value per run (design: rules for data). */
struct tarn_run_stamp {
	int64_t now_us;     /* processing_timestamp */
	int32_t date;       /* processing_date, days */
	char run_id[37];    /* processing_batch_id, a UUID */
};
#define TARN_PROCESSING_NAME "quantum_base_processing"

/* Where a record came from. */
struct tarn_lineage {
	struct tarn_slice object; /* key below the raw root */
	struct tarn_slice topic;
	bool has_offset; /* Avro objects of a sink: partition and offset of the message */
	int32_t partition;
	int64_t offset;
	int64_t index;   /* of the record in its object, from 0 */
};

/* One experiment on its way into the tables. */
struct tarn_experiment {
	struct tarn_record record;
	struct tarn_record_ids ids;
	struct tarn_lineage lineage;
};

struct tarn_feature {
	struct tarn_table_definition table;
	/* Rows this experiment has in the table. */
	size_t (*rows)(const struct tarn_record *record);
	/* Appends them, in order, every column. */
	void (*emit)(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		     struct tarn_parquet_group *group);
};

#define TARN_N_FEATURES 9
extern const struct tarn_feature *const tarn_features[TARN_N_FEATURES];

/* Beside the nine: */
extern const struct tarn_table_definition tarn_processing_metadata_table;
extern const struct tarn_table_definition tarn_dead_letters_table;
extern const struct tarn_table_definition tarn_repeated_results_table;

#endif
