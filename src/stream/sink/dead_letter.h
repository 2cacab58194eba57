/* Dead letters as messages: the bad one as it was, with Connect's headers that say where it came from and why
 * (KIP-298). */
#ifndef TARN_STREAM_SINK_DEAD_LETTER_H
#define TARN_STREAM_SINK_DEAD_LETTER_H

#include "stream/sink/connectors.h"

#define TARN_DEAD_LETTER_PREFIX "__connect.errors."

struct tarn_dead_letter_desk {
	const struct tarn_sink_platform *platform;
	const struct tarn_connector_config *config;
	const char *connector;
	int32_t task;
};

/* The topic that a connector's dead letters go to; the caller's to free. */
char *tarn_dead_letter_topic(const struct tarn_connector_config *config, const char *connector);
enum tarn_rc tarn_dead_letter_send(const struct tarn_dead_letter_desk *desk, const struct tarn_dead_letter *letter,
				   struct tarn_err *err) TARN_MUST_CHECK;

#endif
