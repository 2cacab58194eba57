/* What the ledger's rebuilding knows after it has read the tables. Private to the room. */
#ifndef TARN_PROCESS_RUN_REBUILD_H
#define TARN_PROCESS_RUN_REBUILD_H

#include "base/alloc.h"
#include "process/run/ledger.h"
#include "process/run/run_plan.h"
#include "store/catalog/catalog.h"

struct tarn_known_run {
	const char *run_id, *source;
	int64_t us;
	int64_t experiments, repeats_different, dead_letters; /* rows that it left in the tables */
};
struct tarn_known_experiment {
	struct tarn_ledger_experiment row;
	const char *run_id;
};
/* An object that rows name; once or more. */
struct tarn_known_object {
	const char *key;
	bool watched; /* it has dead letters */
};

struct tarn_known {
	struct tarn_arena arena;     /* all texts */
	const char *source;	     /* objects and partitions are of this raw area alone */
	int64_t since;		     /* only what runs left behind this position; 0: everything */
	int64_t position;	     /* see tarn_position_of; what was read is not older */
	struct tarn_known_run *runs; /* oldest first */
	size_t n_runs, cap_runs, last_run;
	struct tarn_known_experiment *experiments;
	size_t n_experiments, cap_experiments;
	struct tarn_ledger_partition *partitions;
	size_t n_partitions, cap_partitions;
	struct tarn_known_object *objects;
	size_t n_objects, cap_objects;
};

/* Reads vqe_results, repeated_results, dead_letters and the summaries of processing_metadata; of their data files only
 * those that are asked for. `since` must be in the history of processing_metadata's current snapshot. Release `known`
 * whatever comes back. */
enum tarn_rc tarn_known_read(struct tarn_catalog *catalog, const char *source, int64_t since, struct tarn_known *known,
			     struct tarn_err *err) TARN_MUST_CHECK;
void tarn_known_release(struct tarn_known *known);
/* *table becomes NULL where the catalog has no such table. */
enum tarn_rc tarn_known_load(struct tarn_catalog *catalog, const char *name, struct tarn_table **table,
			     struct tarn_err *err) TARN_MUST_CHECK;

/* Beside a REST catalog: brings the ledger after the tables, where a process died between the commit and the ledger's
 * or another machine wrote, by what was added since; makes it anew where it is new or of another history. Elsewhere it
 * does nothing. */
enum tarn_rc tarn_ledger_follow(struct tarn_catalog *catalog, const struct tarn_raw *raw, const char *source,
				struct tarn_err *err) TARN_MUST_CHECK;

#endif
