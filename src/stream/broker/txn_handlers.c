/* InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, DescribeTransactions, ListTransactions. All wait for the
 * disk. */
#include <string.h>

#include "stream/broker/group_coordinator.h"
#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"
#include "stream/broker/txn.h"

/* First versions in which a fenced producer is told so (KIP-588); before, an old epoch was all there was. */
enum { INIT_KNOWS_FENCED = 4, OTHERS_KNOW_FENCED = 2 };

static int16_t fenced_as(const struct tarn_call *call, int16_t error, int16_t since)
{
	return error == TARN_KAFKA_INVALID_PRODUCER_EPOCH && call->api_version >= since ? TARN_KAFKA_PRODUCER_FENCED
											: error;
}

static int16_t check_access(const struct tarn_call *call, enum tarn_acl_operation operation, const char *id)
{
	return tarn_call_allowed(call, operation, TARN_RESOURCE_TRANSACTIONAL_ID, id)
		       ? TARN_KAFKA_NONE
		       : TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

/* ---- InitProducerId ---- */

static int16_t init_idempotent(struct tarn_call *call, struct tarn_init_producer_id_response *response)
{
	struct tarn_err err;
	if (tarn_log_new_producer_id(call->broker->log, &response->producer_id, &err)) {
		tarn_broker_say(call->broker, "new producer id: %s", err.message);
		return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
	}
	response->producer_epoch = 0;
	return TARN_KAFKA_NONE;
}

static int16_t init_transactional(struct tarn_call *call, struct tarn_init_producer_id_response *response)
{
	const struct tarn_init_producer_id_request *request = call->request;
	struct tarn_txn_producer producer = { request->transactional_id, request->producer_id,
					      request->producer_epoch };
	int16_t error = check_access(call, TARN_ACL_WRITE, request->transactional_id);
	if (!error)
		error = tarn_transaction_init(call->broker->transactions, &producer, request->transaction_timeout_ms);
	if (error)
		return fenced_as(call, error, INIT_KNOWS_FENCED);
	response->producer_id = producer.id;
	response->producer_epoch = producer.epoch;
	return TARN_KAFKA_NONE;
}

void tarn_handle_init_producer_id(struct tarn_call *call)
{
	const struct tarn_init_producer_id_request *request = call->request;
	struct tarn_init_producer_id_response *response = call->response;
	response->producer_epoch = -1;
	response->error_code =
		request->transactional_id ? init_transactional(call, response) : init_idempotent(call, response);
	tarn_call_answer(call);
}

/* ---- AddPartitionsToTxn ---- */

/* What the broker keeps for itself is written by nobody else. */
static struct tarn_topic *open_for_writing(struct tarn_call *call, const char *name, int16_t *error)
{
	if (!tarn_topic_name_is_internal(name))
		return tarn_call_topic(call, name, TARN_ACL_WRITE, error);
	*error = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
	return NULL;
}

/* Fills the parts, and what is wrong with each in `errors`; true where nothing is. */
static bool check_parts(struct tarn_call *call, struct tarn_txn_part *parts, int16_t *errors)
{
	const struct tarn_add_partitions_to_txn_request *request = call->request;
	bool fine = true;
	size_t n = 0;
	for (size_t i = 0; i < request->n_v3_topics; i++) {
		const struct tarn_add_partitions_to_txn_request_topic *asked = &request->v3_topics[i];
		int16_t error = TARN_KAFKA_NONE;
		struct tarn_topic *topic = open_for_writing(call, asked->name, &error);
		for (size_t j = 0; j < asked->n_partitions; j++, n++) {
			parts[n] = (struct tarn_txn_part){ asked->name, asked->partitions[j] };
			errors[n] = topic && !tarn_topic_partition(topic, asked->partitions[j])
					    ? TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION
					    : error;
			fine = fine && !errors[n];
		}
		if (topic)
			tarn_topic_unref(topic);
	}
	return fine;
}

static void answer_parts(struct tarn_call *call, const int16_t *errors, int16_t otherwise)
{
	const struct tarn_add_partitions_to_txn_request *request = call->request;
	struct tarn_add_partitions_to_txn_response *response = call->response;
	size_t n = 0;
	response->v3_topics = tarn_call_new(call, add_partitions_to_txn_response_topic, request->n_v3_topics);
	response->n_v3_topics = request->n_v3_topics;
	for (size_t i = 0; i < request->n_v3_topics; i++) {
		const struct tarn_add_partitions_to_txn_request_topic *asked = &request->v3_topics[i];
		struct tarn_add_partitions_to_txn_response_topic *answered = &response->v3_topics[i];
		answered->name = asked->name;
		answered->partitions =
			tarn_call_new(call, add_partitions_to_txn_response_partition, asked->n_partitions);
		answered->n_partitions = asked->n_partitions;
		for (size_t j = 0; j < asked->n_partitions; j++, n++) {
			answered->partitions[j].partition_index = asked->partitions[j];
			answered->partitions[j].error_code = errors[n] ? errors[n] : otherwise;
		}
	}
	tarn_call_answer(call);
}

void tarn_handle_add_partitions_to_txn(struct tarn_call *call)
{
	const struct tarn_add_partitions_to_txn_request *request = call->request;
	const struct tarn_txn_producer producer = { request->v3_transactional_id, request->v3_producer_id,
						    request->v3_producer_epoch };
	size_t n = 0;
	for (size_t i = 0; i < request->n_v3_topics; i++)
		n += request->v3_topics[i].n_partitions;
	struct tarn_txn_part *parts = tarn_arena_alloc(&call->arena, (n + 1) * sizeof(*parts));
	int16_t *errors = tarn_arena_zalloc(&call->arena, (n + 1) * sizeof(*errors));
	int16_t error = check_access(call, TARN_ACL_WRITE, producer.transactional_id);
	if (!error && !check_parts(call, parts, errors))
		error = TARN_KAFKA_OPERATION_NOT_ATTEMPTED;
	if (!error)
		error = tarn_transaction_add(call->broker->transactions, &producer, parts, n);
	answer_parts(call, errors, fenced_as(call, error, OTHERS_KNOW_FENCED));
}

/* ---- AddOffsetsToTxn, EndTxn ---- */

void tarn_handle_add_offsets_to_txn(struct tarn_call *call)
{
	const struct tarn_add_offsets_to_txn_request *request = call->request;
	struct tarn_add_offsets_to_txn_response *response = call->response;
	const struct tarn_txn_producer producer = { request->transactional_id, request->producer_id,
						    request->producer_epoch };
	struct tarn_txn_part part = { TARN_OFFSETS_TOPIC, 0 };
	int16_t error = check_access(call, TARN_ACL_WRITE, request->transactional_id);
	if (!error && !tarn_call_allowed(call, TARN_ACL_READ, TARN_RESOURCE_GROUP, request->group_id))
		error = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
	if (!error) {
		part.partition = tarn_partition_number(
			tarn_group_coordinator_partition(call->broker->groups, request->group_id));
		error = tarn_transaction_add(call->broker->transactions, &producer, &part, 1);
	}
	response->error_code = fenced_as(call, error, OTHERS_KNOW_FENCED);
	tarn_call_answer(call);
}

void tarn_handle_end_txn(struct tarn_call *call)
{
	const struct tarn_end_txn_request *request = call->request;
	struct tarn_end_txn_response *response = call->response;
	const struct tarn_txn_producer producer = { request->transactional_id, request->producer_id,
						    request->producer_epoch };
	int16_t error = check_access(call, TARN_ACL_WRITE, request->transactional_id);
	if (!error)
		error = tarn_transaction_end(call->broker->transactions, &producer, request->committed);
	response->error_code = fenced_as(call, error, OTHERS_KNOW_FENCED);
	tarn_call_answer(call);
}

/* ---- DescribeTransactions, ListTransactions ---- */

static void put_parts(struct tarn_call *call, const struct tarn_txn_facts *facts,
		      struct tarn_describe_transactions_response_transaction *response)
{
	int32_t *numbers = tarn_arena_alloc(&call->arena, (facts->n_parts + 1) * sizeof(*numbers));
	response->topics = tarn_call_new(call, describe_transactions_response_topic, facts->n_parts);
	for (size_t i = 0; i < facts->n_parts; i++) {
		if (!i || strcmp(facts->parts[i].topic, facts->parts[i - 1].topic)) {
			response->topics[response->n_topics].topic = facts->parts[i].topic;
			response->topics[response->n_topics++].partitions = &numbers[i];
		}
		numbers[i] = facts->parts[i].partition;
		response->topics[response->n_topics - 1].n_partitions++;
	}
}

static void describe(struct tarn_call *call, const char *id,
		     struct tarn_describe_transactions_response_transaction *response)
{
	response->transactional_id = id;
	response->transaction_state = "";
	response->error_code = check_access(call, TARN_ACL_DESCRIBE, id);
	if (response->error_code)
		return;
	const struct tarn_txn_facts *facts = tarn_transaction_find(call->broker->transactions, id, &call->arena);
	if (!facts) {
		response->error_code = TARN_KAFKA_TRANSACTIONAL_ID_NOT_FOUND;
		return;
	}
	response->transaction_state = tarn_txn_state_name(facts->state);
	response->transaction_timeout_ms = facts->timeout_ms;
	response->transaction_start_time_ms = facts->started_ms;
	response->producer_id = facts->producer_id;
	response->producer_epoch = facts->epoch;
	put_parts(call, facts, response);
}

void tarn_handle_describe_transactions(struct tarn_call *call)
{
	const struct tarn_describe_transactions_request *request = call->request;
	struct tarn_describe_transactions_response *response = call->response;
	size_t n = request->n_transactional_ids;
	response->transactions = tarn_call_new(call, describe_transactions_response_transaction, n);
	response->n_transactions = n;
	for (size_t i = 0; i < n; i++)
		describe(call, request->transactional_ids[i], &response->transactions[i]);
	tarn_call_answer(call);
}

static bool is_state(const char *name)
{
	for (int state = TARN_TXN_EMPTY; state <= TARN_TXN_COMPLETE_ABORT; state++)
		if (!strcmp(name, tarn_txn_state_name((enum tarn_txn_state)state)))
			return true;
	return false;
}

/* Filters that are empty let everything through. */
static bool passes(const struct tarn_call *call, const struct tarn_txn_facts *facts)
{
	const struct tarn_list_transactions_request *request = call->request;
	bool by_state = !request->n_state_filters, by_id = !request->n_producer_id_filters;
	int64_t age = facts->started_ms < 0 ? -1 : call->broker->now_ms() - facts->started_ms;
	for (size_t i = 0; i < request->n_state_filters; i++)
		by_state = by_state || !strcmp(request->state_filters[i], tarn_txn_state_name(facts->state));
	for (size_t i = 0; i < request->n_producer_id_filters; i++)
		by_id = by_id || request->producer_id_filters[i] == facts->producer_id;
	return by_state && by_id && (request->duration_filter < 0 || age > request->duration_filter) &&
	       !check_access(call, TARN_ACL_DESCRIBE, facts->transactional_id);
}

void tarn_handle_list_transactions(struct tarn_call *call)
{
	const struct tarn_list_transactions_request *request = call->request;
	struct tarn_list_transactions_response *response = call->response;
	struct tarn_txn_facts *facts;
	size_t n = tarn_transaction_list(call->broker->transactions, &call->arena, &facts);
	response->transactions = tarn_call_new(call, list_transactions_response_transaction, n);
	for (size_t i = 0; i < n; i++)
		if (passes(call, &facts[i]))
			response->transactions[response->n_transactions++] =
				(struct tarn_list_transactions_response_transaction){
					facts[i].transactional_id, facts[i].producer_id,
					tarn_txn_state_name(facts[i].state)
				};
	response->unknown_state_filters =
		tarn_arena_alloc(&call->arena, (request->n_state_filters + 1) * sizeof(*request->state_filters));
	for (size_t i = 0; i < request->n_state_filters; i++)
		if (!is_state(request->state_filters[i]))
			response->unknown_state_filters[response->n_unknown_state_filters++] =
				request->state_filters[i];
	tarn_call_answer(call);
}
