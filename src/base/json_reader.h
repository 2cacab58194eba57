/* Reading JSON (RFC 8259) in one pass, with the raw text of every value at hand: Iceberg's metadata files are mostly
 * text that a commit carries over unread, and they grow with every snapshot. For documents that are looked at in no
 * order, see json_tree.h.
 *
 * Errors stick: after the first one every call is a no-op that gives an empty value, loops end, and `rc` and *err say
 * what happened at which byte of the document. Look at `rc` once, at the end. */
#ifndef TARN_BASE_JSON_READER_H
#define TARN_BASE_JSON_READER_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_text.h"

#define TARN_JSON_MAX_DEPTH 100

struct tarn_json {
	struct tarn_cursor cursor;
	struct tarn_arena *arena; /* for decoded strings */
	struct tarn_err *err;
	enum tarn_rc rc;
	bool first; /* nothing was read yet of the object or array that we are in */
};

/* Reads `value`, a part of `document`; positions in errors count from the document's start. */
void tarn_json_init(struct tarn_json *json, struct tarn_slice document, struct tarn_slice value,
		    struct tarn_arena *arena, struct tarn_err *err);
/* Fails unless everything was read. Returns rc. */
enum tarn_rc tarn_json_finish(struct tarn_json *json);
/* Sets the error, unless there is one; the message gets the cursor's position. */
void tarn_json_fail(struct tarn_json *json, enum tarn_rc rc, const char *fmt, ...) TARN_PRINTF(3, 4);

/* while (tarn_json_next_member(json, &key)) reads a member's value by any of the calls below, exactly one. */
void tarn_json_begin_object(struct tarn_json *json);
bool tarn_json_next_member(struct tarn_json *json, struct tarn_slice *key);
void tarn_json_begin_array(struct tarn_json *json);
bool tarn_json_next_item(struct tarn_json *json);

/* The raw text of the value, checked and passed over. */
struct tarn_slice tarn_json_skip(struct tarn_json *json);
/* Decoded, terminated by 0, in the arena; a string with a 0 inside is refused. "" after an error. */
const char *tarn_json_string(struct tarn_json *json);
/* Decoded where it stands, as the document may be written to; terminated by 0, and may have zeros inside. */
struct tarn_slice tarn_json_string_in_place(struct tarn_json *json);
int64_t tarn_json_integer(struct tarn_json *json, int64_t min, int64_t max);
bool tarn_json_boolean(struct tarn_json *json);
/* Passes over a null and says so; else nothing is read. */
bool tarn_json_is_null(struct tarn_json *json);
/* First byte of the value that comes next, or 0. */
char tarn_json_peek(struct tarn_json *json);

static inline bool tarn_json_is(struct tarn_slice key, const char *name)
{
	return key.len == strlen(name) && !memcmp(key.data, name, key.len);
}

#endif
