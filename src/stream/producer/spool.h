/* Records on disk that wait to be published, in order: what has been taken is not lost, whatever dies.
 *
 *   DIR/<first, 20 digits>+<count>.avro      a batch that waits: records first .. first + count - 1
 *   DIR/refused/<first, 20 digits>+<count>.avro   a batch that a registry or broker will not have, with its reason
 *   DIR/state                                name of the spool and the lowest number that was never given out
 *
 * A batch is an Avro container file that any reader opens; its metadata tells the topic ("tarn.topic"), the reason of a
 * refusal ("tarn.reason"), and whether its data are whole messages of Confluent's format ("tarn.framed"; the schema is
 * then "bytes"). Numbers rise by one a record and are never given out twice.
 *
 * Several processes may add at once; one at a time sends (tarn_spool_lock). */
#ifndef TARN_STREAM_PRODUCER_SPOOL_H
#define TARN_STREAM_PRODUCER_SPOOL_H

#include "base/buf.h"
#include "base/err.h"

struct tarn_spool;

/* Makes the folder where it is missing. */
enum tarn_rc tarn_spool_open(const char *path, struct tarn_spool **spool, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_spool_close(struct tarn_spool *spool);
/* A name that no other spool has, the same for ever: "tarn-spool-<UUID>". */
const char *tarn_spool_name(const struct tarn_spool *spool);

/* Records of one topic and schema. */
struct tarn_outgoing {
	const char *topic;
	struct tarn_slice schema; /* Avro, JSON; empty: each datum is a message that is framed already */
	const struct tarn_slice *data;
	size_t n;
};
/* Durable when it returns. `reason` is not NULL: among the refused. *path (may be NULL) is the file's, freed by the
 * caller. */
enum tarn_rc tarn_spool_add(struct tarn_spool *spool, const struct tarn_outgoing *records, const char *reason,
			    char **path, struct tarn_err *err) TARN_MUST_CHECK;

struct tarn_spooled {
	char *path;
	int64_t first, count;
	int64_t bytes, modified_us;
};
/* What waits (or was refused), in order. tarn_spool_free_list frees the array. */
enum tarn_rc tarn_spool_list(const struct tarn_spool *spool, bool refused, struct tarn_spooled **batches, size_t *n,
			     struct tarn_err *err) TARN_MUST_CHECK;
void tarn_spool_free_list(struct tarn_spooled *batches, size_t n);

/* A batch as it was read; its slices live in `file` and `data`. In front of each datum there are 16 bytes or more of
 * `file` that nobody needs any more: a message's header may be written there. All zero before the first time; one that
 * was read may be read again, into the same memory. */
struct tarn_spooled_batch {
	struct tarn_buf file;
	char *topic;
	char *reason; /* NULL where it waits */
	struct tarn_outgoing records;
	struct tarn_slice *data;
	size_t capacity;
};
enum tarn_rc tarn_spool_read(const struct tarn_spooled *spooled, struct tarn_spooled_batch *batch,
			     struct tarn_err *err) TARN_MUST_CHECK;
void tarn_spooled_batch_release(struct tarn_spooled_batch *batch);

/* Until it is unlocked, nobody else sends from this spool. Waits. */
enum tarn_rc tarn_spool_lock(struct tarn_spool *spool, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_spool_unlock(struct tarn_spool *spool);
/* The rest is for who holds the lock. Takes a batch away; not durable before tarn_spool_sync. */
enum tarn_rc tarn_spool_remove(struct tarn_spool *spool, const struct tarn_spooled *spooled,
			       struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_spool_sync(struct tarn_spool *spool, struct tarn_err *err) TARN_MUST_CHECK;
/* Puts a batch among the refused; where it has several records, a batch for each takes its place in the row instead, so
 * that one is not refused for another's fault. */
enum tarn_rc tarn_spool_refuse(struct tarn_spool *spool, const struct tarn_spooled *spooled, const char *reason,
			       struct tarn_err *err) TARN_MUST_CHECK;

#endif
