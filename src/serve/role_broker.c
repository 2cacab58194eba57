#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "serve/role.h"
#include "stream/broker/acl.h"
#include "stream/broker/connections.h"
#include "stream/broker/group_coordinator.h"
#include "stream/broker/metrics.h"
#include "stream/broker/txn.h"
#include "stream/broker/users.h"

extern const struct tarn_role tarn_role_broker;

struct state {
	struct tarn_server *server;
	struct tarn_broker broker;
	struct tarn_connections *connections;
	char *host; /* advertised */
};

static void say(void *context, const char *line)
{
	const struct state *state = context;
	tarn_server_say(state->server, "broker", "%s", line);
}

/* What clients are told: as asked for, or the listener; a wildcard address is of no use to them. */
static enum tarn_rc advertise(struct state *state, const struct tarn_serve_options *options, struct tarn_err *err)
{
	const char *address = options->broker_advertise ? options->broker_advertise : options->broker_listen;
	const char *colon = strrchr(address, ':');
	if (!colon || !colon[1])
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no HOST:PORT", address);
	bool brackets = *address == '[' && colon > address + 1 && colon[-1] == ']';
	const char *start = address + brackets;
	state->host = tarn_asprintf("%.*s", (int)(colon - brackets - start), start);
	bool everywhere = !strcmp(state->host, "0.0.0.0") || !strcmp(state->host, "::") || !*state->host;
	state->broker.host = everywhere ? "localhost" : state->host;
	state->broker.port = options->broker_advertise ? atoi(colon + 1) : 0;
	return TARN_OK;
}

static void write_metrics(void *context, struct tarn_buf *out)
{
	struct state *state = context;
	tarn_broker_write_metrics(&state->broker, out);
}

static void stop(void *context)
{
	struct state *state = context;
	tarn_connections_stop(state->connections);
	tarn_transactions_close(state->broker.transactions);
	tarn_group_coordinator_close(state->broker.groups);
	tarn_broker_release(&state->broker);
	tarn_acls_free(state->broker.acls);
	tarn_users_free(state->broker.users);
	free(state->host);
	free(state);
}

static enum tarn_rc open_parts(struct state *state, struct tarn_err *err)
{
	const struct tarn_serve_options *options = tarn_server_options(state->server);
	struct tarn_broker *broker = &state->broker;
	enum tarn_rc rc = advertise(state, options, err);
	if (options->broker_partitions)
		broker->default_partitions = (int32_t)options->broker_partitions;
	broker->authenticates = options->users;
	if (!rc)
		rc = tarn_users_open(options->users, options->data, &broker->users, err);
	if (!rc)
		rc = tarn_acls_open(options->data, options->super_users, &broker->acls, err);
	if (!rc)
		rc = tarn_group_coordinator_open(broker, NULL, &broker->groups, err);
	if (!rc)
		rc = tarn_transactions_open(broker, &broker->transactions, err);
	if (rc)
		return rc;
	broker->authorize = tarn_acls_authorize;
	broker->validator = tarn_server_validator(state->server);
	struct tarn_connections_options how = { .listen = options->broker_listen,
						.tls_certificate = options->tls_certificate,
						.tls_key = options->tls_key,
						.insecure = options->insecure };
	return tarn_connections_start(broker, &how, &state->connections, err);
}

static enum tarn_rc start(struct tarn_server *server, void **started, struct tarn_err *err)
{
	struct tarn_log *log = tarn_server_log(server, err);
	if (!log)
		return err->code;
	struct state *state = tarn_calloc(1, sizeof(*state));
	state->server = server;
	tarn_broker_init(&state->broker, log);
	state->broker.cluster_id = tarn_log_cluster_id(log);
	state->broker.say = say;
	state->broker.say_context = state;
	enum tarn_rc rc = open_parts(state, err);
	if (rc) {
		stop(state);
		return rc;
	}
	tarn_server_say(server, "broker", "listening at %s, port %d; clients are told %s:%d",
			tarn_server_options(server)->broker_listen, tarn_connections_port(state->connections),
			state->broker.host, state->broker.port);
	tarn_server_add_metrics(server, write_metrics, state);
	char *address = tarn_asprintf("%s:%d", state->broker.host, state->broker.port);
	tarn_server_offer_broker(server, address);
	free(address);
	*started = state;
	return TARN_OK;
}

const struct tarn_role tarn_role_broker = { .name = "broker", .start = start, .stop = stop };
