/* `tarn dlq`: what the sink could not write, and sending it again after a fix. Part of the network module.
 *
 * A letter is sent again in a transaction that also writes its origin into a topic beside it. So a second replay, or
 * one that was killed, finds what was sent and leaves it; and of two at once the second waits until the first has
 * ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/dlq_read.h"
#include "cli/options.h"
#include "cli/print.h"

extern const struct tarn_command tarn_command_dlq;

#define SECTION "DLQ"

/* ---- ls ---- */

struct listing {
	const struct tarn_kafka_options *kafka;
	const char *topic;
	struct tarn_print_table *table;
	struct tarn_buf json;
	bool as_json;
	struct tarn_replayed replayed;
	struct tarn_arena arena;
	int64_t n;
};

static void put_letter_json(struct listing *listing, const struct tarn_letter *letter, bool replayed)
{
	struct tarn_buf *out = &listing->json;
	tarn_print_json_begin(out, '{');
	const struct {
		const char *key, *text;
	} texts[] = { { "dead_letter_topic", listing->topic },
		      { "topic", letter->topic },
		      { "connector", letter->connector },
		      { "stage", letter->stage },
		      { "reason", letter->reason } };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		tarn_print_json_key(out, texts[i].key);
		tarn_print_json_text(out, texts[i].text);
	}
	const struct {
		const char *key;
		int64_t number;
	} numbers[] = { { "dead_letter_partition", letter->message->partition },
			{ "dead_letter_offset", letter->message->offset },
			{ "partition", letter->partition },
			{ "offset", letter->offset } };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		tarn_print_json_key(out, numbers[i].key);
		tarn_print_json_int(out, numbers[i].number);
	}
	tarn_print_json_key(out, "replayed");
	tarn_print_json_bool(out, replayed);
	tarn_print_json_end(out, '}');
	tarn_print_json_line(out, stdout);
}

static bool list_letter(void *context, const struct tarn_letter *letter)
{
	struct listing *listing = context;
	const char *origin = tarn_letter_origin(letter, &listing->arena);
	bool replayed = origin && tarn_replayed_has(&listing->replayed, origin);
	char place[64];
	listing->n++;
	if (listing->as_json) {
		put_letter_json(listing, letter, replayed);
		return true;
	}
	snprintf(place, sizeof(place), "%" PRId32 ":%" PRId64, letter->message->partition, letter->message->offset);
	tarn_print_cell(listing->table, listing->topic);
	tarn_print_cell(listing->table, place);
	tarn_print_cell(listing->table, origin ? origin : "?");
	tarn_print_cell(listing->table, letter->stage);
	tarn_print_cell(listing->table, replayed ? "yes" : *letter->replay_of ? "failed again" : "");
	tarn_print_cell(listing->table, letter->reason);
	return true;
}

static enum tarn_rc list_topic(struct listing *listing, const char *topic, struct tarn_err *err)
{
	listing->topic = topic;
	enum tarn_rc rc = tarn_replayed_read(listing->kafka, topic, &listing->replayed, err);
	if (!rc)
		rc = tarn_letters_read(listing->kafka, topic, list_letter, listing, err);
	tarn_replayed_release(&listing->replayed);
	return rc;
}

static enum tarn_rc list(struct listing *listing, const char *const *topics, size_t n, struct tarn_err *err)
{
	static const struct tarn_print_column columns[] = {
		{ .title = "TOPIC" }, { .title = "PLACE" },    { .title = "CAME FROM" },
		{ .title = "STAGE" }, { .title = "REPLAYED" }, { .title = "REASON", .widest = 100 },
	};
	enum tarn_rc rc = TARN_OK;
	listing->table = tarn_print_table_new(columns, 6);
	tarn_buf_init(&listing->json, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; !rc && i < n; i++)
		rc = list_topic(listing, topics[i], err);
	if (!rc && !listing->as_json && listing->n)
		tarn_print_table_write(listing->table, stdout);
	if (!rc && !listing->as_json && !listing->n)
		puts("no dead letters");
	tarn_buf_release(&listing->json);
	tarn_print_table_free(listing->table);
	return rc;
}

static int run_ls(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct listing listing = { .kafka = &kafka };
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		{ .name = "json", .help = "print JSON, a line each, for machines", .flag = &listing.as_json },
	};
	const struct tarn_usage usage = {
		.command = "dlq ls",
		.section = SECTION,
		.arguments = "[TOPIC...]",
		.max_arguments = 100,
		.summary = "Lists dead letters: what the sink could not write, where it came from and why. Without "
			   "TOPIC: of all topics\n"
			   "that end in .dlq.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	struct tarn_err err;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	const char **topics = (const char **)(argv + 1);
	size_t n = (size_t)argc - 1;
	tarn_arena_init(&listing.arena);
	enum tarn_rc rc = n ? TARN_OK : tarn_letter_topics(&kafka, &listing.arena, &topics, &n, &err);
	if (!rc)
		rc = list(&listing, topics, n, &err);
	tarn_arena_release(&listing.arena);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- show ---- */

struct place {
	int32_t partition;
	int64_t offset;
	bool found;
};

static void print_line(const char *name, struct tarn_slice value)
{
	struct tarn_buf out;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	tarn_buf_printf(&out, "%s: ", name);
	tarn_print_visible(&out, value);
	tarn_buf_add_byte(&out, '\n');
	fwrite(out.data, 1, out.len, stdout);
	tarn_buf_release(&out);
}

static void print_bytes(struct tarn_slice bytes)
{
	for (size_t at = 0; at < bytes.len; at += 16) {
		printf("%08zx ", at);
		for (size_t i = at; i < at + 16; i++)
			printf(i < bytes.len ? " %02x" : "   ", i < bytes.len ? bytes.data[i] : 0);
		fputs("  ", stdout);
		for (size_t i = at; i < at + 16 && i < bytes.len; i++)
			putchar(bytes.data[i] >= ' ' && bytes.data[i] < 0x7f ? bytes.data[i] : '.');
		putchar('\n');
	}
}

static bool show_letter(void *context, const struct tarn_letter *letter)
{
	struct place *place = context;
	const rd_kafka_message_t *message = letter->message;
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t len;
	if (message->partition != place->partition || message->offset != place->offset)
		return true;
	place->found = true;
	if (!rd_kafka_message_headers(message, &headers))
		for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
			print_line(name, tarn_slice_of(value, value ? len : 0));
	if (message->key)
		print_line("key", tarn_slice_of(message->key, message->key_len));
	if (message->payload)
		print_bytes(tarn_slice_of(message->payload, message->len));
	else
		puts("(null)");
	return false;
}

/* "PARTITION:OFFSET" or "OFFSET". */
static bool parse_place(const char *text, struct place *place)
{
	char *end;
	long long first = strtoll(text, &end, 10);
	*place = (struct place){ .offset = first };
	if (end != text && *end == ':') {
		const char *second = end + 1;
		place->partition = (int32_t)first;
		place->offset = strtoll(second, &end, 10);
		return end != second && !*end && place->offset >= 0 && first >= 0 && first <= INT32_MAX;
	}
	return end != text && !*end && first >= 0;
}

static int run_show(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct place place;
	int exit_code;
	const struct tarn_option options[] = { TARN_OPTIONS_KAFKA(&kafka) };
	const struct tarn_usage usage = {
		.command = "dlq show",
		.section = SECTION,
		.arguments = "TOPIC [PARTITION:]OFFSET",
		.min_arguments = 2,
		.max_arguments = 2,
		.summary = "Shows one dead letter: all that is known of it, and its bytes.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	struct tarn_err err;
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	if (!parse_place(argv[2], &place))
		return tarn_options_refuse(&usage, "\"%s\" is no place, expected OFFSET or PARTITION:OFFSET", argv[2]);
	enum tarn_rc rc = tarn_letters_read(&kafka, argv[1], show_letter, &place, &err);
	if (!rc && !place.found)
		rc = tarn_fail(&err, TARN_ENOTFOUND, "topic \"%s\" has no message at %s", argv[1], argv[2]);
	return rc ? tarn_print_error(&err) : TARN_EXIT_DONE;
}

/* ---- replay ---- */

struct replay {
	const char *topic;
	rd_kafka_t *producer;
	struct tarn_replayed replayed;
	struct tarn_arena arena;
	struct tarn_err *err;
	enum tarn_rc rc;
	bool dry_run, again;
	int64_t sent, left, failed, unknown; /* left: sent before; failed: sent before, and came back */
};

static enum tarn_rc kafka_error(rd_kafka_error_t *error, struct tarn_err *err)
{
	if (!error)
		return TARN_OK;
	enum tarn_rc rc = tarn_kafka_fail(err, rd_kafka_error_code(error), rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return rc;
}

static enum tarn_rc produce_again(struct replay *replay, const struct tarn_letter *letter, const char *origin)
{
	const rd_kafka_message_t *message = letter->message;
	rd_kafka_headers_t *all = rd_kafka_headers_new(8), *headers;
	const char *name;
	const void *value;
	size_t len;
	if (!rd_kafka_message_headers(message, &headers))
		for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
			if (!tarn_letter_is_about(name) && strcmp(name, TARN_REPLAY_OF))
				rd_kafka_header_add(all, name, -1, value, value ? (ssize_t)len : 0);
	const char *first = *letter->replay_of ? letter->replay_of : origin;
	rd_kafka_header_add(all, TARN_REPLAY_OF, -1, first, (ssize_t)strlen(first));
	rd_kafka_resp_err_t error = rd_kafka_producev(
		replay->producer, RD_KAFKA_V_TOPIC(letter->topic), RD_KAFKA_V_PARTITION((int32_t)letter->partition),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK),
		RD_KAFKA_V_KEY(message->key, message->key_len), RD_KAFKA_V_VALUE(message->payload, message->len),
		RD_KAFKA_V_HEADERS(all), RD_KAFKA_V_END);
	if (error) {
		rd_kafka_headers_destroy(all);
		return tarn_kafka_fail(replay->err, error, NULL);
	}
	char *beside = tarn_arena_printf(&replay->arena, "%s%s", replay->topic, TARN_REPLAYED_SUFFIX);
	error = rd_kafka_producev(replay->producer, RD_KAFKA_V_TOPIC(beside), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
				  RD_KAFKA_V_KEY((void *)origin, strlen(origin)),
				  RD_KAFKA_V_VALUE((void *)"replayed", 8), RD_KAFKA_V_END);
	return error ? tarn_kafka_fail(replay->err, error, NULL) : TARN_OK;
}

static bool replay_letter(void *context, const struct tarn_letter *letter)
{
	struct replay *replay = context;
	char *origin = tarn_letter_origin(letter, &replay->arena);
	if (!origin) {
		replay->unknown++;
	} else if (tarn_replayed_has(&replay->replayed, origin)) {
		replay->left++;
	} else if (*letter->replay_of && !replay->again) {
		replay->failed++;
	} else {
		tarn_replayed_add(&replay->replayed, origin);
		replay->sent++;
		if (!replay->dry_run)
			replay->rc = produce_again(replay, letter, origin);
	}
	return !replay->rc;
}

/* The topic of what was sent again; one that is there is fine. */
static enum tarn_rc make_topic(const struct replay *replay, struct tarn_err *err)
{
	char *name = tarn_asprintf("%s%s", replay->topic, TARN_REPLAYED_SUFFIX);
	enum tarn_rc rc = tarn_kafka_make_topic(replay->producer, name, 1, "cleanup.policy", "compact", err);
	free(name);
	return rc;
}

static enum tarn_rc open_producer(struct replay *replay, const struct tarn_kafka_options *kafka, struct tarn_err *err)
{
	char *id = tarn_asprintf("tarn-dlq-replay-%s", replay->topic);
	struct tarn_kafka_setting settings[] = { { "transactional.id", id } };
	enum tarn_rc rc = tarn_kafka_client_open(kafka, RD_KAFKA_PRODUCER, settings, 1, &replay->producer, err);
	free(id);
	if (!rc)
		rc = make_topic(replay, err);
	/* Ends, or waits for, what another replay of this topic has begun: what is read from here on is all there is.
	 */
	if (!rc)
		rc = kafka_error(rd_kafka_init_transactions(replay->producer, TARN_KAFKA_TIMEOUT_MS), err);
	return rc;
}

static enum tarn_rc replay_all(struct replay *replay, const struct tarn_kafka_options *kafka, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_replayed_read(kafka, replay->topic, &replay->replayed, err);
	if (!rc && !replay->dry_run)
		rc = kafka_error(rd_kafka_begin_transaction(replay->producer), err);
	if (!rc)
		rc = tarn_letters_read(kafka, replay->topic, replay_letter, replay, err);
	if (!rc)
		rc = replay->rc;
	if (!rc && !replay->dry_run)
		rc = kafka_error(rd_kafka_commit_transaction(replay->producer, TARN_KAFKA_TIMEOUT_MS), err);
	tarn_replayed_release(&replay->replayed);
	return rc;
}

static int run_replay(int argc, char **argv)
{
	struct tarn_kafka_options kafka = TARN_KAFKA_OPTIONS_DEFAULT;
	struct tarn_err err = { 0 };
	struct replay replay = { .err = &err };
	int exit_code;
	const struct tarn_option options[] = {
		TARN_OPTIONS_KAFKA(&kafka),
		{ .name = "again", .help = "also what was sent before and failed again", .flag = &replay.again },
		{ .name = "dry-run", .help = "say what would be sent, and send nothing", .flag = &replay.dry_run },
	};
	const struct tarn_usage usage = {
		.command = "dlq replay",
		.section = SECTION,
		.arguments = "TOPIC",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "Sends dead letters to the topics and partitions that they came from, as they were; each "
			   "once, however often\n"
			   "this is run.",
		.options = options,
		.n_options = sizeof(options) / sizeof(*options),
	};
	if (!tarn_options_parse(&usage, &argc, argv, &exit_code))
		return exit_code;
	replay.topic = argv[1];
	tarn_arena_init(&replay.arena);
	enum tarn_rc rc = replay.dry_run ? TARN_OK : open_producer(&replay, &kafka, &err);
	if (!rc)
		rc = replay_all(&replay, &kafka, &err);
	if (replay.producer)
		rd_kafka_destroy(replay.producer);
	tarn_arena_release(&replay.arena);
	if (rc)
		return tarn_print_error(&err);
	printf("%" PRId64 " %s, %" PRId64 " had been sent before", replay.sent,
	       replay.dry_run ? "would be sent" : "sent", replay.left);
	if (replay.failed)
		printf(", %" PRId64 " failed again (--again sends them once more)", replay.failed);
	if (replay.unknown)
		printf(", %" PRId64 " do not say where they came from", replay.unknown);
	putchar('\n');
	return TARN_EXIT_DONE;
}

/* ---- tarn dlq ---- */

static const struct tarn_command subcommand_ls = { "ls", "dead letters, where they came from and why", run_ls };
static const struct tarn_command subcommand_show = { "show", "one with its headers and bytes", run_show };
static const struct tarn_command subcommand_replay = { "replay", "send them again after a fix", run_replay };

static int run(int argc, char **argv)
{
	static const struct tarn_command *const subcommands[] = { &subcommand_ls, &subcommand_show, &subcommand_replay,
								  NULL };
	return tarn_subcommand_run(&tarn_command_dlq, subcommands, argc, argv);
}

const struct tarn_command tarn_command_dlq = { "dlq", "look at dead letters, and send them again", run };
