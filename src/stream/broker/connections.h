/* Sockets of the broker: one listener, connections spread over a few loops (libuv), a session behind each. */
#ifndef TARN_STREAM_BROKER_CONNECTIONS_H
#define TARN_STREAM_BROKER_CONNECTIONS_H

#include "stream/broker/broker.h"

struct tarn_connections_options {
	const char *listen;		       /* HOST:PORT; port 0: any free one; "[::1]:9092" for IPv6 */
	const char *tls_certificate, *tls_key; /* PEM files, both or none; set: clients must speak TLS */
	bool insecure;			       /* listen beyond loopback though nobody has to authenticate */
	int loops;			       /* threads; 0: one a core, at most four */
	int64_t idle_ms;  /* a connection that has been silent this long is closed; 0: 600,000, as Kafka */
	int64_t login_ms; /* one that has not authenticated, or not finished its TLS handshake; 0: 30,000 */
	int64_t stall_ms; /* one that is in the middle of a request or of an answer and does not go on; 0: 60,000 */
};

struct tarn_connections;

/* When it returns, clients can connect. broker->port is set where it was 0. The broker must outlive the connections. */
enum tarn_rc tarn_connections_start(struct tarn_broker *broker, const struct tarn_connections_options *options,
				    struct tarn_connections **connections, struct tarn_err *err) TARN_MUST_CHECK;
/* Closes all of them, waits until the calls under way have been answered, and ends the threads. */
void tarn_connections_stop(struct tarn_connections *connections);
int tarn_connections_port(const struct tarn_connections *connections);
size_t tarn_connections_count(const struct tarn_connections *connections);

#endif
