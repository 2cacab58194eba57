#include "process/run/account.h"

#include <stdlib.h>

/* What happened to one object. */
struct object_state {
	bool dead; /* has a letter */
	uint32_t records;
};

struct tarn_account {
	const struct tarn_work_input *input;
	struct tarn_seen seen;
	struct object_state *objects;
	struct tarn_ledger_partition *partitions;
	size_t n_partitions, partitions_capacity;
	struct tarn_work_topic *topics;
	size_t n_topics, topics_capacity;
	struct tarn_arena arena;
	struct tarn_run_counts counts;
};

struct tarn_account *tarn_account_new(const struct tarn_work_input *input)
{
	struct tarn_account *account = tarn_calloc(1, sizeof(*account));

	account->input = input;
	account->objects = tarn_calloc(input->split->n_objects + 1, sizeof(*account->objects));
	account->counts.objects = (int64_t)input->split->n_objects;
	account->counts.bytes = input->split->bytes;
	tarn_arena_init(&account->arena);
	return account;
}

void tarn_account_free(struct tarn_account *account)
{
	if (!account)
		return;
	for (size_t i = 0; i < account->n_partitions; i++)
		tarn_ranges_release(&account->partitions[i].ranges);
	free(account->partitions);
	free(account->topics);
	free(account->objects);
	tarn_seen_release(&account->seen);
	tarn_arena_release(&account->arena);
	free(account);
}

struct tarn_run_counts tarn_account_counts(const struct tarn_account *account)
{
	return account->counts;
}

static struct object_state *state_of(struct tarn_account *account, const struct tarn_raw_object *object)
{
	return &account->objects[object - account->input->split->objects];
}

/* Objects come sorted by topic and partition: the newest entry is nearly always the right one. */
static struct tarn_ledger_partition *find_partition(struct tarn_account *account, struct tarn_slice topic,
						    int32_t partition)
{
	struct tarn_ledger_partition *found;

	for (size_t i = account->n_partitions; i--;) {
		found = &account->partitions[i];
		if (found->partition == partition && tarn_slice_eq(found->topic, topic))
			return found;
	}
	account->partitions = tarn_grow(account->partitions, &account->partitions_capacity, account->n_partitions + 1,
					sizeof(*account->partitions));
	found = &account->partitions[account->n_partitions++];
	*found = (struct tarn_ledger_partition){ .topic = topic, .partition = partition };
	return found;
}

static struct tarn_work_topic *find_topic(struct tarn_account *account, struct tarn_slice topic)
{
	struct tarn_work_topic *found;

	for (size_t i = account->n_topics; i--;)
		if (tarn_slice_eq(tarn_slice_str(account->topics[i].name), topic))
			return &account->topics[i];
	account->topics =
		tarn_grow(account->topics, &account->topics_capacity, account->n_topics + 1, sizeof(*account->topics));
	found = &account->topics[account->n_topics++];
	*found = (struct tarn_work_topic){
		.name = tarn_arena_strndup(&account->arena, (const char *)topic.data, topic.len),
	};
	return found;
}

/* ---- admission ---- */

static void note_repeat(struct tarn_account *account, struct tarn_unit *unit, struct tarn_unit_record *record,
			const uint8_t *result, const struct tarn_ledger_first *first)
{
	struct tarn_arena *arena = &unit->arena;
	char digest[TARN_SHA256_HEX_SIZE];

	tarn_hex(result, TARN_SHA256_SIZE, digest);
	if (!memcmp(digest, record->experiment.ids.result, sizeof(digest))) {
		record->state = TARN_RECORD_IDENTICAL;
		account->counts.repeats_identical++;
		return;
	}
	record->state = TARN_RECORD_DIFFERENT;
	account->counts.repeats_different++;
	record->first = (struct tarn_first_delivery){
		.object = tarn_slice_str(tarn_arena_strdup(arena, first->object)),
		.record = first->record,
		.result = tarn_slice_of(tarn_arena_copy(arena, digest, sizeof(digest)), sizeof(digest)),
		.run_id = tarn_slice_str(tarn_arena_strdup(arena, first->run_id)),
	};
}

static void note_repeat_in_run(struct tarn_account *account, struct tarn_unit *unit, struct tarn_unit_record *record,
			       const struct tarn_ledger_experiment *seen)
{
	struct tarn_ledger_first first = { .object = seen->object, .record = seen->record };

	memcpy(first.run_id, account->input->split->run_id, sizeof(first.run_id));
	note_repeat(account, unit, record, seen->result, &first);
}

static void add_experiment(struct tarn_account *account, const struct tarn_unit_record *record, const uint8_t *id)
{
	const struct tarn_experiment *experiment = &record->experiment;
	struct tarn_work_topic *topic = find_topic(account, record->object->topic);
	struct tarn_ledger_experiment item = { .object = record->object->key, .record = experiment->lineage.index };

	memcpy(item.id, id, sizeof(item.id));
	tarn_unhex(tarn_slice_of(experiment->ids.result, TARN_ID_SIZE), item.result, sizeof(item.result));
	tarn_seen_add(&account->seen, &item);
	account->counts.experiments++;
	for (size_t i = 0; i < TARN_N_FEATURES; i++)
		topic->rows[i] += (int64_t)tarn_features[i]->rows(&experiment->record);
}

static enum tarn_rc admit_record(struct tarn_account *account, struct tarn_unit *unit, struct tarn_unit_record *record,
				 struct tarn_err *err)
{
	const struct tarn_ledger_experiment *seen;
	struct tarn_ledger_first first;
	uint8_t id[TARN_SHA256_SIZE];
	bool found = false;
	enum tarn_rc rc;

	tarn_unhex(tarn_slice_of(record->experiment.ids.experiment, TARN_ID_SIZE), id, sizeof(id));
	seen = tarn_seen_find(&account->seen, id);
	if (!seen && account->input->before)
		seen = tarn_seen_find(account->input->before, id);
	if (seen) {
		note_repeat_in_run(account, unit, record, seen);
		return TARN_OK;
	}
	rc = tarn_ledger_experiment(account->input->ledger, id, &found, &first, err);
	if (rc)
		return rc;
	if (found)
		note_repeat(account, unit, record, first.result, &first);
	else
		add_experiment(account, record, id);
	return TARN_OK;
}

static void cover(struct tarn_account *account, const struct tarn_unit_record *record)
{
	const struct tarn_lineage *lineage = &record->experiment.lineage;

	if (lineage->has_offset)
		tarn_ranges_add(&find_partition(account, record->object->topic, lineage->partition)->ranges,
				lineage->offset, lineage->offset + 1);
}

enum tarn_rc tarn_account_admit(struct tarn_account *account, struct tarn_unit *unit, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	for (size_t i = 0; i < unit->n_letters; i++)
		state_of(account, unit->letters[i].object)->dead = true;
	account->counts.dead_letters += (int64_t)unit->n_letters;
	tarn_ledger_view_begin(account->input->ledger);
	for (size_t i = 0; !rc && i < unit->n_records; i++) {
		struct tarn_unit_record *record = &unit->records[i];

		state_of(account, record->object)->records++;
		if (record->state == TARN_RECORD_PROCESSED)
			continue;
		account->counts.records++;
		if (record->state == TARN_RECORD_BROKEN)
			continue;
		rc = admit_record(account, unit, record, err);
		cover(account, record);
	}
	tarn_ledger_view_end(account->input->ledger);
	return rc;
}

/* ---- the account's end ---- */

static void close_objects(struct tarn_account *account, struct tarn_work_result *result)
{
	const struct tarn_split *split = account->input->split;

	result->objects = tarn_arena_zalloc(&result->arena, (split->n_objects + 1) * sizeof(*result->objects));
	for (size_t i = 0; i < split->n_objects; i++) {
		const struct tarn_raw_object *object = &split->objects[i];
		bool watched = account->objects[i].dead || !account->objects[i].records;
		bool forget = object->naming == TARN_RAW_OFFSET && !watched && object->watched;

		find_topic(account, object->topic);
		if (object->naming == TARN_RAW_OFFSET && !watched && !forget)
			continue;
		result->objects[result->n_objects++] = (struct tarn_ledger_named){
			.key = tarn_arena_strdup(&result->arena, object->key),
			.size = object->size,
			.watched = watched,
			.forget = forget,
		};
	}
}

/* The last object of each partition: the split is sorted. */
static void close_tails(struct tarn_account *account)
{
	const struct tarn_split *split = account->input->split;

	for (size_t i = 0; i < split->n_objects; i++) {
		const struct tarn_raw_object *object = &split->objects[i];
		struct tarn_ledger_partition *partition;

		if (object->naming != TARN_RAW_OFFSET)
			continue;
		partition = find_partition(account, object->topic, object->partition);
		partition->tail_key = object->key;
		partition->tail_offset = object->offset;
		partition->tail_size = object->size;
	}
}

static void close_partitions(struct tarn_account *account, struct tarn_work_result *result)
{
	struct tarn_arena *arena = &result->arena;

	close_tails(account);
	result->n_partitions = account->n_partitions;
	result->partitions = tarn_arena_zalloc(arena, (account->n_partitions + 1) * sizeof(*result->partitions));
	for (size_t i = 0; i < account->n_partitions; i++) {
		struct tarn_ledger_partition *from = &account->partitions[i], *to = &result->partitions[i];

		*to = *from;
		to->topic = tarn_slice_of(tarn_arena_copy(arena, from->topic.data, from->topic.len), from->topic.len);
		to->tail_key = tarn_arena_strdup(arena, from->tail_key);
		from->ranges = (struct tarn_ranges){ 0 };
	}
}

static void close_experiments(struct tarn_account *account, struct tarn_work_result *result)
{
	const struct tarn_seen *seen = &account->seen;

	result->n_experiments = seen->n;
	result->experiments = tarn_arena_copy(&result->arena, seen->items, seen->n * sizeof(*result->experiments));
}

void tarn_account_close(struct tarn_account *account, struct tarn_work_result *result)
{
	close_objects(account, result);
	close_partitions(account, result);
	close_experiments(account, result);
	result->n_topics = account->n_topics;
	result->topics = tarn_arena_copy(&result->arena, account->topics, account->n_topics * sizeof(*result->topics));
	for (size_t i = 0; i < account->n_topics; i++)
		result->topics[i].name = tarn_arena_strdup(&result->arena, account->topics[i].name);
	result->counts = account->counts;
}
