/* Keys that are lent for a time: to a container by its agent (ECS, EKS Pod Identity), to an EC2 instance by its
 * metadata service (version 2). https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html */
#ifndef TARN_STORE_OBJECT_S3_LENT_H
#define TARN_STORE_OBJECT_S3_LENT_H

#include "store/object/s3_config.h"

/* Answer of a lender: AccessKeyId, SecretAccessKey, Token, Expiration (JSON). *until_us: when they expire. The caller
 * releases *keys. */
enum tarn_rc s3_lent_read(struct tarn_slice answer, struct s3_credentials *keys, int64_t *until_us,
			  struct tarn_err *err) TARN_MUST_CHECK;

struct s3_lent;
/* Asks once, so that keys are there: TARN_EIO where the lender does not answer, or has none to lend. */
enum tarn_rc s3_lent_new(const struct s3_config *config, struct s3_lent **lent, struct tarn_err *err) TARN_MUST_CHECK;
void s3_lent_free(struct s3_lent *lent);
/* A copy of keys that are good now, which the caller releases; asks for new ones five minutes before the old ones
 * expire. Any thread. TARN_EIO: they have expired, and the lender does not answer. */
enum tarn_rc s3_lent_take(struct s3_lent *lent, struct s3_credentials *keys, struct tarn_err *err) TARN_MUST_CHECK;

#endif
