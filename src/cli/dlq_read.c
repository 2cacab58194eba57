#include "cli/dlq_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stream/sink/dead_letter.h"

bool tarn_letter_is_about(const char *header)
{
	return !strncmp(header, TARN_DEAD_LETTER_PREFIX, strlen(TARN_DEAD_LETTER_PREFIX));
}

char *tarn_letter_origin(const struct tarn_letter *letter, struct tarn_arena *arena)
{
	if (!*letter->topic || letter->partition < 0 || letter->offset < 0)
		return NULL;
	return tarn_arena_printf(arena, "%s/%" PRId64 "/%" PRId64, letter->topic, letter->partition, letter->offset);
}

static void read_headers(struct tarn_letter *letter, struct tarn_arena *arena)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t len;
	if (rd_kafka_message_headers(letter->message, &headers))
		return;
	for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++) {
		if (!strcmp(name, TARN_REPLAY_OF) && value)
			letter->replay_of = tarn_arena_strndup(arena, value, len);
		if (!tarn_letter_is_about(name) || !value)
			continue;
		const char *text = tarn_arena_strndup(arena, value, len),
			   *word = name + strlen(TARN_DEAD_LETTER_PREFIX);
		if (!strcmp(word, "topic"))
			letter->topic = text;
		else if (!strcmp(word, "partition"))
			letter->partition = strtoll(text, NULL, 10);
		else if (!strcmp(word, "offset"))
			letter->offset = strtoll(text, NULL, 10);
		else if (!strcmp(word, "connector.name"))
			letter->connector = text;
		else if (!strcmp(word, "stage"))
			letter->stage = text;
		else if (!strcmp(word, "exception.message"))
			letter->reason = text;
	}
}

/* ---- reading ---- */

struct reading {
	rd_kafka_t *client;
	tarn_letter_visit visit;
	void *context;
	struct tarn_err *err;
};

static enum tarn_rc take(struct reading *reading, const rd_kafka_message_t *message, bool *more)
{
	struct tarn_letter letter = { message, "", -1, -1, "", "", "", "" };
	struct tarn_arena arena;
	*more = message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF;
	if (!*more)
		return TARN_OK;
	if (message->err)
		return tarn_kafka_fail(reading->err, message->err, rd_kafka_message_errstr(message));
	tarn_arena_init(&arena);
	read_headers(&letter, &arena);
	*more = reading->visit(reading->context, &letter);
	tarn_arena_release(&arena);
	return TARN_OK;
}

static enum tarn_rc read_partition(struct reading *reading, rd_kafka_topic_t *topic, int32_t partition)
{
	if (rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING))
		return tarn_kafka_fail(reading->err, rd_kafka_last_error(), NULL);
	enum tarn_rc rc = TARN_OK;
	for (bool more = true; !rc && more;) {
		rd_kafka_message_t *message = rd_kafka_consume(topic, partition, TARN_KAFKA_TIMEOUT_MS);
		if (!message)
			rc = tarn_kafka_fail(reading->err, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
		else
			rc = take(reading, message, &more);
		if (message)
			rd_kafka_message_destroy(message);
	}
	rd_kafka_consume_stop(topic, partition);
	return rc;
}

static enum tarn_rc read_topic(struct reading *reading, const char *name)
{
	const struct rd_kafka_metadata *facts;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(reading->client, name, NULL);
	rd_kafka_resp_err_t error = rd_kafka_metadata(reading->client, 0, topic, &facts, TARN_KAFKA_TIMEOUT_MS);
	enum tarn_rc rc = error ? tarn_kafka_fail(reading->err, error, NULL) : TARN_OK;
	if (!rc) {
		const rd_kafka_metadata_topic_t *one = &facts->topics[0];
		if (one->err)
			rc = tarn_kafka_fail(reading->err, one->err, NULL);
		for (int i = 0; !rc && i < one->partition_cnt; i++)
			rc = read_partition(reading, topic, one->partitions[i].id);
		rd_kafka_metadata_destroy(facts);
	}
	rd_kafka_topic_destroy(topic);
	return rc ? tarn_err_within(reading->err, rc, "topic \"%s\"", name) : TARN_OK;
}

static enum tarn_rc open_consumer(const struct tarn_kafka_options *kafka, rd_kafka_t **client, struct tarn_err *err)
{
	static const struct tarn_kafka_setting settings[] = {
		{ "enable.partition.eof", "true" },
		{ "isolation.level", "read_committed" },
		{ "allow.auto.create.topics", "false" },
	};
	return tarn_kafka_client_open(kafka, RD_KAFKA_CONSUMER, settings, 3, client, err);
}

enum tarn_rc tarn_letters_read(const struct tarn_kafka_options *kafka, const char *topic, tarn_letter_visit visit,
			       void *context, struct tarn_err *err)
{
	struct reading reading = { .visit = visit, .context = context, .err = err };
	enum tarn_rc rc = open_consumer(kafka, &reading.client, err);
	if (rc)
		return rc;
	rc = read_topic(&reading, topic);
	rd_kafka_destroy(reading.client);
	return rc;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t a = strlen(name), b = strlen(suffix);
	return a > b && !strcmp(name + a - b, suffix);
}

enum tarn_rc tarn_letter_topics(const struct tarn_kafka_options *kafka, struct tarn_arena *arena, const char ***names,
				size_t *n, struct tarn_err *err)
{
	const struct rd_kafka_metadata *facts;
	rd_kafka_t *client;
	enum tarn_rc rc = open_consumer(kafka, &client, err);
	if (rc)
		return rc;
	rd_kafka_resp_err_t error = rd_kafka_metadata(client, 1, NULL, &facts, TARN_KAFKA_TIMEOUT_MS);
	if (error) {
		rc = tarn_kafka_fail(err, error, NULL);
	} else {
		*names = tarn_arena_alloc(arena, ((size_t)facts->topic_cnt + 1) * sizeof(**names));
		*n = 0;
		for (int i = 0; i < facts->topic_cnt; i++)
			if (ends_in(facts->topics[i].topic, ".dlq"))
				(*names)[(*n)++] = tarn_arena_strdup(arena, facts->topics[i].topic);
		rd_kafka_metadata_destroy(facts);
	}
	rd_kafka_destroy(client);
	return rc;
}

/* ---- what was sent again ---- */

void tarn_replayed_add(struct tarn_replayed *replayed, const char *origin)
{
	replayed->origins = tarn_grow(replayed->origins, &replayed->cap, replayed->n + 1, sizeof(*replayed->origins));
	replayed->origins[replayed->n++] = tarn_arena_strdup(&replayed->arena, origin);
}

static bool note_origin(void *context, const struct tarn_letter *letter)
{
	struct tarn_replayed *replayed = context;
	char *key = tarn_arena_strndup(&replayed->arena, letter->message->key ? letter->message->key : "",
				       letter->message->key_len);
	tarn_replayed_add(replayed, key);
	return true;
}

enum tarn_rc tarn_replayed_read(const struct tarn_kafka_options *kafka, const char *topic,
				struct tarn_replayed *replayed, struct tarn_err *err)
{
	char *name = tarn_asprintf("%s%s", topic, TARN_REPLAYED_SUFFIX);
	memset(replayed, 0, sizeof(*replayed));
	tarn_arena_init(&replayed->arena);
	enum tarn_rc rc = tarn_letters_read(kafka, name, note_origin, replayed, err);
	free(name);
	return rc == TARN_ENOTFOUND ? TARN_OK : rc; /* nothing was sent again yet */
}

bool tarn_replayed_has(const struct tarn_replayed *replayed, const char *origin)
{
	for (size_t i = 0; i < replayed->n; i++)
		if (!strcmp(replayed->origins[i], origin))
			return true;
	return false;
}

void tarn_replayed_release(struct tarn_replayed *replayed)
{
	free(replayed->origins);
	tarn_arena_release(&replayed->arena);
}
