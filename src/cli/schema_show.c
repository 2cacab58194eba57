/* `tarn schema ls` and `tarn schema show`. */
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/schema_command.h"

/* ---- ls ---- */

/* The level that holds for a subject; "?" where the registry does not tell. The caller's. */
static char *level_of(struct tarn_registry_client *client, const char *subject)
{
	char *path = tarn_schema_path("/config/%s?defaultToGlobal=true", subject), *level = NULL;
	json_t *config;
	if (!tarn_schema_ask(client, "GET", path, NULL, &config, NULL)) {
		const char *name = json_string_value(json_object_get(config, "compatibilityLevel"));
		level = tarn_strdup(name ? name : "?");
		json_decref(config);
	}
	free(path);
	return level ? level : tarn_strdup("?");
}

/* How many of the list, from i on, are of the subject of the first. */
static size_t versions_of(const json_t *schemas, size_t i)
{
	const char *subject = json_string_value(json_object_get(json_array_get(schemas, i), "subject"));
	size_t n = 1;
	while (i + n < json_array_size(schemas) &&
	       !strcmp(json_string_value(json_object_get(json_array_get(schemas, i + n), "subject")), subject))
		n++;
	return n;
}

static int64_t number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static const char *text(const json_t *json, const char *key, const char *otherwise)
{
	const char *found = json_string_value(json_object_get(json, key));
	return found ? found : otherwise;
}

static void list_subject(struct tarn_registry_client *client, const json_t *schemas, size_t i, size_t n,
			 struct tarn_print_table *table, struct tarn_buf *json)
{
	const json_t *latest = json_array_get(schemas, i + n - 1);
	const char *subject = text(latest, "subject", "");
	char *level = level_of(client, subject);
	if (table) {
		tarn_print_cell(table, subject);
		tarn_print_cell_count(table, (int64_t)n);
		tarn_print_cell_count(table, number(latest, "version"));
		tarn_print_cell_count(table, number(latest, "id"));
		tarn_print_cell(table, text(latest, "schemaType", "AVRO"));
		tarn_print_cell(table, level);
		tarn_print_cell(table, json_is_true(json_object_get(latest, "deleted")) ? "deleted" : "");
	} else {
		tarn_print_json_begin(json, '{');
		tarn_print_json_key(json, "subject");
		tarn_print_json_text(json, subject);
		tarn_print_json_key(json, "versions");
		tarn_print_json_int(json, (int64_t)n);
		tarn_print_json_key(json, "latest");
		tarn_print_json_int(json, number(latest, "version"));
		tarn_print_json_key(json, "id");
		tarn_print_json_int(json, number(latest, "id"));
		tarn_print_json_key(json, "type");
		tarn_print_json_text(json, text(latest, "schemaType", "AVRO"));
		tarn_print_json_key(json, "compatibility");
		tarn_print_json_text(json, level);
		tarn_print_json_key(json, "deleted");
		tarn_print_json_bool(json, json_is_true(json_object_get(latest, "deleted")));
		tarn_print_json_end(json, '}');
		tarn_print_json_line(json, stdout);
	}
	free(level);
}

static int run_ls(int argc, char **argv)
{
	struct tarn_schema_options registry = TARN_SCHEMA_OPTIONS_DEFAULT;
	bool json = false, deleted = false;
	const struct tarn_option options[] = {
		TARN_OPTIONS_SCHEMA(&registry),
		{ .name = "deleted", .help = "also what was deleted, but not for good", .flag = &deleted },
		{ .name = "json", .help = "print JSON, for machines", .flag = &json },
	};
	const struct tarn_usage usage = {
		.command = "schema ls",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "[PREFIX]",
		.max_arguments = 1,
		.summary = "Lists subjects with their newest version.",
		.example = "  tarn schema ls\n  tarn schema ls experiment. --json",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	static const struct tarn_print_column columns[] = {
		{ .title = "subject" },
		{ .title = "versions", .right = true },
		{ .title = "latest", .right = true },
		{ .title = "id", .right = true },
		{ .title = "type" },
		{ .title = "compatibility" },
		{ .title = "" },
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	struct tarn_registry_client *client = NULL;
	struct tarn_err err;
	json_t *schemas = NULL;
	char *path = tarn_schema_path(deleted ? "/schemas?deleted=true&subjectPrefix=%s" : "/schemas?subjectPrefix=%s",
				      argc > 1 ? argv[1] : "");
	enum tarn_rc rc = tarn_schema_client(&registry, &client, &err);
	if (!rc)
		rc = tarn_schema_ask(client, "GET", path, NULL, &schemas, &err);
	if (!rc) {
		struct tarn_print_table *table = json ? NULL : tarn_print_table_new(columns, 7);
		struct tarn_buf line;
		tarn_buf_init(&line, 1 << 20);
		for (size_t i = 0, n; i < json_array_size(schemas); i += n) {
			n = versions_of(schemas, i);
			list_subject(client, schemas, i, n, table, &line);
		}
		if (table)
			tarn_print_table_write(table, stdout);
		tarn_print_table_free(table);
		tarn_buf_release(&line);
	}
	json_decref(schemas);
	free(path);
	tarn_registry_client_free(client);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- show ---- */

static void print_schema(const json_t *answer, bool whole)
{
	if (whole) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	char *pretty = tarn_schema_pretty(text(answer, "schema", ""));
	puts(pretty);
	free(pretty);
}

static char *path_to_show(const char *subject, const char *version, int64_t id)
{
	if (id >= 0)
		return tarn_asprintf("/schemas/ids/%lld", (long long)id);
	char *format = tarn_asprintf("/subjects/%%s/versions/%s?deleted=true", version);
	char *path = tarn_schema_path(format, subject);
	free(format);
	return path;
}

static int run_show(int argc, char **argv)
{
	struct tarn_schema_options registry = TARN_SCHEMA_OPTIONS_DEFAULT;
	bool json = false;
	int64_t id = -1;
	const struct tarn_option options[] = {
		TARN_OPTIONS_SCHEMA(&registry),
		{ .name = "id", .argument = "N", .help = "the schema of this id", .number = &id },
		{ .name = "json", .help = "print the registry's answer, for machines", .flag = &json },
	};
	const struct tarn_usage usage = {
		.command = "schema show",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "[SUBJECT [VERSION]]",
		.max_arguments = 2,
		.summary = "Prints a schema: the newest of a subject, one of its versions, or that of an id.",
		.example = "  tarn schema show experiment.vqe-value\n  tarn schema show --id 7",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if ((argc > 1) == (id >= 0))
		return tarn_options_refuse(&usage, "either SUBJECT or --id");
	if (argc > 2 && strcmp(argv[2], "latest") && strspn(argv[2], "0123456789") != strlen(argv[2]))
		return tarn_options_refuse(&usage, "\"%s\" is no version", argv[2]);
	struct tarn_registry_client *client = NULL;
	struct tarn_err err;
	json_t *answer = NULL;
	char *path = path_to_show(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "latest", id);
	enum tarn_rc rc = tarn_schema_client(&registry, &client, &err);
	if (!rc)
		rc = tarn_schema_ask(client, "GET", path, NULL, &answer, &err);
	if (!rc)
		print_schema(answer, json);
	json_decref(answer);
	free(path);
	tarn_registry_client_free(client);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_schema_ls = { "ls", "subjects and their newest versions", run_ls };
const struct tarn_command tarn_command_schema_show = { "show", "print a schema", run_show };
