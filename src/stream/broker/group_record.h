/* Records of __consumer_offsets, in Kafka's own formats, so that what reads the topic elsewhere reads it here.
 *
 *   key     int16 version: 0 or 1 an offset (group, topic, partition), 2 a group (group); others are of later protocols
 *   value   int16 version, then OffsetCommitValue or GroupMetadataValue; null: the offset, or the group, is gone
 *
 * Written are offsets of version 3 (1 where an old client asked for a time of expiry), read 0 to 4; groups of version
 * 3, read 0 to 4 (flexible from there). Layouts are in messages_groups.def. */
#ifndef TARN_STREAM_BROKER_GROUP_RECORD_H
#define TARN_STREAM_BROKER_GROUP_RECORD_H

#include "base/err.h"
#include "stream/broker/group_offsets.h"

enum tarn_group_record_kind {
	TARN_GROUP_RECORD_OTHER, /* of no meaning here */
	TARN_GROUP_RECORD_OFFSET,
	TARN_GROUP_RECORD_GROUP,
};
struct tarn_group_key {
	enum tarn_group_record_kind kind;
	const char *group, *topic;
	int32_t partition;
};

/* These append to `out`. */
void tarn_group_write_offset_key(struct tarn_buf *out, const char *group, const char *topic, int32_t partition);
void tarn_group_write_offset(struct tarn_buf *out, const struct tarn_group_offset *offset);
void tarn_group_write_group_key(struct tarn_buf *out, const char *group);
void tarn_group_write_group(struct tarn_buf *out, const struct tarn_group *group);

/* Texts and members are the arena's, metadata and assignments of loaded members are the members' own. */
enum tarn_rc tarn_group_read_key(struct tarn_slice key, struct tarn_arena *arena, struct tarn_group_key *read,
				 struct tarn_err *err) TARN_MUST_CHECK;
/* offset->topic, partition and position are left as they are. */
enum tarn_rc tarn_group_read_offset(struct tarn_slice value, struct tarn_arena *arena, struct tarn_group_offset *offset,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* loaded->group_id is left as it is; the members are the caller's until tarn_groups_load has them. */
enum tarn_rc tarn_group_read_group(struct tarn_slice value, struct tarn_arena *arena, struct tarn_group_loaded *loaded,
				   struct tarn_err *err) TARN_MUST_CHECK;

#endif
