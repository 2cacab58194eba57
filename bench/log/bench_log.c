/* What the log costs beside the disk: the same bytes through the log and through plain write and fdatasync.
 *
 * usage: bench_log FOLDER [COUNT]     (COUNT: durable appends a measurement of latency; default 2000)
 *
 *   one    a single record, then wait until it is durable: as one producer with one request under way
 *   many   so many threads do that at once, on one partition: one sync answers many of them
 *   bulk   batches of 64 KiB or 1 MiB, at most 32 MiB of them under way
 *   read   all of it back, checksums looked at
 *   open   a folder of a thousand topics, each with a record; memory is what the process has more then
 *
 * Microseconds are percentiles of one durable append. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "stream/log/log.h"

enum { MOST_UNDER_WAY = 32 << 20, BULK_BYTES = 512 << 20, MANY_TOPICS = 1000 };

static struct tarn_log *data_log;
static const char *data_folder;
static size_t count = 2000;

static void fail(const struct tarn_err *err)
{
	fprintf(stderr, "bench_log: %s\n", err->message);
	exit(1);
}

static double seconds_since(int64_t start)
{
	return (double)(tarn_monotonic_ns() - start) * 1e-9;
}

static int by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

static void print_latencies(const char *what, int64_t *nanoseconds, size_t n, double seconds)
{
	qsort(nanoseconds, n, sizeof(*nanoseconds), by_value);
	printf("%-34s p50 %7.0f us   p99 %7.0f us   p99.9 %7.0f us   %8.0f appends/s\n", what,
	       (double)nanoseconds[n / 2] / 1e3, (double)nanoseconds[n * 99 / 100] / 1e3,
	       (double)nanoseconds[n * 999 / 1000] / 1e3, (double)n / seconds);
	fflush(stdout);
}

/* A batch of one record whose batch is `bytes` long. */
static uint8_t *make_batch(size_t bytes, size_t *len)
{
	struct tarn_batch_builder *builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	size_t left = bytes > 200 ? bytes - 100 : 100;
	uint8_t *value = tarn_calloc(1, 1024);
	for (size_t step; left; left -= step) {
		step = left < 1000 ? left : 1000;
		tarn_batch_builder_add(builder, tarn_now_us() / 1000, tarn_slice_of(NULL, 0),
				       tarn_slice_of(value, step), NULL, 0);
	}
	struct tarn_slice batch;
	struct tarn_err err;
	if (tarn_batch_builder_finish(builder, NULL, &batch, &err))
		fail(&err);
	uint8_t *copy = tarn_malloc(batch.len);
	memcpy(copy, batch.data, batch.len);
	*len = batch.len;
	free(value);
	tarn_batch_builder_free(builder);
	return copy;
}

static struct tarn_topic *make_topic(const char *name)
{
	static const struct tarn_topic_setting settings[] = { { "max.message.bytes", "2000000" } };
	struct tarn_topic *topic;
	struct tarn_err err;
	if (tarn_log_create_topic(data_log, name, 1, settings, 1, &topic, &err))
		fail(&err);
	return topic;
}

static int64_t append(struct tarn_partition *partition, const uint8_t *batch, size_t len, uint8_t *scratch)
{
	struct tarn_append result;
	memcpy(scratch, batch, len);
	tarn_partition_append(partition, scratch, len, &result);
	if (result.status != TARN_APPEND_DONE) {
		fprintf(stderr, "bench_log: append: %s\n", result.reason);
		exit(1);
	}
	return result.last_offset + 1;
}

/* ---- plain files ---- */

static int plain_file(void)
{
	char *path = tarn_asprintf("%s/plain", data_folder);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	unlink(path);
	free(path);
	if (fd < 0)
		exit(1);
	return fd;
}

static void plain_one(size_t bytes)
{
	size_t len;
	uint8_t *batch = make_batch(bytes, &len);
	int64_t *times = tarn_calloc(count, sizeof(*times)), begin = tarn_monotonic_ns();
	int fd = plain_file();
	for (size_t i = 0; i < count; i++) {
		int64_t start = tarn_monotonic_ns();
		if (pwrite(fd, batch, len, (off_t)(i * len)) != (ssize_t)len || fdatasync(fd))
			exit(1);
		times[i] = tarn_monotonic_ns() - start;
	}
	char what[64];
	snprintf(what, sizeof(what), "one, %zu bytes: write + fdatasync", bytes);
	print_latencies(what, times, count, seconds_since(begin));
	close(fd);
	free(times);
	free(batch);
}

static double plain_bulk(size_t bytes)
{
	size_t len;
	uint8_t *batch = make_batch(bytes, &len);
	int64_t begin = tarn_monotonic_ns();
	int fd = plain_file();
	off_t at = 0;
	for (size_t under_way = 0; at < BULK_BYTES; at += (off_t)len) {
		if (pwrite(fd, batch, len, at) != (ssize_t)len)
			exit(1);
		under_way += len;
		if (under_way >= MOST_UNDER_WAY / 2) {
			if (fdatasync(fd))
				exit(1);
			under_way = 0;
		}
	}
	if (fdatasync(fd))
		exit(1);
	double speed = (double)at / 1e6 / seconds_since(begin);
	close(fd);
	free(batch);
	return speed;
}

/* ---- the log ---- */

struct worker {
	pthread_t thread;
	struct tarn_partition *partition;
	const uint8_t *batch;
	size_t len, n;
	int64_t *times;
};

static void *append_and_wait(void *argument)
{
	struct worker *worker = argument;
	uint8_t *scratch = tarn_malloc(worker->len);
	struct tarn_err err;
	for (size_t i = 0; i < worker->n; i++) {
		int64_t start = tarn_monotonic_ns();
		int64_t end = append(worker->partition, worker->batch, worker->len, scratch);
		if (tarn_partition_wait_durable(worker->partition, end, &err))
			fail(&err);
		worker->times[i] = tarn_monotonic_ns() - start;
	}
	free(scratch);
	return NULL;
}

static void log_latency(const char *name, size_t bytes, size_t n_threads)
{
	struct tarn_topic *topic = make_topic(name);
	struct worker *workers = tarn_calloc(n_threads, sizeof(*workers));
	int64_t *times = tarn_calloc(count, sizeof(*times));
	size_t len, each = count / n_threads;
	uint8_t *batch = make_batch(bytes, &len);
	int64_t begin = tarn_monotonic_ns();
	for (size_t i = 0; i < n_threads; i++) {
		workers[i] = (struct worker){ .partition = tarn_topic_partition(topic, 0),
					      .batch = batch,
					      .len = len,
					      .n = each,
					      .times = times + i * each };
		pthread_create(&workers[i].thread, NULL, append_and_wait, &workers[i]);
	}
	for (size_t i = 0; i < n_threads; i++)
		pthread_join(workers[i].thread, NULL);
	double seconds = seconds_since(begin);
	char what[64];
	snprintf(what, sizeof(what), "%s, %zu bytes, %zu at once: log", n_threads > 1 ? "many" : "one", bytes,
		 n_threads);
	print_latencies(what, times, each * n_threads, seconds);
	tarn_topic_unref(topic);
	free(batch);
	free(times);
	free(workers);
}

static double log_bulk(const char *name, size_t bytes)
{
	struct tarn_topic *topic = make_topic(name);
	struct tarn_partition *partition = tarn_topic_partition(topic, 0);
	size_t len, under_way = MOST_UNDER_WAY / 2, half = 0;
	uint8_t *batch = make_batch(bytes, &len), *scratch = tarn_malloc(len);
	int64_t begin = tarn_monotonic_ns(), middle = 0, end = 0, total = 0;
	struct tarn_err err;
	for (; total < BULK_BYTES; total += (int64_t)len) {
		end = append(partition, batch, len, scratch);
		half += len;
		if (half < under_way)
			continue;
		if (tarn_partition_wait_durable(partition, middle, &err)) /* the half before this one */
			fail(&err);
		middle = end;
		half = 0;
	}
	if (tarn_partition_wait_durable(partition, end, &err))
		fail(&err);
	double speed = (double)total / 1e6 / seconds_since(begin);
	free(batch);
	free(scratch);
	tarn_topic_unref(topic);
	return speed;
}

static void log_read(const char *name)
{
	struct tarn_topic *topic = tarn_log_find_topic(data_log, name);
	struct tarn_partition *partition = tarn_topic_partition(topic, 0);
	struct tarn_buf out;
	struct tarn_err err;
	int64_t begin = tarn_monotonic_ns(), at = 0, next = -1, total = 0;
	tarn_buf_init(&out, 1 << 26);
	for (;; at = next) {
		tarn_buf_clear(&out);
		if (tarn_partition_read(partition, at, 1 << 20, TARN_READ_UNCOMMITTED, &out, &next, &err))
			fail(&err);
		if (!out.len)
			break;
		total += (int64_t)out.len;
	}
	printf("%-34s %8.0f MB/s\n", "read, 1 MiB at a time: log", (double)total / 1e6 / seconds_since(begin));
	tarn_buf_release(&out);
	tarn_topic_unref(topic);
}

static long resident_kib(void)
{
	long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2)
		exit(1);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void open_many(void)
{
	struct tarn_err err;
	size_t len;
	uint8_t *batch = make_batch(200, &len), *scratch = tarn_malloc(len);
	int64_t begin = tarn_monotonic_ns();
	for (int i = 0; i < MANY_TOPICS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "topic-%d", i);
		struct tarn_topic *topic = make_topic(name);
		append(tarn_topic_partition(topic, 0), batch, len, scratch);
		tarn_topic_unref(topic);
	}
	double made = seconds_since(begin);
	begin = tarn_monotonic_ns();
	tarn_log_close(data_log);
	double closed = seconds_since(begin);
	long before = resident_kib();
	begin = tarn_monotonic_ns();
	if (tarn_log_open(data_folder, NULL, &data_log, &err))
		fail(&err);
	double opened = seconds_since(begin);
	printf("%d topics: made %.0f ms, closed %.0f ms, opened %.1f ms, %ld KiB\n", MANY_TOPICS, made * 1e3,
	       closed * 1e3, opened * 1e3, resident_kib() - before);
	begin = tarn_monotonic_ns();
	for (int i = 0; i < MANY_TOPICS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "topic-%d", i);
		struct tarn_topic *topic = tarn_log_find_topic(data_log, name);
		struct tarn_offsets offsets;
		tarn_partition_offsets(tarn_topic_partition(topic, 0), &offsets);
		if (offsets.end != 1)
			exit(1);
		tarn_topic_unref(topic);
	}
	printf("%d topics: all partitions looked at %.1f ms, %ld KiB\n", MANY_TOPICS, seconds_since(begin) * 1e3,
	       resident_kib() - before);
	free(batch);
	free(scratch);
}

int main(int argc, char **argv)
{
	struct tarn_err err;
	if (argc < 2) {
		fprintf(stderr, "usage: bench_log FOLDER [COUNT]\n");
		return 2;
	}
	data_folder = argv[1];
	if (argc > 2)
		count = (size_t)atoll(argv[2]);
	if (tarn_log_open(data_folder, NULL, &data_log, &err))
		fail(&err);
	plain_one(1024);
	log_latency("one", 1024, 1);
	log_latency("four", 1024, 4);
	log_latency("many", 1024, 64);
	static const struct {
		const char *name;
		size_t bytes;
	} bulks[] = { { "bulk-16k", 16 << 10 }, { "bulk-64k", 64 << 10 }, { "bulk-1m", 1 << 20 } };
	for (size_t i = 0; i < sizeof(bulks) / sizeof(*bulks); i++) {
		double plain = plain_bulk(bulks[i].bytes), through = log_bulk(bulks[i].name, bulks[i].bytes);
		printf("bulk, batches of %4zu KiB            plain %6.0f MB/s   log %6.0f MB/s\n", bulks[i].bytes >> 10,
		       plain, through);
		fflush(stdout);
	}
	log_read("bulk-64k");
	open_many();
	tarn_log_close(data_log);
	return 0;
}
