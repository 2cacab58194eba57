/* Makes the work of a run visible: all tables and the ledger in one transaction of the catalog, or none. */
#ifndef TARN_PROCESS_RUN_COMMIT_H
#define TARN_PROCESS_RUN_COMMIT_H

#include "process/run/work.h"

/* What a run appended to a table. */
struct tarn_commit_table {
	int64_t rows, files, bytes;
	char version[80]; /* the tag, or "" */
};

struct tarn_commit_input {
	struct tarn_catalog *catalog; /* open for writing */
	struct tarn_targets *targets; /* change, whether it succeeds or not */
	struct tarn_ledger *ledger;
	const char *source;
	const struct tarn_run_stamp *stamp;
	const struct tarn_work_result *results;
	size_t n_results;
	const struct tarn_plan *plan; /* its folders' tokens are kept; NULL where not all of it is committed */
	int64_t started_us;
};
enum tarn_rc tarn_commit(const struct tarn_commit_input *input, struct tarn_commit_table tables[TARN_N_TARGETS],
			 struct tarn_err *err) TARN_MUST_CHECK;

/* Writes a row of the history alone, with tokens of the plan if there is one. */
enum tarn_rc tarn_commit_run_row(struct sqlite3 *db, const struct tarn_run_row *row, const struct tarn_plan *plan,
				 struct tarn_err *err) TARN_MUST_CHECK;

#endif
