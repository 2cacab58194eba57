#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t size)
{
	fprintf(stderr, "tarn: out of memory (%zu bytes wanted)\n", size);
	abort();
}

void *tarn_malloc(size_t size)
{
	void *memory = malloc(size ? size : 1);
	if (!memory)
		out_of_memory(size);
	return memory;
}

void *tarn_calloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);
	if (!memory)
		out_of_memory(size);
	return memory;
}

void *tarn_realloc(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);
	if (!memory)
		out_of_memory(size);
	return memory;
}

char *tarn_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(tarn_malloc(size), text, size);
}

char *tarn_asprintf(const char *fmt, ...)
{
	va_list args;
	char *text = NULL;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		out_of_memory(0);
	return text;
}

void *tarn_grow(void *items, size_t *capacity, size_t needed, size_t item_size)
{
	if (needed <= *capacity && items)
		return items;
	size_t wanted = *capacity < 8 ? 8 : *capacity + *capacity / 2;
	if (wanted < needed)
		wanted = needed;
	if (wanted > SIZE_MAX / 2 / item_size)
		out_of_memory(SIZE_MAX);
	*capacity = wanted;
	return tarn_realloc(items, wanted * item_size);
}

enum { ARENA_ALIGN = 16, ARENA_FIRST_BLOCK = 4096, ARENA_LARGEST_BLOCK = 1 << 20 };

struct tarn_arena_block {
	struct tarn_arena_block *older;
	size_t size;
	unsigned char data[] __attribute__((aligned(16)));
};

void tarn_arena_init(struct tarn_arena *arena)
{
	*arena = (struct tarn_arena){ 0 };
}

static void free_blocks(struct tarn_arena_block *block)
{
	while (block) {
		struct tarn_arena_block *older = block->older;
		free(block);
		block = older;
	}
}

void tarn_arena_release(struct tarn_arena *arena)
{
	free_blocks(arena->blocks);
	tarn_arena_init(arena);
}

void tarn_arena_clear(struct tarn_arena *arena)
{
	struct tarn_arena_block *newest = arena->blocks;
	if (!newest)
		return;
	free_blocks(newest->older);
	newest->older = NULL;
	arena->at = newest->data;
	arena->end = newest->data + newest->size;
}

static void add_block(struct tarn_arena *arena, size_t at_least)
{
	size_t size = arena->blocks ? arena->blocks->size * 2 : ARENA_FIRST_BLOCK;
	if (size > ARENA_LARGEST_BLOCK)
		size = ARENA_LARGEST_BLOCK;
	if (size < at_least)
		size = at_least;
	struct tarn_arena_block *block = tarn_malloc(sizeof(*block) + size);
	block->older = arena->blocks;
	block->size = size;
	arena->blocks = block;
	arena->at = block->data;
	arena->end = block->data + size;
}

void *tarn_arena_alloc(struct tarn_arena *arena, size_t size)
{
	size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (rounded < size || rounded > PTRDIFF_MAX)
		out_of_memory(size);
	if ((size_t)(arena->end - arena->at) < rounded || !arena->at)
		add_block(arena, rounded ? rounded : ARENA_ALIGN);
	void *memory = arena->at;
	arena->at += rounded;
	return memory;
}

void *tarn_arena_zalloc(struct tarn_arena *arena, size_t size)
{
	return memset(tarn_arena_alloc(arena, size), 0, size);
}

void *tarn_arena_copy(struct tarn_arena *arena, const void *data, size_t size)
{
	void *copy = tarn_arena_alloc(arena, size);
	return size ? memcpy(copy, data, size) : copy;
}

char *tarn_arena_strndup(struct tarn_arena *arena, const char *text, size_t len)
{
	char *copy = tarn_arena_alloc(arena, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *tarn_arena_strdup(struct tarn_arena *arena, const char *text)
{
	return tarn_arena_strndup(arena, text, strlen(text));
}

char *tarn_arena_printf(struct tarn_arena *arena, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = tarn_arena_alloc(arena, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return text;
}
