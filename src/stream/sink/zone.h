/* Time zones by name: fixed offsets ("UTC", "Z", "+05:30") and the system's IANA database (TZif, RFC 8536, with the
 * rule in its footer for times behind its last transition). A zone is immutable; threads share it. */
#ifndef TARN_STREAM_SINK_ZONE_H
#define TARN_STREAM_SINK_ZONE_H

#include "base/buf.h"
#include "base/err.h"

struct tarn_zone;

/* TARN_EINVALID where there is no such zone. */
enum tarn_rc tarn_zone_load(const char *name, struct tarn_zone **zone, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_zone_free(struct tarn_zone *zone);
/* What to add to UTC then: milliseconds. */
int64_t tarn_zone_offset(const struct tarn_zone *zone, int64_t utc_ms);

/* From the bytes of a TZif file. */
enum tarn_rc tarn_zone_parse(struct tarn_slice file, struct tarn_zone **zone, struct tarn_err *err) TARN_MUST_CHECK;

#endif
