/* Thrift's compact protocol (thrift/doc/specs/thrift-compact-protocol.md), as far as Parquet's metadata needs it. */
#ifndef TARN_STORE_PARQUET_THRIFT_H
#define TARN_STORE_PARQUET_THRIFT_H

#include "base/buf.h"
#include "base/err.h"

enum tarn_thrift_type {
	TARN_THRIFT_STOP = 0,
	TARN_THRIFT_TRUE = 1, /* as a list's element type: bool */
	TARN_THRIFT_FALSE = 2,
	TARN_THRIFT_I8 = 3,
	TARN_THRIFT_I16 = 4,
	TARN_THRIFT_I32 = 5,
	TARN_THRIFT_I64 = 6,
	TARN_THRIFT_DOUBLE = 7,
	TARN_THRIFT_BINARY = 8,
	TARN_THRIFT_LIST = 9,
	TARN_THRIFT_SET = 10,
	TARN_THRIFT_MAP = 11,
	TARN_THRIFT_STRUCT = 12,
};

enum { TARN_THRIFT_DEPTH = 24 };

/* ---- writing: fields of a struct in ascending order of id; a writer starts inside the outermost struct ---- */

struct tarn_thrift_writer {
	struct tarn_buf *out;
	int depth;
	int16_t last[TARN_THRIFT_DEPTH];
};

void tarn_thrift_writer_init(struct tarn_thrift_writer *writer, struct tarn_buf *out);
void tarn_thrift_bool(struct tarn_thrift_writer *writer, int16_t id, bool value);
void tarn_thrift_i8(struct tarn_thrift_writer *writer, int16_t id, int8_t value);
void tarn_thrift_i16(struct tarn_thrift_writer *writer, int16_t id, int16_t value);
void tarn_thrift_i32(struct tarn_thrift_writer *writer, int16_t id, int32_t value);
void tarn_thrift_i64(struct tarn_thrift_writer *writer, int16_t id, int64_t value);
void tarn_thrift_binary(struct tarn_thrift_writer *writer, int16_t id, struct tarn_slice value);
void tarn_thrift_begin(struct tarn_thrift_writer *writer, int16_t id); /* a struct; end with tarn_thrift_end */
void tarn_thrift_end(struct tarn_thrift_writer *writer);	       /* also ends the outermost struct */
void tarn_thrift_empty(struct tarn_thrift_writer *writer, int16_t id); /* a struct without fields */
/* Then `count` elements follow. */
void tarn_thrift_list(struct tarn_thrift_writer *writer, int16_t id, enum tarn_thrift_type type, size_t count);
void tarn_thrift_element_bool(struct tarn_thrift_writer *writer, bool value);
void tarn_thrift_element_int(struct tarn_thrift_writer *writer, int64_t value); /* i16, i32 and i64 */
void tarn_thrift_element_binary(struct tarn_thrift_writer *writer, struct tarn_slice value);
void tarn_thrift_element_begin(struct tarn_thrift_writer *writer); /* a struct; end with tarn_thrift_end */

/* ---- reading: a pull parser; the first failure sticks in `failed` and every later call does nothing ---- */

struct tarn_thrift_reader {
	struct tarn_cursor cursor;
	const char *failed; /* what is wrong at the cursor's position, or NULL */
	int depth;
	int16_t last[TARN_THRIFT_DEPTH];
	enum tarn_thrift_type type; /* of the current field */
};

void tarn_thrift_reader_init(struct tarn_thrift_reader *reader, struct tarn_slice bytes);
/* Moves to the next field of the current struct and sets *id; false at its end (which leaves the struct), or on
 * failure. The field must then be read or skipped. */
bool tarn_thrift_next(struct tarn_thrift_reader *reader, int16_t *id);
/* Enters the current field, a struct; read it with tarn_thrift_next until false. */
bool tarn_thrift_enter(struct tarn_thrift_reader *reader);
/* The current field's value; a field of another type fails. */
bool tarn_thrift_read_bool(struct tarn_thrift_reader *reader);
int64_t tarn_thrift_read_int(struct tarn_thrift_reader *reader); /* i8 to i64 */
int32_t tarn_thrift_read_i32(struct tarn_thrift_reader *reader); /* fails where it does not fit */
struct tarn_slice tarn_thrift_read_binary(struct tarn_thrift_reader *reader);
/* Enters the current field, a list of `type`; *count is at most the bytes left. Elements then follow: for each, the
 * read functions apply as for a field (structs: tarn_thrift_enter). */
bool tarn_thrift_read_list(struct tarn_thrift_reader *reader, enum tarn_thrift_type type, size_t *count);
void tarn_thrift_skip(struct tarn_thrift_reader *reader);
enum tarn_rc tarn_thrift_status(const struct tarn_thrift_reader *reader, int64_t base, const char *what,
				struct tarn_err *err) TARN_MUST_CHECK;

#endif
