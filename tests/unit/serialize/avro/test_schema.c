#include "serialize/avro/schema.h"

#include "avro_files.h"
#include "serialize/avro/node.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static const struct tarn_avro_node *root(const struct tarn_avro_schema *schema)
{
	return tarn_avro_schema_root(schema);
}

static void primitives_are_known_in_both_forms(void **state)
{
	(void)state;
	static const char *const names[] = { "null", "boolean", "int", "long", "float", "double", "bytes", "string" };
	for (size_t i = 0; i < N(names); i++) {
		char text[64];
		static const char *const forms[] = { "'%s'", "{'type':'%s'}", "{'type':{'type':'%s'}}" };
		for (size_t k = 0; k < N(forms); k++) {
			snprintf(text, sizeof(text), forms[k], names[i]);
			struct tarn_avro_schema *schema = parse_schema(text);
			assert_int_equal(root(schema)->type, i);
			assert_string_equal(tarn_avro_type_name(root(schema)->type), names[i]);
			tarn_avro_schema_free(schema);
		}
	}
}

static void compound_types_hold_their_parts(void **state)
{
	(void)state;
	struct tarn_avro_schema *schema =
		parse_schema("{'type':'record','name':'R','namespace':'a.b','aliases':['Old','x.Older'],'fields':["
			     "{'name':'e','type':{'type':'enum','name':'E','symbols':['A','B'],'default':'B'}},"
			     "{'name':'f','type':{'type':'fixed','name':'F','size':5},'aliases':['g','h']},"
			     "{'name':'l','type':{'type':'array','items':'a.b.F'}},"
			     "{'name':'m','type':{'type':'map','values':'E'}},"
			     "{'name':'u','type':['null','R'],'default':null}]}");
	const struct tarn_avro_node *node = root(schema);
	assert_int_equal(node->type, TARN_AVRO_RECORD);
	assert_string_equal(node->full_name, "a.b.R");
	assert_string_equal(node->name, "R");
	assert_int_equal(node->n_aliases, 2);
	assert_string_equal(node->aliases[0], "a.b.Old");
	assert_string_equal(node->aliases[1], "x.Older");
	assert_int_equal(node->n_fields, 5);
	assert_int_equal(tarn_avro_node_find(node, "u"), 4);
	assert_int_equal(tarn_avro_node_find(node, "v"), -1);
	const struct tarn_avro_field *fields = node->fields;
	assert_int_equal(fields[0].type->n_symbols, 2);
	assert_string_equal(fields[0].type->symbols[1], "B");
	assert_int_equal(fields[0].type->default_symbol, 1);
	assert_null(fields[0].default_value);
	assert_int_equal(fields[1].type->size, 5);
	assert_string_equal(fields[1].aliases[1], "h");
	assert_ptr_equal(fields[2].type->items, fields[1].type);
	assert_ptr_equal(fields[3].type->items, fields[0].type);
	assert_ptr_equal(fields[4].type->branches[1], node);
	assert_ptr_equal(tarn_avro_optional(fields[4].type), node);
	assert_non_null(fields[4].default_value);
	tarn_avro_schema_free(schema);
}

static void the_text_is_kept_as_it_came(void **state)
{
	(void)state;
	static const char text[] = " {\"field-id\":7,\n\"type\" :\"int\", \"doc\":\"\\u00e9\"}\n";
	struct tarn_avro_schema *schema = parse_schema(text);
	assert_true(tarn_slice_eq(tarn_avro_schema_json(schema), tarn_slice_str(text)));
	tarn_avro_schema_free(schema);
}

static void logical_types_hold_where_they_fit(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		enum tarn_avro_logical logical;
		int precision, scale;
	} cases[] = {
		{ "{'type':'int','logicalType':'date'}", TARN_AVRO_DATE, 0, 0 },
		{ "{'type':'int','logicalType':'time-millis'}", TARN_AVRO_TIME_MILLIS, 0, 0 },
		{ "{'type':'long','logicalType':'time-micros'}", TARN_AVRO_TIME_MICROS, 0, 0 },
		{ "{'type':'long','logicalType':'timestamp-millis'}", TARN_AVRO_TIMESTAMP_MILLIS, 0, 0 },
		{ "{'type':'long','logicalType':'timestamp-micros'}", TARN_AVRO_TIMESTAMP_MICROS, 0, 0 },
		{ "{'type':'long','logicalType':'timestamp-nanos'}", TARN_AVRO_TIMESTAMP_NANOS, 0, 0 },
		{ "{'type':'long','logicalType':'local-timestamp-millis'}", TARN_AVRO_LOCAL_TIMESTAMP_MILLIS, 0, 0 },
		{ "{'type':'long','logicalType':'local-timestamp-micros'}", TARN_AVRO_LOCAL_TIMESTAMP_MICROS, 0, 0 },
		{ "{'type':'long','logicalType':'local-timestamp-nanos'}", TARN_AVRO_LOCAL_TIMESTAMP_NANOS, 0, 0 },
		{ "{'type':'string','logicalType':'uuid'}", TARN_AVRO_UUID, 0, 0 },
		{ "{'type':'fixed','name':'U','size':16,'logicalType':'uuid'}", TARN_AVRO_UUID, 0, 0 },
		{ "{'type':'fixed','name':'D','size':12,'logicalType':'duration'}", TARN_AVRO_DURATION, 0, 0 },
		{ "{'type':'bytes','logicalType':'big-decimal'}", TARN_AVRO_BIG_DECIMAL, 0, 0 },
		{ "{'type':'bytes','logicalType':'decimal','precision':9,'scale':2}", TARN_AVRO_DECIMAL, 9, 2 },
		{ "{'type':'bytes','logicalType':'decimal','precision':9}", TARN_AVRO_DECIMAL, 9, 0 },
		{ "{'type':'fixed','name':'D','size':4,'logicalType':'decimal','precision':9}", TARN_AVRO_DECIMAL, 9,
		  0 },
		{ "{'type':'fixed','name':'D','size':4,'logicalType':'decimal','precision':10}", TARN_AVRO_PLAIN, 0,
		  0 },
		{ "{'type':'fixed','name':'D','size':0,'logicalType':'decimal','precision':1}", TARN_AVRO_PLAIN, 0, 0 },
		{ "{'type':'bytes','logicalType':'decimal','precision':2,'scale':3}", TARN_AVRO_PLAIN, 0, 0 },
		{ "{'type':'bytes','logicalType':'decimal'}", TARN_AVRO_PLAIN, 0, 0 },
		{ "{'type':'bytes','logicalType':'decimal','precision':0}", TARN_AVRO_PLAIN, 0, 0 },
		{ "{'type':'long','logicalType':'date'}", TARN_AVRO_PLAIN, 0, 0 },
		{ "{'type':'fixed','name':'D','size':11,'logicalType':'duration'}", TARN_AVRO_PLAIN, 0, 0 },
		{ "{'type':'int','logicalType':'of-my-own'}", TARN_AVRO_PLAIN, 0, 0 },
		{ "{'type':'int','logicalType':3}", TARN_AVRO_PLAIN, 0, 0 },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_schema *schema = parse_schema(cases[i].json);
		assert_int_equal(root(schema)->logical, cases[i].logical);
		assert_int_equal(root(schema)->precision, cases[i].precision);
		assert_int_equal(root(schema)->scale, cases[i].scale);
		tarn_avro_schema_free(schema);
	}
}

/* The rules of "Names": each case is a record with one field of a fixed type; what are their full names? */
static void namespaces_are_inherited(void **state)
{
	(void)state;
	static const struct {
		const char *outer, *inner, *outer_name, *inner_name;
	} cases[] = {
		{ "'name':'R'", "'name':'F'", "R", "F" },
		{ "'name':'R','namespace':'a'", "'name':'F'", "a.R", "a.F" },
		{ "'name':'a.R'", "'name':'F'", "a.R", "a.F" },
		{ "'name':'a.b.R','namespace':'c'", "'name':'F'", "a.b.R", "a.b.F" },
		{ "'name':'a.R'", "'name':'F','namespace':'b'", "a.R", "b.F" },
		{ "'name':'a.R'", "'name':'b.c.F'", "a.R", "b.c.F" },
		{ "'name':'a.R'", "'name':'F','namespace':''", "a.R", "F" },
		{ "'name':'R','namespace':null", "'name':'F'", "R", "F" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		char text[256];
		snprintf(text, sizeof(text),
			 "{'type':'record',%s,'fields':[{'name':'f','type':{'type':'fixed',%s,'size':1}}]}",
			 cases[i].outer, cases[i].inner);
		struct tarn_avro_schema *schema = parse_schema(text);
		assert_string_equal(root(schema)->full_name, cases[i].outer_name);
		assert_string_equal(root(schema)->fields[0].type->full_name, cases[i].inner_name);
		tarn_avro_schema_free(schema);
	}
}

static void mistakes_are_named_with_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *json, *message;
	} cases[] = {
		{ "", "avro schema is not JSON" },
		{ "{'type':'int'", "avro schema is not JSON" },
		{ "3", "avro schema at $: a type (a name, an object or an array) was expected" },
		{ "'strng'", "at $: unknown type 'strng'" },
		{ "'a b'", "at $: 'a b' is no type" },
		{ "'union'", "at $: unknown type 'union'" },
		{ "{}", "at $: a type has no attribute 'type'" },
		{ "{'type':'array'}", "at $.items: a type was expected, there is nothing" },
		{ "{'type':'map','values':['int','strng']}", "at $.values[1]: unknown type 'strng'" },
		{ "['int',['null']]", "at $[1]: a union directly inside a union" },
		{ "['int','int']", "at $[1]: the union has 'int' twice" },
		{ "[{'type':'array','items':'int'},{'type':'array','items':'long'}]", "'array' twice" },
		{ "{'type':'record','name':'R'}", "at $.fields: an array of fields was expected" },
		{ "{'type':'record','fields':[]}", "at $.name: a name was expected" },
		{ "{'type':'record','name':'1R','fields':[]}", "at $.name: '1R' is not a name" },
		{ "{'type':'record','name':'a..R','fields':[]}", "at $.name: 'a..R' is not a name" },
		{ "{'type':'record','name':'R','namespace':'a-b','fields':[]}", "at $.namespace: 'a-b' is not a name" },
		{ "{'type':'fixed','name':'int','size':1}", "at $.name: 'int' is a primitive type's name" },
		{ "{'type':'fixed','name':'F','size':-1}", "at $.size: a number of bytes was expected" },
		{ "{'type':'fixed','name':'F','size':1.5}", "at $.size: a number of bytes was expected" },
		{ "{'type':'fixed','name':'F','size':4611686018427387904}", "more than the limit" },
		{ "{'type':'record','name':'R','fields':[{'name':'a.b','type':'int'}]}",
		  "at $.fields[0].name: 'a.b' is not a name" },
		{ "{'type':'record','name':'R','fields':[{'name':'a'}]}", "at $.fields[0].type: a type was expected" },
		{ "{'type':'record','name':'R','fields':[{'name':'a','type':'int'},"
		  "{'name':'a','type':'int'}]}",
		  "at $.fields[1].name: record 'R' has the field 'a' twice" },
		{ "{'type':'record','name':'R','fields':[{'name':'a','type':'R'}]}",
		  "at $.fields[0].type: record 'R' would always hold itself" },
		{ "{'type':'record','name':'R','fields':[{'name':'a','type':"
		  "{'type':'record','name':'R','fields':[]}}]}",
		  "at $.fields[0].type.name: 'R' is defined twice" },
		{ "{'type':'record','name':'R','aliases':'x','fields':[]}",
		  "at $.aliases: an array of names was expected" },
		{ "{'type':'record','name':'R','aliases':['x',''],'fields':[]}", "at $.aliases[1]: '' is not a name" },
		{ "{'type':'enum','name':'E'}", "at $.symbols: an array of names was expected" },
		{ "{'type':'enum','name':'E','symbols':['A','A']}", "at $.symbols[1]: the symbol 'A'" },
		{ "{'type':'enum','name':'E','symbols':['A'],'default':'B'}",
		  "at $.default: 'B' is none of the symbols" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_schema *schema = NULL;
		struct tarn_err err;
		assert_true(parse_quoted(cases[i].json, &schema, &err) != TARN_OK);
		if (!strstr(replace_quotes(err.message, '"', '\''), cases[i].message))
			fail_msg("\"%s\" does not hold \"%s\"", err.message, cases[i].message);
		assert_null(schema);
	}
}

static void append_nested(struct tarn_buf *json, size_t levels)
{
	for (size_t i = 1; i < levels; i++)
		tarn_buf_add_str(json, "{'type':'array','items':");
	tarn_buf_add_str(json, "'int'");
	for (size_t i = 1; i < levels; i++)
		tarn_buf_add_str(json, "}");
}

static void nesting_is_limited(void **state)
{
	(void)state;
	static const struct {
		size_t levels;
		enum tarn_rc rc;
	} cases[] = {
		{ 1, TARN_OK }, { 64, TARN_OK }, { 65, TARN_ELIMIT }, { 1000, TARN_ELIMIT }, { 5000, TARN_ELIMIT }
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_buf json;
		struct tarn_avro_schema *schema = NULL;
		tarn_buf_init(&json, 1 << 20);
		append_nested(&json, cases[i].levels);
		tarn_buf_add_byte(&json, '\0');
		assert_int_equal(parse_quoted((const char *)json.data, &schema, NULL), cases[i].rc);
		tarn_avro_schema_free(schema);
		tarn_buf_release(&json);
	}
}

/* Each record has the one before it twice: written out, that doubles with every line. */
static void types_that_explode_are_refused(void **state)
{
	(void)state;
	static const struct {
		int records;
		enum tarn_rc rc;
	} cases[] = { { 10, TARN_OK }, { 40, TARN_ELIMIT } };
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_buf json;
		struct tarn_avro_schema *schema = NULL;
		tarn_buf_init(&json, 1 << 20);
		tarn_buf_add_str(&json, "[{'type':'record','name':'R0','fields':[]}");
		for (int k = 1; k < cases[i].records; k++)
			tarn_buf_printf(&json,
					",{'type':'record','name':'R%d','fields':[{'name':'a','type':'R%d'},"
					"{'name':'b','type':'R%d'}]}",
					k, k - 1, k - 1);
		tarn_buf_add_str(&json, "]");
		tarn_buf_add_byte(&json, '\0');
		assert_int_equal(parse_quoted((const char *)json.data, &schema, NULL), cases[i].rc);
		tarn_avro_schema_free(schema);
		tarn_buf_release(&json);
	}
}

static void every_prefix_of_a_schema_is_refused(void **state)
{
	(void)state;
	struct tarn_buf json = read_test_file("vqe-v2.avsc");
	struct tarn_avro_schema *schema;
	assert_int_equal(tarn_avro_schema_parse(tarn_buf_slice(&json), &schema, NULL), TARN_OK);
	assert_string_equal(root(schema)->fields[0].type->fields[0].type->fields[0].name, "backend");
	tarn_avro_schema_free(schema);
	while (json.data[json.len - 1] == '\n')
		json.len--;
	for (size_t len = 0; len < json.len; len++) {
		struct tarn_slice prefix = exact_copy(tarn_slice_of(json.data, len));
		assert_int_equal(tarn_avro_schema_parse(prefix, &schema, NULL), TARN_EINVALID);
		free_copy(prefix);
	}
	tarn_buf_release(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primitives_are_known_in_both_forms),
		cmocka_unit_test(compound_types_hold_their_parts),
		cmocka_unit_test(the_text_is_kept_as_it_came),
		cmocka_unit_test(logical_types_hold_where_they_fit),
		cmocka_unit_test(namespaces_are_inherited),
		cmocka_unit_test(mistakes_are_named_with_their_place),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(types_that_explode_are_refused),
		cmocka_unit_test(every_prefix_of_a_schema_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
