#include "serialize/schema/compatibility.h"

#include <stdio.h>

#include "cmocka_tarn.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct tarn_arena arena;

/* Single quotes stand for double ones. */
static struct tarn_avro_schema *parse(const char *text)
{
	char json[8192];
	size_t len = 0;
	for (; text[len]; len++)
		json[len] = text[len] == '\'' ? '"' : text[len];
	struct tarn_avro_schema *schema = NULL;
	struct tarn_err err;
	if (tarn_avro_schema_parse(tarn_slice_of(json, len), &schema, &err))
		fail_msg("%s: %s", text, err.message);
	return schema;
}

#define RECORD(fields) "{'type':'record','name':'R','fields':[" fields "]}"
#define FIELD(name, type) "{'name':'" name "','type':" type "}"

/* The reasons, one line each, without their frame. */
static void reasons_name_the_place(void **state)
{
	(void)state;
	static const struct {
		const char *reader, *writer, *reasons;
	} cases[] = {
		{ "'int'", "'int'", "" },
		{ "'long'", "'int'", "" },
		{ "'double'", "'float'", "" },
		{ "'bytes'", "'string'", "" },
		{ "'string'", "'bytes'", "" },
		{ "'int'", "'long'", "TYPE_MISMATCH|/|reader type: INT not compatible with writer type: LONG\n" },
		{ "{'type':'array','items':'int'}", "{'type':'array','items':'string'}",
		  "TYPE_MISMATCH|/items|reader type: INT not compatible with writer type: STRING\n" },
		{ "{'type':'map','values':'int'}", "{'type':'map','values':'null'}",
		  "TYPE_MISMATCH|/values|reader type: INT not compatible with writer type: NULL\n" },
		{ RECORD(FIELD("a", "'int'") "," FIELD("b", "'int'")), RECORD(FIELD("a", "'long'")),
		  "TYPE_MISMATCH|/fields/0/type|reader type: INT not compatible with writer type: LONG\n"
		  "READER_FIELD_MISSING_DEFAULT_VALUE|/fields/1|b\n" },
		{ RECORD("{'name':'b','type':'int','default':1}"), RECORD(""), "" },
		{ RECORD("{'name':'b','type':'int','aliases':['a']}"), RECORD(FIELD("a", "'int'")), "" },
		{ RECORD("{'name':'b','type':'int','aliases':['a']}"),
		  RECORD(FIELD("a", "'int'") "," FIELD("b", "'int'")),
		  "Unexpected exception during compatibility check: Reader record field b matches multiple fields in "
		  "writer "
		  "record schema R\n" },
		{ "{'type':'fixed','name':'F','size':4}", "{'type':'fixed','name':'G','size':5}",
		  "NAME_MISMATCH|/name|expected: G\nFIXED_SIZE_MISMATCH|/size|expected: 5, found: 4\n" },
		{ "{'type':'fixed','name':'n.F','size':4}", "{'type':'fixed','name':'m.F','size':4}", "" },
		{ "{'type':'fixed','name':'n.F','aliases':['m.G'],'size':4}", "{'type':'fixed','name':'m.G','size':4}",
		  "" },
		{ "{'type':'enum','name':'E','symbols':['A']}", "{'type':'enum','name':'E','symbols':['C','A','B']}",
		  "MISSING_ENUM_SYMBOLS|/symbols|[B, C]\n" },
		{ "{'type':'enum','name':'E','symbols':['A'],'default':'A'}",
		  "{'type':'enum','name':'E','symbols':['B']}", "" },
		{ RECORD("{'name':'e','type':{'type':'enum','name':'E','symbols':['A'],'default':'A'}}"), RECORD(""),
		  "TYPE_MISMATCH|/fields/0/type|reader type: ENUM not compatible with writer type: RECORD\n" },
		{ "['null','int']", "['null','string']",
		  "MISSING_UNION_BRANCH|/1|reader union lacking writer type: STRING\n" },
		{ "['null','int']", "'string'", "MISSING_UNION_BRANCH|/|reader union lacking writer type: STRING\n" },
		{ "['null','long']", "'int'", "" },
		{ "'int'", "['int','null']",
		  "TYPE_MISMATCH|/1|reader type: INT not compatible with writer type: NULL\n" },
		{ RECORD(FIELD("n", "['null','R']")), RECORD(FIELD("n", "['null','R']")), "" },
		{ RECORD(FIELD("n", "['null','R']") "," FIELD("x", "'int'")), RECORD(FIELD("n", "['null','R']")),
		  "READER_FIELD_MISSING_DEFAULT_VALUE|/fields/1|x\n" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_schema *reader = parse(cases[i].reader), *writer = parse(cases[i].writer);
		struct tarn_compatibility_reasons reasons = { .arena = &arena };
		char found[2048] = "";
		tarn_compatibility_check(reader, writer, "new", "old", &reasons);
		for (size_t k = 0; k < reasons.n; k++) {
			char type[64], place[64], info[128];
			size_t len = strlen(found);
			const char *path = strstr(reasons.text[k], "path '"),
				   *more = strstr(reasons.text[k], "additionalInfo:'");
			if (!path || !more || sscanf(reasons.text[k], "{errorType:'%63[^']", type) != 1) {
				snprintf(found + len, sizeof(found) - len, "%s\n", reasons.text[k]);
				continue;
			}
			assert_int_equal(sscanf(path, "path '%63[^']", place), 1);
			assert_int_equal(sscanf(more, "additionalInfo:'%127[^']", info), 1);
			snprintf(found + len, sizeof(found) - len, "%s|%s|%s\n", type, place, info);
		}
		if (strcmp(found, cases[i].reasons))
			fail_msg("case %zu: expected\n%sfound\n%s", i, cases[i].reasons, found);
		tarn_avro_schema_free(reader);
		tarn_avro_schema_free(writer);
	}
}

static void reasons_are_whole_sentences(void **state)
{
	(void)state;
	struct tarn_avro_schema *reader = parse(RECORD(FIELD("b", "'int'"))), *writer = parse(RECORD(""));
	const struct tarn_compatibility_version older = { 3, writer, tarn_slice_str("{..}") };
	struct tarn_compatibility_reasons reasons = { .arena = &arena };
	tarn_compatibility_check_level(TARN_COMPATIBILITY_BACKWARD, reader, &older, 1, &reasons);
	assert_int_equal(reasons.n, 3);
	assert_string_equal(
		reasons.text[0],
		"{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/0' in "
		"the new schema has no default value and is missing in the old schema', additionalInfo:'b'}");
	assert_string_equal(reasons.text[1], "{oldSchemaVersion: 3}");
	assert_string_equal(reasons.text[2], "{oldSchema: '{..}'}");
	tarn_avro_schema_free(reader);
	tarn_avro_schema_free(writer);
}

/* int, long, string in this order; which levels let "long" follow which versions. */
static void levels_look_at_what_they_should(void **state)
{
	(void)state;
	struct tarn_avro_schema *schemas[] = { parse("'int'"), parse("'long'"), parse("'string'") };
	static const struct {
		int versions[3]; /* the newest first */
		size_t n;
		bool fits[7]; /* by level */
	} cases[] = {
		{ { 0 }, 0, { true, true, true, true, true, true, true } },
		{ { 0 }, 1, { true, true, true, false, false, false, false } },
		{ { 1 }, 1, { true, true, true, true, true, true, true } },
		{ { 1, 0 }, 2, { true, true, true, true, false, true, false } },
		{ { 1, 2 }, 2, { true, true, false, true, false, true, false } },
		{ { 2 }, 1, { true, false, false, false, false, false, false } },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_compatibility_version older[3];
		for (size_t k = 0; k < cases[i].n; k++)
			older[k] = (struct tarn_compatibility_version){ 1, schemas[cases[i].versions[k]], { 0 } };
		for (size_t level = 0; level < 7; level++) {
			struct tarn_compatibility_reasons reasons = { .arena = &arena };
			tarn_compatibility_check_level((enum tarn_compatibility)level, schemas[1], older, cases[i].n,
						       &reasons);
			if (!reasons.n != cases[i].fits[level])
				fail_msg("case %zu, %s", i, tarn_compatibility_name((enum tarn_compatibility)level));
		}
	}
	for (size_t i = 0; i < 3; i++)
		tarn_avro_schema_free(schemas[i]);
}

static void levels_have_names(void **state)
{
	(void)state;
	enum tarn_compatibility level;
	assert_true(tarn_compatibility_parse("full_Transitive", &level));
	assert_string_equal(tarn_compatibility_name(level), "FULL_TRANSITIVE");
	assert_false(tarn_compatibility_parse("", &level));
	assert_false(tarn_compatibility_parse("BACKWARDS", &level));
}

/* More places than there is room for; and the same pair again after that, inside a union. */
static void reasons_have_a_limit(void **state)
{
	(void)state;
	char fields[8000] = "{'type':'record','name':'R','fields':[";
	for (int i = 0; i < 150; i++)
		snprintf(fields + strlen(fields), sizeof(fields) - strlen(fields), "%s{'name':'f%d','type':'int'}",
			 i ? "," : "", i);
	strcat(fields, "]}");
	struct tarn_avro_schema *reader = parse(fields), *writer = parse(RECORD(""));
	struct tarn_compatibility_reasons reasons = { .arena = &arena };
	const struct tarn_compatibility_version older = { 1, writer, tarn_slice_str("") };
	tarn_compatibility_check_level(TARN_COMPATIBILITY_FULL, reader, &older, 1, &reasons);
	assert_true(reasons.n > 90 && reasons.n <= TARN_COMPATIBILITY_MAX_REASONS);
	assert_string_equal(reasons.text[reasons.n - 1], "{oldSchema: ''}");
	tarn_avro_schema_free(reader);
	tarn_avro_schema_free(writer);
}

/* Records that hold each other in both ways: every pair of them would be compared. */
static void endless_comparisons_are_given_up(void **state)
{
	(void)state;
	static char text[2][60000];
	for (int side = 0; side < 2; side++) {
		char *at = text[side];
		at += sprintf(at, "[");
		for (int i = 0; i < 250; i++)
			at += sprintf(at,
				      "%s{\"type\":\"record\",\"name\":\"%c%d\",\"fields\":[{\"name\":\"f\",\"type\":"
				      "{\"type\":\"array\",\"items\":%s}}]}",
				      i ? "," : "", 'a' + side, i,
				      i ? "\"x\"" : "{\"type\":\"record\",\"name\":\"x\",\"fields\":[]}");
		sprintf(at, "]");
	}
	struct tarn_avro_schema *reader = NULL, *writer = NULL;
	assert_int_equal(tarn_avro_schema_parse(tarn_slice_str(text[0]), &reader, NULL), TARN_OK);
	assert_int_equal(tarn_avro_schema_parse(tarn_slice_str(text[1]), &writer, NULL), TARN_OK);
	struct tarn_compatibility_reasons reasons = { .arena = &arena };
	tarn_compatibility_check(reader, writer, "new", "old", &reasons);
	assert_int_equal(reasons.n, 1);
	assert_string_equal(reasons.text[0], "The schemas are too complex to be compared");
	tarn_avro_schema_free(reader);
	tarn_avro_schema_free(writer);
}

static int set_up(void **state)
{
	(void)state;
	tarn_arena_init(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tarn_arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_name_the_place),
		cmocka_unit_test(reasons_are_whole_sentences),
		cmocka_unit_test(levels_look_at_what_they_should),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(reasons_have_a_limit),
		cmocka_unit_test(endless_comparisons_are_given_up),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
