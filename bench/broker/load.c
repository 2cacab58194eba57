/* A load on any Kafka, through librdkafka: the same program for Tarn and for Apache Kafka.
 *
 *   load produce BROKERS TOPIC RECORDS SIZE ACKS BATCH_BYTES     as fast as it goes
 *   load latency BROKERS TOPIC RECORDS SIZE ACKS                 one record at a time
 *   load consume BROKERS TOPIC RECORDS                           from the start of all partitions
 *   load create BROKERS TOPIC PARTITIONS [KEY=VALUE]             a topic, with a setting of its own
 *   load delete BROKERS TOPIC
 *   load disk FILE RECORDS SIZE                                  no broker: written over zeros, each synced
 *
 * Prints one line of JSON. Fails where a record was not acknowledged, or not all came back. */
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- producing ---- */

static long delivered, failed;
static double *latencies; /* of `load latency` */

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
	(void)client;
	(void)opaque;
	delivered++;
	if (!message->err)
		return;
	if (!failed++)
		fprintf(stderr, "load: %s\n", rd_kafka_err2str(message->err));
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
	char why[300];
	if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		fail(why);
}

static rd_kafka_t *new_producer(const char *brokers, const char *acks, const char *batch, const char *linger)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[300];
	set(conf, "bootstrap.servers", brokers);
	set(conf, "acks", acks);
	set(conf, "linger.ms", linger);
	set(conf, "batch.size", batch);
	set(conf, "batch.num.messages", "1000000");
	set(conf, "message.max.bytes", "2000000");
	set(conf, "queue.buffering.max.messages", "500000");
	set(conf, "queue.buffering.max.kbytes", "131072");
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!client)
		fail(why);
	return client;
}

static void fill(char *payload, size_t size)
{
	unsigned state = 1;
	for (size_t i = 0; i < size; i++) {
		state = state * 1664525u + 1013904223u;
		payload[i] = (char)(state >> 24);
	}
}

static void send_one(rd_kafka_t *client, rd_kafka_topic_t *topic, char *payload, size_t size)
{
	while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, size, NULL, 0, NULL)) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			fail(rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(client, 10);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print_quantiles(long n)
{
	qsort(latencies, (size_t)n, sizeof(*latencies), by_value);
	printf(", \"p50_ms\": %.3f, \"p99_ms\": %.3f", latencies[n / 2] * 1e3, latencies[n * 99 / 100] * 1e3);
}

static void produce(const char *brokers, const char *name, long n, size_t size, const char *acks, const char *batch,
		    bool one_at_a_time)
{
	rd_kafka_t *client = new_producer(brokers, acks, batch, one_at_a_time ? "0" : "5");
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
	char *payload = malloc(size);
	latencies = malloc(sizeof(*latencies) * (size_t)n);
	fill(payload, size);
	send_one(client, topic, payload, size); /* so that connections are there */
	rd_kafka_flush(client, 60000);
	delivered = 0;
	double start = now(), cpu = cpu_seconds();
	for (long i = 0; i < n; i++) {
		double sent = now();
		send_one(client, topic, payload, size);
		while (one_at_a_time && delivered <= i)
			rd_kafka_poll(client, 1000);
		latencies[i] = now() - sent;
		if (!one_at_a_time && i % 1000 == 0)
			rd_kafka_poll(client, 0);
	}
	rd_kafka_flush(client, 600000);
	double seconds = now() - start;
	if (delivered != n || failed)
		fail("not all records were acknowledged");
	printf("{\"records_per_s\": %.0f, \"mb_per_s\": %.2f, \"client_cpu_s\": %.2f", (double)n / seconds,
	       (double)n * (double)size / seconds / 1e6, cpu_seconds() - cpu);
	if (one_at_a_time)
		print_quantiles(n);
	puts("}");
	free(latencies);
	free(payload);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(client);
}

/* ---- the disk ---- */

static void disk(const char *path, long n, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *payload = calloc((size_t)n, size);
	latencies = malloc(sizeof(*latencies) * (size_t)n);
	if (fd < 0 || pwrite(fd, payload, (size_t)n * size, 0) != (ssize_t)((size_t)n * size) || fsync(fd))
		fail(path);
	fill(payload, size);
	for (long i = 0; i < n; i++) {
		usleep(100); /* as long as a lone record needs from the client and back */
		double sent = now();
		if (pwrite(fd, payload, size, i * (off_t)size) != (ssize_t)size || fdatasync(fd))
			fail(path);
		latencies[i] = now() - sent;
	}
	printf("{\"records\": %ld", n);
	print_quantiles(n);
	puts("}");
	free(latencies);
	free(payload);
	close(fd);
}

/* ---- consuming ---- */

static void assign_all(rd_kafka_t *client, const char *name)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
	if (rd_kafka_metadata(client, 0, topic, &metadata, 10000))
		fail("no metadata");
	rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(metadata->topics[0].partition_cnt);
	for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
		rd_kafka_topic_partition_list_add(parts, name, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(client, parts);
	rd_kafka_topic_partition_list_destroy(parts);
	rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(topic);
}

static void consume(const char *brokers, const char *name, long n)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[300];
	set(conf, "bootstrap.servers", brokers);
	set(conf, "group.id", "load");
	set(conf, "enable.auto.commit", "false");
	set(conf, "fetch.message.max.bytes", "1048576");
	set(conf, "queued.max.messages.kbytes", "65536");
	set(conf, "queued.min.messages", "1000000");
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!client)
		fail(why);
	rd_kafka_poll_set_consumer(client);
	double start = 0, cpu = 0, bytes = 0;
	long first = 0; /* those that began the time: connecting and finding the offsets is no part of it */
	assign_all(client, name);
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
	rd_kafka_message_t *messages[1000];
	for (long i = 0; i < n;) {
		ssize_t got = rd_kafka_consume_batch_queue(queue, 10000, messages, 1000);
		if (got <= 0)
			fail("no more records came");
		for (ssize_t k = 0; k < got; k++) {
			i += !messages[k]->err;
			bytes += messages[k]->err ? 0 : (double)messages[k]->len;
			rd_kafka_message_destroy(messages[k]);
		}
		if (!first && i) {
			first = i;
			start = now();
			cpu = cpu_seconds();
			bytes = 0;
		}
	}
	double seconds = now() - start;
	printf("{\"records_per_s\": %.0f, \"mb_per_s\": %.2f, \"client_cpu_s\": %.2f}\n", (double)(n - first) / seconds,
	       bytes / seconds / 1e6, cpu_seconds() - cpu);
	rd_kafka_queue_destroy(queue);
	rd_kafka_consumer_close(client);
	rd_kafka_destroy(client);
}

/* ---- topics ---- */

static void admit(rd_kafka_resp_err_t error)
{
	if (error)
		fail(rd_kafka_err2str(error));
}

static void check_topics(const rd_kafka_topic_result_t **results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		admit(rd_kafka_topic_result_error(results[i]));
}

static void check_event(rd_kafka_event_t *event)
{
	size_t n;
	if (!event)
		fail("no answer");
	admit(rd_kafka_event_error(event));
	const rd_kafka_topic_result_t **results =
		rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT
			? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n)
			: rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
	check_topics(results, n);
	rd_kafka_event_destroy(event);
}

static void create(const char *brokers, const char *name, int partitions, char *setting)
{
	char why[300];
	rd_kafka_t *client = new_producer(brokers, "all", "1000000", "0");
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, why, sizeof(why));
	if (!topic)
		fail(why);
	char *value = setting ? strchr(setting, '=') : NULL;
	if (value) {
		*value = 0;
		admit(rd_kafka_NewTopic_set_config(topic, setting, value + 1));
	}
	rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
	check_event(rd_kafka_queue_poll(queue, 120000));
	rd_kafka_NewTopic_destroy(topic);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
	puts("{}");
}

static void drop(const char *brokers, const char *name)
{
	rd_kafka_t *client = new_producer(brokers, "all", "1000000", "0");
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
	rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
	check_event(rd_kafka_queue_poll(queue, 120000));
	rd_kafka_DeleteTopic_destroy(topic);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
	puts("{}");
}

int main(int argc, char **argv)
{
	if (argc == 8 && !strcmp(argv[1], "produce"))
		produce(argv[2], argv[3], atol(argv[4]), (size_t)atol(argv[5]), argv[6], argv[7], false);
	else if (argc == 7 && !strcmp(argv[1], "latency"))
		produce(argv[2], argv[3], atol(argv[4]), (size_t)atol(argv[5]), argv[6], "1000000", true);
	else if (argc == 5 && !strcmp(argv[1], "consume"))
		consume(argv[2], argv[3], atol(argv[4]));
	else if ((argc == 5 || argc == 6) && !strcmp(argv[1], "create"))
		create(argv[2], argv[3], atoi(argv[4]), argc == 6 ? argv[5] : NULL);
	else if (argc == 4 && !strcmp(argv[1], "delete"))
		drop(argv[2], argv[3]);
	else if (argc == 5 && !strcmp(argv[1], "disk"))
		disk(argv[2], atol(argv[3]), (size_t)atol(argv[4]));
	else
		fail("usage: load produce|latency|consume|create|delete|disk ...; see its source");
	return 0;
}
