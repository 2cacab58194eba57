/* A REST catalog as this process knows it: where it is, who we are, how often to ask. Used by one thread at a time.
 * Source: Iceberg's open-api/rest-catalog-open-api.yaml. */
#ifndef TARN_STORE_CATALOG_REST_SESSION_H
#define TARN_STORE_CATALOG_REST_SESSION_H

#include "base/alloc.h"
#include "store/catalog/rest_http.h"

/* A table that was fetched before it was asked for. */
struct rest_ahead {
	const char *name;
	struct rest_answer answer;
};

struct rest_catalog {
	struct rest_http *http;
	struct tarn_arena arena;
	const char *base;      /* as the user gave it, "http://host:port/base", without /v1 */
	const char *warehouse; /* as in a query, or NULL */
	const char *place;     /* "<base>/v1[/<prefix>]": what all requests but the first begin with */
	char *authorization;   /* the header's value, or NULL */
	int attempts;
	bool commits_many; /* it says that it commits several tables at once */
	struct rest_ahead *ahead;
	size_t n_ahead;
};

/* Asks for the configuration. The README has what the environment tells. */
enum tarn_rc rest_open(const char *url, struct rest_catalog **rest, struct tarn_err *err) TARN_MUST_CHECK;
void rest_close(struct rest_catalog *rest);
/* One request each, side by side; with a new token where the one before has ended. */
void rest_ask_all(struct rest_catalog *rest, struct rest_request *requests, struct rest_answer *answers, size_t n);
/* One that may be sent twice, tried until it is answered for good; body NULL: none. TARN_OK for 2xx only, the rest is
 * what rest_refuse says of it; release the answer whatever comes. */
enum tarn_rc rest_ask(struct rest_catalog *rest, const char *method, const char *url, const struct tarn_buf *body,
		      struct rest_answer *answer, struct tarn_err *err) TARN_MUST_CHECK;
/* The error that an answer stands for: TARN_ENOTFOUND (404), TARN_ECONFLICT (409), TARN_EINVALID, TARN_EUNSUPPORTED,
 * TARN_EIO. */
enum tarn_rc rest_refuse(const char *method, const char *url, const struct rest_answer *answer, struct tarn_err *err);
bool rest_is_good(const struct rest_answer *answer);
/* Whether the same request may be answered otherwise a moment later. */
bool rest_is_passing(const struct rest_answer *answer);
/* Waits before try `attempt` (from 2): by chance, up to twice as long each time, and as long as the server asks for. */
void rest_pause(int attempt, int64_t retry_after_ms);

#endif
