#include "store/object/s3_lent.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/curl_handle.h"
#include "base/file.h"

enum { ANSWER_MAX = 64 << 10, CONNECT_MS = 1000, ANSWER_MS = 5000 };

/* New keys are asked for so long before the old ones expire, and not more often than this while those are good. */
#define EARLY_US INT64_C(300000000)
#define PAUSE_US INT64_C(30000000)

struct s3_lent {
	enum s3_lender lender;
	char *url;
	pthread_mutex_t lock; /* of the fields below; held while the lender is asked */
	struct s3_credentials keys;
	int64_t until_us, asked_us;
};

/* ---- answers ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

enum tarn_rc s3_lent_read(struct tarn_slice answer, struct s3_credentials *keys, int64_t *until_us,
			  struct tarn_err *err)
{
	json_t *object = json_loadb((const char *)answer.data, answer.len, 0, NULL);
	const char *access_key = text_of(object, "AccessKeyId"), *secret_key = text_of(object, "SecretAccessKey");
	const char *expiration = text_of(object, "Expiration"), *code = text_of(object, "Code");
	int64_t until = INT64_MAX;
	enum tarn_rc rc = TARN_OK;
	if (*code && strcmp(code, "Success"))
		rc = tarn_fail(err, TARN_EIO, "the lender of keys for S3 answers \"%.60s\"", code);
	else if (!*access_key || !*secret_key)
		rc = tarn_fail(err, TARN_EIO,
			       "the lender of keys for S3 answers without \"AccessKeyId\" and \"SecretAccessKey\"");
	else if (*expiration && !tarn_parse_timestamp(expiration, &until))
		rc = tarn_fail(err, TARN_EIO, "keys for S3 are lent until \"%.60s\", expected a time", expiration);
	if (!rc) {
		*keys = (struct s3_credentials){ tarn_strdup(access_key), tarn_strdup(secret_key),
						 tarn_strdup(text_of(object, "Token")) };
		*until_us = until;
	}
	json_decref(object);
	return rc;
}

/* ---- asking ---- */

/* With a line of the header, unless its value is NULL. The answer replaces what is in *answer. */
static enum tarn_rc ask(const char *method, const char *url, const char *name, const char *value,
			struct tarn_buf *answer, struct tarn_err *err)
{
	char message[CURL_ERROR_SIZE];
	long status = 0;
	CURL *curl = tarn_curl_new(message);
	struct curl_slist *headers = value ? tarn_curl_add_line(NULL, name, value) : NULL;
	tarn_buf_clear(answer);
	tarn_curl_ask(curl, method, url, (struct tarn_slice){ 0 });
	tarn_curl_receive(curl, answer);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (code)
		return tarn_fail(err, TARN_EIO, "%s \"%s\": %s", method, url, tarn_curl_reason(code, message));
	if (status != 200)
		return tarn_fail(err, TARN_EIO, "%s \"%s\": %ld, expected 200", method, url, status);
	return TARN_OK;
}

static char *first_line(const struct tarn_buf *text)
{
	size_t len = 0;
	while (len < text->len && !strchr("\r\n", text->data[len]))
		len++;
	return tarn_asprintf("%.*s", (int)len, (const char *)text->data);
}

/* A file's token is read each time, as it is replaced. */
static enum tarn_rc ask_container(const char *url, struct tarn_buf *answer, struct tarn_err *err)
{
	const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	struct tarn_buf text;
	tarn_buf_init(&text, ANSWER_MAX);
	enum tarn_rc rc = TARN_OK;
	if (file && *file && tarn_file_read(file, &text, NULL))
		rc = tarn_fail(err, TARN_EIO, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: \"%s\" cannot be read", file);
	else if (token && !(file && *file))
		tarn_buf_add_str(&text, token);
	char *line = first_line(&text);
	if (!rc)
		rc = ask("GET", url, "Authorization", *line ? line : NULL, answer, err);
	free(line);
	tarn_buf_release(&text);
	return rc;
}

static enum tarn_rc ask_instance(const char *url, struct tarn_buf *answer, struct tarn_err *err)
{
	static const char path[] = "/latest/meta-data/iam/security-credentials/";
	static const char token_header[] = "X-aws-ec2-metadata-token";
	char *token_url = tarn_asprintf("%s/latest/api/token", url), *roles_url = tarn_asprintf("%s%s", url, path);
	char *token = NULL, *role_url = NULL;
	enum tarn_rc rc = ask("PUT", token_url, "X-aws-ec2-metadata-token-ttl-seconds", "21600", answer, err);
	if (!rc) {
		token = first_line(answer);
		rc = ask("GET", roles_url, token_header, token, answer, err);
	}
	if (!rc) {
		char *role = first_line(answer);
		role_url = tarn_asprintf("%s%s", roles_url, role);
		free(role);
		rc = ask("GET", role_url, token_header, token, answer, err);
	}
	free(token_url);
	free(roles_url);
	free(token);
	free(role_url);
	return rc;
}

static enum tarn_rc borrow(struct s3_lent *lent, struct tarn_err *err)
{
	struct tarn_buf answer;
	struct s3_credentials keys;
	int64_t until;
	tarn_buf_init(&answer, ANSWER_MAX);
	lent->asked_us = tarn_now_us();
	enum tarn_rc rc = lent->lender == S3_LENT_TO_CONTAINER ? ask_container(lent->url, &answer, err)
							       : ask_instance(lent->url, &answer, err);
	if (!rc)
		rc = s3_lent_read(tarn_buf_slice(&answer), &keys, &until, err);
	tarn_buf_release(&answer);
	if (rc)
		return rc;
	s3_credentials_release(&lent->keys);
	lent->keys = keys;
	lent->until_us = until;
	return TARN_OK;
}

/* ---- keys ---- */

enum tarn_rc s3_lent_new(const struct s3_config *config, struct s3_lent **lent, struct tarn_err *err)
{
	struct s3_lent *made = tarn_calloc(1, sizeof(*made));
	made->lender = config->lender;
	made->url = tarn_strdup(config->lender_url);
	pthread_mutex_init(&made->lock, NULL);
	enum tarn_rc rc = borrow(made, err);
	if (!rc) {
		*lent = made;
		return TARN_OK;
	}
	tarn_err_within(err, rc, "no credentials for S3, neither given nor lent");
	tarn_err_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
	s3_lent_free(made);
	return rc;
}

void s3_lent_free(struct s3_lent *lent)
{
	if (!lent)
		return;
	s3_credentials_release(&lent->keys);
	pthread_mutex_destroy(&lent->lock);
	free(lent->url);
	free(lent);
}

enum tarn_rc s3_lent_take(struct s3_lent *lent, struct s3_credentials *keys, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&lent->lock);
	int64_t now = tarn_now_us();
	bool expired = now >= lent->until_us;
	if (expired || (lent->until_us - now < EARLY_US && now - lent->asked_us >= PAUSE_US))
		rc = borrow(lent, err);
	if (!rc || !expired) {
		*keys = s3_credentials_copy(&lent->keys);
		rc = TARN_OK;
	}
	pthread_mutex_unlock(&lent->lock);
	return rc;
}
