/* Smallest and largest value of a page, a chunk, a file. Numbers are held as keys that order as 64-bit integers,
 * everything else as up to TARN_BOUND_SIZE bytes that order as unsigned bytes. NaNs are not shown to it. */
#ifndef TARN_STORE_PARQUET_VALUE_BOUNDS_H
#define TARN_STORE_PARQUET_VALUE_BOUNDS_H

#include "store/parquet/tree.h"

enum { TARN_BOUND_SIZE = 64 };

struct tarn_bound {
	uint8_t bytes[TARN_BOUND_SIZE];
	uint8_t len;
	bool cut; /* the value goes on behind these bytes */
};

struct tarn_bounds {
	bool any;
	int64_t min, max;
	struct tarn_bound low, high;
};

/* Whether values of this leaf are held as bytes. */
bool tarn_bounds_in_bytes(const struct tarn_parquet_leaf *leaf);

/* IEEE doubles (and floats widened to them) in total order: -0.0 before 0.0. */
static inline int64_t tarn_key_of_double(double value)
{
	int64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}
static inline double tarn_double_of_key(int64_t key)
{
	int64_t bits = key ^ (int64_t)((uint64_t)(key >> 63) >> 1);
	double value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline void tarn_bounds_add_keys(struct tarn_bounds *bounds, int64_t min, int64_t max)
{
	if (!bounds->any || min < bounds->min)
		bounds->min = min;
	if (!bounds->any || max > bounds->max)
		bounds->max = max;
	bounds->any = true;
}
void tarn_bounds_add_bytes(struct tarn_bounds *bounds, struct tarn_slice value);
void tarn_bounds_merge(struct tarn_bounds *bounds, const struct tarn_bounds *more);

enum tarn_bound_form {
	TARN_BOUND_PARQUET, /* PLAIN, without a length; zeros of floating point signed outwards */
	TARN_BOUND_ICEBERG, /* single-value serialization */
};

/* Largest size of a serialized bound: a cut upper bound may grow by three bytes when its last character does. */
enum { TARN_BOUND_TEXT_SIZE = TARN_BOUND_SIZE + 3 };

/* Serializes one end to `out`; *exact is false where it was cut. Returns the length, or -1 where there is none: no
 * values, or an upper bound that cannot be rounded up. */
int tarn_bounds_serialize(const struct tarn_bounds *bounds, const struct tarn_parquet_leaf *leaf, bool upper,
			  enum tarn_bound_form form, uint8_t out[TARN_BOUND_TEXT_SIZE], bool *exact);

/* Order of two ends of the same leaf: negative, 0, positive. */
int tarn_bounds_compare(const struct tarn_bounds *a, const struct tarn_bounds *b, const struct tarn_parquet_leaf *leaf,
			bool upper);

#endif
