/* Dead letters as they lie in a topic: Connect's headers around the message that they are about. Part of the network
 * module. */
#ifndef TARN_CLI_DLQ_READ_H
#define TARN_CLI_DLQ_READ_H

#include "base/alloc.h"
#include "base/buf.h"
#include "stream/producer/kafka_client.h"

/* What the headers say; "" or -1 where they do not. The message is alive as long as the call. */
struct tarn_letter {
	const rd_kafka_message_t *message;
	const char *topic; /* where it came from */
	int64_t partition, offset;
	const char *connector, *stage, *reason;
	const char *replay_of; /* the letter's message was a replay itself: of this origin */
};

/* The header of a message that was sent again: its first origin. */
#define TARN_REPLAY_OF "tarn.replay.of"

/* The origin as a key, "topic/partition/offset", in the arena; NULL where the headers do not tell it. */
char *tarn_letter_origin(const struct tarn_letter *letter, struct tarn_arena *arena);
/* Whether a header is Connect's about an error, and no header of the message itself. */
bool tarn_letter_is_about(const char *header);

/* Hands out every message of the topic that is there now, committed, partition by partition; `visit` returning false
 * ends it. TARN_ENOTFOUND where there is no such topic. */
typedef bool (*tarn_letter_visit)(void *context, const struct tarn_letter *letter);
enum tarn_rc tarn_letters_read(const struct tarn_kafka_options *kafka, const char *topic, tarn_letter_visit visit,
			       void *context, struct tarn_err *err) TARN_MUST_CHECK;

/* The names of topics that end in ".dlq", in the arena. */
enum tarn_rc tarn_letter_topics(const struct tarn_kafka_options *kafka, struct tarn_arena *arena, const char ***names,
				size_t *n, struct tarn_err *err) TARN_MUST_CHECK;

/* Origins that were sent again: keys of the topic "<dead letter topic>.replayed". */
struct tarn_replayed {
	struct tarn_arena arena;
	const char **origins;
	size_t n, cap;
};
#define TARN_REPLAYED_SUFFIX ".replayed"
enum tarn_rc tarn_replayed_read(const struct tarn_kafka_options *kafka, const char *topic,
				struct tarn_replayed *replayed, struct tarn_err *err) TARN_MUST_CHECK;
bool tarn_replayed_has(const struct tarn_replayed *replayed, const char *origin);
void tarn_replayed_add(struct tarn_replayed *replayed, const char *origin);
void tarn_replayed_release(struct tarn_replayed *replayed);

#endif
