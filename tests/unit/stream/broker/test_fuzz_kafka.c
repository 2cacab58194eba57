/* Replays the fuzzer's corpus, and sends every API what is almost right. */
#include <glob.h>
#include <stdlib.h>

#include "base/file.h"
#include "cmocka_tarn.h"
#include "random_message.h"
#include "stream/broker/handlers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as long as it is, so that a sanitizer sees what is read behind its end. */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *copy = tarn_malloc(len ? len : 1);
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void the_corpus_is_replayed(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob(TEST_DATA "/../fuzz/corpus/kafka/*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct tarn_buf input;
		tarn_buf_init(&input, 1 << 20);
		assert_int_equal(tarn_file_read(found.gl_pathv[i], &input, NULL), TARN_OK);
		run(input.data, input.len);
		tarn_buf_release(&input);
	}
	globfree(&found);
}

/* A request of the handler's newest version in the fuzzer's form; the last byte says that nobody has to authenticate.
 */
static struct tarn_buf valid_request(size_t which)
{
	const struct tarn_handler *handler = &tarn_handlers[which];
	const struct tarn_api *api = tarn_api_find(handler->api_key);
	struct tarn_arena arena;
	struct tarn_encoded encoded;
	struct tarn_buf input;
	tarn_arena_init(&arena);
	tarn_encoded_init(&encoded);
	tarn_buf_init(&input, 1 << 20);
	void *message = tarn_layout_new(&arena, api->request(), 1);
	bool flexible = handler->max >= api->flexible;
	fill(&arena, api->request(), message, handler->max);
	tarn_message_encode(&encoded, api->request(), handler->max, flexible, message);
	size_t len = encoded.bytes.len + flexible;
	uint8_t head[4] = { (uint8_t)which, (uint8_t)(handler->max - handler->min), (uint8_t)(len >> 8), (uint8_t)len };
	tarn_buf_add(&input, head, sizeof(head));
	if (flexible)
		tarn_buf_add_byte(&input, 0); /* tags of the header */
	tarn_buf_add_slice(&input, tarn_buf_slice(&encoded.bytes));
	tarn_buf_add_byte(&input, 0);
	tarn_encoded_release(&encoded);
	tarn_arena_release(&arena);
	return input;
}

static void damaged_requests_are_harmless(void **state)
{
	(void)state;
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0xff };
	for (size_t which = 0; which < tarn_handlers_count; which++) {
		seed = which + 1;
		struct tarn_buf input = valid_request(which);
		for (size_t at = 4; at + 1 < input.len && at < 120; at++) {
			uint8_t before = input.data[at];
			for (size_t k = 0; k < sizeof(values); k++) {
				input.data[at] = values[k];
				run(input.data, input.len);
			}
			input.data[at] = before;
		}
		tarn_buf_release(&input);
	}
}

static void random_requests_are_harmless(void **state)
{
	(void)state;
	for (size_t round = 0; round < 20; round++)
		for (size_t which = 0; which < tarn_handlers_count; which++) {
			seed = round * 1000 + which;
			struct tarn_buf input = valid_request(which);
			run(input.data, input.len);
			tarn_buf_release(&input);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_is_replayed),
		cmocka_unit_test(random_requests_are_harmless),
		cmocka_unit_test(damaged_requests_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
