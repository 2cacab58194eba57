/* A topic in memory for the tests of the registry. */
#ifndef TARN_TESTS_MEMORY_STORE_H
#define TARN_TESTS_MEMORY_STORE_H

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/log/log.h"
#include "stream/registry/registry.h"

struct memory_record {
	uint8_t *key, *value; /* value NULL: deleted */
	size_t key_len, value_len;
};

struct memory_topic {
	struct memory_record records[4096];
	size_t n;
	int64_t appends;
	bool fail_append, fail_wait;
	bool is_slow; /* who waits is told when the test says so */
	struct tarn_durable_waiter *waiters[16];
	size_t n_waiters;
	pthread_mutex_t lock;
};

static inline uint8_t *memory_copy(struct tarn_slice bytes)
{
	uint8_t *copy = tarn_malloc(bytes.len + 1);
	if (bytes.len)
		memcpy(copy, bytes.data, bytes.len);
	copy[bytes.len] = 0;
	return copy;
}

static inline enum tarn_rc memory_load(void *state,
				       enum tarn_rc (*each)(void *context, struct tarn_slice key,
							    struct tarn_slice value, struct tarn_err *err),
				       void *context, struct tarn_err *err)
{
	const struct memory_topic *topic = state;
	for (size_t i = 0; i < topic->n; i++) {
		const struct memory_record *record = &topic->records[i];
		enum tarn_rc rc = each(context, tarn_slice_of(record->key, record->key_len),
				       tarn_slice_of(record->value, record->value_len), err);
		if (rc)
			return rc;
	}
	return TARN_OK;
}

static inline void memory_add(struct memory_topic *topic, struct tarn_slice key, struct tarn_slice value)
{
	topic->records[topic->n++] =
		(struct memory_record){ memory_copy(key), value.data ? memory_copy(value) : NULL, key.len, value.len };
}

static inline enum tarn_rc memory_append(void *state, const struct tarn_registry_record *records, size_t n,
					 int64_t *position, struct tarn_err *err)
{
	struct memory_topic *topic = state;
	if (topic->fail_append)
		return tarn_fail(err, TARN_EIO, "the disk is full");
	for (size_t i = 0; i < n; i++)
		memory_add(topic, records[i].key, records[i].value);
	*position = topic->appends++;
	return TARN_OK;
}

static inline void memory_when_durable(void *state, int64_t position, struct tarn_durable_waiter *waiter)
{
	struct memory_topic *topic = state;
	(void)position;
	if (topic->is_slow)
		topic->waiters[topic->n_waiters++] = waiter;
	else
		waiter->tell(waiter, !topic->fail_wait);
}

static inline void memory_sync(struct memory_topic *topic)
{
	for (size_t i = 0; i < topic->n_waiters; i++)
		topic->waiters[i]->tell(topic->waiters[i], !topic->fail_wait);
	topic->n_waiters = 0;
}

static inline void memory_leave(void *state)
{
	(void)state;
}

static inline void memory_clear(struct memory_topic *topic)
{
	for (size_t i = 0; i < topic->n; i++) {
		free(topic->records[i].key);
		free(topic->records[i].value);
	}
	topic->n = 0;
}

static const struct tarn_registry_store memory_store = { memory_load, memory_append, memory_when_durable,
							 memory_leave };

#endif
