/* Kafka's error codes, as they go over the wire (kafka.apache.org/protocol, "Error Codes"). */
#ifndef TARN_STREAM_BROKER_ERRORS_H
#define TARN_STREAM_BROKER_ERRORS_H

#include "base/err.h"

#define TARN_KAFKA_ERRORS(X)                                                                                           \
	X(UNKNOWN_SERVER_ERROR, -1, "the server met an error that it did not expect")                                  \
	X(NONE, 0, "no error")                                                                                         \
	X(OFFSET_OUT_OF_RANGE, 1, "the offset is not within those that the log holds")                                 \
	X(CORRUPT_MESSAGE, 2, "a batch that fails its checksum or breaks its format")                                  \
	X(UNKNOWN_TOPIC_OR_PARTITION, 3, "there is no such topic or partition")                                        \
	X(LEADER_NOT_AVAILABLE, 5, "there is no leader yet")                                                           \
	X(NOT_LEADER_OR_FOLLOWER, 6, "this broker does not lead the partition")                                        \
	X(REQUEST_TIMED_OUT, 7, "the request took longer than it allowed")                                             \
	X(MESSAGE_TOO_LARGE, 10, "the batch is larger than the topic allows")                                          \
	X(OFFSET_METADATA_TOO_LARGE, 12, "the metadata beside the offset is too large")                                \
	X(COORDINATOR_LOAD_IN_PROGRESS, 14, "the coordinator is loading its state")                                    \
	X(COORDINATOR_NOT_AVAILABLE, 15, "the coordinator is not available")                                           \
	X(NOT_COORDINATOR, 16, "this broker does not coordinate the group or transaction")                             \
	X(INVALID_TOPIC_EXCEPTION, 17, "the topic's name is not valid")                                                \
	X(RECORD_LIST_TOO_LARGE, 18, "the batch is larger than a segment")                                             \
	X(INVALID_REQUIRED_ACKS, 21, "acks must be -1, 0 or 1")                                                        \
	X(ILLEGAL_GENERATION, 22, "the group is at another generation")                                                \
	X(INCONSISTENT_GROUP_PROTOCOL, 23, "no protocol is common to all members")                                     \
	X(INVALID_GROUP_ID, 24, "the group id is not valid")                                                           \
	X(UNKNOWN_MEMBER_ID, 25, "the group does not know this member")                                                \
	X(INVALID_SESSION_TIMEOUT, 26, "the session timeout is outside of what the broker allows")                     \
	X(REBALANCE_IN_PROGRESS, 27, "the group is rebalancing, join again")                                           \
	X(INVALID_COMMIT_OFFSET_SIZE, 28, "the offset commit is too large")                                            \
	X(TOPIC_AUTHORIZATION_FAILED, 29, "not authorized to access the topic")                                        \
	X(GROUP_AUTHORIZATION_FAILED, 30, "not authorized to access the group")                                        \
	X(CLUSTER_AUTHORIZATION_FAILED, 31, "not authorized to do this to the cluster")                                \
	X(INVALID_TIMESTAMP, 32, "a timestamp is outside of what the topic accepts")                                   \
	X(UNSUPPORTED_SASL_MECHANISM, 33, "the SASL mechanism is not supported")                                       \
	X(ILLEGAL_SASL_STATE, 34, "the request does not fit the state of authentication")                              \
	X(UNSUPPORTED_VERSION, 35, "this version of the API is not supported")                                         \
	X(TOPIC_ALREADY_EXISTS, 36, "there is a topic of this name")                                                   \
	X(INVALID_PARTITIONS, 37, "the number of partitions is not valid")                                             \
	X(INVALID_REPLICATION_FACTOR, 38, "the replication factor is larger than the number of brokers, or below one") \
	X(INVALID_REPLICA_ASSIGNMENT, 39, "the assignment of replicas is not valid")                                   \
	X(INVALID_CONFIG, 40, "the configuration is not valid")                                                        \
	X(NOT_CONTROLLER, 41, "this broker is not the controller")                                                     \
	X(INVALID_REQUEST, 42, "the request contradicts itself or the protocol")                                       \
	X(UNSUPPORTED_FOR_MESSAGE_FORMAT, 43, "the message format does not support the request")                       \
	X(POLICY_VIOLATION, 44, "the request breaks a policy of the broker")                                           \
	X(OUT_OF_ORDER_SEQUENCE_NUMBER, 45, "the producer's sequence number does not follow the last one")             \
	X(DUPLICATE_SEQUENCE_NUMBER, 46, "the producer's sequence number was seen before")                             \
	X(INVALID_PRODUCER_EPOCH, 47, "the producer's epoch is older than the one known")                              \
	X(INVALID_TXN_STATE, 48, "the transaction's state does not allow the request")                                 \
	X(INVALID_PRODUCER_ID_MAPPING, 49, "the producer id is not the one of the transactional id")                   \
	X(INVALID_TRANSACTION_TIMEOUT, 50, "the transaction timeout is larger than the broker allows")                 \
	X(CONCURRENT_TRANSACTIONS, 51, "the transaction before is still being completed")                              \
	X(TRANSACTION_COORDINATOR_FENCED, 52, "the coordinator is an old one")                                         \
	X(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 53, "not authorized to use the transactional id")                     \
	X(SECURITY_DISABLED, 54, "the broker has no authorizer")                                                       \
	X(OPERATION_NOT_ATTEMPTED, 55, "not attempted, as another part of the request failed")                         \
	X(KAFKA_STORAGE_ERROR, 56, "the disk refused")                                                                 \
	X(LOG_DIR_NOT_FOUND, 57, "there is no such log folder")                                                        \
	X(SASL_AUTHENTICATION_FAILED, 58, "authentication failed")                                                     \
	X(UNKNOWN_PRODUCER_ID, 59, "nothing is known of this producer")                                                \
	X(REASSIGNMENT_IN_PROGRESS, 60, "a reassignment is in progress")                                               \
	X(NON_EMPTY_GROUP, 68, "the group is not empty")                                                               \
	X(GROUP_ID_NOT_FOUND, 69, "there is no such group")                                                            \
	X(FETCH_SESSION_ID_NOT_FOUND, 70, "there is no such fetch session")                                            \
	X(INVALID_FETCH_SESSION_EPOCH, 71, "the epoch of the fetch session is not the next one")                       \
	X(TOPIC_DELETION_DISABLED, 73, "topics may not be deleted")                                                    \
	X(FENCED_LEADER_EPOCH, 74, "the leader epoch of the request is older than the broker's")                       \
	X(UNKNOWN_LEADER_EPOCH, 75, "the leader epoch of the request is newer than the broker's")                      \
	X(UNSUPPORTED_COMPRESSION_TYPE, 76, "the compression is not supported by this version of the request")         \
	X(STALE_BROKER_EPOCH, 77, "the broker epoch is old")                                                           \
	X(OFFSET_NOT_AVAILABLE, 78, "the offset is not available yet")                                                 \
	X(MEMBER_ID_REQUIRED, 79, "join again with the member id of this answer")                                      \
	X(GROUP_MAX_SIZE_REACHED, 81, "the group has as many members as it may")                                       \
	X(FENCED_INSTANCE_ID, 82, "another member took the instance id")                                               \
	X(GROUP_SUBSCRIBED_TO_TOPIC, 86, "a member of the group reads the topic")                                      \
	X(INVALID_RECORD, 87, "a record that the topic does not accept")                                               \
	X(UNSTABLE_OFFSET_COMMIT, 88, "offsets of an open transaction are pending")                                    \
	X(RESOURCE_NOT_FOUND, 91, "there is no such resource")                                                         \
	X(DUPLICATE_RESOURCE, 92, "the resource is named twice")                                                       \
	X(UNACCEPTABLE_CREDENTIAL, 93, "the credential is not acceptable")                                             \
	X(TRANSACTIONAL_ID_NOT_FOUND, 105, "there is no such transactional id")                                        \
	X(UNKNOWN_TOPIC_ID, 100, "there is no topic of this id")                                                       \
	X(FETCH_SESSION_TOPIC_ID_ERROR, 106, "the fetch session mixes names and ids of topics")                        \
	X(PRODUCER_FENCED, 90, "another producer took the transactional id")                                           \
	X(INCONSISTENT_TOPIC_ID, 103, "the id is not the one of the topic")                                            \
	X(UNSUPPORTED_ENDPOINT_TYPE, 115, "there is no such kind of endpoint")                                         \
	X(FENCED_MEMBER_EPOCH, 110,                                                                                    \
	  "the member's epoch is not the one known, it must give up its partitions and rejoin")                        \
	X(UNRELEASED_INSTANCE_ID, 111, "the instance id is still used by another member")                              \
	X(UNSUPPORTED_ASSIGNOR, 112, "the assignor is not supported")                                                  \
	X(STALE_MEMBER_EPOCH, 113, "the member's epoch is not the one known, it must retry after its next heartbeat")  \
	X(INVALID_REGULAR_EXPRESSION, 128, "the regular expression is not valid")                                      \
	X(TRANSACTION_ABORTABLE, 120, "the transaction can only be aborted")

enum tarn_kafka_error {
#define X(name, code, text) TARN_KAFKA_##name = code,
	TARN_KAFKA_ERRORS(X)
#undef X
};

/* "UNKNOWN_TOPIC_OR_PARTITION", or "?". */
const char *tarn_kafka_error_name(int16_t code);
/* A sentence without a full stop, for error_message fields. */
const char *tarn_kafka_error_text(int16_t code);
/* What a failed function of another room is to a client: EIO is KAFKA_STORAGE_ERROR, EINVALID INVALID_REQUEST,
 * ENOTFOUND UNKNOWN_TOPIC_OR_PARTITION, EEXISTS TOPIC_ALREADY_EXISTS, and so on. */
int16_t tarn_kafka_error_of(enum tarn_rc rc);

#endif
