/* Who of a group gets which partitions: the assignors `uniform` and `range` of KIP-848. Pure functions.
 *
 *   uniform   as many partitions for everybody as can be, and as few as can be change their owner
 *   range     each topic in runs of neighbouring partitions, so that topics of as many partitions go together
 *
 * Both look at static members first, by their instance id: a member that comes back has its partitions again. */
#ifndef TARN_STREAM_BROKER_BALANCE_ASSIGN_H
#define TARN_STREAM_BROKER_BALANCE_ASSIGN_H

#include "stream/broker/balance_parts.h"

struct tarn_assign_topic {
	struct tarn_uuid id;
	int32_t partitions;
};

struct tarn_assign_member {
	const char *id, *instance_id; /* NULL: a dynamic member */
	const size_t *topics;	      /* that it reads: places in the array of topics, rising */
	size_t n_topics;
	const struct tarn_parts *before;
	struct tarn_parts after; /* filled in, the caller's to release */
};

typedef void (*tarn_assignor)(const struct tarn_assign_topic *topics, size_t n_topics,
			      struct tarn_assign_member *members, size_t n_members);

/* The first is used where no member asks for one. */
extern const struct tarn_named_assignor {
	const char *name;
	tarn_assignor assign; /* topics in order of ids; members in any order, which it changes */
} tarn_assignors[];
#define TARN_N_ASSIGNORS 2
/* -1 where there is no such assignor. */
int tarn_assignor_find(const char *name);

#endif
