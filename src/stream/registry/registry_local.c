/* A client of a registry in the same process: its requests go straight to the table of routes. */
#include <strings.h>

#include "base/alloc.h"
#include "stream/registry/registry.h"

struct question {
	struct tarn_arena *arena;
	const char *query; /* behind the "?", or empty */
};

/* The decoded value of a parameter in a=b&c=d. */
static const char *find_query(void *connection, const char *name)
{
	const struct question *question = connection;
	size_t len = strlen(name);
	for (const char *at = question->query; *at;) {
		size_t part = strcspn(at, "&");
		if (part >= len && !strncmp(at, name, len) && (part == len || at[len] == '=')) {
			struct tarn_slice value = tarn_slice_of(at + len + (part > len), part - len - (part > len));
			return tarn_percent_decode(question->arena, value);
		}
		at += part + (at[part] == '&');
	}
	return NULL;
}

static const char *find_header(void *connection, const char *name)
{
	(void)connection;
	return strcasecmp(name, "Content-Type") ? NULL : "application/vnd.schemaregistry.v1+json";
}

static enum tarn_rc ask(void *state, const char *method, const char *path, const char *body, int *status,
			struct tarn_buf *answer, struct tarn_err *err)
{
	struct tarn_registry *registry = state;
	struct tarn_arena arena;
	struct tarn_response response;
	tarn_arena_init(&arena);
	tarn_response_init(&response);
	const char *query = strchr(path, '?');
	struct question question = { &arena, query ? query + 1 : "" };
	struct tarn_request request = {
		.method = tarn_http_method_of(method),
		.path = tarn_arena_strndup(&arena, path, query ? (size_t)(query - path) : strlen(path)),
		.body = tarn_slice_str(body),
		.arena = &arena,
		.find_query = find_query,
		.find_header = find_header,
		.connection = &question,
	};
	tarn_routes_dispatch(tarn_registry_routes(registry), &request, &response);
	*status = response.status;
	tarn_buf_add_slice(answer, tarn_buf_slice(&response.body));
	bool overflow = response.body.overflow || answer->overflow;
	tarn_response_release(&response);
	tarn_arena_release(&arena);
	return overflow ? tarn_fail(err, TARN_ELIMIT, "the registry's answer is too large") : TARN_OK;
}

static void leave(void *state)
{
	(void)state; /* the registry is not the client's */
}

struct tarn_registry_client *tarn_registry_local_client(struct tarn_registry *registry)
{
	static const struct tarn_registry_transport transport = { ask, leave };
	return tarn_registry_client_new(&transport, registry);
}
