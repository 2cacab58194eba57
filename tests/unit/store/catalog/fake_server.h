/* An HTTP server for tests: one connection a request, one request after the other, answered by a function. */
#ifndef TARN_TESTS_FAKE_SERVER_H
#define TARN_TESTS_FAKE_SERVER_H

#include "cmocka_tarn.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

struct fake_reply {
	int status; /* 0: the connection is cut */
	const char *body;
	size_t padding; /* spaces that follow */
	bool half;	/* cut in the middle of the body */
};

struct fake_server {
	int listening;
	char url[40];
	pthread_t thread;
	/* `body` is terminated by 0. */
	struct fake_reply (*answer)(void *context, const char *method, const char *path, const char *body);
	void *context;
};

static inline const char *header_end(const struct tarn_buf *text)
{
	return text->len ? memmem(text->data, text->len, "\r\n\r\n", 4) : NULL;
}

/* Reads head and body; false where the client has gone. */
static inline bool fake_receive(int fd, struct tarn_buf *text, size_t *body)
{
	const char *end;
	size_t length = 0;
	do {
		uint8_t *room = tarn_buf_room(text, 4096);
		ssize_t got = read(fd, room, 4096);
		if (got <= 0)
			return false;
		text->len += (size_t)got;
		end = header_end(text);
		const char *field = end ? memmem(text->data, text->len, "Content-Length:", 15) : NULL;
		if (field && field < end)
			length = strtoul(field + 15, NULL, 10);
	} while (!end || text->len < (size_t)(end - (const char *)text->data) + 4 + length);
	*body = (size_t)(end - (const char *)text->data) + 4;
	tarn_buf_add_byte(text, '\0');
	return true;
}

static inline void fake_send(int fd, const struct fake_reply *reply)
{
	static const char spaces[1 << 16] = { ' ' };
	size_t len = reply->body ? strlen(reply->body) : 0, left = reply->padding;
	char head[160];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
			 reply->status, len + reply->padding);
	bool gone = send(fd, head, (size_t)n, MSG_NOSIGNAL) < 0;
	if (!gone && len)
		gone = send(fd, reply->body, reply->half ? len / 2 : len, MSG_NOSIGNAL) < 0;
	while (!gone && left) {
		ssize_t sent = send(fd, spaces, left < sizeof(spaces) ? left : sizeof(spaces), MSG_NOSIGNAL);
		gone = sent < 0;
		left -= gone ? 0 : (size_t)sent;
	}
}

static inline void *fake_serve(void *context)
{
	struct fake_server *server = context;
	for (int fd; (fd = accept(server->listening, NULL, NULL)) >= 0; close(fd)) {
		struct tarn_buf text;
		char method[16], path[400];
		size_t body;
		tarn_buf_init(&text, 1 << 24);
		if (fake_receive(fd, &text, &body) &&
		    sscanf((const char *)text.data, "%15s %399s", method, path) == 2) {
			struct fake_reply reply =
				server->answer(server->context, method, path, (const char *)text.data + body);
			if (reply.status)
				fake_send(fd, &reply);
		}
		tarn_buf_release(&text);
	}
	return NULL;
}

static inline void fake_server_start(struct fake_server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	server->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listening, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(server->listening, 64), 0);
	assert_int_equal(getsockname(server->listening, (struct sockaddr *)&address, &len), 0);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&server->thread, NULL, fake_serve, server), 0);
}

static inline void fake_server_stop(struct fake_server *server)
{
	shutdown(server->listening, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listening);
}

#endif
