/* Memory from the heap and from arenas. Running out of memory prints one line and aborts the process: every commit in
 * Tarn survives a kill, so there is no half-done state to unwind. Sizes that come from input are checked against a
 * stated limit before they get here. */
#ifndef TARN_BASE_ALLOC_H
#define TARN_BASE_ALLOC_H

#include <stddef.h>

void *tarn_malloc(size_t size) __attribute__((malloc, returns_nonnull));
void *tarn_calloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *tarn_realloc(void *old, size_t size) __attribute__((returns_nonnull));
char *tarn_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *tarn_asprintf(const char *fmt, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Makes room for one more element in a growing array: `items = tarn_grow(items, &cap, len + 1, sizeof(*items))`. */
void *tarn_grow(void *items, size_t *capacity, size_t needed, size_t item_size) __attribute__((returns_nonnull));

/* An arena gives memory that is freed all at once. One per unit of work; not shared between threads. */
struct tarn_arena {
	struct tarn_arena_block *blocks;
	unsigned char *at, *end;
};

void tarn_arena_init(struct tarn_arena *arena);
void tarn_arena_release(struct tarn_arena *arena);
/* Frees what was given out and keeps the newest block for the next round. */
void tarn_arena_clear(struct tarn_arena *arena);
/* Aligned for any type; not zeroed. */
void *tarn_arena_alloc(struct tarn_arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
void *tarn_arena_zalloc(struct tarn_arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
void *tarn_arena_copy(struct tarn_arena *arena, const void *data, size_t size) __attribute__((returns_nonnull));
char *tarn_arena_strdup(struct tarn_arena *arena, const char *text) __attribute__((returns_nonnull));
char *tarn_arena_strndup(struct tarn_arena *arena, const char *text, size_t len) __attribute__((returns_nonnull));
char *tarn_arena_printf(struct tarn_arena *arena, const char *fmt, ...)
	__attribute__((returns_nonnull, format(printf, 2, 3)));

#endif
