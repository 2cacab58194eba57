/* What the coordinator's files share; see group_coordinator.h. */
#ifndef TARN_STREAM_BROKER_GROUP_COORDINATOR_INSIDE_H
#define TARN_STREAM_BROKER_GROUP_COORDINATOR_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "stream/broker/balance.h"
#include "stream/broker/group_coordinator.h"
#include "stream/broker/group_offsets.h"
#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"

struct group_write;

struct tarn_group_coordinator {
	struct tarn_broker *broker;
	struct tarn_group_coordinator_options options;
	struct tarn_topic *topic;
	struct tarn_partition *partition;
	int64_t started_ms, started_ns; /* the same moment on both clocks */

	pthread_mutex_t lock;
	pthread_cond_t all_told; /* n_writes is 0 */
	/* Under the lock. */
	struct tarn_groups *groups;
	struct tarn_batch_builder *builder;
	struct tarn_buf key, value;
	struct group_write *appended, **appended_end; /* to be waited for once the lock is free */
	size_t n_writes;			      /* appended, `done` not called yet */
	int64_t balance_end;		   /* the log's offset behind the last record of a group with a balance */
	bool has_balance;		   /* ... and whether such a record waits to be appended */
	struct tarn_balance_topics topics; /* as of the last look; see group_topics */
	int64_t next_check_ms, set_ms;	   /* set_ms: when the timer fires */
	struct tarn_timer timer;

	struct tarn_log_watcher watcher;
	_Atomic bool topics_changed;
};

/* The lock, and what follows from what was done under it: appended records are waited for, the timer is set. */
void group_enter(struct tarn_group_coordinator *coordinator);
void group_leave(struct tarn_group_coordinator *coordinator);
/* Ends the sessions that are over, where the timer has not come to it yet. */
void group_end_due(struct tarn_group_coordinator *coordinator);
/* The clock of sessions: it goes on evenly, whatever is done to the wall clock. */
int64_t group_now_ms(const struct tarn_group_coordinator *coordinator);

/* ---- records on their way; all under the lock ---- */

/* One batch. `done` is called under the lock, once, when it is durable or will never be. */
struct group_write {
	struct tarn_durable_waiter waiter; /* first: its address is the write's */
	struct tarn_group_coordinator *coordinator;
	struct group_write *next;
	void (*done)(struct group_write *write);
	int16_t error;	  /* NONE: durable */
	int64_t position; /* of its first record */
	size_t n_records;
};

void group_add_offset(struct tarn_group_coordinator *coordinator, const char *group,
		      const struct tarn_group_offset *offset);
void group_add_group(struct tarn_group_coordinator *coordinator, const struct tarn_group *group);
/* Records that say: gone. */
void group_add_no_offset(struct tarn_group_coordinator *coordinator, const char *group, const char *topic,
			 int32_t partition);
void group_add_no_group(struct tarn_group_coordinator *coordinator, struct tarn_group *group);
/* Appends what was added since the last call, which must be something. producer NULL: none. */
void group_append(struct tarn_group_coordinator *coordinator, const struct tarn_batch_producer *producer,
		  struct group_write *write);
/* `done` is called when all that was appended of groups with a balance before is durable: what they are now is told to
 * clients then. */
void group_wait(struct tarn_group_coordinator *coordinator, struct group_write *write);
/* The same for what nobody waits for. */
void group_append_silently(struct tarn_group_coordinator *coordinator);

/* All topics there are now, by name; until the lock is free. */
const struct tarn_balance_topics *group_topics(struct tarn_group_coordinator *coordinator);

/* Takes expired offsets and forgotten groups out. */
void group_expire(struct tarn_group_coordinator *coordinator);
/* Whether a member of the group reads the topic, as far as its subscription can be read (consumer protocol). */
bool group_reads_topic(const struct tarn_group *group, const char *topic);

/* Fills coordinator->groups from the log. */
enum tarn_rc group_load(struct tarn_group_coordinator *coordinator, struct tarn_err *err) TARN_MUST_CHECK;

/* Outputs of the state machine that answer calls (group_handlers.c). */
void group_answer_join(void *context, void *call, const struct tarn_join_answer *answer);
void group_answer_sync(void *context, void *call, const struct tarn_sync_answer *answer);

#endif
