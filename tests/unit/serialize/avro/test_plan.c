#include "serialize/avro/plan.h"

#include "avro_files.h"
#include "column_text.h"
#include "serialize/avro/container.h"
#include "serialize/avro/encode.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* Two schemas, their plan, and columns of the reader's. */
struct pair {
	struct tarn_avro_schema *writer, *reader;
	struct tarn_avro_plan *plan;
	struct tarn_avro_column *root;
};

static struct pair make_pair(const char *writer, const char *reader)
{
	struct pair pair = { .writer = parse_schema(writer), .reader = parse_schema(reader ? reader : writer) };
	struct tarn_err err;
	if (tarn_avro_plan_new(pair.writer, pair.reader, &pair.plan, &err))
		fail_msg("%s -> %s: %s", writer, reader, err.message);
	pair.root = tarn_avro_columns_new(pair.reader);
	return pair;
}

static void free_pair(struct pair *pair)
{
	tarn_avro_columns_free(pair->root);
	tarn_avro_plan_free(pair->plan);
	tarn_avro_schema_free(pair->writer);
	tarn_avro_schema_free(pair->reader);
}

/* Decodes one datum; the text of it, or the error's message. */
static void decode_one(struct pair *pair, struct tarn_slice bytes, struct tarn_buf *text, enum tarn_rc expected)
{
	struct tarn_slice copy = exact_copy(bytes);
	struct tarn_cursor cursor = tarn_cursor_of(copy);
	struct tarn_err err = { 0 };
	size_t decoded;
	enum tarn_rc rc = tarn_avro_plan_decode(pair->plan, &cursor, 1, pair->root, &decoded, &err);
	if (rc != expected)
		fail_msg("%s: %s", tarn_rc_name(rc), err.message);
	assert_int_equal(decoded, rc ? 0 : 1);
	if (!rc) {
		assert_int_equal(tarn_cursor_left(&cursor), 0);
		text_of_value(text, pair->root, pair->root->length - 1);
	} else {
		assert_int_equal(tarn_cursor_position(&cursor), 0);
		assert_true(err.position >= 0 && err.position <= (int64_t)bytes.len);
		tarn_buf_add_str(text, err.message);
	}
	tarn_buf_add_byte(text, '\0');
	replace_quotes((char *)text->data, '"', '\'');
	free_copy(copy);
}

struct reading {
	const char *writer, *reader; /* reader NULL: the same */
	const char *bytes;
	size_t len;
	const char *text;
};
#define BYTES(text) text, sizeof(text) - 1

static void check_readings(const struct reading *cases, size_t n, enum tarn_rc expected)
{
	for (size_t i = 0; i < n; i++) {
		struct pair pair = make_pair(cases[i].writer, cases[i].reader);
		struct tarn_buf text;
		tarn_buf_init(&text, 1 << 20);
		decode_one(&pair, tarn_slice_of(cases[i].bytes, cases[i].len), &text, expected);
		if (expected ? !strstr((const char *)text.data, cases[i].text)
			     : !!strcmp((const char *)text.data, cases[i].text))
			fail_msg("%s -> %s: \"%s\" is not \"%s\"", cases[i].writer, cases[i].reader,
				 (const char *)text.data, cases[i].text);
		tarn_buf_release(&text);
		free_pair(&pair);
	}
}

#define ARRAY_OF(items) "{'type':'array','items':" items "}"
#define MAP_OF(values) "{'type':'map','values':" values "}"
#define RECORD(fields) "{'type':'record','name':'R','fields':[" fields "]}"
#define FIELD(name, type) "{'name':'" name "','type':" type "}"
#define ENUM(symbols) "{'type':'enum','name':'E','symbols':[" symbols "]}"

static void every_type_is_read(void **state)
{
	(void)state;
	static const struct reading cases[] = {
		{ "'null'", NULL, BYTES(""), "null" },
		{ "'boolean'", NULL, BYTES("\1"), "true" },
		{ "'int'", NULL, BYTES("\0"), "0" },
		{ "'int'", NULL, BYTES("\1"), "-1" },
		{ "'int'", NULL, BYTES("\x7f"), "-64" },
		{ "'int'", NULL, BYTES("\x80\1"), "64" },
		{ "'int'", NULL, BYTES("\xfe\xff\xff\xff\x0f"), "2147483647" },
		{ "'int'", NULL, BYTES("\xff\xff\xff\xff\x0f"), "-2147483648" },
		{ "'long'", NULL, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), "-9223372036854775808" },
		{ "'long'", NULL, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"), "9223372036854775807" },
		{ "'float'", NULL, BYTES("\0\0\xc0\x3f"), "1.5" },
		{ "'double'", NULL, BYTES("\x9a\x99\x99\x99\x99\x99\xb9\x3f"), "0.10000000000000001" },
		{ "'string'", NULL, BYTES("\x06" "foo"), "'foo'" },
		{ "'bytes'", NULL, BYTES("\4\0\xff"), "'\\x00\\xff'" },
		{ "'string'", NULL, BYTES("\x28" "more than 16 letters"), "'more than 16 letters'" },
		{ "{'type':'fixed','name':'F','size':3}", NULL, BYTES("abc"), "'abc'" },
		{ "{'type':'fixed','name':'F','size':0}", NULL, BYTES(""), "''" },
		{ ENUM("'A','B'"), NULL, BYTES("\2"), "'B'" },
		{ ARRAY_OF("'long'"), NULL, BYTES("\4\x06\x36\0"), "[3,27]" },
		{ ARRAY_OF("'long'"), NULL, BYTES("\2\x06\2\x36\0"), "[3,27]" },
		{ ARRAY_OF("'long'"), NULL, BYTES("\3\4\x06\x36\0"), "[3,27]" },
		{ ARRAY_OF("'long'"), NULL, BYTES("\0"), "[]" },
		{ ARRAY_OF("'null'"), NULL, BYTES("\6\0"), "[null,null,null]" },
		{ ARRAY_OF("'null'"), NULL, BYTES("\5\0\0"), "[null,null,null]" },
		{ ARRAY_OF("'float'"), NULL, BYTES("\2\0\0\xc0\x3f\0"), "[1.5]" },
		{ ARRAY_OF("'double'"), NULL, BYTES("\4\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\4\xc0\0"), "[1.5,-2.5]" },
		{ ARRAY_OF("'string'"), NULL, BYTES("\4\2a\0\0"), "['a','']" },
		{ ARRAY_OF(ARRAY_OF("'int'")), NULL, BYTES("\4\2\2\0\0\0"), "[[1],[]]" },
		{ MAP_OF("'int'"), NULL, BYTES("\2\2a\2\1\6\2b\4\0"), "{'a':1,'b':2}" },
		{ RECORD(FIELD("a", "'long'") "," FIELD("b", "'string'")), NULL, BYTES("\x36\x06" "foo"),
		  "{a:27,b:'foo'}" },
		{ RECORD(""), NULL, BYTES(""), "{}" },
		{ ARRAY_OF(RECORD("")), NULL, BYTES("\4\0"), "[{},{}]" },
		{ "['null','string']", NULL, BYTES("\2\2a"), "'a'" },
		{ "['string','null']", NULL, BYTES("\2"), "null" },
		{ "['null','int','string']", NULL, BYTES("\4\2a"), "'a'" },
		{ "['int']", NULL, BYTES("\0\2"), "1" },
		{ "{'type':'bytes','logicalType':'decimal','precision':4,'scale':2}", NULL, BYTES("\2\x7b"), "'{'" },
		{ "['null'," RECORD(FIELD("a", "['null','int','long']") "," FIELD("b", MAP_OF("'int'"))) "]", NULL,
		  BYTES("\0"), "null" },
	};
	check_readings(cases, N(cases), TARN_OK);
}

static void recursive_types_are_read(void **state)
{
	(void)state;
	static const char list[] = RECORD(FIELD("v", "'int'") "," FIELD("next", "['null','R']"));
	static const char tree[] =
		RECORD(FIELD("l", "['null','R']") "," FIELD("v", "'int'") "," FIELD("r", "['null','R']"));
	static const char forest[] = RECORD(FIELD("v", "'int'") "," FIELD("c", ARRAY_OF("'R'")));
	static const struct reading cases[] = {
		{ list, NULL, BYTES("\2\0"), "{v:1,next:null}" },
		{ list, NULL, BYTES("\2\2\4\2\6\0"), "{v:1,next:{v:2,next:{v:3,next:null}}}" },
		{ tree, NULL, BYTES("\2\0\2\0\4\2\2\0\6\0\0\0"),
		  "{l:{l:null,v:1,r:null},v:2,r:{l:{l:null,v:3,r:null},v:0,r:null}}" },
		{ forest, NULL, BYTES("\2\4\4\0\6\2\x08\0\0\0"), "{v:1,c:[{v:2,c:[]},{v:3,c:[{v:4,c:[]}]}]}" },
		{ "['null'," RECORD(FIELD("v", "'int'") "," FIELD("m", MAP_OF("'R'"))) "]", NULL,
		  BYTES("\2\2\2\2k\4\0\0"), "{v:1,m:{'k':{v:2,m:{}}}}" },
		{ list, RECORD(FIELD("next", "['R','null']")), BYTES("\2\2\4\2\6\0"), "{next:{next:{next:null}}}" },
	};
	check_readings(cases, N(cases), TARN_OK);
}

static void promoted_values_are_read(void **state)
{
	(void)state;
	static const struct reading cases[] = {
		{ "'int'", "'long'", BYTES("\1"), "-1" },
		{ "'int'", "'float'", BYTES("\1"), "-1" },
		{ "'int'", "'double'", BYTES("\1"), "-1" },
		{ "'long'", "'float'", BYTES("\xfe\xff\xff\xff\x0f"), "2.14748365e+09" },
		{ "'long'", "'double'", BYTES("\xfe\xff\xff\xff\x0f"), "2147483647" },
		{ "'float'", "'double'", BYTES("\xcd\xcc\xcc\x3d"), "0.10000000149011612" },
		{ "'string'", "'bytes'", BYTES("\2a"), "'a'" },
		{ "'bytes'", "'string'", BYTES("\2a"), "'a'" },
		{ ARRAY_OF("'int'"), ARRAY_OF("'double'"), BYTES("\4\2\4\0"), "[1,2]" },
		{ ARRAY_OF("'float'"), ARRAY_OF("'double'"), BYTES("\2\0\0\xc0\x3f\0"), "[1.5]" },
		{ MAP_OF("'int'"), MAP_OF("'long'"), BYTES("\2\2a\2\0"), "{'a':1}" },
		{ "'int'", "{'type':'int','logicalType':'date'}", BYTES("\2"), "1" },
	};
	check_readings(cases, N(cases), TARN_OK);
}

static void unions_of_all_shapes_resolve(void **state)
{
	(void)state;
	static const struct reading cases[] = {
		/* a type into a union */
		{ "'int'", "['null','int']", BYTES("\2"), "1" },
		{ "'int'", "['null','long']", BYTES("\2"), "1" },
		{ "'null'", "['int','null']", BYTES(""), "null" },
		{ "'int'", "['string','long','int']", BYTES("\2"), "1" },
		{ "'int'", "['null','string','double']", BYTES("\2"), "1" },
		/* a union into a type */
		{ "['null','int']", "'int'", BYTES("\2\2"), "1" },
		{ "['int','string']", "'double'", BYTES("\0\2"), "1" },
		{ "['string','bytes']", "'string'", BYTES("\2\2a"), "'a'" },
		/* a union into a union */
		{ "['null','int']", "['int','null']", BYTES("\0"), "null" },
		{ "['null','int']", "['double','null']", BYTES("\2\2"), "1" },
		{ "['int','string','null']", "['null','string','long']", BYTES("\0\2"), "1" },
		{ "['int','string','null']", "['null','string','long']", BYTES("\2\2a"), "'a'" },
		{ "['int','string','null']", "['null','string','long']", BYTES("\4"), "null" },
		{ "['null'," ENUM("'A'") "]", "[" ENUM("'B','A'") ",'null','int']", BYTES("\2\0"), "'A'" },
		{ "['null'," ARRAY_OF("'int'") "]", "['null'," ARRAY_OF("'long'") "]", BYTES("\2\2\2\0"), "[1]" },
		/* records by name */
		{ "[{'type':'record','name':'a.B','fields':[" FIELD("x", "'int'") "]}]",
		  "['null',{'type':'record','name':'A','fields':[" FIELD("x", "'int'") "]},"
		  "{'type':'record','name':'B','fields':[" FIELD("x", "'int'")
		  ",{'name':'b','type':'int','default':5}]}]",
		  BYTES("\0\2"), "{x:1,b:5}" },
		{ "{'type':'record','name':'a.B','fields':[]}",
		  "[{'type':'record','name':'B','fields':[{'name':'b','type':'int','default':5}]},"
		  "{'type':'record','name':'a.B','fields':[{'name':'c','type':'int','default':6}]}]",
		  BYTES(""), "{c:6}" },
	};
	check_readings(cases, N(cases), TARN_OK);
}

static void fields_are_matched_by_name_alias_and_default(void **state)
{
	(void)state;
	static const char writer[] = RECORD(FIELD("a", "'int'") "," FIELD("b", "'string'") "," FIELD("c", "'double'"));
#define ABC BYTES("\2\2x\0\0\0\0\0\0\xf8\x3f")
	static const struct reading cases[] = {
		{ writer, RECORD(FIELD("c", "'double'") "," FIELD("a", "'int'")), ABC, "{c:1.5,a:1}" },
		{ writer, RECORD(FIELD("b", "'string'")), ABC, "{b:'x'}" },
		{ writer, RECORD("{'name':'z','type':'long','aliases':['y','a']}"), ABC, "{z:1}" },
		{ writer, RECORD("{'name':'z','type':'int','aliases':['a'],'default':7}," FIELD("a", "'int'")), ABC,
		  "{z:7,a:1}" },
		{ writer, "{'type':'record','name':'New','namespace':'n','aliases':['R'],'fields':["
		  FIELD("a", "'int'") "]}",
		  ABC, "{a:1}" },
		{ writer, "{'type':'record','name':'n.R','fields':[" FIELD("a", "'int'") "]}", ABC, "{a:1}" },
#define DEFAULT(type, value) RECORD("{'name':'d','type':" type ",'default':" value "}")
		{ writer, DEFAULT("'null'", "null"), ABC, "{d:null}" },
		{ writer, DEFAULT("'boolean'", "true"), ABC, "{d:true}" },
		{ writer, DEFAULT("'int'", "-3"), ABC, "{d:-3}" },
		{ writer, DEFAULT("'long'", "9223372036854775807"), ABC, "{d:9223372036854775807}" },
		{ writer, DEFAULT("'float'", "1"), ABC, "{d:1}" },
		{ writer, DEFAULT("'double'", "1.5e300"), ABC, "{d:1.5000000000000001e+300}" },
		{ writer, DEFAULT("'double'", "'NaN'"), ABC, "{d:nan}" },
		{ writer, DEFAULT("'string'", "'\\u00e9'"), ABC, "{d:'\\xc3\\xa9'}" },
		{ writer, DEFAULT("'bytes'", "'\\u0000\\u00ff'"), ABC, "{d:'\\x00\\xff'}" },
		{ writer, DEFAULT("{'type':'fixed','name':'F','size':2}", "'\\u0080a'"), ABC, "{d:'\\x80a'}" },
		{ writer, DEFAULT(ENUM("'A','B'"), "'B'"), ABC, "{d:'B'}" },
		{ writer, DEFAULT(ARRAY_OF("'int'"), "[1,2]"), ABC, "{d:[1,2]}" },
		{ writer, DEFAULT(ARRAY_OF("'int'"), "[]"), ABC, "{d:[]}" },
		{ writer, DEFAULT(MAP_OF("'int'"), "{'k':1}"), ABC, "{d:{'k':1}}" },
		{ writer, DEFAULT("['null','int']", "null"), ABC, "{d:null}" },
		{ writer, DEFAULT("['int','null']", "4"), ABC, "{d:4}" },
		{ writer, DEFAULT("['int','null','string']", "null"), ABC, "{d:null}" },
		{ writer, DEFAULT("['null','R']", "null"), ABC, "{d:null}" },
		{ writer,
		  DEFAULT("{'type':'record','name':'I','fields':[" FIELD("x", "'int'")
			  ",{'name':'y','type':'string','default':'why'}]}", "{'x':3}"),
		  ABC, "{d:{x:3,y:'why'}}" },
	};
	check_readings(cases, N(cases), TARN_OK);
}

static void symbols_are_matched_by_name(void **state)
{
	(void)state;
	static const struct reading cases[] = {
		{ ENUM("'A','B','C'"), ENUM("'C','A','B'"), BYTES("\4"), "'C'" },
		{ ENUM("'A','B'"), "{'type':'enum','name':'E','symbols':['X','A'],'default':'X'}", BYTES("\2"),
		  "'X'" },
		{ ENUM("'A','B'"), "{'type':'enum','name':'G','aliases':['E'],'symbols':['B']}", BYTES("\2"), "'B'" },
	};
	check_readings(cases, N(cases), TARN_OK);
}

/* Between two fields that the reader wants stands one of each type that it does not. */
static void other_fields_are_skipped(void **state)
{
	(void)state;
	static const struct {
		const char *type, *bytes;
		size_t len;
	} cases[] = {
		{ "'null'", BYTES("") },
		{ "'boolean'", BYTES("\1") },
		{ "'int'", BYTES("\x80\1") },
		{ "'long'", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1") },
		{ "'float'", BYTES("abcd") },
		{ "'double'", BYTES("abcdefgh") },
		{ "'string'", BYTES("\4ab") },
		{ "'bytes'", BYTES("\0") },
		{ "{'type':'fixed','name':'F','size':3}", BYTES("abc") },
		{ ENUM("'A'"), BYTES("\0") },
		{ ARRAY_OF("'string'"), BYTES("\4\2a\2b\2\2c\0") },
		{ ARRAY_OF("'string'"), BYTES("\3\x08\2a\2b\2\2c\0") },
		{ ARRAY_OF("'null'"), BYTES("\xfe\xff\xff\xff\x0f\0") },
		{ MAP_OF("'int'"), BYTES("\4\2a\2\2b\4\0") },
		{ "['null','string']", BYTES("\2\2a") },
		{ "{'type':'record','name':'S','fields':[" FIELD("x", "'int'") "," FIELD("y", "['null','S']") "]}",
		  BYTES("\2\2\4\2\6\0") },
	};
	for (size_t i = 0; i < N(cases); i++) {
		char writer[512], bytes[64] = "\2";
		snprintf(writer, sizeof(writer),
			 RECORD(FIELD("a", "'int'") "," FIELD("skipped", "%s") "," FIELD("z", "'int'")), cases[i].type);
		memcpy(bytes + 1, cases[i].bytes, cases[i].len);
		bytes[1 + cases[i].len] = 4;
		const struct reading reading = { writer, RECORD(FIELD("z", "'int'") "," FIELD("a", "'int'")), bytes,
						 cases[i].len + 2, "{z:2,a:1}" };
		check_readings(&reading, 1, TARN_OK);
	}
}

static void schemas_that_do_not_resolve_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *writer, *reader, *message;
	} cases[] = {
		{ "'long'", "'int'", "the writer's long is no int" },
		{ "'double'", "'float'", "double" },
		{ "'int'", "'string'", "int" },
		{ "'int'", "['null','string']", "the writer's int is no string" },
		{ "'int'", "['bytes','string']", "the writer's int has no place in the reader's union" },
		{ "['null','string']", "'int'", "string" },
		{ ARRAY_OF("'int'"), MAP_OF("'int'"), "array" },
		{ RECORD(FIELD("a", ARRAY_OF("'string'"))), RECORD(FIELD("a", ARRAY_OF("'int'"))),
		  "at a.items: the writer's string" },
		{ RECORD(FIELD("a", "'int'")), RECORD(FIELD("b", "'int'")), "at b: the writer has no such field" },
		{ RECORD(""), "{'type':'record','name':'S','fields':[]}", "the writer's record 'R' is no record 'S'" },
		{ ENUM("'A'"), "{'type':'enum','name':'G','symbols':['A']}", "enum" },
		{ "{'type':'fixed','name':'F','size':3}", "{'type':'fixed','name':'F','size':4}", "fixed" },
		{ "{'type':'fixed','name':'F','size':3}", "{'type':'fixed','name':'G','size':3}", "fixed" },
		{ "{'type':'bytes','logicalType':'decimal','precision':4,'scale':2}",
		  "{'type':'bytes','logicalType':'decimal','precision':4,'scale':1}",
		  "decimal(4, 2) is no decimal(4, 1)" },
		{ "{'type':'long','logicalType':'timestamp-millis'}",
		  "{'type':'long','logicalType':'timestamp-micros'}",
		  "timestamp-millis" },
		{ RECORD(""), DEFAULT("'int'", "'x'"), "at d: the default does not fit" },
		{ RECORD(""), DEFAULT("'bytes'", "'\\u0100'"), "at d: the default does not fit" },
		{ RECORD(""), DEFAULT("['null','int']", "'x'"), "at d: the default does not fit" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_schema *writer = parse_schema(cases[i].writer);
		struct tarn_avro_schema *reader = parse_schema(cases[i].reader);
		struct tarn_avro_plan *plan = NULL;
		struct tarn_err err;
		assert_int_equal(tarn_avro_plan_new(writer, reader, &plan, &err), TARN_EINVALID);
		assert_null(plan);
		if (!strstr(replace_quotes(err.message, '"', '\''), cases[i].message))
			fail_msg("\"%s\" does not hold \"%s\"", err.message, cases[i].message);
		tarn_avro_schema_free(writer);
		tarn_avro_schema_free(reader);
	}
}

static void damaged_data_are_refused(void **state)
{
	(void)state;
	static const struct reading cases[] = {
		{ "'boolean'", NULL, BYTES(""), "1 bytes were expected, 0 are left" },
		{ "'boolean'", NULL, BYTES("\2"), "byte 2 is no boolean" },
		{ "'int'", NULL, BYTES("\x80"), "a number is cut off" },
		{ "'int'", NULL, BYTES("\x80\x80\x80\x80\x10"), "2147483648 is no int" },
		{ "'long'", NULL, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"), "more than 64 bits" },
		{ "'long'", NULL, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), "more than 64 bits" },
		{ "'float'", NULL, BYTES("abc"), "4 bytes were expected, 3 are left" },
		{ "'double'", NULL, BYTES("abc"), "8 bytes were expected" },
		{ "'string'", NULL, BYTES("\1"), "a length of -1 bytes" },
		{ "'string'", NULL, BYTES("\4a"), "a length of 2 bytes, 1 are left" },
		{ "'string'", NULL, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"),
		  "a length of 9223372036854775807 bytes" },
		{ "{'type':'fixed','name':'F','size':2147483647}", NULL, BYTES("abc"),
		  "2147483647 bytes were expected" },
		{ ENUM("'A','B'"), NULL, BYTES("\4"), "position 2, there are 2" },
		{ ENUM("'A','B'"), NULL, BYTES("\1"), "position -1, there are 2" },
		{ ENUM("'A','B'"), ENUM("'B'"), BYTES("\0"), "the writer's symbol 0 is not one of the reader's" },
		{ "['null','int']", NULL, BYTES("\4"), "position 2, there are 2" },
		{ "['null','int']", "'int'", BYTES("\0"), "the writer's type 'null'" },
		{ "[]", NULL, BYTES("\0"), "position 0, there are 0" },
		{ ARRAY_OF("'int'"), NULL, BYTES("\6\2\2"), "a block of 3 items of 1 bytes or more, 2 are left" },
		{ ARRAY_OF("'double'"), NULL, BYTES("\4abcdefghijklmno"),
		  "a block of 2 items of 8 bytes or more, 15 are left" },
		{ ARRAY_OF("'int'"), NULL, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"),
		  "a block of 4611686018427387903 items" },
		{ ARRAY_OF("'int'"), NULL, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0"),
		  "a block of 9223372036854775808 items" },
		{ ARRAY_OF("'int'"), NULL, BYTES("\1\1\2\0"), "a length of -1 bytes" },
		{ ARRAY_OF("'int'"), NULL, BYTES("\1\4\2\0"), "a block's items take -1 bytes more than it says" },
		{ ARRAY_OF("'int'"), NULL, BYTES("\1\2\x80\1\0"), "a block's items take 1 bytes more than it says" },
		{ MAP_OF("'int'"), NULL, BYTES("\4\2a\2"), "a block of 2 items of 2 bytes or more" },
		{ ARRAY_OF("'int'"), NULL, BYTES("\2\2"), "a number is cut off" },
		{ RECORD(FIELD("a", "{'type':'record','name':'S','fields':[" FIELD("b", "'int'") ","
		  FIELD("c", "'int'") "]}")), NULL,
		  BYTES("\x80\x80"), "at a.b: a number is cut off" },
	};
	check_readings(cases, N(cases), TARN_EINVALID);
}

static void values_from_nothing_are_limited(void **state)
{
	(void)state;
	static const struct reading cases[] = {
		{ ARRAY_OF("'null'"), NULL, BYTES("\x80\x80\x80\x80\x20\0"), "items that take no bytes" },
		{ ARRAY_OF(RECORD("")),
		  ARRAY_OF(RECORD("{'name':'d','type':'string','default':'some text, as long as it is'}")),
		  BYTES("\x80\x80\x80\x10\0"), "more values than are accepted" },
		{ ARRAY_OF("['null',{'type':'fixed','name':'F','size':2147483647}]"), NULL, BYTES("\2\0\0"),
		  "more values than are accepted" },
	};
	check_readings(cases, N(cases), TARN_ELIMIT);
}

static void depth_is_limited(void **state)
{
	(void)state;
	static const char *const writers[] = {
		RECORD(FIELD("next", "['null','R']")),
		RECORD(FIELD("next", ARRAY_OF("'R'"))),
	};
	for (size_t i = 0; i < N(writers); i++) {
		static const struct {
			size_t levels;
			enum tarn_rc rc;
		} cases[] = { { 60, TARN_OK }, { 200, TARN_ELIMIT }, { 100000, TARN_ELIMIT } };
		for (size_t k = 0; k < N(cases); k++) {
			static const char *const readers[] = { NULL, RECORD("") };
			struct tarn_buf bytes, text;
			tarn_buf_init(&bytes, 1 << 20);
			tarn_buf_init(&text, 1 << 20);
			for (size_t level = 0; level < cases[k].levels; level++)
				tarn_buf_add_byte(&bytes, 2);
			for (size_t level = 0; level < (i ? cases[k].levels + 1 : 1); level++)
				tarn_buf_add_byte(&bytes, 0);
			for (size_t r = 0; r < N(readers); r++) {
				struct pair pair = make_pair(writers[i], readers[r]);
				decode_one(&pair, tarn_buf_slice(&bytes), &text, cases[k].rc);
				free_pair(&pair);
			}
			tarn_buf_release(&bytes);
			tarn_buf_release(&text);
		}
	}
}

/* ---- whole files ---- */

struct file_data {
	struct tarn_buf file;
	struct tarn_avro_schema *schema;
	struct tarn_slice data;
	uint64_t count;
};

/* The first block of a file without codec. */
static struct file_data open_file(const char *name)
{
	struct file_data opened = { .file = read_test_file(name) };
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	assert_int_equal(tarn_avro_header_read(tarn_buf_slice(&opened.file), &header, NULL), TARN_OK);
	size_t position = header.size;
	assert_int_equal(tarn_avro_block_next(tarn_buf_slice(&opened.file), &header, &position, &block, NULL), TARN_OK);
	assert_int_equal(tarn_avro_schema_parse(header.schema_json, &opened.schema, NULL), TARN_OK);
	opened.data = block.stored;
	opened.count = block.count;
	return opened;
}

static void close_file(struct file_data *opened)
{
	tarn_avro_schema_free(opened->schema);
	tarn_buf_release(&opened->file);
}

static void real_records_are_read_by_both_schemas(void **state)
{
	(void)state;
	static const struct {
		const char *file, *reader;
	} cases[] = {
		{ "vqe-v2.avro", "vqe-v2.avsc" }, { "vqe-v2.avro", "vqe-v1.avsc" }, { "vqe-v1.avro", "vqe-v1.avsc" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct file_data opened = open_file(cases[i].file);
		struct tarn_buf json = read_test_file(cases[i].reader);
		struct tarn_avro_schema *reader;
		struct tarn_avro_plan *plan;
		struct tarn_err err;
		assert_int_equal(tarn_avro_schema_parse(tarn_buf_slice(&json), &reader, NULL), TARN_OK);
		if (tarn_avro_plan_new(opened.schema, reader, &plan, &err))
			fail_msg("%s", err.message);
		struct tarn_avro_column *root = tarn_avro_columns_new(reader);
		struct tarn_cursor cursor = tarn_cursor_of(opened.data);
		size_t decoded;
		enum tarn_rc rc = tarn_avro_plan_decode(plan, &cursor, opened.count, root, &decoded, &err);
		if (rc)
			fail_msg("%s", err.message);
		assert_int_equal(decoded, 1);
		assert_int_equal(tarn_cursor_left(&cursor), 0);
		struct tarn_avro_column *energies =
			tarn_avro_column_find(root, "vqe_result.iteration_list.items.result");
		struct tarn_avro_column *minimum = tarn_avro_column_find(root, "vqe_result.minimum");
		assert_non_null(energies);
		assert_true(energies->length > 1);
		bool reached = false;
		for (size_t k = 0; k < energies->length; k++)
			reached |= energies->f64[k] == minimum->f64[0];
		assert_true(reached);
		assert_null(tarn_avro_column_find(root, "vqe_result.nothing"));
		tarn_avro_columns_free(root);
		tarn_avro_plan_free(plan);
		tarn_avro_schema_free(reader);
		tarn_buf_release(&json);
		close_file(&opened);
	}
}

/* Each cut is refused with its place, and what came before it stays whole. */
static void every_prefix_of_real_data_is_refused(void **state)
{
	(void)state;
	static const char *const files[] = { "vqe-v2.avro", "vqe-v1.avro", "small-null.avro" };
	for (size_t i = 0; i < N(files); i++) {
		struct file_data opened = open_file(files[i]);
		struct tarn_avro_plan *plan;
		assert_int_equal(tarn_avro_plan_new(opened.schema, opened.schema, &plan, NULL), TARN_OK);
		struct tarn_avro_column *root = tarn_avro_columns_new(opened.schema);
		struct tarn_buf whole, text;
		tarn_buf_init(&whole, 1 << 26);
		tarn_buf_init(&text, 1 << 26);
		struct tarn_cursor cursor = tarn_cursor_of(opened.data);
		size_t decoded;
		assert_int_equal(tarn_avro_plan_decode(plan, &cursor, opened.count, root, &decoded, NULL), TARN_OK);
		text_of_value(&whole, root, 0);
		for (size_t len = 0; len < opened.data.len; len++) {
			struct tarn_slice prefix = exact_copy(tarn_slice_of(opened.data.data, len));
			struct tarn_err err = { 0 };
			cursor = tarn_cursor_of(prefix);
			size_t before = root->length = 1; /* the whole datum from before stands in front */
			tarn_avro_column_cut(root, 1);
			assert_int_equal(tarn_avro_plan_decode(plan, &cursor, opened.count, root, &decoded, &err),
					 TARN_EINVALID);
			assert_true(decoded < opened.count);
			assert_int_equal(root->length, before + decoded);
			assert_true(err.position >= 0 && err.position <= (int64_t)len);
			if (len % 97 == 0) {
				tarn_buf_clear(&text);
				for (size_t k = 0; k < root->length; k++)
					text_of_value(&text, root, k);
				assert_memory_equal(text.data, whole.data, whole.len);
			}
			free_copy(prefix);
		}
		/* After all that damage the columns still take whole data. */
		tarn_avro_column_cut(root, 1);
		cursor = tarn_cursor_of(opened.data);
		assert_int_equal(tarn_avro_plan_decode(plan, &cursor, opened.count, root, &decoded, NULL), TARN_OK);
		tarn_buf_clear(&text);
		text_of_value(&text, root, 1);
		assert_int_equal(text.len, whole.len);
		assert_memory_equal(text.data, whole.data, whole.len);
		tarn_buf_release(&whole);
		tarn_buf_release(&text);
		tarn_avro_columns_free(root);
		tarn_avro_plan_free(plan);
		close_file(&opened);
	}
}

static void flipped_bytes_never_break_the_columns(void **state)
{
	(void)state;
	struct file_data opened = open_file("small-null.avro");
	struct tarn_avro_plan *plan;
	assert_int_equal(tarn_avro_plan_new(opened.schema, opened.schema, &plan, NULL), TARN_OK);
	struct tarn_avro_column *root = tarn_avro_columns_new(opened.schema);
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 26);
	for (size_t at = 0; at < opened.data.len; at++)
		for (unsigned value = 0; value < 256; value++) {
			struct tarn_slice copy = exact_copy(opened.data);
			((uint8_t *)(uintptr_t)copy.data)[at] = (uint8_t)value;
			struct tarn_cursor cursor = tarn_cursor_of(copy);
			size_t decoded;
			tarn_avro_columns_clear(root);
			enum tarn_rc rc = tarn_avro_plan_decode(plan, &cursor, opened.count, root, &decoded, NULL);
			assert_true(rc ? decoded < opened.count : decoded == opened.count);
			assert_int_equal(root->length, decoded);
			tarn_buf_clear(&text);
			for (size_t k = 0; k < decoded; k++)
				text_of_value(&text, root, k);
			free_copy(copy);
		}
	tarn_buf_release(&text);
	tarn_avro_columns_free(root);
	tarn_avro_plan_free(plan);
	close_file(&opened);
}

static void columns_are_reused(void **state)
{
	(void)state;
	struct pair pair = make_pair(RECORD(FIELD("v", ARRAY_OF("'string'")) "," FIELD("next", "['null','R']")), NULL);
	for (int round = 0; round < 3; round++) {
		struct tarn_buf text;
		tarn_buf_init(&text, 1 << 10);
		decode_one(&pair, tarn_slice_of(BYTES("\4\2a\4bc\0\2\0\0")), &text, TARN_OK);
		assert_string_equal((const char *)text.data, "{v:['a','bc'],next:{v:[],next:null}}");
		tarn_avro_columns_clear(pair.root);
		assert_int_equal(pair.root->length, 0);
		tarn_buf_release(&text);
	}
	free_pair(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(recursive_types_are_read),
		cmocka_unit_test(promoted_values_are_read),
		cmocka_unit_test(unions_of_all_shapes_resolve),
		cmocka_unit_test(fields_are_matched_by_name_alias_and_default),
		cmocka_unit_test(symbols_are_matched_by_name),
		cmocka_unit_test(other_fields_are_skipped),
		cmocka_unit_test(schemas_that_do_not_resolve_are_refused),
		cmocka_unit_test(damaged_data_are_refused),
		cmocka_unit_test(values_from_nothing_are_limited),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(real_records_are_read_by_both_schemas),
		cmocka_unit_test(every_prefix_of_real_data_is_refused),
		cmocka_unit_test(flipped_bytes_never_break_the_columns),
		cmocka_unit_test(columns_are_reused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
