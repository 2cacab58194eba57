#include "stream/sink/registry_lookup.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/alloc.h"

/* The version in [{"subject": .., "version": ..}, ..] of the topic's value subject; 0 where it is not among them. */
static int32_t version_in(struct tarn_slice answer, const char *topic)
{
	json_t *list = json_loadb((const char *)answer.data, answer.len, 0, NULL), *item;
	char *subject = tarn_asprintf("%s-value", topic);
	int32_t version = 0;
	size_t i;
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "subject"));
		if (name && !strcmp(name, subject))
			version = (int32_t)json_integer_value(json_object_get(item, "version"));
	}
	free(subject);
	json_decref(list);
	return version;
}

static enum tarn_rc find_version(struct tarn_registry_client *client, const char *topic, uint32_t id, int32_t *version,
				 struct tarn_err *err)
{
	struct tarn_buf answer;
	int status;
	char *path = tarn_asprintf("/schemas/ids/%u/versions", id);
	tarn_buf_init(&answer, (size_t)16 << 20);
	enum tarn_rc rc = tarn_registry_ask(client, "GET", path, NULL, &status, &answer, err);
	if (!rc && status >= 500)
		rc = tarn_fail(err, TARN_EIO, "the registry answers %s with %d", path, status);
	if (!rc) /* an older registry does not know the question */
		*version = status == 200 ? version_in(tarn_buf_slice(&answer), topic) : 0;
	tarn_buf_release(&answer);
	free(path);
	return rc;
}

enum tarn_rc tarn_registry_lookup_version(struct tarn_registry_client *client, const char *topic, uint32_t id,
					  struct tarn_buf *json, int32_t *version, struct tarn_err *err)
{
	const struct tarn_known_schema *known;
	enum tarn_rc rc = tarn_registry_by_id(client, id, &known, err);
	if (rc)
		return rc;
	if (!known->avro)
		return tarn_fail(err, TARN_EINVALID, "schema %u is not of Avro", id);
	tarn_buf_add_slice(json, known->whole_text);
	return find_version(client, topic, id, version, err);
}
