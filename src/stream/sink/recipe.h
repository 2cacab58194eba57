/* What it takes to make a group of objects a second time.
 *
 * Before objects of a Kafka partition become visible, their recipe is committed with the offset that they begin at.
 * Whoever starts from that offset, after a crash or in place of somebody who stalled, reads the same messages and makes
 * the same objects under the same names; so it does not matter how many of them were written before. What depends on
 * chance or clock is in the recipe:
 *
 *   v1 end=<offset> size=<flush.size> cut=<offset>,... clock=<offset>:<ms>,...
 *
 * Objects are written before each cut and at the end, and whenever `size` records are open. From a clock's offset on,
 * the wall clock of the partitioner says its time. It fits the metadata of a Kafka commit (4,096 bytes). */
#ifndef TARN_STREAM_SINK_RECIPE_H
#define TARN_STREAM_SINK_RECIPE_H

#include "base/buf.h"
#include "base/err.h"

#define TARN_RECIPE_MAX_TEXT ((size_t)4000)

struct tarn_recipe_clock {
	int64_t offset, time;
};

struct tarn_recipe {
	int64_t end;
	int32_t flush_size;
	int64_t *cuts; /* rising, as are the clocks' offsets */
	size_t n_cuts, cap_cuts;
	struct tarn_recipe_clock *clocks;
	size_t n_clocks, cap_clocks;
	size_t text_size; /* about */
};

void tarn_recipe_release(struct tarn_recipe *recipe);
void tarn_recipe_clear(struct tarn_recipe *recipe);
void tarn_recipe_cut(struct tarn_recipe *recipe, int64_t offset);
void tarn_recipe_set_clock(struct tarn_recipe *recipe, int64_t offset, int64_t time);
/* No more should be put into it: its text would get too long. */
bool tarn_recipe_is_full(const struct tarn_recipe *recipe);
void tarn_recipe_write(const struct tarn_recipe *recipe, struct tarn_buf *out);
/* TARN_EINVALID where the text is no recipe; the empty text is none either. *recipe is zeroed or filled. */
enum tarn_rc tarn_recipe_read(const char *text, struct tarn_recipe *recipe, struct tarn_err *err) TARN_MUST_CHECK;

#endif
