/* JSON becomes Avro of the reader schema, so that one decoder fills the columns whatever a record came in. */
#include "serialize/record/record_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "serialize/avro/encode.h"
#include "serialize/avro/node.h"

/* Where a value stands in the record, innermost first; only errors look at it. */
struct place {
	const struct place *outer;
	const char *name; /* of a field, or NULL in an array */
	size_t index;
};

static size_t print_place(const struct place *place, char *text, size_t size)
{
	if (!place)
		return 0;
	size_t used = print_place(place->outer, text, size);
	if (used >= size)
		return used;
	int len = place->name ? snprintf(text + used, size - used, "%s%s", used ? "." : "", place->name)
			      : snprintf(text + used, size - used, "[%zu]", place->index);
	return used + (size_t)len;
}

static const char *json_type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",	[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};
	return names[json_typeof(value)];
}

enum { PATH_SIZE = 160 };

static const char *path_of(const struct place *place, char path[PATH_SIZE])
{
	return print_place(place, path, PATH_SIZE) ? path : "the record";
}

static enum tarn_rc fail_type(const struct place *place, const json_t *value, const char *expected,
			      struct tarn_err *err)
{
	char path[PATH_SIZE];
	return tarn_fail(err, TARN_EINVALID, "%s is %s, expected %s", path_of(place, path), json_type_name(value),
			 expected);
}

static enum tarn_rc fail_missing(const struct place *place, struct tarn_err *err)
{
	char path[PATH_SIZE];
	return tarn_fail(err, TARN_EINVALID, "%s is missing", path_of(place, path));
}

static enum tarn_rc put_value(const struct tarn_avro_node *node, const json_t *value, const struct place *place,
			      struct tarn_buf *out, struct tarn_err *err);

static enum tarn_rc put_record(const struct tarn_avro_node *node, const json_t *value, const struct place *place,
			       struct tarn_buf *out, struct tarn_err *err)
{
	if (!json_is_object(value))
		return fail_type(place, value, "an object", err);
	for (size_t i = 0; i < node->n_fields; i++) {
		const struct tarn_avro_field *field = &node->fields[i];
		struct place inner = { place, field->name, 0 };
		const json_t *member = json_object_get(value, field->name);
		if (!member && tarn_avro_optional(field->type))
			member = json_null();
		if (!member)
			return fail_missing(&inner, err);
		enum tarn_rc rc = put_value(field->type, member, &inner, out, err);
		if (rc)
			return rc;
	}
	return TARN_OK;
}

static enum tarn_rc put_array(const struct tarn_avro_node *node, const json_t *value, const struct place *place,
			      struct tarn_buf *out, struct tarn_err *err)
{
	if (!json_is_array(value))
		return fail_type(place, value, "an array", err);
	size_t n = json_array_size(value);
	if (n)
		tarn_avro_put_block(out, (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		struct place inner = { place, NULL, i };
		enum tarn_rc rc = put_value(node->items, json_array_get(value, i), &inner, out, err);
		if (rc)
			return rc;
	}
	tarn_avro_put_block(out, 0);
	return TARN_OK;
}

static enum tarn_rc put_optional(const struct tarn_avro_node *node, const json_t *value, const struct place *place,
				 struct tarn_buf *out, struct tarn_err *err)
{
	bool is_null = json_is_null(value);
	bool null_first = node->branches[0]->type == TARN_AVRO_NULL;
	tarn_avro_put_long(out, is_null != null_first);
	return is_null ? TARN_OK : put_value(tarn_avro_optional(node), value, place, out, err);
}

static enum tarn_rc put_int(const json_t *value, const struct place *place, struct tarn_buf *out, struct tarn_err *err)
{
	if (!json_is_number(value))
		return fail_type(place, value, "a whole number", err);
	double number = json_number_value(value);
	if (number < INT32_MIN || number > INT32_MAX || number != rint(number)) {
		char path[PATH_SIZE];
		return tarn_fail(err, TARN_EINVALID, "%s is %.17g, expected a whole number of 32 bits",
				 path_of(place, path), number);
	}
	tarn_avro_put_long(out, (int64_t)number);
	return TARN_OK;
}

static enum tarn_rc put_value(const struct tarn_avro_node *node, const json_t *value, const struct place *place,
			      struct tarn_buf *out, struct tarn_err *err)
{
	switch (node->type) {
	case TARN_AVRO_RECORD: return put_record(node, value, place, out, err);
	case TARN_AVRO_ARRAY: return put_array(node, value, place, out, err);
	case TARN_AVRO_UNION: return put_optional(node, value, place, out, err);
	case TARN_AVRO_INT: return put_int(value, place, out, err);
	case TARN_AVRO_DOUBLE:
		if (!json_is_number(value))
			return fail_type(place, value, "a number", err);
		tarn_avro_put_double(out, json_number_value(value));
		return TARN_OK;
	case TARN_AVRO_BOOLEAN:
		if (!json_is_boolean(value))
			return fail_type(place, value, "true or false", err);
		tarn_avro_put_boolean(out, json_is_true(value));
		return TARN_OK;
	default:
		if (!json_is_string(value))
			return fail_type(place, value, "a string", err);
		tarn_avro_put_bytes(out, tarn_slice_of(json_string_value(value), json_string_length(value)));
		return TARN_OK;
	}
}

enum tarn_rc tarn_record_json_to_avro(struct tarn_slice json, const struct tarn_avro_schema *schema,
				      struct tarn_buf *out, struct tarn_err *err)
{
	/* Integers are read as reals so that `-0` keeps its sign and long ones are rounded as a double would be. */
	size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
	json_error_t why;
	json_t *root = json_loadb((const char *)json.data, json.len, flags, &why);
	if (!root)
		return tarn_fail_at(err, TARN_EINVALID, why.position, "%s, expected a record in JSON", why.text);
	enum tarn_rc rc = put_value(tarn_avro_schema_root(schema), root, NULL, out, err);
	json_decref(root);
	if (!rc && out->overflow)
		return tarn_fail(err, TARN_ELIMIT, "record takes more than %zu bytes", out->max);
	return rc;
}
