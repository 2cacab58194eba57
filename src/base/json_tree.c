#include "base/json_tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json_reader.h"
#include "base/json_text.h"
#include "base/utf8.h"

/* Objects of more members have a table of their places behind them: open addressing, twice as large at least. */
enum { SEARCHED = 8 };
#define FREE UINT32_MAX

struct parser {
	struct tarn_json reader; /* of a copy that may be written to: strings are decoded and terminated in it */
	unsigned rules;
	struct tarn_json_member *open; /* members and items of what is not closed yet */
	size_t n, capacity;
	unsigned depth;
};

/* ---- members by key ---- */

static size_t slots_of(size_t n)
{
	size_t slots = 2 * SEARCHED;
	while (slots < 2 * n)
		slots *= 2;
	return n > SEARCHED ? slots : 0;
}

static bool has_key(const struct tarn_json_member *member, struct tarn_slice key)
{
	return member->key_len == key.len && !memcmp(member->key, key.data, key.len);
}

/* The slot of the key, or the free one where it belongs. */
static size_t find_slot(const struct tarn_json_member *members, const uint32_t *slots, size_t n_slots,
			struct tarn_slice key)
{
	size_t at = tarn_hash64(key) & (n_slots - 1);
	while (slots[at] != FREE && !has_key(&members[slots[at]], key))
		at = (at + 1) & (n_slots - 1);
	return at;
}

const struct tarn_json_value *tarn_json_get(const struct tarn_json_value *object, const char *key)
{
	if (!tarn_json_is_kind(object, TARN_JSON_OBJECT))
		return NULL;
	const struct tarn_json_member *members = object->members;
	const struct tarn_slice wanted = tarn_slice_str(key);
	size_t n_slots = slots_of(object->n);
	if (n_slots) {
		const uint32_t *slots = (const uint32_t *)(members + object->n);
		uint32_t place = slots[find_slot(members, slots, n_slots, wanted)];
		return place == FREE ? NULL : &members[place].value;
	}
	for (size_t i = 0; i < object->n; i++)
		if (has_key(&members[i], wanted))
			return &members[i].value;
	return NULL;
}

/* ---- objects ---- */

/* The member with the same key among the first n, or NULL. */
static struct tarn_json_member *find_same(struct tarn_json_member *members, size_t n, uint32_t *slots, size_t n_slots,
					  const struct tarn_json_member *member)
{
	const struct tarn_slice key = tarn_slice_of(member->key, member->key_len);
	if (n_slots) {
		size_t slot = find_slot(members, slots, n_slots, key);
		if (slots[slot] != FREE)
			return &members[slots[slot]];
		slots[slot] = (uint32_t)n;
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (has_key(&members[i], key))
			return &members[i];
	return NULL;
}

/* Members of which each key is there once; *n becomes their number. */
static void keep_members(struct parser *p, const struct tarn_json_member *from, struct tarn_json_member *members,
			 uint32_t *slots, size_t n_slots, size_t *n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n_slots; i++)
		slots[i] = FREE;
	for (size_t i = 0; i < *n; i++) {
		struct tarn_json_member *same = find_same(members, kept, slots, n_slots, &from[i]);
		if (same && p->rules & TARN_JSON_NO_KEY_TWICE)
			tarn_json_fail(&p->reader, TARN_EINVALID, "JSON has the key \"%.100s\" twice in an object",
				       same->key);
		if (same)
			same->value = from[i].value;
		else
			members[kept++] = from[i];
	}
	*n = kept;
}

/* Takes the members from `first` on off the stack. Where keys are there twice, the table is made again for fewer. */
static struct tarn_json_value close_object(struct parser *p, size_t first)
{
	const struct tarn_json_member *from = p->open + first;
	size_t n = p->n - first, before;
	struct tarn_json_member *members;
	p->n = first;
	do {
		size_t n_slots = slots_of(n);
		members = tarn_arena_alloc(p->reader.arena, n * sizeof(*members) + n_slots * sizeof(uint32_t));
		before = n;
		keep_members(p, from, members, (uint32_t *)(members + n), n_slots, &n);
		from = members;
	} while (n < before && slots_of(before));
	return (struct tarn_json_value){ .kind = TARN_JSON_OBJECT, .n = (uint32_t)n, .members = members };
}

/* ---- values ---- */

static struct tarn_json_value parse_value(struct parser *p);

static void push(struct parser *p, struct tarn_slice key, struct tarn_json_value value)
{
	p->open = tarn_grow(p->open, &p->capacity, p->n + 1, sizeof(*p->open));
	p->open[p->n++] = (struct tarn_json_member){ (const char *)key.data, (uint32_t)key.len, value };
}

static struct tarn_json_value parse_object(struct parser *p)
{
	size_t first = p->n;
	struct tarn_slice key;
	tarn_json_begin_object(&p->reader);
	while (tarn_json_next_member(&p->reader, &key)) {
		((char *)(uintptr_t)key.data)[key.len] = '\0'; /* the quote was read */
		push(p, key, parse_value(p));
	}
	return close_object(p, first);
}

static struct tarn_json_value parse_array(struct parser *p)
{
	size_t first = p->n;
	tarn_json_begin_array(&p->reader);
	while (tarn_json_next_item(&p->reader))
		push(p, tarn_slice_of("", 0), parse_value(p));
	size_t n = p->n - first;
	struct tarn_json_value *items = tarn_arena_alloc(p->reader.arena, n * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		items[i] = p->open[first + i].value;
	p->n = first;
	return (struct tarn_json_value){ .kind = TARN_JSON_ARRAY, .n = (uint32_t)n, .items = items };
}

static bool is_whole(struct tarn_slice digits)
{
	for (size_t i = 0; i < digits.len; i++)
		if (digits.data[i] == '.' || (digits.data[i] | 0x20) == 'e')
			return false;
	return true;
}

/* What stands behind a number ends it, the zero behind the document, too. */
static struct tarn_json_value parse_number(struct parser *p)
{
	struct tarn_slice raw = tarn_json_skip(&p->reader);
	struct tarn_json_value value = { .kind = TARN_JSON_INTEGER };
	if (p->reader.rc)
		return value;
	errno = 0;
	if (is_whole(raw)) {
		value.integer = strtoll((const char *)raw.data, NULL, 10);
	} else {
		value.kind = TARN_JSON_REAL;
		value.real = strtod((const char *)raw.data, NULL);
		if (isfinite(value.real))
			errno = 0; /* too small is zero */
	}
	if (errno)
		tarn_json_fail(&p->reader, TARN_EINVALID, "JSON has a number that is too large: %.*s",
			       (int)(raw.len > 40 ? 40 : raw.len), (const char *)raw.data);
	return value;
}

static struct tarn_json_value parse_string(struct parser *p)
{
	struct tarn_slice text = tarn_json_string_in_place(&p->reader);
	if (p->rules & TARN_JSON_NO_ZEROS && memchr(text.data, 0, text.len))
		tarn_json_fail(&p->reader, TARN_EINVALID, "JSON has a zero inside a string");
	return (struct tarn_json_value){ .kind = TARN_JSON_STRING,
					 .n = (uint32_t)text.len,
					 .text = (const char *)text.data };
}

static struct tarn_json_value parse_compound(struct parser *p, char first)
{
	if (p->depth == TARN_JSON_TREE_MAX_DEPTH) {
		tarn_json_fail(&p->reader, TARN_ELIMIT, "JSON nested deeper than %d", TARN_JSON_TREE_MAX_DEPTH);
		return (struct tarn_json_value){ .kind = TARN_JSON_NULL };
	}
	p->depth++;
	struct tarn_json_value value = first == '{' ? parse_object(p) : parse_array(p);
	p->depth--;
	return value;
}

static struct tarn_json_value parse_value(struct parser *p)
{
	char first = tarn_json_peek(&p->reader);
	switch (first) {
	case '{':
	case '[': return parse_compound(p, first);
	case '"': return parse_string(p);
	case 't':
	case 'f':
		return (struct tarn_json_value){ .kind = tarn_json_boolean(&p->reader) ? TARN_JSON_TRUE
										       : TARN_JSON_FALSE };
	case 'n': tarn_json_is_null(&p->reader); return (struct tarn_json_value){ .kind = TARN_JSON_NULL };
	default: return parse_number(p);
	}
}

enum tarn_rc tarn_json_parse(struct tarn_slice text, unsigned rules, struct tarn_arena *arena,
			     const struct tarn_json_value **value, struct tarn_err *err)
{
	size_t valid = tarn_utf8_valid(text);
	if (valid < text.len)
		return tarn_fail_at(err, TARN_EINVALID, (int64_t)valid, "JSON has byte 0x%02x, which is no UTF-8 text",
				    (unsigned)text.data[valid]);
	if (text.len >= UINT32_MAX)
		return tarn_fail(err, TARN_ELIMIT, "JSON of %zu bytes, 4 GiB are too many", text.len);
	const struct tarn_slice copy =
		tarn_slice_of(tarn_arena_strndup(arena, text.len ? (const char *)text.data : "", text.len), text.len);
	struct parser p = { .rules = rules };
	tarn_json_init(&p.reader, copy, copy, arena, err);
	struct tarn_json_value root = parse_value(&p);
	free(p.open);
	if (tarn_json_finish(&p.reader))
		return p.reader.rc;
	*value = tarn_arena_copy(arena, &root, sizeof(root));
	return TARN_OK;
}

/* ---- writing ---- */

static void put_members(struct tarn_buf *out, const struct tarn_json_value *object)
{
	tarn_buf_add_byte(out, '{');
	for (size_t i = 0; i < object->n; i++) {
		const struct tarn_json_member *member = &object->members[i];
		if (i)
			tarn_buf_add_byte(out, ',');
		tarn_json_put_string(out, tarn_slice_of(member->key, member->key_len));
		tarn_buf_add_byte(out, ':');
		tarn_json_put_value(out, &member->value);
	}
	tarn_buf_add_byte(out, '}');
}

static void put_items(struct tarn_buf *out, const struct tarn_json_value *array)
{
	tarn_buf_add_byte(out, '[');
	for (size_t i = 0; i < array->n; i++) {
		if (i)
			tarn_buf_add_byte(out, ',');
		tarn_json_put_value(out, &array->items[i]);
	}
	tarn_buf_add_byte(out, ']');
}

void tarn_json_put_value(struct tarn_buf *out, const struct tarn_json_value *value)
{
	switch (value->kind) {
	case TARN_JSON_OBJECT: put_members(out, value); return;
	case TARN_JSON_ARRAY: put_items(out, value); return;
	case TARN_JSON_STRING: tarn_json_put_string(out, tarn_slice_of(value->text, value->n)); return;
	case TARN_JSON_INTEGER: tarn_json_put_int(out, value->integer); return;
	case TARN_JSON_REAL: tarn_json_put_double(out, value->real, tarn_format_double); return;
	case TARN_JSON_TRUE: tarn_buf_add_str(out, "true"); return;
	case TARN_JSON_FALSE: tarn_buf_add_str(out, "false"); return;
	case TARN_JSON_NULL: tarn_buf_add_str(out, "null"); return;
	}
}
