/* The topic __transaction_state: one record for each change of a transactional id, in Kafka's format, compacted. */
#ifndef TARN_STREAM_BROKER_TXN_LOG_H
#define TARN_STREAM_BROKER_TXN_LOG_H

#include "stream/broker/txn.h"

/* Opens the topic, and makes it where it is missing. The caller gives up the reference. Waits. */
enum tarn_rc tarn_txn_log_open(struct tarn_log *log, struct tarn_topic **topic, struct tarn_err *err) TARN_MUST_CHECK;
/* Appends the state as it is now; `facts` NULL: the id is forgotten. It is durable when everything before *end is. */
enum tarn_rc tarn_txn_log_append(struct tarn_topic *topic, const char *transactional_id,
				 const struct tarn_txn_facts *facts, int64_t now_ms, int64_t *end,
				 struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_txn_log_wait(struct tarn_topic *topic, int64_t end, struct tarn_err *err) TARN_MUST_CHECK;

/* Calls `take` for each record from the oldest on; `facts` NULL: the id is forgotten. Borrowed. */
typedef void (*tarn_txn_take)(void *context, const char *transactional_id, const struct tarn_txn_facts *facts,
			      int64_t updated_ms);
enum tarn_rc tarn_txn_log_read(struct tarn_topic *topic, tarn_txn_take take, void *context,
			       struct tarn_err *err) TARN_MUST_CHECK;

#endif
