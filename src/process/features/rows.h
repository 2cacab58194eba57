/* Writing the rows of one experiment: a cursor over a group's columns, from the first to the last, and the columns
 * that every feature table shares. Private to this room. */
#ifndef TARN_PROCESS_FEATURES_ROWS_H
#define TARN_PROCESS_FEATURES_ROWS_H

#include "process/features/feature.h"

/* ---- column lists of a definition ---- */

#define TARN_COLUMN(id_, name_, kind_)                                                                                 \
	{                                                                                                              \
		.id = (id_), .name = (name_), .kind = TARN_TYPE_##kind_                                                \
	}
#define TARN_LIST_COLUMN(id_, name_, element_)                                                                         \
	{                                                                                                              \
		.id = (id_), .name = (name_), .kind = TARN_TYPE_LIST, .fields = (element_), .n_fields = 1              \
	}

#define TARN_PROCESSING_COLUMNS(id_)                                                                                   \
	TARN_COLUMN(id_, "processing_timestamp", TIMESTAMPTZ), TARN_COLUMN((id_) + 1, "processing_date", DATE),        \
		TARN_COLUMN((id_) + 2, "processing_batch_id", STRING),                                                 \
		TARN_COLUMN((id_) + 3, "processing_name", STRING)

#define TARN_SOURCE_COLUMNS(id_)                                                                                       \
	TARN_COLUMN(id_, "source_object", STRING), TARN_COLUMN((id_) + 1, "source_record", LONG),                      \
		TARN_COLUMN((id_) + 2, "source_topic", STRING), TARN_COLUMN((id_) + 3, "source_partition", INT),       \
		TARN_COLUMN((id_) + 4, "source_offset", LONG)

#define TARN_LINEAGE_COLUMNS(id_) TARN_COLUMN(id_, "configuration_id", STRING), TARN_SOURCE_COLUMNS((id_) + 1)

/* All of initial_parameters and optimal_parameters: they differ in one name. */
#define TARN_PARAMETER_COLUMNS(value_)                                                                                 \
	TARN_COLUMN(1, "experiment_id", STRING), TARN_COLUMN(2, "molecule_id", INT),                                   \
		TARN_COLUMN(3, "basis_set", STRING), TARN_COLUMN(4, "backend", STRING),                                \
		TARN_COLUMN(5, "num_qubits", INT), TARN_COLUMN(6, value_, DOUBLE), TARN_PROCESSING_COLUMNS(7),         \
		TARN_COLUMN(11, "parameter_index", INT), TARN_COLUMN(12, "parameter_id", STRING),                      \
		TARN_LINEAGE_COLUMNS(13)

/* Partition columns, by how many of them a table uses: all begin with the date. */
extern const char *const tarn_feature_partition_columns[TARN_FEATURE_PARTITION_MAX];

/* The part of a definition that is the same for all: `fields_` is an array, `n_` partition columns. */
#define TARN_TABLE(name_, fields_, n_, properties_)                                                                    \
	{                                                                                                              \
		.name = (name_), .fields = (fields_), .n_fields = sizeof(fields_) / sizeof((fields_)[0]),              \
		.partition_by = tarn_feature_partition_columns, .n_partition_by = (n_), .properties = (properties_),   \
		.n_properties = sizeof(properties_) / sizeof((properties_)[0])                                         \
	}

#define TARN_ZSTD_PROPERTY                                                                                             \
	{                                                                                                              \
		"write.parquet.compression-codec", "zstd"                                                              \
	}

/* ---- rows ---- */

/* `count` rows going in at once; every put fills the next column. */
struct tarn_rows {
	struct tarn_parquet_group *group;
	size_t column, count;
};

static inline struct tarn_rows tarn_rows_of(struct tarn_parquet_group *group, size_t count)
{
	return (struct tarn_rows){ group, 0, count };
}

/* One value for all rows. A string with data == NULL, and an optional value that is not present, is null. */
void tarn_rows_string(struct tarn_rows *rows, struct tarn_slice value);
void tarn_rows_int(struct tarn_rows *rows, int32_t value);
void tarn_rows_long(struct tarn_rows *rows, int64_t value);
void tarn_rows_double(struct tarn_rows *rows, double value);
void tarn_rows_nulls(struct tarn_rows *rows);
void tarn_rows_opt_int(struct tarn_rows *rows, struct tarn_opt_int value);
void tarn_rows_opt_long(struct tarn_rows *rows, int64_t value); /* negative: null */
void tarn_rows_opt_double(struct tarn_rows *rows, struct tarn_opt_double value);
void tarn_rows_opt_boolean(struct tarn_rows *rows, struct tarn_opt_bool value);
/* One value per row. */
void tarn_rows_doubles(struct tarn_rows *rows, const double *values, const uint8_t *valid);
/* 0, 1, 2, ..., one per row. */
void tarn_rows_indexes(struct tarn_rows *rows);
/* "<experiment id><infix><first>", ... <first + 1>, one per row. */
void tarn_rows_ids(struct tarn_rows *rows, const struct tarn_experiment *experiment, const char *infix, int64_t first);

/* Shared columns. */
void tarn_rows_experiment(struct tarn_rows *rows, const struct tarn_experiment *experiment); /* its id, molecule_id */
void tarn_rows_setup(struct tarn_rows *rows,
		     const struct tarn_experiment *experiment); /* basis_set, backend, num_qubits */
void tarn_rows_processing(struct tarn_rows *rows, const struct tarn_run_stamp *stamp);
void tarn_rows_lineage(struct tarn_rows *rows, const struct tarn_experiment *experiment);
void tarn_rows_source(struct tarn_rows *rows, const struct tarn_lineage *lineage);

/* All columns of TARN_PARAMETER_COLUMNS for `n` parameters; their ids have `infix` in them. */
void tarn_rows_parameters(const struct tarn_experiment *experiment, const double *values, size_t n, const char *infix,
			  const struct tarn_run_stamp *stamp, struct tarn_parquet_group *group);

/* Values with a default for v1 records. */
struct tarn_slice tarn_ansatz_name(const struct tarn_record *record);
struct tarn_slice tarn_init_strategy(const struct tarn_record *record);

static inline struct tarn_slice tarn_id_slice(const char id[TARN_ID_SIZE])
{
	return tarn_slice_of(id, TARN_ID_SIZE);
}

#endif
