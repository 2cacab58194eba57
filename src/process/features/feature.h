/* A feature table: its columns, its partition, its formulas. One source file per table beside this header; all of them
 * are listed in tarn_features[]. */
#ifndef TARN_PROCESS_FEATURES_FEATURE_H
#define TARN_PROCESS_FEATURES_FEATURE_H

#include "serialize/record/record.h"
#include "store/iceberg/table.h"

/* One value per run (design: rules for data). */
struct tarn_run_stamp {
	int64_t now_us;	 /* processing_timestamp */
	int32_t date;	 /* processing_date, days */
	char run_id[37]; /* processing_batch_id, a UUID */
};
#define TARN_PROCESSING_NAME "quantum_base_processing"

/* Where a record came from. */
struct tarn_lineage {
	struct tarn_slice object; /* key below the raw root */
	struct tarn_slice topic;
	bool has_offset; /* Avro objects of a sink: partition and offset of the message */
	int32_t partition;
	int64_t offset;
	int64_t index; /* of the record in its object, from 0 */
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
	/* Appends them, in order, every column; not to be called where there are none. */
	void (*emit)(const struct tarn_experiment *experiment, const struct tarn_run_stamp *stamp,
		     struct tarn_parquet_group *group);
};

#define TARN_N_FEATURES 9
extern const struct tarn_feature *const tarn_features[TARN_N_FEATURES];

/* Most partition fields that any table here has. */
#define TARN_FEATURE_PARTITION_MAX 3
/* The partition that an experiment's rows of a table belong to: one value per partition field, borrowing the record's
 * memory. */
void tarn_feature_partition(const struct tarn_table_definition *table, const struct tarn_experiment *experiment,
			    const struct tarn_run_stamp *stamp, struct tarn_partition_value *values);

/* ---- beside the nine; each with one row per call of its emit function ---- */

/* What a run did to the nine tables, one row per run and topic. */
struct tarn_topic_report {
	const char *const *table_names, *const *table_versions; /* a tag, or "no_changes" */
	const int64_t *record_counts;				/* rows appended */
	size_t n_tables;
	struct tarn_slice source_data_info;
};
extern const struct tarn_table_definition tarn_processing_metadata_table;
void tarn_processing_metadata_emit(const struct tarn_topic_report *report, const struct tarn_run_stamp *stamp,
				   struct tarn_parquet_group *group);

/* Something that could not become rows. `data == NULL` and negative numbers: not known. */
struct tarn_dead_letter {
	struct tarn_slice reason; /* the error's text */
	const char *error;	  /* tarn_rc_name() of it */
	const char *stage;	  /* read, header, decode, json, contract */
	struct tarn_slice object, topic;
	int64_t record, byte_position;
	bool has_offset;
	int32_t partition;
	int64_t offset;
	struct tarn_slice experiment_id, payload;
};
extern const struct tarn_table_definition tarn_dead_letters_table;
void tarn_dead_letters_emit(const struct tarn_dead_letter *letter, const struct tarn_run_stamp *stamp,
			    struct tarn_parquet_group *group);

/* An experiment that is in the tables already, arriving with another result. */
struct tarn_first_delivery {
	struct tarn_slice object;
	int64_t record;
	struct tarn_slice result; /* digest, hexadecimal */
	struct tarn_slice run_id;
};
extern const struct tarn_table_definition tarn_repeated_results_table;
void tarn_repeated_results_emit(const struct tarn_experiment *repeat, const struct tarn_first_delivery *first,
				const struct tarn_run_stamp *stamp, struct tarn_parquet_group *group);

#endif
