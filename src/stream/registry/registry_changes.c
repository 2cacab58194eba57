/* Deleting, configuring, modes. */
#include <jansson.h>

#include "base/alloc.h"
#include "stream/registry/registry_core.h"

/* ---- what holds for a subject ---- */

static const json_t *config_of(const struct tarn_registry *registry, const char *name, const char *key)
{
	const struct reg_subject *subject = name ? reg_find_subject(&registry->state, name) : NULL;
	const json_t *found = subject ? json_object_get(subject->config, key) : NULL;
	return found ? found : json_object_get(registry->state.global.config, key);
}

enum tarn_compatibility reg_compatibility_in_scope(const struct tarn_registry *registry, const char *subject)
{
	enum tarn_compatibility level = registry->options.compatibility;
	const char *name = json_string_value(config_of(registry, subject, "compatibilityLevel"));
	if (name && !tarn_compatibility_parse(name, &level))
		level = registry->options.compatibility;
	return level;
}

bool reg_normalize_in_scope(const struct tarn_registry *registry, const char *subject)
{
	return json_is_true(config_of(registry, subject, "normalize"));
}

enum reg_mode reg_mode_in_scope(const struct reg_state *state, const char *name)
{
	const struct reg_subject *subject = name ? reg_find_subject(state, name) : NULL;
	enum reg_mode global = state->global.mode == REG_NO_MODE ? REG_READWRITE : state->global.mode;
	if (global == REG_READONLY_OVERRIDE || !subject || subject->mode == REG_NO_MODE)
		return global;
	return subject->mode;
}

static bool may_change(const struct tarn_registry *registry, struct reg_call *call, const char *subject)
{
	enum reg_mode mode = reg_mode_in_scope(&registry->state, subject);
	if (mode != REG_READONLY && mode != REG_READONLY_OVERRIDE)
		return true;
	return reg_refuse(call, 422, 42205, "Subject %s in context . is in read-only mode", subject ? subject : "null");
}

/* ---- changes in the making ---- */

struct draft {
	struct reg_change change;
	struct tarn_buf key, value;
};

static void draft_init(struct draft *draft, struct reg_call *call)
{
	*draft = (struct draft){ .change = { .arena = call->arena } };
	tarn_buf_init(&draft->key, 1 << 20);
	tarn_buf_init(&draft->value, 64 << 20);
}

static void draft_release(struct draft *draft)
{
	tarn_buf_release(&draft->key);
	tarn_buf_release(&draft->value);
}

static bool draft_commit(struct draft *draft, struct tarn_registry *registry, struct reg_call *call)
{
	bool ok = reg_commit(registry, call, &draft->change);
	draft_release(draft);
	return ok;
}

/* Adds what is in `value`, or, where there is nothing, that the key is deleted. */
static void draft_add(struct draft *draft, const char *keytype, const char *subject, int32_t version)
{
	tarn_buf_clear(&draft->key);
	reg_write_key(&draft->key, keytype, subject, version);
	reg_change_add(&draft->change, &draft->key, draft->value.len ? &draft->value : NULL);
	tarn_buf_clear(&draft->value);
}

/* Of a subject whose last version goes, nothing stays. */
static void draft_forget_subject(struct draft *draft, const struct reg_subject *subject)
{
	if (subject->mode != REG_NO_MODE)
		draft_add(draft, "MODE", subject->name, 0);
	if (subject->config)
		draft_add(draft, "CONFIG", subject->name, 0);
}

/* Ids that may go with their schemas are not given out again. */
static void draft_keep_max_id(struct draft *draft, const struct tarn_registry *registry)
{
	reg_write_max_id(&draft->value, registry->state.max_id);
	draft_add(draft, "NOOP", NULL, 0);
}

/* ---- deleting ---- */

static bool refuse_referenced(struct reg_call *call, const char *subject, int32_t version)
{
	return reg_refuse(call, 422, 42206,
			  "One or more references exist to the schema "
			  "{magic=1,keytype=SCHEMA,subject=%s,version=%d}.",
			  subject, version);
}

static const struct reg_version *version_to_delete(const struct tarn_registry *registry, struct reg_call *call,
						   const char *name, int32_t number, bool permanent)
{
	const struct reg_subject *subject = reg_find_subject(&registry->state, name);
	const struct reg_version *version = subject ? reg_find_version(subject, number, true) : NULL;
	if (!version && !reg_has_versions(subject, true))
		reg_refuse(call, 404, 40401, "Subject '%s' not found.", name);
	else if (!version)
		reg_refuse(call, 404, 40402, "Version %d not found.", number);
	else if (version->deleted && !permanent)
		reg_refuse(call, 404, 40406,
			   "Subject '%s' Version %d was soft deleted.Set permanent=true to delete permanently", name,
			   number);
	else if (may_change(registry, call, name)) {
		if (reg_is_referenced(&registry->state, name, version->version, permanent, NULL))
			refuse_referenced(call, name, version->version);
		else if (permanent && !version->deleted)
			reg_refuse(call, 404, 40407,
				   "Subject '%s' Version %d was not deleted first before being permanently deleted",
				   name, version->version);
	}
	return call->status ? NULL : version;
}

static void draft_deleted_version(struct draft *draft, const char *name, const struct reg_version *version)
{
	const struct reg_content *content = version->content;
	const struct reg_schema_record record = {
		.subject = name,
		.version = version->version,
		.id = content->id,
		.deleted = true,
		.schema = content->schema,
		.metadata = content->metadata,
		.rule_set = content->rule_set,
		.digest = content->digest,
		.quoted = content->quoted,
	};
	reg_write_schema(&draft->value, &record);
	draft_add(draft, "SCHEMA", name, version->version);
}

static bool delete_version(struct tarn_registry *registry, struct reg_call *call, const char *name, int32_t number,
			   bool permanent, int32_t *deleted)
{
	const struct reg_version *version = version_to_delete(registry, call, name, number, permanent);
	if (!version)
		return false;
	const struct reg_subject *subject = reg_find_subject(&registry->state, name);
	struct draft draft;
	draft_init(&draft, call);
	*deleted = version->version;
	if (permanent) {
		draft_add(&draft, "SCHEMA", name, version->version);
		draft_keep_max_id(&draft, registry);
		if (subject->n == 1)
			draft_forget_subject(&draft, subject);
	} else {
		draft_deleted_version(&draft, name, version);
	}
	return draft_commit(&draft, registry, call);
}

bool reg_delete_version(struct tarn_registry *registry, struct reg_call *call, const char *subject, int32_t version,
			bool permanent, int32_t *deleted)
{
	pthread_mutex_lock(&registry->writing);
	bool ok = delete_version(registry, call, subject, version, permanent, deleted);
	pthread_mutex_unlock(&registry->writing);
	return ok;
}

static bool may_delete_subject(const struct tarn_registry *registry, struct reg_call *call,
			       const struct reg_subject *subject, const char *name, bool permanent)
{
	if (!reg_has_versions(subject, true))
		return reg_refuse(call, 404, 40401, "Subject '%s' not found.", name);
	if (!permanent && !reg_has_versions(subject, false))
		return reg_refuse(call, 404, 40404,
				  "Subject '%s' was soft deleted.Set permanent=true to delete permanently", name);
	if (!may_change(registry, call, name))
		return false;
	for (size_t i = 0; i < subject->n; i++) {
		const struct reg_version *version = &subject->versions[i];
		if (!permanent && version->deleted)
			continue;
		if (reg_is_referenced(&registry->state, name, version->version, permanent, name))
			return refuse_referenced(call, name, version->version);
		if (permanent && !version->deleted)
			return reg_refuse(call, 404, 40405,
					  "Subject '%s' was not deleted first before being permanently deleted", name);
	}
	return true;
}

static bool delete_subject(struct tarn_registry *registry, struct reg_call *call, const char *name, bool permanent,
			   int32_t **versions, size_t *n)
{
	const struct reg_subject *subject = reg_find_subject(&registry->state, name);
	if (!may_delete_subject(registry, call, subject, name, permanent))
		return false;
	*versions = tarn_arena_alloc(call->arena, subject->n * sizeof(**versions));
	*n = 0;
	for (size_t i = 0; i < subject->n; i++)
		if (permanent || !subject->versions[i].deleted)
			(*versions)[(*n)++] = subject->versions[i].version;
	struct draft draft;
	draft_init(&draft, call);
	if (permanent) {
		for (size_t i = *n; i--;)
			draft_add(&draft, "SCHEMA", name, (*versions)[i]);
		draft_keep_max_id(&draft, registry);
		draft_forget_subject(&draft, subject);
	} else {
		reg_write_subject_version(&draft.value, name, (*versions)[*n - 1]);
		draft_add(&draft, "DELETE_SUBJECT", name, 0);
	}
	return draft_commit(&draft, registry, call);
}

bool reg_delete_subject(struct tarn_registry *registry, struct reg_call *call, const char *subject, bool permanent,
			int32_t **versions, size_t *n)
{
	pthread_mutex_lock(&registry->writing);
	bool ok = delete_subject(registry, call, subject, permanent, versions, n);
	pthread_mutex_unlock(&registry->writing);
	return ok;
}

/* ---- configuration ---- */

static bool set_config(struct tarn_registry *registry, struct reg_call *call, const char *name, const json_t *change)
{
	const struct reg_subject *subject = name ? reg_find_subject(&registry->state, name) : &registry->state.global;
	if (!may_change(registry, call, name))
		return false;
	json_t *config = subject && subject->config ? json_copy(subject->config) : json_object(), *value;
	const char *key;
	json_object_foreach((json_t *)(uintptr_t)change, key, value)
	{
		if (json_is_null(value))
			json_object_del(config, key);
		else
			json_object_set(config, key, value);
	}
	struct draft draft;
	draft_init(&draft, call);
	reg_write_config(&draft.value, name, config);
	json_decref(config);
	draft_add(&draft, "CONFIG", name, 0);
	return draft_commit(&draft, registry, call);
}

bool reg_set_config(struct tarn_registry *registry, struct reg_call *call, const char *subject, const json_t *change)
{
	pthread_mutex_lock(&registry->writing);
	bool ok = set_config(registry, call, subject, change);
	pthread_mutex_unlock(&registry->writing);
	return ok;
}

bool reg_delete_config(struct tarn_registry *registry, struct reg_call *call, const char *subject)
{
	struct draft draft;
	draft_init(&draft, call);
	pthread_mutex_lock(&registry->writing);
	bool ok = may_change(registry, call, subject);
	if (ok) {
		draft_add(&draft, "CONFIG", subject, 0);
		ok = reg_commit(registry, call, &draft.change);
	}
	draft_release(&draft);
	pthread_mutex_unlock(&registry->writing);
	return ok;
}

/* ---- modes ---- */

/* What is imported brings its ids and versions along, so that there may be nothing yet; what is deleted goes for good.
 */
static bool draft_clear_for_import(struct draft *draft, const struct tarn_registry *registry, struct reg_call *call,
				   const char *name)
{
	for (size_t i = 0; i < registry->state.subjects.n; i++) {
		const struct reg_subject *subject = registry->state.subjects.items[i];
		if (name && strcmp(name, subject->name))
			continue;
		if (reg_has_versions(subject, false))
			return reg_refuse(call, 422, 42205, "Cannot import since found existing subjects");
		for (size_t k = 0; k < subject->n; k++) {
			if (reg_is_referenced(&registry->state, subject->name, subject->versions[k].version, true,
					      NULL))
				return refuse_referenced(call, subject->name, subject->versions[k].version);
			draft_add(draft, "SCHEMA", subject->name, subject->versions[k].version);
		}
	}
	draft_keep_max_id(draft, registry);
	reg_write_subject_version(&draft->value, name, 0);
	draft_add(draft, "CLEAR_SUBJECT", name, 0);
	return true;
}

bool reg_set_mode(struct tarn_registry *registry, struct reg_call *call, const char *subject, enum reg_mode mode,
		  bool force)
{
	struct draft draft;
	draft_init(&draft, call);
	pthread_mutex_lock(&registry->writing);
	bool ok = mode != REG_IMPORT || force || reg_mode_in_scope(&registry->state, subject) == REG_IMPORT ||
		  draft_clear_for_import(&draft, registry, call, subject);
	if (ok) {
		reg_write_mode(&draft.value, subject, mode);
		draft_add(&draft, "MODE", subject, 0);
		ok = reg_commit(registry, call, &draft.change);
	}
	draft_release(&draft);
	pthread_mutex_unlock(&registry->writing);
	return ok;
}

bool reg_delete_mode(struct tarn_registry *registry, struct reg_call *call, const char *subject)
{
	struct draft draft;
	draft_init(&draft, call);
	pthread_mutex_lock(&registry->writing);
	draft_add(&draft, "MODE", subject, 0);
	bool ok = draft_commit(&draft, registry, call);
	pthread_mutex_unlock(&registry->writing);
	return ok;
}
