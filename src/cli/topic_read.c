/* `tarn topic read`. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/print.h"
#include "cli/publishing.h"
#include "cli/topic_command.h"
#include "serialize/avro/json.h"
#include "serialize/schema/registry_client.h"
#include "serialize/schema/wire.h"

enum { POLL_MS = 200 };

struct read_options {
	const char *from;		  /* "beginning", "end" or a time */
	int64_t partition, offset, count; /* -1: all, none given, no limit */
	bool follow, uncommitted, json, decode;
	const char *registry; /* URL, for decode */
};

struct reading {
	const struct read_options *options;
	rd_kafka_t *client;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	int open_partitions; /* that have not ended yet */
	int64_t left;	     /* messages to print; negative: no limit */
	struct tarn_buf out;
	struct tarn_registry_client *registry; /* NULL: values are printed as they are */
	struct tarn_buf decoded;
	struct tarn_err why; /* a value was not decoded */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* ---- messages ---- */

/* Text as it is; bytes that are no text in base64, under a key that says so. */
static void put_bytes(struct tarn_buf *out, const char *key, struct tarn_slice bytes)
{
	if (bytes.data && tarn_utf8_valid(bytes) != bytes.len) {
		char *name = tarn_asprintf("%s_base64", key);
		char *text = tarn_malloc(bytes.len / 3 * 4 + 5);
		EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.len);
		tarn_print_json_key(out, name);
		tarn_print_json_text(out, text);
		free(text);
		free(name);
		return;
	}
	tarn_print_json_key(out, key);
	if (bytes.data)
		tarn_print_json_slice(out, bytes);
	else
		tarn_print_json_null(out);
}

/* A length of 0 beside NULL is how librdkafka gives null. */
static struct tarn_slice slice_of(const void *data, size_t len)
{
	return data ? tarn_slice_of(data, len) : (struct tarn_slice){ NULL, 0 };
}

typedef void (*header_work)(struct tarn_buf *out, const char *name, struct tarn_slice value);

static void each_header(const rd_kafka_message_t *message, struct tarn_buf *out, header_work work)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t len;
	if (rd_kafka_message_headers(message, &headers))
		return;
	for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
		work(out, name, slice_of(value, len));
}

static void put_header(struct tarn_buf *out, const char *name, struct tarn_slice value)
{
	tarn_print_json_begin(out, '{');
	put_bytes(out, "key", tarn_slice_str(name));
	put_bytes(out, "value", value);
	tarn_print_json_end(out, '}');
}

/* The value as JSON, by the schema that it names. False: it is printed as the bytes that it is. */
static bool decode(struct reading *reading, struct tarn_slice value, uint32_t *id)
{
	const struct tarn_known_schema *schema;
	struct tarn_slice datum;
	tarn_buf_clear(&reading->decoded);
	*reading->why.message = '\0';
	if (!reading->registry || !value.data)
		return false;
	if (tarn_wire_parse(value, id, &datum, &reading->why) ||
	    tarn_registry_by_id(reading->registry, *id, &schema, &reading->why))
		return false;
	struct tarn_cursor cursor = tarn_cursor_of(datum);
	enum tarn_rc rc = !schema->avro ? tarn_fail(&reading->why, TARN_EUNSUPPORTED, "schema %u is not Avro", *id)
					: tarn_avro_json_write(schema->avro, &cursor, TARN_AVRO_JSON_NATIVE,
							       &reading->decoded, &reading->why);
	if (!rc && tarn_cursor_left(&cursor))
		rc = tarn_fail(&reading->why, TARN_EINVALID, "%zu bytes left over behind the datum",
			       tarn_cursor_left(&cursor));
	return !rc;
}

static void put_value(struct reading *reading, struct tarn_buf *out, struct tarn_slice value)
{
	uint32_t id;
	if (!decode(reading, value, &id)) {
		put_bytes(out, "value", value);
		if (*reading->why.message) {
			tarn_print_json_key(out, "not_decoded");
			tarn_print_json_text(out, reading->why.message);
		}
		return;
	}
	tarn_print_json_key(out, "schema_id");
	tarn_print_json_int(out, id);
	tarn_print_json_key(out, "value");
	tarn_buf_add_slice(out, tarn_buf_slice(&reading->decoded));
}

static void put_message(struct reading *reading, struct tarn_buf *out, const rd_kafka_message_t *message,
			int64_t timestamp)
{
	tarn_print_json_begin(out, '{');
	tarn_print_json_key(out, "topic");
	tarn_print_json_text(out, rd_kafka_topic_name(message->rkt));
	tarn_print_json_key(out, "partition");
	tarn_print_json_int(out, message->partition);
	tarn_print_json_key(out, "offset");
	tarn_print_json_int(out, message->offset);
	tarn_print_json_key(out, "time");
	if (timestamp < 0)
		tarn_print_json_null(out);
	else
		tarn_print_json_time(out, timestamp * 1000);
	put_bytes(out, "key", slice_of(message->key, message->key_len));
	put_value(reading, out, slice_of(message->payload, message->len));
	tarn_print_json_key(out, "headers");
	tarn_print_json_begin(out, '[');
	each_header(message, out, put_header);
	tarn_print_json_end(out, ']');
	tarn_print_json_end(out, '}');
}

static void add_text(struct tarn_buf *out, struct tarn_slice bytes)
{
	if (bytes.data)
		tarn_print_visible(out, bytes);
	else
		tarn_buf_add_str(out, "(null)");
}

static void add_header(struct tarn_buf *out, const char *name, struct tarn_slice value)
{
	tarn_buf_add_str(out, "  ");
	add_text(out, tarn_slice_str(name));
	tarn_buf_add_str(out, ": ");
	add_text(out, value);
	tarn_buf_add_byte(out, '\n');
}

static void add_message(struct reading *reading, struct tarn_buf *out, const rd_kafka_message_t *message,
			int64_t timestamp)
{
	struct tarn_slice value = slice_of(message->payload, message->len);
	uint32_t id;
	char time[TARN_TIMESTAMP_SIZE] = "-";
	if (timestamp >= 0)
		tarn_format_timestamp(timestamp * 1000, time);
	tarn_buf_printf(out, "%" PRId32 ":%" PRId64 "  %s  ", message->partition, message->offset, time);
	add_text(out, slice_of(message->key, message->key_len));
	tarn_buf_add_byte(out, '\n');
	each_header(message, out, add_header);
	tarn_buf_add_str(out, "  ");
	if (decode(reading, value, &id))
		tarn_buf_add_slice(out, tarn_buf_slice(&reading->decoded));
	else
		add_text(out, value);
	if (*reading->why.message)
		tarn_buf_printf(out, "\n  not decoded: %s", reading->why.message);
	tarn_buf_add_byte(out, '\n');
}

static void print_message(struct reading *reading, const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t timestamp = rd_kafka_message_timestamp(message, &type);
	if (reading->options->json) {
		put_message(reading, &reading->out, message, timestamp);
		tarn_print_json_line(&reading->out, stdout);
		return;
	}
	add_message(reading, &reading->out, message, timestamp);
	fwrite(reading->out.data, 1, reading->out.len, stdout);
	tarn_buf_clear(&reading->out);
}

/* ---- reading ---- */

static enum tarn_rc take(struct reading *reading, const rd_kafka_message_t *message, struct tarn_err *err)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		if (!reading->options->follow)
			reading->open_partitions--;
		return TARN_OK;
	}
	if (message->err)
		return tarn_kafka_fail(err, message->err, rd_kafka_message_errstr(message));
	print_message(reading, message);
	if (reading->left > 0)
		reading->left--;
	return TARN_OK;
}

static enum tarn_rc read_on(struct reading *reading, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	while (!rc && !interrupted && reading->left && reading->open_partitions > 0) {
		rd_kafka_message_t *message = rd_kafka_consume_queue(reading->queue, POLL_MS);
		if (!message) {
			fflush(stdout);
			continue;
		}
		rc = take(reading, message, err);
		rd_kafka_message_destroy(message);
	}
	return rc;
}

/* The offset of each partition to begin at. */
static enum tarn_rc find_start(rd_kafka_t *client, const rd_kafka_metadata_topic_t *topic,
			       const struct read_options *options, int64_t *offsets, struct tarn_err *err)
{
	int64_t when = RD_KAFKA_OFFSET_BEGINNING, us;
	if (options->offset >= 0) {
		offsets[options->partition] = options->offset;
		return TARN_OK;
	}
	if (!strcmp(options->from, "end"))
		when = RD_KAFKA_OFFSET_END;
	else if (tarn_parse_timestamp(options->from, &us))
		when = us / 1000;
	else if (strcmp(options->from, "beginning"))
		return tarn_fail(err, TARN_EINVALID,
				 "--from is \"%s\", expected beginning, end, or a time as 2026-01-02T03:04:05Z",
				 options->from);
	return tarn_topic_offsets(client, topic, when, offsets, err);
}

static enum tarn_rc start_partition(struct reading *reading, int32_t partition, int64_t offset, struct tarn_err *err)
{
	if (rd_kafka_consume_start_queue(reading->topic, partition, offset < 0 ? RD_KAFKA_OFFSET_END : offset,
					 reading->queue))
		return tarn_kafka_fail(err, rd_kafka_last_error(), NULL);
	reading->open_partitions++;
	return TARN_OK;
}

static enum tarn_rc read_partitions(struct reading *reading, const int64_t *offsets, int n, struct tarn_err *err)
{
	const struct read_options *options = reading->options;
	int first = options->partition >= 0 ? (int)options->partition : 0;
	int last = options->partition >= 0 ? first + 1 : n, started = first;
	enum tarn_rc rc = TARN_OK;
	for (; !rc && started < last; started++)
		rc = start_partition(reading, started, offsets[started], err);
	if (!rc)
		rc = read_on(reading, err);
	for (int i = first; i < started; i++)
		rd_kafka_consume_stop(reading->topic, i);
	return rc;
}

static enum tarn_rc read_topic(rd_kafka_t *client, struct tarn_registry_client *registry,
			       const rd_kafka_metadata_topic_t *topic, const struct read_options *options,
			       struct tarn_err *err)
{
	struct reading reading = { .options = options, .client = client, .registry = registry, .left = options->count };
	if (options->partition >= topic->partition_cnt)
		return tarn_fail(err, TARN_ENOTFOUND, "topic \"%s\" has no partition %" PRId64 ", only 0 to %d",
				 topic->topic, options->partition, topic->partition_cnt - 1);
	int64_t *offsets = tarn_calloc((size_t)topic->partition_cnt + 1, sizeof(*offsets));
	enum tarn_rc rc = find_start(client, topic, options, offsets, err);
	if (!rc) {
		tarn_buf_init(&reading.out, TARN_BUF_DEFAULT_MAX);
		tarn_buf_init(&reading.decoded, TARN_BUF_DEFAULT_MAX);
		reading.topic = rd_kafka_topic_new(client, topic->topic, NULL);
		reading.queue = rd_kafka_queue_new(client);
		rc = read_partitions(&reading, offsets, topic->partition_cnt, err);
		rd_kafka_queue_destroy(reading.queue);
		rd_kafka_topic_destroy(reading.topic);
		tarn_buf_release(&reading.out);
		tarn_buf_release(&reading.decoded);
	}
	free(offsets);
	return rc;
}

static enum tarn_rc read_named(const struct tarn_kafka_options *kafka, const char *name,
			       const struct read_options *options, struct tarn_err *err)
{
	const struct tarn_kafka_setting settings[] = {
		{ "enable.partition.eof", "true" },
		{ "enable.auto.offset.store", "false" },
		{ "isolation.level", options->uncommitted ? "read_uncommitted" : "read_committed" },
	};
	struct tarn_registry_client *registry = NULL;
	rd_kafka_t *client;
	const struct rd_kafka_metadata *facts;
	enum tarn_rc rc = tarn_kafka_client_open(kafka, RD_KAFKA_CONSUMER, settings,
						 sizeof(settings) / sizeof(*settings), &client, err);
	if (rc)
		return rc;
	if (options->decode)
		rc = tarn_registry_client_open(&(struct tarn_registry_client_options){ .url = options->registry },
					       &registry, err);
	if (rc) {
		rd_kafka_destroy(client);
		return rc;
	}
	rc = tarn_topic_facts(client, name, &facts, err);
	if (!rc) {
		int at = 0;
		while (strcmp(facts->topics[at].topic, name))
			at++;
		rc = read_topic(client, registry, &facts->topics[at], options, err);
		rd_kafka_metadata_destroy(facts);
	}
	tarn_registry_client_free(registry);
	rd_kafka_destroy(client);
	return rc;
}

static int run_read(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct read_options read = {
		.from = "beginning", .partition = -1, .offset = -1, .count = -1, .registry = TARN_REGISTRY_DEFAULT
	};
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		TARN_TOPIC_OPTION_JSON(&read.json),
		{ .name = "from",
		  .argument = "WHERE",
		  .help = "beginning (default), end, or a time",
		  .text = &read.from },
		{ .name = "partition",
		  .letter = 'p',
		  .argument = "N",
		  .help = "only this one",
		  .number = &read.partition },
		{ .name = "offset",
		  .letter = 'o',
		  .argument = "N",
		  .help = "where in --partition",
		  .number = &read.offset },
		{ .name = "count", .letter = 'n', .argument = "N", .help = "at most so many", .number = &read.count },
		{ .name = "decode",
		  .help = "print values that name a registered Avro schema as JSON",
		  .flag = &read.decode },
		{ .name = "registry",
		  .argument = "URL",
		  .help = "the schema registry (default: " TARN_REGISTRY_DEFAULT ")",
		  .text = &read.registry },
		{ .name = "follow", .letter = 'f', .help = "wait for more at the end", .flag = &read.follow },
		{ .name = "uncommitted", .help = "also of open and aborted transactions", .flag = &read.uncommitted },
	};
	const struct tarn_usage usage = {
		.command = "topic read",
		.section = TARN_TOPIC_SECTION,
		.arguments = "TOPIC",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Prints the records of a topic up to its present end: place, time, key, headers and value; "
			   "with --json, a line "
			   "each, with bytes that are no text in base64.",
		.example = "  tarn topic read experiment.vqe --from 2026-01-02T00:00:00Z --count 10 --json\n",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	struct tarn_err err;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (read.offset >= 0 && read.partition < 0)
		return tarn_options_refuse(&usage, "--offset needs --partition");
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	return read_named(&kafka, argv[1], &read, &err) ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

const struct tarn_command tarn_command_topic_read = { "read", "records of a topic: keys, headers, values", run_read };
