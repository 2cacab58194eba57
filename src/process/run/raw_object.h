/* Raw objects by their names, and the order in which their records count.
 *
 *   <topic>+<partition>+<offset>.avro   of a Kafka Connect sink (also .json): record i has offset + i, unless the
 * container's header says otherwise (`tarn.offsets`: "0,2-5", as Tarn's sink writes it) <counter>-<nanoseconds>.json of
 * Redpanda Connect anything else that ends in .avro or .json
 *
 * Names that begin with '.' or '_', and the sink's files of keys and headers (.keys.avro, .headers.avro), are none. */
#ifndef TARN_PROCESS_RUN_RAW_OBJECT_H
#define TARN_PROCESS_RUN_RAW_OBJECT_H

#include "base/buf.h"

enum tarn_raw_naming { TARN_RAW_OFFSET, TARN_RAW_COUNTER, TARN_RAW_OTHER };

struct tarn_raw_object {
	const char *key; /* below the raw root */
	int64_t size;
	bool watched; /* the ledger watches it: it had dead letters, or nothing inside */
	bool is_json;
	enum tarn_raw_naming naming;
	/* From the name where it has offsets; else the nearest folder that is not a partition (`x=y`), or the name's
	 * stem where there is none. Points into `key`. */
	struct tarn_slice topic;
	int32_t partition;	 /* OFFSET only */
	int64_t offset;		 /* OFFSET only */
	uint64_t counter, nanos; /* COUNTER only */
};

/* Fills all but size and watched from `key`, which must outlive the object; false where it names no raw object. */
bool tarn_raw_object_parse(const char *key, struct tarn_raw_object *object);
/* For qsort: topic; objects with offsets by partition and offset, then counters by counter and time, then others; key.
 */
int tarn_raw_object_compare(const void *a, const void *b);
/* The part of a key behind its last '/'. */
const char *tarn_raw_object_name(const char *key);

/* The metadata key of a container whose records' offsets have gaps, and what stands there. */
#define TARN_RAW_OFFSETS "tarn.offsets"
struct tarn_raw_range {
	int64_t first, last; /* offsets without a gap */
	int64_t record;	     /* index of the first one */
};
struct tarn_raw_offsets {
	struct tarn_raw_range *ranges;
	size_t n; /* 0: no gaps, or nothing that could be understood */
};
/* The ranges are the caller's to free, where n > 0. */
void tarn_raw_offsets_read(struct tarn_slice text, struct tarn_raw_offsets *offsets);
/* Offset of a record (index 0 and up); -1 where the header does not tell. */
int64_t tarn_raw_offset_of(const struct tarn_raw_object *object, const struct tarn_raw_offsets *offsets,
			   int64_t record);

#endif
