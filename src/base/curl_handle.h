/* What our HTTP clients have in common (libcurl): how a handle is made, kept, and read. In the network module. */
#ifndef TARN_BASE_CURL_HANDLE_H
#define TARN_BASE_CURL_HANDLE_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* To be called before all else here; by any thread, any number of times. */
enum tarn_rc tarn_curl_start(struct tarn_err *err) TARN_MUST_CHECK;

/* A handle that speaks HTTP/1.1 and HTTPS and nothing else, takes no signals and names us; never NULL. What goes wrong
 * is written to `message`, which must live as long as the handle, or until it is given to a pool. */
CURL *tarn_curl_new(char message[CURL_ERROR_SIZE]);

/* `body` without data: none is sent. It must live until the request is over. */
void tarn_curl_ask(CURL *curl, const char *method, const char *url, struct tarn_slice body);

/* The body of the answer is added to *answer. One that overflows it is broken off, as CURLE_WRITE_ERROR. */
void tarn_curl_receive(CURL *curl, struct tarn_buf *answer);

/* A line of a request's header, behind `lines` (NULL: the first). With an empty value, the line that libcurl would send
 * by itself is left out. */
struct curl_slist *tarn_curl_add_line(struct curl_slist *lines, const char *name, const char *value);

/* Text with what may not stand in a part of a path, or in a form, as %XX; to be freed. */
char *tarn_curl_escape(const char *text);

/* Why a transfer failed: the message, or what the code stands for where there is none. */
const char *tarn_curl_reason(CURLcode code, const char message[CURL_ERROR_SIZE]);

/* Whether the next try would end alike: a mistake of ours, or of the certificates. */
bool tarn_curl_is_final(CURLcode code);

/* ---- handles that are kept, and with them their connections ---- */

struct tarn_curl_pool {
	pthread_mutex_t lock;
	CURL **idle;
	size_t n, cap;
};

void tarn_curl_pool_init(struct tarn_curl_pool *pool);
void tarn_curl_pool_release(struct tarn_curl_pool *pool);
/* As tarn_curl_new. */
CURL *tarn_curl_take(struct tarn_curl_pool *pool, char message[CURL_ERROR_SIZE]);
/* All that was set at the handle is forgotten. */
void tarn_curl_give(struct tarn_curl_pool *pool, CURL *curl);

#endif
