#include "stream/sink/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"

#define ZONES "/usr/share/zoneinfo/"
#define MAX_ZONE_FILE ((size_t)1 << 20)

enum { HEADER_SIZE = 44, DAY = 86400, MAX_TRANSITIONS = 1 << 16 };

/* One end of a footer's rule: day `day` in week `week` (5: the last) of `month`, or day `day` of the year. */
struct change {
	char form; /* 'M', 'J' (1 to 365, without 29 February) or 'D' (0 to 365) */
	int month, week, day;
	int64_t at; /* seconds after midnight, wall time */
};

struct rule {
	bool has_summer;
	int64_t standard, summer; /* seconds to add to UTC */
	struct change begin, end;
};

struct tarn_zone {
	size_t n;
	int64_t *at;	  /* UTC seconds */
	int32_t *offsets; /* from then on */
	int32_t before;	  /* the first transition */
	bool has_rule;
	struct rule rule;
};

void tarn_zone_free(struct tarn_zone *zone)
{
	if (!zone)
		return;
	free(zone->at);
	free(zone->offsets);
	free(zone);
}

/* ---- calendar ---- */

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to 1 January of the year. */
static int64_t days_before_year(int64_t year)
{
	int64_t y = year - 1;
	return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int64_t days_before_month(int64_t year, int month)
{
	static const int days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	return days[month - 1] + (month > 2 && is_leap(year));
}

static int64_t year_of(int64_t seconds)
{
	int64_t year = 1970 + seconds / (365 * (int64_t)DAY + DAY / 4);
	while (days_before_year(year + 1) * DAY <= seconds)
		year++;
	while (days_before_year(year) * DAY > seconds)
		year--;
	return year;
}

static int days_in_month(int64_t year, int month)
{
	if (month == 12)
		return 31;
	return (int)(days_before_month(year, month + 1) - days_before_month(year, month));
}

/* Wall-clock seconds since 1970 at which the change happens in that year. */
static int64_t change_in(const struct change *change, int64_t year)
{
	int64_t days = days_before_year(year);
	if (change->form == 'J') {
		days += change->day - 1 + (change->day > 59 && is_leap(year));
	} else if (change->form == 'D') {
		days += change->day;
	} else {
		days += days_before_month(year, change->month);
		int first = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
		int day = (change->day - first + 7) % 7 + 7 * (change->week - 1);
		while (day >= days_in_month(year, change->month))
			day -= 7;
		days += day;
	}
	return days * DAY + change->at;
}

static int64_t rule_offset(const struct rule *rule, int64_t seconds)
{
	if (!rule->has_summer)
		return rule->standard;
	int64_t year = year_of(seconds + rule->standard);
	int64_t begin = change_in(&rule->begin, year) - rule->standard;
	int64_t end = change_in(&rule->end, year) - rule->summer;
	bool summer = begin < end ? seconds >= begin && seconds < end : !(seconds >= end && seconds < begin);
	return summer ? rule->summer : rule->standard;
}

int64_t tarn_zone_offset(const struct tarn_zone *zone, int64_t utc_ms)
{
	int64_t seconds = utc_ms / 1000 - (utc_ms % 1000 < 0);
	if (zone->has_rule && (!zone->n || seconds >= zone->at[zone->n - 1]))
		return rule_offset(&zone->rule, seconds) * 1000;
	size_t low = 0, high = zone->n; /* the first transition behind `seconds` */
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (zone->at[middle] <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	return (low ? zone->offsets[low - 1] : zone->before) * (int64_t)1000;
}

/* ---- the footer: a TZ text of POSIX, as in "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static bool take_number(const char **at, int *number)
{
	if (!isdigit((unsigned char)**at))
		return false;
	for (*number = 0; isdigit((unsigned char)**at) && *number < 100000; (*at)++)
		*number = 10 * *number + (**at - '0');
	return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(const char **at, int64_t *seconds)
{
	int sign = **at == '-' ? -1 : 1, part;
	if (**at == '-' || **at == '+')
		(*at)++;
	if (!take_number(at, &part))
		return false;
	int64_t total = part * (int64_t)3600;
	for (int unit = 60; unit && **at == ':'; unit /= 60) {
		(*at)++;
		if (!take_number(at, &part))
			return false;
		total += part * (int64_t)unit;
	}
	*seconds = sign * total;
	return true;
}

static bool take_name(const char **at)
{
	const char *start = *at;
	if (**at == '<') {
		while (**at && **at != '>')
			(*at)++;
		return *(*at)++ == '>';
	}
	while (isalpha((unsigned char)**at))
		(*at)++;
	return *at > start;
}

static bool take_change(const char **at, struct change *change)
{
	change->form = **at == 'M' || **at == 'J' ? *(*at)++ : 'D';
	if (change->form == 'M') {
		if (!take_number(at, &change->month) || *(*at)++ != '.' || !take_number(at, &change->week) ||
		    *(*at)++ != '.' || !take_number(at, &change->day) || change->month < 1 || change->month > 12 ||
		    change->week < 1 || change->week > 5 || change->day > 6)
			return false;
	} else if (!take_number(at, &change->day) || change->day > 366) {
		return false;
	}
	change->at = 2 * 3600;
	if (**at != '/')
		return true;
	(*at)++;
	return take_time(at, &change->at);
}

static bool parse_rule(const char *text, struct rule *rule)
{
	if (!take_name(&text) || !take_time(&text, &rule->standard))
		return false;
	rule->standard = -rule->standard; /* POSIX counts westwards */
	rule->has_summer = *text != '\0';
	if (!rule->has_summer)
		return true;
	if (!take_name(&text))
		return false;
	rule->summer = rule->standard + 3600;
	if (*text != ',') {
		if (!take_time(&text, &rule->summer))
			return false;
		rule->summer = -rule->summer;
	}
	return *text++ == ',' && take_change(&text, &rule->begin) && *text++ == ',' && take_change(&text, &rule->end) &&
	       !*text;
}

/* ---- TZif ---- */

struct header {
	uint8_t version;
	uint32_t ut, standard, leap, times, types, chars;
};

static bool take_header(struct tarn_cursor *cursor, struct header *header)
{
	struct tarn_slice start;
	if (!tarn_cursor_take(cursor, 20, &start) || memcmp(start.data, "TZif", 4))
		return false;
	header->version = start.data[4];
	return tarn_cursor_be32(cursor, &header->ut) && tarn_cursor_be32(cursor, &header->standard) &&
	       tarn_cursor_be32(cursor, &header->leap) && tarn_cursor_be32(cursor, &header->times) &&
	       tarn_cursor_be32(cursor, &header->types) && tarn_cursor_be32(cursor, &header->chars) &&
	       header->times <= MAX_TRANSITIONS && header->types <= 256 && header->leap <= 1024 &&
	       header->chars <= 65536 && header->ut <= 256 && header->standard <= 256;
}

static size_t body_size(const struct header *header, size_t time_size)
{
	return header->times * (time_size + 1) + header->types * (size_t)6 + header->chars +
	       header->leap * (time_size + 4) + header->standard + header->ut;
}

static int32_t type_offset(struct tarn_slice types, size_t i)
{
	const uint8_t *at = types.data + 6 * i;
	return (int32_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]);
}

static bool take_transitions(struct tarn_cursor *cursor, const struct header *header, struct tarn_zone *zone)
{
	struct tarn_slice times, indexes, types, rest;
	if (!tarn_cursor_take(cursor, header->times * (size_t)8, &times) ||
	    !tarn_cursor_take(cursor, header->times, &indexes) ||
	    !tarn_cursor_take(cursor, header->types * (size_t)6, &types) ||
	    !tarn_cursor_take(cursor, body_size(header, 8) - times.len - indexes.len - types.len, &rest) ||
	    !header->types)
		return false;
	zone->before = type_offset(types, 0);
	zone->n = header->times;
	zone->at = tarn_malloc(zone->n * sizeof(*zone->at) + 1);
	zone->offsets = tarn_malloc(zone->n * sizeof(*zone->offsets) + 1);
	for (size_t i = 0; i < zone->n; i++) {
		uint64_t bits = 0;
		for (size_t j = 0; j < 8; j++)
			bits = bits << 8 | times.data[8 * i + j];
		if (indexes.data[i] >= header->types)
			return false;
		zone->at[i] = (int64_t)bits;
		zone->offsets[i] = type_offset(types, indexes.data[i]);
	}
	return true;
}

static bool take_footer(struct tarn_cursor *cursor, struct tarn_zone *zone)
{
	char text[128];
	size_t left = tarn_cursor_left(cursor);
	if (left < 2 || left > sizeof(text) || *cursor->at != '\n' || cursor->at[left - 1] != '\n')
		return false;
	memcpy(text, cursor->at + 1, left - 2);
	text[left - 2] = '\0';
	zone->has_rule = *text != '\0';
	return !zone->has_rule || parse_rule(text, &zone->rule);
}

enum tarn_rc tarn_zone_parse(struct tarn_slice file, struct tarn_zone **zone, struct tarn_err *err)
{
	struct tarn_cursor cursor = tarn_cursor_of(file);
	struct tarn_zone *read = tarn_calloc(1, sizeof(*read));
	struct header header;
	struct tarn_slice old;
	if (take_header(&cursor, &header) && header.version >= '2' &&
	    tarn_cursor_take(&cursor, body_size(&header, 4), &old) && take_header(&cursor, &header) &&
	    take_transitions(&cursor, &header, read) && take_footer(&cursor, read)) {
		*zone = read;
		return TARN_OK;
	}
	tarn_zone_free(read);
	return tarn_fail_at(err, TARN_EINVALID, tarn_cursor_position(&cursor),
			    "no file of a time zone of version 2 or later");
}

/* ---- names ---- */

static bool fixed_offset(const char *name, int64_t *seconds)
{
	*seconds = 0;
	if (!strcmp(name, "UTC") || !strcmp(name, "Z") || !strcmp(name, "GMT") || !strcmp(name, "Etc/UTC"))
		return true;
	return (*name == '+' || *name == '-') && take_time(&name, seconds) && !*name && *seconds > -DAY &&
	       *seconds < DAY;
}

enum tarn_rc tarn_zone_load(const char *name, struct tarn_zone **zone, struct tarn_err *err)
{
	int64_t seconds;
	if (fixed_offset(name, &seconds)) {
		*zone = tarn_calloc(1, sizeof(**zone));
		(*zone)->before = (int32_t)seconds;
		return TARN_OK;
	}
	if (!*name || *name == '/' || *name == '.' || strstr(name, ".."))
		return tarn_fail(err, TARN_EINVALID, "time zone \"%s\": expected an IANA name or an offset", name);
	char *path = tarn_asprintf("%s%s", ZONES, name);
	struct tarn_buf file;
	tarn_buf_init(&file, MAX_ZONE_FILE);
	enum tarn_rc rc = tarn_file_read(path, &file, err);
	if (rc == TARN_ENOTFOUND || rc == TARN_EIO)
		rc = tarn_fail(err, TARN_EINVALID, "time zone \"%s\" is not in %s", name, ZONES);
	if (!rc)
		rc = tarn_zone_parse(tarn_buf_slice(&file), zone, err);
	tarn_buf_release(&file);
	free(path);
	return rc;
}
