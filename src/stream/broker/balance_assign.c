#include "stream/broker/balance_assign.h"

#include <stdlib.h>

#include "base/alloc.h"

static int compare_members(const void *left, const void *right)
{
	const struct tarn_assign_member *a = left, *b = right;
	if (a->instance_id && b->instance_id)
		return strcmp(a->instance_id, b->instance_id);
	if (a->instance_id || b->instance_id)
		return a->instance_id ? -1 : 1;
	return strcmp(a->id, b->id);
}

static void sort_members(struct tarn_assign_member *members, size_t n)
{
	if (n)
		qsort(members, n, sizeof(*members), compare_members);
}

static bool reads(const struct tarn_assign_member *member, size_t topic)
{
	size_t low = 0, high = member->n_topics;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (member->topics[middle] < topic)
			low = middle + 1;
		else
			high = middle;
	}
	return low < member->n_topics && member->topics[low] == topic;
}

/* ---- range ---- */

static void assign_range(const struct tarn_assign_topic *topics, size_t n_topics, struct tarn_assign_member *members,
			 size_t n_members)
{
	sort_members(members, n_members);
	for (size_t t = 0; t < n_topics; t++) {
		int32_t readers = 0, next = 0;
		for (size_t m = 0; m < n_members; m++)
			readers += reads(&members[m], t);
		for (size_t m = 0, nth = 0; m < n_members; m++) {
			if (!reads(&members[m], t))
				continue;
			const int32_t more = (int32_t)nth++ < topics[t].partitions % readers;
			const int32_t end = next + topics[t].partitions / readers + more;
			for (; next < end; next++)
				tarn_parts_push(&members[m].after, (struct tarn_part){ topics[t].id, next });
		}
	}
}

/* ---- uniform ---- */

struct uniform {
	const struct tarn_assign_topic *topics;
	size_t n_topics;
	struct tarn_assign_member *members;
	size_t n_members;
	size_t *owners;	 /* by place of the partition; n_members: nobody */
	size_t *firsts;	 /* place of each topic's first partition */
	size_t *readers; /* how many members each topic has */
	size_t *loads;	 /* of the members */
};

/* Where the topic stands; n_topics where nobody reads it any more. */
static size_t place_of_topic(const struct uniform *u, const struct tarn_uuid *id)
{
	size_t low = 0, high = u->n_topics;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (memcmp(&u->topics[middle].id, id, sizeof(*id)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < u->n_topics && !memcmp(&u->topics[low].id, id, sizeof(*id)) ? low : u->n_topics;
}

/* Everybody keeps what it had and still reads. */
static void keep_former(struct uniform *u)
{
	for (size_t m = 0; m < u->n_members; m++)
		for (size_t i = 0; i < u->members[m].before->n; i++) {
			const struct tarn_part *part = &u->members[m].before->items[i];
			const size_t t = place_of_topic(u, &part->topic);
			if (t == u->n_topics || part->partition < 0 || part->partition >= u->topics[t].partitions ||
			    !reads(&u->members[m], t))
				continue;
			size_t *owner = &u->owners[u->firsts[t] + (size_t)part->partition];
			if (*owner != u->n_members)
				continue;
			*owner = m;
			u->loads[m]++;
		}
}

/* Of the topic's members the one with the least; n_members where it has none. */
static size_t least_loaded(const struct uniform *u, size_t topic)
{
	size_t least = u->n_members;
	for (size_t m = 0; m < u->n_members; m++)
		if (reads(&u->members[m], topic) && (least == u->n_members || u->loads[m] < u->loads[least]))
			least = m;
	return least;
}

static size_t least_load(const struct uniform *u)
{
	size_t least = SIZE_MAX;
	for (size_t m = 0; m < u->n_members; m++)
		least = u->loads[m] < least ? u->loads[m] : least;
	return least;
}

static void give(struct uniform *u, size_t place, size_t member)
{
	if (u->owners[place] != u->n_members)
		u->loads[u->owners[place]]--;
	u->owners[place] = member;
	u->loads[member]++;
}

/* Topics with few members first: the others can make up for it. */
static void give_free(struct uniform *u)
{
	for (size_t wanted = 1; wanted <= u->n_members; wanted++)
		for (size_t t = 0; t < u->n_topics; t++)
			for (int32_t p = 0; u->readers[t] == wanted && p < u->topics[t].partitions; p++)
				if (u->owners[u->firsts[t] + (size_t)p] == u->n_members)
					give(u, u->firsts[t] + (size_t)p, least_loaded(u, t));
}

/* Moves single partitions to members that have at least two fewer; each makes the sum of squares less, so it ends. The
 * last partitions of a member go first: what moves next time is what moved last time. */
static bool even_out_once(struct uniform *u)
{
	bool moved = false;
	size_t bottom = least_load(u);
	for (size_t t = u->n_topics; t-- > 0;)
		for (int32_t p = u->topics[t].partitions; u->readers[t] > 1 && p-- > 0;) {
			const size_t place = u->firsts[t] + (size_t)p, load = u->loads[u->owners[place]];
			/* Most owners are so near to the member with the least that nobody need be looked for. */
			if (load < bottom + 2)
				continue;
			const size_t least = least_loaded(u, t);
			if (load < u->loads[least] + 2)
				continue;
			give(u, place, least);
			bottom = least_load(u);
			moved = true;
		}
	return moved;
}

static void count_topics(struct uniform *u)
{
	size_t n = 0;
	u->firsts = tarn_calloc(u->n_topics + 1, sizeof(*u->firsts));
	u->readers = tarn_calloc(u->n_topics + 1, sizeof(*u->readers));
	u->loads = tarn_calloc(u->n_members + 1, sizeof(*u->loads));
	for (size_t t = 0; t < u->n_topics; t++) {
		u->firsts[t] = n;
		n += (size_t)u->topics[t].partitions;
		for (size_t m = 0; m < u->n_members; m++)
			u->readers[t] += reads(&u->members[m], t);
	}
	u->owners = tarn_calloc(n + 1, sizeof(*u->owners));
	for (size_t i = 0; i < n; i++)
		u->owners[i] = u->n_members;
}

static void assign_uniform(const struct tarn_assign_topic *topics, size_t n_topics, struct tarn_assign_member *members,
			   size_t n_members)
{
	struct uniform u = { topics, n_topics, members, n_members, NULL, NULL, NULL, NULL };
	sort_members(members, n_members);
	count_topics(&u);
	keep_former(&u);
	give_free(&u);
	while (even_out_once(&u))
		continue;
	for (size_t t = 0; t < n_topics; t++)
		for (int32_t p = 0; u.readers[t] && p < topics[t].partitions; p++)
			tarn_parts_push(&members[u.owners[u.firsts[t] + (size_t)p]].after,
					(struct tarn_part){ topics[t].id, p });
	free(u.owners);
	free(u.firsts);
	free(u.readers);
	free(u.loads);
}

const struct tarn_named_assignor tarn_assignors[TARN_N_ASSIGNORS] = {
	{ "uniform", assign_uniform },
	{ "range", assign_range },
};

int tarn_assignor_find(const char *name)
{
	for (int i = 0; i < TARN_N_ASSIGNORS; i++)
		if (!strcmp(tarn_assignors[i].name, name))
			return i;
	return -1;
}
