#include "stream/broker/connections.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "stream/broker/metrics.h"
#include "stream/broker/session.h"
#include "stream/broker/threads.h"
#include "stream/broker/tls.h"

enum {
	MAX_LOOPS = 4, /* more only wait for the disk, or for each other's cache lines */
	SCRATCH_SIZE = 256 << 10,
	READS_A_TURN = 8,	 /* of one connection, before others get their turn */
	FRAME_AT_ONCE = 4 << 20, /* allocated on a client's word; more only as it arrives */
	MAX_IOV = 256,
	SWEEP_MS = 5000,
	BACKLOG = 1024,
};

struct loop {
	struct tarn_loop calls; /* first: its address is the loop's */
	uv_loop_t uv;
	int bell;	 /* an eventfd: calls have news, sockets have arrived, or it is time to stop */
	uv_poll_t heard; /* not uv_async_t, whose receiver spins until the sender has run on */
	uv_timer_t sweep;
	struct tarn_connections *all;
	pthread_t thread;
	struct connection *connections, *dirty;
	uint8_t *scratch;
	bool stopping;

	pthread_mutex_t lock; /* of what follows */
	int *arrived;	      /* sockets */
	size_t n_arrived, arrived_cap;
};

struct connection {
	struct tarn_session session; /* first: its address is the connection's */
	uv_poll_t poll;
	struct loop *loop;
	struct connection *next, *previous; /* of the loop's */
	struct connection *next_dirty;
	int fd;
	struct tarn_tls *tls; /* or NULL */
	int polled;	      /* events that are asked for */
	bool dirty, closing, closed;
	bool half_closed;	     /* the client sends no more than what is on its way */
	bool at_end;		     /* all of it was read */
	int64_t read_ns, written_ns; /* when something last moved */

	/* A request while it arrives. */
	uint8_t head[4];
	size_t head_len;
	uint8_t *frame; /* NULL: in the head */
	size_t frame_len, frame_got, frame_cap;
	/* What was read and could not be taken up yet. */
	uint8_t *stash;
	size_t stash_len;

	/* Answers on their way out; `sent` bytes of the first are gone. */
	struct tarn_call_inside *out_first, **out_end;
	size_t sent;
};

struct tarn_connections {
	struct tarn_broker *broker;
	struct tarn_connections_options options;
	struct loop *loops;
	int n_loops, next_loop;
	int listener, spare; /* spare: a descriptor to give up when there is none left */
	int port;
	struct tarn_tls_context *tls; /* or NULL */
	uv_poll_t accepting;	      /* of loop 0 */
	atomic_size_t count;
	atomic_bool stopping;
};

static void turn_dirty(struct loop *loop);

static void ring(const struct loop *loop)
{
	while (eventfd_write(loop->bell, 1) && errno == EINTR)
		;
}

static void mark_dirty(struct tarn_session *session)
{
	struct connection *connection = (struct connection *)session;
	if (connection->dirty)
		return;
	connection->dirty = true;
	connection->next_dirty = connection->loop->dirty;
	connection->loop->dirty = connection;
}

/* ---- the end of a connection ---- */

static void free_connection(struct connection *connection)
{
	struct loop *loop = connection->loop;
	if (connection->next)
		connection->next->previous = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		loop->connections = connection->next;
	tarn_session_release(&connection->session);
	free(connection);
	atomic_fetch_sub(&loop->all->count, 1);
	tarn_metrics_connection(loop->all->broker->metrics, -1);
	if (loop->stopping && !loop->connections)
		uv_stop(&loop->uv);
}

static void poll_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	tarn_tls_free(connection->tls);
	connection->tls = NULL;
	close(connection->fd);
	connection->closed = true;
	mark_dirty(&connection->session);
	turn_dirty(connection->loop);
}

static void end_connection(struct connection *connection)
{
	if (connection->closing)
		return;
	connection->closing = true;
	uv_poll_stop(&connection->poll);
	uv_close((uv_handle_t *)&connection->poll, poll_closed);
	tarn_session_end(&connection->session);
	while (connection->out_first) {
		struct tarn_call_inside *answer = connection->out_first;
		connection->out_first = tarn_answer_next(answer);
		tarn_answer_free(answer);
	}
	if (connection->frame)
		atomic_fetch_sub(&connection->loop->all->broker->held_bytes, connection->frame_got);
	free(connection->frame);
	free(connection->stash);
	connection->frame = connection->stash = NULL;
}

/* ---- reading ---- */

static void start_frame(struct connection *connection)
{
	const uint8_t *head = connection->head;
	uint32_t size = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	size_t most = tarn_session_max_frame(&connection->session);
	if (size > most) {
		char reason[160];
		snprintf(reason, sizeof(reason), "a request of %u bytes, of which at most %zu may be sent%s", size,
			 most, head[0] == 0x16 ? " (is the client speaking TLS?)" : "");
		tarn_session_complain(&connection->session, NULL, reason);
		connection->session.hang_up = true;
		return;
	}
	connection->frame_len = size;
	connection->frame_got = 0;
	connection->frame_cap = size < FRAME_AT_ONCE ? size : FRAME_AT_ONCE;
	connection->frame = tarn_malloc(connection->frame_cap ? connection->frame_cap : 1);
}

/* Room in the frame for what is read next. */
static size_t frame_room(struct connection *connection)
{
	if (connection->frame_got == connection->frame_cap && connection->frame_cap < connection->frame_len) {
		size_t cap = connection->frame_cap * 2;
		connection->frame_cap = cap < connection->frame_len ? cap : connection->frame_len;
		connection->frame = tarn_realloc(connection->frame, connection->frame_cap);
	}
	return connection->frame_cap - connection->frame_got;
}

static void end_frame(struct connection *connection)
{
	uint8_t *frame = connection->frame;
	connection->frame = NULL;
	connection->head_len = 0;
	atomic_fetch_sub(&connection->loop->all->broker->held_bytes, connection->frame_len);
	tarn_session_take(&connection->session, frame, connection->frame_len);
}

static bool memory_is_short(const struct connection *connection)
{
	const struct tarn_broker *broker = connection->loop->all->broker;
	return atomic_load(&broker->held_bytes) > atomic_load(&broker->max_held_bytes);
}

/* `n` bytes more of the frame have come. */
static void grow_frame(struct connection *connection, size_t n)
{
	connection->frame_got += n;
	atomic_fetch_add(&connection->loop->all->broker->held_bytes, n);
	if (connection->frame_got == connection->frame_len) {
		end_frame(connection);
	} else if (connection->frame_got > SCRATCH_SIZE && memory_is_short(connection)) {
		tarn_session_complain(&connection->session, NULL, "memory is short, and its request is large");
		connection->session.hang_up = true;
	}
}

/* Takes up what can be taken up now and returns how many bytes that was. */
static size_t feed(struct connection *connection, const uint8_t *data, size_t len)
{
	size_t at = 0;
	while (tarn_session_ready(&connection->session)) {
		if (connection->frame) {
			size_t room = frame_room(connection);
			size_t n = room < len - at ? room : len - at;
			if (n)
				memcpy(connection->frame + connection->frame_got, data + at, n);
			at += n;
			grow_frame(connection, n);
			if (connection->frame && at == len)
				break;
		} else if (connection->head_len == sizeof(connection->head)) {
			start_frame(connection);
		} else if (at < len) {
			connection->head[connection->head_len++] = data[at++];
		} else {
			break;
		}
	}
	return at;
}

static void keep_rest(struct connection *connection, const uint8_t *data, size_t len)
{
	if (!len)
		return;
	assert(!connection->stash);
	connection->stash = tarn_malloc(len);
	memcpy(connection->stash, data, len);
	connection->stash_len = len;
}

static void feed_stash(struct connection *connection)
{
	uint8_t *stash = connection->stash;
	size_t len = connection->stash_len;
	connection->stash = NULL;
	size_t taken = feed(connection, stash, len);
	keep_rest(connection, stash + taken, len - taken);
	free(stash);
}

/* Also where the request that is read has to wait: it may be one that a waiting fetch makes room for. */
static bool may_read(const struct connection *connection)
{
	const struct tarn_session *session = &connection->session;
	return !connection->closing && !connection->at_end && !connection->stash &&
	       (tarn_session_ready(session) || tarn_session_yields(session));
}

/* Tells a fetch that waits which request is behind it; the stash begins with that one's length and API. */
static void tell_what_waits(struct connection *connection)
{
	const uint8_t *request = connection->stash;
	if (request && !connection->head_len && connection->stash_len >= sizeof(connection->head) + 2)
		tarn_session_yield(&connection->session, (int16_t)(request[4] << 8 | request[5]));
}

static ssize_t receive(struct connection *connection, void *data, size_t size)
{
	return connection->tls ? tarn_tls_read(connection->tls, data, size) : recv(connection->fd, data, size, 0);
}

static void note_end(struct connection *connection)
{
	connection->at_end = true;
	if (connection->tls && *tarn_tls_problem(connection->tls))
		tarn_session_complain(&connection->session, NULL, tarn_tls_problem(connection->tls));
}

/* Reads once; false where nothing more is to be had now. */
static bool read_some(struct connection *connection)
{
	uint8_t *scratch = connection->loop->scratch;
	bool direct = connection->frame && connection->frame_len - connection->frame_got >= SCRATCH_SIZE;
	size_t room = direct ? frame_room(connection) : SCRATCH_SIZE;
	ssize_t n = receive(connection, direct ? connection->frame + connection->frame_got : scratch, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return errno == EINTR;
	if (n <= 0) {
		note_end(connection);
		return false;
	}
	connection->read_ns = tarn_monotonic_ns();
	if (direct) {
		grow_frame(connection, (size_t)n);
	} else {
		size_t taken = feed(connection, scratch, (size_t)n);
		keep_rest(connection, scratch + taken, (size_t)n - taken);
	}
	return connection->tls || (size_t)n == room;
}

/* ---- writing ---- */

static size_t fill_iov(const struct connection *connection, struct iovec *iov)
{
	size_t n = 0, skip = connection->sent;
	for (const struct tarn_call_inside *a = connection->out_first; a && n < MAX_IOV; a = tarn_answer_next(a)) {
		n += tarn_answer_iov(a, skip, iov + n, MAX_IOV - n);
		skip = 0;
	}
	return n;
}

static void drop_sent(struct connection *connection, size_t n)
{
	connection->sent += n;
	while (connection->out_first) {
		struct tarn_call_inside *answer = connection->out_first;
		size_t size = tarn_encoded_size(tarn_answer_bytes(answer));
		if (connection->sent < size)
			break;
		connection->sent -= size;
		connection->out_first = tarn_answer_next(answer);
		tarn_answer_free(answer);
	}
	if (!connection->out_first)
		connection->out_end = &connection->out_first;
}

static void gather_answers(struct connection *connection)
{
	struct tarn_call_inside *answer;
	while ((answer = tarn_session_next_answer(&connection->session))) {
		if (!connection->out_first)
			connection->written_ns = tarn_monotonic_ns();
		*connection->out_end = answer;
		connection->out_end = tarn_answer_next_place(answer);
	}
}

static ssize_t send_some(struct connection *connection, struct iovec *iov, size_t n)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = n };
	if (connection->tls)
		return tarn_tls_writev(connection->tls, iov, n, connection->loop->scratch);
	return sendmsg(connection->fd, &message, MSG_NOSIGNAL);
}

/* Writes until all is sent or the socket takes no more. False where the client is gone. */
static bool write_answers(struct connection *connection)
{
	gather_answers(connection);
	while (connection->out_first) {
		struct iovec iov[MAX_IOV];
		ssize_t n = send_some(connection, iov, fill_iov(connection, iov));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		connection->written_ns = tarn_monotonic_ns();
		drop_sent(connection, (size_t)n);
	}
	return true;
}

/* ---- turns ---- */

static void polled(uv_poll_t *poll, int status, int events);

static void ask_for(struct connection *connection, int events)
{
	if (events == connection->polled)
		return;
	connection->polled = events;
	if (events)
		uv_poll_start(&connection->poll, events, polled);
	else
		uv_poll_stop(&connection->poll);
}

/* What was read before and could not be taken up then. */
static bool take_up_more(struct connection *connection)
{
	if (connection->stash && tarn_session_ready(&connection->session)) {
		feed_stash(connection);
		return true;
	}
	return connection->tls && may_read(connection) && tarn_tls_has_more(connection->tls) && read_some(connection);
}

/* Sends what is ready and takes up what may be, until neither goes on. */
static void turn(struct connection *connection)
{
	if (connection->closing) {
		(void)!tarn_session_next_answer(&connection->session);
		if (connection->closed && !connection->session.n_calls && !connection->dirty)
			free_connection(connection);
		return;
	}
	bool alive = write_answers(connection);
	while (alive && take_up_more(connection))
		alive = write_answers(connection);
	if (alive && connection->out_first && memory_is_short(connection)) {
		tarn_session_complain(&connection->session, NULL, "memory is short, and it does not read its answers");
		alive = false;
	}
	tell_what_waits(connection);
	bool nothing_left = !connection->out_first && !connection->session.n_calls;
	if (!alive || (nothing_left && (connection->session.hang_up || (connection->at_end && !connection->stash)))) {
		end_connection(connection);
		return;
	}
	bool tls_writes = connection->tls && tarn_tls_wants_write(connection->tls);
	int events = connection->out_first || tls_writes ? UV_WRITABLE : 0;
	if (may_read(connection))
		events |= UV_READABLE;
	/* Where reading is held back, the end of the connection must be seen all the same: a fetch may wait for long.
	 */
	if (!connection->half_closed)
		events |= UV_DISCONNECT;
	ask_for(connection, events);
}

static void turn_dirty(struct loop *loop)
{
	while (loop->dirty) {
		struct connection *connection = loop->dirty;
		loop->dirty = connection->next_dirty;
		connection->dirty = false;
		turn(connection);
	}
}

static void polled(uv_poll_t *poll, int status, int events)
{
	struct connection *connection = poll->data;
	if (status < 0) {
		end_connection(connection);
	} else if (events & UV_DISCONNECT) {
		connection->half_closed = true;
		tarn_session_hurry(&connection->session);
	}
	/* A handshake may wait to write; reading goes on with it. */
	bool reads = events & (UV_READABLE | UV_DISCONNECT) || connection->tls;
	for (int i = 0; i < READS_A_TURN && reads && may_read(connection); i++)
		if (!read_some(connection))
			break;
	mark_dirty(&connection->session);
	turn_dirty(connection->loop);
}

/* ---- connections that come ---- */

static void name_peer(struct tarn_session *session, int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char port[16] = "?";
	snprintf(session->host, sizeof(session->host), "?");
	if (!getpeername(fd, (struct sockaddr *)&address, &size))
		getnameinfo((struct sockaddr *)&address, size, session->host, sizeof(session->host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(session->peer, sizeof(session->peer), "%s:%s", session->host, port);
}

static void open_connection(struct loop *loop, int fd)
{
	struct connection *connection = tarn_calloc(1, sizeof(*connection));
	if (loop->stopping || uv_poll_init(&loop->uv, &connection->poll, fd)) {
		close(fd);
		free(connection);
		return;
	}
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	tarn_session_init(&connection->session, loop->all->broker, &loop->calls, mark_dirty);
	name_peer(&connection->session, fd);
	connection->poll.data = connection;
	connection->loop = loop;
	connection->fd = fd;
	if (loop->all->tls)
		connection->tls = tarn_tls_new(loop->all->tls, fd);
	connection->session.encrypted = connection->tls != NULL;
	connection->out_end = &connection->out_first;
	connection->read_ns = connection->written_ns = tarn_monotonic_ns();
	connection->next = loop->connections;
	if (connection->next)
		connection->next->previous = connection;
	loop->connections = connection;
	atomic_fetch_add(&loop->all->count, 1);
	tarn_metrics_connection(loop->all->broker->metrics, 1);
	ask_for(connection, UV_READABLE | UV_DISCONNECT);
}

static void hand_over(struct loop *loop, int fd)
{
	pthread_mutex_lock(&loop->lock);
	loop->arrived = tarn_grow(loop->arrived, &loop->arrived_cap, loop->n_arrived + 1, sizeof(*loop->arrived));
	loop->arrived[loop->n_arrived++] = fd;
	pthread_mutex_unlock(&loop->lock);
	ring(loop);
}

/* Out of descriptors: takes the client off the queue with the spare one, so that it learns at once. */
static void turn_away(struct tarn_connections *all)
{
	close(all->spare);
	int fd = accept4(all->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	all->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	tarn_broker_say(all->broker, "a client was turned away: no descriptor is left (see ulimit -n)");
}

static void accept_some(uv_poll_t *poll, int status, int events)
{
	struct tarn_connections *all = poll->data;
	(void)events;
	for (int i = 0; status >= 0 && i < BACKLOG; i++) {
		int fd = accept4(all->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			turn_away(all);
			return;
		}
		if (fd < 0)
			return;
		all->next_loop = (all->next_loop + 1) % all->n_loops;
		if (!all->next_loop) /* this one */
			open_connection(&all->loops[0], fd);
		else
			hand_over(&all->loops[all->next_loop], fd);
	}
}

/* ---- connections that stay too long ---- */

static const char *too_late(const struct connection *connection, int64_t now)
{
	const struct tarn_connections_options *options = &connection->loop->all->options;
	const struct tarn_session *session = &connection->session;
	int64_t silent_ms = (now - connection->read_ns) / 1000000;
	if (connection->out_first)
		return (now - connection->written_ns) / 1000000 > options->stall_ms ? "it does not read its answers"
										    : NULL;
	if (session->n_calls)
		return NULL;
	if ((connection->frame || connection->head_len) && silent_ms > options->stall_ms)
		return "a request that does not go on";
	bool has_come_in = !session->must_authenticate || session->authenticated;
	if (connection->tls && !tarn_tls_is_up(connection->tls))
		has_come_in = false;
	if (!has_come_in && silent_ms > options->login_ms)
		return "it does not authenticate";
	return silent_ms > options->idle_ms ? "" : NULL;
}

static void sweep(uv_timer_t *timer)
{
	struct loop *loop = timer->data;
	int64_t now = tarn_monotonic_ns();
	for (struct connection *connection = loop->connections; connection; connection = connection->next) {
		const char *reason = connection->closing ? NULL : too_late(connection, now);
		if (!reason)
			continue;
		if (*reason)
			tarn_session_complain(&connection->session, NULL, reason);
		end_connection(connection);
		mark_dirty(&connection->session);
	}
	turn_dirty(loop);
}

/* ---- loops ---- */

static void stop_loop(struct loop *loop)
{
	loop->stopping = true;
	struct tarn_connections *all = loop->all;
	if (loop == &all->loops[0] && !uv_is_closing((uv_handle_t *)&all->accepting))
		uv_close((uv_handle_t *)&all->accepting, NULL);
	for (struct connection *connection = loop->connections; connection; connection = connection->next) {
		end_connection(connection);
		mark_dirty(&connection->session);
	}
	turn_dirty(loop);
	if (!loop->connections)
		uv_stop(&loop->uv);
}

static void news(uv_poll_t *heard, int status, int events)
{
	struct loop *loop = heard->data;
	eventfd_t rung;
	(void)status;
	(void)events;
	(void)eventfd_read(loop->bell, &rung); /* before looking at what it was rung for */
	pthread_mutex_lock(&loop->lock);
	int *arrived = loop->arrived;
	size_t n = loop->n_arrived;
	loop->arrived = NULL;
	loop->n_arrived = loop->arrived_cap = 0;
	pthread_mutex_unlock(&loop->lock);
	if (atomic_load(&loop->all->stopping) && !loop->stopping)
		stop_loop(loop);
	for (size_t i = 0; i < n; i++)
		open_connection(loop, arrived[i]);
	free(arrived);
	tarn_loop_run(&loop->calls);
	turn_dirty(loop);
}

static void signal_loop(struct tarn_loop *calls)
{
	ring((struct loop *)calls);
}

static void *run_loop(void *arg)
{
	struct loop *loop = arg;
	loop->calls.thread = pthread_self();
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&loop->heard, NULL);
	uv_close((uv_handle_t *)&loop->sweep, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	return NULL;
}

static void init_loop(struct tarn_connections *all, struct loop *loop)
{
	loop->all = all;
	pthread_mutex_init(&loop->lock, NULL);
	tarn_loop_init(&loop->calls, signal_loop);
	loop->scratch = tarn_malloc(SCRATCH_SIZE);
	uv_loop_init(&loop->uv);
	loop->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uv_poll_init(&loop->uv, &loop->heard, loop->bell);
	uv_timer_init(&loop->uv, &loop->sweep);
	loop->heard.data = loop->sweep.data = loop;
	uv_poll_start(&loop->heard, UV_READABLE, news);
	int64_t shortest = all->options.idle_ms < all->options.login_ms ? all->options.idle_ms : all->options.login_ms;
	shortest = shortest < all->options.stall_ms ? shortest : all->options.stall_ms;
	uint64_t every = shortest / 2 < SWEEP_MS ? (uint64_t)shortest / 2 + 1 : SWEEP_MS;
	uv_timer_start(&loop->sweep, sweep, every, every);
}

static void release_loop(struct loop *loop)
{
	for (size_t i = 0; i < loop->n_arrived; i++)
		close(loop->arrived[i]);
	free(loop->arrived);
	close(loop->bell);
	free(loop->scratch);
	tarn_loop_release(&loop->calls);
	pthread_mutex_destroy(&loop->lock);
}

/* ---- the listener ---- */

/* "HOST:PORT" into its parts; brackets of an IPv6 address are taken off. */
static bool split_address(const char *listen, char *host, size_t host_size, const char **port)
{
	const char *colon = strrchr(listen, ':');
	if (!colon || colon == listen || !colon[1])
		return false;
	const char *start = listen, *end = colon;
	if (*start == '[' && end[-1] == ']') {
		start++;
		end--;
	}
	*port = colon + 1;
	return snprintf(host, host_size, "%.*s", (int)(end - start), start) < (int)host_size;
}

static int listen_at(const struct addrinfo *address)
{
	int on = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, BACKLOG)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

static enum tarn_rc open_listener(struct tarn_connections *all, struct tarn_err *err)
{
	char host[256];
	const char *port;
	if (!split_address(all->options.listen, host, sizeof(host), &port))
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no HOST:PORT to listen at", all->options.listen);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *addresses;
	int rc = getaddrinfo(host, port, &hints, &addresses);
	if (rc)
		return tarn_fail(err, TARN_EINVALID, "\"%s\": %s", all->options.listen, gai_strerror(rc));
	for (struct addrinfo *a = addresses; a && all->listener < 0; a = a->ai_next)
		all->listener = listen_at(a);
	freeaddrinfo(addresses);
	if (all->listener < 0)
		return tarn_fail_errno(err, "cannot listen at \"%s\"", all->options.listen);
	struct sockaddr_storage bound = { 0 };
	socklen_t size = sizeof(bound);
	getsockname(all->listener, (struct sockaddr *)&bound, &size);
	if (!is_loopback(&bound) && !all->broker->authenticates && !all->options.insecure) {
		enum tarn_rc refused = tarn_fail(
			err, TARN_EINVALID, "\"%s\" can be reached from other machines, and nobody has to authenticate",
			all->options.listen);
		tarn_err_hint(err, "give --users FILE, listen at 127.0.0.1, or say --insecure");
		return refused;
	}
	all->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						      : ((struct sockaddr_in *)&bound)->sin_port);
	return TARN_OK;
}

static void free_connections(struct tarn_connections *all)
{
	if (all->listener >= 0)
		close(all->listener);
	if (all->spare >= 0)
		close(all->spare);
	tarn_tls_context_free(all->tls);
	free(all->loops);
	free(all);
}

enum tarn_rc tarn_connections_start(struct tarn_broker *broker, const struct tarn_connections_options *options,
				    struct tarn_connections **connections, struct tarn_err *err)
{
	struct tarn_connections *all = tarn_calloc(1, sizeof(*all));
	all->broker = broker;
	all->options = *options;
	all->options.idle_ms = options->idle_ms ? options->idle_ms : 600000;
	all->options.login_ms = options->login_ms ? options->login_ms : 30000;
	all->options.stall_ms = options->stall_ms ? options->stall_ms : 60000;
	all->listener = all->spare = -1;
	enum tarn_rc rc = open_listener(all, err);
	if (!rc && options->tls_certificate)
		rc = tarn_tls_context_new(options->tls_certificate, options->tls_key, &all->tls, err);
	if (rc) {
		free_connections(all);
		return rc;
	}
	if (!broker->port)
		broker->port = all->port;
	all->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int cores = (int)uv_available_parallelism();
	all->n_loops = options->loops ? options->loops : cores < MAX_LOOPS ? cores : MAX_LOOPS;
	all->loops = tarn_calloc((size_t)all->n_loops, sizeof(*all->loops));
	for (int i = 0; i < all->n_loops; i++)
		init_loop(all, &all->loops[i]);
	uv_poll_init(&all->loops[0].uv, &all->accepting, all->listener);
	all->accepting.data = all;
	uv_poll_start(&all->accepting, UV_READABLE, accept_some);
	for (int i = 0; i < all->n_loops; i++)
		tarn_thread_start(&all->loops[i].thread, run_loop, &all->loops[i]);
	*connections = all;
	return TARN_OK;
}

void tarn_connections_stop(struct tarn_connections *all)
{
	if (!all)
		return;
	atomic_store(&all->stopping, true);
	for (int i = 0; i < all->n_loops; i++)
		ring(&all->loops[i]);
	for (int i = 0; i < all->n_loops; i++)
		pthread_join(all->loops[i].thread, NULL);
	for (int i = 0; i < all->n_loops; i++)
		release_loop(&all->loops[i]);
	free_connections(all);
}

int tarn_connections_port(const struct tarn_connections *connections)
{
	return connections->port;
}

size_t tarn_connections_count(const struct tarn_connections *connections)
{
	return atomic_load(&connections->count);
}
