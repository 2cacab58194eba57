#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_tarn.h"

struct place {
	char folder[64], path[128];
};

static int make_place(void **state)
{
	static struct place place;
	snprintf(place.folder, sizeof(place.folder), "/tmp/tarn-test-file-XXXXXX");
	if (!mkdtemp(place.folder))
		return -1;
	snprintf(place.path, sizeof(place.path), "%s/file", place.folder);
	*state = &place;
	return 0;
}

static int drop_place(void **state)
{
	struct place *place = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
	return system(command);
}

static size_t entries(const char *folder)
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void put(const char *path, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	struct tarn_err err;
	assert_int_equal(tarn_file_replace(path, tarn_slice_of(bytes, size), &err), TARN_OK);
	free(bytes);
}

static void what_was_written_reads_back(void **state)
{
	struct place *place = *state;
	static const size_t sizes[] = { 0, 1, 63, 64, 65535, 65536, 65537, 300000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		put(place->path, sizes[i]);
		struct tarn_buf buf;
		struct tarn_err err;
		tarn_buf_init(&buf, TARN_BUF_DEFAULT_MAX);
		tarn_buf_add_str(&buf, "before");
		assert_int_equal(tarn_file_read(place->path, &buf, &err), TARN_OK);
		assert_int_equal(buf.len, 6 + sizes[i]);
		assert_memory_equal(buf.data, "before", 6);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(buf.data[6 + at], (uint8_t)(at * 31 + at / 251));
		tarn_buf_release(&buf);
		assert_int_equal(entries(place->folder), 1);
	}
}

static void parts_are_written_in_order(void **state)
{
	struct place *place = *state;
	static const size_t counts[] = { 0, 1, 256, 257, 1000 };
	char text[1000][8];
	struct tarn_slice parts[1000];
	struct tarn_buf expected, read;
	struct tarn_err err;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		tarn_buf_init(&expected, TARN_BUF_DEFAULT_MAX);
		tarn_buf_init(&read, TARN_BUF_DEFAULT_MAX);
		for (size_t k = 0; k < counts[i]; k++) {
			snprintf(text[k], sizeof(text[k]), "%zu", k);
			parts[k] = tarn_slice_str(k % 3 ? text[k] : "");
			tarn_buf_add_slice(&expected, parts[k]);
		}
		assert_int_equal(tarn_file_replace_parts(place->path, parts, counts[i], &err), TARN_OK);
		assert_int_equal(tarn_file_read(place->path, &read, &err), TARN_OK);
		assert_int_equal(read.len, expected.len);
		assert_memory_equal(read.len ? read.data : (uint8_t *)"", expected.len ? expected.data : (uint8_t *)"",
				    read.len);
		tarn_buf_release(&expected);
		tarn_buf_release(&read);
	}
}

static void a_file_as_large_as_the_limit_fits(void **state)
{
	struct place *place = *state;
	static const size_t sizes[] = { 1, 10, 1000, 65536, 70000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		put(place->path, sizes[i]);
		struct tarn_buf buf;
		struct tarn_err err;
		tarn_buf_init(&buf, sizes[i]);
		assert_int_equal(tarn_file_read(place->path, &buf, &err), TARN_OK);
		assert_int_equal(buf.len, sizes[i]);
		tarn_buf_release(&buf);
		tarn_buf_init(&buf, sizes[i] - 1);
		assert_int_equal(tarn_file_read(place->path, &buf, &err), TARN_ELIMIT);
		assert_int_equal(buf.cap, 0);
		tarn_buf_release(&buf);
	}
}

/* Files of /proc say that they are empty. */
static void a_file_without_a_size_is_read(void **state)
{
	(void)state;
	struct tarn_buf buf;
	struct tarn_err err;
	tarn_buf_init(&buf, 4096);
	assert_int_equal(tarn_file_read("/proc/self/cmdline", &buf, &err), TARN_OK);
	assert_true(buf.len > 0);
	tarn_buf_release(&buf);
	tarn_buf_init(&buf, 3);
	assert_int_equal(tarn_file_read("/proc/self/cmdline", &buf, &err), TARN_ELIMIT);
	tarn_buf_release(&buf);
}

static void errors_name_the_path(void **state)
{
	struct place *place = *state;
	struct tarn_buf buf;
	struct tarn_err err;
	tarn_buf_init(&buf, 100);
	assert_int_equal(tarn_file_read(place->path, &buf, &err), TARN_ENOTFOUND);
	assert_non_null(strstr(err.message, place->path));
	assert_int_equal(tarn_file_read(place->folder, &buf, &err), TARN_EIO);
	assert_int_equal(err.sys_errno, EISDIR);
	assert_int_equal(tarn_fsync_path(place->path, &err), TARN_ENOTFOUND);
	tarn_buf_release(&buf);
	put(place->path, 1);
	char below[160];
	snprintf(below, sizeof(below), "%s/below", place->path);
	assert_int_equal(tarn_file_replace(below, tarn_slice_str("x"), &err), TARN_EIO);
	assert_int_equal(err.sys_errno, ENOTDIR);
}

static void a_failed_replace_leaves_the_old_alone(void **state)
{
	struct place *place = *state;
	struct tarn_err err;
	char inner[160];
	assert_int_equal(mkdir(place->path, 0777), 0);
	snprintf(inner, sizeof(inner), "%s/inner", place->path);
	put(inner, 5);
	assert_int_equal(tarn_file_replace(place->path, tarn_slice_str("x"), &err), TARN_EIO);
	assert_true(tarn_file_exists(inner));
	assert_int_equal(entries(place->folder), 1);
}

static void folders_are_made_with_their_parents(void **state)
{
	struct place *place = *state;
	struct tarn_err err;
	char deep[200];
	snprintf(deep, sizeof(deep), "%s/a/b//c/", place->folder);
	assert_int_equal(tarn_make_folders(deep, &err), TARN_OK);
	assert_int_equal(tarn_make_folders(deep, &err), TARN_OK);
	assert_true(tarn_file_exists(deep));
	assert_int_equal(tarn_make_folders("/", &err), TARN_OK);
	put(place->path, 1);
	assert_int_equal(tarn_make_folders(place->path, &err), TARN_EEXISTS);
	snprintf(deep, sizeof(deep), "%s/x/y", place->path);
	assert_int_equal(tarn_make_folders(deep, &err), TARN_EIO);
	assert_int_equal(err.sys_errno, ENOTDIR);
	assert_int_equal(tarn_make_folders("", &err), TARN_EINVALID);
}

static void a_full_device_is_an_error(void **state)
{
	(void)state;
	struct tarn_err err;
	FILE *full = fopen("/dev/full", "w");
	if (!full)
		skip();
	assert_int_equal(tarn_fd_write(fileno(full), tarn_slice_str("x"), "full", &err), TARN_EIO);
	assert_int_equal(err.sys_errno, ENOSPC);
	assert_int_equal(tarn_fd_write(fileno(full), tarn_slice_str(""), "full", &err), TARN_OK);
	fclose(full);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(what_was_written_reads_back),
		IN_PLACE(parts_are_written_in_order),
		IN_PLACE(a_file_as_large_as_the_limit_fits),
		cmocka_unit_test(a_file_without_a_size_is_read),
		IN_PLACE(errors_name_the_path),
		IN_PLACE(a_failed_replace_leaves_the_old_alone),
		IN_PLACE(folders_are_made_with_their_parents),
		cmocka_unit_test(a_full_device_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
