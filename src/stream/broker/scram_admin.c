/* DescribeUserScramCredentials, AlterUserScramCredentials (KIP-554). */
#include <stdlib.h>

#include "stream/broker/handlers.h"
#include "stream/broker/users.h"

typedef struct tarn_describe_user_scram_credentials_response_result described;
typedef struct tarn_describe_user_scram_credentials_response_credential credential_info;

/* Each name of a request is held against all others. */
enum { MAX_NAMES = 2000 };

/* ---- describe ---- */

struct gathering {
	struct tarn_call *call;
	described *results;
	size_t n, cap;
};

static void gather(void *context, const char *name, enum tarn_scram_mechanism mechanism, int32_t iterations)
{
	struct gathering *all = context;
	struct tarn_call *call = all->call;
	described *last = all->n ? &all->results[all->n - 1] : NULL;
	if (!last || strcmp(last->user, name)) {
		all->results = tarn_grow(all->results, &all->cap, all->n + 1, sizeof(*all->results));
		last = &all->results[all->n++];
		*last = *tarn_call_new(call, describe_user_scram_credentials_response_result, 1);
		last->user = tarn_arena_strdup(&call->arena, name);
		last->credentials = tarn_call_new(call, describe_user_scram_credentials_response_credential, 2);
	}
	last->credentials[last->n_credentials++] =
		(credential_info){ .mechanism = (int8_t)mechanism, .iterations = iterations };
}

/* The result of each name that was asked for. */
static void pick(struct gathering *all, const struct tarn_describe_user_scram_credentials_request *request,
		 struct tarn_describe_user_scram_credentials_response *response)
{
	response->n_results = request->n_users;
	response->results = tarn_call_new(all->call, describe_user_scram_credentials_response_result, request->n_users);
	for (size_t i = 0; i < request->n_users; i++) {
		described *result = &response->results[i];
		result->user = request->users[i].name;
		result->error_code = TARN_KAFKA_RESOURCE_NOT_FOUND;
		for (size_t k = 0; k < all->n; k++)
			if (!strcmp(all->results[k].user, request->users[i].name))
				*result = all->results[k];
		for (size_t k = 0; k < request->n_users; k++)
			if (k != i && !strcmp(request->users[k].name, request->users[i].name))
				result->error_code = TARN_KAFKA_DUPLICATE_RESOURCE;
		if (result->error_code) {
			result->error_message = tarn_kafka_error_text(result->error_code);
			result->n_credentials = 0;
		}
	}
}

void tarn_handle_describe_user_scram_credentials(struct tarn_call *call)
{
	const struct tarn_describe_user_scram_credentials_request *request = call->request;
	struct tarn_describe_user_scram_credentials_response *response = call->response;
	struct gathering all = { .call = call };
	bool allowed = tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME);
	if (!allowed || request->n_users > MAX_NAMES) {
		response->error_code = allowed ? TARN_KAFKA_INVALID_REQUEST : TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
		response->error_message = tarn_kafka_error_text(response->error_code);
		tarn_call_answer(call);
		return;
	}
	if (call->broker->users)
		tarn_users_each(call->broker->users, gather, &all);
	if (request->n_users) {
		pick(&all, request, response);
	} else {
		response->results = all.results;
		response->n_results = all.n;
	}
	tarn_call_answer(call);
	free(all.results);
}

/* ---- alter ---- */

typedef struct tarn_alter_user_scram_credentials_request alteration;
typedef struct tarn_alter_user_scram_credentials_request_upsertion upsertion;

static bool known_mechanism(int8_t mechanism)
{
	return mechanism == TARN_SCRAM_SHA_256 || mechanism == TARN_SCRAM_SHA_512;
}

static int16_t check_upsertion(const upsertion *up)
{
	if (!known_mechanism(up->mechanism))
		return TARN_KAFKA_UNSUPPORTED_SASL_MECHANISM;
	if (!*up->name || strlen(up->name) > 250 || up->iterations < TARN_SCRAM_MIN_ITERATIONS ||
	    up->iterations > TARN_SCRAM_MAX_ITERATIONS || !up->salt.len || up->salt.len > TARN_SCRAM_MAX_SALT ||
	    up->salted_password.len != tarn_scram_hash_size((enum tarn_scram_mechanism)up->mechanism))
		return TARN_KAFKA_UNACCEPTABLE_CREDENTIAL;
	return TARN_KAFKA_NONE;
}

/* Whether the request changes this user's credential of this mechanism more than once. */
static bool is_twice(const alteration *request, const char *name, int8_t mechanism)
{
	size_t n = 0;
	for (size_t i = 0; i < request->n_deletions; i++)
		n += request->deletions[i].mechanism == mechanism && !strcmp(request->deletions[i].name, name);
	for (size_t i = 0; i < request->n_upsertions; i++)
		n += request->upsertions[i].mechanism == mechanism && !strcmp(request->upsertions[i].name, name);
	return n > 1;
}

static bool exists(struct tarn_users *users, const char *name, int8_t mechanism)
{
	struct tarn_scram_credential unused;
	return tarn_users_credential(users, name, (enum tarn_scram_mechanism)mechanism, &unused);
}

/* What to change about a user, or the reason why not. */
static int16_t plan(struct tarn_call *call, const char *name, struct tarn_users_change *changes, size_t *n)
{
	const alteration *request = call->request;
	int16_t error = TARN_KAFKA_NONE;
	for (size_t i = 0; i < request->n_deletions && !error; i++) {
		if (strcmp(request->deletions[i].name, name))
			continue;
		int8_t mechanism = request->deletions[i].mechanism;
		if (!known_mechanism(mechanism))
			error = TARN_KAFKA_UNSUPPORTED_SASL_MECHANISM;
		else if (is_twice(request, name, mechanism))
			error = TARN_KAFKA_DUPLICATE_RESOURCE;
		else if (!exists(call->broker->users, name, mechanism))
			error = TARN_KAFKA_RESOURCE_NOT_FOUND;
		changes[(*n)++] = (struct tarn_users_change){ name, (enum tarn_scram_mechanism)mechanism, NULL };
	}
	for (size_t i = 0; i < request->n_upsertions && !error; i++) {
		const upsertion *up = &request->upsertions[i];
		if (strcmp(up->name, name))
			continue;
		error = check_upsertion(up);
		if (!error && is_twice(request, name, up->mechanism))
			error = TARN_KAFKA_DUPLICATE_RESOURCE;
		if (error)
			break;
		struct tarn_scram_credential *credential = tarn_arena_zalloc(&call->arena, sizeof(*credential));
		credential->iterations = up->iterations;
		credential->salt_len = up->salt.len;
		memcpy(credential->salt, up->salt.data, up->salt.len);
		tarn_scram_from_salted((enum tarn_scram_mechanism)up->mechanism, up->salted_password.data, credential);
		changes[(*n)++] =
			(struct tarn_users_change){ name, (enum tarn_scram_mechanism)up->mechanism, credential };
	}
	return error;
}

static int16_t alter(struct tarn_call *call, const char *name, const char **message)
{
	const alteration *request = call->request;
	struct tarn_users_change *changes =
		tarn_arena_zalloc(&call->arena, (request->n_deletions + request->n_upsertions + 1) * sizeof(*changes));
	size_t n = 0;
	if (!call->broker->users)
		return TARN_KAFKA_SECURITY_DISABLED;
	int16_t error = plan(call, name, changes, &n);
	struct tarn_err err;
	enum tarn_rc rc = error ? TARN_OK : tarn_users_change(call->broker->users, changes, n, &err);
	if (rc) {
		error = rc == TARN_EINVALID ? TARN_KAFKA_UNACCEPTABLE_CREDENTIAL : tarn_kafka_error_of(rc);
		*message = tarn_arena_strdup(&call->arena, err.message);
	}
	return error;
}

static void add_result(struct tarn_call *call, const char *name)
{
	struct tarn_alter_user_scram_credentials_response *response = call->response;
	for (size_t i = 0; i < response->n_results; i++)
		if (!strcmp(response->results[i].user, name))
			return;
	struct tarn_alter_user_scram_credentials_response_result *result = &response->results[response->n_results++];
	result->user = name;
	if (tarn_call_allowed(call, TARN_ACL_ALTER, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME))
		result->error_code = alter(call, name, &result->error_message);
	else
		result->error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
	if (result->error_code && !result->error_message)
		result->error_message = tarn_kafka_error_text(result->error_code);
}

void tarn_handle_alter_user_scram_credentials(struct tarn_call *call)
{
	const alteration *request = call->request;
	struct tarn_alter_user_scram_credentials_response *response = call->response;
	if (request->n_deletions + request->n_upsertions > MAX_NAMES) {
		tarn_call_hang_up(call, "more users than a request may change");
		return;
	}
	response->results = tarn_call_new(call, alter_user_scram_credentials_response_result,
					  request->n_deletions + request->n_upsertions);
	for (size_t i = 0; i < request->n_deletions; i++)
		add_result(call, request->deletions[i].name);
	for (size_t i = 0; i < request->n_upsertions; i++)
		add_result(call, request->upsertions[i].name);
	tarn_call_answer(call);
}
