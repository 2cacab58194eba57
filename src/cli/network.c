/* The door of the network module: commands that serve, or that speak to what serves. */
#include <stddef.h>

#include "base/module.h"
#include "cli/command.h"
#include "cli/group_command.h"
#include "cli/schema_command.h"
#include "cli/topic_command.h"

extern const struct tarn_command tarn_command_connector, tarn_command_dlq, tarn_command_publish, tarn_command_status;
TARN_EXPORT extern const struct tarn_command *const tarn_network_commands[];

const struct tarn_command *const tarn_network_commands[] = {
	&tarn_command_serve,
	&tarn_command_status,
	&tarn_command_publish,
	&tarn_command_topic,
	&tarn_command_schema,
	&tarn_command_group,
	&tarn_command_connector,
	&tarn_command_dlq,
	NULL,
};
