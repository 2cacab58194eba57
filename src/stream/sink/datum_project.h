/* Encoded data of one schema as data of another version of it: Connect's projection (schema.compatibility BACKWARD,
 * FORWARD, FULL).
 *
 * Fields go by their names, those that the other schema does not have are left out, those that only it has get its
 * default, or null where they are optional. Integers and floats may get wider; records, enums and fixed must have the
 * same names. */
#ifndef TARN_STREAM_SINK_DATUM_PROJECT_H
#define TARN_STREAM_SINK_DATUM_PROJECT_H

#include "stream/sink/datum_copy.h"

/* Appends the datum, one of the schema that `from` copies from and checked, as one of the schema that `to` copies from.
 * TARN_EINVALID where that is not possible; `out` is unchanged then. */
enum tarn_rc tarn_datum_project(const struct tarn_datum_plan *from, const struct tarn_datum_plan *to,
				struct tarn_slice datum, struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;

#endif
