#include "base/parallel.h"

#include <stdatomic.h>

#include "cmocka_tarn.h"

enum { MOST = 1000 };

struct count {
	atomic_int calls[MOST];
};

static void count_call(void *context, size_t i)
{
	struct count *count = context;
	atomic_fetch_add(&count->calls[i], 1);
}

static void every_index_is_called_once(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 2, 7, MOST }, threads[] = { 0, 1, 2, 5, 200 };
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (size_t t = 0; t < sizeof(threads) / sizeof(*threads); t++) {
			struct count count = { 0 };
			tarn_parallel(sizes[s], threads[t], count_call, &count);
			for (size_t i = 0; i < MOST; i++)
				assert_int_equal(atomic_load(&count.calls[i]), i < sizes[s] ? 1 : 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_index_is_called_once) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
