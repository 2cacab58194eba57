/* GET /metrics for Prometheus, and GET /health for whoever watches the process. */
#include <stdlib.h>

#include "base/alloc.h"
#include "serve/role.h"

extern const struct tarn_role tarn_role_metrics;

struct state {
	struct tarn_routes routes;
	struct tarn_http *http;
};

static void metrics(void *server, const struct tarn_request *request, struct tarn_response *response)
{
	(void)request;
	tarn_server_write_metrics(server, &response->body);
}

static void health(void *server, const struct tarn_request *request, struct tarn_response *response)
{
	(void)request;
	bool well = tarn_server_is_ready(server);
	response->status = well ? 200 : 503;
	response->content_type = "application/json";
	tarn_buf_printf(&response->body, "{\"status\": \"%s\"}\n", well ? "ready" : "starting");
}

static void refuse(void *server, int status, const char *message, struct tarn_response *response)
{
	(void)server;
	response->status = status;
	tarn_buf_printf(&response->body, "%s\n", message);
}

static void stop(void *context)
{
	struct state *state = context;
	tarn_http_stop(state->http);
	free(state);
}

static enum tarn_rc start(struct tarn_server *server, void **started, struct tarn_err *err)
{
	static const struct tarn_route routes[] = {
		{ TARN_HTTP_GET, "/metrics", metrics },
		{ TARN_HTTP_GET, "/health", health },
	};
	const struct tarn_serve_options *options = tarn_server_options(server);
	struct state *state = tarn_calloc(1, sizeof(*state));
	state->routes = (struct tarn_routes){ .routes = routes,
					      .n_routes = sizeof(routes) / sizeof(*routes),
					      .room = server,
					      .content_type = "text/plain; version=0.0.4; charset=utf-8",
					      .max_body = 1024,
					      .refuse = refuse };
	enum tarn_rc rc = tarn_http_start(options->metrics_listen, &state->routes, options, &state->http, err);
	if (rc) {
		stop(state);
		return rc;
	}
	tarn_server_say(server, "metrics", "listening at %s, port %d", options->metrics_listen,
			tarn_http_port(state->http));
	*started = state;
	return TARN_OK;
}

const struct tarn_role tarn_role_metrics = { .name = "metrics", .start = start, .stop = stop };
