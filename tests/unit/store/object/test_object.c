#include "store/object/object.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"

struct fixture {
	char folder[64];
	struct tarn_store *store;
};

static int setup(void **state)
{
	struct fixture *f = tarn_calloc(1, sizeof(*f));
	strcpy(f->folder, "/tmp/tarn-object-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_int_equal(tarn_store_open(f->folder, false, &f->store, NULL), TARN_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	tarn_store_close(f->store);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *key, const char *text)
{
	assert_int_equal(tarn_store_put(f->store, key, tarn_slice_str(text), TARN_PUT_NEW, NULL), TARN_OK);
}

static void assert_object(struct fixture *f, const char *key, const char *text)
{
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, 1 << 20);
	assert_int_equal(tarn_store_get(f->store, key, &bytes, NULL), TARN_OK);
	assert_int_equal(bytes.len, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.len);
	tarn_buf_release(&bytes);
}

static bool join_names(void *context, const struct tarn_store_entry *entry)
{
	struct tarn_buf *names = context;
	tarn_buf_printf(names, "%s%s ", entry->name, entry->is_folder ? "/" : "");
	return true;
}

static void assert_listing(struct fixture *f, const char *prefix, const char *start_after, const char *expected)
{
	struct tarn_buf names;
	tarn_buf_init(&names, 1 << 20);
	assert_int_equal(tarn_store_list(f->store, prefix, start_after, join_names, &names, NULL), TARN_OK);
	tarn_buf_add_byte(&names, 0);
	assert_string_equal((const char *)names.data, expected);
	tarn_buf_release(&names);
}

static bool count_found(void *context, const struct tarn_store_found *found)
{
	int *counts = context;
	counts[found->is_temporary]++;
	return true;
}

/* Files below the root: what is there, and unfinished ones. */
static void assert_files(struct fixture *f, int finished, int temporary)
{
	int counts[2] = { 0, 0 };
	assert_int_equal(tarn_store_walk(f->store, "", count_found, counts, NULL), TARN_OK);
	assert_int_equal(counts[0], finished);
	assert_int_equal(counts[1], temporary);
}

static void an_object_is_whole(void **state)
{
	struct fixture *f = *state;
	struct tarn_err err;
	int64_t size;
	uint8_t piece[4];
	put(f, "a/b/c", "hello world");
	assert_object(f, "a/b/c", "hello world");
	assert_int_equal(tarn_store_size(f->store, "a/b/c", &size, NULL), TARN_OK);
	assert_int_equal(size, 11);
	assert_int_equal(tarn_store_get_range(f->store, "a/b/c", 6, 4, piece, NULL), TARN_OK);
	assert_memory_equal(piece, "worl", 4);
	assert_int_equal(tarn_store_get_range(f->store, "a/b/c", 8, 4, piece, &err), TARN_EINVALID);
	assert_int_equal(err.position, 11);
	assert_int_equal(tarn_store_get_range(f->store, "a/b/c", -1, 4, piece, NULL), TARN_EINVALID);
	assert_int_equal(tarn_store_size(f->store, "a/b", &size, NULL), TARN_EINVALID);
	assert_files(f, 1, 0);
}

static void a_missing_object_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct tarn_buf bytes;
	int64_t size;
	tarn_buf_init(&bytes, 10);
	assert_int_equal(tarn_store_get(f->store, "no/such", &bytes, NULL), TARN_ENOTFOUND);
	assert_int_equal(tarn_store_size(f->store, "no/such", &size, NULL), TARN_ENOTFOUND);
	assert_int_equal(tarn_store_delete(f->store, "no/such", NULL), TARN_OK);
	assert_listing(f, "no/such", NULL, "");
}

static void get_appends_and_keeps_its_limit(void **state)
{
	struct fixture *f = *state;
	struct tarn_buf bytes;
	put(f, "k", "12345");
	tarn_buf_init(&bytes, 8);
	assert_int_equal(tarn_store_get(f->store, "k", &bytes, NULL), TARN_OK);
	assert_int_equal(tarn_store_get(f->store, "k", &bytes, NULL), TARN_ELIMIT);
	assert_int_equal(bytes.len, 5);
	tarn_buf_release(&bytes);
}

static void a_pipe_is_no_object(void **state)
{
	struct fixture *f = *state;
	struct tarn_buf bytes;
	char path[128];
	snprintf(path, sizeof(path), "%s/pipe", f->folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	tarn_buf_init(&bytes, 8);
	assert_int_equal(tarn_store_get(f->store, "pipe", &bytes, NULL), TARN_EINVALID);
	assert_listing(f, "", NULL, "");
}

static void new_is_refused_where_the_key_is_taken(void **state)
{
	struct fixture *f = *state;
	put(f, "k", "first");
	assert_int_equal(tarn_store_put(f->store, "k", tarn_slice_str("second"), TARN_PUT_NEW, NULL), TARN_EEXISTS);
	assert_object(f, "k", "first");
	assert_int_equal(tarn_store_put(f->store, "k", tarn_slice_str("third"), TARN_PUT_REPLACE, NULL), TARN_OK);
	assert_object(f, "k", "third");
	assert_files(f, 1, 0);
}

static void a_link_is_the_same_object(void **state)
{
	struct fixture *f = *state;
	put(f, "m/from", "bytes");
	assert_int_equal(tarn_store_link(f->store, "m/from", "m/to", NULL), TARN_OK);
	assert_int_equal(tarn_store_link(f->store, "m/from", "m/to", NULL), TARN_EEXISTS);
	assert_int_equal(tarn_store_delete(f->store, "m/from", NULL), TARN_OK);
	assert_object(f, "m/to", "bytes");
	assert_int_equal(tarn_store_sync(f->store, NULL), TARN_OK);
}

static void a_rename_replaces(void **state)
{
	struct fixture *f = *state;
	put(f, "m/old", "old");
	put(f, "m/new", "new");
	assert_int_equal(tarn_store_sync(f->store, NULL), TARN_OK);
	assert_int_equal(tarn_store_rename(f->store, "m/new", "m/old", NULL), TARN_OK);
	assert_object(f, "m/old", "new");
	assert_files(f, 1, 0);
	assert_int_equal(tarn_store_rename(f->store, "m/new", "m/old", NULL), TARN_ENOTFOUND);
	assert_int_equal(tarn_store_sync(f->store, NULL), TARN_OK);
}

static void bad_keys_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = { "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a" };
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct tarn_store_writer *writer;
		struct tarn_slice bytes = tarn_slice_str("x");
		assert_int_equal(tarn_store_put(f->store, keys[i], bytes, TARN_PUT_NEW, NULL), TARN_EINVALID);
		assert_int_equal(tarn_store_writer_open(f->store, keys[i], TARN_PUT_REPLACE, &writer, NULL),
				 TARN_EINVALID);
		assert_int_equal(tarn_store_delete(f->store, keys[i], NULL), TARN_EINVALID);
		assert_int_equal(tarn_store_link(f->store, keys[i], "to", NULL), TARN_EINVALID);
		assert_int_equal(tarn_store_rename(f->store, "from", keys[i], NULL), TARN_EINVALID);
		if (*keys[i])
			assert_int_equal(tarn_store_list(f->store, keys[i], NULL, join_names, NULL, NULL),
					 TARN_EINVALID);
	}
	assert_files(f, 0, 0);
}

static void a_writer_shows_its_key_with_finish(void **state)
{
	struct fixture *f = *state;
	struct tarn_store_writer *writer;
	assert_int_equal(tarn_store_writer_open(f->store, "t/data", TARN_PUT_REPLACE, &writer, NULL), TARN_OK);
	assert_int_equal(tarn_store_writer_add(writer, tarn_slice_str("one "), NULL), TARN_OK);
	assert_int_equal(tarn_store_writer_add(writer, tarn_slice_str("two"), NULL), TARN_OK);
	assert_listing(f, "t", NULL, "");
	assert_files(f, 0, 1);
	assert_int_equal(tarn_store_writer_finish(writer, NULL), TARN_OK);
	tarn_store_writer_free(writer);
	assert_object(f, "t/data", "one two");
	assert_listing(f, "t", NULL, "data ");
	assert_files(f, 1, 0);
}

/* Pieces of all sizes around the writer's own memory arrive in order. */
static void pieces_of_any_size_make_one_object(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = { 0, 1, 65535, 1, 65536, 1, 65537, 200000, 3, 70000, 65534, 2, 1 };
	struct tarn_store_writer *writer;
	struct tarn_buf all, back;
	tarn_buf_init(&all, 1 << 20);
	tarn_buf_init(&back, 1 << 20);
	assert_int_equal(tarn_store_writer_open(f->store, "k", TARN_PUT_REPLACE, &writer, NULL), TARN_OK);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *piece = tarn_buf_room(&all, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at++)
			piece[at] = (uint8_t)((all.len + at) * 31 >> 4);
		assert_int_equal(tarn_store_writer_add(writer, tarn_slice_of(piece, sizes[i]), NULL), TARN_OK);
		all.len += sizes[i];
	}
	assert_int_equal(tarn_store_writer_finish(writer, NULL), TARN_OK);
	tarn_store_writer_free(writer);
	assert_int_equal(tarn_store_get(f->store, "k", &back, NULL), TARN_OK);
	assert_true(tarn_slice_eq(tarn_buf_slice(&all), tarn_buf_slice(&back)));
	tarn_buf_release(&all);
	tarn_buf_release(&back);
}

static void a_writer_freed_early_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct tarn_store_writer *writer;
	assert_int_equal(tarn_store_writer_open(f->store, "t/data", TARN_PUT_REPLACE, &writer, NULL), TARN_OK);
	assert_int_equal(tarn_store_writer_add(writer, tarn_slice_str("one"), NULL), TARN_OK);
	tarn_store_writer_free(writer);
	tarn_store_writer_free(NULL);
	assert_files(f, 0, 0);
}

/* Its key may show before the end, but what is there already never shows less than the whole. */
static void an_untold_key_is_written_in_place_unless_it_is_taken(void **state)
{
	struct fixture *f = *state;
	struct tarn_store_writer *writer;
	assert_int_equal(tarn_store_writer_open(f->store, "t/data", TARN_PUT_UNTOLD, &writer, NULL), TARN_OK);
	assert_files(f, 1, 0);
	tarn_store_writer_free(writer);
	assert_files(f, 0, 0);
	assert_int_equal(tarn_store_put(f->store, "t/data", tarn_slice_str("first"), TARN_PUT_UNTOLD, NULL), TARN_OK);
	assert_int_equal(tarn_store_writer_open(f->store, "t/data", TARN_PUT_UNTOLD, &writer, NULL), TARN_OK);
	assert_int_equal(tarn_store_writer_add(writer, tarn_slice_str("second"), NULL), TARN_OK);
	assert_object(f, "t/data", "first");
	assert_files(f, 1, 1);
	assert_int_equal(tarn_store_writer_finish(writer, NULL), TARN_OK);
	tarn_store_writer_free(writer);
	assert_object(f, "t/data", "second");
	assert_files(f, 1, 0);
	assert_int_equal(tarn_store_sync(f->store, NULL), TARN_OK);
}

static bool stop_at_once(void *context, const struct tarn_store_entry *entry)
{
	(void)entry;
	++*(int *)context;
	return false;
}

static void listings_are_sorted_and_start_where_asked(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = {
		"p/b", "p/a+10", "p/a+9", "p/\xc3\xa9", "p/A", "p/dir/x", "p/.hidden", "q/z"
	};
	int seen = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		put(f, keys[i], "");
	assert_listing(f, "", NULL, "p/ q/ ");
	assert_listing(f, "p", NULL, ".hidden A a+10 a+9 b dir/ \xc3\xa9 ");
	assert_listing(f, "p", "a+10", "a+9 b dir/ \xc3\xa9 ");
	assert_listing(f, "p", "a+1", "a+10 a+9 b dir/ \xc3\xa9 ");
	assert_listing(f, "p", "\xc3\xa9", "");
	assert_int_equal(tarn_store_list(f->store, "p", NULL, stop_at_once, &seen, NULL), TARN_OK);
	assert_int_equal(seen, 1);
}

static bool is_after_last(void *context, const struct tarn_store_entry *entry)
{
	char *last = context;
	assert_true(strcmp(last, entry->name) < 0);
	assert_int_equal(strlen(entry->name), 16);
	strcpy(last, entry->name);
	return true;
}

/* More than one buffer of names. */
static void a_large_folder_is_listed_whole(void **state)
{
	struct fixture *f = *state;
	char path[128], last[32] = "";
	snprintf(path, sizeof(path), "%s/many", f->folder);
	assert_int_equal(mkdir(path, 0777), 0);
	for (int i = 0; i < 9000; i++) {
		snprintf(path, sizeof(path), "%s/many/topic+0+%08d", f->folder, i * 7919 % 9000);
		assert_int_equal(symlink(f->folder, path), 0);
	}
	assert_int_equal(tarn_store_list(f->store, "many", NULL, is_after_last, last, NULL), TARN_OK);
	assert_string_equal(last, "topic+0+00008999");
	assert_listing(f, "many", "topic+0+00008998", "topic+0+00008999/ ");
}

static void tokens_follow_the_folder(void **state)
{
	struct fixture *f = *state;
	char before[TARN_STORE_TOKEN_SIZE], after[TARN_STORE_TOKEN_SIZE];
	put(f, "p/sub/a", "");
	assert_int_equal(tarn_store_folder_token(f->store, "p", before, NULL), TARN_OK);
	assert_string_equal(before, "");
	usleep(40000);
	assert_int_equal(tarn_store_folder_token(f->store, "p", before, NULL), TARN_OK);
	assert_string_not_equal(before, "");
	put(f, "p/sub/b", "");
	assert_int_equal(tarn_store_folder_token(f->store, "p", after, NULL), TARN_OK);
	assert_string_equal(before, after);
	put(f, "p/b", "");
	usleep(40000);
	assert_int_equal(tarn_store_folder_token(f->store, "p", after, NULL), TARN_OK);
	assert_string_not_equal(after, "");
	assert_string_not_equal(before, after);
	assert_int_equal(tarn_store_folder_token(f->store, "none", after, NULL), TARN_OK);
	assert_string_equal(after, "");
}

static void locations_become_keys(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *before, *after; /* the folder stands between */
		const char *key;
	} cases[] = {
		{ "file://", "/a/b", "a/b" },	   { "file:", "/a", "a" },  { "", "/a", "a" },
		{ "file://localhost", "/a", "a" }, { "file://", "", NULL }, { "file://", "/", NULL },
		{ "file://", "x/a", NULL },	   { "s3://", "/a", NULL }, { "/elsewhere", "/a", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *location = tarn_asprintf("%s%s%s", cases[i].before, f->folder, cases[i].after);
		const char *key = tarn_store_key(f->store, location);
		if (cases[i].key)
			assert_string_equal(key, cases[i].key);
		else
			assert_null(key);
		free(location);
	}
}

static void one_folder_has_one_url(void **state)
{
	struct fixture *f = *state;
	const char *name = strrchr(f->folder, '/') + 1;
	char *expected = tarn_asprintf("file://%s", f->folder);
	char *forms[] = {
		tarn_asprintf("file://%s", f->folder),
		tarn_asprintf("file:%s", f->folder),
		tarn_asprintf("%s/", f->folder),
		tarn_asprintf("%s/../%s/.", f->folder, name),
		tarn_strdup(name),
	};
	assert_int_equal(chdir("/tmp"), 0);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tarn_store *store;
		assert_int_equal(tarn_store_open(forms[i], false, &store, NULL), TARN_OK);
		assert_string_equal(tarn_store_url(store), expected);
		tarn_store_close(store);
		free(forms[i]);
	}
	free(expected);
}

static void stores_are_opened_as_asked(void **state)
{
	struct fixture *f = *state;
	struct tarn_store *store;
	char path[128];
	snprintf(path, sizeof(path), "%s/new/lake", f->folder);
	assert_int_equal(tarn_store_open(path, false, &store, NULL), TARN_ENOTFOUND);
	assert_int_equal(tarn_store_open(path, true, &store, NULL), TARN_OK);
	tarn_store_close(store);
	assert_int_equal(tarn_store_open(path, false, &store, NULL), TARN_OK);
	tarn_store_close(store);
	assert_int_equal(tarn_store_open("hdfs://host/lake", true, &store, NULL), TARN_EUNSUPPORTED);
	assert_int_equal(tarn_store_open("", true, &store, NULL), TARN_EINVALID);
	put(f, "file", "");
	snprintf(path, sizeof(path), "%s/file", f->folder);
	assert_int_equal(tarn_store_open(path, false, &store, NULL), TARN_EIO);
}

struct job {
	struct fixture *fixture;
	int number;
};

static void *put_many(void *context)
{
	struct job *job = context;
	for (int i = 0; i < 200; i++) {
		char key[64];
		snprintf(key, sizeof(key), "shared%d/%d-%d", i % 7, job->number, i);
		put(job->fixture, key, "text");
		if (i % 50 == 49)
			assert_int_equal(tarn_store_sync(job->fixture->store, NULL), TARN_OK);
	}
	return NULL;
}

static void threads_share_a_store(void **state)
{
	enum { THREADS = 4 };
	struct job jobs[THREADS];
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ *state, i };
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &jobs[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_files(*state, THREADS * 200, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_object_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_object_is_not_found, setup, teardown),
		cmocka_unit_test_setup_teardown(get_appends_and_keeps_its_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pipe_is_no_object, setup, teardown),
		cmocka_unit_test_setup_teardown(new_is_refused_where_the_key_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_is_the_same_object, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rename_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_keys_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_writer_shows_its_key_with_finish, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_of_any_size_make_one_object, setup, teardown),
		cmocka_unit_test_setup_teardown(a_writer_freed_early_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_untold_key_is_written_in_place_unless_it_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(listings_are_sorted_and_start_where_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_large_folder_is_listed_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(tokens_follow_the_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(locations_become_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(one_folder_has_one_url, setup, teardown),
		cmocka_unit_test_setup_teardown(stores_are_opened_as_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_share_a_store, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
