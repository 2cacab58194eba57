/* `tarn connector`: Kafka Connect's REST API from the shell. Part of the network module. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/connect_client.h"
#include "cli/options.h"
#include "cli/print.h"

extern const struct tarn_command tarn_command_connector;

#define SECTION "CONNECTOR"
#define OPTION_JSON(target)                                                                                            \
	{                                                                                                              \
		.name = "json", .help = "print JSON, for machines", .flag = (target)                                   \
	}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static void print_json(const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);
	puts(text);
	free(text);
}

/* ---- what there is ---- */

static void put_task_cells(struct tarn_print_table *table, const json_t *task)
{
	const json_t *numbers = json_object_get(task, "tarn");
	char id[32];
	snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(json_object_get(task, "id")));
	tarn_print_cell(table, id);
	tarn_print_cell(table, text_at(task, "state"));
	tarn_print_cell_count(table, json_integer_value(json_object_get(numbers, "partitions")));
	tarn_print_cell_count(table, json_integer_value(json_object_get(numbers, "records")));
	tarn_print_cell_count(table, json_integer_value(json_object_get(numbers, "objects")));
	tarn_print_cell_count(table, json_integer_value(json_object_get(numbers, "dead_letters")));
}

static void print_list(const json_t *all)
{
	static const struct tarn_print_column columns[] = {
		{ .title = "CONNECTOR" },
		{ .title = "STATE" },
		{ .title = "TASK", .right = true },
		{ .title = "STATE" },
		{ .title = "PARTITIONS", .right = true },
		{ .title = "RECORDS", .right = true },
		{ .title = "OBJECTS", .right = true },
		{ .title = "DEAD LETTERS", .right = true },
	};
	struct tarn_print_table *table = tarn_print_table_new(columns, 8);
	const char *name;
	json_t *one, *task;
	size_t i;
	json_object_foreach((json_t *)all, name, one)
	{
		json_t *status = json_object_get(one, "status"), *tasks = json_object_get(status, "tasks");
		const char *state = text_at(json_object_get(status, "connector"), "state");
		json_array_foreach(tasks, i, task)
		{
			tarn_print_cell(table, i ? "" : name);
			tarn_print_cell(table, i ? "" : state);
			put_task_cells(table, task);
		}
		if (json_array_size(tasks))
			continue;
		tarn_print_cell(table, name);
		tarn_print_cell(table, state);
		for (int cell = 0; cell < 6; cell++)
			tarn_print_cell(table, "-");
	}
	tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
}

static int run_ls(int argc, char **argv)
{
	const char *url = TARN_CONNECT_DEFAULT_URL;
	bool json = false;
	int exit_code;
	const struct tarn_option options[] = { TARN_OPTION_CONNECT(&url), OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "connector ls",
		.section = SECTION,
		.arguments = "",
		.summary = "Lists connectors and their tasks: what they have read and written since they were started.",
		.options = options,
		.n_options = 2,
	};
	struct tarn_err err;
	json_t *all = NULL;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (tarn_connect_ask(url, "GET", "/connectors?expand=status", NULL, &all, &err))
		return tarn_print_error(&err);
	if (json)
		print_json(all);
	else
		print_list(all);
	json_decref(all);
	return TARN_EXIT_DONE;
}

/* "in 12 s", or nothing where no rotation by time is ahead. */
static void print_next_rotation(int64_t at_ms)
{
	int64_t left = at_ms - tarn_now_us() / 1000;
	if (at_ms > 0)
		printf("          open objects are written %s%lld ms%s\n", left > 0 ? "in " : "",
		       left > 0 ? (long long)left : 0LL, left > 0 ? "" : " from now: they are due");
}

static void print_status(const json_t *status)
{
	json_t *task;
	size_t i;
	printf("%s: %s\n", text_at(status, "name"), text_at(json_object_get(status, "connector"), "state"));
	json_array_foreach(json_object_get(status, "tasks"), i, task)
	{
		const json_t *numbers = json_object_get(task, "tarn");
		printf("  task %zu  %s: %lld partitions, %lld records in %lld objects, %lld dead letters, %lld "
		       "tombstones\n",
		       i, text_at(task, "state"), (long long)json_integer_value(json_object_get(numbers, "partitions")),
		       (long long)json_integer_value(json_object_get(numbers, "records")),
		       (long long)json_integer_value(json_object_get(numbers, "objects")),
		       (long long)json_integer_value(json_object_get(numbers, "dead_letters")),
		       (long long)json_integer_value(json_object_get(numbers, "tombstones")));
		print_next_rotation(json_integer_value(json_object_get(numbers, "next_rotation_ms")));
		if (*text_at(task, "trace"))
			printf("          %s\n", text_at(task, "trace"));
	}
}

static int run_status(int argc, char **argv)
{
	const char *url = TARN_CONNECT_DEFAULT_URL;
	bool json = false;
	int exit_code;
	const struct tarn_option options[] = { TARN_OPTION_CONNECT(&url), OPTION_JSON(&json) };
	const struct tarn_usage usage = {
		.command = "connector status",
		.section = SECTION,
		.arguments = "NAME",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Tells what a connector does, why a task failed, and when its open objects are written.",
		.options = options,
		.n_options = 2,
	};
	struct tarn_err err;
	json_t *status = NULL;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	char *path = tarn_connect_path(argv[1], "/status");
	enum tarn_rc rc = tarn_connect_ask(url, "GET", path, NULL, &status, &err);
	free(path);
	if (rc)
		return tarn_print_error(&err);
	if (json)
		print_json(status);
	else
		print_status(status);
	json_decref(status);
	return TARN_EXIT_DONE;
}

/* ---- changes ---- */

/* A file holds {"name": .., "config": {..}}, as Connect's API takes it, or the configuration alone with a "name" in it.
 */
static json_t *read_file(const char *path, struct tarn_err *err)
{
	json_error_t error;
	json_t *root = strcmp(path, "-") ? json_load_file(path, 0, &error) : json_loadf(stdin, 0, &error);
	if (!root) {
		tarn_fail(err, TARN_EINVALID, "\"%s\", line %d: %s", path, error.line, error.text);
		return NULL;
	}
	if (json_is_object(json_object_get(root, "config")))
		return root;
	json_t *whole = json_pack("{s:O?, s:o}", "name", json_object_get(root, "name"), "config", root);
	if (!whole)
		tarn_fail(err, TARN_EINVALID,
			  "\"%s\" is no connector's configuration: expected an object with a \"name\"", path);
	return whole;
}

static int run_create(int argc, char **argv)
{
	const char *url = TARN_CONNECT_DEFAULT_URL;
	int exit_code;
	const struct tarn_option options[] = { TARN_OPTION_CONNECT(&url) };
	const struct tarn_usage usage = {
		.command = "connector create",
		.section = SECTION,
		.arguments = "FILE",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Creates a connector from its JSON, as Kafka Connect takes it; - is standard input.",
		.example = "  tarn connector create minio-sink-config.json",
		.options = options,
		.n_options = 1,
	};
	struct tarn_err err;
	json_t *answer = NULL;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	json_t *body = read_file(argv[1], &err);
	if (!body || tarn_connect_ask(url, "POST", "/connectors", body, &answer, &err)) {
		json_decref(body);
		return tarn_print_error(&err);
	}
	printf("%s: created\n", text_at(answer, "name"));
	json_decref(body);
	json_decref(answer);
	return TARN_EXIT_DONE;
}

/* Commands that are one request about one connector. */
struct change {
	const char *word, *method, *rest, *done, *summary;
};

static const struct change changes[] = {
	{ "pause", "PUT", "/pause", "paused", "Stops a connector's tasks; it stays paused until it is resumed." },
	{ "resume", "PUT", "/resume", "resumed", "Starts the tasks of a paused or stopped connector again." },
	{ "stop", "PUT", "/stop", "stopped", "Stops a connector, so that its offsets may be changed." },
	{ "restart", "POST", "/restart?includeTasks=true", "restarted", "Stops and starts a connector's tasks." },
	{ "delete", "DELETE", "", "deleted", "Deletes a connector. Its objects and its offsets stay." },
};

static enum tarn_rc change(const char *url, const char *name, const struct change *what, struct tarn_err *err)
{
	json_t *answer = NULL;
	char *path = tarn_connect_path(name, what->rest);
	enum tarn_rc rc = tarn_connect_ask(url, what->method, path, NULL, &answer, err);
	free(path);
	json_decref(answer);
	return rc;
}

static int run_change(int argc, char **argv)
{
	const char *url = TARN_CONNECT_DEFAULT_URL;
	const struct change *what = changes;
	int exit_code;
	while (strcmp(what->word, argv[0]))
		what++;
	char command[64];
	snprintf(command, sizeof(command), "connector %s", what->word);
	bool deletes = !strcmp(what->word, "delete"), execute = false;
	const struct tarn_option options[] = {
		TARN_OPTION_CONNECT(&url),
		{ .name = "delete", .help = "do it; without this, only say what would go", .flag = &execute },
	};
	const struct tarn_usage usage = {
		.command = command,
		.section = SECTION,
		.arguments = "NAME...",
		.min_arguments = 1,
		.max_arguments = 100,
		.summary = what->summary,
		.options = options,
		.n_options = deletes ? 2 : 1,
	};
	struct tarn_err err;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	for (int i = 1; i < argc; i++) {
		if (deletes && !execute) {
			printf("%s would be deleted; --delete does it\n", argv[i]);
			continue;
		}
		if (change(url, argv[i], what, &err))
			return tarn_print_error(&err);
		printf("%s: %s\n", argv[i], what->done);
	}
	return TARN_EXIT_DONE;
}

static void print_offsets(const json_t *offsets)
{
	static const struct tarn_print_column columns[] = { { .title = "TOPIC" },
							    { .title = "PARTITION", .right = true },
							    { .title = "OFFSET", .right = true } };
	struct tarn_print_table *table = tarn_print_table_new(columns, 3);
	json_t *item;
	size_t i;
	json_array_foreach(json_object_get(offsets, "offsets"), i, item)
	{
		const json_t *partition = json_object_get(item, "partition"), *offset = json_object_get(item, "offset");
		tarn_print_cell(table, text_at(partition, "kafka_topic"));
		tarn_print_cell_count(table, json_integer_value(json_object_get(partition, "kafka_partition")));
		tarn_print_cell_count(table, json_integer_value(json_object_get(offset, "kafka_offset")));
	}
	tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
}

/* Deletes something: shows what it is, and does it only when told. */
static int run_reset(int argc, char **argv)
{
	const char *url = TARN_CONNECT_DEFAULT_URL;
	bool yes = false;
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTION_CONNECT(&url),
		{ .name = "delete", .help = "do it; without this, only show the offsets", .flag = &yes },
	};
	const struct tarn_usage usage = {
		.command = "connector reset",
		.section = SECTION,
		.arguments = "NAME",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Forgets the offsets of a stopped connector, so that it reads again what its topics still "
			   "have. Objects of the\n"
			   "same names are replaced.",
		.options = options,
		.n_options = 2,
	};
	struct tarn_err err;
	json_t *offsets = NULL;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	char *path = tarn_connect_path(argv[1], "/offsets");
	enum tarn_rc rc = tarn_connect_ask(url, "GET", path, NULL, &offsets, &err);
	if (!rc) {
		print_offsets(offsets);
		json_decref(offsets);
		offsets = NULL;
	}
	if (!rc && yes)
		rc = tarn_connect_ask(url, "DELETE", path, NULL, &offsets, &err);
	free(path);
	if (rc)
		return tarn_print_error(&err);
	puts(yes ? "These offsets are forgotten." : "These offsets would be forgotten; --delete does it.");
	json_decref(offsets);
	return TARN_EXIT_DONE;
}

/* ---- tarn connector ---- */

static const struct tarn_command subcommand_ls = { "ls", "connectors and their tasks", run_ls };
static const struct tarn_command subcommand_create = { "create", "a new one from its JSON", run_create };
static const struct tarn_command subcommand_status = { "status", "what one does, and why it failed", run_status };
static const struct tarn_command subcommand_pause = { "pause", "until it is resumed", run_change };
static const struct tarn_command subcommand_resume = { "resume", "one that was paused or stopped", run_change };
static const struct tarn_command subcommand_stop = { "stop", "so that its offsets may be changed", run_change };
static const struct tarn_command subcommand_restart = { "restart", "its tasks", run_change };
static const struct tarn_command subcommand_reset = { "reset", "forget its offsets", run_reset };
static const struct tarn_command subcommand_delete = { "delete", "one; its objects stay", run_change };

static int run(int argc, char **argv)
{
	static const struct tarn_command *const subcommands[] = {
		&subcommand_ls,	  &subcommand_create,  &subcommand_status, &subcommand_pause,  &subcommand_resume,
		&subcommand_stop, &subcommand_restart, &subcommand_reset,  &subcommand_delete, NULL,
	};
	return tarn_subcommand_run(&tarn_command_connector, subcommands, argc, argv);
}

const struct tarn_command tarn_command_connector = { "connector", "look at the sink's connectors, and change them",
						     run };
