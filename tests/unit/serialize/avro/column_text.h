/* Values of decoded columns as JSON-like text, one rule a type, for comparisons: bytes and text alike are strings with
 * what is not printable as \xNN, a record is {name:value}, a map {"key":value}, doubles have 17 digits. */
#ifndef TARN_TESTS_COLUMN_TEXT_H
#define TARN_TESTS_COLUMN_TEXT_H

#include <inttypes.h>

#include "serialize/avro/column.h"
#include "serialize/avro/node.h"

static inline void text_of_value(struct tarn_buf *out, const struct tarn_avro_column *column, size_t i);

static inline void text_of_bytes(struct tarn_buf *out, const uint8_t *bytes, size_t len)
{
	tarn_buf_add_byte(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < ' ' || bytes[i] > '~' || bytes[i] == '"' || bytes[i] == '\\')
			tarn_buf_printf(out, "\\x%02x", bytes[i]);
		else
			tarn_buf_add_byte(out, bytes[i]);
	}
	tarn_buf_add_byte(out, '"');
}

static inline void text_of_range(struct tarn_buf *out, const struct tarn_avro_column *column, size_t i)
{
	bool is_map = column->type == TARN_AVRO_MAP;
	int64_t from = column->offsets[i], to = column->offsets[i + 1];
	tarn_buf_add_byte(out, is_map ? '{' : '[');
	for (int64_t k = from; k < to && !out->overflow; k++) {
		if (k > from)
			tarn_buf_add_byte(out, ',');
		if (is_map) {
			text_of_value(out, &column->children[0], (size_t)k);
			tarn_buf_add_byte(out, ':');
		}
		text_of_value(out, &column->children[is_map], (size_t)k);
	}
	tarn_buf_add_byte(out, is_map ? '}' : ']');
}

static inline void text_of_record(struct tarn_buf *out, const struct tarn_avro_column *column, size_t i)
{
	tarn_buf_add_byte(out, '{');
	for (size_t k = 0; k < column->n_children; k++) {
		tarn_buf_printf(out, "%s%s:", k ? "," : "", column->node->fields[k].name);
		text_of_value(out, &column->children[k], i);
	}
	tarn_buf_add_byte(out, '}');
}

static inline void text_of_value(struct tarn_buf *out, const struct tarn_avro_column *column, size_t i)
{
	if (column->valid && !column->valid[i]) {
		tarn_buf_add_str(out, "null");
		return;
	}
	switch (column->type) {
	case TARN_AVRO_NULL:    tarn_buf_add_str(out, "null"); break;
	case TARN_AVRO_BOOLEAN: tarn_buf_add_str(out, column->bytes[i] ? "true" : "false"); break;
	case TARN_AVRO_INT:     tarn_buf_printf(out, "%" PRId32, column->i32[i]); break;
	case TARN_AVRO_LONG:    tarn_buf_printf(out, "%" PRId64, column->i64[i]); break;
	case TARN_AVRO_FLOAT:   tarn_buf_printf(out, "%.9g", (double)column->f32[i]); break;
	case TARN_AVRO_DOUBLE:  tarn_buf_printf(out, "%.17g", column->f64[i]); break;
	case TARN_AVRO_ENUM:    tarn_buf_printf(out, "\"%s\"", column->node->symbols[column->i32[i]]); break;
	case TARN_AVRO_FIXED:   text_of_bytes(out, column->bytes + i * column->width, column->width); break;
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP:     text_of_range(out, column, i); break;
	case TARN_AVRO_RECORD:  text_of_record(out, column, i); break;
	case TARN_AVRO_BYTES:
	case TARN_AVRO_STRING:
		text_of_bytes(out, column->data.data + column->offsets[i],
			      (size_t)(column->offsets[i + 1] - column->offsets[i]));
		break;
	case TARN_AVRO_UNION:
		text_of_value(out, &column->children[column->branch[i]], (size_t)column->i32[i]);
		break;
	}
}

#endif
