/* Resolves two schemas into steps (specification, "Schema Resolution"). plan_decode.c runs them. */
#include <stdio.h>
#include <stdlib.h>

#include "serialize/avro/json.h"
#include "serialize/avro/node.h"
#include "serialize/avro/steps.h"

enum { MAX_DEPTH = 256 };

#define DEFAULT_MAX ((size_t)16 << 20)

/* Two records that have steps already; reader NULL: the writer's is skipped. */
struct pair {
	const struct tarn_avro_node *writer, *reader;
	uint32_t first, n;
};

struct compiler {
	struct tarn_avro_plan *plan;
	struct pair *pairs;
	size_t n_pairs, pairs_capacity;
	const struct tarn_avro_step_place *place;
	unsigned depth;
	struct tarn_err err;
};

static enum tarn_rc compile(struct compiler *c, const struct tarn_avro_node *writer,
			    const struct tarn_avro_node *reader, uint32_t at);

/* ---- steps and messages ---- */

void tarn_avro_render_path(const struct tarn_avro_step_place *place, char path[TARN_AVRO_PATH_SIZE])
{
	size_t start = TARN_AVRO_PATH_SIZE - 1;
	path[start] = '\0';
	for (; place; place = place->outer) {
		size_t len = strlen(place->name) + (start < TARN_AVRO_PATH_SIZE - 1);
		if (len + 3 > start) {
			memcpy(path + (start -= 3), "...", 3);
			break;
		}
		if (start < TARN_AVRO_PATH_SIZE - 1)
			path[start - 1] = '.';
		start -= len;
		memcpy(path + start, place->name, strlen(place->name));
	}
	memmove(path, path + start, TARN_AVRO_PATH_SIZE - start);
}

static enum tarn_rc fail(struct compiler *c, enum tarn_rc rc, const char *fmt, ...) TARN_PRINTF(3, 4);

static enum tarn_rc fail(struct compiler *c, enum tarn_rc rc, const char *fmt, ...)
{
	char path[TARN_AVRO_PATH_SIZE], message[320];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	tarn_avro_render_path(c->place, path);
	return tarn_fail(&c->err, rc, "avro schemas do not resolve%s%s: %s", *path ? " at " : "", path, message);
}

static enum tarn_rc mismatch(struct compiler *c, const struct tarn_avro_node *writer,
			     const struct tarn_avro_node *reader)
{
	char ours[160] = "", theirs[160] = "";
	if (writer->full_name)
		snprintf(theirs, sizeof(theirs), " \"%s\"", writer->full_name);
	if (reader->full_name)
		snprintf(ours, sizeof(ours), " \"%s\"", reader->full_name);
	return fail(c, TARN_EINVALID, "the writer's %s%s %s %s%s", tarn_avro_type_name(writer->type), theirs,
		    reader->type == TARN_AVRO_UNION ? "has no place in the reader's" : "is no",
		    tarn_avro_type_name(reader->type), ours);
}

static uint32_t new_steps(struct compiler *c, size_t n)
{
	struct tarn_avro_plan *plan = c->plan;
	size_t first = plan->n_steps, places_capacity = plan->capacity;
	plan->steps = tarn_grow(plan->steps, &plan->capacity, first + n, sizeof(*plan->steps));
	plan->places = tarn_grow(plan->places, &places_capacity, first + n, sizeof(*plan->places));
	memset(plan->steps + first, 0, n * sizeof(*plan->steps));
	for (size_t i = first; i < first + n; i++)
		plan->places[i] = c->place;
	plan->n_steps += n;
	return (uint32_t)first;
}

static struct tarn_avro_step *set_step(struct compiler *c, uint32_t at, enum tarn_avro_op op, uint32_t first, size_t n)
{
	struct tarn_avro_step *step = &c->plan->steps[at];
	step->op = (uint8_t)op;
	step->first = first;
	step->n = (uint32_t)n;
	return step;
}

/* A step of its own for a value inside this one, compiled. */
static enum tarn_rc compile_inner(struct compiler *c, const struct tarn_avro_node *writer,
				  const struct tarn_avro_node *reader, uint32_t *first)
{
	*first = new_steps(c, 1);
	return compile(c, writer, reader, *first);
}

static void enter_place(struct compiler *c, const char *name)
{
	struct tarn_avro_step_place *place = tarn_arena_alloc(&c->plan->arena, sizeof(*place));
	*place = (struct tarn_avro_step_place){ c->place, name };
	c->place = place;
}

static void leave_place(struct compiler *c)
{
	c->place = c->place->outer;
}

/* The same, for an array's items and a map's values. */
static enum tarn_rc compile_items(struct compiler *c, const struct tarn_avro_node *writer,
				  const struct tarn_avro_node *reader, uint32_t *first)
{
	enter_place(c, writer->type == TARN_AVRO_ARRAY ? "items" : "values");
	enum tarn_rc rc = compile_inner(c, writer->items, reader ? reader->items : NULL, first);
	leave_place(c);
	return rc;
}

/* ---- what matches what ---- */

/* 0 where the types do not match: READ_NULL stands for itself alone. */
static const uint8_t promotions[TARN_AVRO_STRING + 1][TARN_AVRO_STRING + 1] = {
	[TARN_AVRO_BOOLEAN] = { [TARN_AVRO_BOOLEAN] = TARN_AVRO_READ_BOOLEAN },
	[TARN_AVRO_INT] = { [TARN_AVRO_INT] = TARN_AVRO_READ_INT,
			    [TARN_AVRO_LONG] = TARN_AVRO_INT_TO_LONG,
			    [TARN_AVRO_FLOAT] = TARN_AVRO_INT_TO_FLOAT,
			    [TARN_AVRO_DOUBLE] = TARN_AVRO_INT_TO_DOUBLE },
	[TARN_AVRO_LONG] = { [TARN_AVRO_LONG] = TARN_AVRO_READ_LONG,
			     [TARN_AVRO_FLOAT] = TARN_AVRO_LONG_TO_FLOAT,
			     [TARN_AVRO_DOUBLE] = TARN_AVRO_LONG_TO_DOUBLE },
	[TARN_AVRO_FLOAT] = { [TARN_AVRO_FLOAT] = TARN_AVRO_READ_FLOAT,
			      [TARN_AVRO_DOUBLE] = TARN_AVRO_FLOAT_TO_DOUBLE },
	[TARN_AVRO_DOUBLE] = { [TARN_AVRO_DOUBLE] = TARN_AVRO_READ_DOUBLE },
	[TARN_AVRO_BYTES] = { [TARN_AVRO_BYTES] = TARN_AVRO_READ_BYTES, [TARN_AVRO_STRING] = TARN_AVRO_READ_BYTES },
	[TARN_AVRO_STRING] = { [TARN_AVRO_BYTES] = TARN_AVRO_READ_BYTES, [TARN_AVRO_STRING] = TARN_AVRO_READ_BYTES },
};

static bool is_promotable(const struct tarn_avro_node *writer, const struct tarn_avro_node *reader)
{
	return writer->type <= TARN_AVRO_STRING && reader->type <= TARN_AVRO_STRING &&
	       promotions[writer->type][reader->type];
}

/* Names without their namespaces; the reader's aliases count as its name. */
static bool names_match(const struct tarn_avro_node *writer, const struct tarn_avro_node *reader)
{
	if (!strcmp(writer->name, reader->name))
		return true;
	for (size_t i = 0; i < reader->n_aliases; i++)
		if (!strcmp(writer->name, tarn_avro_last_part(reader->aliases[i])))
			return true;
	return false;
}

/* Decimals of another scale, and times of another unit, would be read as other values. */
static bool logical_types_match(const struct tarn_avro_node *writer, const struct tarn_avro_node *reader)
{
	if (writer->logical == TARN_AVRO_PLAIN || reader->logical == TARN_AVRO_PLAIN)
		return true;
	return writer->logical == reader->logical && writer->precision == reader->precision &&
	       writer->scale == reader->scale;
}

/* The reader's branch for a writer's type: the same type before one that it can be promoted to, the full name before a
 * name alone. -1 where there is none. */
static int32_t choose_branch(const struct tarn_avro_node *writer, const struct tarn_avro_node *reader)
{
	int32_t by_name = -1, promoted = -1;
	for (size_t i = reader->n_branches; i-- > 0;) {
		const struct tarn_avro_node *branch = reader->branches[i];
		if (branch->type == writer->type && !branch->full_name)
			return (int32_t)i;
		if (branch->type == writer->type && !strcmp(branch->full_name, writer->full_name))
			return (int32_t)i;
		if (branch->type == writer->type && names_match(writer, branch))
			by_name = (int32_t)i;
		else if (is_promotable(writer, branch))
			promoted = (int32_t)i;
	}
	return by_name >= 0 ? by_name : promoted;
}

/* ---- records ---- */

static const struct pair *find_pair(const struct compiler *c, const struct tarn_avro_node *writer,
				    const struct tarn_avro_node *reader)
{
	for (size_t i = 0; i < c->n_pairs; i++)
		if (c->pairs[i].writer == writer && c->pairs[i].reader == reader)
			return &c->pairs[i];
	return NULL;
}

/* Makes a record's steps, still empty, so that a record inside itself finds them. */
static uint32_t add_pair(struct compiler *c, const struct tarn_avro_node *writer, const struct tarn_avro_node *reader,
			 size_t n)
{
	uint32_t first = new_steps(c, n);
	c->pairs = tarn_grow(c->pairs, &c->pairs_capacity, c->n_pairs + 1, sizeof(*c->pairs));
	c->pairs[c->n_pairs++] = (struct pair){ writer, reader, first, (uint32_t)n };
	return first;
}

/* Which reader's field a writer's field goes to, -1: none. By name first, so that an alias takes no field away. */
static size_t match_fields(const struct tarn_avro_node *writer, const struct tarn_avro_node *reader, int32_t *target,
			   bool *is_filled)
{
	size_t n = 0;
	for (size_t i = 0; i < writer->n_fields; i++) {
		target[i] = tarn_avro_node_find(reader, writer->fields[i].name);
		if (target[i] < 0)
			continue;
		is_filled[target[i]] = true;
		n++;
	}
	for (size_t i = 0; i < reader->n_fields; i++) {
		const struct tarn_avro_field *field = &reader->fields[i];
		for (size_t k = 0; k < field->n_aliases && !is_filled[i]; k++) {
			int32_t from = tarn_avro_node_find(writer, field->aliases[k]);
			if (from < 0 || target[from] >= 0)
				continue;
			target[from] = (int32_t)i;
			is_filled[i] = true;
			n++;
		}
	}
	return n;
}

static enum tarn_rc compile_default(struct compiler *c, const struct tarn_avro_field *field, uint32_t at)
{
	if (!field->default_value)
		return fail(c, TARN_EINVALID, "the writer has no such field, and the reader no default for it");
	if (tarn_avro_collapsed(field->type) && field->default_value->kind == TARN_JSON_NULL) {
		set_step(c, at, TARN_AVRO_PUT_NULL, 0, 0);
		return TARN_OK;
	}
	struct tarn_buf bytes;
	struct tarn_err err;
	tarn_buf_init(&bytes, DEFAULT_MAX);
	enum tarn_rc rc = tarn_avro_json_encode(field->type, field->default_value, TARN_AVRO_JSON_NATIVE, &bytes, &err);
	if (rc)
		rc = fail(c, rc, "the default does not fit the field's type: %s", err.message);
	uint32_t first = 0;
	if (!rc)
		rc = compile_inner(c, field->type, field->type, &first);
	if (!rc)
		set_step(c, at, TARN_AVRO_PUT_DEFAULT, first, bytes.len)->table =
			tarn_arena_copy(&c->plan->arena, bytes.data, bytes.len);
	tarn_buf_release(&bytes);
	return rc;
}

static enum tarn_rc compile_fields(struct compiler *c, const struct tarn_avro_node *writer,
				   const struct tarn_avro_node *reader, uint32_t first, const int32_t *target,
				   const bool *is_filled)
{
	enum tarn_rc rc = TARN_OK;
	uint32_t at = first;
	for (size_t i = 0; i < writer->n_fields && !rc; i++, at++) {
		const struct tarn_avro_field *field = target[i] < 0 ? NULL : &reader->fields[target[i]];
		enter_place(c, writer->fields[i].name);
		c->plan->places[at] = c->place;
		c->plan->steps[at].column = field ? (uint32_t)target[i] : 0;
		rc = compile(c, writer->fields[i].type, field ? field->type : NULL, at);
		leave_place(c);
	}
	for (size_t i = 0; reader && i < reader->n_fields && !rc; i++) {
		if (is_filled[i])
			continue;
		enter_place(c, reader->fields[i].name);
		c->plan->places[at] = c->place;
		c->plan->steps[at].column = (uint32_t)i;
		rc = compile_default(c, &reader->fields[i], at++);
		leave_place(c);
	}
	return rc;
}

static enum tarn_rc compile_new_record(struct compiler *c, const struct tarn_avro_node *writer,
				       const struct tarn_avro_node *reader)
{
	int32_t *target = tarn_malloc(writer->n_fields * sizeof(*target));
	bool *is_filled = tarn_calloc(reader->n_fields, sizeof(*is_filled));
	size_t filled = match_fields(writer, reader, target, is_filled);
	uint32_t first = add_pair(c, writer, reader, writer->n_fields + reader->n_fields - filled);
	enum tarn_rc rc = compile_fields(c, writer, reader, first, target, is_filled);
	free(target);
	free(is_filled);
	return rc;
}

static enum tarn_rc compile_record(struct compiler *c, const struct tarn_avro_node *writer,
				   const struct tarn_avro_node *reader, uint32_t at)
{
	if (!names_match(writer, reader))
		return mismatch(c, writer, reader);
	enum tarn_rc rc = find_pair(c, writer, reader) ? TARN_OK : compile_new_record(c, writer, reader);
	if (rc)
		return rc;
	const struct pair *pair = find_pair(c, writer, reader);
	set_step(c, at, TARN_AVRO_READ_RECORD, pair->first, pair->n);
	return TARN_OK;
}

/* ---- other types ---- */

static enum tarn_rc compile_enum(struct compiler *c, const struct tarn_avro_node *writer,
				 const struct tarn_avro_node *reader, uint32_t at)
{
	if (!names_match(writer, reader))
		return mismatch(c, writer, reader);
	int32_t *table = tarn_arena_alloc(&c->plan->arena, writer->n_symbols * sizeof(*table));
	for (size_t i = 0; i < writer->n_symbols; i++) {
		table[i] = tarn_avro_node_find(reader, writer->symbols[i]);
		if (table[i] < 0)
			table[i] = reader->default_symbol;
	}
	set_step(c, at, TARN_AVRO_READ_ENUM, 0, writer->n_symbols)->table = table;
	return TARN_OK;
}

static enum tarn_rc compile_collection(struct compiler *c, const struct tarn_avro_node *writer,
				       const struct tarn_avro_node *reader, uint32_t at)
{
	uint32_t first, min_size = writer->items->min_size;
	enum tarn_rc rc = compile_items(c, writer, reader, &first);
	if (rc)
		return rc;
	if (writer->type == TARN_AVRO_ARRAY)
		set_step(c, at, TARN_AVRO_READ_ARRAY, first, 1)->min_size = min_size;
	else /* a key takes a byte at least */
		set_step(c, at, TARN_AVRO_READ_MAP, first, 1)->min_size =
			min_size < UINT32_MAX ? min_size + 1 : min_size;
	return TARN_OK;
}

static enum tarn_rc compile_plain(struct compiler *c, const struct tarn_avro_node *writer,
				  const struct tarn_avro_node *reader, uint32_t at)
{
	if (!logical_types_match(writer, reader))
		return fail(c, TARN_EINVALID, "the writer's %s(%d, %d) is no %s(%d, %d)",
			    tarn_avro_logical_name(writer->logical), writer->precision, writer->scale,
			    tarn_avro_logical_name(reader->logical), reader->precision, reader->scale);
	if (is_promotable(writer, reader)) {
		set_step(c, at, promotions[writer->type][reader->type], 0, 0);
		return TARN_OK;
	}
	if (writer->type != reader->type)
		return mismatch(c, writer, reader);
	switch (reader->type) {
	case TARN_AVRO_NULL: set_step(c, at, TARN_AVRO_READ_NULL, 0, 0); return TARN_OK;
	case TARN_AVRO_RECORD: return compile_record(c, writer, reader, at);
	case TARN_AVRO_ENUM: return compile_enum(c, writer, reader, at);
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP: return compile_collection(c, writer, reader, at);
	case TARN_AVRO_FIXED:
		if (!names_match(writer, reader) || writer->size != reader->size)
			return mismatch(c, writer, reader);
		set_step(c, at, TARN_AVRO_READ_FIXED, 0, reader->size);
		return TARN_OK;
	default: return mismatch(c, writer, reader);
	}
}

static enum tarn_rc compile_skipped_record(struct compiler *c, const struct tarn_avro_node *writer, uint32_t at)
{
	enum tarn_rc rc = TARN_OK;
	if (!find_pair(c, writer, NULL)) {
		int32_t *target = tarn_malloc(writer->n_fields * sizeof(*target));
		memset(target, -1, writer->n_fields * sizeof(*target));
		rc = compile_fields(c, writer, NULL, add_pair(c, writer, NULL, writer->n_fields), target, NULL);
		free(target);
	}
	if (rc)
		return rc;
	const struct pair *pair = find_pair(c, writer, NULL);
	set_step(c, at, TARN_AVRO_SKIP_RECORD, pair->first, pair->n);
	return TARN_OK;
}

/* A map's items are skipped as an array's, which are records of key and value. */
static enum tarn_rc compile_skipped_collection(struct compiler *c, const struct tarn_avro_node *writer, uint32_t at)
{
	uint32_t first;
	if (writer->type == TARN_AVRO_ARRAY) {
		enum tarn_rc rc = compile_items(c, writer, NULL, &first);
		if (!rc)
			set_step(c, at, TARN_AVRO_SKIP_ARRAY, first, 1)->min_size = writer->items->min_size;
		return rc;
	}
	first = new_steps(c, 3);
	set_step(c, at, TARN_AVRO_SKIP_ARRAY, first, 1)->min_size = 1;
	set_step(c, first, TARN_AVRO_SKIP_RECORD, first + 1, 2);
	set_step(c, first + 1, TARN_AVRO_SKIP_BYTES, 0, 0);
	return compile(c, writer->items, NULL, first + 2);
}

static enum tarn_rc compile_skip(struct compiler *c, const struct tarn_avro_node *writer, uint32_t at)
{
	switch (writer->type) {
	case TARN_AVRO_RECORD: return compile_skipped_record(c, writer, at);
	case TARN_AVRO_ARRAY:
	case TARN_AVRO_MAP: return compile_skipped_collection(c, writer, at);
	case TARN_AVRO_INT:
	case TARN_AVRO_LONG:
	case TARN_AVRO_ENUM: set_step(c, at, TARN_AVRO_SKIP_LONG, 0, 0); return TARN_OK;
	case TARN_AVRO_BYTES:
	case TARN_AVRO_STRING: set_step(c, at, TARN_AVRO_SKIP_BYTES, 0, 0); return TARN_OK;
	default: set_step(c, at, TARN_AVRO_SKIP_SIZE, 0, writer->min_size); return TARN_OK;
	}
}

/* ---- unions ---- */

static enum tarn_rc compile_into_union(struct compiler *c, const struct tarn_avro_node *writer,
				       const struct tarn_avro_node *reader, uint32_t at)
{
	const struct tarn_avro_node *value = tarn_avro_collapsed(reader);
	uint32_t first;
	enum tarn_rc rc;
	if (value && writer->type == TARN_AVRO_NULL) {
		set_step(c, at, TARN_AVRO_PUT_NULL, 0, 0);
		return TARN_OK;
	}
	if (value) {
		rc = compile_inner(c, writer, value, &first);
		if (!rc)
			set_step(c, at, TARN_AVRO_PRESENT, first, 1);
		return rc;
	}
	int32_t branch = choose_branch(writer, reader);
	if (branch < 0)
		return mismatch(c, writer, reader);
	rc = compile_inner(c, writer, reader->branches[branch], &first);
	if (!rc)
		set_step(c, at, TARN_AVRO_BRANCH, first, (size_t)branch);
	return rc;
}

/* A branch that the reader does not have is an error only in a datum that takes it; at least one must resolve. */
static enum tarn_rc compile_union(struct compiler *c, const struct tarn_avro_node *writer,
				  const struct tarn_avro_node *reader, uint32_t at)
{
	enum tarn_rc rc = TARN_OK;
	size_t n_resolved = 0;
	uint32_t first = new_steps(c, writer->n_branches);
	for (size_t i = 0; i < writer->n_branches; i++) {
		size_t n_steps = c->plan->n_steps, n_pairs = c->n_pairs;
		const struct tarn_avro_step_place *place = c->place;
		rc = compile(c, writer->branches[i], reader, first + (uint32_t)i);
		if (rc && rc != TARN_EINVALID)
			return rc;
		n_resolved += !rc;
		if (!rc)
			continue;
		c->plan->n_steps = n_steps;
		c->n_pairs = n_pairs;
		c->place = place;
		set_step(c, first + (uint32_t)i, TARN_AVRO_REFUSE, 0, 0)->table =
			tarn_avro_type_name(writer->branches[i]->type);
	}
	if (writer->n_branches && !n_resolved)
		return rc;
	set_step(c, at, reader ? TARN_AVRO_READ_UNION : TARN_AVRO_SKIP_UNION, first, writer->n_branches);
	return TARN_OK;
}

/* Fills step `at`: a writer's value becomes one in the reader's column; reader NULL: it is skipped. */
static enum tarn_rc compile(struct compiler *c, const struct tarn_avro_node *writer,
			    const struct tarn_avro_node *reader, uint32_t at)
{
	if (c->depth >= MAX_DEPTH)
		return fail(c, TARN_ELIMIT, "more than %d levels of nesting", MAX_DEPTH);
	enum tarn_rc rc;
	c->depth++;
	if (writer->type == TARN_AVRO_UNION)
		rc = compile_union(c, writer, reader, at);
	else if (!reader)
		rc = compile_skip(c, writer, at);
	else if (reader->type == TARN_AVRO_UNION)
		rc = compile_into_union(c, writer, reader, at);
	else
		rc = compile_plain(c, writer, reader, at);
	c->depth--;
	return rc;
}

enum tarn_rc tarn_avro_plan_new(const struct tarn_avro_schema *writer, const struct tarn_avro_schema *reader,
				struct tarn_avro_plan **plan, struct tarn_err *err)
{
	struct compiler c = { .plan = tarn_calloc(1, sizeof(**plan)) };
	const struct tarn_avro_node *root = tarn_avro_schema_root(writer);
	tarn_arena_init(&c.plan->arena);
	c.plan->min_size = root->min_size;
	enum tarn_rc rc = compile(&c, root, tarn_avro_schema_root(reader), new_steps(&c, 1));
	free(c.pairs);
	if (!rc) {
		*plan = c.plan;
		return TARN_OK;
	}
	tarn_avro_plan_free(c.plan);
	if (err)
		*err = c.err;
	return rc;
}

void tarn_avro_plan_free(struct tarn_avro_plan *plan)
{
	if (!plan)
		return;
	tarn_arena_release(&plan->arena);
	free(plan->steps);
	free(plan->places);
	free(plan);
}
