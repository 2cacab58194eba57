#include "stream/log/topic_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LONG_TEXT "9223372036854775807"
#define LONG_MOST 9223372036854775807.0
#define INT_MOST 2147483647.0

#define NUMBER(key, text, broker_text, kind, otherwise, low, high, about)                                              \
	[key] = { .name = (text),                                                                                      \
		  .of_broker = (broker_text),                                                                          \
		  .type = (kind),                                                                                      \
		  .fallback = (otherwise),                                                                             \
		  .least = (low),                                                                                      \
		  .most = (high),                                                                                      \
		  .doc = (about) }
#define CHOICE(key, text, broker_text, kind, otherwise, allowed, about)                                                \
	[key] = { .name = (text),                                                                                      \
		  .of_broker = (broker_text),                                                                          \
		  .type = (kind),                                                                                      \
		  .fallback = (otherwise),                                                                             \
		  .values = (allowed),                                                                                 \
		  .doc = (about) }

const struct tarn_topic_key tarn_topic_keys[TARN_TOPIC_N_KEYS] = {
	CHOICE(TARN_TOPIC_CLEANUP_POLICY, "cleanup.policy", "log.cleanup.policy", TARN_TOPIC_LIST, "delete",
	       " compact delete ",
	       "what becomes of old segments: deleted by age and size, compacted to the last value of each key, or "
	       "both"),
	CHOICE(TARN_TOPIC_COMPRESSION_TYPE, "compression.type", "compression.type", TARN_TOPIC_STRING, "producer",
	       " uncompressed zstd lz4 snappy gzip producer ",
	       "codec of the stored batches; producer keeps what was sent"),
	NUMBER(TARN_TOPIC_DELETE_RETENTION_MS, "delete.retention.ms", "log.cleaner.delete.retention.ms",
	       TARN_TOPIC_LONG, "86400000", 0, LONG_MOST, "how long a compacted topic keeps records that delete a key"),
	NUMBER(TARN_TOPIC_FILE_DELETE_DELAY_MS, "file.delete.delay.ms", "log.segment.delete.delay.ms", TARN_TOPIC_LONG,
	       "60000", 0, LONG_MOST, "no effect: a file goes when its last reader is done"),
	NUMBER(TARN_TOPIC_FLUSH_MESSAGES, "flush.messages", "log.flush.interval.messages", TARN_TOPIC_LONG, "1", 1,
	       LONG_MOST,
	       "1: records are on disk before they are acknowledged or seen; more: after so many, and earlier ones may "
	       "be lost with "
	       "the machine's power"),
	NUMBER(TARN_TOPIC_FLUSH_MS, "flush.ms", "log.flush.interval.ms", TARN_TOPIC_LONG, LONG_TEXT, 0, LONG_MOST,
	       "with flush.messages above 1: the longest time before records are put on disk"),
	CHOICE(TARN_TOPIC_FOLLOWER_THROTTLED, "follower.replication.throttled.replicas", NULL, TARN_TOPIC_LIST, "",
	       NULL, "no effect: one node"),
	NUMBER(TARN_TOPIC_INDEX_INTERVAL_BYTES, "index.interval.bytes", "log.index.interval.bytes", TARN_TOPIC_INT,
	       "4096", 0, INT_MOST, "how many bytes of log for one entry of the index"),
	CHOICE(TARN_TOPIC_LEADER_THROTTLED, "leader.replication.throttled.replicas", NULL, TARN_TOPIC_LIST, "", NULL,
	       "no effect: one node"),
	NUMBER(TARN_TOPIC_LOCAL_RETENTION_BYTES, "local.retention.bytes", "log.local.retention.bytes", TARN_TOPIC_LONG,
	       "-2", -2, LONG_MOST, "no effect: no tiered storage"),
	NUMBER(TARN_TOPIC_LOCAL_RETENTION_MS, "local.retention.ms", "log.local.retention.ms", TARN_TOPIC_LONG, "-2", -2,
	       LONG_MOST, "no effect: no tiered storage"),
	NUMBER(TARN_TOPIC_MAX_COMPACTION_LAG_MS, "max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms",
	       TARN_TOPIC_LONG, LONG_TEXT, 1, LONG_MOST,
	       "the longest time that a record of a compacted topic stays uncompacted"),
	NUMBER(TARN_TOPIC_MAX_MESSAGE_BYTES, "max.message.bytes", "message.max.bytes", TARN_TOPIC_INT, "1048588", 0,
	       INT_MOST, "the largest batch that is taken, as it was sent"),
	CHOICE(TARN_TOPIC_DOWNCONVERSION, "message.downconversion.enable", "log.message.downconversion.enable",
	       TARN_TOPIC_BOOLEAN, "true", " true false ", "no effect: there is one format"),
	CHOICE(TARN_TOPIC_FORMAT_VERSION, "message.format.version", NULL, TARN_TOPIC_STRING, "3.0-IV1", NULL,
	       "no effect: there is one format"),
	NUMBER(TARN_TOPIC_TIMESTAMP_AFTER_MAX_MS, "message.timestamp.after.max.ms",
	       "log.message.timestamp.after.max.ms", TARN_TOPIC_LONG, "3600000", 0, LONG_MOST,
	       "how far in the future a record's timestamp may lie"),
	NUMBER(TARN_TOPIC_TIMESTAMP_BEFORE_MAX_MS, "message.timestamp.before.max.ms",
	       "log.message.timestamp.before.max.ms", TARN_TOPIC_LONG, LONG_TEXT, 0, LONG_MOST,
	       "how far in the past a record's timestamp may lie"),
	CHOICE(TARN_TOPIC_TIMESTAMP_TYPE, "message.timestamp.type", "log.message.timestamp.type", TARN_TOPIC_STRING,
	       "CreateTime", " CreateTime LogAppendTime ", "whose clock: the producer's, or this one's at the append"),
	NUMBER(TARN_TOPIC_MIN_CLEANABLE_RATIO, "min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio",
	       TARN_TOPIC_DOUBLE, "0.5", 0, 1,
	       "a compacted topic is compacted when so much of it is new since the last time"),
	NUMBER(TARN_TOPIC_MIN_COMPACTION_LAG_MS, "min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms",
	       TARN_TOPIC_LONG, "0", 0, LONG_MOST, "the least time that a record stays uncompacted"),
	NUMBER(TARN_TOPIC_MIN_INSYNC_REPLICAS, "min.insync.replicas", "min.insync.replicas", TARN_TOPIC_INT, "1", 1,
	       INT_MOST, "no effect: one node"),
	CHOICE(TARN_TOPIC_PREALLOCATE, "preallocate", "log.preallocate", TARN_TOPIC_BOOLEAN, "true", " true false ",
	       "whether the log keeps up to 1 MiB of zeros on disk ahead of small records that are put on disk one by "
	       "one, which is faster"),
	CHOICE(TARN_TOPIC_REMOTE_STORAGE, "remote.storage.enable", NULL, TARN_TOPIC_BOOLEAN, "false", " false ",
	       "no effect: no tiered storage"),
	NUMBER(TARN_TOPIC_RETENTION_BYTES, "retention.bytes", "log.retention.bytes", TARN_TOPIC_LONG, "-1", -1,
	       LONG_MOST, "how large a partition may grow before its oldest segments go; -1: no limit"),
	NUMBER(TARN_TOPIC_RETENTION_MS, "retention.ms", "log.retention.ms", TARN_TOPIC_LONG, "604800000", -1, LONG_MOST,
	       "how old a segment's newest record may be before it goes; -1: no limit"),
	CHOICE(TARN_TOPIC_SCHEMA_VALIDATION, "schema.validation", NULL, TARN_TOPIC_BOOLEAN, "false", " true false ",
	       "whether the broker refuses keys and values that do not fit a schema of the registry"),
	NUMBER(TARN_TOPIC_SEGMENT_BYTES, "segment.bytes", "log.segment.bytes", TARN_TOPIC_INT, "1073741824", 14,
	       INT_MOST, "the size at which a new segment is begun"),
	NUMBER(TARN_TOPIC_SEGMENT_INDEX_BYTES, "segment.index.bytes", "log.index.size.max.bytes", TARN_TOPIC_INT,
	       "10485760", 4, INT_MOST, "no effect: indexes grow as they need"),
	NUMBER(TARN_TOPIC_SEGMENT_JITTER_MS, "segment.jitter.ms", "log.roll.jitter.ms", TARN_TOPIC_LONG, "0", 0,
	       LONG_MOST, "no effect"),
	NUMBER(TARN_TOPIC_SEGMENT_MS, "segment.ms", "log.roll.ms", TARN_TOPIC_LONG, "604800000", 1, LONG_MOST,
	       "the age at which a new segment is begun"),
	CHOICE(TARN_TOPIC_UNCLEAN_ELECTION, "unclean.leader.election.enable", "unclean.leader.election.enable",
	       TARN_TOPIC_BOOLEAN, "false", " true false ", "no effect: one node"),
};

enum tarn_topic_key_id tarn_topic_key_find(const char *name)
{
	int key = 0;
	while (key < TARN_TOPIC_N_KEYS && strcmp(tarn_topic_keys[key].name, name) != 0)
		key++;
	return (enum tarn_topic_key_id)key;
}

static enum tarn_rc bad_value(const struct tarn_topic_key *key, const char *value, const char *expected,
			      struct tarn_err *err)
{
	return tarn_fail(err, TARN_EINVALID, "invalid value \"%s\" for \"%s\": expected %s", value, key->name,
			 expected);
}

static enum tarn_rc check_number(const struct tarn_topic_key *key, const char *value, struct tarn_err *err)
{
	char *end;
	errno = 0;
	bool whole = key->type != TARN_TOPIC_DOUBLE;
	double number = whole ? (double)strtoll(value, &end, 10) : strtod(value, &end);
	if (errno || end == value || *end)
		return bad_value(key, value, whole ? "a whole number" : "a number", err);
	if (!(number >= key->least && number <= key->most))
		return tarn_fail(err, TARN_EINVALID, "invalid value \"%s\" for \"%s\": expected %.0f to %.0f", value,
				 key->name, key->least, key->most);
	return TARN_OK;
}

/* Each part of a list, or the string itself, stands in the blank-separated `values`. */
static enum tarn_rc check_choice(const struct tarn_topic_key *key, const char *value, struct tarn_err *err)
{
	if (!key->values)
		return TARN_OK;
	const char *separators = key->type == TARN_TOPIC_LIST ? ", " : "";
	const char *at = value;
	do {
		at += strspn(at, separators);
		size_t len = strcspn(at, separators);
		char padded[64];
		int size = snprintf(padded, sizeof(padded), " %.*s ", (int)(len < 48 ? len : 48), at);
		if (!len || size < 3 || strchr(padded + 1, ' ') != padded + size - 1 || !strstr(key->values, padded))
			return bad_value(key, value, key->values + 1, err);
		at += len;
	} while (*at);
	return TARN_OK;
}

enum tarn_rc tarn_topic_key_check(const struct tarn_topic_key *key, const char *value, struct tarn_err *err)
{
	bool is_number = key->type == TARN_TOPIC_INT || key->type == TARN_TOPIC_LONG || key->type == TARN_TOPIC_DOUBLE;
	return is_number ? check_number(key, value, err) : check_choice(key, value, err);
}

static int codec_of(const char *name)
{
	static const char *const names[] = { "uncompressed", "gzip", "snappy", "lz4", "zstd" };
	for (int codec = 0; codec < 5; codec++)
		if (!strcmp(name, names[codec]))
			return codec;
	return -1;
}

static const char *text_of(const struct tarn_topic_config *config, const struct tarn_topic_defaults *defaults,
			   enum tarn_topic_key_id key)
{
	if (config->own[key])
		return config->own[key];
	return defaults && defaults->text[key] ? defaults->text[key] : tarn_topic_keys[key].fallback;
}

void tarn_topic_config_resolve(struct tarn_topic_config *config, const struct tarn_topic_defaults *defaults)
{
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++) {
		const char *text = text_of(config, defaults, (enum tarn_topic_key_id)key);
		config->number[key] = tarn_topic_keys[key].type == TARN_TOPIC_BOOLEAN ? !strcmp(text, "true")
										      : strtoll(text, NULL, 10);
	}
	const char *policy = text_of(config, defaults, TARN_TOPIC_CLEANUP_POLICY);
	config->compact = strstr(policy, "compact");
	config->delete = strstr(policy, "delete");
	config->append_time = !strcmp(text_of(config, defaults, TARN_TOPIC_TIMESTAMP_TYPE), "LogAppendTime");
	config->compression = codec_of(text_of(config, defaults, TARN_TOPIC_COMPRESSION_TYPE));
	config->min_cleanable_ratio = strtod(text_of(config, defaults, TARN_TOPIC_MIN_CLEANABLE_RATIO), NULL);
}

enum tarn_rc tarn_topic_config_make(const struct tarn_topic_config *base, const struct tarn_topic_setting *settings,
				    size_t n_settings, struct tarn_topic_config **config, struct tarn_err *err)
{
	struct tarn_topic_config *made = tarn_calloc(1, sizeof(*made));
	for (int key = 0; base && key < TARN_TOPIC_N_KEYS; key++)
		made->own[key] = base->own[key] ? tarn_strdup(base->own[key]) : NULL;
	for (size_t i = 0; i < n_settings; i++) {
		enum tarn_topic_key_id key = tarn_topic_key_find(settings[i].key);
		enum tarn_rc rc = TARN_OK;
		if (key == TARN_TOPIC_N_KEYS)
			rc = tarn_fail(err, TARN_EINVALID, "unknown topic config name \"%s\"", settings[i].key);
		else if (settings[i].value)
			rc = tarn_topic_key_check(&tarn_topic_keys[key], settings[i].value, err);
		if (rc) {
			tarn_topic_config_free(made);
			return rc;
		}
		free(made->own[key]);
		made->own[key] = settings[i].value ? tarn_strdup(settings[i].value) : NULL;
	}
	tarn_topic_config_resolve(made, NULL);
	*config = made;
	return TARN_OK;
}

void tarn_topic_config_free(struct tarn_topic_config *config)
{
	for (int key = 0; config && key < TARN_TOPIC_N_KEYS; key++)
		free(config->own[key]);
	free(config);
}
