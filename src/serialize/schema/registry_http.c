/* A registry elsewhere, over HTTP (libcurl). Handles are kept between requests, and with them their connections. */
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/curl_handle.h"
#include "serialize/schema/registry_client.h"

enum { MAX_URLS = 16, DEFAULT_TIMEOUT_MS = 10000 };

#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

struct address {
	char *url; /* without user and password, and without a slash at its end */
	char *user, *password;
};

struct elsewhere {
	struct address addresses[MAX_URLS];
	size_t n;
	char *user, *password, *ca, *certificate, *key;
	long timeout_ms;
	struct curl_slist *headers;
	struct tarn_curl_pool connections;
	pthread_mutex_t lock; /* of what follows */
	size_t first;	      /* the address that answered last */
};

/* ---- a request ---- */

static void prepare(const struct elsewhere *elsewhere, const struct address *address, CURL *handle)
{
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, elsewhere->timeout_ms);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, elsewhere->headers);
	curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
	const char *user = elsewhere->user ? elsewhere->user : address->user;
	if (user) {
		const char *password = elsewhere->user ? elsewhere->password : address->password;
		curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(handle, CURLOPT_USERNAME, user);
		curl_easy_setopt(handle, CURLOPT_PASSWORD, password ? password : "");
	}
	if (elsewhere->ca)
		curl_easy_setopt(handle, CURLOPT_CAINFO, elsewhere->ca);
	if (elsewhere->certificate)
		curl_easy_setopt(handle, CURLOPT_SSLCERT, elsewhere->certificate);
	if (elsewhere->key)
		curl_easy_setopt(handle, CURLOPT_SSLKEY, elsewhere->key);
}

static enum tarn_rc ask_one(struct elsewhere *elsewhere, const struct address *address, const char *method,
			    const char *path, const char *body, int *status, struct tarn_buf *answer,
			    struct tarn_err *err)
{
	char *url = tarn_asprintf("%s%s", address->url, path), why[CURL_ERROR_SIZE];
	CURL *handle = tarn_curl_take(&elsewhere->connections, why);
	size_t before = answer->len;
	long code = 0;
	prepare(elsewhere, address, handle);
	tarn_curl_ask(handle, method, url, body ? tarn_slice_of(body, strlen(body)) : (struct tarn_slice){ 0 });
	tarn_curl_receive(handle, answer);
	CURLcode failed = curl_easy_perform(handle);
	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
	tarn_curl_give(&elsewhere->connections, handle);
	free(url);
	if (answer->overflow)
		return tarn_fail(err, TARN_ELIMIT, "the answer of the registry at %s is too large", address->url);
	if (failed) {
		answer->len = before;
		return tarn_fail(err, TARN_EIO, "the registry at %s does not answer: %s", address->url,
				 tarn_curl_reason(failed, why));
	}
	*status = (int)code;
	return TARN_OK;
}

static enum tarn_rc ask(void *state, const char *method, const char *path, const char *body, int *status,
			struct tarn_buf *answer, struct tarn_err *err)
{
	struct elsewhere *elsewhere = state;
	pthread_mutex_lock(&elsewhere->lock);
	size_t first = elsewhere->first;
	pthread_mutex_unlock(&elsewhere->lock);
	enum tarn_rc rc = TARN_EIO;
	for (size_t i = 0; i < elsewhere->n && rc == TARN_EIO; i++) {
		size_t at = (first + i) % elsewhere->n;
		rc = ask_one(elsewhere, &elsewhere->addresses[at], method, path, body, status, answer, err);
		if (rc || !i)
			continue;
		pthread_mutex_lock(&elsewhere->lock);
		elsewhere->first = at;
		pthread_mutex_unlock(&elsewhere->lock);
	}
	return rc;
}

/* ---- life ---- */

static void leave(void *state)
{
	struct elsewhere *elsewhere = state;
	tarn_curl_pool_release(&elsewhere->connections);
	for (size_t i = 0; i < elsewhere->n; i++) {
		free(elsewhere->addresses[i].url);
		free(elsewhere->addresses[i].user);
		free(elsewhere->addresses[i].password);
	}
	curl_slist_free_all(elsewhere->headers);
	free(elsewhere->user);
	free(elsewhere->password);
	free(elsewhere->ca);
	free(elsewhere->certificate);
	free(elsewhere->key);
	pthread_mutex_destroy(&elsewhere->lock);
	free(elsewhere);
}

/* A part of a URL, decoded; NULL where it is not there. */
static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	if (curl_url_get(url, part, &text, CURLU_URLDECODE))
		return NULL;
	char *copy = tarn_strdup(text);
	curl_free(text);
	return copy;
}

static enum tarn_rc parse_url(const char *text, struct address *address, struct tarn_err *err)
{
	CURLU *url = curl_url();
	char *whole = NULL;
	bool is_url = url && !curl_url_set(url, CURLUPART_URL, text, 0) &&
		      (!strncasecmp(text, "http://", 7) || !strncasecmp(text, "https://", 8));
	if (is_url) {
		address->user = url_part(url, CURLUPART_USER);
		address->password = url_part(url, CURLUPART_PASSWORD);
		curl_url_set(url, CURLUPART_USER, NULL, 0);
		curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
		is_url = !curl_url_get(url, CURLUPART_URL, &whole, 0);
	}
	if (is_url) {
		size_t len = strlen(whole);
		while (len && whole[len - 1] == '/')
			len--;
		address->url = tarn_asprintf("%.*s", (int)len, whole);
	}
	curl_free(whole);
	curl_url_cleanup(url);
	return is_url ? TARN_OK
		      : tarn_fail(err, TARN_EINVALID, "registry \"%s\" is no URL; http://HOST:PORT was expected", text);
}

static enum tarn_rc parse_urls(struct elsewhere *elsewhere, const char *urls, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	while (!rc && *urls) {
		size_t len = strcspn(urls, ",");
		char *url = tarn_asprintf("%.*s", (int)len, urls);
		if (elsewhere->n == MAX_URLS)
			rc = tarn_fail(err, TARN_ELIMIT, "more than %d URLs of registries", MAX_URLS);
		else if (len)
			rc = parse_url(url, &elsewhere->addresses[elsewhere->n++], err);
		free(url);
		urls += len + (urls[len] == ',');
	}
	if (!rc && !elsewhere->n)
		rc = tarn_fail(err, TARN_EINVALID, "the URL of the registry is empty");
	return rc;
}

static char *copy(const char *text)
{
	return text ? tarn_strdup(text) : NULL;
}

enum tarn_rc tarn_registry_client_open(const struct tarn_registry_client_options *options,
				       struct tarn_registry_client **client, struct tarn_err *err)
{
	static const struct tarn_registry_transport transport = { ask, leave };
	enum tarn_rc rc = tarn_curl_start(err);
	if (rc)
		return rc;
	struct elsewhere *elsewhere = tarn_calloc(1, sizeof(*elsewhere));
	tarn_curl_pool_init(&elsewhere->connections);
	pthread_mutex_init(&elsewhere->lock, NULL);
	elsewhere->user = copy(options->user);
	elsewhere->password = copy(options->password);
	elsewhere->ca = copy(options->ca);
	elsewhere->certificate = copy(options->certificate);
	elsewhere->key = copy(options->key);
	elsewhere->timeout_ms = options->timeout_ms ? (long)options->timeout_ms : DEFAULT_TIMEOUT_MS;
	elsewhere->headers = tarn_curl_add_line(NULL, "Content-Type", MEDIA_TYPE);
	elsewhere->headers = tarn_curl_add_line(elsewhere->headers, "Accept", MEDIA_TYPE ", application/json");
	if (options->token) {
		char *value = tarn_asprintf("Bearer %s", options->token);
		elsewhere->headers = tarn_curl_add_line(elsewhere->headers, "Authorization", value);
		free(value);
	}
	rc = parse_urls(elsewhere, options->url ? options->url : "", err);
	if (rc)
		leave(elsewhere);
	else
		*client = tarn_registry_client_new(&transport, elsewhere);
	return rc;
}
