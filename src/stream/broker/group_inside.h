/* What the files of the group's state machine share; see consumer_group.h. */
#ifndef TARN_STREAM_BROKER_GROUP_INSIDE_H
#define TARN_STREAM_BROKER_GROUP_INSIDE_H

#include "stream/broker/consumer_group.h"
#include "stream/broker/errors.h"

struct tarn_groups {
	struct tarn_group_limits limits;
	struct tarn_group_outputs outputs;
	struct tarn_group **by_id; /* sorted */
	size_t n, cap;
	int64_t wake_ms; /* nothing is due before */
};

struct tarn_group_times tarn_group_times_of(const struct tarn_groups *groups, const char *group_id);

struct tarn_slice tarn_group_copy_slice(struct tarn_slice slice);
struct tarn_group_member *tarn_group_find_member(const struct tarn_group *group, const char *id);
struct tarn_group_member *tarn_group_find_instance(const struct tarn_group *group, const char *instance_id);
/* An id that was given out; n_pending where it is none. */
size_t tarn_group_find_pending(const struct tarn_group *group, const char *id);
void tarn_group_drop_pending(struct tarn_group *group, size_t i);

/* UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, or the member. */
int16_t tarn_group_check_member(const struct tarn_group *group, const char *id, const char *instance_id,
				struct tarn_group_member **member);

/* Brings the group's and the machine's next wake forward to `at_ms`. */
void tarn_group_wake_at(struct tarn_groups *groups, struct tarn_group *group, int64_t at_ms);
/* The session starts again. */
void tarn_group_touch(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
		      int64_t now_ms);
void tarn_group_enter(struct tarn_group *group, enum tarn_group_state state, int64_t now_ms);

/* A new generation is due: everybody has to join again. Where that is under way already, nothing happens. */
void tarn_group_rebalance(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms);
/* Starts the generation if all members have joined. */
void tarn_group_try_complete(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms);
/* The time for joining is over: who has not joined is out. */
void tarn_group_complete_join(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms);
/* Answers the member's waiting calls with `error` and takes it out; then what follows for the group. */
void tarn_group_remove_member(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			      int16_t error, int64_t now_ms);
/* The same without what follows. */
void tarn_group_take_out(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			 int16_t error);

void tarn_group_fail_join(struct tarn_groups *groups, struct tarn_group_member *member, int16_t error);
void tarn_group_answer_join(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			    bool with_members);
void tarn_group_answer_sync(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			    int16_t error);
/* Answers all who wait for an assignment; with an error the assignments are forgotten. */
void tarn_group_answer_syncs(struct tarn_groups *groups, struct tarn_group *group, int16_t error);

/* The protocol that most members like best, of those that all of them know; NULL where there is none. */
const char *tarn_group_choose_protocol(const struct tarn_group *group);
bool tarn_group_knows_protocols(const struct tarn_group *group, const struct tarn_join_group_request *request);

#endif
