/* Fills topics for the sink's bench, and drains them as plainly as librdkafka can: consume, write the bytes, fdatasync.
 *
 *   feed fill BROKERS TOPIC PARTITIONS RECORDS FILE...   the files' contents and the partitions in turn, acks=all
 *   feed drain BROKERS TOPIC RECORDS OUT                 all partitions from their start into one file
 *
 * Prints one line of JSON. */
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PORTION = 1000 };

static long failed;

static void fail(const char *what)
{
	fprintf(stderr, "feed: %s\n", what);
	exit(1);
}

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Processor seconds of this process. */
static double used(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
	(void)client;
	(void)opaque;
	failed += message->err != 0;
}

static rd_kafka_t *client_of(rd_kafka_type_t type, const char *brokers, const char *const *settings)
{
	char why[300];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why)))
		fail(why);
	for (; *settings; settings += 2)
		if (rd_kafka_conf_set(conf, settings[0], settings[1], why, sizeof(why)))
			fail(why);
	if (type == RD_KAFKA_PRODUCER)
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof(why));
	if (!client)
		fail(why);
	return client;
}

/* ---- fill ---- */

struct content {
	char *data;
	size_t len;
};

static struct content read_file(const char *path)
{
	struct content content = { .data = NULL };
	FILE *file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END))
		fail(path);
	content.len = (size_t)ftell(file);
	content.data = malloc(content.len + 1);
	rewind(file);
	if (!content.data || fread(content.data, 1, content.len, file) != content.len)
		fail(path);
	fclose(file);
	return content;
}

/* Waits for room by taking reports: they are what holds it. */
static void send_one(rd_kafka_t *client, const char *topic, int32_t partition, const struct content *content)
{
	rd_kafka_resp_err_t error;
	while ((error = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
					  RD_KAFKA_V_VALUE(content->data, content->len),
					  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
	       RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(client, 100);
	if (error)
		fail(rd_kafka_err2str(error));
}

static void fill(const char *brokers, const char *topic, int partitions, long records, int n_files, char **files)
{
	static const char *const settings[] = { "linger.ms",
						"20",
						"batch.size",
						"1000000",
						"message.max.bytes",
						"2000000",
						"queue.buffering.max.kbytes",
						"131072",
						NULL };
	struct content *contents = calloc((size_t)n_files, sizeof(*contents));
	if (!contents)
		fail("no memory");
	for (int i = 0; i < n_files; i++)
		contents[i] = read_file(files[i]);
	rd_kafka_t *client = client_of(RD_KAFKA_PRODUCER, brokers, settings);
	double start = now();
	for (long i = 0; i < records; i++) {
		/* Each partition gets every file, also where their numbers have a common factor. */
		const struct content *content = &contents[(i + i / partitions) % n_files];
		send_one(client, topic, (int32_t)(i % partitions), content);
		rd_kafka_poll(client, 0);
	}
	if (rd_kafka_flush(client, 120000) || failed)
		fail("not all messages were acknowledged");
	printf("{\"seconds\": %.3f}\n", now() - start);
	rd_kafka_destroy(client);
	for (int i = 0; i < n_files; i++)
		free(contents[i].data);
	free(contents);
}

/* ---- drain ---- */

static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0)
			fail("cannot write");
		data += n;
		len -= (size_t)n;
	}
}

static void drain(const char *brokers, const char *topic, long records, const char *out)
{
	static const char *const settings[] = { "group.id",
						"feed-drain",
						"auto.offset.reset",
						"earliest",
						"enable.auto.commit",
						"false",
						"fetch.wait.max.ms",
						"10",
						"topic.metadata.refresh.interval.ms",
						"1000",
						NULL };
	static char buffer[1 << 20];
	size_t held = 0, bytes = 0;
	rd_kafka_message_t *messages[PORTION];
	int fd = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	rd_kafka_t *client = client_of(RD_KAFKA_CONSUMER, brokers, settings);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	double start = 0, used_before = 0;
	if (fd < 0)
		fail(out);
	rd_kafka_poll_set_consumer(client);
	rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
	rd_kafka_subscribe(client, list);
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
	for (long left = records; left > 0;) {
		ssize_t n = rd_kafka_consume_batch_queue(queue, 100, messages, PORTION);
		for (ssize_t i = 0; i < n; i++) {
			/* The clock starts with the first message, so that joining the group costs nothing here. */
			if (!messages[i]->err && !start) {
				start = now();
				used_before = used();
			}
			if (!messages[i]->err) {
				if (held + messages[i]->len > sizeof(buffer)) {
					write_all(fd, buffer, held);
					held = 0;
				}
				if (messages[i]->len > sizeof(buffer)) {
					write_all(fd, messages[i]->payload, messages[i]->len);
				} else {
					memcpy(buffer + held, messages[i]->payload, messages[i]->len);
					held += messages[i]->len;
				}
				bytes += messages[i]->len;
				left--;
			}
			rd_kafka_message_destroy(messages[i]);
		}
	}
	write_all(fd, buffer, held);
	if (fdatasync(fd))
		fail("cannot sync");
	printf("{\"seconds\": %.3f, \"cpu\": %.3f, \"bytes\": %zu}\n", now() - start, used() - used_before, bytes);
	close(fd);
	rd_kafka_queue_destroy(queue);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_consumer_close(client);
	rd_kafka_destroy(client);
}

int main(int argc, char **argv)
{
	if (argc > 6 && !strcmp(argv[1], "fill") && atoi(argv[4]) > 0)
		fill(argv[2], argv[3], atoi(argv[4]), atol(argv[5]), argc - 6, argv + 6);
	else if (argc == 6 && !strcmp(argv[1], "drain"))
		drain(argv[2], argv[3], atol(argv[4]), argv[5]);
	else
		fail("usage: see the first lines of feed.c");
	return 0;
}
