/* What is registered: by id, by subject and version, in lists. */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "base/hash.h"
#include "base/json_text.h"
#include "serialize/schema/schema_text.h"
#include "stream/registry/registry_request.h"

enum { ANSWER_BESIDE_TEXT = 512 };

/* ---- schemas ---- */

/* Whether the text is wanted with the types in it that it refers to. */
static bool wants_resolved(const struct reg_context *c, const struct tarn_schema_text *schema)
{
	const char *format = tarn_request_query(c->request, "format");
	return format && !strcasecmp(format, "resolved") && schema->type == TARN_SCHEMA_AVRO;
}

static bool put_resolved(struct reg_context *c, const struct tarn_schema_text *schema, bool quoted)
{
	struct tarn_avro_schema *parsed = NULL;
	struct tarn_buf whole;
	if (!reg_parse_avro(&c->registry->state, &c->call, schema, &parsed))
		return false;
	tarn_buf_init(&whole, TARN_RESPONSE_MAX_BODY / 2);
	tarn_schema_put_text(parsed, TARN_SCHEMA_WHOLE, &whole);
	if (quoted)
		tarn_json_put_string(c->out, tarn_buf_slice(&whole));
	else
		tarn_buf_add_slice(c->out, tarn_buf_slice(&whole));
	bool fits = !whole.overflow;
	tarn_buf_release(&whole);
	tarn_avro_schema_free(parsed);
	return fits || reg_refuse(&c->call, 422, 42209, "The schema with all that it refers to is too large");
}

/* The text alone, in the form that was asked for. */
static bool put_schema_text(struct reg_context *c, const struct tarn_schema_text *schema)
{
	if (wants_resolved(c, schema))
		return put_resolved(c, schema, false);
	tarn_buf_add_slice(c->out, schema->text);
	return true;
}

static void put_raw(struct tarn_buf *out, const char *key, const char *json)
{
	if (!json)
		return;
	reg_put_key(out, key);
	tarn_buf_add_str(out, json);
}

void reg_put_guid(struct tarn_buf *out, const uint8_t digest[TARN_MD5_SIZE])
{
	reg_put_key(out, "guid");
	tarn_buf_add_byte(out, '"');
	reg_write_digest(out, digest);
	tarn_buf_add_byte(out, '"');
}

bool reg_put_content(struct reg_context *c, const struct tarn_schema_text *schema, const char *metadata,
		     const char *rule_set, const struct reg_content *kept)
{
	tarn_buf_room(c->out, (kept ? kept->quoted.len : schema->text.len) + ANSWER_BESIDE_TEXT);
	if (schema->type != TARN_SCHEMA_AVRO) /* which goes without saying */
		reg_put_text(c->out, "schemaType", reg_type_names[schema->type]);
	reg_write_references(c->out, schema);
	put_raw(c->out, "metadata", metadata);
	put_raw(c->out, "ruleSet", rule_set);
	reg_put_key(c->out, "schema");
	if (wants_resolved(c, schema))
		return put_resolved(c, schema, true);
	if (kept)
		tarn_buf_add_slice(c->out, kept->quoted);
	else
		tarn_json_put_string(c->out, schema->text);
	return true;
}

static bool put_version(struct reg_context *c, const char *subject, const struct reg_version *version)
{
	const struct reg_content *content = version->content;
	tarn_buf_add_byte(c->out, '{');
	reg_put_text(c->out, "subject", subject);
	reg_put_int(c->out, "version", version->version);
	reg_put_int(c->out, "id", content->id);
	reg_put_guid(c->out, content->digest);
	bool ok = reg_put_content(c, &content->schema, content->metadata, content->rule_set, content);
	if (version->deleted) {
		reg_put_key(c->out, "deleted");
		tarn_json_put_boolean(c->out, true);
	}
	tarn_buf_add_byte(c->out, '}');
	reg_depends(&c->call, version->position);
	return ok;
}

static const struct reg_content *content_by_id(struct reg_context *c, const struct reg_state *state)
{
	uint32_t id;
	if (!reg_parse_id(c, &id))
		return NULL;
	const struct reg_content *content = reg_find_id(state, id);
	if (!content)
		reg_refuse(&c->call, 404, 40403, "Schema %s not found", c->request->params[0]);
	else
		reg_depends(&c->call, content->position);
	return content;
}

static bool show_content(struct reg_context *c, const struct reg_state *state, const struct reg_content *content)
{
	tarn_buf_add_byte(c->out, '{');
	bool ok = reg_put_content(c, &content->schema, content->metadata, content->rule_set, content);
	if (reg_flag(c, "fetchMaxId"))
		reg_put_int(c->out, "maxId", state->max_id);
	tarn_buf_add_byte(c->out, '}');
	return ok;
}

static bool show_by_id(struct reg_context *c, const struct reg_state *state)
{
	const struct reg_content *content = content_by_id(c, state);
	return content && show_content(c, state, content);
}

void reg_get_by_id(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_by_id);
}

static bool show_text_by_id(struct reg_context *c, const struct reg_state *state)
{
	const struct reg_content *content = content_by_id(c, state);
	return content && put_schema_text(c, &content->schema);
}

void reg_get_text_by_id(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_text_by_id);
}

static const struct reg_content *content_by_guid(struct reg_context *c, const struct reg_state *state)
{
	uint8_t digest[TARN_MD5_SIZE];
	char hex[2 * TARN_MD5_SIZE];
	size_t n = 0;
	const char *guid = c->request->params[0];
	for (const char *at = guid; *at && n < sizeof(hex); at++)
		if (*at != '-')
			hex[n++] = (char)tolower((unsigned char)*at);
	const struct reg_content *content = NULL;
	if (tarn_unhex(tarn_slice_of(hex, n), digest, sizeof(digest)))
		content = reg_find_digest(state, digest);
	if (!content)
		reg_refuse(&c->call, 404, 40403, "Schema %s not found", guid);
	else
		reg_depends(&c->call, content->position);
	return content;
}

static bool show_by_guid(struct reg_context *c, const struct reg_state *state)
{
	const struct reg_content *content = content_by_guid(c, state);
	return content && show_content(c, state, content);
}

void reg_get_by_guid(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_by_guid);
}

static bool show_ids_of_guid(struct reg_context *c, const struct reg_state *state)
{
	const struct reg_content *content = content_by_guid(c, state);
	if (!content)
		return false;
	tarn_buf_add_str(c->out, "[{");
	reg_put_text(c->out, "context", ".");
	reg_put_int(c->out, "id", content->id);
	tarn_buf_add_str(c->out, "}]");
	return true;
}

void reg_get_ids_of_guid(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_ids_of_guid);
}

/* Subjects of an id, or their versions, too. */
static bool show_users(struct reg_context *c, const struct reg_state *state, bool versions)
{
	const struct reg_content *content = content_by_id(c, state);
	struct reg_page page = reg_page_of(c);
	if (!content)
		return false;
	reg_depends_on_all(c, state);
	tarn_buf_add_byte(c->out, '[');
	for (size_t i = 0; i < state->subjects.n; i++) {
		const struct reg_subject *subject = state->subjects.items[i];
		const struct reg_version *version = reg_find_content(subject, content, reg_flag(c, "deleted"));
		if (!version || !reg_on_page(&page))
			continue;
		reg_put_comma(c->out);
		if (versions)
			reg_write_subject_version(c->out, subject->name, version->version);
		else
			tarn_json_put_str(c->out, subject->name);
	}
	tarn_buf_add_byte(c->out, ']');
	return true;
}

static bool show_subjects_of_id(struct reg_context *c, const struct reg_state *state)
{
	return show_users(c, state, false);
}

static bool show_versions_of_id(struct reg_context *c, const struct reg_state *state)
{
	return show_users(c, state, true);
}

void reg_get_subjects_of_id(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_subjects_of_id);
}

void reg_get_versions_of_id(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_versions_of_id);
}

void reg_get_types(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	tarn_buf_add_str(&response->body, "[\"AVRO\",\"JSON\",\"PROTOBUF\"]");
}

/* A prefix of names without its context; "*" stands for all. */
static const char *prefix_of(const struct reg_context *c)
{
	const char *prefix = tarn_request_query(c->request, "subjectPrefix");
	if (!prefix)
		return "";
	if (!strncmp(prefix, ":*:", 3))
		return prefix + 3;
	return reg_plain_name(prefix);
}

static bool has_prefix(const struct reg_subject *subject, const char *prefix)
{
	return !strncmp(subject->name, prefix, strlen(prefix));
}

static bool show_schemas(struct reg_context *c, const struct reg_state *state)
{
	struct reg_page page = reg_page_of(c);
	const char *prefix = prefix_of(c);
	bool deleted = reg_flag(c, "deleted"), latest_only = reg_flag(c, "latestOnly");
	reg_depends_on_all(c, state);
	tarn_buf_add_byte(c->out, '[');
	for (size_t i = reg_first_subject(state, prefix); i < state->subjects.n; i++) {
		const struct reg_subject *subject = state->subjects.items[i];
		if (!has_prefix(subject, prefix))
			break;
		for (size_t k = 0; k < subject->n; k++) {
			const struct reg_version *version = &subject->versions[k];
			bool is_last = version == reg_find_version(subject, TARN_LATEST, false) ||
				       (deleted && k == subject->n - 1);
			if ((version->deleted && !deleted) || (latest_only && !is_last) || !reg_on_page(&page))
				continue;
			reg_put_comma(c->out);
			if (!put_version(c, subject->name, version))
				return false;
		}
	}
	tarn_buf_add_byte(c->out, ']');
	return true;
}

void reg_get_schemas(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_schemas);
}

/* ---- subjects and versions ---- */

static bool show_subjects(struct reg_context *c, const struct reg_state *state)
{
	struct reg_page page = reg_page_of(c);
	const char *prefix = prefix_of(c);
	bool only = reg_flag(c, "deletedOnly"), deleted = reg_flag(c, "deleted") || only;
	reg_depends_on_all(c, state);
	tarn_buf_add_byte(c->out, '[');
	for (size_t i = reg_first_subject(state, prefix); i < state->subjects.n; i++) {
		const struct reg_subject *subject = state->subjects.items[i];
		if (!has_prefix(subject, prefix))
			break;
		if (!reg_has_versions(subject, deleted) || (only && reg_has_versions(subject, false)) ||
		    !reg_on_page(&page))
			continue;
		reg_put_comma(c->out);
		tarn_json_put_str(c->out, subject->name);
	}
	tarn_buf_add_byte(c->out, ']');
	return true;
}

void reg_get_subjects(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_subjects);
}

static bool show_versions(struct reg_context *c, const struct reg_state *state)
{
	struct reg_page page = reg_page_of(c);
	const struct reg_subject *subject = reg_find_subject(state, reg_subject_of(c));
	bool negative = reg_flag(c, "deletedAsNegative"), only = reg_flag(c, "deletedOnly") && !negative;
	bool deleted = reg_flag(c, "deleted") || only || negative;
	reg_depends_on_all(c, state);
	if (!reg_has_versions(subject, reg_flag(c, "deleted") || reg_flag(c, "deletedOnly")))
		return reg_refuse(&c->call, 404, 40401, "Subject '%s' not found.", reg_subject_of(c));
	tarn_buf_add_byte(c->out, '[');
	for (size_t i = 0; i < subject->n; i++) {
		const struct reg_version *version = &subject->versions[i];
		if ((version->deleted && !deleted) || (!version->deleted && only) || !reg_on_page(&page))
			continue;
		reg_put_comma(c->out);
		tarn_json_put_int(c->out, negative && version->deleted ? -version->version : version->version);
	}
	tarn_buf_add_byte(c->out, ']');
	return true;
}

void reg_get_versions(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_versions);
}

/* The version that the path names. */
static const struct reg_version *version_in_path(struct reg_context *c, const struct reg_state *state,
						 bool with_deleted)
{
	int32_t number;
	const char *name = reg_subject_of(c);
	if (!reg_parse_version(c, c->request->params[1], &number))
		return NULL;
	const struct reg_subject *subject = reg_find_subject(state, name);
	const struct reg_version *version = subject ? reg_find_version(subject, number, with_deleted) : NULL;
	if (!version && !reg_has_versions(subject, with_deleted))
		reg_refuse(&c->call, 404, 40401, "Subject '%s' not found.", name);
	else if (!version)
		reg_refuse(&c->call, 404, 40402, "Version %d not found.", number);
	return version;
}

static bool show_version(struct reg_context *c, const struct reg_state *state)
{
	const struct reg_version *version = version_in_path(c, state, reg_flag(c, "deleted"));
	return version && put_version(c, reg_subject_of(c), version);
}

void reg_get_version(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_version);
}

static bool show_text_of_version(struct reg_context *c, const struct reg_state *state)
{
	const struct reg_version *version = version_in_path(c, state, reg_flag(c, "deleted"));
	if (!version)
		return false;
	reg_depends(&c->call, version->position);
	return put_schema_text(c, &version->content->schema);
}

void reg_get_text_of_version(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_text_of_version);
}

static bool refers_to(const struct reg_content *content, const char *subject, int32_t version)
{
	const struct tarn_schema_text *schema = &content->schema;
	for (size_t i = 0; i < schema->n_references; i++)
		if (schema->references[i].version == version &&
		    !strcmp(reg_plain_name(schema->references[i].subject), subject))
			return true;
	return false;
}

static bool show_referenced_by(struct reg_context *c, const struct reg_state *state)
{
	struct reg_page page = reg_page_of(c);
	const struct reg_version *version = version_in_path(c, state, true);
	if (!version)
		return false;
	reg_depends_on_all(c, state);
	tarn_buf_add_byte(c->out, '[');
	for (size_t i = 0; i < state->ids.n; i++) {
		const struct reg_content *content = state->ids.items[i];
		if (!refers_to(content, reg_subject_of(c), version->version) ||
		    (!reg_flag(c, "deleted") && !reg_content_is_alive(state, content)) || !reg_on_page(&page))
			continue;
		reg_put_comma(c->out);
		tarn_json_put_int(c->out, content->id);
	}
	tarn_buf_add_byte(c->out, ']');
	return true;
}

void reg_get_referenced_by(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_referenced_by);
}

/* The newest version whose metadata have the properties ?key=..&value=..; of several pairs the first is looked at. */
static bool has_property(const struct reg_content *content, const char *key, const char *value)
{
	json_t *metadata = content->metadata ? json_loads(content->metadata, 0, NULL) : NULL;
	const char *found = json_string_value(json_object_get(json_object_get(metadata, "properties"), key));
	bool has = found && !strcmp(found, value);
	json_decref(metadata);
	return has;
}

static bool show_latest_with_metadata(struct reg_context *c, const struct reg_state *state)
{
	const char *key = tarn_request_query(c->request, "key"), *value = tarn_request_query(c->request, "value");
	const struct reg_subject *subject = reg_find_subject(state, reg_subject_of(c));
	bool deleted = reg_flag(c, "deleted");
	for (size_t i = subject ? subject->n : 0; i--;) {
		const struct reg_version *version = &subject->versions[i];
		if ((version->deleted && !deleted) || (key && value && !has_property(version->content, key, value)))
			continue;
		return put_version(c, subject->name, version);
	}
	if (!reg_has_versions(subject, deleted))
		return reg_refuse(&c->call, 404, 40401, "Subject '%s' not found.", reg_subject_of(c));
	return reg_refuse(&c->call, 404, 40403, "Schema not found");
}

void reg_get_latest_with_metadata(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_latest_with_metadata);
}
