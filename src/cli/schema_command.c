/* `tarn schema`, and how its sub-commands ask the registry. */
#include "cli/schema_command.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/print.h"

enum tarn_rc tarn_schema_client(const struct tarn_schema_options *options, struct tarn_registry_client **client,
				struct tarn_err *err)
{
	const struct tarn_registry_client_options how = {
		.url = options->url,
		.user = options->user,
		.password = options->password,
		.ca = options->ca,
	};
	return tarn_registry_client_open(&how, client, err);
}

static enum tarn_rc refused(int status, const json_t *answer, struct tarn_err *err)
{
	const char *message = json_string_value(json_object_get(answer, "message"));
	enum tarn_rc rc = status == 404 ? TARN_ENOTFOUND : status == 409 ? TARN_ECONFLICT : TARN_EINVALID;
	if (status == 401 || status == 403) {
		rc = tarn_fail(err, rc, "the registry refuses the credentials (HTTP %d)", status);
		tarn_err_hint(err, "--registry-user and TARN_SCHEMA_REGISTRY_PASSWORD");
		return rc;
	}
	return tarn_fail(err, status >= 500 ? TARN_EIO : rc, "the registry says: %s (HTTP %d)",
			 message ? message : "no reason", status);
}

enum tarn_rc tarn_schema_ask(struct tarn_registry_client *client, const char *method, const char *path,
			     const json_t *body, json_t **answer, struct tarn_err *err)
{
	struct tarn_buf bytes;
	json_error_t where;
	int status = 0;
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_registry_ask(client, method, path, text, &status, &bytes, err);
	free(text);
	if (rc) {
		tarn_buf_release(&bytes);
		return rc;
	}
	json_t *json = json_loadb(bytes.data ? (const char *)bytes.data : "", bytes.len, JSON_DECODE_ANY, &where);
	tarn_buf_release(&bytes);
	if (status < 200 || status > 299)
		rc = refused(status, json, err);
	else if (!json)
		rc = tarn_fail(err, TARN_EIO, "the registry's answer is not JSON: %s", where.text);
	if (rc || !answer)
		json_decref(json);
	else
		*answer = json;
	return rc;
}

char *tarn_schema_path(const char *format, const char *subject)
{
	struct tarn_buf path;
	tarn_buf_init(&path, 1 << 20);
	const char *place = strstr(format, "%s");
	tarn_buf_add(&path, format, (size_t)(place - format));
	for (const char *at = subject; *at; at++)
		if (isalnum((unsigned char)*at) || strchr("-._~", *at))
			tarn_buf_add_byte(&path, (uint8_t)*at);
		else
			tarn_buf_printf(&path, "%%%02X", (unsigned char)*at);
	tarn_buf_add_str(&path, place + 2);
	tarn_buf_add_byte(&path, 0);
	return (char *)path.data;
}

static const char *type_of_name(const char *file)
{
	const char *dot = strrchr(file, '.');
	if (dot && !strcmp(dot, ".proto"))
		return "PROTOBUF";
	return dot && !strcmp(dot, ".json") ? "JSON" : "AVRO";
}

static enum tarn_rc add_references(json_t *body, const char *text, struct tarn_err *err)
{
	json_t *list = json_array();
	json_object_set_new(body, "references", list);
	while (*text) {
		size_t len = strcspn(text, ",");
		char *one = tarn_asprintf("%.*s", (int)len, text), *rest;
		char *equals = strchr(one, '='), *colon = strrchr(one, ':');
		long version = colon ? strtol(colon + 1, &rest, 10) : 0;
		bool ok =
			equals && colon && colon > equals && colon[1] && !*rest && version > 0 && version <= INT32_MAX;
		if (ok) {
			*equals = *colon = '\0';
			json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "name", one, "subject", equals + 1,
							      "version", (int)version));
		}
		free(one);
		if (!ok)
			return tarn_fail(err, TARN_EINVALID,
					 "\"%.*s\" is no reference, NAME=SUBJECT:VERSION was expected", (int)len, text);
		text += len + (text[len] == ',');
	}
	return TARN_OK;
}

enum tarn_rc tarn_schema_body(const char *file, const char *type, const char *references, json_t **body,
			      struct tarn_err *err)
{
	struct tarn_buf text;
	tarn_buf_init(&text, 16 << 20);
	enum tarn_rc rc = tarn_file_read(file, &text, err);
	json_t *schema = rc ? NULL : json_stringn(text.data ? (const char *)text.data : "", text.len);
	tarn_buf_release(&text);
	if (rc)
		return rc;
	if (!schema)
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is not UTF-8", file);
	json_t *made = json_pack("{s:o, s:s}", "schema", schema, "schemaType", type ? type : type_of_name(file));
	if (references)
		rc = add_references(made, references, err);
	if (rc)
		json_decref(made);
	else
		*body = made;
	return rc;
}

char *tarn_schema_pretty(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	char *pretty = json ? json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
	json_decref(json);
	return pretty ? pretty : tarn_strdup(text);
}

static int run_schema(int argc, char **argv)
{
	static const struct tarn_command *const subcommands[] = {
		&tarn_command_schema_ls,       &tarn_command_schema_show,
		&tarn_command_schema_register, &tarn_command_schema_check,
		&tarn_command_schema_diff,     &tarn_command_schema_rm,
		&tarn_command_schema_config,   &tarn_command_schema_export,
		&tarn_command_schema_import,   NULL,
	};
	return tarn_subcommand_run(&tarn_command_schema, subcommands, argc, argv);
}

const struct tarn_command tarn_command_schema = { "schema", "look at the schemas of a registry, and change them",
						  run_schema };
