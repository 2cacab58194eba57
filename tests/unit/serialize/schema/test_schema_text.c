#include "serialize/schema/schema_text.h"

#include "cmocka_tarn.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* Single quotes stand for double ones. */
static char *quoted(const char *text, char *out, size_t size)
{
	assert_true(strlen(text) < size);
	size_t i = 0;
	for (; text[i]; i++)
		out[i] = text[i] == '\'' ? '"' : text[i];
	out[i] = '\0';
	return out;
}

static void expect(const char *const *before, size_t n_before, const char *json, enum tarn_schema_form form,
		   const char *expected)
{
	static char texts[4][4096], result[4096];
	struct tarn_slice documents[3];
	struct tarn_avro_schema *schema = NULL;
	struct tarn_err err;
	for (size_t i = 0; i < n_before; i++)
		documents[i] = tarn_slice_str(quoted(before[i], texts[i], sizeof(texts[i])));
	struct tarn_slice text = tarn_slice_str(quoted(json, texts[3], sizeof(texts[3])));
	if (tarn_avro_schema_parse_after(documents, n_before, text, &schema, &err))
		fail_msg("%s: %s", json, err.message);
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 20);
	tarn_schema_put_text(schema, form, &out);
	tarn_buf_add_byte(&out, 0);
	assert_string_equal(out.data, quoted(expected, result, sizeof(result)));
	tarn_buf_release(&out);
	tarn_avro_schema_free(schema);
}

/* As Java's Schema.toString() prints them (tests/interop/test_registry_rules.py asks it). */
static void canonical_texts(void **state)
{
	(void)state;
	static const struct {
		const char *json, *canonical;
	} cases[] = {
		{ "'string'", "'string'" },
		{ " { 'type' : 'string' } ", "'string'" },
		{ "{'type':{'type':'long'}}", "'long'" },
		{ "{'avro.java.string':'String','type':'string'}", "{'type':'string','avro.java.string':'String'}" },
		{ "{'logicalType':'decimal','scale':0,'precision':4,'type':'bytes'}",
		  "{'type':'bytes','logicalType':'decimal','scale':0,'precision':4}" },
		{ "{'type':'record','name':'n.G','fields':[{'name':'g','type':{'type':'fixed','name':'G','namespace':'',"
		  "'size':1}}]}",
		  "{'type':'record','name':'G','namespace':'n','fields':[{'name':'g','type':{'type':'fixed','name':'G',"
		  "'namespace':'','size':1}}]}" },
		{ "[ 'null' , {'items':'int','type':'array'} , "
		  "{'type':'map','values':'int','x':{'b':1,'a':[1.5,true,null]}} ]",
		  "['null',{'type':'array','items':'int'},{'type':'map','values':'int','x':{'b':1,'a':[1.5,true,null]}}"
		  "]" },
		{ "{'type':'array','items':{'type':'enum','symbols':['A','B'],'name':'n.E','default':'A','doc':'d','p':"
		  "1}}",
		  "{'type':'array','items':{'type':'enum','name':'E','namespace':'n','doc':'d','symbols':['A','B'],'"
		  "default':'A',"
		  "'p':1}}" },
		{ "{'type':'fixed','size':4,'namespace':'n','name':'F','aliases':['G','m.H','G']}",
		  "{'type':'fixed','name':'F','namespace':'n','size':4,'aliases':['G','m.H']}" },
		{ "{'fields':[{'type':'int','default':1,'doc':'x','name':'a','order':'descending','aliases':['b'],'z':"
		  "1,'y':2},"
		  "{'name':'c','type':['null','R'],'default':null,'order':'ascending'},"
		  "{'name':'d','type':{'type':'record','name':'S','namespace':'','fields':[]}},"
		  "{'name':'e','type':'S'},{'name':'f','type':{'type':'fixed','name':'k.F','size':1}},"
		  "{'name':'g','type':'k.F'},{'name':'h','type':{'type':'error','name':'string','fields':[]}},"
		  "{'name':'i','type':'n.string'}],'doc':'','namespace':'n','name':'R','type':'record','connect.name':'"
		  "q'}",
		  "{'type':'record','name':'R','namespace':'n','doc':'','fields':["
		  "{'name':'a','type':'int','doc':'x','default':1,'order':'descending','aliases':['b'],'z':1,'y':2},"
		  "{'name':'c','type':['null','R'],'default':null},"
		  "{'name':'d','type':{'type':'record','name':'S','namespace':'','fields':[]}},"
		  "{'name':'e','type':'S'},{'name':'f','type':{'type':'fixed','name':'F','namespace':'k','size':1}},"
		  "{'name':'g','type':'k.F'},{'name':'h','type':{'type':'error','name':'string','fields':[]}},"
		  "{'name':'i','type':'n.string'}],'connect.name':'q'}" },
	};
	for (size_t i = 0; i < N(cases); i++)
		expect(NULL, 0, cases[i].json, TARN_SCHEMA_CANONICAL, cases[i].canonical);
}

static void normal_texts(void **state)
{
	(void)state;
	static const struct {
		const char *json, *normal;
	} cases[] = {
		{ "{'type':'bytes','scale':0,'precision':4,'b':2,'a':{'d':1,'c':2},'logicalType':'decimal'}",
		  "{'type':'bytes','logicalType':'decimal','precision':4,'a':{'c':2,'d':1},'b':2}" },
		{ "{'type':'record','name':'R','doc':'','aliases':['Z','A'],'z':1,'a':2,'fields':[{'name':'f','type':'"
		  "double',"
		  "'default':1,'aliases':['y','x'],'order':'ignore'}]}",
		  "{'type':'record','name':'R','fields':[{'name':'f','type':'double','default':1.0,'order':'ignore',"
		  "'aliases':['x','y']}],'a':2,'z':1,'aliases':['A','Z']}" },
		{ "{'type':'map','values':'int','b':1e3,'a':-0.5}",
		  "{'type':'map','values':'int','a':-0.5,'b':1000.0}" },
	};
	for (size_t i = 0; i < N(cases); i++)
		expect(NULL, 0, cases[i].json, TARN_SCHEMA_NORMALIZED, cases[i].normal);
}

static void references_are_named_or_written_out(void **state)
{
	(void)state;
	static const char *const before[] = {
		"{'type':'enum','name':'a.E','symbols':['X']}",
		"{'type':'record','name':'b.P','fields':[{'name':'e','type':'a.E'}]}",
	};
	static const char json[] =
		"{'type':'record','name':'b.R','fields':[{'name':'p','type':'P'},{'name':'q','type':'a.E'}]}";
	expect(before, 2, json, TARN_SCHEMA_CANONICAL,
	       "{'type':'record','name':'R','namespace':'b','fields':[{'name':'p','type':'P'},{'name':'q','type':'a.E'}"
	       "]}");
	expect(before, 2, json, TARN_SCHEMA_WHOLE,
	       "{'type':'record','name':'R','namespace':'b','fields':[{'name':'p','type':{'type':'record','name':'P','"
	       "fields':["
	       "{'name':'e','type':{'type':'enum','name':'E','namespace':'a','symbols':['X']}}]}},"
	       "{'name':'q','type':'a.E'}]}");
	expect(before, 1, "'a.E'", TARN_SCHEMA_CANONICAL, "'a.E'");
	expect(before, 1, "'a.E'", TARN_SCHEMA_WHOLE, "{'type':'enum','name':'E','namespace':'a','symbols':['X']}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_texts),
		cmocka_unit_test(normal_texts),
		cmocka_unit_test(references_are_named_or_written_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
