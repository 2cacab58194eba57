#include "stream/broker/connections.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"

static struct tarn_broker broker;

static struct tarn_connections *serve(const struct tarn_connections_options *options)
{
	struct tarn_connections *connections = NULL;
	struct tarn_err err;
	tarn_broker_init(&broker, NULL);
	broker.port = 0;
	if (tarn_connections_start(&broker, options, &connections, &err))
		fail_msg("%s", err.message);
	assert_int_equal(broker.port, tarn_connections_port(connections));
	return connections;
}

static void stop(struct tarn_connections *connections)
{
	tarn_connections_stop(connections);
	tarn_broker_release(&broker);
}

static int join(const struct tarn_connections *connections)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)tarn_connections_port(connections)) };
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	struct timeval patience = { 20, 0 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static const char versions[] = "\0\0\0\x0b\0\x12\0\0\0\0\0\5\0\1x";
#define VERSIONS_LEN (sizeof(versions) - 1)

/* Reads one answer to `versions`; false where the connection has ended. */
static bool read_answer(int fd)
{
	uint8_t bytes[4096];
	if (recv(fd, bytes, 4, MSG_WAITALL) != 4)
		return false;
	size_t len = (size_t)bytes[2] << 8 | bytes[3];
	assert_true(len < sizeof(bytes));
	assert_int_equal(recv(fd, bytes, len, MSG_WAITALL), len);
	assert_memory_equal(bytes, "\0\0\0\5\0\0", 6);
	return true;
}

static void requests_come_in_any_pieces(void **state)
{
	(void)state;
	struct tarn_connections *connections = serve(&(struct tarn_connections_options){ .listen = "127.0.0.1:0" });
	for (size_t cut = 1; cut < VERSIONS_LEN; cut++) {
		int fd = join(connections);
		assert_int_equal(send(fd, versions, cut, 0), cut);
		usleep(1000);
		assert_int_equal(send(fd, versions + cut, VERSIONS_LEN - cut, 0), VERSIONS_LEN - cut);
		assert_true(read_answer(fd));
		close(fd);
	}
	stop(connections);
}

static void requests_may_be_sent_without_waiting(void **state)
{
	(void)state;
	enum { N = 2000 };
	static char many[N * VERSIONS_LEN];
	for (size_t i = 0; i < N; i++)
		memcpy(many + i * VERSIONS_LEN, versions, VERSIONS_LEN);
	struct tarn_connections *connections = serve(&(struct tarn_connections_options){ .listen = "127.0.0.1:0" });
	int fd = join(connections);
	assert_int_equal(send(fd, many, sizeof(many), 0), sizeof(many));
	shutdown(fd, SHUT_WR); /* what was sent before is answered all the same */
	for (size_t i = 0; i < N; i++)
		assert_true(read_answer(fd));
	assert_false(read_answer(fd));
	close(fd);
	stop(connections);
}

/* Of an hour, for a topic "t" that is empty. */
static const char waiting_fetch[] = "\0\0\0\x37\0\1\0\4\0\0\0\7\0\1x\xff\xff\xff\xff\0\x36\xee\x80\0\0\0\1\0\x10\0\0\0"
				    "\0\0\0\1\0\1t\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0";
#define WAITING_FETCH_LEN (sizeof(waiting_fetch) - 1)

static void read_fetched(int fd)
{
	uint8_t len[4], bytes[200];
	assert_int_equal(recv(fd, len, sizeof(len), MSG_WAITALL), sizeof(len));
	assert_true(len[3] < sizeof(bytes));
	assert_int_equal(recv(fd, bytes, len[3], MSG_WAITALL), len[3]);
	assert_memory_equal(bytes, "\0\0\0\7", 4);
}

static void a_request_behind_a_waiting_fetch_does_not_wait(void **state)
{
	(void)state;
	char folder[] = "/tmp/tarn-connections-XXXXXX";
	struct tarn_log *log;
	struct tarn_topic *topic;
	struct tarn_err err;
	assert_non_null(mkdtemp(folder));
	if (tarn_log_open(folder, NULL, &log, &err) || tarn_log_create_topic(log, "t", 1, NULL, 0, &topic, &err))
		fail_msg("%s", err.message);
	struct tarn_connections *connections = serve(&(struct tarn_connections_options){ .listen = "127.0.0.1:0" });
	broker.log = log;
	char both[WAITING_FETCH_LEN + VERSIONS_LEN];
	memcpy(both, waiting_fetch, WAITING_FETCH_LEN);
	memcpy(both + WAITING_FETCH_LEN, versions, VERSIONS_LEN);
	int fd = join(connections);
	for (size_t cut = WAITING_FETCH_LEN; cut <= sizeof(both); cut += VERSIONS_LEN) { /* later, and at once */
		assert_int_equal(send(fd, both, cut, 0), cut);
		usleep(1000);
		if (cut < sizeof(both))
			assert_int_equal(send(fd, both + cut, sizeof(both) - cut, 0), sizeof(both) - cut);
		read_fetched(fd);
		assert_true(read_answer(fd));
	}
	close(fd);
	stop(connections);
	tarn_topic_unref(topic);
	tarn_log_close(log);
	char *command = tarn_asprintf("rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
	free(command);
}

static void what_is_no_kafka_is_hung_up_on(void **state)
{
	(void)state;
	static const char *const others[] = { "GET / HTTP/1.1\r\n\r\n", "\x16\3\1\2\0\1\0\1\xfc\3\3 a TLS hello",
					      "\xff\xff\xff\xff" };
	struct tarn_connections *connections = serve(&(struct tarn_connections_options){ .listen = "127.0.0.1:0" });
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		int fd = join(connections);
		assert_int_equal(send(fd, others[i], strlen(others[i]), 0), strlen(others[i]));
		assert_false(read_answer(fd));
		close(fd);
	}
	stop(connections);
}

static void who_is_late_is_hung_up_on(void **state)
{
	(void)state;
	struct tarn_connections *connections =
		serve(&(struct tarn_connections_options){ .listen = "127.0.0.1:0", .stall_ms = 20, .idle_ms = 20 });
	int idle = join(connections), half = join(connections);
	assert_int_equal(send(half, versions, 9, 0), 9);
	assert_false(read_answer(half));
	assert_false(read_answer(idle));
	close(half);
	close(idle);
	stop(connections);
}

static void stopping_ends_what_is_open(void **state)
{
	(void)state;
	struct tarn_connections *connections =
		serve(&(struct tarn_connections_options){ .listen = "127.0.0.1:0", .loops = 3 });
	int fds[50];
	for (int i = 0; i < 50; i++) {
		fds[i] = join(connections);
		assert_int_equal(send(fds[i], versions, VERSIONS_LEN, 0), VERSIONS_LEN);
		assert_true(read_answer(fds[i]));
	}
	assert_int_equal(tarn_connections_count(connections), 50);
	stop(connections);
	for (int i = 0; i < 50; i++) {
		assert_false(read_answer(fds[i]));
		close(fds[i]);
	}
}

static void who_holds_memory_that_is_short_is_hung_up_on(void **state)
{
	(void)state;
	static const uint8_t large[] = { 0, 0x40, 0, 0, 0, 0, 0, 9 };
	static char part[1 << 20];
	struct tarn_connections *connections = serve(&(struct tarn_connections_options){ .listen = "127.0.0.1:0" });
	broker.max_held_bytes = 1 << 18;
	int fd = join(connections);
	assert_int_equal(send(fd, large, sizeof(large), 0), sizeof(large));
	assert_true(send(fd, part, sizeof(part), MSG_NOSIGNAL) > 0);
	assert_false(read_answer(fd));
	close(fd);
	/* Answers that nobody reads: they fill the socket's buffers first, which are the system's. */
	broker.max_held_bytes = 1;
	fd = join(connections);
	ssize_t sent = 0;
	for (int i = 0; i < 1000000 && sent >= 0; i++)
		sent = send(fd, versions, VERSIONS_LEN, MSG_NOSIGNAL);
	assert_true(sent < 0);
	close(fd);
	stop(connections);
	assert_int_equal(broker.held_bytes, 0);
}

static void listens_where_it_may(void **state)
{
	(void)state;
	static const struct {
		const char *listen;
		bool insecure;
		const char *message; /* NULL: it listens */
	} cases[] = {
		{ "127.0.0.1:0", false, NULL },	    { "0.0.0.0:0", true, NULL }, { "0.0.0.0:0", false, "authenticate" },
		{ "nonsense", false, "HOST:PORT" }, { ":", false, "HOST:PORT" }, { "127.0.0.1:", false, "HOST:PORT" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_connections_options options = { .listen = cases[i].listen, .insecure = cases[i].insecure };
		struct tarn_connections *connections = NULL;
		struct tarn_err err;
		tarn_broker_init(&broker, NULL);
		enum tarn_rc rc = tarn_connections_start(&broker, &options, &connections, &err);
		if (cases[i].message ? !rc || !strstr(err.message, cases[i].message) : rc)
			fail_msg("%s: %s", cases[i].listen, rc ? err.message : "it listens");
		stop(connections);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_in_any_pieces),
		cmocka_unit_test(requests_may_be_sent_without_waiting),
		cmocka_unit_test(a_request_behind_a_waiting_fetch_does_not_wait),
		cmocka_unit_test(what_is_no_kafka_is_hung_up_on),
		cmocka_unit_test(who_is_late_is_hung_up_on),
		cmocka_unit_test(who_holds_memory_that_is_short_is_hung_up_on),
		cmocka_unit_test(stopping_ends_what_is_open),
		cmocka_unit_test(listens_where_it_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
