/* Raw objects by their names, and the order in which their records count.
 *
 *   <topic>+<partition>+<offset>.avro   of a Kafka Connect sink (also .json): record i has offset + i
 *   <counter>-<nanoseconds>.json        of Redpanda Connect
 *   anything else that ends in .avro or .json
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

#endif
