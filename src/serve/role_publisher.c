/* Sends what waits in DATA/spool, whoever put it there while no broker was in reach. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/condition.h"
#include "serve/role.h"
#include "stream/producer/publisher.h"
#include "stream/registry/registry.h"

extern const struct tarn_role tarn_role_publisher;

enum { LOOK_MS = 1000, TRY_AGAIN_MS = 5000 };

struct state {
	struct tarn_server *server;
	struct tarn_registry_client *registry;
	struct tarn_spool *spool; /* to look into */
	struct tarn_publisher *publisher;
	char *path, *said; /* why records wait, as was said last; NULL: nothing */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
	bool idle; /* there is no thread */
};

/* False once the role is to stop. */
static bool wait_ms(struct state *state, int64_t ms)
{
	int64_t until = tarn_monotonic_ns_in(ms);
	pthread_mutex_lock(&state->lock);
	while (!state->stopping && tarn_cond_wait_until(&state->changed, &state->lock, until))
		continue;
	bool go_on = !state->stopping;
	pthread_mutex_unlock(&state->lock);
	return go_on;
}

static bool something_waits(struct state *state)
{
	struct tarn_spooled *batches;
	size_t n;
	if (tarn_spool_list(state->spool, false, &batches, &n, NULL))
		return false;
	tarn_spool_free_list(batches, n);
	return n > 0;
}

static void say_once(struct state *state, int64_t waiting, const char *reason)
{
	if (state->said && !strcmp(state->said, reason))
		return;
	free(state->said);
	state->said = tarn_strdup(reason);
	tarn_server_say(state->server, "publisher", "%lld records wait: %s", (long long)waiting, reason);
}

/* Whether all is sent. */
static bool send_all(struct state *state)
{
	struct tarn_publisher_sent sent;
	struct tarn_err err;
	if (tarn_publisher_send(state->publisher, &sent, &err)) {
		say_once(state, sent.waiting, err.message);
		return false;
	}
	if (sent.sent)
		tarn_server_say(state->server, "publisher", "sent %lld records that waited", (long long)sent.sent);
	if (sent.refused)
		tarn_server_say(state->server, "publisher", "%lld refused, kept in %s/refused: %s",
				(long long)sent.refused, state->path, sent.reason);
	if (sent.waiting)
		say_once(state, sent.waiting, sent.reason);
	return !sent.waiting;
}

static void *run(void *context)
{
	struct state *state = context;
	int64_t pause = 0;
	while (wait_ms(state, pause))
		pause = !something_waits(state) || send_all(state) ? LOOK_MS : TRY_AGAIN_MS;
	return NULL;
}

static enum tarn_rc open_parts(struct state *state, struct tarn_err *err)
{
	const struct tarn_serve_options *options = tarn_server_options(state->server);
	struct tarn_registry *own = tarn_server_registry(state->server);
	struct tarn_publisher_options how = {
		.kafka = { options->brokers ? options->brokers : tarn_server_broker(state->server),
			   options->client_config },
		.spool = state->path,
	};
	enum tarn_rc rc = TARN_OK;
	if (!how.kafka.brokers)
		return tarn_fail(err, TARN_EINVALID, "there is no broker: neither the role nor --brokers");
	if (options->registry)
		rc = tarn_registry_client_open(&(struct tarn_registry_client_options){ .url = options->registry },
					       &state->registry, err);
	else if (own)
		state->registry = tarn_registry_local_client(own);
	else
		rc = tarn_fail(err, TARN_EINVALID, "there is no registry: neither the role nor --registry");
	how.registry = state->registry;
	if (!rc)
		rc = tarn_spool_open(state->path, &state->spool, err);
	return rc ? rc : tarn_publisher_open(&how, &state->publisher, err);
}

static void release(struct state *state)
{
	tarn_publisher_close(state->publisher);
	tarn_spool_close(state->spool);
	tarn_registry_client_free(state->registry);
	pthread_mutex_destroy(&state->lock);
	pthread_cond_destroy(&state->changed);
	free(state->said);
	free(state->path);
	free(state);
}

static enum tarn_rc start(struct tarn_server *server, void **context, struct tarn_err *err)
{
	struct state *state = tarn_calloc(1, sizeof(*state));
	state->server = server;
	state->path = tarn_asprintf("%s/spool", tarn_server_options(server)->data);
	pthread_mutex_init(&state->lock, NULL);
	tarn_cond_init(&state->changed);
	enum tarn_rc rc = open_parts(state, err);
	const struct tarn_serve_options *options = tarn_server_options(server);
	state->idle = !rc && options->users && !options->client_config;
	if (state->idle)
		tarn_server_say(server, "publisher",
				"sends nothing: the broker wants authentication, and there is no "
				"--client-config with a user");
	int failed = rc || state->idle ? 0 : pthread_create(&state->thread, NULL, run, state);
	if (failed)
		rc = tarn_fail(err, TARN_EIO, "no thread: %s", strerror(failed));
	if (rc)
		release(state);
	else
		*context = state;
	return rc;
}

static void stop(void *context)
{
	struct state *state = context;
	pthread_mutex_lock(&state->lock);
	state->stopping = true;
	pthread_cond_signal(&state->changed);
	pthread_mutex_unlock(&state->lock);
	if (!state->idle)
		pthread_join(state->thread, NULL);
	release(state);
}

const struct tarn_role tarn_role_publisher = { "publisher", start, stop };
