/* Consumer groups whose partitions the broker assigns (KIP-848): the part of consumer_group.h's machine for those that
 * use this protocol. A group has a `balance` or is a classic one; an empty group changes with whoever joins next.
 *
 * Three numbers and three sets of partitions make it work:
 *
 *   group epoch       grows with every change of members, subscriptions or topics
 *   target epoch      the group epoch that the target assignment was computed for: who shall own what
 *   member epoch      the target epoch that the member has come to; what it sends tells how far it is
 *
 *   target            what the member shall own
 *   assigned          what it may own now; given only when nobody else owns it or has to give it up
 *   revoking          what it has to give up before it gets anything new: it is out if that takes longer than its
 *                     rebalance timeout
 *
 * Nothing is kept waiting: a heartbeat is answered with what is true now. What is to be durable is told by
 * outputs->change, record for record as Kafka writes them, before the answer.
 *
 * Threads: as consumer_group.h. Source: KIP-848; the codes and epochs of Apache Kafka 4. */
#ifndef TARN_STREAM_BROKER_BALANCE_H
#define TARN_STREAM_BROKER_BALANCE_H

#include "stream/broker/balance_parts.h"
#include "stream/broker/consumer_group.h"

enum tarn_balance_epoch {
	TARN_BALANCE_JOINS = 0,
	TARN_BALANCE_LEAVES = -1,
	TARN_BALANCE_LEAVES_FOR_A_WHILE = -2, /* a static member that will be back */
};

/* The numbers are those of the records. */
enum tarn_balance_state {
	TARN_BALANCE_STABLE = 0,
	TARN_BALANCE_UNREVOKED = 1,  /* has partitions to give up */
	TARN_BALANCE_UNRELEASED = 2, /* waits for partitions that others have to give up */
};

/* Names of topics, in order, each once. */
struct tarn_names {
	char **items;
	size_t n;
};

struct tarn_balance_member {
	char *id, *client_id, *client_host;
	char *instance_id, *rack_id, *assignor; /* NULL: none */
	struct tarn_names topics;
	char *regex; /* NULL: none */
	int32_t rebalance_ms;
	int32_t epoch, previous_epoch;
	enum tarn_balance_state state;
	struct tarn_parts assigned, revoking, target;
	int64_t session_deadline_ms;
	int64_t revoke_deadline_ms; /* TARN_GROUP_NEVER: nothing is to be revoked */
	bool is_subscribed;	    /* false only while records are loaded: its own is still to come */
};

/* A topic as the machine sees it. */
struct tarn_balance_topic {
	struct tarn_uuid id;
	char *name;
	int32_t partitions;
};
/* All topics there are, by name. The version changes with them. */
struct tarn_balance_topics {
	struct tarn_balance_topic *items;
	size_t n;
	uint64_t version; /* 0: none, of a group that has not looked yet */
};

/* What a regular expression of members stands for. */
struct tarn_balance_regex {
	char *pattern;
	struct tarn_names topics;
	uint64_t version; /* of the topics it was looked up in */
	int64_t at_ms;
};

struct tarn_balance {
	int32_t epoch, target_epoch;
	struct tarn_balance_member **members; /* in order of ids */
	size_t n_members, members_cap;
	struct tarn_balance_regex *regexes;
	size_t n_regexes, regexes_cap;
	struct tarn_balance_topics subscribed; /* what the epoch was made for; in order of ids */
	bool is_known; /* false only while records are loaded: the group's own is still to come */
};

/* "Empty", "Assigning", "Reconciling", "Stable". */
const char *tarn_balance_state_name(const struct tarn_balance *balance);
/* The assignor that most members ask for. */
const char *tarn_balance_assignor_name(const struct tarn_balance *balance);
struct tarn_balance_member *tarn_balance_find(const struct tarn_balance *balance, const char *member_id);
/* The name of a topic that the group reads, or NULL. */
const char *tarn_balance_topic_name(const struct tarn_balance *balance, const struct tarn_uuid *id);
/* Whether a member reads the topic. */
bool tarn_balance_reads(const struct tarn_balance *balance, const char *topic);

/* ---- what is to be made durable ---- */

/* The numbers are the versions of Kafka's keys. */
enum tarn_balance_record {
	TARN_BALANCE_CLASSIC = 2, /* the group's as a classic one: always gone */
	TARN_BALANCE_EPOCH = 3,
	TARN_BALANCE_TOPICS = 4,
	TARN_BALANCE_MEMBER = 5,
	TARN_BALANCE_TARGET_EPOCH = 6,
	TARN_BALANCE_TARGET = 7,
	TARN_BALANCE_CURRENT = 8,
	TARN_BALANCE_REGEX = 16,
};
/* The record of that kind is to be written as the group, its member or its regular expression is now. */
struct tarn_balance_change {
	enum tarn_balance_record record;
	const char *name;			  /* the member's id or the expression; NULL: the group's own */
	const struct tarn_balance_member *member; /* NULL: gone, where it is a member's */
	const struct tarn_balance_regex *regex;	  /* the same of an expression */
	bool is_gone;
};

/* ---- heartbeats ---- */

struct tarn_balance_client {
	const char *id, *host;
	int16_t version; /* of the request */
	const struct tarn_balance_topics *topics;
	/* Whether the client may know of the topic: what a regular expression stands for depends on it. */
	bool (*may_see)(void *context, const char *topic);
	void *context;
};

struct tarn_balance_answer {
	int16_t error;
	const char *message;			  /* static; NULL: the error's own text */
	const struct tarn_balance_member *member; /* NULL: it left, or there is an error */
	int32_t epoch;
	int32_t heartbeat_ms;
	bool has_assignment; /* member->assigned is to be sent */
};
/* A member joins, lives, has revoked, or leaves. */
void tarn_groups_balance(struct tarn_groups *groups, int64_t now_ms,
			 const struct tarn_consumer_group_heartbeat_request *request,
			 const struct tarn_balance_client *client, struct tarn_balance_answer *answer);

/* ---- for the rest of the machine ---- */

struct tarn_balance *tarn_balance_new(void);
void tarn_balance_free(struct tarn_balance *balance);
/* Ends the sessions and revocations that have run out; the group's next wake is left in group->wake_ms. */
void tarn_balance_tick(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms);
/* The group is a classic one from now on; it must be empty. */
void tarn_balance_end(struct tarn_groups *groups, struct tarn_group *group);
/* Whether such a member may commit: STALE_MEMBER_EPOCH, UNKNOWN_MEMBER_ID, UNSUPPORTED_VERSION or none. */
int16_t tarn_balance_may_commit(const struct tarn_balance *balance, const struct tarn_group_claim *claim);
/* Whether such a member may fetch offsets. member_id NULL and epoch -1: no member asks. */
int16_t tarn_balance_may_fetch(const struct tarn_balance *balance, const char *member_id, int32_t epoch);

/* ---- loading: what records say, in the log's order ---- */

/* The group's member, made where it is not there. */
struct tarn_balance_member *tarn_balance_make_member(struct tarn_balance *balance, const char *member_id);
struct tarn_balance_regex *tarn_balance_make_regex(struct tarn_balance *balance, const char *pattern);
void tarn_balance_drop_regex(struct tarn_balance *balance, const char *pattern);
void tarn_names_copy(struct tarn_names *to, const char *const *from, size_t n);
void tarn_names_release(struct tarn_names *names);
void tarn_balance_topics_release(struct tarn_balance_topics *topics);
/* By ids. */
void tarn_balance_sort_topics(struct tarn_balance_topics *topics);
/* After the last record: members of which only parts are there go, sessions start. False where it is no group of this
 * protocol. */
bool tarn_balance_loaded(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms);

#endif
