/* The one process: roles that are started one after the other, in the order of the table in serve.c, and stopped in the
 * reverse order. A role is what another system could be asked to do instead (see the README). */
#ifndef TARN_SERVE_ROLE_H
#define TARN_SERVE_ROLE_H

#include "base/err.h"
#include "serve/http.h"
#include "stream/log/log.h"

/* What `tarn serve` was asked for; every text may be NULL where an option was not given and has no default. */
struct tarn_serve_options {
	const char *data;	      /* folder of log, state and spool */
	const char *broker_listen;    /* HOST:PORT */
	const char *broker_advertise; /* HOST:PORT that clients are told; NULL: the listener */
	int64_t broker_partitions;    /* of topics that are made without a number; 0: 1 */
	const char *registry_listen, *connect_listen;
	const char *metrics_listen;
	const char *raw; /* store that the sink writes to by default: path, file:// or s3:// */
	const char *s3_endpoint;
	const char *brokers;		       /* of another Kafka, instead of the broker role */
	const char *registry;		       /* URL of another registry, instead of the registry role */
	const char *client_config;	       /* file of librdkafka's settings for it, or NULL */
	const char *tls_certificate, *tls_key; /* PEM files; set: the listeners speak TLS */
	const char *users;		       /* file of SASL users; set: clients must authenticate */
	const char *super_users; /* "User:admin;User:root": may do everything, whatever the ACLs say; or NULL */
	bool insecure;		 /* listen beyond loopback without authentication */
};

struct tarn_server;

struct tarn_role {
	const char *name; /* "broker" in --roles */
	/* *state is the role's own. When it returns, the role answers. */
	enum tarn_rc (*start)(struct tarn_server *server, void **state, struct tarn_err *err);
	void (*stop)(void *state);
};

const struct tarn_serve_options *tarn_server_options(const struct tarn_server *server);
/* The log of DATA, opened at the first call; NULL with *err where that fails. It is closed after all roles have
 * stopped. */
struct tarn_log *tarn_server_log(struct tarn_server *server, struct tarn_err *err);
/* HOST:PORT of the broker role of this process, for roles that start after it; NULL where it does not run. */
void tarn_server_offer_broker(struct tarn_server *server, const char *address);
const char *tarn_server_broker(const struct tarn_server *server);
/* The registry role of this process, for roles that start after it and end before it; NULL where it does not run. */
struct tarn_registry;
void tarn_server_offer_registry(struct tarn_server *server, struct tarn_registry *registry);
struct tarn_registry *tarn_server_registry(const struct tarn_server *server);
/* Asks it about the values of topics with schema.validation; for the broker role. */
struct tarn_validator;
const struct tarn_validator *tarn_server_validator(const struct tarn_server *server);
/* One line to standard error with time and role. Any thread. */
void tarn_server_say(struct tarn_server *server, const char *role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- metrics and health ---- */

/* What a role counts: `write` appends it as Prometheus' text. A role calls this while it starts; it is asked until it
 * has been stopped. */
void tarn_server_add_metrics(struct tarn_server *server, void (*write)(void *context, struct tarn_buf *out),
			     void *context);
/* All of them, and what the process itself knows. Any thread. */
void tarn_server_write_metrics(struct tarn_server *server, struct tarn_buf *out);
bool tarn_server_is_ready(struct tarn_server *server); /* all roles have started, none is being stopped */

/* ---- HTTP listeners ---- */

/* A listener as the options say: tarn_http_open with their TLS and their users, and the default limits. */
enum tarn_rc tarn_http_start(const char *listen, const struct tarn_routes *routes,
			     const struct tarn_serve_options *options, struct tarn_http **http,
			     struct tarn_err *err) TARN_MUST_CHECK;

#endif
