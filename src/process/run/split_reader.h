/* Hands out a split's bytes as units, in order: whole small objects together, large containers a few blocks at a time.
 * Where a unit ends depends on the objects alone. For one thread at a time. */
#ifndef TARN_PROCESS_RUN_SPLIT_READER_H
#define TARN_PROCESS_RUN_SPLIT_READER_H

#include "process/run/unit.h"

struct tarn_reader;

/* All arguments are borrowed; the ledger is asked here and not again. */
enum tarn_rc tarn_reader_new(const struct tarn_split *split, struct tarn_store *raw, struct tarn_ledger *ledger,
			     struct tarn_record_plans *plans, struct tarn_reader **reader,
			     struct tarn_err *err) TARN_MUST_CHECK;
void tarn_reader_free(struct tarn_reader *reader);
/* Fills a cleared unit; *any is false at the end. An object that cannot be read for a reason of its own (permissions,
 * damage) becomes a letter; TARN_EIO is the system's trouble and nobody's bad data. */
enum tarn_rc tarn_reader_next(struct tarn_reader *reader, struct tarn_unit *unit, bool *any,
			      struct tarn_err *err) TARN_MUST_CHECK;

#endif
