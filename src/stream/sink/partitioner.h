/* Which folder a record belongs into, and when it happened: Connect's partitioners and timestamp extractors.
 *
 *   Default     partition=<n>
 *   Field       <field>=<value>[/<field>=<value>...]; null is "null"; integers, texts and booleans only
 *   TimeBased   the local time, floored to partition.duration.ms, by path.format; Daily and Hourly have their own
 *
 * A partitioner belongs to one thread. */
#ifndef TARN_STREAM_SINK_PARTITIONER_H
#define TARN_STREAM_SINK_PARTITIONER_H

#include "stream/sink/connector_config.h"
#include "stream/sink/datum_field.h"

struct tarn_partitioner;

/* `config` must outlive it. TARN_EINVALID for a time zone or pattern that is none. */
enum tarn_rc tarn_partitioner_new(const struct tarn_connector_config *config, struct tarn_partitioner **partitioner,
				  struct tarn_err *err) TARN_MUST_CHECK;
void tarn_partitioner_free(struct tarn_partitioner *partitioner);
bool tarn_partitioner_is_timed(const struct tarn_partitioner *partitioner);
/* The folder depends on when the record is read, not on the record alone. */
bool tarn_partitioner_is_wallclock(const struct tarn_partitioner *partitioner);

/* What partitioners may look at. */
struct tarn_partitioned {
	int32_t partition;
	int64_t timestamp;		    /* the message's */
	int64_t now;			    /* wall clock */
	const struct tarn_datum_plan *plan; /* NULL where the value is no Avro */
	struct tarn_slice datum;
};
/* Milliseconds since 1970, by the extractor. TARN_EINVALID or TARN_ENOTFOUND where the record does not tell. */
enum tarn_rc tarn_partitioner_time(const struct tarn_partitioner *partitioner, const struct tarn_partitioned *record,
				   int64_t *time, struct tarn_err *err) TARN_MUST_CHECK;
/* Puts the folder into `out` (which is cleared), without a slash at its ends. `time` is what tarn_partitioner_time
 * said; without effect where the partitioner is not timed. TARN_EINVALID where a value cannot be a folder's name. */
enum tarn_rc tarn_partitioner_encode(struct tarn_partitioner *partitioner, const struct tarn_partitioned *record,
				     int64_t time, struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;
/* Milliseconds since 1970 at which the next rotate.schedule.interval.ms ends: a multiple of it since local midnight,
 * behind `now`. */
int64_t tarn_partitioner_next_schedule(const struct tarn_partitioner *partitioner, int64_t now, int64_t interval);

/* Appends the key of an object: [dir/]topic/encoded/topic+partition+offset.extension. */
void tarn_object_key(const struct tarn_connector_config *config, const char *topic, int32_t partition,
		     struct tarn_slice encoded, int64_t offset, struct tarn_buf *out);

#endif
