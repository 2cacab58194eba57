/* JSON (RFC 8259) as a tree in an arena: for documents that are walked in no order, and more than once. Immutable, and
 * may be shared by threads. For one pass over a document, see json_reader.h. */
#ifndef TARN_BASE_JSON_TREE_H
#define TARN_BASE_JSON_TREE_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"

enum tarn_json_kind {
	TARN_JSON_OBJECT,
	TARN_JSON_ARRAY,
	TARN_JSON_STRING,
	TARN_JSON_INTEGER, /* written without fraction and exponent */
	TARN_JSON_REAL,
	TARN_JSON_TRUE,
	TARN_JSON_FALSE,
	TARN_JSON_NULL,
};

struct tarn_json_value {
	enum tarn_json_kind kind;
	uint32_t n; /* members, items, or bytes of the text */
	union {
		const struct tarn_json_member *members; /* in the order of the document */
		const struct tarn_json_value *items;
		const char *text; /* UTF-8, terminated by 0; may have zeros inside */
		int64_t integer;
		double real;
	};
};

struct tarn_json_member {
	const char *key; /* terminated by 0, none inside */
	uint32_t key_len;
	struct tarn_json_value value;
};

/* Without: of a key that is there twice the last value counts, in the place of the first. */
#define TARN_JSON_NO_KEY_TWICE 1u
#define TARN_JSON_NO_ZEROS 2u /* no string has a zero inside */

#define TARN_JSON_TREE_MAX_DEPTH 1024

/* The document as a tree in the arena, which it may outlive the text in. TARN_EINVALID with the byte's position where
 * it is no JSON or no UTF-8, breaks a rule that was asked for, has a whole number beyond 64 bits or a number beyond
 * doubles; TARN_ELIMIT beyond TARN_JSON_TREE_MAX_DEPTH levels. */
enum tarn_rc tarn_json_parse(struct tarn_slice text, unsigned rules, struct tarn_arena *arena,
			     const struct tarn_json_value **value, struct tarn_err *err) TARN_MUST_CHECK;

/* The member's value, or NULL; NULL also of NULL and of what is no object. */
const struct tarn_json_value *tarn_json_get(const struct tarn_json_value *object, const char *key);

/* Appends the value as JSON without white space. */
void tarn_json_put_value(struct tarn_buf *out, const struct tarn_json_value *value);

/* Of any value, and of NULL, which is of no kind. */
static inline bool tarn_json_is_kind(const struct tarn_json_value *value, enum tarn_json_kind kind)
{
	return value && value->kind == kind;
}
/* A string's text, else NULL. */
static inline const char *tarn_json_text(const struct tarn_json_value *value)
{
	return tarn_json_is_kind(value, TARN_JSON_STRING) ? value->text : NULL;
}
static inline const char *tarn_json_get_text(const struct tarn_json_value *object, const char *key)
{
	return tarn_json_text(tarn_json_get(object, key));
}

#endif
