#include "process/run/split_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "serialize/avro/container.h"

enum {
	SYNC_SIZE = 16,
	WINDOW_LEAST = 64 << 10,
	PIECES_AHEAD = 4, /* of a large container that are expected */
	HEADER_MAX = 16 << 20,
	BLOCK_MAX = 256 << 20,
	JSON_MAX = 256 << 20,
};

struct tarn_reader {
	const struct tarn_split *split;
	struct tarn_store *raw;
	struct tarn_record_plans *plans;
	const struct tarn_ranges **processed; /* per object of the split: offsets to be passed over, or NULL */
	size_t next;
	size_t expected;	/* objects that the store was told of, or that are not worth it */
	int64_t expected_bytes; /* of the large container */
	/* The large container that is being read, or NULL: a window on it, and where the next block begins in the
	 * window. */
	const struct tarn_raw_object *large;
	struct tarn_buf window, header_bytes;
	struct tarn_avro_header header;
	int64_t window_position;
	size_t at;
	int64_t next_record;
};

/* Asks the ledger for all objects at once: later it belongs to the thread that admits records. */
static enum tarn_rc find_processed(struct tarn_reader *reader, struct tarn_ledger *ledger, struct tarn_err *err)
{
	const struct tarn_split *split = reader->split;
	const struct tarn_ranges *ranges;

	reader->processed = tarn_calloc(split->n_objects + 1, sizeof(*reader->processed));
	for (size_t i = 0; i < split->n_objects; i++) {
		const struct tarn_raw_object *object = &split->objects[i];
		enum tarn_rc rc;

		if (object->naming != TARN_RAW_OFFSET)
			continue;
		rc = tarn_ledger_ranges(ledger, object->topic, object->partition, &ranges, err);
		if (rc)
			return rc;
		if (ranges->n)
			reader->processed[i] = ranges;
	}
	return TARN_OK;
}

enum tarn_rc tarn_reader_new(const struct tarn_split *split, struct tarn_store *raw, struct tarn_ledger *ledger,
			     struct tarn_record_plans *plans, struct tarn_reader **reader, struct tarn_err *err)
{
	struct tarn_reader *new = tarn_calloc(1, sizeof(*new));
	enum tarn_rc rc;

	new->split = split;
	new->raw = raw;
	new->plans = plans;
	tarn_buf_init(&new->window, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&new->header_bytes, TARN_BUF_DEFAULT_MAX);
	rc = find_processed(new, ledger, err);
	if (rc)
		tarn_reader_free(new);
	else
		*reader = new;
	return rc;
}

void tarn_reader_free(struct tarn_reader *reader)
{
	if (!reader)
		return;
	tarn_buf_release(&reader->window);
	tarn_buf_release(&reader->header_bytes);
	free(reader->processed);
	free(reader);
}

static const struct tarn_slice no_payload;

/* Whether an error is about this object, not about the machine. */
static bool is_unreadable(const struct tarn_err *problem)
{
	switch (problem->sys_errno) {
	case EACCES:
	case EPERM:
	case ELOOP:
	case EISDIR:
	case ENXIO:
	case ENAMETOOLONG: return true;
	default: return problem->code == TARN_ENOTFOUND;
	}
}

/* Passes a machine's trouble on; an object's becomes a letter. */
static enum tarn_rc refuse(struct tarn_unit *unit, const struct tarn_raw_object *object, const struct tarn_err *problem,
			   struct tarn_err *err)
{
	if (!is_unreadable(problem)) {
		if (err)
			*err = *problem;
		return tarn_err_within(err, problem->code, "reading raw object \"%s\"", object->key);
	}
	tarn_unit_add_letter(unit, object, "read", problem, -1, -1, no_payload);
	return TARN_OK;
}

static struct tarn_piece *add_piece(struct tarn_reader *reader, struct tarn_unit *unit,
				    const struct tarn_raw_object *object)
{
	struct tarn_piece *piece = tarn_unit_add_piece(unit, object);

	piece->processed = reader->processed[object - reader->split->objects];
	return piece;
}

static enum tarn_rc read_whole(struct tarn_reader *reader, struct tarn_unit *unit, const struct tarn_raw_object *object,
			       struct tarn_err *err)
{
	size_t before = unit->bytes.len;
	struct tarn_piece *piece;
	struct tarn_err problem;

	if (object->size > JSON_MAX) {
		tarn_fail(&problem, TARN_ELIMIT, "the object has %lld bytes, the limit for JSON is 256 MiB",
			  (long long)object->size);
		tarn_unit_add_letter(unit, object, "read", &problem, -1, -1, no_payload);
		return TARN_OK;
	}
	if (tarn_store_get(reader->raw, object->key, &unit->bytes, &problem)) {
		unit->bytes.len = before;
		return refuse(unit, object, &problem, err);
	}
	piece = add_piece(reader, unit, object);
	piece->at = before;
	piece->len = unit->bytes.len - before;
	return TARN_OK;
}

static bool is_large(const struct tarn_raw_object *object)
{
	return !object->is_json && object->size > TARN_UNIT_BYTES;
}

/* Tells a distant store what will be read next, as far as it goes along. */
static void expect_objects(struct tarn_reader *reader)
{
	const struct tarn_split *split = reader->split;

	if (reader->expected < reader->next)
		reader->expected = reader->next;
	while (reader->expected < split->n_objects) {
		const struct tarn_raw_object *object = &split->objects[reader->expected];

		if (is_large(object) || !tarn_store_expect(reader->raw, object->key, object->size))
			break;
		reader->expected++;
	}
}

/* ---- large containers ---- */

static size_t window_left(const struct tarn_reader *reader)
{
	return reader->window.len - reader->at;
}

static int64_t behind_window(const struct tarn_reader *reader)
{
	return reader->large->size - reader->window_position - (int64_t)reader->window.len;
}

static void expect_pieces(struct tarn_reader *reader, int64_t from)
{
	const struct tarn_raw_object *object = reader->large;
	const int64_t piece = TARN_UNIT_BYTES / 4, end = from + PIECES_AHEAD * piece;

	if (reader->expected_bytes < from)
		reader->expected_bytes = from;
	while (reader->expected_bytes < end && reader->expected_bytes < object->size) {
		int64_t left = object->size - reader->expected_bytes, len = left < piece ? left : piece;

		if (!tarn_store_expect_range(reader->raw, object->key, reader->expected_bytes, len))
			break;
		reader->expected_bytes += len;
	}
}

/* Reads on until the window holds `need` bytes from `at`, or all that there is. */
static enum tarn_rc fill(struct tarn_reader *reader, size_t need, struct tarn_err *err)
{
	struct tarn_buf *window = &reader->window;
	size_t left = window_left(reader), more;
	int64_t position;
	uint8_t *room;
	enum tarn_rc rc;

	if (left >= need || behind_window(reader) <= 0)
		return TARN_OK;
	if (reader->at)
		memmove(window->data, window->data + reader->at, left);
	window->len = left;
	reader->window_position += (int64_t)reader->at;
	reader->at = 0;
	more = need - left < TARN_UNIT_BYTES / 4 ? TARN_UNIT_BYTES / 4 : need - left;
	if ((int64_t)more > behind_window(reader))
		more = (size_t)behind_window(reader);
	room = tarn_buf_room(window, more);
	if (!room)
		return tarn_fail(err, TARN_ELIMIT, "a window of %zu bytes, the limit is %zu", left + more, window->max);
	position = reader->window_position + (int64_t)left;
	expect_pieces(reader, position + (int64_t)more);
	rc = tarn_store_get_range(reader->raw, reader->large->key, position, more, room, err);
	if (!rc)
		window->len += more;
	return rc;
}

/* The header may be longer than the first window: its end is found by trying. */
static enum tarn_rc read_header(struct tarn_reader *reader, struct tarn_err *problem)
{
	for (size_t need = WINDOW_LEAST;; need *= 4) {
		enum tarn_rc rc = fill(reader, need, problem);
		struct tarn_slice head = tarn_buf_slice(&reader->window);

		if (rc)
			return rc;
		rc = tarn_avro_header_read(head, &reader->header, problem);
		if (!rc || need >= HEADER_MAX || behind_window(reader) <= 0)
			return rc;
	}
}

/* Keeps the header beside the window, which moves on. */
static enum tarn_rc keep_header(struct tarn_reader *reader, struct tarn_err *problem)
{
	const struct tarn_record_plan *plan;
	size_t size = reader->header.size;
	enum tarn_rc rc;

	tarn_buf_clear(&reader->header_bytes);
	tarn_buf_add(&reader->header_bytes, reader->window.data, size);
	rc = tarn_avro_header_read(tarn_buf_slice(&reader->header_bytes), &reader->header, problem);
	if (!rc)
		rc = tarn_record_plan_get(reader->plans, reader->header.schema_json, &plan, problem);
	reader->at = size;
	return rc;
}

static enum tarn_rc begin_large(struct tarn_reader *reader, struct tarn_unit *unit,
				const struct tarn_raw_object *object, struct tarn_err *err)
{
	struct tarn_err problem;
	enum tarn_rc rc;

	reader->large = object;
	tarn_buf_clear(&reader->window);
	reader->window_position = 0;
	reader->at = 0;
	reader->next_record = 0;
	reader->expected_bytes = 0;
	rc = read_header(reader, &problem);
	if (!rc)
		rc = keep_header(reader, &problem);
	if (!rc)
		return TARN_OK;
	reader->large = NULL;
	if (rc == TARN_EIO || rc == TARN_ENOTFOUND)
		return refuse(unit, object, &problem, err);
	tarn_unit_add_letter(unit, object, "header", &problem, -1, problem.position, no_payload);
	return TARN_OK;
}

/* Gets the next block into the window, if its first two numbers make sense. */
static enum tarn_rc fill_block(struct tarn_reader *reader, struct tarn_err *err)
{
	struct tarn_cursor cursor;
	uint64_t count, size;
	enum tarn_rc rc = fill(reader, 2 * 10, err);

	if (rc)
		return rc;
	cursor = tarn_cursor_of(tarn_slice_of(reader->window.data + reader->at, window_left(reader)));
	if (!tarn_cursor_varint(&cursor, &count) || !tarn_cursor_varint(&cursor, &size) || tarn_unzigzag(size) < 0 ||
	    tarn_unzigzag(size) > BLOCK_MAX)
		return TARN_OK;
	return fill(reader, (size_t)tarn_cursor_position(&cursor) + (size_t)tarn_unzigzag(size) + SYNC_SIZE, err);
}

/* Moves `at` behind the next sync marker; false where there is none. */
static enum tarn_rc resync(struct tarn_reader *reader, bool *found, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	*found = false;
	while (!rc) {
		struct tarn_slice rest = tarn_slice_of(reader->window.data + reader->at, window_left(reader));
		size_t position = 0;

		if (tarn_avro_resync(rest, &reader->header, &position)) {
			reader->at += position;
			*found = true;
			break;
		}
		if (behind_window(reader) <= 0)
			break;
		if (rest.len >= SYNC_SIZE)
			reader->at = reader->window.len - (SYNC_SIZE - 1);
		rc = fill(reader, TARN_UNIT_BYTES / 4, err);
	}
	return rc;
}

static struct tarn_piece *begin_part(struct tarn_reader *reader, struct tarn_unit *unit)
{
	size_t header_at = unit->bytes.len;
	struct tarn_piece *part;

	tarn_buf_add_slice(&unit->bytes, tarn_buf_slice(&reader->header_bytes));
	part = add_piece(reader, unit, reader->large);
	part->is_part = true;
	part->header_at = header_at;
	part->header_len = reader->header_bytes.len;
	part->position = reader->window_position + (int64_t)reader->at;
	part->first_record = reader->next_record;
	return part;
}

/* Behind damage: notes it and looks for the next block. */
static enum tarn_rc pass_damage(struct tarn_reader *reader, struct tarn_unit *unit, const struct tarn_err *problem,
				struct tarn_err *err)
{
	bool found;
	enum tarn_rc rc;

	tarn_unit_add_letter(unit, reader->large, "decode", problem, reader->next_record,
			     problem->position < 0 ? -1
						   : reader->window_position + (int64_t)reader->at + problem->position,
			     no_payload);
	reader->next_record = -1;
	rc = resync(reader, &found, err);
	if (!rc && !found)
		reader->large = NULL;
	return rc;
}

/* One block into the unit, or what is wrong with it. */
static enum tarn_rc read_block(struct tarn_reader *reader, struct tarn_unit *unit, struct tarn_piece **part,
			       struct tarn_err *err)
{
	struct tarn_avro_block block;
	struct tarn_err problem;
	struct tarn_slice rest;
	size_t len = 0;
	enum tarn_rc rc = fill_block(reader, err);

	if (rc)
		return rc;
	rest = tarn_slice_of(reader->window.data + reader->at, window_left(reader));
	rc = tarn_avro_block_next(rest, &reader->header, &len, &block, &problem);
	if (rc == TARN_ENOTFOUND) {
		reader->large = NULL;
		return TARN_OK;
	}
	if (rc) {
		*part = NULL;
		return pass_damage(reader, unit, &problem, err);
	}
	if (!*part)
		*part = begin_part(reader, unit);
	tarn_buf_add(&unit->bytes, rest.data, len);
	(*part)->len += len;
	reader->at += len;
	reader->next_record = tarn_record_behind(reader->next_record, block.count);
	return TARN_OK;
}

static enum tarn_rc continue_large(struct tarn_reader *reader, struct tarn_unit *unit, struct tarn_err *err)
{
	const struct tarn_raw_object *object = reader->large;
	struct tarn_piece *part = NULL;
	enum tarn_rc rc = TARN_OK;

	while (!rc && reader->large && unit->bytes.len < TARN_UNIT_BYTES)
		rc = read_block(reader, unit, &part, err);
	return rc ? tarn_err_within(err, rc, "reading raw object \"%s\"", object->key) : TARN_OK;
}

/* ---- units ---- */

static enum tarn_rc fill_unit(struct tarn_reader *reader, struct tarn_unit *unit, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	while (!rc && reader->next < reader->split->n_objects && unit->n_pieces + unit->n_letters < TARN_UNIT_OBJECTS) {
		const struct tarn_raw_object *object = &reader->split->objects[reader->next];
		bool large = is_large(object);

		if (unit->n_pieces && (large || (int64_t)unit->bytes.len + object->size > TARN_UNIT_BYTES))
			break;
		expect_objects(reader);
		reader->next++;
		if (!large) {
			rc = read_whole(reader, unit, object, err);
			continue;
		}
		rc = begin_large(reader, unit, object, err);
		if (!rc && reader->large)
			return continue_large(reader, unit, err);
	}
	return rc;
}

enum tarn_rc tarn_reader_next(struct tarn_reader *reader, struct tarn_unit *unit, bool *any, struct tarn_err *err)
{
	enum tarn_rc rc = reader->large ? continue_large(reader, unit, err) : fill_unit(reader, unit, err);

	if (!rc)
		*any = unit->n_pieces || unit->n_letters || reader->large || reader->next < reader->split->n_objects;
	return rc;
}
