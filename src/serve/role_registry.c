#include <stdlib.h>

#include "base/alloc.h"
#include "serve/role.h"
#include "stream/registry/registry.h"

extern const struct tarn_role tarn_role_registry;

struct state {
	struct tarn_server *server;
	struct tarn_registry *registry;
	struct tarn_http *http;
};

static void stop(void *context)
{
	struct state *state = context;
	tarn_server_offer_registry(state->server, NULL);
	tarn_http_stop(state->http);
	tarn_registry_close(state->registry);
	free(state);
}

static enum tarn_rc open_parts(struct tarn_server *server, struct state *state, struct tarn_err *err)
{
	static const struct tarn_registry_options options = { .compatibility = TARN_COMPATIBILITY_BACKWARD };
	const struct tarn_serve_options *asked = tarn_server_options(server);
	struct tarn_log *log = tarn_server_log(server, err);
	enum tarn_rc rc = log ? tarn_registry_open_log(&options, log, &state->registry, err) : err->code;
	if (!rc)
		rc = tarn_http_start(asked->registry_listen, tarn_registry_routes(state->registry), asked, &state->http,
				     err);
	return rc;
}

static enum tarn_rc start(struct tarn_server *server, void **started, struct tarn_err *err)
{
	struct state *state = tarn_calloc(1, sizeof(*state));
	state->server = server;
	enum tarn_rc rc = open_parts(server, state, err);
	if (rc) {
		stop(state);
		return rc;
	}
	tarn_server_offer_registry(server, state->registry);
	struct tarn_registry_counts counts;
	tarn_registry_count(state->registry, &counts);
	tarn_server_say(server, "registry", "listening at %s, port %d; %zu subjects, %zu schemas",
			tarn_server_options(server)->registry_listen, tarn_http_port(state->http), counts.subjects,
			counts.schemas);
	if (counts.skipped)
		tarn_server_say(server, "registry", "%zu records of its topic were not understood, and are left out",
				counts.skipped);
	*started = state;
	return TARN_OK;
}

const struct tarn_role tarn_role_registry = { .name = "registry", .start = start, .stop = stop };
