#include "stream/broker/codec.h"

#include <stdlib.h>

#include "cmocka_tarn.h"
#include "random_message.h"
#include "stream/broker/handlers.h"

/* ---- every message of the table ---- */

static struct tarn_encoded encode(const struct tarn_layout *layout, int16_t version, bool flexible, const void *message)
{
	struct tarn_encoded encoded;
	tarn_encoded_init(&encoded);
	tarn_message_encode(&encoded, layout, version, flexible, message);
	assert_false(encoded.bytes.overflow);
	assert_int_equal(encoded.n_pieces, 0);
	return encoded;
}

static void check_message(const struct tarn_layout *layout, int16_t version, bool flexible)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	void *message = tarn_layout_new(&arena, layout, 1), *again = tarn_layout_new(&arena, layout, 1);
	fill(&arena, layout, message, version);
	struct tarn_encoded first = encode(layout, version, flexible, message);
	struct tarn_decoding how = { version, flexible, 1 << 20 };
	for (size_t len = 0; len < first.bytes.len; len++) {
		uint8_t *prefix = tarn_malloc(len + 1); /* so that a sanitizer sees what is read behind its end */
		memcpy(prefix, first.bytes.data, len);
		uint8_t *exact = realloc(prefix, len ? len : 1);
		struct tarn_cursor in = tarn_cursor_of(tarn_slice_of(exact, len));
		struct tarn_err err;
		if (!tarn_message_decode(&in, layout, &how, &arena, again, &err))
			fail_msg("%s version %d: the first %zu of %zu bytes were taken for the whole", layout->name,
				 version, len, first.bytes.len);
		free(exact);
	}
	struct tarn_cursor in = tarn_cursor_of(tarn_buf_slice(&first.bytes));
	struct tarn_err err;
	if (tarn_message_decode(&in, layout, &how, &arena, again, &err))
		fail_msg("%s version %d: %s", layout->name, version, err.message);
	assert_int_equal(tarn_cursor_left(&in), 0);
	struct tarn_encoded second = encode(layout, version, flexible, again);
	assert_int_equal(first.bytes.len, second.bytes.len);
	assert_memory_equal(first.bytes.data, second.bytes.data, first.bytes.len);
	tarn_encoded_release(&first);
	tarn_encoded_release(&second);
	tarn_arena_release(&arena);
}

static void every_version_of_every_message_reads_back(void **state)
{
	(void)state;
	const struct tarn_api *api;
	for (size_t i = 0; (api = tarn_api_at(i)); i++)
		for (int16_t version = api->oldest; version <= api->newest; version++)
			for (seed = 1; seed < 9; seed++) {
				check_message(api->request(), version, version >= api->flexible);
				check_message(api->response(), version, version >= api->flexible);
			}
}

static void apis_are_found_by_their_keys(void **state)
{
	(void)state;
	size_t n = 0;
	while (tarn_api_at(n))
		n++;
	assert_true(n > 40);
	for (int key = INT16_MIN; key <= INT16_MAX; key++) {
		const struct tarn_api *expected = NULL;
		for (size_t i = 0; i < n; i++)
			if (tarn_api_at(i)->key == key)
				expected = tarn_api_at(i);
		assert_ptr_equal(tarn_api_find((int16_t)key), expected);
	}
}

static void handlers_serve_what_the_table_lays_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < tarn_handlers_count; i++) {
		const struct tarn_handler *handler = &tarn_handlers[i];
		const struct tarn_api *api = tarn_api_find(handler->api_key);
		assert_non_null(api);
		assert_true(handler->min <= handler->max);
		assert_in_range(handler->min, api->oldest, api->newest);
		assert_in_range(handler->max, api->oldest, api->newest);
		assert_true(!i || handler[-1].api_key < handler->api_key);
	}
}

/* ---- bytes that others wrote ---- */

static enum tarn_rc decode(struct tarn_arena *arena, const struct tarn_layout *layout, int16_t version, bool flexible,
			   struct tarn_slice bytes, void *message)
{
	struct tarn_cursor in = tarn_cursor_of(bytes);
	struct tarn_decoding how = { version, flexible, 1 << 20 };
	return tarn_message_decode(&in, layout, &how, arena, message, NULL);
}

#define BYTES(text) tarn_slice_of(text, sizeof(text) - 1)

static void fixed_and_flexible_forms(void **state)
{
	(void)state;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	struct tarn_metadata_request metadata;
	const struct tarn_layout *layout = tarn_layout_metadata_request();
	assert_int_equal(decode(&arena, layout, 1, false, BYTES("\0\0\0\1\0\2ab"), &metadata), TARN_OK);
	assert_int_equal(metadata.n_topics, 1);
	assert_string_equal(metadata.topics[0].name, "ab");
	assert_true(metadata.allow_auto_topic_creation); /* the default of a version without the field */
	assert_int_equal(decode(&arena, layout, 1, false, BYTES("\xff\xff\xff\xff"), &metadata), TARN_OK);
	assert_null(metadata.topics);
	assert_int_equal(decode(&arena, layout, 1, false, BYTES("\0\0\0\0"), &metadata), TARN_OK);
	assert_non_null(metadata.topics);
	assert_int_equal(metadata.n_topics, 0);
	/* Version 9: compact forms, and an unknown tag (7, of 3 bytes) behind the topic and (200, empty) at the end. */
	assert_int_equal(decode(&arena, layout, 9, true, BYTES("\2\3ab\1\7\3xyz\0\1\0\1\xc8\1\0"), &metadata), TARN_OK);
	assert_string_equal(metadata.topics[0].name, "ab");
	assert_false(metadata.allow_auto_topic_creation);
	assert_true(metadata.include_cluster_authorized_operations);
	tarn_arena_release(&arena);
}

static void what_breaks_the_format_is_refused(void **state)
{
	(void)state;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	struct tarn_metadata_request metadata;
	struct tarn_describe_configs_request configs;
	const struct tarn_layout *layout = tarn_layout_metadata_request();
	static const struct {
		int16_t version;
		bool flexible;
		const char *what;
		struct tarn_slice bytes;
	} cases[] = {
		{ 0, false, "null where there is none", { (const uint8_t *)"\xff\xff\xff\xff", 4 } },
		{ 1, false, "a negative count", { (const uint8_t *)"\xff\xff\xff\xfe", 4 } },
		{ 1, false, "a count of 2^31-1", { (const uint8_t *)"\x7f\xff\xff\xff", 4 } },
		{ 1, false, "a null name", { (const uint8_t *)"\0\0\0\1\xff\xff", 6 } },
		{ 1, false, "a negative length", { (const uint8_t *)"\0\0\0\1\x80\0ab", 8 } },
		{ 1, false, "a zero byte in a name", { (const uint8_t *)"\0\0\0\1\0\3a\0b", 9 } },
		{ 9, true, "a compact count beyond 32 bits", { (const uint8_t *)"\xff\xff\xff\xff\x7f\0\0\0", 8 } },
		{ 9, true, "a tag that goes on behind the end", { (const uint8_t *)"\1\1\0\0\1\0\x7f", 7 } },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (decode(&arena, layout, cases[i].version, cases[i].flexible, cases[i].bytes, &metadata) !=
		    TARN_EINVALID)
			fail_msg("%s was not refused", cases[i].what);
	/* A nullable array of strings has no null strings in it. */
	assert_int_equal(decode(&arena, tarn_layout_describe_configs_request(), 1, false,
				BYTES("\0\0\0\1\2\0\1t\0\0\0\1\xff\xff\0"), &configs),
			 TARN_EINVALID);
	tarn_arena_release(&arena);
}

static void memory_follows_the_bytes(void **state)
{
	(void)state;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	size_t n = 1 << 20;
	uint8_t *bytes = tarn_calloc(1, 4 + 2 * n);
	bytes[1] = (uint8_t)(n >> 16);
	struct tarn_metadata_request metadata;
	struct tarn_cursor in = tarn_cursor_of(tarn_slice_of(bytes, 4 + 2 * n));
	struct tarn_decoding how = { 1, false, 16 * n };
	struct tarn_err err;
	assert_int_equal(tarn_message_decode(&in, tarn_layout_metadata_request(), &how, &arena, &metadata, &err),
			 TARN_ELIMIT);
	free(bytes);
	tarn_arena_release(&arena);
}

static void long_records_are_not_copied(void **state)
{
	(void)state;
	static const uint8_t records[TARN_PIECE_LEAST] = { 1 };
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	struct tarn_fetch_response *response = tarn_message_new(&arena, fetch_response, 1);
	response->topics = tarn_message_new(&arena, fetch_response_topic, 1);
	response->n_topics = 1;
	response->topics->topic = "t";
	response->topics->n_partitions = 2;
	response->topics->partitions = tarn_message_new(&arena, fetch_response_partition, 2);
	response->topics->partitions[0].records = tarn_slice_of(records, sizeof(records));
	response->topics->partitions[1].records = tarn_slice_of(records, sizeof(records) - 1);
	struct tarn_encoded encoded;
	tarn_encoded_init(&encoded);
	tarn_message_encode(&encoded, tarn_layout_fetch_response(), 11, false, response);
	assert_int_equal(encoded.n_pieces, 1);
	assert_ptr_equal(encoded.pieces[0].data.data, records);
	/* throttle, error, session, count, "t", count, partition, error, 3 offsets, aborted, replica, length of records
	 */
	assert_int_equal(encoded.pieces[0].at, 4 + 2 + 4 + 4 + 3 + 4 + 4 + 2 + 24 + 4 + 4 + 4);
	assert_int_equal(tarn_encoded_size(&encoded), encoded.bytes.len + sizeof(records));
	tarn_encoded_release(&encoded);
	tarn_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_of_every_message_reads_back),
		cmocka_unit_test(apis_are_found_by_their_keys),
		cmocka_unit_test(handlers_serve_what_the_table_lays_out),
		cmocka_unit_test(fixed_and_flexible_forms),
		cmocka_unit_test(what_breaks_the_format_is_refused),
		cmocka_unit_test(memory_follows_the_bytes),
		cmocka_unit_test(long_records_are_not_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
