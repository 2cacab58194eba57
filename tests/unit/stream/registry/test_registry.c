#include "stream/registry/registry.h"

#include <pthread.h>
#include <stdio.h>

#include "cmocka_tarn.h"
#include "unit/stream/registry/memory_store.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static struct memory_topic topic;
static struct tarn_registry *registry;
static struct tarn_registry_client *client;

static void open_registry(void)
{
	static const struct tarn_registry_options options = { .compatibility = TARN_COMPATIBILITY_BACKWARD };
	assert_int_equal(tarn_registry_open(&options, &memory_store, &topic, &registry, NULL), TARN_OK);
	client = tarn_registry_local_client(registry);
}

static void close_registry(void)
{
	tarn_registry_client_free(client);
	tarn_registry_close(registry);
}

static int set_up(void **state)
{
	(void)state;
	memory_clear(&topic);
	topic.fail_append = topic.fail_wait = topic.is_slow = false;
	open_registry();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_registry();
	memory_clear(&topic);
	return 0;
}

/* "<status> <body>"; single quotes stand for double ones in the question and the answer. */
static const char *ask(const char *method, const char *path, const char *body)
{
	static char text[1 << 16];
	char question[1 << 15] = "";
	struct tarn_buf answer;
	int status;
	size_t i;
	for (i = 0; body && body[i]; i++)
		question[i] = body[i] == '\'' ? '"' : body[i];
	question[i] = '\0';
	tarn_buf_init(&answer, 1 << 20);
	assert_int_equal(tarn_registry_ask(client, method, path, body ? question : NULL, &status, &answer, NULL),
			 TARN_OK);
	snprintf(text, sizeof(text), "%d %.*s", status, (int)answer.len, (const char *)answer.data);
	tarn_buf_release(&answer);
	for (char *at = text; *at; at++)
		if (*at == '"')
			*at = '\'';
	return text;
}

struct step {
	const char *method, *path, *body, *expected;
};

/* An expectation that ends in "..." is what the answer begins with. */
static void run(const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *answer = ask(steps[i].method, steps[i].path, steps[i].body), *expected = steps[i].expected;
		size_t len = strlen(expected);
		bool is_start = len > 3 && !strcmp(expected + len - 3, "...");
		if (is_start ? strncmp(answer, expected, len - 3) : strcmp(answer, expected))
			fail_msg("step %zu, %s %s:\nexpected %s\nfound    %s", i, steps[i].method, steps[i].path,
				 expected, answer);
	}
}
#define RUN(steps) run(steps, N(steps))

#define INT "{'schema':'\\'int\\''}"
#define LONG "{'schema':'\\'long\\''}"
#define STRING "{'schema':'\\'string\\''}"

/* A schema inside a string inside a request. */
#define R(fields) "{'schema':'{\\'type\\':\\'record\\',\\'name\\':\\'R\\',\\'fields\\':[" fields "]}'}"
#define A "{\\'name\\':\\'a\\',\\'type\\':\\'int\\'}"
#define B "{\\'name\\':\\'b\\',\\'type\\':\\'int\\'}"
#define B_DEFAULT "{\\'name\\':\\'b\\',\\'type\\':\\'int\\',\\'default\\':0}"

static void ids_go_by_content(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "GET", "/subjects", NULL, "200 []" },
		{ "POST", "/subjects/s/versions", INT, "200 {'version':1,'id':1,'guid':..." },
		{ "POST", "/subjects/s/versions", "{ 'schema' : '{ \\'type\\' : \\'int\\' }' }",
		  "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/t/versions", INT, "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/t/versions", LONG, "200 {'version':2,'id':2,..." },
		{ "GET", "/subjects", NULL, "200 ['s','t']" },
		{ "GET", "/subjects/t/versions", NULL, "200 [1,2]" },
		{ "GET", "/schemas/ids/2", NULL, "200 {'schema':'\\'long\\''}" },
		{ "GET", "/schemas/ids/1/subjects", NULL, "200 ['s','t']" },
		{ "GET", "/schemas/ids/1/versions", NULL,
		  "200 [{'subject':'s','version':1},{'subject':'t','version':1}]" },
		{ "GET", "/schemas/ids/1/schema", NULL, "200 'int'" },
		{ "GET", "/subjects/t/versions/latest/schema", NULL, "200 'long'" },
		{ "GET", "/schemas/ids/3", NULL, "404 {'error_code':40403,'message':'Schema 3 not found'}" },
		{ "GET", "/schemas/ids/x", NULL, "404 {'error_code':404,'message':'HTTP 404 Not Found'}" },
		{ "GET", "/subjects/t/versions/latest", NULL, "200 {'subject':'t','version':2,'id':2,..." },
		{ "GET", "/subjects/t/versions/-1", NULL, "200 {'subject':'t','version':2,'id':2,..." },
		{ "GET", "/subjects/t/versions/3", NULL, "404 {'error_code':40402,'message':'Version 3 not found.'}" },
		{ "GET", "/subjects/u/versions/1", NULL,
		  "404 {'error_code':40401,'message':'Subject 'u' not found.'}" },
		{ "GET", "/subjects/t/versions/x", NULL,
		  "422 {'error_code':42202,'message':'The specified version 'x' is not a valid version id. ..." },
		{ "GET", "/subjects/t/versions/0", NULL, "422 {'error_code':42202,..." },
		{ "POST", "/subjects/t", LONG, "200 {'subject':'t','version':2,'id':2,..." },
		{ "POST", "/subjects/t", STRING, "404 {'error_code':40403,'message':'Schema not found'}" },
		{ "POST", "/subjects/u", STRING, "404 {'error_code':40401,'message':'Subject 'u' not found.'}" },
	};
	RUN(steps);
}

/* The guid is the MD5 of the text, as Confluent's. */
static void guids_find_schemas(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/s/versions", INT, "200 {'version':1,'id':1,'guid':..." },
		{ "GET", "/schemas/ids/1?fetchMaxId=true&subject=s", NULL, "200 {'schema':'\\'int\\'','maxId':1}" },
		{ "GET", "/subjects/s/versions/1", NULL,
		  "200 {'subject':'s','version':1,'id':1,'guid':'ef524ea1-b91e-7317-3d93-8ade36c1db32',..." },
		{ "GET", "/schemas/guids/ef524ea1-b91e-7317-3d93-8ade36c1db32", NULL, "200 {..." },
		{ "GET", "/schemas/guids/ef524ea1-b91e-7317-3d93-8ade36c1db32/ids", NULL,
		  "200 [{'context':'.','id':1}]" },
		{ "GET", "/schemas/guids/00000000-0000-0000-0000-000000000000", NULL, "404 {'error_code':40403,..." },
		{ "GET", "/schemas/guids/x", NULL, "404 {'error_code':40403,..." },
	};
	RUN(steps);
}

static void schemas_must_fit_their_subject(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/s/versions", R(A), "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/s/versions", R(A "," B),
		  "409 {'error_code':409,'message':'Schema being registered is incompatible with an earlier schema for "
		  "subject "
		  "\\'s\\', details: [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at "
		  "path "
		  "'/fields/1' in the new schema has no default value and is missing in the old schema', "
		  "additionalInfo:'b'}, "
		  "{oldSchemaVersion: 1}, {oldSchema: '{\\'type\\':\\'record\\',\\'name\\':\\'R\\',\\'fields\\':["
		  "{\\'name\\':\\'a\\',\\'type\\':\\'int\\'}]}'}, {validateFields: 'false', compatibility: "
		  "'BACKWARD'}]'}" },
		{ "POST", "/compatibility/subjects/s/versions/latest", R(A "," B), "200 {'is_compatible':false}" },
		{ "POST", "/compatibility/subjects/s/versions/1?verbose=true", R(A "," B),
		  "200 {'is_compatible':false,'messages':['{errorType:..." },
		{ "POST", "/compatibility/subjects/s/versions?verbose=true", R(A),
		  "200 {'is_compatible':true,'messages':[]}" },
		{ "POST", "/compatibility/subjects/s/versions/2", R(A), "404 {'error_code':40402,..." },
		{ "POST", "/compatibility/subjects/nobody/versions/latest", R(A), "200 {'is_compatible':true}" },
		{ "POST", "/compatibility/subjects/s/versions?verbose=true", "{'schema':'no'}",
		  "200 {'is_compatible':false,'messages':['Invalid schema of type AVRO, details: ..." },
		{ "POST", "/compatibility/subjects/s/versions", "{'schema':'no'}", "422 {'error_code':42201,..." },
		{ "POST", "/subjects/s/versions", R(A "," B_DEFAULT), "200 {'version':2,'id':2,..." },
		{ "PUT", "/config/s", "{'compatibility':'none'}", "200 {'compatibility':'NONE'}" },
		{ "POST", "/subjects/s/versions", STRING, "200 {'version':3,'id':3,..." },
		{ "GET", "/config/s", NULL, "200 {'compatibilityLevel':'NONE'}" },
		{ "DELETE", "/config/s", NULL, "200 {'compatibilityLevel':'NONE'}" },
		{ "GET", "/config/s", NULL,
		  "404 {'error_code':40408,'message':'Subject 's' does not have subject-level compatibility "
		  "configured'}" },
		{ "GET", "/config/s?defaultToGlobal=true", NULL, "200 {'compatibilityLevel':'BACKWARD'}" },
		{ "DELETE", "/config/s", NULL, "404 {'error_code':40401,..." },
		{ "PUT", "/config", "{'compatibility':'FULL_TRANSITIVE','normalize':true}",
		  "200 {'normalize':true,'compatibility':'FULL_TRANSITIVE'}" },
		{ "GET", "/config", NULL, "200 {'compatibilityLevel':'FULL_TRANSITIVE','normalize':true}" },
		{ "DELETE", "/config", NULL, "200 {'compatibilityLevel':'FULL_TRANSITIVE','normalize':true}" },
		{ "GET", "/config", NULL, "200 {'compatibilityLevel':'BACKWARD'}" },
		{ "PUT", "/config", "{'compatibility':'sideways'}",
		  "422 {'error_code':42203,'message':'Invalid compatibility level. "
		  "Valid values are none, backward, ..." },
	};
	RUN(steps);
}

static void deleting_is_soft_first(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/s/versions", INT, "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/s/versions", LONG, "200 {'version':2,'id':2,..." },
		{ "DELETE", "/subjects/s/versions/1?permanent=true", NULL,
		  "404 {'error_code':40407,'message':'Subject 's' Version 1 was not deleted first before being "
		  "permanently "
		  "deleted'}" },
		{ "DELETE", "/subjects/s/versions/1", NULL, "200 1" },
		{ "DELETE", "/subjects/s/versions/1", NULL,
		  "404 {'error_code':40406,'message':'Subject 's' Version 1 was soft deleted.Set permanent=true to "
		  "delete "
		  "permanently'}" },
		{ "GET", "/subjects/s/versions", NULL, "200 [2]" },
		{ "GET", "/subjects/s/versions?deleted=true", NULL, "200 [1,2]" },
		{ "GET", "/subjects/s/versions?deletedOnly=true", NULL, "200 [1]" },
		{ "GET", "/subjects/s/versions?deletedAsNegative=true", NULL, "200 [-1,2]" },
		{ "GET", "/subjects/s/versions/1", NULL, "404 {'error_code':40402,..." },
		{ "GET", "/subjects/s/versions/1?deleted=true", NULL, "200 {'subject':'s','version':1,'id':1,..." },
		{ "GET", "/schemas/ids/1", NULL, "200 {..." },
		{ "GET", "/schemas/ids/1/subjects", NULL, "200 []" },
		{ "GET", "/schemas/ids/1/subjects?deleted=true", NULL, "200 ['s']" },
		{ "POST", "/subjects/s", INT, "404 {'error_code':40403,..." },
		{ "POST", "/subjects/s?deleted=true", INT, "200 {'subject':'s','version':1,'id':1,..." },
		{ "DELETE", "/subjects/s/versions/1?permanent=true", NULL, "200 1" },
		{ "GET", "/schemas/ids/1", NULL, "404 {'error_code':40403,..." },
		{ "DELETE", "/subjects/s/versions/9", NULL, "404 {'error_code':40402,..." },
		{ "DELETE", "/subjects/nobody/versions/9", NULL, "404 {'error_code':40401,..." },
		{ "DELETE", "/subjects/s/versions/latest", NULL, "200 2" },
		{ "DELETE", "/subjects/s/versions/latest", NULL, "404 {'error_code':40402,..." },
		{ "GET", "/subjects/s/versions", NULL, "404 {'error_code':40401,..." },
		{ "GET", "/subjects?deleted=true", NULL, "200 ['s']" },
		{ "GET", "/subjects?deletedOnly=true", NULL, "200 ['s']" },
		{ "POST", "/subjects/s/versions", LONG, "200 {'version':3,'id':2,..." },
		{ "GET", "/subjects/s/versions?deleted=true", NULL, "200 [3]" },
	};
	RUN(steps);
}

static void subjects_are_deleted_as_a_whole(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/s/versions", INT, "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/s/versions", LONG, "200 {'version':2,'id':2,..." },
		{ "PUT", "/config/s", "{'compatibility':'FULL'}", "200 {..." },
		{ "DELETE", "/subjects/s?permanent=true", NULL,
		  "404 {'error_code':40405,'message':'Subject 's' was not deleted first before being permanently "
		  "deleted'}" },
		{ "DELETE", "/subjects/s", NULL, "200 [1,2]" },
		{ "DELETE", "/subjects/s", NULL,
		  "404 {'error_code':40404,'message':'Subject 's' was soft deleted.Set permanent=true to delete "
		  "permanently'}" },
		{ "GET", "/subjects", NULL, "200 []" },
		{ "POST", "/subjects/s/versions", STRING, "200 {'version':3,'id':3,..." },
		{ "DELETE", "/subjects/s", NULL, "200 [3]" },
		{ "DELETE", "/subjects/s?permanent=true", NULL, "200 [1,2,3]" },
		{ "DELETE", "/subjects/s", NULL, "404 {'error_code':40401,..." },
		{ "GET", "/config/s", NULL, "404 {'error_code':40408,..." },
		{ "GET", "/subjects?deleted=true", NULL, "200 []" },
		{ "POST", "/subjects/s/versions", INT, "200 {'version':1,'id':4,..." },
	};
	RUN(steps);
}

#define E "{'schema':'{\\'type\\':\\'enum\\',\\'name\\':\\'n.E\\',\\'symbols\\':[\\'X\\']}'}"
#define USES(refs)                                                                                                     \
	"{'schema':'{\\'type\\':\\'record\\',\\'name\\':\\'n.R\\',\\'fields\\':[{\\'name\\':\\'e\\',\\'type\\':\\'"    \
	"E\\'}]}',"                                                                                                    \
	"'references':[" refs "]}"
#define E1 "{'name':'n.E','subject':'e','version':1}"

static void references_hold_what_they_name(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/r/versions", USES(E1),
		  "422 {'error_code':42201,'message':'No schema reference found for subject \\'e\\' and version 1'}" },
		{ "POST", "/subjects/e/versions", E, "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/r/versions", USES(""),
		  "422 {'error_code':42201,'message':'Invalid schema of type AVRO, ..." },
		{ "POST", "/subjects/r/versions", USES("{'name':'n.E'}"),
		  "422 {'error_code':42201,'message':'Invalid reference..." },
		{ "POST", "/subjects/r/versions", USES(E1), "200 {'version':1,'id':2,..." },
		{ "POST", "/subjects/r/versions", USES("{'name':'n.E','subject':'e','version':-1}"),
		  "200 {'version':1,'id':2,..." },
		{ "GET", "/subjects/r/versions/1", NULL, "200 {'subject':'r','version':1,'id':2,'guid':..." },
		{ "GET", "/subjects/e/versions/1/referencedby", NULL, "200 [2]" },
		{ "GET", "/subjects/r/versions/1/referencedby", NULL, "200 []" },
		{ "GET", "/schemas/ids/2/schema?format=resolved", NULL,
		  "200 "
		  "{'type':'record','name':'R','namespace':'n','fields':[{'name':'e','type':{'type':'enum','name':'E',"
		  "'symbols':['X']}}]}" },
		{ "GET", "/schemas/ids/2/schema", NULL,
		  "200 {'type':'record','name':'R','namespace':'n','fields':[{'name':'e','type':'E'}]}" },
		{ "DELETE", "/subjects/e/versions/1", NULL,
		  "422 {'error_code':42206,'message':'One or more references exist to the schema "
		  "{magic=1,keytype=SCHEMA,subject=e,version=1}.'}" },
		{ "DELETE", "/subjects/e", NULL, "422 {'error_code':42206,..." },
		{ "DELETE", "/subjects/r", NULL, "200 [1]" },
		{ "GET", "/subjects/e/versions/1/referencedby", NULL, "200 []" },
		{ "GET", "/subjects/e/versions/1/referencedby?deleted=true", NULL, "200 [2]" },
		{ "DELETE", "/subjects/e", NULL, "200 [1]" },
		{ "DELETE", "/subjects/e?permanent=true", NULL, "422 {'error_code':42206,..." },
		{ "DELETE", "/subjects/r?permanent=true", NULL, "200 [1]" },
		{ "DELETE", "/subjects/e?permanent=true", NULL, "200 [1]" },
	};
	RUN(steps);
}

static void modes_forbid_changes(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "GET", "/mode", NULL, "200 {'mode':'READWRITE'}" },
		{ "GET", "/mode/s", NULL,
		  "404 {'error_code':40409,'message':'Subject 's' does not have subject-level mode configured'}" },
		{ "GET", "/mode/s?defaultToGlobal=true", NULL, "200 {'mode':'READWRITE'}" },
		{ "POST", "/subjects/s/versions", INT, "200 {..." },
		{ "PUT", "/mode/s", "{'mode':'READONLY'}", "200 {'mode':'READONLY'}" },
		{ "POST", "/subjects/s/versions", INT,
		  "422 {'error_code':42205,'message':'Subject s in context . is in read-only mode'}" },
		{ "DELETE", "/subjects/s", NULL, "422 {'error_code':42205,..." },
		{ "DELETE", "/subjects/s/versions/1", NULL, "422 {'error_code':42205,..." },
		{ "PUT", "/config/s", "{'compatibility':'FULL'}", "422 {'error_code':42205,..." },
		{ "DELETE", "/mode/s", NULL, "200 {'mode':'READONLY'}" },
		{ "DELETE", "/mode/s", NULL, "404 {'error_code':40401,..." },
		{ "PUT", "/mode", "{'mode':'sideways'}", "422 {'error_code':42204,..." },
		{ "PUT", "/mode", "{}", "422 {'error_code':42204,..." },
		{ "PUT", "/mode/s", "{'mode':'FORWARD'}", "422 {'error_code':42204,..." },
		{ "PUT", "/mode", "{'mode':'IMPORT'}",
		  "422 {'error_code':42205,'message':'Cannot import since found existing subjects'}" },
		{ "PUT", "/mode/t", "{'mode':'IMPORT'}", "200 {'mode':'IMPORT'}" },
		{ "POST", "/subjects/t/versions", INT,
		  "422 {'error_code':42205,'message':'Subject t in context . is not in "
		  "read-write mode'}" },
		{ "POST", "/subjects/s/versions", "{'schema':'\\'long\\'','id':7}", "422 {'error_code':42205,..." },
		{ "POST", "/subjects/t/versions", "{'schema':'\\'string\\'','id':77,'version':5}",
		  "200 {'version':5,'id':77,..." },
		{ "POST", "/subjects/t/versions", "{'schema':'\\'long\\'','id':77,'version':6}",
		  "422 {'error_code':42205,'message':'Overwrite new schema with id 77 in context . is not "
		  "permitted.'}" },
		{ "POST", "/subjects/t/versions", "{'schema':'\\'int\\'','id':1,'version':3}",
		  "200 {'version':3,'id':1,..." },
		{ "GET", "/subjects/t/versions", NULL, "200 [3,5]" },
		{ "DELETE", "/mode/t", NULL, "200 {'mode':'IMPORT'}" },
		{ "POST", "/subjects/t/versions", R(A), "409 {..." },
		{ "POST", "/subjects/u/versions", R(A), "200 {'version':1,'id':78,..." },
		{ "PUT", "/mode", "{'mode':'READONLY_OVERRIDE'}", "200 {..." },
		{ "PUT", "/mode/u", "{'mode':'READWRITE'}", "200 {..." },
		{ "POST", "/subjects/u/versions", R(A), "422 {'error_code':42205,..." },
	};
	RUN(steps);
}

static void other_types_are_kept_and_not_compared(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "GET", "/schemas/types", NULL, "200 ['AVRO','JSON','PROTOBUF']" },
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'{ \\'type\\' : \\'object\\' }'}",
		  "200 {'version':1,'id':1,..." },
		{ "GET", "/schemas/ids/1", NULL, "200 {..." },
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'{\\'type\\':\\'object\\'}'}",
		  "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'true'}",
		  "409 {'error_code':409,'message':'Schema being registered is incompatible with an earlier schema for "
		  "subject "
		  "\\'j\\', details: [Schemas of type JSON are kept but not compared by this registry: ..." },
		{ "PUT", "/config/j", "{'compatibility':'NONE'}", "200 {..." },
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'true'}",
		  "200 {'version':2,'id':2,..." },
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'{'}", "422 {'error_code':42201,..." },
		{ "POST", "/subjects/p/versions", "{'schemaType':'PROTOBUF','schema':'syntax = \\'proto3\\';'}",
		  "200 {'version':1,'id':3,..." },
		{ "POST", "/subjects/p/versions", INT,
		  "409 {'error_code':409,'message':'Schema being registered is incompatible with an earlier schema for "
		  "subject "
		  "\\'p\\', details: [Incompatible because of different schema type, ..." },
		{ "POST", "/subjects/x/versions", "{'schemaType':'XML','schema':'x'}",
		  "422 {'error_code':42201,'message':'Invalid schema type XML'}" },
	};
	RUN(steps);
}

static void other_types_are_refused_at_every_level(void **state)
{
	(void)state;
	static const char *const levels[] = { "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE",
					      "FULL",	  "FULL_TRANSITIVE" };
	static const struct step first[] = {
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'true'}", "200 {..." },
		{ "POST", "/subjects/p/versions", "{'schemaType':'PROTOBUF','schema':'message M {}'}", "200 {..." },
	};
	static const struct step each[] = {
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'false'}",
		  "409 {'error_code':409,'message':'Schema being registered is incompatible with an earlier schema for "
		  "subject \\'j\\', details: [Schemas of type JSON are kept but not compared by this registry: set the "
		  "compatibility of the subject to NONE..." },
		{ "POST", "/compatibility/subjects/j/versions?verbose=true", "{'schemaType':'JSON','schema':'false'}",
		  "200 {'is_compatible':false,'messages':['Schemas of type JSON are kept but not compared ..." },
		{ "POST", "/compatibility/subjects/j/versions/latest", "{'schemaType':'JSON','schema':'false'}",
		  "200 {'is_compatible':false}" },
		{ "POST", "/subjects/p/versions", "{'schemaType':'PROTOBUF','schema':'message N {}'}",
		  "409 {'error_code':409,'message':'Schema being registered is incompatible with an earlier schema for "
		  "subject \\'p\\', details: [Schemas of type PROTOBUF are kept but not compared by this registry: "
		  "..." },
		{ "POST", "/compatibility/subjects/p/versions/1?verbose=true",
		  "{'schemaType':'PROTOBUF','schema':'message N {}'}",
		  "200 {'is_compatible':false,'messages':['Schemas of type PROTOBUF are kept but not compared ..." },
		{ "GET", "/subjects/j/versions", NULL, "200 [1]" },
		{ "GET", "/subjects/p/versions", NULL, "200 [1]" },
	};
	RUN(first);
	for (size_t i = 0; i < N(levels); i++) {
		char level[64];
		snprintf(level, sizeof(level), "{'compatibility':'%s'}", levels[i]);
		const struct step set[] = { { "PUT", "/config", level, "200 {..." } };
		RUN(set);
		RUN(each);
	}
}

static void broken_questions_are_refused(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/s/versions", NULL, "400 {'error_code':400,..." },
		{ "POST", "/subjects/s/versions", "", "400 {'error_code':400,..." },
		{ "POST", "/subjects/s/versions", "[]",
		  "400 {'error_code':400,'message':'The request is not a JSON object'}" },
		{ "POST", "/subjects/s/versions", "{", "400 {'error_code':400,..." },
		{ "POST", "/subjects/s/versions", "{}", "422 {'error_code':42201,'message':'Empty schema'}" },
		{ "POST", "/subjects/s/versions", "{'schema':null}",
		  "422 {'error_code':42201,'message':'Empty schema'}" },
		{ "POST", "/subjects/s/versions", "{'schema':' '}",
		  "422 {'error_code':42201,'message':'Empty schema'}" },
		{ "POST", "/subjects/s/versions", "{'schema':1}", "400 {'error_code':400,..." },
		{ "POST", "/subjects/s/versions", "{'schema':'\\'int\\'','id':'x'}", "400 {'error_code':400,..." },
		{ "POST", "/subjects/s/versions", "{'schema':'\\'int\\'','references':{}}",
		  "422 {'error_code':42201,..." },
		{ "POST", "/subjects/s%01/versions", INT, "422 {'error_code':42208,..." },
		{ "POST", "/subjects/__GLOBAL/versions", INT, "422 {'error_code':42208,..." },
		{ "POST", "/subjects/:.other:s/versions", INT, "422 {'error_code':42208,..." },
		{ "POST", "/subjects/:.:s/versions", INT, "200 {'version':1,..." },
		{ "GET", "/subjects/a%2Fb", NULL, "405 {'error_code':405,..." },
		{ "POST", "/subjects/a%2Fb/versions", INT, "200 {'version':1,..." },
		{ "GET", "/subjects", NULL, "200 ['a/b','s']" },
		{ "GET", "/nowhere", NULL, "404 {'error_code':404,'message':'HTTP 404 Not Found'}" },
		{ "GET", "/", NULL, "200 {}" },
		{ "GET", "/contexts", NULL, "200 ['.']" },
		{ "GET", "/v1/metadata/version", NULL, "200 {'version':..." },
		{ "GET", "/v1/metadata/id", NULL, "200 {'scope':{'path':[],'clusters':{'kafka-cluster':..." },
	};
	RUN(steps);
}

static void lists_come_in_pages(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/a1/versions", INT, "200 {..." },
		{ "POST", "/subjects/a1/versions", LONG, "200 {..." },
		{ "POST", "/subjects/a2/versions", INT, "200 {..." },
		{ "POST", "/subjects/b/versions", INT, "200 {..." },
		{ "GET", "/subjects?subjectPrefix=a", NULL, "200 ['a1','a2']" },
		{ "GET", "/subjects?subjectPrefix=:*:b", NULL, "200 ['b']" },
		{ "GET", "/subjects?offset=1&limit=1", NULL, "200 ['a2']" },
		{ "GET", "/subjects?offset=5", NULL, "200 []" },
		{ "GET", "/subjects/a1/versions?limit=1", NULL, "200 [1]" },
		{ "GET", "/schemas/ids/1/subjects?offset=1", NULL, "200 ['a2','b']" },
		{ "GET", "/schemas?subjectPrefix=a&latestOnly=true&offset=1", NULL,
		  "200 [{'subject':'a2','version':1,'id':1,..." },
		{ "GET", "/schemas?limit=1", NULL, "200 [{'subject':'a1','version':1,'id':1,..." },
	};
	RUN(steps);
}

#define META "{'schema':'\\'int\\'','metadata':{'properties':{'owner':'ada'}},'ruleSet':{'domainRules':[]}}"

static void metadata_belong_to_the_content(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/m/versions", INT, "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/m/versions", META, "200 {'version':2,'id':2,..." },
		{ "POST", "/subjects/m/versions", META, "200 {'version':2,'id':2,..." },
		{ "GET", "/subjects/m/metadata?key=owner&value=ada", NULL,
		  "200 {'subject':'m','version':2,'id':2,..." },
		{ "GET", "/subjects/m/metadata?key=owner&value=bob", NULL, "404 {'error_code':40403,..." },
		{ "GET", "/subjects/m/metadata", NULL, "200 {'subject':'m','version':2,..." },
		/* what the latest says of itself holds on */
		{ "POST", "/subjects/m/versions", LONG, "200 {'version':3,'id':3,'guid':..." },
		{ "GET", "/subjects/m/metadata?key=owner&value=ada", NULL,
		  "200 {'subject':'m','version':3,'id':3,..." },
	};
	RUN(steps);
}

static void normal_forms_are_the_same(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/s/versions", "{'schema':'{\\'type\\':\\'int\\',\\'a\\':1,\\'b\\':2}'}",
		  "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/s/versions", "{'schema':'{\\'type\\':\\'int\\',\\'b\\':2,\\'a\\':1}'}",
		  "200 {'version':2,'id':2,..." },
		{ "POST", "/subjects/s/versions?normalize=true",
		  "{'schema':'{\\'b\\':2,\\'a\\':1,\\'type\\':\\'int\\'}'}", "200 {'version':1,'id':1,..." },
		{ "PUT", "/config/s", "{'normalize':true}", "200 {'normalize':true}" },
		{ "POST", "/subjects/s/versions", "{'schema':'{\\'b\\':2,\\'a\\':1,\\'type\\':\\'int\\'}'}",
		  "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/s", "{'schema':'{\\'b\\':2,\\'a\\':1,\\'type\\':\\'int\\'}'}",
		  "200 {'subject':'s','version':1,..." },
	};
	RUN(steps);
}

/* Everything that can be asked for. */
static char *all_of_it(void)
{
	static const char *const paths[] = { "/schemas?deleted=true",
					     "/subjects?deleted=true",
					     "/config",
					     "/mode",
					     "/config/s",
					     "/mode/s",
					     "/config/e",
					     "/subjects/e/versions/1/referencedby",
					     "/schemas/ids/1?fetchMaxId=true",
					     "/schemas/ids/2" };
	static char all[1 << 17];
	all[0] = '\0';
	for (size_t i = 0; i < N(paths); i++) {
		strcat(all, ask("GET", paths[i], NULL));
		strcat(all, "\n");
	}
	return all;
}

static void what_was_written_is_read_again(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/e/versions", E, "200 {..." },
		{ "POST", "/subjects/r/versions", USES(E1), "200 {..." },
		{ "POST", "/subjects/s/versions", INT, "200 {'version':1,'id':3,..." },
		{ "POST", "/subjects/s/versions", LONG, "200 {'version':2,'id':4,..." },
		{ "DELETE", "/subjects/s/versions/1", NULL, "200 1" },
		{ "PUT", "/config", "{'compatibility':'FULL'}", "200 {..." },
		{ "PUT", "/config/s", "{'compatibility':'NONE','alias':'x'}", "200 {..." },
		{ "PUT", "/mode/s", "{'mode':'READONLY'}", "200 {..." },
		{ "POST", "/subjects/m/versions", META, "200 {'version':1,'id':5,..." },
		{ "POST", "/subjects/gone/versions", STRING, "200 {'version':1,'id':6,..." },
		{ "DELETE", "/subjects/gone", NULL, "200 [1]" },
		{ "DELETE", "/subjects/gone?permanent=true", NULL, "200 [1]" },
		{ "POST", "/subjects/soft/versions", STRING, "200 {'version':1,'id':7,..." },
		{ "DELETE", "/subjects/soft", NULL, "200 [1]" },
	};
	RUN(steps);
	char *before = tarn_strdup(all_of_it());
	close_registry();
	open_registry();
	assert_string_equal(all_of_it(), before);
	free(before);
	static const struct step more[] = {
		{ "POST", "/subjects/new/versions", R(A), "200 {'version':1,'id':8,..." },
	};
	RUN(more);
}

/* As compaction leaves a topic: of each key the last record, and no key that is deleted. */
static void compact(void)
{
	bool stays[N(topic.records)];
	size_t n = 0;
	for (size_t i = 0; i < topic.n; i++) {
		stays[i] = topic.records[i].value;
		for (size_t k = i + 1; k < topic.n; k++)
			if (topic.records[k].key_len == topic.records[i].key_len &&
			    !memcmp(topic.records[k].key, topic.records[i].key, topic.records[i].key_len))
				stays[i] = false;
	}
	for (size_t i = 0; i < topic.n; i++) {
		if (stays[i]) {
			topic.records[n++] = topic.records[i];
		} else {
			free(topic.records[i].key);
			free(topic.records[i].value);
		}
	}
	topic.n = n;
}

static void ids_are_not_given_out_again(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ "POST", "/subjects/s/versions", INT, "200 {'version':1,'id':1,..." },
		{ "POST", "/subjects/t/versions", LONG, "200 {'version':1,'id':2,..." },
		{ "DELETE", "/subjects/t", NULL, "200 [1]" },
		{ "DELETE", "/subjects/t?permanent=true", NULL, "200 [1]" },
	};
	static const struct step more[] = {
		{ "GET", "/subjects?deleted=true", NULL, "200 ['s']" },
		{ "POST", "/subjects/u/versions", STRING, "200 {'version':1,'id':3,..." },
	};
	RUN(steps);
	close_registry();
	compact();
	assert_int_equal(topic.n, 3); /* the schema, the deletion of the subject, the largest id */
	open_registry();
	RUN(more);
}

static void records_of_confluent_are_understood(void **state)
{
	(void)state;
	static const char *const records[][2] = {
		{ "{\"keytype\":\"NOOP\",\"magic\":0}", NULL },
		{ "{\"keytype\":\"CONFIG\",\"subject\":null,\"magic\":0}", "{\"compatibilityLevel\":\"FORWARD\"}" },
		{ "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":1,\"magic\":1}",
		  "{\"subject\":\"s\",\"version\":1,\"id\":10,\"schema\":\"\\\"int\\\"\",\"deleted\":false}" },
		{ "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":2,\"magic\":1}",
		  "{\"subject\":\"s\",\"version\":2,\"id\":11,\"md5\":\"x\",\"schema\":\"\\\"long\\\"\",\"deleted\":"
		  "false}" },
		{ "{\"keytype\":\"DELETE_SUBJECT\",\"subject\":\"s\",\"magic\":0}",
		  "{\"subject\":\"s\",\"version\":1}" },
		{ "{\"keytype\":\"CONTEXT\",\"tenant\":\"default\",\"context\":\".x\",\"magic\":0}", "{}" },
		{ "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":3,\"magic\":1}", "{\"subject\":\"s\"}" },
		{ "not JSON", "{}" },
		{ "[]", "{}" },
	};
	static const struct step steps[] = {
		{ "GET", "/config", NULL, "200 {'compatibilityLevel':'FORWARD'}" },
		{ "GET", "/subjects/s/versions?deleted=true", NULL, "200 [1,2]" },
		{ "GET", "/subjects/s/versions", NULL, "200 [2]" },
		{ "POST", "/subjects/s/versions", INT, "200 {'version':3,'id':10,..." },
		{ "POST", "/subjects/t/versions", STRING, "200 {'version':1,'id':12,..." },
	};
	close_registry();
	for (size_t i = 0; i < N(records); i++)
		memory_add(&topic, tarn_slice_str(records[i][0]), tarn_slice_str(records[i][1]));
	open_registry();
	struct tarn_registry_counts counts;
	tarn_registry_count(registry, &counts);
	assert_int_equal(counts.skipped, 4);
	assert_int_equal(counts.schemas, 2);
	assert_int_equal(counts.versions, 2);
	assert_int_equal(counts.subjects, 1);
	RUN(steps);
}

/* As Karapace does: keys in order, no digest, an empty value where Confluent's has none. */
static void texts_in_another_form_are_the_same_schemas(void **state)
{
	(void)state;
	static const char text[] = "\"{\\\"fields\\\":[{\\\"name\\\":\\\"x\\\",\\\"type\\\":\\\"double\\\"}],"
				   "\\\"name\\\":\\\"P\\\",\\\"type\\\":\\\"record\\\"}\"";
	static const char same[] = "{'schema':'{\\'type\\':\\'record\\',\\'name\\':\\'P\\',\\'fields\\':[{\\'type\\':"
				   "\\'double\\',\\'name\\':\\'x\\'}]}'}";
	static const char *const keys[] = { "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":1,\"magic\":1}",
					    "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":2,\"magic\":1}" };
	struct tarn_buf value;
	close_registry();
	tarn_buf_init(&value, 4096);
	tarn_buf_printf(&value, "{\"subject\":\"s\",\"version\":1,\"id\":7,\"schema\":%s,\"deleted\":false}", text);
	memory_add(&topic, tarn_slice_str(keys[0]), tarn_buf_slice(&value));
	tarn_buf_clear(&value);
	tarn_buf_printf(&value,
			"{\"subject\":\"s\",\"version\":2,\"id\":8,\"schema\":\"\\\"int\\\"\",\"deleted\":false}");
	memory_add(&topic, tarn_slice_str(keys[1]), tarn_buf_slice(&value));
	memory_add(&topic, tarn_slice_str(keys[1]), tarn_slice_str(""));
	tarn_buf_release(&value);
	open_registry();
	const struct step first[] = {
		{ "POST", "/subjects/s/versions", same, "200 {'version':1,'id':7,..." },
		{ "GET", "/subjects/s/versions", NULL, "200 [1]" },
		{ "GET", "/schemas/ids/7/schema", NULL,
		  "200 {'fields':[{'name':'x','type':'double'}],'name':'P','type':'record'}" },
		{ "POST", "/subjects/t/versions", same, "200 {'version':1,'id':7,..." },
		{ "DELETE", "/subjects/s/versions/1", NULL, "200 1" },
	};
	const struct step again[] = {
		{ "GET", "/schemas/ids/7/versions", NULL, "200 [{'subject':'t','version':1}]" },
		{ "POST", "/subjects/t/versions", same, "200 {'version':1,'id':7,..." },
		{ "POST", "/subjects/s/versions?normalize=false", same, "200 {'version':2,'id':7,..." },
	};
	RUN(first);
	close_registry();
	open_registry();
	RUN(again);
}

static void records_are_as_confluent_writes_them(void **state)
{
	(void)state;
	ask("POST", "/subjects/s/versions", INT);
	ask("DELETE", "/subjects/s", NULL);
	ask("PUT", "/config/s", "{'compatibility':'FULL'}");
	ask("PUT", "/mode", "{'mode':'READONLY'}");
	static const char *const expected[][2] = {
		{ "{\"keytype\":\"SCHEMA\",\"subject\":\"s\",\"version\":1,\"magic\":1}",
		  "{\"subject\":\"s\",\"version\":1,\"id\":1,\"md5\":\"ef524ea1-b91e-7317-3d93-8ade36c1db32\","
		  "\"schema\":"
		  "\"\\\"int\\\"\",\"deleted\":false}" },
		{ "{\"keytype\":\"DELETE_SUBJECT\",\"subject\":\"s\",\"magic\":0}",
		  "{\"subject\":\"s\",\"version\":1}" },
		{ "{\"keytype\":\"CONFIG\",\"subject\":\"s\",\"magic\":0}",
		  "{\"subject\":\"s\",\"compatibilityLevel\":\"FULL\"}" },
		{ "{\"keytype\":\"MODE\",\"magic\":0}", "{\"mode\":\"READONLY\"}" },
	};
	assert_int_equal(topic.n, N(expected));
	for (size_t i = 0; i < N(expected); i++) {
		assert_string_equal(topic.records[i].key, expected[i][0]);
		assert_string_equal(topic.records[i].value, expected[i][1]);
	}
}

static void a_topic_that_fails_is_told(void **state)
{
	(void)state;
	static const struct step full[] = {
		{ "POST", "/subjects/s/versions", INT,
		  "500 {'error_code':50001,'message':'Error while writing to the topic _schemas: the disk is full'}" },
		{ "GET", "/subjects", NULL, "200 []" },
		{ "PUT", "/config", "{'compatibility':'FULL'}", "500 {'error_code':50001,..." },
		{ "GET", "/config", NULL, "200 {'compatibilityLevel':'BACKWARD'}" },
	};
	static const struct step gone[] = {
		{ "POST", "/subjects/s/versions", INT, "500 {'error_code':50001,..." },
		/* what may not be durable is not shown */
		{ "GET", "/subjects", NULL, "500 {'error_code':50001,..." },
		{ "GET", "/schemas/ids/1", NULL, "500 {'error_code':50001,..." },
	};
	topic.fail_append = true;
	RUN(full);
	topic.fail_append = false;
	topic.fail_wait = true;
	RUN(gone);
}

/* Asks as a listener does: what is held is started, and *released tells whether it was let go. */
struct exchange {
	struct tarn_arena arena;
	struct tarn_response response;
};

static void let_go(struct tarn_hold *hold)
{
	bool *released = hold->waiter;
	*released = true;
}

static void ask_slowly(struct exchange *exchange, enum tarn_http_method method, const char *path, const char *body,
		       bool *released)
{
	tarn_arena_init(&exchange->arena);
	tarn_response_init(&exchange->response);
	struct tarn_request request = {
		.method = method, .path = path, .body = tarn_slice_str(body), .arena = &exchange->arena
	};
	*released = false;
	tarn_routes_call(tarn_registry_routes(registry), &request, &exchange->response);
	struct tarn_hold *hold = exchange->response.hold;
	if (!hold)
		return;
	hold->release = let_go;
	hold->waiter = released;
	hold->start(hold);
}

static int status_of(struct exchange *exchange)
{
	struct tarn_hold *hold = exchange->response.hold;
	if (hold)
		hold->finish(hold, &exchange->response);
	int status = exchange->response.status;
	tarn_response_release(&exchange->response);
	tarn_arena_release(&exchange->arena);
	return status;
}

static void answers_are_held_until_they_are_durable(void **state)
{
	static const char a[] = "{\"schema\":\"\\\"int\\\"\"}", b[] = "{\"schema\":\"\\\"long\\\"\"}";
	static const struct {
		enum tarn_http_method method;
		const char *path, *body;
		int status, failed;
	} cases[] = {
		{ TARN_HTTP_POST, "/subjects/a/versions", a, 200, 500 },
		{ TARN_HTTP_POST, "/subjects/b/versions", b, 200, 500 },
		{ TARN_HTTP_POST, "/subjects/a/versions", a, 200, 500 },
		{ TARN_HTTP_GET, "/schemas/ids/2", NULL, 200, 500 },
		{ TARN_HTTP_GET, "/subjects", NULL, 200, 500 },
		{ TARN_HTTP_GET, "/subjects/nobody/versions", NULL, 404, 500 },
		{ TARN_HTTP_DELETE, "/subjects/a", NULL, 200, 500 },
	};
	struct exchange exchanges[N(cases)];
	bool released[N(cases)];
	for (int fails = 0; fails < 2; fails++) {
		topic.is_slow = true;
		topic.fail_wait = fails;
		for (size_t i = 0; i < N(cases); i++) {
			ask_slowly(&exchanges[i], cases[i].method, cases[i].path, cases[i].body, &released[i]);
			assert_non_null(exchanges[i].response.hold);
			assert_false(released[i]);
		}
		memory_sync(&topic);
		for (size_t i = 0; i < N(cases); i++) {
			assert_true(released[i]);
			assert_int_equal(status_of(&exchanges[i]), fails ? cases[i].failed : cases[i].status);
		}
		if (!fails) { /* what is durable is not held */
			ask_slowly(&exchanges[0], TARN_HTTP_GET, "/schemas/ids/2", NULL, &released[0]);
			assert_null(exchanges[0].response.hold);
			assert_int_equal(status_of(&exchanges[0]), 200);
		}
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

static void *register_often(void *context)
{
	uint32_t *ids = context;
	static const struct tarn_schema_text schema = { .text = { (const uint8_t *)"\"bytes\"", 7 } };
	for (int i = 0; i < 20; i++) {
		char subject[32], text[64], path[64];
		int status;
		struct tarn_buf answer;
		uint32_t id = 0;
		/* a client of its own: what one has asked, it does not ask again */
		struct tarn_registry_client *own = tarn_registry_local_client(registry);
		snprintf(subject, sizeof(subject), "same-%d", i);
		if (tarn_registry_register(own, subject, &schema, &id, NULL) || (ids[0] && ids[0] != id))
			ids[1]++;
		ids[0] = id;
		tarn_buf_init(&answer, 1 << 20);
		snprintf(text, sizeof(text), "{\"schema\":\"{\\\"type\\\":\\\"int\\\",\\\"n\\\":%d}\"}", i);
		snprintf(path, sizeof(path), "/subjects/many/versions");
		if (tarn_registry_ask(own, "POST", path, text, &status, &answer, NULL) || status != 200)
			ids[1]++;
		tarn_buf_release(&answer);
		tarn_registry_client_free(own);
	}
	return NULL;
}

static void many_register_at_once(void **state)
{
	(void)state;
	pthread_t threads[16];
	uint32_t ids[16][2] = { { 0 } };
	for (size_t i = 0; i < N(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, register_often, ids[i]), 0);
	for (size_t i = 0; i < N(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < N(threads); i++) {
		assert_int_equal(ids[i][0], ids[0][0]);
		assert_int_equal(ids[i][1], 0);
	}
	struct tarn_registry_counts counts;
	tarn_registry_count(registry, &counts);
	assert_int_equal(counts.subjects, 21);
	assert_int_equal(counts.schemas, 21);
	assert_int_equal(counts.versions, 40);
	assert_int_equal(topic.n, 40);
}

static void clients_know_what_they_have_asked(void **state)
{
	(void)state;
	struct tarn_err err;
	static const struct step steps[] = {
		{ "POST", "/subjects/e/versions", E, "200 {..." },
		{ "POST", "/subjects/a%2F/versions", USES(E1), "200 {'version':1,'id':2,..." },
		{ "POST", "/subjects/j/versions", "{'schemaType':'JSON','schema':'true'}",
		  "200 {'version':1,'id':3,..." },
	};
	RUN(steps);
	const struct tarn_known_schema *schema, *again;
	assert_int_equal(tarn_registry_by_id(client, 2, &schema, &err), TARN_OK);
	assert_int_equal(schema->id, 2);
	assert_int_equal(schema->schema.n_references, 1);
	assert_non_null(schema->avro);
	static const char whole[] =
		"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":[{\"name\":\"e\",\"type\":"
		"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]}}]}";
	assert_true(tarn_slice_eq(schema->whole_text, tarn_slice_str(whole)));
	assert_int_equal(tarn_registry_by_id(client, 2, &again, &err), TARN_OK);
	assert_ptr_equal(schema, again);
	int32_t version;
	assert_int_equal(tarn_registry_latest(client, "a/", &version, &again, &err), TARN_OK);
	assert_ptr_equal(schema, again);
	assert_int_equal(version, 1);
	assert_int_equal(tarn_registry_by_id(client, 3, &schema, &err), TARN_OK);
	assert_int_equal(schema->schema.type, TARN_SCHEMA_JSON);
	assert_null(schema->avro);
	assert_int_equal(tarn_registry_by_id(client, 4, &schema, &err), TARN_ENOTFOUND);
	assert_string_equal(err.message, "registry: Schema 4 not found (HTTP 404)");
	assert_int_equal(tarn_registry_latest(client, "nobody", NULL, &schema, &err), TARN_ENOTFOUND);

	static const struct tarn_schema_text text = { .text = { (const uint8_t *)"\"int\"", 5 } };
	static const struct tarn_schema_text other = { .text = { (const uint8_t *)"\"string\"", 8 } };
	static const struct tarn_schema_text broken = { .text = { (const uint8_t *)"\"x\"", 3 } };
	uint32_t id;
	bool fits;
	struct tarn_buf reasons;
	tarn_buf_init(&reasons, 1 << 20);
	assert_int_equal(tarn_registry_lookup(client, "i", &text, &id, &err), TARN_ENOTFOUND);
	assert_int_equal(tarn_registry_register(client, "i", &text, &id, &err), TARN_OK);
	assert_int_equal(id, 4);
	assert_int_equal(tarn_registry_lookup(client, "i", &text, &id, &err), TARN_OK);
	assert_int_equal(id, 4);
	assert_int_equal(tarn_registry_register(client, "i", &other, &id, &err), TARN_EINVALID);
	assert_non_null(strstr(err.message, "incompatible with an earlier schema"));
	assert_int_equal(tarn_registry_register(client, "i", &broken, &id, &err), TARN_EINVALID);
	assert_int_equal(tarn_registry_check(client, "i", &other, &fits, &reasons, &err), TARN_OK);
	assert_false(fits);
	assert_true(reasons.len > 0);
	assert_int_equal(tarn_registry_check(client, "i", &text, &fits, &reasons, &err), TARN_OK);
	assert_true(fits);
	assert_int_equal(tarn_registry_check(client, "nobody", &text, &fits, &reasons, &err), TARN_OK);
	assert_true(fits);
	tarn_buf_release(&reasons);
	topic.fail_append = true;
	assert_int_equal(tarn_registry_register(client, "k", &text, &id, &err), TARN_EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ids_go_by_content),
		TEST(guids_find_schemas),
		TEST(schemas_must_fit_their_subject),
		TEST(deleting_is_soft_first),
		TEST(subjects_are_deleted_as_a_whole),
		TEST(references_hold_what_they_name),
		TEST(modes_forbid_changes),
		TEST(other_types_are_kept_and_not_compared),
		TEST(other_types_are_refused_at_every_level),
		TEST(broken_questions_are_refused),
		TEST(lists_come_in_pages),
		TEST(metadata_belong_to_the_content),
		TEST(normal_forms_are_the_same),
		TEST(what_was_written_is_read_again),
		TEST(ids_are_not_given_out_again),
		TEST(records_of_confluent_are_understood),
		TEST(records_are_as_confluent_writes_them),
		TEST(texts_in_another_form_are_the_same_schemas),
		TEST(a_topic_that_fails_is_told),
		TEST(answers_are_held_until_they_are_durable),
		TEST(many_register_at_once),
		TEST(clients_know_what_they_have_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
