/* Room ahead of small appends. To sync a record at the end of a growing file takes a commit of the file system's
 * journal, for the new size; to sync one that overwrites zeros which are on disk takes none. So a partition whose syncs
 * are small and follow each other gets zeros behind its last batch, as many as came in that way, within limits. They
 * are written and synced after those who wait were told. Nothing depends on them: the log ends where its batches end.
 */
#include "base/point.h"
#include "stream/log/log_parts.h"

enum {
	SMALL_SYNC = 64 << 10, /* the journal's part of a larger one is small */
	SOON_MS = 1000,
	ENOUGH_SYNCS = 16,
	LEAST_ROOM = 64 << 10,
	MOST_ROOM = 1 << 20,
	SYNCS_UNTIL_RETRY = 1000, /* after a disk that refused */
};

static int64_t wanted_room(const struct tarn_partition *partition)
{
	int64_t bytes = partition->small.bytes;
	return bytes < LEAST_ROOM ? LEAST_ROOM : bytes > MOST_ROOM ? MOST_ROOM : bytes;
}

/* Where the room is to end; at most the segment's size, where there is to be none. */
static uint64_t wanted_end(const struct tarn_partition *partition)
{
	const struct tarn_topic_config *config = topic_config(partition->topic);
	const struct segment *active = active_segment(partition);
	if (!config->number[TARN_TOPIC_PREALLOCATE] || !active->size || partition->small.count < ENOUGH_SYNCS)
		return 0;
	uint64_t end = active->size + (uint64_t)wanted_room(partition),
		 limit = (uint64_t)config->number[TARN_TOPIC_SEGMENT_BYTES];
	return end < limit ? end : limit;
}

/* A quarter of the room is left while more is made. */
static bool wants_room(const struct tarn_partition *partition)
{
	const struct segment *active = active_segment(partition);
	uint64_t end = wanted_end(partition);
	return end > active->size && active->zeros_end < active->size + (end - active->size) / 4;
}

bool preallocation_note_sync(struct tarn_partition *partition, int64_t bytes)
{
	struct small_syncs *small = &partition->small;
	int64_t now = log_now_ms();
	if (!bytes) /* of the room itself, or of a checkpoint */
		return false;
	if (bytes >= SMALL_SYNC || now - small->at_ms > SOON_MS)
		*small = (struct small_syncs){ 0 };
	if (bytes < SMALL_SYNC) {
		small->count++;
		small->bytes += bytes;
	}
	small->at_ms = now;
	return wants_room(partition);
}

void partition_preallocate(struct tarn_partition *partition)
{
	pthread_mutex_lock(&partition->lock);
	bool wanted = !partition->failed && !atomic_load(&partition->topic->deleted) && wants_room(partition);
	if (wanted && segment_preallocate(active_segment(partition), wanted_end(partition), NULL))
		partition->small = (struct small_syncs){ .count = -SYNCS_UNTIL_RETRY, .at_ms = log_now_ms() };
	pthread_mutex_unlock(&partition->lock);
	if (!wanted)
		return;
	tarn_point("room.made");
	sync_ask(partition, false);
}

void partition_trim_idle(struct tarn_partition *partition, int64_t oldest_ms)
{
	pthread_mutex_lock(&partition->lock);
	bool idle = atomic_load(&partition->loaded) && !partition->broken && !partition->failed &&
		    !atomic_load(&partition->topic->deleted) && partition->appended_ms < oldest_ms &&
		    active_segment(partition)->zeros_end > active_segment(partition)->size;
	bool trimmed = idle && !segment_trim(active_segment(partition), NULL);
	pthread_mutex_unlock(&partition->lock);
	if (trimmed)
		sync_ask(partition, false);
}
