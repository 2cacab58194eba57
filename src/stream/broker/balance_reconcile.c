/* From what members own to what they shall own. */
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/balance_assign.h"
#include "stream/broker/balance_inside.h"

/* ---- the target ---- */

static int compare_places(const void *a, const void *b)
{
	const size_t left = *(const size_t *)a, right = *(const size_t *)b;
	return (left > right) - (left < right);
}

static int compare_named(const void *key, const void *item)
{
	return strcmp(key, (*(const struct tarn_balance_topic *const *)item)->name);
}

static int compare_topics(const void *a, const void *b)
{
	return strcmp((*(const struct tarn_balance_topic *const *)a)->name,
		      (*(const struct tarn_balance_topic *const *)b)->name);
}

/* What the members read as places in balance->subscribed. */
struct subscriptions {
	const struct tarn_balance *balance;
	const struct tarn_balance_topic **by_name;
};

static size_t add_places(const struct subscriptions *s, const struct tarn_names *names, size_t *places, size_t n)
{
	const struct tarn_balance_topics *subscribed = &s->balance->subscribed;
	for (size_t i = 0; i < names->n; i++) {
		const struct tarn_balance_topic **found = subscribed->n
								  ? bsearch(names->items[i], s->by_name, subscribed->n,
									    sizeof(*s->by_name), compare_named)
								  : NULL;
		if (found)
			places[n++] = (size_t)(*found - subscribed->items);
	}
	return n;
}

static size_t *places_of(const struct subscriptions *s, const struct tarn_balance_member *member, size_t *n)
{
	const struct tarn_balance_regex *regex =
		member->regex ? tarn_balance_find_regex(s->balance, member->regex) : NULL;
	size_t *places = tarn_calloc(member->topics.n + (regex ? regex->topics.n : 0) + 1, sizeof(*places));
	size_t all = add_places(s, &member->topics, places, 0), kept = 0;
	if (regex)
		all = add_places(s, &regex->topics, places, all);
	qsort(places, all, sizeof(*places), compare_places);
	for (size_t i = 0; i < all; i++)
		if (!kept || places[kept - 1] != places[i])
			places[kept++] = places[i];
	*n = kept;
	return places;
}

static struct tarn_assign_member *describe_members(const struct tarn_balance *balance)
{
	struct subscriptions s = { balance, tarn_calloc(balance->subscribed.n + 1, sizeof(*s.by_name)) };
	struct tarn_assign_member *members = tarn_calloc(balance->n_members + 1, sizeof(*members));
	for (size_t i = 0; i < balance->subscribed.n; i++)
		s.by_name[i] = &balance->subscribed.items[i];
	qsort(s.by_name, balance->subscribed.n, sizeof(*s.by_name), compare_topics);
	for (size_t i = 0; i < balance->n_members; i++) {
		const struct tarn_balance_member *member = balance->members[i];
		members[i] = (struct tarn_assign_member){ .id = member->id,
							  .instance_id = member->instance_id,
							  .before = &member->target };
		members[i].topics = places_of(&s, member, &members[i].n_topics);
	}
	free(s.by_name);
	return members;
}

void tarn_balance_assign(struct tarn_groups *groups, struct tarn_group *group)
{
	struct tarn_balance *balance = group->balance;
	const struct tarn_balance_topics *subscribed = &balance->subscribed;
	struct tarn_assign_member *members = describe_members(balance);
	struct tarn_assign_topic *topics = tarn_calloc(subscribed->n + 1, sizeof(*topics));
	for (size_t i = 0; i < subscribed->n; i++)
		topics[i] = (struct tarn_assign_topic){ subscribed->items[i].id, subscribed->items[i].partitions };
	const int assignor = tarn_assignor_find(tarn_balance_assignor_name(balance));
	tarn_assignors[assignor].assign(topics, subscribed->n, members, balance->n_members);
	for (size_t i = 0; i < balance->n_members; i++) {
		struct tarn_balance_member *member = tarn_balance_find(balance, members[i].id);
		free((size_t *)(uintptr_t)members[i].topics);
		if (tarn_parts_equal(&member->target, &members[i].after)) {
			tarn_parts_release(&members[i].after);
			continue;
		}
		tarn_parts_move(&member->target, &members[i].after);
		tarn_balance_tell_member(groups, group, TARN_BALANCE_TARGET, member);
	}
	balance->target_epoch = balance->epoch;
	tarn_balance_tell(groups, group, TARN_BALANCE_TARGET_EPOCH);
	free(topics);
	free(members);
}

/* ---- towards the target ---- */

static bool is_owned(const struct tarn_balance *balance, const struct tarn_part *part)
{
	for (size_t i = 0; i < balance->n_members; i++)
		if (tarn_parts_has(&balance->members[i]->assigned, part) ||
		    tarn_parts_has(&balance->members[i]->revoking, part))
			return true;
	return false;
}

static bool still_owns(const struct tarn_parts *owned, const struct tarn_parts *revoking)
{
	return revoking->n && (!owned || tarn_parts_meet(owned, revoking));
}

static void set_epoch(struct tarn_balance_member *member, int32_t epoch)
{
	member->previous_epoch = member->epoch;
	member->epoch = epoch;
}

/* Adds what is free of the target; whether some of it is not. */
static bool take_free(const struct tarn_balance *balance, struct tarn_balance_member *member)
{
	struct tarn_parts wanted;
	bool is_short = false;
	tarn_parts_select(&member->target, &member->assigned, false, &wanted);
	for (size_t i = 0; i < wanted.n; i++) {
		if (is_owned(balance, &wanted.items[i]))
			is_short = true;
		else
			tarn_parts_push(&member->assigned, wanted.items[i]);
	}
	tarn_parts_sort(&member->assigned);
	tarn_parts_release(&wanted);
	return is_short;
}

/* `epoch` is the member's where it has to give up more first. */
static void step(const struct tarn_balance *balance, struct tarn_balance_member *member, int32_t epoch,
		 const struct tarn_parts *owned, int64_t now_ms)
{
	struct tarn_parts kept, revoking;
	tarn_parts_select(&member->assigned, &member->target, true, &kept);
	tarn_parts_select(&member->assigned, &kept, false, &revoking);
	tarn_parts_move(&member->assigned, &kept);
	if (still_owns(owned, &revoking)) {
		tarn_parts_move(&member->revoking, &revoking);
		member->state = TARN_BALANCE_UNREVOKED;
		member->revoke_deadline_ms = now_ms + member->rebalance_ms;
		set_epoch(member, epoch);
		return;
	}
	tarn_parts_release(&revoking);
	tarn_parts_release(&member->revoking);
	member->revoke_deadline_ms = TARN_GROUP_NEVER;
	member->state = take_free(balance, member) ? TARN_BALANCE_UNRELEASED : TARN_BALANCE_STABLE;
	set_epoch(member, balance->target_epoch);
}

void tarn_balance_reconcile(struct tarn_groups *groups, struct tarn_group *group, struct tarn_balance_member *member,
			    const struct tarn_parts *owned, int64_t now_ms)
{
	const struct tarn_balance *balance = group->balance;
	const enum tarn_balance_state state = member->state;
	const int32_t epoch = member->epoch;
	const size_t n_assigned = member->assigned.n;
	if (state == TARN_BALANCE_STABLE && epoch == balance->target_epoch)
		return;
	if (state == TARN_BALANCE_UNREVOKED && still_owns(owned, &member->revoking))
		return;
	/* A member that waits for others stays at its epoch, and its former one stays good. */
	const int32_t previous = member->previous_epoch;
	step(balance, member, state == TARN_BALANCE_UNREVOKED ? epoch + 1 : epoch, owned, now_ms);
	if (state == TARN_BALANCE_UNRELEASED && member->state == state && member->epoch == epoch &&
	    member->assigned.n == n_assigned) {
		member->previous_epoch = previous;
		return;
	}
	if (member->revoke_deadline_ms != TARN_GROUP_NEVER)
		tarn_group_wake_at(groups, group, member->revoke_deadline_ms);
	tarn_balance_tell_member(groups, group, TARN_BALANCE_CURRENT, member);
}
