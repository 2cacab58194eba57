/* What the lake has processed: an index in catalog.db beside the table pointers, changed in the transaction that moves
 * them. Tables (DDL in ledger.c):
 *
 *   tarn_sources      raw areas by URL or given name: the same topic in two areas is two topics
 *   tarn_offsets      per source, topic, partition: processed offsets as merged intervals [first, end)
 *   tarn_tails        per source, topic, partition: the last object, to see whether the sink rewrote it longer
 *   tarn_objects      per source and folder: objects whose names have no offset, and those that are watched
 *   tarn_folders      per source: a token of each folder, so that an unchanged one is not listed again
 *   tarn_experiments  experiment -> result digest, first delivery, run
 *   tarn_runs         what each run did
 *
 * Beside a REST catalog the file is one of this machine, apart from the tables, and has one table more:
 *
 *   tarn_positions    per source: the last run's snapshot of processing_metadata that the rest accounts for
 *
 * A ledger reads; it is used by one thread at a time. A lake without these tables has processed nothing. */
#ifndef TARN_PROCESS_RUN_LEDGER_H
#define TARN_PROCESS_RUN_LEDGER_H

#include "base/hash.h"
#include "process/run/ranges.h"
#include "process/run/statement.h"
#include "store/iceberg/table.h"
#include "store/object/object.h"

struct tarn_ledger;

/* `db` may be NULL: nothing processed. `source` is the raw area's name. */
enum tarn_rc tarn_ledger_open(sqlite3 *db, const char *source, struct tarn_ledger **ledger,
			      struct tarn_err *err) TARN_MUST_CHECK;
void tarn_ledger_close(struct tarn_ledger *ledger);
/* Around questions that follow each other at once: see tarn_sql_view_begin. */
void tarn_ledger_view_begin(struct tarn_ledger *ledger);
void tarn_ledger_view_end(struct tarn_ledger *ledger);

/* Processed offsets; owned by the ledger. */
enum tarn_rc tarn_ledger_ranges(struct tarn_ledger *ledger, struct tarn_slice topic, int32_t partition,
				const struct tarn_ranges **ranges, struct tarn_err *err) TARN_MUST_CHECK;

/* The token kept for a folder ("" where there is none). */
enum tarn_rc tarn_ledger_folder_token(struct tarn_ledger *ledger, const char *folder, char token[TARN_STORE_TOKEN_SIZE],
				      struct tarn_err *err) TARN_MUST_CHECK;
typedef enum tarn_rc (*tarn_ledger_visit)(void *context, const char *key, int64_t size, struct tarn_err *err);
/* Folders known right below `folder`; size is 0. */
enum tarn_rc tarn_ledger_subfolders(struct tarn_ledger *ledger, const char *folder, tarn_ledger_visit visit,
				    void *context, struct tarn_err *err) TARN_MUST_CHECK;
/* The last object of every partition and its size when it was read. */
enum tarn_rc tarn_ledger_tails(struct tarn_ledger *ledger, tarn_ledger_visit visit, void *context,
			       struct tarn_err *err) TARN_MUST_CHECK;

/* Named objects of one folder: asked in byte order of names, one step of a cursor each. */
enum tarn_rc tarn_ledger_objects_begin(struct tarn_ledger *ledger, const char *folder,
				       struct tarn_err *err) TARN_MUST_CHECK;
struct tarn_ledger_object {
	bool known, watched;
	int64_t size;
};
enum tarn_rc tarn_ledger_objects_find(struct tarn_ledger *ledger, const char *name, struct tarn_ledger_object *object,
				      struct tarn_err *err) TARN_MUST_CHECK;

/* The delivery of an experiment that is in the tables. */
struct tarn_ledger_first {
	uint8_t result[TARN_SHA256_SIZE];
	char run_id[37];
	int64_t record;
	const char *object; /* valid until the next call */
};
enum tarn_rc tarn_ledger_experiment(struct tarn_ledger *ledger, const uint8_t id[TARN_SHA256_SIZE], bool *found,
				    struct tarn_ledger_first *first, struct tarn_err *err) TARN_MUST_CHECK;

/* ---- what a run changes ---- */

struct tarn_ledger_partition {
	struct tarn_slice topic;
	int32_t partition;
	struct tarn_ranges ranges;
	const char *tail_key; /* its last object; kept unless a later one is known */
	int64_t tail_offset, tail_size;
};
struct tarn_ledger_named {
	const char *key;
	int64_t size;
	bool watched; /* had dead letters or nothing: to be read again once its size changes */
	bool forget;  /* the object is whole now, its offsets say enough */
};
struct tarn_ledger_folder {
	const char *folder;
	char token[TARN_STORE_TOKEN_SIZE];
};
struct tarn_ledger_experiment {
	uint8_t id[TARN_SHA256_SIZE], result[TARN_SHA256_SIZE];
	const char *object;
	int64_t record;
};

enum tarn_run_outcome { TARN_RUN_COMMITTED, TARN_RUN_NOTHING_NEW, TARN_RUN_FAILED };
const char *tarn_run_outcome_name(enum tarn_run_outcome outcome);

struct tarn_run_counts {
	int64_t objects, bytes, records;
	int64_t experiments; /* new ones */
	int64_t repeats_identical, repeats_different, dead_letters;
};
void tarn_run_counts_add(struct tarn_run_counts *to, const struct tarn_run_counts *from);
struct tarn_run_row {
	const char *run_id, *source, *error, *tables_json; /* error, tables_json may be NULL */
	int64_t started_us, ended_us;
	enum tarn_run_outcome outcome;
	struct tarn_run_counts counts;
};

struct tarn_ledger_change {
	const char *source;
	struct tarn_ledger_partition *partitions;
	size_t n_partitions;
	const struct tarn_ledger_named *objects;
	size_t n_objects;
	const struct tarn_ledger_folder *folders;
	size_t n_folders;
	const struct tarn_ledger_experiment *experiments;
	size_t n_experiments;
	const struct tarn_run_row *run;
};
/* Inside the caller's transaction. TARN_ECONFLICT where an experiment is in the index already. */
enum tarn_rc tarn_ledger_apply(sqlite3 *db, const struct tarn_ledger_change *change,
			       struct tarn_err *err) TARN_MUST_CHECK;
/* Of the above: the tables where they are missing; and all of a change but its run and its experiments. */
enum tarn_rc tarn_ledger_make_tables(sqlite3 *db, struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_ledger_apply_places(sqlite3 *db, const struct tarn_ledger_change *change,
				      struct tarn_err *err) TARN_MUST_CHECK;
/* All that is processed after a change, as JSON {"<source>":{"<topic>/<partition>":[[first,end],...]}}, for the
 * snapshot's summary. */
enum tarn_rc tarn_ledger_state_json(struct tarn_ledger *ledger, const struct tarn_ledger_change *change,
				    struct tarn_buf *json, struct tarn_err *err) TARN_MUST_CHECK;

/* ---- beside a REST catalog (ledger_position.c) ---- */

/* The newest snapshot of processing_metadata (NULL: no such table) that a run has made; 0: none. */
int64_t tarn_position_of(const struct tarn_table *audit);
/* What the ledger accounts for; -1 where it does not say. */
enum tarn_rc tarn_ledger_position(sqlite3 *db, const char *source, int64_t *position,
				  struct tarn_err *err) TARN_MUST_CHECK;
/* Inside a transaction: this source is at `position`, and so are all others that were at `before`. */
enum tarn_rc tarn_ledger_move(sqlite3 *db, const char *source, int64_t before, int64_t position,
			      struct tarn_err *err) TARN_MUST_CHECK;

/* ---- runs ---- */

/* TARN_EEXISTS where a run of this id has committed. */
enum tarn_rc tarn_runs_check_id(sqlite3 *db, const char *run_id, struct tarn_err *err) TARN_MUST_CHECK;
typedef enum tarn_rc (*tarn_runs_visit)(void *context, const struct tarn_run_row *run, struct tarn_err *err);
/* Oldest first. */
enum tarn_rc tarn_runs_list(sqlite3 *db, tarn_runs_visit visit, void *context, struct tarn_err *err) TARN_MUST_CHECK;

#endif
