#include "process/run/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "serialize/avro/container.h"

void tarn_unit_init(struct tarn_unit *unit)
{
	*unit = (struct tarn_unit){ 0 };
	tarn_buf_init(&unit->bytes, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&unit->block_data, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&unit->text, TARN_BUF_DEFAULT_MAX);
	tarn_arena_init(&unit->arena);
	unit->batch = tarn_record_batch_new();
	unit->compressor = tarn_compressor_new();
	unit->scratch = tarn_parquet_scratch_new();
	unit->cutter = tarn_cutter_new();
}

static void free_groups(struct tarn_unit *unit)
{
	for (size_t i = 0; i < unit->n_portions; i++)
		tarn_parquet_group_free(unit->portions[i].group);
	unit->n_portions = 0;
}

void tarn_unit_release(struct tarn_unit *unit)
{
	free_groups(unit);
	tarn_buf_release(&unit->bytes);
	tarn_buf_release(&unit->block_data);
	tarn_buf_release(&unit->text);
	tarn_arena_release(&unit->arena);
	tarn_record_batch_free(unit->batch);
	tarn_compressor_free(unit->compressor);
	tarn_parquet_scratch_free(unit->scratch);
	tarn_cutter_free(unit->cutter);
	free(unit->pieces);
	free(unit->records);
	free(unit->letters);
	free(unit->portions);
	*unit = (struct tarn_unit){ 0 };
}

void tarn_unit_clear(struct tarn_unit *unit)
{
	free_groups(unit);
	tarn_buf_clear(&unit->bytes);
	tarn_record_batch_clear(unit->batch);
	tarn_arena_clear(&unit->arena);
	tarn_cutter_clear(unit->cutter);
	unit->n_pieces = unit->n_records = unit->n_letters = 0;
	unit->letters_output = unit->repeats_output = NULL;
}

struct tarn_piece *tarn_unit_add_piece(struct tarn_unit *unit, const struct tarn_raw_object *object)
{
	struct tarn_piece *piece;

	unit->pieces = tarn_grow(unit->pieces, &unit->pieces_capacity, unit->n_pieces + 1, sizeof(*unit->pieces));
	piece = &unit->pieces[unit->n_pieces++];
	*piece = (struct tarn_piece){ .object = object, .at = unit->bytes.len };
	return piece;
}

/* Tables hold text: names and messages may not be any. */
static struct tarn_slice text_of(struct tarn_unit *unit, struct tarn_slice text)
{
	if (tarn_utf8_valid(text) == text.len)
		return text;
	tarn_buf_clear(&unit->text);
	tarn_utf8_repair(text, &unit->text);
	return tarn_slice_of(tarn_arena_copy(&unit->arena, unit->text.data, unit->text.len), unit->text.len);
}

static struct tarn_slice reason_of(struct tarn_unit *unit, const struct tarn_err *problem)
{
	const char *text = problem->hint[0]
				   ? tarn_arena_printf(&unit->arena, "%s (%s)", problem->message, problem->hint)
				   : tarn_arena_strdup(&unit->arena, problem->message);

	return text_of(unit, tarn_slice_str(text));
}

struct tarn_dead_letter *tarn_unit_add_letter(struct tarn_unit *unit, const struct tarn_raw_object *object,
					      const char *stage, const struct tarn_err *problem, int64_t record,
					      int64_t position, struct tarn_slice payload)
{
	/* An object of which nothing could be read stands at its first offset; behind damage the offset is unknown. */
	bool whole = !strcmp(stage, "read") || !strcmp(stage, "header");
	struct tarn_dead_letter *letter;

	unit->letters = tarn_grow(unit->letters, &unit->letters_capacity, unit->n_letters + 1, sizeof(*unit->letters));
	unit->letters[unit->n_letters].object = object;
	letter = &unit->letters[unit->n_letters++].letter;
	*letter = (struct tarn_dead_letter){
		.reason = reason_of(unit, problem),
		.error = tarn_rc_name(problem->code),
		.stage = stage,
		.object = text_of(unit, tarn_slice_str(object->key)),
		.topic = text_of(unit, object->topic),
		.record = record,
		.byte_position = position,
		.has_offset = object->naming == TARN_RAW_OFFSET && (record >= 0 || whole),
		.partition = object->partition,
		.offset = object->offset + (record >= 0 ? record : 0),
	};
	if (payload.data && payload.len <= TARN_PAYLOAD_MAX)
		letter->payload = tarn_slice_of(tarn_arena_copy(&unit->arena, payload.data, payload.len), payload.len);
	return letter;
}

static const struct tarn_slice no_payload;

/* Takes the records that the batch has got since `unit->n_records`. */
static void add_records(struct tarn_unit *unit, size_t piece, size_t block, int64_t first_record,
			const struct tarn_raw_offsets *offsets)
{
	const struct tarn_raw_object *object = unit->pieces[piece].object;
	struct tarn_slice key = text_of(unit, tarn_slice_str(object->key)), topic = text_of(unit, object->topic);
	size_t n = tarn_record_batch_count(unit->batch);

	unit->records = tarn_grow(unit->records, &unit->records_capacity, n, sizeof(*unit->records));
	for (size_t i = unit->n_records; i < n; i++) {
		struct tarn_unit_record *record = &unit->records[i];
		uint64_t in_block = i - unit->n_records;
		int64_t index = first_record < 0 ? -1 : first_record + (int64_t)in_block;
		int64_t offset = index < 0 ? -1 : tarn_raw_offset_of(object, offsets, index);

		record->state = TARN_RECORD_NEW;
		record->object = object;
		record->piece = piece;
		record->block = block;
		record->in_block = in_block;
		record->experiment.lineage = (struct tarn_lineage){
			.object = key,
			.topic = topic,
			.has_offset = object->naming == TARN_RAW_OFFSET && offset >= 0,
			.partition = object->partition,
			.offset = offset,
			.index = index,
		};
	}
	unit->n_records = n;
}

/* ---- containers ---- */

struct container {
	struct tarn_unit *unit;
	struct tarn_record_plans *plans;
	size_t piece;
	struct tarn_avro_header header;
	const struct tarn_record_plan *plan;
	struct tarn_raw_offsets offsets;
	int64_t next_record; /* -1: unknown */
};

static void add_damage(struct container *container, const struct tarn_err *problem, int64_t record, int64_t position,
		       struct tarn_slice payload)
{
	const struct tarn_piece *piece = &container->unit->pieces[container->piece];

	struct tarn_dead_letter *letter =
		tarn_unit_add_letter(container->unit, piece->object, "decode", problem, record,
				     position < 0 ? -1 : piece->position + position, payload);
	if (letter->has_offset)
		letter->offset = tarn_raw_offset_of(piece->object, &container->offsets, record);
	letter->has_offset &= letter->offset >= 0;
}

/* The record behind the `added` ones could not be read, nor could what follows it in the block. */
static void add_damaged_record(struct container *container, const struct tarn_avro_block *block, struct tarn_slice data,
			       size_t added, struct tarn_err *problem)
{
	struct tarn_unit *unit = container->unit;
	int64_t record = container->next_record < 0 ? -1 : container->next_record + (int64_t)added;
	int64_t position = (int64_t)block->position;
	struct tarn_slice payload =
		tarn_cutter_cut(unit->cutter, unit, container->plans, container->piece, block->position, added, 0);
	struct tarn_err detailed = *problem;

	if (container->header.codec == TARN_CODEC_NONE && problem->position >= 0)
		position = data.data - (unit->bytes.data + unit->pieces[container->piece].at) + problem->position;
	if (block->count - added > 1)
		tarn_err_within(&detailed, detailed.code, "record %llu of %llu in its block, and those behind it",
				(unsigned long long)added, (unsigned long long)block->count);
	add_damage(container, &detailed, record, position, payload);
}

static void decode_block(struct container *container, const struct tarn_avro_block *block)
{
	struct tarn_unit *unit = container->unit;
	struct tarn_cursor cursor;
	struct tarn_slice data;
	struct tarn_err problem;
	size_t added = 0;

	if (tarn_avro_block_open(&container->header, block, unit->compressor, &unit->block_data, &data, &problem)) {
		add_damage(container, &problem, container->next_record, (int64_t)block->position, no_payload);
		return;
	}
	cursor = tarn_cursor_of(data);
	if (tarn_record_batch_add_avro(unit->batch, container->plan, &cursor, block->count, &added, &problem)) {
		add_records(unit, container->piece, block->position, container->next_record, &container->offsets);
		add_damaged_record(container, block, data, added, &problem);
		return;
	}
	add_records(unit, container->piece, block->position, container->next_record, &container->offsets);
	if (!tarn_cursor_left(&cursor))
		return;
	tarn_fail(&problem, TARN_EINVALID, "the block holds %zu bytes behind its %llu records",
		  tarn_cursor_left(&cursor), (unsigned long long)block->count);
	add_damage(container, &problem, -1, (int64_t)block->position,
		   tarn_slice_of(cursor.at, tarn_cursor_left(&cursor)));
}

int64_t tarn_record_behind(int64_t first_record, uint64_t count)
{
	return first_record < 0 || count > UINT32_MAX ? -1 : first_record + (int64_t)count;
}

static void decode_blocks(struct container *container, struct tarn_slice file, size_t position)
{
	struct tarn_avro_block block;
	struct tarn_err problem;
	enum tarn_rc rc;

	while ((rc = tarn_avro_block_next(file, &container->header, &position, &block, &problem)) != TARN_ENOTFOUND) {
		if (rc) {
			add_damage(container, &problem, container->next_record, problem.position, no_payload);
			container->next_record = -1;
			if (!tarn_avro_resync(file, &container->header, &position))
				break;
			continue;
		}
		decode_block(container, &block);
		container->next_record = tarn_record_behind(container->next_record, block.count);
	}
}

static void decode_container(struct tarn_unit *unit, struct tarn_record_plans *plans, size_t index)
{
	const struct tarn_piece *piece = &unit->pieces[index];
	struct tarn_slice file = tarn_slice_of(unit->bytes.data + piece->at, piece->len), head = file;
	struct container container = {
		.unit = unit, .plans = plans, .piece = index, .next_record = piece->first_record
	};
	struct tarn_slice offsets;
	struct tarn_err problem;

	if (piece->is_part)
		head = tarn_slice_of(unit->bytes.data + piece->header_at, piece->header_len);
	if (tarn_avro_header_read(head, &container.header, &problem) ||
	    tarn_record_plan_get(plans, container.header.schema_json, &container.plan, &problem)) {
		tarn_unit_add_letter(unit, piece->object, "header", &problem, -1, problem.position, no_payload);
		return;
	}
	if (tarn_avro_header_get(head, TARN_RAW_OFFSETS, &offsets))
		tarn_raw_offsets_read(offsets, &container.offsets);
	decode_blocks(&container, file, piece->is_part ? 0 : container.header.size);
	free(container.offsets.ranges);
}

/* ---- JSON ---- */

static void decode_json_record(struct tarn_unit *unit, size_t piece, struct tarn_slice json, int64_t index)
{
	struct tarn_err problem;
	int64_t position = json.data - (unit->bytes.data + unit->pieces[piece].at);

	if (tarn_record_batch_add_json(unit->batch, json, &problem)) {
		tarn_unit_add_letter(unit, unit->pieces[piece].object, "json", &problem, index,
				     problem.position < 0 ? position : position + problem.position, json);
		return;
	}
	static const struct tarn_raw_offsets no_gaps;
	add_records(unit, piece, (size_t)position, index, &no_gaps);
	unit->records[unit->n_records - 1].in_block = json.len;
}

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static struct tarn_slice trim(struct tarn_slice text)
{
	while (text.len && is_space(text.data[text.len - 1]))
		text.len--;
	while (text.len && is_space(text.data[0])) {
		text.data++;
		text.len--;
	}
	return text;
}

/* Takes the first line off `rest`. */
static struct tarn_slice take_line(struct tarn_slice *rest)
{
	const uint8_t *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	struct tarn_slice line = tarn_slice_of(rest->data, len);

	len += end != NULL;
	*rest = tarn_slice_of(rest->data + len, rest->len - len);
	return trim(line);
}

/* One record, or one record a line as Connect's JsonFormat writes them: then the first line is an object of its own. */
static void decode_json(struct tarn_unit *unit, size_t piece)
{
	struct tarn_slice rest =
		trim(tarn_slice_of(unit->bytes.data + unit->pieces[piece].at, unit->pieces[piece].len));
	struct tarn_slice whole = rest, line = take_line(&rest);
	int64_t index = 0;

	if (!rest.len || !line.len || line.data[line.len - 1] != '}') {
		decode_json_record(unit, piece, whole, 0);
		return;
	}
	for (rest = whole; rest.len;) {
		line = take_line(&rest);
		if (line.len)
			decode_json_record(unit, piece, line, index++);
	}
}

/* ---- records ---- */

/* The encoded record: its JSON text, or its bytes in the block. */
static struct tarn_slice payload_of(struct tarn_unit *unit, struct tarn_record_plans *plans,
				    const struct tarn_unit_record *record)
{
	const struct tarn_piece *piece = &unit->pieces[record->piece];

	if (piece->object->is_json)
		return tarn_slice_of(unit->bytes.data + piece->at + record->block, record->in_block);
	return tarn_cutter_cut(unit->cutter, unit, plans, record->piece, record->block, record->in_block, 1);
}

static void check_record(struct tarn_unit *unit, struct tarn_record_plans *plans, struct tarn_unit_record *record)
{
	const struct tarn_ranges *processed = unit->pieces[record->piece].processed;
	const struct tarn_lineage *lineage = &record->experiment.lineage;
	struct tarn_dead_letter *letter;
	struct tarn_err problem;
	char *id;

	if (processed && lineage->has_offset && tarn_ranges_contain(processed, lineage->offset)) {
		record->state = TARN_RECORD_PROCESSED;
		return;
	}
	tarn_record_identify(&record->experiment.record, &unit->text, &record->experiment.ids);
	if (!tarn_record_check(&record->experiment.record, &problem))
		return;
	record->state = TARN_RECORD_BROKEN;
	letter = tarn_unit_add_letter(unit, record->object, "contract", &problem, lineage->index, -1,
				      payload_of(unit, plans, record));
	id = tarn_arena_copy(&unit->arena, record->experiment.ids.experiment, TARN_ID_SIZE);
	letter->experiment_id = tarn_slice_of(id, TARN_ID_SIZE);
}

void tarn_unit_decode(struct tarn_unit *unit, struct tarn_record_plans *plans)
{
	for (size_t i = 0; i < unit->n_pieces; i++) {
		if (unit->pieces[i].object->is_json)
			decode_json(unit, i);
		else
			decode_container(unit, plans, i);
	}
	/* Only now: a record's pointers hold until the batch is added to. */
	for (size_t i = 0; i < unit->n_records; i++) {
		tarn_record_batch_get(unit->batch, i, &unit->records[i].experiment.record);
		check_record(unit, plans, &unit->records[i]);
	}
}
