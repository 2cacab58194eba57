/* HTTP as rooms see it: a table of routes and a function behind each. No sockets here: `serve` owns listeners, TLS and
 * authentication, reads a request as a whole, and hands it to the table that is mounted there.
 *
 * A pattern is a path whose parts in braces stand for one part each ("/subjects/{subject}/versions"). Of several
 * patterns that fit, the first in the table counts. Handlers may run on several threads at once. */
#ifndef TARN_BASE_ROUTE_H
#define TARN_BASE_ROUTE_H

#include "base/alloc.h"
#include "base/buf.h"

enum tarn_http_method {
	TARN_HTTP_GET, /* HEAD arrives as GET; `serve` leaves out the body */
	TARN_HTTP_POST,
	TARN_HTTP_PUT,
	TARN_HTTP_PATCH,
	TARN_HTTP_DELETE,
	TARN_HTTP_OTHER,
};
enum tarn_http_method tarn_http_method_of(const char *name);

#define TARN_ROUTE_MAX_PARAMS 4

/* A request. Everything is borrowed for the time of the call. */
struct tarn_request {
	enum tarn_http_method method;
	const char *path; /* as sent, without query */
	struct tarn_slice body;
	const char *user;	  /* who was authenticated, or NULL */
	struct tarn_arena *arena; /* of this request: for whatever the answer needs */
	/* Percent-decoded; filled by tarn_routes_dispatch, in the order of the pattern. */
	const char *params[TARN_ROUTE_MAX_PARAMS];
	/* How `serve` looks up what came with the request: a decoded query parameter ("" where it has no value) or a
	 * header (any case); NULL where it is absent. Use the functions below. */
	const char *(*find_query)(void *connection, const char *name);
	const char *(*find_header)(void *connection, const char *name);
	void *connection;
};
const char *tarn_request_query(const struct tarn_request *request, const char *name);
const char *tarn_request_header(const struct tarn_request *request, const char *name);
/* "true", "1" or no value is true; absent is `otherwise`. */
bool tarn_request_flag(const struct tarn_request *request, const char *name, bool otherwise);

/* What an answer has to wait for before it is given: that what it tells is on disk, say. The handler leaves it in the
 * response, and it lives in the request's arena. */
struct tarn_response;
struct tarn_hold {
	/* Makes `release` be called once, on any thread, perhaps before this returns. */
	void (*start)(struct tarn_hold *hold);
	/* After that, by whoever gives the answer, which may become a refusal. */
	void (*finish)(struct tarn_hold *hold, struct tarn_response *response);
	void *context;
	/* Of whoever waits. Once released, the hold may be gone. */
	void (*release)(struct tarn_hold *hold);
	void *waiter;
};

#define TARN_RESPONSE_MAX_HEADERS 8
#define TARN_RESPONSE_MAX_BODY ((size_t)64 << 20)

struct tarn_response {
	int status;		  /* 200 until a handler says otherwise */
	const char *content_type; /* static or in the request's arena; NULL: the table's */
	struct tarn_buf body;
	struct {
		const char *name, *value; /* static or in the request's arena */
	} headers[TARN_RESPONSE_MAX_HEADERS];
	size_t n_headers;
	struct tarn_hold *hold; /* NULL: nothing to wait for */
};
void tarn_response_init(struct tarn_response *response);
void tarn_response_release(struct tarn_response *response);
void tarn_response_header(struct tarn_response *response, const char *name, const char *value);

struct tarn_route {
	enum tarn_http_method method;
	const char *pattern;
	void (*handle)(void *room, const struct tarn_request *request, struct tarn_response *response);
};

struct tarn_routes {
	const struct tarn_route *routes;
	size_t n_routes;
	void *room;		  /* first argument of every handler */
	const char *content_type; /* of answers that do not say */
	size_t max_body;	  /* of requests; `serve` refuses larger ones with 413 through `refuse` */
	/* Writes an error in the room's own form: 404 no such path, 405 no such method there, 413, 401, 400. */
	void (*refuse)(void *room, int status, const char *message, struct tarn_response *response);
};

/* Finds the route, decodes its parameters and calls it; refuses what has none. Waits for what the answer waits for. */
void tarn_routes_dispatch(const struct tarn_routes *routes, struct tarn_request *request,
			  struct tarn_response *response);
/* The same for callers who have something else to do meanwhile: response->hold is theirs to start and to finish, or to
 * wait for. */
void tarn_routes_call(const struct tarn_routes *routes, struct tarn_request *request, struct tarn_response *response);
/* Starts and finishes the response's hold, where it has one. */
void tarn_response_wait(struct tarn_response *response);

/* Percent-decodes `text` into the arena ("+" stays as it is); NULL where an escape is broken or gives a zero byte. */
char *tarn_percent_decode(struct tarn_arena *arena, struct tarn_slice text);

#endif
