#include "base/route.h"

#include <pthread.h>
#include <strings.h>

#include "base/hash.h"

static const char *const method_names[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

enum tarn_http_method tarn_http_method_of(const char *name)
{
	if (!strcmp(name, "HEAD"))
		return TARN_HTTP_GET;
	for (size_t i = 0; i < TARN_HTTP_OTHER; i++)
		if (!strcmp(name, method_names[i]))
			return (enum tarn_http_method)i;
	return TARN_HTTP_OTHER;
}

const char *tarn_request_query(const struct tarn_request *request, const char *name)
{
	return request->find_query ? request->find_query(request->connection, name) : NULL;
}

const char *tarn_request_header(const struct tarn_request *request, const char *name)
{
	return request->find_header ? request->find_header(request->connection, name) : NULL;
}

bool tarn_request_flag(const struct tarn_request *request, const char *name, bool otherwise)
{
	const char *value = tarn_request_query(request, name);
	if (!value)
		return otherwise;
	return !*value || !strcasecmp(value, "true") || !strcmp(value, "1");
}

void tarn_response_init(struct tarn_response *response)
{
	*response = (struct tarn_response){ .status = 200 };
	tarn_buf_init(&response->body, TARN_RESPONSE_MAX_BODY);
}

void tarn_response_release(struct tarn_response *response)
{
	tarn_buf_release(&response->body);
}

void tarn_response_header(struct tarn_response *response, const char *name, const char *value)
{
	if (response->n_headers == TARN_RESPONSE_MAX_HEADERS)
		return;
	response->headers[response->n_headers].name = name;
	response->headers[response->n_headers++].value = value;
}

char *tarn_percent_decode(struct tarn_arena *arena, struct tarn_slice text)
{
	char *decoded = tarn_arena_alloc(arena, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];
		if (byte == '%') {
			if (text.len - i < 3 || !tarn_unhex(tarn_slice_of(text.data + i + 1, 2), &byte, 1))
				return NULL;
			i += 2;
		}
		if (!byte)
			return NULL;
		decoded[len++] = (char)byte;
	}
	decoded[len] = '\0';
	return decoded;
}

/* The next part of a path: what stands between *at and the next slash, which is passed over. */
static struct tarn_slice next_part(const char **at)
{
	const char *start = *at;
	size_t len = strcspn(start, "/");
	*at = start + len + (start[len] == '/');
	return tarn_slice_of(start, len);
}

static bool matches(const char *pattern, const char *path, struct tarn_slice params[TARN_ROUTE_MAX_PARAMS], size_t *n)
{
	*n = 0;
	while (*pattern && *path) {
		struct tarn_slice wanted = next_part(&pattern), part = next_part(&path);
		if (wanted.len && wanted.data[0] == '{') {
			if (!part.len)
				return false;
			params[(*n)++] = part;
		} else if (!tarn_slice_eq(wanted, part)) {
			return false;
		}
	}
	return !*pattern && !*path;
}

static void call(const struct tarn_routes *routes, const struct tarn_route *route, struct tarn_request *request,
		 const struct tarn_slice params[TARN_ROUTE_MAX_PARAMS], size_t n_params, struct tarn_response *response)
{
	for (size_t i = 0; i < n_params; i++) {
		request->params[i] = tarn_percent_decode(request->arena, params[i]);
		if (!request->params[i]) {
			routes->refuse(routes->room, 400, "the path has a broken percent escape", response);
			return;
		}
	}
	route->handle(routes->room, request, response);
}

/* ---- waiting ---- */

struct sleeper {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done;
};

static void wake(struct tarn_hold *hold)
{
	struct sleeper *sleeper = hold->waiter;
	pthread_mutex_lock(&sleeper->lock);
	sleeper->done = true;
	pthread_cond_signal(&sleeper->told);
	pthread_mutex_unlock(&sleeper->lock);
}

void tarn_response_wait(struct tarn_response *response)
{
	struct tarn_hold *hold = response->hold;
	if (!hold)
		return;
	struct sleeper sleeper = { .lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER };
	hold->release = wake;
	hold->waiter = &sleeper;
	hold->start(hold);
	pthread_mutex_lock(&sleeper.lock);
	while (!sleeper.done)
		pthread_cond_wait(&sleeper.told, &sleeper.lock);
	pthread_mutex_unlock(&sleeper.lock);
	pthread_cond_destroy(&sleeper.told);
	pthread_mutex_destroy(&sleeper.lock);
	response->hold = NULL;
	hold->finish(hold, response);
}

void tarn_routes_dispatch(const struct tarn_routes *routes, struct tarn_request *request,
			  struct tarn_response *response)
{
	tarn_routes_call(routes, request, response);
	tarn_response_wait(response);
}

void tarn_routes_call(const struct tarn_routes *routes, struct tarn_request *request, struct tarn_response *response)
{
	struct tarn_slice params[TARN_ROUTE_MAX_PARAMS];
	size_t n_params;
	bool path_known = false;
	for (size_t i = 0; i < routes->n_routes; i++) {
		const struct tarn_route *route = &routes->routes[i];
		if (!matches(route->pattern, request->path, params, &n_params))
			continue;
		path_known = true;
		if (route->method == request->method) {
			call(routes, route, request, params, n_params, response);
			return;
		}
	}
	if (path_known)
		routes->refuse(routes->room, 405, "HTTP 405 Method Not Allowed", response);
	else
		routes->refuse(routes->room, 404, "HTTP 404 Not Found", response);
}
