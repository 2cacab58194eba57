/* A thread that makes calls for a task while the task goes on: in the order in which they were handed over, one at a
 * time.
 *
 * What waits is bounded in number and bytes; whoever hands over more waits. The first failure stays: nothing is called
 * after it, and whoever hands over or waits is told of it. The thread starts with the first call; where none can be
 * started, calls are made at once. One thread hands over, any may wait. */
#ifndef TARN_STREAM_SINK_WORKER_H
#define TARN_STREAM_SINK_WORKER_H

#include "base/buf.h"
#include "base/err.h"

/* Calls, and bytes of them, that wait at most; a single call may have more bytes. */
enum { TARN_WORKER_CALLS = 8 };
#define TARN_WORKER_BYTES ((size_t)4 << 20)

struct tarn_worker;
struct tarn_worker *tarn_worker_new(void);
void tarn_worker_free(struct tarn_worker *worker); /* makes the calls that wait */

typedef enum tarn_rc (*tarn_worker_call)(void *context, struct tarn_slice bytes, struct tarn_err *err);
/* Takes what `bytes` holds and leaves it empty, with the room of an earlier call; NULL: none. `context` is borrowed
 * until the call is done. */
enum tarn_rc tarn_worker_hand_over(struct tarn_worker *worker, tarn_worker_call call, void *context,
				   struct tarn_buf *bytes, struct tarn_err *err) TARN_MUST_CHECK;
/* How many calls were handed over; for whoever hands over. */
int64_t tarn_worker_given(const struct tarn_worker *worker);
bool tarn_worker_is_done(struct tarn_worker *worker, int64_t n);
/* Returns when the first n calls are done. */
enum tarn_rc tarn_worker_wait(struct tarn_worker *worker, int64_t n, struct tarn_err *err) TARN_MUST_CHECK;
/* Returns when all are done, failed or not; for whoever hands over. */
void tarn_worker_settle(struct tarn_worker *worker);

#endif
