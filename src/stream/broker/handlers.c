#include "stream/broker/handlers.h"

const struct tarn_handler tarn_handlers[] = {
	{ TARN_API_PRODUCE, 3, 11, TARN_HANDLER_OVERLAPS, tarn_handle_produce },
	{ TARN_API_FETCH, 4, 16, TARN_HANDLER_YIELDS, tarn_handle_fetch },
	{ TARN_API_LIST_OFFSETS, 1, 9, TARN_HANDLER_SEEKS, tarn_handle_list_offsets },
	{ TARN_API_METADATA, 0, 12, 0, tarn_handle_metadata },
	{ TARN_API_OFFSET_COMMIT, 2, 9, TARN_HANDLER_OVERLAPS, tarn_handle_offset_commit },
	{ TARN_API_OFFSET_FETCH, 1, 9, 0, tarn_handle_offset_fetch },
	{ TARN_API_FIND_COORDINATOR, 0, 6, 0, tarn_handle_find_coordinator },
	{ TARN_API_JOIN_GROUP, 0, 9, 0, tarn_handle_join_group },
	{ TARN_API_HEARTBEAT, 0, 4, 0, tarn_handle_heartbeat },
	{ TARN_API_LEAVE_GROUP, 0, 5, 0, tarn_handle_leave_group },
	{ TARN_API_SYNC_GROUP, 0, 5, 0, tarn_handle_sync_group },
	{ TARN_API_DESCRIBE_GROUPS, 0, 6, 0, tarn_handle_describe_groups },
	{ TARN_API_LIST_GROUPS, 0, 5, 0, tarn_handle_list_groups },
	{ TARN_API_SASL_HANDSHAKE, 0, 1, TARN_HANDLER_UNAUTHENTICATED, tarn_handle_sasl_handshake },
	{ TARN_API_API_VERSIONS, 0, 4, TARN_HANDLER_UNAUTHENTICATED, tarn_handle_api_versions },
	{ TARN_API_CREATE_TOPICS, 2, 7, TARN_HANDLER_WAITS, tarn_handle_create_topics },
	{ TARN_API_DELETE_TOPICS, 1, 6, TARN_HANDLER_WAITS, tarn_handle_delete_topics },
	{ TARN_API_DELETE_RECORDS, 0, 2, TARN_HANDLER_WAITS, tarn_handle_delete_records },
	{ TARN_API_INIT_PRODUCER_ID, 0, 4, TARN_HANDLER_WAITS, tarn_handle_init_producer_id },
	{ TARN_API_OFFSET_FOR_LEADER_EPOCH, 2, 4, TARN_HANDLER_SEEKS, tarn_handle_offset_for_leader_epoch },
	{ TARN_API_ADD_PARTITIONS_TO_TXN, 0, 3, TARN_HANDLER_WAITS, tarn_handle_add_partitions_to_txn },
	{ TARN_API_ADD_OFFSETS_TO_TXN, 0, 3, TARN_HANDLER_WAITS, tarn_handle_add_offsets_to_txn },
	{ TARN_API_END_TXN, 0, 3, TARN_HANDLER_WAITS, tarn_handle_end_txn },
	{ TARN_API_TXN_OFFSET_COMMIT, 0, 3, 0, tarn_handle_txn_offset_commit },
	{ TARN_API_DESCRIBE_ACLS, 1, 3, 0, tarn_handle_describe_acls },
	{ TARN_API_CREATE_ACLS, 1, 3, TARN_HANDLER_WAITS, tarn_handle_create_acls },
	{ TARN_API_DELETE_ACLS, 1, 3, TARN_HANDLER_WAITS, tarn_handle_delete_acls },
	{ TARN_API_DESCRIBE_CONFIGS, 1, 4, 0, tarn_handle_describe_configs },
	{ TARN_API_ALTER_CONFIGS, 0, 2, TARN_HANDLER_WAITS, tarn_handle_alter_configs },
	{ TARN_API_DESCRIBE_LOG_DIRS, 1, 4, 0, tarn_handle_describe_log_dirs },
	{ TARN_API_SASL_AUTHENTICATE, 0, 2, TARN_HANDLER_UNAUTHENTICATED, tarn_handle_sasl_authenticate },
	{ TARN_API_CREATE_PARTITIONS, 0, 3, TARN_HANDLER_WAITS, tarn_handle_create_partitions },
	{ TARN_API_DELETE_GROUPS, 0, 2, 0, tarn_handle_delete_groups },
	{ TARN_API_INCREMENTAL_ALTER_CONFIGS, 0, 1, TARN_HANDLER_WAITS, tarn_handle_incremental_alter_configs },
	{ TARN_API_OFFSET_DELETE, 0, 0, 0, tarn_handle_offset_delete },
	{ TARN_API_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, 0, 0, tarn_handle_describe_user_scram_credentials },
	{ TARN_API_ALTER_USER_SCRAM_CREDENTIALS, 0, 0, TARN_HANDLER_WAITS, tarn_handle_alter_user_scram_credentials },
	{ TARN_API_DESCRIBE_CLUSTER, 0, 1, 0, tarn_handle_describe_cluster },
	{ TARN_API_DESCRIBE_PRODUCERS, 0, 0, 0, tarn_handle_describe_producers },
	{ TARN_API_DESCRIBE_TRANSACTIONS, 0, 0, 0, tarn_handle_describe_transactions },
	{ TARN_API_LIST_TRANSACTIONS, 0, 1, 0, tarn_handle_list_transactions },
	{ TARN_API_CONSUMER_GROUP_HEARTBEAT, 0, 1, 0, tarn_handle_consumer_group_heartbeat },
	{ TARN_API_CONSUMER_GROUP_DESCRIBE, 0, 1, 0, tarn_handle_consumer_group_describe },
};
const size_t tarn_handlers_count = sizeof(tarn_handlers) / sizeof(*tarn_handlers);

const struct tarn_handler *tarn_handler_find(int16_t api_key)
{
	for (size_t i = 0; i < tarn_handlers_count; i++)
		if (tarn_handlers[i].api_key == api_key)
			return &tarn_handlers[i];
	return NULL;
}
