#include "stream/broker/codec.h"

#include <endian.h>
#include <stdlib.h>

/* ---- defaults ---- */

static size_t size_of_kind(enum tarn_kind kind)
{
	static const uint8_t sizes[] = {
		[TARN_KIND_BOOL] = sizeof(bool),
		[TARN_KIND_INT8] = 1,
		[TARN_KIND_INT16] = 2,
		[TARN_KIND_INT32] = 4,
		[TARN_KIND_INT64] = 8,
		[TARN_KIND_DOUBLE] = 8,
		[TARN_KIND_UUID] = sizeof(struct tarn_uuid),
		[TARN_KIND_STRING] = sizeof(char *),
		[TARN_KIND_OPAQUE] = sizeof(struct tarn_slice),
		[TARN_KIND_BYTES] = sizeof(struct tarn_slice),
		[TARN_KIND_RECORDS] = sizeof(struct tarn_slice),
	};
	return sizes[kind];
}

static size_t element_size(const struct tarn_field *field)
{
	return field->kind == TARN_KIND_STRUCT ? field->elements()->size : size_of_kind(field->kind);
}

static void set_default(const struct tarn_field *field, uint8_t *message)
{
	void *at = message + field->at;
	if (field->is_array) {
		*(void **)at = NULL;
		*(size_t *)(void *)(message + field->count_at) = 0;
		return;
	}
	switch ((enum tarn_kind)field->kind) {
	case TARN_KIND_BOOL: *(bool *)at = field->otherwise != 0; break;
	case TARN_KIND_INT8: *(int8_t *)at = (int8_t)field->otherwise; break;
	case TARN_KIND_INT16: *(int16_t *)at = (int16_t)field->otherwise; break;
	case TARN_KIND_INT32: *(int32_t *)at = (int32_t)field->otherwise; break;
	case TARN_KIND_INT64: *(int64_t *)at = field->otherwise; break;
	case TARN_KIND_DOUBLE: *(double *)at = (double)field->otherwise; break;
	case TARN_KIND_UUID: memset(at, 0, sizeof(struct tarn_uuid)); break;
	case TARN_KIND_STRING: *(const char **)at = field->nullable == UINT8_MAX ? "" : NULL; break;
	case TARN_KIND_OPAQUE:
	case TARN_KIND_BYTES:
	case TARN_KIND_RECORDS: *(struct tarn_slice *)at = (struct tarn_slice){ NULL, 0 }; break;
	case TARN_KIND_STRUCT: *(void **)at = NULL; break;
	}
}

static void set_defaults(const struct tarn_layout *layout, uint8_t *message)
{
	for (size_t i = 0; i < layout->n_fields; i++)
		set_default(&layout->fields[i], message);
}

void *tarn_layout_new(struct tarn_arena *arena, const struct tarn_layout *layout, size_t n)
{
	uint8_t *all = tarn_arena_zalloc(arena, n ? n * layout->size : 1);
	for (size_t i = 0; i < n; i++)
		set_defaults(layout, all + i * layout->size);
	return all;
}

/* ---- decoding ---- */

struct decoder {
	struct tarn_cursor *in;
	struct tarn_arena *arena;
	size_t memory;
	int16_t version;
	bool flexible;
	struct tarn_err *err;
};

static enum tarn_rc refuse(struct decoder *d, const struct tarn_field *field, const char *what)
{
	return tarn_fail_at(d->err, TARN_EINVALID, tarn_cursor_position(d->in), "field \"%s\": %s", field->name, what);
}

static enum tarn_rc spend(struct decoder *d, const struct tarn_field *field, size_t size)
{
	size_t rounded = size + 16;
	if (rounded > d->memory)
		return tarn_fail_at(d->err, TARN_ELIMIT, tarn_cursor_position(d->in),
				    "field \"%s\": the request would take more memory than its length allows",
				    field->name);
	d->memory -= rounded;
	return TARN_OK;
}

/* Whether a text may be null; of an array it is the array that may, never its elements. */
static bool may_be_null(const struct tarn_field *field, int16_t version)
{
	return !field->is_array && version >= field->nullable;
}

/* Of what stands before bytes in fixed versions: a text that is taken as it comes is a string on the wire. */
static size_t length_size(const struct tarn_field *field)
{
	return field->kind == TARN_KIND_OPAQUE ? 2 : 4;
}

static bool take_unsigned(struct tarn_cursor *in, size_t size, uint64_t *value)
{
	struct tarn_slice bytes;
	if (!tarn_cursor_take(in, size, &bytes))
		return false;
	*value = 0;
	for (size_t i = 0; i < size; i++)
		*value = *value << 8 | bytes.data[i];
	return true;
}

/* The length in front of a text or an array: -1 is null. */
static enum tarn_rc take_length(struct decoder *d, const struct tarn_field *field, size_t fixed_size, bool nullable,
				int64_t *length)
{
	uint64_t raw;
	if (d->flexible) {
		if (!tarn_cursor_varint(d->in, &raw) || raw > UINT32_MAX)
			return refuse(d, field, "the length is cut or too large");
		*length = (int64_t)raw - 1;
	} else {
		if (!take_unsigned(d->in, fixed_size, &raw))
			return refuse(d, field, "the length is cut");
		*length = fixed_size == 2 ? (int16_t)raw : (int32_t)raw;
	}
	if (*length < -1)
		return refuse(d, field, "the length is negative");
	if (*length == -1 && !nullable)
		return refuse(d, field, "null, which this version does not allow");
	if (*length > (int64_t)tarn_cursor_left(d->in))
		return refuse(d, field, "the length goes past the end of the request");
	return TARN_OK;
}

static enum tarn_rc decode_string(struct decoder *d, const struct tarn_field *field, const char **text)
{
	int64_t length;
	enum tarn_rc rc = take_length(d, field, 2, may_be_null(field, d->version), &length);
	if (rc)
		return rc;
	if (length < 0) {
		*text = NULL;
		return TARN_OK;
	}
	struct tarn_slice bytes = { NULL, 0 };
	(void)!tarn_cursor_take(d->in, (size_t)length, &bytes);
	if (length && memchr(bytes.data, 0, bytes.len))
		return refuse(d, field, "a zero byte in a string");
	rc = spend(d, field, bytes.len + 1);
	if (!rc)
		*text = tarn_arena_strndup(d->arena, (const char *)bytes.data, bytes.len);
	return rc;
}

static enum tarn_rc decode_bytes(struct decoder *d, const struct tarn_field *field, struct tarn_slice *bytes)
{
	int64_t length;
	enum tarn_rc rc = take_length(d, field, length_size(field), may_be_null(field, d->version), &length);
	if (rc)
		return rc;
	*bytes = (struct tarn_slice){ NULL, 0 };
	if (length >= 0)
		(void)!tarn_cursor_take(d->in, (size_t)length, bytes);
	return TARN_OK;
}

static enum tarn_rc decode_struct(struct decoder *d, const struct tarn_layout *layout, uint8_t *message);

/* One value that is no array. */
static enum tarn_rc decode_value(struct decoder *d, const struct tarn_field *field, void *at)
{
	uint64_t raw = 0;
	struct tarn_slice bytes;
	bool whole = true;
	switch ((enum tarn_kind)field->kind) {
	case TARN_KIND_BOOL:
		whole = take_unsigned(d->in, 1, &raw);
		*(bool *)at = raw != 0;
		break;
	case TARN_KIND_INT8:
		whole = take_unsigned(d->in, 1, &raw);
		*(int8_t *)at = (int8_t)raw;
		break;
	case TARN_KIND_INT16:
		whole = take_unsigned(d->in, 2, &raw);
		*(int16_t *)at = (int16_t)raw;
		break;
	case TARN_KIND_INT32:
		whole = take_unsigned(d->in, 4, &raw);
		*(int32_t *)at = (int32_t)raw;
		break;
	case TARN_KIND_INT64:
		whole = take_unsigned(d->in, 8, &raw);
		*(int64_t *)at = (int64_t)raw;
		break;
	case TARN_KIND_DOUBLE:
		whole = take_unsigned(d->in, 8, &raw);
		memcpy(at, &raw, sizeof(raw));
		break;
	case TARN_KIND_UUID:
		whole = tarn_cursor_take(d->in, sizeof(struct tarn_uuid), &bytes);
		if (whole)
			memcpy(at, bytes.data, bytes.len);
		break;
	case TARN_KIND_STRING: return decode_string(d, field, at);
	case TARN_KIND_OPAQUE:
	case TARN_KIND_BYTES:
	case TARN_KIND_RECORDS: return decode_bytes(d, field, at);
	case TARN_KIND_STRUCT: return decode_struct(d, field->elements(), at);
	}
	return whole ? TARN_OK : refuse(d, field, "the request ends here");
}

static enum tarn_rc decode_array(struct decoder *d, const struct tarn_field *field, uint8_t *message)
{
	int64_t length;
	enum tarn_rc rc = take_length(d, field, 4, d->version >= field->nullable, &length);
	if (rc)
		return rc;
	void **items = (void **)(void *)(message + field->at);
	size_t *count = (size_t *)(void *)(message + field->count_at);
	*items = NULL;
	*count = 0;
	if (length < 0)
		return TARN_OK;
	/* Every element takes a byte at least, so that the count is no more than what is left of the request. */
	size_t size = element_size(field);
	rc = spend(d, field, (size_t)length * size);
	if (rc)
		return rc;
	uint8_t *all = tarn_arena_zalloc(d->arena, length ? (size_t)length * size : 1);
	for (size_t i = 0; i < (size_t)length; i++) {
		rc = decode_value(d, field, all + i * size);
		if (rc)
			return rc;
	}
	*items = all;
	*count = (size_t)length;
	return TARN_OK;
}

bool tarn_tags_skip(struct tarn_cursor *in)
{
	uint64_t count, tag, size;
	struct tarn_slice skipped;
	bool whole = tarn_cursor_varint(in, &count);
	for (uint64_t i = 0; whole && i < count; i++)
		whole = tarn_cursor_varint(in, &tag) && tarn_cursor_varint(in, &size) &&
			tarn_cursor_take(in, size, &skipped);
	return whole;
}

/* A struct of its own behind a pointer; where it may be null a byte in front tells, 1 or -1. */
static enum tarn_rc decode_part(struct decoder *d, const struct tarn_field *field, void **at)
{
	uint64_t there = 1;
	if (may_be_null(field, d->version) && !take_unsigned(d->in, 1, &there))
		return refuse(d, field, "the request ends here");
	*at = NULL;
	if ((int8_t)there < 0)
		return TARN_OK;
	const struct tarn_layout *layout = field->elements();
	enum tarn_rc rc = spend(d, field, layout->size);
	if (rc)
		return rc;
	*at = tarn_layout_new(d->arena, layout, 1);
	return decode_struct(d, layout, *at);
}

static enum tarn_rc decode_field(struct decoder *d, const struct tarn_field *field, uint8_t *message)
{
	if (field->is_array)
		return decode_array(d, field, message);
	if (field->kind == TARN_KIND_STRUCT)
		return decode_part(d, field, (void **)(void *)(message + field->at));
	return decode_value(d, field, message + field->at);
}

static enum tarn_rc decode_struct(struct decoder *d, const struct tarn_layout *layout, uint8_t *message)
{
	for (size_t i = 0; i < layout->n_fields; i++) {
		const struct tarn_field *field = &layout->fields[i];
		if (d->version < field->first || d->version > field->last) {
			set_default(field, message);
			continue;
		}
		enum tarn_rc rc = decode_field(d, field, message);
		if (rc)
			return rc;
	}
	if (!d->flexible || tarn_tags_skip(d->in))
		return TARN_OK;
	return tarn_fail_at(d->err, TARN_EINVALID, tarn_cursor_position(d->in), "tagged fields of \"%s\" are cut",
			    layout->name);
}

enum tarn_rc tarn_message_decode(struct tarn_cursor *in, const struct tarn_layout *layout,
				 const struct tarn_decoding *how, struct tarn_arena *arena, void *message,
				 struct tarn_err *err)
{
	struct decoder d = { in, arena, how->memory, how->version, how->flexible, err };
	return decode_struct(&d, layout, message);
}

/* ---- encoding ---- */

struct encoder {
	struct tarn_encoded *out;
	int16_t version;
	bool flexible;
};

void tarn_encoded_init(struct tarn_encoded *encoded)
{
	*encoded = (struct tarn_encoded){ 0 };
	tarn_buf_init(&encoded->bytes, TARN_BUF_DEFAULT_MAX);
}

void tarn_encoded_release(struct tarn_encoded *encoded)
{
	tarn_buf_release(&encoded->bytes);
	free(encoded->pieces);
	encoded->pieces = NULL;
	encoded->n_pieces = encoded->pieces_cap = 0;
}

size_t tarn_encoded_size(const struct tarn_encoded *encoded)
{
	size_t size = encoded->bytes.len;
	for (size_t i = 0; i < encoded->n_pieces; i++)
		size += encoded->pieces[i].data.len;
	return size;
}

static void put_unsigned(struct tarn_buf *out, uint64_t value, size_t size)
{
	uint64_t big = htobe64(value);
	tarn_buf_add(out, (const uint8_t *)&big + (8 - size), size);
}

static void put_length(struct encoder *e, int64_t length, size_t fixed_size)
{
	if (e->flexible)
		tarn_buf_add_varint(&e->out->bytes, (uint64_t)(length + 1));
	else
		put_unsigned(&e->out->bytes, (uint64_t)length, fixed_size);
}

static void encode_string(struct encoder *e, const struct tarn_field *field, const char *text)
{
	if (!text && may_be_null(field, e->version)) {
		put_length(e, -1, 2);
		return;
	}
	size_t length = text ? strlen(text) : 0;
	if (length > INT16_MAX)
		length = INT16_MAX;
	put_length(e, (int64_t)length, 2);
	tarn_buf_add(&e->out->bytes, text, length);
}

static void encode_bytes(struct encoder *e, const struct tarn_field *field, struct tarn_slice bytes)
{
	struct tarn_encoded *out = e->out;
	if (!bytes.data && may_be_null(field, e->version) && field->kind != TARN_KIND_RECORDS) {
		put_length(e, -1, length_size(field));
		return;
	}
	if (field->kind == TARN_KIND_OPAQUE && bytes.len > INT16_MAX)
		bytes.len = INT16_MAX;
	put_length(e, (int64_t)bytes.len, length_size(field));
	if (field->kind != TARN_KIND_RECORDS || bytes.len < TARN_PIECE_LEAST) {
		tarn_buf_add_slice(&out->bytes, bytes);
		return;
	}
	out->pieces = tarn_grow(out->pieces, &out->pieces_cap, out->n_pieces + 1, sizeof(*out->pieces));
	out->pieces[out->n_pieces++] = (struct tarn_piece){ out->bytes.len, bytes };
}

static void encode_struct(struct encoder *e, const struct tarn_layout *layout, const uint8_t *message);

static void encode_value(struct encoder *e, const struct tarn_field *field, const void *at)
{
	struct tarn_buf *out = &e->out->bytes;
	uint64_t raw;
	switch ((enum tarn_kind)field->kind) {
	case TARN_KIND_BOOL: tarn_buf_add_byte(out, *(const bool *)at); break;
	case TARN_KIND_INT8: tarn_buf_add_byte(out, *(const uint8_t *)at); break;
	case TARN_KIND_INT16: put_unsigned(out, (uint64_t) * (const int16_t *)at, 2); break;
	case TARN_KIND_INT32: put_unsigned(out, (uint64_t) * (const int32_t *)at, 4); break;
	case TARN_KIND_INT64: put_unsigned(out, (uint64_t) * (const int64_t *)at, 8); break;
	case TARN_KIND_DOUBLE:
		memcpy(&raw, at, sizeof(raw));
		put_unsigned(out, raw, 8);
		break;
	case TARN_KIND_UUID: tarn_buf_add(out, at, sizeof(struct tarn_uuid)); break;
	case TARN_KIND_STRING: encode_string(e, field, *(const char *const *)at); break;
	case TARN_KIND_OPAQUE:
	case TARN_KIND_BYTES:
	case TARN_KIND_RECORDS: encode_bytes(e, field, *(const struct tarn_slice *)at); break;
	case TARN_KIND_STRUCT: encode_struct(e, field->elements(), at); break;
	}
}

static void encode_array(struct encoder *e, const struct tarn_field *field, const uint8_t *message)
{
	const uint8_t *items = *(const uint8_t *const *)(const void *)(message + field->at);
	if (!items && e->version >= field->nullable) {
		put_length(e, -1, 4);
		return;
	}
	size_t count = items ? *(const size_t *)(const void *)(message + field->count_at) : 0;
	size_t size = element_size(field);
	put_length(e, (int64_t)count, 4);
	for (size_t i = 0; i < count; i++)
		encode_value(e, field, items + i * size);
}

static void encode_part(struct encoder *e, const struct tarn_field *field, const void *part)
{
	struct tarn_arena arena;
	const bool nullable = may_be_null(field, e->version);
	if (nullable)
		tarn_buf_add_byte(&e->out->bytes, part ? 1 : UINT8_MAX);
	if (!part && nullable)
		return;
	tarn_arena_init(&arena);
	encode_struct(e, field->elements(), part ? part : tarn_layout_new(&arena, field->elements(), 1));
	tarn_arena_release(&arena);
}

static void encode_struct(struct encoder *e, const struct tarn_layout *layout, const uint8_t *message)
{
	for (size_t i = 0; i < layout->n_fields; i++) {
		const struct tarn_field *field = &layout->fields[i];
		if (e->version < field->first || e->version > field->last)
			continue;
		if (field->is_array)
			encode_array(e, field, message);
		else if (field->kind == TARN_KIND_STRUCT)
			encode_part(e, field, *(const void *const *)(const void *)(message + field->at));
		else
			encode_value(e, field, message + field->at);
	}
	if (e->flexible)
		tarn_buf_add_byte(&e->out->bytes, 0);
}

void tarn_message_encode(struct tarn_encoded *out, const struct tarn_layout *layout, int16_t version, bool flexible,
			 const void *message)
{
	struct encoder e = { out, version, flexible };
	encode_struct(&e, layout, message);
}
