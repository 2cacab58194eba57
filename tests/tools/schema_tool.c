/* Developer's program around the room of schemas, driven by tests/interop/test_registry_rules.py.
 *
 *   schema_tool check <cases     each line is JSON, [reader's schema, writer's schema] (as strings); prints a JSON array of the
 *                                reasons why the reader cannot take what the writer writes
 *   schema_tool text <cases      each line is JSON, a schema as a string; prints a JSON array of its canonical text, and the
 *                                normal one
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "serialize/schema/compatibility.h"
#include "serialize/schema/schema_text.h"

static struct tarn_avro_schema *parse(const json_t *text)
{
	struct tarn_avro_schema *schema;
	struct tarn_err err;
	const struct tarn_slice slice = { (const uint8_t *)json_string_value(text), json_string_length(text) };
	if (!tarn_avro_schema_parse(slice, &schema, &err))
		return schema;
	fprintf(stderr, "schema_tool: %s: %s\n", json_string_value(text), err.message);
	exit(1);
}

static json_t *check(const json_t *pair)
{
	struct tarn_arena arena;
	struct tarn_compatibility_reasons reasons = { .arena = &arena };
	struct tarn_avro_schema *reader = parse(json_array_get(pair, 0)), *writer = parse(json_array_get(pair, 1));
	json_t *list = json_array();
	tarn_arena_init(&arena);
	tarn_compatibility_check(reader, writer, "new", "old", &reasons);
	for (size_t i = 0; i < reasons.n; i++)
		json_array_append_new(list, json_string(reasons.text[i]));
	tarn_arena_release(&arena);
	tarn_avro_schema_free(reader);
	tarn_avro_schema_free(writer);
	return list;
}

static json_t *texts(const json_t *text)
{
	struct tarn_avro_schema *schema = parse(text);
	json_t *list = json_array();
	for (int form = TARN_SCHEMA_CANONICAL; form <= TARN_SCHEMA_NORMALIZED; form++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 1 << 30);
		tarn_schema_put_text(schema, (enum tarn_schema_form)form, &out);
		json_array_append_new(list, json_stringn((const char *)out.data, out.len));
		tarn_buf_release(&out);
	}
	tarn_avro_schema_free(schema);
	return list;
}

int main(int argc, char **argv)
{
	bool checks = argc == 2 && !strcmp(argv[1], "check");
	if (!checks && !(argc == 2 && !strcmp(argv[1], "text"))) {
		fputs("usage: schema_tool check|text <CASES\n", stderr);
		return 2;
	}
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	while ((len = getline(&line, &size, stdin)) > 0) {
		json_t *given = json_loadb(line, (size_t)len, JSON_DECODE_ANY, NULL);
		json_t *result = checks ? check(given) : texts(given);
		json_dumpf(result, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(result);
		json_decref(given);
	}
	free(line);
	return 0;
}
