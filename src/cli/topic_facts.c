#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/topic_command.h"

static void suggest(const struct rd_kafka_metadata *all, const char *name, struct tarn_err *err)
{
	const char **names = tarn_calloc((size_t)all->topic_cnt + 1, sizeof(*names));
	for (int i = 0; i < all->topic_cnt; i++)
		names[i] = all->topics[i].topic;
	const char *nearest = tarn_nearest_word(name, names, (size_t)all->topic_cnt);
	if (nearest)
		tarn_err_hint(err, "did you mean \"%s\"?", nearest);
	else
		tarn_err_hint(err, "`tarn topic ls` lists the %d topics there are", all->topic_cnt);
	free(names);
}

/* All topics are asked for even where one is wanted: a question about one by name could create it. */
enum tarn_rc tarn_topic_facts(rd_kafka_t *client, const char *name, const struct rd_kafka_metadata **facts,
			      struct tarn_err *err)
{
	const struct rd_kafka_metadata *all;
	rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, &all, TARN_KAFKA_TIMEOUT_MS);
	if (code)
		return tarn_kafka_fail(err, code, NULL);
	int at = 0;
	while (name && at < all->topic_cnt && strcmp(all->topics[at].topic, name))
		at++;
	if (name && at == all->topic_cnt) {
		tarn_fail(err, TARN_ENOTFOUND, "there is no topic \"%s\"", name);
		suggest(all, name, err);
		rd_kafka_metadata_destroy(all);
		return TARN_ENOTFOUND;
	}
	*facts = all;
	return TARN_OK;
}

/* librdkafka sends what stands in `offset` as the timestamp of a ListOffsets request, the two special ones included. */
enum tarn_rc tarn_topic_offsets(rd_kafka_t *client, const rd_kafka_metadata_topic_t *topic, int64_t when,
				int64_t *offsets, struct tarn_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(topic->partition_cnt);
	for (int i = 0; i < topic->partition_cnt; i++)
		rd_kafka_topic_partition_list_add(list, topic->topic, i)->offset = when;
	rd_kafka_resp_err_t code =
		topic->partition_cnt ? rd_kafka_offsets_for_times(client, list, TARN_KAFKA_TIMEOUT_MS) : 0;
	for (int i = 0; !code && i < list->cnt; i++) {
		code = list->elems[i].err;
		offsets[list->elems[i].partition] = list->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(list);
	if (code)
		tarn_kafka_fail(err, code, NULL);
	return code ? tarn_err_within(err, TARN_EIO, "offsets of topic \"%s\"", topic->topic) : TARN_OK;
}

enum tarn_rc tarn_topic_settings(struct tarn_kafka_admin *admin, const char *name, rd_kafka_event_t **event,
				 const rd_kafka_ConfigEntry_t ***entries, size_t *n, struct tarn_err *err)
{
	rd_kafka_ConfigResource_t *asked = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
	rd_kafka_DescribeConfigs(admin->client, &asked, 1, admin->options, admin->queue);
	rd_kafka_ConfigResource_destroy(asked);
	rd_kafka_event_t *answer;
	enum tarn_rc rc = tarn_kafka_admin_wait(admin, &answer, err);
	if (rc)
		return rc;
	size_t resources = 0;
	const rd_kafka_ConfigResource_t **found =
		rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer), &resources);
	if (resources != 1)
		rc = tarn_fail(err, TARN_EINVALID, "the broker described %zu resources, expected one", resources);
	else if (rd_kafka_ConfigResource_error(found[0]))
		rc = tarn_kafka_fail(err, rd_kafka_ConfigResource_error(found[0]),
				     rd_kafka_ConfigResource_error_string(found[0]));
	if (rc) {
		rd_kafka_event_destroy(answer);
		return rc;
	}
	*entries = rd_kafka_ConfigResource_configs(found[0], n);
	*event = answer;
	return TARN_OK;
}
