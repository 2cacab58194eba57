/* A schema registry with the API of Confluent's (docs.confluent.io, "Schema Registry API Reference"; behaviour of 7.6):
 * subjects, versions, ids by content, compatibility, modes. What it knows is the content of one compacted topic,
 * `_schemas`, whose keys and values are Confluent's, so that either side can go on with what the other has written.
 *
 * Any thread. A change is durable before it is answered, and what is not durable yet is shown to nobody. */
#ifndef TARN_STREAM_REGISTRY_REGISTRY_H
#define TARN_STREAM_REGISTRY_REGISTRY_H

#include "base/err.h"
#include "base/route.h"
#include "serialize/schema/compatibility.h"
#include "serialize/schema/registry_client.h"

struct tarn_registry;
struct tarn_durable_waiter;

struct tarn_registry_record {
	struct tarn_slice key, value; /* value.data NULL: the key is deleted */
};

/* Where the topic is. */
struct tarn_registry_store {
	/* Hands out every record from the start, in order, and stops at the first error. Called once, before anything
	 * else. */
	enum tarn_rc (*load)(void *state,
			     enum tarn_rc (*each)(void *context, struct tarn_slice key, struct tarn_slice value,
						  struct tarn_err *err),
			     void *context, struct tarn_err *err);
	/* Appends the records, all or none even if the machine stops; *position is larger with every call. One call at
	 * a time. */
	enum tarn_rc (*append)(void *state, const struct tarn_registry_record *records, size_t n, int64_t *position,
			       struct tarn_err *err);
	/* Tells the waiter once (stream/log/log.h), on any thread, perhaps at once, when what was appended up to
	 * `position` is durable, or that it will not be. Several threads at once. */
	void (*when_durable)(void *state, int64_t position, struct tarn_durable_waiter *waiter);
	void (*free)(void *state);
};

struct tarn_registry_options {
	enum tarn_compatibility
		compatibility; /* where neither subject nor registry says otherwise; Confluent's: BACKWARD */
	int incompatible_code; /* error_code of a schema that does not fit; 0: 409 (8.4 of Confluent's: 40901) */
};

/* Reads the topic. Records that are not understood (of later versions) are left out and counted. Owns `state` from here
 * on, also where it fails. */
enum tarn_rc tarn_registry_open(const struct tarn_registry_options *options, const struct tarn_registry_store *store,
				void *state, struct tarn_registry **registry, struct tarn_err *err) TARN_MUST_CHECK;
/* On a log of this process; makes the topic where it is missing. */
struct tarn_log;
enum tarn_rc tarn_registry_open_log(const struct tarn_registry_options *options, struct tarn_log *log,
				    struct tarn_registry **registry, struct tarn_err *err) TARN_MUST_CHECK;
/* Nobody may be asking any more. NULL is fine. */
void tarn_registry_close(struct tarn_registry *registry);

/* The API; belongs to the registry. */
const struct tarn_routes *tarn_registry_routes(const struct tarn_registry *registry);
/* A client that asks this registry without sockets; freed before the registry is closed. */
struct tarn_registry_client *tarn_registry_local_client(struct tarn_registry *registry);

struct tarn_registry_counts {
	size_t subjects, schemas,
		versions; /* with at least one version that is not deleted; ids; versions, deleted too */
	size_t skipped;	  /* records that were not understood */
};
void tarn_registry_count(struct tarn_registry *registry, struct tarn_registry_counts *counts);

#endif
