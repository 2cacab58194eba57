#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/utf8.h"
#include "serialize/avro/encode.h"
#include "serialize/avro/json.h"
#include "serialize/avro/node.h"

enum { MAX_DEPTH = 256 }; /* values; a level of nesting is one or two of them */

struct writer {
	enum tarn_avro_json_form form;
	struct tarn_cursor cursor;
	struct tarn_buf *out;
	struct tarn_buf text; /* of a string that cannot be written as it is */
	unsigned depth;
	struct tarn_err *err;
};

static enum tarn_rc write_value(struct writer *w, const struct tarn_avro_node *node);

static enum tarn_rc damaged(struct writer *w, const struct tarn_avro_node *node, const char *what)
{
	return tarn_fail_at(w->err, TARN_EINVALID, tarn_cursor_position(&w->cursor),
			    "avro data: a value of type \"%s\" %s",
			    node->full_name ? node->full_name : tarn_avro_type_name(node->type), what);
}

static enum tarn_rc cut_off(struct writer *w, const struct tarn_avro_node *node)
{
	return damaged(w, node, "is cut off");
}

/* ---- text ---- */

static void put_utf8(struct writer *w, struct tarn_slice text)
{
	if (tarn_utf8_valid(text) == text.len) {
		tarn_json_put_string(w->out, text);
		return;
	}
	tarn_buf_clear(&w->text);
	tarn_utf8_repair(text, &w->text);
	tarn_json_put_string(w->out, tarn_buf_slice(&w->text));
}

static void put_code_points(struct writer *w, struct tarn_slice bytes)
{
	tarn_buf_clear(&w->text);
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t byte = bytes.data[i];
		if (byte >= 0x80)
			tarn_buf_add_byte(&w->text, (uint8_t)(0xc0 | byte >> 6));
		tarn_buf_add_byte(&w->text, byte < 0x80 ? byte : (uint8_t)(0x80 | (byte & 0x3f)));
	}
	tarn_json_put_string(w->out, tarn_buf_slice(&w->text));
}

static enum tarn_rc write_text(struct writer *w, const struct tarn_avro_node *node)
{
	struct tarn_slice bytes;
	int64_t len = (int64_t)node->size;
	if (node->type != TARN_AVRO_FIXED && !tarn_avro_take_long(&w->cursor, &len))
		return cut_off(w, node);
	if (len < 0 || !tarn_cursor_take(&w->cursor, (size_t)len, &bytes))
		return damaged(w, node, "is longer than the data");
	if (node->type == TARN_AVRO_STRING)
		put_utf8(w, bytes);
	else
		put_code_points(w, bytes);
	return TARN_OK;
}

/* ---- numbers ---- */

static void put_double(struct writer *w, double value)
{
	if (isnan(value))
		tarn_json_put_str(w->out, "NaN");
	else if (isinf(value))
		tarn_json_put_str(w->out, value < 0 ? "-Infinity" : "Infinity");
	else
		tarn_json_put_double(w->out, value, tarn_format_double);
}

/* The double nearest to the float's shortest digits: its own shortest digits are the same. */
static double shortest(float value)
{
	char text[32];
	for (int digits = 1; digits < 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)value);
		if (strtof(text, NULL) == value)
			return strtod(text, NULL);
	}
	snprintf(text, sizeof(text), "%.9g", (double)value);
	return strtod(text, NULL);
}

static enum tarn_rc write_real(struct writer *w, const struct tarn_avro_node *node)
{
	uint32_t narrow;
	uint64_t wide;
	float single;
	double value;
	if (node->type == TARN_AVRO_FLOAT) {
		if (!tarn_cursor_le32(&w->cursor, &narrow))
			return cut_off(w, node);
		memcpy(&single, &narrow, sizeof(single));
		value = isfinite(single) ? shortest(single) : (double)single;
	} else {
		if (!tarn_cursor_le64(&w->cursor, &wide))
			return cut_off(w, node);
		memcpy(&value, &wide, sizeof(value));
	}
	put_double(w, value);
	return TARN_OK;
}

static enum tarn_rc write_integer(struct writer *w, const struct tarn_avro_node *node)
{
	int64_t value;
	if (!tarn_avro_take_long(&w->cursor, &value))
		return cut_off(w, node);
	if (node->type == TARN_AVRO_INT && value != (int32_t)value)
		return damaged(w, node, "has more than 32 bits");
	if (node->type == TARN_AVRO_ENUM && (uint64_t)value >= node->n_symbols)
		return damaged(w, node, "is none of its symbols");
	if (node->type == TARN_AVRO_ENUM)
		tarn_json_put_str(w->out, node->symbols[value]);
	else
		tarn_json_put_int(w->out, value);
	return TARN_OK;
}

static enum tarn_rc write_boolean(struct writer *w, const struct tarn_avro_node *node)
{
	struct tarn_slice byte;
	if (!tarn_cursor_take(&w->cursor, 1, &byte))
		return cut_off(w, node);
	if (*byte.data > 1)
		return damaged(w, node, "is neither 0 nor 1");
	tarn_json_put_boolean(w->out, *byte.data);
	return TARN_OK;
}

/* ---- compounds ---- */

static const struct tarn_avro_node key_node = { .type = TARN_AVRO_STRING };

static enum tarn_rc write_items(struct writer *w, const struct tarn_avro_node *node, uint64_t count, bool *is_first)
{
	for (; count; count--) {
		enum tarn_rc rc = TARN_OK;
		if (!*is_first)
			tarn_buf_add_byte(w->out, ',');
		*is_first = false;
		if (node->type == TARN_AVRO_MAP) {
			rc = write_text(w, &key_node);
			tarn_buf_add_byte(w->out, ':');
		}
		if (!rc)
			rc = write_value(w, node->items);
		if (rc)
			return rc;
		if (w->out->overflow) /* items may take no bytes of the input */
			return tarn_fail(w->err, TARN_ELIMIT, "avro data: their JSON passes the limit of %zu bytes",
					 w->out->max);
	}
	return TARN_OK;
}

static enum tarn_rc write_collection(struct writer *w, const struct tarn_avro_node *node)
{
	bool is_map = node->type == TARN_AVRO_MAP, is_first = true;
	int64_t count, size = 0;
	tarn_buf_add_byte(w->out, is_map ? '{' : '[');
	do {
		if (!tarn_avro_take_long(&w->cursor, &count) || (count < 0 && !tarn_avro_take_long(&w->cursor, &size)))
			return cut_off(w, node);
		const uint8_t *start = w->cursor.at;
		enum tarn_rc rc = write_items(w, node, count < 0 ? -(uint64_t)count : (uint64_t)count, &is_first);
		if (rc)
			return rc;
		if (count < 0 && w->cursor.at - start != size)
			return damaged(w, node, "has a block of another size than it says");
	} while (count);
	tarn_buf_add_byte(w->out, is_map ? '}' : ']');
	return TARN_OK;
}

static enum tarn_rc write_record(struct writer *w, const struct tarn_avro_node *node)
{
	tarn_buf_add_byte(w->out, '{');
	for (size_t i = 0; i < node->n_fields; i++) {
		if (i)
			tarn_buf_add_byte(w->out, ',');
		tarn_json_put_str(w->out, node->fields[i].name);
		tarn_buf_add_byte(w->out, ':');
		enum tarn_rc rc = write_value(w, node->fields[i].type);
		if (rc)
			return rc;
	}
	tarn_buf_add_byte(w->out, '}');
	return TARN_OK;
}

static enum tarn_rc write_union(struct writer *w, const struct tarn_avro_node *node)
{
	int64_t position;
	if (!tarn_avro_take_long(&w->cursor, &position))
		return cut_off(w, node);
	if ((uint64_t)position >= node->n_branches)
		return damaged(w, node, "is none of its types");
	const struct tarn_avro_node *branch = node->branches[position];
	if (w->form == TARN_AVRO_JSON_NATIVE || branch->type == TARN_AVRO_NULL)
		return write_value(w, branch);
	tarn_buf_add_byte(w->out, '{');
	tarn_json_put_str(w->out, branch->full_name ? branch->full_name : tarn_avro_type_name(branch->type));
	tarn_buf_add_byte(w->out, ':');
	enum tarn_rc rc = write_value(w, branch);
	tarn_buf_add_byte(w->out, '}');
	return rc;
}

static enum tarn_rc write_type(struct writer *w, const struct tarn_avro_node *node)
{
	switch (node->type) {
	case TARN_AVRO_NULL:    tarn_buf_add_str(w->out, "null"); return TARN_OK;
	case TARN_AVRO_BOOLEAN: return write_boolean(w, node);
	case TARN_AVRO_INT:
	case TARN_AVRO_LONG:
	case TARN_AVRO_ENUM:    return write_integer(w, node);
	case TARN_AVRO_FLOAT:
	case TARN_AVRO_DOUBLE:  return write_real(w, node);
	case TARN_AVRO_BYTES:
	case TARN_AVRO_STRING:
	case TARN_AVRO_FIXED:   return write_text(w, node);
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP:     return write_collection(w, node);
	case TARN_AVRO_RECORD:  return write_record(w, node);
	case TARN_AVRO_UNION:   return write_union(w, node);
	}
	return TARN_EUNSUPPORTED;
}

static enum tarn_rc write_value(struct writer *w, const struct tarn_avro_node *node)
{
	if (w->depth >= MAX_DEPTH)
		return tarn_fail_at(w->err, TARN_ELIMIT, tarn_cursor_position(&w->cursor),
				    "avro data: more than %d levels of nesting", MAX_DEPTH);
	w->depth++;
	enum tarn_rc rc = write_type(w, node);
	w->depth--;
	return rc;
}

enum tarn_rc tarn_avro_json_write(const struct tarn_avro_schema *schema, struct tarn_cursor *cursor,
				  enum tarn_avro_json_form form, struct tarn_buf *out, struct tarn_err *err)
{
	struct writer w = { .form = form, .cursor = *cursor, .out = out, .err = err };
	size_t start = out->len;
	tarn_buf_init(&w.text, TARN_BUF_DEFAULT_MAX);
	tarn_buf_room(&w.text, 1); /* no text is NULL */
	enum tarn_rc rc = write_value(&w, tarn_avro_schema_root(schema));
	if (!rc && (out->overflow || w.text.overflow))
		rc = tarn_fail(err, TARN_ELIMIT, "avro data: their JSON passes the limit of %zu bytes", out->max);
	tarn_buf_release(&w.text);
	if (rc)
		out->len = start;
	else
		*cursor = w.cursor;
	return rc;
}
