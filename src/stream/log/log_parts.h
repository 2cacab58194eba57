/* What the files of this room share. The README tells how it fits together, and the order of the locks. */
#ifndef TARN_STREAM_LOG_LOG_PARTS_H
#define TARN_STREAM_LOG_LOG_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "stream/log/log.h"
#include "stream/log/producers.h"
#include "stream/log/segment.h"
#include "stream/log/topic_config.h"

enum { READ_HINTS = 8 };

/* The last syncs of a partition, as long as each was of little and came soon after the one before. */
struct small_syncs {
	int64_t count, bytes;
	int64_t at_ms; /* of the last sync, small or not */
};

/* Where a reader that has come to `offset` goes on. */
struct read_hint {
	int64_t offset;
	uint64_t serial, position;
};

struct tarn_partition {
	struct tarn_topic *topic;
	int32_t number;
	char *folder;
	atomic_bool loaded;
	pthread_mutex_t lock;
	bool broken; /* [lock] could not be loaded, or a sync failed: nothing is appended any more */
	bool failed; /* [lock] a sync failed */

	struct segment **segments; /* [lock] by base; at least one once loaded, the last is appended to */
	size_t n_segments, cap_segments;
	int64_t start, high_watermark, end; /* [lock] */
	int64_t bytes, appended_ms;	    /* [lock] */
	int64_t bytes_in;		    /* [lock] */
	_Atomic int64_t bytes_out;
	struct producers producers;	    /* [lock] */
	struct read_hint hints[READ_HINTS]; /* [lock] */
	unsigned next_hint;

	bool new_entries;	   /* [lock] files were made that the folder does not hold durably yet */
	bool new_folder;	   /* [lock] nor the folder above this one */
	int64_t unsynced;	   /* [lock] messages since the last sync, for flush.messages */
	int64_t unsynced_bytes;	   /* [lock] */
	struct small_syncs small;  /* [lock] */
	int64_t flush_at_ms;	   /* [lock] when flush.ms has passed; 0: nothing waits for it */
	uint64_t since_checkpoint; /* [lock] bytes */
	int64_t cleaned;	   /* [lock] compaction has come to this offset */
	struct tarn_durable_waiter *waiters, **waiters_end; /* [lock] */

	pthread_mutex_t watch_lock;			     /* recursive */
	struct tarn_partition_watcher *watchers, *next_told; /* [watch_lock] */

	pthread_mutex_t clean_lock; /* one at a time changes segments that are not appended to; before `lock` */

	/* Of the sync queue, under its lock. */
	bool queued;  /* something is asked for; a reference of the topic is held for it */
	bool in_row;  /* stands in the queue */
	bool syncing; /* a thread is at it */
	bool tell_only;
	struct tarn_partition *next_queued;
};

/* What is replaced as a whole when a topic is configured or grows; older ones live as long as the topic, as others may
 * look at them. */
struct topic_shape {
	struct topic_shape *older;
	struct tarn_topic_config *config;
	bool config_is_older; /* shared with `older` */
	int32_t n_partitions;
	struct tarn_partition *partitions[];
};

struct tarn_topic {
	struct tarn_log *log;
	char *name;
	uint8_t id[TARN_UUID_BYTES];
	char id_text[2 * TARN_UUID_BYTES + 1];
	atomic_int refs;
	atomic_bool deleted;
	_Atomic(struct topic_shape *) shape;
	struct tarn_topic *next_dead;
};

enum { SYNC_THREADS = 4 };

struct sync_queue {
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	struct tarn_partition *first, **end;
	bool stop;
	atomic_bool final; /* each sync is a checkpoint, too */
	pthread_t threads[SYNC_THREADS];
	int n_threads;
};

struct tarn_log {
	char *root; /* DATA/log */
	int lock_fd;
	struct tarn_log_options options;
	char cluster_id[24];
	struct open_files files;

	/* One change of topics or of log.json at a time; held while it is written. */
	pthread_mutex_t change_lock;
	int64_t next_producer_id, kept_producer_id; /* [change_lock] */

	pthread_mutex_t lock;	    /* of what follows; never held while the disk is waited for */
	struct tarn_topic **topics; /* by name */
	size_t n_topics, cap_topics;
	struct tarn_topic *dead; /* without references: to be taken away */
	struct json_t *settings; /* by scope and name; changed with both locks held */

	pthread_mutex_t watch_lock; /* recursive */
	struct tarn_log_watcher *watchers, *next_told;

	struct sync_queue queue;

	pthread_mutex_t timer_lock;
	pthread_cond_t timer;
	bool wake;
	atomic_bool stopping;
	int64_t flush_ms; /* the earliest flush_at_ms of all, 0: none */
	pthread_t keeper;
	bool has_keeper;
};

static inline const struct tarn_topic_config *topic_config(const struct tarn_topic *topic)
{
	return atomic_load(&((struct tarn_topic *)(uintptr_t)topic)->shape)->config;
}

void log_warn(struct tarn_log *log, const char *fmt, ...) TARN_PRINTF(2, 3);
int64_t log_now_ms(void);

/* ---- topics (log_topics.c) ---- */

enum tarn_rc topics_load(struct tarn_log *log, struct tarn_err *err) TARN_MUST_CHECK;
void topic_free(struct tarn_topic *topic);
/* Takes away the files of topics that were deleted and that nobody holds any more. */
void topics_bury(struct tarn_log *log);
void log_tell_watchers(struct tarn_log *log);
/* Has all topics follow the settings; with both locks held. */
void topics_resolve(struct tarn_log *log);

/* ---- settings (log_settings.c) ---- */

enum tarn_rc settings_load(struct tarn_log *log, struct tarn_err *err) TARN_MUST_CHECK;
/* With either lock held; the texts are good until the next change. */
void settings_defaults(const struct tarn_log *log, struct tarn_topic_defaults *defaults);
int64_t settings_producer_expiry_ms(struct tarn_log *log);
/* Appends what counts for topics without their own. */
void settings_default_text(struct tarn_log *log, enum tarn_topic_key_id key, struct tarn_buf *value);

/* ---- partitions ---- */

struct tarn_partition *partition_new(struct tarn_topic *topic, int32_t number);
void partition_free(struct tarn_partition *partition);
/* What comes before any use. With the lock held; false where it is broken. */
bool partition_lock(struct tarn_partition *partition);
enum tarn_rc partition_load(struct tarn_partition *partition, struct tarn_err *err) TARN_MUST_CHECK;
static inline struct segment *active_segment(const struct tarn_partition *partition)
{
	return partition->segments[partition->n_segments - 1];
}
/* The last segment that begins at `offset` or before, or the first one. */
size_t partition_segment_of(const struct tarn_partition *partition, int64_t offset);
struct segment *partition_add_segment(struct tarn_partition *partition, int64_t base);
/* Closes the active segment and begins another one at the end. Where the closed one cannot be trimmed the partition has
 * failed. */
void partition_roll(struct tarn_partition *partition);
/* The segments wholly below the start go, but never the active one. With the lock held. */
void partition_drop_below_start(struct tarn_partition *partition);
void partition_tell(struct tarn_partition *partition);
/* Takes the waiters that are decided now, to be told without the lock. */
struct tarn_durable_waiter *partition_take_waiters(struct tarn_partition *partition, int64_t up_to);
void waiters_tell(struct tarn_durable_waiter *waiters, bool ok);
/* Of a topic that is marked as deleted: when this returns, nobody touches its files by their names any more. */
void partition_quiesce(struct tarn_partition *partition);
/* Of such a topic: everybody who waits is told. */
void partition_end(struct tarn_partition *partition);

/* ---- the state file (log_state.c) ---- */

/* What is known of a partition up to `offset`, where a recovery begins. */
struct partition_state {
	int64_t start, cleaned;
	int64_t offset;		   /* everything before is durable */
	int64_t segment;	   /* base of the one that holds it */
	uint64_t position;	   /* in that segment */
	uint64_t n_index, n_times; /* entries that its index files have for what is before */
	uint64_t indexed;
	int64_t first_time, max_time, max_time_offset;
};
/* Taken under the lock; `out` is the file's contents. */
void state_take(const struct tarn_partition *partition, const struct partition_state *state, struct tarn_buf *out);
enum tarn_rc state_write(const struct tarn_partition *partition, const struct tarn_buf *contents,
			 struct tarn_err *err) TARN_MUST_CHECK;
/* TARN_ENOTFOUND, or TARN_EINVALID where it is damaged. */
enum tarn_rc state_read(struct tarn_partition *partition, struct partition_state *state,
			struct tarn_err *err) TARN_MUST_CHECK;

/* ---- syncing (log_sync.c) ---- */

enum tarn_rc sync_start(struct tarn_log *log, struct tarn_err *err) TARN_MUST_CHECK;
void sync_stop(struct tarn_log *log);
/* Asks for a sync of the partition, or with tell_only for no more than telling its watchers. Under its lock or not. */
void sync_ask(struct tarn_partition *partition, bool tell_only);
/* Syncs and writes the state now, in this thread. No locks may be held. */
enum tarn_rc sync_checkpoint(struct tarn_partition *partition, struct tarn_err *err) TARN_MUST_CHECK;
/* Waits until no thread is at the partition. */
void sync_quiesce(struct tarn_partition *partition);
/* Syncs all and writes all states, so that nothing is to be recovered, and ends the threads. Nobody else uses the log.
 */
void sync_finish(struct tarn_log *log);

/* ---- room ahead of small appends (preallocate.c) ---- */

/* So many bytes were synced together; with the lock held. True where room is to be made. */
bool preallocation_note_sync(struct tarn_partition *partition, int64_t bytes);
/* Makes it, and asks for its sync. No locks may be held. */
void partition_preallocate(struct tarn_partition *partition);
/* Gives back the room of a partition that was not appended to since `oldest_ms`. */
void partition_trim_idle(struct tarn_partition *partition, int64_t oldest_ms);

/* ---- what goes (retention.c, compaction.c) ---- */

/* Moves the start up, durably; then the files below it go. With clean_lock held, and no other. */
enum tarn_rc partition_move_start(struct tarn_partition *partition, int64_t to, struct tarn_err *err) TARN_MUST_CHECK;
/* What retention.ms and retention.bytes no longer keep goes. */
enum tarn_rc partition_retain(struct tarn_partition *partition, struct tarn_err *err) TARN_MUST_CHECK;
/* One pass, if enough is new. */
enum tarn_rc partition_compact(struct tarn_partition *partition, struct tarn_err *err) TARN_MUST_CHECK;

/* ---- the keeper: flush.ms, retention, compaction, burials (log_keeper.c) ---- */

enum tarn_rc keeper_start(struct tarn_log *log, struct tarn_err *err) TARN_MUST_CHECK;
void keeper_stop(struct tarn_log *log);
void keeper_wake(struct tarn_log *log, int64_t flush_at_ms);

#endif
