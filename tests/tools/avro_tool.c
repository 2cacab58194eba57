/* Developer's program around the Avro room, driven by tests/interop/test_avro.py.
 *
 *   avro_tool resolve <cases              each line is JSON, [writer's schema, reader's schema, datum in hexadecimal]
 *                                         (schemas as strings); prints the datum as the reader sees it, or why not
 *   avro_tool rewrite CODEC <IN >OUT      writes a container file's data again, with another codec
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "unit/serialize/avro/column_text.h"
#include "serialize/avro/container.h"
#include "serialize/avro/json.h"
#include "serialize/avro/plan.h"

#define INPUT_MAX ((size_t)1 << 30)

/* ---- resolve ---- */

struct job {
	struct tarn_avro_schema *writer, *reader;
	struct tarn_avro_plan *plan;
	struct tarn_avro_column *root;
	struct tarn_buf text;
};

static enum tarn_rc decode(struct job *job, struct tarn_slice datum, struct tarn_err *err)
{
	struct tarn_cursor cursor = tarn_cursor_of(datum);
	size_t decoded;
	enum tarn_rc rc = tarn_avro_plan_new(job->writer, job->reader, &job->plan, err);
	if (rc)
		return rc;
	job->root = tarn_avro_columns_new(job->reader);
	rc = tarn_avro_plan_decode(job->plan, &cursor, 1, job->root, &decoded, err);
	if (rc)
		return rc;
	if (tarn_cursor_left(&cursor))
		return tarn_fail(err, TARN_EINVALID, "%zu bytes behind the datum", tarn_cursor_left(&cursor));
	text_of_value(&job->text, job->root, 0);
	return TARN_OK;
}

/* Through JSON and back the datum stays what it is for the writer's schema (its blocks may differ: hence decode). */
static enum tarn_rc through_json(const struct tarn_avro_schema *schema, struct tarn_slice datum, struct tarn_buf *again,
				 struct tarn_err *err)
{
	struct tarn_buf json;
	struct tarn_cursor cursor = tarn_cursor_of(datum);
	tarn_buf_init(&json, INPUT_MAX);
	enum tarn_rc rc = tarn_avro_json_write(schema, &cursor, TARN_AVRO_JSON_TAGGED, &json, err);
	if (!rc)
		rc = tarn_avro_json_read(schema, tarn_buf_slice(&json), TARN_AVRO_JSON_TAGGED, again, err);
	tarn_buf_release(&json);
	return rc;
}

static void release_job(struct job *job)
{
	tarn_avro_columns_free(job->root);
	tarn_avro_plan_free(job->plan);
	tarn_avro_schema_free(job->writer);
	tarn_avro_schema_free(job->reader);
	tarn_buf_release(&job->text);
}

static enum tarn_rc parse_schema(const json_t *text, struct tarn_avro_schema **schema, struct tarn_err *err)
{
	return tarn_avro_schema_parse(tarn_slice_of(json_string_value(text), json_string_length(text)), schema, err);
}

static void resolve(const json_t *line, struct tarn_slice datum)
{
	struct job job = { 0 };
	struct tarn_err err;
	struct tarn_buf again;
	tarn_buf_init(&job.text, INPUT_MAX);
	tarn_buf_init(&again, INPUT_MAX);
	enum tarn_rc rc = parse_schema(json_array_get(line, 0), &job.writer, &err);
	if (!rc)
		rc = parse_schema(json_array_get(line, 1), &job.reader, &err);
	if (!rc)
		rc = through_json(job.writer, datum, &again, &err);
	if (!rc)
		rc = decode(&job, tarn_buf_slice(&again), &err);
	struct tarn_buf by_json = job.text;
	tarn_buf_init(&job.text, INPUT_MAX);
	tarn_avro_columns_free(job.root);
	tarn_avro_plan_free(job.plan);
	job.root = NULL;
	job.plan = NULL;
	if (!rc)
		rc = decode(&job, datum, &err);
	if (!rc && !tarn_slice_eq(tarn_buf_slice(&job.text), tarn_buf_slice(&by_json)))
		rc = tarn_fail(&err, TARN_EINVALID, "the datum that went through JSON differs: %.*s", (int)by_json.len,
			       (const char *)by_json.data);
	if (rc)
		printf("error %s\n", err.message);
	else
		printf("%.*s\n", (int)job.text.len, (const char *)job.text.data);
	tarn_buf_release(&by_json);
	tarn_buf_release(&again);
	release_job(&job);
}

static int resolve_lines(void)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	while ((len = getline(&line, &capacity, stdin)) > 0) {
		json_t *json = json_loadb(line, (size_t)len, 0, NULL);
		struct tarn_slice hex = tarn_slice_str(json_string_value(json_array_get(json, 2)));
		uint8_t *datum = malloc(hex.len / 2 + 1);
		if (!hex.data || !tarn_unhex(hex, datum, hex.len / 2)) {
			fprintf(stderr, "a line is no case: %s", line);
			return 1;
		}
		resolve(json, tarn_slice_of(datum, hex.len / 2));
		free(datum);
		json_decref(json);
	}
	free(line);
	return 0;
}

/* ---- rewrite ---- */

static enum tarn_rc copy_data(struct job *job, struct tarn_slice data, uint64_t count, struct tarn_avro_writer *writer,
			      struct tarn_err *err)
{
	struct tarn_cursor cursor = tarn_cursor_of(data);
	enum tarn_rc rc = TARN_OK;
	for (; count && !rc; count--) {
		const uint8_t *start = cursor.at;
		size_t decoded;
		rc = tarn_avro_plan_decode(job->plan, &cursor, 1, job->root, &decoded, err);
		if (!rc)
			rc = tarn_avro_writer_add(writer, tarn_slice_of(start, (size_t)(cursor.at - start)), err);
	}
	return rc;
}

static enum tarn_rc copy_blocks(struct job *job, struct tarn_slice file, const struct tarn_avro_header *header,
				struct tarn_avro_writer *writer, struct tarn_err *err)
{
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf scratch;
	size_t position = header->size;
	enum tarn_rc rc = TARN_OK;
	tarn_buf_init(&scratch, INPUT_MAX);
	while (!rc) {
		struct tarn_avro_block block;
		struct tarn_slice data;
		rc = tarn_avro_block_next(file, header, &position, &block, err);
		if (!rc)
			rc = tarn_avro_block_open(header, &block, compressor, &scratch, &data, err);
		if (!rc)
			rc = copy_data(job, data, block.count, writer, err);
	}
	tarn_buf_release(&scratch);
	tarn_compressor_free(compressor);
	return rc == TARN_ENOTFOUND ? tarn_avro_writer_finish(writer, err) : rc;
}

static enum tarn_rc rewrite(struct tarn_slice file, enum tarn_codec codec, struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_avro_header header;
	struct job job = { 0 };
	enum tarn_rc rc = tarn_avro_header_read(file, &header, err);
	if (rc)
		return rc;
	rc = tarn_avro_schema_parse(header.schema_json, &job.writer, err);
	if (!rc)
		rc = tarn_avro_plan_new(job.writer, job.writer, &job.plan, err);
	if (!rc) {
		struct tarn_avro_writer *writer = tarn_avro_writer_new(out, header.schema_json, codec, NULL, 0,
								       (const uint8_t *)"0123456789abcdef", 1000);
		job.root = tarn_avro_columns_new(job.writer);
		rc = copy_blocks(&job, file, &header, writer, err);
		tarn_avro_writer_free(writer);
	}
	release_job(&job);
	return rc;
}

static int rewrite_file(const char *codec_name)
{
	static const char *const names[] = { [TARN_CODEC_NONE] = "null",
					     [TARN_CODEC_DEFLATE] = "deflate",
					     [TARN_CODEC_SNAPPY] = "snappy",
					     [TARN_CODEC_ZSTD] = "zstandard" };
	enum tarn_codec codec = TARN_CODEC_NONE;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i] && !strcmp(names[i], codec_name))
			codec = (enum tarn_codec)i;
	struct tarn_buf in, out;
	struct tarn_err err;
	char chunk[1 << 16];
	size_t len;
	tarn_buf_init(&in, INPUT_MAX);
	tarn_buf_init(&out, INPUT_MAX);
	while ((len = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
		tarn_buf_add(&in, chunk, len);
	enum tarn_rc rc = rewrite(tarn_buf_slice(&in), codec, &out, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	else
		fwrite(out.data, 1, out.len, stdout);
	tarn_buf_release(&in);
	tarn_buf_release(&out);
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "resolve"))
		return resolve_lines();
	if (argc == 3 && !strcmp(argv[1], "rewrite"))
		return rewrite_file(argv[2]);
	fputs("usage: avro_tool resolve | rewrite CODEC\n", stderr);
	return 2;
}
