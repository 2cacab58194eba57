#include "stream/producer/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"

static const char schema[] = "\"string\"";

struct fixture {
	char folder[64];
	struct tarn_spool *spool;
};

static int setup(void **state)
{
	struct fixture *f = tarn_calloc(1, sizeof(*f));
	strcpy(f->folder, "/tmp/tarn-spool-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_int_equal(tarn_spool_open(f->folder, &f->spool, NULL), TARN_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	tarn_spool_close(f->spool);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void add(struct tarn_spool *spool, const char *topic, const char *text, const char *const *texts, size_t n,
		const char *reason)
{
	struct tarn_slice data[8];
	for (size_t i = 0; i < n; i++)
		data[i] = tarn_slice_str(texts[i]);
	const struct tarn_outgoing records = { topic, tarn_slice_str(text), data, n };
	assert_int_equal(tarn_spool_add(spool, &records, reason, NULL, NULL), TARN_OK);
}

/* "topic: a b", batch by batch, with the numbers of the first records. */
static void assert_holds(struct fixture *f, bool refused, const char *expected)
{
	struct tarn_buf seen;
	struct tarn_spooled *batches;
	size_t n;
	tarn_buf_init(&seen, 1 << 20);
	assert_int_equal(tarn_spool_list(f->spool, refused, &batches, &n, NULL), TARN_OK);
	for (size_t i = 0; i < n; i++) {
		struct tarn_spooled_batch batch = { 0 };
		struct tarn_err err;
		if (tarn_spool_read(&batches[i], &batch, &err))
			fail_msg("%s", err.message);
		tarn_buf_printf(&seen, "%lld %s:", (long long)batches[i].first, batch.records.topic);
		for (size_t j = 0; j < batch.records.n; j++)
			tarn_buf_printf(&seen, " %.*s", (int)batch.records.data[j].len,
					(const char *)batch.records.data[j].data);
		tarn_buf_printf(&seen, "%s%s\n", batch.reason ? " because " : "", batch.reason ? batch.reason : "");
		tarn_spooled_batch_release(&batch);
	}
	tarn_buf_add_byte(&seen, '\0');
	assert_string_equal((const char *)seen.data, expected);
	tarn_spool_free_list(batches, n);
	tarn_buf_release(&seen);
}

static const char *const abc[] = { "a", "b", "c" }, *const d[] = { "d" };

static void keeps_batches_in_order(void **state)
{
	struct fixture *f = *state;
	char name[64];
	add(f->spool, "t", schema, abc, 3, NULL);
	add(f->spool, "u", "", d, 1, NULL);
	assert_holds(f, false, "0 t: a b c\n3 u: d\n");
	snprintf(name, sizeof(name), "%s", tarn_spool_name(f->spool));
	tarn_spool_close(f->spool);
	assert_int_equal(tarn_spool_open(f->folder, &f->spool, NULL), TARN_OK);
	assert_string_equal(tarn_spool_name(f->spool), name);
	add(f->spool, "t", schema, d, 1, NULL);
	assert_holds(f, false, "0 t: a b c\n3 u: d\n4 t: d\n");
}

static void numbers_are_not_given_out_again(void **state)
{
	struct fixture *f = *state;
	struct tarn_spooled *batches;
	size_t n;
	add(f->spool, "t", schema, abc, 3, NULL);
	assert_int_equal(tarn_spool_list(f->spool, false, &batches, &n, NULL), TARN_OK);
	assert_int_equal(tarn_spool_remove(f->spool, &batches[0], NULL), TARN_OK);
	tarn_spool_free_list(batches, n);
	add(f->spool, "t", schema, d, 1, NULL);
	assert_holds(f, false, "3 t: d\n");
}

static void refuses_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct tarn_spooled *batches;
	size_t n;
	add(f->spool, "t", schema, abc, 3, NULL);
	add(f->spool, "t", schema, d, 1, NULL);
	assert_int_equal(tarn_spool_list(f->spool, false, &batches, &n, NULL), TARN_OK);
	assert_int_equal(tarn_spool_refuse(f->spool, &batches[0], "too large", NULL), TARN_OK);
	tarn_spool_free_list(batches, n);
	assert_holds(f, false, "0 t: a\n1 t: b\n2 t: c\n3 t: d\n");
	assert_holds(f, true, "");
	assert_int_equal(tarn_spool_list(f->spool, false, &batches, &n, NULL), TARN_OK);
	assert_int_equal(tarn_spool_refuse(f->spool, &batches[1], "too large", NULL), TARN_OK);
	tarn_spool_free_list(batches, n);
	assert_holds(f, false, "0 t: a\n2 t: c\n3 t: d\n");
	assert_holds(f, true, "1 t: b because too large\n");
}

/* A process died between the parts and the removal of the whole: the parts do not count. */
static void a_whole_hides_its_parts(void **state)
{
	struct fixture *f = *state;
	char from[128], to[128];
	add(f->spool, "t", schema, abc, 3, NULL);
	add(f->spool, "t", schema, d, 1, NULL);
	snprintf(from, sizeof(from), "%s/%020d+1.avro", f->folder, 3);
	for (int i = 0; i < 3; i += 2) {
		snprintf(to, sizeof(to), "%s/%020d+1.avro", f->folder, i);
		assert_int_equal(link(from, to), 0);
	}
	assert_holds(f, false, "0 t: a b c\n3 t: d\n");
}

enum { PROCESSES = 4, EACH = 25 };

static void processes_add_at_once(void **state)
{
	struct fixture *f = *state;
	struct tarn_spooled *batches;
	size_t n;
	for (int i = 0; i < PROCESSES; i++) {
		if (fork())
			continue;
		struct tarn_spool *spool;
		if (tarn_spool_open(f->folder, &spool, NULL))
			_exit(1);
		for (int j = 0; j < EACH; j++)
			add(spool, "t", schema, abc, 2, NULL);
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(tarn_spool_list(f->spool, false, &batches, &n, NULL), TARN_OK);
	assert_int_equal(n, PROCESSES * EACH);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(batches[i].first, 2 * i);
	tarn_spool_free_list(batches, n);
}

static void damage_is_told(void **state)
{
	struct fixture *f = *state;
	struct tarn_spooled *batches;
	struct tarn_spooled_batch batch = { 0 };
	struct tarn_err err;
	size_t n;
	add(f->spool, "t", schema, abc, 3, NULL);
	assert_int_equal(tarn_spool_list(f->spool, false, &batches, &n, NULL), TARN_OK);
	assert_int_equal(truncate(batches[0].path, batches[0].bytes - 20), 0);
	assert_int_equal(tarn_spool_read(&batches[0], &batch, &err), TARN_EINVALID);
	assert_non_null(strstr(err.message, batches[0].path));
	tarn_spooled_batch_release(&batch);
	tarn_spool_free_list(batches, n);
}

static void a_header_fits_in_front_of_each_datum(void **state)
{
	struct fixture *f = *state;
	struct tarn_spooled *batches;
	struct tarn_spooled_batch batch = { 0 };
	size_t n;
	add(f->spool, "t", schema, abc, 3, NULL);
	add(f->spool, "u", "", d, 1, NULL);
	assert_int_equal(tarn_spool_list(f->spool, false, &batches, &n, NULL), TARN_OK);
	for (int round = 0; round < 2; round++) { /* the second into the same memory */
		assert_int_equal(tarn_spool_read(&batches[1], &batch, NULL), TARN_OK);
		assert_int_equal(tarn_spool_read(&batches[0], &batch, NULL), TARN_OK);
		assert_int_equal(batch.records.n, 3);
		for (size_t i = 0; i < 3; i++)
			memset((uint8_t *)(uintptr_t)batch.records.data[i].data - 16, '-', 16);
		for (size_t i = 0; i < 3; i++)
			assert_true(tarn_slice_eq(batch.records.data[i], tarn_slice_str(abc[i])));
		assert_true(tarn_slice_eq(batch.records.schema, tarn_slice_str(schema)));
		assert_string_equal(batch.records.topic, "t");
	}
	tarn_spooled_batch_release(&batch);
	tarn_spool_free_list(batches, n);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_batches_in_order),
		TEST(numbers_are_not_given_out_again),
		TEST(refuses_one_by_one),
		TEST(a_whole_hides_its_parts),
		TEST(processes_add_at_once),
		TEST(damage_is_told),
		TEST(a_header_fits_in_front_of_each_datum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
