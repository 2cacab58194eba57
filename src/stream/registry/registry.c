#include "stream/registry/registry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/registry/registry_core.h"

/* Confluent's registry cannot take larger records over than a producer sends by default. */
enum { LARGEST_RECORD = 1000000, LARGEST_BODY = 2 << 20 };
/* The position of what was read from the topic; a store's own are 0 and more. */
enum { DURABLE = -1 };

bool reg_refuse(struct reg_call *call, int status, int code, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = tarn_arena_alloc(call->arena, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	call->status = status;
	call->code = code;
	call->message = text;
	return false;
}

/* ---- changes ---- */

void reg_change_add(struct reg_change *change, const struct tarn_buf *key, const struct tarn_buf *value)
{
	if (change->n == change->capacity) {
		size_t capacity = change->capacity ? change->capacity * 2 : 8;
		struct tarn_registry_record *records = tarn_arena_alloc(change->arena, capacity * sizeof(*records));
		if (change->n)
			memcpy(records, change->records, change->n * sizeof(*records));
		change->records = records;
		change->capacity = capacity;
	}
	struct tarn_registry_record *record = &change->records[change->n++];
	record->key = tarn_slice_of(tarn_arena_copy(change->arena, key->data, key->len), key->len);
	record->value = (struct tarn_slice){ 0 };
	if (value)
		record->value = tarn_slice_of(tarn_arena_copy(change->arena, value->data, value->len), value->len);
}

static bool fits_in_topic(const struct reg_change *change)
{
	for (size_t i = 0; i < change->n; i++)
		if (change->records[i].key.len + change->records[i].value.len > LARGEST_RECORD)
			return false;
	return true;
}

bool reg_commit(struct tarn_registry *registry, struct reg_call *call, struct reg_change *change)
{
	struct tarn_err err;
	int64_t position;
	if (!fits_in_topic(change))
		return reg_refuse(call, 422, 42209, "Register operation failed because schema is too large");
	if (registry->store.append(registry->store_state, change->records, change->n, &position, &err))
		return reg_refuse(call, 500, 50001, "Error while writing to the topic %s: %s", TARN_REGISTRY_TOPIC,
				  err.message);
	size_t n_read = change->n - (change->last != NULL);
	pthread_rwlock_wrlock(&registry->lock);
	for (size_t i = 0; i < n_read; i++)
		if (reg_apply(&registry->state, change->records[i].key, change->records[i].value, position, &err))
			abort(); /* we have made these records ourselves */
	if (change->last)
		reg_put_version(&registry->state, change->last, position);
	pthread_rwlock_unlock(&registry->lock);
	reg_depends(call, position);
	return true;
}

/* ---- life ---- */

static enum tarn_rc load_record(void *context, struct tarn_slice key, struct tarn_slice value, struct tarn_err *err)
{
	(void)err;
	struct tarn_registry *registry = context;
	if (reg_apply(&registry->state, key, value, DURABLE, NULL))
		registry->skipped++;
	return TARN_OK;
}

enum tarn_rc tarn_registry_open(const struct tarn_registry_options *options, const struct tarn_registry_store *store,
				void *state, struct tarn_registry **registry, struct tarn_err *err)
{
	struct tarn_registry *made = tarn_calloc(1, sizeof(*made));
	made->options = *options;
	if (!made->options.incompatible_code)
		made->options.incompatible_code = 409;
	made->store = *store;
	made->store_state = state;
	reg_state_init(&made->state);
	made->durable = made->state.position = DURABLE;
	made->routes =
		(struct tarn_routes){ reg_routes,   reg_n_routes,     made, "application/vnd.schemaregistry.v1+json",
				      LARGEST_BODY, reg_write_refusal };
	pthread_mutex_init(&made->writing, NULL);
	pthread_mutex_init(&made->bodies_lock, NULL);
	/* Lookups never cease: a change must not wait until they do. */
	pthread_rwlockattr_t attributes;
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&made->lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	enum tarn_rc rc = store->load(state, load_record, made, err);
	if (rc)
		tarn_registry_close(made);
	else
		*registry = made;
	return rc;
}

void tarn_registry_close(struct tarn_registry *registry)
{
	if (!registry)
		return;
	registry->store.free(registry->store_state);
	reg_state_release(&registry->state);
	pthread_mutex_destroy(&registry->writing);
	pthread_mutex_destroy(&registry->bodies_lock);
	pthread_rwlock_destroy(&registry->lock);
	free(registry);
}

const struct tarn_routes *tarn_registry_routes(const struct tarn_registry *registry)
{
	return &registry->routes;
}

void tarn_registry_count(struct tarn_registry *registry, struct tarn_registry_counts *counts)
{
	pthread_rwlock_rdlock(&registry->lock);
	*counts = (struct tarn_registry_counts){ .schemas = registry->state.ids.n, .skipped = registry->skipped };
	for (size_t i = 0; i < registry->state.subjects.n; i++) {
		const struct reg_subject *subject = registry->state.subjects.items[i];
		counts->subjects += reg_has_versions(subject, false);
		counts->versions += subject->n;
	}
	pthread_rwlock_unlock(&registry->lock);
}
