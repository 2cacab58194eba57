#include "stream/broker/sasl.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "stream/broker/handlers.h"
#include "stream/broker/users.h"

enum mechanism { PLAIN, SCRAM_256, SCRAM_512, N_MECHANISMS };

static const char *const mechanisms[N_MECHANISMS] = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" };

enum step { FIRST, LAST, DONE, FAILED };

struct tarn_sasl {
	enum mechanism mechanism;
	enum step step;
	bool known; /* the user */
	char user[256];
	struct tarn_scram scram;
};

void tarn_sasl_free(struct tarn_sasl *sasl)
{
	free(sasl);
}

/* ---- the exchange ---- */

/* "identity NUL user NUL password" */
static enum tarn_rc take_plain(struct tarn_sasl *sasl, struct tarn_users *users, struct tarn_slice token,
			       struct tarn_err *err)
{
	const uint8_t *end = token.data + token.len;
	const uint8_t *user = token.len ? memchr(token.data, 0, token.len) : NULL;
	const uint8_t *password = user ? memchr(user + 1, 0, (size_t)(end - user - 1)) : NULL;
	if (!password || memchr(password + 1, 0, (size_t)(end - password - 1)))
		return tarn_fail(err, TARN_EINVALID, "the token is not that of PLAIN");
	size_t identity_len = (size_t)(user - token.data), user_len = (size_t)(password - user - 1);
	if (!user_len || user_len >= sizeof(sasl->user))
		return tarn_fail(err, TARN_EINVALID, "the user's name is not valid");
	if (identity_len && (identity_len != user_len || memcmp(token.data, user + 1, user_len)))
		return tarn_fail(err, TARN_EINVALID, "the client wants to act for somebody else");
	snprintf(sasl->user, sizeof(sasl->user), "%.*s", (int)user_len, (const char *)user + 1);
	char *secret = tarn_asprintf("%.*s", (int)(end - password - 1), (const char *)password + 1);
	bool right = tarn_users_check(users, sasl->user, secret);
	memset(secret, 0, strlen(secret));
	free(secret);
	if (!right)
		return tarn_fail(err, TARN_EINVALID, "wrong user or password");
	sasl->step = DONE;
	return TARN_OK;
}

static enum tarn_rc take_scram(struct tarn_sasl *sasl, struct tarn_users *users, struct tarn_slice token,
			       struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_scram *scram = &sasl->scram;
	enum tarn_rc rc;
	if (sasl->step == FIRST) {
		uint8_t random[18];
		scram->mechanism = sasl->mechanism == SCRAM_256 ? TARN_SCRAM_SHA_256 : TARN_SCRAM_SHA_512;
		rc = tarn_scram_first(scram, token, err);
		if (rc)
			return rc;
		snprintf(sasl->user, sizeof(sasl->user), "%s", scram->user);
		sasl->known = tarn_users_credential(users, scram->user, scram->mechanism, &scram->credential);
		RAND_bytes(random, sizeof(random));
		tarn_scram_challenge(scram, random, out);
		sasl->step = LAST;
		return TARN_OK;
	}
	rc = tarn_scram_final(scram, token, out, err);
	if (!rc && !sasl->known)
		rc = tarn_fail(err, TARN_EINVALID, "wrong user or password");
	if (!rc)
		sasl->step = DONE;
	return rc;
}

/* The client's next token; what goes back to it is appended to `out`. */
static enum tarn_rc take_token(struct tarn_call *call, struct tarn_slice token, struct tarn_buf *out,
			       struct tarn_err *err)
{
	struct tarn_session *session = call->session;
	struct tarn_sasl *sasl = session->sasl;
	struct tarn_users *users = call->broker->users;
	enum tarn_rc rc = sasl->mechanism == PLAIN ? take_plain(sasl, users, token, err)
						   : take_scram(sasl, users, token, out, err);
	if (rc) {
		sasl->step = FAILED;
		tarn_broker_complain(call->broker, "client %s: authentication of user \"%.200s\" with %s failed: %s",
				     session->peer, sasl->user, mechanisms[sasl->mechanism], err->message);
	} else if (sasl->step == DONE) {
		session->authenticated = true;
		session->raw_sasl = false;
		snprintf(session->principal, sizeof(session->principal), "User:%s", sasl->user);
	}
	return rc;
}

/* ---- the two ways ---- */

static int find_mechanism(const char *name)
{
	int i = 0;
	while (i < N_MECHANISMS && strcmp(mechanisms[i], name))
		i++;
	return i;
}

void tarn_handle_sasl_handshake(struct tarn_call *call)
{
	const struct tarn_sasl_handshake_request *request = call->request;
	struct tarn_sasl_handshake_response *response = call->response;
	struct tarn_session *session = call->session;
	int mechanism = find_mechanism(request->mechanism);
	response->n_mechanisms = N_MECHANISMS;
	response->mechanisms = (const char **)(uintptr_t)mechanisms;
	if (!session->must_authenticate || session->authenticated || session->sasl) {
		response->error_code = TARN_KAFKA_ILLEGAL_SASL_STATE;
	} else if (mechanism == N_MECHANISMS) {
		response->error_code = TARN_KAFKA_UNSUPPORTED_SASL_MECHANISM;
	} else {
		session->sasl = tarn_calloc(1, sizeof(*session->sasl));
		session->sasl->mechanism = (enum mechanism)mechanism;
		session->raw_sasl = call->api_version == 0;
	}
	tarn_call_answer(call);
}

/* A client that failed is told, and then hung up on. */
static void refuse(struct tarn_call *call, int16_t error, const char *message)
{
	struct tarn_sasl_authenticate_response *response = call->response;
	response->error_code = error;
	response->error_message = message;
	call->session->hang_up = true;
	tarn_call_answer(call);
}

void tarn_handle_sasl_authenticate(struct tarn_call *call)
{
	const struct tarn_sasl_authenticate_request *request = call->request;
	struct tarn_sasl_authenticate_response *response = call->response;
	struct tarn_session *session = call->session;
	if (!session->sasl || session->sasl->step == DONE || session->sasl->step == FAILED) {
		refuse(call, TARN_KAFKA_ILLEGAL_SASL_STATE, "SaslAuthenticate comes once, after SaslHandshake");
		return;
	}
	struct tarn_buf out;
	struct tarn_err err;
	tarn_buf_init(&out, 4096);
	if (take_token(call, request->auth_bytes, &out, &err)) {
		refuse(call, TARN_KAFKA_SASL_AUTHENTICATION_FAILED, "authentication failed");
	} else {
		response->auth_bytes = tarn_buf_slice(&out);
		tarn_call_answer(call);
	}
	tarn_buf_release(&out);
}

void tarn_sasl_take_raw(struct tarn_call *call, struct tarn_slice token)
{
	struct tarn_buf out;
	struct tarn_err err;
	tarn_buf_init(&out, 4096);
	if (take_token(call, token, &out, &err)) {
		/* There is no form for an error: Kafka closes the connection, and clients know what that means. */
		call->session->hang_up = true;
		tarn_call_answer_nothing(call);
	} else {
		tarn_call_answer_raw(call, tarn_buf_slice(&out));
	}
	tarn_buf_release(&out);
}
