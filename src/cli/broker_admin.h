/* What the sub-commands of `tarn topic` and `tarn group` do once their options are read. Part of the network module. */
#ifndef TARN_CLI_BROKER_ADMIN_H
#define TARN_CLI_BROKER_ADMIN_H

#include "stream/producer/kafka_client.h"

typedef enum tarn_rc (*tarn_admin_task)(struct tarn_kafka_admin *admin, const char *name, void *context,
					struct tarn_err *err);

/* Connects and does the task for each name, or once with NULL where there are no names; prints what went wrong, and
 * goes on with the next name; `apart`: with an empty line between them. The exit code. */
int tarn_admin_run(const struct tarn_kafka_options *kafka, char **names, int n, bool apart, tarn_admin_task task,
		   void *context);

#endif
