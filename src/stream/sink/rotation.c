#include "stream/sink/rotation.h"

void tarn_rotation_init(struct tarn_rotation *rotation, const struct tarn_connector_config *config,
			const struct tarn_partitioner *partitioner)
{
	bool timed = tarn_partitioner_is_timed(partitioner);
	*rotation = (struct tarn_rotation){
		.flush_size = config->flush_size,
		.interval = timed ? config->rotate_interval : TARN_NO_INTERVAL,
		.schedule = config->rotate_schedule,
		.longest_wait = config->longest_wait > 0 ? config->longest_wait : config->rotate_interval,
		.on_folder_change = config->rotate_on_partition_change,
		.partitioner = partitioner,
	};
}

bool tarn_rotation_before(const struct tarn_rotation *rotation, int64_t time, bool same_folder, int64_t now)
{
	if (!rotation->records)
		return false;
	if (rotation->interval > 0 &&
	    (time - rotation->first_time >= rotation->interval || (rotation->on_folder_change && !same_folder)))
		return true;
	return rotation->schedule > 0 && now >= rotation->next_schedule;
}

bool tarn_rotation_count(struct tarn_rotation *rotation, int64_t time, int64_t now)
{
	if (!rotation->records++) {
		rotation->first_time = time;
		rotation->first_now = now;
		if (rotation->schedule > 0)
			rotation->next_schedule =
				tarn_partitioner_next_schedule(rotation->partitioner, now, rotation->schedule);
	}
	return rotation->records >= rotation->flush_size;
}

int64_t tarn_rotation_deadline(const struct tarn_rotation *rotation)
{
	int64_t deadline = INT64_MAX;
	if (!rotation->records)
		return deadline;
	if (rotation->longest_wait > 0)
		deadline = rotation->first_now + rotation->longest_wait;
	if (rotation->schedule > 0 && rotation->next_schedule < deadline)
		deadline = rotation->next_schedule;
	return deadline;
}

bool tarn_rotation_due(const struct tarn_rotation *rotation, int64_t now)
{
	return now >= tarn_rotation_deadline(rotation);
}

void tarn_rotation_written(struct tarn_rotation *rotation)
{
	rotation->records = 0;
}
