/* What Produce looks at in a batch before the log does. */
#ifndef TARN_STREAM_BROKER_PRODUCE_CHECK_H
#define TARN_STREAM_BROKER_PRODUCE_CHECK_H

#include "stream/broker/call.h"
#include "stream/log/batch.h"

/* The topic's setting that asks the broker's validator about every key and value. */
#define TARN_SETTING_VALIDATION "schema.validation"

/* One batch of magic 2, whole and alone, no control batch, a codec that the version of Produce knows; and records that
 * the validator accepts where the topic asks for that. Returns a Kafka error; fills *batch where that is NONE, and
 * record_errors and error_message of the response (in the call's arena) where records were refused. */
int16_t tarn_produce_check(struct tarn_call *call, struct tarn_topic *topic, struct tarn_slice records,
			   struct tarn_batch *batch, struct tarn_produce_response_partition *response);

#endif
