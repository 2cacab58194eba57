/* The part of publishing that needs the network module. */
#include "cli/publishing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/module.h"
#include "stream/producer/publisher.h"

struct tarn_publishing {
	struct tarn_registry_client *registry;
	struct tarn_publisher *publisher;
	struct tarn_published so_far;
};

static void release(struct tarn_publishing *publishing)
{
	tarn_publisher_close(publishing->publisher);
	tarn_registry_client_free(publishing->registry);
	free(publishing);
}

enum tarn_rc tarn_publishing_begin(const struct tarn_publishing_options *options, struct tarn_publishing **publishing,
				   struct tarn_err *err)
{
	struct tarn_publishing *begun = tarn_calloc(1, sizeof(*begun));
	begun->so_far.spool = tarn_asprintf("%s/spool", options->data ? options->data : TARN_DATA_DEFAULT);
	struct tarn_publisher_options how = {
		.kafka = { options->brokers ? options->brokers : TARN_KAFKA_DEFAULT_BROKERS, options->client_config },
		.spool = begun->so_far.spool,
	};
	enum tarn_rc rc = tarn_registry_client_open(
		&(struct tarn_registry_client_options){ .url = options->registry ? options->registry
										 : TARN_REGISTRY_DEFAULT },
		&begun->registry, err);
	how.registry = begun->registry;
	if (!rc)
		rc = tarn_publisher_open(&how, &begun->publisher, err);
	if (rc) {
		free(begun->so_far.spool);
		release(begun);
		return rc;
	}
	*publishing = begun;
	return TARN_OK;
}

enum tarn_rc tarn_publishing_add(struct tarn_publishing *publishing, const struct tarn_outgoing *batch,
				 struct tarn_err *err)
{
	struct tarn_err why;
	char *refused = NULL;
	enum tarn_rc rc = tarn_publisher_add(publishing->publisher, batch, &refused, &why);
	if (refused) {
		publishing->so_far.refused += (int64_t)batch->n;
		snprintf(publishing->so_far.reason, sizeof(publishing->so_far.reason), "%s", why.message);
		free(refused);
		return TARN_OK;
	}
	if (rc && err)
		*err = why;
	return rc;
}

enum tarn_rc tarn_publishing_end(struct tarn_publishing *publishing, struct tarn_published *published,
				 struct tarn_err *err)
{
	struct tarn_publisher_sent sent = { 0 };
	enum tarn_rc rc = tarn_publisher_send(publishing->publisher, &sent, err);
	*published = publishing->so_far;
	published->sent = sent.sent;
	published->refused += sent.refused;
	published->waiting = sent.waiting;
	if (*sent.reason)
		memcpy(published->reason, sent.reason, sizeof(published->reason));
	release(publishing);
	return rc;
}

static enum tarn_rc publish_one(const struct tarn_publishing_options *options, const struct tarn_outgoing *batch,
				struct tarn_published *published, struct tarn_err *err)
{
	struct tarn_publishing *publishing;
	enum tarn_rc rc = tarn_publishing_begin(options, &publishing, err);
	if (rc)
		return rc;
	rc = tarn_publishing_add(publishing, batch, err);
	if (!rc)
		return tarn_publishing_end(publishing, published, err);
	release(publishing);
	return rc;
}

TARN_EXPORT extern const struct tarn_publish_one tarn_publish_one;
const struct tarn_publish_one tarn_publish_one = { publish_one };
