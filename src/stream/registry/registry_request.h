/* A request of the registry's API on its way through a handler: what was asked, and the answer as JSON. */
#ifndef TARN_STREAM_REGISTRY_REGISTRY_REQUEST_H
#define TARN_STREAM_REGISTRY_REGISTRY_REQUEST_H

#include "stream/registry/registry_core.h"

/* A question that is being answered. `json` is the body of a request that is no submission, where it has one. */
struct reg_context {
	struct tarn_registry *registry;
	const struct tarn_request *request;
	struct tarn_response *response;
	struct tarn_buf *out;
	struct reg_call call;
	struct reg_body body; /* of a submission, once reg_recall was asked */
	struct json_t *json;
};

struct reg_context reg_begin(void *room, const struct tarn_request *request, struct tarn_response *response);
/* Writes the refusal where it is not ok; the answer is held until what it depends on is durable. */
void reg_end(struct reg_context *c, bool ok);
/* Answers that only look: `show` runs with the state held, and what it shows is waited for. */
void reg_look(void *room, const struct tarn_request *request, struct tarn_response *response,
	      bool (*show)(struct reg_context *c, const struct reg_state *state));
/* The answer shows everything that is known now. */
void reg_depends_on_all(struct reg_context *c, const struct reg_state *state);

/* ---- what was asked; false: refused ---- */

bool reg_flag(const struct reg_context *c, const char *name);
const char *reg_plain_name(const char *name); /* a subject's name without the default context, ":.:" */
const char *reg_subject_of(const struct reg_context *c);
/* May a subject of this name be made? */
bool reg_valid_subject(struct reg_context *c, const char *name);
bool reg_parse_version(struct reg_context *c, const char *text, int32_t *version);
bool reg_parse_id(struct reg_context *c, uint32_t *id);
bool reg_parse_body(struct reg_context *c);
bool reg_parse_submission(struct reg_context *c, struct reg_submission *submission);

/* A page of a list: whether item i of it is on it. */
struct reg_page {
	int64_t from, to, i;
};
struct reg_page reg_page_of(const struct reg_context *c);
bool reg_on_page(struct reg_page *page);

/* ---- JSON ---- */

/* With a comma before it, except at the start of an object. */
void reg_put_key(struct tarn_buf *out, const char *key);
void reg_put_text(struct tarn_buf *out, const char *key, const char *value);
void reg_put_int(struct tarn_buf *out, const char *key, int64_t value);
/* Between the items of a list. */
void reg_put_comma(struct tarn_buf *out);
/* What identifies a content for everybody, as Confluent's: its digest as a UUID. */
void reg_put_guid(struct tarn_buf *out, const uint8_t digest[TARN_MD5_SIZE]);
/* schemaType unless Avro, references, metadata, ruleSet, schema; in the form that the request asks for. `kept` is the
 * content with this text where there is one, or NULL. */
bool reg_put_content(struct reg_context *c, const struct tarn_schema_text *schema, const char *metadata,
		     const char *rule_set, const struct reg_content *kept);

/* ---- handlers that only look ---- */

void reg_get_by_id(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_text_by_id(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_by_guid(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_ids_of_guid(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_subjects_of_id(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_versions_of_id(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_types(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_schemas(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_subjects(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_versions(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_version(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_text_of_version(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_referenced_by(void *room, const struct tarn_request *request, struct tarn_response *response);
void reg_get_latest_with_metadata(void *room, const struct tarn_request *request, struct tarn_response *response);

#endif
