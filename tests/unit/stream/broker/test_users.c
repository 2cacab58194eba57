#include "stream/broker/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cmocka_tarn.h"

static char folder[64], file[96];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/tarn-users-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/users", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char kept[96];
	snprintf(kept, sizeof(kept), "%s/users.scram", folder);
	unlink(kept);
	unlink(file);
	rmdir(folder);
	return 0;
}

static void write_file(const char *text)
{
	assert_int_equal(tarn_file_replace(file, tarn_slice_str(text), NULL), TARN_OK);
}

static struct tarn_users *open_users(bool with_file)
{
	struct tarn_users *users = NULL;
	struct tarn_err err;
	if (tarn_users_open(with_file ? file : NULL, folder, &users, &err))
		fail_msg("%s", err.message);
	return users;
}

static void passwords_are_those_of_the_file(void **state)
{
	(void)state;
	write_file("# who may come in\n\nalice:se:cret\r\n  bob:\xc3\xa9t\xc3\xa9\nzoe:last line");
	struct tarn_users *users = open_users(true);
	static const struct {
		const char *name, *password;
		bool right;
	} cases[] = {
		{ "alice", "se:cret", true },
		{ "bob", "\xc3\xa9t\xc3\xa9", true },
		{ "zoe", "last line", true },
		{ "alice", "se", false },
		{ "alice", "", false },
		{ "carol", "", false },
		{ "# who may come in", "", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(tarn_users_check(users, cases[i].name, cases[i].password), cases[i].right);
	tarn_users_free(users);
}

static void broken_files_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "alice:a\nno colon\n", ":2: a line is" },
		{ ":x\n", ":1: a line is" },
		{ "a:\n", ":1: a line is" },
		{ "a:1\nb:2\na:3\n", "twice" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_users *users;
		struct tarn_err err;
		write_file(cases[i].text);
		assert_int_equal(tarn_users_open(file, NULL, &users, &err), TARN_EINVALID);
		assert_non_null(strstr(err.message, cases[i].message));
	}
}

static struct tarn_scram_credential credential_of(const char *password)
{
	struct tarn_scram_credential credential = { .iterations = 4096, .salt_len = 4, .salt = "salt" };
	tarn_scram_from_password(TARN_SCRAM_SHA_256, password, &credential);
	return credential;
}

static void credentials_are_kept(void **state)
{
	(void)state;
	struct tarn_scram_credential made = credential_of("x"), found;
	struct tarn_users *users = open_users(false);
	struct tarn_users_change changes[] = {
		{ "with space, and \"", TARN_SCRAM_SHA_256, &made },
		{ "short-lived", TARN_SCRAM_SHA_512, &made },
	};
	assert_int_equal(tarn_users_change(users, changes, 2, NULL), TARN_OK);
	changes[1].credential = NULL;
	assert_int_equal(tarn_users_change(users, changes + 1, 1, NULL), TARN_OK);
	tarn_users_free(users);
	users = open_users(false);
	assert_true(tarn_users_credential(users, "with space, and \"", TARN_SCRAM_SHA_256, &found));
	assert_int_equal(found.iterations, 4096);
	assert_memory_equal(found.stored_key, made.stored_key, 32);
	assert_memory_equal(found.server_key, made.server_key, 32);
	assert_false(tarn_users_credential(users, "with space, and \"", TARN_SCRAM_SHA_512, &found));
	assert_false(tarn_users_credential(users, "short-lived", TARN_SCRAM_SHA_512, &found));
	assert_false(tarn_users_check(users, "with space, and \"", "x")); /* PLAIN is for the operator's users */
	tarn_users_free(users);
}

static void what_cannot_be_kept_does_not_count(void **state)
{
	(void)state;
	struct tarn_scram_credential made = credential_of("x"), found;
	struct tarn_users *users = NULL;
	struct tarn_users_change change = { "alice", TARN_SCRAM_SHA_256, &made };
	assert_int_equal(tarn_users_open(NULL, "/nowhere/at/all", &users, NULL), TARN_OK);
	assert_int_not_equal(tarn_users_change(users, &change, 1, NULL), TARN_OK);
	assert_false(tarn_users_credential(users, "alice", TARN_SCRAM_SHA_256, &found));
	tarn_users_free(users);
	write_file("alice:secret\n");
	users = open_users(true);
	assert_int_equal(tarn_users_change(users, &change, 1, NULL), TARN_EINVALID); /* the operator's */
	tarn_users_free(users);
}

static void unknown_users_look_like_others(void **state)
{
	(void)state;
	struct tarn_scram_credential first, second, other;
	struct tarn_users *users = open_users(false);
	assert_false(tarn_users_credential(users, "nobody", TARN_SCRAM_SHA_256, &first));
	assert_false(tarn_users_credential(users, "nobody", TARN_SCRAM_SHA_256, &second));
	assert_false(tarn_users_credential(users, "no one", TARN_SCRAM_SHA_256, &other));
	assert_memory_equal(first.salt, second.salt, 18);
	assert_memory_not_equal(first.salt, other.salt, 18);
	assert_int_equal(first.iterations, TARN_SCRAM_MIN_ITERATIONS);
	tarn_users_free(users);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(passwords_are_those_of_the_file),
		CASE(broken_files_are_refused),
		CASE(credentials_are_kept),
		CASE(what_cannot_be_kept_does_not_count),
		CASE(unknown_users_look_like_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
