/* `tarn topic ls` and `tarn topic describe`. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/print.h"
#include "cli/topic_command.h"

enum { RATE_SECONDS = 60 };

/* What is known of a topic's partitions; arrays of as many elements as there are partitions. */
struct sight {
	const rd_kafka_metadata_topic_t *topic;
	int64_t *start, *end;
	int64_t *size;	     /* bytes, or -1 */
	int64_t *minute_ago; /* first record that is younger than RATE_SECONDS, or the end */
};

static void sight_release(struct sight *sight)
{
	free(sight->start);
	free(sight->end);
	free(sight->minute_ago);
	free(sight->size);
}

static int64_t *new_offsets(const struct sight *sight)
{
	return tarn_calloc((size_t)sight->topic->partition_cnt + 1, sizeof(int64_t));
}

/* The rate comes from the topic's time index: no second look after a while is needed. */
static enum tarn_rc look(rd_kafka_t *client, const struct tarn_kafka_options *kafka,
			 const struct rd_kafka_metadata *facts, int at, struct sight *sight, struct tarn_err *err)
{
	const rd_kafka_metadata_topic_t *topic = &facts->topics[at];
	int64_t now_ms = tarn_now_us() / 1000;
	sight->topic = topic;
	sight->start = new_offsets(sight);
	sight->end = new_offsets(sight);
	sight->minute_ago = new_offsets(sight);
	sight->size = new_offsets(sight);
	enum tarn_rc rc = tarn_topic_offsets(client, topic, RD_KAFKA_OFFSET_BEGINNING, sight->start, err);
	if (!rc)
		rc = tarn_topic_offsets(client, topic, now_ms - RATE_SECONDS * 1000, sight->minute_ago, err);
	if (!rc)
		rc = tarn_topic_offsets(client, topic, RD_KAFKA_OFFSET_END, sight->end, err);
	if (rc) {
		sight_release(sight);
		return rc;
	}
	tarn_topic_sizes(kafka, facts, topic, sight->size);
	for (int i = 0; i < topic->partition_cnt; i++)
		if (sight->minute_ago[i] < 0)
			sight->minute_ago[i] = sight->end[i];
	return TARN_OK;
}

static double rate(int64_t from, int64_t to)
{
	return (double)(to - from) / RATE_SECONDS;
}

/* Of those bytes what came in the last minute, as records of the average size. */
static double byte_rate(int64_t size, int64_t records, int64_t recent)
{
	return size > 0 && records > 0 ? rate(0, recent) * (double)size / (double)records : 0;
}

static void put_byte_rate(struct tarn_buf *out, int64_t size, int64_t records, int64_t recent)
{
	tarn_print_json_key(out, "bytes_per_second");
	if (size < 0)
		tarn_print_json_null(out);
	else
		tarn_print_json_double(out, byte_rate(size, records, recent));
}

static void print_rate(struct tarn_print_table *table, int64_t from, int64_t to)
{
	char text[TARN_PRINT_NUMBER_SIZE];
	snprintf(text, sizeof(text), "%.1f", rate(from, to));
	tarn_print_cell(table, text);
}

static void print_size(struct tarn_print_table *table, int64_t size)
{
	if (size < 0)
		tarn_print_cell(table, "-");
	else
		tarn_print_cell_bytes(table, size);
}

static void print_byte_rate(struct tarn_print_table *table, int64_t size, int64_t records, int64_t recent)
{
	print_size(table, size < 0 ? -1 : (int64_t)byte_rate(size, records, recent));
}

static void put_size(struct tarn_buf *out, int64_t size)
{
	tarn_print_json_key(out, "bytes");
	if (size < 0)
		tarn_print_json_null(out);
	else
		tarn_print_json_int(out, size);
}

struct totals {
	int64_t records, recent, size;
};

static struct totals total(const struct sight *sight)
{
	struct totals totals = { 0, 0, 0 };
	for (int i = 0; i < sight->topic->partition_cnt; i++) {
		totals.records += sight->end[i] - sight->start[i];
		totals.recent += sight->end[i] - sight->minute_ago[i];
		totals.size = totals.size < 0 || sight->size[i] < 0 ? -1 : totals.size + sight->size[i];
	}
	return totals;
}

/* ---- ls ---- */

static const struct tarn_print_column ls_columns[] = {
	{ "TOPIC", false, 0 }, { "PARTITIONS", true, 0 }, { "OFFSETS", true, 0 },
	{ "SIZE", true, 0 },   { "PER SECOND", true, 0 },
};

static void list_one(struct tarn_print_table *table, const struct sight *sight)
{
	struct totals totals = total(sight);
	tarn_print_cell(table, sight->topic->topic);
	tarn_print_cell_count(table, sight->topic->partition_cnt);
	tarn_print_cell_count(table, totals.records);
	print_size(table, totals.size);
	print_rate(table, 0, totals.recent);
}

static void list_one_json(struct tarn_buf *out, const struct sight *sight)
{
	struct totals totals = total(sight);
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "topic");
	tarn_print_json_text(out, sight->topic->topic);
	tarn_print_json_key(out, "partitions");
	tarn_print_json_int(out, sight->topic->partition_cnt);
	tarn_print_json_key(out, "records");
	tarn_print_json_int(out, totals.records);
	put_size(out, totals.size);
	tarn_print_json_key(out, "records_per_second");
	tarn_print_json_double(out, rate(0, totals.recent));
	put_byte_rate(out, totals.size, totals.records, totals.recent);
	tarn_print_json_end(out, '}');
	tarn_print_json_line(out, stdout);
}

static int by_name(const void *a, const void *b)
{
	const rd_kafka_metadata_topic_t *const *left = a, *const *right = b;
	return strcmp((*left)->topic, (*right)->topic);
}

/* Topics that a broker or a client keeps for itself begin so, by custom. */
static bool is_internal(const char *name)
{
	return name[0] == '_';
}

static enum tarn_rc list_topics(rd_kafka_t *client, const struct tarn_kafka_options *kafka,
				const struct rd_kafka_metadata *facts, bool all, bool json, struct tarn_err *err)
{
	size_t n = 0;
	const rd_kafka_metadata_topic_t **topics = tarn_calloc((size_t)facts->topic_cnt + 1, sizeof(*topics));
	for (int i = 0; i < facts->topic_cnt; i++)
		if (all || !is_internal(facts->topics[i].topic))
			topics[n++] = &facts->topics[i];
	qsort(topics, n, sizeof(*topics), by_name);
	struct tarn_print_table *table = tarn_print_table_new(ls_columns, sizeof(ls_columns) / sizeof(*ls_columns));
	struct tarn_buf out;
	enum tarn_rc rc = TARN_OK;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; !rc && i < n; i++) {
		struct sight sight;
		rc = look(client, kafka, facts, (int)(topics[i] - facts->topics), &sight, err);
		if (rc)
			break;
		if (json)
			list_one_json(&out, &sight);
		else
			list_one(table, &sight);
		sight_release(&sight);
	}
	if (!rc && !json)
		tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
	tarn_buf_release(&out);
	free(topics);
	return rc;
}

struct listing {
	const struct tarn_kafka_options *kafka;
	bool all, json;
};

static enum tarn_rc list(struct tarn_kafka_admin *admin, const char *unused, void *context, struct tarn_err *err)
{
	const struct listing *how = context;
	const struct rd_kafka_metadata *facts;
	(void)unused;
	enum tarn_rc rc = tarn_topic_facts(admin->client, NULL, &facts, err);
	if (rc)
		return rc;
	rc = list_topics(admin->client, how->kafka, facts, how->all, how->json, err);
	rd_kafka_metadata_destroy(facts);
	return rc;
}

static int run_ls(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct listing how = { .kafka = &kafka };
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		TARN_TOPIC_OPTION_JSON(&how.json),
		{ .name = "all", .letter = 'a', .help = "also those that begin with \"_\"", .flag = &how.all },
	};
	const struct tarn_usage usage = {
		.command = "topic ls",
		.section = TARN_TOPIC_SECTION,
		.arguments = "",
		.max_arguments = 0,
		.summary = "Lists topics with the offsets they hold (records, and the ends of transactions) and what "
			   "came in the last minute; with --json, a "
			   "line each.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	return tarn_admin_run(&kafka, NULL, 0, false, list, &how);
}

/* ---- describe ---- */

static const struct tarn_print_column partition_columns[] = {
	{ "PARTITION", true, 0 }, { "LEADER", true, 0 }, { "START", true, 0 },	    { "END", true, 0 },
	{ "OFFSETS", true, 0 },	  { "SIZE", true, 0 },	 { "PER SECOND", true, 0 }, { "BYTES A SECOND", true, 0 },
};

static void describe_for_people(const struct sight *sight, const rd_kafka_ConfigEntry_t **settings, size_t n)
{
	struct totals totals = total(sight);
	char records[TARN_PRINT_NUMBER_SIZE], size[TARN_PRINT_NUMBER_SIZE] = "-", bytes[TARN_PRINT_NUMBER_SIZE] = "-";
	tarn_format_count(totals.records, records);
	if (totals.size >= 0)
		tarn_format_bytes(totals.size, size);
	if (totals.size >= 0)
		tarn_format_bytes((int64_t)byte_rate(totals.size, totals.records, totals.recent), bytes);
	printf("topic        %s\npartitions   %d\noffsets      %s\nsize         %s\n", sight->topic->topic,
	       sight->topic->partition_cnt, records, size);
	printf("per second   %.1f, %s (last minute)\n", rate(0, totals.recent), bytes);
	for (size_t i = 0; i < n; i++)
		if (rd_kafka_ConfigEntry_source(settings[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
			printf("setting      %s=%s\n", rd_kafka_ConfigEntry_name(settings[i]),
			       rd_kafka_ConfigEntry_value(settings[i]) ? rd_kafka_ConfigEntry_value(settings[i]) : "");
	putchar('\n');
	struct tarn_print_table *table =
		tarn_print_table_new(partition_columns, sizeof(partition_columns) / sizeof(*partition_columns));
	for (int i = 0; i < sight->topic->partition_cnt; i++) {
		tarn_print_cell_count(table, i);
		tarn_print_cell_count(table, sight->topic->partitions[i].leader);
		tarn_print_cell_count(table, sight->start[i]);
		tarn_print_cell_count(table, sight->end[i]);
		tarn_print_cell_count(table, sight->end[i] - sight->start[i]);
		print_size(table, sight->size[i]);
		print_rate(table, sight->minute_ago[i], sight->end[i]);
		print_byte_rate(table, sight->size[i], sight->end[i] - sight->start[i],
				sight->end[i] - sight->minute_ago[i]);
	}
	tarn_print_table_write(table, stdout);
	tarn_print_table_free(table);
}

static void put_partition(struct tarn_buf *out, const struct sight *sight, int i)
{
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "partition");
	tarn_print_json_int(out, i);
	tarn_print_json_key(out, "leader");
	tarn_print_json_int(out, sight->topic->partitions[i].leader);
	tarn_print_json_key(out, "start");
	tarn_print_json_int(out, sight->start[i]);
	tarn_print_json_key(out, "end");
	tarn_print_json_int(out, sight->end[i]);
	put_size(out, sight->size[i]);
	tarn_print_json_key(out, "records_per_second");
	tarn_print_json_double(out, rate(sight->minute_ago[i], sight->end[i]));
	put_byte_rate(out, sight->size[i], sight->end[i] - sight->start[i], sight->end[i] - sight->minute_ago[i]);
	tarn_print_json_end(out, '}');
}

static void describe_for_machines(const struct sight *sight, const rd_kafka_ConfigEntry_t **settings, size_t n)
{
	struct tarn_buf out;
	struct totals totals = total(sight);
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_print_json_begin(&out, '{');
	tarn_print_json_key(&out, "topic");
	tarn_print_json_text(&out, sight->topic->topic);
	tarn_print_json_key(&out, "records");
	tarn_print_json_int(&out, totals.records);
	put_size(&out, totals.size);
	tarn_print_json_key(&out, "records_per_second");
	tarn_print_json_double(&out, rate(0, totals.recent));
	put_byte_rate(&out, totals.size, totals.records, totals.recent);
	tarn_print_json_key(&out, "settings");
	tarn_print_json_begin(&out, '{');
	for (size_t i = 0; i < n; i++)
		if (rd_kafka_ConfigEntry_source(settings[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG) {
			tarn_print_json_key(&out, rd_kafka_ConfigEntry_name(settings[i]));
			tarn_print_json_text(&out, rd_kafka_ConfigEntry_value(settings[i]));
		}
	tarn_print_json_end(&out, '}');
	tarn_print_json_key(&out, "partitions");
	tarn_print_json_begin(&out, '[');
	for (int i = 0; i < sight->topic->partition_cnt; i++)
		put_partition(&out, sight, i);
	tarn_print_json_end(&out, ']');
	tarn_print_json_end(&out, '}');
	tarn_print_json_line(&out, stdout);
	tarn_buf_release(&out);
}

static enum tarn_rc describe_seen(struct tarn_kafka_admin *admin, const struct sight *sight, bool json,
				  struct tarn_err *err)
{
	rd_kafka_event_t *event;
	const rd_kafka_ConfigEntry_t **settings;
	size_t n;
	enum tarn_rc rc = tarn_topic_settings(admin, sight->topic->topic, &event, &settings, &n, err);
	if (rc)
		return rc;
	(json ? describe_for_machines : describe_for_people)(sight, settings, n);
	rd_kafka_event_destroy(event);
	return TARN_OK;
}

struct describing {
	const struct tarn_kafka_options *kafka;
	bool json;
};

static enum tarn_rc describe(struct tarn_kafka_admin *admin, const char *name, void *context, struct tarn_err *err)
{
	const struct describing *how = context;
	const struct rd_kafka_metadata *facts;
	struct sight sight;
	enum tarn_rc rc = tarn_topic_facts(admin->client, name, &facts, err);
	if (rc)
		return rc;
	int at = 0;
	while (strcmp(facts->topics[at].topic, name))
		at++;
	rc = look(admin->client, how->kafka, facts, at, &sight, err);
	if (!rc) {
		rc = describe_seen(admin, &sight, how->json, err);
		sight_release(&sight);
	}
	rd_kafka_metadata_destroy(facts);
	return rc;
}

static int run_describe(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct describing how = { .kafka = &kafka };
	int exit_code;
	const struct tarn_option options[] = { TARN_OPTIONS_KAFKA(&kafka), TARN_TOPIC_OPTION_JSON(&how.json) };
	const struct tarn_usage usage = {
		.command = "topic describe",
		.section = TARN_TOPIC_SECTION,
		.arguments = "TOPIC...",
		.min_arguments = 1,
		.max_arguments = 1000,
		.summary = "Shows a topic's own settings and, for each partition, its offsets, its size, and the "
			   "records and bytes a second that came in the last minute (bytes as records of average "
			   "size).",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	return tarn_admin_run(&kafka, argv + 1, argc - 1, !how.json, describe, &how);
}

const struct tarn_command tarn_command_topic_ls = { "ls", "topics, their records and rates", run_ls };
const struct tarn_command tarn_command_topic_describe = { "describe", "settings, partitions and offsets of a topic",
							  run_describe };
