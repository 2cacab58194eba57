/* What the files of the balanced groups' machine share; see balance.h. */
#ifndef TARN_STREAM_BROKER_BALANCE_INSIDE_H
#define TARN_STREAM_BROKER_BALANCE_INSIDE_H

#include "stream/broker/balance.h"
#include "stream/broker/group_inside.h"

/* Says what is to be written; `member` or `regex` NULL where it is gone. */
void tarn_balance_tell(struct tarn_groups *groups, const struct tarn_group *group, enum tarn_balance_record record);
void tarn_balance_tell_gone(struct tarn_groups *groups, const struct tarn_group *group, enum tarn_balance_record record,
			    const char *name);
void tarn_balance_tell_member(struct tarn_groups *groups, const struct tarn_group *group,
			      enum tarn_balance_record record, const struct tarn_balance_member *member);

void tarn_balance_tell_regex(struct tarn_groups *groups, const struct tarn_group *group,
			     const struct tarn_balance_regex *regex);

struct tarn_balance_member *tarn_balance_find_instance(const struct tarn_balance *balance, const char *instance_id);
/* The member's id from now on. */
void tarn_balance_rename(struct tarn_balance *balance, struct tarn_balance_member *member, const char *id);
/* Takes the member out: its partitions are free, and a new assignment is due. */
void tarn_balance_remove(struct tarn_groups *groups, struct tarn_group *group, struct tarn_balance_member *member);
/* Forgets an expression that no member has. */
void tarn_balance_release_regex(struct tarn_groups *groups, struct tarn_group *group, const char *pattern);
struct tarn_balance_regex *tarn_balance_find_regex(const struct tarn_balance *balance, const char *pattern);

/* All that members read, by name or expression; to be released. */
void tarn_balance_read_names(const struct tarn_balance *balance, struct tarn_names *names);
bool tarn_names_have(const struct tarn_names *names, const char *name);

/* Computes who shall own what; the epoch is then the target's too. */
void tarn_balance_assign(struct tarn_groups *groups, struct tarn_group *group);
/* Takes the member as far towards its target as others allow; `owned` NULL: it has not said what it owns. */
void tarn_balance_reconcile(struct tarn_groups *groups, struct tarn_group *group, struct tarn_balance_member *member,
			    const struct tarn_parts *owned, int64_t now_ms);

#endif
