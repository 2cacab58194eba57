#include "stream/broker/balance.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/balance_assign.h"
#include "stream/broker/balance_inside.h"

/* ---- names and topics ---- */

void tarn_names_release(struct tarn_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct tarn_names){ 0 };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void tarn_names_copy(struct tarn_names *to, const char *const *from, size_t n)
{
	tarn_names_release(to);
	to->items = tarn_calloc(n + 1, sizeof(*to->items));
	for (size_t i = 0; i < n; i++)
		to->items[i] = tarn_strdup(from[i]);
	qsort(to->items, n, sizeof(*to->items), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (to->n && !strcmp(to->items[to->n - 1], to->items[i]))
			free(to->items[i]);
		else
			to->items[to->n++] = to->items[i];
	}
}

bool tarn_names_have(const struct tarn_names *names, const char *name)
{
	return names->n && bsearch(&name, names->items, names->n, sizeof(*names->items), compare_names);
}

void tarn_balance_topics_release(struct tarn_balance_topics *topics)
{
	for (size_t i = 0; i < topics->n; i++)
		free(topics->items[i].name);
	free(topics->items);
	*topics = (struct tarn_balance_topics){ 0 };
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(&((const struct tarn_balance_topic *)a)->id, &((const struct tarn_balance_topic *)b)->id,
		      sizeof(struct tarn_uuid));
}

void tarn_balance_sort_topics(struct tarn_balance_topics *topics)
{
	if (topics->n)
		qsort(topics->items, topics->n, sizeof(*topics->items), compare_ids);
}

const char *tarn_balance_topic_name(const struct tarn_balance *balance, const struct tarn_uuid *id)
{
	const struct tarn_balance_topics *topics = &balance->subscribed;
	const struct tarn_balance_topic key = { .id = *id };
	const struct tarn_balance_topic *found =
		topics->n ? bsearch(&key, topics->items, topics->n, sizeof(key), compare_ids) : NULL;
	return found ? found->name : NULL;
}

/* ---- members ---- */

static void free_member(struct tarn_balance_member *member)
{
	free(member->id);
	free(member->client_id);
	free(member->client_host);
	free(member->instance_id);
	free(member->rack_id);
	free(member->assignor);
	free(member->regex);
	tarn_names_release(&member->topics);
	tarn_parts_release(&member->assigned);
	tarn_parts_release(&member->revoking);
	tarn_parts_release(&member->target);
	free(member);
}

static size_t place_of(const struct tarn_balance *balance, const char *id)
{
	size_t low = 0, high = balance->n_members;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (strcmp(balance->members[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct tarn_balance_member *tarn_balance_find(const struct tarn_balance *balance, const char *id)
{
	const size_t at = place_of(balance, id);
	return at < balance->n_members && !strcmp(balance->members[at]->id, id) ? balance->members[at] : NULL;
}

struct tarn_balance_member *tarn_balance_find_instance(const struct tarn_balance *balance, const char *instance_id)
{
	for (size_t i = 0; i < balance->n_members; i++)
		if (balance->members[i]->instance_id && !strcmp(balance->members[i]->instance_id, instance_id))
			return balance->members[i];
	return NULL;
}

static void put_in(struct tarn_balance *balance, struct tarn_balance_member *member)
{
	const size_t at = place_of(balance, member->id);
	balance->members = tarn_grow(balance->members, &balance->members_cap, balance->n_members + 1, sizeof(member));
	memmove(balance->members + at + 1, balance->members + at, (balance->n_members - at) * sizeof(member));
	balance->members[at] = member;
	balance->n_members++;
}

static void take_out(struct tarn_balance *balance, const struct tarn_balance_member *member)
{
	const size_t at = place_of(balance, member->id);
	balance->n_members--;
	memmove(balance->members + at, balance->members + at + 1, (balance->n_members - at) * sizeof(member));
}

struct tarn_balance_member *tarn_balance_make_member(struct tarn_balance *balance, const char *id)
{
	struct tarn_balance_member *member = tarn_balance_find(balance, id);
	if (member)
		return member;
	member = tarn_calloc(1, sizeof(*member));
	member->id = tarn_strdup(id);
	member->client_id = tarn_strdup("");
	member->client_host = tarn_strdup("");
	member->session_deadline_ms = member->revoke_deadline_ms = TARN_GROUP_NEVER;
	put_in(balance, member);
	return member;
}

void tarn_balance_rename(struct tarn_balance *balance, struct tarn_balance_member *member, const char *id)
{
	take_out(balance, member);
	free(member->id);
	member->id = tarn_strdup(id);
	put_in(balance, member);
}

/* ---- regular expressions ---- */

struct tarn_balance_regex *tarn_balance_find_regex(const struct tarn_balance *balance, const char *pattern)
{
	for (size_t i = 0; i < balance->n_regexes; i++)
		if (!strcmp(balance->regexes[i].pattern, pattern))
			return &balance->regexes[i];
	return NULL;
}

struct tarn_balance_regex *tarn_balance_make_regex(struct tarn_balance *balance, const char *pattern)
{
	struct tarn_balance_regex *regex = tarn_balance_find_regex(balance, pattern);
	if (regex)
		return regex;
	balance->regexes = tarn_grow(balance->regexes, &balance->regexes_cap, balance->n_regexes + 1, sizeof(*regex));
	regex = &balance->regexes[balance->n_regexes++];
	*regex = (struct tarn_balance_regex){ .pattern = tarn_strdup(pattern) };
	return regex;
}

void tarn_balance_drop_regex(struct tarn_balance *balance, const char *pattern)
{
	struct tarn_balance_regex *regex = tarn_balance_find_regex(balance, pattern);
	if (!regex)
		return;
	free(regex->pattern);
	tarn_names_release(&regex->topics);
	*regex = balance->regexes[--balance->n_regexes];
}

void tarn_balance_release_regex(struct tarn_groups *groups, struct tarn_group *group, const char *pattern)
{
	const struct tarn_balance *balance = group->balance;
	for (size_t i = 0; i < balance->n_members; i++)
		if (balance->members[i]->regex && !strcmp(balance->members[i]->regex, pattern))
			return;
	tarn_balance_tell_gone(groups, group, TARN_BALANCE_REGEX, pattern);
	tarn_balance_drop_regex(group->balance, pattern);
}

bool tarn_balance_reads(const struct tarn_balance *balance, const char *topic)
{
	for (size_t i = 0; i < balance->n_members; i++)
		if (tarn_names_have(&balance->members[i]->topics, topic))
			return true;
	for (size_t i = 0; i < balance->n_regexes; i++)
		if (tarn_names_have(&balance->regexes[i].topics, topic))
			return true;
	return false;
}

static void add_names(const char ***all, size_t *n, size_t *cap, const struct tarn_names *names)
{
	*all = tarn_grow(*all, cap, *n + names->n + 1, sizeof(**all));
	for (size_t i = 0; i < names->n; i++)
		(*all)[(*n)++] = names->items[i];
}

void tarn_balance_read_names(const struct tarn_balance *balance, struct tarn_names *names)
{
	const char **all = NULL;
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < balance->n_members; i++)
		add_names(&all, &n, &cap, &balance->members[i]->topics);
	for (size_t i = 0; i < balance->n_regexes; i++)
		add_names(&all, &n, &cap, &balance->regexes[i].topics);
	tarn_names_copy(names, all, n);
	free(all);
}

/* ---- the whole ---- */

struct tarn_balance *tarn_balance_new(void)
{
	return tarn_calloc(1, sizeof(struct tarn_balance));
}

void tarn_balance_free(struct tarn_balance *balance)
{
	if (!balance)
		return;
	for (size_t i = 0; i < balance->n_members; i++)
		free_member(balance->members[i]);
	while (balance->n_regexes)
		tarn_balance_drop_regex(balance, balance->regexes[0].pattern);
	tarn_balance_topics_release(&balance->subscribed);
	free(balance->members);
	free(balance->regexes);
	free(balance);
}

const char *tarn_balance_state_name(const struct tarn_balance *balance)
{
	if (!balance->n_members)
		return "Empty";
	if (balance->epoch > balance->target_epoch)
		return "Assigning";
	for (size_t i = 0; i < balance->n_members; i++)
		if (balance->members[i]->state != TARN_BALANCE_STABLE ||
		    balance->members[i]->epoch != balance->target_epoch)
			return "Reconciling";
	return "Stable";
}

const char *tarn_balance_assignor_name(const struct tarn_balance *balance)
{
	size_t votes[TARN_N_ASSIGNORS] = { 0 };
	int best = 0;
	for (size_t i = 0; i < balance->n_members; i++) {
		const char *name = balance->members[i]->assignor;
		const int assignor = name ? tarn_assignor_find(name) : -1;
		if (assignor >= 0)
			votes[assignor]++;
	}
	for (int i = 1; i < TARN_N_ASSIGNORS; i++)
		best = votes[i] > votes[best] ? i : best;
	return tarn_assignors[best].name;
}

/* ---- telling ---- */

static void tell(struct tarn_groups *groups, const struct tarn_group *group, const struct tarn_balance_change *change)
{
	if (groups->outputs.change)
		groups->outputs.change(groups->outputs.context, group, change);
}

void tarn_balance_tell(struct tarn_groups *groups, const struct tarn_group *group, enum tarn_balance_record record)
{
	tell(groups, group, &(struct tarn_balance_change){ .record = record });
}

void tarn_balance_tell_gone(struct tarn_groups *groups, const struct tarn_group *group, enum tarn_balance_record record,
			    const char *name)
{
	tell(groups, group, &(struct tarn_balance_change){ .record = record, .name = name, .is_gone = true });
}

void tarn_balance_tell_member(struct tarn_groups *groups, const struct tarn_group *group,
			      enum tarn_balance_record record, const struct tarn_balance_member *member)
{
	tell(groups, group, &(struct tarn_balance_change){ .record = record, .name = member->id, .member = member });
}

void tarn_balance_tell_regex(struct tarn_groups *groups, const struct tarn_group *group,
			     const struct tarn_balance_regex *regex)
{
	tell(groups, group,
	     &(struct tarn_balance_change){ .record = TARN_BALANCE_REGEX, .name = regex->pattern, .regex = regex });
}

/* ---- leaving ---- */

static void tell_member_gone(struct tarn_groups *groups, const struct tarn_group *group, const char *id)
{
	tarn_balance_tell_gone(groups, group, TARN_BALANCE_CURRENT, id);
	tarn_balance_tell_gone(groups, group, TARN_BALANCE_TARGET, id);
	tarn_balance_tell_gone(groups, group, TARN_BALANCE_MEMBER, id);
}

void tarn_balance_remove(struct tarn_groups *groups, struct tarn_group *group, struct tarn_balance_member *member)
{
	struct tarn_balance *balance = group->balance;
	tell_member_gone(groups, group, member->id);
	take_out(balance, member);
	if (member->regex)
		tarn_balance_release_regex(groups, group, member->regex);
	free_member(member);
	balance->subscribed.version = 0; /* the next heartbeat looks what is read now */
	balance->epoch++;
	tarn_balance_tell(groups, group, TARN_BALANCE_EPOCH);
}

void tarn_balance_end(struct tarn_groups *groups, struct tarn_group *group)
{
	tarn_balance_tell_gone(groups, group, TARN_BALANCE_TARGET_EPOCH, NULL);
	tarn_balance_tell_gone(groups, group, TARN_BALANCE_TOPICS, NULL);
	tarn_balance_tell_gone(groups, group, TARN_BALANCE_EPOCH, NULL);
	tarn_balance_free(group->balance);
	group->balance = NULL;
}

static int64_t due_ms(const struct tarn_balance_member *member)
{
	return member->session_deadline_ms < member->revoke_deadline_ms ? member->session_deadline_ms
									: member->revoke_deadline_ms;
}

void tarn_balance_tick(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	struct tarn_balance *balance = group->balance;
	group->wake_ms = TARN_GROUP_NEVER;
	for (size_t i = balance->n_members; i-- > 0;) {
		const int64_t due = due_ms(balance->members[i]);
		if (due <= now_ms)
			tarn_balance_remove(groups, group, balance->members[i]);
		else if (due < group->wake_ms)
			group->wake_ms = due;
	}
}

/* ---- offsets ---- */

int16_t tarn_balance_may_commit(const struct tarn_balance *balance, const struct tarn_group_claim *claim)
{
	if (claim->generation < 0 && !balance->n_members)
		return TARN_KAFKA_NONE;
	const struct tarn_balance_member *member = tarn_balance_find(balance, claim->member_id);
	if (!member)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	if (claim->transactional)
		return claim->generation == member->epoch ? TARN_KAFKA_NONE : TARN_KAFKA_ILLEGAL_GENERATION;
	/* Older versions cannot say STALE_MEMBER_EPOCH. */
	if (claim->version < 9)
		return TARN_KAFKA_UNSUPPORTED_VERSION;
	return claim->generation == member->epoch ? TARN_KAFKA_NONE : TARN_KAFKA_STALE_MEMBER_EPOCH;
}

int16_t tarn_balance_may_fetch(const struct tarn_balance *balance, const char *member_id, int32_t epoch)
{
	if (!member_id && epoch < 0)
		return TARN_KAFKA_NONE;
	const struct tarn_balance_member *member = member_id ? tarn_balance_find(balance, member_id) : NULL;
	if (!member)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	return epoch == member->epoch ? TARN_KAFKA_NONE : TARN_KAFKA_STALE_MEMBER_EPOCH;
}

/* ---- loading ---- */

bool tarn_balance_loaded(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	struct tarn_balance *balance = group->balance;
	for (size_t i = balance->n_members; i-- > 0;) {
		struct tarn_balance_member *member = balance->members[i];
		if (!member->is_subscribed) {
			take_out(balance, member);
			free_member(member);
			continue;
		}
		member->session_deadline_ms = now_ms + tarn_group_times_of(groups, group->id).session_ms;
		if (member->state == TARN_BALANCE_UNREVOKED)
			member->revoke_deadline_ms = now_ms + member->rebalance_ms;
		tarn_group_wake_at(groups, group, due_ms(member));
	}
	return balance->is_known;
}
