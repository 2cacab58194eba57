/* A place in a JSON document, for messages; a list on the stack, innermost first. NULL is the document itself. */
#ifndef TARN_SERIALIZE_AVRO_PLACE_H
#define TARN_SERIALIZE_AVRO_PLACE_H

#include "base/buf.h"
#include "base/err.h"

struct tarn_avro_place {
	const struct tarn_avro_place *outer;
	const char *key; /* of an object; NULL: element `index` of an array */
	size_t index;
};

/* Fills *err with "<what> at $.fields[1].type: <message>" and returns rc. */
enum tarn_rc tarn_avro_fail_at_place(struct tarn_err *err, enum tarn_rc rc, const char *what,
				     const struct tarn_avro_place *at, const char *fmt, va_list args);

#endif
