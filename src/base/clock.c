#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { US_PER_SECOND = 1000000 };
static const int64_t us_per_day = (int64_t)86400 * US_PER_SECOND;

int64_t tarn_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t tarn_monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t tarn_monotonic_ns_in(int64_t ms)
{
	int64_t ns;
	return __builtin_mul_overflow(ms, 1000000, &ns) || __builtin_add_overflow(ns, tarn_monotonic_ns(), &ns)
		       ? INT64_MAX
		       : ns;
}

void tarn_sleep_ms(int64_t ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

int64_t tarn_backoff_ms(int attempt, int64_t longest_ms, int64_t retry_after_ms, uint64_t random)
{
	enum { FIRST_MS = 100, MOST_DOUBLINGS = 18 };
	int doublings = attempt < 2 ? 0 : attempt - 2 > MOST_DOUBLINGS ? MOST_DOUBLINGS : attempt - 2;
	int64_t most = (int64_t)FIRST_MS << doublings;
	if (most > longest_ms)
		most = longest_ms;
	int64_t wait = (int64_t)(random % (uint64_t)(most + 1));
	if (retry_after_ms > longest_ms)
		retry_after_ms = longest_ms;
	return wait > retry_after_ms ? wait : retry_after_ms;
}

static int64_t floor_div(int64_t value, int64_t by)
{
	int64_t quotient = value / by;
	return quotient - (value % by < 0);
}

int32_t tarn_days_of_us(int64_t us)
{
	return (int32_t)floor_div(us, us_per_day);
}

/* Proleptic Gregorian calendar, years counted from March so that the leap day comes last. */
static void civil_of_days(int64_t days, int *year, unsigned *month, unsigned *day)
{
	days += 719468;
	int64_t era = floor_div(days, 146097);
	unsigned day_of_era = (unsigned)(days - era * 146097);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned shifted = (5 * day_of_year + 2) / 153;
	*day = day_of_year - (153 * shifted + 2) / 5 + 1;
	*month = shifted < 10 ? shifted + 3 : shifted - 9;
	*year = (int)((int64_t)year_of_era + era * 400 + (*month <= 2));
}

static int64_t days_of_civil(int year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = floor_div(y, 400);
	unsigned year_of_era = (unsigned)(y - era * 400);
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + (int64_t)day_of_era - 719468;
}

void tarn_format_date(int32_t days, char text[TARN_DATE_SIZE])
{
	int year;
	unsigned month, day;
	civil_of_days(days, &year, &month, &day);
	char wide[32];
	snprintf(wide, sizeof(wide), "%04d-%02u-%02u", year, month, day);
	memcpy(text, wide, TARN_DATE_SIZE - 1);
	text[TARN_DATE_SIZE - 1] = '\0';
}

void tarn_format_timestamp(int64_t us, char text[TARN_TIMESTAMP_SIZE])
{
	char date[TARN_DATE_SIZE], wide[64];
	int32_t days = tarn_days_of_us(us);
	int64_t rest = us % us_per_day;
	rest += rest < 0 ? us_per_day : 0;
	tarn_format_date(days, date);
	unsigned seconds = (unsigned)(rest / US_PER_SECOND);
	snprintf(wide, sizeof(wide), "%sT%02u:%02u:%02u.%06uZ", date, seconds / 3600, seconds / 60 % 60, seconds % 60,
		 (unsigned)(rest % US_PER_SECOND));
	memcpy(text, wide, TARN_TIMESTAMP_SIZE - 1);
	text[TARN_TIMESTAMP_SIZE - 1] = '\0';
}

/* Reads exactly `width` digits. */
static bool digits(const char **at, int width, unsigned *value)
{
	*value = 0;
	for (int i = 0; i < width; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*value = *value * 10 + (unsigned)(**at - '0');
	}
	return true;
}

static bool literal(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

static bool read_date(const char **at, int32_t *days)
{
	unsigned year, month, day;
	if (!digits(at, 4, &year) || !literal(at, '-') || !digits(at, 2, &month) || !literal(at, '-') ||
	    !digits(at, 2, &day) || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	*days = (int32_t)days_of_civil((int)year, month, day);
	return true;
}

bool tarn_parse_date(const char *text, int32_t *days)
{
	int32_t value;
	if (!read_date(&text, &value) || *text)
		return false;
	*days = value;
	return true;
}

static bool read_fraction(const char **at, unsigned *us)
{
	unsigned value = 0, scale = US_PER_SECOND;
	*us = 0;
	if (!literal(at, '.'))
		return true;
	if (**at < '0' || **at > '9')
		return false;
	while (**at >= '0' && **at <= '9' && scale > 1) {
		scale /= 10;
		value += (unsigned)(*(*at)++ - '0') * scale;
	}
	*us = value;
	return true;
}

static bool read_offset(const char **at, int64_t *seconds)
{
	unsigned hours, minutes;
	if (literal(at, 'Z')) {
		*seconds = 0;
		return true;
	}
	int sign = literal(at, '-') ? -1 : literal(at, '+') ? 1 : 0;
	if (!sign || !digits(at, 2, &hours) || !literal(at, ':') || !digits(at, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*seconds = sign * (int64_t)(hours * 3600 + minutes * 60);
	return true;
}

bool tarn_parse_timestamp(const char *text, int64_t *us)
{
	int32_t days;
	unsigned hour, minute, second, fraction;
	int64_t offset;
	if (!read_date(&text, &days) || (!literal(&text, 'T') && !literal(&text, ' ')) || !digits(&text, 2, &hour) ||
	    !literal(&text, ':') || !digits(&text, 2, &minute) || !literal(&text, ':') || !digits(&text, 2, &second) ||
	    hour > 23 || minute > 59 || second > 59 || !read_fraction(&text, &fraction) ||
	    !read_offset(&text, &offset) || *text)
		return false;
	int64_t seconds = (int64_t)hour * 3600 + minute * 60 + second - offset;
	*us = days * us_per_day + seconds * US_PER_SECOND + fraction;
	return true;
}

static void random_bytes(uint8_t *bytes, size_t len)
{
	if (getrandom(bytes, len, 0) != (ssize_t)len) {
		fputs("tarn: the system gives no random bytes\n", stderr);
		abort();
	}
}

void tarn_uuid(char text[TARN_UUID_SIZE])
{
	uint8_t b[16];
	random_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(text, TARN_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		 b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

int64_t tarn_random_id(void)
{
	uint64_t value;
	random_bytes((uint8_t *)&value, sizeof(value));
	return (int64_t)(value >> 11) | 1;
}
