/* The tables that a run writes: the nine, what could not become rows, what came again, and the audit. */
#ifndef TARN_PROCESS_RUN_TARGETS_H
#define TARN_PROCESS_RUN_TARGETS_H

#include "base/clock.h"
#include "process/features/feature.h"
#include "store/catalog/catalog.h"

enum tarn_target_index {
	/* 0 .. TARN_N_FEATURES - 1: tarn_features[] */
	TARN_TARGET_DEAD_LETTERS = TARN_N_FEATURES,
	TARN_TARGET_REPEATED_RESULTS,
	TARN_TARGET_PROCESSING_METADATA,
	TARN_N_TARGETS,
};
const struct tarn_table_definition *tarn_target_definition(size_t index);

struct tarn_target {
	const struct tarn_table_definition *definition;
	struct tarn_table *table; /* as the catalog has it, or new */
	char *metadata_location;  /* NULL: new */
};
struct tarn_targets {
	struct tarn_target items[TARN_N_TARGETS];
};

/* Loads what is there; a table that is not gets its state before the first snapshot, with ids that depend on the run's
 * alone. A REST catalog makes it at once (tarn_catalog_make): some servers take no files for tables that they do not
 * know. TARN_EINVALID where a table of that name has other columns. */
enum tarn_rc tarn_targets_load(struct tarn_catalog *catalog, const struct tarn_run_stamp *stamp,
			       struct tarn_targets *targets, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_targets_release(struct tarn_targets *targets);

/* An id for the next snapshot: made from the run's id, the table's name and the snapshot before. Positive, below 2^53.
 */
int64_t tarn_target_snapshot_id(const struct tarn_target *target, const char *run_id);

#endif
