/* ConsumerGroupHeartbeat: who it comes from, what changed, and what the member may have now. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "stream/broker/balance_assign.h"
#include "stream/broker/balance_inside.h"
#include "stream/broker/balance_regex.h"

struct beat {
	struct tarn_groups *groups;
	struct tarn_group *group; /* NULL: is to be made */
	int64_t now_ms;
	const struct tarn_consumer_group_heartbeat_request *request;
	const struct tarn_balance_client *client;
	struct tarn_balance_answer *answer;
	struct tarn_balance_member *member; /* NULL: is to be made */
	struct tarn_parts owned;
	bool joins;
};

static int16_t refuse(const struct beat *beat, int16_t error, const char *message)
{
	beat->answer->message = message;
	return error;
}

/* ---- the request itself ---- */

static bool is_empty(const char *text)
{
	return text && !*text;
}

static int16_t check_join(const struct beat *beat)
{
	const struct tarn_consumer_group_heartbeat_request *request = beat->request;
	if (beat->client->version >= 1 && !*request->member_id)
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "a member makes its own id from version 1 on");
	if (request->rebalance_timeout_ms == -1)
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "who joins must give its rebalance timeout");
	if (!request->topic_partitions || request->n_topic_partitions)
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "who joins must say that it owns no partitions");
	if (!request->subscribed_topic_names && !request->subscribed_topic_regex)
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "who joins must say which topics it reads");
	return TARN_KAFKA_NONE;
}

static int16_t check_request(const struct beat *beat)
{
	const struct tarn_consumer_group_heartbeat_request *request = beat->request;
	if (!*request->group_id || is_empty(request->instance_id) || is_empty(request->rack_id))
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "group, instance and rack are left out or not empty");
	if (request->member_epoch < TARN_BALANCE_LEAVES_FOR_A_WHILE)
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "there is no such member epoch");
	if (!beat->joins && !*request->member_id)
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "a member that has joined must give its id");
	if (request->member_epoch == TARN_BALANCE_LEAVES_FOR_A_WHILE && !request->instance_id)
		return refuse(beat, TARN_KAFKA_INVALID_REQUEST, "only a static member leaves for a while");
	const int16_t error = beat->joins ? check_join(beat) : TARN_KAFKA_NONE;
	if (error)
		return error;
	if (request->server_assignor && tarn_assignor_find(request->server_assignor) < 0)
		return refuse(beat, TARN_KAFKA_UNSUPPORTED_ASSIGNOR, "the assignors are uniform and range");
	if (request->subscribed_topic_regex && *request->subscribed_topic_regex) {
		const char *reason;
		struct tarn_topic_regex *regex = tarn_topic_regex_new(request->subscribed_topic_regex, &reason);
		if (!regex)
			return refuse(beat, TARN_KAFKA_INVALID_REGULAR_EXPRESSION, reason);
		tarn_topic_regex_free(regex);
	}
	return TARN_KAFKA_NONE;
}

/* ---- who it comes from ---- */

static int16_t check_group(const struct beat *beat)
{
	const struct tarn_group *group = beat->group;
	if (!group || (!group->balance && tarn_group_is_empty(group)))
		return beat->joins ? TARN_KAFKA_NONE : TARN_KAFKA_GROUP_ID_NOT_FOUND;
	if (!group->balance)
		return refuse(beat, TARN_KAFKA_GROUP_ID_NOT_FOUND,
			      "the group has members that use the classic protocol");
	return TARN_KAFKA_NONE;
}

/* A member may be one epoch behind, as the answer that told it of its new one may have been lost. */
static int16_t check_epoch(const struct beat *beat)
{
	const struct tarn_balance_member *member = beat->member;
	const int32_t epoch = beat->request->member_epoch;
	if (beat->joins || epoch == member->epoch)
		return TARN_KAFKA_NONE;
	const bool knows_no_better = epoch < member->epoch && epoch == member->previous_epoch &&
				     beat->request->topic_partitions &&
				     tarn_parts_within(&beat->owned, &member->assigned);
	return knows_no_better ? TARN_KAFKA_NONE : TARN_KAFKA_FENCED_MEMBER_EPOCH;
}

static int16_t find_static(struct beat *beat)
{
	const struct tarn_balance *balance = beat->group->balance;
	const char *id = beat->request->member_id;
	struct tarn_balance_member *bearer = tarn_balance_find_instance(balance, beat->request->instance_id);
	if (!bearer) {
		beat->member = beat->joins ? tarn_balance_find(balance, id) : NULL;
		return beat->joins ? TARN_KAFKA_NONE : TARN_KAFKA_UNKNOWN_MEMBER_ID;
	}
	if (beat->joins && strcmp(bearer->id, id) != 0 && bearer->epoch != TARN_BALANCE_LEAVES_FOR_A_WHILE)
		return TARN_KAFKA_UNRELEASED_INSTANCE_ID;
	if (!beat->joins && strcmp(bearer->id, id) != 0)
		return TARN_KAFKA_FENCED_INSTANCE_ID;
	beat->member = bearer;
	return TARN_KAFKA_NONE;
}

static int16_t find_member(struct beat *beat)
{
	if (!beat->group || !beat->group->balance)
		return TARN_KAFKA_NONE;
	if (beat->request->instance_id) {
		const int16_t error = find_static(beat);
		if (error)
			return error;
	} else {
		beat->member = tarn_balance_find(beat->group->balance, beat->request->member_id);
	}
	if (!beat->member && !beat->joins)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	if (!beat->member && beat->group->balance->n_members >= beat->groups->limits.most_members)
		return TARN_KAFKA_GROUP_MAX_SIZE_REACHED;
	return beat->member && beat->request->member_epoch > 0 ? check_epoch(beat) : TARN_KAFKA_NONE;
}

/* ---- leaving ---- */

static void leave(const struct beat *beat)
{
	struct tarn_balance_member *member = beat->member;
	beat->answer->epoch = beat->request->member_epoch;
	if (beat->request->member_epoch == TARN_BALANCE_LEAVES) {
		tarn_balance_remove(beat->groups, beat->group, member);
		return;
	}
	/* It keeps what it owns until its session ends, for whoever comes with its instance id. */
	member->epoch = TARN_BALANCE_LEAVES_FOR_A_WHILE;
	member->revoke_deadline_ms = TARN_GROUP_NEVER;
	tarn_parts_release(&member->revoking);
	tarn_balance_tell_member(beat->groups, beat->group, TARN_BALANCE_CURRENT, member);
}

/* ---- joining ---- */

/* The group is there and of this protocol afterwards. */
static void make_group(struct beat *beat)
{
	struct tarn_group *group = tarn_groups_make(beat->groups, beat->now_ms, beat->request->group_id);
	beat->group = group;
	if (group->balance)
		return;
	if (group->generation || group->protocol_type)
		tarn_balance_tell_gone(beat->groups, group, TARN_BALANCE_CLASSIC, NULL);
	free(group->protocol_type);
	free(group->protocol);
	group->protocol_type = group->protocol = NULL;
	group->generation = 0;
	group->balance = tarn_balance_new();
	group->balance->is_known = true;
}

/* The new self of a static member takes the place, and what it owns, of the former one. */
static void come_back(const struct beat *beat)
{
	struct tarn_balance_member *member = beat->member;
	struct tarn_groups *groups = beat->groups;
	if (strcmp(member->id, beat->request->member_id) != 0) {
		tarn_balance_tell_gone(groups, beat->group, TARN_BALANCE_CURRENT, member->id);
		tarn_balance_tell_gone(groups, beat->group, TARN_BALANCE_TARGET, member->id);
		tarn_balance_tell_gone(groups, beat->group, TARN_BALANCE_MEMBER, member->id);
		tarn_balance_rename(beat->group->balance, member, beat->request->member_id);
		tarn_balance_tell_member(groups, beat->group, TARN_BALANCE_MEMBER, member);
		tarn_balance_tell_member(groups, beat->group, TARN_BALANCE_TARGET, member);
	}
	member->epoch = member->previous_epoch = 0;
	tarn_balance_tell_member(groups, beat->group, TARN_BALANCE_CURRENT, member);
}

static void make_member(struct beat *beat)
{
	char uuid[TARN_UUID_SIZE];
	const char *id = beat->request->member_id;
	if (!*id) {
		tarn_uuid(uuid);
		id = uuid;
	}
	beat->member = tarn_balance_make_member(beat->group->balance, id);
	beat->member->is_subscribed = true;
}

/* ---- what the member says of itself ---- */

/* Whether `given` is something new; NULL says nothing. */
static bool update_text(char **kept, const char *given)
{
	if (!given || (*kept && !strcmp(*kept, given)))
		return false;
	free(*kept);
	*kept = tarn_strdup(given);
	return true;
}

static bool update_names(struct tarn_names *kept, const char *const *given, size_t n)
{
	struct tarn_names names = { 0 };
	if (!given)
		return false;
	tarn_names_copy(&names, given, n);
	bool same = names.n == kept->n;
	for (size_t i = 0; same && i < names.n; i++)
		same = !strcmp(names.items[i], kept->items[i]);
	if (same) {
		tarn_names_release(&names);
		return false;
	}
	tarn_names_release(kept);
	*kept = names;
	return true;
}

static bool update_regex(const struct beat *beat)
{
	const char *given = beat->request->subscribed_topic_regex;
	char *former = beat->member->regex;
	if (!given || (former ? !strcmp(former, given) : !*given))
		return false;
	beat->member->regex = *given ? tarn_strdup(given) : NULL;
	if (former)
		tarn_balance_release_regex(beat->groups, beat->group, former);
	free(former);
	return true;
}

/* Whether the member reads other topics than before. */
static bool update_member(const struct beat *beat, bool is_new)
{
	const struct tarn_consumer_group_heartbeat_request *request = beat->request;
	struct tarn_balance_member *member = beat->member;
	bool reads_others = update_names(&member->topics, (const char *const *)request->subscribed_topic_names,
					 request->n_subscribed_topic_names);
	reads_others |= update_regex(beat);
	bool changed = is_new | reads_others;
	changed |= update_text(&member->instance_id, request->instance_id);
	changed |= update_text(&member->rack_id, request->rack_id);
	changed |= update_text(&member->assignor, request->server_assignor);
	changed |= update_text(&member->client_id, beat->client->id);
	changed |= update_text(&member->client_host, beat->client->host);
	if (request->rebalance_timeout_ms != -1 && request->rebalance_timeout_ms != member->rebalance_ms) {
		member->rebalance_ms = request->rebalance_timeout_ms;
		changed = true;
	}
	if (changed)
		tarn_balance_tell_member(beat->groups, beat->group, TARN_BALANCE_MEMBER, member);
	return reads_others;
}

/* ---- what topics there are ---- */

static void resolve_regex(const struct beat *beat)
{
	const struct tarn_balance_topics *topics = beat->client->topics;
	if (!beat->member->regex)
		return;
	const bool is_new = !tarn_balance_find_regex(beat->group->balance, beat->member->regex);
	struct tarn_balance_regex *regex = tarn_balance_make_regex(beat->group->balance, beat->member->regex);
	if (regex->version == topics->version)
		return;
	const char *reason;
	struct tarn_topic_regex *compiled = tarn_topic_regex_new(regex->pattern, &reason);
	const char **names = tarn_calloc(topics->n + 1, sizeof(*names));
	size_t n = 0;
	for (size_t i = 0; compiled && i < topics->n; i++)
		if (tarn_topic_regex_matches(compiled, topics->items[i].name) &&
		    beat->client->may_see(beat->client->context, topics->items[i].name))
			names[n++] = topics->items[i].name;
	regex->version = topics->version;
	if (update_names(&regex->topics, names, n) || is_new) {
		regex->at_ms = beat->now_ms;
		tarn_balance_tell_regex(beat->groups, beat->group, regex);
		beat->group->balance->subscribed.version = 0;
	}
	tarn_topic_regex_free(compiled);
	free(names);
}

static bool same_topics(const struct tarn_balance_topics *a, const struct tarn_balance_topics *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++)
		same = !memcmp(&a->items[i].id, &b->items[i].id, sizeof(struct tarn_uuid)) &&
		       a->items[i].partitions == b->items[i].partitions;
	return same;
}

/* Whether the topics that the group reads are others, or have other partitions, than its epoch was made for. */
static bool look_at_topics(const struct beat *beat)
{
	struct tarn_balance *balance = beat->group->balance;
	const struct tarn_balance_topics *all = beat->client->topics;
	if (balance->subscribed.version == all->version)
		return false;
	struct tarn_balance_topics now = { tarn_calloc(all->n + 1, sizeof(*now.items)), 0, all->version };
	struct tarn_names read = { 0 };
	tarn_balance_read_names(balance, &read);
	for (size_t i = 0; i < all->n; i++)
		if (tarn_names_have(&read, all->items[i].name)) {
			now.items[now.n] = all->items[i];
			now.items[now.n++].name = tarn_strdup(all->items[i].name);
		}
	tarn_names_release(&read);
	tarn_balance_sort_topics(&now);
	const bool same = same_topics(&balance->subscribed, &now);
	tarn_balance_topics_release(&balance->subscribed);
	balance->subscribed = now;
	if (!same)
		tarn_balance_tell(beat->groups, beat->group, TARN_BALANCE_TOPICS);
	return !same;
}

/* ---- all of it ---- */

static void go_on(const struct beat *beat, bool is_new)
{
	struct tarn_balance *balance = beat->group->balance;
	struct tarn_balance_member *member = beat->member;
	const struct tarn_consumer_group_heartbeat_request *request = beat->request;
	const struct tarn_group_times times = tarn_group_times_of(beat->groups, beat->group->id);
	struct tarn_parts before = { 0 };
	bool is_due = update_member(beat, is_new) || is_new;
	if (is_due)
		balance->subscribed.version = 0;
	resolve_regex(beat);
	is_due |= look_at_topics(beat);
	if (is_due) {
		balance->epoch++;
		tarn_balance_tell(beat->groups, beat->group, TARN_BALANCE_EPOCH);
	}
	if (balance->epoch > balance->target_epoch)
		tarn_balance_assign(beat->groups, beat->group);
	tarn_parts_copy(&before, &member->assigned);
	/* Who joins owns nothing. */
	tarn_balance_reconcile(beat->groups, beat->group, member, request->topic_partitions ? &beat->owned : NULL,
			       beat->now_ms);
	member->session_deadline_ms = beat->now_ms + times.session_ms;
	tarn_group_wake_at(beat->groups, beat->group, member->session_deadline_ms);

	const bool says_all = request->rebalance_timeout_ms != -1 && request->topic_partitions &&
			      (request->subscribed_topic_names || request->subscribed_topic_regex);
	beat->answer->member = member;
	beat->answer->epoch = member->epoch;
	beat->answer->heartbeat_ms = times.heartbeat_ms;
	beat->answer->has_assignment = beat->joins || says_all || !tarn_parts_equal(&before, &member->assigned);
	tarn_parts_release(&before);
}

static int16_t check(struct beat *beat)
{
	int16_t error = check_request(beat);
	if (!error)
		error = check_group(beat);
	if (!error)
		error = find_member(beat);
	return error;
}

void tarn_groups_balance(struct tarn_groups *groups, int64_t now_ms,
			 const struct tarn_consumer_group_heartbeat_request *request,
			 const struct tarn_balance_client *client, struct tarn_balance_answer *answer)
{
	struct beat beat = { .groups = groups,
			     .group = tarn_groups_find(groups, request->group_id),
			     .now_ms = now_ms,
			     .request = request,
			     .client = client,
			     .answer = answer,
			     .joins = request->member_epoch == TARN_BALANCE_JOINS };
	*answer = (struct tarn_balance_answer){ 0 };
	tarn_parts_read(request->topic_partitions, request->n_topic_partitions, &beat.owned);
	answer->error = check(&beat);
	if (!answer->error && request->member_epoch < 0) {
		leave(&beat);
	} else if (!answer->error) {
		const bool is_new = !beat.member;
		if (beat.joins)
			make_group(&beat);
		if (is_new)
			make_member(&beat);
		else if (beat.joins && beat.member->epoch == TARN_BALANCE_LEAVES_FOR_A_WHILE)
			come_back(&beat);
		go_on(&beat, is_new);
	}
	tarn_parts_release(&beat.owned);
}
