/* One field of an encoded datum, found by its path without decoding the rest. */
#ifndef TARN_STREAM_SINK_DATUM_FIELD_H
#define TARN_STREAM_SINK_DATUM_FIELD_H

#include "stream/sink/datum_copy.h"

enum tarn_field_kind { TARN_FIELD_NULL, TARN_FIELD_INTEGER, TARN_FIELD_BOOLEAN, TARN_FIELD_TEXT, TARN_FIELD_OTHER };

struct tarn_field_value {
	enum tarn_field_kind kind;
	int64_t integer;	/* also of a boolean */
	struct tarn_slice text; /* points into the datum, or is a symbol of the schema */
};

/* `path` names fields of records inside each other, with dots between them; a null on the way makes the whole null. The
 * datum is one of the plan's first schema and was checked (tarn_datum_copy). TARN_ENOTFOUND where the schema has no
 * such field. */
enum tarn_rc tarn_datum_field(const struct tarn_datum_plan *plan, struct tarn_slice datum, const char *path,
			      struct tarn_field_value *value, struct tarn_err *err) TARN_MUST_CHECK;

#endif
