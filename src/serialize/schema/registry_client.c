#include "serialize/schema/registry_client.h"

#include <ctype.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/json_text.h"
#include "serialize/schema/schema_text.h"

enum { LARGEST_ANSWER = 64 << 20, MAX_DOCUMENTS = 1000, MAX_LEVELS = 64 };

struct known {
	struct tarn_known_schema schema;
	struct tarn_avro_schema *avro;
	struct tarn_arena arena;
};

/* The id of a text under a subject. */
struct known_id {
	uint8_t digest[TARN_SHA256_SIZE];
	uint32_t id;
};

struct tarn_registry_client {
	struct tarn_registry_transport transport;
	void *state;
	pthread_rwlock_t lock;	/* of what follows; nothing is asked inside it */
	struct known **schemas; /* by id */
	size_t n_schemas, schemas_capacity;
	struct known_id *ids; /* by digest */
	size_t n_ids, ids_capacity;
};

/* ---- asking ---- */

enum tarn_rc tarn_registry_ask(struct tarn_registry_client *client, const char *method, const char *path,
			       const char *body, int *status, struct tarn_buf *answer, struct tarn_err *err)
{
	return client->transport.ask(client->state, method, path, body, status, answer, err);
}

/* A refusal as an error of ours, with the registry's own words. */
static enum tarn_rc refused(int status, const json_t *json, struct tarn_err *err)
{
	const char *message = json_string_value(json_object_get(json, "message"));
	enum tarn_rc rc = status == 404 ? TARN_ENOTFOUND : status >= 500 || status == 429 ? TARN_EIO : TARN_EINVALID;
	if (status == 401 || status == 403)
		return tarn_fail(err, TARN_EINVALID, "the registry refuses the credentials (HTTP %d)", status);
	return tarn_fail(err, rc, "registry: %s (HTTP %d)", message ? message : "no reason was given", status);
}

/* Asks and parses the answer, which is the caller's. */
static enum tarn_rc ask_json(struct tarn_registry_client *client, const char *method, const char *path,
			     const char *body, json_t **json, struct tarn_err *err)
{
	struct tarn_buf answer;
	json_error_t where;
	int status = 0;
	tarn_buf_init(&answer, LARGEST_ANSWER);
	enum tarn_rc rc = tarn_registry_ask(client, method, path, body, &status, &answer, err);
	json_t *parsed = NULL;
	if (!rc)
		parsed = json_loadb(answer.data ? (const char *)answer.data : "", answer.len, JSON_DECODE_ANY, &where);
	tarn_buf_release(&answer);
	if (!rc && (status < 200 || status > 299))
		rc = refused(status, parsed, err);
	else if (!rc && !parsed)
		rc = tarn_fail(err, TARN_EIO, "the registry's answer is not JSON: %s", where.text);
	if (rc)
		json_decref(parsed);
	else
		*json = parsed;
	return rc;
}

/* A part of a path, percent-encoded. */
static void put_part(struct tarn_buf *path, const char *text)
{
	for (const char *at = text; *at; at++)
		if (isalnum((unsigned char)*at) || strchr("-._~", *at))
			tarn_buf_add_byte(path, (uint8_t)*at);
		else
			tarn_buf_printf(path, "%%%02X", (unsigned char)*at);
}

/* "<before><subject><after>"; the caller's. */
static char *subject_path(const char *before, const char *subject, const char *after)
{
	struct tarn_buf path;
	tarn_buf_init(&path, 1 << 20);
	tarn_buf_add_str(&path, before);
	put_part(&path, subject);
	tarn_buf_add_str(&path, after);
	tarn_buf_add_byte(&path, 0);
	return (char *)path.data;
}

static const char *const type_names[] = { "AVRO", "JSON", "PROTOBUF" };

/* The body of a request; the caller's. */
static char *submission(const struct tarn_schema_text *schema)
{
	struct tarn_buf body;
	tarn_buf_init(&body, LARGEST_ANSWER);
	tarn_buf_add_str(&body, "{\"schema\":");
	tarn_json_put_string(&body, schema->text);
	if (schema->type != TARN_SCHEMA_AVRO)
		tarn_buf_printf(&body, ",\"schemaType\":\"%s\"", type_names[schema->type]);
	for (size_t i = 0; i < schema->n_references; i++) {
		tarn_buf_add_str(&body, i ? ",{\"name\":" : ",\"references\":[{\"name\":");
		tarn_json_put_str(&body, schema->references[i].name);
		tarn_buf_add_str(&body, ",\"subject\":");
		tarn_json_put_str(&body, schema->references[i].subject);
		tarn_buf_printf(&body, ",\"version\":%d}", schema->references[i].version);
	}
	tarn_buf_add_str(&body, schema->n_references ? "]}" : "}");
	tarn_buf_add_byte(&body, 0);
	return (char *)body.data;
}

/* ---- what is known ---- */

/* Where the first schema is that has this id or a larger one. */
static size_t schema_place(const struct tarn_registry_client *client, uint32_t id)
{
	size_t low = 0, high = client->n_schemas;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (client->schemas[middle]->schema.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct tarn_known_schema *find_schema(struct tarn_registry_client *client, uint32_t id)
{
	pthread_rwlock_rdlock(&client->lock);
	size_t at = schema_place(client, id);
	const struct known *found =
		at < client->n_schemas && client->schemas[at]->schema.id == id ? client->schemas[at] : NULL;
	pthread_rwlock_unlock(&client->lock);
	return found ? &found->schema : NULL;
}

static void free_known(struct known *known)
{
	if (!known)
		return;
	tarn_avro_schema_free(known->avro);
	tarn_arena_release(&known->arena);
	free(known);
}

/* Keeps it, or the one that another thread has fetched meanwhile. */
static const struct tarn_known_schema *keep_schema(struct tarn_registry_client *client, struct known *known)
{
	pthread_rwlock_wrlock(&client->lock);
	size_t at = schema_place(client, known->schema.id);
	if (at < client->n_schemas && client->schemas[at]->schema.id == known->schema.id) {
		free_known(known);
		known = client->schemas[at];
	} else {
		client->schemas = tarn_grow(client->schemas, &client->schemas_capacity, client->n_schemas + 1,
					    sizeof(struct known *));
		memmove(client->schemas + at + 1, client->schemas + at,
			(client->n_schemas - at) * sizeof(struct known *));
		client->schemas[at] = known;
		client->n_schemas++;
	}
	pthread_rwlock_unlock(&client->lock);
	return &known->schema;
}

static void digest_of(const char *subject, const char *body, uint8_t digest[TARN_SHA256_SIZE])
{
	struct tarn_buf both;
	tarn_buf_init(&both, 2 * (size_t)LARGEST_ANSWER);
	tarn_buf_add(&both, subject, strlen(subject) + 1);
	tarn_buf_add_str(&both, body);
	tarn_sha256(tarn_buf_slice(&both), digest);
	tarn_buf_release(&both);
}

static size_t id_place(const struct tarn_registry_client *client, const uint8_t digest[TARN_SHA256_SIZE])
{
	size_t low = 0, high = client->n_ids;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(client->ids[middle].digest, digest, TARN_SHA256_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_id(const struct tarn_registry_client *client, size_t at, const uint8_t digest[TARN_SHA256_SIZE])
{
	return at < client->n_ids && !memcmp(client->ids[at].digest, digest, TARN_SHA256_SIZE);
}

static bool find_known_id(struct tarn_registry_client *client, const uint8_t digest[TARN_SHA256_SIZE], uint32_t *id)
{
	pthread_rwlock_rdlock(&client->lock);
	size_t at = id_place(client, digest);
	bool found = has_id(client, at, digest);
	if (found)
		*id = client->ids[at].id;
	pthread_rwlock_unlock(&client->lock);
	return found;
}

static void keep_id(struct tarn_registry_client *client, const uint8_t digest[TARN_SHA256_SIZE], uint32_t id)
{
	pthread_rwlock_wrlock(&client->lock);
	size_t at = id_place(client, digest);
	if (!has_id(client, at, digest)) {
		client->ids = tarn_grow(client->ids, &client->ids_capacity, client->n_ids + 1, sizeof(*client->ids));
		memmove(client->ids + at + 1, client->ids + at, (client->n_ids - at) * sizeof(*client->ids));
		memcpy(client->ids[at].digest, digest, TARN_SHA256_SIZE);
		client->ids[at].id = id;
		client->n_ids++;
	}
	pthread_rwlock_unlock(&client->lock);
}

/* ---- schemas ---- */

static bool read_references(const json_t *json, struct tarn_arena *arena, struct tarn_schema_text *schema)
{
	size_t n = json_array_size(json);
	struct tarn_schema_reference *references = tarn_arena_alloc(arena, n * sizeof(*references));
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(json, i);
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *subject = json_string_value(json_object_get(item, "subject"));
		json_int_t version = json_integer_value(json_object_get(item, "version"));
		if (!name || !subject || version < 1 || version > INT32_MAX)
			return false;
		references[i] = (struct tarn_schema_reference){ tarn_arena_strdup(arena, name),
								tarn_arena_strdup(arena, subject), (int32_t)version };
	}
	schema->references = references;
	schema->n_references = n;
	return true;
}

/* Fills `schema`, in the arena, from an answer that has schema, schemaType and references. */
static enum tarn_rc read_schema(const json_t *json, struct tarn_arena *arena, struct tarn_schema_text *schema,
				struct tarn_err *err)
{
	const json_t *text = json_object_get(json, "schema");
	const char *type = json_string_value(json_object_get(json, "schemaType"));
	if (!json_is_string(text) || !read_references(json_object_get(json, "references"), arena, schema))
		return tarn_fail(err, TARN_EIO, "the registry's answer lacks a schema");
	size_t len = json_string_length(text);
	schema->text = tarn_slice_of(tarn_arena_copy(arena, json_string_value(text), len), len);
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(type ? type : "AVRO", type_names[i]))
			continue;
		schema->type = (enum tarn_schema_type)i;
		return TARN_OK;
	}
	return tarn_fail(err, TARN_EUNSUPPORTED, "the registry's schema is of type \"%s\"", type);
}

/* Documents that a schema refers to, each before those that need it. */
struct documents {
	struct tarn_arena *arena;
	struct tarn_slice texts[MAX_DOCUMENTS];
	const char *names[MAX_DOCUMENTS];
	size_t n, depth;
};

static bool has_document(const struct documents *documents, const char *name)
{
	for (size_t i = 0; i < documents->n; i++)
		if (!strcmp(documents->names[i], name))
			return true;
	return false;
}

static enum tarn_rc fetch_documents(struct tarn_registry_client *client, const struct tarn_schema_text *schema,
				    struct documents *documents, struct tarn_err *err);

static enum tarn_rc fetch_document(struct tarn_registry_client *client, const struct tarn_schema_reference *reference,
				   struct documents *documents, struct tarn_err *err)
{
	char version[32];
	struct tarn_schema_text schema = { 0 };
	json_t *json;
	snprintf(version, sizeof(version), "/versions/%d?deleted=true", reference->version);
	char *path = subject_path("/subjects/", reference->subject, version);
	enum tarn_rc rc = ask_json(client, "GET", path, NULL, &json, err);
	free(path);
	if (rc)
		return rc;
	rc = read_schema(json, documents->arena, &schema, err);
	json_decref(json);
	if (!rc)
		rc = fetch_documents(client, &schema, documents, err);
	if (rc)
		return rc;
	if (documents->n == MAX_DOCUMENTS)
		return tarn_fail(err, TARN_ELIMIT, "the schema refers to more than %d others", MAX_DOCUMENTS);
	documents->texts[documents->n] = schema.text;
	documents->names[documents->n++] = reference->name;
	return TARN_OK;
}

static enum tarn_rc fetch_documents(struct tarn_registry_client *client, const struct tarn_schema_text *schema,
				    struct documents *documents, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	if (documents->depth == MAX_LEVELS)
		return tarn_fail(err, TARN_ELIMIT, "the schema's references are nested too deeply");
	documents->depth++;
	for (size_t i = 0; i < schema->n_references && !rc; i++)
		if (!has_document(documents, schema->references[i].name))
			rc = fetch_document(client, &schema->references[i], documents, err);
	documents->depth--;
	return rc;
}

/* Parses an Avro schema with what it refers to. */
static enum tarn_rc parse_avro(struct tarn_registry_client *client, struct known *known, struct tarn_err *err)
{
	const struct tarn_schema_text *schema = &known->schema.schema;
	struct documents *documents = tarn_calloc(1, sizeof(*documents));
	documents->arena = &known->arena;
	enum tarn_rc rc = fetch_documents(client, schema, documents, err);
	if (!rc)
		rc = tarn_avro_schema_parse_after(documents->texts, documents->n, schema->text, &known->avro, err);
	known->schema.avro = known->avro;
	known->schema.whole_text = schema->text;
	if (!rc && documents->n) {
		struct tarn_buf whole;
		tarn_buf_init(&whole, LARGEST_ANSWER);
		tarn_schema_put_text(known->avro, TARN_SCHEMA_WHOLE, &whole);
		known->schema.whole_text =
			tarn_slice_of(tarn_arena_copy(&known->arena, whole.data, whole.len), whole.len);
		if (whole.overflow)
			rc = tarn_fail(err, TARN_ELIMIT, "the schema with all that it refers to is too large");
		tarn_buf_release(&whole);
	}
	free(documents);
	return rc;
}

static enum tarn_rc make_known(struct tarn_registry_client *client, uint32_t id, const json_t *json,
			       const struct tarn_known_schema **schema, struct tarn_err *err)
{
	struct known *known = tarn_calloc(1, sizeof(*known));
	tarn_arena_init(&known->arena);
	known->schema.id = id;
	enum tarn_rc rc = read_schema(json, &known->arena, &known->schema.schema, err);
	if (!rc && known->schema.schema.type == TARN_SCHEMA_AVRO)
		rc = parse_avro(client, known, err);
	if (rc) {
		free_known(known);
		return tarn_err_within(err, rc, "schema %u", id);
	}
	*schema = keep_schema(client, known);
	return TARN_OK;
}

/* ---- questions ---- */

enum tarn_rc tarn_registry_by_id(struct tarn_registry_client *client, uint32_t id,
				 const struct tarn_known_schema **schema, struct tarn_err *err)
{
	const struct tarn_known_schema *known = find_schema(client, id);
	json_t *json;
	if (!known) {
		char path[64];
		snprintf(path, sizeof(path), "/schemas/ids/%u", id);
		enum tarn_rc rc = ask_json(client, "GET", path, NULL, &json, err);
		if (rc)
			return rc;
		rc = make_known(client, id, json, &known, err);
		json_decref(json);
		if (rc)
			return rc;
	}
	*schema = known;
	return TARN_OK;
}

static bool read_number(const json_t *json, const char *key, uint32_t *value)
{
	const json_t *found = json_object_get(json, key);
	if (!json_is_integer(found) || json_integer_value(found) < 0 || json_integer_value(found) > INT32_MAX)
		return false;
	*value = (uint32_t)json_integer_value(found);
	return true;
}

enum tarn_rc tarn_registry_latest(struct tarn_registry_client *client, const char *subject, int32_t *version,
				  const struct tarn_known_schema **schema, struct tarn_err *err)
{
	char *path = subject_path("/subjects/", subject, "/versions/latest");
	json_t *json;
	uint32_t id, number;
	enum tarn_rc rc = ask_json(client, "GET", path, NULL, &json, err);
	free(path);
	if (rc)
		return rc;
	if (!read_number(json, "id", &id) || !read_number(json, "version", &number)) {
		rc = tarn_fail(err, TARN_EIO, "the registry's answer lacks id or version");
	} else {
		const struct tarn_known_schema *known = find_schema(client, id);
		if (!known)
			rc = make_known(client, id, json, &known, err);
		if (!rc) {
			*schema = known;
			if (version)
				*version = (int32_t)number;
		}
	}
	json_decref(json);
	return rc;
}

/* Posts the schema and reads the id of the answer. */
static enum tarn_rc post_for_id(struct tarn_registry_client *client, const char *subject, const char *after,
				const struct tarn_schema_text *schema, uint32_t *id, struct tarn_err *err)
{
	uint8_t digest[TARN_SHA256_SIZE];
	char *body = submission(schema);
	digest_of(subject, body, digest);
	if (find_known_id(client, digest, id)) {
		free(body);
		return TARN_OK;
	}
	json_t *json;
	char *path = subject_path("/subjects/", subject, after);
	enum tarn_rc rc = ask_json(client, "POST", path, body, &json, err);
	free(path);
	free(body);
	if (rc)
		return rc;
	if (!read_number(json, "id", id))
		rc = tarn_fail(err, TARN_EIO, "the registry's answer lacks the id");
	else
		keep_id(client, digest, *id);
	json_decref(json);
	return rc;
}

enum tarn_rc tarn_registry_register(struct tarn_registry_client *client, const char *subject,
				    const struct tarn_schema_text *schema, uint32_t *id, struct tarn_err *err)
{
	return post_for_id(client, subject, "/versions", schema, id, err);
}

enum tarn_rc tarn_registry_lookup(struct tarn_registry_client *client, const char *subject,
				  const struct tarn_schema_text *schema, uint32_t *id, struct tarn_err *err)
{
	return post_for_id(client, subject, "", schema, id, err);
}

enum tarn_rc tarn_registry_check(struct tarn_registry_client *client, const char *subject,
				 const struct tarn_schema_text *schema, bool *fits, struct tarn_buf *reasons,
				 struct tarn_err *err)
{
	struct tarn_err own;
	json_t *json;
	char *body = submission(schema);
	char *path = subject_path("/compatibility/subjects/", subject, "/versions?verbose=true");
	enum tarn_rc rc = ask_json(client, "POST", path, body, &json, &own);
	free(path);
	free(body);
	if (rc == TARN_ENOTFOUND) { /* some registries say so of a subject that is not there */
		*fits = true;
		return TARN_OK;
	}
	if (rc) {
		if (err)
			*err = own;
		return rc;
	}
	*fits = json_is_true(json_object_get(json, "is_compatible"));
	const json_t *messages = json_object_get(json, "messages");
	for (size_t i = 0; i < json_array_size(messages); i++) {
		const char *message = json_string_value(json_array_get(messages, i));
		tarn_buf_add_str(reasons, message ? message : "");
		tarn_buf_add_byte(reasons, '\n');
	}
	json_decref(json);
	return TARN_OK;
}

/* ---- life ---- */

struct tarn_registry_client *tarn_registry_client_new(const struct tarn_registry_transport *transport, void *state)
{
	struct tarn_registry_client *client = tarn_calloc(1, sizeof(*client));
	client->transport = *transport;
	client->state = state;
	pthread_rwlock_init(&client->lock, NULL);
	return client;
}

void tarn_registry_client_free(struct tarn_registry_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->n_schemas; i++)
		free_known(client->schemas[i]);
	free(client->schemas);
	free(client->ids);
	client->transport.free(client->state);
	pthread_rwlock_destroy(&client->lock);
	free(client);
}
