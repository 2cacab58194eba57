#include "process/run/output.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/point.h"

enum {
	GROUP_ROWS = 1000000,
	GROUP_BYTES = 8 << 20,
	OPEN_BYTES = 24 << 20, /* of all open groups */
	FILE_BYTES = 512 << 20,
	PENDING_BYTES = 64 << 10, /* gathered before they are written: pages and footers come in small pieces */
};

struct finished_file {
	char *location;
	struct tarn_parquet_file *file;
};

struct tarn_output {
	struct tarn_outputs *all;
	size_t target;
	struct tarn_partition_value partition[TARN_FEATURE_PARTITION_MAX];
	struct tarn_parquet_group *group;
	struct tarn_parquet_file *file;
	struct tarn_store_writer *writer;
	struct tarn_buf pending;
	char *location;
	int64_t written;
	struct finished_file *finished;
	size_t n_finished, finished_capacity;
};

struct tarn_outputs {
	struct tarn_store *lake;
	const struct tarn_targets *targets;
	const char *run_id;
	uint32_t split, attempt;
	/* One unit's outputs are found while another unit is written: guards the list, not what is on it. */
	pthread_mutex_t lock;
	struct tarn_arena arena;
	struct tarn_output **items;
	size_t n, capacity;
	struct tarn_output *recent[TARN_N_TARGETS]; /* found last: records of one kind come together */
};

struct tarn_outputs *tarn_outputs_new(struct tarn_store *lake, const struct tarn_targets *targets, const char *run_id,
				      uint32_t split, uint32_t attempt)
{
	struct tarn_outputs *outputs = tarn_calloc(1, sizeof(*outputs));

	outputs->lake = lake;
	outputs->targets = targets;
	outputs->run_id = run_id;
	outputs->split = split;
	outputs->attempt = attempt;
	tarn_arena_init(&outputs->arena);
	pthread_mutex_init(&outputs->lock, NULL);
	return outputs;
}

static void release_open_file(struct tarn_output *output)
{
	tarn_parquet_file_free(output->file);
	tarn_store_writer_free(output->writer);
	tarn_buf_release(&output->pending);
	free(output->location);
	output->file = NULL;
	output->writer = NULL;
	output->location = NULL;
}

void tarn_outputs_free(struct tarn_outputs *outputs)
{
	if (!outputs)
		return;
	for (size_t i = 0; i < outputs->n; i++) {
		struct tarn_output *output = outputs->items[i];

		tarn_parquet_group_free(output->group);
		release_open_file(output);
		for (size_t j = 0; j < output->n_finished; j++) {
			tarn_parquet_file_free(output->finished[j].file);
			free(output->finished[j].location);
		}
		free(output->finished);
	}
	free(outputs->items);
	tarn_arena_release(&outputs->arena);
	pthread_mutex_destroy(&outputs->lock);
	free(outputs);
}

static bool same_partition(const struct tarn_partition_value *a, const struct tarn_partition_value *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].present != b[i].present || a[i].number != b[i].number || !tarn_slice_eq(a[i].text, b[i].text))
			return false;
	return true;
}

static const struct tarn_table_definition *definition_of(const struct tarn_output *output)
{
	return output->all->targets->items[output->target].definition;
}

static struct tarn_output *add_output(struct tarn_outputs *outputs, size_t target,
				      const struct tarn_partition_value *partition)
{
	struct tarn_output *output = tarn_arena_zalloc(&outputs->arena, sizeof(*output));

	output->all = outputs;
	output->target = target;
	for (size_t i = 0; i < definition_of(output)->n_partition_by; i++) {
		output->partition[i] = partition[i];
		if (partition[i].text.data)
			output->partition[i].text.data =
				tarn_arena_copy(&outputs->arena, partition[i].text.data, partition[i].text.len);
	}
	pthread_mutex_lock(&outputs->lock);
	outputs->items = tarn_grow(outputs->items, &outputs->capacity, outputs->n + 1, sizeof(struct tarn_output *));
	outputs->items[outputs->n++] = output;
	pthread_mutex_unlock(&outputs->lock);
	return output;
}

struct tarn_output *tarn_outputs_find(struct tarn_outputs *outputs, size_t target,
				      const struct tarn_partition_value *partition)
{
	size_t n_values = outputs->targets->items[target].definition->n_partition_by;
	struct tarn_output *found = outputs->recent[target];

	if (found && same_partition(found->partition, partition, n_values))
		return found;
	found = NULL;
	for (size_t i = 0; !found && i < outputs->n; i++)
		if (outputs->items[i]->target == target &&
		    same_partition(outputs->items[i]->partition, partition, n_values))
			found = outputs->items[i];
	return outputs->recent[target] = found ? found : add_output(outputs, target, partition);
}

size_t tarn_outputs_count(const struct tarn_outputs *outputs)
{
	return outputs->n;
}

struct tarn_output *tarn_outputs_at(struct tarn_outputs *outputs, size_t i)
{
	return outputs->items[i];
}

struct tarn_parquet_group *tarn_output_group_new(const struct tarn_output *output, struct tarn_parquet_scratch *scratch)
{
	const struct tarn_parquet_options options = { .codec = TARN_CODEC_ZSTD, .scratch = scratch };
	const struct tarn_table_definition *definition = definition_of(output);

	return tarn_parquet_group_new(definition->fields, definition->n_fields, &options);
}

struct tarn_parquet_group *tarn_output_open_group(struct tarn_output *output, struct tarn_parquet_scratch *scratch)
{
	if (!output->group)
		output->group = tarn_output_group_new(output, scratch);
	else
		tarn_parquet_group_lend(output->group, scratch);
	return output->group;
}

static enum tarn_rc write_pending(struct tarn_output *output, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;

	if (output->pending.len)
		rc = tarn_store_writer_add(output->writer, tarn_buf_slice(&output->pending), err);
	tarn_buf_clear(&output->pending);
	return rc;
}

static enum tarn_rc write_bytes(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	struct tarn_output *output = context;
	enum tarn_rc rc = TARN_OK;

	output->written += (int64_t)bytes.len;
	if (output->pending.len + bytes.len > PENDING_BYTES)
		rc = write_pending(output, err);
	if (!rc && bytes.len > PENDING_BYTES)
		return tarn_store_writer_add(output->writer, bytes, err);
	tarn_buf_add_slice(&output->pending, bytes);
	return rc;
}

static enum tarn_rc open_file(struct tarn_output *output, struct tarn_err *err)
{
	const struct tarn_outputs *all = output->all;
	const struct tarn_target *target = &all->targets->items[output->target];
	struct tarn_buf location;
	enum tarn_rc rc;

	tarn_buf_init(&location, TARN_BUF_DEFAULT_MAX);
	tarn_buf_printf(&location, "%s/data/", tarn_table_location(target->table));
	tarn_table_partition_path(target->table, output->partition, &location);
	if (location.data[location.len - 1] != '/')
		tarn_buf_add_byte(&location, '/');
	tarn_buf_printf(&location, "%05u-%u-%s-%05zu.parquet", all->split, all->attempt, all->run_id,
			output->n_finished + 1);
	output->location = tarn_asprintf("%.*s", (int)location.len, (const char *)location.data);
	tarn_buf_release(&location);
	rc = tarn_store_writer_open(all->lake, tarn_store_key(all->lake, output->location), TARN_PUT_UNTOLD,
				    &output->writer, err);
	if (rc) {
		release_open_file(output);
		return rc;
	}
	tarn_buf_init(&output->pending, PENDING_BYTES);
	output->written = 0;
	output->file = tarn_parquet_file_new(target->definition->fields, target->definition->n_fields,
					     tarn_table_schema_json(target->table), write_bytes, output);
	return TARN_OK;
}

static enum tarn_rc close_file(struct tarn_output *output, struct tarn_err *err)
{
	struct finished_file *finished;
	enum tarn_rc rc;

	if (!output->file)
		return TARN_OK;
	rc = tarn_parquet_file_finish(output->file, err);
	if (!rc)
		rc = write_pending(output, err);
	if (!rc)
		rc = tarn_store_writer_finish(output->writer, err);
	if (rc)
		return tarn_err_within(err, rc, "writing \"%s\"", output->location);
	output->finished = tarn_grow(output->finished, &output->finished_capacity, output->n_finished + 1,
				     sizeof(*output->finished));
	finished = &output->finished[output->n_finished++];
	*finished = (struct finished_file){ output->location, output->file };
	output->location = NULL;
	output->file = NULL;
	release_open_file(output);
	tarn_point("work.file_finished");
	return TARN_OK;
}

static enum tarn_rc append_finished(struct tarn_output *output, struct tarn_parquet_group *group, struct tarn_err *err)
{
	enum tarn_rc rc = output->file ? TARN_OK : open_file(output, err);

	if (!rc)
		rc = tarn_parquet_file_append(output->file, group, err);
	if (!rc && output->written >= FILE_BYTES)
		rc = close_file(output, err);
	return rc;
}

static enum tarn_rc close_group(struct tarn_output *output, struct tarn_parquet_scratch *scratch, struct tarn_err *err)
{
	struct tarn_parquet_group *group = output->group;
	enum tarn_rc rc;

	if (!group)
		return TARN_OK;
	output->group = NULL;
	tarn_parquet_group_lend(group, scratch);
	rc = tarn_parquet_group_finish(group, err);
	if (!rc)
		rc = append_finished(output, group, err);
	tarn_parquet_group_free(group);
	return rc;
}

enum tarn_rc tarn_output_settle(struct tarn_output *output, struct tarn_parquet_scratch *scratch, struct tarn_err *err)
{
	if (!output->group || (tarn_parquet_group_rows(output->group) < GROUP_ROWS &&
			       tarn_parquet_group_bytes(output->group) < GROUP_BYTES))
		return TARN_OK;
	return close_group(output, scratch, err);
}

enum tarn_rc tarn_output_append(struct tarn_output *output, struct tarn_parquet_group *group,
				struct tarn_parquet_scratch *scratch, struct tarn_err *err)
{
	enum tarn_rc rc = close_group(output, scratch, err);

	if (!rc)
		rc = append_finished(output, group, err);
	tarn_parquet_group_free(group);
	return rc;
}

/* The output with the largest open group; *total is what all of them hold. */
static struct tarn_output *largest_open(struct tarn_outputs *outputs, size_t *total)
{
	struct tarn_output *largest = NULL;
	size_t most = 0;

	*total = 0;
	pthread_mutex_lock(&outputs->lock);
	for (size_t i = 0; i < outputs->n; i++) {
		size_t bytes = outputs->items[i]->group ? tarn_parquet_group_bytes(outputs->items[i]->group) : 0;

		*total += bytes;
		if (bytes > most) {
			most = bytes;
			largest = outputs->items[i];
		}
	}
	pthread_mutex_unlock(&outputs->lock);
	return largest;
}

enum tarn_rc tarn_outputs_bound(struct tarn_outputs *outputs, struct tarn_parquet_scratch *scratch,
				struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	size_t total;

	for (struct tarn_output *largest; !rc && (largest = largest_open(outputs, &total)) && total > OPEN_BYTES;)
		rc = close_group(largest, scratch, err);
	return rc;
}

enum tarn_rc tarn_output_finish(struct tarn_output *output, struct tarn_parquet_scratch *scratch, struct tarn_err *err)
{
	enum tarn_rc rc = close_group(output, scratch, err);

	return rc ? rc : close_file(output, err);
}

/* ---- what was written ---- */

size_t tarn_output_file_count(const struct tarn_output *output)
{
	return output->n_finished;
}

size_t tarn_output_target(const struct tarn_output *output)
{
	return output->target;
}

static struct tarn_slice copy_slice(struct tarn_arena *arena, struct tarn_slice slice)
{
	return slice.data ? tarn_slice_of(tarn_arena_copy(arena, slice.data, slice.len), slice.len) : slice;
}

static const struct tarn_partition_value *copy_partition(const struct tarn_output *output, struct tarn_arena *arena)
{
	size_t n = definition_of(output)->n_partition_by;
	struct tarn_partition_value *values = tarn_arena_copy(arena, output->partition, n * sizeof(*values));

	for (size_t i = 0; i < n; i++)
		values[i].text = copy_slice(arena, values[i].text);
	return values;
}

static const struct tarn_parquet_metrics *copy_metrics(const struct tarn_parquet_metrics *metrics, size_t n,
						       struct tarn_arena *arena)
{
	struct tarn_parquet_metrics *copies = tarn_arena_copy(arena, metrics, n * sizeof(*metrics));

	for (size_t i = 0; i < n; i++) {
		copies[i].lower = copy_slice(arena, metrics[i].lower);
		copies[i].upper = copy_slice(arena, metrics[i].upper);
	}
	return copies;
}

void tarn_output_file(const struct tarn_output *output, size_t i, struct tarn_arena *arena, struct tarn_data_file *file)
{
	const struct finished_file *finished = &output->finished[i];
	const struct tarn_parquet_metrics *metrics;
	const int64_t *splits;

	*file = (struct tarn_data_file){
		.location = tarn_arena_strdup(arena, finished->location),
		.rows = tarn_parquet_file_rows(finished->file),
		.bytes = tarn_parquet_file_size(finished->file),
		.partition = copy_partition(output, arena),
	};
	splits = tarn_parquet_file_splits(finished->file, &file->n_splits);
	file->splits = tarn_arena_copy(arena, splits, file->n_splits * sizeof(*splits));
	metrics = tarn_parquet_file_metrics(finished->file, &file->n_metrics);
	file->metrics = copy_metrics(metrics, file->n_metrics, arena);
}
