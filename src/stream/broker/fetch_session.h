/* A fetch session (KIP-227): the partitions that a client reads and what it was told of each last, so that requests
 * name what changes, and answers what is new. A connection has one at most, and it ends with the connection; a client
 * that comes back, or asks with another's id, begins anew. Only for versions that name topics by ids (13 and later):
 * whoever asks in an older one sends full requests.
 *
 * All on the thread of the connection, which has one fetch at a time. */
#ifndef TARN_STREAM_BROKER_FETCH_SESSION_H
#define TARN_STREAM_BROKER_FETCH_SESSION_H

#include "stream/broker/call.h"

struct tarn_fetch_session;

/* Before a fetch: the error of the whole answer, or 0. Where the request goes on with a session, it names all of the
 * session's partitions from here on (in the call's arena). */
int16_t tarn_fetch_session_enter(struct tarn_call *call);
/* Where to begin among the request's partitions, so that all get their turn where an answer has no room for all. */
size_t tarn_fetch_session_first(const struct tarn_call *call);
/* When the answer is complete: gives it the session's id and takes out what the client knows already. `next`: where to
 * begin the next time. */
void tarn_fetch_session_leave(struct tarn_call *call, size_t next);

/* With the connection. NULL is fine. */
void tarn_fetch_session_free(struct tarn_broker *broker, struct tarn_fetch_session *session);

#endif
