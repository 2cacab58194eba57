/* One object while it is being made: a container file, lines of JSON, or bytes.
 *
 * It grows in memory; what is too much goes on to the store, where nothing is seen of it before tarn_object_write. Its
 * bytes depend on its records, its key and the configuration alone, so that the same object can be made twice. */
#ifndef TARN_STREAM_SINK_OBJECT_FILE_H
#define TARN_STREAM_SINK_OBJECT_FILE_H

#include "serialize/avro/container.h"
#include "store/object/object.h"
#include "stream/sink/connector_config.h"
#include "stream/sink/worker.h"

/* Files of this many bytes hold a block; Avro's own libraries close one there too. */
#define TARN_OBJECT_BLOCK ((size_t)64000)

struct tarn_object_range {
	int64_t first, last; /* offsets without a gap */
};

struct tarn_object_file {
	const struct tarn_connector_config *config;
	char *key;
	char *folder;	    /* the partitioner's */
	const void *schema; /* whatever tells the records' schema apart; NULL for none */
	int64_t records;
	struct tarn_object_range *ranges;
	size_t n_ranges, cap_ranges;

	struct tarn_slice schema_text; /* of a container file; must outlive it */
	uint8_t sync[16];
	struct tarn_avro_writer *writer;    /* of a container file */
	struct tarn_compressor *compressor; /* of gzip */
	struct tarn_buf body;		    /* complete blocks, or lines, behind the header */
	struct tarn_buf lines;		    /* not compressed yet, where they will be */
	struct tarn_store_writer *upload;   /* set: its beginning is in the store */
	size_t header_size;		    /* in front of `body` */
	size_t block_size, largest_block;   /* of records since the last complete block */
	size_t accounted;		    /* for whoever adds up memory */
};

/* `key`, `folder` are copied. schema_text is empty where the format has none. */
struct tarn_object_file *tarn_object_new(const struct tarn_connector_config *config, struct tarn_slice key,
					 struct tarn_slice folder, const void *schema, struct tarn_slice schema_text);
void tarn_object_free(struct tarn_object_file *file); /* what was not written is discarded */

/* Adds a record as the format wants it: a datum, a line without its end, or bytes. */
enum tarn_rc tarn_object_add(struct tarn_object_file *file, int64_t offset, struct tarn_slice record,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Would a record at this offset leave a gap? */
bool tarn_object_has_gap(const struct tarn_object_file *file, int64_t offset);
size_t tarn_object_memory(const struct tarn_object_file *file);
/* Hands what is complete to a worker that adds it to the store; the file is used by both until the worker has done so.
 * Memory is kept for what comes, or given back (tarn_object_shrink). A file with gaps cannot: its header must tell its
 * offsets. */
bool tarn_object_can_spill(const struct tarn_object_file *file);
enum tarn_rc tarn_object_spill(struct tarn_object_file *file, struct tarn_store *store, struct tarn_worker *worker,
			       struct tarn_err *err) TARN_MUST_CHECK;
void tarn_object_shrink(struct tarn_object_file *file);
/* No more records: closes the last block, and gives back memory that is not needed any more. */
enum tarn_rc tarn_object_seal(struct tarn_object_file *file, struct tarn_err *err) TARN_MUST_CHECK;
/* Makes the sealed object visible, replacing one of its name, once all that was spilled of it is in the store. Durable
 * after the store's sync. */
enum tarn_rc tarn_object_write(struct tarn_object_file *file, struct tarn_store *store,
			       struct tarn_err *err) TARN_MUST_CHECK;

/* Is there another object under its name, with other bytes? Of one that was handed to the store in part, any. */
enum tarn_rc tarn_object_conflicts(const struct tarn_object_file *file, struct tarn_store *store, bool *conflicts,
				   struct tarn_err *err) TARN_MUST_CHECK;

/* The metadata key of a container file whose records' offsets are not start, start + 1, ...: "0,2-5,9". */
#define TARN_OBJECT_OFFSETS "tarn.offsets"

#endif
