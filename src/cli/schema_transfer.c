/* `tarn schema export` and `tarn schema import`: a registry as lines of JSON, with its ids.
 *
 *   {"subject":S,"version":V,"id":N,"schemaType":T,"references":[...],"schema":"..."}     in the order of ids, so that
 * what is referred to comes first
 *   {"config":{"subject":S,"compatibilityLevel":L}}                                      without subject: for all */
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/schema_command.h"

/* ---- export ---- */

static json_int_t number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static int compare_by_id(const void *a, const void *b)
{
	const json_t *first = *(const json_t *const *)a, *second = *(const json_t *const *)b;
	json_int_t by_id = number(first, "id") - number(second, "id");
	return by_id < 0 ? -1 : by_id > 0;
}

static void print_json(const json_t *json, FILE *out)
{
	json_dumpf(json, out, JSON_COMPACT);
	putc('\n', out);
}

/* Of a subject (NULL: for all) what is configured for it alone. */
static enum tarn_rc export_config(struct tarn_registry_client *client, const char *subject, FILE *out,
				  struct tarn_err *err)
{
	char *path = subject ? tarn_schema_path("/config/%s", subject) : tarn_strdup("/config");
	json_t *config;
	enum tarn_rc rc = tarn_schema_ask(client, "GET", path, NULL, &config, err);
	free(path);
	if (rc)
		return rc == TARN_ENOTFOUND ? TARN_OK : rc;
	if (subject)
		json_object_set_new(config, "subject", json_string(subject));
	json_t *line = json_pack("{s:o}", "config", config);
	print_json(line, out);
	json_decref(line);
	return TARN_OK;
}

static enum tarn_rc export_all(struct tarn_registry_client *client, FILE *out, struct tarn_err *err)
{
	json_t *schemas, *subjects = NULL;
	enum tarn_rc rc = tarn_schema_ask(client, "GET", "/schemas", NULL, &schemas, err);
	if (rc)
		return rc;
	size_t n = json_array_size(schemas);
	const json_t **lines = tarn_calloc(n, sizeof(json_t *));
	for (size_t i = 0; i < n; i++)
		lines[i] = json_array_get(schemas, i);
	qsort(lines, n, sizeof(json_t *), compare_by_id);
	for (size_t i = 0; i < n; i++)
		print_json(lines[i], out);
	free(lines);
	json_decref(schemas);
	rc = export_config(client, NULL, out, err);
	if (!rc)
		rc = tarn_schema_ask(client, "GET", "/subjects", NULL, &subjects, err);
	for (size_t i = 0; !rc && i < json_array_size(subjects); i++)
		rc = export_config(client, json_string_value(json_array_get(subjects, i)), out, err);
	json_decref(subjects);
	return rc;
}

static int run_export(int argc, char **argv)
{
	struct tarn_schema_options registry = TARN_SCHEMA_OPTIONS_DEFAULT;
	const struct tarn_option options[] = { TARN_OPTIONS_SCHEMA(&registry) };
	const struct tarn_usage usage = {
		.command = "schema export",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "",
		.summary = "Prints all schemas of a registry and its configuration, as lines of JSON that `tarn schema "
			   "import` "
			   "reads.",
		.example = "  tarn schema export --registry http://old:8081 | tarn schema import -",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	struct tarn_registry_client *client = NULL;
	struct tarn_err err;
	enum tarn_rc rc = tarn_schema_client(&registry, &client, &err);
	if (!rc)
		rc = export_all(client, stdout, &err);
	tarn_registry_client_free(client);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- import ---- */

struct import {
	struct tarn_registry_client *client;
	json_t *opened; /* subjects that were put into mode IMPORT, as keys */
	bool new_ids;
	size_t schemas, present, configs;
};

static enum tarn_rc set_mode(struct tarn_registry_client *client, const char *subject, const char *mode,
			     struct tarn_err *err)
{
	char *path = tarn_schema_path(mode ? "/mode/%s?force=true" : "/mode/%s", subject);
	json_t *body = mode ? json_pack("{s:s}", "mode", mode) : NULL;
	enum tarn_rc rc = tarn_schema_ask(client, mode ? "PUT" : "DELETE", path, body, NULL, err);
	json_decref(body);
	free(path);
	return rc;
}

/* What is there already under the same version and id stays as it is. */
static bool is_present(struct import *import, const char *subject, const json_t *line)
{
	json_t *answer = NULL;
	char *format = tarn_asprintf("/subjects/%%s/versions/%lld", (long long)number(line, "version"));
	char *path = tarn_schema_path(format, subject);
	bool same = !tarn_schema_ask(import->client, "GET", path, NULL, &answer, NULL) &&
		    number(answer, "id") == number(line, "id") &&
		    json_equal(json_object_get(answer, "schema"), json_object_get(line, "schema"));
	json_decref(answer);
	free(path);
	free(format);
	return same;
}

static enum tarn_rc import_schema(struct import *import, const json_t *line, struct tarn_err *err)
{
	const char *subject = json_string_value(json_object_get(line, "subject"));
	if (!import->new_ids && is_present(import, subject, line)) {
		import->present++;
		return TARN_OK;
	}
	enum tarn_rc rc = TARN_OK;
	if (!import->new_ids && !json_object_get(import->opened, subject)) {
		rc = set_mode(import->client, subject, "IMPORT", err);
		json_object_set_new(import->opened, subject, json_true());
	}
	static const char *const kept[] = {
		"schema", "schemaType", "references", "metadata", "ruleSet", "id", "version"
	};
	json_t *body = json_object();
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept) - (import->new_ids ? 2 : 0); i++)
		if (json_object_get(line, kept[i]))
			json_object_set(body, kept[i], json_object_get(line, kept[i]));
	char *path = tarn_schema_path("/subjects/%s/versions", subject);
	if (!rc)
		rc = tarn_schema_ask(import->client, "POST", path, body, NULL, err);
	json_decref(body);
	free(path);
	import->schemas += !rc;
	return rc;
}

static enum tarn_rc import_config(struct import *import, const json_t *config, struct tarn_err *err)
{
	const char *subject = json_string_value(json_object_get(config, "subject"));
	json_t *body = json_copy((json_t *)(uintptr_t)config), *level = json_object_get(body, "compatibilityLevel");
	char *path = subject ? tarn_schema_path("/config/%s", subject) : tarn_strdup("/config");
	json_object_del(body, "subject");
	if (level)
		json_object_set(body, "compatibility", level);
	json_object_del(body, "compatibilityLevel");
	enum tarn_rc rc = tarn_schema_ask(import->client, "PUT", path, body, NULL, err);
	json_decref(body);
	free(path);
	import->configs += !rc;
	return rc;
}

static enum tarn_rc import_line(struct import *import, const char *text, size_t len, struct tarn_err *err)
{
	json_error_t where;
	json_t *line = json_loadb(text, len, 0, &where);
	const json_t *config = json_object_get(line, "config");
	enum tarn_rc rc;
	if (!line)
		rc = tarn_fail(err, TARN_EINVALID, "this is not JSON: %s", where.text);
	else if (json_is_object(config))
		rc = import_config(import, config, err);
	else if (!json_is_string(json_object_get(line, "subject")) || !json_is_string(json_object_get(line, "schema")))
		rc = tarn_fail(err, TARN_EINVALID, "neither a schema nor a configuration");
	else
		rc = import_schema(import, line, err);
	json_decref(line);
	return rc;
}

/* Also after a failure: subjects do not stay in mode IMPORT. */
static enum tarn_rc close_subjects(struct import *import, enum tarn_rc rc, struct tarn_err *err)
{
	const char *subject;
	json_t *value;
	json_object_foreach(import->opened, subject, value)
	{
		struct tarn_err own;
		if (set_mode(import->client, subject, NULL, &own) && !rc) {
			*err = own;
			rc = own.code;
		}
	}
	return rc;
}

static enum tarn_rc import_all(struct import *import, FILE *in, struct tarn_err *err)
{
	char *line = NULL;
	size_t size = 0, n = 0;
	ssize_t len;
	enum tarn_rc rc = TARN_OK;
	while (!rc && (len = getline(&line, &size, in)) > 0) {
		n++;
		rc = import_line(import, line, (size_t)len, err);
		if (rc)
			rc = tarn_err_within(err, rc, "line %zu", n);
	}
	free(line);
	return close_subjects(import, rc, err);
}

static int run_import(int argc, char **argv)
{
	struct tarn_schema_options registry = TARN_SCHEMA_OPTIONS_DEFAULT;
	struct import import = { 0 };
	const struct tarn_option options[] = {
		TARN_OPTIONS_SCHEMA(&registry),
		{ .name = "new-ids", .help = "let the registry choose ids and versions", .flag = &import.new_ids },
	};
	const struct tarn_usage usage = {
		.command = "schema import",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "FILE",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Brings schemas and configuration into a registry, with the ids and versions that they had, "
			   "so that "
			   "messages stay readable. What is there already is left alone. FILE -: standard input.",
		.example = "  tarn schema import schemas.jsonl",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	struct tarn_err err;
	FILE *in = strcmp(argv[1], "-") ? fopen(argv[1], "r") : stdin;
	enum tarn_rc rc = in ? tarn_schema_client(&registry, &import.client, &err)
			     : tarn_fail_errno(&err, "cannot read \"%s\"", argv[1]);
	import.opened = json_object();
	if (!rc)
		rc = import_all(&import, in, &err);
	if (!rc)
		printf("%zu schemas and %zu configurations came in, %zu schemas were there\n", import.schemas,
		       import.configs, import.present);
	json_decref(import.opened);
	tarn_registry_client_free(import.client);
	if (in && in != stdin)
		fclose(in);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_schema_export = { "export", "all schemas as lines of JSON", run_export };
const struct tarn_command tarn_command_schema_import = { "import", "schemas of another registry, with their ids",
							 run_import };
