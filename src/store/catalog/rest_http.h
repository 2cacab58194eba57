/* HTTP requests to a REST catalog, any number side by side, over connections that are kept (libcurl). One try each:
 * what an answer means, and whether to ask again, is rest_session.c's. Used by one thread at a time. */
#ifndef TARN_STORE_CATALOG_REST_HTTP_H
#define TARN_STORE_CATALOG_REST_HTTP_H

#include "base/buf.h"
#include "base/err.h"

struct rest_http;

struct rest_request {
	const char *method;
	const char *url;
	const char *media_type;	   /* of the body */
	struct tarn_slice body;	   /* data NULL: none */
	const char *authorization; /* the header's value, or NULL */
};

struct rest_answer {
	int status;    /* 0: no whole answer came, and `problem` says why */
	bool unsent;   /* the server cannot have seen the request */
	bool is_final; /* the next try would end alike */
	int64_t retry_after_ms;
	struct tarn_buf body; /* never longer than REST_ANSWER_MAX */
	char problem[256];
};
#define REST_ANSWER_MAX ((size_t)1 << 28)

/* `stall_ms`: how long a server may keep silent. `ca` may be NULL: the system's certificates. */
struct rest_http_options {
	const char *ca;
	int64_t connect_ms, stall_ms;
};
enum tarn_rc rest_http_open(const struct rest_http_options *options, struct rest_http **http,
			    struct tarn_err *err) TARN_MUST_CHECK;
void rest_http_close(struct rest_http *http);
/* Answers in the order of requests; to be released whatever came. */
void rest_http_ask(struct rest_http *http, const struct rest_request *requests, struct rest_answer *answers, size_t n);
void rest_answer_release(struct rest_answer *answer);

#endif
