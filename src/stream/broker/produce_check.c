#include "stream/broker/produce_check.h"

#include <string.h>

enum {
	ZSTD_SINCE = 7,	      /* version of Produce that knows it (KIP-110) */
	MOST_BAD_RECORDS = 100, /* that are named in an answer */
	LARGEST_UNPACKED = 256 << 20,
};

static bool wants_validation(const struct tarn_topic *topic)
{
	struct tarn_buf value;
	tarn_buf_init(&value, 16);
	bool wanted = !tarn_topic_setting(topic, TARN_SETTING_VALIDATION, &value, NULL) &&
		      tarn_slice_eq(tarn_buf_slice(&value), tarn_slice_str("true"));
	tarn_buf_release(&value);
	return wanted;
}

static bool accepts(const struct tarn_validator *validator, struct tarn_topic *topic,
		    const struct tarn_message *message, const char **reason)
{
	return (!message->key.data || validator->accepts(validator->context, topic, true, message->key, reason)) &&
	       (!message->value.data || validator->accepts(validator->context, topic, false, message->value, reason));
}

static void refuse_record(struct tarn_call *call, struct tarn_produce_response_partition *response, int32_t position,
			  const char *reason)
{
	if (!response->record_errors)
		response->record_errors = tarn_call_new(call, produce_response_record_error, MOST_BAD_RECORDS);
	response->error_message = "records that do not fit the topic's schema";
	if (response->n_record_errors == MOST_BAD_RECORDS)
		return;
	response->record_errors[response->n_record_errors++] = (struct tarn_produce_response_record_error){
		.batch_index = position,
		.message = tarn_arena_strdup(&call->arena, reason ? reason : "refused"),
	};
}

static int16_t validate(struct tarn_call *call, struct tarn_topic *topic, const struct tarn_batch *batch,
			struct tarn_produce_response_partition *response)
{
	struct tarn_message message;
	struct tarn_err err;
	int32_t position = 0;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	enum tarn_rc rc = tarn_batch_reader_open(reader, batch, LARGEST_UNPACKED, &err);
	for (; !rc && !(rc = tarn_batch_reader_next(reader, &message, &err)); position++) {
		const char *reason = NULL;
		if (!accepts(call->broker->validator, topic, &message, &reason))
			refuse_record(call, response, position, reason);
	}
	tarn_batch_reader_free(reader);
	if (rc != TARN_ENOTFOUND)
		return TARN_KAFKA_CORRUPT_MESSAGE;
	return response->n_record_errors ? TARN_KAFKA_INVALID_RECORD : TARN_KAFKA_NONE;
}

int16_t tarn_produce_check(struct tarn_call *call, struct tarn_topic *topic, struct tarn_slice records,
			   struct tarn_batch *batch, struct tarn_produce_response_partition *response)
{
	struct tarn_err err;
	if (!records.len || tarn_batch_parse(records, batch, &err)) {
		response->error_message =
			records.len ? tarn_arena_strdup(&call->arena, err.message) : "a request without records";
		return records.len ? TARN_KAFKA_CORRUPT_MESSAGE : TARN_KAFKA_INVALID_RECORD;
	}
	if (batch->bytes.len != records.len) {
		response->error_message = "a request carries exactly one batch for a partition";
		return TARN_KAFKA_INVALID_RECORD;
	}
	if (batch->control) {
		response->error_message = "clients may not write control batches";
		return TARN_KAFKA_INVALID_RECORD;
	}
	if (batch->producer_id >= 0 && batch->base_sequence < 0) {
		response->error_message = "a batch of an idempotent producer has a sequence";
		return TARN_KAFKA_INVALID_RECORD;
	}
	if (batch->codec == TARN_BATCH_ZSTD && call->api_version < ZSTD_SINCE)
		return TARN_KAFKA_UNSUPPORTED_COMPRESSION_TYPE;
	if (call->broker->validator && wants_validation(topic))
		return validate(call, topic, batch, response);
	return TARN_KAFKA_NONE;
}
