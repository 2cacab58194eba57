#include <inttypes.h>
#include <math.h>

#include "serialize/avro/encode.h"
#include "serialize/avro/json.h"
#include "serialize/avro/node.h"
#include "serialize/avro/place.h"

enum { MAX_DEPTH = 256 }; /* values; a level of nesting is one or two of them */

struct reader {
	enum tarn_avro_json_form form;
	struct tarn_buf *out;
	unsigned depth;
	size_t visits_left; /* trying branches of unions inside unions could take for ever */
	struct tarn_err *err;
};

static enum tarn_rc read_value(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			       const struct tarn_avro_place *at);

static enum tarn_rc fail(struct reader *r, enum tarn_rc rc, const struct tarn_avro_place *at, const char *fmt, ...)
	TARN_PRINTF(4, 5);

static enum tarn_rc fail(struct reader *r, enum tarn_rc rc, const struct tarn_avro_place *at, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	tarn_avro_fail_at_place(r->err, rc, "avro JSON", at, fmt, args);
	va_end(args);
	return rc;
}

static const char *kind_of(const struct tarn_json_value *value)
{
	static const char *const kinds[] = { "an object", "an array", "a string", "an integer",
					     "a number",  "true",     "false",	  "null" };
	return kinds[value->kind];
}

static enum tarn_rc unexpected(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			       const struct tarn_avro_place *at)
{
	return fail(r, TARN_EINVALID, at, "a value for type \"%s\" was expected, there is %s",
		    node->full_name ? node->full_name : tarn_avro_type_name(node->type), kind_of(value));
}

/* ---- numbers and text ---- */

static enum tarn_rc read_integer(struct reader *r, const struct tarn_avro_node *node,
				 const struct tarn_json_value *value, const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(value, TARN_JSON_INTEGER))
		return unexpected(r, node, value, at);
	int64_t number = value->integer;
	if (node->type == TARN_AVRO_INT && (number < INT32_MIN || number > INT32_MAX))
		return fail(r, TARN_EINVALID, at, "%" PRId64 " is no int of 32 bits", number);
	tarn_avro_put_long(r->out, number);
	return TARN_OK;
}

static bool number_of(const struct tarn_json_value *value, double *number)
{
	static const struct {
		const char *name;
		double value;
	} names[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };
	if (value->kind == TARN_JSON_INTEGER)
		*number = (double)value->integer;
	else if (value->kind == TARN_JSON_REAL)
		*number = value->real;
	else if (value->kind != TARN_JSON_STRING)
		return false;
	for (size_t i = 0; value->kind == TARN_JSON_STRING && i < sizeof(names) / sizeof(*names); i++) {
		*number = names[i].value;
		if (!strcmp(tarn_json_text(value), names[i].name))
			return true;
	}
	return value->kind != TARN_JSON_STRING;
}

static enum tarn_rc read_number(struct reader *r, const struct tarn_avro_node *node,
				const struct tarn_json_value *value, const struct tarn_avro_place *at)
{
	double number;
	if (!number_of(value, &number))
		return unexpected(r, node, value, at);
	if (node->type == TARN_AVRO_DOUBLE) {
		tarn_avro_put_double(r->out, number);
		return TARN_OK;
	}
	if (isinf((float)number) && !isinf(number))
		return fail(r, TARN_EINVALID, at, "%g is no float of 32 bits", number);
	tarn_avro_put_float(r->out, (float)number);
	return TARN_OK;
}

/* Text whose code points are bytes; in UTF-8 those are one byte below 0x80, two (0xc2 or 0xc3 first) from there. */
static bool put_code_points(struct tarn_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];
		if (byte >= 0x80) {
			if (byte > 0xc3 || i + 1 == len)
				return false;
			byte = (uint8_t)(byte << 6 | ((uint8_t)text[++i] & 0x3f));
		}
		tarn_buf_add_byte(out, byte);
	}
	return true;
}

static size_t count_code_points(const char *text, size_t len)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += ((uint8_t)text[i] & 0xc0) != 0x80;
	return count;
}

static enum tarn_rc read_text(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			      const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(value, TARN_JSON_STRING))
		return unexpected(r, node, value, at);
	const char *text = tarn_json_text(value);
	size_t len = value->n;
	if (node->type == TARN_AVRO_STRING) {
		tarn_avro_put_bytes(r->out, tarn_slice_of(text, len));
		return TARN_OK;
	}
	size_t size = count_code_points(text, len);
	if (node->type == TARN_AVRO_BYTES)
		tarn_avro_put_long(r->out, (int64_t)size);
	else if (size != node->size)
		return fail(r, TARN_EINVALID, at, "%zu bytes, \"%s\" has %zu", size, node->full_name, node->size);
	if (!put_code_points(r->out, text, len))
		return fail(r, TARN_EINVALID, at, "a character above U+00FF stands for no byte");
	return TARN_OK;
}

static enum tarn_rc read_enum(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			      const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(value, TARN_JSON_STRING))
		return unexpected(r, node, value, at);
	int32_t position = tarn_avro_node_find(node, tarn_json_text(value));
	if (position < 0)
		return fail(r, TARN_EINVALID, at, "\"%s\" is no symbol of \"%s\"", tarn_json_text(value),
			    node->full_name);
	tarn_avro_put_long(r->out, position);
	return TARN_OK;
}

/* ---- compounds ---- */

static enum tarn_rc read_array(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			       const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(value, TARN_JSON_ARRAY))
		return unexpected(r, node, value, at);
	size_t n = value->n;
	if (n)
		tarn_avro_put_block(r->out, (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		const struct tarn_avro_place item_at = { at, NULL, i };
		enum tarn_rc rc = read_value(r, node->items, &value->items[i], &item_at);
		if (rc)
			return rc;
	}
	tarn_avro_put_block(r->out, 0);
	return TARN_OK;
}

static enum tarn_rc read_map(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			     const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(value, TARN_JSON_OBJECT))
		return unexpected(r, node, value, at);
	if (value->n)
		tarn_avro_put_block(r->out, (int64_t)value->n);
	for (size_t i = 0; i < value->n; i++) {
		const struct tarn_json_member *member = &value->members[i];
		const struct tarn_avro_place item_at = { at, member->key, 0 };
		tarn_avro_put_bytes(r->out, tarn_slice_of(member->key, member->key_len));
		enum tarn_rc rc = read_value(r, node->items, &member->value, &item_at);
		if (rc)
			return rc;
	}
	tarn_avro_put_block(r->out, 0);
	return TARN_OK;
}

static enum tarn_rc read_field(struct reader *r, const struct tarn_avro_field *field,
			       const struct tarn_json_value *value, const struct tarn_avro_place *at)
{
	if (value)
		return read_value(r, field->type, value, at);
	if (!field->default_value)
		return fail(r, TARN_EINVALID, at, "the field is missing and has no default");
	enum tarn_avro_json_form form = r->form;
	r->form = TARN_AVRO_JSON_NATIVE;
	enum tarn_rc rc = read_value(r, field->type, field->default_value, at);
	r->form = form;
	return rc;
}

static enum tarn_rc read_record(struct reader *r, const struct tarn_avro_node *node,
				const struct tarn_json_value *value, const struct tarn_avro_place *at)
{
	if (!tarn_json_is_kind(value, TARN_JSON_OBJECT))
		return unexpected(r, node, value, at);
	for (size_t i = 0; i < value->n; i++)
		if (tarn_avro_node_find(node, value->members[i].key) < 0)
			return fail(r, TARN_EINVALID, at, "record \"%s\" has no field \"%s\"", node->full_name,
				    value->members[i].key);
	for (size_t i = 0; i < node->n_fields; i++) {
		const struct tarn_avro_place field_at = { at, node->fields[i].name, 0 };
		enum tarn_rc rc = read_field(r, &node->fields[i], tarn_json_get(value, field_at.key), &field_at);
		if (rc)
			return rc;
	}
	return TARN_OK;
}

/* ---- unions ---- */

static enum tarn_rc read_branch(struct reader *r, const struct tarn_avro_node *node, size_t branch,
				const struct tarn_json_value *value, const struct tarn_avro_place *at)
{
	tarn_avro_put_long(r->out, (int64_t)branch);
	return read_value(r, node->branches[branch], value, at);
}

/* Whether a tag names the type: its full name, or where it has none the type's. */
static bool is_tag_of(const struct tarn_avro_node *node, const char *tag)
{
	return !strcmp(tag, node->full_name ? node->full_name : tarn_avro_type_name(node->type));
}

static enum tarn_rc read_tagged(struct reader *r, const struct tarn_avro_node *node,
				const struct tarn_json_value *value, const struct tarn_avro_place *at)
{
	bool is_null = value->kind == TARN_JSON_NULL;
	if (!is_null && !(value->kind == TARN_JSON_OBJECT && value->n == 1))
		return fail(r, TARN_EINVALID, at,
			    "null or an object whose one key names a type was expected, there is %s", kind_of(value));
	const char *tag = is_null ? "null" : value->members[0].key;
	const struct tarn_avro_place value_at = { at, tag, 0 };
	for (size_t i = 0; i < node->n_branches; i++)
		if (is_tag_of(node->branches[i], tag) && is_null == (node->branches[i]->type == TARN_AVRO_NULL))
			return read_branch(r, node, i, is_null ? value : &value->members[0].value, &value_at);
	return fail(r, TARN_EINVALID, at, "the union has no type \"%s\"", tag);
}

static enum tarn_rc read_native(struct reader *r, const struct tarn_avro_node *node,
				const struct tarn_json_value *value, const struct tarn_avro_place *at)
{
	size_t start = r->out->len;
	struct tarn_err *err = r->err;
	r->err = NULL;
	enum tarn_rc rc = TARN_EINVALID;
	for (size_t i = 0; i < node->n_branches && rc == TARN_EINVALID; i++) {
		r->out->len = start;
		rc = read_branch(r, node, i, value, at);
	}
	r->err = err;
	if (rc == TARN_EINVALID)
		return fail(r, rc, at, "%s fits no type of the union", kind_of(value));
	return rc ? fail(r, rc, at, "trying the types of unions takes too long or goes too deep") : TARN_OK;
}

static enum tarn_rc read_type(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			      const struct tarn_avro_place *at)
{
	switch (node->type) {
	case TARN_AVRO_NULL: return tarn_json_is_kind(value, TARN_JSON_NULL) ? TARN_OK : unexpected(r, node, value, at);
	case TARN_AVRO_INT:
	case TARN_AVRO_LONG: return read_integer(r, node, value, at);
	case TARN_AVRO_FLOAT:
	case TARN_AVRO_DOUBLE: return read_number(r, node, value, at);
	case TARN_AVRO_BYTES:
	case TARN_AVRO_STRING:
	case TARN_AVRO_FIXED: return read_text(r, node, value, at);
	case TARN_AVRO_ENUM: return read_enum(r, node, value, at);
	case TARN_AVRO_ARRAY: return read_array(r, node, value, at);
	case TARN_AVRO_MAP: return read_map(r, node, value, at);
	case TARN_AVRO_RECORD: return read_record(r, node, value, at);
	case TARN_AVRO_UNION:
		return r->form == TARN_AVRO_JSON_TAGGED ? read_tagged(r, node, value, at)
							: read_native(r, node, value, at);
	case TARN_AVRO_BOOLEAN: break;
	}
	if (value->kind != TARN_JSON_TRUE && value->kind != TARN_JSON_FALSE)
		return unexpected(r, node, value, at);
	tarn_avro_put_boolean(r->out, value->kind == TARN_JSON_TRUE);
	return TARN_OK;
}

static enum tarn_rc read_value(struct reader *r, const struct tarn_avro_node *node, const struct tarn_json_value *value,
			       const struct tarn_avro_place *at)
{
	if (r->depth > MAX_DEPTH)
		return fail(r, TARN_ELIMIT, at, "more than %d levels of nesting", MAX_DEPTH);
	if (!r->visits_left)
		return fail(r, TARN_ELIMIT, at, "trying the types of unions takes too long");
	r->visits_left--;
	r->depth++;
	enum tarn_rc rc = read_type(r, node, value, at);
	r->depth--;
	return rc;
}

static enum tarn_rc encode(const struct tarn_avro_node *node, const struct tarn_json_value *value,
			   enum tarn_avro_json_form form, size_t visits, struct tarn_buf *out, struct tarn_err *err)
{
	struct reader reader = { .form = form, .out = out, .visits_left = visits, .err = err };
	size_t start = out->len;
	enum tarn_rc rc = read_value(&reader, node, value, NULL);
	if (!rc && out->overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "avro JSON: the value passes the limit of %zu bytes", out->max);
	if (rc)
		out->len = start;
	return rc;
}

enum tarn_rc tarn_avro_json_encode(const struct tarn_avro_node *node, const struct tarn_json_value *value,
				   enum tarn_avro_json_form form, struct tarn_buf *out, struct tarn_err *err)
{
	return encode(node, value, form, (size_t)1 << 22, out, err);
}

enum tarn_rc tarn_avro_json_read(const struct tarn_avro_schema *schema, struct tarn_slice text,
				 enum tarn_avro_json_form form, struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_arena arena;
	const struct tarn_json_value *value;
	tarn_arena_init(&arena);
	enum tarn_rc rc = tarn_json_parse(text, 0, &arena, &value, err);
	if (rc)
		rc = tarn_err_within(err, rc, "avro JSON");
	else
		rc = encode(tarn_avro_schema_root(schema), value, form, ((size_t)1 << 16) + 64 * text.len, out, err);
	tarn_arena_release(&arena);
	return rc;
}
