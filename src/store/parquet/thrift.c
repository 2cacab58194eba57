#include "store/parquet/thrift.h"

#include <assert.h>

void tarn_thrift_writer_init(struct tarn_thrift_writer *writer, struct tarn_buf *out)
{
	*writer = (struct tarn_thrift_writer){ .out = out };
}

static void put_field(struct tarn_thrift_writer *writer, int16_t id, enum tarn_thrift_type type)
{
	int delta = id - writer->last[writer->depth];
	assert(delta > 0);
	if (delta <= 15) {
		tarn_buf_add_byte(writer->out, (uint8_t)(delta << 4 | (int)type));
	} else {
		tarn_buf_add_byte(writer->out, (uint8_t)type);
		tarn_buf_add_varint(writer->out, tarn_zigzag(id));
	}
	writer->last[writer->depth] = id;
}

static void put_int(struct tarn_thrift_writer *writer, int16_t id, enum tarn_thrift_type type, int64_t value)
{
	put_field(writer, id, type);
	tarn_buf_add_varint(writer->out, tarn_zigzag(value));
}

void tarn_thrift_bool(struct tarn_thrift_writer *writer, int16_t id, bool value)
{
	put_field(writer, id, value ? TARN_THRIFT_TRUE : TARN_THRIFT_FALSE);
}

void tarn_thrift_i8(struct tarn_thrift_writer *writer, int16_t id, int8_t value)
{
	put_field(writer, id, TARN_THRIFT_I8);
	tarn_buf_add_byte(writer->out, (uint8_t)value);
}

void tarn_thrift_i16(struct tarn_thrift_writer *writer, int16_t id, int16_t value)
{
	put_int(writer, id, TARN_THRIFT_I16, value);
}

void tarn_thrift_i32(struct tarn_thrift_writer *writer, int16_t id, int32_t value)
{
	put_int(writer, id, TARN_THRIFT_I32, value);
}

void tarn_thrift_i64(struct tarn_thrift_writer *writer, int16_t id, int64_t value)
{
	put_int(writer, id, TARN_THRIFT_I64, value);
}

void tarn_thrift_binary(struct tarn_thrift_writer *writer, int16_t id, struct tarn_slice value)
{
	put_field(writer, id, TARN_THRIFT_BINARY);
	tarn_thrift_element_binary(writer, value);
}

void tarn_thrift_begin(struct tarn_thrift_writer *writer, int16_t id)
{
	put_field(writer, id, TARN_THRIFT_STRUCT);
	tarn_thrift_element_begin(writer);
}

void tarn_thrift_end(struct tarn_thrift_writer *writer)
{
	tarn_buf_add_byte(writer->out, TARN_THRIFT_STOP);
	writer->depth--;
}

void tarn_thrift_empty(struct tarn_thrift_writer *writer, int16_t id)
{
	tarn_thrift_begin(writer, id);
	tarn_thrift_end(writer);
}

void tarn_thrift_list(struct tarn_thrift_writer *writer, int16_t id, enum tarn_thrift_type type, size_t count)
{
	put_field(writer, id, TARN_THRIFT_LIST);
	if (count < 15) {
		tarn_buf_add_byte(writer->out, (uint8_t)(count << 4 | type));
	} else {
		tarn_buf_add_byte(writer->out, (uint8_t)(0xf0 | type));
		tarn_buf_add_varint(writer->out, count);
	}
}

void tarn_thrift_element_bool(struct tarn_thrift_writer *writer, bool value)
{
	tarn_buf_add_byte(writer->out, value ? TARN_THRIFT_TRUE : TARN_THRIFT_FALSE);
}

void tarn_thrift_element_int(struct tarn_thrift_writer *writer, int64_t value)
{
	tarn_buf_add_varint(writer->out, tarn_zigzag(value));
}

void tarn_thrift_element_binary(struct tarn_thrift_writer *writer, struct tarn_slice value)
{
	tarn_buf_add_varint(writer->out, value.len);
	tarn_buf_add_slice(writer->out, value);
}

void tarn_thrift_element_begin(struct tarn_thrift_writer *writer)
{
	assert(writer->depth + 1 < TARN_THRIFT_DEPTH);
	writer->last[++writer->depth] = 0;
}

void tarn_thrift_reader_init(struct tarn_thrift_reader *reader, struct tarn_slice bytes)
{
	*reader = (struct tarn_thrift_reader){ .cursor = tarn_cursor_of(bytes) };
}

static bool fail(struct tarn_thrift_reader *reader, const char *why)
{
	if (!reader->failed)
		reader->failed = why;
	return false;
}

static bool take_byte(struct tarn_thrift_reader *reader, uint8_t *byte)
{
	struct tarn_slice one;
	if (reader->failed)
		return false;
	if (!tarn_cursor_take(&reader->cursor, 1, &one))
		return fail(reader, "the data ends early");
	*byte = one.data[0];
	return true;
}

static bool take_varint(struct tarn_thrift_reader *reader, uint64_t *value)
{
	if (reader->failed)
		return false;
	if (!tarn_cursor_varint(&reader->cursor, value))
		return fail(reader, "a number is cut off or longer than 64 bits");
	return true;
}

bool tarn_thrift_next(struct tarn_thrift_reader *reader, int16_t *id)
{
	uint8_t head;
	if (!take_byte(reader, &head))
		return false;
	if (!head) {
		if (reader->depth)
			reader->depth--;
		return false;
	}
	int64_t field = reader->last[reader->depth] + (head >> 4);
	uint64_t written;
	if (!(head >> 4)) {
		if (!take_varint(reader, &written))
			return false;
		field = tarn_unzigzag(written);
	}
	if ((head & 15) > TARN_THRIFT_STRUCT || field < INT16_MIN || field > INT16_MAX)
		return fail(reader, "a field's head is not valid");
	reader->type = head & 15;
	reader->last[reader->depth] = (int16_t)field;
	*id = (int16_t)field;
	return true;
}

bool tarn_thrift_enter(struct tarn_thrift_reader *reader)
{
	if (reader->failed)
		return false;
	if (reader->type != TARN_THRIFT_STRUCT)
		return fail(reader, "a field is not the struct that it should be");
	if (reader->depth + 1 >= TARN_THRIFT_DEPTH)
		return fail(reader, "structs are nested too deep");
	reader->last[++reader->depth] = 0;
	return true;
}

bool tarn_thrift_read_bool(struct tarn_thrift_reader *reader)
{
	if (reader->type != TARN_THRIFT_TRUE && reader->type != TARN_THRIFT_FALSE)
		return fail(reader, "a field is not the bool that it should be");
	return !reader->failed && reader->type == TARN_THRIFT_TRUE;
}

int64_t tarn_thrift_read_int(struct tarn_thrift_reader *reader)
{
	uint64_t value;
	uint8_t byte;
	if (reader->type == TARN_THRIFT_I8)
		return take_byte(reader, &byte) ? (int8_t)byte : 0;
	if (reader->type < TARN_THRIFT_I16 || reader->type > TARN_THRIFT_I64) {
		fail(reader, "a field is not the number that it should be");
		return 0;
	}
	return take_varint(reader, &value) ? tarn_unzigzag(value) : 0;
}

int32_t tarn_thrift_read_i32(struct tarn_thrift_reader *reader)
{
	int64_t value = tarn_thrift_read_int(reader);
	if (value < INT32_MIN || value > INT32_MAX) {
		fail(reader, "a number is longer than 32 bits");
		return 0;
	}
	return (int32_t)value;
}

struct tarn_slice tarn_thrift_read_binary(struct tarn_thrift_reader *reader)
{
	struct tarn_slice value = { 0 };
	uint64_t len;
	if (reader->type != TARN_THRIFT_BINARY)
		fail(reader, "a field is not the string that it should be");
	if (!take_varint(reader, &len))
		return value;
	if (len > tarn_cursor_left(&reader->cursor) || !tarn_cursor_take(&reader->cursor, (size_t)len, &value))
		fail(reader, "a string is longer than the data");
	return value;
}

static bool open_list(struct tarn_thrift_reader *reader, size_t *count)
{
	uint8_t head;
	uint64_t n;
	if (!take_byte(reader, &head))
		return false;
	n = head >> 4;
	if (n == 15 && !take_varint(reader, &n))
		return false;
	/* Every element takes a byte at least, so a larger count is a lie; nobody allocates on it. */
	if (n > tarn_cursor_left(&reader->cursor))
		return fail(reader, "a list is longer than the data");
	reader->type = head & 15;
	*count = (size_t)n;
	return true;
}

bool tarn_thrift_read_list(struct tarn_thrift_reader *reader, enum tarn_thrift_type type, size_t *count)
{
	*count = 0;
	if (reader->type != TARN_THRIFT_LIST && reader->type != TARN_THRIFT_SET)
		return fail(reader, "a field is not the list that it should be");
	size_t n;
	if (!open_list(reader, &n))
		return false;
	if (n && reader->type != type)
		return fail(reader, "a list's elements have another type than they should");
	*count = n;
	return true;
}

static void skip_value(struct tarn_thrift_reader *reader, int depth);

static void skip_map(struct tarn_thrift_reader *reader, int depth)
{
	uint64_t count;
	uint8_t types;
	if (!take_varint(reader, &count) || !count)
		return;
	if (count > tarn_cursor_left(&reader->cursor)) {
		fail(reader, "a map is longer than the data");
		return;
	}
	if (!take_byte(reader, &types))
		return;
	for (uint64_t i = 0; i < 2 * count && !reader->failed; i++) {
		reader->type = i % 2 ? types & 15 : types >> 4;
		skip_value(reader, depth);
	}
}

static void skip_list(struct tarn_thrift_reader *reader, int depth)
{
	size_t count = 0;
	if (!open_list(reader, &count))
		return;
	enum tarn_thrift_type type = reader->type;
	uint8_t byte;
	for (size_t i = 0; i < count && !reader->failed; i++) {
		reader->type = type;
		if (type == TARN_THRIFT_TRUE || type == TARN_THRIFT_FALSE)
			take_byte(reader, &byte);
		else
			skip_value(reader, depth);
	}
}

static void skip_value(struct tarn_thrift_reader *reader, int depth)
{
	struct tarn_slice bytes;
	uint64_t number;
	uint8_t byte;
	int16_t id;
	if (depth >= TARN_THRIFT_DEPTH) {
		fail(reader, "values are nested too deep");
		return;
	}
	switch (reader->type) {
	case TARN_THRIFT_TRUE:
	case TARN_THRIFT_FALSE: return;
	case TARN_THRIFT_I8: take_byte(reader, &byte); return;
	case TARN_THRIFT_I16:
	case TARN_THRIFT_I32:
	case TARN_THRIFT_I64: take_varint(reader, &number); return;
	case TARN_THRIFT_DOUBLE:
		if (!tarn_cursor_take(&reader->cursor, 8, &bytes))
			fail(reader, "the data ends early");
		return;
	case TARN_THRIFT_BINARY: tarn_thrift_read_binary(reader); return;
	case TARN_THRIFT_LIST:
	case TARN_THRIFT_SET: skip_list(reader, depth + 1); return;
	case TARN_THRIFT_MAP: skip_map(reader, depth + 1); return;
	case TARN_THRIFT_STRUCT:
		if (!tarn_thrift_enter(reader))
			return;
		while (tarn_thrift_next(reader, &id))
			skip_value(reader, depth + 1);
		return;
	case TARN_THRIFT_STOP: break;
	}
	fail(reader, "a value has no valid type");
}

void tarn_thrift_skip(struct tarn_thrift_reader *reader)
{
	if (!reader->failed)
		skip_value(reader, 0);
}

enum tarn_rc tarn_thrift_status(const struct tarn_thrift_reader *reader, int64_t base, const char *what,
				struct tarn_err *err)
{
	if (!reader->failed)
		return TARN_OK;
	return tarn_fail_at(err, TARN_EINVALID, base + tarn_cursor_position(&reader->cursor), "%s: %s", what,
			    reader->failed);
}
