#include "cli/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "cli/print.h"

/* ---- scalars ---- */

static struct tarn_slice text_at(const struct tarn_vector *vector, size_t i)
{
	return tarn_slice_of(vector->data + vector->offsets[i], (size_t)(vector->offsets[i + 1] - vector->offsets[i]));
}

static void put_hex(struct tarn_buf *out, struct tarn_slice bytes)
{
	uint8_t *room = tarn_buf_room(out, bytes.len * 2);
	if (!room)
		return;
	tarn_hex(bytes.data, bytes.len, (char *)room);
	out->len += bytes.len * 2;
}

static void put_uuid(struct tarn_buf *out, const uint8_t *bytes)
{
	static const uint8_t parts[] = { 4, 2, 2, 2, 6 };
	for (size_t i = 0; i < sizeof(parts); bytes += parts[i++]) {
		if (i)
			tarn_buf_add_byte(out, '-');
		put_hex(out, tarn_slice_of(bytes, parts[i]));
	}
}

__extension__ typedef unsigned __int128 wide;

static void put_decimal(struct tarn_buf *out, const int64_t *low_high, int32_t scale)
{
	enum { MOST_DIGITS = 40 };
	char digits[MOST_DIGITS + 2];
	size_t at = sizeof(digits);
	wide value = ((wide)(uint64_t)low_high[1] << 64) | (uint64_t)low_high[0];
	bool negative = low_high[1] < 0;
	wide left = negative ? -value : value;
	for (int32_t n = 0; (left || n <= scale) && at > 1; n++) {
		if (n && n == scale)
			digits[--at] = '.';
		digits[--at] = (char)('0' + (int)(left % 10));
		left /= 10;
	}
	if (negative)
		tarn_buf_add_byte(out, '-');
	tarn_buf_add(out, digits + at, sizeof(digits) - at);
}

static void put_time_of_day(struct tarn_buf *out, int64_t us)
{
	int64_t s = us / 1000000;
	tarn_buf_printf(out, "%02d:%02d:%02d.%06d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
			(int)(us % 1000000));
}

static void put_timestamp(struct tarn_buf *out, int64_t us, bool utc)
{
	char text[TARN_TIMESTAMP_SIZE];
	tarn_format_timestamp(us, text);
	tarn_buf_add(out, text, strlen(text) - !utc);
}

static void put_date(struct tarn_buf *out, int32_t days)
{
	char text[TARN_DATE_SIZE];
	tarn_format_date(days, text);
	tarn_buf_add_str(out, text);
}

/* Kinds that JSON has no word for, and strings: the text that stands between quotes. */
static void put_quotable(struct tarn_buf *out, const struct tarn_vector *vector, size_t i)
{
	const struct tarn_field *field = vector->field;
	const uint8_t *bytes = vector->values;
	const int64_t *longs = vector->values;
	switch (field->kind) {
	case TARN_TYPE_DATE: put_date(out, ((const int32_t *)vector->values)[i]); break;
	case TARN_TYPE_TIME: put_time_of_day(out, longs[i]); break;
	case TARN_TYPE_TIMESTAMP: put_timestamp(out, longs[i], false); break;
	case TARN_TYPE_TIMESTAMPTZ: put_timestamp(out, longs[i], true); break;
	case TARN_TYPE_STRING: tarn_buf_add_slice(out, text_at(vector, i)); break;
	case TARN_TYPE_BINARY: put_hex(out, text_at(vector, i)); break;
	case TARN_TYPE_UUID: put_uuid(out, bytes + i * 16); break;
	case TARN_TYPE_FIXED:
		put_hex(out, tarn_slice_of(bytes + i * (size_t)field->length, (size_t)field->length));
		break;
	case TARN_TYPE_DECIMAL: put_decimal(out, longs + i * 2, field->scale); break;
	default: break;
	}
}

/* The shortest of the float's own digits, not the double's. */
static void put_float(struct tarn_buf *out, float value)
{
	char text[32];
	float back = 0;
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)value);
		if (sscanf(text, "%f", &back) == 1 && back == value)
			break;
	}
	double shortest = 0;
	if (sscanf(text, "%lf", &shortest) == 1)
		tarn_print_json_double(out, shortest);
}

/* ---- nested values ---- */

static void put_list(struct tarn_buf *out, const struct tarn_vector *vector, size_t i)
{
	tarn_print_json_begin(out, '[');
	for (int64_t at = vector->offsets[i]; at < vector->offsets[i + 1]; at++)
		tarn_value_json(out, &vector->children[0], (size_t)at);
	tarn_print_json_end(out, ']');
}

static void put_struct(struct tarn_buf *out, const struct tarn_vector *vector, size_t i)
{
	tarn_print_json_begin(out, '{');
	for (size_t child = 0; child < vector->field->n_fields; child++) {
		tarn_print_json_key(out, vector->field->fields[child].name);
		tarn_value_json(out, &vector->children[child], i);
	}
	tarn_print_json_end(out, '}');
}

static void put_map(struct tarn_buf *out, const struct tarn_vector *vector, size_t i)
{
	tarn_print_json_begin(out, '[');
	for (int64_t at = vector->offsets[i]; at < vector->offsets[i + 1]; at++) {
		tarn_print_json_begin(out, '{');
		tarn_print_json_key(out, "key");
		tarn_value_json(out, &vector->children[0], (size_t)at);
		tarn_print_json_key(out, "value");
		tarn_value_json(out, &vector->children[1], (size_t)at);
		tarn_print_json_end(out, '}');
	}
	tarn_print_json_end(out, ']');
}

static void put_quoted(struct tarn_buf *out, const struct tarn_vector *vector, size_t i)
{
	struct tarn_buf text;
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	put_quotable(&text, vector, i);
	tarn_print_json_slice(out, tarn_buf_slice(&text));
	tarn_buf_release(&text);
}

static bool is_null(const struct tarn_vector *vector, size_t i)
{
	return vector->valid && !vector->valid[i];
}

void tarn_value_json(struct tarn_buf *out, const struct tarn_vector *vector, size_t i)
{
	if (is_null(vector, i)) {
		tarn_print_json_null(out);
		return;
	}
	switch (vector->field->kind) {
	case TARN_TYPE_BOOLEAN: tarn_print_json_bool(out, ((const uint8_t *)vector->values)[i]); break;
	case TARN_TYPE_INT: tarn_print_json_int(out, ((const int32_t *)vector->values)[i]); break;
	case TARN_TYPE_LONG: tarn_print_json_int(out, ((const int64_t *)vector->values)[i]); break;
	case TARN_TYPE_FLOAT: put_float(out, ((const float *)vector->values)[i]); break;
	case TARN_TYPE_DOUBLE: tarn_print_json_double(out, ((const double *)vector->values)[i]); break;
	case TARN_TYPE_LIST: put_list(out, vector, i); break;
	case TARN_TYPE_STRUCT: put_struct(out, vector, i); break;
	case TARN_TYPE_MAP: put_map(out, vector, i); break;
	default: put_quoted(out, vector, i);
	}
}

void tarn_value_text(struct tarn_buf *out, const struct tarn_vector *vector, size_t i)
{
	switch (vector->field->kind) {
	case TARN_TYPE_BOOLEAN:
	case TARN_TYPE_INT:
	case TARN_TYPE_LONG:
	case TARN_TYPE_FLOAT:
	case TARN_TYPE_DOUBLE:
	case TARN_TYPE_LIST:
	case TARN_TYPE_STRUCT:
	case TARN_TYPE_MAP: tarn_value_json(out, vector, i); break;
	default:
		if (is_null(vector, i))
			tarn_print_json_null(out);
		else
			put_quotable(out, vector, i);
	}
}

/* ---- types ---- */

static void put_fields(struct tarn_buf *out, const struct tarn_field *field)
{
	for (size_t i = 0; i < field->n_fields; i++) {
		if (i)
			tarn_buf_add_str(out, ", ");
		if (field->kind == TARN_TYPE_STRUCT)
			tarn_buf_printf(out, "%s: ", field->fields[i].name);
		tarn_type_text(out, &field->fields[i]);
	}
}

void tarn_type_text(struct tarn_buf *out, const struct tarn_field *field)
{
	static const char *const names[] = {
		[TARN_TYPE_BOOLEAN] = "boolean", [TARN_TYPE_INT] = "int",
		[TARN_TYPE_LONG] = "long",	 [TARN_TYPE_FLOAT] = "float",
		[TARN_TYPE_DOUBLE] = "double",	 [TARN_TYPE_DATE] = "date",
		[TARN_TYPE_TIME] = "time",	 [TARN_TYPE_TIMESTAMP] = "timestamp",
		[TARN_TYPE_STRING] = "string",	 [TARN_TYPE_TIMESTAMPTZ] = "timestamptz",
		[TARN_TYPE_BINARY] = "binary",	 [TARN_TYPE_UUID] = "uuid",
		[TARN_TYPE_FIXED] = "fixed",	 [TARN_TYPE_DECIMAL] = "decimal",
		[TARN_TYPE_LIST] = "list",	 [TARN_TYPE_STRUCT] = "struct",
		[TARN_TYPE_MAP] = "map",
	};
	tarn_buf_add_str(out, names[field->kind]);
	if (field->kind == TARN_TYPE_FIXED)
		tarn_buf_printf(out, "[%d]", field->length);
	if (field->kind == TARN_TYPE_DECIMAL)
		tarn_buf_printf(out, "(%d,%d)", field->precision, field->scale);
	if (field->kind == TARN_TYPE_LIST || field->kind == TARN_TYPE_STRUCT || field->kind == TARN_TYPE_MAP) {
		tarn_buf_add_byte(out, '<');
		put_fields(out, field);
		tarn_buf_add_byte(out, '>');
	}
}
