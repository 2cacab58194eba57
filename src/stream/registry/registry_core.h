/* The inside of a registry: its locks, its changes, and the rules that a change must obey. */
#ifndef TARN_STREAM_REGISTRY_REGISTRY_CORE_H
#define TARN_STREAM_REGISTRY_REGISTRY_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "stream/registry/registry.h"
#include "stream/registry/registry_topic.h"

enum { REG_KNOWN_BODIES = 4096 };
struct reg_known_body {
	uint8_t sent[TARN_SHA256_SIZE];
	bool normalize;
	uint8_t canonical[TARN_MD5_SIZE];
};

/* Order of locks: writing, then lock, then bodies_lock. Who holds `writing` may read the state without `lock`: only
 * such a thread changes it. */
struct tarn_registry {
	struct tarn_registry_options options;
	struct tarn_registry_store store;
	void *store_state;
	struct tarn_routes routes;
	char cluster[64]; /* of the broker below, or empty */
	pthread_mutex_t writing;
	pthread_rwlock_t lock;
	struct reg_state state;
	_Atomic int64_t durable; /* position up to which the topic is known to be */
	size_t skipped;
	/* What bodies of requests stand for, by their digests: producers send the same ones over and over. */
	pthread_mutex_t bodies_lock;
	struct reg_known_body bodies[REG_KNOWN_BODIES];
};

/* One question, and what came of it. */
struct reg_call {
	struct tarn_arena *arena;
	int64_t position; /* what the answer depends on: durable before it is given */
	int status, code; /* of a refusal; 0: none */
	const char *message;
};

/* Fills in the refusal; returns false. */
bool reg_refuse(struct reg_call *call, int status, int code, const char *fmt, ...) TARN_PRINTF(4, 5);
/* The answer shows what was written at this position. */
static inline void reg_depends(struct reg_call *call, int64_t position)
{
	if (call->position < position)
		call->position = position;
}

/* ---- questions; false: refused. The answer is given when what it depends on is durable. ---- */

/* What the body of a request is known by. */
struct reg_body {
	bool known; /* the digest is */
	uint8_t sent[TARN_SHA256_SIZE];
};

/* A schema as it was sent. */
struct reg_submission {
	struct tarn_schema_text schema;
	const char *metadata, *rule_set; /* JSON, or NULL */
	int64_t id;			 /* -1: none given */
	int32_t version;		 /* 0: none given */
	bool normalize, force;
	const struct reg_body *body;
};
/* What it became. In the call's arena. */
struct reg_registered {
	uint32_t id;
	int32_t version;
	struct tarn_schema_text schema;
	const char *metadata, *rule_set;
	uint8_t digest[TARN_MD5_SIZE]; /* of all of it */
};

/* Whether the same text was read before, and the subject has what it says: then that is in *registered. Fills in what
 * it is known by. */
bool reg_recall(struct tarn_registry *registry, struct reg_call *call, const char *subject, struct tarn_slice text,
		bool normalize, struct reg_body *body, struct reg_registered *registered);
bool reg_register(struct tarn_registry *registry, struct reg_call *call, const char *subject,
		  const struct reg_submission *submission, struct reg_registered *registered);
/* Is it registered? */
bool reg_lookup(struct tarn_registry *registry, struct reg_call *call, const char *subject,
		const struct reg_submission *submission, bool with_deleted, struct reg_registered *registered);
/* Version 0: against all, as the level asks; else against that one. */
bool reg_check(struct tarn_registry *registry, struct reg_call *call, const char *subject, int32_t version,
	       const struct reg_submission *submission, struct tarn_compatibility_reasons *reasons);
bool reg_delete_version(struct tarn_registry *registry, struct reg_call *call, const char *subject, int32_t version,
			bool permanent, int32_t *deleted);
/* Versions in the call's arena. */
bool reg_delete_subject(struct tarn_registry *registry, struct reg_call *call, const char *subject, bool permanent,
			int32_t **versions, size_t *n);
/* Subject NULL: the global one. `change` is merged into what there is; a null takes a key away. */
bool reg_set_config(struct tarn_registry *registry, struct reg_call *call, const char *subject,
		    const struct json_t *change);
bool reg_delete_config(struct tarn_registry *registry, struct reg_call *call, const char *subject);
bool reg_set_mode(struct tarn_registry *registry, struct reg_call *call, const char *subject, enum reg_mode mode,
		  bool force);
bool reg_delete_mode(struct tarn_registry *registry, struct reg_call *call, const char *subject);

/* ---- for those above; the caller holds one of the locks ---- */

enum reg_mode reg_mode_in_scope(const struct reg_state *state, const char *subject);
enum tarn_compatibility reg_compatibility_in_scope(const struct tarn_registry *registry, const char *subject);
bool reg_normalize_in_scope(const struct tarn_registry *registry, const char *subject);
/* Parses an Avro schema with all that it refers to. */
bool reg_parse_avro(const struct reg_state *state, struct reg_call *call, const struct tarn_schema_text *schema,
		    struct tarn_avro_schema **parsed);
/* Records that are written together. Everything is in an arena. */
struct reg_change {
	struct tarn_arena *arena;
	struct tarn_registry_record *records;
	size_t n, capacity;
	const struct reg_schema_record *last; /* what the last record says; NULL: it is read, as the others are */
};
/* Copies; value NULL: the key is deleted. */
void reg_change_add(struct reg_change *change, const struct tarn_buf *key, const struct tarn_buf *value);
/* Appends the change to the topic and applies it. The caller holds `writing`. */
bool reg_commit(struct tarn_registry *registry, struct reg_call *call, struct reg_change *change);

extern const struct tarn_route reg_routes[];
extern const size_t reg_n_routes;
void reg_write_refusal(void *room, int status, const char *message, struct tarn_response *response);

#endif
