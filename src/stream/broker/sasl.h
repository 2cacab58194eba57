/* Authentication (SASL: PLAIN, RFC 4616; SCRAM, RFC 5802), in both of Kafka's ways: tokens within SaslAuthenticate,
 * after SaslHandshake v1; and bare tokens with nothing but their length, after SaslHandshake v0. One exchange at a time
 * belongs to a session; a session that has authenticated stays so. */
#ifndef TARN_STREAM_BROKER_SASL_H
#define TARN_STREAM_BROKER_SASL_H

#include "stream/broker/session.h"

void tarn_sasl_free(struct tarn_sasl *sasl);
/* A bare token; answers the call. */
void tarn_sasl_take_raw(struct tarn_call *call, struct tarn_slice token);

#endif
