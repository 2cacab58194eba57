/* A durable log: the topics of one data folder, each a number of partitions, each a row of record batches at rising
 * offsets.
 *
 *   DATA/log/<topic>-<n>/<base offset, 20 digits>.log, .index, .timeindex     as Kafka lays them out
 *   DATA/log/log.json, DATA/log/topics/, and each partition's `state`         see the README
 *
 * Offsets. Every partition has: start (first that is kept), high watermark (first that is not yet durable: what
 * consumers may see ends here), last stable (first of an open transaction, at most the high watermark), end (next to be
 * given out). An append moves the end at once and the high watermark after fdatasync of all before it (group commit:
 * one sync answers all that came while the last one ran). After a failed sync the partition refuses appends until it is
 * opened again.
 *
 * Threads. All functions may be called from any thread. Callbacks come from the log's own threads, one at a time for a
 * partition; they must be quick and may not call functions of this header that are marked "waits". */
#ifndef TARN_STREAM_LOG_LOG_H
#define TARN_STREAM_LOG_LOG_H

#include "stream/log/batch.h"

struct tarn_log;
struct tarn_topic;     /* counted: tarn_topic_unref */
struct tarn_partition; /* lives as long as its topic */

struct tarn_log_options {
	int64_t retention_check_ms; /* 0: 300,000 */
	int64_t clean_check_ms;	    /* compaction; 0: 15,000 */
	size_t max_open_files;	    /* 0: half of what the process may open */
	/* Told of what went wrong in the background (a failed sync, a damaged segment that was cut). May be NULL. */
	void (*warn)(void *context, const char *message);
	void *context;
};

/* Recovers what was not closed cleanly: from each partition's last known durable place, every checksum is looked at and
 * the log is cut at the first bad one; indexes and producer states are made anew where they are missing or stale. A
 * folder has one user at a time (TARN_EBUSY). Waits. */
enum tarn_rc tarn_log_open(const char *data, const struct tarn_log_options *options, struct tarn_log **log,
			   struct tarn_err *err) TARN_MUST_CHECK;
/* Syncs, leaves the marks of a clean end, and frees. Nobody may hold a topic or wait any more. Waits. */
void tarn_log_close(struct tarn_log *log);
/* A number that never changes for this data folder: 22 characters as Kafka's cluster ids. */
const char *tarn_log_cluster_id(const struct tarn_log *log);

/* ---- topics ---- */

#define TARN_UUID_BYTES 16
#define TARN_TOPIC_MAX_NAME 249

/* Configuration of a topic is text by key, as Kafka's (stream/log/topic_config.h has the table of keys). */
struct tarn_topic_setting {
	const char *key, *value; /* value NULL: back to the default */
};

/* Durable when it returns. TARN_EEXISTS; TARN_EINVALID for a name that Kafka would refuse, or an unknown key or value;
 * TARN_ECONFLICT where folders of that name lie there and belong to no topic. Waits. */
enum tarn_rc tarn_log_create_topic(struct tarn_log *log, const char *name, int32_t partitions,
				   const struct tarn_topic_setting *settings, size_t n_settings,
				   struct tarn_topic **topic, struct tarn_err *err) TARN_MUST_CHECK;
/* The name is free at once; files go when the last reference is gone. A new topic of the name has a new id. Waits. */
enum tarn_rc tarn_log_delete_topic(struct tarn_log *log, const char *name, struct tarn_err *err) TARN_MUST_CHECK;
/* `partitions` is the new total, more than there are. Waits. */
enum tarn_rc tarn_topic_add_partitions(struct tarn_topic *topic, int32_t partitions,
				       struct tarn_err *err) TARN_MUST_CHECK;
/* All settings or none. Waits. */
enum tarn_rc tarn_topic_configure(struct tarn_topic *topic, const struct tarn_topic_setting *settings,
				  size_t n_settings, struct tarn_err *err) TARN_MUST_CHECK;

/* With a reference, or NULL. */
struct tarn_topic *tarn_log_find_topic(struct tarn_log *log, const char *name);
struct tarn_topic *tarn_log_find_topic_id(struct tarn_log *log, const uint8_t id[TARN_UUID_BYTES]);
/* All topics by name; each with a reference that is the caller's, as is the array. */
size_t tarn_log_topics(struct tarn_log *log, struct tarn_topic ***topics);
struct tarn_topic *tarn_topic_ref(struct tarn_topic *topic);
void tarn_topic_unref(struct tarn_topic *topic);

const char *tarn_topic_name(const struct tarn_topic *topic);
const uint8_t *tarn_topic_id(const struct tarn_topic *topic);
int32_t tarn_topic_partitions(const struct tarn_topic *topic);
bool tarn_topic_deleted(const struct tarn_topic *topic);
/* Appends the text of a setting: the topic's own, or what counts without; *is_own tells which (may be NULL).
 * TARN_ENOTFOUND for a key that the table does not have. */
enum tarn_rc tarn_topic_setting(const struct tarn_topic *topic, const char *key, struct tarn_buf *value,
				bool *is_own) TARN_MUST_CHECK;
/* NULL where there is no such partition. */
struct tarn_partition *tarn_topic_partition(struct tarn_topic *topic, int32_t partition);
struct tarn_topic *tarn_partition_topic(const struct tarn_partition *partition); /* no new reference */
int32_t tarn_partition_number(const struct tarn_partition *partition);

/* ---- settings of the whole ---- */

/* Text by scope and name: what may be changed while the program runs, and is to be there after the next start (Kafka's
 * dynamic configurations). In the two scopes below, what topic_config.h calls `of_broker` counts at once for all topics
 * that have no such setting of their own, the broker's before the cluster's; what other names and scopes mean is their
 * user's business. */
#define TARN_SCOPE_BROKER "broker"
#define TARN_SCOPE_CLUSTER "cluster"
/* Of either scope, and the log's own: milliseconds that a producer may be silent before its state is forgotten. */
#define TARN_SETTING_PRODUCER_EXPIRY "producer.id.expiration.ms"
#define TARN_PRODUCER_EXPIRY_TEXT "86400000"
/* All settings or none, value NULL: take it away. Durable when it returns. TARN_EINVALID for what topics could not do.
 * Waits. */
enum tarn_rc tarn_log_configure(struct tarn_log *log, const char *scope, const struct tarn_topic_setting *settings,
				size_t n_settings, struct tarn_err *err) TARN_MUST_CHECK;
/* Appends the value; TARN_ENOTFOUND where none was given. */
enum tarn_rc tarn_log_setting(struct tarn_log *log, const char *scope, const char *name,
			      struct tarn_buf *value) TARN_MUST_CHECK;

/* ---- offsets ---- */

struct tarn_offsets {
	int64_t start, high_watermark, last_stable, end;
	int64_t bytes;	     /* of all segments */
	int64_t appended_ms; /* wall clock of the last append, 0: none since the log was opened */
	/* Bytes of batches since the log was opened: appended, and given to clients as tarn_partition_count_out was
	 * told. */
	int64_t bytes_in, bytes_out;
};
/* All offsets are -1 where the partition could not be opened (its folder cannot be read): never 0 for want of knowing.
 */
void tarn_partition_offsets(struct tarn_partition *partition, struct tarn_offsets *offsets);
void tarn_partition_count_out(struct tarn_partition *partition, size_t bytes);

/* The first batch's first record with timestamp >= `timestamp` (milliseconds) below the high watermark; TARN_ENOTFOUND.
 */
enum tarn_rc tarn_partition_find_time(struct tarn_partition *partition, int64_t timestamp, int64_t *offset,
				      int64_t *found_timestamp, struct tarn_err *err) TARN_MUST_CHECK;
/* The record with the largest timestamp (ListOffsets -3). TARN_ENOTFOUND in an empty log. */
enum tarn_rc tarn_partition_max_time(struct tarn_partition *partition, int64_t *offset, int64_t *timestamp,
				     struct tarn_err *err) TARN_MUST_CHECK;
/* Moves the start up to `before` (-1: the high watermark); durable when it returns. Waits. */
enum tarn_rc tarn_partition_delete_before(struct tarn_partition *partition, int64_t before, int64_t *start,
					  struct tarn_err *err) TARN_MUST_CHECK;

/* ---- appending ---- */

enum tarn_append_status {
	TARN_APPEND_DONE,
	TARN_APPEND_DUPLICATE,	     /* base_offset is the one of the first time */
	TARN_APPEND_OUT_OF_ORDER,    /* producer's sequence: Kafka 45 */
	TARN_APPEND_PRODUCER_FENCED, /* old producer epoch: 47 */
	TARN_APPEND_TXN_STATE,	     /* plain data of a producer with an open transaction: 48 */
	TARN_APPEND_CORRUPT,	     /* checksum, magic, lengths: 2 */
	TARN_APPEND_INVALID_RECORD,  /* e.g. no key in a compacted topic: 87 */
	TARN_APPEND_TOO_LARGE,	     /* max.message.bytes: 10 */
	TARN_APPEND_BAD_TIMESTAMP,   /* message.timestamp.before/after.max.ms: 32 */
	TARN_APPEND_STORAGE,	     /* the disk refused, or has refused before: 56 */
	TARN_APPEND_DELETED,	     /* the topic is gone: 3 */
};

struct tarn_append {
	enum tarn_append_status status;
	int64_t base_offset, last_offset;
	int64_t append_time;  /* of LogAppendTime topics, else -1 */
	int64_t start_offset; /* of the log */
	/* TARN_APPEND_INVALID_RECORD: positions of the records in the batch that broke the rule, and why (static text).
	 */
	int32_t bad_records[100];
	size_t n_bad_records;
	const char *reason;
};

/* Appends one batch as a client sent it: checks it, gives it offsets, leader epoch 0 and what the topic's configuration
 * asks for (append time), writes it to the page cache. `batch` is changed in place. Not durable: see
 * tarn_partition_when_durable. The producer states (idempotence: the last five batches of each) are part of it; a batch
 * of a producer with the sequence -1 is checked for its epoch alone (offsets of transactions, which the broker writes
 * itself). */
void tarn_partition_append(struct tarn_partition *partition, uint8_t *batch, size_t len, struct tarn_append *result);

/* A control batch that ends a transaction of this producer (KIP-98). */
void tarn_partition_append_marker(struct tarn_partition *partition, int64_t producer_id, int16_t producer_epoch,
				  bool commit, int32_t coordinator_epoch, struct tarn_append *result);

/* Asks to be told once when everything before `offset` is durable (ok), or when that has failed. Called at once, from
 * this call, where it is decided already. The waiter is the caller's until it was told. */
struct tarn_durable_waiter {
	void (*tell)(struct tarn_durable_waiter *waiter, bool ok);
	int64_t offset;			  /* set by the call */
	struct tarn_durable_waiter *next; /* the log's */
};
void tarn_partition_when_durable(struct tarn_partition *partition, int64_t offset, struct tarn_durable_waiter *waiter);
/* The same, waiting; TARN_EIO where the sync failed. Waits. */
enum tarn_rc tarn_partition_wait_durable(struct tarn_partition *partition, int64_t offset,
					 struct tarn_err *err) TARN_MUST_CHECK;

/* ---- reading ---- */

enum tarn_isolation {
	TARN_READ_COMMITTED,   /* up to the last stable offset */
	TARN_READ_UNCOMMITTED, /* up to the high watermark */
	TARN_READ_ALL,	       /* up to the end, durable or not: for the log's own internal topics while they load */
};

/* Appends whole batches to `out`, from the one that holds `offset` on, at most max_bytes; the first one always, however
 * large. Nothing is appended at the end of what may be read. *next is the offset behind the last batch appended (or
 * `offset`). TARN_ENOTFOUND where offset is below the start or above the end. A batch that fails its checksum is
 * TARN_EIO, never served. */
enum tarn_rc tarn_partition_read(struct tarn_partition *partition, int64_t offset, size_t max_bytes,
				 enum tarn_isolation isolation, struct tarn_buf *out, int64_t *next,
				 struct tarn_err *err) TARN_MUST_CHECK;

/* The same, but nothing where the first batch is longer than max_bytes. */
enum tarn_rc tarn_partition_read_within(struct tarn_partition *partition, int64_t offset, size_t max_bytes,
					enum tarn_isolation isolation, struct tarn_buf *out, int64_t *next,
					struct tarn_err *err) TARN_MUST_CHECK;

/* Aborted transactions that overlap [from, to): for Fetch with read_committed. The array is the caller's to free. */
struct tarn_aborted {
	int64_t producer_id, first_offset;
};
size_t tarn_partition_aborted(struct tarn_partition *partition, int64_t from, int64_t to,
			      struct tarn_aborted **aborted);

/* Is told whenever the high watermark or the last stable offset moves, the topic is deleted, or its storage failed,
 * until it is removed. The watcher is the caller's. Removing waits for a call that is under way, but may be done from
 * within one. */
struct tarn_partition_watcher {
	void (*changed)(struct tarn_partition_watcher *watcher, struct tarn_partition *partition);
	struct tarn_partition_watcher *next; /* the log's */
};
void tarn_partition_watch(struct tarn_partition *partition, struct tarn_partition_watcher *watcher);
void tarn_partition_unwatch(struct tarn_partition *partition, struct tarn_partition_watcher *watcher);
/* Is told whenever a topic is created, deleted, or gets partitions. One list for the log. */
struct tarn_log_watcher {
	void (*changed)(struct tarn_log_watcher *watcher);
	struct tarn_log_watcher *next; /* the log's */
};
void tarn_log_watch(struct tarn_log *log, struct tarn_log_watcher *watcher);
void tarn_log_unwatch(struct tarn_log *log, struct tarn_log_watcher *watcher);

/* ---- producers and transactions ---- */

/* A producer id that was never given out before, also across restarts. */
enum tarn_rc tarn_log_new_producer_id(struct tarn_log *log, int64_t *id, struct tarn_err *err) TARN_MUST_CHECK;
/* DescribeProducers: active producers of a partition. The array is the caller's. */
struct tarn_producer_state {
	int64_t id;
	int16_t epoch;
	int32_t last_sequence;
	int64_t last_timestamp;
	int64_t transaction_start; /* offset, or -1 */
};
size_t tarn_partition_producers(struct tarn_partition *partition, struct tarn_producer_state **producers);

#endif
