#include "serve/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka_tarn.h"

/* ---- a room ---- */

static void put(struct tarn_response *response, const char *label, const char *text)
{
	tarn_buf_printf(&response->body, "%s=%s\n", label, text ? text : "(none)");
}

static void show(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	put(response, "room", room);
	put(response, "name", request->params[0]);
	put(response, "q", tarn_request_query(request, "q"));
	put(response, "empty", tarn_request_query(request, "empty"));
	put(response, "header", tarn_request_header(request, "x-tarn"));
	put(response, "user", request->user);
	tarn_response_header(response, "X-Answer", "yes");
}

static void echo(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	response->status = 201;
	response->content_type = "text/plain";
	tarn_buf_add_slice(&response->body, request->body);
}

static void nothing(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	response->status = 204;
}

static void too_much(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	(void)room;
	(void)request;
	response->body.max = 10;
	tarn_buf_add_str(&response->body, "more than ten bytes");
}

static void refuse(void *room, int status, const char *message, struct tarn_response *response)
{
	(void)room;
	response->status = status;
	tarn_buf_printf(&response->body, "{\"error\":%d,\"message\":\"%s\"}", status, message);
}

/* Answers that are held until the test lets them go. */
enum { MOST_HELD = 16 };
static struct {
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct tarn_hold *holds[MOST_HELD];
	size_t n;
} held = { .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };

static void start_hold(struct tarn_hold *hold)
{
	pthread_mutex_lock(&held.lock);
	held.holds[held.n++] = hold;
	pthread_cond_signal(&held.came);
	pthread_mutex_unlock(&held.lock);
}

static void finish_hold(struct tarn_hold *hold, struct tarn_response *response)
{
	tarn_buf_add_str(&response->body, hold->context);
}

static void hold(void *room, const struct tarn_request *request, struct tarn_response *response)
{
	static char said[] = "and given";
	struct tarn_hold *made = tarn_arena_zalloc(request->arena, sizeof(*made));
	(void)room;
	*made = (struct tarn_hold){ .start = start_hold, .finish = finish_hold, .context = said };
	tarn_buf_add_str(&response->body, "held ");
	response->hold = made;
}

static void await_held(size_t n)
{
	pthread_mutex_lock(&held.lock);
	while (held.n < n)
		pthread_cond_wait(&held.came, &held.lock);
	pthread_mutex_unlock(&held.lock);
}

static void *release_held(void *context)
{
	(void)context;
	for (size_t i = 0; i < held.n; i++)
		held.holds[i]->release(held.holds[i]);
	held.n = 0;
	return NULL;
}

static const struct tarn_route table[] = {
	{ TARN_HTTP_GET, "/show/{name}", show },   { TARN_HTTP_POST, "/echo", echo },
	{ TARN_HTTP_DELETE, "/nothing", nothing }, { TARN_HTTP_GET, "/too-much", too_much },
	{ TARN_HTTP_GET, "/hold", hold },
};

static char room_name[] = "test";
static const struct tarn_routes routes = { table, 5, room_name, "application/json", 1000, refuse };

/* ---- a client ---- */

static int dial(const struct tarn_http *http)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)tarn_http_port(http)) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the other side closes. */
static char *hear(int fd)
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t got;
	while ((got = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(fd);
	return text;
}

static char *ask(const struct tarn_http *http, const char *request)
{
	int fd = dial(http);
	say(fd, request);
	return hear(fd);
}

static struct tarn_http *open_with(struct tarn_http_options options)
{
	struct tarn_http *http = NULL;
	struct tarn_err err;
	if (!options.listen)
		options.listen = "127.0.0.1:0";
	if (tarn_http_open(&options, &routes, &http, &err))
		fail_msg("%s", err.message);
	return http;
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

/* ---- tests ---- */

static void requests_and_answers(void **state)
{
	(void)state;
	static const struct {
		const char *request, *status;
		const char *parts[6];
	} cases[] = {
		{ "GET /show/a%2Fb?q=c%26d+e&empty HTTP/1.1\r\n" CLOSE "X-Tarn: here\r\n\r\n",
		  "HTTP/1.1 200 ",
		  { "room=test\nname=a/b\nq=c&d e\nempty=\nheader=here\nuser=(none)\n",
		    "Content-Type: application/json", "X-Answer: yes" } },
		{ "GET /show/x?q=%zz HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ", { "q=%zz\nempty=(none)\n" } },
		{ "GET /show/%zz HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 400 ", { "\"error\":400" } },
		{ "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello",
		  "HTTP/1.1 201 ",
		  { "\r\n\r\nhello", "Content-Type: text/plain" } },
		{ "POST /echo HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		  "HTTP/1.1 201 ",
		  { "\r\n\r\nabcde" } },
		{ "DELETE /nothing HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 204 ", { "" } },
		{ "GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 ", { "\"error\":404" } },
		{ "PUT /echo HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n", "HTTP/1.1 405 ", { "\"error\":405" } },
		{ "GET /too-much HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 500 ", { "the answer is too large" } },
		{ "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 99999999\r\n\r\n",
		  "HTTP/1.1 413 ",
		  { "\"error\":413" } },
		{ "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 99999999999999999999999\r\n\r\n",
		  "HTTP/1.1 4",
		  { "" } },
		{ "nonsense\r\n\r\n", "", { "" } },
	};
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 });
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *heard = ask(http, cases[i].request);
		if (strncmp(heard, cases[i].status, strlen(cases[i].status)))
			fail_msg("case %zu: %s", i, heard);
		for (size_t k = 0; k < 6 && cases[i].parts[k]; k++)
			if (!strstr(heard, cases[i].parts[k]))
				fail_msg("case %zu, part %zu: %s", i, k, heard);
	}
	tarn_http_stop(http);
}

static void a_head_has_no_body(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 });
	const char *heard = ask(http, "HEAD /show/x HTTP/1.1\r\n" CLOSE "\r\n");
	assert_non_null(strstr(heard, "HTTP/1.1 200 "));
	assert_null(strstr(heard, "Content-Length: 0"));
	assert_string_equal(strstr(heard, "\r\n\r\n"), "\r\n\r\n");
	tarn_http_stop(http);
}

static void one_connection_asks_twice(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 });
	const char *heard = ask(http, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
				      "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 3\r\n\r\ntwo");
	assert_non_null(strstr(heard, "\r\n\r\none"));
	assert_non_null(strstr(heard, "\r\n\r\ntwo"));
	tarn_http_stop(http);
}

static void bodies_beyond_the_limit_are_refused(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 });
	for (int pieces = 10; pieces <= 11; pieces++) {
		int fd = dial(http);
		say(fd, "POST /echo HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n");
		char piece[128] = "64\r\n";
		memset(piece + 4, 'x', 100);
		strcpy(piece + 104, "\r\n");
		for (int i = 0; i < pieces; i++)
			say(fd, piece);
		say(fd, "0\r\n\r\n");
		const char *heard = hear(fd);
		assert_non_null(strstr(heard, pieces == 10 ? "HTTP/1.1 201 " : "HTTP/1.1 413 "));
	}
	/* An answer waits until all was sent. */
	int fd = dial(http);
	char piece[1000];
	memset(piece, 'x', sizeof(piece));
	say(fd, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 20000000\r\n\r\n");
	for (int i = 0; i < 20000; i++)
		assert_int_equal(send(fd, piece, sizeof(piece), MSG_NOSIGNAL), sizeof(piece));
	assert_non_null(strstr(hear(fd), "HTTP/1.1 413 "));
	tarn_http_stop(http);
}

static void large_heads_are_refused(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 });
	int fd = dial(http);
	say(fd, "GET /show/x HTTP/1.1\r\nHost: x\r\n");
	char line[1024] = "X-Long: ";
	memset(line + 8, 'x', 1000);
	strcpy(line + 1008, "\r\n");
	ssize_t sent = 1;
	for (int i = 0; i < 1000 && sent > 0; i++)
		sent = send(fd, line, strlen(line), MSG_NOSIGNAL);
	const char *heard = hear(fd);
	assert_null(strstr(heard, "200 OK"));
	tarn_http_stop(http);
}

/* Each strict prefix of a request: the connection is closed from the other side, without an answer. */
static void half_requests_are_dropped(void **state)
{
	(void)state;
	static const char whole[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none";
	struct tarn_http *http = open_with((struct tarn_http_options){ .patience_ms = 50 });
	int fds[sizeof(whole) - 1];
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		fds[len] = dial(http);
		if (len)
			assert_int_equal(send(fds[len], whole, len, MSG_NOSIGNAL), len);
	}
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		assert_string_equal(hear(fds[len]), "");
	tarn_http_stop(http);
}

/* A byte now and then keeps nothing open. */
static void drips_are_dropped(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ .patience_ms = 50 });
	int fd = dial(http);
	ssize_t sent = send(fd, "GET /", 5, MSG_NOSIGNAL);
	while (sent > 0) {
		usleep(5000);
		sent = send(fd, "x", 1, MSG_NOSIGNAL);
	}
	assert_true(errno == EPIPE || errno == ECONNRESET);
	close(fd);
	tarn_http_stop(http);
}

static bool only_ada(void *context, const char *user, const char *password)
{
	(void)context;
	return !strcmp(user, "ada") && !strcmp(password, "secret");
}

static void credentials_are_asked_for(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ .may_enter = only_ada });
	const char *heard = ask(http, "GET /show/x HTTP/1.1\r\n" CLOSE "\r\n");
	assert_non_null(strstr(heard, "HTTP/1.1 401 "));
	assert_non_null(strstr(heard, "WWW-Authenticate: Basic"));
	heard = ask(http, "GET /show/x HTTP/1.1\r\n" CLOSE "Authorization: Basic YWRhOndyb25n\r\n\r\n"); /* ada:wrong */
	assert_non_null(strstr(heard, "HTTP/1.1 401 "));
	heard = ask(http, "GET /show/x HTTP/1.1\r\n" CLOSE "Authorization: Basic YWRhOnNlY3JldA==\r\n\r\n");
	assert_non_null(strstr(heard, "user=ada\n"));
	tarn_http_stop(http);
}

static void listen_addresses(void **state)
{
	(void)state;
	static const struct {
		struct tarn_http_options options;
		const char *message;
	} cases[] = {
		{ { .listen = "127.0.0.1" }, "there is no port" },
		{ { .listen = "127.0.0.1:x" }, "the port is no number" },
		{ { .listen = "127.0.0.1:65536" }, "the port is no number" },
		{ { .listen = "nowhere.invalid:0" }, "listen address \"nowhere.invalid:0\"" },
		{ { .listen = "0.0.0.0:0" }, "can be reached from other machines" },
		{ { .listen = "127.0.0.1:0", .tls_key = TEST_KEY }, "only one was given" },
		{ { .listen = "127.0.0.1:0", .tls_key = "/nowhere", .tls_certificate = TEST_CERTIFICATE }, "/nowhere" },
		{ { .listen = "127.0.0.1:0", .tls_key = TEST_CERTIFICATE, .tls_certificate = TEST_CERTIFICATE },
		  "do not fit" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_http *http = NULL;
		struct tarn_err err;
		assert_int_not_equal(tarn_http_open(&cases[i].options, &routes, &http, &err), TARN_OK);
		if (!strstr(err.message, cases[i].message))
			fail_msg("case %zu: %s", i, err.message);
	}
	tarn_http_stop(open_with((struct tarn_http_options){ .listen = "0.0.0.0:0", .insecure = true }));
	tarn_http_stop(open_with((struct tarn_http_options){ .listen = "0.0.0.0:0", .may_enter = only_ada }));
	tarn_http_stop(open_with((struct tarn_http_options){ .listen = ":0" }));
	tarn_http_stop(NULL);
}

static void a_port_is_taken_once(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 }), *second = NULL;
	char listen[64];
	struct tarn_err err;
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", tarn_http_port(http));
	const struct tarn_http_options options = { .listen = listen };
	assert_int_equal(tarn_http_open(&options, &routes, &second, &err), TARN_EIO);
	assert_int_equal(err.sys_errno, EADDRINUSE);
	tarn_http_stop(http);
}

static void speaks_tls(void **state)
{
	(void)state;
	struct tarn_http *http =
		open_with((struct tarn_http_options){ .tls_certificate = TEST_CERTIFICATE, .tls_key = TEST_KEY });
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_load_verify_locations(context, TEST_CERTIFICATE, NULL), 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL *ssl = SSL_new(context);
	int fd = dial(http);
	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	static const char request[] = "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello";
	assert_int_equal(SSL_write(ssl, request, sizeof(request) - 1), sizeof(request) - 1);
	char heard[4096];
	int len = 0, got;
	while ((got = SSL_read(ssl, heard + len, (int)sizeof(heard) - 1 - len)) > 0)
		len += got;
	heard[len] = '\0';
	assert_non_null(strstr(heard, "\r\n\r\nhello"));
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
	tarn_http_stop(http);
}

static void *ask_often(void *context)
{
	size_t *answered = context;
	struct tarn_http *http = *(struct tarn_http **)(answered + 1);
	for (int i = 0; i < 50; i++) {
		char heard[1024];
		int fd = dial(http);
		say(fd, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello");
		ssize_t len = 0, got;
		while ((got = recv(fd, heard + len, sizeof(heard) - 1 - (size_t)len, 0)) > 0)
			len += got;
		heard[len] = '\0';
		close(fd);
		*answered += strstr(heard, "\r\n\r\nhello") != NULL;
	}
	return NULL;
}

static void many_ask_at_once(void **state)
{
	(void)state;
	struct asker {
		size_t answered;
		struct tarn_http *http;
	} askers[8];
	pthread_t threads[8];
	struct tarn_http *http = open_with((struct tarn_http_options){ .max_connections = 4 });
	for (size_t i = 0; i < 8; i++) {
		askers[i] = (struct asker){ 0, http };
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].answered, 50);
	}
	tarn_http_stop(http);
}

/* More of them than there are threads, and others are answered meanwhile. */
static void held_answers_keep_no_thread(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ .threads = 2 });
	int fds[MOST_HELD];
	for (size_t i = 0; i < MOST_HELD; i++) {
		fds[i] = dial(http);
		say(fds[i], "GET /hold HTTP/1.1\r\n" CLOSE "\r\n");
	}
	await_held(MOST_HELD);
	assert_non_null(strstr(ask(http, "GET /show/x HTTP/1.1\r\n" CLOSE "\r\n"), "name=x"));
	release_held(NULL);
	for (size_t i = 0; i < MOST_HELD; i++)
		assert_non_null(strstr(hear(fds[i]), "\r\n\r\nheld and given"));
	tarn_http_stop(http);
}

static void clients_go_while_their_answers_are_held(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 });
	int fd = dial(http);
	say(fd, "GET /hold HTTP/1.1\r\n" CLOSE "\r\n");
	await_held(1);
	close(fd);
	release_held(NULL);
	assert_non_null(strstr(ask(http, "GET /show/x HTTP/1.1\r\n" CLOSE "\r\n"), "name=x"));
	tarn_http_stop(http);
}

static void stops_when_nothing_is_held(void **state)
{
	(void)state;
	struct tarn_http *http = open_with((struct tarn_http_options){ 0 });
	int fds[2] = { dial(http), dial(http) };
	pthread_t thread;
	for (size_t i = 0; i < 2; i++)
		say(fds[i], "GET /hold HTTP/1.1\r\n" CLOSE "\r\n");
	await_held(2);
	assert_int_equal(pthread_create(&thread, NULL, release_held, NULL), 0);
	tarn_http_stop(http);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < 2; i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_answers),
		cmocka_unit_test(a_head_has_no_body),
		cmocka_unit_test(one_connection_asks_twice),
		cmocka_unit_test(bodies_beyond_the_limit_are_refused),
		cmocka_unit_test(large_heads_are_refused),
		cmocka_unit_test(half_requests_are_dropped),
		cmocka_unit_test(drips_are_dropped),
		cmocka_unit_test(credentials_are_asked_for),
		cmocka_unit_test(listen_addresses),
		cmocka_unit_test(a_port_is_taken_once),
		cmocka_unit_test(speaks_tls),
		cmocka_unit_test(many_ask_at_once),
		cmocka_unit_test(held_answers_keep_no_thread),
		cmocka_unit_test(clients_go_while_their_answers_are_held),
		cmocka_unit_test(stops_when_nothing_is_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
