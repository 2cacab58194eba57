#include "stream/broker/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/messages.h"

/* Upper bounds in microseconds; one more bucket takes the rest. */
static const int64_t bounds_us[] = { 100,   250,   500,	   1000,   2500,    5000,   10000,
				     25000, 50000, 100000, 500000, 1000000, 5000000 };
enum { N_BOUNDS = sizeof(bounds_us) / sizeof(*bounds_us), MAX_KEY = 100 };

struct counters {
	atomic_uint_fast64_t buckets[N_BOUNDS + 1];
	atomic_uint_fast64_t nanoseconds, request_bytes, answer_bytes, hung_up;
};

struct tarn_metrics {
	struct counters apis[MAX_KEY + 1]; /* by key; the last: everything that is no API */
	atomic_int_fast64_t connections;
	atomic_uint_fast64_t accepted;
};

struct tarn_metrics *tarn_metrics_new(void)
{
	return tarn_calloc(1, sizeof(struct tarn_metrics));
}

void tarn_metrics_free(struct tarn_metrics *metrics)
{
	free(metrics);
}

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void tarn_metrics_count(struct tarn_metrics *metrics, int16_t api_key, int64_t nanoseconds, size_t request_bytes,
			size_t answer_bytes, bool hung_up)
{
	struct counters *api = &metrics->apis[tarn_api_find(api_key) ? api_key : MAX_KEY];
	size_t bucket = 0;
	while (bucket < N_BOUNDS && nanoseconds > bounds_us[bucket] * 1000)
		bucket++;
	add(&api->buckets[bucket], 1);
	add(&api->nanoseconds, (uint64_t)nanoseconds);
	add(&api->request_bytes, request_bytes);
	add(&api->answer_bytes, answer_bytes);
	add(&api->hung_up, hung_up);
}

void tarn_metrics_connection(struct tarn_metrics *metrics, int change)
{
	atomic_fetch_add(&metrics->connections, change);
	if (change > 0)
		add(&metrics->accepted, (uint64_t)change);
}

/* ---- text ---- */

static void put_head(struct tarn_buf *out, const char *name, const char *type, const char *help)
{
	tarn_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static uint64_t count_of(struct counters *api)
{
	uint64_t n = 0;
	for (size_t i = 0; i <= N_BOUNDS; i++)
		n += atomic_load(&api->buckets[i]);
	return n;
}

static const char *name_of(size_t key)
{
	const struct tarn_api *api = tarn_api_find((int16_t)key);
	return api ? api->name : "unknown";
}

static void put_seconds(struct counters *api, const char *name, struct tarn_buf *out)
{
	uint64_t below = 0;
	for (size_t i = 0; i <= N_BOUNDS; i++) {
		below += atomic_load(&api->buckets[i]);
		if (i < N_BOUNDS)
			tarn_buf_printf(out, "tarn_broker_request_seconds_bucket{api=\"%s\",le=\"%g\"} %llu\n", name,
					(double)bounds_us[i] / 1e6, (unsigned long long)below);
		else
			tarn_buf_printf(out, "tarn_broker_request_seconds_bucket{api=\"%s\",le=\"+Inf\"} %llu\n", name,
					(unsigned long long)below);
	}
	tarn_buf_printf(out, "tarn_broker_request_seconds_sum{api=\"%s\"} %.9f\n", name,
			(double)atomic_load(&api->nanoseconds) / 1e9);
	tarn_buf_printf(out, "tarn_broker_request_seconds_count{api=\"%s\"} %llu\n", name, (unsigned long long)below);
}

static void write_apis(struct tarn_metrics *metrics, struct tarn_buf *out)
{
	static const struct {
		const char *name, *help;
		size_t at;
	} totals[] = {
		{ "tarn_broker_request_bytes_total", "Bytes of requests.", offsetof(struct counters, request_bytes) },
		{ "tarn_broker_answer_bytes_total", "Bytes of answers.", offsetof(struct counters, answer_bytes) },
		{ "tarn_broker_hangups_total", "Requests for which the connection was closed.",
		  offsetof(struct counters, hung_up) },
	};
	put_head(out, "tarn_broker_request_seconds", "histogram", "From a request's last byte to its answer.");
	for (size_t key = 0; key <= MAX_KEY; key++)
		if (count_of(&metrics->apis[key]))
			put_seconds(&metrics->apis[key], name_of(key), out);
	for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++) {
		put_head(out, totals[i].name, "counter", totals[i].help);
		for (size_t key = 0; key <= MAX_KEY; key++) {
			struct counters *api = &metrics->apis[key];
			uint64_t value = atomic_load((atomic_uint_fast64_t *)(void *)((char *)api + totals[i].at));
			if (count_of(api))
				tarn_buf_printf(out, "%s{api=\"%s\"} %llu\n", totals[i].name, name_of(key),
						(unsigned long long)value);
		}
	}
	put_head(out, "tarn_broker_connections", "gauge", "Open connections of Kafka clients.");
	tarn_buf_printf(out, "tarn_broker_connections %lld\n", (long long)atomic_load(&metrics->connections));
	put_head(out, "tarn_broker_connections_accepted_total", "counter", "Connections of Kafka clients.");
	tarn_buf_printf(out, "tarn_broker_connections_accepted_total %llu\n",
			(unsigned long long)atomic_load(&metrics->accepted));
}

struct row {
	const char *topic;
	int32_t partition;
	struct tarn_offsets offsets;
};

/* Names of topics need no escapes: they are letters, digits, dots, underscores and dashes. */
static void write_partitions(const struct row *rows, size_t n, struct tarn_buf *out)
{
	static const struct {
		const char *name, *type, *help;
		size_t at;
	} values[] = {
		{ "tarn_topic_log_start_offset", "gauge", "First offset that is kept.",
		  offsetof(struct tarn_offsets, start) },
		{ "tarn_topic_high_watermark", "gauge", "First offset that is not durable yet.",
		  offsetof(struct tarn_offsets, high_watermark) },
		{ "tarn_topic_log_end_offset", "gauge", "Next offset to be given out.",
		  offsetof(struct tarn_offsets, end) },
		{ "tarn_topic_log_bytes", "gauge", "Bytes on disk.", offsetof(struct tarn_offsets, bytes) },
		{ "tarn_topic_bytes_in_total", "counter", "Bytes of records that were appended.",
		  offsetof(struct tarn_offsets, bytes_in) },
		{ "tarn_topic_bytes_out_total", "counter", "Bytes of records that clients were given.",
		  offsetof(struct tarn_offsets, bytes_out) },
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		put_head(out, values[i].name, values[i].type, values[i].help);
		for (size_t k = 0; k < n; k++) {
			int64_t value;
			memcpy(&value, (const char *)&rows[k].offsets + values[i].at, sizeof(value));
			tarn_buf_printf(out, "%s{topic=\"%s\",partition=\"%d\"} %lld\n", values[i].name, rows[k].topic,
					(int)rows[k].partition, (long long)value);
		}
	}
}

static void write_topics(struct tarn_log *log, struct tarn_buf *out)
{
	struct tarn_topic **topics;
	size_t n_topics = tarn_log_topics(log, &topics), n = 0, cap = 0;
	struct row *rows = NULL;
	for (size_t i = 0; i < n_topics; i++)
		for (int32_t k = 0; k < tarn_topic_partitions(topics[i]); k++) {
			rows = tarn_grow(rows, &cap, n + 1, sizeof(*rows));
			rows[n] = (struct row){ .topic = tarn_topic_name(topics[i]), .partition = k };
			tarn_partition_offsets(tarn_topic_partition(topics[i], k), &rows[n++].offsets);
		}
	write_partitions(rows, n, out);
	for (size_t i = 0; i < n_topics; i++)
		tarn_topic_unref(topics[i]);
	free(topics);
	free(rows);
}

void tarn_broker_write_metrics(struct tarn_broker *broker, struct tarn_buf *out)
{
	write_apis(broker->metrics, out);
	write_topics(broker->log, out);
}
