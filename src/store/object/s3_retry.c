/* Trying again: what passes by itself, how long to wait, and what an answer means that does not pass. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/object/s3_store.h"

enum { LONGEST_WAIT_MS = 20000 };

/* Answers that pass, by status (0: any) and code (NULL: any). */
static const struct {
	int status;
	const char *code;
} passing[] = {
	{ 500, NULL },
	{ 502, NULL },
	{ 503, NULL },
	{ 504, NULL },
	{ 429, NULL },
	{ 408, NULL },
	{ 409, "ConditionalRequestConflict" },
	{ 409, "OperationAborted" },
	{ 0, "RequestTimeout" },
	{ 0, "RequestTimeTooSkewed" }, /* our clock is set by the answer's first */
	{ 0, "SlowDown" },
	{ 0, "Throttling" },
	{ 0, "ThrottlingException" },
	{ 0, "RequestLimitExceeded" },
	{ 0, "InternalError" },
	{ 0, "ServiceUnavailable" },
	{ 0, "TooManyRequests" },
};

bool s3_is_passing(int status, const char *code)
{
	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if ((!passing[i].status || passing[i].status == status) &&
		    (!passing[i].code || !strcmp(passing[i].code, code)))
			return true;
	return false;
}

static void set_clock(struct s3_store *store, const struct s3_response *response)
{
	if (!strcmp(response->code, "RequestTimeTooSkewed") && response->date_us)
		atomic_store(&store->skew_us, response->date_us - tarn_now_us());
}

static const char *shown_key(const struct s3_request *request)
{
	return request->key ? request->key : "";
}

/* A passing answer that has come too often is an answer; a network that fails too often is an error. */
enum tarn_rc s3_call(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
		     struct tarn_err *err)
{
	struct tarn_err problem;
	for (int attempt = 1;; attempt++) {
		bool again;
		*response = (struct s3_response){ .length = -1, .size = -1, .attempts = attempt };
		enum tarn_rc rc = s3_exchange(store, request, response, &again, &problem);
		if (!rc) {
			again = s3_is_passing(response->status, response->code);
			set_clock(store, response);
		}
		if (again && attempt < store->config.attempts) {
			int64_t after = rc ? 0 : response->retry_after_ms;
			tarn_sleep_ms(tarn_backoff_ms(attempt + 1, LONGEST_WAIT_MS, after, (uint64_t)tarn_random_id()));
			continue;
		}
		if (!rc)
			return TARN_OK;
		if (err)
			*err = problem;
		return tarn_err_within(err, rc, "%s s3://%s/%s%s", request->method, store->config.bucket,
				       shown_key(request), attempt > 1 ? " (after several tries)" : "");
	}
}

/* What a code, or else a status, is to our callers. */
static const struct {
	int status;
	const char *code;
	enum tarn_rc rc;
	int sys_errno; /* marks trouble that is the object's own */
	const char *hint;
} meanings[] = {
	{ 0, "NoSuchBucket", TARN_ENOTFOUND, 0, "make the bucket first" },
	{ 0, "NoSuchKey", TARN_ENOTFOUND, 0, NULL },
	{ 0, "SignatureDoesNotMatch", TARN_EIO, 0, "the secret key does not belong to the access key" },
	{ 0, "InvalidAccessKeyId", TARN_EIO, 0, "the store does not know this access key" },
	{ 0, "ExpiredToken", TARN_EIO, 0, "the session has ended; get new credentials" },
	{ 0, "PreconditionFailed", TARN_EEXISTS, 0, NULL },
	{ 0, "InvalidRange", TARN_EINVALID, 0, NULL },
	{ 0, "AccessDenied", TARN_EIO, EACCES, NULL },
	{ 404, NULL, TARN_ENOTFOUND, 0, NULL },
	{ 409, NULL, TARN_ECONFLICT, 0, NULL },
	{ 412, NULL, TARN_EEXISTS, 0, NULL },
	{ 416, NULL, TARN_EINVALID, 0, NULL },
	{ 501, NULL, TARN_EUNSUPPORTED, 0, NULL },
	{ 0, NULL, TARN_EIO, 0, NULL },
};

enum tarn_rc s3_refuse(const struct s3_store *store, const struct s3_request *request,
		       const struct s3_response *response, struct tarn_err *err)
{
	size_t i = 0;
	while ((meanings[i].status && meanings[i].status != response->status) ||
	       (meanings[i].code && strcmp(meanings[i].code, response->code)))
		i++;
	enum tarn_rc rc =
		tarn_fail(err, meanings[i].rc, "%s s3://%s/%s: %d %s%s%s%s", request->method, store->config.bucket,
			  shown_key(request), response->status, response->code, *response->message ? ": " : "",
			  response->message, response->attempts > 1 ? " (after several tries)" : "");
	if (!err)
		return rc;
	err->sys_errno = meanings[i].sys_errno;
	if (*response->region && strcmp(response->region, store->config.region))
		tarn_err_hint(err, "the bucket is in region \"%s\": set AWS_REGION", response->region);
	else if (meanings[i].hint)
		tarn_err_hint(err, "%s", meanings[i].hint);
	return rc;
}

enum tarn_rc s3_expect(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
		       struct tarn_err *err)
{
	enum tarn_rc rc = s3_call(store, request, response, err);
	if (rc || (response->status >= 200 && response->status < 300))
		return rc;
	return s3_refuse(store, request, response, err);
}
