/* What a client may do with a thing, as the bit field that Metadata, DescribeCluster and DescribeGroups carry
 * (KIP-430). */
#ifndef TARN_STREAM_BROKER_AUTHORIZED_H
#define TARN_STREAM_BROKER_AUTHORIZED_H

#include "stream/broker/call.h"

/* Bit n is set where operation n of enum tarn_acl_operation is allowed. */
int32_t tarn_authorized_operations(const struct tarn_call *call, enum tarn_resource_type type, const char *name);

#endif
