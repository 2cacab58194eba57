/* Any bytes through the Avro room: nothing may crash, hang or take much memory, and the two decoders, plans and JSON,
 * must agree on what is a datum.
 *
 * Input: a container file, or a writer's schema, NUL, a reader's schema (empty: the writer's), NUL, a datum.
 * The unit test test_fuzz_avro replays tests/fuzz/corpus/avro.
 *
 *   CC=clang meson setup build-fuzz -Dc_args=-fsanitize=fuzzer-no-link -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build-fuzz tests/unit/serialize/avro/fuzz_avro
 *   build-fuzz/tests/unit/serialize/avro/fuzz_avro -max_len=4096 WORK tests/fuzz/corpus/avro */
#include <stdio.h>
#include <stdlib.h>

#include "serialize/avro/container.h"
#include "serialize/avro/fingerprint.h"
#include "serialize/avro/json.h"
#include "serialize/avro/plan.h"
#include "unit/serialize/avro/column_text.h"

#define OUTPUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                           \
	do {                                                                       \
		if (!(condition)) {                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                   \
		}                                                                  \
	} while (0)

/* Touches every value, so that the sanitizers see columns that are shorter than they say. */
static void look_at(const struct tarn_avro_column *root, struct tarn_buf *text)
{
	tarn_buf_clear(text);
	for (size_t i = 0; i < root->length && !text->overflow; i++)
		text_of_value(text, root, i);
}

/* Decodes; err->position lies in the input. */
static enum tarn_rc decode(const struct tarn_avro_schema *writer, const struct tarn_avro_schema *reader,
			   struct tarn_cursor *cursor, size_t count)
{
	struct tarn_avro_plan *plan;
	struct tarn_err err = { 0 };
	struct tarn_buf text;
	size_t decoded;
	enum tarn_rc rc = tarn_avro_plan_new(writer, reader, &plan, &err);
	CHECK(rc == TARN_OK || rc == TARN_EINVALID || rc == TARN_ELIMIT);
	CHECK(writer != reader || rc != TARN_EINVALID);
	if (rc)
		return rc;
	struct tarn_avro_column *root = tarn_avro_columns_new(reader);
	tarn_buf_init(&text, OUTPUT_MAX);
	rc = tarn_avro_plan_decode(plan, cursor, count, root, &decoded, &err);
	CHECK(rc ? decoded < count : decoded == count);
	CHECK(root->length == decoded);
	CHECK(!rc || (err.position >= 0 && err.position <= cursor->end - cursor->start));
	look_at(root, &text);
	tarn_buf_release(&text);
	tarn_avro_columns_free(root);
	tarn_avro_plan_free(plan);
	return rc;
}

/* Writes one datum as JSON and reads that back. */
static enum tarn_rc print(const struct tarn_avro_schema *schema, struct tarn_cursor *cursor,
			  enum tarn_avro_json_form form)
{
	struct tarn_buf json, datum;
	tarn_buf_init(&json, OUTPUT_MAX);
	tarn_buf_init(&datum, OUTPUT_MAX);
	enum tarn_rc rc = tarn_avro_json_write(schema, cursor, form, &json, NULL);
	if (!rc && tarn_avro_json_read(schema, tarn_buf_slice(&json), form, &datum, NULL))
		CHECK(datum.len == 0);
	tarn_buf_release(&json);
	tarn_buf_release(&datum);
	return rc;
}

static void try_datum(const struct tarn_avro_schema *writer, const struct tarn_avro_schema *reader,
		      struct tarn_slice bytes)
{
	struct tarn_cursor by_plan = tarn_cursor_of(bytes), by_json = by_plan, other = by_plan, native = by_plan;
	enum tarn_rc decoded = decode(writer, writer, &by_plan, 1);
	enum tarn_rc printed = print(writer, &by_json, TARN_AVRO_JSON_TAGGED);
	if (decoded != TARN_ELIMIT && printed != TARN_ELIMIT) {
		CHECK(decoded == printed);
		CHECK(by_plan.at == by_json.at);
	}
	CHECK(print(writer, &native, TARN_AVRO_JSON_NATIVE) == printed || printed == TARN_ELIMIT);
	if (writer != reader)
		(void)!decode(writer, reader, &other, 1);
}

static void try_schemas(struct tarn_slice writer_json, struct tarn_slice reader_json, struct tarn_slice bytes)
{
	struct tarn_avro_schema *writer, *reader = NULL;
	struct tarn_err err;
	if (tarn_avro_schema_parse(writer_json, &writer, &err))
		return;
	(void)tarn_avro_fingerprint(writer);
	if (reader_json.len && tarn_avro_schema_parse(reader_json, &reader, &err))
		reader = NULL;
	try_datum(writer, reader ? reader : writer, bytes);
	tarn_avro_schema_free(reader);
	tarn_avro_schema_free(writer);
}

static void try_file(struct tarn_slice file)
{
	struct tarn_avro_header header;
	struct tarn_avro_schema *schema;
	struct tarn_err err;
	if (tarn_avro_header_read(file, &header, &err))
		return;
	CHECK(header.size <= file.len);
	if (tarn_avro_schema_parse(header.schema_json, &schema, &err))
		return;
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf scratch;
	size_t position = header.size;
	tarn_buf_init(&scratch, OUTPUT_MAX);
	for (;;) {
		struct tarn_avro_block block;
		struct tarn_slice opened;
		enum tarn_rc rc = tarn_avro_block_next(file, &header, &position, &block, &err);
		CHECK(position <= file.len);
		if (!rc && !tarn_avro_block_open(&header, &block, compressor, &scratch, &opened, &err)) {
			struct tarn_cursor cursor = tarn_cursor_of(opened);
			(void)!decode(schema, schema, &cursor, block.count);
		}
		if (rc == TARN_ENOTFOUND || (rc && !tarn_avro_resync(file, &header, &position)))
			break;
	}
	tarn_buf_release(&scratch);
	tarn_compressor_free(compressor);
	tarn_avro_schema_free(schema);
}

static struct tarn_slice until_nul(struct tarn_slice *rest)
{
	const uint8_t *nul = rest->len ? memchr(rest->data, 0, rest->len) : NULL;
	size_t len = nul ? (size_t)(nul - rest->data) : rest->len;
	struct tarn_slice part = tarn_slice_of(rest->data, len);
	rest->data += len + !!nul;
	rest->len -= len + !!nul;
	return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tarn_slice rest = tarn_slice_of(data, size);
	if (size >= 4 && !memcmp(data, "Obj\1", 4)) {
		try_file(rest);
		return 0;
	}
	struct tarn_slice writer = until_nul(&rest), reader = until_nul(&rest);
	try_schemas(writer, reader, rest);
	return 0;
}
