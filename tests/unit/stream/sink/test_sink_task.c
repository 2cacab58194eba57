#include "stream/sink/sink_task.h"

#include <unistd.h>

#include "sink_fixture.h"
#include "sink_objects.h"

static char folder[64];

/* One text a name, for good. */
static const char *path_of(const char *name)
{
	static char names[32][32], paths[32][128];
	size_t i = 0;
	while (*names[i] && strcmp(names[i], name))
		i++;
	assert_true(i < 31);
	snprintf(names[i], sizeof(names[i]), "%s", name);
	snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, name);
	return paths[i];
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_sink_task.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* ---- which objects ---- */

#define HOUR INT64_C(3600000)

static const char *const kinds[] = { "a", "b", NULL };

struct expected {
	const char *config;
	const char *keys[8];
	size_t n_records; /* in all objects; the rest waits */
};

/* 25 records at offsets 0 to 24, every ten minutes; kinds in turn. */
static const struct expected objects[] = {
	{ "{\"flush.size\":10}",
	  { "raw/t/partition=0/t+0+0000000000.avro", "raw/t/partition=0/t+0+0000000010.avro" },
	  20 },
	{ "{\"flush.size\":25,\"format.class\":\"JsonFormat\",\"filename.offset.zero.pad.width\":2,\"file.delim\":\"-"
	  "\"}",
	  { "raw/t/partition=0/t-0-00.json" },
	  25 },
	{ "{\"flush.size\":25,\"partitioner.class\":\"FieldPartitioner\",\"partition.field.name\":\"kind\"}",
	  { "raw/t/kind=a/t+0+0000000000.avro", "raw/t/kind=b/t+0+0000000001.avro",
	    "raw/t/kind=null/t+0+0000000002.avro" },
	  25 },
	{ "{\"flush.size\":100,\"partitioner.class\":\"HourlyPartitioner\",\"timestamp.extractor\":\"Record\","
	  "\"rotate.interval.ms\":3600000,\"avro.codec\":\"snappy\"}",
	  { "raw/t/year=1970/month=01/day=01/hour=00/t+0+0000000000.avro",
	    "raw/t/year=1970/month=01/day=01/hour=01/t+0+0000000006.avro",
	    "raw/t/year=1970/month=01/day=01/hour=02/t+0+0000000012.avro",
	    "raw/t/year=1970/month=01/day=01/hour=03/t+0+0000000018.avro" },
	  24 },
	{ "{\"flush.size\":25,\"partitioner.class\":\"TimeBasedPartitioner\",\"partition.duration.ms\":7200000,"
	  "\"path.format\":\"'h'=HH\",\"timezone\":\"+01:00\",\"timestamp.extractor\":\"RecordField\",\"timestamp."
	  "field\":\"when\","
	  "\"avro.codec\":\"zstandard\"}",
	  { "raw/t/h=00/t+0+0000000000.avro", "raw/t/h=02/t+0+0000000006.avro", "raw/t/h=04/t+0+0000000018.avro" },
	  25 },
	{ "{\"flush.size\":1000,\"rotate.interval.ms\":6000000,\"partitioner.class\":\"DailyPartitioner\","
	  "\"timestamp.extractor\":\"Record\",\"avro.codec\":\"deflate\"}",
	  { "raw/t/year=1970/month=01/day=01/t+0+0000000000.avro",
	    "raw/t/year=1970/month=01/day=01/t+0+0000000010.avro" },
	  20 },
};

static void objects_are_those_of_connect(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		struct fixture_source source;
		struct fixture_config config;
		struct tarn_task_numbers numbers = { 0 };
		struct tarn_err err = { 0 };
		char name[32];
		snprintf(name, sizeof(name), "objects%zu", i);
		fixture_configure(&config, objects[i].config);
		fixture_init(&source, 1, path_of("offsets"));
		source.stop_when_read = true;
		for (int offset = 0; offset < 25; offset++)
			fixture_add_record(&source, 0, offset, offset * HOUR / 6, kinds[offset % 3], 1);
		if (fixture_run(&source, &config.config, path_of(name), &numbers, fixture_no_letter, fixture_no_flush,
				NULL, &err))
			fail_msg("%s", err.message);
		struct found *found = found_all(path_of(name));
		size_t n = 0;
		while (n < 8 && objects[i].keys[n]) {
			if (!found_key(found, objects[i].keys[n]))
				fail_msg("no object \"%s\" (case %zu)", objects[i].keys[n], i);
			n++;
		}
		assert_int_equal(found->n_objects, n);
		assert_int_equal(found->n_records, objects[i].n_records);
		free(found);
		fixture_free(&source.base);
		fixture_unconfigure(&config);
		unlink(path_of("offsets"));
	}
}

/* Two schemas in turn: one object each, not one a record. Offsets with gaps are in the header. */
static void interleaved_schemas_share_two_objects(void **state)
{
	(void)state;
	struct fixture_source source;
	struct fixture_config config;
	struct tarn_task_numbers numbers = { 0 };
	fixture_configure(&config, "{\"flush.size\":10}");
	fixture_init(&source, 1, path_of("offsets"));
	for (int offset = 0; offset < 10; offset++)
		fixture_add_record(&source, 0, offset, 0, "a", 1 + offset % 2);
	assert_int_equal(fixture_run(&source, &config.config, path_of("two"), &numbers, fixture_no_letter,
				     fixture_no_flush, NULL, NULL),
			 TARN_OK);
	struct found *found = found_all(path_of("two"));
	assert_int_equal(found->n_objects, 2);
	assert_true(found_key(found, "raw/t/partition=0/t+0+0000000000.avro"));
	assert_true(found_key(found, "raw/t/partition=0/t+0+0000000001.avro"));
	free(found);

	struct tarn_store *store;
	struct tarn_buf file;
	struct tarn_slice offsets;
	tarn_buf_init(&file, 1 << 20);
	assert_int_equal(tarn_store_open(path_of("two"), false, &store, NULL), TARN_OK);
	assert_int_equal(tarn_store_get(store, "raw/t/partition=0/t+0+0000000001.avro", &file, NULL), TARN_OK);
	assert_true(tarn_avro_header_get(tarn_buf_slice(&file), TARN_OBJECT_OFFSETS, &offsets));
	assert_true(tarn_slice_eq(offsets, tarn_slice_str("1,3,5,7,9")));
	tarn_buf_release(&file);
	tarn_store_close(store);
	fixture_free(&source.base);
	fixture_unconfigure(&config);
	unlink(path_of("offsets"));
}

static const struct {
	const char *mode;
	uint32_t first; /* schema of the first record; then they take turns */
	size_t n_objects, in_first;
	const char *last_key;
} projections[] = {
	/* Newer ones close an object, older ones are made newer. */
	{ "BACKWARD", 1, 2, 1, "raw/t/partition=0/t+0+0000000001.avro" },
	{ "FULL", 2, 1, 10, "raw/t/partition=0/t+0+0000000000.avro" },
	{ "FORWARD", 1, 1, 10, "raw/t/partition=0/t+0+0000000000.avro" },
	{ "FORWARD", 2, 2, 1, "raw/t/partition=0/t+0+0000000001.avro" },
	{ "NONE", 1, 2, 5, "raw/t/partition=0/t+0+0000000001.avro" },
};

static void compatible_schemas_are_projected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(projections) / sizeof(*projections); i++) {
		struct fixture_source source;
		struct fixture_config config;
		struct tarn_task_numbers numbers = { 0 };
		char json[128], name[32];
		snprintf(json, sizeof(json),
			 "{\"flush.size\":1000,\"tarn.flush.ms\":1,\"schema.compatibility\":\"%s\"}",
			 projections[i].mode);
		snprintf(name, sizeof(name), "projected%zu", i);
		fixture_configure(&config, json);
		fixture_init(&source, 1, path_of("offsets"));
		source.portion = 10;
		for (int offset = 0; offset < 10; offset++)
			fixture_add_record(&source, 0, offset, 0, "a",
					   1 + (projections[i].first - 1 + (uint32_t)offset) % 2);
		assert_int_equal(fixture_run(&source, &config.config, path_of(name), &numbers, fixture_no_letter,
					     fixture_no_flush, NULL, NULL),
				 TARN_OK);
		struct found *found = found_all(path_of(name));
		assert_int_equal(found->n_objects, projections[i].n_objects);
		assert_int_equal(found->n_records, 10);
		assert_true(found_key(found, projections[i].last_key));
		for (size_t j = 0; j < found->n_objects; j++)
			if (strstr(found->keys[j], "+0000000000."))
				assert_int_equal(found->records_in[j], projections[i].in_first);
		free(found);
		fixture_free(&source.base);
		fixture_unconfigure(&config);
		unlink(path_of("offsets"));
	}
}

/* A store that holds objects of another log under the same names: they are not replaced. The same ones again are no
 * conflict. */
static void objects_of_another_log_are_not_replaced(void **state)
{
	(void)state;
	for (int other = 0; other < 2; other++) {
		enum tarn_rc rc = TARN_OK;
		struct tarn_err err = { 0 };
		for (int run = 0; run < 2; run++) {
			struct fixture_source source;
			struct fixture_config config;
			struct tarn_task_numbers numbers = { 0 };
			fixture_configure(&config, "{\"flush.size\":5}");
			fixture_init(&source, 1, path_of("offsets"));
			for (int offset = 0; offset < 5; offset++)
				fixture_add_record(&source, 0, offset, 0, run && other ? "b" : "a", 1);
			rc = fixture_run(&source, &config.config, path_of(other ? "taken" : "again"), &numbers,
					 fixture_no_letter, fixture_no_flush, NULL, &err);
			fixture_free(&source.base);
			fixture_unconfigure(&config);
			unlink(path_of("offsets")); /* nothing was committed, as far as the second one knows */
		}
		assert_int_equal(rc, other ? TARN_EEXISTS : TARN_OK);
		if (other)
			assert_non_null(strstr(err.message, "raw/t/partition=0/t+0+0000000000.avro"));
	}
}

/* Objects of more than a few hundred KiB go on to a folder while they grow: their bytes are the same, one of its name
 * is compared before, and offsets with gaps are told or begin another object. */
static enum tarn_rc run_large(const char *store, char letter, int gap_at, struct tarn_err *err)
{
	struct fixture_source source;
	struct fixture_config config;
	struct tarn_task_numbers numbers = { 0 };
	static char value[100000];
	fixture_configure(&config, "{\"flush.size\":20,\"value.converter\":\"ByteArrayConverter\"}");
	fixture_init(&source, 1, path_of("offsets"));
	for (int i = 0; i < 40; i++) {
		memset(value, letter + i % 20, sizeof(value));
		fixture_add(&source, 0, i + (gap_at >= 0 && i >= gap_at), 0, value, sizeof(value));
	}
	source.stop_when_read = true;
	enum tarn_rc rc = fixture_run(&source, &config.config, path_of(store), &numbers, fixture_no_letter,
				      fixture_no_flush, NULL, err);
	fixture_free(&source.base);
	fixture_unconfigure(&config);
	unlink(path_of("offsets"));
	return rc;
}

static size_t size_of_object(const char *store, const char *key, struct tarn_buf *bytes)
{
	struct tarn_store *opened;
	tarn_buf_clear(bytes);
	assert_int_equal(tarn_store_open(path_of(store), false, &opened, NULL), TARN_OK);
	enum tarn_rc rc = tarn_store_get(opened, key, bytes, NULL);
	tarn_store_close(opened);
	return rc ? 0 : bytes->len;
}

static void large_objects_grow_in_the_store(void **state)
{
	static const char first[] = "raw/t/partition=0/t+0+0000000000.avro";
	static const char second[] = "raw/t/partition=0/t+0+0000000020.avro";
	struct tarn_buf once, again;
	struct tarn_err err = { 0 };
	(void)state;
	tarn_buf_init(&once, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&again, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(run_large("large", 'a', -1, &err), TARN_OK);
	assert_true(size_of_object("large", first, &once) > 2000000);
	assert_true(size_of_object("large", second, &again) == once.len);
	assert_int_equal(run_large("large", 'a', -1, &err), TARN_OK); /* the same again is no conflict */
	assert_true(size_of_object("large", first, &again) == once.len && !memcmp(again.data, once.data, once.len));
	assert_int_equal(run_large("large", 'b', -1, &err), TARN_EEXISTS);
	assert_non_null(strstr(err.message, first));
	assert_true(size_of_object("large", first, &again) == once.len && !memcmp(again.data, once.data, once.len));
	/* A gap behind what is in the store already begins another object. */
	assert_int_equal(run_large("gap", 'a', 10, &err), TARN_OK);
	assert_true(size_of_object("gap", first, &again) > 1000000 && again.len < 1100000);
	assert_true(size_of_object("gap", "raw/t/partition=0/t+0+0000000011.avro", &again) > 2000000);
	tarn_buf_release(&once);
	tarn_buf_release(&again);
}

/* ---- bad records ---- */

struct letters {
	int64_t offsets[16];
	char stages[16][32];
	size_t n, flushed;
};

static enum tarn_rc take_letter(void *context, const struct tarn_dead_letter *letter, struct tarn_err *err)
{
	struct letters *letters = context;
	(void)err;
	letters->offsets[letters->n] = letter->message->offset;
	snprintf(letters->stages[letters->n++], 32, "%s", letter->stage);
	return TARN_OK;
}

static enum tarn_rc flush_letters(void *context, struct tarn_err *err)
{
	struct letters *letters = context;
	(void)err;
	letters->flushed = letters->n;
	return TARN_OK;
}

static void add_bad_ones(struct fixture_source *source)
{
	fixture_add_record(source, 0, 0, 0, "a", 1);
	fixture_add(source, 0, 1, 0, "\1garbage", 8);	    /* not Confluent's */
	fixture_add(source, 0, 2, 0, "\0\0\0\0\11abc", 8);  /* an id that nobody knows */
	fixture_add(source, 0, 3, 0, "\0\0\0\0\1\2abc", 9); /* bytes behind the record, or too few */
	fixture_add(source, 0, 4, 0, NULL, 0);		    /* a tombstone */
	fixture_add_record(source, 0, 5, 0, "x/../y", 1);   /* no name of a folder */
	fixture_add_record(source, 0, 6, 0, "a", 1);
}

#define BY_KIND "\"partitioner.class\":\"FieldPartitioner\",\"partition.field.name\":\"kind\",\"flush.size\":2"

static void bad_records_are_dead_letters(void **state)
{
	(void)state;
	struct fixture_source source;
	struct fixture_config config;
	struct tarn_task_numbers numbers = { 0 };
	struct letters letters = { .n = 0 };
	static const char *const stages[] = { "VALUE_CONVERTER", "VALUE_CONVERTER", "VALUE_CONVERTER", "TASK_PUT",
					      "TASK_PUT" };
	fixture_configure(&config, "{" BY_KIND ",\"errors.tolerance\":\"all\"}");
	fixture_init(&source, 1, path_of("offsets"));
	add_bad_ones(&source);
	assert_int_equal(fixture_run(&source, &config.config, path_of("bad"), &numbers, take_letter, flush_letters,
				     &letters, NULL),
			 TARN_OK);
	assert_int_equal(letters.n, 5);
	assert_int_equal(letters.flushed, 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(letters.offsets[i], i + 1);
		assert_string_equal(letters.stages[i], stages[i]);
	}
	struct found *found = found_all(path_of("bad"));
	assert_int_equal(found->n_objects, 1);
	assert_int_equal(found->n_records, 2);
	free(found);
	fixture_free(&source.base);
	fixture_unconfigure(&config);
	unlink(path_of("offsets"));
}

static void without_tolerance_the_task_fails_and_says_where(void **state)
{
	(void)state;
	struct fixture_source source;
	struct fixture_config config;
	struct tarn_task_numbers numbers = { 0 };
	struct tarn_err err;
	fixture_configure(&config, "{" BY_KIND "}");
	fixture_init(&source, 1, path_of("offsets"));
	add_bad_ones(&source);
	assert_int_equal(fixture_run(&source, &config.config, path_of("stops"), &numbers, fixture_no_letter,
				     fixture_no_flush, NULL, &err),
			 TARN_EINVALID);
	assert_non_null(strstr(err.message, "t, partition 0, offset 1"));
	fixture_free(&source.base);
	fixture_unconfigure(&config);
	unlink(path_of("offsets"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_those_of_connect),
		cmocka_unit_test(interleaved_schemas_share_two_objects),
		cmocka_unit_test(compatible_schemas_are_projected),
		cmocka_unit_test(objects_of_another_log_are_not_replaced),
		cmocka_unit_test(large_objects_grow_in_the_store),
		cmocka_unit_test(bad_records_are_dead_letters),
		cmocka_unit_test(without_tolerance_the_task_fails_and_says_where),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
