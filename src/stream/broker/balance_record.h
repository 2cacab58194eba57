/* Records of __consumer_offsets that keep groups with a balance, in Kafka's own formats. The key's version says what it
 * is (enum tarn_balance_record); values are of version 0 and flexible, null: gone. */
#ifndef TARN_STREAM_BROKER_BALANCE_RECORD_H
#define TARN_STREAM_BROKER_BALANCE_RECORD_H

#include "base/err.h"
#include "stream/broker/balance.h"

/* Appends the key, and the value unless it is to be null (false). */
bool tarn_balance_write(const struct tarn_group *group, const struct tarn_balance_change *change, struct tarn_buf *key,
			struct tarn_buf *value);

/* Whether the key, whose version is at its start, is one of these. */
bool tarn_balance_owns_key(struct tarn_slice key);
/* Makes the group as the record says; value.data NULL: null. What is of no group any more is left to
 * tarn_balance_loaded. */
enum tarn_rc tarn_balance_load(struct tarn_groups *groups, int64_t now_ms, struct tarn_slice key,
			       struct tarn_slice value, struct tarn_err *err) TARN_MUST_CHECK;

#endif
