/* Publishing to any Kafka: from encoded records to delivered messages, once each, in order, whatever dies.
 *
 * Records go to the spool first, and from there to the broker in transactions. A transaction also commits, as a
 * consumer group of the spool's name would (partition 0 of each topic), the number up to which the spool was sent: so
 * what a process that died had sent, and what not, is known from the broker (KIP-98, as from one topic into another).
 * Readers that want each record once read committed data, as for any transactional producer.
 *
 * One thread at a time. */
#ifndef TARN_STREAM_PRODUCER_PUBLISHER_H
#define TARN_STREAM_PRODUCER_PUBLISHER_H

#include "serialize/schema/registry_client.h"
#include "stream/producer/kafka_client.h"
#include "stream/producer/spool.h"

struct tarn_publisher;

struct tarn_publisher_options {
	struct tarn_kafka_options kafka;
	struct tarn_registry_client *registry; /* the caller's */
	const char *spool;		       /* folder */
	int64_t timeout_ms;		       /* for the broker to take what is sent; 0: 15,000 */
};

/* Speaks to nobody yet. */
enum tarn_rc tarn_publisher_open(const struct tarn_publisher_options *options, struct tarn_publisher **publisher,
				 struct tarn_err *err) TARN_MUST_CHECK;
void tarn_publisher_close(struct tarn_publisher *publisher);

/* Takes the records: their schema is registered under "<topic>-value" where the registry answers, then they are put
 * into the spool. TARN_EINVALID: the registry refused the schema; the records are among the refused, *refused (freed by
 * the caller) is where. Their bytes are not looked at. Durable when it returns. */
enum tarn_rc tarn_publisher_add(struct tarn_publisher *publisher, const struct tarn_outgoing *records, char **refused,
				struct tarn_err *err) TARN_MUST_CHECK;

struct tarn_publisher_sent {
	int64_t sent;	  /* records that the broker confirmed */
	int64_t refused;  /* that broker or registry would not have, and are kept as such */
	int64_t waiting;  /* that are still in the spool */
	char reason[480]; /* of the last refusal, or why they wait */
};
/* Sends all that waits, of whoever put it there. What cannot be sent now stays: that is no error, see *sent. */
enum tarn_rc tarn_publisher_send(struct tarn_publisher *publisher, struct tarn_publisher_sent *sent,
				 struct tarn_err *err) TARN_MUST_CHECK;

#endif
