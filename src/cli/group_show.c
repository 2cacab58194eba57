/* `tarn group ls` and `describe`. */
#include <stdlib.h>
#include <string.h>

#include "cli/group_command.h"
#include "cli/print.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rd_kafka_group_info *)a)->group, ((const struct rd_kafka_group_info *)b)->group);
}

/* ---- ls ---- */

static void list_for_machines(const struct tarn_group_sight *sight, struct tarn_buf *out)
{
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "group");
	tarn_print_json_text(out, sight->group->group);
	tarn_print_json_key(out, "state");
	tarn_print_json_text(out, sight->group->state);
	tarn_print_json_key(out, "protocol_type");
	tarn_print_json_text(out, sight->group->protocol_type);
	tarn_print_json_key(out, "members");
	tarn_print_json_int(out, sight->group->member_cnt);
	tarn_print_json_key(out, "partitions");
	tarn_print_json_int(out, (int64_t)sight->n_places);
	tarn_print_json_key(out, "lag");
	tarn_print_json_int(out, tarn_group_total_lag(sight));
	tarn_print_json_end(out, '}');
	tarn_print_json_line(out, stdout);
}

static void list_for_people(const struct tarn_group_sight *sight, struct tarn_print_table *table)
{
	tarn_print_cell(table, sight->group->group);
	tarn_print_cell(table, sight->group->state);
	tarn_print_cell(table, *sight->group->protocol_type ? sight->group->protocol_type : "-");
	tarn_print_cell_count(table, sight->group->member_cnt);
	tarn_print_cell_count(table, (int64_t)sight->n_places);
	tarn_print_cell_count(table, tarn_group_total_lag(sight));
}

static enum tarn_rc list(struct tarn_kafka_admin *admin, const char *unused, void *context, struct tarn_err *err)
{
	const bool json = *(const bool *)context;
	(void)unused;
	static const struct tarn_print_column columns[] = { { "GROUP", false, 60 },    { "STATE", false, 0 },
							    { "PROTOCOL", false, 0 },  { "MEMBERS", true, 0 },
							    { "PARTITIONS", true, 0 }, { "LAG", true, 0 } };
	const struct rd_kafka_group_list *all;
	enum tarn_rc rc = tarn_group_list(admin->client, NULL, &all, err);
	if (rc)
		return rc;
	qsort(all->groups, (size_t)all->group_cnt, sizeof(*all->groups), by_name);
	struct tarn_print_table *table = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	struct tarn_buf out;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	for (int i = 0; !rc && i < all->group_cnt; i++) {
		struct tarn_group_sight sight;
		rc = tarn_group_look(admin, &all->groups[i], &sight, err);
		if (rc)
			break;
		if (json)
			list_for_machines(&sight, &out);
		else
			list_for_people(&sight, table);
		tarn_group_sight_release(&sight);
	}
	if (!json && !rc)
		tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
	tarn_buf_release(&out);
	rd_kafka_group_list_destroy(all);
	return rc;
}

static int run_ls(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	bool json = false;
	int exit_code;
	const struct tarn_option options[] = { TARN_OPTIONS_KAFKA(&kafka), TARN_GROUP_OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "group ls",
		.section = TARN_GROUP_SECTION,
		.arguments = "",
		.summary = "Lists the groups of a broker: their state, members and how many records they are behind.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	return tarn_admin_run(&kafka, NULL, 0, false, list, &json);
}

/* ---- describe ---- */

static void print_known(struct tarn_print_table *table, int64_t value)
{
	if (value < 0)
		tarn_print_cell(table, "-");
	else
		tarn_print_cell_count(table, value);
}

static void describe_for_people(const struct tarn_group_sight *sight)
{
	static const struct tarn_print_column columns[] = { { "TOPIC", false, 60 },   { "PARTITION", true, 0 },
							    { "COMMITTED", true, 0 }, { "END", true, 0 },
							    { "LAG", true, 0 },	      { "MEMBER", false, 60 },
							    { "HOST", false, 0 } };
	char lag[TARN_PRINT_NUMBER_SIZE];
	tarn_format_count(tarn_group_total_lag(sight), lag);
	printf("group        %s\nstate        %s\nprotocol     %s%s%s\nmembers      %d\nlag          %s\n\n",
	       sight->group->group, sight->group->state,
	       *sight->group->protocol_type ? sight->group->protocol_type : "-", *sight->group->protocol ? ", " : "",
	       sight->group->protocol, sight->group->member_cnt, lag);
	struct tarn_print_table *table = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < sight->n_places; i++) {
		const struct tarn_group_place *place = &sight->places[i];
		tarn_print_cell(table, place->topic);
		tarn_print_cell_count(table, place->partition);
		print_known(table, place->committed);
		print_known(table, place->end);
		print_known(table, tarn_group_lag(place));
		tarn_print_cell(table, place->member ? place->member->member_id : "-");
		tarn_print_cell(table, place->member ? place->member->client_host : "-");
	}
	tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
}

static void put_known(struct tarn_buf *out, const char *key, int64_t value)
{
	tarn_print_json_key(out, key);
	if (value < 0)
		tarn_print_json_null(out);
	else
		tarn_print_json_int(out, value);
}

static void put_place(struct tarn_buf *out, const struct tarn_group_place *place)
{
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "topic");
	tarn_print_json_text(out, place->topic);
	tarn_print_json_key(out, "partition");
	tarn_print_json_int(out, place->partition);
	put_known(out, "committed", place->committed);
	put_known(out, "start", place->start);
	put_known(out, "end", place->end);
	put_known(out, "lag", tarn_group_lag(place));
	tarn_print_json_key(out, "member");
	tarn_print_json_text(out, place->member ? place->member->member_id : NULL);
	tarn_print_json_end(out, '}');
}

static void put_member(struct tarn_buf *out, const struct rd_kafka_group_member_info *member)
{
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "member");
	tarn_print_json_text(out, member->member_id);
	tarn_print_json_key(out, "client_id");
	tarn_print_json_text(out, member->client_id);
	tarn_print_json_key(out, "host");
	tarn_print_json_text(out, member->client_host);
	tarn_print_json_end(out, '}');
}

static void describe_for_machines(const struct tarn_group_sight *sight)
{
	struct tarn_buf out;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	tarn_print_json_key(&out, "group");
	tarn_print_json_text(&out, sight->group->group);
	tarn_print_json_key(&out, "state");
	tarn_print_json_text(&out, sight->group->state);
	tarn_print_json_key(&out, "protocol_type");
	tarn_print_json_text(&out, sight->group->protocol_type);
	tarn_print_json_key(&out, "protocol");
	tarn_print_json_text(&out, sight->group->protocol);
	tarn_print_json_key(&out, "lag");
	tarn_print_json_int(&out, tarn_group_total_lag(sight));
	tarn_print_json_key(&out, "members");
	tarn_print_json_begin(&out, '[');
	for (int i = 0; i < sight->group->member_cnt; i++)
		put_member(&out, &sight->group->members[i]);
	tarn_print_json_end(&out, ']');
	tarn_print_json_key(&out, "partitions");
	tarn_print_json_begin(&out, '[');
	for (size_t i = 0; i < sight->n_places; i++)
		put_place(&out, &sight->places[i]);
	tarn_print_json_end(&out, ']');
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

static enum tarn_rc describe(struct tarn_kafka_admin *admin, const char *name, void *context, struct tarn_err *err)
{
	const bool json = *(const bool *)context;
	const struct rd_kafka_group_list *list;
	struct tarn_group_sight sight;
	enum tarn_rc rc = tarn_group_list(admin->client, name, &list, err);
	if (rc)
		return rc;
	rc = tarn_group_look(admin, &list->groups[0], &sight, err);
	if (!rc) {
		(json ? describe_for_machines : describe_for_people)(&sight);
		tarn_group_sight_release(&sight);
	}
	rd_kafka_group_list_destroy(list);
	return rc;
}

static int run_describe(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	bool json = false;
	int exit_code;
	const struct tarn_option options[] = { TARN_OPTIONS_KAFKA(&kafka), TARN_GROUP_OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "group describe",
		.section = TARN_GROUP_SECTION,
		.arguments = "GROUP...",
		.min_arguments = 1,
		.max_arguments = 1000,
		.summary = "Shows a group's members and, for each partition, what was committed, how far behind that "
			   "is, and who "
			   "reads it.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	return tarn_admin_run(&kafka, argv + 1, argc - 1, !json, describe, &json);
}

const struct tarn_command tarn_command_group_ls = { "ls", "groups, their members and lag", run_ls };
const struct tarn_command tarn_command_group_describe = { "describe", "members, offsets and lag of a group",
							  run_describe };
