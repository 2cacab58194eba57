/* What can be set of a single group, under Kafka's names ("Group Configs"): how often its members send heartbeats, and
 * how long they may be silent. Kept with the log's settings, in a scope of the group's own; for groups with a balance.
 */
#ifndef TARN_STREAM_BROKER_GROUP_SETTINGS_H
#define TARN_STREAM_BROKER_GROUP_SETTINGS_H

#include "stream/broker/consumer_group.h"
#include "stream/log/log.h"
#include "stream/log/topic_config.h"

#define TARN_GROUP_N_KEYS 2
extern const struct tarn_topic_key tarn_group_keys[TARN_GROUP_N_KEYS];

/* The scope of the group's settings; a group id that is no text has none (NULL). */
const char *tarn_group_scope(struct tarn_arena *arena, const char *group_id);
/* What holds for the group now. */
struct tarn_group_times tarn_group_settings_times(struct tarn_log *log, const char *group_id);
/* Whether these settings, value NULL: back to the default, could be the group's: TARN_EINVALID. */
enum tarn_rc tarn_group_settings_check(struct tarn_log *log, const char *scope,
				       const struct tarn_topic_setting *settings, size_t n,
				       struct tarn_err *err) TARN_MUST_CHECK;

#endif
