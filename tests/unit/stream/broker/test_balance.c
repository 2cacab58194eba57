/* Groups whose partitions the broker assigns, as scenarios. The events:
 *
 *   topic NAME PARTITIONS             there is such a topic from now on; 0: no more
 *   beat NAME EPOCH [KEY=VALUE ...]   a heartbeat of the member NAME; who joins (epoch 0) reads the topic t and owns
 *                                     nothing, but for topics=A,B regex=R owns=t0,t1 (owns= is none) instance=I
 *                                     assignor=A rebalance=MS v=N id=ID
 *   commit NAME EPOCH [v=N] [txn]
 *   fetch NAME EPOCH
 *   at MS
 *   state
 *   records                           what was to be written since the line before
 *   reload                            the group anew, from what was to be written
 *   classic, unclassic                somebody joins by the classic protocol, and leaves
 *
 * A heartbeat says the member's epoch, and its partitions in brackets where they are sent. */
#include "scenario.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/balance.h"
#include "stream/broker/balance_record.h"
#include "stream/broker/balance_regex.h"
#include "stream/broker/errors.h"

enum { MOST_TOPICS = 8 };

struct kept {
	struct tarn_buf key, value;
	bool has_value;
};

struct world {
	struct tarn_groups *groups;
	struct tarn_buf said, records;
	int64_t now_ms;
	struct tarn_balance_topic topics[MOST_TOPICS];
	struct tarn_balance_topics all;
	struct kept *log; /* all that was to be written */
	size_t n_log, log_cap;
	size_t most_members;
};

static struct tarn_uuid id_of(const char *name)
{
	struct tarn_uuid id = { { 0 } };
	memcpy(id.bytes, name, strlen(name));
	return id;
}

static void note_change(void *context, const struct tarn_group *group, const struct tarn_balance_change *change)
{
	struct world *world = context;
	tarn_buf_printf(&world->records, "%s%d%s%s%s", world->records.len ? " " : "", change->record,
			change->name ? ":" : "", change->name ? change->name : "", change->is_gone ? "-" : "");
	world->log = tarn_grow(world->log, &world->log_cap, world->n_log + 1, sizeof(*world->log));
	struct kept *kept = &world->log[world->n_log++];
	tarn_buf_init(&kept->key, 1 << 20);
	tarn_buf_init(&kept->value, 1 << 20);
	kept->has_value = tarn_balance_write(group, change, &kept->key, &kept->value);
}

static bool sees(void *context, const char *topic)
{
	(void)context;
	return strcmp(topic, "secret") != 0;
}

/* ---- one line ---- */

static int number(const struct words *words, const char *key, int otherwise)
{
	const char *text = option(words, key, NULL);
	return text ? atoi(text) : otherwise;
}

static void say_error(struct world *world, int16_t error)
{
	tarn_buf_printf(&world->said, "%s", error ? tarn_kafka_error_name(error) : "ok");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tarn_balance_topic *)a)->name, ((const struct tarn_balance_topic *)b)->name);
}

static void topic(struct world *world, const struct words *words)
{
	static const char *const names[] = { "other", "secret", "t", "t2", "u" };
	const int partitions = atoi(words->word[2]);
	size_t i = 0;
	while (i < world->all.n && strcmp(world->topics[i].name, words->word[1]) != 0)
		i++;
	for (size_t n = 0; i == world->all.n && n < sizeof(names) / sizeof(*names); n++)
		if (!strcmp(names[n], words->word[1])) {
			world->topics[world->all.n++].name = (char *)(uintptr_t)names[n];
			break;
		}
	world->topics[i].id = id_of(words->word[1]);
	world->topics[i].partitions = partitions;
	if (!partitions)
		world->topics[i] = world->topics[--world->all.n];
	qsort(world->topics, world->all.n, sizeof(*world->topics), compare_names);
	world->all.items = world->topics;
	world->all.version++;
}

/* "t0,t1" */
static size_t read_parts(const char *text, struct tarn_balance_topic_partitions *parts, int32_t *numbers)
{
	size_t n = 0;
	while (*text) {
		const size_t len = strcspn(text, "0123456789");
		char name[16] = { 0 };
		memcpy(name, text, len);
		numbers[n] = atoi(text + len);
		parts[n] = (struct tarn_balance_topic_partitions){ id_of(name), &numbers[n], 1 };
		n++;
		text += len + 1;
		text += *text == ',';
	}
	return n;
}

static size_t read_list(const char *text, const char **items, char *copy)
{
	char *rest;
	size_t n = 0;
	strcpy(copy, text);
	for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest))
		items[n++] = item;
	return n;
}

static void say_parts(struct world *world, const struct tarn_parts *parts)
{
	tarn_buf_add_str(&world->said, " [");
	for (size_t i = 0; i < parts->n; i++)
		tarn_buf_printf(&world->said, "%s%s%d", i ? "," : "", (const char *)parts->items[i].topic.bytes,
				parts->items[i].partition);
	tarn_buf_add_str(&world->said, "]");
}

static void beat(struct world *world, const struct words *words)
{
	struct tarn_balance_topic_partitions owned[16];
	int32_t numbers[16];
	const char *topics[16];
	char copy[100];
	const bool joins = !strcmp(words->word[2], "0");
	const char *owns = option(words, "owns", joins ? "" : NULL);
	const char *regex = option(words, "regex", NULL);
	const char *reads = option(words, "topics", joins && !regex ? "t" : NULL);
	struct tarn_consumer_group_heartbeat_request request = {
		.group_id = "g",
		.member_id = option(words, "id", words->word[1]),
		.member_epoch = atoi(words->word[2]),
		.instance_id = option(words, "instance", NULL),
		.rebalance_timeout_ms = number(words, "rebalance", joins ? 1000 : -1),
		.subscribed_topic_regex = regex,
		.server_assignor = option(words, "assignor", NULL),
	};
	if (owns) {
		request.topic_partitions = owned;
		request.n_topic_partitions = read_parts(owns, owned, numbers);
	}
	if (reads) {
		request.subscribed_topic_names = topics;
		request.n_subscribed_topic_names = read_list(reads, topics, copy);
	}
	const struct tarn_balance_client client = { "client",	 "/host", (int16_t)number(words, "v", 1),
						    &world->all, sees,	  NULL };
	struct tarn_balance_answer answer;
	tarn_buf_clear(&world->records);
	tarn_groups_balance(world->groups, world->now_ms, &request, &client, &answer);
	if (answer.error) {
		say_error(world, answer.error);
		return;
	}
	tarn_buf_printf(&world->said, "%d", answer.epoch);
	if (answer.has_assignment)
		say_parts(world, &answer.member->assigned);
}

static void commit(struct world *world, const struct words *words)
{
	struct tarn_group *group;
	const struct tarn_group_claim claim = {
		"g",
		!strcmp(words->word[1], "-") ? "" : words->word[1],
		NULL,
		atoi(words->word[2]),
		!strcmp(words->word[words->n - 1], "txn"),
		(int16_t)number(words, "v", 9),
	};
	say_error(world, tarn_groups_may_commit(world->groups, world->now_ms, &claim, &group));
}

static void fetch(struct world *world, const struct words *words)
{
	const char *name = strcmp(words->word[1], "-") != 0 ? words->word[1] : NULL;
	say_error(world,
		  tarn_balance_may_fetch(tarn_groups_find(world->groups, "g")->balance, name, atoi(words->word[2])));
}

static void at(struct world *world, const struct words *words)
{
	world->now_ms = atoll(words->word[1]);
	tarn_buf_clear(&world->records);
	if (tarn_groups_next_ms(world->groups) <= world->now_ms)
		tarn_groups_tick(world->groups, world->now_ms);
}

static void state(struct world *world, const struct words *words)
{
	(void)words;
	const struct tarn_group *group = tarn_groups_find(world->groups, "g");
	tarn_buf_printf(&world->said, "%s", group ? tarn_group_state_text(group) : "none");
	if (group && group->balance)
		tarn_buf_printf(&world->said, " %d/%d %s", group->balance->epoch, group->balance->target_epoch,
				tarn_balance_assignor_name(group->balance));
}

static void records(struct world *world, const struct words *words)
{
	(void)words;
	tarn_buf_add_slice(&world->said, tarn_buf_slice(&world->records));
}

static struct tarn_groups *new_groups(struct world *world, size_t most_members)
{
	struct tarn_group_limits limits = TARN_GROUP_LIMITS_DEFAULT;
	limits.most_members = most_members;
	world->most_members = most_members;
	const struct tarn_group_outputs outputs = { .context = world, .change = note_change };
	return tarn_groups_new(&limits, &outputs);
}

/* What was to be written is read into a new group. */
static void reload(struct world *world, const struct words *words)
{
	struct tarn_err err;
	(void)words;
	tarn_groups_free(world->groups);
	world->groups = new_groups(world, world->most_members);
	for (size_t i = 0; i < world->n_log; i++) {
		const struct kept *kept = &world->log[i];
		const struct tarn_slice value = kept->has_value ? tarn_buf_slice(&kept->value) : tarn_slice_of(NULL, 0);
		if (!tarn_balance_owns_key(tarn_buf_slice(&kept->key)))
			continue;
		if (tarn_balance_load(world->groups, 0, tarn_buf_slice(&kept->key), value, &err))
			fail_msg("%s", err.message);
	}
	struct tarn_group *group = tarn_groups_find(world->groups, "g");
	if (group && !tarn_balance_loaded(world->groups, group, world->now_ms))
		tarn_groups_remove(world->groups, group);
	world->all.version += 1000;
}

static void join_classic(struct world *world, const struct words *words)
{
	(void)words;
	tarn_buf_clear(&world->records);
	struct tarn_group *group = tarn_groups_make(world->groups, world->now_ms, "g");
	if (group->balance && tarn_group_is_empty(group))
		tarn_balance_end(world->groups, group);
	group->state = group->balance ? group->state : TARN_GROUP_STABLE;
	group->generation = 7;
	say_error(world, group->balance ? TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL : TARN_KAFKA_NONE);
}

static void leave_classic(struct world *world, const struct words *words)
{
	(void)words;
	tarn_groups_find(world->groups, "g")->state = TARN_GROUP_EMPTY;
}

static void release(struct world *world)
{
	for (size_t i = 0; i < world->n_log; i++) {
		tarn_buf_release(&world->log[i].key);
		tarn_buf_release(&world->log[i].value);
	}
	free(world->log);
	tarn_buf_release(&world->said);
	tarn_buf_release(&world->records);
	tarn_groups_free(world->groups);
}

static const struct event events[] = {
	{ "topic", topic },
	{ "beat", beat },
	{ "commit", commit },
	{ "fetch", fetch },
	{ "at", at },
	{ "state", state },
	{ "records", records },
	{ "reload", reload },
	{ "classic", join_classic },
	{ "unclassic", leave_classic },
};

static void run_scenario(const char *title, const struct line *lines)
{
	struct world world = { 0 };
	world.groups = new_groups(&world, 3);
	tarn_buf_init(&world.said, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&world.records, TARN_BUF_DEFAULT_MAX);
	play(title, lines, events, &world, &world.said);
	release(&world);
}

/* ---- the scenarios ---- */

static const struct line two_members[] = {
	{ "topic t 3", "" },
	{ "beat A 0", "1 [t0,t1,t2]" },
	{ "records", "5:A 4 3 7:A 6 8:A" },
	{ "state", "Stable 1/1 uniform" },
	{ "beat A 1 owns=t0,t1,t2", "1" },
	{ "records", "" },
	/* B has nothing before A has given it up, and A keeps its epoch until then. */
	{ "beat B 0", "2 []" },
	{ "records", "5:B 3 7:A 7:B 6 8:B" },
	{ "state", "Reconciling 2/2 uniform" },
	{ "beat A 1 owns=t0,t1,t2", "1 [t0,t1]" },
	{ "records", "8:A" },
	{ "beat B 2 owns=", "2" },
	{ "records", "" },
	{ "beat A 1", "1" },
	{ "beat A 1 owns=t0,t1", "2" },
	{ "beat B 2 owns=", "2 [t2]" },
	{ "state", "Stable 2/2 uniform" },
	{ "commit A 2", "ok" },
	{ "commit A 1", "STALE_MEMBER_EPOCH" },
	{ "commit A 1 txn", "ILLEGAL_GENERATION" },
	{ "commit A 2 v=8", "UNSUPPORTED_VERSION" },
	{ "commit A 2 v=8 txn", "ok" },
	{ "commit C 2", "UNKNOWN_MEMBER_ID" },
	{ "commit - -1", "UNKNOWN_MEMBER_ID" },
	{ "fetch A 2", "ok" },
	{ "fetch A 1", "STALE_MEMBER_EPOCH" },
	{ "fetch C 1", "UNKNOWN_MEMBER_ID" },
	{ "fetch - -1", "ok" },
	{ "beat A -1", "-1" },
	{ "records", "8:A- 7:A- 5:A- 3" },
	{ "state", "Assigning 3/2 uniform" },
	{ "beat B 2 owns=t2", "3 [t0,t1,t2]" },
	{ "beat B -1", "-1" },
	{ "state", "Empty 4/3 uniform" },
	{ "commit - -1", "ok" },
	{ "beat B 3", "UNKNOWN_MEMBER_ID" },
	{ NULL, NULL },
};

static const struct line refusals[] = {
	{ "topic t 1", "" },
	{ "beat A 1", "GROUP_ID_NOT_FOUND" },
	{ "beat A -1", "GROUP_ID_NOT_FOUND" },
	{ "commit A 1", "GROUP_ID_NOT_FOUND" },
	{ "commit A 1 v=8", "ILLEGAL_GENERATION" },
	{ "beat A 0 id=", "INVALID_REQUEST" },
	{ "beat A 0 owns=t0", "INVALID_REQUEST" },
	{ "beat A 0 rebalance=-1", "INVALID_REQUEST" },
	{ "beat A 0 instance=", "INVALID_REQUEST" },
	{ "beat A -2", "INVALID_REQUEST" },
	{ "beat A -3", "INVALID_REQUEST" },
	{ "beat A 0 assignor=best", "UNSUPPORTED_ASSIGNOR" },
	{ "beat A 0 regex=(", "INVALID_REGULAR_EXPRESSION" },
	{ "state", "none" },
	{ "beat A 0", "1 [t0]" },
	{ "beat A 2", "FENCED_MEMBER_EPOCH" },
	{ "beat X 1", "UNKNOWN_MEMBER_ID" },
	{ "beat B 0", "2 []" },
	{ "beat C 0", "3 []" },
	{ "beat D 0", "GROUP_MAX_SIZE_REACHED" },
	/* A's answer with epoch 3 was lost. */
	{ "beat A 1 owns=t0", "3" },
	{ "beat A 1", "FENCED_MEMBER_EPOCH" },
	{ "beat A 1 owns=t0", "3" },
	{ "beat A 1 owns=t0,t1", "FENCED_MEMBER_EPOCH" },
	/* A fenced member begins again with its id. */
	{ "beat A 0", "3 [t0]" },
	{ NULL, NULL },
};

static const struct line static_members[] = {
	{ "topic t 2", "" },
	{ "beat A 0 instance=i", "1 [t0,t1]" },
	{ "beat B 0 instance=j", "2 []" },
	{ "beat A 1 owns=t0,t1", "1 [t0]" },
	{ "beat A 1 owns=t0", "2" },
	{ "beat B 2 owns=", "2 [t1]" },
	{ "beat X 0 instance=i", "UNRELEASED_INSTANCE_ID" },
	{ "beat X 2 instance=i", "FENCED_INSTANCE_ID" },
	{ "beat X 2 instance=k", "UNKNOWN_MEMBER_ID" },
	/* It leaves for a while: nobody else gets what it owns. */
	{ "beat A -2 instance=i", "-2" },
	{ "records", "8:A" },
	{ "beat A 2 instance=i", "FENCED_MEMBER_EPOCH" },
	{ "beat B 2 owns=t1", "2" },
	{ "beat X 0 instance=i", "2 [t0]" },
	{ "records", "8:A- 7:A- 5:A- 5:X 7:X 8:X 8:X" },
	{ "state", "Stable 2/2 uniform" },
	{ "beat X -2 instance=i", "-2" },
	{ "at 44000", "" },
	{ "beat B 2 owns=t1", "2" },
	{ "at 45000", "" },
	{ "records", "8:X- 7:X- 5:X- 3" },
	{ "beat B 2 owns=t1", "3 [t0,t1]" },
	{ NULL, NULL },
};

static const struct line timeouts[] = {
	{ "topic t 2", "" },
	{ "beat A 0", "1 [t0,t1]" },
	{ "beat B 0", "2 []" },
	{ "beat A 1 owns=t0,t1", "1 [t0]" },
	/* A does not give up t1 within its second. */
	{ "at 999", "" },
	{ "state", "Reconciling 2/2 uniform" },
	{ "beat A 1", "1" },
	{ "at 1000", "" },
	{ "records", "8:A- 7:A- 5:A- 3" },
	{ "beat A 1 owns=t0", "UNKNOWN_MEMBER_ID" },
	{ "beat B 2 owns=", "3 [t0,t1]" },
	{ "at 45999", "" },
	{ "state", "Stable 3/3 uniform" },
	{ "at 46000", "" },
	{ "state", "Empty 4/3 uniform" },
	{ NULL, NULL },
};

static const struct line topics_change[] = {
	{ "topic t 1", "" },
	{ "beat A 0 topics=t,t2", "1 [t0]" },
	{ "topic other 1", "" },
	{ "beat A 1", "1" },
	{ "records", "" },
	{ "topic t2 1", "" },
	{ "beat A 1", "2 [t0,t20]" },
	{ "records", "4 3 7:A 6 8:A" },
	{ "topic t 2", "" },
	{ "beat A 2", "3 [t0,t1,t20]" },
	{ "topic t 0", "" },
	{ "beat A 3", "3 [t20]" },
	{ "beat A 3 owns=t20", "4" },
	{ "beat A 4 topics=t,other", "4 []" },
	{ "beat A 4 owns=", "5 [other0]" },
	{ NULL, NULL },
};

static const struct line expressions[] = {
	{ "topic t 1", "" },
	{ "topic u 1", "" },
	{ "topic secret 1", "" },
	{ "beat A 0 regex=t.*|secret", "1 [t0]" },
	{ "records", "5:A 16:t.*|secret 4 3 7:A 6 8:A" },
	{ "topic t2 1", "" },
	{ "beat A 1", "2 [t0,t20]" },
	{ "records", "16:t.*|secret 4 3 7:A 6 8:A" },
	{ "topic other 1", "" },
	{ "beat A 2", "2" },
	{ "records", "" },
	{ "reload", "" },
	{ "beat A 2 owns=t0,t20", "2" },
	{ "records", "" },
	/* Names and expression together. */
	{ "beat A 2 topics=u", "3 [t0,t20,u0]" },
	{ "beat A 3 regex=", "3 [u0]" },
	{ "records", "16:t.*|secret- 5:A 4 3 7:A 6 8:A" },
	{ NULL, NULL },
};

static const struct line ranges[] = {
	{ "topic t 3", "" },
	{ "topic u 3", "" },
	{ "beat A 0 topics=t,u assignor=range", "1 [t0,t1,t2,u0,u1,u2]" },
	{ "beat B 0 topics=t,u assignor=range", "2 []" },
	{ "beat A 1 owns=t0,t1,t2,u0,u1,u2", "1 [t0,t1,u0,u1]" },
	{ "beat A 1 owns=t0,t1,u0,u1", "2" },
	{ "beat B 2 owns=", "2 [t2,u2]" },
	{ "state", "Stable 2/2 range" },
	{ NULL, NULL },
};

static const struct line restarts[] = {
	{ "topic t 2", "" },
	{ "beat A 0", "1 [t0,t1]" },
	{ "beat B 0 instance=j", "2 []" },
	{ "beat A 1 owns=t0,t1", "1 [t0]" },
	{ "reload", "" },
	{ "state", "Reconciling 2/2 uniform" },
	{ "beat B 2 owns=", "2" },
	{ "records", "" },
	{ "beat A 1 owns=t0", "2" },
	{ "beat B 2 owns=", "2 [t1]" },
	{ "reload", "" },
	{ "state", "Stable 2/2 uniform" },
	{ "beat A 2", "2" },
	{ "beat B 2 instance=j", "2" },
	{ "beat B -1", "-1" },
	{ "reload", "" },
	{ "state", "Assigning 3/2 uniform" },
	/* Without a sign of life for 45 seconds it is out after a restart as well. */
	{ "at 45000", "" },
	{ "state", "Empty 4/2 uniform" },
	{ "classic", "ok" },
	{ "records", "6- 4- 3-" },
	{ "reload", "" },
	{ "state", "none" },
	{ NULL, NULL },
};

static const struct line changes_of_protocol[] = {
	{ "topic t 1", "" },
	{ "classic", "ok" },
	{ "beat A 0", "GROUP_ID_NOT_FOUND" },
	{ "unclassic", "" },
	{ "beat A 1", "GROUP_ID_NOT_FOUND" },
	{ "beat A 0", "1 [t0]" },
	{ "records", "2- 5:A 4 3 7:A 6 8:A" },
	{ "classic", "INCONSISTENT_GROUP_PROTOCOL" },
	{ "beat A -1", "-1" },
	{ "classic", "ok" },
	{ NULL, NULL },
};

static void scenarios_are_kept(void **unused)
{
	(void)unused;
	run_scenario("two members", two_members);
	run_scenario("refusals", refusals);
	run_scenario("static members", static_members);
	run_scenario("timeouts", timeouts);
	run_scenario("topics change", topics_change);
	run_scenario("expressions", expressions);
	run_scenario("ranges", ranges);
	run_scenario("restarts", restarts);
	run_scenario("changes of protocol", changes_of_protocol);
}

static void expressions_match_whole_names(void **unused)
{
	(void)unused;
	static const struct {
		const char *pattern, *matches, *not ; /* matches NULL: not valid */
	} cases[] = {
		{ "t", "t", "tt" },
		{ "t.*", "t-1", "at" },
		{ "a|b", "b", "ab" },
		{ "^foo[0-9]+$", "foo12", "foo" },
		{ "\\Afoo\\d{2}\\z", "foo12", "foo1" },
		{ "(?:a|b)+?c", "abac", "c" },
		{ "(?P<x>a)b", "ab", "a" },
		{ "(?<x>a)b", "ab", "a" },
		{ "a\\.b", "a.b", "axb" },
		{ "[^-.]+", "ab", "a-b" },
		{ "[a\\-c]+", "a-c", "b" },
		{ "[]a]+", "a]", "b" },
		{ "[\\^]", "^", "a" },
		{ "[-^]", "^", "a" },
		{ "[\\[^]", "^", "a" },
		{ "[\\w.]+", "a_b.c", "a-b" },
		{ "[[:alpha:]]+", "ab", "a1" },
		{ "\\Qa.b\\E+", "a.bb", "axb" },
		{ "a{2}", "aa", "aaa" },
		{ "a{,2}", "a{,2}", "a" },
		{ "", "", "a" },
		{ "(", NULL, NULL },
		{ "a)", NULL, NULL },
		{ "[a", NULL, NULL },
		{ "[z-a]", NULL, NULL },
		{ "*a", NULL, NULL },
		{ "a**", NULL, NULL },
		{ "a{2}{2}", NULL, NULL },
		{ "a{2,1}", NULL, NULL },
		{ "(a)\\1", NULL, NULL },
		{ "(?=a)", NULL, NULL },
		{ "(?<=a)b", NULL, NULL },
		{ "a\\", NULL, NULL },
		{ "a{1001}", NULL, NULL },
		{ "((a{50}){50}){50}", NULL, NULL },
		{ "a{2,40}", "aaa", "a" },
		{ "a{2,80}", NULL, NULL },
		{ "(a?b){6}", "abbabbabb", "b" },
		{ "(a?){65}", NULL, NULL },
		{ "(.*a){65}", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *reason = NULL;
		struct tarn_topic_regex *regex = tarn_topic_regex_new(cases[i].pattern, &reason);
		if (!regex != !cases[i].matches || !regex != !!reason)
			fail_msg("\"%s\": %s", cases[i].pattern, reason ? reason : "is valid");
		if (regex && (!tarn_topic_regex_matches(regex, cases[i].matches) ||
			      tarn_topic_regex_matches(regex, cases[i].not )))
			fail_msg("\"%s\" matches wrongly", cases[i].pattern);
		tarn_topic_regex_free(regex);
	}
}

/* ---- any group ---- */

enum { MOST_CLIENTS = 6, STEPS = 120, ROUNDS = 12 };

/* A client as it should be: it takes what is new at once, and gives up what it has to when it comes to it. */
struct model {
	char name[4];
	bool is_in;
	bool is_lost; /* the last answer: it says all of itself again */
	int32_t epoch;
	struct tarn_parts owned, told; /* told: its newest assignment */
};

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void drop(struct model *model)
{
	model->is_in = model->is_lost = false;
	model->owned.n = model->told.n = 0;
	model->epoch = 0;
}

/* What it has to give up it gives up. */
static void give_up(struct model *model)
{
	struct tarn_parts kept;
	tarn_parts_select(&model->owned, &model->told, true, &kept);
	tarn_parts_move(&model->owned, &kept);
}

static void send(struct world *world, struct model *model, int32_t epoch, bool loses_answer)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	const char *topics[] = { "t", "u" };
	struct tarn_consumer_group_heartbeat_request request = {
		.group_id = "g", .member_id = model->name, .member_epoch = epoch, .rebalance_timeout_ms = 1000000
	};
	request.topic_partitions = tarn_parts_write(&model->owned, &arena, &request.n_topic_partitions);
	if (!epoch || model->is_lost) {
		request.subscribed_topic_names = topics;
		request.n_subscribed_topic_names = 2;
	}
	const struct tarn_balance_client client = { "client", "/host", 1, &world->all, sees, NULL };
	struct tarn_balance_answer answer;
	tarn_groups_balance(world->groups, world->now_ms, &request, &client, &answer);
	tarn_arena_release(&arena);
	if (epoch < 0 || answer.error) {
		assert_true(epoch < 0 || answer.error == TARN_KAFKA_FENCED_MEMBER_EPOCH ||
			    answer.error == TARN_KAFKA_UNKNOWN_MEMBER_ID);
		drop(model);
		return;
	}
	model->is_in = true;
	model->is_lost = loses_answer;
	if (loses_answer)
		return;
	model->epoch = answer.epoch;
	if (!answer.has_assignment)
		return;
	tarn_parts_copy(&model->told, &answer.member->assigned);
	for (size_t i = 0; i < model->told.n; i++)
		tarn_parts_push(&model->owned, model->told.items[i]);
	tarn_parts_sort(&model->owned);
}

static void assert_owned_once(const struct model *models)
{
	for (int a = 0; a < MOST_CLIENTS; a++)
		for (int b = 0; b < a; b++)
			if (tarn_parts_meet(&models[a].owned, &models[b].owned))
				fail_msg("%s and %s own the same", models[a].name, models[b].name);
}

static void set_topic(struct world *world, const char *name, uint32_t partitions)
{
	char line[32];
	struct words words;
	snprintf(line, sizeof(line), "topic %s %u", name, partitions);
	split(line, &words);
	topic(world, &words);
}

static void do_anything(struct world *world, struct model *model, int32_t *partitions)
{
	const uint32_t what = draw(20);
	if (what == 0 && model->is_in)
		send(world, model, -1, false);
	else if (what == 1 && *partitions < 9)
		set_topic(world, "t", (uint32_t)++ * partitions);
	else if (what < 6)
		give_up(model);
	else
		send(world, model, model->is_in && model->epoch ? model->epoch : 0, what == 6);
}

/* Everybody does what it should; the group comes to rest, and all that there is has one owner. */
static void come_to_rest(struct world *world, struct model *models, int32_t partitions)
{
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < MOST_CLIENTS; i++) {
			give_up(&models[i]);
			send(world, &models[i], models[i].is_in ? models[i].epoch : 0, false);
			assert_owned_once(models);
		}
	size_t owned = 0, least = SIZE_MAX, most = 0;
	for (int i = 0; i < MOST_CLIENTS; i++) {
		owned += models[i].owned.n;
		least = models[i].owned.n < least ? models[i].owned.n : least;
		most = models[i].owned.n > most ? models[i].owned.n : most;
	}
	const struct tarn_group *group = tarn_groups_find(world->groups, "g");
	assert_string_equal(tarn_group_state_text(group), "Stable");
	assert_int_equal(owned, partitions + 4);
	assert_in_range(most - least, 0, 1);
}

/* Whatever members do, and whatever answers are lost, nothing is owned twice; and it is the same after a restart. */
static void any_group_comes_to_rest(void **unused)
{
	(void)unused;
	for (uint64_t round = 0; round < 100; round++) {
		struct world world = { 0 };
		struct model models[MOST_CLIENTS] = { 0 };
		int32_t partitions = 3;
		seed = round + 1;
		world.groups = new_groups(&world, MOST_CLIENTS);
		tarn_buf_init(&world.records, TARN_BUF_DEFAULT_MAX);
		set_topic(&world, "t", (uint32_t)partitions);
		set_topic(&world, "u", 4);
		for (int i = 0; i < MOST_CLIENTS; i++)
			snprintf(models[i].name, sizeof(models[i].name), "m%d", i);
		for (int step = 0; step < STEPS; step++) {
			do_anything(&world, &models[draw(MOST_CLIENTS)], &partitions);
			assert_owned_once(models);
			if (!draw(40))
				reload(&world, NULL);
		}
		come_to_rest(&world, models, partitions);
		for (int i = 0; i < MOST_CLIENTS; i++) {
			tarn_parts_release(&models[i].owned);
			tarn_parts_release(&models[i].told);
		}
		release(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios_are_kept),
		cmocka_unit_test(any_group_comes_to_rest),
		cmocka_unit_test(expressions_match_whole_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
