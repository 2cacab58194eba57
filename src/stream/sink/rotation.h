/* When the open objects of a Kafka partition are written: Connect's rules, and one of Tarn's.
 *
 *   flush.size                  that many records, over all open objects
 *   rotate.interval.ms          the record's time is that far behind the first one's, or its folder is another one
 *   rotate.schedule.interval.ms the wall clock has passed a multiple of it since local midnight
 *   tarn.flush.ms               the first record has waited that long
 *
 * Whenever a rule holds, all objects of the partition are written, so that everything before one offset is. Pure: no
 * clock of its own. Times are milliseconds since 1970. */
#ifndef TARN_STREAM_SINK_ROTATION_H
#define TARN_STREAM_SINK_ROTATION_H

#include "stream/sink/partitioner.h"

struct tarn_rotation {
	/* Rules. Intervals of 0 or less are off. */
	int32_t flush_size;
	int64_t interval, schedule, longest_wait;
	bool on_folder_change;
	const struct tarn_partitioner *partitioner; /* for the schedule's midnight */

	/* Since the last time that objects were written. */
	int64_t records;
	int64_t first_time; /* of the first record, by the extractor */
	int64_t first_now;  /* when it came */
	int64_t next_schedule;
};

void tarn_rotation_init(struct tarn_rotation *rotation, const struct tarn_connector_config *config,
			const struct tarn_partitioner *partitioner);
/* Must what is open be written before this record is added? `same_folder` tells whether the last record went there too.
 */
bool tarn_rotation_before(const struct tarn_rotation *rotation, int64_t time, bool same_folder, int64_t now);
/* Counts a record; true where what is open must be written now. */
bool tarn_rotation_count(struct tarn_rotation *rotation, int64_t time, int64_t now);
/* Without a new record: must what is open be written? */
bool tarn_rotation_due(const struct tarn_rotation *rotation, int64_t now);
/* When tarn_rotation_due will be true if nothing comes, or INT64_MAX. */
int64_t tarn_rotation_deadline(const struct tarn_rotation *rotation);
void tarn_rotation_written(struct tarn_rotation *rotation);

#endif
