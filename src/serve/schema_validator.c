#include "serve/schema_validator.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "serialize/avro/plan.h"
#include "serialize/schema/wire.h"

/* A schema that was asked for. */
struct known {
	uint32_t id;
	struct tarn_avro_plan *plan;
	struct tarn_avro_column *columns;
};

struct tarn_schema_validator {
	struct tarn_validator hook;
	pthread_mutex_t lock; /* of all below */
	struct tarn_registry_client *registry;
	struct known *known;
	size_t n, capacity;
};

static enum tarn_rc find(struct tarn_schema_validator *validator, uint32_t id, const struct known **known,
			 struct tarn_err *err)
{
	const struct tarn_known_schema *schema;
	struct tarn_avro_plan *plan;
	for (size_t i = 0; i < validator->n; i++)
		if (validator->known[i].id == id) {
			*known = &validator->known[i];
			return TARN_OK;
		}
	if (!validator->registry)
		return tarn_fail(err, TARN_EIO, "there is no registry to ask: its role does not run");
	enum tarn_rc rc = tarn_registry_by_id(validator->registry, id, &schema, err);
	if (!rc && !schema->avro)
		rc = tarn_fail(err, TARN_EUNSUPPORTED, "schema %u is not Avro, which alone can be looked into", id);
	if (!rc)
		rc = tarn_avro_plan_new(schema->avro, schema->avro, &plan, err);
	if (rc)
		return rc;
	validator->known =
		tarn_grow(validator->known, &validator->capacity, validator->n + 1, sizeof(*validator->known));
	validator->known[validator->n] = (struct known){ id, plan, tarn_avro_columns_new(schema->avro) };
	*known = &validator->known[validator->n++];
	return TARN_OK;
}

static enum tarn_rc check(struct tarn_schema_validator *validator, struct tarn_slice value, struct tarn_err *err)
{
	const struct known *known = NULL;
	struct tarn_slice datum;
	uint32_t id;
	size_t decoded;
	enum tarn_rc rc = tarn_wire_parse(value, &id, &datum, err);
	if (!rc)
		rc = find(validator, id, &known, err);
	if (rc)
		return rc;
	struct tarn_cursor cursor = tarn_cursor_of(datum);
	tarn_avro_columns_clear(known->columns);
	rc = tarn_avro_plan_decode(known->plan, &cursor, 1, known->columns, &decoded, err);
	if (!rc && tarn_cursor_left(&cursor))
		rc = tarn_fail(err, TARN_EINVALID, "%zu bytes left over behind the datum", tarn_cursor_left(&cursor));
	return rc ? tarn_err_within(err, rc, "schema %u", id) : TARN_OK;
}

static bool accepts(void *context, struct tarn_topic *topic, bool is_key, struct tarn_slice value, const char **reason)
{
	static _Thread_local struct tarn_err err; /* the reason lives until the thread's next */
	struct tarn_schema_validator *validator = context;
	(void)topic;
	if (is_key)
		return true;
	pthread_mutex_lock(&validator->lock);
	enum tarn_rc rc = check(validator, value, &err);
	pthread_mutex_unlock(&validator->lock);
	*reason = err.message;
	return !rc;
}

struct tarn_schema_validator *tarn_schema_validator_new(void)
{
	struct tarn_schema_validator *validator = tarn_calloc(1, sizeof(*validator));
	validator->hook = (struct tarn_validator){ accepts, validator };
	pthread_mutex_init(&validator->lock, NULL);
	return validator;
}

void tarn_schema_validator_ask(struct tarn_schema_validator *validator, struct tarn_registry *registry)
{
	pthread_mutex_lock(&validator->lock);
	/* The schemas belong to the client. */
	for (size_t i = 0; i < validator->n; i++) {
		tarn_avro_plan_free(validator->known[i].plan);
		tarn_avro_columns_free(validator->known[i].columns);
	}
	validator->n = 0;
	tarn_registry_client_free(validator->registry);
	validator->registry = registry ? tarn_registry_local_client(registry) : NULL;
	pthread_mutex_unlock(&validator->lock);
}

const struct tarn_validator *tarn_schema_validator_hook(const struct tarn_schema_validator *validator)
{
	return &validator->hook;
}

void tarn_schema_validator_free(struct tarn_schema_validator *validator)
{
	if (!validator)
		return;
	tarn_schema_validator_ask(validator, NULL);
	pthread_mutex_destroy(&validator->lock);
	free(validator->known);
	free(validator);
}
