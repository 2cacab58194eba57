#include "stream/producer/kafka_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"

enum { LARGEST_PROPERTIES = 1 << 20, CLIENT_ERROR_SIZE = 512 };

static enum tarn_rc set(rd_kafka_conf_t *conf, const char *key, const char *value, struct tarn_err *err)
{
	char why[CLIENT_ERROR_SIZE];
	if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return TARN_OK;
	return tarn_fail(err, TARN_EINVALID, "%s", why);
}

static char *trim(char *text)
{
	text += strspn(text, " \t\r");
	size_t len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static enum tarn_rc set_line(rd_kafka_conf_t *conf, char *line, struct tarn_err *err)
{
	char *key = trim(line), *equals = strchr(key, '=');
	if (!*key || *key == '#')
		return TARN_OK;
	if (!equals)
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no setting, expected key=value", key);
	*equals = '\0';
	return set(conf, trim(key), trim(equals + 1), err);
}

static enum tarn_rc set_file(rd_kafka_conf_t *conf, const char *path, struct tarn_err *err)
{
	struct tarn_buf text;
	tarn_buf_init(&text, LARGEST_PROPERTIES);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	tarn_buf_add_byte(&text, '\0');
	if (!rc && text.overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "larger than a file of settings can be");
	char *next, *line = rc ? NULL : (char *)text.data;
	for (; !rc && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		rc = set_line(conf, line, err);
	}
	tarn_buf_release(&text);
	return rc ? tarn_err_within(err, rc, "client settings \"%s\"", path) : TARN_OK;
}

/* The command prints one line about a failure itself; librdkafka's own lines about every try would bury it. */
static void say_nothing(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	(void)client;
	(void)level;
	(void)facility;
	(void)text;
}

static enum tarn_rc fill(rd_kafka_conf_t *conf, const struct tarn_kafka_options *options,
			 const struct tarn_kafka_setting *settings, size_t n_settings, struct tarn_err *err)
{
	enum tarn_rc rc = set(conf, "bootstrap.servers", options->brokers, err);
	if (!rc)
		rc = set(conf, "client.id", "tarn", err);
	if (!rc && options->properties)
		rc = set_file(conf, options->properties, err);
	for (size_t i = 0; !rc && i < n_settings; i++)
		rc = set(conf, settings[i].key, settings[i].value, err);
	rd_kafka_conf_set_log_cb(conf, say_nothing);
	return rc;
}

/* Takes the configuration over. */
static enum tarn_rc open_with(rd_kafka_conf_t *conf, rd_kafka_type_t type, rd_kafka_t **client, struct tarn_err *err)
{
	char why[CLIENT_ERROR_SIZE];
	rd_kafka_t *opened = rd_kafka_new(type, conf, why, sizeof(why));
	if (!opened) {
		rd_kafka_conf_destroy(conf);
		return tarn_fail(err, TARN_EINVALID, "%s", why);
	}
	*client = opened;
	return TARN_OK;
}

enum tarn_rc tarn_kafka_client_open(const struct tarn_kafka_options *options, rd_kafka_type_t type,
				    const struct tarn_kafka_setting *settings, size_t n_settings, rd_kafka_t **client,
				    struct tarn_err *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	enum tarn_rc rc = fill(conf, options, settings, n_settings, err);
	if (!rc)
		return open_with(conf, type, client, err);
	rd_kafka_conf_destroy(conf);
	return rc;
}

enum tarn_rc tarn_kafka_producer_open(const struct tarn_kafka_options *options,
				      const struct tarn_kafka_setting *settings, size_t n_settings,
				      tarn_kafka_told told, void *context, rd_kafka_t **client, struct tarn_err *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	enum tarn_rc rc = fill(conf, options, settings, n_settings, err);
	rd_kafka_conf_set_dr_msg_cb(conf, told);
	rd_kafka_conf_set_opaque(conf, context);
	if (!rc)
		return open_with(conf, RD_KAFKA_PRODUCER, client, err);
	rd_kafka_conf_destroy(conf);
	return rc;
}

enum tarn_rc tarn_kafka_consumer_open(const struct tarn_kafka_options *options,
				      const struct tarn_kafka_setting *settings, size_t n_settings,
				      tarn_kafka_rebalanced rebalanced, void *context, rd_kafka_t **client,
				      struct tarn_err *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	enum tarn_rc rc = fill(conf, options, settings, n_settings, err);
	rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
	rd_kafka_conf_set_opaque(conf, context);
	if (rc) {
		rd_kafka_conf_destroy(conf);
		return rc;
	}
	rc = open_with(conf, RD_KAFKA_CONSUMER, client, err);
	if (!rc)
		rd_kafka_poll_set_consumer(*client);
	return rc;
}

enum tarn_rc tarn_kafka_fail(struct tarn_err *err, rd_kafka_resp_err_t code, const char *text)
{
	const char *why = text ? text : rd_kafka_err2str(code);
	switch (code) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND: return tarn_fail(err, TARN_ENOTFOUND, "%s", why);
	case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return tarn_fail(err, TARN_EEXISTS, "%s", why);
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
		tarn_fail(err, TARN_EIO, "no answer from the broker: %s", why);
		tarn_err_hint(err, "`tarn serve` starts one; --brokers names another");
		return TARN_EIO;
	default: return tarn_fail(err, TARN_EINVALID, "%s", why);
	}
}

void tarn_kafka_admin_init(struct tarn_kafka_admin *admin, rd_kafka_t *client)
{
	char why[CLIENT_ERROR_SIZE];
	admin->client = client;
	admin->queue = rd_kafka_queue_new(client);
	admin->options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_ANY);
	/* Fails for no value in the range of the call. */
	(void)rd_kafka_AdminOptions_set_request_timeout(admin->options, TARN_KAFKA_TIMEOUT_MS, why, sizeof(why));
}

void tarn_kafka_admin_release(struct tarn_kafka_admin *admin)
{
	rd_kafka_AdminOptions_destroy(admin->options);
	rd_kafka_queue_destroy(admin->queue);
}

enum tarn_rc tarn_kafka_admin_wait(struct tarn_kafka_admin *admin, rd_kafka_event_t **event, struct tarn_err *err)
{
	rd_kafka_event_t *answer = rd_kafka_queue_poll(admin->queue, 2 * TARN_KAFKA_TIMEOUT_MS);
	if (!answer)
		return tarn_kafka_fail(err, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
	rd_kafka_resp_err_t code = rd_kafka_event_error(answer);
	if (code) {
		enum tarn_rc rc = tarn_kafka_fail(err, code, rd_kafka_event_error_string(answer));
		rd_kafka_event_destroy(answer);
		return rc;
	}
	*event = answer;
	return TARN_OK;
}

enum tarn_rc tarn_kafka_make_topic(rd_kafka_t *client, const char *name, int32_t partitions, const char *key,
				   const char *value, struct tarn_err *err)
{
	struct tarn_kafka_admin admin;
	rd_kafka_event_t *answer;
	char why[CLIENT_ERROR_SIZE];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, -1, why, sizeof(why));
	if (!topic)
		return tarn_fail(err, TARN_EINVALID, "%s", why);
	rd_kafka_NewTopic_set_config(topic, key, value);
	tarn_kafka_admin_init(&admin, client);
	rd_kafka_CreateTopics(admin.client, &topic, 1, admin.options, admin.queue);
	enum tarn_rc rc = tarn_kafka_admin_wait(&admin, &answer, err);
	if (!rc) {
		size_t n;
		const rd_kafka_topic_result_t **results =
			rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer), &n);
		rd_kafka_resp_err_t code = n ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
		if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			rc = tarn_kafka_fail(err, code, rd_kafka_topic_result_error_string(results[0]));
		rd_kafka_event_destroy(answer);
	}
	tarn_kafka_admin_release(&admin);
	rd_kafka_NewTopic_destroy(topic);
	return rc;
}
