/* One split becomes data files that no reader can see yet, and an account of what is in them. */
#ifndef TARN_PROCESS_RUN_WORK_H
#define TARN_PROCESS_RUN_WORK_H

#include "process/run/run_plan.h"
#include "process/run/seen.h"
#include "process/run/targets.h"

struct tarn_work_file {
	size_t target;
	struct tarn_data_file file; /* arena memory */
};
/* What a topic brought, for the audit: rows per feature table. */
struct tarn_work_topic {
	const char *name;
	int64_t rows[TARN_N_FEATURES];
};
struct tarn_work_result {
	struct tarn_arena arena;
	struct tarn_work_file *files; /* by table, then in the order of their first rows */
	size_t n_files;
	struct tarn_ledger_experiment *experiments; /* their objects are the split's keys */
	size_t n_experiments;
	struct tarn_ledger_partition *partitions; /* offsets covered; `ranges` are owned by the result */
	size_t n_partitions;
	struct tarn_ledger_named *objects;
	size_t n_objects;
	struct tarn_work_topic *topics;
	size_t n_topics;
	struct tarn_run_counts counts;
};
void tarn_work_result_release(struct tarn_work_result *result);

struct tarn_work_progress {
	int64_t objects, objects_total, bytes, bytes_total;
};

struct tarn_work_input {
	const struct tarn_split *split;
	struct tarn_store *raw, *lake;
	const struct tarn_targets *targets;
	struct tarn_ledger *ledger;
	const struct tarn_seen *before; /* of splits that come first and are not in the ledger; may be NULL */
	uint32_t attempt;		/* in the names of files: two tries at one split do not meet */
	int jobs;
	void (*progress)(void *context,
			 const struct tarn_work_progress *progress); /* may be NULL; one call at a time */
	void *progress_context;
};

/* The files are not durable before tarn_store_sync. On failure none is left open; those finished are orphans. */
enum tarn_rc tarn_work(const struct tarn_work_input *input, struct tarn_work_result *result,
		       struct tarn_err *err) TARN_MUST_CHECK;

/* One line of JSON without a newline, the split's own line inside, and back. */
enum tarn_rc tarn_work_write(const struct tarn_split *split, const struct tarn_work_result *result,
			     struct tarn_buf *line, struct tarn_err *err) TARN_MUST_CHECK;
/* Everything is memory of the result, the split too. */
enum tarn_rc tarn_work_parse(struct tarn_slice line, struct tarn_split *split, struct tarn_work_result *result,
			     struct tarn_err *err) TARN_MUST_CHECK;

#endif
