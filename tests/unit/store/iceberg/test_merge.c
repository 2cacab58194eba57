#include "store/iceberg/manifest.h"

#include "cmocka_tarn.h"

enum { COMMITS = 5000, MOST = 64, ENTRY_BYTES = 500 };

struct history {
	struct tarn_manifest manifests[MOST];
	size_t n;
	int64_t rewritten;
};

static void append(struct history *history, int64_t files)
{
	bool merged[MOST];
	struct history next = { .n = 1, .rewritten = history->rewritten };
	tarn_manifests_choose(history->manifests, history->n, 0, files, merged);
	for (size_t i = 0; i < history->n; i++) {
		int64_t live = tarn_manifest_live_files(&history->manifests[i]);
		if (merged[i])
			next.rewritten += live;
		files += merged[i] ? live : 0;
		if (!merged[i])
			next.manifests[next.n++] = history->manifests[i];
		assert_in_range(next.n, 0, MOST - 1);
	}
	next.manifests[0] = (struct tarn_manifest){ .existing_files = (int32_t)files, .length = files * ENTRY_BYTES };
	*history = next;
}

static void manifests_grow_with_the_logarithm(void **state)
{
	(void)state;
	struct history history = { .n = 0 };
	size_t most = 0;
	for (int i = 0; i < COMMITS; i++) {
		append(&history, 1);
		most = history.n > most ? history.n : most;
	}
	/* 8^4 <= 5,000 files < 8^5 */
	assert_in_range(most, 1, 7 * 5);
	assert_in_range(history.rewritten, 1, COMMITS * 5);
}

static void appends_of_any_size_stay_few(void **state)
{
	(void)state;
	struct history history = { .n = 0 };
	for (int i = 0; i < COMMITS; i++)
		append(&history, 1 + i * 7919 % 40);
	assert_in_range(history.n, 1, 7 * 6 + 12); /* classes, and what is past 1 MiB */
}

static void some_are_never_touched(void **state)
{
	(void)state;
	struct tarn_manifest manifests[14];
	bool merged[14];
	for (size_t i = 0; i < 14; i++)
		manifests[i] = (struct tarn_manifest){ .added_files = 1, .length = 5000 };
	manifests[1].content = TARN_MANIFEST_DELETES;
	manifests[2].spec_id = 1;
	manifests[3].length = 2 << 20;
	manifests[4].added_files = 0;
	manifests[5].existing_files = 7;
	manifests[6].key_metadata = tarn_slice_str("k");
	tarn_manifests_choose(manifests, 14, 0, 1, merged);
	for (size_t i = 0; i < 14; i++)
		assert_int_equal(merged[i], i == 0 || i > 6);
	tarn_manifests_choose(manifests, 12, 0, 1, merged);
	for (size_t i = 0; i < 12; i++)
		assert_false(merged[i]);
	tarn_manifests_choose(manifests, 14, 0, 0, merged);
	for (size_t i = 0; i < 14; i++)
		assert_false(merged[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests_grow_with_the_logarithm),
		cmocka_unit_test(appends_of_any_size_stay_few),
		cmocka_unit_test(some_are_never_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
