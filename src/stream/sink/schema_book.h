/* The schemas that a task's messages refer to: what is registered, what the container file gets, and the way between
 * the two. */
#ifndef TARN_STREAM_SINK_SCHEMA_BOOK_H
#define TARN_STREAM_SINK_SCHEMA_BOOK_H

#include "stream/sink/datum_copy.h"

/* Asks a registry. Appends the schema's text to `json`; *version is its version under the topic's value subject, 0
 * where it has none. TARN_ENOTFOUND and TARN_EINVALID are the message's fault and final; anything else is worth another
 * try. */
struct tarn_schema_lookup {
	enum tarn_rc (*find)(void *context, const char *topic, uint32_t id, struct tarn_buf *json, int32_t *version,
			     struct tarn_err *err);
	void *context;
};

/* Lives as long as its book. */
struct tarn_sink_schema {
	char *topic;
	uint32_t id;
	int32_t version;
	struct tarn_avro_schema *registered, *written;
	struct tarn_slice text; /* of `written` */
	struct tarn_datum_plan *plan;
};

/* Belongs to one thread. */
struct tarn_schema_book;
struct tarn_schema_book *tarn_schema_book_new(const struct tarn_schema_lookup *lookup, bool meta_data);
void tarn_schema_book_free(struct tarn_schema_book *book);
enum tarn_rc tarn_schema_book_find(struct tarn_schema_book *book, const char *topic, uint32_t id,
				   const struct tarn_sink_schema **schema, struct tarn_err *err) TARN_MUST_CHECK;

#endif
