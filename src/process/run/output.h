/* Data files being written: one open file per table and partition, rolled when it is large.
 *
 * Small portions gather in the file's open row group; large ones come as finished groups of their own. What lands in
 * the files depends on the order of the calls alone. Looking up is for one thread at a time, and so are
 * filling and appending; the two may go on at once;
 * tarn_output_finish may run for different outputs at once. `scratch` is the calling thread's. */
#ifndef TARN_PROCESS_RUN_OUTPUT_H
#define TARN_PROCESS_RUN_OUTPUT_H

#include "base/alloc.h"
#include "process/run/targets.h"

struct tarn_output;
struct tarn_outputs;

/* Files are named "<split, five digits>-<attempt>-<run id>-<number>.parquet". All arguments are borrowed. */
struct tarn_outputs *tarn_outputs_new(struct tarn_store *lake, const struct tarn_targets *targets, const char *run_id,
				      uint32_t split, uint32_t attempt);
/* Discards what was not finished. */
void tarn_outputs_free(struct tarn_outputs *outputs);

/* The output for a partition of a table; pointers stay valid. */
struct tarn_output *tarn_outputs_find(struct tarn_outputs *outputs, size_t target,
				      const struct tarn_partition_value *partition);
size_t tarn_outputs_count(const struct tarn_outputs *outputs);
struct tarn_output *tarn_outputs_at(struct tarn_outputs *outputs, size_t i);

/* A new group with the columns of the output's table. */
struct tarn_parquet_group *tarn_output_group_new(const struct tarn_output *output,
						 struct tarn_parquet_scratch *scratch);
/* The open group, to put rows into. */
struct tarn_parquet_group *tarn_output_open_group(struct tarn_output *output, struct tarn_parquet_scratch *scratch);
/* Closes the open group if it has become large. */
enum tarn_rc tarn_output_settle(struct tarn_output *output, struct tarn_parquet_scratch *scratch,
				struct tarn_err *err) TARN_MUST_CHECK;
/* Closes the open group, then appends a finished one (and frees it in any case). */
enum tarn_rc tarn_output_append(struct tarn_output *output, struct tarn_parquet_group *group,
				struct tarn_parquet_scratch *scratch, struct tarn_err *err) TARN_MUST_CHECK;
/* Closes the largest open groups until all together hold a bounded number of bytes. */
enum tarn_rc tarn_outputs_bound(struct tarn_outputs *outputs, struct tarn_parquet_scratch *scratch,
				struct tarn_err *err) TARN_MUST_CHECK;
/* Closes group and file. */
enum tarn_rc tarn_output_finish(struct tarn_output *output, struct tarn_parquet_scratch *scratch,
				struct tarn_err *err) TARN_MUST_CHECK;

/* The finished files of one output, copied to `arena`. */
size_t tarn_output_file_count(const struct tarn_output *output);
size_t tarn_output_target(const struct tarn_output *output);
void tarn_output_file(const struct tarn_output *output, size_t i, struct tarn_arena *arena,
		      struct tarn_data_file *file);

#endif
