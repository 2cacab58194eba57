#include "stream/broker/group_offsets.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/group_inside.h"

struct txn_offset {
	int64_t producer_id;
	struct tarn_group_offset offset;
};

struct tarn_group_offsets {
	struct tarn_group_offset *items; /* sorted */
	size_t n, cap;
	struct txn_offset *open; /* in the order in which they came */
	size_t n_open, open_cap;
	size_t on_the_way;
};

static void release(struct tarn_group_offset *offset)
{
	free((char *)(uintptr_t)offset->topic);
	free((void *)(uintptr_t)offset->metadata.data);
}

static struct tarn_group_offset copy(const struct tarn_group_offset *offset)
{
	struct tarn_group_offset copied = *offset;
	copied.topic = tarn_strdup(offset->topic);
	copied.metadata = offset->metadata.len ? tarn_group_copy_slice(offset->metadata) : tarn_slice_of(NULL, 0);
	return copied;
}

struct tarn_group_offsets *tarn_group_offsets_new(void)
{
	return tarn_calloc(1, sizeof(struct tarn_group_offsets));
}

void tarn_group_offsets_free(struct tarn_group_offsets *offsets)
{
	if (!offsets)
		return;
	for (size_t i = 0; i < offsets->n; i++)
		release(&offsets->items[i]);
	for (size_t i = 0; i < offsets->n_open; i++)
		release(&offsets->open[i].offset);
	free(offsets->items);
	free(offsets->open);
	free(offsets);
}

static int compare(const struct tarn_group_offset *item, const char *topic, int32_t partition)
{
	const int order = strcmp(item->topic, topic);
	return order ? order : (item->partition > partition) - (item->partition < partition);
}

/* Where the entry is, or would be. */
static size_t place_of(const struct tarn_group_offsets *offsets, const char *topic, int32_t partition, bool *is_there)
{
	size_t low = 0, high = offsets->n;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (compare(&offsets->items[middle], topic, partition) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*is_there = low < offsets->n && !compare(&offsets->items[low], topic, partition);
	return low;
}

bool tarn_group_offset_put(struct tarn_group_offsets *offsets, const struct tarn_group_offset *offset)
{
	bool is_there;
	const size_t at = place_of(offsets, offset->topic, offset->partition, &is_there);
	if (is_there && offsets->items[at].position > offset->position)
		return false;
	const struct tarn_group_offset copied = copy(offset);
	if (is_there) {
		release(&offsets->items[at]);
	} else {
		offsets->items = tarn_grow(offsets->items, &offsets->cap, offsets->n + 1, sizeof(*offsets->items));
		memmove(offsets->items + at + 1, offsets->items + at, (offsets->n - at) * sizeof(*offsets->items));
		offsets->n++;
	}
	offsets->items[at] = copied;
	return true;
}

void tarn_group_offset_drop(struct tarn_group_offsets *offsets, const char *topic, int32_t partition, int64_t position)
{
	bool is_there;
	const size_t at = place_of(offsets, topic, partition, &is_there);
	if (!is_there || offsets->items[at].position > position)
		return;
	release(&offsets->items[at]);
	memmove(offsets->items + at, offsets->items + at + 1, (offsets->n - at - 1) * sizeof(*offsets->items));
	offsets->n--;
}

const struct tarn_group_offset *tarn_group_offset_find(const struct tarn_group_offsets *offsets, const char *topic,
						       int32_t partition)
{
	bool is_there;
	const size_t at = place_of(offsets, topic, partition, &is_there);
	return is_there ? &offsets->items[at] : NULL;
}

size_t tarn_group_offset_count(const struct tarn_group_offsets *offsets)
{
	return offsets->n;
}

const struct tarn_group_offset *tarn_group_offset_at(const struct tarn_group_offsets *offsets, size_t i)
{
	return &offsets->items[i];
}

void tarn_group_commit_begins(struct tarn_group_offsets *offsets)
{
	offsets->on_the_way++;
}

void tarn_group_commit_ends(struct tarn_group_offsets *offsets)
{
	offsets->on_the_way--;
}

bool tarn_group_offsets_busy(const struct tarn_group_offsets *offsets)
{
	return offsets->on_the_way || offsets->n_open;
}

void tarn_group_txn_put(struct tarn_group_offsets *offsets, int64_t producer_id, const struct tarn_group_offset *offset)
{
	offsets->open = tarn_grow(offsets->open, &offsets->open_cap, offsets->n_open + 1, sizeof(*offsets->open));
	offsets->open[offsets->n_open++] = (struct txn_offset){ producer_id, copy(offset) };
}

bool tarn_group_txn_has(const struct tarn_group_offsets *offsets, const char *topic, int32_t partition)
{
	for (size_t i = 0; i < offsets->n_open; i++)
		if (!compare(&offsets->open[i].offset, topic, partition))
			return true;
	return false;
}

void tarn_groups_txn_end(struct tarn_groups *groups, int64_t producer_id, bool commit)
{
	for (size_t i = 0; i < groups->n; i++) {
		struct tarn_group_offsets *offsets = groups->by_id[i]->offsets;
		size_t kept = 0;
		for (size_t j = 0; j < offsets->n_open; j++) {
			struct txn_offset *open = &offsets->open[j];
			if (open->producer_id != producer_id) {
				offsets->open[kept++] = *open;
				continue;
			}
			if (commit)
				tarn_group_offset_put(offsets, &open->offset);
			release(&open->offset);
		}
		offsets->n_open = kept;
	}
}

bool tarn_group_offset_expired(const struct tarn_group *group, size_t i, int64_t now_ms, int64_t retention_ms,
			       bool (*subscribed)(const struct tarn_group *group, const char *topic))
{
	const struct tarn_group_offset *offset = &group->offsets->items[i];
	if (tarn_group_offsets_busy(group->offsets))
		return false;
	if (group->balance && subscribed && subscribed(group, offset->topic))
		return false;
	if (group->n_members && (group->state != TARN_GROUP_STABLE || !subscribed || subscribed(group, offset->topic)))
		return false;
	if (offset->expire_ms >= 0)
		return offset->expire_ms <= now_ms;
	int64_t since = offset->commit_ms;
	if (!group->n_members && group->protocol_type && group->since_ms > since)
		since = group->since_ms;
	return now_ms - since >= retention_ms;
}
