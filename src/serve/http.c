#include "serve/http.h"

#include <assert.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/file.h"
#include "serve/role.h"
#include "stream/broker/users.h"

enum {
	DEFAULT_THREADS = 4,
	DEFAULT_CONNECTIONS = 1000,
	DEFAULT_PATIENCE_MS = 30000,
	HEAD_LIMIT = 16 << 10,
	DISCARD_LIMIT = 64 << 20
};

/* An open connection. The reaper shuts it down when it is late; libmicrohttpd then closes it. */
struct peer {
	int fd;
	_Atomic int64_t deadline; /* monotonic nanoseconds; INT64_MAX while a handler runs */
	struct peer *next, *previous;
};

struct tarn_http {
	const struct tarn_routes *routes;
	struct tarn_http_options options;
	struct MHD_Daemon *daemon;
	struct tarn_buf certificate, key; /* PEM, each ended by a zero byte */
	struct tarn_users *users;	  /* the listener's own, or NULL */
	int port;

	pthread_mutex_t lock; /* of what follows; nothing is locked inside it */
	pthread_cond_t wake, none_held;
	struct peer *peers;
	size_t held; /* connections that are suspended while their answers wait */
	bool stopping;
	pthread_t reaper;
};

/* A request while it arrives, and its answer while that waits. */
struct exchange {
	struct tarn_http *http;
	struct tarn_arena arena;
	struct tarn_buf body;
	bool too_large;
	struct tarn_response response;
	struct MHD_Connection *connection;
	struct peer *peer;
};

/* ---- lateness ---- */

static void set_deadline(const struct tarn_http *http, struct peer *peer)
{
	atomic_store(&peer->deadline, tarn_monotonic_ns() + http->options.patience_ms * 1000000);
}

static void note_connection(void *context, struct MHD_Connection *connection, void **slot,
			    enum MHD_ConnectionNotificationCode code)
{
	struct tarn_http *http = context;
	struct peer *peer = *slot;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		peer = tarn_calloc(1, sizeof(*peer));
		peer->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		set_deadline(http, peer);
		pthread_mutex_lock(&http->lock);
		peer->next = http->peers;
		if (peer->next)
			peer->next->previous = peer;
		http->peers = peer;
		pthread_mutex_unlock(&http->lock);
		*slot = peer;
		return;
	}
	/* The socket is closed after this call: the reaper cannot meet a number that was given to somebody else. */
	pthread_mutex_lock(&http->lock);
	if (peer->previous)
		peer->previous->next = peer->next;
	else
		http->peers = peer->next;
	if (peer->next)
		peer->next->previous = peer->previous;
	pthread_mutex_unlock(&http->lock);
	free(peer);
}

static void drop_late(struct tarn_http *http)
{
	int64_t now = tarn_monotonic_ns();
	for (struct peer *peer = http->peers; peer; peer = peer->next) {
		if (atomic_load(&peer->deadline) > now)
			continue;
		shutdown(peer->fd, SHUT_RDWR);
		atomic_store(&peer->deadline, INT64_MAX);
	}
}

static void *reap(void *context)
{
	struct tarn_http *http = context;
	int64_t step_ms = http->options.patience_ms / 10;
	step_ms = step_ms < 10 ? 10 : step_ms > 1000 ? 1000 : step_ms;
	pthread_mutex_lock(&http->lock);
	while (!http->stopping) {
		tarn_cond_wait_until(&http->wake, &http->lock, tarn_monotonic_ns_in(step_ms));
		drop_late(http);
	}
	pthread_mutex_unlock(&http->lock);
	return NULL;
}

/* ---- what came with a request ---- */

/* Called by libmicrohttpd on path and query in place; both are decoded by us when they are asked for, as only then an
 * escaped slash can be told from a separator. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static const char *find_query(void *context, const char *name)
{
	struct exchange *exchange = context;
	const char *value = NULL;
	if (!MHD_lookup_connection_value_n(exchange->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value,
					   NULL))
		return NULL;
	if (!value)
		return "";
	const char *decoded = tarn_percent_decode(&exchange->arena, tarn_slice_str(value));
	return decoded ? decoded : value;
}

static const char *find_header(void *context, const char *name)
{
	struct exchange *exchange = context;
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* ---- answers ---- */

static enum MHD_Result send_response(struct exchange *exchange, const struct tarn_routes *routes,
				     struct tarn_response *response)
{
	size_t len = response->body.len;
	struct MHD_Response *answer =
		MHD_create_response_from_buffer(len, len ? (void *)response->body.data : (void *)"",
						len ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!answer)
		return MHD_NO;
	if (len) /* it is the answer's from here */
		response->body = (struct tarn_buf){ .max = response->body.max };
	const char *type = response->content_type ? response->content_type : routes->content_type;
	if (type && response->status != MHD_HTTP_NO_CONTENT)
		MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (size_t i = 0; i < response->n_headers; i++)
		MHD_add_response_header(answer, response->headers[i].name, response->headers[i].value);
	enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)response->status, answer);
	MHD_destroy_response(answer);
	return result;
}

static enum MHD_Result refuse(const struct tarn_http *http, struct exchange *exchange, int status, const char *message)
{
	struct tarn_response response;
	tarn_response_init(&response);
	http->routes->refuse(http->routes->room, status, message, &response);
	if (status == MHD_HTTP_UNAUTHORIZED)
		tarn_response_header(&response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
				     "Basic realm=\"tarn\", charset=\"UTF-8\"");
	enum MHD_Result result = send_response(exchange, http->routes, &response);
	tarn_response_release(&response);
	return result;
}

/* The user who may enter, in the exchange's arena; NULL: nobody. */
static const char *authenticate(const struct tarn_http *http, struct exchange *exchange)
{
	char *password = NULL;
	char *user = MHD_basic_auth_get_username_password(exchange->connection, &password);
	const char *found = NULL;
	if (user && password && http->options.may_enter(http->options.context, user, password))
		found = tarn_arena_strdup(&exchange->arena, user);
	MHD_free(user);
	MHD_free(password);
	return found;
}

static enum MHD_Result give(const struct tarn_http *http, struct exchange *exchange)
{
	set_deadline(http, exchange->peer);
	if (exchange->response.body.overflow)
		return refuse(http, exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "the answer is too large");
	return send_response(exchange, http->routes, &exchange->response);
}

/* Lets the connection's thread go on with others; false where the listener stops, and it has to wait. */
static bool suspend(struct tarn_http *http, struct exchange *exchange)
{
	pthread_mutex_lock(&http->lock);
	bool may = !http->stopping;
	http->held += may;
	pthread_mutex_unlock(&http->lock);
	if (may)
		MHD_suspend_connection(exchange->connection);
	return may;
}

/* The connection's thread calls `receive` again, and there the exchange may end before we are done. */
static void resume(struct tarn_hold *hold)
{
	struct exchange *exchange = hold->waiter;
	struct tarn_http *http = exchange->http;
	MHD_resume_connection(exchange->connection);
	pthread_mutex_lock(&http->lock);
	if (!--http->held)
		pthread_cond_signal(&http->none_held);
	pthread_mutex_unlock(&http->lock);
}

static enum MHD_Result give_held(const struct tarn_http *http, struct exchange *exchange)
{
	struct tarn_hold *hold = exchange->response.hold;
	exchange->response.hold = NULL;
	hold->finish(hold, &exchange->response);
	return give(http, exchange);
}

static enum MHD_Result answer(struct tarn_http *http, struct exchange *exchange, const char *path, const char *method)
{
	struct tarn_request request = {
		.method = tarn_http_method_of(method),
		.path = path,
		.body = tarn_buf_slice(&exchange->body),
		.arena = &exchange->arena,
		.find_query = find_query,
		.find_header = find_header,
		.connection = exchange,
	};
	if (http->options.may_enter && !(request.user = authenticate(http, exchange)))
		return refuse(http, exchange, MHD_HTTP_UNAUTHORIZED, "HTTP 401 Unauthorized");
	atomic_store(&exchange->peer->deadline, INT64_MAX);
	tarn_routes_call(http->routes, &request, &exchange->response);
	struct tarn_hold *hold = exchange->response.hold;
	if (hold && suspend(http, exchange)) {
		hold->release = resume;
		hold->waiter = exchange;
		hold->start(hold);
		return MHD_YES;
	}
	tarn_response_wait(&exchange->response);
	return give(http, exchange);
}

/* ---- a request's life ---- */

static struct exchange *begin(struct tarn_http *http, struct MHD_Connection *connection)
{
	struct exchange *exchange = tarn_malloc(sizeof(*exchange));
	exchange->http = http;
	tarn_response_init(&exchange->response);
	tarn_arena_init(&exchange->arena);
	tarn_buf_init(&exchange->body, http->routes->max_body);
	exchange->too_large = false;
	exchange->connection = connection;
	exchange->peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	return exchange;
}

static void end(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode code)
{
	(void)connection;
	(void)code;
	struct exchange *exchange = *slot;
	if (!exchange)
		return;
	set_deadline(context, exchange->peer);
	tarn_arena_release(&exchange->arena);
	tarn_buf_release(&exchange->body);
	tarn_response_release(&exchange->response);
	free(exchange);
	*slot = NULL;
}

/* Bytes of the body as the head announces them; 0 where it does not. */
static unsigned long long announced(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return length ? strtoull(length, NULL, 10) : 0;
}

/* A body that is too large is read to its end and thrown away: whoever is still sending would not hear the answer. Of
 * one that is larger still, nothing is read. */
static enum MHD_Result receive_head(struct tarn_http *http, struct exchange *exchange)
{
	unsigned long long size = announced(exchange->connection);
	exchange->too_large = size > http->routes->max_body;
	if (size <= http->routes->max_body + DISCARD_LIMIT)
		return MHD_YES;
	return refuse(http, exchange, MHD_HTTP_CONTENT_TOO_LARGE, "HTTP 413 Content Too Large");
}

/* Called by libmicrohttpd when the head is there, for every piece of the body, at its end, and when the connection is
 * resumed. */
static enum MHD_Result receive(void *context, struct MHD_Connection *connection, const char *path, const char *method,
			       const char *version, const char *data, size_t *size, void **slot)
{
	(void)version;
	struct tarn_http *http = context;
	struct exchange *exchange = *slot;
	if (!exchange) {
		*slot = exchange = begin(http, connection);
		return receive_head(http, exchange);
	}
	if (*size) {
		if (!exchange->too_large)
			tarn_buf_add(&exchange->body, data, *size);
		if (exchange->body.overflow) {
			tarn_buf_release(&exchange->body);
			exchange->too_large = true;
		}
		*size = 0;
		return MHD_YES;
	}
	if (exchange->too_large)
		return refuse(http, exchange, MHD_HTTP_CONTENT_TOO_LARGE, "HTTP 413 Content Too Large");
	if (exchange->response.hold)
		return give_held(http, exchange);
	return answer(http, exchange, path, method);
}

/* ---- listening ---- */

static enum tarn_rc bad_listen(const char *listen, const char *why, struct tarn_err *err)
{
	return tarn_fail(err, TARN_EINVALID, "listen address \"%s\": %s; HOST:PORT was expected", listen, why);
}

/* Splits HOST:PORT; host and port are the caller's to free. */
static enum tarn_rc split(const char *listen, char **host, char **port, struct tarn_err *err)
{
	const char *colon = strrchr(listen, ':');
	char *end;
	if (!colon || !colon[1])
		return bad_listen(listen, "there is no port", err);
	long number = strtol(colon + 1, &end, 10);
	if (*end || number < 0 || number > 65535)
		return bad_listen(listen, "the port is no number up to 65535", err);
	size_t len = (size_t)(colon - listen);
	if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']')
		*host = tarn_asprintf("%.*s", (int)len - 2, listen + 1);
	else
		*host = len ? tarn_asprintf("%.*s", (int)len, listen) : tarn_strdup("127.0.0.1");
	*port = tarn_strdup(colon + 1);
	return TARN_OK;
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static enum tarn_rc bind_to(const struct tarn_http_options *options, const struct addrinfo *address, int *fd,
			    struct tarn_err *err)
{
	if (!is_loopback(address->ai_addr) && !options->may_enter && !options->insecure) {
		enum tarn_rc rc = tarn_fail(
			err, TARN_EINVALID,
			"\"%s\" can be reached from other machines, and nobody is asked who they are", options->listen);
		tarn_err_hint(err, "name users, listen on 127.0.0.1, or say --insecure");
		return rc;
	}
	int made = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0)
		return tarn_fail_errno(err, "socket for \"%s\"", options->listen);
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(made, address->ai_addr, address->ai_addrlen) || listen(made, SOMAXCONN)) {
		enum tarn_rc rc = tarn_fail_errno(err, "cannot listen on \"%s\"", options->listen);
		close(made);
		return rc;
	}
	*fd = made;
	return TARN_OK;
}

static enum tarn_rc open_socket(const struct tarn_http_options *options, int *fd, struct tarn_err *err)
{
	char *host = NULL, *port = NULL;
	enum tarn_rc rc = split(options->listen, &host, &port, err);
	if (rc)
		return rc;
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed) {
		rc = bad_listen(options->listen, gai_strerror(failed), err);
	} else {
		rc = bind_to(options, found, fd, err);
		freeaddrinfo(found);
	}
	free(host);
	free(port);
	return rc;
}

static int port_of(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &len))
		return 0;
	return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
					     : ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static enum tarn_rc read_pem(const char *path, struct tarn_buf *out, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_file_read(path, out, err);
	if (!rc)
		tarn_buf_add_byte(out, 0);
	return rc;
}

static enum tarn_rc read_pems(struct tarn_http *http, struct tarn_err *err)
{
	const struct tarn_http_options *options = &http->options;
	if (!options->tls_certificate != !options->tls_key)
		return tarn_fail(err, TARN_EINVALID, "TLS needs a certificate and its key, only one was given");
	if (!options->tls_certificate)
		return TARN_OK;
	enum tarn_rc rc = read_pem(options->tls_certificate, &http->certificate, err);
	return rc ? rc : read_pem(options->tls_key, &http->key, err);
}

/* Owns the socket from here on. */
static enum tarn_rc start_daemon(struct tarn_http *http, int fd, struct tarn_err *err)
{
	const struct tarn_http_options *options = &http->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (http->key.len ? MHD_USE_TLS : 0);
	/* Without TLS the list is empty. */
	const struct MHD_OptionItem tls[] = {
		{ http->key.len ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, http->certificate.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, http->key.data },
		{ MHD_OPTION_END, 0, NULL },
	};
	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, receive, http, MHD_OPTION_LISTEN_SOCKET, fd,
					MHD_OPTION_THREAD_POOL_SIZE, options->threads, MHD_OPTION_CONNECTION_LIMIT,
					options->max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					(size_t)HEAD_LIMIT, MHD_OPTION_NOTIFY_CONNECTION, note_connection, http,
					MHD_OPTION_NOTIFY_COMPLETED, end, http, MHD_OPTION_UNESCAPE_CALLBACK,
					keep_escapes, NULL, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (http->daemon)
		return TARN_OK;
	close(fd);
	return tarn_fail(err, TARN_EINVALID, "the listener on \"%s\" did not start%s", options->listen,
			 http->key.len ? ": certificate and key do not fit, or are no PEM" : "");
}

static void release(struct tarn_http *http)
{
	pthread_cond_destroy(&http->wake);
	pthread_cond_destroy(&http->none_held);
	pthread_mutex_destroy(&http->lock);
	tarn_buf_release(&http->certificate);
	tarn_buf_release(&http->key);
	tarn_users_free(http->users);
	free(http);
}

static struct tarn_http *make(const struct tarn_http_options *options, const struct tarn_routes *routes)
{
	struct tarn_http *http = tarn_calloc(1, sizeof(*http));
	http->routes = routes;
	http->options = *options;
	if (!http->options.threads)
		http->options.threads = DEFAULT_THREADS;
	if (!http->options.max_connections)
		http->options.max_connections = DEFAULT_CONNECTIONS;
	if (!http->options.patience_ms)
		http->options.patience_ms = DEFAULT_PATIENCE_MS;
	tarn_buf_init(&http->certificate, 1 << 20);
	tarn_buf_init(&http->key, 1 << 20);
	pthread_mutex_init(&http->lock, NULL);
	tarn_cond_init(&http->wake);
	pthread_cond_init(&http->none_held, NULL);
	return http;
}

enum tarn_rc tarn_http_open(const struct tarn_http_options *options, const struct tarn_routes *routes,
			    struct tarn_http **http, struct tarn_err *err)
{
	struct tarn_http *made = make(options, routes);
	int fd = -1;
	enum tarn_rc rc = read_pems(made, err);
	if (!rc)
		rc = open_socket(options, &fd, err);
	if (!rc) {
		made->port = port_of(fd);
		rc = start_daemon(made, fd, err);
	}
	if (rc) {
		release(made);
		return rc;
	}
	if (pthread_create(&made->reaper, NULL, reap, made)) {
		MHD_stop_daemon(made->daemon);
		release(made);
		return tarn_fail(err, TARN_EIO, "no thread for the listener on \"%s\"", options->listen);
	}
	made->options.listen = NULL; /* the caller's text may go */
	*http = made;
	return TARN_OK;
}

void tarn_http_stop(struct tarn_http *http)
{
	if (!http)
		return;
	pthread_mutex_lock(&http->lock);
	http->stopping = true;
	pthread_cond_signal(&http->wake);
	while (http->held) /* libmicrohttpd stops with no connection suspended */
		pthread_cond_wait(&http->none_held, &http->lock);
	pthread_mutex_unlock(&http->lock);
	MHD_stop_daemon(http->daemon);
	pthread_join(http->reaper, NULL);
	release(http);
}

int tarn_http_port(const struct tarn_http *http)
{
	return http->port;
}

static bool is_user(void *users, const char *user, const char *password)
{
	return tarn_users_check(users, user, password);
}

enum tarn_rc tarn_http_start(const char *listen, const struct tarn_routes *routes,
			     const struct tarn_serve_options *options, struct tarn_http **http, struct tarn_err *err)
{
	struct tarn_http_options own = {
		.listen = listen,
		.tls_certificate = options->tls_certificate,
		.tls_key = options->tls_key,
		.insecure = options->insecure,
	};
	struct tarn_users *users = NULL;
	if (options->users) {
		enum tarn_rc rc = tarn_users_open(options->users, options->data, &users, err);
		if (rc)
			return rc;
		own.may_enter = is_user;
		own.context = users;
	}
	enum tarn_rc rc = tarn_http_open(&own, routes, http, err);
	if (rc)
		tarn_users_free(users);
	else
		(*http)->users = users;
	return rc;
}
