#include "stream/sink/connector_config.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "stream/sink/connector_keys.h"

struct reading {
	const json_t *object;
	struct tarn_arena *arena;
	struct tarn_connector_config *config;
	struct tarn_config_notes *errors, *warnings;
};

void tarn_config_note(struct tarn_config_notes *list, struct tarn_arena *arena, const char *key, const char *value,
		      const char *fmt, ...)
{
	char message[480];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 8;
		struct tarn_config_note *notes = tarn_arena_alloc(arena, cap * sizeof(*notes));
		if (list->n)
			memcpy(notes, list->notes, list->n * sizeof(*notes));
		list->notes = notes;
		list->cap = cap;
	}
	list->notes[list->n++] = (struct tarn_config_note){
		.key = tarn_arena_strdup(arena, key),
		.value = value ? tarn_arena_strdup(arena, value) : NULL,
		.message = tarn_arena_strdup(arena, message),
	};
}

#define ERROR(reading, key, value, ...) tarn_config_note((reading)->errors, (reading)->arena, key, value, __VA_ARGS__)
#define WARNING(reading, key, value, ...)                                                                              \
	tarn_config_note((reading)->warnings, (reading)->arena, key, value, __VA_ARGS__)

/* ---- keys ---- */

static const struct tarn_key *find_key(const char *spelling, bool *is_other_spelling)
{
	for (size_t i = 0; i < tarn_n_keys; i++) {
		*is_other_spelling = false;
		if (!strcmp(tarn_keys[i].name, spelling))
			return &tarn_keys[i];
		*is_other_spelling = true;
		for (size_t j = 0; j < 3 && tarn_keys[i].spellings[j]; j++)
			if (!strcmp(tarn_keys[i].spellings[j], spelling))
				return &tarn_keys[i];
	}
	return NULL;
}

const char *tarn_connector_key_name(const char *spelling)
{
	bool other;
	const struct tarn_key *key = find_key(spelling, &other);
	return key ? key->name : NULL;
}

size_t tarn_connector_keys(void)
{
	return tarn_n_keys;
}

void tarn_connector_key(size_t i, struct tarn_config_key *key)
{
	static const char *const types[] = {
		[TARN_KEY_TEXT] = "STRING", [TARN_KEY_LIST] = "LIST",	    [TARN_KEY_INT] = "INT",
		[TARN_KEY_LONG] = "LONG",   [TARN_KEY_BOOLEAN] = "BOOLEAN", [TARN_KEY_WORD] = "STRING",
		[TARN_KEY_CLASS] = "CLASS", [TARN_KEY_IGNORED] = "STRING",
	};
	*key = (struct tarn_config_key){
		.name = tarn_keys[i].name,
		.type = types[tarn_keys[i].type],
		.default_text = tarn_keys[i].default_text,
		.required = tarn_keys[i].required,
		.what = tarn_keys[i].what,
	};
}

/* ---- values ---- */

static const char *text_of(struct reading *reading, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING: return tarn_arena_strdup(reading->arena, json_string_value(value));
	case JSON_INTEGER: return tarn_arena_printf(reading->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	case JSON_REAL: return tarn_arena_printf(reading->arena, "%.17g", json_real_value(value));
	case JSON_TRUE: return "true";
	case JSON_FALSE: return "false";
	default: return NULL;
	}
}

static bool parse_number(const char *text, int64_t most, int64_t *number)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (end == text || *end || errno || value > most)
		return false;
	*number = value;
	return true;
}

static void read_number(struct reading *reading, const struct tarn_key *key, const char *text)
{
	bool is_int = key->type == TARN_KEY_INT;
	char *place = (char *)reading->config + key->place;
	int64_t number;
	if (!parse_number(text, is_int ? INT32_MAX : INT64_MAX, &number))
		ERROR(reading, key->name, text, "\"%s\" is no whole number", text);
	else if (number < key->least)
		ERROR(reading, key->name, text, "\"%s\" is too small, expected at least %" PRId64, text, key->least);
	else if (is_int)
		*(int32_t *)place = (int32_t)number;
	else
		*(int64_t *)place = number;
}

static void read_boolean(struct reading *reading, const struct tarn_key *key, const char *text)
{
	bool is_true = !strcasecmp(text, "true");
	if (!is_true && strcasecmp(text, "false"))
		ERROR(reading, key->name, text, "\"%s\" is neither \"true\" nor \"false\"", text);
	else
		*((bool *)((char *)reading->config + key->place)) = is_true;
}

static const char *last_word(const char *class_name)
{
	const char *at = class_name;
	for (const char *c = class_name; *c; c++)
		if (*c == '.' || *c == '$')
			at = c + 1;
	return at;
}

static bool is_flag_of_words(const struct tarn_key *key)
{
	return key->place == offsetof(struct tarn_connector_config, tolerate_errors) ||
	       key->place == offsetof(struct tarn_connector_config, json_gzip);
}

static void read_word(struct reading *reading, const struct tarn_key *key, const char *text)
{
	const char *word = key->type == TARN_KEY_CLASS ? last_word(text) : text;
	char *place = (char *)reading->config + key->place;
	for (const struct tarn_key_word *known = key->words; known->word; known++) {
		if (strcasecmp(known->word, word))
			continue;
		if (key->place == offsetof(struct tarn_connector_config, class_name))
			*(const char **)place = text;
		else if (is_flag_of_words(key))
			*(bool *)place = known->value;
		else
			*(int *)place = known->value;
		return;
	}
	ERROR(reading, key->name, text, "\"%s\" is not known, expected %s", text, key->what);
}

static void read_list(struct reading *reading, const struct tarn_key *key, const char *text)
{
	struct tarn_names *list = (struct tarn_names *)((char *)reading->config + key->place);
	size_t most = 1;
	for (const char *c = text; *c; c++)
		most += *c == ',';
	list->names = tarn_arena_alloc(reading->arena, most * sizeof(*list->names));
	list->n = 0;
	while (*text) {
		size_t blank = strspn(text, " \t\r\n,");
		text += blank;
		size_t len = strcspn(text, ",");
		const char *next = text + len;
		while (len && strchr(" \t\r\n", text[len - 1]))
			len--;
		if (len)
			list->names[list->n++] = tarn_arena_strndup(reading->arena, text, len);
		text = next;
	}
}

static void read_value(struct reading *reading, const struct tarn_key *key, const char *text)
{
	switch (key->type) {
	case TARN_KEY_TEXT: *(const char **)((char *)reading->config + key->place) = text; break;
	case TARN_KEY_LIST: read_list(reading, key, text); break;
	case TARN_KEY_INT:
	case TARN_KEY_LONG: read_number(reading, key, text); break;
	case TARN_KEY_BOOLEAN: read_boolean(reading, key, text); break;
	case TARN_KEY_WORD:
	case TARN_KEY_CLASS: read_word(reading, key, text); break;
	case TARN_KEY_IGNORED: break;
	}
}

/* ---- the whole ---- */

/* The value under the key's own name, else under another spelling of it. */
static const json_t *find_value(const struct reading *reading, const struct tarn_key *key)
{
	const json_t *value = json_object_get(reading->object, key->name);
	for (size_t i = 0; (!value || json_is_null(value)) && i < 3 && key->spellings[i]; i++)
		value = json_object_get(reading->object, key->spellings[i]);
	return value && !json_is_null(value) ? value : NULL;
}

static void read_key(struct reading *reading, const struct tarn_key *key)
{
	const json_t *value = find_value(reading, key);
	const char *text = value ? text_of(reading, value) : key->default_text;
	if (value && !text)
		ERROR(reading, key->name, NULL, "expected a text");
	else if (text)
		read_value(reading, key, text);
	else if (key->required)
		ERROR(reading, key->name, NULL, "missing, and it has no default");
}

static bool has_known_prefix(const char *key)
{
	for (size_t i = 0; tarn_key_prefixes[i]; i++)
		if (!strncmp(key, tarn_key_prefixes[i], strlen(tarn_key_prefixes[i])))
			return true;
	return false;
}

static void warn_of_keys(struct reading *reading)
{
	const char *spelling;
	json_t *value;
	json_object_foreach((json_t *)reading->object, spelling, value)
	{
		bool other;
		const struct tarn_key *key = find_key(spelling, &other);
		if (!key && !has_known_prefix(spelling))
			WARNING(reading, spelling, NULL, "unknown key, it changes nothing");
		else if (key && other)
			WARNING(reading, spelling, NULL, "taken for \"%s\"", key->name);
		else if (key && key->type == TARN_KEY_IGNORED)
			WARNING(reading, spelling, NULL, "changes nothing here: %s", key->what);
	}
}

/* What no key can say for itself. */
static void check_together(struct reading *reading)
{
	struct tarn_connector_config *config = reading->config;
	if (!config->topics.n && !config->topics_regex)
		ERROR(reading, "topics", NULL, "one of \"topics\" and \"topics.regex\" is needed");
	if (config->topics.n && config->topics_regex)
		ERROR(reading, "topics.regex", config->topics_regex, "\"topics\" is set too, expected one of the two");
	if (config->partitioner == TARN_PARTITION_FIELD && !config->partition_fields.n)
		ERROR(reading, "partition.field.name", NULL, "the FieldPartitioner needs it");
	if (config->partitioner == TARN_PARTITION_TIME && config->partition_duration <= 0)
		ERROR(reading, "partition.duration.ms", NULL, "the TimeBasedPartitioner needs it");
	if (config->partitioner == TARN_PARTITION_TIME && !config->path_format)
		ERROR(reading, "path.format", NULL, "the TimeBasedPartitioner needs it");
	bool is_avro = config->value_converter == TARN_CONVERT_AVRO;
	if (config->format == TARN_SINK_BYTES && config->value_converter != TARN_CONVERT_BYTES)
		ERROR(reading, "value.converter", NULL, "ByteArrayFormat needs the ByteArrayConverter");
	if (config->format == TARN_SINK_AVRO && config->value_converter == TARN_CONVERT_JSON)
		ERROR(reading, "value.converter", NULL, "AvroFormat cannot write what the JsonConverter reads");
	if (config->partitioner == TARN_PARTITION_FIELD && !is_avro)
		ERROR(reading, "partitioner.class", NULL, "the FieldPartitioner needs the AvroConverter");
	if (config->extractor == TARN_EXTRACT_FIELD && !is_avro)
		ERROR(reading, "timestamp.extractor", NULL, "RecordField needs the AvroConverter");
	if (config->null_values == TARN_NULLS_WRITE)
		ERROR(reading, "behavior.on.null.values", "write",
		      "tombstones cannot be written, expected fail or ignore");
	if (strchr(config->file_delim, '/') || !*config->file_delim)
		ERROR(reading, "file.delim", config->file_delim, "expected characters of a file's name");
}

void tarn_connector_config_read(const struct json_t *object, struct tarn_arena *arena,
				struct tarn_connector_config *config, struct tarn_config_notes *errors,
				struct tarn_config_notes *warnings)
{
	struct reading reading = { object, arena, config, errors, warnings };
	memset(config, 0, sizeof(*config));
	memset(errors, 0, sizeof(*errors));
	memset(warnings, 0, sizeof(*warnings));
	for (size_t i = 0; i < tarn_n_keys; i++)
		read_key(&reading, &tarn_keys[i]);
	warn_of_keys(&reading);
	if (!errors->n)
		check_together(&reading);
}
