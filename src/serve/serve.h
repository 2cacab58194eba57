/* Runs the roles that were asked for until SIGINT or SIGTERM. */
#ifndef TARN_SERVE_SERVE_H
#define TARN_SERVE_SERVE_H

#include "serve/role.h"

/* `roles` is a list with commas; NULL: all. Says on standard error where each role listens, and "ready" when all
 * answer. Returns when they have stopped: TARN_OK after a signal. Call it from the main thread. */
enum tarn_rc tarn_serve(const struct tarn_serve_options *options, const char *roles,
			struct tarn_err *err) TARN_MUST_CHECK;

#endif
