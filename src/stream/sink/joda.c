#include "stream/sink/joda.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char letters[] = "GCYxyweEDMdaKhHkmsSZ";

static const char *const months[] = { "January", "February", "March",	  "April",   "May",	 "June",
				      "July",	 "August",   "September", "October", "November", "December" };
static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

struct moment {
	struct tm tm;
	int millisecond;
	int64_t offset;
};

static struct moment moment_of(int64_t local_ms, int64_t offset)
{
	int64_t seconds = local_ms / 1000 - (local_ms % 1000 < 0);
	struct moment moment = { .millisecond = (int)(local_ms - seconds * 1000), .offset = offset };
	time_t time = seconds;
	gmtime_r(&time, &moment.tm);
	return moment;
}

/* ISO 8601's year and number of the week. */
static int iso(const struct moment *moment, const char *format)
{
	char text[16];
	strftime(text, sizeof(text), format, &moment->tm);
	return atoi(text);
}

static int number_of(const struct moment *moment, char letter)
{
	const struct tm *tm = &moment->tm;
	switch (letter) {
	case 'C': return (tm->tm_year + 1900) / 100;
	case 'Y':
	case 'y': return tm->tm_year + 1900;
	case 'x': return iso(moment, "%G");
	case 'w': return iso(moment, "%V");
	case 'e': return tm->tm_wday ? tm->tm_wday : 7;
	case 'D': return tm->tm_yday + 1;
	case 'M': return tm->tm_mon + 1;
	case 'd': return tm->tm_mday;
	case 'K': return tm->tm_hour % 12;
	case 'h': return tm->tm_hour % 12 ? tm->tm_hour % 12 : 12;
	case 'H': return tm->tm_hour;
	case 'k': return tm->tm_hour ? tm->tm_hour : 24;
	case 'm': return tm->tm_min;
	default: return tm->tm_sec;
	}
}

static void put_name(const char *name, int count, struct tarn_buf *out)
{
	tarn_buf_printf(out, count < 4 ? "%.3s" : "%s", name);
}

static void put_fraction(int millisecond, int count, struct tarn_buf *out)
{
	char digits[8];
	snprintf(digits, sizeof(digits), "%03d", millisecond % 1000);
	for (int i = 0; i < count; i++)
		tarn_buf_add_byte(out, i < 3 ? (uint8_t)digits[i] : '0');
}

static void put_offset(int64_t offset, int count, struct tarn_buf *out)
{
	int minutes = (int)(llabs(offset) / 60000);
	tarn_buf_printf(out, count > 1 ? "%c%02d:%02d" : "%c%02d%02d", offset < 0 ? '-' : '+', minutes / 60,
			minutes % 60);
}

static void put_part(const struct moment *moment, char letter, int count, struct tarn_buf *out)
{
	if (letter == 'G')
		tarn_buf_add_str(out, "AD");
	else if (letter == 'E')
		put_name(days[moment->tm.tm_wday], count, out);
	else if (letter == 'M' && count > 2)
		put_name(months[moment->tm.tm_mon], count, out);
	else if (letter == 'a')
		tarn_buf_add_str(out, moment->tm.tm_hour < 12 ? "AM" : "PM");
	else if (letter == 'S')
		put_fraction(moment->millisecond, count, out);
	else if (letter == 'Z')
		put_offset(moment->offset, count, out);
	else if (strchr("Yyx", letter) && count == 2)
		tarn_buf_printf(out, "%02d", number_of(moment, letter) % 100);
	else
		tarn_buf_printf(out, "%0*d", count, number_of(moment, letter));
}

/* The quoted text at *at; moves behind it. out may be NULL. False where the quote does not end. */
static bool take_quoted(const char **at, struct tarn_buf *out)
{
	const char *c = *at + 1;
	if (*c == '\'') { /* '' outside of a quote */
		if (out)
			tarn_buf_add_byte(out, '\'');
		*at = c + 1;
		return true;
	}
	for (; *c; c++) {
		if (*c == '\'' && c[1] != '\'') {
			*at = c + 1;
			return true;
		}
		if (*c == '\'')
			c++;
		if (out)
			tarn_buf_add_byte(out, (uint8_t)*c);
	}
	return false;
}

static int run_length(const char *at)
{
	int count = 1;
	while (at[count] == *at && count < 64)
		count++;
	return count;
}

enum tarn_rc tarn_joda_check(const char *pattern, struct tarn_err *err)
{
	for (const char *at = pattern; *at;) {
		if (*at == '\'') {
			if (!take_quoted(&at, NULL))
				return tarn_fail(err, TARN_EINVALID, "pattern \"%s\": a quoted text does not end",
						 pattern);
		} else if (isalpha((unsigned char)*at) && !strchr(letters, *at)) {
			return tarn_fail(err, TARN_EINVALID,
					 "pattern \"%s\": the letter '%c' means nothing, expected one of %s", pattern,
					 *at, letters);
		} else {
			at++;
		}
	}
	return TARN_OK;
}

void tarn_joda_format(const char *pattern, int64_t local_ms, int64_t offset, struct tarn_buf *out)
{
	struct moment moment = moment_of(local_ms, offset);
	for (const char *at = pattern; *at;) {
		if (*at == '\'') {
			if (!take_quoted(&at, out))
				return;
		} else if (isalpha((unsigned char)*at)) {
			int count = run_length(at);
			put_part(&moment, *at, count, out);
			at += count;
		} else {
			tarn_buf_add_byte(out, (uint8_t)*at++);
		}
	}
}
