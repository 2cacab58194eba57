#include "stream/sink/dead_letter.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/number.h"
#include "stream/log/key_map.h"

char *tarn_dead_letter_topic(const struct tarn_connector_config *config, const char *connector)
{
	if (config->dead_letter_topic && *config->dead_letter_topic)
		return tarn_strdup(config->dead_letter_topic);
	return tarn_asprintf("%s.dlq", connector);
}

/* ---- what was sent ---- */

/* Digests of 16 bytes; more than these many are not remembered. */
#define MOST_SENT ((size_t)64 << 20)

struct tarn_sent_letters {
	struct tarn_topic_place place;
	struct key_map origins;
	struct tarn_buf origin;
};

void tarn_topic_place_fit(struct tarn_topic_place *place, size_t partitions)
{
	if (partitions <= place->n)
		return;
	place->next = tarn_realloc(place->next, partitions * sizeof(*place->next));
	memset(place->next + place->n, 0, (partitions - place->n) * sizeof(*place->next));
	place->n = partitions;
}

struct tarn_sent_letters *tarn_sent_letters_new(void)
{
	struct tarn_sent_letters *sent = tarn_calloc(1, sizeof(*sent));
	key_map_init(&sent->origins, MOST_SENT);
	tarn_buf_init(&sent->origin, TARN_BUF_DEFAULT_MAX);
	return sent;
}

void tarn_sent_letters_free(struct tarn_sent_letters *sent)
{
	if (!sent)
		return;
	free(sent->place.next);
	key_map_release(&sent->origins);
	tarn_buf_release(&sent->origin);
	free(sent);
}

/* What makes a letter the same one: who sent it, from where, and its bytes, as a topic can be made anew. */
static struct tarn_slice origin_of(struct tarn_buf *origin, const struct tarn_slice from[4], struct tarn_slice value)
{
	tarn_buf_clear(origin);
	for (size_t i = 0; i < 4; i++) {
		tarn_buf_add_slice(origin, from[i]);
		tarn_buf_add_byte(origin, 0);
	}
	tarn_buf_add_slice(origin, value);
	return tarn_buf_slice(origin);
}

static void note_sent(void *context, const struct tarn_message *letter)
{
	static const char *const names[] = { "connector.name", "topic", "partition", "offset" };
	struct tarn_sent_letters *sent = context;
	struct tarn_message message = *letter;
	struct tarn_slice from[4] = { { 0 } };
	struct tarn_header header;
	const size_t prefix = strlen(TARN_DEAD_LETTER_PREFIX);
	while (tarn_message_header_next(&message, &header)) {
		if (header.key.len < prefix || memcmp(header.key.data, TARN_DEAD_LETTER_PREFIX, prefix))
			continue;
		struct tarn_slice name = tarn_slice_of(header.key.data + prefix, header.key.len - prefix);
		for (size_t i = 0; i < 4; i++) /* the last ones: a letter may have been a letter before */
			if (tarn_slice_eq(name, tarn_slice_str(names[i])))
				from[i] = header.value;
	}
	/* Where there is no room, a letter may be there twice: better than none. */
	key_map_put(&sent->origins, origin_of(&sent->origin, from, letter->value), 0);
}

/* Reads on in the topic of dead letters, behind all that this task sent itself. */
static enum tarn_rc look_for_sent(const struct tarn_dead_letter_desk *desk, const char *topic, struct tarn_err *err)
{
	const struct tarn_sink_platform *platform = desk->platform;
	enum tarn_rc rc = platform->flush(platform->context, err);
	return rc ? rc : platform->read(platform->context, topic, &desk->sent->place, note_sent, desk->sent, err);
}

static bool was_sent(const struct tarn_dead_letter_desk *desk, const struct tarn_dead_letter *letter)
{
	char partition[TARN_INT_TEXT_SIZE], offset[TARN_INT_TEXT_SIZE];
	const struct tarn_slice from[4] = {
		tarn_slice_str(desk->connector),
		tarn_slice_str(letter->topic),
		{ (uint8_t *)partition, tarn_format_int(letter->partition, partition) },
		{ (uint8_t *)offset, tarn_format_int(letter->message->offset, offset) },
	};
	return key_map_get(&desk->sent->origins, origin_of(&desk->sent->origin, from, letter->message->value)) >= 0;
}

/* ---- sending ---- */

struct headers {
	struct tarn_arena *arena;
	struct tarn_header *all;
	size_t n, cap;
};

static void add(struct headers *headers, struct tarn_slice key, struct tarn_slice value)
{
	headers->all = tarn_grow(headers->all, &headers->cap, headers->n + 1, sizeof(*headers->all));
	headers->all[headers->n++] = (struct tarn_header){ key, value };
}

static void tell(struct headers *headers, const char *name, const char *value)
{
	char *key = tarn_arena_printf(headers->arena, "%s%s", TARN_DEAD_LETTER_PREFIX, name);
	add(headers, tarn_slice_str(key), tarn_slice_str(value));
}

static void tell_all(struct headers *headers, const struct tarn_dead_letter_desk *desk,
		     const struct tarn_dead_letter *letter)
{
	bool converter = !strcmp(letter->stage, "VALUE_CONVERTER");
	tell(headers, "topic", letter->topic);
	tell(headers, "partition", tarn_arena_printf(headers->arena, "%d", letter->partition));
	tell(headers, "offset", tarn_arena_printf(headers->arena, "%" PRId64, letter->message->offset));
	tell(headers, "connector.name", desk->connector);
	tell(headers, "task.id", tarn_arena_printf(headers->arena, "%d", desk->task));
	tell(headers, "stage", letter->stage);
	tell(headers, "class.name",
	     converter ? "io.confluent.connect.avro.AvroConverter" : "io.confluent.connect.s3.S3SinkTask");
	tell(headers, "exception.class.name", "org.apache.kafka.connect.errors.DataException");
	tell(headers, "exception.message", letter->reason);
	tell(headers, "exception.stacktrace", letter->reason);
}

static enum tarn_rc send_letter(const struct tarn_dead_letter_desk *desk, const char *topic,
				const struct tarn_dead_letter *letter, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_message message = *letter->message;
	struct tarn_header own;
	tarn_arena_init(&arena);
	struct headers headers = { .arena = &arena };
	while (tarn_message_header_next(&message, &own))
		add(&headers, own.key, own.value);
	if (desk->config->dead_letter_headers)
		tell_all(&headers, desk, letter);
	enum tarn_rc rc =
		desk->platform->produce(desk->platform->context, topic, letter->message, headers.all, headers.n, err);
	if (!rc && desk->config->log_errors)
		desk->platform->say(desk->platform->context,
				    tarn_arena_printf(&arena,
						      "%s: %s, partition %d, offset %" PRId64 " is a dead letter: %s",
						      desk->connector, letter->topic, letter->partition,
						      letter->message->offset, letter->reason));
	free(headers.all);
	tarn_arena_release(&arena);
	return rc;
}

enum tarn_rc tarn_dead_letter_send(const struct tarn_dead_letter_desk *desk, const struct tarn_dead_letter *letter,
				   struct tarn_err *err)
{
	char *topic = tarn_dead_letter_topic(desk->config, desk->connector);
	enum tarn_rc rc = TARN_OK;
	bool tells = desk->config->dead_letter_headers;
	if (tells && letter->first)
		rc = look_for_sent(desk, topic, err);
	if (!rc && !(tells && was_sent(desk, letter)))
		rc = send_letter(desk, topic, letter, err);
	free(topic);
	return rc;
}
