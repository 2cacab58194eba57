/* Parts of the program that stand on large libraries are modules, loaded when they are first used: a run over raw files
 * must not pay for HTTP, Kafka and linear algebra. A module exports a few symbols marked TARN_EXPORT and is otherwise
 * linked like the program itself. */
#ifndef TARN_BASE_MODULE_H
#define TARN_BASE_MODULE_H

#include "base/err.h"

#define TARN_EXPORT __attribute__((visibility("default")))

#define TARN_MODULE_SIMULATE "tarn-simulate.so" /* libint2, LAPACK, NLopt */
#define TARN_MODULE_NETWORK "tarn-network.so"   /* libuv, libmicrohttpd, libcurl, librdkafka, TLS */

/* Looks for the module in $TARN_MODULES, beside the program, and in ../lib/tarn. It stays loaded until the process ends, so
 * *found may be kept. Any thread. */
enum tarn_rc tarn_module_symbol(const char *module, const char *symbol, void **found,
				struct tarn_err *err) TARN_MUST_CHECK;

#endif
