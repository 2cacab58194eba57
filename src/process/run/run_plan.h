/* What a run is to read: the raw objects that the lake has not processed, in the order in which they count, cut into
 * splits. Looking costs what changed: folders by their tokens, partitions by their watermarks. */
#ifndef TARN_PROCESS_RUN_RUN_PLAN_H
#define TARN_PROCESS_RUN_RUN_PLAN_H

#include "base/alloc.h"
#include "base/clock.h"
#include "process/run/ledger.h"
#include "process/run/raw_object.h"

/* A raw area: the folder above `experiments` or that folder itself give the same keys. */
struct tarn_raw {
	struct tarn_store *store;
	const char *prefix; /* where to look: "" or "experiments" */
};
enum tarn_rc tarn_raw_open(const char *url, struct tarn_raw *raw, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_raw_close(struct tarn_raw *raw);

struct tarn_plan {
	struct tarn_arena arena;
	struct tarn_raw_object *objects; /* sorted */
	size_t n_objects, capacity;
	int64_t bytes;
	/* Tokens to be kept once all of the objects are committed. */
	struct tarn_ledger_folder *folders;
	size_t n_folders, folders_capacity;
};

/* `rescan`: look at every folder, and again at objects that had dead letters. */
enum tarn_rc tarn_plan_make(const struct tarn_raw *raw, struct tarn_ledger *ledger, bool rescan, struct tarn_plan *plan,
			    struct tarn_err *err) TARN_MUST_CHECK;
void tarn_plan_release(struct tarn_plan *plan);

/* A part of a plan that one process works on. */
struct tarn_split {
	uint32_t index; /* in its plan */
	const char *run_id;
	int64_t now_us;
	const char *raw, *source; /* URL of the area; its name in the ledger */
	const struct tarn_raw_object *objects;
	size_t n_objects;
	int64_t bytes;
};
/* How many of the objects from `first` on make a split of at most `max_bytes`; at least one. */
size_t tarn_plan_cut(const struct tarn_plan *plan, size_t first, int64_t max_bytes, int64_t *bytes);

/* One line of JSON without a newline, and back. Strings and objects of a parsed split are arena memory. */
enum tarn_rc tarn_split_write(const struct tarn_split *split, struct tarn_buf *line,
			      struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_split_parse(struct tarn_slice line, struct tarn_arena *arena, struct tarn_split *split,
			      struct tarn_err *err) TARN_MUST_CHECK;

#endif
