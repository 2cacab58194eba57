/* TLS on a socket that does not block (OpenSSL). */
#ifndef TARN_STREAM_BROKER_TLS_H
#define TARN_STREAM_BROKER_TLS_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"

struct tarn_tls_context; /* certificate and key; shared by all connections */
struct tarn_tls;

/* PEM files; the certificate's may hold its chain. TLS 1.2 and 1.3. */
enum tarn_rc tarn_tls_context_new(const char *certificate, const char *key, struct tarn_tls_context **context,
				  struct tarn_err *err) TARN_MUST_CHECK;
void tarn_tls_context_free(struct tarn_tls_context *context);

/* The server's side of a connection. The socket stays the caller's. */
struct tarn_tls *tarn_tls_new(struct tarn_tls_context *context, int fd);
void tarn_tls_free(struct tarn_tls *tls);
/* As read(2) and writev(2): -1 with errno EAGAIN where the socket must be readable first, or writable if
 * tarn_tls_wants_write. The handshake happens on the way. After an error that is not EAGAIN, tarn_tls_problem says what
 * it was. `scratch` is TARN_TLS_RECORD bytes for the time of the call. */
enum { TARN_TLS_RECORD = 16 << 10 };
ssize_t tarn_tls_read(struct tarn_tls *tls, void *data, size_t size);
ssize_t tarn_tls_writev(struct tarn_tls *tls, const struct iovec *iov, size_t n, uint8_t *scratch);
bool tarn_tls_wants_write(const struct tarn_tls *tls);
/* Whether something was read from the socket that tarn_tls_read has not given out. */
bool tarn_tls_has_more(const struct tarn_tls *tls);
bool tarn_tls_is_up(const struct tarn_tls *tls);
const char *tarn_tls_problem(const struct tarn_tls *tls); /* "" where the other side only went away */

#endif
