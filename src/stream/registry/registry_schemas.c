/* Schemas as they are sent: resolved, written in canonical form, looked up, compared, registered. */
#include <jansson.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_text.h"
#include "serialize/schema/schema_text.h"
#include "stream/registry/registry_core.h"

enum { MAX_DOCUMENTS = 1000, MAX_DOCUMENT_BYTES = 8 << 20, CONFLICT = 409 };

/* ---- references ---- */

struct resolver {
	const struct reg_state *state;
	struct reg_call *call;
	struct tarn_slice documents[MAX_DOCUMENTS];
	const char *names[MAX_DOCUMENTS];
	const char *open[MAX_DOCUMENTS]; /* whose references we are in */
	size_t n, depth, bytes;
};

static const struct reg_version *find_referred(const struct reg_state *state,
					       const struct tarn_schema_reference *reference)
{
	const struct reg_subject *subject = reg_find_subject(state, reference->subject);
	return subject ? reg_find_version(subject, reference->version, true) : NULL;
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static bool resolve(struct resolver *r, const struct tarn_schema_text *schema);

static bool resolve_one(struct resolver *r, const struct tarn_schema_reference *reference)
{
	if (is_among(reference->name, r->names, r->n) || is_among(reference->name, r->open, r->depth))
		return true;
	const struct reg_version *version = find_referred(r->state, reference);
	if (!version)
		return reg_refuse(r->call, 422, 42201, "No schema reference found for subject \"%s\" and version %d",
				  reference->subject, reference->version);
	r->bytes += version->content->schema.text.len;
	if (r->depth == MAX_DOCUMENTS || r->bytes > MAX_DOCUMENT_BYTES)
		return reg_refuse(r->call, 422, 42201, "The references are more than %d, or larger than %d bytes",
				  MAX_DOCUMENTS, MAX_DOCUMENT_BYTES);
	r->open[r->depth++] = reference->name;
	if (!resolve(r, &version->content->schema))
		return false;
	r->depth--;
	if (r->n == MAX_DOCUMENTS)
		return reg_refuse(r->call, 422, 42201, "The references are more than %d", MAX_DOCUMENTS);
	r->documents[r->n] = version->content->schema.text;
	r->names[r->n++] = reference->name;
	return true;
}

/* What the schema refers to comes before it, each name once. */
static bool resolve(struct resolver *r, const struct tarn_schema_text *schema)
{
	for (size_t i = 0; i < schema->n_references; i++)
		if (!resolve_one(r, &schema->references[i]))
			return false;
	return true;
}

bool reg_parse_avro(const struct reg_state *state, struct reg_call *call, const struct tarn_schema_text *schema,
		    struct tarn_avro_schema **parsed)
{
	struct tarn_err err;
	struct resolver *r = schema->n_references ? tarn_calloc(1, sizeof(*r)) : NULL;
	if (r) {
		r->state = state;
		r->call = call;
		if (!resolve(r, schema)) {
			free(r);
			return false;
		}
	}
	enum tarn_rc rc =
		tarn_avro_schema_parse_after(r ? r->documents : NULL, r ? r->n : 0, schema->text, parsed, &err);
	free(r);
	if (rc)
		return reg_refuse(call, 422, 42201, "Invalid schema of type AVRO, details: %s", err.message);
	return true;
}

/* ---- canonical form ---- */

/* A schema as it is kept: references resolved, text in canonical or normal form, in the call's arena. */
struct canonical {
	struct tarn_schema_text schema;
	struct tarn_avro_schema *parsed; /* of an Avro schema */
	bool normalize;
};

static void canonical_release(struct canonical *canonical)
{
	tarn_avro_schema_free(canonical->parsed);
}

/* References with the versions that "latest" stands for; in normal form in order and each once. */
static bool canonical_references(const struct tarn_registry *registry, struct reg_call *call,
				 const struct tarn_schema_text *given, bool normalize, struct tarn_schema_text *schema)
{
	struct tarn_schema_reference *references =
		tarn_arena_alloc(call->arena, given->n_references * sizeof(*references));
	size_t n = 0;
	for (size_t i = 0; i < given->n_references; i++) {
		struct tarn_schema_reference reference = given->references[i];
		const struct reg_version *version = find_referred(&registry->state, &reference);
		if (!version)
			return reg_refuse(call, 422, 42201,
					  "No schema reference found for subject \"%s\" and version %d",
					  reference.subject, reference.version);
		reference.version = version->version;
		size_t at = n;
		int order = 1;
		while (normalize && at && (order = strcmp(references[at - 1].name, reference.name)) > 0)
			at--;
		if (normalize && at && !order && !strcmp(references[at - 1].subject, reference.subject) &&
		    references[at - 1].version == reference.version)
			continue;
		memmove(references + at + 1, references + at, (n - at) * sizeof(*references));
		references[at] = reference;
		n++;
	}
	schema->references = references;
	schema->n_references = n;
	return true;
}

static bool canonical_avro(const struct tarn_registry *registry, struct reg_call *call, struct canonical *canonical)
{
	struct tarn_schema_text *schema = &canonical->schema;
	if (!reg_parse_avro(&registry->state, call, schema, &canonical->parsed))
		return false;
	struct tarn_buf text;
	tarn_buf_init(&text, 16 << 20);
	tarn_buf_room(&text, schema->text.len);
	tarn_schema_put_text(canonical->parsed, canonical->normalize ? TARN_SCHEMA_NORMALIZED : TARN_SCHEMA_CANONICAL,
			     &text);
	bool fits = !text.overflow;
	if (fits)
		schema->text = tarn_slice_of(tarn_arena_copy(call->arena, text.data, text.len), text.len);
	tarn_buf_release(&text);
	return fits || reg_refuse(call, 422, 42209, "Register operation failed because schema is too large");
}

static bool canonical_json(struct reg_call *call, bool normalize, struct tarn_schema_text *schema)
{
	json_error_t where;
	json_t *json = json_loadb((const char *)schema->text.data, schema->text.len, JSON_DECODE_ANY, &where);
	if (!json_is_object(json) && !json_is_boolean(json)) {
		json_decref(json);
		return reg_refuse(call, 422, 42201, "Invalid schema of type JSON, details: %s",
				  json ? "an object or a boolean was expected" : where.text);
	}
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | (normalize ? JSON_SORT_KEYS : 0));
	schema->text = tarn_slice_str(tarn_arena_strdup(call->arena, text));
	free(text);
	json_decref(json);
	return true;
}

static bool is_blank(struct tarn_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] > ' ')
			return false;
	return true;
}

/* Looks at the state only for what the schema refers to. */
static bool make_canonical(const struct tarn_registry *registry, struct reg_call *call,
			   const struct reg_submission *submission, bool normalize, struct canonical *canonical)
{
	struct tarn_schema_text *schema = &canonical->schema;
	*canonical = (struct canonical){ .schema = submission->schema, .normalize = normalize };
	if (is_blank(schema->text))
		return reg_refuse(call, 422, 42201, "Empty schema");
	if (schema->n_references && !canonical_references(registry, call, &submission->schema, normalize, schema))
		return false;
	switch (schema->type) {
	case TARN_SCHEMA_AVRO: return canonical_avro(registry, call, canonical);
	case TARN_SCHEMA_JSON: return canonical_json(call, normalize, schema);
	default: return true;
	}
}

/* Without a lock, as this takes longest; but with one where other schemas are needed for it. Refuses what is no schema;
 * the caller releases it in any case. */
static bool canonicalize(struct tarn_registry *registry, struct reg_call *call, const char *subject,
			 const struct reg_submission *submission, struct canonical *canonical)
{
	bool refers = submission->schema.n_references;
	pthread_rwlock_rdlock(&registry->lock);
	bool normalize = submission->normalize || reg_normalize_in_scope(registry, subject);
	bool ok = !refers || make_canonical(registry, call, submission, normalize, canonical);
	pthread_rwlock_unlock(&registry->lock);
	return refers ? ok : make_canonical(registry, call, submission, normalize, canonical);
}

/* ---- looking up ---- */

/* What is sought, or becomes registered, before it is known with which id. */
static void begin_registered(const struct reg_submission *submission, const struct canonical *canonical,
			     struct reg_registered *registered)
{
	*registered = (struct reg_registered){ .schema = canonical->schema,
					       .metadata = submission->metadata,
					       .rule_set = submission->rule_set };
	reg_digest(&registered->schema, registered->metadata, registered->rule_set, registered->digest);
}

/* The caller holds `writing`: what was looked at before may have changed. */
static bool renew(const struct tarn_registry *registry, struct reg_call *call, const char *subject,
		  const struct reg_submission *submission, struct canonical *canonical,
		  struct reg_registered *registered)
{
	bool normalize = submission->normalize || reg_normalize_in_scope(registry, subject);
	if (!submission->schema.n_references && normalize == canonical->normalize)
		return true;
	canonical_release(canonical);
	if (!make_canonical(registry, call, submission, normalize, canonical))
		return false;
	begin_registered(submission, canonical, registered);
	return true;
}

static struct reg_version *find_in_subject(const struct reg_subject *subject, const struct reg_registered *wanted,
					   bool with_deleted)
{
	struct reg_version *deleted = NULL;
	for (size_t i = subject->n; i--;) {
		struct reg_version *version = &subject->versions[i];
		if (memcmp(version->content->digest, wanted->digest, TARN_MD5_SIZE) ||
		    version->content->schema.type != wanted->schema.type)
			continue;
		if (!version->deleted)
			return version;
		if (!deleted)
			deleted = version;
	}
	return with_deleted ? deleted : NULL;
}

/* What the latest version says of itself holds for the next one that says nothing. */
static bool inherit(const struct reg_subject *subject, struct tarn_arena *arena, struct reg_registered *wanted)
{
	const struct reg_version *latest = subject ? reg_find_version(subject, TARN_LATEST, false) : NULL;
	bool changed = false;
	if (latest && !wanted->metadata && latest->content->metadata) {
		wanted->metadata = tarn_arena_strdup(arena, latest->content->metadata);
		changed = true;
	}
	if (latest && !wanted->rule_set && latest->content->rule_set) {
		wanted->rule_set = tarn_arena_strdup(arena, latest->content->rule_set);
		changed = true;
	}
	if (changed)
		reg_digest(&wanted->schema, wanted->metadata, wanted->rule_set, wanted->digest);
	return changed;
}

/* Whether the subject has it; *registered is filled as far as it is known. */
static bool find_registered(const struct reg_subject *subject, struct reg_call *call, bool with_deleted,
			    struct reg_registered *registered)
{
	if (!subject)
		return false;
	struct reg_version *version = find_in_subject(subject, registered, with_deleted);
	if (!version && inherit(subject, call->arena, registered))
		version = find_in_subject(subject, registered, with_deleted);
	if (!version)
		return false;
	registered->id = version->content->id;
	registered->version = version->version;
	reg_depends(call, version->position);
	return true;
}

/* ---- bodies that were sent before ---- */

static struct reg_known_body *place_of(struct tarn_registry *registry, const uint8_t sent[TARN_SHA256_SIZE])
{
	return &registry->bodies[((size_t)sent[0] << 8 | sent[1]) % REG_KNOWN_BODIES];
}

/* Keeps what the body stands for, unless that depends on more than itself. */
static void remember(struct tarn_registry *registry, const struct reg_submission *submission, bool normalize,
		     const struct reg_registered *registered)
{
	struct reg_known_body fresh = { .normalize = normalize };
	if (!submission->body->known || submission->schema.type != TARN_SCHEMA_AVRO ||
	    submission->schema.n_references || submission->metadata || submission->rule_set || submission->id >= 0 ||
	    submission->version)
		return;
	memcpy(fresh.sent, submission->body->sent, sizeof(fresh.sent));
	memcpy(fresh.canonical, registered->digest, sizeof(fresh.canonical));
	pthread_mutex_lock(&registry->bodies_lock);
	*place_of(registry, fresh.sent) = fresh;
	pthread_mutex_unlock(&registry->bodies_lock);
}

static bool find_body(struct tarn_registry *registry, const uint8_t sent[TARN_SHA256_SIZE], bool normalize,
		      uint8_t canonical[TARN_MD5_SIZE])
{
	const struct reg_known_body *known = place_of(registry, sent);
	pthread_mutex_lock(&registry->bodies_lock);
	bool found = !memcmp(known->sent, sent, TARN_SHA256_SIZE) && known->normalize == normalize;
	memcpy(canonical, known->canonical, TARN_MD5_SIZE);
	pthread_mutex_unlock(&registry->bodies_lock);
	return found;
}

/* The undeleted version of the subject that has the content with this digest; NULL where there is none. */
static const struct reg_version *find_version_of(const struct reg_state *state, const char *name,
						 const uint8_t digest[TARN_MD5_SIZE])
{
	const struct reg_subject *subject = reg_find_subject(state, name);
	const struct reg_content *content = subject ? reg_find_digest(state, digest) : NULL;
	if (!content || content->schema.type != TARN_SCHEMA_AVRO)
		return NULL;
	return reg_find_content(subject, content, false);
}

bool reg_recall(struct tarn_registry *registry, struct reg_call *call, const char *name, struct tarn_slice text,
		bool normalize, struct reg_body *body, struct reg_registered *registered)
{
	uint8_t canonical[TARN_MD5_SIZE];
	const struct reg_version *version = NULL;
	tarn_sha256(text, body->sent);
	body->known = true;
	pthread_rwlock_rdlock(&registry->lock);
	normalize = normalize || reg_normalize_in_scope(registry, name);
	if (reg_mode_in_scope(&registry->state, name) == REG_READWRITE &&
	    find_body(registry, body->sent, normalize, canonical))
		version = find_version_of(&registry->state, name, canonical);
	if (version) {
		text = version->content->schema.text;
		*registered = (struct reg_registered){ .id = version->content->id, .version = version->version };
		registered->schema.text = tarn_slice_of(tarn_arena_copy(call->arena, text.data, text.len), text.len);
		memcpy(registered->digest, canonical, TARN_MD5_SIZE);
		reg_depends(call, version->position);
	}
	pthread_rwlock_unlock(&registry->lock);
	return version;
}

bool reg_lookup(struct tarn_registry *registry, struct reg_call *call, const char *name,
		const struct reg_submission *submission, bool with_deleted, struct reg_registered *registered)
{
	struct canonical canonical;
	bool ok = canonicalize(registry, call, name, submission, &canonical);
	canonical_release(&canonical);
	if (!ok)
		return false;
	begin_registered(submission, &canonical, registered);
	remember(registry, submission, canonical.normalize, registered);
	pthread_rwlock_rdlock(&registry->lock);
	const struct reg_subject *subject = reg_find_subject(&registry->state, name);
	if (!find_registered(subject, call, with_deleted, registered)) {
		reg_depends(call, registry->state.position);
		ok = reg_has_versions(subject, with_deleted)
			     ? reg_refuse(call, 404, 40403, "Schema not found")
			     : reg_refuse(call, 404, 40401, "Subject '%s' not found.", name);
	}
	pthread_rwlock_unlock(&registry->lock);
	return ok;
}

/* ---- comparing ---- */

struct older {
	struct tarn_compatibility_version *versions;
	struct tarn_avro_schema **parsed;
	size_t n;
};

static bool add_older(const struct reg_state *state, struct reg_call *call, const struct reg_version *version,
		      struct older *older)
{
	struct tarn_avro_schema *parsed;
	if (!reg_parse_avro(state, call, &version->content->schema, &parsed))
		return false;
	older->parsed[older->n] = parsed;
	older->versions[older->n++] =
		(struct tarn_compatibility_version){ version->version, parsed, version->content->schema.text };
	return true;
}

/* An Avro schema against Avro schemas. */
static bool compare_avro(const struct reg_state *state, struct reg_call *call, enum tarn_compatibility level,
			 const struct tarn_avro_schema *schema, const struct reg_version *const *versions, size_t n,
			 struct tarn_compatibility_reasons *reasons)
{
	struct older older = { tarn_malloc(n * sizeof(*older.versions)), tarn_malloc(n * sizeof(*older.parsed)), 0 };
	bool ok = true;
	for (size_t i = 0; ok && i < n; i++)
		ok = add_older(state, call, versions[i], &older);
	if (ok)
		tarn_compatibility_check_level(level, schema, older.versions, older.n, reasons);
	for (size_t i = 0; i < older.n; i++)
		tarn_avro_schema_free(older.parsed[i]);
	free(older.versions);
	free(older.parsed);
	return ok;
}

/* Undeleted versions to compare with, the newest first; the array is the caller's. */
static const struct reg_version **versions_to_compare(const struct reg_subject *subject, int32_t version,
						      enum tarn_compatibility level, size_t *n)
{
	const struct reg_version **versions = tarn_calloc(subject ? subject->n : 0, sizeof(*versions));
	*n = 0;
	for (size_t i = subject ? subject->n : 0; i--;) {
		const struct reg_version *candidate = &subject->versions[i];
		if (candidate->deleted || (version && candidate->version != version))
			continue;
		versions[(*n)++] = candidate;
		if (!tarn_compatibility_is_transitive(level))
			break;
	}
	return versions;
}

static bool check_against(const struct tarn_registry *registry, struct reg_call *call, const char *name,
			  int32_t version, const struct canonical *canonical,
			  struct tarn_compatibility_reasons *reasons)
{
	enum tarn_schema_type type = canonical->schema.type;
	enum tarn_compatibility level = reg_compatibility_in_scope(registry, name);
	if (level == TARN_COMPATIBILITY_NONE)
		return true;
	size_t n;
	const struct reg_version **versions =
		versions_to_compare(reg_find_subject(&registry->state, name), version, level, &n);
	bool ok = true, same_type = true;
	for (size_t i = 0; i < n; i++)
		same_type = same_type && versions[i]->content->schema.type == type;
	if (!same_type)
		tarn_compatibility_add(reasons, "Incompatible because of different schema type");
	else if (n && type == TARN_SCHEMA_AVRO)
		ok = compare_avro(&registry->state, call, level, canonical->parsed, versions, n, reasons);
	else if (n)
		tarn_compatibility_add(
			reasons,
			tarn_arena_printf(call->arena,
					  "Schemas of type %s are kept but not compared by this registry: set the "
					  "compatibility of the subject to NONE",
					  reg_type_names[type]));
	if (reasons->n)
		tarn_compatibility_add(reasons,
				       tarn_arena_printf(call->arena, "{validateFields: 'false', compatibility: '%s'}",
							 tarn_compatibility_name(level)));
	free(versions);
	return ok;
}

bool reg_check(struct tarn_registry *registry, struct reg_call *call, const char *subject, int32_t version,
	       const struct reg_submission *submission, struct tarn_compatibility_reasons *reasons)
{
	struct canonical canonical;
	bool ok = canonicalize(registry, call, subject, submission, &canonical);
	pthread_rwlock_rdlock(&registry->lock);
	reg_depends(call, registry->state.position);
	ok = ok && check_against(registry, call, subject, version, &canonical, reasons);
	pthread_rwlock_unlock(&registry->lock);
	canonical_release(&canonical);
	return ok;
}

/* ---- registering ---- */

static bool may_register(const struct tarn_registry *registry, struct reg_call *call, const char *subject,
			 const struct reg_submission *submission)
{
	enum reg_mode mode = reg_mode_in_scope(&registry->state, subject);
	if (mode == REG_READONLY || mode == REG_READONLY_OVERRIDE)
		return reg_refuse(call, 422, 42205, "Subject %s in context . is in read-only mode", subject);
	if (submission->id >= 0 && mode != REG_IMPORT)
		return reg_refuse(call, 422, 42205, "Subject %s in context . is not in import mode", subject);
	if (submission->id < 0 && mode != REG_READWRITE)
		return reg_refuse(call, 422, 42205, "Subject %s in context . is not in read-write mode", subject);
	return true;
}

static bool fits_subject(const struct tarn_registry *registry, struct reg_call *call, const char *subject,
			 const struct canonical *canonical)
{
	struct tarn_compatibility_reasons reasons = { .arena = call->arena };
	if (!check_against(registry, call, subject, 0, canonical, &reasons))
		return false;
	if (!reasons.n)
		return true;
	struct tarn_buf list;
	tarn_buf_init(&list, 4 << 20);
	for (size_t i = 0; i < reasons.n; i++)
		tarn_buf_printf(&list, "%s%s", i ? ", " : "", reasons.text[i]);
	reg_refuse(call, CONFLICT, registry->options.incompatible_code,
		   "Schema being registered is incompatible with an earlier schema for subject \"%s\", details: [%.*s]",
		   subject, (int)list.len, (const char *)list.data);
	tarn_buf_release(&list);
	return false;
}

/* An id that the content has, was given, or is new. */
static bool choose_id(const struct tarn_registry *registry, struct reg_call *call,
		      const struct reg_submission *submission, struct reg_registered *registered)
{
	const struct reg_content *same = reg_find_digest(&registry->state, registered->digest);
	if (submission->id >= 0) {
		const struct reg_content *owner = reg_find_id(&registry->state, (uint32_t)submission->id);
		if (owner && memcmp(owner->digest, registered->digest, TARN_MD5_SIZE))
			return reg_refuse(call, 422, 42205,
					  "Overwrite new schema with id %u in context . is not permitted.", owner->id);
		registered->id = (uint32_t)submission->id;
	} else if (same && same->schema.type == registered->schema.type) {
		registered->id = same->id;
	} else if (registry->state.max_id >= INT32_MAX) {
		return reg_refuse(call, 500, 50001, "There are no ids left");
	} else {
		registered->id = registry->state.max_id + 1;
	}
	return true;
}

/* A version is the next one; only an import may say otherwise. */
static bool choose_version(const struct tarn_registry *registry, struct reg_call *call,
			   const struct reg_subject *subject, const struct reg_submission *submission, const char *name,
			   struct reg_registered *registered)
{
	int32_t next = subject && subject->n ? subject->versions[subject->n - 1].version + 1 : 1;
	registered->version = submission->version > 0 ? submission->version : next;
	if (registered->version != next && reg_mode_in_scope(&registry->state, name) != REG_IMPORT)
		return reg_refuse(call, 422, 42201, "Version is not one more than previous version");
	return true;
}

/* Deleted versions with this id are replaced by the new one, unless somebody refers to them. */
static void add_replaced(const struct tarn_registry *registry, const struct reg_subject *subject,
			 const struct reg_registered *registered, struct reg_change *change, struct tarn_buf *key)
{
	for (size_t i = 0; subject && i < subject->n; i++) {
		const struct reg_version *version = &subject->versions[i];
		if (!version->deleted || version->content->id != registered->id ||
		    version->version >= registered->version ||
		    reg_is_referenced(&registry->state, subject->name, version->version, true, NULL))
			continue;
		tarn_buf_clear(key);
		reg_write_key(key, "SCHEMA", subject->name, version->version);
		reg_change_add(change, key, NULL);
	}
}

static bool write_version(struct tarn_registry *registry, struct reg_call *call, const struct reg_subject *subject,
			  const char *name, const struct reg_registered *registered)
{
	struct reg_change change = { .arena = call->arena };
	struct tarn_buf key, value, quoted;
	tarn_buf_init(&key, 1 << 20);
	tarn_buf_init(&value, 64 << 20);
	tarn_buf_init(&quoted, 64 << 20);
	tarn_json_put_string(&quoted, registered->schema.text);
	add_replaced(registry, subject, registered, &change, &key);
	const struct reg_schema_record record = {
		.subject = name,
		.version = registered->version,
		.id = registered->id,
		.schema = registered->schema,
		.metadata = registered->metadata,
		.rule_set = registered->rule_set,
		.digest = registered->digest,
		.quoted = tarn_buf_slice(&quoted),
	};
	tarn_buf_clear(&key);
	reg_write_key(&key, "SCHEMA", name, registered->version);
	reg_write_schema(&value, &record);
	reg_change_add(&change, &key, &value);
	change.last = &record;
	bool ok = reg_commit(registry, call, &change);
	tarn_buf_release(&key);
	tarn_buf_release(&value);
	tarn_buf_release(&quoted);
	return ok;
}

/* The caller holds `writing`. */
static bool register_new(struct tarn_registry *registry, struct reg_call *call, const char *name,
			 const struct reg_submission *submission, struct canonical *canonical,
			 struct reg_registered *registered)
{
	const struct reg_subject *subject = reg_find_subject(&registry->state, name);
	bool is_import = reg_mode_in_scope(&registry->state, name) == REG_IMPORT;
	if (!may_register(registry, call, name, submission) ||
	    !renew(registry, call, name, submission, canonical, registered))
		return false;
	if (!is_import && !submission->version && find_registered(subject, call, false, registered))
		return true;
	if (!is_import && !submission->force && !fits_subject(registry, call, name, canonical))
		return false;
	return choose_id(registry, call, submission, registered) &&
	       choose_version(registry, call, subject, submission, name, registered) &&
	       write_version(registry, call, subject, name, registered);
}

/* Most registrations are of what is there: producers register whatever they send. Those take no lock that keeps others
 * out. */
static bool is_registered(struct tarn_registry *registry, struct reg_call *call, const char *name,
			  const struct reg_submission *submission, const struct canonical *canonical,
			  struct reg_registered *registered)
{
	if (submission->id >= 0 || submission->version)
		return false;
	remember(registry, submission, canonical->normalize, registered);
	pthread_rwlock_rdlock(&registry->lock);
	bool found = reg_mode_in_scope(&registry->state, name) == REG_READWRITE &&
		     find_registered(reg_find_subject(&registry->state, name), call, false, registered);
	pthread_rwlock_unlock(&registry->lock);
	return found;
}

static bool may_try(struct tarn_registry *registry, struct reg_call *call, const char *subject,
		    const struct reg_submission *submission)
{
	pthread_rwlock_rdlock(&registry->lock);
	bool may = may_register(registry, call, subject, submission);
	pthread_rwlock_unlock(&registry->lock);
	return may;
}

bool reg_register(struct tarn_registry *registry, struct reg_call *call, const char *subject,
		  const struct reg_submission *submission, struct reg_registered *registered)
{
	struct canonical canonical;
	struct reg_registered fresh;
	if (!may_try(registry, call, subject, submission))
		return false;
	bool ok = canonicalize(registry, call, subject, submission, &canonical);
	if (ok) {
		begin_registered(submission, &canonical, &fresh);
		*registered = fresh;
	}
	if (ok && !is_registered(registry, call, subject, submission, &canonical, registered)) {
		*registered = fresh;
		pthread_mutex_lock(&registry->writing);
		ok = register_new(registry, call, subject, submission, &canonical, registered);
		pthread_mutex_unlock(&registry->writing);
	}
	canonical_release(&canonical);
	return ok;
}
