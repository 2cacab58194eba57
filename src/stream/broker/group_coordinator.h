/* The coordinator of all consumer groups of the broker: the state machine of consumer_group.h, kept in the topic
 * __consumer_offsets (one partition, compacted) and read from there when it is opened. What a client is answered about
 * offsets or assignments is durable.
 *
 * Threads: any. One lock for all groups; it is never held while something waits for the disk. Order of locks: the
 * coordinator's, then the log's and the timers'. */
#ifndef TARN_STREAM_BROKER_GROUP_COORDINATOR_H
#define TARN_STREAM_BROKER_GROUP_COORDINATOR_H

#include "stream/broker/broker.h"
#include "stream/broker/consumer_group.h"

struct tarn_group_coordinator;

struct tarn_group_coordinator_options {
	struct tarn_group_limits limits;
	int64_t retention_ms;	    /* of offsets; offsets.retention.minutes: 7 days */
	int64_t check_ms;	    /* how often expired ones are looked for: 10 minutes */
	size_t most_metadata_bytes; /* beside an offset: 4,096 */
};
#define TARN_GROUP_COORDINATOR_DEFAULT                                                                                 \
	((struct tarn_group_coordinator_options){ TARN_GROUP_LIMITS_DEFAULT, 604800000, 600000, 4096 })

/* Reads what is known of the groups, or makes the topic. NULL options: the default ones. The broker must outlive the
 * coordinator. Waits. */
enum tarn_rc tarn_group_coordinator_open(struct tarn_broker *broker,
					 const struct tarn_group_coordinator_options *options,
					 struct tarn_group_coordinator **coordinator,
					 struct tarn_err *err) TARN_MUST_CHECK;
/* When no call is under way any more. Waits until what was appended is durable. */
void tarn_group_coordinator_close(struct tarn_group_coordinator *coordinator);

/* Where offsets of transactions are written, and their markers must be. No new reference. */
struct tarn_partition *tarn_group_coordinator_partition(struct tarn_group_coordinator *coordinator,
							const char *group_id);
/* The marker that ends the transaction of this producer stands in that partition: its offsets count, or are forgotten.
 */
void tarn_group_coordinator_txn_ended(struct tarn_group_coordinator *coordinator, int64_t producer_id, bool commit);
/* Offsets of a topic that is no more would be wrong for the next one of its name. */
void tarn_group_coordinator_topic_deleted(struct tarn_group_coordinator *coordinator, const char *topic);

#endif
