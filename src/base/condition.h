/* Condition variables whose waits end by the monotonic clock: setting the time neither shortens nor prolongs them. */
#ifndef TARN_BASE_CONDITION_H
#define TARN_BASE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void tarn_cond_init(pthread_cond_t *cond);

/* pthread_cond_wait, until tarn_monotonic_ns() is `until_ns` at the latest; false if it ended for that. For a condition
 * that tarn_cond_init made. */
bool tarn_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ns);

#endif
