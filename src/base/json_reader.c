#include "base/json_reader.h"

#include <stdarg.h>
#include <stdio.h>

void tarn_json_init(struct tarn_json *json, struct tarn_slice document, struct tarn_slice value,
		    struct tarn_arena *arena, struct tarn_err *err)
{
	*json = (struct tarn_json){ .arena = arena, .err = err, .first = true };
	json->cursor = (struct tarn_cursor){ document.data, value.data, value.data + value.len };
}

void tarn_json_fail(struct tarn_json *json, enum tarn_rc rc, const char *fmt, ...)
{
	if (json->rc)
		return;
	char message[300];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	json->rc = tarn_fail_at(json->err, rc, tarn_cursor_position(&json->cursor), "%s", message);
}

static inline void skip_space(struct tarn_json *json)
{
	const uint8_t *at = json->cursor.at;
	while (at < json->cursor.end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	json->cursor.at = at;
}

char tarn_json_peek(struct tarn_json *json)
{
	if (json->rc)
		return 0;
	skip_space(json);
	return json->cursor.at < json->cursor.end ? (char)*json->cursor.at : '\0';
}

/* Takes one byte that must come next. */
static void expect(struct tarn_json *json, char byte, const char *where)
{
	char found = tarn_json_peek(json);
	if (json->rc)
		return;
	if (found == byte)
		json->cursor.at++;
	else if (json->cursor.at == json->cursor.end)
		tarn_json_fail(json, TARN_EINVALID, "JSON ends where '%c' was expected %s", byte, where);
	else
		tarn_json_fail(json, TARN_EINVALID, "JSON has byte 0x%02x where '%c' was expected %s",
			       (unsigned)(uint8_t)found, byte, where);
}

enum tarn_rc tarn_json_finish(struct tarn_json *json)
{
	tarn_json_peek(json);
	if (!json->rc && json->cursor.at != json->cursor.end)
		tarn_json_fail(json, TARN_EINVALID, "JSON goes on behind its end");
	return json->rc;
}

/* ---- strings ---- */

/* Passes over a string; *inside is what lies between its quotes. */
static void scan_string(struct tarn_json *json, struct tarn_slice *inside, bool *escaped)
{
	*inside = tarn_slice_of("", 0);
	*escaped = false;
	expect(json, '"', "to begin a string");
	if (json->rc)
		return;
	const uint8_t *start = json->cursor.at, *end = json->cursor.end, *at = tarn_json_special(start, end);
	while (at < end && *at == '\\') {
		*escaped = true;
		at = end - at < 2 ? end : tarn_json_special(at + 2, end);
	}
	json->cursor.at = at;
	if (at == end) {
		tarn_json_fail(json, TARN_EINVALID, "JSON ends inside a string");
	} else if (*at != '"') {
		tarn_json_fail(json, TARN_EINVALID, "control character 0x%02x in a JSON string", (unsigned)*at);
	} else {
		*inside = tarn_slice_of(start, (size_t)(at - start));
		json->cursor.at++;
		json->first = false;
	}
}

static size_t put_utf8(char *out, uint32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

/* Four hexadecimal digits behind "\u", or -1. */
static int32_t hex4(const uint8_t *at, const uint8_t *end)
{
	if (end - at < 4)
		return -1;
	int32_t value = 0;
	for (int i = 0; i < 4; i++) {
		int digit = at[i] >= '0' && at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10;
		if (digit < 0 || digit > 15 || (digit > 9 && (at[i] | 0x20) < 'a'))
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Decodes the escape at *at (behind the backslash); 0 characters written means that it is none. */
static size_t unescape(const uint8_t **at, const uint8_t *end, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *simple = **at ? strchr(from, **at) : NULL;
	if (simple) {
		*out = to[simple - from];
		(*at)++;
		return 1;
	}
	int32_t high = **at == 'u' ? hex4(*at + 1, end) : -1;
	if (high < 0)
		return 0;
	*at += 5;
	if (high < 0xd800 || high > 0xdfff)
		return put_utf8(out, (uint32_t)high);
	if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0;
	int32_t low = hex4(*at + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*at += 6;
	return put_utf8(out, 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
}

/* To `out`, which may be where it stands, as it does not grow; terminated by 0. */
static struct tarn_slice decode_to(struct tarn_json *json, struct tarn_slice inside, char *out, bool zeros)
{
	size_t len = 0;
	const uint8_t *at = inside.data, *end = at + inside.len;
	while (at < end) {
		if (*at != '\\') {
			out[len++] = (char)*at++;
			continue;
		}
		at++;
		size_t written = unescape(&at, end, out + len);
		if (!written || (!out[len] && !zeros)) {
			json->cursor.at = at;
			tarn_json_fail(json, TARN_EINVALID, "escape in a JSON string is none that Tarn takes");
			return tarn_slice_of("", 0);
		}
		len += written;
	}
	out[len] = '\0';
	return tarn_slice_of(out, len);
}

static struct tarn_slice decode(struct tarn_json *json, struct tarn_slice inside)
{
	return decode_to(json, inside, tarn_arena_alloc(json->arena, inside.len + 1), false);
}

const char *tarn_json_string(struct tarn_json *json)
{
	struct tarn_slice inside;
	bool escaped;
	scan_string(json, &inside, &escaped);
	if (json->rc)
		return "";
	if (escaped)
		return (const char *)decode(json, inside).data;
	return tarn_arena_strndup(json->arena, (const char *)inside.data, inside.len);
}

struct tarn_slice tarn_json_string_in_place(struct tarn_json *json)
{
	struct tarn_slice inside;
	bool escaped;
	scan_string(json, &inside, &escaped);
	if (json->rc)
		return tarn_slice_of("", 0);
	char *out = (char *)(uintptr_t)inside.data;
	if (escaped)
		return decode_to(json, inside, out, true);
	out[inside.len] = '\0'; /* the quote was read */
	return inside;
}

/* ---- objects and arrays ---- */

void tarn_json_begin_object(struct tarn_json *json)
{
	expect(json, '{', "to begin an object");
	json->first = true;
}

void tarn_json_begin_array(struct tarn_json *json)
{
	expect(json, '[', "to begin an array");
	json->first = true;
}

/* False at the end of the object or array, which is taken. */
static bool next(struct tarn_json *json, char close)
{
	if (tarn_json_peek(json) == close) {
		json->cursor.at++;
		json->first = false;
		return false;
	}
	if (!json->first)
		expect(json, ',', close == '}' ? "between members" : "between items");
	return !json->rc;
}

bool tarn_json_next_member(struct tarn_json *json, struct tarn_slice *key)
{
	bool escaped;
	if (!next(json, '}'))
		return false;
	scan_string(json, key, &escaped);
	if (!json->rc && escaped)
		*key = decode(json, *key);
	expect(json, ':', "behind a key");
	return !json->rc;
}

bool tarn_json_next_item(struct tarn_json *json)
{
	return next(json, ']');
}

/* ---- other values ---- */

static void scan_word(struct tarn_json *json, const char *word)
{
	struct tarn_slice found;
	size_t len = strlen(word);
	if (tarn_cursor_left(&json->cursor) < len || memcmp(json->cursor.at, word, len))
		tarn_json_fail(json, TARN_EINVALID, "JSON has an unknown word where '%s' was expected", word);
	else
		(void)tarn_cursor_take(&json->cursor, len, &found);
	json->first = false;
}

static size_t scan_digits(struct tarn_json *json)
{
	const uint8_t *at = json->cursor.at;
	while (at < json->cursor.end && *at >= '0' && *at <= '9')
		at++;
	size_t digits = (size_t)(at - json->cursor.at);
	json->cursor.at = at;
	return digits;
}

static bool take_one_of(struct tarn_json *json, const char *bytes)
{
	if (json->cursor.at == json->cursor.end || !*json->cursor.at || !strchr(bytes, *json->cursor.at))
		return false;
	json->cursor.at++;
	return true;
}

static void scan_number(struct tarn_json *json)
{
	take_one_of(json, "-");
	bool fine = take_one_of(json, "0") || scan_digits(json) > 0;
	if (fine && take_one_of(json, "."))
		fine = scan_digits(json) > 0;
	if (fine && take_one_of(json, "eE")) {
		take_one_of(json, "+-");
		fine = scan_digits(json) > 0;
	}
	if (!fine)
		tarn_json_fail(json, TARN_EINVALID, "JSON value expected");
	json->first = false;
}

static void skip_scalar(struct tarn_json *json, char first)
{
	struct tarn_slice inside;
	bool escaped;
	switch (first) {
	case '"': scan_string(json, &inside, &escaped); break;
	case 't': scan_word(json, "true"); break;
	case 'f': scan_word(json, "false"); break;
	case 'n': scan_word(json, "null"); break;
	default: scan_number(json); break;
	}
}

struct tarn_slice tarn_json_skip(struct tarn_json *json)
{
	char first = tarn_json_peek(json), open[TARN_JSON_MAX_DEPTH];
	const uint8_t *start = json->cursor.at;
	size_t depth = 0;
	struct tarn_slice key;
	do {
		first = tarn_json_peek(json);
		if ((first == '{' || first == '[') && depth == TARN_JSON_MAX_DEPTH) {
			tarn_json_fail(json, TARN_ELIMIT, "JSON nested deeper than %d", TARN_JSON_MAX_DEPTH);
		} else if (first == '{' || first == '[') {
			open[depth++] = first;
			json->cursor.at++;
			json->first = true;
		} else {
			skip_scalar(json, first);
		}
		while (depth && !json->rc &&
		       !(open[depth - 1] == '{' ? tarn_json_next_member(json, &key) : tarn_json_next_item(json)))
			depth--;
	} while (depth && !json->rc);
	if (json->rc)
		return tarn_slice_of("null", 4);
	return tarn_slice_of(start, (size_t)(json->cursor.at - start));
}

int64_t tarn_json_integer(struct tarn_json *json, int64_t min, int64_t max)
{
	char first = tarn_json_peek(json);
	if (json->rc)
		return 0;
	const uint8_t *start = json->cursor.at;
	uint64_t magnitude = 0;
	bool overflow = false;
	struct tarn_slice raw = tarn_json_skip(json);
	for (size_t i = first == '-'; i < raw.len && !json->rc; i++) {
		unsigned digit = (unsigned)raw.data[i] - '0';
		if (digit > 9)
			break;
		overflow |= __builtin_mul_overflow(magnitude, 10, &magnitude) ||
			    __builtin_add_overflow(magnitude, digit, &magnitude);
		if (i + 1 == raw.len && !overflow && magnitude <= INT64_MAX) {
			int64_t value = first == '-' ? -(int64_t)magnitude : (int64_t)magnitude;
			if (value >= min && value <= max)
				return value;
		}
	}
	json->cursor.at = start;
	tarn_json_fail(json, TARN_EINVALID, "\"%.*s\" where a whole number from %lld to %lld was expected",
		       (int)(raw.len > 40 ? 40 : raw.len), (const char *)raw.data, (long long)min, (long long)max);
	return 0;
}

bool tarn_json_boolean(struct tarn_json *json)
{
	char first = tarn_json_peek(json);
	scan_word(json, first == 't' ? "true" : "false");
	return first == 't' && !json->rc;
}

bool tarn_json_is_null(struct tarn_json *json)
{
	if (tarn_json_peek(json) != 'n')
		return false;
	scan_word(json, "null");
	return true;
}
