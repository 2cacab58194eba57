/* A task: one source, one store, the assemblies of the partitions it was given. It runs until it fails or is told to
 * stop.
 *
 * A round: messages are added; where objects are sealed, (1) dead letters are made durable, (2) recipes are committed,
 * (3) objects written, (4) the store synced, (5) the offsets behind them committed, together with the next round's
 * recipes where there is one. Killed between any two of them, the next start ends with the same objects. */
#ifndef TARN_STREAM_SINK_SINK_TASK_H
#define TARN_STREAM_SINK_SINK_TASK_H

#include <stdatomic.h>

#include "stream/sink/assembly.h"
#include "stream/sink/source.h"

#define TARN_SINK_MEMORY ((size_t)32 << 20)

struct tarn_task_numbers {
	_Atomic int64_t records, objects, dead_letters, tombstones, partitions, memory;
	_Atomic int64_t
		next_rotation; /* milliseconds since 1970 at which the first open objects are written; 0: none */
};

struct tarn_sink_task {
	/* Set by the caller; all borrowed. */
	const struct tarn_connector_config *config;
	struct tarn_source *source;
	struct tarn_store *store;
	struct tarn_schema_lookup lookup;
	enum tarn_rc (*dead_letter)(void *context, const struct tarn_dead_letter *letter, struct tarn_err *err);
	/* Makes all dead letters so far durable. */
	enum tarn_rc (*flush_dead_letters)(void *context, struct tarn_err *err);
	void *context;
	size_t memory_limit; /* 0: TARN_SINK_MEMORY */
	/* Read by others. */
	_Atomic bool *stop;
	struct tarn_task_numbers *numbers;
};

/* TARN_OK after *stop was set: what was sealed is written, what was open is left to the next start. */
enum tarn_rc tarn_sink_task_run(const struct tarn_sink_task *task, struct tarn_err *err) TARN_MUST_CHECK;

#endif
