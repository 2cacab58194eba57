#include "generate/vqe/raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cmocka_tarn.h"
#include "serialize/avro/container.h"

#define TOPIC_FOLDER "experiments/experiment.vqe/partition=0"

static void remove_tree(const char *folder)
{
	char *command = tarn_asprintf("rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
	free(command);
}

static void expect_written(const char *root, const char *text, const char *name)
{
	struct tarn_err err;
	struct tarn_buf bytes;
	char *path, *expected = tarn_asprintf("%s/" TOPIC_FOLDER "/%s", root, name);
	if (tarn_raw_write(root, "experiment.vqe", "avro", tarn_slice_str(text), &path, &err))
		fail_msg("%s", err.message);
	assert_string_equal(path, expected);
	tarn_buf_init(&bytes, 1000);
	assert_int_equal(tarn_file_read(path, &bytes, NULL), TARN_OK);
	assert_true(tarn_slice_eq(tarn_buf_slice(&bytes), tarn_slice_str(text)));
	tarn_buf_release(&bytes);
	free(expected);
	free(path);
}

static void put(const char *root, const char *name, struct tarn_slice bytes)
{
	char *path = tarn_asprintf("%s/" TOPIC_FOLDER "/%s", root, name);
	assert_int_equal(tarn_file_replace(path, bytes, NULL), TARN_OK);
	free(path);
}

/* A container of three data: the next offset is three behind its own. */
static void put_three(const char *root, const char *name)
{
	static const uint8_t sync[16] = { 1 };
	struct tarn_buf file;
	tarn_buf_init(&file, 10000);
	struct tarn_avro_writer *writer =
		tarn_avro_writer_new(&file, tarn_slice_str("\"int\""), TARN_CODEC_NONE, NULL, 0, sync, 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tarn_avro_writer_add(writer, tarn_slice_of("\2", 1), NULL), TARN_OK);
	assert_int_equal(tarn_avro_writer_finish(writer, NULL), TARN_OK);
	put(root, name, tarn_buf_slice(&file));
	tarn_avro_writer_free(writer);
	tarn_buf_release(&file);
}

static void test_offsets(void **unused)
{
	char root[] = "/tmp/tarn_raw_XXXXXX";
	(void)unused;
	assert_non_null(mkdtemp(root));
	expect_written(root, "a", "experiment.vqe+0+0000000000.avro");
	expect_written(root, "b", "experiment.vqe+0+0000000001.avro");
	put(root, "experiment.vqe+0+0000000041.json", tarn_slice_str("{}"));
	put(root, ".experiment.vqe+0+0000000099.avro.tmp", tarn_slice_str("x"));
	put(root, "experiment.vqe+1+0000000099.avro", tarn_slice_str("x"));
	expect_written(root, "c", "experiment.vqe+0+0000000042.avro");
	put_three(root, "experiment.vqe+0+0000000050.avro");
	expect_written(root, "d", "experiment.vqe+0+0000000053.avro");
	remove_tree(root);
}

static void test_place_is_kept(void **unused)
{
	char root[] = "/tmp/tarn_raw_XXXXXX", *first, *second;
	(void)unused;
	assert_non_null(mkdtemp(root));
	expect_written(root, "a", "experiment.vqe+0+0000000000.avro");
	char *staged = tarn_asprintf("%s/staged", root);
	assert_int_equal(tarn_file_replace(staged, tarn_slice_str("s"), NULL), TARN_OK);
	assert_int_equal(tarn_raw_place(root, "experiment.vqe", "avro", staged, &first, NULL), TARN_OK);
	expect_written(root, "b", "experiment.vqe+0+0000000002.avro");
	assert_int_equal(tarn_raw_place(root, "experiment.vqe", "avro", staged, &second, NULL), TARN_OK);
	assert_string_equal(first, second);
	free(first);
	free(second);
	free(staged);
	remove_tree(root);
}

static void test_errors(void **unused)
{
	struct tarn_err err;
	char *path;
	(void)unused;
	assert_int_equal(tarn_raw_write("/proc/none", "t", "avro", tarn_slice_str("a"), &path, &err), TARN_ENOTFOUND);
	assert_int_equal(tarn_raw_place("/tmp", "t", "avro", "/tmp/tarn_no_such_file", &path, &err), TARN_ENOTFOUND);
}

static void test_topic(void **unused)
{
	static const int64_t offsets[] = { 0, 2, 3 };
	struct tarn_record record = {
		.molecule = { .symbols = { 2, offsets, (const uint8_t *)"HeH" } },
		.basis_set = tarn_slice_str("6-31g*"),
		.setup = { .backend = tarn_slice_str("aer_simulator") },
		.iterations = { .n = 495 },
		.molecule_id = 3,
	};
	(void)unused;
	char *v1 = tarn_raw_topic(&record, TARN_RECORD_V1), *v2 = tarn_raw_topic(&record, TARN_RECORD_V2);
	assert_string_equal(v1, "vqe_decorated_result_mol3_HeH_it495_bs_6-31g__bk_aer_simulator");
	assert_string_equal(v2, "experiment.vqe");
	free(v1);
	free(v2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_place_is_kept),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_topic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
