/* How many bytes the partitions of a topic take. librdkafka has no request for that (DescribeLogDirs), so it is asked
 * over a connection of our own, which speaks neither TLS nor SASL: behind those, sizes are not shown. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/topic_command.h"
#include "stream/broker/codec.h"

enum {
	VERSION = 1, /* of DescribeLogDirs; what every broker since Kafka 2.1 has */
	CORRELATION_ID = 1,
	HEADER_SIZE = 4, /* of an answer: its correlation id */
	LARGEST_ANSWER = 64 << 20,
};

static int connect_to(const char *host, int port)
{
	char service[16];
	int fd = -1;
	struct addrinfo *addresses, hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval patience = { .tv_sec = TARN_KAFKA_TIMEOUT_MS / 1000 };
	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &addresses))
		return -1;
	for (struct addrinfo *at = addresses; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, at->ai_addr, at->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(addresses);
	return fd;
}

static bool send_request(int fd, const rd_kafka_metadata_topic_t *topic)
{
	int32_t *partitions = tarn_calloc((size_t)topic->partition_cnt + 1, sizeof(*partitions));
	for (int32_t i = 0; i < topic->partition_cnt; i++)
		partitions[i] = i;
	struct tarn_describe_log_dirs_request_topic asked = { topic->topic, partitions, (size_t)topic->partition_cnt };
	const struct tarn_describe_log_dirs_request request = { &asked, 1 };
	struct tarn_encoded body;
	struct tarn_buf frame;
	static const uint8_t head[] = { 0, TARN_API_DESCRIBE_LOG_DIRS, 0, VERSION, 0, 0, 0, CORRELATION_ID, 0, 4 };
	static const char client_id[] = "tarn";
	tarn_encoded_init(&body);
	tarn_message_encode(&body, tarn_layout_describe_log_dirs_request(), VERSION, false, &request);
	tarn_buf_init(&frame, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add_be32(&frame, (uint32_t)(sizeof(head) + strlen(client_id) + body.bytes.len));
	tarn_buf_add(&frame, head, sizeof(head));
	tarn_buf_add_str(&frame, client_id);
	tarn_buf_add_slice(&frame, tarn_buf_slice(&body.bytes));
	bool sent = send(fd, frame.data, frame.len, MSG_NOSIGNAL) == (ssize_t)frame.len;
	tarn_buf_release(&frame);
	tarn_encoded_release(&body);
	free(partitions);
	return sent;
}

static bool receive(int fd, void *bytes, size_t len)
{
	return recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static bool receive_answer(int fd, struct tarn_buf *answer)
{
	uint8_t length[4];
	if (!receive(fd, length, sizeof(length)))
		return false;
	size_t len = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
	uint8_t *room = len >= HEADER_SIZE && len <= LARGEST_ANSWER ? tarn_buf_room(answer, len) : NULL;
	if (!room || !receive(fd, room, len))
		return false;
	answer->len += len;
	return true;
}

/* Replicas on several brokers or disks are summed up by nobody: the answer is of one. */
static bool take_sizes(const struct tarn_buf *answer, int partitions, int64_t *sizes)
{
	struct tarn_arena arena;
	struct tarn_err err;
	struct tarn_cursor in = tarn_cursor_of(tarn_slice_of(answer->data + HEADER_SIZE, answer->len - HEADER_SIZE));
	const struct tarn_decoding how = { VERSION, false, (size_t)LARGEST_ANSWER };
	tarn_arena_init(&arena);
	struct tarn_describe_log_dirs_response *response = tarn_message_new(&arena, describe_log_dirs_response, 1);
	bool fine = !tarn_message_decode(&in, tarn_layout_describe_log_dirs_response(), &how, &arena, response, &err);
	for (size_t i = 0; fine && i < response->n_results; i++)
		for (size_t j = 0; j < response->results[i].n_topics; j++) {
			const struct tarn_describe_log_dirs_response_topic *topic = &response->results[i].topics[j];
			for (size_t k = 0; k < topic->n_partitions; k++)
				if (topic->partitions[k].partition_index >= 0 &&
				    topic->partitions[k].partition_index < partitions)
					sizes[topic->partitions[k].partition_index] =
						topic->partitions[k].partition_size;
		}
	tarn_arena_release(&arena);
	return fine;
}

void tarn_topic_sizes(const struct tarn_kafka_options *options, const struct rd_kafka_metadata *facts,
		      const rd_kafka_metadata_topic_t *topic, int64_t *sizes)
{
	struct tarn_buf answer;
	for (int i = 0; i < topic->partition_cnt; i++)
		sizes[i] = -1;
	if (options->properties)
		return;
	tarn_buf_init(&answer, LARGEST_ANSWER);
	for (int i = 0; i < facts->broker_cnt; i++) {
		int fd = connect_to(facts->brokers[i].host, facts->brokers[i].port);
		tarn_buf_clear(&answer);
		if (fd >= 0 && send_request(fd, topic) && receive_answer(fd, &answer))
			(void)take_sizes(&answer, topic->partition_cnt, sizes); /* what is not told is not shown */
		if (fd >= 0)
			close(fd);
	}
	tarn_buf_release(&answer);
}
