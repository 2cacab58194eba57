/* Produce. Batches are appended on the loop thread, in the order in which they came; with acks=all the answer comes
 * from the log's own thread when the last of them is durable. */
#include <stdatomic.h>

#include "stream/broker/handlers.h"
#include "stream/broker/produce_check.h"
#include "stream/broker/topic_names.h"
#include "stream/broker/txn.h"

enum { ACKS_ALL = -1, ACKS_NONE = 0, ACKS_LEADER = 1 };

/* One for each partition that was appended to and is waited for. */
struct durable_part {
	struct tarn_durable_waiter waiter;
	struct produce *produce;
	struct tarn_produce_response_partition *response;
};

struct produce {
	struct tarn_call *call;
	struct tarn_topic **topics; /* with references, until the answer */
	size_t n_topics;
	struct durable_part *parts;
	size_t n_parts;
	atomic_size_t pending; /* parts that are not durable yet, and one for the handler itself */
	bool failed;	       /* a partition has an error; acks=0 tells it by hanging up */
};

static int16_t error_of(enum tarn_append_status status)
{
	static const int16_t errors[] = {
		[TARN_APPEND_DONE] = TARN_KAFKA_NONE,
		[TARN_APPEND_DUPLICATE] = TARN_KAFKA_NONE,
		[TARN_APPEND_OUT_OF_ORDER] = TARN_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER,
		[TARN_APPEND_PRODUCER_FENCED] = TARN_KAFKA_INVALID_PRODUCER_EPOCH,
		[TARN_APPEND_TXN_STATE] = TARN_KAFKA_INVALID_TXN_STATE,
		[TARN_APPEND_CORRUPT] = TARN_KAFKA_CORRUPT_MESSAGE,
		[TARN_APPEND_INVALID_RECORD] = TARN_KAFKA_INVALID_RECORD,
		[TARN_APPEND_TOO_LARGE] = TARN_KAFKA_MESSAGE_TOO_LARGE,
		[TARN_APPEND_BAD_TIMESTAMP] = TARN_KAFKA_INVALID_TIMESTAMP,
		[TARN_APPEND_STORAGE] = TARN_KAFKA_KAFKA_STORAGE_ERROR,
		[TARN_APPEND_DELETED] = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
	};
	return errors[status];
}

/* ---- the answer ---- */

static void release_topics(struct produce *produce)
{
	for (size_t i = 0; i < produce->n_topics; i++)
		if (produce->topics[i])
			tarn_topic_unref(produce->topics[i]);
}

/* Whoever takes the last one away answers. */
static void finish_one(struct produce *produce)
{
	const struct tarn_produce_request *request = produce->call->request;
	if (atomic_fetch_sub(&produce->pending, 1) != 1)
		return;
	release_topics(produce);
	if (request->acks != ACKS_NONE)
		tarn_call_answer(produce->call);
	else if (produce->failed)
		tarn_call_hang_up(produce->call, "a batch was refused, and acks=0 leaves no other way to say so");
	else
		tarn_call_answer_nothing(produce->call);
}

static void clear_offsets(struct tarn_produce_response_partition *response)
{
	response->base_offset = -1;
	response->log_append_time_ms = -1;
	response->log_start_offset = -1;
}

static void tell_durable(struct tarn_durable_waiter *waiter, bool ok)
{
	struct durable_part *part = (struct durable_part *)waiter; /* its first member */
	if (!ok) {
		clear_offsets(part->response);
		part->response->error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
	}
	finish_one(part->produce);
}

/* ---- one partition ---- */

static void report_bad_records(struct tarn_call *call, const struct tarn_append *append,
			       struct tarn_produce_response_partition *response)
{
	response->error_message = append->reason;
	response->record_errors = tarn_call_new(call, produce_response_record_error, append->n_bad_records);
	response->n_record_errors = append->n_bad_records;
	for (size_t i = 0; i < append->n_bad_records; i++) {
		response->record_errors[i].batch_index = append->bad_records[i];
		response->record_errors[i].message = append->reason;
	}
}

static void append_batch(struct produce *produce, struct tarn_partition *partition, struct tarn_slice records,
			 struct tarn_produce_response_partition *response)
{
	const struct tarn_produce_request *request = produce->call->request;
	struct tarn_append append;
	tarn_partition_append(partition, tarn_call_writable(records), records.len, &append);
	response->error_code = error_of(append.status);
	if (response->error_code) {
		report_bad_records(produce->call, &append, response);
		return;
	}
	response->base_offset = append.base_offset;
	response->log_append_time_ms = append.append_time;
	response->log_start_offset = append.start_offset;
	if (request->acks != ACKS_ALL)
		return;
	struct durable_part *part = &produce->parts[produce->n_parts++];
	*part = (struct durable_part){ .waiter.tell = tell_durable, .produce = produce, .response = response };
	atomic_fetch_add(&produce->pending, 1);
	tarn_partition_when_durable(partition, append.last_offset + 1, &part->waiter);
}

/* Without this check a batch that comes after the end of its transaction would begin one that nobody ends (KIP-890). */
static int16_t join_transaction(struct tarn_call *call, const struct tarn_batch *batch,
				struct tarn_partition *partition)
{
	const struct tarn_produce_request *request = call->request;
	const struct tarn_txn_producer producer = { request->transactional_id, batch->producer_id,
						    batch->producer_epoch };
	const struct tarn_txn_part part = { tarn_topic_name(tarn_partition_topic(partition)),
					    tarn_partition_number(partition) };
	if (!request->transactional_id)
		return TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
	return tarn_transaction_may_write(call->broker->transactions, &producer, &part);
}

static void produce_partition(struct produce *produce, struct tarn_topic *topic,
			      const struct tarn_produce_request_partition *asked,
			      struct tarn_produce_response_partition *response)
{
	const struct tarn_produce_request *request = produce->call->request;
	struct tarn_partition *partition = tarn_topic_partition(topic, asked->index);
	struct tarn_batch batch;
	if (!partition) {
		response->error_code = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
		return;
	}
	response->error_code = tarn_produce_check(produce->call, topic, asked->records, &batch, response);
	if (response->error_code)
		return;
	if (!batch.transactional) {
		append_batch(produce, partition, asked->records, response);
		return;
	}
	response->error_code = join_transaction(produce->call, &batch, partition);
	if (response->error_code)
		return;
	append_batch(produce, partition, asked->records, response);
	tarn_transaction_wrote(produce->call->broker->transactions, request->transactional_id);
}

/* ---- the request ---- */

/* An error for all partitions of the topic, or the topic. */
static struct tarn_topic *open_topic(struct tarn_call *call, const char *name, int16_t *error)
{
	const struct tarn_produce_request *request = call->request;
	if (request->acks < ACKS_ALL || request->acks > ACKS_LEADER) {
		*error = TARN_KAFKA_INVALID_REQUIRED_ACKS;
		return NULL;
	}
	if (request->transactional_id &&
	    !tarn_call_allowed(call, TARN_ACL_WRITE, TARN_RESOURCE_TRANSACTIONAL_ID, request->transactional_id)) {
		*error = TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
		return NULL;
	}
	if (tarn_topic_name_is_internal(name)) {
		*error = TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
		return NULL;
	}
	return tarn_call_topic(call, name, TARN_ACL_WRITE, error);
}

static void produce_topic(struct produce *produce, const struct tarn_produce_request_topic *asked,
			  struct tarn_produce_response_topic *response)
{
	struct tarn_call *call = produce->call;
	int16_t error = TARN_KAFKA_NONE;
	struct tarn_topic *topic = open_topic(call, asked->name, &error);
	produce->topics[produce->n_topics++] = topic;
	response->name = asked->name;
	response->partitions = tarn_call_new(call, produce_response_partition, asked->n_partitions);
	response->n_partitions = asked->n_partitions;
	for (size_t i = 0; i < asked->n_partitions; i++) {
		struct tarn_produce_response_partition *partition = &response->partitions[i];
		partition->index = asked->partitions[i].index;
		partition->error_code = error;
		clear_offsets(partition);
		if (topic)
			produce_partition(produce, topic, &asked->partitions[i], partition);
		produce->failed = produce->failed || partition->error_code;
	}
}

void tarn_handle_produce(struct tarn_call *call)
{
	const struct tarn_produce_request *request = call->request;
	struct tarn_produce_response *response = call->response;
	struct produce *produce = tarn_arena_zalloc(&call->arena, sizeof(*produce));
	size_t n_partitions = 0;
	for (size_t i = 0; i < request->n_topics; i++)
		n_partitions += request->topics[i].n_partitions;
	produce->call = call;
	produce->topics = tarn_arena_alloc(&call->arena, (request->n_topics + 1) * sizeof(*produce->topics));
	produce->parts = tarn_arena_alloc(&call->arena, (n_partitions + 1) * sizeof(*produce->parts));
	atomic_init(&produce->pending, 1);
	response->topics = tarn_call_new(call, produce_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++)
		produce_topic(produce, &request->topics[i], &response->topics[i]);
	finish_one(produce);
}
