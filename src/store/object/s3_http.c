/* One try of a request, by libcurl: signed, sent, received. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/curl_handle.h"
#include "store/object/s3_lent.h"
#include "store/object/s3_store.h"
#include "store/object/s3_xml.h"

enum { URL_MAX = 1 << 16, ERROR_MAX = 64 << 10, TRANSFER_BUFFER = 256 << 10, LEAST_BYTES_A_SECOND = 1024 };
static const char empty_sha256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct exchange {
	const struct s3_request *request;
	struct s3_response *response;
	CURL *curl;
	struct tarn_buf refusal; /* the body of an answer that is none of 2xx */
	size_t out_start;
	int64_t sent;
	const char *problem; /* why we broke the transfer off ourselves */
	enum tarn_rc problem_rc;
};

/* ---- bodies ---- */

void s3_body_init(struct s3_body *body, size_t max)
{
	*body = (struct s3_body){ .fd = -1 };
	tarn_buf_init(&body->bytes, max);
}

void s3_body_release(struct s3_body *body)
{
	if (body->fd >= 0)
		close(body->fd);
	tarn_buf_release(&body->bytes);
	body->fd = -1;
}

static ssize_t read_body(const struct s3_body *body, int64_t position, void *dst, size_t len)
{
	ssize_t got;
	if (body->len - position < (int64_t)len)
		len = (size_t)(body->len - position);
	if (body->fd < 0) {
		if (len)
			memcpy(dst, body->bytes.data + position, len);
		return (ssize_t)len;
	}
	do
		got = pread(body->fd, dst, len, position);
	while (got < 0 && errno == EINTR);
	return got;
}

static enum tarn_rc hash_body(struct s3_body *body, struct tarn_err *err)
{
	uint8_t digest[TARN_SHA256_SIZE], *piece;
	ssize_t got = 0;
	if (*body->sha256)
		return TARN_OK;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	if (!hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		abort();
	piece = tarn_malloc(TRANSFER_BUFFER);
	for (int64_t at = 0; at < body->len; at += got) {
		got = read_body(body, at, piece, TRANSFER_BUFFER);
		if (got <= 0)
			break;
		EVP_DigestUpdate(hash, piece, (size_t)got);
	}
	EVP_DigestFinal_ex(hash, digest, NULL);
	EVP_MD_CTX_free(hash);
	free(piece);
	if (got < 0)
		return tarn_fail_errno(err, "reading back what is to be sent");
	if (body->len && !got)
		return tarn_fail(err, TARN_EIO, "what is to be sent was cut");
	tarn_hex(digest, sizeof(digest), body->sha256);
	body->sha256[TARN_SHA256_HEX_SIZE] = '\0';
	return TARN_OK;
}

/* ---- what curl calls ---- */

static size_t send_more(char *dst, size_t size, size_t n, void *context)
{
	struct exchange *exchange = context;
	ssize_t got = read_body(exchange->request->body, exchange->sent, dst, size * n);
	if (got < 0)
		return CURL_READFUNC_ABORT;
	exchange->sent += got;
	return (size_t)got;
}

/* A connection that was kept may be gone when the request is sent: curl then sends it again over a new one. */
static int send_from(void *context, curl_off_t offset, int origin)
{
	struct exchange *exchange = context;
	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	exchange->sent = offset;
	return CURL_SEEKFUNC_OK;
}

static bool is_good(int status)
{
	return status >= 200 && status < 300;
}

static size_t stop(struct exchange *exchange, enum tarn_rc rc, const char *problem)
{
	exchange->problem = problem;
	exchange->problem_rc = rc;
	return 0;
}

static size_t receive(char *data, size_t size, size_t n, void *context)
{
	struct exchange *exchange = context;
	const struct s3_request *request = exchange->request;
	struct s3_response *response = exchange->response;
	size_t len = size * n;
	if (!is_good(response->status)) {
		/* Of a longer text the beginning is enough. */
		size_t room = exchange->refusal.max - exchange->refusal.len;
		tarn_buf_add(&exchange->refusal, data, len < room ? len : room);
		return len;
	}
	if (request->out) {
		if (!response->received && response->length > 0)
			tarn_buf_room(request->out, (size_t)response->length);
		tarn_buf_add(request->out, data, len);
		if (request->out->overflow)
			return stop(exchange, TARN_ELIMIT, "the object is larger than the limit");
	} else if (request->dst) {
		if (len > request->dst_len - response->received)
			return stop(exchange, TARN_EIO, "the answer is longer than the range");
		memcpy(request->dst + response->received, data, len);
	}
	response->received += len;
	return len;
}

static void copy_value(char *dst, size_t size, const char *value, size_t len)
{
	if (len > 1 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	snprintf(dst, size, "%.*s", (int)len, value);
}

static void take_header(struct s3_response *response, const char *name, const char *value, size_t len)
{
	char text[64];
	snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1), value);
	if (!strcasecmp(name, "content-length")) {
		response->length = strtoll(text, NULL, 10);
	} else if (!strcasecmp(name, "content-range")) {
		const char *slash = strchr(text, '/');
		response->size = slash && slash[1] != '*' ? strtoll(slash + 1, NULL, 10) : -1;
	} else if (!strcasecmp(name, "etag")) {
		copy_value(response->etag, sizeof(response->etag), value, len);
	} else if (!strcasecmp(name, "x-amz-meta-tarn-id")) {
		copy_value(response->id, sizeof(response->id), value, len);
	} else if (!strcasecmp(name, "x-amz-bucket-region")) {
		copy_value(response->region, sizeof(response->region), value, len);
	} else if (!strcasecmp(name, "retry-after")) {
		response->retry_after_ms = strtoll(text, NULL, 10) * 1000;
	} else if (!strcasecmp(name, "date")) {
		time_t date = curl_getdate(text, NULL);
		response->date_us = date < 0 ? 0 : date * INT64_C(1000000);
	}
}

/* A status line begins an answer: of several (100 Continue first) the last counts. */
static size_t receive_header(char *line, size_t size, size_t n, void *context)
{
	struct exchange *exchange = context;
	size_t len = size * n;
	char name[64];
	if (len > 12 && !memcmp(line, "HTTP/", 5)) {
		const char *space = memchr(line, ' ', len);
		int attempts = exchange->response->attempts;
		*exchange->response = (struct s3_response){ .length = -1, .size = -1, .attempts = attempts };
		exchange->response->status = space ? (int)strtol(space, NULL, 10) : 0;
		return len;
	}
	const char *colon = memchr(line, ':', len);
	if (!colon || (size_t)(colon - line) >= sizeof(name))
		return len;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - line), line);
	const char *value = colon + 1, *end = line + len;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]))
		end--;
	take_header(exchange->response, name, value, (size_t)(end - value));
	return len;
}

/* ---- a request ---- */

/* Path and query as they are signed. */
static void write_place(const struct s3_store *store, const struct s3_request *request, struct tarn_buf *path,
			struct tarn_buf *query)
{
	tarn_buf_init(path, URL_MAX);
	tarn_buf_init(query, URL_MAX);
	tarn_buf_add_str(path, store->config.base_path);
	if (request->key) {
		tarn_buf_add_byte(path, '/');
		s3_encode(path, request->key, true);
	} else if (!path->len) {
		tarn_buf_add_byte(path, '/');
	}
	for (size_t i = 0; i < S3_PAIRS && request->query[i].name; i++) {
		if (i)
			tarn_buf_add_byte(query, '&');
		s3_encode(query, request->query[i].name, false);
		tarn_buf_add_byte(query, '=');
		s3_encode(query, request->query[i].value, false);
	}
	tarn_buf_add_byte(path, '\0');
	tarn_buf_add_byte(query, '\0');
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct s3_pair *)left)->name, ((const struct s3_pair *)right)->name);
}

static struct curl_slist *sign_headers(struct s3_store *store, const struct s3_credentials *keys,
				       const struct s3_request *request, const char *path, const char *query)
{
	char time[S3_TIME_SIZE];
	const struct s3_config *config = &store->config;
	const char *token = keys->session_token;
	const char *sha256 = request->body ? request->body->sha256 : empty_sha256;
	struct s3_pair headers[S3_PAIRS + 4] = { { "host", config->authority },
						 { "x-amz-content-sha256", sha256 },
						 { "x-amz-date", time } };
	size_t n = 3;
	s3_format_time(tarn_now_us() + atomic_load(&store->skew_us), time);
	if (*token)
		headers[n++] = (struct s3_pair){ "x-amz-security-token", token };
	for (size_t i = 0; i < S3_PAIRS && request->headers[i].name; i++)
		headers[n++] = request->headers[i];
	qsort(headers, n, sizeof(*headers), by_name);
	struct tarn_buf authorization;
	tarn_buf_init(&authorization, URL_MAX);
	s3_sign(&(struct s3_signed){ request->method, path, query, headers, n, sha256, time, config->region }, keys,
		&authorization);
	tarn_buf_add_byte(&authorization, '\0');
	/* curl would wait for "100 Continue", which some servers never send, and would name a content type. */
	struct curl_slist *lines = tarn_curl_add_line(NULL, "Expect", "");
	lines = tarn_curl_add_line(lines, "Authorization", (const char *)authorization.data);
	for (size_t i = 0; i < n; i++)
		lines = tarn_curl_add_line(lines, headers[i].name, headers[i].value);
	tarn_buf_release(&authorization);
	return lines;
}

static void set_options(struct s3_store *store, struct exchange *exchange)
{
	const struct s3_config *config = &store->config;
	const struct s3_request *request = exchange->request;
	CURL *curl = exchange->curl;
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)TRANSFER_BUFFER);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)TRANSFER_BUFFER);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_ms);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)LEAST_BYTES_A_SECOND);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)((config->stall_ms + 999) / 1000));
	if (*config->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	if (request->body) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body->len);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_more);
		curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
		curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, send_from);
		curl_easy_setopt(curl, CURLOPT_SEEKDATA, exchange);
	}
	if (!strcmp(request->method, "HEAD"))
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static CURLcode perform(struct s3_store *store, const struct s3_credentials *keys, struct exchange *exchange)
{
	struct tarn_buf path, query;
	write_place(store, exchange->request, &path, &query);
	set_options(store, exchange);
	char *url = tarn_asprintf("%s://%s%s%s%s", store->config.scheme, store->config.authority,
				  (const char *)path.data, query.len > 1 ? "?" : "", (const char *)query.data);
	struct curl_slist *headers =
		sign_headers(store, keys, exchange->request, (const char *)path.data, (const char *)query.data);
	curl_easy_setopt(exchange->curl, CURLOPT_URL, url);
	curl_easy_setopt(exchange->curl, CURLOPT_HTTPHEADER, headers);
	CURLcode code = curl_easy_perform(exchange->curl);
	curl_slist_free_all(headers);
	free(url);
	tarn_buf_release(&path);
	tarn_buf_release(&query);
	return code;
}

/* ---- answers ---- */

static enum tarn_rc see_error(void *context, const struct s3_xml_element *element, struct tarn_err *err)
{
	struct s3_response *response = context;
	(void)err;
	if (!element->is_end || strcmp(element->parent, "Error"))
		return TARN_OK;
	if (!strcmp(element->name, "Code"))
		snprintf(response->code, sizeof(response->code), "%s", element->text);
	else if (!strcmp(element->name, "Message"))
		snprintf(response->message, sizeof(response->message), "%s", element->text);
	else if (!strcmp(element->name, "Region"))
		snprintf(response->region, sizeof(response->region), "%s", element->text);
	return TARN_OK;
}

/* What is no XML, of a proxy say, tells nothing but its status. */
static void read_refusal(struct exchange *exchange)
{
	if (exchange->refusal.len &&
	    s3_xml_read(tarn_buf_slice(&exchange->refusal), see_error, exchange->response, NULL))
		*exchange->response->message = '\0';
}

/* Copies and completions are answered 200 before they are done; what went wrong since then is in the body. */
static void read_late_failure(struct exchange *exchange)
{
	const struct tarn_buf *out = exchange->request->out;
	struct tarn_slice text = tarn_slice_of(out->data + exchange->out_start, out->len - exchange->out_start);
	if (!is_good(exchange->response->status) || !text.len)
		return;
	if (s3_xml_read(text, see_error, exchange->response, NULL) || *exchange->response->code)
		exchange->response->status = 500;
}

static enum tarn_rc conclude(struct exchange *exchange, CURLcode code, const char *message, bool *again,
			     struct tarn_err *err)
{
	*again = false;
	if (exchange->problem)
		return tarn_fail(err, exchange->problem_rc, "%s", exchange->problem);
	if (code) {
		*again = !tarn_curl_is_final(code);
		return tarn_fail(err, TARN_EIO, "%s", tarn_curl_reason(code, message));
	}
	read_refusal(exchange);
	if (exchange->request->may_fail_late)
		read_late_failure(exchange);
	return TARN_OK;
}

enum tarn_rc s3_exchange(struct s3_store *store, const struct s3_request *request, struct s3_response *response,
			 bool *again, struct tarn_err *err)
{
	char message[CURL_ERROR_SIZE];
	struct exchange exchange = { .request = request, .response = response };
	struct s3_credentials keys;
	*again = false;
	enum tarn_rc rc = request->body ? hash_body(request->body, err) : TARN_OK;
	if (!rc && store->lent) {
		rc = s3_lent_take(store->lent, &keys, err);
		*again = rc;
	}
	if (rc)
		return rc;
	exchange.curl = tarn_curl_take(&store->connections, message);
	tarn_buf_init(&exchange.refusal, ERROR_MAX);
	if (request->out)
		exchange.out_start = request->out->len;
	rc = conclude(&exchange, perform(store, store->lent ? &keys : &store->config.credentials, &exchange), message,
		      again, err);
	if (store->lent)
		s3_credentials_release(&keys);
	if (request->out && (rc || !is_good(response->status)))
		request->out->len = exchange.out_start;
	tarn_curl_give(&store->connections, exchange.curl);
	tarn_buf_release(&exchange.refusal);
	return rc;
}
