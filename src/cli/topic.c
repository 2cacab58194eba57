/* `tarn topic`, and the sub-commands that change a topic. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/topic_command.h"

enum { ERROR_SIZE = 512 };

/* The error of the only topic that a request was about. */
static enum tarn_rc only_result(const rd_kafka_topic_result_t **results, size_t n, struct tarn_err *err)
{
	if (n != 1)
		return tarn_fail(err, TARN_EINVALID, "the broker answered for %zu topics, expected one", n);
	rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
	if (!code)
		return TARN_OK;
	enum tarn_rc rc = tarn_kafka_fail(err, code, rd_kafka_topic_result_error_string(results[0]));
	return tarn_err_within(err, rc, "topic \"%s\"", rd_kafka_topic_result_name(results[0]));
}

/* Cuts "key=value" in two; NULL where there is no "=". */
static char *cut_setting(char *text)
{
	char *equals = strchr(text, '=');
	if (!equals || equals == text)
		return NULL;
	*equals = '\0';
	return equals + 1;
}

/* ---- create ---- */

static enum tarn_rc create(struct tarn_kafka_admin *admin, const char *unused, void *context, struct tarn_err *err)
{
	rd_kafka_NewTopic_t *topic = context;
	rd_kafka_event_t *answer;
	(void)unused;
	rd_kafka_CreateTopics(admin->client, &topic, 1, admin->options, admin->queue);
	enum tarn_rc rc = tarn_kafka_admin_wait(admin, &answer, err);
	if (rc)
		return rc;
	size_t n;
	const rd_kafka_topic_result_t **results =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer), &n);
	rc = only_result(results, n, err);
	rd_kafka_event_destroy(answer);
	return rc;
}

static int run_create(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	int64_t partitions = -1;
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		{ .name = "partitions",
		  .argument = "N",
		  .help = "how many (default: the broker's)",
		  .number = &partitions,
		  .least = 1 },
	};
	const struct tarn_usage usage = {
		.command = "topic create",
		.section = TARN_TOPIC_SECTION,
		.arguments = "TOPIC [KEY=VALUE...]",
		.min_arguments = 1,
		.max_arguments = 100,
		.summary = "Creates a topic, with settings of its own where some are given.",
		.example = "  tarn topic create experiment.vqe --partitions 3 retention.ms=-1\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	char why[ERROR_SIZE];
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (partitions > INT32_MAX)
		return tarn_options_refuse(&usage, "--partitions is too large");
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(argv[1], (int)partitions, -1, why, sizeof(why));
	if (!topic)
		return tarn_options_refuse(&usage, "%s", why);
	exit_code = TARN_EXIT_DONE;
	for (int i = 2; exit_code == TARN_EXIT_DONE && i < argc; i++) {
		char *value = cut_setting(argv[i]);
		if (!value || rd_kafka_NewTopic_set_config(topic, argv[i], value))
			exit_code = tarn_options_refuse(&usage, "\"%s\" is no setting, expected KEY=VALUE", argv[i]);
	}
	if (exit_code == TARN_EXIT_DONE)
		exit_code = tarn_admin_run(&kafka, NULL, 0, false, create, topic);
	rd_kafka_NewTopic_destroy(topic);
	return exit_code;
}

/* ---- delete ---- */

static enum tarn_rc delete_topic(struct tarn_kafka_admin *admin, const char *name, struct tarn_err *err)
{
	rd_kafka_event_t *answer;
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
	rd_kafka_DeleteTopics(admin->client, &topic, 1, admin->options, admin->queue);
	rd_kafka_DeleteTopic_destroy(topic);
	enum tarn_rc rc = tarn_kafka_admin_wait(admin, &answer, err);
	if (rc)
		return rc;
	size_t n;
	const rd_kafka_topic_result_t **results =
		rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(answer), &n);
	rc = only_result(results, n, err);
	rd_kafka_event_destroy(answer);
	return rc;
}

/* Says what goes, and lets it go if that is wanted. */
static enum tarn_rc delete_or_say(struct tarn_kafka_admin *admin, const rd_kafka_metadata_topic_t *topic, bool execute,
				  struct tarn_err *err)
{
	int64_t *from = tarn_calloc((size_t)topic->partition_cnt + 1, sizeof(*from)), records = 0;
	int64_t *to = tarn_calloc((size_t)topic->partition_cnt + 1, sizeof(*to));
	enum tarn_rc rc = tarn_topic_offsets(admin->client, topic, RD_KAFKA_OFFSET_BEGINNING, from, err);
	if (!rc)
		rc = tarn_topic_offsets(admin->client, topic, RD_KAFKA_OFFSET_END, to, err);
	for (int i = 0; !rc && i < topic->partition_cnt; i++)
		records += to[i] - from[i];
	if (!rc && execute)
		rc = delete_topic(admin, topic->topic, err);
	char count[TARN_PRINT_NUMBER_SIZE];
	tarn_format_count(records, count);
	if (!rc)
		printf("%s %s: %d partition%s, %s record%s\n", execute ? "deleted" : "would delete", topic->topic,
		       topic->partition_cnt, topic->partition_cnt == 1 ? "" : "s", count, records == 1 ? "" : "s");
	free(from);
	free(to);
	return rc;
}

static enum tarn_rc delete_named(struct tarn_kafka_admin *admin, const char *name, void *context, struct tarn_err *err)
{
	const bool execute = *(const bool *)context;
	const struct rd_kafka_metadata *facts;
	enum tarn_rc rc = tarn_topic_facts(admin->client, name, &facts, err);
	if (rc)
		return rc;
	int at = 0;
	while (strcmp(facts->topics[at].topic, name))
		at++;
	rc = delete_or_say(admin, &facts->topics[at], execute, err);
	rd_kafka_metadata_destroy(facts);
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
		.command = "topic delete",
		.section = TARN_TOPIC_SECTION,
		.arguments = "TOPIC...",
		.min_arguments = 1,
		.max_arguments = 1000,
		.summary = "Says what deleting topics would take away, and with --delete deletes them for good.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	return tarn_admin_run(&kafka, argv + 1, argc - 1, false, delete_named, &execute);
}

/* ---- config ---- */

static bool is_own(const rd_kafka_ConfigEntry_t *entry)
{
	return rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
}

/* Whose value it is, for people. */
static const char *origin(const rd_kafka_ConfigEntry_t *entry)
{
	switch (rd_kafka_ConfigEntry_source(entry)) {
	case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG: return "topic";
	case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG:
	case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG:
	case RD_KAFKA_CONFIG_SOURCE_STATIC_BROKER_CONFIG: return "broker";
	default: return "default";
	}
}

static void print_settings(const rd_kafka_ConfigEntry_t **entries, size_t n, bool all)
{
	static const struct tarn_print_column columns[] = { { "SETTING", false, 0 },
							    { "VALUE", false, 60 },
							    { "FROM", false, 0 } };
	struct tarn_print_table *table = tarn_print_table_new(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < n; i++) {
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);
		if (!all && !is_own(entries[i]))
			continue;
		tarn_print_cell(table, rd_kafka_ConfigEntry_name(entries[i]));
		tarn_print_cell(table, value ? value : "-");
		tarn_print_cell(table, origin(entries[i]));
	}
	tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
}

static void print_settings_json(const rd_kafka_ConfigEntry_t **entries, size_t n, bool all)
{
	struct tarn_buf out;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++) {
		if (!all && !is_own(entries[i]))
			continue;
		tarn_print_json_begin(&out, '{');
		tarn_print_json_key(&out, "setting");
		tarn_print_json_text(&out, rd_kafka_ConfigEntry_name(entries[i]));
		tarn_print_json_key(&out, "value");
		tarn_print_json_text(&out, rd_kafka_ConfigEntry_value(entries[i]));
		tarn_print_json_key(&out, "own");
		tarn_print_json_bool(&out, is_own(entries[i]));
		tarn_print_json_end(&out, '}');
		tarn_print_json_line(&out, stdout);
	}
	tarn_buf_release(&out);
}

/* Whether one of the changes is about the key. */
static bool is_changed(char **keys, int n, const char *key)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static enum tarn_rc alter(struct tarn_kafka_admin *admin, rd_kafka_ConfigResource_t *wanted, struct tarn_err *err)
{
	rd_kafka_event_t *answer;
	rd_kafka_AlterConfigs(admin->client, &wanted, 1, admin->options, admin->queue);
	enum tarn_rc rc = tarn_kafka_admin_wait(admin, &answer, err);
	if (rc)
		return rc;
	size_t n;
	const rd_kafka_ConfigResource_t **done =
		rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(answer), &n);
	for (size_t i = 0; !rc && i < n; i++)
		if (rd_kafka_ConfigResource_error(done[i]))
			rc = tarn_kafka_fail(err, rd_kafka_ConfigResource_error(done[i]),
					     rd_kafka_ConfigResource_error_string(done[i]));
	rd_kafka_event_destroy(answer);
	return rc;
}

/* AlterConfigs replaces all of a topic's own settings, so what is not changed is sent along as it stands.
 * (librdkafka 2.0 has no request for single ones.) keys[i] is set to values[i]; an empty value takes the setting back
 * to its default. */
static enum tarn_rc change_settings(struct tarn_kafka_admin *admin, const char *name, char **keys, char **values, int n,
				    struct tarn_err *err)
{
	rd_kafka_event_t *event;
	const rd_kafka_ConfigEntry_t **entries;
	size_t n_entries;
	enum tarn_rc rc = tarn_topic_settings(admin, name, &event, &entries, &n_entries, err);
	if (rc)
		return rc;
	rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
	for (size_t i = 0; i < n_entries; i++) {
		const char *key = rd_kafka_ConfigEntry_name(entries[i]);
		if (is_own(entries[i]) && !is_changed(keys, n, key))
			rd_kafka_ConfigResource_set_config(wanted, key, rd_kafka_ConfigEntry_value(entries[i]));
	}
	for (int i = 0; i < n; i++)
		if (*values[i])
			rd_kafka_ConfigResource_set_config(wanted, keys[i], values[i]);
	rc = alter(admin, wanted, err);
	rd_kafka_ConfigResource_destroy(wanted);
	rd_kafka_event_destroy(event);
	return rc;
}

static enum tarn_rc show_settings(struct tarn_kafka_admin *admin, const char *name, bool all, bool json,
				  struct tarn_err *err)
{
	rd_kafka_event_t *event;
	const rd_kafka_ConfigEntry_t **entries;
	size_t n;
	enum tarn_rc rc = tarn_topic_settings(admin, name, &event, &entries, &n, err);
	if (rc)
		return tarn_err_within(err, rc, "topic \"%s\"", name);
	(json ? print_settings_json : print_settings)(entries, n, all);
	rd_kafka_event_destroy(event);
	return TARN_OK;
}

struct configuring {
	char **keys, **values;
	int n;
	bool own, json;
};

static enum tarn_rc configure(struct tarn_kafka_admin *admin, const char *name, void *context, struct tarn_err *err)
{
	const struct configuring *how = context;
	return how->n ? change_settings(admin, name, how->keys, how->values, how->n, err)
		      : show_settings(admin, name, !how->own, how->json, err);
}

static int run_config(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct configuring how = { .own = false, .json = false };
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		TARN_TOPIC_OPTION_JSON(&how.json),
		{ .name = "own", .help = "only what was set for this topic", .flag = &how.own },
	};
	const struct tarn_usage usage = {
		.command = "topic config",
		.section = TARN_TOPIC_SECTION,
		.arguments = "TOPIC [KEY=VALUE...]",
		.min_arguments = 1,
		.max_arguments = 100,
		.summary = "Shows the settings of a topic, or sets some of them; KEY= takes one back to its default.",
		.example = "  tarn topic config experiment.vqe retention.ms=604800000 retention.bytes=\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	how.keys = argv + 2;
	how.n = argc - 2;
	how.values = tarn_calloc((size_t)argc, sizeof(*how.values));
	exit_code = TARN_EXIT_DONE;
	for (int i = 0; exit_code == TARN_EXIT_DONE && i < how.n; i++)
		if (!(how.values[i] = cut_setting(how.keys[i])))
			exit_code =
				tarn_options_refuse(&usage, "\"%s\" is no setting, expected KEY=VALUE", how.keys[i]);
	if (exit_code == TARN_EXIT_DONE)
		exit_code = tarn_admin_run(&kafka, argv + 1, 1, false, configure, &how);
	free(how.values);
	return exit_code;
}

/* ---- tarn topic ---- */

const struct tarn_command tarn_command_topic_create = { "create", "a new topic", run_create };
const struct tarn_command tarn_command_topic_delete = { "delete", "topics that are not needed any more", run_delete };
const struct tarn_command tarn_command_topic_config = { "config", "settings of a topic: show or change", run_config };

static int run_topic(int argc, char **argv)
{
	static const struct tarn_command *const subcommands[] = {
		&tarn_command_topic_ls,
		&tarn_command_topic_describe,
		&tarn_command_topic_read,
		&tarn_command_topic_create,
		&tarn_command_topic_config,
		&tarn_command_topic_delete,
		NULL,
	};
	return tarn_subcommand_run(&tarn_command_topic, subcommands, argc, argv);
}

const struct tarn_command tarn_command_topic = { "topic", "look at the topics of a broker, and change them",
						 run_topic };
