#include "stream/sink/datum_copy.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "serialize/avro/encode.h"
#include "serialize/avro/node.h"

enum { MAX_LEVELS = 128, NOT_FIXED = -1, SAME_ORDER = -1 };

/* What the walk needs to know of a type, by its id in the schema that is copied from. */
struct kind {
	int64_t width;	   /* of every value, or NOT_FIXED */
	bool changes;	   /* a union of another order is somewhere inside */
	int16_t from_null; /* unions: place of null here and there; SAME_ORDER where nothing moves */
	int16_t to_null;
	bool planned;
};

struct tarn_datum_plan {
	const struct tarn_avro_node *root;
	struct kind *kinds;
};

struct walk {
	const struct tarn_datum_plan *plan;
	struct tarn_cursor cursor;
	struct tarn_buf *out;  /* NULL: only look */
	const uint8_t *copied; /* everything before this is in `out` */
	struct tarn_err *err;
};

/* ---- planning ---- */

static int find_null(const struct tarn_avro_node *node)
{
	for (size_t i = 0; i < node->n_branches; i++)
		if (node->branches[i]->type == TARN_AVRO_NULL)
			return (int)i;
	return SAME_ORDER;
}

static enum tarn_rc differ(const struct tarn_avro_node *from, const struct tarn_avro_node *to, struct tarn_err *err)
{
	return tarn_fail(err, TARN_EINVALID, "a value of type %s cannot be copied into one of type %s",
			 tarn_avro_type_name(from->type), tarn_avro_type_name(to->type));
}

/* The branch over there that branch i becomes. */
static int moved(int i, int from_null, int to_null)
{
	if (from_null == SAME_ORDER || from_null == to_null)
		return i;
	if (i == from_null)
		return to_null;
	int rest = i - (i > from_null); /* its place among the others */
	return rest + (rest >= to_null);
}

static enum tarn_rc plan_node(struct tarn_datum_plan *plan, const struct tarn_avro_node *from,
			      const struct tarn_avro_node *to, struct tarn_err *err);

static enum tarn_rc plan_child(struct tarn_datum_plan *plan, const struct tarn_avro_node *parent,
			       const struct tarn_avro_node *from, const struct tarn_avro_node *to, struct tarn_err *err)
{
	enum tarn_rc rc = plan_node(plan, from, to, err);
	if (!rc)
		plan->kinds[parent->id].changes |= plan->kinds[from->id].changes;
	return rc;
}

static enum tarn_rc plan_union(struct tarn_datum_plan *plan, const struct tarn_avro_node *from,
			       const struct tarn_avro_node *to, struct tarn_err *err)
{
	struct kind *kind = &plan->kinds[from->id];
	if (from->n_branches != to->n_branches || (find_null(from) < 0) != (find_null(to) < 0))
		return differ(from, to, err);
	kind->from_null = (int16_t)find_null(from);
	kind->to_null = (int16_t)find_null(to);
	kind->changes = kind->from_null != kind->to_null;
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < from->n_branches; i++)
		rc = plan_child(plan, from, from->branches[i],
				to->branches[moved((int)i, kind->from_null, kind->to_null)], err);
	return rc;
}

static enum tarn_rc plan_record(struct tarn_datum_plan *plan, const struct tarn_avro_node *from,
				const struct tarn_avro_node *to, struct tarn_err *err)
{
	if (from->n_fields != to->n_fields)
		return differ(from, to, err);
	int64_t width = 0;
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < from->n_fields; i++) {
		rc = plan_child(plan, from, from->fields[i].type, to->fields[i].type, err);
		int64_t field = plan->kinds[from->fields[i].type->id].width;
		width = width == NOT_FIXED || field == NOT_FIXED ? NOT_FIXED : width + field;
	}
	plan->kinds[from->id].width = width;
	return rc;
}

static enum tarn_rc plan_node(struct tarn_datum_plan *plan, const struct tarn_avro_node *from,
			      const struct tarn_avro_node *to, struct tarn_err *err)
{
	struct kind *kind = &plan->kinds[from->id];
	if (from->type != to->type)
		return differ(from, to, err);
	if (kind->planned)
		return TARN_OK;
	*kind = (struct kind){ .width = NOT_FIXED, .planned = true, .from_null = SAME_ORDER, .to_null = SAME_ORDER };
	/* A record inside itself is met again while its own answer is not known: then it must be walked. */
	kind->changes = from->recursive;
	switch (from->type) {
	case TARN_AVRO_NULL: kind->width = 0; return TARN_OK;
	case TARN_AVRO_FLOAT: kind->width = 4; return TARN_OK;
	case TARN_AVRO_DOUBLE: kind->width = 8; return TARN_OK;
	case TARN_AVRO_FIXED:
		kind->width = (int64_t)from->size;
		return from->size == to->size ? TARN_OK : differ(from, to, err);
	case TARN_AVRO_ENUM: return from->n_symbols == to->n_symbols ? TARN_OK : differ(from, to, err);
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP: return plan_child(plan, from, from->items, to->items, err);
	case TARN_AVRO_UNION: return plan_union(plan, from, to, err);
	case TARN_AVRO_RECORD: return plan_record(plan, from, to, err);
	default: return TARN_OK;
	}
}

enum tarn_rc tarn_datum_plan_new(const struct tarn_avro_schema *from, const struct tarn_avro_schema *to,
				 struct tarn_datum_plan **plan, struct tarn_err *err)
{
	struct tarn_datum_plan *made = tarn_calloc(1, sizeof(*made));
	made->root = tarn_avro_schema_root(from);
	made->kinds = tarn_calloc(tarn_avro_schema_size(from), sizeof(*made->kinds));
	enum tarn_rc rc = plan_node(made, made->root, tarn_avro_schema_root(to), err);
	if (rc)
		tarn_datum_plan_free(made);
	else
		*plan = made;
	return rc;
}

void tarn_datum_plan_free(struct tarn_datum_plan *plan)
{
	if (!plan)
		return;
	free(plan->kinds);
	free(plan);
}

const struct tarn_avro_node *tarn_datum_root(const struct tarn_datum_plan *plan)
{
	return plan->root;
}

/* ---- walking ---- */

static enum tarn_rc walk_node(struct walk *walk, const struct tarn_avro_node *node, int level);

static enum tarn_rc damaged(const struct walk *walk, const char *what)
{
	return tarn_fail_at(walk->err, TARN_EINVALID, tarn_cursor_position(&walk->cursor), "avro datum, byte %lld: %s",
			    (long long)tarn_cursor_position(&walk->cursor), what);
}

/* Copies up to `to` and goes on copying from `from`. */
static void replace(struct walk *walk, const uint8_t *to, const uint8_t *from)
{
	tarn_buf_add(walk->out, walk->copied, (size_t)(to - walk->copied));
	walk->copied = from;
}

/* Most numbers of a datum are lengths and branches: a byte. */
static inline enum tarn_rc take_long(struct walk *walk, int64_t *value, const char *what)
{
	struct tarn_cursor *cursor = &walk->cursor;
	if (cursor->at < cursor->end && *cursor->at < 0x80) {
		*value = tarn_unzigzag(*cursor->at++);
		return TARN_OK;
	}
	return tarn_avro_take_long(&walk->cursor, value) ? TARN_OK : damaged(walk, what);
}

static inline enum tarn_rc walk_bytes(struct walk *walk)
{
	int64_t len = 0;
	enum tarn_rc rc = take_long(walk, &len, "no valid length");
	if (rc)
		return rc;
	if (len < 0 || (uint64_t)len > tarn_cursor_left(&walk->cursor))
		return damaged(walk, "a length that leads behind the end");
	walk->cursor.at += len;
	return TARN_OK;
}

static enum tarn_rc walk_fixed(struct walk *walk, uint64_t count, int64_t width)
{
	if (width && count > tarn_cursor_left(&walk->cursor) / (uint64_t)width)
		return damaged(walk, "it ends early");
	walk->cursor.at += count * (uint64_t)width;
	return TARN_OK;
}

static enum tarn_rc walk_items(struct walk *walk, const struct tarn_avro_node *node, int64_t count, int level)
{
	bool is_map = node->type == TARN_AVRO_MAP;
	const struct kind *kind = &walk->plan->kinds[node->items->id];
	uint64_t least = node->items->min_size + (uint64_t)is_map;
	if (least && (uint64_t)count > tarn_cursor_left(&walk->cursor) / least)
		return damaged(walk, "more items than there are bytes");
	if (!is_map && kind->width != NOT_FIXED)
		return walk_fixed(walk, (uint64_t)count, kind->width);
	enum tarn_rc rc = TARN_OK;
	if (!is_map && (node->items->type == TARN_AVRO_STRING || node->items->type == TARN_AVRO_BYTES)) {
		for (; !rc && count; count--)
			rc = walk_bytes(walk);
		return rc;
	}
	for (; !rc && count; count--) {
		if (is_map)
			rc = walk_bytes(walk);
		if (!rc)
			rc = walk_node(walk, node->items, level + 1);
	}
	return rc;
}

/* One block of items; *count is 0 behind the last. Where items change, a block's size in bytes is left out, as it may.
 */
static enum tarn_rc walk_block(struct walk *walk, const struct tarn_avro_node *node, int64_t *count, int level)
{
	const uint8_t *start = walk->cursor.at;
	int64_t size = -1;
	enum tarn_rc rc = take_long(walk, count, "no valid number of items");
	if (!rc && *count < 0) {
		rc = take_long(walk, &size, "no valid size of a block");
		if (!rc && (*count == INT64_MIN || size < 0))
			rc = damaged(walk, "no valid size of a block");
		*count = -*count;
		if (!rc && walk->out && walk->plan->kinds[node->id].changes) {
			replace(walk, start, walk->cursor.at);
			tarn_avro_put_block(walk->out, *count);
		}
	}
	start = walk->cursor.at;
	if (!rc)
		rc = walk_items(walk, node, *count, level);
	if (!rc && size >= 0 && walk->cursor.at - start != size)
		rc = damaged(walk, "a block that is not as long as it says");
	return rc;
}

static enum tarn_rc walk_union(struct walk *walk, const struct tarn_avro_node *node, int level)
{
	const struct kind *kind = &walk->plan->kinds[node->id];
	const uint8_t *start = walk->cursor.at;
	int64_t branch = 0;
	enum tarn_rc rc = take_long(walk, &branch, "no valid branch of a union");
	if (!rc && (branch < 0 || branch >= (int64_t)node->n_branches))
		rc = damaged(walk, "a branch that the union does not have");
	if (rc)
		return rc;
	if (walk->out && kind->from_null != kind->to_null) {
		replace(walk, start, walk->cursor.at);
		tarn_avro_put_long(walk->out, moved((int)branch, kind->from_null, kind->to_null));
	}
	return walk_node(walk, node->branches[branch], level + 1);
}

static enum tarn_rc walk_integer(struct walk *walk, const struct tarn_avro_node *node)
{
	int64_t value = 0;
	enum tarn_rc rc = take_long(walk, &value, "no valid integer");
	if (!rc && node->type == TARN_AVRO_INT && (value < INT32_MIN || value > INT32_MAX))
		rc = damaged(walk, "an int of more than 32 bits");
	if (!rc && node->type == TARN_AVRO_ENUM && (value < 0 || value >= (int64_t)node->n_symbols))
		rc = damaged(walk, "a symbol that the enum does not have");
	return rc;
}

static enum tarn_rc walk_boolean(struct walk *walk)
{
	if (!tarn_cursor_left(&walk->cursor) || *walk->cursor.at > 1)
		return damaged(walk, "no valid boolean");
	walk->cursor.at++;
	return TARN_OK;
}

static enum tarn_rc walk_node(struct walk *walk, const struct tarn_avro_node *node, int level)
{
	const struct kind *kind = &walk->plan->kinds[node->id];
	enum tarn_rc rc = TARN_OK;
	int64_t count = 1;
	if (level > MAX_LEVELS)
		return tarn_fail_at(walk->err, TARN_ELIMIT, tarn_cursor_position(&walk->cursor),
				    "avro datum: more than %d levels", MAX_LEVELS);
	if (kind->width != NOT_FIXED)
		return walk_fixed(walk, 1, kind->width);
	switch (node->type) {
	case TARN_AVRO_BOOLEAN: return walk_boolean(walk);
	case TARN_AVRO_INT:
	case TARN_AVRO_LONG:
	case TARN_AVRO_ENUM: return walk_integer(walk, node);
	case TARN_AVRO_BYTES:
	case TARN_AVRO_STRING: return walk_bytes(walk);
	case TARN_AVRO_UNION: return walk_union(walk, node, level);
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP:
		while (!rc && count)
			rc = walk_block(walk, node, &count, level);
		return rc;
	default:
		for (size_t i = 0; !rc && i < node->n_fields; i++)
			rc = walk_node(walk, node->fields[i].type, level + 1);
		return rc;
	}
}

enum tarn_rc tarn_datum_copy(const struct tarn_datum_plan *plan, struct tarn_slice datum, struct tarn_buf *out,
			     struct tarn_err *err)
{
	struct walk walk = {
		.plan = plan, .cursor = tarn_cursor_of(datum), .out = out, .copied = datum.data, .err = err
	};
	size_t start = out->len;
	enum tarn_rc rc = walk_node(&walk, plan->root, 0);
	if (!rc && tarn_cursor_left(&walk.cursor))
		rc = damaged(&walk, "bytes behind its end");
	if (!rc)
		replace(&walk, walk.cursor.end, walk.cursor.end);
	if (!rc && out->overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "avro datum: more than %zu bytes", out->max);
	if (rc)
		out->len = start;
	return rc;
}

enum tarn_rc tarn_datum_take(const struct tarn_datum_plan *plan, struct tarn_slice datum, struct tarn_buf *out,
			     struct tarn_slice *copy, struct tarn_err *err)
{
	struct walk walk = { .plan = plan, .cursor = tarn_cursor_of(datum), .err = err };
	enum tarn_rc rc;
	if (plan->kinds[plan->root->id].changes) {
		rc = tarn_datum_copy(plan, datum, out, err);
		if (!rc)
			*copy = tarn_buf_slice(out);
		return rc;
	}
	rc = walk_node(&walk, plan->root, 0);
	if (!rc && tarn_cursor_left(&walk.cursor))
		rc = damaged(&walk, "bytes behind its end");
	if (!rc)
		*copy = datum;
	return rc;
}

enum tarn_rc tarn_datum_skip(const struct tarn_datum_plan *plan, const struct tarn_avro_node *node,
			     struct tarn_cursor *cursor, struct tarn_err *err)
{
	struct walk walk = { .plan = plan, .cursor = *cursor, .err = err };
	enum tarn_rc rc = walk_node(&walk, node, 0);
	if (!rc)
		*cursor = walk.cursor;
	return rc;
}
