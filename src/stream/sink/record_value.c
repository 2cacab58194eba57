#include "stream/sink/record_value.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/utf8.h"
#include "serialize/avro/encode.h"
#include "serialize/avro/json.h"
#include "serialize/schema/wire.h"

static const char optional_bytes[] = "[\"null\",\"bytes\"]";
static const char optional_string[] = "[\"null\",\"string\"]";

bool tarn_is_bad_record(enum tarn_rc rc)
{
	return rc == TARN_EINVALID || rc == TARN_ENOTFOUND || rc == TARN_EUNSUPPORTED || rc == TARN_ELIMIT;
}

static enum tarn_rc convert_avro(const struct tarn_connector_config *config, struct tarn_schema_book *book,
				 const char *topic, struct tarn_slice message, struct tarn_buf *buffer,
				 struct tarn_record_value *value, struct tarn_err *err)
{
	const struct tarn_sink_schema *schema;
	uint32_t id;
	enum tarn_rc rc = tarn_wire_parse(message, &id, &value->datum, err);
	if (!rc)
		rc = tarn_schema_book_find(book, topic, id, &schema, err);
	if (rc)
		return rc;
	value->schema = schema;
	value->schema_text = schema->text;
	value->plan = schema->plan;
	rc = tarn_datum_take(schema->plan, value->datum, buffer, &value->record, err);
	if (!rc && config->format == TARN_SINK_JSON) {
		struct tarn_cursor cursor = tarn_cursor_of(value->datum);
		tarn_buf_clear(buffer);
		rc = tarn_avro_json_write(schema->registered, &cursor, TARN_AVRO_JSON_NATIVE, buffer, err);
		value->schema = NULL; /* lines of any schema go together */
		value->record = tarn_buf_slice(buffer);
	}
	return rc;
}

static void put_optional(const char *schema, struct tarn_slice bytes, struct tarn_buf *buffer,
			 struct tarn_record_value *value)
{
	value->schema = schema;
	value->schema_text = tarn_slice_str(schema);
	tarn_avro_put_long(buffer, 1);
	tarn_avro_put_bytes(buffer, bytes);
	value->record = tarn_buf_slice(buffer);
}

static enum tarn_rc convert_string(const struct tarn_connector_config *config, struct tarn_slice text,
				   struct tarn_buf *buffer, struct tarn_record_value *value, struct tarn_err *err)
{
	size_t valid = tarn_utf8_valid(text);
	if (valid < text.len)
		return tarn_fail_at(err, TARN_EINVALID, (int64_t)valid, "the value is no UTF-8 from byte %zu on",
				    valid);
	if (config->format == TARN_SINK_AVRO) {
		put_optional(optional_string, text, buffer, value);
		return TARN_OK;
	}
	tarn_json_put_string(buffer, text);
	value->record = tarn_buf_slice(buffer);
	return TARN_OK;
}

/* Valid JSON goes over as it is, or without white space where that could hold a line's end. */
static enum tarn_rc convert_json(struct tarn_slice text, struct tarn_buf *buffer, struct tarn_record_value *value,
				 struct tarn_err *err)
{
	json_error_t error;
	json_t *json = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!json)
		return tarn_fail_at(err, TARN_EINVALID, error.position, "the value is no JSON: %s", error.text);
	value->record = text;
	if (memchr(text.data, '\n', text.len)) {
		char *compact = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
		tarn_buf_add_str(buffer, compact);
		free(compact);
		value->record = tarn_buf_slice(buffer);
	}
	json_decref(json);
	return TARN_OK;
}

enum tarn_rc tarn_record_value(const struct tarn_connector_config *config, struct tarn_schema_book *book,
			       const char *topic, const struct tarn_message *message, struct tarn_buf *buffer,
			       struct tarn_record_value *value, struct tarn_err *err)
{
	*value = (struct tarn_record_value){ .record = message->value };
	tarn_buf_clear(buffer);
	switch (config->value_converter) {
	case TARN_CONVERT_AVRO: return convert_avro(config, book, topic, message->value, buffer, value, err);
	case TARN_CONVERT_STRING: return convert_string(config, message->value, buffer, value, err);
	case TARN_CONVERT_JSON: return convert_json(message->value, buffer, value, err);
	default:
		if (config->format == TARN_SINK_AVRO)
			put_optional(optional_bytes, message->value, buffer, value);
		return TARN_OK;
	}
}
