/* The feature run: plan, work, commit; each alone, or all three in one process.
 *
 *   tarn_run         finds what is new, works on it as one split and commits it
 *   tarn_run_plan    prints splits; changes nothing of the lake (a ledger beside a REST catalog is brought after it)
 *   tarn_run_work    takes a split and gives its account; changes no rows that a reader can see, and may run twice
 *   tarn_run_commit  takes accounts and makes them visible, or nothing
 *
 * A run holds the catalog's writer lock from plan to commit. Beside a REST catalog that keeps off runs of this machine
 * alone; of two on two machines one gets TARN_ECONFLICT, with nothing changed, and finds what is new when it runs
 * again. Work alone holds none: the commit checks what it finds and does a split again that meets experiments, offsets
 * or objects that are in the lake by then. */
#ifndef TARN_PROCESS_RUN_RUN_H
#define TARN_PROCESS_RUN_RUN_H

#include "process/run/commit.h"

struct tarn_run_options {
	const char *raw, *lake;
	const char *catalog; /* its URL; NULL: in the lake (see tarn_catalog_open_at) */
	const char *source;  /* the raw area's name in the ledger; NULL: its URL */
	int jobs;	     /* 0: one per core */
	int wait_ms;	     /* for the writer lock; -1: for ever */
	bool rescan;	     /* look at every folder, and again at objects that had dead letters */
	const char *run_id;  /* a UUID; NULL: a new one */
	int64_t now_us;	     /* 0: now */
	void (*progress)(void *context, const struct tarn_work_progress *progress); /* may be NULL */
	void *progress_context;
};

struct tarn_run_report {
	char run_id[TARN_UUID_SIZE];
	enum tarn_run_outcome outcome;
	struct tarn_run_counts counts;
	struct tarn_commit_table tables[TARN_N_TARGETS];
	int64_t plan_ns, work_ns, commit_ns;
	size_t redone; /* splits that the commit did again */
};

enum tarn_rc tarn_run(const struct tarn_run_options *options, struct tarn_run_report *report,
		      struct tarn_err *err) TARN_MUST_CHECK;

/* Calls `visit` with each split's line. */
typedef enum tarn_rc (*tarn_run_line)(void *context, struct tarn_slice line, struct tarn_err *err);
enum tarn_rc tarn_run_plan(const struct tarn_run_options *options, int64_t split_bytes, tarn_run_line visit,
			   void *context, struct tarn_err *err) TARN_MUST_CHECK;
/* Of the options: lake, jobs, progress, raw (NULL: where the plan found it). Appends the account's line; the files are
 * durable then. */
enum tarn_rc tarn_run_work(const struct tarn_run_options *options, struct tarn_slice split_line, struct tarn_buf *line,
			   struct tarn_err *err) TARN_MUST_CHECK;
/* Of the options: lake, jobs, wait_ms, raw (as for work). The lines are of one plan, in any order; one split twice
 * counts once. */
enum tarn_rc tarn_run_commit(const struct tarn_run_options *options, const struct tarn_slice *lines, size_t n_lines,
			     struct tarn_run_report *report, struct tarn_err *err) TARN_MUST_CHECK;

/* Makes the ledger anew from what the tables say, in one transaction, for a catalog.db that lost it. Of the options:
 * raw, lake, catalog, source, wait_ms. Experiments are those of all areas; offsets and objects those of this one, so
 * several areas take a call each. The history of runs is completed, not replaced. What only repeats told is known as
 * far as the last snapshot's summary goes; a run may read such an object again, and finds nothing new in it. */
struct tarn_rebuild_report {
	int64_t runs, experiments, partitions, objects; /* runs: those that were missing */
};
enum tarn_rc tarn_run_rebuild(const struct tarn_run_options *options, struct tarn_rebuild_report *report,
			      struct tarn_err *err) TARN_MUST_CHECK;

#endif
