/* libFuzzer entry for the registry. The first byte says what the rest is: a record of its topic (key, a zero byte,
 * value), the body of a registration, or two schemas (separated by a zero byte) to write in every form and to compare.
 *
 *   CC=clang meson setup build-fuzz -Dc_args=-fsanitize=fuzzer-no-link -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build-fuzz tests/unit/stream/registry/fuzz_registry
 *   build-fuzz/tests/unit/stream/registry/fuzz_registry -max_len=4096 CORPUS */
#include <stdlib.h>

#include "base/alloc.h"
#include "serialize/schema/compatibility.h"
#include "serialize/schema/schema_text.h"
#include "stream/registry/registry_topic.h"
#include "unit/stream/registry/memory_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void apply_record(struct tarn_slice key, struct tarn_slice value)
{
	struct reg_state state;
	reg_state_init(&state);
	for (int i = 0; i < 2; i++)
		if (reg_apply(&state, key, value, i, NULL))
			break;
	reg_state_release(&state);
}

/* What is registered is found again, under its id and as the same. */
static void register_body(struct tarn_slice body)
{
	static const struct tarn_registry_options options = { .compatibility = TARN_COMPATIBILITY_FULL_TRANSITIVE };
	static struct memory_topic topic;
	struct tarn_registry *registry;
	if (tarn_registry_open(&options, &memory_store, &topic, &registry, NULL))
		abort();
	struct tarn_registry_client *client = tarn_registry_local_client(registry);
	struct tarn_buf answers[2];
	int status[2] = { 0, 0 };
	char *text = tarn_malloc(body.len + 1);
	memcpy(text, body.data, body.len);
	text[body.len] = '\0';
	for (int i = 0; i < 2; i++) {
		tarn_buf_init(&answers[i], 1 << 26);
		if (tarn_registry_ask(client, "POST", "/subjects/s/versions", text, &status[i], &answers[i], NULL))
			abort();
	}
	if (status[0] == 200 &&
	    (status[1] != 200 || !tarn_slice_eq(tarn_buf_slice(&answers[0]), tarn_buf_slice(&answers[1]))))
		abort();
	for (int i = 0; i < 2; i++)
		tarn_buf_release(&answers[i]);
	free(text);
	tarn_registry_client_free(client);
	tarn_registry_close(registry);
	memory_clear(&topic);
}

/* The canonical text of a schema is a schema, and its own canonical text. */
static void write_forms(const struct tarn_avro_schema *schema)
{
	for (int form = TARN_SCHEMA_CANONICAL; form <= TARN_SCHEMA_WHOLE; form++) {
		struct tarn_buf text, again;
		struct tarn_avro_schema *parsed;
		tarn_buf_init(&text, 1 << 26);
		tarn_buf_init(&again, 1 << 26);
		tarn_schema_put_text(schema, (enum tarn_schema_form)form, &text);
		if (tarn_avro_schema_parse(tarn_buf_slice(&text), &parsed, NULL))
			abort();
		tarn_schema_put_text(parsed, (enum tarn_schema_form)form, &again);
		if (!tarn_slice_eq(tarn_buf_slice(&text), tarn_buf_slice(&again)))
			abort();
		tarn_avro_schema_free(parsed);
		tarn_buf_release(&text);
		tarn_buf_release(&again);
	}
}

static void compare(struct tarn_slice first, struct tarn_slice second)
{
	struct tarn_avro_schema *schemas[2] = { NULL, NULL };
	struct tarn_arena arena;
	struct tarn_compatibility_reasons reasons = { .arena = &arena };
	tarn_arena_init(&arena);
	if (!tarn_avro_schema_parse(first, &schemas[0], NULL)) {
		write_forms(schemas[0]);
		tarn_compatibility_check(schemas[0], schemas[0], "new", "old", &reasons);
	}
	if (schemas[0] && !tarn_avro_schema_parse(second, &schemas[1], NULL)) {
		const struct tarn_compatibility_version older = { 1, schemas[1], second };
		tarn_compatibility_check_level(TARN_COMPATIBILITY_FULL, schemas[0], &older, 1, &reasons);
	}
	tarn_avro_schema_free(schemas[0]);
	tarn_avro_schema_free(schemas[1]);
	tarn_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct tarn_slice rest = { data + 1, size - 1 };
	const uint8_t *zero = rest.len ? memchr(rest.data, 0, rest.len) : NULL;
	struct tarn_slice first = tarn_slice_of(rest.data, zero ? (size_t)(zero - rest.data) : rest.len);
	struct tarn_slice second = zero ? tarn_slice_of(zero + 1, rest.len - first.len - 1) : (struct tarn_slice){ 0 };
	switch (data[0]) {
	case 'r': apply_record(first, second); break;
	case 'b': register_body(rest); break;
	case 's': compare(first, second); break;
	default: break;
	}
	return 0;
}
