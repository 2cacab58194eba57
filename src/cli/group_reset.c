/* `tarn group reset`: moves a group's offsets. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/group_command.h"
#include "cli/print.h"

struct target {
	bool earliest, latest;
	int64_t offset;	  /* -1: not given */
	const char *time; /* NULL: not given */
	int64_t time_ms;
};

struct move {
	const char *topic;
	int32_t partition;
	int64_t from, to; /* from -1: nothing was committed */
};

/* ---- which partitions ---- */

static bool is_named(char **topics, int n, const char *topic)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(topics[i], topic))
			return true;
	return false;
}

static enum tarn_rc add_topic(rd_kafka_t *client, const char *name, rd_kafka_topic_partition_list_t *list,
			      struct tarn_err *err)
{
	const struct rd_kafka_metadata *all;
	const rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, &all, TARN_KAFKA_TIMEOUT_MS);
	if (code)
		return tarn_kafka_fail(err, code, NULL);
	int partitions = -1;
	for (int i = 0; i < all->topic_cnt; i++)
		if (!strcmp(all->topics[i].topic, name))
			partitions = all->topics[i].partition_cnt;
	rd_kafka_metadata_destroy(all);
	if (partitions < 0)
		return tarn_fail(err, TARN_ENOTFOUND, "there is no topic \"%s\"", name);
	for (int i = 0; i < partitions; i++)
		rd_kafka_topic_partition_list_add(list, name, i);
	return TARN_OK;
}

/* The partitions of the topics that are named; without a name, those that the group has committed. */
static enum tarn_rc choose(rd_kafka_t *client, const struct tarn_group_sight *sight, char **topics, int n_topics,
			   rd_kafka_topic_partition_list_t *list, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (int i = 0; !rc && i < n_topics; i++)
		if (!is_named(topics, i, topics[i]))
			rc = add_topic(client, topics[i], list, err);
	for (size_t i = 0; !n_topics && i < sight->n_places; i++)
		if (sight->places[i].end >= 0)
			rd_kafka_topic_partition_list_add(list, sight->places[i].topic, sight->places[i].partition);
	if (!rc && !list->cnt)
		rc = tarn_fail(err, TARN_ENOTFOUND, "group \"%s\" has no offsets, name the topics to set them for",
			       sight->group->group);
	return rc;
}

/* ---- where to ---- */

static enum tarn_rc ask(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list, int64_t when, int64_t *offsets,
			struct tarn_err *err)
{
	rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
	for (int i = 0; i < asked->cnt; i++)
		asked->elems[i].offset = when;
	rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, asked, TARN_KAFKA_TIMEOUT_MS);
	for (int i = 0; i < asked->cnt; i++) {
		code = code ? code : asked->elems[i].err;
		offsets[i] = asked->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(asked);
	return code ? tarn_kafka_fail(err, code, NULL) : TARN_OK;
}

/* An offset outside of what the log holds would send the reader to wherever its own settings say. */
static int64_t within(int64_t offset, int64_t start, int64_t end)
{
	return offset < start ? start : offset > end ? end : offset;
}

static enum tarn_rc find_targets(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list,
				 const struct target *target, struct move *moves, struct tarn_err *err)
{
	const size_t n = (size_t)list->cnt;
	int64_t *start = tarn_calloc(n, sizeof(*start)), *end = tarn_calloc(n, sizeof(*end));
	int64_t *at = tarn_calloc(n, sizeof(*at));
	enum tarn_rc rc = ask(client, list, RD_KAFKA_OFFSET_BEGINNING, start, err);
	if (!rc)
		rc = ask(client, list, RD_KAFKA_OFFSET_END, end, err);
	if (!rc && target->time)
		rc = ask(client, list, target->time_ms, at, err);
	for (size_t i = 0; !rc && i < n; i++) {
		if (target->earliest)
			at[i] = start[i];
		else if (target->latest || (target->time && at[i] < 0))
			at[i] = end[i];
		else if (!target->time)
			at[i] = target->offset;
		moves[i].to = within(at[i], start[i], end[i]);
	}
	free(start);
	free(end);
	free(at);
	return rc;
}

/* ---- doing it ---- */

static enum tarn_rc first_error(rd_kafka_event_t *answer, struct tarn_err *err)
{
	size_t n;
	const rd_kafka_group_result_t **groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
		rd_kafka_event_AlterConsumerGroupOffsets_result(answer), &n);
	if (n != 1)
		return tarn_fail(err, TARN_EINVALID, "the broker answered for %zu groups, expected one", n);
	const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[0]);
	if (error)
		return tarn_kafka_fail(err, rd_kafka_error_code(error), rd_kafka_error_string(error));
	const rd_kafka_topic_partition_list_t *done = rd_kafka_group_result_partitions(groups[0]);
	for (int i = 0; i < done->cnt; i++)
		if (done->elems[i].err) {
			enum tarn_rc rc = tarn_kafka_fail(err, done->elems[i].err, NULL);
			return tarn_err_within(err, rc, "%s, partition %d", done->elems[i].topic,
					       (int)done->elems[i].partition);
		}
	return TARN_OK;
}

static enum tarn_rc commit(struct tarn_kafka_admin *admin, const char *group, const struct move *moves, size_t n,
			   struct tarn_err *err)
{
	rd_kafka_event_t *answer;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, moves[i].topic, moves[i].partition)->offset = moves[i].to;
	rd_kafka_AlterConsumerGroupOffsets_t *wanted = rd_kafka_AlterConsumerGroupOffsets_new(group, list);
	rd_kafka_AlterConsumerGroupOffsets(admin->client, &wanted, 1, admin->options, admin->queue);
	rd_kafka_AlterConsumerGroupOffsets_destroy(wanted);
	rd_kafka_topic_partition_list_destroy(list);
	enum tarn_rc rc = tarn_kafka_admin_wait(admin, &answer, err);
	if (rc)
		return rc;
	rc = first_error(answer, err);
	rd_kafka_event_destroy(answer);
	return rc;
}

static void print_for_people(const struct move *moves, size_t n, bool execute)
{
	static const struct tarn_print_column columns[] = { { "TOPIC", false, 60 },
							    { "PARTITION", true, 0 },
							    { "FROM", true, 0 },
							    { "TO", true, 0 },
							    { "MOVED", true, 0 } };
	struct tarn_print_table *table = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < n; i++) {
		tarn_print_cell(table, moves[i].topic);
		tarn_print_cell_count(table, moves[i].partition);
		if (moves[i].from < 0)
			tarn_print_cell(table, "-");
		else
			tarn_print_cell_count(table, moves[i].from);
		tarn_print_cell_count(table, moves[i].to);
		if (moves[i].from < 0)
			tarn_print_cell(table, "-");
		else
			tarn_print_cell_count(table, moves[i].to - moves[i].from);
	}
	tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
	if (!execute)
		printf("\nnothing was changed; --execute does it\n");
}

static void print_for_machines(const struct move *moves, size_t n, bool execute)
{
	struct tarn_buf out;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++) {
		tarn_print_json_begin(&out, '{');
		tarn_print_json_key(&out, "topic");
		tarn_print_json_text(&out, moves[i].topic);
		tarn_print_json_key(&out, "partition");
		tarn_print_json_int(&out, moves[i].partition);
		tarn_print_json_key(&out, "from");
		if (moves[i].from < 0)
			tarn_print_json_null(&out);
		else
			tarn_print_json_int(&out, moves[i].from);
		tarn_print_json_key(&out, "to");
		tarn_print_json_int(&out, moves[i].to);
		tarn_print_json_key(&out, "done");
		tarn_print_json_bool(&out, execute);
		tarn_print_json_end(&out, '}');
		tarn_print_json_line(&out, stdout);
	}
	tarn_buf_release(&out);
}

static int64_t committed(const struct tarn_group_sight *sight, const char *topic, int32_t partition)
{
	for (size_t i = 0; i < sight->n_places; i++)
		if (sight->places[i].partition == partition && !strcmp(sight->places[i].topic, topic))
			return sight->places[i].committed;
	return -1;
}

struct reset {
	const char *group;
	char **topics;
	int n_topics;
	struct target target;
	bool execute, json;
};

static enum tarn_rc move_group(struct tarn_kafka_admin *admin, const struct reset *reset,
			       const struct tarn_group_sight *sight, struct tarn_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
	enum tarn_rc rc = choose(admin->client, sight, reset->topics, reset->n_topics, list, err);
	const size_t n = (size_t)list->cnt;
	struct move *moves = tarn_calloc(n + 1, sizeof(*moves));
	for (size_t i = 0; i < n; i++) {
		const rd_kafka_topic_partition_t *partition = &list->elems[i];
		moves[i] = (struct move){ .topic = partition->topic,
					  .partition = partition->partition,
					  .from = committed(sight, partition->topic, partition->partition) };
	}
	if (!rc)
		rc = find_targets(admin->client, list, &reset->target, moves, err);
	if (!rc && reset->execute)
		rc = commit(admin, reset->group, moves, n, err);
	if (!rc)
		(reset->json ? print_for_machines : print_for_people)(moves, n, reset->execute);
	free(moves);
	rd_kafka_topic_partition_list_destroy(list);
	return rc;
}

/* A group that is not there yet may be given offsets before its first member comes, where topics are named. */
static enum tarn_rc reset_group(struct tarn_kafka_admin *admin, const char *name, void *context, struct tarn_err *err)
{
	const struct reset *reset = context;
	const struct rd_kafka_group_list *list = NULL;
	enum tarn_rc rc = tarn_group_list(admin->client, name, &list, err);
	if (rc == TARN_ENOTFOUND && reset->n_topics) {
		const struct tarn_group_sight nothing = { .group = NULL };
		return move_group(admin, reset, &nothing, err);
	}
	if (rc)
		return rc;
	struct tarn_group_sight sight;
	if (list->groups[0].member_cnt) {
		rc = tarn_fail(err, TARN_EBUSY, "group \"%s\" has %d member%s", reset->group,
			       list->groups[0].member_cnt, list->groups[0].member_cnt == 1 ? "" : "s");
		tarn_err_hint(err, "offsets can be moved once its consumers have stopped");
	} else {
		rc = tarn_group_look(admin, &list->groups[0], &sight, err);
		if (!rc) {
			rc = move_group(admin, reset, &sight, err);
			tarn_group_sight_release(&sight);
		}
	}
	rd_kafka_group_list_destroy(list);
	return rc;
}

/* "2026-01-02T03:04:05Z", or how long ago: "90s", "2h", "1d". */
static bool read_time(struct target *target)
{
	int64_t us;
	if (tarn_parse_timestamp(target->time, &us))
		target->time_ms = us / 1000;
	else if (tarn_parse_duration(target->time, &us))
		target->time_ms = (tarn_now_us() - us) / 1000;
	else
		return false;
	return target->time_ms >= 0;
}

static int run_reset(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct reset reset = { .target.offset = -1 };
	struct target *target = &reset.target;
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		{ .name = "to-earliest", .help = "to the first record that is kept", .flag = &target->earliest },
		{ .name = "to-latest", .help = "behind the last record", .flag = &target->latest },
		{ .name = "to-offset", .argument = "N", .help = "to this offset", .number = &target->offset },
		{ .name = "to-time",
		  .argument = "TIME",
		  .help = "to the first record from then on: 2026-01-02T03:04:05Z, or 2h (ago)",
		  .text = &target->time },
		{ .name = "execute",
		  .help = "do it; without this, only say what would change",
		  .flag = &reset.execute },
		TARN_GROUP_OPTION_JSON(&reset.json),
	};
	const struct tarn_usage usage = {
		.command = "group reset",
		.section = TARN_GROUP_SECTION,
		.arguments = "GROUP [TOPIC...]",
		.min_arguments = 1,
		.max_arguments = 1000,
		.summary = "Says where a group's offsets would be moved, and with --execute moves them: of the topics "
			   "that are "
			   "named, or of all it has committed. The group must have no members.",
		.example = "  tarn group reset loader experiment.vqe --to-time 2h --execute\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (target->earliest + target->latest + (target->offset >= 0) + (target->time != NULL) != 1)
		return tarn_options_refuse(&usage, "give one of --to-earliest, --to-latest, --to-offset and --to-time");
	if (target->time && !read_time(target))
		return tarn_options_refuse(&usage, "\"%s\" is no time, expected 2026-01-02T03:04:05Z or 2h",
					   target->time);
	reset.group = argv[1];
	reset.topics = argv + 2;
	reset.n_topics = argc - 2;
	return tarn_admin_run(&kafka, argv + 1, 1, false, reset_group, &reset);
}

const struct tarn_command tarn_command_group_reset = { "reset", "move a group's offsets", run_reset };
