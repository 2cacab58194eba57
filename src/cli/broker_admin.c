#include "cli/broker_admin.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/print.h"

int tarn_admin_run(const struct tarn_kafka_options *kafka, char **names, int n, bool apart, tarn_admin_task task,
		   void *context)
{
	struct tarn_err err;
	rd_kafka_t *client;
	struct tarn_kafka_admin admin;
	if (tarn_kafka_client_open(kafka, RD_KAFKA_PRODUCER, NULL, 0, &client, &err))
		return tarn_print_error(&err);
	tarn_kafka_admin_init(&admin, client);
	int exit_code = TARN_EXIT_DONE;
	if (!n && task(&admin, NULL, context, &err))
		exit_code = tarn_print_error(&err);
	for (int i = 0; i < n; i++) {
		if (i && apart)
			putchar('\n');
		if (task(&admin, names[i], context, &err))
			exit_code = tarn_print_error(&err);
	}
	tarn_kafka_admin_release(&admin);
	rd_kafka_destroy(client);
	return exit_code;
}
