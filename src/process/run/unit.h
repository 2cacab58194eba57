/* A unit of work: a few raw objects, or a run of blocks of a large one, on its way from bytes to records.
 *
 * A unit belongs to one thread at a time and is used again and again; its memory is kept. */
#ifndef TARN_PROCESS_RUN_UNIT_H
#define TARN_PROCESS_RUN_UNIT_H

#include "base/alloc.h"
#include "process/features/feature.h"
#include "process/run/ledger.h"
#include "process/run/output.h"
#include "process/run/run_plan.h"
#include "serialize/record/record_batch.h"

enum {
	TARN_UNIT_BYTES = 4 << 20,
	TARN_UNIT_OBJECTS = 256,
	TARN_PAYLOAD_MAX = 1 << 20,
};

/* Bytes of one object in the unit's buffer. */
struct tarn_piece {
	const struct tarn_raw_object *object;
	size_t at, len;
	/* A part of a container: whole blocks, with the container's header elsewhere in the buffer. Else the whole
	 * object. */
	bool is_part;
	size_t header_at, header_len;
	int64_t position;		     /* of the first byte in its object */
	int64_t first_record;		     /* index of the first record; -1 behind damage: unknown */
	const struct tarn_ranges *processed; /* offsets to be passed over; NULL: none */
};

enum tarn_record_state {
	TARN_RECORD_NEW,
	TARN_RECORD_PROCESSED, /* its offset was processed before: the same record */
	TARN_RECORD_BROKEN,    /* it breaks the contract: a dead letter */
	TARN_RECORD_IDENTICAL, /* a repeat */
	TARN_RECORD_DIFFERENT, /* a repeat with another result */
};

struct tarn_unit_record {
	enum tarn_record_state state;
	const struct tarn_raw_object *object;
	struct tarn_experiment experiment;
	/* Where its bytes are: piece, block's position in the piece, place in the block. */
	size_t piece, block;
	uint64_t in_block;
	struct tarn_first_delivery first; /* of a DIFFERENT one; arena memory */
	struct tarn_output *outputs[TARN_N_FEATURES];
};

struct tarn_unit_letter {
	const struct tarn_raw_object *object;
	struct tarn_dead_letter letter; /* arena memory */
};

/* Rows that this unit has for one output. */
struct tarn_portion {
	struct tarn_output *output;
	size_t rows;
	struct tarn_parquet_group *group; /* a group of its own, or NULL */
};

struct tarn_unit {
	uint64_t number;
	struct tarn_buf bytes;
	struct tarn_piece *pieces;
	size_t n_pieces, pieces_capacity;
	struct tarn_record_batch *batch;
	struct tarn_unit_record *records;
	size_t n_records, records_capacity;
	struct tarn_unit_letter *letters;
	size_t n_letters, letters_capacity;
	struct tarn_portion *portions;
	size_t n_portions, portions_capacity;
	struct tarn_output *letters_output, *repeats_output;
	struct tarn_arena arena;
	struct tarn_compressor *compressor;
	struct tarn_parquet_scratch *scratch;
	struct tarn_buf block_data; /* one block, decompressed */
	struct tarn_buf text;	    /* scratch of the ids */
	struct tarn_cutter *cutter; /* cuts single records out of blocks */
};

void tarn_unit_init(struct tarn_unit *unit);
void tarn_unit_release(struct tarn_unit *unit);
void tarn_unit_clear(struct tarn_unit *unit);

struct tarn_piece *tarn_unit_add_piece(struct tarn_unit *unit, const struct tarn_raw_object *object);
/* Notes what could not be read. `record` is its index in the object and `position` a byte in the object, -1 where
 * unknown; `payload` is copied, unless it is larger than TARN_PAYLOAD_MAX. */
struct tarn_dead_letter *tarn_unit_add_letter(struct tarn_unit *unit, const struct tarn_raw_object *object,
					      const char *stage, const struct tarn_err *problem, int64_t record,
					      int64_t position, struct tarn_slice payload);

/* Decodes the pieces into records, checks them and makes their ids. What is damaged or broken becomes a letter: bad
 * input is a result, not an error. `plans` is shared by all threads. */
void tarn_unit_decode(struct tarn_unit *unit, struct tarn_record_plans *plans);

/* Index of the record behind a block of `count`; -1 where it cannot be told. */
int64_t tarn_record_behind(int64_t first_record, uint64_t count);

/* ---- cut.c ---- */

struct tarn_cutter *tarn_cutter_new(void);
void tarn_cutter_free(struct tarn_cutter *cutter);
void tarn_cutter_clear(struct tarn_cutter *cutter);
/* The encoded bytes of a record in its block, valid until the next call; empty where they cannot be told. Cheap in the
 * order of records. `count` 0 asks for everything from there to the end of the block. */
struct tarn_slice tarn_cutter_cut(struct tarn_cutter *cutter, const struct tarn_unit *unit,
				  struct tarn_record_plans *plans, size_t piece, size_t block, uint64_t in_block,
				  unsigned count);

#endif
