#include "stream/sink/datum_project.h"

#include "base/alloc.h"
#include "serialize/avro/encode.h"
#include "serialize/avro/json.h"
#include "serialize/avro/node.h"

enum { MAX_LEVELS = 128, NO_BRANCH = -1, MAX_EMPTY_ITEMS = 1 << 24 };

struct projection {
	const struct tarn_datum_plan *from;
	struct tarn_cursor cursor; /* in the datum; moves over what was read */
	struct tarn_buf *out;
	struct tarn_arena arena;
	struct tarn_err *err;
};

static enum tarn_rc project(struct projection *work, const struct tarn_avro_node *from, const struct tarn_avro_node *to,
			    int level);

static enum tarn_rc differ(struct projection *work, const struct tarn_avro_node *from, const struct tarn_avro_node *to)
{
	return tarn_fail(
		work->err, TARN_EINVALID, "a value of type %s%s%s does not fit into %s%s%s of the other schema version",
		tarn_avro_type_name(from->type), from->full_name ? " " : "", from->full_name ? from->full_name : "",
		tarn_avro_type_name(to->type), to->full_name ? " " : "", to->full_name ? to->full_name : "");
}

static enum tarn_rc cut_off(struct projection *work)
{
	return tarn_fail(work->err, TARN_EINVALID, "the datum ends early");
}

/* ---- which goes into which ---- */

static bool same(const struct tarn_avro_node *from, const struct tarn_avro_node *to)
{
	return from->type == to->type && (!from->full_name || !strcmp(from->full_name, to->full_name)) &&
	       (from->type != TARN_AVRO_FIXED || from->size == to->size);
}

static bool widens(enum tarn_avro_type from, enum tarn_avro_type to)
{
	switch (from) {
	case TARN_AVRO_INT: return to == TARN_AVRO_LONG || to == TARN_AVRO_FLOAT || to == TARN_AVRO_DOUBLE;
	case TARN_AVRO_LONG: return to == TARN_AVRO_FLOAT || to == TARN_AVRO_DOUBLE;
	case TARN_AVRO_FLOAT: return to == TARN_AVRO_DOUBLE;
	default: return false;
	}
}

static int find_branch(const struct tarn_avro_node *to, const struct tarn_avro_node *from)
{
	for (size_t i = 0; i < to->n_branches; i++)
		if (same(from, to->branches[i]))
			return (int)i;
	for (size_t i = 0; i < to->n_branches; i++)
		if (widens(from->type, to->branches[i]->type))
			return (int)i;
	return NO_BRANCH;
}

/* ---- values ---- */

static enum tarn_rc copy(struct projection *work, const struct tarn_avro_node *node)
{
	const uint8_t *start = work->cursor.at;
	enum tarn_rc rc = tarn_datum_skip(work->from, node, &work->cursor, work->err);
	if (!rc)
		tarn_buf_add(work->out, start, (size_t)(work->cursor.at - start));
	return rc;
}

static enum tarn_rc widen(struct projection *work, enum tarn_avro_type from, enum tarn_avro_type to)
{
	int64_t integer = 0;
	uint32_t bits = 0;
	float real = 0;
	if (from == TARN_AVRO_FLOAT ? !tarn_cursor_le32(&work->cursor, &bits)
				    : !tarn_avro_take_long(&work->cursor, &integer))
		return cut_off(work);
	memcpy(&real, &bits, sizeof(real));
	if (to == TARN_AVRO_LONG)
		tarn_avro_put_long(work->out, integer);
	else if (to == TARN_AVRO_FLOAT)
		tarn_avro_put_float(work->out, (float)integer);
	else
		tarn_avro_put_double(work->out, from == TARN_AVRO_FLOAT ? (double)real : (double)integer);
	return TARN_OK;
}

static enum tarn_rc project_enum(struct projection *work, const struct tarn_avro_node *from,
				 const struct tarn_avro_node *to)
{
	int64_t symbol;
	if (!tarn_avro_take_long(&work->cursor, &symbol) || symbol < 0 || symbol >= (int64_t)from->n_symbols)
		return cut_off(work);
	int32_t place = tarn_avro_node_find(to, from->symbols[symbol]);
	if (place < 0)
		return tarn_fail(work->err, TARN_EINVALID, "the other schema version has no symbol \"%s\"",
				 from->symbols[symbol]);
	tarn_avro_put_long(work->out, place);
	return TARN_OK;
}

static enum tarn_rc project_items(struct projection *work, const struct tarn_avro_node *from,
				  const struct tarn_avro_node *to, int level)
{
	enum tarn_rc rc = TARN_OK;
	int64_t count, size, len;
	struct tarn_slice key;
	do {
		if (!tarn_avro_take_long(&work->cursor, &count) ||
		    (count < 0 && !tarn_avro_take_long(&work->cursor, &size)))
			return cut_off(work);
		count = count < 0 ? -count : count;
		if (count > MAX_EMPTY_ITEMS && !from->items->min_size)
			return tarn_fail(work->err, TARN_EINVALID, "%lld items without a byte", (long long)count);
		tarn_avro_put_block(work->out, count);
		for (int64_t i = 0; !rc && i < count; i++) {
			if (from->type == TARN_AVRO_MAP) {
				if (!tarn_avro_take_long(&work->cursor, &len) || len < 0 ||
				    !tarn_cursor_take(&work->cursor, (size_t)len, &key))
					return cut_off(work);
				tarn_avro_put_bytes(work->out, key);
			}
			rc = project(work, from->items, to->items, level + 1);
		}
	} while (!rc && count);
	return rc;
}

/* A field that the datum does not have. */
static enum tarn_rc put_default(struct projection *work, const struct tarn_avro_field *field)
{
	if (field->default_value)
		return tarn_avro_json_encode(field->type, field->default_value, TARN_AVRO_JSON_NATIVE, work->out,
					     work->err);
	for (size_t i = 0; field->type->type == TARN_AVRO_UNION && i < field->type->n_branches; i++)
		if (field->type->branches[i]->type == TARN_AVRO_NULL) {
			tarn_avro_put_long(work->out, (int64_t)i);
			return TARN_OK;
		}
	return tarn_fail(work->err, TARN_EINVALID, "field \"%s\" of the other schema version has no default",
			 field->name);
}

/* Fields may stand in another order: each is found first, then they are written in the other schema's. */
static enum tarn_rc project_record(struct projection *work, const struct tarn_avro_node *from,
				   const struct tarn_avro_node *to, int level)
{
	const uint8_t **starts = tarn_arena_alloc(&work->arena, (from->n_fields + 1) * sizeof(*starts));
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < from->n_fields; i++) {
		starts[i] = work->cursor.at;
		rc = tarn_datum_skip(work->from, from->fields[i].type, &work->cursor, work->err);
	}
	const uint8_t *behind = work->cursor.at;
	for (size_t i = 0; !rc && i < to->n_fields; i++) {
		int32_t place = tarn_avro_node_find(from, to->fields[i].name);
		if (place < 0) {
			rc = put_default(work, &to->fields[i]);
			continue;
		}
		work->cursor.at = starts[place];
		rc = project(work, from->fields[place].type, to->fields[i].type, level + 1);
	}
	work->cursor.at = behind;
	return rc;
}

static enum tarn_rc project(struct projection *work, const struct tarn_avro_node *from, const struct tarn_avro_node *to,
			    int level)
{
	int64_t branch;
	if (level > MAX_LEVELS)
		return tarn_fail(work->err, TARN_EINVALID, "more than %d levels", MAX_LEVELS);
	if (from->type == TARN_AVRO_UNION) {
		if (!tarn_avro_take_long(&work->cursor, &branch) || branch < 0 || branch >= (int64_t)from->n_branches)
			return cut_off(work);
		return project(work, from->branches[branch], to, level + 1);
	}
	if (to->type == TARN_AVRO_UNION) {
		branch = find_branch(to, from);
		if (branch == NO_BRANCH)
			return differ(work, from, to);
		tarn_avro_put_long(work->out, branch);
		return project(work, from, to->branches[branch], level + 1);
	}
	if (widens(from->type, to->type))
		return widen(work, from->type, to->type);
	if (!same(from, to))
		return differ(work, from, to);
	switch (from->type) {
	case TARN_AVRO_RECORD: return project_record(work, from, to, level);
	case TARN_AVRO_ENUM: return project_enum(work, from, to);
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP: return project_items(work, from, to, level);
	default: return copy(work, from);
	}
}

enum tarn_rc tarn_datum_project(const struct tarn_datum_plan *from, const struct tarn_datum_plan *to,
				struct tarn_slice datum, struct tarn_buf *out, struct tarn_err *err)
{
	struct projection work = { .from = from, .cursor = tarn_cursor_of(datum), .out = out, .err = err };
	size_t start = out->len;
	tarn_arena_init(&work.arena);
	enum tarn_rc rc = project(&work, tarn_datum_root(from), tarn_datum_root(to), 0);
	tarn_arena_release(&work.arena);
	if (!rc && out->overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "avro datum: more than %zu bytes", out->max);
	if (rc)
		out->len = start;
	return rc;
}
