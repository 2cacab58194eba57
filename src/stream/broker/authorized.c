#include "stream/broker/authorized.h"

#define BIT(operation) (INT32_C(1) << (operation))

/* Operations that make sense for a type of resource (KIP-430). */
static int32_t operations_of(enum tarn_resource_type type)
{
	switch (type) {
	case TARN_RESOURCE_TOPIC:
		return BIT(TARN_ACL_READ) | BIT(TARN_ACL_WRITE) | BIT(TARN_ACL_CREATE) | BIT(TARN_ACL_DESCRIBE) |
		       BIT(TARN_ACL_DELETE) | BIT(TARN_ACL_ALTER) | BIT(TARN_ACL_DESCRIBE_CONFIGS) |
		       BIT(TARN_ACL_ALTER_CONFIGS);
	case TARN_RESOURCE_GROUP:
		return BIT(TARN_ACL_READ) | BIT(TARN_ACL_DESCRIBE) | BIT(TARN_ACL_DELETE) |
		       BIT(TARN_ACL_DESCRIBE_CONFIGS) | BIT(TARN_ACL_ALTER_CONFIGS);
	case TARN_RESOURCE_CLUSTER:
		return BIT(TARN_ACL_CREATE) | BIT(TARN_ACL_CLUSTER_ACTION) | BIT(TARN_ACL_DESCRIBE_CONFIGS) |
		       BIT(TARN_ACL_ALTER_CONFIGS) | BIT(TARN_ACL_DESCRIBE) | BIT(TARN_ACL_ALTER) |
		       BIT(TARN_ACL_IDEMPOTENT_WRITE);
	case TARN_RESOURCE_TRANSACTIONAL_ID: return BIT(TARN_ACL_DESCRIBE) | BIT(TARN_ACL_WRITE);
	default: return 0;
	}
}

int32_t tarn_authorized_operations(const struct tarn_call *call, enum tarn_resource_type type, const char *name)
{
	int32_t may = 0, possible = operations_of(type);
	for (int operation = TARN_ACL_READ; operation <= TARN_ACL_IDEMPOTENT_WRITE; operation++)
		if ((possible & BIT(operation)) &&
		    tarn_call_allowed(call, (enum tarn_acl_operation)operation, type, name))
			may |= BIT(operation);
	return may;
}
