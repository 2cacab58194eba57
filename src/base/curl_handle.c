#include "base/curl_handle.h"

#include <stdlib.h>

#include "base/alloc.h"

/* ---- the library ---- */

static pthread_once_t started = PTHREAD_ONCE_INIT;
static CURLcode start_result;

static void start(void)
{
	start_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum tarn_rc tarn_curl_start(struct tarn_err *err)
{
	pthread_once(&started, start);
	return start_result ? tarn_fail(err, TARN_EIO, "libcurl: %s", curl_easy_strerror(start_result)) : TARN_OK;
}

/* ---- a handle ---- */

static CURL *set_up(CURL *curl, char message[CURL_ERROR_SIZE])
{
	if (!curl)
		abort(); /* only out of memory makes it fail */
	*message = '\0';
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "tarn/" TARN_VERSION);
	return curl;
}

CURL *tarn_curl_new(char message[CURL_ERROR_SIZE])
{
	return set_up(curl_easy_init(), message);
}

void tarn_curl_ask(CURL *curl, const char *method, const char *url, struct tarn_slice body)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (body.data) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.data);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static size_t receive(char *data, size_t size, size_t n, void *context)
{
	struct tarn_buf *answer = context;
	tarn_buf_add(answer, data, size * n);
	return answer->overflow ? 0 : size * n;
}

void tarn_curl_receive(CURL *curl, struct tarn_buf *answer)
{
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
}

struct curl_slist *tarn_curl_add_line(struct curl_slist *lines, const char *name, const char *value)
{
	char *line = tarn_asprintf("%s:%s%s", name, *value ? " " : "", value);
	struct curl_slist *more = curl_slist_append(lines, line);
	if (!more)
		abort(); /* only out of memory makes it fail */
	free(line);
	return more;
}

char *tarn_curl_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);
	if (!escaped)
		abort(); /* only out of memory makes it fail */
	char *copy = tarn_strdup(escaped);
	curl_free(escaped);
	return copy;
}

const char *tarn_curl_reason(CURLcode code, const char message[CURL_ERROR_SIZE])
{
	return *message ? message : curl_easy_strerror(code);
}

bool tarn_curl_is_final(CURLcode code)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_FAILED_INIT:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
	case CURLE_ABORTED_BY_CALLBACK:
	case CURLE_READ_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE: return true;
	default: return false;
	}
}

/* ---- a pool ---- */

void tarn_curl_pool_init(struct tarn_curl_pool *pool)
{
	*pool = (struct tarn_curl_pool){ 0 };
	pthread_mutex_init(&pool->lock, NULL);
}

void tarn_curl_pool_release(struct tarn_curl_pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		curl_easy_cleanup(pool->idle[i]);
	free(pool->idle);
	pthread_mutex_destroy(&pool->lock);
}

CURL *tarn_curl_take(struct tarn_curl_pool *pool, char message[CURL_ERROR_SIZE])
{
	pthread_mutex_lock(&pool->lock);
	CURL *curl = pool->n ? pool->idle[--pool->n] : NULL;
	pthread_mutex_unlock(&pool->lock);
	return set_up(curl ? curl : curl_easy_init(), message);
}

void tarn_curl_give(struct tarn_curl_pool *pool, CURL *curl)
{
	curl_easy_reset(curl);
	pthread_mutex_lock(&pool->lock);
	pool->idle = tarn_grow(pool->idle, &pool->cap, pool->n + 1, sizeof(*pool->idle));
	pool->idle[pool->n++] = curl;
	pthread_mutex_unlock(&pool->lock);
}
