#include "stream/broker/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "stream/broker/messages.h"

static char folder[] = "/tmp/tarn-metrics-XXXXXX";

static void has_line(const struct tarn_buf *text, const char *line)
{
	char framed[300];
	snprintf(framed, sizeof(framed), "\n%s\n", line);
	if (!strstr((const char *)text->data, framed))
		fail_msg("no line \"%s\" in:\n%s", line, (const char *)text->data);
}

static void what_was_counted_is_written(void **state)
{
	(void)state;
	struct tarn_log *log = NULL;
	struct tarn_topic *topic;
	struct tarn_log_options options = { 0 };
	struct tarn_broker broker;
	struct tarn_buf text;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(tarn_log_open(folder, &options, &log, NULL), TARN_OK);
	assert_int_equal(tarn_log_create_topic(log, "some.topic", 2, NULL, 0, &topic, NULL), TARN_OK);
	struct tarn_batch_builder *builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	struct tarn_slice batch;
	struct tarn_append appended;
	tarn_batch_builder_add(builder, 1, tarn_slice_str("key"), tarn_slice_str("value"), NULL, 0);
	assert_int_equal(tarn_batch_builder_finish(builder, NULL, &batch, NULL), TARN_OK);
	size_t len = batch.len;
	for (int i = 0; i < 2; i++)
		tarn_partition_append(tarn_topic_partition(topic, 1), (uint8_t *)(uintptr_t)batch.data, len, &appended);
	tarn_partition_count_out(tarn_topic_partition(topic, 1), 70);
	tarn_partition_count_out(tarn_topic_partition(topic, 1), 7);
	tarn_batch_builder_free(builder);
	tarn_topic_unref(topic);
	tarn_broker_init(&broker, log);
	tarn_metrics_count(broker.metrics, TARN_API_PRODUCE, 300000, 1000, 60, false);
	tarn_metrics_count(broker.metrics, TARN_API_PRODUCE, 2000000000, 500, 0, true);
	tarn_metrics_count(broker.metrics, 999, 1, 10, 0, true);
	tarn_metrics_count(broker.metrics, -1, 1, 10, 0, true);
	tarn_metrics_connection(broker.metrics, 1);
	tarn_metrics_connection(broker.metrics, 1);
	tarn_metrics_connection(broker.metrics, -1);
	tarn_buf_init(&text, 1 << 20);
	tarn_buf_add_byte(&text, '\n');
	tarn_broker_write_metrics(&broker, &text);
	tarn_buf_add_byte(&text, '\0');
	has_line(&text, "tarn_broker_request_seconds_bucket{api=\"produce\",le=\"0.00025\"} 0");
	has_line(&text, "tarn_broker_request_seconds_bucket{api=\"produce\",le=\"0.0005\"} 1");
	has_line(&text, "tarn_broker_request_seconds_bucket{api=\"produce\",le=\"1\"} 1");
	has_line(&text, "tarn_broker_request_seconds_bucket{api=\"produce\",le=\"+Inf\"} 2");
	has_line(&text, "tarn_broker_request_seconds_sum{api=\"produce\"} 2.000300000");
	has_line(&text, "tarn_broker_request_seconds_count{api=\"produce\"} 2");
	has_line(&text, "tarn_broker_request_bytes_total{api=\"produce\"} 1500");
	has_line(&text, "tarn_broker_answer_bytes_total{api=\"produce\"} 60");
	has_line(&text, "tarn_broker_hangups_total{api=\"produce\"} 1");
	has_line(&text, "tarn_broker_hangups_total{api=\"unknown\"} 2");
	has_line(&text, "tarn_broker_connections 1");
	has_line(&text, "tarn_broker_connections_accepted_total 2");
	has_line(&text, "tarn_topic_log_end_offset{topic=\"some.topic\",partition=\"0\"} 0");
	has_line(&text, "tarn_topic_log_end_offset{topic=\"some.topic\",partition=\"1\"} 2");
	has_line(&text, "tarn_topic_bytes_out_total{topic=\"some.topic\",partition=\"0\"} 0");
	has_line(&text, "tarn_topic_bytes_out_total{topic=\"some.topic\",partition=\"1\"} 77");
	char in[100];
	snprintf(in, sizeof(in), "tarn_topic_bytes_in_total{topic=\"some.topic\",partition=\"1\"} %zu", 2 * len);
	has_line(&text, in);
	assert_null(strstr((const char *)text.data, "api=\"fetch\""));
	tarn_buf_release(&text);
	tarn_broker_release(&broker);
	tarn_log_close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_was_counted_is_written) };
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	char command[100];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) ? 1 : failed;
}
