/* Messages of any layout, filled at random: for tests of the codec and as seeds for the fuzzer. */
#ifndef TARN_TESTS_RANDOM_MESSAGE_H
#define TARN_TESTS_RANDOM_MESSAGE_H

#include "stream/broker/codec.h"

static uint64_t seed;

static uint64_t draw(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 17;
}

static void fill(struct tarn_arena *arena, const struct tarn_layout *layout, void *message, int16_t version);

static void fill_value(struct tarn_arena *arena, const struct tarn_field *field, void *at, int16_t version,
		       bool nullable)
{
	static const uint8_t bytes[] = { 0, 1, 2, 0xff, 0x80 }, text[] = { 'o', 0, 'p', 'q', 0 };
	uint64_t value = draw();
	switch ((enum tarn_kind)field->kind) {
	case TARN_KIND_BOOL: *(bool *)at = value & 1; break;
	case TARN_KIND_INT8: *(int8_t *)at = (int8_t)value; break;
	case TARN_KIND_INT16: *(int16_t *)at = (int16_t)value; break;
	case TARN_KIND_INT32: *(int32_t *)at = (int32_t)value; break;
	case TARN_KIND_INT64: *(int64_t *)at = (int64_t)(value << 20 ^ value); break;
	case TARN_KIND_DOUBLE: *(double *)at = (double)value / 3; break;
	case TARN_KIND_UUID: memset(at, (int)value, sizeof(struct tarn_uuid)); break;
	case TARN_KIND_STRING:
		*(const char **)at =
			nullable && value % 3 == 0 ? NULL : tarn_arena_strndup(arena, "long-name", value % 10);
		break;
	case TARN_KIND_OPAQUE:
	case TARN_KIND_BYTES:
	case TARN_KIND_RECORDS:
		*(struct tarn_slice *)at =
			tarn_slice_of(field->kind == TARN_KIND_OPAQUE ? text : bytes, value % (sizeof(bytes) + 1));
		if (nullable && value % 3 == 0 && field->kind != TARN_KIND_RECORDS)
			*(struct tarn_slice *)at = (struct tarn_slice){ NULL, 0 };
		break;
	case TARN_KIND_STRUCT: fill(arena, field->elements(), at, version); break;
	}
}

static size_t element_size(const struct tarn_field *field)
{
	static const size_t sizes[] = {
		[TARN_KIND_INT32] = 4, [TARN_KIND_INT64] = 8, [TARN_KIND_STRING] = sizeof(char *)
	};
	return field->kind == TARN_KIND_STRUCT ? field->elements()->size : sizes[field->kind];
}

static bool has(const struct tarn_field *field, int16_t version)
{
	return version >= field->first && version <= field->last;
}

static void fill(struct tarn_arena *arena, const struct tarn_layout *layout, void *message, int16_t version)
{
	for (size_t i = 0; i < layout->n_fields; i++) {
		const struct tarn_field *field = &layout->fields[i];
		uint8_t *at = (uint8_t *)message + field->at;
		bool nullable = version >= field->nullable;
		if (!has(field, version))
			continue;
		if (!field->is_array && field->kind == TARN_KIND_STRUCT) {
			void *part = nullable && draw() % 3 == 0 ? NULL : tarn_layout_new(arena, field->elements(), 1);
			if (part)
				fill(arena, field->elements(), part, version);
			*(void **)(void *)at = part;
			continue;
		}
		if (!field->is_array) {
			fill_value(arena, field, at, version, nullable);
			continue;
		}
		size_t n = draw() % 4, size = element_size(field);
		uint8_t *items = nullable && n == 3 ? NULL : tarn_arena_zalloc(arena, n * size + 1);
		for (size_t k = 0; items && k < n; k++)
			fill_value(arena, field, items + k * size, version, false);
		*(void **)(void *)at = items;
		*(size_t *)(void *)((uint8_t *)message + field->count_at) = items ? n : 0;
	}
}

#endif
