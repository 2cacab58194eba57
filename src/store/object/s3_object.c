/* Single objects, read and deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/object/s3_ahead.h"
#include "store/object/s3_upload.h"
#include "store/object/s3_work.h"

char *s3_full_key(const struct s3_store *store, const char *key)
{
	const char *prefix = store->config.prefix;
	return *prefix && *key ? tarn_asprintf("%s/%s", prefix, key) : tarn_strdup(*prefix ? prefix : key);
}

enum tarn_rc s3_get(struct tarn_store *store, const char *key, struct tarn_buf *out, struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	struct s3_response response;
	char *full = s3_full_key(s3, key);
	s3_work_settle(s3, full);
	const struct s3_request request = { .method = "GET", .key = full, .out = out };
	enum tarn_rc rc = s3_take_whole(s3, full, out) ? TARN_OK : s3_expect(s3, &request, &response, err);
	free(full);
	return rc;
}

static enum tarn_rc find_size(struct s3_store *s3, const char *full, int64_t *size, struct tarn_err *err)
{
	struct s3_response response;
	const struct s3_request request = { .method = "HEAD", .key = full };
	enum tarn_rc rc = s3_expect(s3, &request, &response, err);
	if (!rc && response.length < 0)
		rc = tarn_fail(err, TARN_EIO, "HEAD s3://%s/%s says no length", s3->config.bucket, full);
	if (!rc)
		*size = response.length;
	return rc;
}

/* What was asked for lies, in part or as a whole, behind the object's end. */
static enum tarn_rc refuse_range(const char *key, int64_t offset, size_t len, int64_t size, struct tarn_err *err)
{
	return tarn_fail_at(err, TARN_EINVALID, size, "\"%s\" ends at %lld, expected %zu bytes at %lld", key,
			    (long long)size, len, (long long)offset);
}

static enum tarn_rc fetch_range(struct s3_store *s3, const char *full, int64_t offset, size_t len, uint8_t *dst,
				struct tarn_err *err)
{
	struct s3_response response;
	char range[64];
	snprintf(range, sizeof(range), "bytes=%lld-%lld", (long long)offset, (long long)offset + (long long)len - 1);
	const struct s3_request request = {
		.method = "GET", .key = full, .headers = { { "range", range } }, .dst = dst, .dst_len = len
	};
	enum tarn_rc rc = s3_call(s3, &request, &response, err);
	int64_t size = response.size;
	if (!rc && response.status == 416) {
		rc = size >= 0 ? TARN_OK : find_size(s3, full, &size, err);
		if (!rc)
			rc = refuse_range(full, offset, len, size, err);
	} else if (!rc && response.status != 206 && response.status != 200) {
		rc = s3_refuse(s3, &request, &response, err);
	} else if (!rc && response.received < len) {
		rc = refuse_range(full, offset, len, offset + (int64_t)response.received, err);
	} else if (!rc && response.status == 200 && offset) {
		rc = tarn_fail(err, TARN_EUNSUPPORTED, "the store reads no ranges: \"%s\" came as a whole", full);
	}
	return rc;
}

enum tarn_rc s3_get_range(struct tarn_store *store, const char *key, int64_t offset, size_t len, uint8_t *dst,
			  struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	char *full = s3_full_key(s3, key);
	s3_work_settle(s3, full);
	size_t ahead = s3_take_range(s3, full, offset, len, dst);
	enum tarn_rc rc = TARN_OK;
	if (ahead < len)
		rc = fetch_range(s3, full, offset + (int64_t)ahead, len - ahead, dst + ahead, err);
	free(full);
	return rc;
}
/* The answer to a range from the end says how long the object is. An empty object has no range. */
enum tarn_rc s3_get_tail(struct tarn_store *store, const char *key, size_t most, uint8_t *dst, size_t *got,
			 int64_t *size, struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	struct s3_response response;
	char range[48], *full = s3_full_key(s3, key);
	s3_work_settle(s3, full);
	snprintf(range, sizeof(range), "bytes=-%zu", most);
	const struct s3_request request = {
		.method = "GET", .key = full, .headers = { { "range", range } }, .dst = dst, .dst_len = most
	};
	enum tarn_rc rc = s3_call(s3, &request, &response, err);
	int64_t found = response.status == 416 ? 0 : response.status == 206 ? response.size : response.length;
	if (!rc && response.status != 416 && response.status != 206 && response.status != 200)
		rc = s3_refuse(s3, &request, &response, err);
	else if (!rc && found < (int64_t)response.received)
		rc = tarn_fail(err, TARN_EIO, "GET s3://%s/%s says no length", s3->config.bucket, full);
	if (!rc) {
		*got = response.received;
		*size = found;
	}
	free(full);
	return rc;
}

enum tarn_rc s3_size(struct tarn_store *store, const char *key, int64_t *size, struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	char *full = s3_full_key(s3, key);
	s3_work_settle(s3, full);
	enum tarn_rc rc = find_size(s3, full, size, err);
	free(full);
	return rc;
}

enum tarn_rc s3_delete(struct tarn_store *store, const char *key, struct tarn_err *err)
{
	struct s3_store *s3 = s3_store_of(store);
	struct s3_response response;
	char *full = s3_full_key(s3, key), *id = s3_unfinished_id(full);
	s3_work_settle(s3, full);
	s3_ahead_forget(s3, full);
	struct s3_request request = { .method = "DELETE", .key = full };
	if (id) /* the name that the walk gave to an unfinished upload */
		request.query[0] = (struct s3_pair){ "uploadId", id };
	enum tarn_rc rc = s3_call(s3, &request, &response, err);
	if (!rc && (response.status < 200 || response.status > 299) && response.status != 404)
		rc = s3_refuse(s3, &request, &response, err);
	free(id);
	free(full);
	return rc;
}
