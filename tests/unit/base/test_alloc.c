#include "base/alloc.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_tarn.h"

static void arena_memory_is_aligned_and_apart(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4000, 4096, 5000, 1 << 20, (1 << 20) + 1, 3 };
	enum { N = sizeof(sizes) / sizeof(*sizes) };
	unsigned char *pieces[N];
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	for (size_t i = 0; i < N; i++) {
		pieces[i] = tarn_arena_alloc(&arena, sizes[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		memset(pieces[i], (int)i, sizes[i]);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(pieces[i][at], i);
	tarn_arena_release(&arena);
	assert_null(arena.blocks);
}

static void cleared_arena_gives_its_memory_again(void **state)
{
	(void)state;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	tarn_arena_clear(&arena);
	tarn_arena_alloc(&arena, 100000);
	void *newest = tarn_arena_alloc(&arena, 100000);
	tarn_arena_clear(&arena);
	assert_ptr_equal(tarn_arena_alloc(&arena, 64), newest);
	tarn_arena_release(&arena);
}

static void arena_text_is_copied(void **state)
{
	(void)state;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	char text[] = "Hamiltonian";
	char *whole = tarn_arena_strdup(&arena, text);
	char *part = tarn_arena_strndup(&arena, text, 3);
	memset(text, 'x', sizeof(text) - 1);
	assert_string_equal(whole, "Hamiltonian");
	assert_string_equal(part, "Ham");
	assert_string_equal(tarn_arena_printf(&arena, "%s %d", whole, 7), "Hamiltonian 7");
	char *wide = tarn_arena_printf(&arena, "%10000d|", 1);
	assert_int_equal(strlen(wide), 10001);
	assert_memory_equal(tarn_arena_zalloc(&arena, 3), "\0\0", 3);
	tarn_arena_release(&arena);
}

static void grown_arrays_keep_their_items(void **state)
{
	(void)state;
	int *items = NULL;
	size_t capacity = 0, len = 0, grown = 0;
	for (; len < 10000; len++) {
		size_t before = capacity;
		items = tarn_grow(items, &capacity, len + 1, sizeof(*items));
		grown += capacity != before;
		items[len] = (int)len;
	}
	for (size_t i = 0; i < len; i++)
		assert_int_equal(items[i], i);
	assert_true(grown < 30);
	items = tarn_grow(items, &capacity, 1000000, sizeof(*items));
	assert_true(capacity >= 1000000);
	free(items);
}

static void nothing_and_text_from_the_heap(void **state)
{
	(void)state;
	free(tarn_malloc(0));
	free(tarn_calloc(0, 8));
	char *text = tarn_asprintf("%s+%d+%010d.avro", "experiment.vqe", 1, 5);
	assert_string_equal(text, "experiment.vqe+1+0000000005.avro");
	char *copy = tarn_strdup(text);
	assert_string_equal(copy, text);
	free(copy);
	free(text);
}

/* A size near SIZE_MAX must not wrap around into a small block. */
static void take_far_too_much(size_t size)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	unsigned char *memory = tarn_arena_alloc(&arena, size);
	memory[0] = 1;
	_exit(0);
}

static void absurd_sizes_abort(void **state)
{
	(void)state;
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 16, SIZE_MAX - 31, SIZE_MAX - 47 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		pid_t child = fork();
		if (!child) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
			signal(SIGABRT, SIG_DFL);
			close(STDERR_FILENO);
			take_far_too_much(sizes[i]);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_memory_is_aligned_and_apart),
		cmocka_unit_test(cleared_arena_gives_its_memory_again),
		cmocka_unit_test(arena_text_is_copied),
		cmocka_unit_test(grown_arrays_keep_their_items),
		cmocka_unit_test(nothing_and_text_from_the_heap),
		cmocka_unit_test(absurd_sizes_abort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
