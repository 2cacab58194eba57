#include "stream/registry/registry_state.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_text.h"

/* ---- sorted pointers ---- */

typedef int (*compare_key)(const void *key, const void *item);

/* Where the first item is that is not less than the key. */
static size_t lower_bound(const struct reg_index *index, const void *key, compare_key compare)
{
	size_t low = 0, high = index->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(key, index->items[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void *find(const struct reg_index *index, const void *key, compare_key compare)
{
	size_t at = lower_bound(index, key, compare);
	return at < index->n && !compare(key, index->items[at]) ? index->items[at] : NULL;
}

/* In place of the item with the same key, if there is one. */
static void put(struct reg_index *index, const void *key, void *item, compare_key compare)
{
	size_t at = lower_bound(index, key, compare);
	if (at < index->n && !compare(key, index->items[at])) {
		index->items[at] = item;
		return;
	}
	index->items = tarn_grow(index->items, &index->capacity, index->n + 1, sizeof(*index->items));
	memmove(index->items + at + 1, index->items + at, (index->n - at) * sizeof(*index->items));
	index->items[at] = item;
	index->n++;
}

/* Only if it is this very item. */
static void take_out(struct reg_index *index, const void *key, const void *item, compare_key compare)
{
	size_t at = lower_bound(index, key, compare);
	if (at == index->n || index->items[at] != item)
		return;
	index->n--;
	memmove(index->items + at, index->items + at + 1, (index->n - at) * sizeof(*index->items));
}

static int compare_subject(const void *key, const void *item)
{
	return strcmp(key, ((const struct reg_subject *)item)->name);
}

static int compare_id(const void *key, const void *item)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct reg_content *)item)->id;
	return (a > b) - (a < b);
}

static int compare_digest(const void *key, const void *item)
{
	return memcmp(key, ((const struct reg_content *)item)->digest, TARN_MD5_SIZE);
}

/* ---- contents ---- */

void reg_digest(const struct tarn_schema_text *schema, const char *metadata, const char *rule_set,
		uint8_t digest[TARN_MD5_SIZE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_DigestInit_ex(context, EVP_md5(), NULL);
	EVP_DigestUpdate(context, schema->text.data, schema->text.len);
	for (size_t i = 0; i < schema->n_references; i++) {
		const struct tarn_schema_reference *reference = &schema->references[i];
		uint32_t version = (uint32_t)reference->version;
		const uint8_t bytes[4] = { (uint8_t)(version >> 24), (uint8_t)(version >> 16), (uint8_t)(version >> 8),
					   (uint8_t)version };
		EVP_DigestUpdate(context, reference->name, strlen(reference->name));
		EVP_DigestUpdate(context, reference->subject, strlen(reference->subject));
		EVP_DigestUpdate(context, bytes, sizeof(bytes));
	}
	/* Confluent's sums these up part by part; that they are told apart is all that counts. */
	for (int i = 0; i < 2; i++) {
		const char *extra = i ? rule_set : metadata;
		if (!extra)
			continue;
		EVP_DigestUpdate(context, "\1", 1);
		EVP_DigestUpdate(context, extra, strlen(extra));
	}
	EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
}

static struct tarn_schema_reference *copy_references(const struct tarn_schema_text *schema)
{
	struct tarn_schema_reference *copy = tarn_calloc(schema->n_references, sizeof(*copy));
	for (size_t i = 0; i < schema->n_references; i++) {
		copy[i].name = tarn_strdup(schema->references[i].name);
		copy[i].subject = tarn_strdup(schema->references[i].subject);
		copy[i].version = schema->references[i].version;
	}
	return copy;
}

static struct tarn_slice quote(const struct reg_schema_record *record)
{
	struct tarn_buf quoted;
	tarn_buf_init(&quoted, TARN_BUF_DEFAULT_MAX);
	if (record->quoted.data)
		tarn_buf_add_slice(&quoted, record->quoted);
	else
		tarn_json_put_string(&quoted, record->schema.text);
	return tarn_slice_of(tarn_realloc(quoted.data, quoted.len), quoted.len);
}

static struct reg_content *new_content(struct reg_state *state, const struct reg_schema_record *record,
				       int64_t position)
{
	struct reg_content *content = tarn_calloc(1, sizeof(*content));
	content->id = record->id;
	content->position = position;
	content->schema.type = record->schema.type;
	uint8_t *text = tarn_malloc(record->schema.text.len + 1);
	memcpy(text, record->schema.text.data, record->schema.text.len);
	content->schema.text = tarn_slice_of(text, record->schema.text.len);
	content->quoted = quote(record);
	content->schema.references = copy_references(&record->schema);
	content->schema.n_references = record->schema.n_references;
	content->metadata = record->metadata ? tarn_strdup(record->metadata) : NULL;
	content->rule_set = record->rule_set ? tarn_strdup(record->rule_set) : NULL;
	memcpy(content->digest, record->digest, TARN_MD5_SIZE);
	put(&state->ids, &content->id, content, compare_id);
	put(&state->digests, content->digest, content, compare_digest);
	return content;
}

static void free_content(struct reg_content *content)
{
	for (size_t i = 0; i < content->schema.n_references; i++) {
		free((void *)(uintptr_t)content->schema.references[i].name);
		free((void *)(uintptr_t)content->schema.references[i].subject);
	}
	free((void *)(uintptr_t)content->schema.references);
	free((void *)(uintptr_t)content->schema.text.data);
	free((void *)(uintptr_t)content->quoted.data);
	free(content->metadata);
	free(content->rule_set);
	free(content);
}

static void drop_use(struct reg_state *state, struct reg_content *content)
{
	if (--content->uses)
		return;
	take_out(&state->ids, &content->id, content, compare_id);
	take_out(&state->digests, content->digest, content, compare_digest);
	free_content(content);
}

struct reg_content *reg_find_id(const struct reg_state *state, uint32_t id)
{
	return find(&state->ids, &id, compare_id);
}

struct reg_content *reg_find_digest(const struct reg_state *state, const uint8_t digest[TARN_MD5_SIZE])
{
	return find(&state->digests, digest, compare_digest);
}

/* ---- subjects and versions ---- */

struct reg_subject *reg_find_subject(const struct reg_state *state, const char *name)
{
	return find(&state->subjects, name, compare_subject);
}

size_t reg_first_subject(const struct reg_state *state, const char *name)
{
	return lower_bound(&state->subjects, name, compare_subject);
}

static struct reg_subject *need_subject(struct reg_state *state, const char *name)
{
	if (!name)
		return &state->global;
	struct reg_subject *subject = reg_find_subject(state, name);
	if (subject)
		return subject;
	subject = tarn_calloc(1, sizeof(*subject));
	subject->name = tarn_strdup(name);
	subject->mode = REG_NO_MODE;
	put(&state->subjects, subject->name, subject, compare_subject);
	return subject;
}

static void free_subject(struct reg_subject *subject)
{
	json_decref(subject->config);
	free(subject->versions);
	free(subject->name);
	free(subject);
}

/* A subject of which nothing is left. */
static void drop_subject_if_empty(struct reg_state *state, struct reg_subject *subject)
{
	if (!subject->name || subject->n || subject->config || subject->mode != REG_NO_MODE)
		return;
	take_out(&state->subjects, subject->name, subject, compare_subject);
	free_subject(subject);
}

/* Where the first version is that is not less than this one. */
static size_t version_place(const struct reg_subject *subject, int32_t version)
{
	size_t low = 0, high = subject->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (subject->versions[middle].version < version)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct reg_version *reg_find_version(const struct reg_subject *subject, int32_t version, bool with_deleted)
{
	if (version == TARN_LATEST) {
		for (size_t i = subject->n; i--;)
			if (!subject->versions[i].deleted)
				return &subject->versions[i];
		return NULL;
	}
	size_t at = version_place(subject, version);
	if (at == subject->n || subject->versions[at].version != version)
		return NULL;
	return subject->versions[at].deleted && !with_deleted ? NULL : &subject->versions[at];
}

struct reg_version *reg_find_content(const struct reg_subject *subject, const struct reg_content *content,
				     bool with_deleted)
{
	struct reg_version *deleted = NULL;
	for (size_t i = subject->n; i--;) {
		struct reg_version *version = &subject->versions[i];
		if (version->content != content)
			continue;
		if (!version->deleted)
			return version;
		if (!deleted)
			deleted = version;
	}
	return with_deleted ? deleted : NULL;
}

bool reg_has_versions(const struct reg_subject *subject, bool with_deleted)
{
	return subject && (with_deleted ? subject->n > 0 : reg_find_version(subject, TARN_LATEST, false) != NULL);
}

bool reg_content_is_alive(const struct reg_state *state, const struct reg_content *content)
{
	for (size_t i = 0; i < state->subjects.n; i++)
		if (reg_find_content(state->subjects.items[i], content, false))
			return true;
	return false;
}

static bool refers_to(const struct reg_content *content, const char *subject, int32_t version)
{
	for (size_t i = 0; i < content->schema.n_references; i++)
		if (content->schema.references[i].version == version &&
		    !strcmp(content->schema.references[i].subject, subject))
			return true;
	return false;
}

bool reg_is_referenced(const struct reg_state *state, const char *subject, int32_t version, bool with_deleted,
		       const char *but)
{
	for (size_t i = 0; i < state->subjects.n; i++) {
		const struct reg_subject *other = state->subjects.items[i];
		if (but && !strcmp(other->name, but))
			continue;
		for (size_t k = 0; k < other->n; k++)
			if ((with_deleted || !other->versions[k].deleted) &&
			    refers_to(other->versions[k].content, subject, version))
				return true;
	}
	return false;
}

void reg_put_version(struct reg_state *state, const struct reg_schema_record *record, int64_t position)
{
	struct reg_content *content = reg_find_id(state, record->id);
	if (!content || memcmp(content->digest, record->digest, TARN_MD5_SIZE))
		content = new_content(state, record, position);
	content->uses++;
	struct reg_subject *subject = need_subject(state, record->subject);
	size_t at = version_place(subject, record->version);
	if (at < subject->n && subject->versions[at].version == record->version) {
		drop_use(state, subject->versions[at].content);
	} else {
		subject->versions =
			tarn_grow(subject->versions, &subject->capacity, subject->n + 1, sizeof(*subject->versions));
		memmove(subject->versions + at + 1, subject->versions + at,
			(subject->n - at) * sizeof(*subject->versions));
		subject->n++;
	}
	subject->versions[at] = (struct reg_version){ record->version, record->deleted, content, position };
	if (state->max_id < record->id)
		state->max_id = record->id;
	state->position = position;
}

static void remove_at(struct reg_state *state, struct reg_subject *subject, size_t at)
{
	drop_use(state, subject->versions[at].content);
	subject->n--;
	memmove(subject->versions + at, subject->versions + at + 1, (subject->n - at) * sizeof(*subject->versions));
}

void reg_remove_version(struct reg_state *state, const char *name, int32_t version, int64_t position)
{
	struct reg_subject *subject = reg_find_subject(state, name);
	state->position = position;
	if (!subject)
		return;
	size_t at = version_place(subject, version);
	if (at < subject->n && subject->versions[at].version == version)
		remove_at(state, subject, at);
	drop_subject_if_empty(state, subject);
}

void reg_mark_deleted(struct reg_state *state, const char *name, int32_t version, int64_t position)
{
	struct reg_subject *subject = reg_find_subject(state, name);
	state->position = position;
	for (size_t i = 0; subject && i < subject->n; i++) {
		if (subject->versions[i].version > version || subject->versions[i].deleted)
			continue;
		subject->versions[i].deleted = true;
		subject->versions[i].position = position;
	}
}

void reg_clear_deleted(struct reg_state *state, const char *name, int64_t position)
{
	state->position = position;
	for (size_t i = state->subjects.n; i--;) {
		struct reg_subject *subject = state->subjects.items[i];
		if (name && strcmp(name, subject->name))
			continue;
		for (size_t k = subject->n; k--;)
			if (subject->versions[k].deleted)
				remove_at(state, subject, k);
		drop_subject_if_empty(state, subject);
	}
}

void reg_put_config(struct reg_state *state, const char *name, struct json_t *config, int64_t position)
{
	struct reg_subject *subject = need_subject(state, name);
	json_decref(subject->config);
	subject->config = config;
	state->position = position;
	drop_subject_if_empty(state, subject);
}

void reg_put_mode(struct reg_state *state, const char *name, enum reg_mode mode, int64_t position)
{
	struct reg_subject *subject = need_subject(state, name);
	subject->mode = mode;
	state->position = position;
	drop_subject_if_empty(state, subject);
}

/* ---- all of it ---- */

void reg_state_init(struct reg_state *state)
{
	*state = (struct reg_state){ .global = { .mode = REG_NO_MODE } };
}

void reg_state_release(struct reg_state *state)
{
	for (size_t i = 0; i < state->subjects.n; i++) {
		struct reg_subject *subject = state->subjects.items[i];
		while (subject->n)
			remove_at(state, subject, subject->n - 1);
		free_subject(subject);
	}
	json_decref(state->global.config);
	free(state->subjects.items);
	free(state->ids.items);
	free(state->digests.items);
}
