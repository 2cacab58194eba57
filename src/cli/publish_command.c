/* `tarn publish`: files of records become messages of a topic. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/publishing.h"
#include "serialize/avro/container.h"
#include "serialize/avro/plan.h"
#include "serialize/record/record_batch.h"
#include "serialize/record/write.h"
#include "serialize/schema/wire.h"

enum { BATCH_RECORDS = 1000, BATCH_BYTES = 8 << 20 };

/* A file's data on their way into batches. All texts and bytes are in `file` or `arena`. */
struct gathering {
	const char *topic;
	struct tarn_buf file;
	struct tarn_arena arena;
	struct tarn_outgoing *batches;
	size_t n, capacity;
	struct tarn_slice *data; /* of the batch that is being filled */
	size_t n_data, data_capacity, bytes;
	struct tarn_slice schema;
};

static void end_batch(struct gathering *gathering)
{
	if (!gathering->n_data)
		return;
	gathering->batches =
		tarn_grow(gathering->batches, &gathering->capacity, gathering->n + 1, sizeof(*gathering->batches));
	gathering->batches[gathering->n++] = (struct tarn_outgoing){
		.topic = gathering->topic,
		.schema = gathering->schema,
		.data = tarn_arena_copy(&gathering->arena, gathering->data,
					gathering->n_data * sizeof(*gathering->data)),
		.n = gathering->n_data,
	};
	gathering->n_data = gathering->bytes = 0;
}

/* Schema and datum stay where they are. */
static void add_datum(struct gathering *gathering, struct tarn_slice schema, struct tarn_slice datum)
{
	if (!tarn_slice_eq(schema, gathering->schema) || gathering->n_data == BATCH_RECORDS ||
	    gathering->bytes + datum.len > BATCH_BYTES)
		end_batch(gathering);
	gathering->schema = schema;
	gathering->data =
		tarn_grow(gathering->data, &gathering->data_capacity, gathering->n_data + 1, sizeof(*gathering->data));
	gathering->data[gathering->n_data++] = datum;
	gathering->bytes += datum.len;
}

static struct tarn_slice kept(struct gathering *gathering, struct tarn_slice datum)
{
	return tarn_slice_of(tarn_arena_copy(&gathering->arena, datum.data, datum.len), datum.len);
}

/* ---- container files ---- */

struct container {
	struct tarn_slice file;
	struct tarn_avro_header header;
	struct tarn_avro_schema *schema;
	struct tarn_avro_plan *plan;
	struct tarn_avro_column *columns;
	struct tarn_compressor *compressor;
	struct tarn_buf scratch;
};

/* Where a datum ends is known only when it was decoded. */
static enum tarn_rc gather_block(struct gathering *gathering, struct container *container,
				 const struct tarn_avro_block *block, struct tarn_err *err)
{
	struct tarn_slice data;
	size_t decoded;
	enum tarn_rc rc =
		tarn_avro_block_open(&container->header, block, container->compressor, &container->scratch, &data, err);
	if (!rc && container->header.codec != TARN_CODEC_NONE)
		data = kept(gathering, data);
	struct tarn_cursor cursor = tarn_cursor_of(data);
	for (uint64_t i = 0; i < block->count && !rc; i++) {
		const uint8_t *start = cursor.at;
		tarn_avro_columns_clear(container->columns);
		rc = tarn_avro_plan_decode(container->plan, &cursor, 1, container->columns, &decoded, err);
		if (!rc)
			add_datum(gathering, container->header.schema_json,
				  tarn_slice_of(start, (size_t)(cursor.at - start)));
	}
	if (!rc && tarn_cursor_left(&cursor))
		rc = tarn_fail(err, TARN_EINVALID, "%zu bytes left over behind the last datum",
			       tarn_cursor_left(&cursor));
	return rc ? tarn_err_within(err, rc, "in the block at byte %zu", block->position) : TARN_OK;
}

static enum tarn_rc gather_container(struct gathering *gathering, struct tarn_slice file, struct tarn_err *err)
{
	struct container container = { .file = file, .compressor = tarn_compressor_new() };
	struct tarn_avro_block block;
	size_t position = 0;
	tarn_buf_init(&container.scratch, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_avro_header_read(file, &container.header, err);
	if (!rc)
		rc = tarn_avro_schema_parse(container.header.schema_json, &container.schema, err);
	if (!rc)
		rc = tarn_avro_plan_new(container.schema, container.schema, &container.plan, err);
	if (!rc)
		container.columns = tarn_avro_columns_new(container.schema);
	position = container.header.size;
	while (!rc && !(rc = tarn_avro_block_next(file, &container.header, &position, &block, err)))
		rc = gather_block(gathering, &container, &block, err);
	tarn_avro_columns_free(container.columns);
	tarn_avro_plan_free(container.plan);
	tarn_avro_schema_free(container.schema);
	tarn_compressor_free(container.compressor);
	tarn_buf_release(&container.scratch);
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

/* ---- the others ---- */

static enum tarn_rc gather_json(struct gathering *gathering, struct tarn_slice file, struct tarn_err *err)
{
	struct tarn_record_batch *batch = tarn_record_batch_new();
	struct tarn_record record;
	struct tarn_buf datum;
	enum tarn_rc rc = TARN_OK;
	size_t line = 0;
	tarn_buf_init(&datum, TARN_BUF_DEFAULT_MAX);
	for (const uint8_t *at = file.data, *end = at + file.len, *stop; at < end && !rc; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		line++;
		if (stop == at)
			continue;
		tarn_record_batch_clear(batch);
		tarn_buf_clear(&datum);
		rc = tarn_record_batch_add_json(batch, tarn_slice_of(at, (size_t)(stop - at)), err);
		if (rc)
			break;
		tarn_record_batch_get(batch, 0, &record);
		rc = tarn_record_check(&record, err);
		if (!rc)
			rc = tarn_record_write_avro(&record, TARN_RECORD_V2, &datum, err);
		if (!rc)
			add_datum(gathering, tarn_record_schema(TARN_RECORD_V2),
				  kept(gathering, tarn_buf_slice(&datum)));
	}
	tarn_buf_release(&datum);
	tarn_record_batch_free(batch);
	return rc ? tarn_err_within(err, rc, "line %zu", line) : TARN_OK;
}

static enum tarn_rc gather_message(struct gathering *gathering, struct tarn_slice file, struct tarn_err *err)
{
	struct tarn_slice datum;
	uint32_t id;
	enum tarn_rc rc = tarn_wire_parse(file, &id, &datum, err);
	if (!rc)
		add_datum(gathering, tarn_slice_str(""), file);
	return rc;
}

static enum tarn_rc gather_file(struct gathering *gathering, const char *path, struct tarn_err *err)
{
	static const struct {
		const char *extension;
		enum tarn_rc (*gather)(struct gathering *gathering, struct tarn_slice file, struct tarn_err *err);
	} kinds[] = { { ".avro", gather_container }, { ".json", gather_json }, { ".bin", gather_message } };
	const char *extension = strrchr(path, '.');
	size_t kind = 0, n_kinds = sizeof(kinds) / sizeof(*kinds);
	while (extension && kind < n_kinds && strcmp(extension, kinds[kind].extension))
		kind++;
	if (!extension || kind == n_kinds)
		return tarn_fail(err, TARN_EINVALID, "\"%s\": expected a file that ends in .avro, .json or .bin", path);
	enum tarn_rc rc = tarn_file_read(path, &gathering->file, err);
	if (rc)
		return rc;
	rc = kinds[kind].gather(gathering, tarn_buf_slice(&gathering->file), err);
	return rc ? tarn_err_within(err, rc, "\"%s\"", path) : TARN_OK;
}

/* ---- the command ---- */

/* A file is taken as a whole or not at all. */
static enum tarn_rc publish_file(struct tarn_publishing *publishing, struct gathering *gathering, const char *path,
				 struct tarn_err *err)
{
	tarn_buf_clear(&gathering->file);
	tarn_arena_clear(&gathering->arena);
	gathering->n = gathering->n_data = gathering->bytes = 0;
	gathering->schema = tarn_slice_str("");
	enum tarn_rc rc = gather_file(gathering, path, err);
	end_batch(gathering);
	for (size_t i = 0; i < gathering->n && !rc; i++)
		rc = tarn_publishing_add(publishing, &gathering->batches[i], err);
	return rc;
}

static void release_gathering(struct gathering *gathering)
{
	free(gathering->batches);
	free(gathering->data);
	tarn_buf_release(&gathering->file);
	tarn_arena_release(&gathering->arena);
}

/* What was taken before a file at fault is sent all the same. */
static int publish_files(const struct tarn_publishing_options *options, const char *topic, char **paths, int n,
			 bool json)
{
	struct tarn_publishing *publishing;
	struct tarn_published published;
	struct gathering gathering = { .topic = topic };
	struct tarn_err err;
	int exit_code = TARN_EXIT_DONE;
	if (tarn_publishing_begin(options, &publishing, &err))
		return tarn_print_error(&err);
	tarn_buf_init(&gathering.file, TARN_BUF_DEFAULT_MAX);
	tarn_arena_init(&gathering.arena);
	for (int i = 0; i < n && !exit_code; i++)
		if (publish_file(publishing, &gathering, paths[i], &err))
			exit_code = tarn_print_error(&err);
	release_gathering(&gathering);
	if (tarn_publishing_end(publishing, &published, &err))
		exit_code = tarn_print_error(&err);
	else if (tarn_published_print(&published, json))
		exit_code = TARN_EXIT_FAILED;
	free(published.spool);
	return exit_code;
}

static int run_publish(int argc, char **argv)
{
	struct tarn_publishing_options options = { 0 };
	const char *topic = NULL;
	bool json = false;
	int exit_code;
	const struct tarn_option table[] = {
		{ .name = "topic", .argument = "T", .help = "the topic that the records go to", .text = &topic },
		TARN_OPTIONS_PUBLISHING(&options),
		{ .name = "json", .help = "print one JSON object", .flag = &json },
	};
	const struct tarn_usage usage = {
		.command = "publish",
		.section = "PUBLISH",
		.arguments = "[FILE...]",
		.max_arguments = 1 << 20,
		.summary = "Sends records to a topic, each once: Avro container files (.avro), VQE results in JSON, "
			   "one a line (.json), or\n"
			   "single messages in Confluent's format (.bin). Schemas are registered under "
			   "\"<topic>-value\". Without a broker in\n"
			   "reach the records wait on disk; this command, also without files, sends what waits.",
		.example = "tarn publish results.avro --topic experiment.vqe",
		.options = table,
		.n_options = sizeof(table) / sizeof(*table),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (argc > 1 && !topic)
		return tarn_options_refuse(&usage, "--topic says where the files' records go");
	return publish_files(&options, topic, argv + 1, argc - 1, json);
}

const struct tarn_command tarn_command_publish = { "publish", "send records to a topic, checked against the registry",
						   run_publish };
