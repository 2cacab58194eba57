/* A connector's configuration: Kafka Connect's JSON object of texts, checked and typed.
 *
 * One table (connector_keys.c) knows every key: its type, its default, and other spellings that people use for it. A
 * key that the table does not know costs a warning, never the connector. */
#ifndef TARN_STREAM_SINK_CONNECTOR_CONFIG_H
#define TARN_STREAM_SINK_CONNECTOR_CONFIG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"

struct json_t;

enum tarn_sink_format { TARN_SINK_AVRO, TARN_SINK_JSON, TARN_SINK_BYTES };
enum tarn_sink_converter {
	TARN_CONVERT_AVRO, /* Confluent's wire format */
	TARN_CONVERT_BYTES,
	TARN_CONVERT_STRING,
	TARN_CONVERT_JSON,
};
enum tarn_partitioner_kind {
	TARN_PARTITION_DEFAULT,
	TARN_PARTITION_FIELD,
	TARN_PARTITION_TIME,
	TARN_PARTITION_DAILY,
	TARN_PARTITION_HOURLY,
};
enum tarn_extractor { TARN_EXTRACT_WALLCLOCK, TARN_EXTRACT_RECORD, TARN_EXTRACT_FIELD };
enum tarn_sink_compatibility { TARN_SINK_NONE, TARN_SINK_BACKWARD, TARN_SINK_FORWARD, TARN_SINK_FULL };
enum tarn_null_values {
	TARN_NULLS_DEAD_LETTER, /* whatever else the tolerance is: a tombstone is no reason to stop */
	TARN_NULLS_IGNORE,
	TARN_NULLS_FAIL,
	TARN_NULLS_WRITE,
};

#define TARN_NO_INTERVAL (-1)

struct tarn_names {
	const char **names;
	size_t n;
};

/* Texts are the arena's; those without a default are NULL where they were not given. Times are in milliseconds. */
struct tarn_connector_config {
	const char *name, *class_name;
	int32_t tasks_max;
	struct tarn_names topics; /* one of the two is set */
	const char *topics_regex;

	const char *topics_dir, *directory_delim, *file_delim;
	int32_t offset_width;
	int32_t flush_size, max_open_files;
	int64_t rotate_interval, rotate_schedule, longest_wait;
	bool rotate_on_partition_change;

	int format;			    /* enum tarn_sink_format */
	int value_converter, key_converter; /* enum tarn_sink_converter */
	int avro_codec;			    /* enum tarn_codec */
	bool connect_meta_data, json_gzip;
	const char *bytes_separator, *bytes_extension;

	int partitioner; /* enum tarn_partitioner_kind */
	struct tarn_names partition_fields;
	int64_t partition_duration;
	const char *path_format, *locale, *timezone;
	int extractor; /* enum tarn_extractor */
	const char *timestamp_field;

	int compatibility; /* enum tarn_sink_compatibility */
	int null_values;   /* enum tarn_null_values */

	const char *registry_url;
	const char *tarn_store; /* path or URL; before the next ones */
	const char *store_url, *bucket, *region, *access_key, *secret_key;
	bool path_style;
	int64_t part_size;
	int32_t part_retries;
	int64_t retry_backoff, part_retry_backoff;

	bool tolerate_errors, log_errors;
	const char *dead_letter_topic; /* NULL: `<connector>.dlq` where errors are tolerated */
	bool dead_letter_headers;
};

/* What is wrong or doubtful, a line each, in the order of the keys. */
struct tarn_config_note {
	const char *key, *value; /* value NULL: the key is not there */
	const char *message;
};
struct tarn_config_notes {
	struct tarn_config_note *notes;
	size_t n, cap;
};

/* Reads `object` (text by key; numbers and booleans are taken as their text). Errors are collected, not stopped at: the
 * configuration is good where errors->n is 0. Both lists and all texts are in the arena. */
void tarn_connector_config_read(const struct json_t *object, struct tarn_arena *arena,
				struct tarn_connector_config *config, struct tarn_config_notes *errors,
				struct tarn_config_notes *warnings);

/* The table of keys, for documentation and validation. */
struct tarn_config_key {
	const char *name;
	const char *type;	  /* as Connect's: STRING, INT, LONG, BOOLEAN, LIST, CLASS */
	const char *default_text; /* NULL: none */
	bool required;
	const char *what; /* documentation: one line */
};
size_t tarn_connector_keys(void);
void tarn_connector_key(size_t i, struct tarn_config_key *key);
/* The table's own name of a key, or NULL where it is unknown. */
const char *tarn_connector_key_name(const char *spelling);

void tarn_config_note(struct tarn_config_notes *list, struct tarn_arena *arena, const char *key, const char *value,
		      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
