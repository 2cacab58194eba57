/* Consumer groups as a state machine, here Kafka's classic protocol (balance.h has the other one): requests and the
 * clock go in, answers and what is to be made durable come out. It knows no sockets, no log and no time of its own;
 * group_coordinator.h ties it to them.
 *
 *            join                  all members joined            leader's assignment is durable
 *   EMPTY ---------> PREPARING ------------------------> SYNCING ------------------------------> STABLE
 *     ^                 |  ^                                |  join with other protocols, leave,  |
 *     '-- nobody left --'  '---------- session over --------'-------------------------------------'
 *
 * A generation is what lies between two passages from PREPARING. Members of a group choose one of them as leader, who
 * assigns the partitions; to the coordinator subscriptions and assignments are bytes.
 *
 * Threads: one at a time; who calls holds a lock. What the machine calls (tarn_group_outputs) must not call it back.
 * Sources: kafka.apache.org/protocol; KIP-62 (rebalance timeout), KIP-134 (initial delay), KIP-345 (static members),
 * KIP-394 (member ids are given before they are joined), KIP-496 (deleting offsets), KIP-814 (a static leader that is
 * back). */
#ifndef TARN_STREAM_BROKER_GROUP_H
#define TARN_STREAM_BROKER_GROUP_H

#include "stream/broker/messages.h"

enum tarn_group_state {
	TARN_GROUP_EMPTY,     /* no members; offsets may be there */
	TARN_GROUP_PREPARING, /* waits until all members have joined */
	TARN_GROUP_SYNCING,   /* waits for the leader's assignment */
	TARN_GROUP_STABLE,
};
/* As Kafka's clients know it: "Empty", "PreparingRebalance", "CompletingRebalance", "Stable". */
const char *tarn_group_state_name(enum tarn_group_state state);

#define TARN_GROUP_NEVER INT64_MAX

struct tarn_group_protocol {
	char *name;
	struct tarn_slice metadata;
};

struct tarn_group_member {
	char *id;
	char *instance_id; /* NULL: a dynamic member */
	char *client_id, *client_host;
	int32_t rebalance_ms, session_ms;
	struct tarn_group_protocol *protocols; /* in the order of its preference */
	size_t n_protocols;
	struct tarn_slice assignment;
	int64_t deadline_ms;	     /* its session ends then */
	bool joining;		     /* has joined what comes next */
	bool syncing;		     /* waits for its assignment */
	bool owes_sync;		     /* has the generation's join answer, and has not asked for its assignment */
	bool is_new;		     /* has not had an answer to its first join yet */
	void *join_call, *sync_call; /* who waits; NULL: nobody */
	char *former_id;	     /* a static member that came back, until it is answered: its id before */
	bool can_skip;		     /* ... and whether it knows skip_assignment */
};

/* An id that was given out and has not been joined yet. */
struct tarn_group_pending {
	char *id;
	int64_t deadline_ms;
};

struct tarn_group {
	char *id;
	enum tarn_group_state state;
	char *protocol_type; /* NULL: nobody ever joined, the group only keeps offsets */
	char *protocol;	     /* the generation's; NULL: none */
	int32_t generation;
	int64_t since_ms;		    /* when it came into this state */
	struct tarn_group_member *leader;   /* NULL: none */
	struct tarn_group_member **members; /* in the order in which they came */
	size_t n_members, members_cap;
	struct tarn_group_pending *pending;
	size_t n_pending, pending_cap;

	int64_t join_deadline_ms, sync_deadline_ms; /* or TARN_GROUP_NEVER */
	bool delayed;				    /* the first join waits for more members, all there or not */
	bool more_came;				    /* ... and somebody came in this round of waiting */
	int64_t delay_left_ms;			    /* ... of what the rebalance timeout allows */
	int64_t wake_ms;			    /* nothing is due before */

	struct tarn_group_offsets *offsets; /* group_offsets.h */
	struct tarn_balance *balance;	    /* balance.h: the broker assigns; NULL: a classic group */
};

struct tarn_group_limits {
	int32_t least_session_ms, most_session_ms; /* what a member may ask for */
	int32_t new_member_ms;			   /* how long a new member waits for its first generation */
	int32_t initial_delay_ms; /* how long the first join of an empty group waits for others; 0: not */
	size_t most_members;	  /* of a group */
};
/* Kafka's, but for the initial delay of 3 seconds, which is felt in every small program: on one machine those that
 * start together come within a tenth of a second, and each that comes makes the others wait as long again. */
#define TARN_GROUP_LIMITS_DEFAULT ((struct tarn_group_limits){ 6000, 1800000, 300000, 100, 10000 })

/* Everything is borrowed until the callback returns. */
struct tarn_join_answer {
	int16_t error;
	int32_t generation;
	const char *protocol_type, *protocol; /* NULL: none */
	const char *leader;
	bool skip_assignment;
	const char *member_id;
	const struct tarn_group
		*members; /* the leader is told all of them, with what they sent for `protocol`; NULL: none */
};
struct tarn_sync_answer {
	int16_t error;
	const char *protocol_type, *protocol;
	struct tarn_slice assignment;
};

struct tarn_balance_change;
struct tarn_group_times {
	int32_t session_ms, heartbeat_ms;
};
#define TARN_GROUP_TIMES_DEFAULT ((struct tarn_group_times){ 45000, 5000 })

struct tarn_group_outputs {
	void (*join)(void *context, void *call, const struct tarn_join_answer *answer);
	void (*sync)(void *context, void *call, const struct tarn_sync_answer *answer);
	/* Members, generation, protocol and assignments of the group changed: they are to be made durable, and the
	 * machine is told by tarn_groups_stored - after this has returned. */
	void (*store)(void *context, const struct tarn_group *group);
	void *context;
	/* A record of a group with a balance is to be written; see balance.h. NULL: nobody wants to know. */
	void (*change)(void *context, const struct tarn_group *group, const struct tarn_balance_change *change);
	/* What holds for such a group. NULL: TARN_GROUP_TIMES_DEFAULT. */
	struct tarn_group_times (*times)(void *context, const char *group_id);
};

struct tarn_groups;
struct tarn_groups *tarn_groups_new(const struct tarn_group_limits *limits, const struct tarn_group_outputs *outputs);
/* Nobody is answered any more. */
void tarn_groups_free(struct tarn_groups *groups);

/* ---- requests ---- */

/* Answered through outputs->join, now or later, exactly once. `version` is the request's: from 4 on ids are given
 * before they are joined, from 9 on a returning static leader can be told to skip the assignment. */
struct tarn_group_client {
	const char *id, *host;
	int16_t version;
};
void tarn_groups_join(struct tarn_groups *groups, int64_t now_ms, const struct tarn_join_group_request *request,
		      const struct tarn_group_client *client, void *call);
/* Answered through outputs->sync, now or later, exactly once. */
void tarn_groups_sync(struct tarn_groups *groups, int64_t now_ms, const struct tarn_sync_group_request *request,
		      void *call);
/* A call that waits to be answered will not be: its client is gone. The member is there all the same until its session
 * ends. False where the call does not wait. */
bool tarn_groups_forget(struct tarn_groups *groups, const char *group_id, const void *call);
/* The following return a Kafka error code. */
int16_t tarn_groups_heartbeat(struct tarn_groups *groups, int64_t now_ms, const struct tarn_heartbeat_request *request);
/* One member leaves; instance_id NULL for a dynamic one. With an instance and an empty member id, whoever holds the
 * instance. */
int16_t tarn_groups_leave(struct tarn_groups *groups, int64_t now_ms, const char *group_id, const char *member_id,
			  const char *instance_id);
/* Whether such a member may commit offsets, and the group they belong to, which is made where nobody was ever a member
 * of it (generation -1). A sign of life like a heartbeat. */
struct tarn_group_claim {
	const char *group_id, *member_id, *instance_id;
	int32_t generation; /* or the member's epoch */
	bool transactional;
	int16_t version; /* of the request */
};
int16_t tarn_groups_may_commit(struct tarn_groups *groups, int64_t now_ms, const struct tarn_group_claim *claim,
			       struct tarn_group **group);

/* ---- what happens by itself ---- */

/* The answer to outputs->store: what the group was at that generation is durable, or will never be. */
void tarn_groups_stored(struct tarn_groups *groups, int64_t now_ms, const char *group_id, int32_t generation, bool ok);
/* Ends what has run out. */
void tarn_groups_tick(struct tarn_groups *groups, int64_t now_ms);
/* Nothing is due before; TARN_GROUP_NEVER. */
int64_t tarn_groups_next_ms(const struct tarn_groups *groups);

/* ---- looking, loading, removing ---- */

/* Nobody is a member, or about to become one. */
bool tarn_group_is_empty(const struct tarn_group *group);
/* As clients know it, of either protocol. */
const char *tarn_group_state_text(const struct tarn_group *group);
struct tarn_group *tarn_groups_find(const struct tarn_groups *groups, const char *group_id);
size_t tarn_groups_count(const struct tarn_groups *groups);
/* In order of ids. */
struct tarn_group *tarn_groups_at(const struct tarn_groups *groups, size_t i);
/* The group, made where it is not there. */
struct tarn_group *tarn_groups_make(struct tarn_groups *groups, int64_t now_ms, const char *group_id);
/* Whoever waits for the group is answered UNKNOWN_MEMBER_ID. */
void tarn_groups_remove(struct tarn_groups *groups, struct tarn_group *group);
/* What was loaded: the group takes the members as they are (their owner is the group now), and is stable, or empty
 * without any; sessions start at now_ms. The strings are copied. A group of that id loses its former members. */
struct tarn_group_loaded {
	const char *group_id, *protocol_type, *protocol, *leader;
	int32_t generation;
	int64_t since_ms;
	struct tarn_group_member **members;
	size_t n_members;
};
void tarn_groups_load(struct tarn_groups *groups, int64_t now_ms, const struct tarn_group_loaded *loaded);
void tarn_group_member_free(struct tarn_group_member *member);

/* What the member sent for the protocol; empty where it does not know it. */
struct tarn_slice tarn_group_member_metadata(const struct tarn_group_member *member, const char *protocol);

#endif
