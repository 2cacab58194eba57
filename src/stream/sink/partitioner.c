#include "stream/sink/partitioner.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "stream/sink/joda.h"
#include "stream/sink/zone.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

struct tarn_partitioner {
	const struct tarn_connector_config *config;
	struct tarn_zone *zone;
	char *format; /* of timed ones, or NULL */
	int64_t duration;
	/* The last folder made from a time: most records share it. */
	int64_t cached_time;
	struct tarn_buf cached;
};

static bool is_timed(const struct tarn_connector_config *config)
{
	return config->partitioner != TARN_PARTITION_DEFAULT && config->partitioner != TARN_PARTITION_FIELD;
}

static void choose_format(struct tarn_partitioner *partitioner)
{
	const struct tarn_connector_config *config = partitioner->config;
	const char *delim = config->directory_delim;
	if (config->partitioner == TARN_PARTITION_TIME) {
		partitioner->format = tarn_strdup(config->path_format);
		partitioner->duration = config->partition_duration;
		return;
	}
	bool hourly = config->partitioner == TARN_PARTITION_HOURLY;
	partitioner->format = tarn_asprintf("'year'=YYYY%s'month'=MM%s'day'=dd%s%s", delim, delim, hourly ? delim : "",
					    hourly ? "'hour'=HH" : "");
	partitioner->duration = hourly ? HOUR : DAY;
}

enum tarn_rc tarn_partitioner_new(const struct tarn_connector_config *config, struct tarn_partitioner **partitioner,
				  struct tarn_err *err)
{
	struct tarn_partitioner *made = tarn_calloc(1, sizeof(*made));
	made->config = config;
	made->cached_time = INT64_MIN;
	tarn_buf_init(&made->cached, 1 << 16);
	enum tarn_rc rc =
		tarn_zone_load(config->timezone && *config->timezone ? config->timezone : "UTC", &made->zone, err);
	if (!rc && is_timed(config)) {
		choose_format(made);
		rc = tarn_joda_check(made->format, err);
	}
	if (rc)
		tarn_partitioner_free(made);
	else
		*partitioner = made;
	return rc;
}

void tarn_partitioner_free(struct tarn_partitioner *partitioner)
{
	if (!partitioner)
		return;
	tarn_zone_free(partitioner->zone);
	free(partitioner->format);
	tarn_buf_release(&partitioner->cached);
	free(partitioner);
}

bool tarn_partitioner_is_timed(const struct tarn_partitioner *partitioner)
{
	return partitioner->format != NULL;
}

bool tarn_partitioner_is_wallclock(const struct tarn_partitioner *partitioner)
{
	return partitioner->format && partitioner->config->extractor == TARN_EXTRACT_WALLCLOCK;
}

/* ---- times ---- */

static bool parse_digits(const char *text, int64_t *value)
{
	char *end;
	if (!isdigit((unsigned char)*text) && *text != '-')
		return false;
	long long number = strtoll(text, &end, 10);
	*value = number;
	return !*end;
}

/* "1795331109042", "2026-11-22T07:05:09Z" or the same without a zone or a time: UTC then. */
static bool parse_time(struct tarn_slice text, int64_t *time)
{
	char copy[64];
	int64_t us;
	int32_t days;
	if (!text.len || text.len >= sizeof(copy) - 1)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (parse_digits(copy, time))
		return true;
	if (tarn_parse_date(copy, &days)) {
		*time = days * DAY;
		return true;
	}
	if (!tarn_parse_timestamp(copy, &us)) {
		strcpy(copy + text.len, "Z");
		if (!tarn_parse_timestamp(copy, &us))
			return false;
	}
	*time = us / 1000 - (us % 1000 < 0);
	return true;
}

static enum tarn_rc field_time(const struct tarn_partitioner *partitioner, const struct tarn_partitioned *record,
			       int64_t *time, struct tarn_err *err)
{
	const char *path = partitioner->config->timestamp_field;
	struct tarn_field_value value;
	if (!record->plan)
		return tarn_fail(err, TARN_EINVALID, "the record has no fields");
	enum tarn_rc rc = tarn_datum_field(record->plan, record->datum, path, &value, err);
	if (rc)
		return rc;
	if (value.kind == TARN_FIELD_INTEGER)
		*time = value.integer;
	else if (value.kind != TARN_FIELD_TEXT || !parse_time(value.text, time))
		return tarn_fail(err, TARN_EINVALID, "field \"%s\" is no time: expected an integer or a text of a time",
				 path);
	return TARN_OK;
}

enum tarn_rc tarn_partitioner_time(const struct tarn_partitioner *partitioner, const struct tarn_partitioned *record,
				   int64_t *time, struct tarn_err *err)
{
	switch (partitioner->config->extractor) {
	case TARN_EXTRACT_FIELD: return field_time(partitioner, record, time, err);
	case TARN_EXTRACT_RECORD:
		if (record->timestamp < 0)
			return tarn_fail(err, TARN_EINVALID, "the message has no timestamp");
		*time = record->timestamp;
		return TARN_OK;
	default: *time = record->now; return TARN_OK;
	}
}

int64_t tarn_partitioner_next_schedule(const struct tarn_partitioner *partitioner, int64_t now, int64_t interval)
{
	int64_t offset = tarn_zone_offset(partitioner->zone, now), local = now + offset;
	int64_t midnight = local - (local % DAY + DAY) % DAY;
	return midnight + ((local - midnight) / interval + 1) * interval - offset;
}

/* ---- folders ---- */

static void encode_time(struct tarn_partitioner *partitioner, int64_t time, struct tarn_buf *out)
{
	int64_t offset = tarn_zone_offset(partitioner->zone, time), local = time + offset;
	int64_t floored = local / partitioner->duration * partitioner->duration;
	if (floored != partitioner->cached_time) {
		tarn_buf_clear(&partitioner->cached);
		tarn_joda_format(partitioner->format, floored, offset, &partitioner->cached);
		partitioner->cached_time = floored;
	}
	tarn_buf_add_slice(out, tarn_buf_slice(&partitioner->cached));
}

static enum tarn_rc encode_field(const char *path, const struct tarn_field_value *value, struct tarn_buf *out,
				 struct tarn_err *err)
{
	tarn_buf_printf(out, "%s=", path);
	switch (value->kind) {
	case TARN_FIELD_NULL: tarn_buf_add_str(out, "null"); return TARN_OK;
	case TARN_FIELD_INTEGER: tarn_buf_printf(out, "%" PRId64, value->integer); return TARN_OK;
	case TARN_FIELD_BOOLEAN: tarn_buf_add_str(out, value->integer ? "true" : "false"); return TARN_OK;
	case TARN_FIELD_TEXT:
		if (memchr(value->text.data, '/', value->text.len) || memchr(value->text.data, '\0', value->text.len))
			return tarn_fail(err, TARN_EINVALID, "field \"%s\" holds what no folder can be called", path);
		tarn_buf_add_slice(out, value->text);
		return TARN_OK;
	default:
		return tarn_fail(err, TARN_EINVALID,
				 "field \"%s\" names no folder: expected an integer, a text or a boolean", path);
	}
}

static enum tarn_rc encode_fields(const struct tarn_partitioner *partitioner, const struct tarn_partitioned *record,
				  struct tarn_buf *out, struct tarn_err *err)
{
	const struct tarn_names *fields = &partitioner->config->partition_fields;
	enum tarn_rc rc = TARN_OK;
	if (!record->plan)
		return tarn_fail(err, TARN_EINVALID, "the record has no fields");
	for (size_t i = 0; !rc && i < fields->n; i++) {
		struct tarn_field_value value;
		tarn_buf_add_str(out, i ? partitioner->config->directory_delim : "");
		rc = tarn_datum_field(record->plan, record->datum, fields->names[i], &value, err);
		if (!rc)
			rc = encode_field(fields->names[i], &value, out, err);
	}
	return rc;
}

enum tarn_rc tarn_partitioner_encode(struct tarn_partitioner *partitioner, const struct tarn_partitioned *record,
				     int64_t time, struct tarn_buf *out, struct tarn_err *err)
{
	tarn_buf_clear(out);
	if (partitioner->format) {
		encode_time(partitioner, time, out);
		return TARN_OK;
	}
	if (partitioner->config->partitioner == TARN_PARTITION_FIELD)
		return encode_fields(partitioner, record, out, err);
	char number[TARN_INT_TEXT_SIZE];
	tarn_buf_add_str(out, "partition=");
	tarn_buf_add(out, number, tarn_format_int(record->partition, number));
	return TARN_OK;
}

static const char *extension_of(const struct tarn_connector_config *config)
{
	static const char *const extensions[] = { ".avro", ".json" };
	return config->format == TARN_SINK_BYTES ? config->bytes_extension : extensions[config->format];
}

void tarn_object_key(const struct tarn_connector_config *config, const char *topic, int32_t partition,
		     struct tarn_slice encoded, int64_t offset, struct tarn_buf *out)
{
	const char *delim = config->directory_delim;
	if (*config->topics_dir)
		tarn_buf_printf(out, "%s%s", config->topics_dir, delim);
	tarn_buf_printf(out, "%s%s", topic, delim);
	tarn_buf_add_slice(out, encoded);
	tarn_buf_printf(out, "%s%s%s%d%s%0*" PRId64 "%s", delim, topic, config->file_delim, partition,
			config->file_delim, config->offset_width, offset, extension_of(config));
	if (config->json_gzip && config->format != TARN_SINK_AVRO)
		tarn_buf_add_str(out, ".gz");
}
