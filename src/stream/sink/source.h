/* Where a task's messages come from, and where it keeps its offsets: the log of this process, any Kafka cluster, or a
 * test.
 *
 * A source gives out events one after the other. A partition is assigned with the offset that was committed last (or
 * the start of the log, where none was) and the metadata that went with it; messages of it follow in rising order; when
 * it is revoked, its messages are somebody else's, and commits for it are refused. One thread at a time, but for
 * tarn_source_wake, and for commits where the source says so. */
#ifndef TARN_STREAM_SINK_SOURCE_H
#define TARN_STREAM_SINK_SOURCE_H

#include "stream/log/batch.h"

enum tarn_source_event_kind {
	TARN_SOURCE_NOTHING, /* the time is over, or somebody woke it */
	TARN_SOURCE_ASSIGNED,
	TARN_SOURCE_REVOKED,
	TARN_SOURCE_MESSAGES,
};

/* Everything is borrowed until the next call. */
struct tarn_source_event {
	enum tarn_source_event_kind kind;
	const char *topic;
	int32_t partition;
	int64_t offset;	      /* ASSIGNED: the next message is at it, or behind it */
	const char *metadata; /* ASSIGNED: never NULL */
	const struct tarn_message *messages;
	size_t n;
	int64_t next; /* MESSAGES: the next one is at it, or behind it */
};

struct tarn_source_commit {
	const char *topic;
	int32_t partition;
	int64_t offset;
	const char *metadata;
};

struct tarn_source;
struct tarn_source_ops {
	enum tarn_rc (*poll)(struct tarn_source *source, int64_t timeout_ms, struct tarn_source_event *event,
			     struct tarn_err *err);
	/* All of them, durably, before it returns. TARN_ECONFLICT: this source does not own the partitions any more. */
	enum tarn_rc (*commit)(struct tarn_source *source, const struct tarn_source_commit *commits, size_t n,
			       struct tarn_err *err);
	void (*wake)(struct tarn_source *source); /* any thread: makes a waiting poll return */
	void (*free)(struct tarn_source *source);
};
struct tarn_source {
	const struct tarn_source_ops *ops;
	/* Commits are never refused, and may be made by another thread until the poll after the one that revoked their
	 * partition. */
	bool commits_aside;
};

static inline enum tarn_rc tarn_source_poll(struct tarn_source *source, int64_t timeout_ms,
					    struct tarn_source_event *event, struct tarn_err *err)
{
	return source->ops->poll(source, timeout_ms, event, err);
}
static inline enum tarn_rc tarn_source_commit(struct tarn_source *source, const struct tarn_source_commit *commits,
					      size_t n, struct tarn_err *err)
{
	return source->ops->commit(source, commits, n, err);
}
static inline void tarn_source_wake(struct tarn_source *source)
{
	source->ops->wake(source);
}
static inline void tarn_source_free(struct tarn_source *source)
{
	if (source)
		source->ops->free(source);
}

/* Which partitions a source is to read. */
struct tarn_source_options {
	const char *group;	   /* connect-<name> */
	const char *const *topics; /* n of them, or */
	size_t n_topics;
	const char *topics_regex; /* an extended regular expression for the whole name */
	int32_t task, n_tasks;	  /* a share of the partitions, where no broker shares them out */
};

/* Whether a name matches the expression as a whole. */
struct tarn_topic_pattern;
enum tarn_rc tarn_topic_pattern_new(const char *regex, struct tarn_topic_pattern **pattern,
				    struct tarn_err *err) TARN_MUST_CHECK;
bool tarn_topic_pattern_matches(const struct tarn_topic_pattern *pattern, const char *name);
void tarn_topic_pattern_free(struct tarn_topic_pattern *pattern);

#endif
