/* `tarn schema register`, `check`, `rm` and `config`. */
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/schema_command.h"

/* ---- register and check ---- */

struct submission {
	struct tarn_schema_options registry;
	const char *type, *references;
	bool json;
};

/* Posts the schema of a file and hands the answer over. */
static enum tarn_rc post(const struct submission *how, const char *format, const char *subject, const char *file,
			 json_t **answer, struct tarn_err *err)
{
	struct tarn_registry_client *client = NULL;
	json_t *body = NULL;
	char *path = tarn_schema_path(format, subject);
	enum tarn_rc rc = tarn_schema_body(file, how->type, how->references, &body, err);
	if (!rc)
		rc = tarn_schema_client(&how->registry, &client, err);
	if (!rc)
		rc = tarn_schema_ask(client, "POST", path, body, answer, err);
	json_decref(body);
	free(path);
	tarn_registry_client_free(client);
	return rc;
}

#define SUBMISSION_OPTIONS(how)                                                                                        \
	TARN_OPTIONS_SCHEMA(&(how)->registry),                                                                         \
		{ .name = "type",                                                                                      \
		  .argument = "AVRO|JSON|PROTOBUF",                                                                    \
		  .help = "by default what FILE is called: .json, .proto, else Avro",                                  \
		  .text = &(how)->type },                                                                              \
		{ .name = "references",                                                                                \
		  .argument = "NAME=SUBJECT:VERSION,...",                                                              \
		  .help = "types that the schema takes from other subjects",                                           \
		  .text = &(how)->references },                                                                        \
	{                                                                                                              \
		.name = "json", .help = "print the registry's answer, for machines", .flag = &(how)->json              \
	}

static void print_answer(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_COMPACT);
	putchar('\n');
}

static int run_register(int argc, char **argv)
{
	struct submission how = { .registry = TARN_SCHEMA_OPTIONS_DEFAULT };
	const struct tarn_option options[] = { SUBMISSION_OPTIONS(&how) };
	const struct tarn_usage usage = {
		.command = "schema register",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "SUBJECT FILE",
		.min_arguments = 2,
		.max_arguments = 2,
		.summary = "Registers the schema in FILE as the subject's next version, unless it is there, and prints "
			   "its id.",
		.example = "  tarn schema register experiment.vqe-value vqe.avsc",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	struct tarn_err err;
	json_t *answer;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (post(&how, "/subjects/%s/versions", argv[1], argv[2], &answer, &err))
		return tarn_print_error(&err);
	if (how.json)
		print_answer(answer);
	else
		printf("%lld\n", (long long)json_integer_value(json_object_get(answer, "id")));
	json_decref(answer);
	return TARN_EXIT_DONE;
}

static int run_check(int argc, char **argv)
{
	struct submission how = { .registry = TARN_SCHEMA_OPTIONS_DEFAULT };
	const struct tarn_option options[] = { SUBMISSION_OPTIONS(&how) };
	const struct tarn_usage usage = {
		.command = "schema check",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "SUBJECT FILE",
		.min_arguments = 2,
		.max_arguments = 2,
		.summary = "Tells whether the schema in FILE could be the subject's next version, and why not. Exit "
			   "code 1: it "
			   "could not.",
		.example = "  tarn schema check experiment.vqe-value vqe.avsc",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	struct tarn_err err;
	json_t *answer;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (post(&how, "/compatibility/subjects/%s/versions?verbose=true", argv[1], argv[2], &answer, &err))
		return tarn_print_error(&err);
	bool fits = json_is_true(json_object_get(answer, "is_compatible"));
	const json_t *messages = json_object_get(answer, "messages");
	if (how.json)
		print_answer(answer);
	else
		puts(fits ? "it fits" : "it does not fit:");
	for (size_t i = 0; !how.json && !fits && i < json_array_size(messages); i++)
		printf("  %s\n", json_string_value(json_array_get(messages, i)));
	json_decref(answer);
	return fits ? TARN_EXIT_DONE : TARN_EXIT_FAILED;
}

/* ---- rm ---- */

/* The versions that would go; with `permanent` only those that are deleted already. */
static enum tarn_rc versions_to_remove(struct tarn_registry_client *client, const char *subject, bool permanent,
				       json_t **versions, struct tarn_err *err)
{
	char *path = tarn_schema_path(permanent ? "/subjects/%s/versions?deletedOnly=true" : "/subjects/%s/versions",
				      subject);
	enum tarn_rc rc = tarn_schema_ask(client, "GET", path, NULL, versions, err);
	free(path);
	return rc;
}

static enum tarn_rc tell_what_would_go(struct tarn_registry_client *client, const char *subject, const char *version,
				       bool permanent, struct tarn_err *err)
{
	json_t *versions;
	enum tarn_rc rc = versions_to_remove(client, subject, permanent, &versions, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < json_array_size(versions); i++) {
		char number[32];
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(json_array_get(versions, i)));
		bool is_last = i + 1 == json_array_size(versions);
		if (!version || !strcmp(version, number) || (is_last && !strcmp(version, "latest")))
			printf("would delete %s version %s%s\n", subject, number, permanent ? " for good" : "");
	}
	json_decref(versions);
	return TARN_OK;
}

static enum tarn_rc remove_it(struct tarn_registry_client *client, const char *subject, const char *version,
			      bool permanent, struct tarn_err *err)
{
	char *format =
		version ? tarn_asprintf("/subjects/%%s/versions/%s%s", version, permanent ? "?permanent=true" : "")
			: tarn_asprintf("/subjects/%%s%s", permanent ? "?permanent=true" : "");
	char *path = tarn_schema_path(format, subject);
	json_t *answer;
	enum tarn_rc rc = tarn_schema_ask(client, "DELETE", path, NULL, &answer, err);
	if (!rc) {
		const char *end = permanent ? " for good" : "";
		if (json_is_integer(answer))
			printf("deleted %s version %lld%s\n", subject, (long long)json_integer_value(answer), end);
		for (size_t i = 0; i < json_array_size(answer); i++)
			printf("deleted %s version %lld%s\n", subject,
			       (long long)json_integer_value(json_array_get(answer, i)), end);
		json_decref(answer);
	}
	free(path);
	free(format);
	return rc;
}

static int run_rm(int argc, char **argv)
{
	struct tarn_schema_options registry = TARN_SCHEMA_OPTIONS_DEFAULT;
	bool permanent = false, dry_run = false;
	const struct tarn_option options[] = {
		TARN_OPTIONS_SCHEMA(&registry),
		{ .name = "permanent", .help = "for good, of what was deleted before", .flag = &permanent },
		{ .name = "dry-run", .letter = 'n', .help = "only tell what would be deleted", .flag = &dry_run },
	};
	const struct tarn_usage usage = {
		.command = "schema rm",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "SUBJECT [VERSION]",
		.min_arguments = 1,
		.max_arguments = 2,
		.summary = "Deletes a subject or one of its versions. Schemas stay readable by their ids until they "
			   "are deleted "
			   "a second time, with --permanent.",
		.example = "  tarn schema rm old-value --dry-run\n  tarn schema rm old-value 3",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	const char *version = argc > 2 ? argv[2] : NULL;
	if (version && strcmp(version, "latest") && strspn(version, "0123456789") != strlen(version))
		return tarn_options_refuse(&usage, "\"%s\" is no version", version);
	struct tarn_registry_client *client = NULL;
	struct tarn_err err;
	enum tarn_rc rc = tarn_schema_client(&registry, &client, &err);
	if (!rc)
		rc = dry_run ? tell_what_would_go(client, argv[1], version, permanent, &err)
			     : remove_it(client, argv[1], version, permanent, &err);
	tarn_registry_client_free(client);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- config ---- */

static enum tarn_rc set_level(struct tarn_registry_client *client, const char *path, const char *level, bool unset,
			      struct tarn_err *err)
{
	if (unset)
		return tarn_schema_ask(client, "DELETE", path, NULL, NULL, err);
	json_t *body = json_pack("{s:s}", "compatibility", level);
	enum tarn_rc rc = tarn_schema_ask(client, "PUT", path, body, NULL, err);
	json_decref(body);
	return rc;
}

static enum tarn_rc show_config(struct tarn_registry_client *client, const char *path, bool json, struct tarn_err *err)
{
	json_t *answer;
	char *whole = tarn_asprintf("%s?defaultToGlobal=true", path);
	enum tarn_rc rc = tarn_schema_ask(client, "GET", whole, NULL, &answer, err);
	free(whole);
	if (rc)
		return rc;
	const char *level = json_string_value(json_object_get(answer, "compatibilityLevel"));
	if (json)
		print_answer(answer);
	else
		puts(level ? level : "?");
	json_decref(answer);
	return TARN_OK;
}

static int run_config(int argc, char **argv)
{
	struct tarn_schema_options registry = TARN_SCHEMA_OPTIONS_DEFAULT;
	bool json = false, unset = false;
	const char *level = NULL;
	const struct tarn_option options[] = {
		TARN_OPTIONS_SCHEMA(&registry),
		{ .name = "compatibility",
		  .argument = "LEVEL",
		  .help = "NONE, BACKWARD, FORWARD, FULL, or one of the last three with _TRANSITIVE",
		  .text = &level },
		{ .name = "unset", .help = "back to what holds for all", .flag = &unset },
		{ .name = "json", .help = "print the whole configuration, for machines", .flag = &json },
	};
	const struct tarn_usage usage = {
		.command = "schema config",
		.section = TARN_SCHEMA_SECTION,
		.arguments = "[SUBJECT]",
		.max_arguments = 1,
		.summary = "Shows or changes what a subject's versions must fit, or those of all subjects.",
		.example = "  tarn schema config experiment.vqe-value --compatibility FULL",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	int exit_code;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (level && unset)
		return tarn_options_refuse(&usage, "either --compatibility or --unset");
	struct tarn_registry_client *client = NULL;
	struct tarn_err err;
	char *path = argc > 1 ? tarn_schema_path("/config/%s", argv[1]) : tarn_strdup("/config");
	enum tarn_rc rc = tarn_schema_client(&registry, &client, &err);
	if (!rc && (level || unset))
		rc = set_level(client, path, level, unset, &err);
	if (!rc)
		rc = show_config(client, path, json, &err);
	free(path);
	tarn_registry_client_free(client);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_schema_register = { "register", "a schema as a subject's next version",
							   run_register };
const struct tarn_command tarn_command_schema_check = { "check", "could a schema be a subject's next version?",
							run_check };
const struct tarn_command tarn_command_schema_rm = { "rm", "delete a subject or a version", run_rm };
const struct tarn_command tarn_command_schema_config = { "config", "what versions must fit: show or change",
							 run_config };
