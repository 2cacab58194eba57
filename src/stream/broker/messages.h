/* Every message of the Kafka protocol that Tarn knows, from one table (messages_*.def): a row there is a member of a C
 * struct here and an entry of the layout that codec.c reads and writes it by, for all versions of the message.
 *
 *   STRUCT(x) ... END(x)                              struct tarn_x and tarn_layout_x(); what it holds stands before it
 *   VALUE(KIND, name, first, last, default)           a number, a boolean or a UUID
 *   TEXT(KIND, name, first, last, nullable)           STRING: const char *; BYTES, RECORDS, OPAQUE: struct tarn_slice
 *                                                     (OPAQUE: a string on the wire, which may hold zero bytes)
 *   ARRAY(KIND, name, first, last, nullable)          name and n_name: elements of KIND
 *   LIST(y, name, first, last, nullable)              name and n_name: elements of struct tarn_y
 *   PART(y, name, first, last, nullable)              struct tarn_y *name; NULL is null, or all its defaults
 *
 * `first` to `last` (ON: and all later ones) are the versions that have the field, `nullable` is the first version in
 * which it may be null. A field that a version lacks is its default after decoding, "" or null where it is a text, and
 * is left out when encoding. An array is null where its pointer is NULL; where the version knows no null it is empty,
 * as a text is "". Of tagged fields (KIP-482) none is needed: those that arrive are skipped.
 *
 * Source: the message definitions of Apache Kafka, kafka.apache.org/protocol. */
#ifndef TARN_STREAM_BROKER_MESSAGES_H
#define TARN_STREAM_BROKER_MESSAGES_H

#include "base/alloc.h"
#include "base/buf.h"

struct tarn_uuid {
	uint8_t bytes[16];
};

struct tarn_layout; /* codec.h */

#define TARN_TYPE_BOOL bool
#define TARN_TYPE_INT8 int8_t
#define TARN_TYPE_INT16 int16_t
#define TARN_TYPE_INT32 int32_t
#define TARN_TYPE_INT64 int64_t
#define TARN_TYPE_DOUBLE double
#define TARN_TYPE_UUID struct tarn_uuid
#define TARN_TYPE_STRING const char *
#define TARN_TYPE_OPAQUE struct tarn_slice
#define TARN_TYPE_BYTES struct tarn_slice
#define TARN_TYPE_RECORDS struct tarn_slice

#define STRUCT(x) struct tarn_##x {
#define VALUE(KIND, name, first, last, otherwise) TARN_TYPE_##KIND name;
#define TEXT(KIND, name, first, last, nullable) TARN_TYPE_##KIND name;
#define ARRAY(KIND, name, first, last, nullable)                                                                       \
	TARN_TYPE_##KIND *name;                                                                                        \
	size_t n_##name;
#define LIST(y, name, first, last, nullable)                                                                           \
	struct tarn_##y *name;                                                                                         \
	size_t n_##name;
#define PART(y, name, first, last, nullable) struct tarn_##y *name;
#define END(x)                                                                                                         \
	}                                                                                                              \
	;                                                                                                              \
	const struct tarn_layout *tarn_layout_##x(void);
#include "stream/broker/messages_access.def"
#include "stream/broker/messages_admin.def"
#include "stream/broker/messages_balance.def"
#include "stream/broker/messages_groups.def"
#include "stream/broker/messages_records.def"
#include "stream/broker/messages_txn.def"
#undef STRUCT
#undef VALUE
#undef TEXT
#undef ARRAY
#undef LIST
#undef PART
#undef END

enum tarn_api_key {
#define API(NAME, key, prefix, oldest, newest, flexible) TARN_API_##NAME = key,
#include "stream/broker/apis.def"
#undef API
};

/* An API as the table lays it out. */
struct tarn_api {
	int16_t key;
	const char *name; /* "list_offsets" */
	int16_t oldest, newest;
	int16_t flexible; /* first version with compact forms and tags; INT16_MAX: none */
	const struct tarn_layout *(*request)(void), *(*response)(void);
};
/* NULL where the table has no such key. */
const struct tarn_api *tarn_api_find(int16_t key);
/* By position, for tests and listings; NULL behind the last. */
const struct tarn_api *tarn_api_at(size_t i);

/* `n` structs with every field at its default, from the arena: tarn_message_new(arena, fetch_response_topic, n). Never
 * NULL, also for n = 0. */
#define tarn_message_new(arena, x, n) ((struct tarn_##x *)tarn_layout_new((arena), tarn_layout_##x(), (n)))
void *tarn_layout_new(struct tarn_arena *arena, const struct tarn_layout *layout, size_t n);

#endif
