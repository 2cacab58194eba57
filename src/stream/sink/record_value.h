/* A message's value as a record of an object: every converter with every format that it goes together with.
 *
 *                  AvroFormat                       JsonFormat             ByteArrayFormat
 *   Avro           Connect's schema, datum copied   the datum as JSON
 *   ByteArray      ["null","bytes"]                                        as it is
 *   String         ["null","string"]                a text of JSON
 *   Json                                            as it is, on one line */
#ifndef TARN_STREAM_SINK_RECORD_VALUE_H
#define TARN_STREAM_SINK_RECORD_VALUE_H

#include "stream/log/batch.h"
#include "stream/sink/connector_config.h"
#include "stream/sink/schema_book.h"

struct tarn_record_value {
	const void *schema;		    /* tells schemas apart; NULL for none */
	struct tarn_slice schema_text;	    /* of a container file */
	const struct tarn_datum_plan *plan; /* of Avro, for looking into `datum`; else NULL */
	struct tarn_slice datum;
	struct tarn_slice record; /* as the object gets it; in the buffer, or the message itself */
};

/* Whether an error is the message's own fault, so that trying again cannot help. */
bool tarn_is_bad_record(enum tarn_rc rc);

/* `buffer` is cleared. The message has a value. What is borrowed lives as long as message, book and buffer stay as they
 * are. */
enum tarn_rc tarn_record_value(const struct tarn_connector_config *config, struct tarn_schema_book *book,
			       const char *topic, const struct tarn_message *message, struct tarn_buf *buffer,
			       struct tarn_record_value *value, struct tarn_err *err) TARN_MUST_CHECK;

#endif
