#include "store/catalog/rest_session.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/curl_handle.h"
#include "base/file.h"

enum { ATTEMPTS = 6, LONGEST_WAIT_MS = 10000, CONNECT_MS = 10000, STALL_MS = 120000 };
enum { TOKEN_MAX = 64 << 10 };

/* The value of a variable, or NULL where it is unset or empty. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static int64_t number_of(const char *name, int64_t otherwise)
{
	const char *text = variable(name);
	int64_t value = text ? strtoll(text, NULL, 10) : 0;
	return value > 0 ? value : otherwise;
}

/* ---- answers ---- */

bool rest_is_good(const struct rest_answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

bool rest_is_passing(const struct rest_answer *answer)
{
	if (!answer->status)
		return !answer->is_final;
	return answer->status >= 500 ? answer->status != 501 : answer->status == 429 || answer->status == 408;
}

/* What a status is to our callers, and advice. */
static const struct {
	int status;
	enum tarn_rc rc;
	int sys_errno;
	const char *hint;
} meanings[] = {
	{ 400, TARN_EINVALID, 0, NULL },
	{ 401, TARN_EIO, EACCES,
	  "give a token with TARN_CATALOG_TOKEN or --catalog-token-file, or id:secret in TARN_CATALOG_CREDENTIAL" },
	{ 403, TARN_EIO, EACCES, "whoever the token belongs to may not do this in the catalog" },
	{ 404, TARN_ENOTFOUND, 0, NULL },
	{ 406, TARN_EUNSUPPORTED, 0, NULL },
	{ 409, TARN_ECONFLICT, 0, NULL },
	{ 419, TARN_EIO, EACCES, "the token has ended; get a new one" },
	{ 501, TARN_EUNSUPPORTED, 0, NULL },
	{ 0, TARN_EIO, 0, NULL },
};

/* {"error":{"message":..,"type":..,"code":..}}; what is no such text, of a proxy say, tells nothing but its status. */
static char *describe(const struct rest_answer *answer)
{
	json_t *json = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
	json_t *error = json_object_get(json, "error");
	const char *message = json_string_value(json_is_object(error) ? json_object_get(error, "message") : error);
	const char *type = json_string_value(json_object_get(error, "type"));
	const char *more = json_string_value(json_object_get(json, "error_description"));
	char *text = tarn_asprintf("%s%s%s%s%s%s", type ? " " : "", type ? type : "", message ? ": " : "",
				   message ? message : "", more ? ": " : "", more ? more : "");
	json_decref(json);
	return text;
}

enum tarn_rc rest_refuse(const char *method, const char *url, const struct rest_answer *answer, struct tarn_err *err)
{
	size_t i = 0;
	if (!answer->status)
		return tarn_fail(err, answer->body.overflow ? TARN_ELIMIT : TARN_EIO, "%s %s: %s", method, url,
				 answer->problem);
	while (meanings[i].status && meanings[i].status != answer->status)
		i++;
	char *description = describe(answer);
	tarn_fail(err, meanings[i].rc, "%s %s: %d%s", method, url, answer->status, description);
	free(description);
	if (err)
		err->sys_errno = meanings[i].sys_errno;
	if (meanings[i].hint)
		tarn_err_hint(err, "%s", meanings[i].hint);
	return meanings[i].rc;
}

void rest_pause(int attempt, int64_t retry_after_ms)
{
	tarn_sleep_ms(tarn_backoff_ms(attempt, LONGEST_WAIT_MS, retry_after_ms, (uint64_t)tarn_random_id()));
}

/* ---- who we are ---- */

static void set_token(struct rest_catalog *rest, const char *token)
{
	free(rest->authorization);
	rest->authorization = tarn_asprintf("Bearer %s", token);
}

static enum tarn_rc read_token_file(struct rest_catalog *rest, const char *path, struct tarn_err *err)
{
	struct tarn_buf text;
	tarn_buf_init(&text, TOKEN_MAX);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	tarn_buf_add_byte(&text, '\0');
	if (!rc) {
		text.data[strcspn((const char *)text.data, " \t\r\n")] = '\0';
		set_token(rest, (const char *)text.data);
	}
	tarn_buf_release(&text);
	return rc ? tarn_err_within(err, rc == TARN_ENOTFOUND ? TARN_EINVALID : rc, "the catalog's token") : TARN_OK;
}

/* OAuth2's client credentials (RFC 6749, section 4.4), as a form. */
static void put_form(struct tarn_buf *form, const char *credential)
{
	const char *colon = strchr(credential, ':'), *scope = variable("TARN_CATALOG_SCOPE");
	char *id = colon ? tarn_asprintf("%.*s", (int)(colon - credential), credential) : tarn_strdup("");
	char *escaped_id = tarn_curl_escape(id), *secret = tarn_curl_escape(colon ? colon + 1 : credential);
	char *escaped_scope = tarn_curl_escape(scope ? scope : "catalog");
	tarn_buf_printf(form, "grant_type=client_credentials&client_secret=%s&scope=%s", secret, escaped_scope);
	if (*id)
		tarn_buf_printf(form, "&client_id=%s", escaped_id);
	free(id);
	free(escaped_id);
	free(secret);
	free(escaped_scope);
}

static enum tarn_rc take_token(struct rest_catalog *rest, const char *url, const struct rest_answer *answer,
			       struct tarn_err *err)
{
	json_t *json = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
	const char *token = json_string_value(json_object_get(json, "access_token"));
	enum tarn_rc rc = TARN_OK;
	if (token)
		set_token(rest, token);
	else
		rc = tarn_fail(err, TARN_EINVALID, "POST %s: the answer has no \"access_token\"", url);
	json_decref(json);
	return rc;
}

static enum tarn_rc exchange_credential(struct rest_catalog *rest, const char *credential, struct tarn_err *err)
{
	const char *given = variable("TARN_CATALOG_OAUTH2_URI");
	char *url = given ? tarn_strdup(given) : tarn_asprintf("%s/v1/oauth/tokens", rest->base);
	struct rest_answer answer;
	struct tarn_buf form;
	enum tarn_rc rc;
	tarn_buf_init(&form, TOKEN_MAX);
	put_form(&form, credential);
	const struct rest_request request = { .method = "POST",
					      .url = url,
					      .media_type = "application/x-www-form-urlencoded",
					      .body = tarn_buf_slice(&form) };
	for (int attempt = 1;; attempt++) {
		rest_http_ask(rest->http, &request, &answer, 1);
		if (!rest_is_passing(&answer) || attempt == rest->attempts)
			break;
		rest_answer_release(&answer);
		rest_pause(attempt + 1, answer.retry_after_ms);
	}
	rc = rest_is_good(&answer) ? take_token(rest, url, &answer, err) : rest_refuse("POST", url, &answer, err);
	/* "Not found" is said of tables. */
	if (rc)
		rc = tarn_err_within(err, rc == TARN_ENOTFOUND ? TARN_EINVALID : rc, "a token for the catalog");
	rest_answer_release(&answer);
	tarn_buf_release(&form);
	free(url);
	return rc;
}

/* A token that was given as it is cannot be renewed; a file may hold another one by now. */
static enum tarn_rc log_in(struct rest_catalog *rest, struct tarn_err *err)
{
	const char *token = variable("TARN_CATALOG_TOKEN"), *file = variable("TARN_CATALOG_TOKEN_FILE");
	const char *credential = variable("TARN_CATALOG_CREDENTIAL");
	if (token)
		set_token(rest, token);
	else if (file)
		return read_token_file(rest, file, err);
	else if (credential)
		return exchange_credential(rest, credential, err);
	return TARN_OK;
}

static bool can_renew(void)
{
	return !variable("TARN_CATALOG_TOKEN") &&
	       (variable("TARN_CATALOG_TOKEN_FILE") || variable("TARN_CATALOG_CREDENTIAL"));
}

/* ---- asking ---- */

static bool is_unauthorized(const struct rest_answer *answer)
{
	return answer->status == 401 || answer->status == 419;
}

void rest_ask_all(struct rest_catalog *rest, struct rest_request *requests, struct rest_answer *answers, size_t n)
{
	bool renew = false;
	for (size_t i = 0; i < n; i++)
		requests[i].authorization = rest->authorization;
	rest_http_ask(rest->http, requests, answers, n);
	for (size_t i = 0; i < n; i++)
		renew |= is_unauthorized(&answers[i]);
	if (!renew || !can_renew() || log_in(rest, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		if (!is_unauthorized(&answers[i]))
			continue;
		rest_answer_release(&answers[i]);
		requests[i].authorization = rest->authorization;
		rest_http_ask(rest->http, &requests[i], &answers[i], 1);
	}
}

enum tarn_rc rest_ask(struct rest_catalog *rest, const char *method, const char *url, const struct tarn_buf *body,
		      struct rest_answer *answer, struct tarn_err *err)
{
	struct rest_request request = { .method = method, .url = url, .media_type = "application/json" };
	if (body)
		request.body = tarn_buf_slice(body);
	for (int attempt = 1;; attempt++) {
		rest_ask_all(rest, &request, answer, 1);
		if (rest_is_good(answer))
			return TARN_OK;
		if (!rest_is_passing(answer) || attempt >= rest->attempts)
			break;
		rest_answer_release(answer);
		rest_pause(attempt + 1, answer->retry_after_ms);
	}
	return rest_refuse(method, url, answer, err);
}

/* ---- where it is ---- */

static enum tarn_rc take_query(struct rest_catalog *rest, const char *query, struct tarn_err *err)
{
	static const char name[] = "warehouse=";
	while (*query) {
		size_t len = strcspn(query, "&");
		if (len < sizeof(name) || strncmp(query, name, sizeof(name) - 1))
			return tarn_fail(err, TARN_EINVALID,
					 "catalog \"%s\": \"%.*s\" is unknown, expected warehouse=NAME", rest->base,
					 (int)len, query);
		rest->warehouse = tarn_arena_strndup(&rest->arena, query + sizeof(name) - 1, len - (sizeof(name) - 1));
		query += len + (query[len] == '&');
	}
	return TARN_OK;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	return len >= strlen(end) && !memcmp(text + len - strlen(end), end, strlen(end));
}

static enum tarn_rc take_url(struct rest_catalog *rest, const char *url, struct tarn_err *err)
{
	static const char marked[] = "rest+";
	if (!strncmp(url, marked, sizeof(marked) - 1))
		url += sizeof(marked) - 1;
	size_t len = strcspn(url, "?");
	const char *query = url[len] ? url + len + 1 : "";
	const char *host = strstr(url, "://") + strlen("://");
	while (len && url[len - 1] == '/')
		len--;
	if (ends_with(url, len, "/v1"))
		len -= strlen("/v1");
	if (url + len <= host)
		return tarn_fail(err, TARN_EINVALID, "catalog \"%s\" has no host", url);
	if (memchr(host, '@', strcspn(host, "/?"))) {
		tarn_fail(err, TARN_EINVALID, "a catalog's URL takes no user and password");
		tarn_err_hint(err, "give id:secret in TARN_CATALOG_CREDENTIAL, or a token in TARN_CATALOG_TOKEN");
		return TARN_EINVALID;
	}
	rest->base = tarn_arena_strndup(&rest->arena, url, len);
	return take_query(rest, query, err);
}

/* ---- what it can do ---- */

static const char *setting(const json_t *config, const char *name)
{
	const char *value = json_string_value(json_object_get(json_object_get(config, "overrides"), name));
	return value ? value : json_string_value(json_object_get(json_object_get(config, "defaults"), name));
}

/* A server that lists no endpoints has those of the specification's first version, this one among them. */
static bool commits_many(const json_t *config)
{
	const json_t *endpoints = json_object_get(config, "endpoints"), *endpoint;
	size_t i;
	if (!json_array_size(endpoints))
		return true;
	json_array_foreach(endpoints, i, endpoint)
	{
		const char *text = json_string_value(endpoint);
		if (text && !strcmp(text, "POST /v1/{prefix}/transactions/commit"))
			return true;
	}
	return false;
}

static enum tarn_rc take_config(struct rest_catalog *rest, const char *url, const struct rest_answer *answer,
				struct tarn_err *err)
{
	json_error_t problem;
	json_t *config = json_loadb((const char *)answer->body.data, answer->body.len, 0, &problem);
	if (!json_is_object(config)) {
		tarn_fail(err, TARN_EINVALID, "GET %s: no Iceberg REST catalog answers: %s", url,
			  config ? "expected a JSON object" : problem.text);
		json_decref(config);
		return TARN_EINVALID;
	}
	const char *prefix = setting(config, "prefix");
	rest->place = tarn_arena_printf(&rest->arena, "%s/v1%s%s", rest->base, prefix && *prefix ? "/" : "",
					prefix ? prefix : "");
	rest->commits_many = commits_many(config);
	json_decref(config);
	return TARN_OK;
}

static enum tarn_rc ask_config(struct rest_catalog *rest, struct tarn_err *err)
{
	const char *url =
		tarn_arena_printf(&rest->arena, "%s/v1/config%s%s", rest->base, rest->warehouse ? "?warehouse=" : "",
				  rest->warehouse ? rest->warehouse : "");
	struct rest_answer answer;
	enum tarn_rc rc = rest_ask(rest, "GET", url, NULL, &answer, err);
	if (!rc)
		rc = take_config(rest, url, &answer, err);
	else if (rc == TARN_ENOTFOUND)
		rc = tarn_err_within(err, TARN_EINVALID, "no Iceberg REST catalog, or no such warehouse");
	rest_answer_release(&answer);
	return rc;
}

enum tarn_rc rest_open(const char *url, struct rest_catalog **rest, struct tarn_err *err)
{
	const struct rest_http_options options = {
		.ca = variable("TARN_CATALOG_CA"),
		.connect_ms = number_of("TARN_CATALOG_CONNECT_MS", CONNECT_MS),
		.stall_ms = number_of("TARN_CATALOG_STALL_MS", STALL_MS),
	};
	struct rest_catalog *opened = tarn_calloc(1, sizeof(*opened));
	tarn_arena_init(&opened->arena);
	opened->attempts = (int)number_of("TARN_CATALOG_ATTEMPTS", ATTEMPTS);
	enum tarn_rc rc = take_url(opened, url, err);
	if (!rc)
		rc = rest_http_open(&options, &opened->http, err);
	if (!rc)
		rc = log_in(opened, err);
	if (!rc)
		rc = ask_config(opened, err);
	if (rc)
		rest_close(opened);
	else
		*rest = opened;
	return rc;
}

void rest_close(struct rest_catalog *rest)
{
	if (!rest)
		return;
	for (size_t i = 0; i < rest->n_ahead; i++)
		rest_answer_release(&rest->ahead[i].answer);
	free(rest->ahead);
	rest_http_close(rest->http);
	free(rest->authorization);
	tarn_arena_release(&rest->arena);
	free(rest);
}
