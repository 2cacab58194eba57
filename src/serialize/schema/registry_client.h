/* Asks a schema registry: Confluent's API over HTTP, or the registry role of this process without sockets. Answers that
 * cannot change (what an id stands for; the id of a schema that was registered under a subject) are kept, so that a
 * message costs one look into a table.
 *
 * Any thread. A call that is not answered from what is kept waits for the registry, and holds no lock meanwhile.
 *
 * Errors of every call: TARN_ENOTFOUND, no such subject, version or id; TARN_EINVALID, it refused what was asked: a
 * schema that is none or does not fit its subject, credentials (the message is the registry's own, with its reasons);
 * TARN_EIO, it did not answer, or was at fault itself: trying again may help. */
#ifndef TARN_SERIALIZE_SCHEMA_REGISTRY_CLIENT_H
#define TARN_SERIALIZE_SCHEMA_REGISTRY_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "serialize/avro/schema.h"

enum tarn_schema_type { TARN_SCHEMA_AVRO, TARN_SCHEMA_JSON, TARN_SCHEMA_PROTOBUF };

/* Where a schema takes named types from: what is registered under a subject and version. `name` is, for Avro, the full
 * name of the type. */
struct tarn_schema_reference {
	const char *name, *subject;
	int32_t version;
};

/* A schema as it is sent to a registry. */
struct tarn_schema_text {
	enum tarn_schema_type type;
	struct tarn_slice text;
	const struct tarn_schema_reference *references;
	size_t n_references;
};

/* A schema that a registry gave an id. Immutable; belongs to the client and lives as long. */
struct tarn_known_schema {
	uint32_t id;
	struct tarn_schema_text schema; /* as the registry has it */
	/* Of Avro, else NULL and empty: parsed with all that it refers to, and the text of the same with those types
	 * written out, as a file's header needs it. */
	const struct tarn_avro_schema *avro;
	struct tarn_slice whole_text;
};

struct tarn_registry_client;

/* ---- asking ---- */

enum tarn_rc tarn_registry_by_id(struct tarn_registry_client *client, uint32_t id,
				 const struct tarn_known_schema **schema, struct tarn_err *err) TARN_MUST_CHECK;
/* The newest version's number goes to *version (may be NULL). Asks each time. */
enum tarn_rc tarn_registry_latest(struct tarn_registry_client *client, const char *subject, int32_t *version,
				  const struct tarn_known_schema **schema, struct tarn_err *err) TARN_MUST_CHECK;
/* Registers the schema under the subject unless it is there. Durable when it returns. */
enum tarn_rc tarn_registry_register(struct tarn_registry_client *client, const char *subject,
				    const struct tarn_schema_text *schema, uint32_t *id,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* The id of the schema under the subject; TARN_ENOTFOUND where it is not registered there. */
enum tarn_rc tarn_registry_lookup(struct tarn_registry_client *client, const char *subject,
				  const struct tarn_schema_text *schema, uint32_t *id,
				  struct tarn_err *err) TARN_MUST_CHECK;
/* Whether the schema could be registered as the subject's next version; where not, the reasons are appended to
 * `reasons`, a line each. A subject that is not there takes any valid schema. Asks each time. */
enum tarn_rc tarn_registry_check(struct tarn_registry_client *client, const char *subject,
				 const struct tarn_schema_text *schema, bool *fits, struct tarn_buf *reasons,
				 struct tarn_err *err) TARN_MUST_CHECK;
/* NULL is fine. Nobody may use the client or its schemas any more. */
void tarn_registry_client_free(struct tarn_registry_client *client);

/* ---- a registry over HTTP (network module) ---- */

struct tarn_registry_client_options {
	const char *url; /* http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH]; several with commas: the next where one is
			    silent */
	const char *user, *password;   /* HTTP Basic; NULL: those of the URL, or none */
	const char *token;	       /* Bearer, instead */
	const char *ca;		       /* PEM of whom to trust; NULL: the system's */
	const char *certificate, *key; /* PEM files, where the registry asks for them */
	int64_t timeout_ms;	       /* of one request; 0: 10,000 */
};
/* Copies what the options say; asks nothing yet. */
enum tarn_rc tarn_registry_client_open(const struct tarn_registry_client_options *options,
				       struct tarn_registry_client **client, struct tarn_err *err) TARN_MUST_CHECK;

/* ---- for whoever is a registry ---- */

/* One request, as HTTP has it: *status and the body of the answer. TARN_EIO where there was no answer. `path` begins
 * with a slash and is percent-encoded; `body` is NULL for none. Several threads at once. */
struct tarn_registry_transport {
	enum tarn_rc (*ask)(void *state, const char *method, const char *path, const char *body, int *status,
			    struct tarn_buf *answer, struct tarn_err *err);
	void (*free)(void *state);
};
/* Owns `state` from here on. */
struct tarn_registry_client *tarn_registry_client_new(const struct tarn_registry_transport *transport, void *state);
/* Any other request of the API, for commands. */
enum tarn_rc tarn_registry_ask(struct tarn_registry_client *client, const char *method, const char *path,
			       const char *body, int *status, struct tarn_buf *answer,
			       struct tarn_err *err) TARN_MUST_CHECK;

#endif
