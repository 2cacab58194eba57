/* `tarn group`, and `tarn group delete`. */
#include <stdlib.h>
#include <string.h>

#include "cli/group_command.h"
#include "cli/print.h"

static enum tarn_rc delete_group(struct tarn_kafka_admin *admin, const char *name, struct tarn_err *err)
{
	rd_kafka_event_t *answer;
	rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(name);
	rd_kafka_DeleteGroups(admin->client, &group, 1, admin->options, admin->queue);
	rd_kafka_DeleteGroup_destroy(group);
	enum tarn_rc rc = tarn_kafka_admin_wait(admin, &answer, err);
	if (rc)
		return rc;
	size_t n;
	const rd_kafka_group_result_t **results =
		rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(answer), &n);
	const rd_kafka_error_t *error = n == 1 ? rd_kafka_group_result_error(results[0]) : NULL;
	if (error)
		rc = tarn_kafka_fail(err, rd_kafka_error_code(error), rd_kafka_error_string(error));
	rd_kafka_event_destroy(answer);
	return rc ? tarn_err_within(err, rc, "group \"%s\"", name) : TARN_OK;
}

/* Says what goes, and lets it go if that is wanted. */
static enum tarn_rc delete_or_say(struct tarn_kafka_admin *admin, const char *name, void *context, struct tarn_err *err)
{
	const bool execute = *(const bool *)context;
	const struct rd_kafka_group_list *list;
	struct tarn_group_sight sight;
	enum tarn_rc rc = tarn_group_list(admin->client, name, &list, err);
	if (rc)
		return rc;
	rc = tarn_group_look(admin, &list->groups[0], &sight, err);
	if (!rc && execute)
		rc = delete_group(admin, name, err);
	if (!rc) {
		size_t offsets = 0;
		for (size_t i = 0; i < sight.n_places; i++)
			offsets += sight.places[i].committed >= 0;
		printf("%s %s: %d member%s, %zu offset%s\n", execute ? "deleted" : "would delete", name,
		       list->groups[0].member_cnt, list->groups[0].member_cnt == 1 ? "" : "s", offsets,
		       offsets == 1 ? "" : "s");
	}
	if (sight.partitions)
		tarn_group_sight_release(&sight);
	rd_kafka_group_list_destroy(list);
	return rc;
}

static int run_delete(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	bool execute = false;
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		{ .name = "delete", .help = "do it; without this, only say what would go", .flag = &execute },
	};
	const struct tarn_usage usage = {
		.command = "group delete",
		.section = TARN_GROUP_SECTION,
		.arguments = "GROUP...",
		.min_arguments = 1,
		.max_arguments = 1000,
		.summary = "Says what deleting groups would take away, and with --delete deletes them. A group with "
			   "members "
			   "stays.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	return tarn_admin_run(&kafka, argv + 1, argc - 1, false, delete_or_say, &execute);
}

const struct tarn_command tarn_command_group_delete = { "delete", "forget a group and its offsets", run_delete };

static int run(int argc, char **argv)
{
	static const struct tarn_command *const subcommands[] = { &tarn_command_group_ls, &tarn_command_group_describe,
								  &tarn_command_group_reset, &tarn_command_group_delete,
								  NULL };
	return tarn_subcommand_run(&tarn_command_group, subcommands, argc, argv);
}

const struct tarn_command tarn_command_group = { "group", "look at the consumer groups of a broker, and move them",
						 run };
