#include "stream/sink/dead_letter.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

char *tarn_dead_letter_topic(const struct tarn_connector_config *config, const char *connector)
{
	if (config->dead_letter_topic && *config->dead_letter_topic)
		return tarn_strdup(config->dead_letter_topic);
	return tarn_asprintf("%s.dlq", connector);
}

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

enum tarn_rc tarn_dead_letter_send(const struct tarn_dead_letter_desk *desk, const struct tarn_dead_letter *letter,
				   struct tarn_err *err)
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
	char *topic = tarn_dead_letter_topic(desk->config, desk->connector);
	enum tarn_rc rc =
		desk->platform->produce(desk->platform->context, topic, letter->message, headers.all, headers.n, err);
	if (!rc && desk->config->log_errors)
		desk->platform->say(desk->platform->context,
				    tarn_arena_printf(&arena,
						      "%s: %s, partition %d, offset %" PRId64 " is a dead letter: %s",
						      desk->connector, letter->topic, letter->partition,
						      letter->message->offset, letter->reason));
	free(topic);
	free(headers.all);
	tarn_arena_release(&arena);
	return rc;
}
