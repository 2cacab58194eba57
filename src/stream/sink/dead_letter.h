/* Dead letters as messages: the bad one as it was, with Connect's headers that say where it came from and why
 * (KIP-298). */
#ifndef TARN_STREAM_SINK_DEAD_LETTER_H
#define TARN_STREAM_SINK_DEAD_LETTER_H

#include "stream/sink/connectors.h"

#define TARN_DEAD_LETTER_PREFIX "__connect.errors."

/* Which letters are in their topic already, from before a crash, or of the task that had a partition before. */
struct tarn_sent_letters;
struct tarn_sent_letters *tarn_sent_letters_new(void);
void tarn_sent_letters_free(struct tarn_sent_letters *sent);

struct tarn_dead_letter_desk {
	const struct tarn_sink_platform *platform;
	const struct tarn_connector_config *config;
	const char *connector;
	int32_t task;
	struct tarn_sent_letters *sent; /* this task's */
};

/* The topic that a connector's dead letters go to; the caller's to free. */
char *tarn_dead_letter_topic(const struct tarn_connector_config *config, const char *connector);
/* Once: one that was found in the topic is not sent again. That takes Connect's headers, which the configuration can
 * leave out. */
enum tarn_rc tarn_dead_letter_send(const struct tarn_dead_letter_desk *desk, const struct tarn_dead_letter *letter,
				   struct tarn_err *err) TARN_MUST_CHECK;

#endif
