/* `tarn schema`: what its sub-commands share. Part of the network module. */
#ifndef TARN_CLI_SCHEMA_COMMAND_H
#define TARN_CLI_SCHEMA_COMMAND_H

#include <jansson.h>

#include "cli/command.h"
#include "cli/options.h"
#include "serialize/schema/registry_client.h"

extern const struct tarn_command tarn_command_schema;
extern const struct tarn_command tarn_command_schema_ls, tarn_command_schema_show, tarn_command_schema_register,
	tarn_command_schema_check, tarn_command_schema_diff, tarn_command_schema_rm, tarn_command_schema_config,
	tarn_command_schema_export, tarn_command_schema_import;

#define TARN_SCHEMA_SECTION "SCHEMA"
#define TARN_SCHEMA_DEFAULT_REGISTRY "http://localhost:8081"

/* Which registry. */
struct tarn_schema_options {
	const char *url, *user, *password, *ca;
};
#define TARN_SCHEMA_OPTIONS_DEFAULT                                                                                    \
	{                                                                                                              \
		.url = TARN_SCHEMA_DEFAULT_REGISTRY                                                                    \
	}
/* The options in a command's table: four entries. */
#define TARN_OPTIONS_SCHEMA(options)                                                                                   \
	{ .name = "registry",                                                                                          \
	  .argument = "URL",                                                                                           \
	  .help = "the schema registry (default: " TARN_SCHEMA_DEFAULT_REGISTRY ")",                                   \
	  .text = &(options)->url },                                                                                   \
		{ .name = "registry-user",                                                                             \
		  .argument = "NAME",                                                                                  \
		  .help = "who we are to the registry",                                                                \
		  .text = &(options)->user },                                                                          \
		{ .name = "registry-password",                                                                         \
		  .argument = "TEXT",                                                                                  \
		  .help = "better from TARN_SCHEMA_REGISTRY_PASSWORD",                                                 \
		  .text = &(options)->password },                                                                      \
	{                                                                                                              \
		.name = "registry-ca", .argument = "FILE", .help = "PEM of whom to trust", .text = &(options)->ca      \
	}

enum tarn_rc tarn_schema_client(const struct tarn_schema_options *options, struct tarn_registry_client **client,
				struct tarn_err *err) TARN_MUST_CHECK;
/* One request. `body` NULL: none. An answer other than 2xx is an error in the registry's words. *answer is the
 * caller's; NULL: not wanted. */
enum tarn_rc tarn_schema_ask(struct tarn_registry_client *client, const char *method, const char *path,
			     const json_t *body, json_t **answer, struct tarn_err *err) TARN_MUST_CHECK;
/* A path with %s for a subject, which is percent-encoded; the caller's. */
char *tarn_schema_path(const char *format, const char *subject);
/* The body of a request for the schema in a file: type by its name (.avsc, .json, .proto) unless `type` says.
 * `references`: NAME=SUBJECT:VERSION, several with commas, or NULL. The caller's. */
enum tarn_rc tarn_schema_body(const char *file, const char *type, const char *references, json_t **body,
			      struct tarn_err *err) TARN_MUST_CHECK;
/* A schema's text for people: JSON indented, else as it is. The caller's. */
char *tarn_schema_pretty(const char *text);

#endif
