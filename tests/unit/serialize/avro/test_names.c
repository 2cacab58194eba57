#include "serialize/avro/names.h"

#include <stdio.h>

#include "cmocka_tarn.h"

static void names_have_their_positions(void **state)
{
	(void)state;
	enum { NAMES = 1000 };
	struct tarn_arena arena;
	struct tarn_avro_names names = { 0 };
	tarn_arena_init(&arena);
	for (int32_t i = 0; i < NAMES; i++) {
		const char *name = tarn_arena_printf(&arena, "name%d", i);
		assert_int_equal(tarn_avro_names_find(&names, name), -1);
		tarn_avro_names_add(&names, &arena, name);
		for (int32_t k = i > 20 ? i - 20 : 0; k <= i; k++) {
			char known[32];
			snprintf(known, sizeof(known), "name%d", k);
			assert_int_equal(tarn_avro_names_find(&names, known), k);
		}
	}
	assert_int_equal(tarn_avro_names_find(&names, "name"), -1);
	assert_int_equal(tarn_avro_names_find(&names, ""), -1);
	tarn_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names_have_their_positions) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
