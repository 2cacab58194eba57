#include "stream/broker/sasl.h"

#include <unistd.h>

#include "base/file.h"
#include "session_driver.h"
#include "stream/broker/users.h"

static char file[64];

static int setup_users(void **state)
{
	setup(state);
	strcpy(file, "/tmp/tarn-sasl-XXXXXX");
	int fd = mkstemp(file);
	assert_true(fd >= 0 && write(fd, "alice:secret\n", 13) == 13);
	close(fd);
	assert_int_equal(tarn_users_open(file, NULL, &broker.users, NULL), TARN_OK);
	broker.authenticates = true;
	unlink(file);
	return 0;
}

static int teardown_users(void **state)
{
	tarn_users_free(broker.users);
	return teardown(state);
}

#define HEADER(key, version) "\0" key "\0" version "\0\0\0\5\0\1x"
#define ASK(session, text) (TAKE(session, text), next_answer(session, bytes, sizeof(bytes)))

static void plain_in_frames(void **state)
{
	(void)state;
	struct tarn_session session;
	uint8_t bytes[4096];
	start(&session);
	/* error 0, and the three mechanisms */
	assert_int_equal(ASK(&session, HEADER("\x11", "\1") "\0\5PLAIN"), 8 + 2 + 4 + 7 + 15 + 15);
	assert_memory_equal(bytes + 8, "\0\0\0\0\0\3\0\5PLAIN", 13);
	assert_int_equal(ASK(&session, HEADER("\x24", "\1") "\0\0\0\x0d\0alice\0secret"), 8 + 2 + 2 + 4 + 8);
	assert_memory_equal(bytes + 8, "\0\0\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_true(session.authenticated);
	assert_string_equal(session.principal, "User:alice");
	assert_true(ASK(&session, HEADER("\x11", "\1") "\0\5PLAIN") > 0);
	assert_memory_equal(bytes + 8, "\0\x22", 2); /* ILLEGAL_SASL_STATE: once is enough */
	assert_true(tarn_session_ready(&session));
	tarn_session_release(&session);
}

static void plain_without_frames(void **state)
{
	(void)state;
	struct tarn_session session;
	uint8_t bytes[4096];
	start(&session);
	assert_true(ASK(&session, HEADER("\x11", "\0") "\0\5PLAIN") > 0);
	assert_int_equal(ASK(&session, "\0alice\0secret"), 4); /* four zero bytes: an empty token */
	assert_true(session.authenticated);
	assert_true(ASK(&session, HEADER("\x12", "\0")) > 0); /* frames again */
	assert_memory_equal(bytes + 4, "\0\0\0\5\0\0", 6);
	tarn_session_release(&session);
}

static void wrong_passwords_end_the_connection(void **state)
{
	(void)state;
	struct tarn_session session;
	uint8_t bytes[4096];
	start(&session);
	assert_true(ASK(&session, HEADER("\x11", "\1") "\0\5PLAIN") > 0);
	assert_true(ASK(&session, HEADER("\x24", "\1") "\0\0\0\x0c\0alice\0wrong") > 0);
	assert_memory_equal(bytes + 8, "\0\x3a", 2); /* SASL_AUTHENTICATION_FAILED */
	assert_false(session.authenticated);
	assert_false(tarn_session_ready(&session)); /* hung up on */
	assert_non_null(strstr(said, "\"alice\" with PLAIN failed: wrong user or password"));
	tarn_session_release(&session);
	start(&session);
	assert_true(ASK(&session, HEADER("\x11", "\0") "\0\5PLAIN") > 0);
	assert_int_equal(ASK(&session, "\0alice\0wrong"), 0);
	assert_true(session.hang_up);
	tarn_session_release(&session);
}

static void tokens_of_plain(void **state)
{
	(void)state;
	static const struct {
		const char *token;
		size_t len;
		bool right;
	} cases[] = {
		{ "alice\0alice\0secret", 18, true },
		{ "root\0alice\0secret", 17, false },
		{ "\0alice\0secret\0", 14, false },
		{ "\0alice", 6, false },
		{ "", 0, false },
		{ "\0\0secret", 8, false },
		{ "\0alice\0secre", 12, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_session session;
		uint8_t bytes[4096];
		start(&session);
		assert_true(ASK(&session, HEADER("\x11", "\0") "\0\5PLAIN") > 0);
		take(&session, cases[i].token, cases[i].len);
		(void)next_answer(&session, bytes, sizeof(bytes));
		assert_int_equal(session.authenticated, cases[i].right);
		tarn_session_release(&session);
	}
}

static void nothing_else_before_authentication(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		size_t len;
	} cases[] = {
		{ HEADER("\3", "\0") "\0\0\0\0", 15 }, /* Metadata */
		{ HEADER("\x33", "\0") "\1\1\0", 14 }, /* AlterUserScramCredentials */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_session session;
		start(&session);
		take(&session, cases[i].request, cases[i].len);
		assert_null(tarn_session_next_answer(&session));
		assert_true(session.hang_up);
		tarn_session_release(&session);
	}
	struct tarn_session session;
	uint8_t bytes[4096];
	start(&session);
	assert_true(ASK(&session, HEADER("\x24", "\0") "\0\0\0\x0d\0alice\0secret") > 0);
	assert_memory_equal(bytes + 8, "\0\x22", 2); /* ILLEGAL_SASL_STATE: no handshake before */
	assert_false(session.authenticated);
	tarn_session_release(&session);
	start(&session);
	assert_true(ASK(&session, HEADER("\x11", "\1") "\0\6GSSAPI") > 0);
	assert_memory_equal(bytes + 8, "\0\x21", 2); /* UNSUPPORTED_SASL_MECHANISM */
	assert_true(tarn_session_max_frame(&session) < 1 << 20);
	tarn_session_release(&session);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_users, teardown_users)
	const struct CMUnitTest tests[] = {
		CASE(plain_in_frames),
		CASE(plain_without_frames),
		CASE(wrong_passwords_end_the_connection),
		CASE(tokens_of_plain),
		CASE(nothing_else_before_authentication),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
