/* The table of the registry's API; registering, deleting, comparing, configuring. */
#include <jansson.h>

#include "base/json_text.h"
#include "stream/registry/registry_request.h"

/* ---- registering and deleting ---- */

static bool put_registered(struct reg_context *c, const char *subject, const struct reg_registered *registered)
{
	tarn_buf_add_byte(c->out, '{');
	if (subject)
		reg_put_text(c->out, "subject", subject);
	reg_put_int(c->out, "version", registered->version);
	reg_put_int(c->out, "id", registered->id);
	pthread_rwlock_rdlock(&c->registry->lock); /* what it refers to may be asked for */
	reg_put_guid(c->out, registered->digest);
	bool ok = reg_put_content(c, &registered->schema, registered->metadata, registered->rule_set,
				  reg_find_digest(&c->registry->state, registered->digest));
	pthread_rwlock_unlock(&c->registry->lock);
	tarn_buf_add_byte(c->out, '}');
	return ok;
}

/* Most of what is registered is there: producers register whatever they send, each time. */
static bool recall(struct reg_context *c, struct reg_registered *registered)
{
	return reg_recall(c->registry, &c->call, reg_subject_of(c), c->request->body, reg_flag(c, "normalize"),
			  &c->body, registered);
}

static void post_version(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	struct reg_submission submission;
	struct reg_registered registered;
	const char *subject = reg_subject_of(&c);
	bool ok = recall(&c, &registered) || (reg_parse_submission(&c, &submission) && reg_valid_subject(&c, subject) &&
					      reg_register(room, &c.call, subject, &submission, &registered));
	reg_end(&c, ok && put_registered(&c, NULL, &registered));
}

static void post_subject(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	struct reg_submission submission;
	struct reg_registered registered;
	bool ok = recall(&c, &registered) ||
		  (reg_parse_submission(&c, &submission) &&
		   reg_lookup(room, &c.call, reg_subject_of(&c), &submission, reg_flag(&c, "deleted"), &registered));
	reg_end(&c, ok && put_registered(&c, reg_subject_of(&c), &registered));
}

static void delete_version(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	int32_t version, deleted;
	bool ok = reg_parse_version(&c, request->params[1], &version) &&
		  reg_delete_version(room, &c.call, reg_subject_of(&c), version, reg_flag(&c, "permanent"), &deleted);
	if (ok)
		tarn_json_put_int(c.out, deleted);
	reg_end(&c, ok);
}

static void delete_subject(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	int32_t *versions;
	size_t n;
	bool ok = reg_delete_subject(room, &c.call, reg_subject_of(&c), reg_flag(&c, "permanent"), &versions, &n);
	for (size_t i = 0; ok && i < n; i++) {
		tarn_buf_add_byte(c.out, i ? ',' : '[');
		tarn_json_put_int(c.out, versions[i]);
	}
	if (ok)
		tarn_buf_add_byte(c.out, ']');
	reg_end(&c, ok);
}

/* ---- compatibility ---- */

static bool version_to_check(struct reg_context *c, int32_t *version)
{
	*version = 0;
	if (!c->request->params[1])
		return true;
	if (!reg_parse_version(c, c->request->params[1], version))
		return false;
	pthread_rwlock_rdlock(&c->registry->lock);
	const struct reg_subject *subject = reg_find_subject(&c->registry->state, reg_subject_of(c));
	const struct reg_version *found = subject ? reg_find_version(subject, *version, false) : NULL;
	bool ok =
		found || *version == TARN_LATEST || reg_refuse(&c->call, 404, 40402, "Version %d not found.", *version);
	*version = found ? found->version : TARN_LATEST;
	pthread_rwlock_unlock(&c->registry->lock);
	return ok;
}

static void put_verdict(struct reg_context *c, const struct tarn_compatibility_reasons *reasons)
{
	tarn_buf_add_byte(c->out, '{');
	reg_put_key(c->out, "is_compatible");
	tarn_json_put_boolean(c->out, !reasons->n);
	if (reg_flag(c, "verbose")) {
		reg_put_key(c->out, "messages");
		tarn_buf_add_byte(c->out, '[');
		for (size_t i = 0; i < reasons->n; i++) {
			reg_put_comma(c->out);
			tarn_json_put_str(c->out, reasons->text[i]);
		}
		tarn_buf_add_byte(c->out, ']');
	}
	tarn_buf_add_byte(c->out, '}');
}

static void post_check(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	struct tarn_compatibility_reasons reasons = { .arena = request->arena };
	struct reg_submission submission;
	int32_t version;
	bool ok = reg_parse_submission(&c, &submission) && version_to_check(&c, &version);
	if (ok && !reg_check(room, &c.call, reg_subject_of(&c), version, &submission, &reasons)) {
		ok = c.call.code == 42201 && reg_flag(&c, "verbose");
		if (ok)
			tarn_compatibility_add(&reasons, c.call.message);
	}
	if (ok)
		put_verdict(&c, &reasons);
	reg_end(&c, ok);
}

/* ---- configuration and modes ---- */

/* NULL: the one for all. */
static const char *scope_of(const struct reg_context *c)
{
	const char *name = c->request->params[0];
	return name && *reg_subject_of(c) ? reg_subject_of(c) : NULL;
}

static void put_config(struct reg_context *c, const json_t *config)
{
	const char *key;
	json_t *value;
	tarn_buf_add_byte(c->out, '{');
	json_object_foreach((json_t *)(uintptr_t)config, key, value)
	{
		reg_put_key(c->out, key);
		reg_write_json(c->out, value);
	}
	tarn_buf_add_byte(c->out, '}');
}

/* The configuration of a scope, with what holds above it beneath; NULL where the scope has none. The caller's. */
static json_t *config_of(const struct reg_context *c, const struct reg_state *state, const char *scope,
			 bool with_global)
{
	const struct reg_subject *subject = scope ? reg_find_subject(state, scope) : NULL;
	if (scope && !with_global && !(subject && subject->config))
		return NULL;
	json_t *config = json_object();
	if (!scope || with_global)
		json_object_set_new(config, "compatibilityLevel",
				    json_string(tarn_compatibility_name(c->registry->options.compatibility)));
	if ((!scope || with_global) && state->global.config)
		json_object_update(config, state->global.config);
	if (subject && subject->config)
		json_object_update(config, subject->config);
	return config;
}

static bool show_config(struct reg_context *c, const struct reg_state *state)
{
	const char *scope = scope_of(c);
	json_t *config = config_of(c, state, scope, reg_flag(c, "defaultToGlobal"));
	reg_depends_on_all(c, state);
	if (!config)
		return reg_refuse(&c->call, 404, 40408,
				  "Subject '%s' does not have subject-level compatibility configured", scope);
	put_config(c, config);
	json_decref(config);
	return true;
}

static void get_config(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_config);
}

/* Of the request's keys those that a configuration has; "compatibility" is "compatibilityLevel" there. */
static json_t *config_change(struct reg_context *c)
{
	static const char *const keys[] = {
		"alias",	  "aliasForDeks",	 "normalize",	       "validateFields",  "validateNewSchemas",
		"validateRules",  "compatibilityPolicy", "compatibilityGroup", "defaultMetadata", "overrideMetadata",
		"defaultRuleSet", "overrideRuleSet"
	};
	const json_t *level = json_object_get(c->json, "compatibility");
	enum tarn_compatibility parsed;
	if (level && !json_is_null(level) &&
	    (!json_is_string(level) || !tarn_compatibility_parse(json_string_value(level), &parsed))) {
		reg_refuse(&c->call, 422, 42203,
			   "Invalid compatibility level. Valid values are none, backward, forward, full, "
			   "backward_transitive, forward_transitive, and full_transitive");
		return NULL;
	}
	json_t *change = json_object();
	if (level)
		json_object_set_new(change, "compatibilityLevel",
				    json_is_null(level) ? json_null() : json_string(tarn_compatibility_name(parsed)));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_object_get(c->json, keys[i]))
			json_object_set(change, keys[i], json_object_get(c->json, keys[i]));
	return change;
}

static void put_config_request(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	const char *scope = scope_of(&c);
	bool ok = reg_parse_body(&c) && (!scope || reg_valid_subject(&c, scope));
	json_t *change = ok ? config_change(&c) : NULL;
	ok = change && reg_set_config(room, &c.call, scope, change);
	if (ok) { /* in the words of the request */
		json_t *level = json_object_get(change, "compatibilityLevel");
		if (level)
			json_object_set(change, "compatibility", level);
		json_object_del(change, "compatibilityLevel");
		put_config(&c, change);
	}
	json_decref(change);
	reg_end(&c, ok);
}

static void delete_config(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	const char *scope = scope_of(&c);
	pthread_rwlock_rdlock(&c.registry->lock);
	json_t *before = config_of(&c, &c.registry->state, scope, false);
	pthread_rwlock_unlock(&c.registry->lock);
	bool ok = before ? reg_delete_config(room, &c.call, scope)
			 : reg_refuse(&c.call, 404, 40401, "Subject '%s' not found.", scope);
	if (ok)
		put_config(&c, before);
	json_decref(before);
	reg_end(&c, ok);
}

static void put_mode(struct reg_context *c, enum reg_mode mode)
{
	tarn_buf_add_byte(c->out, '{');
	reg_put_text(c->out, "mode", reg_mode_names[mode]);
	tarn_buf_add_byte(c->out, '}');
}

/* The scope's own mode; the global one is always there. */
static enum reg_mode own_mode(const struct reg_state *state, const char *scope)
{
	const struct reg_subject *subject = scope ? reg_find_subject(state, scope) : NULL;
	if (!scope)
		return reg_mode_in_scope(state, NULL);
	return subject ? subject->mode : REG_NO_MODE;
}

static bool show_mode(struct reg_context *c, const struct reg_state *state)
{
	const char *scope = scope_of(c);
	enum reg_mode mode = reg_flag(c, "defaultToGlobal") ? reg_mode_in_scope(state, scope) : own_mode(state, scope);
	reg_depends_on_all(c, state);
	if (mode == REG_NO_MODE)
		return reg_refuse(&c->call, 404, 40409, "Subject '%s' does not have subject-level mode configured",
				  scope);
	put_mode(c, mode);
	return true;
}

static void get_mode(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	reg_look(room, request, response, show_mode);
}

static bool parse_mode(struct reg_context *c, enum reg_mode *mode)
{
	const char *name = reg_parse_body(c) ? json_string_value(json_object_get(c->json, "mode")) : NULL;
	if (c->call.status)
		return false;
	if (!name || !reg_parse_mode(name, mode))
		return reg_refuse(&c->call, 422, 42204,
				  "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.");
	if (*mode == REG_FORWARD && scope_of(c))
		return reg_refuse(&c->call, 422, 42204, "Forward mode only supported on global level");
	return true;
}

static void put_mode_request(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	const char *scope = scope_of(&c);
	enum reg_mode mode;
	bool ok = (!scope || reg_valid_subject(&c, scope)) && parse_mode(&c, &mode) &&
		  reg_set_mode(room, &c.call, scope, mode, reg_flag(&c, "force"));
	if (ok)
		put_mode(&c, mode);
	reg_end(&c, ok);
}

static void delete_mode(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	struct reg_context c = reg_begin(room, request, response);
	const char *scope = scope_of(&c);
	pthread_rwlock_rdlock(&c.registry->lock);
	enum reg_mode before = own_mode(&c.registry->state, scope);
	pthread_rwlock_unlock(&c.registry->lock);
	bool ok = before != REG_NO_MODE ? reg_delete_mode(room, &c.call, scope)
					: reg_refuse(&c.call, 404, 40401, "Subject '%s' not found.", scope);
	if (ok)
		put_mode(&c, before);
	reg_end(&c, ok);
}

/* ---- the registry itself ---- */

static void get_root(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	tarn_buf_add_str(&response->body, "{}");
}

static void get_contexts(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	tarn_buf_add_str(&response->body, "[\".\"]");
}

static void get_cluster(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)request;
	const struct tarn_registry *registry = room;
	struct tarn_buf *out = &response->body;
	tarn_buf_add_str(out, "{\"scope\":{\"path\":[],\"clusters\":{");
	reg_put_text(out, "kafka-cluster", registry->cluster);
	reg_put_text(out, "schema-registry-cluster", "schema-registry");
	tarn_buf_add_str(out, "}},\"id\":\"\"}");
}

static void get_server_version(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	tarn_buf_add_str(&response->body, "{\"version\":\"" TARN_VERSION "\",\"commitId\":\"\"}");
}

#define SUBJECT "/subjects/{subject}"
#define VERSION SUBJECT "/versions/{version}"

const struct tarn_route reg_routes[] = {
	{ TARN_HTTP_GET, "/schemas/ids/{id}", reg_get_by_id },
	{ TARN_HTTP_POST, SUBJECT "/versions", post_version },
	{ TARN_HTTP_GET, VERSION, reg_get_version },
	{ TARN_HTTP_POST, SUBJECT, post_subject },
	{ TARN_HTTP_GET, "/subjects", reg_get_subjects },
	{ TARN_HTTP_GET, SUBJECT "/versions", reg_get_versions },
	{ TARN_HTTP_GET, VERSION "/schema", reg_get_text_of_version },
	{ TARN_HTTP_GET, VERSION "/referencedby", reg_get_referenced_by },
	{ TARN_HTTP_GET, SUBJECT "/metadata", reg_get_latest_with_metadata },
	{ TARN_HTTP_DELETE, VERSION, delete_version },
	{ TARN_HTTP_DELETE, SUBJECT, delete_subject },
	{ TARN_HTTP_GET, "/schemas", reg_get_schemas },
	{ TARN_HTTP_GET, "/schemas/types", reg_get_types },
	{ TARN_HTTP_GET, "/schemas/ids/{id}/schema", reg_get_text_by_id },
	{ TARN_HTTP_GET, "/schemas/ids/{id}/subjects", reg_get_subjects_of_id },
	{ TARN_HTTP_GET, "/schemas/ids/{id}/versions", reg_get_versions_of_id },
	{ TARN_HTTP_GET, "/schemas/guids/{guid}", reg_get_by_guid },
	{ TARN_HTTP_GET, "/schemas/guids/{guid}/ids", reg_get_ids_of_guid },
	{ TARN_HTTP_POST, "/compatibility" VERSION, post_check },
	{ TARN_HTTP_POST, "/compatibility" SUBJECT "/versions", post_check },
	{ TARN_HTTP_GET, "/config", get_config },
	{ TARN_HTTP_PUT, "/config", put_config_request },
	{ TARN_HTTP_DELETE, "/config", delete_config },
	{ TARN_HTTP_GET, "/config/{subject}", get_config },
	{ TARN_HTTP_PUT, "/config/{subject}", put_config_request },
	{ TARN_HTTP_DELETE, "/config/{subject}", delete_config },
	{ TARN_HTTP_GET, "/mode", get_mode },
	{ TARN_HTTP_PUT, "/mode", put_mode_request },
	{ TARN_HTTP_DELETE, "/mode", delete_mode },
	{ TARN_HTTP_GET, "/mode/{subject}", get_mode },
	{ TARN_HTTP_PUT, "/mode/{subject}", put_mode_request },
	{ TARN_HTTP_DELETE, "/mode/{subject}", delete_mode },
	{ TARN_HTTP_GET, "/contexts", get_contexts },
	{ TARN_HTTP_GET, "/v1/metadata/id", get_cluster },
	{ TARN_HTTP_GET, "/v1/metadata/version", get_server_version },
	{ TARN_HTTP_GET, "/", get_root },
};
const size_t reg_n_routes = sizeof(reg_routes) / sizeof(*reg_routes);
