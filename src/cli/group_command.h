/* `tarn group`: what its sub-commands share. Part of the network module. */
#ifndef TARN_CLI_GROUP_COMMAND_H
#define TARN_CLI_GROUP_COMMAND_H

#include "cli/broker_admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "stream/producer/kafka_client.h"

extern const struct tarn_command tarn_command_group;
extern const struct tarn_command tarn_command_group_ls, tarn_command_group_describe, tarn_command_group_reset,
	tarn_command_group_delete;

#define TARN_GROUP_SECTION "GROUP"
#define TARN_GROUP_OPTION_JSON(target)                                                                                 \
	{                                                                                                              \
		.name = "json", .help = "print JSON, for machines", .flag = (target)                                   \
	}

/* A partition that the group has committed an offset of, or that a member reads. */
struct tarn_group_place {
	const char *topic;
	int32_t partition;
	int64_t committed;				 /* -1: nothing was committed */
	int64_t start, end;				 /* of the log; -1: the partition is not there any more */
	const struct rd_kafka_group_member_info *member; /* who reads it; NULL: nobody */
};
/* -1: not known. Of a partition without committed offset it is all there is. */
int64_t tarn_group_lag(const struct tarn_group_place *place);

/* What is known of one group. */
struct tarn_group_sight {
	const struct rd_kafka_group_info *group;
	rd_kafka_topic_partition_list_t *partitions;
	struct tarn_group_place *places; /* by topic and partition */
	size_t n_places;
};
/* The group must outlive the sight. */
enum tarn_rc tarn_group_look(struct tarn_kafka_admin *admin, const struct rd_kafka_group_info *group,
			     struct tarn_group_sight *sight, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_group_sight_release(struct tarn_group_sight *sight);
/* Of all places whose lag is known. */
int64_t tarn_group_total_lag(const struct tarn_group_sight *sight);

/* One group, or all of them (name NULL). rd_kafka_group_list_destroy frees the list. An unknown name is TARN_ENOTFOUND
 * with the nearest name as a hint. */
enum tarn_rc tarn_group_list(rd_kafka_t *client, const char *name, const struct rd_kafka_group_list **list,
			     struct tarn_err *err) TARN_MUST_CHECK;

#endif
