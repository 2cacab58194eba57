/* Sets of partitions, sorted by topic id and number. */
#ifndef TARN_STREAM_BROKER_BALANCE_PARTS_H
#define TARN_STREAM_BROKER_BALANCE_PARTS_H

#include "stream/broker/messages.h"

struct tarn_part {
	struct tarn_uuid topic;
	int32_t partition;
};

struct tarn_parts {
	struct tarn_part *items; /* the set's own */
	size_t n, cap;
};

int tarn_part_compare(const struct tarn_part *a, const struct tarn_part *b);
void tarn_parts_release(struct tarn_parts *parts);
/* Behind all others; the caller adds in order, or calls tarn_parts_sort. */
void tarn_parts_push(struct tarn_parts *parts, struct tarn_part part);
/* In order, each once. */
void tarn_parts_sort(struct tarn_parts *parts);
bool tarn_parts_has(const struct tarn_parts *parts, const struct tarn_part *part);
bool tarn_parts_equal(const struct tarn_parts *a, const struct tarn_parts *b);
bool tarn_parts_within(const struct tarn_parts *inner, const struct tarn_parts *outer);
bool tarn_parts_meet(const struct tarn_parts *a, const struct tarn_parts *b);
/* Those of `a` that `b` has, or has not; *out is made anew and may be neither of both. */
void tarn_parts_select(const struct tarn_parts *a, const struct tarn_parts *b, bool in_b, struct tarn_parts *out);
/* *to becomes a copy of `from`. */
void tarn_parts_copy(struct tarn_parts *to, const struct tarn_parts *from);
/* *to becomes `from`, which is empty then. */
void tarn_parts_move(struct tarn_parts *to, struct tarn_parts *from);

/* As messages have them: topics with their partitions. */
void tarn_parts_read(const struct tarn_balance_topic_partitions *topics, size_t n, struct tarn_parts *parts);
struct tarn_balance_topic_partitions *tarn_parts_write(const struct tarn_parts *parts, struct tarn_arena *arena,
						       size_t *n);

#endif
