/* The offsets that a group has committed, and those of transactions that are still open. Part of consumer_group.h's
 * machine.
 *
 * Every entry knows where in the log it stands. Of two entries for one partition the one further behind in the log
 * wins, whichever is applied last: an offset never goes back to what was committed before. */
#ifndef TARN_STREAM_BROKER_GROUP_OFFSETS_H
#define TARN_STREAM_BROKER_GROUP_OFFSETS_H

#include "stream/broker/consumer_group.h"

struct tarn_group_offset {
	const char *topic;
	int32_t partition;
	int64_t offset;
	int32_t leader_epoch;	    /* -1: none was given */
	struct tarn_slice metadata; /* the client's own, any bytes */
	int64_t commit_ms;
	int64_t expire_ms; /* the client asked for it (requests before version 5); -1: the broker's retention */
	int64_t position;  /* in the log */
};

struct tarn_group_offsets;
struct tarn_group_offsets *tarn_group_offsets_new(void);
void tarn_group_offsets_free(struct tarn_group_offsets *offsets);

/* Copies; false where a later entry is there already. */
bool tarn_group_offset_put(struct tarn_group_offsets *offsets, const struct tarn_group_offset *offset);
/* Takes it out, unless a later entry than `position` is there. */
void tarn_group_offset_drop(struct tarn_group_offsets *offsets, const char *topic, int32_t partition, int64_t position);
/* NULL where nothing was committed. Valid until the next change. */
const struct tarn_group_offset *tarn_group_offset_find(const struct tarn_group_offsets *offsets, const char *topic,
						       int32_t partition);
/* By topic, then partition. */
size_t tarn_group_offset_count(const struct tarn_group_offsets *offsets);
const struct tarn_group_offset *tarn_group_offset_at(const struct tarn_group_offsets *offsets, size_t i);

/* Commits whose records are on their way to the disk: such a group is in use, with or without members. */
void tarn_group_commit_begins(struct tarn_group_offsets *offsets);
void tarn_group_commit_ends(struct tarn_group_offsets *offsets);
bool tarn_group_offsets_busy(const struct tarn_group_offsets *offsets);

/* ---- offsets of transactions ---- */

/* Copies; it counts when the transaction of this producer is committed. */
void tarn_group_txn_put(struct tarn_group_offsets *offsets, int64_t producer_id,
			const struct tarn_group_offset *offset);
/* Whether an open transaction would change it. */
bool tarn_group_txn_has(const struct tarn_group_offsets *offsets, const char *topic, int32_t partition);
/* In all groups. */
void tarn_groups_txn_end(struct tarn_groups *groups, int64_t producer_id, bool commit);

/* ---- expiry ---- */

/* Whether nobody can be expected to need the i-th offset at `now_ms`. The clock of a group's offsets starts when its
 * last member leaves; of a group that never had members, when they are committed. `subscribed` tells of a group with
 * members whether they read the topic (NULL: they may). */
bool tarn_group_offset_expired(const struct tarn_group *group, size_t i, int64_t now_ms, int64_t retention_ms,
			       bool (*subscribed)(const struct tarn_group *group, const char *topic));

#endif
