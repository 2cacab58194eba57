/* A sink's question to a registry: what an id stands for, and which version that is under a topic's value subject. */
#ifndef TARN_STREAM_SINK_REGISTRY_LOOKUP_H
#define TARN_STREAM_SINK_REGISTRY_LOOKUP_H

#include "serialize/schema/registry_client.h"

/* As struct tarn_schema_lookup's `find` (schema_book.h). */
enum tarn_rc tarn_registry_lookup_version(struct tarn_registry_client *client, const char *topic, uint32_t id,
					  struct tarn_buf *json, int32_t *version,
					  struct tarn_err *err) TARN_MUST_CHECK;

#endif
