/* Classic groups, as scenarios. The events:
 *
 *   join CALL NAME PROTOCOLS [v=N] [instance=I] [session=MS] [rebalance=MS] [type=T]     without an id a name joins
 * anew sync CALL NAME GENERATION [instance=I] [protocol=P] [MEMBER=ASSIGNMENT ...] heartbeat NAME GENERATION
 * [instance=I] leave NAME [instance=I] commit NAME GENERATION [instance=I] [txn] stored GENERATION ok|failed at MS
 *   state
 *
 * A name stands for the member id that the answer to its join gave; "?x" is the id "x" itself, "-" is none. */
#include "scenario.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/consumer_group.h"
#include "stream/broker/errors.h"

enum { MOST_NAMES = 16 };

struct call {
	char label[16], name[16];
};
struct world {
	struct tarn_groups *groups;
	struct tarn_buf said;
	int64_t now_ms;
	struct {
		char name[16], id[64];
	} names[MOST_NAMES];
	size_t n_names;
	struct call calls[64];
	size_t n_calls;
};

static const char *id_of(struct world *world, const char *name)
{
	if (*name == '?')
		return name + 1;
	for (size_t i = world->n_names; i-- > 0;)
		if (!strcmp(world->names[i].name, name))
			return world->names[i].id;
	return "";
}

static const char *name_of(struct world *world, const char *id)
{
	for (size_t i = world->n_names; i-- > 0;)
		if (!strcmp(world->names[i].id, id))
			return world->names[i].name;
	return *id ? "unknown" : "-";
}

static void bind(struct world *world, const char *name, const char *id)
{
	if (!*id || *name == '?' || !strcmp(id_of(world, name), id))
		return;
	assert_in_range(world->n_names, 0, MOST_NAMES - 1);
	snprintf(world->names[world->n_names].name, sizeof(world->names->name), "%s", name);
	snprintf(world->names[world->n_names++].id, sizeof(world->names->id), "%s", id);
}

static void say_error(struct world *world, int16_t error)
{
	tarn_buf_printf(&world->said, "%s;", error ? tarn_kafka_error_name(error) : "ok");
}

static void say_joined(void *context, void *given, const struct tarn_join_answer *answer)
{
	struct world *world = context;
	const struct call *call = given;
	bind(world, call->name, answer->member_id);
	tarn_buf_printf(&world->said, "%s:", call->label);
	if (answer->error) {
		say_error(world, answer->error);
		return;
	}
	tarn_buf_printf(&world->said, "%d %s %s/%s", answer->generation, answer->protocol_type, answer->protocol,
			name_of(world, answer->leader));
	for (size_t i = 0; answer->members && i < answer->members->n_members; i++) {
		const struct tarn_group_member *member = answer->members->members[i];
		const struct tarn_slice sent = tarn_group_member_metadata(member, answer->protocol);
		tarn_buf_printf(&world->said, "%c%s=%.*s", i ? ',' : ' ', name_of(world, member->id), (int)sent.len,
				(const char *)sent.data);
	}
	tarn_buf_add_str(&world->said, answer->skip_assignment ? " skip;" : ";");
}

static void say_synced(void *context, void *given, const struct tarn_sync_answer *answer)
{
	struct world *world = context;
	tarn_buf_printf(&world->said, "%s:", ((const struct call *)given)->label);
	if (answer->error)
		say_error(world, answer->error);
	else
		tarn_buf_printf(&world->said, "%s '%.*s';", answer->protocol, (int)answer->assignment.len,
				(const char *)answer->assignment.data);
}

static void say_store(void *context, const struct tarn_group *group)
{
	struct world *world = context;
	tarn_buf_printf(&world->said, "store %d:%zu;", group->generation, group->n_members);
}

/* ---- one line of a scenario ---- */

static struct call *new_call(struct world *world, const struct words *words)
{
	struct call *call = &world->calls[world->n_calls++];
	assert_in_range(world->n_calls, 1, 64);
	snprintf(call->label, sizeof(call->label), "%s", words->word[1]);
	snprintf(call->name, sizeof(call->name), "%s", words->word[2]);
	return call;
}

/* "range,sticky": the metadata of a protocol is the caller's name, or what follows its colon. */
static void join(struct world *world, const struct words *words)
{
	struct tarn_join_group_request_protocol protocols[128] = { 0 };
	char list[160];
	snprintf(list, sizeof(list), "%s", words->word[3]);
	size_t n = 0;
	for (char *at = list, *name; (name = strsep(&at, ","));) {
		char *metadata = strchr(name, ':');
		if (metadata)
			*metadata++ = 0;
		if (*name)
			protocols[n++] = (struct tarn_join_group_request_protocol){
				name, tarn_slice_str(metadata ? metadata : words->word[2])
			};
	}
	const struct tarn_join_group_request request = {
		.group_id = "g",
		.session_timeout_ms = atoi(option(words, "session", "10000")),
		.rebalance_timeout_ms = atoi(option(words, "rebalance", "30000")),
		.member_id = id_of(world, words->word[2]),
		.group_instance_id = option(words, "instance", NULL),
		.protocol_type = option(words, "type", "consumer"),
		.protocols = protocols,
		.n_protocols = (size_t)atoi(option(words, "n", "0")) + n,
	};
	for (size_t i = n; i < request.n_protocols; i++)
		protocols[i].name = "another";
	const struct tarn_group_client client = { "client", "/127.0.0.1", (int16_t)atoi(option(words, "v", "2")) };
	struct call *call = new_call(world, words);
	tarn_groups_join(world->groups, world->now_ms, &request, &client, call);
	/* Who has no answer yet is not told its id, but others are. */
	const struct tarn_group *group = tarn_groups_find(world->groups, "g");
	for (size_t i = 0; group && i < group->n_members; i++)
		if (group->members[i]->join_call == call)
			bind(world, call->name, group->members[i]->id);
}

static void sync_group(struct world *world, const struct words *words)
{
	struct tarn_sync_group_request_assignment assignments[MOST_WORDS];
	size_t n = 0;
	char names[MOST_WORDS][16];
	for (size_t i = 4; i < words->n; i++) {
		const char *equals = strchr(words->word[i], '=');
		snprintf(names[n], sizeof(names[n]), "%.*s", (int)(equals - words->word[i]), words->word[i]);
		assignments[n] = (struct tarn_sync_group_request_assignment){ id_of(world, names[n]),
									      tarn_slice_str(equals + 1) };
		n += strcmp(names[n], "instance") && strcmp(names[n], "protocol");
	}
	const struct tarn_sync_group_request request = {
		.group_id = "g",
		.generation_id = atoi(words->word[3]),
		.member_id = id_of(world, words->word[2]),
		.group_instance_id = option(words, "instance", NULL),
		.protocol_name = option(words, "protocol", NULL),
		.assignments = assignments,
		.n_assignments = n,
	};
	tarn_groups_sync(world->groups, world->now_ms, &request, new_call(world, words));
}

static void heartbeat(struct world *world, const struct words *words)
{
	const struct tarn_heartbeat_request request = { "g", atoi(words->word[2]), id_of(world, words->word[1]),
							option(words, "instance", NULL) };
	say_error(world, tarn_groups_heartbeat(world->groups, world->now_ms, &request));
}

static void leave(struct world *world, const struct words *words)
{
	const int16_t error = tarn_groups_leave(world->groups, world->now_ms, "g", id_of(world, words->word[1]),
						option(words, "instance", NULL));
	say_error(world, error);
}

static void commit(struct world *world, const struct words *words)
{
	const struct tarn_group_claim claim = { "g",
						id_of(world, words->word[1]),
						option(words, "instance", NULL),
						atoi(words->word[2]),
						words->n > 3 && !strcmp(words->word[3], "txn"),
						8 };
	struct tarn_group *group = NULL;
	const int16_t error = tarn_groups_may_commit(world->groups, world->now_ms, &claim, &group);
	assert_int_equal(!error, group != NULL);
	say_error(world, error);
}

static void stored(struct world *world, const struct words *words)
{
	tarn_groups_stored(world->groups, world->now_ms, "g", atoi(words->word[1]), !strcmp(words->word[2], "ok"));
}

static void at(struct world *world, const struct words *words)
{
	world->now_ms = atoi(words->word[1]);
	if (tarn_groups_next_ms(world->groups) <= world->now_ms)
		tarn_groups_tick(world->groups, world->now_ms);
	assert_true(tarn_groups_next_ms(world->groups) > world->now_ms);
}

static void state(struct world *world, const struct words *words)
{
	(void)words;
	const struct tarn_group *group = tarn_groups_find(world->groups, "g");
	if (group)
		tarn_buf_printf(&world->said, "%s %d:%zu;", tarn_group_state_name(group->state), group->generation,
				group->n_members);
	else
		tarn_buf_add_str(&world->said, "none;");
}

static const struct event events[] = {
	{ "join", join },   { "sync", sync_group }, { "heartbeat", heartbeat },
	{ "leave", leave }, { "commit", commit },   { "stored", stored },
	{ "at", at },	    { "state", state },
};

static void run_scenario(const char *title, const struct line *lines, int32_t initial_delay_ms)
{
	struct world world = { 0 };
	struct tarn_group_limits limits = TARN_GROUP_LIMITS_DEFAULT;
	limits.initial_delay_ms = initial_delay_ms;
	limits.most_members = 5;
	const struct tarn_group_outputs outputs = {
		.join = say_joined, .sync = say_synced, .store = say_store, .context = &world
	};
	world.groups = tarn_groups_new(&limits, &outputs);
	tarn_buf_init(&world.said, TARN_BUF_DEFAULT_MAX);
	play(title, lines, events, &world, &world.said);
	tarn_buf_release(&world.said);
	tarn_groups_free(world.groups);
}

/* ---- the scenarios ---- */

static const struct line two_members[] = {
	{ "join a1 A range", "a1:1 consumer range/A A=A;" },
	{ "sync a2 A 1 A=all", "store 1:1;" },
	{ "stored 1 ok", "a2:range 'all';" },
	{ "join b1 B range", "" },
	{ "state", "PreparingRebalance 1:2;" },
	{ "heartbeat A 1", "REBALANCE_IN_PROGRESS;" },
	{ "join a3 A range", "a3:2 consumer range/A A=A,B=B;b1:2 consumer range/A;" },
	{ "sync b2 B 2", "" },
	{ "heartbeat A 2", "ok;" },
	{ "commit A 2", "REBALANCE_IN_PROGRESS;" },
	{ "sync a4 A 2 A=left B=right", "store 2:2;" },
	{ "commit A 2", "REBALANCE_IN_PROGRESS;" },
	{ "stored 2 ok", "a4:range 'left';b2:range 'right';" },
	{ "heartbeat B 2", "ok;" },
	{ "heartbeat B 1", "ILLEGAL_GENERATION;" },
	{ "commit B 2", "ok;" },
	{ "sync b3 B 2", "b3:range 'right';" },
	{ "leave A", "ok;" },
	{ "commit B 2", "ok;" },
	{ "heartbeat B 2", "REBALANCE_IN_PROGRESS;" },
	{ "join b4 B range", "b4:3 consumer range/B B=B;" },
	{ "leave B", "store 4:0;ok;" },
	{ "state", "Empty 4:0;" },
	{ "commit ?made-up -1", "ok;" },
	{ "heartbeat B 4", "UNKNOWN_MEMBER_ID;" },
	{ NULL, NULL },
};

static const struct line refusals[] = {
	{ "join a1 A range session=5999", "a1:INVALID_SESSION_TIMEOUT;" },
	{ "join a1 A range session=1800001", "a1:INVALID_SESSION_TIMEOUT;" },
	{ "join a1 ?ghost range", "a1:UNKNOWN_MEMBER_ID;" },
	{ "join a1 - ,", "a1:INCONSISTENT_GROUP_PROTOCOL;" },
	{ "join a1 - range type=", "a1:INCONSISTENT_GROUP_PROTOCOL;" },
	{ "join a1 - range n=100", "a1:INVALID_REQUEST;" },
	{ "state", "none;" },
	{ "sync a1 ?ghost 1", "a1:UNKNOWN_MEMBER_ID;" },
	{ "heartbeat ?ghost 1", "UNKNOWN_MEMBER_ID;" },
	{ "leave ?ghost", "UNKNOWN_MEMBER_ID;" },
	{ "join a2 A range", "a2:1 consumer range/A A=A;" },
	{ "join b1 B sticky", "b1:INCONSISTENT_GROUP_PROTOCOL;" },
	{ "join b1 B range type=connect", "b1:INCONSISTENT_GROUP_PROTOCOL;" },
	{ "join b1 ?ghost range", "b1:UNKNOWN_MEMBER_ID;" },
	{ "sync a3 A 2", "a3:ILLEGAL_GENERATION;" },
	{ "sync a3 A 1 protocol=sticky", "a3:INCONSISTENT_GROUP_PROTOCOL;" },
	{ "sync a3 ?ghost 1", "a3:UNKNOWN_MEMBER_ID;" },
	{ "heartbeat ?ghost 1", "UNKNOWN_MEMBER_ID;" },
	{ "leave ?ghost", "UNKNOWN_MEMBER_ID;" },
	{ "commit ?ghost 1", "UNKNOWN_MEMBER_ID;" },
	{ "commit - -1", "UNKNOWN_MEMBER_ID;" },
	{ "commit - -1 txn", "ok;" },
	{ "commit A -1", "ILLEGAL_GENERATION;" },
	{ NULL, NULL },
};

static const struct line too_many[] = {
	{ "join a A range v=4", "a:MEMBER_ID_REQUIRED;" },
	{ "join b B range", "" },
	{ "join c C range", "" },
	{ "join d D range", "" },
	{ "join e E range", "" },
	{ "join f F range", "f:GROUP_MAX_SIZE_REACHED;" },
	{ "join a A range", "b:1 consumer range/B B=B,C=C,D=D,E=E,A=A;c:1 consumer range/B;d:1 consumer range/B;"
			    "e:1 consumer range/B;a:1 consumer range/B;" },
	{ NULL, NULL },
};

/* KIP-394: the id is given first, and a rebalance waits for who has one. */
static const struct line ids_first[] = {
	{ "join a1 A range v=4", "a1:MEMBER_ID_REQUIRED;" },
	{ "state", "Empty 0:0;" },
	{ "heartbeat A 0", "UNKNOWN_MEMBER_ID;" },
	{ "join b1 B range v=3", "" },
	{ "join a2 A range v=4", "b1:1 consumer range/B B=B,A=A;a2:1 consumer range/B;" },
	{ "join c1 C range v=5", "c1:MEMBER_ID_REQUIRED;" },
	{ "leave C", "ok;" },
	{ "join c2 C range v=5", "c2:UNKNOWN_MEMBER_ID;" },
	{ "join d1 D range v=5 session=6000", "d1:MEMBER_ID_REQUIRED;" },
	{ "leave B", "ok;" },
	{ "join a3 A range v=5", "" },
	{ "at 5999", "" },
	{ "at 6000", "a3:2 consumer range/A A=A;" },
	{ "join d2 D range v=5", "d2:UNKNOWN_MEMBER_ID;" },
	{ NULL, NULL },
};

static const struct line votes[] = {
	{ "join a1 A range,sticky", "a1:1 consumer range/A A=A;" },
	{ "join b1 B sticky,range", "" },
	{ "join c1 C sticky,cooperative,range", "" },
	{ "join a2 A range:x,sticky:y",
	  "a2:2 consumer sticky/A A=y,B=B,C=C;b1:2 consumer sticky/A;c1:2 consumer sticky/A;" },
	{ NULL, NULL },
};

/* A member whose answer was lost asks for the same again, and gets it without a new generation. */
static const struct line lost_answers[] = {
	{ "join a1 A range", "a1:1 consumer range/A A=A;" },
	{ "join b1 B range", "" },
	{ "join b2 B range", "b1:REBALANCE_IN_PROGRESS;" },
	{ "join a2 A range", "a2:2 consumer range/A A=A,B=B;b2:2 consumer range/A;" },
	{ "join b3 B range", "b3:2 consumer range/A;" },
	{ "join a3 A range", "a3:2 consumer range/A A=A,B=B;" },
	{ "sync b4 B 2", "" },
	{ "sync b5 B 2", "b4:REBALANCE_IN_PROGRESS;" },
	{ "sync a4 A 2 A=1 B=2", "store 2:2;" },
	{ "stored 2 ok", "a4:range '1';b5:range '2';" },
	{ "join b6 B range", "b6:2 consumer range/A;" },
	{ "state", "Stable 2:2;" },
	{ "join b7 B range:other", "" },
	{ "state", "PreparingRebalance 2:2;" },
	{ "sync a5 A 2", "a5:REBALANCE_IN_PROGRESS;" },
	{ "join a6 A range", "a6:3 consumer range/A A=A,B=other;b7:3 consumer range/A;" },
	{ "sync a7 A 3 A=3", "store 3:2;" },
	{ "stored 3 ok", "a7:range '3';" },
	{ "sync b8 B 3", "b8:range '';" },
	{ "join a8 A range", "" }, /* a leader that joins again asks for a new assignment */
	{ "state", "PreparingRebalance 3:2;" },
	{ NULL, NULL },
};

static const struct line sessions[] = {
	{ "join a1 A range session=10000", "a1:1 consumer range/A A=A;" },
	{ "sync a2 A 1 A=all", "store 1:1;" },
	{ "stored 1 ok", "a2:range 'all';" },
	{ "at 9999", "" },
	{ "heartbeat A 1", "ok;" },
	{ "at 19998", "" },
	{ "commit A 1", "ok;" }, /* a sign of life as well */
	{ "at 29997", "" },
	{ "at 29998", "store 2:0;" },
	{ "commit A 1", "UNKNOWN_MEMBER_ID;" },
	{ "heartbeat A 1", "UNKNOWN_MEMBER_ID;" },
	{ "join a3 A range", "a3:UNKNOWN_MEMBER_ID;" },
	{ NULL, NULL },
};

/* While a join or sync waits there is nothing to send; the rebalance timeout ends the waiting. */
static const struct line timeouts[] = {
	{ "join a1 A range rebalance=30000", "a1:1 consumer range/A A=A;" },
	{ "sync a2 A 1 A=all", "store 1:1;" },
	{ "stored 1 ok", "a2:range 'all';" },
	{ "join b1 B range rebalance=20000", "" },
	{ "at 9000", "" },
	{ "heartbeat A 1", "REBALANCE_IN_PROGRESS;" },
	{ "at 18000", "" },
	{ "heartbeat A 1", "REBALANCE_IN_PROGRESS;" },
	{ "at 27000", "" },
	{ "heartbeat A 1", "REBALANCE_IN_PROGRESS;" },
	{ "at 29999", "" },
	{ "at 30000", "b1:2 consumer range/B B=B;" }, /* the longest of those that were asked to join */
	{ "heartbeat A 1", "UNKNOWN_MEMBER_ID;" },
	{ "join c1 C range rebalance=20000", "" },
	{ "join b2 B range rebalance=20000", "b2:3 consumer range/B B=B,C=C;c1:3 consumer range/B;" },
	{ "sync c2 C 3", "" },
	{ "at 39000", "" },
	{ "heartbeat B 3", "ok;" }, /* alive, and never assigns */
	{ "at 48000", "" },
	{ "heartbeat B 3", "ok;" },
	{ "at 50000", "c2:REBALANCE_IN_PROGRESS;" },
	{ "heartbeat C 3", "REBALANCE_IN_PROGRESS;" },
	{ "join c3 C range", "c3:4 consumer range/C C=C;" },
	{ NULL, NULL },
};

static const struct line leader_lost[] = {
	{ "join a1 A range", "a1:1 consumer range/A A=A;" },
	{ "join b1 B range", "" },
	{ "join a2 A range", "a2:2 consumer range/A A=A,B=B;b1:2 consumer range/A;" },
	{ "sync b2 B 2", "" },
	{ "leave A", "b2:REBALANCE_IN_PROGRESS;ok;" },
	{ "join b3 B range", "b3:3 consumer range/B B=B;" },
	{ "sync b4 B 3 B=all", "store 3:1;" },
	{ "join c1 C range", "b4:REBALANCE_IN_PROGRESS;" },
	{ "stored 3 ok", "" }, /* of a generation that is over */
	{ "state", "PreparingRebalance 3:2;" },
	{ "leave B", "c1:4 consumer range/C C=C;ok;" },
	{ "stored 3 ok", "" },
	{ "state", "CompletingRebalance 4:1;" },
	{ NULL, NULL },
};

static const struct line disk_refuses[] = {
	{ "join a1 A range", "a1:1 consumer range/A A=A;" },
	{ "sync a2 A 1 A=all", "store 1:1;" },
	{ "stored 1 failed", "a2:COORDINATOR_NOT_AVAILABLE;" },
	{ "state", "PreparingRebalance 1:1;" },
	{ "join a3 A range", "a3:2 consumer range/A A=A;" },
	{ "sync a4 A 2 A=all", "store 2:1;" },
	{ "stored 2 ok", "a4:range 'all';" },
	{ NULL, NULL },
};

/* KIP-345 */
static const struct line static_members[] = {
	{ "join a1 A range instance=i v=5", "a1:1 consumer range/A A=A;" },
	{ "join b1 B range instance=j v=5", "" },
	{ "join a2 A range instance=i v=5", "a2:2 consumer range/A A=A,B=B;b1:2 consumer range/A;" },
	{ "sync b2 B 2 instance=j", "" },
	{ "sync a3 A 2 instance=i A=left B=right", "store 2:2;" },
	{ "stored 2 ok", "a3:range 'left';b2:range 'right';" },
	/* B starts again: the same place, no rebalance, durable before it is answered. */
	{ "join b3 B2 range instance=j v=5", "store 2:2;" },
	{ "stored 2 ok", "b3:2 consumer range/A;" },
	{ "sync b4 B2 2 instance=j", "b4:range 'right';" },
	{ "heartbeat B 2 instance=j", "FENCED_INSTANCE_ID;" },
	{ "commit B 2 instance=j", "FENCED_INSTANCE_ID;" },
	{ "sync b5 B 2 instance=j", "b5:FENCED_INSTANCE_ID;" },
	{ "join b5 B range instance=j v=5", "b5:FENCED_INSTANCE_ID;" },
	{ "leave B instance=j", "FENCED_INSTANCE_ID;" },
	{ "heartbeat B2 2 instance=k", "UNKNOWN_MEMBER_ID;" },
	{ "commit B2 2 instance=j", "ok;" },
	/* The leader starts again: told that another leads, or to skip the assignment (KIP-814). */
	{ "join a4 A2 range instance=i v=5", "store 2:2;" },
	{ "stored 2 ok", "a4:2 consumer range/A;" },
	{ "join a5 A3 range instance=i v=9", "store 2:2;" },
	{ "stored 2 ok", "a5:2 consumer range/A3 A3=A3,B2=B2 skip;" },
	{ "sync a6 A3 2 instance=i", "a6:range 'left';" },
	/* Another first choice of protocol: everybody must join. */
	{ "join b6 B3 sticky,range instance=j v=5", "store 2:2;" },
	{ "stored 2 ok", "b6:2 consumer range/A3;" },
	{ "at 9999", "" },
	{ "heartbeat B3 2 instance=j", "ok;" },
	{ "at 10000", "" }, /* A3 is gone for good */
	{ "heartbeat B3 2 instance=j", "REBALANCE_IN_PROGRESS;" },
	{ "join b7 B3 sticky,range instance=j v=5", "b7:3 consumer sticky/B3 B3=B3;" },
	{ "leave - instance=i", "UNKNOWN_MEMBER_ID;" },
	{ "leave - instance=j", "store 4:0;ok;" }, /* an administrator takes it out */
	{ NULL, NULL },
};

static const struct line static_while_rebalancing[] = {
	{ "join a1 A range instance=i v=5", "a1:1 consumer range/A A=A;" },
	{ "sync a2 A 1 instance=i A=all", "store 1:1;" },
	{ "join a3 A2 range instance=i v=5", "a2:FENCED_INSTANCE_ID;a3:2 consumer range/A2 A2=A2;" },
	{ "stored 1 ok", "" },
	{ "sync a4 A2 2 instance=i A2=all", "store 2:1;" },
	{ "stored 2 ok", "a4:range 'all';" },
	{ "join b1 B range", "" },
	{ "join a5 A3 range instance=i v=5", "a5:3 consumer range/A3 A3=A3,B=B;b1:3 consumer range/A3;" },
	{ "join c1 C range", "" },
	{ "join a6 A3 range instance=i v=5", "" },
	{ "join a7 A4 range instance=i v=5", "a6:FENCED_INSTANCE_ID;" },
	{ "join b2 B range", "a7:4 consumer range/A4 A4=A4,B=B,C=C;b2:4 consumer range/A4;c1:4 consumer range/A4;" },
	{ NULL, NULL },
};

/* A static member that does not join in time keeps its place until its session is over. */
static const struct line static_absent[] = {
	{ "join a1 A range instance=i v=5 session=60000 rebalance=10000", "a1:1 consumer range/A A=A;" },
	{ "sync a2 A 1 instance=i A=all", "store 1:1;" },
	{ "stored 1 ok", "a2:range 'all';" },
	{ "join b1 B range rebalance=10000", "" },
	{ "at 10000", "b1:2 consumer range/B A=A,B=B;" },
	{ "sync b2 B 2 A=left B=right", "store 2:2;" },
	{ "stored 2 ok", "b2:range 'right';" },
	{ "leave B", "ok;" },
	{ "at 20000", "" }, /* nobody there who could lead: the waiting goes on */
	{ "state", "PreparingRebalance 2:1;" },
	{ "at 30000", "" },
	{ "at 70000", "store 3:0;" },
	{ NULL, NULL },
};

static const struct line delayed[] = {
	{ "join a1 A range", "" },
	{ "at 2000", "" },
	{ "join b1 B range", "" },
	{ "at 3000", "" }, /* somebody came: another round */
	{ "at 5999", "" },
	{ "at 6000", "a1:1 consumer range/A A=A,B=B;b1:1 consumer range/A;" },
	{ "join c1 C range", "" },
	{ "join a2 A range", "" },
	{ "join b2 B range", "a2:2 consumer range/A A=A,B=B,C=C;b2:2 consumer range/A;c1:2 consumer range/A;" },
	{ NULL, NULL },
};

static const struct line outsiders[] = {
	{ "commit - 3", "ILLEGAL_GENERATION;" }, /* a zombie brings no group back */
	{ "state", "none;" },
	{ "commit - -1", "ok;" },
	{ "state", "Empty 0:0;" },
	{ "commit ?ghost 1", "UNKNOWN_MEMBER_ID;" },
	{ "join a1 A range", "a1:1 consumer range/A A=A;" },
	{ "commit - -1", "UNKNOWN_MEMBER_ID;" },
	{ "leave A", "store 2:0;ok;" },
	{ "commit - -1", "ok;" },
	{ NULL, NULL },
};

static const struct {
	const char *title;
	const struct line *lines;
	int32_t initial_delay_ms;
} scenarios[] = {
	{ "two members", two_members, 0 },
	{ "refusals", refusals, 0 },
	{ "too many", too_many, 0 },
	{ "ids first", ids_first, 0 },
	{ "votes", votes, 0 },
	{ "lost answers", lost_answers, 0 },
	{ "sessions", sessions, 0 },
	{ "timeouts", timeouts, 0 },
	{ "leader lost", leader_lost, 0 },
	{ "disk refuses", disk_refuses, 0 },
	{ "static members", static_members, 0 },
	{ "static while rebalancing", static_while_rebalancing, 0 },
	{ "static absent", static_absent, 0 },
	{ "delayed", delayed, 3000 },
	{ "outsiders", outsiders, 0 },
};

static void test_scenarios(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		run_scenario(scenarios[i].title, scenarios[i].lines, scenarios[i].initial_delay_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_scenarios) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
