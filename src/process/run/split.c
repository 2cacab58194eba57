/* A split as a line of JSON:
 *
 *   {"split":0,"run_id":"...","now":"2026-01-02T03:04:05.000000Z","raw":"file:///...","source":"...","bytes":9,
 *    "objects":[{"key":"experiments/...","size":9},...]} */
#include <jansson.h>
#include <stdlib.h>

#include "process/run/run_plan.h"

enum tarn_rc tarn_split_write(const struct tarn_split *split, struct tarn_buf *line, struct tarn_err *err)
{
	char now[TARN_TIMESTAMP_SIZE];
	json_t *objects = json_array(), *json;
	char *text;

	tarn_format_timestamp(split->now_us, now);
	for (size_t i = 0; i < split->n_objects; i++) {
		const struct tarn_raw_object *object = &split->objects[i];
		json_t *item = json_pack("{s:s, s:I}", "key", object->key, "size", (json_int_t)object->size);

		if (!item) {
			json_decref(objects);
			return tarn_fail(err, TARN_EINVALID, "\"%s\": the name is no UTF-8 text", object->key);
		}
		if (object->watched)
			json_object_set_new(item, "watched", json_true());
		json_array_append_new(objects, item);
	}
	json = json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:o}", "split", (json_int_t)split->index, "run_id",
			 split->run_id, "now", now, "raw", split->raw, "source", split->source, "bytes",
			 (json_int_t)split->bytes, "objects", objects);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (!text)
		return tarn_fail(err, TARN_EINVALID, "\"%s\": the name is no UTF-8 text", split->raw);
	tarn_buf_add_str(line, text);
	free(text);
	return TARN_OK;
}

static enum tarn_rc parse_objects(json_t *list, struct tarn_arena *arena, struct tarn_split *split,
				  struct tarn_err *err)
{
	size_t n = json_array_size(list);
	struct tarn_raw_object *objects = tarn_arena_zalloc(arena, (n + 1) * sizeof(*objects));

	for (size_t i = 0; i < n; i++) {
		const char *key;
		json_int_t size;

		if (json_unpack(json_array_get(list, i), "{s:s, s:I}", "key", &key, "size", &size) ||
		    !tarn_raw_object_parse(tarn_arena_strdup(arena, key), &objects[i]))
			return tarn_fail(err, TARN_EINVALID,
					 "object %zu of the split is none, expected a key and a size", i);
		objects[i].size = size;
		objects[i].watched = json_is_true(json_object_get(json_array_get(list, i), "watched"));
		split->bytes += size;
	}
	split->objects = objects;
	split->n_objects = n;
	return TARN_OK;
}

static enum tarn_rc parse_json(json_t *json, struct tarn_arena *arena, struct tarn_split *split, struct tarn_err *err)
{
	struct tarn_split new = { 0 };
	const char *run_id, *now, *raw, *source;
	json_int_t index;
	json_t *objects;
	json_error_t problem;
	enum tarn_rc rc;

	if (json_unpack_ex(json, &problem, 0, "{s:I, s:s, s:s, s:s, s:s, s:o}", "split", &index, "run_id", &run_id,
			   "now", &now, "raw", &raw, "source", &source, "objects", &objects))
		return tarn_fail(err, TARN_EINVALID, "%s", problem.text);
	if (index < 0 || index > 99999 || strlen(run_id) != TARN_UUID_SIZE - 1)
		return tarn_fail(err, TARN_EINVALID, "split %lld of run \"%s\", expected 0 to 99999 and a UUID",
				 (long long)index, run_id);
	if (!tarn_parse_timestamp(now, &new.now_us))
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is no time, expected RFC 3339", now);
	new.index = (uint32_t)index;
	new.run_id = tarn_arena_strdup(arena, run_id);
	new.raw = tarn_arena_strdup(arena, raw);
	new.source = tarn_arena_strdup(arena, source);
	rc = parse_objects(objects, arena, &new, err);
	if (!rc)
		*split = new;
	return rc;
}

enum tarn_rc tarn_split_parse(struct tarn_slice line, struct tarn_arena *arena, struct tarn_split *split,
			      struct tarn_err *err)
{
	json_error_t problem;
	json_t *json = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, &problem);
	enum tarn_rc rc;

	if (!json)
		return tarn_fail_at(err, TARN_EINVALID, problem.position, "a split's line is no JSON: %s",
				    problem.text);
	rc = parse_json(json, arena, split, err);
	json_decref(json);
	return rc ? tarn_err_within(err, rc, "a split's line") : TARN_OK;
}
