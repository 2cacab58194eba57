/* The broker: what all calls share. Made and ended by whoever serves (serve/role_broker.c, tests), who opens the parts
 * one after the other and puts them here; handlers read it and never change it.
 *
 * Threads: the loops of the connections, the broker's workers (for what may block) and its clock (for timers). All
 * functions here may be called from any thread. */
#ifndef TARN_STREAM_BROKER_BROKER_H
#define TARN_STREAM_BROKER_BROKER_H

#include "base/buf.h"
#include "base/err.h"
#include "stream/log/log.h"

/* As in Kafka's messages about access (org.apache.kafka.common.acl). */
enum tarn_acl_operation {
	TARN_ACL_UNKNOWN,
	TARN_ACL_ANY,
	TARN_ACL_ALL,
	TARN_ACL_READ,
	TARN_ACL_WRITE,
	TARN_ACL_CREATE,
	TARN_ACL_DELETE,
	TARN_ACL_ALTER,
	TARN_ACL_DESCRIBE,
	TARN_ACL_CLUSTER_ACTION,
	TARN_ACL_DESCRIBE_CONFIGS,
	TARN_ACL_ALTER_CONFIGS,
	TARN_ACL_IDEMPOTENT_WRITE,
	TARN_ACL_CREATE_TOKENS,
	TARN_ACL_DESCRIBE_TOKENS,
	TARN_ACL_TWO_PHASE_COMMIT,
};
enum tarn_resource_type {
	TARN_RESOURCE_UNKNOWN,
	TARN_RESOURCE_ANY,
	TARN_RESOURCE_TOPIC,
	TARN_RESOURCE_GROUP,
	TARN_RESOURCE_CLUSTER, /* its name is TARN_CLUSTER_NAME */
	TARN_RESOURCE_TRANSACTIONAL_ID,
};
#define TARN_CLUSTER_NAME "kafka-cluster"

struct tarn_group_coordinator; /* group_coordinator.h */
struct tarn_transactions;      /* txn.h */
struct tarn_acls;	       /* acl.h */
struct tarn_users;	       /* users.h: who may authenticate, and with what */
struct tarn_complaints;
struct tarn_metrics; /* metrics.h */
struct tarn_timers;
struct tarn_workers;

/* Where the broker is asked whether a record fits its topic's schema. */
struct tarn_validator {
	/* True, or false with a static or arena text in *reason. Any thread. */
	bool (*accepts)(void *context, struct tarn_topic *topic, bool is_key, struct tarn_slice value,
			const char **reason);
	void *context;
};

struct tarn_broker {
	struct tarn_log *log;
	int32_t node_id;
	const char *host; /* what clients are told to connect to */
	int32_t port;
	const char *cluster_id; /* the log's */

	bool auto_create_topics;    /* as Kafka's auto.create.topics.enable */
	int32_t default_partitions; /* of topics made without a number: num.partitions */

	struct tarn_group_coordinator *groups;
	struct tarn_transactions *transactions;
	struct tarn_acls *acls;
	struct tarn_users *users;		/* NULL: none are known, and none can be added */
	bool authenticates;			/* whether clients have to be one of them */
	const struct tarn_validator *validator; /* NULL: everything fits */

	/* Whether `principal` at `host` may do this. NULL: everybody may do everything. */
	bool (*authorize)(const struct tarn_broker *broker, const char *principal, const char *host,
			  enum tarn_acl_operation operation, enum tarn_resource_type type, const char *name);

	/* Wall clock in milliseconds; tests put their own here. */
	int64_t (*now_ms)(void);
	/* Told of what an operator should know; one line, no newline. Any thread. */
	void (*say)(void *context, const char *line);
	void *say_context;

	/* Bytes of requests and answers in memory, of all connections; above the limit, those that hold them and do not
	 * go on are hung up on. */
	_Atomic size_t held_bytes;
	_Atomic size_t max_held_bytes;

	/* Of fetch sessions: partitions in all of them, and the last id that was given out. */
	_Atomic size_t session_partitions;
	_Atomic uint32_t next_fetch_session;

	struct tarn_metrics *metrics;
	struct tarn_complaints *complaints;
	struct tarn_timers *timers;
	struct tarn_workers *workers;
};

/* Defaults, timers and workers; the parts are the caller's to put in. */
void tarn_broker_init(struct tarn_broker *broker, struct tarn_log *log);
/* Runs what the workers still hold, and ends the threads. No call may be under way. */
void tarn_broker_release(struct tarn_broker *broker);
void tarn_broker_say(const struct tarn_broker *broker, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, of what clients do: no more than TARN_COMPLAINTS lines a second, so that nobody can fill a disk with them;
 * how many were left out is said with the next one. */
#define TARN_COMPLAINTS 20
void tarn_broker_complain(struct tarn_broker *broker, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- timers: a callback on the clock's thread; it must be quick ---- */

struct tarn_timer {
	void (*fire)(struct tarn_timer *timer);
	int64_t due_ns; /* the clock's, as is `place` */
	size_t place;
};
/* Embedded, all zero but `fire`. Setting a timer that is set moves it. */
void tarn_timer_set(struct tarn_broker *broker, struct tarn_timer *timer, int64_t delay_ms);
/* When this returns the timer is not set and its callback is not under way (unless called from the callback). */
void tarn_timer_cancel(struct tarn_broker *broker, struct tarn_timer *timer);

/* ---- workers: jobs that may block ---- */

struct tarn_job {
	void (*run)(struct tarn_job *job);
	struct tarn_job *next; /* the workers' */
};
/* The job is the caller's until `run` is called, which may free it. */
void tarn_broker_run(struct tarn_broker *broker, struct tarn_job *job);

#endif
