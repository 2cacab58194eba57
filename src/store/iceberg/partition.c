/* Partition values: their types, Avro form, order and folders. */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "serialize/avro/encode.h"
#include "store/iceberg/manifest.h"

/* ---- types ---- */

/* Iceberg, "Partition Transforms": the type of what a transform makes of its source. */
static enum tarn_type_kind result_kind(const char *transform, const struct tarn_field *source)
{
	static const char *const ints[] = { "bucket", "year", "month", "hour" };
	for (size_t i = 0; i < sizeof(ints) / sizeof(*ints); i++) {
		if (!strncmp(transform, ints[i], strlen(ints[i])))
			return TARN_TYPE_INT;
	}
	if (!strcmp(transform, "day"))
		return TARN_TYPE_DATE;
	return source ? source->kind : TARN_TYPE_BINARY;
}

struct tarn_partition_type tarn_partition_type_of(const struct tarn_table *table,
						  const struct tarn_partition_spec *spec, struct tarn_arena *arena)
{
	struct tarn_partition_column *columns = tarn_arena_alloc(arena, spec->n_fields * sizeof(*columns));
	for (size_t i = 0; i < spec->n_fields; i++) {
		const struct tarn_partition_field *field = &spec->fields[i];
		columns[i] = (struct tarn_partition_column){
			.name = field->name,
			.transform = field->transform,
			.field_id = field->field_id,
			.kind = result_kind(field->transform, tarn_table_field(table, field->source_id)),
		};
	}
	return (struct tarn_partition_type){ spec, columns, spec->n_fields };
}

/* The Avro types that manifests hold partition values in (specification, appendix A); NULL: not written by Tarn. */
static const char *avro_type(enum tarn_type_kind kind)
{
	switch (kind) {
	case TARN_TYPE_BOOLEAN: return "\"boolean\"";
	case TARN_TYPE_INT: return "\"int\"";
	case TARN_TYPE_LONG: return "\"long\"";
	case TARN_TYPE_DATE: return "{\"type\":\"int\",\"logicalType\":\"date\"}";
	case TARN_TYPE_TIME: return "{\"type\":\"long\",\"logicalType\":\"time-micros\"}";
	case TARN_TYPE_TIMESTAMP:
		return "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":false}";
	case TARN_TYPE_TIMESTAMPTZ:
		return "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}";
	case TARN_TYPE_STRING: return "\"string\"";
	case TARN_TYPE_BINARY: return "\"bytes\"";
	default: return NULL;
	}
}

enum tarn_rc tarn_partition_writable(const struct tarn_partition_type *type, struct tarn_err *err)
{
	for (size_t i = 0; i < type->n; i++) {
		if (!avro_type(type->columns[i].kind))
			return tarn_fail(err, TARN_EUNSUPPORTED,
					 "partition field \"%s\" is of a type that Tarn does not write",
					 type->columns[i].name);
	}
	return TARN_OK;
}

/* Java's AvroSchemaUtil.sanitize. */
static void put_avro_name(struct tarn_buf *json, const char *name, bool *changed)
{
	*changed = false;
	for (const char *at = name; *at; at++) {
		bool digit = *at >= '0' && *at <= '9';
		bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_';
		*changed |= !letter && !(digit && at > name);
		if (letter || (digit && at > name))
			tarn_buf_add_byte(json, (uint8_t)*at);
		else if (digit)
			tarn_buf_printf(json, "_%c", *at);
		else
			tarn_buf_printf(json, "_x%X", (unsigned)(uint8_t)*at);
	}
}

void tarn_partition_put_avro_fields(const struct tarn_partition_type *type, struct tarn_buf *json)
{
	for (size_t i = 0; i < type->n; i++) {
		const struct tarn_partition_column *column = &type->columns[i];
		const char *avro = avro_type(column->kind);
		bool changed;
		assert(avro); /* tarn_partition_writable said so */
		tarn_buf_add_str(json, i ? ",{\"name\":\"" : "{\"name\":\"");
		put_avro_name(json, column->name, &changed);
		tarn_buf_add_str(json, "\",\"type\":[\"null\",");
		tarn_buf_add_str(json, avro);
		tarn_buf_add_str(json, "],\"default\":null,");
		if (changed) {
			tarn_buf_add_str(json, "\"iceberg-field-name\":");
			tarn_json_put_str(json, column->name);
			tarn_buf_add_byte(json, ',');
		}
		tarn_buf_printf(json, "\"field-id\":%d}", column->field_id);
	}
}

void tarn_partition_put_iceberg_fields(const struct tarn_partition_type *type, struct tarn_buf *json)
{
	for (size_t i = 0; i < type->n; i++) {
		char name[TARN_TYPE_NAME_SIZE];
		const struct tarn_field field = { .kind = type->columns[i].kind };
		tarn_type_name(&field, name);
		tarn_buf_printf(json, "%s{\"id\":%d,\"name\":", i ? "," : "", type->columns[i].field_id);
		tarn_json_put_str(json, type->columns[i].name);
		tarn_buf_printf(json, ",\"required\":false,\"type\":\"%s\"}", name);
	}
}

/* ---- values ---- */

static bool is_text(enum tarn_type_kind kind)
{
	return kind == TARN_TYPE_STRING || kind == TARN_TYPE_BINARY;
}

void tarn_partition_put(const struct tarn_partition_type *type, const struct tarn_partition_value *values,
			struct tarn_buf *out)
{
	for (size_t i = 0; i < type->n; i++) {
		enum tarn_type_kind kind = type->columns[i].kind;
		tarn_avro_put_long(out, values[i].present); /* branch of ["null", type] */
		if (!values[i].present)
			continue;
		if (is_text(kind))
			tarn_avro_put_bytes(out, values[i].text);
		else if (kind == TARN_TYPE_BOOLEAN)
			tarn_avro_put_boolean(out, values[i].number != 0);
		else
			tarn_avro_put_long(out, values[i].number);
	}
}

int tarn_partition_compare(const struct tarn_partition_column *column, const struct tarn_partition_value *a,
			   const struct tarn_partition_value *b)
{
	if (!is_text(column->kind))
		return (a->number > b->number) - (a->number < b->number);
	size_t shorter = a->text.len < b->text.len ? a->text.len : b->text.len;
	int order = shorter ? memcmp(a->text.data, b->text.data, shorter) : 0;
	return order ? order : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

/* ---- folders ---- */

/* Java's URLEncoder. */
static void put_escaped(struct tarn_buf *path, struct tarn_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];
		bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
			     (byte >= '0' && byte <= '9') || (byte && strchr(".-*_", byte));
		if (plain)
			tarn_buf_add_byte(path, byte);
		else if (byte == ' ')
			tarn_buf_add_byte(path, '+');
		else
			tarn_buf_printf(path, "%%%02X", (unsigned)byte);
	}
}

static int64_t floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

/* Java's names of what the time transforms give. */
static bool format_time_transform(const char *transform, int64_t number, char text[TARN_TIMESTAMP_SIZE])
{
	if (!strcmp(transform, "year")) {
		snprintf(text, TARN_TIMESTAMP_SIZE, "%04lld", (long long)(1970 + number));
	} else if (!strcmp(transform, "month")) {
		int64_t years = floor_div(number, 12);
		snprintf(text, TARN_TIMESTAMP_SIZE, "%04lld-%02d", (long long)(1970 + years),
			 (int)(number - years * 12 + 1));
	} else if (!strcmp(transform, "hour")) {
		int64_t days = floor_div(number, 24);
		tarn_format_date((int32_t)days, text);
		snprintf(text + strlen(text), TARN_TIMESTAMP_SIZE - strlen(text), "-%02d", (int)(number - days * 24));
	} else {
		return false;
	}
	return true;
}

static void format_number(const struct tarn_partition_column *column, int64_t number, char text[TARN_TIMESTAMP_SIZE])
{
	if (format_time_transform(column->transform, number, text))
		return;
	switch (column->kind) {
	case TARN_TYPE_BOOLEAN: snprintf(text, TARN_TIMESTAMP_SIZE, "%s", number ? "true" : "false"); break;
	case TARN_TYPE_DATE: tarn_format_date((int32_t)number, text); break;
	case TARN_TYPE_TIMESTAMP:
	case TARN_TYPE_TIMESTAMPTZ:
		tarn_format_timestamp(number, text);
		if (column->kind == TARN_TYPE_TIMESTAMP)
			text[strlen(text) - 1] = '\0';
		break;
	default: snprintf(text, TARN_TIMESTAMP_SIZE, "%lld", (long long)number); break;
	}
}

void tarn_partition_put_path(const struct tarn_partition_type *type, const struct tarn_partition_value *values,
			     struct tarn_buf *path)
{
	for (size_t i = 0; i < type->n; i++) {
		char text[TARN_TIMESTAMP_SIZE];
		if (i)
			tarn_buf_add_byte(path, '/');
		put_escaped(path, tarn_slice_str(type->columns[i].name));
		tarn_buf_add_byte(path, '=');
		if (!values[i].present) {
			tarn_buf_add_str(path, "null");
		} else if (values[i].text.data || type->columns[i].kind == TARN_TYPE_STRING) {
			put_escaped(path, values[i].text);
		} else {
			format_number(&type->columns[i], values[i].number, text);
			put_escaped(path, tarn_slice_str(text));
		}
	}
}

void tarn_table_partition_path(const struct tarn_table *table, const struct tarn_partition_value *values,
			       struct tarn_buf *path)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	struct tarn_partition_type type = tarn_partition_type_of(table, table->spec, &arena);
	tarn_partition_put_path(&type, values, path);
	tarn_arena_release(&arena);
}
