#include "stream/broker/group_settings.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/utf8.h"

enum { HEARTBEAT, SESSION, LONGEST_VALUE = 1 << 16 };

/* The bounds are Kafka's: group.consumer.min.heartbeat.interval.ms and so on. */
const struct tarn_topic_key tarn_group_keys[TARN_GROUP_N_KEYS] = {
	[HEARTBEAT] = { .name = "consumer.heartbeat.interval.ms",
			.type = TARN_TOPIC_INT,
			.fallback = "5000",
			.least = 5000,
			.most = 15000,
			.doc = "how often members of the consumer protocol send heartbeats" },
	[SESSION] = { .name = "consumer.session.timeout.ms",
		      .type = TARN_TOPIC_INT,
		      .fallback = "45000",
		      .least = 45000,
		      .most = 60000,
		      .doc = "how long members of the consumer protocol may be silent" },
};

const char *tarn_group_scope(struct tarn_arena *arena, const char *group_id)
{
	const struct tarn_slice text = tarn_slice_str(group_id);
	return tarn_utf8_valid(text) == text.len ? tarn_arena_printf(arena, "group:%s", group_id) : NULL;
}

static int32_t value_of(struct tarn_log *log, const char *scope, int key)
{
	struct tarn_buf text;
	tarn_buf_init(&text, LONGEST_VALUE);
	if (!scope || tarn_log_setting(log, scope, tarn_group_keys[key].name, &text))
		tarn_buf_add_str(&text, tarn_group_keys[key].fallback);
	tarn_buf_add_byte(&text, 0);
	const int32_t value = (int32_t)strtol((const char *)text.data, NULL, 10);
	tarn_buf_release(&text);
	return value;
}

struct tarn_group_times tarn_group_settings_times(struct tarn_log *log, const char *group_id)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	const char *scope = tarn_group_scope(&arena, group_id);
	const struct tarn_group_times times = { .session_ms = value_of(log, scope, SESSION),
						.heartbeat_ms = value_of(log, scope, HEARTBEAT) };
	tarn_arena_release(&arena);
	return times;
}

static int find_key(const char *name)
{
	int key = 0;
	while (key < TARN_GROUP_N_KEYS && strcmp(tarn_group_keys[key].name, name) != 0)
		key++;
	return key;
}

enum tarn_rc tarn_group_settings_check(struct tarn_log *log, const char *scope,
				       const struct tarn_topic_setting *settings, size_t n, struct tarn_err *err)
{
	int32_t values[TARN_GROUP_N_KEYS];
	for (int key = 0; key < TARN_GROUP_N_KEYS; key++)
		values[key] = value_of(log, scope, key);
	for (size_t i = 0; i < n; i++) {
		const int key = find_key(settings[i].key);
		if (key == TARN_GROUP_N_KEYS)
			return tarn_fail(err, TARN_EINVALID, "unknown group config name \"%s\"", settings[i].key);
		const char *value = settings[i].value ? settings[i].value : tarn_group_keys[key].fallback;
		const enum tarn_rc rc = tarn_topic_key_check(&tarn_group_keys[key], value, err);
		if (rc)
			return rc;
		values[key] = (int32_t)strtol(value, NULL, 10);
	}
	if (values[SESSION] <= values[HEARTBEAT])
		return tarn_fail(err, TARN_EINVALID, "\"%s\" must be greater than \"%s\"",
				 tarn_group_keys[SESSION].name, tarn_group_keys[HEARTBEAT].name);
	return TARN_OK;
}
