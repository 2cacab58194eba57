/* The table of handlers: what the broker advertises, and who answers it. A row is added when its handler is there. */
#ifndef TARN_STREAM_BROKER_HANDLERS_H
#define TARN_STREAM_BROKER_HANDLERS_H

#include "stream/broker/call.h"

enum tarn_handler_flag {
	/* Called on a worker thread: it may block. */
	TARN_HANDLER_WAITS = 1,
	/* The next request of the connection is taken up while this one is unanswered (answers keep their order).
	 * Without this the requests of a connection are handled one after the other, as Kafka does. */
	TARN_HANDLER_OVERLAPS = 2,
	/* Allowed before the client has authenticated. */
	TARN_HANDLER_UNAUTHENTICATED = 4,
	/* Waits for something that may as well not come: its time is up when a request of another API comes behind it,
	 * which would wait as long. */
	TARN_HANDLER_YIELDS = 8,
	/* Tells a consumer where to fetch from: it will soon ask for more than in the fetch that it has sent meanwhile.
	 */
	TARN_HANDLER_SEEKS = 16,
};

struct tarn_handler {
	int16_t api_key;
	int16_t min, max; /* versions advertised, and served */
	unsigned flags;
	void (*handle)(struct tarn_call *call);
};

/* In order of keys. */
extern const struct tarn_handler tarn_handlers[];
extern const size_t tarn_handlers_count;
/* NULL where the API is not served. */
const struct tarn_handler *tarn_handler_find(int16_t api_key);

void tarn_handle_produce(struct tarn_call *call);
void tarn_handle_fetch(struct tarn_call *call);
void tarn_handle_list_offsets(struct tarn_call *call);
void tarn_handle_metadata(struct tarn_call *call);
void tarn_handle_offset_commit(struct tarn_call *call);
void tarn_handle_offset_fetch(struct tarn_call *call);
void tarn_handle_find_coordinator(struct tarn_call *call);
void tarn_handle_join_group(struct tarn_call *call);
void tarn_handle_heartbeat(struct tarn_call *call);
void tarn_handle_leave_group(struct tarn_call *call);
void tarn_handle_sync_group(struct tarn_call *call);
void tarn_handle_describe_groups(struct tarn_call *call);
void tarn_handle_list_groups(struct tarn_call *call);
void tarn_handle_sasl_handshake(struct tarn_call *call);
void tarn_handle_api_versions(struct tarn_call *call);
void tarn_handle_create_topics(struct tarn_call *call);
void tarn_handle_delete_topics(struct tarn_call *call);
void tarn_handle_delete_records(struct tarn_call *call);
void tarn_handle_init_producer_id(struct tarn_call *call);
void tarn_handle_offset_for_leader_epoch(struct tarn_call *call);
void tarn_handle_add_partitions_to_txn(struct tarn_call *call);
void tarn_handle_add_offsets_to_txn(struct tarn_call *call);
void tarn_handle_end_txn(struct tarn_call *call);
void tarn_handle_write_txn_markers(struct tarn_call *call);
void tarn_handle_txn_offset_commit(struct tarn_call *call);
void tarn_handle_describe_acls(struct tarn_call *call);
void tarn_handle_create_acls(struct tarn_call *call);
void tarn_handle_delete_acls(struct tarn_call *call);
void tarn_handle_describe_configs(struct tarn_call *call);
void tarn_handle_alter_configs(struct tarn_call *call);
void tarn_handle_describe_log_dirs(struct tarn_call *call);
void tarn_handle_sasl_authenticate(struct tarn_call *call);
void tarn_handle_create_partitions(struct tarn_call *call);
void tarn_handle_delete_groups(struct tarn_call *call);
void tarn_handle_incremental_alter_configs(struct tarn_call *call);
void tarn_handle_offset_delete(struct tarn_call *call);
void tarn_handle_describe_client_quotas(struct tarn_call *call);
void tarn_handle_alter_client_quotas(struct tarn_call *call);
void tarn_handle_describe_user_scram_credentials(struct tarn_call *call);
void tarn_handle_alter_user_scram_credentials(struct tarn_call *call);
void tarn_handle_describe_cluster(struct tarn_call *call);
void tarn_handle_describe_producers(struct tarn_call *call);
void tarn_handle_describe_transactions(struct tarn_call *call);
void tarn_handle_list_transactions(struct tarn_call *call);
void tarn_handle_consumer_group_heartbeat(struct tarn_call *call);
void tarn_handle_consumer_group_describe(struct tarn_call *call);

#endif
