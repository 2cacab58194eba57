/* One request to Kafka Connect's REST API, Tarn's or another (libcurl). Part of the network module. */
#ifndef TARN_CLI_CONNECT_CLIENT_H
#define TARN_CLI_CONNECT_CLIENT_H

#include "base/err.h"

struct json_t;

#define TARN_CONNECT_DEFAULT_URL "http://localhost:8083"
/* The option in a command's table. */
#define TARN_OPTION_CONNECT(url)                                                                                       \
	{                                                                                                              \
		.name = "connect", .argument = "URL",                                                                  \
		.help = "Kafka Connect's API (default: " TARN_CONNECT_DEFAULT_URL ")", .text = (url)                   \
	}

/* `body` may be NULL. *answer is the caller's, NULL where there was no JSON. An answer of 400 and more is an error with
 * its message: 404 TARN_ENOTFOUND, 409 TARN_EEXISTS, other 4xx TARN_EINVALID, 5xx and silence TARN_EIO. */
enum tarn_rc tarn_connect_ask(const char *url, const char *method, const char *path, const struct json_t *body,
			      struct json_t **answer, struct tarn_err *err) TARN_MUST_CHECK;
/* A connector's path with its name escaped; the caller's to free. */
char *tarn_connect_path(const char *name, const char *rest);

#endif
