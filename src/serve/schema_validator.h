/* What a topic with schema.validation=true asks of its values: Confluent's wire format, an id that the registry knows,
 * and a datum that decodes by that schema to its last byte. Keys are not looked at. Any thread. */
#ifndef TARN_SERVE_SCHEMA_VALIDATOR_H
#define TARN_SERVE_SCHEMA_VALIDATOR_H

#include "stream/broker/broker.h"
#include "stream/registry/registry.h"

struct tarn_schema_validator;

struct tarn_schema_validator *tarn_schema_validator_new(void);
void tarn_schema_validator_free(struct tarn_schema_validator *validator);
/* Whom to ask from now on; NULL: nobody, and nothing is accepted. When it returns, the registry before is not asked any
 * more. */
void tarn_schema_validator_ask(struct tarn_schema_validator *validator, struct tarn_registry *registry);
/* For the broker; lives as long as the validator. */
const struct tarn_validator *tarn_schema_validator_hook(const struct tarn_schema_validator *validator);

#endif
