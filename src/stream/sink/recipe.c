#include "stream/sink/recipe.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Room that is left when a recipe counts as full: one more cut and clock, and the rest of the text. */
#define RESERVE ((size_t)400)
enum { NUMBER_SIZE = 21 };

void tarn_recipe_release(struct tarn_recipe *recipe)
{
	free(recipe->cuts);
	free(recipe->clocks);
	memset(recipe, 0, sizeof(*recipe));
}

void tarn_recipe_clear(struct tarn_recipe *recipe)
{
	recipe->n_cuts = recipe->n_clocks = recipe->text_size = 0;
}

void tarn_recipe_cut(struct tarn_recipe *recipe, int64_t offset)
{
	recipe->cuts = tarn_grow(recipe->cuts, &recipe->cap_cuts, recipe->n_cuts + 1, sizeof(*recipe->cuts));
	recipe->cuts[recipe->n_cuts++] = offset;
	recipe->text_size += NUMBER_SIZE;
}

void tarn_recipe_set_clock(struct tarn_recipe *recipe, int64_t offset, int64_t time)
{
	recipe->clocks = tarn_grow(recipe->clocks, &recipe->cap_clocks, recipe->n_clocks + 1, sizeof(*recipe->clocks));
	recipe->clocks[recipe->n_clocks++] = (struct tarn_recipe_clock){ offset, time };
	recipe->text_size += 2 * NUMBER_SIZE;
}

bool tarn_recipe_is_full(const struct tarn_recipe *recipe)
{
	return recipe->text_size + RESERVE >= TARN_RECIPE_MAX_TEXT;
}

void tarn_recipe_write(const struct tarn_recipe *recipe, struct tarn_buf *out)
{
	tarn_buf_printf(out, "v1 end=%" PRId64 " size=%d", recipe->end, recipe->flush_size);
	for (size_t i = 0; i < recipe->n_cuts; i++)
		tarn_buf_printf(out, "%s%" PRId64, i ? "," : " cut=", recipe->cuts[i]);
	for (size_t i = 0; i < recipe->n_clocks; i++)
		tarn_buf_printf(out, "%s%" PRId64 ":%" PRId64, i ? "," : " clock=", recipe->clocks[i].offset,
				recipe->clocks[i].time);
}

static bool take_number(const char **at, int64_t *number)
{
	char *end;
	long long value = strtoll(*at, &end, 10);
	if (end == *at || value < 0)
		return false;
	*number = value;
	*at = end;
	return true;
}

static bool take_word(const char **at, const char *word)
{
	size_t len = strlen(word);
	if (strncmp(*at, word, len))
		return false;
	*at += len;
	return true;
}

static bool take_cuts(const char **at, struct tarn_recipe *recipe)
{
	int64_t offset;
	do {
		if (!take_number(at, &offset) || (recipe->n_cuts && recipe->cuts[recipe->n_cuts - 1] >= offset))
			return false;
		tarn_recipe_cut(recipe, offset);
	} while (take_word(at, ","));
	return true;
}

static bool take_clocks(const char **at, struct tarn_recipe *recipe)
{
	int64_t offset, time;
	do {
		if (!take_number(at, &offset) || !take_word(at, ":") || !take_number(at, &time))
			return false;
		tarn_recipe_set_clock(recipe, offset, time);
	} while (take_word(at, ","));
	return true;
}

enum tarn_rc tarn_recipe_read(const char *text, struct tarn_recipe *recipe, struct tarn_err *err)
{
	struct tarn_recipe read = { 0 };
	const char *at = text;
	int64_t size = 0;
	bool good = take_word(&at, "v1 end=") && take_number(&at, &read.end) && take_word(&at, " size=") &&
		    take_number(&at, &size) && size > 0 && size <= INT32_MAX;
	read.flush_size = (int32_t)size;
	if (good && take_word(&at, " cut="))
		good = take_cuts(&at, &read);
	if (good && take_word(&at, " clock="))
		good = take_clocks(&at, &read);
	if (good && !*at) {
		tarn_recipe_release(recipe);
		*recipe = read;
		return TARN_OK;
	}
	tarn_recipe_release(&read);
	return tarn_fail(err, TARN_EINVALID, "\"%s\" is no recipe of objects", text);
}
