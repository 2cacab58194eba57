/* Transactions: the coordinator, and what readers see. */
#include "broker_driver.h"
#include "stream/broker/txn_log.h"

enum { ALL = -1 };

static struct tarn_txn_producer begin(struct driver *driver, const char *id)
{
	struct tarn_txn_producer producer = { id, -1, -1 };
	assert_int_equal(tarn_transaction_init(driver->broker.transactions, &producer, 60000), TARN_KAFKA_NONE);
	driver->producer = producer.id;
	driver->epoch = producer.epoch;
	driver->sequence = 0;
	driver->transactional = true;
	return producer;
}

static int16_t add(struct driver *driver, const struct tarn_txn_producer *producer, const char *topic)
{
	const struct tarn_txn_part part = { topic, 0 };
	return tarn_transaction_add(driver->broker.transactions, producer, &part, 1);
}

static int16_t put(struct driver *driver, const struct tarn_txn_producer *producer, const char *topic, int n)
{
	driver->producer = producer->id;
	driver->epoch = producer->epoch;
	int16_t error =
		driver_produce(driver, topic, 0, ALL, producer->transactional_id, driver_batch(driver, n, "value"))
			->error_code;
	if (!error)
		driver->sequence += n;
	return error;
}

static int16_t finish(struct driver *driver, const struct tarn_txn_producer *producer, bool commit)
{
	return tarn_transaction_end(driver->broker.transactions, producer, commit);
}

static const char *state_of(struct driver *driver, const char *id)
{
	struct tarn_txn_facts *facts = tarn_transaction_find(driver->broker.transactions, id, &driver->arena);
	return facts ? tarn_txn_state_name(facts->state) : "none";
}

static void committed_and_aborted(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_txn_producer producer = begin(driver, "id");
	assert_string_equal(state_of(driver, "id"), "Empty");
	assert_int_equal(finish(driver, &producer, true), TARN_KAFKA_INVALID_TXN_STATE);
	/* Not before the partition is part of it. */
	assert_int_equal(put(driver, &producer, "t", 2), TARN_KAFKA_INVALID_TXN_STATE);
	assert_int_equal(add(driver, &producer, "t"), TARN_KAFKA_NONE);
	assert_string_equal(state_of(driver, "id"), "Ongoing");
	assert_int_equal(put(driver, &producer, "t", 2), TARN_KAFKA_NONE);
	struct tarn_fetch_response_partition *got = driver_fetch(driver, "t", 0, 0, true);
	assert_int_equal(driver_count(got->records), 0);
	assert_int_equal(got->last_stable_offset, 0);
	assert_int_equal(got->high_watermark, 2);
	assert_int_equal(finish(driver, &producer, true), TARN_KAFKA_NONE);
	assert_string_equal(state_of(driver, "id"), "CompleteCommit");
	assert_int_equal(finish(driver, &producer, true), TARN_KAFKA_NONE); /* a retry */
	assert_int_equal(finish(driver, &producer, false), TARN_KAFKA_INVALID_TXN_STATE);
	/* Late: the transaction is over. */
	assert_int_equal(put(driver, &producer, "t", 1), TARN_KAFKA_INVALID_TXN_STATE);
	assert_int_equal(add(driver, &producer, "t"), TARN_KAFKA_NONE);
	assert_int_equal(put(driver, &producer, "t", 3), TARN_KAFKA_NONE);
	assert_int_equal(finish(driver, &producer, false), TARN_KAFKA_NONE);
	got = driver_fetch(driver, "t", 0, 0, true);
	assert_int_equal(got->last_stable_offset, 7); /* 2, marker, 3, marker */
	assert_int_equal(driver_count(got->records), 5);
	assert_int_equal(got->n_aborted_transactions, 1);
	assert_int_equal(got->aborted_transactions->producer_id, producer.id);
	assert_int_equal(got->aborted_transactions->first_offset, 3);
	assert_int_equal(driver_fetch(driver, "t", 0, 0, false)->n_aborted_transactions, 0);
}

static void a_new_producer_fences_the_old(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_txn_producer old = begin(driver, "id");
	assert_int_equal(add(driver, &old, "t"), TARN_KAFKA_NONE);
	assert_int_equal(put(driver, &old, "t", 2), TARN_KAFKA_NONE);
	struct tarn_txn_producer new = begin(driver, "id");
	assert_int_equal(new.id, old.id);
	assert_true(new.epoch > old.epoch);
	assert_int_equal(add(driver, &old, "t"), TARN_KAFKA_INVALID_PRODUCER_EPOCH);
	assert_int_equal(finish(driver, &old, true), TARN_KAFKA_INVALID_PRODUCER_EPOCH);
	assert_int_equal(put(driver, &old, "t", 1), TARN_KAFKA_INVALID_PRODUCER_EPOCH);
	/* Its transaction was aborted. */
	struct tarn_fetch_response_partition *got = driver_fetch(driver, "t", 0, 0, true);
	assert_int_equal(got->last_stable_offset, 3);
	assert_int_equal(got->n_aborted_transactions, 1);
	driver->sequence = 0;
	assert_int_equal(add(driver, &new, "t"), TARN_KAFKA_NONE);
	assert_int_equal(put(driver, &new, "t", 2), TARN_KAFKA_NONE);
	assert_int_equal(finish(driver, &new, true), TARN_KAFKA_NONE);
	/* Over the wire the old one is told in the words of its version. */
	struct tarn_end_txn_request request = { "id", old.id, old.epoch, true };
	struct tarn_end_txn_response *response = driver_ask(driver, TARN_API_END_TXN, 1, &request);
	assert_int_equal(response->error_code, TARN_KAFKA_INVALID_PRODUCER_EPOCH);
	response = driver_ask(driver, TARN_API_END_TXN, 2, &request);
	assert_int_equal(response->error_code, TARN_KAFKA_PRODUCER_FENCED);
	request.producer_id += 100;
	response = driver_ask(driver, TARN_API_END_TXN, 2, &request);
	assert_int_equal(response->error_code, TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
}

static void a_producer_may_begin_anew_by_itself(void **state)
{
	struct driver *driver = *state;
	struct tarn_txn_producer first = begin(driver, "id"), again = first, lost = first, zombie;
	assert_int_equal(tarn_transaction_init(driver->broker.transactions, &again, 60000), TARN_KAFKA_NONE);
	assert_int_equal(again.epoch, first.epoch + 1);
	/* The answer was lost, and it asks again: the same epoch. */
	assert_int_equal(tarn_transaction_init(driver->broker.transactions, &lost, 60000), TARN_KAFKA_NONE);
	assert_int_equal(lost.epoch, again.epoch);
	/* Another process took the id: then neither is right any more. */
	zombie = again;
	begin(driver, "id");
	assert_int_equal(tarn_transaction_init(driver->broker.transactions, &zombie, 60000),
			 TARN_KAFKA_INVALID_PRODUCER_EPOCH);
	zombie = first;
	assert_int_equal(tarn_transaction_init(driver->broker.transactions, &zombie, 60000),
			 TARN_KAFKA_INVALID_PRODUCER_EPOCH);
	zombie.id += 77;
	assert_int_equal(tarn_transaction_init(driver->broker.transactions, &zombie, 60000),
			 TARN_KAFKA_INVALID_PRODUCER_EPOCH);
}

static void what_is_asked_wrongly_is_refused(void **state)
{
	struct driver *driver = *state;
	struct tarn_transactions *all = driver->broker.transactions;
	struct tarn_txn_producer nameless = { "", -1, -1 }, named = { "id", -1, -1 }, unknown = { "other", 5, 0 };
	assert_int_equal(tarn_transaction_init(all, &nameless, 60000), TARN_KAFKA_INVALID_REQUEST);
	assert_int_equal(tarn_transaction_init(all, &named, 0), TARN_KAFKA_INVALID_TRANSACTION_TIMEOUT);
	assert_int_equal(tarn_transaction_init(all, &named, 900001), TARN_KAFKA_INVALID_TRANSACTION_TIMEOUT);
	assert_int_equal(add(driver, &unknown, "t"), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
	assert_int_equal(finish(driver, &unknown, true), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
	assert_string_equal(state_of(driver, "other"), "none");
	/* One partition that is not there, and nothing is added. */
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_txn_producer producer = begin(driver, "id");
	int32_t partitions[] = { 0, 9 };
	struct tarn_add_partitions_to_txn_request_topic topic = { "t", partitions, 2 };
	struct tarn_add_partitions_to_txn_request request = { .v3_transactional_id = "id",
							      .v3_producer_id = producer.id,
							      .v3_producer_epoch = producer.epoch,
							      .v3_topics = &topic,
							      .n_v3_topics = 1 };
	struct tarn_add_partitions_to_txn_response *response =
		driver_ask(driver, TARN_API_ADD_PARTITIONS_TO_TXN, 3, &request);
	assert_int_equal(response->v3_topics->partitions[0].error_code, TARN_KAFKA_OPERATION_NOT_ATTEMPTED);
	assert_int_equal(response->v3_topics->partitions[1].error_code, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_string_equal(state_of(driver, "id"), "Empty");
	/* What the broker keeps for itself is written by nobody else. */
	topic = (struct tarn_add_partitions_to_txn_request_topic){ "__transaction_state", partitions, 1 };
	response = driver_ask(driver, TARN_API_ADD_PARTITIONS_TO_TXN, 3, &request);
	assert_int_equal(response->v3_topics->partitions[0].error_code, TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED);
	struct tarn_txn_producer none = { "id", -1, -1 };
	assert_int_equal(add(driver, &none, "t"), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
}

/* A batch without a transaction would be hidden by the abort of one that is open. */
static void plain_batches_of_a_producer_in_a_transaction_are_refused(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_txn_producer producer = begin(driver, "id");
	assert_int_equal(add(driver, &producer, "t"), TARN_KAFKA_NONE);
	assert_int_equal(put(driver, &producer, "t", 1), TARN_KAFKA_NONE);
	driver->transactional = false;
	assert_int_equal(put(driver, &producer, "t", 1), TARN_KAFKA_INVALID_TXN_STATE);
	driver->transactional = true;
	assert_int_equal(driver_produce(driver, "t", 0, ALL, NULL, driver_batch(driver, 1, "value"))->error_code,
			 TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
}

static void all_is_there_again_after_a_restart(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(driver_create(driver, "u", 1, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_txn_producer done = begin(driver, "done"), open = begin(driver, "open");
	driver->sequence = 0;
	assert_int_equal(add(driver, &done, "t"), TARN_KAFKA_NONE);
	assert_int_equal(put(driver, &done, "t", 1), TARN_KAFKA_NONE);
	assert_int_equal(finish(driver, &done, true), TARN_KAFKA_NONE);
	driver->sequence = 0;
	assert_int_equal(add(driver, &open, "t"), TARN_KAFKA_NONE);
	assert_int_equal(add(driver, &open, "u"), TARN_KAFKA_NONE);
	assert_int_equal(put(driver, &open, "u", 4), TARN_KAFKA_NONE);
	driver_reopen(driver);
	assert_string_equal(state_of(driver, "done"), "CompleteCommit");
	assert_string_equal(state_of(driver, "open"), "Ongoing");
	struct tarn_txn_facts *facts = tarn_transaction_find(driver->broker.transactions, "open", &driver->arena);
	assert_int_equal(facts->n_parts, 2);
	assert_string_equal(facts->parts[0].topic, "t");
	assert_string_equal(facts->parts[1].topic, "u");
	assert_int_equal(facts->timeout_ms, 60000);
	assert_int_equal(driver_fetch(driver, "u", 0, 0, true)->last_stable_offset, 0);
	assert_int_equal(put(driver, &open, "u", 2), TARN_KAFKA_NONE);
	assert_int_equal(finish(driver, &open, true), TARN_KAFKA_NONE);
	struct tarn_fetch_response_partition *got = driver_fetch(driver, "u", 0, 0, true);
	assert_int_equal(driver_count(got->records), 6);
	assert_int_equal(got->n_aborted_transactions, 0);
	/* Ids are never given out twice. */
	struct tarn_txn_producer other = begin(driver, "other");
	assert_true(other.id != open.id && other.id != done.id);
}

static int64_t now;
static int64_t tell_now(void)
{
	return now;
}

static void what_takes_too_long_is_aborted(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	now = 1000000;
	driver->broker.now_ms = tell_now;
	struct tarn_txn_producer producer = begin(driver, "id"), again;
	assert_int_equal(add(driver, &producer, "t"), TARN_KAFKA_NONE);
	assert_int_equal(put(driver, &producer, "t", 1), TARN_KAFKA_NONE);
	now += 60001;
	for (int tries = 0; tries < 10000 && strcmp(state_of(driver, "id"), "CompleteAbort"); tries++)
		usleep(1000);
	assert_string_equal(state_of(driver, "id"), "CompleteAbort");
	assert_int_equal(finish(driver, &producer, true), TARN_KAFKA_INVALID_PRODUCER_EPOCH);
	assert_int_equal(driver_fetch(driver, "t", 0, 0, true)->n_aborted_transactions, 1);
	/* Who was late may go on (KIP-588). */
	int16_t code = TARN_KAFKA_CONCURRENT_TRANSACTIONS;
	for (int tries = 0; tries < 10000 && code == TARN_KAFKA_CONCURRENT_TRANSACTIONS; tries++) { /* as clients do */
		again = producer;
		code = tarn_transaction_init(driver->broker.transactions, &again, 60000);
		usleep(1000);
	}
	assert_int_equal(code, TARN_KAFKA_NONE);
	assert_true(again.epoch > producer.epoch);
	assert_int_equal(add(driver, &again, "t"), TARN_KAFKA_NONE);
}

static void transactions_are_listed(void **state)
{
	struct driver *driver = *state;
	assert_int_equal(driver_create(driver, "t", 2, NULL, NULL), TARN_KAFKA_NONE);
	struct tarn_txn_producer a = begin(driver, "a");
	begin(driver, "b");
	assert_int_equal(add(driver, &a, "t"), TARN_KAFKA_NONE);
	const char *filters[] = { "Ongoing", "Nonsense" };
	struct tarn_list_transactions_request listing = { .state_filters = filters,
							  .n_state_filters = 2,
							  .duration_filter = -1 };
	struct tarn_list_transactions_response *list = driver_ask(driver, TARN_API_LIST_TRANSACTIONS, 1, &listing);
	assert_int_equal(list->n_transactions, 1);
	assert_string_equal(list->transactions->transactional_id, "a");
	assert_int_equal(list->n_unknown_state_filters, 1);
	assert_string_equal(list->unknown_state_filters[0], "Nonsense");
	const char *ids[] = { "a", "c" };
	struct tarn_describe_transactions_request asked = { ids, 2 };
	struct tarn_describe_transactions_response *described =
		driver_ask(driver, TARN_API_DESCRIBE_TRANSACTIONS, 0, &asked);
	assert_int_equal(described->n_transactions, 2);
	assert_string_equal(described->transactions[0].transaction_state, "Ongoing");
	assert_int_equal(described->transactions[0].n_topics, 1);
	assert_int_equal(described->transactions[0].topics->partitions[0], 0);
	assert_int_equal(described->transactions[1].error_code, TARN_KAFKA_TRANSACTIONAL_ID_NOT_FOUND);
}

/* After the last epoch comes a new producer id; the very last is kept to fence with. */
static void epochs_run_out(void **state)
{
	struct driver *driver = *state;
	struct tarn_txn_part part = { "t", 0 };
	const struct tarn_txn_facts facts = { .state = TARN_TXN_ONGOING,
					      .producer_id = 7000,
					      .epoch = INT16_MAX - 1,
					      .timeout_ms = 60000,
					      .started_ms = tarn_now_us() / 1000,
					      .parts = &part,
					      .n_parts = 1 };
	struct tarn_topic *topic;
	int64_t end;
	assert_int_equal(driver_create(driver, "t", 1, NULL, NULL), TARN_KAFKA_NONE);
	assert_int_equal(tarn_txn_log_open(driver->log, &topic, NULL), TARN_OK);
	assert_int_equal(tarn_txn_log_append(topic, "id", &facts, facts.started_ms, &end, NULL), TARN_OK);
	tarn_topic_unref(topic);
	driver_reopen(driver);
	struct tarn_txn_producer last = { "id", 7000, INT16_MAX - 1 };
	driver->sequence = 0;
	driver->transactional = true;
	assert_int_equal(put(driver, &last, "t", 1), TARN_KAFKA_NONE);
	struct tarn_txn_producer next = begin(driver, "id");
	assert_true(next.id != 7000);
	assert_int_equal(next.epoch, 0);
	assert_int_equal(driver_fetch(driver, "t", 0, 0, true)->n_aborted_transactions, 1);
	assert_int_equal(put(driver, &last, "t", 1), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, driver_setup, driver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(committed_and_aborted),
		CASE(a_new_producer_fences_the_old),
		CASE(a_producer_may_begin_anew_by_itself),
		CASE(what_is_asked_wrongly_is_refused),
		CASE(plain_batches_of_a_producer_in_a_transaction_are_refused),
		CASE(all_is_there_again_after_a_restart),
		CASE(what_takes_too_long_is_aborted),
		CASE(transactions_are_listed),
		CASE(epochs_run_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
