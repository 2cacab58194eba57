/* Objects written as a whole, copied, and created only where there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/object/s3_upload.h"
#include "store/object/s3_work.h"

enum { DIRECT_BYTES = 4 << 20 }; /* larger ones are not copied to be sent later */

/* ---- buckets ---- */

static enum tarn_rc make_bucket(struct s3_store *store, struct tarn_err *err)
{
	static const char form[] = "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
				   "<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>";
	struct s3_body body;
	struct s3_response response;
	s3_body_init(&body, 4096);
	/* The first region is the only one that must not be named. */
	if (strcmp(store->config.region, "us-east-1"))
		tarn_buf_printf(&body.bytes, form, store->config.region);
	body.len = (int64_t)body.bytes.len;
	const struct s3_request request = { .method = "PUT", .body = &body };
	enum tarn_rc rc = s3_call(store, &request, &response, err);
	bool made = !rc && (response.status == 200 || !strcmp(response.code, "BucketAlreadyOwnedByYou"));
	if (!rc && !made)
		rc = s3_refuse(store, &request, &response, err);
	s3_body_release(&body);
	return rc;
}

enum tarn_rc s3_expect_write(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
			     struct tarn_err *err)
{
	enum tarn_rc rc = s3_call(store, request, response, err);
	if (!rc && store->create && response->status == 404 && !strcmp(response->code, "NoSuchBucket")) {
		rc = make_bucket(store, err);
		if (!rc)
			rc = s3_call(store, request, response, err);
	}
	if (rc || (response->status >= 200 && response->status < 300))
		return rc;
	return s3_refuse(store, request, response, err);
}

/* ---- whole objects ---- */

struct put_job {
	struct s3_job job;
	char *key;
	struct s3_body body;
};

static void run_put(struct s3_store *store, struct s3_job *job)
{
	struct put_job *put = (struct put_job *)job;
	struct s3_response response;
	struct tarn_err err;
	size_t held = put->body.bytes.len;
	const struct s3_request request = { .method = "PUT", .key = put->key, .body = &put->body };
	enum tarn_rc rc = s3_expect_write(store, &request, &response, &err);
	s3_body_release(&put->body);
	s3_work_let_go(store, held);
	s3_work_end(store, put->key, rc ? &err : NULL);
	free(put->key);
	free(put);
}

void s3_put_later(struct s3_store *store, char *key, struct s3_body *body)
{
	struct put_job *put = tarn_malloc(sizeof(*put));
	*put = (struct put_job){ .job.run = run_put, .key = key, .body = *body };
	s3_work_begin(store, key);
	s3_work_hold(store, body->bytes.len);
	s3_work_submit(store, &put->job);
}

static void fill_body(struct s3_body *body, struct tarn_slice bytes)
{
	s3_body_init(body, bytes.len);
	tarn_buf_add_slice(&body->bytes, bytes);
	body->len = (int64_t)bytes.len;
}

/* ---- creation ---- */

enum tarn_rc s3_is_ours(struct s3_store *store, const char *key, const char *id, bool *ours, struct tarn_err *err)
{
	struct s3_response response;
	const struct s3_request request = { .method = "HEAD", .key = key };
	enum tarn_rc rc = s3_call(store, &request, &response, err);
	if (!rc && response.status != 200 && response.status != 404)
		rc = s3_refuse(store, &request, &response, err);
	if (!rc)
		*ours = response.status == 200 && !strcmp(response.id, id);
	return rc;
}

/* Answers 412 where the key is taken, if the store knows conditions. A try that was cut off may have succeeded, and the
 * next one then meets its own object: the id tells. The response's attempts do not, as curl tries again by itself where
 * a kept connection turns out to be closed. */
static enum tarn_rc create(struct s3_store *store, const char *key, struct s3_body *body, int *status,
			   struct tarn_err *err)
{
	char id[TARN_UUID_SIZE];
	struct s3_response response;
	const struct s3_request request = { .method = "PUT",
					    .key = key,
					    .headers = { { "if-none-match", "*" }, { "x-amz-meta-tarn-id", id } },
					    .body = body };
	bool ours = false;
	tarn_uuid(id);
	enum tarn_rc rc = s3_expect_write(store, &request, &response, err);
	*status = response.status;
	if (rc != TARN_EEXISTS)
		return rc;
	struct tarn_err problem;
	enum tarn_rc looked = s3_is_ours(store, key, id, &ours, &problem);
	if (looked && err)
		*err = problem;
	if (ours)
		*status = 200;
	return looked ? looked : ours ? TARN_OK : rc;
}

/* A store that does not know If-None-Match overwrites without a word, so it is asked once: the second creation of a key
 * must be refused. */
static enum tarn_rc probe(struct s3_store *store, int *creates, struct tarn_err *err)
{
	char id[TARN_UUID_SIZE], *name, *key;
	struct s3_body body;
	struct s3_response response;
	int status = 0;
	tarn_uuid(id);
	name = tarn_asprintf(".tarn-probe-%s", id);
	key = s3_full_key(store, name);
	fill_body(&body, tarn_slice_str("probe"));
	enum tarn_rc rc = create(store, key, &body, &status, err);
	if (!rc) {
		rc = create(store, key, &body, &status, err);
		const struct s3_request away = { .method = "DELETE", .key = key };
		if (s3_call(store, &away, &response, NULL))
			response.status = 0; /* it stays: an object of five bytes that no listing shows */
	}
	if (rc == TARN_EEXISTS || rc == TARN_EUNSUPPORTED || !rc) {
		*creates = rc == TARN_EEXISTS;
		rc = TARN_OK;
	}
	s3_body_release(&body);
	free(key);
	free(name);
	return rc;
}

static enum tarn_rc knows_creation(struct s3_store *store, bool *known, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&store->probing);
	if (store->creates < 0)
		rc = probe(store, &store->creates, err);
	*known = store->creates > 0;
	pthread_mutex_unlock(&store->probing);
	return rc;
}

/* Where nobody else writes, looking first is enough. */
static enum tarn_rc create_alone(struct s3_store *store, const char *key, struct s3_body *body, struct tarn_err *err)
{
	struct s3_response response;
	const struct s3_request look = { .method = "HEAD", .key = key },
				put = { .method = "PUT", .key = key, .body = body };
	if (!store->config.single_writer) {
		tarn_fail(err, TARN_EUNSUPPORTED,
			  "the store at \"%s\" ignores If-None-Match, so two writers could overwrite each other",
			  store->config.authority);
		tarn_err_hint(err, "TARN_S3_SINGLE_WRITER=1 says that nobody else writes to \"%s\"", store->base.url);
		return TARN_EUNSUPPORTED;
	}
	enum tarn_rc rc = s3_call(store, &look, &response, err);
	if (!rc && response.status == 200)
		rc = tarn_fail(err, TARN_EEXISTS, "\"%s\" exists", key);
	else if (!rc && response.status != 404)
		rc = s3_refuse(store, &look, &response, err);
	return rc ? rc : s3_expect_write(store, &put, &response, err);
}

static enum tarn_rc create_now(struct s3_store *store, const char *key, struct s3_body *body, struct tarn_err *err)
{
	bool known;
	int status;
	enum tarn_rc rc = knows_creation(store, &known, err);
	if (rc)
		return rc;
	return known ? create(store, key, body, &status, err) : create_alone(store, key, body, err);
}

enum tarn_rc s3_put(struct tarn_store *store, const char *key, struct tarn_slice bytes, enum tarn_put_mode mode,
		    struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	struct s3_response response;
	struct s3_body body;
	enum tarn_rc rc;
	char *full = s3_full_key(s3, key);
	fill_body(&body, bytes);
	if (mode != TARN_PUT_NEW && bytes.len <= DIRECT_BYTES) {
		s3_put_later(s3, full, &body);
		return TARN_OK;
	}
	s3_work_begin(s3, full);
	const struct s3_request request = { .method = "PUT", .key = full, .body = &body };
	rc = mode == TARN_PUT_NEW ? create_now(s3, full, &body, err) : s3_expect_write(s3, &request, &response, err);
	s3_work_end(s3, full, NULL);
	s3_body_release(&body);
	free(full);
	return rc;
}

/* ---- copies ---- */

static enum tarn_rc copy(struct s3_store *store, const char *from, const char *to, struct tarn_err *err)
{
	struct tarn_buf source, answer;
	struct s3_body nothing;
	struct s3_response response;
	tarn_buf_init(&source, 1 << 16);
	tarn_buf_init(&answer, 1 << 16);
	s3_body_init(&nothing, 0);
	tarn_buf_printf(&source, "/%s/", store->config.bucket);
	s3_encode(&source, from, true);
	tarn_buf_add_byte(&source, '\0');
	const struct s3_request request = {
		.method = "PUT",
		.key = to,
		.headers = { { "x-amz-copy-source", (const char *)source.data } },
		.body = &nothing,
		.out = &answer,
		.may_fail_late = true,
	};
	enum tarn_rc rc = s3_expect(store, &request, &response, err);
	s3_body_release(&nothing);
	tarn_buf_release(&answer);
	tarn_buf_release(&source);
	return rc;
}

struct copy_job {
	struct s3_job job;
	char *from, *to;
};

static void run_copy(struct s3_store *store, struct s3_job *job)
{
	struct copy_job *copying = (struct copy_job *)job;
	struct tarn_err err;
	enum tarn_rc rc = copy(store, copying->from, copying->to, &err);
	s3_work_end(store, copying->to, rc ? &err : NULL);
	free(copying->from);
	free(copying->to);
	free(copying);
}

/* What is copied does not change, so a copy that is there already may be made again. */
enum tarn_rc s3_link(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	struct copy_job *copying = tarn_malloc(sizeof(*copying));
	(void)err;
	*copying = (struct copy_job){ { .run = run_copy }, s3_full_key(s3, from), s3_full_key(s3, to) };
	s3_work_settle(s3, copying->from);
	s3_work_begin(s3, copying->to);
	s3_work_submit(s3, &copying->job);
	return TARN_OK;
}

enum tarn_rc s3_rename(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	char *source = s3_full_key(s3, from), *target = s3_full_key(s3, to);
	s3_work_settle(s3, source);
	s3_work_begin(s3, target);
	enum tarn_rc rc = copy(s3, source, target, err);
	s3_work_end(s3, target, NULL);
	free(source);
	free(target);
	return rc ? rc : s3_delete(store, from, err);
}

enum tarn_rc s3_sync(struct tarn_store *store, struct tarn_err *err)
{
	s3_work_settle(s3_store_of(store), NULL);
	return s3_work_failure(s3_store_of(store), err);
}
