#include "stream/sink/zone.h"

#include "base/clock.h"
#include "base/file.h"
#include "cmocka_tarn.h"

#define HOUR INT64_C(3600000)

static const struct {
	const char *zone, *utc;
	int64_t offset; /* minutes */
} cases[] = {
	{ "UTC", "2026-07-01T00:00:00Z", 0 },
	{ "+05:30", "2026-07-01T00:00:00Z", 330 },
	{ "-03:00", "2026-07-01T00:00:00Z", -180 },
	{ "Europe/Warsaw", "2026-03-29T00:59:59Z", 60 },
	{ "Europe/Warsaw", "2026-03-29T01:00:00Z", 120 },
	{ "Europe/Warsaw", "2026-10-25T00:59:59Z", 120 },
	{ "Europe/Warsaw", "2026-10-25T01:00:00Z", 60 },
	{ "Europe/Warsaw", "2099-07-01T00:00:00Z", 120 }, /* by the rule in the footer */
	{ "Europe/Warsaw", "2099-12-01T00:00:00Z", 60 },
	{ "America/New_York", "2026-03-08T06:59:59Z", -300 },
	{ "America/New_York", "2026-03-08T07:00:00Z", -240 },
	{ "America/New_York", "2080-03-10T07:00:00Z", -240 },
	{ "Australia/Sydney", "2090-01-15T00:00:00Z", 660 }, /* summer goes over the new year */
	{ "Australia/Sydney", "2090-07-15T00:00:00Z", 600 },
	{ "Asia/Tokyo", "2026-07-01T00:00:00Z", 540 },
	{ "Europe/London", "1970-01-01T00:00:00Z", 60 },
};

static void offsets_are_those_of_the_database(void **state)
{
	(void)state;
	if (!tarn_file_exists("/usr/share/zoneinfo/Europe/Warsaw"))
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_zone *zone;
		int64_t us;
		assert_true(tarn_parse_timestamp(cases[i].utc, &us));
		assert_int_equal(tarn_zone_load(cases[i].zone, &zone, NULL), TARN_OK);
		if (tarn_zone_offset(zone, us / 1000) != cases[i].offset * 60000)
			fail_msg("%s at %s: %lld", cases[i].zone, cases[i].utc,
				 (long long)tarn_zone_offset(zone, us / 1000));
		tarn_zone_free(zone);
	}
}

static void unknown_names_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = { "",       "Nowhere/Town", "../../../etc/passwd", "/etc/localtime",
					     "+25:00", "+1x" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct tarn_zone *zone;
		assert_int_equal(tarn_zone_load(names[i], &zone, NULL), TARN_EINVALID);
	}
}

static void no_prefix_of_a_file_is_one(void **state)
{
	(void)state;
	struct tarn_buf file;
	tarn_buf_init(&file, 1 << 20);
	if (tarn_file_read("/usr/share/zoneinfo/Europe/Warsaw", &file, NULL)) {
		tarn_buf_release(&file);
		skip();
	}
	for (size_t len = 0; len < file.len; len++) {
		struct tarn_zone *zone;
		uint8_t *part = test_malloc(len + 1);
		memcpy(part, file.data, len);
		assert_int_equal(tarn_zone_parse(tarn_slice_of(part, len), &zone, NULL), TARN_EINVALID);
		test_free(part);
	}
	tarn_buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_are_those_of_the_database),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(no_prefix_of_a_file_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
