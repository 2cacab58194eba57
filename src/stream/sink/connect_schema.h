/* The schema that Kafka Connect's Avro converter and sink give a container file, made from the registered one.
 *
 * Connect turns every schema into its own kind and back. What comes out (io.confluent.connect.avro.AvroData 8.2, both
 * ways, with enhanced support in the sink): attributes that Connect does not know are gone, also aliases and order; the
 * root has connect.version (its version in the registry), every named type connect.name; documentation stands in its
 * place and again in connect.parameters; date, time-millis, timestamp-millis and decimal are Connect's logical types,
 * other logical types plain. Of a union, null comes first (so encoded data change: datum_copy.h) and becomes the
 * default of an optional field. */
#ifndef TARN_STREAM_SINK_CONNECT_SCHEMA_H
#define TARN_STREAM_SINK_CONNECT_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"

struct tarn_connect_options {
	int32_t version; /* in the registry; 0: not known, left out */
	bool meta_data;	 /* connect.meta.data */
};

/* Appends the rewritten schema's JSON text. TARN_EINVALID where `registered` is no schema, or one that Connect refuses
 * (a null outside of a union). */
enum tarn_rc tarn_connect_schema(struct tarn_slice registered, const struct tarn_connect_options *options,
				 struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;

#endif
