#include "store/catalog/rest_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/curl_handle.h"

enum { MOST_CONNECTIONS = 16, POLL_MS = 1000 };

struct rest_http {
	CURLM *multi;
	struct rest_http_options options;
	char *ca;
};

/* One request under way. */
struct transfer {
	CURL *curl;
	struct curl_slist *headers;
	struct rest_answer *answer;
	char message[CURL_ERROR_SIZE];
};

enum tarn_rc rest_http_open(const struct rest_http_options *options, struct rest_http **http, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_curl_start(err);
	if (rc)
		return rc;
	CURLM *multi = curl_multi_init();
	if (!multi)
		abort(); /* only out of memory makes it fail */
	struct rest_http *opened = tarn_calloc(1, sizeof(*opened));
	opened->multi = multi;
	opened->options = *options;
	opened->ca = options->ca ? tarn_strdup(options->ca) : NULL;
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)MOST_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MOST_CONNECTIONS);
	*http = opened;
	return TARN_OK;
}

void rest_http_close(struct rest_http *http)
{
	if (!http)
		return;
	curl_multi_cleanup(http->multi);
	free(http->ca);
	free(http);
}

/* ---- what curl calls ---- */

static size_t receive_header(char *line, size_t size, size_t n, void *context)
{
	static const char name[] = "retry-after:";
	struct rest_answer *answer = context;
	size_t len = size * n;
	if (len > sizeof(name) - 1 && !strncasecmp(line, name, sizeof(name) - 1)) {
		char text[16];
		snprintf(text, sizeof(text), "%.*s", (int)(len - (sizeof(name) - 1)), line + sizeof(name) - 1);
		answer->retry_after_ms = strtoll(text, NULL, 10) * 1000;
	}
	return len;
}

/* ---- a request ---- */

static struct curl_slist *make_headers(const struct rest_request *request)
{
	struct curl_slist *lines = tarn_curl_add_line(NULL, "Accept", "application/json");
	lines = tarn_curl_add_line(lines, "Expect", "");
	if (request->body.data)
		lines = tarn_curl_add_line(lines, "Content-Type", request->media_type);
	if (request->authorization)
		lines = tarn_curl_add_line(lines, "Authorization", request->authorization);
	return lines;
}

static void set_options(const struct rest_http *http, const struct rest_request *request, struct transfer *transfer)
{
	CURL *curl = transfer->curl;
	tarn_curl_ask(curl, request->method, request->url, request->body);
	tarn_curl_receive(curl, &transfer->answer->body);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)http->options.connect_ms);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)((http->options.stall_ms + 999) / 1000));
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer->answer);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
	if (http->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, http->ca);
}

static void begin(struct rest_http *http, const struct rest_request *request, struct transfer *transfer)
{
	transfer->curl = tarn_curl_new(transfer->message);
	transfer->headers = make_headers(request);
	set_options(http, request, transfer);
	curl_multi_add_handle(http->multi, transfer->curl);
}

static void end(struct rest_http *http, struct transfer *transfer)
{
	curl_multi_remove_handle(http->multi, transfer->curl);
	curl_easy_cleanup(transfer->curl);
	curl_slist_free_all(transfer->headers);
}

static bool is_unsent(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PEER_FAILED_VERIFICATION ||
	       code == CURLE_SSL_CONNECT_ERROR || code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

static void conclude(struct transfer *transfer, CURLcode code)
{
	struct rest_answer *answer = transfer->answer;
	long status = 0;
	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!code) {
		answer->status = (int)status;
		return;
	}
	answer->unsent = is_unsent(code);
	answer->is_final = tarn_curl_is_final(code) || answer->body.overflow;
	if (answer->body.overflow)
		snprintf(answer->problem, sizeof(answer->problem), "the answer is larger than %zu bytes",
			 answer->body.max);
	else
		snprintf(answer->problem, sizeof(answer->problem), "%s", tarn_curl_reason(code, transfer->message));
}

static void collect(struct rest_http *http)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct transfer *transfer;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		conclude(transfer, message->data.result);
	}
}

void rest_http_ask(struct rest_http *http, const struct rest_request *requests, struct rest_answer *answers, size_t n)
{
	struct transfer *transfers = tarn_calloc(n, sizeof(*transfers));
	int running = 0;
	CURLMcode code = CURLM_OK;
	for (size_t i = 0; i < n; i++) {
		answers[i] = (struct rest_answer){ .problem = "the request was not finished" };
		tarn_buf_init(&answers[i].body, REST_ANSWER_MAX);
		transfers[i].answer = &answers[i];
		begin(http, &requests[i], &transfers[i]);
	}
	do {
		code = curl_multi_perform(http->multi, &running);
		collect(http);
		if (!code && running)
			code = curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
	} while (!code && running);
	for (size_t i = 0; i < n; i++)
		end(http, &transfers[i]);
	free(transfers);
}

void rest_answer_release(struct rest_answer *answer)
{
	tarn_buf_release(&answer->body);
}
