/* Of which state of the tables a ledger says that it is. */
#include "cmocka_tarn.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "process/run/ledger.h"

/* ---- the table ---- */

static const struct tarn_field fields[] = { { .id = 1, .name = "a", .kind = TARN_TYPE_STRING } };
static const struct tarn_table_definition definition = { .name = "t", .fields = fields, .n_fields = 1 };

#define SNAPSHOT(id, parent, number, more)                                                                             \
	"{\"sequence-number\":" #number ",\"snapshot-id\":" #id parent                                                 \
	",\"timestamp-ms\":1000,\"summary\":{\"operation\":\"append\"" more                                            \
	"},\"manifest-list\":\"l\",\"schema-id\":0}"
#define PARENT(id) ",\"parent-snapshot-id\":" #id
#define RUN ",\"tarn.run-id\":\"r\""

static struct tarn_table *make_table(const char *current, const char *snapshots)
{
	struct tarn_table *bare = tarn_table_new(&definition, "file:///t", NULL, 1), *table;
	struct tarn_buf json;
	struct tarn_err err;
	char *text, *end, *number;

	tarn_buf_init(&json, 1 << 20);
	assert_int_equal(tarn_table_write(bare, &json, NULL), TARN_OK);
	tarn_buf_add_byte(&json, '\0');
	end = strstr((char *)json.data, "\"current-snapshot-id\"");
	assert_non_null(end);
	text = tarn_asprintf("%.*s\"current-snapshot-id\":%s,\"snapshots\":[%s]}", (int)(end - (char *)json.data),
			     (char *)json.data, current, snapshots);
	number = strstr(text, "\"last-sequence-number\":0");
	assert_non_null(number);
	number[strlen("\"last-sequence-number\":")] = '9';
	if (tarn_table_parse(tarn_slice_str(text), &table, &err))
		fail_msg("%s", err.message);
	free(text);
	tarn_buf_release(&json);
	tarn_table_free(bare);
	return table;
}

static void test_the_newest_run_counts(void **state)
{
	static const struct {
		const char *current, *snapshots;
		int64_t position;
	} cases[] = {
		{ "-1", "", 0 },
		{ "5", SNAPSHOT(5, "", 1, RUN), 5 },
		/* somebody else behind the run, or alone */
		{ "6", SNAPSHOT(5, "", 1, RUN) "," SNAPSHOT(6, PARENT(5), 2, ""), 5 },
		{ "6", SNAPSHOT(6, "", 2, ""), 0 },
		/* rolled back */
		{ "5", SNAPSHOT(5, "", 1, RUN) "," SNAPSHOT(6, PARENT(5), 2, RUN), 5 },
		/* the parent has expired */
		{ "6", SNAPSHOT(6, PARENT(5), 2, ""), 0 },
		{ "6", SNAPSHOT(6, PARENT(5), 2, RUN), 6 },
	};

	(void)state;
	assert_int_equal(tarn_position_of(NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_table *table = make_table(cases[i].current, cases[i].snapshots);

		assert_int_equal(tarn_position_of(table), cases[i].position);
		tarn_table_free(table);
	}
}

/* ---- the ledger ---- */

static void check_position(sqlite3 *db, const char *source, int64_t expected)
{
	int64_t position;

	assert_int_equal(tarn_ledger_position(db, source, &position, NULL), TARN_OK);
	assert_int_equal(position, expected);
}

static void move(sqlite3 *db, const char *source, int64_t before, int64_t position)
{
	assert_int_equal(tarn_ledger_move(db, source, before, position, NULL), TARN_OK);
}

static void test_sources_that_were_up_to_date_stay_so(void **state)
{
	sqlite3 *db;

	(void)state;
	check_position(NULL, "a", -1);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	check_position(db, "a", -1);
	move(db, "a", 0, 11);
	check_position(db, "a", 11);
	check_position(db, "b", -1);
	/* b comes in, a goes along */
	move(db, "b", 11, 12);
	check_position(db, "a", 12);
	check_position(db, "b", 12);
	/* another machine has written: only a was brought after it */
	move(db, "a", 20, 20);
	check_position(db, "b", 12);
	move(db, "a", 20, 21);
	check_position(db, "a", 21);
	check_position(db, "b", 12);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_newest_run_counts),
		cmocka_unit_test(test_sources_that_were_up_to_date_stay_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
