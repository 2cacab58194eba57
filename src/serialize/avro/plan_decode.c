/* Runs a plan's steps over encoded data. */
#include <stdio.h>

#include "serialize/avro/node.h"
#include "serialize/avro/steps.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "floats and doubles are copied as they are in the input: little-endian"
#endif

enum {
	MAX_DEPTH = 128,
	ROWS_AT_ONCE = 1024, /* room is made for so many data together */
	SHORT_TEXT = 16,
};
#define MAX_EMPTY_ITEMS ((uint64_t)1 << 24)
/* What one call may add to the columns, however few bytes announce it: nulls and defaults take more room than input. */
#define MEMORY_BASE ((size_t)64 << 20)
#define MEMORY_PER_BYTE 64

struct run {
	const struct tarn_avro_plan *plan;
	const uint8_t *start, *at, *end;
	unsigned depth;
	size_t memory_left;
	uint64_t empty_items_left;
	enum tarn_rc rc;
	struct tarn_err *err;
};

static bool run_steps(struct run *run, uint32_t first, uint32_t n, struct tarn_avro_column *columns);
static bool skip_steps(struct run *run, uint32_t first, uint32_t n);

/* ---- failure ---- */

static bool fail(struct run *run, enum tarn_rc rc, const struct tarn_avro_step *step, const char *fmt, ...)
	TARN_PRINTF(4, 5) __attribute__((cold, noinline));

static bool fail(struct run *run, enum tarn_rc rc, const struct tarn_avro_step *step, const char *fmt, ...)
{
	char path[TARN_AVRO_PATH_SIZE], message[280];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	tarn_avro_render_path(run->plan->places[step - run->plan->steps], path);
	run->rc = tarn_fail_at(run->err, rc, run->at - run->start, "avro data%s%s: %s", *path ? " at " : "", path,
			       message);
	return false;
}

static size_t left(const struct run *run)
{
	return (size_t)(run->end - run->at);
}

__attribute__((cold, noinline)) static bool cut_off(struct run *run, const struct tarn_avro_step *step, size_t wanted)
{
	return fail(run, TARN_EINVALID, step, "%zu bytes were expected, %zu are left", wanted, left(run));
}

__attribute__((cold, noinline)) static bool no_memory(struct run *run, const struct tarn_avro_step *step)
{
	return fail(run, TARN_ELIMIT, step, "so few bytes stand for more values than are accepted");
}

/* ---- numbers ---- */

__attribute__((noinline)) static bool long_number(struct run *run, const struct tarn_avro_step *step, int64_t *value)
{
	uint64_t bits = 0;
	const uint8_t *at = run->at;
	for (unsigned shift = 0; at < run->end && shift < 70; shift += 7) {
		uint8_t byte = *at++;
		if (shift == 63 && byte > 1)
			break;
		bits |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		run->at = at;
		*value = tarn_unzigzag(bits);
		return true;
	}
	if (at == run->end && at - run->at < 10)
		return fail(run, TARN_EINVALID, step, "a number is cut off");
	return fail(run, TARN_EINVALID, step, "a number has more than 64 bits");
}

static inline bool take_long(struct run *run, const struct tarn_avro_step *step, int64_t *value)
{
	if (run->at < run->end && *run->at < 0x80) {
		*value = tarn_unzigzag(*run->at++);
		return true;
	}
	return long_number(run, step, value);
}

static inline bool take_int(struct run *run, const struct tarn_avro_step *step, int32_t *value)
{
	const uint8_t *at = run->at;
	int64_t wide;
	if (!take_long(run, step, &wide))
		return false;
	*value = (int32_t)wide;
	if (*value == wide)
		return true;
	run->at = at;
	return fail(run, TARN_EINVALID, step, "%lld is no int of 32 bits", (long long)wide);
}

/* A position below n; a union's branch or an enum's symbol. */
static inline bool take_position(struct run *run, const struct tarn_avro_step *step, uint32_t n, uint32_t *position)
{
	const uint8_t *at = run->at;
	int64_t value;
	if (!take_long(run, step, &value))
		return false;
	*position = (uint32_t)value;
	if ((uint64_t)value < n)
		return true;
	run->at = at;
	return fail(run, TARN_EINVALID, step, "position %lld, there are %u", (long long)value, n);
}

static inline bool take_size(struct run *run, const struct tarn_avro_step *step, size_t *size)
{
	const uint8_t *at = run->at;
	int64_t value;
	if (!take_long(run, step, &value))
		return false;
	size_t available = left(run);
	*size = (size_t)value;
	if ((uint64_t)value <= available)
		return true;
	run->at = at;
	return fail(run, TARN_EINVALID, step, "a length of %lld bytes, %zu are left", (long long)value, available);
}

static inline bool take_boolean(struct run *run, const struct tarn_avro_step *step, uint8_t *value)
{
	if (run->at == run->end)
		return cut_off(run, step, 1);
	if (*run->at > 1)
		return fail(run, TARN_EINVALID, step, "byte %u is no boolean", *run->at);
	*value = *run->at++;
	return true;
}

static inline float load_float(const uint8_t *at)
{
	float value;
	memcpy(&value, at, sizeof(value));
	return value;
}

/* A number that becomes one of a wider type. */
static bool promote(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column)
{
	size_t i = column->length;
	int64_t number = 0;
	int32_t narrow = 0;
	bool is_int = step->op <= TARN_AVRO_INT_TO_DOUBLE;
	if (step->op == TARN_AVRO_FLOAT_TO_DOUBLE) {
		if (left(run) < 4)
			return cut_off(run, step, 4);
		column->f64[i] = load_float(run->at);
		run->at += 4;
	} else if (!(is_int ? take_int(run, step, &narrow) : take_long(run, step, &number))) {
		return false;
	}
	if (is_int)
		number = narrow;
	if (step->op == TARN_AVRO_INT_TO_LONG)
		column->i64[i] = number;
	else if (step->op == TARN_AVRO_INT_TO_FLOAT || step->op == TARN_AVRO_LONG_TO_FLOAT)
		column->f32[i] = (float)number;
	else if (step->op != TARN_AVRO_FLOAT_TO_DOUBLE)
		column->f64[i] = (double)number;
	column->length++;
	return true;
}

/* ---- text ---- */

static inline bool take_bytes(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column)
{
	size_t len;
	if (!take_size(run, step, &len))
		return false;
	uint8_t *room = tarn_buf_room(&column->data, len + SHORT_TEXT);
	if (!room)
		return no_memory(run, step);
	/* Most text is short, and a copy of fixed size is one instruction. */
	if (len <= SHORT_TEXT && left(run) >= SHORT_TEXT)
		memcpy(room, run->at, SHORT_TEXT);
	else
		memcpy(room, run->at, len);
	run->at += len;
	column->data.len += len;
	column->offsets[++column->length] = (int64_t)column->data.len;
	return true;
}

/* ---- arrays and maps ---- */

/* Opens the next block: *count items (0: the end). *end is where a block that says its size must end, else NULL. */
static bool open_block(struct run *run, const struct tarn_avro_step *step, uint64_t *count, const uint8_t **end)
{
	const uint8_t *at = run->at;
	int64_t value;
	*end = NULL;
	if (!take_long(run, step, &value))
		return false;
	*count = (uint64_t)value;
	if (value < 0) {
		size_t size;
		if (!take_size(run, step, &size))
			return false;
		*end = run->at + size;
		*count = -(uint64_t)value;
	}
	size_t bytes = *end ? (size_t)(*end - run->at) : left(run);
	if (!step->min_size || *count <= bytes / step->min_size)
		return true;
	run->at = at;
	return fail(run, TARN_EINVALID, step, "a block of %llu items of %u bytes or more, %zu are left",
		    (unsigned long long)*count, step->min_size, bytes);
}

static bool close_block(struct run *run, const struct tarn_avro_step *step, const uint8_t *end)
{
	if (!end || run->at == end)
		return true;
	return fail(run, TARN_EINVALID, step, "a block's items take %lld bytes more than it says",
		    (long long)(run->at - end));
}

static bool spend_empty_items(struct run *run, const struct tarn_avro_step *step, uint64_t count)
{
	if (count > run->empty_items_left)
		return fail(run, TARN_ELIMIT, step, "%llu items that take no bytes are more than are accepted",
			    (unsigned long long)count);
	run->empty_items_left -= count;
	return true;
}

static bool read_fixed_items(struct run *run, const struct tarn_avro_step *item, struct tarn_avro_column *items,
			     size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes) || left(run) < bytes)
		return cut_off(run, item, size);
	memcpy(items->bytes + items->length * size, run->at, bytes);
	run->at += bytes;
	items->length += count;
	return true;
}

static bool read_record_items(struct run *run, const struct tarn_avro_step *item, struct tarn_avro_column *items,
			      size_t count)
{
	if (run->depth >= MAX_DEPTH)
		return fail(run, TARN_ELIMIT, item, "more than %d levels of nesting", MAX_DEPTH);
	run->depth++;
	uint32_t first = item->first, n = item->n;
	for (size_t i = 0; i < count; i++) {
		if (!run_steps(run, first, n, items->children))
			return false;
		items->length++;
	}
	run->depth--;
	return true;
}

/* `count` values; there is room for them. */
static bool read_items(struct run *run, uint32_t first, struct tarn_avro_column *items, size_t count)
{
	const struct tarn_avro_step *item = &run->plan->steps[first];
	switch (item->op) {
	case TARN_AVRO_READ_FLOAT:  return read_fixed_items(run, item, items, count, 4);
	case TARN_AVRO_READ_DOUBLE: return read_fixed_items(run, item, items, count, 8);
	case TARN_AVRO_READ_RECORD: return read_record_items(run, item, items, count);
	case TARN_AVRO_READ_NULL:   items->length += count; return true;
	case TARN_AVRO_READ_BYTES:
		for (size_t i = 0; i < count; i++)
			if (!take_bytes(run, item, items))
				return false;
		return true;
	default:
		for (size_t i = 0; i < count; i++)
			if (!run_steps(run, first, 1, items))
				return false;
		return true;
	}
}

static bool read_array(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column)
{
	struct tarn_avro_column *items = &column->children[0];
	for (;;) {
		uint64_t count;
		const uint8_t *end;
		if (!open_block(run, step, &count, &end))
			return false;
		if (!step->min_size && !spend_empty_items(run, step, count))
			return false;
		if (!tarn_avro_column_reserve(items, count, &run->memory_left))
			return no_memory(run, step);
		if (!read_items(run, step->first, items, count) || !close_block(run, step, end))
			return false;
		if (!count)
			break;
	}
	column->offsets[++column->length] = (int64_t)items->length;
	return true;
}

static bool read_entries(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column,
			 uint64_t count)
{
	struct tarn_avro_column *keys = &column->children[0], *values = &column->children[1];
	if (!tarn_avro_column_reserve(keys, count, &run->memory_left) ||
	    !tarn_avro_column_reserve(values, count, &run->memory_left))
		return no_memory(run, step);
	for (uint64_t i = 0; i < count; i++)
		if (!take_bytes(run, step, keys) || !run_steps(run, step->first, 1, values))
			return false;
	return true;
}

static bool read_map(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column)
{
	uint64_t count;
	do {
		const uint8_t *end;
		if (!open_block(run, step, &count, &end) || !read_entries(run, step, column, count) ||
		    !close_block(run, step, end))
			return false;
	} while (count);
	column->offsets[++column->length] = (int64_t)column->children[0].length;
	return true;
}

/* ---- other compounds ---- */

/* Runs the steps of something that holds values, one level deeper. */
static bool deeper(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column)
{
	if (run->depth >= MAX_DEPTH)
		return fail(run, TARN_ELIMIT, step, "more than %d levels of nesting", MAX_DEPTH);
	run->depth++;
	bool ok;
	if (step->op == TARN_AVRO_READ_ARRAY)
		ok = read_array(run, step, column);
	else if (step->op == TARN_AVRO_READ_MAP)
		ok = read_map(run, step, column);
	else
		ok = run_steps(run, step->first, step->n, column->children) && ++column->length;
	run->depth--;
	return ok;
}

/* Enters a value into a union that is not collapsed; the value itself comes next. NULL where there is no room. */
static struct tarn_avro_column *enter_branch(struct run *run, const struct tarn_avro_step *step,
					     struct tarn_avro_column *column)
{
	struct tarn_avro_column *child = &column->children[step->n];
	if (child->length >= INT32_MAX || !tarn_avro_column_reserve(child, 1, &run->memory_left)) {
		no_memory(run, step);
		return NULL;
	}
	column->branch[column->length] = (uint8_t)step->n;
	column->i32[column->length++] = (int32_t)child->length;
	return child;
}

static bool put_default(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column)
{
	const uint8_t *at = run->at, *end = run->end;
	bool ok = run->memory_left >= step->n;
	if (ok) {
		run->memory_left -= step->n;
		run->at = step->table;
		run->end = run->at + step->n;
		ok = run_steps(run, step->first, 1, column);
		run->at = at;
		run->end = end;
	}
	return ok || no_memory(run, step);
}

static bool read_enum(struct run *run, const struct tarn_avro_step *step, struct tarn_avro_column *column)
{
	const uint8_t *at = run->at;
	uint32_t position;
	if (!take_position(run, step, step->n, &position))
		return false;
	int32_t symbol = ((const int32_t *)step->table)[position];
	if (symbol >= 0) {
		column->i32[column->length++] = symbol;
		return true;
	}
	run->at = at;
	return fail(run, TARN_EINVALID, step, "the writer's symbol %u is not one of the reader's", position);
}

static bool refuse(struct run *run, const struct tarn_avro_step *step)
{
	return fail(run, TARN_EINVALID, step, "a value of the writer's type \"%s\", which the reader does not have",
		    (const char *)step->table);
}

/* ---- skipping ---- */

static bool skip_array(struct run *run, const struct tarn_avro_step *step)
{
	uint64_t count;
	do {
		const uint8_t *end;
		if (!open_block(run, step, &count, &end))
			return false;
		if (end) {
			run->at = end;
			continue;
		}
		for (uint64_t i = 0; step->min_size && i < count; i++)
			if (!skip_steps(run, step->first, 1))
				return false;
	} while (count);
	return true;
}

static bool skip_inner(struct run *run, const struct tarn_avro_step *step)
{
	if (run->depth >= MAX_DEPTH)
		return fail(run, TARN_ELIMIT, step, "more than %d levels of nesting", MAX_DEPTH);
	run->depth++;
	bool ok = step->op == TARN_AVRO_SKIP_ARRAY ? skip_array(run, step) : skip_steps(run, step->first, step->n);
	run->depth--;
	return ok;
}

static bool skip_step(struct run *run, const struct tarn_avro_step *step)
{
	int64_t number;
	size_t size = step->n;
	uint32_t branch;
	switch (step->op) {
	case TARN_AVRO_REFUSE:     return refuse(run, step);
	case TARN_AVRO_SKIP_LONG:  return take_long(run, step, &number);
	case TARN_AVRO_SKIP_RECORD:
	case TARN_AVRO_SKIP_ARRAY: return skip_inner(run, step);
	case TARN_AVRO_SKIP_UNION: return take_position(run, step, step->n, &branch) &&
					   skip_steps(run, step->first + branch, 1);
	case TARN_AVRO_SKIP_BYTES:
		if (!take_size(run, step, &size))
			return false;
		break;
	default: /* SKIP_SIZE */
		if (left(run) < size)
			return cut_off(run, step, size);
	}
	run->at += size;
	return true;
}

static bool skip_steps(struct run *run, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		if (!skip_step(run, &run->plan->steps[i]))
			return false;
	return true;
}

/* ---- steps ---- */

/* Runs steps [first, first + n), each on its column of `columns`. There is room for a value in each. False on failure,
 * which leaves columns of unlike length: the caller cuts them. */
static bool run_steps(struct run *run, uint32_t first, uint32_t n, struct tarn_avro_column *columns)
{
	const struct tarn_avro_step *steps = run->plan->steps;
	for (const struct tarn_avro_step *next = steps + first, *end = next + n; next < end; next++) {
		const struct tarn_avro_step *step = next;
		struct tarn_avro_column *column = columns + step->column;
		int32_t narrow;
		int64_t wide;
		uint32_t position;
	again:
		switch ((enum tarn_avro_op)step->op) {
		case TARN_AVRO_READ_NULL:
			column->length++;
			break;
		case TARN_AVRO_READ_BOOLEAN:
			if (!take_boolean(run, step, &column->bytes[column->length]))
				return false;
			column->length++;
			break;
		case TARN_AVRO_READ_INT:
			if (!take_int(run, step, &narrow))
				return false;
			column->i32[column->length++] = narrow;
			break;
		case TARN_AVRO_READ_LONG:
			if (!take_long(run, step, &wide))
				return false;
			column->i64[column->length++] = wide;
			break;
		case TARN_AVRO_READ_FLOAT:
			if (left(run) < 4)
				return cut_off(run, step, 4);
			column->f32[column->length++] = load_float(run->at);
			run->at += 4;
			break;
		case TARN_AVRO_READ_DOUBLE:
			if (left(run) < 8)
				return cut_off(run, step, 8);
			memcpy(&column->f64[column->length++], run->at, 8);
			run->at += 8;
			break;
		case TARN_AVRO_READ_BYTES:
			if (!take_bytes(run, step, column))
				return false;
			break;
		case TARN_AVRO_READ_FIXED:
			if (!read_fixed_items(run, step, column, 1, step->n))
				return false;
			break;
		case TARN_AVRO_READ_ENUM:
			if (!read_enum(run, step, column))
				return false;
			break;
		case TARN_AVRO_INT_TO_LONG:
		case TARN_AVRO_INT_TO_FLOAT:
		case TARN_AVRO_INT_TO_DOUBLE:
		case TARN_AVRO_LONG_TO_FLOAT:
		case TARN_AVRO_LONG_TO_DOUBLE:
		case TARN_AVRO_FLOAT_TO_DOUBLE:
			if (!promote(run, step, column))
				return false;
			break;
		case TARN_AVRO_READ_RECORD:
		case TARN_AVRO_READ_ARRAY:
		case TARN_AVRO_READ_MAP:
			if (!deeper(run, step, column))
				return false;
			break;
		case TARN_AVRO_READ_UNION:
			if (!take_position(run, step, step->n, &position))
				return false;
			step = steps + step->first + position;
			goto again;
		case TARN_AVRO_PRESENT:
			column->valid[column->length] = 1;
			step = steps + step->first;
			goto again;
		case TARN_AVRO_BRANCH:
			column = enter_branch(run, step, column);
			if (!column)
				return false;
			step = steps + step->first;
			goto again;
		case TARN_AVRO_PUT_NULL:
			tarn_avro_column_put_empty(column);
			break;
		case TARN_AVRO_PUT_DEFAULT:
			if (!put_default(run, step, column))
				return false;
			break;
		default: /* values that nobody wants or can have */
			if (!skip_step(run, step))
				return false;
		}
	}
	return true;
}

/* Room for the next data, as many as the bytes that are left can hold; their number, or 0 on failure. */
static size_t prepare(struct run *run, struct tarn_avro_column *root, size_t count)
{
	size_t possible = run->plan->min_size ? left(run) / run->plan->min_size : ROWS_AT_ONCE;
	if (count > ROWS_AT_ONCE)
		count = ROWS_AT_ONCE;
	if (count > possible)
		count = possible;
	if (!count) {
		cut_off(run, run->plan->steps, run->plan->min_size);
		return 0;
	}
	if (!run->plan->min_size && !spend_empty_items(run, run->plan->steps, count))
		return 0;
	if (!tarn_avro_column_reserve(root, count, &run->memory_left)) {
		no_memory(run, run->plan->steps);
		return 0;
	}
	return count;
}

enum tarn_rc tarn_avro_plan_decode(const struct tarn_avro_plan *plan, struct tarn_cursor *cursor, size_t count,
				   struct tarn_avro_column *root, size_t *decoded, struct tarn_err *err)
{
	struct run run = { .plan = plan, .start = cursor->start, .at = cursor->at, .end = cursor->end,
			   .empty_items_left = MAX_EMPTY_ITEMS, .err = err };
	run.memory_left = MEMORY_BASE + MEMORY_PER_BYTE * left(&run);
	size_t before = root->length, done = 0;
	while (done < count && !run.rc) {
		size_t some = prepare(&run, root, count - done);
		for (; some; some--, done++) {
			if (!run_steps(&run, 0, 1, root))
				break;
			cursor->at = run.at;
		}
	}
	if (run.rc)
		tarn_avro_column_cut(root, before + done);
	*decoded = done;
	return run.rc;
}
