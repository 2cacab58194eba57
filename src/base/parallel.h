/* One loop over both hands: calls that do not depend on each other, spread over threads. */
#ifndef TARN_BASE_PARALLEL_H
#define TARN_BASE_PARALLEL_H

#include <stddef.h>

/* Calls body(context, i) once for each i < n, in any order, from at most `threads` threads (0: one for each core that
 * the process may use), the caller among them; returns when all calls have. What no thread can be started for, the
 * caller does itself. A result that is kept by i, and put together by i afterwards, does not depend on the number of
 * threads. */
void tarn_parallel(size_t n, size_t threads, void (*body)(void *context, size_t i), void *context);

#endif
