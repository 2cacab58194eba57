#include "stream/broker/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/alloc.h"

struct tarn_tls {
	SSL *ssl;
	bool wants_write;
	char problem[160];
};

static enum tarn_rc fail(struct tarn_err *err, const char *path)
{
	char text[160];
	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return tarn_fail(err, TARN_EINVALID, "\"%s\": %s", path, text);
}

enum tarn_rc tarn_tls_context_new(const char *certificate, const char *key, struct tarn_tls_context **context,
				  struct tarn_err *err)
{
	SSL_CTX *made = SSL_CTX_new(TLS_server_method());
	if (!made)
		return fail(err, "TLS");
	SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
	/* Buffers are given back while a connection is silent: most of many connections are. */
	SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				       SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	enum tarn_rc rc = TARN_OK;
	if (SSL_CTX_use_certificate_chain_file(made, certificate) != 1)
		rc = fail(err, certificate);
	else if (SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(made) != 1)
		rc = fail(err, key);
	if (rc)
		SSL_CTX_free(made);
	else
		*context = (struct tarn_tls_context *)made;
	return rc;
}

void tarn_tls_context_free(struct tarn_tls_context *context)
{
	SSL_CTX_free((SSL_CTX *)context);
}

struct tarn_tls *tarn_tls_new(struct tarn_tls_context *context, int fd)
{
	struct tarn_tls *tls = tarn_calloc(1, sizeof(*tls));
	tls->ssl = SSL_new((SSL_CTX *)context);
	if (!tls->ssl || !SSL_set_fd(tls->ssl, fd))
		abort(); /* no memory */
	SSL_set_accept_state(tls->ssl);
	return tls;
}

void tarn_tls_free(struct tarn_tls *tls)
{
	if (!tls)
		return;
	if (SSL_is_init_finished(tls->ssl) && !*tls->problem)
		SSL_shutdown(tls->ssl);
	ERR_clear_error();
	SSL_free(tls->ssl);
	free(tls);
}

/* What became of a call that did not do all that it should: errno as of the plain socket. */
static ssize_t explain(struct tarn_tls *tls, int rc)
{
	switch (SSL_get_error(tls->ssl, rc)) {
	case SSL_ERROR_WANT_READ: errno = EAGAIN; return -1;
	case SSL_ERROR_WANT_WRITE:
		tls->wants_write = true;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN: return 0;
	case SSL_ERROR_SSL: ERR_error_string_n(ERR_peek_error(), tls->problem, sizeof(tls->problem)); break;
	default: break;
	}
	ERR_clear_error();
	errno = ECONNRESET;
	return -1;
}

ssize_t tarn_tls_read(struct tarn_tls *tls, void *data, size_t size)
{
	size_t n = 0;
	tls->wants_write = false;
	ERR_clear_error();
	int rc = SSL_read_ex(tls->ssl, data, size, &n);
	return rc == 1 ? (ssize_t)n : explain(tls, rc);
}

ssize_t tarn_tls_writev(struct tarn_tls *tls, const struct iovec *iov, size_t n, uint8_t *scratch)
{
	/* What is small goes into one record together; what is large goes as it is. */
	const void *data = n ? iov[0].iov_base : NULL;
	size_t len = n ? iov[0].iov_len : 0;
	if (n > 1 && len < TARN_TLS_RECORD) {
		len = 0;
		for (size_t i = 0; i < n && len < TARN_TLS_RECORD; i++) {
			size_t part = iov[i].iov_len < TARN_TLS_RECORD - len ? iov[i].iov_len : TARN_TLS_RECORD - len;
			memcpy(scratch + len, iov[i].iov_base, part);
			len += part;
		}
		data = scratch;
	}
	size_t written = 0;
	tls->wants_write = false;
	ERR_clear_error();
	int rc = SSL_write_ex(tls->ssl, data, len, &written);
	return rc == 1 ? (ssize_t)written : explain(tls, rc);
}

bool tarn_tls_wants_write(const struct tarn_tls *tls)
{
	return tls->wants_write;
}

bool tarn_tls_has_more(const struct tarn_tls *tls)
{
	return SSL_has_pending(tls->ssl);
}

bool tarn_tls_is_up(const struct tarn_tls *tls)
{
	return SSL_is_init_finished(tls->ssl);
}

const char *tarn_tls_problem(const struct tarn_tls *tls)
{
	return tls->problem;
}
