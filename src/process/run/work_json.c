/* The account of a split as a line of JSON, for engines that run work elsewhere:
 *
 *   {"split":{...},
 *    "files":[{"table":"vqe_results","location":"file:///...","rows":1,"bytes":9,"partition":[20000,"sto3g","aer"],
 *              "splits":[4],"metrics":[[id,in_list,kind,bytes,values,nulls,nans,"<lower>","<upper>"],...]}],
 *    "experiments":[["<id>","<result>",object,record],...],
 *    "partitions":[{"topic":"t","partition":0,"ranges":[[0,5]],"tail":["<key>",4,900]}],
 *    "objects":[{"key":"...","size":9,"watched":false,"forget":false}],
 *    "topics":[{"name":"t","rows":[...]}],
 *    "counts":{"objects":1,...}}
 *
 * Bounds and digests are hexadecimal; an experiment's object is an index into the split's objects. */
#include <jansson.h>
#include <stdlib.h>

#include "process/run/work.h"

/* ---- writing ---- */

static json_t *hex(const uint8_t *data, size_t len)
{
	char *text = tarn_malloc(2 * len + 1);
	json_t *json;

	tarn_hex(data, len, text);
	json = json_stringn(text, 2 * len);
	free(text);
	return json;
}

static json_t *write_partition_value(const struct tarn_partition_value *value)
{
	if (!value->present)
		return json_null();
	if (value->text.data)
		return json_stringn((const char *)value->text.data, value->text.len);
	return json_integer(value->number);
}

static json_t *write_metrics(const struct tarn_parquet_metrics *metrics)
{
	json_t *json = json_pack("[i,b,i,I,I,I,I]", (int)metrics->field_id, metrics->in_list, (int)metrics->kind,
				 (json_int_t)metrics->compressed_bytes, (json_int_t)metrics->values,
				 (json_int_t)metrics->nulls, (json_int_t)metrics->nans);

	if (metrics->has_bounds) {
		json_array_append_new(json, hex(metrics->lower.data, metrics->lower.len));
		json_array_append_new(json, hex(metrics->upper.data, metrics->upper.len));
	}
	return json;
}

static json_t *write_file(const struct tarn_work_file *work)
{
	const struct tarn_table_definition *definition = tarn_target_definition(work->target);
	const struct tarn_data_file *file = &work->file;
	json_t *partition = json_array(), *splits = json_array(), *metrics = json_array();

	for (size_t i = 0; i < definition->n_partition_by; i++)
		json_array_append_new(partition, write_partition_value(&file->partition[i]));
	for (size_t i = 0; i < file->n_splits; i++)
		json_array_append_new(splits, json_integer(file->splits[i]));
	for (size_t i = 0; i < file->n_metrics; i++)
		json_array_append_new(metrics, write_metrics(&file->metrics[i]));
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "table", definition->name, "location", file->location,
			 "rows", (json_int_t)file->rows, "bytes", (json_int_t)file->bytes, "partition", partition,
			 "splits", splits, "metrics", metrics);
}

/* Index of a key among the split's objects; experiments come in the objects' order, so `from` is near. */
static size_t index_of(const struct tarn_split *split, const char *key, size_t from)
{
	for (size_t i = 0; i < split->n_objects; i++)
		if (split->objects[(from + i) % split->n_objects].key == key)
			return (from + i) % split->n_objects;
	return 0;
}

static json_t *write_experiments(const struct tarn_split *split, const struct tarn_work_result *result)
{
	json_t *list = json_array();
	size_t object = 0;

	for (size_t i = 0; i < result->n_experiments; i++) {
		const struct tarn_ledger_experiment *experiment = &result->experiments[i];

		object = index_of(split, experiment->object, object);
		json_array_append_new(list, json_pack("[o,o,I,I]", hex(experiment->id, sizeof(experiment->id)),
						      hex(experiment->result, sizeof(experiment->result)),
						      (json_int_t)object, (json_int_t)experiment->record));
	}
	return list;
}

static json_t *write_partitions(const struct tarn_work_result *result)
{
	json_t *list = json_array();

	for (size_t i = 0; i < result->n_partitions; i++) {
		const struct tarn_ledger_partition *partition = &result->partitions[i];
		json_t *ranges = json_array();

		for (size_t j = 0; j < partition->ranges.n; j++)
			json_array_append_new(ranges, json_pack("[I,I]", (json_int_t)partition->ranges.items[j].first,
								(json_int_t)partition->ranges.items[j].end));
		json_array_append_new(list,
				      json_pack("{s:s%, s:i, s:o, s:[s,I,I]}", "topic", partition->topic.data,
						partition->topic.len, "partition", (int)partition->partition, "ranges",
						ranges, "tail", partition->tail_key, (json_int_t)partition->tail_offset,
						(json_int_t)partition->tail_size));
	}
	return list;
}

static json_t *write_objects(const struct tarn_work_result *result)
{
	json_t *list = json_array();

	for (size_t i = 0; i < result->n_objects; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:b, s:b}", "key", result->objects[i].key, "size",
						      (json_int_t)result->objects[i].size, "watched",
						      result->objects[i].watched, "forget", result->objects[i].forget));
	return list;
}

static json_t *write_topics(const struct tarn_work_result *result)
{
	json_t *list = json_array();

	for (size_t i = 0; i < result->n_topics; i++) {
		json_t *rows = json_array();

		for (size_t j = 0; j < TARN_N_FEATURES; j++)
			json_array_append_new(rows, json_integer(result->topics[i].rows[j]));
		json_array_append_new(list, json_pack("{s:s, s:o}", "name", result->topics[i].name, "rows", rows));
	}
	return list;
}

static json_t *write_counts(const struct tarn_run_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "objects", (json_int_t)counts->objects, "bytes",
			 (json_int_t)counts->bytes, "records", (json_int_t)counts->records, "experiments",
			 (json_int_t)counts->experiments, "repeats_identical", (json_int_t)counts->repeats_identical,
			 "repeats_different", (json_int_t)counts->repeats_different, "dead_letters",
			 (json_int_t)counts->dead_letters);
}

enum tarn_rc tarn_work_write(const struct tarn_split *split, const struct tarn_work_result *result,
			     struct tarn_buf *line, struct tarn_err *err)
{
	json_t *files = json_array(), *json;
	enum tarn_rc rc;
	char *text;

	tarn_buf_add_str(line, "{\"split\":");
	rc = tarn_split_write(split, line, err);
	for (size_t i = 0; i < result->n_files; i++)
		json_array_append_new(files, write_file(&result->files[i]));
	json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "files", files, "experiments",
			 write_experiments(split, result), "partitions", write_partitions(result), "objects",
			 write_objects(result), "topics", write_topics(result), "counts",
			 write_counts(&result->counts));
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!rc && !text)
		rc = tarn_fail(err, TARN_EINVALID, "a name in split %u is no UTF-8 text", split->index);
	if (!rc) {
		tarn_buf_add_byte(line, ',');
		tarn_buf_add_str(line, text + 1);
	}
	free(text);
	return rc;
}

/* ---- reading ---- */

static enum tarn_rc expected(struct tarn_err *err, const char *what)
{
	return tarn_fail(err, TARN_EINVALID, "expected %s", what);
}

static bool parse_hex(json_t *json, uint8_t *bytes, size_t len)
{
	return json_is_string(json) &&
	       tarn_unhex(tarn_slice_of(json_string_value(json), json_string_length(json)), bytes, len);
}

static bool parse_bound(json_t *json, struct tarn_arena *arena, struct tarn_slice *bound)
{
	size_t len = json_string_length(json) / 2;
	uint8_t *bytes = tarn_arena_alloc(arena, len);

	*bound = tarn_slice_of(bytes, len);
	return parse_hex(json, bytes, len);
}

static bool parse_metrics(json_t *json, struct tarn_arena *arena, struct tarn_parquet_metrics *metrics)
{
	json_int_t bytes, values, nulls, nans;
	int id, in_list, kind;

	if (json_unpack(json, "[i,b,i,I,I,I,I]", &id, &in_list, &kind, &bytes, &values, &nulls, &nans) || kind < 0 ||
	    kind > TARN_TYPE_MAP)
		return false;
	*metrics = (struct tarn_parquet_metrics){
		.field_id = id,
		.in_list = in_list,
		.kind = (enum tarn_type_kind)kind,
		.compressed_bytes = bytes,
		.values = values,
		.nulls = nulls,
		.nans = nans,
		.has_bounds = json_array_size(json) == 9,
	};
	return !metrics->has_bounds || (parse_bound(json_array_get(json, 7), arena, &metrics->lower) &&
					parse_bound(json_array_get(json, 8), arena, &metrics->upper));
}

static bool parse_partition_value(json_t *json, struct tarn_arena *arena, struct tarn_partition_value *value)
{
	size_t len = json_string_length(json);

	*value = (struct tarn_partition_value){ .present = !json_is_null(json) };
	if (json_is_string(json))
		value->text = tarn_slice_of(tarn_arena_copy(arena, json_string_value(json), len), len);
	else if (json_is_integer(json))
		value->number = json_integer_value(json);
	else
		return json_is_null(json);
	return true;
}

static bool find_target(const char *name, size_t *target)
{
	for (*target = 0; *target < TARN_N_TARGETS; ++*target)
		if (!strcmp(tarn_target_definition(*target)->name, name))
			return true;
	return false;
}

static bool parse_file_lists(json_t *partition, json_t *splits, json_t *metrics, struct tarn_arena *arena,
			     struct tarn_data_file *file)
{
	struct tarn_partition_value *values =
		tarn_arena_alloc(arena, (json_array_size(partition) + 1) * sizeof(*values));
	struct tarn_parquet_metrics *columns;
	int64_t *offsets;
	bool fine = true;

	file->n_splits = json_array_size(splits);
	file->n_metrics = json_array_size(metrics);
	file->partition = values;
	file->splits = offsets = tarn_arena_alloc(arena, (file->n_splits + 1) * sizeof(*offsets));
	file->metrics = columns = tarn_arena_zalloc(arena, (file->n_metrics + 1) * sizeof(*columns));
	for (size_t i = 0; fine && i < json_array_size(partition); i++)
		fine = parse_partition_value(json_array_get(partition, i), arena, &values[i]);
	for (size_t i = 0; i < file->n_splits; i++)
		offsets[i] = json_integer_value(json_array_get(splits, i));
	for (size_t i = 0; fine && i < file->n_metrics; i++)
		fine = parse_metrics(json_array_get(metrics, i), arena, &columns[i]);
	return fine;
}

static enum tarn_rc parse_file(json_t *json, struct tarn_arena *arena, struct tarn_work_file *work,
			       struct tarn_err *err)
{
	struct tarn_data_file *file = &work->file;
	json_t *partition, *splits, *metrics;
	const char *table, *location;
	json_int_t rows, bytes;

	if (json_unpack(json, "{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "table", &table, "location", &location, "rows",
			&rows, "bytes", &bytes, "partition", &partition, "splits", &splits, "metrics", &metrics) ||
	    !find_target(table, &work->target))
		return expected(err, "a data file of a known table");
	file->location = tarn_arena_strdup(arena, location);
	file->rows = rows;
	file->bytes = bytes;
	if (json_array_size(partition) != tarn_target_definition(work->target)->n_partition_by ||
	    !parse_file_lists(partition, splits, metrics, arena, file))
		return expected(err, "a partition, splits and metrics of each data file");
	return TARN_OK;
}

static enum tarn_rc parse_files(json_t *list, struct tarn_work_result *result, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	result->files = tarn_arena_zalloc(&result->arena, (json_array_size(list) + 1) * sizeof(*result->files));
	while (!rc && result->n_files < json_array_size(list)) {
		size_t i = result->n_files++;

		rc = parse_file(json_array_get(list, i), &result->arena, &result->files[i], err);
	}
	return rc;
}

static enum tarn_rc parse_experiments(json_t *list, const struct tarn_split *split, struct tarn_work_result *result,
				      struct tarn_err *err)
{
	size_t n = json_array_size(list);

	result->experiments = tarn_arena_zalloc(&result->arena, (n + 1) * sizeof(*result->experiments));
	for (; result->n_experiments < n; result->n_experiments++) {
		struct tarn_ledger_experiment *experiment = &result->experiments[result->n_experiments];
		json_int_t object, record;
		json_t *id, *digest;

		if (json_unpack(json_array_get(list, result->n_experiments), "[o,o,I,I]", &id, &digest, &object,
				&record) ||
		    !parse_hex(id, experiment->id, sizeof(experiment->id)) ||
		    !parse_hex(digest, experiment->result, sizeof(experiment->result)) || object < 0 ||
		    (size_t)object >= split->n_objects)
			return expected(err, "an experiment of two digests, an object and a record");
		experiment->object = split->objects[object].key;
		experiment->record = record;
	}
	return TARN_OK;
}

static enum tarn_rc parse_partition(json_t *json, struct tarn_arena *arena, struct tarn_ledger_partition *partition,
				    struct tarn_err *err)
{
	const char *topic, *tail;
	json_int_t offset, size, first, end;
	json_t *ranges;
	size_t topic_len;
	int number;

	if (json_unpack(json, "{s:s%, s:i, s:o, s:[s,I,I]}", "topic", &topic, &topic_len, "partition", &number,
			"ranges", &ranges, "tail", &tail, &offset, &size))
		return expected(err, "a topic's partition with ranges and a tail");
	partition->topic = tarn_slice_of(tarn_arena_copy(arena, topic, topic_len), topic_len);
	partition->partition = number;
	partition->tail_key = tarn_arena_strdup(arena, tail);
	partition->tail_offset = offset;
	partition->tail_size = size;
	for (size_t i = 0; i < json_array_size(ranges); i++) {
		if (json_unpack(json_array_get(ranges, i), "[I,I]", &first, &end))
			return expected(err, "a range of two offsets");
		tarn_ranges_add(&partition->ranges, first, end);
	}
	return TARN_OK;
}

static enum tarn_rc parse_partitions(json_t *list, struct tarn_work_result *result, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	result->partitions =
		tarn_arena_zalloc(&result->arena, (json_array_size(list) + 1) * sizeof(*result->partitions));
	while (!rc && result->n_partitions < json_array_size(list)) {
		size_t i = result->n_partitions++;

		rc = parse_partition(json_array_get(list, i), &result->arena, &result->partitions[i], err);
	}
	return rc;
}

static enum tarn_rc parse_objects(json_t *list, struct tarn_work_result *result, struct tarn_err *err)
{
	size_t n = json_array_size(list);

	result->objects = tarn_arena_zalloc(&result->arena, (n + 1) * sizeof(*result->objects));
	for (; result->n_objects < n; result->n_objects++) {
		struct tarn_ledger_named *object = &result->objects[result->n_objects];
		int watched, forget;
		const char *key;
		json_int_t size;

		if (json_unpack(json_array_get(list, result->n_objects), "{s:s, s:I, s:b, s:b}", "key", &key, "size",
				&size, "watched", &watched, "forget", &forget))
			return expected(err, "an object with a key and a size");
		*object = (struct tarn_ledger_named){ tarn_arena_strdup(&result->arena, key), size, watched, forget };
	}
	return TARN_OK;
}

static enum tarn_rc parse_topics(json_t *list, struct tarn_work_result *result, struct tarn_err *err)
{
	size_t n = json_array_size(list);

	result->topics = tarn_arena_zalloc(&result->arena, (n + 1) * sizeof(*result->topics));
	for (; result->n_topics < n; result->n_topics++) {
		struct tarn_work_topic *topic = &result->topics[result->n_topics];
		const char *name;
		json_t *rows;

		if (json_unpack(json_array_get(list, result->n_topics), "{s:s, s:o}", "name", &name, "rows", &rows) ||
		    json_array_size(rows) != TARN_N_FEATURES)
			return expected(err, "a topic with its rows for each table");
		topic->name = tarn_arena_strdup(&result->arena, name);
		for (size_t i = 0; i < TARN_N_FEATURES; i++)
			topic->rows[i] = json_integer_value(json_array_get(rows, i));
	}
	return TARN_OK;
}

static enum tarn_rc parse_counts(json_t *json, struct tarn_run_counts *counts, struct tarn_err *err)
{
	json_int_t objects, bytes, records, experiments, identical, different, dead;

	if (json_unpack(json, "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "objects", &objects, "bytes", &bytes, "records",
			&records, "experiments", &experiments, "repeats_identical", &identical, "repeats_different",
			&different, "dead_letters", &dead))
		return expected(err, "counts");
	*counts = (struct tarn_run_counts){ objects, bytes, records, experiments, identical, different, dead };
	return TARN_OK;
}

static enum tarn_rc parse_split(json_t *json, struct tarn_arena *arena, struct tarn_split *split, struct tarn_err *err)
{
	char *text = json_dumps(json_object_get(json, "split"), JSON_COMPACT);
	enum tarn_rc rc = text ? tarn_split_parse(tarn_slice_str(text), arena, split, err) : expected(err, "a split");

	free(text);
	return rc;
}

static enum tarn_rc parse_result(json_t *json, struct tarn_split *split, struct tarn_work_result *result,
				 struct tarn_err *err)
{
	enum tarn_rc rc = parse_split(json, &result->arena, split, err);

	if (!rc)
		rc = parse_files(json_object_get(json, "files"), result, err);
	if (!rc)
		rc = parse_experiments(json_object_get(json, "experiments"), split, result, err);
	if (!rc)
		rc = parse_partitions(json_object_get(json, "partitions"), result, err);
	if (!rc)
		rc = parse_objects(json_object_get(json, "objects"), result, err);
	if (!rc)
		rc = parse_topics(json_object_get(json, "topics"), result, err);
	if (!rc)
		rc = parse_counts(json_object_get(json, "counts"), &result->counts, err);
	return rc;
}

enum tarn_rc tarn_work_parse(struct tarn_slice line, struct tarn_split *split, struct tarn_work_result *result,
			     struct tarn_err *err)
{
	struct tarn_work_result new = { 0 };
	json_error_t problem;
	json_t *json = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, &problem);
	enum tarn_rc rc;

	if (!json)
		return tarn_fail_at(err, TARN_EINVALID, problem.position, "a line of work is no JSON: %s",
				    problem.text);
	tarn_arena_init(&new.arena);
	rc = parse_result(json, split, &new, err);
	json_decref(json);
	if (rc) {
		tarn_work_result_release(&new);
		return tarn_err_within(err, rc, "a line of work");
	}
	*result = new;
	return TARN_OK;
}
