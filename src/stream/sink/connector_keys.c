#include "stream/sink/connector_keys.h"

#include <stddef.h>

static const struct tarn_key_word classes[] = {
	{ "S3SinkConnector", 0 },
	{ "TarnSinkConnector", 0 },
	{ NULL, 0 },
};
static const struct tarn_key_word formats[] = {
	{ "AvroFormat", TARN_SINK_AVRO },
	{ "JsonFormat", TARN_SINK_JSON },
	{ "ByteArrayFormat", TARN_SINK_BYTES },
	{ NULL, 0 },
};
static const struct tarn_key_word converters[] = {
	{ "AvroConverter", TARN_CONVERT_AVRO },
	{ "ByteArrayConverter", TARN_CONVERT_BYTES },
	{ "StringConverter", TARN_CONVERT_STRING },
	{ "JsonConverter", TARN_CONVERT_JSON },
	{ NULL, 0 },
};
static const struct tarn_key_word codecs[] = {
	{ "null", TARN_CODEC_NONE },	  { "deflate", TARN_CODEC_DEFLATE }, { "snappy", TARN_CODEC_SNAPPY },
	{ "zstandard", TARN_CODEC_ZSTD }, { "zstd", TARN_CODEC_ZSTD },	     { NULL, 0 },
};
static const struct tarn_key_word partitioners[] = {
	{ "DefaultPartitioner", TARN_PARTITION_DEFAULT }, { "FieldPartitioner", TARN_PARTITION_FIELD },
	{ "TimeBasedPartitioner", TARN_PARTITION_TIME },  { "DailyPartitioner", TARN_PARTITION_DAILY },
	{ "HourlyPartitioner", TARN_PARTITION_HOURLY },	  { NULL, 0 },
};
static const struct tarn_key_word extractors[] = {
	{ "Wallclock", TARN_EXTRACT_WALLCLOCK },
	{ "WallclockTimestampExtractor", TARN_EXTRACT_WALLCLOCK },
	{ "Record", TARN_EXTRACT_RECORD },
	{ "RecordTimestampExtractor", TARN_EXTRACT_RECORD },
	{ "RecordField", TARN_EXTRACT_FIELD },
	{ "RecordFieldTimestampExtractor", TARN_EXTRACT_FIELD },
	{ NULL, 0 },
};
static const struct tarn_key_word compatibilities[] = {
	{ "NONE", TARN_SINK_NONE },
	{ "BACKWARD", TARN_SINK_BACKWARD },
	{ "FORWARD", TARN_SINK_FORWARD },
	{ "FULL", TARN_SINK_FULL },
	{ NULL, 0 },
};
static const struct tarn_key_word null_values[] = {
	{ "dlq", TARN_NULLS_DEAD_LETTER },
	{ "fail", TARN_NULLS_FAIL },
	{ "ignore", TARN_NULLS_IGNORE },
	{ "write", TARN_NULLS_WRITE },
	{ NULL, 0 },
};
static const struct tarn_key_word tolerances[] = {
	{ "none", false },
	{ "all", true },
	{ NULL, 0 },
};
static const struct tarn_key_word compressions[] = {
	{ "none", false },
	{ "gzip", true },
	{ NULL, 0 },
};

#define AT(field) offsetof(struct tarn_connector_config, field)
#define TEXT(key, field, otherwise, doc)                                                                               \
	{                                                                                                              \
		.name = key, .type = TARN_KEY_TEXT, .place = AT(field), .default_text = otherwise, .what = doc         \
	}
#define SECRET(key, field, spelling, doc)                                                                              \
	{                                                                                                              \
		.name = key, .type = TARN_KEY_TEXT, .place = AT(field), .spellings = { spelling }, .what = doc         \
	}
#define NUMBER(key, kind, field, otherwise, smallest, doc)                                                             \
	{                                                                                                              \
		.name = key, .type = TARN_KEY_##kind, .place = AT(field), .default_text = otherwise,                   \
		.least = smallest, .what = doc                                                                         \
	}
#define FLAG(key, field, otherwise, doc)                                                                               \
	{                                                                                                              \
		.name = key, .type = TARN_KEY_BOOLEAN, .place = AT(field), .default_text = otherwise, .what = doc      \
	}
#define CHOICE(key, kind, field, list, otherwise, doc)                                                                 \
	{                                                                                                              \
		.name = key, .type = TARN_KEY_##kind, .place = AT(field), .default_text = otherwise, .words = list,    \
		.what = doc                                                                                            \
	}
#define IGNORED(key, doc)                                                                                              \
	{                                                                                                              \
		.name = key, .type = TARN_KEY_IGNORED, .what = doc                                                     \
	}

const struct tarn_key tarn_keys[] = {
	TEXT("name", name, NULL, "the connector's name; its consumer group is connect-<name>"),
	{ .name = "connector.class",
	  .type = TARN_KEY_CLASS,
	  .place = AT(class_name),
	  .required = true,
	  .words = classes,
	  .what = "S3SinkConnector, with any package before it" },
	NUMBER("tasks.max", INT, tasks_max, "1", 1, "threads that share the topics' partitions"),
	{ .name = "topics", .type = TARN_KEY_LIST, .place = AT(topics), .what = "topics to read" },
	TEXT("topics.regex", topics_regex, NULL,
	     "or the topics whose whole name matches; new ones are found within seconds"),

	TEXT("topics.dir", topics_dir, "topics", "first folder of every object's key; may be empty"),
	TEXT("directory.delim", directory_delim, "/", "between folders"),
	TEXT("file.delim", file_delim, "+", "between topic, partition and offset in a name"),
	NUMBER("filename.offset.zero.pad.width", INT, offset_width, "10", 0, "digits of the offset"),
	{ .name = "flush.size",
	  .type = TARN_KEY_INT,
	  .place = AT(flush_size),
	  .required = true,
	  .least = 1,
	  .what = "records of a Kafka partition after which its open objects are written" },
	NUMBER("rotate.interval.ms", LONG, rotate_interval, "-1", -1,
	       "span of the records' own times (by the extractor) after which they are written"),
	NUMBER("rotate.schedule.interval.ms", LONG, rotate_schedule, "-1", -1,
	       "span of wall-clock time, counted from midnight in `timezone`, after which they are written"),
	NUMBER("tarn.flush.ms", LONG, longest_wait, "-1", -1,
	       "longest time that a record waits for its object to be written; -1: rotate.interval.ms where that is "
	       "set"),
	FLAG("rotate.file.on.partition.change", rotate_on_partition_change, "true",
	     "with rotate.interval.ms: write when a record belongs into another folder"),
	NUMBER("partitioner.max.open.files", INT, max_open_files, "-1", -1,
	       "objects of a Kafka partition that may be open at once; the memory they take is bounded in any case"),

	CHOICE("format.class", CLASS, format, formats, "AvroFormat", "AvroFormat, JsonFormat or ByteArrayFormat"),
	CHOICE("value.converter", CLASS, value_converter, converters, "AvroConverter",
	       "AvroConverter, ByteArrayConverter, StringConverter or JsonConverter"),
	CHOICE("key.converter", CLASS, key_converter, converters, "AvroConverter", "the same for keys"),
	CHOICE("avro.codec", WORD, avro_codec, codecs, "null", "null, deflate, snappy or zstandard"),
	FLAG("connect.meta.data", connect_meta_data, "true", "connect.name, connect.version and so on in Avro schemas"),
	CHOICE("s3.compression.type", WORD, json_gzip, compressions, "none", "none, or gzip for JSON and bytes"),
	TEXT("format.bytearray.separator", bytes_separator, "\n", "behind each record of a ByteArrayFormat object"),
	TEXT("format.bytearray.extension", bytes_extension, ".bin", "of ByteArrayFormat objects"),

	CHOICE("partitioner.class", CLASS, partitioner, partitioners, "DefaultPartitioner",
	       "Default-, Field-, TimeBased-, Daily- or HourlyPartitioner"),
	{ .name = "partition.field.name",
	  .type = TARN_KEY_LIST,
	  .place = AT(partition_fields),
	  .what = "fields of the FieldPartitioner, outermost first; dots lead inside" },
	NUMBER("partition.duration.ms", LONG, partition_duration, "-1", -1,
	       "length of a TimeBasedPartitioner's folder"),
	TEXT("path.format", path_format, NULL, "its name: a pattern of Joda-Time, as 'year'=YYYY/'month'=MM"),
	TEXT("locale", locale, NULL, "of names in the path; numbers are the same in all"),
	TEXT("timezone", timezone, NULL, "of the path and of the schedule: an IANA name or an offset"),
	CHOICE("timestamp.extractor", CLASS, extractor, extractors, "Wallclock", "Wallclock, Record or RecordField"),
	TEXT("timestamp.field", timestamp_field, "timestamp", "of RecordField; dots lead inside"),

	CHOICE("schema.compatibility", WORD, compatibility, compatibilities, "NONE", "NONE, BACKWARD, FORWARD or FULL"),
	CHOICE("behavior.on.null.values", WORD, null_values, null_values, "dlq",
	       "of tombstones: dlq (a dead letter), ignore or fail"),

	TEXT("value.converter.schema.registry.url", registry_url, NULL, "the registry; without it Tarn's own"),
	TEXT("tarn.store", tarn_store, NULL,
	     "where objects go: a path, file:// or s3:// URL, before what serve was given"),
	TEXT("store.url", store_url, NULL, "endpoint of the S3 server"),
	TEXT("s3.bucket.name", bucket, NULL, "bucket"),
	TEXT("s3.region", region, "us-west-2", "region, for signatures: any text"),
	SECRET("aws.access.key.id", access_key, "s3.access.key.id", "key; without it AWS_ACCESS_KEY_ID"),
	SECRET("aws.secret.access.key", secret_key, "s3.secret.access.key",
	       "its secret; without it AWS_SECRET_ACCESS_KEY"),
	{ .name = "s3.path.style.access.enabled",
	  .type = TARN_KEY_BOOLEAN,
	  .place = AT(path_style),
	  .default_text = "true",
	  .spellings = { "s3.path.style.access" },
	  .what = "bucket in the path, not in the host name" },
	NUMBER("s3.part.size", LONG, part_size, "26214400", 5242880, "bytes of a part of a multipart upload"),
	NUMBER("s3.part.retries", INT, part_retries, "3", 0, "tries after a failed request"),
	NUMBER("s3.retry.backoff.ms", LONG, part_retry_backoff, "200", 0, "pause before the first of them"),
	NUMBER("retry.backoff.ms", LONG, retry_backoff, "5000", 0, "pause before a failed task starts again; doubles"),

	CHOICE("errors.tolerance", WORD, tolerate_errors, tolerances, "none",
	       "none: a bad record fails the task; all: it becomes a dead letter"),
	FLAG("errors.log.enable", log_errors, "false", "a line in the log for each bad record"),
	TEXT("errors.deadletterqueue.topic.name", dead_letter_topic, NULL,
	     "topic of dead letters; without it <name>.dlq, where errors are tolerated"),
	FLAG("errors.deadletterqueue.context.headers.enable", dead_letter_headers, "true",
	     "place and reason as headers of a dead letter"),

	IGNORED("storage.class", "objects go where the store's URL says"),
	IGNORED("refresh.topics.enabled", "new topics are always found"),
	IGNORED("s3.auto.create.buckets.on.start", "buckets are not made"),
	IGNORED("s3.http.send.expect.continue", "Expect is never sent"),
	IGNORED("enhanced.avro.schema.support", "enums and package names are always kept"),
	IGNORED("enable.conditional.writes", "objects are the same however often they are written"),
	IGNORED("max.files.scan.limit", "the same"),
	IGNORED("allow.optional.map.keys", "keys of maps are texts"),
	IGNORED("format.bytearray.extension.enabled", "the extension is always written"),
	IGNORED("schemas.enable", "of JsonConverter: JSON is kept as it is"),
	IGNORED("errors.log.include.messages", "dead letters hold the messages"),
	IGNORED("errors.retry.timeout", "see retry.backoff.ms"),
	IGNORED("errors.retry.delay.max.ms", "see retry.backoff.ms"),
	IGNORED("errors.deadletterqueue.topic.replication.factor", "the broker's default"),
	IGNORED("schema.cache.config", "schemas stay in memory"),
	IGNORED("schema.cache.size", "schemas stay in memory"),
	IGNORED("schema.cache.capacity", "schemas stay in memory"),
};
const size_t tarn_n_keys = sizeof(tarn_keys) / sizeof(*tarn_keys);

const char *const tarn_key_prefixes[] = {
	"key.converter.",
	"value.converter.",
	"header.converter",
	"consumer.override.",
	"confluent.",
	"config.action.",
	NULL,
};
