/* What a run in one process and its steps alone have in common. Private to this room. */
#ifndef TARN_PROCESS_RUN_RUN_STEPS_H
#define TARN_PROCESS_RUN_RUN_STEPS_H

#include "process/run/run.h"

int tarn_run_jobs(const struct tarn_run_options *options);
struct tarn_run_stamp tarn_run_stamp_at(const char *run_id, int64_t now_us);
/* Id and time as the options give them, else new ones. */
struct tarn_run_stamp tarn_run_stamp_new(const struct tarn_run_options *options);

/* Where the split's objects are: as the options say, else as the plan said. */
enum tarn_rc tarn_run_open_split(const struct tarn_run_options *options, const struct tarn_split *split,
				 struct tarn_raw *raw, struct tarn_err *err) TARN_MUST_CHECK;
/* Does a split's work in an open lake; what `before` (may be NULL) holds is met already. */
enum tarn_rc tarn_run_split(const struct tarn_run_options *options, struct tarn_catalog *catalog,
			    const struct tarn_targets *targets, struct tarn_ledger *ledger,
			    const struct tarn_split *split, const struct tarn_seen *before,
			    struct tarn_work_result *result, struct tarn_err *err) TARN_MUST_CHECK;

#endif
