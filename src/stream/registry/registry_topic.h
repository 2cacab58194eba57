/* The records of the topic `_schemas`: Confluent's keys and values, as JSON without white space.
 *
 *   {"keytype":"SCHEMA","subject":S,"version":V,"magic":1}   {"subject","version","id","md5","schemaType","references",
 *                                                             "metadata","ruleSet","schema","deleted"}, or null:
 * removed
 *   {"keytype":"DELETE_SUBJECT","subject":S,"magic":0}       {"subject":S,"version":V}: all up to V are deleted
 *   {"keytype":"CLEAR_SUBJECT","subject":S,"magic":0}        {"subject":S}: what is deleted is forgotten; no S:
 * everywhere
 *   {"keytype":"CONFIG","subject":S,"magic":0}               {"subject":S,"compatibilityLevel":...}, or null; no S:
 * global
 *   {"keytype":"MODE","subject":S,"magic":0}                 {"subject":S,"mode":M}, or null; no S: global
 *   {"keytype":"NOOP","magic":0}                             {"maxId":N}, which is ours: ids up to N were given out
 *
 * The last is there because ids of schemas that were removed must not be given out again, also after compaction;
 * Confluent's registry does not look at the value of a NOOP. */
#ifndef TARN_STREAM_REGISTRY_REGISTRY_TOPIC_H
#define TARN_STREAM_REGISTRY_REGISTRY_TOPIC_H

#include "base/alloc.h"
#include "base/err.h"
#include "base/json_tree.h"
#include "stream/registry/registry_state.h"

#define TARN_REGISTRY_TOPIC "_schemas"

extern const char *const reg_mode_names[];
extern const char *const reg_type_names[];
/* Any case; false where it is none. */
bool reg_parse_mode(const char *name, enum reg_mode *mode);
bool reg_parse_type(const char *name, enum tarn_schema_type *type);

/* Keys and values, appended. `subject` NULL: the global one. */
void reg_write_key(struct tarn_buf *out, const char *keytype, const char *subject, int32_t version);
void reg_write_schema(struct tarn_buf *out, const struct reg_schema_record *record);
void reg_write_subject_version(struct tarn_buf *out, const char *subject, int32_t version);
void reg_write_config(struct tarn_buf *out, const char *subject, const struct json_t *config);
void reg_write_mode(struct tarn_buf *out, const char *subject, enum reg_mode mode);
void reg_write_max_id(struct tarn_buf *out, uint32_t max_id);
/* Appends compact JSON; keys in their order. */
void reg_write_json(struct tarn_buf *out, const struct json_t *json);
/* ["name","subject","version"] objects; nothing where there are none. */
void reg_write_references(struct tarn_buf *out, const struct tarn_schema_text *schema);
void reg_write_digest(struct tarn_buf *out, const uint8_t digest[TARN_MD5_SIZE]); /* as a UUID */

/* References of a JSON array, in an arena; false where one is incomplete. NULL and null are none. */
bool reg_read_references(const struct tarn_json_value *json, struct tarn_arena *arena, struct tarn_schema_text *schema);
/* An object's member that is an object, as compact text in the arena; else NULL. */
const char *reg_read_extra(const struct tarn_json_value *json, const char *key, struct tarn_arena *arena);

/* Applies a record to the state. TARN_EUNSUPPORTED: a kind that means nothing here; TARN_EINVALID: damaged. Neither
 * changes the state. */
enum tarn_rc reg_apply(struct reg_state *state, struct tarn_slice key, struct tarn_slice value, int64_t position,
		       struct tarn_err *err) TARN_MUST_CHECK;

#endif
