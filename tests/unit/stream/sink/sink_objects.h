/* Reads the objects of a store back: which records, in which objects. */
#ifndef TARN_TESTS_SINK_OBJECTS_H
#define TARN_TESTS_SINK_OBJECTS_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "serialize/avro/container.h"
#include "serialize/avro/json.h"
#include "store/object/object.h"

#define FOUND_PARTITIONS 4
#define FOUND_OFFSETS 4096

struct found {
	struct tarn_store *store;
	int times[FOUND_PARTITIONS][FOUND_OFFSETS]; /* a record was seen */
	size_t n_objects, n_records;
	char keys[512][160]; /* sorted by found_all */
	size_t records_in[512];
};

static void found_place(struct found *found, const char *place)
{
	int partition, offset;
	assert_int_equal(sscanf(place, "%d:%d", &partition, &offset), 2);
	found->times[partition][offset]++;
	found->n_records++;
	found->records_in[found->n_objects]++;
}

static void found_json(struct found *found, const char *line, size_t len)
{
	json_t *json = json_loadb(line, len, JSON_DECODE_ANY, NULL);
	assert_non_null(json);
	found_place(found,
		    json_is_string(json) ? json_string_value(json) : json_string_value(json_object_get(json, "place")));
	json_decref(json);
}

static void found_container(struct found *found, struct tarn_slice file)
{
	struct tarn_avro_header header;
	struct tarn_avro_schema *schema;
	struct tarn_avro_block block;
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf scratch, line;
	tarn_buf_init(&scratch, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_avro_header_read(file, &header, NULL), TARN_OK);
	assert_int_equal(tarn_avro_schema_parse(header.schema_json, &schema, NULL), TARN_OK);
	size_t position = header.size;
	enum tarn_rc rc;
	while (!(rc = tarn_avro_block_next(file, &header, &position, &block, NULL))) {
		struct tarn_slice data;
		assert_int_equal(tarn_avro_block_open(&header, &block, compressor, &scratch, &data, NULL), TARN_OK);
		struct tarn_cursor cursor = tarn_cursor_of(data);
		for (uint64_t i = 0; i < block.count; i++) {
			tarn_buf_clear(&line);
			assert_int_equal(tarn_avro_json_write(schema, &cursor, TARN_AVRO_JSON_NATIVE, &line, NULL),
					 TARN_OK);
			found_json(found, (const char *)line.data, line.len);
		}
		assert_int_equal(tarn_cursor_left(&cursor), 0);
	}
	assert_int_equal(rc, TARN_ENOTFOUND);
	tarn_avro_schema_free(schema);
	tarn_compressor_free(compressor);
	tarn_buf_release(&scratch);
	tarn_buf_release(&line);
}

static bool found_object(void *context, const struct tarn_store_found *object)
{
	struct found *found = context;
	struct tarn_buf bytes;
	if (object->is_temporary)
		return true;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_store_get(found->store, object->key, &bytes, NULL), TARN_OK);
	assert_true(found->n_objects < 512);
	snprintf(found->keys[found->n_objects], sizeof(found->keys[0]), "%s", object->key);
	if (strstr(object->key, ".avro")) {
		found_container(found, tarn_buf_slice(&bytes));
	} else {
		for (uint8_t *at = bytes.data, *end = bytes.data + bytes.len; at < end;) {
			uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
			assert_non_null(line_end);
			found_json(found, (const char *)at, (size_t)(line_end - at));
			at = line_end + 1;
		}
	}
	found->n_objects++;
	tarn_buf_release(&bytes);
	return true;
}

/* The caller frees it. */
static struct found *found_all(const char *path)
{
	struct found *found = calloc(1, sizeof(*found));
	assert_non_null(found);
	assert_int_equal(tarn_store_open(path, true, &found->store, NULL), TARN_OK);
	assert_int_equal(tarn_store_walk(found->store, "", found_object, found, NULL), TARN_OK);
	tarn_store_close(found->store);
	return found;
}

static inline bool found_key(const struct found *found, const char *key)
{
	for (size_t i = 0; i < found->n_objects; i++)
		if (!strcmp(found->keys[i], key))
			return true;
	return false;
}

#endif
