/* Wall-clock time as microseconds since 1970-01-01 UTC, its text forms, waiting, and random UUIDs. */
#ifndef TARN_BASE_CLOCK_H
#define TARN_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t tarn_now_us(void);
int64_t tarn_monotonic_ns(void);
/* What tarn_monotonic_ns() will be in `ms` milliseconds (0 or more); INT64_MAX for a time that it cannot hold. */
int64_t tarn_monotonic_ns_in(int64_t ms);
/* Days since 1970-01-01, rounded down. */
int32_t tarn_days_of_us(int64_t us);

#define TARN_TIMESTAMP_SIZE 28 /* "2026-01-02T03:04:05.678901Z" */
#define TARN_DATE_SIZE 11      /* "2026-01-02" */
#define TARN_UUID_SIZE 37
void tarn_format_timestamp(int64_t us, char text[TARN_TIMESTAMP_SIZE]);
void tarn_format_date(int32_t days, char text[TARN_DATE_SIZE]);
/* RFC 3339 with `Z` or an offset, fraction of up to six digits; false where the text is anything else. */
bool tarn_parse_timestamp(const char *text, int64_t *us);
bool tarn_parse_date(const char *text, int32_t *days);
/* Version 4, from the system's random source. */
void tarn_uuid(char text[TARN_UUID_SIZE]);
void tarn_sleep_ms(int64_t ms);
/* How long to wait before a try (2: the second) of what was refused for a while: by chance, at most 100, 200, 400, ...
 * longest_ms, so that those who were refused together do not come back together; and not less than the other end asked
 * for, up to longest_ms. */
int64_t tarn_backoff_ms(int attempt, int64_t longest_ms, int64_t retry_after_ms, uint64_t random);
/* Positive, below 2^53: some Iceberg readers hold snapshot ids in doubles. */
int64_t tarn_random_id(void);

#endif
