/* What a registry knows, in memory: subjects with their versions, and contents with their ids. No locks here; the owner
 * has one. */
#ifndef TARN_STREAM_REGISTRY_REGISTRY_STATE_H
#define TARN_STREAM_REGISTRY_REGISTRY_STATE_H

#include "serialize/schema/registry_client.h"

#define TARN_MD5_SIZE 16
#define TARN_LATEST (-1)

struct json_t; /* Jansson's */

/* Sorted pointers. */
struct reg_index {
	void **items;
	size_t n, capacity;
};

/* A schema and what belongs to it. Identified by its digest, as Confluent's: text in canonical form, references,
 * metadata, rules. Its own text has that form, too, unless another registry has written it. */
struct reg_content {
	uint32_t id;
	struct tarn_schema_text schema; /* text and references are the content's own */
	struct tarn_slice quoted;	/* the text as a JSON string, its own, too: answers are made of it */
	char *metadata, *rule_set;	/* JSON, or NULL */
	uint8_t digest[TARN_MD5_SIZE];
	size_t uses;	  /* versions that have it */
	int64_t position; /* in the topic */
};

struct reg_version {
	int32_t version;
	bool deleted;
	struct reg_content *content;
	int64_t position;
};

enum reg_mode { REG_READWRITE, REG_READONLY, REG_READONLY_OVERRIDE, REG_IMPORT, REG_FORWARD, REG_NO_MODE };

struct reg_subject {
	char *name;		      /* NULL: what holds for all */
	struct reg_version *versions; /* by number */
	size_t n, capacity;
	struct json_t *config; /* as ConfigValue has it, or NULL */
	enum reg_mode mode;    /* REG_NO_MODE: the global one */
};

struct reg_state {
	struct reg_index subjects; /* by name; also those that have a configuration only */
	struct reg_index ids, digests;
	struct reg_subject global;
	uint32_t max_id;  /* ever given out */
	int64_t position; /* of the last change */
};

void reg_state_init(struct reg_state *state);
void reg_state_release(struct reg_state *state);

/* ---- looking ---- */

struct reg_subject *reg_find_subject(const struct reg_state *state, const char *name);
/* Where the first name is that is not less than this one. */
size_t reg_first_subject(const struct reg_state *state, const char *name);
struct reg_content *reg_find_id(const struct reg_state *state, uint32_t id);
struct reg_content *reg_find_digest(const struct reg_state *state, const uint8_t digest[TARN_MD5_SIZE]);
/* By number, or TARN_LATEST: the newest that is not deleted. NULL where there is none, or it is deleted and not wanted.
 */
struct reg_version *reg_find_version(const struct reg_subject *subject, int32_t version, bool with_deleted);
/* The subject's newest version with this content; with_deleted: also a deleted one. */
struct reg_version *reg_find_content(const struct reg_subject *subject, const struct reg_content *content,
				     bool with_deleted);
bool reg_has_versions(const struct reg_subject *subject, bool with_deleted);
/* Whether any schema refers to it; with_deleted: also ones of which there are only deleted versions. `but`: versions of
 * this subject do not count, NULL: all count. */
bool reg_is_referenced(const struct reg_state *state, const char *subject, int32_t version, bool with_deleted,
		       const char *but);
bool reg_content_is_alive(const struct reg_state *state, const struct reg_content *content);

void reg_digest(const struct tarn_schema_text *schema, const char *metadata, const char *rule_set,
		uint8_t digest[TARN_MD5_SIZE]);

/* ---- changing ---- */

/* What a schema's record says. Borrowed. */
struct reg_schema_record {
	const char *subject;
	int32_t version;
	uint32_t id;
	bool deleted;
	struct tarn_schema_text schema;
	const char *metadata, *rule_set;
	const uint8_t *digest;	  /* of the content with its text in canonical form */
	struct tarn_slice quoted; /* the text as a JSON string, where that is known already */
};
void reg_put_version(struct reg_state *state, const struct reg_schema_record *record, int64_t position);
void reg_remove_version(struct reg_state *state, const char *subject, int32_t version, int64_t position);
/* All versions up to this one. */
void reg_mark_deleted(struct reg_state *state, const char *subject, int32_t version, int64_t position);
/* Forgets versions that are deleted; NULL: of all subjects. */
void reg_clear_deleted(struct reg_state *state, const char *subject, int64_t position);
/* Takes the configuration over; NULL: none any more. Subject NULL: the global one. */
void reg_put_config(struct reg_state *state, const char *subject, struct json_t *config, int64_t position);
void reg_put_mode(struct reg_state *state, const char *subject, enum reg_mode mode, int64_t position);

#endif
