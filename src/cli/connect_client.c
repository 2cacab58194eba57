#include "cli/connect_client.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/curl_handle.h"

/* Bytes of an answer, and milliseconds until it has to be there: a change waits for tasks that end. */
#define MAX_ANSWER ((size_t)64 << 20)
#define TIMEOUT_MS 60000L

static enum tarn_rc rc_of(long status)
{
	if (status == 404)
		return TARN_ENOTFOUND;
	if (status == 409)
		return TARN_EEXISTS;
	return status < 500 ? TARN_EINVALID : TARN_EIO;
}

static enum tarn_rc read_answer(struct tarn_slice bytes, long status, json_t **answer, struct tarn_err *err)
{
	json_t *json = bytes.len ? json_loadb((const char *)bytes.data, bytes.len, JSON_DECODE_ANY, NULL) : NULL;
	if (status < 400) {
		*answer = json;
		return TARN_OK;
	}
	const char *message = json_string_value(json_object_get(json, "message"));
	enum tarn_rc rc = tarn_fail(err, rc_of(status), "%s (HTTP %ld)", message ? message : "no reason given", status);
	json_decref(json);
	return rc;
}

static enum tarn_rc perform(const char *method, const char *url, const char *text, struct tarn_buf *out, long *status,
			    struct tarn_err *err)
{
	char message[CURL_ERROR_SIZE];
	CURL *curl = tarn_curl_new(message);
	struct curl_slist *headers = tarn_curl_add_line(NULL, "Content-Type", "application/json");
	headers = tarn_curl_add_line(headers, "Expect", "");
	tarn_curl_ask(curl, method, url, text ? tarn_slice_of(text, strlen(text)) : (struct tarn_slice){ 0 });
	tarn_curl_receive(curl, out);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (!code)
		return TARN_OK;
	tarn_fail(err, TARN_EIO, "no answer from \"%s\": %s", url, tarn_curl_reason(code, message));
	tarn_err_hint(err, "`tarn serve` starts a sink; --connect names another API");
	return TARN_EIO;
}

enum tarn_rc tarn_connect_ask(const char *url, const char *method, const char *path, const json_t *body,
			      json_t **answer, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_curl_start(err);
	if (rc)
		return rc;
	size_t len = strlen(url);
	char *whole = tarn_asprintf("%.*s%s", (int)(len && url[len - 1] == '/' ? len - 1 : len), url, path);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct tarn_buf out;
	long status = 0;
	tarn_buf_init(&out, MAX_ANSWER);
	rc = perform(method, whole, text, &out, &status, err);
	if (!rc)
		rc = read_answer(tarn_buf_slice(&out), status, answer, err);
	tarn_buf_release(&out);
	free(text);
	free(whole);
	return rc;
}

char *tarn_connect_path(const char *name, const char *rest)
{
	char *escaped = tarn_curl_escape(name);
	char *path = tarn_asprintf("/connectors/%s%s", escaped, rest);
	free(escaped);
	return path;
}
