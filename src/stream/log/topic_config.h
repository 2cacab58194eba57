/* What can be configured of a topic: one table of keys, Kafka's names and meanings (kafka.apache.org/documentation,
 * "Topic Configs"). CreateTopics, DescribeConfigs and the log itself read it. Keys that have no effect here are
 * accepted, so that programs which set them work, and say so in their text. */
#ifndef TARN_STREAM_LOG_TOPIC_CONFIG_H
#define TARN_STREAM_LOG_TOPIC_CONFIG_H

#include <stdatomic.h>

#include "base/err.h"
#include "stream/log/log.h"

/* The numbers are those of DescribeConfigs' config_type. */
enum tarn_topic_value_type {
	TARN_TOPIC_BOOLEAN = 1,
	TARN_TOPIC_STRING = 2,
	TARN_TOPIC_INT = 3,
	TARN_TOPIC_LONG = 5,
	TARN_TOPIC_DOUBLE = 6,
	TARN_TOPIC_LIST = 7,
};

enum tarn_topic_key_id {
	TARN_TOPIC_CLEANUP_POLICY,
	TARN_TOPIC_COMPRESSION_TYPE,
	TARN_TOPIC_DELETE_RETENTION_MS,
	TARN_TOPIC_FILE_DELETE_DELAY_MS,
	TARN_TOPIC_FLUSH_MESSAGES,
	TARN_TOPIC_FLUSH_MS,
	TARN_TOPIC_FOLLOWER_THROTTLED,
	TARN_TOPIC_INDEX_INTERVAL_BYTES,
	TARN_TOPIC_LEADER_THROTTLED,
	TARN_TOPIC_LOCAL_RETENTION_BYTES,
	TARN_TOPIC_LOCAL_RETENTION_MS,
	TARN_TOPIC_MAX_COMPACTION_LAG_MS,
	TARN_TOPIC_MAX_MESSAGE_BYTES,
	TARN_TOPIC_DOWNCONVERSION,
	TARN_TOPIC_FORMAT_VERSION,
	TARN_TOPIC_TIMESTAMP_AFTER_MAX_MS,
	TARN_TOPIC_TIMESTAMP_BEFORE_MAX_MS,
	TARN_TOPIC_TIMESTAMP_TYPE,
	TARN_TOPIC_MIN_CLEANABLE_RATIO,
	TARN_TOPIC_MIN_COMPACTION_LAG_MS,
	TARN_TOPIC_MIN_INSYNC_REPLICAS,
	TARN_TOPIC_PREALLOCATE,
	TARN_TOPIC_REMOTE_STORAGE,
	TARN_TOPIC_RETENTION_BYTES,
	TARN_TOPIC_RETENTION_MS,
	TARN_TOPIC_SCHEMA_VALIDATION, /* Tarn's own */
	TARN_TOPIC_SEGMENT_BYTES,
	TARN_TOPIC_SEGMENT_INDEX_BYTES,
	TARN_TOPIC_SEGMENT_JITTER_MS,
	TARN_TOPIC_SEGMENT_MS,
	TARN_TOPIC_UNCLEAN_ELECTION,
	TARN_TOPIC_N_KEYS,
};

struct tarn_topic_key {
	const char *name;
	const char *of_broker; /* the broker's setting that counts for topics without their own; NULL: none */
	enum tarn_topic_value_type type;
	const char *fallback; /* the default, as text */
	double least, most;   /* numbers */
	const char *values;   /* strings and lists: what is allowed, with a blank around each; NULL: anything */
	const char *doc;
};

/* TARN_TOPIC_N_KEYS of them, by name. */
extern const struct tarn_topic_key tarn_topic_keys[TARN_TOPIC_N_KEYS];

/* TARN_TOPIC_N_KEYS where there is none. */
enum tarn_topic_key_id tarn_topic_key_find(const char *name);
/* TARN_EINVALID for a value that is not of the key's type or range. */
enum tarn_rc tarn_topic_key_check(const struct tarn_topic_key *key, const char *value,
				  struct tarn_err *err) TARN_MUST_CHECK;

/* What counts for topics that do not say otherwise; NULL: the table's own default. */
struct tarn_topic_defaults {
	const char *text[TARN_TOPIC_N_KEYS];
};

/* The settings of one topic. `own` does not change any more once others see it; what follows from it and from the
 * defaults changes with the defaults, while others read: what is needed twice is read once. */
struct tarn_topic_config {
	char *own[TARN_TOPIC_N_KEYS];		   /* NULL: the default */
	_Atomic int64_t number[TARN_TOPIC_N_KEYS]; /* booleans 0 and 1; what is no whole number is 0 */
	_Atomic double min_cleanable_ratio;
	atomic_bool compact, delete; /* cleanup.policy */
	atomic_bool append_time;     /* message.timestamp.type */
	atomic_int compression;	     /* -1: as the producer sent it; else enum tarn_batch_codec */
};

/* A copy of `base` (NULL: all defaults) with the settings applied, all or none: TARN_EINVALID names the key or value.
 */
enum tarn_rc tarn_topic_config_make(const struct tarn_topic_config *base, const struct tarn_topic_setting *settings,
				    size_t n_settings, struct tarn_topic_config **config,
				    struct tarn_err *err) TARN_MUST_CHECK;
void tarn_topic_config_free(struct tarn_topic_config *config);
/* Made with the table's defaults; this puts others in their place (NULL: the table's again). */
void tarn_topic_config_resolve(struct tarn_topic_config *config, const struct tarn_topic_defaults *defaults);

#endif
