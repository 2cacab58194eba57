#include "cmocka_tarn.h"

#include "stream/broker/group_offsets.h"

static const struct tarn_group_outputs nobody = { 0 };

static struct tarn_groups *one_group(struct tarn_group **group)
{
	const struct tarn_group_limits limits = TARN_GROUP_LIMITS_DEFAULT;
	struct tarn_groups *groups = tarn_groups_new(&limits, &nobody);
	*group = tarn_groups_make(groups, 0, "g");
	return groups;
}

static struct tarn_group_offset entry(const char *topic, int32_t partition, int64_t offset, int64_t position)
{
	return (struct tarn_group_offset){ topic, partition, offset, -1, { NULL, 0 }, 0, -1, position };
}

static void test_kept_in_order(void **state)
{
	(void)state;
	static const struct {
		const char *topic;
		int32_t partition;
	} put[] = { { "b", 1 }, { "a", 10 }, { "b", 0 }, { "a", 2 }, { "aa", 0 } },
	  kept[] = { { "a", 2 }, { "a", 10 }, { "aa", 0 }, { "b", 0 }, { "b", 1 } };
	struct tarn_group_offsets *offsets = tarn_group_offsets_new();
	for (size_t i = 0; i < 5; i++) {
		const struct tarn_group_offset offset = entry(put[i].topic, put[i].partition, (int64_t)i, 0);
		assert_true(tarn_group_offset_put(offsets, &offset));
	}
	assert_int_equal(tarn_group_offset_count(offsets), 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(tarn_group_offset_at(offsets, i)->topic, kept[i].topic);
		assert_int_equal(tarn_group_offset_at(offsets, i)->partition, kept[i].partition);
	}
	assert_int_equal(tarn_group_offset_find(offsets, "b", 0)->offset, 2);
	assert_null(tarn_group_offset_find(offsets, "b", 2));
	assert_null(tarn_group_offset_find(offsets, "c", 0));
	tarn_group_offset_drop(offsets, "aa", 0, 1);
	assert_null(tarn_group_offset_find(offsets, "aa", 0));
	assert_int_equal(tarn_group_offset_count(offsets), 4);
	tarn_group_offsets_free(offsets);
}

/* The place in the log decides, not the order in which news of it comes. */
static void test_never_goes_back(void **state)
{
	(void)state;
	struct tarn_group_offsets *offsets = tarn_group_offsets_new();
	const struct tarn_group_offset second = entry("t", 0, 20, 8), first = entry("t", 0, 10, 7),
				       third = entry("t", 0, 5, 9);
	assert_true(tarn_group_offset_put(offsets, &second));
	assert_false(tarn_group_offset_put(offsets, &first));
	assert_int_equal(tarn_group_offset_find(offsets, "t", 0)->offset, 20);
	tarn_group_offset_drop(offsets, "t", 0, 7);
	assert_int_equal(tarn_group_offset_find(offsets, "t", 0)->offset, 20);
	/* Who commits an earlier offset on purpose, later, gets it. */
	assert_true(tarn_group_offset_put(offsets, &third));
	assert_int_equal(tarn_group_offset_find(offsets, "t", 0)->offset, 5);
	tarn_group_offsets_free(offsets);
}

static void test_metadata_is_copied(void **state)
{
	(void)state;
	struct tarn_group_offsets *offsets = tarn_group_offsets_new();
	char text[] = "ab\0ut";
	struct tarn_group_offset offset = entry("t", 0, 1, 0);
	offset.metadata = tarn_slice_of(text, sizeof(text));
	assert_true(tarn_group_offset_put(offsets, &offset));
	text[0] = 'X';
	assert_true(tarn_slice_eq(tarn_group_offset_find(offsets, "t", 0)->metadata, tarn_slice_of("ab\0ut", 6)));
	tarn_group_offsets_free(offsets);
}

static void test_transactions(void **state)
{
	(void)state;
	struct tarn_group *group;
	struct tarn_groups *groups = one_group(&group);
	const struct tarn_group_offset mine = entry("t", 0, 10, 1), other = entry("t", 1, 20, 2),
				       later = entry("t", 0, 30, 3);
	tarn_group_txn_put(group->offsets, 7, &mine);
	tarn_group_txn_put(group->offsets, 8, &other);
	assert_true(tarn_group_offsets_busy(group->offsets));
	assert_true(tarn_group_txn_has(group->offsets, "t", 0));
	assert_null(tarn_group_offset_find(group->offsets, "t", 0));
	tarn_groups_txn_end(groups, 7, true);
	assert_false(tarn_group_txn_has(group->offsets, "t", 0));
	assert_true(tarn_group_txn_has(group->offsets, "t", 1));
	assert_int_equal(tarn_group_offset_find(group->offsets, "t", 0)->offset, 10);
	tarn_groups_txn_end(groups, 8, false);
	assert_false(tarn_group_txn_has(group->offsets, "t", 1));
	assert_null(tarn_group_offset_find(group->offsets, "t", 1));
	assert_false(tarn_group_offsets_busy(group->offsets));
	/* A plain commit behind the transaction's records wins over them, though they count only now. */
	tarn_group_txn_put(group->offsets, 9, &mine);
	assert_true(tarn_group_offset_put(group->offsets, &later));
	tarn_groups_txn_end(groups, 9, true);
	assert_int_equal(tarn_group_offset_find(group->offsets, "t", 0)->offset, 30);
	tarn_groups_free(groups);
}

static bool reads_t(const struct tarn_group *group, const char *topic)
{
	(void)group;
	return !strcmp(topic, "t");
}

enum { OUTSIDER, FORMER, STABLE, REBALANCING };
static const struct {
	const char *title;
	int kind;
	int64_t commit_ms, since_ms, expire_ms, now_ms;
	const char *topic;
	bool expired;
} expiries[] = {
	{ "an outsider's counts from its commit", OUTSIDER, 1000, 5000, -1, 1999, "t", false },
	{ "... for the retention", OUTSIDER, 1000, 5000, -1, 2000, "t", true },
	{ "a former consumer's counts from when the group became empty", FORMER, 1000, 5000, -1, 5999, "t", false },
	{ "... for the retention", FORMER, 1000, 5000, -1, 6000, "t", true },
	{ "... or from a later commit", FORMER, 5500, 5000, -1, 6000, "t", false },
	{ "the time that an old client asked for", FORMER, 1000, 5000, 5100, 5100, "t", true },
	{ "... and not before", FORMER, 1000, 5000, 9000, 8999, "t", false },
	{ "a topic that is read", STABLE, 1000, 1000, -1, 90000, "t", false },
	{ "a topic that is read no more", STABLE, 1000, 1000, -1, 90000, "u", true },
	{ "... while the group rebalances", REBALANCING, 1000, 1000, -1, 90000, "u", false },
};

static void test_expiry(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expiries) / sizeof(*expiries); i++) {
		struct tarn_group *group;
		struct tarn_groups *groups = one_group(&group);
		struct tarn_group_offset offset = entry(expiries[i].topic, 0, 1, 0);
		offset.commit_ms = expiries[i].commit_ms;
		offset.expire_ms = expiries[i].expire_ms;
		assert_true(tarn_group_offset_put(group->offsets, &offset));
		const bool has_members = expiries[i].kind >= STABLE;
		const struct tarn_group_loaded loaded = { "g",	expiries[i].kind == OUTSIDER ? NULL : "consumer",
							  NULL, NULL,
							  1,	expiries[i].since_ms,
							  NULL, 0 };
		tarn_groups_load(groups, 0, &loaded);
		struct tarn_group_member member = { .id = (char[]){ "m" } };
		if (has_members) {
			group->members[group->n_members++] = &member;
			group->state = expiries[i].kind == STABLE ? TARN_GROUP_STABLE : TARN_GROUP_PREPARING;
		}
		if (tarn_group_offset_expired(group, 0, expiries[i].now_ms, 1000, reads_t) != expiries[i].expired)
			fail_msg("%s", expiries[i].title);
		tarn_group_commit_begins(group->offsets);
		assert_false(tarn_group_offset_expired(group, 0, expiries[i].now_ms, 1000, reads_t));
		tarn_group_commit_ends(group->offsets);
		group->n_members = 0;
		tarn_groups_free(groups);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_in_order),
		cmocka_unit_test(test_never_goes_back),
		cmocka_unit_test(test_metadata_is_copied),
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_expiry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
