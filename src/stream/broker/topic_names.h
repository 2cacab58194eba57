/* Rules about the names of topics, and how a request's topics are found. */
#ifndef TARN_STREAM_BROKER_TOPIC_NAMES_H
#define TARN_STREAM_BROKER_TOPIC_NAMES_H

#include "stream/broker/call.h"

#define TARN_OFFSETS_TOPIC "__consumer_offsets"
#define TARN_TRANSACTIONS_TOPIC "__transaction_state"

/* As Kafka's: 1 to 249 of [a-zA-Z0-9._-], neither "." nor "..". */
bool tarn_topic_name_is_legal(const char *name);
/* Topics that the broker keeps for itself: clients may read them, not write. */
bool tarn_topic_name_is_internal(const char *name);
bool tarn_topic_id_is_zero(const struct tarn_uuid *id);

/* The topic with a reference, if the call may do `operation` with it; else NULL and a Kafka error in *error. Who may
 * not even see a topic is told the same whether it exists or not. */
struct tarn_topic *tarn_call_topic(struct tarn_call *call, const char *name, enum tarn_acl_operation operation,
				   int16_t *error);
/* The same by id (UNKNOWN_TOPIC_ID where there is none). */
struct tarn_topic *tarn_call_topic_by_id(struct tarn_call *call, const struct tarn_uuid *id,
					 enum tarn_acl_operation operation, int16_t *error);

#endif
