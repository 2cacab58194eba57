/* HTTP listeners (libmicrohttpd) for tables of routes (base/route.h): sockets, TLS, who may ask, limits. */
#ifndef TARN_SERVE_HTTP_H
#define TARN_SERVE_HTTP_H

#include "base/err.h"
#include "base/route.h"

struct tarn_http;

struct tarn_http_options {
	const char *listen;		       /* HOST:PORT, [IPV6]:PORT or :PORT (loopback); port 0: any free one */
	const char *tls_certificate, *tls_key; /* PEM files, both or none; set: TLS */
	/* Set: requests need HTTP Basic credentials that it accepts. Called on several threads at once. */
	bool (*may_enter)(void *context, const char *user, const char *password);
	void *context;
	bool insecure;		  /* listen beyond loopback though nobody is asked who they are */
	unsigned threads;	  /* 0: 4 */
	unsigned max_connections; /* 0: 1,000; more wait in the kernel's queue */
	int64_t patience_ms;	  /* 0: 30,000 */
};

/* Serves the table, which must outlive the listener. A request must have arrived as a whole `patience_ms` after its
 * connection was opened or its predecessor was answered, and an answer must have been taken in the same time; else the
 * connection is dropped. Heads above 32 KiB are refused with 431, bodies above routes->max_body with 413. */
enum tarn_rc tarn_http_open(const struct tarn_http_options *options, const struct tarn_routes *routes,
			    struct tarn_http **http, struct tarn_err *err) TARN_MUST_CHECK;
/* Waits for handlers that run; drops connections. NULL is fine. */
void tarn_http_stop(struct tarn_http *http);
int tarn_http_port(const struct tarn_http *http);

#endif
